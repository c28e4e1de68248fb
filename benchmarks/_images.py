"""Images with labels: Fashion-MNIST of the data folder, or scikit-learn's digits."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from ._data import require_file


@dataclass(frozen=True)
class Images:
    """Flat rows of grey values in [0, 1], in single precision, with a class each."""

    title: str
    shape: tuple[int, int]
    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray

    @property
    def name(self) -> str:
        size = " x ".join(map(str, self.shape))
        return f"{self.title}, {len(self.train):,} + {len(self.test):,} of {size}"


def read_images(folder: Path | None, name: str, title: str) -> Images:
    """Read images of the data folder."""
    with np.load(require_file(folder, f"images/{name}.npz")) as file:
        return Images(
            title,
            file["X_train"].shape[1:],
            _flat_rows(file["X_train"], 255),
            file["y_train"],
            _flat_rows(file["X_test"], 255),
            file["y_test"],
        )


def digit_images(n_train: int, n_test: int) -> Images:
    """The first digits to learn from, and those after them to test on."""
    images, labels = load_digits(return_X_y=True)
    rows = _flat_rows(images, 16)
    test = slice(n_train, n_train + n_test)
    return Images(
        "digits of scikit-learn",
        (8, 8),
        rows[:n_train],
        labels[:n_train],
        rows[test],
        labels[test],
    )


def as_bytes(rows: np.ndarray) -> np.ndarray:
    """Rows of grey values in [0, 1] as whole numbers up to 255, in a byte each."""
    return np.rint(255 * rows).astype(np.uint8)


def _flat_rows(images, largest):
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(largest)
