"""Augmentation: what each change does to an image, and what it leaves alone."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from sklearn_replearn._deep.input import augment
from sklearn_replearn._deep.input.augment import (
    AMOUNTS,
    Augmentation,
    read_amounts,
    resample,
)


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture
def images():
    return torch.rand(40, 3, 6, 8)


#: Those of images and signals.
CHANGES_OF_PLACES_AND_VALUES = [name for name in AMOUNTS if name != "corrupt"]


def changed(x, **amounts):
    return Augmentation(amounts, spread=0.3)(x)


@pytest.mark.parametrize("shape", [(20, 1, 9), (20, 1, 6, 8), (20, 3, 6, 8)])
@pytest.mark.parametrize("name", CHANGES_OF_PLACES_AND_VALUES)
def test_every_change_keeps_the_shape_and_differs_by_image(name, shape):
    if name == "rotate" and len(shape) == 3:
        pytest.skip("signals are not rotated")
    x = torch.rand(shape[1:]).expand(shape).contiguous()
    before = x.clone()
    result = changed(x, **{name: AMOUNTS[name]})
    assert result.shape == x.shape
    assert torch.equal(x, before)
    assert len(torch.unique(result, dim=0)) > 1


def test_corruption_takes_values_of_the_same_column():
    rows = torch.arange(50.0)[:, None] + torch.tensor([0.0, 1000.0, 2000.0])
    x = torch.full((2000, 3), -1.0)
    result = Augmentation({"corrupt": 0.3}, spread=1.0, rows=rows)(x)
    is_other = result != x
    assert is_other.float().mean() == pytest.approx(0.3, abs=0.03)
    for column in range(3):
        values = result[is_other[:, column], column]
        assert torch.isin(values, rows[:, column]).all()
        assert len(values.unique()) == 50


def test_flip_exchanges_left_and_right_of_about_half(images):
    result = changed(images, flip=0.5)
    flipped = (result == images.flip(-1)).flatten(1).all(1)
    kept = (result == images).flatten(1).all(1)
    assert bool((flipped != kept).all())
    assert 10 < int(flipped.sum()) < 30
    assert torch.equal(changed(images, flip=1.0), images.flip(-1))


def test_shift_moves_by_whole_pixels_and_repeats_the_border(images):
    result = changed(images, shift=0.25).numpy()
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge")
    moves = set()
    for image, moved in zip(padded, result, strict=True):
        found = [
            (i, j)
            for i in range(5)
            for j in range(5)
            if np.array_equal(image[:, i : i + 6, j : j + 8], moved)
        ]
        assert found
        moves.add(found[0])
    assert len(moves) > 10


def test_resample_by_a_loop():
    image = torch.rand(1, 1, 5, 7)
    angle, share, middle = 0.4, 0.8, (0.1, -0.2)
    matrix = share * torch.tensor(
        [[[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]]
    )
    result = resample(image, matrix.float(), torch.tensor([middle]))
    pixels = image[0, 0].numpy()
    for i in range(5):
        for j in range(7):
            x, y = (2 * j + 1) / 7 - 1, (2 * i + 1) / 5 - 1
            source = matrix[0].numpy() @ [x, y] + middle
            column = np.clip(((source[0] + 1) * 7 - 1) / 2, 0, 6)
            row = np.clip(((source[1] + 1) * 5 - 1) / 2, 0, 4)
            left, top = int(column), int(row)
            right, bottom = min(left + 1, 6), min(top + 1, 4)
            a, b = column - left, row - top
            expected = (
                pixels[top, left] * (1 - a) * (1 - b)
                + pixels[top, right] * a * (1 - b)
                + pixels[bottom, left] * (1 - a) * b
                + pixels[bottom, right] * a * b
            )
            assert float(result[0, 0, i, j]) == pytest.approx(expected, abs=1e-5)


def test_rotation_by_a_right_angle(monkeypatch):
    """Of an image with unequal sides, too: pixels are square."""
    monkeypatch.setattr(
        augment, "_uniform", lambda x, low, high: torch.full((1,), high)
    )
    image = torch.rand(1, 1, 6, 6)
    result = changed(image, rotate=90)
    assert_allclose(result[0, 0], torch.rot90(image[0, 0]), atol=1e-5)
    wide = torch.zeros(1, 1, 5, 9)
    wide[..., 2, 3:6] = 1  # a bar of 3 pixels
    upright = changed(wide, rotate=90)
    assert_allclose(upright[0, 0, 1:4, 4], np.ones(3), atol=1e-5)
    assert float(upright.sum()) == pytest.approx(3, abs=1e-4)


def test_scale_and_crop_stay_within_the_image():
    ramp = torch.linspace(0, 1, 50).expand(200, 1, 1, 50)
    for name, most in (("scale", 1.15), ("crop", 1 / 0.8)):
        slopes = changed(ramp, **{name: AMOUNTS[name]})[:, 0, 0, 20:30].diff(dim=1)
        factors = slopes.mean(1) * 49
        assert 1 / most - 0.01 <= float(factors.min())
        assert float(factors.max()) <= most + 0.01


def test_color_jitter_is_linear_and_keeps_grey_grey():
    grey = torch.rand(30, 1, 6, 8).expand(30, 3, 6, 8)
    result = changed(grey, color_jitter=0.2)
    assert_allclose(result[:, 0], result[:, 2], atol=1e-6)
    shifts = (result - grey).mean((1, 2, 3))
    assert float(shifts.abs().max()) <= 0.2 * 0.3 + 1e-6
    contrasts = result.std((1, 2, 3)) / grey.std((1, 2, 3))
    assert 0.8 - 1e-5 <= float(contrasts.min()) < float(contrasts.max()) <= 1.2 + 1e-5


def test_noise_has_the_spread_of_the_values(images):
    difference = changed(images, noise=0.5) - images
    assert float(difference.std()) == pytest.approx(0.5 * 0.3, rel=0.1)


def test_changes_of_place_are_one_interpolation(monkeypatch, images):
    calls = []

    def count(*arguments):
        calls.append(arguments)
        return resample(*arguments)

    monkeypatch.setattr(augment, "resample", count)
    changed(images, crop=0.2, scale=0.1, rotate=10.0)
    assert len(calls) == 1


def test_amounts():
    assert read_amounts(None, 2) == {}
    assert read_amounts("flip", 2) == {"flip": 0.5}
    mixed = ["noise", ("rotate", 30), ("flip", 1)]
    assert read_amounts(mixed, 2) == {"noise": 0.1, "rotate": 30.0, "flip": 1.0}
