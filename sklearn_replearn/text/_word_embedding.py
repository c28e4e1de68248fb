"""What the estimators of word vectors share: documents in, pooled vectors out."""

from abc import abstractmethod
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._documents import check_reiterable, check_same_kind
from sklearn_replearn._sklearn import Interval, StrOptions, _fit_context
from sklearn_replearn._tokens import (
    TokenIds,
    as_stop_words,
    look_up_words,
    make_splitter,
    number_words,
    read_tokens,
    select_words,
)
from sklearn_replearn._warnings import warn
from sklearn_replearn._word_queries import WordQueriesMixin
from sklearn_replearn.text._pooling import (
    POOLINGS,
    common_component,
    n_pooled_features,
    pool,
    remove_component,
    word_weights,
)

#: Why word vectors that are learned from neighbours may all be zero.
NO_NEIGHBOURS = (
    "no two words of the vocabulary occur in one document; pass longer documents, or "
    "lower min_count."
)


class LearnedWords(NamedTuple):
    """What `fit` learns of words.

    Attributes
    ----------
    words : list of str
        The vocabulary.
    counts : ndarray of shape (n_words,)
        Occurrences in the training documents.
    tokens : TokenIds
        The training documents, by rows of the vocabulary.
    vectors : ndarray of shape (n_words, n_components_)
    attributes : dict
        Fitted attributes of the subclass, by name.
    """

    words: list
    counts: np.ndarray
    tokens: TokenIds
    vectors: np.ndarray
    attributes: dict


class BaseWordEmbedding(
    WordQueriesMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Documents as pooled word vectors; how these are learned is the subclass's.

    A subclass has the parameters of `_parameter_constraints` below among its own, and
    implements :meth:`_learn`.
    """

    _parameter_constraints = {
        "pooling": [StrOptions(set(POOLINGS))],
        "n_words": [Interval(Integral, 1, None, closed="left")],
        "n_principal": [Interval(Integral, 1, None, closed="left")],
        "stop_words": [None, StrOptions({"english"}), list, tuple, set, frozenset],
        "tokenizer": [None, callable],
        "lowercase": ["boolean"],
        "token_pattern": [str],
        "min_count": [Interval(Integral, 0, None, closed="left")],
        "max_vocabulary": [None, Interval(Integral, 1, None, closed="left")],
    }

    @abstractmethod
    def _learn(self, words, tokens):
        """Choose the vocabulary and learn the word vectors; set nothing.

        Parameters
        ----------
        words : list of str
            The distinct words of the training documents.
        tokens : TokenIds
            The training documents, by positions in `words`.

        Returns
        -------
        learned : LearnedWords
        """

    def fit(self, X, y=None):
        """Learn the vocabulary, the word vectors and the weights of the pooling.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            Documents, all strings or all lists of tokens; read once, one by one. An
            iterator, which could not be read again, is refused.
        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If X is an iterator, a single string or a table, holds no documents or
            anything but text, or if no word is left for the vocabulary.
        """
        self._fit(X)
        return self

    def fit_transform(self, X, y=None):
        """Fit, and encode the training documents by the formula of :meth:`transform`.

        Parameters
        ----------
        X : iterable of str, or of lists of str
        y : None
            Ignored.

        Returns
        -------
        Z : ndarray of shape (n_documents, n_features_out)
        """
        return self._encode(self._fit(X))

    def transform(self, X):
        """Pool the vectors of the known words of each document.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            Of the kind given to :meth:`fit`. Unknown words are ignored.

        Returns
        -------
        Z : ndarray of shape (n_documents, n_features_out), float64
            A document without a known word has a row of zeros. There are
            `n_components_` columns; ``n_words`` or ``n_principal`` times as many for
            the poolings "concat" and "principal".
        """
        check_is_fitted(self)
        documents, tokenized = read_tokens(X, self._splitter())
        check_same_kind(self, self._tokenized, tokenized)
        return self._encode(look_up_words(documents, self._known_words()))

    @_fit_context(prefer_skip_nested_validation=True)
    def _fit(self, X):
        """Set the fitted attributes and return the token ids of the documents."""
        splitter = self._splitter()
        check_reiterable(X)
        documents, tokenized = read_tokens(X, splitter)
        words, counts, tokens, vectors, attributes = self._learn(
            *number_words(documents)
        )
        weights = word_weights(self.pooling, tokens, counts)
        component = None
        if self.pooling == "sif":
            if vectors.shape[1] == 1:
                warn(
                    "pooling='sif' takes one dimension away from each document, and "
                    "the word vectors have no more: all documents are zero; raise "
                    "n_components.",
                )
            component = common_component(self._pool(tokens, vectors, weights))
        # Whatever goes wrong or is interrupted above leaves the estimator as it was.
        self._tokenized = tokenized
        self.vocabulary_ = {word: row for row, word in enumerate(words)}
        self.word_counts_ = counts
        self.word_vectors_ = vectors
        self.n_components_ = vectors.shape[1]
        self.word_weights_ = weights
        self.common_component_ = component
        for name, value in attributes.items():
            setattr(self, name, value)
        return tokens

    def _splitter(self):
        return make_splitter(self.tokenizer, self.lowercase, self.token_pattern)

    def _select_words(self, words, tokens):
        """The frequent words, their occurrences, and the documents without others."""
        return select_words(
            words,
            tokens,
            min_count=self.min_count,
            max_vocabulary=self.max_vocabulary,
            stop_words=as_stop_words(self.stop_words),
        )

    def _known_words(self):
        """Row of each word that documents may use."""
        return self.vocabulary_

    def _encode(self, tokens):
        Z = self._pool(tokens, self.word_vectors_, self.word_weights_)
        if self.common_component_ is None:
            return Z
        return remove_component(Z, self.common_component_)

    def _pool(self, tokens, vectors, weights):
        return pool(
            self.pooling, tokens, vectors, weights, self.n_words, self.n_principal
        )

    @property
    def _n_features_out(self):
        return n_pooled_features(
            self.pooling, self.n_components_, self.n_words, self.n_principal
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags
