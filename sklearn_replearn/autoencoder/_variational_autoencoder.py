"""The variational autoencoder, a model of the distribution of rows."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._deep.estimators.reconstruction import (
    BaseAutoencoder,
    squares_about_mean,
)
from sklearn_replearn._deep.networks.variational import NegativeELBO, lower_bounds
from sklearn_replearn._deep.training.net import as_device, seeded
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
        Numbers in a code. More than there are features are allowed.
    beta : float, default=1.0
        Weight of the KL divergences. More than 1 gives fewer components that depend
        less on each other, at the cost of the reconstructions [4]_; less than 1 gives
        better reconstructions, and samples that resemble rows less.
    loss : {"squared_error", "binary_cross_entropy"}, default="squared_error"
        Distribution of a row about what its code is decoded to: normal, or, for values
        in [0, 1], Bernoulli.
    encoder : torch.nn.Module, default=None
        Encoder in place of the one that `hidden_layer_sizes` describes: from a float32
        tensor of shape (n_rows, n_features) to (n_rows, 2 * n_components): means,
        then log variances. It is copied, and never changed.
    decoder : torch.nn.Module, default=None
        The same for the decoder: from (n_rows, n_components) to (n_rows, n_features),
        logits if the loss is "binary_cross_entropy".
    hidden_layer_sizes : int or sequence of int, default=(512, 256)
        Units of the encoder's hidden layers; the decoder has the same backwards.
        ``()`` makes both linear.
    activation : str, default="relu"
        Function of the hidden units: "relu", "leaky_relu", "prelu", "elu", "gelu",
        "silu", "tanh", "logistic" or "identity".
    max_epochs : int, default=50
        Passes over the training rows.
    batch_size : int or "auto", default="auto"
        Rows in a step of the optimizer. "auto" is a sixteenth of the rows, but at
        least 16 and at most 128.
    lr : float, default=2e-3
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
        First weights, order of the batches, rows held out, and noise.
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
        The trained net; ``net_.module_`` is its network, ``net_.callbacks_`` the
        callbacks, ``net_.history`` what happened in each epoch. Only the network is
        saved.
    loss_curve_ : list of float
        Mean loss of a row in each epoch of the training.
    validation_loss_curve_ : list of float or None
        The same for the rows held out, or for `X_val`.
    n_iter_ : int
        Number of epochs.
    effective_rank_ : float
        Number of directions in which the codes of training rows vary, each by its
        share (Roy and Vetterli, 2007); at most `n_components_`.
    n_dead_units_ : int
        Hidden units that give the same value for every training row.
    n_features_in_ : int
        Number of features seen in :meth:`fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has string column names.

    Warns
    -----
    ConvergenceWarning
        If no component is active ("posterior collapse"), most hidden units are dead, or
        the loss has not fallen; it says what to change. `effective_rank_` and
        `n_dead_units_` are found from at most 512 training rows.

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
        return self._map_validated("decode", Z.astype(np.float32), arrange=False)

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
        X = self._validate(X)
        terms = self._bound_terms(X, as_seed(random_state))
        return lower_bounds(terms, X[0].size, self.noise_variance_)

    def _bound_terms(self, X, seed):
        with seeded(seed, as_device(self.net_.device)):
            return self._map_validated("bound_terms", X)

    # -- fitting -----------------------------------------------------------------

    def _code_width(self):
        return 2 * self.n_components, "2 * n_components, means and log variances"

    def _design(self, data):
        description = {
            "network": "VariationalEncoderDecoder",
            **self._layers(data.rows.shape[1]),
        }
        criterion = NegativeELBO(
            binary=description["binary"],
            beta=self.beta,
            min_variance=self._min_variance(data.rows),
        )
        return description, criterion

    def _loss_unit(self, module):
        return 1.0  # nats

    def _min_variance(self, X):
        variance = squares_about_mean(X, self._scale(X)) / X.size
        return max(MIN_SHARE_OF_NOISE * variance, float(np.finfo(np.float32).tiny))

    def _set_fitted(self, X):
        """Find the variance of the noise, and what each component says of a row.

        These are means over all rows, for which any draw will do.
        """
        terms = self._bound_terms(X, seed=0)
        error, *divergences = terms.mean(axis=0, dtype=np.float64)
        self.kl_per_component_ = np.array(divergences)
        self.n_active_components_ = int((self.kl_per_component_ > ACTIVE).sum())
        gaussian = self.loss == "squared_error"
        self.noise_variance_ = max(error, self._min_variance(X)) if gaussian else None
        super()._set_fitted(X)

    def _examine(self, X):
        findings = super()._examine(X)
        if self.n_active_components_ == 0:
            findings.append(
                "the posterior has collapsed: every row has the same code, the prior; "
                f"lower beta (it is {self.beta}), standardise X, train longer or raise "
                "lr"
            )
        return findings
