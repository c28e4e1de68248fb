"""Classification by the nearest class mean in an embedding."""

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_array, get_tags
from sklearn.utils.extmath import softmax
from sklearn.utils.validation import check_is_fitted, has_fit_parameter, validate_data

from sklearn_replearn._class_means import (
    class_means,
    distances_of_directions,
    squared_distances,
)
from sklearn_replearn._feature_names import take_feature_names
from sklearn_replearn._fitted_state import is_fitted, unchanged_by_errors
from sklearn_replearn._labels import read_classes
from sklearn_replearn._scaling import scaled, size_of, unit_rows
from sklearn_replearn._sklearn import HasMethods, Interval, StrOptions, _fit_context
from sklearn_replearn._weights import leave_out_weightless


class PrototypeClassifier(ClassifierMixin, BaseEstimator):
    r"""Assign each row to the class whose mean embedding is nearest.

    The classifier of prototypical networks [1]_: an embedding :math:`f` is learned on
    many classes, and new classes need no more than a few rows each, the *support*.
    Class :math:`c` is represented by its prototype, and a query has the probabilities

    .. math::

       p_c = \frac{1}{|S_c|} \sum_{x \in S_c} f(x), \qquad
       P(c \mid x) \propto \exp\left( - \|f(x) - p_c\|^2 / T \right)

    with the temperature :math:`T`, or, with ``metric="cosine"``, embeddings scaled to
    unit length and :math:`\exp(\cos(f(x), p_c) / T)`.

    Parameters
    ----------
    embedder : transformer, default=None
        The embedding. One that is **already fitted**, plain or in a
        :class:`~sklearn.frozen.FrozenEstimator`, is used as it is: it is neither
        fitted again nor changed. An unfitted one is cloned, and the clone fitted on the
        support. ``None`` takes the rows as they are, as a table.
    metric : {"euclidean", "cosine"}, default="euclidean"
        Nearest by squared Euclidean distance, or by cosine. A zero embedding has the
        cosine 0 with all prototypes.
    temperature : float, default=1.0
        Above 0. Small values make the probabilities extreme, large ones even. It acts
        on :meth:`predict_proba` alone: the nearest class is the same at all
        temperatures.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes of the support, sorted.
    prototypes_ : ndarray of shape (n_classes, n_components)
        Mean embedding of each class; with ``metric="cosine"``, of the embeddings scaled
        to unit length.
    embedder_ : transformer or None
        What embeds: `embedder` itself if it was fitted, else a clone fitted on the
        support; ``None`` without one.
    n_features_in_ : int
        Number of features of X, if X is a table and the embedder counts them.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has string column names.

    See Also
    --------
    sklearn_replearn.model_selection.few_shot_score : Accuracy over many small tasks
        with classes that the embedder has not seen.
    sklearn.neighbors.NearestCentroid : Class means, of tables alone.

    Notes
    -----
    ``clone`` makes an unfitted copy of a fitted embedder, and cross-validation and
    ``GridSearchCV`` clone what they are given. There the embedder would be fitted anew,
    on the few rows of the support. To keep what it has learned, freeze it:
    ``PrototypeClassifier(FrozenEstimator(embedder))``.

    Equal distances go to the class that comes first in `classes_`.

    References
    ----------
    .. [1] J. Snell, K. Swersky and R. Zemel, "Prototypical networks for few-shot
       learning", NeurIPS 2017.

    Examples
    --------
    An embedding learned on the digits 0 to 4, and three images of each of the digits 5
    to 9:

    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn_replearn.metric_learning import PrototypeClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> embedder = PCA(n_components=30).fit(X[y < 5])
    >>> X, y = X[y >= 5], y[y >= 5]
    >>> support = np.concatenate([np.flatnonzero(y == c)[:3] for c in range(5, 10)])
    >>> classifier = PrototypeClassifier(FrozenEstimator(embedder))
    >>> classifier = classifier.fit(X[support], y[support])
    >>> classifier.classes_
    array([5, 6, 7, 8, 9])
    >>> classifier.prototypes_.shape
    (5, 30)
    >>> round(classifier.score(X, y), 2)
    0.85
    """

    _parameter_constraints = {
        "embedder": [None, HasMethods(["fit", "transform"])],
        "metric": [StrOptions({"euclidean", "cosine"})],
        "temperature": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, embedder=None, *, metric="euclidean", temperature=1.0):
        self.embedder = embedder
        self.metric = metric
        self.temperature = temperature

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None):
        """Compute the prototypes of the classes of a support.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or what the embedder takes
            The support: images, documents or anything that `embedder` embeds; a table,
            dense or sparse, without one.
        y : array-like of shape (n_samples,)
            The class of each row, of two classes at least.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts in the prototype of its class: at least 0, and
            rows with 0 are left out. An embedder that is fitted here gets the weights
            too if its `fit` takes them.

        Returns
        -------
        self : PrototypeClassifier

        Raises
        ------
        ValueError
            If `y` is missing, has one class or missing labels, or is not of the length
            of X; if X, or its embedding, is empty or holds NaN or infinity; if the
            embedder refuses X.
        """
        with unchanged_by_errors(self):
            weights = None
            if sample_weight is not None:
                X, y, weights = leave_out_weightless(X, y, sample_weight)
            if self.embedder is None:
                self.embedder_ = None
                rows = self._read_table(X, reset=True)
                codes = self._read_classes(X, y)
            else:
                codes = self._read_classes(X, y)
                self.embedder_ = self.embedder
                if not is_fitted(self.embedder):
                    takes_weights = has_fit_parameter(self.embedder, "sample_weight")
                    given = {"sample_weight": weights} if takes_weights else {}
                    self.embedder_ = clone(self.embedder).fit(X, y, **given)
                take_feature_names(self, self.embedder_)
                rows = self._embed(X)
                _refuse_other_length(rows, codes)
            Z = unit_rows(rows) if self.metric == "cosine" else rows
            self.prototypes_ = class_means(Z, codes, weights)
        return self

    def predict(self, X):
        """The class of the nearest prototype.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or what the embedder takes

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        distances, _ = self._distances(X)
        return self.classes_[distances.argmin(axis=1)]

    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or what the embedder takes

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`: the softmax of minus the squared distances, or
            of the cosines, over `temperature`.
        """
        distances, exponent = self._distances(X)
        distances -= distances.min(axis=1, keepdims=True)
        with np.errstate(over="ignore", under="ignore"):
            return softmax(-np.ldexp(distances, exponent) / self.temperature)

    def _distances(self, X):
        """Squared distances to the prototypes, divided by a power of two.

        Returns
        -------
        distances : ndarray of shape (n_samples, n_classes)
            Of rows of unit length in place of cosines: half of them is 1 minus these.
        exponent : int
            Times two to the power of it they are what `predict_proba` needs.
        """
        check_is_fitted(self)
        if self.embedder_ is None:
            rows = self._read_table(X, reset=False)
        else:
            rows = self._embed(X)
        if rows.shape[1] != self.prototypes_.shape[1]:
            raise ValueError(
                f"The embedding of X has {rows.shape[1]} columns, but the prototypes "
                f"have {self.prototypes_.shape[1]}; do not fit the embedder again "
                "without fitting this classifier."
            )
        if self.metric == "cosine":
            rows, prototypes = unit_rows(rows), unit_rows(self.prototypes_)
            return distances_of_directions(rows, prototypes), -1
        size = size_of(rows, self.prototypes_)
        rows, prototypes = scaled(rows, -size), scaled(self.prototypes_, -size)
        return squared_distances(rows, prototypes), 2 * size

    def _read_table(self, X, *, reset):
        with np.errstate(over="ignore", invalid="ignore"):  # of a sum of large numbers
            return validate_data(
                self, X, reset=reset, accept_sparse="csr", dtype=np.float64
            )

    def _read_classes(self, X, y):
        """Codes of the classes of y; sets `classes_`."""
        purpose = "a prototype is the mean of a class"
        self.classes_, codes = read_classes(self, X, y, purpose, many=True)
        return codes

    def _embed(self, X):
        Z = self.embedder_.transform(X)
        with np.errstate(over="ignore", invalid="ignore"):
            return check_array(
                Z,
                accept_sparse="csr",
                dtype=np.float64,
                input_name="the embedding of X",
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if self.embedder is None:
            tags.input_tags.sparse = True
        elif not isinstance(self.embedder, type) and hasattr(self.embedder, "fit"):
            tags.input_tags = get_tags(self.embedder).input_tags
        return tags


def _refuse_other_length(Z, codes):
    if Z.shape[0] != len(codes):
        raise ValueError(
            f"X has {len(codes)} rows, but its embedding has {Z.shape[0]}; an embedder "
            "must give one row for each."
        )
