"""Ids of nodes as features: a column of ids becomes the columns of their vectors."""

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._fitted_state import unchanged_by_errors
from sklearn_replearn._sklearn import _fit_context
from sklearn_replearn.graph._node_lookup import BaseNodeLookup


class NodeEncoder(BaseNodeLookup):
    """Encode columns of node ids by the vectors of a graph.

    For tables with ids of users, products, zip codes or job titles, whose relations are
    known as a graph or a hierarchy. The graph is embedded once, in :meth:`fit`; each
    column of ids is then replaced by the vectors of its nodes. Works in a
    :class:`~sklearn.compose.ColumnTransformer` and in a pipeline.

    Parameters
    ----------
    graph : edge table, networkx graph, sparse matrix or tuple
        The graph of the ids, in any form that :func:`as_adjacency` takes: a DataFrame,
        array or list of tuples of source, target and, if there are, weights (an
        undirected graph; for a directed one pass
        ``as_adjacency(table, directed=True)``), a networkx graph, ``(adjacency,
        names)``, as :func:`tree_to_adjacency` gives it, or a sparse adjacency, whose
        nodes are called 0, 1, 2 and so on. It is not changed, and clones share it.
    embedder : transformer of an adjacency, default=None
        Gives each node its vector. It is cloned before it is fitted. The vectors are
        its `node_vectors_` if it has them, as :class:`DeepWalk` and :class:`Node2Vec`
        do, otherwise the output of its `fit_transform`. It gets the adjacency in CSR
        format, or as an array if its tags refuse sparse matrices. ``None`` is
        :class:`NetMF` of 32 components, or as many as the graph has, with
        ``random_state=0``.
    handle_unknown : {"error", "zero", "mean"}, default="error"
        What happens to ids that are not in the graph, and to missing ones (``None``,
        NaN).

        - "error": a ValueError that says which id it is, and where.
        - "zero": zeros.
        - "mean": the mean of the vectors of all nodes of the graph.
    memory : str, path or joblib.Memory, default=None
        Where embeddings are kept. In a grid search the graph is then embedded once for
        each setting of the embedder, and not for each fold and candidate. With
        ``random_state=None`` the embedder's first result is reused.

    Attributes
    ----------
    embedder_ : estimator
        The fitted embedder.
    node_names_ : ndarray of shape (n_nodes,), dtype object
        Id of each node.
    node_vectors_ : ndarray of shape (n_nodes, n_components_)
        Vector of each node.
    n_components_ : int
        Number of dimensions.
    n_features_in_ : int
        Number of columns seen in :meth:`fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has string column names.

    See Also
    --------
    EdgeEncoder : Encodes pairs of ids, for link prediction.
    NetMF, DeepWalk, Node2Vec, ProNE, LaplacianEigenmaps : Embed the graph.
    GraphClusterEncoder : As an embedder, makes features of clusters of nodes.
    sklearn.preprocessing.TargetEncoder : Encodes ids by the target, without a graph.

    Notes
    -----
    Ids are equal as Python compares them: 98001 and 98001.0 are the same node, 98001
    and "98001" are not. A column of integers that pandas made floats, since some are
    missing, therefore needs no conversion. Scalars and dates of numpy and pandas equal
    those of Python. A list of rows and a DataFrame keep the type of each id; an array
    has one type for all.

    :meth:`fit` reads the number and names of the columns of X, and neither their values
    nor `y`. The graph of all nodes may therefore be given: nothing of the test rows
    leaks. If edges are to be predicted, it does leak; see :class:`EdgeEncoder`.

    In a grid with ``n_jobs`` the graph is sent to each process; a sparse adjacency with
    names, as :func:`as_adjacency` gives it, is smaller and faster than a networkx
    graph, and can be saved by skops, unlike a DataFrame. scikit-learn takes long to
    print a list of many edges.

    Examples
    --------
    Two towns of two zip codes each, as a tree:

    >>> import pandas as pd
    >>> from sklearn_replearn.graph import NetMF, NodeEncoder, tree_to_adjacency
    >>> tree = tree_to_adjacency([
    ...     ("Kent", "98030"), ("Kent", "98031"), ("Lynden", "98264"),
    ...     ("Lynden", "98266"),
    ... ])
    >>> homes = pd.DataFrame({"zip": ["98030", "98264", "98031"]})
    >>> encoder = NodeEncoder(tree, NetMF(n_components=2, window=2, random_state=0))
    >>> encoder.fit_transform(homes).shape
    (3, 2)
    >>> encoder.get_feature_names_out()
    array(['zip_0', 'zip_1'], dtype=object)
    >>> encoder.transform(pd.DataFrame({"zip": ["10001"]}))
    Traceback (most recent call last):
        ...
    ValueError: The node '10001' in row 0 of column 'zip' is not in the graph; pass
    handle_unknown='zero' or 'mean'.
    """

    _parameter_constraints = {**BaseNodeLookup._parameter_constraints}

    def __init__(self, graph, embedder=None, *, handle_unknown="error", memory=None):
        self.graph = graph
        self.embedder = embedder
        self.handle_unknown = handle_unknown
        self.memory = memory

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Embed the graph.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_columns)
            Ids of nodes: strings, numbers, tuples or anything hashable. They are looked
            up, but nothing is learned from them.
        y : None
            Ignored.

        Returns
        -------
        self : NodeEncoder

        Raises
        ------
        ValueError
            If X is empty, sparse or complex or does not have two dimensions; if an id
            is not in the graph and ``handle_unknown="error"``; if
            :func:`as_adjacency` or the embedder refuses the graph, or the embedder
            does not give one vector for each node.
        TypeError
            If `graph` is of another type, or an id is not hashable.
        """
        with unchanged_by_errors(self):
            columns = self._read_ids(X, reset=True)
            adjacency, names, index, _ = self._read_graph(columns)
            self._embed(adjacency, names, index)
        return self

    def transform(self, X):
        """Look up the vectors of ids.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_columns)
            Ids of nodes.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_columns * n_components_)
            The vectors of the ids of each row, side by side, in the precision of
            `node_vectors_`.

        Raises
        ------
        ValueError
            If an id is not in the graph and ``handle_unknown="error"``, or X does not
            have the columns that were fitted.
        TypeError
            If an id is not hashable.
        """
        vectors = self._vectors(X)
        return vectors.reshape(len(vectors), -1)

    def get_feature_names_out(self, input_features=None):
        """Names of the columns of the output: the input column and the dimension.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X; if they were seen in :meth:`fit`, the same.
            ``None`` takes those, or x0, x1 and so on where there were none.

        Returns
        -------
        names : ndarray of shape (n_columns * n_components_,), dtype object
            Such as ``zip_0``, ``zip_1``.
        """
        check_is_fitted(self)
        columns = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        dimensions = range(self.n_components_)
        names = [f"{column}_{i}" for column in columns for i in dimensions]
        return np.array(names, dtype=object)
