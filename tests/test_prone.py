"""ProNE against the paper's formulas, with dense matrices and exact functions."""

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.linalg import expm
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import normalize

from sklearn_replearn.graph import ProNE
from sklearn_replearn.graph._degrees import transition_matrix
from sklearn_replearn.graph._prone import log_ratios, propagate

KARATE = nx.to_scipy_sparse_array(nx.karate_club_graph(), weight=None, dtype=float)
WEIGHTED = nx.to_scipy_sparse_array(nx.karate_club_graph(), dtype=float)
DIRECTED = sparse.csr_array(np.triu(KARATE.toarray()) + np.eye(34, k=-2))
CLUBS = [club == "Officer" for _, club in nx.karate_club_graph().nodes(data="club")]


def log_ratios_by_loops(A):
    A = A.toarray()
    n = len(A)
    p = np.array([row / row.sum() if row.any() else row for row in A])
    noise = np.array([sum(p[i, j] for i in range(n)) ** 0.75 for j in range(n)])
    noise /= noise.sum()
    M = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if A[i, j] > 0:
                M[i, j] = np.log(p[i, j]) - np.log(noise[j])
    return M


def filtered(A, R, mu, theta):
    """(I - g(L)) R with the exponential of a dense matrix."""
    L = np.eye(len(R)) - transition_matrix(A).toarray()
    shifted = L - mu * np.eye(len(R))
    return R - expm(-theta / 2 * (shifted @ shifted - np.eye(len(R)))) @ R


@pytest.mark.parametrize("graph", [KARATE, WEIGHTED, DIRECTED])
def test_log_ratios(graph):
    M = log_ratios(graph)
    assert_allclose(M.toarray(), log_ratios_by_loops(graph), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("graph", [KARATE, DIRECTED])
@pytest.mark.parametrize(("mu", "theta"), [(0.2, 0.5), (0, 1), (1.5, 2.0)])
def test_the_series_is_the_filter(graph, mu, theta):
    R = np.random.default_rng(0).standard_normal((34, 3))
    expected = filtered(graph, R, mu, theta)
    P = transition_matrix(graph)
    assert_allclose(propagate(P, R, 30, mu, theta), expected, atol=1e-12)
    few = np.abs(propagate(P, R, 3, mu, theta) - expected).max()
    assert few > np.abs(propagate(P, R, 6, mu, theta) - expected).max() > 0


def with_sinks(graph):
    """Two of the nodes lose the edges that leave them."""
    graph = graph.toarray()
    graph[[5, 9]] = 0
    return sparse.csr_array(graph)


@pytest.mark.filterwarnings("ignore:2 of 34 nodes have in-edges")  # sinks
@pytest.mark.parametrize("graph", [KARATE, WEIGHTED, DIRECTED, with_sinks(WEIGHTED)])
def test_embedding(graph):
    prone = ProNE(4, normalize=False, random_state=0).fit(graph)
    U, s, Vt = np.linalg.svd(log_ratios_by_loops(graph))
    sinks = np.diff(graph.indptr) == 0
    U[sinks] = Vt.T[sinks]
    R = normalize(U[:, :4] * np.sqrt(s[:4]))
    Z = filtered(graph + sparse.diags_array(1.0 * sinks), R, mu=0.2, theta=0.5)
    Q, s, _ = np.linalg.svd(transition_matrix(graph) @ Z, full_matrices=False)
    assert_allclose(prone.singular_values_, s, rtol=1e-4)
    E = prone.embedding_
    assert_allclose(E @ E.T, (Q * s) @ Q.T, atol=1e-4 * s[0])
    unit = ProNE(4, random_state=0).fit_transform(graph)
    assert_allclose(unit, normalize(E), atol=1e-6)


def test_row_formula_of_a_new_node():
    prone = ProNE(4, random_state=0).fit(KARATE)
    a = np.zeros(34)
    a[[2, 7, 30]] = 1, 2, 0.5
    mean = sum(a[j] / 3.5 * prone.components_[:, j] for j in range(34))
    assert_allclose(prone.transform([a])[0], mean / np.linalg.norm(mean), rtol=1e-12)


def test_directed_edges_keep_their_meaning():
    graph = KARATE.toarray()
    graph[5] = 0
    with pytest.warns(UserWarning, match="1 of 34 nodes have in-edges .* is node 5"):
        E = ProNE(4, random_state=0).fit_transform(graph)
    assert not E[5].any()
    assert E[[0, 6, 10, 16]].any(axis=1).all()  # its neighbours


def bipartite(n_users, n_items, share, seed=0):
    """Edges from users to items, and at least one from each user."""
    rng = np.random.default_rng(seed)
    graph = np.zeros((n_users + n_items,) * 2)
    graph[:n_users, n_users:] = rng.random((n_users, n_items)) < share
    graph[np.arange(n_users), n_users + np.arange(n_users) % n_items] = 1
    return graph


def citations(n_papers, n_roots, seed=0):
    """Each paper but the first ones cites up to three that are older."""
    rng = np.random.default_rng(seed)
    graph = np.zeros((n_papers, n_papers))
    for i in range(n_roots, n_papers):
        graph[i, rng.integers(0, i, 3)] = 1
    return graph


@pytest.mark.parametrize(
    "graph",
    [
        bipartite(20, 10, 0.4),
        bipartite(40, 60, 0.1, seed=1),
        citations(300, 5),
        citations(80, 20, seed=1),
        np.diag(np.ones(30), k=1) + np.diag(np.ones(28), k=3),  # a chain
        bipartite(20, 10, 0.4)
        * np.r_[np.geomspace(1e-300, 1, 20), np.ones(10)][:, None],
    ],
    ids=["bipartite", "sparse", "citations", "many roots", "chain", "weights"],
)
@pytest.mark.parametrize("mu", [0.2, 0.0])
def test_all_nodes_that_edges_leave_have_vectors(graph, mu):
    sinks = ~graph.any(axis=1)
    message = f"{sinks.sum()} of {len(graph)} nodes .* first is node {sinks.argmax()}"
    with pytest.warns(UserWarning, match=message) as caught:
        prone = ProNE(5, mu=mu, random_state=0).fit(graph)
    assert len(caught) == 1
    assert_array_equal(prone.embedding_.any(axis=1), ~sinks)
    assert_array_equal(prone.transform(graph), prone.embedding_)


def test_users_of_the_same_items_are_near():
    """Two groups of users, each with items of its own but for a few edges."""
    rng = np.random.default_rng(0)
    group = np.arange(40) % 2
    graph = np.zeros((60, 60))
    for i in range(40):
        items = rng.random(20) < np.where(np.arange(20) % 2 == group[i], 0.6, 0.1)
        graph[i, 40:] = items
    with pytest.warns(UserWarning, match="20 of 60 nodes"):
        E = ProNE(2, random_state=0).fit_transform(graph)[:40]
    assert cross_val_score(LogisticRegression(), E, group, cv=4).mean() >= 0.9


@pytest.mark.parametrize(
    "graph",
    [
        [[2.0]],
        np.vstack([np.zeros((2, 5)), np.ones((3, 5)) * [1, 1, 0, 0, 0]]),
        np.vstack([[0, 0.3, 0.3, 0.3], np.zeros((3, 4))]),  # away from a hub
        np.diag([0, 1.0, 0, 0], k=1),
    ],
    ids=["loop", "complete", "hub", "edge"],
)
@pytest.mark.parametrize("unit", [1, 1e-300])
def test_a_graph_without_surprises(graph, unit):
    with pytest.warns(UserWarning, match="no edge is more probable than by chance"):
        prone = ProNE(1).fit(np.multiply(graph, unit))
    assert not prone.embedding_.any()
    assert_array_equal(prone.singular_values_, [0])


def test_neighbors_that_cancel_out():
    """The columns of the three targets are -1, -1 and 1, with weights of 1, 2 and 3."""
    graph = np.vstack([[0, 0.1, 0.2, 0.3], np.zeros((3, 4))])
    with pytest.warns(UserWarning, match="average to zero; choose another mu"):
        ProNE(1, random_state=0).fit(graph)


def test_components_beyond_the_leading_ones():
    """Vectors of zeros, not of rounding errors, and how many."""
    large, small = np.ones((30, 30)) - np.eye(30), np.ones((4, 4)) - np.eye(4)
    graph = sparse.block_diag([small, large], format="csr")
    with pytest.warns(UserWarning, match="30 of 34 .* out-edges .* raise n_comp"):
        E = ProNE(1, random_state=0).fit_transform(graph)
    assert_array_equal(E.any(axis=1), np.arange(34) < 4)


def test_karate_club_is_told_apart():
    E = ProNE(4, random_state=0).fit_transform(KARATE)
    assert cross_val_score(LogisticRegression(), E, CLUBS, cv=5).mean() >= 0.9
