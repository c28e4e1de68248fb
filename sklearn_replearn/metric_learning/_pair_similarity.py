"""Similarities of pairs of embeddings, of any size."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import gen_batches

from sklearn_replearn._class_means import squared_lengths
from sklearn_replearn._scaling import scaled, size_of, sizes_of_rows, unit_rows

_N_VALUES = 2**20  # of embeddings, compared at a time


def pair_similarities(Z, pairs, metric):
    """Similarities of pairs of rows.

    Parameters
    ----------
    Z : {ndarray, CSR matrix} of shape (n_rows, n_components)
        Embeddings, of float32 or float64.
    pairs : ndarray of int, of shape (n_pairs, 2)
    metric : {"euclidean", "cosine"}

    Returns
    -------
    similarities : ndarray of shape (n_pairs,)
        Cosines, or minus the distances; of Z's dtype, unless some are beyond its range.
    """
    dtype, Z = Z.dtype, Z.astype(np.float64)
    if metric == "cosine":
        Z = unit_rows(Z)
    compare = _cosines if metric == "cosine" else _negative_distances
    n_pairs = max(1, _N_VALUES // Z.shape[1])
    found = np.concatenate(
        [
            compare(Z[pairs[some, 0]], Z[pairs[some, 1]])
            for some in gen_batches(len(pairs), n_pairs)
        ]
    )
    fits = np.abs(found).max(initial=0) <= np.finfo(dtype).max
    return found.astype(dtype) if fits else found


def _cosines(first, second):
    """Cosines of rows of length 1."""
    if issparse(first):
        return np.asarray(first.multiply(second).sum(axis=1)).ravel()
    return (first * second).sum(axis=1)


def _negative_distances(first, second):
    """Minus Euclidean distances of rows, of which only the largest may overflow."""
    exponent = max(0, size_of(first, second) - 1000)
    differences = scaled(first, -exponent) - scaled(second, -exponent)
    exponents = sizes_of_rows(differences)
    differences = scaled(differences, -exponents)
    lengths = np.sqrt(squared_lengths(differences))
    return -np.ldexp(lengths, exponents.ravel() + exponent)
