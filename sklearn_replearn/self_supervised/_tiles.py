"""Tiles of images and of signals, cut so that their borders tell nothing."""

from itertools import permutations
from math import factorial

import numpy as np
import torch

#: Smallest side of a tile, in pixels.
SMALLEST_SIDE = 2

#: Added to the variance of a tile: a plain tile stays plain.
LEAST_VARIANCE = 0.01

#: Up to how many tiles all their orders are compared, and how many random ones of more.
MOST_TILES, N_DRAWN = 9, 10_000


def counts_of_cells(grid, n_sides):
    """Cells along each side: a grid in an image, and as many in a row in a signal."""
    return [grid, grid] if n_sides == 2 else [grid * grid]


def sides_of_tiles(task, sides):
    """Pixels of a cell, of the gap and of the jitter, and of a tile, by side."""
    cells = [
        side // count
        for side, count in zip(
            sides, counts_of_cells(task.grid, len(sides)), strict=True
        )
    ]
    gaps = [round(task.gap * cell) for cell in cells]
    jitters = [round(task.jitter * cell) for cell in cells]
    tiles = [
        cell - gap - jitter
        for cell, gap, jitter in zip(cells, gaps, jitters, strict=True)
    ]
    return cells, gaps, jitters, tiles


def check_tiles(task, x):
    """Raise if tiles of samples are too small to show anything."""
    sides = list(x.shape[2:])
    *_, tiles = sides_of_tiles(task, sides)
    if min(tiles) >= SMALLEST_SIDE:
        return
    things = "images" if len(sides) == 2 else "signals"
    whole, part = (" x ".join(map(str, shape)) for shape in (sides, tiles))
    part = part if min(tiles) > 0 else "no values at all"
    raise ValueError(
        f"{type(task).__name__} with grid={task.grid}, gap={task.gap} and "
        f"jitter={task.jitter} cuts {things} of {whole} into tiles of {part}, but a "
        f"tile needs at least {SMALLEST_SIDE} values along each side; lower grid, gap "
        "or jitter."
    )


def cut_tiles(task, x, places):
    """Tiles from cells of samples, with the jitter, the gray and the scale of a task.

    Parameters
    ----------
    task : PretextTask
        With `grid`, `gap`, `jitter` and `gray_share`.
    x : tensor of shape (n_samples, n_channels, *sides)
    places : tensor of int64, of shape (n_samples, n_tiles, n_sides)
        Which cells, by their place along each side.

    Returns
    -------
    tiles : tensor of shape (n_samples, n_tiles, n_channels, *sides of a tile)
        Each channel of a tile has mean 0 and, unless it is plain, a deviation of 1.
    """
    x = some_gray(x, task.gray_share)
    cells, gaps, jitters, tiles = sides_of_tiles(task, x.shape[2:])
    n, n_tiles, n_sides = places.shape
    index = [torch.arange(n, device=x.device).view(-1, *[1] * (1 + n_sides)), ...]
    for side in range(n_sides):
        shifts = torch.randint(jitters[side] + 1, (n, n_tiles)).to(x.device)
        starts = places[:, :, side] * cells[side] + gaps[side] // 2 + shifts
        within = starts[:, :, None] + torch.arange(tiles[side], device=x.device)
        shape = [n, n_tiles, *[1] * n_sides]
        shape[2 + side] = tiles[side]
        index.append(within.view(shape))
    cut = x.movedim(1, -1)[tuple(i for i in index if i is not ...)].movedim(-1, 2)
    dims = tuple(range(3, cut.ndim))
    cut = cut - cut.mean(dims, keepdim=True)
    return cut / (cut.square().mean(dims, keepdim=True) + LEAST_VARIANCE).sqrt()


def some_gray(x, share):
    """A share of the images with the mean of their channels in each channel."""
    if x.shape[1] == 1 or share == 0:
        return x
    chosen = torch.rand(len(x)).to(x.device) < share
    gray = x.mean(1, keepdim=True)
    return torch.where(chosen.view(-1, *[1] * (x.ndim - 1)), gray, x)


def distant_permutations(n_tiles, n_permutations):
    """Orders of tiles that differ in as many places as possible, one after the other.

    The first is the identity. Each further one has the largest sum of Hamming distances
    from those before it, the first such in the order of the candidates: all orders, or
    a fixed random sample of them if there are many tiles.

    Returns
    -------
    orders : ndarray of int64, of shape (at most n_permutations, n_tiles)
    """
    if n_tiles <= MOST_TILES:
        candidates = np.array(list(permutations(range(n_tiles))), dtype=np.int8)
    else:
        rng = np.random.RandomState(0)
        drawn = [rng.permutation(n_tiles) for _ in range(N_DRAWN)]
        candidates = np.unique([np.arange(n_tiles), *drawn], axis=0)
    distances = np.zeros(len(candidates), dtype=np.int64)
    chosen = [0]
    while len(chosen) < min(n_permutations, len(candidates)):
        distances += (candidates != candidates[chosen[-1]]).sum(axis=1)
        distances[chosen] = -1
        chosen.append(int(distances.argmax()))
    return candidates[chosen].astype(np.int64)


def n_orders(n_tiles):
    """How many orders `distant_permutations` can choose from."""
    return factorial(n_tiles) if n_tiles <= MOST_TILES else N_DRAWN
