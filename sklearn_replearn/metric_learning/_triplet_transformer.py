"""A network trained by triplets."""

from numbers import Real

from sklearn_replearn._deep.objectives.losses import TripletLoss
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn.metric_learning._neural_metric_transformer import (
    BaseNeuralMetricTransformer,
)


class TripletTransformer(BaseNeuralMetricTransformer):
    r"""Embeddings in which rows are nearer to their class than to any other.

    A triplet is a row (the anchor, or query q), another row p of its class, and a row n
    of another class. With the distances of their embeddings, it costs

    ========== ==================================================
    `loss`     cost of a triplet
    ========== ==================================================
    "hinge"    :math:`\max(0, m + d(q, p) - d(q, n))` [1]_
    "softplus" :math:`\log(1 + e^{(d(q, p) - d(q, n)) / \tau})` [2]_
    "split"    :math:`d(q, p) + \max(0, m - d(q, n))`
    ========== ==================================================

    and the loss is the mean over the triplets of a batch that `mining` chooses. They
    are found in the matrix of the distances of the batch; nothing with a place for each
    triplet is ever made.

    X holds rows of a table, or images in one of these forms, with the channels last:
    rows and `image_shape`, an array of shape (n_samples, height, width), or one of
    shape (n_samples, height, width, channels). Images of uint8 stand for [0, 1]: they
    are divided by 255, a batch at a time; images in another unit than those of
    :meth:`fit` are refused. All other numbers, and tables, are taken as they are. Their
    mean and their unit do not matter, but where columns have different units,
    standardise them.

    Parameters
    ----------
    n_components : int, default=32
        Numbers of an embedding.
    margin : float, default=0.2
        The margin m of "hinge" and "split", above 0.
    mining : {"all", "hard", "semihard"}, default="semihard"
        All triplets of a batch; for each row the farthest of its class and the nearest
        of another [2]_, which may collapse early in the training; or for each pair of a
        class the nearest negative that is farther than the positive (the farthest, if
        none is) [1]_.
    loss : {"hinge", "softplus", "split"}, default="hinge"
        The cost of a triplet.
    temperature : float, default=0.1
        The temperature of "softplus", above 0: how soft its bend is.
    normalize : bool, default=True
        Put the embeddings on the sphere: each has a length of 1.
        A single component is 1 or -1 then.
    samples_per_class : int, default=4
        Rows of a class in a batch (all that it has, if they are fewer), so that
        ``batch_size / samples_per_class`` classes are in it. Where there are fewer
        classes, all of them are in each batch, with more rows each.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of the images that rows hold.
        ``None`` takes it from an array of images, and reads rows as rows of a table.
    encoder : {"auto", "cnn", "mlp"} or torch.nn.Module, default="auto"
        "mlp" has the hidden layers of `hidden_layer_sizes`; "cnn" has the stages of
        `channels` before them, and reads rows that are no images as signals. "auto" is
        "cnn" for images and "mlp" for rows. A module takes float32 tensors of shape
        (n_samples, n_features), (n_samples, channels, height, width) for images, and
        gives (n_samples, n_components). It is copied, and never changed.
    channels : int or sequence of int, default=(32, 64, 128)
        Number of maps of each stage of "cnn": a convolution that keeps the sides, the
        maximum of 2 x 2 pixels, batch normalisation and the activation.
    kernel_size : int, default=3
        Side of the kernels of "cnn" in pixels, an odd number.
    augment : str or sequence, default=None
        Random changes of the training images, new in each epoch: names, or pairs of a
        name and its amount, as in
        :class:`~sklearn_replearn.image.CNNFeatureExtractor`: "flip", "crop", "scale",
        "rotate", "shift", "color_jitter", "noise". For rows that are no images,
        "noise" alone.
    hidden_layer_sizes : int or sequence of int, default=(256,)
        Units of the hidden layers before the embedding.
    activation : str, default="relu"
        Function of the hidden units: "relu", "leaky_relu", "prelu", "elu", "gelu",
        "silu", "tanh", "logistic" or "identity".
    max_epochs : int, default=30
        Passes over the training rows.
    batch_size : int or "auto", default="auto"
        Rows in a step of the optimizer. "auto" is a sixteenth of the rows, but at
        least 16 and at most 128.
    lr : float, default=1e-3
        Learning rate; its largest value where `lr_schedule` changes it.
    lr_schedule : {"constant", "one_cycle", "cosine"}, default="one_cycle"
        Course of the learning rate over `max_epochs`: constant; up from 4 % for three
        tenths of the steps, then down to 0.01 %; or down to 0 along a cosine.
    weight_decay : float, default=0.0
        The optimizer's penalty on the weights.
    optimizer : {"adam", "adamw", "sgd"} or callable, default="adam"
        "sgd" has Nesterov's momentum of 0.9. A callable, such as a class of
        ``torch.optim`` or ``functools.partial(torch.optim.SGD, momentum=0.8)``, is
        called with the weights, `lr` and, unless it is 0, `weight_decay`, and returns
        a ``torch.optim.Optimizer``.
    early_stopping : bool, default=False
        Hold out a validation set, stop when its loss stops improving, and keep the
        weights with the lowest validation loss.
    validation_fraction : float, default=0.1
        Share of the rows to hold out, in (0, 1). Only used if `fit` gets no `X_val`.
    n_iter_no_change : int, default=10
        Epochs without a lower validation loss after which to stop.
    callbacks : list of skorch callbacks, default=None
        Copied before the training, and called as skorch calls them; the
        :ref:`guide <callbacks>` lists which ones work, and how.
    warm_start : bool, default=False
        Let `fit` go on from the weights that it finds.
    mixed_precision : bool, default=False
        Let the layers compute in bfloat16 while they are trained; weights, loss and
        all results are in full precision. For GPUs and for processors with
        instructions for it (AMX, AVX512-BF16), which train convolutions up to twice as
        fast; other processors take 4 to 12 times as long, with a warning.
    device : str or torch.device, default="auto"
        "auto" takes CUDA where it is there, else the CPU.
    random_state : int, RandomState instance or None, default=None
        First weights, classes and order of the batches, augmentation, and rows held
        out.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    n_components_ : int
        Number of components.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is its network, ``net_.callbacks_`` the
        callbacks, ``net_.history`` what happened in each epoch. Only the network is
        saved.
    loss_curve_ : list of float
        Mean loss of a batch in each epoch of the training.
    validation_loss_curve_ : list of float or None
        The same for the rows held out, or for `X_val`.
    health_curve_ : list of dict
        For each epoch, of the batches it was trained with: "active_share", the share of
        the triplets chosen that cost something (with "softplus", of those whose
        negative is nearer than the positive);
        "mean_norm", the mean length of the embeddings; "spread", their root mean
        square distance from their mean, which falls in a collapse; "effective_rank",
        the number of directions in which they vary, each by its share (Roy and
        Vetterli, 2007).
    n_iter_ : int
        Number of epochs.
    effective_rank_ : float
        The effective rank of the embeddings of training rows after the training.
    n_dead_units_ : int
        Hidden units that give the same value for every training row.
    image_shape_ : tuple of int
        (height, width, channels) of the images of :meth:`fit`; (n_features, 1) of rows.
    n_features_in_ : int
        Number of values of a row.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has string column names.

    Warns
    -----
    ConvergenceWarning
        If the embeddings have collapsed (the loss is that of a single point for all
        rows), most hidden units are dead, or the loss has not fallen; it says what to
        change. `effective_rank_` and `n_dead_units_` are found from at most 512
        training rows.

    See Also
    --------
    SupConTransformer : Compares each row with all others of a batch at once.
    SiameseTransformer : Compares distances with a number.
    PrototypeClassifier : Few-shot classification in an embedding.

    References
    ----------
    .. [1] F. Schroff, D. Kalenichenko and J. Philbin, "FaceNet: a unified embedding for
       face recognition and clustering", CVPR 2015. The distances there are squared.
    .. [2] A. Hermans, L. Beyer and B. Leibe, "In defense of the triplet loss for person
       re-identification", 2017. The temperature there is 1.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_replearn.metric_learning import TripletTransformer
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     *load_digits(return_X_y=True), random_state=0
    ... )
    >>> triplet = TripletTransformer(
    ...     8, max_epochs=10, random_state=0
    ... ).fit(X_train, y_train)
    >>> triplet.transform(X_test).shape
    (450, 8)
    >>> triplet.score(X_test, y_test) > 0.8  # 0.7 of the pixels
    True
    """

    _parameter_constraints = {
        **BaseNeuralMetricTransformer._parameter_constraints,
        "margin": [Interval(Real, 0, None, closed="neither")],
        "mining": [StrOptions({"all", "hard", "semihard"})],
        "loss": [StrOptions({"hinge", "softplus", "split"})],
        "temperature": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        n_components=32,
        *,
        margin=0.2,
        mining="semihard",
        loss="hinge",
        temperature=0.1,
        normalize=True,
        samples_per_class=4,
        image_shape=None,
        encoder="auto",
        channels=(32, 64, 128),
        kernel_size=3,
        augment=None,
        hidden_layer_sizes=(256,),
        activation="relu",
        max_epochs=30,
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
        self.n_components = n_components
        self.margin = margin
        self.mining = mining
        self.loss = loss
        self.temperature = temperature
        self.normalize = normalize
        self.samples_per_class = samples_per_class
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

    def _criterion(self):
        if self.loss != "softplus":
            self._check_margin()
        return TripletLoss(self.mining, self.loss, self.margin, self.temperature)

    @property
    def _remedy(self):
        if self.mining == "hard":
            return "take mining='semihard' or 'all'"
        return super()._remedy
