"""LaplacianEigenmaps against scipy's dense solver, and against known spectra."""

import tracemalloc
import warnings

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.linalg import eigh
from sklearn.exceptions import ConvergenceWarning

from sklearn_replearn.graph import (
    LaplacianEigenmaps,
    _eigenpairs,
    _laplacian_inverse,
)
from sklearn_replearn.graph._eigenpairs import component_contrasts, largest_eigenpairs
from sklearn_replearn.graph._laplacian_inverse import (
    bounded_factors,
    breadth_first,
    elimination_order,
)
from sklearn_replearn.graph._spectrum import component_labels

KARATE = nx.to_scipy_sparse_array(nx.karate_club_graph(), weight=None, dtype=float)
WEIGHTED = nx.to_scipy_sparse_array(nx.karate_club_graph(), dtype=float)
LOOPS = sparse.csr_array(WEIGHTED + sparse.diags_array(np.arange(34.0) % 3))
NORMALIZATIONS = ["symmetric", "random_walk", None]


def reference(graph, normalization):
    """All eigenvalues and eigenvectors of a graph without isolated nodes."""
    A = graph.toarray()
    d = A.sum(axis=1)
    if normalization == "symmetric":
        return eigh(np.eye(len(A)) - A / np.sqrt(np.outer(d, d)))
    w, Y = eigh(np.diag(d) - A, np.diag(d))
    if normalization == "random_walk":
        Y /= np.linalg.norm(Y, axis=0)
    return w, Y


def several_components():
    """Components of 34, 3 and 5 nodes, one with a loop alone, and isolated nodes."""
    parts = [
        np.zeros((1, 1)),
        np.ones((3, 3)) - np.eye(3),
        KARATE,
        [[2.5]],
        np.zeros((2, 2)),
        nx.to_numpy_array(nx.path_graph(5)),
    ]
    return sparse.csr_array(sparse.block_diag(parts, format="csr"))


def planted_partition(n_nodes, n_blocks, inside=0.2, outside=0.02, seed=0):
    rng = np.random.default_rng(seed)
    blocks = np.arange(n_nodes) % n_blocks
    chances = np.where(blocks[:, np.newaxis] == blocks, inside, outside)
    upper = np.triu(rng.uniform(size=chances.shape) < chances, 1).astype(float)
    return sparse.csr_array(upper + upper.T)


def cycle(n):
    return sparse.csr_array(nx.to_scipy_sparse_array(nx.cycle_graph(n), dtype=float))


def without_lapack(monkeypatch, solver="filters"):
    """The solver of large graphs: "filters" or "inverse"."""
    monkeypatch.setattr(_eigenpairs, "DENSE_NODES", 0)
    if solver == "filters":
        monkeypatch.setattr(_laplacian_inverse, "MAX_MEAN_DEGREE", -1)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("graph", [KARATE, WEIGHTED, LOOPS])
def test_equals_the_dense_solver_of_scipy(graph, normalization):
    w, Y = reference(graph, normalization)
    eigenmaps = LaplacianEigenmaps(6, normalization=normalization)
    E = eigenmaps.fit_transform(graph)
    assert_allclose(eigenmaps.eigenvalues_, w[1:7], rtol=1e-10)
    assert_allclose(E, Y[:, 1:7] * np.sign((E * Y[:, 1:7]).sum(axis=0)), atol=1e-10)
    largest = np.abs(E).argmax(axis=0)
    assert (E[largest, range(6)] > 0).all()


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_all_components_but_the_first(normalization):
    w, Y = reference(LOOPS, normalization)
    eigenmaps = LaplacianEigenmaps(33, normalization=normalization)
    E = eigenmaps.fit_transform(LOOPS)
    assert_allclose(eigenmaps.eigenvalues_, w[1:], rtol=1e-10)
    assert_allclose(E, Y[:, 1:] * np.sign((E * Y[:, 1:]).sum(axis=0)), atol=1e-9)


def test_the_objective_of_the_paper():
    eigenmaps = LaplacianEigenmaps(4, normalization=None)
    Y = eigenmaps.fit_transform(WEIGHTED)
    A, d = WEIGHTED.toarray(), WEIGHTED.sum(axis=1)
    assert_allclose(Y.T @ (d[:, np.newaxis] * Y), np.eye(4), atol=1e-12)
    assert_allclose(d @ Y, 0, atol=1e-12)
    for y, value in zip(Y.T, eigenmaps.eigenvalues_, strict=True):
        differences = [
            A[i, j] * (y[i] - y[j]) ** 2 for i in range(34) for j in range(i)
        ]
        assert sum(differences) == pytest.approx(value)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_nystroem_formula_of_a_new_node(normalization):
    eigenmaps = LaplacianEigenmaps(5, normalization=normalization).fit(WEIGHTED)
    d = WEIGHTED.sum(axis=1)
    row = np.zeros(34)
    row[[2, 7, 30]] = 1, 2, 0.5
    expected = np.zeros(5)
    for i in range(5):
        for j in range(34):
            degree = row.sum()
            if normalization == "symmetric":
                degree = np.sqrt(row.sum() * d[j])
            expected[i] += row[j] / degree * eigenmaps.embedding_[j, i]
        expected[i] /= 1 - eigenmaps.eigenvalues_[i]
    assert_allclose(eigenmaps.transform([row])[0], expected, atol=1e-12)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("graph", [WEIGHTED, LOOPS, several_components()])
def test_known_rows_have_their_vectors(graph, normalization):
    eigenmaps = LaplacianEigenmaps(5, normalization=normalization)
    E = eigenmaps.fit_transform(graph)
    assert_array_equal(E, eigenmaps.embedding_)
    assert_array_equal(eigenmaps.transform(graph), E)
    assert_array_equal(eigenmaps.transform(graph.toarray()), E)
    assert_array_equal(eigenmaps.transform(graph[[3]]), E[[3]])
    if normalization != "symmetric":  # the weights' unit plays no part in it
        assert_allclose(eigenmaps.transform(3 * graph), E, atol=1e-12)


def test_isolated_nodes_have_zero_vectors():
    graph = several_components()
    eigenmaps = LaplacianEigenmaps(7).fit(graph)
    isolated = graph.sum(axis=1) == 0
    assert not eigenmaps.embedding_[isolated].any()
    assert eigenmaps.embedding_[~isolated].any(axis=1).all()
    assert not eigenmaps.transform(np.zeros((1, graph.shape[0]))).any()


def test_components_come_first_and_apart():
    graph = several_components()
    eigenmaps = LaplacianEigenmaps(6, normalization=None)
    Y = eigenmaps.fit_transform(graph)
    assert_array_equal(eigenmaps.eigenvalues_[:3], 0)
    assert eigenmaps.eigenvalues_[3] > 0.1
    karate, path, triangle, loop = np.r_[4:38], np.r_[41:46], np.r_[1:4], np.r_[38:39]
    order = [karate, path, triangle, loop]  # volumes 156, 8, 6, 2.5
    for i, nodes in enumerate(order[:3]):
        inside, outside = Y[nodes, i], Y[np.concatenate(order[i + 1 :]), i]
        assert_allclose(inside, inside[0], rtol=1e-9)
        assert_allclose(outside, outside[0], rtol=1e-9)
        assert inside[0] * outside[0] < 0
        if i:
            assert_allclose(Y[np.concatenate(order[:i]), i], 0, atol=1e-12)
    degrees = graph.sum(axis=1)
    assert_allclose(Y.T @ (degrees[:, np.newaxis] * Y), np.eye(6), atol=1e-12)


def test_contrasts_worked_out_by_hand():
    """Volumes 6 and 2: values 1 / sqrt(24) and -3 / sqrt(24) for y."""
    degrees, labels = np.array([2.0, 1, 4, 1]), np.array([0, 1, 0, 1])
    norms = np.sqrt([6.0, 2])
    contrasts = component_contrasts(np.sqrt(degrees), labels, norms, 5)
    expected = np.array([1, -3, 1, -3]) * np.sqrt(degrees / 24)
    assert_allclose(contrasts, expected[:, np.newaxis])


def test_more_components_of_the_graph_than_dimensions():
    graph = several_components()
    few, many = LaplacianEigenmaps(2).fit(graph), LaplacianEigenmaps(5).fit(graph)
    assert_array_equal(few.eigenvalues_, 0)
    assert_allclose(few.embedding_, many.embedding_[:, :2])


def test_eigenspaces_of_several_components():
    graph = several_components()
    linked = np.flatnonzero(graph.sum(axis=1))
    w, V = reference(graph[linked][:, linked], "symmetric")
    eigenmaps = LaplacianEigenmaps(10).fit(graph)
    E = eigenmaps.embedding_[linked]
    assert_allclose(eigenmaps.eigenvalues_, w[1:11], atol=1e-12)
    first = np.sqrt(graph.sum(axis=1)[linked] / graph.sum())
    assert w[11] - w[10] > 1e-3  # so that the space is unique
    projection = np.outer(first, first) + E @ E.T
    assert_allclose(projection, V[:, :11] @ V[:, :11].T, atol=1e-9)


@pytest.mark.parametrize("n_components", [2, 3, 7])
def test_multiple_eigenvalues_of_a_cycle(n_components):
    """1 - cos(2 pi j / n), twice each."""
    eigenmaps = LaplacianEigenmaps(n_components, normalization=None)
    Y = eigenmaps.fit_transform(cycle(2000))
    waves = 1 + np.arange(n_components) // 2
    expected = 1 - np.cos(2 * np.pi * waves / 2000)
    assert_allclose(eigenmaps.eigenvalues_, expected, atol=1e-10)
    assert_allclose(2 * Y.T @ Y, np.eye(n_components), atol=1e-9)
    assert_allclose((Y[:, :2] ** 2).sum(axis=1), 1 / 2000, rtol=1e-4)  # a circle


@pytest.mark.parametrize("n_components", [3, 6])
def test_multiple_eigenvalues_of_a_torus(n_components):
    """Four times the same, of which a small block would see fewer."""
    torus = sparse.csr_array(sparse.kronsum(cycle(40), cycle(40)))
    w = np.cos(2 * np.pi * np.arange(40) / 40)
    expected = np.sort(1 - (w[:, np.newaxis] + w).ravel() / 2)[1 : n_components + 1]
    eigenmaps = LaplacianEigenmaps(n_components).fit(torus)
    assert_allclose(eigenmaps.eigenvalues_, expected, atol=1e-12)


def test_multiple_eigenvalues_of_a_tree():
    """Those of 24 branches, all alike, are more than a block has vectors."""
    tree = nx.Graph()
    for branch in range(24):
        tree.add_edge("root", branch)
        tree.add_edges_from((branch, (branch, leaf)) for leaf in range(30))
    graph = sparse.csr_array(nx.to_scipy_sparse_array(tree, dtype=float))
    w, _ = reference(graph, "symmetric")
    assert w[23] - w[1] < 1e-12
    for n_components in (2, 10, 23):
        eigenmaps = LaplacianEigenmaps(n_components).fit(graph)
        assert_allclose(eigenmaps.eigenvalues_, w[1 : n_components + 1], atol=1e-12)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert_array_equal(
                LaplacianEigenmaps(n_components).fit_transform(graph),
                eigenmaps.embedding_,
            )


@pytest.mark.parametrize("solver", ["filters", "inverse"])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("n_blocks", [1, 5])
def test_solvers_find_what_lapack_finds(monkeypatch, normalization, n_blocks, solver):
    parts = [planted_partition(400, n_blocks), [[0.0]], planted_partition(100, 1)]
    graph = sparse.csr_array(sparse.block_diag(parts, format="csr"))
    expected = LaplacianEigenmaps(8, normalization=normalization).fit(graph)
    without_lapack(monkeypatch, solver)
    found = LaplacianEigenmaps(8, normalization=normalization).fit(graph)
    assert_allclose(found.eigenvalues_, expected.eigenvalues_, atol=1e-13)
    scale = np.abs(expected.embedding_).max()
    assert_allclose(found.embedding_, expected.embedding_, atol=1e-6 * scale)
    new = graph[:20] + graph[20:40]
    assert_allclose(found.transform(new), expected.transform(new), atol=1e-6 * scale)


@pytest.mark.parametrize("solver", ["filters", "inverse"])
def test_few_distinct_eigenvalues(monkeypatch, solver):
    """A filter that leaves nothing of some vectors, and hits at once."""
    without_lapack(monkeypatch, solver)
    complete = sparse.csr_array(np.ones((60, 60)) - np.eye(60))
    eigenmaps = LaplacianEigenmaps(4).fit(complete)
    assert_allclose(eigenmaps.eigenvalues_, 60 / 59)
    E = eigenmaps.embedding_
    assert_allclose(E.T @ E, np.eye(4), atol=1e-9)
    pairs = sparse.csr_array(sparse.block_diag([[[0, 1], [1, 0]]] * 40, format="csr"))
    eigenmaps = LaplacianEigenmaps(41).fit(pairs)
    assert_allclose(eigenmaps.eigenvalues_, [0] * 39 + [2] * 2, atol=1e-12)


@pytest.mark.parametrize("tol", [1e-2, 1e-6, 1e-10])
def test_residuals_are_within_tol(tol):
    graph = planted_partition(700, 4)
    degrees = graph.sum(axis=1)
    mu, V, residual = largest_eigenpairs(graph, np.sqrt(degrees), 6, tol)
    scale = 1 / np.sqrt(degrees)
    S = graph.toarray() * scale[:, np.newaxis] * scale
    lengths = np.linalg.norm(S @ V - V * mu, axis=0)
    assert 0 < lengths.max() <= 1.01 * tol
    assert residual == pytest.approx(lengths.max(), rel=0.05)
    assert_allclose(V.T @ V, np.eye(6), atol=1e-12)


def path(n):
    return sparse.csr_array(nx.to_scipy_sparse_array(nx.path_graph(n), dtype=float))


def grid(*sizes):
    graph = nx.grid_graph(sizes)
    return sparse.csr_array(nx.to_scipy_sparse_array(graph, dtype=float))


def tree(n, seed=0):
    """Each node hangs on a random one before it."""
    rng = np.random.default_rng(seed)
    upper = np.arange(1, n), (rng.random(n - 1) * np.arange(1, n)).astype(int)
    graph = sparse.coo_array((rng.uniform(0.5, 2, n - 1), upper), shape=(n, n))
    return sparse.csr_array(graph + graph.T)


def chain_of_cliques(n_cliques, size):
    graph = nx.ring_of_cliques(n_cliques, size)
    return sparse.csr_array(nx.to_scipy_sparse_array(graph, dtype=float))


def random_graph(n, degree, seed=0):
    graph = nx.gnm_random_graph(n, n * degree // 2, seed=seed)
    return sparse.csr_array(nx.to_scipy_sparse_array(graph, dtype=float))


def several_long_components():
    """Some of the same spectrum, others with loops, and isolated nodes."""
    parts = [path(200), path(200), cycle(90), np.zeros((3, 3)), tree(150), [[1.0]]]
    graph = sparse.block_diag([*parts, grid(11, 10)], format="csr")
    loops = np.zeros(graph.shape[0])
    loops[[5, 300, 600]] = 1, 0.5, 30
    return sparse.csr_array(graph + sparse.diags_array(loops))


LONG = {
    "path": path(600),
    "grid": grid(30, 21),
    "lattice": grid(10, 8, 9),
    "tree": tree(700),
    "cliques": chain_of_cliques(80, 8),
    "components": several_long_components(),
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("n_components", [2, 9, 24])
def test_long_graphs_by_the_inverse(name, n_components, monkeypatch):
    """As LAPACK, and without a product with the graph that filters would make."""
    graph = LONG[name]
    without_lapack(monkeypatch, "inverse")
    monkeypatch.setattr(_eigenpairs, "MAX_PRODUCTS", 0)
    eigenmaps = LaplacianEigenmaps(n_components).fit(graph)
    linked = np.flatnonzero(graph.sum(axis=1))
    w, V = reference(graph[linked][:, linked], "symmetric")
    assert_allclose(eigenmaps.eigenvalues_, w[1 : n_components + 1], atol=1e-13)
    root_degrees = np.sqrt(graph.sum(axis=1) / graph.sum())
    E = eigenmaps.embedding_
    assert_allclose(E.T @ root_degrees, 0, atol=1e-10)
    assert_allclose(E.T @ E, np.eye(n_components), atol=1e-10)
    # A space of eigenvectors is unique up to where the next eigenvalue is another one.
    whole = np.flatnonzero(np.diff(w[: n_components + 2]) > 1e-6)
    for last in whole[whole > 0]:
        basis = np.column_stack([root_degrees[linked], E[linked, :last]])
        expected = V[:, : last + 1]
        assert_allclose(basis @ basis.T, expected @ expected.T, atol=1e-8)


@pytest.mark.parametrize("n", [1000, 3001])
def test_a_long_path(n):
    """The eigenvalue 1 - cos(pi j / (n - 1)) and vector cos(pi i j / (n - 1))."""
    eigenmaps = LaplacianEigenmaps(4, normalization=None)
    Y = eigenmaps.fit_transform(path(n))
    angles = np.pi * np.arange(1, 5) / (n - 1)
    assert_allclose(eigenmaps.eigenvalues_, 2 * np.sin(angles / 2) ** 2, rtol=1e-7)
    expected = np.cos(np.outer(np.arange(n), angles)) / np.sqrt(n - 1)
    assert_allclose(np.abs(Y), np.abs(expected), atol=1e-7 * np.abs(Y).max())


@pytest.mark.parametrize(
    ("graph", "method"),
    [
        (path(900), "NATURAL"),
        (cycle(900), "NATURAL"),
        (tree(2000), "NATURAL"),
        (sparse.csr_array(nx.to_scipy_sparse_array(nx.star_graph(900))), "NATURAL"),
        (grid(40, 30), "MMD_AT_PLUS_A"),
        (chain_of_cliques(100, 8), "MMD_AT_PLUS_A"),
        (random_graph(1000, 6), None),
        (sparse.block_diag([path(2000), random_graph(1000, 8)], format="csr"), None),
        (sparse.csr_array(np.ones((600, 600))), None),
    ],
    ids=[
        *("path", "cycle", "tree", "star", "grid", "cliques"),
        *("random", "path and random", "dense"),
    ],
)
def test_elimination_order(graph, method, monkeypatch):
    plan = elimination_order(graph, component_labels(graph))
    assert (plan and plan[1]) == method
    if plan:
        assert_array_equal(np.sort(plan[0]), np.arange(graph.shape[0]))
        grounded = sparse.csc_array(sparse.diags_array(graph.sum(axis=1) + 1.0) - graph)
        factors = bounded_factors(grounded[plan[0]][:, plan[0]], method)
        assert factors.nnz <= 20 * grounded.nnz
        if method == "NATURAL":
            assert factors.nnz <= 4 * grounded.nnz


def test_breadth_first():
    graph = several_long_components()
    order, level = breadth_first(graph, component_labels(graph))
    assert_array_equal(np.sort(order), np.arange(graph.shape[0]))
    assert (np.diff(level) >= 0).all()
    distance = dict(zip(order.tolist(), level.tolist(), strict=True))
    whole = nx.from_scipy_sparse_array(graph)
    for component in nx.connected_components(whole):
        expected = nx.single_source_shortest_path_length(whole, min(component))
        assert {node: distance[node] for node in component} == dict(expected)


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_FILL", 3), ("MAX_FACTOR_BYTES", 1000)]
)
def test_factors_that_would_be_too_large(limit, value, monkeypatch):
    """They are given up, and the filters take over."""
    graph = grid(36, 24)
    expected = LaplacianEigenmaps(3).fit(graph)
    monkeypatch.setattr(_laplacian_inverse, limit, value)
    laplacian = sparse.csc_array(sparse.diags_array(graph.sum(axis=1) + 1.0) - graph)
    assert bounded_factors(laplacian, "MMD_AT_PLUS_A") is None
    found = LaplacianEigenmaps(3).fit(graph)
    assert_allclose(found.eigenvalues_, expected.eigenvalues_, atol=1e-12)
    assert_allclose(found.embedding_, expected.embedding_, atol=1e-5)


def test_an_inverse_that_rounding_errors_spoil():
    """Two paths that an edge of next to no weight joins, and one by one."""
    halves = sparse.block_diag([path(400), path(300)], format="lil")
    apart = LaplacianEigenmaps(3).fit(halves.tocsr())
    halves[399, 400] = halves[400, 399] = 1e-30
    joined = LaplacianEigenmaps(3).fit(halves.tocsr())
    assert_allclose(joined.eigenvalues_, apart.eigenvalues_, atol=1e-12)
    assert_allclose(np.abs(joined.embedding_), np.abs(apart.embedding_), atol=1e-6)
    singular = sparse.csc_array(np.diag([1.0, 0, 1]))
    assert bounded_factors(singular, "NATURAL") is None


def test_no_convergence_warns(monkeypatch):
    without_lapack(monkeypatch)
    monkeypatch.setattr(_eigenpairs, "MAX_PRODUCTS", 30)
    with pytest.warns(ConvergenceWarning, match=r"above tol=1.0e-09.*raise tol"):
        eigenmaps = LaplacianEigenmaps(3).fit(cycle(2000))
    assert eigenmaps.embedding_.shape == (2000, 3)


def test_undefined_components_are_dropped():
    bipartite = nx.to_numpy_array(nx.complete_bipartite_graph(3, 5))
    message = "n_components=7, but for 6 of them the eigenvalue .* is 1.*; 1 are kept"
    with pytest.warns(UserWarning, match=message):
        eigenmaps = LaplacianEigenmaps(7, normalization=None).fit(bipartite)
    assert eigenmaps.n_components_ == 1
    assert_allclose(eigenmaps.eigenvalues_, 2)
    E = eigenmaps.embedding_[:, 0]
    assert_allclose(E, np.r_[[1] * 3, [-1] * 5] / np.sqrt(30))
    star = nx.to_numpy_array(nx.star_graph(6))
    with pytest.warns(UserWarning, match="for 2 of them .* all vectors are zero"):
        eigenmaps = LaplacianEigenmaps(2).fit(star)
    assert eigenmaps.embedding_.shape == (7, 2)
    assert not eigenmaps.embedding_.any()
    assert_array_equal(eigenmaps.eigenvalues_, [0, 0])


def test_too_many_components_warn():
    graph = np.zeros((6, 6))
    graph[1:5, 1:5] = nx.to_numpy_array(nx.path_graph(4))
    with pytest.warns(UserWarning, match="n_components=4 is more than the 3 that"):
        eigenmaps = LaplacianEigenmaps(4).fit(graph)
    assert_allclose(eigenmaps.eigenvalues_, [0.5, 1.5, 2])
    assert eigenmaps.transform(graph).shape == (6, 3)
    assert list(eigenmaps.get_feature_names_out()) == [
        f"laplacianeigenmaps{i}" for i in range(3)
    ]


def test_graphs_without_structure():
    with pytest.warns(UserWarning, match="has no edge"):
        eigenmaps = LaplacianEigenmaps(3).fit(np.zeros((4, 4)))
    assert_array_equal(eigenmaps.eigenvalues_, np.zeros(3))
    with pytest.warns(UserWarning, match="n_components=2 is more than the 0 that"):
        eigenmaps = LaplacianEigenmaps().fit(np.diag([0.0, 3.0, 0.0]))
    assert_array_equal(eigenmaps.embedding_, np.zeros((3, 2)))


def test_directed_graphs_are_refused():
    directed = sparse.csr_array(np.triu(WEIGHTED.toarray()))
    with pytest.raises(ValueError, match=r"undirected graphs.*pass X \+ X\.T"):
        LaplacianEigenmaps().fit(directed)


@pytest.mark.parametrize("solver", ["lapack", "filters", "inverse"])
def test_single_precision(monkeypatch, solver):
    graph = planted_partition(300, 3)
    graph.data[:] = 0.25
    if solver != "lapack":
        without_lapack(monkeypatch, solver)
    double = LaplacianEigenmaps(2).fit(graph)
    single = LaplacianEigenmaps(2).fit(graph.astype(np.float32))
    assert single.embedding_.dtype == np.float32
    assert_allclose(single.embedding_, double.embedding_, atol=1e-7)


def test_ties_of_signs_go_to_the_first_node():
    """The two triangles' vector has its largest entries at four nodes."""
    graph = nx.to_numpy_array(nx.barbell_graph(3, 0))
    for order in (np.arange(6), np.arange(6)[::-1]):
        E = LaplacianEigenmaps(1, normalization=None).fit_transform(
            graph[order][:, order]
        )
        assert E[0] > 0
        assert E[-1] == pytest.approx(-E[0])


def test_the_graph_is_copied_once_at_most():
    graph = planted_partition(1500, 3, inside=0.6, outside=0.3)
    assert graph.nnz > 400 * 1500
    tracemalloc.start()
    try:
        LaplacianEigenmaps().fit(graph)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    vectors = 10 * 6 * 8 * 1500
    assert peak < vectors + 17 * graph.nnz
