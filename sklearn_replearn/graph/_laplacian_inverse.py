"""Products with the inverse of a Laplacian, for graphs whose factors are sparse.

The smallest eigenvalues of the Laplacian of a long graph (a path, a grid, a tree, a
road network) lie close together, and those of its inverse far apart. Its factors are
hardly larger than the graph then. Those of a random graph are dense.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order
from scipy.sparse.linalg import spilu

from sklearn_replearn._operators import with_small_indices

#: Edges at a node, on average, up to which a factorization is tried.
MAX_MEAN_DEGREE = 256

#: Size of the factors relative to the matrix above which they are given up.
MAX_FILL = 20

#: Bytes of the factors above which they are given up.
MAX_FACTOR_BYTES = 1 << 30

#: Nodes in a component up to which its shape does not matter.
SMALL_COMPONENT = 512

#: Largest square of the nodes at one distance, relative to the nodes of the component.
MAX_SQUARED_WIDTH = 16


class LaplacianInverse:
    r"""The pseudo-inverse of the normalized Laplacian, less the identity.

    Its eigenvalues are :math:`1 / \lambda - 1`, at least -1/2.

    Parameters
    ----------
    factors : SuperLU
        Of the grounded Laplacian, whose rows and columns are in the order `order`.
    order : ndarray of shape (n_nodes,)
    adjacency : NormalizedAdjacency
        It projects off the null space of the Laplacian.
    """

    def __init__(self, factors, order, adjacency):
        self.n_nodes = len(order)
        self.n_products = 0
        self.project = adjacency.project
        self._factors = factors
        self._order = order

    @classmethod
    def of(cls, adjacency):
        """The inverse for a NormalizedAdjacency, or None if its factors are large."""
        plan = elimination_order(adjacency.adjacency, adjacency.labels)
        if plan is None:
            return None
        order, method = plan
        laplacian = grounded_laplacian(adjacency, order)
        factors = bounded_factors(laplacian, method)
        return None if factors is None else cls(factors, order, adjacency)

    def __matmul__(self, X):
        self.n_products += 1
        Y = np.empty_like(X)
        Y[self._order] = self._factors.solve(np.asfortranarray(X[self._order]))
        self.project(Y)
        Y -= X
        return Y


def elimination_order(adjacency, labels):
    """How to eliminate the nodes of a graph such that the factors stay sparse.

    Two kinds of graphs are known by their numbers of nodes at each distance from some
    node. In near-trees, far ones are eliminated before near ones: each edge beyond
    those of a tree then adds at most two entries a level. In graphs that are long, or
    lie in a plane, few nodes separate one half from the other, and the method of
    minimum degree finds such nodes. That method takes very long for others, which are
    thus left out.

    Parameters
    ----------
    adjacency : csr_array of shape (n_nodes, n_nodes)
        Symmetric.
    labels : ndarray of shape (n_nodes,)
        Number of each node's component.

    Returns
    -------
    plan : tuple (order, method) or None
        An order of the nodes, and SuperLU's name of the method that permutes it
        further. ``None`` if factors are expected to be large.
    """
    n = adjacency.shape[0]
    if adjacency.nnz > MAX_MEAN_DEGREE * n:
        return None
    order, level = breadth_first(adjacency, labels)
    n_levels = level[-1] + 1
    n_loops = np.count_nonzero(adjacency.diagonal())
    sizes = np.bincount(labels)
    n_cycles = (adjacency.nnz - n_loops) // 2 - n + len(sizes)
    if 2 * n_cycles * n_levels <= adjacency.nnz:
        return order[::-1], "NATURAL"
    group, width = np.unique(labels[order] * n_levels + level, return_counts=True)
    size = sizes[group // n_levels]
    wide = (width**2 > MAX_SQUARED_WIDTH * size) & (size > SMALL_COMPONENT)
    return None if wide.any() else (np.arange(n), "MMD_AT_PLUS_A")


def breadth_first(adjacency, labels):
    """Nodes by their distance from the first node of their component.

    Returns
    -------
    order : ndarray of shape (n_nodes,)
    level : ndarray of shape (n_nodes,), int64
        Number of edges to that node, ascending, in the same order.
    """
    n = adjacency.shape[0]
    _, roots = np.unique(labels, return_index=True)
    # All components at once: one more node has an edge to the first node of each.
    indices = np.append(adjacency.indices, np.sort(roots).astype(np.int32))
    indptr = np.append(adjacency.indptr, len(indices))
    ones = np.broadcast_to(np.float64(1), len(indices))
    pattern = sparse.csr_array((ones, indices, indptr), shape=(n + 1, n + 1))
    order, before = breadth_first_order(with_small_indices(pattern), n)
    place = np.empty(n + 1, dtype=np.int64)
    place[order] = np.arange(n + 1)
    ancestor = np.append(0, place[before[order[1:]]])
    level = np.ones(n + 1, dtype=np.int64)
    level[0] = 0
    while ancestor.any():  # twice as many steps each time
        level += level[ancestor]
        ancestor = ancestor[ancestor]
    return order[1:].astype(np.int64), level[1:] - 1


def grounded_laplacian(adjacency, order):
    """The normalized Laplacian, regular by 1 more on the diagonal of some nodes.

    They are the nodes of the highest degree of each component. For a right-hand side
    without a part in the null space, the solution is 0 at these nodes, and the same as
    that of the Laplacian itself but for its part in the null space.

    Parameters
    ----------
    adjacency : NormalizedAdjacency
    order : ndarray of shape (n_nodes,)
        Order of the rows and columns.

    Returns
    -------
    laplacian : csc_array of shape (n_nodes, n_nodes)
    """
    A, scale, n = adjacency.adjacency, adjacency.scale, len(order)
    data = A.data * np.repeat(-scale, np.diff(A.indptr))
    data *= scale[A.indices]
    S = sparse.csr_array((data, A.indices, A.indptr), shape=A.shape)
    by_degree = np.lexsort((np.where(scale > 0, scale, np.inf), adjacency.labels))
    _, first = np.unique(adjacency.labels[by_degree], return_index=True)
    diagonal = np.ones(n)
    diagonal[by_degree[first]] += 1
    laplacian = (S + sparse.diags_array(diagonal)).tocsr()[order][:, order]
    return with_small_indices(laplacian.tocsc())


def bounded_factors(matrix, method):
    """Exact triangular factors of a positive definite matrix, if they are small.

    Incomplete factorization drops entries by size, or beyond a total number. With no
    limit of size and factors within the number, nothing is dropped.

    Returns
    -------
    factors : SuperLU or None
    """
    fill = min(MAX_FILL, MAX_FACTOR_BYTES / (12 * matrix.nnz))
    if fill < 2:
        return None
    try:
        factors = spilu(
            matrix,
            drop_tol=0,
            fill_factor=fill,
            permc_spec=method,
            diag_pivot_thresh=0,
            options={"SymmetricMode": True},
        )
    except (RuntimeError, MemoryError):  # singular in this precision, or too large
        return None
    right = np.random.default_rng(0).standard_normal(matrix.shape[0])
    error = matrix @ factors.solve(right) - right
    is_exact = np.linalg.norm(error) <= 1e-6 * np.linalg.norm(right)
    return factors if is_exact else None
