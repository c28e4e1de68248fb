"""Truncated singular value decomposition of dense, sparse and implicit matrices.

One solver serves every family. It sees a matrix only through its products with
blocks of vectors, so a sparse matrix stays sparse, and a matrix that is only known as
a formula (a centred sparse table, a product of factors) is never written out.

Dense work is numpy's wherever numpy can do it. The wheels of numpy and scipy bring a
BLAS each, and the idle threads of one, which spin for a while, slow those of the other.
"""

from contextlib import nullcontext
from itertools import pairwise

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import LinearOperator
from sklearn.utils import check_random_state

from sklearn_replearn._blas_threads import one_blas_thread
from sklearn_replearn._operators import as_operator
from sklearn_replearn._scaling import divide, range_unit


def randomized_svd(
    A,
    n_components,
    *,
    n_iter=5,
    tol=0.0,
    n_oversamples=10,
    block_size=None,
    random_state=None,
):
    """Truncated singular value decomposition by a randomised block Krylov method.

    A random block is multiplied again and again by the matrix and its transpose; all
    the blocks together, made orthonormal, span the subspace in which the best rank-k
    approximation is sought (Rayleigh-Ritz). Power iteration, which keeps the last
    block only, needs about the square of the number of iterations for the same
    accuracy. Where the basis would span the whole space of a small matrix, the
    decomposition is exact.

    Parameters
    ----------
    A : array, sparse matrix or LinearOperator of shape (n_rows, n_columns)
        Real, float32 or float64. The work is done in this precision.
    n_components : int
        Number of singular triplets, at most ``min(A.shape)``.
    n_iter : int, default=5
        Number of iterations, at most; each multiplies a block by A and by its
        transpose. The matrix is read ``2 * n_iter + 3`` times in all (twice for 0),
        where power iteration with the same number reads it ``2 * n_iter + 2`` times.
        Of narrow blocks, at least as many are made as span ``n_components +
        n_oversamples`` dimensions.
    tol : float, default=0.0
        Stop when further iterations would add less than this share to the sum of the
        squared singular values, judged by the last two gains. From 1e-3 on, the
        subspace is sought in single precision; the triplets in it are computed in
        A's own.
    n_oversamples : int, default=10
        Width of the block beyond `n_components`.
    block_size : int, default=None
        Width of the block; ``None`` is ``n_components + n_oversamples``, which finds
        singular values of any multiplicity. A narrower block comes closer with the
        same work, by more iterations, and finds as many copies of a repeated singular
        value as it has columns.
    random_state : int, RandomState instance or None, default=None
        Draws the first block.

    Returns
    -------
    U : ndarray of shape (n_rows, n_components)
    s : ndarray of shape (n_components,)
        In descending order. Fewer, if the rank of A is seen to be lower.
    Vt : ndarray of shape (n_components, n_columns)
        The entry of largest absolute value in each row is positive.

    References
    ----------
    C. Musco and C. Musco, "Randomized block Krylov methods for stronger and faster
    approximate singular value decomposition", NeurIPS 2015.
    """
    unit = _unit_of(A)
    if unit != 1:
        A = divide(A, unit)
    operator = as_operator(A)
    # B is A or its transpose, whichever is tall: the basis lives on the narrow side.
    wide = operator.shape[0] < operator.shape[1]
    width, height = sorted(operator.shape)
    n_wanted = n_components + n_oversamples
    block_size = min(block_size or n_wanted, n_wanted)
    n_iter = max(n_iter, -(-n_wanted // block_size) - 1)
    widest = (n_iter + 1) * block_size
    if width <= 2 * n_wanted or (width <= widest and width * height <= 2**22):
        V, image = np.eye(width, dtype=operator.dtype), None
    else:
        working = operator
        if tol >= 1e-3 and not isinstance(A, LinearOperator):
            working = as_operator(_in_single_precision(A))
        rng = _generator(random_state)
        # Narrow blocks are too small for threads of BLAS, which would wait for each
        # other between the products, and take the processor from the operator's own.
        narrow = block_size < n_wanted
        with one_blas_thread() if narrow else nullcontext():
            V, image = _krylov_vectors(
                working, wide, block_size, n_iter, n_components, tol, rng
            )
        if working is not operator:
            V, image = orthonormalize(V.astype(operator.dtype))[0], None

    # Rayleigh-Ritz: the singular triplets of B V, whose left vectors are exact.
    if image is None:
        image = operator.rmatmat(V) if wide else operator.matmat(V)
    Q, R = orthonormalize(image)
    left, s, right = np.linalg.svd(R, full_matrices=False)
    tall = Q @ left[:, :n_components]
    V = V @ right[:n_components].T
    U, V = (V, tall) if wide else (tall, V)
    signs = leading_signs(V.T)
    if unit != 1:
        s = s * s.dtype.type(unit)
    return U * signs, s[:n_components], V.T * signs[:, np.newaxis]


def randomized_eigh(
    A, n_components, *, basis_size=None, block_size=32, start=None, random_state=None
):
    """Largest eigenvalues of a symmetric matrix by a block Krylov method.

    A random block is multiplied again and again by the matrix; all the blocks
    together, made orthonormal, span the subspace in which the eigenvectors are sought
    (Rayleigh-Ritz). Where they span the whole space, the decomposition is exact.

    Parameters
    ----------
    A : array, sparse matrix or LinearOperator of shape (n, n)
        Real and symmetric, float32 or float64. The work is done in this precision.
    n_components : int
        Number of eigenpairs, at most n.
    basis_size : int, default=None
        Dimensions of the subspace; ``None`` is ``5 * n_components``. More come closer.
    block_size : int, default=32
        Columns that are multiplied at a time. So many copies of a repeated eigenvalue
        are found.
    start : ndarray of shape (n, n_known), default=None
        Orthonormal vectors that the subspace has to contain, such as eigenvectors that
        are known. More than `basis_size` widen it.
    random_state : int, RandomState instance or None, default=None
        Draws the first block.

    Returns
    -------
    w : ndarray of shape (n_components,)
        In descending order, by sign and all.
    U : ndarray of shape (n, n_components)
        Orthonormal columns; the entry of largest absolute value in each is positive.
    """
    operator = as_operator(A)
    n = operator.shape[0]
    rng = _generator(random_state)
    if start is None:
        start = np.empty((n, 0), dtype=operator.dtype)
    basis_size = min(n, max(basis_size or 5 * n_components, start.shape[1]))
    if basis_size == n:
        matrix = operator.matmat(np.eye(n, dtype=operator.dtype))
        w, U = np.linalg.eigh((matrix + matrix.T) / 2)
    else:
        with one_blas_thread():  # as in randomized_svd
            basis, projected = _krylov_basis(
                operator, start, basis_size, block_size, rng
            )
        w, vectors = np.linalg.eigh(projected, UPLO="U")
        U = basis @ vectors[:, -n_components:]
    w, U = w[-n_components:][::-1], U[:, -n_components:][:, ::-1]
    return w, U * leading_signs(U.T)


def _krylov_basis(operator, start, basis_size, block_size, rng):
    """Orthonormal columns Q of the Krylov subspace, and the upper half of QᵀAQ."""
    n, dtype = operator.shape[0], operator.dtype
    basis = np.empty((n, basis_size), dtype=dtype, order="F")
    projected = np.zeros((basis_size, basis_size), dtype=dtype)
    stop, block = 0, start
    while stop < basis_size:
        if stop == 0 or not block.shape[1]:  # begin, or go on from an invariant basis
            fresh = rng.standard_normal((n, block_size), dtype=dtype)
            known = np.hstack([basis[:, :stop], block])
            block = np.hstack([block, _new_directions(fresh, known)[0]])
        block = block[:, : basis_size - stop]
        here = slice(stop, stop + block.shape[1])
        stop = here.stop
        basis[:, here] = block
        image = operator.matmat(np.ascontiguousarray(block))
        block, projected[:stop, here], _ = _new_directions(image, basis[:, :stop])
    return basis, projected


def _generator(random_state):
    """A generator of numpy's, which draws in single precision too."""
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    return np.random.default_rng(seed)


def numerical_rank(s, size, eps):
    """How many singular values of a matrix are more than its rounding errors.

    Parameters
    ----------
    s : ndarray of shape (n_components,)
        Singular values in descending order.
    size : int
        The matrix's larger side.
    eps : float
        Relative rounding error of its entries.
    """
    if s[0] == 0:
        return 0
    return int(np.count_nonzero(s / s[0] > 10 * np.sqrt(size) * eps))


def input_eps(X, dtype):
    """Relative rounding error of the numbers in X as they were given.

    Parameters
    ----------
    X : array-like
        Before it was converted: float16 is computed in double precision, but has the
        rounding errors of its own.
    dtype : numpy.dtype
        The precision after conversion.
    """
    given = getattr(X, "dtype", None)
    own = np.finfo(dtype).eps
    if isinstance(given, np.dtype) and given.kind == "f":
        return max(own, np.finfo(given).eps)
    return own


def leading_signs(rows):
    """Sign of the entry of largest absolute value in each row (1 for a zero row)."""
    largest = np.abs(rows).argmax(axis=1)
    return np.where(rows[np.arange(len(rows)), largest] < 0, -1, 1).astype(rows.dtype)


def _unit_of(A):
    """The `range_unit` of a matrix; 1 where its numbers are not known."""
    if isinstance(A, LinearOperator):
        return 1.0
    values = A.data if sparse.issparse(A) else A
    return float(range_unit(_largest(values), A.dtype)) if values.size else 1.0


def _in_single_precision(A):
    """A float32 copy, scaled to entries of at most 1, with the same singular vectors.

    It costs half the time, and its rounding errors are far below a tolerance of 1e-3.
    """
    largest = np.abs(A).max()
    return (A / largest if largest > 0 else A).astype(np.float32)


def _krylov_vectors(operator, wide, size, n_iter, n_components, tol, rng):
    """Orthonormal columns that contain the leading right singular vectors of B.

    They are the Ritz vectors of ``B.T @ B``, which cost nothing beyond the products
    already made, but square the condition number. Where the first block shows that
    small singular values would drown, each image is made orthonormal before it is
    multiplied by the transpose, and the whole basis is returned.

    Returns
    -------
    V : ndarray of shape (width, n_columns)
    image : ndarray of shape (height, n_columns) or None
        ``B @ V``, where blocks are narrow: their images are kept then, which take no
        more memory than the basis and save a product with all columns.
    """
    multiply = operator.rmatmat if wide else operator.matmat
    multiply_transposed = operator.matmat if wide else operator.rmatmat
    height, width = operator.shape[::-1] if wide else operator.shape
    start = rng.standard_normal((height, size), dtype=operator.dtype)
    block, _ = orthonormalize(multiply_transposed(start))
    if n_iter == 0:
        return block, None
    keep_images = size < n_components
    n_columns = min((n_iter + 1) * size, width)
    # Columns that are never written take no memory, on most systems.
    basis = np.empty((width, n_columns), dtype=block.dtype, order="F")
    projected = np.zeros((n_columns, n_columns), dtype=block.dtype)  # Vᵀ Bᵀ B V
    stop, squares, captured, images = 0, True, [], []
    for iteration in range(n_iter + 1):
        here = slice(stop, stop + block.shape[1])
        stop = here.stop
        basis[:, here] = block
        image = multiply(block)
        if iteration == 0:
            unit = _largest(image) or 1.0  # B's own scale may have no square
        image /= unit
        projected[here, here] = image.T @ image
        if iteration == 0 or tol > 0:
            ritz_values = np.linalg.eigvalsh(projected[:stop, :stop])
            captured.append(ritz_values[-n_components:].sum())
        if iteration == 0:
            squares = (
                ritz_values[0] > np.sqrt(np.finfo(block.dtype).eps) * ritz_values[-1]
            )
        if squares and keep_images:
            images.append(image)
        enough = stop >= n_components and _expected_gain(captured) < tol
        if iteration == n_iter or (squares and enough):
            break
        if not squares:
            image, _ = orthonormalize(image)
        block, projected[:stop, here], R = _new_directions(
            multiply_transposed(image) / unit, basis[:, :stop]
        )
        projected[stop : stop + len(R), here] = R
        if block.shape[1] < size and stop + block.shape[1] < n_components:
            # The basis is invariant, but too small: go on from another start.
            n_new = min(size, width - stop) - block.shape[1]
            start = rng.standard_normal((height, n_new), dtype=block.dtype)
            known = np.hstack([basis[:, :stop], block])
            fresh, _, _ = _new_directions(multiply_transposed(start), known)
            block = np.hstack([block, fresh])
        if not block.size:  # nothing is left to find
            break
    basis = basis[:, :stop]
    if not squares:
        return basis, None
    _, vectors = np.linalg.eigh(projected[:stop, :stop])
    vectors = vectors[:, -n_components:]
    if not keep_images:
        return basis @ vectors, None
    bounds = pairwise(np.cumsum([0, *(image.shape[1] for image in images)]))
    image = sum(
        image @ vectors[start:stop]
        for image, (start, stop) in zip(images, bounds, strict=True)
    )
    return basis @ vectors, image * unit


def _expected_gain(captured):
    """Relative gain still to come in a sequence whose gains shrink geometrically."""
    if len(captured) < 3:
        return np.inf
    before, last = np.diff(captured[-3:])
    ratio = min(last / before, 0.99) if before > 0 else 0.0
    return last / captured[-1] * ratio / (1 - ratio)


def _new_directions(Y, basis):
    """Factor ``Y = basis @ C + Q @ R``, Q orthonormal and orthogonal to `basis`.

    Q leaves out directions that are only the rounding errors of what `basis` spans;
    it may have no column. What `basis` spans is taken away twice: once leaves rounding
    errors that grow with each block of a long basis.
    """
    C = basis.T @ Y
    Q, R = orthonormalize(Y - basis @ C)
    left = basis.T @ Q
    Y = Q - basis @ left
    rounding = np.finfo(Y.dtype).eps * np.sqrt(len(Y)) * np.linalg.norm(C)
    new = (np.linalg.norm(Y, axis=0) > 0.5) & (np.linalg.norm(R, axis=1) > rounding)
    if not new.any():
        return Q[:, :0], C, R[:0]
    Q, correction = orthonormalize(Y[:, new])
    return Q, C + left @ R, correction @ R[new]


def orthonormalize(Y):
    """Factor ``Y = Q @ R`` with orthonormal Q.

    Cholesky QR is several times faster than Householder's on tall matrices. It is
    repeated where it may have lost digits, and gives way to Householder's, with
    pivoting, where the columns are nearly dependent.
    """
    identity = np.eye(Y.shape[1], dtype=Y.dtype)
    eps = np.finfo(Y.dtype).eps
    unit = _largest(Y) or Y.dtype.type(1)
    Y, R = Y / unit, unit * identity
    for _ in range(2):
        try:
            factor = np.linalg.cholesky(Y.T @ Y)
        except np.linalg.LinAlgError:
            break
        diagonal = np.diag(factor)
        condition = diagonal.max() / diagonal.min()  # up to a modest factor
        if not condition < eps**-0.375:
            break
        Y = Y @ np.linalg.solve(factor, identity).T
        R = factor.T @ R
        if condition < eps**-0.1:
            return Y, R
    Q, factor, order = linalg.qr(Y, mode="economic", pivoting=True)
    return Q, factor[:, np.argsort(order)] @ R


def _largest(Y):
    """Largest absolute value, without a copy."""
    return max(Y.max(), -Y.min())
