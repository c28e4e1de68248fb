"""Rows and a small network for the tests of the training."""

import numpy as np
import torch

from sklearn_replearn._deep.training.batches import make_batches
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
    train, held_out, _ = make_batches(
        model._plan(samples, targets),
        None,
        samples,
        targets,
        None,
        batch_size=model.batch_size,
        fraction=model.validation_fraction if model.early_stopping else None,
        seed=model.random_state,
        device=torch.device("cpu"),
    )
    index = train.sampler.index
    return index, index[:0] if held_out is None else held_out.sampler.index


def new_network(fitted, X, y=None):
    """A network like that of a fitted estimator, as it is before the training."""
    samples, targets = fitted._read(X, y, reset=False)
    return fitted._plan(samples, targets).new_network(samples)
