"""Tables of edges or of paths: their columns, and which may be an adjacency."""

from itertools import chain

import numpy as np

from sklearn_replearn.graph._edges import is_number
from sklearn_replearn.graph._node_ids import ids_of

EXPECTED = (
    "pass an edge table, a networkx graph, a sparse adjacency, or a tuple "
    "(adjacency, names)"
)


def refuse_columns(table, labels):
    what = "1 column" if len(labels) == 1 else f"{len(labels)} columns"
    if hasattr(table, "columns"):
        what += f", {_listing(labels)}"
    mend = "pass those alone"
    if hasattr(table, "shape") and len(table) == len(labels):
        names = "graph.columns" if has_equal_labels(table, labels) else "names"
        mend += f", or (graph, {names}) if it is an adjacency"
    raise ValueError(
        "An edge table has the columns source, target and, if there are weights, "
        f"weight, but this one has {what}; {mend}."
    )


def refuse_adjacency(table, columns, labels, rows):
    """Refuse a square table that may be an adjacency, and not a table of `rows`.

    Tuples are rows, whatever is in them.
    """
    is_list = isinstance(table, list)
    is_tuples = is_list and set(map(type, table)) <= {tuple}
    if is_tuples or len(columns[0]) != len(columns):
        return
    has_names = any(isinstance(label, str) for label in labels)
    numbers = _as_numbers(table, columns)
    if has_equal_labels(table, labels):
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


def has_equal_labels(table, labels):
    """Whether the rows of a DataFrame have been given the labels of its columns."""
    if not hasattr(table, "iloc") or set(table.index) != set(labels):
        return False
    kinds = {type(table.index).__name__, type(table.columns).__name__}
    return kinds != {"RangeIndex"}  # what both have by default


def refuse_edges(array):
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
    if not all(is_number(cell) for cell in cells):
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


def read_columns(table, what):
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


def select_columns(columns, labels, wanted):
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
