"""ConvAutoencoder: layouts of images, shapes of layers, and what it keeps."""

import tracemalloc

import numpy as np
import pytest
import torch
from image_forms import SUITE_FORMS, expected_failures, of_images
from near import assert_near
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn

from sklearn_replearn._deep.networks.convolutions import (
    conv_decoder,
    conv_encoder,
    stage_shapes,
)
from sklearn_replearn._images import flatten_images, resolve_image_shape
from sklearn_replearn.image import ConvAutoencoder
from sklearn_replearn.utils.estimator_checks import (
    check_representation_estimator,
)

#: A network that is trained for a moment.
SMALL = {
    "n_components": 3,
    "channels": (4, 8),
    "max_epochs": 3,
    "lr": 0.01,
    "random_state": 0,
}


def small(**options):
    return ConvAutoencoder(**(SMALL | options))


def images(*shape, n=40, seed=0):
    """Smooth images: sums of a few waves."""
    rng = np.random.default_rng(seed)
    waves = rng.standard_normal((5, *shape)).cumsum(axis=0).cumsum(axis=-1)
    X = np.tensordot(rng.uniform(size=(n, 5)), waves, axes=1)
    return ((X - X.min()) / (X.max() - X.min())).astype(np.float32)


@pytest.fixture(scope="module")
def digits():
    return (load_digits().images / 16).astype(np.float32)


# ---------------------------------------------------------------------------
# The layers
# ---------------------------------------------------------------------------


def test_sides_are_halved_and_rounded_up():
    assert stage_shapes((1, 28, 28), (32, 64)) == [
        [1, 28, 28],
        [32, 14, 14],
        [64, 7, 7],
    ]
    assert stage_shapes((3, 13, 1), (4, 4)) == [[3, 13, 1], [4, 7, 1], [4, 4, 1]]
    assert stage_shapes((1, 5), (2,)) == [[1, 5], [2, 3]]


@pytest.mark.parametrize("kernel_size", [3, 5, 7])
@pytest.mark.parametrize(
    "shape",
    [(1, 28, 28), (2, 13, 7), (3, 1, 9), (4, 6, 1), (1, 1, 1), (1, 10), (2, 1)],
    ids=str,
)
def test_decoder_gives_the_shape_that_the_encoder_takes(shape, kernel_size):
    options = (shape, (4, 6, 5), kernel_size, (7,), 3, "relu")
    encoder, decoder = conv_encoder(*options), conv_decoder(*options)
    x = torch.zeros(2, *shape)
    for layer, expected in zip(
        encoder[:6:2], stage_shapes(shape, (4, 6, 5))[1:], strict=True
    ):
        x = layer(x)
        assert list(x.shape) == [2, *expected]
    z = encoder(torch.zeros(2, *shape))
    assert z.shape == (2, 3)
    assert decoder(z).shape == (2, *shape)


def test_stage_is_a_convolution_at_every_second_pixel():
    encoder = conv_encoder((2, 5, 6), (3,), 3, (), 4, "identity")
    x = torch.from_numpy(images(2, 5, 6, n=1))
    weights, bias = encoder[0].weight.detach().numpy(), encoder[0].bias
    padded = np.pad(x[0].numpy(), ((0, 0), (1, 1), (1, 1)))
    for row in range(3):
        for column in range(3):
            patch = padded[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            expected = (weights * patch).sum(axis=(1, 2, 3)) + bias.detach().numpy()
            found = encoder[0](x)[0, :, row, column].detach()
            assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 5, 6), (2, 4, 4), (1, 9)])
def test_stage_of_the_decoder_is_the_transpose(shape):
    """As matrices the two are transposed, if they have the same weights."""
    options = (shape, (3,), 3, (), 4, "identity")
    down, up = conv_encoder(*options)[0], conv_decoder(*options)[-1]
    with torch.no_grad():
        up.weight.copy_(down.weight)
        down.bias.zero_()
        up.bias.zero_()
        x = torch.randn(1, *shape)
        y = torch.randn(1, *stage_shapes(shape, (3,))[1])
        assert_allclose((down(x) * y).sum(), (x * up(y)).sum(), rtol=1e-4)


def test_hidden_layers_lie_between_the_maps_and_the_code(digits):
    network = small(hidden_layer_sizes=(20, 10)).fit(digits[:100]).net_.module_
    linear = [
        (layer.in_features, layer.out_features)
        for layer in network.modules()
        if isinstance(layer, nn.Linear)
    ]
    assert linear == [(32, 20), (20, 10), (10, 3), (3, 10), (10, 20), (20, 32)]


# ---------------------------------------------------------------------------
# Layouts of images
# ---------------------------------------------------------------------------


LAYOUTS = {
    "rows": (lambda X: X.reshape(len(X), -1), {"image_shape": (9, 6)}),
    "rows with channels": (lambda X: X.reshape(len(X), -1), {"image_shape": [9, 6, 1]}),
    "arrays": (lambda X: X, {}),
    "arrays with channels": (lambda X: X[..., np.newaxis], {}),
    "arrays of a stated shape": (lambda X: X, {"image_shape": (9, 6)}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_give_the_same_codes(layout):
    X = images(9, 6)
    convert, options = LAYOUTS[layout]
    reference = small().fit(X)
    fitted = small(**options).fit(convert(X))
    assert fitted.n_features_in_ == 54
    assert fitted.image_shape_ == (9, 6, 1)
    Z = fitted.transform(convert(X))
    assert_near(Z, reference.transform(X))
    assert_near(fitted.score_samples(convert(X)), reference.score_samples(X))
    assert fitted.score(convert(X)) == pytest.approx(reference.score(X), rel=1e-5)
    for back, expected in (
        (fitted.reconstruct(convert(X)), reference.reconstruct(X)),
        (fitted.inverse_transform(Z), reference.inverse_transform(Z)),
    ):
        assert back.shape == convert(X).shape
        assert_near(back, convert(expected))
    for other, _ in LAYOUTS.values():  # transform takes any layout of these images
        assert_near(fitted.transform(other(X)), Z)


@pytest.mark.parametrize("n_channels", [2, 3, 4])
def test_channels_come_last(n_channels):
    X = images(8, 7, n_channels)
    rows = X.reshape(len(X), -1)
    fitted = small().fit(X)
    flat = small(image_shape=(8, 7, n_channels)).fit(rows)
    assert fitted.image_shape_ == (8, 7, n_channels)
    Z = fitted.transform(X)
    assert_near(Z, flat.transform(rows))
    back = fitted.reconstruct(X)
    assert back.shape == X.shape
    assert_near(back.reshape(len(X), -1), flat.reconstruct(rows))
    errors = np.square(back - X).reshape(len(X), -1).mean(axis=1)
    assert_allclose(fitted.score_samples(X), -errors, rtol=1e-4)
    first = next(iter(fitted.net_.module_.encoder))
    assert first.in_channels == n_channels
    means = np.moveaxis(X.mean(axis=0), -1, 0)
    assert_allclose(fitted.net_.module_.center, means, rtol=1e-6)


def test_rows_without_a_shape_are_signals():
    X = images(17)
    fitted = small().fit(X)
    assert fitted.image_shape_ == (17, 1)
    assert fitted.reconstruct(X).shape == X.shape
    assert isinstance(fitted.net_.module_.encoder[0], nn.Conv1d)


@pytest.mark.parametrize(
    "shape", [(13, 7), (28, 28), (1, 30), (30, 1), (2, 2), (1, 1), (5, 5, 3), (1,)]
)
def test_odd_sizes(shape):
    X = images(*shape)
    fitted = small(channels=(3, 4, 5), max_epochs=20, activation="gelu").fit(X)
    Z = fitted.transform(X[:6])
    assert Z.shape == (6, 3)
    assert fitted.reconstruct(X[:6]).shape == (6, *shape)


def test_views_are_read_as_they_are():
    X = images(9, 8, 3)
    expected = small().fit(X).transform(X)
    for other in (np.asfortranarray(X), X[::-1].copy()[::-1], X.tolist()):
        found = small().fit(other).transform(other)
        assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_frames_of_pixels():
    pd = pytest.importorskip("pandas")
    X = images(4, 5).reshape(40, -1)
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(20)])
    fitted = small(image_shape=(4, 5)).fit(frame)
    assert list(fitted.feature_names_in_) == list(frame.columns)
    expected = small(image_shape=(4, 5)).fit(X).transform(X)
    assert_near(fitted.transform(frame), expected)


# ---------------------------------------------------------------------------
# Bytes
# ---------------------------------------------------------------------------


def test_bytes_are_read_as_numbers_from_0_to_1():
    X = np.rint(255 * images(8, 8)).astype(np.uint8)
    floats = X / np.float32(255)
    of_bytes, of_floats = small().fit(X), small().fit(floats)
    Z = of_floats.transform(floats)
    assert_allclose(of_bytes.transform(X), Z, atol=1e-6)
    back = of_bytes.reconstruct(X)
    assert back.dtype == np.float32
    assert_allclose(back, of_floats.reconstruct(floats), atol=1e-6)
    assert_allclose(of_bytes.transform(floats), of_bytes.transform(X), atol=1e-5)
    assert_allclose(of_bytes.score(X), of_floats.score(floats), rtol=1e-4)
    with_entropy = small(loss="binary_cross_entropy").fit(X)  # the range is known
    assert 0 <= with_entropy.reconstruct(X).min() <= with_entropy.reconstruct(X).max()


@pytest.mark.parametrize("method", ["fit", "transform", "score_samples", "score"])
def test_bytes_are_not_copied_to_floats(method):
    X = np.random.default_rng(0).integers(256, size=(16000, 16, 16), dtype=np.uint8)
    estimator = small(channels=(2,), max_epochs=1, batch_size=500).fit(X[:1000])
    tracemalloc.start()
    try:
        getattr(estimator, method)(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    limit = 1.3 if method == "score" else 0.3  # a block of differences, doubles
    assert peak < limit * 4 * X.size


# ---------------------------------------------------------------------------
# What it keeps
# ---------------------------------------------------------------------------


def test_keeps_more_of_digits_than_pca(digits):
    train, test = digits[:1300], digits[1300:]
    fitted = ConvAutoencoder(
        8, channels=(16, 32), max_epochs=30, lr=5e-3, random_state=0
    ).fit(train)
    pca = PCA(8).fit(train.reshape(len(train), -1))
    flat = test.reshape(len(test), -1)
    back = pca.inverse_transform(pca.transform(flat))
    assert -fitted.score_samples(test).mean() < 0.8 * np.square(back - flat).mean()


def test_layers_start_about_the_mean_image():
    X = 100 + images(8, 8)
    fitted = small().fit(X)
    network = fitted.net_.module_
    center = network.center[0] + network.origin
    assert_allclose(center, X.mean(axis=0), rtol=1e-6)
    assert fitted.score(X) > -0.1  # no worse than the mean


def test_binary_cross_entropy(digits):
    fitted = small(loss="binary_cross_entropy", max_epochs=10).fit(digits[:500])
    back = fitted.reconstruct(digits[500:])
    assert back.min() >= 0
    assert back.max() <= 1
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]


def test_in_a_pipeline(digits):
    y = load_digits().target
    model = make_pipeline(
        small(n_components=10, max_epochs=10), LogisticRegression(max_iter=1000)
    )
    assert model.fit(digits[:1000], y[:1000]).score(digits[1000:], y[1000:]) > 0.6


# ---------------------------------------------------------------------------
# Modules
# ---------------------------------------------------------------------------


def test_own_modules_have_channels_first():
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x):
            assert x.shape[1:] == (3, 6, 5)
            return self.linear(x.mean((2, 3)))

    decoder = nn.Sequential(nn.Linear(2, 90), nn.Unflatten(1, (3, 6, 5)))
    X = images(6, 5, 3)
    fitted = small(n_components=2, encoder=Encoder(), decoder=decoder).fit(X)
    module = fitted.net_.module_
    with torch.no_grad():
        mean = torch.from_numpy(X).mean((1, 2))
        expected = module.encoder.linear(mean)
    assert_allclose(fitted.transform(X), expected, atol=1e-6)
    assert fitted.inverse_transform(fitted.transform(X)).shape == X.shape


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ({"encoder": nn.Linear(30, 3)}, r"shape \(n_rows, 1, 6, 5\)"),
        (
            {"encoder": nn.Sequential(nn.Flatten(), nn.Linear(30, 4))},
            r"gives shape \(n_rows, 4\) .* \(n_rows, 3\) is needed: n_components",
        ),
        (
            {"decoder": nn.Linear(3, 30)},
            r"gives shape \(n_rows, 30\) .* \(n_rows, 1, 6, 5\) is needed",
        ),
    ],
    ids=["input", "code", "output"],
)
def test_modules_that_do_not_fit(modules, message):
    with pytest.raises(ValueError, match=message):
        small(**modules).fit(images(6, 5))


@pytest.mark.parametrize("shape", [(9,), (8, 7), (8, 7, 3)])
def test_as_module(shape):
    X = images(*shape)
    fitted = small().fit(X)
    module = fitted.as_module()
    for rows in (X, X.reshape(len(X), -1)):
        x = torch.from_numpy(rows).requires_grad_()
        codes = module(x)
        assert_allclose(codes.detach(), fitted.transform(X), atol=1e-5)
    codes.sum().backward()
    assert x.grad.abs().max() > 0
    maps = fitted.as_module("encoder.1")(x)
    assert list(maps.shape) == [40, 4, *((s + 1) // 2 for s in shape[:2])]
    with pytest.raises(ValueError, match=r"no layer 'encoder\.99'"):
        fitted.as_module("encoder.99")


# ---------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((4, 5, 6, 2), {}, r"X has shape \(40, 4, 5, 6, 2\), but images are rows"),
        ((30,), {"image_shape": (5, 5)}, r"rows of 30 values, but .*\(5, 5\) makes 25"),
        (
            (6, 5),
            {"image_shape": (5, 6)},
            r"images of shape \(6, 5\), but image_shape=\(5, 6\); image_shape=None",
        ),
        ((6, 5, 3), {"image_shape": (6, 5)}, r"images of shape \(6, 5, 3\), but"),
        ((3, 8, 8), {}, r"channels first; here they come last: pass np.moveaxis"),
        ((30,), {"image_shape": (30,)}, r"must be \(height, width\) or .*got \(30,\)"),
        ((30,), {"image_shape": (5.0, 6)}, r"image_shape must be .*got \(5.0, 6\)"),
        ((30,), {"image_shape": (30, 0)}, r"image_shape must be .*at least 1"),
        ((6, 5), {"kernel_size": 4}, "kernel_size must be odd.* got 4"),
        ((6, 5), {"channels": ()}, "channels is empty, but at least one stage"),
        ((6, 5), {"channels": (8, 0)}, "channels must be whole numbers of channels"),
        ((6, 5), {"channels": ((8, 4),)}, "channels must be whole numbers"),
        ((6, 5), {"channels": (8.5,)}, "channels must be whole numbers"),
        ((6, 5), {"hidden_layer_sizes": (0,)}, "hidden_layer_sizes must be whole"),
    ],
)
def test_bad_input(shape, options, message):
    with pytest.raises(ValueError, match=message):
        small(**options).fit(images(*shape))


def test_channels_that_only_seem_to_come_first():
    X = images(3, 8, 8)
    assert small(image_shape=(3, 8, 8)).fit(X).image_shape_ == (3, 8, 8)
    assert small().fit(images(3, 8, 4)).image_shape_ == (3, 8, 4)


def test_other_images_than_in_fit():
    fitted = small().fit(images(6, 5))
    message = r"X has images of shape \(5, 6\), but fit has seen .* \(6, 5, 1\)"
    for method in (fitted.transform, fitted.reconstruct, fitted.score):
        with pytest.raises(ValueError, match=message):
            method(images(5, 6))
    with pytest.raises(ValueError, match="X has 31 features"):
        fitted.transform(images(31))
    with pytest.raises(ValueError, match="Reshape your data"):
        fitted.transform(images(30)[0])
    signals = small().fit(images(30))
    with pytest.raises(ValueError, match="but fit has seen signals of 30 values"):
        signals.transform(images(6, 5))


def test_the_parameter_may_change_after_the_fit():
    X = images(6, 5)
    fitted = small().fit(X)
    expected = fitted.transform(X)
    fitted.set_params(image_shape=(5, 6))
    assert_array_equal(fitted.transform(X), expected)
    with pytest.raises(ValueError, match=r"image_shape=\(5, 6\)"):
        fitted.fit(X)
    assert_array_equal(fitted.transform(X), expected)


def test_warm_start_refuses_other_images():
    fitted = small(warm_start=True).fit(images(6, 5))
    with pytest.raises(ValueError, match="warm_start=True"):
        fitted.fit(images(6, 6))
    assert fitted.image_shape_ == (6, 5, 1)


def test_images_become_rows_without_a_copy():
    X = images(6, 5, 3)
    rows, shape = flatten_images(X)
    assert np.shares_memory(rows, X)
    assert rows.shape == (40, 90)
    assert shape == (6, 5, 3)
    assert flatten_images(rows)[0] is rows
    assert resolve_image_shape(None, None, 90) == (90, 1)
    assert resolve_image_shape((9, 10), None, 90) == (9, 10, 1)
    assert flatten_images(X[:0])[0].shape == (0, 90)


# ---------------------------------------------------------------------------
# The suite
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", SUITE_FORMS)
def test_our_suite_on_images(form):
    check_representation_estimator(
        small(),
        data=of_images(form),
        expected_failed_checks=expected_failures(form),
    )
