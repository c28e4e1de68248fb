"""The loss of CLIP: each row finds its other view in the batch, both ways."""

from math import log

import torch
from torch import nn

from sklearn_replearn._deep.objectives.losses import cross_entropy_both_ways
from sklearn_replearn._deep.objectives.objective import Batch, Objective
from sklearn_replearn._deep.objectives.tuple_losses import Tally

#: A learned temperature starts here, and stays above the second value.
START_TEMPERATURE, LEAST_TEMPERATURE = 0.07, 0.01


class InfoNCE(Objective):
    """Cosines of both views over a temperature, as logits of each other.

    Parameters
    ----------
    temperature : float or None
        ``None`` learns it.
    augment : callable, default=None
        Of the network and the samples; gives what changes rows of the first view in
        training.
    """

    #: Captions are drawn, where an item has several.
    draws = True

    def __init__(self, temperature, augment=None):
        super().__init__()
        self.scale = None if temperature is None else 1 / temperature
        if temperature is None:
            start = torch.tensor(-log(START_TEMPERATURE))
            self.log_scale = nn.Parameter(start)
        self.augment = augment
        self.change = None
        self.tally = Tally()

    @property
    def temperature(self):
        return (
            1 / self.scale if self.scale else float(torch.exp(-self.log_scale.detach()))
        )

    def begin(self, network, samples):
        if self.augment is not None:
            self.change = self.augment(network, samples)

    def prepare(self, inputs, targets):
        first, second = inputs
        if self.change is not None and self.training:
            first = self.change(first)
        return Batch((first, second), targets, len(first))

    def forward(self, network, batch):
        z, z_y = network(batch.inputs)
        scale = self.log_scale.exp() if self.scale is None else self.scale
        logits = scale * z @ z_y.T
        if batch.targets is not None:
            logits = logits.masked_fill(siblings(batch.targets), -torch.inf)
        if self.training:
            self._observe(z.detach(), logits.detach())
        return {"loss": cross_entropy_both_ways(logits)}

    def _observe(self, z, logits):
        own, n_candidates = logits.diagonal(), (logits > -torch.inf).sum(1)
        others = logits.clone().fill_diagonal_(-torch.inf)
        is_missed = torch.stack([others.amax(0) >= own, others.amax(1) >= own])
        collapsed = n_candidates.to(z.dtype).log().mean()
        self.tally.add(z, is_missed.to(z.dtype).mean(), collapsed)

    def after_step(self, network, progress):
        if self.scale is None:
            self.log_scale.clamp_(max=-log(LEAST_TEMPERATURE))

    def take_health(self):
        tally, self.tally = self.tally, Tally()
        health = tally.result()
        del health["mean_norm"]
        return health | {"temperature": self.temperature}


def siblings(groups):
    """Pairs of different rows of one group, a matrix of bool."""
    return (groups[:, None] == groups).fill_diagonal_(False)
