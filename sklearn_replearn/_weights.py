"""Weights of samples."""

import numbers

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from sklearn_replearn._containers import row_count, take_rows


def read_weights(sample_weight, n_samples, name="sample_weight"):
    """Weights of samples as an array, none negative and not all zero.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), or a number for all
    n_samples : int
    name : str, default="sample_weight"
        For messages.

    Returns
    -------
    weights : ndarray of float64, of shape (n_samples,)
        Those given over a power of 2, so that they are at most 1.
    """
    if isinstance(sample_weight, numbers.Real):
        sample_weight = np.full(n_samples, sample_weight)
    weights = check_array(
        sample_weight, ensure_2d=False, dtype=np.float64, input_name=name
    )
    if weights.shape != (n_samples,):
        raise ValueError(
            f"{name} has shape {weights.shape}, but there are {n_samples} samples; "
            "pass one weight for each."
        )
    if weights.min() < 0:
        row = int(weights.argmin())
        raise ValueError(
            f"{name} is {weights[row]:g} for row {row}; weights must be at least 0."
        )
    if not weights.any():
        raise ValueError(f"{name} is zero for all samples; give some more weight.")
    return np.ldexp(weights, -np.frexp(weights.max())[1])


def leave_out_weightless(X, y, sample_weight, name="sample_weight"):
    """X and y without the samples whose weight is 0, and the weights of the others.

    Parameters
    ----------
    X, y : array-likes with n_samples rows
    sample_weight : array-like of shape (n_samples,), or a number for all
    name : str, default="sample_weight"
        For messages.

    Returns
    -------
    X, y : array-likes
    weights : ndarray of float64, or None if all are equal
    """
    X, y = (
        data if data is None or hasattr(data, "__len__") else np.asarray(data)
        for data in (X, y)
    )
    weights = read_weights(sample_weight, row_count(X), name)
    if y is not None:
        check_consistent_length(X, y)
    if not weights.all():
        rows = np.flatnonzero(weights)
        X, weights = take_rows(X, rows), weights[rows]
        y = y if y is None else take_rows(y, rows)
    return X, y, None if weights.min() == weights.max() else weights
