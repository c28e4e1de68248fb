"""Embeddings of two views that are trained to find each other: CLIP."""

from functools import partial
from numbers import Integral, Real
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.estimators.embeddings import (
    diagnose_embeddings,
    record_health,
)
from sklearn_replearn._deep.estimators.encoders import (
    ENCODER_PARAMETERS,
    describe_input,
    hidden_sizes,
    layer_shape,
    make_augmentation,
    start_network,
)
from sklearn_replearn._deep.input.ragged import PackedTexts
from sklearn_replearn._deep.input.samples import Rows, Views
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._deep.training.splits import (
    both_parts,
    hold_out_several,
    whole_groups,
)
from sklearn_replearn._labels import read_labels
from sklearn_replearn._scaling import unit_rows
from sklearn_replearn._sklearn import HasMethods, Interval, StrOptions, _fit_context
from sklearn_replearn._start_vectors import (
    pmi_vectors,
    vectors_of,
    words_and_vectors,
)
from sklearn_replearn._tokens import make_splitter, number_words, renumber, select_words
from sklearn_replearn.multiview._captions import (
    holds_texts,
    read_captions,
    refuse_unknown,
    sums_of_items,
    warn_of_duplicates,
    warn_of_tokens_as_captions,
    warn_of_unknown,
)
from sklearn_replearn.multiview._drawn_captions import DrawnCaptions
from sklearn_replearn.multiview._info_nce import InfoNCE
from sklearn_replearn.multiview._second_rows import (
    as_columns,
    read_rows,
    read_transformed,
)
from sklearn_replearn.multiview._two_view_network import start_words
from sklearn_replearn.multiview._two_views import check_lengths, mutual_recall

#: What is a token in a caption that is a string.
TOKEN_PATTERN = r"(?u)\b\w+\b"

#: What to change if all rows get one embedding.
REMEDY = "change lr, train longer, or take larger batches"


class Second(NamedTuple):
    """The second view of some rows, and the groups that these are in, or None."""

    y: object
    groups: object


class CLIP(BaseDeepTransformer):
    r"""Embeddings of two views, trained to find each other among those of a batch.

    One network :math:`f` encodes rows, images or signals, another one :math:`g` their
    second views: captions, a table, or images. Both give unit vectors in one space. For
    the n rows :math:`(x_i, y_i)` of a batch, with :math:`s_{ij} = f(x_i) \cdot g(y_j) /
    \tau`, the loss is

    .. math:: L = -\frac{1}{2n} \sum_i \left( \log \frac{e^{s_{ii}}}
       {\sum_j e^{s_{ij}}} + \log \frac{e^{s_{ii}}}{\sum_j e^{s_{ji}}} \right),

    the mean cross-entropy of finding the second view of a row, and the row of a second
    view [1]_. A large cosine then means that a text fits an image: for search
    (:class:`~sklearn_replearn.retrieval.EmbeddingIndex`), and for classes of which
    nothing but the names is known (:class:`ZeroShotClassifier`).

    X is read as by :class:`~sklearn_replearn.self_supervised.SimCLR`: rows of a table,
    images or signals. The second view ``y`` is one of these:

    * ``["a cat", "two dogs"]``, a caption for each row;
    * ``[["a cat", "a pet"], ["a dog"]]``, several captions for a row, of which one is
      drawn each time that the row is trained with;
    * ``[[["a", "cat"]], [["a", "dog"]]]``, captions as lists of tokens, one or several
      for a row;
    * an array of shape (n_samples, n_targets), a table;
    * an array of shape (n_samples, height, width) or (n_samples, height, width,
      channels), images.

    A list of strings as an item is always a list of captions, and never of tokens.

    **Words.** A caption is the mean of the vectors of its words, with layers behind it.
    Each vector is the sum of a given one (`init`), which stays as it is, and a trained
    one, which begins at zero, or at random if there is no given one. Words that no
    caption of :meth:`fit` had, but the given
    embedding knows, have their given vectors.

    Parameters
    ----------
    n_components : int, default=128
        Number of components of an embedding.
    y_encoder : {"auto", "words", "mlp", "cnn"} or transformer, default="auto"
        Encoder of the second view. "auto" is "words" for texts, "cnn" for images and
        "mlp" for tables. A transformer of scikit-learn is cloned and fitted on ``y``,
        or on all captions, and has an MLP behind it; a
        :class:`~sklearn.frozen.FrozenEstimator` stays as it is. MLPs and CNNs of both
        views have the same `hidden_layer_sizes`, `channels` and `kernel_size`.
    init : "pmi", None or fitted embedding, default="pmi"
        Given vectors of words: of mutual information in the captions, or a fitted
        embedding's, such as PMIEmbedding of a large corpus, which must split texts
        alike. ``None``: random ones, which are trained.
    temperature : "learned" or float, default="learned"
        Temperature of the softmax, above 0. "learned" starts from 0.07 and stays above
        0.01, as in [1]_.
    caption_dropout : float, default=0.5
        Probability, in [0, 1), that a word of a caption is left out in training, drawn
        each time anew; one word always remains. Without it, whole captions are learned
        by heart, and a query of one word is unlike them all.
    tokenizer : callable, default=None
        From a string to its tokens. ``None`` takes runs of letters, digits and
        underscores.
    lowercase : bool, default=True
        Whether strings are lowercased before that.
    min_count : int, default=1
        Occurrences that a word needs to be known. With 1, `fit` sees no unknown word.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of images given as rows. ``None``:
        rows of a table, or signals (:ref:`guide <images>`).
    encoder : {"auto", "cnn", "mlp"} or torch.nn.Module, default="auto"
        "auto" is "cnn" for images and "mlp" for rows (:ref:`guide <encoder>`).
    channels : "auto", int or sequence of int, default="auto"
        Number of maps of each convolutional stage. "auto" chooses by the size of the
        input (:ref:`guide <channels>`).
    kernel_size : int, default=3
        Side of the kernels in pixels, an odd number (:ref:`guide <channels>`).
    augment : str or sequence, default=None
        Random changes in training: names such as "flip", or a preset such as "strong"
        (:ref:`guide <augment>`).
    hidden_layer_sizes : int or sequence of int, default=(256,)
        Number of units of each hidden layer before the embedding; ``()`` is none.
    activation : str, default="relu"
        Function of the hidden units: "relu", "leaky_relu", "prelu", "elu", "gelu",
        "silu", "tanh", "logistic" or "identity".
    max_epochs : int or "auto", default="auto"
        Number of passes over the training rows. "auto" is what 1,000 batches take, at
        least 5.
    batch_size : int or "auto", default="auto"
        Number of rows in a batch; "auto" is a sixteenth of all, from 16 up to 128.
    lr : float, default=3e-3
        Learning rate, or its maximum if `lr_schedule` varies it.
    lr_schedule : {"constant", "one_cycle", "cosine"}, default="one_cycle"
        Course of the learning rate during training (:ref:`guide <lr_schedule>`).
    weight_decay : float, default=1e-4
        The optimizer's penalty on large weights (:ref:`guide <optimizer>`).
    optimizer : {"adam", "adamw", "sgd"} or callable, default="adamw"
        Name, or a callable such as ``torch.optim.NAdam`` (:ref:`guide <optimizer>`).
    early_stopping : bool, default=False
        Whether to hold out a validation set, stop when its loss stops improving, and
        keep the best weights (:ref:`guide <early_stopping>`).
    validation_fraction : float, default=0.1
        Share of the rows that `early_stopping` holds out, in (0, 1), without `X_val`.
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
    temperature_ : float
        Temperature at the end of the training.
    vocabulary_ : dict
        Row of each known word; only with words. First those that are trained.
    y_encoder_ : transformer
        The fitted transformer of the second view; only with one.
    n_components_ : int
        Number of components.
    word_counts_ : ndarray of shape (n_words,)
        Occurrences of the words in training.
    image_shape_ : tuple of int
        (height, width, channels) of the images; (n_features_in_, 1) of rows.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is its network (:ref:`guide <net>`).
    loss_curve_ : list of float
        Mean training loss of each epoch (:ref:`guide <loss_curve>`).
    loss_terms_curve_ : list of dict
        Mean of each term of that loss, by its name, of each epoch.
    validation_loss_curve_ : list of float or None
        The same for held-out rows or `X_val`; ``None`` without them.
    health_curve_ : list of dict
        "active_share", "spread", "effective_rank" and "temperature" of each epoch. The
        first is the share of rows and second views with another nearest one than their
        own in a batch; the next two are of the rows (:ref:`guide <health_curve>`).
    n_iter_ : int
        Number of epochs.
    effective_rank_ : float
        Number of directions in which the vectors of rows vary (:ref:`guide <health>`).
    n_dead_units_ : int
        Number of hidden units that are the same for all rows (:ref:`guide <health>`).
    n_features_in_ : int
        Number of features seen in :meth:`fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

    Warns
    -----
    UserWarning
        If items have one caption, but are of different groups: they are told apart.
    ConvergenceWarning
        If the training has collapsed, most hidden units are dead, or the loss has not
        fallen; it says what to change.

    See Also
    --------
    RegularizedCCA : The same for two tables, linear, in closed form.
    sklearn_replearn.self_supervised.SimCLR : Two random views of one row.

    References
    ----------
    .. [1] A. Radford and others, "Learning transferable visual models from natural
       language supervision", ICML 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.multiview import CLIP
    >>> images, digits = load_digits(return_X_y=True)
    >>> names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight",
    ...          "nine"]
    >>> captions = [f"{names[digit]} by a hand" for digit in digits]
    >>> model = CLIP(16, max_epochs=20, random_state=0)
    >>> model = model.fit(images[:600], captions[:600], groups=digits[:600])
    >>> vectors = model.transform_y(["seven", "zero"])
    >>> found = (model.transform(images[600:]) @ vectors.T).argmax(axis=0)
    >>> digits[600:][found]
    array([7, 0])
    """

    _parameter_constraints = {
        **BaseDeepTransformer._parameter_constraints,
        **ENCODER_PARAMETERS,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "y_encoder": [
            StrOptions({"auto", "words", "mlp", "cnn"}),
            HasMethods(["fit", "transform"]),
        ],
        "init": "no_validation",  # anything with vectors of words, by `vectors_of`
        "temperature": [
            StrOptions({"learned"}),
            Interval(Real, 0, None, closed="neither"),
        ],
        "caption_dropout": [Interval(Real, 0, 1, closed="left")],
        "tokenizer": [None, callable],
        "lowercase": ["boolean"],
        "min_count": [Interval(Integral, 1, None, closed="left")],
        "channels": [StrOptions({"auto"}), *ENCODER_PARAMETERS["channels"]],
        "max_epochs": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
    }

    _requires_y = True

    def __init__(
        self,
        n_components=128,
        *,
        y_encoder="auto",
        init="pmi",
        temperature="learned",
        caption_dropout=0.5,
        tokenizer=None,
        lowercase=True,
        min_count=1,
        image_shape=None,
        encoder="auto",
        channels="auto",
        kernel_size=3,
        augment=None,
        hidden_layer_sizes=(256,),
        activation="relu",
        max_epochs="auto",
        batch_size="auto",
        lr=3e-3,
        lr_schedule="one_cycle",
        weight_decay=1e-4,
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
        self.y_encoder = y_encoder
        self.init = init
        self.temperature = temperature
        self.caption_dropout = caption_dropout
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.min_count = min_count
        self.image_shape = image_shape
        self.encoder = encoder
        self.channels = channels
        self.kernel_size = kernel_size
        self.augment = augment
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

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, X_val=None, y_val=None, *, groups=None, groups_val=None):
        """Train both networks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            First view, at least two rows of finite numbers.
        y : list of str, list of lists, array-like of shape (n_samples, n_targets) or \
                images
            Second view of the same rows.
        X_val, y_val : as X and y, default=None
            Validation data, in place of held-out rows
            (:ref:`guide <early_stopping>`).
        groups : array-like of shape (n_samples,), default=None
            Labels of rows that belong together, such as variants of one image, or
            images with one caption: they do not count as wrong partners of each other,
            and are held out together. ``None``: each row for itself.
        groups_val : array-like of shape (n_validation,), default=None
            The same for the validation data.

        Returns
        -------
        self : CLIP

        Raises
        ------
        ValueError
            If the views differ in their numbers of rows, a caption has no known word,
            other data or parameters are wrong, or the training diverges. The estimator
            is then as it was before.
        """
        if groups_val is not None and y_val is None:
            raise ValueError(
                "groups_val is given without X_val and y_val; pass all three."
            )
        second = None if y is None else Second(y, groups)
        second_val = None if y_val is None else Second(y_val, groups_val)
        return self._fit(X, second, X_val, second_val)

    def transform_y(self, y):
        """Encode second views.

        Parameters
        ----------
        y : as in :meth:`fit`

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components_)
            Unit vectors: float32 for texts, in the precision of y for numbers. That of
            an item with several captions is the direction of the mean of theirs.

        Warns
        -----
        UserWarning
            If a text has no known word; its vector is zero.
        """
        check_is_fitted(self)
        samples, counts = self._read_second(y)
        vectors = self._apply("encode", samples, part="second")
        if counts is None or counts.max() == 1:
            return vectors
        return unit_rows(sums_of_items(vectors, counts))

    def score(self, X, y):
        """How often a row is nearest to its own second view, and the reverse.

        Parameters
        ----------
        X, y : as in :meth:`fit`

        Returns
        -------
        score : float
            Mean over both directions of the recall at 1 among the rows given, by
            cosines; in [0, 1]. It depends on the number of rows. Of rows with one and
            the same second view, none is found.
        """
        return mutual_recall(self.transform(X), self.transform_y(y))

    # -- reading -----------------------------------------------------------------

    def _read(self, X, y, *, reset):
        rows = self._rows(X, reset=reset)
        if y is None and not reset:
            return rows, None
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is "
                "None: it is the second view of the rows of X."
            )
        y, groups = y
        codes = None if groups is None else read_groups(groups, len(rows))
        is_new = reset and not self._continues_training()
        second, counts = self._read_second(y, codes, is_new=is_new, learns=reset)
        check_lengths(len(rows), len(second) if counts is None else len(counts))
        if counts is not None and counts.max() > 1:
            second = DrawnCaptions(second, torch.from_numpy(counts))
        return Views(rows, second), None if codes is None else torch.from_numpy(codes)

    def _read_second(self, y, groups=None, *, is_new=False, learns=False):
        """The second view as samples, one for each caption if it has texts.

        Parameters
        ----------
        y : texts, table or images
        groups : ndarray of shape (n_samples,), default=None
        is_new : bool
            Whether the words, or the transformer, are to be learned.
        learns : bool
            Whether the network is to be trained with them.

        Returns
        -------
        samples : Samples
        counts : ndarray of int, of shape (n_samples,), or None
            How many captions each item has; ``None`` if they are no texts.
        """
        is_text = holds_texts(y)
        if is_new:
            kind = choose_kind(self.y_encoder, is_text, y)
            self._second = {"kind": kind, "is_text": is_text}
        elif is_text != self._second["is_text"]:
            kinds = "texts", "numbers"
            raise ValueError(
                f"y holds {kinds[not is_text]}, but {type(self).__name__} was fitted "
                f"with {kinds[is_text]} as the second view."
            )
        if not is_text:
            return self._read_numbers(y, is_new=is_new), None
        captions = read_captions(y)
        if is_new:
            self._second["tokenized"] = captions.tokenized
            warn_of_tokens_as_captions(captions)
        elif captions.tokenized != self._second["tokenized"]:
            kinds = "lists of tokens", "strings"
            raise ValueError(
                f"The captions of y are {kinds[not captions.tokenized]}, but those of "
                f"fit were {kinds[captions.tokenized]}."
            )
        if self._second["kind"] == "words":
            samples = self._number_words(captions, is_new=is_new, learns=learns)
        else:
            if learns:
                is_blank = [
                    not (text if captions.tokenized else text.strip())
                    for text in captions.texts
                ]
                refuse_unknown(captions, np.array(is_blank), "no word")
            samples = self._transformed(captions.texts, is_new=is_new)
        if learns and (groups is None or len(groups) == len(captions.counts)):
            warn_of_duplicates(captions, groups)
        return samples, captions.counts

    def _read_numbers(self, y, *, is_new):
        """A table, or images, as rows."""
        if self._second["kind"] == "transformer":
            return self._transformed(as_columns(y), is_new=is_new)
        rows, state = read_rows(y, None if is_new else self._second["rows"])
        if is_new:
            self._second["rows"] = state
        return rows

    def _transformed(self, y, *, is_new):
        """What the user's transformer makes of texts or rows, as rows."""
        if is_new:
            self.y_encoder_ = clone(self.y_encoder).fit(y, None)
        Z = self.y_encoder_.transform(y)
        array = read_transformed(Z, "y_encoder", self._second.get("n_values"))
        if is_new:
            self._second["n_values"] = array.shape[1]
        return Rows(array)

    def _number_words(self, captions, *, is_new, learns):
        """Captions as the numbers of their known words."""
        split = make_splitter(self.tokenizer, self.lowercase, TOKEN_PATTERN)
        texts = captions.texts
        words, tokens = number_words(texts if captions.tokenized else map(split, texts))
        if is_new:
            chosen, self.word_counts_, _ = select_words(
                words,
                tokens._replace(ids=tokens.ids.copy()),
                min_count=self.min_count,
                max_vocabulary=None,
                stop_words=frozenset(),
            )
            given = ()
            if self.init not in (None, "pmi"):
                given, _ = words_and_vectors(self.init)
            known = dict.fromkeys([*chosen, *given])
            self.vocabulary_ = {word: row for row, word in enumerate(known)}
        rows = [self.vocabulary_.get(word, -1) for word in words]
        ids, ends = renumber(tokens, np.array(rows, dtype=np.int32))
        samples = PackedTexts(torch.from_numpy(ids), torch.from_numpy(ends))
        is_unknown = (samples.lengths == 0).numpy()
        if learns:
            reason = "no word"
            if self.min_count > 1:
                reason += f" that occurs min_count={self.min_count} times"
            refuse_unknown(captions, is_unknown, reason)
        else:
            warn_of_unknown(captions, is_unknown)
        return samples

    # -- training ----------------------------------------------------------------

    def _plan(self, samples, targets):
        if self.batch_size == 1:
            raise ValueError(
                "batch_size=1 leaves a row no others to be told from; raise it."
            )
        description = {"network": "TwoViewNetwork", **describe_input(self)}
        second = samples.second.rows
        if self._second["kind"] == "words":
            vectors = None
            if not self._continues_training():
                vectors = self._given_vectors(second)
            description["second"] = self._describe_words()
            start = partial(
                start_words, captions=second, vectors=vectors, counts=self.word_counts_
            )
        else:
            description["second"] = self._describe_rows()
            start = second.center_input
        temperature = None if self.temperature == "learned" else self.temperature
        return Plan(
            description,
            InfoNCE(temperature, make_augmentation(self.augment, layer_shape(self))),
            split=hold_out_items,
            start=partial(
                start_views, n_components=self.n_components, start_second=start
            ),
            decays="matrices",
        )

    def _describe_words(self):
        n_words = len(self.word_counts_)
        width, n_given = int(self.n_components), 0
        if self.init is not None:
            n_given = len(self.vocabulary_)
        if self.init not in (None, "pmi"):
            width = self.init.word_vectors_.shape[1]
        return {
            "layers": "WordsNetwork",
            "n_words": n_words,
            "n_given": n_given,
            "width": width,
            "sizes": [*hidden_sizes(self), int(self.n_components)],
            "activation": self.activation,
            "word_dropout": float(self.caption_dropout),
        }

    def _describe_rows(self):
        kind, rows = self._second["kind"], self._second.get("rows", {})
        n_values = rows.get("n_values", self._second.get("n_values"))
        view = SimpleNamespace(
            n_components=self.n_components,
            n_features_in_=n_values,
            image_shape_=rows.get("image_shape_", (n_values, 1)),
            encoder="mlp" if kind == "transformer" else kind,
            channels=self.channels,
            kernel_size=self.kernel_size,
            hidden_layer_sizes=self.hidden_layer_sizes,
            activation=self.activation,
        )
        return {"layers": "EmbeddingNetwork", "normalize": True, **describe_input(view)}

    def _given_vectors(self, captions):
        """Vectors of the words by `init`, which are not trained, or None."""
        if self.init is None:
            return None
        words = list(self.vocabulary_)
        if self.init != "pmi":
            n_words = len(self.word_counts_)
            rows, known = words_and_vectors(self.init)
            trained = vectors_of(self.init, words[:n_words], known.shape[1])
            return np.vstack([trained, known[[rows[word] for word in words[n_words:]]]])
        ends = captions.ends.numpy()
        stream = np.insert(captions.values.numpy(), np.append(0, ends), len(words) + 1)
        seed = int(torch.randint(2**31 - 1, ()))
        return pmi_vectors(stream, self.word_counts_, self.n_components, seed)

    def _finish(self, samples):
        self.temperature_ = self.net_.criterion_.temperature
        record_health(self, ("active_share", "spread", "effective_rank", "temperature"))

    def _diagnose(self, samples):
        return diagnose_embeddings(self, samples, REMEDY)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.one_d_labels = False
        tags.target_tags.two_d_labels = True
        tags.target_tags.multi_output = True
        return tags


def choose_kind(y_encoder, is_text, y):
    """How a second view is encoded: "words", "mlp", "cnn" or "transformer"."""
    if not isinstance(y_encoder, str):
        return "transformer"
    if y_encoder == "auto":
        if is_text:
            return "words"
        return "cnn" if len(as_columns(y).shape) > 2 else "mlp"
    if is_text != (y_encoder == "words"):
        what = "texts" if is_text else "numbers"
        mend = "'words', or a transformer of texts" if is_text else "'mlp' or 'cnn'"
        raise ValueError(
            f"y holds {what}, which y_encoder={y_encoder!r} does not take; pass {mend}."
        )
    return y_encoder


def read_groups(groups, n_rows):
    """The group of each row, by numbers."""
    groups = read_labels(groups, "groups")
    check_lengths(n_rows, len(groups), "groups")
    names, codes = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise ValueError(
            "All rows are of one group, so that there are none to be told apart; pass "
            "one label of `groups` for the rows that belong together."
        )
    return codes


def hold_out_items(samples, targets, fraction, seed):
    """Which items to train with, and which to hold out: whole groups, if there are."""
    if targets is None:
        return hold_out_several(samples, None, fraction, seed)
    codes = targets.numpy()
    is_held_out = whole_groups(codes, fraction, seed, n_least=2)
    n_groups = len(np.unique(codes[~is_held_out]))
    if n_groups < 2:
        raise ValueError(
            "early_stopping holds out two groups or more, but "
            f"validation_fraction={fraction} leaves {n_groups} to train with; pass "
            "X_val, or set early_stopping=False."
        )
    return both_parts(is_held_out)


def start_views(network, rows, *, n_components, start_second):
    """Start a network of two views."""
    start_network(network, rows, n_components=n_components)
    start_second(network.second)
