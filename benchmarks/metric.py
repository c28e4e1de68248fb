"""Metric learning: one-shot accuracy, embeddings by each loss, and speed.

Four questions:

- how often a network that has learned some alphabets finds a character of others from
  one example, among 20 of its alphabet and among 5 of all;
- how good the embeddings of each loss are, beside linear ones of as many dimensions;
- how much longer `fit` takes than a bare loop over the same network, loss and batches;
- what mining adds to a step of the training.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

import numpy as np
import torch
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import KNeighborsClassifier, NeighborhoodComponentsAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_replearn._deep.networks.network import build_network
from sklearn_replearn._deep.objectives.tuple_losses import TripletLoss
from sklearn_replearn._deep.training.batches import BalancedBatches
from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.metric_learning import (
    MahalanobisTransformer,
    NPairTransformer,
    SiameseTransformer,
    SupConTransformer,
    TripletTransformer,
)
from sklearn_replearn.metrics import mean_average_precision_at_r
from sklearn_replearn.model_selection import few_shot_score

from ._characters import (
    Characters,
    accuracy_of_runs,
    digits_as_characters,
    quarter_turns,
    read_characters,
    with_rotations,
)
from ._contest import Contest, Options, Target
from ._images import Images, as_bytes, digit_images, read_images
from ._report import progress
from ._training_loops import Setting, bare_loop, keep_loss

#: The network and its training for characters, beyond the defaults.
CHARACTER_RECIPE = {
    "n_components": 512,
    "temperature": 0.05,
    "samples_per_class": 4,
    "channels": (32, 64, 128, 256),
    "augment": [("rotate", 20), ("scale", 0.2), ("shift", 0.1)],
    "hidden_layer_sizes": (),
    "batch_size": 160,
    "lr": 2e-3,
    "lr_schedule": "cosine",
    "mixed_precision": True,
}


@dataclass(frozen=True)
class Sizes:
    """How much of everything: what a full run takes, and a smoke run."""

    epochs_on_characters: int = 36
    n_way: int = 20
    n_episodes: int = 2_000
    n_components: int = 32
    epochs: int = 10
    rows_of_nca: int = 4_000
    rows_by_turns: int = 5_000
    epochs_by_turns: int = 5
    n_mined: int = 512


TINY = Sizes(
    epochs_on_characters=1,
    n_way=5,
    n_episodes=20,
    n_components=4,
    epochs=1,
    rows_of_nca=100,
    rows_by_turns=100,
    epochs_by_turns=1,
    n_mined=32,
)


def run(options: Options) -> Iterator[Contest]:
    """Yield all contests; their targets are meant for the images of a data folder."""
    if options.data is not None:
        images = read_images(options.data, "fashion_20k_5k", "Fashion-MNIST")
        yield from contests(images, read_characters(options.data), Sizes(), options)
        return
    progress("No data folder: the digits of scikit-learn, without targets.")
    sizes = replace(Sizes(), n_way=5, epochs_on_characters=5)
    images = digit_images(1_500, 297)
    if options.smoke:
        sizes, images = TINY, digit_images(200, 50)
    for contest in contests(images, digits_as_characters(), sizes, options):
        yield replace(contest, targets=())


def contests(
    images: Images, characters: Characters, sizes: Sizes, options: Options
) -> Iterator[Contest]:
    """All of them, the timed ones first."""
    yield training(images, sizes)
    yield mining(images, sizes)
    yield table_of_embeddings(images, sizes, options)
    yield one_shot(characters, sizes, options)


# ---------------------------------------------------------------------------
# Speed
# ---------------------------------------------------------------------------


def small_training(images: Images, sizes: Sizes) -> TripletTransformer:
    """The default network, trained for less time."""
    return TripletTransformer(
        sizes.n_components,
        image_shape=images.shape,
        max_epochs=sizes.epochs_by_turns,
        batch_size=min(128, sizes.rows_by_turns),
        lr_schedule="constant",
        random_state=0,
    )


def training(images: Images, sizes: Sizes) -> Contest:
    """`fit` by turns with a loop over the same network, loss and batches."""
    X = as_bytes(images.train[: sizes.rows_by_turns])
    y = images.train_labels[: sizes.rows_by_turns].astype(np.int64)
    model = small_training(images, sizes)
    fitted = clone(model).set_params(max_epochs=1).fit(X, y)
    samples, targets = fitted._read(X, y, reset=False)
    plan = fitted._plan(samples, targets)
    network = plan.new_network(samples)  # as fit does
    codes = torch.from_numpy(y)
    sampler = BalancedBatches(
        torch.arange(len(y)), codes, model.batch_size, model.samples_per_class
    )
    setting = Setting(
        partial(deepcopy, network),
        model.lr,
        model.batch_size,
        model.max_epochs,
        JustTheLoss(plan.objective.loss),
        sampler=sampler,
    )
    losses: dict[str, dict[str, float]] = {}  # the race fills it
    trainings = {
        "TripletTransformer": lambda: model.fit(X, y).loss_curve_[-1],
        "bare loop": partial(bare_loop, setting, X, y, quick=True),
    }
    return Contest(
        data=f"{images.name}, {len(X):,} of them, in bytes",
        setting=f"TripletTransformer, semi-hard, batch_size={model.batch_size}, "
        f"max_epochs={model.max_epochs}",
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
            "Both: one network, one loss, batches of a few rows of each class, Adam's "
            "fused kernel, denormal numbers flushed to zero, losses read once an "
            "epoch.",
            "fit also checks X and y, makes the network, and records the health of the "
            "embeddings in each epoch.",
        ),
        rounds=5,
    )


class JustTheLoss(torch.nn.Module):
    """A loss of tuples, without a record of the health of the embeddings."""

    def __init__(self, criterion):
        super().__init__()
        self.criterion = criterion

    def forward(self, z, codes):
        loss, _, _ = self.criterion.measure(z, codes)
        return loss


def mining(images: Images, sizes: Sizes) -> Contest:
    """The hardest triplets of a batch, by turns with a step of the network."""
    n = sizes.n_mined
    X = as_bytes(images.train[:n])
    y = images.train_labels[:n].astype(np.int64)
    model = small_training(images, sizes).set_params(max_epochs=1, batch_size="auto")
    model.fit(X, y)
    network, codes = build_network(model.net_.description), torch.from_numpy(y)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    x = network.arrange(torch.from_numpy(X).float() / 255)
    losses = {
        f"{mining} triplets": TripletLoss(mining, "hinge", 0.2, 1.0)
        for mining in ("hard", "semihard", "all")
    }

    def mine(loss):
        z = torch.randn(n, sizes.n_components, requires_grad=True)
        loss(z, codes).backward()

    def step():
        optimizer.zero_grad()
        network(x).square().mean().backward()
        optimizer.step()

    actions: dict[str, Callable] = {
        who: partial(mine, loss) for who, loss in losses.items()
    }
    actions["step of the network"] = step
    return Contest(
        data=f"{images.name}, {n} of them",
        setting=f"distances, triplets, loss and their gradient of {n} x {n}; default "
        "network",
        stages={"step": actions},
        reference="step of the network",
        targets=(Target("step ratio", at_most=0.15),),
        notes=(
            "A step is a forward and a backward pass and Adam, without such a loss.",
        ),
    )


# ---------------------------------------------------------------------------
# Quality
# ---------------------------------------------------------------------------


def transformers(images: Images, sizes: Sizes) -> dict:
    """What makes embeddings, by name; deep ones first."""
    n = sizes.n_components
    deep = {
        "image_shape": images.shape,
        "max_epochs": sizes.epochs,
        "random_state": 0,
    }
    few = min(n, len(np.unique(images.train_labels)) - 1)
    return {
        "SupConTransformer": SupConTransformer(n, **deep),
        "NPairTransformer": NPairTransformer(n, **deep),
        "TripletTransformer('semihard')": TripletTransformer(n, **deep),
        "TripletTransformer('hard')": TripletTransformer(n, mining="hard", **deep),
        "TripletTransformer('all')": TripletTransformer(n, mining="all", **deep),
        **{
            f"SiameseTransformer({loss!r})": SiameseTransformer(n, loss=loss, **deep)
            for loss in ("squared", "distance", "hadsell")
        },
        "MahalanobisTransformer": MahalanobisTransformer(
            n, max_epochs=sizes.epochs, random_state=0
        ),
        f"LinearDiscriminantAnalysis({few})": LinearDiscriminantAnalysis(
            n_components=few
        ),
        f"ScaledPCA, NCA on {sizes.rows_of_nca:,} rows": make_pipeline(
            ScaledPCA(min(100, sizes.rows_of_nca // 2), with_std=False),
            NeighborhoodComponentsAnalysis(n, max_iter=30, random_state=0),
        ),
        "ScaledPCA": ScaledPCA(n),
    }


#: Embeddings that are linear maps of the pixels.
LINEAR = ("Mahalanobis", "Linear", "ScaledPCA", "raw")


def table_of_embeddings(images: Images, sizes: Sizes, options: Options) -> Contest:
    """1-NN accuracy and MAP@R of all embeddings."""
    rows = {}
    for name, model in transformers(images, sizes).items():
        progress(f"metric: {images.name}; {name}")
        n_rows = sizes.rows_of_nca if "NCA" in name else len(images.train)
        start = perf_counter()
        model.fit(images.train[:n_rows], images.train_labels[:n_rows])
        seconds = perf_counter() - start
        train, test = model.transform(images.train), model.transform(images.test)
        rows[name] = judged(images, train, test) | {"fit seconds": seconds}
    rows["raw pixels"] = judged(images, images.train, images.test)
    best_linear = {
        figure: max(
            row[figure] for name, row in rows.items() if name.startswith(LINEAR)
        )
        for figure in ("1-NN accuracy", "MAP@R")
    }
    return Contest(
        data=images.name,
        setting=f"embeddings of {sizes.n_components} dimensions, {sizes.epochs} epochs",
        quality=rows,
        targets=tuple(
            Target(figure, at_least=best) for figure, best in best_linear.items()
        ),
        notes=(
            "1-NN: the training images' embeddings classify the test images'. MAP@R: "
            "each test image queries the others.",
            "The targets are the best figures of the linear maps. Estimators as they "
            f"are by default, with {max(options.threads)} thread(s); seconds are of "
            "one run each, not by turns.",
        ),
    )


def judged(images: Images, train: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """How good embeddings are."""
    nearest = KNeighborsClassifier(1).fit(train, images.train_labels)
    return {
        "1-NN accuracy": float(nearest.score(test, images.test_labels)),
        "MAP@R": float(mean_average_precision_at_r(test, images.test_labels)),
        "dimensions": train.shape[1],
    }


def one_shot(characters: Characters, sizes: Sizes, options: Options) -> Contest:
    """Accuracy from one example of each character, by a documented recipe."""
    progress(f"metric: {characters.name}")
    X, y = with_rotations(characters.train, characters.train_labels)
    model = SupConTransformer(
        **CHARACTER_RECIPE,
        max_epochs=sizes.epochs_on_characters,
        random_state=0,
        verbose=1,
    )
    start = perf_counter()
    model.fit(X, y)
    minutes = (perf_counter() - start) / 60
    rows, task = {}, f"{sizes.n_way}-way within an alphabet"
    for name, embed in (
        ("SupConTransformer, four turns", partial(embed_turns, model)),
        ("SupConTransformer", model.transform),
        ("raw pixels", flat),
    ):
        Z = embed(characters.test)
        rows[name] = {
            task: accuracy_of_runs(Z, characters, sizes.n_way, sizes.n_episodes),
            "the same, any drawers": accuracy(
                Z,
                characters,
                sizes,
                n_way=sizes.n_way,
                groups=characters.test_alphabets,
            ),
            "5-way over all": accuracy(Z, characters, sizes, n_way=5),
        }
    rows["SupConTransformer, four turns"]["fit minutes"] = minutes
    return Contest(
        data=characters.name,
        setting=f"one-shot accuracy, {sizes.n_episodes:,} episodes; "
        f"{sizes.epochs_on_characters} epochs of {len(X):,} images",
        quality=rows,
        targets=(
            Target(task, at_least=0.93),
            Target("5-way over all", at_least=0.985),
            Target("fit minutes", at_most=15),
        ),
        notes=(
            "Characters turned by 90, 180 and 270 degrees are other characters to "
            f"learn from. SupConTransformer with {CHARACTER_RECIPE}.",
            "Four turns: the embeddings of a character turned by 0, 90, 180 and 270 "
            "degrees, side by side, so that its cosines are means of four.",
            "Of each character one image is the example, and another is to be found; "
            "nearest by cosine. In the first column, as in the runs that come with "
            "Omniglot, all examples are by one drawer, and all others by another.",
            f"{max(options.threads)} thread(s), one training.",
        ),
    )


def embed_turns(model: SupConTransformer, images: np.ndarray) -> np.ndarray:
    """Embeddings of images turned by quarters, side by side."""
    return np.hstack([model.transform(turned) for turned in quarter_turns(images)])


def flat(images: np.ndarray) -> np.ndarray:
    """Pixels as rows of numbers."""
    return images.reshape(len(images), -1) / np.float32(255)


def accuracy(Z: np.ndarray, characters: Characters, sizes: Sizes, **options) -> float:
    """Mean accuracy over episodes with one example of each character."""
    score = few_shot_score(
        FunctionTransformer().fit(Z),
        Z,
        characters.test_labels,
        k_shot=1,
        n_query=1,
        n_episodes=sizes.n_episodes,
        metric="cosine",
        random_state=0,
        **options,
    )
    return float(score)
