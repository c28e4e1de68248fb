"""Optimizers, by name, class or function, and schedules of their learning rates."""

from functools import partial
from math import cos, pi

import torch

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}

#: Share of the training in which the rate rises, and the factors that it starts from
#: and ends at. L. N. Smith, "A disciplined approach to neural network
#: hyper-parameters", 2018, with halves of a cosine in place of lines.
RISE, FIRST, LAST = 0.3, 0.04, 1e-4


def make_optimizer(weights, *, optimizer, lr, weight_decay, device, decays="all"):
    """An optimizer of weights.

    Parameters
    ----------
    weights : list of torch parameters
    optimizer : str or callable
        A name in `OPTIMIZERS`, or a function that makes an optimizer of weights and the
        options `lr` and, unless it is 0, `weight_decay`.
    lr, weight_decay : float
    device : torch device
    decays : {"all", "matrices"}, default="all"
        Which weights decay; "matrices" leaves out biases and those of normalizations.

    Raises
    ------
    ValueError
        If the function sets these options to other values, or gives no optimizer.
    """
    options = {"lr": lr} | ({"weight_decay": weight_decay} if weight_decay else {})
    name, make = in_words(optimizer), optimizer
    if isinstance(optimizer, str):
        make = OPTIMIZERS[optimizer]
        # One kernel for all weights: an epoch of small layers takes 0.6 of the time.
        options["fused"] = device.type in ("cpu", "cuda")
        if optimizer == "sgd":
            options |= {"momentum": 0.9, "nesterov": True}
    elif isinstance(optimizer, type) and not issubclass(
        optimizer, torch.optim.Optimizer
    ):
        raise ValueError(
            f"optimizer={name} is no subclass of torch.optim.Optimizer; take one, or "
            f"one of {sorted(OPTIMIZERS)}."
        )
    own = optimizer.keywords if isinstance(optimizer, partial) else {}
    for option in own.keys() & options.keys():
        if own[option] != options[option]:
            raise ValueError(
                f"optimizer={name} sets {option}={own[option]}, but the parameter "
                f"{option} is {options[option]}; set the parameter instead."
            )
    if decays not in ("all", "matrices"):
        raise ValueError(f"{decays=} is neither 'all' nor 'matrices'.")
    if decays == "matrices" and weight_decay:
        matrices = [weight for weight in weights if weight.ndim > 1]
        others = [weight for weight in weights if weight.ndim <= 1]
        weights = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
    call = ", ".join(["weights", *(f"{key}={options[key]}" for key in options)])
    try:
        made = make(weights, **options)
    except Exception as error:
        raise ValueError(
            f"optimizer={name} failed when called with ({call}): {first_line(error)}"
        ) from error
    if not isinstance(made, torch.optim.Optimizer):
        raise ValueError(
            f"optimizer={name} called with ({call}) returned {type(made).__name__}, "
            "which is no torch.optim.Optimizer."
        )
    return made


def in_words(optimizer):
    """An optimizer parameter for messages, such as ``partial(SGD, momentum=0.8)``."""
    if isinstance(optimizer, partial):
        options = [f"{name}={value!r}" for name, value in optimizer.keywords.items()]
        arguments = [*map(repr, optimizer.args), *options]
        return f"partial({', '.join([in_words(optimizer.func), *arguments])})"
    return getattr(optimizer, "__name__", repr(optimizer))


def first_line(error):
    """What an exception says, on one line."""
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


def constant(progress):
    return 1.0


def cosine(progress):
    """From 1 to 0 along half a cosine (Loshchilov and Hutter, 2017)."""
    return (1 + cos(pi * progress)) / 2


def one_cycle(progress):
    """Up from `FIRST` to 1, then down to `LAST`."""
    if progress < RISE:
        return 1 + (FIRST - 1) * cosine(progress / RISE)
    return LAST + (1 - LAST) * cosine((progress - RISE) / (1 - RISE))


#: By name, the factor as a function of the share of the training that is done.
SCHEDULES = {"constant": constant, "cosine": cosine, "one_cycle": one_cycle}


class Rates:
    """The learning rates of an optimizer in the course of a schedule.

    Parameters
    ----------
    optimizer : torch optimizer
    schedule : callable
        One of `SCHEDULES`.
    """

    def __init__(self, optimizer, schedule):
        self.optimizer = optimizer
        self.schedule = schedule
        self.first = self.last = self._read()

    def _read(self):
        return [group["lr"] for group in self.optimizer.param_groups]

    def set(self, progress):
        """Set the rates for the share of the training that is done.

        Raises
        ------
        ValueError
            If somebody else has set them.
        """
        if self.schedule is constant:
            return
        if self.last not in (None, self._read()):
            raise ValueError(
                "A callback changed the learning rate, which lr_schedule sets at each "
                "batch; set lr_schedule='constant'."
            )
        factor = self.schedule(progress)
        self.last = [rate * factor for rate in self.first]
        for group, rate in zip(self.optimizer.param_groups, self.last, strict=True):
            group["lr"] = rate
