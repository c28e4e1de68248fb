"""Signals of any lengths, one at a time."""

import numpy as np


def as_wave(position, wave):
    """One signal as an array of numbers; errors name its position in X."""
    try:
        array = np.asarray(wave)
    except ValueError:  # lists of different lengths
        array = np.asarray(wave, dtype=object)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"X[{position}] is not an array of real numbers (its type is "
            f"{array.dtype}); pass each signal as an array of floats or integers."
        )
    if array.ndim not in (1, 2) or 0 in array.shape[1:]:
        raise ValueError(
            f"X[{position}] has shape {array.shape}; a signal has shape (length,) or "
            "(length, n_channels)."
        )
    return array
