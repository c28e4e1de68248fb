"""Vectors of sentences from a task that is made of the texts themselves."""

from collections import Counter
from functools import partial
from itertools import chain
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.estimators.embeddings import find_collapse, record_health
from sklearn_replearn._deep.estimators.encoders import hidden_sizes, whole_numbers
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._deep.training.seeding import seeded
from sklearn_replearn._documents import check_reiterable, check_same_kind
from sklearn_replearn._effective_rank import effective_rank
from sklearn_replearn._sklearn import Interval, StrOptions, _fit_context
from sklearn_replearn._tokens import TokenIds, number_words, renumber
from sklearn_replearn._warnings import warn
from sklearn_replearn._word_queries import WordQueriesMixin
from sklearn_replearn.language._sentence_network import start_sentences
from sklearn_replearn.language._sentence_samples import (
    Runs,
    Sentences,
    hold_out_documents,
    make_runs,
)
from sklearn_replearn.language._sentence_tasks import TASKS, Questions
from sklearn_replearn.language._sentences import read_sentences, take_out_emoji
from sklearn_replearn.language._start import start_vectors
from sklearn_replearn.language._tokenizers import (
    refuse_lists,
    splitter,
    train_tokenizer,
)
from sklearn_replearn.language._vocabulary import choose_words

#: Questions that `score` asks at a time.
N_ASKED = 4096

#: What to change if the vectors of all sentences are the same.
REMEDY = "change lr, train longer, or take another task"


class SentenceEmbedding(WordQueriesMixin, BaseDeepTransformer):
    r"""Vectors of sentences from a task whose answers are in the texts.

    An encoder :math:`f` makes a vector of each sentence, and a head answers questions
    about the vectors of some sentences. Both are trained together, on one of these
    tasks:

    =============  ===============================================================
    Task           Question
    =============  ===============================================================
    "neighbor"     Which of the second sentences of a batch is behind which of the
                   first ones?
    "next"         Is this the next sentence, or a random one?
    "order"        Are two neighbors in their order, or swapped?
    "permutation"  In which order are `n_sentences` shuffled sentences?
    "emoji"        Which emoji was in the sentence?
    =============  ===============================================================

    They are those of [1]_ and [2]_, [3]_, [4]_, a generalization of it, and [5]_.

    With "neighbor", of n pairs of neighbors :math:`(u_i, v_i)` in a batch, the loss is

    .. math:: -\frac{1}{2n} \sum_i \Big( \log \frac{e^{s_{ii}}}{\sum_j e^{s_{ij}}}
       + \log \frac{e^{s_{ii}}}{\sum_j e^{s_{ji}}} \Big), \qquad
       s_{ij} = a \cos(g(u_i), h(v_j)),

    with a learned scale a and layers g and h. The others minimize the mean
    cross-entropy of the answers, which "next" and "order" read from
    :math:`(u, v, |u - v|, u \circ v)` and the others from the vectors of all sentences;
    "next" asks about the true and a random sentence of the batch for each pair, "order"
    about both orders.

    The encoder takes the mean of the vectors of the known words of a sentence, or of
    their states in a transformer, and adds the output of an MLP. The vectors of words
    are trained, from a start in which those of rare words are longer.

    Documents are strings, which are split into sentences at full stops and empty lines
    (:ref:`guide <sentences>`), or lists of sentences, each a string or a list of
    tokens. :meth:`fit` learns from documents that are long enough for the task. With
    "emoji" a string is not split, and texts without emoji are left out. Unknown words
    are left out; long sentences are never cut off.

    Parameters
    ----------
    n_components : int, default=128
        Number of components of the vectors of sentences and of words.
    task : {"neighbor", "next", "order", "permutation", "emoji"}, default="neighbor"
        What the encoder is trained on.
    encoder : {"average", "transformer"}, default="average"
        "average" takes the mean of vectors of words, whatever their order;
        "transformer" reads them in their order and takes several times as long.
    n_sentences : int, default=3
        Sentences of a question of "permutation", from 3 to 5.
    n_emoji : int, default=64
        Maximum number of emoji that "emoji" tells apart, the most frequent ones.
    projection_sizes : int or sequence of int, default=(128,)
        Number of units of each hidden layer of the head; ``()`` is none. With
        "neighbor", of the layers whose outputs are compared.
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
        Maximum number of words that the transformer reads at once: longer sentences are
        read in windows of about the same length.
    n_layers : int, default=1
        Number of layers of the transformer.
    n_heads : int, default=4
        Number of attention heads of each layer, which share `n_components` evenly.
    dropout : float, default=0.1
        Share of the values that are dropped in training, in [0, 1).
    init : "pmi", None or fitted embedding, default="pmi"
        Vectors of words to start from: of mutual information, random, or a fitted
        embedding's (:ref:`guide <language_init>`).
    hidden_layer_sizes : int or sequence of int, default=(256,)
        Number of units of each hidden layer behind the mean; ``()`` is none.
    activation : str, default="relu"
        Function of the hidden units: "relu", "leaky_relu", "prelu", "elu", "gelu",
        "silu", "tanh", "logistic" or "identity".
    max_epochs : int or "auto", default="auto"
        Number of passes over the sentences. "auto" is what 1,000 batches take, at least
        5.
    batch_size : int or "auto", default="auto"
        Number of questions in a batch; "auto" is a sixteenth of all, from 16 up to 128.
    lr : float, default=1e-3
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
        Share of the questions, in whole documents, that `early_stopping` holds out
        without `X_val`.
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
    emoji_ : list of str
        The emoji that are told apart, the most frequent first; only with "emoji".
    n_left_out_ : int
        Number of training documents about which nothing is asked: too short for the
        task, or without a known word or emoji.
    word_counts_ : ndarray of shape (n_words,)
        Occurrences of the words in training.
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
    health_curve_ : list of dict
        "mean_norm", "spread" and "effective_rank" of each epoch
        (:ref:`guide <health_curve>`).
    n_iter_ : int
        Number of epochs.
    effective_rank_ : float
        Number of directions in which the vectors of sentences vary
        (:ref:`guide <health>`).

    Warns
    -----
    ConvergenceWarning
        If the answers are no better than without looking at the sentences, all vectors
        are the same, or the loss has not fallen; it says what to change.

    See Also
    --------
    MaskedLanguageModel : Predicts hidden words.
    PretrainedTextEncoder : Reads sentence encoders that others have trained.
    sklearn_replearn.text.PMIEmbedding : Vectors of words, pooled without a training.

    References
    ----------
    .. [1] R. Kiros and others, "Skip-thought vectors", NeurIPS 2015.
    .. [2] L. Logeswaran and H. Lee, "An efficient framework for learning sentence
       representations", ICLR 2018.
    .. [3] J. Devlin, M.-W. Chang, K. Lee and K. Toutanova, "BERT: pre-training of deep
       bidirectional transformers for language understanding", NAACL 2019.
    .. [4] Z. Lan and others, "ALBERT: a lite BERT for self-supervised learning of
       language representations", ICLR 2020.
    .. [5] B. Felbo and others, "Using millions of emoji occurrences to learn any-domain
       representations for detecting sentiment, emotion and sarcasm", EMNLP 2017.

    Examples
    --------
    >>> from sklearn_replearn.language import SentenceEmbedding
    >>> texts = ["The cat sat. It purred. It slept.", "A dog ran. It barked."] * 10
    >>> model = SentenceEmbedding(8, max_epochs=3, lr=0.01, random_state=0).fit(texts)
    >>> model.transform(["The cat ran. It slept.", "A dog", "unheard-of"]).shape
    (3, 8)
    >>> [vectors.shape for vectors in model.sentence_vectors(["It ran. It sat."])]
    [(2, 8)]
    """

    _parameter_constraints = {
        **BaseDeepTransformer._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "task": [StrOptions(set(TASKS))],
        "encoder": [StrOptions({"average", "transformer"})],
        "n_sentences": [Interval(Integral, 3, 5, closed="both")],
        "n_emoji": [Interval(Integral, 2, None, closed="left")],
        "projection_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "tokenizer": [StrOptions({"word", "character", "bpe"}), callable],
        "lowercase": ["boolean"],
        "vocabulary_size": [Interval(Integral, 1, None, closed="left")],
        "min_count": [Interval(Integral, 1, None, closed="left")],
        "context": [Interval(Integral, 2, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "init": "no_validation",
    }

    def __init__(
        self,
        n_components=128,
        *,
        task="neighbor",
        encoder="average",
        n_sentences=3,
        n_emoji=64,
        projection_sizes=(128,),
        tokenizer="word",
        lowercase=True,
        vocabulary_size=10_000,
        min_count=2,
        context=64,
        n_layers=1,
        n_heads=4,
        dropout=0.1,
        init="pmi",
        hidden_layer_sizes=(256,),
        activation="relu",
        max_epochs="auto",
        batch_size="auto",
        lr=1e-3,
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
        self.task = task
        self.encoder = encoder
        self.n_sentences = n_sentences
        self.n_emoji = n_emoji
        self.projection_sizes = projection_sizes
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.vocabulary_size = vocabulary_size
        self.min_count = min_count
        self.context = context
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.dropout = dropout
        self.init = init
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, X_val=None, y_val=None):
        """Learn the vocabulary, and train the network.

        Parameters
        ----------
        X : iterable of str, or of lists of sentences
            Documents. A string is split into sentences; a sentence in a list is a
            string or a list of tokens. An iterator, which could not be read again, is
            refused.
        y : None
            Ignored.
        X_val : iterable of str, or of lists of sentences, default=None
            Validation documents, in place of held-out ones
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
            word, the documents have too few sentences for the task (or, for "emoji",
            too few emoji), or the training diverges. The estimator is then as it was
            before.
        ImportError
            If ``tokenizer="bpe"`` and the library tokenizers is not installed.
        """
        return self._fit(X, y, X_val, y_val)

    def transform(self, X):
        """Mean vector of the sentences of each document.

        Parameters
        ----------
        X : iterable of str, or of lists of sentences
            Documents. A document of one sentence has the vector of that sentence.

        Returns
        -------
        Z : ndarray of shape (n_documents, n_components_), float32
            Sentences without a known word do not count; a document without any other
            has a row of zeros.
        """
        sentences, n_sentences = self._sentences(X)
        vectors = self._apply("encode", sentences).astype(np.float64)
        first = n_sentences.cumsum() - n_sentences
        known = np.add.reduceat((sentences.lengths > 0).numpy().astype(int), first)
        sums = np.add.reduceat(vectors, first)
        return (sums / np.maximum(known, 1)[:, np.newaxis]).astype(np.float32)

    def sentence_vectors(self, X):
        """Vectors of the sentences of each document, in their order.

        Parameters
        ----------
        X : iterable of str, or of lists of sentences

        Returns
        -------
        vectors : list of ndarray of shape (n_sentences, n_components_), float32
            A sentence without a known word has a row of zeros, and so has an empty
            document, as one empty sentence.
        """
        sentences, n_sentences = self._sentences(X)
        vectors = self._apply("encode", sentences)
        return np.split(vectors, n_sentences.cumsum()[:-1])

    def score(self, X, y=None):
        """Share of right answers to the questions of the task about X.

        ============= ===================================================== ============
        Task          An answer is right if                                 By chance
        ============= ===================================================== ============
        "neighbor"    the sentence behind another is nearer to it than a    0.5
                      random sentence of X
        "next"        the sentence behind another is told to be the next    0.5
                      one, and a random sentence of X not to be
        "order"       two neighbors are told to be in order, and the same   0.5
                      swapped not to be
        "permutation" the order of `n_sentences` shuffled sentences is      1 / their
                      the right one                                         factorial
        "emoji"       the emoji of a sentence is the most probable one
        ============= ===================================================== ============

        Random sentences and orders are drawn with a fixed seed. Of sentences without a
        known word nothing is asked.

        Parameters
        ----------
        X : iterable of str, or of lists of sentences
        y : None
            Ignored.

        Returns
        -------
        score : float
            In [0, 1].
        """
        check_is_fitted(self)
        runs, targets = self._read(X, None, reset=False)
        vectors = torch.from_numpy(self._apply("encode", runs.sentences))
        head, device = self.net_.module_.head, self.net_.module_.origin.device
        task, right = TASKS[self._task](self._n_parts), 0.0
        with torch.inference_mode(), seeded(0, device):
            drawn = task.draw(len(runs), targets)
            questions = task.arrange(runs.members(), drawn)
            for index in torch.arange(len(runs)).split(N_ASKED):
                z = vectors[questions[index]].to(device)
                right += float(task.right(head, z, drawn[index].to(device)).sum())
        return right / len(runs)

    @property
    def word_vectors_(self):
        """Vectors of the words of the vocabulary, as the first layer takes them."""
        check_is_fitted(self)
        return self.net_.module_.embedding.weight.detach().cpu().numpy()

    # -- reading -----------------------------------------------------------------

    def _read(self, X, y, *, reset):
        if reset:
            check_reiterable(X)
        is_new = reset and not self._continues_training()
        if is_new:
            self._task, self._n_parts = self.task, self._count_parts()
            self._trained_tokenizer = self._train_tokenizer(X)
        texts = self._number_words(X, is_new=is_new)
        if is_new:
            self._learn_words(texts)
        return self._make_questions(texts, reset=reset)

    def _count_parts(self):
        """Sentences of a question."""
        return {"permutation": int(self.n_sentences), "emoji": 1}.get(self.task, 2)

    def _number_words(self, X, *, is_new=False):
        """The sentences of documents as `Texts`, without what the task asks for."""
        split = splitter(self.tokenizer, self._trained_tokenizer, self.lowercase)
        n_sentences, emoji, kinds = [], [], set()

        def as_tokens():
            for document in read_sentences(X, split=self._task != "emoji"):
                n_sentences.append(len(document))
                for sentence in document:
                    is_tokenized = isinstance(sentence, list)
                    if sentence:
                        kinds.add(is_tokenized)
                        refuse_lists(self.tokenizer, is_tokenized)
                    if self._task == "emoji":
                        sentence, found = take_out_emoji(sentence)
                        emoji.append(found)
                    yield sentence if is_tokenized else split(sentence)

        words, tokens = number_words(as_tokens())
        for tokenized in kinds:  # one, or none if all is empty
            if is_new:
                self._tokenized = tokenized
            check_same_kind(self, self._tokenized, tokenized)
        return Texts(words, tokens, np.array(n_sentences), emoji)

    def _train_tokenizer(self, X):
        def sentences():
            for document in read_sentences(X, split=self._task != "emoji"):
                for sentence in document:
                    refuse_lists(self.tokenizer, isinstance(sentence, list))
                    yield sentence

        return train_tokenizer(
            self.tokenizer,
            sentences(),
            lowercase=self.lowercase,
            vocabulary_size=self.vocabulary_size,
            min_count=self.min_count,
        )

    def _learn_words(self, texts):
        tokens = texts.tokens
        found = choose_words(
            texts.words,
            tokens._replace(ends=tokens.ends[texts.n_sentences.cumsum() - 1]),
            min_count=self.min_count,
            vocabulary_size=self.vocabulary_size,
        )
        self.vocabulary_, self.word_counts_, self.unknown_share_ = found
        is_split = self.task != "emoji" and not self._tokenized
        if is_split and tokens.lengths.max() == 1:
            warn(
                "All sentences of X are single words: a list of strings is a list of "
                "sentences here; pass [tokens] for a document of one sentence of "
                "tokens."
            )
        if self.task == "emoji":
            self.emoji_ = choose_emoji(
                texts.emoji, self.n_emoji, len(texts.n_sentences)
            )

    def _known(self, texts):
        """The sentences of texts as samples."""
        rows = [self.vocabulary_.get(word, -1) for word in texts.words]
        ids, ends = renumber(texts.tokens, np.array(rows, dtype=np.int32))
        return Sentences(torch.from_numpy(ids), torch.from_numpy(ends))

    def _make_questions(self, texts, *, reset):
        """The runs of sentences that the task asks about, and their targets."""
        task, sentences = self._task, self._known(texts)
        documents = np.arange(len(texts.n_sentences)).repeat(texts.n_sentences)
        if task == "emoji":
            runs, targets = runs_with_emoji(
                sentences, documents, texts.emoji, self.emoji_
            )
        else:
            runs, targets = make_runs(sentences, documents, self._n_parts), None
        n_documents = len(texts.n_sentences)
        if not len(runs):
            raise ValueError(_nothing_to_ask(task, runs.size, n_documents))
        if task in ("neighbor", "next") and len(runs) < 2:
            raise ValueError(
                f"task={task!r} compares the next sentence with those of other pairs, "
                f"but n_samples={n_documents} documents have a single pair of "
                "neighbors; pass more documents, or longer ones."
            )
        if reset:
            asked = np.unique(documents[runs.first.numpy()])
            self.n_left_out_ = n_documents - len(asked)
        return runs, targets

    def _sentences(self, X):
        """The sentences of documents, and how many each document has."""
        check_is_fitted(self)
        texts = self._number_words(X)
        return self._known(texts), texts.n_sentences

    # -- training ----------------------------------------------------------------

    def _plan(self, samples, targets):
        description = self._describe()
        task = TASKS[self.task](samples.size)
        if self.task in ("neighbor", "next") and self.batch_size == 1:
            raise ValueError(
                f"batch_size=1 leaves task={self.task!r} no other sentences to choose "
                "among; raise it."
            )
        vectors = None
        if not self._continues_training():
            vectors = self._start_vectors(samples)
        return Plan(
            description,
            Questions(task),
            split=hold_out_documents,
            start=partial(
                start_sentences, vectors=vectors, counts=np.array(self.word_counts_)
            ),
            clip_norm=1.0,
            decays="matrices",
        )

    def _describe(self):
        is_transformer = self.encoder == "transformer"
        if is_transformer and self.n_components % self.n_heads:
            raise ValueError(
                f"n_components={self.n_components} is not a multiple of "
                f"n_heads={self.n_heads}, which share the components; change one."
            )
        projection = whole_numbers("projection_sizes", self.projection_sizes, "units")
        return {
            "network": "SentenceNetwork",
            "n_words": len(self.vocabulary_),
            "n_components": int(self.n_components),
            "n_layers": int(self.n_layers) if is_transformer else 0,
            "n_heads": int(self.n_heads) if is_transformer else 1,
            "context": int(self.context) if is_transformer else 0,
            "dropout": float(self.dropout),
            "hidden_sizes": hidden_sizes(self),
            "activation": self.activation,
            "task": self.task,
            "n_parts": self._count_parts(),
            "head_sizes": projection,
            "n_classes": len(self.emoji_) if self.task == "emoji" else None,
        }

    def _start_vectors(self, samples):
        """Vectors of words to start from; those of one document are neighbors."""
        sentences = samples.sentences
        is_last = np.append(np.diff(samples.documents) != 0, True)
        ends = np.append(0, sentences.ends.numpy()[is_last])
        n_words = len(self.vocabulary_)
        return start_vectors(
            self.init,
            np.insert(sentences.values.numpy(), ends, n_words + 1),
            self.word_counts_,
            list(self.vocabulary_),
            self.n_components,
        )

    def _finish(self, samples):
        record_health(self, ("mean_norm", "spread", "effective_rank"))

    def _diagnose(self, samples):
        self.effective_rank_ = effective_rank(self._apply("encode", samples))
        return find_collapse(self, REMEDY)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags


class Texts(NamedTuple):
    """Sentences of documents as numbers of words.

    Attributes
    ----------
    words : list of str
    tokens : TokenIds
        Of the sentences, by positions in `words`.
    n_sentences : ndarray of int, of shape (n_documents,)
        How many of the sentences each document has.
    emoji : list of lists of str
        The distinct emoji of each sentence; empty if none are asked for.
    """

    words: list
    tokens: TokenIds
    n_sentences: np.ndarray
    emoji: list


def choose_emoji(emoji, n_emoji, n_documents):
    """The most frequent emoji of sentences."""
    counts = Counter(chain.from_iterable(emoji))
    if len(counts) < 2:
        found = (
            f"the only one is {next(iter(counts))!r}" if counts else "there are none"
        )
        raise ValueError(
            f"task='emoji' tells which emoji was in a text, but in n_samples="
            f"{n_documents} documents {found}; pass texts with emoji, or take another "
            "task."
        )
    return [name for name, _ in counts.most_common(n_emoji)]


def runs_with_emoji(sentences, documents, emoji, classes):
    """Sentences with known words, once for each of their known emoji; and these."""
    numbers = {name: number for number, name in enumerate(classes)}
    pairs = [
        (sentence, numbers[name])
        for sentence, found in enumerate(emoji)
        for name in found
        if name in numbers and sentences.lengths[sentence] > 0
    ]
    first, targets = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).unbind(1)
    return Runs(sentences, first.contiguous(), 1, documents), targets.contiguous()


def _nothing_to_ask(task, size, n_documents):
    """The message that no document has a question."""
    if task == "emoji":
        return (
            f"None of n_samples={n_documents} documents has a known word and an emoji "
            "that `fit` has seen; pass texts with emoji, or take another task."
        )
    return (
        f"task={task!r} asks about {size} sentences that follow each other, but none "
        f"of n_samples={n_documents} documents has {size} with known words; pass "
        "longer documents, each a string or a list of sentences. Strings are split at "
        "full stops and empty lines."
    )
