"""Estimators with one deliberate defect each, for the tests of the conformance suite.

`Honest`, `HonestWords` and `HonestIds` keep every promise; each mutant breaks one.
"""

import os
import random
from copy import deepcopy

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from sklearn_replearn._documents import check_documents
from sklearn_replearn._sklearn import _fit_context
from sklearn_replearn.graph import NodeEncoder
from sklearn_replearn.text import LSA


class Honest(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Random projection of centred rows."""

    _parameter_constraints = {
        "scale": ["array-like", float],
        "center": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(self, scale=(1.0,), center=True, random_state=0):
        self.scale = scale
        self.center = center
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        self.offset_ = X.mean(axis=0) if self.center else np.zeros(X.shape[1])
        self.axes_ = self._axes(X.shape[1]) * np.asarray(self.scale)[0]
        return self

    def _axes(self, n_features):
        return check_random_state(self.random_state).standard_normal((n_features, 2))

    def transform(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return self._encode(X)

    def _encode(self, X):
        # One row at a time in einsum: the same arithmetic for any number of rows.
        Z = np.einsum("ij,jk->ik", X - self.offset_, self.axes_)
        return Z.astype(X.dtype, copy=False)

    @property
    def _n_features_out(self):
        return self.axes_.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class BatchDependent(Honest):
    def _encode(self, X):
        return super()._encode(X - X.mean(axis=0))


class OrderDependent(Honest):
    def _encode(self, X):
        Z = super()._encode(X)
        Z[-1] *= 2  # only where it stands matters
        return Z


class ChunkDependent(Honest):
    def _encode(self, X):
        return super()._encode(X) * (1 if len(X) > 5 else 2)


class FitTransformDiffers(Honest):
    def fit_transform(self, X, y=None):
        return self.fit(X, y).transform(X) * 1.01


class IgnoresParameter(Honest):
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        self.offset_ = X.mean(axis=0)
        self.axes_ = self._axes(X.shape[1]) * np.asarray(self.scale)[0]
        return self


class NeverReadsAParameter(IgnoresParameter):
    """Its own defect is found without anything that states what `center` does."""


class FixedWidth(Honest):
    def __init__(self, scale=(1.0,), center=True, n_components=2, random_state=0):
        super().__init__(scale, center, random_state)
        self.n_components = n_components

    def fit(self, X, y=None):
        _ = self.n_components
        return super().fit(X, y)


class SeedsGlobally(Honest):
    def _axes(self, n_features):
        np.random.seed(0)  # noqa: NPY002 - the defect
        return np.random.standard_normal((n_features, 2))  # noqa: NPY002


class UsesPythonsGlobalGenerator(Honest):
    def transform(self, X):
        random.random()
        return super().transform(X)


class IgnoresItsSeed(Honest):
    def _axes(self, n_features):
        return np.random.default_rng().standard_normal((n_features, 2))


class ChangesItsParameter(Honest):
    def fit(self, X, y=None):
        super().fit(X, y)
        self.scale[0] *= 2.0
        return self


class WrongNames(Honest):
    def get_feature_names_out(self, input_features=None):
        return np.array(["only one"], dtype=object)


class RepeatedNames(Honest):
    def get_feature_names_out(self, input_features=None):
        return np.array(["same", "same"], dtype=object)


class CountsWhatItTransforms(Honest):
    def fit(self, X, y=None):
        super().fit(X, y)
        self.n_rows_ = [0]
        return self

    def _encode(self, X):
        self.n_rows_[0] += len(X)
        return super()._encode(X)


class FitTransformInOtherPrecision(Honest):
    def fit_transform(self, X, y=None):
        return self.fit(X, y).transform(X).astype(np.float32)


class NoneIsASeed(Honest):
    def _axes(self, n_features):
        seed = 0 if self.random_state is None else self.random_state
        return np.random.default_rng(seed).standard_normal((n_features, 2))


class CancelsItsParameter(Honest):
    def _encode(self, X):
        return super()._encode(X) / self.scale[0] * 3


class ReadsOnlyWhenFittedAgain(Honest):
    def fit(self, X, y=None):
        again = hasattr(self, "axes_")
        super().fit(X, y)
        if not again:
            self.offset_ = X.mean(axis=0)
        return self


class SharesState(Honest):
    cache = {}

    def fit(self, X, y=None):
        super().fit(X, y)
        self.cache["axes"] = self.axes_ * len(X)
        return self

    def _encode(self, X):
        self.axes_ = self.cache["axes"]
        return super()._encode(X)


class RemembersEarlierFits(Honest):
    def fit(self, X, y=None):
        n_fits = getattr(self, "n_fits_", 0)
        super().fit(X, y)
        self.n_fits_ = n_fits + 1
        self.axes_ = self.axes_ * self.n_fits_
        return self


class Unpicklable(Honest):
    def fit(self, X, y=None):
        super().fit(X, y)
        self.encode_ = lambda X: X
        return self


class KeepsStateInItsModule(Honest):
    def fit(self, X, y=None):
        super().fit(X, y)
        _KEPT_IN_THE_MODULE[type(self).__name__] = self.axes_
        return self

    def _encode(self, X):
        self.axes_ = _KEPT_IN_THE_MODULE[type(self).__name__]
        return super()._encode(X)


_KEPT_IN_THE_MODULE = {}


class EndsOtherProcesses(Honest):
    def fit(self, X, y=None):
        super().fit(X, y)
        self.process_ = os.getpid()
        return self

    def _encode(self, X):
        if os.getpid() != self.process_:
            os._exit(5)
        return super()._encode(X)


class WorksInInit(Honest):
    def __init__(self, scale=(1.0,), center=True, random_state=0):
        super().__init__(list(scale), center, random_state)


class SetsMoreInInit(Honest):
    def __init__(self, scale=(1.0,), center=True, random_state=0):
        super().__init__(scale, center, random_state)
        self.is_new = True


class ValidatesNothing(Honest):
    def fit(self, X, y=None):
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        self.offset_ = X.mean(axis=0) if self.center else np.zeros(X.shape[1])
        self.axes_ = self._axes(X.shape[1])
        return self


class WritesIntoInput(Honest):
    def transform(self, X):
        check_is_fitted(self)
        X -= self.offset_
        return X @ self.axes_


class AcceptsNaN(Honest):
    def transform(self, X):
        check_is_fitted(self)
        return self._encode(np.nan_to_num(np.asarray(X)))


class LosesPrecision(Honest):
    def _encode(self, X):
        return super()._encode(X).astype(np.float64)


class FitReturnsNothing(Honest):
    def fit(self, X, y=None):
        super().fit(X, y)


class TransformSetsAttributes(Honest):
    def _encode(self, X):
        self.n_seen_ = len(X)
        return super()._encode(X)


class TransformsUnfitted(Honest):
    def transform(self, X):
        if not hasattr(self, "axes_"):
            return np.zeros((len(X), 2))
        return super().transform(X)


class DropsComponentsSilently(FixedWidth):
    def _encode(self, X):
        return super()._encode(X)[:, : self.n_components]


class HonestWords(LSA):
    """An alias, so that the mutants below stand beside what they break."""


class CrashesOnUnknownWords(LSA):
    def transform(self, X):
        check_is_fitted(self)
        for document in check_documents(X)[0]:
            words = document.split() if isinstance(document, str) else document
            _ = [self.vocabulary_[word] for word in words]
        return super().transform(X)


class DropsEmptyDocuments(LSA):
    def transform(self, X):
        Z = super().transform(X)
        return Z[Z.any(axis=1)]


class AcceptsAString(LSA):
    def fit(self, X, y=None):
        return super().fit([X] if isinstance(X, str) else X)


class HonestIds(NodeEncoder):
    """An alias, so that the mutants below stand beside what they break."""


class IgnoresAColumn(NodeEncoder):
    def _look_up(self, columns, index):
        rows = super()._look_up(columns, index)
        rows[:, 1] = rows[:, 0]
        return rows


class TakesUnknownIdsForZero(NodeEncoder):
    def _vectors(self, X):
        option, self.handle_unknown = self.handle_unknown, "zero"
        try:
            return super()._vectors(X)
        finally:
            self.handle_unknown = option


class CopiesItsGraph(NodeEncoder):
    def __sklearn_clone__(self):
        twin = super().__sklearn_clone__()
        twin.graph = deepcopy(self.graph)
        return twin


class MakesStringsOfIds(NodeEncoder):
    """`np.asarray` of a list gives all ids one type."""

    def _read_ids(self, X, *, reset=False):
        return super()._read_ids(np.asarray(X, dtype=str), reset=reset)
