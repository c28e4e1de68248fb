"""Scores of all words against a few of them, and the best of these."""

import numpy as np

#: Bytes of word vectors that are worked on at a time: a part of the processor's cache.
BLOCK_SIZE = 2 << 20


def cosines(vectors, units, scale=None):
    """Cosine of each vector with each unit vector; 0 for a vector of zeros.

    Nothing is kept between calls. A block of vectors is multiplied while it is in the
    processor's cache, so that its lengths are nearly free.

    Parameters
    ----------
    vectors : ndarray of shape (n_words, n_components)
    units : ndarray of shape (n_units, n_components)
    scale : ndarray of shape (n_components,), default=None
        Factors of the columns of `vectors`.

    Returns
    -------
    cosines : ndarray of shape (n_units, n_words)
    """
    n_words, n_components = vectors.shape
    dtype = np.result_type(vectors, np.float32)
    units = units.astype(dtype, copy=False)
    found = np.empty((len(units), n_words), dtype=dtype)
    n_rows = max(1, BLOCK_SIZE // (n_components * dtype.itemsize))
    for start in range(0, n_words, n_rows):
        block = vectors[start : start + n_rows]
        if scale is not None:
            block = block * scale
        block = np.ascontiguousarray(block, dtype=dtype)
        lengths = np.sqrt(np.einsum("ij,ij->i", block, block))
        # Squares of very small and of very large numbers are inaccurate.
        odd = np.flatnonzero(~_are_accurate(lengths))
        if len(odd):
            block = block.copy()
            block[odd] = as_units(block[odd])
            lengths[odd] = 1
        found[:, start : start + n_rows] = (units @ block.T) / lengths
    return found


def as_units(vectors):
    """Rows of unit length, or zero, whatever their magnitudes."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    largest[largest == 0] = 1
    vectors = vectors / largest
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    lengths[lengths == 0] = 1
    return vectors / lengths[:, np.newaxis]


def _are_accurate(lengths):
    limits = np.finfo(lengths.dtype)
    least = np.sqrt(limits.tiny / limits.eps)
    return (lengths > least) & (lengths < np.inf)


def analogy_scores(vectors, units, method, scale=None):
    """Score of each word for d in "a is to b as c is to d".

    Parameters
    ----------
    vectors : ndarray of shape (n_words, n_components)
    units : ndarray of shape (3, n_components)
        Unit vectors of a, b and c.
    method : {"add", "multiply"}
        3CosAdd or 3CosMul.
    scale : ndarray of shape (n_components,), default=None
        Factors of the columns of `vectors`.

    Returns
    -------
    scores : ndarray of shape (n_words,)
    """
    cos_a, cos_b, cos_c = cosines(vectors, units, scale)
    if method == "add":
        return cos_b - cos_a + cos_c
    shift_a, shift_b, shift_c = ((1 + cos) / 2 for cos in (cos_a, cos_b, cos_c))
    return shift_b * shift_c / (shift_a + 0.001)


def largest(values, n):
    """Places of the n largest values, the largest first; of equals, the first first."""
    if n >= len(values):
        return np.argsort(-values, kind="stable")
    least = np.partition(values, -n)[-n]
    places = np.flatnonzero(values >= least)
    return places[np.argsort(-values[places], kind="stable")][:n]
