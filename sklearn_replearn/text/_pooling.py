"""From the vectors of a document's words to one vector."""

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from sklearn_replearn._linalg import leading_signs

POOLINGS = ("mean", "idf", "sif", "max", "concat", "principal")

#: Arora, Liang and Ma's constant a of the weights a / (a + p(w)).
SIF_CONSTANT = 1e-3

#: Word vectors that are gathered at a time.
TOKENS_AT_A_TIME = 100_000


def word_weights(pooling, tokens, n_words):
    r"""Weight of each word in a document's sum, from the training documents.

    "idf" is :math:`\ln \frac{1 + n}{1 + \mathrm{df}(w)} + 1` for n documents, df(w) of
    which have the word, as in scikit-learn's tf-idf; "sif" is :math:`a / (a + p(w))`
    for the word's share p(w) of all tokens, with a = 0.001; else 1.

    Parameters
    ----------
    pooling : str
    tokens : TokenIds
        The training documents.
    n_words : int
        Size of the vocabulary.

    Returns
    -------
    weights : ndarray of shape (n_words,)
    """
    if pooling == "idf":
        df = np.bincount(_word_counts(tokens, n_words).indices, minlength=n_words)
        return np.log((1 + len(tokens.ends)) / (1 + df)) + 1
    if pooling == "sif":
        shares = np.bincount(tokens.ids, minlength=n_words) / max(len(tokens.ids), 1)
        return SIF_CONSTANT / (SIF_CONSTANT + shares)
    return np.ones(n_words)


def common_component(Z):
    """First right singular vector of the document vectors, of unit length."""
    _, vectors = np.linalg.eigh(Z.T @ Z)
    return vectors[:, -1]


def remove_component(Z, component):
    """Subtract from each row its projection on a unit vector."""
    # Summed row by row, so that a row's result does not depend on the others.
    return Z - (Z * component).sum(axis=1)[:, np.newaxis] * component


def n_pooled_features(pooling, n_components, n_words, n_principal):
    """Width of the document vectors."""
    blocks = {"concat": n_words, "principal": n_principal}
    return n_components * blocks.get(pooling, 1)


def pool(pooling, tokens, vectors, weights, n_words, n_principal):
    """Document vectors, zero for a document without a known word.

    Parameters
    ----------
    pooling : {"mean", "idf", "sif", "max", "concat", "principal"}
        For "sif", the common component is still in.
    tokens : TokenIds
        Known words only.
    vectors : ndarray of shape (vocabulary size, n_components)
    weights : ndarray of shape (vocabulary size,)
        Of :func:`word_weights`.
    n_words, n_principal : int
        For "concat" and "principal".

    Returns
    -------
    Z : ndarray of shape (n_documents, width), float64
    """
    tokens, words = _used_words(tokens, len(vectors))
    vectors, weights = vectors[words].astype(np.float64), weights[words]
    if pooling == "max":
        return _maxima(tokens, vectors)
    if pooling == "concat":
        return _first_words(tokens, vectors, n_words)
    if pooling == "principal":
        return _principal_components(tokens, vectors, n_principal)
    return _weighted_means(tokens, vectors, weights, by_weight=pooling == "idf")


def _used_words(tokens, n_words):
    """Renumber the words that occur, and tell which they are.

    A short document needs a few of what may be millions of vectors.
    """
    used = np.zeros(n_words, dtype=bool)
    used[tokens.ids] = True
    words = np.flatnonzero(used)
    numbers = np.cumsum(used, dtype=np.int32) - 1
    return tokens._replace(ids=numbers[tokens.ids]), words


def _weighted_means(tokens, vectors, weights, by_weight):
    """Weighted sums over the number of words, or over the sum of their weights."""
    occurrences = _occurrences(tokens, weights[tokens.ids], len(vectors))
    totals = occurrences.sum(axis=1) if by_weight else tokens.lengths
    totals = np.where(totals > 0, totals, 1)
    return (occurrences @ vectors) / totals[:, np.newaxis]


def _maxima(tokens, vectors):
    """Largest value of each coordinate over the words of the document."""
    Z = np.zeros((len(tokens.ends), vectors.shape[1]))
    for documents, ids, starts in _batches(tokens):
        Z[documents] = np.maximum.reduceat(vectors[ids], starts)
    return Z


def _first_words(tokens, vectors, n_words):
    """Vectors of the first words, side by side; zeros where there are fewer."""
    Z = np.zeros((len(tokens.ends), n_words, vectors.shape[1]))
    lengths = tokens.lengths
    starts = tokens.ends - lengths
    for word in range(n_words):
        documents = np.flatnonzero(lengths > word)
        Z[documents, word] = vectors[tokens.ids[starts[documents] + word]]
    return Z.reshape(len(Z), -1)


def _principal_components(tokens, vectors, n_principal):
    """Principal axes of each document's word vectors, times their root mean squares.

    Nothing is centred, so that the first axis is near the mean. Each points to the
    side of the document's mean.
    """
    Z = np.zeros((len(tokens.ends), n_principal, vectors.shape[1]))
    counts, lengths = _word_counts(tokens, len(vectors)), tokens.lengths
    with threadpool_limits(1, user_api="blas"):  # the matrices are small
        for document in np.flatnonzero(lengths):
            of_document = slice(*counts.indptr[document : document + 2])
            shares = counts.data[of_document] / lengths[document]
            words = vectors[counts.indices[of_document]]
            axes = _leading_axes(words * np.sqrt(shares)[:, np.newaxis], n_principal)
            signs = np.sign(axes @ (shares @ words))
            signs = np.where(signs == 0, leading_signs(axes), signs)
            Z[document, : len(axes)] = axes * signs[:, np.newaxis]
    return Z.reshape(len(Z), -1)


def _leading_axes(A, n_axes):
    """Leading right singular vectors of A in rows, each times its singular value."""
    few_rows = len(A) < A.shape[1]
    squares, axes = np.linalg.eigh(A @ A.T if few_rows else A.T @ A)
    largest = slice(None, -min(n_axes, len(squares)) - 1, -1)
    squares, axes = squares[largest], axes[:, largest].T
    if few_rows:  # u' A = s v'
        return axes @ A
    return axes * np.sqrt(squares.clip(min=0))[:, np.newaxis]


def _batches(tokens):
    """Documents that have words, with their ids and where each begins in these."""
    documents = np.flatnonzero(tokens.lengths)
    ends = tokens.ends[documents]
    starts = ends - tokens.lengths[documents]
    first = 0
    while first < len(documents):
        stop = np.searchsorted(ends, starts[first] + TOKENS_AT_A_TIME, side="right")
        stop = max(stop, first + 1)
        ids = tokens.ids[starts[first] : ends[stop - 1]]
        yield documents[first:stop], ids, starts[first:stop] - starts[first]
        first = stop


def _occurrences(tokens, values, n_words):
    """A sparse row a document, with a value for each of its tokens, in their order."""
    indptr = np.concatenate([[0], tokens.ends])
    shape = (len(tokens.ends), n_words)
    return sparse.csr_array((values, tokens.ids, indptr), shape=shape)


def _word_counts(tokens, n_words):
    """Sparse counts of the words of each document."""
    counts = _occurrences(tokens, np.ones(len(tokens.ids)), n_words).copy()
    counts.sum_duplicates()
    return counts
