"""What the language models share: texts in, windows of tokens, pooled states out."""

from abc import abstractmethod
from functools import partial
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.input.samples import moved
from sklearn_replearn._deep.input.windows import Windows
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._documents import check_reiterable, check_same_kind
from sklearn_replearn._sklearn import Interval, StrOptions, _fit_context
from sklearn_replearn._tokens import number_words, read_tokens
from sklearn_replearn._word_queries import WordQueriesMixin
from sklearn_replearn.language._start import start_network, start_vectors
from sklearn_replearn.language._tokenizers import (
    refuse_lists,
    splitter,
    train_tokenizer,
)
from sklearn_replearn.language._vocabulary import choose_words

#: Windows of a stream are not shorter than this because its documents are short: each
#: end of a window cuts a document.
LEAST_WINDOW = 64


class BaseLanguageModel(WordQueriesMixin, BaseDeepTransformer):
    """Base of the transformers that are trained to predict words.

    A technique says which words are predicted from which (`_is_causal`, `_objective`),
    and computes `log_likelihoods`.
    """

    _parameter_constraints = {
        **BaseDeepTransformer._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "tokenizer": [StrOptions({"word", "character", "bpe"}), callable],
        "lowercase": ["boolean"],
        "vocabulary_size": [Interval(Integral, 1, None, closed="left")],
        "min_count": [Interval(Integral, 1, None, closed="left")],
        "context": [Interval(Integral, 2, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "init": "no_validation",  # anything with vectors of words, by `vectors_of`
        "pooling": [StrOptions({"mean", "last", "max"})],
        "layer": [Integral],
    }
    for name in ("hidden_layer_sizes", "activation"):
        del _parameter_constraints[name]
    del name

    #: Whether a token pays attention to those before it alone.
    _is_causal = True

    #: Neighbors on a side whose vectors are part of a token's input.
    _n_neighbors = 0

    @abstractmethod
    def _objective(self, counts):
        """What is predicted, where tokens occur so often in training."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, X_val=None, y_val=None):
        """Learn the vocabulary, and train the network.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            Documents, all strings or all lists of tokens. An iterator, which could not
            be read again, is refused.
        y : None
            Ignored.
        X_val : iterable of str, or of lists of str, default=None
            Validation documents, in place of held-out windows
            (:ref:`guide <early_stopping>`).
        y_val : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If X holds no documents or anything but text, the vocabulary has a single
            word, or the training diverges. The estimator is then as it was before.
        ImportError
            If ``tokenizer="bpe"`` and the library tokenizers is not installed.
        """
        return self._fit(X, y, X_val, y_val)

    def transform(self, X):
        """Pool the states of the known words of each document.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            Of the kind given to :meth:`fit`. Documents longer than `context` are read
            in windows of which each repeats half of the one before.

        Returns
        -------
        Z : ndarray of shape (n_documents, n_components_), float32
            A document without a known word has a row of zeros.
        """
        windows, first, _ = self._windows(X)
        vectors = self._apply("encode", windows)
        known = windows.values.numpy() < len(self.vocabulary_)
        n_before = np.append(0, known.cumsum())
        new = (windows.starts + windows.n_seen).numpy()
        counts = n_before[windows.ends.numpy()] - n_before[new]
        return _combine(self.pooling, vectors, counts, first.numpy())

    def token_vectors(self, X):
        """States of the tokens of each document, in their order.

        Parameters
        ----------
        X : iterable of str, or of lists of str

        Returns
        -------
        vectors : list of ndarray of shape (n_tokens, n_components_), float32
            Unknown words also have vectors.
        """
        windows, _, bounds = self._windows(X)
        vectors = np.empty((len(windows.values), self.n_components_), np.float32)
        for index, window, states in self._through("hidden", windows):
            places = windows.places(index, window.counted)
            vectors[places] = states[window.counted].cpu()
        return in_documents(vectors, bounds)

    def score(self, X, y=None):
        """Mean of :meth:`log_likelihoods`: each token counts once.

        Models with one vocabulary can be compared: a smaller one has more unknown
        words, which are easy to predict.

        Parameters
        ----------
        X : iterable of str, or of lists of str
        y : None
            Ignored.

        Returns
        -------
        score : float
            0 at most; higher is better.
        """
        logs = np.concatenate(self.log_likelihoods(X))
        if not len(logs):
            raise ValueError("No document of X has a token that could be predicted.")
        return float(logs.mean(dtype=np.float64))

    def perplexity(self, X):
        """``exp(-score(X))``: as uncertain as a choice among so many words.

        Parameters
        ----------
        X : iterable of str, or of lists of str

        Returns
        -------
        perplexity : float
        """
        return float(np.exp(-self.score(X)))

    @property
    def word_vectors_(self):
        """Vectors of the words of the vocabulary, as the first layer takes them."""
        check_is_fitted(self)
        weight = self.net_.module_.embedding.weight[: len(self.vocabulary_)]
        return weight.detach().cpu().numpy()

    # -- reading -----------------------------------------------------------------

    def _read(self, X, y, *, reset):
        check_reiterable(X)
        if reset and not self._continues_training():
            documents, tokenized = self._learn_splitting(X)
        else:
            documents, tokenized = self._split(X)
            check_same_kind(self, self._tokenized, tokenized)
        words, tokens = number_words(documents)
        if reset and not self._continues_training():
            self._tokenized = tokenized
            self._choose_words(words, tokens)
        stream, _ = self._stream(words, tokens, leave_out_empty=True)
        if len(stream) < 2:
            raise ValueError(f"None of the {len(tokens.ends)} documents has a token.")
        # A token pays attention to its own document alone: longer windows cost more
        # and show nothing more.
        longest = max(LEAST_WINDOW, int(tokens.lengths.max()) + 1)
        size = min(self.context, longest)
        return Windows.of_stream(torch.from_numpy(stream), size), None

    def _learn_splitting(self, X):
        self._trained_tokenizer = None
        if self.tokenizer == "bpe":
            texts, tokenized = read_tokens(X, str)
            refuse_lists(self.tokenizer, tokenized)
            self._trained_tokenizer = train_tokenizer(
                self.tokenizer,
                texts,
                lowercase=self.lowercase,
                vocabulary_size=self.vocabulary_size,
                min_count=self.min_count,
            )
        return self._split(X)

    def _split(self, X):
        split = splitter(self.tokenizer, self._trained_tokenizer, self.lowercase)
        documents, tokenized = read_tokens(X, split)
        refuse_lists(self.tokenizer, tokenized)
        return documents, tokenized

    def _choose_words(self, words, tokens):
        found = choose_words(
            words,
            tokens,
            min_count=self.min_count,
            vocabulary_size=self.vocabulary_size,
        )
        self.vocabulary_, self.word_counts_, self.unknown_share_ = found

    def _stream(self, words, tokens, *, leave_out_empty=False):
        """Documents behind boundaries, and where each starts; a boundary at the end."""
        n_words = len(self.vocabulary_)
        rows = [self.vocabulary_.get(word, n_words) for word in words]
        ids = np.array(rows, dtype=np.int32)[tokens.ids] if words else tokens.ids
        lengths = tokens.lengths
        if leave_out_empty:
            lengths = lengths[lengths > 0]
        bounds = np.append(0, (lengths + 1).cumsum())
        stream = np.full(bounds[-1] + 1, n_words + 1, dtype=np.int32)
        is_token = np.ones(len(stream), dtype=bool)
        is_token[bounds] = False
        stream[is_token] = ids
        return stream, bounds

    def _windows(self, X):
        """Windows of documents, the first of each, and where documents start."""
        check_is_fitted(self)
        documents, tokenized = self._split(X)
        check_same_kind(self, self._tokenized, tokenized)
        return self._windows_of(*number_words(documents))

    def _windows_of(self, words, tokens):
        stream, bounds = self._stream(words, tokens)
        bounds = torch.from_numpy(bounds)
        size = self.net_.description["context"]
        windows = Windows.of_documents(torch.from_numpy(stream), bounds, size)
        return (*windows, bounds)

    # -- training ----------------------------------------------------------------

    def _plan(self, samples, targets):
        n_words, continues = len(self.vocabulary_), self._continues_training()
        description = self._describe(n_words)
        counts = torch.bincount(samples.values[1:], minlength=n_words + 2)
        vectors = None if continues else self._start_vectors(samples.values.numpy())
        return Plan(
            description,
            self._objective(counts),
            start=partial(start_network, vectors=vectors, counts=counts),
            clip_norm=1.0,
            decays="matrices",
            largest_batch=32,
        )

    def _describe(self, n_words):
        if self.n_components % self.n_heads:
            raise ValueError(
                f"n_components={self.n_components} is not a multiple of "
                f"n_heads={self.n_heads}, which share the components; change one."
            )
        if not -self.n_layers - 1 <= self.layer <= self.n_layers:
            raise ValueError(
                f"layer={self.layer} is none of the states of n_layers={self.n_layers} "
                f"layers: 0 is the input of the first, {self.n_layers} or -1 the "
                "output of the last."
            )
        return {
            "network": "TokenTransformer",
            "n_words": n_words,
            "context": int(self.context),
            "n_components": int(self.n_components),
            "n_layers": int(self.n_layers),
            "n_heads": int(self.n_heads),
            "n_neighbors": int(self._n_neighbors),
            "dropout": float(self.dropout),
            "is_causal": self._is_causal,
            "pooling": self.pooling,
            "layer": int(self.layer),
        }

    def _start_vectors(self, stream):
        words = list(self.vocabulary_)
        return start_vectors(
            self.init, stream, self.word_counts_, words, self.n_components
        )

    # -- encoding ----------------------------------------------------------------

    def _through(self, name, windows):
        """Blocks of windows: their numbers, themselves, what the network makes."""
        network = self.net_.module_
        for index, window in windows.blocks(network.block_rows):
            window = moved(window, self.net_.device)
            with torch.inference_mode():
                output = getattr(network, name)(network.arrange(window))
            yield index, window, output

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def in_documents(values, bounds):
    """The part of each document of an array with a row for each place of a stream."""
    pairs = zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    return [values[start + 1 : end] for start, end in pairs]


def _combine(pooling, vectors, counts, first):
    """Vectors of documents from those of their windows.

    Parameters
    ----------
    pooling : {"mean", "last", "max"}
    vectors : ndarray of shape (n_windows, n_components)
    counts : ndarray of shape (n_windows,)
        Known words of each window.
    first : ndarray of shape (n_documents,)
        Number of the first window of each document.
    """
    n_windows = len(counts)
    totals = np.add.reduceat(counts, first)[:, np.newaxis]
    if pooling == "last":
        number = np.where(counts > 0, np.arange(n_windows), 0)
        return vectors[np.maximum.reduceat(number, first)] * (totals > 0)
    if pooling == "max":
        filled = np.where(counts[:, np.newaxis] > 0, vectors, -np.inf)
        largest = np.maximum.reduceat(filled, first)
        return np.where(totals > 0, largest, 0).astype(np.float32)
    sums = np.add.reduceat(vectors * counts[:, np.newaxis].astype(np.float64), first)
    return (sums / np.maximum(totals, 1)).astype(np.float32)
