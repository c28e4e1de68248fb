"""Features without labels: what few labels and all labels make of them.

A logistic regression learns from features that no label had a part in: those of the
methods of `self_supervised`, and beside them those of the same network untrained, of
principal components, of filters learned without gradients, and the input itself; and a
network learns from the labels alone. Four questions:

- tables: the accuracy with 2, 5, 10 and 50 labels a class;
- images (Fashion-MNIST, CIFAR-10): the accuracy with 10, with 100 and with all labels a
  class, and of nearest neighbors;
- whether the score of a method says how good its features are;
- how much longer training takes than a bare loop with the same changes of the images.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from time import process_time
from typing import NamedTuple

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
    make_moons,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import FunctionTransformer, StandardScaler, scale
from torch.nn import functional

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.image import CNNFeatureExtractor, FilterBank
from sklearn_replearn.self_supervised import (
    InstanceDiscrimination,
    PretextTransformer,
    SimCLR,
    VICReg,
)

from ._contest import Contest, Options, Target, mean_and_error
from ._few_labels import draw_labeled
from ._images import Images, as_bytes, read_images
from ._report import progress
from ._training_loops import Setting, bare_loop, keep_loss

#: Inverse strength of the penalty, with all and with few labels, of standardised
#: features and of those that are taken as they are.
C = {True: (0.01, 0.1), False: (0.1, 1.0)}

#: By name, what makes the estimators that learn without labels.
METHODS = {
    "SimCLR": SimCLR,
    "InstanceDiscrimination": InstanceDiscrimination,
    "VICReg": VICReg,
    "Barlow Twins": partial(VICReg, loss="barlow_twins"),
    "rotation": partial(PretextTransformer, "rotation"),
    "relative position": partial(PretextTransformer, "relative_position"),
    "jigsaw": partial(PretextTransformer, "jigsaw"),
    "inpainting": partial(PretextTransformer, "inpainting"),
    "colorization": partial(PretextTransformer, "colorization"),
}

#: One pass at a rate at which no weight moves: batch normalization sees the data.
UNTRAINED = {"max_epochs": 1, "lr": 1e-12}

#: A training of the first method for more than the usual 1,000 batches, of color images
#: alone: it makes features of Fashion-MNIST no better.
LONGER = "SimCLR, 3,000 batches"
MANY_BATCHES, BATCH_SIZE = 3000, 128

#: Neighbors that vote for the class of an image.
N_NEIGHBORS = 20


@dataclass(frozen=True)
class Sizes:
    """How much of everything: what a full run takes, and a smoke run."""

    seeds: int = 3
    draws: int = 10
    of_images: tuple[int, ...] = (100, 10)
    of_tables: tuple[int, ...] = (2, 5, 10, 50)
    n_filters: tuple[int, ...] = (64, 256)
    epochs: int | str = "auto"
    rows_by_turns: int = 4000
    epochs_by_turns: int = 3


TINY = Sizes(
    seeds=2,
    draws=2,
    of_images=(4, 2),
    of_tables=(2,),
    n_filters=(8,),
    epochs=1,
    rows_by_turns=100,
    epochs_by_turns=1,
)


class Method(NamedTuple):
    """How features are made.

    Parameters
    ----------
    make : callable
        Gives the estimator; called with `random_state`, if it is learned.
    is_learned : bool
        Whether features depend on the seed; they are standardised then.
    """

    make: Callable
    is_learned: bool = True


def run(options: Options) -> Iterator[Contest]:
    """Yield the contests; those of images need a data folder."""
    sizes = TINY if options.smoke else Sizes()
    yield of_tables(sizes)
    digits = split_digits(200 if options.smoke else None)
    yield from training(digits, sizes)
    if options.smoke:
        yield of_images(digits, sizes, ())
        return
    if options.data is None:
        progress("No data folder: tables, and the speed of training, alone.")
        return
    fashion = read_images(options.data, "fashion_20k_5k", "Fashion-MNIST")
    yield from training(fashion, sizes)
    yield of_images(
        fashion,
        sizes,
        (
            Target("all labels", at_least=0.9),
            *(
                Target("above untrained", at_least=0.02, contestant=name)
                for name in methods_for(fashion)
            ),
        ),
    )
    yield of_images(
        read_images(options.data, "cifar10_10k_2k", "CIFAR-10"),
        sizes,
        (Target("all labels", at_least=0.6),),
    )


# -- images ----------------------------------------------------------------------------


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


def is_color(images: Images) -> bool:
    """Whether images have several channels."""
    return len(images.shape) == 3


def methods_for(images: Images) -> dict[str, Callable]:
    """Those that images have a meaning for: gray ones have no colors."""
    return {
        name: METHODS[name]
        for name in METHODS
        if is_color(images) or "color" not in name
    }


def methods_of(images: Images, sizes: Sizes) -> dict[str, Method]:
    """All ways to make features of images, by name."""
    shape = {"image_shape": images.shape}
    width = min(128, images.train.shape[1] // 2)
    learned = {
        name: Method(partial(make, max_epochs=sizes.epochs, **shape))
        for name, make in methods_for(images).items()
    }
    if sizes.epochs == "auto" and is_color(images):
        epochs = round(MANY_BATCHES * BATCH_SIZE / len(images.train))
        learned[LONGER] = Method(partial(SimCLR, max_epochs=epochs, **shape))
    filters = {
        f"FilterBank('kmeans', n_filters={n})": Method(
            partial(FilterBank, "kmeans", n_filters=n, **shape)
        )
        for n in sizes.n_filters
    }
    return {
        **learned,
        "untrained": Method(partial(SimCLR, **UNTRAINED, **shape)),
        **filters,
        f"PCA({width})": Method(partial(ScaledPCA, width, with_std=False), False),
        "pixels": Method(FunctionTransformer, False),
    }


def of_images(images: Images, sizes: Sizes, targets: tuple) -> Contest:
    """Accuracies and costs of all features of images."""
    methods = methods_of(images, sizes)
    subsets = {
        f"{n} a class": draw_labeled(images.train_labels, n, sizes.draws)
        for n in sizes.of_images
    }
    found = {
        name: measure(images, name, method, subsets, sizes)
        for name, method in methods.items()
    }
    found["supervised network"] = measure_supervised(images, subsets, sizes)
    untrained = found["untrained"]["all labels"]
    rows = {}
    for name, figures in found.items():
        accuracies = figures["all labels"]
        rows[name] = {"numbers": figures["numbers"]}
        for column in ("all labels", *subsets, "20-NN"):
            if column in figures:
                rows[name] |= mean_and_error(column, figures[column])
        if name in (*methods_for(images), LONGER):
            rows[name] |= mean_and_error("above untrained", accuracies - untrained)
        rows[name] |= {"fit seconds": figures["seconds"]}
        if "score" in figures:
            rows[name] |= {"own score": figures["score"]}
    return Contest(
        data=images.name,
        setting="logistic regression on features that no label had a part in",
        quality=rows,
        targets=(Target("fit seconds", at_most=600), *targets),
        notes=(
            f"Means of {sizes.seeds} seeds and, with few labels, of {sizes.draws} "
            "draws of labelled rows, the same for all; ± is the standard error, of the "
            "seeds with all labels and of the draws with few. 'above untrained' is the "
            "difference with all labels, seed by seed.",
            f"Features are standardised, with C={C[True]} for all and few labels; "
            f"pixels and PCA are taken as they are, with C={C[False]}, which is better "
            f"for them. {N_NEIGHBORS} nearest neighbors by cosine.",
            "The supervised network learns from the labels that there are, and "
            "predicts itself.",
            "'own score' is that of the method, on the test rows: nats of mutual "
            "information of two views, the accuracy of the answers, or their R².",
            "Seconds of processor time of a fit, mean of the seeds.",
        ),
    )


def measure(
    images: Images, name: str, method: Method, subsets: dict, sizes: Sizes
) -> dict:
    """Accuracies of the features of an estimator: by seed, or by draw of labels."""
    of_all, of_few = C[method.is_learned]
    figures = {column: [] for column in ("all labels", *subsets, "20-NN")}
    seconds, scores = [], []
    for seed in range(sizes.seeds if method.is_learned else 1):
        progress(f"self_supervised: {images.name}; {name}, seed {seed}")
        model = method.make(random_state=seed) if method.is_learned else method.make()
        is_image = images.shape[0] > 8 and hasattr(model, "image_shape")
        train, test = (
            as_bytes(rows) if is_image else rows for rows in (images.train, images.test)
        )
        start = process_time()
        model.fit(train)
        seconds.append(process_time() - start)
        if name in (*METHODS, LONGER):
            scores.append(model.score(test))
        features = Features(images, *map(model.transform, (train, test)))
        if method.is_learned:
            features = features.standardised()
        figures["all labels"].append(features.accuracy(of_all))
        neighbors = KNeighborsClassifier(N_NEIGHBORS, metric="cosine")
        figures["20-NN"].append(features.accuracy_of(neighbors))
        for column, draws in subsets.items():
            found = [features.accuracy(of_few, rows) for rows in draws]
            figures[column].append(found)
    for column in subsets:
        figures[column] = np.mean(figures[column], axis=0)
    return {column: np.array(found) for column, found in figures.items()} | {
        "seconds": float(np.mean(seconds)),
        "numbers": features.train.shape[1],
        **({"score": float(np.mean(scores))} if scores else {}),
    }


def measure_supervised(images: Images, subsets: dict, sizes: Sizes) -> dict:
    """The same of a network that is trained on the labels that there are."""
    train, test = as_bytes(images.train), as_bytes(images.test)
    labels = images.train_labels
    epochs = {} if sizes.epochs == "auto" else {"max_epochs": sizes.epochs}

    def accuracy(seed, rows):
        model = CNNFeatureExtractor(
            image_shape=images.shape, random_state=seed, **epochs
        )
        model.fit(train[rows], labels[rows])
        return model.score(test, images.test_labels)

    progress(f"self_supervised: {images.name}; supervised network")
    start = process_time()
    every = slice(None)
    figures = {"all labels": [accuracy(seed, every) for seed in range(sizes.seeds)]}
    seconds = (process_time() - start) / sizes.seeds
    for column, draws in subsets.items():
        figures[column] = [accuracy(seed, rows) for seed, rows in enumerate(draws)]
    return {column: np.array(found) for column, found in figures.items()} | {
        "seconds": seconds,
        "numbers": CNNFeatureExtractor().n_components,
    }


class Features(NamedTuple):
    """Features of the images to learn from, and of those to test on."""

    images: Images
    train: np.ndarray
    test: np.ndarray

    def standardised(self):
        scaler = StandardScaler().fit(self.train)
        return self._replace(
            train=scaler.transform(self.train), test=scaler.transform(self.test)
        )

    def accuracy(self, strength, rows=slice(None)) -> float:
        """Share of the test rows that a logistic regression gets right."""
        classifier = LogisticRegression(C=strength, max_iter=300)
        return self.accuracy_of(classifier, rows)

    def accuracy_of(self, classifier, rows=slice(None)) -> float:
        classifier.fit(self.train[rows], self.images.train_labels[rows])
        return float(classifier.score(self.test, self.images.test_labels))


# -- tables ----------------------------------------------------------------------------


def tables() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Tables and their classes, by name: those of scikit-learn, and generated ones."""
    moons, of_moons = make_moons(1500, noise=0.15, random_state=0)
    noise = np.random.default_rng(0).normal(size=(1500, 18))
    return {
        "digits": load_digits(return_X_y=True),
        "breast cancer": load_breast_cancer(return_X_y=True),
        "wine": load_wine(return_X_y=True),
        "iris": load_iris(return_X_y=True),
        "moons and 18 columns of noise": (np.hstack([moons, noise]), of_moons),
        "clusters": make_classification(
            2000,
            40,
            n_informative=12,
            n_redundant=20,
            n_classes=5,
            n_clusters_per_class=2,
            class_sep=1.5,
            random_state=0,
        ),
    }


def of_tables(sizes: Sizes) -> Contest:
    """Accuracies with few labels of columns, principal components, and SimCLR."""
    rows = {}
    for name, (X, y) in tables().items():
        rows |= of_table(name, scale(X).astype(np.float32), y, sizes)
    return Contest(
        data="tables of scikit-learn, and generated ones",
        setting="logistic regression on few labelled rows",
        quality=rows,
        notes=(
            "Columns are standardised, and so are all features but those of PCA, "
            "which has 95 % of the variance; C=1 for all. SimCLR and PCA learn from "
            "all rows but those to test on, three tenths, without labels.",
            f"Means of {sizes.seeds} splits and seeds, {sizes.draws} draws of labelled "
            "rows each; ± is the standard error of the difference of SimCLR and the "
            "columns, draw by draw. A difference of twice its error is a win or a "
            "loss: 1 and -1.",
        ),
    )


def of_table(name: str, X, y, sizes: Sizes) -> dict[str, dict[str, float]]:
    """By the number of labels, accuracies of all features of a table."""
    methods = {
        "columns": lambda seed: FunctionTransformer(),
        "PCA": lambda seed: ScaledPCA(0.95, with_std=False),
        "untrained": lambda seed: SimCLR(**UNTRAINED, random_state=seed),
        "SimCLR": lambda seed: SimCLR(max_epochs=sizes.epochs, random_state=seed),
    }
    found: dict[int, dict[str, list[float]]] = {}
    for seed in range(sizes.seeds):
        progress(f"self_supervised: {name}, split {seed}")
        train, test, labels, test_labels = train_test_split(
            X, y, test_size=0.3, stratify=y, random_state=seed
        )
        table = Images(name, X.shape[1:], train, labels, test, test_labels)
        for method, make in methods.items():
            model = make(seed).fit(train)
            features = Features(table, model.transform(train), model.transform(test))
            if method != "PCA":
                features = features.standardised()
            for n in sizes.of_tables:
                if n >= np.bincount(labels).min():
                    continue
                draws = draw_labeled(labels, n, sizes.draws)
                accuracies = found.setdefault(n, {}).setdefault(method, [])
                accuracies += [features.accuracy(1.0, rows) for rows in draws]
    rows = {}
    for n, accuracies in found.items():
        gains = np.subtract(accuracies["SimCLR"], accuracies["columns"])
        row = {method: float(np.mean(of)) for method, of in accuracies.items()}
        row |= mean_and_error("SimCLR - columns", gains)
        gain, error = row["SimCLR - columns"], row["± SimCLR - columns"]
        row["won"] = float(gain > 2 * error) - float(gain < -2 * error)
        rows[f"{name}, {n} a class"] = row
    return rows


# -- speed -----------------------------------------------------------------------------


def training(images: Images, sizes: Sizes) -> Iterator[Contest]:
    """`fit` by turns with a loop over the same network and the same changes."""
    X = as_bytes(images.train[: sizes.rows_by_turns])
    for name, loss in (("SimCLR", nt_xent), ("rotation", of_answers)):
        model = METHODS[name](
            image_shape=images.shape,
            max_epochs=sizes.epochs_by_turns,
            batch_size=min(128, len(X) // 2),
            lr_schedule="constant",
            optimizer="adam",
            weight_decay=0,
            random_state=0,
        )
        fitted = clone(model).set_params(max_epochs=1).fit(X)
        samples, _ = fitted._read(X, None, reset=False)
        plan = fitted._plan(samples, None)
        network = plan.new_network(samples)  # as fit does
        plan.objective.begin(network, samples)
        setting = Setting(
            partial(deepcopy, network),
            model.lr,
            model.batch_size,
            model.max_epochs,
            loss,
            prepare=partial(prepared, plan.objective),
        )
        yield race_of_training(images.name, name, model, setting, X)


def race_of_training(
    data: str, name: str, model: BaseEstimator, setting: Setting, X: np.ndarray
) -> Contest:
    """The contest of one method."""
    losses: dict[str, dict[str, float]] = {}  # the race fills it
    trainings = {
        name: lambda: model.fit(X).loss_curve_[-1],
        "bare loop": partial(bare_loop, setting, X, quick=True),
    }
    return Contest(
        data=f"{data}, {len(X):,} of them, in bytes",
        setting=f"{name}, the default network, max_epochs={model.max_epochs}",
        stages={
            "fit": {
                who: partial(keep_loss, losses, who, train)
                for who, train in trainings.items()
            }
        },
        reference="bare loop",
        quality=losses,
        targets=(Target("fit ratio", at_most=1.08),),
        notes=(
            "Both: one network, Adam's fused kernel, the same changes of each batch, "
            "denormal numbers flushed to zero, losses read once an epoch.",
            "fit also checks X, makes the network, and looks at its health in each "
            "batch.",
        ),
        rounds=5,
    )


def prepared(objective, inputs, targets) -> tuple:
    """Inputs and targets that an objective makes of a batch."""
    return objective.prepare(inputs, None)[:2]


def nt_xent(z, rows):
    """The loss of SimCLR as people write it."""
    z = functional.normalize(z)
    similarities = (z @ z.T / SimCLR().temperature).fill_diagonal_(-torch.inf)
    n = len(z) // 2
    others = torch.arange(2 * n).roll(n)
    return functional.cross_entropy(similarities, others)


def of_answers(output, targets):
    """The cross-entropy of answers, the first of the outputs."""
    return functional.cross_entropy(output[0], targets)
