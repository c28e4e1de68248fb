"""BagOfVisualWords: descriptors, words, weights and pyramids by slow references."""

import sys
import tracemalloc

import numpy as np
import pytest
from image_forms import FORMS, expected_failures
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import convolve1d, gaussian_filter
from skimage.feature import SIFT
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_replearn.image import BagOfVisualWords
from sklearn_replearn.image._descriptors import (
    describe,
    gloh_descriptors,
    patch_descriptors,
    rift_descriptors,
    sift_descriptors,
    spin_descriptors,
    texton_descriptors,
)
from sklearn_replearn.image._spatial_pyramid import n_pyramid_cells, pyramid_histogram
from sklearn_replearn.utils.estimator_checks import (
    CheckData,
    check_representation_estimator,
)

#: Few small words.
SMALL = {"n_words": 6, "patch_size": 3, "random_state": 0}


def bag(descriptor="patch", **options):
    return BagOfVisualWords(descriptor, **(SMALL | options))


def images(*shape, n=12, seed=0):
    return np.random.default_rng(seed).uniform(size=(n, *shape))


def blobs(*shape, n=12, seed=0):
    """Smooth images in [0, 1], in which there are keypoints."""
    X = gaussian_filter(images(*shape, n=n, seed=seed), 1.5, axes=(1, 2))
    return (X - X.min()) / (X.max() - X.min())


def as_bytes(X):
    return np.rint(255 * X).astype(np.uint8)


# ---------------------------------------------------------------------------
# Descriptors
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "step"), [(2, 1), (3, 2), (5, 3), (7, 1)])
@pytest.mark.parametrize("shape", [(7, 10, 1), (9, 8, 3)])
def test_patches_equal_loops(shape, size, step):
    image = images(*shape, n=1)[0]
    found, places = patch_descriptors(image, size, step, floor=0.01)
    first = [(side - size) % step // 2 for side in shape[:2]]
    rows, at = [], []
    for i in range(first[0], shape[0] - size + 1, step):
        for j in range(first[1], shape[1] - size + 1, step):
            patch = image[i : i + size, j : j + size].ravel()
            rows.append((patch - patch.mean()) / np.sqrt(patch.var() + 0.01))
            at.append([(i + size / 2) / shape[0], (j + size / 2) / shape[1]])
    assert_allclose(found, rows, atol=1e-12)
    assert_allclose(places, at)


def test_patches_of_signals():
    signal = images(8, 1, n=1)[0]
    found, places = patch_descriptors(signal, 3, 1, floor=0.0)
    for i in range(6):
        patch = signal[i : i + 3, 0]
        assert_allclose(found[i], (patch - patch.mean()) / patch.std())
    assert_allclose(places[:, 0], (np.arange(6) + 1.5) / 8)


def test_the_grid_is_in_the_middle():
    _, places = patch_descriptors(np.zeros((11, 9, 1)), 4, 3, floor=0.0)
    assert_allclose(np.unique(places[:, 0]) * 11, [2.0, 5.0, 8.0])  # 0, 3, 6 of 7
    assert_allclose(np.unique(places[:, 1]) * 9, [3.0, 6.0])  # 1 and 4 of 5


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_flat_places_are_zero(value):
    flat = np.full((6, 6, 2), value)
    for floor in (1e-16 * value**2, 0.1):  # the least that is added to a variance
        for found, _ in (
            patch_descriptors(flat, 3, 1, floor),
            texton_descriptors(flat, (1.0, 3.0), 1, floor),
        ):
            assert_allclose(found, 0, atol=5e-7)


def derivative_of_gaussian(sigma, order):
    """Its values at whole numbers, times sigma**order; those of order 2 add up to 0."""
    reach = int(4 * sigma + 0.5)
    x = np.arange(-reach, reach + 1)
    g = np.exp(-(x**2) / (2 * sigma**2))
    g /= g.sum()
    if order == 2:
        kernel = (x**2 / sigma**2 - 1) * g
        assert abs(kernel.sum()) < 2e-3
        return kernel - kernel.sum() * g
    return g if order == 0 else -x / sigma * g


@pytest.mark.parametrize("n_channels", [1, 2])
def test_textons_are_derivatives_of_gaussians(n_channels):
    image = images(9, 12, n_channels, n=1)[0]
    found, places = texton_descriptors(image, (1.0, 2.0), 1, floor=0.02)
    responses = []
    for sigma in (1.0, 2.0):
        for down, across in ((0, 1), (0, 2), (1, 0), (1, 1), (2, 0)):
            response = image
            for axis, order in enumerate((down, across)):
                kernel = derivative_of_gaussian(sigma, order)
                response = convolve1d(response, kernel, axis=axis, mode="nearest")
            responses.append(response)
    expected = np.concatenate(responses, axis=-1).reshape(len(found), -1)
    expected /= np.sqrt((expected**2).mean(axis=1, keepdims=True) + 0.02)
    assert_allclose(found, expected, atol=1e-10)
    assert_allclose(places[[0, -1]], [[0.5 / 9, 0.5 / 12], [8.5 / 9, 11.5 / 12]])


def test_textons_of_signals_and_on_a_grid():
    signal = images(10, 1, n=1)[0]
    every, places = texton_descriptors(signal, (1.0,), 1, floor=0.01)
    assert every.shape == (10, 2)
    some, at = texton_descriptors(signal, (1.0,), 4, floor=0.01)
    assert_allclose(some, every[[0, 4, 8]])  # 9 of 10 are spanned
    assert_allclose(at, places[[0, 4, 8]])


def test_sift_is_scikit_images():
    image = blobs(40, 32, n=1)[0]
    sift = SIFT()
    sift.detect_and_extract(image)
    for values in (image[..., np.newaxis], np.stack([image] * 3, axis=-1)):
        found, places = sift_descriptors(values)
        assert_allclose(found, sift.descriptors / 512)
        assert_allclose(places * [40, 32] - 0.5, sift.positions, atol=1e-5)
    assert len(found) > 3
    assert_allclose(np.linalg.norm(found, axis=1), 1, atol=0.1)


@pytest.mark.parametrize("side", [6, 28])
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_images_without_keypoints(side, value):
    descriptors, places = sift_descriptors(np.full((side, side, 1), value))
    assert descriptors.shape == (0, 128)
    assert places.shape == (0, 2)


# ---------------------------------------------------------------------------
# Discs: GLOH, RIFT and spin images
# ---------------------------------------------------------------------------

DISCS = {"gloh": gloh_descriptors, "rift": rift_descriptors, "spin": spin_descriptors}


def nearness(a, b, spacing, period=np.inf):
    """1 where two numbers are equal, 0 from a distance of one spacing."""
    apart = abs(a - b)
    return max(0.0, 1 - min(apart, abs(period - apart)) / spacing)


def share_of_ring(distance, middles, ring):
    """Linear between the middles of two rings; beyond the last, all is its own."""
    if distance <= middles[0]:
        return float(ring == 0)
    for k in range(len(middles) - 1):
        width = middles[k + 1] - middles[k]
        if distance <= middles[k + 1]:
            return nearness(distance, middles[ring], width) if ring in (k, k + 1) else 0
    return float(ring == len(middles) - 1)


def pixels_of(image, top, left, size):
    """y and x from the middle of a patch, value, gradient down, gradient across."""
    grey = image.mean(axis=2)
    height, width = grey.shape
    for i in range(top, top + size):
        for j in range(left, left + size):
            down = grey[min(i + 1, height - 1), j] - grey[max(i - 1, 0), j]
            across = grey[i, min(j + 1, width - 1)] - grey[i, max(j - 1, 0)]
            y, x = i - top - (size - 1) / 2, j - left - (size - 1) / 2
            yield y, x, grey[i, j], down / 2, across / 2


def slow_gloh(pixels, size, floor):
    h, flat = np.zeros((17, 16)), np.zeros(17)
    for y, x, _, down, across in pixels:
        distance = np.hypot(y, x) * 41 / size
        if distance > 15:
            continue
        for part in range(17):
            ring = 0 if part == 0 else 1 + (part - 1) // 8
            share = share_of_ring(distance, [3, 8.5, 13], ring)
            if part > 0:
                middle = (part - 1) % 8 * np.pi / 4
                angle = np.arctan2(y, x) % (2 * np.pi)
                share *= nearness(angle, middle, np.pi / 4, 2 * np.pi)
            flat[part] += share
            for k in range(16):
                angle = np.arctan2(down, across) % (2 * np.pi)
                near = nearness(angle, k * np.pi / 8, np.pi / 8, 2 * np.pi)
                h[part, k] += share * near * np.hypot(down, across)
    length = np.sqrt((h**2).sum())
    h = np.minimum(h / length, 0.2)
    h /= np.sqrt((h**2).sum())
    return (h * length / np.sqrt(length**2 + floor * (flat**2).sum())).ravel()


def slow_rift(pixels, size, floor):
    h, flat = np.zeros((4, 8)), np.zeros(4)
    for y, x, _, down, across in pixels:
        distance = np.hypot(y, x) / (size / 2)
        if distance > 1 or distance == 0:
            continue
        outward = np.arctan2(down, across) - np.arctan2(y, x)
        for ring in range(4):
            share = share_of_ring(distance, [1 / 8, 3 / 8, 5 / 8, 7 / 8], ring)
            flat[ring] += share
            for k in range(8):
                angle = outward % (2 * np.pi)
                near = nearness(angle, k * np.pi / 4, np.pi / 4, 2 * np.pi)
                h[ring, k] += share * near * np.hypot(down, across)
    return (h / np.sqrt((h**2).sum() + floor * (flat**2).sum())).ravel()


def slow_spin(pixels, size, floor):
    inside = [p for p in pixels if np.hypot(p[0], p[1]) <= size / 2]
    values = [p[2] for p in inside]
    middle, half = (max(values) + min(values)) / 2, (max(values) - min(values)) / 2
    h = np.zeros((10, 10))
    for y, x, value, _, _ in inside:
        distance = np.hypot(y, x) / (size / 2)
        intensity = (1 + (value - middle) / np.sqrt(half**2 + floor)) / 2
        for d in range(10):
            for i in range(10):
                off = (distance - (d + 0.5) / 10) ** 2
                off += (intensity - (i + 0.5) / 10) ** 2
                h[d, i] += np.exp(-off / (2 * 0.1**2))
    return (h / np.sqrt((h**2).sum())).ravel()


SLOW = {"gloh": slow_gloh, "rift": slow_rift, "spin": slow_spin}


@pytest.mark.parametrize("name", DISCS)
@pytest.mark.parametrize(
    ("shape", "size", "step"), [((7, 10, 1), 5, 2), ((12, 13, 3), 12, 1)]
)
def test_discs_equal_loops(name, shape, size, step):
    image = images(*shape, n=1)[0]
    found, places = DISCS[name](image, size, step, floor=0.02)
    _, expected_places = patch_descriptors(image, size, step, floor=0.02)
    assert_array_equal(places, expected_places)
    for row, place in zip(found, places, strict=True):
        top, left = np.rint(place * shape[:2] - size / 2).astype(int)
        pixels = list(pixels_of(image, top, left, size))
        assert_allclose(row, SLOW[name](pixels, size, 0.02), atol=1e-12)


@pytest.mark.parametrize("name", DISCS)
def test_discs_in_blocks(name, monkeypatch):
    image = images(20, 20, 1, n=1)[0]
    expected, _ = DISCS[name](image, 6, 2, 0.01)
    monkeypatch.setattr("sklearn_replearn.image._descriptors.BLOCK_PIXELS", 100)
    assert_allclose(DISCS[name](image, 6, 2, 0.01)[0], expected, atol=1e-14)


def turned_by_sectors(gloh, n_sectors):
    """GLOH of the image turned by eighths, from the columns towards the rows."""
    parts = gloh.reshape(17, 16)
    rings = np.roll(parts[1:].reshape(2, 8, 16), n_sectors, axis=1).reshape(16, 16)
    return np.roll(np.vstack([parts[:1], rings]), 2 * n_sectors, axis=1).ravel()


@pytest.mark.parametrize("size", [6, 7])
@pytest.mark.parametrize("name", DISCS)
def test_quarter_turns(name, size):
    """RIFT and spin images stay the same; the numbers of GLOH change their places."""
    image = images(size, size, 1, n=1)[0]
    expected = DISCS[name](image, size, 1, 0.01)[0][0]
    for quarters in (1, 2, 3):
        # rot90 turns from the rows towards the columns
        found = DISCS[name](np.rot90(image, -quarters), size, 1, 0.01)[0][0]
        same = turned_by_sectors(expected, 2 * quarters) if name == "gloh" else expected
        assert_allclose(found, same, atol=1e-12)
    mirrored = DISCS[name](image[:, ::-1], size, 1, 0.01)[0][0]
    assert (np.abs(mirrored - expected).max() < 1e-12) == (name == "spin")


def waves(name, angle, seed, size=32):
    """The descriptor of a patch of a few waves, turned about its middle.

    The middle one of 9 patches: gradients at its border need its neighbors.
    """
    rng = np.random.default_rng(seed)
    y, x = np.indices((size + 2, size + 2)) - (size + 1) / 2
    y, x = np.cos(angle) * y - np.sin(angle) * x, np.sin(angle) * y + np.cos(angle) * x
    image = sum(
        np.sin(rng.uniform(-0.3, 0.3) * y + rng.uniform(-0.3, 0.3) * x + phase)
        for phase in rng.uniform(0, 6, size=4)
    )
    return DISCS[name](image[..., np.newaxis], size, 1, 0.0)[0][4]


@pytest.mark.parametrize(
    ("name", "degrees", "tolerance"),
    [("rift", (10, 30, 45, 200), 0.03), ("spin", (10, 30, 45, 200), 0.07)],
)
def test_other_turns(name, degrees, tolerance):
    """Turned patches of 32 pixels are the same up to the grid of the pixels."""
    upright = [waves(name, 0, seed) for seed in range(5)]
    for seed, expected in enumerate(upright):
        for angle in np.deg2rad(degrees):
            assert np.linalg.norm(waves(name, angle, seed) - expected) < tolerance
    others = np.linalg.norm(np.array(upright[1:]) - upright[:-1], axis=1)
    assert others.min() > 4 * tolerance


def test_gloh_turns_with_its_sectors():
    """After a turn by an eighth, and by its orientation back, it would be the same."""
    for seed in range(5):
        upright, turned = waves("gloh", 0, seed), waves("gloh", np.pi / 4, seed)
        assert np.linalg.norm(turned_by_sectors(upright, 1) - turned) < 0.1
        assert np.linalg.norm(upright - turned) > 0.5


@pytest.mark.parametrize("name", DISCS)
def test_discs_at_another_brightness_and_contrast(name):
    image = images(9, 9, 1, n=1)[0]
    expected, _ = DISCS[name](image, 6, 1, 0.01)
    found, _ = DISCS[name](255 * image + 1000, 6, 1, 255**2 * 0.01)
    assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("name", DISCS)
@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_flat_discs(name, floor):
    found, _ = DISCS[name](np.full((6, 6, 2), 0.1), 3, 1, floor)
    if name == "spin":  # all pixels have the middle intensity
        h = found.reshape(-1, 10, 10)
        assert_allclose(found, np.broadcast_to(found[0], found.shape))
        assert_allclose(h, h[:, :, ::-1])
        assert_array_equal(h.argmax(axis=2) // 2, 2)
    else:
        assert_array_equal(found, 0)


def test_words_of_gloh_are_found_in_principal_components():
    X = images(14, 14, n=10)
    options = {"n_words": 140, "patch_size": 8, "step": 1}
    fitted = bag("gloh", n_descriptors=300, **options).fit(X)
    centred = fitted.vocabulary_ - fitted.vocabulary_.mean(axis=0)
    assert fitted.vocabulary_.shape == (140, 272)
    assert np.linalg.matrix_rank(centred) == 128
    # With every descriptor drawn, it is the plane that k-means sees.
    fitted = bag("gloh", n_descriptors=490, **options).fit(X)
    all_of_them = np.concatenate(
        [describe(image[..., np.newaxis], **fitted._how)[0] for image in X]
    )
    mean = all_of_them.mean(axis=0)
    axes = np.linalg.svd(all_of_them - mean)[2][:128]
    words = (fitted.vocabulary_ - mean) @ axes.T
    assert_allclose(mean + words @ axes, fitted.vocabulary_, atol=1e-10)
    # The nearest word in the components is the nearest in all numbers.
    codes = (all_of_them - mean) @ axes.T
    nearest = np.square(codes[:, np.newaxis] - words).sum(axis=2).argmin(axis=1)
    counts = bag("gloh", n_descriptors=490, weighting=None, norm=None, **options)
    found = counts.fit(X).transform(X).sum(axis=0)
    assert_array_equal(found, np.bincount(nearest, minlength=140))


def test_turning_does_not_change_words_of_rings():
    X = images(12, 12)
    for name in ("rift", "spin"):
        fitted = bag(name, patch_size=6).fit(X)
        found = fitted.transform(np.rot90(X, axes=(1, 2)))
        assert_allclose(found, fitted.transform(X), atol=1e-12)


# ---------------------------------------------------------------------------
# Histograms
# ---------------------------------------------------------------------------


def test_pyramid_by_hand():
    # In the upper left word 0, in the lower right words 1 and 1, once in its corner.
    words = np.array([0, 1, 1])
    places = np.array([[0.1, 0.2], [0.6, 0.7], [0.99, 0.99]])
    one = pyramid_histogram(words, places, 2, 1)
    assert_array_equal(one, [1, 2])
    two = pyramid_histogram(words, places, 2, 2)
    assert_array_equal(two, [0.5, 1, 0.5, 0, 0, 0, 0, 0, 0, 1])
    three = pyramid_histogram(words, places, 2, 3)
    assert len(three) == 2 * n_pyramid_cells(3, 2) == 42
    assert_array_equal(three[:10], [0.25, 0.5, 0.25, 0, 0, 0, 0, 0, 0, 0.5])
    finest = three[10:].reshape(4, 4, 2)  # row, column, word
    assert finest[0, 0].tolist() == [0.5, 0]
    assert finest[2, 2].tolist() == [0, 0.5]
    assert finest[3, 3].tolist() == [0, 0.5]
    assert finest.sum() == 1.5


def test_pyramid_of_signals():
    words, places = np.array([0, 0, 1]), np.array([[0.0], [0.5], [1.0]])
    found = pyramid_histogram(words, places, 2, 2)
    assert_array_equal(found, [1, 0.5, 0.5, 0, 0.5, 0.5])
    assert n_pyramid_cells(3, 1) == 7


def counts_by_loops(fitted, X):
    """Of the words of each image, the nearest found by the distances themselves."""
    rows = []
    for image in X:
        counts = np.zeros(fitted.n_words_)
        for d in describe(image, **fitted._how)[0]:
            distances = [np.square(d - word).sum() for word in fitted.vocabulary_]
            counts[np.argmin(distances)] += 1
        rows.append(counts)
    return np.array(rows)


CASES = {
    "patch": (images(9, 10, 1), {}),
    "patch of colours": (images(9, 10, 3), {"step": 1}),
    "patch of signals": (images(20, 1), {}),
    "texton": (images(9, 10, 1), {"sigmas": (0.8, 1.5)}),
    "sift": (blobs(32, 32, 1, n=6), {}),
    "gloh": (images(9, 10, 1), {"patch_size": 6}),
    "rift of colours": (images(9, 10, 3), {"patch_size": 6}),
    "spin": (images(9, 10, 1), {"patch_size": 5}),
}


@pytest.mark.parametrize("case", CASES)
def test_words_and_weights_equal_loops(case):
    X, options = CASES[case]
    given = X if X.ndim == 4 else X[..., 0]
    fitted = bag(case.split()[0], **options).fit(given[:8])
    counts = counts_by_loops(fitted, X[:8])
    n_with_word = (counts > 0).sum(axis=0)
    assert_allclose(fitted.idf_, np.log((1 + len(counts)) / (1 + n_with_word)) + 1)
    expected = counts_by_loops(fitted, X) * fitted.idf_
    expected /= np.maximum(np.linalg.norm(expected, axis=1, keepdims=True), 1e-300)
    assert_allclose(fitted.transform(given), expected, atol=1e-12)
    assert_array_equal(
        bag(case.split()[0], **options).fit_transform(given[:8]),
        fitted.transform(given[:8]),
    )


@pytest.mark.parametrize("norm", ["l1", "l2", None])
@pytest.mark.parametrize("weighting", ["tfidf", None])
def test_weighting_as_in_scikit_learn(weighting, norm):
    X = images(9, 9)
    counts = bag(weighting=None, norm=None).fit_transform(X)
    assert_array_equal(counts, counts.round())
    assert_array_equal(counts.sum(axis=1), 16)  # of 4 by 4 patches
    found = bag(weighting=weighting, norm=norm).fit_transform(X)
    reference = TfidfTransformer(use_idf=weighting == "tfidf", norm=norm)
    assert_allclose(found, reference.fit_transform(counts).toarray(), atol=1e-12)


def test_without_weighting_idf_is_one():
    assert_array_equal(bag(weighting=None).fit(images(9, 9)).idf_, 1)


@pytest.mark.parametrize("shape", [(12, 9), (30,)])
def test_pyramids_count_parts_of_the_image(shape):
    """The cells of a level, added up, are the whole image, times the weight."""
    X = images(*shape)
    options = {"weighting": None, "norm": None}
    counts = bag(**options).fit_transform(X)
    fitted = bag(n_levels=3, **options).fit(X)
    Z = fitted.transform(X)
    n_sides = len(shape)
    n_cells = [2 ** (level * n_sides) for level in range(3)]
    assert Z.shape[1] == 6 * sum(n_cells) == len(fitted.get_feature_names_out())
    parts = np.split(Z, np.cumsum(6 * np.array(n_cells))[:-1], axis=1)
    for part, weight in zip(parts, (0.25, 0.25, 0.5), strict=True):
        assert_allclose(part.reshape(len(X), -1, 6).sum(axis=1), weight * counts)


def test_idf_is_that_of_whole_images():
    X = images(12, 12)
    whole, parts = bag().fit(X), bag(n_levels=2, norm=None).fit(X)
    assert_array_equal(parts.idf_, whole.idf_)
    counts = bag(n_levels=2, norm=None, weighting=None).fit_transform(X)
    assert_allclose(parts.transform(X), counts * np.tile(whole.idf_, 5))


def test_images_without_keypoints_have_zero_rows():
    X = blobs(24, 24)
    fitted = bag("sift", n_levels=2).fit(X)
    rows = np.stack([np.zeros((24, 24)), X[0]])
    Z = fitted.transform(rows)
    assert_array_equal(Z[0], 0)
    assert_allclose(np.linalg.norm(Z[1]), 1)
    X[3] = 0.5
    assert_array_equal(bag("sift").fit_transform(X)[3], 0)


# ---------------------------------------------------------------------------
# The vocabulary
# ---------------------------------------------------------------------------


def test_words_are_the_patterns_there_are():
    """Edges of four kinds, and nothing."""
    rows, columns = np.indices((12, 12))
    X = [(rows + 1) // 2 % 2, (columns + 1) // 2 % 2, 0 * rows]
    X = np.array(X, dtype=float)
    bags = {"n_words": 5, "patch_size": 2, "step": 2, "weighting": None, "norm": "l1"}
    fitted = bag(**bags).fit(X)
    edges = {
        (-1, -1, 1, 1),
        (-1, 1, -1, 1),
        (0, 0, 0, 0),
        (1, -1, 1, -1),
        (1, 1, -1, -1),
    }
    assert set(map(tuple, fitted.vocabulary_.round(2) + 0.0)) == edges
    names = [tuple(word) for word in fitted.vocabulary_.round(2)]
    down, across, nothing = fitted.transform(X)
    assert {names[k] for k in np.flatnonzero(down)} == {(-1, -1, 1, 1), (1, 1, -1, -1)}
    assert {names[k] for k in np.flatnonzero(across)} == {
        (-1, 1, -1, 1),
        (1, -1, 1, -1),
    }
    assert_array_equal(down[down > 0], 0.5)
    assert {names[k] for k in np.flatnonzero(nothing)} == {(0, 0, 0, 0)}


@pytest.mark.parametrize("descriptor", ["patch", "texton", *DISCS])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 / 3])
def test_flat_images_have_one_word(descriptor, value):
    X = np.full((4, 9, 9), value)
    with pytest.warns(UserWarning, match="n_words=6 is more than the 1 different"):
        fitted = bag(descriptor).fit(X)
    assert fitted.n_words_ == 1
    assert np.any(fitted.vocabulary_) == (descriptor == "spin")
    assert_array_equal(fitted.transform(X), 1)


def test_more_words_than_descriptors():
    X = images(4, 4, n=3)
    with pytest.warns(UserWarning, match="more than the 12 different .* 12 are kept"):
        fitted = bag(n_words=50, step=1, weighting=None, norm=None).fit(X)
    assert fitted.n_words_ == len(fitted.vocabulary_) == 12
    Z = fitted.transform(X)
    assert Z.shape == (3, 12)
    assert_array_equal(np.sort(Z, axis=1)[:, -4:], 1)  # each patch is a word
    assert_array_equal(Z.sum(axis=0), 1)


def test_contrast_is_that_of_the_images():
    X = images(8, 8)
    fitted = bag().fit(X)
    assert_allclose(fitted.contrast_, X.reshape(12, -1).var(axis=1).mean())
    assert_allclose(fitted._how["floor"], fitted.contrast_ / 1000)
    assert_allclose(bag().fit(as_bytes(X)).contrast_, fitted.contrast_, rtol=1e-2)


@pytest.mark.parametrize("descriptor", ["patch", "texton", *DISCS])
def test_mean_and_unit_do_not_matter(descriptor):
    X = images(9, 9)
    expected = bag(descriptor).fit_transform(X)
    assert_allclose(bag(descriptor).fit_transform(1000 * X + 3e4), expected, atol=1e-9)


def test_vocabulary_is_drawn_from_some_descriptors(monkeypatch):
    drawn = []
    find = BagOfVisualWords._find_vocabulary

    def watched(self, descriptors, rng):
        drawn.append(len(descriptors))
        return find(self, descriptors, rng)

    monkeypatch.setattr(BagOfVisualWords, "_find_vocabulary", watched)
    X = images(10, 10, n=100)
    for n_descriptors, expected in ((30, 30), (10**6, 1600), (500, 500)):
        bag(n_descriptors=n_descriptors).fit(X)
        assert drawn.pop() == expected


def test_seeds():
    X = images(9, 9)
    first, second, other = (
        bag(random_state=seed).fit(X).vocabulary_ for seed in (0, 0, 1)
    )
    assert_array_equal(first, second)
    assert np.abs(first - other).max() > 0.01


# ---------------------------------------------------------------------------
# Forms of images
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("descriptor", ["patch", "texton", "sift", *DISCS])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_forms_of_images_give_the_same_bits(descriptor, n_channels):
    X = blobs(20, 24, n_channels, n=6)
    rows = X.reshape(len(X), -1)
    fitted = bag(descriptor).fit(X)
    assert fitted.image_shape_ == (20, 24, n_channels)
    expected = fitted.transform(X)
    flat = bag(descriptor, image_shape=(20, 24, n_channels)).fit(rows)
    for found in (flat.transform(rows), flat.transform(X), fitted.transform(rows)):
        assert_array_equal(found, expected)
    if n_channels == 1:
        assert_array_equal(bag(descriptor).fit_transform(X[..., 0]), expected)
    assert_array_equal(fitted.transform(np.asfortranarray(X)), expected)


@pytest.mark.parametrize("descriptor", ["patch", "texton", "sift", *DISCS])
def test_bytes_are_read_as_numbers_from_0_to_1(descriptor):
    X = as_bytes(blobs(20, 20, n=6))
    Z = bag(descriptor).fit_transform(X)
    assert Z.dtype == np.float64
    assert_allclose(Z, bag(descriptor).fit_transform(X / 255), atol=1e-12)


def test_precision():
    X = images(9, 9)
    doubles = bag(n_levels=2).fit_transform(X)
    singles = bag(n_levels=2).fit_transform(X.astype(np.float32))
    assert singles.dtype == np.float32
    assert_allclose(singles, doubles, atol=1e-6)
    integers = np.rint(100 * X).astype(int)
    assert bag().fit_transform(integers).dtype == np.float64


@pytest.mark.parametrize("descriptor", ["patch", "texton", "sift", *DISCS])
def test_a_row_is_the_same_in_any_batch(descriptor):
    X = blobs(16, 16, n=150 if descriptor != "sift" else 70)
    fitted = bag(descriptor).fit(X[:20])
    whole = fitted.transform(X)
    for rows in ([0], [3, 66, 5], slice(60, None), slice(None, None, -1)):
        assert_array_equal(fitted.transform(X[rows]), whole[rows])


def test_processes_give_the_same_bits():
    X = blobs(16, 16, n=140)
    for descriptor in ("patch", "sift"):  # in one test, which starts processes once
        one = bag(descriptor, n_descriptors=300).fit(X)
        two = bag(descriptor, n_descriptors=300, n_jobs=2).fit(X)
        assert_array_equal(two.vocabulary_, one.vocabulary_, descriptor)
        assert_array_equal(two.transform(X), one.transform(X), descriptor)


@pytest.mark.parametrize("method", ["fit", "transform"])
def test_bytes_are_not_copied_to_floats(method):
    X = np.random.default_rng(0).integers(256, size=(600, 64, 64), dtype=np.uint8)
    fitted = bag(patch_size=8, step=8, n_descriptors=500).fit(X[:20])
    tracemalloc.start()
    try:
        getattr(fitted, method)(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.5 * 8 * X.size


def test_progress(capsys):
    X = images(9, 9)
    bag(verbose=1).fit(X).transform(X)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "drawing descriptors" in shown.err
    assert "counting words" in shown.err
    bag().fit(X).transform(X)
    assert capsys.readouterr().err == ""


def test_tells_textures_apart():
    """Stripes at any place, across or down, under noise."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    rows, columns = np.indices((16, 16))
    X = np.array(
        [
            np.sin((columns if label else rows) * 1.5 + rng.uniform(0, 6))
            + rng.normal(scale=0.5, size=(16, 16))
            for label in y
        ]
    )
    for descriptor in ("patch", "texton", "gloh"):
        model = make_pipeline(bag(descriptor, n_words=20), LogisticRegression())
        assert model.fit(X[:80], y[:80]).score(X[80:], y[80:]) > 0.9


# ---------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------


# A few patches are all alike.
@pytest.mark.filterwarnings("ignore:n_words=6 is more than the 1")
@pytest.mark.parametrize(
    ("shape", "given", "patch_size"),
    [((9, 5), 6, 5), ((4, 4, 3), 20, 4), ((5,), 6, 5), ((1,), 2, 1)],
)
def test_images_smaller_than_a_patch(shape, given, patch_size):
    X = np.random.default_rng(0).uniform(size=(30, *shape))
    said = (
        f"patch_size={given} is more than X has, .*; patches of side {patch_size} are"
    )
    with pytest.warns(UserWarning, match=said):
        fitted = bag("patch", patch_size=given, step=1).fit(X)
    assert fitted.patch_size_ == patch_size
    if patch_size > 1:
        same = bag("patch", patch_size=patch_size, step=1).fit(X)
        assert_array_equal(fitted.transform(X), same.transform(X))
        assert_array_equal(fitted.vocabulary_, same.vocabulary_)
    else:  # a value less its mean
        assert fitted.n_words_ == 1


@pytest.mark.parametrize(
    ("shape", "descriptor"),
    [((24, 24), "sift"), ((24, 24, 3), "sift"), ((30,), "patch"), ((5, 24), "patch")],
)
def test_descriptors_are_chosen_by_the_images(shape, descriptor):
    X = gaussian_filter(
        np.random.default_rng(0).uniform(size=(30, *shape)), [0, *[1.5] * len(shape)]
    )
    X = (X - X.min()) / (X.max() - X.min())
    given = {"n_words": 6, "patch_size": 3, "random_state": 0}
    auto = BagOfVisualWords(**given).fit(X)
    assert auto.descriptor_ == descriptor
    same = BagOfVisualWords(descriptor, **given).fit(X)
    assert_array_equal(auto.transform(X), same.transform(X))


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((5, 9), {"descriptor": "sift"}, r"at least 6 x 6 .* 5 x 9 \(n_f.*'patch'"),
        ((50,), {"descriptor": "sift"}, "for images, but X has signals, .*'patch'"),
        ((50,), {"descriptor": "rift"}, "'rift' is for images, but .*'patch'"),
        ((9, 9), {"descriptor": "surf"}, "'descriptor' parameter of BagOf"),
        ((9, 9), {"n_words": 0}, "'n_words' parameter of BagOfVisualWords must"),
        ((9, 9), {"patch_size": 1}, "'patch_size' parameter of BagOf"),
        ((9, 9), {"n_levels": 0}, "'n_levels' parameter of BagOf"),
        ((9, 9), {"weighting": "idf"}, "'weighting' parameter of BagOf"),
        ((9, 9), {"sigmas": ()}, r"sigmas must be one or several widths .* got \(\)"),
        ((9, 9), {"sigmas": (1.0, 0.0)}, "sigmas must be .*each above 0"),
        ((9, 9), {"sigmas": ("1",)}, "sigmas must be one or several widths"),
        ((9, 9), {"sigmas": [[1.0]]}, "sigmas must be one or several widths"),
        ((9, 9), {"image_shape": (3, 3)}, r"images of shape \(9, 9\), but image_shape"),
        ((81,), {"image_shape": (9, 8)}, r"rows of 81 values, but .* makes 72"),
    ],
)
def test_bad_input(shape, options, message):
    with pytest.raises(ValueError, match=message):
        bag(**options).fit(images(*shape))


@pytest.mark.parametrize(("low", "high"), [(0, 255), (-1, 1)])
def test_sift_wants_values_from_0_to_1(low, high):
    X = blobs(16, 16)
    fitted = bag("sift").fit(X)
    wrong = low + (high - low) * X
    message = f"X holds values from {low} to {high}, but descriptor='sift' tells"
    with pytest.raises(ValueError, match=message):
        bag("sift").fit(wrong)
    with pytest.raises(ValueError, match="but fit has seen none"):  # another unit
        fitted.transform(wrong)
    with pytest.raises(ValueError, match=r"from 0 to .*, but descriptor='sift'"):
        fitted.transform(1.5 * X)
    bag().fit(wrong)


def test_no_keypoints_at_all():
    with pytest.raises(ValueError, match="No keypoints were found in the 5 images"):
        bag("sift").fit(np.zeros((5, 20, 20)))


def test_scikit_image_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    X = blobs(16, 16)
    message = (
        r"BagOfVisualWords\(descriptor='sift'\) needs scikit-image; install it with: "
        r"pip install 'sklearn-replearn\[image\]'"
    )
    with pytest.raises(ImportError, match=message):
        bag("sift").fit(X)
    for descriptor in ("patch", "texton", *DISCS):
        bag(descriptor).fit(X)


def test_other_images_than_in_fit():
    X = images(8, 9)
    fitted = bag().fit(X)
    with pytest.raises(ValueError, match=r"fit has seen images of shape \(8, 9, 1\)"):
        fitted.transform(images(9, 8))
    with pytest.raises(NotFittedError):
        bag("sift").transform(X)
    with pytest.raises(ValueError, match="contains NaN"):
        fitted.transform(np.full_like(X, np.nan))


def test_a_fit_that_fails_changes_nothing():
    X = images(8, 8)
    fitted = bag().fit(X)
    before = vars(fitted).copy()
    with pytest.raises(ValueError, match="needs at least 6 x 6"):
        fitted.set_params(descriptor="sift").fit(images(2, 2))
    fitted.set_params(descriptor=before["descriptor"])
    assert vars(fitted) == before


def test_parameters_may_change_after_the_fit():
    X = images(9, 9)
    fitted = bag().fit(X)
    expected = fitted.transform(X)
    fitted.set_params(descriptor="sift", patch_size=5, step=1, n_words=2, n_levels=3)
    assert_array_equal(fitted.transform(X), expected)


# ---------------------------------------------------------------------------
# The suite
# ---------------------------------------------------------------------------

KINDS = {
    "texton": ("texton", np.asarray),
    "sift": ("sift", np.asarray),
    "gloh": ("gloh", np.asarray),
    "with channels": ("patch", FORMS["with channels"]),
    "bytes": ("patch", FORMS["bytes"]),
}


@pytest.mark.parametrize("form", KINDS)
def test_our_suite_on_images(form):
    descriptor, convert = KINDS[form]
    X = convert(blobs(12, 12, n=30))
    check_representation_estimator(
        bag(descriptor, n_words=4, sigmas=(1.0,)),
        data=CheckData("image", X[:20], np.arange(20) % 2, X[20:]),
        expected_failed_checks=expected_failures(form),
    )
