"""Features of rows or images that learn from the texts that go with them."""

from functools import partial
from numbers import Integral

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted
from torch import nn

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.estimators.encoders import (
    ENCODER_PARAMETERS,
    describe_input,
    layer_shape,
    make_augmentation,
    start_network,
)
from sklearn_replearn._deep.objectives.objective import Supervised
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._effective_rank import effective_rank
from sklearn_replearn._sklearn import HasMethods, Interval, StrOptions, _fit_context
from sklearn_replearn._warnings import warn
from sklearn_replearn.multiview._captions import (
    holds_texts,
    read_captions,
    sums_of_items,
)
from sklearn_replearn.multiview._second_rows import as_columns, read_transformed
from sklearn_replearn.multiview._target_network import CosineLoss
from sklearn_replearn.multiview._two_views import check_lengths, mutual_recall

#: Rows whose sums are as near to 1 as this are distributions.
TOL = 1e-4


class TextTargetTransformer(BaseDeepTransformer):
    r"""Features of images, trained to predict the vectors of the texts beside them.

    Any transformer of texts :math:`g` makes vectors of the captions :math:`y_i`: topics
    of a LatentDirichletAllocation [1]_, or pooled vectors of words [2]_. A network
    :math:`f` is then trained to predict these from the rows :math:`x_i` alone. Of
    distributions, such as topics, the loss is the cross-entropy, and of other vectors
    one minus the cosine:

    .. math:: L = -\frac{1}{n} \sum_i \sum_t g_t(y_i) \log \mathrm{softmax}_t f(x_i)
       \qquad \mathrm{or} \qquad L = \frac{1}{n} \sum_i (1 - \cos(f(x_i), g(y_i)))

    Nobody has labelled a thing, but the features before the last layer
    (:meth:`transform`) serve to classify, as those of a network trained on labels do,
    and the predictions (:meth:`predict`) lie among the vectors of texts
    (:meth:`transform_y`), in which they find words and texts. :class:`CLIP` learns both
    sides instead.

    X is read as by :class:`~sklearn_replearn.self_supervised.SimCLR`: rows of a table,
    images or signals. ``y`` is read as by :class:`CLIP`: a caption or a list of
    captions for each row, whose vectors are averaged, or anything else that
    `text_embedder` takes.

    Parameters
    ----------
    text_embedder : transformer
        Makes dense vectors of texts. It is cloned and fitted on all captions; a
        :class:`~sklearn.frozen.FrozenEstimator` stays as it is.
    n_components : int, default=128
        Number of features, the units before the layer that predicts.
    loss : {"auto", "cross_entropy", "cosine"}, default="auto"
        What is compared. "auto" is "cross_entropy" if all vectors are at least 0 with a
        sum of 1, else "cosine".
    layer : {"embedding", "prediction"}, default="embedding"
        What :meth:`transform` gives: the features, or the same as :meth:`predict`, for
        an index or a :class:`ZeroShotClassifier`.
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
    text_embedder_ : transformer
        The fitted transformer of texts.
    loss_ : {"cross_entropy", "cosine"}
        The loss that was trained with.
    n_components_ : int
        Number of features that :meth:`transform` gives.
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
        If texts of :meth:`fit` have vectors of zeros, which have no direction.
    ConvergenceWarning
        If most hidden units are dead, or the loss has not fallen; it says what to
        change.

    See Also
    --------
    CLIP : Learns vectors of both views.
    sklearn.decomposition.LatentDirichletAllocation : Topics, as targets.

    References
    ----------
    .. [1] L. Gomez, Y. Patel, M. Rusinol, D. Karatzas and C. V. Jawahar,
       "Self-supervised learning of visual features through embedding images into text
       topic spaces", CVPR 2017.
    .. [2] R. Gomez, L. Gomez, J. Gibert and D. Karatzas, "Learning to learn from web
       data through deep semantic embeddings", ECCV workshops 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.multiview import TextTargetTransformer
    >>> from sklearn_replearn.text import LSA
    >>> images, digits = load_digits(return_X_y=True)
    >>> names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight",
    ...          "nine"]
    >>> captions = [names[digit] + " by a hand" for digit in digits]
    >>> model = TextTargetTransformer(LSA(9), max_epochs=20, random_state=0)
    >>> model = model.fit(images[:600], captions[:600])
    >>> model.transform(images[600:]).shape, model.predict(images[600:]).shape
    ((1197, 128), (1197, 9))
    >>> vectors = model.transform_y(["seven", "zero"])
    >>> found = (model.predict(images[600:]) @ vectors.T).argmax(axis=0)
    >>> digits[600:][found]
    array([7, 0])
    """

    _parameter_constraints = {
        **BaseDeepTransformer._parameter_constraints,
        **ENCODER_PARAMETERS,
        "text_embedder": [HasMethods(["fit", "transform"])],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions({"auto", "cross_entropy", "cosine"})],
        "layer": [StrOptions({"embedding", "prediction"})],
        "channels": [StrOptions({"auto"}), *ENCODER_PARAMETERS["channels"]],
        "max_epochs": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
    }

    _requires_y = True

    def __init__(
        self,
        text_embedder,
        n_components=128,
        *,
        loss="auto",
        layer="embedding",
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
        self.text_embedder = text_embedder
        self.n_components = n_components
        self.loss = loss
        self.layer = layer
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
    def fit(self, X, y=None, X_val=None, y_val=None):
        """Fit the transformer of texts, and train the network to predict its vectors.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            At least two rows of finite numbers.
        y : list of str, list of lists of str, or what `text_embedder` takes
            The texts of the same rows, one or several each.
        X_val, y_val : as X and y, default=None
            Validation data, in place of held-out rows
            (:ref:`guide <early_stopping>`).

        Returns
        -------
        self : TextTargetTransformer

        Raises
        ------
        ValueError
            If X and y differ in their numbers of rows, the vectors of texts are sparse
            or all the same, other data or parameters are wrong, or the training
            diverges. The estimator is then as it was before.
        """
        return self._fit(X, y, X_val, y_val)

    def predict(self, X):
        """Predicted vectors of texts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images

        Returns
        -------
        vectors : ndarray of shape (n_samples, n_targets)
            Rows with a sum of 1 if the loss is the cross-entropy, else of length 1.
        """
        return self._apply("predict", self._samples(X))

    def transform_y(self, y):
        """Vectors of texts, by the fitted `text_embedder_`.

        Parameters
        ----------
        y : as in :meth:`fit`

        Returns
        -------
        vectors : ndarray of shape (n_samples, n_targets)
            Means, of items with several captions.
        """
        check_is_fitted(self)
        return self._embed(y)

    def score(self, X, y):
        """How often a prediction is nearest to the vector of its own text, and back.

        Parameters
        ----------
        X, y : as in :meth:`fit`

        Returns
        -------
        score : float
            Mean over both directions of the recall at 1 among the rows given, by
            cosines; in [0, 1]. It depends on the number of rows. Of rows with one and
            the same text, none is found.
        """
        return mutual_recall(self.predict(X), self.transform_y(y))

    def _read(self, X, y, *, reset):
        rows = self._rows(X, reset=reset)
        if y is None and not reset:
            return rows, None
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is "
                "None: it holds the texts of the rows of X."
            )
        vectors = self._embed(y, is_new=reset and not self._continues_training())
        check_lengths(len(rows), len(vectors))
        if reset:
            self._check_targets(vectors)
        return rows, torch.from_numpy(vectors.astype(np.float32))

    def _embed(self, y, *, is_new=False):
        """Vectors of texts, one for each item."""
        counts = None
        if holds_texts(y):
            captions = read_captions(y)
            y, counts = captions.texts, captions.counts
        else:
            y = as_columns(y)
        if is_new:
            self.text_embedder_ = clone(self.text_embedder).fit(y, None)
        n_values = None if is_new else self._n_targets
        vectors = read_transformed(
            self.text_embedder_.transform(y), "text_embedder", n_values
        )
        if counts is not None and counts.max() > 1:
            vectors = sums_of_items(vectors, counts) / counts[:, np.newaxis]
        if is_new:
            self._n_targets = vectors.shape[1]
        return vectors

    def _check_targets(self, vectors):
        """Set `loss_`, and raise if there is nothing to learn from the vectors."""
        if (vectors == vectors[0]).all():
            raise ValueError(
                "text_embedder gives the same vector for all texts of y, so that there "
                "is nothing to learn; pass other texts, or another text_embedder."
            )
        sums = vectors.sum(axis=1)
        are_shares = (vectors >= 0).all() and (np.abs(sums - 1) <= TOL).all()
        if self.loss == "cross_entropy" and not are_shares:
            raise ValueError(
                "loss='cross_entropy' needs vectors of texts that are at least 0 with "
                f"a sum of 1, but text_embedder gives values from {vectors.min():.3g} "
                f"and sums from {sums.min():.3g} to {sums.max():.3g}; set "
                "loss='cosine'."
            )
        self.loss_ = self.loss
        if self.loss == "auto":
            self.loss_ = "cross_entropy" if are_shares else "cosine"
        n_zero = (~vectors.any(axis=1)).sum()
        if n_zero:
            warn(
                f"{n_zero} of {len(vectors)} texts of y have vectors of zeros, as of "
                "words that text_embedder does not know; nothing is learned from these."
            )

    def _plan(self, samples, targets):
        description = {
            "network": "TargetNetwork",
            **describe_input(self),
            "n_components": int(self.n_components),
            "n_targets": self._n_targets,
            "activation": self.activation,
            "is_distribution": self.loss_ == "cross_entropy",
            "layer": self.layer,
        }
        is_cosine = self.loss_ == "cosine"
        loss = CosineLoss() if is_cosine else nn.CrossEntropyLoss()
        return Plan(
            description,
            Supervised(loss, make_augmentation(self.augment, layer_shape(self))),
            start=partial(start_network, n_components=self.n_components),
            decays="matrices",
        )

    def _diagnose(self, samples):
        findings = self._find_dead_units(samples)
        self.effective_rank_ = effective_rank(self._apply("encode", samples))
        return findings

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.one_d_labels = False
        tags.target_tags.two_d_labels = True
        tags.target_tags.multi_output = True
        return tags
