"""Which estimators the functions of inspection take: composites, pairs, LDA."""

import numpy as np
import pytest
import torch
from near import assert_near
from sklearn.base import clone
from sklearn.datasets import load_iris, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.inspection import (
    activation_maximization,
    adversarial_examples,
    occlusion_map,
    robust_score,
    saliency_map,
    top_activations,
)
from sklearn_replearn.metric_learning import (
    PairClassifier,
    PairVerifier,
    SupConTransformer,
)


def slopes(function, X, step=1e-5):
    """Absolute slopes of the largest output of each row, by finite differences."""
    chosen = function(X).argmax(axis=1)
    rows = np.arange(len(X))
    found = np.empty_like(X)
    for j in range(X.shape[1]):
        moved = step * np.eye(X.shape[1])[j]
        difference = function(X + moved) - function(X - moved)
        found[:, j] = np.abs(difference[rows, chosen]) / (2 * step)
    return found


@pytest.mark.parametrize("load", [load_wine, load_iris])
@pytest.mark.parametrize(
    "before",
    [
        [StandardScaler(), LinearDiscriminantAnalysis()],
        [LinearDiscriminantAnalysis(n_components=1)],
        [LinearDiscriminantAnalysis(solver="eigen"), StandardScaler()],
        [ScaledPCA(3), LinearDiscriminantAnalysis()],
    ],
    ids=lambda steps: "-".join(type(step).__name__ for step in steps),
)
def test_lda_is_a_transformer_within_a_pipeline(load, before):
    X, y = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    model = make_pipeline(*map(clone, before), LogisticRegression()).fit(X, y)
    expected = slopes(model.decision_function, X[:5])
    found = saliency_map(model, X[:5])
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.max())
    attacked = adversarial_examples(model, X, y, epsilon=1.0, bounds=None)
    assert model.score(attacked, y) < model.score(X, y)


def test_lda_at_the_end_is_a_classifier_or_a_code():
    X, y = load_wine(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    lda = LinearDiscriminantAnalysis().fit(X, y)
    expected = slopes(lda.decision_function, X[:5])
    np.testing.assert_allclose(saliency_map(lda, X[:5]), expected, rtol=1e-3)
    start = activation_maximization(lda, [0, 1], n_iter=5, lr=0.1, bounds=None)
    assert start.shape[0] == 2  # two discriminants, of three classes


@pytest.mark.parametrize("wrap", ["frozen", "frozen step", "frozen search", "search"])
def test_frozen_estimators_and_searches_stand_for_what_they_hold(wrap):
    X, y = load_iris(return_X_y=True)
    plain = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    if wrap == "frozen":
        model = FrozenEstimator(plain)
    elif wrap == "frozen step":
        frozen = FrozenEstimator(StandardScaler().fit(X))
        model = make_pipeline(frozen, LogisticRegression()).fit(X, y)
    else:
        model = GridSearchCV(clone(plain), {"logisticregression__C": [1.0]}).fit(X, y)
        if wrap == "frozen search":
            model = FrozenEstimator(FrozenEstimator(model))
    assert_near(saliency_map(model, X[:7]), saliency_map(plain, X[:7]))
    options = {"epsilon": 0.3, "bounds": None, "method": "fgsm"}
    assert_near(
        adversarial_examples(model, X, y, **options),
        adversarial_examples(plain, X, y, **options),
    )


@pytest.fixture
def judges():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    X = rng.normal(size=(60, 6)) + 4 * np.eye(3, 6)[y]
    network = PairClassifier(
        3, input="rows", hidden_layer_sizes=(8,), max_epochs=3, random_state=0
    )
    verifier = PairVerifier(ScaledPCA(2), input="rows")
    return X, y, [network.fit(X, y), verifier.fit(X, y)]


@pytest.mark.parametrize("form", ["rows", "pairs"])
def test_judges_of_pairs_are_refused_by_name(form, judges):
    X, y, models = judges
    if form == "pairs":
        X, y = X.reshape(30, 2, 6), y[::2]
    for model in (*models, FrozenEstimator(models[0])):
        for function in (
            lambda model: saliency_map(model, X),
            lambda model: saliency_map(model, X, target=1),
            lambda model: occlusion_map(model, X),
            lambda model: adversarial_examples(model, X, y % 2, bounds=None),
            lambda model: robust_score(model, X, y % 2, bounds=None),
            lambda model: top_activations(model, X),
            lambda model: top_activations(model, X, layer="head"),
            lambda model: activation_maximization(model, [0]),
        ):
            with pytest.raises(TypeError, match=r"^Pair.* judges pairs, but"):
                function(model)


@pytest.mark.parametrize("n", [1, 63, 65])
def test_only_samples_are_ranked(n):
    """Their outputs are below those of rows of zeros, which nobody has given."""
    rng = np.random.default_rng(0)
    X, y = -9 - rng.random((n + 60, 5)), np.arange(n + 60) % 3
    model = SupConTransformer(2, max_epochs=1, random_state=0).fit(X, y)
    for layer in ("encoder", "encoder.0"):
        top = top_activations(model, X[:n], layer=layer, n_top=1)
        assert top.indices.max() < n
        values = model.as_module(layer)
        with torch.no_grad():
            outputs = values(torch.from_numpy(X[:n])).numpy()
        np.testing.assert_allclose(top.values[:, 0], outputs.max(axis=0), rtol=1e-4)
