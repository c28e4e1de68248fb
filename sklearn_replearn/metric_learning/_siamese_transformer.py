"""A Siamese network, trained by a contrastive loss."""

from numbers import Real

from sklearn_replearn._deep.estimators.encoders import ENCODER_PARAMETERS
from sklearn_replearn._deep.objectives.tuple_losses import CONTRASTS
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn.metric_learning._metric_transformer import check_margin
from sklearn_replearn.metric_learning._pair_transformer import BasePairTransformer


class SiameseTransformer(BasePairTransformer):
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

    X holds rows of a table, or images in any accepted form (:ref:`guide <images>`). Its
    mean and its unit do not matter, but standardise columns with different units.

    With ``input="pairs"``, :meth:`fit` and :meth:`score` take an array of shape
    (n_pairs, 2, n_features), or (n_pairs, 2) with indices of rows of `preprocessor`,
    and y has 1 for pairs that are the same and 0 (or -1) for those that are not.
    :meth:`transform` takes rows in any case.

    Parameters
    ----------
    n_components : int, default=32
        Number of components of an embedding.
    margin : float, default=1.0
        Distance m that rows of different classes should have, above 0. On the sphere
        no distance is larger than 2.
    loss : {"squared", "distance", "hadsell"}, default="squared"
        The cost of a pair.
    input : {"rows", "pairs"}, default="rows"
        Whether `fit` takes rows and classes, or labeled pairs (:ref:`guide <pairs>`).
    preprocessor : array-like of shape (n_rows, n_features), default=None
        Table of rows that pairs of indices refer to (:ref:`guide <pairs>`).
    normalize : bool, default=True
        Whether to scale embeddings to length 1; a single component is then 1 or -1.
    samples_per_class : int, default=4
        Number of rows of each class in a batch if ``input="rows"``
        (:ref:`guide <samples_per_class>`).
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of images given as rows. ``None``:
        rows are rows of a table (:ref:`guide <images>`).
    encoder : {"auto", "cnn", "mlp"} or torch.nn.Module, default="auto"
        "auto" is "cnn" for images and "mlp" for rows (:ref:`guide <encoder>`).
    channels : int or sequence of int, default=(32, 64, 128)
        Number of maps of each convolutional stage (:ref:`guide <channels>`).
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
    max_epochs : int, default=30
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
    n_components_ : int
        Number of components.
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
        "active_share", "mean_norm", "spread" and "effective_rank" of each epoch
        (:ref:`guide <health_curve>`).
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
    ConvergenceWarning
        If the embeddings have collapsed (the loss is that of a single point for all
        rows), most hidden units are dead, or the loss has not fallen; it says what to
        change.

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
        **BasePairTransformer._parameter_constraints,
        **ENCODER_PARAMETERS,
        "normalize": ["boolean"],
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

    def _plan(self, samples, targets):
        loss = self._contrastive_loss(self.margin)
        check_margin(self)
        return self._embedding_plan(loss)
