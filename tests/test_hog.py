"""HOG: against scikit-image, against loops, and what it makes of its input."""

import tracemalloc

import numpy as np
import pytest
from image_forms import FORMS, SUITE_FORMS, expected_failures
from numpy.testing import assert_allclose, assert_array_equal
from skimage import feature
from sklearn.exceptions import NotFittedError

from sklearn_replearn.image import HOG
from sklearn_replearn.image._hog import N_VALUES_AT_A_TIME, normalize_blocks
from sklearn_replearn.utils.estimator_checks import (
    CheckData,
    check_representation_estimator,
    make_check_data,
)

NORMS = ["L1", "L1-sqrt", "L2", "L2-Hys"]


def images(*shape, n=5, seed=0):
    return np.random.default_rng(seed).uniform(size=(n, *shape))


def as_bytes(X):
    return np.rint(255 * X).astype(np.uint8)


def by_scikit_image(X, *, cell_size, block_size, block_norm="L2-Hys", **options):
    return np.array(
        [
            feature.hog(
                image,
                pixels_per_cell=cell_size,
                cells_per_block=block_size,
                block_norm=block_norm,
                channel_axis=-1 if image.ndim == 3 else None,
                **options,
            )
            for image in X
        ]
    )


# ---------------------------------------------------------------------------
# The formula
# ---------------------------------------------------------------------------

#: What is given, and what scikit-image is given.
DTYPES = {
    "float64": (np.asarray, np.asarray),
    "float32": (np.float32, np.float32),
    "bytes": (as_bytes, lambda X: as_bytes(X) / 255),
}

#: scikit-image adds the pixels of a cell up in single precision.
CLOSE = 1e-6


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("block_norm", NORMS)
@pytest.mark.parametrize(
    ("shape", "cell_size", "block_size"),
    [
        ((28, 28), (4, 4), (2, 2)),
        ((24, 15, 3), (8, 5), (3, 2)),
        ((9, 12, 2), (3, 2), (1, 3)),
        ((16, 16, 1), (8, 8), (2, 2)),
        ((3, 4), (1, 1), (2, 2)),
    ],
)
def test_equals_scikit_image(shape, cell_size, block_size, block_norm, dtype):
    convert, as_seen = DTYPES[dtype]
    X = images(*shape)
    options = {
        "cell_size": cell_size,
        "block_size": block_size,
        "block_norm": block_norm,
        "transform_sqrt": block_norm == "L1",
    }
    Z = HOG(**options).fit_transform(convert(X))
    expected = by_scikit_image(as_seen(X), **options)
    assert Z.dtype == expected.dtype
    assert_allclose(Z, expected, atol=CLOSE)


@pytest.mark.parametrize("n_orientations", [1, 2, 6, 9, 18])
def test_numbers_of_orientations_equal_scikit_images(n_orientations):
    X = images(12, 12)
    hog = HOG(n_orientations).fit(X)
    assert hog.output_shape_ == (2, 2, 2, 2, n_orientations)
    expected = by_scikit_image(
        X, orientations=n_orientations, cell_size=(4, 4), block_size=(2, 2)
    )
    assert_allclose(hog.transform(X), expected, atol=CLOSE)


def test_cells_that_do_not_fill_the_image_as_scikit_image_has_them():
    X = images(13, 18, 3)
    options = {"cell_size": (4, 5), "block_size": (2, 2)}
    with pytest.warns(UserWarning, match="cover the first 12 x 15 pixels of 13 x 18"):
        hog = HOG(**options).fit(X)
    assert_allclose(hog.transform(X), by_scikit_image(X, **options), atol=CLOSE)


def by_loops(image, n_bins, cell, block, period):
    """The definition, for one image of shape (height, width, channels)."""
    height, width, n_channels = image.shape
    cells = np.zeros((height // cell, width // cell, n_bins))
    for i in range(cells.shape[0] * cell):
        for j in range(cells.shape[1] * cell):
            down = across = 0.0
            for c in range(n_channels):
                a = b = 0.0
                if 0 < i < height - 1:
                    a = image[i + 1, j, c] - image[i - 1, j, c]
                if 0 < j < width - 1:
                    b = image[i, j + 1, c] - image[i, j - 1, c]
                if a**2 + b**2 > down**2 + across**2:
                    down, across = a, b
            angle = np.degrees(np.arctan2(down, across)) % period
            k = int(angle // (period / n_bins))
            cells[i // cell, j // cell, k] += np.hypot(down, across) / cell**2
    parts = []
    for i in range(cells.shape[0] - block + 1):
        for j in range(cells.shape[1] - block + 1):
            v = cells[i : i + block, j : j + block].ravel()
            v = v / np.sqrt((v**2).sum() + 1e-10)
            v = np.minimum(v, 0.2)
            parts.append(v / np.sqrt((v**2).sum() + 1e-10))
    return np.concatenate(parts)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_equals_loops(n_channels, signed):
    X = images(8, 10, n_channels)
    Z = HOG(7, cell_size=2, signed=signed).fit_transform(X)
    period = 360 if signed else 180
    assert_allclose(Z, [by_loops(x, 7, 2, 2, period) for x in X], atol=1e-12)


def test_norms_by_hand():
    v = np.array([3.0, 0.0, 4.0])
    for norm, expected in {
        "L1": v / 7,
        "L1-sqrt": np.sqrt(v / 7),
        "L2": v / 5,
        "L2-Hys": np.array([1, 0, 1]) / np.sqrt(2),
    }.items():
        assert_allclose(normalize_blocks(v, norm), expected, atol=1e-4)
        assert_array_equal(normalize_blocks(0 * v, norm), 0)


def test_directions_of_ramps():
    """Brighter to the right, down, to the left, up: 0, 90, 180 and 270 degrees."""
    ramp = np.tile(np.arange(6.0), (6, 1))
    X = np.array([ramp, ramp.T, ramp[:, ::-1], ramp.T[::-1]])

    def bins(**options):
        hog = HOG(4, cell_size=6, block_size=1, block_norm="L1", **options)
        Z = hog.fit_transform(X)
        assert_allclose(Z.sum(axis=1), 1, atol=1e-4)
        return Z.argmax(axis=1).tolist()

    assert bins(signed=True) == [0, 1, 2, 3]
    assert bins(signed=False) == [0, 2, 0, 2]


@pytest.mark.parametrize("signed", [False, True])
def test_angles_just_below_the_axis_are_in_a_bin(signed):
    """Rounding takes them to the end of the circle, which is its start."""
    image = np.zeros((3, 3, 1))
    image[1, 2] = 1
    image[2, 1] = -1e-20
    Z = HOG(signed=signed, cell_size=3, block_size=1).fit_transform(image[np.newaxis])
    assert Z[0, 0] > 0.99


def test_contrast_and_mean_do_not_matter():
    X = images(12, 12)
    expected = HOG().fit_transform(X)
    assert_allclose(HOG().fit_transform(5 * X + 3), expected, atol=1e-5)
    assert_allclose(HOG().fit(X).transform(X / 2 + 0.4), expected, atol=1e-5)


def test_flat_images_have_zeros():
    assert_array_equal(HOG().fit_transform(np.full((3, 8, 8), 0.7)), 0)
    assert_array_equal(HOG().fit_transform(np.full((3, 8), 0.7)), 0)


# ---------------------------------------------------------------------------
# Signals
# ---------------------------------------------------------------------------


def test_signals_rise_and_fall():
    X = np.array([[0.0, 1, 3, 3, 1, 0, 0, 0]])
    hog = HOG(cell_size=4, block_size=1, block_norm="L1").fit(X)
    assert hog.output_shape_ == (2, 1, 2)
    # Differences of the neighbours: 0, 3, 2, -2 | -3, -1, 0, 0.
    expected = [[5 / 7, 2 / 7, 0, 1]]
    assert_allclose(hog.transform(X), expected, atol=1e-4)


def test_signals_have_blocks_of_cells():
    X = images(20)
    hog = HOG(cell_size=5, block_size=3, block_norm="L2").fit(X)
    assert hog.output_shape_ == (2, 3, 2)
    assert hog.image_shape_ == (20, 1)
    g = np.zeros_like(X)
    g[:, 1:-1] = X[:, 2:] - X[:, :-2]
    parts = np.stack([np.maximum(g, 0), np.maximum(-g, 0)], axis=-1)
    cells = parts.reshape(5, 4, 5, 2).mean(axis=2)
    for start in (0, 1):
        v = cells[:, start : start + 3].reshape(5, -1)
        v = v / np.sqrt((v**2).sum(axis=1, keepdims=True) + 1e-10)
        found = hog.transform(X).reshape(5, 2, -1)[:, start]
        assert_allclose(found, v, atol=1e-12)


# ---------------------------------------------------------------------------
# Forms of images
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("n_channels", [1, 3])
def test_forms_of_images_give_the_same_bits(n_channels):
    X = images(8, 12, n_channels)
    rows = X.reshape(len(X), -1)
    hog = HOG().fit(X)
    assert hog.image_shape_ == (8, 12, n_channels)
    expected = hog.transform(X)
    flat = HOG(image_shape=(8, 12, n_channels)).fit(rows)
    for found in (flat.transform(rows), flat.transform(X), hog.transform(rows)):
        assert_array_equal(found, expected)
    if n_channels == 1:
        assert_array_equal(HOG().fit_transform(X[..., 0]), expected)
        assert_array_equal(HOG(image_shape=[8, 12]).fit_transform(rows), expected)
    for other in (np.asfortranarray(X), X.tolist()):
        assert_array_equal(hog.transform(other), expected)


def test_rows_have_the_axes_of_output_shape():
    X = images(8, 16)
    hog = HOG(cell_size=4, block_size=(1, 2)).fit(X)
    assert hog.output_shape_ == (2, 3, 1, 2, 9)
    assert hog.cell_shape_ == (4, 4)
    Z = hog.transform(X).reshape(-1, *hog.output_shape_)
    assert Z.shape == (5, 2, 3, 1, 2, 9)
    assert len(hog.get_feature_names_out()) == 108
    # Other pixels in the upper right cell are seen in the last block of the first row.
    X[:, 1:3, 13:15] = 0
    moved = hog.transform(X).reshape(Z.shape)
    assert_array_equal(np.argwhere((moved != Z).any(axis=(0, 3, 4, 5))), [[0, 2]])


def test_bytes_are_read_as_numbers_from_0_to_1():
    X = as_bytes(images(8, 8, 3))
    for options in ({}, {"transform_sqrt": True}):
        hog = HOG(**options).fit(X)
        assert_array_equal(hog.transform(X), hog.transform(X / 255))


def test_a_row_is_the_same_in_any_batch():
    X = images(20, 20, n=2 * N_VALUES_AT_A_TIME // 400 + 7)
    hog = HOG().fit(X)
    whole = hog.transform(X)
    for rows in ([0], [3, 200, 5], slice(160, None), slice(None, None, -1)):
        assert_array_equal(hog.transform(X[rows]), whole[rows])


@pytest.mark.parametrize("method", ["fit", "transform"])
def test_bytes_are_not_copied_to_floats(method):
    X = np.random.default_rng(0).integers(256, size=(3000, 32, 32), dtype=np.uint8)
    hog = HOG(cell_size=16, block_size=1).fit(X[:10])
    tracemalloc.start()
    try:
        getattr(hog, method)(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.5 * 8 * X.size


# ---------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((9, 9), {"cell_size": (4, 4, 4)}, r"cell_size must be .*one or two; got \(4"),
        ((9, 9), {"cell_size": (4, 0)}, r"cell_size must be .*at least 1.*got \(4, 0"),
        ((9, 9), {"block_size": [1, 1.5]}, r"block_size must be whole .*got \[1, 1.5"),
        ((9,), {"cell_size": (1, 4)}, r"for signals a single one; got \(1, 4\)"),
        ((9, 9), {"cell_size": 0}, "'cell_size' parameter of HOG must be"),
        ((9, 9), {"n_orientations": 0}, "'n_orientations' parameter of HOG must be"),
        ((9, 9), {"block_norm": "l2"}, "'block_norm' parameter of HOG must be"),
        ((9, 9), {"image_shape": (3, 3)}, r"images of shape \(9, 9\), but image_shape"),
        ((81,), {"image_shape": (9, 8)}, r"rows of 81 values, but .* makes 72"),
        ((3, 9, 9), {}, "channels first; here they come last"),
    ],
)
def test_bad_input(shape, options, message):
    with pytest.raises(ValueError, match=message):
        HOG(**options).fit(images(*shape))


@pytest.mark.filterwarnings("ignore:Cells of")  # that the sides are odd
@pytest.mark.parametrize(
    ("shape", "options", "cells", "blocks", "said"),
    [
        (
            (7, 9),
            {},
            (3, 4),
            (2, 2),
            "8 x 8 pixels, but X has 7 x 9 pixels: cells of 3",
        ),
        ((16, 2), {"cell_size": 8}, (8, 1), (2, 2), "16 x 16 pixels, but X has 16 x 2"),
        ((2, 2), {"block_size": 3}, (1, 1), (2, 2), "1 x 1 pixels .* 2 x 2 cells."),
        ((7,), {}, (3,), (2,), "8 values, but X has 7 values: cells of 3 values"),
        ((1,), {}, (1,), (1,), "cells of 1 values are used, in blocks of 1 cells"),
    ],
)
def test_images_smaller_than_a_block(shape, options, cells, blocks, said):
    X = images(*shape)
    with pytest.warns(UserWarning, match=said) as caught:
        hog = HOG(**options).fit(X)
    assert caught[0].filename == __file__
    assert hog.cell_shape_ == cells
    assert hog.output_shape_[len(cells) : -1] == blocks
    same = HOG(**{**options, "cell_size": cells, "block_size": blocks})
    if len(cells) == 1:
        same.set_params(cell_size=cells[0], block_size=blocks[0])
    assert_array_equal(hog.transform(X), same.fit_transform(X))


def test_square_roots_of_negative_values():
    X = images(8, 8)
    X[3, 2, 2] = -0.5
    message = "row 3 of X holds the negative value -0.5; shift X, or set"
    with pytest.raises(ValueError, match=message):
        HOG(transform_sqrt=True).fit(X)
    hog = HOG(transform_sqrt=True).fit(X[:3])
    with pytest.raises(ValueError, match="row 0 of X"):
        hog.transform(X[3:])
    HOG().fit(X)


def test_other_images_than_in_fit():
    X = images(8, 9)
    with pytest.warns(UserWarning, match="take a size that divides, or crop or pad"):
        hog = HOG().fit(X)
    with pytest.raises(ValueError, match=r"fit has seen images of shape \(8, 9, 1\)"):
        hog.transform(images(9, 8))
    with pytest.raises(NotFittedError):
        HOG().transform(X)
    with pytest.raises(ValueError, match="contains NaN"):
        hog.transform(np.full_like(X, np.nan))


def test_a_fit_that_fails_changes_nothing():
    X = images(8, 8)
    hog = HOG().fit(X)
    before = vars(hog).copy()
    with pytest.raises(ValueError, match="whole numbers of at least 1, one or two"):
        hog.set_params(cell_size=(4, 0)).fit(images(7, 7))
    hog.set_params(cell_size=4)
    assert vars(hog) == before


def test_parameters_may_change_after_the_fit():
    X = images(8, 8)
    hog = HOG().fit(X)
    expected = hog.transform(X)
    hog.set_params(cell_size=1, block_size=1, n_orientations=3, image_shape=(4, 16))
    assert_array_equal(hog.transform(X), expected)


# ---------------------------------------------------------------------------
# The suite
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", SUITE_FORMS)
def test_our_suite_on_images(form):
    table = make_check_data(HOG(), n_samples=60)
    rng = np.random.default_rng(0)
    X, rows = (FORMS[form](rng.uniform(size=(n, 12, 12))) for n in (60, 20))
    check_representation_estimator(
        HOG(),
        data=CheckData("image", X, table.y, rows),
        expected_failed_checks=expected_failures(form),
    )
