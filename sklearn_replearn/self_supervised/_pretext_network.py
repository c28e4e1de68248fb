"""The network of a pretext task, and what it is trained for."""

from math import ceil, log, prod

import torch
from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.estimators.encoders import start_network
from sklearn_replearn._deep.networks.network import copy_modules
from sklearn_replearn._deep.networks.own_modules import N_TRIED, try_module
from sklearn_replearn._deep.objectives.objective import Batch, Objective
from sklearn_replearn._deep.objectives.tuple_losses import Tally
from sklearn_replearn.self_supervised._projection_network import ProjectionNetwork

#: How many samples `settle` takes statistics from.
N_SETTLED = 10_000


class PretextNetwork(ProjectionNetwork):
    """Inputs of a task to answers, through the embeddings of their parts.

    Parameters
    ----------
    n_parts : int
        Parts of an input, which the same encoder sees one by one.
    answer_shape : sequence of int
        Of an answer: (n_classes,), or that of values.
    n_components, projection_sizes, **options
        As `ProjectionNetwork` has them; the embeddings of all parts go into the
        projector, whose last layer gives the answer.
    """

    def __init__(
        self, *, n_parts, answer_shape, n_components, projection_sizes, **options
    ):
        super().__init__(
            n_components=n_parts * n_components,
            projection_sizes=[*projection_sizes, prod(answer_shape)],
            **options,
        )
        self.n_parts = n_parts
        self.answer_shape = list(answer_shape)
        # Of the questions of the task; `settle` gives the encoder those of samples.
        self.register_buffer("trained_statistics", statistics(self.norms()))

    def norms(self):
        """The layers of batch normalization of the encoder that keep statistics."""
        return [
            layer
            for layer in self.encoder.modules()
            if isinstance(layer, nn.modules.batchnorm._BatchNorm)
            and layer.running_mean is not None
        ]

    def settle(self, samples):
        """Take the statistics of batch normalization from samples as they are.

        The network is trained on parts of samples, or on changed ones, whose maps have
        other means and variances. Those are kept for `as_trained`.
        """
        self.train()
        norms = [norm for norm in self.norms() if norm.training]
        self.eval()
        self.trained_statistics.copy_(statistics(self.norms()))
        if not norms or len(samples) < 2:
            return
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.train().reset_running_stats()
            norm.momentum = None  # the mean of all batches
        order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(0))
        index = order[:N_SETTLED]
        with torch.no_grad():
            for some in index.tensor_split(ceil(len(index) / self.block_rows)):
                x = self.arrange(samples.take(some).to(self.origin.device))
                self.run(self.encoder, self.standardized(x))
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.eval().momentum = momentum

    def as_trained(self):
        """A copy with the statistics of training, for questions of the task."""
        network = copy_modules(self)
        start = 0
        for norm in network.norms():
            for values in (norm.running_mean, norm.running_var):
                end = start + len(values)
                values.copy_(network.trained_statistics[start:end])
                start = end
        return network

    def scaled(self, x):
        """Samples as tasks have them: about zero, and with numbers of about 1."""
        return (x - self.center) / self.spread

    def in_unit(self, x):
        """The inverse of `scaled`, also of parts of images."""
        center = self.center
        if len(self.shape) > 1:
            center = center.flatten(1)[:, :1].view(-1, *[1] * (len(self.shape) - 1))
        return x * self.spread + center

    def forward(self, inputs):
        """Answers, and the embeddings that they are made of."""
        z = self.embed(inputs)
        return self.answer(z.view(len(inputs), -1)), z

    def embed(self, inputs):
        """Embeddings of all parts of scaled inputs, of shape (n_parts in all, ...)."""
        x = inputs.flatten(0, inputs.ndim - len(self.shape) - 1)
        return self.run(self.encoder, x if self.standardize else self.in_unit(x))

    def answer(self, z):
        return self.projector(z).view(-1, *self.answer_shape)

    def evaluate(self, x):
        z = self.embed(self.scaled(x))
        return self.answer(z.repeat(1, self.n_parts))


def statistics(norms):
    """Running means and variances of layers of batch normalization, in one vector."""
    values = [v for norm in norms for v in (norm.running_mean, norm.running_var)]
    return torch.cat(values).detach().clone() if values else torch.zeros(0)


class Answers(Objective):
    """Answers to the questions that a task makes of samples.

    Classes are compared by cross-entropy, values by squared errors where a target is
    not NaN.

    Parameters
    ----------
    task : PretextTask
    augment : callable or None
        Of the network and the samples; gives what changes samples in training.
    """

    draws = True

    def __init__(self, task, augment):
        super().__init__()
        self.task = task
        self.augment = augment
        self.change = None
        self.tally = Tally()

    def begin(self, network, samples):
        self.scale = network.scaled
        if self.augment is not None:
            self.change = self.augment(network, samples)

    def prepare(self, inputs, targets):
        if self.change is not None and self.training:
            inputs = self.change(inputs)
        inputs, targets = self.task.make(self.scale(inputs))
        if self.task.n_classes is None:
            return Batch(inputs, targets, (~targets.isnan()).sum())
        return Batch(inputs, targets, len(targets))

    def forward(self, network, batch):
        answers, z = network(batch.inputs)
        if self.task.n_classes is None:
            asked = ~batch.targets.isnan()
            answers, targets = answers[asked], batch.targets[asked]
            loss = functional.mse_loss(answers, targets)
            of_guesses = targets.square().mean()
        else:
            loss = functional.cross_entropy(answers, batch.targets)
            of_guesses = loss.new_tensor(log(self.task.n_classes))
        if self.training:
            self.tally.add(z.detach(), of_guesses.new_ones(()), of_guesses)
        return {"loss": loss}

    def take_health(self):
        tally, self.tally = self.tally, Tally()
        health = tally.result()
        del health["active_share"]
        return health


def start_pretext(network, samples, *, task, n_components):
    """Center the input of a network, and try it on what a task makes of samples.

    Images and signals have one center for each channel: with the mean image subtracted,
    a tile would show where it is from.
    """
    start_network(network, samples, n_components=n_components)
    if len(network.shape) > 1:
        dims = tuple(range(1, len(network.shape)))
        mean = network.center.mean(dims, keepdim=True)
        network.center.copy_(mean.expand_as(network.center))
    inputs, _ = task.make(network.scaled(network.arrange(samples.first(N_TRIED))))
    mode = network.training
    network.eval()
    with torch.no_grad():
        try_module("encoder", network.embed, inputs)
    network.train(mode)
