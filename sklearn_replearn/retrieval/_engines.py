"""Other ways to the nearest rows: of a sparse matrix, and by a graph of neighbors."""

import numpy as np
from joblib import effective_n_jobs
from sklearn.neighbors import NearestNeighbors

from sklearn_replearn._containers import dense, row_blocks
from sklearn_replearn._exact_order import unit_rows
from sklearn_replearn.retrieval._exact_search import (
    N_GATHERED,
    distances,
    squared_lengths,
)
from sklearn_replearn.retrieval._mips_transformer import MIPSTransformer


class SparseSearch:
    """Compares queries with all items, by scikit-learn.

    Parameters
    ----------
    metric : {"cosine", "euclidean"}
    n_jobs : int or None
    """

    def __init__(self, metric, n_jobs):
        self.options = {"metric": metric, "n_jobs": n_jobs, "algorithm": "brute"}

    def nearest(self, items, queries, k):
        """Positions of the k nearest items of each query, in no order."""
        neighbors = NearestNeighbors(**self.options).fit(items)
        return neighbors.kneighbors(queries, k, return_distance=False)


class Hnsw:
    """A hierarchical navigable small world of the items, by usearch.

    It keeps a copy of their vectors in single precision, and is an array of bytes in a
    pickle.

    Parameters
    ----------
    items : ndarray of shape (n_items, n_features)
    metric : {"cosine", "euclidean", "dot"}
    n_links, ef_construction, ef_search : int
    n_jobs : int or None
    """

    def __init__(self, items, metric, n_links, ef_construction, ef_search, n_jobs):
        self.space = Space(items, metric)
        self.options = {
            "ndim": self.space.n_dimensions,
            "metric": "l2sq",
            "dtype": "f32",
            "connectivity": n_links,
            "expansion_add": ef_construction,
            "expansion_search": ef_search,
        }
        self.threads = 1 if n_jobs is None else effective_n_jobs(n_jobs)
        self.index = usearch_index(**self.options)
        positions = np.arange(len(items))
        for some in row_blocks(*items.shape, size=N_GATHERED):
            points = self.space.of_items(items[some])
            self.index.add(positions[some], points, threads=self.threads)

    def nearest(self, items, queries, k):
        """Positions of about the k nearest items of each query, in no order.

        A position is -1 where the graph leads to fewer items, as it may among equal
        ones.
        """
        points = self.space.of_queries(queries)
        # More candidates than are asked for, since more neighbors need them.
        self.index.expansion_search = max(self.options["expansion_search"], k)
        found = self.index.search(points, k, threads=self.threads)
        # Of a single query, usearch gives a row of those found alone.
        counts = [len(found)] if len(points) == 1 else found.counts
        keys = found.keys.reshape(len(points), -1)
        positions = np.full((len(points), k), -1, dtype=np.intp)
        for row, row_keys, count in zip(positions, keys, counts, strict=True):
            row[:count] = row_keys[:count]
        return positions

    def __getstate__(self):
        stored = np.frombuffer(self.index.save(), dtype=np.uint8)
        return vars(self) | {"index": stored}

    def __setstate__(self, state):
        vars(self).update(state)
        self.index = usearch_index(**self.options)
        self.index.load(state["index"].tobytes())


class Space:
    """Points in single precision whose distances are in the order of a metric.

    Inner products become distances by one more column, and so do cosines if there are
    rows of zeros, which have the cosine 0 with all others.

    Parameters
    ----------
    items : ndarray of shape (n_items, n_features)
    metric : {"cosine", "euclidean", "dot"}
    """

    def __init__(self, items, metric):
        self.metric, self.center, self.scale, self.mips = metric, 0.0, 1.0, None
        if metric == "euclidean":
            self.center = items.mean(axis=0, dtype=np.float64)
        if metric != "cosine":
            blocks = row_blocks(*items.shape, size=N_GATHERED)
            largest = max(np.abs(items[some] - self.center).max() for some in blocks)
            self.scale = np.ldexp(1.0, np.frexp(largest)[1])
        if metric == "dot":
            longest = items[[squared_lengths(items).argmax()]]
            self.mips = MIPSTransformer().fit(longest / self.scale)
        elif metric == "cosine" and not items.any(axis=1).all():
            self.mips = MIPSTransformer().fit(np.eye(1, items.shape[1]))
        self.n_dimensions = items.shape[1] + (self.mips is not None)

    def of_items(self, items):
        """Points of items."""
        points = self._points(items, are_directions=self.metric == "cosine")
        points = points if self.mips is None else self.mips.transform(points)
        return points.astype(np.float32)

    def of_queries(self, queries):
        """Points of queries."""
        points = self._points(queries, are_directions=self.metric != "euclidean")
        points = points if self.mips is None else self.mips.transform_queries(points)
        return points.astype(np.float32)

    def _points(self, X, *, are_directions):
        X = X.astype(np.float64)
        return unit_rows(X) if are_directions else (X - self.center) / self.scale


def neighbor_distances(queries, items, positions, metric):
    """Distances of queries to some items each, in double precision.

    Parameters
    ----------
    queries : {ndarray, sparse matrix} of shape (n_queries, n_features)
    items : {ndarray, sparse matrix} of shape (n_items, n_features)
    positions : ndarray of int, of shape (n_queries, k)
    metric : {"cosine", "euclidean", "dot"}

    Returns
    -------
    distances : ndarray of shape (n_queries, k)
    """
    found = np.empty(positions.shape)
    n_numbers = positions.shape[1] * items.shape[1]
    for some in row_blocks(len(positions), n_numbers, size=N_GATHERED):
        gathered = dense(items[positions[some].ravel()])
        gathered = gathered.reshape(*positions[some].shape, items.shape[1])
        found[some] = distances(dense(queries[some]), gathered, metric)
    return found


def usearch_index(**options):
    """An empty index of usearch, which is an optional dependency."""
    try:
        from usearch.index import Index
    except ImportError:
        raise ImportError(
            "method='hnsw' needs usearch; install it by pip install "
            "'sklearn-replearn[search]', or set method='exact'."
        ) from None
    return Index(**options)
