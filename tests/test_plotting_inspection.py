"""Filters, activations and saliency are drawn as they are, or refused."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import colormaps
from names import one_line
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.autoencoder import Autoencoder
from sklearn_replearn.image import CNNFeatureExtractor, ConvAutoencoder, FilterBank
from sklearn_replearn.inspection import occlusion_map, saliency_map
from sklearn_replearn.plotting import (
    ActivationDisplay,
    FilterDisplay,
    SaliencyDisplay,
)

filters_of = FilterDisplay.from_estimator
activations_of = ActivationDisplay.from_estimator
saliency_of = SaliencyDisplay.from_estimator

IMAGES = load_digits().images[:200] / 16
ROWS = IMAGES.reshape(200, 64)
LABELS = load_digits().target[:200]


@pytest.fixture(scope="module")
def cnn():
    return CNNFeatureExtractor(
        6, channels=(5, 4), kernel_size=3, max_epochs=2, random_state=0
    ).fit(IMAGES, LABELS)


@pytest.fixture(scope="module")
def of_signals():
    rng = np.random.default_rng(0)
    waves = np.sin(np.linspace(0, 9, 20) * rng.uniform(0.5, 2, (60, 1)))
    return ConvAutoencoder(3, channels=(4, 6), max_epochs=1, random_state=0).fit(waves)


def picture(image, row, column, size, gap, below=0):
    """One picture of a mosaic."""
    pixels = np.asarray(image.get_array())
    top, left = row * (size[0] + gap + below), column * (size[1] + gap)
    return pixels[top : top + size[0], left : left + size[1]]


def weights(estimator, layer):
    return getattr(estimator.as_module().network, layer)[0].weight.detach().numpy()


def texts(ax):
    return [text.get_text() for text in ax.texts]


# FilterDisplay


def test_filters_of_the_first_convolution(cnn):
    display = filters_of(cnn)
    first = cnn.as_module().network.stage1.convolution1.weight.detach().numpy()
    assert_allclose(display.filters, first[:, 0])
    assert display.image_.get_clim() == (-1, 1)
    assert display.ax_.get_title() == "CNNFeatureExtractor"
    # Each weight is 6 pixels a side, and each filter fills the range of greys.
    drawn = picture(display.image_, 0, 1, (18, 18), 1)
    expected = first[1, 0] / np.abs(first[1, 0]).max()
    assert_allclose(drawn[::6, ::6], expected, rtol=1e-5)
    assert np.ma.count(display.image_.get_array()) == 5 * 18 * 18  # and nothing else


def test_filters_on_one_scale(cnn):
    display = filters_of(cnn, scale="all", n_columns=5, cmap="coolwarm", name="n")
    first = display.filters
    drawn = picture(display.image_, 0, 3, (18, 18), 1)
    assert_allclose(drawn[::6, ::6], first[3] / np.abs(first).max(), rtol=1e-6)
    assert display.image_.get_cmap().name == "coolwarm"
    assert display.ax_.get_title() == "n"


def test_filters_with_many_channels_have_a_row_each(cnn):
    display = filters_of(cnn, layer="stage2.convolution1", n_filters=3)
    second = cnn.as_module().network.stage2.convolution1.weight.detach().numpy()
    assert_allclose(display.filters, second[:3].transpose(0, 2, 3, 1))
    drawn = picture(display.image_, 2, 4, (18, 18), 1)
    assert_allclose(drawn[::6, ::6], second[2, 4] / np.abs(second[2]).max(), rtol=1e-5)


def test_filters_of_colours():
    rng = np.random.default_rng(0)
    filters = rng.normal(size=(4, 5, 5, 3))
    display = FilterDisplay(filters).plot(n_columns=3)
    drawn = picture(display.image_, 1, 0, (20, 20), 1)
    assert_allclose(drawn[::4, ::4, 3], 1)
    expected = (filters[3] / np.abs(filters[3]).max() + 1) / 2
    assert_allclose(drawn[::4, ::4, :3], expected)
    # Where the last row has no filter, nothing is drawn.
    assert_array_equal(picture(display.image_, 1, 2, (20, 20), 1)[..., 3], 0)


def test_filters_of_a_filter_bank():
    pipeline = make_pipeline(FilterBank("edges"), LogisticRegression(max_iter=500))
    pipeline.fit(IMAGES, LABELS)
    display = filters_of(pipeline)
    assert_array_equal(display.filters, pipeline[0].filters_[..., 0])
    assert display.names == list(pipeline[0].filter_names_)
    assert [text for text in texts(display.ax_) if text] == display.names
    signals = filters_of(FilterBank("edges").fit(ROWS))
    assert signals.filters.ndim == 2
    assert len(signals.panels_) == len(signals.filters)
    for panel, name in zip(signals.panels_, signals.names, strict=True):
        assert panel.get_title() == name


def test_filters_of_signals(of_signals):
    display = filters_of(of_signals)
    assert_allclose(display.filters, weights(of_signals, "encoder")[:, 0])
    assert display.image_ is None
    for panel, values in zip(display.panels_, display.filters, strict=True):
        assert_allclose(panel.get_lines()[-1].get_ydata(), values)
    inner = filters_of(of_signals, layer="encoder.2")
    assert inner.filters.shape == (6, 4, 3)  # a line for each input
    assert inner.image_ is not None


def test_filters_of_linear_layers():
    dense = Autoencoder(2, hidden_layer_sizes=(5,), max_epochs=1, random_state=0)
    dense.fit(ROWS)
    first = weights(dense, "encoder")
    curves = filters_of(dense)
    assert_allclose(curves.filters, first)
    pictures = filters_of(dense, image_shape=(8, 8))
    assert_allclose(pictures.filters, first.reshape(5, 8, 8))
    with pytest.raises(
        ValueError, match=r"\(7, 7\) has 49 values, but the layer has 64"
    ):
        filters_of(dense, image_shape=(7, 7))


def test_filters_refuse(cnn):
    with pytest.raises(TypeError, match="KMeans has no filters: neither filters_"):
        filters_of(KMeans(2, n_init=1).fit(ROWS))
    with pytest.raises(NotFittedError):
        filters_of(CNNFeatureExtractor())
    with pytest.raises(ValueError, match=r"no layer 'conv'; .*'stage1'"):
        filters_of(cnn, layer="conv")
    with pytest.raises(ValueError, match=r"layers, but 'stage1.pooling' is none of"):
        filters_of(cnn, layer="stage1.pooling")
    for wrong in (0, 1.5, True):
        with pytest.raises(ValueError, match="n_filters must be an integer"):
            filters_of(cnn, n_filters=wrong)
        with pytest.raises(ValueError, match="n_columns must be an integer"):
            filters_of(cnn, n_columns=wrong)
    with pytest.raises(ValueError, match="scale must be 'each' or 'all'; got 'none'"):
        filters_of(cnn, scale="none")
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (np.zeros(3), r"filters must have shape .*; got \(3,\)"),
        (np.zeros((2, 0, 3)), r"got \(2, 0, 3\)"),
        (np.zeros((1, 2, 3, 4, 5)), r"got \(1, 2, 3, 4, 5\)"),
        (np.full((1, 2, 2), np.nan), "filters has NaN or infinite values"),
        ([[1], [1, 2]], "filters must be numbers, all of the same shape"),
    ],
    ids=one_line,
)
def test_the_constructor_of_filters_refuses(filters, message):
    with pytest.raises(ValueError, match=message):
        FilterDisplay(filters)


def test_names_of_filters():
    with pytest.raises(ValueError, match="names must be one per filter; got "):
        FilterDisplay(np.ones((2, 3, 3)), names=["a"])
    display = FilterDisplay(np.zeros((2, 3, 3)), names=["a", "b"]).plot()
    assert texts(display.ax_) == ["a", "b"]


# ActivationDisplay


@pytest.mark.parametrize("form", ["image", "batch", "row"])
def test_maps_of_a_layer(cnn, form):
    x = {"image": IMAGES[3], "batch": IMAGES[[3]], "row": ROWS[3]}[form]
    display = activations_of(cnn, x, layer="stage1")
    with torch.no_grad():
        maps = cnn.as_module("stage1")(torch.from_numpy(ROWS[[3]].astype(np.float32)))
    assert_allclose(display.maps, maps[0], atol=1e-6)
    assert_allclose(display.sample, IMAGES[3])
    drawn = picture(display.image_, 0, 1, (4, 4), 1)
    assert_allclose(drawn, maps[0, 1], atol=1e-6)
    assert_allclose(display.image_.get_clim(), (maps.min(), maps.max()), rtol=1e-5)
    assert display.ax_.get_title() == "CNNFeatureExtractor, stage1"
    assert display.colorbar_.ax.get_ylabel() == "activation"
    assert_allclose(display.sample_ax_.get_images()[0].get_array(), IMAGES[3])


def test_maps_on_scales_of_their_own(cnn):
    display = activations_of(
        cnn, IMAGES[3], layer="stage1", scale="each", n_maps=3, n_columns=1
    )
    assert display.maps.shape == (3, 4, 4)
    expected = display.maps[2] - display.maps[2].min()
    expected = expected / (expected.max() or 1)
    assert_allclose(picture(display.image_, 2, 0, (4, 4), 1), expected)
    assert display.colorbar_ is None
    display = activations_of(cnn, IMAGES[3], layer="stage1", vmin=-1, vmax=9)
    assert display.image_.get_clim() == (-1, 9)


def test_codes_are_bars(cnn):
    pipeline = make_pipeline(cnn)
    display = activations_of(pipeline, (IMAGES[3] * 255).astype(np.uint8))
    heights = [bar.get_height() for bar in display.panels_[0].patches]
    expected = cnn.transform((IMAGES[[3]] * 255).astype(np.uint8))[0]
    assert_allclose(heights, expected, atol=1e-5)
    assert display.ax_.get_title() == "CNNFeatureExtractor, code"
    assert display.sample.dtype == np.uint8
    limited = activations_of(cnn, IMAGES[3], vmin=-3, vmax=3)
    assert limited.panels_[0].get_ylim() == (-3, 3)


def test_maps_of_signals_and_rows(of_signals):
    x = np.sin(np.linspace(0, 5, 20))
    display = activations_of(of_signals, x, layer="encoder.0")
    assert display.maps.shape == (4, 10)
    assert len(display.panels_) == 4
    limits = {panel.get_ylim() for panel in display.panels_}
    assert len(limits) == 1
    assert_allclose(display.sample_ax_.get_lines()[0].get_ydata(), x)
    own = activations_of(of_signals, x, layer="encoder.0", scale="each")
    assert len({panel.get_ylim() for panel in own.panels_}) > 1


def test_samples_in_colour_and_in_more_channels():
    X = np.random.default_rng(0).uniform(size=(30, 6, 7, 3))
    coder = ConvAutoencoder(2, channels=(3,), max_epochs=1, random_state=0).fit(X)
    display = activations_of(coder, X[0], layer="encoder.0")
    assert_allclose(display.sample_ax_.get_images()[0].get_array(), X[0])
    X = X.reshape(30, 3, 7, 6)
    coder = ConvAutoencoder(2, image_shape=(3, 7, 6), channels=(3,), max_epochs=1)
    display = activations_of(coder.fit(X), X[0], layer="encoder.0")
    assert display.sample is None
    assert display.sample_ax_ is None


def test_activations_refuse(cnn):
    with pytest.raises(ValueError, match=r"one sample, of 64 values; got shape \(2, 8"):
        activations_of(cnn, IMAGES[:2])
    with pytest.raises(ValueError, match="no layer 'conv'"):
        activations_of(cnn, IMAGES[0], layer="conv")
    with pytest.raises(TypeError, match="KMeans has no gradient here"):
        activations_of(KMeans(2, n_init=1).fit(ROWS), ROWS[0])
    with pytest.raises(ValueError, match=r"n_maps must be an integer .* got 0"):
        activations_of(cnn, IMAGES[0], n_maps=0)
    with pytest.raises(ValueError, match="vmin must be below vmax"):
        activations_of(cnn, IMAGES[0], vmin=1, vmax=0)
    for wrong in (np.zeros((2, 3, 4, 5)), np.zeros(0), 3):
        with pytest.raises(ValueError, match="maps must have shape"):
            ActivationDisplay(wrong)
    with pytest.raises(ValueError, match="maps has NaN"):
        ActivationDisplay([np.nan])
    with pytest.raises(ValueError, match="maps must be numbers"):
        ActivationDisplay(["a"])
    assert plt.get_fignums() == []


# SaliencyDisplay


def test_images_and_their_maps(cnn):
    display = saliency_of(cnn, IMAGES, method=["gradient", "occlusion"], n_samples=4)
    gradient = saliency_map(cnn, IMAGES[:4])
    occlusion = occlusion_map(cnn, IMAGES[:4])
    assert_allclose(display.maps["gradient"], gradient, rtol=1e-6)
    assert_allclose(display.maps["occlusion"], occlusion)
    assert_allclose(display.samples, IMAGES[:4])
    assert display.labels == [str(label) for label in cnn.predict(IMAGES[:4])]
    names = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert names == ["image", "gradient", "occlusion"]
    drawn = picture(display.image_, 0, 2, (8, 8), 1)
    assert_allclose(drawn, np.dstack([IMAGES[2]] * 3 + [np.ones((8, 8))]))
    drawn = picture(display.image_, 1, 2, (8, 8), 1)
    expected = colormaps["magma"](gradient[2] / gradient[2].max())
    assert_allclose(drawn, expected, atol=1 / 128)
    drawn = picture(display.image_, 2, 1, (8, 8), 1)
    share = occlusion[1] / np.abs(occlusion[1]).max()
    assert_allclose(drawn, colormaps["RdBu_r"]((share + 1) / 2), atol=0.02)


def test_maps_over_images(cnn):
    display = saliency_of(cnn, IMAGES[:2], overlay=True, labels=["a", "b"], cmap="jet")
    share = display.maps["gradient"][1] / display.maps["gradient"][1].max()
    drawn = picture(display.image_, 1, 1, (8, 8), 1)
    opacity = 0.85 * share[..., None]
    grey = np.repeat(IMAGES[1][..., None], 3, axis=2)
    color = colormaps["jet"]((share + 1) / 2)[..., :3]
    assert_allclose(drawn[..., :3], (1 - opacity) * grey + opacity * color, atol=0.02)
    assert display.labels == ["a", "b"]


def test_maps_that_are_given():
    X = np.random.default_rng(0).uniform(size=(3, 4, 5, 3))
    display = SaliencyDisplay(X, np.zeros((3, 4, 5)), estimator_name="n").plot()
    assert display.ax_.get_title() == "n"
    names = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert names == ["image", "saliency"]
    assert_allclose(picture(display.image_, 0, 1, (4, 5), 1)[..., :3], X[1])
    with_alpha = np.concatenate([X, np.full((3, 4, 5, 1), 0.5)], axis=3)
    drawn = SaliencyDisplay(with_alpha, np.ones((3, 20))).plot(overlay=True)
    assert_allclose(picture(drawn.image_, 0, 1, (4, 5), 1), with_alpha[1])


def test_rows_are_curves():
    X, y = load_wine(return_X_y=True, as_frame=True)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    display = saliency_of(
        pipeline, X, method=["gradient", "occlusion"], n_samples=3, patch_size=1, step=1
    )
    assert display.samples.shape == (3, 13)
    assert len(display.panels_) == 3
    for panel, row in zip(display.panels_, X.to_numpy(), strict=False):
        assert_allclose(panel.get_lines()[0].get_ydata(), row)
        assert len(panel.collections) == 2
    names = [text.get_text() for text in display.panels_[-1].get_xticklabels()]
    assert names == list(X.columns)
    assert texts(display.panels_[0]) == ["gradient", "occlusion"]
    assert display.image_ is None
    share = display.maps["gradient"][1] / display.maps["gradient"][1].max()
    drawn = display.panels_[1].collections[0].get_array()[0]
    expected = 1 - 0.6 * (1 - colormaps["Reds"](share)[:, :3])
    assert_allclose(drawn, expected, atol=0.02)


def test_arguments_go_to_the_functions(cnn):
    target = np.arange(200) % 10
    display = saliency_of(
        cnn,
        IMAGES,
        method=["smooth", "occlusion"],
        target=target,
        patch_size=3,
        step=3,
        fill=1.0,
        n_samples=5,
    )
    smooth = saliency_map(
        cnn, IMAGES[:5], target=target[:5], method="smooth", random_state=0
    )
    assert_allclose(display.maps["smooth"], smooth, rtol=1e-6)
    occlusion = occlusion_map(
        cnn, IMAGES[:5], target=target[:5], patch_size=3, step=3, fill=1.0
    )
    assert_allclose(display.maps["occlusion"], occlusion)
    unit = saliency_of(cnn, IMAGES, layer="stage1", target=2, n_samples=2)
    expected = saliency_map(cnn, IMAGES[:2], layer="stage1", target=2)
    assert_allclose(unit.maps["gradient"], expected, rtol=1e-6)


def test_any_classifier_and_any_form():
    neighbours = KNeighborsClassifier().fit(ROWS, LABELS)
    display = saliency_of(
        neighbours, ROWS, method="occlusion", image_shape=(8, 8), n_samples=2
    )
    assert display.maps["occlusion"].shape == (2, 8, 8)
    frame = pd.DataFrame(ROWS).add_prefix("pixel")
    logistic = LogisticRegression().fit(frame, LABELS)
    assert saliency_of(logistic, frame, n_samples=2).samples.shape == (2, 64)


def test_saliency_refuses(cnn):
    with pytest.raises(ValueError, match="method must be one of 'gradient', 'smooth'"):
        saliency_of(cnn, IMAGES, method="lime")
    with pytest.raises(ValueError, match=r"n_samples must be an integer .* got 0"):
        saliency_of(cnn, IMAGES, n_samples=0)
    with pytest.raises(TypeError, match="KNeighborsClassifier has no gradient here"):
        saliency_of(KNeighborsClassifier().fit(ROWS, LABELS), ROWS)
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"maps": np.zeros((2, 3))},
            r"maps has shape \(2, 3\), but the samples .*2, 4",
        ),
        ({"maps": {"a": np.zeros(8)}}, r"maps\['a'\] has shape \(8,\)"),
        ({"maps": {}}, "there are no maps: the dict of them is empty"),
        ({"maps": np.full((2, 4), np.inf)}, "maps has NaN or infinite values"),
        ({"maps": [["a"]]}, "maps must be numbers"),
        ({"labels": "ab"}, "labels must be one per sample; got "),
        ({"samples": np.zeros((0, 4))}, "samples must hold at least one sample"),
    ],
    ids=one_line,
)
def test_the_constructor_of_saliency_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        SaliencyDisplay(
            **({"samples": np.zeros((2, 4)), "maps": np.zeros((2, 4))} | arguments)
        )


# All of them

DISPLAYS = [
    FilterDisplay(np.eye(3)[np.newaxis]),
    FilterDisplay(np.eye(3)),
    ActivationDisplay(np.ones((2, 3, 3)), sample=np.eye(4)),
    ActivationDisplay(np.ones((2, 3))),
    ActivationDisplay(np.arange(3.0)),
    SaliencyDisplay(np.ones((2, 3, 3)), np.ones((2, 3, 3))),
    SaliencyDisplay(np.ones((2, 3)), {"a": np.ones((2, 3)), "b": -np.ones((2, 3))}),
]


@pytest.mark.parametrize("display", DISPLAYS, ids=lambda d: type(d).__name__)
def test_a_display_is_drawn_again(display):
    first = display.plot().ax_
    figure, ax = plt.subplots()
    assert display.plot(ax, name="again") is display
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert first is not ax
    assert ax.get_title() == "again"
    figure.canvas.draw()


@pytest.mark.parametrize("display", DISPLAYS, ids=lambda d: type(d).__name__)
def test_without_matplotlib(monkeypatch, display):
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = (
        rf"{type(display).__name__}.plot needs matplotlib; .*'sklearn-replearn\[pl"
    )
    with pytest.raises(ImportError, match=message):
        display.plot()
