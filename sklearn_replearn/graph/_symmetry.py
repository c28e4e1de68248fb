"""Whether a graph is undirected."""

import numpy as np

#: Two weights are equal if they differ by at most so many rounding errors of theirs.
ROUNDING_ERRORS = 100


def asymmetric_pair(adjacency):
    """The first edge whose weight differs from that of the edge back, but for rounding.

    The two weights are compared with each other alone, so that neither the unit of
    the weights nor heavy edges elsewhere make a difference.

    Parameters
    ----------
    adjacency : csr_array of shape (n_nodes, n_nodes)
        In canonical format.

    Returns
    -------
    pair : tuple (i, j) of int, or None
        ``None`` if the graph is undirected.
    """
    back = adjacency.T.tocsr()
    if not (
        np.array_equal(adjacency.indptr, back.indptr)
        and np.array_equal(adjacency.indices, back.indices)
    ):
        there, back = _numbers_of_edges(adjacency), _numbers_of_edges(back)
        one_way = np.setxor1d(there, back, assume_unique=True)[0]
        return divmod(int(one_way), adjacency.shape[0])
    places = np.flatnonzero(adjacency.data != back.data)
    there, back = adjacency.data[places], back.data[places]
    tolerance = ROUNDING_ERRORS * np.finfo(adjacency.dtype).eps
    different = np.abs(there - back) > tolerance * np.maximum(there, back)
    if not different.any():
        return None
    place = places[different.argmax()]
    row = np.searchsorted(adjacency.indptr, place, side="right") - 1
    return int(row), int(adjacency.indices[place])


def _numbers_of_edges(adjacency):
    """A number for each edge, by its place in the matrix, ascending."""
    n = adjacency.shape[0]
    origins = np.repeat(np.arange(n, dtype=np.int64), np.diff(adjacency.indptr))
    return origins * n + adjacency.indices


def not_symmetric(adjacency, pair):
    """What is wrong with a directed graph, for messages of undirected methods."""
    i, j = pair
    return (
        "the adjacency is not symmetric; pass X + X.T if directions do not matter (the "
        f"edge from row {i} to column {j} has weight {adjacency[i, j]:.6g}, and the "
        f"one back has weight {adjacency[j, i]:.6g})"
    )
