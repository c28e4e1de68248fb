"""Matrices seen through their products with blocks of vectors only."""

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import pairwise, repeat

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from sklearn_replearn._blas_threads import n_blas_threads


class ThreadedSparseOperator(LinearOperator):
    """A sparse matrix whose products with dense blocks use several threads.

    The matrix and its transpose are both kept in CSR format, cut into one range of
    rows a thread with equal numbers of stored values; scipy releases the interpreter
    lock in the product of each. Every row is summed in the same order whatever the
    number of threads, so the result does not depend on it.

    Parameters
    ----------
    A : sparse matrix or array of shape (n_rows, n_columns)
    n_threads : int, default=None
        ``None`` takes as many as BLAS would, and one for a small matrix.
    """

    def __init__(self, A, n_threads=None):
        super().__init__(dtype=A.dtype, shape=A.shape)
        if n_threads is None:
            n_threads = n_blas_threads() if A.nnz > 100_000 else 1
        self.n_threads = n_threads
        self._matrix = A

    @cached_property
    def _rows(self):
        return _split_rows(self._matrix.tocsr(), self.n_threads)

    @cached_property
    def _columns(self):
        return _split_rows(self._matrix.T.tocsr(), self.n_threads)

    def _multiply(self, parts, X):
        X = np.ascontiguousarray(X)
        if len(parts) == 1:
            return parts[0] @ X
        with ThreadPoolExecutor(len(parts)) as pool:
            return np.concatenate(list(pool.map(lambda part: part @ X, parts)))

    def _matmat(self, X):
        return self._multiply(self._rows, X)

    def _rmatmat(self, X):
        return self._multiply(self._columns, X)


class TrianglePairOperator(LinearOperator):
    """The square matrix ``upper + lower.T`` of two triangles with one pattern.

    It takes half the memory of the matrix itself in CSR format with its transpose,
    and is as fast to multiply with narrow blocks.

    Parameters
    ----------
    indptr, indices : ndarray
        CSR pattern of both triangles.
    upper, lower : ndarray of shape (nnz,)
        Their values. `lower` is given by the same positions, that is, transposed.
    """

    #: The products of so many ranges of rows are added in turn, on any number of
    #: threads, so the result does not depend on it.
    N_PARTS = 4
    #: So many columns are multiplied at a time, and stay in the processor's cache.
    N_COLUMNS = 32

    def __init__(self, indptr, indices, upper, lower):
        n = len(indptr) - 1
        super().__init__(dtype=upper.dtype, shape=(n, n))
        self.n_threads = n_blas_threads()
        self._upper, self._lower = (
            _split_rows(
                sparse.csr_array((values, indices, indptr), shape=(n, n)), self.N_PARTS
            )
            for values in (upper, lower)
        )
        stops = np.cumsum([part.shape[0] for part in self._upper])
        self._ranges = [
            slice(stop - part.shape[0], stop)
            for stop, part in zip(stops, self._upper, strict=True)
        ]

    def _multiply(self, direct, transposed, X):
        """``direct @ X + transposed.T @ X``, both cut into ranges of rows."""
        Y = np.zeros((self.shape[0], X.shape[1]), dtype=np.result_type(self, X))

        def products(i, X):
            return direct[i] @ X, transposed[i].T @ X[self._ranges[i]]

        with ThreadPoolExecutor(self.n_threads) as pool:
            for start in range(0, X.shape[1], self.N_COLUMNS):
                columns = slice(start, start + self.N_COLUMNS)
                part = np.ascontiguousarray(X[:, columns])
                results = pool.map(products, range(len(direct)), repeat(part))
                for rows, (own, others) in zip(self._ranges, results, strict=True):
                    Y[rows, columns] += own
                    Y[:, columns] += others
        return Y

    def _matmat(self, X):
        return self._multiply(self._upper, self._lower, X)

    def _rmatmat(self, X):
        return self._multiply(self._lower, self._upper, X)


def _split_rows(A, n_parts):
    """Cut a CSR matrix into ranges of rows of about equal size, without copies."""
    ends = np.searchsorted(A.indptr, np.linspace(0, A.nnz, n_parts + 1)[1:-1])
    bounds = np.unique([0, *ends, A.shape[0]])
    if A.shape[0] == 0:
        bounds = [0, 0]  # one range without rows
    parts = []
    for start, stop in pairwise(bounds):
        first, last = A.indptr[start], A.indptr[stop]
        part = sparse.csr_array((stop - start, A.shape[1]), dtype=A.dtype)
        # Given to the constructor, views of less than half an array would be copied.
        part.data, part.indices = A.data[first:last], A.indices[first:last]
        part.indptr = A.indptr[start : stop + 1] - first
        parts.append(part)
    return parts


def with_small_indices(A):
    """A CSR matrix, its indices in 32 bits if they fit: some of scipy takes no others.

    Its values are shared, and so are indices that are small already.
    """
    if max(A.nnz, *A.shape) > np.iinfo(np.int32).max:
        return A
    indices, indptr = (
        array.astype(np.int32, copy=False) for array in (A.indices, A.indptr)
    )
    return type(A)((A.data, indices, indptr), shape=A.shape)


def as_operator(A):
    """View a dense, sparse or implicit matrix as a ``LinearOperator``."""
    if sparse.issparse(A):
        return ThreadedSparseOperator(A)
    return aslinearoperator(A)
