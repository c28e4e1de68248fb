"""Canonical correlation analysis of two views, with a ridge in each."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from scipy.linalg import svd
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklearn_replearn._components import available_components
from sklearn_replearn._fitted_state import unchanged_by_errors
from sklearn_replearn._linalg import leading_signs, numerical_rank
from sklearn_replearn._sklearn import Interval, _fit_context
from sklearn_replearn.multiview._two_views import mutual_recall


class RegularizedCCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Directions of two views that correlate most, in closed form.

    Canonical correlation analysis [1]_ looks for weights :math:`u, v` of the columns of
    two views X and Y of the same rows, such that :math:`Xu` and :math:`Yv` correlate
    most, then for the next such pair that is uncorrelated with the first, and so on.
    With many columns it finds large correlations that are chance. A ridge in each view
    [2]_ is against that:

    .. math:: \max_{u, v} \; u^\top C_{xy} v \quad \text{subject to} \quad
       u^\top (C_{xx} + \alpha s_x I) u = v^\top (C_{yy} + \alpha_y s_y I) v = 1,

    where :math:`C` are the covariances of the training rows and :math:`s_x, s_y` the
    mean variances of the columns of X and of Y, so that `alpha` has no unit. The
    solution is a singular value decomposition, with any number of columns.

    Rows of both views are then compared by their cosines: the text that belongs to an
    image is near it. The units of the views do not matter; columns of one view that
    have different units need scaling, as for PCA.

    Parameters
    ----------
    n_components : int, default=None
        Number of pairs of directions. ``None`` is as many as both views have.
    alpha : float, default=0.1
        Ridge of X, in mean variances of its columns. 0 is no ridge.
    alpha_y : float, default=0.1
        Ridge of Y, in mean variances of its columns.
    power : float, default=0.0
        Components are multiplied by their regularized correlation to this power, at
        least 0 [3]_. Cosines then rest less on components in which the views hardly
        agree, so that more of them can be kept: with hundreds of components 1 is better
        for search than 0, which leaves them with one variance.

    Attributes
    ----------
    n_components_ : int
        Number of pairs of directions.
    x_weights_ : ndarray of shape (n_features, n_components_)
        Weights of the columns of X.
    y_weights_ : ndarray of shape (n_targets, n_components_)
        Weights of the columns of Y.
    regularized_correlations_ : ndarray of shape (n_components_,)
        What is maximized, in descending order: covariances of the training rows in
        these directions, which the ridges make smaller than correlations.
    correlations_ : ndarray of shape (n_components_,)
        Correlations of the training rows in these directions.
    x_mean_ : ndarray of shape (n_features,)
        Means of the columns of X.
    y_mean_ : ndarray of shape (n_targets,)
        Means of the columns of Y.

    See Also
    --------
    sklearn.cross_decomposition.CCA : Without a ridge, pair by pair, by iterations.

    References
    ----------
    .. [1] H. Hotelling, "Relations between two sets of variates", Biometrika 28, 1936.
    .. [2] H. D. Vinod, "Canonical ridge and econometrics of joint production", Journal
       of Econometrics 4, 1976.
    .. [3] Y. Gong, Q. Ke, M. Isard and S. Lazebnik, "A multi-view embedding space for
       modeling internet images, tags, and their semantics", International Journal of
       Computer Vision 106, 2014.

    Examples
    --------
    The left and the right halves of digits:

    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.multiview import RegularizedCCA
    >>> images = load_digits().images
    >>> left, right = images[:, :, :4].reshape(-1, 32), images[:, :, 4:].reshape(-1, 32)
    >>> model = RegularizedCCA(20).fit(left[:1000], right[:1000])
    >>> model.transform(left[1000:]).shape, model.transform_y(right[1000:]).shape
    ((797, 20), (797, 20))
    >>> model.score(left[1000:], right[1000:]) > 20 / 797  # chance is 1 / 797
    True
    """

    _parameter_constraints = {
        "n_components": [None, Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "alpha_y": [Interval(Real, 0, None, closed="left")],
        "power": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, n_components=None, *, alpha=0.1, alpha_y=0.1, power=0.0):
        self.n_components = n_components
        self.alpha = alpha
        self.alpha_y = alpha_y
        self.power = power

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Find the directions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            First view, at least two rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Second view of the same rows: numbers.

        Returns
        -------
        self : RegularizedCCA

        Raises
        ------
        ValueError
            If the views differ in their numbers of rows, hold NaN or infinity, or one
            of them is the same in all rows.
        """
        with unchanged_by_errors(self):
            self._fit(X, y)
        return self

    def transform(self, X):
        """Project rows of the first view.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components_)
            In X's own precision.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=(np.float64, np.float32))
        return _project(X, self.x_mean_, self.x_weights_ * self._scale)

    def transform_y(self, y):
        """Project rows of the second view.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_targets)

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components_)
            In y's own precision.

        Raises
        ------
        ValueError
            If y has another number of columns than in :meth:`fit`.
        """
        check_is_fitted(self)
        y = _second_view(check_array(y, ensure_2d=False, dtype=None, input_name="y"))
        if y.shape[1] != self.n_targets_:
            raise ValueError(
                f"y has {y.shape[1]} columns, but {type(self).__name__} was fitted on "
                f"{self.n_targets_}."
            )
        return _project(y, self.y_mean_, self.y_weights_ * self._scale)

    def score(self, X, y):
        """How often a row is nearest to its own other view.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)

        Returns
        -------
        score : float
            Mean over both directions of the recall at 1 among the rows given, by
            cosines; in [0, 1]. It depends on the number of rows.
        """
        return mutual_recall(self.transform(X), self.transform_y(y))

    def _fit(self, X, y):
        X, y = validate_data(
            self,
            X,
            y,
            dtype=(np.float64, np.float32),
            multi_output=True,
            y_numeric=True,
            ensure_min_samples=2,
        )
        y = _second_view(y)
        self.n_targets_ = y.shape[1]
        first, second = whiten(X, self.alpha, "X"), whiten(y, self.alpha_y, "y")
        n_found = min(first.weights.shape[1], second.weights.shape[1])
        self.n_components_ = n_found
        if self.n_components is not None:
            reason = "the smaller number of directions in which a view varies"
            self.n_components_ = available_components(
                self.n_components, n_found, reason
            )
        U, s, Vt = svd(first.rows.T @ second.rows, full_matrices=False)
        kept = slice(self.n_components_)
        x_weights, y_weights = first.weights @ U[:, kept], second.weights @ Vt[kept].T
        signs = leading_signs(x_weights.T)
        self.x_weights_, self.y_weights_ = x_weights * signs, y_weights * signs
        self.regularized_correlations_ = s[kept]
        self._scale = s[kept] ** self.power
        self.correlations_ = np.clip(
            _correlations(first.rows @ U[:, kept], second.rows @ Vt[kept].T), -1, 1
        )
        self.x_mean_, self.y_mean_ = first.mean, second.mean

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.one_d_labels = False
        tags.target_tags.two_d_labels = True
        tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class Whitened(NamedTuple):
    """A view in the directions in which it varies.

    Attributes
    ----------
    mean : ndarray of shape (n_features,)
    weights : ndarray of shape (n_features, n_directions)
        From columns to directions.
    rows : ndarray of shape (n_samples, n_directions)
        Training rows in these directions, over the root of their number: without a
        ridge, orthonormal columns.
    """

    mean: np.ndarray
    weights: np.ndarray
    rows: np.ndarray


def whiten(X, alpha, name):
    """A view with the inverse root of its covariance plus a ridge."""
    mean = X.mean(axis=0, dtype=np.float64)
    centered = X - mean
    eps, unit = np.finfo(X.dtype).eps, np.abs(centered).max()
    if unit <= 4 * eps * np.abs(X).max():
        raise ValueError(f"All rows of {name} are the same; there is nothing to learn.")
    U, s, Vt = svd(centered / unit, full_matrices=False)
    rank = numerical_rank(s, max(X.shape), eps)
    U, s, Vt = U[:, :rank], s[:rank], Vt[:rank]
    root = np.sqrt(s**2 + alpha * (s**2).sum() / X.shape[1])
    to_variance = len(X) ** 0.5 / unit
    return Whitened(mean, to_variance * Vt.T / root, U * (s / root))


def _second_view(y):
    """Numbers of shape (n_samples, n_targets), in their own precision."""
    if y.dtype not in (np.float64, np.float32):
        y = y.astype(np.float64)
    return y.reshape(len(y), -1)


def _project(X, mean, weights):
    projected = (X - mean) @ weights
    return projected.astype(X.dtype, copy=False)


def _correlations(A, B):
    """Correlations of the columns of centered rows."""
    norms = np.linalg.norm(A, axis=0) * np.linalg.norm(B, axis=0)
    return (A * B).sum(axis=0) / np.maximum(norms, np.finfo(np.float64).tiny)
