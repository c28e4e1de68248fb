"""Distances in graphs."""

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from sklearn_replearn._operators import with_small_indices
from sklearn_replearn.graph._adjacency import from_tuple, named_adjacency
from sklearn_replearn.graph._node_ids import ids_of, index_of, rows_of, shown
from sklearn_replearn.graph._tables import refuse_edges


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
        adjacency, names = named_adjacency(graph, None)
        if not sparse.issparse(graph):
            refuse_edges(graph)
    elif isinstance(graph, tuple):
        adjacency, names = from_tuple(graph)
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
