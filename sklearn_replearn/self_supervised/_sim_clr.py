"""Features of rows, images or signals from two random views of each: SimCLR."""

from numbers import Real

from sklearn_replearn._deep.objectives.tuple_losses import SupConLoss
from sklearn_replearn._sklearn import Interval
from sklearn_replearn.self_supervised._view_health import ObservedViews
from sklearn_replearn.self_supervised._view_transformer import (
    BaseViewTransformer,
    plan_views,
)
from sklearn_replearn.self_supervised._views import make_views


class SimCLR(BaseViewTransformer):
    r"""Features without labels: two random views of a row are trained to be similar.

    Each of the n rows of a batch is changed twice at random. A network :math:`f` and a
    projector :math:`g`, which only training and :meth:`score` use, map the 2n views to
    :math:`z = g(f(x))`. For each view :math:`i`, the loss compares the other view
    :math:`p(i)` of the same row with all other views:

    .. math:: L = -\frac{1}{2n} \sum_i \log
       \frac{e^{\cos(z_i, z_{p(i)}) / \tau}}{\sum_{a \ne i} e^{\cos(z_i, z_a) / \tau}}

    This is the loss NT-Xent of SimCLR [1]_. Views of images and signals are made by
    augmentation; in a view of a row of a table, a share of the values is replaced by
    those of other rows, as in SCARF [2]_. :meth:`score` is the lower bound of [3]_.

    X holds rows of a table, or images in one of these forms, with the channels last:
    rows and `image_shape`, an array of shape (n_samples, height, width), or one of
    shape (n_samples, height, width, channels). With ``encoder="cnn"`` rows without an
    `image_shape` are signals of one channel. Images of uint8 stand for [0, 1]: they are
    divided by 255, a batch at a time; images in another unit than those of :meth:`fit`
    are refused. Standardise columns that have different units.

    Which layer is read matters more than any other setting
    (:ref:`guide <simclr_layers>`).

    Parameters
    ----------
    n_components : int, default=128
        Number of units of the last layer before the projector, and of the features
        with ``layer="embedding"``.
    temperature : float, default=0.2
        Temperature of the softmax, above 0. The lower, the more the nearest views
        count.
    projection_sizes : int or sequence of int, default=(128, 128)
        Number of units of each layer of the projector.
    layer : str, default="auto"
        Layer that :meth:`transform` reads: "embedding" for the `n_components` values
        before the projector, or "stage1", "stage2", ... for the maps of a convolutional
        stage. "auto" is the last stage but one of a "cnn" (the only one, if there is
        one) and "embedding" of other encoders.
    pool_size : int, default=4
        Maps of a stage are averaged over ``pool_size * pool_size`` parts, which form a
        grid in an image and a row in a signal, or as many as there are places.
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
    augment : str or sequence, default="auto"
        Random changes that make a view, such as ``["crop", ("noise", 0.2)]``
        or a preset, "weak", "medium" or "strong" (:ref:`guide <augment>`). "auto" is
        "medium": "crop" by 0.4, "flip" and "color_jitter" by 0.4 for images; "crop" by
        0.4, "scale" and "noise" for signals; and "corrupt" for tables.
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
    health_curve_ : list of dict
        "active_share", "mean_norm", "spread", "effective_rank", "alignment" and
        "uniformity" of each epoch (:ref:`guide <view_health>`).
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
        If the training has collapsed (the loss is that of a single point for all
        views), most hidden units are dead, or the loss has not fallen; it says what to
        change. `effective_rank_` and `n_dead_units_` are found from at most 512
        training rows.

    See Also
    --------
    sklearn_replearn.metric_learning.SupConTransformer : The same loss with classes.
    sklearn_replearn.image.FilterBank : Features of images without training a network.

    References
    ----------
    .. [1] T. Chen, S. Kornblith, M. Norouzi and G. Hinton, "A simple framework for
       contrastive learning of visual representations", ICML 2020.
    .. [2] D. Bahri, H. Jiang, Y. Tay and D. Metzler, "SCARF: self-supervised
       contrastive learning using random feature corruption", ICLR 2022.
    .. [3] A. van den Oord, Y. Li and O. Vinyals, "Representation learning with
       contrastive predictive coding", 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.self_supervised import SimCLR
    >>> X, _ = load_digits(return_X_y=True)
    >>> encoder = SimCLR(n_components=16, max_epochs=2, random_state=0).fit(X[:500])
    >>> encoder.transform(X).shape
    (1797, 16)
    """

    _parameter_constraints = {
        **BaseViewTransformer._parameter_constraints,
        "temperature": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        n_components=128,
        *,
        temperature=0.2,
        projection_sizes=(128, 128),
        layer="auto",
        pool_size=4,
        image_shape=None,
        encoder="auto",
        channels="auto",
        kernel_size=3,
        augment="auto",
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
        self.temperature = temperature
        self.projection_sizes = projection_sizes
        self.layer = layer
        self.pool_size = pool_size
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

    _health_names = ("active_share", *BaseViewTransformer._health_names)

    def _plan(self, samples, targets):
        loss = SupConLoss(self.temperature)
        return plan_views(self, ObservedViews(loss, make_views(self)))
