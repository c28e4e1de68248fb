"""Clusters of the nodes of a graph, as one-hot features."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    clone,
)
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._fitted_state import drop_fitted, unchanged_by_errors
from sklearn_replearn._scaling import unit_rows
from sklearn_replearn._seeds import as_seed
from sklearn_replearn._sklearn import HasMethods, Interval, _fit_context
from sklearn_replearn._warnings import warn
from sklearn_replearn.graph._degrees import root_degrees, root_volume
from sklearn_replearn.graph._laplacian_eigenmaps import LaplacianEigenmaps
from sklearn_replearn.graph._node_embedding import check_adjacency

#: Number of runs of k-means, of which the best is kept.
N_INIT = 10

#: Decimals of unit vectors that are not rounding errors; of squared distances, twice.
DECIMALS = 6


class GraphClusterEncoder(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    r"""One-hot features that say which cluster of the graph a node belongs to.

    The nodes are embedded, their vectors scaled to unit length, and clustered by
    k-means. By default this is the spectral clustering of Ng, Jordan and Weiss [1]_:
    with the k = `n_clusters` first eigenvectors :math:`v_1, \dots, v_k` of the
    Laplacian :math:`I - D^{-1/2} A D^{-1/2}`, a node has the vector

    .. math:: (v_{1i}, \dots, v_{ki}) / \|(v_{1i}, \dots, v_{ki})\| ,

    and k-means looks for centers :math:`c` and clusters :math:`z` that minimise the sum
    of the squared distances of these vectors to :math:`c_{z_i}`. Nodes of one cluster
    have many edges among them and few to others. A row of the adjacency, of a fitted
    node or a new one, goes to the cluster of the nearest center.

    As the embedder of a :class:`NodeEncoder` it turns a column of categories, such as
    zip codes, into indicators of some groups of them.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters. Values above the number of different node vectors are
        reduced to it, with a warning.
    embedder : transformer of an adjacency, default=None
        Gives the nodes their vectors; it is cloned before it is fitted. Its vectors are
        also scaled to unit length, so that directions count and the degrees of nodes
        do not. It gets the adjacency in CSR format, or as an array if its tags refuse
        sparse matrices. ``None`` is :class:`LaplacianEigenmaps` of ``n_clusters - 1``
        components, to which the constant one is added: :math:`v_{1i} = \sqrt{d_i /
        \sum_j d_j}`.
    random_state : int, RandomState instance or None, default=None
        Initial centers; also the `random_state` of the embedder, if that is ``None``.

    Attributes
    ----------
    labels_ : ndarray of shape (n_nodes,)
        Cluster of each fitted node, by decreasing size; -1 for a node whose vector is
        zero, as that of a node without edges is.
    cluster_centers_ : ndarray of shape (n_clusters_, n_dimensions)
        Centers of the unit vectors.
    n_clusters_ : int
        Number of clusters.
    embedder_ : estimator
        The fitted embedder.
    n_features_in_ : int
        Number of nodes seen in :meth:`fit`.
    feature_names_in_ : ndarray of shape (n_nodes,)
        Their names, where X has string column names.

    See Also
    --------
    LaplacianEigenmaps : The coordinates in which nodes are clustered.
    NodeEncoder : From a column of node ids to features.
    sklearn.cluster.SpectralClustering : For tables, without `transform`.

    Notes
    -----
    By default the graph is undirected; :class:`NetMF` and others embed directed ones.

    The clusters of a graph of c components are its components if ``n_clusters=c``. With
    fewer clusters, the smallest components share one.

    Everything is computed in double precision; weights in float32 are copied.

    References
    ----------
    .. [1] A. Y. Ng, M. I. Jordan and Y. Weiss, "On spectral clustering: analysis and an
       algorithm", NeurIPS 2001.

    Examples
    --------
    Two triangles, joined by an edge, and a new node that knows two of the second:

    >>> import numpy as np
    >>> from sklearn_replearn.graph import GraphClusterEncoder
    >>> A = np.zeros((6, 6))
    >>> for i, j in [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5)]:
    ...     A[i, j] = A[j, i] = 1
    >>> encoder = GraphClusterEncoder(n_clusters=2, random_state=0).fit(A)
    >>> encoder.labels_
    array([0, 0, 0, 1, 1, 1])
    >>> encoder.transform([[0, 0, 0, 0, 1, 1]])
    array([[0., 1.]])

    Zip codes of two towns as two groups:

    >>> from sklearn_replearn.graph import NodeEncoder, tree_to_adjacency
    >>> tree = tree_to_adjacency([
    ...     ("Kent", "98030"), ("Kent", "98031"), ("Lynden", "98264"),
    ...     ("Lynden", "98266"),
    ... ])
    >>> groups = NodeEncoder(tree, GraphClusterEncoder(n_clusters=2, random_state=0))
    >>> Z = groups.fit_transform([["98030"], ["98264"], ["98031"]])
    >>> bool((Z[0] == Z[2]).all()), bool((Z[0] == Z[1]).all())
    (True, False)
    """

    _parameter_constraints = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "embedder": [None, HasMethods(["fit_transform", "transform"])],
        "random_state": ["random_state"],
    }

    def __init__(self, n_clusters=8, *, embedder=None, random_state=None):
        self.n_clusters = n_clusters
        self.embedder = embedder
        self.random_state = random_state

    def fit(self, X, y=None):
        """Cluster the nodes of a graph.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_nodes, n_nodes)
            Adjacency: ``X[i, j]`` is the weight of the edge from node i to node j, at
            least 0, and 0 where there is none. Self-loops are on the diagonal.
        y : None
            Ignored.

        Returns
        -------
        self : GraphClusterEncoder

        Raises
        ------
        ValueError
            If X is empty, complex or not square, or holds NaN, infinite or negative
            weights; or if the embedder refuses it, as the default one does if X is not
            symmetric.
        """
        self._fit(X)
        return self

    def fit_transform(self, X, y=None):
        """Cluster the nodes of a graph, and return indicators of their clusters.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_nodes, n_nodes)
            Adjacency, as in :meth:`fit`.
        y : None
            Ignored.

        Returns
        -------
        Z : ndarray of shape (n_nodes, n_clusters_)
            As :meth:`transform` gives for X.
        """
        dtype = self._fit(X)
        return one_hot(self.labels_, self.n_clusters_, dtype)

    def transform(self, X):
        """Indicators of the clusters of nodes, by their edges to the fitted nodes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_nodes)
            Row i holds the weights of the edges from node i, which may be new, to the
            nodes that were fitted.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_clusters_)
            1 for the cluster of the node and 0 for others, in X's own precision. A node
            whose vector is zero has a row of zeros.
        """
        check_is_fitted(self)
        rows = check_adjacency(self, X)
        return one_hot(self._nearest(rows), self.n_clusters_, rows.dtype)

    def predict(self, X):
        """Clusters of nodes, by their edges to the fitted nodes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_nodes)
            Rows, as in :meth:`transform`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Number of the cluster; -1 for a node whose vector is zero.
        """
        check_is_fitted(self)
        return self._nearest(check_adjacency(self, X))

    @_fit_context(prefer_skip_nested_validation=False)
    def _fit(self, X):
        """Set the fitted attributes, and return the dtype of X."""
        with unchanged_by_errors(self):
            drop_fitted(self)
            adjacency = check_adjacency(self, X, reset=True)
            random_state = check_random_state(self.random_state)
            self.embedder_ = self._make_embedder(random_state)
            self._root_volume = None
            if self.embedder is None:
                self._root_volume = root_volume(root_degrees(adjacency))
            units = self._unit_vectors(adjacency, fit=True)
            self.cluster_centers_ = cluster(
                units, self.n_clusters, as_seed(random_state)
            )
            self.labels_ = nearest_centers(units, self.cluster_centers_)
            self.n_clusters_ = len(self.cluster_centers_)
        if self.n_clusters_ < self.n_clusters and units.any():
            warn(
                f"n_clusters={self.n_clusters} is more than the {self.n_clusters_} "
                f"that the graph allows (different node vectors); {self.n_clusters_} "
                "are kept.",
            )
        return adjacency.dtype

    def _make_embedder(self, random_state):
        if self.embedder is None:
            return LaplacianEigenmaps(max(self.n_clusters - 1, 1))
        embedder = clone(self.embedder)
        for name, value in embedder.get_params().items():
            if value is None and name.split("__")[-1] == "random_state":
                embedder.set_params(**{name: as_seed(random_state)})
        if hasattr(embedder, "set_output"):
            embedder.set_output(transform="default")
        return embedder

    def _unit_vectors(self, rows, *, fit=False):
        """Vectors of nodes, scaled to unit length, or zero."""
        encode = self.embedder_.fit_transform if fit else self.embedder_.transform
        if fit and self.embedder is None:
            encode = self.embedder_.transform
            with warnings.catch_warnings():  # `fit` warns of the number of clusters
                warnings.filterwarnings("ignore", "n_components=", UserWarning)
                self.embedder_.fit(rows)  # tests the symmetry in the precision of X
        rows = rows.astype(np.float64, copy=False)
        sparse = get_tags(self.embedder_).input_tags.sparse
        vectors = np.asarray(encode(rows if sparse else rows.toarray()))
        if self._root_volume:
            constant = root_degrees(rows) / self._root_volume
            vectors = np.column_stack([constant, vectors])
        return unit_rows(vectors)

    def _nearest(self, rows):
        return nearest_centers(self._unit_vectors(rows), self.cluster_centers_)

    @property
    def _n_features_out(self):
        return self.n_clusters_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = True
        tags.input_tags.positive_only = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def cluster(units, n_clusters, seed):
    """Centers of clusters of vectors, by decreasing size; zero vectors are left out.

    Returns
    -------
    centers : ndarray of shape (n_centers, n_dimensions)
        `n_clusters`, or fewer if there are fewer different vectors.
    """
    points = units[units.any(axis=1)].round(DECIMALS)  # or noise would make clusters
    if not len(points):
        return np.zeros((min(n_clusters, len(units)), units.shape[1]))
    means = KMeans(min(n_clusters, len(points)), n_init=N_INIT, random_state=seed)
    with warnings.catch_warnings():  # how many there are is told by `fit`
        warnings.filterwarnings("ignore", "Number of distinct", ConvergenceWarning)
        means.fit(points)
    sizes = np.bincount(means.labels_, minlength=means.n_clusters)
    order = np.argsort(-sizes, kind="stable")
    return means.cluster_centers_[order[: np.count_nonzero(sizes)]]


def nearest_centers(units, centers):
    """Number of the center that is nearest to each vector, -1 for zero vectors.

    Of several that are equally near but for rounding, it is the first.
    """
    distances = [((units - center) ** 2).sum(axis=1) for center in centers]
    labels = np.argmin(np.round(distances, 2 * DECIMALS), axis=0)
    return np.where(units.any(axis=1), labels, -1)


def one_hot(labels, n_clusters, dtype):
    """Indicators of the labels; a row of zeros for -1."""
    indicators = np.zeros((len(labels), n_clusters), dtype=dtype)
    nodes = np.flatnonzero(labels >= 0)
    indicators[nodes, labels[nodes]] = 1
    return indicators
