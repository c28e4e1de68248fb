"""Random walks on graphs, many walkers stepped together."""

from contextlib import closing
from itertools import pairwise

import numpy as np

from sklearn_replearn._threads import map_in_threads
from sklearn_replearn.graph._out_edges import OutEdges
from sklearn_replearn.graph._second_order import SecondOrderBias, second_order_walks

#: Walkers that are stepped together: their arrays stay in the processor's cache.
WALKERS_AT_A_TIME = 2**14

#: Nodes in a block of long walks, where there are then fewer walkers.
NODES_AT_A_TIME = 2**24


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
        self._edges = OutEdges(adjacency)
        self._sources = self._edges.sources()
        self._bias = None if p == q == 1 else SecondOrderBias(self._edges, p, q)
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
            walks = second_order_walks(
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


def _first_order_walks(edges, starts, length, rng):
    walks = np.empty((length, len(starts)), dtype=np.int32)
    walks[0] = starts
    for current, following in pairwise(walks):
        edges.targets.take(edges.draw(current, rng), out=following, mode="clip")
    return walks
