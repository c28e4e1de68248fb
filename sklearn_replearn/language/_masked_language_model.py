"""A language model that predicts hidden words from those on both sides."""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._counts import check_count
from sklearn_replearn._deep.objectives.softmax import chunked_token_losses
from sklearn_replearn._deep.objectives.words import MaskedWords, WordLoss
from sklearn_replearn._documents import check_documents, check_same_kind
from sklearn_replearn._sklearn import Interval
from sklearn_replearn._tokens import number_words
from sklearn_replearn.language._language_model import (
    BaseLanguageModel,
    in_documents,
)
from sklearn_replearn.language._tokenizers import splitter

#: What stands for a missing word in the texts of `fill_mask`.
MASK = "[MASK]"

#: `log_likelihoods` hides each token together with one of so many.
N_GROUPS = 7


class MaskedLanguageModel(BaseLanguageModel):
    r"""Document vectors from a transformer that predicts hidden words.

    In each batch, a share of the words M is hidden, and the network predicts them from
    the words on both sides [1]_. It minimizes

    .. math:: -\frac{1}{|M|} \sum_{t \in M} \log p(w_t \mid w_{\setminus M}), \qquad
       p(w_t \mid w_{\setminus M}) = \mathrm{softmax}(E h_t + b)_{w_t}

    with the state :math:`h_t` at the place of the word and the matrix E of the vectors
    of words that are also the network's input. Of the hidden words 80 % are replaced by
    a mask, 10 % by a random word, and 10 % are kept. :meth:`transform` pools the states
    of a document of which nothing is hidden.

    The input of a token is its vector, plus what a layer makes of the vectors of its
    `n_neighbors` on each side, in their order: attention alone takes a long training to
    find out which words are next to each other (:ref:`guide <masked_words>`).

    Documents, unknown words and long documents are treated as by
    :class:`CausalLanguageModel`.

    Parameters
    ----------
    n_components : int, default=128
        Number of components of the states and of the vectors of words, a multiple of
        `n_heads`.
    mask_share : float, default=0.3
        Share of the words that are hidden in training, in (0, 1).
    n_neighbors : int, default=2
        Neighbors on each side whose vectors are part of a token's input.
    tokenizer : {"word", "character", "bpe"} or callable, default="word"
        What splits strings: into words and marks, into characters, into parts of words,
        or a function of a string (:ref:`guide <language_tokenizer>`).
    lowercase : bool, default=True
        Whether strings are lowercased before that.
    vocabulary_size : int, default=10_000
        Maximum number of words of the vocabulary, the most frequent ones.
    min_count : int, default=2
        Occurrences that a word needs to be known. With 1, `fit` sees no unknown word.
    context : int, default=64
        Maximum number of tokens that the network reads at once, at least 2.
    n_layers : int, default=2
        Number of layers of the transformer.
    n_heads : int, default=4
        Number of attention heads of each layer.
    dropout : float, default=0.1
        Share of the values that are dropped in training, in [0, 1).
    init : "pmi", None or fitted embedding, default="pmi"
        Vectors of words to start from: of mutual information, random, or a fitted
        embedding's (:ref:`guide <language_init>`).
    pooling : {"mean", "last", "max"}, default="mean"
        How the states of the known words of a document become one vector.
    layer : int, default=-1
        Layer whose states are pooled: 0 for the input of the first, -1 for the last.
    max_epochs : int, default=10
        Number of passes over the tokens; early stopping can end them sooner.
    batch_size : int or "auto", default="auto"
        Number of windows of `context` tokens in a batch; "auto" is a sixteenth of all,
        from 16 up to 32.
    lr : float, default=3e-3
        Learning rate, or its maximum if `lr_schedule` varies it.
    lr_schedule : {"constant", "one_cycle", "cosine"}, default="one_cycle"
        Course of the learning rate during training (:ref:`guide <lr_schedule>`).
    weight_decay : float, default=0.01
        The optimizer's penalty on large weights (:ref:`guide <optimizer>`).
    optimizer : {"adam", "adamw", "sgd"} or callable, default="adamw"
        Name, or a callable such as ``torch.optim.NAdam`` (:ref:`guide <optimizer>`).
    early_stopping : bool, default=False
        Whether to hold out a validation set, stop when its loss stops improving, and
        keep the best weights (:ref:`guide <early_stopping>`).
    validation_fraction : float, default=0.1
        Share of the windows that `early_stopping` holds out, in (0, 1), without
        `X_val`.
    n_iter_no_change : int, default=10
        Number of epochs without a lower validation loss after which to stop.
    callbacks : list of skorch callbacks, default=None
        Copied before training. Called as skorch calls them (:ref:`guide <callbacks>`).
    warm_start : bool, default=False
        Whether `fit` continues from the previous weights (:ref:`guide <warm_start>`).
    mixed_precision : bool, default=False
        Whether layers are trained in bfloat16 (:ref:`guide <mixed_precision>`).
    device : str or torch.device, default="auto"
        Where to train and encode. "auto" is CUDA if torch finds it, else the CPU.
    random_state : int, RandomState instance or None, default=None
        Seed of all that is drawn at random (:ref:`guide <random_state>`).
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    vocabulary_ : dict
        Row of each word in `word_vectors_`, the most frequent first.
    n_components_ : int
        Number of components.
    word_counts_ : ndarray of shape (n_words,)
        Occurrences of the words in training.
    word_vectors_ : ndarray of shape (n_words, n_components_)
        Vectors of the words, as the first layer takes them.
    unknown_share_ : float
        Share of the training tokens that are unknown words.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is its network (:ref:`guide <net>`).
    loss_curve_ : list of float
        Mean training loss of each epoch (:ref:`guide <loss_curve>`).
    loss_terms_curve_ : list of dict
        Mean of each term of that loss, by its name, of each epoch.
    validation_loss_curve_ : list of float or None
        The same for held-out rows or `X_val`; ``None`` without them.
    n_iter_ : int
        Number of epochs.

    See Also
    --------
    CausalLanguageModel : Predicts each word from those before it; generates texts.

    References
    ----------
    .. [1] J. Devlin, M.-W. Chang, K. Lee and K. Toutanova, "BERT: pre-training of deep
       bidirectional transformers for language understanding", NAACL 2019.

    Examples
    --------
    >>> from sklearn_replearn.language import MaskedLanguageModel
    >>> texts = ["the cat sat on the mat", "a dog ran to a house"] * 10
    >>> model = MaskedLanguageModel(
    ...     8, n_heads=2, n_layers=1, lr=0.05, random_state=0
    ... ).fit(texts)
    >>> model.transform(["the cat sat", "unheard-of"]).shape
    (2, 8)
    >>> [[words]] = model.fill_mask(["the cat [MASK] on the mat"], topn=3)
    >>> len(words)
    3
    """

    _parameter_constraints = {
        **BaseLanguageModel._parameter_constraints,
        "mask_share": [Interval(Real, 0, 1, closed="neither")],
        "n_neighbors": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=128,
        *,
        mask_share=0.3,
        n_neighbors=2,
        tokenizer="word",
        lowercase=True,
        vocabulary_size=10_000,
        min_count=2,
        context=64,
        n_layers=2,
        n_heads=4,
        dropout=0.1,
        init="pmi",
        pooling="mean",
        layer=-1,
        max_epochs=10,
        batch_size="auto",
        lr=3e-3,
        lr_schedule="one_cycle",
        weight_decay=0.01,
        optimizer="adamw",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        callbacks=None,
        warm_start=False,
        mixed_precision=False,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.mask_share = mask_share
        self.n_neighbors = n_neighbors
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.vocabulary_size = vocabulary_size
        self.min_count = min_count
        self.context = context
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.dropout = dropout
        self.init = init
        self.pooling = pooling
        self.layer = layer
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.mixed_precision = mixed_precision
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    _is_causal = False

    @property
    def _n_neighbors(self):
        return self.n_neighbors

    def _objective(self, counts):
        n_words = len(self.vocabulary_)
        return MaskedWords(WordLoss(counts), n_words + 2, n_words, self.mask_share)

    def log_likelihoods(self, X):
        """Log-probability of each token of documents, given those that are not hidden.

        Each token is hidden once, together with about a seventh of the others of its
        document, which a fixed seed chooses by their places.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            An unknown word has the probability that any unknown word stands there.

        Returns
        -------
        log_likelihoods : list of ndarray of shape (n_tokens,)
            In nats.
        """
        windows, _, bounds = self._windows(X)
        network = self.net_.module_
        groups = np.full(len(windows.values), -1)  # of boundaries
        for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            groups[start + 1 : end] = hidden_groups(end - start - 1)
        groups = torch.from_numpy(groups)
        logs = np.zeros(len(groups), dtype=np.float32)
        for group in range(N_GROUPS):
            stream = windows.values.masked_fill(groups == group, network.masked)
            for places, states in self._masked_states(windows.on(stream)):
                words = windows.values[places].long().to(states.device)
                losses = chunked_token_losses(states, *network.output(), words)
                logs[places] = -losses.cpu()
        return in_documents(logs, bounds)

    def fill_mask(self, texts, topn=5):
        """The most probable words at missing places of texts.

        Parameters
        ----------
        texts : list of str, or of lists of str
            Of the kind of the documents of :meth:`fit`, with "[MASK]" where a word is
            missing; in lists, it is a token.
        topn : int, default=5
            How many words to return for each place, at most.

        Returns
        -------
        words : list of lists of lists of (str, float)
            For each text and each missing word in it, words of the vocabulary with
            their probabilities, most probable first.

        Raises
        ------
        ValueError
            If a text has no "[MASK]".
        """
        check_is_fitted(self)
        check_count("topn", topn)
        texts, tokenized = check_documents(texts)
        check_same_kind(self, self._tokenized, tokenized)
        if not tokenized:
            split = splitter(self.tokenizer, self._trained_tokenizer, self.lowercase)
            texts = [_split_around(text, split) for text in texts]
        for position, text in enumerate(texts):
            if MASK not in text:
                raise ValueError(
                    f"Text {position} has no {MASK!r}; put it where a word is missing."
                )
        words, tokens = number_words(texts)
        windows, _, bounds = self._windows_of(words, tokens)
        network = self.net_.module_
        is_missing = np.zeros(len(windows.values), dtype=bool)
        is_missing[np.setdiff1d(np.arange(len(is_missing)), bounds)] = (
            tokens.ids == words.index(MASK)
        )
        stream = windows.values.masked_fill(
            torch.from_numpy(is_missing), network.masked
        )
        n_words = len(self.vocabulary_)
        names, found = self._words(), {}
        for places, states in self._masked_states(windows.on(stream)):
            for part in torch.arange(len(places)).split(256):
                with torch.inference_mode():
                    weight, bias = network.output()
                    logits = torch.nn.functional.linear(states[part], weight, bias)
                    best = (
                        logits.double().softmax(1)[:, :n_words].topk(min(topn, n_words))
                    )
                rows = zip(
                    places[part].tolist(),
                    best.indices.tolist(),
                    best.values.tolist(),
                    strict=True,
                )
                for place, numbers, values in rows:
                    chosen = (names[number] for number in numbers)
                    found[place] = list(zip(chosen, values, strict=True))
        return [
            [found[place] for place in range(start, end) if is_missing[place]]
            for start, end in zip(
                bounds[:-1].tolist(), bounds[1:].tolist(), strict=True
            )
        ]

    def _masked_states(self, windows):
        """Places of the masks of a stream, and the states there, by blocks."""
        masked = self.net_.module_.masked
        for index, window, states in self._through("forward", windows):
            chosen = window.counted & (window.ids == masked)
            yield windows.places(index, chosen), states[chosen]


def hidden_groups(n_tokens):
    """The number of the group of each token of a document that is hidden together.

    Of a longer document the first tokens have the same groups.
    """
    return np.random.RandomState(0).randint(N_GROUPS, size=n_tokens)


def _split_around(text, split):
    """Tokens of a string, and the mask between its parts."""
    first, *others = text.split(MASK)
    tokens = split(first)
    for part in others:
        tokens += [MASK, *split(part)]
    return tokens
