"""Autoencoders against bare PyTorch, stock skorch and PCA.

Six questions:

- how much longer `fit` takes than a bare loop over the same network, and stock skorch;
- how much longer `transform` takes than a bare forward pass;
- how much memory both need in a process of their own, beyond the table itself;
- whether a linear autoencoder finds the subspace of the principal components;
- on images, how well autoencoders reconstruct rows that they have not seen, with and
  without noise, and how well a logistic regression does on their codes;
- how much faster a grid search is with two workers.
"""

import tempfile
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from joblib import Parallel, delayed, parallel_config
from scipy.linalg import subspace_angles
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_replearn.autoencoder import (
    Autoencoder,
    DenoisingAutoencoder,
    VariationalAutoencoder,
    VQAutoencoder,
)
from sklearn_replearn.image import ConvAutoencoder

from ._contest import Contest, Options, Target
from ._images import Images, digit_images, read_images
from ._report import progress
from ._resident import in_fresh_process, peak_resident
from ._timing import pair_ratios, race
from ._training_loops import (
    Setting,
    bare_loop,
    forward_pass,
    keep_loss,
    stock_skorch,
)

NOISE = 0.5
BLOCK_ROWS = 256


@dataclass(frozen=True)
class Sizes:
    """How much of everything: what a full run takes, and a smoke run."""

    n_components: int = 32
    hidden_layer_sizes: tuple[int, ...] = (128,)
    batch_sizes: tuple[int, ...] = (64, 128, 256, 1024)
    epochs: int = 5
    channels: tuple[int, ...] = (8, 16)
    batch_size_of_convolutions: int = 128
    epochs_of_convolutions: int = 2
    epochs_of_linear: int = 100
    epochs_on_images: int | None = None  # by default, as of the estimators
    codebook_size: int | None = None
    rows_in_grid: int = 5_000
    epochs_in_grid: int = 20
    grid_points: int = 4


TINY = Sizes(
    n_components=8,
    hidden_layer_sizes=(8,),
    batch_sizes=(64,),
    epochs=1,
    channels=(2,),
    batch_size_of_convolutions=64,
    epochs_of_convolutions=1,
    epochs_of_linear=3,
    epochs_on_images=3,
    codebook_size=4,
    rows_in_grid=100,
    epochs_in_grid=1,
    grid_points=1,
)


def run(options: Options) -> Iterator[Contest]:
    """Yield all contests; their targets are meant for the images of a data folder."""
    if options.data is not None:
        images = read_images(options.data, "fashion_20k_5k", "Fashion-MNIST")
        yield from contests(images, Sizes(), options)
        return
    progress("No data folder: the digits of scikit-learn, without targets.")
    sizes, images = Sizes(), digit_images(1_500, 297)
    if options.smoke:
        sizes, images = TINY, digit_images(200, 50)
    for contest in contests(images, sizes, options):
        yield replace(contest, targets=())


def contests(images: Images, sizes: Sizes, options: Options) -> Iterator[Contest]:
    """All of them, the timed ones first."""
    for model in trained_by_turns(images, sizes):
        yield training(images, model)
    yield encoding(images, sizes)
    yield memory(images, sizes, options)
    yield grid_search(images, sizes, options)
    yield from linear_contests(images, sizes)
    yield from codes_of_images(images, sizes, options)


# ---------------------------------------------------------------------------
# Speed and memory
# ---------------------------------------------------------------------------


def small_autoencoder(sizes: Sizes, batch_size: int) -> Autoencoder:
    """The network whose training is timed."""
    return Autoencoder(
        sizes.n_components,
        hidden_layer_sizes=sizes.hidden_layer_sizes,
        max_epochs=sizes.epochs,
        batch_size=batch_size,
        lr_schedule="constant",
        random_state=0,
    )


def trained_by_turns(images: Images, sizes: Sizes) -> Iterator:
    """The estimators whose `fit` is timed."""
    for batch_size in sizes.batch_sizes:
        yield small_autoencoder(sizes, batch_size)
    yield ConvAutoencoder(
        sizes.n_components,
        image_shape=images.shape,
        channels=sizes.channels,
        max_epochs=sizes.epochs_of_convolutions,
        batch_size=sizes.batch_size_of_convolutions,
        lr_schedule="constant",
        random_state=0,
    )


def describe(model) -> str:
    """Layers of a fitted estimator, and its batches."""
    convolutions = isinstance(model, ConvAutoencoder)
    hidden = model.channels if convolutions else model.hidden_layer_sizes
    layers = "-".join(map(str, [model.n_features_in_, *hidden, model.n_components]))
    return f"{type(model).__name__} {layers}, batch_size={model.batch_size}"


def training(images: Images, model) -> Contest:
    """`fit` by turns with loops over the same network."""
    X = images.train
    name = type(model).__name__
    fitted = clone(model).set_params(max_epochs=1).fit(X)
    samples, targets = fitted._read(X, None, reset=False)
    plan = fitted._plan(samples, targets)
    network = plan.new_network(samples)  # as fit does
    setting = Setting(
        partial(deepcopy, network),
        model.lr,
        model.batch_size,
        model.max_epochs,
    )
    losses: dict[str, dict[str, float]] = {}  # the race fills it
    trainings = {
        name: lambda: model.fit(X).loss_curve_[-1],
        "bare loop": partial(bare_loop, setting, X, quick=True),
        "bare loop, defaults": partial(bare_loop, setting, X, quick=False),
        "stock skorch": partial(stock_skorch, setting, X),
    }
    return Contest(
        data=images.name,
        setting=f"{describe(fitted)}, max_epochs={model.max_epochs}",
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
            "All: one network, Adam, the same batch size, each epoch in a new order.",
            "bare loop: one index_select a batch, Adam's fused kernel, denormal "
            "numbers flushed to zero, losses read once an epoch. With its defaults: "
            "Adam as torch makes it, denormals kept, losses read at each step.",
            "stock skorch: NeuralNet with no validation split, shuffled, silent.",
            f"{name}.fit also checks X, makes the network, and looks at its health.",
        ),
        rounds=5,
    )


def encoding(images: Images, sizes: Sizes) -> Contest:
    """`transform` by turns with bare forward passes."""
    X = images.train
    model = small_autoencoder(sizes, sizes.batch_sizes[-1]).set_params(max_epochs=1)
    module = model.fit(X).as_module()
    passes = {
        "forward pass": partial(forward_pass, module, X, len(X)),
        f"forward pass by {BLOCK_ROWS} rows": partial(
            forward_pass, module, X, BLOCK_ROWS
        ),
    }
    Z = model.transform(X)
    return Contest(
        data=images.name,
        setting=f"{describe(model)}; codes of the training rows, float32",
        stages={"transform": {"Autoencoder": partial(model.transform, X), **passes}},
        reference="forward pass",
        quality={
            who: {"largest difference": float(np.abs(encode() - Z).max())}
            for who, encode in passes.items()
        },
        targets=(Target("transform ratio", at_most=1.05),),
        notes=(
            "Forward passes under inference_mode: of all rows at once, which is the "
            "reference, and by blocks that stay in the cache.",
            "transform also works in blocks, and checks X for NaN and infinity.",
        ),
    )


def memory(images: Images, sizes: Sizes, options: Options) -> Contest:
    """Peak memory of `fit`, then `transform`, in a fresh process."""
    setting = {
        "n_components": sizes.n_components,
        "hidden_layer_sizes": sizes.hidden_layer_sizes,
        "max_epochs": 1,
    }
    progress(f"deep: {images.name}; memory")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "rows.npy")
        np.save(path, images.train)
        rows = in_fresh_process(
            peaks_of_acts, path, setting, threads=max(options.threads)
        )
    return Contest(
        data=images.name,
        setting="batch_size='auto'; peak resident memory",
        quality=rows,
        targets=tuple(
            Target("ratio to X and model", at_most=1.2, contestant=act) for act in rows
        ),
        notes=(
            "In a fresh process. The peak is of all that it holds so far, X included, "
            "beyond the imports and a fit to a few made-up rows: 'first use' is what "
            "torch and scikit-learn import and load when they are first called.",
            "The model is its weights. Gradients, Adam's moments and what the layers "
            "make of a batch come on top.",
        ),
    )


def peaks_of_acts(path: str, setting: dict) -> dict[str, dict[str, float]]:
    """Memory of this process, which does nothing else, in millions of bytes."""
    model = Autoencoder(**setting, random_state=0)
    imports = peak_resident()
    few = np.random.default_rng(0).random((300, 20), dtype=np.float32)
    clone(model).fit(few).transform(few)
    before = peak_resident()
    X = np.load(path)
    rows = {}
    for act in ("fit", "transform"):
        getattr(model, act)(X)
        peak = peak_resident() - before
        weights = 4 * sum(p.numel() for p in model.net_.module_.parameters())
        rows[act] = {
            "X MB": X.nbytes / 1e6,
            "model MB": weights / 1e6,
            "first use MB": (before - imports) / 1e6,
            "peak MB": peak / 1e6,
            "ratio to X and model": peak / (X.nbytes + weights),
        }
    return rows


def grid_search(images: Images, sizes: Sizes, options: Options) -> Contest:
    """A grid of pipelines with one worker and with two, by turns."""
    X, y = images.train[: sizes.rows_in_grid], images.train_labels[: sizes.rows_in_grid]
    model = small_autoencoder(sizes, "auto").set_params(max_epochs=sizes.epochs_in_grid)
    n_settings = sizes.grid_points
    pipeline = make_pipeline(model, StandardScaler(), LogisticRegression(max_iter=1000))
    grid = {"autoencoder__n_components": [4, 8, 16, 32][:n_settings]}
    searches = {
        f"n_jobs={n_jobs}": GridSearchCV(
            pipeline, grid, cv=2, n_jobs=n_jobs, refit=False
        )
        for n_jobs in (2, 1)
    }
    fits = {who: partial(search.fit, X, y) for who, search in searches.items()}
    progress(f"deep: {images.name}; grid search")
    backend = "threading" if options.smoke else "loky"  # processes take long to start
    with threadpool_limits(1), parallel_config(backend):
        seconds = race(fits, repeats=min(options.repeats, 3), shortest=0)
        threads = {who: threads_of(search.n_jobs) for who, search in searches.items()}
    rows = {
        who: {
            "seconds": median(seconds[who]),
            "torch threads of a process": threads[who],
            "best score": float(search.best_score_),
        }
        for who, search in searches.items()
    }
    ratio = pair_ratios(seconds["n_jobs=2"], seconds["n_jobs=1"])
    rows["n_jobs=2"] |= {
        "ratio": ratio.median,
        "least": ratio.min,
        "greatest": ratio.max,
    }
    return Contest(
        data=f"{images.name}, {len(X):,} of them",
        setting=f"GridSearchCV, 2 folds, n_components of {n_settings} sizes, "
        f"max_epochs={sizes.epochs_in_grid}",
        quality=rows,
        targets=(Target("ratio", at_most=0.65),),
        notes=(
            "Two workers need two idle cores; they have been started before. With "
            "n_jobs=1 there is one thread, too.",
            "The threads are counted after the fits. The package sets no number: "
            "joblib gives each worker its share of the cores.",
        ),
    )


def threads_of(n_jobs: int) -> int:
    """The most threads that torch takes in one of the processes that joblib has."""
    count = delayed(torch.get_num_threads)
    return max(Parallel(n_jobs)(count() for _ in range(2 * n_jobs)))


# ---------------------------------------------------------------------------
# Linear autoencoders and PCA
# ---------------------------------------------------------------------------


def linear_contests(images: Images, sizes: Sizes) -> Iterator[Contest]:
    """Subspaces of linear autoencoders."""
    cancer = StandardScaler().fit_transform(load_breast_cancer().data)
    # Eight times as many epochs of smaller batches: 569 rows against 20,000.
    yield linear(
        "breast cancer, standardised, 569 x 30",
        cancer.astype(np.float32),
        {6: True},
        {"max_epochs": 8 * sizes.epochs_of_linear, "batch_size": 64, "lr": 3e-3},
    )
    batch_size = min(256, len(images.train) // 8)
    yield linear(
        f"{images.name}, training rows",
        images.train,
        {10: True, 32: False},
        {"max_epochs": sizes.epochs_of_linear, "batch_size": batch_size, "lr": 3e-3},
    )


def linear(
    data: str, X: np.ndarray, numbers: dict[int, bool], settings: dict
) -> Contest:
    """Errors and angles for some numbers of components, and whether angles count."""
    rows, targets = {}, []
    for k, is_separated in numbers.items():
        progress(f"deep: {data}; linear autoencoder, {k} components")
        pca = PCA(k).fit(X)
        start = perf_counter()
        model = Autoencoder(
            k, hidden_layer_sizes=(), activation="identity", random_state=0, **settings
        ).fit(X)
        seconds = perf_counter() - start
        ours, peer = f"Autoencoder, {k} components", f"PCA, {k} components"
        rows[peer] = {"error": mean_squared_error(pca_reconstruct(pca, X), X)}
        error = mean_squared_error(model.reconstruct(X), X)
        rows[ours] = {
            "error": error,
            "ratio to PCA": error / rows[peer]["error"],
            "largest angle": largest_angle(model, pca),
            "fit seconds": seconds,
        }
        targets.append(Target("ratio to PCA", at_most=1.01, contestant=ours))
        if is_separated:
            targets.append(Target("largest angle", at_most=1.0, contestant=ours))
    named = ", ".join(f"{name}={value}" for name, value in settings.items())
    return Contest(
        data=data,
        setting=f"hidden_layer_sizes=(), {named}",
        quality=rows,
        targets=tuple(targets),
        notes=(
            "Errors are means of squares; the angle, in degrees, is the largest "
            "principal one between what is decoded and the principal components.",
            "Angles have a target where the variances of the last component and of the "
            "next are apart: of Fashion-MNIST, the 32nd and the 33rd differ by 1 %.",
        ),
    )


def largest_angle(model, pca: PCA) -> float:
    """Degrees between the decoder's and the components' subspace."""
    codes = np.eye(model.n_components_ + 1, model.n_components_)
    decoded = model.inverse_transform(codes)
    directions = decoded[:-1] - decoded[-1]  # the last code is zero
    angles = subspace_angles(directions.T, pca.components_.T.astype(np.float64))
    return float(np.degrees(angles.max()))


# ---------------------------------------------------------------------------
# Codes of images
# ---------------------------------------------------------------------------


def codes_of_images(
    images: Images, sizes: Sizes, options: Options
) -> Iterator[Contest]:
    """Quality of all autoencoders, then what becomes of noise."""
    k = sizes.n_components
    models = autoencoders(images, sizes)
    rows = {"PCA": quality(images, PCA(k, random_state=0))}
    for name, model in models.items():
        rows[name] = quality(images, model)
    for row in rows.values():
        row["ratio to PCA"] = row["error"] / rows["PCA"]["error"]
    yield Contest(
        data=images.name,
        setting=f"n_components={k}; reconstruction and classification",
        quality=rows,
        targets=(
            Target("ratio to PCA", at_most=0.65, contestant="Autoencoder"),
            *(Target("fit seconds", at_most=300, contestant=name) for name in models),
            Target(
                "accuracy", at_least=rows["PCA"]["accuracy"], contestant="Autoencoder"
            ),
            Target("ELBO gain", at_least=0, contestant="VariationalAutoencoder"),
            Target("codebook usage", at_least=0.5, contestant="VQAutoencoder"),
        ),
        notes=(
            "Test rows: mean squared error of the reconstructions, accuracy of a "
            "logistic regression on the standardised codes.",
            f"Estimators as they are by default, with {max(options.threads)} "
            "thread(s); seconds are of one run each, not by turns.",
            "The ELBO is in nats, a mean over the training rows in an epoch.",
        ),
    )
    yield denoising(images, models["DenoisingAutoencoder"], models["Autoencoder"], k)


def autoencoders(images: Images, sizes: Sizes) -> dict:
    """The estimators with their defaults, by name."""
    k = sizes.n_components
    models = [
        Autoencoder(k, random_state=0),
        DenoisingAutoencoder(k, noise_level=NOISE, random_state=0),
        VariationalAutoencoder(k, random_state=0),
        VQAutoencoder(k, random_state=0),
        ConvAutoencoder(k, image_shape=images.shape, random_state=0),
    ]
    changes = {
        "max_epochs": sizes.epochs_on_images,
        "codebook_size": sizes.codebook_size,
    }
    for model in models:
        for name in changes.keys() & model.get_params().keys():
            if changes[name] is not None:
                model.set_params(**{name: changes[name]})
    return {type(model).__name__: model for model in models}


def quality(images: Images, model) -> dict[str, float]:
    """Fit a model; seconds, error, accuracy, and what only it has."""
    progress(f"deep: {images.name}; {type(model).__name__}")
    start = perf_counter()
    model.fit(images.train)
    fitted = perf_counter()
    codes = model.transform(images.train)
    end = perf_counter()
    reconstructed = model.inverse_transform(model.transform(images.test))
    row = {
        "error": mean_squared_error(reconstructed, images.test),
        "accuracy": accuracy(images, codes, model.transform(images.test)),
        "fit seconds": fitted - start,
        "transform rows a second": round(len(codes) / (end - fitted)),
    }
    if isinstance(model, VariationalAutoencoder):
        first, last = -model.loss_curve_[0], -model.loss_curve_[-1]
        row |= {
            "ELBO, first epoch": first,
            "ELBO, last epoch": last,
            "ELBO gain": last - first,
        }
    if isinstance(model, VQAutoencoder):
        row["codebook usage"] = model.codebook_usage_
    return row


def accuracy(images: Images, train: np.ndarray, test: np.ndarray) -> float:
    """Share of the test images that a logistic regression on codes gets right."""
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    classifier.fit(train, images.train_labels)
    return float(classifier.score(test, images.test_labels))


def denoising(images: Images, model, plain, k: int) -> Contest:
    """Errors of what is made of test rows with noise, against the rows without."""
    X = images.test
    noise = np.random.default_rng(0).standard_normal(X.shape, dtype=np.float32)
    noisy = X + np.float32(NOISE) * noise
    reconstructed = {
        "DenoisingAutoencoder": model.reconstruct(noisy),
        "Autoencoder": plain.reconstruct(noisy),
        f"PCA, {k} components": pca_reconstruct(PCA(k).fit(images.train), noisy),
        **best_pca(images, noisy, k),
        "rows with noise": noisy,
    }
    rows = {
        who: {"error": mean_squared_error(result, X)}
        for who, result in reconstructed.items()
    }
    for row in rows.values():
        row["ratio to PCA"] = row["error"] / rows[f"PCA, {k} components"]["error"]
    return Contest(
        data=images.name,
        setting=f"n_components={k}; Gaussian noise with standard deviation {NOISE}",
        quality=rows,
        targets=(Target("ratio to PCA", at_most=0.7),),
        notes=(
            "Mean squared errors of test rows, reconstructed from rows with noise, "
            "against the rows without.",
            "PCA at its best: the number of components up to twice as many that does "
            "best on these very rows.",
        ),
    )


def best_pca(images: Images, noisy: np.ndarray, k: int) -> dict[str, np.ndarray]:
    """The PCA with the least error, by its name."""
    results = {
        f"PCA at its best, {n} components": pca_reconstruct(
            PCA(n).fit(images.train), noisy
        )
        for n in range(k // 4, 2 * k + 1, k // 4)
    }
    best = min(results, key=lambda who: mean_squared_error(results[who], images.test))
    return {best: results[best]}


def pca_reconstruct(pca: PCA, X: np.ndarray) -> np.ndarray:
    """Projections on the components."""
    return pca.inverse_transform(pca.transform(X))


def mean_squared_error(X: np.ndarray, target: np.ndarray) -> float:
    """Mean of all squared differences."""
    return float(np.square(X - target).mean(dtype=np.float64))
