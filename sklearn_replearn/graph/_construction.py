"""Graphs as an adjacency and the names of its nodes, and distances in them."""

import sys
from collections import defaultdict
from collections.abc import Mapping, Set
from functools import partial
from itertools import chain, repeat
from numbers import Number

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from sklearn_replearn._linalg import with_small_indices
from sklearn_replearn._missing import is_missing

EXPECTED = (
    "pass an edge table, a networkx graph, a sparse adjacency, or a tuple "
    "(adjacency, names)"
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
        return _named_adjacency(graph, None)
    if _is_networkx(graph):
        return _from_networkx(graph)
    if isinstance(graph, tuple):
        return _from_tuple(graph)
    return _from_edge_table(graph, directed)


def tree_to_adjacency(table, *, columns=None):
    """Adjacency matrix of a hierarchy of categories, and the names of its nodes.

    Each row of the table is a path from the top of the tree to a leaf, such as state,
    county, zip code. Two categories are near in the tree if they share the finer
    levels, so an embedding of its nodes gives related categories similar vectors, also
    those that are rare.

    Parameters
    ----------
    table : {DataFrame, array-like} of shape (n_paths, n_columns)
        The ids of each level, the coarsest first: a pandas or polars DataFrame, a 2-D
        array, or a list of tuples. Paths may be repeated.
    columns : list of column names, default=None
        The columns that are levels, in this order; for an array or a list of tuples
        their positions. ``None`` takes all as they come. One column makes a star.

    Returns
    -------
    adjacency : csr_array of shape (n_nodes, n_nodes)
        Symmetric; 1 between each category and the one above it.
    names : ndarray of shape (n_nodes,), dtype object
        Name of each row: first the root, ``()``; then level by level, in the order of
        first appearance, the tuple of the ids down to the category, such as
        ``("WA", "King")``, so that counties of one name in two states are two; last
        the leaves, by their plain id, such as ``"98001"``.

    Raises
    ------
    ValueError
        If the table or `columns` is empty, an id is missing, a leaf is in two places
        of the tree or named as an inner category is, or a column is not there; if the
        table may be an adjacency, as :func:`as_adjacency` says, and `columns` is
        ``None``.
    TypeError
        If `table` is anything else, or an id is not hashable.

    See Also
    --------
    as_adjacency : Adjacency of any other graph.
    path_lengths : Distances in a graph.

    Examples
    --------
    >>> from sklearn_replearn.graph import tree_to_adjacency
    >>> places = [
    ...     ("WA", "King", "98001"), ("WA", "King", "98002"), ("OR", "Lane", "97401")
    ... ]
    >>> adjacency, names = tree_to_adjacency(places)
    >>> for name in names:
    ...     print(name)
    ()
    ('WA',)
    ('OR',)
    ('WA', 'King')
    ('OR', 'Lane')
    98001
    98002
    97401
    >>> adjacency.sum(axis=1)  # neighbours of each
    array([2., 2., 2., 3., 2., 1., 1., 1.])
    """
    levels, labels = _read_columns(table, "table")
    if columns is not None:
        levels, labels = _select_columns(levels, labels, columns)
    elif len(levels) > 1:
        _refuse_adjacency(table, levels, labels, "paths")
    paths = np.zeros(len(levels[0]), dtype=np.intp)  # node that each row has come to
    names, parents = [()], []
    for depth, (level, label) in enumerate(zip(levels, labels, strict=True), start=1):
        ids, numbers = _number_ids(level, partial(_cell, label))
        keys, paths = number_distinct((paths * len(ids) + numbers).tolist())
        above, own = np.divmod(keys, len(ids))
        if depth == len(levels):
            leaves = [ids[number] for number in own]
            _check_leaves(leaves, [names[parent] for parent in above], names)
            children = leaves
        else:
            children = [
                (*names[parent], ids[number])
                for parent, number in zip(above, own, strict=True)
            ]
        paths += len(names)
        names += children
        parents.append(above)
    parents = np.concatenate(parents)
    weights = np.ones(len(parents))
    children = np.arange(1, len(names))
    return _sum_edges(parents, children, weights, len(names)), _as_objects(names)


def path_lengths(graph, sources=None, *, weighted=False, max_length=np.inf):
    r"""Lengths of the shortest paths from nodes to all nodes.

    A row is a description of its node by the distances to all others, which can be its
    features as it is. Turned into similarities, :math:`\exp(-\text{length})`, which are
    0 where there is no path, lengths can be made shorter vectors by
    :class:`~sklearn_replearn.decomposition.SimilarityEmbedding` with
    ``similarity="precomputed"``.

    Parameters
    ----------
    graph : {sparse matrix, ndarray} of shape (n_nodes, n_nodes) or tuple
        Adjacency, or ``(adjacency, names)``, as :func:`as_adjacency` and
        :func:`tree_to_adjacency` give it for any other form of a graph. Paths follow
        the edges from row to column.
    sources : list of node names, default=None
        Where paths start: names, or row numbers where the graph has no names. ``None``
        takes all nodes in order.
    weighted : bool, default=False
        Whether the length of an edge is its weight, in place of 1. Where large weights
        mean that nodes are close, pass an adjacency of, say, their inverses. A weight
        of 0 is no edge.
    max_length : float, default=inf
        Paths longer than this are not looked for, which saves time. At least 0.

    Returns
    -------
    lengths : ndarray of shape (n_sources, n_nodes)
        Number of edges, or sum of the weights, on the shortest path; inf where there
        is none. For all sources of a large graph this is a large array.

    Raises
    ------
    ValueError
        If a source is not in the graph, `max_length` is negative, or
        :func:`as_adjacency` refuses the graph.
    TypeError
        If `graph` or `sources` is of another type.

    See Also
    --------
    scipy.sparse.csgraph.shortest_path : More algorithms, and the paths themselves.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_replearn.decomposition import SimilarityEmbedding
    >>> from sklearn_replearn.graph import path_lengths, tree_to_adjacency
    >>> tree = tree_to_adjacency([("a", "a1"), ("a", "a2"), ("b", "b1"), ("b", "b2")])
    >>> path_lengths(tree, ["a1", "b1"])  # to the root, a, b, and the four leaves
    array([[2., 1., 3., 0., 2., 4., 4.],
           [2., 3., 1., 4., 4., 0., 2.]])
    >>> similarities = np.exp(-path_lengths(tree))
    >>> embedding = SimilarityEmbedding(n_components=3, similarity="precomputed")
    >>> embedding.fit_transform(similarities).shape
    (7, 3)
    """
    if sparse.issparse(graph) or isinstance(graph, np.ndarray):
        adjacency, names = _named_adjacency(graph, None)
        if not sparse.issparse(graph):
            _refuse_edges(graph)
    elif isinstance(graph, tuple):
        adjacency, names = _from_tuple(graph)
    else:
        raise TypeError(
            f"graph is of type {type(graph).__name__}, but path_lengths takes an "
            "adjacency or (adjacency, names); pass as_adjacency(graph)."
        )
    if not max_length >= 0:
        raise ValueError(f"max_length is {max_length}; it must be at least 0.")
    rows = None if sources is None else _source_rows(sources, names)
    return csgraph.dijkstra(
        with_small_indices(adjacency),
        indices=rows,
        unweighted=not weighted,
        limit=float(max_length),
    )


def ids_of(column, what="X"):
    """The ids of a column as a list; scalars of numpy and pandas become Python's.

    Parameters
    ----------
    column : {list, tuple, range, ndarray, Series, Index}
    what : str
        What the column is, for the message.
    """
    for method in ("to_list", "tolist"):
        if hasattr(column, method):
            ids = getattr(column, method)()
            break
    else:
        ids = list(column) if isinstance(column, list | tuple | range) else None
    if not isinstance(ids, list):
        raise TypeError(
            f"{what} is of type {type(column).__name__}, but a list of ids is "
            "expected; pass [id] for a single one."
        )
    foreign = {kind for kind in set(map(type, ids)) if _is_foreign(kind)}
    if isinstance(column, np.ndarray) and column.dtype.kind in "mM":
        return _as_plain_dates(column)
    if foreign:
        return [_as_plain(value) if type(value) in foreign else value for value in ids]
    return ids


def _is_foreign(kind):
    return issubclass(kind, np.generic) or kind.__name__ in ("Timestamp", "Timedelta")


def _as_plain(value):
    """The scalar of Python that equals one of numpy or pandas, if there is one."""
    if isinstance(value, np.datetime64 | np.timedelta64):
        return _as_plain_dates(np.asarray(value)[np.newaxis])[0]
    if isinstance(value, np.generic):
        return value.item()
    if getattr(value, "nanosecond", 0) or getattr(value, "nanoseconds", 0):
        return value
    for method in ("to_pydatetime", "to_pytimedelta"):
        if hasattr(value, method):
            return getattr(value, method)()
    return value


def _as_plain_dates(column):
    """Dates or durations of numpy as Python's, where `tolist` would give integers.

    Those that Python cannot hold, below microseconds or far away, stay as they are.
    """
    for values in (column, column.astype(f"{column.dtype.kind}8[us]")):
        ids = values.tolist()
        is_same = (values.astype(column.dtype) == column) | np.isnat(column)
        if is_same.all() and not any(isinstance(value, int) for value in ids):
            return ids
    return list(column)


def shown(value, length=100):
    """A value as a message shows it: not in full if it is very long."""
    try:
        text = repr(value)
    except ValueError:  # integers of more digits than Python is willing to spell
        return f"<{type(value).__name__} of very many digits>"
    if len(text) <= length:
        return text
    return f"{text[: length // 2]}... ({len(text)} characters)"


def index_of(names):
    """The row of each name."""
    return {name: row for row, name in enumerate(names)}


def rows_of(ids, index, place):
    """Row of each id by a dict of all; -1 for one that is not among them.

    Parameters
    ----------
    ids : list
    index : dict of hashable to int
    place : callable
        What a position in `ids` is called in a message, such as "The id in row 3".
    """
    try:
        rows = map(index.get, ids, repeat(-1))
        return np.fromiter(rows, dtype=np.intp, count=len(ids))
    except TypeError:
        raise _unhashable(ids, place) from None


def _is_networkx(graph):
    networkx = sys.modules.get("networkx")  # whoever has a graph has imported it
    return networkx is not None and isinstance(graph, networkx.Graph)


def _from_networkx(graph):
    names, _ = _number_ids(list(graph), "Node number {} of the graph".format)
    _check_not_empty(len(names))
    index = index_of(graph)
    edges = list(graph.edges(data="weight", default=1))

    def place(position):
        return f"The weight of the edge {shown(edges[position][:2])}"

    adjacency = _sum_edges(
        np.array([index[source] for source, _, _ in edges], dtype=np.intp),
        np.array([index[target] for _, target, _ in edges], dtype=np.intp),
        _as_weights([weight for _, _, weight in edges], place),
        len(names),
        directed=graph.is_directed(),
    )
    return adjacency, _as_objects(names)


def _from_tuple(graph):
    matrix = graph[0] if len(graph) == 2 else None
    if not hasattr(matrix, "shape"):
        raise TypeError(
            "graph is a tuple, but not one of a sparse or dense adjacency and its "
            "names; pass (adjacency, names), or a list of edges."
        )
    return _named_adjacency(*graph)


def _named_adjacency(matrix, names):
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
    _check_weights(weights, place)
    if not (adjacency.has_canonical_format and adjacency.data.all()):
        adjacency = adjacency.copy()  # what it has may be the caller's own arrays
        adjacency.sum_duplicates()
        adjacency.eliminate_zeros()
        _check_weights(adjacency.data, place)
    return adjacency, _as_objects(names)


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
    _check_not_empty(matrix.shape[0])
    if matrix.dtype not in (np.float32, np.float64):
        matrix = matrix.astype(np.float64)
    return sparse.csr_array(matrix)


def check_order(frame, names=None):
    """Refuse an adjacency in a DataFrame if rows, columns and names differ in order."""
    if not hasattr(frame, "columns"):
        return
    labels = list(frame.columns)
    if _has_equal_labels(frame, labels) and list(frame.index) != labels:
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
    unique, numbers = _number_ids(names, "The name of row {}".format)
    if len(unique) < n_nodes:
        second = int(np.argmax(numbers != np.arange(n_nodes)))
        raise ValueError(
            f"Rows {numbers[second]} and {second} of the adjacency have the same name, "
            f"{shown(names[second])}; names must be unique."
        )
    return unique


def _from_edge_table(table, directed):
    columns, labels = _read_columns(table, "edge table")
    if len(columns) not in (2, 3):
        _refuse_columns(table, labels)
    _refuse_adjacency(table, columns, labels, "edges")
    if isinstance(table, np.ndarray) and table.dtype.kind in "US" and len(columns) > 2:
        raise ValueError(
            "The weights of the edge table are strings, as an array has a single "
            "dtype; pass a DataFrame or a list of tuples."
        )
    ends = list(chain.from_iterable(zip(*map(ids_of, columns[:2]), strict=True)))
    names, numbers = _number_ids(ends, _end_of_edge)
    weights = np.ones(len(ends) // 2)
    if len(columns) == 3:
        place = "The weight in row {} of the edge table".format
        weights = _as_weights(columns[2], place)
    adjacency = _sum_edges(
        numbers[::2], numbers[1::2], weights, len(names), directed=directed
    )
    return adjacency, _as_objects(names)


def _end_of_edge(position):
    row, end = divmod(position, 2)
    return f"The {('source', 'target')[end]} in row {row} of the edge table"


def _cell(label, row):
    return f"The id in row {row}, column {label!r}"


def _refuse_columns(table, labels):
    what = "1 column" if len(labels) == 1 else f"{len(labels)} columns"
    if hasattr(table, "columns"):
        what += f", {_listing(labels)}"
    mend = "pass those alone"
    if hasattr(table, "shape") and len(table) == len(labels):
        names = "graph.columns" if _has_equal_labels(table, labels) else "names"
        mend += f", or (graph, {names}) if it is an adjacency"
    raise ValueError(
        "An edge table has the columns source, target and, if there are weights, "
        f"weight, but this one has {what}; {mend}."
    )


def _refuse_adjacency(table, columns, labels, rows):
    """Refuse a square table that may be an adjacency, and not a table of `rows`.

    Tuples are rows, whatever is in them.
    """
    is_list = isinstance(table, list)
    is_tuples = is_list and set(map(type, table)) <= {tuple}
    if is_tuples or len(columns[0]) != len(columns):
        return
    has_names = any(isinstance(label, str) for label in labels)
    numbers = _as_numbers(table, columns)
    if _has_equal_labels(table, labels):
        names, why = "table.columns", "has an index that equals its columns"
    elif numbers is None or (has_names and len(columns) == 2):
        return
    elif _may_be_adjacency(numbers, is_edges=rows == "edges" and not has_names):
        names, why = ("table.columns" if has_names else None), "holds only numbers"
    else:
        return
    matrix = "np.array(table)" if is_list else "table"
    raise ValueError(
        f"The table of size {_size(columns)} {why} and may be an adjacency: pass it "
        f"as the graph ({matrix}, {names}) if it is one, or pass a list of tuples if "
        f"its rows are {rows}."
    )


def _has_equal_labels(table, labels):
    """Whether the rows of a DataFrame have been given the labels of its columns."""
    if not hasattr(table, "iloc") or set(table.index) != set(labels):
        return False
    kinds = {type(table.index).__name__, type(table.columns).__name__}
    return kinds != {"RangeIndex"}  # what both have by default


def _refuse_edges(array):
    """Refuse a square array that as_adjacency takes for a table of edges."""
    if array.shape in ((2, 2), (3, 3)) and not _may_be_adjacency(array):
        raise ValueError(
            f"graph is an array of size {_size(array)} and may be a table of edges: "
            "pass (graph, None) if it is an adjacency, or as_adjacency(graph) if its "
            "rows are edges."
        )


def _as_numbers(table, columns):
    """The cells of a table as an array, if they all are real numbers, else None."""
    if isinstance(table, np.ndarray) and table.dtype.kind in "biuf":
        return table
    cells = list(chain.from_iterable(map(ids_of, columns)))
    if not all(_is_number(cell) for cell in cells):
        return None
    return np.array(cells, dtype=object).reshape(len(columns), -1).T


def _may_be_adjacency(numbers, *, is_edges=True):
    """Whether a square array of numbers makes as much sense as an adjacency.

    With `is_edges` it does so too if it makes little sense as a table of edges: if an
    id is not whole, or a weight is 0.
    """
    if (numbers == numbers.T).all() or not numbers.diagonal().any():
        return True
    ids, weights = numbers[:, :2], numbers[:, 2:]
    return is_edges and bool((ids % 1 != 0).any() or (weights == 0).any())


def _size(square):
    return f"{len(square)} x {len(square)}"


def _listing(labels):
    shown = ", ".join(map(repr, labels[:10]))
    return f"{shown}, ..." if len(labels) > 10 else shown


def _read_columns(table, what):
    """The columns of a table, none of them empty, and what they are called."""
    if getattr(table, "ndim", None) == 2 and hasattr(table, "iloc"):  # pandas
        columns = [table.iloc[:, number] for number in range(table.shape[1])]
        labels = list(table.columns)
    elif hasattr(table, "get_columns"):  # polars
        columns = table.get_columns()
        labels = list(table.columns)
    elif isinstance(table, np.ndarray) and table.ndim == 2:
        columns = list(table.T)
        labels = list(range(len(columns)))
    elif isinstance(table, list):
        columns = _transpose(table, what)
        labels = list(range(len(columns)))
    else:
        raise _no_table(table, what)
    if not columns or not len(columns[0]):
        raise ValueError(f"The {what} is empty; it needs at least one row.")
    return columns, labels


def _no_table(table, what):
    given = f"of type {type(table).__name__}"
    if isinstance(table, np.ndarray):
        given = f"an array with {table.ndim} dimension{'s' * (table.ndim != 1)}"
    if what == "edge table":
        return TypeError(f"graph is {given}; {EXPECTED}.")
    return TypeError(
        f"table is {given}; pass a DataFrame, a 2-D array or a list of tuples."
    )


def _transpose(rows, what):
    """The columns of a list of rows, which must be of one length."""
    alike = set(map(type, rows)) <= {tuple, list} and len(set(map(len, rows))) <= 1
    if not alike:  # look closer
        _check_rows(rows, what)
    return [list(column) for column in zip(*rows, strict=True)]


def _check_rows(rows, what):
    for number, row in enumerate(rows):
        if not isinstance(row, tuple | list):
            raise TypeError(
                f"Row {number} of the {what} is of type {type(row).__name__}; a list "
                "must hold tuples."
            )
        if len(row) != len(rows[0]):
            raise ValueError(
                f"Row {number} of the {what} has {len(row)} entries, but row 0 has "
                f"{len(rows[0])}; all rows must have the same length."
            )


def _select_columns(columns, labels, wanted):
    if isinstance(wanted, str):
        raise TypeError(f"columns is the string {wanted!r}; pass [{wanted!r}].")
    wanted = list(wanted)
    if not wanted:
        raise ValueError("columns is empty; name at least one level.")
    for label in wanted:
        if label not in labels:
            raise ValueError(
                f"The table has no column {label!r}; its columns are "
                f"{_listing(labels)}."
            )
    return [columns[labels.index(label)] for label in wanted], wanted


def _check_leaves(leaves, above, inner):
    """Refuse a leaf that is in two places, or has the name of an inner category."""
    places = {}
    for leaf, place in zip(leaves, above, strict=True):
        first = places.setdefault(leaf, place)
        if first is not place:
            raise ValueError(
                f"The leaf {shown(leaf)} is in two places of the tree, "
                f"{shown((*first, leaf))} and {shown((*place, leaf))}; keep one of "
                "them, or give them different ids (columns go from the coarsest level "
                "to the finest)."
            )
    shared = places.keys() & set(inner)
    if shared:
        raise ValueError(
            f"The leaf {min(map(shown, shared))} has the name of an inner node; give "
            "leaves ids that are not tuples."
        )


def number_distinct(ids):
    """Distinct ids in the order of first appearance, and the number of each id."""
    index = defaultdict()
    index.default_factory = index.__len__  # a new id, a new number
    numbers = np.fromiter(map(index.__getitem__, ids), dtype=np.intp, count=len(ids))
    return list(index), numbers


def _number_ids(column, place):
    """As `_number`, of a column of ids that are hashable and not missing."""
    ids = ids_of(column)
    try:
        names, numbers = number_distinct(ids)
    except TypeError:
        raise _unhashable(ids, place) from None
    for number, name in enumerate(names):
        if is_missing(name):
            position = int(np.argmax(numbers == number))
            raise ValueError(
                f"{place(position)} is missing ({name!r}); drop it or fill in an id."
            )
    return names, numbers


def _unhashable(ids, place):
    for position, value in enumerate(ids):
        try:
            hash(value)
        except TypeError:
            return TypeError(
                f"{place(position)} is of type {type(value).__name__}, which is not "
                "hashable; ids are strings, numbers, tuples of them and the like."
            )
    return TypeError("Some ids cannot be compared with each other.")


def _as_weights(values, place):
    """Weights as float64, if all are real numbers, finite and at least 0."""
    weights = values if isinstance(values, list) else np.asarray(values)
    if not _has_only_numbers(weights):
        for position, weight in enumerate(weights):
            if is_missing(weight) or not _is_number(weight):
                raise ValueError(
                    f"{place(position)} is {shown(weight)}; weights must be real "
                    "numbers."
                )
    try:
        weights = np.asarray(weights, dtype=np.float64)
    except OverflowError:
        sizes = [weight > sys.float_info.max for weight in weights]
        raise ValueError(
            f"{place(sizes.index(True))} is larger than any float; scale weights down."
        ) from None
    _check_weights(weights, place)
    return weights


def _has_only_numbers(weights):
    """Whether there is no need to look at each: the types alone tell."""
    if isinstance(weights, list):
        return set(map(type, weights)) <= {int, float}
    return weights.dtype.kind in "biuf"


def _is_number(weight):
    return isinstance(weight, Number | np.bool_) and not np.iscomplexobj(weight)


def _check_weights(weights, place):
    if weights.size == 0 or (weights.min() >= 0 and weights.max() < np.inf):
        return
    position = int(np.argmin((weights >= 0) & (weights < np.inf)))
    weight = weights[position]
    raise ValueError(
        f"{place(position)} is {weight:g}; weights must be finite and at least 0."
    )


def _check_not_empty(n_nodes):
    if n_nodes == 0:
        raise ValueError("The graph has no nodes; at least one is needed.")


def _sum_edges(sources, targets, weights, n_nodes, *, directed=False):
    """Adjacency of edges, in which the weights of repeated ones are added up."""
    if not directed:  # added up once, so that the two directions are equal to the bit
        sources, targets = np.minimum(sources, targets), np.maximum(sources, targets)
    ends = sources.astype(np.int32), targets.astype(np.int32)  # half of the memory
    adjacency = sparse.csr_array((weights, ends), shape=(n_nodes, n_nodes))
    adjacency.eliminate_zeros()
    if not directed:
        adjacency = adjacency + sparse.triu(adjacency, k=1).T.tocsr()
    adjacency.sum_duplicates()
    if not np.isfinite(adjacency.data).all():
        raise ValueError("The weights of an edge add up to infinity; scale them down.")
    return adjacency


def _as_objects(names):
    """A 1-D array of names, where tuples stay tuples."""
    return np.fromiter(names, dtype=object, count=len(names))


def _source_rows(sources, names):
    """Rows of the nodes from which paths start."""
    sources = ids_of(sources, "sources")
    rows = rows_of(sources, index_of(names), "Source number {}".format)
    if (rows < 0).any():
        raise ValueError(
            f"Node {shown(sources[int(np.argmin(rows))])} is not in the graph; sources "
            "must be names of nodes, or row numbers of an adjacency without names."
        )
    return rows
