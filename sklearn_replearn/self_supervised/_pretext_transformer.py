"""Features of rows, images or signals from a task that is made of them."""

from functools import partial

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.estimators.embeddings import (
    diagnose_embeddings,
    record_health,
)
from sklearn_replearn._deep.estimators.encoders import layer_shape, make_augmentation
from sklearn_replearn._deep.networks.own_modules import N_TRIED
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._deep.training.seeding import seeded
from sklearn_replearn._sklearn import StrOptions
from sklearn_replearn.self_supervised._pretext_checks import (
    check_kind,
    check_sides,
    some_scaled,
    try_task,
)
from sklearn_replearn.self_supervised._pretext_network import Answers, start_pretext
from sklearn_replearn.self_supervised._pretext_tasks import TASKS, PretextTask
from sklearn_replearn.self_supervised._views import (
    PROJECTION_PARAMETERS,
    describe_projection,
)

#: Rows that questions are made of at a time, after the training.
N_ASKED = 256

#: Variances below this share of the mean square are those of rounding.
ROUNDING = 1e-10

#: What to change if the network learns nothing.
REMEDY = "change lr, train longer, or take an easier task"


class PretextTransformer(BaseDeepTransformer):
    r"""Features without labels: a network learns a task whose answers are in the data.

    A task makes questions :math:`q` and answers :math:`a` of each row: by how much was
    this image turned, what stood in the hidden places? A network :math:`f` and a head
    :math:`g` are trained to answer. With classes as answers, the loss is the mean
    cross-entropy,

    .. math:: L = -\frac{1}{n} \sum_i \log \operatorname{softmax}(g(f(q_i)))_{a_i};

    with values it is the mean squared error in the places that are asked for, in units
    of the standard deviation of X. A question in several parts, such as tiles, is
    :math:`g(f(q_1), f(q_2), \dots)`: the same network sees each part. What :math:`f`
    has to find out for the task is often what a later classifier needs, and
    :meth:`transform` reads a layer of it; there, batch normalization uses statistics of
    rows as they are.

    * "rotation", :class:`Rotation`: by how many quarters was an image turned [1]_?
    * "relative_position", :class:`RelativePosition`: where is a tile of an image, or a
      segment of a signal, seen from another one [2]_?
    * "jigsaw", :class:`Jigsaw`: in which order are the tiles, or the segments [3]_?
    * "colorization", :class:`Colorization`: which colors has a gray image [4]_?
    * "inpainting", :class:`Inpainting`: which values of an image, a signal or a row
      are hidden [5]_?
    * your own :class:`PretextTask` (:ref:`guide <own_task>`).

    X holds rows of a table, or images in one of these forms, with the channels last:
    rows and `image_shape`, an array of shape (n_samples, height, width), or one of
    shape (n_samples, height, width, channels). With ``encoder="cnn"`` rows without an
    `image_shape` are signals of one channel. Images of uint8 stand for [0, 1]: they are
    divided by 255, a batch at a time; images in another unit than those of :meth:`fit`
    are refused. Standardise columns that have different units.

    Parameters
    ----------
    task : str or PretextTask, default="auto"
        "rotation", "relative_position", "jigsaw", "colorization" or "inpainting", with
        its defaults, or a task; it is cloned, and :meth:`fit` leaves it as it is.
        "auto" is "rotation" for square images and "inpainting" for all else.
    n_components : int, default=128
        Number of units of the last layer before the head, and of the features with
        ``layer="embedding"``.
    projection_sizes : int or sequence of int, default=(128,)
        Number of units of each hidden layer of the head; ``()`` is none.
    layer : str, default="auto"
        Layer that :meth:`transform` reads: "embedding" for the `n_components` values
        before the head, or "stage1", "stage2", ... for the maps of a convolutional
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
    augment : str or sequence, default=None
        Random changes of training rows before the task is made of them, such as
        "noise" (:ref:`guide <augment>`). A change must leave the answer as it is.
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
    task_ : PretextTask
        The clone of `task` that the network was trained on.
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
        "mean_norm", "spread" and "effective_rank" of each epoch
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
        If the answers are no better than without looking at the question, most hidden
        units are dead, or the loss has not fallen; it says what to change.
        `effective_rank_` and `n_dead_units_` are found from at most 512 training rows.

    See Also
    --------
    SimCLR : Compares random views of rows.
    sklearn_replearn.image.ConvAutoencoder : Reconstructs whole images.

    References
    ----------
    .. [1] S. Gidaris, P. Singh and N. Komodakis, "Unsupervised representation learning
       by predicting image rotations", ICLR 2018.
    .. [2] C. Doersch, A. Gupta and A. A. Efros, "Unsupervised visual representation
       learning by context prediction", ICCV 2015.
    .. [3] M. Noroozi and P. Favaro, "Unsupervised learning of visual representations
       by solving jigsaw puzzles", ECCV 2016.
    .. [4] R. Zhang, P. Isola and A. A. Efros, "Colorful image colorization", ECCV
       2016.
    .. [5] D. Pathak, P. Krähenbühl, J. Donahue, T. Darrell and A. A. Efros, "Context
       encoders: feature learning by inpainting", CVPR 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.self_supervised import PretextTransformer
    >>> X = load_digits().images / 16
    >>> encoder = PretextTransformer(
    ...     "rotation", channels=(8, 16), max_epochs=2, random_state=0
    ... ).fit(X[:500])
    >>> encoder.transform(X[500:]).shape
    (1297, 128)
    >>> encoder.score(X[500:]) > 0.5  # of four turns
    True
    >>> encoder.predict_task(X[500:502]).shape
    (2, 4)
    """

    _parameter_constraints = {
        **BaseDeepTransformer._parameter_constraints,
        **PROJECTION_PARAMETERS,
        "task": [StrOptions({"auto", *TASKS}), PretextTask],
        "augment": [*PROJECTION_PARAMETERS["augment"], None],
    }

    def __init__(
        self,
        task="auto",
        n_components=128,
        *,
        projection_sizes=(128,),
        layer="auto",
        pool_size=4,
        image_shape=None,
        encoder="auto",
        channels="auto",
        kernel_size=3,
        augment=None,
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
        self.task = task
        self.n_components = n_components
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
        r"""How well the network answers: the accuracy, or R² for values.

        Questions are drawn with a fixed seed. R² is the share of the variance of the
        values that are asked for,

        .. math:: 1 - \frac{\sum (a - \hat a)^2}{\sum (a - \bar a)^2},

        with the mean over the rows of X, place by place. The score compares estimators
        with the same task. It does not say how much the features help a classifier: an
        easier task has a higher score, and often worse features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        score : float
            At most 1.
        """
        if self._task_of_classes():
            right = self._ask(X, lambda _, targets, out: out.argmax(1) == targets)
            return float(np.concatenate(right).mean())
        sums = [np.float64(part) for part in zip(*self._ask(X, _moments), strict=True)]
        errors, counts, totals, squares = (part.sum(axis=0) for part in sums)
        is_asked = counts > 0
        means = totals[is_asked] / counts[is_asked]
        total = (squares[is_asked] - means * totals[is_asked]).sum()
        if total <= ROUNDING * squares.sum():
            return 1.0 if errors <= ROUNDING * squares.sum() else 0.0
        return float(1 - errors / total)

    def predict_task(self, X):
        """What the network answers to the questions of :meth:`make_task`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        answers : ndarray of shape (n_samples, ...)
            Classes, of shape (n_samples,), or (n_samples, n_questions) where the task
            asks several questions of a row: the predicted turn of each of the turns of
            an image, the neighbor, or the number of the order in
            ``task_.permutations_``. Values in the layout and unit of X if there is one
            for each value of X: images with the predicted colors, or with the hidden
            places filled; otherwise as the task has them.
        """
        n = np.shape(X)[0]
        if self._task_of_classes():
            parts = self._ask(X, lambda _, targets, out: out.argmax(1))
            return _by_rows(np.concatenate(parts), n)
        parts = self._ask(X, self.task_.complete)
        answers = np.concatenate(parts)
        network = self.net_.module_
        if list(answers.shape[1:]) == network.shape:
            answers = self._in_unit_of(X, answers)
            if len(answers) == n:
                return answers.reshape(np.shape(X))
        return _by_rows(answers, n)

    def make_task(self, X):
        """Questions of the task, and the right answers, as :meth:`score` has them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        inputs : ndarray of shape (n_samples, [n_questions, n_parts,] ...)
            What the network is shown, in the unit of X and with the channels last,
            behind one axis for the questions of a row if there are several, and one for
            the parts of a question if it has parts.
        answers : ndarray of shape (n_samples, [n_questions,] ...)
            Classes; or values, in units of the standard deviation of X, NaN where
            nothing is asked.
        """
        n = np.shape(X)[0]
        pairs = self._ask(X, lambda inputs, targets, _: (inputs, targets))
        inputs, targets = map(np.concatenate, zip(*pairs, strict=True))
        return _by_rows(self._in_unit_of(X, inputs), n), _by_rows(targets, n)

    # -- questions -------------------------------------------------------------

    def _task_of_classes(self):
        check_is_fitted(self)
        return self.task_.n_classes is not None

    def _ask(self, X, function):
        """A function of inputs, targets and answers, batch by batch, as arrays."""
        samples = self._samples(X)
        samples.check_finite()
        network = self.net_.module_.as_trained()
        device = network.origin.device
        results = []
        with torch.inference_mode(), seeded(0, device):
            for index in torch.arange(len(samples)).split(N_ASKED):
                rows = network.arrange(samples.take(index).to(device))
                inputs, targets = self.task_.make(network.scaled(rows))
                answers, _ = network(inputs)
                results.append(_as_arrays(function(inputs, targets, answers)))
        return results

    def _in_unit_of(self, X, inputs):
        """Scaled inputs as they would be in X, with the channels last."""
        network = self.net_.module_
        with torch.inference_mode():
            x = network.in_unit(torch.from_numpy(inputs)) + network.origin
        if len(network.shape) > 1:
            x = x.movedim(-len(network.shape), -1)
        return x.numpy() / self._samples(X).scale

    # -- training --------------------------------------------------------------

    def _plan(self, samples, targets):
        shape = layer_shape(self)
        task = _make_task(self.task, shape)
        task._validate_params()
        check_kind(task, len(shape))
        x = some_scaled(samples, shape)
        task.setup(x)
        n_parts, part_shape, answer_shape = try_task(task, x[:N_TRIED], shape)
        check_sides(self, task, part_shape, shape)
        description = describe_projection(self) | {
            "network": "PretextNetwork",
            "n_parts": n_parts,
            "answer_shape": answer_shape,
        }
        encoder = description["encoder"]
        if (
            task.n_classes is None
            and "global_pooling" in getattr(encoder, "keys", list)()
        ):
            # Values have places, which the means of maps have lost.
            description["encoder"] = encoder | {"global_pooling": False}
        self.task_ = task
        return Plan(
            description,
            Answers(task, make_augmentation(self.augment, shape)),
            start=partial(start_pretext, task=task, n_components=self.n_components),
            decays="matrices",
        )

    def _finish(self, samples):
        record_health(self, ("mean_norm", "spread", "effective_rank"))
        self.net_.module_.settle(samples)

    def _diagnose(self, samples):
        return diagnose_embeddings(self, samples, REMEDY)


def _make_task(task, shape):
    """The task of a name, or a clone of a task, for samples of a shape."""
    if not isinstance(task, str):
        return clone(task)
    if task == "auto":
        is_square = len(shape) == 3 and shape[1] == shape[2]
        task = "rotation" if is_square else "inpainting"
    return TASKS[task]()


def _as_arrays(result):
    if isinstance(result, tuple):
        return tuple(map(_as_arrays, result))
    return result.cpu().numpy()


def _by_rows(values, n_rows):
    """An axis for the questions of a row, if there are several."""
    if len(values) == n_rows:
        return values
    return values.reshape(n_rows, -1, *values.shape[1:])


def _moments(inputs, targets, answers):
    """Sums over a batch that R² is made of; all but the first by place."""
    asked = ~targets.isnan()
    values, errors = (
        torch.where(asked, part, 0.0).double() for part in (targets, answers - targets)
    )
    sums = asked.sum(0), values.sum(0), values.square().sum(0)
    return errors.square().sum(), *sums
