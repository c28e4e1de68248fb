"""Labelled pairs of rows: how estimators of this family read them."""

from math import prod

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import assert_all_finite

from sklearn_replearn._containers import row_count, take_rows
from sklearn_replearn._deep.estimators.base import TrainingSet
from sklearn_replearn._deep.input.tensors import as_tensor
from sklearn_replearn._deep.objectives.losses import (
    ContrastiveLoss,
    PairContrastiveLoss,
)
from sklearn_replearn._deep.training.samplers import PairBatches
from sklearn_replearn._images import fault_of, shape_of
from sklearn_replearn._labels import read_labels
from sklearn_replearn._sklearn import StrOptions, _fit_context
from sklearn_replearn._warnings import warn


def read_pairs(X, preprocessor=None):
    """Rows that some pair has, and which two of them each pair has.

    Parameters
    ----------
    X : array-like of shape (n_pairs, 2, ...), or (n_pairs, 2) with a `preprocessor`
        Pairs of rows, or of indices of rows.
    preprocessor : array-like of shape (n_rows, ...), default=None
        The table that indices point into.

    Returns
    -------
    rows : array-like of shape (n_rows, ...)
    pairs : ndarray of int64, of shape (n_pairs, 2)
    """
    if preprocessor is not None:
        return used_rows(preprocessor, _read_indices(X, row_count(preprocessor)))
    try:
        X = X if hasattr(X, "shape") else np.asarray(X)
    except ValueError:
        raise ValueError(
            "X must be an array of shape (n_pairs, 2, n_features), but its pairs have "
            "different numbers of rows, or its rows of features, or its images several "
            "shapes."
        ) from None
    fault = fault_of(X)
    if fault is not None:
        raise ValueError(fault)
    if len(X.shape) == 2 and X.shape[1] == 2:
        raise ValueError(
            f"X has shape {X.shape}, which pairs of indices have, but there is no "
            "table that they point into; pass preprocessor=table, or pairs of rows as "
            "an array of shape (n_pairs, 2, n_features)."
        )
    if len(X.shape) < 3 or X.shape[1] != 2:
        raise ValueError(
            f"X has shape {X.shape}, but pairs have shape (n_pairs, 2, n_features): "
            "two rows each; or set input='rows' if y has the classes of rows."
        )
    X = np.asarray(X)
    if not len(X):
        raise ValueError("X has no pairs; at least one is needed.")
    rows = X.reshape(2 * len(X), *X.shape[2:])
    return rows, np.arange(len(rows)).reshape(-1, 2)


def _read_indices(X, n_rows):
    if np.ndim(X) > 2:
        raise ValueError(
            f"X has shape {np.shape(X)}, but with a preprocessor it holds pairs of "
            "indices, of shape (n_pairs, 2); set preprocessor=None for pairs of rows."
        )
    X = check_array(X, dtype=None, input_name="X")
    if X.shape[1] != 2 or X.dtype.kind not in "iu":
        raise ValueError(
            f"X has shape {X.shape} and dtype {X.dtype}, but with a preprocessor it "
            "holds pairs of indices: whole numbers, of shape (n_pairs, 2)."
        )
    wrong = np.flatnonzero(((X < 0) | (n_rows <= X)).any(axis=1))
    if len(wrong):
        raise ValueError(
            f"Pair {wrong[0]} of X is {X[wrong[0]].tolist()}, but the preprocessor has "
            f"rows 0 to {n_rows - 1}."
        )
    return X.astype(np.int64)


def read_same(estimator, pairs, y, *, both=True):
    """Whether the rows of each pair are the same, from labels.

    Parameters
    ----------
    estimator : estimator
        Named in messages.
    pairs : array-like of shape (n_pairs, ...)
    y : array-like of shape (n_pairs,) or None
        0 and 1, or -1 and 1; the larger means the same.
    both : bool, default=True
        Whether there must be some of either.

    Returns
    -------
    is_same : ndarray of bool, of shape (n_pairs,)
    """
    name = type(estimator).__name__
    if y is None:
        raise ValueError(
            f"{name} requires y to be passed, but the target y is None: for each pair "
            "of X it must say whether its rows are the same (1) or not (0)."
        )
    y = read_labels(y)
    check_consistent_length(pairs, y)
    found = np.unique(y)
    if found.dtype.kind not in "iufb" or not (
        set(found.tolist()) <= {0, 1} or set(found.tolist()) <= {-1, 1}
    ):
        raise ValueError(
            f"y has the labels {', '.join(map(repr, found[:5].tolist()))}, but pairs "
            "are labelled 1 (the same) and 0, or 1 and -1 (not the same)."
        )
    if both and len(found) < 2:
        what = "the same" if found[0] == 1 else "different"
        raise ValueError(
            f"{name} needs pairs that are the same and pairs that are not, but y has 1 "
            f"class: all pairs are {what}."
        )
    return y == 1


def training_pairs(estimator, X, y, *, reset=True):
    """Pairs to train an estimator's network with; the targets are 1 for the same.

    With ``reset=False`` pairs to validate with, which may be all of one kind.
    """
    rows, pairs = read_pairs(X, estimator.preprocessor)
    is_same = read_same(estimator, pairs, y, both=reset)
    rows = estimator._validate(rows, reset=reset)
    if not reset:
        assert_all_finite(rows, input_name="X")
    return TrainingSet(rows, as_tensor(is_same.astype(np.int64)), as_tensor(pairs))


class Preprocessor:
    """Mixin of those with `preprocessor`, a table that pairs of indices point into."""

    _parameter_constraints = {"preprocessor": ["array-like", None]}


class PairInput(Preprocessor):
    """Mixin, before `BaseMetricTransformer`, of those that learn from pairs, too."""

    _parameter_constraints = {
        **Preprocessor._parameter_constraints,
        "input": [StrOptions({"rows", "pairs"})],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, X_val=None, y_val=None):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite numbers; with ``input="pairs"`` an array of shape (n_pairs, 2,
            n_features), or indices of rows of `preprocessor` of shape (n_pairs, 2).
        y : array-like of shape (n_samples,) or (n_pairs,)
            Classes, at least two, of which one at least has two rows. Numbers or
            strings. Of pairs, 1 for the same and 0 or -1 for not the same.
        X_val : array-like, default=None
            Validation data: rows, or with ``input="pairs"`` pairs, read as X is. All
            samples of X are trained with, and `validation_loss_curve_` is the loss on
            these. Without early stopping it is only recorded.
        y_val : array-like, default=None
            Classes of the rows of `X_val`, as y; they may be others than those of y. Or
            labels of its pairs.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the data are not so, if parameters contradict each other, or if the
            training diverges. The estimator is then as it was before.
        """
        return self._fit(X, y, X_val, y_val)

    def fit_transform(self, X, y=None, X_val=None, y_val=None):
        """Train the network, and embed the rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Classes.
        X_val, y_val : array-likes, default=None
            Validation data, as in :meth:`fit`.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components_)

        Raises
        ------
        ValueError
            If ``input="pairs"``: a pair has no embedding.
        """
        if self.input == "pairs":
            raise ValueError(
                f"{type(self).__name__} with input='pairs' learns from pairs, but "
                "embeds rows: call fit(pairs, y), then transform(rows)."
            )
        return super().fit_transform(X, y, X_val=X_val, y_val=y_val)

    def score(self, X, y):
        """How well the distances of the embeddings tell what belongs together.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or pairs as in :meth:`fit`
        y : array-like of shape (n_samples,)
            Classes, or labels of the pairs.

        Returns
        -------
        score : float
            Of rows the mean average precision at R, of
            :func:`~sklearn_replearn.metrics.mean_average_precision_at_r`; with
            ``input="pairs"`` the area under the ROC curve of minus the distances of
            the pairs. Both are in [0, 1].
        """
        if self.input == "rows":
            return super().score(X, y)
        rows, pairs = read_pairs(X, self.preprocessor)
        is_same = read_same(self, pairs, y)
        Z = self._map_rows("encode", rows)
        distances = np.linalg.norm(Z[pairs[:, 0]] - Z[pairs[:, 1]], axis=1)
        return float(roc_auc_score(is_same, -distances))

    def _validate(self, X, *, reset=False):
        shape = shape_of(X)
        is_pairs = len(shape) > 2 and shape[1] == 2
        n_features = getattr(self, "n_features_in_", None)
        if not reset and is_pairs and prod(shape[2:]) == n_features:
            raise ValueError(
                f"X has shape {shape}, as pairs have, but it is rows that are "
                f"embedded: pass X.reshape({(-1, *shape[2:])}), and take every two "
                "embeddings together."
            )
        return super()._validate(X, reset=reset)

    def _training_set(self, X, y, *, reset=True):
        if self.input == "rows":
            if reset and self.preprocessor is not None:
                warn(
                    "preprocessor is not used with input='rows': it is a table that "
                    "pairs of indices point into; set input='pairs', or "
                    "preprocessor=None.",
                )
            return super()._training_set(X, y, reset=reset)
        return training_pairs(self, X, y, reset=reset)

    def _contrastive_loss(self, margin):
        """The loss by the parameter `loss`, of a batch of rows or of pairs."""
        make = PairContrastiveLoss if self.input == "pairs" else ContrastiveLoss
        return make(self.loss, margin)

    def _sampler(self, data, batch_size, device, index, *, shuffle=True):
        if data.pairs is None:
            return super()._sampler(data, batch_size, device, index, shuffle=shuffle)
        return PairBatches(
            data.pairs.to(device), index.to(device), batch_size, shuffle=shuffle
        )


def used_rows(rows, pairs):
    """Only the rows that some pair has, and the pairs of their new positions."""
    used, places = np.unique(pairs, return_inverse=True)
    if len(used) == row_count(rows):
        return rows, pairs
    return take_rows(rows, used), places.reshape(pairs.shape)
