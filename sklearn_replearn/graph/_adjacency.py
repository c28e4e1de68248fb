"""Graphs in any form, as an adjacency and the names of the nodes."""

import sys
from collections.abc import Mapping, Set
from itertools import chain

import numpy as np
from scipy import sparse

from sklearn_replearn.graph._edges import (
    as_weights,
    check_not_empty,
    check_weights,
    sum_edges,
)
from sklearn_replearn.graph._node_ids import (
    as_names,
    ids_of,
    index_of,
    number_ids,
    shown,
)
from sklearn_replearn.graph._tables import (
    has_equal_labels,
    read_columns,
    refuse_adjacency,
    refuse_columns,
)


def as_adjacency(graph, *, directed=False):
    """Adjacency matrix and node names of a graph in any of the usual forms.

    Parameters
    ----------
    graph : edge table, networkx graph, sparse matrix or tuple
        One of

        - an edge table: a pandas or polars DataFrame, a 2-D array, or a list of
          tuples, with the columns source, target and, if there is a third, weight. The
          columns are taken by position, whatever they are called. Weights of repeated
          edges add up, and an edge from a node to itself counts once. Nodes come in
          the order of their first appearance, row by row. Square tables that may be an
          adjacency are refused, see the notes.
        - a networkx graph, directed or not as it is. Weights are those of the edge
          attribute "weight", 1 where it is missing, and those of parallel edges add
          up. Nodes come in the order of the graph, those without edges too.
        - an adjacency, sparse and of shape (n_nodes, n_nodes): entry (i, j) is the
          weight of the edge from node i to node j. The nodes are called by their row
          number, from 0.
        - a tuple ``(adjacency, names)`` of such a matrix, sparse or dense, and the
          names of its rows; ``None`` calls them by their number.

        Names, or ids, are strings, numbers, tuples or anything hashable, also mixed.
        Weights are finite and at least 0. A weight of 0 is no edge, but its nodes
        exist.
    directed : bool, default=False
        Whether the rows of an edge table are edges from source to target only. By
        default they lead both ways, and the adjacency is symmetric. The other forms
        have a direction of their own, and this is ignored.

    Returns
    -------
    adjacency : csr_array of shape (n_nodes, n_nodes)
        With sorted indices, and without duplicates and stored zeros. float64; float32
        for a float32 matrix. A CSR matrix that is already so is not copied, and no
        input is changed.
    names : ndarray of shape (n_nodes,), dtype object
        Name of each row. Scalars of numpy have become those of Python.

    Raises
    ------
    ValueError
        If the graph has no node; if an edge table has less than 2 or more than 3
        columns, or a missing id, or may be an adjacency; if a weight is negative,
        missing, infinite or not a number; if an adjacency is not square, or the rows
        of a DataFrame are in another order than its columns or its names; if names are
        not unique, or not as many as there are rows.
    TypeError
        If `graph` is anything else, or an id is not hashable.

    See Also
    --------
    tree_to_adjacency : Adjacency of a hierarchy of categories.
    path_lengths : Distances in a graph.

    Notes
    -----
    In an array all columns have one dtype: beside fractional weights the ids are
    floats, which equal the ints of the same value (``98001.0 == 98001``) when they are
    looked up, and beside strings weights would be strings, which is an error. A
    DataFrame or a list of tuples keeps the columns apart.

    A DataFrame whose index equals its columns is an adjacency, as networkx writes it:
    pass ``(frame, frame.columns)``. Two or three rows of as many numbers can be read
    either way, as edges or as an adjacency. Such a table is refused if it is symmetric
    or has a diagonal of zeros; without names of columns also if it has ids that are
    not whole numbers, or weights of 0. Pass ``(array, None)`` for an adjacency, and a
    list of tuples, which is never an adjacency, for edges.

    Examples
    --------
    >>> from sklearn_replearn.graph import as_adjacency
    >>> edges = [("ann", "bob", 2.0), ("bob", "cy", 1.0), ("bob", "ann", 0.5)]
    >>> adjacency, names = as_adjacency(edges)
    >>> names
    array(['ann', 'bob', 'cy'], dtype=object)
    >>> adjacency.toarray()
    array([[0. , 2.5, 0. ],
           [2.5, 0. , 1. ],
           [0. , 1. , 0. ]])
    >>> as_adjacency(edges, directed=True)[0].toarray()
    array([[0. , 2. , 0. ],
           [0.5, 0. , 1. ],
           [0. , 0. , 0. ]])
    """
    if sparse.issparse(graph):
        return named_adjacency(graph, None)
    if _is_networkx(graph):
        return _from_networkx(graph)
    if isinstance(graph, tuple):
        return from_tuple(graph)
    return _from_edge_table(graph, directed)


def _is_networkx(graph):
    networkx = sys.modules.get("networkx")  # whoever has a graph has imported it
    return networkx is not None and isinstance(graph, networkx.Graph)


def _from_networkx(graph):
    names, _ = number_ids(list(graph), "Node number {} of the graph".format)
    check_not_empty(len(names))
    index = index_of(graph)
    edges = list(graph.edges(data="weight", default=1))

    def place(position):
        return f"The weight of the edge {shown(edges[position][:2])}"

    adjacency = sum_edges(
        np.array([index[source] for source, _, _ in edges], dtype=np.intp),
        np.array([index[target] for _, target, _ in edges], dtype=np.intp),
        as_weights([weight for _, _, weight in edges], place),
        len(names),
        directed=graph.is_directed(),
    )
    return adjacency, as_names(names)


def from_tuple(graph):
    matrix = graph[0] if len(graph) == 2 else None
    if not hasattr(matrix, "shape"):
        raise TypeError(
            "graph is a tuple, but not one of a sparse or dense adjacency and its "
            "names; pass (adjacency, names), or a list of edges."
        )
    return named_adjacency(*graph)


def named_adjacency(matrix, names):
    """Check an adjacency and its names, and bring both into their form."""
    adjacency = _as_csr(matrix)
    n_nodes = adjacency.shape[0]
    names = list(range(n_nodes)) if names is None else _check_names(names, n_nodes)
    check_order(matrix, names)

    def place(position):
        row = np.searchsorted(adjacency.indptr, position, side="right") - 1
        column = adjacency.indices[position]
        source, target = shown(names[row]), shown(names[column])
        return f"The weight from node {source} to node {target}"

    weights = adjacency.data[: adjacency.nnz]  # there may be unused room behind them
    check_weights(weights, place)
    if not (adjacency.has_canonical_format and adjacency.data.all()):
        adjacency = adjacency.copy()  # what it has may be the caller's own arrays
        adjacency.sum_duplicates()
        adjacency.eliminate_zeros()
        check_weights(adjacency.data, place)
    return adjacency, as_names(names)


def _as_csr(matrix):
    """A square matrix of real numbers as a float csr_array, not copied if it is one."""
    if not sparse.issparse(matrix):
        matrix = np.asarray(matrix)
    if matrix.dtype.kind not in "biuf":
        kind = "complex" if matrix.dtype.kind == "c" else f"of dtype {matrix.dtype}"
        raise ValueError(f"The adjacency is {kind}; it must hold real numbers.")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(
            f"The adjacency must be square, a row and a column for each node, but it "
            f"has shape {matrix.shape}."
        )
    check_not_empty(matrix.shape[0])
    if matrix.dtype not in (np.float32, np.float64):
        matrix = matrix.astype(np.float64)
    return sparse.csr_array(matrix)


def check_order(frame, names=None):
    """Refuse an adjacency in a DataFrame if rows, columns and names differ in order."""
    if not hasattr(frame, "columns"):
        return
    labels = list(frame.columns)
    if has_equal_labels(frame, labels) and list(frame.index) != labels:
        raise ValueError(
            "The rows of the adjacency are in another order than its columns; pass "
            "frame.loc[frame.columns]."
        )
    has_names = any(isinstance(label, str) for label in labels)
    if names and has_names and names != labels and set(names) == set(labels):
        raise ValueError(
            "The names of the rows are in another order than the columns of the "
            "adjacency; pass (frame, frame.columns)."
        )


def _check_names(names, n_nodes):
    """The names of the nodes as a list, if they are unique and of the right number."""
    if isinstance(names, str | bytes | Mapping | Set):
        raise TypeError(
            f"names is a {type(names).__name__}, but a list is expected, with a name "
            "for each row of the adjacency in its order."
        )
    names = ids_of(names, "names")
    if len(names) != n_nodes:
        raise ValueError(
            f"There are {len(names)} names for the {n_nodes} rows of the adjacency; "
            "pass one for each row."
        )
    unique, numbers = number_ids(names, "The name of row {}".format)
    if len(unique) < n_nodes:
        second = int(np.argmax(numbers != np.arange(n_nodes)))
        raise ValueError(
            f"Rows {numbers[second]} and {second} of the adjacency have the same name, "
            f"{shown(names[second])}; names must be unique."
        )
    return unique


def _from_edge_table(table, directed):
    columns, labels = read_columns(table, "edge table")
    if len(columns) not in (2, 3):
        refuse_columns(table, labels)
    refuse_adjacency(table, columns, labels, "edges")
    if isinstance(table, np.ndarray) and table.dtype.kind in "US" and len(columns) > 2:
        raise ValueError(
            "The weights of the edge table are strings, as an array has a single "
            "dtype; pass a DataFrame or a list of tuples."
        )
    ends = list(chain.from_iterable(zip(*map(ids_of, columns[:2]), strict=True)))
    names, numbers = number_ids(ends, _end_of_edge)
    weights = np.ones(len(ends) // 2)
    if len(columns) == 3:
        place = "The weight in row {} of the edge table".format
        weights = as_weights(columns[2], place)
    adjacency = sum_edges(
        numbers[::2], numbers[1::2], weights, len(names), directed=directed
    )
    return adjacency, as_names(names)


def _end_of_edge(position):
    row, end = divmod(position, 2)
    return f"The {('source', 'target')[end]} in row {row} of the edge table"
