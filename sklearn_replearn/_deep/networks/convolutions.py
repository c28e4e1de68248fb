"""Convolutional layers, for signals and for images."""

from itertools import chain, pairwise
from math import prod

from torch import nn

from sklearn_replearn._deep.networks.network import ACTIVATIONS, mlp

#: By number of sides, the convolution and its transpose.
CONVOLUTIONS = {
    1: (nn.Conv1d, nn.ConvTranspose1d),
    2: (nn.Conv2d, nn.ConvTranspose2d),
}


def stage_shapes(shape, channels):
    """Shapes (channels, *sides) before and after each stage, which halves the sides.

    A half is rounded up, so that a side of 1 stays.
    """
    shapes = [list(shape)]
    for n_channels in channels:
        shapes.append([n_channels, *((side + 1) // 2 for side in shapes[-1][1:])])
    return shapes


def conv_encoder(shape, channels, kernel_size, hidden_sizes, n_components, activation):
    """Stages of a convolution with stride 2, then an MLP.

    Parameters
    ----------
    shape : sequence of int
        (channels, length) of a signal, or (channels, height, width) of an image.
    channels : sequence of int
        Channels after each stage.
    kernel_size : int
        An odd number.
    hidden_sizes : sequence of int
        Widths of the MLP's hidden layers.
    n_components : int
    activation : str
    """
    convolution, _ = CONVOLUTIONS[len(shape) - 1]
    shapes = stage_shapes(shape, channels)
    steps = []
    for (n_inputs, *sides), (n_maps, *_) in pairwise(shapes):
        steps += [
            convolution(n_inputs, n_maps, stride=2, **kernel(kernel_size, sides)),
            ACTIVATIONS[activation](),
        ]
    sizes = [prod(shapes[-1]), *hidden_sizes, n_components]
    return without_biases(nn.Sequential(*steps, nn.Flatten(), *mlp(sizes, activation)))


def conv_decoder(shape, channels, kernel_size, hidden_sizes, n_components, activation):
    """The layers of `conv_encoder` backwards, with transposed convolutions."""
    _, convolution = CONVOLUTIONS[len(shape) - 1]
    shapes = stage_shapes(shape, channels)[::-1]
    steps = [
        *mlp([n_components, *reversed(hidden_sizes), prod(shapes[0])], activation),
        nn.Unflatten(1, shapes[0]),
    ]
    for (n_maps, *_), (n_outputs, *sides) in pairwise(shapes):
        steps += [
            ACTIVATIONS[activation](),
            convolution(
                n_maps,
                n_outputs,
                stride=2,
                **kernel(kernel_size, sides),
                output_padding=[1 - side % 2 for side in sides],  # 2n, not 2n - 1
            ),
        ]
    return without_biases(nn.Sequential(*steps))


def kernel(size, sides):
    """Options of a convolution that sees as much around a pixel as before it.

    A kernel is no larger than what there is to see.
    """
    sizes = [min(size, 2 * side - 1) for side in sides]
    return {"kernel_size": sizes, "padding": [size // 2 for size in sizes]}


def odd_kernel_size(kernel_size):
    """The side of kernels as an int; raise if they have no middle."""
    if kernel_size % 2 == 0:
        raise ValueError(
            "kernel_size must be odd, so that a kernel has a middle; got "
            f"{kernel_size}."
        )
    return int(kernel_size)


def without_biases(layers):
    """Let layers start with biases of zero.

    Torch draws them as large as the weights. Images vary by little, and by less after
    each layer: random biases would soon be all that is left.
    """
    kinds = (nn.Linear, *chain(*CONVOLUTIONS.values()))
    for layer in layers.modules():
        if isinstance(layer, kinds) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return layers
