"""Descriptors of textures that are upright, and turned."""

from collections.abc import Iterator
from time import perf_counter

import numpy as np
from scipy.ndimage import map_coordinates
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.image import BagOfVisualWords

from ._contest import Contest
from ._report import progress

#: Pictures of textures, which scikit-image ships.
NAMES = ("brick", "grass", "gravel")

#: Side of an image, which is cut out of such a picture.
SIDE = 32

PATCH_SIZE = 8


def textures_contest(n_images: int, n_words: int, n_seeds: int) -> Contest:
    """Accuracy of each descriptor on upright and on turned textures.

    Parameters
    ----------
    n_images : int
        To learn from, and as many of either kind to test on.
    n_words : int
    n_seeds : int
        Draws of images, each with another vocabulary, of which there are the means.
    """
    names = ("rift", "spin", "gloh", "patch", "texton", "sift", "rift and spin")
    accuracies = {name: [] for name in names}
    speeds = {name: [] for name in names}
    for seed in range(n_seeds):
        sets = [
            draw_images(n_images, seed, is_test=is_test, is_turned=is_turned)
            for is_test, is_turned in ((False, False), (True, False), (True, True))
        ]
        for name in names:
            progress(f"textures: draw {seed + 1} of {n_seeds}; {name}")
            scores, speed = _scores(_words(name, n_words, seed), *sets)
            accuracies[name].append(scores)
            speeds[name].append(speed)
    return Contest(
        data=f"{', '.join(NAMES)} of scikit-image: {n_images} + {n_images} images of "
        f"{SIDE} x {SIDE}",
        setting=f"BagOfVisualWords(n_words={n_words}, patch_size={PATCH_SIZE})",
        quality={name: dict(_row(accuracies[name], speeds[name])) for name in names},
        notes=(
            f"Means of {n_seeds} draws and their standard errors (se). Training images "
            "are upright, from the left halves of the pictures; test images are from "
            "the right halves, upright, and turned by any angle.",
            "Logistic regression (C=0.01) on the standardised histograms; images a "
            "second, in transform.",
        ),
    )


def draw_images(
    n: int, seed: int, *, is_test: bool, is_turned: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Images in [0, 1] from random places of one half of the pictures, and classes."""
    from skimage import data

    rng = np.random.default_rng((seed, is_test, is_turned))
    pictures = [getattr(data, name)() / 255 for name in NAMES]
    margin = SIDE * 0.75  # for the corners of a turned image
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    labels = np.arange(n) % len(NAMES)
    images = []
    for label in labels:
        height, width = pictures[label].shape
        angle = rng.uniform(0, 2 * np.pi) if is_turned else 0.0
        row = rng.uniform(margin, height - margin)
        column = rng.uniform(margin, width / 2 - margin) + is_test * width / 2
        rows = row + np.cos(angle) * y - np.sin(angle) * x
        columns = column + np.sin(angle) * y + np.cos(angle) * x
        images.append(map_coordinates(pictures[label], [rows, columns], order=1))
    return np.array(images), labels


def _words(name, n_words, seed):
    bags = [
        BagOfVisualWords(part, n_words, patch_size=PATCH_SIZE, random_state=seed)
        for part in name.split(" and ")
    ]
    return make_union(*bags)


def _scores(words, train, *tests):
    """Accuracy on each set of images to test on; images a second."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    words.fit(train[0])
    start = perf_counter()
    features = [words.transform(images) for images, _ in (train, *tests)]
    seconds = perf_counter() - start
    model.fit(features[0], train[1])
    scores = [
        model.score(Z, labels)
        for Z, (_, labels) in zip(features[1:], tests, strict=True)
    ]
    return scores, sum(map(len, features)) / seconds


def _row(accuracies, speeds) -> Iterator[tuple[str, float]]:
    draws = np.array(accuracies)
    for kind, scores in zip(("upright", "turned"), draws.T, strict=True):
        yield kind, float(scores.mean())
        if len(scores) > 1:
            yield f"{kind} se", float(scores.std(ddof=1) / np.sqrt(len(scores)))
    yield "images a second", round(float(np.median(speeds)))
