"""Graphs in all their forms, against networkx and against numbers by hand."""

import decimal
import fractions
import re
from collections import namedtuple

import networkx as nx
import numpy as np
import pandas as pd
import polars as pl
import pytest
from names import one_line
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sklearn_replearn.decomposition import SimilarityEmbedding
from sklearn_replearn.graph import (
    EdgeEncoder,
    GraphClusterEncoder,
    LaplacianEigenmaps,
    NetMF,
    NodeEncoder,
)
from sklearn_replearn.graph._adjacency import as_adjacency
from sklearn_replearn.graph._node_ids import ids_of, rows_of
from sklearn_replearn.graph._path_lengths import path_lengths
from sklearn_replearn.graph._tree import tree_to_adjacency

EDGES = [("ann", "bob", 2.0), ("cy", "ann", 1.0), ("bob", "ann", 0.5), ("cy", "cy", 3)]
COLUMNS = ["from", "to", "strength"]
UNDIRECTED = [[0, 2.5, 1], [2.5, 0, 0], [1, 0, 3]]
DIRECTED = [[0, 2, 0], [0.5, 0, 0], [1, 0, 3]]

TABLES = {
    "list": lambda rows: rows,
    "lists": lambda rows: [list(row) for row in rows],
    "array": lambda rows: np.array(rows, dtype=object),
    "pandas": lambda rows: pd.DataFrame(rows, columns=COLUMNS[: len(rows[0])]),
    "polars": lambda rows: pl.DataFrame(
        rows, schema=COLUMNS[: len(rows[0])], orient="row", strict=False
    ),
}


def assert_canonical(adjacency, names):
    """What every function promises of its result."""
    assert isinstance(adjacency, sparse.csr_array)
    assert adjacency.shape == (len(names), len(names))
    assert adjacency.dtype in (np.float64, np.float32)
    assert adjacency.data.all()
    assert len(adjacency.data) == adjacency.nnz
    # Not by the flags, which a matrix keeps.
    rows, columns = adjacency.tocoo().coords
    assert (np.diff(rows * len(names) + columns) > 0).all()
    assert isinstance(names, np.ndarray)
    assert names.dtype == object
    assert names.ndim == 1
    assert not any(isinstance(name, np.generic) for name in names)


def random_edges(n_nodes=40, n_edges=300, seed=0):
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, n_nodes, (n_edges, 2))
    return ends, rng.uniform(0.1, 5, n_edges)


def random_graph(kind, seed=0):
    graph = kind()
    graph.add_nodes_from(["alone", 7])
    ends, weights = random_edges(seed=seed)
    for (source, target), weight in zip(ends.tolist(), weights, strict=True):
        graph.add_edge(source, target, weight=weight)
        graph.add_edge(f"x{source}", (target, "y"))  # without a weight
    return graph


def read_only(matrix):
    for array in (matrix.data, matrix.indices, matrix.indptr):
        array.flags.writeable = False
    return matrix


# Edge tables


@pytest.mark.parametrize("form", TABLES)
@pytest.mark.parametrize("directed", [False, True])
def test_edge_tables(form, directed):
    adjacency, names = as_adjacency(TABLES[form](EDGES), directed=directed)
    assert_canonical(adjacency, names)
    assert adjacency.indices.dtype == adjacency.indptr.dtype == np.int32
    assert names.tolist() == ["ann", "bob", "cy"]
    assert_array_equal(adjacency.toarray(), DIRECTED if directed else UNDIRECTED)
    # Without weights each row counts 1.
    adjacency, names = as_adjacency(TABLES[form]([row[:2] for row in EDGES]))
    assert_array_equal(adjacency.toarray(), [[0, 2, 1], [2, 0, 0], [1, 0, 1]])


@pytest.mark.parametrize("directed", [False, True])
def test_edge_table_against_networkx(directed):
    ends, weights = random_edges()
    table = pd.DataFrame({"u": ends[:, 0], "v": ends[:, 1], "weight": weights})
    graph = nx.from_pandas_edgelist(
        table,
        "u",
        "v",
        "weight",
        create_using=nx.MultiDiGraph if directed else nx.MultiGraph,
    )
    adjacency, names = as_adjacency(table, directed=directed)
    assert_canonical(adjacency, names)
    assert names.tolist() == list(graph)
    assert_allclose(adjacency.toarray(), nx.to_numpy_array(graph))
    # By another way, with the very same sums in both directions.
    other, other_names = as_adjacency(graph)
    assert_allclose(adjacency.toarray(), other.toarray())
    assert_array_equal(names, other_names)
    if not directed:
        assert (adjacency != adjacency.T).nnz == 0


def test_ids_of_any_kind():
    edges = [(1, "1"), (("WA", 3), 2.5), (True, frozenset("ab")), (b"1", 10**30)]
    _, names = as_adjacency(edges)
    # True equals 1, as everywhere in Python.
    assert names.tolist() == [1, "1", ("WA", 3), 2.5, frozenset("ab"), b"1", 10**30]
    Edge = namedtuple("Edge", ["source", "target"])
    assert as_adjacency([Edge("a", "b"), ("b", "c")])[1].tolist() == ["a", "b", "c"]
    _, names = as_adjacency([(("a", "b"), ("c", "d")), (("c", "d"), ("e", "f"))])
    assert names.tolist() == [("a", "b"), ("c", "d"), ("e", "f")]
    assert names.shape == (3,)


@pytest.mark.parametrize(
    "ids",
    [
        np.array([98001, 98002]),
        np.array([98001, 98002], dtype=np.uint32),
        np.array([98001.0, 98002.0]),
        np.array([np.int64(98001), np.int32(98002)], dtype=object),
        pd.Series([98001, 98002], dtype="Int64"),
        pd.Series([98001, 98002], dtype="category"),
        pl.Series([98001, 98002]),
    ],
    ids=lambda ids: f"{type(ids).__name__}-{ids.dtype}",
)
def test_scalars_of_numpy_become_those_of_python(ids):
    frame = pl.DataFrame if isinstance(ids, pl.Series) else pd.DataFrame
    adjacency, names = as_adjacency(frame({"a": ids, "b": ["x", "y"]}))
    assert_canonical(adjacency, names)
    assert {98001, 98002, "x", "y"} == set(names)
    assert {type(name) for name in names} <= {int, float, str}


def test_columns_of_different_types_share_ids():
    frame = pd.DataFrame({"a": np.array([1, 2]), "b": np.array([2.0, 3.0])})
    assert as_adjacency(frame)[1].tolist() == [1, 2, 3]
    # 2**53 + 1 is no float, and must not be rounded to one.
    frame = pd.DataFrame({"a": [2**53 + 1], "b": [0.5]})
    assert as_adjacency(frame)[1].tolist() == [2**53 + 1, 0.5]
    frame = pd.DataFrame({"a": pd.Categorical(["x", "y"]), "b": ["y", "z"]})
    assert as_adjacency(frame)[1].tolist() == ["x", "y", "z"]


def test_columns_are_taken_by_position():
    frame = pd.DataFrame([("a", "b", 2)], columns=["weight", "source", "target"])
    frame.columns = ["same", "same", "same"]
    frame.index = [17]
    adjacency, names = as_adjacency(frame)
    assert names.tolist() == ["a", "b"]
    assert adjacency[0, 1] == 2


@pytest.mark.parametrize("form", TABLES)
def test_small_tables_of_numbers_that_are_edge_tables(form):
    adjacency, names = as_adjacency(TABLES[form]([(0, 1), (2, 1)]))
    assert names.tolist() == [0, 1, 2]
    assert adjacency.nnz == 4
    edges = [(0, 1, 2.5), (1, 2, 1), (2, 0, 4)]
    adjacency, names = as_adjacency(TABLES[form](edges))
    assert_array_equal(adjacency.toarray(), [[0, 2.5, 4], [2.5, 0, 1], [4, 1, 0]])


def test_names_of_columns_and_tuples_make_an_edge_table():
    """The path of three nodes: its table is symmetric, as an adjacency may be."""
    expected = [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    path = [(0, 1), (1, 2)]
    frame = pd.DataFrame(path, columns=["source", "target"])
    for table in (
        path,
        frame,
        pl.DataFrame(frame),
        nx.to_pandas_edgelist(nx.Graph(path)),
    ):
        adjacency, names = as_adjacency(table)
        assert names.tolist() == [0, 1, 2]
        assert_array_equal(adjacency.toarray(), expected)
        assert len(tree_to_adjacency(table)[1]) == 5
    strings = pd.DataFrame([("a", "b"), ("b", "a")])  # has 0 and 1 on both sides
    assert_array_equal(as_adjacency(strings)[0].toarray(), [[0, 2], [2, 0]])
    assert_array_equal(as_adjacency(strings.to_numpy())[1], ["a", "b"])


PATH = nx.path_graph(["ann", "bob", "cy"])
CYCLE = nx.DiGraph([(0, 1), (1, 2), (2, 0)])
LOOPS = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]])
MAY_BE_ADJACENCIES = {
    "frame": nx.to_pandas_adjacency(PATH),
    "directed frame": nx.to_pandas_adjacency(nx.DiGraph(["ab", "bc", "aa"])),
    "frame of two": nx.to_pandas_adjacency(nx.path_graph(["ann", "bob"])),
    "frame of five": nx.to_pandas_adjacency(nx.path_graph(list("abcde"))),
    "frame of numbers": nx.to_pandas_adjacency(CYCLE),
    "frame in another order": nx.to_pandas_adjacency(PATH).iloc[::-1],
    "frame without names": pd.DataFrame(nx.to_numpy_array(PATH)),
    "frame with columns": pd.DataFrame(nx.to_numpy_array(PATH), columns=list("abc")),
    "weights": pd.DataFrame([[0, 0.2], [0.2, 0]], index=list("ab"), columns=list("ab")),
    "polars": pl.DataFrame(nx.to_numpy_array(CYCLE), schema=["a", "b", "c"]),
    "array": nx.to_numpy_array(PATH),
    "array of two": np.array([[0, 1], [1, 0]]),
    "path of edges": np.array([[0, 1], [1, 2]]),
    "directed array": nx.to_numpy_array(CYCLE),
    "directed array of two": np.array([[0, 1.5], [0, 0]]),
    "booleans": nx.to_numpy_array(CYCLE).astype(bool),
    "objects": nx.to_numpy_array(PATH).astype(object),
    "lists": nx.to_numpy_array(PATH).tolist(),
}


@pytest.mark.parametrize("name", MAY_BE_ADJACENCIES)
def test_tables_that_may_be_adjacencies_are_refused_everywhere(name):
    table = MAY_BE_ADJACENCIES[name]
    message = (
        r"adjacency: pass it as the graph \(.*\) if it is one, or pass a list of tu"
    )
    if name == "frame of five":
        message = r"has 5 columns.* or \(graph, graph.columns\) if it is an adjacency"
    with pytest.raises(ValueError, match=message):
        as_adjacency(table)
    with pytest.raises(ValueError, match=message):
        NodeEncoder(table).fit([["a"]])
    with pytest.raises(ValueError, match=message):
        EdgeEncoder(table).fit([["a", "b"]])
    with pytest.raises(ValueError, match=r"may be an adjacency: pass it as .* paths"):
        tree_to_adjacency(table)


@pytest.mark.parametrize(
    "matrix", [LOOPS, [[0.5, 0.5, 0], [0, 0.5, 0.5], [0.5, 0, 0.5]]], ids=one_line
)
def test_arrays_that_make_no_sense_as_edges_are_refused(matrix):
    with pytest.raises(ValueError, match="size 3 x 3 holds only numbers and may be an"):
        as_adjacency(np.array(matrix))
    adjacency, _ = as_adjacency((np.array(matrix), None))
    assert_array_equal(adjacency.toarray(), matrix)


def test_the_sentence_of_a_table_that_may_be_an_adjacency():
    message = (
        "The table of size 3 x 3 has an index that equals its columns and may be an "
        "adjacency: pass it as the graph (table, table.columns) if it is one, or pass "
        "a list of tuples if its rows are edges."
    )
    table = MAY_BE_ADJACENCIES["frame"]
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        as_adjacency(table)
    # What it advises works.
    adjacency, names = as_adjacency((table, table.columns))
    assert names.tolist() == ["ann", "bob", "cy"]
    assert_array_equal(adjacency.toarray(), nx.to_numpy_array(PATH))
    table = MAY_BE_ADJACENCIES["lists"]
    with pytest.raises(
        ValueError, match=r"pass it as the graph \(np.array\(table\), None"
    ):
        as_adjacency(table)
    assert_array_equal(as_adjacency((np.array(table), None))[0].toarray(), table)
    adjacency, names = as_adjacency(list(map(tuple, table)))
    assert names.tolist() == [0, 1]


def test_path_lengths_takes_no_array_for_an_adjacency_that_may_be_edges():
    for name in ("array", "array of two", "directed array", "booleans"):
        array = MAY_BE_ADJACENCIES[name]
        assert_array_equal(path_lengths(array), path_lengths((array, None)))
        assert_array_equal(path_lengths(array), path_lengths(sparse.csr_array(array)))
    for array in (
        np.array([[0, 1], [2, 1]]),
        np.array([[0, 1, 9], [1, 2, 1], [3, 0, 4]]),
    ):
        assert as_adjacency(array)[0].shape[0] > 2
        with pytest.raises(
            ValueError, match=r"may be a table of edges: pass \(graph, No"
        ):
            path_lengths(array)
        assert path_lengths((array, None)).shape == array.shape


def test_frames_of_adjacencies_in_another_order():
    frame = MAY_BE_ADJACENCIES["frame"]
    with pytest.raises(
        ValueError, match=r"another order .* frame.loc\[frame.columns\]"
    ):
        as_adjacency((frame.iloc[[2, 0, 1]], frame.columns))
    with pytest.raises(ValueError, match=r"names .* order than the columns of the adj"):
        as_adjacency((frame, ["cy", "bob", "ann"]))
    with pytest.raises(ValueError, match=r"names .* order than the columns of the adj"):
        as_adjacency((pl.DataFrame(frame), ["cy", "bob", "ann"]))
    for embedder in (NetMF(2), LaplacianEigenmaps(1), GraphClusterEncoder(2)):
        with pytest.raises(ValueError, match=r"The rows .* another order than its col"):
            embedder.fit(frame.iloc[[2, 0, 1]])
    assert as_adjacency((frame, ["x", "y", "z"]))[1].tolist() == ["x", "y", "z"]
    assert as_adjacency((frame, None))[1].tolist() == [0, 1, 2]
    unnamed = pd.DataFrame(frame.to_numpy())
    assert as_adjacency((unnamed, [2, 0, 1]))[1].tolist() == [2, 0, 1]


def test_columns_that_are_named_make_a_tree_of_any_table():
    frame = MAY_BE_ADJACENCIES["frame"]
    assert len(tree_to_adjacency(frame, columns=["ann", "bob", "cy"])[1]) == 7
    assert len(tree_to_adjacency(np.array([[3]]))[1]) == 2


def test_a_weight_of_zero_is_no_edge():
    adjacency, names = as_adjacency([("a", "b", 0), ("b", "c", 1), ("c", "d", -0.0)])
    assert_canonical(adjacency, names)
    assert names.tolist() == ["a", "b", "c", "d"]
    assert adjacency.nnz == 2
    adjacency, names = as_adjacency([("a", "b", 0)])
    assert adjacency.nnz == 0
    assert adjacency.shape == (2, 2)


@pytest.mark.parametrize(
    "weight",
    [2, 2.0, np.float32(2), decimal.Decimal(2), fractions.Fraction(2), np.int8(2)],
    ids=lambda weight: type(weight).__name__,
)
def test_weights_of_any_real_type(weight):
    adjacency, _ = as_adjacency([("a", "b", weight), ("a", "c", True)])
    assert adjacency.dtype == np.float64
    assert_array_equal(adjacency.toarray()[0], [0, 2, 1])


def test_nothing_of_the_caller_is_changed():
    ends, weights = random_edges()
    frame = pd.DataFrame({"u": ends[:, 0], "v": ends[:, 1], "w": weights})
    copy = frame.copy()
    ends.flags.writeable = False
    as_adjacency(ends)
    as_adjacency(frame)
    pd.testing.assert_frame_equal(frame, copy)


# networkx graphs


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
@pytest.mark.parametrize("directed", [False, True])
def test_networkx_graphs(kind, directed):
    graph = random_graph(kind)
    adjacency, names = as_adjacency(graph, directed=directed)  # has one of its own
    assert_canonical(adjacency, names)
    assert names.tolist() == list(graph)
    assert_allclose(adjacency.toarray(), nx.to_numpy_array(graph))
    assert_array_equal(adjacency[[0, 1]].sum(axis=1)[0], 0)  # "alone"


def test_networkx_graphs_without_edges_or_with_loops():
    graph = nx.empty_graph(3)
    adjacency, names = as_adjacency(graph)
    assert names.tolist() == [0, 1, 2]
    assert adjacency.nnz == 0
    graph.add_edge(1, 1, weight=2)
    graph.add_edge(0, 1, weight=0)
    assert_array_equal(as_adjacency(graph)[0].toarray(), np.diag([0, 2, 0]))


def test_networkx_names_are_plain():
    graph = nx.Graph([(np.int64(5), np.str_("a"))])
    assert_canonical(*as_adjacency(graph))


def test_views_of_networkx_graphs():
    graph = random_graph(nx.DiGraph)
    view = graph.subgraph(list(graph)[:20])
    adjacency, names = as_adjacency(view)
    assert names.tolist() == list(view)
    assert_allclose(adjacency.toarray(), nx.to_numpy_array(view))


# Adjacencies


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("named", [False, True])
def test_a_csr_matrix_is_not_copied(form, dtype, named):
    matrix = read_only(form(np.array(DIRECTED, dtype=dtype)))
    adjacency, names = as_adjacency((matrix, ["a", "b", "c"]) if named else matrix)
    assert_canonical(adjacency, names)
    assert adjacency.dtype == dtype
    assert names.tolist() == (["a", "b", "c"] if named else [0, 1, 2])
    for part in ("data", "indices", "indptr"):
        assert np.shares_memory(getattr(adjacency, part), getattr(matrix, part))


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok", "dia", "bsr"])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float64])
def test_sparse_formats(form, dtype):
    dense = np.array(DIRECTED).astype(dtype)
    for kind in (sparse.csr_array, sparse.csr_matrix):
        adjacency, names = as_adjacency(kind(dense).asformat(form))
        assert_canonical(adjacency, names)
        assert adjacency.dtype == (np.float32 if dtype == np.float32 else np.float64)
        assert_array_equal(adjacency.toarray(), dense)


@pytest.mark.parametrize("dtype", [np.int64, np.float32, bool, np.float16])
def test_dense_adjacencies(dtype):
    dense = np.array(DIRECTED).astype(dtype)
    dense.flags.writeable = False
    for matrix in (dense, pd.DataFrame(dense), np.asfortranarray(dense)):
        adjacency, names = as_adjacency((matrix, ("a", "b", "c")))
        assert_canonical(adjacency, names)
        assert_array_equal(adjacency.toarray(), dense)


def test_matrices_are_brought_into_order_in_a_copy():
    # Unsorted, with duplicates, a stored zero, and room behind the last entry.
    data = np.array([1.0, 2.0, 0.0, 4.0, 8.0, np.nan])
    indices = np.array([2, 0, 1, 1, 1, 7])
    indptr = np.array([0, 3, 3, 5])
    matrix = sparse.csr_array((3, 3))
    matrix.data, matrix.indices, matrix.indptr = data, indices, indptr
    copies = data.copy(), indices.copy(), indptr.copy()
    adjacency, names = as_adjacency(read_only(matrix))
    assert_canonical(adjacency, names)
    assert_array_equal(adjacency.toarray(), [[2, 0, 1], [0, 0, 0], [0, 12, 0]])
    for array, copy in zip((data, indices, indptr), copies, strict=True):
        assert_array_equal(array, copy)


def test_duplicates_of_booleans_add_up():
    ones = np.ones(2, dtype=bool)
    matrix = sparse.coo_array((ones, ([0, 0], [1, 1])), shape=(2, 2))
    assert as_adjacency(matrix)[0][0, 1] == 2


@pytest.mark.parametrize(
    "names",
    [
        ["a", ("b", 1), 2],
        np.array(["a", "b", "c"]),
        np.array([3, 1, 2]),
        pd.Index(["a", "b", "c"]),
        pd.Series([5, 6, 7], index=[1, 1, 1]),
        pl.Series(["a", "b", "c"]),
        range(3),
        [np.int64(1), np.str_("b"), np.float64(0.5)],
        [("a", "b"), ("a", "c"), ("b", "c")],
    ],
    ids=lambda names: type(names).__name__,
)
def test_names(names):
    adjacency, found = as_adjacency((sparse.eye_array(3), names))
    assert_canonical(adjacency, found)
    assert found.tolist() == list(names)


def test_names_may_be_left_out():
    adjacency, names = as_adjacency((np.array(DIRECTED), None))
    assert names.tolist() == [0, 1, 2]
    assert_array_equal(adjacency.toarray(), DIRECTED)


def test_results_go_in_again():
    first = as_adjacency(EDGES)
    again = as_adjacency(first)
    assert np.shares_memory(first[0].data, again[0].data)
    assert_array_equal(first[1], again[1])


# Trees


PLACES = [
    ("WA", "King", "98001"),
    ("WA", "King", "98002"),
    ("OR", "King", "97001"),  # a county of the same name elsewhere
    ("WA", "Pierce", "98303"),
    ("WA", "King", "98001"),
]


@pytest.mark.parametrize("form", TABLES)
def test_trees(form):
    adjacency, names = tree_to_adjacency(TABLES[form](PLACES))
    assert_canonical(adjacency, names)
    assert names.tolist() == [
        (),
        ("WA",),
        ("OR",),
        ("WA", "King"),
        ("OR", "King"),
        ("WA", "Pierce"),
        "98001",
        "98002",
        "97001",
        "98303",
    ]
    edges = [(0, 1), (0, 2), (1, 3), (2, 4), (1, 5), (3, 6), (3, 7), (4, 8), (5, 9)]
    expected = nx.to_numpy_array(nx.Graph(edges), nodelist=range(10))
    assert_array_equal(adjacency.toarray(), expected)


def test_trees_against_networkx():
    rng = np.random.default_rng(0)
    leaves = rng.permutation(np.repeat(np.arange(200), 3))
    table = np.c_[leaves % 3, leaves % 12, leaves % 60, leaves]
    graph = nx.Graph()
    for *path, leaf in table.tolist():
        chain = [tuple(path[:depth]) for depth in range(4)]
        nx.add_path(graph, [*chain, leaf])
    adjacency, names = tree_to_adjacency(table)
    assert set(names) == set(graph)
    expected = nx.to_numpy_array(graph, nodelist=names.tolist())
    assert_array_equal(adjacency.toarray(), expected)
    assert nx.is_tree(nx.from_scipy_sparse_array(adjacency))


def test_columns_of_a_tree():
    frame = pd.DataFrame(PLACES, columns=["state", "county", "zip"]).assign(price=1)
    expected, expected_names = tree_to_adjacency(PLACES)
    for table, columns in [
        (frame, ["state", "county", "zip"]),
        (frame, pd.Index(["state", "county", "zip"])),
        (pl.DataFrame(frame), ("state", "county", "zip")),
        (frame.to_numpy(), [0, 1, 2]),
        ([row[::-1] for row in PLACES], [2, 1, 0]),
    ]:
        adjacency, names = tree_to_adjacency(table, columns=columns)
        assert names.tolist() == expected_names.tolist()
        assert (adjacency != expected).nnz == 0


def test_a_tree_of_one_column_is_a_star():
    adjacency, names = tree_to_adjacency(np.array([[3], [1], [3], [2]]))
    assert names.tolist() == [(), 3, 1, 2]
    assert_array_equal(adjacency.toarray(), nx.to_numpy_array(nx.star_graph(3)))


def test_levels_may_repeat_their_parents_ids():
    # A city that is called as its county; a leaf that is called as its city.
    adjacency, names = tree_to_adjacency([("x", "x", "x"), ("x", "y", "z")])
    assert names.tolist() == [(), ("x",), ("x", "x"), ("x", "y"), "x", "z"]
    assert_array_equal(adjacency.sum(axis=1), [1, 3, 2, 2, 1, 1])


# Path lengths


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiDiGraph])
@pytest.mark.parametrize("weighted", [False, True])
def test_path_lengths_against_networkx(kind, weighted):
    graph = random_graph(kind)
    adjacency, names = as_adjacency(graph)
    if graph.is_multigraph():  # parallel edges add up here
        graph = nx.from_scipy_sparse_array(adjacency, create_using=nx.DiGraph)
        names = np.arange(len(names)).astype(object)
    lengths = path_lengths((adjacency, names), weighted=weighted)
    expected = np.full(lengths.shape, np.inf)
    row = {name: i for i, name in enumerate(names)}
    found = nx.shortest_path_length(graph, weight="weight" if weighted else None)
    if weighted:
        found = nx.all_pairs_dijkstra_path_length(graph)
    for source, targets in found:
        for target, length in targets.items():
            expected[row[source], row[target]] = length
    assert_allclose(lengths, expected)
    assert np.isinf(lengths).any()
    # Some sources, in their order and with a repetition.
    sources = [names[5], names[0], names[5]]
    assert_array_equal(
        path_lengths((adjacency, names), sources, weighted=weighted),
        lengths[[5, 0, 5]],
    )


def test_paths_follow_the_edges():
    adjacency = np.array([[0, 5.0, 0], [0, 0, 0.5], [0, 0, 0]])
    hops = [[0, 1, 2], [np.inf, 0, 1], [np.inf, np.inf, 0]]
    sums = [[0, 5, 5.5], [np.inf, 0, 0.5], [np.inf, np.inf, 0]]
    for form in (np.asarray, sparse.csr_array, sparse.csr_matrix, sparse.coo_array):
        graph = form(adjacency)
        assert_array_equal(path_lengths(graph), hops)
        assert_array_equal(path_lengths(graph, weighted=True), sums)
        assert_array_equal(path_lengths(graph, [1]), hops[1:2])
        assert_array_equal(path_lengths(graph, np.array([2, 0])), [hops[2], hops[0]])
        assert path_lengths(graph, []).shape == (0, 3)
        assert path_lengths(graph.astype(np.float32)).dtype == np.float64
    large = sparse.csr_array(adjacency)
    large.indices, large.indptr = map(np.int64, (large.indices, large.indptr))
    assert_array_equal(path_lengths(read_only(large)), hops)


def test_max_length():
    path = as_adjacency(nx.path_graph(5))
    assert_array_equal(path_lengths(path, [1], max_length=2), [[1, 0, 1, 2, np.inf]])
    assert_array_equal(path_lengths(path, [0], max_length=0), [[0, *[np.inf] * 4]])
    adjacency = path[0] * 0.5
    lengths = path_lengths(adjacency, [0], weighted=True, max_length=1)
    assert_array_equal(lengths, [[0, 0.5, 1, np.inf, np.inf]])


def test_distances_in_a_tree():
    tree = tree_to_adjacency(PLACES)
    lengths = path_lengths(tree, ["98001"])
    leaves = lengths[0, -4:]
    # Itself, the same county, another state, another county.
    assert_array_equal(leaves, [0, 2, 6, 4])
    assert_array_equal(path_lengths(tree, [()])[0, -4:], 3)
    similarities = np.exp(-path_lengths(tree))
    embedding = SimilarityEmbedding(n_components=5, similarity="precomputed")
    vectors = embedding.fit_transform(similarities)
    assert_allclose(vectors[-4:], embedding.transform(similarities[-4:]), atol=1e-12)


# Ids and rows


def test_rows_of_ids():
    index = {"a": 0, ("b", 1): 1, 98001: 2}
    column = pd.Series(["a", 98001, None, ("b", 1), "c"], dtype=object)
    rows = rows_of(ids_of(column), index, "Id {}".format)
    assert_array_equal(rows, [0, 2, -1, 1, -1])
    assert_array_equal(rows_of([np.int64(98001), 98001.0], index, str), [2, 2])
    assert rows_of([], index, str).shape == (0,)
    with pytest.raises(TypeError, match="Id 1 is of type list, which is not hashable"):
        rows_of(["a", []], index, "Id {}".format)


# Errors


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        ("edges.csv", "graph is of type str; pass an edge table, a networkx graph, a"),
        (None, "graph is of type NoneType; pass an edge table"),
        ({"a": ["b"]}, "graph is of type dict; pass an edge table"),
        ({("a", "b")}, "graph is of type set; pass"),
        (pd.Series(["a"]), "graph is of type Series; pass"),
        (pl.LazyFrame({"a": [1]}), "graph is of type LazyFrame; pass"),
        (np.arange(4), "graph is an array with 1 dimension; pass"),
        (np.zeros((2, 2, 2)), "graph is an array with 3 dimensions; pass"),
        ((("a", "b"), ("b", "c")), "graph is a tuple, but not one of a sparse or"),
        (([[0, 1], [1, 0]], ["a", "b"]), r"pass \(adjacency, names\), or a list of"),
        ((np.eye(2), [0, 1], 1), "graph is a tuple, but not one of a sparse or dense"),
        ((), "graph is a tuple, but not one"),
        (["ab", "bc"], "Row 0 of the edge table is of type str; a list must hold"),
        ([("a", "b"), None], "Row 1 of the edge table is of type NoneType; a list"),
        (
            [("a", "b"), ("b", ["c"])],
            "The target in row 1 of the edge table is of type list, which is not hash",
        ),
        (
            [("a", "b"), ((["b"], 1), "c")],
            "The source in row 1 of the edge table is of type tuple, which is not hash",
        ),
        ((np.eye(2), "ab"), "names is a str, but a list is expected"),
        # One element: several are shown in an order that varies from run to run.
        ((np.eye(2), {"a"}), "names is a set, but a list is expected"),
        ((np.eye(2), {"a": 0, "b": 1}), "names is a dict, but a list is expected"),
        ((np.eye(2), 3), "names is of type int, but a list of ids is expected"),
        ((np.eye(2), ["a", ["b"]]), "The name of row 1 is of type list, which is not"),
        ((np.eye(2), np.eye(2)), "The name of row 0 is of type list, which is not"),
    ],
    ids=one_line,
)
def test_wrong_types(graph, message):
    with pytest.raises(TypeError, match=message):
        as_adjacency(graph)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([], "The edge table is empty; it needs at least one row"),
        (np.empty((0, 2)), "The edge table is empty"),
        (pd.DataFrame({"a": [], "b": []}), "The edge table is empty"),
        (pl.DataFrame({"a": [], "b": []}), "The edge table is empty"),
        (pd.DataFrame(index=range(3)), "The edge table is empty"),
        ([("a",), ("b",)], "weight, but this one has 1 column; pass those alone"),
        ([("a", "b", 1, 2)], "but this one has 4 columns; pass those alone"),
        (np.zeros((5, 4)), r"but this one has 4 columns; pass those alone\.$"),
        (np.eye(4), r"pass those alone, or \(graph, names\) if it is an adjacency"),
        (
            pd.DataFrame([[1, 2, 3, 4]], columns=["id", "from", "to", "w"]),
            "this one has 4 columns, 'id', 'from', 'to', 'w'; pass those alone",
        ),
        (pl.DataFrame({"a": [1, 2]}), "this one has 1 column, 'a'; pass those alone"),
        (pd.DataFrame(np.eye(50)), r"50 columns, 0, 1, .* 9, \.\.\.; pass those alone"),
        ([("a", "b"), ("b", "c", 1)], "Row 1 of the edge table has 3 entries, but row"),
        ([("a", "b"), ("b", None)], r"The target in row 1 of the edge .* \(None\); dr"),
        ([("a", "b"), (np.nan, "c")], r"The source in row 1 of .* missing \(nan\)"),
        (
            pd.DataFrame({"a": pd.array([1, 2, None], dtype="Int64"), "b": [1, 2, 3]}),
            r"The source in row 2 of the edge table is missing \(<NA>\); drop it or",
        ),
        (pd.DataFrame({"a": [1.0, np.nan], "b": [1, 2]}), "source in row 1 .* missing"),
        (pd.DataFrame({"a": ["x", "y"], "b": ["z", None]}), "target in row 1 .* miss"),
        (pl.DataFrame({"a": [1, 2], "b": [1, None]}), r"in row 1 .* missing \(None\)"),
    ],
)
def test_wrong_edge_tables(table, message):
    with pytest.raises(ValueError, match=message):
        as_adjacency(table)


@pytest.mark.parametrize("form", TABLES)
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (-1.0, "is -1; weights must be finite and at least 0"),
        (np.inf, "is inf; weights must be finite"),
        (np.nan, "is (nan|None); weights must be"),
        (None, "is (nan|None); weights must be"),
    ],
    ids=one_line,
)
def test_wrong_weights(form, weight, message):
    edges = [("a", "b", 1.0), ("b", "c", 2.0), ("c", "d", weight), ("d", "a", weight)]
    message = f"The weight in row 2 of the edge table {message}"
    with pytest.raises(ValueError, match=message):
        as_adjacency(TABLES[form](edges))


@pytest.mark.parametrize("form", ["list", "array"])
@pytest.mark.parametrize(
    "weight", [1j, "2", {"weight": 2}, np.array([1, 2])], ids=one_line
)
def test_weights_that_are_no_numbers(form, weight):
    message = re.escape(
        f"The weight in row 1 of the edge table is {weight!r}; weights must be real"
    )
    with pytest.raises(ValueError, match=message):
        as_adjacency(TABLES[form]([("a", "b", 1.0), ("b", "c", weight)]))


def test_columns_of_weights_that_are_no_numbers():
    for weights, first in [
        ([1, 1j], r".*\(1\+0j\)"),
        (["1", "2"], "'1'"),
        (pd.to_datetime(["2020", "2021"]), ".*2020"),
    ]:
        frame = pd.DataFrame({"a": [1, 2], "b": [2, 3], "w": weights})
        with pytest.raises(ValueError, match=f"in row 0 of the edge table is {first}"):
            as_adjacency(frame)


def test_weights_in_an_array_of_strings():
    with pytest.raises(ValueError, match="The weights of the edge table are strings"):
        as_adjacency(np.array([("a", "b", 1.0)]))
    with pytest.raises(ValueError, match=r"weight in row 0 of the edge table is .*'1'"):
        as_adjacency(pl.DataFrame({"a": ["x"], "b": ["y"], "w": ["1"]}))
    adjacency, _ = as_adjacency(np.array([("a", "b")]))
    assert adjacency.nnz == 2


def test_weights_of_missing_kinds_in_frames():
    weights = pd.array([1, None], dtype="Int64")
    frame = pd.DataFrame({"a": [1, 2], "b": [2, 3], "w": weights})
    with pytest.raises(ValueError, match=r"row 1 of the edge table is (<NA>|nan); w"):
        as_adjacency(frame)
    with pytest.raises(ValueError, match="in row 1 of the edge table is nan; weights"):
        as_adjacency(pl.DataFrame({"a": [1, 2], "b": [2, 3], "w": [1, None]}))


def test_weights_that_add_up_to_infinity():
    with pytest.raises(ValueError, match="add up to infinity; scale them down"):
        as_adjacency([("a", "b", 1e308), ("b", "a", 1e308)])
    matrix = sparse.coo_array(([1e308, 1e308], ([0, 0], [1, 1])), shape=(2, 2))
    with pytest.raises(ValueError, match="from node 0 to node 1 is inf"):
        as_adjacency(matrix)


@pytest.mark.parametrize("kind", [nx.Graph, nx.MultiDiGraph])
def test_wrong_networkx_graphs(kind):
    with pytest.raises(ValueError, match="The graph has no nodes; at least one is"):
        as_adjacency(kind())
    for weight, message in [
        (-2, "is -2; weights must be finite and at least 0"),
        (None, "is None; weights must be real numbers"),
        ("far", "is 'far'; weights must be real numbers"),
    ]:
        graph = kind([(0, 1)])
        graph.add_edge("a", "b", weight=weight)
        with pytest.raises(
            ValueError, match=rf"The weight of the edge \('a', 'b'\) {message}"
        ):
            as_adjacency(graph)
    graph = kind([(0, float("nan"))])
    with pytest.raises(
        ValueError, match=r"Node number 1 of the graph is missing \(nan\)"
    ):
        as_adjacency(graph)


def with_entry(value, dtype=np.float64):
    adjacency = np.zeros((3, 3), dtype=dtype)
    adjacency[0, 1], adjacency[2, 1] = 1, value
    return adjacency


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, sparse.coo_matrix])
@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((3, 2)), r"must be square, .* but it has shape \(3, 2\)"),
        (np.zeros((0, 0)), "The graph has no nodes"),
        (with_entry(1j, complex), "The adjacency is complex; it must hold real"),
        (with_entry(-1), "The weight from node 'c' to node 'b' is -1; weights must be"),
        (with_entry(np.nan), "from node 'c' to node 'b' is nan; weights must be fin"),
        (with_entry(np.inf), "from node 'c' to node 'b' is inf; weights must be fin"),
    ],
    ids=one_line,
)
def test_wrong_adjacencies(form, matrix, message):
    names = ["a", "b", "c"][: len(matrix)]
    with pytest.raises(ValueError, match=message):
        as_adjacency((form(matrix), names))


def test_more_wrong_adjacencies():
    with pytest.raises(ValueError, match="The adjacency is of dtype <U1; it must hold"):
        as_adjacency((np.array([["a", "b"], ["c", "d"]]), [0, 1]))
    with pytest.raises(ValueError, match=r"must be square, .* shape \(2,\)"):
        as_adjacency((np.array([0, 1]), np.array([1, 2])))
    with pytest.raises(ValueError, match=r"must be square, .* shape \(3,\)"):
        as_adjacency(sparse.coo_array(np.ones(3)))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b"], "There are 2 names for the 3 rows of the adjacency; pass one for"),
        ([], "There are 0 names for the 3 rows"),
        (["a", "b", "a"], "Rows 0 and 2 of the adjacency have the same name, 'a'; nam"),
        ([7, 1, True], "Rows 1 and 2 of the adjacency have the same name, True"),
        (["a", "b", None], r"The name of row 2 is missing \(None\); drop it or fill"),
        ([np.nan, 1, 2], r"The name of row 0 is missing \(nan\)"),
        ([1, pd.NaT, 2], r"The name of row 1 is missing \(NaT\)"),
    ],
    ids=one_line,
)
def test_wrong_names(names, message):
    with pytest.raises(ValueError, match=message):
        as_adjacency((np.eye(3), names))


@pytest.mark.parametrize(
    ("table", "columns", "error", "message"),
    [
        ([], None, ValueError, "The table is empty; it needs at least one row"),
        (np.empty((3, 0)), None, ValueError, "The table is empty"),
        (PLACES, [], ValueError, "columns is empty; name at least one level"),
        (PLACES, [0, 3], ValueError, "The table has no column 3; its columns are 0, 1"),
        (PLACES, "zip", TypeError, r"columns is the string 'zip'; pass \['zip'\]"),
        ("WA", None, TypeError, "table is of type str; pass a DataFrame, a 2-D array"),
        (np.arange(3), None, TypeError, "table is an array with 1 dimension; pass a"),
        (tuple(PLACES), None, TypeError, "table is of type tuple; pass a DataFrame"),
        (
            pd.DataFrame(PLACES, columns=["state", "county", "zip"]),
            ["state", "city"],
            ValueError,
            "The table has no column 'city'; its columns are 'state', 'county', 'zip'",
        ),
        (
            pd.DataFrame({"state": ["WA", None], "zip": ["1", "2"]}),
            None,
            ValueError,
            "The id in row 1, column 'state' is missing",
        ),
        (
            [("WA", "1"), ("WA", None)],
            None,
            ValueError,
            r"The id in row 1, column 1 is missing \(None\); drop it or fill in an id",
        ),
        ([("WA", ["1"])], None, TypeError, "The id in row 0, column 1 is of type list"),
        ([("WA", "1"), ("OR",)], None, ValueError, "Row 1 of the table has 1 entries"),
        (
            [("WA", "King", "98001"), ("WA", "Pierce", "98001")],
            None,
            ValueError,
            r"The leaf '98001' is in two places of the tree, \('WA', 'King', '98001'\) "
            r"and \('WA', 'Pierce', '98001'\); keep one of them, or give them",
        ),
        (
            [("WA", ("WA",))],
            None,
            ValueError,
            r"The leaf \('WA',\) has the name of an inner node; give leaves ids that",
        ),
    ],
)
def test_wrong_trees(table, columns, error, message):
    with pytest.raises(error, match=message):
        tree_to_adjacency(table, columns=columns)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (["bob", "dan"], "Node 'dan' is not in the graph; sources must be names of"),
        ([0], "Node 0 is not in the graph"),
        ([None], "Node None is not in the graph"),
    ],
    ids=one_line,
)
def test_unknown_sources(sources, message):
    with pytest.raises(ValueError, match=message):
        path_lengths(as_adjacency(EDGES), sources)


def test_wrong_arguments_of_path_lengths():
    with pytest.raises(ValueError, match=r"Node -1 is not in the graph; .* row numb"):
        path_lengths(np.eye(3), [-1])
    with pytest.raises(TypeError, match=r"of type str, but a list .* pass \[id\]"):
        path_lengths(as_adjacency(EDGES), "bob")
    with pytest.raises(TypeError, match="Source number 0 is of type list, which is"):
        path_lengths(np.eye(3), [[0]])
    for value in (-1, np.nan):
        with pytest.raises(ValueError, match=f"max_length is {value}; it must be at"):
            path_lengths(np.eye(3), max_length=value)
    with pytest.raises(TypeError, match=r"list, but path_lengths .* as_adjacency\(gr"):
        path_lengths(EDGES)
    with pytest.raises(ValueError, match="must be square"):
        path_lengths(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="from node 0 to node 0 is -1"):
        path_lengths(-np.eye(3))
