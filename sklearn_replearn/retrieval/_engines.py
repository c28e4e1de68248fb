"""Nearest rows of a matrix: all of them compared, or by a graph of neighbors."""

import numpy as np
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from sklearn_replearn.retrieval._mips_transformer import MIPSTransformer

#: Numbers of vectors that are gathered at a time to compute distances.
N_GATHERED = 1 << 22


class Exact:
    """Compares queries with all items, block by block.

    Parameters
    ----------
    items : {ndarray, sparse matrix} of shape (n_items, n_features)
    metric : {"cosine", "euclidean", "dot"}
    n_jobs : int or None
        Threads of the search.
    """

    def __init__(self, items, metric, n_jobs):
        self.space = Space(items, metric)
        self.neighbors = NearestNeighbors(
            algorithm="brute", metric=self.space.sparse_metric, n_jobs=n_jobs
        ).fit(self.space.points)

    def nearest(self, queries, k):
        """Positions of the k nearest items of each query, in no order."""
        points = self.space.of_queries(queries)
        return self.neighbors.kneighbors(points, k, return_distance=False)


class Hnsw:
    """A hierarchical navigable small world of the items, by usearch.

    Its state is an array of bytes, so that it can be pickled.

    Parameters
    ----------
    items, metric
        As `Exact` has them; dense.
    n_links, ef_construction, ef_search : int
    n_jobs : int or None
    """

    def __init__(self, items, metric, n_links, ef_construction, ef_search, n_jobs):
        self.space = Space(items, metric)
        self.options = {
            "ndim": self.space.points.shape[1],
            "metric": "l2sq",
            "dtype": "f32",
            "connectivity": n_links,
            "expansion_add": ef_construction,
            "expansion_search": ef_search,
        }
        self.threads = n_threads(n_jobs)
        self.index = usearch_index(**self.options)
        points = self.space.points.astype(np.float32, copy=False)
        self.index.add(np.arange(len(points)), points, threads=self.threads)

    def nearest(self, queries, k):
        points = self.space.of_queries(queries).astype(np.float32, copy=False)
        # More candidates than are asked for, since more neighbors need them.
        self.index.expansion_search = max(self.options["expansion_search"], k)
        found = self.index.search(points, k, threads=self.threads)
        return found.keys.reshape(len(points), -1).astype(np.intp)

    def __getstate__(self):
        stored = np.frombuffer(self.index.save(), dtype=np.uint8)
        return vars(self) | {"index": stored}

    def __setstate__(self, state):
        vars(self).update(state)
        self.index = usearch_index(**self.options)
        self.index.load(state["index"].tobytes())


class Space:
    """Items as points whose Euclidean distances are in the order of a metric.

    Inner products become distances by one more column, and so do cosines, which are
    inner products of rows of length 1.

    Parameters
    ----------
    items : {ndarray, sparse matrix}
    metric : str
    """

    def __init__(self, items, metric):
        self.metric, self.mips = metric, None
        self.sparse_metric = "euclidean"
        if sparse.issparse(items):
            self.sparse_metric = metric
        elif metric != "euclidean":
            items = normalize(items) if metric == "cosine" else items
            self.mips = MIPSTransformer().fit(items)
            items = self.mips.transform(items)
        self.points = items

    def of_queries(self, queries):
        if self.mips is None:
            return queries
        queries = normalize(queries) if self.metric == "cosine" else queries
        return self.mips.transform_queries(queries)


def distances(queries, items, positions, metric):
    """Distances of queries to some items, in double precision.

    Parameters
    ----------
    queries : {ndarray, sparse matrix} of shape (n_queries, n_features)
    items : {ndarray, sparse matrix} of shape (n_items, n_features)
    positions : ndarray of int, of shape (n_queries, k)
    metric : {"cosine", "euclidean", "dot"}

    Returns
    -------
    distances : ndarray of shape (n_queries, k)
        1 minus the cosine; or the negative inner product.
    """
    n, k = positions.shape
    found = np.empty((n, k))
    if metric == "cosine":
        queries, items = normalize(queries), items
    step = max(1, N_GATHERED // max(1, k * items.shape[1]))
    for start in range(0, n, step):
        rows = slice(start, start + step)
        found[rows] = _distances(queries[rows], items[positions[rows].ravel()], metric)
    return found


def _distances(queries, items, metric):
    """Of some queries to as many items each, one query's after another's."""
    if sparse.issparse(items):
        queries, items = queries.toarray(), items.toarray()
    items = items.reshape(len(queries), -1, items.shape[1]).astype(np.float64)
    if metric == "euclidean":
        return np.sqrt(np.square(items - queries[:, None]).sum(axis=2))
    products = np.einsum("qd,qkd->qk", queries, items, dtype=np.float64)
    if metric == "dot":
        return -products
    lengths = np.sqrt(np.square(items).sum(axis=2))
    cosines = products / np.where(lengths == 0, 1, lengths)
    return 1 - np.clip(cosines, -1, 1)


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


def n_threads(n_jobs):
    """Number of threads, where 0 lets usearch take all cores."""
    if n_jobs is None:
        return 1
    return n_jobs if n_jobs > 0 else 0
