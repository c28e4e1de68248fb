"""RetrievalDisplay: which neighbours are drawn, their frames, and bad input."""

import numpy as np
import pytest
from fractions_of_rows import distances_of
from sklearn.datasets import load_digits

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.plotting import RetrievalDisplay

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:200], y[:200]


def nearest_by_loop(Z, row, n_neighbors, gallery=None):
    distances = np.linalg.norm((Z if gallery is None else gallery) - Z[row], axis=1)
    if gallery is None:
        distances[row] = np.inf
    return np.argsort(distances, kind="stable")[:n_neighbors]


def test_neighbours_are_the_nearest_others(digits):
    X, y = digits
    pca = ScaledPCA(8, with_std=False).fit(X)
    display = RetrievalDisplay.from_estimator(
        pca, X, y, rows=[3, 50, 120], n_neighbors=5, image_shape=(8, 8)
    )
    Z = pca.transform(X)
    expected = [nearest_by_loop(Z, row, 5) for row in (3, 50, 120)]
    np.testing.assert_array_equal(display.neighbor_rows, expected)
    np.testing.assert_array_equal(display.query_rows, [3, 50, 120])
    right = y[np.array(expected)] == y[[3, 50, 120]][:, None]
    np.testing.assert_array_equal(display.right_, right)
    assert len(display.frames_) == 15
    colors = {frame.get_edgecolor() for frame in display.frames_}
    assert len(colors) == len(np.unique(right))
    assert display.legend_ is not None
    assert display.figure_ is display.ax_.figure


def test_a_gallery_is_looked_up(digits):
    X, y = digits
    display = RetrievalDisplay.from_embedding(
        X[:20],
        X[:20],
        y[:20],
        Z_gallery=X[20:],
        X_gallery=X[20:],
        y_gallery=y[20:],
        n_queries=4,
        n_neighbors=3,
        image_shape=(8, 8),
        random_state=0,
    )
    for row, found in zip(display.query_rows, display.neighbor_rows, strict=True):
        np.testing.assert_array_equal(found, nearest_by_loop(X[:20], row, 3, X[20:]))


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_the_order_is_that_of_the_true_distances(metric):
    """Of equal ones, other classes come first, and then the first row."""
    rng = np.random.default_rng(0)
    y = np.arange(30) % 3
    for Z in (
        rng.integers(-2, 3, (30, 3)) + 1e9 * rng.integers(-1, 2, (30, 1)),
        rng.integers(-2, 3, (30, 3)) / 10,
        rng.integers(-2, 3, (30, 3)) * 1e-170,
        (rng.integers(-2, 3, (30, 3)) * 1e36).astype(np.float32),
    ):
        for labels in (None, y):
            display = RetrievalDisplay.from_embedding(
                Z, Z, labels, rows=[0, 7, 29], n_neighbors=6, metric=metric
            )
            for row, found in zip((0, 7, 29), display.neighbor_rows, strict=True):
                distances = distances_of(Z[row], Z, metric)
                if metric == "cosine" and not Z[row].any():
                    distances = [0] * 30
                others = sorted(
                    (j for j in range(30) if j != row),
                    key=lambda j, d=distances, i=row: (
                        d[j],
                        labels is not None and y[j] == y[i],
                    ),
                )
                np.testing.assert_array_equal(found, others[:6])


def test_without_labels_there_is_no_right_or_wrong(digits):
    X, _ = digits
    display = RetrievalDisplay.from_embedding(X, X, image_shape=(8, 8))
    assert display.right_ is None
    assert display.legend_ is None


def test_rows_that_are_no_images_are_curves(digits):
    X, y = digits
    display = RetrievalDisplay.from_embedding(X, X, y, n_queries=2, n_neighbors=3)
    assert display.image_ is None
    assert len(display.panels_) == 8


def test_queries_are_the_same_for_one_seed(digits):
    X, y = digits
    rows = [
        RetrievalDisplay.from_embedding(X, X, y, random_state=seed).query_rows.tolist()
        for seed in (0, 0, 1)
    ]
    assert rows[0] == rows[1] != rows[2]


def test_no_more_neighbours_than_there_are(digits):
    X, y = digits
    display = RetrievalDisplay.from_embedding(
        X[:4], X[:4], y[:4], n_queries=9, n_neighbors=9
    )
    assert display.neighbor_rows.shape == (4, 3)


def test_bad_input_is_refused(digits):
    X, y = digits
    draw = RetrievalDisplay.from_embedding
    for arguments, options, message in (
        ((X, X, y[1:]), {}, "199|length|inconsistent"),
        ((X[:, :5], X, y), {"Z_gallery": X, "X_gallery": X, "y_gallery": y}, "columns"),
        ((X, X, y), {"metric": "l1"}, "metric"),
        ((X, X, y), {"n_queries": 0}, "n_queries"),
        ((X, X, y), {"n_neighbors": 1.5}, "n_neighbors"),
        ((X, X, y), {"rows": [500]}, "rows|500"),
        ((X * np.nan, X, y), {}, "NaN|finite"),
        ((X[:1], X[:1], y[:1]), {}, "one row"),
        ((X, X, y), {"image_shape": (9, 9)}, "81|shape"),
    ):
        with pytest.raises(ValueError, match=message):
            draw(*arguments, **options)
