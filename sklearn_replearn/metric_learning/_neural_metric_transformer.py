"""The base of the estimators whose embedding is made by layers, or by any module."""

from numbers import Integral

from sklearn_replearn._deep.augment import Augmentation, read_amounts
from sklearn_replearn._deep.convolutions import odd_kernel_size
from sklearn_replearn._deep.embedding import check_encoder
from sklearn_replearn._deep.modules import Module
from sklearn_replearn._image_input import ImageInput
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn.metric_learning._metric_transformer import BaseMetricTransformer


class BaseNeuralMetricTransformer(ImageInput, BaseMetricTransformer):
    """Base of the estimators with the parameter `encoder` and what belongs to it."""

    _parameter_constraints = {
        **BaseMetricTransformer._parameter_constraints,
        **ImageInput._parameter_constraints,
        "normalize": ["boolean"],
        "encoder": [StrOptions({"auto", "cnn", "mlp"}), Module],
        "channels": ["array-like", Interval(Integral, 1, None, closed="left")],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "augment": [str, list, tuple, None],
    }

    def _design(self, X, targets):
        description = {
            "network": "EmbeddingNetwork",
            "encoder": self._encoder(X),
            "shape": self._layer_shape(),
            "normalize": bool(self.normalize),
            "standardize": not isinstance(self.encoder, Module),
        }
        return description, self._criterion()

    def _kind(self):
        """Which layers there are: "cnn" or "mlp", or the user's own."""
        if isinstance(self.encoder, Module):
            return "own"
        if self.encoder == "auto":
            return "cnn" if self._has_images() else "mlp"
        return self.encoder

    def _has_images(self):
        return len(self.image_shape_) == 3

    def _layer_shape(self):
        """Shape of a sample, as layers have it."""
        if self._has_images() or self._kind() == "cnn":
            return self._channels_first_shape()
        return [self.n_features_in_]

    def _encoder(self, X):
        """Description of the encoder, or the user's module."""
        kind, hidden = self._kind(), self._hidden_sizes()
        if kind == "own":
            return self.encoder
        if kind == "mlp":
            sizes = [X.shape[1], *hidden, int(self.n_components)]
            layers = "flat_mlp" if self._has_images() else "mlp"
            return {"layers": layers, "sizes": sizes, "activation": self.activation}
        return {
            "layers": "conv_embedding",
            "shape": self._channels_first_shape(),
            "n_components": int(self.n_components),
            "channels": self._sizes("channels", "channels"),
            "depth": 1,
            "kernel_size": odd_kernel_size(self.kernel_size),
            "pooling": "max",
            "global_pooling": False,
            "batch_norm": True,
            "residual": False,
            "dropout": 0.0,
            "activation": self.activation,
            "negative_slope": 0.01,
            "hidden_sizes": hidden,
        }

    def _prepare_network(self, module, X):
        mean, spread = self._mean_and_spread(module, X)
        module.center.copy_(mean)
        module.spread.fill_(spread)
        if self._kind() == "own":
            check_encoder(module, X.shape[1], self.n_components)

    def _augmentation(self, module):
        n_sides = len(module.shape) - 1
        amounts = read_amounts(self.augment, n_sides)
        return Augmentation(amounts, float(module.spread)) if amounts else None
