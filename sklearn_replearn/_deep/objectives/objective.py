"""What a network is trained for: from a batch to named terms of its loss.

Losses are functions of tensors; an objective says what they are given: which inputs
and targets a batch of the data becomes, and which outputs of the network they compare.
"""

from typing import NamedTuple

import torch
from torch import nn


class Batch(NamedTuple):
    """What an objective makes of some samples and their targets.

    Attributes
    ----------
    inputs : tensor, or named tuple of tensors
        As the network takes them.
    targets : tensor, tuple of tensors or None
    n_terms : int or tensor of shape ()
        Over how many rows, tokens or masked places the loss is a mean.
    weights : tensor of shape (n_samples,), default=None
        How much each sample counts.
    """

    inputs: object
    targets: object
    n_terms: object
    weights: object = None


def count(inputs):
    """The number of samples in inputs, which may be a tuple of tensors."""
    return len(inputs) if isinstance(inputs, torch.Tensor) else count(inputs[0])


class Objective(nn.Module):
    """What a network is trained for.

    Its parameters, such as a learned temperature, are trained with the network's. They
    and its buffers are kept with the best weights, by warm starts and in pickles.
    """

    #: Whether `prepare` draws random numbers, also in evaluation mode. Held-out batches
    #: are then prepared under a fixed seed, so that each epoch has the same ones.
    draws = False

    def begin(self, network, samples):
        """Get ready for the training of a network, new or not, with samples."""

    def prepare(self, inputs, targets):
        """A `Batch` of inputs and targets: views, masks, labels that are made here.

        Parameters
        ----------
        inputs : tensor or named tuple
            As `Network.arrange` gives them.
        targets : tensor or None
        """
        return Batch(inputs, targets, count(inputs))

    def forward(self, network, batch):
        """Named terms, tensors of shape (), whose sum is minimised."""
        raise NotImplementedError

    def after_step(self, network, progress):
        """Update what is no weight, such as a moving average, after a step.

        Parameters
        ----------
        network : Network
        progress : float
            Share of the training that is done, from 0 to 1.
        """

    def relabel(self, network, samples):
        """New targets for all samples, before each round but the first.

        Of the samples of the training, while ``self.training`` is true, and after that
        of those that the user gave to validate with, if any: by the same classes.

        Parameters
        ----------
        network : Network
            In evaluation mode.
        samples : Samples

        Returns
        -------
        targets : tensor of shape (n_samples, ...) or Samples
        """
        raise NotImplementedError

    def take_health(self):
        """Numbers by name that tell of the epoch that is over; forgets them.

        By default those of the attribute `loss`, if it has any.
        """
        loss = getattr(self, "loss", None)
        return loss.take_health() if hasattr(loss, "take_health") else {}

    def loss_of(self, output, targets):
        """The loss of an output alone, for scorers in callbacks."""
        raise ValueError(
            f"The loss of {type(self).__name__} needs whole batches; read train_loss "
            "or valid_loss from the history instead."
        )


class Supervised(Objective):
    """A loss of the network's outputs and of targets: given ones, or the inputs.

    Parameters
    ----------
    loss : torch module
        Of an output and a target, and of the weights of the samples if there are any.
        It gives a mean, or a dict of named terms. Its ``take_health``, if it has one,
        is that of the objective.
    augment : callable, default=None
        Of the network and the samples; gives what changes inputs in training, or None.
    """

    def __init__(self, loss, augment=None):
        super().__init__()
        self.loss = loss
        self.augment = augment
        self.change = None

    def begin(self, network, samples):
        if self.augment is not None:
            self.change = self.augment(network, samples)

    def prepare(self, inputs, targets):
        targets = inputs if targets is None else targets
        n_terms = count(targets)
        if self.change is not None and self.training:
            inputs = self.change(inputs)
        return Batch(inputs, targets, n_terms)

    def forward(self, network, batch):
        pair = network(batch.inputs), batch.targets
        weights = () if batch.weights is None else (batch.weights,)
        return as_terms(self.loss(*pair, *weights))

    def loss_of(self, output, targets):
        return sum(as_terms(self.loss(output, targets)).values())


class TwoViews(Objective):
    """A loss of two random views of each sample.

    Parameters
    ----------
    loss : torch module
        Of the outputs for both views of all samples, one view after the other, and of
        the numbers of the samples that they show.
    augment : callable
        Of the network and the samples; gives what makes a view of inputs.
    """

    draws = True

    def __init__(self, loss, augment):
        super().__init__()
        self.loss = loss
        self.augment = augment

    def begin(self, network, samples):
        self.change = self.augment(network, samples)

    def prepare(self, inputs, targets):
        views = two_views(self.change, inputs)
        n = len(inputs)
        return Batch(views, torch.arange(n, device=views.device).repeat(2), n)

    def forward(self, network, batch):
        return as_terms(self.loss(network(batch.inputs), batch.targets))


def two_views(change, inputs):
    """A random view of each input, then another one of each."""
    return torch.cat([change(inputs), change(inputs)])


class Joint(Objective):
    """Several objectives at once.

    Parameters
    ----------
    parts : dict of str to pairs (objective, weight)
        The terms of each have its name, and are multiplied by its weight; so have the
        numbers of its health.
    """

    def __init__(self, parts):
        super().__init__()
        self.parts = nn.ModuleDict({name: part for name, (part, _) in parts.items()})
        self.factors = {name: factor for name, (_, factor) in parts.items()}
        self.draws = any(part.draws for part in self.parts.values())

    def begin(self, network, samples):
        for part in self.parts.values():
            part.begin(network, samples)

    def prepare(self, inputs, targets):
        batches = {
            name: part.prepare(inputs, targets) for name, part in self.parts.items()
        }
        return Batch(batches, targets, count(inputs))

    def forward(self, network, batch):
        terms = {}
        for name, part in self.parts.items():
            of_part = batch.inputs[name]._replace(weights=batch.weights)
            for term, value in part(network, of_part).items():
                key = name if term == LOSS else f"{name}_{term}"
                terms[key] = self.factors[name] * value
        return terms

    def after_step(self, network, progress):
        for part in self.parts.values():
            part.after_step(network, progress)

    def take_health(self):
        health = {}
        for name, part in self.parts.items():
            for key, value in part.take_health().items():
                health[f"{name}_{key}"] = value
        return health


#: Name of the only term of a loss without names.
LOSS = "loss"


def as_terms(loss):
    """Named terms of what a loss gives: a number or terms."""
    return loss if isinstance(loss, dict) else {LOSS: loss}
