"""Node vectors from random walks, read as sentences."""

from sklearn_replearn.graph._walk_embedding import BaseWalkEmbedding


class DeepWalk(BaseWalkEmbedding):
    r"""Node vectors by skip-gram on random walks.

    From each node some random walks start, which go along the edges, by their weights.
    Walks are read as sentences are by word2vec, and nodes that occur near each other
    on them get similar vectors [1]_. Each node i has a vector :math:`v_i`, and a vector
    :math:`u_i` for its part as a neighbour, that maximise

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
    Node2Vec : Walks that prefer to stay near, or to go far.
    NetMF : Factorises what skip-gram comes to, without walks, in less time.
    NodeEncoder : From a column of node ids to vectors.

    Notes
    -----
    Trained vectors are a table, which has no entry for a new node. So a formula of
    rows is fitted to it, which :meth:`transform` applies to rows of new nodes and of
    known ones alike, and which makes `embedding_`. For a node with m edges of weights
    a, :math:`p = a / \sum a`,

    .. math:: e = p\, G_1 + \log(1 + m)\, p\, G_2 .

    With the transition matrix :math:`P = D^{-1} A`, the diagonal matrix L of
    :math:`\log(1 + m)` and W, which is `node_vectors_`,

    .. math::

       G_1 = W B_1 + P W B_2 , \qquad G_2 = W B_3 + P W B_4 ,

    where the B come from the ridge regression of W on the mean vectors of each node's
    neighbours, and of theirs: :math:`\|F B - W\|^2 + \lambda \|B\|^2` is least for
    :math:`F = [P W, P P W, L P W, L P P W]`, and :math:`\lambda` is
    :math:`10^{-4}` of the mean squared norm of F's columns. A model that is to see new
    nodes should be trained on `embedding_`, which is of their kind. It may well be the
    better choice for known nodes, too, since means over neighbours smooth the noise of
    few walks.

    Walks follow the edges of directed graphs, and end at nodes without out-edges. Such
    a node has a vector in `node_vectors_` if a walk came by, but a row of zeros in
    `embedding_`. Isolated nodes have zeros in both.

    Walks are made when they are read, anew for each reading and always the same, and
    are never held together. gensim trains on at most 10,000 nodes at a time, longer
    walks are cut into pieces. The counts of "pmi" take eight bytes a distinct pair of
    nodes, up to n x n / 2 of them.

    The paper trains by hierarchical softmax; negative sampling is node2vec's, and that
    of most programs since.

    References
    ----------
    .. [1] B. Perozzi, R. Al-Rfou and S. Skiena, "DeepWalk: online learning of social
       representations", KDD 2014.
    .. [2] O. Levy and Y. Goldberg, "Neural word embedding as implicit matrix
       factorization", NeurIPS 2014.

    Examples
    --------
    Two triangles, joined by an edge, and a new node that knows two of the second:

    >>> import numpy as np
    >>> from sklearn_replearn.graph import DeepWalk
    >>> A = np.zeros((6, 6))
    >>> for i, j in [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5)]:
    ...     A[i, j] = A[j, i] = 1
    >>> deep_walk = DeepWalk(n_components=4, window=2, max_epochs=20, random_state=0)
    >>> deep_walk.fit(A).node_vectors_.shape
    (6, 4)
    >>> new = deep_walk.transform([[0, 0, 0, 0, 1, 1]])
    >>> distances = np.linalg.norm(deep_walk.embedding_ - new, axis=1)
    >>> sorted(distances.argsort()[:3].tolist())
    [3, 4, 5]
    """

    def __init__(
        self,
        n_components=128,
        *,
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
        return 1.0, 1.0
