"""Signs of a representation that has collapsed, or of units that do nothing."""

import operator

import numpy as np
import torch

from sklearn_replearn._deep.networks.layers import ACTIVATIONS

#: A unit counts as dead if it varies by less than this, relative to its largest value.
SAME = 1e-6

#: What sums of products in single precision are sure of, relative to their size.
ROUNDING = 1e-5


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
    return _spread_of_shares(singular)


def _spread_of_shares(singular):
    """The exponential of the entropy of singular values."""
    shares = singular / singular.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


class Tally:
    """Sums of what tells of the embeddings of an epoch, batch by batch.

    They stay on the device of the training until the result is asked for.
    """

    def __init__(self):
        self.sums = None
        self.origin = None  # near their mean: sums of squares are rounded by their size

    def add(self, z, active, collapsed):
        """Add a batch.

        Parameters
        ----------
        z : tensor of shape (n_rows, n_components)
        active, collapsed : tensors of shape ()
            As `TupleLoss.measure` gives them.
        """
        if self.origin is None:
            self.origin = z.mean(0)
        norms, z = z.norm(dim=1), z - self.origin
        found = (len(z), norms.sum(), z.sum(0), z.T @ z)
        found += (active * len(z), collapsed * len(z))
        if self.sums is not None:
            found = tuple(map(operator.add, self.sums, found))
        self.sums = found

    def result(self):
        """Means over the rows, as a dict of numbers."""
        n, *sums = self.sums
        norm, mean, products, active, collapsed = (
            np.asarray(torch.as_tensor(total).cpu(), dtype=np.float64) / n
            for total in sums
        )
        if not np.isfinite(products).all():
            raise Diverged("embeddings became infinite or NaN")
        variances = np.linalg.eigvalsh(products - np.outer(mean, mean)).clip(min=0)
        is_one_point = variances[-1] <= (ROUNDING * norm) ** 2
        return {
            "active_share": float(active),
            "mean_norm": float(norm),
            "spread": float(variances.sum() ** 0.5),
            "effective_rank": (
                0.0 if is_one_point else _spread_of_shares(np.sqrt(variances))
            ),
            "collapsed_loss": float(collapsed),
        }


def count_dead_units(network, x):
    """Hidden units that have one value for all rows, and the number of hidden units.

    A hidden unit is a column, or a channel, of the output of an activation.
    """
    dead, units = [], []

    def count(module, inputs, output):
        values = output.detach().transpose(0, 1).flatten(1)
        spread = values.amax(1) - values.amin(1)
        dead.append(int((spread <= SAME * values.abs().amax(1)).sum()))
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
