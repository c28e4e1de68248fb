"""Which tuples of a batch a loss is made of, found in the matrix of distances.

`is_same` is a matrix, true for two different rows of one class, and `is_other` one that
is true for rows of different classes. Nothing with a place for every triple of rows is
ever made.
"""

import torch


def same_and_other(codes):
    """The matrices `is_same` and `is_other` of a batch."""
    is_equal = codes[:, None] == codes
    is_other = ~is_equal
    is_equal.fill_diagonal_(False)
    return is_equal, is_other


def hardest_positives(distances, is_same):
    """For each row the distance of the farthest row of its class."""
    return distances.masked_fill(~is_same, -torch.inf).amax(1)


def hardest_negatives(distances, is_other):
    """For each row the distance of the nearest row of another class."""
    return distances.masked_fill(~is_other, torch.inf).amin(1)


def sorted_negatives(distances, is_other):
    """For each row the distances of the rows of other classes, sorted, then infinity.

    And from which row each of them is.
    """
    return distances.masked_fill(~is_other, torch.inf).sort(1)


def semihard_negatives(distances, is_other):
    """For each pair of rows, a row of another class than the first's.

    The nearest to the first of those that are farther from it than the second is; the
    farthest of all, if none is (Schroff et al., 2015). The first must have rows of
    other classes.

    Returns
    -------
    rows : tensor of int64, of the shape of `distances`
    """
    with torch.no_grad():
        ordered, rows = sorted_negatives(distances, is_other)
        place = torch.searchsorted(ordered, distances.contiguous(), right=True)
        last = is_other.sum(1, keepdim=True) - 1
        return rows.gather(1, place.minimum(last).clamp_min(0))


def count_violations(distances, is_same, is_other, margin):
    """Number of triplets with a negative nearer than the positive's distance + margin.

    Returns
    -------
    by_positive : tensor of float, of the shape of `distances`
        For a row and another of its class, how many negatives make such a triplet.
    by_negative : tensor of float, of the shape of `distances`
        For a row and one of another class, how many positives do.
    """
    with torch.no_grad():
        ordered, _ = sorted_negatives(distances, is_other)
        limits = distances + margin
        by_positive = torch.searchsorted(ordered, limits) * is_same
        limits = limits.masked_fill(~is_same, torch.inf).sort(1).values
        n_same = is_same.sum(1, keepdim=True)
        below = torch.searchsorted(limits, distances.contiguous(), right=True)
        by_negative = (n_same - below) * is_other
        return by_positive.to(distances.dtype), by_negative.to(distances.dtype)
