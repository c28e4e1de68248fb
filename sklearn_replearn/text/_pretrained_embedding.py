"""Word vectors that were learned elsewhere."""

import os
from collections.abc import Mapping
from itertools import islice

import numpy as np

from sklearn_replearn._cloning import clone_sharing
from sklearn_replearn._sklearn import StrOptions
from sklearn_replearn._tokens import TokenIds, as_stop_words, renumber
from sklearn_replearn.text._vector_files import (
    first_not_finite,
    nothing_found,
    read_word_vectors,
)
from sklearn_replearn.text._word_embedding import BaseWordEmbedding, LearnedWords


class PretrainedEmbedding(BaseWordEmbedding):
    r"""Documents as pooled word vectors that were learned elsewhere.

    The vectors come from a file of GloVe [1]_, word2vec [2]_ or fastText, from gensim,
    or from a dict. Nothing is learned in `fit` but the weights of the poolings "idf"
    and "sif". With :math:`v_w` the vector of word w and "mean", a document with the
    known words :math:`w_1, \dots, w_m` is encoded as

    .. math:: z = \frac{1}{m} \sum_{i=1}^{m} v_{w_i} .

    Parameters
    ----------
    vectors : str, os.PathLike, KeyedVectors or dict of str to array-like
        Where the vectors are:

        - The path of a file, which each fit reads: text of a word and its numbers a
          line, separated by spaces (GloVe), with or without a first line of the
          numbers of words and of dimensions (word2vec, fastText's ``.vec``), or
          word2vec's binary format. Files that end in ``.gz``, ``.bz2`` or ``.xz`` are
          decompressed on the way. Words may hold spaces, as some of GloVe's do; see
          Notes.
        - gensim's ``KeyedVectors``, or whatever has its attributes ``index_to_key``
          and ``vectors``.
        - A dict of vectors of one length.

        Clones share the object; it is never copied or changed.
    binary : bool or "auto", default="auto"
        Whether the file is in word2vec's binary format. "auto" takes it for binary if
        the first line is two numbers, and most of the next lines do not end in one.
    vocabulary : collection of str, default=None
        Read the vectors of these words only, and, with `lowercase_fallback`, of their
        lower-case forms. A large file needs no more memory than they do. ``None``
        reads all.
    lowercase_fallback : bool, default=True
        Whether a word of a document that has no vector gets that of its lower-case
        form: "The" that of "the".
    encoding : str, default="utf-8"
        Of the words in the file. One that is not in it is an error, but with
        `vocabulary` or `min_count`, which pass over it.
    pooling : {"mean", "idf", "sif", "max", "concat", "principal"}, default="mean"
        How the vectors of a document's words make one:

        - "mean": their mean.
        - "idf": their mean, weighted by the inverse document frequency
          :math:`\ln((1 + n) / (1 + \mathrm{df})) + 1` in the training documents.
        - "sif": each times :math:`a / (a + p(w))`, a = 0.001, for the word's share
          p(w) of the training tokens; their mean, less its projection on the first
          singular vector of the training documents [3]_.
        - "max": the largest value in each dimension.
        - "concat": the first `n_words` vectors side by side, zeros where there are
          fewer.
        - "principal": the first `n_principal` right singular vectors of the document's
          word vectors, each times its root mean square, side by side [4]_.
    n_words : int, default=10
        Number of words for "concat".
    n_principal : int, default=2
        Number of components for "principal".
    stop_words : {"english"} or collection of str, default=None
        Words to leave out of documents, spelled as they are there; "english" is
        scikit-learn's list, in lower case.
    tokenizer : callable, default=None
        From a string to its tokens, in place of `token_pattern`. Neither these two nor
        `lowercase` act on documents that are lists of tokens: those stay as they are.
    lowercase : bool, default=False
        Make strings lower-case before they are split. For vectors of lower-case words,
        `lowercase_fallback` comes to the same.
    token_pattern : str, default=r"(?u)\b\w\w+\b"
        Regular expression of a token, by default two letters or digits or more. With
        one group in it, the group is the token.
    min_count : int, default=0
        Keep the words only that occur so many times in the training documents. 1 keeps
        none but the words of the training documents, and reads no others from a file.
        0 keeps all, so that `transform` knows words that `fit` has not met.
    max_vocabulary : int, default=None
        Look at so many words only, the first of the file: as a rule those that were
        most frequent where the vectors were learned.
    verbose : int, default=0
        Whether to show a progress bar, on stderr, while a file is read.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Row of each word, in the order of the file.
    word_counts_ : ndarray of shape (n_vocabulary,)
        Occurrences in the training documents, 0 for words that are not there.
    word_vectors_ : ndarray of shape (n_vocabulary, n_components_)
        A vector for each word: float32 from a file; else in the precision of
        `vectors`, float32 or float64 (integers give float64).
    n_components_ : int
        Length of a word vector.
    word_weights_ : ndarray of shape (n_vocabulary,)
        Weights of the words in the pooling. A word that is in no training document has
        the largest one.
    common_component_ : ndarray of shape (n_components_,) or None
        The direction that "sif" removes.

    See Also
    --------
    SkipGramEmbedding : Learns such vectors from the training documents.
    PMIEmbedding : The same, from counts.

    Notes
    -----
    A document without a known word gets a row of zeros.

    Neither format marks the end of a word that holds spaces. In a text file, the vector
    is the last numbers of the line: as many as the header says or, without one, as most
    of the first hundred lines end with. In a binary file, the word ends at the first
    space; if the bytes behind it cannot be the vector, because as numbers they are out
    of all proportion, and those behind one of the next spaces can be, it ends there.
    What can be read in two ways is refused, with the line or the number of the word.

    In a grid with ``n_jobs``, give a path or a small ``KeyedVectors``: what is in
    memory is sent to each process. From a path, the file is read in every fit;
    `vocabulary` or ``min_count=1`` make that quick.

    scikit-learn writes a dict out in full when it prints an estimator, or shows it in a
    notebook, which takes seconds for a thousand words. Give more of them as
    ``KeyedVectors``, or as a file.

    References
    ----------
    .. [1] J. Pennington, R. Socher and C. D. Manning, "GloVe: global vectors for word
       representation", EMNLP 2014.
    .. [2] T. Mikolov, I. Sutskever, K. Chen, G. Corrado and J. Dean, "Distributed
       representations of words and phrases and their compositionality", NeurIPS 2013.
    .. [3] S. Arora, Y. Liang and T. Ma, "A simple but tough-to-beat baseline for
       sentence embeddings", ICLR 2017.
    .. [4] J. Mu, S. Bhat and P. Viswanath, "Representing sentences as low-rank
       subspaces", ACL 2017.

    Examples
    --------
    >>> from sklearn_replearn.text import PretrainedEmbedding
    >>> vectors = {"the": [0.0, 0.1], "cat": [1.0, 0.0], "dog": [0.8, 0.1],
    ...            "bond": [0.0, 1.0]}
    >>> embedding = PretrainedEmbedding(vectors).fit(["The cat", "a bond"])
    >>> embedding.transform(["The cat", "dog bond", "unheard of"])
    array([[0.5 , 0.05],
           [0.4 , 0.55],
           [0.  , 0.  ]])
    >>> embedding.most_similar("cat", topn=1)[0][0]
    'dog'
    """

    _parameter_constraints = {
        "vectors": "no_validation",
        "binary": ["boolean", StrOptions({"auto"})],
        "vocabulary": [None, "array-like"],
        "lowercase_fallback": ["boolean"],
        "encoding": [str],
        **BaseWordEmbedding._parameter_constraints,
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        vectors,
        *,
        binary="auto",
        vocabulary=None,
        lowercase_fallback=True,
        encoding="utf-8",
        pooling="mean",
        n_words=10,
        n_principal=2,
        stop_words=None,
        tokenizer=None,
        lowercase=False,
        token_pattern=r"(?u)\b\w\w+\b",
        min_count=0,
        max_vocabulary=None,
        verbose=0,
    ):
        self.vectors = vectors
        self.binary = binary
        self.vocabulary = vocabulary
        self.lowercase_fallback = lowercase_fallback
        self.encoding = encoding
        self.pooling = pooling
        self.n_words = n_words
        self.n_principal = n_principal
        self.stop_words = stop_words
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.token_pattern = token_pattern
        self.min_count = min_count
        self.max_vocabulary = max_vocabulary
        self.verbose = verbose

    def fit(self, X, y=None):
        """Read the vectors, and learn the weights of the pooling.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            Documents, all strings or all lists of tokens; read once, one by one. An
            iterator, which could not be read again, is refused.
        y : None
            Ignored.

        Returns
        -------
        self : PretrainedEmbedding

        Raises
        ------
        FileNotFoundError
            If there is no file at the path.
        ValueError
            If the vectors cannot be read, with the line of a damaged file; if none of
            the words of X has a vector; if X is an iterator, a single string or a
            table, or holds no documents or anything but text.
        """
        return super().fit(X, y)

    def __sklearn_clone__(self):
        # The vectors may be gigabytes, and nothing changes them.
        return clone_sharing(self, "vectors")

    def _learn(self, words, tokens):
        if not words:
            raise ValueError(
                f"None of the {len(tokens.ends)} documents has a word: they are empty, "
                "or hold only what the tokenizer does not take for a word."
            )
        names, vectors = self._read_vectors(words)
        counts, known = self._count(names, words, tokens)
        if not counts.any():
            raise self._nothing_known(names, words, tokens)
        if self.min_count:
            kept = np.flatnonzero(counts >= self.min_count)
            if not len(kept):
                raise ValueError(
                    f"No word that has a vector occurs min_count={self.min_count} "
                    f"times: the most frequent one, {names[counts.argmax()]!r}, occurs "
                    f"{counts.max()} times; lower min_count."
                )
            names, vectors = [names[row] for row in kept], vectors[kept]
            # A word that was dropped may have a vector in lower case.
            counts, known = self._count(names, words, tokens)
        return LearnedWords(names, counts, known, vectors, {})

    def _read_vectors(self, words):
        """Words and vectors, before it is known how often these words occur."""
        selection = {
            "wanted": self._wanted_words(words),
            "unwanted": as_stop_words(self.stop_words),
            "limit": self.max_vocabulary,
        }
        if isinstance(self.vectors, str | os.PathLike):
            return read_word_vectors(
                self.vectors,
                **selection,
                binary=self.binary,
                encoding=self.encoding,
                verbose=self.verbose,
            )
        if isinstance(self.vectors, Mapping):
            return _select_from_mapping(self.vectors, **selection)
        if hasattr(self.vectors, "index_to_key") and hasattr(self.vectors, "vectors"):
            return _select_from_keyed_vectors(self.vectors, **selection)
        raise ValueError(
            "vectors must be the path of a file of word vectors, a dict of words to "
            "vectors or gensim's KeyedVectors, but is of type "
            f"{type(self.vectors).__name__}"
            + ("; pass its attribute wv." if hasattr(self.vectors, "wv") else ".")
        )

    def _wanted_words(self, words):
        """Words whose vectors are of use; None for all."""
        wanted = None
        if self.vocabulary is not None:
            wanted = self._with_lower_case(_as_words(self.vocabulary))
            if not wanted:
                raise ValueError("vocabulary holds no words; pass None to read all.")
        if self.min_count:
            found = self._with_lower_case(set(words))
            if wanted is not None and wanted.isdisjoint(found):
                raise ValueError(
                    f"None of the {len(words)} words of the documents, such as "
                    f"{words[0]!r}, is in vocabulary."
                )
            wanted = found if wanted is None else wanted & found
        return wanted

    def _with_lower_case(self, words):
        return words | set(map(str.lower, words)) if self.lowercase_fallback else words

    def _count(self, names, words, tokens):
        """Occurrences of words with vectors in documents of any words, and these."""
        rows = self._with_fallback({word: row for row, word in enumerate(names)})
        ids = np.array([rows.get(word, -1) for word in words], dtype=np.int32)
        known = renumber(TokenIds(tokens.ids.copy(), tokens.ends), ids)
        return np.bincount(known.ids, minlength=len(names)), known

    def _nothing_known(self, names, words, tokens):
        word = words[np.bincount(tokens.ids).argmax()]
        mend = f"; those with a vector are such as {' and '.join(map(repr, names[:3]))}"
        if word in as_stop_words(self.stop_words):
            mend = ", and it is a stop word"
        elif word.lower() in names:
            mend = f", but {word.lower()!r} has; set lowercase_fallback=True"
        return ValueError(
            f"None of the {len(words)} words of the {len(tokens.ends)} documents has a "
            f"vector: the most frequent, {word!r}, has none{mend}."
        )

    def _known_words(self):
        return self._with_fallback(self.vocabulary_)

    def _with_fallback(self, rows):
        if not self.lowercase_fallback:
            return rows
        return _RowsWithFallback(rows, as_stop_words(self.stop_words))


class _RowsWithFallback:
    """Rows of words, where a word that has none has that of its lower-case form."""

    def __init__(self, rows, stop_words):
        self._rows = rows
        self._stop_words = stop_words

    def get(self, word, default):
        row = self._rows.get(word)
        if row is not None:
            return row
        if word in self._stop_words:
            return default
        return self._rows.get(word.lower(), default)


def _as_words(collection):
    words = set()
    for word in collection:
        if not isinstance(word, str):
            raise ValueError(f"vocabulary holds {word!r}, which is not a string.")
        words.add(str(word))
    return words


def _select_from_keyed_vectors(vectors, *, wanted, unwanted, limit):
    """Words of gensim's KeyedVectors, and a copy of their vectors."""
    words = list(islice(vectors.index_to_key, limit))
    table = np.asarray(vectors.vectors)
    if table.ndim != 2 or len(table) < len(words) or table.dtype.kind not in "fiu":
        raise ValueError(
            f"vectors has {len(vectors.index_to_key)} words in index_to_key, but "
            f"vectors.vectors is of shape {table.shape} and dtype {table.dtype}; a row "
            "of numbers for each word is expected."
        )
    rows = [row for row, word in enumerate(words) if _takes(word, wanted, unwanted)]
    return _checked([words[row] for row in rows], table[rows], words, wanted)


def _select_from_mapping(vectors, *, wanted, unwanted, limit):
    """Words of a dict, and their vectors as an array."""
    if not vectors:
        raise ValueError("vectors is an empty dict.")
    words, rows = [], []
    for word, vector in islice(vectors.items(), limit):
        if not _takes(word, wanted, unwanted):
            continue
        row = _as_vector(word, vector)
        if rows and len(row) != len(rows[0]):
            raise ValueError(
                f"vectors[{word!r}] has length {len(row)}, but vectors[{words[0]!r}] "
                f"has length {len(rows[0])}."
            )
        words.append(word)
        rows.append(row)
    return _checked(words, np.array(rows), list(islice(vectors, 3)), wanted)


def _takes(word, wanted, unwanted):
    if not isinstance(word, str):
        raise ValueError(f"vectors holds the word {word!r}, which is not a string.")
    return word not in unwanted and (wanted is None or word in wanted)


def _as_vector(word, vector):
    try:
        row = np.asarray(vector)
    except ValueError:  # lists of several lengths in one another
        row = np.array(None)
    if row.ndim != 1 or row.dtype.kind not in "fiu" or not len(row):
        raise ValueError(
            f"vectors[{word!r}] is {_shorten(vector)}, but a list of numbers is "
            "expected."
        )
    return row


def _shorten(value, limit=60):
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[:limit] + " ..."


def _checked(words, vectors, first_words, wanted):
    """Words and vectors as floats, if there are any and all are finite."""
    if not words:
        raise nothing_found("vectors", wanted, first_words[:3])
    if vectors.dtype not in (np.float32, np.float64):
        half = vectors.dtype == np.float16
        vectors = vectors.astype(np.float32 if half else np.float64)
    row = first_not_finite(vectors)
    if row is not None:
        raise ValueError(f"vectors[{words[row]!r}] holds NaN or infinity.")
    return words, vectors
