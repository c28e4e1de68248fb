"""Signs of a representation that has collapsed, or of units that do nothing."""

import torch

from sklearn_replearn._deep.networks.network import ACTIVATIONS

#: A unit counts as dead if it varies by less than this, relative to its largest value.
DEAD_SPREAD = 1e-6


class Diverged(FloatingPointError):
    """Losses or embeddings of an epoch are not finite."""


def count_dead_units(network, x):
    """Hidden units that have one value for all rows, and the number of hidden units.

    A hidden unit is a column, or a channel, of the output of an activation.
    """
    dead, units = [], []

    def count(module, inputs, output):
        values = output.detach().transpose(0, 1).flatten(1)
        spread = values.amax(1) - values.amin(1)
        dead.append(int((spread <= DEAD_SPREAD * values.abs().amax(1)).sum()))
        units.append(len(values))

    kinds = tuple(
        kind for kind in ACTIVATIONS.values() if kind is not torch.nn.Identity
    )
    hooks = [
        module.register_forward_hook(count)
        for module in network.modules()
        if isinstance(module, kinds)
    ]
    try:
        with torch.inference_mode():
            network.evaluate(x)
    finally:
        for hook in hooks:
            hook.remove()
    return sum(dead), sum(units)
