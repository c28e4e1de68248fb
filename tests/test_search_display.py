"""SearchDisplay and the map of two views: what is drawn, and bad input."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.multiview import CLIP
from sklearn_replearn.plotting import EmbeddingDisplay, SearchDisplay
from sklearn_replearn.retrieval import EmbeddingIndex

plt = pytest.importorskip("matplotlib.pyplot")

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.fixture(scope="module")
def images():
    return load_digits().images[:80]


@pytest.fixture(scope="module")
def clip(images):
    names = [WORDS[number] for number in load_digits().target[:80]]
    model = CLIP(8, max_epochs=3, hidden_layer_sizes=(8,), random_state=0)
    groups = load_digits().target[:80]
    return model.fit(images.reshape(80, -1), names, groups=groups)


@pytest.fixture(scope="module")
def index(clip, images):
    return EmbeddingIndex(FrozenEstimator(clip)).fit(images.reshape(80, -1))


def test_what_is_found_is_drawn(index, images):
    queries = ["seven", ["one", ("two", -1.0)], [3, ("zero", 2.0)], images[0].ravel()]
    display = SearchDisplay.from_index(index, queries, images, topn=5, show_values=True)
    for query, found, values in zip(
        queries, display.positions, display.values, strict=True
    ):
        pairs = index.search(query, topn=5)
        assert found.tolist() == [position for position, _ in pairs]
        assert values.tolist() == [value for _, value in pairs]
    minus = "\N{MINUS SIGN}"
    expected = ["seven", f"one {minus} two", "item 3 + 2 zero", "query"]
    assert display.queries == expected
    ticks = [tick.get_text() for tick in display.ax_.get_yticklabels()]
    assert ticks[0] == "seven"
    np.testing.assert_array_equal(display.found, images[display.positions])
    assert display.figure_ is display.ax_.figure
    assert display.ax_.get_title() == "CLIP"


def test_rows_are_images_by_their_shape(index, images):
    display = SearchDisplay.from_index(
        index, ["one"], images.reshape(80, -1), image_shape=(8, 8), name="Digits"
    )
    assert display.found.shape == (1, 8, 8, 8)
    assert display.ax_.get_title() == "Digits"
    plain = EmbeddingIndex().fit(images.reshape(80, -1))
    display = SearchDisplay.from_index(plain, [0, 1], images, topn=3)
    assert display.positions.shape == (2, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"queries": "one"}, "queries must be a list of at least one; got 'one'"),
        ({"queries": []}, "queries must be a list of at least one"),
        ({"items": np.zeros((3, 8, 8))}, "items has 3 rows, but the index 80 items"),
        ({"items": np.zeros((80, 64))}, "which are rows; pass images, or image_shape"),
        ({"topn": 0}, "topn"),
    ],
)
def test_bad_input(index, images, change, message):
    given = {"index": index, "queries": ["one"], "items": images} | change
    with pytest.raises(ValueError, match=message):
        SearchDisplay.from_index(**given)


def test_bad_shapes():
    with pytest.raises(ValueError, match="in shape"):
        SearchDisplay(np.zeros((2, 8, 8)), ["a", "b"])
    with pytest.raises(ValueError, match="queries must be one per row of found"):
        SearchDisplay(np.zeros((2, 3, 8, 8)), ["a"])
    with pytest.raises(ValueError, match="values has shape"):
        SearchDisplay(np.zeros((1, 3, 8, 8)), ["a"], values=np.zeros((1, 2)))


def test_a_map_of_two_views(clip, images):
    rows = images.reshape(80, -1)
    display = EmbeddingDisplay.from_two_views(
        clip, rows, WORDS, thumbnails=images, view_names=("images", "words")
    )
    assert len(display.embedding) == 90
    names = [text.get_text() for text in display.legend_.get_texts()]
    assert names == ["images", "words"]
    assert set(display.thumbnail_rows_) <= set(range(80))
    assert len(display.thumbnails_) > 3
    assert set(display.text_rows_) <= set(range(80, 90))
    assert len(display.texts_) > 3
    for row, picture in zip(display.thumbnail_rows_, display.thumbnails_, strict=True):
        np.testing.assert_array_equal(picture.get_array(), images[row])
        left, right, bottom, top = picture.get_extent()
        middle = (left + right) / 2, (bottom + top) / 2
        np.testing.assert_allclose(middle, display.embedding[row], atol=1e-6)


def test_a_map_needs_two_views(images):
    rows = images.reshape(80, -1)
    pca = ScaledPCA(3).fit(rows)
    with pytest.raises(TypeError, match="ScaledPCA has no transform_y"):
        EmbeddingDisplay.from_two_views(pca, rows, rows)


def test_some_points_have_no_picture(images):
    Z = np.random.default_rng(0).normal(size=(3, 2))
    display = EmbeddingDisplay.from_embedding(Z, thumbnails=[None, images[1], None])
    assert display.thumbnail_rows_.tolist() == [1]
    with pytest.raises(ValueError, match="thumbnails"):
        EmbeddingDisplay.from_embedding(Z, thumbnails=[None, images[1]])
