"""The classic kernels: their values, and what they promise."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_replearn.image._kernels import (
    CLASSIC,
    classic_kernels,
    with_one_size,
)

SIDES = (1, 2)


def kernels(name, n_sides):
    return classic_kernels([name], n_sides)[0]


def as_rows(name, n_sides):
    found = kernels(name, n_sides)
    return found.reshape(len(found), -1)


def test_edges_of_images():
    diagonal, cross, around = kernels("edges", 2)
    assert_array_equal(diagonal, [[1, 0, -1], [0, 0, 0], [-1, 0, 1]])
    assert_array_equal(cross, [[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    assert_array_equal(around, [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])


def test_edges_of_signals():
    assert_array_equal(kernels("edges", 1), [[-1, 0, 1], [1, 0, -1], [-1, 2, -1]])


def test_sobel():
    x, y = kernels("sobel", 2)
    assert_array_equal(x, [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    assert_array_equal(y, x.T)
    assert_array_equal(kernels("sobel", 1), [[-1, -2, 0, 2, 1]])


def test_sharpen_and_blurs():
    assert_array_equal(kernels("sharpen", 2)[0], [[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    assert_array_equal(kernels("sharpen", 1)[0], [-1, 3, -1])
    assert_allclose(kernels("box", 2)[0], np.full((3, 3), 1 / 9))
    assert_allclose(kernels("gaussian", 1)[0], [0.25, 0.5, 0.25])
    expected = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    assert_allclose(kernels("gaussian", 2)[0], expected)


@pytest.mark.parametrize("n_sides", SIDES)
def test_sums(n_sides):
    """A constant image stays as it is when blurred or sharpened, and has no edges."""
    for name in ("box", "gaussian", "sharpen"):
        assert_allclose(as_rows(name, n_sides).sum(axis=1), 1)
    for name in ("edges", "sobel", "gabor", "fourier"):
        assert_allclose(as_rows(name, n_sides).sum(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize("n_sides", SIDES)
@pytest.mark.parametrize("name", ["haar", "daubechies", "fourier"])
def test_orthonormal(name, n_sides):
    rows = as_rows(name, n_sides)
    assert_allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-12)


@pytest.mark.parametrize("n_sides", SIDES)
def test_haar_and_fourier_span_their_windows(n_sides):
    rows = as_rows("haar", n_sides)
    assert rows.shape == (2**n_sides,) * 2
    rows = as_rows("fourier", n_sides)
    n = rows.shape[1]
    constant = np.full((n, n), 1 / n)  # the one direction that has no pair
    assert_allclose(rows.T @ rows, np.eye(n) - constant, atol=1e-12)


def test_haar():
    low, high = kernels("haar", 1)
    assert_allclose(low, np.array([1, 1]) / np.sqrt(2))
    assert_allclose(high, np.array([1, -1]) / np.sqrt(2))
    assert_allclose(kernels("haar", 2)[1], [[0.5, -0.5], [0.5, -0.5]])
    assert classic_kernels(["haar"], 2)[1] == [
        "haar_low_low",
        "haar_low_high",
        "haar_high_low",
        "haar_high_high",
    ]


def test_daubechies():
    """Two vanishing moments, and orthogonal to itself two values further on."""
    low, high = kernels("daubechies", 1)
    assert_allclose(low, [0.482963, 0.836516, 0.224144, -0.129410], atol=1e-6)
    places = np.arange(4)
    assert_allclose([high.sum(), high @ places], 0, atol=1e-12)
    assert_allclose(low.sum(), np.sqrt(2))
    for a, b in ((low, low), (high, high), (low, high), (high, low)):
        assert_allclose(a[2:] @ b[:2], 0, atol=1e-12)
    assert_allclose(kernels("daubechies", 2)[2], np.outer(high, low))


def test_gabor():
    """Written out, pixel by pixel."""
    found, names, _ = classic_kernels(["gabor"], 2)
    assert names[2:4] == ["gabor_45_cosine", "gabor_45_sine"]
    assert found.shape == (8, 7, 7)
    even, odd = np.empty((7, 7)), np.empty((7, 7))
    for row in range(7):
        for column in range(7):
            x, y = column - 3, row - 3
            along = (x + y) / np.sqrt(2)
            envelope = np.exp(-(x**2 + y**2) / 8)
            even[row, column] = envelope * np.cos(2 * np.pi * along / 4)
            odd[row, column] = envelope * np.sin(2 * np.pi * along / 4)
    envelope = np.exp(-(np.square(np.indices((7, 7)) - 3).sum(axis=0)) / 8)
    even -= envelope * even.sum() / envelope.sum()
    assert_allclose(found[2], even / np.linalg.norm(even))
    assert_allclose(found[3], odd / np.linalg.norm(odd), atol=1e-12)
    assert_allclose(found[4], found[0].T, atol=1e-12)
    assert_allclose(found[:, ::-1, ::-1][::2], found[::2], atol=1e-12)
    assert_allclose(found[:, ::-1, ::-1][1::2], -found[1::2], atol=1e-12)
    assert_allclose(np.linalg.norm(kernels("gabor", 1), axis=1), 1)


def test_fourier():
    found, names, _ = classic_kernels(["fourier"], 1)
    places = np.arange(7)
    for frequency in (1, 2, 3):
        phase = 2 * np.pi * frequency * places / 7
        at = names.index(f"fourier_{frequency}_cosine")
        assert_allclose(found[at], np.sqrt(2 / 7) * np.cos(phase))
        assert_allclose(found[at + 1], np.sqrt(2 / 7) * np.sin(phase), atol=1e-12)
    found, names, _ = classic_kernels(["fourier"], 2)
    y, x = np.indices((5, 5))
    expected = np.sqrt(2) / 5 * np.sin(2 * np.pi * (2 * y - x) / 5)
    assert_allclose(found[names.index("fourier_2_-1_sine")], expected, atol=1e-12)
    assert len(found) == 24


@pytest.mark.parametrize("n_sides", SIDES)
def test_pairs_have_one_owner(n_sides):
    _, names, owners = classic_kernels(CLASSIC, n_sides)
    assert len(names) == len(set(names)) == {1: 19, 2: 48}[n_sides]
    stems = [name.removesuffix("_cosine").removesuffix("_sine") for name in names]
    expected = [list(dict.fromkeys(stems)).index(stem) for stem in stems]
    assert_array_equal(owners, expected)


def test_smaller_kernels_lie_in_the_middle():
    stacked = with_one_size([np.ones((2, 3)), np.full((1, 1), 2.0), np.ones((5, 4))])
    assert stacked.shape == (3, 5, 4)
    assert_array_equal(np.argwhere(stacked[1]), [[2, 1]])
    assert_array_equal(np.unique(np.nonzero(stacked[0])[0]), [1, 2])
    assert_array_equal(np.unique(np.nonzero(stacked[0])[1]), [0, 1, 2])
    assert_array_equal(stacked.sum(axis=(1, 2)), [6, 2, 20])
