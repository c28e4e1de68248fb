"""The base of the networks that learn features of images from their classes."""

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.estimators.classification import DeepClassifierMixin
from sklearn_replearn._deep.estimators.encoders import make_augmentation
from sklearn_replearn._effective_rank import effective_rank
from sklearn_replearn._images import channels_first_shape
from sklearn_replearn._sklearn import _fit_context


class BaseImageClassifier(DeepClassifierMixin, BaseDeepTransformer):
    """Base of the estimators with the parameters `augment` and `class_weight`.

    Their network has a buffer `spread`: the standard deviation of the training values.
    """

    _parameter_constraints = {
        **DeepClassifierMixin._parameter_constraints,
        **BaseDeepTransformer._parameter_constraints,
        "image_shape": [tuple, list, None],
        "augment": [str, list, tuple, None],
    }

    _n_merged = 128

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
            Validation data, read as X is, in place of held-out rows
            (:ref:`guide <early_stopping>`).
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
            If data or parameters are wrong, or the training diverges. The estimator is
            then as it was before.

        Notes
        -----
        A weight of 2 is the same as the row twice as far as the loss is concerned. Up
        to 128 rows it is exactly the same: equal rows of a class are then merged into
        one with the sum of their weights, and rows that have weights are put into an
        order of their own. Of more rows random batches are drawn, and the two trainings
        differ as those of two seeds do.
        """
        return self._fit(X, y, X_val, y_val, sample_weight, sample_weight_val)

    def _read(self, X, y, *, reset):
        samples = self._rows(X, reset=reset)
        if y is None and not reset:
            return samples, None
        return samples, self._codes(samples.array, y, reset=reset)

    def _augmentation(self):
        """What makes the changes of images of the training, or None."""
        return make_augmentation(self.augment, channels_first_shape(self.image_shape_))

    def _diagnose(self, samples):
        return self._diagnose_classifier(samples)

    def _diagnose_classifier(self, samples):
        findings = self._find_dead_units(samples)
        self.effective_rank_ = effective_rank(self._apply("encode", samples))
        return findings + self._compare_with_guessing("the classes' shares")
