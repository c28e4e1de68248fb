"""Batches: which samples make one, and the samples themselves.

A sampler yields indices: the numbers of the samples of a batch, as a tensor. Samples
that have a class may come any, or a few of each of some classes, or in pairs.
"""

from functools import partial

import torch

from sklearn_replearn._deep.input.samples import Samples
from sklearn_replearn._deep.objectives.tuple_losses import same_and_other
from sklearn_replearn._deep.training.seeding import forked
from sklearn_replearn._warnings import warn


def make_batches(
    plan, arrange, samples, targets, validation, *, batch_size, fraction, seed, device
):
    """Batches to train with, and to validate with.

    Parameters
    ----------
    plan : Plan
    arrange : callable
        Makes the input of the network from samples.
    samples : Samples
        On the device of the training.
    targets : tensor, Samples or None
        As a technique reads them.
    validation : pair of samples and targets, or None
        Those that the user gave.
    batch_size : int or "auto"
    fraction : float or None
        Share of the samples to hold out, if the user gave none to validate with.
    seed : int
        Chooses those held out.
    device : torch device

    Returns
    -------
    train : Batches
    held_out : Batches or None
    batch_size : int
    """
    index = torch.arange(len(samples))
    held_out = index[:0]
    if validation is None and fraction is not None:
        index, held_out = plan.split(samples, targets, fraction, seed)
    batch_size = _resolve_batch_size(batch_size, len(index), plan.largest_batch)
    make = partial(_make_batches, plan, arrange, batch_size, device)
    train = make(samples, targets, index, samples.weights, shuffle=True)
    if validation is not None:
        others, targets = validation
        index, weights = torch.arange(len(others)), others.weights
        held_out = make(others, targets, index, weights, shuffle=False)
    elif len(held_out):
        held_out = make(samples, targets, held_out, samples.weights, shuffle=False)
    else:
        held_out = None
    return train, held_out, batch_size


def _resolve_batch_size(batch_size, n_samples, largest):
    if batch_size == "auto":
        return min(n_samples, max(16, min(largest, n_samples // 16)))
    if batch_size > n_samples:
        warn(
            f"batch_size={batch_size} is more than the {n_samples} rows to train "
            "with: each epoch is one batch of all of them.",
        )
    return min(batch_size, n_samples)


def _make_batches(
    plan, arrange, batch_size, device, samples, targets, index, weights, *, shuffle
):
    if weights is not None:  # with a mean of 1 over the samples of the index
        weights = (weights / weights[index].mean()).float().to(device)
    index = index.to(device)
    targets = None if targets is None else targets.to(device)
    return Batches(
        samples,
        plan.sampler(samples, targets, index, batch_size, shuffle=shuffle),
        plan.objective,
        arrange=arrange,
        targets=targets,
        weights=weights,
    )


class Batches:
    """Batches of samples, each gathered by one index.

    Parameters
    ----------
    samples : Samples
        On the device of the training.
    sampler : iterable
        Yields the numbers of the samples of a batch.
    objective : Objective
        Makes of inputs and targets what the network is trained with.
    arrange : callable
        Makes the input of the network from samples.
    targets : tensor of shape (n_samples, ...) or Samples, default=None
        What the network learns for each sample; Samples where that is of any length.
    weights : tensor of shape (n_samples,), default=None
        How much each sample counts.
    """

    def __init__(
        self, samples, sampler, objective, *, arrange, targets=None, weights=None
    ):
        self.samples = samples
        self.sampler = sampler
        self.objective = objective
        self.arrange = arrange
        self.targets = targets
        self.weights = weights
        self.n_samples = len(sampler.index)
        self.n_units = self.n_samples * samples.n_units

    def __len__(self):
        return len(self.sampler)

    def __iter__(self):
        draws_anew = self.objective.training or not self.objective.draws
        for number, index in enumerate(self.sampler):
            if draws_anew:
                batch = self.make(index)
            else:
                with forked(index.device):
                    torch.manual_seed(number)
                    batch = self.make(index)
            yield batch

    def make(self, index):
        """The batch of the samples that an index names."""
        batch = self.objective.prepare(*self.take(index))
        if self.weights is None:
            return batch
        return batch._replace(weights=self.weights[index])

    def take(self, index):
        """Some samples as the network takes them, and their targets, or None."""
        inputs, targets = self.arrange(self.samples.take(index)), self.targets
        if isinstance(targets, Samples):
            return inputs, targets.take(index)
        return inputs, None if targets is None else targets[index]


class RandomBatches:
    """Batches of rows in random order, each row once in a pass.

    A last batch of a single row, which batch normalisation cannot take, joins the one
    before.

    Parameters
    ----------
    index : tensor of int64
        Which rows.
    batch_size : int
    shuffle : bool, default=True
        Whether each pass has another order.
    """

    def __init__(self, index, batch_size, *, shuffle=True):
        self.index = index
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self):
        n, alone = divmod(len(self.index), self.batch_size)
        return max(1, n + (alone > 1 or (alone == 1 and self.batch_size == 1)))

    def __iter__(self):
        index = self.index
        if self.shuffle:
            index = index[torch.randperm(len(index)).to(index.device)]
        n_batches = len(self)
        for i in range(n_batches):
            start = i * self.batch_size
            stop = start + self.batch_size if i + 1 < n_batches else len(index)
            yield index[start:stop]


def random_batches(samples, targets, index, batch_size, *, shuffle):
    """Batches of any samples, each once in an epoch."""
    return RandomBatches(index, batch_size, shuffle=shuffle)


class BalancedBatches:
    """Batches of P classes with K rows of each, or all that a class has.

    K is `samples_per_class`, and P as many classes as a batch then has room for. Where
    there are fewer classes, K grows. In a pass of about as many rows as there are, all
    classes come about as often; the rows of each come in turn, in an order that is new
    in each pass. Classes with one row, which have no pair, are at most half of a batch.

    Parameters
    ----------
    index : tensor of int64
        Which rows.
    codes : tensor of int64
        Class of each row of the data, also of those not in `index`.
    batch_size : int
    samples_per_class : int
    shuffle : bool, default=True
        ``False`` repeats the batches of the first pass.
    """

    def __init__(self, index, codes, batch_size, samples_per_class, *, shuffle=True):
        self.index = index
        _, self.codes, counts = codes[index].unique(
            return_inverse=True, return_counts=True
        )
        self.counts = counts
        self.starts = counts.cumsum(0) - counts
        self.n_classes = min(len(counts), max(2, batch_size // samples_per_class))
        self.n_each = max(2, batch_size // self.n_classes)
        if self.n_classes < len(counts):
            self.n_each = samples_per_class
        self.large, self.single = (
            which.nonzero().flatten() for which in (counts > 1, counts == 1)
        )
        share = round(self.n_classes * len(self.large) / len(counts))
        n_large = min(len(self.large), max(share, -(-self.n_classes // 2)))
        self.n_single = min(len(self.single), self.n_classes - n_large)
        self.n_large = min(len(self.large), self.n_classes - self.n_single)
        self.kept = None if shuffle else list(self._draw())

    def __len__(self):
        n_in_large = self.counts[self.large].clamp_max(self.n_each).double().mean()
        n_in_batch = self.n_large * float(n_in_large) + self.n_single
        return max(1, round(len(self.index) / n_in_batch))

    def __iter__(self):
        yield from self._draw() if self.kept is None else self.kept

    def _draw(self):
        device = self.index.device
        # The rows of a class beside each other, in random order.
        order = torch.randperm(len(self.index)).to(device)
        order = order[self.codes[order].argsort(stable=True)]
        taken = torch.zeros_like(self.counts)
        turn = torch.arange(self.n_each, device=device)
        for classes in self._draw_classes():
            counts = self.counts[classes, None]
            place = (taken[classes, None] + turn) % counts
            place = (self.starts[classes, None] + place)[turn < counts]
            taken[classes] += self.n_each
            yield self.index[order[place]]

    def _draw_classes(self):
        """Different classes for each batch."""
        large = self._deal(self.large, self.n_large)
        single = self._deal(self.single, self.n_single)
        for _ in range(len(self)):
            yield torch.cat([next(large), next(single)])

    def _deal(self, classes, n):
        """So many classes at a time; all have had a turn before one has two."""
        while True:
            order = classes[torch.randperm(len(classes)).to(classes.device)]
            for start in range(0, max(1, len(classes) - n + 1), max(1, n)):
                yield order[start : start + n]


class DrawnPairs(BalancedBatches):
    """Pairs of rows of a batch of P classes with K rows of each, one after the other.

    Each row of the batch is the first of a pair. The second is drawn from its class,
    and for every other row from the other classes.

    Parameters
    ----------
    index : tensor of int64
        Which rows.
    codes : tensor of int64
        Class of each row of the data, also of those not in `index`.
    batch_size : int
        Pairs in a batch.
    samples_per_class : int
    shuffle : bool, default=True
        ``False`` repeats the batches of the first pass.
    """

    def __init__(self, index, codes, batch_size, samples_per_class, *, shuffle=True):
        self.codes_of_rows = codes
        super().__init__(index, codes, batch_size, samples_per_class, shuffle=shuffle)

    def _draw(self):
        for rows in super()._draw():
            is_same, is_other = same_and_other(self.codes_of_rows[rows])
            wants_same = torch.arange(len(rows), device=rows.device) % 2 == 0
            wants_same &= is_same.any(1)
            partners = is_same.where(wants_same[:, None], is_other)
            # On the CPU, as all random numbers of samplers.
            chance = torch.rand(partners.shape).to(rows.device)
            second = chance.where(partners, -1.0).argmax(1)
            yield torch.stack([rows, rows[second]], dim=1).flatten()
