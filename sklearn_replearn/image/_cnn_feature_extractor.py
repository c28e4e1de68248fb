"""Features from a convolutional network that has learned to tell classes apart."""

from numbers import Integral, Real

from sklearn_replearn._deep.estimators.encoders import (
    hidden_sizes,
    whole_numbers,
)
from sklearn_replearn._deep.networks.convnet import DEPTHS
from sklearn_replearn._deep.networks.convolutions import odd_kernel_size
from sklearn_replearn._deep.networks.network import check_layer
from sklearn_replearn._deep.objectives.objective import Supervised
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._images import channels_first_shape
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn.image._image_classifier import BaseImageClassifier


class CNNFeatureExtractor(BaseImageClassifier):
    r"""Features of images that a convolutional network has learned from classes.

    A network with one output :math:`o_k` for each class is trained to minimise the
    cross-entropy, with the weight :math:`w` of each class (one-of-K coding, [1]_),

    .. math:: -\frac{1}{n} \sum_i w_{y_i} \log \frac{e^{o_{y_i}(x_i)}}
       {\sum_k e^{o_k(x_i)}}.

    :meth:`transform` gives what one of its layers puts out: by default the last hidden
    one, "penultimate", whose `n_components` features any other model can go on with.
    :meth:`predict` is the network's own answer.

    The network has a stage for each number in `channels`: one convolution ("lenet") or
    two ("vgg") of `kernel_size` pixels a side that keep the sides, the maximum or the
    mean of 2 x 2 pixels, which halves them, rounded up, batch normalisation [2]_ and
    the activation. Dense layers follow. Convolutions are, as everywhere in deep
    learning, cross-correlations.

    X holds images in any accepted form, or rows as signals with one channel, whose
    convolutions have one dimension (:ref:`guide <images>`). Its mean and its unit do
    not matter.

    Parameters
    ----------
    n_components : int, default=256
        Units of the penultimate layer.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of images given as rows. ``None``:
        rows are signals (:ref:`guide <images>`).
    architecture : {"lenet", "vgg"}, default="lenet"
        One convolution a stage as in LeNet [1]_, or two as in the VGG networks [3]_.
    channels : int or sequence of int, default=(32, 64, 128)
        Number of maps of each convolutional stage (:ref:`guide <channels>`).
    kernel_size : int, default=3
        Side of the kernels in pixels, an odd number (:ref:`guide <channels>`).
    pooling : {"max", "mean"}, default="max"
        What stands for 2 x 2 pixels (2 of a signal) at the end of a stage.
    global_pooling : bool, default=False
        Give the dense layers the mean of each of the last maps, not all its pixels.
        For images of more than about 100 pixels a side, whose maps are large.
    batch_norm : bool, default=True
        Whether to normalise each map, and each dense unit, over a batch [2]_.
    dropout : float, default=0.5
        Chance of an input of a dense layer, or of the output layer, to be set to zero
        in training, in [0, 1) [4]_.
    residual : bool, default=False
        Let the input of a stage's convolutions join their output, through a
        convolution of one pixel that gives it as many maps [5]_.
    negative_slope : float, default=0.01
        Slope of "leaky_relu" below zero, and of "prelu" at the start.
    augment : str or sequence, default=None
        Random changes in training: names such as "flip", or a preset such as "strong"
        (:ref:`guide <augment>`).
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, such as {0: 1.0, 1: 5.0} (:ref:`guide <class_weight>`).
    layer : str, default="penultimate"
        Layer whose output :meth:`transform` gives, flattened: "stage1", "stage2", ...,
        "hidden1", ..., "penultimate", "head" (the logits of the classes), or any name
        among those of ``as_module().network.named_modules()``.
    hidden_layer_sizes : int or sequence of int, default=()
        Number of units of each dense layer between the last maps and the penultimate
        layer.
    activation : str, default="relu"
        Function of the hidden units: "relu", "leaky_relu", "prelu", "elu", "gelu",
        "silu", "tanh", "logistic" or "identity".
    max_epochs : int, default=15
        Number of passes over the training rows; early stopping can end them sooner.
    batch_size : int or "auto", default="auto"
        Number of rows in a batch; "auto" is a sixteenth of all, from 16 up to 128.
    lr : float, default=5e-3
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
        The classes seen in :meth:`fit`, sorted.
    n_components_ : int
        Number of features: of values that `layer` has for an image.
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
    PretrainedFeatureExtractor : Features of a network that has been trained elsewhere.
    FilterBank : Features of filters that are known, or learned without classes.
    ConvAutoencoder : Learns from images without classes.

    Notes
    -----
    A classifier that is trained on the features of the very images that the network was
    trained on sees them further apart than those of new images are. It still does well
    on these; to choose its parameters, cross-validate the pipeline of both.

    What :meth:`as_module` gives takes a float tensor of any of the forms above;
    ``as_module("head")`` gives the logits of the classes.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning
       applied to document recognition", Proceedings of the IEEE 86, 1998.
    .. [2] S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network
       training by reducing internal covariate shift", ICML 2015.
    .. [3] K. Simonyan and A. Zisserman, "Very deep convolutional networks for
       large-scale image recognition", ICLR 2015.
    .. [4] N. Srivastava et al., "Dropout: a simple way to prevent neural networks from
       overfitting", JMLR 15, 2014.
    .. [5] K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image
       recognition", CVPR 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.image import CNNFeatureExtractor
    >>> digits = load_digits()
    >>> images = digits.images / 16
    >>> cnn = CNNFeatureExtractor(
    ...     n_components=32, channels=(8, 16), lr=0.02, max_epochs=10, random_state=0
    ... ).fit(images[:1000], digits.target[:1000])
    >>> cnn.transform(images[1000:]).shape
    (797, 32)
    >>> cnn.score(images[1000:], digits.target[1000:]) > 0.9
    True
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        **BaseImageClassifier._parameter_constraints,
        "architecture": [StrOptions(set(DEPTHS))],
        "channels": ["array-like", Interval(Integral, 1, None, closed="left")],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "pooling": [StrOptions({"max", "mean"})],
        "global_pooling": ["boolean"],
        "batch_norm": ["boolean"],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "residual": ["boolean"],
        "negative_slope": [Interval(Real, 0, None, closed="left")],
        "layer": [str],
    }

    def __init__(
        self,
        n_components=256,
        *,
        image_shape=None,
        architecture="lenet",
        channels=(32, 64, 128),
        kernel_size=3,
        pooling="max",
        global_pooling=False,
        batch_norm=True,
        dropout=0.5,
        residual=False,
        negative_slope=0.01,
        augment=None,
        class_weight=None,
        layer="penultimate",
        hidden_layer_sizes=(),
        activation="relu",
        max_epochs=15,
        batch_size="auto",
        lr=5e-3,
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
        self.n_components = n_components
        self.image_shape = image_shape
        self.architecture = architecture
        self.channels = channels
        self.kernel_size = kernel_size
        self.pooling = pooling
        self.global_pooling = global_pooling
        self.batch_norm = batch_norm
        self.dropout = dropout
        self.residual = residual
        self.negative_slope = negative_slope
        self.augment = augment
        self.class_weight = class_weight
        self.layer = layer
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

    def _plan(self, samples, targets):
        shape = channels_first_shape(self.image_shape_)
        if self.batch_norm and self.batch_size == 1:
            raise ValueError(
                "batch_norm=True needs batches of at least two images; set "
                "batch_norm=False for batch_size=1."
            )
        description = {
            "network": "ConvClassifier",
            "shape": shape,
            "n_classes": len(self.classes_),
            "n_components": int(self.n_components),
            "channels": whole_numbers("channels", self.channels, "channels"),
            "depth": DEPTHS[self.architecture],
            "kernel_size": self._check_kernel_size(),
            "pooling": self.pooling,
            "global_pooling": bool(self.global_pooling),
            "batch_norm": bool(self.batch_norm),
            "residual": bool(self.residual),
            "dropout": float(self.dropout),
            "activation": self.activation,
            "negative_slope": float(self.negative_slope),
            "hidden_sizes": hidden_sizes(self),
            "layer": self.layer,
        }
        loss = self._cross_entropy(targets, samples.weights)
        return Plan(description, Supervised(loss, self._augmentation()), start=_start)

    def _check_kernel_size(self):
        *sides, _ = self.image_shape_
        kernel_size = odd_kernel_size(self.kernel_size)
        if len(sides) == 2 and kernel_size > min(sides):
            raise ValueError(
                f"The images have {sides[0]} x {sides[1]} pixels, fewer than the "
                f"kernels with {kernel_size=}; take smaller kernels."
            )
        return kernel_size


def _start(network, samples):
    check_layer(network, network.layer)
