"""The autoencoder that learns to undo noise."""

from numbers import Real

from sklearn_replearn._deep.estimators.reconstruction import BaseAutoencoder
from sklearn_replearn._deep.networks.corruption import NOISES
from sklearn_replearn._deep.objectives.losses import RECONSTRUCTION_LOSSES
from sklearn_replearn._deep.training.seeding import as_device, seeded
from sklearn_replearn._seeds import as_seed
from sklearn_replearn._sklearn import Interval, StrOptions


class DenoisingAutoencoder(BaseAutoencoder):
    r"""Codes from which a network can reconstruct rows that it sees through noise.

    An encoder :math:`f` with `n_components` outputs and a decoder :math:`g` are trained
    to minimise [1]_ [2]_

    .. math::

       \frac{1}{n d} \sum_i \lVert x_i - g(f(\tilde x_i)) \rVert^2 , \qquad
       \tilde x_i \sim q(\tilde x \mid x_i)

    (or the cross-entropy of :math:`x_{ij}` and the decoded probabilities): the row
    itself, from a copy with noise that is drawn anew each time. What noise hides of a
    feature has to be told from the others, so that the code takes up how they depend
    on each other. The noise does for the code what a narrow one does without it: it may
    have more components than there are features.

    Rows are encoded as they are by :meth:`transform`, and :meth:`reconstruct` cleans
    rows that have noise of their own.

    A feature counts by its variance: standardise columns that have units of their own.
    The noise, in units of X, is the same for all features.

    Parameters
    ----------
    n_components : int, default=32
        Number of components of a code; it may be more than the number of features.
    loss : {"squared_error", "binary_cross_entropy"}, default="squared_error"
        Mean squared error, or, for values in [0, 1], mean cross-entropy of the decoded
        probabilities in nats.
    tied : bool, default=False
        Whether the decoder has the encoder's weights, transposed, and its own biases.
    noise : {"gaussian", "masking"}, default="gaussian"
        "gaussian" adds normal numbers to all values, "masking" sets some values to
        zero, of which zero should be an ordinary one, such as the mean.
    noise_level : float, default=0.2
        Standard deviation of the Gaussian noise, in units of X, or the share of the
        values that are masked, in [0, 1).
    encoder : torch.nn.Module, default=None
        Encoder in place of the one of `hidden_layer_sizes`: from (n_rows, n_features)
        to (n_rows, n_components) (:ref:`guide <encoder>`).
    decoder : torch.nn.Module, default=None
        The same for the decoder: from (n_rows, n_components) to (n_rows, n_features)
        (:ref:`guide <encoder>`).
    hidden_layer_sizes : int or sequence of int, default=(512, 256)
        Number of units of each hidden layer of the encoder, and in reverse order of the
        decoder; ``()`` makes both linear.
    activation : str, default="relu"
        Function of the hidden units: "relu", "leaky_relu", "prelu", "elu", "gelu",
        "silu", "tanh", "logistic" or "identity".
    max_epochs : int, default=50
        Number of passes over the training rows; early stopping can end them sooner.
    batch_size : int or "auto", default="auto"
        Number of rows in a batch; "auto" is a sixteenth of all, from 16 up to 128.
    lr : float, default=2e-3
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
    ConvergenceWarning
        If the code has collapsed, most hidden units are dead, or the loss has not
        fallen; it says what to change.

    See Also
    --------
    Autoencoder : The same without noise.
    VariationalAutoencoder : Has noise in the code.

    Notes
    -----
    Losses, those of rows held out included, are of rows with noise; :meth:`score` and
    :meth:`score_samples` are of rows as they are. To judge how noise is removed,
    compare ``reconstruct(corrupt(X))`` with X.

    With squared error and little Gaussian noise, the reconstruction of a row less the
    row itself estimates the gradient of the log density of the data, times the variance
    of the noise [3]_.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, Y. Bengio and P.-A. Manzagol, "Extracting and
       composing robust features with denoising autoencoders", ICML 2008.
    .. [2] P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio and P.-A. Manzagol, "Stacked
       denoising autoencoders", Journal of Machine Learning Research 11, 2010.
    .. [3] G. Alain and Y. Bengio, "What regularized auto-encoders learn from the
       data-generating distribution", Journal of Machine Learning Research 15, 2014.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.autoencoder import DenoisingAutoencoder
    >>> X = load_digits().data / 16
    >>> autoencoder = DenoisingAutoencoder(
    ...     n_components=16, noise_level=0.3, hidden_layer_sizes=(64,), max_epochs=10,
    ...     random_state=0,
    ... ).fit(X[:1000])
    >>> noisy = autoencoder.corrupt(X[1000:], random_state=0)
    >>> cleaned = autoencoder.reconstruct(noisy)
    >>> before = ((noisy - X[1000:]) ** 2).mean()
    >>> after = ((cleaned - X[1000:]) ** 2).mean()
    >>> f"{before:.2f}, {after < 0.05}"
    '0.09, True'
    """

    _parameter_constraints = {
        **BaseAutoencoder._parameter_constraints,
        "tied": ["boolean"],
        "noise": [StrOptions(set(NOISES))],
        "noise_level": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=32,
        *,
        loss="squared_error",
        tied=False,
        noise="gaussian",
        noise_level=0.2,
        encoder=None,
        decoder=None,
        hidden_layer_sizes=(512, 256),
        activation="relu",
        max_epochs=50,
        batch_size="auto",
        lr=2e-3,
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
        self.loss = loss
        self.tied = tied
        self.noise = noise
        self.noise_level = noise_level
        self.encoder = encoder
        self.decoder = decoder
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

    def corrupt(self, X, *, random_state=None):
        """A copy of rows with noise as in the training.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        X_corrupted : ndarray of shape (n_samples, n_features)
            In X's own precision; integers give float32.
        """
        samples = self._samples(X)
        with seeded(as_seed(random_state), as_device(self.net_.device)):
            return self._apply("corrupt", samples)

    def _plan(self, samples, targets):
        if self.noise == "masking" and self.noise_level >= 1:
            raise ValueError(
                f"noise='masking' with noise_level={self.noise_level} leaves nothing "
                "of a row; noise_level is the share of values that are masked: take "
                "one below 1."
            )
        description = {
            "network": "DenoisingEncoderDecoder",
            **self._layers(self.n_features_in_, tied=self.tied),
            "noise": self.noise,
            "noise_level": float(self.noise_level),
        }
        return self._reconstruction_plan(
            description, RECONSTRUCTION_LOSSES[self.loss]()
        )
