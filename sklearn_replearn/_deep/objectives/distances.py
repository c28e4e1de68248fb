"""Distances and similarities of all rows of a batch to each other, in one matrix."""

import torch
from torch.nn import functional

#: Squared distances below this many roundings of the squared lengths count as zero.
N_ROUNDINGS = 8


def squared_distances(z):
    """Squared Euclidean distances between the rows of z, from one matrix product.

    Rows that are nearer than rounding can tell are at zero exactly, and have no
    gradient there.
    """
    z = z - z.mean(0).detach()  # distances stay, and rounding is by their size
    lengths = z.square().sum(1)
    sums = lengths[:, None] + lengths
    squared = sums - 2 * z @ z.T
    smallest = N_ROUNDINGS * torch.finfo(z.dtype).eps * sums.detach()
    return squared.where(~(squared <= smallest), 0.0)  # NaN stays, and is told of


def root(squared):
    """Square roots, with a gradient of zero, in place of infinity, at zero."""
    is_apart = ~(squared <= 0)  # NaN is, too
    return squared.where(is_apart, 1.0).sqrt().where(is_apart, 0.0)


def distances(z):
    """Euclidean distances between the rows of z."""
    return root(squared_distances(z))


def cosines(z):
    z = functional.normalize(z)
    return z @ z.T


def dots(z):
    return z @ z.T


def closeness(z):
    return -squared_distances(z)


#: By name, what is larger for rows that are more alike.
SIMILARITIES = {"cosine": cosines, "dot": dots, "euclidean": closeness}
