"""Rows far from zero are centered before they are cast to single precision."""

import numpy as np
import pytest
from near import assert_near

from sklearn_replearn.autoencoder import (
    Autoencoder,
    DenoisingAutoencoder,
    VariationalAutoencoder,
    VQAutoencoder,
)
from sklearn_replearn.image import CNNFeatureExtractor, ConvAutoencoder
from sklearn_replearn.metric_learning import (
    MahalanobisTransformer,
    NPairTransformer,
    PairClassifier,
)

OPTIONS = {"max_epochs": 12, "lr": 0.01, "random_state": 0}
AUTOENCODERS = [
    Autoencoder(2, hidden_layer_sizes=(16,), **OPTIONS),
    DenoisingAutoencoder(2, hidden_layer_sizes=(16,), noise="gaussian", **OPTIONS),
    DenoisingAutoencoder(
        2, hidden_layer_sizes=(16,), noise="masking", noise_level=0.0, **OPTIONS
    ),
    VariationalAutoencoder(2, hidden_layer_sizes=(16,), beta=0.01, **OPTIONS),
    VQAutoencoder(2, n_codes=2, codebook_size=8, hidden_layer_sizes=(16,), **OPTIONS),
    ConvAutoencoder(2, channels=(4,), **OPTIONS),
]


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2)) @ rng.normal(size=(2, 8))
    return np.round(X * 1024) / 1024  # exact at an offset, too


def shifted(X, offset, dtype):
    return (X * 1024 + offset).astype(dtype) if dtype == np.int64 else X + offset


@pytest.mark.parametrize("estimator", AUTOENCODERS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(
    ("offset", "dtype"), [(2**27, np.float64), (-(2**40), np.int64), (2**60, np.int64)]
)
def test_an_offset_changes_no_code_of_an_autoencoder(estimator, offset, dtype, X):
    unit = 1024 if dtype == np.int64 else 1
    near, far = (X * unit).astype(np.float64), shifted(X, offset, dtype)
    expected, found = estimator.fit(near).score(near), None
    codes = estimator.transform(near)
    found = estimator.fit(far).score(far)
    assert found == pytest.approx(expected, abs=0.02)
    assert len(np.unique(estimator.transform(far), axis=0)) >= 0.9 * len(
        np.unique(codes, axis=0)
    )


def test_timestamps_stay_different():
    """Nanoseconds of five minutes, which single precision takes for one number."""
    rng = np.random.default_rng(0)
    seconds = np.sort(rng.integers(0, 300 * 10**9, size=551))
    X = np.int64(1_700_000_000 * 10**9) + np.stack([seconds, seconds[::-1]], axis=1)
    codes = (
        Autoencoder(1, hidden_layer_sizes=(8,), max_epochs=2, random_state=0)
        .fit(X)
        .transform(X)
    )
    assert len(np.unique(codes)) > 540


@pytest.mark.parametrize("dtype", [np.uint64, np.int32, np.uint32, np.longdouble])
def test_other_types_of_numbers_keep_their_digits(dtype, X):
    X = (X * 1024).round() + 10**9
    fitted = Autoencoder(2, hidden_layer_sizes=(16,), **OPTIONS)
    expected = fitted.fit(X).transform(X)
    found = fitted.fit(X.astype(dtype)).transform(X.astype(dtype))
    assert_near(found.astype(np.float32), expected.astype(np.float32))


@pytest.mark.parametrize("cls", [Autoencoder, NPairTransformer, CNNFeatureExtractor])
@pytest.mark.parametrize("dtype", ["datetime64[s]", "datetime64[D]", "timedelta64[ns]"])
def test_dates_are_no_numbers(cls, dtype):
    numbers = np.random.default_rng(0).integers(0, 100, (20, 4))
    dates, y = numbers.astype(dtype), np.arange(20) % 2
    with pytest.raises(ValueError, match=r"^X has times of type .*no numbers"):
        cls(2, max_epochs=1, random_state=0).fit(dates, y)
    fitted = cls(2, max_epochs=1, random_state=0).fit(numbers, y)
    with pytest.raises(ValueError, match=r"^X has times of type .*no numbers"):
        fitted.transform(dates)


def test_integers_beyond_the_range_of_fit_do_not_wrap_around(X):
    far = shifted(X, 2**61, np.int64)
    fitted = Autoencoder(2, hidden_layer_sizes=(), **OPTIONS).fit(far)
    ends = np.array([np.full(8, -(2**63)), np.full(8, 2**63 - 1)], dtype=np.int64)
    found = fitted.transform(ends)
    assert_near(found, fitted.transform(ends.astype(np.float64)).astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_reconstructions_are_in_the_units_of_x(dtype, X):
    far = shifted(X, 2**27, dtype)
    fitted = Autoencoder(2, hidden_layer_sizes=(16,), **OPTIONS).fit(far)
    back = fitted.reconstruct(far)
    assert_near(back, fitted.inverse_transform(fitted.transform(far)))
    unit = 1024 if dtype == np.int64 else 1
    assert np.abs(back - far).max() < 8 * unit
    if dtype == np.float64:
        errors = np.square(back - far).mean(axis=1)
        np.testing.assert_allclose(fitted.score_samples(far), -errors, rtol=1e-6)


def test_masked_values_are_zero_in_the_units_of_x(X):
    far = X + 2**20
    noisy = DenoisingAutoencoder(
        2, noise="masking", noise_level=0.5, hidden_layer_sizes=(4,), **OPTIONS
    ).fit(far)
    masked = noisy.corrupt(far, random_state=0)
    assert set(np.unique(masked == far)) == {True, False}
    assert (masked[masked != far] == 0).all()


def test_columns_of_other_offsets(X):
    offsets = np.array([0, 1e3, -1e5, 1e7, 1e9, -1e11, 0, 5])
    fitted = Autoencoder(2, hidden_layer_sizes=(16,), **OPTIONS)
    expected = fitted.fit(X).score(X)
    assert fitted.fit(X + offsets).score(X + offsets) == pytest.approx(
        expected, abs=0.02
    )


def test_metric_learners(X):
    y = (X[:, 0] > 0).astype(int) + 2 * (X[:, 1] > 0)
    far = X + 2**27
    options = {"max_epochs": 5, "random_state": 0}
    for estimator in (
        NPairTransformer(3, **options),
        MahalanobisTransformer(3, **options),
    ):
        expected = estimator.fit(X, y).score(X, y)
        assert estimator.fit(far, y).score(far, y) == pytest.approx(expected, abs=0.02)
    pairs, same = far.reshape(60, 2, 8), (y[::2] == y[1::2]).astype(int)
    for architecture in ("siamese", "shared", "joint"):
        classifier = PairClassifier(3, architecture=architecture, **options)
        expected = classifier.fit(pairs - 2**27, same).decision_function(pairs - 2**27)
        found = classifier.fit(pairs, same).decision_function(pairs)
        np.testing.assert_allclose(found, expected, atol=0.05 * np.abs(expected).max())


def test_signals_of_a_cnn(X):
    y = (X[:, 0] > 0).astype(int)
    cnn = CNNFeatureExtractor(4, channels=(4,), max_epochs=5, random_state=0)
    expected = cnn.fit(X, y).predict_proba(X)
    found = cnn.fit(X + 2**27, y).predict_proba(X + 2**27)
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_as_module_takes_rows_far_from_zero(X):
    torch = pytest.importorskip("torch")
    far = X + 2**27
    fitted = Autoencoder(2, hidden_layer_sizes=(16,), **OPTIONS).fit(far)
    with torch.no_grad():
        found = fitted.as_module()(torch.from_numpy(far)).numpy()
    assert_near(found, fitted.transform(far).astype(np.float32))
