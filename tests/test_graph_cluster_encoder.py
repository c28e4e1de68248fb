"""GraphClusterEncoder: planted partitions, Ng-Jordan-Weiss, and any embedder."""

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.linalg import eigh
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import normalize

from sklearn_replearn.graph import (
    GraphClusterEncoder,
    LaplacianEigenmaps,
    NetMF,
    NodeEncoder,
)
from sklearn_replearn.graph._graph_cluster_encoder import nearest_centers

KARATE = nx.to_scipy_sparse_array(nx.karate_club_graph(), dtype=float)
SIZES = [60, 40, 30, 20]
BLOCKS = np.random.default_rng(0).permutation(np.repeat(range(4), SIZES))


def planted_partition(new_blocks=(), seed=0):
    """Adjacency of the blocks, and rows of new nodes in blocks of their own."""
    rng = np.random.default_rng(seed)
    chances = np.where(BLOCKS[:, np.newaxis] == BLOCKS, 0.5, 0.05)
    upper = np.triu(rng.uniform(size=chances.shape) < chances, 1).astype(float)
    chances = np.where(np.reshape(new_blocks, (-1, 1)) == BLOCKS, 0.5, 0.05)
    rows = (rng.uniform(size=chances.shape) < chances).astype(float)
    return sparse.csr_array(upper + upper.T), rows


def seeded(n_clusters=4, **params):
    return GraphClusterEncoder(n_clusters, random_state=0, **params)


@pytest.mark.parametrize(
    "embedder",
    [
        None,
        LaplacianEigenmaps(4),
        LaplacianEigenmaps(3, normalization="random_walk"),
        NetMF(8, random_state=0),
    ],
)
def test_planted_partition(embedder):
    new_blocks = np.arange(20) % 4
    graph, rows = planted_partition(new_blocks)
    encoder = seeded(embedder=embedder)
    Z = encoder.fit_transform(graph)
    assert adjusted_rand_score(BLOCKS, encoder.labels_) == 1
    assert_array_equal(np.bincount(encoder.labels_), SIZES)
    assert_array_equal(encoder.labels_, BLOCKS)  # blocks come by their size, too
    assert_array_equal(Z, np.eye(4)[BLOCKS])
    assert_array_equal(encoder.transform(graph), Z)
    assert_array_equal(encoder.predict(rows), new_blocks)
    assert_array_equal(encoder.transform(rows), np.eye(4)[new_blocks])


def test_ng_jordan_weiss():
    """Angles between the rows of the first eigenvectors, and their k-means."""
    A = KARATE.toarray()
    d = A.sum(axis=1)
    _, V = eigh(np.eye(34) - A / np.sqrt(np.outer(d, d)))
    rows = normalize(V[:, :4])
    encoder = seeded().fit(KARATE)
    units = encoder._unit_vectors(KARATE)
    assert_allclose(units @ units.T, rows @ rows.T, atol=1e-10)
    assert encoder.embedder_.n_components == 3
    expected = KMeans(4, n_init=20, random_state=1).fit(rows)
    assert adjusted_rand_score(encoder.labels_, expected.labels_) == 1
    means = [units[encoder.labels_ == i].mean(axis=0) for i in range(4)]
    assert_allclose(encoder.cluster_centers_, means, atol=1e-5)


def test_two_clusters_of_the_karate_club():
    encoder = seeded(2).fit(KARATE)
    clubs = [club == "Officer" for _, club in nx.karate_club_graph().nodes(data="club")]
    assert adjusted_rand_score(clubs, encoder.labels_) > 0.75  # all but 2


def test_components_are_clusters_and_isolated_nodes_are_none():
    parts = [[[0.0]], np.ones((3, 3)), KARATE, np.zeros((2, 2)), np.ones((4, 4))]
    graph = sparse.csr_array(sparse.block_diag(parts, format="csr"))
    expected = np.r_[-1, [2] * 3, [0] * 34, [-1] * 2, [1] * 4]
    encoder = seeded(3)
    Z = encoder.fit_transform(graph)
    assert_array_equal(encoder.labels_, expected)
    assert_array_equal(Z[expected >= 0], np.eye(3)[expected[expected >= 0]])
    assert not Z[expected < 0].any()
    nobody = np.zeros((1, 44))
    assert_array_equal(encoder.transform(nobody), [[0, 0, 0]])
    assert_array_equal(encoder.predict(nobody), [-1])
    encoder = seeded(2).fit(graph)  # the smallest share one
    assert_array_equal(encoder.labels_, np.where(expected == 2, 1, expected))


def test_fewer_clusters_where_nodes_do_not_differ():
    """The sides of a complete bipartite graph have no vector that tells them apart."""
    bipartite = nx.to_numpy_array(nx.complete_bipartite_graph(3, 5))
    two = np.kron(np.eye(2), bipartite)
    message = "n_clusters=4 is more than the 2 that the graph allows"
    with pytest.warns(UserWarning, match=message):
        encoder = seeded(4).fit(two)
    assert encoder.n_clusters_ == 2
    assert_array_equal(encoder.labels_, [0] * 8 + [1] * 8)
    assert encoder.transform(two).shape == (16, 2)
    assert list(encoder.get_feature_names_out()) == [
        "graphclusterencoder0",
        "graphclusterencoder1",
    ]
    with pytest.warns(UserWarning, match="n_clusters=8 is more than the 3 that"):
        encoder = seeded(8).fit(np.ones((3, 3)) - np.eye(3))
    assert sorted(encoder.labels_) == [0, 1, 2]


def test_one_cluster():
    encoder = seeded(1).fit(KARATE)
    assert_array_equal(encoder.labels_, np.zeros(34))
    assert encoder.cluster_centers_.shape[0] == 1


def test_no_edges():
    with pytest.warns(UserWarning, match="has no edge"):
        encoder = seeded(8).fit(np.zeros((3, 3)))
    assert_array_equal(encoder.labels_, [-1] * 3)
    assert_array_equal(encoder.transform(np.ones((2, 3))), np.zeros((2, 3)))


def test_directed_graphs_are_left_to_the_embedder():
    directed = np.triu(KARATE.toarray()) + np.eye(34, k=-2)
    with pytest.raises(ValueError, match=r"undirected graphs.*pass X \+ X\.T"):
        seeded().fit(directed)
    encoder = seeded(3, embedder=NetMF(4, window=3)).fit(directed)
    assert encoder.n_clusters_ == 3


def test_failed_fit_leaves_the_encoder_as_it_was():
    encoder = seeded().fit(KARATE)
    before = encoder.transform(KARATE)
    with pytest.raises(ValueError, match="square"):
        encoder.fit(np.ones((3, 4)))
    with pytest.raises(ValueError, match="Negative values"):
        encoder.fit(-KARATE)
    assert_array_equal(encoder.transform(KARATE), before)


def test_nested_parameters_and_clones():
    encoder = seeded(embedder=NetMF(4))
    encoder.set_params(embedder__n_components=6, embedder__window=2, n_clusters=3)
    cloned = clone(encoder)
    assert cloned.embedder is not encoder.embedder
    encoder.fit(KARATE)
    assert encoder.embedder_ is not encoder.embedder
    assert encoder.embedder_.embedding_.shape == (34, 6)
    assert encoder.embedder_.window == 2
    assert not hasattr(encoder.embedder, "embedding_")
    assert_array_equal(cloned.fit(KARATE).labels_, encoder.labels_)


def test_one_random_state_for_all():
    graph, _ = planted_partition()
    embedder = NetMF(40, method="spectral", rank=60)
    first, second = (seeded(9, embedder=embedder) for _ in range(2))
    assert_array_equal(first.fit_transform(graph), second.fit_transform(graph))
    assert_array_equal(first.embedder_.embedding_, second.embedder_.embedding_)
    assert embedder.random_state is None
    fixed = clone(embedder).set_params(random_state=5)
    assert seeded(embedder=fixed).fit(graph).embedder_.random_state == 5


def test_dtypes_have_the_same_clusters():
    double = seeded(7).fit_transform(KARATE)
    single = seeded(7).fit_transform(KARATE.astype(np.float32))
    assert (double.dtype, single.dtype) == (np.float64, np.float32)
    assert_array_equal(double, single)


def test_embedders_of_other_kinds():
    """One that takes dense input only, and one whose output is a DataFrame."""

    class DensePCA(PCA):
        def __sklearn_tags__(self):
            tags = super().__sklearn_tags__()
            tags.input_tags.sparse = False
            return tags

        def fit_transform(self, X, y=None):
            assert isinstance(X, np.ndarray)
            return super().fit_transform(X)

    encoder = seeded(embedder=DensePCA(3)).fit(KARATE)
    assert_array_equal(encoder.predict(KARATE), encoder.labels_)
    frames = LaplacianEigenmaps(3).set_output(transform="pandas")
    labels = seeded(embedder=LaplacianEigenmaps(3)).fit(KARATE).labels_
    assert_array_equal(seeded(embedder=frames).fit(KARATE).labels_, labels)


def test_groups_of_a_column():
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "x"), ("x", "y"), ("y", "z")]
    edges += [("x", "z")]
    table = np.array([["a", 1.0], ["z", 2.0], ["b", 3.0], ["q", 4.0]], dtype=object)
    encoder = NodeEncoder(edges, seeded(2), handle_unknown="zero")
    Z = make_column_transformer((encoder, [0])).fit_transform(table)
    assert_array_equal(Z[0], Z[2])
    assert_array_equal(Z[0] + Z[1], [1, 1])
    assert_array_equal(Z[3], [0, 0])


def test_ties_go_to_the_first_centre():
    centers = np.array([[1.0, 0], [0, 1], [-1, 0]])
    units = np.array([[1, 1], [1, 1 + 1e-14], [-1, 1], [0, 0]]) / np.sqrt(2)
    assert_array_equal(nearest_centers(units, centers), [0, 0, 1, -1])
