"""Random rows of each class, as if no others had labels."""

import numpy as np


def draw_labeled(labels: np.ndarray, n_labels: int, n_draws: int) -> list[np.ndarray]:
    """For each draw, numbers of rows, so many of each class."""
    return [
        np.concatenate(
            [
                rng.permutation(np.flatnonzero(labels == label))[:n_labels]
                for label in np.unique(labels)
            ]
        )
        for rng in map(np.random.default_rng, range(n_draws))
    ]
