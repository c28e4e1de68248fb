"""Rows and a small network for the tests of the training."""

import numpy as np

from sklearn_replearn.autoencoder import Autoencoder

N_ROWS, WIDTH = 101, 12


def factor_rows():
    """Rows with three factors."""
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((N_ROWS, 3))
    return (factors @ rng.standard_normal((3, WIDTH))).astype(np.float32)


def small(kind=Autoencoder, **options):
    """Four epochs of five batches: the sixth batch of one row joins the fifth."""
    defaults = {
        "hidden_layer_sizes": (16,),
        "max_epochs": 4,
        "batch_size": 20,
        "lr": 0.01,
        "lr_schedule": "constant",
        "random_state": 0,
    }
    return kind(3, **(defaults | options))


def split_of(model, X, y=None):
    """Indices of the samples that a model trains with, and of those it holds out."""
    samples, targets = model._read(X, y, reset=True)
    model._split_seed = model.random_state  # as `fit` sets it
    return model._split(model._plan(samples, targets), samples, targets, None)


def start_like(fitted, network, X, y=None):
    """Let a new network start as `fit` lets it; the plan of the training."""
    samples, targets = fitted._read(X, y, reset=False)
    plan = fitted._plan(samples, targets)
    plan.start(network, samples)
    return plan
