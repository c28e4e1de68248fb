"""A memory of unit vectors of all training rows, which rows are compared with."""

from math import ceil, log

import torch
from torch.nn import functional

from sklearn_replearn._deep.objectives.objective import Batch, Objective, two_views
from sklearn_replearn._deep.objectives.softmax import sampled_cross_entropy
from sklearn_replearn._deep.objectives.tuple_losses import Tally
from sklearn_replearn._deep.training.splits import hold_out_several
from sklearn_replearn.self_supervised._view_health import SphereTally

#: Rows of a block that the bank is filled with.
N_AT_ONCE = 256


class MemoryBank(Objective):
    """Which of all training rows is this? By cosines with the vectors in a bank.

    Parameters
    ----------
    temperature : float
    momentum : float
        Share of the old vector in a new one.
    n_negatives : int or None
        So many rows are drawn for each batch; None compares with all.
    augment : callable
        As in `TwoViews`.

    Attributes
    ----------
    bank : tensor of shape (n_rows, n_components)
        Unit vectors, of the training rows. Neither saved nor kept with the best
        weights: each training fills it by its network.
    places : tensor of int64, of shape (n_samples,)
        For each sample, its row in the bank; -1 for those held out.
    """

    draws = True

    def __init__(self, temperature, momentum, n_negatives, augment):
        super().__init__()
        self.temperature = temperature
        self.momentum = momentum
        self.n_negatives = n_negatives
        self.augment = augment
        self.forget()
        self._start_tallies()

    def begin(self, network, samples):
        self.change = self.augment(network, samples)
        self.places = torch.arange(len(samples), device=network.origin.device)
        self.bank = fill_bank(network, samples)

    def forget(self):
        """Release the memory."""
        self.bank = self.places = self.latest = None

    def hold_out(self, samples, targets, fraction, seed):
        """The parts of `hold_out_several`, of which the second leaves the bank."""
        train, held_out = hold_out_several(samples, None, fraction, seed)
        self.bank = self.bank[train]
        self.places.fill_(-1)
        self.places[train] = torch.arange(len(train), device=self.places.device)
        return train, held_out

    def prepare(self, inputs, targets):
        """A view of each training row, and its place; or two views of each other row.

        Targets are the numbers of samples.
        """
        n = len(inputs)
        if self.training:
            return Batch(self.change(inputs), self.places[targets], n)
        return Batch(two_views(self.change, inputs), None, n)

    def forward(self, network, batch):
        projections = network(batch.inputs)
        z = functional.normalize(projections)
        if batch.targets is None:
            return {"loss": unknown_rows_loss(z, self.bank, self.temperature)}
        if torch.is_grad_enabled():  # in training
            self.latest = batch.targets, z.detach()
            self.tally.add(projections.detach(), 0.0, log(len(self.bank)))
            self.sphere.add(z.detach(), self.bank[batch.targets])
        return {"loss": self._compare(z / self.temperature, batch.targets)}

    def _compare(self, logits, targets):
        n = len(self.bank)
        if self.n_negatives is None or self.n_negatives >= n - 1:
            return functional.cross_entropy(logits @ self.bank.T, targets)
        drawn = torch.randperm(n)[: self.n_negatives].to(logits.device)
        chances = logits.new_full((len(drawn),), log(len(drawn) / n))
        return sampled_cross_entropy(logits, self.bank, None, targets, drawn, chances)

    def after_step(self, network, progress):
        targets, z = self.latest
        mixed = torch.lerp(z.to(self.bank.dtype), self.bank[targets], self.momentum)
        self.bank[targets] = functional.normalize(mixed)

    def take_health(self):
        health = {**self.tally.result(), **self.sphere.result()}
        self._start_tallies()
        return health

    def _start_tallies(self):
        self.tally, self.sphere = Tally(), SphereTally()


@torch.no_grad()
def fill_bank(network, samples):
    """Unit vectors of all samples, by a network in training mode.

    A new network has no running means yet.
    """
    mode, device = network.training, network.origin.device
    network.train()
    index = torch.arange(len(samples))
    parts = [
        functional.normalize(network(network.arrange(samples.take(part).to(device))))
        for part in index.tensor_split(ceil(len(samples) / N_AT_ONCE))
    ]
    network.train(mode)
    return torch.cat(parts)


def unknown_rows_loss(z, bank, temperature):
    """Mean -log softmax of the other view of a row, among it and the rows of a bank.

    Parameters
    ----------
    z : tensor of shape (2 * n_rows, n_components)
        Unit vectors of the first views, then of the second ones.
    """
    of_pairs = (z * z.roll(len(z) // 2, 0)).sum(1, keepdim=True)
    logits = torch.cat([of_pairs, z @ bank.T], 1) / temperature
    return (logits.logsumexp(1) - logits[:, 0]).mean()
