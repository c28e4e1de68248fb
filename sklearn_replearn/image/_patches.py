"""Filters learned from patches of images, by k-means or by principal components."""

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.cluster import MiniBatchKMeans
from sklearn.utils.random import sample_without_replacement

from sklearn_replearn._linalg import leading_signs
from sklearn_replearn._warnings import warn

EPS = np.finfo(float).eps

#: By name, how many filters are learned where their number is not said.
DEFAULT_COUNTS = {"kmeans": 256, "pca": None}

#: Patches in a step of k-means, and most passes over all of them.
KMEANS_BATCH, KMEANS_PASSES = 4096, 20


@dataclass(frozen=True)
class LearnedFilters:
    """What is learned from patches of d values.

    A patch p becomes ``whitening @ (normalized(p) - mean)``, which is compared with
    each of the components.

    Attributes
    ----------
    mean : ndarray of shape (d,)
    whitening : ndarray of shape (d, d)
        A symmetric matrix; the identity if nothing is whitened.
    components : ndarray of shape (n_filters, d)
        Centroids, or orthonormal axes.
    epsilon : float or None
        What is added to the variance of a patch; ``None`` if patches are taken as they
        are.
    center : float
        A number near the values of the patches, which may be taken from them before
        their brightness is.
    """

    mean: np.ndarray
    whitening: np.ndarray
    components: np.ndarray
    epsilon: float | None
    center: float

    def folded(self, components):
        """Filters and biases that give the products with any components.

        The product of a component with a patch is the product of the filter with the
        patch as it is, over the patch's contrast, plus the bias.
        """
        filters = components @ self.whitening
        biases = -filters @ self.mean
        if self.epsilon is not None:  # instead of the mean of each patch
            filters = filters - filters.mean(axis=1, keepdims=True)
        return filters, biases


def draw_patches(images, patch_sides, n_patches, random_state):
    """Patches of equal size from random places in random images, none of them twice.

    Parameters
    ----------
    images : ndarray of shape (n_samples, height, width, channels)
    patch_sides : tuple of int
        (height, width), at most those of the images.
    n_patches : int
        All patches are taken if there are no more.
    random_state : int

    Returns
    -------
    patches : ndarray of shape (n_drawn, height * width * channels)
        In double precision, with the channels last.
    """
    windows = sliding_window_view(images, patch_sides, axis=(1, 2))
    places = windows.shape[:3]
    if prod(places) > n_patches:
        chosen = sample_without_replacement(
            prod(places), n_patches, random_state=random_state
        )
        chosen.sort()
    else:
        chosen = np.arange(prod(places))
    patches = windows[np.unravel_index(chosen, places)]  # (n, channels, height, width)
    patches = np.moveaxis(patches, 1, -1).reshape(len(chosen), -1)
    return patches.astype(np.float64)


def learn_filters(
    patches,
    method,
    n_filters,
    *,
    contrast_epsilon,
    whiten_epsilon,
    random_state,
    eps=EPS,
):
    """Learn filters from patches.

    Parameters
    ----------
    patches : ndarray of shape (n_patches, d)
        In float64.
    method : {"kmeans", "pca"}
    n_filters : int or None
    contrast_epsilon : float or None
        Share of the patches' mean variance that is added to the variance of each;
        ``None`` takes the patches as they are.
    whiten_epsilon : float or None
        Share of the mean variance of a direction that is added to the variance of
        each; ``None`` does not whiten.
    random_state : int
    eps : float
        Relative rounding error of the images' numbers as they were given.

    Returns
    -------
    learned : LearnedFilters
    """
    noise = (eps * np.abs(patches).max()) ** 2
    n_distinct = len(np.unique(patches, axis=0))
    center, epsilon = 0.0, None
    if contrast_epsilon is not None:
        center = float(patches.mean())
        contrast = float(patches.var(axis=1).mean())
        _refuse_alike(contrast, noise)
        noise = noise / contrast
        epsilon = contrast_epsilon * contrast
        patches = normalize_patches(patches, epsilon)
    mean = patches.mean(axis=0)
    centered = patches - mean
    variances, axes = _principal_axes(centered)
    _refuse_alike(variances[0], noise)
    whitening = np.eye(len(mean))
    if whiten_epsilon is not None:
        scales = (variances + whiten_epsilon * variances.mean()) ** -0.5
        whitening = (axes.T * scales) @ axes
    n_filters = DEFAULT_COUNTS[method] if n_filters is None else n_filters
    if method == "pca":
        lost = max(variances[0] * len(variances) * EPS, noise)
        rank = int((variances > lost).sum())
        n_filters = _at_most(n_filters, rank, "directions in which the patches vary")
        components = axes[:n_filters] * leading_signs(axes[:n_filters])[:, np.newaxis]
    else:
        n_filters = _at_most(n_filters, n_distinct, "different patches")
        components = _centroids(centered @ whitening, n_filters, random_state)
    return LearnedFilters(mean, whitening, components, epsilon, center)


def normalize_patches(patches, epsilon):
    """Patches without their brightness, over their contrast.

    Parameters
    ----------
    patches : ndarray of shape (n_patches, d)
    epsilon : float
        Added to the variances, so that the noise of flat patches is not blown up.
    """
    centered = patches - patches.mean(axis=1, keepdims=True)
    return centered / np.sqrt(patches.var(axis=1, keepdims=True) + epsilon)


def _principal_axes(centered):
    """Variances along the principal axes, decreasing, and the axes as rows."""
    variances, vectors = np.linalg.eigh(centered.T @ centered / len(centered))
    return np.maximum(variances[::-1], 0), vectors.T[::-1]


def _refuse_alike(variance, noise):
    """Raise if a variance of patches is no more than some roundings of them."""
    if variance <= 64 * noise:
        raise ValueError(
            "The patches of X are all alike, or all flat, so that there are no filters "
            "to learn; pass other images, or name classic filters."
        )


def _at_most(n_filters, limit, what):
    """The number of filters that the patches allow, with a warning if it is lower."""
    if n_filters is None or n_filters == limit:
        return limit
    if n_filters > limit:
        warn(
            f"n_filters={n_filters} is more than the {limit} {what}; {limit} are "
            "learned.",
        )
    return min(n_filters, limit)


def _centroids(points, n_filters, random_state):
    kmeans = MiniBatchKMeans(
        n_filters,
        batch_size=KMEANS_BATCH,
        max_iter=KMEANS_PASSES,
        n_init=1,
        random_state=random_state,
    )
    return kmeans.fit(points).cluster_centers_
