"""ScaledPCA against scikit-learn's pipeline, and against the formulas."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.decomposition import ScaledPCA

SOLVERS = ["full", "covariance_eigh", "randomized"]


def table(n_samples=120, n_features=9, seed=0):
    """Correlated features of very different scales, far from the origin."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((n_features, n_features))
    scales = 10.0 ** rng.uniform(-3, 3, n_features)
    X = rng.standard_normal((n_samples, n_features)) @ mixing * scales
    return X + 5 * scales * rng.standard_normal(n_features)


def wine():
    X, _ = load_wine(return_X_y=True)
    return X[::2], X[1::2]


def up_to_sign(Z):
    return Z * np.sign(Z[0])


@pytest.mark.parametrize("solver", ["auto", *SOLVERS])
@pytest.mark.parametrize(
    "params",
    [{}, {"n_components": 3}, {"n_components": 0.8}, {"n_components": 4, "whiten": 1}],
    ids=str,
)
@pytest.mark.parametrize("shape", [(200, 9), (30, 50)], ids=["tall", "wide"])
def test_equals_the_pipeline(solver, params, shape):
    params = params | ({"whiten": True} if "whiten" in params else {})
    if not params and shape[0] < shape[1]:
        params = {"n_components": shape[0] - 1}  # the last singular value is rounding
    X, X_new = table(*shape), table(20, shape[1], seed=1)
    pipeline = make_pipeline(StandardScaler(), PCA(**params, svd_solver="full")).fit(X)
    pca = ScaledPCA(svd_solver=solver, random_state=0, **params)
    Z = pca.fit_transform(X)
    expected = pipeline.transform(X)
    signs = np.sign((Z * expected).sum(axis=0))
    # Small against the largest coordinate: the components of little variance are
    # squared away in part by "covariance_eigh".
    tolerance = 1e-6 * np.abs(expected).max()
    assert_allclose(Z * signs, expected, atol=tolerance, rtol=1e-6)
    assert_allclose(
        pca.transform(X_new) * signs,
        pipeline.transform(X_new),
        atol=1e-6 * np.abs(pipeline.transform(X_new)).max(),
    )
    reference = pipeline[-1]
    assert pca.n_components_ == reference.n_components_
    assert_allclose(
        pca.explained_variance_ratio_, reference.explained_variance_ratio_, atol=1e-10
    )
    assert_allclose(pca.explained_variance_, reference.explained_variance_, atol=1e-10)
    assert_allclose(pca.singular_values_, reference.singular_values_, atol=1e-6)
    assert_allclose(
        pca.inverse_transform(Z), pipeline.inverse_transform(expected), rtol=1e-6
    )


def test_the_solver_of_auto():
    def chosen(shape, n_components=None, form=np.asarray):
        return ScaledPCA()._choose_solver(form(np.zeros(shape)), n_components)

    assert chosen((1000, 100)) == "covariance_eigh"
    assert chosen((900, 100)) == "full"
    assert chosen((900, 100), 10) == "randomized"
    assert chosen((900, 100), 0.9) == "full"
    assert chosen((900, 100), 90) == "full"
    assert chosen((200, 100), 10) == "full"
    assert chosen((200, 100), 10, sparse.csr_array) == "randomized"


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_matrix])
def test_sparse_equals_dense(solver, with_mean, with_std, form):
    S = sparse.random_array((150, 20), density=0.2, random_state=0)
    X = S.toarray() * np.linspace(1, 100, 20)
    new = table(10, 20)
    options = {"with_mean": with_mean, "with_std": with_std, "n_components": 5}
    dense = ScaledPCA(svd_solver="full", **options).fit(X)
    pca = ScaledPCA(svd_solver=solver, random_state=0, **options)
    Z = pca.fit_transform(form(X))
    assert isinstance(Z, np.ndarray)
    assert_allclose(pca.mean_, dense.mean_)
    assert_allclose(pca.scale_, dense.scale_)
    assert_allclose(Z, dense.transform(X), atol=1e-9 * np.abs(Z).max())
    assert_allclose(pca.transform(form(new)), pca.transform(new), rtol=1e-9)
    assert_allclose(pca.score(form(X)), dense.score(X))
    assert_allclose(
        pca.reconstruction_errors(form(X)), dense.reconstruction_errors(X), rtol=1e-9
    )


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_sparse_far_from_the_origin(solver, offset):
    rng = np.random.default_rng(0)
    X = np.c_[rng.standard_normal((600, 3)) + offset, rng.uniform(size=(600, 5)) < 0.2]
    for dtype, tolerance in ((np.float64, 1e-8), (np.float32, 1e-4)):
        if dtype is np.float32 and offset > 1e4:
            continue  # X itself has lost its digits
        table = X.astype(dtype)
        dense = ScaledPCA(3, svd_solver="full").fit(table.astype(np.float64))
        pca = ScaledPCA(3, svd_solver=solver, random_state=0)
        Z = pca.fit_transform(sparse.csr_array(table))
        assert Z.dtype == dtype
        expected = dense.transform(table.astype(np.float64))
        assert_allclose(up_to_sign(Z), up_to_sign(expected), atol=tolerance)
        assert_allclose(pca.noise_variance_, dense.noise_variance_, rtol=tolerance)


def test_without_mean_nothing_is_centred():
    X = table()
    pca = ScaledPCA(3, with_mean=False, svd_solver="full").fit(X)
    scaled = X / X.std(axis=0)
    reference = TruncatedSVD(3, algorithm="arpack", random_state=0).fit(scaled)
    assert_allclose(np.abs(pca.components_), np.abs(reference.components_), atol=1e-8)
    assert_array_equal(pca.mean_, 0)
    assert_allclose(pca.transform(np.zeros((1, 9))), 0, atol=1e-12)
    total = (scaled**2).sum() / len(X)
    assert_allclose(pca.explained_variance_ratio_ * total, pca.explained_variance_)
    assert_allclose(pca.explained_variance_, (pca.transform(X) ** 2).mean(axis=0))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("with_mean", [True, False])
def test_eckart_young(solver, with_mean):
    X, X_new = wine()
    pca = ScaledPCA(with_mean=with_mean, svd_solver=solver, random_state=0).fit(X)
    squares = pca.singular_values_**2
    trailing = squares[::-1].cumsum()[::-1]
    errors = pca.reconstruction_errors(X)
    assert_allclose(errors, np.r_[trailing[1:], 0], atol=1e-9 * squares.sum())
    # The same, written out, for each k and for rows not seen in fit.
    for k, error in enumerate(pca.reconstruction_errors(X_new), start=1):
        part = clone(pca).set_params(n_components=k).fit(X)
        back = part.inverse_transform(part.transform(X_new))
        assert_allclose(error, (((X_new - back) / pca.scale_) ** 2).sum(), atol=1e-8)


@pytest.mark.parametrize("k", [1, 4, 13])
@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
@pytest.mark.parametrize("whiten", [True, False])
def test_score_is_the_gaussian_density(k, with_mean, with_std, whiten):
    X, X_new = wine()
    pca = ScaledPCA(k, with_mean=with_mean, with_std=with_std, whiten=whiten).fit(X)
    d = X.shape[1]
    V, variances = pca.components_, pca.explained_variance_
    left = np.eye(d) - V.T @ V
    covariance = (V.T * variances) @ V + pca.noise_variance_ * left
    density = multivariate_normal(
        pca.mean_, covariance * np.outer(pca.scale_, pca.scale_), allow_singular=False
    )
    assert_allclose(pca.score_samples(X_new), density.logpdf(X_new), rtol=1e-6)
    assert pca.score(X_new) == pca.score_samples(X_new).mean()


def test_score_differs_from_the_pipelines_by_the_scales():
    X, X_new = wine()
    pca = ScaledPCA(4).fit(X)
    pipeline = make_pipeline(StandardScaler(), PCA(4)).fit(X)
    log_scales = np.log(pca.scale_).sum()
    assert_allclose(pca.score(X_new), pipeline.score(X_new) - log_scales)


def test_noise_variance_counts_every_direction_left_out():
    """With fewer rows than features scikit-learn divides by the number of rows."""
    X = table(20, 50)
    pca = ScaledPCA(5, svd_solver="full").fit(X)
    eigenvalues = np.linalg.eigvalsh(np.cov((X / X.std(axis=0)).T))[::-1]
    assert_allclose(pca.noise_variance_, eigenvalues[5:].mean())


def test_score_chooses_the_true_number_of_components():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 4)) @ rng.standard_normal((4, 12))
    X += 0.3 * rng.standard_normal(X.shape)
    search = GridSearchCV(ScaledPCA(with_std=False), {"n_components": range(1, 11)})
    search.fit(X)
    assert search.best_params_["n_components"] == 4


def test_score_compares_scalings():
    """A change of units moves all scores alike: no choice depends on it."""
    X, X_new = wine()
    units = 10.0 ** np.linspace(-6, 6, X.shape[1])
    for params in ({"with_std": True}, {"with_std": True, "with_mean": False}):
        pca = ScaledPCA(3, **params)
        plain = pca.fit(X).score(X_new)
        moved = clone(pca).fit(X * units).score(X_new * units)
        assert_allclose(moved, plain - np.log(units).sum())


@pytest.mark.parametrize("shape", [(10, 30), (30, 10)])
def test_a_model_without_noise_has_no_density(shape):
    X = table(*shape)
    X[:, 0] = 1
    scores = ScaledPCA().fit(X).score_samples(X)
    assert_array_equal(scores, -np.inf)
    assert np.isfinite(ScaledPCA(5).fit(X).score_samples(X)).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_constant_columns(solver):
    X = np.c_[table(50, 4), np.full(50, 0.1), np.zeros(50)]
    pca = ScaledPCA(svd_solver=solver, random_state=0).fit(X)
    assert_array_equal(pca.scale_[4:], 1)
    assert_allclose(pca.components_[:4, 4:], 0, atol=1e-7)
    assert_allclose(pca.inverse_transform(pca.transform(X)), X, atol=1e-9 * X.max())


@pytest.mark.parametrize("solver", SOLVERS)
def test_whitening_leaves_empty_directions_at_zero(solver):
    X, _ = load_digits(return_X_y=True)  # three pixels are always blank
    pca = ScaledPCA(whiten=True, svd_solver=solver, random_state=0).fit(X)
    Z = pca.transform(X)
    assert_allclose(Z[:, :60].var(axis=0, ddof=1), 1)
    assert_array_equal(Z[:, 61:], 0)
    assert_allclose(pca.inverse_transform(Z), X, atol=1e-8)


def test_float32_far_from_the_origin():
    X = (table() * 1e-3 + 1e4).astype(np.float32)
    Z = ScaledPCA(3).fit_transform(X)
    assert Z.dtype == np.float32
    expected = ScaledPCA(3).fit_transform(X.astype(np.float64))
    assert_allclose(up_to_sign(Z), up_to_sign(expected), atol=1e-3)


def test_more_components_than_possible():
    X = table(20, 9)
    with pytest.warns(UserWarning, match="n_components=30 is more than the 9 that"):
        pca = ScaledPCA(30).fit(X)
    assert pca.n_components_ == 9
    assert pca.transform(X).shape == (20, 9)
    assert list(pca.get_feature_names_out()[:2]) == ["scaledpca0", "scaledpca1"]


def test_one_feature():
    X = table(20, 1)
    Z = ScaledPCA().fit_transform(X)
    assert_allclose(np.abs(Z), np.abs((X - X.mean()) / X.std()))


def test_identical_rows():
    X = np.ones((5, 3))
    for n_components in (2, 0.9, None):
        pca = ScaledPCA(n_components).fit(X)
        assert_array_equal(pca.explained_variance_ratio_, 0)
        assert_array_equal(pca.transform(X), 0)


@pytest.mark.parametrize("value", [0, -1, 0.0, 1.0, 1.5, "mle"])
def test_n_components_out_of_range(value):
    with pytest.raises(ValueError, match="'n_components' parameter of ScaledPCA must"):
        ScaledPCA(value).fit(table())


def test_errors_are_clear():
    X = table()
    pca = ScaledPCA(3)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        pca.transform(X)
    with pytest.raises(ValueError, match="1 sample"):
        pca.fit(X[:1])
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        pca.fit(X[:0])
    with pytest.raises(ValueError, match="contains NaN"):
        pca.fit(np.where(X[0, 0] == X, np.nan, X))
    with pytest.raises(ValueError, match="contains infinity"):
        pca.fit(np.where(X[0, 0] == X, np.inf, X))
    pca.fit(X)
    with pytest.raises(
        ValueError, match="has 8 features, but ScaledPCA is expecting 9"
    ):
        pca.transform(X[:, :8])
    with pytest.raises(ValueError, match="has 2 columns, but ScaledPCA has 3 comp"):
        pca.inverse_transform(np.zeros((4, 2)))


def test_columns_in_another_order():
    frame = pd.DataFrame(table(20, 3), columns=["a", "b", "c"])
    pca = ScaledPCA(2).fit(frame)
    with pytest.raises(ValueError, match="must be in the same order"):
        pca.transform(frame[["b", "a", "c"]])


def test_cross_validation_without_labels():
    assert np.isfinite(cross_val_score(ScaledPCA(2), table())).all()
