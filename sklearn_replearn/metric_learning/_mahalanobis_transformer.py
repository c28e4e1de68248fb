"""A Mahalanobis distance, learned by a contrastive loss."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._components import available_components
from sklearn_replearn._deep.estimators.base import some_rows
from sklearn_replearn._deep.input.tensors import as_tensor
from sklearn_replearn._deep.objectives.losses import CONTRASTS
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn.metric_learning._metric_transformer import BaseMetricTransformer
from sklearn_replearn.metric_learning._pairs import PairInput


class MahalanobisTransformer(PairInput, BaseMetricTransformer):
    r"""A linear map after which rows of a class are near, and others a margin apart.

    The rows of the matrix L are the components, and the distance of two rows after the
    map is a Mahalanobis distance [1]_,

    .. math:: d(x, x') = \lVert L x - L x' \rVert
       = \sqrt{(x - x')^T M (x - x')}, \qquad M = L^T L.

    L is trained by the contrastive losses of :class:`SiameseTransformer`, from pairs of
    rows that belong together and pairs that do not [2]_. It starts with the principal
    components, scaled so that two rows are the margin apart on average.


    With ``input="pairs"``, :meth:`fit` and :meth:`score` take an array of shape
    (n_pairs, 2, n_features), or (n_pairs, 2) with indices of rows of `preprocessor`,
    and y has 1 for pairs that are the same and 0 (or -1) for those that are not.
    :meth:`transform` takes rows in any case.

    Parameters
    ----------
    n_components : int, default=None
        Rows of L: at most the number of columns of X, which ``None`` stands for.
    margin : float, default=1.0
        Distance that rows of different classes should have, above 0. It is the unit
        of the distance, and changes nothing else: losses and health are those in this
        unit.
    loss : {"squared", "distance", "hadsell"}, default="squared"
        The cost of a pair, as in :class:`SiameseTransformer`.
    input : {"rows", "pairs"}, default="rows"
        What :meth:`fit` learns from: rows and their classes; or pairs of rows and
        whether they belong together, which `batch_size` and `validation_fraction` count
        then.
    preprocessor : array-like of shape (n_rows, n_features), default=None
        A table of rows. Pairs are pairs of indices into it, then.
    samples_per_class : int, default=4
        Rows of a class in a batch (all that it has, if they are fewer), so that
        ``batch_size / samples_per_class`` classes are in it. Where there are fewer
        classes, all of them are in each batch, with more rows each. Of no effect on
        pairs.
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
        Classes and order of the batches, and rows held out.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    n_components_ : int
        Number of components.
    components_ : ndarray of shape (n_components_, n_features_in_)
        The matrix L.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is its network, ``net_.callbacks_`` the
        callbacks, ``net_.history`` what happened in each epoch. Only the network is
        saved.
    loss_curve_ : list of float
        Mean loss of a batch in each epoch of the training.
    validation_loss_curve_ : list of float or None
        The same for the rows held out, or for `X_val`.
    health_curve_ : list of dict
        For each epoch, of the batches it was trained with: "active_share", the share of
        the pairs of different classes that are nearer than the margin;
        "mean_norm", the mean length of the embeddings; "spread", their root mean
        square distance from their mean, which falls in a collapse; "effective_rank",
        the number of directions in which they vary, each by its share (Roy and
        Vetterli, 2007).
    n_iter_ : int
        Number of epochs.
    effective_rank_ : float
        The effective rank of the embeddings of training rows after the training.
    n_features_in_ : int
        Number of values of a row.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has string column names.

    Warns
    -----
    ConvergenceWarning
        If the embeddings have collapsed (the loss is that of a single point for all
        rows), or the loss has not fallen; it says what to change. `effective_rank_` is
        found from at most 512 training rows.

    See Also
    --------
    SiameseTransformer : The same with a network.
    sklearn.neighbors.NeighborhoodComponentsAnalysis : A linear map, learned from a
        softmax over all rows.

    References
    ----------
    .. [1] P. C. Mahalanobis, "On the generalised distance in statistics", Proceedings
       of the National Institute of Sciences of India 2, 1936.
    .. [2] E. P. Xing, A. Y. Ng, M. I. Jordan and S. Russell, "Distance metric learning
       with application to clustering with side-information", NIPS 2002.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_replearn.metric_learning import MahalanobisTransformer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = scale(X)
    >>> mahalanobis = MahalanobisTransformer(2, lr=0.01, random_state=0).fit(X, y)
    >>> mahalanobis.components_.shape
    (2, 13)
    >>> mahalanobis.get_mahalanobis_matrix().shape
    (13, 13)
    >>> knn = KNeighborsClassifier(metric=mahalanobis.get_metric()).fit(X, y)
    >>> knn.score(X, y) > 0.95
    True
    """

    _parameter_constraints = {
        **{
            name: constraint
            for name, constraint in BaseMetricTransformer._parameter_constraints.items()
            if name not in ("activation", "hidden_layer_sizes")  # it has no such units
        },
        **PairInput._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "margin": [Interval(Real, 0, None, closed="neither")],
        "loss": [StrOptions(set(CONTRASTS))],
    }

    def __init__(
        self,
        n_components=None,
        *,
        margin=1.0,
        loss="squared",
        input="rows",
        preprocessor=None,
        samples_per_class=4,
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
        self.margin = margin
        self.loss = loss
        self.input = input
        self.preprocessor = preprocessor
        self.samples_per_class = samples_per_class
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

    def get_mahalanobis_matrix(self):
        """The matrix M of the distance.

        Returns
        -------
        M : ndarray of shape (n_features_in_, n_features_in_)
            Symmetric, and no eigenvalue is negative.
        """
        check_is_fitted(self)
        return self.components_.T @ self.components_

    def get_metric(self):
        """The distance of two rows, as a function.

        Returns
        -------
        metric : callable
            Of two arrays of shape (n_features_in_,), gives a float. It can be saved,
            and goes wherever scikit-learn takes a metric; it is far slower there than
            Euclidean distances of what :meth:`transform` gives, which are the same.
        """
        check_is_fitted(self)
        return MahalanobisDistance(self.components_.copy())

    def _criterion(self):
        return self._contrastive_loss(1.0)  # the unit of the network is the margin

    def _design(self, data):
        n_features = data.rows.shape[1]
        n_components = n_features if self.n_components is None else self.n_components
        description = {
            "network": "LinearEmbedding",
            "n_inputs": n_features,
            "unit": float(self.margin),
            "n_components": available_components(
                n_components, n_features, f"X has {n_features} columns"
            ),
        }
        return description, self._criterion()

    def _prepare_network(self, module, X):
        module.start_from(as_tensor(some_rows(X)))

    def _set_fitted(self, X):
        super()._set_fitted(X)
        self.components_ = self.net_.module_.components()


class MahalanobisDistance:
    """The distance of two rows after a linear map.

    Parameters
    ----------
    components : ndarray of shape (n_components, n_features)
    """

    def __init__(self, components):
        self.components = components

    def __call__(self, u, v):
        return float(np.linalg.norm(self.components @ (np.asarray(u) - np.asarray(v))))
