"""The classic kernels of signals and of images, by name.

Each function takes the number of sides, 1 for signals and 2 for images, and gives
kernels by name, in order. Two kernels under one name are a pair: a wave that is even
about the middle, and the same wave a quarter of its length further on, which is odd.

They are meant for cross-correlation: a kernel lies on the image as it is printed.
"""

from itertools import product

import numpy as np

#: Length of the waves of the Gabor kernels, width of their envelope, and their size.
GABOR_WAVELENGTH, GABOR_SIGMA, GABOR_SIZE = 4.0, 2.0, 7

#: By number of sides, the size of the window of the Fourier pairs.
FOURIER_SIZES = {1: 7, 2: 5}


def edges(n_sides):
    """Detectors of edges: second differences of images, differences of signals."""
    if n_sides == 1:
        return {
            "edges_rise": np.array([-1.0, 0, 1]),
            "edges_fall": np.array([1.0, 0, -1]),
            "edges_peak": np.array([-1.0, 2, -1]),
        }
    return {
        "edges_diagonal": np.array([[1.0, 0, -1], [0, 0, 0], [-1, 0, 1]]),
        "edges_cross": np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]),
        "edges_around": np.array([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
    }


def sharpen(n_sides):
    """A pixel, and how far it is from each of its neighbours along the sides."""
    if n_sides == 1:
        return {"sharpen": np.array([-1.0, 3, -1])}
    return {"sharpen": np.array([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]])}


def box(n_sides):
    """Mean of 3 values a side."""
    return {"box": np.full((3,) * n_sides, 3.0**-n_sides)}


def gaussian(n_sides):
    """Binomial weights, which are near those of a Gaussian; they sum to 1."""
    return {"gaussian": _product([np.array([1.0, 2, 1]) / 4] * n_sides)}


def sobel(n_sides):
    """Differences along one side, smoothed along the other (signals: along it)."""
    difference, smooth = np.array([-1.0, 0, 1]), np.array([1.0, 2, 1])
    if n_sides == 1:
        return {"sobel": np.convolve(difference, smooth)}
    return {
        "sobel_x": np.outer(smooth, difference),
        "sobel_y": np.outer(difference, smooth),
    }


def gabor(n_sides):
    """Pairs of waves under a Gaussian, with mean 0 and norm 1; images: at 4 angles."""
    places = np.arange(GABOR_SIZE) - GABOR_SIZE // 2
    y, x = np.meshgrid(places if n_sides == 2 else [0], places, indexing="ij")
    envelope = np.exp(-(x**2 + y**2) / (2 * GABOR_SIGMA**2))
    pairs = {}
    for degrees in (0, 45, 90, 135) if n_sides == 2 else (0,):
        angle = np.deg2rad(degrees)
        phase = 2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / GABOR_WAVELENGTH
        pair = []
        for wave in (np.cos(phase), np.sin(phase)):
            wave = envelope * (wave - (envelope * wave).sum() / envelope.sum())
            pair.append((wave / np.linalg.norm(wave)).reshape([GABOR_SIZE] * n_sides))
        pairs[f"gabor_{degrees}" if n_sides == 2 else "gabor"] = tuple(pair)
    return pairs


def haar(n_sides):
    """Orthonormal products of the two kernels of Haar's wavelet."""
    return _wavelets("haar", np.array([1, 1]) / np.sqrt(2), n_sides)


def daubechies(n_sides):
    """Orthonormal products of the kernels of Daubechies' wavelet with 4 weights."""
    root = np.sqrt(3)
    low = np.array([1 + root, 3 + root, 3 - root, 1 - root]) / (4 * np.sqrt(2))
    return _wavelets("daubechies", low, n_sides)


def fourier(n_sides):
    """Cosine and sine of each frequency of a window, orthonormal."""
    size = FOURIER_SIZES[n_sides]
    places = np.stack(np.indices((size,) * n_sides))
    half = range(-(size // 2), size // 2 + 1)
    pairs = {}
    for frequency in product(half, repeat=n_sides):
        if frequency <= (0,) * n_sides:  # the other half has the same waves
            continue
        phase = 2 * np.pi / size * np.tensordot(frequency, places, axes=1)
        scale = np.sqrt(2 / size**n_sides)
        name = "_".join(map(str, ("fourier", *frequency)))
        pairs[name] = scale * np.cos(phase), scale * np.sin(phase)
    return pairs


#: By name, in the order of "all".
CLASSIC = {
    "edges": edges,
    "sharpen": sharpen,
    "box": box,
    "gaussian": gaussian,
    "sobel": sobel,
    "gabor": gabor,
    "haar": haar,
    "daubechies": daubechies,
    "fourier": fourier,
}


def classic_kernels(names, n_sides):
    """The kernels of several names, as one array.

    Parameters
    ----------
    names : iterable of str
        Of `CLASSIC`.
    n_sides : {1, 2}
        1 for signals, 2 for images.

    Returns
    -------
    kernels : ndarray of shape (n_kernels, *sides)
        The smaller ones have zeros around them.
    kernel_names : list of str
    owners : ndarray of shape (n_kernels,)
        The two kernels of a pair have one number, every other kernel its own.
    """
    kernels, kernel_names, owners = [], [], []
    n_owners = 0
    for name in names:
        for kernel_name, kernel in CLASSIC[name](n_sides).items():
            is_pair = isinstance(kernel, tuple)
            kernels += kernel if is_pair else [kernel]
            endings = ("_cosine", "_sine") if is_pair else ("",)
            kernel_names += [kernel_name + ending for ending in endings]
            owners += [n_owners] * len(endings)
            n_owners += 1
    return with_one_size(kernels), kernel_names, np.array(owners)


def with_one_size(kernels):
    """One array of kernels, with zeros around those that are smaller than others.

    Where their number is odd, there is one more behind the kernel than before it.
    """
    sides = np.max([kernel.shape for kernel in kernels], axis=0)
    stacked = np.zeros((len(kernels), *sides))
    for target, kernel in zip(stacked, kernels, strict=True):
        starts = (sides - kernel.shape) // 2
        middle = tuple(
            slice(start, start + size)
            for start, size in zip(starts, kernel.shape, strict=True)
        )
        target[middle] = kernel
    return stacked


def _wavelets(name, low, n_sides):
    """Products of a scaling filter and its mirror, the first side varying slowest."""
    high = low[::-1] * (-1.0) ** np.arange(len(low))
    parts = {"low": low, "high": high}
    return {
        "_".join((name, *chosen)): _product([parts[part] for part in chosen])
        for chosen in product(parts, repeat=n_sides)
    }


def _product(kernels):
    """The outer product of one kernel a side."""
    return kernels[0] if len(kernels) == 1 else np.multiply.outer(*kernels)
