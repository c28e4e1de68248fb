"""Alignment and uniformity of the views of an epoch, from its batches."""

from math import log

import torch
from torch.nn import functional

from sklearn_replearn._deep.objectives.objective import TwoViews, as_terms


class SphereTally:
    """Sums over the batches of an epoch, on the device of the training.

    Alignment and uniformity are those of `sklearn_replearn.metrics`, with ``alpha=2``
    and ``t=2``; pairs are of the first views in one batch.
    """

    def __init__(self):
        self.sums = [0.0, 0, 0.0, 0]

    def add(self, first, second):
        """Add the unit vectors of two views of the rows of a batch."""
        n = len(first)
        potentials = (4 * (first @ first.T) - 4).exp_().fill_diagonal_(0)
        found = (first - second).square().sum(), n, potentials.sum(), n * (n - 1)
        self.sums = [total + new for total, new in zip(self.sums, found, strict=True)]

    def result(self):
        distances, n, potentials, n_pairs = map(float, self.sums)
        return {
            "alignment": distances / n,
            "uniformity": min(0.0, log(potentials / n_pairs)),
        }


class ObservedViews(TwoViews):
    """A loss of two views, whose health has their alignment and uniformity.

    Parameters
    ----------
    loss : TupleLoss
    augment : callable
        As in `TwoViews`.
    directions : callable
        Gives unit vectors of projections.
    """

    def __init__(self, loss, augment, directions=functional.normalize):
        super().__init__(loss, augment)
        self.directions = directions
        self.sphere = SphereTally()

    def forward(self, network, batch):
        z = network(batch.inputs)
        if torch.is_grad_enabled():  # in training
            self.sphere.add(*self.directions(z.detach()).chunk(2))
        return as_terms(self.loss(z, batch.targets))

    def take_health(self):
        sphere, self.sphere = self.sphere, SphereTally()
        return {**super().take_health(), **sphere.result()}
