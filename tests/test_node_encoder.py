"""Ids to vectors: containers, unknown ids, shared graphs, caches and compositions."""

import fractions
import itertools
import pickle
import re
from datetime import date, datetime
from pathlib import Path

import joblib
import networkx as nx
import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import FactorAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import SpectralEmbedding
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from sklearn_replearn.graph import (
    EdgeEncoder,
    GraphClusterEncoder,
    NetMF,
    NodeEncoder,
    as_adjacency,
    tree_to_adjacency,
)

KARATE = nx.karate_club_graph()
EDGES = [("ann", "bob"), ("bob", "cy"), ("cy", "ann"), ("cy", "dee"), ("dee", "eve")]
NAMES = ["ann", "bob", "cy", "dee", "eve"]
QUICK = NetMF(n_components=2, window=2, random_state=0)


class RowNumbers(TransformerMixin, BaseEstimator):
    """Vectors that tell the rows of the adjacency, and a count of the fits."""

    fits = []

    def __init__(self, offset=0, form="array"):
        self.offset = offset
        self.form = form

    def fit(self, X, y=None):
        type(self).fits.append(self.offset)
        return self

    def fit_transform(self, X, y=None):
        self.fit(X)
        numbers = np.arange(X.shape[0]) + self.offset
        vectors = np.column_stack([numbers, 10 * numbers])
        return sparse.csr_array(vectors) if self.form == "sparse" else vectors

    def transform(self, X):
        return np.zeros((X.shape[0], 2))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@pytest.fixture
def fits():
    RowNumbers.fits.clear()
    return RowNumbers.fits


def row_encoder(**parameters):
    return NodeEncoder(EDGES, RowNumbers(), **parameters)


def test_ids_become_the_vectors_of_the_embedding():
    encoder = NodeEncoder(KARATE, NetMF(n_components=4, random_state=0))
    Z = encoder.fit_transform([[3, 33], [0, 3]])
    adjacency, names = as_adjacency(KARATE)
    E = NetMF(n_components=4, random_state=0).fit_transform(adjacency)
    assert_array_equal(Z, np.hstack([E[[3, 0]], E[[33, 3]]]))
    assert_array_equal(encoder.node_vectors_, E)
    assert_array_equal(encoder.node_names_, names)
    assert encoder.n_components_ == 4
    assert encoder.n_features_in_ == 2
    assert_array_equal(encoder.embedder_.embedding_, E)
    assert not hasattr(encoder.embedder, "embedding_")


GRAPHS = {
    "tuples": EDGES,
    "pandas": pd.DataFrame(EDGES, columns=["from", "to"]),
    "polars": pl.DataFrame(EDGES, schema=["from", "to"], orient="row"),
    "networkx": nx.Graph(EDGES),
    "names": as_adjacency(EDGES),
}


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_any_form_of_a_graph(graph):
    Z = NodeEncoder(graph, RowNumbers()).fit_transform([["cy"], ["eve"]])
    assert_array_equal(Z, [[2, 20], [4, 40]])
    assert Z.dtype == np.float64


def test_an_adjacency_without_names_is_called_by_numbers():
    encoder = NodeEncoder(as_adjacency(EDGES)[0], RowNumbers())
    assert_array_equal(encoder.fit_transform([[3], [1]])[:, 0], [3, 1])


TABLES = {
    "object": lambda ids: np.array(ids, dtype=object),
    "str": np.array,
    "lists": lambda ids: ids,
    "tuples": lambda ids: [tuple(row) for row in ids],
    "tuple": lambda ids: tuple(map(tuple, ids)),
    "pandas": pd.DataFrame,
    "categories": lambda ids: pd.DataFrame(ids).astype("category"),
    "polars": lambda ids: pl.DataFrame(ids, schema=["u", "v"], orient="row"),
    "polars categories": lambda ids: pl.DataFrame(
        ids, schema={"u": pl.Categorical, "v": pl.Categorical}, orient="row"
    ),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_any_container_of_ids(table):
    X = table([["bob", "ann"], ["dee", "bob"], ["bob", "cy"]])
    Z = row_encoder().fit_transform(X)
    assert_array_equal(Z[:, ::2], [[1, 0], [3, 1], [1, 2]])


def test_lists_keep_the_type_of_each_id():
    graph = [(1, "1"), ("1", ("WA", "King")), (("WA", "King"), 2.5)]
    X = [[1, "1"], [("WA", "King"), 2.5], (1.0, np.int64(1))]
    Z = NodeEncoder(graph, RowNumbers()).fit_transform(X)
    assert_array_equal(Z[:, ::2], [[0, 1], [2, 3], [0, 0]])


def test_columns_of_a_frame_keep_their_types():
    """As one array, 2 ** 53 + 1 beside a float would be another number."""
    graph = [(2**53, 0.5), (2**53 + 1, 1.5)]
    frame = pd.DataFrame({"u": [2**53 + 1, 2**53], "v": [0.5, 1.5]})
    Z = NodeEncoder(graph, RowNumbers()).fit_transform(frame)
    assert_array_equal(Z[:, ::2], [[2, 1], [0, 3]])


def test_integers_that_missing_values_made_floats():
    graph = [(98001, 98002), (98002, 98003)]
    frame = pd.DataFrame({"zip": [98002, None, 98001]})
    assert frame["zip"].dtype == float
    encoder = NodeEncoder(graph, RowNumbers(), handle_unknown="zero")
    assert_array_equal(encoder.fit_transform(frame)[:, 0], [1, 0, 0])
    nullable = encoder.fit_transform(frame.astype("Int64"))
    assert_array_equal(nullable[:, 0], [1, 0, 0])
    assert_array_equal(
        encoder.fit_transform(pl.DataFrame({"zip": [98002, None]}))[1], 0
    )


def test_node_vectors_are_looked_up_where_there_are_any():
    class Trained(RowNumbers):
        def fit_transform(self, X, y=None):
            self.node_vectors_ = np.full((X.shape[0], 3), 7, dtype=np.float32)
            return super().fit_transform(X)

    Z = NodeEncoder(EDGES, Trained()).fit_transform([["ann"]])
    assert_array_equal(Z, [[7, 7, 7]])
    assert Z.dtype == np.float32


def test_sparse_vectors_become_dense():
    Z = NodeEncoder(EDGES, RowNumbers(form="sparse")).fit_transform([["cy"]])
    assert_array_equal(Z, [[2, 20]])


@pytest.mark.parametrize(
    "embedder",
    [
        SpectralEmbedding(n_components=2, affinity="precomputed", random_state=0),
        FactorAnalysis(n_components=2, random_state=0),  # refuses sparse matrices
        make_pipeline(StandardScaler(with_mean=False), QUICK),
        clone(QUICK).set_output(transform="pandas"),
    ],
    ids=["spectral", "dense", "pipeline", "frame"],
)
def test_any_transformer_of_an_adjacency_is_an_embedder(embedder):
    Z = NodeEncoder(KARATE, embedder).fit_transform([[0], [5]])
    assert Z.shape == (2, 2)


def test_an_embedder_that_is_none_is_told():
    class Flat(RowNumbers):
        def fit_transform(self, X, y=None):
            return np.zeros(3)

    with pytest.raises(ValueError, match=r"Flat gave an output of shape \(3,\) for a"):
        NodeEncoder(EDGES, Flat()).fit([["ann"]])
    with pytest.raises(ValueError, match="'embedder' parameter of NodeEncoder must be"):
        NodeEncoder(EDGES, "netmf").fit([["ann"]])


@pytest.mark.parametrize(
    "graph",
    [EDGES, KARATE, nx.path_graph(200)],
    ids=["edges", "karate", "path"],
)
def test_the_default_embedder_does_not_warn_of_its_components(graph):
    names = as_adjacency(graph)[1]
    encoder = NodeEncoder(graph).fit([[names[0]]])
    assert isinstance(encoder.embedder_, NetMF)
    assert 1 <= encoder.n_components_ <= min(32, len(names) - 1)
    assert encoder.embedder is None


def test_nodes_of_a_star_are_as_near_as_by_chance():
    star = [("hub", i) for i in range(50)]  # NetMF's logarithms are all of 1
    with pytest.warns(UserWarning, match="no pair of nodes is nearer than by chance"):
        Z = NodeEncoder(star).fit_transform([["hub"], [3]])
    assert not Z.any()


def test_unknown_ids_raise_with_their_place():
    frame = pd.DataFrame({"item": ["ann"] * 5, "user": ["bob"] * 5})
    encoder = row_encoder().fit(frame)
    frame.loc[3, "user"] = "x17"
    frame.loc[4, "item"] = "x18"
    message = (
        "The node 'x17' in row 3 of column 'user' is not in the graph; pass "
        "handle_unknown='zero' or 'mean'."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        encoder.transform(frame)
    with pytest.raises(ValueError, match="'x17' in row 3 of column 'user'"):
        row_encoder().fit(frame)  # before the graph is embedded
    with pytest.raises(ValueError, match="'x17' in row 3 of column 1"):
        row_encoder().fit(frame.to_numpy())
    braces = frame.rename(columns={"user": "{user}"})
    with pytest.raises(ValueError, match=r"row 3 of column '\{user\}'"):
        row_encoder().fit(braces)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_missing_ids_are_unknown(missing):
    X = np.array([["ann"], [missing]], dtype=object)
    with pytest.raises(ValueError, match="node in row 1 of column 0 is missing"):
        row_encoder().fit(X)
    assert_array_equal(row_encoder(handle_unknown="zero").fit_transform(X)[1], 0)
    Z = row_encoder(handle_unknown="mean").fit_transform(X)
    assert_allclose(Z[1], [2, 20])


def test_zero_and_mean():
    X = [["bob", "who"], ["nobody", "dee"]]
    Z = row_encoder(handle_unknown="zero").fit_transform(X)
    assert_array_equal(Z, [[1, 10, 0, 0], [0, 0, 3, 30]])
    Z = row_encoder(handle_unknown="mean").fit_transform(X)
    assert_array_equal(Z, [[1, 10, 2, 20], [2, 20, 3, 30]])


def test_numbers_and_strings_are_told_apart_with_a_hint():
    graph = [("98001", "98002"), ("98002", "98003")]
    message = r"98001 in .* names of type str, such as '98001', and not int; convert"
    with pytest.raises(ValueError, match=message):
        NodeEncoder(graph, RowNumbers()).fit([[98001]])
    with pytest.raises(ValueError, match="names of type int, such as 1, and not str"):
        NodeEncoder([(1, 2)], RowNumbers()).fit([["1"]])
    with pytest.raises(ValueError, match=r"'99' in row 0 of column 0 is not in the g"):
        NodeEncoder(graph, RowNumbers()).fit([["99"]])


@pytest.mark.parametrize(
    ("graph", "ids"),
    [
        ([("1", "2"), ("2", "3")], [7, 2]),
        ([("1", "2"), ("2", "3")], [np.nan, 2.0]),
        ([(1, 2), (2, 3)], ["x", "2"]),
        ([(-1, -2), (2, 3)], ["x", "-2"]),
        ([("a", "b"), ("b", "c")], [b"b", b"\xff"]),
        ([(b"a", b"b")], ["b", "c"]),
        ([(date(2020, 1, 1), date(2020, 1, 2))], [datetime(2020, 1, 1)]),
        ([(datetime(2020, 1, 1), datetime(2020, 1, 2))], [date(2020, 1, 1)]),
    ],
)
def test_a_column_of_another_type_warns(graph, ids):
    """With zeros for unknown ids, all rows would be zero without a word."""
    encoder = NodeEncoder(graph, RowNumbers(), handle_unknown="zero")
    with pytest.warns(UserWarning, match=r"No id of column 'zip' is in the graph, but"):
        encoder.fit(pd.DataFrame({"zip": ids}))
    encoder.fit(pd.DataFrame({"zip": ["unheard of", "nor this"]}))  # has no warning


def test_bad_input_is_refused_with_a_sentence():
    for X in (["ann", "bob"], np.array(["ann"]), pd.Series(["ann"]), "ann"):
        with pytest.raises(ValueError, match=r"Expected (2D|a 2-dimensional)"):
            row_encoder().fit(X)
    with pytest.raises(TypeError, match="Sparse data was passed"):
        row_encoder().fit(sparse.eye_array(3))
    with pytest.raises(ValueError, match="Complex data not supported"):
        row_encoder().fit(np.array([[1j]]))
    with pytest.raises(ValueError, match=r"between 1 and 2 ids"):
        row_encoder().fit([["ann"], ["bob", "cy"]])
    with pytest.raises(
        TypeError, match="row 1 of column 0 is of type list, which is n"
    ):
        row_encoder().fit([["ann"], [["bob"]]])
    for X in (pd.DataFrame({"u": []}), pl.DataFrame({"u": []}), np.empty((0, 1))):
        with pytest.raises(ValueError, match=r"0 sample\(s\)"):
            row_encoder().fit(X)
    with pytest.raises(ValueError, match=r"0 feature\(s\)"):
        row_encoder().fit(pd.DataFrame(index=range(3)))
    with pytest.raises(ValueError, match="X has 1 features, but NodeEncoder is exp"):
        row_encoder().fit([["ann", "bob"]]).transform([["ann"]])
    with pytest.raises(TypeError, match="graph is of type int; pass an edge table"):
        NodeEncoder(3).fit([["ann"]])


def test_a_fit_that_fails_leaves_the_encoder_as_it_was():
    encoder = row_encoder().fit([["ann"]])
    before = vars(encoder).copy()
    with pytest.raises(ValueError, match="'x' in row 0"):
        encoder.fit(pd.DataFrame({"u": ["x"], "v": ["ann"]}))
    assert vars(encoder) == before


def test_names_are_the_column_and_the_dimension():
    frame = pd.DataFrame({"user": ["ann"], "item": ["bob"]}, index=[9])
    encoder = row_encoder().fit(frame)
    names = ["user_0", "user_1", "item_0", "item_1"]
    assert_array_equal(encoder.get_feature_names_out(), names)
    unnamed = row_encoder().fit(frame.to_numpy())
    expected = ["x0_0", "x0_1", "x1_0", "x1_1"]
    assert_array_equal(unnamed.get_feature_names_out(), expected)
    assert_array_equal(
        unnamed.get_feature_names_out(["a", "b"])[[0, -1]], ["a_0", "b_1"]
    )
    with pytest.raises(ValueError, match="input_features is not equal to feature_n"):
        encoder.get_feature_names_out(["a", "b"])
    out = encoder.set_output(transform="pandas").transform(frame)
    assert list(out.columns) == names
    assert list(out.index) == [9]
    out = encoder.set_output(transform="polars").transform(frame)
    assert out.columns == names


def test_clones_share_the_graph():
    frame = pd.DataFrame(EDGES)
    encoder = NodeEncoder(frame, QUICK, handle_unknown="mean", memory="somewhere")
    pipeline = make_pipeline(encoder, LogisticRegression())
    for copy in (clone(encoder), clone(pipeline)[0]):
        assert copy.graph is frame
        assert copy.embedder is not encoder.embedder
        assert repr(copy) == repr(encoder)
    assert encoder.graph is frame
    assert not hasattr(clone(encoder.set_params(memory=None).fit([["x"]])), "embedder_")


LABELS = np.array([data["club"] == "Officer" for _, data in KARATE.nodes(data=True)])
PEOPLE = pd.DataFrame({"id": range(34), "age": np.arange(34) % 7})


def test_in_a_column_transformer_with_a_grid():
    columns = ColumnTransformer(
        [("node", NodeEncoder(KARATE, QUICK), ["id"]), ("age", "passthrough", ["age"])]
    )
    model = make_pipeline(columns, StandardScaler(), LogisticRegression())
    grid = {"columntransformer__node__embedder__n_components": [1, 2]}
    search = GridSearchCV(model, grid, cv=3, n_jobs=2, error_score="raise")
    search.fit(PEOPLE, LABELS)
    assert search.best_score_ > 0.8
    names = columns.fit(PEOPLE).get_feature_names_out()
    assert list(names) == ["node__id_0", "node__id_1", "age__age"]


def test_in_a_feature_union():
    union = FeatureUnion([("a", row_encoder()), ("b", NodeEncoder(EDGES, QUICK))])
    Z = union.fit_transform([["ann"], ["bob"]])
    assert Z.shape == (2, 4)
    assert_array_equal(Z[:, 0], [0, 1])


@pytest.mark.parametrize("kind", ["path", "string", "Memory"])
def test_memory_embeds_once_for_each_setting(tmp_path, fits, kind):
    kinds = {
        "path": Path,
        "string": str,
        "Memory": lambda p: joblib.Memory(p, verbose=0),
    }
    encoder = NodeEncoder(KARATE, RowNumbers(), memory=kinds[kind](tmp_path))
    model = make_pipeline(encoder, StandardScaler(), LogisticRegression())
    X = PEOPLE[["id"]]
    grid = {"logisticregression__C": [0.1, 1.0, 10.0]}
    search = GridSearchCV(model, grid, cv=4).fit(X, LABELS)
    assert fits == [0]  # in 3 * 4 fits and the last one on all rows
    again = GridSearchCV(clone(model), grid, cv=4).fit(X, LABELS)
    assert fits == [0]
    assert_array_equal(again.predict(X), search.predict(X))

    fits.clear()
    grid["nodeencoder__embedder__offset"] = [1, 2]
    GridSearchCV(model, grid, cv=4).fit(X, LABELS)
    assert sorted(fits) == [1, 2]


# An error here, although the settings of pytest ignore it for other caches.
@pytest.mark.filterwarnings("error:Persisting input arguments")
def test_memory_on_a_slow_disk(tmp_path, fits, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(joblib.memory.time, "time", lambda: float(next(clock)))
    NodeEncoder(KARATE, RowNumbers(), memory=tmp_path).fit(PEOPLE[["id"]])
    assert fits == [0]


def test_memory_tells_graphs_apart(tmp_path, fits):
    encoders = [
        NodeEncoder(graph, RowNumbers(), memory=tmp_path)
        for graph in (EDGES, EDGES[:-1], [*EDGES, ("ann", "bob")], list(EDGES))
    ]
    for encoder in encoders:
        encoder.fit([["ann"]])
    assert len(fits) == 3
    assert len(encoders[1].node_names_) == 4


def test_without_memory_every_fit_embeds(fits):
    model = make_pipeline(NodeEncoder(KARATE, RowNumbers()), StandardScaler())
    model.fit(PEOPLE[["id"]])
    model.fit(PEOPLE[["id"]])
    assert len(fits) == 2


def test_pickles():
    encoder = NodeEncoder(KARATE, QUICK).fit([[0]])
    again = pickle.loads(pickle.dumps(encoder))
    assert_array_equal(again.transform([[5]]), encoder.transform([[5]]))


TREE = tree_to_adjacency(
    [("WA", "King", "98001"), ("WA", "King", "98002"), ("OR", "Lane", "97401")]
)
IDS = {
    "tuples": [("a", 1), (), (("b",), 2)],
    "bytes": [b"a", b"\xff", b""],
    "frozensets": [frozenset("ab"), frozenset(), frozenset("c")],
    "numpy": [np.int64(1), np.str_("x"), np.float32(0.5)],
    "dates": [date(2020, 1, 1), date(2020, 1, 2), datetime(2020, 1, 3)],
    "pandas": list(pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03"])),
    "nanoseconds": list(np.array(["2020-01-01", "2020-01-02", "2021-01-01"], "M8[ns]")),
    "negative": [-1, -(10**30), -0.5],
    "long": ["1" * 5000, "-" + "2" * 5000, "x" * 5000],
}


def through_skops(estimator):
    saved = skops.io.dumps(estimator)
    trusted = skops.io.get_untrusted_types(data=saved)
    return skops.io.loads(saved, trusted=trusted)


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
@pytest.mark.parametrize("kind", ["node", "edge", "pairs", "clusters"])
def test_ids_of_any_kind_are_saved(ids, kind):
    first, second, third = ids
    edges = [(first, second), (second, third), (first, third), (third, "leaf")]
    graph = as_adjacency(edges)
    if kind == "node":
        encoder, X = NodeEncoder(graph, RowNumbers()), [[third], [first]]
    elif kind == "clusters":
        clusters = GraphClusterEncoder(2, random_state=0)
        encoder, X = NodeEncoder(graph, clusters), [[third], [first]]
    else:
        graph = graph if kind == "edge" else None
        encoder, X = EdgeEncoder(graph, RowNumbers()), [*edges, (first, "leaf")]
    Z = encoder.fit(X, [1, 0, 1, 0, 0][: len(X)]).transform(X)
    for again in (through_skops(encoder), pickle.loads(pickle.dumps(encoder))):
        assert_array_equal(again.transform(X), Z)
        assert again.node_names_.tolist() == encoder.node_names_.tolist()
        assert_array_equal(again.fit(X, [1, 0, 1, 0, 0][: len(X)]).transform(X), Z)


def test_skops_saves_trees():
    encoder = NodeEncoder(TREE, NetMF(2, random_state=0)).fit([["98001"]])
    saved = skops.io.dumps(encoder)
    modules = {name.split(".")[0] for name in skops.io.get_untrusted_types(data=saved)}
    assert modules <= {"scipy", "sklearn_replearn"}
    again = through_skops(encoder)
    X = [["98002"], [("WA", "King")], [()]]
    assert_array_equal(again.transform(X), encoder.transform(X))
    with pytest.raises(ValueError, match="'10001' in row 0 of column 0 is not in the"):
        again.transform([["10001"]])


STRANGE_IDS = [
    10**5000,
    -(10**5000),
    (10**5000, "x"),
    frozenset([10**5000]),
    "1" * 5000,
    "-" + "1" * 5000,
    "x" * 5000,
    b"x" * 5000,
    1e308,
    np.float32(7),
    np.datetime64("2020-01-01", "ns"),
    pd.Timestamp("2020-01-01", tz="UTC"),
    fractions.Fraction(1, 3),
    "²",
]


@pytest.mark.parametrize("node", STRANGE_IDS, ids=lambda node: type(node).__name__)
@pytest.mark.parametrize("names", [("1", "2", "3"), (1, 2, 3), ((1,), (2,), (3,))])
@pytest.mark.parametrize("encoder_class", [NodeEncoder, EdgeEncoder])
def test_strange_ids_are_unknown(node, names, encoder_class):
    first, second, third = names
    graph = [(first, second), (second, third)]
    known, unknown = [[first, first]], [[node, node]]
    for option in ("zero", "mean"):
        encoder = encoder_class(graph, RowNumbers(), handle_unknown=option)
        Z = encoder.fit(unknown).transform([*unknown, *known])
        assert_array_equal(Z[0], encoder.fit(known).transform([[None, np.nan]])[0])
    with pytest.raises(ValueError, match="is not in the graph") as caught:
        encoder_class(graph, RowNumbers()).fit(unknown)
    assert len(str(caught.value)) < 300


def test_dates_are_those_of_python():
    """As integers of nanoseconds, which numpy makes of them, nothing would be found."""
    days = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], dtype="M8[ns]")
    graph = pd.DataFrame({"source": days[:2], "target": days[1:]})
    encoder = NodeEncoder(graph, RowNumbers())
    for ids in (days, list(days), pd.Series(days), days.astype("M8[us]").tolist()):
        column = [[day] for day in ids] if isinstance(ids, list) else ids
        if isinstance(column, np.ndarray):
            column = column[:, np.newaxis]
        elif isinstance(column, pd.Series):
            column = column.to_frame()
        assert_array_equal(encoder.fit_transform(column)[:, 0], [0, 1, 2])
    assert encoder.node_names_.tolist() == days.astype("M8[us]").tolist()
    finer = days + np.timedelta64(1, "ns")  # than Python's dates are
    encoder = NodeEncoder(finer[[[0, 1], [1, 2]]], RowNumbers())
    assert_array_equal(encoder.fit_transform(finer[:, np.newaxis])[:, 0], [0, 1, 2])


FRAME = pd.DataFrame({"u": ["ann", "bob", "cy"], "v": ["eve", "cy", "ann"]})
ADJACENCY = pd.DataFrame(nx.to_numpy_array(KARATE)).rename(columns=str)
REFITS = {
    "node": (
        (NodeEncoder(EDGES, QUICK, handle_unknown="mean"), FRAME, None),
        {"graph": KARATE, "embedder": None, "handle_unknown": "error"},
        ([[5], [7]], None),
    ),
    "pairs after a graph": (
        (EdgeEncoder(EDGES, RowNumbers(), operator="l1"), FRAME, [1, 0, 0]),
        {"graph": None, "embedder": QUICK, "operator": "average"},
        ([[1, 2], [2, 3], [1, 3], [4, 1]], [1, 1, 0, 1]),
    ),
    "a graph after pairs": (
        (EdgeEncoder(embedder=RowNumbers(), handle_unknown="mean"), FRAME, [1, 0, 1]),
        {"graph": KARATE, "embedder": QUICK, "handle_unknown": "zero"},
        ([[1, 2], [2, 16], [1, 3], [5, 1]], [1, 0, 1, 0]),
    ),
    "clusters of an embedding": (
        (GraphClusterEncoder(3, random_state=0), ADJACENCY, None),
        {"n_clusters": 2, "embedder": QUICK, "random_state": 1},
        (ADJACENCY.to_numpy()[:20, :20], None),
    ),
    "clusters of the Laplacian": (
        (GraphClusterEncoder(3, embedder=QUICK, random_state=0), ADJACENCY, None),
        {"n_clusters": 4, "embedder": None, "random_state": 1},
        (ADJACENCY.to_numpy()[:20, :20], None),
    ),
}


def assert_same_state(first, second):
    if type(first).__module__.startswith("sklearn_replearn"):
        assert type(first) is type(second)
        first, second = vars(first), vars(second)
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        for name in first:
            assert_same_state(first[name], second[name])
    elif isinstance(first, np.ndarray):
        assert_array_equal(first, second, strict=True)
    elif sparse.issparse(first):
        assert_array_equal(first.toarray(), second.toarray(), strict=True)
    else:
        assert type(first) is type(second)
        assert first == second or first is second


@pytest.mark.parametrize("name", REFITS)
@pytest.mark.filterwarnings("ignore:n_components=")  # of small graphs
def test_a_refit_with_other_parameters_is_as_a_fresh_fit(name):
    (estimator, X, y), parameters, (other_X, other_y) = REFITS[name]
    refitted = clone(estimator).fit(X, y).set_params(**parameters).fit(other_X, other_y)
    fresh = clone(estimator).set_params(**parameters).fit(other_X, other_y)
    assert_same_state(refitted, fresh)
    assert_array_equal(refitted.transform(other_X), fresh.transform(other_X))


@pytest.mark.parametrize("graph", [EDGES, KARATE], ids=["strings", "numbers"])
@pytest.mark.parametrize("handle_unknown", ["zero", "mean"])
def test_scikit_learns_checks(graph, handle_unknown):
    encoder = NodeEncoder(graph, handle_unknown=handle_unknown)
    results = check_estimator(encoder, on_skip=None)
    assert {result["status"] for result in results} <= {"passed", "skipped"}
