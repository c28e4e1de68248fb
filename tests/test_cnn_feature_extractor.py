"""CNNFeatureExtractor: its layers, its loss, its training, and what it says."""

import pickle
import tracemalloc

import numpy as np
import pytest
import torch
from image_forms import SUITE_FORMS, expected_failures, of_images
from near import assert_near
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_networks import new_network
from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.input.augment import Augmentation
from sklearn_replearn._deep.input.changes import Values
from sklearn_replearn._deep.networks.convnet import Pool
from sklearn_replearn._deep.objectives.losses import WeightedCrossEntropy
from sklearn_replearn._deep.training.optimizers import OPTIMIZERS, SCHEDULES
from sklearn_replearn._deep.training.seeding import seeded
from sklearn_replearn.image import CNNFeatureExtractor
from sklearn_replearn.utils.estimator_checks import (
    check_representation_estimator,
)

#: A network that is trained for a moment.
SMALL = {
    "n_components": 6,
    "channels": (4, 8),
    "kernel_size": 3,
    "max_epochs": 3,
    "lr": 0.02,
    "random_state": 0,
}
CPU = torch.device("cpu")


def small(**options):
    return CNNFeatureExtractor(**(SMALL | options))


@pytest.fixture(scope="module")
def digits():
    images, y = load_digits(return_X_y=True)
    return (images.reshape(-1, 8, 8) / 16).astype(np.float32)[:600], y[:600]


# ---------------------------------------------------------------------------
# The network
# ---------------------------------------------------------------------------


def layers_of(fitted, kind):
    return [layer for layer in fitted.net_.module_.modules() if isinstance(layer, kind)]


def test_shapes_of_the_layers(digits):
    fitted = small(hidden_layer_sizes=(5,)).fit(*digits)
    convolutions = layers_of(fitted, nn.Conv2d)
    assert [tuple(c.weight.shape) for c in convolutions] == [(4, 1, 3, 3), (8, 4, 3, 3)]
    dense = layers_of(fitted, nn.Linear)
    shapes = [tuple(layer.weight.shape) for layer in dense]
    assert shapes == [(5, 8 * 2 * 2), (6, 5), (10, 6)]
    names = ["stage1", "stage2", "maps", "hidden1", "penultimate", "head"]
    children = [name for name, _ in fitted.net_.module_.named_children()]
    assert [name for name in children if name in names] == names


def test_the_first_stage_written_out(digits):
    X, y = digits
    fitted = small(batch_norm=False).fit(X, y)
    network = fitted.net_.module_
    weights = network.stage1.convolution1.weight.detach().numpy()[:, 0]
    bias = network.stage1.convolution1.bias.detach().numpy()
    image = (X[0] - network.center.numpy()[0]) / network.spread.numpy()
    padded = np.pad(image, 1)
    expected = np.zeros((4, 4, 4))
    for k in range(4):
        maps = np.array(
            [
                [(padded[i : i + 3, j : j + 3] * weights[k]).sum() for j in range(8)]
                for i in range(8)
            ]
        )
        for i in range(4):
            for j in range(4):
                window = maps[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
                expected[k, i, j] = max(0, window.max() + bias[k])
    stage = fitted.as_module("stage1")(torch.from_numpy(X[:1])).detach().numpy()
    assert_allclose(stage[0], expected, atol=1e-5)


def test_pooling_rounds_up_and_keeps_single_values():
    x = torch.arange(15.0).reshape(1, 1, 3, 5)
    largest = Pool("max", (3, 5))(x)
    assert largest[0, 0].tolist() == [[6, 8, 9], [11, 13, 14]]
    mean = Pool("mean", (3, 5))(x)
    assert mean[0, 0].tolist() == [[3, 5, 6.5], [10.5, 12.5, 14]]
    signal = torch.arange(5.0).reshape(1, 1, 5)
    assert Pool("mean", (5,))(signal)[0, 0].tolist() == [0.5, 2.5, 4]
    assert Pool("max", (1, 5))(x[:, :, :1])[0, 0].tolist() == [[1, 3, 4]]


@pytest.mark.parametrize(
    ("options", "n_convolutions"),
    [({}, 2), ({"architecture": "vgg"}, 4), ({"residual": True}, 4)],
)
def test_architectures(digits, options, n_convolutions):
    fitted = small(**options).fit(*digits)
    assert len(layers_of(fitted, nn.Conv2d)) == n_convolutions
    assert fitted.transform(digits[0]).shape == (600, 6)


def test_residual_adds_the_input(digits):
    X, y = digits
    fitted = small(residual=True, batch_norm=False).fit(X, y)
    stage = fitted.as_module().network.stage1
    x = torch.from_numpy(X[:5, None])
    both = stage.convolutions(x)
    parts = stage.convolutions.body(x) + stage.convolutions.shortcut(x)
    assert torch.equal(both, parts)


def test_global_pooling_averages_each_map(digits):
    X, y = digits
    fitted = small(global_pooling=True).fit(X, y)
    rows = torch.from_numpy(X[:5])
    maps, means = (fitted.as_module(layer)(rows) for layer in ("stage2", "maps"))
    assert_allclose(means.detach(), maps.detach().mean((2, 3)), atol=1e-6)


def test_slopes_of_activations(digits):
    for activation, kind, slope in (
        ("leaky_relu", nn.LeakyReLU, lambda layer: layer.negative_slope),
        ("prelu", nn.PReLU, lambda layer: float(layer.weight.detach())),
    ):
        options = {"activation": activation, "negative_slope": 0.3, "max_epochs": 1}
        fitted = small(**options, lr=1e-12).fit(*digits)
        assert slope(layers_of(fitted, kind)[0]) == pytest.approx(0.3, abs=1e-6)


@pytest.mark.parametrize("layer", ["stage1", "maps", "penultimate", "head"])
def test_any_layer_gives_features(digits, layer):
    X, y = digits
    fitted = small(layer=layer).fit(X, y)
    with torch.no_grad():
        expected = fitted.as_module(layer)(torch.from_numpy(X)).flatten(1)
    assert fitted.n_components_ == expected.shape[1]
    assert len(fitted.get_feature_names_out()) == fitted.n_components_
    assert_allclose(fitted.transform(X), expected, atol=1e-5)
    assert_array_equal(fitted.predict_proba(X), small().fit(X, y).predict_proba(X))


def test_as_module_of_the_head_gives_logits(digits):
    X, y = digits
    fitted = small().fit(X, y)
    logits = fitted.as_module("head")(torch.from_numpy(X)).detach()
    assert_allclose(fitted.predict_proba(X), logits.softmax(1), atol=1e-6)
    assert_array_equal(fitted.predict(X), fitted.classes_[logits.argmax(1)])


# ---------------------------------------------------------------------------
# The training
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("augment", [None, ("flip", "rotate", "noise")])
def test_training_is_that_of_a_bare_loop(digits, augment):
    X, y = digits
    fitted = small(augment=augment, batch_size=64).fit(X, y)
    with seeded(0, CPU):
        network = new_network(fitted, X, y)
        change = Augmentation(
            {"flip": 0.5, "rotate": 15.0, "noise": 0.1} if augment else {},
            Values(float(network.spread)),
        )
        optimizer = OPTIMIZERS["adam"](network.parameters(), lr=0.02, fused=True)
        step, network = 0, network.train()
        sizes = [64] * 9 + [24]
        for _ in range(3):
            for index in torch.randperm(600).split(sizes):
                rate = SCHEDULES["one_cycle"](step / 30)
                optimizer.param_groups[0]["lr"] = 0.02 * rate
                optimizer.zero_grad()
                x = change(network.arrange(torch.from_numpy(X)[index]))
                target = torch.from_numpy(y)[index]
                functional.cross_entropy(network(x), target).backward()
                optimizer.step()
                step += 1
        network.eval()
        with torch.no_grad():
            expected = network.encode(network.arrange(torch.from_numpy(X)))
    assert_allclose(fitted.transform(X), expected, atol=1e-5)


def test_loss_by_hand():
    logits = torch.tensor([[0.0, 1.0, 2.0], [3.0, 1.0, -1.0]])
    codes = torch.tensor([2, 0])
    loss = WeightedCrossEntropy(np.array([0.5, 1.0, 2.0]), np.ones(3) / 3)
    expected = 0.0
    for row, code, weight in zip(logits.tolist(), [2, 0], [2.0, 0.5], strict=True):
        share = np.exp(row[code]) / np.exp(row).sum()
        expected -= weight * np.log(share) / 2
    assert float(loss(logits, codes)) == pytest.approx(expected, rel=1e-6)


def test_class_weights(digits):
    X, y = digits
    y = np.where(y == 3, "three", "other")
    criteria = {}
    for weight in (None, "balanced", {"three": 4.0}):
        fitted = small(class_weight=weight).fit(X, y)
        criteria[str(weight)] = fitted.net_.criterion_.loss.class_weights.tolist()
    share = np.mean(y == "three")
    assert criteria["None"] == [1, 1]
    assert_allclose(criteria["balanced"], [0.5 / (1 - share), 0.5 / share], rtol=1e-6)
    ratio = criteria["{'three': 4.0}"]
    assert ratio[1] / ratio[0] == pytest.approx(4)
    assert ratio[0] * (1 - share) + ratio[1] * share == pytest.approx(1)


def test_learns_digits_better_than_a_linear_model(digits):
    X, y = load_digits(return_X_y=True)
    X = X / 16
    fitted = small(
        n_components=32, channels=(16, 32), max_epochs=15, image_shape=(8, 8)
    ).fit(X[:1000], y[:1000])
    linear = LogisticRegression(max_iter=1000).fit(X[:1000], y[:1000])
    assert fitted.score(X[1000:], y[1000:]) > linear.score(X[1000:], y[1000:])


def test_works_as_a_step_and_as_a_classifier(digits):
    X, y = digits
    assert is_classifier(small())
    pipeline = make_pipeline(small(), StandardScaler(), LogisticRegression())
    grid = {"cnnfeatureextractor__pooling": ["max", "mean"]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X[:200], y[:200])
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] != scores[1]
    assert scores.min() > 0.2


def test_early_stopping_with_few_of_a_class():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 9))
    y = np.array([0] * 37 + [1, 1, 2])
    fitted = small(early_stopping=True, max_epochs=2, image_shape=(3, 3)).fit(X, y)
    assert len(fitted.validation_loss_curve_) == fitted.n_iter_
    assert_array_equal(fitted.classes_, [0, 1, 2])


def test_guessing_is_reported():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 8)), np.arange(40) % 2
    with pytest.warns(ConvergenceWarning, match="guessing by the classes' shares"):
        small(max_epochs=10, lr=1e-9).fit(X, y)


def test_warm_start_goes_on_with_the_same_classes_only(digits):
    X, y = digits
    fitted = small(warm_start=True).fit(X, y)
    assert fitted.fit(X, y).n_iter_ == 6
    with pytest.raises(ValueError, match="goes on with the classes of the fit before"):
        fitted.fit(X, y + 1)


# ---------------------------------------------------------------------------
# Forms of images
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forms_give_the_same_features(digits, dtype):
    X, y = digits[0].astype(dtype), digits[1]
    flat = X.reshape(len(X), -1)
    expected = small().fit(X, y).transform(X)
    assert expected.dtype == dtype
    for form, options in (
        (flat, {"image_shape": (8, 8)}),
        (flat, {"image_shape": (8, 8, 1)}),
        (X[..., None], {}),
    ):
        fitted = small(**options).fit(form, y)
        assert_near(fitted.transform(form), expected)
        assert_near(fitted.transform(form[7:8]), expected[7:8])


def test_bytes_are_read_as_numbers_from_0_to_1(digits):
    X, y = digits
    as_bytes = np.round(X * 255).astype(np.uint8)
    fitted = small().fit(as_bytes, y)
    codes = fitted.transform(as_bytes)
    assert codes.dtype == np.float32
    fractions = (as_bytes / 255).astype(np.float32)
    assert_allclose(codes, fitted.transform(fractions), atol=1e-5)


@pytest.mark.parametrize("method", ["fit", "transform", "predict"])
def test_bytes_are_not_copied_to_floats(method):
    X = np.random.default_rng(0).integers(0, 256, (3000, 20, 20), dtype=np.uint8)
    y = np.arange(3000) % 2
    model = small(max_epochs=1, channels=(2,), batch_size=64)
    fitted = clone(model).fit(X[:100], y[:100])
    call = {
        "fit": lambda: model.fit(X, y),
        "transform": lambda: fitted.transform(X),
        "predict": lambda: fitted.predict(X),
    }[method]
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * X.nbytes  # a copy in single precision has four times as many


def test_pickles_keep_the_last_bit(digits):
    X, y = digits
    fitted = small().fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.transform(X), fitted.transform(X))
    weights = [e.net_.module_.stage2.convolution1.weight for e in (fitted, again)]
    assert weights[0].stride() == weights[1].stride()


@pytest.mark.parametrize("form", SUITE_FORMS)
def test_our_suite_on_images(form):
    check_representation_estimator(
        small(channels=(4,), batch_norm=False, lr=0.01, activation="elu"),
        data=of_images(form),
        expected_failed_checks=expected_failures(form),
    )


# ---------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------

IMAGES = np.random.default_rng(0).uniform(size=(12, 6, 6))
Y = np.arange(12) % 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "stage9"}, r"no layer 'stage9'; there are \['stage1', "),
        ({"kernel_size": 4}, "kernel_size must be odd"),
        ({"kernel_size": 7}, "6 x 6 pixels, fewer than the kernels"),
        ({"image_shape": (5, 5)}, "image_shape=None takes the shape from X"),
        ({"channels": (4, 0)}, "channels must be whole numbers of channels"),
        (
            {"augment": "mirror"},
            "augment has 'mirror', which is none of blur, color_jitter",
        ),
        ({"augment": [("flip", 2)]}, "a number from 0 to 1"),
        ({"augment": [("flip", 0.5, 1)]}, "its items are names, or pairs"),
        ({"augment": [("noise", "much")]}, "must be a number of at least 0"),
        ({"class_weight": {7: 1.0}}, "a weight for 7, but the classes are 0, 1, 2"),
        ({"class_weight": {0: -1.0}}, "finite weights of at least 0"),
        ({"batch_size": 1}, "needs batches of at least two images"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options).fit(IMAGES, Y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        (np.zeros(12), "at least two classes to tell apart, but y has 1 class"),
        (Y[:5], "inconsistent numbers of samples"),
        (np.where(Y == 1, np.nan, Y), "y contains NaN"),
        (np.where(Y == 1, None, Y.astype(object)), "Row 1 of y is missing"),
        (np.linspace(0, 1, 12), "Unknown label type"),
    ],
)
def test_bad_classes(y, message):
    with pytest.raises(ValueError, match=message):
        small().fit(IMAGES, y)


def test_signals_cannot_be_rotated():
    with pytest.raises(ValueError, match="which is for images, but X has signals"):
        small(augment="rotate").fit(IMAGES.reshape(12, -1), Y)


def test_other_images_than_in_fit():
    fitted = small().fit(IMAGES, Y)
    with pytest.raises(ValueError, match="fit has seen images of shape"):
        fitted.transform(IMAGES[:, :5])
    with pytest.raises(ValueError, match="fit has seen images of shape"):
        fitted.transform(np.stack([IMAGES] * 3, axis=-1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layer", ["stage1", "penultimate", "head"])
def test_layers_in_either_precision(layer, dtype):
    X = IMAGES.astype(dtype)
    fitted = small(layer=layer).fit(X, Y)
    expected = fitted.as_module(layer)(torch.tensor(X, dtype=torch.float32))
    expected = expected.detach().numpy().reshape(len(X), -1)
    found = fitted.transform(X)
    assert found.dtype == dtype
    assert_allclose(found, expected, atol=1e-5 * abs(expected).max())


def test_bytes_and_numbers_of_another_unit_are_not_mixed():
    as_bytes = np.round(IMAGES * 255).astype(np.uint8)
    of_bytes = small().fit(as_bytes, Y)
    with pytest.raises(ValueError, match="pass bytes as uint8, or X / 255"):
        of_bytes.transform(as_bytes.astype(float))
    of_numbers = small().fit(as_bytes.astype(float), Y)
    with pytest.raises(ValueError, match="but fit has seen values up to 25"):
        of_numbers.transform(as_bytes)


def test_a_failed_fit_changes_nothing():
    fitted = small().fit(IMAGES, Y)
    before = fitted.transform(IMAGES)
    with pytest.raises(ValueError, match="diverged"):
        fitted.set_params(lr=1e30, optimizer="sgd").fit(IMAGES, Y)
    assert_array_equal(fitted.transform(IMAGES), before)
