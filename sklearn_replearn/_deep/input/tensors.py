"""Tensors of rows: in whose memory, in what unit, in what shape."""

import numpy as np
import torch


class _Writeable:
    """What numpy needs to see memory as writeable."""

    def __init__(self, array):
        self.owner = array
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface


def as_tensor(array):
    """A tensor in the memory of an array, which may be read-only; we never write."""
    if any(stride < 0 for stride in array.strides):
        array = array.copy()
    if not array.flags.writeable:  # torch would warn
        array = np.asarray(_Writeable(array))
    return torch.from_numpy(array)


def scaled(rows, scale):
    """Rows of a tensor times a scale: floats, unless the scale is 1."""
    if scale == 1.0:
        return rows
    return (rows if rows.is_floating_point() else rows.float()) * scale


def subtract(rows, origin):
    """Differences of rows from an origin, computed before any digit is lost.

    Parameters
    ----------
    rows : tensor of shape (n_rows, ...)
        Of floats or of integers.
    origin : tensor
        Of floats.

    Returns
    -------
    differences : tensor of floats
    """
    if rows.is_floating_point():
        return rows - origin
    whole = origin.double().round()
    differences = rows - whole  # in double precision, which has 53 bits
    exact = (rows - whole.long()).double()  # right unless it is beyond 64 bits
    differences = torch.where(differences.abs() < 2**62, exact, differences)
    return differences - (origin - whole)


def channels_first(rows, shape):
    """Rows, flat or not, with the channels last, as arrays of a shape: (n, *shape)."""
    n_channels, *sides = shape
    return rows.reshape(len(rows), *sides, n_channels).movedim(-1, 1)


def on_images(function, x):
    """Apply a function of images to signals, too: as images with a height of 1."""
    return function(x) if x.ndim == 4 else function(x.unsqueeze(2)).squeeze(2)
