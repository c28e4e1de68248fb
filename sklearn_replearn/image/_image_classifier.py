"""The base of the networks that learn features of images from their classes."""

from sklearn_replearn._deep.augment import Augmentation, read_amounts
from sklearn_replearn._deep.base import BaseDeepTransformer
from sklearn_replearn._deep.classification import DeepClassifierMixin
from sklearn_replearn._image_input import ImageInput


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

    def _augmentation(self, module):
        amounts = read_amounts(self.augment, n_sides=len(self.image_shape_) - 1)
        return Augmentation(amounts, float(module.spread)) if amounts else None

    def _set_fitted(self, X):
        super()._set_fitted(X)
        self.n_components_ = self._map_validated("encode", X[:1]).shape[1]
