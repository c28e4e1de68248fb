"""Layers, and stacks of them, by name and by sizes."""

from copy import deepcopy
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

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


def mlp(sizes, activation):
    """Linear layers with the activation between them, but not after the last."""
    steps = []
    for n_inputs, n_outputs in pairwise(sizes):
        steps += [nn.Linear(n_inputs, n_outputs), ACTIVATIONS[activation]()]
    return nn.Sequential(*steps[:-1])


def flat_mlp(sizes, activation):
    """The layers of `mlp`, for input of any shape."""
    return nn.Sequential(nn.Flatten(), *mlp(sizes, activation))


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
