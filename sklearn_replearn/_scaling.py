"""Numbers of any size, scaled by powers of two, so that nothing is rounded."""

import numpy as np
from scipy import sparse
from sklearn.preprocessing import normalize


def power_of_two(values):
    """The largest power of two that is not above each value; 1 for the value 0."""
    exponents = np.frexp(np.asarray(values, dtype=np.float64))[1]
    return np.where(np.equal(values, 0), 1.0, np.ldexp(1.0, exponents - 1))


def range_unit(largest, dtype=np.float64):
    """What to divide numbers by so that their squares neither overflow nor vanish.

    It is 1 for ordinary numbers, and a power of two else, so that nothing is rounded.

    Parameters
    ----------
    largest : float or ndarray
        The largest absolute value.
    dtype : numpy.dtype, default=float64
        The precision that is computed in.
    """
    reach = 2.0 ** int(0.3 * np.finfo(dtype).maxexp)
    unit = power_of_two(largest)
    return np.where((unit >= 1 / reach) & (unit <= reach), 1.0, unit)


def divide(A, unit):
    """A table, dense or sparse, divided by a number, in its own precision.

    scipy multiplies sparse matrices by the reciprocal, which may not exist.
    """
    unit = A.dtype.type(unit)
    if not sparse.issparse(A):
        return A / unit
    A = A.copy()
    A.data = A.data / unit
    return A


def rows_of_size_one(A):
    """A table with its rows divided by powers of two, so that none is large or small.

    Their directions stay the same. Without it, squares may overflow or vanish, and
    scikit-learn does not normalise rows shorter than ten rounding errors of one.

    Parameters
    ----------
    A : ndarray or CSR matrix
        A row of zeros stays as it is.
    """
    if not sparse.issparse(A):
        sizes = power_of_two(np.abs(A).max(axis=1, initial=0)).astype(A.dtype)
        return A / sizes[:, np.newaxis]
    counts = np.diff(A.indptr)
    filled = np.flatnonzero(counts)
    largest = np.zeros(len(counts))
    if len(filled):
        largest[filled] = np.maximum.reduceat(np.abs(A.data), A.indptr[filled])
    values = A.data / np.repeat(power_of_two(largest).astype(A.dtype), counts)
    return type(A)((values, A.indices, A.indptr), shape=A.shape)


def unit_rows(A):
    """Rows of length 1, dense or CSR; rows of zeros stay. No square overflows."""
    return normalize(rows_of_size_one(A))


def sizes_of_rows(Z):
    """The exponents of the powers of two above the values of each row, as a column."""
    sizes = abs(Z).max(axis=1)
    sizes = sizes.toarray() if sparse.issparse(sizes) else sizes
    return np.frexp(sizes.reshape(-1, 1))[1]


def size_of(*tables):
    """The exponent of the power of two above all values."""
    values = [table.data if sparse.issparse(table) else table for table in tables]
    return int(np.frexp(max(np.abs(part).max(initial=0) for part in values))[1])


def scaled(Z, exponents):
    """A table, dense or CSR, times a power of two, or one for each row as a column."""
    if not sparse.issparse(Z):
        return np.ldexp(Z, exponents)
    exponents = np.broadcast_to(exponents, (Z.shape[0], 1)).ravel()
    Z = Z.copy()
    Z.data = np.ldexp(Z.data, np.repeat(exponents, np.diff(Z.indptr)))
    return Z
