"""ScaledPCA against scikit-learn's pipeline, and against the formulas."""

import tracemalloc

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
    assert chosen((200, 100), None, sparse.csr_array) == "covariance_eigh"
    assert chosen((100, 200), 0.5, sparse.csr_array) == "covariance_eigh"


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


@pytest.mark.parametrize("shape", [(40, 8), (8, 40)])
@pytest.mark.parametrize("n_components", [3, None, 0.9])
@pytest.mark.parametrize("solver", ["auto", "covariance_eigh", "randomized"])
def test_sparse_with_all_columns_far_from_the_origin(
    solver, n_components, shape, monkeypatch
):
    if solver == "randomized" and n_components != 3:
        return
    monkeypatch.setattr("sklearn_replearn.decomposition._standardization.FAR", 0.5)
    X = table(*shape) + 1e4
    dense = ScaledPCA(n_components, svd_solver="full").fit(X)
    pca = ScaledPCA(n_components, svd_solver=solver, random_state=0)
    Z = pca.fit_transform(sparse.csr_array(X))
    expected = dense.transform(X)
    assert_allclose(np.abs(Z), np.abs(expected), atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(("offset", "width"), [(1.7e9, 300.0), (1e5, 0.01)])
@pytest.mark.parametrize("n_components", [None, 4])
def test_a_column_of_rounding_errors_empties_no_other(
    n_components, offset, width, form
):
    """Such as times within five minutes, in single precision."""
    rng = np.random.default_rng(0)
    X = np.kron(np.eye(5), np.ones(2)).T @ rng.standard_normal((5, 400))
    X = (X + 0.1 * rng.standard_normal(X.shape)).T
    X[:, 9] = offset + width * rng.uniform(size=400)
    pca = ScaledPCA(n_components, whiten=True).fit(form(X.astype(np.float32)))
    Z = pca.transform(form(X.astype(np.float32)))
    assert_allclose(Z[:, :4].std(axis=0), 1, atol=0.01)


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


in_any_unit = pytest.mark.parametrize(
    ("dtype", "exponent"),
    [(np.float64, e) for e in (-1026, -700, -500, 300, 500, 531, 1016)]
    + [(np.float32, e) for e in (-125, -50, 50, 122)],
    ids=str,
)


def extended_standardized(X, with_mean, with_std):
    """The standardised table in long double, and the means and scales."""
    X = X.astype(np.longdouble)
    constant = X.min(axis=0) == X.max(axis=0)
    mean = np.where(constant, X[0], X.mean(axis=0))
    scale = np.where(constant, 1, np.sqrt(((X - mean) ** 2).mean(axis=0)))
    mean, scale = (mean, 0 * mean)[not with_mean], (scale, 0 * scale + 1)[not with_std]
    return (X - mean) / scale, mean, scale


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
@in_any_unit
def test_the_unit_does_not_matter(dtype, exponent, with_std, with_mean, solver):
    """The same table in another unit has the same components and coordinates."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3)) @ rng.standard_normal((3, 7))
    X = (X + 0.3 * rng.standard_normal(X.shape) + 1).astype(dtype)
    moved = np.ldexp(X, exponent)
    X = np.ldexp(moved, -exponent)  # without the digits that small numbers lack
    assert np.isfinite(moved).all()
    options = {"with_mean": with_mean, "with_std": with_std, "svd_solver": solver}
    plain, other = (ScaledPCA(3, random_state=0, **options).fit(t) for t in (X, moved))
    tolerance = 1e-9 if dtype is np.float64 else 1e-5
    assert_allclose(other.components_, plain.components_, atol=tolerance)
    assert_allclose(
        other.explained_variance_ratio_,
        plain.explained_variance_ratio_,
        atol=tolerance,
    )
    shift = exponent * np.log(2) * X.shape[1]
    assert_allclose(other.score(moved), plain.score(X) - shift, rtol=tolerance)
    Z, expected = other.transform(moved), plain.transform(X)
    if not with_std:
        Z = np.ldexp(Z, -exponent)
    assert_allclose(Z, expected, rtol=0, atol=tolerance * np.abs(expected).max())
    rows = np.ldexp(other.inverse_transform(other.transform(moved)), -exponent)
    assert_allclose(rows, plain.inverse_transform(expected), atol=10 * tolerance)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("whiten", [True, False])
@pytest.mark.parametrize(
    ("dtype", "units"),
    [
        (np.float64, [1e-320, 1e-309, 1e-160, 1.0, 1e160, 1e306]),
        (np.float32, [1e-42, 1e-30, 1e-10, 1.0, 1e20, 1e37]),
    ],
)
def test_columns_at_the_ends_of_the_range(dtype, units, whiten, form, solver):
    """Against long double; the last two columns are constant, in the extreme units."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 2)) @ rng.standard_normal((2, 6))
    X = X + 0.3 * rng.standard_normal(X.shape) + 1
    X = np.c_[X * units, np.full(50, units[1]), np.full(50, units[-1])].astype(dtype)
    tolerance = 1e-9 if dtype is np.float64 else 1e-4
    pca = ScaledPCA(2, whiten=whiten, svd_solver=solver, random_state=0).fit(form(X))
    Z, mean, scale = extended_standardized(X, True, True)
    _, s, Vt = np.linalg.svd(Z.astype(np.float64), full_matrices=False)
    variances, T = s**2 / 49, Z @ Vt[:2].T
    smallest = float(np.finfo(dtype).smallest_subnormal)
    assert_allclose(pca.mean_, mean.astype(np.float64), rtol=1e-12, atol=5e-324)
    assert_allclose(pca.scale_, scale.astype(np.float64), rtol=1e-12, atol=5e-324)
    assert_allclose(pca.explained_variance_, variances[:2], rtol=tolerance)
    expected = (T / np.sqrt(variances[:2]) if whiten else T).astype(np.float64)
    codes = pca.transform(form(X))
    signs = np.sign((codes * expected).sum(axis=0))
    assert_allclose(codes * signs, expected, rtol=0, atol=tolerance * np.abs(T).max())
    back = (T @ Vt[:2]) * scale + mean
    back[:, 6:] = X[:, 6:]
    rows = pca.inverse_transform(codes)
    for column in range(8):
        largest = float(np.abs(back[:, column]).max())
        assert_allclose(
            rows[:, column],
            back[:, column].astype(np.float64),
            rtol=0,
            atol=tolerance * largest + 8 * smallest,
        )
    left = ((Z - T @ Vt[:2]) ** 2).sum(axis=1)
    noise = (s[2:] ** 2).sum() / 6 / 49
    density = (
        8 * np.log(2 * np.pi)
        + np.log(variances[:2]).sum()
        + 6 * np.log(noise)
        + (T**2 / variances[:2]).sum(axis=1)
        + left / noise
    ) / -2 - np.log(scale).sum()
    assert_allclose(pca.score_samples(form(X)), density.astype(float), rtol=tolerance)
    errors = pca.reconstruction_errors(form(X))
    assert_allclose(errors[1], float(left.sum()), rtol=10 * tolerance)
    assert_allclose(errors[0], float(left.sum() + (T[:, 1] ** 2).sum()), rtol=tolerance)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shape", [(30, 60), (60, 30)])
@pytest.mark.parametrize(("dtype", "unit"), [(np.float64, 1e-309), (np.float32, 1e-30)])
def test_constant_columns_in_a_tiny_unit_come_back(dtype, unit, shape, solver):
    """Rounding errors of the others' size in their place would be enormous."""
    X = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    X[:, [1, 7]] = unit
    pca = ScaledPCA(3, svd_solver=solver, random_state=0).fit(X)
    back = pca.inverse_transform(pca.transform(X))
    assert_allclose(back[:, [1, 7]], X[:, [1, 7]], rtol=1e-6)


@pytest.mark.parametrize("with_mean", [True, False])
def test_variances_beyond_the_range_are_infinite(with_mean):
    X = table(40, 5) * 1e160
    pca = ScaledPCA(2, with_std=False, with_mean=with_mean).fit(X)
    plain = ScaledPCA(2, with_std=False, with_mean=with_mean).fit(table(40, 5))
    assert_array_equal(pca.explained_variance_, np.inf)
    assert_array_equal(pca.reconstruction_errors(X), np.inf)
    assert_allclose(pca.singular_values_ / 1e160, plain.singular_values_)
    assert_allclose(pca.explained_variance_ratio_, plain.explained_variance_ratio_)
    assert np.isfinite(pca.transform(X)).all()
    assert np.isfinite(pca.score(X))


def test_rows_beyond_the_range():
    X = table(40, 5)
    pca = ScaledPCA(3).fit(X * 1e-200)
    new = X * 1e-200
    new[7] = 1e150
    with pytest.raises(ValueError, match="Row 7 of X has components too large for fl"):
        pca.transform(new)
    scores = pca.score_samples(new)
    assert scores[7] == -np.inf
    assert np.isfinite(np.delete(scores, 7)).all()
    pca = ScaledPCA(3).fit(X * 1e100)
    codes = np.zeros((4, 3), np.float32)
    codes[2] = 1
    with pytest.raises(
        ValueError, match="Row 0 of X is too large for float32 in the o"
    ):
        pca.inverse_transform(codes)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("noise", [1e-1, 1e-2, 1e-3])
@pytest.mark.parametrize("n_samples", [500, 60_000])
def test_float32_keeps_what_varies_little(solver, noise, n_samples):
    """20 sensors of one quantity, in single precision."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_samples, 1)) + noise * rng.normal(size=(n_samples, 20))
    X = X.astype(np.float32)
    X64 = X.astype(np.float64)
    pca = ScaledPCA(4, whiten=True, svd_solver=solver, random_state=0).fit(X)
    expected = ScaledPCA(4, whiten=True, svd_solver="full").fit(X64[:2000])
    codes = pca.transform(X)
    assert_allclose(codes.std(axis=0, ddof=1), 1, rtol=1e-4)
    assert_allclose(pca.fit_transform(X), codes, atol=1e-5 * np.abs(codes).max())
    own = ScaledPCA(4, whiten=True, svd_solver="covariance_eigh").fit(X64)
    assert_allclose(pca.score(X), own.score(X64), rtol=1e-4)
    assert_allclose(pca.score(X), expected.score(X64), rtol=0.05)
    assert_allclose(pca.noise_variance_, own.noise_variance_, rtol=1e-4)
    assert_allclose(
        pca.reconstruction_errors(X), own.reconstruction_errors(X64), rtol=1e-3
    )


def test_a_grid_on_float32_finds_the_components_of_many_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30_000, 5)) @ rng.normal(size=(5, 12))
    X = (X + 1e-3 * rng.normal(size=X.shape) + 3).astype(np.float32)
    pca = ScaledPCA(with_std=False, whiten=True)
    search = GridSearchCV(pca, {"n_components": [1, 3, 5, 7]}, cv=3).fit(X)
    assert search.best_params_["n_components"] == 5


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_collinear_features_are_rounding_of_their_own_precision(dtype):
    """A sum of columns, rounded as it was given, is no direction of its own."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 4)).astype(dtype)
    X = np.c_[X, X[:, 0] + X[:, 1], X.sum(axis=1, dtype=dtype)]
    assert X.dtype == dtype
    pca = ScaledPCA(5, whiten=True).fit(X)
    assert pca.score(X) == -np.inf
    codes = pca.transform(X)
    assert_allclose(codes[:, :4].std(axis=0), 1, rtol=1e-3)
    assert_array_equal(codes[:, 4], 0)
    assert np.isfinite(ScaledPCA(3).fit(X).score(X))


@pytest.mark.parametrize("solver", ["full", "covariance_eigh"])
def test_small_singular_values(solver):
    """Far below the square root of the precision, where moments alone are rounding."""
    rng = np.random.default_rng(0)
    values = 10.0 ** -np.arange(0, 10, dtype=float)
    for shape in ((200, 12), (12, 200)):
        U, V = (np.linalg.qr(rng.standard_normal((n, 10)))[0] for n in shape)
        X = (U * values) @ V.T
        pca = ScaledPCA(10, with_mean=False, with_std=False, svd_solver=solver).fit(X)
        assert_allclose(pca.singular_values_, values, rtol=1e-3)
        assert_allclose(pca.components_ @ pca.components_.T, np.eye(10), atol=1e-10)


def test_a_feature_of_many_rows_is_not_taken_for_constant():
    """Its spread is small beside its mean, but far above their rounding."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200_000, 2))
    X[:, 0] = 1e9 + 1e-3 * X[:, 0]
    pca = ScaledPCA().fit(X)
    assert_allclose(pca.scale_[0], 1e-3, rtol=1e-2)
    assert_allclose(pca.transform(X).std(axis=0), 1, rtol=1e-2)
    pca = ScaledPCA().fit(sparse.csr_array(X))
    assert_allclose(pca.scale_[0], 1e-3, rtol=1e-2)


def test_a_feature_that_is_constant_up_to_rounding():
    X = table(50, 3)
    for size in (1.0, 1e300, 1e-300):
        X[:, 2] = size * np.where(np.arange(50) % 2, 0.1 + 0.2, 0.3)
        pca = ScaledPCA(2).fit(X)
        assert_allclose(pca.transform(X).var(axis=0).sum(), 2, rtol=1e-9)


def sparse_table(kind, shape):
    if kind == "random":
        return sparse.random_array(shape, density=0.05, random_state=0, format="csr")
    left = sparse.random_array((shape[0], 30), density=0.2, random_state=1)
    right = sparse.random_array((30, shape[1]), density=0.2, random_state=2)
    if kind == "decaying":
        left = left @ sparse.diags_array(10.0 ** -np.linspace(0, 7, 30))
        return (left @ right).tocsr()
    X = (left.tocsr()[:, :7] @ right.tocsr()[:7]).tolil()  # of rank 7, some far away
    for column, offset in ((3, 1e6), (5, 40.0)):
        X[:, [column]] = table(shape[0], 1) + offset
    return X.tocsr()


@pytest.mark.parametrize("shape", [(60, 300), (300, 60), (90, 90)])
@pytest.mark.parametrize("kind", ["random", "decaying", "low rank"])
@pytest.mark.parametrize("n_components", [None, 0.5, 0.99])
@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
def test_sparse_tables_by_the_moments_of_the_smaller_side(
    shape, kind, n_components, with_mean, with_std
):
    X = sparse_table(kind, shape)
    options = {"with_mean": with_mean, "with_std": with_std}
    pca = ScaledPCA(n_components, **options)
    assert pca._choose_solver(X, n_components) == "covariance_eigh"
    codes = pca.fit_transform(X)
    dense = ScaledPCA(n_components, svd_solver="full", **options).fit(X.toarray())
    largest = dense.singular_values_[0]
    assert pca.n_components_ == dense.n_components_
    assert_allclose(
        pca.singular_values_, dense.singular_values_, rtol=0, atol=1e-10 * largest
    )
    identity = np.eye(pca.n_components_)
    assert_allclose(pca.components_ @ pca.components_.T, identity, atol=1e-8)
    assert_allclose(
        (codes**2).sum(axis=0),
        pca.singular_values_**2,
        rtol=1e-6,
        atol=1e-9 * largest**2,
    )
    back = dense.inverse_transform(dense.transform(X.toarray()))
    assert_allclose(
        pca.inverse_transform(codes), back, rtol=0, atol=1e-8 * np.abs(back).max()
    )
    assert_allclose(pca.score(X), dense.score(X.toarray()), rtol=1e-6)


@pytest.mark.parametrize("shape", [(100, 20_000), (20_000, 100)])
@pytest.mark.parametrize("n_components", [0.5, None])
def test_sparse_tables_are_not_made_dense(shape, n_components):
    X = sparse.random_array(shape, density=0.001, random_state=0, format="csr")
    dense = X.shape[0] * X.shape[1] * 8
    tracemalloc.start()
    pca = ScaledPCA(n_components).fit(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # In the components themselves there may be as many numbers as in the table.
    assert peak < dense / 4 + 4 * pca.components_.nbytes


def test_sparse_tables_with_repeated_entries():
    data, where = (
        np.arange(1.0, 9),
        (np.array([0, 0, 1, 2, 2, 3, 3, 3]), [0, 0, 1, 1, 2, 0, 0, 2]),
    )
    X = sparse.coo_array((data, where), shape=(4, 3))
    indptr = np.searchsorted(where[0], np.arange(5))
    repeated = sparse.csr_array((data, where[1], indptr), shape=(4, 3))
    pca = ScaledPCA(2).fit(repeated)
    assert_allclose(pca.transform(repeated), ScaledPCA(2).fit(X.toarray()).transform(X))
    assert repeated.nnz == 8


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_a_refit_leaves_nothing_behind(form):
    frame = pd.DataFrame(table(), columns=list("abcdefghi"))
    first = {"n_components": 3, "whiten": True, "svd_solver": "full"}
    second = {"n_components": 0.9, "whiten": False, "svd_solver": "auto"}
    for with_mean, with_std in ((False, True), (True, False), (True, True)):
        second |= {"with_mean": with_mean, "with_std": with_std}
        X = form(table(40, 6, seed=1) * 1e160)
        again = ScaledPCA(**first).fit(frame).set_params(**second).fit(X)
        fresh = ScaledPCA(**(first | second)).fit(X)
        assert vars(again).keys() == vars(fresh).keys()
        for name, value in vars(fresh).items():
            for mine, other in zip(
                np.atleast_1d(np.array(getattr(again, name), dtype=object)),
                np.atleast_1d(np.array(value, dtype=object)),
                strict=True,
            ):
                assert_array_equal(mine, other)
