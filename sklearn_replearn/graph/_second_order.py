"""Second-order steps of walks: biased by the node that a walker came from."""

import numpy as np
from scipy import sparse

from sklearn_replearn.graph._out_edges import choose, divide_rows, index_dtype

#: Trials of second-order walkers between two looks at which of them are done.
TRIALS_AT_A_TIME = 8

#: What one trial costs beside its walkers, in walkers.
TRIAL_OVERHEAD = 1000

#: Up to so many bits the matrix of edges is kept bit for bit, and beyond it hashed.
BITS_OF_EXACT_MATRIX = 2**28

#: Candidates that are weighed at a time where a step is drawn from its whole row.
CANDIDATES_AT_A_TIME = 2**20


def second_order_walks(edges, bias, starts, length, rng):
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
            edge = choose(accepted, candidate, edge)
            previous = choose(accepted, current, previous)
            current = choose(accepted, node, current)

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


class SecondOrderBias:
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
            mass *= divide_rows(weights, np.maximum, first, count)
        mass = np.cumsum(divide_rows(mass, np.add, first, count))
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
    edges : OutEdges
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
        share = divide_rows(edges.weights, np.maximum, *rows)
        share = divide_rows(share, np.add, *rows)
    # The edges in the order of where they lead: that of the edges back, if they exist.
    dtype = index_dtype(len(origins))
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
