"""Randomised SVD against scikit-learn's, at no more passes, and against ARPACK.

Matrices that are easy, and matrices that trip a truncated decomposition up:
ill-conditioned, rank-deficient, with a flat spectrum, with repeated singular values.
Besides the times, the worst of several random states of

- error: of any singular value, relative to the largest one;
- residual: of A v = s u and of its transpose, relative to the largest one;
- orthogonality: of any entry of U' U and V' V from the identity;
- passes: how often the matrix or its transpose was multiplied by a block (ARPACK: by
  a vector), and products, by how many vectors in all.

This package's solver makes 2 n_iter + 3 passes and scikit-learn's 2 n_iter + 2, so the
targets are for one iteration fewer than scikit-learn's: 11 passes against 12.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from scipy import sparse
from scipy.linalg import qr
from scipy.sparse.linalg import (
    ArpackNoConvergence,
    LinearOperator,
    aslinearoperator,
    svds,
)
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.utils.extmath import randomized_svd as sklearn_randomized_svd

from sklearn_replearn._linalg import randomized_svd

from ._contest import Contest, Options, Target
from ._data import read_texts, zipfian_counts
from ._report import progress

SEEDS = (0, 1, 2)
N_ITER = 5
OVERSAMPLES = 10
MAX_RESTARTS = 1_000  # ARPACK may hang for minutes where singular values are equal
ROUND_OFF = 1e-12  # errors below it are not told apart


def run(options: Options) -> Iterator[Contest]:
    """Yield the tf-idf matrix, then the dense ones of known singular values."""
    name, A = tfidf_matrix(options)
    n_components = 10 if options.smoke else 100
    truth = arpack(A, n_components, seed=0)[1]
    yield contest(f"{name}, {A.shape[0]:,} x {A.shape[1]:,}", A, n_components, truth)
    shape, n_components = ((200, 100), 5) if options.smoke else ((2_000, 800), 50)
    for name, values in spectra(min(shape), n_components).items():
        A = matrix_with(values, shape, random_state=0)
        data = f"dense, {shape[0]:,} x {shape[1]:,}, {name}"
        yield contest(data, A, n_components, values[:n_components])


def spectra(size: int, k: int) -> dict[str, np.ndarray]:
    """Singular values by name, of which the first k are sought."""
    steep = np.geomspace(1, 1e-12, 2 * k)
    return {
        "geometric decay from 1 to 1e-12": np.geomspace(1, 1e-12, size),
        f"geometric decay from 1 to 1e-12 within {2 * k} values, then 1e-12": np.append(
            steep, np.full(size - 2 * k, 1e-12)
        ),
        f"rank {3 * k // 5}, fewer than sought": np.append(
            np.linspace(1, 0.5, 3 * k // 5), np.zeros(size - 3 * k // 5)
        ),
        "flat: linear from 1 to 0.5": np.linspace(1, 0.5, size),
        f"{k} equal values, then linear from 0.9": np.append(
            np.ones(k), np.linspace(0.9, 0.1, size - k)
        ),
    }


def matrix_with(values: np.ndarray, shape, *, random_state: int) -> np.ndarray:
    """Dense matrix of given singular values and random singular vectors."""
    rng = np.random.default_rng(random_state)
    U, V = (
        qr(rng.standard_normal((n, len(values))), mode="economic")[0] for n in shape
    )
    return (U * values) @ V.T


def tfidf_matrix(options: Options) -> tuple[str, sparse.csr_array]:
    """Tf-idf of 20 Newsgroups, or of made-up documents where there is no folder."""
    if options.data is not None:
        texts = read_texts(options.data, "newsgroups20", "20 Newsgroups")
        return "tf-idf of 20 Newsgroups", TfidfVectorizer().fit_transform(texts.train)
    progress("No data folder: documents made up by Zipf's law instead.")
    shape = (200, 300) if options.smoke else (10_000, 50_000)
    counts = zipfian_counts(*shape, random_state=0)
    return "tf-idf of made-up documents", TfidfTransformer().fit_transform(counts)


def randomised(solve, n_iter: int, A, n_components: int, seed: int):
    """Triplets by this package's or by scikit-learn's function."""
    return solve(
        A,
        n_components,
        n_iter=n_iter,
        n_oversamples=OVERSAMPLES,
        random_state=seed,
    )


def arpack(A, n_components: int, seed: int):
    """Triplets by scipy's svds; NaN where it gives up."""
    rng = np.random.default_rng(seed)
    try:
        U, s, Vt = svds(A, n_components, maxiter=MAX_RESTARTS, random_state=rng)
    except ArpackNoConvergence:
        return tuple(
            np.full(shape, np.nan)
            for shape in (
                (A.shape[0], n_components),
                n_components,
                (n_components, A.shape[1]),
            )
        )
    return U[:, ::-1], s[::-1], Vt[::-1]


ARPACK_NOTE = (
    "ARPACK iterates to machine precision in as many passes as that takes, and gives "
    f"up (nan) after {MAX_RESTARTS:,} restarts."
)
PEER = f"scikit-learn, n_iter={N_ITER}"
SOLVERS: dict[str, Callable] = {
    f"this, n_iter={N_ITER - 1}": partial(randomised, randomized_svd, N_ITER - 1),
    f"this, n_iter={N_ITER}": partial(randomised, randomized_svd, N_ITER),
    PEER: partial(randomised, sklearn_randomized_svd, N_ITER),
    "ARPACK": arpack,
}


def contest(data: str, A, n_components: int, truth: np.ndarray) -> Contest:
    """All solvers on one matrix."""
    progress(f"svd: {data}; quality")
    quality = {
        name: worst_quality(solver, A, n_components, truth)
        for name, solver in SOLVERS.items()
    }
    for name, solver in SOLVERS.items():
        quality[name] |= count_passes(name, solver, A, n_components)
    at_most = max(ROUND_OFF, quality[PEER]["error"])
    return Contest(
        data=data,
        setting=f"n_components={n_components}",
        stages={
            "svd": {
                name: partial(solver, A, n_components, SEEDS[0])
                for name, solver in SOLVERS.items()
            }
        },
        reference=PEER,
        quality=quality,
        targets=(Target("error", at_most=at_most),),
        notes=(ARPACK_NOTE,),
    )


def worst_quality(solver, A, n_components, truth) -> dict[str, float]:
    """The greatest of each figure over the random states."""
    runs = [measure(A, *solver(A, n_components, seed), truth) for seed in SEEDS]
    return {f: float(np.max([run[f] for run in runs])) for f in runs[0]}


def measure(A, U, s, Vt, truth) -> dict[str, float]:
    """How far a decomposition is from the true singular values and from being one."""
    identity = np.eye(len(s))
    residuals = [
        np.linalg.norm(A @ Vt.T - U * s, axis=0).max(),
        np.linalg.norm(A.T @ U - Vt.T * s, axis=0).max(),
    ]
    return {
        "error": float(np.abs(s - truth).max() / truth[0]),
        "residual": float(np.max(residuals) / truth[0]),
        "orthogonality": float(
            np.abs([U.T @ U - identity, Vt @ Vt.T - identity]).max()
        ),
    }


class CountingOperator(LinearOperator):
    """A matrix that counts how often, and by how many vectors, it is multiplied."""

    def __init__(self, A):
        super().__init__(dtype=A.dtype, shape=A.shape)
        self.operator = aslinearoperator(A)
        self.n_passes = self.n_products = 0

    def _count(self, X):
        self.n_passes += 1
        self.n_products += X.shape[1]

    def _matmat(self, X):
        self._count(X)
        return self.operator.matmat(X)

    def _rmatmat(self, X):
        self._count(X)
        return self.operator.rmatmat(X)

    def _matvec(self, x):
        return self._matmat(x.reshape(-1, 1))

    def _rmatvec(self, x):
        return self._rmatmat(x.reshape(-1, 1))


def count_passes(name: str, solver, A, n_components: int) -> dict[str, int]:
    """How often a solver multiplies the matrix, and by how many vectors in all."""
    if name == PEER:
        # It takes no operator that could count: two in each iteration, one for the
        # range, one for the projection.
        n_passes = 2 * N_ITER + 2
        n_products = n_passes * (n_components + OVERSAMPLES)
        return {"passes": n_passes, "products": n_products}
    operator = CountingOperator(A)
    solver(operator, n_components, SEEDS[0])
    return {"passes": operator.n_passes, "products": operator.n_products}
