"""The encoder of a network that embeds rows: layers by name, or any module."""

from functools import partial
from math import prod
from numbers import Integral

import numpy as np

from sklearn_replearn._deep.input.augment import augmentation, read_amounts
from sklearn_replearn._deep.networks.convolutions import odd_kernel_size
from sklearn_replearn._deep.networks.embedding import check_encoder
from sklearn_replearn._deep.networks.own_modules import N_TRIED, Module
from sklearn_replearn._images import channels_first_shape
from sklearn_replearn._sklearn import Interval, StrOptions

#: Constraints of the parameters that make an encoder.
ENCODER_PARAMETERS = {
    "image_shape": [tuple, list, None],
    "encoder": [StrOptions({"auto", "cnn", "mlp"}), Module],
    "channels": ["array-like", Interval(Integral, 1, None, closed="left")],
    "kernel_size": [Interval(Integral, 1, None, closed="left")],
    "augment": [str, list, tuple, None],
}

#: Maps of the stages of ``channels="auto"``, and those of large inputs: signals of so
#: many values, or images with so many pixels on each side.
CHANNELS = (32, 64, 128)
CHANNELS_OF_LARGE = (32, 64, 64, 128)
LARGE = {1: 128, 2: 28}


def layer_shape(estimator):
    """Shape of a sample, as the layers have it."""
    if len(estimator.image_shape_) == 3 or _kind(estimator) == "cnn":
        return channels_first_shape(estimator.image_shape_)
    return [estimator.n_features_in_]


def describe_encoder(estimator, shape, channels):
    """Description of the encoder for samples of a shape, or the user's module."""
    kind, hidden = _kind(estimator), hidden_sizes(estimator)
    if kind == "own":
        return estimator.encoder
    if kind == "mlp":
        sizes = [prod(shape), *hidden, int(estimator.n_components)]
        layers = "flat_mlp" if len(shape) > 1 else "mlp"
        return {"layers": layers, "sizes": sizes, "activation": estimator.activation}
    return {
        "layers": "conv_embedding",
        "shape": list(shape),
        "n_components": int(estimator.n_components),
        "channels": whole_numbers("channels", channels, "channels"),
        "depth": 1,
        "kernel_size": odd_kernel_size(estimator.kernel_size),
        "pooling": "max",
        "global_pooling": False,
        "batch_norm": True,
        "residual": False,
        "dropout": 0.0,
        "activation": estimator.activation,
        "negative_slope": 0.01,
        "hidden_sizes": hidden,
    }


def choose_channels(estimator, shape):
    """Maps of the stages, which "auto" chooses by the shape of a sample."""
    if not isinstance(estimator.channels, str):
        return estimator.channels
    sides = shape[1:]
    is_large = sides and min(sides) >= LARGE[len(sides)]
    return CHANNELS_OF_LARGE if is_large else CHANNELS


def describe_input(estimator):
    """What a description has of the encoder of an estimator, and of its samples."""
    shape = layer_shape(estimator)
    return {
        "encoder": describe_encoder(
            estimator, shape, choose_channels(estimator, shape)
        ),
        "shape": shape,
        "standardize": not isinstance(estimator.encoder, Module),
    }


def describe_network(estimator):
    """Description of a network that embeds rows by the encoder of an estimator."""
    return {
        "network": "EmbeddingNetwork",
        "normalize": bool(estimator.normalize),
        **describe_input(estimator),
    }


def start_network(network, samples, *, n_components):
    """Let an encoder of the user embed some rows."""
    if not network.standardize:
        check_encoder(network, samples.first(N_TRIED), n_components)


def make_augmentation(augment, shape):
    """What makes the changes of samples of a shape in training, or None."""
    if augment is None:
        return None
    amounts = read_amounts(augment, shape)
    return partial(augmentation, amounts) if amounts else None


def whole_numbers(name, value, things):
    """The whole numbers that a parameter holds, one or several, as a list."""
    sizes = np.atleast_1d(np.asarray(value, dtype=object))
    if sizes.ndim > 1 or not all(
        isinstance(size, Integral) and size >= 1 for size in sizes
    ):
        raise ValueError(
            f"{name} must be whole numbers of {things}, each at least 1; got {value!r}."
        )
    return [int(size) for size in sizes]


def hidden_sizes(estimator):
    """The widths of the hidden layers."""
    return whole_numbers("hidden_layer_sizes", estimator.hidden_layer_sizes, "units")


def _kind(estimator):
    """Which layers there are: "cnn" or "mlp", or the user's "own"."""
    if isinstance(estimator.encoder, Module):
        return "own"
    if estimator.encoder == "auto":
        return "cnn" if len(estimator.image_shape_) == 3 else "mlp"
    return estimator.encoder
