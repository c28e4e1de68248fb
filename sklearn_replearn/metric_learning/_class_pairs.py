"""Pairs of rows, formed from their classes."""

import numpy as np
from sklearn.utils.random import sample_without_replacement


def form_pairs(codes, n_pairs, rng):
    """Pairs of the same class, all or a part, and as many of different classes.

    Parameters
    ----------
    codes : ndarray of int, of shape (n_rows,)
        Classes of the rows.
    n_pairs : int
        The largest number of pairs.
    rng : RandomState

    Returns
    -------
    pairs : ndarray of int, of shape (n_formed, 2)
        Each pair once, and no row with itself.
    is_same : ndarray of bool, of shape (n_formed,)
    """
    order = codes.argsort(kind="stable")
    _, codes, counts = np.unique(codes[order], return_inverse=True, return_counts=True)
    ends = counts.cumsum()[codes]  # of the class of each row
    after = np.arange(len(codes)) + 1
    n_same, n_different = ends - after, len(codes) - ends
    if not (n_same.any() and n_different.any()):
        raise ValueError(
            "PairVerifier needs rows of two classes at least, and two rows of one of "
            "them, to find the threshold with."
        )
    n_drawn = min(n_pairs // 2, n_same.sum())
    same = _draw_pairs(after, n_same, n_drawn, rng)
    different = _draw_pairs(ends, n_different, min(n_drawn, n_different.sum()), rng)
    pairs = order[np.concatenate([same, different])]
    return pairs, np.arange(len(pairs)) < len(same)


def _draw_pairs(starts, counts, n_drawn, rng):
    """Different pairs of a row and one of those that count for it.

    Parameters
    ----------
    starts, counts : ndarrays of int, of shape (n_rows,)
        For each row the first of its possible partners, and the number of them, which
        lie one after the other.
    n_drawn : int
    rng : RandomState
    """
    ends = counts.cumsum()
    drawn = sample_without_replacement(ends[-1], n_drawn, random_state=rng)
    first = np.searchsorted(ends, drawn, side="right")
    second = starts[first] + drawn - (ends - counts)[first]
    return np.stack([first, second], axis=1)
