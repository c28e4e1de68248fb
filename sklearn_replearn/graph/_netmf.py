"""Node vectors by factorising the matrix that DeepWalk factorises implicitly."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator
from sklearn.utils import check_random_state, gen_batches

from sklearn_replearn._components import available_components
from sklearn_replearn._linalg import numerical_rank, randomized_eigh, randomized_svd
from sklearn_replearn._operators import ThreadedSparseOperator
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn._warnings import warn
from sklearn_replearn.graph._degrees import (
    inverse,
    root_degrees,
    root_volume,
    transition_matrix,
)
from sklearn_replearn.graph._node_embedding import BaseNodeEmbedding
from sklearn_replearn.graph._spectrum import stationary_vectors
from sklearn_replearn.graph._symmetry import asymmetric_pair, not_symmetric

#: Rows of the matrix that are computed at a time.
BLOCK = 256

#: Bytes of the matrix that are kept; the rest is computed anew for each product.
KEPT_BYTES = 4 << 30

#: Square root of a degree's share in the volume, below which eigenvectors in single
#: precision say nothing of the node.
SMALLEST_SHARE = 1e-15

#: Logarithms below so many rounding errors of the working precision are zero.
N_ROUNDINGS = 256

#: Nodes up to which "auto" computes the matrix exactly.
EXACT_NODES = 2048


class NetMF(BaseNodeEmbedding):
    r"""Node vectors from the matrix that DeepWalk factorises implicitly.

    Skip-gram on random walks, trained for ever, factorises a matrix that has a closed
    form [1]_. With the adjacency A, the degrees :math:`D = \mathrm{diag}(d)`, the sum
    of all weights :math:`\mathrm{vol} = \sum_{ij} A_{ij}`, the transition matrix
    :math:`P = D^{-1} A`, the window T and b negative samples,

    .. math::

       M = \frac{\mathrm{vol}}{b T} \Big( \sum_{r=1}^{T} P^r \Big) D^{-1} , \qquad
       \log \max(M, 1) \approx U \Sigma V^{\mathsf T} ,

    and node i has the vector :math:`\log \max(M_i, 1)\, V \Sigma^{-1/2}`, which is
    :math:`U_i \Sigma^{1/2}`. For a node with the edges a, new or known, the row of M
    follows from a itself: :math:`\frac{\mathrm{vol}}{b T} \frac{a}{\sum a}
    \sum_{r=0}^{T-1} P^r D^{-1}`. Edges that lead from fitted nodes to a new one play no
    part in it.

    Parameters
    ----------
    n_components : int, default=128
        Number of dimensions. More than the rank of the log-matrix are cut to it, with
        a warning.
    window : int, default=10
        T, the longest distance on a walk of two nodes that are counted as neighbours.
        1 is LINE's second-order proximity.
    negative : float, default=1.0
        b, above 0: skip-gram's number of negative samples. More keeps only pairs that
        are nearer to each other.
    rank : int, default=256
        For "spectral": number of eigenpairs that approximate the powers of P. As many
        as nodes are exact.
    method : {"auto", "exact", "spectral"}, default="auto"
        How rows of M are computed.

        - "exact": T - 1 products of each row with P. The model keeps the graph.
        - "spectral": with the largest eigenvalues :math:`\lambda` and eigenvectors W of
          :math:`D^{-1/2} A D^{-1/2}`, :math:`\sum_{r=0}^{T-1} P^r D^{-1} \approx
          D^{-1/2} W \,\mathrm{diag}\big(\sum_{r=0}^{T-1} \lambda^r\big)
          W^{\mathsf T} D^{-1/2}`, in single precision. For undirected graphs.
        - "auto": "exact" up to 2,048 nodes and for directed graphs, else "spectral".
    random_state : int, RandomState instance or None, default=None
        Starting blocks of the solvers.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components_)
        The vectors of the fitted nodes.
    components_ : ndarray of shape (n_components_, n_nodes)
        :math:`\Sigma^{-1/2} V^{\mathsf T}`: what a row of the log-matrix is multiplied
        by. The entry of largest absolute value in each row is positive.
    singular_values_ : ndarray of shape (n_components_,)
        Singular values of the log-matrix.
    n_components_ : int
        Number of dimensions.
    n_features_in_ : int
        Number of nodes seen in :meth:`fit`.
    feature_names_in_ : ndarray of shape (n_nodes,)
        Their names, where X has string column names.

    See Also
    --------
    DeepWalk : Trains on sampled walks what is factorised here.
    ProNE : Needs no n x n matrix.
    NodeEncoder : From a column of node ids to vectors.

    Notes
    -----
    A directed graph's walks follow the edges, D on the right is then that of the
    in-degrees, and a node without out-edges has a zero vector, as isolated nodes have;
    a warning says how many there are with in-edges. A node that is nearer to none than
    by chance has a zero vector as well: hubs, if `window` or `negative` is large.

    Only the ratios of the weights count. A graph is undirected if the two weights of
    each pair of nodes differ by at most 100 rounding errors, in X's precision.

    The log-matrix is dense: n x n numbers of four bytes ("exact": eight), of which at
    most 4 GiB are kept in :meth:`fit`, some 32,000 nodes. Beyond that the rest is
    computed anew, block by block, for each of the solver's products: memory stays
    bounded, and the time grows with the square of n. The model is of the size of some
    ``rank + 2 * n_components`` vectors of n numbers.

    References
    ----------
    .. [1] J. Qiu, Y. Dong, H. Ma, J. Li, K. Wang and J. Tang, "Network embedding as
       matrix factorization: unifying DeepWalk, LINE, PTE, and node2vec", WSDM 2018.

    Examples
    --------
    Two triangles, joined by an edge, and a new node that knows two of the second:

    >>> import numpy as np
    >>> from sklearn_replearn.graph import NetMF
    >>> A = np.zeros((6, 6))
    >>> for i, j in [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5)]:
    ...     A[i, j] = A[j, i] = 1
    >>> netmf = NetMF(n_components=2, window=3, random_state=0).fit(A)
    >>> netmf.embedding_.shape
    (6, 2)
    >>> new = netmf.transform([[0, 0, 0, 0, 1, 1]])
    >>> distances = np.linalg.norm(netmf.embedding_ - new, axis=1)
    >>> sorted(distances.argsort()[:3].tolist())
    [3, 4, 5]
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "window": [Interval(Integral, 1, None, closed="left")],
        "negative": [Interval(Real, 0, None, closed="neither")],
        "rank": [Interval(Integral, 1, None, closed="left")],
        "method": [StrOptions({"auto", "exact", "spectral"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=128,
        *,
        window=10,
        negative=1.0,
        rank=256,
        method="auto",
        random_state=None,
    ):
        self.n_components = n_components
        self.window = window
        self.negative = negative
        self.rank = rank
        self.method = method
        self.random_state = random_state

    def _learn(self, adjacency):
        random_state = check_random_state(self.random_state)
        pair = asymmetric_pair(adjacency) if self.method != "exact" else None
        if self.method == "spectral" and pair:
            raise ValueError(
                "method='spectral' takes undirected graphs, but "
                f"{not_symmetric(adjacency, pair)}, or set method='exact'."
            )
        n = adjacency.shape[0]
        exact = self.method == "exact" or pair is not None
        if exact or (self.method == "auto" and n <= EXACT_NODES):
            proximity = ExactProximity(adjacency, self.window, self.negative)
        else:
            proximity = SpectralProximity(
                adjacency, self.window, self.negative, self.rank, random_state
            )
        log_matrix = LogMatrix(proximity, adjacency, keep=True)
        _, s, Vt = randomized_svd(
            log_matrix,
            min(self.n_components, n),
            n_iter=proximity.n_iter,
            random_state=random_state,
        )
        eps = max(np.finfo(dtype).eps for dtype in (s.dtype, adjacency.dtype))
        rank = numerical_rank(s, n, eps)
        if rank == 0:
            warn(
                "All node vectors are zero: no pair of nodes is nearer than by chance; "
                "lower negative.",
            )
            return self._zero_components(len(s), adjacency)
        k = available_components(self.n_components, rank, "rank of the log-matrix")
        components = Vt[:k] / np.sqrt(s[:k, np.newaxis])
        return {
            "components_": components.astype(adjacency.dtype, copy=False),
            "embedding_": log_matrix.matmat(components.T),
            "singular_values_": s[:k].astype(adjacency.dtype, copy=False),
            "_proximity": proximity,
        }

    def _encode(self, rows):
        components = self.components_.astype(self._proximity.dtype, copy=False)
        return LogMatrix(self._proximity, rows, keep=False).matmat(components.T)

    @staticmethod
    def _zero_components(n_components, adjacency):
        attributes = BaseNodeEmbedding._zero_components(n_components, adjacency)
        zeros = np.zeros(n_components, dtype=adjacency.dtype)
        return {**attributes, "singular_values_": zeros, "_proximity": None}


class LogMatrix(LinearOperator):
    """The log-matrix of some nodes, a row each, in blocks of rows.

    Parameters
    ----------
    proximity : ExactProximity or SpectralProximity
        Gives blocks of log M.
    rows : csr_array of shape (n_samples, n_nodes)
        The nodes' rows of the adjacency.
    keep : bool
        Whether to keep blocks, up to `KEPT_BYTES` together; the rest is computed anew
        for each product.
    """

    def __init__(self, proximity, rows, keep):
        super().__init__(dtype=proximity.dtype, shape=rows.shape)
        self._proximity = proximity
        self._transitions = transition_matrix(rows).astype(self.dtype, copy=False)
        block_bytes = BLOCK * rows.shape[1] * self.dtype.itemsize
        self._n_kept = KEPT_BYTES // block_bytes if keep else 0
        self._kept = []

    def _blocks(self):
        """Ranges of rows, each with its block."""
        rounding = N_ROUNDINGS * np.finfo(self.dtype).eps
        for i, batch in enumerate(gen_batches(self.shape[0], BLOCK)):
            if i < len(self._kept):
                yield batch, self._kept[i]
                continue
            block = self._proximity.log_rows(self._transitions[batch])
            np.copyto(block, 0, where=block < rounding)
            if i < self._n_kept:
                self._kept.append(block)
            yield batch, block

    def _matmat(self, X):
        products = np.empty((self.shape[0], X.shape[1]), dtype=self.dtype)
        for batch, block in self._blocks():
            products[batch] = block @ X
        return products

    def _rmatmat(self, X):
        products = np.zeros((self.shape[1], X.shape[1]), dtype=self.dtype)
        for batch, block in self._blocks():
            products += block.T @ X[batch]
        return products


class ExactProximity:
    """Rows of log M by products with the transition matrix, in double precision.

    The factors of the columns are added as logarithms: the ratio of the volume and a
    degree may be beyond the largest number.
    """

    dtype = np.dtype(np.float64)
    n_iter = 5  # of the solver that factorises the log-matrix

    def __init__(self, adjacency, window, negative):
        self.window = window
        self.transposed = transition_matrix(adjacency.astype(self.dtype)).T.tocsr()
        roots = root_degrees(adjacency.T)  # of the in-degrees
        shares = np.maximum(roots / root_volume(roots), np.finfo(self.dtype).tiny)
        log_factors = -2 * np.log(shares) - np.log(negative) - np.log(window)
        self.log_factors = log_factors[:, np.newaxis]

    def log_rows(self, transitions):
        """Rows of log M for some rows of transition probabilities."""
        start = transitions.T.toarray(order="C")
        total = start
        for _ in range(self.window - 1):  # Horner's rule
            total = start + self.transposed @ total
        with np.errstate(divide="ignore"):  # the logarithm of 0
            logs = np.log(total)
        logs += self.log_factors
        return logs.T


class SpectralProximity:
    """Rows of log M by the largest eigenpairs of the normalised adjacency."""

    dtype = np.dtype(np.float32)
    n_iter = 1  # more bring nothing, as eigenpairs are left out

    def __init__(self, adjacency, window, negative, rank, random_state):
        roots = root_degrees(adjacency)
        scale = inverse(roots)
        data = adjacency.data * np.repeat(scale, np.diff(adjacency.indptr))
        data *= scale[adjacency.indices]
        parts = (data.astype(self.dtype), adjacency.indices, adjacency.indptr)
        w, U = randomized_eigh(
            ThreadedSparseOperator(sparse.csr_array(parts, shape=adjacency.shape)),
            min(rank, len(roots)),
            start=stationary_vectors(adjacency, roots, rank).astype(self.dtype),
            random_state=random_state,
        )
        weights = sum(w.astype(np.float64) ** r for r in range(window))
        weights /= negative * window
        shares = np.maximum(roots / root_volume(roots), SMALLEST_SHARE)
        scale = np.where(roots > 0, 1 / shares, 0)
        vectors = U * scale[:, np.newaxis]
        self.left = (vectors * weights).astype(self.dtype)
        self.right = np.ascontiguousarray(vectors.T, dtype=self.dtype)

    def log_rows(self, transitions):
        """Rows of log M for some rows of transition probabilities."""
        block = (transitions @ self.left) @ self.right
        np.maximum(block, 1, out=block)
        return np.log(block, out=block)
