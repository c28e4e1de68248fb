"""Other images of the same things: random changes of a batch, in torch only.

Each takes images of shape (n, channels, height, width), or signals (n, channels,
length), the amount of the change and, where it is of the values, the spread of those of
the training, and draws anew for each image.
"""

from math import inf, log1p
from numbers import Real

import torch
from torch.nn import functional

from sklearn_replearn._deep.input.samples import on_images


def flip(x, amount, spread):
    """Left and right exchanged, with the chance `amount`."""
    return torch.where(_uniform(x, 0, 1) < amount, x.flip(-1), x)


def shift(x, amount, spread):
    """Moved along each side by whole pixels, at most a share `amount` of the side.

    What comes in from outside repeats the border.
    """
    for dim in range(2, x.ndim):
        side = x.shape[dim]
        most = round(amount * side)
        steps = torch.randint(-most, most + 1, (len(x), 1), device=x.device)
        places = (torch.arange(side, device=x.device) + steps).clamp(0, side - 1)
        shape = [len(x)] + [1] * (x.ndim - 1)
        shape[dim] = side
        x = x.gather(dim, places.view(shape).expand_as(x))
    return x


def rotate(x, amount):
    """Turned by an angle of at most `amount` degrees."""
    angle = torch.deg2rad(_uniform(x, -amount, amount)).flatten()
    ratio = x.shape[-1] / x.shape[-2]  # places are in units of half a side
    rows = [
        torch.stack([angle.cos(), -angle.sin() / ratio], 1),
        torch.stack([angle.sin() * ratio, angle.cos()], 1),
    ]
    return torch.stack(rows, 1), 0.0


def scale(x, amount):
    """Larger or smaller by a factor of at most ``1 + amount``, about the middle."""
    return torch.exp(log1p(amount) * _uniform(x, -1, 1)).view(-1, 1, 1), 0.0


def crop(x, amount):
    """A part whose sides are at least ``1 - amount`` of the image's, enlarged to it."""
    share = _uniform(x, 1 - amount, 1).view(-1, 1)
    middle = (1 - share) * (2 * torch.rand(len(x), 2, device=x.device) - 1)
    return share[:, :, None], middle


def color_jitter(x, amount, spread):
    """Contrast, brightness and, where there are colours, saturation changed.

    Differences from the mean of an image, and of a pixel, are multiplied by factors
    from ``1 - amount`` to ``1 + amount``; at most `amount` spreads are added.
    """
    dims = tuple(range(1, x.ndim))
    mean = x.mean(dims, keepdim=True)
    x = mean + (x - mean) * _uniform(x, 1 - amount, 1 + amount)
    if x.shape[1] > 1:
        grey = x.mean(1, keepdim=True)
        x = grey + (x - grey) * _uniform(x, 1 - amount, 1 + amount)
    return x + spread * _uniform(x, -amount, amount)


def noise(x, amount, spread):
    """Normal noise with a standard deviation of `amount` spreads."""
    return x + amount * spread * torch.randn_like(x)


#: By name, changes of where things are: each gives a matrix and a middle.
PLACINGS = {"crop": crop, "scale": scale, "rotate": rotate}


def corrupt(x, amount, rows):
    """A share `amount` of the values replaced by others of their columns.

    Each is that of a random row: a draw from the column's own distribution (Bahri et
    al., "SCARF", 2022).
    """
    chosen = torch.randint(len(rows), x.shape, device=x.device)
    others = rows.gather(0, chosen)
    return torch.where(torch.rand(x.shape, device=x.device) < amount, others, x)


#: By name, the other changes, in the order that they are done in.
CHANGES = {"flip": flip, "shift": shift, "color_jitter": color_jitter, "noise": noise}

#: By name, the usual amount of each.
AMOUNTS = {
    "corrupt": 0.6,
    "color_jitter": 0.2,
    "crop": 0.2,
    "flip": 0.5,
    "noise": 0.1,
    "rotate": 15.0,
    "scale": 0.15,
    "shift": 0.1,
}

#: By name, the largest amount of those that have one.
LARGEST_AMOUNTS = {"corrupt": 0.99, "crop": 0.9, "flip": 1, "rotate": 180, "shift": 1}


def read_amounts(augment, n_sides):
    """Amounts by name, from what an estimator's parameter `augment` holds.

    Parameters
    ----------
    augment : str, sequence, or None
        A name, or names and pairs of a name and an amount.
    n_sides : int
        2 for images, 1 for signals, 0 for rows without neighbourhoods.
    """
    items = [augment] if isinstance(augment, str) else list(augment or [])
    amounts = {}
    for item in items:
        name, amount = (item, None) if isinstance(item, str) else _pair(item)
        if name not in AMOUNTS:
            raise ValueError(
                f"augment has {name!r}, which is none of {', '.join(AMOUNTS)}."
            )
        if name == "corrupt" and n_sides > 0:
            raise ValueError(
                "augment has 'corrupt', which exchanges the values of single columns, "
                "but X has images or signals; take other changes."
            )
        if n_sides == 0 and name not in ("corrupt", "noise"):
            raise ValueError(
                f"augment has {name!r}, but X has rows that are no images; pass "
                "image_shape if they are, or augment='noise' or 'corrupt'."
            )
        if name == "rotate" and n_sides == 1:
            raise ValueError(
                "augment has 'rotate', but X has signals, which cannot be rotated."
            )
        amount = AMOUNTS[name] if amount is None else amount
        most = LARGEST_AMOUNTS.get(name, inf)
        if not (isinstance(amount, Real) and 0 < amount <= most):
            limit = "" if most == inf else f" and at most {most}"
            raise ValueError(
                f"augment has {name!r} with {amount!r}, but its amount must be a "
                f"number above 0{limit}."
            )
        amounts[name] = float(amount)
    return amounts


def _pair(item):
    try:
        name, amount = item
    except (TypeError, ValueError):
        raise ValueError(
            f"augment has {item!r}, but its items are names, or pairs of a name and an "
            "amount, such as ('rotate', 10)."
        ) from None
    return name, amount


class Augmentation:
    """Several changes, one after the other.

    Parameters
    ----------
    amounts : dict of str to float
    spread : float
        Standard deviation of the training values.
    rows : tensor of shape (n_rows, n_features), default=None
        Training rows, out of which "corrupt" takes values.
    """

    def __init__(self, amounts, spread, rows=None):
        self.amounts = amounts
        self.spread = spread
        self.rows = rows

    def __call__(self, x):
        if "corrupt" in self.amounts:
            x = corrupt(x, self.amounts["corrupt"], self.rows)
        if PLACINGS.keys() & self.amounts.keys():
            x = resample(x, *self._compose(x))
        for name, change in CHANGES.items():
            if name in self.amounts:
                x = change(x, self.amounts[name], self.spread)
        return x

    def _compose(self, x):
        """All changes of place as one, so that images are interpolated once."""
        matrix = torch.eye(2, device=x.device).expand(len(x), 2, 2)
        middle = torch.zeros(len(x), 2, device=x.device)
        for name, place in PLACINGS.items():
            if name in self.amounts:
                turn, move = place(x, self.amounts[name])
                matrix, middle = _times(turn, matrix), _times(turn, middle[:, :, None])
                middle = middle.squeeze(2) + move
        return matrix, middle


def augmentation(amounts, network, samples):
    """The changes of a network's inputs, by the spread of its training values."""
    rows = None
    if "corrupt" in amounts:
        some = samples.rows.some()
        rows = network.arrange(some.first(len(some)).to(network.origin.device))
    return Augmentation(amounts, float(network.spread), rows)


def resample(x, matrix, middle):
    """Images at other places, by bilinear interpolation; borders are repeated.

    The value at a place, (x, y) from -1 to 1, is the image's at
    ``matrix @ place + middle``.
    """
    transform = torch.cat([matrix, middle[:, :, None]], 2)

    def move(images):
        grid = functional.affine_grid(transform, images.shape, align_corners=False)
        return functional.grid_sample(
            images, grid, padding_mode="border", align_corners=False
        )

    return on_images(move, x)


def _times(turn, other):
    """A product of matrices, of which the first may be a factor for each image."""
    return turn * other if turn.shape[1:] == (1, 1) else turn @ other


def _uniform(x, low, high):
    """A number for each image, uniformly distributed."""
    shape = [len(x)] + [1] * (x.ndim - 1)
    return low + (high - low) * torch.rand(shape, device=x.device)
