"""Principal axes of a standardised table, by the solvers of :class:`ScaledPCA`."""

from typing import NamedTuple

import numpy as np

from sklearn_replearn._containers import row_blocks
from sklearn_replearn._linalg import randomized_svd

#: Squared singular values below this share of the largest are sought again, apart from
#: the others, where moments have left them too few digits.
SMALL = 1e-8

#: Singular values found from moments below this share of the largest are rounding.
MOMENT_ROUNDING = 1e-11

#: The same in units of the working precision, for decompositions of the table itself.
N_ROUNDINGS = 16

#: A difference from the total below this share of it has lost too many digits.
CANCELLED = 1e-6


class Axes(NamedTuple):
    """What a solver has found.

    Attributes
    ----------
    squares : ndarray of shape (n_components,)
        Squared singular values in descending order.
    rows : ndarray of shape (n_components, n_features)
        Orthonormal right singular vectors.
    left : float
        Sum of the squared singular values that are left out.
    rounding : float
        Singular values below this share of the largest are rounding errors.
    """

    squares: np.ndarray
    rows: np.ndarray
    left: float
    rounding: float


def principal_axes(Z, solver, rank, choose, random_state):
    """The leading principal axes of a table.

    Parameters
    ----------
    Z : StandardizedDense or StandardizedSparse
    solver : {"full", "covariance_eigh", "randomized"}
    rank : int
        The largest possible number of singular values above zero.
    choose : callable
        From all squared singular values to the number of axes; from ``None`` to a
        bound for it.
    random_state : int, RandomState instance or None

    Returns
    -------
    axes : Axes
    """
    if solver == "covariance_eigh":
        return _by_moments(Z, rank, choose)
    if solver == "full":
        _, s, rows = np.linalg.svd(Z.rows(slice(None)), full_matrices=False)
        squares, dtype = s**2, np.dtype(np.float64)
    else:
        squares, rows, total = _by_krylov(Z, choose(None), random_state)
        dtype = Z.dtype
    squares[rank:] = 0
    k = choose(squares)
    if len(squares) == min(Z.shape):
        left = squares[k:].sum()
    else:
        left = _left_out(Z, squares[:k], rows[:k], total)
    return Axes(squares[:k], rows[:k], left, N_ROUNDINGS * np.finfo(dtype).eps)


def split(Z, rows):
    """Coordinates of the rows of Z along axes, and their squared distances from them.

    Parameters
    ----------
    Z : StandardizedDense or StandardizedSparse
    rows : ndarray of shape (n_components, n_features)
        Orthonormal.

    Returns
    -------
    T : ndarray of shape (n_samples, n_components)
    left : ndarray of shape (n_samples,)
    """
    axes = rows.astype(np.float64, copy=False)
    T = Z @ axes.T
    if len(axes) == Z.shape[1]:
        return T, np.zeros(len(T))
    total = Z.row_squares()
    left = total - np.einsum("ij,ij->i", T, T)
    # Where next to nothing is left, the difference would be rounding errors.
    lost = np.flatnonzero(left < np.finfo(rows.dtype).eps ** 0.25 * total)
    step = max(1, (1 << 20) // Z.shape[1])
    for start in range(0, len(lost), step):
        some = lost[start : start + step]
        rest = Z.rows(some) - T[some] @ axes
        left[some] = np.einsum("ij,ij->i", rest, rest)
    left[np.isnan(left)] = np.inf
    return T, left


def _by_moments(Z, rank, choose):
    """Axes by the eigenvectors of the second moments of the smaller side.

    These have the squares of the singular values, and rounding errors relative to the
    largest of them. Small ones are sought again in the space that is left to them.
    """
    wide = Z.shape[0] < Z.shape[1]
    moments = Z.row_moments() if wide else Z.column_moments()
    squares, basis = _eigh(moments)
    squares[rank:] = 0
    k = choose(squares)
    n_large = np.count_nonzero(squares > SMALL * squares[0])
    if 0 < n_large <= min(k, rank - 1):
        small = basis[:, n_large:]
        if wide:
            image = Z.transposed_product(small)
            moments = image.T @ image
        else:
            moments = sum(image.T @ image for image in Z.products(small))
        squares[n_large:], rotation = _eigh(moments)
        basis[:, n_large:] = small @ rotation
        squares[rank:] = 0
    rows = basis[:, :k].T
    if wide:
        rows = _other_side(Z, squares[:k], basis[:, :k])
    return Axes(squares[:k], rows, squares[k:].sum(), MOMENT_ROUNDING)


def _eigh(moments):
    """Eigenvalues, not negative and in descending order, and their eigenvectors."""
    squares, basis = np.linalg.eigh(moments)
    return np.maximum(squares[::-1], 0), basis[:, ::-1]


def _other_side(Z, squares, basis):
    """Right singular vectors from left ones.

    They are orthonormal up to rounding errors over their singular values, so small
    ones are made so again, largest first. Any unit vectors that are orthogonal to the
    others will do where the singular value is zero.
    """
    found = squares > MOMENT_ROUNDING**2 * squares[0]
    rows = np.ascontiguousarray(Z.transposed_product(basis[:, found]).T)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    if found.any() and squares[found].min() < 1e-4 * squares[0]:
        factor = np.linalg.cholesky(rows @ rows.T)
        rows = np.linalg.solve(factor, np.eye(len(factor))) @ rows
    n_missing = len(squares) - len(rows)
    if not n_missing:
        return rows
    others = np.random.default_rng(0).standard_normal((n_missing, Z.shape[1]))
    for _ in range(2):
        others -= others @ rows.T @ rows
        others = np.linalg.qr(others.T)[0].T
    return np.concatenate([rows, others])


def _by_krylov(Z, n_components, random_state):
    """Squared singular values and axes by the randomised solver, and the total."""
    table = getattr(Z, "values", Z)
    _, s, rows = randomized_svd(table, n_components, random_state=random_state)
    if Z.dtype == np.float64:
        return s**2, rows, Z.row_squares().sum()
    # Found in single precision; what they capture is measured in double.
    rows = np.linalg.qr(rows.T.astype(np.float64))[0].T
    total, moments = 0.0, np.zeros((len(rows),) * 2)
    for some in row_blocks(*Z.shape):
        block = Z.rows(some)
        total += np.vdot(block, block)
        T = block @ rows.T
        moments += T.T @ T
    squares, rotation = _eigh(moments)
    return squares, rotation.T @ rows, total


def _left_out(Z, squares, rows, total):
    """Sum of the squares of what the axes leave out."""
    left = total - squares.sum()
    if left > CANCELLED * total:
        return left
    if not hasattr(Z, "values"):  # the rest of a sparse table would be dense
        return left if left > 1e-13 * total else 0.0
    left = 0.0
    for some in row_blocks(*Z.shape):
        block = Z.rows(some)
        block = block - block @ rows.T @ rows
        left += np.einsum("ij,ij->", block, block)
    return left
