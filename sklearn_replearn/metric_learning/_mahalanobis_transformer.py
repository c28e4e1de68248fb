"""A Mahalanobis distance, learned by a contrastive loss."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._components import available_components
from sklearn_replearn._deep.objectives.objective import Supervised
from sklearn_replearn._deep.objectives.tuple_losses import CONTRASTS
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn.metric_learning._pair_transformer import BasePairTransformer


class MahalanobisTransformer(BasePairTransformer):
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
        Whether `fit` takes rows and classes, or labeled pairs (:ref:`guide <pairs>`).
    preprocessor : array-like of shape (n_rows, n_features), default=None
        Table of rows that pairs of indices refer to (:ref:`guide <pairs>`).
    samples_per_class : int, default=4
        Number of rows of each class in a batch if ``input="rows"``
        (:ref:`guide <samples_per_class>`).
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
    components_ : ndarray of shape (n_components_, n_features_in_)
        The matrix L.
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
    health_curve_ : list of dict
        "active_share", "mean_norm", "spread" and "effective_rank" of each epoch
        (:ref:`guide <health_curve>`).
    n_iter_ : int
        Number of epochs.
    effective_rank_ : float
        Number of directions in which the vectors of rows vary (:ref:`guide <health>`).
    n_features_in_ : int
        Number of features seen in :meth:`fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X has string column names.

    Warns
    -----
    ConvergenceWarning
        If the embeddings have collapsed (the loss is that of a single point for all
        rows), or the loss has not fallen; it says what to change.

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
            for name, constraint in BasePairTransformer._parameter_constraints.items()
            if name not in ("activation", "hidden_layer_sizes")  # it has no such units
        },
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

    def _plan(self, samples, targets):
        n_features = self.n_features_in_
        n_components = n_features if self.n_components is None else self.n_components
        description = {
            "network": "LinearEmbedding",
            "n_inputs": n_features,
            "unit": float(self.margin),
            "n_components": available_components(
                n_components, n_features, f"X has {n_features} columns"
            ),
        }
        loss = self._contrastive_loss(1.0)  # the unit of the network is the margin
        return Plan(description, Supervised(loss), start=_start, **self._batches())

    def _finish(self, samples):
        self.components_ = self.net_.module_.components()


def _start(network, samples):
    network.start_from(samples.some().tensor)


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
