"""What VICReg promises beyond the common checks: both losses, terms, collapse."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.self_supervised import VICReg
from sklearn_replearn.self_supervised._vic_reg import BarlowTwinsLoss, VICRegLoss

SMALL = {
    "n_components": 4,
    "projection_sizes": (6, 5),
    "channels": (3, 4),
    "hidden_layer_sizes": (8,),
    "max_epochs": 2,
    "random_state": 0,
}
KINDS = {
    "table": {},
    "signals": {"encoder": "cnn"},
    "images": {"image_shape": (8, 8)},
}
each_loss = pytest.mark.parametrize("loss", ["vicreg", "barlow_twins"])


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X.astype(np.float32) / 16, y


@pytest.fixture(scope="module")
def X(digits):
    return digits[0][:100]


def views(n=7, d=3):
    rng = np.random.default_rng(0)
    return rng.normal(scale=[0.2, 1, 2][:d], size=(2, n, d))


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def vicreg_terms(first, second):
    """The terms of VICReg without their weights, number by number."""
    n, d = first.shape
    invariance = mean((first[i, j] - second[i, j]) ** 2 for i, j in np.ndindex(n, d))
    variance = covariance = 0.0
    for Z in (first, second):
        means = [mean(Z[:, j]) for j in range(d)]
        for j in range(d):
            for k in range(d):
                c = sum((Z[i, j] - means[j]) * (Z[i, k] - means[k]) for i in range(n))
                c /= n - 1
                if j == k:
                    variance += max(0.0, 1 - (c + 1e-4) ** 0.5) / d
                else:
                    covariance += c**2 / d
    return {"invariance": invariance, "variance": variance, "covariance": covariance}


def barlow_twins_loss(first, second, lambda_):
    """The loss of the paper, number by number."""
    n, d = first.shape
    columns = []
    for Z in (first, second):
        standard = []
        for column in Z.T:
            m = mean(column)
            deviation = (mean((x - m) ** 2 for x in column) + 1e-5) ** 0.5
            standard.append([(x - m) / deviation for x in column])
        columns.append(standard)
    loss = 0.0
    for j in range(d):
        for k in range(d):
            pairs = zip(columns[0][j], columns[1][k], strict=True)
            c = sum(a * b for a, b in pairs) / n
            loss += (1 - c) ** 2 if j == k else lambda_ * c**2
    return loss


# ---------------------------------------------------------------------------
# The losses
# ---------------------------------------------------------------------------


def test_vicreg_by_loops():
    first, second = views()
    weights = {"invariance": 3.0, "variance": 5.0, "covariance": 0.7}
    terms = VICRegLoss(*weights.values())(torch.from_numpy(np.r_[first, second]), None)
    expected = vicreg_terms(first, second)
    assert expected["variance"] > 0.1
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        assert float(terms[name]) == pytest.approx(weights[name] * value, rel=1e-12)


@pytest.mark.parametrize("d", [3, 1])
def test_barlow_twins_by_loops(d):
    first, second = views(d=d)
    terms = BarlowTwinsLoss(4.0)(torch.from_numpy(np.r_[first, second]), None)
    assert list(terms) == ["invariance", "redundancy"]
    expected = barlow_twins_loss(first, second, 4.0 / max(1, d - 1)) / d
    assert float(sum(terms.values())) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("loss", [VICRegLoss(3.0, 5.0, 0.7), BarlowTwinsLoss(4.0)])
def test_gradients(loss):
    z = torch.from_numpy(np.concatenate(views())).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: sum(loss(z, None).values()), z)


@pytest.mark.parametrize("loss", [VICRegLoss(3.0, 5.0, 0.7), BarlowTwinsLoss(4.0)])
def test_loss_of_a_collapse(loss):
    z = torch.ones(10, 3, dtype=torch.double)
    terms, _, collapsed = loss.measure(z, None)
    assert float(sum(terms.values())) == pytest.approx(collapsed)


@each_loss
def test_terms_add_up_to_the_loss(X, loss):
    model = VICReg(loss=loss, **SMALL).fit(X)
    names = {
        "vicreg": ["invariance", "variance", "covariance"],
        "barlow_twins": ["invariance", "redundancy"],
    }
    for total, terms in zip(model.loss_curve_, model.loss_terms_curve_, strict=True):
        assert list(terms) == names[loss]
        assert sum(terms.values()) == pytest.approx(total, rel=1e-5)


# ---------------------------------------------------------------------------
# Training
# ---------------------------------------------------------------------------


@each_loss
@pytest.mark.parametrize("kind", KINDS)
def test_inputs(X, loss, kind):
    model = VICReg(loss=loss, **SMALL, **KINDS[kind]).fit(X)
    assert np.isfinite(model.transform(X)).all()
    assert np.isfinite(model.score(X))


@each_loss
def test_color_images_in_small_batches(X, loss):
    color = np.stack([X, X[::-1], 1 - X], -1).reshape(-1, 8, 8, 3)[:9]
    model = VICReg(loss=loss, batch_size=2, **SMALL).fit(color)
    assert model.image_shape_ == (8, 8, 3)
    assert np.isfinite(model.transform(color)).all()


@each_loss
def test_features_need_few_labels(digits, loss):
    X, y = digits
    found = []
    for training in ({"max_epochs": 1, "lr": 1e-9}, {"max_epochs": 30}):
        model = VICReg(loss=loss, random_state=0, **training).fit(X[:1200])
        Z = StandardScaler().fit_transform(model.transform(X))
        accuracies = []
        for draw in range(20):
            each = [np.flatnonzero(y[:1200] == c)[draw::24][:5] for c in range(10)]
            labeled = np.concatenate(each)
            few = LogisticRegression(C=0.1).fit(Z[labeled], y[labeled])
            accuracies.append(few.score(Z[1200:], y[1200:]))
        found.append((np.mean(accuracies), model.score(X[1200:])))
    (untrained, score_before), (learned, score) = found
    assert learned > untrained
    assert score > score_before + 0.2


def test_a_grid_chooses_between_losses_and_weights(digits):
    wide = {"n_components": 32, "hidden_layer_sizes": 64, "projection_sizes": 32}
    grid = GridSearchCV(
        VICReg(**{**SMALL, **wide, "max_epochs": 9, "lr": 1e-2}),
        [{"loss": ["vicreg", "barlow_twins"]}, {"variance_weight": [0.0]}],
        cv=ShuffleSplit(1, test_size=0.3, random_state=0),
    ).fit(digits[0][:400])
    scores = grid.cv_results_["mean_test_score"]
    assert len(set(scores)) == 3
    assert min(scores[:2]) > 2 * scores[2]


def test_early_stopping_and_warm_start(X):
    model = VICReg(early_stopping=True, warm_start=True, **SMALL).fit(X)
    assert len(model.validation_loss_curve_) == 2
    model.fit(X)
    assert model.n_iter_ == len(model.health_curve_) == 4


# ---------------------------------------------------------------------------
# Collapse
# ---------------------------------------------------------------------------

LONGER = {"max_epochs": 20, "batch_size": 50, "lr": 1e-2, "random_state": 0}


def test_a_point_is_warned_of(digits):
    model = VICReg(variance_weight=0, **LONGER)
    with pytest.warns(ConvergenceWarning, match="collapsed.*raise variance_weight"):
        model.fit(digits[0][:300])
    first, last = model.health_curve_[0], model.health_curve_[-1]
    assert last["spread"] < 0.2 * first["spread"]


@pytest.mark.parametrize(
    ("parameters", "remedy"),
    [
        ({"covariance_weight": 0}, "raise variance_weight or covariance_weight"),
        ({"loss": "barlow_twins", "redundancy_weight": 0}, "raise redundancy_weight"),
    ],
)
def test_few_directions_are_warned_of(digits, parameters, remedy):
    model = VICReg(**parameters, **LONGER)
    whole_numbers = np.rint(16 * digits[0][:300]).astype(int)
    with pytest.warns(ConvergenceWarning, match=f"directions only: {remedy}"):
        model.fit(whole_numbers)
    first, last = model.health_curve_[0], model.health_curve_[-1]
    assert last["effective_rank"] < 0.3 * first["effective_rank"]
    assert last["uniformity"] > first["uniformity"] + 1
