"""What a training is made of, as a technique says it."""

from collections.abc import Callable
from dataclasses import dataclass

from sklearn_replearn._deep.input.samples import Rows
from sklearn_replearn._deep.networks.network import build_network, has_own_modules
from sklearn_replearn._deep.objectives.objective import Objective
from sklearn_replearn._deep.training.batches import random_batches
from sklearn_replearn._deep.training.splits import hold_out


@dataclass(frozen=True)
class Plan:
    """The network of a technique, and how it is trained.

    Attributes
    ----------
    description : dict
        Of the network, as `build_network` takes it.
    objective : Objective or None
        ``None`` leaves the network as it is built.
    sampler : callable
        Of the samples, the targets, an index of samples, the batch size and the keyword
        `shuffle`; gives an iterable of batches, each a tensor of numbers of samples.
    split : callable
        Of the samples, the targets, the share to hold out and a seed; gives the indices
        of the samples to train with and of those held out.
    start : callable, default=None
        Of a new network that has its `origin`, `center` and `spread`, and the samples;
        what else it starts from. It raises if the network does not fit the samples.
    check : callable, default=None
        Of samples, also of those to validate with; raises if the loss cannot take them.
    loss_unit : callable or float
        What the loss is divided by for its gradients, so that a learning rate means the
        same for data in any unit; or a function of the network that gives it.
    clip_norm : float, default=None
        Gradients are shortened to this length, over all weights.
    decays : {"all", "matrices"}, default="all"
        Which weights `weight_decay` acts on; "matrices" leaves out biases and the
        weights of normalizations.
    encode_once : callable, default=None
        Of the network and samples; other samples to train with in place of these, such
        as their codes, if the parts that make them stay as they are.
    auto_lr : float, default=None
        Learning rate of ``lr="auto"``.
    largest_batch : int, default=128
        Maximum number of samples of a batch of ``batch_size="auto"``.
    discard : tuple of str
        Names of parts of the network that only training needs: they are not saved.
    rounds : int
        How often the network is trained for `max_epochs`; between rounds, the objective
        makes new targets.
    """

    description: dict
    objective: Objective | None
    sampler: Callable = random_batches
    split: Callable = hold_out
    start: Callable | None = None
    check: Callable | None = None
    loss_unit: Callable | float = 1.0
    clip_norm: float | None = None
    decays: str = "all"
    encode_once: Callable | None = None
    auto_lr: float | None = None
    largest_batch: int = 128
    discard: tuple = ()
    rounds: int = 1

    def new_network(self, samples):
        """The network as it is before the training with samples."""
        description = self.description
        network = build_network(description)
        is_own = has_own_modules(description) or description.get("binary", False)
        if isinstance(samples.rows, Rows):
            samples.rows.center_input(network, from_origin=not is_own)
        if self.start is not None:
            self.start(network, samples.rows)
        return network

    def samples_on(self, device, network, samples):
        """What a network on a device is trained with: samples, or their codes."""
        there = samples.to(device)
        if self.encode_once is not None:
            there = self.encode_once(network, there).to(device)
        there.weights = samples.weights
        return there
