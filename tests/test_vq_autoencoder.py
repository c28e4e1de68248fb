"""VQAutoencoder: its codebooks against loops, and codes there and back."""

import pickle
import warnings
from itertools import product

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import adjusted_rand_score
from torch import nn

from sklearn_replearn._deep.networks import quantization
from sklearn_replearn._deep.networks.quantization import (
    QuantizedLoss,
    Quantizer,
    spread_seeds,
    straight_through,
)
from sklearn_replearn.autoencoder import VQAutoencoder, _vq_autoencoder

SMALL = {
    "n_components": 8,
    "n_codes": 4,
    "codebook_size": 16,
    "hidden_layer_sizes": (32,),
    "max_epochs": 15,
    "lr": 1e-2,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def digits():
    return (load_digits().data / 16).astype(np.float32)


@pytest.fixture(scope="module")
def fitted(digits):
    return VQAutoencoder(**SMALL).fit(digits[:600])


def quantizer(n_codes=3, codebook_size=5, width=2, seed=0):
    torch.manual_seed(seed)
    made = Quantizer(n_codes, codebook_size, width)
    made.shares.uniform_(0.5, 1.5).div_(made.shares.sum(1, keepdim=True))
    return made


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def nearest_by_loops(z, codebooks):
    n_codes, codebook_size, width = codebooks.shape
    codes = np.zeros((len(z), n_codes), dtype=int)
    for i, j in product(range(len(z)), range(n_codes)):
        group = z[i, j * width : (j + 1) * width]
        distances = [
            ((group - codebooks[j, k]) ** 2).sum() for k in range(codebook_size)
        ]
        codes[i, j] = np.argmin(distances)
    return codes


# ---------------------------------------------------------------------------
# The codebooks
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0, 1e4])
def test_nearest_vectors_against_loops(offset):
    """An offset that all have in common costs no digits."""
    made, z = quantizer(), normal(40, 6) + offset
    made.codebooks += offset
    codes = nearest_by_loops(z.double().numpy(), made.codebooks.double().numpy())
    index = made.nearest(made.split(z))
    assert_array_equal(index.T, codes)
    q = made.look_up(index)
    for i, j in product(range(len(z)), range(3)):
        assert_array_equal(q[i, 2 * j : 2 * j + 2], made.codebooks[j, codes[i, j]])


def test_gradient_passes_straight_through():
    """Of the loss of a linear decoder, worked out by hand."""
    made, z, x, W = quantizer().eval(), normal(7, 6), normal(7, 4, seed=2), normal(6, 4)
    z.requires_grad_()
    q = made(z)
    decoded = straight_through(z, q)
    assert_array_equal(decoded.detach(), q)
    criterion = QuantizedLoss(nn.MSELoss(), commitment=0.3)
    loss = sum(criterion((decoded @ W, z, q), x).values())
    loss.backward()
    error, distance = q @ W - x, z.detach() - q
    assert_allclose(
        loss.item(), (error**2).sum() / 28 + 0.3 * (distance**2).sum() / 28, rtol=1e-5
    )
    expected = 2 * error @ W.T / 28 + 0.3 * 2 * distance / 28
    assert_allclose(z.grad, expected, rtol=1e-4, atol=1e-6)


def test_codebooks_follow_by_moving_averages():
    """The update of appendix A.1, on shares of the batch, by loops."""
    made, z = quantizer(), normal(30, 6)
    e, share = made.codebooks.double().numpy(), made.shares.double().numpy()
    codes = nearest_by_loops(z.numpy(), e)
    kept = np.exp(-30 / (quantization.MEMORY * 5))
    sums, counts = share[:, :, None] * e * kept, share * kept
    for i, j in product(range(30), range(3)):
        counts[j, codes[i, j]] += (1 - kept) / 30
        sums[j, codes[i, j]] += (1 - kept) / 30 * z[i, 2 * j : 2 * j + 2].numpy()
    q = made(z)
    assert_array_equal(q, e[np.arange(3), codes].reshape(30, 6).astype(np.float32))
    assert_allclose(made.shares, counts, rtol=1e-5)
    assert_allclose(made.codebooks, sums / counts[:, :, None], rtol=1e-4, atol=1e-6)


def test_two_half_batches_are_remembered_like_a_whole_one():
    made = quantizer()
    assert made.kept_share(64) == pytest.approx(made.kept_share(32) ** 2)


def test_codebooks_rest_outside_training():
    made = quantizer().eval()
    before = made.codebooks.clone()
    made(normal(30, 6))
    assert_array_equal(made.codebooks, before)


def test_unused_vectors_restart_at_rows_of_the_batch():
    made, z = quantizer(), normal(30, 6)
    made.codebooks[:, 1] = 100
    made.shares[:, 1] = quantization.FEWEST / 5
    others = [0, 2, 3, 4]
    made(z)
    for j in range(3):
        rows = z[:, 2 * j : 2 * j + 2]
        assert (made.codebooks[j, 1] == rows).all(1).any()
        assert not any((made.codebooks[j, k] == rows).all(1).any() for k in others)
    assert_allclose(made.shares[:, 1], 1 / 5)
    assert_array_equal(made.shares.sum(1) > 0.99, True)


def test_vectors_in_use_do_not_restart():
    made, z = quantizer(), normal(30, 6)
    made.codebooks[:, 1] = 100
    made(z)  # no row uses them, but they were used not long ago
    assert_allclose(made.codebooks[:, 1], 100, rtol=1e-6)


def clusters(n_clusters=12, n_samples=600, n_features=4):
    rng = np.random.default_rng(0)
    centers = 10 * np.array(list(product(range(3), repeat=n_features)))[:n_clusters]
    X, labels = make_blobs(
        [n_samples // n_clusters] * n_clusters,
        centers=centers[rng.permutation(n_clusters)],
        cluster_std=0.3,
        random_state=0,
    )
    return X.astype(np.float32), labels


def test_seeds_lie_in_different_clusters():
    X, labels = clusters()
    torch.manual_seed(0)
    groups = torch.from_numpy(np.stack([X, 1000 + 2 * X]))
    for seeds, rows in zip(spread_seeds(groups, 12), groups, strict=True):
        found = [int((rows == seed).all(1).nonzero()[0, 0]) for seed in seeds]
        assert sorted(labels[found]) == list(range(12))


def test_codebooks_start_at_the_means_of_clusters():
    X, labels = clusters()
    torch.manual_seed(0)
    made = Quantizer(1, 12, 4)
    made.start(torch.from_numpy(X))
    means = np.array([X[labels == label].mean(axis=0) for label in range(12)])
    found = made.codebooks[0].numpy()
    assert_allclose(
        found[np.lexsort(found.T.round())],
        means[np.lexsort(means.T.round())],
        rtol=1e-4,
        atol=1e-4,
    )
    assert_allclose(made.shares, 1 / 12, rtol=1e-5)


@pytest.mark.parametrize("rows", [np.zeros((50, 4)), 1e25 * np.ones((3, 4))])
def test_codebooks_start_where_there_are_not_enough_rows(rows):
    made = Quantizer(2, 8, 2)
    made.start(torch.from_numpy(rows.astype(np.float32)))
    assert_array_equal(made.codebooks, np.float32(rows[0, 0]))


# ---------------------------------------------------------------------------
# The estimator
# ---------------------------------------------------------------------------


def test_finds_as_many_clusters_as_there_are_vectors():
    X, labels = clusters()
    autoencoder = VQAutoencoder(
        4,
        n_codes=1,
        codebook_size=12,
        hidden_layer_sizes=(32,),
        lr=0.01,
        max_epochs=20,
        random_state=0,
    ).fit(X)
    codes = autoencoder.encode_codes(X)
    assert adjusted_rand_score(labels, codes[:, 0]) == pytest.approx(1)
    assert autoencoder.codebook_usage_ == 1
    assert_allclose(autoencoder.codebook_perplexity_, [12], rtol=1e-6)
    assert autoencoder.score(X) > 0.95


def test_keeps_more_than_pca_in_fewer_bits(digits):
    X, X_new = digits[:1200], digits[1200:]
    autoencoder = VQAutoencoder(
        16,
        codebook_size=32,
        hidden_layer_sizes=(64,),
        lr=0.01,
        max_epochs=20,
        random_state=0,
    ).fit(X)
    pca = PCA(2, random_state=0).fit(X)
    error = ((pca.inverse_transform(pca.transform(X_new)) - X_new) ** 2).mean()
    assert autoencoder.bits_per_row_ == 8 * 5 < 2 * 32
    assert -autoencoder.score_samples(X_new).mean() < 0.6 * error


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_codes_and_vectors_and_rows_agree(digits, fitted, dtype):
    X = digits[600:900].astype(dtype)
    codes = fitted.encode_codes(X)
    assert codes.dtype == np.int64
    assert codes.shape == (300, 4)
    encoded = fitted.as_module().network.run_encoder(torch.from_numpy(digits[600:900]))
    expected = nearest_by_loops(encoded.detach().numpy(), fitted.codebooks_)
    assert_array_equal(codes, expected)
    looked_up = np.hstack([fitted.codebooks_[j, codes[:, j]] for j in range(4)])
    assert_array_equal(fitted.transform(X), looked_up)
    rows = fitted.decode_codes(codes)
    assert rows.dtype == np.float32
    if dtype == np.float32:
        assert_array_equal(rows, fitted.reconstruct(X))
    assert_allclose(rows, fitted.reconstruct(X), atol=1e-5)
    assert_array_equal(fitted.decode_codes(pd.DataFrame(codes.astype(np.uint8))), rows)
    assert_allclose(fitted.inverse_transform(fitted.transform(X)), rows, atol=1e-5)


def test_use_of_the_codebooks_against_loops(digits, monkeypatch):
    """It is that of all the training rows, however they are divided."""
    monkeypatch.setattr(_vq_autoencoder, "COUNTED_ROWS", 300)
    X = digits[:700]
    autoencoder = VQAutoencoder(**SMALL | {"codebook_size": 64, "n_codes": 2}).fit(X)
    codes = autoencoder.encode_codes(X)
    used = {(j, code) for j in range(2) for code in codes[:, j].tolist()}
    assert autoencoder.codebook_usage_ == pytest.approx(len(used) / 128)
    for j in range(2):
        entropy = 0.0
        for k in range(64):
            share = (codes[:, j] == k).mean()
            entropy -= share * np.log(share) if share else 0
        assert autoencoder.codebook_perplexity_[j] == pytest.approx(np.exp(entropy))
    assert autoencoder.codebook_usage_ > 0.9
    assert autoencoder.bits_per_row_ == 12
    assert autoencoder.codebooks_.shape == (2, 64, 4)


def test_few_vectors_in_use_give_a_warning():
    X = np.repeat([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]], 20, axis=0)
    autoencoder = VQAutoencoder(**SMALL | {"max_epochs": 50})
    with pytest.warns(
        ConvergenceWarning, match=r"use 1\d% of .* codebook_size \(it is"
    ):
        autoencoder.fit(X)
    assert autoencoder.codebook_usage_ == 2 / 16


def test_all_the_vectors_in_use_give_none(digits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        VQAutoencoder(**SMALL).fit(digits[:300])


def test_loss_is_that_of_the_objective(digits):
    """Of the network as it is, with so low a learning rate that nothing moves."""
    X = digits[:300]
    options = SMALL | {"max_epochs": 1, "batch_size": 300, "commitment": 0.7}
    autoencoder = VQAutoencoder(**options | {"lr": 1e-12}).fit(X)
    encoded = autoencoder.as_module().network.run_encoder(torch.from_numpy(X))
    distances = (encoded.detach().numpy() - autoencoder.transform(X)) ** 2
    expected = -autoencoder.score_samples(X).mean() + 0.7 * distances.sum() / X.size
    assert autoencoder.loss_curve_ == [pytest.approx(expected, rel=1e-2)]


def test_probabilities_where_the_loss_is_cross_entropy(digits):
    X = digits[:300]
    autoencoder = VQAutoencoder(**SMALL | {"loss": "binary_cross_entropy"}).fit(X)
    rows = autoencoder.decode_codes(autoencoder.encode_codes(X))
    assert 0 <= rows.min() <= rows.max() <= 1
    assert autoencoder.score(X) > 0.4


def test_warm_start_goes_on_with_the_codebooks(digits):
    X = digits[:300]
    autoencoder = VQAutoencoder(**SMALL, warm_start=True).fit(X)
    before, codes = autoencoder.codebooks_, autoencoder.encode_codes(X)
    unpickled = pickle.loads(pickle.dumps(autoencoder))
    for going_on in (autoencoder, unpickled):
        going_on.set_params(max_epochs=1, lr=1e-9).fit(X)
        moved = (going_on.encode_codes(X) != codes).mean()
        assert np.abs(going_on.codebooks_ - before).max() > 0
        assert moved < 0.1
        assert going_on.n_iter_ == 16
    afresh = clone(autoencoder).set_params(random_state=1).fit(X)
    assert (afresh.encode_codes(X) != codes).mean() > 0.5


def test_early_stopping_restores_the_best_codebooks(digits):
    X = digits[:300]
    autoencoder = VQAutoencoder(
        **SMALL | {"early_stopping": True, "lr": 0.1, "n_iter_no_change": 3}
    ).fit(X)
    codebooks = autoencoder.net_.module_.quantizer.codebooks
    assert_array_equal(autoencoder.codebooks_, codebooks)
    assert len(autoencoder.validation_loss_curve_) == autoencoder.n_iter_


def test_skops_trusts_no_more_than_the_class(digits, fitted):
    data = skops.io.dumps(fitted)
    trusted = skops.io.get_untrusted_types(data=data)
    assert trusted == ["sklearn_replearn.autoencoder._vq_autoencoder.VQAutoencoder"]
    again = skops.io.loads(data, trusted=trusted)
    assert_array_equal(again.encode_codes(digits), fitted.encode_codes(digits))
    assert_array_equal(again.codebook_perplexity_, fitted.codebook_perplexity_)


def test_pickle_holds_the_codebooks(digits, fitted):
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.transform(digits), fitted.transform(digits))


def test_gradients_of_the_module_pass_through_the_codebooks(digits, fitted):
    module, x = fitted.as_module(), torch.from_numpy(digits[:5]).requires_grad_()
    z = module(x)
    assert_array_equal(z.detach(), fitted.transform(digits[:5]))
    (gradient,) = torch.autograd.grad(z.sum(), x)
    (expected,) = torch.autograd.grad(module.network.run_encoder(x).sum(), x)
    assert_array_equal(gradient, expected)
    assert gradient.abs().max() > 0


def test_modules_of_the_user(digits):
    X = digits[:300]
    encoder = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 8))
    decoder = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 64))
    autoencoder = VQAutoencoder(**SMALL, encoder=encoder, decoder=decoder).fit(X)
    assert autoencoder.score(X) > 0.3
    rows = autoencoder.decode_codes(autoencoder.encode_codes(X))
    assert_array_equal(rows, autoencoder.reconstruct(X))


# ---------------------------------------------------------------------------
# Errors
# ---------------------------------------------------------------------------


def test_groups_must_have_equal_length(digits):
    autoencoder = VQAutoencoder(10, n_codes=4)
    with pytest.raises(ValueError, match=r"n_components=10 .* n_codes=4 .*=12"):
        autoencoder.fit(digits)


# Three epochs train little.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("n_components", "n_codes"), [(1, 8), (3, 4), (6, 100)])
def test_more_codes_than_numbers(digits, n_components, n_codes):
    small = {**SMALL, "n_components": n_components, "max_epochs": 3}
    said = f"n_codes={n_codes} is more than n_components={n_components}.*are used"
    with pytest.warns(UserWarning, match=said) as caught:
        fitted = VQAutoencoder(**{**small, "n_codes": n_codes}).fit(digits[:100])
    assert caught[0].filename == __file__
    assert fitted.n_codes_ == n_components
    assert fitted.bits_per_row_ == 4 * n_components
    codes = fitted.encode_codes(digits)
    assert codes.shape == (len(digits), n_components)
    assert fitted.decode_codes(codes).shape == digits.shape
    same = VQAutoencoder(**{**small, "n_codes": n_components}).fit(digits[:100])
    assert_array_equal(same.encode_codes(digits), codes)


def test_width_of_the_users_encoder(digits):
    autoencoder = VQAutoencoder(**SMALL, encoder=nn.Linear(64, 7))
    with pytest.raises(ValueError, match=r"encoder gives shape \(n_rows, 7\)"):
        autoencoder.fit(digits)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([0, 1, 2, 3], r"shape \(4,\), but \(n_rows, 4\)"),
        ([[0, 1, 2]], r"shape \(1, 3\), but \(n_rows, 4\)"),
        (np.zeros((0, 4), int), r"shape \(0, 4\), .* at least one row"),
        ([[0.0, 1.0, 2.0, 3.0]], "type float64, .* pass integers"),
        ([["a", "b", "c", "d"]], "type <U1, .* pass integers"),
        ([[True, False, True, True]], "type bool, .* pass integers"),
        ([[0, 1, 2, 3], [0, 16, 2, 3]], r"codes\[1, 1\] is 16, .* from 0 to 15"),
        ([[0, 1, -1, 3]], r"codes\[0, 2\] is -1, .* 16 vectors"),
    ],
)
def test_codes_that_are_none(fitted, codes, message):
    with pytest.raises(ValueError, match=message):
        fitted.decode_codes(codes)


def test_unfitted(digits):
    with pytest.raises(NotFittedError):
        VQAutoencoder().encode_codes(digits)
    with pytest.raises(NotFittedError):
        VQAutoencoder().decode_codes([[0] * 8])
