"""Pairs to features: operators, the graph of the training pairs, and no leak."""

import pickle
import re
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
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from sklearn_replearn.graph import EdgeEncoder, NetMF, edge_groups

PAIRS = [["a", "b"], ["c", "b"], ["d", "a"], ["c", "a"], ["e", "d"]]
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
    for i, j in [(0, 1), (1, 2), (0, 2)]:  # a-d and d-e are no edges
        expected[i, j] = expected[j, i] = 1
    assert_array_equal(encoder.node_vectors_, expected)
    assert encoder.node_names_.dtype == object
    assert encoder.n_components_ == 5
    assert encoder.n_features_in_ == 2
    adjacency = encoder.embedder_.adjacency_
    assert adjacency.has_canonical_format
    assert adjacency.dtype == np.float64


def test_an_edge_that_is_listed_twice_counts_once():
    with pytest.warns(UserWarning, match="X lists 1 edge more than once"):
        encoder = fitted([1, 1, 0, 1, 0], [*PAIRS[:3], ["b", "c"], PAIRS[4]])
    expected = np.zeros((5, 5))
    for i, j in [(0, 1), (1, 2)]:
        expected[i, j] = expected[j, i] = 1
    assert_array_equal(encoder.node_vectors_, expected)


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
    encoder = fitted(operator="l1", handle_unknown="zero")
    assert_array_equal(encoder.transform(X), abs(first - second))
    vectors[5] = vectors.sum(axis=0) / 5
    first, second = vectors[[0, 5, 0]], vectors[[5, 5, 1]]
    encoder = fitted(operator="average", handle_unknown="mean")
    assert_array_equal(encoder.transform(X), (first + second) / 2)
    message = (
        "The node 'x' in row 0 of column 1 is not in the graph, which is made of the "
        "pairs in fit; pass handle_unknown='zero' or 'mean'."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fitted().transform(X)
    message = "row 0 of column 1 is not in the graph; pass handle_unknown='zero'"
    with pytest.raises(ValueError, match=message):
        EdgeEncoder([("a", "b")], Rows()).fit(X)
    with pytest.raises(ValueError, match=r"not in the graph, which .* fit, where node"):
        fitted().transform([[1, 2]])


def test_cross_validation_with_nodes_of_one_fold():
    """A node whose only pair is in the test fold: an error, or zeros if asked for."""
    X = np.array([*combinations(range(8), 2), (8, 9)])
    y = np.array([1, 0] * 14 + [1])
    folds = [(np.arange(28), np.arange(20, 29))]
    model = make_pipeline(EdgeEncoder(embedder=QUICK), LogisticRegression())
    with pytest.raises(ValueError, match=r"The node 8 in row 8 of column 0 .*='zero'"):
        cross_val_score(model, X, y, cv=folds, error_score="raise")
    model.set_params(edgeencoder__handle_unknown="zero")
    assert np.isfinite(cross_val_score(model, X, y, cv=folds)).all()


def test_missing_ids_are_no_nodes():
    X = [["a", None], ["a", "b"], ["b", np.nan]]
    encoder = fitted([1, 1, 0], X, handle_unknown="zero")
    assert_array_equal(encoder.node_names_, ["a", "b"])
    assert_array_equal(encoder.node_vectors_, [[0, 1], [1, 0]])
    assert_array_equal(encoder.transform(X)[[0, 2]], np.zeros((2, 2)))
    with pytest.raises(ValueError, match="node in row 0 of column 1 is missing"):
        fitted([1, 1, 0], X)
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
    encoder = EdgeEncoder(embedder=QUICK, memory=tmp_path, handle_unknown="zero")
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
    message = r"X has \d+ edges of the graph that fit did not have .* leave them out of"
    with pytest.warns(UserWarning, match=message) as caught:
        assert _auc(EdgeEncoder(graph, embedder), X, y) > 0.8
    assert len(caught) == 4  # one in each test fold


def _both_directions(X, y):
    return np.concatenate([X, X[:, ::-1]]), np.concatenate([y, y])


def _twice(X, y):
    return np.concatenate([X, X]), np.concatenate([y, y])


def _entries_of_an_adjacency(X, y):
    edges = np.argwhere(nx.to_numpy_array(nx.Graph(X[y == 1].tolist()), range(120)))
    X = np.concatenate([edges, X[y == 0]])
    return X, (np.arange(len(X)) < len(edges)).astype(int)


REPEATED = [_both_directions, _twice, _entries_of_an_adjacency]


@pytest.mark.parametrize("repeat", REPEATED)
def test_groups_keep_repeated_edges_from_leaking(repeat):
    X, y = repeat(*_random_graph())
    embedder = NetMF(n_components=16, window=3, random_state=0)
    model = make_pipeline(
        EdgeEncoder(embedder=embedder), StandardScaler(), LogisticRegression()
    )

    def auc(cv, X=X, y=y, groups=None):
        scores = cross_val_score(model, X, y, groups=groups, cv=cv, scoring="roc_auc")
        return scores.mean()

    with pytest.warns(UserWarning, match=r"X lists \d+ edges more than once, such as"):
        assert auc(StratifiedKFold(4, shuffle=True, random_state=0)) > 0.7
    groups = edge_groups(X)
    for splitter in (GroupKFold, StratifiedGroupKFold):
        with pytest.warns(UserWarning, match="keep one row of each edge, or pass gr"):
            honest = auc(splitter(4, shuffle=True, random_state=0), groups=groups)
        assert 0.4 < honest < 0.6
    once = np.unique(groups, return_index=True)[1]
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    assert 0.4 < auc(folds, X[once], y[once]) < 0.6  # without a warning


def test_a_warning_names_an_edge_that_is_listed_twice():
    X = [("a", "b"), ("b", "c"), ("c", "a"), ("a", "d"), ("c", "b"), ("b", "c")]
    message = (
        "X lists 1 edge more than once, such as ('b', 'c') in row 1 and ('c', 'b') in "
        "row 4; an edge has no direction here. If such rows are in different folds of "
        "a cross-validation, the test edges are in the training graph: keep one row of "
        "each edge, or pass groups=edge_groups(X) with a splitter such as GroupKFold."
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(message)}$") as caught:
        fitted([1, 1, 0, 0, 1, 1], X)
    assert caught[0].filename == __file__


def test_a_warning_names_a_pair_with_both_labels():
    X = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "b"), ("a", "a"), ("a", "a")]
    message = (
        r"X has 2 pairs with both labels, such as \('b', 'c'\) in row 1, an edge, and "
        r"\('c', 'b'\) in row 3, not an edge; .*: keep one row of each pair"
    )
    with pytest.warns(UserWarning, match=message):
        fitted([1, 1, 0, 0, 1, 0], X)


def test_pairs_without_an_edge_may_be_repeated():
    fitted(
        [0, 0, 1, 1, 0], [("a", "b"), ("b", "a"), ("a", "a"), ("b", "b"), ("a", "c")]
    )
    encoder = fitted(
        [1, 1, 0],
        [("a", None), ("a", None), ("b", "c")],
        handle_unknown="zero",
    )
    assert not encoder.node_vectors_.any()


def test_edges_in_the_graph_are_told_of_where_they_are_predicted():
    path = [(i, i + 1) for i in range(30)]
    others = [(i, (7 * i + 3) % 31) for i in range(20)]
    X, y = [*path[:20], *others], [1] * 20 + [0] * 20
    encoder = EdgeEncoder(path, QUICK).fit(X, y)
    encoder.transform(X)
    encoder.transform(others)
    message = r"X has 2 edges of the graph that fit did not .* \(23, 22\) in row 1\. If"
    with pytest.warns(UserWarning, match=message):
        encoder.transform([(0, 1), (23, 22), (28, 29), (5, 29)])
    # A third set of edges, training edges alone, other targets, or none: no leak.
    future = path[20:]
    for graph, pairs, labels, asked in [
        (path[:10], X[10:], y[10:], future),
        (path[:20], X, y, future[1:]),
        (path, path[:20], [0, 1] * 10, future),
        (path, path[:20], ["weak", "strong"] * 10, future),
        (path, X, None, future),
        (np.zeros((31, 31)), X, y, future),
    ]:
        graph = graph if isinstance(graph, list) else (graph, None)
        encoder = EdgeEncoder(graph, Rows(), handle_unknown="zero")
        encoder.fit(pairs, labels).transform(asked)


GROUPS = [0, 1, 0, 2, 1, 3, 4]


@pytest.mark.parametrize(
    "X",
    [
        [("a", "b"), ("b", "c"), ("b", "a"), ("c", "c"), ("c", "b"), (1, 2), (1, "2")],
        [(1, 2), (2, 3), (2.0, 1), (3, 3.0), (np.int64(3), 2), ("1", 2), ("2", 2)],
        np.array([[5, 1], [1, 9], [1, 5], [9, 9], [9, 1], [7, 7], [5, 9]]),
        pd.DataFrame({"u": list("abbccde"), "v": list("bcacbda")}, index=[5] * 7),
        pl.DataFrame({"u": list("abbccde"), "v": list("bcacbda")}),
        [
            (("x", 1), "b"),
            ("b", ()),
            ("b", ("x", 1)),
            ((), ()),
            ((), "b"),
            (0, 0),
            (1, 0),
        ],
        [(None, 1), (1, 2), (1, np.nan), (2, 2), (2, 1), (3, None), (None, None)],
    ],
    ids=["strings", "numbers", "array", "pandas", "polars", "tuples", "missing"],
)
def test_groups_of_edges(X):
    groups = edge_groups(X)
    assert_array_equal(groups, GROUPS)
    assert groups.dtype.kind == "i"


def test_groups_against_sets():
    rng = np.random.default_rng(0)
    X = rng.integers(30, size=(500, 2))
    groups = edge_groups(X)
    sets = [frozenset(pair) for pair in X.tolist()]
    number = {edge: i for i, edge in enumerate(dict.fromkeys(sets))}
    assert_array_equal(groups, [number[edge] for edge in sets])
    splitter = GroupShuffleSplit(5, random_state=0)
    for train, test in splitter.split(X, groups=groups):
        assert not {sets[i] for i in train} & {sets[i] for i in test}


def test_wrong_pairs_have_no_groups():
    for X in ([("a", "b", "c")], np.ones((3, 1)), pd.DataFrame({"u": [1]})):
        with pytest.raises(
            ValueError, match=r"X has \d column\(s\), but edges are pairs"
        ):
            edge_groups(X)
    for X in (np.empty((0, 2)), pd.DataFrame({"u": [], "v": []})):
        with pytest.raises(ValueError, match="0 sample"):
            edge_groups(X)
    with pytest.raises(TypeError, match="The id in column 1 and row 0 is of type list"):
        edge_groups([("a", ["b"])])
    with pytest.raises(ValueError, match="Expected 2D array"):
        edge_groups(["ab", "bc"])


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
