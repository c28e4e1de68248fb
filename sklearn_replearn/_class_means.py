"""Class means and distances to them, for numbers of any size, near or far from zero."""

import numpy as np
from scipy import sparse
from scipy.spatial.distance import cdist

from sklearn_replearn._containers import dense, row_blocks
from sklearn_replearn._scaling import scaled, size_of

_N_VALUES = 2**22  # of sparse rows that are dense at a time


def class_means(Z, codes, weights=None):
    """Mean of the rows of each class, dense.

    Parameters
    ----------
    Z : {ndarray, sparse matrix} of shape (n_samples, n_components)
    codes : ndarray of int of shape (n_samples,)
        The class of each row, from 0.
    weights : ndarray of shape (n_samples,), default=None
        Above 0. ``None`` lets all rows count as much.

    Returns
    -------
    means : ndarray of shape (n_classes, n_components)
    """
    # Sums of so small numbers do not overflow.
    exponent = min(0, 900 - size_of(Z))
    Z = scaled(Z, exponent)
    means = []
    for code in range(codes.max() + 1):
        rows = codes == code
        shares = None if weights is None else weights[rows] / weights[rows].sum()
        means.append(_mean(Z[rows], shares))
    return np.ldexp(means, -exponent)


def _mean(Z, shares):
    """Mean of rows. The differences from the first one keep the digits of the rest."""
    first = 0.0
    if not sparse.issparse(Z):
        first = Z[0]
        Z = Z - first
    mean = Z.mean(axis=0) if shares is None else shares @ Z
    return first + np.asarray(mean).ravel()


def squared_distances(Z, points):
    """Squared Euclidean distances of rows to a few points.

    They come from a product of matrices, and from the differences where the product
    leaves too few digits, or the nearest point open.

    Parameters
    ----------
    Z : {ndarray, sparse matrix} of shape (n_samples, n)
        With the points, of such a size that no square overflows; see `scaled`.
    points : ndarray of shape (n_points, n)

    Returns
    -------
    distances : ndarray of shape (n_samples, n_points)
    """
    rows, others = Z, points
    if not sparse.issparse(Z):
        center = points.mean(axis=0)
        rows, others = Z - center, points - center
    squares = squared_lengths(rows)[:, np.newaxis] + (others**2).sum(axis=1)
    distances = squares - 2 * np.asarray(rows @ others.T)
    rounding = 4 * (Z.shape[1] + 4) * np.finfo(np.float64).eps * squares.max(axis=1)
    nearest = np.partition(distances, min(1, len(points) - 1), axis=1)
    is_open = rounding > 1e-9 * nearest[:, 0]
    if len(points) > 1:
        is_open |= nearest[:, 1] - nearest[:, 0] <= rounding
    some = np.flatnonzero(is_open)
    for rows in row_blocks(len(some), Z.shape[1], size=_N_VALUES):
        part = some[rows]
        distances[part] = cdist(dense(Z[part]), points, "sqeuclidean")
    return distances


def distances_of_directions(Z, points):
    """Squared distances of rows of unit length: 2 minus twice the cosine.

    A row of zeros, or a point, has the cosine 0 with all.
    """
    distances = squared_distances(Z, points)
    distances[squared_lengths(Z) == 0] = 2
    distances[:, ~points.any(axis=1)] = 2
    return distances


def squared_lengths(rows):
    if sparse.issparse(rows):
        return np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
    return np.einsum("ij,ij->i", rows, rows)
