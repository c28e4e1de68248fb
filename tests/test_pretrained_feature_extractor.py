"""PretrainedFeatureExtractor: what is taken, what is trained, what stays as it was."""

import pickle

import numpy as np
import pytest
import torch
from near import assert_near
from numpy.testing import assert_allclose, assert_array_equal
from registry import INSTANCES
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from sklearn_replearn.image import CNNFeatureExtractor, PretrainedFeatureExtractor
from sklearn_replearn.image._transfer import last_block
from sklearn_replearn.utils.estimator_checks import (
    parametrize_with_representation_checks,
)

# "last_block" has parts that are trained, and parts that are not.
TUNED = [
    clone(INSTANCES["PretrainedFeatureExtractor"]).set_params(
        fine_tune="last_block", lr=0.1, max_epochs=9
    )
]


@parametrize_with_checks(TUNED)
def test_scikit_learn_when_tuned(estimator, check):
    check(estimator)


@parametrize_with_representation_checks(TUNED)
def test_representation_when_tuned(estimator, check):
    check(estimator)


def network(seed=0):
    """A small network with names, two blocks and batch normalisation."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = nn.Sequential()
        body.add_module("block1", nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()))
        body.add_module(
            "block2",
            nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.ReLU()),
        )
        top = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(6 * 16, 5))
        whole = nn.Sequential()
        whole.add_module("body", body)
        whole.add_module("top", top)
    return whole


@pytest.fixture(scope="module")
def digits():
    images, y = load_digits(return_X_y=True)
    return (images.reshape(-1, 8, 8) / 16).astype(np.float32)[:300], y[:300]


def weights_of(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def changed(before, after):
    """Names of the weights that differ, without the count of batches."""
    names = [name for name in before if not name.endswith("num_batches_tracked")]
    return {name for name in names if not torch.equal(before[name], after[name])}


# ---------------------------------------------------------------------------
# What it gives
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [None, "body", "body.block1", "body.block2.0", "top"])
def test_features_are_what_the_layer_puts_out(digits, layer):
    X, _ = digits
    module = network().train()
    fitted = PretrainedFeatureExtractor(module, layer=layer).fit(X)
    module.eval()
    with torch.no_grad():
        x = torch.from_numpy(X[:, None])
        parts = {
            None: module,
            "top": module,
            "body": module.body,
            "body.block1": module.body.block1,
            "body.block2.0": nn.Sequential(module.body.block1, module.body.block2[0]),
        }
        expected = parts[layer](x).flatten(1)
    assert fitted.n_components_ == expected.shape[1]
    assert_allclose(fitted.transform(X), expected, atol=1e-5)


@pytest.mark.parametrize(("pooling", "reduce"), [("mean", "mean"), ("max", "amax")])
def test_pooling_of_maps(digits, pooling, reduce):
    X, _ = digits
    fitted = PretrainedFeatureExtractor(network(), layer="body", pooling=pooling).fit(X)
    maps = PretrainedFeatureExtractor(network(), layer="body").fit_transform(X)
    maps = torch.from_numpy(maps).reshape(-1, 6, 4, 4)
    expected = getattr(maps, reduce)((2, 3))
    assert_allclose(fitted.transform(X), expected, atol=1e-5)
    flat = PretrainedFeatureExtractor(network(), pooling=pooling).fit_transform(X)
    assert flat.shape == (300, 5)  # there are no maps to pool


def test_preparation_of_images(digits):
    X, _ = digits
    fitted = PretrainedFeatureExtractor(
        nn.Flatten(), n_channels=3, mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 4.0)
    ).fit(X)
    expected = np.stack(
        [(X - mean) / std for mean, std in ((0.1, 1), (0.2, 2), (0.3, 4))], axis=1
    )
    assert_allclose(fitted.transform(X), expected.reshape(300, -1), atol=1e-6)
    resized = PretrainedFeatureExtractor(nn.Flatten(), resize=(4, 16)).fit(X)
    assert resized.n_components_ == 64
    constant = resized.transform(np.full((1, 8, 8), 0.25))
    assert_allclose(constant, 0.25, atol=1e-6)
    signals = PretrainedFeatureExtractor(nn.Flatten(), resize=20)
    assert signals.fit_transform(X.reshape(300, -1)).shape == (300, 20)


def test_bytes_and_double_precision(digits):
    X, _ = digits
    fitted = PretrainedFeatureExtractor(network()).fit(X)
    doubles = fitted.transform(X.astype(np.float64))
    assert doubles.dtype == np.float64
    assert_near(doubles.astype(np.float32), fitted.transform(X))
    as_bytes = np.round(X * 255).astype(np.uint8)
    of_bytes = PretrainedFeatureExtractor(network()).fit(as_bytes).transform(as_bytes)
    assert_allclose(of_bytes, fitted.transform(as_bytes / np.float32(255)), atol=1e-5)


def test_a_layer_that_is_used_twice_gives_its_last_output():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, x):
            return -self.relu(1 - self.relu(x.flatten(1)))

    X = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    fitted = PretrainedFeatureExtractor(Twice(), layer="relu").fit(X)
    expected = np.maximum(0, 1 - np.maximum(0, X))
    assert_allclose(fitted.transform(X), expected, atol=1e-6)


# ---------------------------------------------------------------------------
# What is trained
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "block"),
    [
        (None, "top"),
        ("body", "body.block2"),  # the top has no part in it
        ("body.block1", "body.block1.0"),
        ("top.0", "body.block2"),
    ],
)
def test_last_block_of_several(layer, block):
    module = network().eval()
    x = torch.zeros(2, 1, 8, 8)
    assert last_block(module, layer, module, x) == block


def test_last_block_goes_into_the_only_part_with_weights():
    inner = network().body
    module = nn.Sequential(nn.Identity(), nn.Sequential(inner), nn.Flatten()).eval()
    x = torch.zeros(2, 1, 8, 8)
    assert last_block(module, None, module, x) == "1.0.block2"
    assert last_block(nn.Flatten(), None, nn.Flatten(), x) is None
    linear = nn.Linear(8, 2)
    assert last_block(linear, None, linear, x) == ""


@pytest.mark.parametrize(
    ("fine_tune", "parts"),
    [("none", ()), ("head", ()), ("last_block", ("top",)), ("all", ("body", "top"))],
)
def test_only_what_is_named_is_trained(digits, fine_tune, parts):
    X, y = digits
    module = network()
    before = weights_of(module)
    fitted = PretrainedFeatureExtractor(
        module, fine_tune=fine_tune, max_epochs=2, weight_decay=0.1, random_state=0
    ).fit(X, y)
    assert not changed(before, weights_of(module))
    assert module.training
    assert all(weights.requires_grad for weights in module.parameters())
    trained = changed(before, weights_of(fitted.net_.module_.module))
    assert {name.partition(".")[0] for name in trained} == set(parts)
    assert fitted.n_iter_ == (0 if fine_tune == "none" else 2)


def test_weights_that_their_owner_froze_stay(digits):
    module = network()
    module.top.requires_grad_(False)
    before = weights_of(module)
    fitted = PretrainedFeatureExtractor(
        module, fine_tune="all", max_epochs=1, random_state=0
    ).fit(*digits)
    trained = changed(before, weights_of(fitted.net_.module_.module))
    assert trained
    assert not any(name.startswith("top") for name in trained)


def test_frozen_features_stay_the_same_under_a_head(digits):
    X, y = digits
    plain = PretrainedFeatureExtractor(network()).fit(X)
    headed = PretrainedFeatureExtractor(
        network(), fine_tune="head", max_epochs=5, random_state=0
    ).fit(X, y)
    assert_array_equal(headed.transform(X), plain.transform(X))
    logits = headed.as_module("head")(torch.from_numpy(X)).detach()
    assert_array_equal(headed.predict(X), headed.classes_[logits.argmax(1)])
    assert_allclose(headed.predict_proba(X).sum(axis=1), 1, atol=1e-5)


def test_transfer_to_other_classes():
    X, y = load_digits(return_X_y=True)
    X = (X.reshape(-1, 8, 8) / 16).astype(np.float32)
    known = y < 5
    cnn = CNNFeatureExtractor(
        16, channels=(8, 16), kernel_size=3, lr=0.01, max_epochs=8, random_state=0
    ).fit(X[known], y[known])
    X, y = X[~known], y[~known]
    few = np.concatenate([np.flatnonzero(y == label)[:20] for label in range(5, 10)])
    rest = np.setdiff1d(np.arange(len(y)), few)
    scores = {}
    for part in ("head", "last_block", "all"):
        model = PretrainedFeatureExtractor(
            cnn.as_module(), fine_tune=part, lr=0.01, random_state=0
        ).fit(X[few], y[few])
        scores[part] = model.score(X[rest], y[rest])
    assert scores["head"] > 0.5
    assert min(scores["last_block"], scores["all"]) > scores["head"]


def test_classes_only_where_there_is_a_head(digits):
    X, _ = digits
    plain = PretrainedFeatureExtractor(network())
    assert not is_classifier(plain)
    assert not hasattr(plain, "predict")
    assert not hasattr(plain, "score")
    plain.fit(X)  # without y
    tuned = clone(plain).set_params(fine_tune="head")
    assert is_classifier(tuned)
    with pytest.raises(ValueError, match="requires y to be passed"):
        tuned.fit(X)
    plain.set_params(fine_tune="head")  # and no fit after it
    with pytest.raises(AttributeError) as error:
        plain.predict(X)
    assert "call fit again" in str(error.value.__cause__)


def test_warm_start_goes_on(digits):
    X, y = digits
    model = PretrainedFeatureExtractor(
        network(), fine_tune="all", max_epochs=2, warm_start=True, random_state=0
    ).fit(X, y)
    first = model.loss_curve_[0]
    assert model.fit(X, y).n_iter_ == 4
    assert model.loss_curve_[2] < first


def test_grid_search_starts_from_the_module_each_time(digits):
    X, y = digits
    module = network()
    before = weights_of(module)
    model = PretrainedFeatureExtractor(module, max_epochs=3, random_state=0)
    pipeline = make_pipeline(model, LogisticRegression(max_iter=500))
    grid = {"pretrainedfeatureextractor__fine_tune": ["none", "all"]}
    searches = [GridSearchCV(pipeline, grid, cv=2).fit(X, y) for _ in range(2)]
    results = [search.cv_results_["mean_test_score"] for search in searches]
    assert_array_equal(*results)
    assert results[0][0] != results[0][1]
    assert not changed(before, weights_of(module))


@pytest.mark.parametrize("fine_tune", ["none", "all"])
def test_pickles(digits, fine_tune):
    X, y = digits
    fitted = PretrainedFeatureExtractor(
        network(), fine_tune=fine_tune, max_epochs=1, random_state=0
    ).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.transform(X), fitted.transform(X))


def test_modules_of_the_package_transfer(digits):
    X, y = digits
    cnn = CNNFeatureExtractor(
        6, channels=(4,), kernel_size=3, max_epochs=1, random_state=0
    ).fit(X, y)
    again = PretrainedFeatureExtractor(cnn.as_module()).fit_transform(X)
    assert_allclose(again, cnn.transform(X), atol=1e-5)
    maps = PretrainedFeatureExtractor(cnn.as_module("stage1")).fit_transform(X)
    assert maps.shape == (300, 64)
    for layer in ("stage1", "network.stage1"):
        extractor = PretrainedFeatureExtractor(cnn.as_module(), layer=layer)
        assert_array_equal(extractor.fit_transform(X), maps)


@pytest.mark.parametrize("shape", [(8, 8, 3), (192,)])
def test_modules_of_the_package_have_the_channels_last(digits, shape):
    X, y = digits
    X = (X[..., None] * np.float32([1.0, 0.5, 0.2])).reshape(300, *shape)
    cnn = CNNFeatureExtractor(
        6, channels=(4,), kernel_size=3, max_epochs=1, random_state=0
    ).fit(X, y)
    again = PretrainedFeatureExtractor(cnn.as_module()).fit_transform(X)
    assert_allclose(again, cnn.transform(X), atol=1e-5)


# ---------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------


class Dict(nn.Module):
    def forward(self, x):
        return {"features": x}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "fc"}, r"no layer 'fc'; there are \['body', 'body.block1'"),
        (
            {"n_channels": 3},
            r"module cannot take input of shape \(n_rows, 1, 8, 8\)",
        ),
        ({"module": Dict()}, "must give a tensor .* for 4 images it gives dict"),
        ({"module": nn.Flatten(0)}, r"for 4 images it gives torch.Size\(\[256\]\)"),
        ({"mean": (0.1, 0.2)}, "mean must be a finite number, or one for each of 1"),
        ({"std": 0.0}, "std must be above 0"),
        ({"resize": (3, 3, 3)}, r"resize must be \(height, width\)"),
        ({"mean": 0.5, "_scale": 255}, "are of values in \\[0, 1\\]; scale X"),
    ],
)
def test_bad_input(digits, options, message):
    scale = options.get("_scale", 1)
    options = {name: value for name, value in options.items() if name != "_scale"}
    model = PretrainedFeatureExtractor(network()).set_params(**options)
    with pytest.raises(ValueError, match=message):
        model.fit(digits[0] * scale)


def test_colours_cannot_be_repeated():
    model = PretrainedFeatureExtractor(nn.Flatten(), n_channels=4)
    with pytest.raises(ValueError, match="only images with one channel"):
        model.fit(np.zeros((4, 5, 5, 3)))


def test_the_module_must_be_one():
    with pytest.raises(ValueError, match="'module' parameter of Pretrained"):
        PretrainedFeatureExtractor(nn.Flatten).fit(np.zeros((4, 5, 5)))
