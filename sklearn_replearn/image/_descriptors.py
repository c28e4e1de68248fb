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

DESCRIPTORS = ("patch", "sift", "texton")

#: Smallest side of an image in which scikit-image looks for keypoints.
SMALLEST_SIDE_OF_SIFT = 6


def describe(image, descriptor, *, patch_size, step, sigmas, floor):
    """Descriptors of the kind that has this name, and their places."""
    if descriptor == "sift":
        return sift_descriptors(image)
    if descriptor == "texton":
        return texton_descriptors(image, sigmas, step, floor)
    return patch_descriptors(image, patch_size, step, floor)


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
    lengths = np.sqrt(np.square(rows).mean(axis=1, keepdims=True) + floor)
    lengths[lengths == 0] = 1
    return rows / lengths
