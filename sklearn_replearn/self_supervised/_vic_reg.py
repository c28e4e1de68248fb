"""Features without labels from views alone: VICReg and Barlow Twins."""

from numbers import Real

from torch.nn import functional

from sklearn_replearn._deep.objectives.tuple_losses import TupleLoss
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn.self_supervised._view_health import ObservedViews
from sklearn_replearn.self_supervised._view_transformer import (
    BaseViewTransformer,
    plan_views,
)
from sklearn_replearn.self_supervised._views import make_views

#: Added to variances before their roots are taken, as in the papers.
VARIANCE_EPS, NORMALIZATION_EPS = 1e-4, 1e-5


class VICReg(BaseViewTransformer):
    r"""Features without labels: views agree, and units tell different things.

    Each of the n rows of a batch is changed twice at random. A network and a projector,
    which only training and :meth:`score` use, map the views to :math:`z_i` and
    :math:`z'_i` of d units. No other rows are pushed away, as in :class:`SimCLR`;
    instead the units are kept from becoming constant, or copies of each other. Small
    batches are enough. With ``loss="vicreg"`` [1]_,

    .. math:: L = \frac{a}{nd} \sum_i \| z_i - z'_i \|^2
       + b \, (v(Z) + v(Z')) + c \, (k(Z) + k(Z'))

    .. math:: v(Z) = \frac{1}{d} \sum_j
       \max \Big( 0, 1 - \sqrt{C_{jj} + 10^{-4}} \Big), \qquad
       k(Z) = \frac{1}{d} \sum_{j \ne l} C_{jl}^2

    where :math:`C` is the covariance matrix of the units in the batch, and a, b and c
    are `invariance_weight`, `variance_weight` and `covariance_weight`. (The first term
    is a mean over the units as well, as in the authors' program, to which their weights
    belong.) With ``loss="barlow_twins"`` [2]_,

    .. math:: L = \frac{1}{d} \sum_j (1 - R_{jj})^2
       + \frac{w}{d (d - 1)} \sum_{j \ne l} R_{jl}^2

    where :math:`R_{jl}` is the correlation of unit j of the first views with unit l of
    the second ones and w is `redundancy_weight`. That is the loss of the paper, divided
    by d, with :math:`\lambda = w / (d - 1)`, so that a weight means the same for a
    projector of any width. :meth:`score` is that of :class:`SimCLR`.

    X holds rows of a table, images or signals, and views are made of them, as in
    :class:`SimCLR`.

    Parameters
    ----------
    n_components : int, default=128
        Number of units of the last layer before the projector, and of the features
        with ``layer="embedding"``.
    loss : {"vicreg", "barlow_twins"}, default="vicreg"
        Variances and covariances of the units of each view, or correlations between
        those of both views.
    invariance_weight : float, default=25.0
        How much the distance of views counts; at least 0, as the other weights. The
        first three act with ``loss="vicreg"``.
    variance_weight : float, default=25.0
        How much units count whose standard deviation is below 1. With 0, a constant is
        the best projection.
    covariance_weight : float, default=1.0
        How much covariances of units count. With 0, all units may become the same.
    redundancy_weight : float, default=10.0
        How much correlations of different units count, with ``loss="barlow_twins"``.
        Keep it below the number of rows in a batch, in which such correlations are not
        zero even by chance.
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
        "mean_norm", "spread", "effective_rank", "alignment" and "uniformity" of each
        epoch (:ref:`guide <view_health>`).
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
        If the training has collapsed (projections are the same for all rows, or vary in
        one direction only), most hidden units are dead, or the loss has not fallen; it
        says what to change. `effective_rank_` and `n_dead_units_` are found from at
        most 512 training rows.

    See Also
    --------
    SimCLR : Compares views with those of other rows.
    InstanceDiscrimination : Compares rows with all training rows.

    References
    ----------
    .. [1] A. Bardes, J. Ponce and Y. LeCun, "VICReg: variance-invariance-covariance
       regularization for self-supervised learning", ICLR 2022.
    .. [2] J. Zbontar, L. Jing, I. Misra, Y. LeCun and S. Deny, "Barlow twins:
       self-supervised learning via redundancy reduction", ICML 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.self_supervised import VICReg
    >>> X, _ = load_digits(return_X_y=True)
    >>> encoder = VICReg(n_components=16, max_epochs=2, random_state=0).fit(X[:500])
    >>> encoder.transform(X).shape
    (1797, 16)
    >>> list(encoder.loss_terms_curve_[-1])
    ['invariance', 'variance', 'covariance']
    """

    _parameter_constraints = {
        **BaseViewTransformer._parameter_constraints,
        "loss": [StrOptions({"vicreg", "barlow_twins"})],
        "invariance_weight": [Interval(Real, 0, None, closed="left")],
        "variance_weight": [Interval(Real, 0, None, closed="left")],
        "covariance_weight": [Interval(Real, 0, None, closed="left")],
        "redundancy_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=128,
        *,
        loss="vicreg",
        invariance_weight=25.0,
        variance_weight=25.0,
        covariance_weight=1.0,
        redundancy_weight=10.0,
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
        self.loss = loss
        self.invariance_weight = invariance_weight
        self.variance_weight = variance_weight
        self.covariance_weight = covariance_weight
        self.redundancy_weight = redundancy_weight
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

    @property
    def _remedy(self):
        weights = (
            "variance_weight or covariance_weight"
            if self.loss == "vicreg"
            else "redundancy_weight"
        )
        return f"raise {weights}, lower lr, or take other changes in augment"

    def _directions(self, z):
        """Neither loss depends on the means of units."""
        return functional.normalize(z - z.mean(0))

    def _plan(self, samples, targets):
        if self.loss == "vicreg":
            loss = VICRegLoss(
                self.invariance_weight, self.variance_weight, self.covariance_weight
            )
        else:
            loss = BarlowTwinsLoss(self.redundancy_weight)
        objective = ObservedViews(loss, make_views(self), self._directions)
        return plan_views(self, objective)


def variance_hinge(z):
    """Mean over units of how far the standard deviation is below 1."""
    return functional.relu(1 - (z.var(0) + VARIANCE_EPS).sqrt()).mean()


def covariance_penalty(z):
    """Sum of the squared covariances of different units, divided by their number."""
    centered = z - z.mean(0)
    covariance = centered.T @ centered / (len(z) - 1)
    return off_diagonal(covariance).square().sum() / len(covariance)


def off_diagonal(matrix):
    """A square matrix with zeros on its diagonal."""
    return matrix - matrix.diagonal().diag()


class VICRegLoss(TupleLoss):
    """Named terms: invariance, variance and covariance, times their weights."""

    def __init__(self, invariance_weight, variance_weight, covariance_weight):
        super().__init__()
        self.weights = invariance_weight, variance_weight, covariance_weight

    def measure(self, z, codes):
        first, second = z.chunk(2)
        invariance, variance, covariance = self.weights
        terms = {
            "invariance": invariance * functional.mse_loss(first, second),
            "variance": variance * (variance_hinge(first) + variance_hinge(second)),
            "covariance": covariance
            * (covariance_penalty(first) + covariance_penalty(second)),
        }
        return terms, 0.0, 2 * variance * (1 - VARIANCE_EPS**0.5)


def cross_correlation(first, second):
    """Correlations of the units of two views, each normalized in the batch."""
    first, second = (
        (z - z.mean(0)) / (z.var(0, correction=0) + NORMALIZATION_EPS).sqrt()
        for z in (first, second)
    )
    return first.T @ second / len(first)


class BarlowTwinsLoss(TupleLoss):
    """Named terms: invariance, and redundancy times its weight."""

    def __init__(self, redundancy_weight):
        super().__init__()
        self.redundancy_weight = redundancy_weight

    def measure(self, z, codes):
        correlation = cross_correlation(*z.chunk(2))
        d = len(correlation)
        redundancy = off_diagonal(correlation).square().sum() / max(1, d * (d - 1))
        terms = {
            "invariance": (1 - correlation.diagonal()).square().mean(),
            "redundancy": self.redundancy_weight * redundancy,
        }
        return terms, 0.0, 1.0
