"""RegularizedCCA against generalized eigenvalues, and what it promises."""

import numpy as np
import pytest
from near import assert_near
from scipy.linalg import block_diag, eigh
from sklearn.cross_decomposition import CCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.multiview import RegularizedCCA

RNG = np.random.default_rng(0)


def make_views(n=80, p=7, q=5, n_shared=3):
    shared = RNG.normal(size=(n, n_shared))
    X = shared @ RNG.normal(size=(n_shared, p)) + RNG.normal(size=(n, p))
    Y = shared @ RNG.normal(size=(n_shared, q)) + RNG.normal(size=(n, q))
    return 3 * X + 5, 0.01 * Y - 2


X, Y = make_views()


def by_eigenvalues(X, Y, alpha, alpha_y):
    """Correlations and weights of the generalized eigenvalue problem."""
    C = np.cov(X.T, Y.T, bias=True)
    p = X.shape[1]
    ridges = [
        a * np.trace(block) / len(block) * np.eye(len(block))
        for a, block in ((alpha, C[:p, :p]), (alpha_y, C[p:, p:]))
    ]
    within = block_diag(C[:p, :p] + ridges[0], C[p:, p:] + ridges[1])
    between = C.copy()
    between[:p, :p] = between[p:, p:] = 0
    values, vectors = eigh(between, within)
    return values[::-1], vectors[:, ::-1]


@pytest.mark.parametrize(("alpha", "alpha_y"), [(0, 0), (0.1, 0.5), (2.0, 0.01)])
def test_directions_are_those_of_the_generalized_eigenvalue_problem(alpha, alpha_y):
    model = RegularizedCCA(alpha=alpha, alpha_y=alpha_y).fit(X, Y)
    values, vectors = by_eigenvalues(X, Y, alpha, alpha_y)
    np.testing.assert_allclose(model.regularized_correlations_, values[:5], rtol=1e-8)
    # Eigenvectors have length 1 in both views together.
    for i in range(5):
        both = np.concatenate([model.x_weights_[:, i], model.y_weights_[:, i]])
        expected = np.sqrt(2) * vectors[:, i]
        sign = np.sign(both @ expected)
        np.testing.assert_allclose(both, sign * expected, rtol=1e-6, atol=1e-8)


def test_correlations_are_those_of_the_projections():
    model = RegularizedCCA().fit(X, Y)
    Z, Z_y = model.transform(X), model.transform_y(Y)
    for i, correlation in enumerate(model.correlations_):
        expected = np.corrcoef(Z[:, i], Z_y[:, i])[0, 1]
        assert correlation == pytest.approx(expected, rel=1e-8)
    assert (model.correlations_ > model.regularized_correlations_).all()
    np.testing.assert_allclose(Z.mean(0), 0, atol=1e-12)


def test_without_a_ridge_it_is_cca():
    model = RegularizedCCA(2, alpha=0, alpha_y=0).fit(X, Y)
    theirs = CCA(2, tol=1e-12, max_iter=10_000).fit(X, Y)
    for ours, other in zip(
        (model.transform(X), model.transform_y(Y)), theirs.transform(X, Y), strict=True
    ):
        for i in range(2):
            assert abs(np.corrcoef(ours[:, i], other[:, i])[0, 1]) > 1 - 1e-4
    np.testing.assert_allclose(model.transform(X).var(0), 1)
    np.testing.assert_allclose(model.correlations_, model.regularized_correlations_)


def test_more_columns_than_rows():
    wide, other = make_views(20, 50, 30)
    model = RegularizedCCA(alpha=0.3, alpha_y=0.2).fit(wide, other)
    assert model.n_components_ == 19
    values, _ = by_eigenvalues(wide, other, 0.3, 0.2)
    np.testing.assert_allclose(
        model.regularized_correlations_, values[:19], rtol=1e-8, atol=1e-10
    )
    overfitted = RegularizedCCA(alpha=0, alpha_y=0).fit(wide, other)
    np.testing.assert_allclose(overfitted.correlations_, 1)


@pytest.mark.parametrize("unit", [1e-200, 1e-3, 1e200])
def test_units_do_not_matter(unit):
    model = RegularizedCCA(3).fit(X, Y)
    other = RegularizedCCA(3).fit(unit * X, Y)
    assert_near(other.regularized_correlations_, model.regularized_correlations_)
    Z = other.transform(unit * X)
    np.testing.assert_allclose(Z, model.transform(X), rtol=1e-6, atol=1e-8)


def test_constant_and_repeated_columns_have_no_part():
    extended = np.column_stack([X, np.full(len(X), 7.0), X[:, 0]])
    model = RegularizedCCA(alpha=0, alpha_y=0).fit(extended, Y)
    expected = RegularizedCCA(alpha=0, alpha_y=0).fit(X, Y)
    np.testing.assert_allclose(model.correlations_, expected.correlations_)
    assert_near(model.x_weights_[7], np.zeros(5))


def test_one_column():
    model = RegularizedCCA().fit(X, Y[:, 0])
    assert model.transform(X).shape == (80, 1)
    assert_near(model.transform_y(Y[:, 0]), model.transform_y(Y[:, :1]))


def test_score_by_a_loop():
    model = RegularizedCCA(4).fit(X[:60], Y[:60])
    Z, Z_y = model.transform(X[60:]), model.transform_y(Y[60:])
    n_right = 0
    for A, B in ((Z, Z_y), (Z_y, Z)):
        for i, a in enumerate(A):
            cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in B]
            n_right += int(np.argmax(cosines) == i)
    assert model.score(X[60:], Y[60:]) == pytest.approx(n_right / 40)
    assert model.score(X[:1], Y[:1]) == 1


def test_each_view_keeps_its_precision():
    model = RegularizedCCA(3).fit(X.astype(np.float32), Y)
    assert model.transform(X.astype(np.float32)).dtype == np.float32
    assert model.transform_y(Y).dtype == np.float64
    expected = RegularizedCCA(3).fit(X, Y).transform(X)
    np.testing.assert_allclose(model.transform(X), expected, rtol=1e-3, atol=1e-4)


def test_a_grid_chooses_the_ridges():
    model = make_pipeline(StandardScaler(), RegularizedCCA(3))
    grid = {"regularizedcca__alpha": [1e-3, 1.0], "regularizedcca__alpha_y": [0, 1.0]}
    search = GridSearchCV(model, grid, cv=3, n_jobs=2).fit(X, Y)
    assert 0 < search.best_score_ <= 1


def test_components_are_weighted_by_a_power_of_their_correlations():
    plain = RegularizedCCA(3).fit(X, Y)
    weighted = RegularizedCCA(3, power=2).fit(X, Y)
    factors = plain.regularized_correlations_**2
    np.testing.assert_allclose(weighted.transform(X), factors * plain.transform(X))
    np.testing.assert_allclose(weighted.transform_y(Y), factors * plain.transform_y(Y))
    np.testing.assert_array_equal(weighted.x_weights_, plain.x_weights_)
