"""What the encoders of node ids share: a graph, embedded once, and its look-up."""

import os
import warnings
from abc import ABCMeta
from datetime import date, datetime, time
from functools import partial
from numbers import Number

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, check_memory, validate_data

from sklearn_replearn._cloning import clone_sharing
from sklearn_replearn._missing import is_missing
from sklearn_replearn._sklearn import HasMethods, StrOptions
from sklearn_replearn._warnings import warn
from sklearn_replearn.graph._adjacency import as_adjacency
from sklearn_replearn.graph._netmf import NetMF
from sklearn_replearn.graph._node_ids import ids_of, index_of, rows_of, shown

#: Dimensions of the default embedding, in a graph with more nodes than these.
DEFAULT_COMPONENTS = 32

#: Ids of an unknown column that are compared with the nodes in another type.
FIRST_IDS = 100


class BaseNodeLookup(TransformerMixin, BaseEstimator, metaclass=ABCMeta):
    """Encoder of columns of node ids by the vectors of an embedded graph."""

    _parameter_constraints = {
        "graph": "no_validation",
        "embedder": [None, HasMethods(["fit_transform"])],
        "handle_unknown": [StrOptions({"error", "zero", "mean"})],
        "memory": [None, str, os.PathLike, HasMethods(["cache"])],
    }

    def __sklearn_clone__(self):
        return clone_sharing(self, "graph")  # it may be large, and nothing changes it

    def __getstate__(self):
        state = dict(super().__getstate__())
        state.pop("_index", None)  # skops saves no dict whose keys are not strings
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "node_names_" in state:
            self._index = index_of(self.node_names_)

    def _read_ids(self, X, *, reset=False):
        """The columns of X, a list of ids each."""
        if not reset:
            check_is_fitted(self)
        X = as_objects(X)
        columns = frame_columns(X)
        if columns is None:
            X = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite=False)
            columns = list(X.T)
        else:
            validate_data(self, X, reset=reset, skip_check_array=True)
            if not columns or not len(columns[0]):
                raise ValueError(
                    f"Found array with {len(X)} sample(s) and {len(columns)} "
                    f"feature(s) (shape={X.shape}) while a minimum of 1 is required by "
                    f"{type(self).__name__}."
                )
        return [ids_of(column) for column in columns]

    def _read_graph(self, columns):
        """The graph, the names of its nodes, their rows by name, and those of X.

        Ids of X that are unknown are told now: to embed the graph may take long.
        """
        adjacency, names = as_adjacency(self.graph)
        index = index_of(names)
        rows = self._look_up(columns, index)
        self._warn_of_types(columns, rows, index)
        return adjacency, names, index, rows

    def _look_up(self, columns, index):
        """Row of the node of each id, -1 for unknown ids: (n_samples, n_columns)."""
        rows = np.empty((len(columns[0]), len(columns)), dtype=np.intp)
        for number, column in enumerate(columns):
            rows[:, number] = rows_of(column, index, partial(self._place, number))
        unknown = rows < 0
        if self.handle_unknown == "error" and unknown.any():
            row, number = np.unravel_index(unknown.argmax(), unknown.shape)
            where = f"in row {row} of {self._column(number)}"
            raise ValueError(self._unknown_node(columns[number][row], where, index))
        return rows

    def _unknown_node(self, node, place, index):
        mend = "pass handle_unknown='zero' or 'mean'"
        if is_missing(node):
            return f"The node {place} is missing ({node!r}); fill it in, or {mend}."
        origin = ", which is made of the pairs in fit" if self.graph is None else ""
        hint = ";"
        kind = next((kind for kind in (str, Number) if isinstance(node, kind)), None)
        if kind and not any(isinstance(name, kind) for name in index):
            name = next(iter(index))
            hint = (
                f", where nodes have names of type {type(name).__name__}, such as "
                f"{shown(name)}, and not {type(node).__name__}; convert one of them, or"
            )
        return (
            f"The node {shown(node)} {place} is not in the graph{origin}{hint} {mend}."
        )

    def _place(self, number, row):
        return f"The id in row {row} of {self._column(number)}"

    def _column(self, number):
        names = getattr(self, "feature_names_in_", range(self.n_features_in_))
        return f"column {names[number]!r}"

    def _warn_of_types(self, columns, rows, index):
        """Warn where a whole column is unknown, and would not be with another type."""
        for number in np.flatnonzero((rows < 0).all(axis=0)):
            for node in columns[number][:FIRST_IDS]:
                twin = next((n for n in _other_spellings(node) if n in index), None)
                if twin is not None:
                    warn(
                        f"No id of {self._column(number)} is in the graph, but where "
                        f"it has {shown(node)}, the graph has {shown(twin)}: give ids "
                        "and names of nodes the same type.",
                    )
                    break

    def _embed(self, adjacency, names, index):
        """Set the fitted attributes, but those of X."""
        memory = self.memory
        if isinstance(memory, os.PathLike):
            memory = os.fspath(memory)
        cached = check_memory(memory).cache(embed_nodes)
        embedder = self.embedder
        with warnings.catch_warnings():
            # joblib warns if it writes its metadata slowly; users cannot change that.
            warnings.filterwarnings("ignore", "Persisting input arguments", UserWarning)
            if embedder is None:
                components = min(DEFAULT_COMPONENTS, adjacency.shape[0] - 1)
                embedder = NetMF(n_components=max(components, 1), random_state=0)
                # How many dimensions there are is no matter of whoever chose none.
                warnings.filterwarnings("ignore", "n_components=", UserWarning)
            self.embedder_, self.node_vectors_ = cached(
                adjacency.data, adjacency.indices, adjacency.indptr, clone(embedder)
            )
        self.node_names_ = names
        self.n_components_ = self.node_vectors_.shape[1]
        self._index = index

    def _vectors(self, X):
        """Vectors of ids: an array of shape (n_samples, n_columns, n_components_)."""
        return self._vectors_of(self._look_up(self._read_ids(X), self._index))

    def _vectors_of(self, rows):
        """Vectors of nodes by their rows, where unknown ids have -1."""
        vectors = self.node_vectors_[rows]
        unknown = rows < 0
        if unknown.any():
            mean = self.handle_unknown == "mean"
            vectors[unknown] = self.node_vectors_.mean(axis=0) if mean else 0
        return vectors

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # a missing id is an unknown one
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def embed_nodes(weights, indices, indptr, embedder):
    """Fit an embedder to a graph in CSR format; the embedder and vectors of the nodes.

    The arrays, and not the matrix, since that has a cache that would make two equal
    graphs two for ``joblib.Memory``.
    """
    n_nodes = len(indptr) - 1
    adjacency = sparse.csr_array((weights, indices, indptr), shape=(n_nodes, n_nodes))
    if hasattr(embedder, "set_output"):
        embedder.set_output(transform="default")
    takes_sparse = get_tags(embedder).input_tags.sparse
    vectors = embedder.fit_transform(adjacency if takes_sparse else adjacency.toarray())
    vectors = getattr(embedder, "node_vectors_", vectors)
    vectors = vectors.toarray() if sparse.issparse(vectors) else np.asarray(vectors)
    if vectors.ndim != 2 or len(vectors) != n_nodes:
        raise ValueError(
            f"embedder {type(embedder).__name__} gave an output of shape "
            f"{vectors.shape} for a graph of {n_nodes} nodes; it must be an embedding "
            "of an adjacency, with one vector for each node."
        )
    if vectors.dtype.kind != "f":
        vectors = vectors.astype(np.float64)
    return embedder, vectors


def as_objects(X):
    """A list of rows of ids as an array in which each id keeps its type.

    ``np.asarray`` would make strings of numbers beside strings, and take tuples apart.
    What is no table is left as it is, for scikit-learn to refuse.
    """
    if not isinstance(X, list | tuple) or not X:
        return X
    if not set(map(type, X)) <= {list, tuple, np.ndarray}:
        return X
    widths = set(map(len, X))
    if len(widths) > 1:
        raise ValueError(
            f"The rows of X have between {min(widths)} and {max(widths)} ids; all must "
            "have the same number."
        )
    table = np.empty((len(X), widths.pop()), dtype=object)
    for number, row in enumerate(X):
        for column, node in enumerate(row):
            table[number, column] = node
    return table


def frame_columns(X):
    """The columns of a DataFrame, which may be of several types; else None."""
    if getattr(X, "ndim", None) == 2 and hasattr(X, "iloc"):  # pandas
        return [X.iloc[:, number] for number in range(X.shape[1])]
    if hasattr(X, "get_columns"):  # polars
        return X.get_columns()
    return None


def _other_spellings(node):
    """What else an id may be called: the same as a number, string, bytes or date."""
    try:
        if isinstance(node, str):
            yield node.encode()
            if node.removeprefix("-").isdecimal():
                yield int(node)
        elif isinstance(node, bytes):
            yield node.decode()
        elif isinstance(node, datetime):
            yield node.date()
        elif isinstance(node, date):
            yield datetime.combine(node, time())
        elif isinstance(node, Number):
            is_whole = isinstance(node, float) and node.is_integer()
            yield str(int(node) if is_whole else node)
    except ValueError:  # more digits than Python is willing to read, or other letters
        pass
