"""Random changes of the images or signals of a batch, in torch only.

Each takes images of shape (n, channels, height, width), or signals (n, channels,
length), and the amount of the change, and draws anew for each image. `Values` tells
those that need it what the training values are like.
"""

from math import ceil, log, log1p
from typing import NamedTuple

import torch
from torch.nn import functional

from sklearn_replearn._deep.input.samples import on_images

#: The largest ratio of the sides of a part, relative to those of the image.
LARGEST_ASPECT = 4 / 3

#: Standard deviations of a Gaussian that its kernel reaches to.
KERNEL_DEVIATIONS = 3


class Values(NamedTuple):
    """The values of the training.

    Parameters
    ----------
    spread : float
        Their standard deviation.
    low, high : float
        The smallest and the largest one.
    rows : tensor of shape (n_rows, n_features), default=None
        Rows out of which "corrupt" takes values.
    """

    spread: float = 1.0
    low: float = 0.0
    high: float = 1.0
    rows: torch.Tensor | None = None


# ---------------------------------------------------------------------------
# Changes of place by one interpolation: each gives a matrix and a middle
# ---------------------------------------------------------------------------


def crop(x, amount):
    """A part whose sides are at least ``1 - amount`` of the image's, enlarged to it."""
    share = _uniform(x, 1 - amount, 1).view(-1, 1)
    return share[:, :, None], _middle(share)


def resized_crop(x, amount):
    """A part with an area of at least ``1 - amount``, stretched to the image.

    Its sides have a ratio of at most 4 / 3 to those of the image, or what fits (Szegedy
    et al., "Going deeper with convolutions", 2015).
    """
    area = _uniform(x, 1 - amount, 1).view(-1, 1)
    most = (-area.log()).clamp(max=log(LARGEST_ASPECT))
    half = most * _uniform(x, -1, 1).view(-1, 1) / 2
    sides = area.sqrt() * torch.cat([half, -half], 1).exp()
    return torch.diag_embed(sides), _middle(sides)


def scale(x, amount):
    """Larger or smaller by a factor of at most ``1 + amount``, about the middle."""
    return torch.exp(log1p(amount) * _uniform(x, -1, 1)).view(-1, 1, 1), 0.0


def rotate(x, amount):
    """Turned by an angle of at most `amount` degrees."""
    angle = torch.deg2rad(_uniform(x, -amount, amount)).flatten()
    ratio = x.shape[-1] / x.shape[-2]  # places are in units of half a side
    rows = [
        torch.stack([angle.cos(), -angle.sin() / ratio], 1),
        torch.stack([angle.sin() * ratio, angle.cos()], 1),
    ]
    return torch.stack(rows, 1), 0.0


def resample(x, matrix, middle):
    """Images at other places, by bilinear interpolation; borders are repeated.

    The value at a place, (x, y) from -1 to 1, is the image's at
    ``matrix @ place + middle``.
    """

    def move(images):
        down, across = (
            (2 * torch.arange(side, device=x.device, dtype=x.dtype) + 1) / side - 1
            for side in images.shape[2:]
        )
        sources = [  # faster than torch's `affine_grid`, which is a product of matrices
            row[:, :1, None] * across + (row[:, 1:, None] * down[:, None] + offset)
            for row, offset in zip(
                matrix.unbind(1), middle[:, :, None, None].unbind(1), strict=True
            )
        ]
        grid = torch.stack(sources, 3)
        return functional.grid_sample(
            images, grid, padding_mode="border", align_corners=False
        )

    return on_images(move, x)


# ---------------------------------------------------------------------------
# Other changes of place
# ---------------------------------------------------------------------------


def flip(x, amount, values):
    """Left and right exchanged, with the chance `amount`."""
    return torch.where(_happens(x, amount), x.flip(-1), x)


def shift(x, amount, values):
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


# ---------------------------------------------------------------------------
# Changes of color and of other values
# ---------------------------------------------------------------------------


def color_jitter(x, amount, values):
    """Contrast, brightness and, where there are colors, saturation changed.

    Differences from the mean of an image, and of a pixel, are multiplied by factors
    from ``1 - amount`` to ``1 + amount``; at most `amount` spreads are added.
    """
    dims = tuple(range(1, x.ndim))
    mean = x.mean(dims, keepdim=True)
    x = mean + (x - mean) * _uniform(x, 1 - amount, 1 + amount)
    if x.shape[1] > 1:
        gray = x.mean(1, keepdim=True)
        x = gray + (x - gray) * _uniform(x, 1 - amount, 1 + amount)
    return x + values.spread * _uniform(x, -amount, amount)


def hue(x, amount, values):
    """Colors turned by at most a share `amount` of the color wheel.

    It is the hue of HSV: the largest and the smallest value of each pixel stay, in any
    unit.
    """
    red, green, blue = x.split(1, 1)
    high = torch.maximum(torch.maximum(red, green), blue)
    chroma = high - torch.minimum(torch.minimum(red, green), blue)
    divisor = chroma.clamp_min(torch.finfo(x.dtype).tiny)
    sixths = torch.where(  # of the wheel: 0 is red, 2 green, 4 blue
        red == high,
        (green - blue) / divisor,
        torch.where(
            green == high, 2 + (blue - red) / divisor, 4 + (red - green) / divisor
        ),
    )
    sixths = (sixths + 6 * _uniform(x, -amount, amount)).remainder(6)
    offsets = x.new_tensor([0, -2, -4]).view(1, 3, 1, 1)
    # How far each color of the wheel is from red, green and blue: at most 3.
    distance = (sixths + offsets).abs_().sub_(3).abs_().neg_().add_(3)
    return high - chroma * distance.sub_(1).clamp_(0, 1)


def grayscale(x, amount, values):
    """Each pixel the mean of its channels, with the chance `amount`."""
    return torch.where(_happens(x, amount), x.mean(1, keepdim=True), x)


def blur(x, amount, values):
    """Blurred by a Gaussian with a standard deviation of at most `amount` pixels.

    Borders are repeated.
    """
    radius = ceil(KERNEL_DEVIATIONS * amount)
    offsets = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    deviation = _uniform(x, 0, amount).view(-1, 1).clamp_min(1e-3)
    kernel = torch.softmax(-0.5 * (offsets / deviation) ** 2, 1)
    kernel = kernel.repeat_interleave(x.shape[1], 0)[:, None, None, :]

    def convolve(images):
        n, n_channels, height, width = images.shape
        images = images.reshape(1, n * n_channels, height, width)
        for side, weights in ((3, kernel), (2, kernel.transpose(2, 3))):
            if images.shape[side] > 1:
                ends = (radius, radius, 0, 0) if side == 3 else (0, 0, radius, radius)
                images = functional.pad(images, ends, mode="replicate")
                images = functional.conv2d(images, weights, groups=n * n_channels)
        return images.view(n, n_channels, height, width)

    return on_images(convolve, x)


def solarize(x, amount, values):
    """Values above the middle of the range inverted, with the chance `amount`."""
    is_bright = x > (values.low + values.high) / 2
    inverted = values.low + values.high - x
    return torch.where(_happens(x, amount) & is_bright, inverted, x)


def noise(x, amount, values):
    """Normal noise with a standard deviation of `amount` spreads."""
    return x + amount * values.spread * torch.randn_like(x)


# ---------------------------------------------------------------------------
# Changes that leave parts out
# ---------------------------------------------------------------------------


def cutout(x, amount, values):
    """A rectangle with sides of a share `amount` of the image's, set to the mean.

    Its middle is anywhere in the image, so that a part of it may be outside (DeVries
    and Taylor, "Cutout", 2017). Each channel has a mean of its own.
    """
    is_inside = True
    for dim in (2, 3):
        side = x.shape[dim]
        start = side * (_uniform(x, 0, 1) - amount / 2)
        span = _span(x, side, start, amount * side)
        is_inside = span.transpose(dim, 3) & is_inside
    return torch.where(is_inside, x.mean((2, 3), keepdim=True), x)


def time_mask(x, amount, values):
    """A span of at most a share `amount` of the times, set to the mean.

    The length of the span is uniformly distributed, and so is its place (Park et al.,
    "SpecAugment", 2019).
    """
    is_masked = _random_span(x, x.shape[-1], amount)
    return torch.where(is_masked, x.mean(-1, keepdim=True), x)


def frequency_mask(x, amount, values):
    """A band of at most a share `amount` of the frequencies, taken out.

    Width and place are distributed as those of `time_mask`. The mean stays.
    """
    spectrum = torch.fft.rfft(x)
    is_masked = _random_span(x, spectrum.shape[-1] - 1, amount)
    is_masked = functional.pad(is_masked, (1, 0))
    return torch.fft.irfft(spectrum.masked_fill(is_masked, 0), x.shape[-1])


def corrupt(x, amount, values):
    """A share `amount` of the values replaced by others of their columns.

    Each is that of a random row: a draw from the column's own distribution (Bahri et
    al., "SCARF", 2022).
    """
    chosen = torch.randint(len(values.rows), x.shape, device=x.device)
    others = values.rows.gather(0, chosen)
    return torch.where(torch.rand(x.shape, device=x.device) < amount, others, x)


# ---------------------------------------------------------------------------
# What they share
# ---------------------------------------------------------------------------


def _uniform(x, low, high):
    """A number for each image, uniformly distributed."""
    shape = [len(x)] + [1] * (x.ndim - 1)
    return low + (high - low) * torch.rand(shape, device=x.device, dtype=x.dtype)


def _happens(x, chance):
    """Whether each image is changed."""
    return _uniform(x, 0, 1) < chance


def _middle(sides):
    """The middle of a part with such sides, anywhere that it is inside the image."""
    draws = torch.rand(len(sides), 2, device=sides.device, dtype=sides.dtype)
    return (1 - sides) * (2 * draws - 1)


def _span(x, n_places, start, length):
    """Which of the places 1/2, 3/2, ... are in a span of each image, along the last."""
    places = torch.arange(n_places, device=x.device, dtype=x.dtype) + 0.5
    return (places > start) & (places < start + length)


def _random_span(x, n_places, amount):
    """Which places are in a span that is at most a share `amount` of all of them."""
    length = n_places * _uniform(x, 0, amount)
    start = (n_places - length) * _uniform(x, 0, 1)
    return _span(x, n_places, start, length)
