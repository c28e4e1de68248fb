"""SimilarityEmbedding against loops, scikit-learn's kernels and kernel PCA."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA, KernelPCA
from sklearn.exceptions import NotFittedError
from sklearn.metrics.pairwise import kernel_metrics, pairwise_kernels, rbf_kernel
from sklearn.preprocessing import KernelCenterer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_replearn.decomposition import SimilarityEmbedding, _similarity_embedding
from sklearn_replearn.utils.estimator_checks import (
    parametrize_with_representation_checks,
)

PRECOMPUTED = SimilarityEmbedding(similarity="precomputed", random_state=0)
CHI2 = SimilarityEmbedding(similarity="chi2", random_state=0)
SPARSE_KERNELS = sorted(set(kernel_metrics()) - {"additive_chi2", "chi2"})


def table(n_rows=40, n_features=5, seed=0):
    return np.random.default_rng(seed).standard_normal((n_rows, n_features))


def asymmetric(n=12, seed=0):
    """Similarities without symmetry, with eigenvalues of both signs."""
    S = np.random.default_rng(seed).standard_normal((n, n))
    return S + S.T / 2


def jaccard(A, B):
    return 1 - cdist(A.astype(bool), B.astype(bool), "jaccard")


def inner(A, B):
    return A @ B.T


@parametrize_with_checks([PRECOMPUTED, CHI2])
def test_scikit_learn(estimator, check):
    check(estimator)


@parametrize_with_representation_checks([PRECOMPUTED, CHI2])
def test_representation(estimator, check):
    check(estimator)


@pytest.mark.parametrize("p", [0, 0.3, 0.5, 1])
def test_the_formula_written_out(p):
    S, new = asymmetric(), table(3, 12, seed=1)
    U, s, Vt = np.linalg.svd(S)
    embedding = SimilarityEmbedding(4, similarity="precomputed", eigenvalue_weight=p)
    E = embedding.fit_transform(S)
    assert_allclose(embedding.singular_values_, s[:4])
    signs = np.sign((E * U[:, :4]).sum(axis=0))
    for k in range(4):
        assert_allclose(E[:, k] * signs[k], U[:, k] * s[k] ** p)
        assert_allclose(
            embedding.components_[k] * signs[k], s[k] ** (1 - p) * Vt[k], atol=1e-12
        )
        for i, row in enumerate(new):
            expected = sum(row[j] * Vt[k, j] for j in range(12)) * s[k] ** (p - 1)
            assert_allclose(embedding.transform(new)[i, k] * signs[k], expected)
    assert_allclose(E @ embedding.components_, (U[:, :4] * s[:4]) @ Vt[:4], atol=1e-12)


@pytest.mark.parametrize("p", [0, 0.5, 1])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_all_components_reproduce_any_matrix(p, form):
    S = np.where(asymmetric() > 0.5, asymmetric(), 0)
    assert np.linalg.eigvals(S).real.min() < 0
    embedding = SimilarityEmbedding(12, similarity="precomputed", eigenvalue_weight=p)
    E = embedding.fit_transform(form(S))
    assert isinstance(E, np.ndarray)
    assert_allclose(E @ embedding.components_, S, atol=1e-12)
    assert_allclose(embedding.transform(form(S[3:5])), E[3:5], rtol=1e-9)
    assert embedding.X_fit_ is None


def test_vectors_of_an_indefinite_symmetric_matrix():
    """Their own inner products have the negative eigenvalues turned positive."""
    S = asymmetric() + asymmetric().T
    eigenvalues, vectors = np.linalg.eigh(S)
    E = SimilarityEmbedding(12, similarity="precomputed").fit_transform(S)
    assert_allclose(E @ E.T, (vectors * np.abs(eigenvalues)) @ vectors.T, atol=1e-12)


@pytest.mark.parametrize("kernel", sorted(kernel_metrics()))
@pytest.mark.parametrize("gamma", [None, 0.7])
def test_kernels(kernel, gamma):
    X, new = np.abs(table()), np.abs(table(6, seed=1))
    parameters = {"gamma": gamma or 1 / 5, "degree": 2, "coef0": 0.5}
    K, K_new = (
        pairwise_kernels(Z, X, metric=kernel, filter_params=True, **parameters)
        for Z in (X, new)
    )
    parameters["gamma"] = gamma
    by_name = SimilarityEmbedding(3, similarity=kernel, **parameters)
    by_matrix = SimilarityEmbedding(3, similarity="precomputed").fit(K)
    E = by_name.fit_transform(X)
    assert_allclose(E, by_matrix.transform(K), atol=1e-10)
    assert_allclose(by_name.transform(new), by_matrix.transform(K_new), atol=1e-10)
    assert_allclose(by_name.transform(X), E, rtol=0, atol=1e-12 * np.abs(E).max())


@pytest.mark.parametrize("kernel", SPARSE_KERNELS)
def test_sparse_rows(kernel):
    X = sparse.random_array((30, 8), density=0.4, random_state=0, format="csc")
    embedding = SimilarityEmbedding(3, similarity=kernel)
    E = embedding.fit_transform(X.toarray())
    assert_allclose(embedding.transform(X), E, atol=1e-10)
    assert_allclose(embedding.fit_transform(X), E, atol=1e-10)
    assert_allclose(embedding.transform(X.toarray()), E, atol=1e-10)


@pytest.mark.parametrize("kernel", SPARSE_KERNELS)
def test_sparse_rows_with_large_indices(kernel):
    X = sparse.random_array((30, 8), density=0.4, random_state=0, format="csr")
    E = SimilarityEmbedding(3, similarity=kernel).fit_transform(X.toarray())
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    embedding = SimilarityEmbedding(3, similarity=kernel)
    assert_allclose(embedding.fit_transform(X), E, atol=1e-10)
    assert_allclose(embedding.transform(X), E, atol=1e-10)
    assert X.indices.dtype == np.int64


def test_relation_to_principal_components():
    """A linear kernel of centred rows gives PCA, a centred kernel kernel PCA."""
    X = StandardScaler().fit_transform(load_wine().data)
    K = KernelCenterer().fit_transform(rbf_kernel(X))
    linear = SimilarityEmbedding(3, similarity="linear", random_state=0)
    centred = SimilarityEmbedding(3, similarity="precomputed", random_state=0)
    for E, expected in (
        (linear.fit_transform(X), PCA(3).fit_transform(X)),
        (centred.fit_transform(K), KernelPCA(3, kernel="rbf").fit_transform(X)),
    ):
        signs = np.sign((E * expected).sum(axis=0))
        assert_allclose(E * signs, expected, atol=1e-6)


@pytest.mark.parametrize("offset", [0, 1e6])
def test_known_rows_whatever_is_beside_them(offset):
    X = table(250) + offset
    embedding = SimilarityEmbedding(4, random_state=0)
    E = embedding.fit_transform(X)
    assert_allclose(embedding.transform(X), E, rtol=0, atol=1e-12)
    assert_allclose(embedding.transform(X[7:8]), E[7:8], rtol=0, atol=1e-12)
    assert_allclose(E, embedding.fit_transform(table(250)), atol=1e-8)
    embedding.fit(X)
    X[:] = 0  # the model keeps rows of its own
    assert_array_equal(embedding.transform(table(250) + offset), E)


@pytest.mark.parametrize("similarity", ["rbf", "laplacian", inner, "precomputed"])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_batches(similarity, form, monkeypatch):
    X, new = form(table(40, 40)), form(table(25, 40, seed=1))
    embedding = SimilarityEmbedding(4, similarity=similarity).fit(X)
    expected = embedding.transform(new)
    for size in (1, 120, 1000):
        monkeypatch.setattr(_similarity_embedding, "BATCH", size)
        assert_allclose(embedding.transform(new), expected, rtol=0, atol=1e-12)


def test_rows_of_later_batches_in_messages(monkeypatch):
    embedding = SimilarityEmbedding(similarity="poly", degree=100).fit(table() / 10)
    new = table()
    new[7] = 1e9
    monkeypatch.setattr(_similarity_embedding, "BATCH", 3 * 40)
    with pytest.raises(ValueError, match="The similarity of row 7 to training row"):
        embedding.transform(new)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failed_fit_changes_nothing(error):
    def fails(A, B):
        raise error

    embedding = SimilarityEmbedding().set_output(transform="pandas")
    for X in (table(), pd.DataFrame(table(), columns=list("abcde"))):
        before = dict(vars(embedding.set_params(similarity="rbf").fit(X)))
        for other in (table(9, 3), pd.DataFrame(table(9, 2), columns=["y", "z"])):
            with pytest.raises(error):
                embedding.set_params(similarity=fails).fit(other)
            assert vars(embedding.set_params(similarity="rbf")) == before
    with pytest.raises(error):
        SimilarityEmbedding(similarity=fails).fit(X)


def test_callable_on_whole_tables():
    X, new = table(30, 8) > 0, table(4, 8, seed=1) > 0
    embedding = SimilarityEmbedding(30, similarity=jaccard).fit(X)
    similarities = embedding.transform(new) @ embedding.components_
    assert_allclose(similarities, jaccard(new, X), atol=1e-10)
    assert embedding.X_fit_.dtype == np.float64
    again = pickle.loads(pickle.dumps(embedding))
    assert_array_equal(again.transform(new), embedding.transform(new))
    by_products = SimilarityEmbedding(3, similarity=inner)
    expected = SimilarityEmbedding(3, similarity="linear").fit_transform(1.0 * X)
    assert_allclose(by_products.fit_transform(X), expected)
    assert_allclose(by_products.fit_transform(sparse.csr_array(1.0 * X)), expected)


def test_float32_is_computed_in_float64():
    X = table().astype(np.float32)
    embedding = SimilarityEmbedding(5, gamma=0.1)
    E = embedding.fit_transform(X)
    assert E.dtype == embedding.transform(X).dtype == np.float32
    assert_array_equal(E, embedding.fit_transform(X.astype(np.float64)).astype("f4"))
    assert embedding.fit_transform(np.rint(X).astype(int)).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rank(dtype):
    S = (table(30, 4) @ table(4, 30, seed=1)).astype(dtype)  # rank 4 up to rounding
    embedding = SimilarityEmbedding(10, similarity="precomputed")
    with pytest.warns(UserWarning, match="10 is more than the 4 .* of the similarity"):
        E = embedding.fit_transform(S)
    assert embedding.n_components_ == E.shape[1] == len(embedding.components_) == 4
    assert embedding.get_feature_names_out()[3] == "similarityembedding3"
    assert_allclose(E @ embedding.components_, S, atol=100 * np.finfo(dtype).eps)


def test_rank_of_many_rows():
    diagonal = np.zeros(20_000, np.float32)
    diagonal[[5, 50, 500]] = [1, 1e-5, 1e-8]  # rounding is at most 3.6e-6
    S = sparse.diags_array(diagonal).tocsr()
    embedding = SimilarityEmbedding(3, similarity="precomputed", random_state=0)
    with pytest.warns(UserWarning, match="3 is more than the 2"):
        embedding.fit(S)
    assert_allclose(embedding.singular_values_, [1, 1e-5], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("n_rows", [30, 600])
@pytest.mark.parametrize("given", ["a callable", "precomputed"])
def test_the_rank_is_judged_in_the_precision_that_is_given(dtype, n_rows, given):
    """As from a network in single precision: of rank 3, and rounding errors."""
    X = table(n_rows, 3)

    def similarity(A, B):
        return (A @ B.T).astype(dtype)

    if given == "precomputed":
        embedding = SimilarityEmbedding(15, similarity="precomputed")
        X = similarity(X, X)
    else:
        embedding = SimilarityEmbedding(15, similarity=similarity)
    with pytest.warns(UserWarning, match="15 is more than the 3 "):
        embedding.fit(X)
    assert embedding.n_components_ == 3
    assert embedding.singular_values_.dtype == np.float64


def test_small_singular_values_of_many_rows_in_single_precision():
    """What varies far above the rounding errors is kept, however many rows."""
    X = np.random.default_rng(0).standard_normal((2000, 4))
    X, _ = np.linalg.qr(X)
    S = ((X * [1, 1e-2, 1e-4, 2e-5]) @ X.T).astype(np.float32)
    embedding = SimilarityEmbedding(4, similarity="precomputed").fit(S)
    assert_allclose(embedding.singular_values_, [1, 1e-2, 1e-4, 2e-5], rtol=1e-3)


@pytest.mark.parametrize("p", [0, 0.5, 1])
@pytest.mark.parametrize(
    ("dtype", "exponent"),
    [(np.float64, e) for e in (-1040, -500, 500, 1015)]
    + [(np.float32, e) for e in (-130, -50, 50, 120)],
)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_similarities_in_any_unit(dtype, exponent, p, form):
    moved = np.ldexp(asymmetric().astype(dtype), exponent)
    S = np.ldexp(moved, -exponent)
    options = {"similarity": "precomputed", "eigenvalue_weight": p}
    plain = SimilarityEmbedding(4, **options).fit(form(S))
    other = SimilarityEmbedding(4, **options)
    E, expected = other.fit_transform(form(moved)), plain.transform(S)
    assert_allclose(
        np.ldexp(other.singular_values_, -exponent), plain.singular_values_, rtol=1e-9
    )
    tolerance = 1e-9 if dtype is np.float64 else 1e-5
    factor, rest = 2.0 ** (p * exponent), 2.0 ** ((1 - p) * exponent)
    digits = 4 * float(np.finfo(dtype).smallest_subnormal)
    for code in (E, other.transform(form(moved))):
        assert_allclose(code, expected * factor, rtol=tolerance, atol=digits)
    assert_allclose(other.components_, plain.components_ * rest, rtol=1e-9, atol=digits)


@pytest.mark.parametrize("kernel", sorted(kernel_metrics()))
@pytest.mark.parametrize("exponent", [-1030, -520, -300, 300, 520, 1018])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_kernels_of_rows_in_any_unit(kernel, exponent, form):
    """In the unit that goes with the rows, gamma makes the kernel the same."""
    if form is sparse.csr_array and kernel not in SPARSE_KERNELS:
        return
    X = np.ldexp(np.ldexp(np.abs(table(20, 4)), exponent), -exponent)
    power = {"rbf": 2, "poly": 2, "polynomial": 2, "sigmoid": 2, "chi2": 1}
    power = (power | {"laplacian": 1}).get(kernel, 0)
    if abs(power * exponent) > 1000:
        return  # no number for gamma
    gamma = 0.7 * 2.0 ** (-power * exponent)
    plain = SimilarityEmbedding(3, similarity=kernel, gamma=0.7).fit(form(X))
    moved = form(np.ldexp(X, exponent))
    other = SimilarityEmbedding(3, similarity=kernel, gamma=gamma)
    # Half of its powers go into the vectors.
    of_kernel = {"linear": 1, "additive_chi2": 0.5}.get(kernel, 0)
    E = other.fit_transform(moved) / 2.0 ** (of_kernel * exponent)
    assert_allclose(E, plain.transform(form(X)), atol=1e-9 * np.abs(E).max())
    E = other.transform(moved[:5]) / 2.0 ** (of_kernel * exponent)
    assert_allclose(E, plain.transform(form(X)[:5]), atol=1e-9 * np.abs(E).max())


@pytest.mark.parametrize("unit", [1e-309, 1e-30, 1e8, 1e9, 1e160, 1e306])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_default_kernel_of_rows_in_units_far_from_one(unit, form):
    X = unit * table(10, 4)
    # Each row is like itself only, or all are alike.
    n_components, expected = (10, np.eye(10)) if unit > 1 else (1, np.ones((10, 10)))
    E = SimilarityEmbedding(n_components).fit_transform(form(X))
    assert_allclose(E @ E.T, expected, atol=1e-9)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_near_rows_among_far_ones(form):
    """Distances that are small beside the rows' own lengths keep their digits."""
    X = np.repeat(1e6 * table(20, 3), 2, axis=0) + 0.3 * table(40, 3)
    K = np.exp(-cdist(X, X, "sqeuclidean"))
    E = SimilarityEmbedding(40, gamma=1.0).fit_transform(form(X))
    assert_allclose(E @ E.T, K, atol=1e-9)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(
    ("unit", "gamma"), [(1e3, 1.0), (1e6, 1.0), (1e150, None), (1.0, 1e8)]
)
def test_new_rows_far_from_all_training_rows(unit, gamma, form):
    X = unit * table(20, 3)
    embedding = SimilarityEmbedding(20, gamma=gamma).fit(form(X))
    assert_array_equal(embedding.transform(form(X[:4] + 0.5 * unit)), 0)
    assert_allclose(embedding.transform(form(X)) @ embedding.components_, np.eye(20))


def test_a_refit_leaves_nothing_behind():
    X = table(20, 20)
    first = SimilarityEmbedding(3, similarity="linear").fit(
        pd.DataFrame(X * 1e160, columns=[f"x{i}" for i in range(20)])
    )
    for parameters in (
        {"similarity": "rbf"},
        {"similarity": "precomputed", "eigenvalue_weight": 0},
        {"similarity": inner, "n_components": 2},
    ):
        again = first.set_params(**parameters).fit(X)
        fresh = SimilarityEmbedding(**again.get_params()).fit(X)
        assert vars(again).keys() == vars(fresh).keys()
        for name, value in vars(fresh).items():
            assert_array_equal(getattr(again, name), value)


@pytest.mark.parametrize(
    ("parameters", "X", "message"),
    [
        ({"similarity": "precomputed"}, table(6, 5), r"must be square.*\(6, 5\)"),
        ({"similarity": "linear"}, np.zeros((4, 2)), "are zero, and there is nothing"),
        ({"similarity": "poly", "degree": 400}, 1e3 * table(), "is inf, but it must"),
        (
            {"similarity": "poly", "degree": 1.5},
            table(),
            "row 2 to training row 9 is nan",
        ),
        ({"similarity": "chi2"}, table(), "Negative values .* the kernel 'chi2'"),
        ({"similarity": "rbf"}, table()[:1], "minimum of 2 is required"),
        ({"similarity": "tanimoto"}, table(), "'similarity' parameter of Similarity"),
        ({"gamma": 0}, table(), "'gamma' parameter of SimilarityEmbedding must"),
        ({"eigenvalue_weight": 1.5}, table(), "'eigenvalue_weight' parameter of"),
        ({"similarity": np.subtract}, table(), r"shape \(40, 5\) where \(40, 40\) is"),
        ({"similarity": lambda A, B: 1j * A @ B.T}, table(), "returned complex128 val"),
        ({"similarity": lambda A, B: A @ B.T / 0}, table(), "to training row 0 is -?i"),
    ],
)
def test_bad_input(parameters, X, message):
    with pytest.raises(ValueError, match=message):
        SimilarityEmbedding(**parameters).fit(X)


def test_bad_rows():
    X = table()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        SimilarityEmbedding().transform(X)
    embedding = SimilarityEmbedding().fit(X)
    with pytest.raises(ValueError, match="contains NaN"):
        embedding.transform(np.full_like(X, np.nan))
    with pytest.raises(ValueError, match="has 4 features, but SimilarityEmbedding is"):
        embedding.transform(X[:, :4])
    with pytest.raises(TypeError, match="dense data is required"):
        SimilarityEmbedding(similarity="chi2").fit(sparse.csr_array(np.abs(X)))
