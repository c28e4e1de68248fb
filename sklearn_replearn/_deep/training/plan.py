"""What a training is made of, as a technique says it."""

from collections.abc import Callable
from dataclasses import dataclass

from sklearn_replearn._deep.objectives.objective import Objective
from sklearn_replearn._deep.training.batches import random_batches
from sklearn_replearn._deep.training.splits import hold_out


def as_it_is(network, samples):
    """A start that changes nothing."""


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
    start : callable
        Of a new network and the samples; lets the network start from what the samples
        are like, or raises if it does not fit them.
    check : callable, default=None
        Of samples, also of those to validate with; raises if the loss cannot take them.
    loss_unit : callable or float
        What the loss is divided by for its gradients, so that a learning rate means the
        same for data in any unit; or a function of the network that gives it.
    clip_norm : float, default=None
        Gradients are shortened to this length, over all weights.
    decays : {"all", "matrices"}
        Which weights `weight_decay` acts on; "matrices" leaves out biases and the
        weights of normalizations.
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
    start: Callable = as_it_is
    check: Callable | None = None
    loss_unit: Callable | float = 1.0
    clip_norm: float | None = None
    decays: str = "all"
    discard: tuple = ()
    rounds: int = 1

    def __post_init__(self):
        if self.decays not in ("all", "matrices"):
            kinds = "'all' nor 'matrices'"
            raise ValueError(f"decays={self.decays!r} is neither {kinds}.")
        kind = type(self.objective)
        if self.rounds > 1 and kind.relabel is Objective.relabel:
            raise ValueError(
                f"rounds={self.rounds}, but {kind.__name__} has no relabel, to make "
                "the targets of the second."
            )
