"""Vectors of texts from a language model that has been trained elsewhere."""

import os
from collections.abc import Mapping
from functools import partial
from itertools import chain
from numbers import Integral, Real
from pathlib import Path

import joblib
import numpy as np
import torch
from sklearn.utils.validation import check_memory

from sklearn_replearn._cloning import clone_sharing
from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.estimators.classification import DeepClassifierMixin
from sklearn_replearn._deep.estimators.encoders import hidden_sizes
from sklearn_replearn._deep.estimators.fine_tuning import (
    learns_classes,
    without_classes,
)
from sklearn_replearn._deep.input.ragged import Tokens
from sklearn_replearn._deep.input.samples import Rows
from sklearn_replearn._deep.networks.fine_tuning import trained_parts
from sklearn_replearn._deep.networks.network import check_layer
from sklearn_replearn._deep.networks.own_modules import N_TRIED, Module
from sklearn_replearn._deep.networks.text_encoder import POOLINGS, try_out
from sklearn_replearn._deep.objectives.objective import Supervised
from sklearn_replearn._deep.training.encoding import map_samples
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._deep.training.saving import as_arrays, load_arrays
from sklearn_replearn._documents import check_documents, check_same_kind
from sklearn_replearn._effective_rank import effective_rank
from sklearn_replearn._progress import progress_bar
from sklearn_replearn._sklearn import Interval, StrOptions, _fit_context
from sklearn_replearn._warnings import warn
from sklearn_replearn.language._model_folder import SPECIAL, ModelFolder
from sklearn_replearn.language._vector_store import VectorStore, key_of
from sklearn_replearn.language._word_piece import WordPiece

#: Learning rates by `fine_tune`: low where weights of the model could be forgotten.
AUTO_LR = {"head": 1e-3, "last_block": 2e-4, "all": 5e-5}


class PretrainedTextEncoder(DeepClassifierMixin, BaseDeepTransformer):
    r"""Vectors of texts from a language model that was trained before.

    The model is a folder of the BERT family, as ``save_pretrained`` of the library
    ``transformers`` writes it, or any torch module with a tokenizer. Folders are read
    with numpy and torch alone, and nothing is downloaded. A text is split into tokens,
    the model gives each token a vector, and the mean of these (or their maximum, or the
    first) is the vector of the text [1]_ [2]_.

    With ``fine_tune="none"`` the model is used as it is, and `fit` learns nothing.
    Otherwise `fit` takes classes and trains a head on the vectors, normalised, with the
    cross-entropy loss; and, with "last_block" or "all", a copy of the model with it.
    :meth:`predict`, :meth:`predict_proba` and :meth:`score` are then available. Neither
    the folder nor a module is ever changed.

    A text longer than `max_length` is cut into windows, or truncated with a warning. A
    text without a known token (empty, or of unknown words only) has a vector of zeros.

    Parameters
    ----------
    model : str, path or torch.nn.Module
        A folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json`` or
        ``vocab.txt``. Families that can be read are "bert" and "distilbert", and with
        a `tokenizer` "roberta" and "xlm-roberta". It is not needed after `fit`.

        Or a module, copied in `fit`. It is called with token ids and a mask, tensors of
        shape (n_texts, length) of int64 and bool, and gives a vector for each token,
        (n_texts, length, width), or one for each text, (n_texts, width). Models of
        ``transformers`` do.
    tokenizer : callable, default=None
        From a text to its token ids as the model takes them, with special tokens: a
        list of integers, or what tokenizers of ``transformers`` give. ``None`` is the
        one in the folder, which must be WordPiece; a module needs one.
    pooling : {"mean", "cls", "max"}, default="mean"
        What is taken of the vectors of a text's tokens: their mean; that of the first
        token, "[CLS]" (of several windows, the mean); or the maximum of each component.
        It does not act on modules that give a vector for each text.
    layer : int or str, default=-1
        Layer whose vectors are pooled: of a folder, a number, where -1 is the last, -2
        the one before and 0 the embeddings of tokens; the layers after it are not read.
        Of a module, the name of one of ``model.named_modules()``, or -1 for its output.
    max_length : int, default=None
        Maximum number of tokens that the model is given at once, special ones included.
        ``None`` is as many as a model in a folder takes (512, as a rule), and no limit
        for modules.
    long_texts : {"windows", "truncate"}, default="windows"
        What happens to longer texts: they are cut into windows of about the same
        length, whose tokens are pooled together; or they are truncated, with a warning.
        The ids that a `tokenizer` gives are cut as they are; the tokenizer of a folder
        puts special tokens around each window.
    fine_tune : {"none", "head", "last_block", "all"}, default="none"
        What is trained: nothing; a head on the vectors; the head and the last layer,
        which of a module is the last part with weights; or the head and all weights of
        the model that require a gradient.
    memory : str, path or joblib.Memory, default=None
        Where vectors of texts are kept, if the model is not trained itself
        (`fine_tune` "none" or "head"). A text is then encoded once, whatever the fold
        or the steps behind, for all three poolings; other layers and another
        `max_length` encode it again. ``Memory.clear`` removes them.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, such as {0: 1.0, 1: 5.0} (:ref:`guide <class_weight>`).
    hidden_layer_sizes : int or sequence of int, default=()
        Number of units of each hidden layer of the head.
    activation : str, default="relu"
        Function of the hidden units: "relu", "leaky_relu", "prelu", "elu", "gelu",
        "silu", "tanh", "logistic" or "identity".
    max_epochs : int, default=20
        Number of passes over the training rows; early stopping can end them sooner.
    batch_size : int or "auto", default="auto"
        Number of rows in a batch; "auto" is a sixteenth of all, from 16 up to 128.
    lr : float or "auto", default="auto"
        Learning rate, or its maximum if `lr_schedule` varies it. "auto" is 1e-3 for
        "head", 2e-4 for "last_block", 5e-5 for "all".
    lr_schedule : {"constant", "one_cycle", "cosine"}, default="one_cycle"
        Course of the learning rate during training (:ref:`guide <lr_schedule>`).
    weight_decay : float, default=0.0
        The optimizer's penalty on large weights (:ref:`guide <optimizer>`).
    optimizer : {"adam", "adamw", "sgd"} or callable, default="adam"
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
    vocabulary_ : dict of str to int
        Id of each piece of a word; only with the tokenizer of a folder.
    max_length_ : int or None
        Maximum number of tokens of a window; ``None`` for no limit.
    classes_ : ndarray of shape (n_classes,)
        The classes seen in :meth:`fit`, sorted; only with a head.
    n_components_ : int
        Number of components of a vector.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is its network (:ref:`guide <net>`).
    loss_curve_ : list of float
        Mean training loss of each epoch; empty if nothing is trained
        (:ref:`guide <loss_curve>`).
    loss_terms_curve_ : list of dict
        Mean of each term of that loss, by its name, of each epoch.
    validation_loss_curve_ : list of float or None
        The same for held-out rows or `X_val`; ``None`` without them.
    n_iter_ : int
        Number of epochs.
    effective_rank_ : float
        Number of directions in which the vectors of documents vary; only if the model
        is trained (:ref:`guide <health>`).

    Warns
    -----
    UserWarning
        If texts are truncated.
    ConvergenceWarning
        If the loss has not fallen, or not below that of guessing; it says what to
        change.

    See Also
    --------
    sklearn_replearn.text.PretrainedEmbedding : Pools vectors of words, without context.
    sklearn_replearn.image.PretrainedFeatureExtractor : The same for images.

    Notes
    -----
    Vectors are float32. They equal those of ``transformers`` to about 1e-6, except of
    texts without a known token. Texts are encoded in blocks of similar lengths, without
    padding in the layers of a folder's model; a vector depends on its text alone.

    Lists of words are joined by blanks, and split as texts are. The tokenizer of a
    folder gives the pieces of the library ``tokenizers``, except for letters and marks
    that are newer than its tables of Unicode. Special tokens that are spelled out in a
    text, such as "[MASK]", are taken for what they are.

    The vectors of a model that was trained to compare sentences with the cosine are not
    normalised here; put a :class:`~sklearn.preprocessing.Normalizer` after it.

    Saved estimators hold the layers that they use. Those of a module need its code to
    be loaded, and pickle rather than skops.

    References
    ----------
    .. [1] J. Devlin, M.-W. Chang, K. Lee and K. Toutanova, "BERT: pre-training of deep
       bidirectional transformers for language understanding", NAACL 2019.
    .. [2] N. Reimers and I. Gurevych, "Sentence-BERT: sentence embeddings using Siamese
       BERT-networks", EMNLP 2019.

    Examples
    --------
    A module and a tokenizer, here hardly more than a table of vectors:

    >>> import torch
    >>> from sklearn_replearn.language import PretrainedTextEncoder
    >>> class Table(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.vectors = torch.nn.Embedding(128, 4)
    ...     def forward(self, ids, mask):
    ...         return self.vectors(ids)
    >>> def letters(text):
    ...     return [ord(letter) for letter in text if letter.isascii()]
    >>> encoder = PretrainedTextEncoder(Table(), tokenizer=letters)
    >>> encoder.fit_transform(["a cat", "a dog", ""]).shape
    (3, 4)

    A folder: ``PretrainedTextEncoder("models/all-MiniLM-L6-v2")``.
    """

    _parameter_constraints = {
        **DeepClassifierMixin._parameter_constraints,
        **BaseDeepTransformer._parameter_constraints,
        "model": [str, os.PathLike, Module],
        "tokenizer": [callable, None],
        "pooling": [StrOptions(set(POOLINGS))],
        "layer": [Integral, str],
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "long_texts": [StrOptions({"windows", "truncate"})],
        "fine_tune": [StrOptions({"none", "head", "last_block", "all"})],
        "memory": [None, str, os.PathLike, joblib.Memory],
        "lr": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        model,
        *,
        tokenizer=None,
        pooling="mean",
        layer=-1,
        max_length=None,
        long_texts="windows",
        fine_tune="none",
        memory=None,
        class_weight=None,
        hidden_layer_sizes=(),
        activation="relu",
        max_epochs=20,
        batch_size="auto",
        lr="auto",
        lr_schedule="one_cycle",
        weight_decay=0.0,
        optimizer="adam",
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
        self.model = model
        self.tokenizer = tokenizer
        self.pooling = pooling
        self.layer = layer
        self.max_length = max_length
        self.long_texts = long_texts
        self.fine_tune = fine_tune
        self.memory = memory
        self.class_weight = class_weight
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
    def fit(
        self,
        X,
        y=None,
        X_val=None,
        y_val=None,
        sample_weight=None,
        sample_weight_val=None,
    ):
        """Read the model and, with classes, train a head on it.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            Documents, all strings or all lists of words.
        y : array-like of shape (n_documents,), default=None
            Classes, at least two. Ignored with ``fine_tune="none"``.
        X_val : iterable of str, or of lists of str, default=None
            Validation data, read as X is, in place of held-out documents
            (:ref:`guide <early_stopping>`).
        y_val : array-like of shape (n_validation,), default=None
            Classes of the documents of `X_val`, among those of y.
        sample_weight : array-like of shape (n_documents,), default=None
            How much each document counts in the loss, relative to the others: at least
            0. Documents with 0 are left out. `class_weight` multiplies them.
        sample_weight_val : array-like of shape (n_validation,), default=None
            The same for the documents of `X_val`.

        Returns
        -------
        self : PretrainedTextEncoder

        Raises
        ------
        FileNotFoundError
            If the folder, or a file in it, is missing.
        ValueError
            If a file is damaged, or of another family or another model; if the
            tokenizer does not fit the model, or gives anything but token ids; if no
            document has a known token; if data or parameters are wrong, or the training
            diverges. The estimator is then as it was before.
        """
        return self._fit(X, y, X_val, y_val, sample_weight, sample_weight_val)

    def transform(self, X):
        """Encode documents.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            Documents, of the same kind as in `fit`.

        Returns
        -------
        Z : ndarray of shape (n_documents, n_components_)
            In float32.
        """
        return super().transform(X)

    # -- reading ---------------------------------------------------------------

    def _learns_classes(self):
        return learns_classes(self)

    def _continues_training(self):
        return self.fine_tune != "none" and super()._continues_training()

    def _read(self, X, y, *, reset):
        documents, tokenized = check_documents(X)
        if reset:
            self._fitted_on_tokens = tokenized
            self._read_tokenizer()
        check_same_kind(self, self._fitted_on_tokens, tokenized)
        if tokenized:
            documents = list(map(" ".join, documents))
        samples = self._tokens(documents)
        if reset and not samples.lengths.any():
            raise ValueError(
                f"None of the {len(documents)} documents has a known token: they are "
                "empty, or of words in other letters than the model knows."
            )
        if self.fine_tune == "none" or (y is None and not reset):
            return samples, None
        return samples, self._codes(documents, y, reset=reset)

    def _read_tokenizer(self):
        """Set `max_length_`, and what texts are split with."""
        for name in ("_word_piece", "_word_piece_options"):  # of a former fit
            vars(self).pop(name, None)
        is_module = isinstance(self.model, Module)
        if is_module and self.tokenizer is None:
            raise ValueError(
                "model is a torch module, which has no tokenizer; pass tokenizer=, a "
                "function from a text to its token ids."
            )
        self._special_ids, self._n_tokens, self.max_length_ = [], None, self.max_length
        if is_module:
            return
        folder = ModelFolder(self.model)
        self._n_tokens = folder.sizes["n_tokens"]
        self.max_length_ = folder.n_positions
        if self.tokenizer is None:
            self.vocabulary_, self._word_piece_options = folder.read_vocabulary()
            self._set_word_piece()
            self._special_ids = [
                self.vocabulary_[SPECIAL[name]] for name in ("start", "end")
            ]
        if self.max_length is not None:
            if self.max_length > folder.n_positions:
                raise ValueError(
                    f"max_length={self.max_length}, but the model has positions for "
                    f"{folder.n_positions} tokens; longer texts are cut into windows."
                )
            self.max_length_ = self.max_length
        if self._window < 1:
            raise ValueError(
                f"max_length={self.max_length} has no place for a token between the "
                f"{len(self._special_ids)} special ones; raise it."
            )

    def _set_word_piece(self):
        self._word_piece = WordPiece(self.vocabulary_, **self._word_piece_options)

    @property
    def _window(self):
        """Maximum number of tokens of a window, without special ones, or None."""
        if self.max_length_ is None:
            return None
        return int(self.max_length_) - len(self._special_ids)

    def _tokens(self, documents):
        """Token ids of documents, without special ones; none if none is known."""
        if hasattr(self, "vocabulary_"):
            unknown = self._word_piece.unknown
            found = map(self._word_piece, documents)
            ids = [one if set(one) != {unknown} else [] for one in found]
        else:
            ids = [
                _own_ids(position, self.tokenizer(document))
                for position, document in enumerate(documents)
            ]
            self._check_ids(ids)
        lengths = torch.tensor([len(one) for one in ids], dtype=torch.int64)
        n_long = 0 if self._window is None else int((lengths > self._window).sum())
        if n_long and self.long_texts == "truncate":
            warn(
                f"{n_long} of {len(ids)} documents have more than max_length="
                f"{self.max_length_} tokens, the longest "
                f"{int(lengths.max()) + len(self._special_ids)}, and are truncated; "
                "take long_texts='windows' to read them whole.",
            )
            ids = [one[: self._window] for one in ids]
            lengths = lengths.clamp_max(self._window)
        flat = np.fromiter(chain.from_iterable(ids), np.int64, int(lengths.sum()))
        return Tokens(torch.from_numpy(flat), lengths.cumsum(0))

    def _check_ids(self, ids):
        """Raise if the model has no vector for an id of a tokenizer of the user."""
        for position, one in enumerate(ids):
            low, high = min(one, default=0), max(one, default=0)
            if low < 0 or (self._n_tokens is not None and high >= self._n_tokens):
                wrong = low if low < 0 else high
                limit = "" if self._n_tokens is None else f" and below {self._n_tokens}"
                raise ValueError(
                    f"tokenizer gives the id {wrong} for document {position}, but ids "
                    f"of the model are at least 0{limit}; pass the tokenizer that "
                    "belongs to the model."
                )

    # -- fitting ---------------------------------------------------------------

    def _plan(self, samples, targets):
        description = {
            "network": "TextEncoder",
            "layer": None,
            "pooling": self.pooling,
            "window": self._window,
            "special": self._special_ids,
            "trained": [],
            "head": [],
            "activation": self.activation,
        }
        start = None
        if isinstance(self.model, Module):
            block = self._describe_module(description, samples)
        else:
            block, start = self._describe_folder(description)
        if targets is None:
            return Plan(description, objective=None, start=start)
        description["trained"] = trained_parts(self.fine_tune, block)
        width, n_classes = description["width"], len(self.classes_)
        description["head"] = [width, *hidden_sizes(self), n_classes]
        return Plan(
            description,
            Supervised(self._cross_entropy(targets, samples.weights)),
            start=start,
            auto_lr=AUTO_LR[self.fine_tune],
            encode_once=None if description["trained"] else self._encode,
        )

    def _describe_module(self, description, samples):
        """Add the user's module to the description; the name of its last block."""
        if isinstance(self.layer, str):
            check_layer(self.model, self.layer)
            description["layer"] = self.layer
        elif self.layer != -1:
            raise ValueError(
                f"layer={self.layer}, but layers of a torch module have names; take "
                "one of model.named_modules(), or -1 for the output of the module."
            )
        description["module"] = self.model
        some = samples.lengths.nonzero().flatten()[:N_TRIED]
        description["width"], block = try_out(description, _subset(samples, some))
        return block

    def _describe_folder(self, description):
        """Add the model to the description; its last block, and a function to start."""
        folder = ModelFolder(self.model)
        n_layers = folder.sizes["n_layers"]
        if not isinstance(self.layer, Integral):
            raise ValueError(
                f"layer={self.layer!r}, but layers of a model in a folder have "
                f"numbers, from 0 to {n_layers}, or from -1 to {-n_layers - 1}."
            )
        if not -n_layers - 1 <= self.layer <= n_layers:
            raise ValueError(
                f"layer={self.layer}, but the model has the layers 0 to {n_layers}, or "
                f"-1 to {-n_layers - 1} from the last."
            )
        n_layers = int(self.layer) % (n_layers + 1)
        description["module"] = {
            "layers": "Bert",
            **folder.sizes,
            "n_layers": n_layers,
            "n_positions": folder.n_positions,
        }
        description["width"] = folder.sizes["width"]
        start = partial(_start, weights=folder.read_weights(n_layers))
        return f"layers.{n_layers - 1}" if n_layers else "embeddings", start

    def _diagnose(self, samples):
        if self.fine_tune == "none":
            return []
        if self.net_.description["trained"]:
            self.effective_rank_ = effective_rank(self._apply("encode", samples))
        return self._compare_with_guessing("the classes' shares")

    # -- encoding --------------------------------------------------------------

    def _apply(self, name, samples, *, arrange=True):
        if self.net_.description["trained"]:
            return super()._apply(name, samples, arrange=arrange)
        vectors = self._encode(self.net_.module_, samples)
        if name == "encode":
            return vectors.array
        return super()._apply(name, vectors, arrange=arrange)

    def _encode(self, network, samples):
        """Vectors of texts, from `memory` where they are there, as rows."""
        if self.memory is None:
            return Rows(self._map(network.encode, network, samples))
        memory = self.memory
        memory = check_memory(os.fspath(memory) if isinstance(memory, Path) else memory)
        if memory.store_backend is None:  # joblib.Memory(None) keeps nothing
            return Rows(self._map(network.encode, network, samples))
        number = POOLINGS.index(self.pooling)
        if not samples.lengths.any():
            return Rows(np.zeros((len(samples), network.width), np.float32))
        folder = Path(memory.store_backend.location, "texts", _digest(network))
        store = VectorStore(folder)
        ids, ends = samples.values.cpu().numpy(), samples.ends.tolist()
        keys = [
            key_of(ids[start:end])
            for start, end in zip([0, *ends[:-1]], ends, strict=True)
        ]
        vectors = store.find(keys)
        missing = {key: n for n, key in enumerate(keys) if key not in vectors}
        if missing:
            rest = _subset(samples, torch.tensor(list(missing.values())))
            found = self._map(partial(_all_poolings, network), network, rest)
            store.add(list(missing), found)
            vectors |= zip(missing, found, strict=True)
        return Rows(np.stack([vectors[key][number] for key in keys]))

    def _map(self, function, network, samples):
        """Apply a function to texts, block by block, with a bar if it is wanted."""
        device = network.origin.device
        n_tokens = int(samples.lengths.sum())
        verbose = self.verbose if len(samples) > 1 else 0
        with progress_bar(verbose, n_tokens, "tokens", "encoding") as advance:

            def step(x):
                result = function(x)
                advance(int(x.mask.sum()), "encoding")
                return result

            was_training = network.training
            network.eval()
            result, _ = map_samples(
                step, samples, block_size=network.block_rows, device=device
            )
            network.train(was_training)
        return result

    def as_module(self, layer=None):
        """A copy of the network, for gradients and for other torch code.

        Parameters
        ----------
        layer : str, default=None
            Name of the layer whose output is wanted, one of those that
            ``as_module().network.named_modules()`` names. ``None`` gives the vectors of
            texts.

        Returns
        -------
        module : torch.nn.Module
            In evaluation mode. It takes a pair of tensors of shape (n_texts, length):
            ids without the special tokens of a folder's tokenizer, and a mask that is
            False where there is padding.

        Raises
        ------
        ValueError
            If there is no such layer; the message lists those that there are.
        """
        return super().as_module(layer)

    # -- copies ----------------------------------------------------------------

    def __sklearn_clone__(self):
        # They may be large, and nothing changes them.
        shared = ["model", "tokenizer", "callbacks"]
        return clone_sharing(self, *shared)

    def __getstate__(self):
        state = dict(super().__getstate__())
        state.pop("_word_piece", None)  # skops would have to trust it
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "vocabulary_"):
            self._set_word_piece()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return without_classes(tags) if self.fine_tune == "none" else tags


def _own_ids(position, found):
    """Token ids, a list, from what a tokenizer of the user gives for a document."""
    ids = found["input_ids"] if isinstance(found, Mapping) else found
    ids = getattr(ids, "ids", ids)  # of the library tokenizers
    try:
        array = np.asarray(ids)
    except ValueError:  # lists of several lengths
        array = np.asarray(None)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(
            f"tokenizer gives {found!r:.60} for document {position}, but a list of "
            "token ids (integers) is needed."
        )
    return array.tolist()


def _start(network, samples, *, weights):
    """Give a network the weights of a folder."""
    trained = {
        name: value.requires_grad for name, value in network.module.named_parameters()
    }
    load_arrays(network.module, weights)
    for name, value in network.module.named_parameters():
        value.requires_grad_(trained[name])


def _subset(samples, index):
    """Some texts as samples of their own."""
    lengths = samples.lengths[index]
    ends = lengths.cumsum(0)
    places = torch.arange(int(lengths.sum()))
    places += (samples.ends[index] - ends).repeat_interleave(lengths)
    return Tokens(samples.values[places.to(samples.values.device)], ends)


def _all_poolings(network, x):
    """Vectors of texts for all poolings, (n_texts, n_poolings, width)."""
    return torch.stack(network.pooled(x, POOLINGS), 1)


def _digest(network):
    """What the vectors of tokens depend on, as a name."""
    module = network.module
    parts = (
        type(module).__module__,
        type(module).__qualname__,
        repr(module),
        network.layer,
        network.window,
        network.special,
    )
    return joblib.hash((parts, as_arrays(module)))
