"""Numbers as words or ids, so that scikit-learn's checks can feed any estimator."""

import warnings

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    clone,
)
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_replearn.metric_learning import (
    PairClassifier,
    PairVerifier,
    PrototypeClassifier,
)
from sklearn_replearn.multiview import ZeroShotClassifier


class SpelledRows(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A text estimator behind a table: each row is spelled as a document.

    The number x in column j becomes one word a column and rounded value.
    """

    def __init__(self, embedder):
        self.embedder = embedder

    def fit(self, X, y=None):
        X = validate_data(self, X)
        self.embedder_ = clone(self.embedder).set_output(transform="default")
        self.embedder_.fit(self._spell(X), y)
        return self

    def transform(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return self.embedder_.transform(self._spell(X))

    def _spell(self, X):
        return [
            " ".join(f"c{j}x{number:.0f}" for j, number in enumerate(row))
            for row in np.asarray(X, dtype=np.float64)
        ]

    @property
    def _n_features_out(self):
        return len(self.embedder_.get_feature_names_out())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        of_texts = get_tags(self.embedder).transformer_tags
        tags.transformer_tags.preserves_dtype = of_texts.preserves_dtype
        return tags


class SpelledTwice(SpelledRows):
    """The same for estimators of sentences: a document has each row as two of them."""

    def _spell(self, X):
        return [f"{text}.\n\n{text}" for text in super()._spell(X)]


class PairedRows(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """An estimator of pairs of ids behind a table.

    The first and the last number of a row, rounded, are the ids; the larger half of
    the labels means an edge.
    """

    def __init__(self, encoder):
        self.encoder = encoder

    def fit(self, X, y=None):
        X, y = validate_data(self, X, y, y_numeric=True)
        self.encoder_ = clone(self.encoder).set_output(transform="default")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a few rows make a tiny graph
            self.encoder_.fit(_pair(X), y > (y.min() + y.max()) / 2)
        return self

    def transform(self, X):
        check_is_fitted(self)
        return self.encoder_.transform(_pair(validate_data(self, X, reset=False)))

    @property
    def _n_features_out(self):
        return len(self.encoder_.get_feature_names_out())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class RowsBesideCopies(ClassifierMixin, BaseEstimator):
    """A classifier of pairs behind a table.

    Each row makes a pair with a small copy of it, that is the same where the row has
    the larger label.
    """

    def __init__(self, classifier):
        self.classifier = classifier

    def fit(self, X, y=None):
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind != "binary":
            raise ValueError(
                "Only binary classification is supported. The type of the target is "
                f"{kind}."
            )
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.classifier_ = clone(self.classifier).fit(_beside_copies(X), codes)
        return self

    def predict(self, X):
        pairs = self._read(X)
        return self.classes_[self.classifier_.predict(pairs)]

    def decision_function(self, X):
        pairs = self._read(X)
        return self.classifier_.decision_function(pairs)

    @available_if(lambda self: hasattr(self.classifier, "predict_proba"))
    def predict_proba(self, X):
        pairs = self._read(X)
        return self.classifier_.predict_proba(pairs)

    def _read(self, X):
        check_is_fitted(self)
        return _beside_copies(validate_data(self, X, reset=False))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class ProbabilitiesAsFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Mixin that makes a transformer of a classifier, for checks of transformers."""

    def transform(self, X):
        return self.predict_proba(X)

    @property
    def _n_features_out(self):
        return len(self.classes_)


class PrototypeProbabilities(ProbabilitiesAsFeatures, PrototypeClassifier):
    """The probabilities that a PrototypeClassifier gives, as features."""


class ZeroShotProbabilities(ProbabilitiesAsFeatures, ZeroShotClassifier):
    """The probabilities that a ZeroShotClassifier gives, as features."""


class ScoresAsFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Mixin that makes a transformer of a classifier of pairs."""

    def transform(self, X):
        return self.decision_function(X)[:, np.newaxis]

    @property
    def _n_features_out(self):
        return len(self.classes_) - 1


class ScoresBesideCopies(ScoresAsFeatures, RowsBesideCopies):
    """What a classifier of pairs gives for rows beside their copies, as a feature."""


class PairClassifierScores(ScoresAsFeatures, PairClassifier):
    """The log odds that a PairClassifier gives, as a feature."""


class PairVerifierScores(ScoresAsFeatures, PairVerifier):
    """What a PairVerifier finds above its threshold, as a feature."""


def _beside_copies(X):
    return np.stack([X, X / 1000], axis=1)


def _pair(X):
    return np.rint(X[:, [0, -1]]).astype(int)
