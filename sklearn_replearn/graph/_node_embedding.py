"""What the embeddings of the nodes of a graph share: input, and the formula of rows."""

from abc import ABCMeta, abstractmethod

import numpy as np
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_replearn._fitted_state import drop_fitted, unchanged_by_errors
from sklearn_replearn._sklearn import _fit_context
from sklearn_replearn._warnings import warn
from sklearn_replearn.graph._adjacency import check_order


class BaseNodeEmbedding(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Vectors of nodes, each a function of the node's row of the adjacency alone.

    A row is encoded in two steps: statistics of it, one for each fitted node, then
    their product with `components_`. The fitted nodes' own rows are encoded in the
    same way, so that `fit_transform` is `fit` and then `transform`.
    """

    #: Why a node with out-edges may have a zero vector. Empty where such a vector is
    #: a place like any other.
    _why_zero = ""

    def fit(self, X, y=None):
        """Embed the nodes of a graph.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_nodes, n_nodes)
            Adjacency: ``X[i, j]`` is the weight of the edge from node i to node j, at
            least 0, and 0 where there is none. Self-loops are on the diagonal.
        y : None
            Ignored.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If X is empty, complex or not square, or holds NaN, infinite or negative
            weights.
        """
        self._fit(X)
        return self

    def fit_transform(self, X, y=None):
        """Embed the nodes of a graph, and return their vectors.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_nodes, n_nodes)
            Adjacency, as in :meth:`fit`.
        y : None
            Ignored.

        Returns
        -------
        E : ndarray of shape (n_nodes, n_components_)
            `embedding_`: row i is the vector of node i.
        """
        self._fit(X)
        return self.embedding_

    def transform(self, X):
        """Embed nodes by their edges to the fitted nodes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_nodes)
            Row i holds the weights of the edges from node i, which may be new, to the
            nodes that were fitted.

        Returns
        -------
        E : ndarray of shape (n_samples, n_components_)
            In X's own precision. A node without edges has a zero vector.
        """
        check_is_fitted(self)
        return self._encode_checked(check_adjacency(self, X))

    @_fit_context(prefer_skip_nested_validation=True)
    def _fit(self, X):
        with unchanged_by_errors(self):
            drop_fitted(self)
            adjacency = check_adjacency(self, X, reset=True)
            if adjacency.nnz == 0:
                warn(
                    f"The graph of {adjacency.shape[0]} nodes has no edge: all node "
                    "vectors are zero.",
                )
                k = min(self.n_components, adjacency.shape[0])
                attributes = self._zero_components(k, adjacency)
            else:
                attributes = self._learn(adjacency)
            vars(self).update(attributes)
            self.n_components_ = len(self.components_)
            if "embedding_" not in attributes:
                self.embedding_ = self._encode_checked(adjacency)
            self.embedding_ = self.embedding_.astype(adjacency.dtype, copy=False)
            if self.components_.any():
                self._warn_of_zero_vectors(adjacency)

    def _warn_of_zero_vectors(self, adjacency):
        """Say how many nodes that have edges get zero vectors, and why."""
        is_zero = ~self.embedding_.any(axis=1)
        has_out_edge = np.diff(adjacency.indptr) > 0
        has_in_edge = np.bincount(adjacency.indices, minlength=len(is_zero)) > 0
        n_nodes = len(is_zero)
        sinks = np.flatnonzero(is_zero & has_in_edge & ~has_out_edge)
        if len(sinks):
            warn(
                f"{len(sinks)} of {n_nodes} nodes have in-edges but no out-edges (the "
                f"first is node {sinks[0]}) and get zero vectors in embedding_, which "
                "is computed from out-edges; pass X + X.T if directions do not matter."
            )
        others = np.flatnonzero(is_zero & has_out_edge)
        if len(others) and self._why_zero:
            warn(
                f"{len(others)} of {n_nodes} nodes with out-edges get zero vectors "
                f"(the first is node {others[0]}): {self._why_zero}."
            )

    @abstractmethod
    def _learn(self, adjacency):
        """What is fitted to a graph with at least one edge, by attribute.

        Among it is `components_`, an array of shape (n_components_, n_nodes), and, if
        it is at hand, what :meth:`_encode` gives for the graph, as `embedding_`.
        """

    @abstractmethod
    def _encode(self, rows):
        """Vectors of the nodes with these rows of the adjacency, in CSR format."""

    @staticmethod
    def _zero_components(n_components, adjacency):
        shape = (n_components, adjacency.shape[0])
        return {"components_": np.zeros(shape, dtype=adjacency.dtype)}

    def _encode_checked(self, rows):
        if not self.components_.any():
            return np.zeros((rows.shape[0], self.n_components_), dtype=rows.dtype)
        return self._encode(rows).astype(rows.dtype, copy=False)

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = True
        tags.input_tags.positive_only = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def check_adjacency(estimator, X, *, reset=False):
    """An adjacency, or rows of one, in canonical CSR format without zeros.

    With `reset` it is that of the graph to fit, and the estimator is told its size.
    """
    if reset:
        check_order(X)
    X = validate_data(
        estimator, X, reset=reset, accept_sparse="csr", dtype=(np.float64, np.float32)
    )
    X = canonical_csr(X)
    check_weights(X, f"{type(estimator).__name__}.{'fit' if reset else 'transform'}")
    if reset and X.shape[0] != X.shape[1]:
        raise ValueError(
            f"The adjacency must be square, but X has shape {X.shape}; fit takes the "
            "edges between all nodes, and transform the rows of new ones."
        )
    return X


def canonical_csr(X):
    """X in CSR format: sorted, without repeated entries or stored zeros.

    The arrays of a matrix that has this form already are shared, not copied.
    """
    if not sparse.issparse(X):
        return sparse.csr_array(X)
    X = X.tocsr()
    A = sparse.csr_array((X.data, X.indices, X.indptr), shape=X.shape)
    if A.has_canonical_format and A.data.all():
        return A
    A = A.copy()
    A.sum_duplicates()
    A.eliminate_zeros()
    return A


def check_weights(adjacency, whom):
    """Refuse negative weights, naming an edge that has one."""
    if adjacency.nnz and adjacency.data.min() < 0:
        position = int(adjacency.data.argmin())
        row = int(np.searchsorted(adjacency.indptr, position, side="right")) - 1
        raise ValueError(
            f"Negative values in data passed to {whom}: the weight of the edge from "
            f"row {row} to column {adjacency.indices[position]} is "
            f"{adjacency.data[position]:.4g}, but weights must be at least 0."
        )
