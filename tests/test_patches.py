"""Patches, and the filters learned from them, against loops and formulas."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_replearn.image._patches import (
    draw_patches,
    learn_filters,
    normalize_patches,
)

OPTIONS = {"contrast_epsilon": 0.01, "whiten_epsilon": 0.1, "random_state": 0}


def images(n=30, height=9, width=8, n_channels=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, height, width, n_channels)).cumsum(axis=1)


@pytest.fixture(scope="module")
def patches():
    return draw_patches(images(), (3, 4), 2000, 0)


def all_patches(X, height, width):
    return np.array(
        [
            image[row : row + height, column : column + width].ravel()
            for image in X
            for row in range(X.shape[1] - height + 1)
            for column in range(X.shape[2] - width + 1)
        ]
    )


def test_all_patches_are_taken_where_there_are_no_more():
    X = images(n=4)
    expected = all_patches(X, 3, 4)
    assert_array_equal(draw_patches(X, (3, 4), 10_000, 0), expected)
    assert_array_equal(draw_patches(X, (3, 4), len(expected), 0), expected)


def test_some_patches_are_drawn_once_each():
    X = images(n=4)
    known = {row.tobytes() for row in all_patches(X, 3, 4)}
    drawn = [row.tobytes() for row in draw_patches(X, (3, 4), 100, 0)]
    assert len(drawn) == len(set(drawn)) == 100
    assert set(drawn) < known
    others = [row.tobytes() for row in draw_patches(X, (3, 4), 100, 1)]
    assert drawn != others
    places = draw_patches(np.arange(4 * 72.0).reshape(4, 9, 8, 1), (1, 1), 250, 0)
    assert np.unique(places // 72, return_counts=True)[1].min() > 50


def test_patches_of_bytes_are_doubles():
    X = (100 + images(n=3)).astype(np.uint8)
    found = draw_patches(X, (2, 2), 10, 0)
    assert found.dtype == np.float64
    assert found.shape == (10, 8)


def test_normalized_patches(patches):
    found = normalize_patches(patches, 0.3)
    for row, patch in zip(found[:20], patches[:20], strict=True):
        expected = (patch - np.mean(patch)) / np.sqrt(np.var(patch) + 0.3)
        assert_allclose(row, expected)


@pytest.mark.parametrize("method", ["kmeans", "pca"])
def test_whitening(patches, method):
    learned = learn_filters(patches, method, 5, **OPTIONS)
    assert_allclose(learned.epsilon, 0.01 * patches.var(axis=1).mean())
    normal = normalize_patches(patches, learned.epsilon)
    assert_allclose(learned.mean, normal.mean(axis=0))
    covariance = np.cov(normal.T, bias=True)
    d = len(covariance)
    shift = 0.1 * np.trace(covariance) / d
    W = learned.whitening
    assert_allclose(W, W.T, atol=1e-12)
    assert_allclose(W @ W @ (covariance + shift * np.eye(d)), np.eye(d), atol=1e-8)


def test_whitened_patches_have_no_covariance(patches):
    options = OPTIONS | {"whiten_epsilon": 1e-9, "contrast_epsilon": None}
    learned = learn_filters(patches, "pca", None, **options)
    assert learned.epsilon is None
    points = (patches - learned.mean) @ learned.whitening
    assert_allclose(np.cov(points.T, bias=True), np.eye(24), atol=1e-6)


def test_without_whitening(patches):
    learned = learn_filters(patches, "kmeans", 5, **OPTIONS | {"whiten_epsilon": None})
    assert_array_equal(learned.whitening, np.eye(24))


def test_principal_components(patches):
    learned = learn_filters(patches, "pca", None, **OPTIONS)
    V = learned.components
    assert V.shape == (23, 24)  # the brightness has gone
    assert_allclose(V @ V.T, np.eye(23), atol=1e-10)
    normal = normalize_patches(patches, learned.epsilon)
    variances = np.var(normal @ V.T, axis=0)
    assert (np.diff(variances) < 1e-12).all()
    assert_allclose(variances.sum(), np.var(normal, axis=0).sum())
    few = learn_filters(patches, "pca", 4, **OPTIONS)
    assert_array_equal(few.components, V[:4])


def test_centroids_are_means_of_their_patches(patches):
    learned = learn_filters(patches, "kmeans", 6, **OPTIONS)
    normal = normalize_patches(patches, learned.epsilon)
    points = (normal - learned.mean) @ learned.whitening
    distances = np.linalg.norm(points[:, None] - learned.components, axis=2)
    nearest = distances.argmin(axis=1)
    means = np.array([points[nearest == k].mean(axis=0) for k in range(6)])
    # k-means in small batches does not end exactly there.
    assert np.linalg.norm(means - learned.components) < 0.3 * np.linalg.norm(means)
    start = np.square(points).sum()
    assert np.square(distances.min(axis=1)).sum() < 0.9 * start


def test_default_numbers(patches):
    assert len(learn_filters(patches, "kmeans", None, **OPTIONS).components) == 256


@pytest.mark.parametrize("contrast_epsilon", [0.01, None])
def test_folding(patches, contrast_epsilon):
    """The product with a whitened patch, from the patch as it is."""
    options = OPTIONS | {"contrast_epsilon": contrast_epsilon}
    learned = learn_filters(patches, "kmeans", 4, **options)
    filters, biases = learned.folded(learned.components)
    normal, contrast = patches, np.ones((len(patches), 1))
    if contrast_epsilon is not None:
        normal = normalize_patches(patches, learned.epsilon)
        contrast = np.sqrt(patches.var(axis=1, keepdims=True) + learned.epsilon)
    points = (normal - learned.mean) @ learned.whitening
    found = patches @ filters.T / contrast + biases
    assert_allclose(found, points @ learned.components.T, atol=1e-9)


def test_units_do_not_matter(patches):
    learned = learn_filters(patches, "pca", 4, **OPTIONS)
    scaled = learn_filters(1000 * patches, "pca", 4, **OPTIONS)
    assert_allclose(scaled.components, learned.components, atol=1e-8)
    assert_allclose(scaled.whitening, learned.whitening, atol=1e-8)


@pytest.mark.parametrize(
    ("method", "n_filters", "message"),
    [
        ("kmeans", 400, "n_filters=400 is more than the 50 different patches; 50 are"),
        ("pca", 24, "n_filters=24 is more than the 23 directions in which"),
    ],
)
def test_more_filters_than_possible(patches, method, n_filters, message):
    some = np.tile(patches[:50], (3, 1))
    with pytest.warns(UserWarning, match=message):
        learned = learn_filters(some, method, n_filters, **OPTIONS)
    assert len(learned.components) == {"kmeans": 50, "pca": 23}[method]


@pytest.mark.parametrize("method", ["kmeans", "pca"])
@pytest.mark.parametrize("contrast_epsilon", [0.01, None])
def test_alike_patches_are_refused(method, contrast_epsilon):
    options = OPTIONS | {"contrast_epsilon": contrast_epsilon}
    for alike in (np.zeros((9, 4)), np.full((9, 4), 0.1), np.full((1, 4), 7.3)):
        with pytest.raises(ValueError, match="all alike, or all flat"):
            learn_filters(alike, method, 2, **options)
    one = np.arange(4.0)[np.newaxis]
    with pytest.raises(ValueError, match="all alike, or all flat"):
        learn_filters(np.tile(one, (9, 1)), method, 2, **options)


def test_flat_patches_of_several_brightnesses():
    flat = np.tile(np.linspace(0, 1, 50)[:, np.newaxis], (1, 4))
    with pytest.raises(ValueError, match="all flat"):
        learn_filters(flat, "kmeans", 2, **OPTIONS)
    learned = learn_filters(flat, "pca", 1, **OPTIONS | {"contrast_epsilon": None})
    assert_allclose(learned.components, [[0.5] * 4])
