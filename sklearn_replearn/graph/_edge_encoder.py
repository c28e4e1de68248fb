"""Pairs of nodes as features, for link prediction without leaks."""

from functools import partial
from itertools import chain

import numpy as np
from scipy import sparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from sklearn_replearn._fitted_state import unchanged_by_errors
from sklearn_replearn._missing import is_missing
from sklearn_replearn._sklearn import StrOptions, _fit_context
from sklearn_replearn._warnings import warn
from sklearn_replearn.graph._node_ids import (
    ids_of,
    index_of,
    number_distinct,
    rows_of,
    shown,
)
from sklearn_replearn.graph._node_lookup import (
    BaseNodeLookup,
    as_objects,
    frame_columns,
)

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
        larger one. Every id in X is a node; a node that occurs only in pairs with the
        smaller label has no edge. A pair that occurs several times, in either order, is
        one edge of weight 1.

        Otherwise any form of a graph that :func:`as_adjacency` takes. **Edges that are
        to be predicted must not be in it**: the vectors of the whole graph contain the
        test edges, so that scores are high even where nothing can be predicted.
        :meth:`transform` warns if it finds this. The graph is not changed, and clones
        share it.
    embedder : transformer of an adjacency, default=None
        Gives each node its vector, as in :class:`NodeEncoder`. ``None`` is
        :class:`NetMF` of 32 components, or as many as the graph has, with
        ``random_state=0``.
    operator : {"hadamard", "average", "l1", "l2"}, default="hadamard"
        From two vectors to the features of the pair.
    handle_unknown : {"error", "zero", "mean"}, default="error"
        What happens to ids that are not in the graph, and to missing ones (``None``,
        NaN).

        - "error": a ValueError that says which id it is, and where.
        - "zero": a vector of zeros, as a node without edges has.
        - "mean": the mean of the vectors of all nodes of the graph.

        In cross-validation with ``graph=None``, a node of the test fold that is in no
        pair of the training folds is unknown. Choose "zero" or "mean" if there are such
        nodes; many pairs without an edge for each node make them rare.
    memory : str, path or joblib.Memory, default=None
        Where embeddings are kept, so that a grid over the classifier embeds the graph
        of each fold once. With ``random_state=None`` the embedder's first result is
        reused.

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
    edge_groups : Groups for cross-validation if X lists edges more than once.
    NodeEncoder : Encodes columns of ids side by side.

    Notes
    -----
    Labels are two numbers, such as 0 and 1 or -1 and 1, or booleans: the larger means
    an edge. The caller draws the pairs without an edge, usually as many as there are
    edges, at random.

    **List each edge once**, or split by :func:`edge_groups`. If edges are listed in
    both directions, as ``np.argwhere`` of an adjacency and directed graphs list them,
    or repeated in one direction, folds that are drawn row by row have the same edge on
    both sides: the test edge is in the training graph, and scores are too high. With
    ``graph=None``, :meth:`fit` warns of edges that X lists more than once. Self-pairs
    are edges like others, from a node to itself.

    **Directions are not predicted**: the features of (u, v) and (v, u) are the same.
    In a directed graph, label a pair as an edge if there is one in either direction.
    `graph` may be directed, and its directions then shape the vectors.

    The edges of the training pairs determine the vectors, and those of the test pairs
    do not. Features of training and test pairs therefore have somewhat different
    distributions, and the classifier should be regularized. They have the same
    distribution if `graph` holds a third set of edges, which are in neither.

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
        handle_unknown="error",
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
            Two different numbers, or booleans; the larger means an edge. Required if
            ``graph=None``. With a graph, it serves only to recognize edges in the graph
            that are to be predicted.

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
                self._warn_of_repetitions(columns, rows, labels)
                adjacency = _graph_of(rows[labels], len(names))
                self._held_out_edges = np.empty(0, dtype=np.int64)
            else:
                adjacency, names, index, rows = self._read_graph(columns)
                self._held_out_edges = self._find_held_out_edges(adjacency, rows, y)
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
        columns = self._read_ids(X)
        rows = self._look_up(columns, self._index)
        self._warn_of_held_out_edges(columns, rows)
        vectors = self._vectors_of(rows)
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

    def _warn_of_repetitions(self, columns, rows, labels):
        """Warn of edges that X lists more than once, or with both labels."""
        keys = _pair_keys(rows, rows.max() + 1)
        is_edge = labels & (keys >= 0)
        edges, counts = np.unique(keys[is_edge], return_counts=True)
        repeated = is_edge & _is_among(edges[counts > 1], keys)
        if repeated.any():
            key = keys[repeated.argmax()]
            first, second = np.flatnonzero(is_edge & (keys == key))[:2]
            warn(
                f"X lists {_count(keys[repeated], 'edge')} more than once, such as "
                f"{_pair(columns, first)} and {_pair(columns, second)}; an edge has no "
                "direction here. If such rows are in different folds of a "
                "cross-validation, the test edges are in the training graph: keep one "
                "row of each edge, or pass groups=edge_groups(X) with a splitter such "
                "as GroupKFold."
            )
        disputed = is_edge & _is_among(np.unique(keys[~labels]), keys)
        if disputed.any():
            key = keys[disputed.argmax()]
            first = np.flatnonzero(is_edge & (keys == key))[0]
            second = np.flatnonzero(~labels & (keys == key))[0]
            warn(
                f"X has {_count(keys[disputed], 'pair')} with both labels, such as "
                f"{_pair(columns, first)}, an edge, and {_pair(columns, second)}, not "
                "an edge; their features are the same, since an edge has no direction "
                "here: keep one row of each pair."
            )

    def _find_held_out_edges(self, adjacency, rows, y):
        """Keys of the edges of the graph that are not among the pairs of X.

        An empty array if y does not tell edges of the graph from other pairs: then it
        is not these edges that are predicted.
        """
        none = np.empty(0, dtype=np.int64)
        try:
            labels = self._check_labels(y, len(rows))
        except (TypeError, ValueError):
            return none
        n_nodes = adjacency.shape[0]
        ends = adjacency.tocoo().coords
        edges = np.unique(_pair_keys(np.column_stack(ends), n_nodes))
        keys = _pair_keys(rows, n_nodes)
        is_edge = _is_among(edges, keys)
        if is_edge[labels].mean() <= 0.5 or is_edge[~labels].mean() >= 0.5:
            return none
        return edges[~_is_among(np.unique(keys), edges)]

    def _warn_of_held_out_edges(self, columns, rows):
        keys = _pair_keys(rows, len(self.node_names_))
        held_out = _is_among(self._held_out_edges, keys)
        if held_out.any():
            row = np.flatnonzero(held_out)[0]
            warn(
                f"X has {_count(keys[held_out], 'edge')} of the graph that fit did not "
                f"have among its pairs, such as {_pair(columns, row)}. If they are to "
                "be predicted, the vectors of their nodes already contain them, and "
                "scores are too high: leave them out of the graph."
            )

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
                f"labels such as {labels.tolist()[0]!r}; pass 0 and 1."
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


def edge_groups(X):
    """Number the undirected edges of a table of pairs, as groups for cross-validation.

    Rows with the same two nodes, in either order, get the same number. Splitters that
    keep groups together, such as :class:`~sklearn.model_selection.GroupKFold`,
    :class:`~sklearn.model_selection.StratifiedGroupKFold` and
    :class:`~sklearn.model_selection.GroupShuffleSplit`, then have no edge on both sides
    of a split.

    Parameters
    ----------
    X : {DataFrame, array-like} of shape (n_pairs, 2)
        The ids of the two nodes of each pair, as :class:`EdgeEncoder` takes them.

    Returns
    -------
    groups : ndarray of shape (n_pairs,), dtype int
        Number of the edge in each row, from 0, in the order of first appearance. Ids
        that are missing count as one node.

    Raises
    ------
    ValueError
        If X is empty, sparse or complex or does not have two columns.
    TypeError
        If an id is not hashable.

    See Also
    --------
    EdgeEncoder : Features of pairs, for link prediction.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import LeaveOneGroupOut
    >>> from sklearn_replearn.graph import edge_groups
    >>> X = np.array(
    ...     [("ann", "bob"), ("bob", "cy"), ("bob", "ann"), ("cy", "cy"), ("cy", "bob")]
    ... )
    >>> groups = edge_groups(X)
    >>> groups
    array([0, 1, 0, 2, 1])
    >>> for train, test in LeaveOneGroupOut().split(X, groups=groups):
    ...     print(train, test)
    [1 3 4] [0 2]
    [0 2 3] [1 4]
    [0 1 2 4] [3]

    One row of each edge:

    >>> X[np.unique(groups, return_index=True)[1]]
    array([['ann', 'bob'],
           ['bob', 'cy'],
           ['cy', 'cy']], dtype='<U3')
    """
    X = as_objects(X)
    columns = frame_columns(X)
    if columns is None or not len(X):
        columns = check_array(X, dtype=None, ensure_all_finite=False).T
    if len(columns) != 2:
        raise ValueError(
            f"X has {len(columns)} column(s), but edges are pairs: two columns, with "
            "the ids of the two nodes."
        )
    columns = [ids_of(column) for column in columns]
    for position, column in enumerate(columns):  # refuse what is not hashable
        rows_of(column, {}, f"The id in column {position} and row {{}}".format)
    names, numbers = number_distinct(list(chain(*columns)))
    missing = [row for row, name in enumerate(names) if is_missing(name)]
    numbers[np.isin(numbers, missing)] = len(names)
    keys = _pair_keys(numbers.reshape(2, -1).T, len(names) + 1)
    return number_distinct(keys.tolist())[1]


def _pair_keys(rows, n_nodes):
    """A number for each pair of nodes in either order, -1 if one is unknown."""
    low = np.minimum(rows[:, 0], rows[:, 1]).astype(np.int64)
    high = np.maximum(rows[:, 0], rows[:, 1])
    return np.where(low < 0, -1, low * n_nodes + high)


def _is_among(sorted_keys, keys):
    """Which keys are among others, of which there may be many more."""
    if not len(sorted_keys):
        return np.zeros(len(keys), dtype=bool)
    places = np.searchsorted(sorted_keys, keys)
    return sorted_keys[np.minimum(places, len(sorted_keys) - 1)] == keys


def _count(keys, noun):
    n_distinct = len(np.unique(keys))
    return f"{n_distinct} {noun}{'s' * (n_distinct != 1)}"


def _pair(columns, row):
    first, second = (shown(column[row]) for column in columns)
    return f"({first}, {second}) in row {row}"
