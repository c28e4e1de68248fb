"""Signs of a representation that has collapsed, or of units that do nothing."""

import numpy as np
import torch

from sklearn_replearn._deep.networks.network import ACTIVATIONS

#: A unit counts as dead if it varies by less than this, relative to its largest value.
DEAD_SPREAD = 1e-6


class Diverged(FloatingPointError):
    """Losses or embeddings of an epoch are not finite."""


def effective_rank(Z):
    r"""Number of directions in which vectors vary, weighed by how much they do.

    .. math:: \exp \Big( -\sum_i p_i \log p_i \Big), \qquad
       p_i = \sigma_i / \sum_j \sigma_j,

    with the singular values of the centred vectors; 0 if all are the same. O. Roy and
    M. Vetterli, "The effective rank", EUSIPCO 2007.
    """
    rounding = 10 * np.finfo(Z.dtype).eps
    Z = np.asarray(Z, dtype=np.float64).reshape(len(Z), -1)
    singular = np.linalg.svd(Z - Z.mean(axis=0), compute_uv=False)
    if singular[0] <= rounding * np.abs(Z).max() * len(Z) ** 0.5:
        return 0.0
    return spread_of_shares(singular)


def spread_of_shares(singular):
    """The exponential of the entropy of singular values."""
    shares = singular / singular.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


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
