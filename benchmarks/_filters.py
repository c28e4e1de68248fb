"""Filters on random images, by us and by a loop over scipy's correlation."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from scipy.signal import correlate2d

from sklearn_replearn.image import FilterBank

from ._contest import Contest, Target


def filter_contests(n_images: int) -> Iterator[Contest]:
    """Filters of several kinds on random images."""
    rng = np.random.default_rng(0)
    grey = rng.random((n_images, 28, 28), dtype=np.float32)
    few = n_images // 10  # of what takes scipy long
    colour = rng.random((few, 32, 32, 3), dtype=np.float32)
    yield filtering(grey, "edges")
    yield filtering(grey[:few], "all")
    yield filtering(colour, 0.1 * rng.normal(size=(16, 5, 5, 3)))


def filtering(images: np.ndarray, filters) -> Contest:
    """The maps of some filters, by us and by scipy."""
    maps = FilterBank(filters, padding="valid", activation=None, pool_size=1)
    maps.fit(images)
    kernels = maps.filters_.astype(np.float32)
    expected = correlate(images.astype(np.float64), maps.filters_)
    ways = {
        "FilterBank": maps.transform,
        "correlate2d in a loop": lambda images: correlate(images, kernels),
    }
    differences = {
        who: np.abs(way(images).reshape(expected.shape) - expected).max()
        for who, way in ways.items()
    }
    size = " x ".join(map(str, images.shape[1:]))
    sides = " x ".join(map(str, kernels.shape[1:]))
    return Contest(
        data=f"random images, {len(images):,} of {size}, float32",
        setting=f"{len(kernels)} filters of {sides}",
        stages={"transform": {who: partial(way, images) for who, way in ways.items()}},
        reference="correlate2d in a loop",
        quality={
            who: {"largest difference": float(difference)}
            for who, difference in differences.items()
        },
        targets=(
            Target("transform ratio", at_most=0.2),
            Target("largest difference", at_most=1e-5),
        ),
        notes=(
            "scipy.signal.correlate2d, a call for each image, filter and channel. The "
            "differences are from what it gives in double precision.",
        ),
    )


def correlate(images: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """Maps of images, filter by filter, summed over the channels."""
    images = images.reshape(*images.shape[:3], -1)
    return np.array(
        [
            [
                sum(
                    correlate2d(image[..., c], kernel[..., c], mode="valid")
                    for c in range(image.shape[-1])
                )
                for kernel in kernels
            ]
            for image in images
        ]
    )
