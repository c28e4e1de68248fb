"""Fast node vectors: sparse factorisation, then a filter over the graph."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse
from scipy.special import iv, logsumexp
from sklearn.preprocessing import normalize

from sklearn_replearn._components import available_components
from sklearn_replearn._linalg import numerical_rank, orthonormalize, randomized_svd
from sklearn_replearn._operators import ThreadedSparseOperator
from sklearn_replearn._sklearn import Interval
from sklearn_replearn._warnings import warn
from sklearn_replearn.graph._degrees import log_transitions, transition_matrix
from sklearn_replearn.graph._node_embedding import BaseNodeEmbedding

#: Iterations of the solver, and columns of its blocks for each component: narrow ones
#: come closer with the same work.
N_ITER = 10
BLOCK_SHARE = 0.25


class ProNE(BaseNodeEmbedding):
    r"""Node vectors by sparse factorisation and spectral propagation.

    Vectors come in two steps [1]_. With the transition matrix :math:`P = D^{-1} A`, the
    first factorises the sparse matrix with an entry for each edge

    .. math::

       M_{ij} = \log p_{ij} - \log \frac{c_j^{3/4}}{\sum_{j'} c_{j'}^{3/4}} , \qquad
       c_j = \sum_i p_{ij} ,

    as :math:`M \approx U \Sigma V^{\mathsf T}` into :math:`R = U \Sigma^{1/2}`, its
    rows scaled to unit length. The second passes these on along the edges, through a
    filter that keeps what varies over clusters of nodes: with :math:`L = I - P`,

    .. math::

       Z = (I - g(L))\, R , \qquad
       g(\lambda) = \exp\!\big(-\tfrac{\theta}{2} \big[(\lambda - \mu)^2 - 1\big]\big) ,

    by `order` terms of a Chebyshev series, and

    .. math:: e_i = \frac{a_i}{\sum a_i}\, Z\, W

    for a node with the edges :math:`a_i`, new or known, where W makes the columns
    orthogonal, each with the square root of its singular value, :math:`P Z = Q S
    W'^{\mathsf T}`, :math:`W = W' S^{-1/2}`.

    Parameters
    ----------
    n_components : int, default=128
        Number of dimensions. More than the rank of the matrices are cut to it, with a
        warning.
    order : int, default=10
        Terms of the Chebyshev series. From 10 on, more change nothing visible unless
        `theta` is above 1.
    mu : float, default=0.2
        :math:`\mu`: the filter is centred there, on the scale of the Laplacian's
        eigenvalues, from 0 (smooth over the graph) to 2.
    theta : float, default=0.5
        :math:`\theta`, above 0: how narrow the filter is.
    normalize : bool, default=True
        Whether to scale vectors to unit length, after which cosines and inner products
        are the same. Without it, hubs have the longest vectors.
    random_state : int, RandomState instance or None, default=None
        Starting block of the solver.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components_)
        The vectors of the fitted nodes.
    components_ : ndarray of shape (n_components_, n_nodes)
        :math:`(Z W)^{\mathsf T}`: a node's vector is the mean of its neighbours'
        columns, by the edges' weights.
    singular_values_ : ndarray of shape (n_components_,)
        Singular values of :math:`P Z`.
    n_components_ : int
        Number of dimensions.
    n_features_in_ : int
        Number of nodes seen in :meth:`fit`.
    feature_names_in_ : ndarray of shape (n_nodes,)
        Their names, where X has string column names.

    See Also
    --------
    NetMF : Better vectors on graphs of some thousand nodes, from a dense matrix.
    LaplacianEigenmaps : The smoothest functions on the graph alone.
    NodeEncoder : From a column of node ids to vectors.

    Notes
    -----
    Edges of directed graphs lead from row to column. A node without out-edges has a
    zero vector, as isolated nodes have; a warning says how many there are with
    in-edges. In R it has its row of :math:`V \Sigma^{1/2}`, scaled to unit length, and
    in the filter's P an edge to itself, so that the nodes with edges to it get vectors.
    Another warning counts nodes with out-edges whose vector is zero: the leading
    singular vectors may be zero at all that they lead to, in small components.

    Time grows with ``n_edges * n_components``; nothing is larger than the graph and
    some ten sets of vectors. It is computed in single precision, the product with a
    node's edges in X's own.

    The authors' program differs from their paper: it adds a self-loop to each node,
    and its polynomial has another constant. Here it is the paper's formula; the scaling
    of R to unit length, which the paper does not mention, is the program's.

    References
    ----------
    .. [1] J. Zhang, Y. Dong, Y. Wang, J. Tang and M. Ding, "ProNE: fast and scalable
       network representation learning", IJCAI 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_replearn.graph import ProNE
    >>> A = np.zeros((6, 6))
    >>> for i, j in [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5)]:
    ...     A[i, j] = A[j, i] = 1
    >>> prone = ProNE(n_components=2, random_state=0).fit(A)
    >>> prone.embedding_.shape
    (6, 2)
    >>> new = prone.transform([[0, 0, 0, 0, 1, 1]])
    >>> distances = np.linalg.norm(prone.embedding_ - new, axis=1)
    >>> sorted(distances.argsort()[:3].tolist())
    [3, 4, 5]
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "order": [Interval(Integral, 1, None, closed="left")],
        "mu": [Interval(Real, None, None, closed="neither")],
        "theta": [Interval(Real, 0, None, closed="neither")],
        "normalize": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=128,
        *,
        order=10,
        mu=0.2,
        theta=0.5,
        normalize=True,
        random_state=None,
    ):
        self.n_components = n_components
        self.order = order
        self.mu = mu
        self.theta = theta
        self.normalize = normalize
        self.random_state = random_state

    def _learn(self, adjacency):
        n = adjacency.shape[0]
        matrix = log_ratios(adjacency)
        U, s, Vt = randomized_svd(
            matrix,
            min(self.n_components, n),
            n_iter=N_ITER,
            block_size=max(8, round(BLOCK_SHARE * self.n_components)),
            random_state=self.random_state,
        )
        sinks = np.diff(adjacency.indptr) == 0
        R = np.where(sinks[:, np.newaxis], unit_rows(Vt.T, s), unit_rows(U, s))
        transitions = transition_matrix(adjacency).astype(np.float32, copy=False)
        Z = propagate(absorbing(transitions), R, self.order, self.mu, self.theta)
        _, triangle = orthonormalize(transitions @ Z)
        _, s, Vt = np.linalg.svd(triangle)
        rank = numerical_rank(s, n, np.finfo(s.dtype).eps)
        if rank == 0:
            if R.any():
                why = (
                    "the filtered vectors of each node's neighbors average to zero; "
                    "choose another mu or theta"
                )
            else:
                why = "no edge is more probable than by chance"
            warn(f"All node vectors are zero: {why}.")
            return self._zero_components(len(s), adjacency)
        k = available_components(
            self.n_components, rank, "rank of the graph's matrices"
        )
        W = Vt[:k] / np.sqrt(s[:k, np.newaxis])
        components = np.ascontiguousarray((Z @ W.T).T, dtype=adjacency.dtype)
        return {
            "components_": components,
            "singular_values_": s[:k].astype(adjacency.dtype, copy=False),
        }

    _why_zero = (
        "the leading singular vectors are zero at every node that can be reached from "
        "them; raise n_components"
    )

    @staticmethod
    def _zero_components(n_components, adjacency):
        attributes = BaseNodeEmbedding._zero_components(n_components, adjacency)
        zeros = np.zeros(n_components, dtype=adjacency.dtype)
        return {**attributes, "singular_values_": zeros}

    def _encode(self, rows):
        E = transition_matrix(rows) @ self.components_.T
        return normalize(E, copy=False) if self.normalize else E


def log_ratios(adjacency, smoothing=0.75):
    """Logarithm of each transition probability relative to its noise probability.

    It is 0 where the two are equal up to rounding.

    Returns
    -------
    matrix : csr_array of shape (n_nodes, n_nodes), float32
    """
    logs = log_transitions(adjacency)
    targets, n = adjacency.indices, adjacency.shape[0]
    # The logarithms of the columns' sums, of which no term is lost.
    largest = np.full(n, -np.inf)
    np.maximum.at(largest, targets, logs)
    sums = np.bincount(targets, np.exp(logs - largest[targets]), n)
    is_target = sums > 0
    log_noise = np.zeros(n)
    log_noise[is_target] = smoothing * (largest[is_target] + np.log(sums[is_target]))
    log_noise -= logsumexp(log_noise[is_target])
    rounding = np.abs(logs) + np.abs(log_noise[targets]) + 1
    rounding *= 10 * np.finfo(adjacency.dtype).eps
    logs -= log_noise[targets]
    logs[np.abs(logs) <= rounding] = 0
    return sparse.csr_array(
        (logs.astype(np.float32), targets, adjacency.indptr), shape=adjacency.shape
    )


def unit_rows(vectors, s):
    """Rows of singular vectors times the roots of the values, scaled to unit length.

    Rows that are only rounding errors become zero.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    rounding = 10 * np.finfo(vectors.dtype).eps
    return normalize(np.where(lengths > rounding, vectors, 0) * np.sqrt(s))


def absorbing(transitions):
    """The transition matrix of a walk that stays where no edge leaves."""
    sinks = np.diff(transitions.indptr) == 0
    if not sinks.any():
        return transitions
    return (transitions + sparse.diags_array(sinks.astype(transitions.dtype))).tocsr()


def propagate(transitions, R, order, mu, theta):
    r"""Filter :math:`R - g(L) R`, g as in :class:`ProNE`, by a Chebyshev series.

    With :math:`X = ((L - \mu I)^2 - I) / 2`, g(L) is :math:`e^{-\theta X}`, which is
    :math:`I_0(\theta) + 2 \sum_{i > 0} (-1)^i I_i(\theta) T_i(X)`, with the modified
    Bessel functions :math:`I_i`.
    """
    operator = ThreadedSparseOperator(transitions)
    # Python's floats keep single precision.
    mu, weights = float(mu), iv(np.arange(order), theta).tolist()

    def shifted_twice(Y):  # (L - mu I)² Y
        for _ in range(2):
            Y = (1 - mu) * Y - operator.matmat(Y)
        return Y

    filtered = weights[0] * R
    before, term = None, R
    for i in range(1, order):
        if i == 1:
            before, term = term, (shifted_twice(term) - term) / 2
        else:
            before, term = term, shifted_twice(term) - term - before
        filtered += 2 * (-1) ** i * weights[i] * term
    return R - filtered
