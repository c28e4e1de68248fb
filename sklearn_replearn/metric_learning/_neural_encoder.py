"""The encoder of a network of this family: layers by name, or any module."""

from math import prod
from numbers import Integral

from sklearn_replearn._deep.input.augment import Augmentation, read_amounts
from sklearn_replearn._deep.networks.convolutions import odd_kernel_size
from sklearn_replearn._deep.networks.own_modules import Module
from sklearn_replearn._sklearn import Interval, StrOptions


class NeuralEncoder:
    """Mixin, beside `ImageInput`, of those with `encoder` and what belongs to it."""

    _parameter_constraints = {
        "encoder": [StrOptions({"auto", "cnn", "mlp"}), Module],
        "channels": ["array-like", Interval(Integral, 1, None, closed="left")],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "augment": [str, list, tuple, None],
    }

    def _kind(self):
        """Which layers there are: "cnn" or "mlp", or the user's own."""
        if isinstance(self.encoder, Module):
            return "own"
        if self.encoder == "auto":
            return "cnn" if self._has_images() else "mlp"
        return self.encoder

    def _layer_shape(self):
        """Shape of a sample, as layers have it."""
        if self._has_images() or self._kind() == "cnn":
            return self._channels_first_shape()
        return [self.n_features_in_]

    def _encoder(self, shape):
        """Description of the encoder of what has a shape, or the user's module."""
        kind, hidden = self._kind(), self._hidden_sizes()
        if kind == "own":
            return self.encoder
        if kind == "mlp":
            sizes = [prod(shape), *hidden, int(self.n_components)]
            layers = "flat_mlp" if len(shape) > 1 else "mlp"
            return {"layers": layers, "sizes": sizes, "activation": self.activation}
        return {
            "layers": "conv_embedding",
            "shape": list(shape),
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

    def _make_augmentation(self, shape, spread):
        """What changes samples of a shape, as layers have it, or None."""
        amounts = read_amounts(self.augment, len(shape) - 1)
        return Augmentation(amounts, spread) if amounts else None
