"""Augmentation: random changes of a batch, by the names in the parameter `augment`."""

from collections.abc import Callable
from math import inf
from numbers import Real
from typing import NamedTuple

import torch

from sklearn_replearn._deep.input import changes
from sklearn_replearn._deep.input.changes import Values

#: Numbers of sides of a sample.
TABLE, SIGNAL, IMAGE = 0, 1, 2

#: What samples with so many sides are called.
KINDS = {TABLE: "tables", SIGNAL: "signals", IMAGE: "images"}

#: Channels of an image in color.
N_COLORS = 3


class Change(NamedTuple):
    """A change, and what amounts and inputs it takes.

    Parameters
    ----------
    function : callable
        Of a batch and an amount, and of `Values` if it is no change of place.
    amount : float
        The usual one.
    largest : float
        The largest one.
    n_sides : tuple of int
        Numbers of sides that a sample may have.
    in_color : bool, default=False
        Whether images must have three channels.
    """

    function: Callable
    amount: float
    largest: float
    n_sides: tuple
    in_color: bool = False


#: By name, changes of place, which are done together and first, the last one first.
PLACINGS = {
    "crop": Change(changes.crop, 0.2, 0.9, (SIGNAL, IMAGE)),
    "resized_crop": Change(changes.resized_crop, 0.5, 0.99, (IMAGE,)),
    "scale": Change(changes.scale, 0.15, inf, (SIGNAL, IMAGE)),
    "rotate": Change(changes.rotate, 15.0, 180, (IMAGE,)),
}

#: By name, the other changes, in the order that they are done in.
OTHER_CHANGES = {
    "corrupt": Change(changes.corrupt, 0.6, 0.99, (TABLE,)),
    "flip": Change(changes.flip, 0.5, 1, (SIGNAL, IMAGE)),
    "shift": Change(changes.shift, 0.1, 1, (SIGNAL, IMAGE)),
    "color_jitter": Change(changes.color_jitter, 0.2, inf, (SIGNAL, IMAGE)),
    "hue": Change(changes.hue, 0.1, 0.5, (IMAGE,), in_color=True),
    "grayscale": Change(changes.grayscale, 0.2, 1, (IMAGE,), in_color=True),
    "blur": Change(changes.blur, 1.0, 100, (SIGNAL, IMAGE)),
    "solarize": Change(changes.solarize, 0.2, 1, (IMAGE,)),
    "noise": Change(changes.noise, 0.1, inf, (TABLE, SIGNAL, IMAGE)),
    "frequency_mask": Change(changes.frequency_mask, 0.2, 1, (SIGNAL,)),
    "time_mask": Change(changes.time_mask, 0.2, 1, (SIGNAL,)),
    "cutout": Change(changes.cutout, 0.25, 1, (IMAGE,)),
}

#: All of them by name.
CHANGES = dict(sorted((PLACINGS | OTHER_CHANGES).items()))

#: By name and number of sides, several changes at once. Those of color are left out
#: where there is none.
PRESETS = {
    "weak": {
        TABLE: {"corrupt": 0.3},
        SIGNAL: {"shift": 0.1, "noise": 0.05},
        IMAGE: {"flip": 0.5, "shift": 0.125},
    },
    "medium": {
        TABLE: {"corrupt": 0.6},
        SIGNAL: {"crop": 0.4, "scale": 0.15, "noise": 0.1},
        IMAGE: {"crop": 0.4, "flip": 0.5, "color_jitter": 0.4},
    },
    "strong": {
        TABLE: {"corrupt": 0.8},
        SIGNAL: {
            "crop": 0.6,
            "scale": 0.3,
            "noise": 0.2,
            "time_mask": 0.2,
            "frequency_mask": 0.2,
        },
        IMAGE: {
            "resized_crop": 0.8,
            "flip": 0.5,
            "color_jitter": 0.4,
            "hue": 0.1,
            "grayscale": 0.2,
            "blur": 1.0,
        },
    },
}


def read_amounts(augment, shape):
    """Amounts by name, from what an estimator's parameter `augment` holds.

    Parameters
    ----------
    augment : str, sequence, or None
        A name, or names and pairs of a name and an amount. Names are those of changes
        and of presets. Later items replace amounts of earlier ones; 0 is none.
    shape : sequence of int
        Of a sample as the layers have it: channels and sides, or columns of a table.
    """
    items = [augment] if isinstance(augment, str) else list(augment or [])
    amounts = {}
    for item in items:
        if isinstance(item, str) and item in PRESETS:
            amounts |= preset_amounts(item, shape)
        else:
            name, amount = (item, None) if isinstance(item, str) else _pair(item)
            amounts[name] = _read_amount(name, amount, shape)
    return {name: amount for name, amount in amounts.items() if amount > 0}


def preset_amounts(preset, shape):
    """Amounts by name of a preset, for samples of a shape."""
    n_channels, *sides = shape
    return {
        name: amount
        for name, amount in PRESETS[preset][len(sides)].items()
        if n_channels == N_COLORS or not CHANGES[name].in_color
    }


def _pair(item):
    try:
        name, amount = item
    except (TypeError, ValueError):
        raise ValueError(
            f"augment has {item!r}, but its items are names, or pairs of a name and an "
            "amount, such as ('rotate', 10)."
        ) from None
    return name, amount


def _read_amount(name, amount, shape):
    if not isinstance(name, str) or name not in CHANGES | PRESETS:
        raise ValueError(
            f"augment has {name!r}, which is none of {', '.join(CHANGES | PRESETS)}."
        )
    if name in PRESETS:
        raise ValueError(
            f"augment has {name!r} with {amount!r}, but {name!r} stands for several "
            "changes and has no amount; pass the name alone."
        )
    change = CHANGES[name]
    _check_input(name, change, shape)
    amount = change.amount if amount is None else amount
    most = change.largest
    if not (isinstance(amount, Real) and 0 <= amount <= most and amount < inf):
        limits = "of at least 0" if most == inf else f"from 0 to {most}"
        raise ValueError(
            f"augment has {name!r} with {amount!r}, but its amount must be a number "
            f"{limits}."
        )
    return float(amount)


def _check_input(name, change, shape):
    """Raise if a change has no meaning for samples of a shape."""
    n_channels, *sides = shape
    n_sides = len(sides)
    if n_sides == TABLE and TABLE not in change.n_sides:
        raise ValueError(
            f"augment has {name!r}, but X has rows that are no images; pass "
            "image_shape if they are, or augment='noise' or 'corrupt'."
        )
    if n_sides not in change.n_sides:
        raise ValueError(
            f"augment has {name!r}, which is for {KINDS[change.n_sides[0]]}, but X has "
            f"{KINDS[n_sides]}; leave it out."
        )
    if change.in_color and n_channels != N_COLORS:
        raise ValueError(
            f"augment has {name!r}, which is for images with {N_COLORS} channels, but "
            f"those of X have {n_channels}; leave it out."
        )


class Augmentation:
    """Several changes, one after the other.

    Parameters
    ----------
    amounts : dict of str to float
    values : Values
        Those of the training.
    """

    def __init__(self, amounts, values):
        self.amounts = amounts
        self.values = values

    def __call__(self, x):
        if PLACINGS.keys() & self.amounts.keys():
            x = changes.resample(x, *self._compose(x))
        for name, change in OTHER_CHANGES.items():
            if name in self.amounts:
                x = change.function(x, self.amounts[name], self.values)
        return x

    def _compose(self, x):
        """All changes of place as one, so that images are interpolated once."""
        matrix = torch.eye(2, device=x.device, dtype=x.dtype).expand(len(x), 2, 2)
        middle = torch.zeros(len(x), 2, device=x.device, dtype=x.dtype)
        for name, change in PLACINGS.items():
            if name in self.amounts:
                turn, move = change.function(x, self.amounts[name])
                matrix, middle = _times(turn, matrix), _times(turn, middle[:, :, None])
                middle = middle.squeeze(2) + move
        return matrix, middle


def augmentation(amounts, network, samples):
    """The changes of a network's inputs, by the values of its training."""
    values = Values(float(network.spread))
    if amounts.keys() & {"corrupt", "solarize"}:
        some = samples.rows.some()
        rows = network.arrange(some.first(len(some)).to(network.origin.device))
        values = Values(values.spread, float(rows.min()), float(rows.max()), rows)
    return Augmentation(amounts, values)


def _times(turn, other):
    """A product of matrices, of which the first may be a factor for each image."""
    return turn * other if turn.shape[1:] == (1, 1) else turn @ other
