"""What excites units, what answers rest on, and what misleads classifiers."""

import pickle
import random
import warnings
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC

from sklearn_replearn.autoencoder import Autoencoder, VQAutoencoder
from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.image import CNNFeatureExtractor, ConvAutoencoder
from sklearn_replearn.inspection import _gradients as gradients
from sklearn_replearn.inspection import (
    activation_maximization,
    adversarial_examples,
    occlusion_map,
    robust_score,
    saliency_map,
    top_activations,
)
from sklearn_replearn.inspection._networks import class_network, code_network

DIGITS = load_digits()
IMAGES = (DIGITS.images / 16)[:400]
ROWS = IMAGES.reshape(400, 64)
BYTES = (IMAGES * 255).round().astype(np.uint8)
LABELS = DIGITS.target[:400]
NAMES = np.array([f"digit {label}" for label in LABELS])
NEW = slice(300, 330)


@pytest.fixture(scope="module")
def cnn():
    return CNNFeatureExtractor(
        12, channels=(6, 8), kernel_size=3, max_epochs=8, lr=0.01, random_state=0
    ).fit(IMAGES[:300], NAMES[:300])


@pytest.fixture(scope="module")
def conv():
    return ConvAutoencoder(4, channels=(6,), max_epochs=3, random_state=0).fit(IMAGES)


@pytest.fixture(scope="module")
def autoencoder():
    return Autoencoder(
        4, hidden_layer_sizes=(16,), activation="tanh", max_epochs=3, random_state=0
    ).fit(ROWS)


@pytest.fixture(scope="module")
def logistic():
    return LogisticRegression().fit(ROWS[:300], LABELS[:300])


def decisions(estimator, X):
    """One column for each class."""
    z = estimator.decision_function(X)
    return np.stack([-z, z], axis=1) if z.ndim == 1 else z


def finite_differences(function, x, step=1e-6):
    """Gradient of a function of a row, in double precision."""
    shifts = step * np.eye(len(x))
    return (function(x + shifts) - function(x - shifts)) / (2 * step)


def doubles(module):
    """A function of float64 arrays."""
    module = module.double()
    return lambda rows: module(torch.from_numpy(rows)).detach().numpy()


# Networks out of estimators


@pytest.mark.parametrize(
    "steps",
    [
        [StandardScaler(), PCA(10, whiten=True), LogisticRegression()],
        [MinMaxScaler((-1, 2)), TruncatedSVD(9, random_state=0), RidgeClassifier()],
        [RobustScaler(with_centering=False), ScaledPCA(8), LinearSVC()],
        [StandardScaler(with_mean=False), MaxAbsScaler(), "passthrough", LinearSVC()],
        [make_pipeline(StandardScaler(with_std=False)), LogisticRegression()],
    ],
    ids=lambda steps: type(steps[1]).__name__,
)
@pytest.mark.parametrize("n_classes", [2, 10])
def test_pipelines_of_linear_steps(steps, n_classes):
    pipeline = make_pipeline(*steps)
    some = n_classes > LABELS
    pipeline.fit(ROWS[some], LABELS[some])
    module, classes = class_network(pipeline)
    logits = module(torch.from_numpy(ROWS[some].astype(np.float32))).numpy()
    assert_allclose(logits, decisions(pipeline, ROWS[some]), atol=1e-3, rtol=1e-4)
    assert_array_equal(classes, pipeline.classes_)


def test_pipelines_of_networks(cnn, autoencoder):
    x = torch.from_numpy(ROWS.astype(np.float32))
    pipeline = make_pipeline(
        MinMaxScaler(), clone(autoencoder), StandardScaler(), LogisticRegression()
    )
    pipeline.fit(ROWS, LABELS)
    logits = class_network(pipeline)[0](x).numpy()
    assert_allclose(logits, pipeline.decision_function(ROWS), atol=1e-4)
    # The codes of a network, and the features of one that has classes.
    codes = code_network(pipeline[:3])(x).numpy()
    assert_allclose(codes, pipeline[:3].transform(ROWS), atol=1e-4)
    features = make_pipeline(clone(cnn), LogisticRegression()).fit(IMAGES, LABELS)
    logits = class_network(features)[0](x).numpy()
    assert_allclose(logits, features.decision_function(IMAGES), atol=1e-3, rtol=1e-4)
    probabilities = class_network(cnn)[0](x).softmax(1).numpy()
    assert_allclose(probabilities, cnn.predict_proba(IMAGES), atol=1e-5)


def test_columns_with_names():
    frame = pd.DataFrame(ROWS).add_prefix("pixel")
    pipeline = make_pipeline(
        StandardScaler().set_output(transform="pandas"), PCA(5), LogisticRegression()
    ).fit(frame, LABELS)
    logits = class_network(pipeline)[0](torch.from_numpy(ROWS.astype(np.float32)))
    assert_allclose(logits, pipeline.decision_function(frame), atol=1e-3, rtol=1e-4)


def test_a_search_stands_for_its_best_estimator():
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    search.fit(ROWS, LABELS)
    maps = saliency_map(search, ROWS[:3], target=4)
    expected = np.abs(search.best_estimator_.coef_[4])
    assert_allclose(maps, np.tile(expected, (3, 1)), rtol=1e-6)


@pytest.mark.parametrize(
    "estimator",
    [
        KNeighborsClassifier(),
        RandomForestClassifier(2),
        SVC(kernel="linear"),
        make_pipeline(MinMaxScaler(clip=True), LogisticRegression()),
        make_pipeline(KMeans(3, n_init=1), RidgeClassifier()),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_estimators_without_gradients(estimator):
    estimator.fit(ROWS, LABELS)
    message = r"(KN|Ran|SVC|MinMax|KMeans).* has no gradient here; what .* linear c"
    with pytest.raises(TypeError, match=message):
        adversarial_examples(estimator, ROWS, LABELS)
    with pytest.raises(TypeError, match=message):
        saliency_map(estimator, ROWS)


def test_whole_numbers_have_no_gradients():
    codes = VQAutoencoder(
        n_codes=2,
        codebook_size=4,
        hidden_layer_sizes=(8,),
        max_epochs=2,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        codes.fit(ROWS)
    with torch.no_grad():
        whole = not codes.as_module()(torch.zeros(1, 64)).is_floating_point()
    if whole:
        with pytest.raises(ValueError, match=r"have no gradient .* another layer"):
            saliency_map(codes, ROWS)
    assert saliency_map(codes, ROWS[:3], layer="encoder.0").shape == (3, 64)


def test_layers_that_are_not_there(conv, logistic):
    for look in (
        lambda estimator: saliency_map(estimator, ROWS, layer="stage9"),
        lambda estimator: top_activations(estimator, IMAGES, layer="stage9"),
        lambda estimator: activation_maximization(estimator, 0, layer="stage9"),
    ):
        with pytest.raises(ValueError, match=r"no layer 'stage9'; .*'encoder.0'"):
            look(conv)
        with pytest.raises(TypeError, match="LogisticRegression has no layers"):
            look(logistic)


# top_activations


def test_top_activations_by_a_loop(conv):
    top = top_activations(conv, IMAGES, n_top=4)
    codes = conv.transform(IMAGES)
    assert_array_equal(top.units, range(4))
    assert top.places is None
    for unit in range(4):
        order = sorted(range(400), key=lambda i: (-codes[i, unit], i))[:4]
        assert_array_equal(top.indices[unit], order)
        assert_array_equal(top.values[unit], codes[order, unit])


def test_top_activations_of_maps_by_a_loop(cnn):
    top = top_activations(cnn, BYTES, layer="stage1", units=[5, 2], n_top=3)
    with torch.no_grad():
        maps = cnn.as_module("stage1")(torch.from_numpy(BYTES / np.float32(255)))
    assert top.places.shape == (2, 3, 2)
    for i, unit in enumerate([5, 2]):
        largest = maps[:, unit].flatten(1).amax(1)
        assert_array_equal(top.indices[i], largest.argsort(descending=True)[:3])
        for j in range(3):
            value = maps[top.indices[i, j], unit, *top.places[i, j]]
            assert_allclose(top.values[i, j], value, rtol=1e-5)
            assert_allclose(value, largest.max(), rtol=1e-5) if j == 0 else None


def test_top_activations_of_any_transformer():
    rng = np.random.default_rng(0)
    X = sparse.random_array((600, 40), density=0.2, rng=rng).tocsr()
    svd = TruncatedSVD(3, random_state=0).fit(X)
    top = top_activations(svd, X, units=1, n_top=2)
    expected = np.argsort(-svd.transform(X)[:, 1])[:2]
    assert_array_equal(top.indices, [expected])
    frame = pd.DataFrame(ROWS).add_prefix("pixel")
    scaler = StandardScaler().set_output(transform="pandas").fit(frame)
    top = top_activations(scaler, frame, units=[20], n_top=1)
    assert top.indices[0, 0] == ROWS[:, 20].argmax()  # the first of equal ones
    equal = top_activations(StandardScaler().fit(ROWS), ROWS[:1].repeat(9, 0), n_top=3)
    assert_array_equal(equal.indices, np.tile([0, 1, 2], (64, 1)))


def test_top_activations_refuse(conv, logistic):
    with pytest.warns(UserWarning, match="n_top=9 is more than the 5 samples"):
        assert top_activations(conv, IMAGES[:5]).indices.shape == (4, 5)
    with pytest.raises(
        ValueError, match="units holds 4, but there are 4 units, 0 to 3"
    ):
        top_activations(conv, IMAGES, units=[0, 4])
    with pytest.raises(ValueError, match=r"list of them; got \['a'\]"):
        top_activations(conv, IMAGES, units=["a"])
    with pytest.raises(ValueError, match="n_top == 0, must be >= 1"):
        top_activations(conv, IMAGES, n_top=0)
    with pytest.raises(TypeError, match="LogisticRegression has no transform"):
        top_activations(logistic, ROWS)
    with pytest.raises(NotFittedError):
        top_activations(ConvAutoencoder(), IMAGES)
    with pytest.raises(ValueError, match=r"images of shape \(4, 4\), but fit has seen"):
        top_activations(conv, np.zeros((9, 4, 4)), layer="encoder.0")
    with pytest.raises(ValueError, match=r"X has 63 values .* was fitted with 64"):
        top_activations(conv, ROWS[:, 1:], layer="encoder.0")


# saliency_map


@pytest.mark.parametrize("target", [None, "digit 3"])
def test_saliency_is_the_gradient(cnn, target):
    X = IMAGES[NEW][:3]
    maps = saliency_map(cnn, X, target=target)
    assert maps.shape == (3, 8, 8)
    assert maps.dtype == np.float32
    logits = doubles(cnn.as_module("head"))
    for x, one in zip(X, maps, strict=True):
        unit = cnn.predict(x[None])[0] if target is None else target
        unit = list(cnn.classes_).index(unit)
        expected = finite_differences(lambda rows: logits(rows)[:, unit], x.ravel())  # noqa: B023 - called at once
        assert_allclose(one.ravel(), np.abs(expected), atol=1e-3 * expected.max())


def test_saliency_of_codes_and_units(autoencoder, conv):
    x = ROWS[7]
    codes = doubles(autoencoder.as_module())
    expected = finite_differences(lambda rows: codes(rows)[:, 2], x)
    maps = saliency_map(autoencoder, ROWS[[7]], target=2)
    assert_allclose(maps[0], np.abs(expected), atol=1e-3 * np.abs(expected).max())
    norms = finite_differences(lambda rows: np.linalg.norm(codes(rows), axis=1), x)
    maps = saliency_map(autoencoder, ROWS[[7]], image_shape=(8, 8))
    assert_allclose(maps[0].ravel(), np.abs(norms), atol=1e-3 * np.abs(norms).max())
    units = doubles(conv.as_module("encoder.0"))
    means = finite_differences(lambda rows: units(rows)[:, 5].mean((1, 2)), x)
    maps = saliency_map(conv, IMAGES[[7]], layer="encoder.0", target=[5])
    assert_allclose(maps[0].ravel(), np.abs(means), atol=1e-3 * np.abs(means).max())


def test_saliency_of_linear_models_is_their_coefficients(logistic):
    maps = saliency_map(logistic, ROWS[:2], target=[3, 8])
    assert_allclose(maps, np.abs(logistic.coef_[[3, 8]]), rtol=1e-6)
    two = LogisticRegression().fit(ROWS, LABELS == 8)
    for target in (True, False):
        maps = saliency_map(two, ROWS[:1], target=target)
        assert_allclose(maps, np.abs(two.coef_), rtol=1e-6)


def test_saliency_takes_the_largest_of_the_channels():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(60, 4, 5, 3))
    y = rng.integers(0, 2, 60)
    model = LogisticRegression().fit(X.reshape(60, -1), y)
    maps = saliency_map(model, X[:2], target=0)
    expected = np.abs(model.coef_).reshape(4, 5, 3).max(-1)
    assert_allclose(maps, [expected, expected], rtol=1e-6)


def test_smooth_saliency_is_a_mean_over_noisy_copies(autoencoder):
    X = ROWS[:2] * [[1.0], [0.5]]
    options = {"target": 1, "method": "smooth", "n_copies": 3, "noise_level": 0.2}
    maps = saliency_map(autoencoder, X, random_state=5, **options)
    noise = np.random.default_rng(5).normal(0, 0.2, (3, 64))
    codes = doubles(autoencoder.as_module())
    for x, one in zip(X, maps, strict=True):
        expected = np.mean(
            [
                finite_differences(
                    lambda rows: codes(rows)[:, 1], x + shift * np.ptp(x)
                )
                for shift in noise
            ],
            axis=0,
        )
        assert_allclose(one, np.abs(expected), atol=1e-3 * np.abs(expected).max())
    again = saliency_map(autoencoder, X, random_state=5, **options)
    assert_array_equal(maps, again)
    other = saliency_map(autoencoder, X, random_state=6, **options)
    assert not np.allclose(maps, other)


def test_saliency_of_bytes_is_that_of_fractions(cnn):
    assert_allclose(
        saliency_map(cnn, BYTES[:5]), saliency_map(cnn, BYTES[:5] / 255), rtol=1e-4
    )


def test_bytes_and_fractions_are_not_confused():
    conv = ConvAutoencoder(2, channels=(3,), max_epochs=1, random_state=0).fit(BYTES)
    for look in (saliency_map, top_activations):
        with pytest.raises(ValueError, match="up to 255, but fit has seen bytes"):
            look(conv, BYTES.astype(float), layer="encoder.0")


def test_saliency_refuses(cnn, conv):
    with pytest.raises(ValueError, match=r"'gradient' or 'smooth'; got 'guided'"):
        saliency_map(cnn, IMAGES, method="guided")
    with pytest.raises(ValueError, match=r"target holds 'cat', but the classes .*'di"):
        saliency_map(cnn, IMAGES, target="cat")
    with pytest.raises(ValueError, match=r"target has shape \(2,\), but X has 400"):
        saliency_map(cnn, IMAGES, target=["digit 1", "digit 2"])
    with pytest.raises(ValueError, match="target holds 7, but there are 4 units"):
        saliency_map(conv, IMAGES, target=7)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        saliency_map(conv, np.full((1, 8, 8), np.nan))
    with pytest.raises(ValueError, match="n_copies == 0, must be >= 1"):
        saliency_map(conv, IMAGES, method="smooth", n_copies=0)
    with pytest.raises(ValueError, match=r"image_shape=.* makes 49"):
        saliency_map(conv, ROWS, image_shape=(7, 7))


# occlusion_map


def occlusion_by_loops(output, x, size, step, fill):
    """Mean drop over the patches that cover each pixel of a grey image."""
    height, width = x.shape
    total, count = np.zeros(x.shape), np.zeros(x.shape)
    before = output(x)
    for top in sorted({*range(0, height - size, step), height - size}):
        for left in sorted({*range(0, width - size, step), width - size}):
            hidden = x.copy()
            hidden[top : top + size, left : left + size] = fill
            drop = before - output(hidden)
            total[top : top + size, left : left + size] += drop
            count[top : top + size, left : left + size] += 1
    return total / np.maximum(count, 1)


@pytest.mark.parametrize(("size", "step", "fill"), [(3, 2, 0), (2, 1, 0.5), (4, 3, 0)])
def test_occlusion_by_loops(cnn, size, step, fill):
    X = IMAGES[NEW][:3]
    maps = occlusion_map(
        cnn, X, target="digit 1", patch_size=size, step=step, fill=fill
    )
    for x, one in zip(X, maps, strict=True):
        expected = occlusion_by_loops(
            lambda x: cnn.predict_proba(x[None])[0, 1], x, size, step, fill
        )
        assert_allclose(one, expected, atol=1e-6)


def test_occlusion_of_any_classifier():
    forest = RandomForestClassifier(5, random_state=0).fit(ROWS, NAMES)
    maps = occlusion_map(forest, ROWS[:3], image_shape=(8, 8), fill="mean")
    for x, one in zip(IMAGES, maps, strict=False):
        predicted = forest.predict_proba(x.reshape(1, -1)).argmax()
        expected = occlusion_by_loops(
            lambda x, k=predicted: forest.predict_proba(x.reshape(1, -1))[0, k],
            x,
            2,
            1,
            x.mean(),
        )
        assert_allclose(one, expected, atol=1e-12)


def test_occlusion_by_the_decision_of_two_classes():
    machine = SVC(kernel="rbf").fit(ROWS, LABELS == 3)
    maps = occlusion_map(
        machine, ROWS[:2], target=[True, False], patch_size=(4, 4), image_shape=(8, 8)
    )
    for x, one, sign in zip(IMAGES, maps, [1, -1], strict=False):
        expected = occlusion_by_loops(
            lambda x, sign=sign: sign * machine.decision_function(x.reshape(1, -1))[0],
            x,
            4,
            2,
            0,
        )
        assert_allclose(one, expected, atol=1e-12)


def test_occlusion_of_codes(conv):
    maps = occlusion_map(conv, IMAGES[:2], patch_size=2, step=2)
    code = conv.transform(IMAGES[:1])[0]
    hidden = IMAGES[:1].copy()
    hidden[:, 2:4, 4:6] = 0
    distance = np.linalg.norm(conv.transform(hidden)[0] - code)
    assert_allclose(maps[0, 2:4, 4:6], distance, rtol=1e-5)
    drops = occlusion_map(conv, IMAGES[:2], patch_size=2, step=2, target=[3, 0])
    drop = code[3] - conv.transform(hidden)[0, 3]
    assert_allclose(drops[0, 2:4, 4:6], drop, rtol=1e-4, atol=1e-7)


def test_occlusion_of_bytes_frames_and_colours(cnn):
    maps = occlusion_map(cnn, BYTES[:3], fill="mean")
    assert maps.shape == (3, 8, 8)
    frame = pd.DataFrame(ROWS).add_prefix("pixel")
    for table in (frame, pl.from_pandas(frame)):
        model = LogisticRegression().fit(table, LABELS)
        maps = occlusion_map(model, table[:3], patch_size=1)
        hidden = ROWS[:3].copy()
        hidden[:, 20] = 0
        bare = LogisticRegression().fit(ROWS, LABELS)
        before, after = bare.predict_proba(ROWS[:3]), bare.predict_proba(hidden)
        drop = (before - after)[np.arange(3), before.argmax(1)]
        assert_allclose(maps[:, 20], drop, atol=1e-12)
    X = np.random.default_rng(0).uniform(size=(40, 4, 6, 3))
    model = make_pipeline(CNNFeatureExtractor(4, max_epochs=1, kernel_size=3))
    model.fit(X, LABELS[:40])
    maps = occlusion_map(model, X[:2], patch_size=(2, 3), step=3)
    hidden = X[:2].copy()
    hidden[:, :2, 3:] = 0
    before, after = model.predict_proba(X[:2]), model.predict_proba(hidden)
    drop = (before - after)[np.arange(2), before.argmax(1)]
    assert_allclose(maps[:, 0, 5], drop, atol=1e-6)


def test_occlusion_refuses(cnn, logistic):
    for wrong in (0, 9, 2.5, (2, 2, 2), "large"):
        with pytest.raises(ValueError, match="patch_size must be whole numbers betwee"):
            occlusion_map(cnn, IMAGES, patch_size=wrong)
    with pytest.raises(ValueError, match="step == 0, must be >= 1"):
        occlusion_map(cnn, IMAGES, step=0)
    for wrong in ("median", np.nan, None):
        with pytest.raises(ValueError, match="fill must be a finite number or 'mean'"):
            occlusion_map(cnn, IMAGES, fill=wrong)
    with pytest.raises(ValueError, match="fill=-1 is no value of bytes"):
        occlusion_map(cnn, BYTES, fill=-1)
    with pytest.raises(ValueError, match="target holds 10, but the classes"):
        occlusion_map(logistic, ROWS, target=10)
    with pytest.raises(TypeError, match="has neither predict_proba nor"):
        occlusion_map(KNeighborsOnly().fit(ROWS), ROWS)


class KNeighborsOnly(BaseEstimator):
    def fit(self, X):
        self.n_features_in_ = X.shape[1]
        return self


# adversarial_examples


def test_one_step_on_a_linear_model_by_hand():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 4)), np.arange(50) % 2
    model = LogisticRegression().fit(X, y)
    moved = adversarial_examples(model, X, y, epsilon=0.3, bounds=None)
    towards_1 = np.sign(model.coef_[0])
    expected = X + 0.3 * np.where(y[:, None] == 1, -towards_1, towards_1)
    assert_allclose(moved, expected, atol=1e-6)
    moved = adversarial_examples(model, X, y, epsilon=0.3, norm=2, bounds=None)
    direction = model.coef_[0] / np.linalg.norm(model.coef_)
    expected = X + 0.3 * np.where(y[:, None] == 1, -direction, direction)
    assert_allclose(moved, expected, atol=1e-5)


def test_one_step_on_a_network_by_hand(cnn):
    X, y = IMAGES[NEW], NAMES[NEW]
    moved = adversarial_examples(cnn, X, y, epsilon=0.1)
    x = torch.from_numpy(X.astype(np.float32)).requires_grad_()
    codes = torch.from_numpy(np.searchsorted(cnn.classes_, y))
    logits = cnn.as_module("head")(x)
    torch.nn.functional.cross_entropy(logits, codes, reduction="sum").backward()
    expected = np.clip(X + 0.1 * np.sign(x.grad.numpy()), 0, 1)
    agree = np.isclose(moved, expected, atol=1e-6)
    assert agree.mean() > 0.995  # signs of gradients near zero may differ


ATTACKS = [
    {"method": method, "norm": norm, "epsilon": epsilon}
    for method in ("fgsm", "pgd")
    for norm in (np.inf, 2)
    for epsilon in (0.1, 8 / 255, 0.7)
]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_distances_and_bounds_are_exact(cnn, attack, dtype):
    X = BYTES[NEW] if dtype == np.uint8 else IMAGES[NEW].astype(dtype)
    moved = adversarial_examples(cnn, X, NAMES[NEW], n_iter=4, random_state=0, **attack)
    assert moved.shape == X.shape
    assert moved.dtype == (np.float32 if dtype == np.uint8 else dtype)
    if dtype == np.uint8:
        X = np.multiply(X, 1 / 255, dtype=np.float32)
    change = moved.astype(np.float64) - X.astype(np.float64)
    if attack["norm"] == 2:
        lengths = np.linalg.norm(change.reshape(len(X), -1), axis=1)
        assert lengths.max() <= attack["epsilon"]
        assert lengths.max() > 0.95 * attack["epsilon"]  # some values are at bounds
    else:
        assert np.abs(change).max() <= attack["epsilon"]
        assert np.abs(moved - X).max() <= attack["epsilon"]
        assert np.abs(change).max() > 0.99 * min(attack["epsilon"], 1)
    assert moved.min() >= 0
    assert moved.max() <= 1


@pytest.mark.parametrize("norm", [np.inf, 2])
@pytest.mark.parametrize("step_size", [None, 1e-4])
def test_pgd_is_at_least_as_strong(cnn, norm, step_size):
    X, y = IMAGES[300:], NAMES[300:]
    epsilon = 0.1 if norm == np.inf else 0.6
    options = {"epsilon": epsilon, "norm": norm, "random_state": 0}
    once = adversarial_examples(cnn, X, y, **options)
    often = adversarial_examples(
        cnn, X, y, method="pgd", step_size=step_size, **options
    )
    clean, weak, strong = (cnn.score(each, y) for each in (X, once, often))
    assert strong <= weak < clean
    rows = np.arange(len(X))
    codes = np.searchsorted(cnn.classes_, y)

    def leads(X):
        logits = doubles(cnn.as_module("head"))(np.asarray(X, dtype=np.float64))
        own = logits[rows, codes]
        logits[rows, codes] = -np.inf
        return logits.max(axis=1) - own

    assert (leads(often) >= leads(once) - 1e-4).all()


def test_attacks_towards_a_class(cnn):
    X = IMAGES[NEW]
    target = "digit 8"
    options = {"epsilon": 0.3, "target": target, "random_state": 0}
    for method in ("fgsm", "pgd"):
        moved = adversarial_examples(cnn, X, None, method=method, **options)
        before = cnn.predict_proba(X)[:, 8]
        assert cnn.predict_proba(moved)[:, 8].mean() > before.mean()
    assert (cnn.predict(moved) == target).mean() > (cnn.predict(X) == target).mean()


def test_attacks_where_the_classifier_is_certain():
    """The cross-entropy itself has a gradient of zero there."""
    rng = np.random.default_rng(0)
    X, y = rng.uniform(size=(40, 6)), np.arange(40) % 2
    model = LogisticRegression().fit(X, y)
    model.coef_ *= 1e5
    model.intercept_ *= 1e5
    moved = adversarial_examples(model, X, y, epsilon=0.05, bounds=None)
    assert_allclose(np.abs(moved - X), 0.05, atol=1e-6)


def test_attacks_within_other_bounds(logistic):
    X = ROWS[NEW] * 16
    model = RidgeClassifier().fit(ROWS * 16, LABELS)
    options = {"epsilon": 3.0}
    with pytest.raises(
        ValueError, match=r"from 0 to 16, outside bounds=\(0, 1\); scale"
    ):
        adversarial_examples(model, X, LABELS[NEW], **options)
    moved = adversarial_examples(model, X, LABELS[NEW], bounds="data", **options)
    assert (moved.min(), moved.max()) == (0, 16)
    free = adversarial_examples(model, X, LABELS[NEW], bounds=None, **options)
    assert free.min() < 0
    high = np.where(np.arange(64) < 32, 16.0, 20.0)
    moved = adversarial_examples(model, X, LABELS[NEW], bounds=(0, high), **options)
    assert moved[:, :32].max() <= 16 < moved[:, 32:].max()
    for wrong in (3, (1, 0), (0, np.zeros(5)), "all", (0, "a"), (np.nan, 1)):
        with pytest.raises(ValueError, match=r"bounds must "):
            adversarial_examples(model, X, LABELS[NEW], bounds=wrong)


def test_attacks_keep_the_form():
    frame = pd.DataFrame(ROWS, index=[f"r{i}" for i in range(400)]).add_prefix("pixel")
    model = LogisticRegression().fit(frame, LABELS)
    expected = adversarial_examples(
        LogisticRegression().fit(ROWS, LABELS), ROWS, LABELS
    )
    moved = adversarial_examples(model, frame, LABELS)
    assert moved.columns.equals(frame.columns)
    assert moved.index.equals(frame.index)
    assert_allclose(moved, expected)
    table = pl.DataFrame(ROWS, schema=list(frame.columns))
    moved = adversarial_examples(model, table, LABELS)
    assert moved.columns == table.columns
    assert_allclose(moved.to_numpy(), expected)
    assert robust_score(model, frame, LABELS) == robust_score(model, table, LABELS)
    assert_allclose(
        adversarial_examples(model_of_lists(), ROWS.tolist(), LABELS), expected
    )


def model_of_lists():
    return LogisticRegression().fit(ROWS, LABELS)


@pytest.mark.parametrize("method", ["fgsm", "pgd"])
def test_a_sample_is_attacked_alike_in_any_company(cnn, method):
    options = {"method": method, "epsilon": 0.1, "random_state": 0, "n_iter": 3}
    together = adversarial_examples(cnn, IMAGES[300:], NAMES[300:], **options)
    alone = adversarial_examples(cnn, IMAGES[[370]], NAMES[[370]], **options)
    assert_allclose(together[[70]], alone, atol=1e-5)
    maps = saliency_map(cnn, IMAGES[300:], method="smooth", random_state=0)
    alone = saliency_map(cnn, IMAGES[[370]], method="smooth", random_state=0)
    assert_allclose(maps[[70]], alone, atol=1e-5 * alone.max())


def test_attacks_refuse(cnn, conv):
    X, y = IMAGES[NEW], NAMES[NEW]
    attack = partial(adversarial_examples, cnn, X)
    with pytest.raises(ValueError, match="method must be 'fgsm' or 'pgd'; got 'cw'"):
        attack(y, method="cw")
    for wrong in (1, "l2", None):
        with pytest.raises(ValueError, match=r"norm must be np.inf or 2; got"):
            attack(y, norm=wrong)
    with pytest.raises(ValueError, match="epsilon == -1, must be >= 0"):
        attack(y, epsilon=-1)
    with pytest.raises(ValueError, match="step_size == 0, must be > 0"):
        attack(y, step_size=0)
    with pytest.raises(ValueError, match="n_iter == 0, must be >= 1"):
        attack(y, method="pgd", n_iter=0)
    with pytest.raises(ValueError, match=r"y holds 7, but the classes .*'digit 0'"):
        attack(LABELS[NEW])
    with pytest.raises(ValueError, match=r"y has shape \(400,\), but X has 30 samples"):
        attack(NAMES)
    with pytest.raises(ValueError, match="y is None; pass the classes"):
        attack(None)
    with pytest.raises(ValueError, match="target holds 'digit 11'"):
        attack(y, target="digit 11")
    for coder in (conv, PCA(3).fit(ROWS)):
        with pytest.raises(TypeError, match=r"(ConvAuto|PCA).* tells no classes apart"):
            adversarial_examples(coder, X, y)
    with pytest.raises(NotFittedError):
        adversarial_examples(CNNFeatureExtractor(), X, y)
    with pytest.raises(ValueError, match=r"images of shape \(4, 4\)"):
        adversarial_examples(cnn, np.zeros((2, 4, 4)), y[:2])


# robust_score


def test_robust_score_counts_what_stays_right(cnn):
    X, y = IMAGES[300:], NAMES[300:]
    clean = cnn.score(X, y)
    assert robust_score(cnn, X, y, epsilon=0) == clean
    moved = adversarial_examples(cnn, X, y, method="fgsm", epsilon=0.1)
    score = robust_score(cnn, X, y, method="fgsm", epsilon=0.1)
    assert score == np.mean((cnn.predict(X) == y) & (cnn.predict(moved) == y))
    scores = [
        robust_score(cnn, X, y, epsilon=epsilon, random_state=0)
        for epsilon in (0, 0.02, 0.05, 0.1, 0.2)
    ]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0.5 * clean
    assert isinstance(scores[0], float)


def test_robust_score_is_a_scorer():
    scoring = partial(robust_score, epsilon=0.1, n_iter=3, random_state=0)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), PCA(20), LogisticRegression()),
        {"pca__n_components": [5, 20]},
        scoring=pickle.loads(pickle.dumps(scoring)),
        cv=2,
    ).fit(ROWS, LABELS)
    assert 0 < search.best_score_ < 1
    assert_allclose(search.score(ROWS, LABELS), scoring(search, ROWS, LABELS))


# activation_maximization


def test_maximization_excites_units(cnn, conv, autoencoder):
    inputs = activation_maximization(cnn, [3, 0], layer="head", random_state=0)
    assert inputs.shape == (2, 8, 8)
    assert inputs.dtype == np.float32
    assert inputs.min() >= 0
    assert inputs.max() <= 1
    free = activation_maximization(
        cnn, [3, 0], layer="head", tv_weight=0, norm_weight=0, random_state=0
    )
    logits = cnn.as_module("head")
    found, freely, known, grey = (
        logits(torch.from_numpy(X.astype(np.float32))).detach().numpy()[:, [3, 0]]
        for X in (inputs, free, IMAGES, np.full((1, 8, 8), 0.5))
    )
    # Beyond any sample where smoothness costs nothing, and else not so far.
    assert (freely.diagonal() > known.max(axis=0)).all()
    assert (freely.diagonal() > found.diagonal()).all()
    assert (found.diagonal() > np.quantile(known, 0.9, axis=0)).all()
    assert (found.diagonal() > grey[0]).all()
    codes = conv.transform(activation_maximization(conv, range(4), random_state=0))
    assert (codes.diagonal() > conv.transform(IMAGES).max(axis=0)).all()
    maps = activation_maximization(conv, 2, layer="encoder.0", random_state=0)
    assert maps.shape == (1, 8, 8)
    rows = activation_maximization(autoencoder, 1, random_state=0)
    assert rows.shape == (1, 64)
    assert autoencoder.transform(rows)[0, 1] > autoencoder.transform(ROWS)[:, 1].mean()


def test_the_objective_on_a_linear_model():
    """With no costs, the corner of the bounds; with a norm, along the coefficients."""
    model = LogisticRegression().fit(ROWS[:, 20:24], LABELS)
    coef = model.coef_
    inputs = activation_maximization(
        model, [0, 7], bounds=(-1, 2), norm_weight=0, random_state=0
    )
    assert_allclose(inputs, np.where(coef[[0, 7]] > 0, 2, -1), atol=1e-5)
    inputs = activation_maximization(
        model, 7, bounds=None, norm_weight=2.0, n_iter=600, random_state=0
    )
    unit = np.sqrt(np.mean(coef[7] ** 2))
    assert_allclose(inputs[0], coef[7] / unit / 4, atol=1e-3)


def test_the_variation_of_neighbours():
    rng = np.random.default_rng(0)
    for shape in ((4, 5, 2), (6, 1)):
        u = torch.from_numpy(rng.normal(size=(1, np.prod(shape))))
        gradient = gradients._variation_gradient(u, shape)

        def variation(rows, shape=shape):
            images = rows.reshape(len(rows), *shape)
            sides = range(1, len(shape))
            squares = [np.diff(images, axis=side) ** 2 for side in sides]
            return sum(each.reshape(len(rows), -1).sum(1) for each in squares)

        expected = finite_differences(variation, u[0].numpy())
        assert_allclose(gradient[0], expected, atol=1e-6)


def test_costs_make_inputs_smooth_and_pale(conv):
    def roughness(image):
        return sum((np.diff(image, axis=axis) ** 2).sum() for axis in (0, 1))

    find = partial(activation_maximization, conv, 0, random_state=0)
    rough, smooth = (find(tv_weight=weight)[0] for weight in (0, 3.0))
    assert roughness(smooth) < 0.5 * roughness(rough)
    pale = find(norm_weight=50.0)[0]
    assert np.abs(pale - 0.5).mean() < 0.5 * np.abs(find()[0] - 0.5).mean()


def test_where_maximization_starts(conv):
    start = IMAGES[3]
    inputs = activation_maximization(conv, [0, 1], start=start, n_iter=1, lr=1e-3)
    assert_allclose(inputs, np.stack([start, start]), atol=1.1e-3)
    inputs = activation_maximization(conv, [0, 1], start=IMAGES[:2], n_iter=1, lr=1e-3)
    assert_allclose(inputs, IMAGES[:2], atol=1.1e-3)
    one = activation_maximization(conv, 1, random_state=3)
    assert_array_equal(one, activation_maximization(conv, 1, random_state=3))
    assert not np.array_equal(one, activation_maximization(conv, 1, random_state=4))
    two = activation_maximization(conv, [1, 1], random_state=3)
    assert_array_equal(two[0], two[1])


def test_maximization_of_signals_and_colours():
    rng = np.random.default_rng(0)
    waves = np.sin(np.linspace(0, 9, 20) * rng.uniform(0.5, 2, (60, 1)))
    signals = ConvAutoencoder(3, channels=(4,), max_epochs=1, random_state=0).fit(waves)
    inputs = activation_maximization(signals, [0, 1], bounds=(-1, 1), n_iter=5)
    assert inputs.shape == (2, 20)
    assert signals.transform(inputs).shape == (2, 3)
    colours = ConvAutoencoder(3, channels=(4,), max_epochs=1, random_state=0)
    colours.fit(rng.uniform(size=(40, 6, 5, 3)))
    inputs = activation_maximization(colours, 0, n_iter=5, bounds=(0, [1, 0.5, 0.2]))
    assert inputs.shape == (1, 6, 5, 3)
    assert (inputs.max((0, 1, 2)) <= np.float32([1, 0.5, 0.2])).all()
    assert saliency_map(colours, inputs).shape == (1, 6, 5)


def test_units_that_do_not_move():
    dead = Autoencoder(2, hidden_layer_sizes=(4,), max_epochs=1, random_state=0)
    dead.fit(ROWS)
    with torch.no_grad():
        dead.net_.module_.encoder[0].bias[:] = torch.tensor([1e6, -1e6, 1e6, 1e6])
    with pytest.warns(UserWarning, match=r"Units \[1\] have no gradient at the start"):
        activation_maximization(dead, [0, 1, 2], layer="encoder.1", random_state=0)


def test_maximization_refuses(conv, autoencoder):
    with pytest.raises(ValueError, match="units holds 6, but there are 6 units"):
        activation_maximization(conv, [0, 6], layer="encoder.0")
    with pytest.raises(ValueError, match="units must be a whole number"):
        activation_maximization(conv, 0.5)
    for name in ("tv_weight", "norm_weight"):
        with pytest.raises(ValueError, match=f"{name} == -1, must be >= 0"):
            activation_maximization(conv, 0, **{name: -1})
    with pytest.raises(ValueError, match="n_iter == 0, must be >= 1"):
        activation_maximization(conv, 0, n_iter=0)
    with pytest.raises(ValueError, match="lr == 0, must be > 0"):
        activation_maximization(conv, 0, lr=0)
    with pytest.raises(ValueError, match=r"tv_weight=1.0 is for images .* image_shape"):
        activation_maximization(autoencoder, 0, tv_weight=1.0)
    with pytest.raises(ValueError, match=r"start has shape \(3, 8, 8\), but an input"):
        activation_maximization(conv, [0, 1], start=IMAGES[:3])
    with pytest.raises(ValueError, match=r"start has values outside bounds=\(0, 1\)"):
        activation_maximization(conv, 0, start=np.full((8, 8), 2.0))
    with pytest.raises(ValueError, match=r"bounds must be \(low, high\), or None"):
        activation_maximization(conv, 0, bounds="data")
    with pytest.raises(TypeError, match="KMeans has no gradient here"):
        activation_maximization(KMeans(2, n_init=1).fit(ROWS), 0)
    shaped = activation_maximization(
        autoencoder, 0, tv_weight=1.0, image_shape=(8, 8), n_iter=2
    )
    assert shaped.shape == (1, 8, 8)


# What is left alone


def look_at_everything(cnn):
    X, y = IMAGES[NEW], NAMES[NEW]
    X.flags.writeable = False
    return [
        top_activations(cnn, X, layer="stage1").values,
        saliency_map(cnn, X, method="smooth", random_state=0),
        occlusion_map(cnn, X[:5]),
        adversarial_examples(cnn, X, y, method="pgd", n_iter=2, random_state=0),
        activation_maximization(cnn, 1, n_iter=3, random_state=0),
        robust_score(cnn, X, y, n_iter=2, random_state=0),
    ]


def test_estimators_and_global_generators_are_left_alone(cnn):
    network = cnn.net_.module_
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    slopes = [None if p.grad is None else p.grad.clone() for p in network.parameters()]
    attributes = set(vars(cnn))
    before = (
        random.getstate(),
        np.random.get_state()[1].copy(),  # noqa: NPY002 - it must not change
        torch.get_rng_state(),
    )
    first, second = look_at_everything(cnn), look_at_everything(cnn)
    for a, b in zip(first, second, strict=True):
        assert_array_equal(a, b)
    assert random.getstate() == before[0]
    assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002 - the same
    assert torch.equal(torch.get_rng_state(), before[2])
    assert set(vars(cnn)) == attributes
    assert cnn.net_.module_ is network
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, state[name])
    for module in network.modules():
        assert not module.training
    for parameter, slope in zip(network.parameters(), slopes, strict=True):
        assert parameter.requires_grad
        assert parameter.grad is slope or torch.equal(parameter.grad, slope)
