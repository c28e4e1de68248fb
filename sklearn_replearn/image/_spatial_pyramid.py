"""Histograms of words over an image, its quarters, their quarters, and so on."""

import numpy as np


def n_pyramid_cells(n_levels, n_sides):
    """Number of cells of all levels: 1 + 4 + 16 + ... of images."""
    return sum(2 ** (n_sides * level) for level in range(n_levels))


def pyramid_histogram(words, places, n_words, n_levels):
    """Counts of words in the cells of a spatial pyramid.

    Level l cuts each side into 2**l equal parts. Its counts have the weight that
    Lazebnik, Schmid and Ponce give them: half of that of the next level, and the first
    that of the second.

    Parameters
    ----------
    words : ndarray of shape (n_places,), int
        In [0, n_words).
    places : ndarray of shape (n_places, n_sides)
        In [0, 1); what is beyond is counted in the cell at the border.
    n_words, n_levels : int

    Returns
    -------
    histogram : ndarray of shape (n_cells * n_words,), float64
        The whole image first, then the cells of each level, row by row.
    """
    parts = []
    for level in range(n_levels):
        n_parts = 2**level
        index = np.clip((places * n_parts).astype(np.intp), 0, n_parts - 1)
        cells = np.zeros(len(words), dtype=np.intp)
        for column in index.T:
            cells = cells * n_parts + column
        n_counts = n_parts ** places.shape[1] * n_words
        counts = np.bincount(cells * n_words + words, minlength=n_counts)
        parts.append(counts * 2.0 ** (max(level, 1) - n_levels))
    return np.concatenate(parts)
