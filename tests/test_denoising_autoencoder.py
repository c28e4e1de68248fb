"""DenoisingAutoencoder against the filters that linear layers must find."""

import random

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from sklearn_replearn._deep.networks.corruption import (
    DenoisingEncoderDecoder,
    add_gaussian,
    mask,
)
from sklearn_replearn.autoencoder import Autoencoder, DenoisingAutoencoder

LINEAR = {"hidden_layer_sizes": (), "lr": 0.02, "random_state": 0}
SMALL = {
    "n_components": 16,
    "hidden_layer_sizes": (64,),
    "max_epochs": 20,
    "lr": 3e-3,
    "random_state": 0,
}


def digits():
    X = (load_digits().data / 16).astype(np.float32)
    return X[:1200], X[1200:]


def correlated(n_samples=2000, n_features=5, seed=0):
    """Rows with mean zero."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, n_features))
    X = X @ rng.standard_normal((n_features, n_features))
    return X - X.mean(axis=0)


# ---------------------------------------------------------------------------
# Noise
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.0, 0.1, 2.0])
def test_gaussian_noise_has_the_level_as_its_deviation(level):
    torch.manual_seed(0)
    x = torch.linspace(-3, 3, 7).expand(40_000, 7)
    noise = (add_gaussian(x, level) - x).numpy()
    assert_allclose(noise.mean(axis=0), 0, atol=0.03 * level)
    assert_allclose(noise.std(axis=0), level, rtol=0.03)
    correlation = np.cov(noise.T) - np.diag(noise.var(axis=0))
    assert_allclose(correlation, 0, atol=0.05 * level**2)


@pytest.mark.parametrize("level", [0.0, 0.1, 0.5, 0.9])
def test_masking_sets_a_share_to_zero_and_leaves_the_rest(level):
    torch.manual_seed(0)
    x = torch.linspace(1, 3, 7).expand(40_000, 7)
    masked = mask(x, level)
    gone = (masked == 0).numpy()
    assert_array_equal(masked.numpy()[~gone], x.numpy()[~gone])
    assert_allclose(gone.mean(axis=0), level, atol=0.01)
    assert_allclose(np.corrcoef(gone.T)[0, 1:], 0, atol=0.03) if level else None


@pytest.mark.parametrize("noise", ["gaussian", "masking"])
def test_only_forward_corrupts_and_always_does(noise):
    layers = {"layers": "mlp", "activation": "tanh"}
    network = DenoisingEncoderDecoder(
        encoder={**layers, "sizes": [5, 3]},
        decoder={**layers, "sizes": [3, 5]},
        shape=[5],
        noise=noise,
        noise_level=0.5,
    )
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    for mode in (True, False):
        network.train(mode)
        assert (network(x) != network(x)).any()
        assert_array_equal(*(network.encode(x).detach() for _ in range(2)))
        assert_array_equal(*(network.reconstruct(x).detach() for _ in range(2)))
    network.noise_level = 0.0
    assert_array_equal(network(x).detach(), network.reconstruct(x).detach())


# ---------------------------------------------------------------------------
# The filters of linear layers
# ---------------------------------------------------------------------------


def test_linear_layers_find_the_wiener_filter():
    """The best linear guess of x from x plus noise, and not of what was put in."""
    X = correlated()
    level = 1.5
    dae = DenoisingAutoencoder(5, noise_level=level, max_epochs=40, **LINEAR).fit(X)
    covariance = np.cov(X.T, bias=True)
    wiener = np.linalg.solve(covariance + level**2 * np.eye(5), covariance)
    found = dae.reconstruct(np.eye(5)) - dae.reconstruct(np.zeros((5, 5)))
    assert_allclose(found, wiener, atol=0.06)
    assert np.abs(np.eye(5) - wiener).max() > 0.3


def test_linear_layers_find_the_filter_of_masking():
    """Chen, Xu, Weinberger and Sha, "Marginalized denoising autoencoders", 2012."""
    X = correlated()
    p = 0.4
    dae = DenoisingAutoencoder(
        5, noise="masking", noise_level=p, max_epochs=40, **LINEAR
    ).fit(X)
    moments = X.T @ X / len(X)
    of_masked = (1 - p) ** 2 * moments + p * (1 - p) * np.diag(np.diag(moments))
    expected = np.linalg.solve(of_masked, (1 - p) * moments)
    found = dae.reconstruct(np.eye(5)) - dae.reconstruct(np.zeros((5, 5)))
    assert_allclose(found, expected, atol=0.06)
    assert np.abs(np.eye(5) - expected).max() > 0.2


# ---------------------------------------------------------------------------
# The estimator
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("noise", ["gaussian", "masking"])
def test_removes_noise_better_than_a_plain_autoencoder(noise):
    X, X_new = digits()
    dae = DenoisingAutoencoder(noise=noise, noise_level=0.4, **SMALL).fit(X)
    plain = Autoencoder(**SMALL).fit(X)
    noisy = dae.corrupt(X_new, random_state=0)

    def error(X_hat):
        return ((X_hat - X_new) ** 2).mean()

    assert error(dae.reconstruct(noisy)) < 0.7 * error(plain.reconstruct(noisy))
    assert error(dae.reconstruct(noisy)) < 0.5 * error(noisy)


def test_rows_held_out_are_judged_with_noise():
    X, X_new = digits()
    dae = DenoisingAutoencoder(early_stopping=True, **SMALL).fit(X)
    cleaned = dae.reconstruct(dae.corrupt(X_new, random_state=0))
    with_noise = ((cleaned - X_new) ** 2).mean()
    without = -dae.score_samples(X_new).mean()
    assert_allclose(dae.validation_loss_curve_[-1], with_noise, rtol=0.2)
    assert without < 0.9 * with_noise
    assert_allclose(dae.loss_curve_[-1], with_noise, rtol=0.25)


def test_corrupt_is_the_noise_of_the_training():
    X, X_new = digits()
    before = X_new.copy()
    dae = DenoisingAutoencoder(noise_level=0.7, **SMALL).fit(X)
    python, torch_state = random.getstate(), torch.get_rng_state()
    numpy_state = np.random.get_state()[1]  # noqa: NPY002 - not to change
    noisy = dae.corrupt(X_new, random_state=0)
    assert python == random.getstate()
    assert_array_equal(torch_state, torch.get_rng_state())
    assert_array_equal(numpy_state, np.random.get_state()[1])  # noqa: NPY002 - not to change
    assert_array_equal(X_new, before)
    assert noisy.dtype == np.float32
    assert dae.corrupt(np.float64(X_new)).dtype == np.float64
    assert_allclose((noisy - X_new).std(), 0.7, rtol=0.02)
    assert_array_equal(dae.corrupt(X_new, random_state=0), noisy)
    assert (dae.corrupt(X_new, random_state=1) != noisy).mean() > 0.99

    dae.set_params(noise="masking", noise_level=0.25).fit(X)
    kept = dae.corrupt(X_new + 1, random_state=0)
    assert_array_equal(kept[kept != 0], (X_new + 1)[kept != 0])
    assert_allclose((kept == 0).mean(), 0.25, atol=0.01)


def test_tied_weights():
    X, _ = digits()
    tied = DenoisingAutoencoder(tied=True, **SMALL).fit(X)
    loose = DenoisingAutoencoder(**SMALL).fit(X)
    n_tied, n_loose = (
        sum(p.numel() for p in dae.net_.module_.parameters()) for dae in (tied, loose)
    )
    assert n_loose - n_tied == 64 * 64 + 64 * 16
    assert tied.score(X) > 0.3


def test_binary_cross_entropy():
    X, X_new = digits()
    dae = DenoisingAutoencoder(
        noise="masking", loss="binary_cross_entropy", **SMALL
    ).fit(X)
    cleaned = dae.reconstruct(dae.corrupt(X_new, random_state=0))
    assert 0 <= cleaned.min() < cleaned.max() <= 1
    assert dae.score(X_new) > 0.4


def test_errors_are_clear():
    X, _ = digits()
    dae = DenoisingAutoencoder(**SMALL)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        dae.corrupt(X)
    for level in (1, 1.0, 3):
        masking = clone(dae).set_params(noise="masking", noise_level=level)
        with pytest.raises(ValueError, match=f"noise_level={level} .* one below 1"):
            masking.fit(X)
    with pytest.raises(ValueError, match="'noise_level' parameter of Denoising"):
        clone(dae).set_params(noise_level=-0.1).fit(X)
    with pytest.raises(ValueError, match="'noise' parameter of DenoisingAuto"):
        clone(dae).set_params(noise="salt").fit(X)
    dae.fit(X)
    with pytest.raises(ValueError, match="has 63 features, but"):
        dae.corrupt(X[:, 1:])
    dae.set_params(warm_start=True, noise_level=0.1)
    with pytest.raises(ValueError, match=r"noise_level: 0.2 then, 0.1 now"):
        dae.fit(X)
