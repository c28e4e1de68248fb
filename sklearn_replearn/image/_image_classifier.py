"""The base of the networks that learn features of images from their classes."""

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.estimators.classification import (
    DeepClassifierMixin,
    merge_equal,
)
from sklearn_replearn._deep.input.augment import Augmentation, read_amounts
from sklearn_replearn._image_input import ImageInput
from sklearn_replearn._sklearn import _fit_context

#: Up to how many rows equal ones are merged.
N_MERGED = 128


class BaseImageClassifier(ImageInput, DeepClassifierMixin, BaseDeepTransformer):
    """Base of the estimators with the parameters `augment` and `class_weight`.

    Their network has a buffer `spread`: the standard deviation of the training values.
    """

    _parameter_constraints = {
        **ImageInput._parameter_constraints,
        **DeepClassifierMixin._parameter_constraints,
        **BaseDeepTransformer._parameter_constraints,
        "augment": [str, list, tuple, None],
    }

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
        X : array-like of shape (n_samples, n_features), or images
            At least two, of finite numbers.
        y : array-like of shape (n_samples,)
            Classes, at least two. Numbers or strings.
        X_val : array-like of shape (n_validation, n_features), or images, default=None
            Validation data, read as X is. All rows of X are trained with, and
            `validation_loss_curve_` is the loss on these rows. Without early stopping
            it is only recorded.
        y_val : array-like of shape (n_validation,), default=None
            Classes of the rows of `X_val`, among those of y.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts in the loss, relative to the others: at least 0.
            Rows with 0 are left out. `class_weight` multiplies them.
        sample_weight_val : array-like of shape (n_validation,), default=None
            The same for the rows of `X_val`.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the data are not so, if parameters contradict each other, or if the
            training diverges. The estimator is then as it was before.

        Notes
        -----
        A weight of 2 is the same as the row twice as far as the loss is concerned. Up
        to 128 rows it is exactly the same: equal rows of a class are then merged into
        one with the sum of their weights, and rows that have weights are put into an
        order of their own. Of more rows random batches are drawn, and the two trainings
        differ as those of two seeds do.
        """
        return self._fit(X, y, X_val, y_val, sample_weight, sample_weight_val)

    def _read(self, X, y, sample_weight, *, reset=True):
        data = super()._read(X, y, sample_weight, reset=reset)
        is_small = data.targets is not None and len(data) <= N_MERGED
        return merge_equal(data) if reset and is_small else data

    def _augmentation(self, module):
        amounts = read_amounts(self.augment, n_sides=len(self.image_shape_) - 1)
        return Augmentation(amounts, float(module.spread)) if amounts else None

    def _set_fitted(self, X):
        super()._set_fitted(X)
        self.n_components_ = self._map_validated("encode", X[:1]).shape[1]
