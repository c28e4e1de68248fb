"""Features of rows, images or signals from two random views of each: SimCLR."""

from functools import partial
from math import ceil, log
from numbers import Real

import torch

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.estimators.embeddings import (
    diagnose_embeddings,
    record_health,
)
from sklearn_replearn._deep.estimators.encoders import start_network
from sklearn_replearn._deep.objectives.objective import TwoViews
from sklearn_replearn._deep.objectives.tuple_losses import SupConLoss
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._deep.training.seeding import seeded
from sklearn_replearn._sklearn import Interval
from sklearn_replearn.self_supervised._views import (
    PROJECTION_PARAMETERS,
    check_several,
    describe_projection,
    hold_out_several,
    make_views,
)

#: Maximum number of rows that `score` compares at a time.
N_COMPARED = 256

#: What to change if all rows get one projection.
REMEDY = "lower lr, take larger batches, or other changes in augment"


class SimCLR(BaseDeepTransformer):
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
        Network of the embedding. "auto" is "cnn" for images and "mlp" for rows
        (:ref:`guide <encoder>`).
    channels : int or sequence of int, default=(32, 64, 128)
        Number of maps of each convolutional stage (:ref:`guide <channels>`).
    kernel_size : int, default=3
        Side of the kernels in pixels, an odd number (:ref:`guide <channels>`).
    augment : str or sequence, default="auto"
        Random changes that make a view, such as ``["crop", ("noise", 0.2)]``
        (:ref:`guide <augment>`). "auto" is "crop" by 0.4, "flip" and "color_jitter" by
        0.4 for images; "crop" by 0.4, "scale" and "noise" for signals; and "corrupt"
        for tables.
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
        Whether layers compute in bfloat16 during training, for GPUs and some
        processors; others take 4 to 12 times as long (:ref:`guide <mixed_precision>`).
    device : str or torch.device, default="auto"
        Where to train and encode. "auto" is CUDA if torch finds it, else the CPU.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, batches, held-out rows and all else that is drawn at random
        (:ref:`guide <random_state>`).
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
        **BaseDeepTransformer._parameter_constraints,
        **PROJECTION_PARAMETERS,
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
        channels=(32, 64, 128),
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

    def score(self, X, y=None):
        r"""Lower bound of the mutual information of two views, in nats.

        .. math:: \log(2n - 1) - L \le I(x'; x'')

        with the loss L of n rows at a time, at most 256; the mean over all rows.
        Views are drawn with a fixed seed, and those of tables from the values of X. The
        score compares estimators with the same `augment` and `temperature`, on the
        same rows: other views are another task. It says how well views are told apart;
        whether the features help a task is for labels to say.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            At least two rows.
        y : None
            Ignored.

        Returns
        -------
        score : float
            At most ``log(2n - 1)``; 0 if all views have the same projection.

        Raises
        ------
        ValueError
            If X has a single row, or rows unlike those of :meth:`fit`.
        """
        samples = self._samples(X)
        check_several(samples)
        network = self.net_.module_
        device = network.origin.device
        objective = self._make_objective().eval()
        samples.check_finite()
        total = 0.0
        with torch.inference_mode(), seeded(0, device):
            objective.begin(network, samples)
            order = torch.randperm(len(samples))
            for index in order.tensor_split(ceil(len(samples) / N_COMPARED)):
                rows = network.arrange(samples.take(index).to(device))
                (loss,) = objective(network, objective.prepare(rows, None)).values()
                total += len(index) * (log(2 * len(index) - 1) - float(loss))
        return total / len(samples)

    # -- training --------------------------------------------------------------

    def _make_objective(self):
        return TwoViews(SupConLoss(self.temperature), make_views(self))

    def _plan(self, samples, targets):
        if self.batch_size == 1:
            raise ValueError(
                "batch_size=1 leaves a row no others to be compared with; raise it."
            )
        return Plan(
            describe_projection(self),
            self._make_objective(),
            split=hold_out_several,
            start=partial(start_network, n_components=self.n_components),
            check=check_several,
            decays="matrices",
        )

    def _finish(self, samples):
        record_health(self)

    def _diagnose(self, samples):
        return diagnose_embeddings(self, samples, REMEDY)
