"""Features without labels: what few labels and all labels make of them.

A logistic regression learns from features that no label had a part in: of SimCLR and
other methods, and beside them of the same network untrained, of principal components,
of filters learned without gradients, and of the pixels themselves. Two questions:

- images (Fashion-MNIST): accuracy with all labels and with a few labels a class;
- tables (digits, whose pixels are taken as columns): the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from time import process_time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.image import FilterBank
from sklearn_replearn.self_supervised import InstanceDiscrimination, SimCLR, VICReg

from ._contest import Contest, Options, Target
from ._images import Images, as_bytes, read_images
from ._report import progress

#: Inverse strength of the penalty, with all and with few labels, of standardised
#: features and of those that are taken as they are.
C = {"standardised": (0.01, 0.1), "as they are": (0.1, 1.0)}

#: By name, what makes the estimators that learn without labels; the first is the one
#: that targets are for.
METHODS = {
    "SimCLR": SimCLR,
    "InstanceDiscrimination": InstanceDiscrimination,
    "VICReg": VICReg,
    "Barlow Twins": partial(VICReg, loss="barlow_twins"),
}

#: One pass at a rate at which no weight moves: batch normalization sees the data.
UNTRAINED = {"max_epochs": 1, "lr": 1e-12}


@dataclass(frozen=True)
class Sizes:
    """How much of everything: what a full run takes, and a smoke run."""

    seeds: int = 3
    draws: int = 10
    labels: int = 10
    n_filters: int = 256
    epochs: int | str = "auto"


TINY = Sizes(seeds=2, draws=2, labels=2, n_filters=8, epochs=1)


def run(options: Options) -> Iterator[Contest]:
    """Yield both contests; that of Fashion-MNIST needs a data folder."""
    sizes = TINY if options.smoke else Sizes()
    digits = split_digits(200 if options.smoke else None)
    few = replace(sizes, labels=min(sizes.labels, 5))
    yield contest(
        digits,
        {**table_models(few), **image_models(digits, few)},
        few,
        options,
        targets=(Target("5 a class", at_least=0.86),),
    )
    if options.data is None:
        progress("No data folder: the digits of scikit-learn alone.")
        return
    images = read_images(options.data, "fashion_20k_5k", "Fashion-MNIST")
    yield contest(
        images,
        image_models(images, sizes),
        sizes,
        options,
        targets=(
            Target("all labels", at_least=0.88),
            Target("above pixels", at_least=0.03),
            Target("fit seconds", at_most=600),
        ),
    )


def split_digits(n_images: int | None) -> Images:
    """Digits, three tenths of them to test on."""
    images, labels = load_digits(return_X_y=True)
    rows = images[:n_images].astype(np.float32) / 16
    train, test, train_labels, test_labels = train_test_split(
        rows,
        labels[:n_images],
        test_size=0.3,
        stratify=labels[:n_images],
        random_state=0,
    )
    return Images(
        "digits of scikit-learn", (8, 8), train, train_labels, test, test_labels
    )


def table_models(sizes: Sizes) -> dict:
    """Makers of estimators of rows of a table, by name."""
    return learned_models("of a table", sizes)


def learned_models(of: str, sizes: Sizes, **options) -> dict:
    """The methods that learn without labels, and the network of the first untrained."""
    models = {
        f"{name} {of}": partial(make, max_epochs=sizes.epochs, **options)
        for name, make in METHODS.items()
    }
    return models | {f"SimCLR {of}, untrained": partial(SimCLR, **UNTRAINED, **options)}


def image_models(images: Images, sizes: Sizes) -> dict:
    """Makers of estimators of images, by name."""
    shape = {"image_shape": images.shape}
    width = min(128, images.train.shape[1] // 2)
    return {
        **learned_models("of images", sizes, **shape),
        f"PCA({width})": partial(ScaledPCA, width, with_std=False),
        "FilterBank('kmeans')": partial(
            FilterBank, "kmeans", n_filters=sizes.n_filters, **shape
        ),
        "pixels": FunctionTransformer,
    }


def contest(
    images: Images, models: dict, sizes: Sizes, options: Options, targets: tuple
) -> Contest:
    """Accuracies and costs of all features."""
    few = f"{sizes.labels} a class"
    subsets = draw_labeled(images.train_labels, sizes.labels, sizes.draws)
    found = {
        name: measure(images, name, models[name], subsets, sizes) for name in models
    }
    pixels = found["pixels"]["few"].mean(0)
    rows = {}
    for name, figures in found.items():
        of_draws = figures["few"].mean(0)
        rows[name] = {
            "dimensions": figures["dimensions"],
            "all labels": float(figures["all"].mean()),
            "± all": standard_error(figures["all"]),
            few: float(of_draws.mean()),
            f"± {few}": standard_error(of_draws),
            "above pixels": float((of_draws - pixels).mean()),
            "± above": standard_error(of_draws - pixels),
            "fit seconds": figures["seconds"],
            **figures["score"],
        }
    return Contest(
        data=images.name,
        setting="logistic regression on features that no label had a part in",
        quality=rows,
        targets=targets,
        notes=(
            f"Means of {sizes.seeds} seeds (± all: standard error of the seeds) and of "
            f"{sizes.draws} draws of {sizes.labels} labelled rows a class, the same "
            "for all (±: standard error of the draws). 'above pixels' is the "
            "difference with few labels, draw by draw.",
            f"Features are standardised, with C={C['standardised']} for all and few "
            f"labels; pixels and PCA are taken as they are, with C={C['as they are']}, "
            "which is better for them. PCA has as many components as SimCLR's last "
            "layer, or half as many as there are pixels.",
            "'score' is the method's own, on the test rows: nats of mutual information "
            "of two views.",
            "Seconds of processor time of a fit, mean of the seeds; with "
            f"{max(options.threads)} thread(s).",
        ),
    )


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


def measure(images: Images, name: str, make, subsets: list, sizes: Sizes) -> dict:
    """Accuracies, with a row for each seed, of the features of an estimator."""
    is_learned = name.startswith((*METHODS, "FilterBank"))
    kind = "standardised" if is_learned else "as they are"
    accuracies, few, seconds, scores = [], [], [], []
    for seed in range(sizes.seeds if is_learned else 1):
        progress(f"self_supervised: {images.name}; {name}, seed {seed}")
        model = make(random_state=seed) if is_learned else make()
        as_images = images.shape[0] > 8 and hasattr(model, "image_shape")
        train, test = (
            as_bytes(rows) if as_images else rows
            for rows in (images.train, images.test)
        )
        start = process_time()
        model.fit(train)
        seconds.append(process_time() - start)
        if name.startswith(tuple(METHODS)):
            scores.append(model.score(test))
        train, test = model.transform(train), model.transform(test)
        if is_learned:
            scaler = StandardScaler().fit(train)
            train, test = scaler.transform(train), scaler.transform(test)
        of_all, of_few = C[kind]
        accuracies.append(
            accuracy(of_all, train, images.train_labels, test, images.test_labels)
        )
        few.append(
            [
                accuracy(
                    of_few,
                    train[rows],
                    images.train_labels[rows],
                    test,
                    images.test_labels,
                )
                for rows in subsets
            ]
        )
    return {
        "all": np.array(accuracies),
        "few": np.array(few),
        "seconds": float(np.mean(seconds)),
        "score": {"score": float(np.mean(scores))} if scores else {},
        "dimensions": train.shape[1],
    }


def accuracy(C, train, train_labels, test, test_labels) -> float:
    """Share of the test rows that a logistic regression gets right."""
    classifier = LogisticRegression(C=C, max_iter=300)
    return float(classifier.fit(train, train_labels).score(test, test_labels))


def standard_error(values: np.ndarray) -> float:
    """Of the mean of some values; 0 of one value."""
    if len(values) < 2:
        return 0.0
    return float(values.std(ddof=1) / len(values) ** 0.5)
