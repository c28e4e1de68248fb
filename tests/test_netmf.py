"""NetMF against the paper's formula in slow loops, on directed graphs, in blocks."""

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.graph import NetMF, _netmf
from sklearn_replearn.graph._netmf import stationary_vectors

KARATE = nx.to_scipy_sparse_array(nx.karate_club_graph(), weight=None, dtype=float)
WEIGHTED = nx.to_scipy_sparse_array(nx.karate_club_graph(), dtype=float)
CLUBS = [club == "Officer" for _, club in nx.karate_club_graph().nodes(data="club")]


def log_matrix_by_loops(A, window, negative):
    """Equation 3 of Qiu et al. entry by entry; the volume is the sum of A."""
    A = A.toarray()
    n = len(A)
    volume = sum(A[i, j] for i in range(n) for j in range(n))
    out_degree = [sum(A[i, j] for j in range(n)) for i in range(n)]
    in_degree = [sum(A[i, j] for i in range(n)) for j in range(n)]
    P = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if out_degree[i] > 0:
                P[i, j] = A[i, j] / out_degree[i]
    powers = [np.linalg.matrix_power(P, r) for r in range(1, window + 1)]
    logs = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if in_degree[j] > 0:
                total = sum(power[i, j] for power in powers)
                entry = volume / (negative * window) * total / in_degree[j]
                logs[i, j] = np.log(max(entry, 1))
    return logs


def directed_graph():
    """Edges one way, with a node that none leaves and one that none enters."""
    graph = np.triu(KARATE.toarray()) + np.eye(34, k=-2)
    graph[5] = 0
    graph[:, 7] = 0
    return sparse.csr_array(graph)


@pytest.mark.filterwarnings("ignore:1 of 34 nodes have in-edges but")  # a sink
@pytest.mark.parametrize("graph", [KARATE, WEIGHTED, directed_graph()])
@pytest.mark.parametrize(("window", "negative"), [(1, 1.0), (3, 1.0), (10, 2.5)])
def test_exact_matrix(graph, window, negative):
    logs = log_matrix_by_loops(graph, window, negative)
    netmf = NetMF(5, window=window, negative=negative, method="exact", random_state=0)
    E = netmf.fit_transform(graph)
    assert_array_equal(E.any(axis=1), logs.any(axis=1))
    U, s, Vt = np.linalg.svd(logs)
    assert_allclose(netmf.singular_values_, s[:5], rtol=1e-10)
    assert_allclose(E @ E.T, (U[:, :5] * s[:5]) @ U[:, :5].T, atol=1e-9)
    assert_allclose(
        netmf.components_.T @ netmf.components_,
        (Vt[:5].T / s[:5]) @ Vt[:5],
        atol=1e-9,
    )


def test_the_first_entries_of_the_karate_club():
    """Worked out by hand for T = 1: 156 / (16 * 9) from node 0 to node 1."""
    logs = log_matrix_by_loops(KARATE, 1, 1.0)
    assert logs[0, 1] == pytest.approx(np.log(156 / (16 * 9)))
    assert logs[0, 11] == pytest.approx(np.log(156 / (16 * 1)))
    assert logs[0, 33] == 0


@pytest.mark.parametrize("graph", [KARATE, WEIGHTED])
def test_all_eigenpairs_are_exact(graph):
    exact = NetMF(4, window=5, method="exact", random_state=0).fit(graph)
    spectral = NetMF(4, window=5, method="spectral", rank=34, random_state=0).fit(graph)
    assert_allclose(spectral.singular_values_, exact.singular_values_, rtol=1e-5)
    assert_allclose(spectral.embedding_, exact.embedding_, atol=1e-4)


@pytest.mark.parametrize("method", ["exact", "spectral"])
def test_row_formula_of_a_new_node(method):
    rank, window = 7, 4
    netmf = NetMF(3, window=window, method=method, rank=rank, random_state=0)
    netmf.fit(WEIGHTED)
    a = np.zeros(34)
    a[[2, 7, 30]] = 1, 2, 0.5
    A, d = WEIGHTED.toarray(), WEIGHTED.sum(axis=1)
    if method == "exact":
        P = A / d[:, np.newaxis]
        total = sum(np.linalg.matrix_power(P, r) for r in range(window)) / d
    else:
        scale = 1 / np.sqrt(d)
        w, W = np.linalg.eigh(scale[:, np.newaxis] * A * scale)
        w, W = w[-rank:], W[:, -rank:]
        filtered = sum(w**r for r in range(window))
        total = (scale[:, np.newaxis] * W * filtered) @ (W.T * scale)
    row = d.sum() / window * (a / a.sum()) @ total
    expected = np.log(np.maximum(row, 1)) @ netmf.components_.T
    assert_allclose(netmf.transform([a])[0], expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore:1 of 34 nodes have in-edges but")  # a sink
def test_auto_chooses_by_size_and_direction(monkeypatch):
    for graph, limit, method in (
        (KARATE, 34, "exact"),
        (KARATE, 33, "spectral"),
        (directed_graph(), 33, "exact"),
    ):
        monkeypatch.setattr(_netmf, "EXACT_NODES", limit)
        auto = NetMF(2, rank=5, random_state=0).fit_transform(graph)
        expected = NetMF(2, rank=5, method=method, random_state=0).fit_transform(graph)
        assert_array_equal(auto, expected)


@pytest.mark.filterwarnings("ignore:1 of 34 nodes have in-edges but")  # a sink
def test_directed_edges_keep_their_meaning():
    graph = directed_graph()
    netmf = NetMF(4, window=3, random_state=0).fit(graph)
    assert not netmf.embedding_[5].any()  # no edge leaves it
    assert netmf.embedding_[7].any()  # none enters it
    other_way = NetMF(4, window=3, random_state=0).fit(graph.T)
    assert not other_way.embedding_[7].any()
    assert other_way.embedding_[5].any()
    with pytest.raises(ValueError, match="the adjacency is not symmetric; pass X"):
        NetMF(4, method="spectral").fit(graph)


@pytest.mark.parametrize("method", ["exact", "spectral"])
def test_blocks_that_are_not_kept_give_the_same(method, monkeypatch):
    graph = nx.to_scipy_sparse_array(nx.gnp_random_graph(600, 0.02, seed=0))
    netmf = NetMF(4, method=method, rank=20, random_state=0)
    kept = netmf.fit_transform(graph)
    one_block = _netmf.BLOCK * 600 * 8
    for limit in (0, one_block):
        monkeypatch.setattr(_netmf, "KEPT_BYTES", limit)
        atol = 1e-5 * np.abs(kept).max()
        assert_allclose(netmf.fit_transform(graph), kept, rtol=0, atol=atol)


def test_single_precision_rows_do_not_depend_on_their_neighbours():
    graph = nx.to_scipy_sparse_array(nx.gnp_random_graph(700, 0.02, seed=0))
    netmf = NetMF(8, method="spectral", rank=40, random_state=0).fit(graph)
    order = np.random.default_rng(0).permutation(700)
    atol = 1e-5 * np.abs(netmf.embedding_).max()
    assert_allclose(
        netmf.transform(graph[order]), netmf.embedding_[order], rtol=0, atol=atol
    )
    for i in (0, 300, 699):
        assert_allclose(
            netmf.transform(graph[[i]])[0], netmf.embedding_[i], rtol=0, atol=atol
        )


@pytest.mark.parametrize("unit", [1e-309, 1e-16, 1e160, 1e306])
def test_a_large_directed_graph_in_any_unit(unit, monkeypatch):
    """A graph that is taken for undirected would go the other way."""
    monkeypatch.setattr(_netmf, "EXACT_NODES", 100)
    rng = np.random.default_rng(0)
    graph = sparse.random_array((150, 150), density=0.05, rng=rng)
    graph = sparse.csr_array(graph + sparse.eye_array(150))
    one, other = (NetMF(4, window=3, random_state=0).fit(graph * c) for c in (1, unit))
    assert_allclose(other.singular_values_, one.singular_values_, rtol=1e-11)
    assert_allclose(other.embedding_, one.embedding_, atol=1e-9)


def test_the_rank_follows_the_precision_of_the_weights():
    """Rows that are multiples of each other but for rounding errors."""
    rng = np.random.default_rng(0)
    graph = np.outer(rng.uniform(0.1, 1, size=20), rng.uniform(0.1, 1, size=20))
    graph = np.kron(np.eye(3), graph)
    for dtype in (np.float64, np.float32):
        with pytest.warns(UserWarning, match="than the 3 that the data allow"):
            netmf = NetMF(9, window=1, random_state=0).fit(graph.astype(dtype))
        assert netmf.n_components_ == 3


def test_a_graph_where_nothing_is_near():
    complete = np.ones((6, 6))
    with pytest.warns(UserWarning, match="no pair of nodes is nearer than by chance"):
        E = NetMF(2).fit_transform(complete)
    assert E.shape == (6, 2)
    assert not E.any()


@pytest.mark.parametrize("method", ["exact", "spectral"])
@pytest.mark.parametrize("unit", [1, 1e-12, 3, 7e5])
@pytest.mark.parametrize(
    "adjacency",
    [
        np.array([[0, 1], [1, 0]]),
        nx.to_numpy_array(nx.star_graph(6)),
        nx.to_numpy_array(nx.complete_bipartite_graph(4, 7)),
        np.outer(np.linspace(0.1, 5, 9), np.linspace(0.1, 5, 9)),
    ],
)
def test_rounding_errors_are_no_nearness(adjacency, unit, method):
    """All entries of M are 1 but for rounding, and their logarithms 0."""
    with pytest.warns(UserWarning, match="no pair of nodes is nearer than by chance"):
        E = NetMF(2, window=2, method=method).fit_transform(unit * adjacency)
    assert not E.any()


def test_many_components_of_a_graph():
    """More than the solver's blocks have columns: all eigenvalues of 1 are found."""
    triangle = np.ones((3, 3)) - np.eye(3)
    graph = sparse.block_diag([triangle] * 100, format="csr")
    exact, spectral = (
        NetMF(20, window=3, method=method, rank=100, random_state=0).fit(graph)
        for method in ("exact", "spectral")
    )
    # Within each triangle the other eigenvalues are negative, and left out.
    assert exact.singular_values_.min() > 0
    assert spectral.singular_values_ == pytest.approx(3 * np.log(100), rel=1e-4)


def test_stationary_vectors():
    graph = sparse.block_diag([WEIGHTED, np.zeros((2, 2)), [[3.0]]], format="csr")
    degrees = graph.sum(axis=1)
    vectors = stationary_vectors(graph, np.sqrt(degrees), 5)
    assert vectors.shape == (37, 2)
    assert_allclose(vectors.T @ vectors, np.eye(2), atol=1e-12)
    inverse = np.divide(1, degrees, where=degrees > 0, out=np.zeros(37))
    S = np.sqrt(inverse)[:, np.newaxis] * graph.toarray() * np.sqrt(inverse)
    assert_allclose(S @ vectors, vectors, atol=1e-12)
    assert stationary_vectors(graph, np.sqrt(degrees), 1).shape == (37, 1)


@pytest.mark.parametrize("method", ["exact", "spectral"])
def test_indices_of_64_bits(method):
    wide = KARATE.copy()
    wide.indices, wide.indptr = map(np.int64, (KARATE.indices, KARATE.indptr))
    netmf = NetMF(4, method=method, rank=20, random_state=0)
    assert_array_equal(netmf.fit_transform(wide), netmf.fit_transform(KARATE))


def test_karate_club_is_told_apart():
    E = NetMF(4, random_state=0).fit_transform(KARATE)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    assert cross_val_score(model, E, CLUBS, cv=5).mean() >= 0.9
