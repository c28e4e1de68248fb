"""The exact search of EmbeddingIndex against loops, where rounding is hardest."""

import numpy as np
import pytest

from sklearn_replearn.retrieval import EmbeddingIndex, _exact_search
from sklearn_replearn.retrieval._exact_search import ExactSearch, Groups

METRICS = ["cosine", "euclidean", "dot"]


def in_order(queries, items, metric):
    """Positions of all items, the nearest first, by one distance after another."""
    queries, items = queries.astype(np.longdouble), items.astype(np.longdouble)
    found = []
    for query in queries:
        if metric == "euclidean":
            far = ((items - query) ** 2).sum(axis=1)
        elif metric == "dot":
            far = -(items * query).sum(axis=1)
        else:
            lengths = np.sqrt((items**2).sum(axis=1))
            far = -(items * query).sum(axis=1) / np.where(lengths == 0, 1, lengths)
        found.append(np.argsort(far, kind="stable"))
    return np.array(found)


def search(queries, items, metric, k, n_jobs=None):
    return ExactSearch(items, metric, n_jobs).nearest(items, queries, k)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_scores", [1, 500, 1 << 20])
@pytest.mark.parametrize(("n", "d", "k"), [(1, 3, 1), (7, 1, 7), (900, 4, 3)])
def test_the_nearest_in_order(metric, dtype, n_scores, n, d, k, monkeypatch):
    monkeypatch.setattr(_exact_search, "N_SCORES", n_scores)
    monkeypatch.setattr(_exact_search, "N_QUERIES", 16)
    rng = np.random.default_rng(n)
    items = rng.normal(size=(n, d)).astype(dtype)
    queries = rng.normal(size=(40, d)).astype(dtype)
    expected = in_order(queries, items, metric)[:, :k]
    for n_jobs in (None, 2):
        found = search(queries, items, metric, k, n_jobs)
        if d == 1 and metric == "cosine":  # only two directions: many ties
            cosines = np.sign(items[found, 0]) * np.sign(queries)
            assert (np.diff(cosines, axis=1) <= 0).all()
        else:
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("metric", METRICS)
def test_products_of_single_precision_do_not_decide(metric):
    rng = np.random.default_rng(0)
    # A thousand items whose products differ in the last bits or below.
    items = np.ones((1000, 8)) + 1e-7 * rng.integers(-3, 4, size=(1000, 8))
    items = items.astype(np.float32)
    queries = np.ones((5, 8), np.float32) + rng.normal(size=(5, 8)).astype(np.float32)
    found = search(queries, items, metric, 20)
    np.testing.assert_array_equal(found, in_order(queries, items, metric)[:, :20])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("unit", [1e-42, 1e-30, 1e15, 1e30])
def test_any_unit_of_single_precision(metric, unit):
    rng = np.random.default_rng(0)
    lengths = rng.exponential(size=(300, 1)) + 0.1
    items = (unit * lengths * rng.normal(size=(300, 5))).astype(np.float32)
    items[[3, 50]] = 0
    queries = (unit * rng.normal(size=(4, 5))).astype(np.float32)
    found = search(queries, items, metric, 9)
    np.testing.assert_array_equal(found, in_order(queries, items, metric)[:, :9])


@pytest.mark.parametrize("metric", METRICS)
def test_few_items_that_are_much_longer(metric):
    rng = np.random.default_rng(0)
    items = rng.normal(size=(500, 6)).astype(np.float32)
    items[::100] *= 1e6
    queries = rng.normal(size=(8, 6)).astype(np.float32)
    found = search(queries, items, metric, 12)
    np.testing.assert_array_equal(found, in_order(queries, items, metric)[:, :12])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distances_far_from_zero(dtype):
    rng = np.random.default_rng(0)
    offset = 1e4 if dtype == np.float32 else 1e9
    items = (offset + rng.normal(size=(2000, 5))).astype(dtype)
    queries = (offset + rng.normal(size=(30, 5))).astype(dtype)
    index = ExactSearch(items, "euclidean", None)
    assert index.center is not None
    found = index.nearest(items, queries, 6)
    np.testing.assert_array_equal(found, in_order(queries, items, "euclidean")[:, :6])


@pytest.mark.parametrize("metric", METRICS)
def test_of_equal_items_the_first_comes_first(metric):
    rng = np.random.default_rng(0)
    items = np.tile(rng.normal(size=(10, 4)), (30, 1)).astype(np.float32)
    [nearest] = search(items[[3]], items, metric, 8)
    best = in_order(items[[3]], items, metric)[0, :8]
    np.testing.assert_array_equal(nearest, best)
    assert (np.diff(nearest) == 10).all()


@pytest.mark.parametrize("metric", METRICS)
def test_a_query_finds_the_same_whatever_else_is_asked(metric):
    rng = np.random.default_rng(0)
    items = rng.integers(-2, 3, size=(3000, 4)).astype(np.float32)  # many ties
    index = EmbeddingIndex(metric=metric).fit(items)
    queries = rng.integers(-2, 3, size=(50, 4)).astype(np.float32)
    distances, positions = index.kneighbors(queries, 7)
    for i in range(50):
        [distance], [position] = index.kneighbors(queries[[i]], 7)
        np.testing.assert_array_equal(position, positions[i])
        np.testing.assert_array_equal(distance, distances[i])


@pytest.mark.parametrize(
    ("n_items", "k"),
    [(1, 1), (2, 2), (63, 2), (64, 50), (65, 65), (1000, 1), (1000, 50), (1000, 1000)],
)
@pytest.mark.parametrize("n_queries", [1, 128])
def test_every_item_is_in_one_group(n_items, k, n_queries, monkeypatch):
    monkeypatch.setattr(_exact_search, "N_SCORES", 4000)
    groups = Groups(n_items, n_queries, k, 3)
    members = [groups.members(np.array([group])) for group in range(groups.n)]
    assert sorted(np.concatenate(members).tolist()) == list(range(n_items))
    assert sum(len(those) > 0 for those in members) >= k
    values = np.arange(1.0, n_items + 1)
    for those, largest in zip(members, groups.largest(values), strict=True):
        assert largest == values[those].max(initial=0)
    for number in range(groups.n_blocks):
        items = np.full(groups.n_in_block, n_items)
        some = np.arange(n_items)[groups.block(number)]
        items[: len(some)] = some
        stacked = groups.stacked(items[np.newaxis])[0].T
        for group, column in zip(
            range(groups.n)[groups.of_block(number)], stacked, strict=True
        ):
            np.testing.assert_array_equal(column[column < n_items], members[group])


@pytest.mark.parametrize(
    ("metric", "items", "query"),
    [
        ("cosine", [[0, 1e-42], [0.9, 0.43], [0.8, 0.6], [-1, 0]], [1, 0]),
        ("dot", [[1e30, -1e30], [3, 1], [2, 1], [-1, 0]], [1e10, 1e10]),
        ("dot", [[-1e30, 1.5e30], [3, 1], [2, 1], [-1, 0]], [1e10, 1e10]),
        ("cosine", [[-3e38, 3.4e38], [1, -0.9], [1, -0.8], [-1, 0]], [1, 1]),
    ],
)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_overflow_in_single_precision_hides_nothing(metric, items, query, k):
    items, query = np.array(items, np.float32), np.array([query], np.float32)
    scores = items.astype(float) @ query[0].astype(float)
    if metric == "cosine":
        scores /= np.linalg.norm(items.astype(float), axis=1)
    found = ExactSearch(items, metric, None).nearest(items, query, k)
    np.testing.assert_array_equal(found[0], np.argsort(-scores)[:k])
