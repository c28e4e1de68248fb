"""Do the nearest neighbours of an embedding have the class of the query?"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_array

from sklearn_replearn._validation import check_count, is_missing

_BLOCK_ROWS = 256  # queries at once: enough for a fast product,
_MIN_BLOCK, _MAX_BLOCK = 4_000_000, 25_000_000  # but so many distances: 16 to 100 MB


def recall_at_k(X, y, k=1, *, X_gallery=None, y_gallery=None, metric="euclidean"):
    """Share of queries with a row of their class among the k nearest.

    One relevant row among the `k` is enough: this is the recall@k of metric learning
    [1]_, also called hit rate or top-k accuracy of retrieval, and not the share of all
    relevant rows that are found.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components)
        Embeddings of the queries. Without a gallery each row queries all other rows.
    y : array-like of shape (n_samples,)
        Class of each row: numbers, strings or anything else that can be sorted.
    k : int, default=1
        Number of neighbours, at most the number of rows that a query is compared with.
    X_gallery : array-like of shape (n_gallery, n_components), default=None
        Embeddings of the rows to look the queries up in, instead of the other rows
        of `X`.
    y_gallery : array-like of shape (n_gallery,), default=None
        Class of each row of the gallery.
    metric : {"euclidean", "cosine"}, default="euclidean"
        Distance between embeddings. A row of zeros has the cosine 0 with every other.

    Returns
    -------
    recall : float
        In [0, 1]; larger is better.

    Raises
    ------
    ValueError
        If a label is missing, if there is one class only, if no query has a relevant
        row, if `k` or `metric` is none of the above, or if arrays do not match in
        length or width or hold NaN or infinity.

    See Also
    --------
    cumulative_match : The same for k = 1, 2, and so on.
    mean_average_precision_at_r : Looks at all relevant rows, and at their order.

    Notes
    -----
    Queries without a relevant row (the only one of its class, or of a class that the
    gallery has not) are left out. A row of another class at the same distance counts
    as nearer, so that the result does not depend on the order of the rows and an
    embedding that has collapsed to a point gets no credit. Distances have the precision
    of `X`, float32 or float64, and are computed block by block.

    References
    ----------
    .. [1] H. Jégou, M. Douze and C. Schmid, "Product quantization for nearest neighbor
       search", IEEE Transactions on Pattern Analysis and Machine Intelligence 33, 2011.

    Examples
    --------
    >>> from sklearn_replearn.metrics import recall_at_k
    >>> X = [[0.0], [1.0], [3.0], [7.0], [8.0]]
    >>> y = ["a", "b", "a", "b", "b"]
    >>> recall_at_k(X, y), recall_at_k(X, y, k=2)
    (0.4, 0.8)
    """
    task = _read(X, y, X_gallery, y_gallery, metric)
    _check_depth("k", k, task)
    found = [hits.any(axis=1) for _, hits in _nearest_hits(task, k)]
    return float(np.concatenate(found).mean())


def cumulative_match(
    X, y, *, max_rank=10, X_gallery=None, y_gallery=None, metric="euclidean"
):
    """Share of queries with a row of their class among the nearest 1, 2, and so on.

    The cumulative match characteristic of identification [1]_: entry r - 1 is
    ``recall_at_k(X, y, r)``.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components)
        Embeddings of the queries. Without a gallery each row queries all other rows.
    y : array-like of shape (n_samples,)
        Class of each row: numbers, strings or anything else that can be sorted.
    max_rank : int, default=10
        Number of ranks, at most the number of rows that a query is compared with.
    X_gallery : array-like of shape (n_gallery, n_components), default=None
        Embeddings of the rows to look the queries up in, instead of the other rows
        of `X`.
    y_gallery : array-like of shape (n_gallery,), default=None
        Class of each row of the gallery.
    metric : {"euclidean", "cosine"}, default="euclidean"
        Distance between embeddings. A row of zeros has the cosine 0 with every other.

    Returns
    -------
    shares : ndarray of shape (max_rank,)
        In [0, 1], never falling.

    Raises
    ------
    ValueError
        If a label is missing, if there is one class only, if no query has a relevant
        row, if `max_rank` or `metric` is none of the above, or if arrays do not match
        in length or width or hold NaN or infinity.

    See Also
    --------
    recall_at_k : One of these numbers, and notes on ties and left-out queries.

    References
    ----------
    .. [1] P. J. Phillips, H. Moon, S. A. Rizvi and P. J. Rauss, "The FERET evaluation
       methodology for face-recognition algorithms", IEEE Transactions on Pattern
       Analysis and Machine Intelligence 22, 2000.

    Examples
    --------
    >>> from sklearn_replearn.metrics import cumulative_match
    >>> X = [[0.0], [1.0], [3.0], [7.0], [8.0]]
    >>> y = ["a", "b", "a", "b", "b"]
    >>> cumulative_match(X, y, max_rank=4)
    array([0.4, 0.8, 1. , 1. ])
    """
    task = _read(X, y, X_gallery, y_gallery, metric)
    _check_depth("max_rank", max_rank, task)
    n_first = np.zeros(max_rank, dtype=np.int64)  # queries by the rank of the first hit
    for _, hits in _nearest_hits(task, max_rank):
        first = hits.argmax(axis=1)[hits.any(axis=1)]
        n_first += np.bincount(first, minlength=max_rank)
    return np.cumsum(n_first) / len(task.queries)


def r_precision(X, y, *, X_gallery=None, y_gallery=None, metric="euclidean"):
    """Mean share of relevant rows among the R nearest, of R relevant rows in all.

    R differs from query to query: it is the number of rows that have its class, itself
    not counted. A perfect embedding has 1 whatever the sizes of the classes.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components)
        Embeddings of the queries. Without a gallery each row queries all other rows.
    y : array-like of shape (n_samples,)
        Class of each row: numbers, strings or anything else that can be sorted.
    X_gallery : array-like of shape (n_gallery, n_components), default=None
        Embeddings of the rows to look the queries up in, instead of the other rows
        of `X`.
    y_gallery : array-like of shape (n_gallery,), default=None
        Class of each row of the gallery.
    metric : {"euclidean", "cosine"}, default="euclidean"
        Distance between embeddings. A row of zeros has the cosine 0 with every other.

    Returns
    -------
    precision : float
        In [0, 1]; larger is better.

    Raises
    ------
    ValueError
        If a label is missing, if there is one class only, if no query has a relevant
        row, if `metric` is none of the above, or if arrays do not match in length or
        width or hold NaN or infinity.

    See Also
    --------
    mean_average_precision_at_r : Rewards the right order among the R, too.
    recall_at_k : Notes on ties and left-out queries.

    References
    ----------
    .. [1] C. D. Manning, P. Raghavan and H. Schütze, "Introduction to Information
       Retrieval", Cambridge University Press, 2008, chapter 8.

    Examples
    --------
    >>> from sklearn_replearn.metrics import r_precision
    >>> X = [[0.0], [1.0], [3.0], [7.0], [8.0]]
    >>> r_precision(X, ["a", "b", "a", "b", "b"])
    0.2
    """
    task = _read(X, y, X_gallery, y_gallery, metric)
    shares = [
        hits.sum(axis=1) / n_relevant
        for n_relevant, hits in _nearest_hits(task, task.n_relevant)
    ]
    return float(np.concatenate(shares).mean())


def mean_average_precision_at_r(
    X, y, *, X_gallery=None, y_gallery=None, metric="euclidean"
):
    r"""Mean average precision at R, MAP@R: are all rows of a class together?

    With R the number of rows that have the query's class (itself not counted), and
    :math:`P(i)` the share of them among its i nearest rows, a query has

    .. math:: \frac{1}{R} \sum_{i=1}^{R} P(i) \, [\text{row } i \text{ is relevant}]

    and the result is the mean over the queries [1]_. Unlike the recall at 1 it tells
    apart embeddings that both have a right nearest neighbour, and it is 1 only if each
    query's R nearest rows are all of its class.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components)
        Embeddings of the queries. Without a gallery each row queries all other rows.
    y : array-like of shape (n_samples,)
        Class of each row: numbers, strings or anything else that can be sorted.
    X_gallery : array-like of shape (n_gallery, n_components), default=None
        Embeddings of the rows to look the queries up in, instead of the other rows
        of `X`.
    y_gallery : array-like of shape (n_gallery,), default=None
        Class of each row of the gallery.
    metric : {"euclidean", "cosine"}, default="euclidean"
        Distance between embeddings. A row of zeros has the cosine 0 with every other.

    Returns
    -------
    precision : float
        In [0, 1]; larger is better.

    Raises
    ------
    ValueError
        If a label is missing, if there is one class only, if no query has a relevant
        row, if `metric` is none of the above, or if arrays do not match in length or
        width or hold NaN or infinity.

    See Also
    --------
    make_retrieval_scorer : The same, for ``scoring=``.
    r_precision : The share of relevant rows among the R nearest, in any order.
    recall_at_k : Notes on ties and left-out queries.

    References
    ----------
    .. [1] K. Musgrave, S. Belongie and S.-N. Lim, "A metric learning reality check",
       ECCV 2020.

    Examples
    --------
    >>> from sklearn_replearn.metrics import mean_average_precision_at_r
    >>> X = [[0.0], [1.0], [3.0], [7.0], [8.0]]
    >>> mean_average_precision_at_r(X, ["a", "b", "a", "b", "b"])
    0.2
    """
    task = _read(X, y, X_gallery, y_gallery, metric)
    scores, ranks = [], np.arange(1, task.n_relevant.max() + 1)
    for n_relevant, hits in _nearest_hits(task, task.n_relevant):
        hits_so_far = hits.cumsum(axis=1, dtype=np.float64)
        hits_so_far *= hits
        scores.append(hits_so_far @ (1 / ranks[: hits.shape[1]]) / n_relevant)
    return float(np.concatenate(scores).mean())


class _Task(NamedTuple):
    """Queries and gallery, in an order that does not depend on the one given.

    The rows of a class are next to each other, small classes first, and within it they
    are sorted by their bytes. So the same rows always stand in the same blocks, and
    rounding is the same.
    """

    queries: np.ndarray  # (n_queries, n): rows whose products with those of the
    gallery: np.ndarray  # (n_gallery, n) gallery are distances
    start: np.ndarray  # where a query's class begins in the gallery,
    stop: np.ndarray  # and where it ends
    own: np.ndarray | None  # where the query itself is in the gallery
    copies: np.ndarray  # rows of the gallery that are equal
    originals: np.ndarray  # to these, which are no copies

    @property
    def n_relevant(self):
        return self.stop - self.start - (self.own is not None)

    @property
    def n_candidates(self):
        """Rows that each query is compared with."""
        return len(self.gallery) - (self.own is not None)


def _nearest_hits(task, depth):
    """Which of the nearest rows are relevant, for a block of queries at a time.

    A distance becomes a whole number that has the same order: its bits, moved by one
    place to make room for a last bit that is set where the row is relevant. The
    smallest numbers are then the nearest rows, and of equal distances those that are
    not relevant come first. Nothing has to be looked up after sorting.

    Parameters
    ----------
    task : _Task
    depth : int or ndarray of shape (n_queries,)
        How many of the nearest rows to look at.

    Yields
    ------
    depth : ndarray of shape (n_block,)
    hits : ndarray of bool of shape (n_block, depth.max())
        In the order of the distance; False beyond the depth.
    """
    n_queries, n_gallery = len(task.queries), len(task.gallery)
    depth = np.broadcast_to(depth, n_queries)
    n_rows = np.clip(_BLOCK_ROWS, _MIN_BLOCK // n_gallery, _MAX_BLOCK // n_gallery)
    n_rows = min(n_queries, max(1, int(n_rows)))
    dtype = task.gallery.dtype
    buffer = np.empty((n_rows, n_gallery), dtype)
    for begin in range(0, n_queries, n_rows):
        rows = slice(begin, min(begin + n_rows, n_queries))
        distances = buffer[: rows.stop - begin]
        np.matmul(task.queries[rows], task.gallery.T, out=distances)
        distances[:, task.copies] = distances[:, task.originals]
        keys = distances.view(f"u{dtype.itemsize}")
        keys <<= 1  # the sign, which only rounding gives to a distance, is dropped
        _mark_relevant(keys, task.start[rows], task.stop[rows])
        if task.own is not None:
            keys[np.arange(len(keys)), task.own[rows]] = np.iinfo(keys.dtype).max
        n_nearest = depth[rows].max()
        keys.partition(n_nearest - 1, axis=1)
        nearest = np.sort(keys[:, :n_nearest], axis=1)
        hits = (nearest & 1).astype(bool)
        hits &= np.arange(n_nearest) < depth[rows, np.newaxis]
        yield depth[rows], hits


def _mark_relevant(keys, start, stop):
    """Set the last bit in the columns of each row's class; classes are together."""
    edges = [0, *(np.flatnonzero(np.diff(start)) + 1), len(keys)]
    for top, bottom in pairwise(edges):
        keys[top:bottom, start[top] : stop[top]] |= 1


def _read(X, y, X_gallery, y_gallery, metric):
    """Check what a public function is given, and bring it in order."""
    check_metric(metric)
    if (X_gallery is None) != (y_gallery is None):
        given, missing = "X_gallery", "y_gallery"
        if X_gallery is None:
            given, missing = missing, given
        raise ValueError(f"{given} is given without {missing}; pass both or neither.")
    X = _check_rows(X, "X")
    y = _check_labels(y, "y", len(X))
    if X_gallery is None:
        return _without_gallery(X, y, metric)
    X_gallery = _check_rows(X_gallery, "X_gallery")
    y_gallery = _check_labels(y_gallery, "y_gallery", len(X_gallery))
    if X.shape[1] != X_gallery.shape[1]:
        raise ValueError(
            f"X has {X.shape[1]} columns, but X_gallery has {X_gallery.shape[1]}; both "
            "must come from the same embedding."
        )
    return _with_gallery(X, y, X_gallery, y_gallery, metric)


def _without_gallery(X, y, metric):
    classes, codes = _encode(y, "y")
    _refuse_one_class(classes, "y")
    counts = np.bincount(codes)
    if counts.max() == 1:
        raise ValueError(
            f"Each of the {len(classes)} classes in y has one row, so that no row has "
            "another to find; at least one class needs two."
        )
    (rows,) = _comparable([X], metric)
    order, copies, originals = _arrange(rows, codes, counts)
    rows, codes = rows[order], codes[order]
    start, stop = _spans(codes, len(classes))
    own = np.flatnonzero(counts[codes] > 1)
    left, right = _factors(rows[own], rows, metric)
    at = codes[own]
    return _Task(left, right, start[at], stop[at], own, copies, originals)


def _with_gallery(X, y, X_gallery, y_gallery, metric):
    classes, codes = _encode(np.concatenate([y, y_gallery]), "y and y_gallery")
    codes, gallery_codes = codes[: len(y)], codes[len(y) :]
    _refuse_one_class(classes[np.unique(gallery_codes)], "y_gallery")
    counts = np.bincount(gallery_codes, minlength=len(classes))
    has_relevant = counts[codes] > 0
    if not has_relevant.any():
        raise ValueError(
            "No class of y is in y_gallery, so that no query has a relevant row; "
            f"{y[0]!r}, for one, is not in it."
        )
    dtype = np.result_type(X, X_gallery)
    tables = [table.astype(dtype, copy=False) for table in (X[has_relevant], X_gallery)]
    queries, gallery = _comparable(tables, metric)
    order, copies, originals = _arrange(gallery, gallery_codes, counts)
    start, stop = _spans(gallery_codes[order], len(classes))
    codes = codes[has_relevant]
    of_queries, _, _ = _arrange(queries, codes, counts)
    left, right = _factors(queries[of_queries], gallery[order], metric)
    at = codes[of_queries]
    return _Task(left, right, start[at], stop[at], None, copies, originals)


def _comparable(tables, metric):
    """Tables in the form in which distances between rows have the least rounding.

    For Euclidean distances, what can be subtracted without rounding is: the middle
    value of each column of the last table, the gallery, which is one of the column's
    own, so that whole numbers remain whole; and a power of two is divided by. For
    cosines, dividing by a row's largest value first makes multiples of a row equal to
    it, bit for bit. Equal rows have equal bytes: there are no negative zeros.
    """
    if metric == "cosine":
        return [_unit_rows(table) + 0.0 for table in tables]
    size = max(np.frexp(np.abs(table).max())[1] for table in tables) + 1
    gallery = tables[-1]
    middle = (len(gallery) - 1) // 2
    centre = np.ldexp(np.partition(gallery, middle, axis=0)[middle], -size)
    return [np.ldexp(table, -size) - centre + 0.0 for table in tables]


def _unit_rows(table):
    rows = table / _nonzero(np.abs(table).max(axis=1, keepdims=True))
    return rows / _nonzero(np.sqrt(_squares(rows)))


def _nonzero(values):
    return np.where(values > 0, values, 1)


def _factors(queries, gallery, metric):
    """Two tables; the products of their rows are distances (squared, if Euclidean)."""
    ones_left = np.ones((len(queries), 1), queries.dtype)
    ones_right = np.ones((len(gallery), 1), gallery.dtype)
    if metric == "cosine":
        return np.hstack([queries, ones_left]), np.hstack([-gallery, ones_right])
    return (
        np.hstack([queries, _squares(queries), ones_left]),
        np.hstack([-2 * gallery, ones_right, _squares(gallery)]),
    )


def _squares(rows):
    return np.square(rows).sum(axis=1, keepdims=True)


def _arrange(rows, codes, counts):
    """The order of `_Task`, and rows equal to others as places in this order."""
    rows = np.ascontiguousarray(rows)
    as_bytes = rows.view(f"V{rows.itemsize * rows.shape[1]}").ravel()
    by_bytes = np.argsort(as_bytes, kind="stable")
    ordered = codes[by_bytes]
    order = by_bytes[np.lexsort((ordered, counts[ordered]))]
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    differs = (rows[by_bytes[1:]] != rows[by_bytes[:-1]]).any(axis=1)
    first = np.maximum.accumulate(
        np.where(np.r_[True, differs], np.arange(len(rows)), 0)
    )
    is_copy = np.r_[False, ~differs]
    return order, place[by_bytes[is_copy]], place[by_bytes[first[is_copy]]]


def _spans(codes, n_classes):
    """Where each class begins and ends, in codes that stand together; 0, 0 if not."""
    start, stop = np.zeros((2, n_classes), dtype=np.intp)
    edges = np.flatnonzero(np.r_[True, np.diff(codes) != 0, True])
    start[codes[edges[:-1]]] = edges[:-1]
    stop[codes[edges[:-1]]] = edges[1:]
    return start, stop


def _check_rows(X, name):
    return check_array(X, dtype=[np.float64, np.float32], input_name=name)


def _check_labels(y, name, n_rows):
    """Labels as an array of objects, none of them missing."""
    labels = y if hasattr(y, "dtype") else np.asarray(y, dtype=object)
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(
            f"{name} has shape {labels.shape}, but one label for each row is expected."
        )
    rows_name = name.replace("y", "X", 1)
    if len(labels) != n_rows:
        raise ValueError(
            f"{name} has {len(labels)} labels, but {rows_name} has {n_rows} rows."
        )
    missing = _first_missing(labels)
    if missing is not None:
        raise ValueError(
            f"{name} has a missing label ({labels[missing]!s}) in row {missing}; leave "
            f"the row out of {rows_name} and {name}."
        )
    return labels.astype(object)


def _first_missing(labels):
    if labels.dtype.kind == "O":
        missing = np.fromiter(map(is_missing, labels), bool, len(labels))
    elif labels.dtype.kind in "fcmM":
        missing = labels != labels  # NaN and NaT
    else:
        return None
    return int(missing.argmax()) if missing.any() else None


def _encode(labels, name):
    try:
        return np.unique(labels, return_inverse=True)
    except TypeError:
        kinds = " and ".join(sorted({type(label).__name__ for label in labels}))
        raise ValueError(
            f"Labels of type {kinds} in {name} cannot be compared; use one type for "
            "all."
        ) from None


def _refuse_one_class(classes, name):
    if len(classes) == 1:
        raise ValueError(
            f"{name} has 1 class ({classes[0]!r}), so that every neighbour is right; "
            "at least 2 are needed."
        )


def check_metric(metric):
    if not isinstance(metric, str) or metric not in ("euclidean", "cosine"):
        raise ValueError(f"metric must be 'euclidean' or 'cosine'; got {metric!r}.")


def _check_depth(name, value, task):
    check_count(name, value)
    if value > task.n_candidates:
        raise ValueError(
            f"{name}={value} is more than the {task.n_candidates} rows that each query "
            "is compared with."
        )
