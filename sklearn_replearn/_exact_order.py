"""The order of true distances: what rounding cannot tell apart is computed exactly.

A double is a whole number times a power of two, so that the squared distance of two
rows, and the square of their cosine, can be compared without any rounding. That is
slow, and needed for few pairs: all others differ by more than the rounding of a faster
computation, which has a proven bound.
"""

from functools import lru_cache
from math import isqrt
from operator import mul

import numpy as np
from scipy.spatial.distance import cdist

from sklearn_replearn._containers import row_blocks

#: Half the distance from 1 to the next double: the largest relative rounding error.
UNIT = 2.0**-53

#: An allowance for results below the smallest normal number.
TINY = 2.0**-1060

_N_VALUES = 2**20  # in each of the temporary arrays


class ExactOrder:
    """Rows of a gallery by their distance from a query, one query at a time.

    Parameters
    ----------
    queries : ndarray of float64 of shape (n_queries, n)
    gallery : ndarray of float64 of shape (n_gallery, n)
    metric : {"euclidean", "cosine"}
        No query has the length zero if it is "cosine".

    Attributes
    ----------
    left, right : ndarrays of float64
        The queries and the gallery as points whose Euclidean distances have the order
        of the metric: divided by a power of two, so that no square overflows, or scaled
        to unit length. A zero row is at right angles to all others.
    perturbation : float
        How far the points may be from the true ones.
    """

    def __init__(self, queries, gallery, metric):
        self._tables = queries, gallery
        self._is_cosine = metric == "cosine"
        self._finer = None  # two doubles for each value, computed when needed
        if self._is_cosine:
            self.left, self.right = unit_rows(queries), unit_rows(gallery)
            is_zero = ~gallery.any(axis=1)
            if is_zero.any():
                self.left = np.pad(self.left, ((0, 0), (0, 1)))
                self.right = np.column_stack([self.right, is_zero])
            self.perturbation = (queries.shape[1] + 8) * UNIT
            n_kept = max(64, _N_VALUES // queries.shape[1])
            self._whole = [
                lru_cache(n_kept)(_WholeRows(table)) for table in self._tables
            ]
        else:
            size = max(np.frexp(np.abs(table).max())[1] for table in self._tables)
            self.left, self.right = (np.ldexp(table, -size) for table in self._tables)
            self.perturbation = 0.0

    def arrange(self, query, columns, distances, errors, kinds, names):
        """Rows of the gallery, the nearest first.

        Parameters
        ----------
        query : int
        columns : ndarray of int of shape (m,)
            Rows of the gallery, ordered by `distances`.
        distances, errors : ndarrays of shape (m,)
            Squared distances of the points, and bounds of their errors.
        kinds : ndarray of shape (m,)
            Of rows of one kind, the order does not matter; of rows of two at the same
            distance, the one of the smaller kind comes first.
        names : ndarray of shape (m,)
            Rows of one name are equal, and in the right order.

        Returns
        -------
        order : ndarray of int of shape (m,)
            Places in `columns`.
        """
        order = np.arange(len(columns))
        runs = _runs(distances, errors)
        open_ = _of_several(runs, kinds) & _of_several(runs, names)
        if not open_.any():
            return order
        some = order[open_]
        finer, errors = self._distances(query, columns[some])
        by_finer = np.lexsort((finer, runs[some]))
        some = some[by_finer]
        finer_runs = _runs(finer[by_finer], errors[by_finer], runs[some])
        ranks = np.zeros(len(some), dtype=np.intp)
        open_ = _of_several(finer_runs, kinds[some])
        open_ &= _of_several(finer_runs, names[some])
        if open_.any():
            ranks[open_] = self._ranks(query, columns[some[open_]], finer_runs[open_])
        # The places of a run stay those of the run.
        order[np.sort(some)] = some[np.lexsort((kinds[some], ranks, finer_runs))]
        return order

    def _distances(self, query, columns):
        """Squared distances from differences, and bounds of their errors."""
        n_columns = self.right.shape[1]
        found = np.empty(len(columns))
        if self._is_cosine:
            self._refine(query, columns)
        for block in row_blocks(len(columns), n_columns, size=_N_VALUES):
            some = columns[block]
            if self._is_cosine:
                (left, left_rest), (right, right_rest) = self._finer
                differences = left[query] - right[some]
                differences += left_rest[query] - right_rest[some]
            else:
                differences = self.left[query] - self.right[some]
            found[block] = np.einsum("ij,ij->i", differences, differences)
        errors = (n_columns + 12) * UNIT * found + n_columns * TINY
        if self._is_cosine:
            errors += moved(found, n_columns * 2.0**-100)
        return found, errors

    def _refine(self, query, columns):
        """Compute points of unit length with twice as many digits, where needed."""
        if self._finer is None:
            self._finer = [
                np.full((2, *points.shape), np.nan)
                for points in (self.left, self.right)
            ]
        for side, rows in enumerate((np.array([query]), columns)):
            points = self._finer[side]
            for row in rows[np.isnan(points[0, rows, 0])].tolist():
                points[:, row] = 0
                whole, square = self._whole[side](row)
                if square:
                    points[:, row, : len(whole)] = _unit_row(whole, square)
                else:
                    points[0, row, -1] = 1

    def _ranks(self, query, columns, runs):
        """Ranks of the true distances within runs; equal ones for equal distances."""
        if self._is_cosine:
            return self._ranks_of_cosines(query, columns, runs)
        queries, gallery = self._tables
        digits = _squared_distances(queries[query], gallery[columns])
        order = np.lexsort((*digits, runs))
        rises = (np.diff(digits[:, order], axis=1) != 0).any(axis=0)
        ranks = np.empty(len(order), dtype=np.intp)
        ranks[order] = np.r_[0, np.cumsum(rises)]
        return ranks

    def _ranks_of_cosines(self, query, columns, runs):
        whole, _ = self._whole[0](int(query))
        rows = [self._whole[1](int(column)) for column in columns]
        # Squares of cosines are fractions with these denominators; two that differ do
        # so by more than one over the product of the denominators.
        n_bits = 2 * max(square.bit_length() for _, square in rows)
        squares = []
        for row, square in rows:
            product = sum(map(mul, whole, row))
            squares.append((product * abs(product) << n_bits) // max(square, 1))
        ranks = {square: rank for rank, square in enumerate(sorted(set(squares)))}
        return -np.array([ranks[square] for square in squares])


def nearest_rows(queries, gallery, metric, n_nearest, own, late):
    """Rows of a gallery that are nearest to each of a few queries.

    Parameters
    ----------
    queries : ndarray of float64 of shape (n_queries, n)
    gallery : ndarray of float64 of shape (n_gallery, n)
    metric : {"euclidean", "cosine"}
    n_nearest : int
        If there are fewer rows, all.
    own : ndarray of int of shape (n_queries,) or None
        The rows that are the queries themselves, which are left out.
    late : ndarray of bool of shape (n_queries, n_gallery)
        Which rows come after others at the same distance. Without such a difference the
        first row comes first.

    Returns
    -------
    nearest : ndarray of int of shape (n_queries, n_found)
    """
    exact = ExactOrder(queries, gallery, metric)
    n_found = min(n_nearest, len(gallery) - (own is not None))
    nearest = np.empty((len(queries), n_found), dtype=np.intp)
    for i, query in enumerate(exact.left):
        columns = np.arange(len(gallery))
        if own is not None:
            columns = np.delete(columns, own[i])
        kinds = late[i, columns] * len(gallery) + columns  # each row is of its own kind
        if metric == "cosine" and not queries[i].any():
            nearest[i] = columns[np.argsort(kinds)[:n_found]]
            continue
        distances = cdist([query], exact.right, "sqeuclidean")[0][columns]
        errors = (len(query) + 12) * UNIT * distances + len(query) * TINY
        errors += moved(distances + errors, exact.perturbation)
        last = np.partition(distances + errors, n_found - 1)[n_found - 1]
        some = np.flatnonzero(distances - errors <= last)
        some = some[np.argsort(distances[some])]
        order = exact.arrange(
            i, columns[some], distances[some], errors[some], kinds[some], columns[some]
        )
        nearest[i] = columns[some[order[:n_found]]]
    return nearest


class _WholeRows:
    """Rows times powers of two, as whole numbers, and their squared lengths."""

    def __init__(self, table):
        self._table = table

    def __call__(self, row):
        mantissas, exponents = np.frexp(self._table[row])
        mantissas = np.ldexp(mantissas, 53).astype(np.int64)
        if not mantissas.any():
            return [0] * len(mantissas), 0
        exponents = exponents - exponents[mantissas != 0].min()
        pairs = zip(mantissas.tolist(), exponents.tolist(), strict=True)
        whole = [m << e if m else 0 for m, e in pairs]
        return whole, sum(map(mul, whole, whole))


def unit_rows(rows):
    """Rows of length 1, but for rounding; zeros stay."""
    rows = np.ldexp(rows, -np.frexp(np.abs(rows).max(axis=1, keepdims=True))[1])
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return rows / np.where(lengths > 0, lengths, 1)[:, np.newaxis]


def _unit_row(whole, square):
    """A row of length 1 with an error below 2**-100, as the sum of two."""
    n_bits = max(0, 300 - square.bit_length())
    length = isqrt(square << n_bits + n_bits % 2)
    shift = 128 + (n_bits + n_bits % 2) // 2
    values = [(value << shift) // length for value in whole]
    first = [float(value) for value in values]
    rest = [value - int(part) for value, part in zip(values, first, strict=True)]
    return np.ldexp([first, [float(part) for part in rest]], -128)


def moved(distances, by):
    """How much squared distances change if both points move so far."""
    return 4 * by * np.sqrt(distances) + 4 * by**2


def _runs(distances, errors, runs=None):
    """Numbers, from 0, of runs of distances whose order rounding leaves open."""
    ends = distances[:-1] + errors[:-1] < distances[1:] - errors[1:]
    if runs is not None:
        ends |= runs[1:] != runs[:-1]
    return np.r_[0, np.cumsum(ends)]


def _of_several(runs, kinds):
    """Whether each place is in a run of more than one kind."""
    starts = np.flatnonzero(np.r_[True, np.diff(runs) != 0])
    differs = np.minimum.reduceat(kinds, starts) != np.maximum.reduceat(kinds, starts)
    return differs[runs]


def _squared_distances(row, rows):
    """Squared distances of rows from one, as the digits of whole numbers.

    Numbers are cut into digits of a base that is a power of two; differences and
    products of digits are far below the largest int64, and so are their sums.

    Parameters
    ----------
    row : ndarray of float64 of shape (n,)
    rows : ndarray of float64 of shape (m, n)

    Returns
    -------
    digits : ndarray of int64 of shape (n_digits, m)
        The lowest first.
    """
    lowest, highest = _range_of_bits(np.vstack([row, rows]))
    width = (58 - (len(row) * 128).bit_length()) // 2
    places = range(-(-(highest - lowest) // width))
    digits = np.zeros((2 * len(places) + 2, len(rows)), dtype=np.int64)
    digits_of_row = _digits(row, lowest, width, places)
    for block in row_blocks(*rows.shape, size=_N_VALUES):
        digits_of_block = _digits(rows[block], lowest, width, places)
        _add_products(digits[:, block], digits_of_row, digits_of_block)
    for place in range(len(digits) - 1):
        digits[place + 1] += digits[place] >> width
        digits[place] &= (1 << width) - 1
    return digits


def _add_products(sums, row, rows):
    differences = [one - other for one, other in zip(row, rows, strict=True)]
    some = [place for place, part in enumerate(differences) if part.any()]
    for i in some:
        for j in some:
            if i <= j:
                product = np.einsum("ij,ij->i", differences[i], differences[j])
                sums[i + j] += product if i == j else 2 * product


def _range_of_bits(values):
    """Exponents of the lowest bit in a table, and of the one above the highest."""
    mantissas, exponents = np.frexp(values[values != 0])
    if not len(mantissas):
        return 0, 1
    mantissas = np.ldexp(mantissas, 53).astype(np.int64)
    _, lowest = np.frexp((mantissas & -mantissas).astype(np.float64))
    return int((exponents - 54 + lowest).min()), int(exponents.max())


def _digits(values, lowest, width, places):
    """The digits of doubles, times the sign, for each place."""
    mantissas, exponents = np.frexp(values)
    mantissas = np.ldexp(mantissas, 53).astype(np.int64)
    signs, mantissas = np.sign(mantissas), np.abs(mantissas)
    shifts = exponents - 53 - lowest
    found = []
    for place in places:
        right = width * place - shifts
        digit = mantissas >> np.clip(right, 0, 63)
        digit <<= np.clip(-right, 0, width)
        digit &= (1 << width) - 1
        found.append(signs * digit)
    return found


# ---------------------------------------------------------------------------
# Equal rows
# ---------------------------------------------------------------------------


def row_ids(rows, metric):
    """Numbers of rows, from 0, that are equal for rows at no distance, or None.

    None if no two rows are equal. With ``metric="cosine"``, rows that are positive
    multiples of each other have one number; all zero rows have one.
    """
    if metric == "cosine":
        return _direction_ids(rows)
    return _ids(rows + 0.0)  # without negative zeros


def _ids(rows):
    """Numbers of rows of equal bytes, or None."""
    words = np.ascontiguousarray(rows).view(np.uint64)
    factors = np.random.default_rng(0).integers(2**64, size=words.shape[1], dtype="u8")
    sums, ids, counts = np.unique(
        (words * factors).sum(axis=1), return_inverse=True, return_counts=True
    )
    if len(sums) == len(rows):
        return None
    repeated = np.flatnonzero(counts[ids] > 1)  # almost always of equal rows
    words = words[repeated].view(f"V{8 * words.shape[1]}").ravel()
    ids = np.arange(len(rows))
    _, first, same = np.unique(words, return_index=True, return_inverse=True)
    ids[repeated] = repeated[first[same]]
    return ids


def _direction_ids(rows):
    sizes = np.abs(rows).max(axis=1, keepdims=True)
    # Multiples of a row are equal once divided by the largest value, as each of the
    # quotients is rounded from the same number. Some others are then equal as well.
    ids = _ids(np.ldexp(rows, -np.frexp(sizes)[1]) / _mantissas(sizes) + 0.0)
    if ids is None:
        return None
    whole = _WholeRows(rows)
    first = {}
    for row in np.flatnonzero(np.bincount(ids, minlength=len(ids))[ids] > 1):
        if ids[row] == row:
            first[row] = whole(row)[0]
        elif not _is_multiple(whole(row)[0], first[ids[row]]):
            ids[row] = row
    return ids


def _mantissas(sizes):
    return np.where(sizes > 0, np.frexp(sizes)[0], 1)


def _is_multiple(row, other):
    """Whether whole numbers are the same positive multiples of others."""
    size, other_size = max(map(abs, row)), max(map(abs, other))
    return all(
        value * other_size == other_value * size
        for value, other_value in zip(row, other, strict=True)
    )
