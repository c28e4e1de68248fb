"""A network that says of two rows whether they belong together."""

from functools import partial
from numbers import Integral

import numpy as np
from scipy.special import expit
from sklearn.metrics import accuracy_score
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._deep.estimators.base import BaseDeepEstimator
from sklearn_replearn._deep.estimators.classification import DeepClassifierMixin
from sklearn_replearn._deep.estimators.encoders import (
    ENCODER_PARAMETERS,
    describe_encoder,
    hidden_sizes,
    layer_shape,
    make_augmentation,
)
from sklearn_replearn._deep.input.samples import Rows, as_tensor
from sklearn_replearn._deep.networks.embedding import check_encoder
from sklearn_replearn._deep.networks.own_modules import N_TRIED, Module
from sklearn_replearn._deep.objectives.objective import Supervised
from sklearn_replearn._deep.training.batches import BalancedBatches, DrawnPairs
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._deep.training.splits import hold_out_couples
from sklearn_replearn._sklearn import Interval, StrOptions, _fit_context
from sklearn_replearn.metric_learning._metric_transformer import (
    class_batches,
    class_codes,
)
from sklearn_replearn.metric_learning._pair_network import (
    AllPairsLoss,
    DrawnPairsLoss,
    joined,
    joint_shape,
)
from sklearn_replearn.metric_learning._pairs import (
    read_pairs,
    read_same,
    training_pairs,
)

#: Pairs that are laid side by side at a time.
N_PAIRS_AT_A_TIME = 4096


class PairClassifier(DeepClassifierMixin, BaseDeepEstimator):
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

    Rows are rows of a table, or images in any accepted form (:ref:`guide <images>`).
    Their mean and unit do not matter, but standardise columns with different units.

    Parameters
    ----------
    n_components : int, default=32
        Number of components of an embedding.
    architecture : {"siamese", "shared", "joint"}, default="siamese"
        How the two rows meet.
    input : {"rows", "pairs"}, default="pairs"
        Whether `fit` takes rows and classes, or labeled pairs (:ref:`guide <pairs>`).
    preprocessor : array-like of shape (n_rows, n_features), default=None
        Table of rows that pairs of indices refer to (:ref:`guide <pairs>`).
    samples_per_class : int, default=4
        Number of rows of each class in a batch if ``input="rows"``
        (:ref:`guide <samples_per_class>`).
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of images given as rows. ``None``:
        rows are rows of a table (:ref:`guide <images>`).
    encoder : {"auto", "cnn", "mlp"} or torch.nn.Module, default="auto"
        "auto" is "cnn" for images and "mlp" for rows (:ref:`guide <encoder>`).
    channels : int or sequence of int, default=(32, 64, 128)
        Number of maps of each convolutional stage (:ref:`guide <channels>`).
    kernel_size : int, default=3
        Side of the kernels in pixels, an odd number (:ref:`guide <channels>`).
    augment : str or sequence, default=None
        Random changes in training: names such as "flip", or a preset such as "strong"
        (:ref:`guide <augment>`).
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, such as {0: 1.0, 1: 5.0} (:ref:`guide <class_weight>`).
    hidden_layer_sizes : int or sequence of int, default=(256,)
        Number of units of each hidden layer before the embedding; with "shared", also
        of each hidden layer after it.
    activation : str, default="relu"
        Function of the hidden units: "relu", "leaky_relu", "prelu", "elu", "gelu",
        "silu", "tanh", "logistic" or "identity".
    max_epochs : int, default=30
        Number of passes over the training rows; early stopping can end them sooner.
    batch_size : int or "auto", default="auto"
        Number of rows in a batch; "auto" is a sixteenth of all, from 16 up to 128.
    lr : float, default=1e-3
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
    classes_ : ndarray of shape (2,)
        The labels of pairs, as y has them; 0 and 1 with ``input="rows"``. The larger
        one means that the rows belong together.
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
    n_dead_units_ : int
        Number of hidden units that are the same for all rows (:ref:`guide <health>`).
    n_features_in_ : int
        Number of features seen in :meth:`fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

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
        **DeepClassifierMixin._parameter_constraints,
        **BaseDeepEstimator._parameter_constraints,
        **ENCODER_PARAMETERS,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "architecture": [StrOptions({"siamese", "shared", "joint"})],
        "input": [StrOptions({"rows", "pairs"})],
        "preprocessor": ["array-like", None],
        "samples_per_class": [Interval(Integral, 2, None, closed="left")],
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
            Validation data, pairs or rows as X, in place of those held out
            (:ref:`guide <early_stopping>`).
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
            If data or parameters are wrong, or the training diverges. The estimator is
            then as it was before.
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
        samples = self._rows(rows, reset=False)
        if self.net_.description["architecture"] == "joint":
            return self._judge_jointly(samples, pairs)
        Z = self._apply("embed", samples)
        Z = Z[pairs].reshape(len(pairs), -1)
        return self._apply("compare", Rows(Z), arrange=False)[:, 0]

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

    # -- training --------------------------------------------------------------

    def _read(self, X, y, *, reset):
        if self.input == "pairs":
            samples, targets = training_pairs(self, X, y, reset=reset)
            if reset:
                self.classes_ = np.unique(y)
            return samples, targets
        samples = self._rows(X, reset=reset)
        self.classes_ = np.array([0, 1])  # those of pairs
        return samples, class_codes(self, samples.array, y)

    def _plan(self, samples, targets):
        shape = layer_shape(self)
        is_joint = self.architecture == "joint"
        # Each row is embedded once if all pairs of a batch are learned from.
        all_pairs = self.input == "rows" and self.architecture == "siamese"
        description = {
            "network": "PairNetwork",
            "architecture": self.architecture,
            "encoder": describe_encoder(
                self, joint_shape(shape) if is_joint else shape, self.channels
            ),
            "shape": shape,
            "n_components": int(self.n_components),
            "hidden_sizes": hidden_sizes(self),
            "activation": self.activation,
            "standardize": not isinstance(self.encoder, Module),
            "all_pairs": all_pairs,
        }
        augment = make_augmentation(self.augment, shape)
        start = partial(_start, n_components=self.n_components)
        if self.input == "pairs":
            loss = self._cross_entropy(targets, samples.weights)
            return Plan(description, Supervised(loss, augment), start=start)
        half_of_either = as_tensor(np.array([0, 1]))
        make_loss = AllPairsLoss if all_pairs else DrawnPairsLoss
        loss = make_loss(self._cross_entropy(half_of_either))
        return Plan(
            description,
            Supervised(loss, augment),
            sampler=class_batches(self, BalancedBatches if all_pairs else DrawnPairs),
            split=hold_out_couples,
            start=start,
        )

    # -- health ----------------------------------------------------------------

    def _diagnose(self, samples):
        findings = self._find_dead_units(_pairs_of_both_kinds(samples))
        return findings + self._compare_with_guessing(
            "the shares of both kinds of pairs"
        )

    # -- judging ---------------------------------------------------------------

    def _judge_jointly(self, samples, pairs):
        """Log odds of pairs whose rows go through the network as one."""
        found = []
        for some in gen_batches(len(pairs), N_PAIRS_AT_A_TIME):
            rows = samples.array[pairs[some]].reshape(len(pairs[some]), -1)
            found.append(self._apply("encode", Rows(rows, samples.scale)))
        return np.concatenate(found)[:, 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_class = False
        return tags


def _start(network, samples, *, n_components):
    """Let an encoder of the user embed some rows."""
    if network.standardize:
        return
    rows = samples.first(N_TRIED)
    if network.architecture == "joint":
        rows = joined(rows)
    check_encoder(network.embedding, rows, n_components)


def _pairs_of_both_kinds(samples):
    """Each of some rows with itself, and with another one, as rows."""
    rows = samples.some().array
    pairs = np.stack([rows, rows, rows, np.roll(rows, 1, axis=0)], axis=1)
    return Rows(pairs.reshape(-1, 2, rows.shape[1]), samples.scale)
