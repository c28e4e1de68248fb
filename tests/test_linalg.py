"""The truncated SVD against exact decompositions, on easy and on hard matrices."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.sparse.linalg import LinearOperator
from sklearn.utils.extmath import randomized_svd as power_iteration
from threadpoolctl import threadpool_limits

from sklearn_replearn._blas_threads import n_blas_threads, one_blas_thread
from sklearn_replearn._linalg import (
    _new_directions,
    leading_signs,
    numerical_rank,
    orthonormalize,
    randomized_eigh,
    randomized_svd,
)
from sklearn_replearn._operators import (
    ThreadedSparseOperator,
    TrianglePairOperator,
    as_operator,
)


def matrix_with(singular_values, shape=(300, 200), seed=0):
    rng = np.random.default_rng(seed)
    r = len(singular_values)
    U, _ = np.linalg.qr(rng.standard_normal((shape[0], r)))
    V, _ = np.linalg.qr(rng.standard_normal((shape[1], r)))
    return (U * singular_values) @ V.T


def assert_svd(A, U, s, Vt, *, tolerance):
    """Orthonormal factors, and A V = U S to the tolerance times the norm of A."""
    identity = np.eye(len(s))
    assert_allclose(U.T @ U, identity, atol=1e-10)
    assert_allclose(Vt @ Vt.T, identity, atol=1e-10)
    assert (np.diff(s) <= 0).all()
    assert (leading_signs(Vt) == 1).all()
    assert np.abs(A @ Vt.T - U * s).max() <= tolerance * s[0]
    assert np.abs(A.T @ U - Vt.T * s).max() <= tolerance * s[0]


@pytest.mark.parametrize("shape", [(300, 200), (200, 300)])
@pytest.mark.parametrize("n_iter", [0, 1, 5, 40])
def test_decaying_spectrum(shape, n_iter):
    s_true = 0.8 ** np.arange(150)
    A = matrix_with(s_true, shape)
    U, s, Vt = randomized_svd(A, 5, n_iter=n_iter, random_state=0)
    # Halko's bound shrinks with the power of the gap behind the block.
    tolerance = max(0.8 ** (15 * (n_iter + 0.5)), 1e-12)
    assert_allclose(s, s_true[:5], rtol=tolerance)
    assert_svd(A, U, s, Vt, tolerance=np.sqrt(tolerance) * 10)


def test_exact_where_the_basis_spans_the_space():
    A = np.random.default_rng(0).standard_normal((80, 30))
    U, s, Vt = randomized_svd(A, 30)
    assert_allclose(s, np.linalg.svd(A, compute_uv=False), rtol=1e-12)
    assert_svd(A, U, s, Vt, tolerance=1e-12)


def test_flat_spectrum_is_closer_than_power_iteration_at_equal_passes():
    A = sparse.random_array((2000, 1200), density=0.02, random_state=0, format="csr")
    exact = np.linalg.svd(A.toarray(), compute_uv=False)[:20]
    for n_iter in (2, 4, 6):
        ours = randomized_svd(A, 20, n_iter=n_iter, random_state=0)[1]
        peers = power_iteration(A, 20, n_iter=n_iter, random_state=0)[1]
        assert np.abs(ours / exact - 1).mean() < np.abs(peers / exact - 1).mean()


@pytest.mark.parametrize("shape", [(300, 200), (200, 300)])
def test_ill_conditioned(shape):
    """Singular values far below the square root of the precision are found."""
    s_true = 10.0 ** -np.linspace(0, 14, 60)
    A = matrix_with(s_true, shape)
    U, s, Vt = randomized_svd(A, 20, n_iter=3, random_state=0)
    # As accurate as LAPACK is: to the precision times the largest singular value.
    assert_allclose(s, s_true[:20], rtol=0, atol=1e-14)
    assert_allclose(s, s_true[:20], rtol=1e-9)
    assert_svd(A, U, s, Vt, tolerance=1e-13)


def test_outlier_before_a_flat_tail():
    s_true = np.r_[1e7, np.linspace(1.2, 0.8, 120)]
    A = matrix_with(s_true)
    s = randomized_svd(A, 4, n_iter=8, random_state=0)[1]
    assert_allclose(s, s_true[:4], rtol=2e-2)


@pytest.mark.parametrize("rank", [0, 1, 3])
def test_rank_deficient(rank):
    A = matrix_with(np.arange(rank, 0, -1.0)) if rank else np.zeros((300, 200))
    U, s, Vt = randomized_svd(A, 8, n_iter=2, random_state=0)
    assert_allclose(s, np.r_[np.arange(rank, 0, -1.0), np.zeros(8 - rank)], atol=1e-13)
    assert np.isfinite(U).all()
    assert_allclose(U.T @ U, np.eye(8), atol=1e-10)
    assert_allclose(Vt @ Vt.T, np.eye(8), atol=1e-10)
    assert_allclose((U * s) @ Vt, A, atol=1e-12)


def test_repeated_singular_values_are_all_found():
    """A block narrower than the multiplicity would find only its own width."""
    s_true = np.r_[np.ones(30), np.full(100, 0.01)]
    A = matrix_with(s_true)
    s = randomized_svd(A, 30, n_iter=2, random_state=0)[1]
    assert_allclose(s, 1, rtol=1e-6)


@pytest.mark.parametrize("shape", [(3000, 2500), (2500, 3000)])
def test_narrow_blocks(shape):
    A = matrix_with(np.append(np.linspace(1, 0.5, 60), np.full(20, 0.3)), shape)
    s_true = np.linspace(1, 0.5, 60)[:50]
    U, s, Vt = randomized_svd(A, 50, n_iter=20, block_size=8, random_state=0)
    assert_allclose(s, s_true, rtol=1e-8)
    assert_svd(A, U, s, Vt, tolerance=1e-6)
    for tol, worst in ((0.05, 0.2), (1e-5, 0.02)):
        _, s, _ = randomized_svd(
            A, 50, n_iter=50, tol=tol, block_size=8, random_state=0
        )
        assert ((s**2).sum() - (s_true**2).sum()) / (s_true**2).sum() > -worst


def normalized_random_graph(n, dtype):
    """Eigenvalues near each other all along, but for the largest, which is 1."""
    rng = np.random.default_rng(0)
    A = sparse.random_array((n, n), density=0.02, random_state=rng)
    ring = sparse.eye_array(n, k=1) + sparse.eye_array(n, k=1 - n)
    A = A + ring
    A = A + A.T
    scale = sparse.diags_array(1 / np.sqrt(A.sum(axis=1)))
    return (scale @ A @ scale).tocsr().astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_long_basis_stays_orthonormal(dtype):
    S = normalized_random_graph(1000, dtype)
    A = S + sparse.eye_array(1000, dtype=dtype)
    U, s, Vt = randomized_svd(
        as_operator(A), 60, n_iter=20, block_size=24, random_state=0
    )
    s_true = np.linalg.svd(A.toarray(), compute_uv=False)[:60]
    assert_allclose(s, s_true, rtol=2e-3)
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    for factor in (U.T, Vt):
        assert_allclose(factor @ factor.T, np.eye(60), atol=tolerance)


def test_narrow_blocks_with_a_tolerance_keep_the_scale():
    A = 50 * normalized_random_graph(1000, np.float64)
    _, s, _ = randomized_svd(A, 30, tol=2e-3, block_size=12, random_state=0)
    s_true = np.linalg.svd(A.toarray(), compute_uv=False)[:30]
    assert_allclose(s, s_true, rtol=0.2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_eigh(dtype):
    S = normalized_random_graph(1000, dtype)
    options = {"basis_size": 600, "block_size": 10, "random_state": 0}
    w, U = randomized_eigh(S, 20, **options)
    exact = np.linalg.eigvalsh(S.toarray())[::-1]
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    assert w.dtype == U.dtype == dtype
    assert_allclose(w, exact[:20], atol=tolerance)
    assert_allclose(S @ U, U * w, atol=np.sqrt(tolerance))
    assert_allclose(U.T @ U, np.eye(20), atol=tolerance)
    assert (leading_signs(U.T) == 1).all()
    again = randomized_eigh(S, 20, **options)
    assert_array_equal(again[1], U)


def test_eigh_is_exact_where_the_basis_spans_the_space():
    S = normalized_random_graph(50, np.float64)
    w, U = randomized_eigh(S, 20, random_state=0)
    assert_allclose(w, np.linalg.eigvalsh(S.toarray())[:-21:-1], atol=1e-12)
    assert_allclose(S @ U, U * w, atol=1e-12)


def test_eigh_finds_all_copies_of_an_eigenvalue_that_is_known():
    """40 components: the eigenvalue 1 is there 40 times, and blocks have 4 columns."""
    blocks = [normalized_random_graph(30, np.float64) for _ in range(40)]
    S = sparse.block_diag(blocks, format="csr")
    start = np.zeros((1200, 40))
    for i, block in enumerate(blocks):
        _, U = np.linalg.eigh(block.toarray())
        start[30 * i : 30 * (i + 1), i] = U[:, -1]
    options = {"basis_size": 100, "block_size": 4, "random_state": 0}
    w, U = randomized_eigh(S, 40, start=start, **options)
    assert_allclose(w, 1)
    assert_allclose(S @ U, U, atol=1e-12)
    w, _ = randomized_eigh(S, 40, **options)
    assert w[39] < 0.99


def test_eigh_goes_on_from_an_invariant_basis():
    A = np.diag(np.r_[np.arange(5.0), np.zeros(95)])
    w, U = randomized_eigh(A, 6, basis_size=50, block_size=4, random_state=0)
    assert_allclose(w, [4, 3, 2, 1, 0, 0], atol=1e-12)
    assert_allclose(U.T @ U, np.eye(6), atol=1e-12)


def test_narrow_blocks_of_a_matrix_that_is_soon_spanned():
    """Few distinct singular values: the Krylov space ends before it is wide enough."""
    A = sparse.block_diag([np.ones((2, 2))] * 1500, format="csr")
    U, s, Vt = randomized_svd(A, 40, n_iter=3, block_size=5, random_state=0)
    assert_allclose(s, 2)
    assert_svd(A, U, s, Vt, tolerance=1e-10)


def test_overlapping_limits_of_blas_are_undone():
    before = n_blas_threads()
    with threadpool_limits(2, user_api="blas"):
        first, second = one_blas_thread(), one_blas_thread()
        first.__enter__()
        second.__enter__()
        assert n_blas_threads() == 1
        first.__exit__(None, None, None)  # the first to come goes first
        assert n_blas_threads() == 1
        second.__exit__(None, None, None)
        assert n_blas_threads() == 2
    assert n_blas_threads() == before


def test_two_triangles_are_one_matrix():
    rng = np.random.default_rng(0)
    upper = sparse.triu(
        sparse.random_array((60, 60), density=0.2, random_state=1), format="csr"
    )
    lower = upper.copy()
    lower.data = rng.standard_normal(len(lower.data))
    lower.data[lower.tocoo().coords[0] == lower.tocoo().coords[1]] = 0
    operator = TrianglePairOperator(upper.indptr, upper.indices, upper.data, lower.data)
    A = (upper + lower.T).toarray()
    for X in (rng.standard_normal((60, 7)), np.eye(60)):
        assert_allclose(operator.matmat(X), A @ X, atol=1e-12)
        assert_allclose(operator.rmatmat(X), A.T @ X, atol=1e-12)
    products = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            operator = TrianglePairOperator(
                upper.indptr, upper.indices, upper.data, lower.data
            )
            products.append(operator.matmat(X))
    assert_array_equal(*products)
    nothing = TrianglePairOperator(
        np.zeros(4, int), np.zeros(0, int), *np.zeros((2, 0))
    )
    assert_array_equal(nothing.matmat(np.eye(3)), 0)


def test_dense_sparse_and_implicit_agree():
    A = sparse.random_array((400, 250), density=0.1, random_state=0, format="csr")
    implicit = LinearOperator(
        A.shape,
        matvec=lambda x: A @ x,
        matmat=lambda X: A @ X,
        rmatvec=lambda x: A.T @ x,
        rmatmat=lambda X: A.T @ X,
        dtype=A.dtype,
    )
    dense = randomized_svd(A.toarray(), 5, random_state=0)
    for form in (A, A.tocsc(), A.tocoo(), sparse.csr_matrix(A), implicit):
        for part, expected in zip(
            randomized_svd(form, 5, random_state=0), dense, strict=True
        ):
            assert_allclose(part, expected, atol=1e-9)


def test_float32_stays_float32():
    A = matrix_with(0.9 ** np.arange(100)).astype(np.float32)
    U, s, Vt = randomized_svd(A, 5, random_state=0)
    assert {U.dtype, s.dtype, Vt.dtype} == {np.dtype(np.float32)}
    assert_allclose(s, 0.9 ** np.arange(5), rtol=1e-5)
    assert_allclose(U.T @ U, np.eye(5), atol=1e-5)


def test_float32_ill_conditioned():
    s_true = 10.0 ** -np.linspace(0, 6, 60)
    A = matrix_with(s_true).astype(np.float32)
    s = randomized_svd(A, 10, n_iter=3, random_state=0)[1]
    assert_allclose(s, s_true[:10], atol=3e-6)


def test_random_state():
    A = sparse.random_array((400, 250), density=0.1, random_state=0, format="csr")
    first, again, other = (
        randomized_svd(A, 3, n_iter=1, random_state=seed)[1] for seed in (0, 0, 1)
    )
    assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("n_threads", [1, 2, 3, 500])
def test_threads_do_not_change_a_bit(n_threads):
    upper = sparse.random_array((40, 57), density=0.1, random_state=0)
    lower = sparse.random_array((11, 57), density=0.1, random_state=1)
    A = sparse.vstack([upper, sparse.coo_array((50, 57)), lower], format="csr")
    X = np.random.default_rng(0).standard_normal((57, 4))
    Y = np.random.default_rng(1).standard_normal((101, 4))
    operator = ThreadedSparseOperator(A, n_threads=n_threads)
    assert_array_equal(operator @ X, A @ X)
    assert_array_equal(operator.rmatmat(Y), A.T.tocsr() @ Y)
    assert operator.n_threads == n_threads


def test_threads_follow_blas(monkeypatch):
    large = sparse.random_array((1000, 500), density=0.3, random_state=0)
    with threadpool_limits(1):
        assert n_blas_threads() == 1
        assert as_operator(large).n_threads == 1
    pools = [("blas", 4), ("openmp", 1), ("blas", 3)]
    monkeypatch.setattr(
        "sklearn_replearn._blas_threads.threadpool_info",
        lambda: [{"user_api": api, "num_threads": n} for api, n in pools],
    )
    assert n_blas_threads() == 3
    assert as_operator(large).n_threads == 3
    assert (
        as_operator(large.tocsr()[:10]).n_threads == 1
    )  # too small for threads to help


@pytest.mark.parametrize(
    ("scale", "dtype"),
    [
        (1e-12, np.float32),
        (1e25, np.float32),
        (1e-160, np.float64),
        (1e155, np.float64),
        (1e-308, np.float64),
        (1e306, np.float64),
        (1e-34, np.float32),
        (1e37, np.float32),
    ],
)
@pytest.mark.parametrize("tol", [0.0, 1e-2])
def test_the_scale_of_the_matrix_does_not_matter(scale, dtype, tol):
    A = matrix_with(0.9 ** np.arange(150)).astype(dtype)
    expected = randomized_svd(A, 4, tol=tol, random_state=0)
    U, s, Vt = randomized_svd(A * dtype(scale), 4, tol=tol, random_state=0)
    precision = 1e-4 if dtype is np.float32 else 1e-9
    assert_allclose(s / dtype(scale), expected[1], rtol=precision)
    assert_allclose(U.T @ U, np.eye(4), atol=precision)
    assert_allclose(Vt, expected[2], atol=100 * precision)


@pytest.mark.parametrize("scale", [1e-309, 1e-150, 1.0, 1e300])
def test_rank_at_any_scale(scale):
    s = np.array([1, 1e-3, 1e-13, 0]) * scale
    assert numerical_rank(s, 100, 2**-52) == 3
    assert numerical_rank(s, 100, 2**-23) == 2
    assert numerical_rank(0 * s, 100, 2**-52) == 0


def test_many_components_without_a_dense_copy():
    """Blocks that would overfill the space stop when nothing is left to find.

    The matrix has more than 2**22 entries: fewer are decomposed as a dense matrix.
    """
    A = sparse.random_array((9000, 500), density=0.002, random_state=0, format="csr")
    U, s, Vt = randomized_svd(A, 150, random_state=0)
    exact = np.linalg.svd(A.toarray(), compute_uv=False)[:150]
    assert_allclose(s, exact, rtol=1e-6)
    assert_svd(A, U, s, Vt, tolerance=1e-5)


def test_empty_sparse_matrix():
    U, s, _ = randomized_svd(sparse.csr_array((50, 40)), 2, n_iter=0, random_state=0)
    assert_allclose(s, 0)
    assert np.isfinite(U).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_orthonormalize(dtype):
    rng = np.random.default_rng(0)
    eps = np.finfo(dtype).eps
    good = rng.standard_normal((500, 8)).astype(dtype)
    nearly_dependent = good.copy()
    nearly_dependent[:, 1] = nearly_dependent[:, 0] * (1 + 10 * eps)
    graded = good * (10.0 ** -np.arange(8)).astype(dtype)
    for Y in (good, nearly_dependent, graded, good * 0):
        Q, R = orthonormalize(Y)
        assert Q.dtype == R.dtype == dtype
        assert_allclose(Q.T @ Q, np.eye(8), atol=1e4 * eps)
        assert_allclose(Q @ R, Y, atol=1e3 * eps)


def test_only_new_directions_are_kept():
    rng = np.random.default_rng(0)
    basis, _ = orthonormalize(rng.standard_normal((100, 5)))
    Y = basis @ rng.standard_normal((5, 4))
    Y[:, 2] += 1e-3 * rng.standard_normal(100)
    Q, C, R = _new_directions(Y, basis)
    assert Q.shape == (100, 1)
    assert np.abs(basis.T @ Q).max() < 1e-12
    assert_allclose(basis @ C + Q @ R, Y, atol=1e-12)
    Q, C, R = _new_directions(basis @ C, basis)
    assert Q.shape == (100, 0)
    assert R.shape == (0, 4)


def test_leading_signs():
    rows = np.array([[1.0, -2.0], [0.0, 0.0], [3.0, -1.0]])
    assert_array_equal(leading_signs(rows), [-1, 1, 1])
