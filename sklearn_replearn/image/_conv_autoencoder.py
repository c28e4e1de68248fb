"""An autoencoder of convolutions, for images and for signals."""

from numbers import Integral

import numpy as np

from sklearn_replearn._deep.estimators.encoders import hidden_sizes, whole_numbers
from sklearn_replearn._deep.estimators.reconstruction import BaseAutoencoder
from sklearn_replearn._deep.networks.convolutions import odd_kernel_size
from sklearn_replearn._deep.objectives.losses import RECONSTRUCTION_LOSSES
from sklearn_replearn._images import channels_first_shape, shape_of
from sklearn_replearn._sklearn import Interval


class ConvAutoencoder(BaseAutoencoder):
    r"""Codes of images from which convolutions can reconstruct them.

    An encoder :math:`f` with `n_components` outputs and a decoder :math:`g` are trained
    together to minimise

    .. math:: \frac{1}{n d} \sum_i \lVert x_i - g(f(x_i)) \rVert^2

    over the d values of n images (or the cross-entropy of :math:`x_{ij}` and the
    decoded probabilities). Each stage of the encoder is a convolution at every second
    pixel, which halves the sides, rounded up, and an activation; linear layers make the
    code of the last stage's maps [1]_. The decoder has the same layers backwards, with
    transposed convolutions [2]_. A map has the same weights at every place, so that
    there is less to learn than for
    :class:`~sklearn_replearn.autoencoder.Autoencoder`, which has weights of their own
    for each pixel.

    X holds images in any accepted form, or rows as signals with one channel, whose
    convolutions have one dimension (:ref:`guide <images>`). Its mean and its unit do
    not matter.

    Parameters
    ----------
    n_components : int, default=32
        Number of components of a code; it may be more than the number of features.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of images given as rows. ``None``:
        rows are signals (:ref:`guide <images>`).
    channels : int or sequence of int, default=(16, 32)
        Number of maps of each convolutional stage (:ref:`guide <channels>`).
    kernel_size : int, default=3
        Side of the kernels in pixels, an odd number of at least 3
        (:ref:`guide <channels>`).
    loss : {"squared_error", "binary_cross_entropy"}, default="squared_error"
        Mean squared error, or, for values in [0, 1], mean cross-entropy of the decoded
        probabilities in nats.
    encoder : torch.nn.Module, default=None
        Encoder in place of the one of `channels`, with `n_components` outputs
        (:ref:`guide <encoder>`).
    decoder : torch.nn.Module, default=None
        The same for the decoder: from (n_images, n_components) to the encoder's input
        (:ref:`guide <encoder>`).
    hidden_layer_sizes : int or sequence of int, default=()
        Number of units of each hidden layer between the last maps and the code, and in
        reverse order of the decoder.
    activation : str, default="relu"
        Function of the hidden units: "relu", "leaky_relu", "prelu", "elu", "gelu",
        "silu", "tanh", "logistic" or "identity".
    max_epochs : int, default=50
        Number of passes over the training rows; early stopping can end them sooner.
    batch_size : int or "auto", default="auto"
        Number of rows in a batch; "auto" is a sixteenth of all, from 16 up to 128.
    lr : float, default=5e-3
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
    n_iter_ : int
        Number of epochs.
    effective_rank_ : float
        Number of directions in which the vectors of rows vary (:ref:`guide <health>`).
    n_dead_units_ : int
        Number of hidden units that are the same for all rows (:ref:`guide <health>`).
    n_features_in_ : int
        Number of values of an image.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

    Warns
    -----
    ConvergenceWarning
        If the code has collapsed, most hidden units are dead, or the loss has not
        fallen; it says what to change.

    See Also
    --------
    sklearn_replearn.autoencoder.Autoencoder : For rows without neighbourhoods.
    sklearn_replearn.plotting.ReconstructionDisplay : Images beside reconstructions.

    Notes
    -----
    What :meth:`as_module` gives takes a float tensor of any of these forms; the layers
    in it have the channels first.

    References
    ----------
    .. [1] J. Masci, U. Meier, D. Ciresan and J. Schmidhuber, "Stacked convolutional
       auto-encoders for hierarchical feature extraction", ICANN 2011.
    .. [2] M. D. Zeiler, D. Krishnan, G. W. Taylor and R. Fergus, "Deconvolutional
       networks", CVPR 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.image import ConvAutoencoder
    >>> images = load_digits().images / 16
    >>> autoencoder = ConvAutoencoder(
    ...     n_components=8, channels=(16,), lr=0.03, max_epochs=10, random_state=0
    ... ).fit(images[:1000])
    >>> autoencoder.transform(images[1000:]).shape
    (797, 8)
    >>> autoencoder.reconstruct(images[1000:]).shape
    (797, 8, 8)
    >>> f"{autoencoder.score(images[1000:]):.1f}"  # 0.6 from 8 principal components
    '0.7'
    """

    _parameter_constraints = {
        **BaseAutoencoder._parameter_constraints,
        "image_shape": [tuple, list, None],
        "channels": ["array-like", Interval(Integral, 1, None, closed="left")],
        "kernel_size": [Interval(Integral, 3, None, closed="left")],
    }

    def __init__(
        self,
        n_components=32,
        *,
        image_shape=None,
        channels=(16, 32),
        kernel_size=3,
        loss="squared_error",
        encoder=None,
        decoder=None,
        hidden_layer_sizes=(),
        activation="relu",
        max_epochs=50,
        batch_size="auto",
        lr=5e-3,
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
        self.image_shape = image_shape
        self.channels = channels
        self.kernel_size = kernel_size
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

    def inverse_transform(self, X):
        """Images from their codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)

        Returns
        -------
        X_original : ndarray
            Of the shape that the X of :meth:`fit` had, but for the number of samples.
            If the images of :meth:`fit` were uint8, in [0, 1] for their [0, 255].
        """
        return self._as_in_fit(self._decode(X))

    def reconstruct(self, X):
        """Images, encoded and decoded.

        Parameters
        ----------
        X : array-like

        Returns
        -------
        X_reconstructed : ndarray
            As :meth:`inverse_transform` gives it.
        """
        return self._as_in_fit(self._apply("reconstruct", self._samples(X)))

    def _as_in_fit(self, images):
        """Images with their channels first, in the form of the X of `fit`."""
        return np.moveaxis(images, 1, -1).reshape(len(images), *self._sample_shape)

    def _plan(self, samples, targets):
        shape = channels_first_shape(self.image_shape_)
        layers = {
            "shape": shape,
            "channels": self._channels(),
            "kernel_size": odd_kernel_size(self.kernel_size),
            "hidden_sizes": hidden_sizes(self),
            "n_components": int(self.n_components),
            "activation": self.activation,
        }
        encoder, decoder = (
            {"layers": name, **layers} if own is None else own
            for name, own in (
                ("conv_encoder", self.encoder),
                ("conv_decoder", self.decoder),
            )
        )
        description = {
            "network": "EncoderDecoder",
            "encoder": encoder,
            "decoder": decoder,
            "shape": shape,
            "binary": self.loss == "binary_cross_entropy",
        }
        return self._reconstruction_plan(
            description, RECONSTRUCTION_LOSSES[self.loss]()
        )

    def _channels(self):
        channels = whole_numbers("channels", self.channels, "channels")
        if not channels:
            raise ValueError(
                "channels is empty, but at least one stage of convolutions is needed; "
                "take sklearn_replearn.autoencoder.Autoencoder for none."
            )
        return channels

    def _read(self, X, y, *, reset):
        samples = self._rows(X, reset=reset)
        if reset:
            self._sample_shape = shape_of(X)[1:]
        return samples, None
