"""A language model that predicts the next word."""

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch.nn import functional

from sklearn_replearn._counts import check_count
from sklearn_replearn._deep.input.windows import Windows
from sklearn_replearn._deep.objectives.softmax import chunked_token_losses
from sklearn_replearn._deep.objectives.words import NextWords, WordLoss
from sklearn_replearn._documents import check_same_kind
from sklearn_replearn._tokens import number_words
from sklearn_replearn._warnings import warn
from sklearn_replearn.language._language_model import (
    BaseLanguageModel,
    in_documents,
)
from sklearn_replearn.language._tokenizers import join_tokens


class CausalLanguageModel(BaseLanguageModel):
    r"""Document vectors from a transformer that predicts the next word.

    The network gives each token :math:`w_t` a state :math:`h_t` that depends on it and
    on the tokens before it, and the next token the probability

    .. math:: p(w_{t+1} \mid w_{\le t}) = \mathrm{softmax}(E h_t + b)_{w_{t+1}}

    with the matrix E of the vectors of words that are also its input [1]_ [2]_. Its
    layers are those of [3]_ with the normalizations before them and rotated queries
    and keys [4]_. Training minimizes the mean of :math:`-\log p`; the sum over a large
    vocabulary is estimated from a sample of it (:ref:`guide <language_training>`).
    :meth:`transform` pools the states of a document.

    Documents are strings or lists of tokens. A boundary stands before each, and words
    that are not in the vocabulary share one unknown token. Documents longer than
    `context` are read in windows that overlap, and none is cut.

    Parameters
    ----------
    n_components : int, default=128
        Number of components of the states and of the vectors of words, a multiple of
        `n_heads`.
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
    sklearn_replearn.text.PMIEmbedding : Vectors of words without their order, in
        seconds.

    References
    ----------
    .. [1] Y. Bengio, R. Ducharme, P. Vincent and C. Jauvin, "A neural probabilistic
       language model", JMLR 3, 2003.
    .. [2] A. Radford, K. Narasimhan, T. Salimans and I. Sutskever, "Improving language
       understanding by generative pre-training", 2018.
    .. [3] A. Vaswani et al., "Attention is all you need", NeurIPS 2017.
    .. [4] J. Su et al., "RoFormer: enhanced transformer with rotary position
       embedding", Neurocomputing 568, 2024.

    Examples
    --------
    >>> from sklearn_replearn.language import CausalLanguageModel
    >>> texts = ["the cat sat on the mat", "the dog sat on the cat"] * 10
    >>> model = CausalLanguageModel(
    ...     8, n_heads=2, max_epochs=30, lr=0.02, random_state=0
    ... ).fit(texts)
    >>> model.transform(["a cat sat", "unheard-of"]).shape
    (2, 8)
    >>> model.next_tokens("the dog sat", topn=1)[0][0]
    'on'
    >>> model.perplexity(texts) < 3
    True
    """

    def __init__(
        self,
        n_components=128,
        *,
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

    def _objective(self, counts):
        return NextWords(WordLoss(counts))

    def log_likelihoods(self, X):
        """Log-probability of each token of documents, given those before it.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            An unknown word has the probability that any unknown word comes next.

        Returns
        -------
        log_likelihoods : list of ndarray of shape (n_tokens,)
            In nats.
        """
        windows, _, bounds = self._windows(X)
        output = self.net_.module_.output()
        logs = np.zeros(len(windows.values), dtype=np.float32)
        for index, window, states in self._through("forward", windows):
            places = window.counted
            targets = window.targets[places]
            losses = chunked_token_losses(states[places], *output, targets)
            logs[windows.places(index, places) + 1] = -losses.cpu()
        return in_documents(logs, bounds)

    def next_tokens(self, prompt, topn=10):
        """The most probable tokens after a prompt.

        Parameters
        ----------
        prompt : str or list of str
            Of the kind of the documents of :meth:`fit`; may be empty.
        topn : int, default=10
            How many to return, at most.

        Returns
        -------
        tokens : list of (str, float)
            Words of the vocabulary with their probabilities, most probable first.
        """
        check_count("topn", topn)
        [prompt] = self._read_prompts([prompt])
        probabilities = self._predict([prompt])[0].double().softmax(0)
        n_words = len(self.vocabulary_)
        best = probabilities[:n_words].topk(min(topn, n_words))
        words = self._words()
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [(words[row], value) for row, value in pairs]

    def generate(
        self, prompts, n_tokens=20, *, temperature=1.0, top_k=None, random_state=None
    ):
        """Continue texts by random tokens with the probabilities of the model.

        Parameters
        ----------
        prompts : list of str, or of lists of str
            Of the kind of the documents of :meth:`fit`; may be empty.
        n_tokens : int, default=20
            Maximum number of new tokens. A text also ends before a boundary.
        temperature : float, default=1.0
            Logits are divided by it: below 1, probable tokens are preferred. 0 takes
            the most probable one.
        top_k : int, default=None
            Tokens to choose among, the most probable ones. ``None``: all.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws.

        Returns
        -------
        texts : list of str, or of lists of str
            The new tokens alone, unknown words never among them; as strings if the
            documents of :meth:`fit` were strings.
        """
        texts = self._read_prompts(prompts)
        check_count("n_tokens", n_tokens, 0)
        if top_k is not None:
            check_count("top_k", top_k)
        if not (np.isfinite(temperature) and temperature >= 0):
            raise ValueError(f"temperature must be at least 0; got {temperature!r}.")
        draws = check_random_state(random_state).uniform(size=(len(texts), n_tokens))
        n_before = [len(text) for text in texts]
        boundary = len(self.vocabulary_) + 1
        running = list(range(len(texts)))
        for step in range(n_tokens):
            if not running:
                break
            logits = self._predict([texts[i] for i in running]).double()
            logits[:, boundary - 1] = -torch.inf  # unknown words
            chosen = _choose(logits, draws[running, step], temperature, top_k)
            for i, token in zip(running, chosen, strict=True):
                texts[i].append(token)
            running = [i for i in running if texts[i][-1] != boundary]
        words = [*self._words(), "", ""]
        new = [
            [words[token] for token in text[n:] if token != boundary]
            for text, n in zip(texts, n_before, strict=True)
        ]
        if self._tokenized:
            return new
        return [join_tokens(self.tokenizer, self._trained_tokenizer, t) for t in new]

    def _read_prompts(self, prompts):
        """Prompts as lists of numbers, each behind a boundary."""
        check_is_fitted(self)
        documents, tokenized = self._split(prompts)
        check_same_kind(self, self._tokenized, tokenized)
        stream, bounds = self._stream(*number_words(documents))
        texts = [part.tolist() for part in np.split(stream[:-1], bounds[1:-1])]
        size = self.net_.description["context"]
        for i, text in enumerate(texts):
            if len(text) > size:
                warn(
                    f"Prompt {i} has {len(text) - 1} tokens, of which the model reads "
                    f"the last {size}, its context; raise context, or pass the end "
                    "alone.",
                )
        return texts

    def _predict(self, texts):
        """Logits of the next token of each text."""
        size = self.net_.description["context"]
        network = self.net_.module_
        tails = [text[-size:] for text in texts]
        stream = torch.tensor([token for text in tails for token in text] + [0])
        ends = torch.tensor([len(text) for text in tails]).cumsum(0)
        starts = torch.cat([ends.new_zeros(1), ends[:-1]])
        windows = Windows(stream, starts, ends, torch.zeros_like(ends))
        weight, bias = network.output()
        logits = torch.empty(len(texts), len(bias))
        for index, window, states in self._through("forward", windows):
            last = states[torch.arange(len(index)), window.mask.sum(1) - 1]
            with torch.no_grad():
                logits[index] = functional.linear(last, weight, bias).cpu()
        return logits


def _choose(logits, draws, temperature, top_k):
    """A token for each row of logits, by numbers drawn uniformly from [0, 1)."""
    if temperature == 0:
        return logits.argmax(1).tolist()
    if top_k is not None:
        best = logits.topk(min(top_k, logits.shape[1]))
        logits = torch.full_like(logits, -torch.inf)
        logits.scatter_(1, best.indices, best.values)
    cumulative = (logits / temperature).softmax(1).cumsum(1)
    draws = torch.from_numpy(draws)[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, draws, right=True).squeeze(1).tolist()
