"""Rows of any container: arrays, sparse matrices, data frames and lists."""

import numpy as np
from scipy.sparse import issparse


def dense(Z):
    """An array of a sparse matrix; anything else as it is."""
    return Z.toarray() if issparse(Z) else Z


def row_count(X):
    """The number of rows of an array, sparse matrix, data frame or list."""
    return X.shape[0] if hasattr(X, "shape") else len(X)


def row_blocks(n_rows, n_columns, size=1 << 16):
    """Slices of rows of about `size` values, by default few enough for the cache."""
    step = max(1, size // max(n_columns, 1))
    return (slice(start, start + step) for start in range(0, n_rows, step))


def take_rows(X, rows):
    """Some rows of an array, sparse matrix, data frame or list."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    if issparse(X):
        return X.tocsr()[rows]
    return X[rows] if hasattr(X, "shape") else np.asarray(X)[rows]


def take_items(X, rows):
    """The same, but of a list a list: documents of tokens make no array."""
    if isinstance(X, list | tuple):
        return [X[row] for row in rows]
    return take_rows(X, rows)
