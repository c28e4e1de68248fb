"""VariationalAutoencoder against the formulas, and against probabilistic PCA."""

import pickle
import random

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import subspace_angles
from scipy.stats import norm
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from torch.distributions import Normal
from torch.distributions import kl_divergence as kl_of

from sklearn_replearn._deep.networks.variational import (
    LOG_VARIANCE_LIMIT,
    NegativeELBO,
    VariationalEncoderDecoder,
    bounded,
    draw,
    kl_divergence,
    lower_bounds,
)
from sklearn_replearn.autoencoder import VariationalAutoencoder

LINEAR = {"hidden_layer_sizes": (), "lr": 0.02, "random_state": 0}
SMALL = {
    "n_components": 4,
    "hidden_layer_sizes": (32,),
    "max_epochs": 15,
    "lr": 1e-2,
    "random_state": 0,
}


def digits(n_samples=600):
    return (load_digits().data[:n_samples] / 16).astype(np.float32)


EIGENVALUES = np.array([4.0, 2.0, 1.0, 0.1, 0.1, 0.1, 0.1, 0.1])


def factors(n_samples=600, seed=0):
    """Rows whose covariance has exactly these eigenvalues, far from zero.

    And new rows of the same normal distribution.
    """
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.standard_normal((8, 8)))[0] * EIGENVALUES**0.5
    X, X_new = rng.standard_normal((2, n_samples, 8))
    X = np.linalg.qr(X - X.mean(axis=0))[0] * n_samples**0.5
    return X @ directions.T + 5, X_new @ directions.T + 5


def random_states():
    return (
        random.getstate(),
        [np.array(part) for part in np.random.get_state()],  # noqa: NPY002 - not to change
        torch.get_rng_state().numpy(),
    )


def assert_same_states(before, after):
    assert before[0] == after[0]
    for left, right in zip(before[1], after[1], strict=True):
        assert_array_equal(left, right)
    assert_array_equal(before[2], after[2])


# ---------------------------------------------------------------------------
# The objective
# ---------------------------------------------------------------------------


def test_kl_against_the_formula_and_torch():
    rng = np.random.default_rng(0)
    means, log_variances = rng.standard_normal((2, 5, 3))
    result = kl_divergence(torch.tensor(means), torch.tensor(log_variances)).numpy()
    for i in range(5):
        for j in range(3):
            variance = np.exp(log_variances[i, j])
            expected = (means[i, j] ** 2 + variance - 1 - np.log(variance)) / 2
            assert_allclose(result[i, j], expected)
    deviations = torch.tensor(np.exp(log_variances / 2))
    reference = kl_of(Normal(torch.tensor(means), deviations), Normal(0.0, 1.0))
    assert_allclose(result, reference.numpy())


def test_kl_keeps_its_digits_near_the_prior():
    tiny = torch.tensor([1e-4])
    in_float32 = kl_divergence(0 * tiny, tiny)
    in_float64 = kl_divergence(0 * tiny.double(), tiny.double())
    assert_allclose(in_float32, in_float64, rtol=1e-2)  # 0 or 1e-7 without expm1
    assert kl_divergence(0 * tiny, 0 * tiny).item() == 0


def test_log_variances_are_bounded_and_keep_their_gradient():
    raw = torch.tensor([-1e4, -1.5, 0.0, 3.0, 1e4], requires_grad=True)
    within = bounded(raw)
    limit = LOG_VARIANCE_LIMIT
    assert_allclose(within.detach(), [-limit, -1.5, 0, 3, limit])
    kl = kl_divergence(torch.zeros(5), within)
    assert torch.isfinite(kl).all()
    kl.sum().backward()
    assert (raw.grad[[0, 1]] < 0).all()  # towards larger variances
    assert (raw.grad[[3, 4]] > 0).all()
    assert torch.isfinite(raw.grad).all()


def test_draws_have_mean_and_variance():
    torch.manual_seed(0)
    mean, log_variance = torch.tensor([1.0, -2.0]), torch.tensor([0.0, np.log(9.0)])
    draws = draw(mean.expand(100_000, 2), log_variance.expand(100_000, 2)).numpy()
    assert_allclose(draws.mean(axis=0), mean, atol=0.05)
    assert_allclose(draws.std(axis=0), [1, 3], rtol=0.02)


def outputs(binary=False, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=(6, 5))
    x_hat = rng.standard_normal((6, 5)) if binary else x + rng.normal(0, 0.3, (6, 5))
    return x, x_hat, rng.standard_normal((6, 2)), rng.standard_normal((6, 2))


def kl_by_hand(mean, log_variance):
    return (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(axis=1) / 2


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.5])
def test_gaussian_bound_is_the_density_at_the_most_likely_variance(beta):
    x, x_hat, mean, log_variance = outputs()
    criterion = NegativeELBO(binary=False, beta=beta)
    output = tuple(map(torch.tensor, (x_hat, mean, log_variance)))
    loss = sum(criterion(output, torch.tensor(x)).values())
    kl = kl_by_hand(mean, log_variance)

    def negative_elbo(deviation):
        densities = norm(x_hat, deviation).logpdf(x).sum(axis=1)
        return (beta * kl - densities).mean()

    deviation = np.sqrt(((x - x_hat) ** 2).mean())
    assert_allclose(loss, negative_elbo(deviation))
    assert loss < negative_elbo(1.01 * deviation)
    assert loss < negative_elbo(0.99 * deviation)
    d = x.shape[1]
    closed_form = d / 2 * (np.log(2 * np.pi * deviation**2) + 1) + beta * kl.mean()
    assert_allclose(loss, closed_form)


def test_gradient_is_that_of_the_closed_form():
    """The variance is a constant to autograd, and need not be more at its optimum."""
    x, x_hat, mean, log_variance = map(torch.tensor, outputs())
    x_hat.requires_grad_()
    loss = sum(NegativeELBO(binary=False)((x_hat, mean, log_variance), x).values())
    (gradient,) = torch.autograd.grad(loss, x_hat)
    closed_form = x.shape[1] / 2 * torch.log((x - x_hat).square().mean())
    (expected,) = torch.autograd.grad(closed_form, x_hat)
    assert_allclose(gradient, expected)


def test_perfect_reconstruction_has_a_finite_loss():
    x, _, mean, log_variance = map(torch.tensor, outputs())
    x_hat = x.clone().requires_grad_()
    criterion = NegativeELBO(binary=False, min_variance=1e-4)
    loss = sum(criterion((x_hat, mean, log_variance), x).values())
    loss.backward()
    assert_allclose(
        loss.item(),
        -norm(0, 1e-2).logpdf(0) * 5
        + kl_by_hand(mean.numpy(), log_variance.numpy()).mean(),
    )
    assert_array_equal(x_hat.grad, 0)


def test_units_of_x_change_the_bound_by_a_constant():
    """So the weight of the KL divergence is right in all units."""
    x, x_hat, mean, log_variance = map(torch.tensor, outputs())
    criterion = NegativeELBO(binary=False)
    losses = [
        sum(criterion((c * x_hat, mean, log_variance), c * x).values())
        for c in (1, 100)
    ]
    assert_allclose(losses[1] - losses[0], 5 * np.log(100))


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.5])
def test_bernoulli_bound_by_loops(beta):
    x, logits, mean, log_variance = outputs(binary=True)
    criterion = NegativeELBO(binary=True, beta=beta)
    output = tuple(map(torch.tensor, (logits, mean, log_variance)))
    loss = sum(criterion(output, torch.tensor(x)).values())
    total = 0.0
    for i in range(6):
        for j in range(5):
            p = 1 / (1 + np.exp(-logits[i, j]))
            total -= x[i, j] * np.log(p) + (1 - x[i, j]) * np.log(1 - p)
    total += beta * kl_by_hand(mean, log_variance).sum()
    assert_allclose(loss, total / 6)


@pytest.mark.parametrize("binary", [False, True])
def test_terms_of_the_bound_add_up_to_the_loss(binary):
    torch.manual_seed(0)
    layers = {"layers": "mlp", "activation": "tanh"}
    network = VariationalEncoderDecoder(
        encoder={**layers, "sizes": [5, 6, 4]},
        decoder={**layers, "sizes": [2, 6, 5]},
        shape=[5],
        binary=binary,
    ).double()
    x = torch.tensor(outputs()[0])
    with torch.no_grad():
        torch.manual_seed(1)
        loss = sum(NegativeELBO(binary=binary)(network(x), x).values())
        torch.manual_seed(1)
        terms = network.bound_terms(x).numpy()
    assert terms.shape == (6, 3)
    variance = None if binary else terms[:, 0].mean()
    assert_allclose(-lower_bounds(terms, 5, variance).mean(), loss)


# ---------------------------------------------------------------------------
# Linear layers: probabilistic PCA (Lucas et al., 2019)
# ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def linear():
    X, X_new = factors()
    return VariationalAutoencoder(5, max_epochs=160, **LINEAR).fit(X), X, X_new


def test_linear_layers_find_probabilistic_pca(linear):
    vae, X, _ = linear
    assert vae.n_active_components_ == 3
    active = vae.kl_per_component_ > 0.01
    weights = vae.net_.module_.decoder[0].weight.detach().numpy()
    angles = subspace_angles(weights[:, active], PCA(3).fit(X).components_.T)
    assert np.rad2deg(angles.max()) < 3
    assert np.abs(weights[:, ~active]).max() < 0.1 * np.abs(weights).max()
    assert_allclose(vae.noise_variance_, 0.1, rtol=0.1)
    nats = np.sort(vae.kl_per_component_)[::-1]
    assert_allclose(nats, np.log(EIGENVALUES[:5] / 0.1) / 2, atol=0.1)


def test_linear_bound_is_close_to_the_likelihood(linear):
    """Without hidden layers the posterior is normal, as the encoder assumes."""
    vae, X, X_new = linear
    exact = PCA(3).fit(X).score_samples(X_new)
    bounds = np.mean([vae.elbo(X_new, random_state=i) for i in range(20)], axis=0)
    assert exact.mean() - 0.2 < bounds.mean() < exact.mean() + 0.02
    assert np.corrcoef(exact, bounds)[0, 1] > 0.98


def test_samples_have_the_moments_of_the_data(linear):
    vae, X, _ = linear
    S = vae.sample(20_000, random_state=0)
    assert_allclose(S.mean(axis=0), X.mean(axis=0), atol=0.1)
    covariance = np.cov(S.T) + vae.noise_variance_ * np.eye(8)
    assert_allclose(covariance, np.cov(X.T), atol=0.4)


# ---------------------------------------------------------------------------
# The estimator
# ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    X = digits()
    return VariationalAutoencoder(**SMALL).fit(X), X


def test_codes_are_posterior_means(fitted):
    vae, X = fitted
    with torch.no_grad():
        mean, log_variance = vae.net_.module_.posterior(torch.from_numpy(X))
    assert_allclose(vae.transform(X), mean, atol=1e-5)
    assert_allclose(
        vae.reconstruct(X), vae.inverse_transform(vae.transform(X)), atol=1e-5
    )
    kl = (mean**2 + log_variance.exp() - 1 - log_variance).numpy() / 2
    assert_allclose(vae.kl_per_component_, kl.mean(axis=0), rtol=1e-3)
    assert vae.kl_per_component_.shape == (4,)
    assert vae.n_active_components_ == (kl.mean(axis=0) > 0.01).sum() > 1


def test_noise_variance_is_the_error_of_draws(fitted):
    vae, X = fitted
    network, torch_X = vae.net_.module_, torch.from_numpy(X)
    with torch.no_grad():
        errors = [(network(torch_X)[0] - torch_X).square().mean() for _ in range(20)]
    assert_allclose(vae.noise_variance_, np.mean(errors), rtol=0.02)
    assert vae.noise_variance_ > -vae.score_samples(X).mean()


@pytest.mark.parametrize("loss", ["squared_error", "binary_cross_entropy"])
def test_the_bound_rises(loss):
    X = digits()
    vae = VariationalAutoencoder(loss=loss, early_stopping=True, **SMALL).fit(X)
    for losses in (vae.loss_curve_, vae.validation_loss_curve_):
        bounds = -np.array(losses)
        assert bounds[-1] > bounds[0] + 2
        assert bounds[10:].mean() > bounds[5:10].mean() > bounds[:5].mean()
    held_out = vae.elbo(digits(1000)[600:], random_state=0).mean()
    assert abs(held_out + vae.validation_loss_curve_[-1]) < 6


def test_bernoulli_bound_of_rows_by_loops():
    X = digits()
    vae = VariationalAutoencoder(loss="binary_cross_entropy", **SMALL).fit(X)
    assert vae.noise_variance_ is None
    probabilities = vae.reconstruct(X)
    assert 0 < probabilities.min() < probabilities.max() < 1
    bounds = np.mean([vae.elbo(X[:5], random_state=i) for i in range(500)], axis=0)
    network = vae.net_.module_
    x = torch.from_numpy(X[:5])
    torch.manual_seed(0)
    with torch.no_grad():
        mean, log_variance = network.posterior(x)
        expected = -kl_by_hand(mean.numpy(), log_variance.numpy())
        for _ in range(500):
            p = network.decode(draw(mean, log_variance)).numpy()
            logs = X[:5] * np.log(p) + (1 - X[:5]) * np.log(1 - p)
            expected += logs.sum(axis=1) / 500
    assert_allclose(bounds, expected, atol=0.3)


def test_rows_unlike_the_training_rows_have_lower_bounds(fitted):
    vae, X = fitted
    strange = np.random.default_rng(0).permuted(X, axis=1)
    assert vae.elbo(strange, random_state=0).max() < np.median(
        vae.elbo(X, random_state=0)
    )


def test_sampling_is_repeatable_and_touches_no_generator(fitted):
    vae, X = fitted
    before = random_states()
    samples = vae.sample(700, random_state=3)
    bounds = vae.elbo(X, random_state=3)
    assert_same_states(before, random_states())
    assert samples.shape == (700, 64)
    assert samples.dtype == np.float32
    assert_array_equal(vae.sample(700, random_state=3), samples)
    assert_array_equal(vae.sample(10, random_state=3), samples[:10])
    assert_array_equal(vae.elbo(X, random_state=3), bounds)
    assert np.abs(vae.sample(700, random_state=4) - samples).max() > 0.1
    assert np.abs(vae.elbo(X, random_state=4) - bounds).max() > 0.1
    assert vae.sample().shape == (1, 64)
    generator = np.random.RandomState(0)
    assert (
        vae.sample(random_state=generator) != vae.sample(random_state=generator)
    ).any()


def test_samples_are_near_the_data(fitted):
    vae, X = fitted
    S = vae.sample(2000, random_state=0)
    assert np.abs(S.mean(axis=0) - X.mean(axis=0)).mean() < 0.05


def test_large_beta_collapses_and_says_so():
    vae = VariationalAutoencoder(beta=1e4, **SMALL)
    with pytest.warns(ConvergenceWarning, match=r"collapsed: .* lower beta"):
        vae.fit(digits())
    assert vae.n_active_components_ == 0
    assert vae.score(digits()) < 0.1


def test_beta_trades_nats_for_errors():
    X = digits()
    fits = [VariationalAutoencoder(beta=beta, **SMALL).fit(X) for beta in (0.1, 1, 4)]
    nats = [vae.kl_per_component_.sum() for vae in fits]
    assert nats[0] > nats[1] > nats[2]
    errors = [vae.noise_variance_ for vae in fits]
    assert errors[0] < errors[1] < errors[2]


def test_data_that_can_be_reconstructed_exactly():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 2)) @ rng.standard_normal((2, 6))
    vae = VariationalAutoencoder(2, max_epochs=60, **LINEAR).fit(X)
    assert np.isfinite(vae.loss_curve_).all()
    assert vae.score(X) > 0.99
    assert np.isfinite(vae.elbo(X)).all()


def test_constant_rows():
    vae = VariationalAutoencoder(2, max_epochs=30, **LINEAR)
    with pytest.warns(ConvergenceWarning, match="all rows of X are the same"):
        vae.fit(np.ones((40, 3)))
    assert_allclose(vae.sample(5, random_state=0), 1, atol=0.1)
    assert np.isfinite(vae.elbo(np.ones((2, 3)))).all()


def test_pickle_keeps_all_that_is_fitted(fitted):
    vae, X = fitted
    twin = pickle.loads(pickle.dumps(vae))
    assert_array_equal(twin.transform(X), vae.transform(X))
    assert_array_equal(twin.elbo(X, random_state=0), vae.elbo(X, random_state=0))
    assert_array_equal(twin.sample(3, random_state=0), vae.sample(3, random_state=0))


def test_precision_follows_the_input(fitted):
    vae, X = fitted
    single, double = (
        vae.elbo(X, random_state=0),
        vae.elbo(np.float64(X), random_state=0),
    )
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    assert_allclose(vae.transform(np.float64(X)), vae.transform(X), atol=1e-4)


def test_modules_of_ones_own():
    X = digits()
    encoder = torch.nn.Sequential(
        torch.nn.Linear(64, 16), torch.nn.BatchNorm1d(16), torch.nn.Linear(16, 8)
    )
    decoder = torch.nn.Linear(4, 64)
    vae = VariationalAutoencoder(encoder=encoder, decoder=decoder, **SMALL).fit(X)
    assert vae.transform(X).shape == (600, 4)
    assert encoder[1].num_batches_tracked == 0  # it was copied
    for width in (4, 7, 16):
        wrong = clone(vae).set_params(encoder=torch.nn.Linear(64, width))
        message = rf"encoder gives shape \(n_rows, {width}\) for .* means and log var"
        with pytest.raises(ValueError, match=message):
            wrong.fit(X)
    with pytest.raises(ValueError, match="decoder cannot take input of shape"):
        clone(vae).set_params(decoder=torch.nn.Linear(8, 64)).fit(X)


def test_bound_chooses_the_number_of_components():
    def mean_bound(vae, X, y=None):
        return vae.elbo(X, random_state=0).mean()

    X, _ = factors(300)
    vae = VariationalAutoencoder(max_epochs=30, **LINEAR)
    grid = {"n_components": [1, 3]}
    search = GridSearchCV(vae, grid, scoring=mean_bound, cv=2).fit(X)
    assert search.best_params_ == {"n_components": 3}


def test_errors_are_clear(fitted):
    X = digits()
    vae = VariationalAutoencoder(**SMALL)
    for method in (vae.sample, lambda: vae.elbo(X)):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            method()
    for n_samples in (0, -1, 2.5, "3", None):
        with pytest.raises(ValueError, match=r"n_samples=.* pass a whole number"):
            fitted[0].sample(n_samples)
    with pytest.raises(ValueError, match="'beta' parameter of VariationalAutoencoder"):
        vae.set_params(beta=-1).fit(X)
    with pytest.raises(ValueError, match="needs values between 0 and 1"):
        clone(fitted[0]).set_params(loss="binary_cross_entropy").fit(X * 2)
    with pytest.raises(ValueError, match="has 63 features, but"):
        fitted[0].elbo(X[:, 1:])
    with pytest.raises(ValueError, match="contains NaN"):
        fitted[0].elbo(np.where(X[0, 2] == X, np.nan, X))
    with pytest.raises(ValueError, match="diverged"):
        clone(fitted[0]).set_params(lr=1e10, optimizer="sgd").fit(X)
