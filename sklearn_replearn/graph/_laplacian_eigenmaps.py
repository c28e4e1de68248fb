"""Node vectors that change least along the edges: eigenvectors of the Laplacian."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sklearn_replearn._linalg import (
    ThreadedSparseOperator,
    leading_signs,
    one_blas_thread,
    orthonormalize,
)
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn._validation import available_components
from sklearn_replearn._warnings import warn
from sklearn_replearn.graph._node_embedding import BaseNodeEmbedding, is_symmetric
from sklearn_replearn.graph._spectrum import component_labels, inverse

#: Nodes with edges up to which a dense matrix is decomposed.
DENSE_NODES = 512

#: Below this |1 - lambda| the formula of rows divides rounding errors by nothing.
SMALLEST_DIVISOR = 1e-6

#: Residuals below this are rounding errors.
SMALLEST_TOL = 1e-12

#: Products with the graph after which the iteration gives up.
MAX_PRODUCTS = 100_000

#: Degree of the first filter, when little is known about the spectrum.
FIRST_DEGREE = 8


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

    Up to 512 nodes the matrix is decomposed by LAPACK. Beyond, blocks of a few vectors
    more than `n_components` go through Chebyshev filters of growing degree
    [2]_, which find multiple eigenvalues as often as they occur. The graph is not
    copied (but for float64 weights, if it has float32), and no more than some five
    blocks are kept. The time is that of the products of the graph and a block:
    dozens for a graph with clusters, hundreds for one without (random graphs), and
    thousands for long ones (grids, road networks). Everything is computed in double
    precision.

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
        if not is_symmetric(adjacency):
            raise ValueError(
                "LaplacianEigenmaps takes undirected graphs, but the adjacency is not "
                "symmetric; pass X + X.T if directions do not matter."
            )
        degrees = adjacency.sum(axis=1, dtype=np.float64)
        k = available_components(
            self.n_components,
            np.count_nonzero(degrees) - 1,
            "nodes with edges less one",
        )
        tol = max(self.tol, SMALLEST_TOL)
        mu, V, residual = largest_eigenpairs(adjacency, degrees, k, tol)
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
            n_zero = min(self.n_components, len(degrees))
            return self._zero_components(n_zero, adjacency)
        mu, V = mu[kept], V[:, kept]
        if self.normalization != "symmetric":
            V *= np.sqrt(inverse(degrees))[:, np.newaxis]
        if self.normalization == "random_walk":
            V /= np.linalg.norm(V, axis=0)
        V *= _signs(V)
        if self.normalization == "symmetric":
            V *= np.sqrt(inverse(degrees))[:, np.newaxis]
        return {
            "components_": (V / mu).T,
            "eigenvalues_": np.clip(1 - mu, 0, 2),
        }

    def _encode(self, rows):
        rows = _in_double_precision(rows)
        factors = inverse(rows.sum(axis=1))
        if self.normalization == "symmetric":
            factors = np.sqrt(factors)
        return (rows @ self.components_.T) * factors[:, np.newaxis]

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


def _in_double_precision(adjacency):
    """With float64 weights; whatever else there is, is shared."""
    data = adjacency.data.astype(np.float64, copy=False)
    parts = (data, adjacency.indices, adjacency.indptr)
    return sparse.csr_array(parts, shape=adjacency.shape)


def _signs(V):
    """Signs that make the entry of largest absolute value in each column positive.

    Of several that are equal but for rounding, it is the first.
    """
    return leading_signs(np.round(V / np.abs(V).max(axis=0), 5).T)


def largest_eigenpairs(adjacency, degrees, n_components, tol):
    r"""The largest eigenvalues of the normalised adjacency, but for the first.

    Parameters
    ----------
    adjacency : csr_array of shape (n_nodes, n_nodes)
        Symmetric.
    degrees : ndarray of shape (n_nodes,)
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
    volumes = np.bincount(labels, weights=degrees)
    contrasts = component_contrasts(degrees, labels, volumes, n_components)
    n_missing = n_components - contrasts.shape[1]
    if n_missing == 0:
        return np.ones(n_components), contrasts, 0.0
    # What is known of each component: a number at each of its nodes.
    known = np.sqrt(degrees * inverse(volumes)[labels])
    n_nodes, n_known = np.count_nonzero(degrees), np.count_nonzero(volumes)
    width = n_missing + max(4, n_missing // 8)
    if n_nodes <= DENSE_NODES or 4 * width > n_nodes - n_known:
        mu, V = decompose(adjacency, degrees, labels, known, n_missing)
        residual = 0.0
    else:
        operator = NormalizedAdjacency(adjacency, degrees, labels, known)
        with one_blas_thread():  # so that results do not depend on their number
            mu, V, residual = filter_subspace(operator, n_missing, width, tol)
    if contrasts.shape[1]:
        mu = np.append(np.ones(contrasts.shape[1]), mu)
        V = np.hstack([contrasts, V])
    return mu, V, residual


def component_contrasts(degrees, labels, volumes, limit):
    r"""Orthonormal eigenvectors to the eigenvalue 1 that tell components apart.

    Divided by the square roots of the degrees, the first has one value in the component
    of the largest volume and another in all others, the second the same without that
    component, and so on.

    Returns
    -------
    contrasts : ndarray of shape (n_nodes, n_contrasts)
        At most `limit`, and one less than there are components with edges. All are
        orthogonal to the square roots of the degrees.
    """
    order = np.argsort(-volumes, kind="stable")[: np.count_nonzero(volumes)]
    k = min(limit, len(order) - 1)
    rest = volumes[order][::-1].cumsum()[::-1]  # the component and all after it
    volume, after, rest = volumes[order][:k], rest[1 : k + 1], rest[:k]
    inside, outside = np.sqrt(after / volume / rest), np.sqrt(volume / after / rest)
    rank = np.full((len(volumes), 1), len(order))
    rank[order, 0] = np.arange(len(order))
    steps = np.arange(k)
    values = np.where(rank == steps, inside, np.where(rank > steps, -outside, 0))
    contrasts = values[labels]
    contrasts *= np.sqrt(degrees)[:, np.newaxis]
    return contrasts


def decompose(adjacency, degrees, labels, known, n_wanted):
    """Eigenpairs by LAPACK, the known ones moved from 1 to -2."""
    nodes = np.flatnonzero(degrees)
    scale = np.sqrt(inverse(degrees[nodes]))
    S = adjacency[nodes][:, nodes].toarray().astype(np.float64)
    S *= scale[:, np.newaxis] * scale
    together = labels[nodes, np.newaxis] == labels[nodes]
    S -= 3 * known[nodes, np.newaxis] * known[nodes] * together
    w, U = np.linalg.eigh(S)
    V = np.zeros((len(degrees), n_wanted))
    V[nodes] = U[:, ::-1][:, :n_wanted]
    return w[::-1][:n_wanted], V


class NormalizedAdjacency:
    """Products with the normalised adjacency, and projection off what is known of it.

    It scales the vectors, not a copy of the graph.
    """

    def __init__(self, adjacency, degrees, labels, known):
        n = len(degrees)
        self.n_nodes = n
        self.n_products = 0
        self._adjacency = ThreadedSparseOperator(_in_double_precision(adjacency))
        self._scale = np.sqrt(inverse(degrees))[:, np.newaxis]
        self._isolated = np.flatnonzero(degrees == 0)
        parts = (known, labels, np.arange(n + 1, dtype=labels.dtype))
        self._known = sparse.csr_array(parts, shape=(n, labels.max() + 1))

    def __matmul__(self, X):
        self.n_products += 1
        Y = self._adjacency.matmat(np.multiply(X, self._scale, order="C"))
        Y *= self._scale
        return Y

    def project(self, Y):
        """Take from Y, in place, what the known vectors and isolated nodes have."""
        Y -= self._known @ (self._known.T @ Y)
        Y[self._isolated] = 0
        return Y


def filter_subspace(operator, n_wanted, width, tol):
    """The largest eigenpairs by subspace iteration with Chebyshev filters.

    A block of `width` vectors is multiplied by a polynomial of the matrix that is small
    on the unwanted part of the spectrum and grows fast above it, and the best
    approximations in its span take its place. Vectors that have converged are kept
    apart, and the others orthogonal to them.

    Returns
    -------
    w : ndarray of shape (n_wanted,)
        In descending order.
    X : ndarray of shape (n_nodes, n_wanted)
    residual : float
        The largest length of ``S @ x - w * x``.
    """
    rng = np.random.default_rng(0)  # so that no random_state is needed
    X = rng.standard_normal((operator.n_nodes, width))
    X, _ = orthonormalize(operator.project(X))
    degree, residual = FIRST_DEGREE, np.inf
    while True:
        image = operator @ X
        w, rotation = np.linalg.eigh(X.T @ image)
        w, rotation = w[::-1], rotation[:, ::-1]
        X, image = X @ rotation, image @ rotation
        residuals = np.linalg.norm(image - X * w, axis=0)[:n_wanted]
        before, residual = residual, residuals.max()
        if residual <= tol or operator.n_products >= MAX_PRODUCTS:
            return w[:n_wanted], X[:, :n_wanted], float(residual)
        locked = int(np.argmax(residuals > tol))
        chebyshev = ChebyshevFilter(w, n_wanted, locked, degree)
        used = chebyshev.sufficient_degree(residual / tol)
        if used == degree and residual > before / 5:
            degree *= 2  # for the next time: this was too little
        X[:, locked:] = filtered(operator, chebyshev, X, image, used)


def filtered(operator, chebyshev, X, image, degree):
    """The columns of X that are not locked, filtered, and orthonormal to the others."""
    locked = X[:, : chebyshev.locked]
    Y = chebyshev.apply(operator, X, image, degree)
    for _ in range(2):  # once more, where nearly dependent columns lost digits
        Y -= locked @ (locked.T @ Y)
        Y[:], _ = orthonormalize(operator.project(Y))
    return Y


class ChebyshevFilter:
    r"""A Chebyshev polynomial, mapped to the unwanted eigenvalues.

    Between -1 and `end` its values are at most 1 in size, and above they grow with its
    degree as :math:`\cosh(\text{degree} \cdot \text{growth})`.

    Parameters
    ----------
    w : ndarray of shape (width,)
        Estimates of the largest eigenvalues, descending.
    n_wanted : int
        How many of them are wanted.
    locked : int
        How many of these have converged.
    degree : int
        The largest degree.
    """

    def __init__(self, w, n_wanted, locked, degree):
        last = w[n_wanted - 1]
        # The unwanted part ends at the smallest estimate, or so far below the wanted
        # ones that the polynomial is 10 there, where a multiple eigenvalue fills the
        # block.
        end = max(min(w[-1], last - (1 + last) * 9 / (4 * degree**2)), -0.95)
        self.locked = locked
        self.degree = degree
        self.centre, self.half_width = (end - 1) / 2, (end + 1) / 2
        self.top = max(w[locked], end)
        self.growth_of_last = self._growth(last)
        self.growth_of_top = self._growth(self.top)

    def _growth(self, eigenvalue):
        return np.arccosh(max(1.0, (eigenvalue - self.centre) / self.half_width))

    def sufficient_degree(self, ratio):
        """The degree that brings errors down by a ratio, if the largest allows it.

        Columns that grow at different rates become dependent, so this limits it too.
        """
        needed = np.arccosh(3 * max(ratio, 1)) / max(self.growth_of_last, 1e-9)
        spread = 25 / max(self.growth_of_top - self.growth_of_last, 1e-9)
        return int(np.ceil(max(2, min(self.degree, needed, spread))))

    def apply(self, operator, X, image, degree):
        """Filter the columns of X that are not locked; they and `image` are lost.

        Scaled at each step to be 1 at the largest eigenvalue that is not locked.

        Parameters
        ----------
        X, image : ndarray of shape (n_nodes, width)
            Approximate eigenvectors, and their product with the matrix.
        """
        fixed = X[:, : self.locked]
        # Rounding errors grow fastest along known vectors, whose eigenvalue is 1.
        excess = self._growth(1.0) - self.growth_of_top
        period = max(1, int(14 / max(excess, 1e-9)))
        before, now = X[:, self.locked :], image[:, self.locked :]
        first = factor = self.half_width / (self.top - self.centre)
        now -= self.centre * before
        now *= factor / self.half_width
        for step in range(2, degree + 1):
            next_factor = 1 / (2 / first - factor)
            before *= -factor * next_factor
            self._add_product(operator, now, before, 2 * next_factor)
            before, now, factor = now, before, next_factor
            if step % period == 0:
                for block in (before, now):
                    operator.project(block)
                    block -= fixed @ (fixed.T @ block)
        lengths = np.linalg.norm(now, axis=0)
        now /= np.maximum(lengths, np.finfo(now.dtype).tiny)
        return now

    def _add_product(self, operator, X, total, factor):
        """Add to `total` the product of the matrix, mapped to [-1, 1], and X."""
        product = operator @ X
        product -= self.centre * X
        product *= factor / self.half_width
        total += product
