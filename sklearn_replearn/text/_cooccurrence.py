"""Counting which words occur near which."""

from contextlib import closing
from functools import partial

import numpy as np
from scipy import sparse

from sklearn_replearn._linalg import n_blas_threads
from sklearn_replearn._threads import map_in_threads

#: Pairs that are counted at a time: what bounds the memory beyond the counts.
PAIRS_AT_A_TIME = 500_000


def window_weights(weighting, window, longest=None):
    """Weight of a pair of words at distance 1, 2, ..., `window`.

    "uniform" is 1 at any distance; "linear" ``(window - d + 1) / window``, the chance
    that word2vec's window of random size reaches distance d; "harmonic" ``1 / d``, as
    in GloVe. Distances that no two words have in a document of at most `longest` words
    are left out.
    """
    farthest = window if longest is None else max(min(window, longest - 1), 1)
    distances = np.arange(1, farthest + 1, dtype=np.float32)
    if weighting == "linear":
        return (window - distances + 1) / window
    if weighting == "harmonic":
        return 1 / distances
    return np.ones_like(distances)


def count_pairs(tokens, n_words, weights, *, pairs_at_a_time=PAIRS_AT_A_TIME):
    r"""Weighted counts of pairs of words near each other in a document.

    Parameters
    ----------
    tokens : TokenIds
        Windows stop where a document ends.
    n_words : int
        Size of the vocabulary.
    weights : ndarray of shape (window,), float32
        Weight of a pair by its distance.
    pairs_at_a_time : int
        Bounds the memory in use beside the result.

    Returns
    -------
    pairs : csr_array of shape (n_words, n_words), float32
        The upper triangle: entry (i, j), :math:`i \le j`, sums the weights of the
        occurrences of i and j near each other, each pair of positions once.
    """
    step = max(1, pairs_at_a_time // len(weights))
    starts = range(0, len(tokens.ids), step)
    positions = (slice(start, start + step) for start in starts)
    count = partial(_count_part, tokens, n_words, weights)
    sums = []
    with closing(map_in_threads(count, positions, n_blas_threads())) as parts:
        for part in parts:
            _add(sums, part)
    while len(sums) > 1:
        sums.append(sums.pop() + sums.pop())
    return sums[0]


def _count_part(tokens, n_words, weights, positions):
    """Counts of the pairs whose first word is at one of some positions."""
    start, stop, _ = positions.indices(len(tokens.ids))
    # How many words of its document follow each position.
    first, last = np.searchsorted(tokens.ends, [start, stop - 1], side="right")
    ends = tokens.ends[first : last + 1]
    n_following = np.repeat(ends, np.diff(ends.clip(max=stop), prepend=start))
    n_following -= np.arange(start + 1, stop + 1)
    near, far, weight = [], [], []
    for distance in range(1, min(len(weights), n_following.max()) + 1):
        position = np.flatnonzero(n_following >= distance) + start
        near.append(tokens.ids[position])
        far.append(tokens.ids[position + distance])
        weight.append(np.full(len(position), weights[distance - 1]))
    if not near:
        return sparse.csr_array((n_words, n_words), dtype=np.float32)
    near, far = np.concatenate(near), np.concatenate(far)
    return _sum_by_pair(near, far, np.concatenate(weight), n_words)


def _sum_by_pair(first, second, weight, n_words):
    """Sum the weights of equal unordered pairs into an upper triangle."""
    shape = (n_words, n_words)
    pairs = sparse.coo_array(
        (weight, (np.minimum(first, second), np.maximum(first, second))), shape=shape
    )
    # To add up repeated entries, scipy sorts each row. A product with the identity
    # does so several times faster, and the sorting is declined by this flag.
    pairs.has_canonical_format = True
    return pairs.tocsr() @ sparse.eye_array(n_words, dtype=np.float32, format="csr")


def _add(sums, part):
    """Add a part to a stack of sums, equals with equals, as a counter carries.

    So an entry is copied a number of times logarithmic in the number of parts.
    """
    sums.append(part)
    while len(sums) > 1 and sums[-2].nnz < 2 * sums[-1].nnz:
        sums.append(sums.pop() + sums.pop())


def mirror(triangle):
    """The symmetric matrix of an upper triangle of pairs.

    A pair of equal words counts twice, once from either side.
    """
    return (triangle + triangle.T).tocsr()
