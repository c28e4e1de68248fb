"""A Siamese network, trained by a contrastive loss."""

from numbers import Real

from sklearn_replearn._deep.objectives.losses import CONTRASTS
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn.metric_learning._neural_metric_transformer import (
    BaseNeuralMetricTransformer,
)
from sklearn_replearn.metric_learning._pairs import PairInput


class SiameseTransformer(PairInput, BaseNeuralMetricTransformer):
    r"""Embeddings in which rows of a class are near, and others a margin apart.

    One network embeds both rows of a pair, and is trained to bring pairs of one class
    together, and pairs of two classes at least the margin m apart. With the distance d
    of the embeddings, a pair costs

    ========== ================= =============================
    `loss`     the same class    different classes
    ========== ================= =============================
    "squared"  :math:`d^2`       :math:`\max(0, m^2 - d^2)`
    "distance" :math:`d`         :math:`\max(0, m - d)`
    "hadsell"  :math:`d^2`       :math:`\max(0, m - d)^2`
    ========== ================= =============================

    "hadsell" is the loss of [2]_, and the network goes back to [1]_. All pairs of a
    batch take part: the loss is the mean cost of those of one class, plus the mean cost
    of those of two. With ``input="pairs"`` it is the mean cost of the pairs given.

    X holds rows of a table, or images in one of these forms, with the channels last:
    rows and `image_shape`, an array of shape (n_samples, height, width), or one of
    shape (n_samples, height, width, channels). Images of uint8 stand for [0, 1]: they
    are divided by 255, a batch at a time; images in another unit than those of
    :meth:`fit` are refused. All other numbers, and tables, are taken as they are. Their
    mean and their unit do not matter, but where columns have different units,
    standardise them.

    With ``input="pairs"``, :meth:`fit` and :meth:`score` take an array of shape
    (n_pairs, 2, n_features), or (n_pairs, 2) with indices of rows of `preprocessor`,
    and y has 1 for pairs that are the same and 0 (or -1) for those that are not.
    :meth:`transform` takes rows in any case.

    Parameters
    ----------
    n_components : int, default=32
        Numbers of an embedding.
    margin : float, default=1.0
        Distance m that rows of different classes should have, above 0. On the sphere
        no distance is larger than 2.
    loss : {"squared", "distance", "hadsell"}, default="squared"
        The cost of a pair.
    input : {"rows", "pairs"}, default="rows"
        What :meth:`fit` learns from: rows and their classes; or pairs of rows and
        whether they belong together, which `batch_size` and `validation_fraction` count
        then.
    preprocessor : array-like of shape (n_rows, n_features), default=None
        A table of rows. Pairs are pairs of indices into it, then.
    normalize : bool, default=True
        Put the embeddings on the sphere: each has a length of 1.
        A single component is 1 or -1 then.
    samples_per_class : int, default=4
        Rows of a class in a batch (all that it has, if they are fewer), so that
        ``batch_size / samples_per_class`` classes are in it. Where there are fewer
        classes, all of them are in each batch, with more rows each. Of no effect on
        pairs.
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
        the pairs of different classes that are nearer than the margin;
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
    TripletTransformer : Compares distances with each other, not with a number.
    MahalanobisTransformer : The same with a linear map.
    PairVerifier : Says of two rows whether they are the same.

    References
    ----------
    .. [1] J. Bromley, I. Guyon, Y. LeCun, E. Sackinger and R. Shah, "Signature
       verification using a 'Siamese' time delay neural network", NIPS 1993.
    .. [2] R. Hadsell, S. Chopra and Y. LeCun, "Dimensionality reduction by learning an
       invariant mapping", CVPR 2006.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_replearn.metric_learning import SiameseTransformer
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     *load_digits(return_X_y=True), random_state=0
    ... )
    >>> siamese = SiameseTransformer(
    ...     8, max_epochs=10, random_state=0
    ... ).fit(X_train, y_train)
    >>> siamese.transform(X_test).shape
    (450, 8)
    >>> siamese.score(X_test, y_test) > 0.8  # 0.7 of the pixels
    True
    """

    _parameter_constraints = {
        **BaseNeuralMetricTransformer._parameter_constraints,
        **PairInput._parameter_constraints,
        "margin": [Interval(Real, 0, None, closed="neither")],
        "loss": [StrOptions(set(CONTRASTS))],
    }

    def __init__(
        self,
        n_components=32,
        *,
        margin=1.0,
        loss="squared",
        input="rows",
        preprocessor=None,
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
        self.loss = loss
        self.input = input
        self.preprocessor = preprocessor
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
        self._check_margin()
        return self._contrastive_loss(self.margin)
