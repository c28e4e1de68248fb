"""What all embeddings of nodes share: input, bad input, known and new nodes."""

import warnings

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from registry import INSTANCES
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.graph import (
    DeepWalk,
    GraphClusterEncoder,
    LaplacianEigenmaps,
    NetMF,
    Node2Vec,
    ProNE,
)
from sklearn_replearn.graph._degrees import (
    group_norms,
    log_transitions,
    root_degrees,
    transition_matrix,
)
from sklearn_replearn.graph._node_embedding import BaseNodeEmbedding, canonical_csr
from sklearn_replearn.graph._symmetry import asymmetric_pair

KARATE = nx.to_scipy_sparse_array(nx.karate_club_graph(), weight=None, dtype=float)
EMBEDDINGS = [
    estimator
    for estimator in INSTANCES.values()
    if isinstance(estimator, BaseNodeEmbedding)
]
each_embedding = pytest.mark.parametrize("embedding", EMBEDDINGS)


@each_embedding
def test_known_rows_give_the_fitted_vectors(embedding):
    E = clone(embedding).fit_transform(KARATE)
    fitted = clone(embedding).fit(KARATE)
    assert_array_equal(fitted.embedding_, E)
    assert_allclose(fitted.transform(KARATE), E, atol=1e-12 * np.abs(E).max())
    assert_allclose(fitted.transform(KARATE[[5, 3]]), E[[5, 3]], rtol=1e-12)


@each_embedding
def test_a_new_node_with_a_known_ones_edges_has_its_vector(embedding):
    fitted = clone(embedding).fit(KARATE)
    twin = KARATE[[4]]
    if getattr(embedding, "normalization", "") != "symmetric":
        twin = 3 * twin  # only the proportions of the weights count
    assert_allclose(fitted.transform(twin), fitted.embedding_[[4]], rtol=1e-10)


@each_embedding
def test_isolated_nodes_have_zero_vectors(embedding):
    graph = sparse.block_diag(
        [KARATE, np.zeros((1, 1)), KARATE, np.zeros((2, 2))], format="csr"
    )
    fitted = clone(embedding).fit(graph)
    assert not fitted.embedding_[[34, 69, 70]].any()
    assert fitted.embedding_[:34].any(axis=1).all()
    assert not fitted.transform(np.zeros((1, 71))).any()
    if hasattr(fitted, "node_vectors_"):
        assert fitted.node_vectors_.shape == (71, fitted.n_components_)
        assert not fitted.node_vectors_[[34, 69, 70]].any()


@each_embedding
def test_a_graph_without_edges_warns_and_gives_zeros(embedding):
    with pytest.warns(UserWarning, match="The graph of 4 nodes has no edge"):
        fitted = clone(embedding).fit(np.zeros((4, 4)))
    assert fitted.embedding_.shape == (4, fitted.n_components_)
    assert not fitted.transform([[0, 1, 0, 0]]).any()


@each_embedding
def test_self_loops_and_weights_matter(embedding):
    E = clone(embedding).fit_transform(KARATE)
    loops = KARATE + sparse.diags_array(np.r_[5.0, np.zeros(33)])
    weighted = KARATE.copy()
    weighted[0, 1] = weighted[1, 0] = 10
    for graph in (loops, weighted):
        changed = clone(embedding).fit_transform(graph)
        assert np.isfinite(changed).all()
        assert np.abs(changed - E).max() > 1e-3


@each_embedding
def test_the_scale_of_the_weights_does_not_matter(embedding):
    E = clone(embedding).fit_transform(KARATE)
    scaled = clone(embedding).fit_transform(1e6 * KARATE)
    if getattr(embedding, "normalization", "") is None:  # the scale of yᵀ D y = 1
        scaled *= 1e3
    assert_allclose(scaled, E, atol=1e-4 * np.abs(E).max())


@each_embedding
def test_dense_sparse_and_untidy_input_agree(embedding):
    E = clone(embedding).fit_transform(KARATE)
    coo = KARATE.tocoo()
    twice = (np.r_[coo.row, coo.row], np.r_[coo.col, coo.col])
    halves = sparse.coo_array((np.r_[coo.data, coo.data] / 2, twice), shape=coo.shape)
    zeros = sparse.csr_matrix(KARATE, copy=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this is slow
        zeros[0, 33] = 1
    zeros[0, 33] = 0  # stays stored
    for graph in (KARATE.toarray(), halves, KARATE.tocsc(), zeros):
        assert_allclose(clone(embedding).fit_transform(graph), E, atol=1e-9)


BAD = [
    (np.zeros((3, 4)), "must be square, but X has shape"),
    (np.array([[0, 1.0], [-2, 0]]), "edge from row 1 to column 0 is -2"),
    (np.array([[0, np.nan], [1, 0]]), "NaN"),
    (np.array([[0, np.inf], [1, 0]]), "infinity"),
    (np.zeros((0, 0)), "0 sample"),
    (np.array([[0, 1j], [1, 0]]), "Complex data not supported"),
    ([0.0, 1.0], "Expected 2D array"),
]


@each_embedding
@pytest.mark.parametrize(("graph", "message"), BAD, ids=[m for _, m in BAD])
def test_bad_graphs_are_refused_and_change_nothing(embedding, graph, message):
    fitted = clone(embedding).fit(KARATE)
    before = fitted.transform(KARATE)
    with pytest.raises(ValueError, match=message):
        fitted.fit(graph)
    assert_array_equal(fitted.transform(KARATE), before)


@each_embedding
def test_rows_of_another_width_are_refused(embedding):
    fitted = clone(embedding).fit(KARATE)
    with pytest.raises(ValueError, match=r"X has 33 features.*expecting 34"):
        fitted.transform(KARATE[:, :33])
    with pytest.raises(ValueError, match="from row 0 to column 2 is -1"):
        fitted.transform(-1.0 * sparse.eye_array(1, 34, k=2))


@each_embedding
def test_too_many_components_are_cut_with_a_warning(embedding):
    many = clone(embedding).set_params(n_components=40)
    if hasattr(many, "solver"):  # skip-gram has as many as it is told to
        many.set_params(solver="pmi")
    with pytest.warns(UserWarning, match="n_components=40"):
        many.fit(KARATE)
    assert many.n_components_ == many.embedding_.shape[1] < 40


@each_embedding
def test_first_step_of_a_pipeline(embedding):
    pipeline = make_pipeline(clone(embedding), StandardScaler())
    assert pipeline.fit_transform(KARATE).shape == (34, embedding.n_components)
    assert pipeline.transform(KARATE[:3]).shape == (3, embedding.n_components)


def test_the_callers_arrays_are_shared_where_they_are_in_order():
    tidy = canonical_csr(KARATE)
    assert np.shares_memory(tidy.data, KARATE.data)
    untidy = KARATE.copy()
    untidy.data[0] = 0
    kept = untidy.copy()
    assert canonical_csr(untidy).nnz == KARATE.nnz - 1
    assert_array_equal(untidy.data, kept.data)


UNITS = {
    np.float64: (1e-309, 1e-160, 1e-6, 1e160, 1e306),
    np.float32: (2.0**-125, 2.0**-20, 2.0**100, 2.0**120),
}


@pytest.mark.parametrize("dtype", UNITS)
def test_symmetry(dtype):
    rng = np.random.default_rng(0)
    for unit in (1, *UNITS[dtype]):
        weighted = KARATE.copy()
        weighted.data = weighted.data * rng.uniform(0.1, 5, size=KARATE.nnz)
        graph = canonical_csr((weighted + weighted.T) * unit).astype(dtype)
        assert asymmetric_pair(graph) is None
        for i in range(34):
            directed = graph.copy()
            place = directed.indptr[i] + i % (
                directed.indptr[i + 1] - directed.indptr[i]
            )
            j = directed.indices[place]
            directed.data[place] *= dtype(1.001)
            assert sorted(asymmetric_pair(directed)) == sorted((i, j))
            directed.data[place] = 0
            assert sorted(asymmetric_pair(canonical_csr(directed))) == sorted((i, j))


@pytest.mark.parametrize("dtype", UNITS)
def test_a_heavy_edge_hides_no_asymmetry(dtype):
    graph = np.ones((50, 50), dtype=dtype)
    graph[0, 1] = graph[1, 0] = 1e6 / np.finfo(dtype).eps
    assert asymmetric_pair(canonical_csr(graph)) is None
    graph[5, 6] = 4
    message = "not symmetric; pass X .* row 5 to column 6 has weight 4, .* has weight 1"
    with pytest.raises(ValueError, match=message):
        LaplacianEigenmaps().fit(graph)
    graph[5, 6] = 1 + 200 * np.finfo(dtype).eps
    assert asymmetric_pair(canonical_csr(graph)) is not None
    graph[5, 6] = 1 + 50 * np.finfo(dtype).eps
    assert asymmetric_pair(canonical_csr(graph)) is None


def test_rounding_errors_of_single_precision_are_those_of_an_undirected_graph():
    rng = np.random.default_rng(0)
    graph = rng.uniform(1, 2, size=(40, 40)).astype(np.float32)
    graph += graph.T
    graph *= (1 + 1e-7 * rng.standard_normal((40, 40))).astype(np.float32)
    assert (graph != graph.T).any()
    LaplacianEigenmaps().fit(graph)
    NetMF(2, method="spectral", window=1, random_state=0).fit(graph)
    encoder = GraphClusterEncoder(3, random_state=0).fit(graph)
    assert_array_equal(encoder.transform(graph).argmax(axis=1), encoder.labels_)
    with pytest.raises(ValueError, match="not symmetric"):
        LaplacianEigenmaps().fit(graph.astype(np.float64))


WALKS = {"n_walks": 3, "walk_length": 12, "window": 3, "random_state": 0}
IN_ANY_UNIT = [
    NetMF(3, random_state=0),
    NetMF(3, method="spectral", rank=20, random_state=0),
    ProNE(3, random_state=0),
    LaplacianEigenmaps(3),
    LaplacianEigenmaps(3, normalization=None),
    LaplacianEigenmaps(3, normalization="random_walk"),
    DeepWalk(3, **WALKS),
    DeepWalk(3, solver="pmi", negative=1, **WALKS),
    Node2Vec(3, p=0.5, q=2.0, **WALKS),
    GraphClusterEncoder(4, random_state=0),
]


def relative(E):
    return E / np.abs(E).max()


@pytest.mark.parametrize("embedding", IN_ANY_UNIT)
@pytest.mark.parametrize("dtype", UNITS)
def test_any_unit_of_the_weights(embedding, dtype):
    """Up to the factor that yᵀ D y = 1 gives."""
    graph = nx.to_scipy_sparse_array(nx.karate_club_graph(), dtype=dtype)
    embedding = clone(embedding)
    expected = relative(embedding.fit_transform(graph))
    atol = 1e-10 if dtype is np.float64 else 1e-5
    for unit in UNITS[dtype]:
        scaled = graph.copy()
        scaled.data = scaled.data * dtype(unit)
        E = embedding.fit_transform(scaled)
        assert_allclose(relative(E), expected, atol=atol)
        for rows in (graph, scaled):
            assert_allclose(relative(embedding.transform(rows)), expected, atol=atol)


DIRECTED = [embedding for embedding in IN_ANY_UNIT if "spectral" not in repr(embedding)]
DIRECTED = [
    embedding
    for embedding in DIRECTED
    if not isinstance(embedding, LaplacianEigenmaps | GraphClusterEncoder)
]


def directed_graph(n=40, seed=0):
    """Weighted, each node with an edge that leaves it."""
    rng = np.random.default_rng(seed)
    graph = (rng.random((n, n)) < 0.2) * rng.uniform(0.1, 7, size=(n, n))
    graph[np.arange(n), np.arange(1, n + 1) % n] = 1
    return graph


@pytest.mark.parametrize("embedding", DIRECTED)
@pytest.mark.parametrize("unit", [1e-308, 1e-16, 1e160, 1e306])
def test_a_directed_graph_is_the_same_in_any_unit(embedding, unit):
    graph = directed_graph()
    embedding = clone(embedding)
    E = embedding.fit_transform(graph)
    assert_allclose(embedding.fit_transform(graph * unit), E, atol=1e-10)
    for undirected in (LaplacianEigenmaps(), NetMF(method="spectral")):
        with pytest.raises(ValueError, match="the adjacency is not symmetric; pass X"):
            undirected.fit(graph * unit)


@pytest.mark.parametrize("embedding", IN_ANY_UNIT)
def test_weights_from_end_to_end_of_the_range(embedding):
    """Three components in units of their own, joined or not by an edge between."""
    parts = [1e-309 * KARATE, KARATE, 1e306 * KARATE]
    graph = sparse.block_diag(parts, format="lil")
    fits = []
    for joined in (False, True):
        if joined:
            graph[0, 40] = graph[40, 0] = graph[50, 80] = graph[80, 50] = 1
        fits.append(clone(embedding).fit(graph.tocsr()))
    for fitted in fits:
        E = fitted.transform(graph.tocsr())
        assert np.isfinite(E).all()
        assert E.any(axis=1).all()


def test_sums_of_rows():
    rows = sparse.csr_array(
        [
            [1e308] * 4,
            [1e-320, 0, 3e-320, 0],
            [1, 0, 2, 1],
            [0] * 4,
            [1e308, 1e-300] * 2,
        ]
    )
    P = transition_matrix(rows).toarray()
    expected = [[0.25] * 4, [0.25, 0, 0.75, 0], [0.25, 0, 0.5, 0.25], [0] * 4]
    assert_allclose(P[:4], expected, rtol=1e-3)  # 1e-320 has few digits
    assert_allclose(P[4], [0.5, 0, 0.5, 0])
    assert_allclose(root_degrees(rows)[[0, 2, 3]], [2e154, 2, 0], rtol=1e-12)
    logs = sparse.csr_array(
        (log_transitions(rows), rows.indices, rows.indptr)
    ).toarray()
    assert_allclose(
        logs[4, :2],
        [np.log(0.5), np.log(1e-300) - np.log(1e308) - np.log(2)],
        rtol=1e-12,
    )
    assert_allclose(logs[0], np.log(0.25), rtol=1e-12)
    norms = group_norms(np.array([3e200, 4e200, 3e-200, 4e-200]), np.arange(4) // 2, 3)
    assert_allclose(norms, [5e200, 5e-200, 0])


@pytest.mark.parametrize("embedding", IN_ANY_UNIT)
# Of five nodes, with more components than they allow, and of none with edges.
@pytest.mark.filterwarnings("ignore:n_components=", "ignore:n_clusters=")
@pytest.mark.filterwarnings("ignore:The graph of 5 nodes has no edge")
def test_a_refit_leaves_nothing_of_the_fit_before(embedding):
    pd = pytest.importorskip("pandas")
    names = [f"member {i}" for i in range(34)]
    frame = pd.DataFrame(KARATE.toarray(), columns=names)
    size = "n_clusters" if "n_clusters" in embedding.get_params() else "n_components"
    for graph, parameters in (
        (np.zeros((5, 5)), {}),
        (nx.to_numpy_array(nx.path_graph(9)), {size: 2}),
        (np.ones((8, 8)) + np.diag([9] * 8), {size: 1}),
    ):
        fresh = clone(embedding).set_params(**parameters).fit(graph)
        refitted = clone(embedding).set_output(transform="pandas").fit(frame)
        refitted.set_params(**parameters).fit(graph)
        assert vars(refitted).keys() - vars(fresh).keys() == {"_sklearn_output_config"}
        assert not vars(fresh).keys() - vars(refitted).keys()
        assert_array_equal(refitted.transform(graph), fresh.transform(graph))


@pytest.mark.parametrize("embedding", DIRECTED)
def test_nodes_that_no_edge_leaves_are_counted(embedding):
    graph = directed_graph()
    graph[[3, 8]] = 0
    graph[20], graph[:, 20] = 0, 0  # isolated: told in the documentation alone
    with pytest.warns(UserWarning, match="2 of 40 nodes .* first is node 3") as caught:
        E = clone(embedding).fit_transform(graph)
    assert len(caught) == 1
    assert not E[[3, 8, 20]].any()


def test_a_data_frame_names_the_nodes():
    pd = pytest.importorskip("pandas")
    names = [f"member {i}" for i in range(34)]
    frame = pd.DataFrame(KARATE.toarray(), index=names, columns=names)
    netmf = NetMF(n_components=2, random_state=0).set_output(transform="pandas")
    E = netmf.fit_transform(frame)
    assert list(E.index) == names
    assert list(netmf.feature_names_in_) == names
    assert list(E.columns) == ["netmf0", "netmf1"]
