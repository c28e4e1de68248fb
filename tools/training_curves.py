"""Loss curves and outputs of every estimator that trains a network, at one seed.

To show that a change of the core changes no training, record them before it and compare
afterwards, with the package imported from the checkout in question:

    PYTHONPATH=before python tools/training_curves.py record curves.npz
    PYTHONPATH=after python tools/training_curves.py compare curves.npz
"""

import argparse
import warnings

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from sklearn_replearn.autoencoder import (
    Autoencoder,
    DenoisingAutoencoder,
    VariationalAutoencoder,
    VQAutoencoder,
)
from sklearn_replearn.image import (
    CNNFeatureExtractor,
    ConvAutoencoder,
    PretrainedFeatureExtractor,
)
from sklearn_replearn.metric_learning import (
    MahalanobisTransformer,
    NPairTransformer,
    PairClassifier,
    SiameseTransformer,
    SupConTransformer,
    TripletTransformer,
)

TOLERANCE = 1e-6

TABLE, LABELS = load_digits(return_X_y=True)
TABLE, LABELS = TABLE[:400].astype(np.float32), LABELS[:400]
BYTES = (TABLE * 15.9).astype(np.uint8).reshape(-1, 8, 8)
DRAWN = np.random.default_rng(0).integers(len(TABLE), size=(300, 2))
PAIRS, SAME = TABLE[DRAWN], (LABELS[DRAWN[:, 0]] == LABELS[DRAWN[:, 1]]).astype(int)
PAIRS[::2, 1], SAME[::2] = PAIRS[::2, 0] + 0.1, 1
WEIGHTS = np.random.default_rng(1).uniform(0.5, 2, len(TABLE))

BRIEF = {"max_epochs": 4, "random_state": 0}
STOPPING = {**BRIEF, "early_stopping": True, "validation_fraction": 0.2}
SMALL = {"channels": (4, 8), "hidden_layer_sizes": (16,)}


def module():
    """Somebody's network of images."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 6))


def cases():
    """Triples of a name, an estimator and what its `fit` takes."""
    for name, options in (("plain", BRIEF), ("stopping", STOPPING)):
        yield f"ae {name}", Autoencoder(6, **options), (TABLE,)
        yield f"dae {name}", DenoisingAutoencoder(6, **options), (TABLE,)
        yield f"vae {name}", VariationalAutoencoder(6, **options), (TABLE,)
        yield f"vq {name}", VQAutoencoder(6, n_codes=3, **options), (TABLE,)
        conv = ConvAutoencoder(6, channels=(4, 8), **options)
        yield f"conv {name}", conv, (BYTES,)
        cnn = CNNFeatureExtractor(6, **SMALL, augment=["shift"], **options)
        yield f"cnn {name}", cnn, (BYTES, LABELS)
        for tune in ("none", "head", "last_block", "all"):
            tuned = PretrainedFeatureExtractor(module(), fine_tune=tune, **options)
            yield f"pretrained {tune} {name}", tuned, (BYTES, LABELS)
        for cls in (TripletTransformer, NPairTransformer, SupConTransformer):
            yield f"{cls.__name__} {name}", cls(6, **options), (TABLE, LABELS)
        for cls in (SiameseTransformer, MahalanobisTransformer):
            yield f"{cls.__name__} rows {name}", cls(6, **options), (TABLE, LABELS)
            by_pairs = cls(6, input="pairs", **options)
            yield f"{cls.__name__} pairs {name}", by_pairs, (PAIRS, SAME)
        for architecture in ("siamese", "shared", "joint"):
            for form, data in (("pairs", (PAIRS, SAME)), ("rows", (TABLE, LABELS))):
                judge = PairClassifier(
                    6, architecture=architecture, input=form, **options
                )
                yield f"pair {architecture} {form} {name}", judge, data
    images = TripletTransformer(6, **SMALL, augment=["shift", "rotate"], **BRIEF)
    yield "triplet images", images, (BYTES, LABELS)
    yield "ae float64", Autoencoder(6, **BRIEF), (TABLE.astype(float) + 1e4,)
    tied = Autoencoder(6, tied=True, hidden_layer_sizes=(20,), **BRIEF)
    yield "ae tied", tied, (TABLE,)
    binary = Autoencoder(6, loss="binary_cross_entropy", **BRIEF)
    yield "ae binary", binary, (TABLE / 16,)
    whole = Autoencoder(6, **BRIEF)
    yield "ae integers", whole, (TABLE.astype(np.int64) + 10**12,)
    yield "ae validated", Autoencoder(6, **BRIEF), (TABLE[100:], None, TABLE[:100])
    options = {"optimizer": "adamw", "weight_decay": 0.1, "lr_schedule": "cosine"}
    yield "ae adamw", Autoencoder(6, **options, **BRIEF), (TABLE,)
    weighted = CNNFeatureExtractor(6, **SMALL, class_weight="balanced", **BRIEF)
    yield "cnn weighted", weighted, (BYTES, LABELS, None, None, WEIGHTS)
    residual = CNNFeatureExtractor(
        6, **SMALL, residual=True, dropout=0.2, batch_norm=True, **BRIEF
    )
    yield "cnn residual", residual, (BYTES, LABELS)
    half = TripletTransformer(6, mining="hard", batch_size=40, **STOPPING)
    yield "triplet hard", half, (TABLE, LABELS)
    small = CNNFeatureExtractor(6, **SMALL, **BRIEF)
    yield "cnn merged", small, (BYTES[:60].repeat(2, axis=0), LABELS[:60].repeat(2))


def warm_cases():
    """Pairs of a name and an estimator that is fitted twice."""
    options = {**STOPPING, "warm_start": True, "lr": 0.01}
    yield "ae warm", Autoencoder(6, **options), (TABLE,)
    yield "triplet warm", TripletTransformer(6, **options), (TABLE, LABELS)
    yield "vq warm", VQAutoencoder(6, n_codes=3, **options), (TABLE,)


def curves():
    """Arrays by name."""
    found = {}
    for name, estimator, data in [*cases(), *warm_cases()]:
        estimator.fit(*data)
        if estimator.get_params().get("warm_start"):
            estimator.fit(*data)
        found[f"{name}: loss_curve_"] = np.array(estimator.loss_curve_)
        if estimator.validation_loss_curve_ is not None:
            held_out = np.array(estimator.validation_loss_curve_)
            found[f"{name}: validation_loss_curve_"] = held_out
        if hasattr(estimator, "health_curve_"):
            health = [list(row.values()) for row in estimator.health_curve_]
            found[f"{name}: health_curve_"] = np.array(health)
        if hasattr(estimator, "transform"):
            rows = PAIRS[:20, 0] if len(data) > 1 and data[1] is SAME else data[0][:20]
            output = estimator.transform(rows)
        else:
            output = estimator.decision_function(PAIRS[:20])
        found[f"{name}: output"] = output
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["record", "compare"])
    parser.add_argument("file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found = curves()
    if arguments.action == "record":
        np.savez(arguments.file, **found)
        return
    before = np.load(arguments.file)
    worst = {}
    for name in sorted({*found, *before.files}):
        one, other = found.get(name), before[name] if name in before.files else None
        if one is None or other is None or one.shape != other.shape:
            worst[name] = np.inf
            continue
        worst[name] = np.abs(one - other).max(initial=0) / np.abs(other).max(initial=1)
    apart = {name: value for name, value in worst.items() if value > TOLERANCE}
    for name, value in apart.items():
        print(f"{name}: differs by {value:.1e} of the largest value")
    print(f"{len(worst) - len(apart)} of {len(worst)} arrays agree to {TOLERANCE}")


if __name__ == "__main__":
    main()
