"""The largest eigenpairs of the normalized adjacency of an undirected graph."""

import numpy as np
from scipy import sparse

from sklearn_replearn._blas_threads import one_blas_thread
from sklearn_replearn._operators import ThreadedSparseOperator
from sklearn_replearn.graph._chebyshev import filter_subspace
from sklearn_replearn.graph._degrees import group_norms, inverse
from sklearn_replearn.graph._laplacian_inverse import LaplacianInverse
from sklearn_replearn.graph._spectrum import component_labels

#: Nodes with edges up to which a dense matrix is decomposed.
DENSE_NODES = 512

#: Products with the graph after which the iteration gives up.
MAX_PRODUCTS = 100_000

#: Products with the inverse after which they are given up.
MAX_SOLVES = 200

#: Residuals of the inverse, in units of its eigenvalues, below which they are rounding
#: errors.
SMALLEST_INVERSE_TOL = 1e-11


def largest_eigenpairs(adjacency, roots, n_components, tol):
    r"""The largest eigenvalues of the normalized adjacency, but for the first.

    Parameters
    ----------
    adjacency : csr_array of shape (n_nodes, n_nodes)
        Symmetric.
    roots : ndarray of shape (n_nodes,)
        Square roots of the degrees.
    n_components : int
        Less than there are nodes with edges.
    tol : float
        Length of residuals.

    Returns
    -------
    mu : ndarray of shape (n_components,)
        Eigenvalues of :math:`D^{-1/2} A D^{-1/2}`, descending, without the eigenvalue 1
        that belongs to the square roots of all degrees.
    V : ndarray of shape (n_nodes, n_components)
        Orthonormal eigenvectors, 0 for nodes without edges.
    residual : float
        The largest length of a residual; 0 where the matrix is decomposed at once.
    """
    labels = component_labels(adjacency)
    norms = group_norms(roots, labels, labels.max() + 1)
    contrasts = component_contrasts(roots, labels, norms, n_components)
    n_missing = n_components - contrasts.shape[1]
    if n_missing == 0:
        return np.ones(n_components), contrasts, 0.0
    # What is known of each component: a number at each of its nodes.
    known = roots * inverse(norms)[labels]
    n_nodes, n_known = np.count_nonzero(roots), np.count_nonzero(norms)
    width = n_missing + max(4, n_missing // 8)
    if n_nodes <= DENSE_NODES or 4 * width > n_nodes - n_known:
        mu, V = decompose(adjacency, roots, labels, known, n_missing)
        residual = 0.0
    else:
        operator = NormalizedAdjacency(adjacency, roots, labels, known)
        with one_blas_thread():  # so that results do not depend on their number
            mu, V, residual = iterate(operator, n_missing, width, tol)
    if contrasts.shape[1]:
        mu = np.append(np.ones(contrasts.shape[1]), mu)
        V = np.hstack([contrasts, V])
    return mu, V, residual


def iterate(operator, n_wanted, width, tol):
    """Eigenpairs by products with the inverse of the Laplacian, or with the graph.

    The inverse is used where the graph is such that its factors are sparse; it then
    takes a few dozen products, while long graphs need thousands of those with the
    graph.
    """
    inverse_laplacian = LaplacianInverse.of(operator)
    if inverse_laplacian is not None:
        # That of the graph is at most twice a residual in units of its eigenvalue.
        inverse_tol = max(tol / 4, SMALLEST_INVERSE_TOL)
        w, V, _ = filter_subspace(
            inverse_laplacian, n_wanted, width, inverse_tol, MAX_SOLVES
        )
        mu = 1 - 1 / (1 + w)
        residual = np.linalg.norm(operator @ V - V * mu, axis=0).max()
        if residual <= tol:
            return mu, V, float(residual)
    return filter_subspace(operator, n_wanted, width, tol, MAX_PRODUCTS)


def component_contrasts(roots, labels, norms, limit):
    r"""Orthonormal eigenvectors to the eigenvalue 1 that tell components apart.

    Divided by the square roots of the degrees, the first has one value in the component
    of the largest volume and another in all others, the second the same without that
    component, and so on.

    Parameters
    ----------
    roots : ndarray of shape (n_nodes,)
        Square roots of the degrees.
    labels : ndarray of shape (n_nodes,)
        Number of each node's component.
    norms : ndarray of shape (n_components,)
        Square roots of the components' volumes.
    limit : int
        Largest number of vectors.

    Returns
    -------
    contrasts : ndarray of shape (n_nodes, n_contrasts)
        At most `limit`, and one less than there are components with edges. All are
        orthogonal to the square roots of the degrees.
    """
    order = np.argsort(-norms, kind="stable")[: np.count_nonzero(norms)]
    k = min(limit, len(order) - 1)
    own = norms[order]
    rest = np.hypot.accumulate(own[::-1])[::-1]  # the component and all after it
    own, after, rest = own[:k], rest[1 : k + 1], rest[:k]
    rank = np.full((len(norms), 1), len(order))
    rank[order, 0] = np.arange(len(order))
    steps = np.arange(k)
    # Factors of the components' own unit vectors.
    others = -(own / rest) * (norms[:, np.newaxis] / after)
    values = np.where(rank == steps, after / rest, np.where(rank > steps, others, 0))
    return values[labels] * (roots * inverse(norms)[labels])[:, np.newaxis]


def decompose(adjacency, roots, labels, known, n_wanted):
    """Eigenpairs by LAPACK, the known ones moved from 1 to -2."""
    nodes = np.flatnonzero(roots)
    scale = inverse(roots[nodes])
    S = adjacency[nodes][:, nodes].toarray().astype(np.float64)
    S *= scale[:, np.newaxis]
    S *= scale
    together = labels[nodes, np.newaxis] == labels[nodes]
    S -= 3 * known[nodes, np.newaxis] * known[nodes] * together
    w, U = np.linalg.eigh(S)
    V = np.zeros((len(roots), n_wanted))
    V[nodes] = U[:, ::-1][:, :n_wanted]
    return w[::-1][:n_wanted], V


class NormalizedAdjacency:
    """Products with the normalized adjacency, and projection off what is known of it.

    It scales the vectors, not a copy of the graph.
    """

    def __init__(self, adjacency, roots, labels, known):
        n = len(roots)
        self.n_nodes = n
        self.n_products = 0
        self.adjacency = adjacency
        self.scale = inverse(roots)
        self.labels = labels
        self._operator = ThreadedSparseOperator(in_double_precision(adjacency))
        self._isolated = np.flatnonzero(roots == 0)
        parts = (known, labels, np.arange(n + 1, dtype=labels.dtype))
        self._known = sparse.csr_array(parts, shape=(n, labels.max() + 1))

    def __matmul__(self, X):
        self.n_products += 1
        scale = self.scale[:, np.newaxis]
        Y = self._operator.matmat(np.multiply(X, scale, order="C"))
        Y *= scale
        return Y

    def project(self, Y):
        """Take from Y, in place, what the known vectors and isolated nodes have."""
        Y -= self._known @ (self._known.T @ Y)
        Y[self._isolated] = 0
        return Y


def in_double_precision(adjacency):
    """With float64 weights; whatever else there is, is shared."""
    data = adjacency.data.astype(np.float64, copy=False)
    parts = (data, adjacency.indices, adjacency.indptr)
    return sparse.csr_array(parts, shape=adjacency.shape)
