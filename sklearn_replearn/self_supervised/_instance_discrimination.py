"""Features without labels: each row is told from all others by a memory of them."""

from numbers import Integral, Real

import torch

from sklearn_replearn._deep.estimators.embeddings import record_health
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn.self_supervised._memory_bank import MemoryBank
from sklearn_replearn.self_supervised._view_transformer import (
    BaseViewTransformer,
    plan_views,
)
from sklearn_replearn.self_supervised._views import make_views


class InstanceDiscrimination(BaseViewTransformer):
    r"""Features without labels: each row is a class of its own.

    A network and a projector, which only training and :meth:`score` use, map a random
    view of row i to the unit vector :math:`z_i`. It is compared with the vectors
    :math:`v_j` of all n training rows, which a memory bank holds:

    .. math:: L = -\frac{1}{|B|} \sum_{i \in B}
       \log \frac{e^{z_i \cdot v_i / \tau}}{\sum_{j=1}^n e^{z_i \cdot v_j / \tau}}

    After each step, the bank has :math:`v_i \propto m v_i + (1 - m) z_i` for the rows
    of the batch B [1]_. So a row has many negatives in a small batch, and a step
    computes one view of each row, half of what :class:`SimCLR` computes.

    The bank is filled with the vectors that the new network gives. The paper fills it
    with random ones; the loss is then above that of guessing, :math:`\log n`, until
    each row has been seen several times. The bank takes ``4 * n * d`` bytes during the
    training, with d the width of the projector, and is not saved; a warm start fills it
    by the network that it continues with.

    The loss of held-out rows, which are not in the bank, is that of two views: the
    other view takes the place of :math:`v_i`, beside all of the bank. :meth:`score` is
    that of :class:`SimCLR`.

    X holds rows of a table, images or signals, and views are made of them, as in
    :class:`SimCLR`.

    Parameters
    ----------
    n_components : int, default=128
        Number of units of the last layer before the projector, and of the features
        with ``layer="embedding"``.
    temperature : float, default=0.07
        Temperature of the softmax, above 0. The lower, the more the nearest rows count.
    momentum : float, default=0.5
        Share m of the old vector in the bank's new one, in [0, 1).
    n_negatives : "all" or int, default="all"
        Rows that a batch is compared with: all, or so many that are drawn for each
        batch. The sum over all rows is then estimated from those drawn, each weighed by
        the inverse of the chance that it is drawn. (The paper takes noise-contrastive
        estimation, whose normalizing constant has to be guessed.) Saves time from about
        10,000 rows on.
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
        If the training has collapsed (the loss is that of a single point for all rows,
        or projections vary in one direction only), most hidden units are dead, or the
        loss has not fallen; it says what to change. `effective_rank_` and
        `n_dead_units_` are found from at most 512 training rows.

    See Also
    --------
    SimCLR : Compares views with those of the other rows of a batch.
    VICReg : Compares views of the same row only.

    References
    ----------
    .. [1] Z. Wu, Y. Xiong, S. X. Yu and D. Lin, "Unsupervised feature learning via
       non-parametric instance discrimination", CVPR 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.self_supervised import InstanceDiscrimination
    >>> X, _ = load_digits(return_X_y=True)
    >>> encoder = InstanceDiscrimination(n_components=16, max_epochs=2, random_state=0)
    >>> encoder.fit(X[:500]).transform(X).shape
    (1797, 16)
    """

    _parameter_constraints = {
        **BaseViewTransformer._parameter_constraints,
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "n_negatives": [
            StrOptions({"all"}),
            Interval(Integral, 1, None, closed="left"),
        ],
    }

    def __init__(
        self,
        n_components=128,
        *,
        temperature=0.07,
        momentum=0.5,
        n_negatives="all",
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
        self.momentum = momentum
        self.n_negatives = n_negatives
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

    _remedy = "raise temperature, lower lr, or take other changes in augment"

    def _read(self, X, y, *, reset):
        samples = self._rows(X, reset=reset)
        return samples, torch.arange(len(samples))

    def _plan(self, samples, targets):
        n_negatives = None if self.n_negatives == "all" else self.n_negatives
        bank = MemoryBank(
            self.temperature, self.momentum, n_negatives, make_views(self)
        )
        return plan_views(self, bank, split=bank.hold_out)

    def _finish(self, samples):
        record_health(self, self._health_names)
        self.net_.criterion_.forget()
