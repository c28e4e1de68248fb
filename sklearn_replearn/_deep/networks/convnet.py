"""A convolutional network that tells classes apart, for images and for signals."""

from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.networks.convolutions import (
    CONVOLUTIONS,
    kernel,
    stage_shapes,
    without_biases,
)
from sklearn_replearn._deep.networks.network import ACTIVATIONS, Network, output_of

#: By architecture, the number of convolutions in a stage.
DEPTHS = {"lenet": 1, "vgg": 2}

#: By number of sides, the normalisation of maps, and their mean over all places.
NORMALIZATIONS = {0: nn.BatchNorm1d, 1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
MEANS = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d}

#: By kind and number of sides, what pools maps.
POOLS = {
    ("max", 1): functional.max_pool1d,
    ("max", 2): functional.max_pool2d,
    ("mean", 1): functional.avg_pool1d,
    ("mean", 2): functional.avg_pool2d,
}


class Pool(nn.Module):
    """The largest, or the mean, of every two neighbours along each side.

    A last neighbour that is alone stays, so that a half is rounded up.

    Parameters
    ----------
    kind : {"max", "mean"}
    sides : sequence of int
        Of the maps that come in.
    """

    def __init__(self, kind, sides):
        super().__init__()
        self.sizes = [min(2, side) for side in sides]
        self.pool = kind, len(sides)  # by name: some functions cannot be pickled
        self.options = {} if kind == "max" else {"count_include_pad": False}

    def forward(self, x):
        return POOLS[self.pool](x, self.sizes, ceil_mode=True, **self.options)


class Residual(nn.Module):
    """Layers, and what goes around them."""

    def __init__(self, body, shortcut):
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


def make_activation(name, negative_slope):
    """The module of an activation, with its slope where it has one."""
    if name == "leaky_relu":
        return nn.LeakyReLU(negative_slope)
    if name == "prelu":
        return nn.PReLU(init=negative_slope)
    return ACTIVATIONS[name]()


def sequence(steps):
    """Layers one after the other, from names and layers; biases are zero."""
    return without_biases(nn.Sequential(OrderedDict(steps)))


@dataclass(kw_only=True)
class ConvLayers:
    """Makes the stages of convolutions, and the dense layers after them, by name.

    Pooling comes before the normalisation and the activation, which thus have a
    quarter of the work: for an activation that never falls the maximum is the same.

    Parameters
    ----------
    shape : sequence of int
        (channels, length) of signals, or (channels, height, width) of images.
    channels : sequence of int
        Maps of each stage.
    depth : int
        Convolutions in a stage.
    kernel_size : int
    pooling : {"max", "mean"}
    global_pooling : bool
        Give the dense layers the mean of each map, in place of all its values.
    batch_norm, residual : bool
    dropout : float
        Share of the inputs of the dense layers set to zero.
    activation : str
    negative_slope : float
    hidden_sizes : sequence of int
        Widths of the dense layers.
    """

    shape: list
    channels: list
    depth: int
    kernel_size: int
    pooling: str
    global_pooling: bool
    batch_norm: bool
    residual: bool
    dropout: float
    activation: str
    negative_slope: float
    hidden_sizes: list

    def steps(self):
        """Layers by name, in their order, and the width of the last."""
        n_sides = len(self.shape) - 1
        shapes = stage_shapes(self.shape, self.channels)
        steps = {
            f"stage{i}": self._stage(*ends)
            for i, ends in enumerate(pairwise(shapes), start=1)
        }
        if self.global_pooling:
            steps["maps"] = nn.Sequential(MEANS[n_sides](1), nn.Flatten())
            widths = [shapes[-1][0]]
        else:
            steps["maps"] = nn.Flatten()
            widths = [prod(shapes[-1])]
        for i, width in enumerate(self.hidden_sizes, start=1):
            steps[f"hidden{i}"] = self.dense(widths[-1], width)
            widths.append(width)
        return steps, widths[-1]

    def _stage(self, before, after):
        """Convolutions that keep the sides, then pooling."""
        (n_inputs, *sides), (n_maps, *_) = before, after
        n_sides = len(sides)
        convolution, _ = CONVOLUTIONS[n_sides]
        layers = []
        for i in range(1, self.depth + 1):
            layer = convolution(
                n_inputs if i == 1 else n_maps,
                n_maps,
                bias=not self.batch_norm,
                **kernel(self.kernel_size, sides),
            )
            layers.append((f"convolution{i}", layer))
            if i < self.depth:
                finish = self._finish(n_maps, NORMALIZATIONS[n_sides])
                layers += [(f"{name}{i}", step) for name, step in finish]
        if self.residual:
            shortcut = convolution(n_inputs, n_maps, 1, bias=False)
            layers = [("convolutions", Residual(sequence(layers), shortcut))]
        layers.append(("pooling", Pool(self.pooling, sides)))
        return sequence(layers + self._finish(n_maps, NORMALIZATIONS[n_sides]))

    def dense(self, n_inputs, n_outputs):
        linear = nn.Linear(n_inputs, n_outputs, bias=not self.batch_norm)
        layers = [("dropout", nn.Dropout(self.dropout)), ("linear", linear)]
        return sequence(layers + self._finish(n_outputs, NORMALIZATIONS[0]))

    def _finish(self, n_outputs, normalization):
        layers = [("activation", make_activation(self.activation, self.negative_slope))]
        if self.batch_norm:
            layers.insert(0, ("normalization", normalization(n_outputs)))
        return layers


def conv_embedding(*, n_components, **options):
    """The layers of `ConvLayers`, then a linear one to the components."""
    steps, width = ConvLayers(**options).steps()
    steps["embedding"] = nn.Linear(width, n_components)
    return sequence(steps)


class ConvClassifier(Network):
    """Stages of convolutions, then dense layers, then one output for each class.

    Parameters
    ----------
    n_classes : int
    n_components : int
        Width of the last dense layer before the classes, named "penultimate".
    layer : str
        The one whose output is the code.
    shape, dropout, **options
        As `ConvLayers` has them; the classes have the dropout, too.
    """

    has_channels_last = True

    def __init__(self, *, n_classes, n_components, layer, shape, dropout, **options):
        super().__init__(shape)
        self.layer = layer
        layers = ConvLayers(shape=shape, dropout=dropout, **options)
        steps, width = layers.steps()
        steps["penultimate"] = layers.dense(width, n_components)
        self.steps = list(steps)
        for name, step in steps.items():
            self.add_module(name, step)
        self.head_dropout = nn.Dropout(dropout)
        self.head = nn.Linear(n_components, n_classes)

    def to_penultimate(self, x):
        return self.run(self._through_steps, self.standardized(x))

    def _through_steps(self, x):
        for name in self.steps:
            x = self.get_submodule(name)(x)
        return x

    def forward(self, x):
        """Logits of the classes."""
        return self.head(self.head_dropout(self.to_penultimate(x)))

    evaluate = forward

    def encode(self, x):
        if self.layer != "penultimate":
            return output_of(self.layer, self, self.forward, x).flatten(1)
        return self.to_penultimate(x)

    def probabilities(self, x):
        return self.forward(x).softmax(1)
