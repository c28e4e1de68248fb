"""Pairs to features: operators, the graph of the training pairs, and no leak."""

import pickle
from itertools import combinations

import networkx as nx
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from sklearn_replearn.graph import EdgeEncoder, NetMF

PAIRS = [["a", "b"], ["c", "b"], ["d", "a"], ["b", "c"], ["e", "d"]]
LABELS = [1, 1, 0, 1, 0]
KARATE = nx.karate_club_graph()
QUICK = NetMF(n_components=3, window=2, random_state=0)
OTHERS = [["a", "c"], ["e", "b"], ["b", "b"]]
FORMULAS = {
    "hadamard": lambda u, v: u * v,
    "average": lambda u, v: (u + v) / 2,
    "l1": lambda u, v: abs(u - v),
    "l2": lambda u, v: (u - v) ** 2,
}


class Rows(TransformerMixin, BaseEstimator):
    """The adjacency itself as vectors, seen as it came."""

    def fit(self, X, y=None):
        self.adjacency_ = X
        return self

    def transform(self, X):
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def fitted(y=LABELS, X=PAIRS, **parameters):
    return EdgeEncoder(embedder=Rows(), **parameters).fit(X, y)


@pytest.mark.parametrize("operator", FORMULAS)
def test_operators_by_loops(operator):
    encoder = EdgeEncoder(KARATE, QUICK, operator=operator).fit([[0, 1]])
    E = QUICK.fit_transform(nx.to_scipy_sparse_array(KARATE, dtype=float))
    X = [[0, 33], [5, 5], [12, 3]]
    formula = FORMULAS[operator]
    expected = [list(map(formula, E[i].tolist(), E[j].tolist())) for i, j in X]
    assert_allclose(encoder.transform(X), expected, rtol=1e-12)
    swapped = encoder.transform([pair[::-1] for pair in X])
    assert_array_equal(swapped, encoder.transform(X))


def test_the_graph_is_that_of_the_positive_pairs():
    encoder = fitted()
    assert_array_equal(encoder.node_names_, ["a", "b", "c", "d", "e"])
    expected = np.zeros((5, 5))
    for i, j in [(0, 1), (1, 2)]:  # b-c occurs twice, a-d and d-e are no edges
        expected[i, j] = expected[j, i] = 1
    assert_array_equal(encoder.node_vectors_, expected)
    assert encoder.node_names_.dtype == object
    assert encoder.n_components_ == 5
    assert encoder.n_features_in_ == 2
    adjacency = encoder.embedder_.adjacency_
    assert adjacency.has_canonical_format
    assert adjacency.dtype == np.float64


def test_a_node_with_itself_is_one_edge():
    encoder = fitted(X=[["a", "a"], ["a", "b"], ["b", "c"]], y=[1, 1, 0])
    assert_array_equal(encoder.node_vectors_, [[1, 1, 0], [1, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize(
    "y",
    [
        np.array(LABELS),
        np.array(LABELS) * 2 - 1,
        np.array(LABELS, dtype=bool),
        np.array(LABELS, dtype=float),
        np.array(LABELS, dtype=bool).astype(object),
        pd.Series(LABELS, index=range(5, 10)),
        pl.Series(LABELS),
    ],
)
def test_the_larger_label_is_an_edge(y):
    assert_array_equal(fitted(y).transform(OTHERS), fitted().transform(OTHERS))


def test_fit_transform_is_fit_and_then_transform():
    encoder = EdgeEncoder(embedder=QUICK)
    karate = np.array(list(combinations(range(20), 2)))
    y = [KARATE.has_edge(*pair) for pair in karate.tolist()]
    together = encoder.fit_transform(karate, y)
    assert_array_equal(together, clone(encoder).fit(karate, y).transform(karate))
    again = pickle.loads(pickle.dumps(encoder))
    assert_array_equal(again.transform(karate), together)


def test_with_a_graph_labels_are_not_needed():
    graph = [("a", "b"), ("b", "c")]
    encoder = EdgeEncoder(graph, Rows())
    Z = encoder.fit_transform([["a", "c"], ["a", "b"]])
    assert_array_equal(Z, [[0, 1, 0], [0, 0, 0]])
    assert_array_equal(
        encoder.fit([["a", "c"]], ["no", "label"]).transform([["a", "c"]]), Z[:1]
    )
    assert not get_tags(encoder).target_tags.required
    assert get_tags(EdgeEncoder()).target_tags.required
    copy = clone(encoder)
    assert copy.graph is graph
    assert not hasattr(copy, "node_vectors_")


def test_pairs_are_no_table_of_any_width():
    tags = get_tags(EdgeEncoder()).input_tags
    assert not tags.two_d_array
    assert tags.categorical
    assert tags.string
    assert tags.allow_nan


def test_unknown_ids():
    X = [["a", "x"], ["x", "y"], ["a", "b"]]
    vectors = np.vstack([fitted().node_vectors_, np.zeros(5)])
    first, second = vectors[[0, 5, 0]], vectors[[5, 5, 1]]
    assert_array_equal(fitted(operator="l1").transform(X), abs(first - second))
    vectors[5] = vectors.sum(axis=0) / 5
    first, second = vectors[[0, 5, 0]], vectors[[5, 5, 1]]
    encoder = fitted(operator="average", handle_unknown="mean")
    assert_array_equal(encoder.transform(X), (first + second) / 2)
    with pytest.raises(
        ValueError, match="'x' in row 0 of column 1 is not in the graph"
    ):
        fitted(handle_unknown="error").transform(X)
    with pytest.raises(ValueError, match="'x' in row 0 of column 1"):
        EdgeEncoder([("a", "b")], Rows(), handle_unknown="error").fit(X)


def test_missing_ids_are_no_nodes():
    X = [["a", None], ["a", "b"], ["b", np.nan]]
    encoder = fitted([1, 1, 0], X)
    assert_array_equal(encoder.node_names_, ["a", "b"])
    assert_array_equal(encoder.node_vectors_, [[0, 1], [1, 0]])
    assert_array_equal(encoder.transform(X)[[0, 2]], np.zeros((2, 2)))
    with pytest.raises(ValueError, match="node in row 0 of column 1 is missing"):
        fitted([1, 1, 0], X, handle_unknown="error")
    with pytest.raises(ValueError, match="All ids of X are missing"):
        fitted([1, 0], [[None, None], [None, np.nan]])


def test_bad_input_is_refused_with_a_sentence():
    with pytest.raises(
        ValueError, match=r"requires y to be passed.*pass y, or a graph"
    ):
        fitted(None)
    for X in ([["a"], ["b"]], [["a", "b", "c"], ["b", "c", "d"]]):
        with pytest.raises(
            ValueError, match=r"has \d feature\(s\), but EdgeEncoder tak"
        ):
            fitted([0, 1], X)
    with pytest.raises(ValueError, match="X has 3 features, but EdgeEncoder is exp"):
        fitted().transform([["a", "b", "c"]])
    with pytest.raises(ValueError, match="y has one class, but two are needed"):
        fitted([1] * 5)
    with pytest.raises(ValueError, match="y has 3 classes, but two are needed"):
        fitted([0, 1, 2, 0, 1])
    for labels in (list("yyynn"), np.array([True, False, True, None, True])):
        with pytest.raises(ValueError, match="y must hold two numbers, the larger of"):
            fitted(labels)
    with pytest.raises(ValueError, match="y holds NaN or infinity"):
        fitted([0, 1, np.nan, 1, 0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fitted([0, 1])
    with pytest.raises(
        TypeError, match="row 1 of column 0 is of type dict, which is not"
    ):
        fitted([0, 1], [["a", "b"], [{}, "b"]])
    with pytest.raises(ValueError, match="'operator' parameter of EdgeEncoder must be"):
        fitted(operator="product")
    with pytest.raises(NotFittedError):
        EdgeEncoder().transform(PAIRS)


def test_a_fit_that_fails_leaves_the_encoder_as_it_was():
    encoder = fitted()
    before = vars(encoder).copy()
    with pytest.raises(ValueError, match="one class"):
        encoder.fit([["x", "y"]], [1])
    assert vars(encoder) == before


def test_frames_and_names():
    frame = pd.DataFrame(PAIRS, columns=["from", "to"], index=range(3, 8))
    encoder = EdgeEncoder(embedder=Rows()).set_output(transform="pandas")
    Z = encoder.fit_transform(frame, LABELS)
    assert list(Z.index) == list(frame.index)
    assert list(Z.columns) == [f"edgeencoder{i}" for i in range(encoder.n_components_)]
    assert_array_equal(encoder.feature_names_in_, ["from", "to"])
    categories = frame.astype("category")
    assert_array_equal(encoder.transform(categories), Z)


def test_memory_embeds_the_graph_of_each_fold_once(tmp_path):
    X = np.array(list(combinations(range(34), 2)))
    y = np.array([KARATE.has_edge(*pair) for pair in X.tolist()])
    encoder = EdgeEncoder(embedder=QUICK, memory=tmp_path)
    model = make_pipeline(encoder, StandardScaler(), LogisticRegression())
    grid = {"logisticregression__C": [0.1, 1.0], "edgeencoder__operator": ["l1", "l2"]}
    search = GridSearchCV(model, grid, cv=3).fit(X, y)
    entries = list(tmp_path.rglob("output.pkl"))
    assert len(entries) == 4  # three folds and the whole
    assert search.best_score_ > 0.5


def _random_graph(n_nodes=120, degree=8, random_state=0):
    """As many pairs with an edge as without, in a graph without any structure."""
    rng = np.random.default_rng(random_state)
    pairs = np.array(list(combinations(range(n_nodes), 2)))
    edges = rng.uniform(size=len(pairs)) < degree / n_nodes
    others = rng.choice(np.flatnonzero(~edges), size=edges.sum(), replace=False)
    chosen = rng.permutation(np.concatenate([np.flatnonzero(edges), others]))
    return pairs[chosen], edges[chosen].astype(int)


def _auc(encoder, X, y):
    model = make_pipeline(encoder, StandardScaler(), LogisticRegression())
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    return cross_val_score(model, X, y, cv=folds, scoring="roc_auc").mean()


@pytest.mark.parametrize("operator", FORMULAS)
def test_nothing_leaks_where_there_is_nothing_to_learn(operator):
    X, y = _random_graph()
    embedder = NetMF(n_components=16, window=3, random_state=0)
    honest = _auc(EdgeEncoder(embedder=embedder, operator=operator), X, y)
    assert 0.4 < honest < 0.6


def test_the_whole_graph_leaks():
    X, y = _random_graph()
    embedder = NetMF(n_components=16, window=3, random_state=0)
    graph = X[y == 1]
    assert _auc(EdgeEncoder(graph, embedder), X, y) > 0.8


def test_links_are_predicted_where_there_is_structure():
    graph = nx.random_partition_graph([30] * 4, 0.3, 0.01, seed=0)
    rng = np.random.default_rng(0)
    edges = np.array(graph.edges)
    others = rng.integers(120, size=(2 * len(edges), 2))
    others = [pair for pair in others.tolist() if not graph.has_edge(*pair)]
    X = np.concatenate([edges, others[: len(edges)]])
    y = np.repeat([1, 0], len(edges))
    embedder = NetMF(n_components=4, window=5, random_state=0)
    assert _auc(EdgeEncoder(embedder=embedder), X, y) > 0.8
