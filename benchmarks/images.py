"""Features of images and signals: accuracy, speed and memory, beside bare PyTorch.

Eight questions:

- how well a logistic regression does on each kind of features, and what they cost;
- how much longer `fit` of a convolutional network takes than a bare loop over the same
  network, with and without augmentation;
- how much longer `transform` takes than a bare forward pass;
- whether images that come as bytes are ever copied whole;
- what the features of one half of the classes are worth where the other half has few
  labels, as they are and fine-tuned;
- which descriptors of visual words know a texture again that is turned;
- whether filters give what scipy's correlation gives, and how much faster;
- how well features of signals do against nearest neighbours.
"""

import gc
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.image import (
    HOG,
    BagOfVisualWords,
    CNNFeatureExtractor,
    FilterBank,
)

from ._contest import Contest, Options, Target
from ._filters import filter_contests
from ._images import Images, as_bytes, digit_images, read_images
from ._report import progress
from ._resident import in_fresh_process, peak_resident
from ._signals import Signals, digits_as_signals, read_signals, signals_contest
from ._textures import textures_contest
from ._training_loops import (
    Setting,
    bare_loop,
    forward_pass,
    keep_loss,
)
from ._transfer import transfer

#: Inverse strength of the penalty of the logistic regressions on all images.
C = 0.01

#: Images in a block of a forward pass, beside as many as `transform` takes.
LARGE_BLOCK = 512


@dataclass(frozen=True)
class Sizes:
    """How much of everything: what a full run takes, and a smoke run."""

    n_components: int = 100
    n_filters: int = 256
    n_words: int = 256
    epochs: int | None = None  # by default, as of the estimators
    rows_by_turns: int = 5_000
    epochs_by_turns: int = 5
    few_rows: int = 2_000  # beside all of them, for the memory
    n_filtered: int = 2_000
    n_textures: int = 300
    seeds_on_textures: int = 5
    labels: tuple[int, ...] = (5, 20, 100)
    draws: int = 10
    draws_of_fine_tuning: int = 3
    epochs_on_signals: int = 100
    seeds_on_signals: int = 5


TINY = Sizes(
    n_components=10,
    n_filters=8,
    n_words=8,
    epochs=2,
    rows_by_turns=100,
    epochs_by_turns=1,
    few_rows=100,
    n_filtered=20,
    n_textures=6,
    seeds_on_textures=1,
    labels=(2, 5),
    draws=2,
    draws_of_fine_tuning=1,
    epochs_on_signals=2,
    seeds_on_signals=1,
)

#: What is done to the images of a training, in the contests of it.
AUGMENTATIONS = (None, ("flip", "shift"), ("flip", "rotate"))


def run(options: Options) -> Iterator[Contest]:
    """Yield all contests; their targets are meant for the images of a data folder."""
    if options.data is not None:
        images = read_images(options.data, "fashion_20k_5k", "Fashion-MNIST")
        signals = read_signals(options.data)
        yield from contests(images, signals, Sizes(), options)
        return
    progress("No data folder: the digits of scikit-learn, without targets.")
    sizes, images = Sizes(labels=(5, 20)), digit_images(1_500, 297)
    if options.smoke:
        sizes, images = TINY, digit_images(200, 50)
    for contest in contests(images, digits_as_signals(images), sizes, options):
        yield replace(contest, targets=())


def contests(
    images: Images, signals: list[Signals], sizes: Sizes, options: Options
) -> Iterator[Contest]:
    """All of them, the timed ones first."""
    for augment in AUGMENTATIONS:
        yield training(images, sizes, augment)
    yield encoding(images, sizes)
    yield from filter_contests(sizes.n_filtered)
    yield memory(images, sizes, options)
    yield table_of_features(images, sizes, options)
    progress("images: transfer to other classes")
    yield transfer(
        images,
        n_components=sizes.n_components,
        epochs=sizes.epochs,
        labels=sizes.labels,
        n_draws=sizes.draws,
        n_draws_of_fine_tuning=sizes.draws_of_fine_tuning,
    )
    yield textures_contest(sizes.n_textures, sizes.n_words, sizes.seeds_on_textures)
    progress("images: signals")
    yield signals_contest(signals, sizes.epochs_on_signals, sizes.seeds_on_signals)


# ---------------------------------------------------------------------------
# Speed and memory of the network
# ---------------------------------------------------------------------------


def small_training(images: Images, sizes: Sizes, augment) -> CNNFeatureExtractor:
    """The default network, trained for less time."""
    return CNNFeatureExtractor(
        image_shape=images.shape,
        augment=augment,
        max_epochs=sizes.epochs_by_turns,
        batch_size=min(128, sizes.rows_by_turns),
        lr_schedule="constant",
        random_state=0,
    )


def describe(model: CNNFeatureExtractor) -> str:
    """Maps and features of a fitted network, and its batches."""
    shape = " x ".join(map(str, model.image_shape_[:-1]))
    layers = "-".join(map(str, [shape, *model.channels, model.n_components]))
    return f"CNNFeatureExtractor {layers}, batch_size={model.batch_size}"


def training(images: Images, sizes: Sizes, augment) -> Contest:
    """`fit` by turns with a loop over the same network."""
    X = as_bytes(images.train[: sizes.rows_by_turns])
    y = images.train_labels[: sizes.rows_by_turns].astype(np.int64)
    model = small_training(images, sizes, augment)
    fitted = clone(model).set_params(max_epochs=1).fit(X, y)
    samples, targets = fitted._read(X, y, reset=False)
    plan = fitted._plan(samples, targets)
    network = plan.new_network(samples)  # as fit does
    plan.objective.begin(network, samples)
    setting = Setting(
        partial(deepcopy, network),
        model.lr,
        model.batch_size,
        model.max_epochs,
        nn.CrossEntropyLoss(),
        plan.objective.change,
    )
    losses: dict[str, dict[str, float]] = {}  # the race fills it
    mixed = clone(model).set_params(mixed_precision=True)
    trainings = {
        "CNNFeatureExtractor": lambda: model.fit(X, y).loss_curve_[-1],
        "in mixed precision": lambda: mixed.fit(X, y).loss_curve_[-1],
        "bare loop": partial(bare_loop, setting, X, y, quick=True),
    }
    return Contest(
        data=f"{images.name}, {len(X):,} of them, in bytes",
        setting=f"{describe(fitted)}, max_epochs={model.max_epochs}, {augment=}",
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
            "All: one network, Adam's fused kernel, the same augmentation of each "
            "batch, denormal numbers flushed to zero, losses read once an epoch.",
            "Mixed precision: layers that compute in bfloat16, for processors with "
            "instructions for it.",
            "fit also checks X and y, makes the network, and looks at its health.",
        ),
        rounds=5,
    )


def encoding(images: Images, sizes: Sizes) -> Contest:
    """`transform` by turns with bare forward passes."""
    X = as_bytes(images.train[: sizes.rows_by_turns])
    y = images.train_labels[: sizes.rows_by_turns]
    model = small_training(images, sizes, None).set_params(max_epochs=1).fit(X, y)
    module = model.as_module()
    small_block = model.net_.module_.block_rows
    ways = {"CNNFeatureExtractor": model.transform} | {
        f"forward pass by {n} images": partial(forward_pass, module, block_rows=n)
        for n in (small_block, LARGE_BLOCK)
    }
    Z = model.transform(X)
    return Contest(
        data=f"{images.name}, {len(X):,} of them, in bytes",
        setting=f"{describe(model)}; features of the training images",
        stages={
            stage: {who: partial(way, rows) for who, way in ways.items()}
            for stage, rows in {"transform": X, "one image": X[:1]}.items()
        },
        reference=f"forward pass by {small_block} images",
        quality={
            who: {
                "largest difference": float(np.abs(way(X) - Z).max()),
                "largest change when alone": change_when_alone(way, X[:200]),
            }
            for who, way in ways.items()
        },
        targets=(
            Target("transform ratio", at_most=1.05),
            Target("one image ratio", at_most=1.5),
            Target("largest change when alone", at_most=1e-5),
        ),
        notes=(
            "Forward passes under inference_mode, which make floats of a block at a "
            "time: of as many images as transform takes, which is the reference, and "
            "of more. The maps of all images at once would fill gigabytes.",
            "The largest change of 200 images' features if no other image is beside "
            "them, relative to the largest feature.",
        ),
    )


def change_when_alone(encode: Callable, X: np.ndarray) -> float:
    """Largest change of a row's result without others, as a share of the largest."""
    alone = np.concatenate([encode(X[i : i + 1]) for i in range(len(X))])
    Z = encode(X)
    return float(np.abs(Z - alone).max() / np.abs(Z).max())


def memory(images: Images, sizes: Sizes, options: Options) -> Contest:
    """Peak memory of `fit`, and of `transform`, with few images and with all."""
    progress(f"images: {images.name}; memory")
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "rows.npz")
        np.savez(path, X=as_bytes(images.train), y=images.train_labels)
        for act in ("fit", "transform"):
            rows[act] = in_fresh_process(
                peaks_of_act,
                act,
                path,
                {"image_shape": images.shape, "max_epochs": 1},
                sizes.few_rows,
                threads=max(options.threads),
            )
    return Contest(
        data=f"{images.name}, in bytes",
        setting=f"batch_size='auto'; peak resident memory, {sizes.few_rows:,} images "
        "and all",
        quality=rows,
        targets=tuple(
            Target("growth, share of floats", at_most=0.5, contestant=act)
            for act in rows
        ),
        notes=(
            "Each in a fresh process that holds X all the time. The peak is of all "
            "beyond the imports: X, the weights, and what the layers make of a batch.",
            "Growth is what the peak with all images has more than that with few, less "
            "the features that transform returns. A copy of the other images as floats "
            "would be 1, one in bytes 0.25, none 0.",
        ),
    )


def peaks_of_act(act: str, path: str, setting: dict, few: int) -> dict[str, float]:
    """Memory of this process, which does nothing else, in millions of bytes."""
    model = CNNFeatureExtractor(**setting, batch_size=8, random_state=0)
    # Made-up images in small batches, which take little, call all libraries first.
    n_values = int(np.prod(setting["image_shape"]))
    noise = np.random.default_rng(0).integers(0, 256, (64, n_values), dtype=np.uint8)
    model.fit(noise, np.arange(64) % 2)
    if act == "fit":
        model.set_params(batch_size="auto")
    before = peak_resident()
    with np.load(path) as file:
        X, y = file["X"], file["y"]
    for _ in range(3):  # what is freed lies scattered, and is used again only then
        _do(act, model, X[:few], y[:few])
    with_few = peak_resident() - before
    Z = _do(act, model, X, y)
    peak = peak_resident() - before
    features = 0 if Z is None else Z.nbytes
    floats = 4 * X[few:].size
    return {
        "X MB": X.nbytes / 1e6,
        "X as floats MB": 4 * X.size / 1e6,
        "features MB": features / 1e6,
        "peak, few images MB": with_few / 1e6,
        "peak MB": peak / 1e6,
        "growth, share of floats": (peak - with_few - features) / floats,
    }


def _do(act, model, X, y):
    """The features, if that is what is made; a trained model is thrown away."""
    if act == "transform":
        return model.transform(X)
    clone(model).fit(X, y)
    gc.collect()
    return None


# ---------------------------------------------------------------------------
# Quality
# ---------------------------------------------------------------------------


def transformers(images: Images, sizes: Sizes) -> dict:
    """What makes features of images, by name."""
    shape = {"image_shape": images.shape}
    random = shape | {"random_state": 0}
    cnn = CNNFeatureExtractor(**random)
    if sizes.epochs is not None:
        cnn.set_params(max_epochs=sizes.epochs)
    return {
        "CNNFeatureExtractor": cnn,
        f"ScaledPCA({sizes.n_components})": ScaledPCA(sizes.n_components),
        "FilterBank('edges')": FilterBank("edges", **shape),
        "FilterBank('all')": FilterBank("all", **shape),
        "HOG": HOG(**shape),
        **{
            f"BagOfVisualWords({name!r})": BagOfVisualWords(
                name, sizes.n_words, n_levels=3, **random
            )
            for name in ("patch", "gloh")
        },
        "FilterBank('kmeans')": FilterBank(
            "kmeans", n_filters=sizes.n_filters, **random
        ),
    }


def table_of_features(images: Images, sizes: Sizes, options: Options) -> Contest:
    """Accuracy and costs of all features."""
    models = transformers(images, sizes)
    rows = {}
    for name, model in models.items():
        rows[name] = quality(images, name, model)
        if isinstance(model, CNNFeatureExtractor):
            head = float(model.score(images.test, images.test_labels))
            rows["its own head"] = {"accuracy": head}
    train = images.train.copy()
    rows["raw pixels"] = classified(images, train, images.test) | {
        "dimensions": train.shape[1]
    }
    return Contest(
        data=images.name,
        setting="logistic regression on features of images",
        quality=rows,
        targets=(
            Target("accuracy", at_least=0.91),
            Target("fit seconds", at_most=300),
            Target("accuracy", at_least=0.885, contestant="FilterBank('kmeans')"),
        ),
        notes=(
            "Accuracy on the test images of a logistic regression (lbfgs, "
            f"{C=}) on the standardised features; of the network's head beside it.",
            "Estimators as they are by default (BagOfVisualWords with n_levels=3), "
            f"with {max(options.threads)} thread(s); seconds are of one run each, not "
            "by turns.",
        ),
    )


def quality(images: Images, name: str, model) -> dict[str, float]:
    """Fit a model; accuracy and costs of its features."""
    progress(f"images: {images.name}; {name}")
    start = perf_counter()
    model.fit(images.train, images.train_labels)
    fitted = perf_counter()
    train = model.transform(images.train)
    end = perf_counter()
    costs = {
        "dimensions": train.shape[1],
        "fit seconds": fitted - start,
        "transform images a second": round(len(train) / (end - fitted)),
    }
    return classified(images, train, model.transform(images.test)) | costs


def classified(images: Images, train: np.ndarray, test: np.ndarray) -> dict:
    """How many test images a logistic regression gets right, and how long it takes.

    The training features are standardised in their own memory.
    """
    start = perf_counter()
    scaler = StandardScaler(copy=False)
    classifier = LogisticRegression(C=C, max_iter=1000)
    classifier.fit(scaler.fit_transform(train), images.train_labels)
    seconds = perf_counter() - start
    accuracy = classifier.score(scaler.transform(test.copy()), images.test_labels)
    return {"accuracy": float(accuracy), "classifier's seconds": seconds}
