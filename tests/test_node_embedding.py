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

from sklearn_replearn.graph import NetMF
from sklearn_replearn.graph._node_embedding import (
    BaseNodeEmbedding,
    canonical_csr,
    is_symmetric,
)

KARATE = nx.to_scipy_sparse_array(nx.karate_club_graph(), weight=None, dtype=float)
EMBEDDINGS = [
    estimator
    for estimator in INSTANCES.values()
    if isinstance(estimator, BaseNodeEmbedding)
]
each_embedding = pytest.mark.parametrize("embedding", EMBEDDINGS, ids=repr)


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


def test_symmetry():
    assert is_symmetric(KARATE)
    assert is_symmetric((1e-6 * KARATE).astype(np.float32))
    for i in range(34):
        directed = KARATE.copy()
        directed[i, directed.indices[directed.indptr[i]]] += 1e-3
        assert not is_symmetric(directed)


def test_a_data_frame_names_the_nodes():
    pd = pytest.importorskip("pandas")
    names = [f"member {i}" for i in range(34)]
    frame = pd.DataFrame(KARATE.toarray(), index=names, columns=names)
    netmf = NetMF(n_components=2, random_state=0).set_output(transform="pandas")
    E = netmf.fit_transform(frame)
    assert list(E.index) == names
    assert list(netmf.feature_names_in_) == names
    assert list(E.columns) == ["netmf0", "netmf1"]
