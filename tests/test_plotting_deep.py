"""Losses, reconstructions and traversals are drawn as they are, or refused."""

import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from names import one_line
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.plotting import (
    LatentTraversalDisplay,
    LossCurveDisplay,
    ReconstructionDisplay,
)
from sklearn_replearn.plotting._images import (
    check_image_shape,
    choose_limits,
    common_scales,
    natural_limits,
    tile,
)

from_curves = LossCurveDisplay.from_curves
from_reconstructions = ReconstructionDisplay.from_reconstructions
reconstruct = ReconstructionDisplay.from_estimator
traverse = LatentTraversalDisplay.from_estimator
interpolate = LatentTraversalDisplay.interpolation


class Codec(TransformerMixin, BaseEstimator):
    """A linear autoencoder of images or rows that takes bytes as fractions."""

    def __init__(self, n_components=4, image_shape=None):
        self.n_components = n_components
        self.image_shape = image_shape

    def _rows(self, X):
        X = np.asarray(X)
        rows = X.reshape(len(X), -1)
        return rows / 255 if X.dtype == np.uint8 else rows

    def fit(self, X, y=None):
        rows = self._rows(X)
        self.pca_ = PCA(self.n_components).fit(rows)
        self.n_components_ = self.n_components
        self.loss_curve_ = [0.9, 0.5, 0.4, 0.35]
        self.validation_loss_curve_ = [0.95, 0.6, 0.5, 0.55]
        return self

    def transform(self, X):
        return self.pca_.transform(self._rows(X))

    def inverse_transform(self, Z):
        return self.pca_.inverse_transform(Z)

    def reconstruct(self, X):
        return self.inverse_transform(self.transform(X)).reshape(np.shape(X))


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:200]


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)[0]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def picture(display, row, column, shape, n_columns):
    """One picture of a mosaic, by the middles of the rows on the axis."""
    height, width = shape[:2]
    pixels = np.asarray(display.image_.get_array())
    gap = (pixels.shape[1] - n_columns * width) // max(n_columns - 1, 1)
    top = round(display.ax_.get_yticks()[row] - (height - 1) / 2)
    left = column * (width + gap)
    return pixels[top : top + height, left : left + width]


def row_names(display):
    return [text.get_text() for text in display.ax_.get_yticklabels()]


def column_names(display):
    return [text.get_text() for text in display.ax_.get_xticklabels()]


def panel_names(display):
    return [panel.get_ylabel() for panel in display.panels_]


def texts(artist):
    return [text.get_text() for text in artist.texts]


def legend_names(display):
    return [text.get_text() for text in display.legend_.get_texts()]


# LossCurveDisplay


def test_losses_and_the_best_epoch():
    train, validation = [3.0, 2.0, 1.0, 0.5], [3.5, 2.5, 2.0, 2.2]
    display = LossCurveDisplay(train, validation_loss=validation).plot()
    assert_array_equal(display.train_line_.get_xdata(), [1, 2, 3, 4])
    assert_array_equal(display.train_line_.get_ydata(), train)
    assert_array_equal(display.validation_line_.get_ydata(), validation)
    assert display.validation_line_.get_linestyle() == "--"
    assert display.best_epoch == 3
    assert_allclose(display.best_line_.get_xdata(), [3, 3])
    assert_allclose(display.best_line_.get_ydata(), [2.0, display.ax_.get_ylim()[0]])
    assert legend_names(display) == ["training", "validation", "best epoch 3 (2)"]
    assert display.ax_.get_xlabel() == "Epoch"
    assert display.ax_.get_ylabel() == "Loss"
    assert display.ax_.get_title() == ""
    assert display.figure_ is display.ax_.figure


def test_the_best_epoch_may_be_given():
    display = LossCurveDisplay([3.0, 2.0, 1.0], best_epoch=2, estimator_name="A")
    display.plot(name="B")
    assert display.best_line_.get_ydata()[0] == 2.0
    assert display.validation_line_ is None
    assert display.ax_.get_title() == "B"
    earlier = LossCurveDisplay([3.0, 2.0], validation_loss=[1.0, 0.5], best_epoch=1)
    assert earlier.plot().best_line_.get_ydata()[0] == 1.0


def test_losses_of_estimators(wine):
    X = StandardScaler().fit_transform(wine)
    mlp = MLPRegressor(hidden_layer_sizes=(5,), tol=1.0, random_state=0)
    mlp.fit(X, X[:, 0])
    display = LossCurveDisplay.from_estimator(mlp)
    assert_array_equal(display.train_line_.get_ydata(), mlp.loss_curve_)
    assert display.ax_.get_title() == "MLPRegressor"
    assert display.legend_ is None
    assert display.best_line_ is None
    pipeline = make_pipeline(StandardScaler(), Codec(), StandardScaler()).fit(X)
    display = LossCurveDisplay.from_estimator(pipeline)
    assert display.ax_.get_title() == "Codec"
    assert display.best_epoch == 3
    codec = Codec().fit(X)
    codec.validation_loss_curve_ = [0.5, 0.6]  # warm_start, then with validation
    display = LossCurveDisplay.from_estimator(codec)
    assert_array_equal(display.validation_loss, [np.nan, np.nan, 0.5, 0.6])
    assert display.best_epoch == 3
    codec.validation_loss_curve_ = None
    _, ax = plt.subplots()
    display = LossCurveDisplay.from_estimator(codec, name="mine", ax=ax)
    assert display.ax_ is ax
    assert display.validation_loss is None
    assert ax.get_title() == "mine"


@pytest.mark.parametrize(
    ("losses", "log_scale", "scale"),
    [
        ([1.0, 0.5], "auto", "linear"),
        ([1.0, 0.05], "auto", "log"),
        ([1.0, 0.05], False, "linear"),
        ([1.0, 0.5], True, "log"),
        ([1.0, -0.5], "auto", "linear"),
        ([1.0, 0.0], "auto", "linear"),
        ([-1.0, -100.0], "auto", "linear"),
        ([np.inf, 1.0, 0.5], "auto", "linear"),
    ],
    ids=one_line,
)
def test_the_scale_of_losses(losses, log_scale, scale):
    display = LossCurveDisplay(losses).plot(log_scale=log_scale)
    assert display.ax_.get_yscale() == scale


def test_the_scale_has_plain_numbers():
    display = LossCurveDisplay([2.0, 0.5, 0.04]).plot()
    display.figure_.draw_without_rendering()
    low, high = display.ax_.get_ylim()
    ticks = zip(
        display.ax_.get_yticks(minor=True),
        display.ax_.get_yticklabels(minor=True),
        strict=True,
    )
    shown = {label.get_text() for tick, label in ticks if low <= tick <= high}
    assert shown == {"0.05", "0.2", "0.5", "2"}


def test_epochs_are_whole_numbers_from_one():
    for n_epochs in (1, 2, 9, 1000):
        display = LossCurveDisplay(np.arange(n_epochs, 0, -1)).plot()
        left, right = display.ax_.get_xlim()
        ticks = [tick for tick in display.ax_.get_xticks() if left <= tick <= right]
        assert 0 < left < 1 <= n_epochs < right
        assert ticks
        assert all(tick == round(tick) > 0 for tick in ticks)


def test_losses_that_are_not_finite_leave_a_gap():
    display = LossCurveDisplay(
        [3.0, np.nan, 1.0], validation_loss=[np.nan, 2.0, np.inf]
    ).plot()
    assert_array_equal(display.train_line_.get_ydata(), [3.0, np.nan, 1.0])
    assert display.best_epoch == 2
    assert np.isfinite(display.ax_.get_ylim()).all()


def test_several_curves():
    curves = {"lr=0.1": [3.0, 2.0, 1.0, 0.1], "_lr=$1": [3.0, 2.5], 7: [1.0]}
    validation = {"lr=0.1": [3.0, 2.0, 2.5, 2.6], "_lr=$1": None}
    display = from_curves(curves, validation_curves=validation, name="rates")
    names = ["lr=0.1", "_lr=$1", "7"]
    assert list(display.train_line_) == names
    for name, curve in zip(names, curves.values(), strict=True):
        assert_array_equal(display.train_line_[name].get_ydata(), curve)
    assert list(display.validation_line_) == ["lr=0.1"]
    line, dashed = display.train_line_["lr=0.1"], display.validation_line_["lr=0.1"]
    assert line.get_color() == dashed.get_color()
    assert display.best_epoch == {"lr=0.1": 2}
    assert_array_equal(display.best_line_["lr=0.1"].get_xydata(), [[2.0, 2.0]])
    assert legend_names(display) == [*names, "training", "validation", "best epoch"]
    assert display.ax_.get_title() == "rates"
    assert display.ax_.get_xlim()[1] > 4
    plain = from_curves({"a": [1.0, 2.0]})
    assert legend_names(plain) == ["a"]
    assert plain.validation_line_ is plain.best_line_ is None
    marked = LossCurveDisplay({"a": [1.0, 2.0]}, best_epoch={"a": 1}).plot()
    assert legend_names(marked) == ["a", "best epoch"]


@pytest.mark.parametrize("n_curves", [2, 10, 11, 30])
def test_many_curves_differ_in_color(n_curves):
    display = from_curves({f"lr={i}": [1.0, 0.5] for i in range(n_curves)})
    lines = display.train_line_.values()
    colors = {matplotlib.colors.to_rgba(line.get_color()) for line in lines}
    assert len(colors) == n_curves


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train_loss": []}, r"train_loss must be one number per epoch; .* \(0,\)"),
        ({"train_loss": [[1.0]]}, r"got an array of shape \(1, 1\)"),
        ({"train_loss": ["a"]}, "train_loss must be one number per epoch$"),
        ({"train_loss": [np.nan]}, "no finite value; did training diverge"),
        ({"validation_loss": [1.0]}, "has 1 epochs, but train_loss has 3"),
        ({"best_epoch": 4}, "integer between 1 and 3, the number of epochs; got 4"),
        ({"best_epoch": 0}, "between 1 and 3"),
        ({"best_epoch": True}, "got True"),
        ({"train_loss": {}}, "no curve to draw: the dict of losses is empty"),
        ({"train_loss": {"a": []}}, "train_loss of 'a' must be one number"),
        (
            {"train_loss": {"a": [1.0]}, "validation_loss": {"b": [1.0]}},
            "validation_loss has 'b', for which there is no training curve",
        ),
        (
            {"train_loss": {"a": [1.0]}, "validation_loss": {"a": [1.0, 2.0]}},
            "validation_loss of 'a' has 2 epochs, but train_loss has 1",
        ),
        (
            {"train_loss": {"a": [1.0]}, "validation_loss": [1.0]},
            "validation_loss must be a dict by name, as the training losses",
        ),
        (
            {"train_loss": {"a": [1.0]}, "best_epoch": {"a": 2}},
            "best_epoch of 'a' must be an integer between 1 and 1",
        ),
    ],
    ids=one_line,
)
def test_loss_curve_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        LossCurveDisplay(**({"train_loss": [3.0, 2.0, 1.0]} | arguments))


def test_loss_curve_refuses_estimators_and_scales(wine):
    from_estimator = LossCurveDisplay.from_estimator
    for unfitted in (Codec(), MLPRegressor(), make_pipeline(StandardScaler(), Codec())):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            from_estimator(unfitted)
    for other in (PCA(2).fit(wine), make_pipeline(StandardScaler(), PCA(2)).fit(wine)):
        with pytest.raises(TypeError, match="has no loss_curve_; pass a fitted"):
            from_estimator(other)
    with pytest.raises(TypeError, match="curves must be a dict of losses by name"):
        from_curves([1.0, 2.0])
    with pytest.raises(ValueError, match="smallest is -1; pass log_scale='auto' or"):
        LossCurveDisplay([1.0, -1.0]).plot(log_scale=True)
    with pytest.raises(ValueError, match="must be 'auto', True or False; got 'log'"):
        LossCurveDisplay([1.0, 2.0]).plot(log_scale="log")
    assert plt.get_fignums() == []


# ReconstructionDisplay: images


def test_images_beside_their_reconstructions(digits):
    pca = PCA(8).fit(digits)
    display = reconstruct(pca, digits, image_shape=(8, 8), n_samples=5)
    decoded = pca.inverse_transform(pca.transform(digits[:5]))
    for column in range(5):
        for row, expected in enumerate((digits, decoded)):
            drawn = picture(display, row, column, (8, 8), 5)
            assert_allclose(drawn, expected[column].reshape(8, 8))
    assert_allclose(display.errors_, ((digits[:5] - decoded) ** 2).mean(axis=1))
    assert_array_equal(display.rows, np.arange(5))
    assert row_names(display) == ["original", "reconstruction", "MSE"]
    assert len(display.ax_.get_xticks()) == 0
    assert_allclose([float(t) for t in texts(display.ax_)], display.errors_, rtol=0.05)
    assert display.image_.get_clim() == (0, digits[:5].max())
    assert display.image_.get_cmap().name == "gray"
    assert np.ma.getmaskarray(display.image_.get_array())[:, 8].all()
    assert display.ax_.get_title() == "PCA"
    assert display.panels_ == []
    assert display.legend_ is None
    assert display.figure_ is display.ax_.figure


@pytest.mark.parametrize(
    "estimator",
    [
        PCA(5),
        ScaledPCA(5),
        Codec(),
        make_pipeline(StandardScaler(), PCA(5)),
        make_pipeline(StandardScaler(), Codec()),
        PCA(5).set_output(transform="pandas"),
    ],
    ids=one_line,
)
def test_every_estimator_that_can_decode(digits, estimator):
    estimator.fit(digits)
    display = reconstruct(estimator, digits, image_shape=(8, 8), n_samples=3)
    decoded = estimator.inverse_transform(estimator.transform(digits[:3]))
    assert_allclose(display.reconstructions.reshape(3, -1), decoded)
    last = estimator[-1] if hasattr(estimator, "steps") else estimator
    assert display.ax_.get_title() == type(last).__name__


def test_the_estimator_may_know_its_image_shape(digits):
    codec = Codec(image_shape=(8, 8)).fit(digits)
    assert reconstruct(codec, digits).originals.shape == (10, 8, 8)
    pipeline = make_pipeline(StandardScaler(), Codec(image_shape=(8, 8))).fit(digits)
    assert reconstruct(pipeline, digits).originals.shape == (10, 8, 8)
    assert traverse(codec, digits).decoded.shape == (4, 9, 8, 8)
    assert interpolate(codec, digits[0], digits[1]).decoded.shape == (1, 9, 8, 8)


@pytest.mark.parametrize("shape", [(8, 8), (4, 8, 2), (8, 8, 1), (4, 5, 3), (2, 8, 4)])
def test_images_of_any_shape(rng, shape):
    X = rng.random((30, *shape))
    if shape == (4, 8, 2):
        with pytest.raises(ValueError, match=r"got \(30, 4, 8, 2\)"):
            ReconstructionDisplay(X, X)
        return
    codec = Codec().fit(X)
    display = reconstruct(codec, X, n_samples=3)
    flat = reconstruct(
        Codec().fit(X.reshape(30, -1)),
        X.reshape(30, -1),
        image_shape=shape,
        n_samples=3,
    )
    pixels = np.asarray(display.image_.get_array())
    assert_allclose(np.asarray(flat.image_.get_array()), pixels)
    drawn = picture(display, 0, 2, shape, 3)
    in_colour = shape[-1] in (3, 4) and len(shape) == 3
    expected = X[2] if in_colour else X[2].reshape(shape[:2])
    assert_allclose(drawn[..., : shape[2]] if in_colour else drawn, expected)
    if shape == (4, 5, 3):
        assert_array_equal(drawn[..., 3], 1)  # opaque
        assert_array_equal(pixels[:, 5, 3], 0)  # nothing in the gaps


def test_bytes_and_fractions_have_one_unit(rng):
    X = rng.integers(0, 256, (40, 6, 5), dtype=np.uint8)
    codec, pca = Codec(10).fit(X), PCA(10).fit(X.reshape(40, -1))
    fractions = codec.reconstruct(X)
    levels = pca.inverse_transform(pca.transform(X.reshape(40, -1)))
    alone = reconstruct(codec, X, n_samples=4)
    assert alone.image_.get_clim() == (0, 1)
    assert_allclose(picture(alone, 0, 1, (6, 5), 4), X[1] / 255)
    assert_allclose(picture(alone, 1, 1, (6, 5), 4), fractions[1])
    errors = np.square(X / 255 - fractions).mean(axis=(1, 2))
    assert_allclose(alone.errors_, errors[:4])
    as_bytes = reconstruct(pca, X.reshape(40, -1), image_shape=(6, 5), n_samples=4)
    assert as_bytes.image_.get_clim() == (0, 255)
    assert_allclose(as_bytes.errors_, errors[:4] * 255**2)
    both = from_reconstructions(X, {"codec": fractions, "PCA": levels})
    assert both.image_.get_clim() == (0, 1)
    assert_allclose(both.errors_["codec"], both.errors_["PCA"])
    rounded = levels.clip(0, 255).round().astype(np.uint8)
    assert from_reconstructions(X, rounded).image_.get_clim() == (0, 255)


def test_colours_between_the_limits(rng):
    X = rng.integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
    display = ReconstructionDisplay(X, X / 255).plot()
    assert_allclose(picture(display, 0, 1, (6, 5), 4)[..., :3], X[1] / 255)
    assert_allclose(display.errors_, 0, atol=1e-12)
    standardized = rng.normal(size=(4, 6, 5, 3))
    display = ReconstructionDisplay(standardized, standardized * 2).plot()
    low, high = standardized.min(), standardized.max()
    expected = ((standardized[1] * 2 - low) / (high - low)).clip(0, 1)
    assert_allclose(picture(display, 1, 1, (6, 5), 4)[..., :3], expected)
    display.plot(vmin=0, vmax=1)
    drawn = picture(display, 0, 1, (6, 5), 4)[..., :3]
    assert_allclose(drawn, standardized[1].clip(0, 1))


def test_limits():
    assert natural_limits(np.zeros((2, 3, 3), dtype=np.uint8)) == (0, 255)
    assert natural_limits(np.full((2, 3, 3, 3), 0.5)) == (0, 1)
    assert natural_limits(np.linspace(2, 3, 9).reshape(1, 3, 3)) == (2, 3)
    assert choose_limits((2, 2)) == (2, 3)
    assert choose_limits((2, 3), vmin=5) == (5, 6)
    assert choose_limits((2, 3), vmax=1) == (0, 1)
    assert choose_limits((2, 3), vmin=0, vmax=9) == (0, 9)


def test_units_of_others():
    X = np.array([[0, 255]], dtype=np.uint8)
    assert common_scales(X, [X / 255, X * 1.0, X]) == (1 / 255, [1, 1 / 255, 1 / 255])
    assert common_scales(X, [X * 1.0, X]) == (1, [1, 1])
    assert common_scales(X * 1.0, [X / 255]) == (1, [1])


def test_tile():
    rows = [np.full((2, 2, 3), value) for value in (1.0, 2.0)]
    mosaic, tops, lefts = tile(rows, (0, 1), gap=1, room_below=[2, 1])
    nan = np.nan
    blank, ones = [nan] * 7, [1, 1, 1, nan, 1, 1, 1]
    twos = [2, 2, 2, nan, 2, 2, 2]
    expected = [ones, ones, blank, blank, twos, twos, blank]
    assert_array_equal(mosaic, np.array(expected, dtype=float))
    assert_array_equal(tops, [0, 4])
    assert_array_equal(lefts, [0, 4])


def test_inputs_are_what_is_reconstructed(digits, rng):
    noisy = digits + rng.normal(0, 4, digits.shape)
    pca = PCA(8).fit(digits)
    display = reconstruct(pca, digits, inputs=noisy, image_shape=(8, 8), n_samples=4)
    decoded = pca.inverse_transform(pca.transform(noisy[:4]))
    assert row_names(display) == ["original", "input", "reconstruction", "MSE"]
    expected = (digits, noisy, decoded)
    for row, values in enumerate(expected):
        drawn = picture(display, row, 3, (8, 8), 4)
        assert_allclose(drawn, values[3].reshape(8, 8))
    assert_allclose(display.errors_, ((digits[:4] - decoded) ** 2).mean(axis=1))
    assert display.image_.get_clim() == (0, digits[:4].max())  # noise changes nothing


def test_differences_fill_the_range(digits):
    decoded = digits[:3].copy()
    decoded[1, 10] -= 2.0
    decoded[2, 11] += 4.0
    display = from_reconstructions(
        digits[:3], decoded, image_shape=(8, 8), difference=True, show_errors=False
    )
    assert row_names(display) == ["original", "reconstruction", "difference\n0 to 4"]
    difference = picture(display, 2, 2, (8, 8), 3)
    assert difference.max() == difference[1, 3] == digits[:3].max()
    assert picture(display, 2, 1, (8, 8), 3)[1, 2] == digits[:3].max() / 2
    assert picture(display, 2, 0, (8, 8), 3).max() == 0
    assert texts(display.ax_) == []
    same = ReconstructionDisplay(digits[:2], digits[:2], image_shape=(8, 8))
    assert row_names(same.plot(difference=True))[2] == "difference\n0 to 1"
    colours = np.ones((2, 3, 3, 4))
    display = ReconstructionDisplay(colours, colours / 2).plot(difference=True)
    assert_array_equal(picture(display, 2, 0, (3, 3), 2)[..., 3], 1)


def test_several_methods(digits):
    decoded = {
        k: PCA(k).fit(digits).inverse_transform(PCA(k).fit_transform(digits))
        for k in (2, 20)
    }
    display = from_reconstructions(
        digits, decoded, image_shape=(8, 8), n_samples=3, name="PCA", difference=True
    )
    names = row_names(display)
    assert names[0] == "original"
    assert [names[1], names[3]] == ["2", "20"]
    assert names[2] == names[4]
    assert names[5:] == ["MSE", "MSE"]
    assert display.ax_.get_title() == "PCA"
    assert len(texts(display.ax_)) == 6
    for row, k in ((1, 2), (3, 20)):
        drawn = picture(display, row, 2, (8, 8), 3)
        assert_allclose(drawn, decoded[k][2].reshape(8, 8))
        errors = ((digits - decoded[k]) ** 2).mean(axis=1)
        assert_allclose(display.errors_[k], errors[:3])


@pytest.mark.parametrize("of", ["estimator", "reconstructions"])
def test_which_samples_are_drawn(digits, of):
    pca = PCA(6).fit(digits)
    decoded = pca.inverse_transform(pca.transform(digits))
    errors = ((digits - decoded) ** 2).mean(axis=1)

    def draw(selection, n_samples=5, **options):
        options |= {"n_samples": n_samples, "selection": selection}
        if of == "estimator":
            return reconstruct(pca, digits, image_shape=(8, 8), **options)
        return from_reconstructions(digits, decoded, image_shape=(8, 8), **options)

    worst = draw("worst")
    assert_allclose(worst.errors_, np.sort(errors)[::-1][:5])
    assert_allclose(errors[worst.rows], worst.errors_)
    assert column_names(worst) == [f"row {row}" for row in worst.rows]
    assert_allclose(draw("best").errors_, np.sort(errors)[:5])
    random = draw("random", random_state=1)
    assert_allclose(random.errors_, errors[random.rows])
    assert_array_equal(random.rows, draw("random", random_state=1).rows)
    assert not np.array_equal(random.rows, draw("random", random_state=2).rows)
    assert len(set(draw("random", 30, random_state=None).rows)) == 30
    assert len(draw("first", 1000).rows) == 200
    labels = np.array(["even", "odd"])[np.arange(200) % 2]
    labelled = draw("worst", labels=labels)
    assert column_names(labelled) == list(labels[labelled.rows])


def test_the_worst_of_several_methods_by_their_mean():
    X = np.zeros((3, 2))
    decoded = {"a": [[2, 2], [0, 0], [1, 1]], "b": [[0, 0], [1, 1], [2, 2]]}
    display = from_reconstructions(X, decoded, n_samples=1, selection="worst")
    assert_array_equal(display.rows, [2])


def test_errors_may_be_given():
    X = np.zeros((2, 2, 2))
    display = ReconstructionDisplay(X, X, errors=[0.25, 1234.5]).plot()
    assert texts(display.ax_) == ["0.25", "1234"]
    assert row_names(display)[-1] == "error"
    both = ReconstructionDisplay(X, {"a": X, "b": X}, errors={"b": [1, 2], "a": [3, 4]})
    assert texts(both.plot().ax_) == ["3", "4", "1", "2"]


@pytest.mark.parametrize(
    ("error", "text"),
    [(0, "0"), (0.00123, "0.0012"), (3.14159, "3.1"), (99.6, "100"), (2e-7, "2e-07")],
)
def test_errors_are_short(error, text):
    X = np.zeros((1, 2, 2))
    assert texts(ReconstructionDisplay(X, X, errors=[error]).plot().ax_) == [text]


@pytest.mark.parametrize("n_samples", [1, 2, 30])
@pytest.mark.parametrize("shape", [(8, 8), (1, 16), (40, 2), (3, 3, 3)])
def test_everything_is_inside_the_figure(rng, n_samples, shape):
    X = rng.random((n_samples, *shape))
    decoded = {"a method with quite a long name": X / 2, "another": X / 3}
    display = from_reconstructions(
        X, decoded, n_samples=30, labels=range(n_samples), name="t", difference=True
    )
    display.figure_.draw_without_rendering()
    frame = display.figure_.bbox
    artists = [*display.ax_.texts, *display.ax_.get_yticklabels(), display.image_]
    for box in [artist.get_window_extent() for artist in artists]:
        assert frame.x0 - 1 <= box.x0 < box.x1 <= frame.x1 + 1
        assert frame.y0 - 1 <= box.y0 < box.y1 <= frame.y1 + 1


def test_long_labels_are_aslant(digits):
    display = ReconstructionDisplay(
        digits[:10],
        digits[:10],
        image_shape=(8, 8),
        labels=["a name that is very long"] * 10,
    ).plot()
    assert {text.get_rotation() for text in display.ax_.get_xticklabels()} == {45}


# ReconstructionDisplay: lines


def test_rows_are_lines_in_panels(wine):
    X = pd.DataFrame(StandardScaler().fit_transform(wine)).add_prefix("f")
    pca = PCA(3).fit(X)
    display = reconstruct(pca, X, n_samples=4, selection="worst")
    decoded = pca.inverse_transform(pca.transform(X))
    assert display.image_ is None
    assert len(display.panels_) == 4
    for row, panel in zip(display.rows, display.panels_, strict=True):
        original, line = panel.get_lines()
        assert_array_equal(original.get_ydata(), X.iloc[row])
        assert_allclose(line.get_ydata(), decoded[row])
        assert_array_equal(line.get_xdata(), np.arange(13))
    assert panel_names(display) == [f"row {row}" for row in display.rows]
    names = [text.get_text() for text in display.panels_[-1].get_xticklabels()]
    assert names == list(X.columns)
    assert legend_names(display) == ["original", "reconstruction"]
    assert display.panels_[0].get_title(loc="right") == "MSE"
    (text,) = display.panels_[0].texts
    assert float(text.get_text()) == pytest.approx(display.errors_[0], rel=0.05)
    limits = {panel.get_ylim() for panel in display.panels_}
    assert len(limits) == 1
    assert display.ax_.get_title() == "PCA"


def test_lines_of_several_methods(rng):
    X = rng.normal(size=(5, 50))
    inputs, decoded = X + 1, {"a": X * 0.9, "b": X * 0.8}
    display = from_reconstructions(
        X, decoded, inputs=inputs, n_samples=2, difference=True, vmin=-9, vmax=9
    )
    lines = {line.get_label(): line for line in display.panels_[1].get_lines()}
    assert_array_equal(lines["input"].get_ydata(), inputs[1])
    assert_allclose(lines["b"].get_ydata(), decoded["b"][1])
    assert_allclose(
        lines["difference of b"].get_ydata(), np.abs(X[1] - decoded["b"][1])
    )
    assert len(texts(display.panels_[0])) == 2
    assert display.panels_[1].get_ylim() == (-9, 9)
    assert display.panels_[1].get_xlabel() == "Feature"
    assert display.feature_names is None
    again = display.plot(show_errors=False, name="t")
    assert texts(again.panels_[0]) == []
    assert again.ax_.get_title() == "t"


@pytest.mark.parametrize("form", [pl.DataFrame, csr_matrix, np.ndarray.tolist])
def test_tables_of_every_kind(wine, form):
    X = form(wine)
    plain, pca = ScaledPCA(3).fit(wine), ScaledPCA(3).fit(X)
    expected = reconstruct(plain, wine, selection="random", n_samples=3)
    display = reconstruct(pca, X, selection="random", n_samples=3)
    assert_array_equal(display.rows, expected.rows)
    assert_allclose(display.errors_, expected.errors_)
    worst = reconstruct(pca, X, selection="worst", n_samples=3)
    assert_allclose(worst.originals, wine[worst.rows])
    assert_allclose(traverse(pca, X).decoded, traverse(plain, wine).decoded)


def test_one_feature():
    display = ReconstructionDisplay([[1.0], [2.0]], [[1.5], [1.5]]).plot()
    display.figure_.draw_without_rendering()
    left, right = display.panels_[-1].get_xlim()
    ticks = display.panels_[-1].get_xticks()
    assert [tick for tick in ticks if left <= tick <= right] == [0]


def test_displays_on_given_axes(digits, wine):
    figure, axes = plt.subplots(1, 4, layout="constrained")
    pca = PCA(4).fit(digits)
    displays = [
        reconstruct(pca, digits, image_shape=(8, 8), n_samples=3, ax=axes[0]),
        reconstruct(PCA(2).fit(wine), wine, n_samples=3, ax=axes[1]),
        traverse(pca, digits, image_shape=(8, 8), ax=axes[2]),
        traverse(PCA(2).fit(wine), wine, ax=axes[3]),
    ]
    figure.draw_without_rendering()
    for display, ax in zip(displays, axes, strict=True):
        assert display.ax_ is ax
        assert display.figure_ is figure
    assert displays[1].panels_[0] in axes[1].child_axes
    assert len(plt.get_fignums()) == 1


ROWS = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"originals": np.empty((0, 4))}, r"at least one sample.* shape \(0, 4\)"),
        ({"originals": np.empty((3, 0))}, r"originals has no features: .* \(3, 0\)"),
        ({"originals": np.empty((3, 0, 2))}, r"no pixels: shape \(3, 0, 2\)"),
        ({"originals": np.arange(3)}, r"a row or an image each; got shape \(3,\)"),
        ({"originals": [["a"]]}, "originals must be numbers"),
        ({"originals": [[1, 2], [3]]}, "the same number of them in each sample"),
        ({"originals": ROWS * np.nan}, "originals has NaN or infinite values"),
        ({"originals": np.zeros((3, 2, 2, 5))}, r"got \(3, 2, 2, 5\)"),
        ({"image_shape": (3, 3)}, r"=\(3, 3\) has 9 values, but the rows .* have 4"),
        ({"image_shape": (4,)}, r"must be \(height, width\) or .*; got \(4,\)"),
        ({"image_shape": (2, -2)}, r"positive integers; got \(2, -2\)"),
        ({"image_shape": 4}, "positive integers; got 4"),
        ({"reconstructions": ROWS[:2]}, r"has shape \(2, 4\), but .* \(3, 4\); give"),
        (
            {"reconstructions": np.full((3, 4), np.inf)},
            "reconstructions has NaN or infinite",
        ),
        ({"reconstructions": {}}, "no reconstructions: the dict of them is empty"),
        ({"reconstructions": {"a": ROWS.T}}, r"reconstructions\['a'\] has shape"),
        ({"inputs": ROWS[:, :2]}, r"inputs has shape \(3, 2\)"),
        ({"errors": [1.0]}, r"one number per sample; .* \(1,\) for 3 samples"),
        ({"errors": {"a": [1, 2, 3]}}, "errors must be given as the reconstructions"),
        ({"labels": ["a"]}, "labels must be one per sample; got 1 for 3"),
        ({"labels": "abc"}, "got a single string"),
    ],
    ids=one_line,
)
def test_reconstruction_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        ReconstructionDisplay(
            **({"originals": ROWS, "reconstructions": ROWS} | arguments)
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"selection": "last"}, "one of 'first', 'random', .*; got 'last'"),
        ({"n_samples": 0}, "n_samples must be an integer of at least 1; got 0"),
        ({"n_samples": 2.5}, "got 2.5"),
        ({"n_samples": True}, "got True"),
        ({"labels": [1, 2]}, "labels must be one per sample; got 2 for 200"),
        ({"vmin": 2, "vmax": 1}, "vmin must be below vmax; got 2 and 1"),
        ({"vmax": "white"}, "vmax must be a finite number or None; got 'white'"),
        ({"vmin": np.nan}, "vmin must be a finite number"),
    ],
    ids=one_line,
)
def test_both_ways_to_reconstructions_refuse(digits, arguments, message):
    with pytest.raises(ValueError, match=message):
        reconstruct(PCA(2).fit(digits), digits, **arguments)
    with pytest.raises(ValueError, match=message):
        from_reconstructions(digits, digits, **arguments)
    assert plt.get_fignums() == []


def test_reconstruction_refuses_estimators(digits):
    for unfitted in (PCA(), make_pipeline(StandardScaler(), PCA())):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            reconstruct(unfitted, digits)
    kmeans = KMeans(2, n_init=1).fit(digits)
    for other in (kmeans, make_pipeline(StandardScaler(), KMeans(2)).fit(digits)):
        with pytest.raises(TypeError, match="has no inverse_transform; pass a transf"):
            reconstruct(other, digits)
    with pytest.raises(ValueError, match="inputs has 5 rows, but X has 200; give the"):
        reconstruct(PCA(2).fit(digits), digits, inputs=digits[:5])


# LatentTraversalDisplay


def test_a_traversal_decodes_along_each_dimension(digits):
    pca = PCA(12).fit(digits)
    display = traverse(pca, digits, image_shape=(8, 8))
    codes = pca.transform(digits)
    assert_array_equal(display.dimensions, np.arange(8))
    assert_allclose(display.steps, np.linspace(-2, 2, 9))
    for i in range(8):
        for j, step in enumerate(display.steps):
            code = codes.mean(axis=0)
            code[i] += step * codes[:, i].std()
            expected = pca.inverse_transform(code[np.newaxis]).reshape(8, 8)
            assert_allclose(display.decoded[i, j], expected, atol=1e-9)
            drawn = picture(display, i, j, (8, 8), 9)
            assert_allclose(drawn, expected, atol=1e-9)
    assert row_names(display) == [f"pca{i}" for i in range(8)]
    assert column_names(display)[::4] == ["\N{MINUS SIGN}2", "0", "2"]
    assert display.ax_.get_xlabel() == "standard deviations from the mean code"
    assert display.image_.get_clim() == (0, 16)
    assert display.ax_.get_title() == "PCA"
    assert display.panels_ == []
    assert display.colorbar_ is None


def test_a_traversal_from_a_row(digits):
    pca = PCA(5).fit(digits)
    display = traverse(
        pca, digits, dimensions=3, row=7, span=1, n_steps=3, image_shape=(8, 8)
    )
    code = pca.transform(digits[7:8])
    middle = pca.inverse_transform(code).reshape(8, 8)
    assert_allclose(display.decoded[0, 1], middle, atol=1e-9)
    assert display.decoded.shape == (1, 3, 8, 8)
    assert display.ax_.get_xlabel() == "standard deviations from the code of row 7"
    chosen = traverse(pca, digits, dimensions=[4, 0], image_shape=(8, 8))
    assert row_names(chosen) == ["pca4", "pca0"]


def test_dimensions_that_vary_most_come_first(digits):
    class Reversed(PCA):
        def transform(self, X):
            codes = super().transform(X)[:, ::-1].copy()
            codes[:, 0] = 0
            return codes

    display = traverse(Reversed(5).fit(digits), digits)
    assert_array_equal(display.dimensions, [4, 3, 2, 1])


def test_a_traversal_of_the_prior(digits):
    codec = Codec(3, image_shape=(8, 8)).fit(digits)
    display = traverse(codec, span=3, n_steps=7)
    assert_array_equal(display.dimensions, [0, 1, 2])
    assert row_names(display)[0] == "dimension 0"
    assert_allclose(display.decoded[1, 3], codec.pca_.mean_.reshape(8, 8))
    expected = codec.inverse_transform([[0, 0, 3.0]]).reshape(8, 8)
    assert_allclose(display.decoded[2, 6], expected)
    assert display.image_.get_clim() == (display.decoded.min(), display.decoded.max())
    assert display.ax_.get_xlabel() == "value of the dimension"
    pipeline = make_pipeline(StandardScaler(), PCA(10)).fit(digits)
    assert len(traverse(pipeline).dimensions) == 8


def test_a_traversal_of_rows_is_lines(wine):
    X = pd.DataFrame(StandardScaler().fit_transform(wine)).add_prefix("f")
    pca = PCA(3).fit(X)
    display = traverse(pca, X, n_steps=5, vmin=-4, vmax=4)
    assert len(display.panels_) == 3
    for panel, decoded in zip(display.panels_, display.decoded, strict=True):
        drawn = np.array([line.get_ydata() for line in panel.get_lines()])
        assert_allclose(drawn, decoded)
        assert panel.get_ylim() == (-4, 4)
    colors = [line.get_color() for line in display.panels_[0].get_lines()]
    assert colors[2] == "#222222"
    assert len(set(map(str, colors))) == 5
    assert panel_names(display) == ["pca0", "pca1", "pca2"]
    names = [text.get_text() for text in display.panels_[-1].get_xticklabels()]
    assert names == list(X.columns)
    label = display.colorbar_.ax.get_ylabel().replace("\n", " ")
    assert label == "standard deviations from the mean code"
    assert display.colorbar_.mappable.get_clim() == (-2, 2)
    assert display.image_ is None
    assert traverse(pca).feature_names == list(X.columns)


def test_a_traversal_of_bytes(rng):
    X = rng.integers(0, 256, (30, 4, 5, 3), dtype=np.uint8)
    display = traverse(Codec().fit(X), X)
    assert display.decoded.shape == (4, 9, 4, 5, 3)
    assert display.limits == (0, 1)
    pca = PCA(4).fit(X.reshape(30, -1))
    display = traverse(pca, X.reshape(30, -1), image_shape=(4, 5, 3))
    assert display.limits == (0, 255)
    drawn = picture(display, 2, 3, (4, 5), 9)[..., :3]
    assert_allclose(drawn, (display.decoded[2, 3] / 255).clip(0, 1))


def test_float32_codes_stay_float32(digits):
    seen = []

    class Watched(PCA):
        def inverse_transform(self, X):
            seen.append(X.dtype)
            return super().inverse_transform(X)

    X = digits.astype(np.float32)
    pca = Watched(3).fit(X)
    traverse(pca, X)
    interpolate(pca, X[0], X[1])
    assert seen == [np.float32, np.float32]


@pytest.mark.parametrize("form", ["1d", "2d", "series", "frame", "image"])
def test_an_interpolation(digits, form):
    frame = pd.DataFrame(digits).add_prefix("f")
    estimator = PCA(6).fit(frame if form in ("series", "frame") else digits)
    if form == "image":
        estimator = Codec(6).fit(digits.reshape(-1, 8, 8))
    a, b = {
        "1d": lambda: digits[:2],
        "2d": lambda: (digits[:1], digits[1:2]),
        "series": lambda: (frame.iloc[0], frame.iloc[1]),
        "frame": lambda: (frame.iloc[[0]], frame.iloc[[1]]),
        "image": lambda: digits[:2].reshape(-1, 8, 8),
    }[form]()
    shape = None if form == "image" else (8, 8)
    display = interpolate(estimator, a, b, n_steps=3, image_shape=shape)
    pca = PCA(6).fit(digits)
    codes = pca.transform(digits[:2])
    ways = np.array([codes[0], codes.mean(axis=0), codes[1]])
    expected = pca.inverse_transform(ways).reshape(1, 3, 8, 8)
    assert_allclose(display.decoded, expected, atol=1e-9)
    assert_allclose(picture(display, 0, 1, (8, 8), 3), expected[0, 1], atol=1e-9)
    assert column_names(display) == ["0", "0.5", "1"]
    assert display.ax_.get_xlabel() == "share of the way from a to b"
    assert display.image_.get_clim() == (0, digits[:2].max())
    assert display.dimensions is None


def test_an_interpolation_of_rows_is_one_panel(wine):
    display = interpolate(PCA(2).fit(wine), wine[0], wine[1], name="way")
    (panel,) = display.panels_
    assert len(panel.get_lines()) == 9
    assert panel.get_lines()[0].get_color() != "#222222"
    assert display.ax_.get_title() == "way"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dimensions": 5}, "dimensions has 5, but the code has dimensions 0 to 4"),
        ({"dimensions": [0, -1]}, "dimensions has -1"),
        ({"dimensions": []}, r"an integer or a list of them; got \[\]"),
        ({"dimensions": ["pca0"]}, r"list of them; got \['pca0'\]"),
        ({"dimensions": True}, "list of them; got True"),
        ({"row": 200}, "row must be an integer between 0 and 199, a row of X; got 200"),
        ({"row": -1}, "got -1"),
        ({"row": True}, "got True"),
        ({"row": 1, "X": None}, "row=1 is a row of X; pass X too"),
        ({"span": 0}, "span must be a positive number; got 0"),
        ({"span": np.inf}, "span must be a positive number; got inf"),
        ({"n_steps": 1}, "n_steps must be an integer of at least 2; got 1"),
        ({"n_steps": 3.0}, "n_steps must be .* got 3.0"),
        ({"image_shape": (7, 7)}, r"=\(7, 7\) has 49 values, but the rows .* have 64"),
        ({"vmin": 1, "vmax": 1}, "vmin must be below vmax"),
    ],
    ids=one_line,
)
def test_traversal_refuses(digits, arguments, message):
    pca = PCA(5).fit(digits)
    with pytest.raises(ValueError, match=message):
        traverse(pca, **({"X": digits} | arguments))
    assert plt.get_fignums() == []


def test_traversal_refuses_codes_and_estimators(digits):
    pca = PCA(5).fit(digits)
    for X in (digits[:1], np.repeat(digits[:1], 3, axis=0)):
        with pytest.raises(
            ValueError, match=r"rows of X are all the same, .* or X=None"
        ):
            traverse(pca, X, row=0)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        traverse(PCA(), digits)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        traverse(PCA())
    with pytest.raises(TypeError, match="has no inverse_transform; pass a transformer"):
        traverse(KMeans(2, n_init=1).fit(digits), digits)
    with pytest.raises(TypeError, match=r"StandardScaler has no n_components_, .* X$"):
        traverse(StandardScaler().fit(digits))

    class Quantizer(PCA):
        def transform(self, X):
            return np.rint(super().transform(X)).astype(int)

    class Deep(PCA):
        def transform(self, X):
            return super().transform(X)[:, :, np.newaxis]

    with pytest.raises(ValueError, match="codes of int64, between which there is noth"):
        traverse(Quantizer(2).fit(digits), digits)
    with pytest.raises(ValueError, match="codes of int64, between which there is noth"):
        interpolate(Quantizer(2).fit(digits), digits[0], digits[1])
    with pytest.raises(ValueError, match=r"codes of shape \(200, 2, 1\); a traversal"):
        traverse(Deep(2).fit(digits), digits)
    with pytest.raises(ValueError, match=r"same shape; got \(64,\) and \(63,\)"):
        interpolate(pca, digits[0], digits[1, 1:])
    with pytest.raises(ValueError, match="a must be one row or one image; got 3"):
        interpolate(pca, 3, digits[1])
    with pytest.raises(ValueError, match="n_steps must be"):
        interpolate(pca, digits[0], digits[1], n_steps=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": [0.0]}, "steps must be at least two increasing numbers"),
        ({"steps": [1.0, 1.0]}, "steps must be at least two increasing numbers"),
        ({"steps": ["a", "b"]}, "steps must be numbers"),
        ({"decoded": np.zeros((1, 3, 4))}, r"shape \(n_dimensions, 2, ...\).*1, 3, 4"),
        ({"decoded": np.zeros((2, 4))}, r"got \(2, 4\)"),
        ({"decoded": np.zeros((0, 2, 4))}, r"got \(0, 2, 4\)"),
        ({"decoded": [[[1], [2]], [[1]]]}, "decoded must have as many steps in each"),
        ({"decoded": np.full((1, 2, 4), np.nan)}, "decoded has NaN or infinite"),
        (
            {"dimension_names": ["a", "b"]},
            "dimension_names must be one per dimension; got 2 for 1",
        ),
        ({"image_shape": "22"}, "image_shape must be"),
    ],
    ids=one_line,
)
def test_the_constructor_of_traversals_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        LatentTraversalDisplay(
            **({"decoded": np.zeros((1, 2, 4)), "steps": [0, 1]} | arguments)
        )


def test_the_constructor_of_traversals():
    decoded = np.arange(8.0).reshape(1, 2, 4)
    display = LatentTraversalDisplay(
        decoded, [0, 1], dimension_names=["d"], step_name="s", image_shape=(2, 2)
    ).plot(vmin=1, vmax=5, cmap="viridis")
    assert row_names(display) == ["d"]
    assert display.ax_.get_xlabel() == "s"
    assert display.image_.get_clim() == (1, 5)
    assert display.image_.get_cmap().name == "viridis"
    lines = LatentTraversalDisplay(decoded, [0, 1]).plot(name="n")
    assert len(lines.panels_[0].get_lines()) == 2
    assert lines.ax_.get_title() == "n"


def test_image_shapes():
    assert check_image_shape([2, np.int64(3)]) == (2, 3)
    assert check_image_shape((2, 3, 1)) == (2, 3, 1)


# What is left alone


def test_inputs_and_global_generators_are_left_alone(digits):
    X = digits[:50].copy()
    X.flags.writeable = False
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - it must not change
    pca = PCA(4).fit(X)
    for selection in ("first", "random", "worst", "best"):
        reconstruct(
            pca,
            X,
            inputs=X,
            image_shape=(8, 8),
            selection=selection,
            difference=True,
            random_state=None,
        )
    traverse(pca, X, image_shape=(8, 8))
    interpolate(pca, X[0], X[1])
    LossCurveDisplay(X[0] + 1, validation_loss=X[1]).plot()
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


DISPLAYS = [
    LossCurveDisplay([2.0, 1.0]),
    LossCurveDisplay({"a": [2.0, 1.0]}),
    ReconstructionDisplay(ROWS, ROWS),
    ReconstructionDisplay(ROWS, ROWS, image_shape=(2, 2)),
    LatentTraversalDisplay(ROWS.reshape(1, 3, 4), [0, 1, 2]),
    LatentTraversalDisplay(ROWS.reshape(1, 3, 2, 2), [0, 1, 2]),
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


@pytest.mark.parametrize("display", DISPLAYS, ids=lambda d: type(d).__name__)
def test_without_matplotlib(monkeypatch, display):
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    caller = f"{type(display).__name__}.plot"
    message = rf"{caller} needs matplotlib; .*: pip install 'sklearn-replearn\[plot\]'"
    with pytest.raises(ImportError, match=message):
        display.plot()
