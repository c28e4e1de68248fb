"""Which samples early stopping holds out: a share of each class, chosen by a seed.

Neither the names of the classes nor their sort order have an influence: only the number
of samples of each, and the places of the samples.
"""

import numpy as np
import torch


def hold_out(samples, targets, fraction, seed):
    """Which samples to train with, and which to hold out: a share of each class.

    Parameters
    ----------
    samples : Samples
    targets : tensor, Samples or None
        Classes, if it is a tensor of one axis.
    fraction : float
        Share of the samples to hold out.
    seed : int

    Returns
    -------
    train, held_out : tensors of int64

    Raises
    ------
    ValueError
        If that leaves too few samples in either part.
    """
    n, unit = len(samples), samples.unit
    order, ranks = in_random_order(_codes(samples, targets), seed)
    counts = np.bincount(ranks)
    if len(counts) > 1:
        n_each = count_rows(counts, fraction)
    else:  # there are no classes
        n_each = np.array([round(fraction * n)])
    n_held_out = n_each.sum()
    if 1 <= n_held_out <= n - 2:
        return both_parts(first_of_each(order, ranks, n_each))
    if max(counts) < 2:
        raise ValueError(
            f"early_stopping leaves one of the {unit} of each class in training, but "
            "each class in y has only one; pass X_val and y_val, or set "
            "early_stopping=False."
        )
    raise ValueError(
        f"early_stopping needs {unit} to validate with and at least two to train with, "
        f"but validation_fraction={fraction} of {n} {unit} holds out {n_held_out}; "
        "change it, pass X_val, or set early_stopping=False."
    )


def hold_out_several(samples, targets, fraction, seed):
    """The parts of `hold_out`, of which the second has two rows or more."""
    train, held_out = hold_out(samples, targets, fraction, seed)
    if len(held_out) < 2:
        raise ValueError(
            "early_stopping compares held-out rows with each other, but "
            f"validation_fraction={fraction} of {len(samples)} rows holds out one; "
            "raise it, pass X_val, or set early_stopping=False."
        )
    return train, held_out


def whole_groups(codes, fraction, seed, n_least=1):
    """Mask of the samples of some groups: about a share of all, and at least two.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Group of each sample.
    fraction : float
    seed : int
    n_least : int
        Number of groups to choose at least.

    Returns
    -------
    is_chosen : ndarray of bool, of shape (n_samples,)
    """
    groups, counts = np.unique(codes, return_counts=True)
    order = np.random.RandomState(seed).permutation(len(groups))
    n_wanted = max(2, round(fraction * len(codes)))
    n_chosen = 1 + int(np.searchsorted(counts[order].cumsum(), n_wanted))
    n_chosen = max(n_least, n_chosen)
    return np.isin(codes, groups[order[:n_chosen]])


def hold_out_couples(samples, targets, fraction, seed):
    """The same for losses that compare rows: two rows of a class at a time."""
    order, ranks = in_random_order(_codes(samples, targets), seed)
    n_each = count_couples(np.bincount(ranks), fraction)
    if not n_each.any():
        raise ValueError(
            "early_stopping needs two rows of one class and a row of another both to "
            "train with and to validate with, but y has too few classes with several "
            "rows; pass X_val and y_val, or set early_stopping=False."
        )
    return both_parts(first_of_each(order, ranks, n_each))


def _codes(samples, targets):
    has_classes = isinstance(targets, torch.Tensor) and targets.ndim == 1
    return targets.numpy() if has_classes else np.zeros(len(samples))


def both_parts(is_held_out):
    """Indices of the samples to train with and of those held out, by a mask."""
    is_held_out = torch.from_numpy(is_held_out)
    index = torch.arange(len(is_held_out))
    return index[~is_held_out], index[is_held_out]


def in_random_order(codes, seed):
    """Samples in random order, and the class of each, numbered as they first occur.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Class of each sample.
    seed : int

    Returns
    -------
    order : ndarray of int, of shape (n_samples,)
    ranks : ndarray of int, of shape (n_samples,)
        ``ranks[i]`` is the class of the sample ``order[i]``.
    """
    order = np.random.RandomState(seed).permutation(len(codes))
    _, first, ranks = np.unique(codes[order], return_index=True, return_inverse=True)
    return order, first.argsort().argsort()[ranks]


def first_of_each(order, ranks, n_each):
    """Mask of the samples that come first of their class.

    Parameters
    ----------
    order, ranks : ndarrays of int, of shape (n_samples,)
        As `in_random_order` gives them.
    n_each : ndarray of int, of shape (n_classes,)
        How many samples of each class.

    Returns
    -------
    is_chosen : ndarray of bool, of shape (n_samples,)
    """
    counts = np.bincount(ranks)
    places = np.arange(len(ranks)) - (counts.cumsum() - counts).repeat(counts)
    by_class = ranks.argsort(kind="stable")
    is_chosen = np.zeros(len(order), dtype=bool)
    is_chosen[order[by_class[places < n_each.repeat(counts)]]] = True
    return is_chosen


def share_out(total, counts, most):
    """Whole numbers in proportion to counts, by the largest remainders.

    Parameters
    ----------
    total : int
        What the numbers add up to, if `most` allows it.
    counts : ndarray of int, of shape (n_classes,)
    most : ndarray of int, of shape (n_classes,)
        The largest number for each. Classes with 0 are left out.

    Returns
    -------
    shares : ndarray of int, of shape (n_classes,)
    """
    counts = counts * (most > 0)
    whole = max(1, counts.sum())
    shares = np.minimum(total * counts // whole, most)
    remainders = total * counts - shares * whole
    n_left = total - shares.sum()
    with_room = np.flatnonzero(shares < most)
    largest = with_room[(-remainders[with_room]).argsort(kind="stable")]
    shares[largest[:n_left]] += 1
    return shares


def count_rows(counts, fraction):
    """How many samples of each class to hold out; one at least stays in training.

    Parameters
    ----------
    counts : ndarray of int, of shape (n_classes,)
        Samples of each class.
    fraction : float
        Of the samples of classes that have two or more.

    Returns
    -------
    n_each : ndarray of int, of shape (n_classes,)
        All 0 if nothing can be held out.
    """
    most = counts - 1
    return share_out(round(fraction * counts[most > 0].sum()), counts, most)


def count_couples(counts, fraction):
    """The same for losses that compare rows: two rows of a class at a time.

    Classes with at least four rows give couples and keep two rows. Classes with two or
    three give a couple only if more than half of the rows are in such classes. If all
    couples are of one class, the largest other class gives rows too, so that there are
    two classes in both parts.

    Returns
    -------
    n_each : ndarray of int, of shape (n_classes,)
        Both parts have rows of two classes, and two rows of one of them; or all are 0
        if that is impossible.
    """
    most = np.maximum(counts - 2, 0) // 2
    n_rows, n_left = counts[most > 0].sum(), 0
    if 2 * n_rows < counts[counts > 1].sum():
        most = np.where(counts < 4, counts // 2, most)
        n_rows, n_left = counts[counts > 1].sum(), 2
    n_couples = min(max(2, round(fraction / 2 * n_rows)), most.sum() - n_left)
    n_each = 2 * share_out(max(1, n_couples), counts, most)
    if (n_each > 0).sum() == 1:
        others = np.where(n_each > 0, 0, counts)
        largest = others.argmax()
        if others[largest] > 1:
            n_each[largest] = max(1, min(2, counts[largest] - 2))
    if all(_can_be_compared(part) for part in (n_each, counts - n_each)):
        return n_each
    return np.zeros_like(counts)


def _can_be_compared(counts):
    """Whether there are rows of two classes, and two rows of one."""
    return counts.max() > 1 and (counts > 0).sum() > 1
