"""Layers, and the networks made of them, from plain descriptions.

A description is a dict of strings and numbers, so that a fitted estimator can be saved
without its network and rebuild it anywhere. Where it holds a torch module instead of a
dict, a copy of that module is taken.
"""

from contextlib import contextmanager
from copy import deepcopy
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

Module = nn.Module  # for the families, which import no torch

ACTIVATIONS = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "identity": nn.Identity,
    "leaky_relu": nn.LeakyReLU,
    "logistic": nn.Sigmoid,
    "prelu": nn.PReLU,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


def has_own_modules(description):
    """Whether a part of the network is a module that the user gave."""
    return any(isinstance(value, nn.Module) for value in description.values())


def build_layers(description):
    """Layers from their description, or a copy of a module."""
    if isinstance(description, nn.Module):
        return deepcopy(description)
    options = dict(description)
    return LAYERS[options.pop("layers")](**options)


def mlp(sizes, activation):
    """Linear layers with the activation between them, but not after the last."""
    steps = []
    for n_inputs, n_outputs in pairwise(sizes):
        steps += [nn.Linear(n_inputs, n_outputs), ACTIVATIONS[activation]()]
    return nn.Sequential(*steps[:-1])


def flat_mlp(sizes, activation):
    """The layers of `mlp`, for input of any shape."""
    return nn.Sequential(nn.Flatten(), *mlp(sizes, activation))


LAYERS = {"flat_mlp": flat_mlp, "mlp": mlp}


class TiedLinear(nn.Module):
    """The transpose of a linear layer, with a bias of its own."""

    def __init__(self, linear):
        super().__init__()
        self.other = [linear]  # in a list: its weights are not ours to register
        self.bias = nn.Parameter(torch.zeros(linear.in_features))

    def forward(self, x):
        return functional.linear(x, self.other[0].weight.t(), self.bias)


def tied_decoder(encoder):
    """The layers of an MLP backwards, with its weights transposed."""
    steps = [
        TiedLinear(step) if isinstance(step, nn.Linear) else deepcopy(step)
        for step in reversed(encoder)
    ]
    return nn.Sequential(*steps)


class Network(nn.Module):
    """What an estimator trains: `forward` in training, `encode` afterwards."""

    #: Rows that are encoded at a time. Fewer are padded to as many, since the rounding
    #: of a row depends on the shape that it is computed in.
    block_rows = 256

    #: Whether `run` computes in lower precision; see `in_mixed_precision`.
    is_mixed = False

    def run(self, layers, x):
        """What layers give for x, in the precision of x whatever they compute in."""
        if not self.is_mixed:
            return layers(x)
        try:
            with torch.autocast(x.device.type, dtype=torch.bfloat16):
                return layers(x).to(x.dtype)
        except RuntimeError as error:
            if "BFloat16" not in str(error):
                raise
            raise ValueError(
                f"Some layer cannot compute in bfloat16 ({error}); set "
                "mixed_precision=False."
            ) from error

    def lay_out(self):
        """Order the weights in memory as they are read fastest."""

    def arrange(self, rows):
        """The input of the layers, from rows as the estimator has them."""
        return rows

    def encode(self, x):
        """Codes, of shape (n_samples, n_components)."""
        raise NotImplementedError

    def evaluate(self, x):
        """A pass through all the layers, without noise."""
        return self.encode(x)


@contextmanager
def in_mixed_precision(module):
    """Let the networks in a module run their layers in bfloat16 meanwhile.

    Weights, and what is computed outside of the layers (draws, distances, losses), stay
    in single precision (Micikevicius et al., 2018).
    """
    networks = [part for part in module.modules() if isinstance(part, Network)]
    for network in networks:
        network.is_mixed = True
    try:
        yield
    finally:
        for network in networks:
            network.is_mixed = False


class UpToLayer(nn.Module):
    """What one layer of a network puts out for rows.

    Parameters
    ----------
    network : Network
    layer : str or None
        Its name among ``network.named_modules()``; ``None`` for the code.
    """

    def __init__(self, network, layer=None):
        super().__init__()
        if layer is not None:
            check_layer(network, layer)
        self.network = network
        self.layer = layer
        self.train(network.training)

    def forward(self, rows):
        x = self.network.arrange(rows)
        if self.layer is None:
            return self.network.encode(x)
        return output_of(self.layer, self.network, self.network.evaluate, x)


def check_layer(network, layer):
    """Raise if a network has no layer of this name."""
    names = [name for name, _ in network.named_modules() if name]
    if layer not in names:
        raise ValueError(f"There is no layer {layer!r}; there are {names}.")


def output_of(layer, network, function, x):
    """What a layer of a network puts out, at last, while a function works on x."""
    outputs = []
    hook = network.get_submodule(layer).register_forward_hook(
        lambda layer, inputs, output: outputs.append(output)
    )
    try:
        function(x)
    finally:
        hook.remove()
    if not outputs:
        raise ValueError(f"The layer {layer!r} is not used; take another one.")
    return outputs[-1]


def try_module(name, function, x):
    """What a module that the user gave makes of x; raise if it cannot."""
    try:
        return function(x)
    except Exception as error:
        raise ValueError(
            f"The {name} cannot take input of shape {_rows_shape(x.shape)}: {error}"
        ) from error


def check_shape(name, x, output, expected, meaning):
    """Raise if what a module that the user gave makes of x has another shape."""
    shape = tuple(output.shape) if isinstance(output, torch.Tensor) else None
    if shape == expected and not output.is_floating_point():
        raise ValueError(f"The {name} gives {output.dtype}, which has no gradient.")
    if shape != expected:
        got = f"gives shape {_rows_shape(shape)}" if shape else f"gives {output!r:.50}"
        raise ValueError(
            f"The {name} {got} for input of shape {_rows_shape(x.shape)}, but "
            f"{_rows_shape(expected)} is needed: {meaning}."
        )


def _rows_shape(shape):
    return str(("n_rows", *shape[1:])).replace("'", "")


class EncoderDecoder(Network):
    """Rows to codes and back.

    `forward` is what is trained: for binary cross-entropy it gives logits, where
    `decode` gives probabilities.

    Parameters
    ----------
    encoder, decoder : dict or torch module
        ``decoder="tied"`` shares the weights of the encoder, an MLP.
    shape : sequence of int
        Of a sample, as the layers have it.
    binary : bool
        Whether the outputs are probabilities.

    Attributes
    ----------
    center, spread : tensors of shape `shape` and ()
        The encoder sees ``(x - center) / spread``: layers learn badly from numbers that
        are far from zero for what they vary, or that vary far more or less than by 1.
    gain, offset : tensors of shape () and `shape`
        What the decoder gives is ``gain * output + offset``.
    """

    def __init__(self, encoder, decoder, shape, binary=False):
        super().__init__()
        self.encoder = build_layers(encoder)
        self.decoder = (
            tied_decoder(self.encoder) if decoder == "tied" else build_layers(decoder)
        )
        self.binary = binary
        self.register_buffer("center", torch.zeros(shape))
        self.register_buffer("spread", torch.ones(()))
        self.register_buffer("gain", torch.ones(()))
        self.register_buffer("offset", torch.zeros(shape))

    def run_encoder(self, x):
        return self.run(self.encoder, (x - self.center) / self.spread)

    def run_decoder(self, z):
        return torch.addcmul(self.offset, self.run(self.decoder, z), self.gain)

    def encode(self, x):
        return self.run_encoder(x)

    def decode(self, z):
        x = self.run_decoder(z)
        return torch.sigmoid(x) if self.binary else x

    def reconstruct(self, x):
        return self.decode(self.encode(x))

    evaluate = reconstruct

    def squared_errors(self, x):
        """Mean squared error of each row, as a column."""
        return (self.reconstruct(x) - x).square().flatten(1).mean(1, keepdim=True)

    def forward(self, x):
        return self.run_decoder(self.encode(x))
