"""Ids of nodes: any hashable values, as a list of Python's own, and their rows."""

from collections import defaultdict
from itertools import repeat

import numpy as np

from sklearn_replearn._missing import is_missing


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
        raise unhashable(ids, place) from None


def number_distinct(ids):
    """Distinct ids in the order of first appearance, and the number of each id."""
    index = defaultdict()
    index.default_factory = index.__len__  # a new id, a new number
    numbers = np.fromiter(map(index.__getitem__, ids), dtype=np.intp, count=len(ids))
    return list(index), numbers


def number_ids(column, place):
    """As `number_distinct`, of a column of ids that are hashable and not missing."""
    ids = ids_of(column)
    try:
        names, numbers = number_distinct(ids)
    except TypeError:
        raise unhashable(ids, place) from None
    for number, name in enumerate(names):
        if is_missing(name):
            position = int(np.argmax(numbers == number))
            raise ValueError(
                f"{place(position)} is missing ({name!r}); drop it or fill in an id."
            )
    return names, numbers


def unhashable(ids, place):
    for position, value in enumerate(ids):
        try:
            hash(value)
        except TypeError:
            return TypeError(
                f"{place(position)} is of type {type(value).__name__}, which is not "
                "hashable; ids are strings, numbers, tuples of them and the like."
            )
    return TypeError("Some ids cannot be compared with each other.")


def as_names(names):
    """A 1-D array of names, where tuples stay tuples."""
    return np.fromiter(names, dtype=object, count=len(names))
