"""Counting which words occur near which, and the mutual information of the pairs.

Words are whatever comes in sequences: those of documents, or the nodes of walks.
"""

from contextlib import closing
from functools import partial

import numpy as np
from scipy import sparse
from scipy.special import logsumexp

from sklearn_replearn._blas_threads import n_blas_threads
from sklearn_replearn._linalg import randomized_svd
from sklearn_replearn._operators import TrianglePairOperator
from sklearn_replearn._threads import map_in_threads

#: Pairs that are counted at a time: what bounds the memory beyond the counts.
PAIRS_AT_A_TIME = 500_000

#: Width of the solver's block. Narrow blocks need fewer products altogether, and
#: their products with a sparse matrix stay in the processor's cache.
BLOCK_SIZE = 24

#: Mutual information below so many rounding errors of its terms is zero.
N_ROUNDINGS = 8


def window_weights(weighting, window, longest=None):
    """Weight of a pair of words at distance 1, 2, ..., `window`.

    "uniform" is 1 at any distance; "linear" ``(window - d + 1) / window``, the chance
    that word2vec's window of random size reaches distance d; "harmonic" ``1 / d``, as
    in GloVe. Distances that no two words have in a sequence of at most `longest` words
    are left out.
    """
    farthest = window if longest is None else max(min(window, longest - 1), 1)
    distances = np.arange(1, farthest + 1, dtype=np.float32)
    if weighting == "linear":
        return (window - distances + 1) / window
    if weighting == "harmonic":
        return 1 / distances
    return np.ones_like(distances)


def count_pairs(parts, n_words, weights, *, pairs_at_a_time=PAIRS_AT_A_TIME):
    r"""Weighted counts of pairs of words near each other in a sequence.

    Parameters
    ----------
    parts : iterable of tuple (ids, ends)
        Some sequences at a time, each read once: the numbers of their words, one
        sequence after another, and where each ends in `ids`. Windows stop there.
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
    jobs = (
        (ids, ends, slice(start, start + step))
        for ids, ends in parts
        for start in range(0, len(ids), step)
    )
    count = partial(_count_part, n_words, weights)
    sums = []
    with closing(map_in_threads(count, jobs, n_blas_threads())) as counted:
        for pairs in counted:
            _add(sums, pairs)
    while len(sums) > 1:
        sums.append(sums.pop() + sums.pop())
    return sums[0]


def _count_part(n_words, weights, job):
    """Counts of the pairs whose first word is at one of some positions."""
    ids, ends, positions = job
    start, stop, _ = positions.indices(len(ids))
    # How many words of its sequence follow each position.
    first, last = np.searchsorted(ends, [start, stop - 1], side="right")
    ends = ends[first : last + 1]
    n_following = np.repeat(ends, np.diff(ends.clip(max=stop), prepend=start))
    n_following -= np.arange(start + 1, stop + 1)
    near, far, weight = [], [], []
    for distance in range(1, min(len(weights), n_following.max()) + 1):
        position = np.flatnonzero(n_following >= distance) + start
        near.append(ids[position])
        far.append(ids[position + distance])
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


def keep_probabilities(counts, subsample):
    r"""Chance that word2vec's subsampling keeps an occurrence of each word.

    For a word's share f of all tokens, :math:`\min(1, \sqrt{t / f})` with the
    threshold t = `subsample`; 1 if that is 0.
    """
    if subsample == 0:
        return np.ones(len(counts))
    shares = counts / counts.sum()
    return np.minimum(1, np.sqrt(subsample / shares))


def pointwise_mutual_information(pairs, keep, *, smoothing, shift, positive):
    """Shifted (positive) pointwise mutual information of the pairs that occur.

    Parameters
    ----------
    pairs : csr_array of shape (n_words, n_words)
        Upper triangle of counts, of :func:`count_pairs`.
    keep : ndarray of shape (n_words,)
        Each count is multiplied by those of its two words.
    smoothing : float
        Exponent of the context counts.
    shift : float
        Its logarithm is subtracted.
    positive : bool
        Whether negative values are set to 0.

    Returns
    -------
    indptr, indices : ndarray
        CSR pattern of the positions (i, j) of `pairs` where either value is not zero.
    upper, lower : ndarray
        Values at these: of word i in the context of j, and of word j in the context of
        i. The diagonal is in `upper`.
    """
    n_words = len(keep)
    totals = np.zeros(n_words)
    for _, first, second, counts in _parts_of(pairs, keep):
        totals += np.bincount(first, counts, n_words)
        totals += np.bincount(second, counts, n_words)
    seen = totals > 0  # the others are in no pair
    log_word = np.log(totals, where=seen, out=np.zeros(n_words))
    log_context = smoothing * log_word + np.log(shift)
    log_context -= logsumexp(smoothing * log_word[seen]) if seen.any() else 0
    log_word, log_context = log_word.astype("f4"), log_context.astype("f4")
    sizes = np.abs(log_word).max(initial=0) + np.abs(log_context).max(initial=0)
    rounding = N_ROUNDINGS * np.finfo(np.float32).eps * sizes
    upper, lower = np.empty((2, pairs.nnz), dtype=np.float32)
    for part, first, second, counts in _parts_of(pairs, keep):
        counts[first == second] *= 2  # such a pair is seen from either of its words
        log_counts = np.log(counts)
        upper[part] = log_counts - log_word[first] - log_context[second]
        lower[part] = log_counts - log_word[second] - log_context[first]
        lower[part][first == second] = 0
    for values in upper, lower:
        np.copyto(values, 0, where=(values if positive else np.abs(values)) < rounding)
    kept = np.flatnonzero((upper != 0) | (lower != 0))
    indptr = np.searchsorted(kept, pairs.indptr).astype(pairs.indptr.dtype)
    return indptr, pairs.indices[kept], upper[kept], lower[kept]


def factorize(matrix, n_components, *, n_iter, tol, random_state):
    """Truncated SVD of what :func:`pointwise_mutual_information` returns.

    Returns
    -------
    U, s, Vt : ndarray
        As of :func:`sklearn_replearn._linalg.randomized_svd`.
    """
    return randomized_svd(
        TrianglePairOperator(*matrix),
        n_components,
        n_iter=n_iter,
        tol=tol,
        block_size=BLOCK_SIZE,
        random_state=random_state,
    )


def _parts_of(pairs, keep):
    """A range of entries at a time, with their words and subsampled counts."""
    for start in range(0, pairs.nnz, PAIRS_AT_A_TIME):
        part = slice(start, min(start + PAIRS_AT_A_TIME, pairs.nnz))
        in_part = np.diff(pairs.indptr.clip(part.start, part.stop))
        first = np.repeat(np.arange(len(keep)), in_part)
        second = pairs.indices[part]
        yield part, first, second, pairs.data[part] * keep[first] * keep[second]
