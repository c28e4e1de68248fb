"""The variational autoencoder, a model of the distribution of rows."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._deep.estimators.reconstruction import BaseAutoencoder
from sklearn_replearn._deep.input.samples import Rows
from sklearn_replearn._deep.networks.variational import NegativeELBO, lower_bounds
from sklearn_replearn._deep.training.seeding import as_device, seeded
from sklearn_replearn._seeds import as_seed
from sklearn_replearn._sklearn import Interval

#: KL divergence, in nats, above which a component says something of a row.
ACTIVE = 0.01

#: Smallest variance of the outputs, as a share of the variance of X.
MIN_SHARE_OF_NOISE = 1e-6


class VariationalAutoencoder(BaseAutoencoder):
    r"""Codes with a known distribution, from which new rows can be drawn.

    Each row is thought to come from a code :math:`z` of `n_components` standard normal
    numbers, by a decoder :math:`g` and noise. An encoder tells, for each row, a normal
    distribution :math:`q(z \mid x)` of the codes that it may come from, with mean
    :math:`\mu(x)` and variances :math:`\sigma^2(x)`. Both are trained to maximise the
    evidence lower bound, ELBO, of the log likelihood of the rows [1]_, in nats:

    .. math::

       \frac1n \sum_i \Big( \mathbb{E}_{z \sim q(z \mid x_i)} \log p(x_i \mid z)
       - \beta \sum_j \mathrm{KL}_{ij} \Big) , \qquad
       \mathrm{KL}_{ij} = \tfrac12 \big( \mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2
       \big) ,

    with :math:`\beta = 1` and one draw of :math:`z` for each row and step. With the
    loss "squared_error", :math:`p(x \mid z)` is normal about :math:`g(z)` with one
    variance for all features, the most likely one for each batch [2]_, so that the
    first term is :math:`-\frac d2 (\log 2 \pi \mathrm{MSE} + 1)` and neither the scale
    of X nor the number of features asks for another :math:`\beta`. With
    "binary_cross_entropy", each feature is 1 with a probability that is decoded.

    Rows are encoded as :math:`\mu(x)`. Components that the data do not need stay at the
    prior, the same for all rows; with linear layers, that leaves probabilistic PCA
    [3]_.

    A feature counts by its variance: standardise columns that have units of their own.
    Means, and the unit of all features together, do not matter.

    Parameters
    ----------
    n_components : int, default=32
        Number of components of a code; it may be more than the number of features.
    beta : float, default=1.0
        Weight of the KL divergences. More than 1 gives fewer components that depend
        less on each other, at the cost of the reconstructions [4]_; less than 1 gives
        better reconstructions, and samples that resemble rows less.
    loss : {"squared_error", "binary_cross_entropy"}, default="squared_error"
        Distribution of a row about what its code is decoded to: normal, or, for values
        in [0, 1], Bernoulli.
    encoder : torch.nn.Module, default=None
        Encoder in place of the one of `hidden_layer_sizes`: from (n_rows, n_features)
        to (n_rows, 2 * n_components) (:ref:`guide <encoder>`).
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
    noise_variance_ : float or None
        Mean squared error of the training rows, decoded from one draw of each row's
        code; ``None`` with the loss "binary_cross_entropy".
    kl_per_component_ : ndarray of shape (n_components,)
        KL divergence of each component, the mean of the training rows, in nats.
    n_active_components_ : int
        Components with more than 0.01 nats.
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
        If no component is active ("posterior collapse"), most hidden units are dead, or
        the loss has not fallen; it says what to change.

    See Also
    --------
    Autoencoder : Reconstructs better, and says nothing of the distribution of codes.
    VQAutoencoder : Learns integer codes.

    Notes
    -----
    `loss_curve_` is minus the objective. Of values, and not of zeros and ones, a
    density can be greater than 1, so the bound of "squared_error" can be positive, and
    the loss negative. The variance is kept above a millionth of the variance of X;
    otherwise the density of rows that can be reconstructed without error has no bound.

    The more nats the codes hold, the better the reconstructions, and the larger the
    part of the prior that no row comes from, where samples look like mixtures. For
    clean samples of images in [0, 1] take "binary_cross_entropy", or a `beta` of a few.

    References
    ----------
    .. [1] D. P. Kingma and M. Welling, "Auto-encoding variational Bayes", ICLR 2014.
    .. [2] O. Rybkin, K. Daniilidis and S. Levine, "Simple and effective VAE training
       with calibrated decoders", ICML 2021.
    .. [3] J. Lucas, G. Tucker, R. B. Grosse and M. Norouzi, "Don't blame the ELBO! A
       linear VAE perspective on posterior collapse", NeurIPS 2019.
    .. [4] I. Higgins, L. Matthey, A. Pal, C. Burgess, X. Glorot, M. Botvinick, S.
       Mohamed and A. Lerchner, "beta-VAE: learning basic visual concepts with a
       constrained variational framework", ICLR 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.autoencoder import VariationalAutoencoder
    >>> X = load_digits().data / 16
    >>> autoencoder = VariationalAutoencoder(
    ...     n_components=8, hidden_layer_sizes=(64,), max_epochs=10, random_state=0
    ... ).fit(X[:1000])
    >>> autoencoder.transform(X[1000:]).shape
    (797, 8)
    >>> autoencoder.sample(5, random_state=0).shape
    (5, 64)
    """

    _parameter_constraints = {
        **BaseAutoencoder._parameter_constraints,
        "beta": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=32,
        *,
        beta=1.0,
        loss="squared_error",
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
        self.beta = beta
        self.loss = loss
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

    def sample(self, n_samples=1, *, random_state=None):
        """Draw codes of the prior, and decode them.

        These are means or probabilities, without the noise that the model has of single
        values: for that, add normal numbers with the variance `noise_variance_`.

        Parameters
        ----------
        n_samples : int, default=1
            How many, at least 1.
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        X : ndarray of shape (n_samples, n_features_in_), float32
        """
        check_is_fitted(self)
        if not isinstance(n_samples, Integral) or n_samples < 1:
            raise ValueError(
                f"n_samples={n_samples!r} cannot be drawn; pass a whole number, at "
                "least 1."
            )
        shape = (n_samples, self.n_components_)
        Z = check_random_state(random_state).standard_normal(shape)
        return self._apply("decode", Rows(Z.astype(np.float32)), arrange=False)

    def elbo(self, X, *, random_state=None):
        r"""Evidence lower bound of the log likelihood of each row, in nats.

        .. math:: \mathbb{E}_{z \sim q(z \mid x)} \log p(x \mid z)
           - \sum_j \mathrm{KL}_j

        The expectation is of one draw, and of the Gaussian the variance is
        `noise_variance_`. Whatever `beta` is, it is 1 here: the mean over rows held out
        compares models of any `beta` and `n_components`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        random_state : int, RandomState instance or None, default=None
            The draws.

        Returns
        -------
        bounds : ndarray of shape (n_samples,)
        """
        samples = self._samples(X)
        terms = self._bound_terms(samples, as_seed(random_state))
        return lower_bounds(terms, self.n_features_in_, self.noise_variance_)

    def _bound_terms(self, samples, seed):
        with seeded(seed, as_device(self.net_.device)):
            return self._apply("bound_terms", samples)

    # -- fitting -----------------------------------------------------------------

    def _plan(self, samples, targets):
        width = 2 * self.n_components
        description = {
            "network": "VariationalEncoderDecoder",
            **self._layers(self.n_features_in_, width=width),
        }
        loss = NegativeELBO(
            binary=description["binary"],
            beta=self.beta,
            min_variance=_min_variance(samples),
        )
        meaning = "2 * n_components, means and log variances"
        return self._reconstruction_plan(
            description,
            loss,
            width=(width, meaning),
            loss_unit=1.0,  # nats
        )

    def _finish(self, samples):
        """Find the variance of the noise, and what each component says of a row.

        These are means over all rows, for which any draw will do.
        """
        terms = self._bound_terms(samples, seed=0)
        error, *divergences = terms.mean(axis=0, dtype=np.float64)
        self.kl_per_component_ = np.array(divergences)
        self.n_active_components_ = int((self.kl_per_component_ > ACTIVE).sum())
        gaussian = self.loss == "squared_error"
        self.noise_variance_ = max(error, _min_variance(samples)) if gaussian else None

    def _diagnose(self, samples):
        findings = self._diagnose_codes(samples)
        if self.n_active_components_ == 0:
            findings.append(
                "the posterior has collapsed: every row has the same code, the prior; "
                f"lower beta (it is {self.beta}), standardise X, train longer or raise "
                "lr"
            )
        return findings


def _min_variance(samples):
    """Least variance of the noise: a small share of that of X."""
    variance = samples.squares_about_mean() / samples.array.size
    return max(MIN_SHARE_OF_NOISE * variance, float(np.finfo(np.float32).tiny))
