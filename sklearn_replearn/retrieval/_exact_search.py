"""The nearest rows of a dense matrix, exactly, by products of matrices.

Products of a block of queries with a block of items take nearly all of the time. Of
each product only the best of some items at a time is kept, with a bound of its rounding
error; the few items among which a neighbor can be are compared in double precision. So
neither rounding nor the other queries of a block change what is found.
"""

from contextlib import closing, nullcontext

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils import gen_batches

from sklearn_replearn._blas_threads import one_blas_thread
from sklearn_replearn._containers import row_blocks
from sklearn_replearn._exact_order import unit_rows
from sklearn_replearn._threads import map_in_threads

N_QUERIES = 128  # at a time: enough for a fast product,
N_SCORES = 1 << 20  # but so many scores, which a cache holds
N_GATHERED = 1 << 22  # numbers in double precision at a time
MOST_IN_A_GROUP = 64


class ExactSearch:
    """Compares queries with all items.

    Scores are larger for nearer items: cosines, inner products, or for distances
    :math:`q^\\top x - |x|^2 / 2`.

    Parameters
    ----------
    items : ndarray of shape (n_items, n_features)
        Passed to :meth:`nearest` again. A copy is kept only of items that are far from
        zero beside the distances between them.
    metric : {"cosine", "euclidean", "dot"}
    n_jobs : int or None
        Threads, each with queries of its own; BLAS has one in each. With one, BLAS has
        as many as it is set to.
    """

    def __init__(self, items, metric, n_jobs):
        self.metric, self.n_jobs = metric, n_jobs
        self.centered = self.center = None
        squares = squared_lengths(items)
        if metric == "euclidean":
            center = items.mean(axis=0, dtype=np.float64)
            if center @ center > squares.mean() / 2:
                self.center = center
                self.centered = (items - center).astype(items.dtype)
                squares = squared_lengths(self.centered)
        self.lengths = np.sqrt(squares)
        # A length of zero may be one that underflows, unlike that of a row of zeros.
        self.lengths[~items.any(axis=1)] = 1
        with np.errstate(over="ignore", divide="ignore"):
            if metric == "cosine":
                self.factors = (1 / self.lengths).astype(items.dtype)
                unknown = self.lengths > np.finfo(items.dtype).max / 2
                self.factors[unknown | np.isinf(self.factors)] = np.nan
            elif metric == "euclidean":
                self.halves = (squares / 2).astype(items.dtype)

    def nearest(self, items, queries, k):
        """Positions of the k nearest items of each query, in order.

        Parameters
        ----------
        items : ndarray of shape (n_items, n_features)
        queries : ndarray of shape (n_queries, n_features)
        k : int

        Returns
        -------
        positions : ndarray of intp, of shape (n_queries, k)
            Of equal distances, the first item comes first.
        """
        blocks = [queries[some] for some in gen_batches(len(queries), N_QUERIES)]
        n_threads = 1 if self.n_jobs is None else effective_n_jobs(self.n_jobs)
        n_threads = min(n_threads, len(blocks))
        with one_blas_thread() if n_threads > 1 else nullcontext():
            found = map_in_threads(
                lambda block: self._nearest(items, block, k), blocks, n_threads
            )
            with closing(found):
                return np.vstack(list(found))

    def _nearest(self, items, queries, k):
        points = queries.astype(np.float64)
        if self.metric == "cosine":
            points = unit_rows(points)
        elif self.center is not None:
            points = points - self.center
        # What may overflow has an error of infinity or NaN, so that nothing is known of
        # it before it is compared in double precision.
        with np.errstate(over="ignore", invalid="ignore"):
            groups = Groups(len(items), len(points), k, points.shape[1])
            best = self._best_of_groups(items, points.astype(items.dtype), groups)
            errors = self._errors(points, groups, items.dtype)
            least = best - errors
            least[~np.isfinite(least)] = -np.inf
            least.partition(-k, axis=1)
            best += errors
            queried, group = np.nonzero(~(best < least[:, [-k]]))
        ends = np.searchsorted(queried, np.arange(len(points) + 1))
        return np.vstack(
            [
                self._first(items, query, groups.members(group[start:end]), k)
                for query, start, end in zip(queries, ends[:-1], ends[1:], strict=True)
            ]
        )

    def _best_of_groups(self, items, queries, groups):
        """The largest score of each query in each group."""
        items = items if self.center is None else self.centered
        best = np.empty((len(queries), groups.n), items.dtype)
        buffer = np.empty((len(queries), groups.n_in_block), items.dtype)
        for number in range(groups.n_blocks):
            some = groups.block(number)
            points = items[some]
            scores = buffer[:, : len(points)]
            np.matmul(queries, points.T, out=scores)
            if self.metric == "cosine":
                scores *= self.factors[some]
            elif self.metric == "euclidean":
                scores -= self.halves[some]
            buffer[:, len(points) :] = -np.inf
            np.maximum.reduce(
                groups.stacked(buffer), axis=1, out=best[:, groups.of_block(number)]
            )
        return best

    def _errors(self, queries, groups, dtype):
        """Bounds of the rounding errors of scores, for queries and groups.

        A sum of n products has an error of at most n roundings of the product of the
        lengths. A few more are those of the queries, of centered items, of factors and
        of sums.
        """
        n, limits = queries.shape[1], np.finfo(dtype)
        rounding, smallest = (n + 16) * limits.eps, n * limits.tiny
        if self.metric == "cosine":
            return (rounding + smallest * groups.largest(self.factors)).astype(dtype)
        sizes = groups.largest(self.lengths).astype(dtype)
        # Twice the lengths overflow before any sum of products does.
        lengths = 2 * np.sqrt(squared_lengths(queries))
        errors = np.multiply.outer(lengths.astype(dtype), sizes)
        errors *= rounding / 2
        errors += smallest + (rounding * sizes**2 if self.metric == "euclidean" else 0)
        return errors

    def _first(self, items, query, members, k):
        """The k nearest of some items."""
        found = np.concatenate(
            [
                distances(
                    query[np.newaxis], items[members[some]][np.newaxis], self.metric
                )
                for some in row_blocks(len(members), len(query), size=N_GATHERED)
            ],
            axis=1,
        )[0]
        return members[np.argsort(found, kind="stable")[:k]]


class Groups:
    """Which items share a place in a table of best scores.

    Items come in blocks, and every so many of a block, not neighbors, are a group, so
    that the best of all groups are maxima of whole rows of numbers.

    Parameters
    ----------
    n_items, n_queries, k, n_features : int
        Larger groups are quicker to order, but leave more items to be compared.
    """

    def __init__(self, n_items, n_queries, k, n_features):
        balanced = round((n_items / (k * n_features)) ** 0.5)
        size = min(max(1, balanced), MOST_IN_A_GROUP, n_items // k)
        wanted = min(N_SCORES // n_queries, n_items)
        self.n_items, self.size = n_items, size
        self.n_of_block = max(1, -(-wanted // size))
        self.n_in_block = self.n_of_block * size
        self.n_blocks = -(-n_items // self.n_in_block)
        self.n = self.n_blocks * self.n_of_block

    def block(self, number):
        """Items of a block, of which the last one may have fewer."""
        return slice(number * self.n_in_block, (number + 1) * self.n_in_block)

    def of_block(self, number):
        """Groups of a block."""
        return slice(number * self.n_of_block, (number + 1) * self.n_of_block)

    def stacked(self, scores):
        """Scores of a block with an axis along each group."""
        return scores.reshape(len(scores), self.size, self.n_of_block)

    def largest(self, values):
        """The largest of the values of the items of each group."""
        padded = np.zeros(self.n_blocks * self.n_in_block)
        padded[: self.n_items] = values
        padded = padded.reshape(self.n_blocks, self.size, self.n_of_block)
        return padded.max(axis=1).ravel()

    def members(self, groups):
        """Items of some groups, in order."""
        block, place = np.divmod(groups, self.n_of_block)
        first = block * self.n_in_block + place
        members = first[:, np.newaxis] + self.n_of_block * np.arange(self.size)
        members = np.sort(members, axis=None)
        return members[: np.searchsorted(members, self.n_items)]


def distances(queries, items, metric):
    """Distances of each query to some items of its own, in double precision.

    Parameters
    ----------
    queries : ndarray of shape (n_queries, n_features)
    items : ndarray of shape (n_queries, n_items, n_features)
    metric : {"cosine", "euclidean", "dot"}

    Returns
    -------
    distances : ndarray of shape (n_queries, n_items)
        1 minus the cosine; or the negative inner product.
    """
    queries, items = queries.astype(np.float64), items.astype(np.float64)
    if metric == "euclidean":
        items -= queries[:, np.newaxis]
        return np.sqrt(np.einsum("qid,qid->qi", items, items))
    if metric == "cosine":
        queries = unit_rows(queries)
        items = unit_rows(items.reshape(-1, items.shape[2])).reshape(items.shape)
    # Not a product of BLAS, whose rounding depends on the number of items.
    products = np.einsum("qid,qd->qi", items, queries)
    return -products if metric == "dot" else 1 - np.clip(products, -1, 1)


def squared_lengths(X):
    """Squared lengths of rows, in double precision."""
    return np.einsum("ij,ij->i", X, X, dtype=np.float64)
