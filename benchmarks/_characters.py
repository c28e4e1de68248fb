"""Handwritten characters of many alphabets, split by alphabet: Omniglot."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from ._data import require_file

#: Characters that an alphabet needs, to be one of those tested on.
N_WAY = 20


@dataclass(frozen=True)
class Characters:
    """Images in bytes, with the code of their character and of their alphabet."""

    title: str
    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    test_alphabets: np.ndarray

    @property
    def name(self) -> str:
        known, new = (len(np.unique(y)) for y in (self.train_labels, self.test_labels))
        return (
            f"{self.title}, {known:,} characters to learn from, {new:,} of "
            f"{len(np.unique(self.test_alphabets))} other alphabets to test on"
        )


def read_characters(folder: Path | None, n_held_out: int = 5, seed: int = 0):
    """Omniglot's background alphabets, some of them held out."""
    with np.load(require_file(folder, "images/omniglot_background.npz")) as file:
        images, labels = file["X_bg"], file["y_bg"].astype(int)
        alphabets = file["char_alphabet_bg"].astype(int)
    sizes = np.bincount(alphabets)
    large = np.flatnonzero(sizes >= N_WAY)
    rng = np.random.default_rng(seed)
    held_out = rng.choice(large, n_held_out, replace=False)
    return split_by_alphabet("Omniglot", images, labels, alphabets[labels], held_out)


def digits_as_characters():
    """Digits of scikit-learn, as two alphabets of five characters each."""
    digits = load_digits()
    images = np.rint(digits.images * 255 / 16).astype(np.uint8)
    alphabets = digits.target // 5
    return split_by_alphabet(
        "digits of scikit-learn", images, digits.target, alphabets, [1]
    )


def split_by_alphabet(title, images, labels, alphabets, held_out) -> Characters:
    """Hold some alphabets out."""
    new = np.isin(alphabets, held_out)
    return Characters(
        title, images[~new], labels[~new], images[new], labels[new], alphabets[new]
    )


def with_rotations(images: np.ndarray, labels: np.ndarray):
    """Characters and, as other ones, what they look like turned by quarters."""
    turned = [np.rot90(images, quarters, axes=(1, 2)) for quarters in range(4)]
    n_labels = labels.max() + 1
    return (
        np.concatenate(turned),
        np.concatenate([labels + quarters * n_labels for quarters in range(4)]),
    )
