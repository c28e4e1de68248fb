"""Hierarchies of categories as graphs."""

from functools import partial

import numpy as np

from sklearn_replearn.graph._edges import sum_edges
from sklearn_replearn.graph._node_ids import (
    as_names,
    number_distinct,
    number_ids,
    shown,
)
from sklearn_replearn.graph._tables import (
    read_columns,
    refuse_adjacency,
    select_columns,
)


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
    levels, labels = read_columns(table, "table")
    if columns is not None:
        levels, labels = select_columns(levels, labels, columns)
    elif len(levels) > 1:
        refuse_adjacency(table, levels, labels, "paths")
    paths = np.zeros(len(levels[0]), dtype=np.intp)  # node that each row has come to
    names, parents = [()], []
    for depth, (level, label) in enumerate(zip(levels, labels, strict=True), start=1):
        ids, numbers = number_ids(level, partial(_cell, label))
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
    return sum_edges(parents, children, weights, len(names)), as_names(names)


def _cell(label, row):
    return f"The id in row {row}, column {label!r}"


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
