"""Pairs and rows held out from training, to find a threshold with."""

from os import PathLike

import numpy as np
from scipy.sparse import coo_array, issparse
from scipy.sparse.csgraph import connected_components

from sklearn_replearn._warnings import warn

_N_DRAWS = 20  # random splits, of which the best is taken
_N_MANY_CLASSES = 4  # from which on whole classes are held out


def split_pairs(pairs, is_same, fraction, rng):
    """Masks of the pairs to train with and of those held out, with no row in both.

    Pairs connected by shared rows stay together. Where nearly all are connected, rows
    are held out instead, and pairs between the two parts are left out, with a warning.

    Parameters
    ----------
    pairs : ndarray of int, of shape (n_pairs, 2)
        Equal rows have one number.
    is_same : ndarray of bool, of shape (n_pairs,)
    fraction : float
        Share of the pairs to hold out.
    rng : RandomState

    Returns
    -------
    train, held_out : ndarrays of bool, of shape (n_pairs,)
    """
    split = _best_split(_components_apart(pairs, fraction, rng), is_same, fraction)
    if split is not None:
        return split
    split = _best_split(_rows_apart(pairs, fraction, rng), is_same, fraction)
    if split is None:
        raise ValueError(
            f"No part of the {len(pairs)} pairs can be held out to find the "
            "threshold with: both parts need pairs that are the same and pairs "
            "that are not, and no row of the other. Give more pairs, or an "
            "embedder that is fitted already."
        )
    warn(
        "The pairs hang together by the rows that they share: "
        f"{int((~(split[0] | split[1])).sum())} of {len(pairs)} pairs, which "
        "have a row to train with and one that is held out, are not used. "
        "Use them all with an embedder fitted before, on other pairs.",
    )
    return split


def _components_apart(pairs, fraction, rng):
    """Ways to hold pairs out with all that hang together with them.

    Yields
    ------
    train, held_out : ndarrays of bool, of shape (n_pairs,)
    """
    n_rows = pairs.max() + 1
    edges = coo_array((np.ones(len(pairs)), pairs.T), shape=(n_rows, n_rows))
    _, names = connected_components(edges, directed=False)
    _, names = np.unique(names[pairs[:, 0]], return_inverse=True)
    sizes = np.bincount(names)
    wanted = max(2, round(fraction * len(pairs)))
    others = np.delete(np.arange(len(sizes)), sizes.argmax())
    for _ in range(_N_DRAWS):
        order = rng.permutation(others)
        n_held_out = 1 + np.searchsorted(sizes[order].cumsum(), wanted)
        held_out = np.isin(names, order[:n_held_out])
        yield ~held_out, held_out


def _rows_apart(pairs, fraction, rng):
    """Ways to hold rows out, so that of the pairs in one part the fraction is held."""
    odds = (fraction / (1 - fraction)) ** 0.5
    rows = np.unique(pairs)
    n_held_out = round(odds / (1 + odds) * len(rows))
    for _ in range(_N_DRAWS):
        is_held_out = np.isin(pairs, rng.permutation(rows)[:n_held_out])
        yield ~is_held_out.any(axis=1), is_held_out.all(axis=1)


def _best_split(splits, is_same, fraction):
    """The split whose parts are most alike and have the shares wanted, or None."""
    best, least = None, np.inf
    for train, held_out in splits:
        kinds = [np.bincount(is_same[part], minlength=2) for part in (train, held_out)]
        if not np.all(kinds):
            continue
        in_train, in_held_out = (counts[1] / counts.sum() for counts in kinds)
        share = held_out.sum() / (held_out.sum() + train.sum())
        # A few pairs cannot be split as finely.
        if abs(share - fraction) > max(fraction / 2, 2 / len(is_same)):
            continue
        cost = abs(share - fraction) + abs(in_train - in_held_out)
        if cost < least:
            best, least = (train, held_out), cost
    return best


def name_by_content(rows):
    """For each row the position of the first one that is equal."""
    if issparse(rows):
        return np.arange(rows.shape[0])
    seen = {}
    return np.array(
        [seen.setdefault(_hash(row), i) for i, row in enumerate(np.asarray(rows))]
    )


def _hash(row):
    if isinstance(row, np.ndarray) and row.dtype != object:
        return hash(row.tobytes())
    return hash(row if isinstance(row, str | PathLike) else tuple(row))


def split_rows(codes, classes, fraction, rng):
    """Indices of the rows to train with and of those held out.

    Whole classes are held out where there are enough of them, so that the threshold is
    right for classes that were never seen.

    Parameters
    ----------
    codes : ndarray of int, of shape (n_samples,)
        Classes of the rows, from 0.
    classes : ndarray
        What the codes stand for, for messages.
    fraction : float
    rng : RandomState
    """
    counts = np.bincount(codes)
    if counts.max() < 2:
        raise ValueError(
            "PairVerifier needs two rows of one class at least, but each class in y "
            "has one row."
        )
    if len(counts) >= _N_MANY_CLASSES:
        held_out = _choose_classes(counts, fraction, rng)
        is_held_out = np.isin(codes, held_out)
    else:
        is_held_out = _choose_rows(codes, classes, fraction, rng)
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def _choose_classes(counts, fraction, rng):
    """Classes to hold out: two at least, of which one has two rows.

    If there are others with two rows, one of them stays in training.
    """
    order = rng.permutation(len(counts))
    first, last = np.split(order[counts[order] > 1][:2], [1])
    rest = order[~np.isin(order, np.r_[first, last])]
    order = np.r_[first, rest, last]
    n_held_out = max(2, round(fraction * len(counts)))
    return order[: min(n_held_out, len(counts) - 2)]


def _choose_rows(codes, classes, fraction, rng):
    """Mask of the rows to hold out: a share of each class, two at least."""
    is_held_out = np.zeros(len(codes), dtype=bool)
    for code, name in enumerate(classes.tolist()):
        rows = rng.permutation(np.flatnonzero(codes == code))
        n_held_out = max(2, round(fraction * len(rows)))
        if len(rows) - n_held_out < 2:
            raise ValueError(
                f"Class {name!r} of y has too few rows ({len(rows)}): of each of a few "
                f"classes, {n_held_out} are held out and two are left to train with; "
                "give it more, change validation_fraction, or fit the embedder before."
            )
        is_held_out[rows[:n_held_out]] = True
    return is_held_out


def number_by_occurrence(codes, classes):
    """Codes in the order in which the classes occur, and the classes in that order.

    So the names of the classes have no influence on what is drawn.
    """
    order = np.unique(codes, return_index=True)[1].argsort()
    return order.argsort()[codes], classes[order]
