"""The base of the estimators whose embedding is made by layers, or by any module."""

import numpy as np

from sklearn_replearn._deep.networks.embedding import check_encoder
from sklearn_replearn._deep.networks.own_modules import Module
from sklearn_replearn._image_input import ImageInput
from sklearn_replearn._images import shape_of
from sklearn_replearn._warnings import warn
from sklearn_replearn.metric_learning._metric_transformer import BaseMetricTransformer
from sklearn_replearn.metric_learning._neural_encoder import NeuralEncoder


class BaseNeuralMetricTransformer(ImageInput, NeuralEncoder, BaseMetricTransformer):
    """Base of the estimators with the parameter `encoder` and what belongs to it."""

    _parameter_constraints = {
        **BaseMetricTransformer._parameter_constraints,
        **ImageInput._parameter_constraints,
        **NeuralEncoder._parameter_constraints,
        "normalize": ["boolean"],
    }

    def _training_set(self, X, y, *, reset=True):
        if reset:
            self._refuse_pairs(X, y)
        return super()._training_set(X, y, reset=reset)

    def _refuse_pairs(self, X, y):
        """Raise if X and y seem to be pairs and whether they are the same."""
        shape = shape_of(X)
        may_be_pairs = self.image_shape is None and len(shape) == 3 and shape[1] == 2
        if not may_be_pairs or y is None:
            return
        found = set(np.ravel(y).tolist())
        if found <= {0, 1} or found <= {-1, 1}:
            mend = "it learns from rows and their classes"
            if hasattr(self, "input"):
                mend = "set input='pairs'"
            raise ValueError(
                f"X has shape {shape}, as pairs have, and y says of each whether its "
                f"rows are the same: {mend}; pass image_shape={shape[1:]} if these are "
                "images."
            )

    def _check_margin(self):
        """Warn of a margin that no distance can reach."""
        if self.normalize and self.margin > 2:
            warn(
                f"margin={self.margin} cannot be met: no distance on the sphere is "
                "larger than 2; lower it, or set normalize=False.",
            )

    def _design(self, data):
        shape = self._layer_shape()
        description = {
            "network": "EmbeddingNetwork",
            "encoder": self._encoder(shape),
            "shape": shape,
            "normalize": bool(self.normalize),
            "standardize": not isinstance(self.encoder, Module),
        }
        return description, self._criterion()

    def _prepare_network(self, module, X):
        mean, spread = self._mean_and_spread(module, X)
        module.center.copy_(mean)
        module.spread.fill_(spread)
        if self._kind() == "own":
            check_encoder(module, self._rows_to_try(X), self.n_components)

    def _augmentation(self, module):
        return self._make_augmentation(module.shape, float(module.spread))
