"""Tables with columns on one scale, anywhere in the range of numbers.

A value x of a column is standardised as ``z = (x / unit - center) / width``. The unit
is a power of two, so nothing is rounded by it: it is 1 for ordinary columns, and the
size of those whose squares would overflow or vanish.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator
from sklearn.utils.sparsefuncs import min_max_axis

from sklearn_replearn._containers import row_blocks
from sklearn_replearn._operators import as_operator
from sklearn_replearn._scaling import power_of_two, range_unit

#: A column whose standard deviation is below so many roundings of its largest value is
#: constant up to rounding.
N_ROUNDINGS = 8

#: A column of a sparse table whose mean is more than so many standard deviations from
#: zero has hardly a zero in it. It is kept dense, since its mean would swallow its
#: digits in sums of products.
FAR = 3


class Scaling(NamedTuple):
    """How the columns of a table are standardised.

    Attributes
    ----------
    units, centers, widths : ndarray of shape (n_features,)
        ``z = (x / units - centers) / widths``.
    unit : float
        A power of two. The table is standardised to z times `unit`, which is 1 unless
        features are left in their own scale.
    empty : ndarray of bool of shape (n_features,)
        Columns that are zero when they are standardised.
    roundings : ndarray of shape (n_features,)
        Ratio of each column's root mean square to its width: the rounding of z, if
        that of x is 1. Zero where z is zero.
    """

    units: np.ndarray
    centers: np.ndarray
    widths: np.ndarray
    unit: float
    empty: np.ndarray
    roundings: np.ndarray


def measure(X, *, with_mean, with_std):
    """The scaling of a table of finite numbers, dense or sparse (CSR).

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    with_mean : bool
        Whether the columns are centred.
    with_std : bool
        Whether they are divided by their standard deviations.

    Returns
    -------
    scaling : Scaling
    """
    is_sparse = not isinstance(X, np.ndarray)
    lowest, highest = (
        side.astype(np.float64)
        for side in (min_max_axis(X, axis=0) if is_sparse else (X.min(0), X.max(0)))
    )
    largest = np.maximum(-lowest, highest)
    size = power_of_two(largest)
    constant = lowest == highest
    # Sizes of the standardised values, as exponents: they may be beyond all numbers.
    exponents = np.frexp(largest)[1]
    if with_mean:
        spreads = highest / size - lowest / size
        exponents = np.frexp(spreads)[1] + np.frexp(size)[1] - 1
    empty = constant if with_mean else largest == 0
    if with_std:
        exponents = np.where(constant, exponents, 1)
    unit = _unit_of_size(exponents[~empty], X.dtype)
    if with_std:
        units = np.where(constant, 1.0, range_unit(largest, X.dtype))
    else:
        units = np.where(constant & with_mean, 1.0, unit)
    statistics = _sparse_statistics if is_sparse else _dense_statistics
    means, deviations = statistics(X, np.where(constant, size, units))
    means = np.where(constant, lowest / units, means)
    deviations[constant] = 0
    if with_std:
        noise = N_ROUNDINGS * np.finfo(np.float64).eps * (largest / units)
        flat = np.where(constant, 1.0, size / units)
        widths = np.where(deviations > noise, deviations, flat) * unit
    else:
        widths = unit / units
    ratios = np.hypot(means, deviations) / widths
    centers = means if with_mean else np.zeros_like(means)
    ratios[empty] = 0
    return Scaling(units, centers, widths, unit, empty, ratios)


def standardize(X, scaling, dtype):
    """The standardised dense table, in the given precision."""
    Z = np.empty(X.shape, dtype=dtype)
    divide = (scaling.units != 1).any()
    for rows in row_blocks(*X.shape):
        # A float32 table is computed in float64: a mean rounded to float32 would shift
        # rows that lie far from the origin.
        block = X[rows].astype(np.float64, copy=False)
        if divide:
            block = block / scaling.units
        out = Z[rows]
        if dtype == np.float64:
            np.subtract(block, scaling.centers, out=out)
            out /= scaling.widths
        else:
            block = block - scaling.centers
            np.divide(block, scaling.widths, out=out, casting="same_kind")
    return Z


def is_plain(scaling, dtype):
    """Whether the scaling can be computed in a precision without any units."""
    sizes = scaling.unit, *scaling.units, *range_unit(scaling.widths, dtype)
    return all(size == 1 for size in sizes)


def restore(Z, scaling):
    """Undo :func:`standardize`, in place."""
    Z *= scaling.widths
    Z += scaling.centers
    if (scaling.units != 1).any():
        Z *= scaling.units
    return Z


class StandardizedDense:
    """The standardised table of an array.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    scaling : Scaling
    dtype : numpy.dtype
        The precision of the result; sums of products are in float64.
    """

    def __init__(self, X, scaling, dtype):
        self.values = standardize(X, scaling, dtype)
        self.shape, self.dtype = X.shape, self.values.dtype

    def __matmul__(self, M):
        return self.values @ M.astype(self.dtype, copy=False)

    def products(self, M):
        """``Z @ M`` in float64, some rows at a time."""
        for rows in row_blocks(*self.shape, size=1 << 20):
            yield self.rows(rows) @ M

    def transposed_product(self, M):
        """``Zᵀ @ M`` in float64."""
        blocks = row_blocks(*self.shape, size=1 << 20)
        return sum(self.rows(rows).T @ M[rows] for rows in blocks)

    def column_moments(self):
        """``Zᵀ Z`` in float64."""
        if self.dtype == np.float64:
            return self.values.T @ self.values
        blocks = row_blocks(*self.shape, size=1 << 20)
        return sum(Z.T @ Z for Z in map(self.rows, blocks))

    def row_moments(self):
        """``Z Zᵀ`` in float64."""
        Z = self.values.astype(np.float64, copy=False)
        return Z @ Z.T

    def row_squares(self):
        """Squared norms of the rows, in float64."""
        squares = np.empty(self.shape[0])
        for rows in row_blocks(*self.shape):
            Z = self.rows(rows)
            squares[rows] = np.einsum("ij,ij->i", Z, Z)
        return squares

    def rows(self, which):
        """Some rows in float64."""
        return self.values[which].astype(np.float64, copy=False)


class StandardizedSparse(LinearOperator):
    """The standardised table of a sparse one (CSR), by its products only.

    In float64 whatever X is: what is left after the means are taken away can be far
    smaller than what was there. Columns without zeros are kept dense.

    Parameters
    ----------
    X : sparse matrix of shape (n_samples, n_features)
        In CSR format.
    scaling : Scaling
    """

    def __init__(self, X, scaling):
        super().__init__(dtype=np.float64, shape=X.shape)
        far = lie_far(scaling)
        self._all_near = not far.any()
        self._near, self._far = np.flatnonzero(~far), np.flatnonzero(far)
        if not self._all_near:
            own = scaling._replace(
                units=scaling.units[far],
                centers=scaling.centers[far],
                widths=scaling.widths[far],
            )
            self._dense = standardize(X[:, self._far].toarray(), own, np.float64)
            X = X[:, self._near]
        units, centers, widths = (part[~far] for part in scaling[:3])
        values = X.data / widths[X.indices]
        if (units != 1).any():
            values = X.data / units[X.indices] / widths[X.indices]
        self._table = sparse.csr_array((values, X.indices, X.indptr), shape=X.shape)
        self._operator = as_operator(self._table)
        self._shift = centers / widths

    def _matmat(self, M):
        return self._add_dense(self._operator.matmat(self._of_near(M)), M)

    def _rmatmat(self, M):
        product, sums = self._operator.rmatmat(M), M.sum(axis=0)
        for rows in row_blocks(*product.shape):  # no second array of that size
            product[rows] -= np.outer(self._shift[rows], sums)
        if self._all_near:
            return product
        whole = np.empty((self.shape[1], M.shape[1]))
        whole[self._near], whole[self._far] = product, self._dense.T @ M
        return whole

    def products(self, M):
        """``Z @ M``, some rows at a time."""
        near = np.ascontiguousarray(self._of_near(M))
        for rows in row_blocks(self.shape[0], M.shape[1], size=1 << 20):
            yield self._add_dense(self._table[rows] @ near, M, rows)

    def transposed_product(self, M):
        """``Zᵀ @ M``."""
        return self.rmatmat(M)

    def column_moments(self):
        """``Zᵀ Z``."""
        inner = _inner_products(self._table.T.tocsr(), self._table)
        inner -= self.shape[0] * np.outer(self._shift, self._shift)
        if self._all_near:
            return inner
        moments = np.empty((self.shape[1],) * 2)
        moments[np.ix_(self._near, self._near)] = inner
        crossed = self._rmatmat(self._dense)
        moments[:, self._far], moments[self._far] = crossed, crossed.T
        return moments

    def row_moments(self):
        """``Z Zᵀ``."""
        moments = _inner_products(self._table, self._table.T.tocsr())
        shifts = self._table @ self._shift
        moments -= shifts
        moments -= shifts[:, np.newaxis]
        moments += self._shift @ self._shift
        if not self._all_near:
            moments += self._dense @ self._dense.T
        return moments

    def row_squares(self):
        """Squared norms of the rows."""
        squares = self._table.power(2).sum(axis=1) - 2 * (self._table @ self._shift)
        squares += self._shift @ self._shift
        if not self._all_near:
            squares += np.einsum("ij,ij->i", self._dense, self._dense)
        return squares

    def rows(self, which):
        """Some rows as a dense table."""
        near = self._table[which].toarray()
        near -= self._shift
        if self._all_near:
            return near
        Z = np.empty((len(near), self.shape[1]))
        Z[:, self._near], Z[:, self._far] = near, self._dense[which]
        return Z

    def _of_near(self, M):
        return M if self._all_near else M[self._near]

    def _add_dense(self, product, M, rows=slice(None)):
        """From the product with the stored values to the product with Z."""
        product -= self._shift @ self._of_near(M)
        if not self._all_near:
            product += self._dense[rows] @ M[self._far]
        return product


def lie_far(scaling):
    """Which columns are so far from zero that a sparse table has hardly a zero."""
    return np.abs(scaling.centers) > FAR * scaling.widths


def _unit_of_size(exponents, dtype):
    """The `range_unit` of the largest value, from the exponents that frexp gives."""
    if not exponents.size:
        return 1.0
    largest = np.ldexp(1.0, int(np.clip(exponents.max() - 1, -1074, 1023)))
    return float(range_unit(largest, dtype))


def _dense_statistics(X, units):
    """Means and standard deviations of the columns, in their units."""
    n_samples, n_features = X.shape
    divide = (units != 1).any()

    def blocks():
        for rows in row_blocks(n_samples, n_features):
            block = X[rows].astype(np.float64)
            yield block / units if divide else block

    means = sum(block.sum(axis=0) for block in blocks()) / n_samples
    remainder = squares = np.zeros(n_features)
    for block in blocks():
        block -= means
        remainder = remainder + block.sum(axis=0)
        squares = squares + np.einsum("ij,ij->j", block, block)
    remainder /= n_samples
    variances = squares / n_samples - remainder**2
    return means + remainder, np.sqrt(np.maximum(variances, 0))


def _sparse_statistics(X, units):
    """The same of a sparse table."""
    n_samples, n_features = X.shape
    values = X.data.astype(np.float64) / units[X.indices]

    def sums(values):
        return np.bincount(X.indices, values, n_features)

    n_zeros = n_samples - np.bincount(X.indices, minlength=n_features)
    means = sums(values) / n_samples
    values -= means[X.indices]
    remainder = (sums(values) - n_zeros * means) / n_samples
    squares = sums(values**2) + n_zeros * means**2
    variances = squares / n_samples - remainder**2
    return means + remainder, np.sqrt(np.maximum(variances, 0))


def _inner_products(left, right):
    """The dense product of two CSR matrices, a few rows at a time."""
    product = np.empty((left.shape[0], right.shape[1]))
    for rows in row_blocks(*product.shape, size=1 << 22):
        product[rows] = (left[rows] @ right).toarray()
    return product
