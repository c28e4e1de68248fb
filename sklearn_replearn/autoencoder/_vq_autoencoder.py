"""The autoencoder with vector quantisation, whose codes are integers."""

from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._deep.estimators.reconstruction import BaseAutoencoder
from sklearn_replearn._deep.input.samples import Rows
from sklearn_replearn._deep.networks.quantization import QuantizedLoss, random_index
from sklearn_replearn._deep.objectives.losses import RECONSTRUCTION_LOSSES
from sklearn_replearn._sklearn import Interval
from sklearn_replearn._warnings import warn

#: Rows whose codes are counted at a time.
COUNTED_ROWS = 8192


class VQAutoencoder(BaseAutoencoder):
    r"""Codes of a few integers, by vector quantisation (VQ-VAE).

    The `n_components` outputs of an encoder :math:`f` are cut into `n_codes` groups of
    equal length. Each group is replaced by the nearest of the `codebook_size` vectors
    of its own codebook, so that a row is told by `n_codes` integers. With :math:`q_i`
    for what replaces :math:`f(x_i)`, encoder and decoder :math:`g` minimise [1]_

    .. math:: \frac{1}{n d} \sum_i \Big( \lVert x_i - g(q_i) \rVert^2
       + \beta \lVert f(x_i) - q_i \rVert^2 \Big)

    (or, in place of the first term, the cross-entropy of :math:`x_{ij}` and the decoded
    probabilities), where :math:`q_i` counts as constant in the second term, and in the
    first passes its gradient on to :math:`f(x_i)`. The codebooks follow the encoder:
    each vector is a moving average of what it replaces.

    A feature counts by its variance: standardise columns that have units of their own.
    Means, and the unit of all features together, do not matter.

    Parameters
    ----------
    n_components : int, default=32
        Numbers in an encoded row, a multiple of `n_codes`. More than there are features
        are allowed.
    n_codes : int, default=8
        Integers in a row's code, one for each codebook. At most `n_components`; a
        larger number is reduced to it, with a warning.
    codebook_size : int, default=64
        Vectors in each codebook, at least 2. A row is kept in
        ``n_codes * log2(codebook_size)`` bits.
    commitment : float, default=0.25
        Weight of the distance to the codebooks, :math:`\beta`. Its choice makes little
        difference between 0.1 and 2 [1]_.
    loss : {"squared_error", "binary_cross_entropy"}, default="squared_error"
        Mean squared error, or, for values in [0, 1], mean cross-entropy of the decoded
        probabilities in nats.
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
    n_codes_ : int
        Number of integers in a row's code.
    codebooks_ : ndarray of shape (n_codes_, codebook_size, n_components // n_codes_)
        The vectors that :meth:`transform` gives side by side.
    codebook_usage_ : float
        Share of them that at least one training row uses, in [0, 1].
    codebook_perplexity_ : ndarray of shape (n_codes_,)
        For each codebook, how many vectors used alike would be as hard to guess: the
        exponential of the entropy of the training rows' codes, in
        [1, `codebook_size`].
    bits_per_row_ : float
        ``n_codes_ * log2(codebook_size)``.
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
        If less than half of the codebooks' vectors are used, the code has collapsed,
        most hidden units are dead, or the loss has not fallen; it says what to change.
    UserWarning
        If `n_codes` is more than `n_components`.

    See Also
    --------
    Autoencoder : The same without codebooks; it reconstructs better.
    VariationalAutoencoder : Learns a distribution to sample from.

    Notes
    -----
    :meth:`transform` gives the vectors of the codebooks, which suit linear models;
    :meth:`encode_codes` gives their numbers, which are categories: a difference of two
    of them means nothing. :meth:`inverse_transform` decodes any vectors as they are.

    The codebooks start at the clusters that k-means++ and ten steps of k-means find in
    encoded rows. With each batch they move by the update with exponential moving
    averages of [1]_, appendix A.1, on shares of the batch in place of counts, and with
    :math:`\gamma = \exp(-b / 10 K)` for b rows and codebooks of size K: small tables
    are too few steps for a constant near 1. A vector with less than a tenth of an equal
    share of the rows starts again at a random encoded row of the batch.

    Several small codebooks describe many more rows than one large codebook with as many
    vectors, as in product quantisation [2]_.

    References
    ----------
    .. [1] A. van den Oord, O. Vinyals and K. Kavukcuoglu, "Neural discrete
       representation learning", NeurIPS 2017.
    .. [2] H. Jégou, M. Douze and C. Schmid, "Product quantization for nearest neighbor
       search", IEEE Transactions on Pattern Analysis and Machine Intelligence 33, 2011.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.autoencoder import VQAutoencoder
    >>> X = load_digits().data / 16
    >>> autoencoder = VQAutoencoder(
    ...     n_components=8, n_codes=4, codebook_size=32, hidden_layer_sizes=(64,),
    ...     lr=0.01, max_epochs=10, random_state=0,
    ... ).fit(X[:1000])
    >>> codes = autoencoder.encode_codes(X[1000:])
    >>> codes.shape, autoencoder.bits_per_row_
    ((797, 4), 20.0)
    >>> autoencoder.decode_codes(codes).shape
    (797, 64)
    """

    _parameter_constraints = {
        **BaseAutoencoder._parameter_constraints,
        "n_codes": [Interval(Integral, 1, None, closed="left")],
        "codebook_size": [Interval(Integral, 2, None, closed="left")],
        "commitment": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=32,
        *,
        n_codes=8,
        codebook_size=64,
        commitment=0.25,
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
        self.n_codes = n_codes
        self.codebook_size = codebook_size
        self.commitment = commitment
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

    def encode_codes(self, X):
        """Encode rows as integers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        codes : ndarray of shape (n_samples, n_codes_), int64
            For each codebook, the number of the vector that is nearest to what the
            encoder gives, from 0 to ``codebook_size - 1``.
        """
        return self._apply("encode_codes", self._samples(X))

    def decode_codes(self, codes):
        """Rows from integers.

        Of the codes of :meth:`encode_codes`, it makes what :meth:`reconstruct` makes of
        the rows.

        Parameters
        ----------
        codes : array-like of shape (n_samples, n_codes_), of integers
            From 0 to ``codebook_size - 1``.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features_in_), float32

        Raises
        ------
        ValueError
            If `codes` are not such integers.
        """
        check_is_fitted(self)
        n_codes, codebook_size, _ = self.codebooks_.shape
        codes = _check_codes(codes, n_codes, codebook_size)
        Z = self.codebooks_[np.arange(n_codes), codes].reshape(len(codes), -1)
        return self._apply("decode", Rows(Z), arrange=False)

    # -- fitting -----------------------------------------------------------------

    def _plan(self, samples, targets):
        n_codes = available_codes(self.n_codes, self.n_components)
        width, rest = divmod(self.n_components, n_codes)
        if rest:
            raise ValueError(
                f"n_components={self.n_components} numbers cannot be cut into n_codes="
                f"{self.n_codes} groups of equal length; take n_components="
                f"{self.n_codes * (width + 1)}, or another n_codes."
            )
        description = {
            "network": "QuantizedEncoderDecoder",
            **self._layers(self.n_features_in_),
            "n_codes": n_codes,
            "codebook_size": int(self.codebook_size),
            "width": int(width),
        }
        reconstruction = RECONSTRUCTION_LOSSES[self.loss]()
        loss = QuantizedLoss(reconstruction, float(self.commitment))
        plan = self._reconstruction_plan(description, loss)

        def start(network, samples):
            plan.start(network, samples)
            n_rows = max(1024, 4 * self.codebook_size)
            rows = samples.take(random_index(len(samples), n_rows))
            network.start(network.arrange(rows))

        return replace(plan, start=start)

    def _finish(self, samples):
        codebooks = self.net_.module_.quantizer.codebooks
        self.codebooks_ = codebooks.cpu().numpy().copy()
        self.n_codes_ = len(self.codebooks_)
        self.bits_per_row_ = float(self.n_codes_ * np.log2(self.codebook_size))
        counts = self._count_codes(samples)
        self.codebook_usage_ = float((counts > 0).mean())
        self.codebook_perplexity_ = perplexity(counts)

    def _count_codes(self, samples):
        """How many rows have each code, of shape (n_codes, codebook_size)."""
        counts = 0
        for some in gen_batches(len(samples), COUNTED_ROWS):
            rows = Rows(samples.array[some], samples.scale)
            codes = self._apply("encode_codes", rows)
            counts = counts + np.stack(
                [
                    np.bincount(column, minlength=self.codebook_size)
                    for column in codes.T
                ]
            )
        return counts

    def _diagnose(self, samples):
        findings = self._diagnose_codes(samples)
        if self.codebook_usage_ < 0.5:
            findings.append(
                f"the training rows use {self.codebook_usage_:.0%} of the vectors in "
                f"the codebooks: take a smaller codebook_size (it is "
                f"{self.codebook_size}), train longer or lower lr"
            )
        return findings


def available_codes(n_codes, n_components):
    """The number of codes that a row's numbers allow, with a warning if it is lower."""
    if n_codes <= n_components:
        return int(n_codes)
    warn(
        f"n_codes={n_codes} is more than n_components={n_components}, and a code takes "
        f"a number at least; {n_components} are used.",
    )
    return int(n_components)


def perplexity(counts):
    """Exponential of the entropy of each row of counts."""
    shares = counts / counts.sum(axis=1, keepdims=True)
    logarithms = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.exp(-(shares * logarithms).sum(axis=1))


def _check_codes(codes, n_codes, codebook_size):
    """Codes as an array, or one sentence on what is wrong with them."""
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.shape[1] != n_codes or not len(codes):
        raise ValueError(
            f"codes have shape {codes.shape}, but (n_rows, {n_codes}) is needed, with "
            "at least one row; pass codes as encode_codes gives them."
        )
    if codes.dtype.kind not in "iu":
        raise ValueError(
            f"codes are of type {codes.dtype}, but they count the vectors of "
            "codebooks; pass integers, as encode_codes gives them."
        )
    outside = np.argwhere((codes < 0) | (codes >= codebook_size))
    if len(outside):
        row, column = outside[0]
        raise ValueError(
            f"codes[{row}, {column}] is {codes[row, column]}, but there are "
            f"{codebook_size} vectors in a codebook; pass integers from 0 to "
            f"{codebook_size - 1}."
        )
    return codes
