"""Degrees and transition probabilities for edge weights of any size.

The sum of a node's weights may exceed the largest number, and the product of two
degrees may leave the range at either end. The square roots of degrees do neither, and
their ratios are those that a graph has in any unit of its weights.
"""

import numpy as np
from scipy import sparse

#: Rows whose sum would overflow are divided by this power of two, which is exact.
ROW_UNIT = 2.0**64


def row_sums(rows):
    """Sum of the weights in each row, in a unit that keeps it finite.

    Parameters
    ----------
    rows : sparse array of shape (n_rows, n_columns)

    Returns
    -------
    sums : ndarray of shape (n_rows,), float64
        In units. Representable in the precision of `rows`.
    units : ndarray of shape (n_rows,), float64
        1, or 2 to the power of 64 where the sum exceeds the largest number.
    """
    with np.errstate(over="ignore"):
        sums = rows.sum(axis=1, dtype=np.float64)
    units = np.ones(len(sums))
    large = np.flatnonzero(sums > np.finfo(rows.dtype).max)
    if len(large):
        part = rows[large].astype(np.float64)
        units[large] = ROW_UNIT
        sums[large] = (part / ROW_UNIT).sum(axis=1)
    return sums, units


def root_degrees(rows):
    """Square root of the sum of each row, which no weights can overflow."""
    sums, units = row_sums(rows)
    return np.sqrt(sums) * np.sqrt(units)


def group_norms(values, groups, n_groups):
    """Euclidean norm of the values in each group, without squares out of range.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        At least 0, such as :func:`root_degrees`; the norm of those is the square root
        of the sum of the degrees.
    groups : ndarray of shape (n_values,)
        Number of the group of each value.
    n_groups : int
    """
    largest = np.zeros(n_groups)
    np.maximum.at(largest, groups, values)
    shares = values * inverse(largest)[groups]
    return largest * np.sqrt(np.bincount(groups, shares**2, n_groups))


def root_volume(roots):
    """Square root of the sum of all degrees, from those of the degrees."""
    return group_norms(roots, np.zeros(len(roots), dtype=np.intp), 1)[0]


def inverse(values):
    """1 / x, and 0 for nodes without edges, where x is 0."""
    return np.divide(1, values, where=values > 0, out=np.zeros(len(values)))


def transition_matrix(rows):
    """Each row of an adjacency divided by its sum; a row without edges stays zero."""
    sums, units = row_sums(rows)
    counts = np.diff(rows.indptr)
    data = rows.data
    if (units > 1).any():
        data = data / np.repeat(units, counts).astype(rows.dtype)
    data = data / np.repeat(sums.astype(rows.dtype), counts)
    return sparse.csr_array((data, rows.indices, rows.indptr), shape=rows.shape)


def log_transitions(rows):
    """Logarithms of the transition probabilities, which are finite for any weights.

    Returns
    -------
    logs : ndarray of shape (n_edges,), float64
        In the order of ``rows.data``.
    """
    counts = np.diff(rows.indptr)
    sums, units = row_sums(rows)
    sums, units = np.repeat(sums, counts), np.repeat(units, counts)
    probabilities = rows.data / units / sums
    small = probabilities < np.finfo(np.float64).tiny  # digits are lost, or all is
    probabilities[small] = 1
    logs = np.log(probabilities)
    logs[small] = (
        np.log(rows.data[small], dtype=np.float64)
        - np.log(units[small])
        - np.log(sums[small])
    )
    return logs
