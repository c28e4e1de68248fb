"""Labelled pairs of rows: how estimators of this family read them."""

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from sklearn_replearn._containers import row_count, take_rows
from sklearn_replearn._deep.input.samples import Pairs, as_tensor
from sklearn_replearn._images import fault_of
from sklearn_replearn._labels import read_labels


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


def training_pairs(estimator, X, y, *, reset):
    """Pairs to train an estimator's network with; the targets are 1 for the same.

    With ``reset=False`` pairs to validate with, which may be all of one kind.
    """
    rows, pairs = read_pairs(X, estimator.preprocessor)
    is_same = read_same(estimator, pairs, y, both=reset)
    samples = Pairs(estimator._rows(rows, reset=reset), as_tensor(pairs))
    return samples, as_tensor(is_same.astype(np.int64))


def used_rows(rows, pairs):
    """Only the rows that some pair has, and the pairs of their new positions."""
    used, places = np.unique(pairs, return_inverse=True)
    if len(used) == row_count(rows):
        return rows, pairs
    return take_rows(rows, used), places.reshape(pairs.shape)
