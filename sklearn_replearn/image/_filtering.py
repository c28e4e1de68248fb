"""Filters over signals and images: correlation, activation, pooling."""

from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch.nn import functional

from sklearn_replearn._deep.input.samples import Rows
from sklearn_replearn._deep.training.encoding import map_samples

#: Numbers in the maps of a block of images, and its rows where an image has few.
BLOCK_VALUES, MAX_BLOCK_ROWS = 2**21, 64

#: Numbers in the patches that are multiplied at a time, which fit in a cache.
PATCH_VALUES = 2**17


@dataclass(frozen=True)
class Filtering:
    """What is done to an image, in plain arrays and numbers.

    Attributes
    ----------
    shape : tuple of int
        (height, width, channels) of an image.
    filters : ndarray of shape (n_filters, height, width, channels)
        They are correlated with the image, and summed over its channels.
    alone : bool
        Whether each filter sees one channel: the first channel those of the first part
        of the filters, and so on, all parts having the same ones.
    pad : bool
        Whether the border is repeated around the image, so that maps have its size.
    biases : ndarray of shape (n_filters,) or None
        Added to the maps.
    epsilon : float or None
        The maps are divided, at each place, by the root of the variance of what the
        filter sees plus this; ``None`` leaves them.
    center : float
        Taken from the image, where there is an `epsilon`.
    activation : {"relu", "absolute", "magnitude", "triangle"} or None
    owners : ndarray of shape (n_filters,)
        For "magnitude", the number of the map that each filter has a share in.
    whitening : tuple (filters, biases) or None
        For "triangle", filters that give the whitened patches, and their biases.
    norms : ndarray of shape (n_filters,) or None
        For "triangle", the squared norms of the whitened filters.
    pooling : {"max", "mean"}
    pool_sides : tuple of int
        (height, width) of a pool; at most those of a map.
    """

    shape: tuple
    filters: np.ndarray
    alone: bool
    pad: bool
    activation: str | None
    pooling: str
    pool_sides: tuple
    owners: np.ndarray
    biases: np.ndarray | None = None
    epsilon: float | None = None
    center: float = 0.0
    whitening: tuple | None = None
    norms: np.ndarray | None = None

    @property
    def map_sides(self):
        """(height, width) of a map before the pooling."""
        sides, kernel = self.shape[:2], self.filters.shape[1:3]
        if self.pad:
            return tuple(sides)
        return tuple(n - k + 1 for n, k in zip(sides, kernel, strict=True))

    @property
    def output_shape(self):
        """(maps, height, width) of what becomes of an image."""
        n_maps = len(self.filters)
        if self.activation == "magnitude":
            n_maps = int(self.owners.max()) + 1
        pools = zip(self.map_sides, self.pool_sides, strict=True)
        return n_maps, *(-(-n // size) for n, size in pools)

    @property
    def block_rows(self):
        """How many images are filtered at a time."""
        n_filters = len(self.filters)
        if self.whitening is not None:
            n_filters += len(self.whitening[0])
        n_values = n_filters * prod(self.map_sides)
        return max(1, min(MAX_BLOCK_ROWS, BLOCK_VALUES // n_values))


def filter_images(filtering, X, *, dtype, scale=1.0):
    """Filter images block by block, each image by itself.

    Parameters
    ----------
    filtering : Filtering
    X : ndarray of shape (n_samples, height * width * channels)
        With the channels last.
    dtype : numpy dtype
        float32 or float64, of the computation and of the result.
    scale : float
        Factor of the images.

    Returns
    -------
    Z : ndarray of shape (n_samples, prod(output_shape))
    """
    torch_dtype = torch.float32 if dtype == np.float32 else torch.float64
    Z, _ = map_samples(
        _Filters(filtering, torch_dtype),
        Rows(X, scale),
        block_size=filtering.block_rows,
        dtype=torch_dtype,
        device=torch.device("cpu"),
    )
    return Z


class _Filters:
    """A `Filtering` with its arrays as tensors: a function of rows."""

    def __init__(self, filtering, dtype):
        self.plan = filtering
        self.dtype = dtype
        self.kernel_sides = filtering.filters.shape[1:3]
        self.weights = self._kernels(filtering.filters)
        if filtering.alone:
            self.weights = _own_channels(self.weights)
        self.biases = self._by_map(filtering.biases)
        self.norms = self._by_map(filtering.norms)
        self.owners = torch.as_tensor(filtering.owners)
        if filtering.whitening is not None:
            filters, biases = filtering.whitening
            self.weights = torch.cat([self.weights, self._kernels(filters)])
            self.biases = torch.cat([self.biases, self._by_map(biases)])

    def __call__(self, rows):
        height, width, n_channels = self.plan.shape
        # By two reshapes: a channel that has moved makes torch choose another format of
        # memory, which the pools and the result do not have.
        images = rows.reshape(len(rows), height * width, n_channels).mT
        images = images.reshape(len(rows), n_channels, height, width)
        maps = self._activate(self._correlate(images))
        return self._pool(maps).flatten(1)

    def _correlate(self, images):
        if self.plan.epsilon is not None:
            images = images - self.plan.center
        if self.plan.pad:
            images = functional.pad(images, self._padding(), mode="replicate")
        maps = self._responses(images)
        if self.plan.epsilon is not None:
            maps /= self._contrast(images)
        if self.biases is not None:
            maps += self.biases
        return maps

    def _responses(self, images):
        if self.dtype == torch.float64:
            return correlate_by_products(images, self.weights, alone=self.plan.alone)
        groups = images.shape[1] if self.plan.alone else 1
        return functional.conv2d(images, self.weights, groups=groups)

    def _padding(self):
        """Left, right, top, bottom: an even kernel sees one value more behind."""
        height, width = self.kernel_sides
        return (width - 1) // 2, width // 2, (height - 1) // 2, height // 2

    def _contrast(self, images):
        """Spread of what a filter sees, by sums over boxes."""
        means, squares = (
            functional.avg_pool2d(
                values.mean(dim=1, keepdim=True), self.kernel_sides, stride=1
            )
            for values in (images, images.square())
        )
        variances = (squares - means.square()).clamp_min_(0)
        return variances.add_(self.plan.epsilon).sqrt_()

    def _activate(self, maps):
        match self.plan.activation:
            case "relu":
                return maps.relu_()
            case "absolute":
                return maps.abs_()
            case "magnitude":
                n_maps = self.plan.output_shape[0]
                squares = maps.new_zeros(len(maps), n_maps, *maps.shape[2:])
                return squares.index_add_(1, self.owners, maps.square_()).sqrt_()
            case "triangle":
                return self._triangle(maps)
        return maps

    def _triangle(self, maps):
        """How much nearer than the mean distance each centroid is."""
        n_filters = len(self.plan.filters)
        squares = maps[:, n_filters:].square().sum(dim=1, keepdim=True)
        distances = squares - 2 * maps[:, :n_filters] + self.norms
        distances = distances.clamp_min_(0).sqrt_()
        return (distances.mean(dim=1, keepdim=True) - distances).relu_()

    def _pool(self, maps):
        """Pools side by side; the last ones have what is left."""
        sides = self.plan.pool_sides
        if sides == (1, 1):
            return maps
        pool = {"max": functional.max_pool2d, "mean": functional.avg_pool2d}
        return pool[self.plan.pooling](maps, sides, ceil_mode=True)

    def _kernels(self, filters):
        return self._tensor(np.moveaxis(filters, -1, 1))  # (n_filters, channels, ...)

    def _by_map(self, values):
        return None if values is None else self._tensor(values[:, None, None])

    def _tensor(self, values):
        # A copy: sides of 1 keep odd strides otherwise, which torch takes for a format.
        return torch.as_tensor(np.array(values, order="C"), dtype=self.dtype)


def correlate_by_products(images, weights, *, alone=False):
    """What torch's convolution gives, in less time in double precision.

    All patches of a few images at a time are the columns of a matrix.

    Parameters
    ----------
    images : tensor of shape (n, channels, height, width)
    weights : tensor of shape (n_filters, channels, height, width)
        With ``alone=True`` of shape (n_filters, 1, height, width): each channel has
        its part of the filters, as with ``groups=channels``.
    """
    height, width = weights.shape[2:]
    patches = images.unfold(2, height, 1).unfold(3, width, 1)
    patches = patches.permute(0, 1, 4, 5, 2, 3)  # (n, channels, height, width, places)
    sides = patches.shape[4:]
    n_groups = images.shape[1] if alone else 1
    kernels = weights.reshape(n_groups, len(weights) // n_groups, -1)
    maps = images.new_empty(len(images), *kernels.shape[:2], prod(sides))
    n_images = max(1, PATCH_VALUES // prod(patches.shape[1:]))
    parts = zip(patches.split(n_images), maps.split(n_images), strict=True)
    for part, target in parts:
        columns = part.reshape(len(part), n_groups, kernels.shape[2], -1)
        torch.matmul(kernels, columns, out=target)
    return maps.reshape(len(images), -1, *sides)


def _own_channels(weights):
    """Weights of the one channel that each filter sees: (n_filters, 1, ...)."""
    n_channels = weights.shape[1]
    parts = weights.chunk(n_channels)
    return torch.cat([part[:, i : i + 1] for i, part in enumerate(parts)])
