"""PairClassifier: what it computes, learns, keeps and refuses."""

import inspect
import pickle
import re

import numpy as np
import pytest
import skops.io
import torch
from near import assert_near
from sklearn.base import clone
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.estimators.base import BaseDeepEstimator
from sklearn_replearn._deep.objectives.losses import WeightedCrossEntropy
from sklearn_replearn._deep.training.batches import DrawnPairs
from sklearn_replearn.autoencoder import Autoencoder
from sklearn_replearn.metric_learning import PairClassifier
from sklearn_replearn.metric_learning._pair_network import (
    AllPairsLoss,
    DrawnPairsLoss,
)

ARCHITECTURES = ("siamese", "shared", "joint")
each_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)

SMALL = {
    "n_components": 4,
    "hidden_layer_sizes": (8,),
    "max_epochs": 4,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def table():
    """Rows of three classes, labelled pairs of them, and their indices."""
    rng = np.random.default_rng(0)
    classes = np.arange(60) % 3
    rows = rng.standard_normal((60, 5)) + 3 * np.eye(5)[classes]
    pairs = rng.integers(60, size=(80, 2))
    same = (classes[pairs[:, 0]] == classes[pairs[:, 1]]).astype(int)
    return rows, classes, pairs, same


@pytest.fixture(scope="module")
def digits():
    """Images, their classes, and pairs of other images, half of them the same."""
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(X))
    train, test = order[:1200], order[1200:]

    def draw(rows, n_pairs):
        first = rng.choice(rows, n_pairs)
        same = np.arange(n_pairs) % 2 == 0
        second = [
            rng.choice(rows[(y[rows] == y[i]) == alike])
            for i, alike in zip(first, same, strict=True)
        ]
        return np.column_stack([first, second]), same.astype(int)

    return X, y, train, draw(train, 2000), draw(test, 1000)


# ---------------------------------------------------------------------------
# What it computes
# ---------------------------------------------------------------------------


def weights_of(fitted):
    return {
        name: t.double().numpy() for name, t in fitted.net_.module_.state_dict().items()
    }


def perceptron(x, weights, name):
    """Linear layers with ReLU between them, written out."""
    layers = sorted(
        int(key.split(".")[-2])
        for key in weights
        if re.fullmatch(rf"{name}\.\d+\.weight", key)
    )
    for i in layers:
        x = x @ weights[f"{name}.{i}.weight"].T + weights[f"{name}.{i}.bias"]
        x = np.maximum(x, 0) if i != layers[-1] else x
    return x


@each_architecture
def test_log_odds_are_those_of_the_formula(table, architecture):
    rows, _, pairs, same = table
    X = rows[pairs]
    fitted = PairClassifier(architecture=architecture, **SMALL).fit(X, same)
    w = weights_of(fitted)
    center, spread = w["center"], w["spread"]
    first, second = X[:, 0], X[:, 1]
    if architecture == "joint":
        both = np.hstack([first - center, second - center])
        z = perceptron(both / spread, w, "embedding.encoder")
        expected = perceptron(np.maximum(z, 0), w, "head")
    else:
        z, z2 = (
            perceptron((part - center) / spread, w, "embedding.encoder")
            for part in (first, second)
        )
        if architecture == "siamese":
            expected = np.abs(z - z2) @ w["head.weight"].T + w["head.bias"]
        else:
            expected = perceptron(np.maximum(np.hstack([z, z2]), 0), w, "head")
    found = fitted.decision_function(X)
    np.testing.assert_allclose(found, expected[:, 0], rtol=1e-10)
    probabilities = fitted.predict_proba(X)
    np.testing.assert_allclose(probabilities[:, 1], 1 / (1 + np.exp(-found)))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.predict(X), (found > 0).astype(int))
    assert fitted.score(X, same) == np.mean(fitted.predict(X) == same)


def test_siamese_judges_both_orders_alike(table):
    rows, _, pairs, same = table
    fitted = PairClassifier(**SMALL).fit(rows[pairs], same)
    forth, back = (fitted.decision_function(rows[p]) for p in (pairs, pairs[:, ::-1]))
    assert_near(forth, back)


@pytest.mark.parametrize("architecture", ["shared", "joint"])
def test_the_others_learn_a_direction(architecture):
    X = np.random.default_rng(0).standard_normal((300, 2, 3))
    y = (X[:, 0, 0] > X[:, 1, 0]).astype(int)
    fitted = PairClassifier(8, architecture=architecture, lr=0.01, random_state=0).fit(
        X[:200], y[:200]
    )
    assert fitted.score(X[200:], y[200:]) > 0.9
    assert fitted.score(X[200:, ::-1], 1 - y[200:]) > 0.9


def test_loss_of_given_pairs_is_binary_cross_entropy(table):
    """At a learning rate of nothing the loss is that of the first weights."""
    rows, _, pairs, same = table
    X = rows[pairs]
    options = {**SMALL, "max_epochs": 1, "lr": 1e-12}
    for weight, weights in ((None, [1, 1]), ({0: 1.0, 1: 3.0}, [1, 3])):
        fitted = PairClassifier(class_weight=weight, **options).fit(X, same)
        log_odds = torch.from_numpy(fitted.decision_function(X))
        counts = torch.tensor(weights, dtype=torch.double)[same]
        losses = functional.binary_cross_entropy_with_logits(
            log_odds, torch.from_numpy(same).double(), reduction="none"
        )
        expected = float((losses * counts).sum() / counts.sum())
        assert fitted.loss_curve_[0] == pytest.approx(expected, rel=1e-5)


def test_loss_of_all_pairs_against_a_loop():
    rng = np.random.default_rng(0)
    log_odds = rng.standard_normal((6, 6))
    codes = [0, 0, 0, 1, 1, 2]
    same, other = [], []
    for i in range(6):
        for j in range(6):
            p = 1 / (1 + np.exp(-log_odds[i, j]))
            if i != j and codes[i] == codes[j]:
                same.append(-np.log(p))
            elif i != j:
                other.append(-np.log(1 - p))
    weights = np.array([0.5, 1.5])
    expected = weights[1] * np.mean(same) / 2 + weights[0] * np.mean(other) / 2
    loss = AllPairsLoss(WeightedCrossEntropy(weights, np.array([0.5, 0.5])))
    found = loss(torch.from_numpy(log_odds), torch.tensor(codes))
    assert float(found) == pytest.approx(expected)


def test_loss_of_drawn_pairs_reads_both_classes():
    cross_entropy = WeightedCrossEntropy(np.ones(2), np.array([0.5, 0.5]))
    logits = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    codes = torch.tensor([[4, 4], [4, 2], [7, 7]])
    found = DrawnPairsLoss(cross_entropy)(logits, codes)
    expected = functional.cross_entropy(logits, torch.tensor([1, 0, 1]))
    assert float(found) == pytest.approx(float(expected))


def test_drawn_pairs_are_balanced_and_of_two_rows():
    codes = torch.arange(90) % 9
    index = torch.arange(80)
    seen = []
    for shuffle in (True, False):
        batches = DrawnPairs(index, codes, 20, 4, shuffle=shuffle)
        passes = [list(batches) for _ in range(2)]
        for pairs in passes[0]:
            pairs = pairs.view(-1, 2)
            assert (pairs < 80).all()
            assert (pairs[:, 0] != pairs[:, 1]).all()
            same = codes[pairs[:, 0]] == codes[pairs[:, 1]]
            assert same.float().mean() == 0.5
        seen.append([torch.cat(one) for one in passes])
        assert len(batches) == len(passes[0])
    assert not torch.equal(*seen[0])
    assert torch.equal(*seen[1])


def test_drawn_pairs_of_a_class_with_one_row():
    codes = torch.tensor([0, 0, 0, 1])
    for pairs in DrawnPairs(torch.arange(4), codes, 4, 2):
        for first, second in pairs.view(-1, 2).tolist():
            assert first != second
            assert first != 3 or codes[second] == 0


# ---------------------------------------------------------------------------
# What it learns
# ---------------------------------------------------------------------------


@each_architecture
@pytest.mark.parametrize("input_", ["pairs", "rows"])
def test_learns_which_digits_are_the_same(digits, architecture, input_):
    X, y, train, (pairs, same), (test_pairs, test_same) = digits
    data = (pairs, same) if input_ == "pairs" else (X[train], y[train])
    model = PairClassifier(
        architecture=architecture,
        input=input_,
        preprocessor=X,
        max_epochs=20,
        random_state=0,
    ).fit(*data)
    least = 0.8 if (architecture, input_) == ("joint", "pairs") else 0.9
    assert model.score(test_pairs, test_same) > least
    np.testing.assert_array_equal(model.classes_, [0, 1])


@each_architecture
def test_learns_from_images_of_bytes(digits, architecture):
    X, y, train, _, (pairs, same) = digits
    images = np.round(X * 255 / 16).astype(np.uint8).reshape(-1, 8, 8)
    model = PairClassifier(
        architecture=architecture,
        input="rows",
        channels=(8, 16),
        augment=[("shift", 0.1)],
        max_epochs=10,
        lr=0.005,
        random_state=0,
    ).fit(images[train], y[train])
    assert model.image_shape_ == (8, 8, 1)
    least = 0.85 if architecture == "siamese" else 0.7
    assert model.score(images[pairs], same) > least
    flat = clone(model).set_params(image_shape=(8, 8))
    flat.fit(images[train].reshape(-1, 64), y[train])
    assert_near(
        flat.decision_function(images[pairs].reshape(-1, 2, 64)),
        model.decision_function(images[pairs]),
    )


@each_architecture
def test_images_of_several_channels(architecture):
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(30, 2, 6, 5, 3)).astype(np.float32)
    y = np.arange(30) % 2
    model = PairClassifier(architecture=architecture, channels=(4,), **SMALL).fit(X, y)
    assert model.image_shape_ == (6, 5, 3)
    assert model.decision_function(X).dtype == np.float32
    if architecture == "joint":  # side by side as the channels of one
        assert model.net_.description["encoder"]["shape"] == [6, 6, 5]


@each_architecture
def test_a_module_as_encoder(table, architecture):
    rows, _, pairs, same = table
    module = nn.Linear(10 if architecture == "joint" else 5, 4)
    before = module.weight.clone()
    model = PairClassifier(architecture=architecture, encoder=module, **SMALL)
    model.fit(rows[pairs], same)
    assert torch.equal(module.weight, before)
    found = model.decision_function(rows[pairs])
    again = pickle.loads(pickle.dumps(model)).decision_function(rows[pairs])
    np.testing.assert_array_equal(found, again)


@each_architecture
def test_early_stopping_of_rows_and_of_pairs(table, architecture):
    rows, classes, pairs, same = table
    options = {**SMALL, "early_stopping": True, "validation_fraction": 0.3}
    for input_, data in (("rows", (rows, classes)), ("pairs", (rows[pairs], same))):
        model = PairClassifier(architecture=architecture, input=input_, **options)
        model.fit(*data)
        assert len(model.validation_loss_curve_) == model.n_iter_


def test_balanced_weights_raise_the_rare_kind(table):
    rows, _, pairs, same = table
    keep = np.r_[np.flatnonzero(same == 0), np.flatnonzero(same == 1)[:4]]
    X, y = rows[pairs[keep]], same[keep]
    shares = [
        PairClassifier(class_weight=weight, **SMALL).fit(X, y).predict_proba(X)[:, 1]
        for weight in (None, "balanced")
    ]
    assert shares[1].mean() > shares[0].mean()


# ---------------------------------------------------------------------------
# Inputs and labels
# ---------------------------------------------------------------------------


@each_architecture
def test_indices_give_what_pairs_give(table, architecture):
    rows, _, pairs, same = table
    options = {**SMALL, "architecture": architecture}
    # Each row is in one pair, so that the mean row is the same.
    pairs, same = np.arange(60).reshape(-1, 2), same[:30]
    by_value = PairClassifier(**options).fit(rows[pairs], same)
    by_index = PairClassifier(preprocessor=rows, **options).fit(pairs, same)
    assert_near(
        by_value.decision_function(rows[pairs]), by_index.decision_function(pairs)
    )


@each_architecture
def test_rows_beyond_the_pairs_are_not_learned_from(table, architecture):
    rows, _, _, same = table
    pairs = np.arange(40).reshape(-1, 2)
    others = np.r_[rows[:40], np.full((20, 5), 1e6)]
    options = {**SMALL, "architecture": architecture}
    found = [
        PairClassifier(preprocessor=t, **options).fit(pairs, same[:20])
        for t in (rows, others)
    ]
    assert_near(*(model.decision_function(pairs) for model in found))


@pytest.mark.parametrize("labels", [(0, 1), (-1, 1), (-1.0, 1.0), (False, True)])
def test_labels_come_back_as_they_were(table, labels):
    rows, _, pairs, same = table
    y = np.array(labels)[same]
    model = PairClassifier(**SMALL).fit(rows[pairs], y)
    np.testing.assert_array_equal(model.classes_, labels)
    assert model.predict(rows[pairs]).dtype == y.dtype
    assert set(model.predict(rows[pairs]).tolist()) <= set(labels)
    assert model.score(rows[pairs], y) == model.score(rows[pairs], same)


def test_data_frame_as_preprocessor(table):
    pd = pytest.importorskip("pandas")
    rows, _, pairs, same = table
    frame = pd.DataFrame(rows, columns=list("abcde"))
    model = PairClassifier(preprocessor=frame, **SMALL).fit(pairs, same)
    assert list(model.feature_names_in_) == list("abcde")
    plain = PairClassifier(preprocessor=rows, **SMALL).fit(pairs, same)
    assert_near(model.decision_function(pairs), plain.decision_function(pairs))


@each_architecture
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pairs_are_the_same_in_any_batch(table, architecture, dtype):
    rows, _, pairs, same = table
    model = PairClassifier(architecture=architecture, **SMALL).fit(rows[pairs], same)
    X = np.tile(rows[pairs], (10, 1, 1)).astype(dtype)
    whole = model.decision_function(X)
    assert whole.dtype == dtype
    assert model.predict_proba(X).dtype == dtype
    for part in (slice(3, 4), slice(17, 590)):
        assert_near(model.decision_function(X[part]), whole[part])


def test_joint_pairs_in_several_blocks(table, monkeypatch):
    rows, _, pairs, same = table
    model = PairClassifier(architecture="joint", **SMALL).fit(rows[pairs], same)
    whole = model.decision_function(rows[pairs])
    module = "sklearn_replearn.metric_learning._pair_classifier.N_PAIRS_AT_A_TIME"
    monkeypatch.setattr(module, 7)
    assert_near(model.decision_function(rows[pairs]), whole)


# ---------------------------------------------------------------------------
# What all estimators with a network share
# ---------------------------------------------------------------------------


def defaults(cls):
    parameters = inspect.signature(cls.__init__).parameters.values()
    return {p.name: p.default for p in parameters if p.name != "self"}


def documented(cls):
    section = inspect.getdoc(cls).partition("Parameters\n----------\n")[2]
    section = section.partition("\n\nAttributes")[0]
    parts = re.split(r"^(\w+) : ", section, flags=re.M)[1:]
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))


def test_shared_parameters_are_those_of_all_networks():
    shared = list(BaseDeepEstimator._parameter_constraints)
    names = list(defaults(PairClassifier))
    assert names[-len(shared) :] == shared
    assert list(documented(PairClassifier)) == names
    own = {"hidden_layer_sizes", "lr", "random_state", "max_epochs"}
    for name in set(shared) - own:
        assert defaults(PairClassifier)[name] == defaults(Autoencoder)[name]
        assert documented(PairClassifier)[name] == documented(Autoencoder)[name]


@each_architecture
def test_skops_needs_to_trust_the_class_alone(table, architecture):
    rows, _, pairs, same = table
    model = PairClassifier(architecture=architecture, **SMALL).fit(rows[pairs], same)
    saved = skops.io.dumps(model)
    trusted = skops.io.get_untrusted_types(data=saved)
    assert trusted == [f"{PairClassifier.__module__}.PairClassifier"]
    again = skops.io.loads(saved, trusted=trusted)
    np.testing.assert_array_equal(
        again.decision_function(rows[pairs]), model.decision_function(rows[pairs])
    )


def test_pickles_hold_no_training_data(table):
    rows, _, pairs, same = table
    few = PairClassifier(**SMALL).fit(rows[pairs], same)
    many = PairClassifier(**SMALL).fit(
        np.tile(rows[pairs], (9, 1, 1)), np.tile(same, 9)
    )
    sizes = [len(pickle.dumps(model)) for model in (few, many)]
    assert abs(sizes[1] - sizes[0]) < 200


@each_architecture
def test_as_module_gives_log_odds(table, architecture):
    rows, _, pairs, same = table
    X = rows[pairs].astype(np.float32)
    model = PairClassifier(architecture=architecture, **SMALL).fit(X, same)
    module = model.as_module()
    with torch.no_grad():
        found = module(torch.from_numpy(X))
        parts = model.as_module("embedding")(torch.from_numpy(X))
    np.testing.assert_allclose(found[:, 0], model.decision_function(X), atol=1e-5)
    n_each = 1 if architecture == "joint" else 2
    assert parts.shape == (n_each * len(X), 4)


def test_as_module_of_images_takes_pairs_of_images():
    X = np.random.default_rng(0).uniform(size=(20, 2, 6, 6)).astype(np.float32)
    for architecture in ARCHITECTURES:
        model = PairClassifier(architecture=architecture, channels=(4,), **SMALL)
        model.fit(X, np.arange(20) % 2)
        with torch.no_grad():
            found = model.as_module()(torch.from_numpy(X))
        np.testing.assert_allclose(found[:, 0], model.decision_function(X), atol=1e-5)


def test_warm_start_goes_on(table):
    rows, _, pairs, same = table
    model = PairClassifier(warm_start=True, **SMALL).fit(rows[pairs], same)
    model.fit(rows[pairs], same)
    assert model.n_iter_ == 8
    model.set_params(architecture="shared")
    with pytest.raises(ValueError, match=r"now describe another one \(architecture"):
        model.fit(rows[pairs], same)


def test_a_network_that_only_guesses_is_told_of(table):
    rows, _, pairs, same = table
    model = PairClassifier(**{**SMALL, "max_epochs": 12, "lr": 1e-3})
    X = np.ones_like(rows[pairs])
    X[0, 0] = 1.001
    with pytest.warns(UserWarning, match="guessing by the shares of both kinds"):
        model.set_params(lr=0.02, max_epochs=200).fit(X, same)


# ---------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((4, 3, 5)), r"X has shape \(4, 3, 5\), but pairs have shape"),
        (np.ones((4, 5)), r"X has shape \(4, 5\), but pairs have shape"),
        (np.ones((4, 2)), "there is no table that they point into; pass preprocessor"),
        (np.ones((0, 2, 5)), "X has no pairs"),
        (np.full((4, 2, 5), np.nan), "Input X contains NaN"),
        (np.full((4, 2, 5), np.inf), "Input X contains infinity"),
    ],
)
def test_bad_pairs(table, X, message):
    rows, _, pairs, same = table
    with pytest.raises(ValueError, match=message):
        PairClassifier(**SMALL).fit(X, same[: len(X)])
    fitted = PairClassifier(**SMALL).fit(rows[pairs], same)
    with pytest.raises(ValueError, match=message):
        fitted.predict(X)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, .* whether its rows are the same"),
        ([0, 1, 2, 0], "y has the labels 0, 1, 2, but pairs are labelled 1"),
        ([-1, 0, 1, 1], "y has the labels -1, 0, 1, but pairs are labelled 1"),
        (["a", "b", "a", "b"], "y has the labels 'a', 'b', but pairs"),
        ([1, 1, 1, 1], "y has 1 class: all pairs are the same"),
        ([-1, -1, -1, -1], "y has 1 class: all pairs are different"),
        ([0, 1, np.nan, 1], "Row 2 of y is missing"),
        ([0, 1, 1], "inconsistent numbers of samples"),
    ],
)
def test_bad_labels(table, y, message):
    rows, _, pairs, _ = table
    model = PairClassifier(**SMALL)
    with pytest.raises(ValueError, match=message):
        model.fit(rows[pairs[:4]], y)
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([[0, 60]], r"Pair 0 of X is \[0, 60\], but the preprocessor has rows 0 to 59"),
        ([[0, 1], [-1, 2]], r"Pair 1 of X is \[-1, 2\]"),
        ([[0.0, 1.0]], "it holds pairs of indices: whole numbers"),
        ([[0, 1, 2]], "it holds pairs of indices"),
    ],
)
def test_bad_indices(table, pairs, message):
    rows, _, good, same = table
    model = PairClassifier(preprocessor=rows, **SMALL).fit(good, same)
    with pytest.raises(ValueError, match=message):
        model.predict(pairs)
    with pytest.raises(ValueError, match=message):
        model.fit(pairs, same[: len(pairs)])


def test_other_width_than_in_fit(table):
    rows, _, pairs, same = table
    model = PairClassifier(**SMALL).fit(rows[pairs], same)
    with pytest.raises(ValueError, match="X has 4 features, but PairClassifier is exp"):
        model.predict(rows[pairs][:, :, :4])


@pytest.mark.filterwarnings("ignore:The number of unique classes")
@pytest.mark.parametrize(
    ("options", "y", "message"),
    [
        ({}, np.zeros(60), "at least two classes to tell apart, but y has 1 class"),
        ({}, np.arange(60), "two rows of one class at least"),
        ({}, None, "requires y .* which rows have the same class"),
        ({"batch_size": 6, "samples_per_class": 4}, None, "batch_size=6 has no room"),
        (
            {"early_stopping": True},
            np.arange(60) > 58,
            "early_stopping needs two rows of one class and a row of another both",
        ),
    ],
)
@each_architecture
def test_bad_rows(table, options, y, message, architecture):
    rows, classes, _, _ = table
    if options and y is None:
        y = classes
    model = PairClassifier(input="rows", architecture=architecture, **SMALL, **options)
    with pytest.raises(ValueError, match=message):
        model.fit(rows, y)


def test_batches_of_one_are_too_few_for_batch_normalisation(table):
    rows, _, pairs, same = table
    model = PairClassifier(architecture="joint", encoder="cnn", batch_size=1, **SMALL)
    with pytest.raises(ValueError, match="batch_size=1 leaves a single value to batch"):
        model.fit(rows[pairs], same)


def test_module_of_another_width(table):
    rows, _, pairs, same = table
    model = PairClassifier(encoder=nn.Linear(5, 3), **SMALL)
    with pytest.raises(ValueError, match=r"encoder gives shape \(n_rows, 3\)"):
        model.fit(rows[pairs], same)
    model.set_params(encoder=nn.Linear(5, 4), architecture="joint")
    with pytest.raises(ValueError, match=r"cannot take input of shape \(n_rows, 10\)"):
        model.fit(rows[pairs], same)


def test_class_weight_of_no_label(table):
    rows, _, pairs, same = table
    model = PairClassifier(class_weight={2: 1.0}, **SMALL)
    with pytest.raises(ValueError, match="class_weight has a weight for 2"):
        model.fit(rows[pairs], same)


def test_even_kernel(table):
    rows, _, pairs, same = table
    model = PairClassifier(encoder="cnn", kernel_size=4, **SMALL)
    with pytest.raises(ValueError, match="kernel_size must be odd"):
        model.fit(rows[pairs], same)
