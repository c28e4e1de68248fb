"""A network that says of two rows whether they belong together."""

from numbers import Integral

import numpy as np
from scipy.special import expit
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._deep.estimators.base import N_TRIED, BaseDeepEstimator, some_rows
from sklearn_replearn._deep.estimators.classification import DeepClassifierMixin
from sklearn_replearn._deep.input.tensors import as_tensor
from sklearn_replearn._deep.networks.embedding import check_encoder
from sklearn_replearn._deep.networks.own_modules import Module
from sklearn_replearn._deep.training.samplers import (
    BalancedBatches,
    DrawnPairs,
    PairBatches,
)
from sklearn_replearn._image_input import ImageInput
from sklearn_replearn._sklearn import Interval, StrOptions, _fit_context
from sklearn_replearn.metric_learning._class_batches import ClassBatches
from sklearn_replearn.metric_learning._neural_encoder import NeuralEncoder
from sklearn_replearn.metric_learning._pair_network import (
    AllPairsLoss,
    DrawnPairsLoss,
    joint_shape,
)
from sklearn_replearn.metric_learning._pairs import (
    Preprocessor,
    read_pairs,
    read_same,
    training_pairs,
)

#: Pairs that are laid side by side at a time.
N_PAIRS_AT_A_TIME = 4096


class PairClassifier(
    ImageInput,
    NeuralEncoder,
    ClassBatches,
    Preprocessor,
    DeepClassifierMixin,
    BaseDeepEstimator,
):
    r"""A network that says of two rows whether they belong together.

    It is trained by the binary cross-entropy of labelled pairs. With an encoder
    :math:`f`, the log odds that the rows :math:`x` and :math:`x'` belong together are,
    by `architecture`,

    ========== ==========================================================
    "siamese"  :math:`b + \sum_i w_i \, \lvert f_i(x) - f_i(x') \rvert`
    "shared"   :math:`g(f(x), f(x'))`, with hidden layers in :math:`g`
    "joint"    :math:`g(f(x, x'))`, a single network of both rows at once
    ========== ==========================================================

    "siamese" is the network of [1]_, in the manner of [2]_, and judges (x, x') and
    (x', x) alike. The other two can also learn relations that have a direction. "joint"
    sees the rows side by side, and images as the channels of one; it can compare them
    place by place, and needs the most data.

    :meth:`fit` takes labelled pairs, as an array of shape (n_pairs, 2, n_features), or
    (n_pairs, 2) with indices of rows of `preprocessor`, and y has 1 for pairs that
    belong together and 0 (or -1) for those that do not. With ``input="rows"`` it takes
    rows and their classes, and forms pairs of the rows of each batch, in which classes
    are as frequent as each other: with "siamese" all pairs, of which those of one class
    count as much as those of two; with the others one pair for each row, in turn with
    a row of its class and with one of another. All other methods take pairs in any
    case. Where a parameter speaks of training rows, it means what :meth:`fit` is given:
    pairs, or rows.

    Rows are rows of a table, or images in one of these forms, with the channels last:
    rows and `image_shape`, images of shape (height, width), or of shape (height,
    width, channels). Images of uint8 stand for [0, 1]: they are divided by 255, a batch
    at a time; images in another unit than those of :meth:`fit` are refused. All other
    numbers, and tables, are taken as they are. Their mean and their unit do not matter,
    but where columns have different units, standardise them.

    Parameters
    ----------
    n_components : int, default=32
        Numbers of an embedding f.
    architecture : {"siamese", "shared", "joint"}, default="siamese"
        How the two rows meet.
    input : {"pairs", "rows"}, default="pairs"
        What :meth:`fit` learns from: pairs of rows and whether they belong together; or
        rows and their classes, where rows of one class do.
    preprocessor : array-like of shape (n_rows, n_features), default=None
        A table of rows. Pairs are pairs of indices into it, then. Only rows that are in
        a pair of :meth:`fit` are learned from.
    samples_per_class : int, default=4
        With ``input="rows"``, rows of a class in a batch (all that it has, if they are
        fewer), so that ``batch_size / samples_per_class`` classes are in it. Where
        there are fewer classes, all of them are in each batch, with more rows each.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of the images that rows hold.
        ``None`` takes it from an array of images, and reads rows as rows of a table.
    encoder : {"auto", "cnn", "mlp"} or torch.nn.Module, default="auto"
        "mlp" has the hidden layers of `hidden_layer_sizes`; "cnn" has the stages of
        `channels` before them, and reads rows that are no images as signals. "auto" is
        "cnn" for images and "mlp" for rows. A module takes float32 tensors of shape
        (n_samples, n_features), (n_samples, channels, height, width) for images, and
        gives (n_samples, n_components); "joint" gives it twice the features, or twice
        the channels. It is copied, and never changed.
    channels : int or sequence of int, default=(32, 64, 128)
        Number of maps of each stage of "cnn": a convolution that keeps the sides, the
        maximum of 2 x 2 pixels, batch normalisation and the activation.
    kernel_size : int, default=3
        Side of the kernels of "cnn" in pixels, an odd number.
    augment : str or sequence, default=None
        Random changes of the training images, new in each epoch and for each image:
        names, or pairs of a name and its amount, as in
        :class:`~sklearn_replearn.image.CNNFeatureExtractor`: "flip", "crop", "scale",
        "rotate", "shift", "color_jitter", "noise". For rows that are no images,
        "noise" alone.
    class_weight : dict, "balanced" or None, default=None
        Weights of the two kinds of pairs by their labels, {0: 1.0, 1: 5.0} for example.
        "balanced" lets both count as much in all; ``None`` lets each pair count as
        much. With ``input="rows"`` there are as many of either from the start, and the
        labels are 0 and 1.
    hidden_layer_sizes : int or sequence of int, default=(256,)
        Units of the hidden layers before the embedding; with "shared" also of those
        after it.
    activation : str, default="relu"
        Function of the hidden units: "relu", "leaky_relu", "prelu", "elu", "gelu",
        "silu", "tanh", "logistic" or "identity".
    max_epochs : int, default=30
        Passes over the training rows.
    batch_size : int or "auto", default="auto"
        Rows in a step of the optimizer. "auto" is a sixteenth of the rows, but at
        least 16 and at most 128.
    lr : float, default=1e-3
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
        First weights, order of the pairs, or the batches and the pairs drawn from
        them, augmentation, and what is held out.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels of pairs, as y has them; 0 and 1 with ``input="rows"``. The larger
        one means that the rows belong together.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is its network, ``net_.callbacks_`` the
        callbacks, ``net_.history`` what happened in each epoch. Only the network is
        saved.
    loss_curve_ : list of float
        Mean loss of a pair in each epoch of the training.
    validation_loss_curve_ : list of float or None
        The same for the pairs, or rows, held out, or for `X_val`.
    n_iter_ : int
        Number of epochs.
    n_dead_units_ : int
        Hidden units that give the same value for every training row.
    image_shape_ : tuple of int
        (height, width, channels) of the images of :meth:`fit`; (n_features, 1) of rows.
    n_features_in_ : int
        Number of values of a row.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has string column names.

    Warns
    -----
    ConvergenceWarning
        If the loss is that of guessing, most hidden units are dead, or the loss has not
        fallen; it says what to change. `n_dead_units_` is found from at most 512
        training rows, each beside itself and beside another.

    See Also
    --------
    PairVerifier : The same question, by a threshold on the similarity of embeddings.
    SiameseTransformer : Embeddings of rows, learned from pairs.

    References
    ----------
    .. [1] G. Koch, R. Zemel and R. Salakhutdinov, "Siamese neural networks for one-shot
       image recognition", ICML Deep Learning Workshop 2015.
    .. [2] J. Bromley, I. Guyon, Y. LeCun, E. Säckinger and R. Shah, "Signature
       verification using a 'Siamese' time delay neural network", NIPS 1993.

    Examples
    --------
    Learned from images of digits and their classes, asked of other images:

    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_replearn.metric_learning import PairClassifier
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     *load_digits(return_X_y=True), random_state=0
    ... )
    >>> classifier = PairClassifier(
    ...     8, input="rows", max_epochs=5, random_state=0
    ... ).fit(X_train, y_train)
    >>> pairs, digits = X_test.reshape(-1, 2, 64), y_test.reshape(-1, 2)
    >>> same = (digits[:, 0] == digits[:, 1]).astype(int)
    >>> classifier.predict_proba(pairs).shape
    (225, 2)
    >>> classifier.score(pairs, same) > 0.9
    True
    """

    _parameter_constraints = {
        **BaseDeepEstimator._parameter_constraints,
        **DeepClassifierMixin._parameter_constraints,
        **ImageInput._parameter_constraints,
        **NeuralEncoder._parameter_constraints,
        **ClassBatches._parameter_constraints,
        **Preprocessor._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "architecture": [StrOptions({"siamese", "shared", "joint"})],
        "input": [StrOptions({"pairs", "rows"})],
    }

    def __init__(
        self,
        n_components=32,
        *,
        architecture="siamese",
        input="pairs",
        preprocessor=None,
        samples_per_class=4,
        image_shape=None,
        encoder="auto",
        channels=(32, 64, 128),
        kernel_size=3,
        augment=None,
        class_weight=None,
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
        self.architecture = architecture
        self.input = input
        self.preprocessor = preprocessor
        self.samples_per_class = samples_per_class
        self.image_shape = image_shape
        self.encoder = encoder
        self.channels = channels
        self.kernel_size = kernel_size
        self.augment = augment
        self.class_weight = class_weight
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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y=None,
        X_val=None,
        y_val=None,
        sample_weight=None,
        sample_weight_val=None,
    ):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_pairs, 2, n_features)
            Pairs of rows, or of images; or indices of rows of `preprocessor`, of shape
            (n_pairs, 2). With ``input="rows"`` rows, or images, of shape (n_samples,
            n_features).
        y : array-like of shape (n_pairs,) or (n_samples,)
            For each pair 1 if its rows belong together, and 0 (or -1) if not: some of
            either. Of rows the classes, numbers or strings: at least two, of which one
            at least has two rows.
        X_val : array-like, default=None
            Validation data: pairs, or with ``input="rows"`` rows, read as X is. All
            samples of X are trained with, and `validation_loss_curve_` is the loss on
            these. Without early stopping it is only recorded.
        y_val : array-like, default=None
            Labels of the pairs of `X_val`. Or classes of its rows, which may be others
            than those of y.
        sample_weight : array-like of shape (n_pairs,), default=None
            How much each pair counts in the loss, relative to the others: at least 0,
            and pairs with 0 are left out. Only with ``input="pairs"``: pairs that are
            formed of rows have none.
        sample_weight_val : array-like of shape (n_validation,), default=None
            The same for the pairs of `X_val`.

        Returns
        -------
        self : PairClassifier

        Raises
        ------
        ValueError
            If the data are not so, if parameters contradict each other, or if the
            training diverges. The estimator is then as it was before.
        """
        is_weighted = sample_weight is not None or sample_weight_val is not None
        if is_weighted and self.input == "rows":
            raise ValueError(
                "sample_weight is of pairs, but with input='rows' pairs are formed of "
                "the rows of each batch; pass pairs, or no sample_weight."
            )
        return self._fit(X, y, X_val, y_val, sample_weight, sample_weight_val)

    def predict(self, X):
        """Whether the rows of each pair belong together.

        Parameters
        ----------
        X : array-like of shape (n_pairs, 2, n_features), or (n_pairs, 2)
            Pairs as in :meth:`fit`, also where that took rows.

        Returns
        -------
        y : ndarray of shape (n_pairs,)
            Of `classes_`, the larger if the log odds are above 0.
        """
        is_same = self.decision_function(X) > 0
        return self.classes_[is_same.astype(int)]

    def predict_proba(self, X):
        """Probabilities that the rows of each pair do not, and do, belong together.

        Parameters
        ----------
        X : array-like of shape (n_pairs, 2, n_features), or (n_pairs, 2)

        Returns
        -------
        probabilities : ndarray of shape (n_pairs, 2)
            In the order of `classes_`.
        """
        log_odds = self.decision_function(X)
        return expit(np.stack([-log_odds, log_odds], axis=1))

    def decision_function(self, X):
        """Log odds that the rows of each pair belong together.

        Parameters
        ----------
        X : array-like of shape (n_pairs, 2, n_features), or (n_pairs, 2)

        Returns
        -------
        log_odds : ndarray of shape (n_pairs,)
            In X's own precision; integers give float32.
        """
        check_is_fitted(self)
        rows, pairs = read_pairs(X, self.preprocessor)
        rows = self._validate(rows)
        if self.net_.description["architecture"] == "joint":
            return self._judge_jointly(rows, pairs)
        Z = self._map_validated("embed", rows)
        Z = Z[pairs].reshape(len(pairs), -1)
        return self._map_validated("compare", Z, arrange=False)[:, 0]

    def score(self, X, y, sample_weight=None):
        """Share of the pairs of which it is right whether they belong together.

        Parameters
        ----------
        X : array-like of shape (n_pairs, 2, n_features), or (n_pairs, 2)
        y : array-like of shape (n_pairs,)
            1 if they do, 0 or -1 if not.
        sample_weight : array-like of shape (n_pairs,), default=None
            How much each pair counts.

        Returns
        -------
        accuracy : float
        """
        found = self.decision_function(X) > 0
        is_same = read_same(self, found, y, both=False)
        return float(accuracy_score(is_same, found, sample_weight=sample_weight))

    def as_module(self, layer=None):
        """A copy of the trained network, for gradients and for other torch code.

        Parameters
        ----------
        layer : str, default=None
            Name of the layer whose output is wanted, one of those that
            ``as_module().network.named_modules()`` names. ``None`` gives the log odds
            that the rows of each pair belong together, as a column.

        Returns
        -------
        module : torch.nn.Module
            In evaluation mode. It takes a float32 tensor of pairs, as :meth:`predict`
            does (uint8 images as [0, 1]); inside, the channels of images come first.

        Raises
        ------
        ValueError
            If there is no such layer; the message lists those that there are.
        """
        return super().as_module(layer)

    # -- training --------------------------------------------------------------

    def _training_set(self, X, y, *, reset=True):
        if self.input == "rows":
            return super()._training_set(X, y, reset=reset)
        data = training_pairs(self, X, y, reset=reset)
        if reset:
            self.classes_ = np.unique(y)
        return data

    def _validate_targets(self, X, y, *, reset=True):
        """Codes of the classes of rows; sets `classes_`, which are those of pairs."""
        codes = super()._validate_targets(X, y, reset=reset)
        self.classes_ = np.array([0, 1])
        return codes

    def _takes_all_pairs(self):
        """Whether all pairs of a batch are learned from: each row is embedded once."""
        return self.input == "rows" and self.architecture == "siamese"

    def _design(self, data):
        shape = self._layer_shape()
        is_joint = self.architecture == "joint"
        description = {
            "network": "PairNetwork",
            "architecture": self.architecture,
            "encoder": self._encoder(joint_shape(shape) if is_joint else shape),
            "shape": shape,
            "n_components": int(self.n_components),
            "hidden_sizes": self._hidden_sizes(),
            "activation": self.activation,
            "standardize": not isinstance(self.encoder, Module),
            "all_pairs": self._takes_all_pairs(),
        }
        return description, self._criterion(data)

    def _criterion(self, data):
        if self.input == "pairs":
            return self._make_criterion(data.targets, data.weights)
        half_of_either = as_tensor(np.array([0, 1]))
        make = AllPairsLoss if self._takes_all_pairs() else DrawnPairsLoss
        return make(self._make_criterion(half_of_either))

    def _prepare_network(self, module, X):
        module.take_center(*self._mean_and_spread(module, X))
        if self._kind() == "own":
            rows = X[:N_TRIED]
            if self.architecture == "joint":
                rows = np.concatenate([rows, rows[::-1]], axis=1)
            rows = self._rows_to_try(rows)
            check_encoder(module.embedding, rows, self.n_components)

    def _augmentation(self, module):
        return self._make_augmentation(module.shape, float(module.embedding.spread))

    def _sampler(self, data, batch_size, device, index, *, shuffle=True):
        if data.pairs is not None:
            pairs, index = data.pairs.to(device), index.to(device)
            return PairBatches(pairs, index, batch_size, shuffle=shuffle)
        return self._balanced_batches(
            data,
            batch_size,
            device,
            index,
            shuffle=shuffle,
            make=BalancedBatches if self._takes_all_pairs() else DrawnPairs,
        )

    # -- health ----------------------------------------------------------------

    def _examine(self, X):
        findings = self._examine_units(_pairs_of_both_kinds(X))
        return findings + self._compare_with_guessing(
            "the shares of both kinds of pairs"
        )

    # -- judging ---------------------------------------------------------------

    def _judge_jointly(self, rows, pairs):
        """Log odds of pairs whose rows go through the network as one."""
        found = [
            self._map_validated("encode", rows[some].reshape(len(some), -1))
            for some in np.split(
                pairs, range(N_PAIRS_AT_A_TIME, len(pairs), N_PAIRS_AT_A_TIME)
            )
        ]
        return np.concatenate(found)[:, 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_class = False
        return tags


def _pairs_of_both_kinds(X):
    """Each of some rows with itself, and with another one."""
    rows = some_rows(X)
    pairs = np.stack([rows, rows, rows, np.roll(rows, 1, axis=0)], axis=1)
    return pairs.reshape(-1, 2, rows.shape[1])
