"""EmbeddingIndex against loops over all items, and what it promises."""

import pickle
import sys

import joblib
import numpy as np
import pytest
from near import assert_near
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.graph import path_lengths
from sklearn_replearn.multiview import RegularizedCCA
from sklearn_replearn.retrieval import EmbeddingIndex
from sklearn_replearn.text import LSA

RNG = np.random.default_rng(0)
ITEMS = RNG.normal(size=(120, 5)) * RNG.exponential(size=(120, 1))
QUERIES = RNG.normal(size=(9, 5))
QUERIES_OF_8 = RNG.normal(size=(3, 8))
METRICS = ["cosine", "euclidean", "dot"]
METHODS = ["exact", "hnsw"]
TEXTS = ["cats purr", "dogs bark", "stars shine at night", "cats and dogs"]


def loop(queries, items, metric):
    """Distances of all queries and items."""
    found = np.empty((len(queries), len(items)))
    for i, q in enumerate(np.asarray(queries, dtype=float)):
        for j, x in enumerate(np.asarray(items, dtype=float)):
            if metric == "euclidean":
                found[i, j] = np.sqrt(((q - x) ** 2).sum())
            elif metric == "dot":
                found[i, j] = -(q @ x)
            else:
                length = np.linalg.norm(q) * np.linalg.norm(x)
                found[i, j] = 1 - (q @ x / length if length else 0.0)
    return found


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neighbors_by_a_loop(metric, method, dtype):
    items, queries = ITEMS.astype(dtype), QUERIES.astype(dtype)
    index = EmbeddingIndex(metric=metric, method=method).fit(items)
    found, positions = index.kneighbors(queries, 7)
    expected = loop(queries, items, metric)
    assert found.dtype == dtype
    np.testing.assert_array_equal(positions, np.argsort(expected, 1)[:, :7])
    tolerance = {"rtol": 1e-5, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-9}
    np.testing.assert_allclose(found, np.sort(expected, 1)[:, :7], **tolerance)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("method", METHODS)
def test_an_item_is_no_neighbor_of_itself(metric, method):
    items = np.vstack([ITEMS[:40], ITEMS[:3], np.zeros((2, 5))])  # equal ones too
    index = EmbeddingIndex(metric=metric, method=method).fit(items)
    found, positions = index.kneighbors(n_neighbors=4)
    expected = loop(items, items, metric)
    np.fill_diagonal(expected, np.inf)
    assert not (positions == np.arange(len(items))[:, np.newaxis]).any()
    np.testing.assert_allclose(found, np.sort(expected, 1)[:, :4], atol=1e-6)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_sparse_vectors(metric):
    dense = np.where(np.abs(ITEMS) > 0.5, ITEMS, 0)
    index = EmbeddingIndex(metric=metric).fit(sparse.csr_matrix(dense))
    found = index.kneighbors(sparse.csr_matrix(dense[:9]), 6, return_distance=True)[0]
    expected = np.sort(loop(dense[:9], dense, metric), 1)[:, :6]
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_the_graph_holds_distances_or_ones():
    index = EmbeddingIndex(n_neighbors=3).fit(ITEMS)
    found, positions = index.kneighbors(QUERIES)
    graph = index.kneighbors_graph(QUERIES)
    assert graph.shape == (9, 120)
    for i in range(9):
        np.testing.assert_array_equal(graph[i].indices, positions[i])
        np.testing.assert_array_equal(graph[i].data, found[i])
    ones = index.kneighbors_graph(QUERIES, mode="connectivity")
    assert set(ones.data) == {1.0}
    assert index.transform(ITEMS).getnnz(axis=1).tolist() == [4] * 120
    index.set_params(mode="connectivity")
    assert index.transform(ITEMS).getnnz(axis=1).tolist() == [3] * 120


@pytest.mark.parametrize("method", METHODS)
def test_a_classifier_of_neighbors_in_a_pipeline(method):
    X, y = load_digits(return_X_y=True)
    index = EmbeddingIndex(PCA(20, random_state=0), method=method, n_neighbors=5)
    model = make_pipeline(index, KNeighborsClassifier(5, metric="precomputed"))
    model.fit(X[:1000], y[:1000])
    assert model.score(X[1000:], y[1000:]) > 0.93
    direct = make_pipeline(
        PCA(20, random_state=0), KNeighborsClassifier(5, metric="cosine")
    )
    direct.fit(X[:1000], y[:1000])
    assert (model.predict(X[1000:]) == direct.predict(X[1000:])).mean() > 0.99
    grid = {"embeddingindex__embedder__n_components": [5, 20]}
    search = GridSearchCV(model, grid, cv=2, n_jobs=2).fit(X[:400], y[:400])
    assert search.best_params_["embeddingindex__embedder__n_components"] == 20


def test_paths_in_the_graph_of_neighbors():
    circle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    points = np.column_stack([np.cos(circle), np.sin(circle)])
    index = EmbeddingIndex(metric="euclidean", n_neighbors=2).fit(points)
    lengths = path_lengths(index.kneighbors_graph(), weighted=True)
    assert lengths[0, 30] == pytest.approx(np.pi, rel=0.01)  # half way round


def test_search_adds_unit_vectors():
    index = EmbeddingIndex().fit(ITEMS)
    units = ITEMS / np.linalg.norm(ITEMS, axis=1, keepdims=True)
    a, b, c = (v / np.linalg.norm(v) for v in QUERIES[:3])
    total = a + 0.5 * b - c
    cosines = units @ total / np.linalg.norm(total)
    found = index.search([QUERIES[0], (QUERIES[1], 0.5)], QUERIES[2], topn=4)
    best = np.argsort(-cosines)[:4]
    assert [position for position, _ in found] == best.tolist()
    np.testing.assert_allclose([value for _, value in found], cosines[best])


def test_search_by_items_leaves_these_out():
    index = EmbeddingIndex(metric="dot").fit(ITEMS)
    total = ITEMS[3] + 2 * ITEMS[-1]
    products = ITEMS @ total
    products[[3, 119]] = -np.inf
    found = index.search([3, (-1, 2.0)], topn=5)
    best = np.argsort(-products)[:5]
    assert [position for position, _ in found] == best.tolist()
    np.testing.assert_allclose([value for _, value in found], products[best])
    assert len(index.search(0, topn=500)) == 119


def test_search_by_distances_takes_the_mean():
    index = EmbeddingIndex(metric="euclidean").fit(ITEMS)
    middle = (ITEMS[0] + 3 * ITEMS[1]) / 4
    lengths = np.linalg.norm(ITEMS - middle, axis=1)
    lengths[:2] = np.inf
    found = index.search([0, (1, 3)], topn=3)
    assert [position for position, _ in found] == np.argsort(lengths)[:3].tolist()


def test_texts():
    index = EmbeddingIndex(LSA(3, random_state=0)).fit(TEXTS)
    assert index.search("stars", topn=1)[0][0] == 2
    assert index.search(["cats", "dogs"], topn=1)[0][0] == 3
    assert index.kneighbors(["bark", "night"], 1)[1].tolist() == [[1], [2]]
    words = EmbeddingIndex(TfidfVectorizer()).fit(TEXTS)
    assert words.search("shine", topn=1) == [(2, pytest.approx(0.5))]


def test_queries_of_the_second_view_find_items_of_the_first():
    images = load_digits().images
    left, right = images[:, :, :4].reshape(-1, 32), images[:, :, 4:].reshape(-1, 32)
    cca = RegularizedCCA(15).fit(left[:1000], right[:1000])
    frozen = FrozenEstimator(cca)
    index = EmbeddingIndex(frozen).fit(left[1000:])
    found = index.kneighbors(right[1000:], 1, return_distance=False, view="y")
    expected = np.argmax(
        cosines(cca.transform_y(right[1000:]), cca.transform(left[1000:])), axis=1
    )
    np.testing.assert_array_equal(found[:, 0], expected)
    halves = EmbeddingIndex(RegularizedCCA(15), items="y").fit(left, right)
    assert_near(halves.vectors_, halves.embedder_.transform_y(right))
    assert halves.search(left[5], view="x", topn=3)


def cosines(A, B):
    A, B = (M / np.linalg.norm(M, axis=1, keepdims=True) for M in (A, B))
    return A @ B.T


def test_two_views_at_the_end_of_a_pipeline():
    images = load_digits().images[:300]
    left, right = images[:, :, :4].reshape(-1, 32), images[:, :, 4:].reshape(-1, 32)
    pipe = make_pipeline(ScaledPCA(20), RegularizedCCA(10))
    index = EmbeddingIndex(pipe).fit(left, right)
    own = EmbeddingIndex().fit(index.embedder_.transform(left))
    _, expected = own.kneighbors(index.embedder_[-1].transform_y(right), 3)
    _, found = index.kneighbors(right, 3, view="y")
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("method", METHODS)
def test_saved_and_loaded(method, tmp_path):
    index = EmbeddingIndex(method=method).fit(ITEMS)
    joblib.dump(index, tmp_path / "index.joblib")
    for again in (
        pickle.loads(pickle.dumps(index)),
        joblib.load(tmp_path / "index.joblib"),
    ):
        for part, other in zip(
            again.kneighbors(QUERIES), index.kneighbors(QUERIES), strict=True
        ):
            np.testing.assert_array_equal(part, other)
    assert not hasattr(clone(index), "vectors_")


def test_among_many_items_hnsw_finds_nearly_all():
    centers = RNG.normal(size=(50, 16))
    items = centers[RNG.integers(50, size=5000)] + RNG.normal(size=(5000, 16))
    queries = items[:100] + 0.1
    exact = EmbeddingIndex().fit(items).kneighbors(queries, return_distance=False)
    hnsw = EmbeddingIndex(method="hnsw").fit(items)
    found = hnsw.kneighbors(queries, return_distance=False)
    recall = np.mean([np.isin(a, b).mean() for a, b in zip(found, exact, strict=True)])
    assert recall > 0.95
    assert hnsw.kneighbors(queries[:2], 300)[1].shape == (2, 300)


def test_where_the_graph_leads_to_too_few_items_all_are_compared(monkeypatch):
    # Graphs of equal items may fall apart.
    items = np.repeat(RNG.normal(size=(3, 8)), 500, axis=0)[RNG.permutation(1500)]
    index = EmbeddingIndex(method="hnsw").fit(items)
    for queries in (items[:1], items[:4]):
        positions = index.kneighbors(queries, 1400, return_distance=False)
        assert all(len(set(row)) == 1400 for row in positions.tolist())
        assert positions.min() >= 0

    def lost(items, queries, k):
        found = np.tile(np.arange(k), (len(queries), 1))
        found[1, 2:] = -1
        return found

    monkeypatch.setattr(index._engine, "nearest", lost)
    _, positions = index.kneighbors(QUERIES_OF_8, 20)
    expected = EmbeddingIndex().fit(items).kneighbors(QUERIES_OF_8, 20)[1]
    np.testing.assert_array_equal(positions[1], expected[1])
    assert sorted(positions[0].tolist()) == list(range(20))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("unit", [1e-60, 1e60])
def test_hnsw_at_any_unit_and_far_from_zero(metric, unit):
    items = unit * (ITEMS + 1e8 * (metric == "euclidean"))
    queries = unit * (QUERIES + 1e8 * (metric == "euclidean"))
    index = EmbeddingIndex(metric=metric, method="hnsw").fit(items)
    expected = EmbeddingIndex(metric=metric).fit(items).kneighbors(queries, 7)[1]
    np.testing.assert_array_equal(index.kneighbors(queries, 7)[1], expected)


@pytest.mark.parametrize("metric", METRICS)
def test_vectors_are_saved_once(metric, tmp_path):
    items = RNG.normal(size=(1000, 50))
    joblib.dump(EmbeddingIndex(metric=metric).fit(items), tmp_path / "index.joblib")
    assert (tmp_path / "index.joblib").stat().st_size < 1.1 * items.nbytes


def test_without_usearch(monkeypatch):
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(ImportError, match=r"'sklearn-replearn\[search\]'"):
        EmbeddingIndex(method="hnsw").fit(ITEMS)
