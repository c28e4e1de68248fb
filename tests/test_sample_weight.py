"""Weights of rows, in those that learn from classes."""

import inspect

import numpy as np
import pytest
import torch
from registry import INSTANCES
from sklearn import config_context
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
)
from small_networks import split_of

from sklearn_replearn._deep.estimators.classification import merge_equal
from sklearn_replearn._deep.input.samples import Rows
from sklearn_replearn._deep.objectives.losses import WeightedCrossEntropy
from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.image import CNNFeatureExtractor, PretrainedFeatureExtractor
from sklearn_replearn.metric_learning import PairClassifier, PrototypeClassifier
from sklearn_replearn.utils.discovery import all_estimators

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((200, 8)), np.arange(200) % 3
W = RNG.integers(0, 5, 200).astype(float)

#: The learning rate of a training that changes nothing, so that losses are known.
STILL = {"lr": 1e-30, "max_epochs": 1}


def network(name, **parameters):
    estimator = clone(INSTANCES[name]).set_params(random_state=0, **parameters)
    if name == "PretrainedFeatureExtractor":
        estimator.set_params(fine_tune="head")
    return estimator


each_network = pytest.mark.parametrize(
    "name", ["CNNFeatureExtractor", "PretrainedFeatureExtractor"]
)


def test_those_that_take_weights():
    takers = [
        name
        for name, cls in all_estimators()
        if "sample_weight" in inspect.signature(cls.fit).parameters
    ]
    assert takers == [
        "CNNFeatureExtractor",
        "PairClassifier",
        "PretrainedFeatureExtractor",
        "PretrainedTextEncoder",
        "PrototypeClassifier",
    ]


# ---------------------------------------------------------------------------
# The loss
# ---------------------------------------------------------------------------


def test_cross_entropy_of_weighted_rows():
    logits = torch.randn(6, 3)
    codes, weights = torch.tensor([0, 1, 2, 2, 1, 0]), torch.rand(6)
    class_weights = np.array([0.5, 1.0, 2.0])
    criterion = WeightedCrossEntropy(class_weights, np.ones(3) / 3)
    found = criterion(logits, codes, weights)
    terms = [
        -class_weights[c] * float(w) * float(row.log_softmax(0)[c])
        for row, c, w in zip(logits, codes, weights, strict=True)
    ]
    assert float(found) == pytest.approx(sum(terms) / 6, rel=1e-5)


def weighted_loss(model, X, y, weights):
    chances = model.predict_proba(X)[np.arange(len(y)), y]
    return -np.average(np.log(chances), weights=weights)


@pytest.mark.parametrize("class_weight", [None, {0: 3.0, 2: 0.5}, "balanced"])
def test_the_loss_is_a_weighted_mean(class_weight):
    model = network("CNNFeatureExtractor", class_weight=class_weight, **STILL)
    model.fit(X, Y, sample_weight=W)
    of_classes = np.array([3.0, 1.0, 0.5]) if class_weight else np.ones(3)
    if class_weight == "balanced":
        of_classes = 1 / np.bincount(Y, W)
    loss = weighted_loss(model, X, Y, W * of_classes[Y])
    assert model.loss_curve_[0] == pytest.approx(loss, rel=1e-4)


@each_network
def test_the_validation_loss_is_weighted(name):
    X_val, y_val = RNG.standard_normal((50, 8)), np.arange(50) % 3
    weights = RNG.random(50)
    model = network(name, max_epochs=3)
    model.fit(X, Y, X_val=X_val, y_val=y_val, sample_weight_val=weights)
    loss = weighted_loss(model, X_val, y_val, weights)
    assert model.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-5)
    model.set_params(early_stopping=True, validation_fraction=0.2)
    model.fit(X, Y, sample_weight=W)
    rows = np.flatnonzero(W > 0)[split_of(model, X[W > 0], Y[W > 0])[1]]
    loss = weighted_loss(model, X[rows], Y[rows], W[rows])
    assert min(model.validation_loss_curve_) == pytest.approx(loss, rel=1e-4)


@each_network
def test_rows_with_more_weight_are_learned_better(name):
    labels = RNG.integers(0, 2, 200)
    heavy = np.arange(200) < 50
    model = network(name, max_epochs=30, lr=0.02)
    model.fit(X, labels, sample_weight=np.where(heavy, 50, 1))
    assert model.score(X[heavy], labels[heavy]) > model.score(X[~heavy], labels[~heavy])


@each_network
def test_only_proportions_count(name):
    found = [
        network(name).fit(X, Y, sample_weight=weights).loss_curve_
        for weights in (W, 8 * W, W * 1e-300, W * 2.0**1020, W.astype(int).tolist())
    ]
    for curve in found[1:]:
        np.testing.assert_allclose(curve, found[0], rtol=1e-6)
    found = [
        network(name).fit(X, Y, sample_weight=weights).loss_curve_
        for weights in (None, 1, np.ones(200), 0.1)
    ]
    assert all(curve == found[0] for curve in found)


# ---------------------------------------------------------------------------
# Rows without weight, rows that are repeated
# ---------------------------------------------------------------------------


@each_network
def test_rows_without_weight_are_left_out(name):
    kept = (W > 0) & (Y != 1)
    weights = W * (Y != 1)
    fitted = network(name).fit(X, Y, sample_weight=weights)
    again = network(name).fit(X[kept], Y[kept], sample_weight=W[kept])
    assert fitted.classes_.tolist() == [0, 2]
    assert fitted.loss_curve_ == again.loss_curve_
    again = network(name).fit(X[kept], Y[kept])
    fitted = network(name).fit(X, Y, sample_weight=kept)
    assert fitted.loss_curve_ == again.loss_curve_


def test_rows_without_weight_are_left_out_of_any_container():
    pd = pytest.importorskip("pandas")
    frame, series = pd.DataFrame(X), pd.Series(Y)
    frame.columns = list("abcdefgh")
    expected = network("CNNFeatureExtractor").fit(X, Y, sample_weight=W).loss_curve_
    fitted = network("CNNFeatureExtractor").fit(
        frame, series, sample_weight=pd.Series(W)
    )
    assert fitted.loss_curve_ == expected
    assert fitted.feature_names_in_.tolist() == list("abcdefgh")
    fitted.fit(X.tolist(), Y.tolist(), sample_weight=W.tolist())
    assert fitted.loss_curve_ == expected


@pytest.mark.filterwarnings("ignore:CNNFeatureExtractor. the loss is")  # of chance
@pytest.mark.parametrize(
    "estimator",
    [
        CNNFeatureExtractor(n_components=4),
        CNNFeatureExtractor(n_components=4, class_weight="balanced", augment="noise"),
        CNNFeatureExtractor(n_components=4, early_stopping=True),
        network("PretrainedFeatureExtractor"),
        PrototypeClassifier(),
        PrototypeClassifier(metric="cosine"),
    ],
)
def test_weights_are_repetitions(estimator):
    """Also with dropout, batch normalisation and several batches."""
    check_sample_weight_equivalence_on_dense_data("", estimator)


def test_equal_rows_are_merged():
    rows = np.array([[2.0, 0], [1, 5], [2, 0], [2, 0], [1, 5]])
    codes = torch.tensor([0, 1, 0, 1, 1])
    merged, classes = merge_equal(Rows(rows), codes)
    found = dict(
        zip(
            zip(map(tuple, merged.array.tolist()), classes.tolist(), strict=True),
            merged.weights.tolist(),
            strict=True,
        )
    )
    assert found == {((2, 0), 0): 2, ((1, 5), 1): 2, ((2, 0), 1): 1}
    shuffled = [3, 1, 0]
    weighted = Rows(rows[shuffled])
    weighted.weights = torch.tensor([1.0, 2.0, 2.0])
    again, codes_again = merge_equal(weighted, codes[shuffled])
    order = np.lexsort(np.c_[again.array, codes_again].T)
    expected = np.lexsort(np.c_[merged.array, classes].T)
    np.testing.assert_array_equal(again.array[order], merged.array[expected])
    as_it_is = Rows(rows[:2])
    assert merge_equal(as_it_is, codes[:2])[0] is as_it_is


# ---------------------------------------------------------------------------
# Pairs, prototypes
# ---------------------------------------------------------------------------


def test_pairs_with_weights():
    pairs, same = RNG.standard_normal((60, 2, 5)), np.arange(60) % 2
    weights = RNG.random(60)
    for architecture in ("siamese", "shared", "joint"):
        model = PairClassifier(4, architecture=architecture, random_state=0, **STILL)
        model.fit(pairs, same, sample_weight=weights)
        loss = log_loss(same, model.predict_proba(pairs)[:, 1], sample_weight=weights)
        assert model.loss_curve_[0] == pytest.approx(loss, rel=1e-4)
    kept = np.arange(60) % 5 > 0
    fits = [
        PairClassifier(4, max_epochs=2, random_state=0).fit(*data)
        for data in ((pairs[kept], same[kept]), (pairs, same, None, None, kept))
    ]
    assert fits[0].loss_curve_ == fits[1].loss_curve_
    with pytest.raises(ValueError, match="sample_weight is of pairs, but with input"):
        PairClassifier(input="rows").fit(X, Y, sample_weight=W)
    with pytest.raises(ValueError, match="1 class: all pairs are the same"):
        PairClassifier().fit(pairs, same, sample_weight=same)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("embedder", [None, FrozenEstimator(ScaledPCA(3).fit(X))])
def test_prototypes_are_weighted_means(metric, embedder):
    model = PrototypeClassifier(embedder, metric=metric).fit(X, Y, sample_weight=W)
    Z = X if embedder is None else embedder.transform(X)
    if metric == "cosine":
        Z = Z / np.linalg.norm(Z, axis=1, keepdims=True)
    for code, prototype in enumerate(model.prototypes_):
        rows = code == Y
        expected = np.average(Z[rows], axis=0, weights=W[rows])
        np.testing.assert_allclose(prototype, expected, rtol=1e-12, atol=1e-14)
    weightless = PrototypeClassifier(embedder, metric=metric)
    weightless.fit(X, Y, sample_weight=W * (Y < 2))
    assert weightless.classes_.tolist() == [0, 1]


# ---------------------------------------------------------------------------
# Bad input, metadata routing
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator",
    [
        network("CNNFeatureExtractor"),
        network("PretrainedFeatureExtractor"),
        PrototypeClassifier(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_bad_weights(estimator):
    for weights, message in (
        (-W, r"sample_weight is -4 for row \d+; weights must be at least 0"),
        (np.where(W > 3, np.nan, W), "sample_weight contains NaN"),
        (np.where(W > 3, np.inf, W), "sample_weight contains infinity"),
        (np.zeros(200), "sample_weight is zero for all samples"),
        (W[:5], r"sample_weight has shape \(5,\), but there are 200 samples"),
        (np.c_[W, W], r"sample_weight has shape \(200, 2\), but there are 200"),
        (W * (Y == 1), "1 class"),
        (["much"] * 200, "could not convert string to float"),
    ):
        with pytest.raises(ValueError, match=message):
            estimator.fit(X, Y, sample_weight=weights)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        estimator.fit(X, Y[:7], sample_weight=W)


def test_bad_weights_of_validation_data():
    model = network("CNNFeatureExtractor")
    for weights, message in (
        (-W, "sample_weight_val is -4 for row"),
        (W[:5], r"sample_weight_val has shape \(5,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(X, Y, X_val=X, y_val=Y, sample_weight_val=weights)
    with pytest.raises(ValueError, match="sample_weight_val is given without X_val"):
        model.fit(X, Y, sample_weight_val=W)


@each_network
def test_metadata_routing(name):
    direct = network(name).fit(StandardScaler().fit_transform(X), Y, sample_weight=W)
    with config_context(enable_metadata_routing=True):
        routed = network(name).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, routed).fit(X, Y, sample_weight=W)
        np.testing.assert_allclose(
            pipeline[-1].loss_curve_, direct.loss_curve_, rtol=1e-5
        )
        routed.set_score_request(sample_weight=True)
        search = GridSearchCV(routed, {"max_epochs": [2, 3]}, cv=2)
        search.fit(X, Y, sample_weight=W)
        best = clone(search.best_estimator_).fit(X, Y, sample_weight=W)
    assert search.best_estimator_.loss_curve_ == best.loss_curve_


def test_an_untuned_network_takes_weights_and_needs_none():
    plain = PretrainedFeatureExtractor(torch.nn.Identity())
    Z = plain.fit(X, sample_weight=W).transform(X)
    np.testing.assert_allclose(Z, plain.fit(X).transform(X))
