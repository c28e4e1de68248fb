"""Edges by the node they come from, and random draws of them."""

import numpy as np


class OutEdges:
    """Out-edges by their positions in the arrays of a CSR matrix, and draws of them.

    Where nodes have no out-edge there is one node more, the sink, and one edge more,
    from the sink to itself. The nodes without out-edges share that edge, so that every
    walker can go on.

    Attributes
    ----------
    n_nodes : int
        The sink not counted.
    has_sink : bool
    indptr : ndarray of shape (n_nodes + 1,) or (n_nodes + 2,)
        Where the edges of each node begin and end, the sink included.
    targets : ndarray of shape (n_edges,), int32
        The node that each edge leads to, sorted for each node.
    first : ndarray of shape (n_nodes,) or (n_nodes + 1,), int64
        The first edge that a walker can take from each node.
    degree : ndarray of shape (n_nodes,) or (n_nodes + 1,), float64
        Number of edges that a walker can take from each node.
    weights : ndarray of shape (n_edges,), float64, or None
        ``None`` if the edges of each node weigh the same.
    """

    def __init__(self, adjacency):
        if not adjacency.data.all():
            adjacency = adjacency.copy()
            adjacency.eliminate_zeros()
        self.n_nodes = adjacency.shape[0]
        self.indptr = adjacency.indptr.astype(np.int64)
        self.targets = adjacency.indices.astype(np.int32, copy=False)
        self.weights = None
        count = np.diff(self.indptr)
        rows = self.indptr[:-1][count > 0], count[count > 0]
        if not _equal_within_rows(adjacency.data, *rows):
            self.weights = adjacency.data.astype(np.float64, copy=False)
            self._height, self._alias = _alias_tables(self.weights, *rows)
        self.has_sink = not count.all()
        if self.has_sink:
            self._add_sink()
        self.first = self.indptr[:-1]
        self.degree = np.diff(self.indptr).astype(np.float64)
        if self.has_sink:
            self.first = np.where(self.degree == 0, self.indptr[-2], self.first)
            self.degree = np.maximum(self.degree, 1)

    def _add_sink(self):
        n_edges = len(self.targets)
        self.indptr = np.append(self.indptr, n_edges + 1)
        self.targets = np.append(self.targets, np.int32(self.n_nodes))
        if self.weights is not None:
            self.weights = np.append(self.weights, 1.0)
            self._height = np.append(self._height, 1.0)
            self._alias = np.append(self._alias, self._alias.dtype.type(n_edges))

    @property
    def stride(self):
        """Number of nodes, the sink included."""
        return len(self.indptr) - 1

    def sources(self):
        """Nodes with an out-edge, int32."""
        count = np.diff(self.indptr[: self.n_nodes + 1])
        return np.flatnonzero(count).astype(np.int32)

    def origins(self):
        """The node that each edge comes from, int64."""
        return np.repeat(np.arange(self.stride), np.diff(self.indptr))

    def draw(self, nodes, rng):
        """A random edge from each node, by the weights."""
        place = rng.random(len(nodes))
        place *= self.degree.take(nodes)
        edge = place.astype(np.int64)
        place -= edge
        edge += self.first.take(nodes)
        if self.weights is None:
            return edge
        kept = place < self._height.take(edge)
        return choose(kept, edge, self._alias.take(edge))


def choose(condition, yes, no):
    """``np.where`` of integers without its branch, which is hard to predict here."""
    return no + (yes - no) * condition


def _equal_within_rows(values, first, count):
    """Whether the values of each row are equal."""
    return np.array_equal(values, np.repeat(values[first], count))


def divide_rows(values, by, first, count):
    """Values divided by the sum of their row (``np.add``), or by its largest."""
    return values / np.repeat(by.reduceat(values, first), count)


def _alias_tables(weights, first, count):
    """Tables of Walker's alias method, for all rows of weights at once.

    In units of the row's mean, the weights are columns that are levelled to height 1:
    those that fall short are filled, in their order, from those that exceed. One is
    filled from the first column whose excess, summed from the left, is above the
    shortfall summed up to there. A column that gave more than its excess is filled
    from the next one that exceeds.

    Parameters
    ----------
    weights : ndarray of shape (n_edges,), float64
        Above 0.
    first, count : ndarray of shape (n_rows,), int64
        Where each row begins, and its number of weights, above 0.

    Returns
    -------
    height : ndarray of shape (n_edges,), float64
        Chance to keep an edge that was drawn uniformly from its row.
    alias : ndarray of shape (n_edges,), int32 or int64
        The edge of the same row that is taken otherwise.
    """
    height = divide_rows(weights, np.maximum, first, count)  # no sum can overflow
    height = divide_rows(height, np.add, first, count) * np.repeat(count, count)
    exceeds = height > 1
    n_high = np.add.reduceat(exceeds, first, dtype=np.int64)
    n_low = count - n_high
    level = np.repeat((n_high == 0) | (n_low == 0), count)  # but for rounding
    alias = np.arange(len(weights), dtype=index_dtype(len(weights)))
    if level.all():
        return np.ones_like(height), alias
    high, low = np.flatnonzero(exceeds), np.flatnonzero(~exceeds)

    # Sums from the left, over all rows, so that each row begins with the same sum.
    first_high, first_low = np.cumsum(n_high) - n_high, np.cumsum(n_low) - n_low
    shortfall = np.append(0, np.cumsum(1 - height[low]))
    excess = np.append(0, np.cumsum(height[high] - 1))
    excess = excess[1:] + np.repeat(shortfall[first_low] - excess[first_high], n_high)

    giver = np.searchsorted(excess, shortfall[:-1], side="right")
    last_giver = np.repeat(first_high + n_high - 1, n_low)
    giver = giver.clip(np.repeat(first_high, n_low), last_giver)
    alias[low] = high.take(giver, mode="clip")

    last_filled = np.searchsorted(shortfall[1:], excess, side="left")
    last_filled = last_filled.clip(max=np.repeat(first_low + n_low - 1, n_high))
    rest = 1 + excess - shortfall[1:].take(last_filled, mode="clip")
    height[high] = rest.clip(0, 1)
    alias[high[:-1]] = high[1:]
    height[high[(first_high + n_high - 1)[n_high > 0]]] = 1
    height[level] = 1
    return height, alias


def index_dtype(n):
    """Smallest of numpy's signed integers for indices below n, of 4 bytes or more."""
    return np.int32 if n <= np.iinfo(np.int32).max else np.int64
