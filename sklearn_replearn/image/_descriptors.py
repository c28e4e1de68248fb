"""Descriptors of the places of one image, or of one signal.

Each function takes values of shape (height, width, channels), or (length, 1), in double
precision, and gives

- descriptors, of shape (n_places, n_numbers);
- places, of shape (n_places, 2), or (n_places, 1): where the descriptors are, as shares
  of the height and the width.

It looks at one image alone, so that no other can change a bit of what it gives.
"""

from itertools import product

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import convolve1d

from sklearn_replearn.image._skimage import detect_sift

DESCRIPTORS = ("gloh", "patch", "rift", "sift", "spin", "texton")

#: Descriptors of images alone, not of signals.
OF_IMAGES = ("gloh", "rift", "sift", "spin")

#: Descriptors of patches on a grid.
OF_PATCHES = ("gloh", "patch", "rift", "spin")

#: Smallest side of an image in which scikit-image looks for keypoints.
SMALLEST_SIDE_OF_SIFT = 6

#: Radii of the inner disc and the two rings of GLOH, in a patch of this side.
GLOH_RADII, GLOH_PATCH = (6, 11, 15), 41

#: Largest number of a GLOH descriptor of unit length; larger ones are set to it.
CLIP = 0.2

#: Standard deviations of the soft bins of spin images: the width of a bin.
SPIN_WIDTH = 0.1

#: Pixels of patches that are described at a time.
BLOCK_PIXELS = 2**15


def describe(image, descriptor, *, patch_size, step, sigmas, floor):
    """Descriptors of the kind that has this name, and their places."""
    if descriptor == "sift":
        return sift_descriptors(image)
    if descriptor == "texton":
        return texton_descriptors(image, sigmas, step, floor)
    describe_patches = {
        "gloh": gloh_descriptors,
        "patch": patch_descriptors,
        "rift": rift_descriptors,
        "spin": spin_descriptors,
    }[descriptor]
    return describe_patches(image, patch_size, step, floor)


def patch_descriptors(image, patch_size, step, floor):
    """Patches on a grid, less their means, divided by their standard deviations.

    Parameters
    ----------
    patch_size, step : int
    floor : float
        Variance that is added to that of each patch.
    """
    *sides, n_channels = image.shape
    axes = tuple(range(len(sides)))
    windows = sliding_window_view(image, [patch_size] * len(sides), axis=axes)
    grid = tuple(_grid(side, patch_size, step) for side in sides)
    patches = np.moveaxis(windows[grid], len(sides), -1)  # channels last
    patches = patches.reshape(-1, patch_size ** len(sides) * n_channels)
    patches = patches - patches.mean(axis=1, keepdims=True)
    return _with_unit_variance(patches, floor), _places(sides, patch_size, step)


def texton_descriptors(image, sigmas, step, floor):
    """Responses to the first and second derivatives of Gaussians, at places on a grid.

    Parameters
    ----------
    sigmas : sequence of float
        Standard deviations of the Gaussians in pixels.
    step : int
    floor : float
        Variance that is added to that of the responses at each place.
    """
    *sides, _ = image.shape
    orders = [o for o in product(range(3), repeat=len(sides)) if sum(o) in (1, 2)]
    grid = tuple(_grid(side, 1, step) for side in sides)
    responses = []
    for sigma, order in product(sigmas, orders):
        response = image
        for axis, o in enumerate(order):
            kernel = _derivative_of_gaussian(sigma, o)
            response = convolve1d(response, kernel, axis=axis, mode="nearest")
        responses.append(response[grid])
    responses = np.concatenate(responses, axis=-1)
    responses = responses.reshape(-1, responses.shape[-1])
    return _with_unit_variance(responses, floor), _places(sides, 1, step)


def gloh_descriptors(image, patch_size, step, floor):
    """Log-polar SIFT on a grid: 17 parts of a disc times 16 orientations.

    Mikolajczyk and Schmid reduce the 272 numbers by principal components, which are
    found where the vocabulary is.

    Parameters
    ----------
    patch_size, step : int
    floor : float
        Squared gradient that is added to the mean square of those of each patch.
    """
    grey = image.mean(axis=-1)
    magnitudes, angles = _gradients(grey)
    gradients = _by_angle(angles.ravel(), 16, magnitudes.ravel())
    disc = _Disc(patch_size, patch_size * GLOH_RADII[-1] / GLOH_PATCH)
    parts = _log_polar_shares(disc, patch_size)
    histograms = _histograms(disc, parts, gradients.__getitem__, grey.shape, step)
    lengths = np.linalg.norm(histograms, axis=1, keepdims=True)
    unit = np.minimum(_over(histograms, lengths), CLIP)
    unit = _over(unit, np.linalg.norm(unit, axis=1, keepdims=True))
    unit *= _over(lengths, np.sqrt(lengths**2 + floor * _energy(parts)))
    return unit, _places(grey.shape, patch_size, step)


def rift_descriptors(image, patch_size, step, floor):
    """Histograms of orientations, relative to the outward one, in 4 rings of a disc.

    Parameters
    ----------
    patch_size, step : int
    floor : float
        Squared gradient that is added to the mean square of those of each patch.
    """
    grey = image.mean(axis=-1)
    magnitudes, angles = _gradients(grey)
    disc = _Disc(patch_size, patch_size / 2)
    rings = _linear_shares(disc.distances, (np.arange(4) + 0.5) * disc.radius / 4)
    rings[disc.distances == 0] = 0  # where no direction is outward

    def shares(pixels):
        turned = angles.take(pixels) - disc.angles
        return _by_angle(turned, 8, magnitudes.take(pixels))

    histograms = _histograms(disc, rings, shares, grey.shape, step)
    lengths = np.linalg.norm(histograms, axis=1, keepdims=True)
    lengths = np.sqrt(lengths**2 + floor * _energy(rings))
    return _over(histograms, lengths), _places(grey.shape, patch_size, step)


def spin_descriptors(image, patch_size, step, floor):
    """Soft histograms of distances from the centre of a disc and intensities, 10 x 10.

    Parameters
    ----------
    patch_size, step : int
    floor : float
        Square that is added to that of half the range of the intensities of each patch.
    """
    grey = image.mean(axis=-1)
    disc = _Disc(patch_size, patch_size / 2)
    bins = (np.arange(10) + 0.5) / 10

    def soft_shares(values):
        distances = (values[..., np.newaxis] - bins) / SPIN_WIDTH
        return np.exp(-np.square(distances) / 2)

    def shares(pixels):
        values = grey.take(pixels)
        low = values.min(axis=1, keepdims=True)
        high = values.max(axis=1, keepdims=True)
        halves = np.sqrt(np.square((high - low) / 2) + floor)
        return soft_shares(0.5 + _over(values - (low + high) / 2, halves) / 2)

    rings = soft_shares(disc.distances / disc.radius)
    histograms = _histograms(disc, rings, shares, grey.shape, step)
    lengths = np.linalg.norm(histograms, axis=1, keepdims=True)
    return histograms / lengths, _places(grey.shape, patch_size, step)


def sift_descriptors(image):
    """SIFT descriptors of the keypoints of an image; its channels are averaged."""
    descriptors, positions = detect_sift(
        image.mean(axis=-1), "BagOfVisualWords(descriptor='sift')"
    )
    return descriptors, (positions + 0.5) / image.shape[:2]


def _derivative_of_gaussian(sigma, order):
    """The kernel of a Gaussian, or of a derivative of it times sigma**order."""
    reach = int(4 * sigma + 0.5)
    x = np.arange(-reach, reach + 1) / sigma
    gaussian = np.exp(-(x**2) / 2)
    gaussian /= gaussian.sum()
    if order == 0:
        return gaussian
    if order == 1:
        return -x * gaussian
    # Less the mean square that the ends leave, so that it is blind to brightness.
    return (x**2 - x**2 @ gaussian) * gaussian


class _Disc:
    """The pixels of a square patch whose centres lie in a disc about its middle.

    Attributes
    ----------
    radius : float
    patch_size : int
    rows, columns : ndarray of shape (n_pixels,), int
        Counted from the upper left corner of the patch.
    distances, angles : ndarray of shape (n_pixels,)
        From the middle, in pixels; from the direction of the columns to that of the
        rows, in radians.
    """

    def __init__(self, patch_size, radius):
        self.patch_size, self.radius = patch_size, radius
        across = np.arange(patch_size) - (patch_size - 1) / 2
        y, x = np.meshgrid(across, across, indexing="ij")
        self.rows, self.columns = np.nonzero(np.hypot(y, x) <= radius)
        y, x = y[self.rows, self.columns], x[self.rows, self.columns]
        self.distances, self.angles = np.hypot(y, x), np.arctan2(y, x)


def _histograms(disc, parts, shares, sides, step):
    """At each place of a grid, what the pixels of a disc give to parts and bins.

    Parameters
    ----------
    disc : _Disc
    parts : ndarray of shape (n_pixels, n_parts)
        How much of each pixel of the disc belongs to each part of it.
    shares : callable
        Gives for the numbers of pixels, of shape (n_places, n_pixels), what they give
        to each bin, of shape (n_places, n_pixels, n_bins).
    sides : tuple (height, width) of the image
    step : int

    Returns
    -------
    histograms : ndarray of shape (n_places, n_parts * n_bins)
    """
    numbers = np.arange(np.prod(sides)).reshape(sides)
    grid = tuple(_grid(side, disc.patch_size, step) for side in sides)
    starts = numbers[grid].ravel()
    offsets = numbers[disc.rows, disc.columns]
    size = max(1, BLOCK_PIXELS // len(offsets))
    blocks = [
        parts.T @ shares(starts[i : i + size, np.newaxis] + offsets)
        for i in range(0, len(starts), size)
    ]
    return np.concatenate(blocks).reshape(len(starts), -1)


def _gradients(grey):
    """Magnitudes and angles of central differences; the border is repeated."""
    padded = np.pad(grey, 1, mode="edge")
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    across = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    return np.hypot(down, across), np.arctan2(down, across)


def _by_angle(angles, n_bins, amounts):
    """Amounts shared linearly by the two nearest of `n_bins` equally spaced angles."""
    position = angles * (n_bins / (2 * np.pi))
    lower = np.floor(position)
    upper_amounts = amounts * (position - lower)
    lower = lower.astype(np.intp)
    first = np.arange(0, angles.size * n_bins, n_bins).reshape(angles.shape)
    shares = np.zeros((*angles.shape, n_bins))
    flat = shares.reshape(-1)
    flat[first + lower % n_bins] = amounts - upper_amounts
    flat[first + (lower + 1) % n_bins] = upper_amounts
    return shares


def _linear_shares(values, bins):
    """How much of a value belongs to the two nearest of increasing ones.

    What is below the first, or beyond the last, belongs to it.
    """
    return np.stack([np.interp(values, bins, row) for row in np.eye(len(bins))], axis=1)


def _log_polar_shares(disc, patch_size):
    """How much of each pixel belongs to the inner disc, and to 8 sectors of 2 rings."""
    edges = np.array([0, *GLOH_RADII]) * patch_size / GLOH_PATCH
    rings = _linear_shares(disc.distances, (edges[:-1] + edges[1:]) / 2)
    sectors = _by_angle(disc.angles, 8, np.ones(len(disc.angles)))
    return np.hstack([rings[:, :1], rings[:, 1:2] * sectors, rings[:, 2:] * sectors])


def _energy(parts):
    """Squared length of the histogram of gradients of length 1 in one direction."""
    return np.square(parts.sum(axis=0)).sum()


def _over(rows, divisors):
    """The quotients, and zeros where nothing is divided by nothing."""
    return rows / np.where(divisors == 0, 1, divisors)


def _grid(side, size, step):
    """Where windows of a size start: every `step` pixels, as far from either end."""
    return slice((side - size) % step // 2, side - size + 1, step)


def _places(sides, size, step):
    """Centres of the windows of a grid, as shares of the sides."""
    centres = [
        (np.arange(side)[_grid(side, size, step)] + size / 2) / side for side in sides
    ]
    return np.stack(np.meshgrid(*centres, indexing="ij"), axis=-1).reshape(
        -1, len(sides)
    )


def _with_unit_variance(rows, floor):
    return _over(rows, np.sqrt(np.square(rows).mean(axis=1, keepdims=True) + floor))
