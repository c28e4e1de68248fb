"""Random walks on graphs, many walkers stepped together."""

from contextlib import closing
from itertools import pairwise

import numpy as np
from scipy import sparse

from sklearn_replearn._threads import map_in_threads

#: Walkers that are stepped together: their arrays stay in the processor's cache.
WALKERS_AT_A_TIME = 2**14

#: Nodes in a block of long walks, where there are then fewer walkers.
NODES_AT_A_TIME = 2**24

#: Trials of second-order walkers between two looks at which of them are done.
TRIALS_AT_A_TIME = 8

#: What one trial costs beside its walkers, in walkers.
TRIAL_OVERHEAD = 1000

#: Up to so many bits the matrix of edges is kept bit for bit, and beyond it hashed.
BITS_OF_EXACT_MATRIX = 2**28

#: Candidates that are weighed at a time where a step is drawn from its whole row.
CANDIDATES_AT_A_TIME = 2**20


class RandomWalks:
    r"""Truncated random walks from every node, as blocks of arrays.

    A first-order walk goes from node v to x with the probability
    :math:`w_{vx} / \sum_y w_{vy}`. A second-order walk that came to v from t goes on
    to x with a probability proportional to

    .. math::

       w_{vx} \cdot \begin{cases}
       1 / p & \text{if } x = t, \\
       1 & \text{if there is an edge from } t \text{ to } x, \\
       1 / q & \text{otherwise,}
       \end{cases}

    as in node2vec [2]_; its first step is that of a first-order walk, and with
    ``p = q = 1`` all steps are.

    Each node with an out-edge starts `n_walks` walks; these nodes come in a new random
    order in each of the `n_walks` passes [1]_. A walk that comes to a node without
    out-edges ends there.

    Parameters
    ----------
    adjacency : csr_array or csr_matrix of shape (n_nodes, n_nodes)
        Weights of the edges from each node to others, finite and not negative, with
        sorted column indices and no duplicates. It is not changed.
    n_walks : int
        Walks from each node.
    walk_length : int
        Nodes in a walk, the starting one included.
    p : float, default=1.0
        Return parameter, above 0. High values keep a walk from going back at once.
    q : float, default=1.0
        In-out parameter, above 0. High values keep a walk near where it was before,
        low ones send it outwards.
    seed : int
        Of all that is random. The walks do not depend on the number of threads.
    n_threads : int, default=1
        Threads that walk.

    Attributes
    ----------
    n_walkers : int
        Number of walks.

    Notes
    -----
    It is iterated over as often as needed, and gives the same walks each time. A block
    is an int32 array of shape (n, walk_length), a walk in each row, with -1 after the
    end of one that could not go on. Blocks are stored step by step (Fortran order), so
    that columns are read faster than rows.

    Edges of unequal weights are drawn by Walker's alias method [3]_: two tables of one
    entry an edge, whatever the weights.

    Second-order steps are drawn by rejection: a first-order step is proposed, and
    accepted with a chance proportional to its bias. So no table of pairs of edges is
    needed, only a set of the edges in bits. The return is drawn on its own where its
    bias is the largest of all [4]_, so that a small `p` costs nothing. The chance of
    acceptance is then at least ``min(1, 1/p, 1/q) / max(1, 1/q)``, and not much more
    where most steps have the smallest of these biases, as with a large `q` on a graph
    without triangles. So a walker that was rejected about as often as its node has
    edges gets this step from that node's whole row instead.

    References
    ----------
    .. [1] B. Perozzi, R. Al-Rfou and S. Skiena, "DeepWalk: online learning of social
       representations", KDD 2014.
    .. [2] A. Grover and J. Leskovec, "node2vec: scalable feature learning for
       networks", KDD 2016.
    .. [3] A. J. Walker, "An efficient method for generating discrete random variables
       with general distributions", ACM Transactions on Mathematical Software 3, 1977.
    .. [4] K. Yang et al., "KnightKing: a fast distributed graph random walk engine",
       SOSP 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> path = sparse.csr_array(np.eye(5, k=1) + np.eye(5, k=-1))
    >>> walks = RandomWalks(path, n_walks=2, walk_length=8, seed=0)
    >>> [block.shape for block in walks]
    [(10, 8)]
    >>> bool(sum(count_visits(walks, 5)) == 10 * 8)
    True
    """

    def __init__(
        self, adjacency, *, n_walks, walk_length, p=1.0, q=1.0, seed, n_threads=1
    ):
        self.n_walks = n_walks
        self.walk_length = walk_length
        self.seed = seed
        self.n_threads = n_threads
        self._edges = _Edges(adjacency)
        self._sources = self._edges.sources()
        self._bias = None if p == q == 1 else _SecondOrderBias(self._edges, p, q)
        self.n_walkers = n_walks * len(self._sources)

    def __iter__(self):
        """Yield blocks of walks, the same in each iteration."""
        orders, walkers = np.random.SeedSequence(self.seed).spawn(2)
        jobs = (
            (starts, walkers.spawn(1)[0])
            for starts in self._starts(np.random.default_rng(orders))
        )
        with closing(map_in_threads(self._walk, jobs, self.n_threads)) as blocks:
            yield from blocks

    def _starts(self, rng):
        """Starting nodes of one block after another."""
        size = min(WALKERS_AT_A_TIME, max(1, NODES_AT_A_TIME // self.walk_length))
        waiting = self._sources[:0]
        for _ in range(self.n_walks):
            waiting = np.concatenate([waiting, rng.permutation(self._sources)])
            while len(waiting) >= size:
                yield waiting[:size]
                waiting = waiting[size:]
        if len(waiting):
            yield waiting

    def _walk(self, job):
        starts, seed = job
        rng = np.random.Generator(np.random.SFC64(seed))
        if self._bias is None or self.walk_length < 3:
            walks = _first_order_walks(self._edges, starts, self.walk_length, rng)
        else:
            walks = _second_order_walks(
                self._edges, self._bias, starts, self.walk_length, rng
            )
        if self._edges.has_sink:
            walks[walks == self._edges.n_nodes] = -1
        return walks.T


class WalkSequences:
    """The walks of blocks one by one, cut where they end: what skip-gram reads.

    Parameters
    ----------
    blocks : RandomWalks or list of ndarray
        Iterated over each time that this is.

    Examples
    --------
    >>> import numpy as np
    >>> blocks = [np.array([[0, 1, 0], [1, 2, -1]], dtype=np.int32)]
    >>> [walk.tolist() for walk in WalkSequences(blocks)]
    [[0, 1, 0], [1, 2]]
    """

    def __init__(self, blocks):
        self.blocks = blocks

    def __iter__(self):
        """Yield the nodes of each walk, a 1-D array of int32."""
        for block in self.blocks:
            for start in range(0, len(block), 256):  # transposed in the cache
                walks = np.ascontiguousarray(block[start : start + 256])
                lengths = np.count_nonzero(walks >= 0, axis=1)
                for walk, length in zip(walks, lengths.tolist(), strict=True):
                    yield walk[:length]


def count_visits(walks, n_nodes):
    """How often each node occurs in walks, their starts included.

    Parameters
    ----------
    walks : RandomWalks or iterable of ndarray
        Blocks of walks.
    n_nodes : int

    Returns
    -------
    counts : ndarray of shape (n_nodes,), int64
    """
    counts = np.zeros(n_nodes + 1, dtype=np.int64)
    for block in walks:
        counts += np.bincount(block.ravel(order="K") + 1, minlength=n_nodes + 1)
    return counts[1:]


class _Edges:
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
        return _choose(kept, edge, self._alias.take(edge))


def _choose(condition, yes, no):
    """``np.where`` of integers without its branch, which is hard to predict here."""
    return no + (yes - no) * condition


def _first_order_walks(edges, starts, length, rng):
    walks = np.empty((length, len(starts)), dtype=np.int32)
    walks[0] = starts
    for current, following in pairwise(walks):
        edges.targets.take(edges.draw(current, rng), out=following, mode="clip")
    return walks


def _second_order_walks(edges, bias, starts, length, rng):
    """Walks whose every next step is tried until it is accepted.

    All walkers try at once, whichever step they are at. A candidate is written where
    the walk goes on, and stays if it is accepted, since the next goes behind it.
    """
    n = len(starts)
    walks = np.empty((length + TRIALS_AT_A_TIME, n), dtype=np.int32)
    nodes, end = walks.reshape(-1), length * n
    edge = edges.draw(starts, rng)
    walks[0], walks[1] = starts, edges.targets.take(edge)
    previous, current = walks[0].copy(), walks[1].copy()
    place = np.arange(2 * n, 3 * n)
    n_rejected = np.zeros(n, dtype=np.int64)
    while len(place):
        place_before = place.copy()
        for _ in range(TRIALS_AT_A_TIME):
            candidate, node, accepted = bias.propose(previous, current, edge, rng)
            nodes[place] = node
            place += n * accepted
            edge = _choose(accepted, candidate, edge)
            previous = _choose(accepted, current, previous)
            current = _choose(accepted, node, current)

        n_rejected += TRIALS_AT_A_TIME
        n_rejected *= place == place_before
        cost = n_rejected * max(1, TRIAL_OVERHEAD / len(place))
        stuck = np.flatnonzero(cost >= edges.degree.take(current))
        if len(stuck):
            edge[stuck] = bias.draw(previous[stuck], current[stuck], rng)
            previous[stuck] = current[stuck]
            nodes[place[stuck]] = current[stuck] = edges.targets.take(edge[stuck])
            place[stuck] += n
            n_rejected[stuck] = 0

        left = np.flatnonzero(place < end)
        if len(left) < len(place):
            previous, current = previous.take(left), current.take(left)
            edge, place = edge.take(left), place.take(left)
            n_rejected = n_rejected.take(left)
    return walks[:length]


class _SecondOrderBias:
    """Proposals of second-order steps, and draws from whole rows.

    A walker that came from t proposes a first-order step to x and accepts it with the
    bias of x, relative to the largest bias of a step that does not return to t. What
    the return's bias exceeds that by is a proposal of its own, always accepted, that
    is made first.
    """

    def __init__(self, edges, p, q):
        largest = max(1, 1 / q)
        self.edges = edges
        self.p, self.q = p, q
        self.home = min(1 / p / largest, 1)
        self.away = min(1, 1 / q) / largest
        self.is_edge = _EdgeSet(edges) if q != 1 else None
        self.alone = edges.degree == 1
        self.returns = 1 / p > largest
        if self.returns:
            self.back, self.chance = _returns(edges, 1 / p / largest - 1)

    def propose(self, previous, current, edge, rng):
        """Candidates for the next step, and which of them are accepted.

        Parameters
        ----------
        previous, current : ndarray of shape (n_walkers,), int32
        edge : ndarray of shape (n_walkers,), int64
            The edge from `previous` to `current`.
        rng : Generator

        Returns
        -------
        candidate : ndarray of shape (n_walkers,), int64
            An edge from `current`.
        node : ndarray of shape (n_walkers,), int32
            Where it leads.
        accepted : ndarray of shape (n_walkers,), bool
        """
        candidate = self.edges.draw(current, rng)
        u = rng.random(len(current))
        if self.returns:
            chance = self.chance.take(edge)
            u -= chance
            goes_back = np.flatnonzero(u < 0)
            candidate[goes_back] = self.back.take(edge[goes_back])
            u /= 1 - chance  # uniform again in the others
        node = self.edges.targets.take(candidate)
        is_home = node == previous
        accepted = u < np.where(is_home, self.home, self.away)
        accepted |= self.alone.take(current)
        if self.is_edge is not None:
            undecided = np.flatnonzero(~(accepted | is_home))
            near = self.is_edge(previous[undecided], node[undecided])
            accepted[undecided] = near if self.q > 1 else ~near
        return candidate, node, accepted

    def draw(self, previous, current, rng):
        """Next edges from the whole rows of the current nodes, without rejection."""
        n_candidates = np.cumsum(self.edges.degree.take(current).astype(np.int64))
        cuts = np.flatnonzero(np.diff(n_candidates // CANDIDATES_AT_A_TIME)) + 1
        parts = zip(np.split(previous, cuts), np.split(current, cuts), strict=True)
        return np.concatenate([self._draw(*part, rng) for part in parts])

    def _draw(self, previous, current, rng):
        count = self.edges.degree.take(current).astype(np.int64)
        end = np.cumsum(count)
        first = end - count
        edge = np.repeat(self.edges.first.take(current) - first, count)
        edge += np.arange(len(edge))
        origin, node = np.repeat(previous, count), self.edges.targets.take(edge)
        mass = np.ones(len(edge))
        if self.is_edge is not None:
            mass[~self.is_edge(origin, node)] = 1 / self.q
        mass[node == origin] = 1 / self.p
        if self.edges.weights is not None:
            weights = self.edges.weights.take(edge)
            mass *= _divide_rows(weights, np.maximum, first, count)
        mass = np.cumsum(_divide_rows(mass, np.add, first, count))
        goal = np.arange(len(current)) + rng.random(len(current))
        return edge[np.searchsorted(mass, goal, side="right").clip(first, end - 1)]


class _EdgeSet:
    """Whether there are edges from some nodes to others, for arrays of both.

    Edges are bits, of the whole matrix if that is small, and else in a table of at
    least 16 times as many bits, at a hashed place. Those that are found in the table
    are then searched for in the sorted edges of their node.
    """

    def __init__(self, edges):
        self.edges = edges
        self.is_exact = edges.stride**2 <= BITS_OF_EXACT_MATRIX
        n_binary_digits = (16 * len(edges.targets)).bit_length()
        self.shift = np.uint64(64 - n_binary_digits)
        n_bits = edges.stride**2 if self.is_exact else 2**n_binary_digits
        self.bits = np.zeros(n_bits // 8 + 1, dtype=np.uint8)
        origins = edges.origins()
        for start in range(0, len(origins), CANDIDATES_AT_A_TIME):
            part = slice(start, start + CANDIDATES_AT_A_TIME)
            np.bitwise_or.at(self.bits, *self._bit(origins[part], edges.targets[part]))

    def __call__(self, origins, targets):
        byte, bit = self._bit(origins, targets)
        found = (self.bits.take(byte) & bit).astype(bool)
        if not self.is_exact:
            maybe = np.flatnonzero(found)
            found[maybe] = self._search(origins[maybe], targets[maybe])
        return found

    def _bit(self, origins, targets):
        """Place of a pair in the table: number of a byte, and a bit in it."""
        place = origins.astype(np.int64)
        place *= self.edges.stride
        place += targets
        if not self.is_exact:
            hashed = place.view(np.uint64)
            hashed *= np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio
            hashed >>= self.shift
        return place >> 3, np.left_shift(np.uint8(1), (place & 7).astype(np.uint8))

    def _search(self, origins, targets):
        """Binary search in the rows of all origins at once."""
        place = self.edges.first.take(origins)
        n_left = self.edges.degree.take(origins).astype(np.int64)
        for _ in range(int(n_left.max(initial=1) - 1).bit_length()):
            half = n_left >> 1
            place += half * (self.edges.targets.take(place + half) <= targets)
            n_left -= half
        return self.edges.targets.take(place) == targets


def _returns(edges, excess):
    """The edges back along each edge, and the chances to take them at first.

    Parameters
    ----------
    edges : _Edges
    excess : float
        What the bias of a return has beyond the largest other one, in units of that.

    Returns
    -------
    back : ndarray of shape (n_edges,), int32 or int64
        The edge from the target to the origin of each edge; any where there is none.
    chance : ndarray of shape (n_edges,), float64
        Share of the excess in all that can be drawn after each edge.
    """
    origins = edges.origins()
    share = 1 / edges.degree[origins]
    if edges.weights is not None:
        count = np.diff(edges.indptr)
        rows = edges.indptr[:-1][count > 0], count[count > 0]
        share = _divide_rows(edges.weights, np.maximum, *rows)
        share = _divide_rows(share, np.add, *rows)
    # The edges in the order of where they lead: that of the edges back, if they exist.
    dtype = _index_dtype(len(origins))
    numbered = sparse.csr_array(
        (np.arange(len(origins), dtype=dtype), edges.targets, edges.indptr),
        shape=(edges.stride, edges.stride),
    )
    order = numbered.tocsc().data
    back = np.zeros(len(origins), dtype=dtype)
    chance = np.zeros(len(origins))
    keys = origins * edges.stride + edges.targets
    wanted = edges.targets[order] * np.int64(edges.stride) + origins[order]
    place = np.searchsorted(keys, wanted)
    exists = keys.take(place, mode="clip") == wanted
    order, place = order[exists], place[exists]
    back[order] = place
    chance[order] = excess * share[place]
    chance /= 1 + chance
    return back, chance


def _equal_within_rows(values, first, count):
    """Whether the values of each row are equal."""
    return np.array_equal(values, np.repeat(values[first], count))


def _divide_rows(values, by, first, count):
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
    height = _divide_rows(weights, np.maximum, first, count)  # no sum can overflow
    height = _divide_rows(height, np.add, first, count) * np.repeat(count, count)
    exceeds = height > 1
    n_high = np.add.reduceat(exceeds, first, dtype=np.int64)
    n_low = count - n_high
    level = np.repeat((n_high == 0) | (n_low == 0), count)  # but for rounding
    alias = np.arange(len(weights), dtype=_index_dtype(len(weights)))
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


def _index_dtype(n):
    """Smallest of numpy's signed integers for indices below n, of 4 bytes or more."""
    return np.int32 if n <= np.iinfo(np.int32).max else np.int64
