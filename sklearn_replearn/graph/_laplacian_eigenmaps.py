"""Node vectors that change least along the edges: eigenvectors of the Laplacian."""

from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_replearn._components import available_components
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn._warnings import warn
from sklearn_replearn.graph._degrees import root_degrees
from sklearn_replearn.graph._eigenpairs import MAX_PRODUCTS, largest_eigenpairs
from sklearn_replearn.graph._node_embedding import BaseNodeEmbedding
from sklearn_replearn.graph._nystrom import nystrom_components, nystrom_vectors
from sklearn_replearn.graph._symmetry import asymmetric_pair, not_symmetric

#: Below this |1 - lambda| the formula of rows divides rounding errors by nothing.
SMALLEST_DIVISOR = 1e-6

#: Residuals below this are rounding errors.
SMALLEST_TOL = 1e-12


class LaplacianEigenmaps(BaseNodeEmbedding):
    r"""Node vectors that change least along the edges.

    With the adjacency A and the degrees :math:`D = \mathrm{diag}(d)`, a coordinate y of
    the nodes is one that minimises

    .. math::

       \sum_{i < j} A_{ij} (y_i - y_j)^2
       \quad \text{given} \quad y^{\mathsf T} D y = 1 ,

    and is orthogonal to those before it, beginning with the constant one, which is left
    out [1]_. These are the first solutions of :math:`(D - A) y = \lambda D y`. For a
    node with the edges a, new or known, Nyström's formula gives

    .. math::

       y = \frac{1}{1 - \lambda} \sum_j \frac{a_j}{\sum a}\, y_j ,

    a mean of its neighbours, pushed outwards a little. A node of the graph gets the
    vector that it has.

    Parameters
    ----------
    n_components : int, default=2
        Number of dimensions. More than the nodes with edges less one are cut to that,
        with a warning.
    normalization : {"symmetric", "random_walk"} or None, default="symmetric"
        Which eigenvectors, to the same eigenvalues.

        - None: y as above, Belkin and Niyogi's own.
        - "random_walk": y scaled to unit length: eigenvectors of :math:`I - D^{-1} A`.
        - "symmetric": :math:`D^{1/2} y`, of unit length: eigenvectors of
          :math:`I - D^{-1/2} A D^{-1/2}`. Nodes of high degree are further out.
    tol : float, default=1e-9
        Above 0: length that :math:`D^{-1/2} A D^{-1/2} v - (1 - \lambda) v` may have
        for an eigenvector v of unit length, in graphs of more than 512 nodes; smaller
        ones are solved exactly. Larger values take less time. Not less than 1e-12 is
        reached.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components_)
        The vectors of the fitted nodes. The entry of largest absolute value in each
        column is positive.
    components_ : ndarray of shape (n_components_, n_nodes)
        What a node's edges are multiplied by: :math:`y_j / (1 - \lambda)`, or for
        "symmetric" :math:`v_j / ((1 - \lambda) \sqrt{d_j})`; edges count as
        :math:`a_j / \sum a`, or :math:`a_j / \sqrt{\sum a}`.
    eigenvalues_ : ndarray of shape (n_components_,)
        :math:`\lambda`, ascending, from 0 (constant in each component of the graph)
        to 2.
    n_components_ : int
        Number of dimensions.
    n_features_in_ : int
        Number of nodes seen in :meth:`fit`.
    feature_names_in_ : ndarray of shape (n_nodes,)
        Their names, where X has string column names.

    See Also
    --------
    GraphClusterEncoder : Clusters of nodes, by default in these coordinates.
    NetMF : Vectors of many dimensions, which classify nodes better.
    NodeEncoder : From a column of node ids to vectors.
    sklearn.manifold.SpectralEmbedding : For tables, without `transform`.

    Notes
    -----
    Graphs are undirected; self-loops count once in the degree. A node without edges has
    a zero vector.

    A graph of c components has c eigenvalues 0. One of these eigenvectors is constant;
    the other c - 1 come first and tell the components apart, the largest from all
    others, the next from the rest, and so on. With many small components `n_components`
    is soon used up: take the largest one alone.

    Where :math:`|1 - \lambda|` is below 1e-6, new nodes have no vector, and the
    component is dropped with a warning: stars and other graphs in which every node of
    one side knows every node of the other have mostly such.

    Eigenvectors whose eigenvalues differ by g are exact to about `tol` / g. If a
    multiple eigenvalue is the last, any vectors of its space may be kept, the same in
    every run.

    Up to 512 nodes the matrix is decomposed by LAPACK. For larger graphs, blocks of a
    few vectors more than `n_components` go through Chebyshev filters of growing degree
    [2]_, which find multiple eigenvalues as often as they occur. The time is that of
    the products with a block. They are products with the graph, dozens for a graph
    with clusters and hundreds for one without (random graphs); or, for long graphs
    (paths, grids, trees, road networks), a few dozen products with the inverse of the
    Laplacian, by sparse triangular factors. Those are used if few nodes separate one
    half of the graph from the other, judged by the numbers of nodes at each distance
    from some node, and if they have at most 20 times the entries of the graph and at
    most 1 GiB. The symmetry test copies the graph once; otherwise no more than some
    five blocks are kept beside the factors. Everything is computed in double precision.

    The weights may be of any size: their square roots, and those of the degrees, stay
    within the range of numbers. Two weights :math:`A_{ij}` and :math:`A_{ji}` are equal
    if they differ by at most 100 rounding errors, in X's precision.

    References
    ----------
    .. [1] M. Belkin and P. Niyogi, "Laplacian eigenmaps for dimensionality reduction
       and data representation", Neural Computation 15, 2003.
    .. [2] Y. Zhou and Y. Saad, "A Chebyshev-Davidson algorithm for large symmetric
       eigenproblems", SIAM Journal on Matrix Analysis and Applications 29, 2007.

    Examples
    --------
    Two triangles, joined by an edge, and a new node that knows two of the second:

    >>> import numpy as np
    >>> from sklearn_replearn.graph import LaplacianEigenmaps
    >>> A = np.zeros((6, 6))
    >>> for i, j in [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5)]:
    ...     A[i, j] = A[j, i] = 1
    >>> eigenmaps = LaplacianEigenmaps(n_components=1, normalization=None).fit(A)
    >>> eigenmaps.embedding_.T.round(2)
    array([[ 0.31,  0.31,  0.19, -0.19, -0.31, -0.31]])
    >>> eigenmaps.eigenvalues_.round(2)
    array([0.2])
    >>> eigenmaps.transform([[0, 0, 0, 0, 1, 1]]).round(2)
    array([[-0.4]])
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "normalization": [StrOptions({"symmetric", "random_walk"}), None],
        "tol": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, n_components=2, *, normalization="symmetric", tol=1e-9):
        self.n_components = n_components
        self.normalization = normalization
        self.tol = tol

    def _learn(self, adjacency):
        pair = asymmetric_pair(adjacency)
        if pair:
            raise ValueError(
                "LaplacianEigenmaps takes undirected graphs, but "
                f"{not_symmetric(adjacency, pair)}."
            )
        roots = root_degrees(adjacency)
        k = available_components(
            self.n_components,
            np.count_nonzero(roots) - 1,
            "nodes with edges less one",
        )
        tol = max(self.tol, SMALLEST_TOL)
        mu, V, residual = largest_eigenpairs(adjacency, roots, k, tol)
        if residual > tol:
            warn(
                f"The eigenvectors have not converged after {MAX_PRODUCTS:,} products "
                f"with the graph: residuals are up to {residual:.1e}, above "
                f"tol={tol:.1e}, since eigenvalues lie close together; raise tol if "
                "such vectors will do.",
                ConvergenceWarning,
            )
        kept = np.abs(mu) >= SMALLEST_DIVISOR
        if not kept.all():
            self._warn_of_dropped(kept)
        if not kept.any():
            n_zero = min(self.n_components, len(roots))
            return self._zero_components(n_zero, adjacency)
        mu, V = mu[kept], V[:, kept]
        return {
            "components_": nystrom_components(mu, V, roots, self.normalization),
            "eigenvalues_": np.clip(1 - mu, 0, 2),
        }

    def _encode(self, rows):
        return nystrom_vectors(rows, self.components_, self.normalization)

    def _warn_of_dropped(self, kept):
        n_kept = np.count_nonzero(kept)
        outcome = f"{n_kept} are kept" if n_kept else "all vectors are zero"
        warn(
            f"n_components={self.n_components}, but for {len(kept) - n_kept} of them "
            "the eigenvalue of the Laplacian is 1, where new nodes have no vector; "
            f"{outcome}.",
        )

    @staticmethod
    def _zero_components(n_components, adjacency):
        attributes = BaseNodeEmbedding._zero_components(n_components, adjacency)
        return {**attributes, "eigenvalues_": np.zeros(n_components)}
