"""The vectors of words that a network starts from."""

import numpy as np
from sklearn.exceptions import NotFittedError

from sklearn_replearn._cooccurrence import (
    count_pairs,
    factorize,
    keep_probabilities,
    pointwise_mutual_information,
    window_weights,
)
from sklearn_replearn._linalg import numerical_rank

#: How pointwise mutual information is counted and factorized: as PMIEmbedding does.
WINDOW, SMOOTHING, SUBSAMPLE, EIGENVALUE_WEIGHT = 5, 0.9, 3e-5, 0.1
N_ITER, TOL = 50, 4e-3


def pmi_vectors(stream, counts, n_components, random_state):
    """Vectors of words by the mutual information of neighbors in a stream of tokens.

    Parameters
    ----------
    stream : ndarray of shape (n_stream,), int32
        Numbers of words; higher ones are unknown words, and boundaries of documents.
    counts : ndarray of shape (n_words,)
    n_components : int
    random_state : int

    Returns
    -------
    vectors : ndarray of shape (n_words, n_components)
        NaN in components that the data do not have.
    """
    n_words = len(counts)
    known = stream < n_words
    ends = np.unique(known.cumsum()[stream == n_words + 1])
    ids, ends = stream[known], ends[ends > 0]
    longest = np.diff(ends, prepend=0).max()
    weights = window_weights("harmonic", WINDOW, longest)
    pairs = count_pairs([(ids, ends)], n_words, weights)
    vectors = np.full((n_words, n_components), np.nan)
    if not pairs.nnz:
        return vectors
    matrix = pointwise_mutual_information(
        pairs,
        keep_probabilities(counts, SUBSAMPLE),
        smoothing=SMOOTHING,
        shift=1.0,
        positive=True,
    )
    U, s, _ = factorize(
        matrix,
        min(n_components, n_words),
        n_iter=N_ITER,
        tol=TOL,
        random_state=random_state,
    )
    s = s[: numerical_rank(s, n_words, np.finfo(s.dtype).eps)]
    vectors[:, : len(s)] = U[:, : len(s)] * s**EIGENVALUE_WEIGHT
    return vectors


def words_and_vectors(embedding):
    """The rows of words of a fitted embedding by word, and their vectors.

    Raises
    ------
    ValueError
        If it is no fitted embedding of words.
    """
    try:
        return embedding.vocabulary_, embedding.word_vectors_
    except (AttributeError, NotFittedError):
        raise ValueError(
            f"init is of type {type(embedding).__name__} without vocabulary_ and "
            "word_vectors_; pass a fitted embedding of words, such as "
            "PMIEmbedding().fit(texts), 'pmi' or None."
        ) from None


def vectors_of(embedding, words, n_components):
    """Vectors of words from a fitted embedding; NaN where it has none.

    Raises
    ------
    ValueError
        If it is no fitted embedding of words, or has no such words or components.
    """
    vocabulary, known = words_and_vectors(embedding)
    if known.shape[1] > n_components:
        raise ValueError(
            f"init has vectors of {known.shape[1]} components, but "
            f"{n_components=}; set n_components={known.shape[1]}."
        )
    rows = np.array([vocabulary.get(word, -1) for word in words])
    if (rows < 0).all():
        raise ValueError(
            f"init has none of the {len(words)} words of X, such as {words[0]!r}; both "
            "must split texts alike."
        )
    vectors = np.full((len(words), n_components), np.nan)
    vectors[rows >= 0, : known.shape[1]] = known[rows[rows >= 0]]
    return vectors
