"""From the vectors of a document's words to one vector."""

import numpy as np
from scipy import sparse

from sklearn_replearn._blas_threads import one_blas_thread
from sklearn_replearn._linalg import leading_signs
from sklearn_replearn._tokens import TokenIds

POOLINGS = ("mean", "idf", "sif", "max", "concat", "principal")

#: Arora, Liang and Ma's constant a of the weights a / (a + p(w)).
SIF_CONSTANT = 1e-3

#: Word vectors that are gathered at a time.
TOKENS_AT_A_TIME = 100_000


def word_weights(pooling, tokens, counts):
    r"""Weight of each word in a document's sum, from the training documents.

    "idf" is :math:`\ln \frac{1 + n}{1 + \mathrm{df}(w)} + 1` for n documents, df(w) of
    which have the word, as in scikit-learn's tf-idf; "sif" is :math:`a / (a + p(w))`
    for the word's share p(w) of all tokens, with a = 0.001; else 1.

    Parameters
    ----------
    pooling : str
    tokens : TokenIds
        The training documents.
    counts : ndarray of shape (n_words,)
        Occurrences of each word in them.

    Returns
    -------
    weights : ndarray of shape (n_words,)
    """
    n_words = len(counts)
    if pooling == "idf":
        df = np.zeros(n_words, dtype=np.int64)
        for _, part in _batches(tokens):
            df += np.bincount(_word_counts(part, n_words).indices, minlength=n_words)
        return np.log((1 + len(tokens.ends)) / (1 + df)) + 1
    if pooling == "sif":
        return SIF_CONSTANT / (SIF_CONSTANT + counts / max(counts.sum(), 1))
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
    width = n_pooled_features(pooling, vectors.shape[1], n_words, n_principal)
    Z = np.zeros((len(tokens.ends), width))
    for documents, part in _batches(tokens):
        part, words = _used_words(part, len(vectors))
        own_vectors = vectors[words].astype(np.float64)
        if pooling == "max":
            rows = _maxima(part, own_vectors)
        elif pooling == "concat":
            rows = _first_words(part, own_vectors, n_words)
        elif pooling == "principal":
            rows = _principal_components(part, own_vectors, n_principal)
        else:
            rows = _weighted_means(part, own_vectors, weights[words], pooling == "idf")
        Z[documents] = rows
    return Z


def _batches(tokens):
    """The documents that have words, some at a time: their rows and their token ids."""
    documents = np.flatnonzero(tokens.lengths)
    ends = tokens.ends[documents]
    starts = ends - tokens.lengths[documents]
    first = 0
    while first < len(documents):
        start = starts[first]
        stop = np.searchsorted(ends, start + TOKENS_AT_A_TIME, side="right")
        stop = max(stop, first + 1)
        ids = tokens.ids[start : ends[stop - 1]]
        yield documents[first:stop], TokenIds(ids, ends[first:stop] - start)
        first = stop


def _used_words(tokens, n_words):
    """Renumber the words that occur, and tell which they are.

    A few documents need a few of what may be millions of vectors.
    """
    used = np.zeros(n_words, dtype=bool)
    used[tokens.ids] = True
    numbers = np.cumsum(used, dtype=np.int32) - 1
    return tokens._replace(ids=numbers[tokens.ids]), np.flatnonzero(used)


def _weighted_means(tokens, vectors, weights, by_weight):
    """Weighted sums over the number of words, or over the sum of their weights."""
    occurrences = _occurrences(tokens, weights[tokens.ids], len(vectors))
    totals = occurrences.sum(axis=1) if by_weight else tokens.lengths
    return (occurrences @ vectors) / totals[:, np.newaxis]


def _maxima(tokens, vectors):
    """Largest value of each coordinate over the words of the document."""
    return np.maximum.reduceat(vectors[tokens.ids], tokens.ends - tokens.lengths)


def _first_words(tokens, vectors, n_words):
    """Vectors of the first words, side by side; zeros where there are fewer."""
    lengths = tokens.lengths
    starts = tokens.ends - lengths
    Z = np.zeros((len(starts), n_words, vectors.shape[1]))
    for word in range(min(n_words, lengths.max())):
        documents = np.flatnonzero(lengths > word)
        Z[documents, word] = vectors[tokens.ids[starts[documents] + word]]
    return Z.reshape(len(Z), -1)


def _principal_components(tokens, vectors, n_principal):
    """Principal axes of each document's word vectors, times their root mean squares.

    Nothing is centred, so that the first axis is near the mean. Each points to the
    side of the document's mean.
    """
    counts, lengths = _word_counts(tokens, len(vectors)), tokens.lengths
    Z = np.zeros((len(lengths), n_principal, vectors.shape[1]))
    with one_blas_thread():  # the matrices are small
        for document, length in enumerate(lengths):
            of_document = slice(*counts.indptr[document : document + 2])
            shares = counts.data[of_document] / length
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
