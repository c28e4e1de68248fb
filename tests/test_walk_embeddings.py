"""DeepWalk and Node2Vec against gensim, against loops, and on graphs of every kind."""

import tracemalloc
import warnings

import numpy as np
import pytest
from gensim.models import Word2Vec
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from sklearn_replearn.graph import DeepWalk, Node2Vec
from sklearn_replearn.graph._walk_embedding import apply_row_formula, fit_row_formula
from sklearn_replearn.graph._walks import RandomWalks, WalkSequences
from sklearn_replearn.utils.estimator_checks import make_check_data

SMALL = {"n_components": 4, "n_walks": 3, "walk_length": 12, "window": 3}
PMI = {"solver": "pmi", "negative": 1}
BOTH = pytest.mark.parametrize("solver", ["skipgram", "pmi"])


def edges(n_nodes, *pairs, directed=False, weights=1.0):
    A = np.zeros((n_nodes, n_nodes))
    A[tuple(np.transpose(pairs))] = weights
    return A if directed else np.maximum(A, A.T)


def communities(n_nodes=60):
    """Three communities, and which node is in which."""
    data = make_check_data(DeepWalk(), n_samples=n_nodes)
    return data.X, data.y


@pytest.fixture
def directed():
    """A ring of 0 to 3, a dead end 4, 5 that leads only there, and 6 is isolated."""
    return edges(7, (0, 1), (1, 2), (2, 3), (3, 0), (2, 4), (5, 4), directed=True)


def walks_of(embedding, A):
    """The walks that an estimator with an int as random_state reads."""
    p, q = getattr(embedding, "p", 1), getattr(embedding, "q", 1)
    walks = RandomWalks(
        sparse.csr_array(A),
        n_walks=embedding.n_walks,
        walk_length=embedding.walk_length,
        p=p,
        q=q,
        seed=embedding.random_state,
    )
    return [walk.tolist() for walk in WalkSequences(walks)]


def by_gensim(embedding, A):
    """Vectors of gensim's skip-gram without subsampling, zero for unvisited nodes."""
    walks = walks_of(embedding, A)
    visits = np.bincount(np.concatenate(walks), minlength=len(A))
    model = Word2Vec(
        vector_size=embedding.n_components,
        window=embedding.window,
        alpha=embedding.lr,
        negative=embedding.negative,
        sg=1,
        hs=0,
        sample=0,
        min_count=1,
        workers=1,
        sorted_vocab=False,
        seed=embedding.random_state,
    )
    model.build_vocab_from_freq({f"n{i}": int(v) for i, v in enumerate(visits) if v})
    named = [[f"n{i}" for i in walk] for walk in walks]
    trained, read = model.train(
        named, total_words=int(visits.sum()), epochs=embedding.max_epochs
    )
    assert trained == read == embedding.max_epochs * visits.sum()  # none thrown away
    vectors = np.zeros((len(A), embedding.n_components))
    vectors[visits > 0] = [model.wv[f"n{i}"] for i in np.flatnonzero(visits)]
    return vectors


@pytest.mark.parametrize(
    "embedding",
    [
        DeepWalk(8, max_epochs=2, random_state=0),
        DeepWalk(8, n_walks=5, window=2, negative=2, lr=0.05, random_state=1),
        Node2Vec(8, p=0.5, q=2.0, random_state=0),
    ],
)
def test_is_gensims_skip_gram_without_subsampling(embedding):
    A = communities()[0].toarray()
    A[:, 7] = A[7] = 0  # isolated: the numbers of the nodes are not gensim's
    embedding = clone(embedding).fit(A)
    assert embedding.node_vectors_.dtype == np.float64
    assert_array_equal(embedding.node_vectors_, by_gensim(embedding, A))
    assert not embedding.node_vectors_[7].any()


def test_directed_graphs_are_trained_along_their_edges(directed):
    with pytest.warns(UserWarning, match="1 of 7 nodes .*the first is node 4"):
        deep_walk = DeepWalk(**SMALL, max_epochs=3, random_state=0).fit(directed)
    assert_array_equal(deep_walk.node_vectors_, by_gensim(deep_walk, directed))
    # A dead end is a neighbour on walks, but has no edges to be encoded by.
    assert_array_equal(deep_walk.node_vectors_.any(axis=1), [True] * 6 + [False])
    assert_array_equal(
        deep_walk.embedding_.any(axis=1), [True] * 4 + [False, True, False]
    )


@BOTH
def test_node2vec_without_bias_is_deepwalk(solver):
    A, _ = communities()
    settings = SMALL | {"solver": solver, "random_state": 0}
    deep_walk, node2vec = (cls(**settings).fit(A) for cls in (DeepWalk, Node2Vec))
    assert_array_equal(node2vec.node_vectors_, deep_walk.node_vectors_)
    assert_array_equal(node2vec.embedding_, deep_walk.embedding_)
    biased = Node2Vec(**settings, p=4.0).fit(A)
    assert not np.allclose(biased.node_vectors_, deep_walk.node_vectors_)


def pmi_by_loop(walks, n_nodes, window, negative):
    counts = np.zeros((n_nodes, n_nodes))
    for walk in walks:
        for i, node in enumerate(walk):
            for j, other in enumerate(walk):
                if 0 < abs(i - j) <= window:
                    counts[node, other] += (window - abs(i - j) + 1) / window
    contexts = counts.sum(axis=0) ** 0.75
    pmi = np.zeros_like(counts)
    for i, j in zip(*counts.nonzero(), strict=True):
        chance = counts[i].sum() * contexts[j] / contexts.sum()
        pmi[i, j] = max(0, np.log(counts[i, j] / chance) - np.log(negative))
    return pmi


@pytest.mark.filterwarnings("ignore:. of . nodes have in-edges but")  # sinks
@pytest.mark.parametrize("negative", [1, 2])
@pytest.mark.parametrize("kind", ["undirected", "directed"])
def test_pmi_by_a_loop(kind, negative, directed):
    A = directed if kind == "directed" else communities(21)[0].toarray()
    pmi = Node2Vec(
        **SMALL | {"solver": "pmi", "negative": negative, "n_components": 2},
        q=0.5,
        random_state=0,
    ).fit(A)
    matrix = pmi_by_loop(walks_of(pmi, A), len(A), 3, negative)
    U, s, _ = np.linalg.svd(matrix)
    # The sign of each column is the solver's.
    expected = np.abs(U[:, :2] * np.sqrt(s[:2]))
    assert_allclose(np.abs(pmi.node_vectors_), expected, atol=1e-4)


def test_pmi_counts_one_block_of_walks_after_another(monkeypatch):
    A, _ = communities()
    pmi = DeepWalk(**SMALL | PMI, random_state=0)
    whole = walks_of(pmi, A)
    monkeypatch.setattr("sklearn_replearn.graph._walks.WALKERS_AT_A_TIME", 50)
    blocks = walks_of(pmi, A)
    assert [walk[0] for walk in blocks] == [walk[0] for walk in whole]
    pmi.fit(A)
    U, s, _ = np.linalg.svd(pmi_by_loop(blocks, 60, 3, 1))
    gram = (U[:, :4] * s[:4]) @ U[:, :4].T
    assert_allclose(pmi.node_vectors_ @ pmi.node_vectors_.T, gram, atol=1e-3)


@BOTH
def test_walks_are_never_held_together(solver, monkeypatch):
    monkeypatch.setattr("sklearn_replearn.graph._walks.WALKERS_AT_A_TIME", 100)
    A, _ = communities()
    embedding = DeepWalk(2, window=1, solver=solver, random_state=0)
    embedding.fit(A)  # whatever is imported late is now

    def peak(n_walks):
        tracemalloc.start()
        try:
            clone(embedding).set_params(n_walks=n_walks).fit(A)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(10), peak(60)
    assert many < few + 50 * 60 * 40  # less than a byte for each node on a walk


def formula_by_loop(A, W):
    """The coefficients of the formula of rows, written out."""
    n, d = W.shape
    P = np.zeros((n, n))
    scale = np.zeros(n)
    for i in range(n):
        scale[i] = np.log(1 + np.count_nonzero(A[i]))
        if A[i].any():
            P[i] = A[i] / A[i].sum()
    rows = [i for i in range(n) if A[i].any()]
    F = np.zeros((len(rows), 4 * d))
    for row, i in enumerate(rows):
        near = sum(P[i, j] * W[j] for j in range(n))
        far = sum(P[i, j] * P[j, k] * W[k] for j in range(n) for k in range(n))
        F[row] = [*near, *far, *(scale[i] * near), *(scale[i] * far)]
    penalty = 1e-4 * (F**2).sum() / (4 * d)
    # Ridge regression as least squares with further rows.
    F = np.vstack([F, np.sqrt(penalty) * np.eye(4 * d)])
    target = np.vstack([W[rows], np.zeros((4 * d, d))])
    B = np.split(np.linalg.lstsq(F, target, rcond=None)[0], 4)
    return W @ B[0] + P @ W @ B[1], W @ B[2] + P @ W @ B[3]


@pytest.mark.parametrize("kind", ["undirected", "weighted", "directed"])
def test_formula_of_rows_by_a_loop(kind, directed, monkeypatch):
    monkeypatch.setattr("sklearn_replearn.graph._walk_embedding.ROWS_AT_A_TIME", 8)
    rng = np.random.default_rng(0)
    A = directed if kind == "directed" else communities(27)[0].toarray()
    if kind == "weighted":
        A *= rng.uniform(0.1, 5, size=A.shape)
    W = rng.standard_normal((len(A), 3))
    G1, G2 = formula_by_loop(A, W)
    components = fit_row_formula(sparse.csr_array(A), W)
    assert_allclose(components.T, np.vstack([G1, G2]), atol=1e-6 * np.abs(G1).max())
    rows = rng.uniform(size=(5, len(A))) * (rng.uniform(size=(5, len(A))) < 0.4)
    rows[4] = 0
    for row, e in zip(
        rows, apply_row_formula(sparse.csr_array(rows), components), strict=True
    ):
        p = row / (row.sum() or 1)
        expected = p @ G1 + np.log(1 + np.count_nonzero(row)) * (p @ G2)
        assert_allclose(e, expected, atol=1e-5 * np.abs(G1).max())


@BOTH
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_nodes_with_the_same_edges_have_the_same_vector(solver, dtype):
    A = communities()[0].toarray().astype(dtype)
    embedding = DeepWalk(**SMALL | {"solver": solver, "negative": 1}, random_state=0)
    E = embedding.fit_transform(A)
    for attribute in (E, embedding.node_vectors_, embedding.components_):
        assert attribute.dtype == dtype
    assert_array_equal(E, embedding.embedding_)
    assert_array_equal(embedding.transform(A), E)
    assert_array_equal(embedding.transform(3 * A[5:6]), E[5:6])  # a multiple of weights
    assert_array_equal(embedding.transform(sparse.coo_array(A[[9, 5]])), E[[9, 5]])
    assert embedding.components_.shape == (embedding.n_components_, 2 * 60)


def test_the_formula_comes_near_the_trained_vectors():
    A, _ = communities(150)
    deep_walk = DeepWalk(8, n_walks=5, max_epochs=3, random_state=0).fit(A)
    W, E = deep_walk.node_vectors_, deep_walk.embedding_
    assert ((W - E) ** 2).sum() < 0.05 * (W**2).sum()


@BOTH
def test_new_nodes_come_to_lie_in_their_community(solver):
    A, y = communities(240)
    fitted = np.arange(240) % 4 != 0
    embedding = DeepWalk(8, window=3, solver=solver, negative=2, random_state=0)
    E = embedding.fit_transform(A[fitted][:, fitted])
    classifier = LogisticRegression(C=100).fit(E, y[fitted])
    new = embedding.transform(A[~fitted][:, fitted])
    assert classifier.score(new, y[~fitted]) > 0.9  # by chance 0.33


def test_weights_lead_the_walks():
    """Two groups in a complete graph that its weights alone tell apart."""
    y = np.arange(20) % 2
    A = np.where(y[:, np.newaxis] == y, 20.0, 1.0) - 20 * np.eye(20)
    for settings in ({"max_epochs": 10}, PMI):
        vectors = DeepWalk(2, window=2, random_state=0, **settings).fit(A).node_vectors_
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        cosines = unit @ unit.T
        same = y[:, np.newaxis] == y
        assert cosines[same].mean() > cosines[~same].mean() + 0.3


@pytest.mark.parametrize("embedding", [DeepWalk(8), Node2Vec(8, q=2.0)])
@pytest.mark.parametrize("settings", [{"max_epochs": 3}, PMI], ids=str)
def test_karate_club(embedding, settings):
    """The two factions, of which the larger is half of the club."""
    networkx = pytest.importorskip("networkx")
    club = networkx.karate_club_graph()
    A = networkx.to_scipy_sparse_array(club, weight=None, dtype=float)
    y = [club.nodes[i]["club"] == "Mr. Hi" for i in club]
    embedding = clone(embedding).set_params(window=3, random_state=0, **settings).fit(A)
    for vectors in (embedding.node_vectors_, embedding.embedding_):
        assert cross_val_score(LogisticRegression(C=100), vectors, y).mean() > 0.8


@pytest.mark.filterwarnings("ignore:. of . nodes have in-edges but")  # sinks
@BOTH
@pytest.mark.parametrize(
    "A",
    [
        edges(2, (0, 1)),
        edges(2, (0, 1), directed=True),
        edges(4, (1, 2)),
        edges(3, (0, 0), (1, 1)),
        edges(5, (0, 0), (1, 2), (2, 3)),
        edges(4, (0, 1), (2, 1), (3, 1), directed=True),
    ],
    ids=["edge", "directed edge", "rest isolated", "loops", "a loop", "sink"],
)
def test_tiny_graphs(A, solver):
    embedding = DeepWalk(**SMALL | {"solver": solver, "negative": 1}, random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "n_components=4 is more than", UserWarning)
        warnings.filterwarnings("ignore", "All node vectors are zero", UserWarning)
        E = embedding.fit_transform(A)
    k = embedding.n_components_
    assert E.shape == embedding.node_vectors_.shape == (len(A), k)
    assert np.isfinite(E).all()
    assert not E[~A.any(axis=1)].any()
    assert_array_equal(embedding.transform(A), E)


@BOTH
@pytest.mark.parametrize(
    ("A", "message"),
    [
        (np.zeros((5, 5)), "The graph of 5 nodes has no edge"),
        (edges(5, (3, 3)), "zero: node 3, whose edge leads to itself, is the only one"),
    ],
    ids=["no edge", "one loop"],
)
def test_nothing_to_learn_from(A, message, solver):
    embedding = DeepWalk(**SMALL | {"solver": solver}, random_state=0)
    with pytest.warns(UserWarning, match=message) as caught:
        embedding.fit(A)
    assert caught[0].filename == __file__
    assert_array_equal(embedding.node_vectors_, np.zeros((5, 4)))
    assert_array_equal(embedding.transform(np.ones((2, 5))), np.zeros((2, 4)))


def test_no_pair_is_nearer_than_by_chance():
    A = np.ones((6, 6))
    pmi = DeepWalk(2, solver="pmi", negative=100, random_state=0)
    with pytest.warns(UserWarning, match="are zero: no pair .*; lower nega") as caught:
        pmi.fit(A)
    assert caught[0].filename == __file__
    assert_array_equal(pmi.node_vectors_, np.zeros((6, 2)))
    assert_array_equal(pmi.embedding_, np.zeros((6, 2)))


def test_more_components_than_the_rank():
    A = edges(6, (0, 1), (2, 3), (4, 5))
    message = "n_components=9 is more than the 6 .*rank of the pairs' matrix"
    with pytest.warns(UserWarning, match=message) as caught:
        pmi = DeepWalk(9, **PMI, walk_length=3, window=1, random_state=0).fit(A)
    assert caught[0].filename == __file__
    assert pmi.n_components_ == 6
    assert pmi.get_feature_names_out()[-1] == "deepwalk5"
    assert DeepWalk(9, random_state=0).fit_transform(A).shape == (6, 9)


@pytest.mark.parametrize("cls", [DeepWalk, Node2Vec])
def test_threads(cls):
    A, _ = communities()
    one = cls(**SMALL, random_state=0).fit(A).node_vectors_
    none = cls(**SMALL, random_state=0, n_jobs=None).fit(A).node_vectors_
    assert_array_equal(none, one)
    for random_state in (0, np.random.RandomState(0)):
        with pytest.raises(ValueError, match="set n_jobs=1 or random_state=None"):
            cls(**SMALL, random_state=random_state, n_jobs=2).fit(A)
    assert np.isfinite(cls(**SMALL, n_jobs=2).fit(A).node_vectors_).all()
    pmi = SMALL | {"solver": "pmi", "negative": 1, "random_state": 0}
    one, two = (cls(**pmi, n_jobs=n_jobs).fit_transform(A) for n_jobs in (1, 2))
    assert_array_equal(one, two)  # no thread changes anything


@BOTH
def test_progress(solver, capsys):
    A, _ = communities()
    embedding = DeepWalk(**SMALL | {"solver": solver, "negative": 1}, random_state=0)
    embedding.fit(A)
    assert capsys.readouterr() == ("", "")
    embedding.set_params(verbose=1).fit(A)
    out, err = capsys.readouterr()
    assert out == ""
    assert "100%|" in err
    assert ("epoch 1/1" if solver == "skipgram" else "counting pairs") in err


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"solver": "svd"}, "The 'solver' parameter of Node2Vec must be a str among"),
        ({"walk_length": 1}, r"'walk_length' parameter .* in the range \[2, inf\)"),
        ({"negative": 0}, r"'negative' parameter .* in the range \[1, inf\)"),
        ({"window": 10**5}, r"'window' parameter .* in the range \[1, 10000\]"),
        ({"p": 0.0}, r"'p' parameter .* in the range \(0.0, inf\)"),
        ({"q": -1.0}, r"'q' parameter .* in the range \(0.0, inf\)"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        Node2Vec(**parameters).fit(np.ones((3, 3)))


def test_a_failed_fit_leaves_the_fitted_state():
    A, _ = communities()
    deep_walk = DeepWalk(**SMALL, random_state=0).fit(A)
    before = deep_walk.transform(A)
    with pytest.raises(ValueError, match="set n_jobs=1"):
        deep_walk.set_params(n_jobs=2).fit(A[:30, :30])
    assert_array_equal(deep_walk.transform(A), before)
