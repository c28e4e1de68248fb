"""Node vectors from random walks with a memory of one step."""

from numbers import Real

from sklearn_replearn._sklearn import Interval
from sklearn_replearn.graph._walk_embedding import BaseWalkEmbedding


class Node2Vec(BaseWalkEmbedding):
    r"""Node vectors by skip-gram on biased random walks.

    As :class:`DeepWalk`, on walks that remember where they come from [1]_. A walk that
    came to node v from t goes on to x with a probability proportional to

    .. math::

       w_{vx} \cdot \begin{cases}
       1 / p & \text{if } x = t, \\
       1 & \text{if there is an edge from } t \text{ to } x, \\
       1 / q & \text{otherwise,}
       \end{cases}

    with the weight :math:`w_{vx}` of the edge. Each node i has a vector :math:`v_i`,
    and a vector :math:`u_i` for its part as a neighbour, that maximise

    .. math::

       \sum_{(i, j)} \Big( \log \sigma(v_i^{\mathsf T} u_j) + \sum_{l=1}^{k}
       \mathbb{E}_{j_l \sim P} \log \sigma(-v_i^{\mathsf T} u_{j_l}) \Big) ,
       \qquad P(j) \propto \#(j)^{0.75} ,

    over the pairs of a node i and a neighbour j on the walks, with
    :math:`\sigma(x) = 1 / (1 + e^{-x})`, k noise nodes (`negative`) for each pair, and
    the number of visits :math:`\#(j)`, by stochastic gradient ascent. Other nodes are
    encoded by a formula of their edges, see the notes.

    Parameters
    ----------
    n_components : int, default=128
        Number of dimensions.
    p : float, default=1.0
        Return parameter, above 0. High values keep a walk from going back at once.
    q : float, default=1.0
        In-out parameter, above 0. High values keep a walk near where it was before, so
        that nodes with many neighbours in common are near each other; low ones send it
        outwards. With ``p = q = 1`` it is :class:`DeepWalk`.
    solver : {"skipgram", "pmi"}, default="skipgram"
        What learns from the walks.

        - "skipgram": skip-gram with negative sampling, by gensim. No visit of a node
          is dropped, however frequent it is.
        - "pmi": the pairs of nodes within `window` are counted, and with the counts
          :math:`\#(i, j)` the matrix :math:`\max\big(0, \log
          \frac{\#(i, j)}{\#(i)\, P(j)} - \log k\big)`,
          :math:`P(j) \propto \#(j)^{0.75}`, is factorised as :math:`U S V^{\mathsf T}`
          into the vectors :math:`U S^{1/2}`. What skip-gram comes to when it is
          trained for long [2]_.

    n_walks : int, default=10
        Number of walks that start at each node.
    walk_length : int, default=40
        Number of nodes in a walk, at least 2.
    window : int, default=10
        Largest distance on a walk of two nodes that are neighbours, at most 10,000.
        For each node of a walk, skip-gram draws the reach of its window from 1, ...,
        `window`, so that a neighbour at distance d counts with the chance
        ``(window - d + 1) / window``; this is its weight in the counts of "pmi".
    negative : int, default=5
        Number k, at least 1, of noise nodes for each pair of skip-gram; "pmi"
        subtracts its logarithm, so that more keeps only pairs that are nearer to each
        other. 1 keeps all that are nearer than by chance, and is the choice for "pmi"
        on small graphs, where few are five times as near.
    max_epochs : int, default=1
        How many times training reads the walks, the same each time. For "skipgram".
    lr : float, default=0.025
        Learning rate at the start, in (0, 1]. It falls linearly to 1e-4 at the end of
        the last epoch. For "skipgram".
    n_jobs : int, default=1
        Number of threads that train; ``None`` means 1, and -1 as many as there are
        processors. Several change the vectors without waiting for one another, so
        that their results differ from those of one, and from run to run:
        `random_state` has to be ``None``. For "skipgram".
    random_state : int, RandomState instance or None, default=None
        Walks, first vectors, windows and noise nodes, or the starting block of the
        solver.
    verbose : int, default=0
        Whether to show a progress bar, on stderr.

    Attributes
    ----------
    node_vectors_ : ndarray of shape (n_nodes, n_components_)
        The vectors of the fitted nodes as they were learned; zero for nodes that no
        walk came by.
    embedding_ : ndarray of shape (n_nodes, n_components_)
        The vectors of the fitted nodes by the formula of rows.
    components_ : ndarray of shape (n_components_, 2 * n_nodes)
        :math:`[G_1; G_2]^{\mathsf T}` of the formula of rows.
    n_components_ : int
        Number of dimensions. Skip-gram takes any; for "pmi" more than the rank of the
        matrix are cut to it, with a warning.
    n_features_in_ : int
        Number of nodes seen in :meth:`fit`.
    feature_names_in_ : ndarray of shape (n_nodes,)
        Their names, where X has string column names.

    See Also
    --------
    DeepWalk : Walks without a memory, which are made in less time.
    NetMF : Factorises what skip-gram comes to, without walks, in less time.
    NodeEncoder : From a column of node ids to vectors.

    Notes
    -----
    The notes of :class:`DeepWalk` hold here as well: on the formula of rows that makes
    `embedding_` and serves :meth:`transform`, on directed graphs, and on memory.

    A step is drawn by rejection: no table has an entry for each pair of edges, and the
    memory is that of the graph.

    References
    ----------
    .. [1] A. Grover and J. Leskovec, "node2vec: scalable feature learning for
       networks", KDD 2016.
    .. [2] O. Levy and Y. Goldberg, "Neural word embedding as implicit matrix
       factorization", NeurIPS 2014.

    Examples
    --------
    Two triangles, joined by an edge, and a new node that knows two of the second:

    >>> import numpy as np
    >>> from sklearn_replearn.graph import Node2Vec
    >>> A = np.zeros((6, 6))
    >>> for i, j in [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5)]:
    ...     A[i, j] = A[j, i] = 1
    >>> node2vec = Node2Vec(
    ...     n_components=4, q=4.0, window=2, max_epochs=20, random_state=0
    ... ).fit(A)
    >>> node2vec.node_vectors_.shape
    (6, 4)
    >>> new = node2vec.transform([[0, 0, 0, 0, 1, 1]])
    >>> distances = np.linalg.norm(node2vec.embedding_ - new, axis=1)
    >>> sorted(distances.argsort()[:3].tolist())
    [3, 4, 5]
    """

    _parameter_constraints = {
        **BaseWalkEmbedding._parameter_constraints,
        "p": [Interval(Real, 0, None, closed="neither")],
        "q": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        n_components=128,
        *,
        p=1.0,
        q=1.0,
        solver="skipgram",
        n_walks=10,
        walk_length=40,
        window=10,
        negative=5,
        max_epochs=1,
        lr=0.025,
        n_jobs=1,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.p = p
        self.q = q
        self.solver = solver
        self.n_walks = n_walks
        self.walk_length = walk_length
        self.window = window
        self.negative = negative
        self.max_epochs = max_epochs
        self.lr = lr
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _walk_bias(self):
        return self.p, self.q
