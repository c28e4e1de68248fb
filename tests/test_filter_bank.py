"""FilterBank: correlation, activations and pools by loops, and forms of images."""

import tracemalloc

import numpy as np
import pytest
from image_forms import SUITE_FORMS, expected_failures, of_images
from near import assert_near
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import correlate, correlate2d
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_replearn.image import FilterBank
from sklearn_replearn.image._kernels import CLASSIC
from sklearn_replearn.utils.estimator_checks import (
    check_representation_estimator,
)

#: Maps as they come out of the correlation.
BARE = {"activation": None, "pool_size": 1}

#: Filters that are learned in a moment.
LEARNED = {"n_filters": 8, "patch_size": 3, "random_state": 0}


def images(*shape, n=40, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).uniform(size=(n, *shape)).astype(dtype)


def maps(bank, X):
    """What a bank makes of images, in the form that `output_shape_` says."""
    return bank.fit(X).transform(X).reshape(len(X), *bank.output_shape_)


def tolerance(dtype):
    return 1e-5 if dtype == np.float32 else 1e-12


# ---------------------------------------------------------------------------
# Correlation
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "filters",
    [*CLASSIC, "all", ["haar", "sobel"], (3, 3, 3), (2, 1, 4), (5, 11, 9), (1, 2, 1)],
    ids=str,
)
def test_equals_correlate2d(filters, dtype):
    if isinstance(filters, tuple):
        filters = np.random.default_rng(1).standard_normal(filters)
    X = images(11, 9, dtype=dtype)
    bank = FilterBank(filters, **BARE)
    found = maps(bank, X)
    assert found.dtype == dtype
    for k, kernel in enumerate(bank.filters_[..., 0]):
        for image, result in zip(X[:5], found[:5, k], strict=True):
            expected = correlate2d(image, kernel.astype(dtype), mode="valid")
            assert_allclose(result, expected, atol=tolerance(dtype))


def test_filters_with_channels_are_summed_over_them():
    X = images(8, 7, 3)
    filters = np.random.default_rng(1).standard_normal((4, 3, 2, 3))
    bank = FilterBank(filters, **BARE)
    found = maps(bank, X)
    assert_array_equal(bank.filters_, filters)
    assert bank.output_shape_ == (4, 6, 6)
    assert bank.filter_names_ == ["filter_0", "filter_1", "filter_2", "filter_3"]
    for k, kernel in enumerate(filters):
        expected = sum(
            correlate2d(X[0, ..., c], kernel[..., c], mode="valid") for c in range(3)
        )
        assert_allclose(found[0, k], expected, atol=1e-12)


@pytest.mark.parametrize("filters", ["sobel", np.arange(12.0).reshape(2, 2, 3)])
def test_filters_without_channels_see_one_channel_each(filters):
    X = images(8, 7, 3)
    bank = FilterBank(filters, **BARE)
    found = maps(bank, X)
    assert bank.output_shape_[0] == len(bank.filter_names_) == 6
    n = 0
    for channel in range(3):
        alone = maps(FilterBank(filters, **BARE), X[..., channel])
        for k in range(2):
            assert_allclose(found[:, n], alone[:, k], atol=1e-12)
            assert bank.filter_names_[n].endswith(f"_channel_{channel}")
            assert not np.delete(bank.filters_[n], channel, axis=-1).any()
            n += 1
    summed = maps(FilterBank(bank.filters_, **BARE), X)
    assert_allclose(summed, found, atol=1e-12)


def test_large_images():
    X = images(90, 70, n=3)
    kernel = np.random.default_rng(1).standard_normal((9, 8))
    found = maps(FilterBank([kernel], **BARE), X)
    for image, result in zip(X, found[:, 0], strict=True):
        expected = correlate2d(image, kernel, mode="valid")
        assert_allclose(result, expected, atol=1e-12)


@pytest.mark.parametrize("filters", ["edges", "all", (3, 4), (2, 20)], ids=str)
def test_signals(filters):
    if isinstance(filters, tuple):
        filters = np.random.default_rng(1).standard_normal(filters)
    X = images(20)
    bank = FilterBank(filters, padding="valid", **BARE)
    found = maps(bank, X)
    n_filters, length, n_channels = bank.filters_.shape
    assert n_channels == 1
    assert bank.output_shape_ == (n_filters, 21 - length)
    for k, kernel in enumerate(bank.filters_[..., 0]):
        expected = correlate(X[3], kernel, mode="valid")
        assert_allclose(found[3, k], expected, atol=1e-12)
    again = FilterBank(bank.filters_, padding="valid", **BARE)
    assert_array_equal(maps(again, X), found)


@pytest.mark.parametrize("size", [(3, 3), (2, 2), (4, 3), (1, 5), (9, 9)], ids=str)
def test_same_padding_repeats_the_border(size):
    X = images(6, 5)
    kernel = np.random.default_rng(1).standard_normal(size)
    found = maps(FilterBank([kernel], padding="same", **BARE), X)
    assert found.shape == (40, 1, 6, 5)
    before = [(n - 1) // 2 for n in size]
    for row in range(6):
        for column in range(5):
            expected = sum(
                kernel[u, v]
                * X[
                    0,
                    np.clip(row + u - before[0], 0, 5),
                    np.clip(column + v - before[1], 0, 4),
                ]
                for u in range(size[0])
                for v in range(size[1])
            )
            assert_allclose(found[0, 0, row, column], expected, atol=1e-12)


def test_auto_padding():
    assert FilterBank(**BARE).fit(images(6, 5)).output_shape_ == (3, 4, 3)
    assert FilterBank(**BARE).fit(images(6)).output_shape_ == (3, 6)
    for length in (1, 2, 3):  # signals of any length
        assert FilterBank("all", **BARE).fit(images(length)).output_shape_[1] == length


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3), (8,)])
def test_a_constant_image_has_no_edges(shape):
    X = np.full((2, *shape), 7.0)
    for name in ("edges", "sobel", "gabor", "fourier"):
        found = maps(FilterBank(name, padding="same", **BARE), X)
        assert_allclose(found, 0, atol=1e-12)
    found = maps(FilterBank(["box", "gaussian", "sharpen"], **BARE), X)
    assert_allclose(found, 7)


# ---------------------------------------------------------------------------
# Activations
# ---------------------------------------------------------------------------


def test_simple_activations():
    X = images(8, 7)
    bare = maps(FilterBank("sobel", **BARE), X)
    relu = maps(FilterBank("sobel", activation="relu", pool_size=1), X)
    absolute = maps(FilterBank("sobel", activation="absolute", pool_size=1), X)
    assert bare.min() < 0
    assert_array_equal(relu, np.maximum(bare, 0))
    assert_array_equal(absolute, np.abs(bare))


@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 2), (9,)])
def test_magnitude(shape):
    X = images(*shape)
    names = ["edges", "gabor", "box", "fourier"]
    bare = FilterBank(names, **BARE)
    responses = maps(bare, X)
    found = maps(FilterBank(names, activation="magnitude", pool_size=1), X)
    expected, n = [], 0
    while n < len(bare.filter_names_):
        if "cosine" in bare.filter_names_[n]:
            assert "sine" in bare.filter_names_[n + 1]
            expected.append(np.hypot(responses[:, n], responses[:, n + 1]))
            n += 2
        else:
            expected.append(np.abs(responses[:, n]))
            n += 1
    assert_allclose(found, np.stack(expected, axis=1), atol=1e-12)


def test_magnitude_hardly_depends_on_the_phase():
    places = np.arange(60)
    X = np.array([np.sin(2 * np.pi * places / 7 + phase) for phase in (0, 0.5, 2)])
    bank = FilterBank("fourier", activation="magnitude", padding="valid", pool_size=1)
    found = maps(bank, X)
    assert_allclose(found[:, 0], np.sqrt(7 / 2), atol=1e-12)
    assert_allclose(found[:, 1:], 0, atol=1e-12)


def test_magnitude_of_own_filters_is_the_absolute_value():
    X = images(8, 7)
    filters = np.random.default_rng(0).standard_normal((3, 2, 2))
    found = maps(FilterBank(filters, activation="magnitude", pool_size=1), X)
    expected = maps(FilterBank(filters, activation="absolute", pool_size=1), X)
    assert_allclose(found, expected, atol=1e-15)


# ---------------------------------------------------------------------------
# Pools
# ---------------------------------------------------------------------------

POOLS = {"max": np.max, "mean": np.mean}


@pytest.mark.parametrize("pooling", POOLS)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, (2, 5), (9, 1)], ids=str)
def test_pools_of_images(pooling, size):
    X = images(9, 7)
    whole = maps(FilterBank("sobel", padding="same", **BARE), X)
    options = {"padding": "same", "activation": None, "pooling": pooling}
    found = maps(FilterBank("sobel", pool_size=size, **options), X)
    height, width = (size, size) if isinstance(size, int) else size
    for i, row in enumerate(range(0, 9, height)):
        for j, column in enumerate(range(0, 7, width)):
            pool = whole[:, :, row : row + height, column : column + width]
            expected = POOLS[pooling](pool, axis=(2, 3))
            assert_allclose(found[:, :, i, j], expected, atol=1e-12)
    assert found.shape[2:] == (i + 1, j + 1)


@pytest.mark.parametrize("pooling", POOLS)
@pytest.mark.parametrize("size", [1, 2, 4, 10, 11, (3,)], ids=str)
def test_pools_of_signals(pooling, size):
    X = images(10)
    whole = maps(FilterBank(**BARE), X)
    bank = FilterBank(activation=None, pooling=pooling, pool_size=size)
    found = maps(bank, X)
    length = size if isinstance(size, int) else size[0]
    for i, start in enumerate(range(0, 10, length)):
        expected = POOLS[pooling](whole[..., start : start + length], axis=2)
        assert_allclose(found[..., i], expected, atol=1e-12)
    assert found.shape[2] == i + 1


def test_pools_by_shares():
    X = images(30, 13)
    bank = FilterBank(padding="same")
    assert bank.set_params(pool_size=0.5).fit(X).output_shape_ == (3, 2, 2)
    assert bank.set_params(pool_size=1.0).fit(X).output_shape_ == (3, 1, 1)
    assert bank.set_params(pool_size=0.1).fit(X).output_shape_ == (3, 10, 7)
    assert bank.set_params(pool_size=1e-12).fit(X).output_shape_ == (3, 30, 13)
    assert bank.set_params(pool_size=(0.25, 13)).fit(X).output_shape_ == (3, 4, 1)
    whole = maps(FilterBank(padding="same", activation=None, pool_size=1.0), X)
    bare = maps(FilterBank(padding="same", **BARE), X)
    assert_array_equal(whole[..., 0, 0], bare.max(axis=(2, 3)))


def test_default_pools():
    X = images(12, 12)
    assert FilterBank().fit(X).output_shape_ == (3, 5, 5)
    assert FilterBank("kmeans", **LEARNED).fit(X).output_shape_ == (8, 4, 4)


def test_order_of_columns():
    """Map by map, row by row."""
    X = images(7, 6)
    bank = FilterBank(["sobel", "box"], **BARE)
    Z = bank.fit(X).transform(X)
    n_maps, height, width = bank.output_shape_
    assert bank.filter_names_ == ["sobel_x", "sobel_y", "box"]
    for k in range(n_maps):
        for row in range(height):
            for column in range(width):
                patch = X[:, row : row + 3, column : column + 3]
                expected = (patch * bank.filters_[k, ..., 0]).sum(axis=(1, 2))
                at = (k * height + row) * width + column
                assert_allclose(Z[:, at], expected, atol=1e-12)
    names = bank.get_feature_names_out()
    assert len(names) == Z.shape[1]
    assert names[0] == "filterbank0"


# ---------------------------------------------------------------------------
# Learned filters
# ---------------------------------------------------------------------------


def whitened_patch(bank, patch):
    """A patch of an image as k-means has seen it, by the formula."""
    if bank.epsilon_ is not None:
        patch = (patch - patch.mean()) / np.sqrt(patch.var() + bank.epsilon_)
    return bank.whitening_ @ (patch - bank.mean_)


def response(bank, patch):
    """Response of all filters to a patch, by loops."""
    y = whitened_patch(bank, patch)
    if bank.activation == "triangle":
        distances = np.array([np.linalg.norm(y - c) for c in bank.components_])
        return np.maximum(0, distances.mean() - distances)
    return np.array([y @ c / np.linalg.norm(c) for c in bank.components_])


@pytest.mark.parametrize("shape", [(7, 6), (7, 6, 3), (9,)])
@pytest.mark.parametrize(
    "options",
    [
        {"filters": "kmeans"},
        {"filters": "kmeans", "activation": "triangle"},
        {"filters": "kmeans", "contrast_epsilon": None},
        {"filters": "kmeans", "activation": "triangle", "contrast_epsilon": None},
        {"filters": "kmeans", "whiten_epsilon": None},
        {"filters": "pca", "n_filters": 2},
        {"filters": "pca", "n_filters": 2, "whiten_epsilon": None},
    ],
    ids=str,
)
def test_responses_of_learned_filters(shape, options):
    X = images(*shape)
    bank = FilterBank(**{**LEARNED, **BARE, "padding": "valid", **options})
    found = maps(bank, X)
    X = X.reshape(40, *((1, 9, 1) if len(shape) == 1 else (7, 6, -1)))
    found = found.reshape(*found.shape[:2], -1, found.shape[-1])
    height = 1 if len(shape) == 1 else 3
    for image in (0, 1):
        for row in range(found.shape[2]):
            for column in range(found.shape[3]):
                patch = X[image, row : row + height, column : column + 3].ravel()
                expected = response(bank, patch)
                assert_allclose(found[image, :, row, column], expected, atol=1e-9)


@pytest.mark.parametrize("filters", ["kmeans", "pca"])
def test_filters_and_biases_give_the_responses(filters):
    X = images(7, 6, 2)
    bank = FilterBank(filters, **{**LEARNED, **BARE})
    found = maps(bank, X)
    patch = X[0, 2:5, 1:4]
    assert_allclose(bank.filters_.sum(axis=(1, 2, 3)), 0, atol=1e-12)
    contrast = np.sqrt(patch.var() + bank.epsilon_)
    expected = (bank.filters_ * patch).sum(axis=(1, 2, 3)) / contrast + bank.biases_
    assert_allclose(found[0, :, 2, 1], expected, atol=1e-10)
    assert bank.filter_names_[7] == f"{filters}_7"


@pytest.mark.parametrize("activation", ["relu", "triangle"])
def test_learned_filters_do_not_mind_light_and_unit(activation):
    X = images(8, 8)
    options = {**LEARNED, "activation": activation}
    expected = FilterBank("kmeans", **options).fit_transform(X)
    found = FilterBank("kmeans", **options).fit_transform(100 * X + 300)
    assert_allclose(found, expected, atol=1e-6)
    bank = FilterBank("kmeans", **options).fit(X)
    assert_allclose(bank.transform(X + 0.9), expected, atol=1e-9)


def test_single_precision_far_from_zero():
    X = images(8, 8) + 100
    bank = FilterBank("kmeans", **LEARNED).fit(X)
    found = bank.transform(X.astype(np.float32))
    assert found.dtype == np.float32
    assert_allclose(found, bank.transform(X), atol=1e-3 * found.max())


def test_learned_filters_of_digits():
    """They tell digits apart better than pixels, and than the same number by hand."""
    digits = load_digits()
    X, y = (digits.images / 16).astype(np.float32), digits.target
    model = LogisticRegression(max_iter=1000)
    learned = FilterBank("kmeans", n_filters=40, patch_size=4, random_state=0)
    score = (
        make_pipeline(learned, model).fit(X[:1000], y[:1000]).score(X[1000:], y[1000:])
    )
    pixels = model.fit(X[:1000].reshape(1000, -1), y[:1000]).score(
        X[1000:].reshape(797, -1), y[1000:]
    )
    assert score > max(0.94, pixels)


def test_what_is_not_learned_is_none():
    X = images(8, 8)
    bank = FilterBank("kmeans", **LEARNED).fit(X)
    assert bank.components_.shape == (8, 9)
    assert bank.whitening_.shape == (9, 9)
    bank.set_params(filters="sobel").fit(X)
    assert bank.components_ is bank.mean_ is bank.whitening_ is bank.epsilon_ is None
    assert_array_equal(bank.biases_, [0, 0])


def test_rectangular_patches():
    X = images(8, 7, 2)
    bank = FilterBank("pca", patch_size=(2, 5), random_state=0).fit(X)
    assert bank.filters_.shape == (19, 2, 5, 2)
    signals = FilterBank("pca", patch_size=[4], random_state=0).fit(images(10))
    assert signals.filters_.shape == (3, 4, 1)


def test_more_filters_than_patches_allow():
    X = images(4, 4, n=3)
    with pytest.warns(UserWarning, match="n_filters=50 is more than the 12 different"):
        bank = FilterBank("kmeans", n_filters=50, patch_size=3).fit(X)
    assert bank.output_shape_[0] == len(bank.filters_) == 12
    with pytest.warns(UserWarning, match="n_filters=50 is more than the 8 directions"):
        FilterBank("pca", n_filters=50, patch_size=3).fit(X)


# ---------------------------------------------------------------------------
# Forms of images
# ---------------------------------------------------------------------------

LAYOUTS = {
    "rows": (lambda X: X.reshape(len(X), -1), {"image_shape": (9, 6)}),
    "rows with channels": (lambda X: X.reshape(len(X), -1), {"image_shape": [9, 6, 1]}),
    "arrays": (lambda X: X, {}),
    "arrays with channels": (lambda X: X[..., np.newaxis], {}),
    "lists": (lambda X: X.tolist(), {}),
}


@pytest.mark.parametrize("options", [{}, {"filters": "kmeans", **LEARNED}], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_give_the_same_features(layout, options):
    X = images(9, 6)
    convert, shape = LAYOUTS[layout]
    expected = FilterBank(**options).fit(X).transform(X)
    bank = FilterBank(**options, **shape).fit(convert(X))
    assert bank.n_features_in_ == 54
    assert bank.image_shape_ == (9, 6, 1)
    assert_near(bank.transform(convert(X)), expected)
    for other, _ in LAYOUTS.values():
        assert_near(bank.transform(other(X)), expected)


def test_views_are_read_as_they_are():
    X = images(9, 8, 3)
    expected = FilterBank("kmeans", **LEARNED).fit_transform(X)
    for other in (np.asfortranarray(X), X[::-1].copy()[::-1]):
        found = FilterBank("kmeans", **LEARNED).fit_transform(other)
        assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("filters", ["all", "kmeans"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 3), (20,)])
def test_an_image_has_the_same_features_in_any_batch(filters, dtype, shape):
    X = images(*shape, n=150)
    X = (255 * X).astype(dtype) if dtype == np.uint8 else X.astype(dtype)
    bank = FilterBank(filters, n_filters=10, patch_size=3, random_state=0).fit(X)
    Z = bank.transform(X)
    assert_near(bank.transform(X[[149]])[0], Z[149])
    assert_near(bank.transform(X[60:70]), Z[60:70])
    assert_near(bank.transform(X[::-1]), Z[::-1])
    assert_near(clone(bank).fit_transform(X), Z)


@pytest.mark.parametrize("filters", ["all", "kmeans"])
def test_bytes_are_read_as_numbers_from_0_to_1(filters):
    X = np.rint(255 * images(8, 8)).astype(np.uint8)
    bank = FilterBank(filters, **LEARNED)
    found = bank.fit_transform(X)
    assert found.dtype == np.float64
    assert_allclose(found, clone(bank).fit_transform(X / 255), atol=1e-9)
    assert_allclose(found, bank.transform(X / 255), atol=1e-9)


def test_integers_are_read_as_they_are():
    X = np.random.default_rng(0).integers(-50, 300, size=(20, 6, 6))
    found = FilterBank().fit_transform(X)
    assert found.dtype == np.float64
    assert_array_equal(found, FilterBank().fit_transform(X.astype(float)))


@pytest.mark.parametrize("filters", ["box", "kmeans"])
def test_bytes_are_not_copied_to_floats(filters):
    X = np.random.default_rng(0).integers(256, size=(16000, 16, 16), dtype=np.uint8)
    bank = FilterBank(filters, pool_size=1.0, **LEARNED | {"n_patches": 5000})
    tracemalloc.start()
    try:
        bank.fit(X).transform(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.3 * 4 * X.size


# ---------------------------------------------------------------------------
# What it refuses
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "shape", "message"),
    [
        ("edgy", (6, 6), "The 'filters' parameter of FilterBank must be a str among"),
        (["sobel", "edgy"], (6, 6), r"filters has 'edgy', but a list may .*'edges', "),
        (["kmeans"], (6, 6), "filters has 'kmeans', but a list may have these names"),
        (["sobel", 3], (6, 6), "filters has 3, but a list may have these names"),
        ([], (6, 6), r"filters has shape \(0,\), but filters of images are an array"),
        (np.eye(3), (6, 6), r"filters has shape \(3, 3\).*one filter w is passed as"),
        (np.ones(3), (6,), r"filters has shape \(3,\), but filters of signals are"),
        (np.ones((1, 3, 3)), (6,), r"filters has shape \(1, 3, 3\), but filters of si"),
        (np.array(3.0), (6, 6), r"filters has shape \(\), but filters of images are"),
        (np.ones((1, 3, 3, 2)), (6, 6), "2 channels, but the images of X have 1; lea"),
        (np.ones((1, 3, 3, 1)), (6, 6, 3), "1 channels, but the images of X have 3"),
        ([[[np.nan]]], (6, 6), "filters contains NaN or infinity"),
        ([[[1.0, 2.0], [3.0]]], (6, 6), "filters is neither a name, nor a list of"),
        ("edges", (2, 5), "X has images of 2 x 5, smaller than the filters, .* 3 x 3;"),
        (np.ones((1, 7)), (6,), "X has signals of 6 value.* the filters, .* 7 values;"),
        ("kmeans", (5, 9), "X has images of 5 x 9, smaller than the patches to learn"),
        ("pca", (5,), r"X has signals of 5 value\(s\), smaller than the patches to le"),
    ],
)
def test_filters_that_do_not_fit(filters, shape, message):
    with pytest.raises(ValueError, match=message):
        FilterBank(filters, padding="valid").fit(images(*shape))


def test_same_padding_takes_smaller_images():
    X = images(2, 2)
    assert FilterBank("all", padding="same").fit_transform(X).shape == (40, 48)
    with pytest.raises(ValueError, match="smaller than the patches to learn from"):
        FilterBank("kmeans", padding="same").fit(X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "triangle"}, "only filters='kmeans' has; filters is 'edges'"),
        ({"activation": "triangle", "filters": "pca"}, "filters is 'pca'"),
        ({"activation": "triangle", "filters": ["box"]}, "is a list or an array"),
        ({"pool_size": (2, 2, 2)}, r"pool_size is a number, .* 2 side.*\(2, 2, 2\)"),
        ({"pool_size": (2, 1.5)}, r"or shares in \(0, 1\]; got \(2, 1.5\)"),
        ({"pool_size": ("a", 2)}, "pool_size is a number"),
        ({"filters": "pca", "patch_size": (3,)}, r"patch_size is a number.*got \(3,\)"),
        ({"filters": "pca", "patch_size": (3, 0.5)}, "whole numbers of at least 1; g"),
        ({"pool_size": 0}, "The 'pool_size' parameter of FilterBank"),
        ({"pool_size": 1.5}, "The 'pool_size' parameter of FilterBank"),
        ({"activation": "tanh"}, "The 'activation' parameter of FilterBank"),
        ({"filters": "kmeans", "contrast_epsilon": 0}, "The 'contrast_epsilon' param"),
        ({"image_shape": (5, 5)}, r"X has images of shape \(6, 6\), but image_shape"),
    ],
)
def test_wrong_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        FilterBank(**options).fit(images(6, 6))


def test_images_that_are_all_alike():
    X = np.full((5, 8, 8), 0.3)
    for filters in ("kmeans", "pca"):
        with pytest.raises(ValueError, match="The patches of X are all alike, or all"):
            FilterBank(filters).fit(X)
    assert not FilterBank().fit_transform(X).round(12).any()


def test_images_that_are_alike_but_for_their_own_rounding():
    """The last digit of single precision is no pattern, though double shows it."""
    rng = np.random.default_rng(0)
    X = 0.3 * (1 + 1e-7 * rng.uniform(-1, 1, (5, 8, 8)))
    for filters in ("kmeans", "pca"):
        for options in ({}, {"contrast_epsilon": None}):
            bank = FilterBank(filters, patch_size=3, n_filters=2, **options)
            with pytest.raises(ValueError, match="all alike, or all flat"):
                bank.fit(X.astype(np.float32))
            bank.fit(X)


@pytest.mark.parametrize("filters", ["kmeans", "pca"])
@pytest.mark.parametrize(
    ("dtype", "units"),
    [(np.float64, [1e-150, 1e-8, 1e150]), (np.float32, [1e-15, 1e15])],
)
def test_learned_filters_in_any_unit(filters, dtype, units):
    X = images(16, 16).astype(dtype)
    bank = FilterBank(filters, n_filters=4, patch_size=5, random_state=0)
    expected = bank.fit_transform(X)
    for unit in units:
        tolerance = 1e-4 if dtype is np.float32 else 1e-9
        moved = bank.fit_transform(X * dtype(unit))
        assert_allclose(moved, expected, atol=tolerance * np.abs(expected).max())


def test_other_images_than_in_fit():
    with pytest.raises(NotFittedError):
        FilterBank().transform(images(6, 5))
    bank = FilterBank().fit(images(6, 5))
    with pytest.raises(ValueError, match=r"X has images of shape \(5, 6\), but fit"):
        bank.transform(images(5, 6))
    with pytest.raises(ValueError, match="X has 31 features"):
        bank.transform(images(31))


def test_a_failed_fit_changes_nothing():
    X = images(8, 8)
    bank = FilterBank("sobel").fit(X)
    expected = bank.transform(X)
    bank.set_params(filters="kmeans", patch_size=9)
    with pytest.raises(ValueError, match="smaller than the patches"):
        bank.fit(X[:, :8])
    assert_array_equal(bank.transform(X), expected)
    assert bank.filter_names_ == ["sobel_x", "sobel_y"]


# ---------------------------------------------------------------------------
# In scikit-learn
# ---------------------------------------------------------------------------


def test_grid_search_over_filters():
    digits = load_digits()
    X, y = digits.images[:300] / 16, digits.target[:300]
    pipeline = make_pipeline(FilterBank(), LogisticRegression(max_iter=500))
    grid = {"filterbank__filters": ["edges", ["sobel", "box"], np.ones((1, 2, 2))]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) > 1


@pytest.mark.parametrize(
    "bank",
    [
        FilterBank(["sobel", "gabor"], activation="magnitude", pool_size=0.5),
        FilterBank("kmeans", **LEARNED, activation="triangle"),
    ],
    ids=["classic", "learned"],
)
@pytest.mark.parametrize("form", SUITE_FORMS)
def test_our_suite_on_images(form, bank):
    check_representation_estimator(
        bank,
        data=of_images(form),
        expected_failed_checks=expected_failures(form),
    )
