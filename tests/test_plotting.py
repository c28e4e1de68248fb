"""The displays draw what they are given, refuse what they cannot, and touch nothing."""

import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.colors import to_rgba
from names import one_line
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import NMF, PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE, Isomap
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.plotting import EmbeddingDisplay, SpectrumDisplay
from sklearn_replearn.plotting._placement import place_labels, spread_rows

from_embedding = EmbeddingDisplay.from_embedding


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300], y[:300]


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def offsets(display):
    """The points drawn, in order of the rows for a single scatter."""
    return np.vstack([scatter.get_offsets() for scatter in display.scatters_])


def global_state():
    return np.random.get_state()  # noqa: NPY002 - it is what must not change


def boxes(artists):
    return [artist.get_window_extent() for artist in artists]


def overlap(a, b):
    return a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1


def assert_apart(extents):
    for i, a in enumerate(extents):
        for b in extents[:i]:
            assert not overlap(a, b)


# SpectrumDisplay


def test_spectrum_draws_shares_and_their_sum(digits):
    pca = PCA().fit(digits[0])
    display = SpectrumDisplay.from_estimator(pca, n_components=10)

    heights = [bar.get_height() for bar in display.bars_]
    assert_allclose(heights, pca.explained_variance_ratio_)
    assert_array_equal(display.cumulative_line_.get_xdata(), np.arange(1, 65))
    cumulative = np.cumsum(pca.explained_variance_ratio_)
    assert_allclose(display.cumulative_line_.get_ydata(), cumulative)
    assert_array_equal(display.chosen_line_.get_xdata(), [10, 10])
    assert_allclose(display.chosen_line_.get_ydata(), [0, cumulative[9]])
    assert f"10 components keep {100 * cumulative[9]:.1f} %" in [
        text.get_text() for text in display.legend_.get_texts()
    ]
    assert display.threshold_line_ is None
    assert display.ax_.get_title() == "PCA"
    assert display.ax_.get_xlabel() == "Component"
    assert display.ax_.get_ylabel() == "Share of the variance"
    assert display.figure_ is display.ax_.figure


@pytest.mark.parametrize(
    ("estimator", "marked", "threshold"),
    [
        (PCA(), None, None),
        (PCA(7), 7, None),
        (PCA(0.8), 5, 0.8),
        (ScaledPCA(), None, None),
        (ScaledPCA(4), 4, None),
        (ScaledPCA(0.8), 5, 0.8),
        (TruncatedSVD(3), 3, None),
        (LinearDiscriminantAnalysis(n_components=2), 2, None),
        (make_pipeline(StandardScaler(), PCA(5)), 5, None),
        (make_pipeline(PCA(5), StandardScaler()), 5, None),
        (make_pipeline(PCA(9), PCA(5), LogisticRegression()), 5, None),
    ],
    ids=one_line,
)
def test_spectrum_marks_the_choice_of_the_estimator(wine, estimator, marked, threshold):
    X, y = wine
    estimator.fit(StandardScaler().fit_transform(X), y)
    display = SpectrumDisplay.from_estimator(estimator)
    assert display.n_components == marked
    assert (display.chosen_line_ is None) == (marked is None)
    assert display.threshold == threshold


def test_spectrum_threshold_chooses():
    display = SpectrumDisplay([0.5, 0.25, 0.15, 0.1], threshold=0.75).plot()
    assert display.n_components == 2
    assert_allclose(display.threshold_line_.get_ydata(), [0.75, 0.75])
    assert SpectrumDisplay([0.5, 0.5], threshold=1.0).n_components == 2
    both = SpectrumDisplay([0.5, 0.25, 0.25], threshold=0.7, n_components=1)
    assert both.n_components == 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_shares_that_add_up_to_one_but_for_rounding(dtype):
    ratio = np.full(7, 1 / 7).astype(dtype)
    assert SpectrumDisplay(ratio, threshold=1.0).n_components == 7


@pytest.mark.parametrize("form", [np.asarray, csr_matrix])
@pytest.mark.parametrize("with_mean", [True, False])
def test_held_out_variance_far_from_the_origin_and_in_any_unit(form, with_mean):
    X, held_out = load_wine().data[::2], load_wine().data[1::2]
    pca = ScaledPCA(5, with_mean=with_mean)
    expected = SpectrumDisplay.from_estimator(pca.fit(X), held_out).held_out_cumulative
    moves = [(1e-200, 0.0), (1e200, 0.0)] + [(1.0, 1e8)] * with_mean
    for unit, offset in moves:
        pca.fit(form(X * unit + offset))
        display = SpectrumDisplay.from_estimator(pca, form(held_out * unit + offset))
        assert_allclose(display.held_out_cumulative, expected, atol=1e-5)
        plt.close("all")


@pytest.mark.parametrize("n_components", [1, 2, 80, 81, 1000])
def test_spectrum_of_any_length(n_components):
    ratio = np.full(n_components, 1 / n_components)
    display = SpectrumDisplay(ratio, n_components=1, estimator_name="X").plot()
    display.figure_.draw_without_rendering()
    assert (display.bars_ is None) == (n_components > 80)
    assert (display.line_ is None) == (n_components <= 80)
    left, right = display.ax_.get_xlim()
    assert left < 1 <= n_components < right
    assert 0 not in display.ax_.get_xticks() or left > 0
    assert display.ax_.get_ylim()[1] > 1
    legend, axes = display.legend_.get_window_extent(), display.ax_.bbox
    assert axes.y0 <= legend.y0
    assert legend.y1 <= axes.y1


@pytest.mark.parametrize(
    "estimator",
    [
        PCA(8),
        PCA(8, whiten=True),
        TruncatedSVD(8, random_state=0),
        ScaledPCA(8),
        ScaledPCA(8, with_mean=False),
        ScaledPCA(8, with_std=False, whiten=True),
        make_pipeline(StandardScaler(), PCA(8)),
    ],
    ids=one_line,
)
def test_spectrum_of_the_training_rows_as_held_out_is_the_spectrum(wine, estimator):
    X = wine[0] + 5.0
    display = SpectrumDisplay.from_estimator(estimator.fit(X), X)
    assert_allclose(display.held_out_cumulative, display.cumulative, rtol=1e-6)
    assert_array_equal(display.held_out_line_.get_ydata(), display.held_out_cumulative)


def test_spectrum_of_held_out_rows_by_reconstruction(rng):
    X = rng.normal(size=(40, 12))
    held_out = rng.normal(size=(500, 12))
    held_out -= held_out.mean(axis=0)
    pca = PCA(6).fit(X - X.mean(axis=0))
    display = SpectrumDisplay.from_estimator(pca, held_out)
    left = held_out - pca.inverse_transform(pca.transform(held_out))
    assert_allclose(
        display.held_out_cumulative[-1], 1 - (left**2).sum() / (held_out**2).sum()
    )
    assert display.held_out_cumulative[-1] < display.cumulative[-1]
    assert len(display.legend_.get_texts()) == 4


def test_spectrum_of_sparse_and_named_held_out_rows(wine):
    X = wine[0]
    frame = pd.DataFrame(X).add_prefix("f")
    expected = SpectrumDisplay.from_estimator(PCA(3).fit(X), X).held_out_cumulative
    for pca in (PCA(3).fit(frame), PCA(3).fit(frame).set_output(transform="pandas")):
        display = SpectrumDisplay.from_estimator(pca, frame)
        assert_allclose(display.held_out_cumulative, expected)
    svd = TruncatedSVD(3, random_state=0).fit(X)
    assert_allclose(
        SpectrumDisplay.from_estimator(svd, csr_matrix(X)).held_out_cumulative,
        SpectrumDisplay.from_estimator(svd, X).held_out_cumulative,
    )


def test_spectrum_on_given_axes_and_again():
    figure, (left, right) = plt.subplots(1, 2)
    display = SpectrumDisplay([0.6, 0.4]).plot(left)
    assert display.ax_ is left
    assert display.figure_ is figure
    assert display.plot(right, name="again") is display
    assert display.ax_ is right
    assert right.get_title() == "again"
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"explained_variance_ratio": []}, r"one share per component; got .* \(0,\)"),
        ({"explained_variance_ratio": [[0.5]]}, r"got an array of shape \(1, 1\)"),
        ({"explained_variance_ratio": [0.5, np.nan]}, "is nan for component 2"),
        ({"explained_variance_ratio": [0.5, -0.1]}, "negative share: -0.1"),
        ({"explained_variance_ratio": [3.0, 1.0]}, "sums to 4, more than 1; pass"),
        ({"n_components": 4}, "between 1 and 3, the number of components"),
        ({"n_components": 0}, "between 1 and 3"),
        ({"n_components": 0.9}, r"must be an integer; got 0.9 \(a share"),
        ({"n_components": True}, "must be an integer; got True"),
        ({"threshold": 90}, r"threshold must be a share in \(0, 1\]; got 90"),
        ({"threshold": 0.9}, "keep 80.0 % of the variance, less than .* 90.0 %; fit"),
        ({"held_out_cumulative": [0.5]}, r"got shape \(1,\) for 3 components"),
    ],
    ids=one_line,
)
def test_spectrum_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        SpectrumDisplay(**({"explained_variance_ratio": [0.5, 0.2, 0.1]} | arguments))


def test_spectrum_refuses_estimators(wine):
    X, y = wine
    from_estimator = SpectrumDisplay.from_estimator
    for unfitted in (PCA(), ScaledPCA(), make_pipeline(StandardScaler(), PCA())):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            from_estimator(unfitted)
    for other in (StandardScaler(), make_pipeline(StandardScaler(), StandardScaler())):
        with pytest.raises(TypeError, match="has no explained_variance_ratio_; pass a"):
            from_estimator(other.fit(X))
    lda = LinearDiscriminantAnalysis().fit(X, y)
    with pytest.raises(TypeError, match="no inverse_transform, which the curve"):
        from_estimator(lda, X)
    with pytest.raises(ValueError, match="its rows are all the same"):
        from_estimator(PCA(2).fit(X), np.ones((5, 13)))
    assert plt.get_fignums() == []


# EmbeddingDisplay: what is drawn


def test_two_columns_are_drawn_as_they_are(wine):
    X, y = wine
    pca = PCA(2).fit(X[::2])
    display = EmbeddingDisplay.from_estimator(pca, X[1::2])
    assert_allclose(offsets(display), pca.transform(X[1::2]))
    assert display.ax_.get_title() == "PCA"
    assert display.ax_.get_xlabel() == "pca0 (100 %)"
    assert display.ax_.get_ylabel() == "pca1 (0.2 %)"
    assert display.legend_ is None
    assert display.colorbar_ is None
    scaled = StandardScaler().fit(X[:, :2])
    display = EmbeddingDisplay.from_estimator(scaled, X[:, :2], y)
    assert display.ax_.get_xlabel() == "x0"


def test_more_columns_are_reduced_by_pca(digits):
    X, y = digits
    display = EmbeddingDisplay.from_estimator(ScaledPCA(20).fit(X), X, y)
    Z = ScaledPCA(20).fit(X).transform(X)
    pca = PCA(2).fit(Z)
    expected = pca.transform(Z)
    for label, scatter in enumerate(display.scatters_):
        assert_allclose(scatter.get_offsets(), expected[y == label], rtol=1e-6)
    share = 100 * pca.explained_variance_ratio_
    assert display.ax_.get_xlabel() == f"PC 1 ({share[0]:.0f} %)"
    assert display.ax_.get_ylabel() == f"PC 2 ({share[1]:.0f} %)"
    assert display.ax_.get_aspect() == 1
    display.figure_.draw_without_rendering()
    unit = display.ax_.transData.transform((1, 1)) - display.ax_.transData.transform(
        (0, 0)
    )
    assert unit[0] == pytest.approx(unit[1], rel=6e-3)


def test_classes_get_a_legend_of_distinct_colors(digits):
    X, y = digits
    display = from_embedding(X, y, label_name="digit")
    texts = [text.get_text() for text in display.legend_.get_texts()]
    assert texts == [str(i) for i in range(10)]
    assert display.legend_.get_title().get_text() == "digit"
    colors = {tuple(scatter.get_facecolor()[0]) for scatter in display.scatters_}
    assert len(colors) == 10
    assert [len(s.get_offsets()) for s in display.scatters_] == list(np.bincount(y))
    assert from_embedding(X, y, legend=False).legend_ is None


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_legend_is_inside_the_figure_and_beside_the_axes(digits, layout):
    X, y = digits
    for y_drawn in (y, np.arange(300) % 40):
        _, ax = plt.subplots(layout=layout)
        display = from_embedding(X, y_drawn, ax=ax)
        for drawn in (display, from_embedding(X, y_drawn)):
            drawn.figure_.draw_without_rendering()
            legend = drawn.legend_.get_window_extent()
            assert legend.x0 >= drawn.ax_.bbox.x1
            assert legend.x1 <= drawn.figure_.bbox.x1
            assert legend.y0 >= 0


def test_many_classes_differ_in_color_and_marker(rng):
    y = np.arange(400) % 50
    display = from_embedding(rng.normal(size=(400, 2)), y)
    looks = {
        (tuple(s.get_facecolor()[0]), s.get_paths()[0].vertices.tobytes())
        for s in display.scatters_
    }
    assert len(looks) == 50
    assert len(display.legend_.get_texts()) == 50


def test_the_smallest_of_too_many_classes_are_others(rng):
    y = np.r_[np.repeat(np.arange(49), 3), np.arange(49, 100)]
    Z = rng.normal(size=(len(y), 2))
    display = from_embedding(Z, y)
    assert len(display.scatters_) == 50
    assert display.legend_.get_texts()[-1].get_text() == "others (51 classes)"
    assert_allclose(display.scatters_[-1].get_offsets(), Z[y >= 49])


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["b", "a", "b", "c"], ["a", "b", "c"]),
        ([True, False, True, True], ["False", "True"]),
        ([1.0, 0.0, 1.0, 0.0], ["0", "1"]),
        ([[3], [1], [2], [1]], ["1", "2", "3"]),
        (np.array([1, "a", 2, "a"], dtype=object), ["1", "2", "a"]),
        (pd.Series(["x", "y", "x", "y"], dtype="category"), ["x", "y"]),
        (pl.Series(["x", "y", "x", "y"]), ["x", "y"]),
        (["_hidden", "$5$", "_hidden", "$5$"], ["$5$", "_hidden"]),
    ],
    ids=one_line,
)
def test_labels_of_every_type_name_classes(labels, names):
    display = from_embedding(np.arange(8.0).reshape(4, 2), labels)
    assert [text.get_text() for text in display.legend_.get_texts()] == names
    display.figure_.draw_without_rendering()


def test_float_labels_get_a_colorbar(wine):
    X, _ = wine
    y = pd.Series(X[:, 0], name="alcohol")
    display = from_embedding(X[:, :2], y, cmap="cividis")
    (scatter,) = display.scatters_
    assert_array_equal(scatter.get_array(), y)
    assert scatter.get_cmap().name == "cividis"
    assert display.colorbar_.ax.get_ylabel() == "alcohol"
    assert display.legend_ is None
    many_whole_numbers = np.arange(len(X), dtype=float)
    assert from_embedding(X, many_whole_numbers).colorbar_ is not None
    assert from_embedding(X, y, legend=False).colorbar_ is None


def test_one_column_is_a_strip_with_a_row_per_class(wine):
    X, y = wine
    pca = PCA(1).fit(X)
    names = np.array(["barolo", "grignolino", "barbera"])[y]
    display = EmbeddingDisplay.from_estimator(pca, X, names)
    rows = ["barbera", "barolo", "grignolino"]
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == rows
    for i, (row, scatter) in enumerate(zip(rows, display.scatters_, strict=True)):
        x, height = scatter.get_offsets().T
        assert_allclose(x, pca.transform(X)[names == row, 0])
        assert (np.abs(height - i) <= 0.3).all()
        assert len(np.unique(height)) == len(height)
    assert display.legend_ is None
    plain = from_embedding(X[:, 0])
    assert len(plain.ax_.get_yticks()) == 0
    assert plain.ax_.get_xlabel() == "dimension 1"


# EmbeddingDisplay: ways to two dimensions


@pytest.mark.parametrize("n_samples", [2, 3, 5, 40])
@pytest.mark.parametrize("n_columns", [2, 70])
def test_tsne_of_few_rows(rng, n_samples, n_columns):
    Z = rng.normal(size=(n_samples, n_columns))
    display = from_embedding(Z, reduce="tsne")
    assert offsets(display).shape == (n_samples, 2)
    assert np.isfinite(offsets(display)).all()
    assert display.ax_.get_xlabel() == "t-SNE 1"
    assert_array_equal(offsets(display), offsets(from_embedding(Z, reduce="tsne")))


def test_random_state_decides_the_picture(rng):
    Z = rng.normal(size=(30, 4))
    Z[:15] += 4
    reduce = TSNE(init="random", perplexity=5)
    one, other = (
        offsets(from_embedding(Z, reduce=reduce, random_state=seed)) for seed in (1, 2)
    )
    assert not np.allclose(one, other)
    assert reduce.random_state is None
    again = offsets(from_embedding(Z, reduce=reduce, random_state=1))
    assert_array_equal(one, again)


def test_a_transformer_reduces(digits):
    X, _ = digits
    display = from_embedding(X, reduce=Isomap(n_neighbors=30))
    assert display.ax_.get_ylabel() == "Isomap 2"
    assert_allclose(offsets(display), Isomap(n_neighbors=30).fit_transform(X))
    strip = from_embedding(X, reduce=PCA(1).set_output(transform="pandas"))
    assert strip.ax_.get_xlabel() == "pca0"


@pytest.mark.parametrize("reduce", ["pca", "tsne"])
def test_sparse_embeddings(rng, reduce):
    dense = np.round(rng.normal(size=(40, 60)).clip(0.8) - 0.8, 3)
    display = from_embedding(csr_matrix(dense), reduce=reduce)
    points = offsets(display)
    if reduce == "pca":
        expected = offsets(from_embedding(dense, reduce=reduce))
        assert_allclose(np.abs(points), np.abs(expected), atol=1e-6)
    assert points.shape == (40, 2)
    assert_array_equal(offsets(from_embedding(csr_matrix(dense[:, :2]))), dense[:, :2])


def test_documents():
    docs = ["the red house", "a red dog", "the dog sleeps", "houses sleep", "red"]
    for tfidf in (TfidfVectorizer(), TfidfVectorizer(max_features=2)):
        display = EmbeddingDisplay.from_estimator(tfidf.fit(docs), docs, texts=docs)
        assert offsets(display).shape == (5, 2)
    assert display.ax_.get_xlabel() == "dog"


@pytest.mark.parametrize("library", ["default", "pandas", "polars"])
@pytest.mark.parametrize("n_components", [1, 2, 5])
def test_output_of_every_library(wine, library, n_components):
    X, _ = wine
    pca = PCA(n_components).fit(X).set_output(transform=library)
    points = offsets(EmbeddingDisplay.from_estimator(pca, X))
    expected = offsets(from_embedding(PCA(n_components).fit_transform(X)))
    assert_allclose(np.abs(points), np.abs(expected), atol=1e-9)


def test_names_of_pipelines(wine):
    X, _ = wine
    pipeline = make_pipeline(StandardScaler(), PCA(2), "passthrough").fit(X)
    display = EmbeddingDisplay.from_estimator(pipeline, X)
    assert display.ax_.get_title() == "PCA"
    assert display.ax_.get_xlabel() == "pca0 (36 %)"
    nameless = make_pipeline(FunctionTransformer(np.log1p), PCA(2)).fit(X)
    display = EmbeddingDisplay.from_estimator(nameless, X, name="mine")
    assert display.ax_.get_xlabel() == "dimension 1"
    assert display.ax_.get_title() == "mine"
    frame = pd.DataFrame(X[:, :2], columns=["alcohol", "acid"])
    assert from_embedding(frame).ax_.get_ylabel() == "acid"


@pytest.mark.parametrize("reduce", ["auto", "pca", "tsne"])
@pytest.mark.parametrize("as_sparse", [False, True])
def test_rows_without_differences(reduce, as_sparse):
    Z = np.ones((6, 3))
    display = from_embedding(csr_matrix(Z) if as_sparse else Z, reduce=reduce)
    assert_array_equal(offsets(display), np.zeros((6, 2)))
    display.figure_.draw_without_rendering()


def test_one_point():
    display = from_embedding([[3.0, 4.0]], ["a"], texts=["only"])
    assert_array_equal(offsets(display), [[3.0, 4.0]])
    assert len(display.texts_) == 1


# EmbeddingDisplay: thumbnails and texts


@pytest.mark.parametrize("shape", [(8, 8), (6, 12), (12, 6, 3), (5, 5, 1), (4, 4, 4)])
@pytest.mark.parametrize("reduce", [None, "pca"])
def test_thumbnails_are_inside_apart_and_undistorted(rng, shape, reduce):
    Z = rng.normal(size=(200, 2)) * (1, 50)
    images = rng.random((200, *shape))
    display = from_embedding(Z, Z[:, 0] > 0, thumbnails=images, reduce=reduce)
    points = np.empty((200, 2))
    for group, scatter in zip(
        (Z[:, 0] <= 0, Z[:, 0] > 0), display.scatters_, strict=True
    ):
        points[group] = scatter.get_offsets()
    display.figure_.draw_without_rendering()
    extents = boxes(display.thumbnails_)
    assert len(extents) >= 5
    assert_apart(extents)
    axes = display.ax_.bbox
    for row, image, box in zip(
        display.thumbnail_rows_, display.thumbnails_, extents, strict=True
    ):
        assert_array_equal(np.squeeze(image.get_array()), np.squeeze(images[row]))
        left, right, bottom, top = image.get_extent()
        assert_allclose([(left + right) / 2, (bottom + top) / 2], points[row])
        assert axes.x0 <= box.x0 < box.x1 <= axes.x1
        assert axes.y0 <= box.y0 < box.y1 <= axes.y1
        # Matplotlib leaves the limits alone within half a per cent.
        assert box.height / box.width == pytest.approx(shape[0] / shape[1], rel=6e-3)
    frames = {tuple(patch.get_edgecolor()) for patch in display.ax_.patches}
    assert frames <= {to_rgba(color) for color in ("#3f90da", "#ffa90e")}


def test_thumbnails_on_given_axes(rng, caplog):
    _, axes = plt.subplots(1, 2, sharex=True, sharey=True)
    images = np.zeros((30, 4, 4), dtype=np.uint8)
    low, high = rng.normal(size=(30, 2)), rng.normal(size=(30, 2)) + 9
    for ax, Z in zip(axes, (low, high), strict=True):
        display = from_embedding(Z, np.linspace(0, 1, 30), ax=ax, thumbnails=images)
    display.figure_.draw_without_rendering()
    assert axes[0].get_xlim() == axes[1].get_xlim()
    assert axes[0].get_xlim()[0] < low[:, 0].min()
    assert axes[0].get_xlim()[1] > high[:, 0].max()
    assert caplog.text == ""


@pytest.mark.parametrize("n_columns", [1, 2])
def test_large_thumbnails_fit(rng, n_columns):
    Z = rng.normal(size=(9, n_columns))
    images = rng.random((9, 9, 2)) < 0.5
    display = from_embedding(Z, thumbnails=images, thumbnail_size=0.5)
    display.figure_.draw_without_rendering()
    axes = display.ax_.bbox
    for box in boxes(display.thumbnails_):
        assert axes.y0 <= box.y0 < box.y1 <= axes.y1


def test_texts_are_inside_and_apart(rng):
    Z = rng.normal(size=(80, 2))
    words = [f"word {i}" for i in range(80)]
    images = rng.random((80, 5, 5))
    for options in ({}, {"thumbnails": images}, {"reduce": "pca"}):
        display = from_embedding(Z, texts=words, **options)
        display.figure_.draw_without_rendering()
        extents = boxes(display.texts_)
        assert 10 < len(extents) < 80
        assert_apart(extents)
        for box in extents:
            assert all(not overlap(box, b) for b in boxes(display.thumbnails_))
            axes = display.ax_.bbox
            assert axes.x0 <= box.x0 < box.x1 <= axes.x1
            assert axes.y0 <= box.y0 < box.y1 <= axes.y1
        drawn = [text.get_text() for text in display.texts_]
        assert drawn == [words[row] for row in display.text_rows_]
        assert drawn[0] == "word 0"
        assert len(display.ax_.texts) == len(drawn)


@pytest.mark.parametrize("n_columns", [1, 2, 5])
def test_no_more_texts_are_made_than_drawn(rng, monkeypatch, n_columns):
    made = []
    annotate = matplotlib.axes.Axes.annotate

    def count(ax, text, *args, **kwargs):
        made.append(text)
        return annotate(ax, text, *args, **kwargs)

    monkeypatch.setattr(matplotlib.axes.Axes, "annotate", count)
    Z = rng.normal(size=(300, n_columns))
    words = [f"{'word' * (i % 4)}{i}" for i in range(300)]
    display = from_embedding(Z, texts=words)
    assert made == [words[row] for row in display.text_rows_]
    assert len(display.ax_.texts) == len(made) < 300


def test_missing_and_empty_texts_are_not_drawn(rng):
    texts = ["", None, np.nan, pd.NA, "here"]
    display = from_embedding(rng.normal(size=(5, 2)), texts=texts)
    assert [text.get_text() for text in display.texts_] == ["here"]
    assert_array_equal(display.text_rows_, [4])


@pytest.mark.parametrize("text", ["one line", "two\nlines", "$x_{", "Ål"])
def test_texts_keep_their_size(text):
    """What was measured is what is drawn: in the middle of the place that it got."""
    display = from_embedding([[0.0, 0], [1, 1]], texts=[text, "other"])
    display.figure_.draw_without_rendering()
    box = display.texts_[0].get_window_extent()
    point = display.ax_.transData.transform([0, 0])
    gap = 4 * display.figure_.dpi / 72
    assert_allclose([box.x0, (box.y0 + box.y1) / 2], point + [gap, 0], atol=1e-6)


def test_texts_are_no_mathematics():
    display = from_embedding([[0.0, 0], [1, 1]], texts=["costs $5 or $6", "x_{"])
    display.figure_.canvas.draw()
    assert len(display.texts_) == 2


def test_spread_rows():
    positions = np.array([[0.0, 0], [0.5, 0], [1.1, 0], [0, 3]])
    rows = spread_rows(positions, (1, 2))
    assert 3 in rows
    assert set(rows) in ({0, 2, 3}, {1, 3})
    assert_array_equal(rows, spread_rows(positions, (1, 2)))


def test_place_labels():
    positions = np.array([[5.0, 5.0], [6.5, 5.0], [5.0, 5.0]])
    sizes = np.full((3, 2), (2.0, 1.0))
    middles = place_labels(positions, sizes, (0, 0, 10, 10), gap=0.5)
    assert_allclose(middles[0], [5.0, 6.0])  # on the right it would cover a point
    assert_allclose(middles[1], [8.0, 5.0])
    assert_allclose(middles[2], [3.5, 5.0])
    full = place_labels(
        positions, sizes, (0, 0, 10, 10), gap=0, obstacles=[(0, 0, 10, 10)]
    )
    assert np.isnan(full).all()
    apart = place_labels(
        positions[:1], sizes[:1], (0, 0, 10, 10), gap=0.5, clearance=np.ones((1, 2))
    )
    assert_allclose(apart, [[7.5, 5.0]])


@pytest.mark.parametrize("n_obstacles", [0, 3])
@pytest.mark.parametrize("grid", [None, 8])
def test_place_labels_by_loops(rng, n_obstacles, grid):
    positions = rng.uniform(0, 10, (120, 2))
    sizes = rng.uniform(0.2, 1.5, (120, 2))
    if grid:  # many equal coordinates, and edges that touch
        positions, sizes = (np.round(x * grid) / grid for x in (positions, sizes))
    clearance = rng.choice([0, 0.3], (120, 1)) * np.ones(2)
    obstacles = [(i, i, i + 0.5, i + 2.0) for i in range(n_obstacles)]
    middles = place_labels(
        positions,
        sizes,
        (0, 0, 10, 10),
        gap=0.25,
        obstacles=obstacles,
        clearance=clearance,
    )
    directions = [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)]
    taken = [tuple(map(float, box)) for box in obstacles]
    for (px, py), (w, h), (cx, cy), middle in zip(
        positions, sizes, clearance, middles, strict=True
    ):
        best = None
        for dx, dy in directions:
            x, y = px + dx * (w / 2 + 0.25 + cx), py + dy * (h / 2 + 0.25 + cy)
            x0, y0, x1, y1 = x - w / 2, y - h / 2, x + w / 2, y + h / 2
            if min(x0, y0) < 0 or max(x1, y1) > 10:
                continue
            if any(a < x1 and b < y1 and c > x0 and d > y0 for a, b, c, d in taken):
                continue
            covered = sum(x0 < a < x1 and y0 < b < y1 for a, b in positions)
            if best is None or covered < best[0]:
                best = (covered, (x, y), (x0, y0, x1, y1))
        if best is None:
            assert np.isnan(middle).all()
        else:
            assert_allclose(middle, best[1])
            taken.append(best[2])
    assert 20 < len(taken) < 120


# What is refused, and what is left alone


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"Z": np.empty((0, 2))}, r"one row per point .* shape \(0, 2\)"),
        ({"Z": np.empty((3, 0))}, r"shape \(3, 0\)"),
        ({"Z": np.zeros((3, 2, 2))}, r"shape \(3, 2, 2\)"),
        ({"Z": [[1, 2], [np.nan, 2]]}, "values in 1 of 2 rows, the first in row 1"),
        (
            {"Z": csr_matrix([[np.inf, 2], [0, 2]])},
            "in 1 of 2 rows, the first in row 0",
        ),
        ({"Z": [["a", "b"]]}, "could not convert string to float"),
        ({"Z": np.zeros((1, 3))}, "needs at least two rows; got one"),
        ({"Z": np.zeros((4, 3)), "reduce": None}, "3 columns and reduce=None draws at"),
        ({"reduce": "umap"}, "'auto', 'pca', 'tsne', None or a transformer .* 'umap'"),
        ({"reduce": PCA(3), "Z": np.eye(4)}, "PCA given as reduce gives 3 columns"),
        ({"y": [0, 1]}, "labels has 2 values for the 4 rows of the embedding"),
        ({"y": [0, 1, None, 1]}, "1 missing or infinite values, the first in row 2"),
        (
            {"y": [0, 1, 0.5, np.nan]},
            "1 missing or infinite values, the first in row 3",
        ),
        ({"y": pd.array([0, None, 1, 1])}, "missing .* first in row 1; name them"),
        ({"y": np.zeros((4, 2))}, r"one value per row; got an array of shape \(4, 2\)"),
        ({"texts": ["a"]}, "texts has 1 values for the 4 rows"),
        ({"texts": "abcd"}, "not a single string"),
        ({"thumbnails": np.zeros((3, 2, 2))}, "thumbnails has 3 values for the 4 rows"),
        ({"thumbnails": np.zeros((4, 4))}, r"must have shape .* got \(4, 4\)"),
        ({"thumbnails": np.zeros((4, 4, 4, 2))}, r"got \(4, 4, 4, 2\)"),
        ({"thumbnails": np.zeros((4, 0, 4))}, r"no pixels: shape \(4, 0, 4\)"),
        ({"thumbnails": [np.zeros((2, i, 3)) for i in (1, 2, 3, 4)]}, "the same shape"),
        ({"thumbnails": np.full((4, 2, 2), np.nan)}, "thumbnails has NaN"),
        ({"thumbnails": np.full((4, 2, 2, 3), 255)}, r"uint8 or floats in \[0, 1\]"),
        ({"thumbnail_size": 2}, r"thumbnail_size must be a share in \(0, 0.5\]; got 2"),
    ],
    ids=one_line,
)
def test_embedding_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        from_embedding(**({"Z": np.arange(8.0).reshape(4, 2)} | arguments))
    assert plt.get_fignums() == []


def test_embedding_refuses_estimators(wine):
    X, y = wine
    from_estimator = EmbeddingDisplay.from_estimator
    with pytest.raises(NotFittedError, match="not fitted yet"):
        from_estimator(ScaledPCA(), X)
    for no_transform in (TSNE(), LogisticRegression(), make_pipeline(TSNE())):
        with pytest.raises(TypeError, match="has no transform; pass a transformer"):
            from_estimator(no_transform, X)
    with pytest.raises(ValueError, match="labels has 100 values for the 178 rows"):
        from_estimator(PCA(2).fit(X), X, y[:100])


def test_the_constructor_reduces_nothing():
    with pytest.raises(ValueError, match=r"got 3; EmbeddingDisplay\.from_embedding"):
        EmbeddingDisplay(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="axis_labels has 1 names for 2 columns"):
        EmbeddingDisplay(np.zeros((2, 2)), axis_labels=["x"])
    display = EmbeddingDisplay([[1, 2]], axis_labels=["x", "y"], estimator_name="E")
    assert display.plot(name="F").ax_.get_title() == "F"


@pytest.mark.parametrize("random_state", [0, None])
def test_inputs_and_global_generators_are_left_alone(digits, random_state):
    X, y = (array[:60].copy() for array in digits)
    X.flags.writeable = y.flags.writeable = False
    texts, thumbnails = [str(label) for label in y], X.reshape(-1, 8, 8)
    before = global_state()
    for reduce in ("pca", "tsne", TSNE(init="random", perplexity=10)):
        EmbeddingDisplay.from_estimator(
            ScaledPCA(5).fit(X),
            X,
            y,
            reduce=reduce,
            texts=texts,
            thumbnails=thumbnails,
            random_state=random_state,
        )
    SpectrumDisplay.from_estimator(ScaledPCA(5).fit(X), X)
    after = global_state()
    assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_a_display_is_drawn_again_without_the_first_axes(digits):
    X, y = digits
    display = from_embedding(X, y, thumbnails=X.reshape(-1, 8, 8), texts=y)
    first = display.ax_
    _, ax = plt.subplots()
    assert display.plot(ax, thumbnail_size=0.1) is display
    assert display.ax_ is ax
    assert all(image.axes is ax for image in display.thumbnails_)
    assert len(first.images) > len(display.thumbnails_)


@pytest.mark.parametrize(
    ("display", "caller"),
    [
        (SpectrumDisplay([0.6, 0.4]), "SpectrumDisplay.plot"),
        (EmbeddingDisplay(np.zeros((3, 2))), "EmbeddingDisplay.plot"),
    ],
    ids=["spectrum", "embedding"],
)
def test_without_matplotlib(monkeypatch, display, caller):
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = rf"{caller} needs matplotlib; .*: pip install 'sklearn-replearn\[plot\]'"
    with pytest.raises(ImportError, match=message):
        display.plot()


def test_nonnegative_factors_are_drawn_too(digits):
    X, y = digits
    nmf = NMF(2, random_state=0, max_iter=1000, tol=1e-2).fit(X)
    display = EmbeddingDisplay.from_estimator(nmf, X, y)
    assert display.ax_.get_xlabel() == "nmf0"
