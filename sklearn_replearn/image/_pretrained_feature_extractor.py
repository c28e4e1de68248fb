"""Features from a network that has been trained elsewhere, as it is or fine-tuned."""

from numbers import Integral, Real

import numpy as np

from sklearn_replearn._deep.estimators.encoders import hidden_sizes
from sklearn_replearn._deep.estimators.fine_tuning import (
    learns_classes,
    without_classes,
)
from sklearn_replearn._deep.networks.fine_tuning import trained_parts
from sklearn_replearn._deep.networks.network import UpToLayer, check_layer
from sklearn_replearn._deep.networks.own_modules import N_TRIED, Module
from sklearn_replearn._deep.objectives.objective import Supervised
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._image_units import refuse_other_unit
from sklearn_replearn._images import channels_first_shape, sizes_by_side
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn.image._image_classifier import BaseImageClassifier
from sklearn_replearn.image._transfer import POOLINGS, try_out


class PretrainedFeatureExtractor(BaseImageClassifier):
    r"""Features of images from a network that was trained before.

    The network is any torch module: one that you have trained and loaded, one of timm
    or torchvision, or what ``as_module()`` of an estimator of this package gives.
    Nothing is downloaded. :meth:`transform` gives the output of the module, or of one
    of its layers, flattened.

    With ``fine_tune="none"`` the module is used as it is, and `fit` learns nothing.
    Otherwise `fit` takes classes and trains a head on the features, normalised, with
    the cross-entropy loss; and, with "last_block" or "all", the module's copy with it
    [1]_. :meth:`predict`, :meth:`predict_proba` and :meth:`score` are then available.
    The module itself is never changed.

    X holds images in any accepted form, or rows as signals with one channel
    (:ref:`guide <images>`). The module is given float32 tensors of shape (n_samples,
    channels, height, width), or (n_samples, 1, length), in evaluation mode.

    Parameters
    ----------
    module : torch.nn.Module
        A trained network. It is copied in `fit`, whatever mode it is in.
    layer : str, default=None
        Name of the layer whose output is wanted, one of ``module.named_modules()``; in
        what ``as_module()`` gives, with or without "network." before it. ``None`` takes
        the output of the module.
    fine_tune : {"none", "head", "last_block", "all"}, default="none"
        What is trained: nothing; a head on the features; the head and the last block,
        which is the last part of the module with weights that the features need; or the
        head and all weights of the module that require a gradient. Parts that are not
        trained stay in evaluation mode: their batch normalisation does not change.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of images given as rows. ``None``:
        rows are signals (:ref:`guide <images>`).
    pooling : {"mean", "max"} or None, default=None
        What stands for each map where the layer puts out maps; ``None`` keeps all their
        values.
    resize : int or tuple of int, default=None
        (height, width), or length, that images get by bilinear interpolation before the
        module sees them; an int is both sides. ``None`` leaves them as they are.
    n_channels : int, default=None
        Channels that the module wants, in which images with one are repeated.
    mean : float or sequence of float, default=None
        What is subtracted from each channel, as in the module's training: a number, or
        one for each channel. Of images it is a mean of values in [0, 1], which X must
        have, too. ``None`` subtracts nothing.
    std : float or sequence of float, default=None
        What each channel is divided by then, in the same way. ``None`` is 1.
    augment : str or sequence, default=None
        Random changes in training: names such as "flip", or a preset such as "strong"
        (:ref:`guide <augment>`).
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
    lr : float, default=1e-3
        Learning rate, or its maximum if `lr_schedule` varies it.
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
    classes_ : ndarray of shape (n_classes,)
        The classes seen in :meth:`fit`, sorted; only with a head.
    n_components_ : int
        Number of features: of values that `layer` has for an image.
    image_shape_ : tuple of int
        (height, width, channels) of the images; (n_features_in_, 1) of rows.
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
        Number of directions in which the vectors of images vary; only with a head
        (:ref:`guide <health>`).
    n_dead_units_ : int
        Number of hidden units that are the same for all images; only with a head
        (:ref:`guide <health>`).
    n_features_in_ : int
        Number of values of an image.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

    Warns
    -----
    ConvergenceWarning
        If the loss has not fallen, or not below that of guessing, or most hidden units
        are dead; it says what to change.

    See Also
    --------
    CNNFeatureExtractor : Trains a network of its own.

    Notes
    -----
    The module works in single precision, or for float64 images in double precision if
    it computes in it; convolutions take several times as long in double precision, so
    pass float32 or uint8 where speed matters. A layer that is used more than once gives
    its last output. Saved estimators hold the module, and so need its code to be
    loaded, and pickle rather than skops.

    References
    ----------
    .. [1] J. Yosinski, J. Clune, Y. Bengio and H. Lipson, "How transferable are
       features in deep neural networks?", NeurIPS 2014.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.image import (
    ...     CNNFeatureExtractor, PretrainedFeatureExtractor,
    ... )
    >>> digits = load_digits()
    >>> images, y = digits.images / 16, digits.target
    >>> small = y < 5
    >>> cnn = CNNFeatureExtractor(
    ...     n_components=32, channels=(8, 16), lr=0.02, max_epochs=10, random_state=0
    ... ).fit(images[small], y[small])
    >>> pretrained = PretrainedFeatureExtractor(cnn.as_module())
    >>> pretrained.fit_transform(images[~small]).shape
    (896, 32)
    """

    _parameter_constraints = {
        "module": [Module],
        "layer": [str, None],
        "fine_tune": [StrOptions({"none", "head", "last_block", "all"})],
        **BaseImageClassifier._parameter_constraints,
        "pooling": [StrOptions(set(POOLINGS) - {None}), None],
        "resize": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
        "n_channels": [Interval(Integral, 1, None, closed="left"), None],
        "mean": [Real, "array-like", None],
        "std": [Real, "array-like", None],
    }

    def __init__(
        self,
        module,
        *,
        layer=None,
        fine_tune="none",
        image_shape=None,
        pooling=None,
        resize=None,
        n_channels=None,
        mean=None,
        std=None,
        augment=None,
        class_weight=None,
        hidden_layer_sizes=(),
        activation="relu",
        max_epochs=20,
        batch_size="auto",
        lr=1e-3,
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
        self.module = module
        self.layer = layer
        self.fine_tune = fine_tune
        self.image_shape = image_shape
        self.pooling = pooling
        self.resize = resize
        self.n_channels = n_channels
        self.mean = mean
        self.std = std
        self.augment = augment
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

    # -- fitting ---------------------------------------------------------------

    def _learns_classes(self):
        return learns_classes(self)

    def _continues_training(self):
        return self.fine_tune != "none" and super()._continues_training()

    def _read(self, X, y, *, reset):
        samples = self._rows(X, reset=reset)
        self._check_unit(samples)
        if reset and isinstance(self.module, UpToLayer):
            self._check_unit_of_module(samples)
        if self.fine_tune == "none" or (y is None and not reset):
            return samples, None
        return samples, self._codes(samples.array, y, reset=reset)

    def _plan(self, samples, targets):
        shape = channels_first_shape(self.image_shape_)
        n_channels = self._channels_wanted(shape[0])
        description = {
            "network": "TransferNetwork",
            "module": self.module,
            "layer": self._layer_of_module(),
            "trained": [],
            "pooling": self.pooling,
            "shape": shape,
            "resize": self._sides_wanted(len(shape) - 1),
            "n_channels": n_channels,
            "mean": _per_channel("mean", self.mean, 0.0, n_channels),
            "std": _per_channel("std", self.std, 1.0, n_channels),
            "head": [],
            "activation": self.activation,
        }
        if min(description["std"]) <= 0:
            raise ValueError(f"std must be above 0; got {self.std!r}.")
        width, block = try_out(description, samples.first(N_TRIED))
        if targets is None:
            return Plan(description, objective=None)
        description["head"] = [width, *hidden_sizes(self), len(self.classes_)]
        description["trained"] = trained_parts(self.fine_tune, block)
        loss = self._cross_entropy(targets, samples.weights)
        return Plan(description, Supervised(loss, self._augmentation()))

    def _diagnose(self, samples):
        if self.fine_tune == "none":
            return []
        return self._diagnose_classifier(samples)

    def _layer_of_module(self):
        """Name of the layer in the module; raise if it has none of that name."""
        if self.layer is None:
            return None
        of_ours = f"network.{self.layer}"  # in what `as_module` gives
        if of_ours in dict(self.module.named_modules()):
            return of_ours
        check_layer(self.module, self.layer)
        return self.layer

    def _channels_wanted(self, n_channels):
        wanted = self.n_channels or n_channels
        if n_channels not in (1, wanted):
            raise ValueError(
                f"The images have {n_channels} channels, but n_channels={wanted}; only "
                "images with one channel can be repeated."
            )
        return int(wanted)

    def _sides_wanted(self, n_sides):
        if self.resize is None:
            return None
        sides = sizes_by_side(self.resize, n_sides)
        if sides is None:
            form = "(height, width)" if n_sides == 2 else "a length"
            raise ValueError(
                f"resize must be {form}, in whole numbers of at least 1; got "
                f"{self.resize!r}."
            )
        return sides

    def _check_unit(self, samples):
        """Raise if `mean` and `std` are those of [0, 1] and the images are not."""
        is_normalised = self.mean is not None or self.std is not None
        if is_normalised and len(self.image_shape_) == 3 and samples.scale == 1:
            low, high = samples.array.min(), samples.array.max()
            if low < 0 or high > 1:
                raise ValueError(
                    f"X has values from {low:.3g} to {high:.3g}, but mean and std are "
                    "of values in [0, 1]; scale X, or pass bytes as uint8."
                )

    def _check_unit_of_module(self, samples):
        """Raise if a network of ours was trained on images in another unit."""
        unit = self.module.unit
        is_prepared = self.mean is not None or self.std is not None
        if unit is not None and self._unit is not None and not is_prepared:
            refuse_other_unit(samples.array, unit)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        return without_classes(tags) if self.fine_tune == "none" else tags


def _per_channel(name, values, default, n_channels):
    """A number for each channel, or one for all, as a list."""
    if values is None:
        return [default]
    numbers = np.atleast_1d(np.asarray(values, dtype=object))
    fits = numbers.ndim == 1 and len(numbers) in (1, n_channels)
    if not (fits and all(isinstance(x, Real) and np.isfinite(x) for x in numbers)):
        raise ValueError(
            f"{name} must be a finite number, or one for each of {n_channels} "
            f"channels; got {values!r}."
        )
    return [float(x) for x in numbers]
