"""Handwritten characters of many alphabets, split by alphabet: Omniglot."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from ._data import require_file

#: Of the alphabets, in their order, how many come before another is held out.
EVERY = 6


@dataclass(frozen=True)
class Characters:
    """Images in bytes, with their character, and alphabet and drawer of the tests'."""

    title: str
    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    test_alphabets: np.ndarray
    test_drawers: np.ndarray

    @property
    def name(self) -> str:
        known, new = (len(np.unique(y)) for y in (self.train_labels, self.test_labels))
        return (
            f"{self.title}, {known:,} characters to learn from, {new:,} of "
            f"{len(np.unique(self.test_alphabets))} other alphabets to test on"
        )


def read_characters(folder: Path | None) -> Characters:
    """Omniglot's background alphabets, of which every sixth is held out."""
    with np.load(require_file(folder, "images/omniglot_background.npz")) as file:
        images, labels = file["X_bg"], file["y_bg"].astype(int)
        alphabets = file["char_alphabet_bg"].astype(int)[labels]
        drawers = file["drawer_bg"].astype(int)
    held_out = np.unique(alphabets)[::EVERY]
    return split_by_alphabet("Omniglot", images, labels, alphabets, drawers, held_out)


def digits_as_characters() -> Characters:
    """Digits of scikit-learn, as two alphabets of five characters each.

    The n-th image of each digit is by the n-th drawer.
    """
    digits = load_digits()
    images = np.rint(digits.images * 255 / 16).astype(np.uint8)
    drawers = np.empty(len(images), dtype=int)
    for digit in range(10):
        is_digit = digits.target == digit
        drawers[is_digit] = np.arange(is_digit.sum())
    few = drawers < 100
    labels = digits.target[few]
    return split_by_alphabet(
        "digits of scikit-learn", images[few], labels, labels // 5, drawers[few], [1]
    )


def split_by_alphabet(
    title, images, labels, alphabets, drawers, held_out
) -> Characters:
    """Hold some alphabets out."""
    new = np.isin(alphabets, held_out)
    known = images[~new], labels[~new]
    return Characters(
        title, *known, images[new], labels[new], alphabets[new], drawers[new]
    )


def accuracy_of_runs(
    Z: np.ndarray, characters: Characters, n_way: int, n_runs: int
) -> float:
    """Accuracy in runs like those that come with Omniglot.

    A run has `n_way` characters of one alphabet, an image of each by one drawer and one
    by another; each of the latter goes to the most similar of the former, by cosine.
    """
    rng = np.random.default_rng(0)
    labels, alphabets = characters.test_labels, characters.test_alphabets
    drawers = np.unique(characters.test_drawers)
    keys = zip(labels, characters.test_drawers, strict=True)
    places = {key: place for place, key in enumerate(keys)}
    unit = Z / np.linalg.norm(Z, axis=1, keepdims=True)
    right = []
    for _ in range(n_runs):
        alphabet = rng.choice(np.unique(alphabets))
        known = np.unique(labels[alphabets == alphabet])
        chosen = rng.choice(known, n_way, replace=False)
        first, second = rng.choice(drawers, 2, replace=False)
        examples, others = (
            unit[[places[label, drawer] for label in chosen]]
            for drawer in (first, second)
        )
        right.append((others @ examples.T).argmax(axis=1) == np.arange(n_way))
    return float(np.mean(right))


def quarter_turns(images: np.ndarray) -> list[np.ndarray]:
    """Images as they are, and turned by 90, 180 and 270 degrees."""
    return [np.rot90(images, quarters, axes=(1, 2)) for quarters in range(4)]


def with_rotations(images: np.ndarray, labels: np.ndarray):
    """Characters and, as other ones, what they look like turned by quarters."""
    n_labels = labels.max() + 1
    return (
        np.concatenate(quarter_turns(images)),
        np.concatenate([labels + quarters * n_labels for quarters in range(4)]),
    )
