"""ProNE against the paper's formulas, with dense matrices and exact functions."""

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.linalg import expm
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import normalize

from sklearn_replearn.graph import ProNE
from sklearn_replearn.graph._node_embedding import transition_matrix
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
    M = log_ratios(transition_matrix(graph))
    assert_allclose(M.toarray(), log_ratios_by_loops(graph), rtol=1e-12)


@pytest.mark.parametrize("graph", [KARATE, DIRECTED])
@pytest.mark.parametrize(("mu", "theta"), [(0.2, 0.5), (0, 1), (1.5, 2.0)])
def test_the_series_is_the_filter(graph, mu, theta):
    R = np.random.default_rng(0).standard_normal((34, 3))
    expected = filtered(graph, R, mu, theta)
    P = transition_matrix(graph)
    assert_allclose(propagate(P, R, 30, mu, theta), expected, atol=1e-12)
    few = np.abs(propagate(P, R, 3, mu, theta) - expected).max()
    assert few > np.abs(propagate(P, R, 6, mu, theta) - expected).max() > 0


@pytest.mark.parametrize("graph", [KARATE, WEIGHTED, DIRECTED])
def test_embedding(graph):
    prone = ProNE(4, normalize=False, random_state=0).fit(graph)
    U, s, _ = np.linalg.svd(log_ratios_by_loops(graph))
    R = normalize(U[:, :4] * np.sqrt(s[:4]))
    Z = filtered(graph, R, mu=0.2, theta=0.5)
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
    E = ProNE(4, random_state=0).fit_transform(graph)
    assert not E[5].any()
    assert E[[0, 6, 10, 16]].any(axis=1).all()  # its neighbours


def test_a_graph_without_surprises():
    with pytest.warns(UserWarning, match="no edge is more probable than by chance"):
        E = ProNE(1).fit_transform([[2.0]])
    assert not E.any()


def test_karate_club_is_told_apart():
    E = ProNE(4, random_state=0).fit_transform(KARATE)
    assert cross_val_score(LogisticRegression(), E, CLUBS, cv=5).mean() >= 0.9
