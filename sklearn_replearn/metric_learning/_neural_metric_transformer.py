"""The base of the estimators whose embedding is made by layers, or by any module."""

from sklearn_replearn._deep.embedding import check_encoder
from sklearn_replearn._deep.modules import Module
from sklearn_replearn._image_input import ImageInput
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

    def _design(self, X, targets):
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
            check_encoder(module, X.shape[1], self.n_components)

    def _augmentation(self, module):
        return self._make_augmentation(module.shape, float(module.spread))
