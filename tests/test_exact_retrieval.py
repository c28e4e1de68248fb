"""Retrieval metrics against fractions: the order of true distances, ties included."""

import numpy as np
import pytest
from fractions_of_rows import distances_of

from sklearn_replearn._exact_order import ExactOrder
from sklearn_replearn.metrics import (
    _nearest_hits,
    cumulative_match,
    mean_average_precision_at_r,
    r_precision,
    recall_at_k,
)


def all_hits(X, y, X_gallery=None, y_gallery=None, metric="euclidean"):
    """For each query that has any, whether its neighbours are relevant, in order."""
    alone = X_gallery is None
    gallery, labels = (X, y) if alone else (X_gallery, y_gallery)
    found = []
    for i, row in enumerate(X):
        distances, same = distances_of(row, gallery, metric), labels == y[i]
        others = [j for j in range(len(gallery)) if not (alone and j == i)]
        others.sort(key=lambda j, d=distances, same=same: (d[j], same[j]))
        if same[others].any():
            found.append(same[others])
    return found


def expected_scores(hits, k):
    scores = {"recall": [], "matches": [], "r_precision": [], "map_at_r": []}
    for row in hits:
        n = row.sum()
        scores["recall"].append(row[:k].any())
        scores["matches"].append(np.logical_or.accumulate(row)[:k])
        scores["r_precision"].append(row[:n].mean())
        precisions = row.cumsum() / np.arange(1, len(row) + 1)
        scores["map_at_r"].append((precisions * row)[:n].sum() / n)
    return {name: np.mean(values, axis=0) for name, values in scores.items()}


def check(X, y, k=2, metric="euclidean", X_gallery=None, y_gallery=None):
    options = {"metric": metric, "X_gallery": X_gallery, "y_gallery": y_gallery}
    found = {
        "recall": recall_at_k(X, y, k, **options),
        "matches": cumulative_match(X, y, max_rank=k, **options),
        "r_precision": r_precision(X, y, **options),
        "map_at_r": mean_average_precision_at_r(X, y, **options),
    }
    for name, value in expected_scores(all_hits(X, y, **options), k).items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, err_msg=name)


KINDS = {
    "normal": lambda rng, n, d: rng.standard_normal((n, d)),
    "integers": lambda rng, n, d: rng.integers(-3, 4, (n, d)),
    "tenths": lambda rng, n, d: rng.integers(-3, 4, (n, d)) / 10,
    "far_groups": lambda rng, n, d: (
        rng.standard_normal((n, d))
        + 10 ** rng.uniform(2, 14)
        * rng.standard_normal((3, d))[rng.integers(3, size=n)]
    ),
    "offset": lambda rng, n, d: (
        rng.integers(-2, 3, (n, d)) / 7 + 10 ** rng.uniform(0, 15)
    ),
    "duplicates": lambda rng, n, d: rng.standard_normal((4, d))[
        rng.integers(4, size=n)
    ],
    "opposites": lambda rng, n, d: np.concatenate(
        [half := rng.standard_normal((n // 2, d)), -half, np.zeros((n % 2, d))]
    ),
    "rows_of_all_sizes": lambda rng, n, d: (
        rng.standard_normal((n, d)) * 10 ** rng.uniform(-150, 150, (n, 1))
    ),
    "columns_of_all_sizes": lambda rng, n, d: (
        rng.integers(-2, 3, (n, d)) * 10 ** rng.uniform(-150, 150, d)
    ),
    "last_bits": lambda rng, n, d: 1 + rng.integers(-2, 3, (n, d)) * 2.0**-52,
    "rays": lambda rng, n, d: (
        rng.uniform(0.1, 10, (n, 1))
        * rng.standard_normal((3, d))[rng.integers(3, size=n)]
    ),
    "permutations": lambda rng, n, d: rng.permuted(
        np.tile(0.3 * np.arange(d), (n, 1)), axis=1
    ),
    "numbers_too_far_apart_for_one_unit": lambda rng, n, d: (
        rng.integers(-2, 3, (n, d)) * rng.choice([1e-200, 1, 1e150], (n, d))
    ),
    "queries_far_smaller_than_the_gallery": lambda rng, n, d: (
        rng.integers(-2, 3, (n, d)) * np.where(np.arange(n) < 5, 1e-200, 1e150)[:, None]
    ),
    "constant": lambda rng, n, d: np.full((n, d), 0.1),
}


def draw(kind, rng):
    """Rows of a kind, scaled, and some of them made equal, zero or double."""
    X = KINDS[kind](rng, int(rng.integers(8, 18)), int(rng.integers(1, 6)))
    if X.dtype == int and rng.random() < 0.5:
        return X
    size = np.abs(X).max() or 1
    scales = [size, 10 ** rng.uniform(-150, 150), rng.choice([1.7e308, 1e-307, 5e-320])]
    X = X / size * rng.choice(scales, p=[0.4, 0.4, 0.2])
    if rng.random() < 0.3:
        X = X / (np.abs(X).max() or 1) * 10 ** rng.uniform(-44, 38)
        X = X.astype(np.float32)
    if rng.random() < 0.3:
        X[rng.integers(len(X), size=len(X) // 4)] = X[0]
    if rng.random() < 0.3:
        X[rng.integers(len(X), size=2)] = 0
    if rng.random() < 0.3:
        X[::3] /= 2
    return X


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("kind", KINDS)
def test_random_cases(kind, metric):
    rng = np.random.default_rng(list(KINDS).index(kind))
    for _ in range(12):
        with np.errstate(under="ignore", over="ignore"):
            X = draw(kind, rng)
        y = np.arange(len(X)) % rng.integers(2, 4)
        rng.shuffle(y)
        k = int(rng.integers(1, 4))
        if rng.random() < 0.6:
            check(X, y, k, metric)
        else:
            y[-2:] = 0, 1
            y[:2] = 0, 1
            check(X[:5], y[:5], k, metric, X[5:], y[5:])


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("block", [1, 7])
def test_a_few_queries_at_a_time(metric, block, monkeypatch):
    monkeypatch.setattr(_nearest_hits, "_BLOCK_ROWS", block)
    monkeypatch.setattr(_nearest_hits, "_MIN_BLOCK", 1)
    monkeypatch.setattr(_nearest_hits, "_N_TRIED", block)
    rng = np.random.default_rng(0)
    y = np.sort(rng.integers(4, size=30))
    for X in (
        rng.standard_normal((30, 3)),
        rng.integers(0, 3, (30, 3)) / 10 + rng.choice([0, 1e9], (30, 1)),
        rng.integers(0, 3, (30, 3)),
    ):
        check(X, y, metric=metric)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [1e3, 1e8, 1e12])
def test_groups_that_lie_far_apart(dtype, offset):
    """Near neighbours count wherever their group lies: no center helps them all."""
    rng = np.random.default_rng(1)
    groups, y = rng.integers(3, size=60), rng.integers(4, size=60)
    X = rng.integers(-8, 9, (60, 4)) + 16.0 * y[:, None]
    centers = np.rint(offset * rng.standard_normal((3, 4)))
    check((X + centers[groups]).astype(dtype), y)


def test_many_groups_that_lie_far_apart():
    rng = np.random.default_rng(2)
    groups, y = np.repeat(np.arange(50), 4), np.tile([0, 0, 1, 1], 50)
    X = rng.standard_normal((200, 2)) + 1e9 * rng.standard_normal((50, 2))[groups]
    found = recall_at_k(X, y)
    hits = 0
    for group in range(50):
        rows, labels = X[4 * group : 4 * group + 4], [0, 0, 1, 1]
        for i in range(4):
            d = distances_of(rows[i], rows, "euclidean")
            j = min((j for j in range(4) if j != i), key=d.__getitem__)
            hits += labels[i] == labels[j]
    assert found == pytest.approx(hits / 200)


def test_ties_of_cosines():
    """(1, 2) has the cosines 4/5 with (2, 1) and (4, 2), and 1 with (3, 6)."""
    X = np.array([[1, 2], [2, 1], [4, 2], [3, 6]])
    y = np.array([0, 0, 1, 1])
    for scale in (1, 0.1, 1e-160, 1e150):
        check(X * scale, y, metric="cosine")
    # Cosines that are equal although no row is a multiple of another.
    X = np.array([[3, 4, 0], [4, 3, 0], [0, 3, 4], [4, 0, 3], [3, 0, 4], [1, 1, 1]])
    for scale in (1, 1 / 3, 1e-170):
        check(X * scale, np.array([0, 1, 0, 1, 0, 1]), metric="cosine")


@pytest.mark.parametrize("factor", [1e160, 1e-165, 1e-309, 1e306])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_ends_of_the_number_range(factor, metric):
    rng = np.random.default_rng(3)
    X, y = rng.integers(-9, 10, (40, 3)), np.arange(40) % 3
    check(X * factor, y, metric=metric)


def test_collapses_and_duplicates_are_fast():
    """Thousands of ties: each distinct row is compared once."""
    rng = np.random.default_rng(4)
    y = rng.integers(5, size=4_000)
    row = rng.standard_normal(20)
    for X in (np.tile(row, (4_000, 1)), np.outer(rng.choice([1, 2, 3], 4_000), row)):
        assert mean_average_precision_at_r(X, y, metric="cosine") == 0
    assert mean_average_precision_at_r(np.tile(row, (4_000, 1)), y) == 0
    one_hot = np.eye(20)[rng.integers(20, size=4_000)]
    for metric in ("euclidean", "cosine"):
        tied = mean_average_precision_at_r(one_hot, y, metric=metric)
        moved = mean_average_precision_at_r(one_hot * 0.3, y, metric=metric)
        assert tied == pytest.approx(moved, rel=1e-12)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_equal_rows_of_several_classes(metric):
    """Their order is known, unless another row is as near."""
    rng = np.random.default_rng(6)
    X = rng.integers(-2, 3, (12, 3)) / 10
    X = X[rng.integers(12, size=40)] + np.where(rng.random((40, 1)) < 0.2, 1e-17, 0)
    for y in (np.arange(40) % 3, np.arange(40) % 2):
        check(X, y, metric=metric)
        check(X[:10] + 0.01, y[:10], 3, metric, X, y)


@pytest.mark.parametrize("unit", [0.3, 1 / 3, 1e-200, 3e-310, 1.1e300])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_multiples_of_one_number(unit, metric):
    rng = np.random.default_rng(7)
    X, y = rng.choice([-unit, 0, unit, 2 * unit], (30, 4)), np.arange(30) % 3
    assert _nearest_hits._whole_products(X, X, metric) is not None
    check(X, y, metric=metric)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_bounds_hold(metric):
    """Errors of products are below their bounds, for points far and near."""
    rng = np.random.default_rng(5)
    for scale in (1.0, 1e-3, 1e3):
        X = rng.standard_normal((40, 6)) + scale * rng.standard_normal(6)
        exact = ExactOrder(X, X, metric)
        ((some, products),) = _nearest_hits._products(exact, np.arange(40))
        keys = products.keys(some, np.empty((40, 40)))
        found = keys.view(np.float64)
        bounds = products.errors(some)(found, 0.0)
        for row in (0, 7):
            true, _ = exact._distances(row, np.arange(40))
            assert (np.abs(found[row] - true) <= bounds[row]).all()


def test_whole_numbers_beyond_doubles_are_refused():
    X = np.array([[2**53 + 1], [2**53 + 2], [2**53 + 4]])
    with pytest.raises(ValueError, match=r"X has whole numbers above 2\*\*53"):
        recall_at_k(X, [0, 0, 1])
