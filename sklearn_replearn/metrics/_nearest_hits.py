"""Which of the nearest rows have the class of the query, exactly, for many queries.

Distances come from products of matrices, block by block, with a proven bound of their
rounding errors. Only rows of different classes whose distances the bound does not tell
apart are looked at again, by `ExactOrder`.
"""

from itertools import pairwise

import numpy as np

from sklearn_replearn._exact_order import TINY, UNIT, ExactOrder, moved, row_ids

_BLOCK_ROWS = 256  # queries at once: enough for a fast product,
_MIN_BLOCK, _MAX_BLOCK = 2_000_000, 12_000_000  # but so many distances: 16 to 96 MB

_N_CENTERS, _N_SAMPLED = 32, 256
_FAR_APART = 2.0**20  # squared, beside the size of a group
_LAST = np.uint32(2**32 - 512)  # the largest key of a short distance
_LARGEST_EXPONENT = 90  # of the units of short distances: single precision holds them
_N_TRIED = 64  # queries at first, and
_MANY_OPEN = 0.25  # the share of these at which a way is given up
_BEYOND = np.float64(2.0**1000).view(np.uint64)  # larger than any distance of points


class Task:
    """Queries and gallery, each with the rows of a class next to each other.

    Parameters
    ----------
    queries, gallery : ndarrays of float64 of shape (n_rows, n)
    codes, gallery_codes : ndarrays of int
        Their classes, in ascending order.
    metric : {"euclidean", "cosine"}
    own : ndarray of int, default=None
        Where each query is in the gallery, if it is a row of it. No query finds itself.

    Attributes
    ----------
    whole : object or None
        Computes distances without any rounding, if the rows are small whole numbers.
    names : ndarray of int
        For each row of the gallery the first one that is at no distance from it.
    weights, counts : ndarrays of int
        How many equal rows a query, and a row of the gallery, stands for: 1 with
        `whole`, else `queries` and `gallery` have only the first of several.
    """

    def __init__(self, queries, codes, gallery, gallery_codes, metric, own=None):
        self.metric, self.own = metric, own
        self.weights, self.counts = np.ones_like(codes), np.ones_like(gallery_codes)
        self.whole = _whole_products(queries, gallery, metric)
        names = None
        if self.whole is None:
            first, self.counts, names = _distinct(gallery, gallery_codes, metric)
            gallery, gallery_codes = gallery[first], gallery_codes[first]
            if own is None:
                first, self.weights, _ = _distinct(queries, codes, metric)
                queries, codes = queries[first], codes[first]
            else:  # the queries are rows of the gallery: all of some classes
                is_kept = np.isin(gallery_codes, codes)
                self.own, self.weights = np.flatnonzero(is_kept), self.counts[is_kept]
                queries, codes = gallery[is_kept], gallery_codes[is_kept]
        self.queries, self.gallery = queries, gallery
        self.names = np.arange(len(gallery)) if names is None else names
        self.twins = np.flatnonzero(self.names != np.arange(len(gallery)))
        self.start = np.searchsorted(gallery_codes, codes, "left")
        self.stop = np.searchsorted(gallery_codes, codes, "right")
        n_before = np.r_[0, self.counts.cumsum()]
        n_own = int(own is not None)
        self.n_relevant = n_before[self.stop] - n_before[self.start] - n_own
        self.n_candidates = int(n_before[-1]) - n_own

    def mean(self, values):
        """Mean over the queries of values that come with the queries they are of."""
        sums = [(self.weights[some] * value).sum() for some, value in values]
        return float(sum(sums) / self.weights.sum())


def nearest_hits(task, depth):
    """Which of the nearest rows are relevant, for a block of queries at a time.

    Parameters
    ----------
    task : Task
    depth : int or ndarray of shape (n_queries,)
        How many of the nearest rows to look at.

    Yields
    ------
    some : ndarray of int of shape (n_block,)
        The queries.
    hits : ndarray of bool of shape (n_block, depth[some].max())
        In the order of the distance, and of equal distances those that are not relevant
        first; False beyond the depth.
    """
    depth = np.broadcast_to(depth, len(task.queries))
    queries = np.arange(len(depth))
    if task.whole is not None:
        yield from _search(task, depth, queries, task.whole, None, queries)
        return
    if task.metric == "cosine":
        has_length = task.queries.any(axis=1)
        if not has_length.all():
            yield from _all_tied(task, depth, np.flatnonzero(~has_length))
        queries = np.flatnonzero(has_length)
        if not len(queries):
            return
    exact = ExactOrder(task.queries, task.gallery, task.metric)
    for some, products in _products(exact, queries):
        places = np.arange(len(some))
        if task.counts.max() == 1:
            for dtype in (np.float32, np.float64):
                if len(places):
                    short = _ShortDistances(products, dtype)
                    places = yield from _quick_search(task, depth, some, short, places)
        yield from _search(task, depth, some, products, exact, places)


def _all_tied(task, depth, queries):
    """Hits of queries at the same distance from all rows."""
    ranks = np.arange(depth[queries].max())
    n_others = task.n_candidates - task.n_relevant[queries, np.newaxis]
    yield queries, (ranks >= n_others) & (ranks < depth[queries, np.newaxis])


def _quick_search(task, depth, queries, products, places):
    """The hits of those queries whose distances differ by more than rounding.

    As `_search`, with distances as whole numbers of 31 bits, which sort twice as fast.

    Returns
    -------
    places : ndarray of int
        Of the other queries.
    """
    n_rows = _block_rows(len(task.gallery), len(places))
    begin, end, left = 0, min(n_rows, _N_TRIED), [places[:0]]
    while begin < len(places):
        rows = places[begin:end]
        some = queries[rows]
        n_nearest = min(int(depth[some].max()) + 1, len(task.gallery))
        keys, slack = products.keys(rows, n_nearest)
        _mark_relevant(keys, task.start[some], task.stop[some], np.uint32(1))
        if task.own is not None:
            keys[np.arange(len(keys)), task.own[some]] = _LAST
        if n_nearest < keys.shape[1]:
            keys.partition(n_nearest - 1, axis=1)
        nearest = np.sort(keys[:, :n_nearest], axis=1)
        is_open = _order_is_open(nearest, depth[some], slack)
        left.append(rows[is_open])
        if not is_open.all():
            hits = _cut(nearest[~is_open], np.uint32(1), depth[some[~is_open]])
            yield some[~is_open], hits
        if is_open.mean() > _MANY_OPEN:
            left.append(places[end:])
            break
        begin, end = end, end + n_rows
    return np.concatenate(left)


def _order_is_open(nearest, depth, slack):
    """For each row, whether its hits may be in another order than that of the keys."""
    gaps = np.diff(nearest, axis=1)
    near = gaps <= 2 * slack[:, np.newaxis] + 1
    rows, last = np.arange(len(nearest)), np.minimum(depth, nearest.shape[1]) - 1
    is_open = nearest[rows, last] >= _LAST - 2 * slack - 2
    inside = np.flatnonzero(depth <= gaps.shape[1])
    is_open[inside] |= near[inside, depth[inside] - 1]
    near &= (gaps & np.uint32(1)).astype(bool)
    some = np.flatnonzero(near.any(axis=1))
    ranks = np.arange(gaps.shape[1])
    is_open[some] |= (near[some] & (ranks < depth[some, np.newaxis])).any(axis=1)
    return is_open


def _search(task, depth, queries, products, exact, places):
    """The hits of queries whose distances come from the same products.

    A distance becomes a whole number that has the same order, its bits. Its last bits
    make room for one that is set where the row is relevant, and for the number of the
    row. The smallest whole numbers are then the nearest rows, and nothing has to be
    looked up after sorting.
    """
    n_gallery = len(task.gallery)
    n_bits = 0 if exact is None else (n_gallery - 1).bit_length()
    layout = _Layout(n_bits)
    columns = np.arange(n_gallery, dtype=np.uint64)
    n_rows = _block_rows(n_gallery, len(places))
    buffer = np.empty((n_rows, n_gallery))
    for begin in range(0, len(places), n_rows):
        rows = places[begin : begin + n_rows]
        some = queries[rows]
        keys = products.keys(rows, buffer[: len(some)])
        keys[:, task.twins] = keys[:, task.names[task.twins]]
        keys &= layout.of_distance
        if n_bits:
            keys |= columns
        _mark_relevant(keys, task.start[some], task.stop[some], layout.relevant)
        if task.own is not None:
            _leave_out(keys, task.own[some], task.counts, layout)
        deepest = int(depth[some].max())
        n_nearest = min(deepest + 1, n_gallery)
        if n_nearest < n_gallery:
            keys.partition(n_nearest - 1, axis=1)
        nearest = np.sort(keys[:, :n_nearest], axis=1)
        if exact is not None:
            errors = products.errors(rows)
            _settle(nearest, keys, depth[some], some, errors, layout, exact, task.names)
        counts = None
        if task.counts.max() > 1:
            counts = task.counts[nearest & layout.column]
            if task.own is not None:
                counts -= (nearest & layout.column) == task.own[some, np.newaxis]
        yield some, _cut(nearest, layout.relevant, depth[some], counts)


def _block_rows(n_gallery, n_queries):
    n_rows = np.clip(_BLOCK_ROWS, _MIN_BLOCK // n_gallery, _MAX_BLOCK // n_gallery)
    return max(1, min(n_queries, int(n_rows)))


def _cut(nearest, bit, depth, counts=None):
    """The hits among the nearest rows, each as often as its count, up to the depth."""
    hits = (nearest & bit).astype(bool)
    deepest = depth.max(initial=1)
    if counts is not None:
        until = np.minimum(counts.cumsum(axis=1), deepest)
        counts = np.diff(until, axis=1, prepend=0)
        hits = np.repeat(hits.ravel(), counts.ravel()).reshape(len(hits), deepest)
    hits = hits[:, :deepest]
    hits &= np.arange(deepest) < depth[:, np.newaxis]
    return hits


class _Layout:
    """Which bits of a whole number stand for what.

    From the highest: the distance, whether the row is relevant, the row's number.
    """

    def __init__(self, n_bits):
        self.relevant = np.uint64(1 << n_bits)
        self.column = np.uint64((1 << n_bits) - 1)
        self.of_distance = ~(self.relevant | self.column)
        self.beyond = self.of_distance & (_BEYOND if n_bits else ~np.uint64(0))
        self.truncation = 2.0 ** (n_bits + 1 - 52)  # relative, of a distance


def _mark_relevant(keys, start, stop, bit):
    """Set a bit in the columns of each row's class; classes are together."""
    edges = [0, *(np.flatnonzero(np.diff(start)) + 1), len(keys)]
    for top, bottom in pairwise(edges):
        keys[top:bottom, start[top] : stop[top]] |= bit


def _leave_out(keys, own, counts, layout):
    """Put queries that no other row is equal to behind all rows."""
    rows = np.flatnonzero(counts[own] == 1)
    own = own[rows]
    keys[rows, own] &= ~layout.of_distance
    keys[rows, own] |= layout.beyond


def _settle(nearest, keys, depth, queries, errors, layout, exact, names):
    """Put rows in their true order if rounding may have brought them out of it.

    Parameters
    ----------
    nearest : ndarray of shape (n_block, n_nearest)
        The smallest of `keys`, sorted; changed in place.
    keys : ndarray of shape (n_block, n_gallery)
    depth, queries : ndarrays of shape (n_block,)
    errors : callable
        Bounds of the errors of distances in `nearest`, or in one of its rows.
    names : ndarray of shape (n_gallery,)
        The same for rows whose order is known, as they are equal.
    """
    distances = (nearest & layout.of_distance).view(np.float64)
    bounds = errors(distances, layout.truncation)
    close = distances[:, :-1] + bounds[:, :-1] >= distances[:, 1:] - bounds[:, 1:]
    close &= np.arange(close.shape[1]) < depth[:, np.newaxis]
    at_the_end = np.zeros(len(nearest), dtype=bool)
    inside = np.flatnonzero(depth <= close.shape[1])
    at_the_end[inside] = close[inside, depth[inside] - 1]
    differs = (nearest[:, 1:] ^ nearest[:, :-1]) & layout.relevant
    is_open = (close & differs.astype(bool)).any(axis=1)
    if is_open.any():
        some = np.flatnonzero(is_open)
        of_close = names[nearest[some] & layout.column]
        close = close[some] & (of_close[:, 1:] != of_close[:, :-1])
        is_open[some] = close.any(axis=1)
    for row in np.flatnonzero(is_open | at_the_end):
        candidates = nearest[row]
        if at_the_end[row]:
            last = distances[row, depth[row] - 1] + bounds[row, depth[row] - 1]
            last += 3 * errors(np.array([last]), layout.truncation, row)[0]
            limit = last.view(np.uint64) | ~layout.of_distance
            candidates = np.sort(keys[row][keys[row] <= limit])
        those = (candidates & layout.of_distance).view(np.float64)
        columns = (candidates & layout.column).astype(np.intp)
        order = exact.arrange(
            queries[row],
            columns,
            those,
            errors(those, layout.truncation, row),
            (candidates & layout.relevant).astype(bool),
            names[columns],
        )
        n_kept = min(len(order), nearest.shape[1])
        nearest[row, :n_kept] = candidates[order[:n_kept]]


# ---------------------------------------------------------------------------
# Products
# ---------------------------------------------------------------------------


class _PointProducts:
    """Squared distances of points, from a product of matrices.

    Parameters
    ----------
    exact : ExactOrder
    queries : ndarray of int
        Which of its queries.
    center : ndarray
        A point near these queries. Only rounding depends on it.
    """

    def __init__(self, exact, queries, center):
        left, right = exact.left[queries] - center, exact.right - center
        squares, right_squares = (np.einsum("ij,ij->i", z, z) for z in (left, right))
        n = left.shape[1]
        self.left = np.column_stack([left, squares, np.ones(len(left))])
        self.right = np.vstack([-2 * right.T, np.ones(len(right)), right_squares])
        self.squares, self.perturbation = squares, exact.perturbation
        # A sum of n + 2 products has an error of at most n + 2 roundings of the sum of
        # their sizes. That is 2 |x||y| + |x|² + |y|² ≤ 2 (|x|² + |y|²), and |y|² is at
        # most 2 |x|² + 2 d for a squared distance of d. The roundings in the squares
        # and in the differences from the center make it 3 n + 8 for |x|² + |y|²; the
        # rest is for those of the bound itself.
        self._slope = (4 * n + 16) * UNIT
        self._intercepts = 3 * self._slope * squares[:, np.newaxis] + n * TINY

    def keys(self, rows, out):
        np.matmul(self.left[rows], self.right, out=out)
        return np.abs(out, out=out).view(np.uint64)

    def errors(self, rows):
        """The function of distances, and of a row of the block, that bounds errors."""
        intercepts = self._intercepts[rows]

        def bound(distances, truncation, row=None):
            known = intercepts if row is None else intercepts[row]
            errors = (2 * self._slope + truncation) * distances + known
            if self.perturbation:
                errors += moved(distances + errors, self.perturbation)
            return errors

        return bound


class _ShortDistances:
    """Squared distances of points as whole numbers of 31 bits.

    Parameters
    ----------
    products : _PointProducts
    dtype : {float32, float64}
        Of the products. Those in single precision take half the time.
    """

    def __init__(self, products, dtype):
        self._left, right = products.left, products.right
        self._right = right.astype(dtype, copy=False)
        self._sampled = right[:, :: -(-right.shape[1] // _N_SAMPLED)].copy()
        self._lengths = np.sqrt(products.squares)
        self._longest = np.sqrt(right[-1].max())
        self._perturbation = products.perturbation
        # Sums of products, see _PointProducts: n + 2 roundings of (|x| + |y|)². Those
        # of the factors are few; in double precision the squares have n more.
        n = len(right) - 2
        single = dtype == np.float32
        n_roundings = n + 8 if single else 2 * n + 16
        self._rounding = n_roundings * np.finfo(dtype).eps / 2
        self._n_spare_bits = 5 if single else 1
        self._buffers = None

    def keys(self, rows, n_nearest):
        """Twice the distances, in units that differ from row to row.

        Returns
        -------
        keys : ndarray of uint32 of shape (n_block, n_gallery)
            All from `_LAST` on are the same.
        slack : ndarray of uint32 of shape (n_block,)
            Distances that differ by more units differ in truth, in the same direction.
        """
        left, lengths = self._left[rows], self._lengths[rows]
        lengths_of_others = lengths + self._longest
        largest = lengths_of_others**2 * (1 + self._rounding)
        # All that are needed are likely to be below the largest key.
        sampled = np.abs(left @ self._sampled)
        n = sampled.shape[1]
        place = n_nearest * n / self._right.shape[1]
        place = min(n - 1, int(place + 3 + 3 * np.sqrt(place)))
        sampled.partition(place, axis=1)
        bounds = self._rounding * largest
        if self._perturbation:
            bounds += moved(largest, self._perturbation)
        needed = np.frexp(1.25 * sampled[:, place])[1]
        possible = np.frexp(1.01 * largest + 4 * bounds)[1]
        # Clipping takes longer than the loss of a few digits, if they are not needed.
        fits = possible <= needed + self._n_spare_bits
        exponents = 31 - np.where(fits, possible, needed)
        exponents = np.minimum(exponents, _LARGEST_EXPONENT)
        errors = np.minimum(np.ldexp(bounds, exponents), 2.0**28)
        left = np.ldexp(left, exponents[:, np.newaxis])
        left[:, -2] += errors  # no distance is negative
        keys, out = self._arrays(len(left))
        np.matmul(left.astype(self._right.dtype), self._right, out=out)
        if not fits.all():
            np.clip(out, 0, _LAST // 2, out=out)
        np.copyto(keys, out, casting="unsafe")
        keys <<= 1
        return keys.view(np.uint32), np.ceil(2 * errors + 1).astype(np.uint32)

    def _arrays(self, n_rows):
        shape = n_rows, self._right.shape[1]
        if self._buffers is None or len(self._buffers[0]) < n_rows:
            self._buffers = (
                np.empty(shape, np.int32),
                np.empty(shape, self._right.dtype),
            )
        return [buffer[:n_rows] for buffer in self._buffers]


def _products(exact, queries):
    """Queries by the group of points that they are in, and products for each group."""
    points = exact.left[queries]
    centers = _centers(points)
    if len(centers) == 1:
        yield queries, _PointProducts(exact, queries, centers[0])
        return
    squares = np.einsum("ij,ij->i", centers, centers)
    groups = (squares - 2 * points @ centers.T).argmin(axis=1)
    for group in np.unique(groups):
        some = queries[groups == group]
        yield some, _PointProducts(exact, some, centers[group])


def _centers(points):
    """One center, or as many as there are groups that lie very far apart."""
    some = points[:: -(-len(points) // _N_SAMPLED)]
    middle = np.partition(some, len(some) // 2, axis=0)[len(some) // 2]
    centers, squares = [middle], np.square(some - middle).sum(axis=1)
    extent = squares.mean()
    for _ in range(min(_N_CENTERS, len(some)) - 1):
        centers.append(some[squares.argmax()])
        squares = np.minimum(squares, np.square(some - centers[-1]).sum(axis=1))
    if squares.max() * _FAR_APART < extent:
        return np.array(centers)
    return np.array([middle])


class _WholeDistances:
    """Squared distances of whole numbers so small that no operation rounds."""

    def __init__(self, left, right):
        squares, right_squares = (np.einsum("ij,ij->i", z, z) for z in (left, right))
        self._left = np.column_stack([left, squares, np.ones(len(left))])
        self._right = np.vstack([-2 * right.T, np.ones(len(right)), right_squares])

    def keys(self, rows, out):
        return np.matmul(self._left[rows], self._right, out=out).view(np.uint64)


class _WholeCosines:
    """Squared cosines of whole numbers, rounded once each, in the place of distances.

    For each query they are fractions with denominators so small that those that differ
    do so after rounding.
    """

    def __init__(self, left, right):
        self._left, self._right = left, np.ascontiguousarray(right.T)
        squares = np.einsum("ij,ij->i", right, right)
        self._scales = np.where(squares > 0, squares, 1)

    def keys(self, rows, out):
        np.matmul(self._left[rows], self._right, out=out)
        out *= np.abs(out)
        out /= self._scales
        out += 0.0
        keys = out.view(np.uint64)
        # The larger a positive number, the nearer the row; the larger a negative one
        # without its sign, the farther.
        keys ^= np.where(out < 0, np.uint64(0), np.uint64(2**63 - 1))
        return keys


def _whole_products(queries, gallery, metric):
    """Products without rounding, if the tables hold small whole numbers, or None.

    Multiples of one number are as good, or for cosines of one number in each row.
    """
    n = queries.shape[1]
    if metric == "euclidean":
        whole = _as_whole(
            np.vstack([gallery, queries]), None, (47 - n.bit_length()) // 2
        )
        if whole is None:
            return None
        gallery, queries = whole[: len(gallery)], whole[len(gallery) :]
        center = np.partition(gallery, len(gallery) // 2, axis=0)[len(gallery) // 2]
        return _WholeDistances(queries - center, gallery - center)
    tables = []
    for table in (queries, gallery):
        whole = _as_whole(table, 1, 20)
        if whole is None:
            return None
        numbers = whole.astype(np.int64)
        lowest = (numbers & -numbers).astype(np.float64)
        lowest = np.where(lowest > 0, lowest, np.inf).min(axis=1, keepdims=True)
        tables.append(whole / np.where(np.isfinite(lowest), lowest, 1))
    largest = [np.einsum("ij,ij->i", table, table).max() for table in tables]
    if largest[0] * largest[1] ** 2 > 2.0**48:
        return None
    return _WholeCosines(*tables)


def _as_whole(table, axis, n_bits):
    """Whole numbers of so many bits that are proportional to a table, or None.

    To all of it, or with ``axis=1`` to each row by itself.
    """
    for some in (table[:8], table):  # most tables show it early
        sizes = np.abs(some)
        largest = sizes.max(axis=axis, keepdims=True)
        units = np.where(sizes > 0, sizes, largest).min(axis=axis, keepdims=True)
        exponents = np.frexp(largest)[1]
        if (exponents - np.frexp(units)[1] >= n_bits).any():
            return None
        whole = np.ldexp(some, n_bits - exponents)
        if (whole == np.rint(whole)).all():
            continue
        some, units = np.ldexp(some, -exponents), np.ldexp(units, -exponents)
        units = np.where(units > 0, units, 1)
        whole = np.rint(some / units)
        # Products of whole numbers with the two halves of a number are exact.
        first = units.astype(np.float32).astype(np.float64)
        if (some - whole * first != whole * (units - first)).any():
            return None
    return whole


# ---------------------------------------------------------------------------
# Equal rows
# ---------------------------------------------------------------------------


def _distinct(rows, codes, metric):
    """Places of the first of equal rows of a class, and how many there are.

    The third is, for each of these rows, the first of them that is equal, of any class.
    """
    ids = row_ids(rows, metric)
    if ids is None:
        return np.arange(len(rows)), np.ones_like(codes), None
    _, first, counts = np.unique(
        codes * len(rows) + ids, return_index=True, return_counts=True
    )
    _, place, same = np.unique(ids[first], return_index=True, return_inverse=True)
    return first, counts, place[same]
