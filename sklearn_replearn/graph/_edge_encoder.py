"""Pairs of nodes as features, for link prediction that does not see its answers."""

from functools import partial
from itertools import chain

import numpy as np
from scipy import sparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils import check_consistent_length, column_or_1d

from sklearn_replearn._sklearn import StrOptions, _fit_context
from sklearn_replearn._validation import is_missing, unchanged_by_errors
from sklearn_replearn.graph._construction import index_of, rows_of
from sklearn_replearn.graph._node_lookup import BaseNodeLookup

OPERATORS = {
    "hadamard": np.multiply,
    "average": lambda u, v: (u + v) / 2,
    "l1": lambda u, v: np.abs(u - v),
    "l2": lambda u, v: (u - v) ** 2,
}


class EdgeEncoder(ClassNamePrefixFeaturesOutMixin, BaseNodeLookup):
    r"""Encode pairs of node ids by an operator on the vectors of the two nodes.

    For link prediction [1]_: a classifier behind it tells pairs with an edge from pairs
    without. By default the graph is made of the positive pairs that :meth:`fit` gets,
    so that in cross-validation the edges of the test fold are not in it. With the
    vectors u and v of the two nodes, the features of the pair are

    ============  ===========================
    `operator`    features
    ============  ===========================
    "hadamard"    :math:`u_i v_i`
    "average"     :math:`(u_i + v_i) / 2`
    "l1"          :math:`|u_i - v_i|`
    "l2"          :math:`(u_i - v_i)^2`
    ============  ===========================

    which do not depend on which of the nodes comes first.

    Parameters
    ----------
    graph : edge table, networkx graph, sparse matrix or tuple, default=None
        ``None``: the undirected graph of the pairs in :meth:`fit` whose label is the
        larger one. Every id in X is a node, those in negative pairs only without an
        edge, and a pair that occurs several times, in either order, is one edge of
        weight 1.

        Else any form that :func:`as_adjacency` takes; `y` is then not used. **Edges
        that are to be predicted must not be in it**: with the whole graph a model finds
        the test edges in the vectors, and scores high where nothing can be predicted.
        It is not changed, and clones share it.
    embedder : transformer of an adjacency, default=None
        Gives each node its vector, as in :class:`NodeEncoder`. ``None`` is
        :class:`NetMF` of 32 components, or as many as the graph has, with
        ``random_state=0``.
    operator : {"hadamard", "average", "l1", "l2"}, default="hadamard"
        From two vectors to the features of the pair.
    handle_unknown : {"zero", "error", "mean"}, default="zero"
        What becomes of ids that are not in the graph, and of missing ones (``None``,
        NaN).

        - "zero": a vector of zeros, as a node without edges has. In cross-validation
          there are always nodes without an edge, or without a pair, in the training
          folds, so this is the default.
        - "error": a ValueError that says which id it is, and where.
        - "mean": the mean of the vectors of all nodes of the graph.
    memory : str, path or joblib.Memory, default=None
        Where embeddings are kept, so that a grid over the classifier embeds the graph
        of each fold once. An embedder with ``random_state=None`` keeps the result that
        it had by chance.

    Attributes
    ----------
    embedder_ : estimator
        The fitted embedder.
    node_names_ : ndarray of shape (n_nodes,), dtype object
        Id of each node, in the order of first appearance if the graph is made of X.
    node_vectors_ : ndarray of shape (n_nodes, n_components_)
        Vector of each node.
    n_components_ : int
        Number of dimensions, of the nodes and of the pairs.
    n_features_in_ : int
        2.
    feature_names_in_ : ndarray of shape (2,)
        Names of the columns seen in :meth:`fit`, where they are strings.

    See Also
    --------
    NodeEncoder : Encodes columns of ids side by side.

    Notes
    -----
    Labels are two numbers, such as 0 and 1 or -1 and 1, or booleans: the larger means
    an edge. Negative pairs are the caller's to draw, as a rule as many as there are
    edges, at random among the pairs without one.

    The edges of the training pairs shape the vectors, those of the test pairs do not.
    The features of both kinds of pair therefore follow somewhat different
    distributions, which regularisation of the classifier makes good for. To have them
    follow the same, pass as `graph` a third set of edges.

    References
    ----------
    .. [1] A. Grover and J. Leskovec, "node2vec: scalable feature learning for
       networks", KDD 2016 (table 1: the operators).

    Examples
    --------
    Two groups of four, in which everyone knows everyone, but for one pair each:

    >>> from itertools import combinations, product
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_replearn.graph import EdgeEncoder, NetMF
    >>> edges = [*combinations("abcd", 2), *combinations("wxyz", 2)]
    >>> hidden = [edges.pop(0), edges.pop()]
    >>> pairs = edges + list(product("abcd", "wxyz"))
    >>> y = [1] * len(edges) + [0] * 16
    >>> encoder = EdgeEncoder(embedder=NetMF(n_components=2, random_state=0))
    >>> model = make_pipeline(encoder, LogisticRegression()).fit(pairs, y)
    >>> model.predict([*hidden, ("a", "w")])
    array([1, 1, 0])
    """

    _parameter_constraints = {
        **BaseNodeLookup._parameter_constraints,
        "operator": [StrOptions(set(OPERATORS))],
    }

    def __init__(
        self,
        graph=None,
        embedder=None,
        *,
        operator="hadamard",
        handle_unknown="zero",
        memory=None,
    ):
        self.graph = graph
        self.embedder = embedder
        self.operator = operator
        self.handle_unknown = handle_unknown
        self.memory = memory

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Embed the graph of the positive pairs, or the one that was given.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_pairs, 2)
            The ids of the two nodes of each pair: strings, numbers, tuples or anything
            hashable.
        y : array-like of shape (n_pairs,), default=None
            Two different numbers, or booleans; the larger means an edge. Needed with
            ``graph=None``, else ignored.

        Returns
        -------
        self : EdgeEncoder

        Raises
        ------
        ValueError
            If X is empty, sparse or complex or does not have two columns; if `y` is
            needed and missing, or does not hold two different numbers; if an id is
            missing or not in the graph and ``handle_unknown="error"``; if
            :func:`as_adjacency` or the embedder refuses the graph, or the embedder does
            not give one vector for each node.
        TypeError
            If `graph` is of another type, or an id is not hashable.
        """
        with unchanged_by_errors(self):
            columns = self._read_ids(X, reset=True)
            if len(columns) != 2:
                raise ValueError(
                    f"X has {len(columns)} feature(s), but {type(self).__name__} takes "
                    "pairs: two columns, with the ids of the two nodes."
                )
            if self.graph is None:
                labels = self._check_labels(y, len(columns[0]))
                names, index = self._number_nodes(columns)
                rows = self._look_up(columns, index)
                adjacency = _graph_of(rows[labels], len(names))
            else:
                adjacency, names, index = self._read_graph(columns)
            self._embed(adjacency, names, index)
        return self

    def transform(self, X):
        """Encode pairs of nodes.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_pairs, 2)
            The ids of the two nodes of each pair.

        Returns
        -------
        Z : ndarray of shape (n_pairs, n_components_)
            In the precision of `node_vectors_`.

        Raises
        ------
        ValueError
            If an id is not in the graph and ``handle_unknown="error"``, or X does not
            have two columns.
        TypeError
            If an id is not hashable.
        """
        vectors = self._vectors(X)
        return OPERATORS[self.operator](vectors[:, 0], vectors[:, 1])

    def _number_nodes(self, columns):
        """Distinct ids in the order of first appearance, and the row of each."""
        for number, column in enumerate(columns):  # refuse what is not hashable
            rows_of(column, {}, partial(self._place, number))
        ids = dict.fromkeys(chain.from_iterable(zip(*columns, strict=True)))
        known = [node for node in ids if not is_missing(node)]
        if not known:
            raise ValueError("All ids of X are missing; there must be one at least.")
        names = np.fromiter(known, dtype=object, count=len(known))
        return names, index_of(known)

    def _check_labels(self, y, n_pairs):
        """Which pairs are edges."""
        name = type(self).__name__
        if y is None:
            raise ValueError(
                f"{name} requires y to be passed, but the target y is None: with "
                "graph=None the edges are the pairs with the larger label; pass y, or "
                "a graph."
            )
        labels = column_or_1d(y)
        check_consistent_length(range(n_pairs), labels)
        if labels.dtype.kind == "O":
            labels = np.array(labels.tolist())
        if labels.dtype.kind not in "biuf":
            raise ValueError(
                "y must hold two numbers, the larger of which means an edge, but has "
                f"labels such as {labels[0]!r}; pass 0 and 1."
            )
        if not np.isfinite(labels).all():
            raise ValueError("y holds NaN or infinity; pass 0 and 1.")
        classes = np.unique(labels)
        if len(classes) != 2:
            found = "one class" if len(classes) == 1 else f"{len(classes)} classes"
            raise ValueError(
                f"y has {found}, but two are needed: the larger label for pairs with "
                "an edge, and the smaller for pairs without."
            )
        return labels == classes[1]

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False  # not any table, but pairs
        tags.target_tags.required = self.graph is None
        return tags


def _graph_of(edges, n_nodes):
    """Adjacency of pairs of rows, each of weight 1; no edges to what is missing."""
    edges = edges[(edges >= 0).all(axis=1)]
    ends = np.concatenate([edges, edges[:, ::-1]]).T
    shape = (n_nodes, n_nodes)
    adjacency = sparse.csr_array((np.ones(ends.shape[1]), tuple(ends)), shape=shape)
    adjacency.sum_duplicates()
    adjacency.data[:] = 1
    return adjacency
