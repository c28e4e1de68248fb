"""Do the nearest neighbours of an embedding have the class of the query?"""

import numpy as np
from sklearn.utils.validation import check_array

from sklearn_replearn._counts import check_count
from sklearn_replearn._missing import is_missing
from sklearn_replearn.metrics._nearest_hits import Task, nearest_hits


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
    embedding that has collapsed to a point gets no credit. The order is that of the
    true distances between the rows as they are given, at any offset and any scale, and
    equal distances count as equal: where the rounding of a fast computation, block by
    block, could bring rows of different classes out of order, they are compared again
    without rounding.

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
    return task.mean((some, hits.any(axis=1)) for some, hits in nearest_hits(task, k))


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
    for some, hits in nearest_hits(task, max_rank):
        found = hits.any(axis=1)
        first = hits[found].argmax(axis=1)
        np.add.at(n_first, first, task.weights[some[found]])
    return np.cumsum(n_first) / task.weights.sum()


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
    return task.mean(
        (some, hits.sum(axis=1) / task.n_relevant[some])
        for some, hits in nearest_hits(task, task.n_relevant)
    )


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
    ranks = np.arange(1, task.n_relevant.max() + 1)

    def scores():
        for some, hits in nearest_hits(task, task.n_relevant):
            hits_so_far = hits.cumsum(axis=1, dtype=np.float64)
            hits_so_far *= hits
            sums = hits_so_far @ (1 / ranks[: hits.shape[1]])
            yield some, sums / task.n_relevant[some]

    return task.mean(scores())


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
    X, codes = _by_class(X, codes)
    own = np.flatnonzero(counts[codes] > 1)
    return Task(X[own], codes[own], X, codes, metric, own)


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
    gallery, gallery_codes = _by_class(X_gallery, gallery_codes)
    queries, codes = _by_class(X[has_relevant], codes[has_relevant])
    return Task(queries, codes, gallery, gallery_codes, metric)


def _by_class(rows, codes):
    order = np.argsort(codes, kind="stable")
    return rows[order], codes[order]


def _check_rows(X, name):
    with np.errstate(over="ignore", invalid="ignore"):  # of a sum of large numbers
        rows = check_array(X, dtype=np.float64, input_name=name)
    given = np.asarray(X)
    if given.dtype.kind in "iu" and (np.abs(rows) > 2**53).any():
        raise ValueError(
            f"{name} has whole numbers above 2**53, which a float64 cannot tell apart; "
            "subtract a number from each column, or pass floats."
        )
    return rows


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
