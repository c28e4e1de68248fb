"""Signals with labels, and how well features of them do."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.image import CNNFeatureExtractor

from ._contest import Contest, Target
from ._data import MissingData
from ._images import Images


@dataclass(frozen=True)
class Signals:
    """Rows of values one after the other, with a class each."""

    name: str
    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def read_signals(folder: Path) -> list[Signals]:
    """All signals of the data folder that have one length and a split of their own."""
    names = ("X_train", "y_train", "X_test", "y_test")
    sets = []
    for path in sorted((folder / "signals").glob("*.npz")):
        with np.load(path) as file:
            if set(names) <= set(file):
                sets.append(Signals(path.stem, *(file[name] for name in names)))
    if not sets:
        raise MissingData(
            "The data folder has no file 'signals/*.npz' with the arrays "
            f"{', '.join(names)}."
        )
    return sets


def digits_as_signals(images: Images) -> list[Signals]:
    """Images, row by row, as if each were one signal."""
    parts = (images.train, images.train_labels, images.test, images.test_labels)
    return [Signals("digits", *parts)]


def signals_contest(sets: list[Signals], max_epochs: int, n_seeds: int) -> Contest:
    """Accuracies on each set, and their mean.

    Parameters
    ----------
    sets : list of Signals
    max_epochs : int
        Of the network.
    n_seeds : int
        Networks with another random state each, of which there is the mean.
    """
    settings = {
        "n_components": 64,
        "channels": (32, 64),
        "kernel_size": 7,
        "global_pooling": True,
        "max_epochs": max_epochs,
    }
    start = perf_counter()
    rows = {
        "CNNFeatureExtractor": [
            np.mean(
                [_accuracy_of_network(s, settings, seed) for seed in range(n_seeds)]
            )
            for s in sets
        ]
    }
    seconds = (perf_counter() - start) / (len(sets) * n_seeds)
    rows["nearest neighbour"] = [_accuracy(s, KNeighborsClassifier(1)) for s in sets]
    rows["raw values"] = [_accuracy(s, _linear_model()) for s in sets]
    names = [*(s.name for s in sets), "mean"]
    quality = {
        who: dict(zip(names, map(float, [*row, np.mean(row)]), strict=True))
        for who, row in rows.items()
    }
    quality["CNNFeatureExtractor"]["fit seconds"] = seconds
    named = ", ".join(f"{name}={value}" for name, value in settings.items())
    sizes = ", ".join(
        f"{s.name} {len(s.train)} + {len(s.test)} of {s.train.shape[1]}" for s in sets
    )
    return Contest(
        data=f"signals: {sizes}",
        setting=f"convolutions in one dimension: {named}",
        quality=quality,
        targets=(Target("mean", at_least=quality["nearest neighbour"]["mean"]),),
        notes=(
            "Accuracies on the test rows. Logistic regression on the standardised "
            f"features of the network (mean of {n_seeds} random states; seconds are of "
            "one) and on the standardised values; the nearest neighbour is by the "
            "Euclidean distance of the values.",
        ),
    )


def _accuracy_of_network(signals, settings, seed):
    network = CNNFeatureExtractor(**settings, random_state=seed)
    return _accuracy(signals, make_pipeline(network, _linear_model()))


def _linear_model():
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def _accuracy(signals, model):
    model.fit(signals.train, signals.train_labels)
    return model.score(signals.test, signals.test_labels)
