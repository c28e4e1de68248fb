"""Augmentation: what each change does to an image, and what it leaves alone."""

import colorsys
from math import ceil

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import ndimage

from sklearn_replearn._deep.input import changes
from sklearn_replearn._deep.input.augment import (
    CHANGES,
    PLACINGS,
    PRESETS,
    Augmentation,
    read_amounts,
)
from sklearn_replearn._deep.input.changes import Values, resample

#: By number of sides, shapes of samples.
SHAPES = {0: (7,), 1: (1, 9), 2: (3, 6, 8)}

#: Of a change and a number of sides, all that have a meaning.
CASES = [(name, n) for name in CHANGES for n in CHANGES[name].n_sides]
each_case = pytest.mark.parametrize(("name", "n_sides"), CASES)

#: Those that keep an image of a single color, but for rounding.
KEEPING_CONSTANTS = set(CHANGES) - {"color_jitter", "corrupt", "noise", "solarize"}


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture
def images():
    return torch.rand(40, 3, 6, 8)


@pytest.fixture
def set_draws(monkeypatch):
    """Let the draws from [0, 1] of a change be given ones, one list after the other."""

    def set_draws(*lists):
        shares = iter(lists)

        def uniform(x, low, high):
            share = torch.tensor(next(shares), dtype=x.dtype)
            return low + (high - low) * share.view(-1, *[1] * (x.ndim - 1))

        monkeypatch.setattr(changes, "_uniform", uniform)

    return set_draws


def changed(x, rows=None, **amounts):
    rows = x if rows is None else rows
    return Augmentation(amounts, Values(0.3, 0.0, 1.0, rows))(x)


def samples(n_sides, n=20):
    return torch.rand(n, *SHAPES[n_sides])


# ---------------------------------------------------------------------------
# What all changes keep
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@each_case
def test_every_change_keeps_shape_and_dtype_and_differs_by_image(name, n_sides, dtype):
    x = samples(n_sides, 1).to(dtype).expand(20, *SHAPES[n_sides]).contiguous()
    before, rows = x.clone(), torch.rand(x.shape, dtype=dtype)
    result = changed(x, rows, **{name: CHANGES[name].amount})
    assert (result.shape, result.dtype) == (x.shape, dtype)
    assert torch.equal(x, before)
    assert len(torch.unique(result, dim=0)) > 1


@pytest.mark.parametrize("name", [name for name, n in CASES if n == 2])
def test_every_change_of_gray_images(name):
    if not CHANGES[name].in_color:
        x = torch.rand(1, 1, 6, 8).expand(20, 1, 6, 8)
        result = changed(x, **{name: CHANGES[name].amount})
        assert result.shape == x.shape
        assert len(torch.unique(result, dim=0)) > 1


@each_case
def test_draws_are_on_the_device_of_the_batch(name, n_sides):
    x = samples(n_sides).to("meta")
    result = changed(x, **{name: CHANGES[name].amount})
    assert result.device == x.device
    assert result.shape == x.shape


@each_case
def test_an_image_does_not_depend_on_the_others(name, n_sides):
    x, others = samples(n_sides), samples(n_sides)
    others[7], rows = x[7], samples(n_sides)
    results = []
    for batch in (x, others, x):
        torch.manual_seed(3)
        results.append(changed(batch, rows, **{name: CHANGES[name].amount}))
    assert torch.equal(results[0], results[2])
    assert_allclose(results[0][7], results[1][7], atol=1e-6)


@each_case
def test_a_tiny_amount_changes_nothing(name, n_sides):
    x = samples(n_sides)
    assert_allclose(changed(x, **{name: 1e-7}), x, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, -3.5, 1e-40, 1e30])
@each_case
def test_constant_images(name, n_sides, value):
    x = torch.full((20, *SHAPES[n_sides]), value)
    result = changed(x, **{name: CHANGES[name].amount})
    assert torch.isfinite(result).all()
    if name in KEEPING_CONSTANTS:
        assert_allclose(result, x, rtol=1e-5, atol=1e-38)


@each_case
def test_the_largest_amount(name, n_sides):
    amount = min(CHANGES[name].largest, 2.0)
    assert torch.isfinite(changed(samples(n_sides), **{name: amount})).all()


# ---------------------------------------------------------------------------
# Changes of place
# ---------------------------------------------------------------------------


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


def resampled_by_a_loop(image, matrix, middle):
    """A channel of an image, (height, width), at other places."""
    height, width = image.shape
    expected = np.empty(image.shape)
    for i in range(height):
        for j in range(width):
            x, y = (2 * j + 1) / width - 1, (2 * i + 1) / height - 1
            source = matrix @ [x, y] + middle
            column = np.clip(((source[0] + 1) * width - 1) / 2, 0, width - 1)
            row = np.clip(((source[1] + 1) * height - 1) / 2, 0, height - 1)
            left, top = int(column), int(row)
            right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
            a, b = column - left, row - top
            expected[i, j] = (
                image[top, left] * (1 - a) * (1 - b)
                + image[top, right] * a * (1 - b)
                + image[bottom, left] * (1 - a) * b
                + image[bottom, right] * a * b
            )
    return expected


def test_resample_by_a_loop():
    image = torch.rand(1, 1, 5, 7)
    angle, share, middle = 0.4, 0.8, (0.1, -0.2)
    matrix = share * torch.tensor(
        [[[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]]
    )
    result = resample(image, matrix.float(), torch.tensor([middle]))
    expected = resampled_by_a_loop(image[0, 0].numpy(), matrix[0].numpy(), middle)
    assert_allclose(result[0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("name", ["crop", "resized_crop"])
def test_crops_by_a_loop(images, name, monkeypatch):
    places = []

    def keep(x, matrix, middle):
        places.append((matrix.numpy(), middle.numpy()))
        return resample(x, matrix, middle)

    monkeypatch.setattr(changes, "resample", keep)
    result = changed(images, **{name: 0.6}).numpy()
    for image, found, matrix, middle in zip(
        images.numpy(), result, *places[0], strict=True
    ):
        assert matrix[0, 1] == matrix[1, 0] == 0
        sides = matrix.diagonal()
        assert (np.abs(middle) + sides <= 1 + 1e-6).all()  # the part is inside
        if name == "crop":
            assert sides[0] == sides[1] >= 0.4
        else:
            assert 0.4 - 1e-6 <= sides.prod() <= 1
            assert 3 / 4 - 1e-6 <= sides[0] / sides[1] <= 4 / 3 + 1e-6
        for channel, found_channel in zip(image, found, strict=True):
            expected = resampled_by_a_loop(channel, matrix, middle)
            assert_allclose(found_channel, expected, atol=1e-5)


def test_resized_crop_has_areas_and_ratios_and_places_of_all_kinds():
    x = torch.zeros(4000, 3, 6, 8)
    matrix, middle = changes.resized_crop(x, 0.5)
    sides = matrix.diagonal(dim1=1, dim2=2)
    area = sides.prod(1).numpy()
    deciles = np.quantile(area, np.linspace(0, 1, 11))
    assert_allclose(deciles, np.linspace(0.5, 1, 11), atol=0.03)
    ratio = (sides[:, 0] / sides[:, 1]).log().numpy()
    assert abs(ratio.mean()) < 0.02
    assert np.abs(ratio[area < 0.7]).max() == pytest.approx(np.log(4 / 3), abs=0.02)
    place = (middle / (1 - sides)).numpy()  # from border to border
    assert_allclose(
        np.quantile(place, [0, 0.25, 0.75, 1]), [-1, -0.5, 0.5, 1], atol=0.05
    )


def test_rotation_by_a_right_angle(monkeypatch):
    """Of an image with unequal sides, too: pixels are square."""
    monkeypatch.setattr(
        changes, "_uniform", lambda x, low, high: torch.full((1,), high)
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
        result = changed(ramp, **{name: CHANGES[name].amount})
        factors = result[:, 0, 0, 20:30].diff(dim=1).mean(1) * 49
        assert 1 / most - 0.01 <= float(factors.min())
        assert float(factors.max()) <= most + 0.01


def test_changes_of_place_are_one_interpolation(monkeypatch, images):
    calls = []

    def count(*arguments):
        calls.append(arguments)
        return resample(*arguments)

    monkeypatch.setattr(changes, "resample", count)
    changed(images, **{name: change.amount for name, change in PLACINGS.items()})
    assert len(calls) == 1


# ---------------------------------------------------------------------------
# Changes of color and of other values
# ---------------------------------------------------------------------------


def test_color_jitter_is_linear_and_keeps_gray_gray():
    gray = torch.rand(30, 1, 6, 8).expand(30, 3, 6, 8)
    result = changed(gray, color_jitter=0.2)
    assert_allclose(result[:, 0], result[:, 2], atol=1e-6)
    shifts = (result - gray).mean((1, 2, 3))
    assert float(shifts.abs().max()) <= 0.2 * 0.3 + 1e-6
    contrasts = result.std((1, 2, 3)) / gray.std((1, 2, 3))
    assert 0.8 - 1e-5 <= float(contrasts.min()) < float(contrasts.max()) <= 1.2 + 1e-5


@pytest.mark.parametrize("unit", [1.0, 255.0])
def test_hue_by_colorsys(set_draws, unit):
    x = torch.rand(4, 3, 5, 6)
    x[0, :, :2] = x[0, :1, :2]  # some are gray,
    x[1, 1] = x[1, 0]  # and some have a largest or smallest value twice
    shares = [0.0, 0.3, 0.5, 1.0]
    set_draws(shares)
    result = changed(unit * x, hue=0.4).numpy() / unit
    for image, found, share in zip(x.numpy(), result, shares, strict=True):
        turn = 0.4 * (2 * share - 1)
        for i in range(5):
            for j in range(6):
                h, s, v = colorsys.rgb_to_hsv(*map(float, image[:, i, j]))
                expected = colorsys.hsv_to_rgb((h + turn) % 1, s, v)
                assert_allclose(found[:, i, j], expected, atol=1e-5)


def test_hue_in_any_unit(images):
    torch.manual_seed(1)
    result = changed(images, hue=0.5)
    torch.manual_seed(1)
    assert_allclose(changed(20 * images - 7, hue=0.5), 20 * result - 7, atol=1e-4)
    assert_allclose(result.amax(1), images.amax(1), atol=1e-6)
    assert_allclose(result.amin(1), images.amin(1), atol=1e-6)


def test_hue_turns_by_all_angles_up_to_the_amount():
    red = torch.zeros(2000, 3, 1, 1)
    red[:, 0] = 1
    turns = []
    for pixel in changed(red, hue=0.25)[:, :, 0, 0].tolist():
        turns.append((colorsys.rgb_to_hsv(*pixel)[0] + 0.5) % 1 - 0.5)
    deciles = np.quantile(turns, np.linspace(0, 1, 11))
    assert_allclose(deciles, np.linspace(-0.25, 0.25, 11), atol=0.02)


def test_grayscale_is_the_mean_of_the_channels_by_chance():
    x = torch.rand(2000, 3, 2, 2)
    result = changed(x, grayscale=0.3)
    is_gray = (result[:, :1] == result).flatten(1).all(1)
    assert float(is_gray.float().mean()) == pytest.approx(0.3, abs=0.03)
    assert torch.equal(result[~is_gray], x[~is_gray])
    means = (x[:, 0] + x[:, 1] + x[:, 2]) / 3
    assert_allclose(result[is_gray, 1], means[is_gray], atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 1, 30), (4, 1, 6, 8), (4, 3, 8, 6)])
@pytest.mark.parametrize("amount", [0.4, 1.5])
def test_blur_by_scipy(set_draws, shape, amount):
    x = torch.rand(shape, dtype=torch.float64)
    shares = [0.0, 0.3, 0.8, 1.0]
    set_draws(shares)
    result = changed(x, blur=amount)
    assert torch.equal(result[0], x[0])
    for image, found, share in zip(x[1:], result[1:], shares[1:], strict=True):
        expected = ndimage.gaussian_filter(
            image.numpy(),
            [0] + [share * amount] * (len(shape) - 2),
            mode="nearest",
            radius=ceil(3 * amount),
        )
        assert_allclose(found, expected, atol=1e-12)


def test_blur_has_all_widths_up_to_the_amount():
    x = torch.zeros(2000, 1, 41, dtype=torch.float64)
    x[..., 20] = 1
    result = changed(x, blur=3.0)
    places = torch.arange(-20, 21, dtype=torch.float64)
    widths = (result * places**2).sum((1, 2)).sqrt()
    assert_allclose(np.quantile(widths, [0.5, 0.75, 1.0]), [1.5, 2.25, 3.0], atol=0.1)


def test_solarize_inverts_what_is_above_the_middle_by_chance():
    x = 4 + 2 * torch.rand(2000, 1, 3, 3)
    result = Augmentation({"solarize": 0.3}, Values(0.3, 4.0, 6.0))(x)
    is_same = (result == x).flatten(1).all(1)
    assert float(is_same.float().mean()) == pytest.approx(0.7, abs=0.03)
    for image, found in zip(x[~is_same][:50], result[~is_same], strict=False):
        for before, after in zip(image.flatten(), found.flatten(), strict=True):
            expected = 10 - before if before > 5 else before
            assert float(after) == pytest.approx(float(expected), abs=1e-6)


def test_noise_has_the_spread_of_the_values(images):
    difference = changed(images, noise=0.5) - images
    assert float(difference.std()) == pytest.approx(0.5 * 0.3, rel=0.1)


# ---------------------------------------------------------------------------
# Changes that leave parts out
# ---------------------------------------------------------------------------


def test_corruption_takes_values_of_the_same_column():
    rows = torch.arange(50.0)[:, None] + torch.tensor([0.0, 1000.0, 2000.0])
    x = torch.full((2000, 3), -1.0)
    result = changed(x, rows, corrupt=0.3)
    is_other = result != x
    assert is_other.float().mean() == pytest.approx(0.3, abs=0.03)
    for column in range(3):
        values = result[is_other[:, column], column]
        assert torch.isin(values, rows[:, column]).all()
        assert len(values.unique()) == 50


def test_cutout_by_a_loop(set_draws, images):
    rng = np.random.default_rng(0)
    down, right = rng.random((2, 40))
    set_draws(down, right)
    result = changed(images, cutout=0.5).numpy()
    for n, image in enumerate(images.numpy()):
        expected = image.copy()
        for i in range(6):
            for j in range(8):
                is_inside = (
                    abs(i + 0.5 - 6 * down[n]) < 0.5 * 6 / 2
                    and abs(j + 0.5 - 8 * right[n]) < 0.5 * 8 / 2
                )
                if is_inside:
                    expected[:, i, j] = image.mean((1, 2))
        assert_allclose(result[n], expected, atol=1e-6)


def test_cutout_has_its_share_and_is_anywhere():
    x = torch.arange(48.0).view(1, 1, 6, 8).expand(4000, 1, 6, 8)
    is_out = (changed(x, cutout=1 / 3) == x.mean()).float().mean((0, 1))
    assert_allclose(is_out[1:5, 2:6], 1 / 9, atol=0.02)  # where it is never cut off
    assert bool((is_out > 0).all())


def span_by_a_loop(n_places, amount, length, start):
    """Numbers of the places in a span, from the draws of its length and place."""
    length *= amount * n_places
    start *= n_places - length
    return [i for i in range(n_places) if start < i + 0.5 < start + length]


def test_time_mask_by_a_loop(set_draws):
    x = torch.rand(40, 2, 25)
    lengths, starts = np.random.default_rng(0).random((2, 40))
    set_draws(lengths, starts)
    result = changed(x, time_mask=0.4).numpy()
    for n, signal in enumerate(x.numpy()):
        expected = signal.copy()
        for i in span_by_a_loop(25, 0.4, lengths[n], starts[n]):
            expected[:, i] = signal.mean(1)
        assert_allclose(result[n], expected, atol=1e-6)


@pytest.mark.parametrize("n_times", [1, 2, 24, 25])
def test_frequency_mask_by_a_loop(set_draws, n_times):
    x = torch.rand(40, 2, n_times, dtype=torch.float64)
    widths, starts = np.random.default_rng(0).random((2, 40))
    set_draws(widths, starts)
    result = changed(x, frequency_mask=0.4).numpy()
    times = np.arange(n_times)
    for n, signal in enumerate(x.numpy()):
        expected = signal.copy()
        for i in span_by_a_loop(n_times // 2, 0.4, widths[n], starts[n]):
            wave = np.exp(2j * np.pi * (i + 1) * times / n_times)
            part = (signal @ wave.conj())[:, None] * wave / n_times
            is_own_mirror = 2 * (i + 1) == n_times
            expected -= part.real if is_own_mirror else 2 * part.real
        assert_allclose(result[n], expected, atol=1e-12)


def test_masks_have_lengths_of_up_to_the_amount_anywhere():
    x = torch.arange(100.0).expand(4000, 1, 100)
    is_masked = (changed(x, time_mask=0.4) == x.mean()).float()
    lengths = is_masked.sum((1, 2))
    deciles = np.quantile(lengths, np.linspace(0, 1, 11))
    assert_allclose(deciles, np.linspace(0, 40, 11), atol=2)
    assert float(is_masked[..., 0].mean()) > 0
    assert float(is_masked[..., -1].mean()) > 0


def test_a_frequency_mask_takes_out_a_sine_and_keeps_the_mean():
    times = torch.arange(64)
    x = (3 + torch.sin(2 * torch.pi * 5 * times / 64)).expand(3000, 1, 64)
    result = changed(x, frequency_mask=0.25)
    amplitudes = result.std(-1).flatten()
    is_out = amplitudes < 1e-5
    assert_allclose(amplitudes[~is_out], float(x[0].std()), rtol=1e-4)
    assert 0.05 < float(is_out.float().mean()) < 0.25
    assert_allclose(result.mean(-1), 3, rtol=1e-5)


# ---------------------------------------------------------------------------
# Names, amounts and presets
# ---------------------------------------------------------------------------


def test_amounts():
    shape = (1, 8, 8)
    assert read_amounts(None, shape) == {}
    assert read_amounts("flip", shape) == {"flip": 0.5}
    mixed = ["noise", ("rotate", 30), ("flip", 1)]
    expected = {"noise": 0.1, "rotate": 30.0, "flip": 1.0}
    assert read_amounts(mixed, shape) == expected


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("shape", [(7,), (1, 9), (1, 6, 8), (3, 6, 8), (4, 6, 8)])
def test_presets_fit_all_inputs(preset, shape):
    amounts = read_amounts(preset, shape)
    assert amounts
    assert read_amounts(list(amounts.items()), shape) == amounts
    assert ("hue" in amounts) == (preset == "strong" and shape == (3, 6, 8))
    x = torch.rand(20, *shape)
    assert len(torch.unique(changed(x, **amounts), dim=0)) == 20


def test_presets_are_ordered_by_strength():
    for shape in (7,), (1, 30), (1, 16, 16), (3, 16, 16):
        x = torch.rand(300, *shape).cumsum(-1)
        x = (x - x.mean()) / x.std()
        without = [("flip", 0)] if len(shape) == 3 else []
        differences = []
        for preset in PRESETS:
            amounts = read_amounts([preset, *without], shape)
            view = Augmentation(amounts, Values(1.0, rows=x))
            differences.append(float((view(x) - x).square().mean()))
        assert differences == sorted(differences)


def test_items_after_a_preset_replace_its_amounts():
    shape = (1, 8, 8)
    expected = {"crop": 0.4, "color_jitter": 0.1, "noise": 0.1}
    items = ["medium", ("flip", 0), ("color_jitter", 0.1), "noise"]
    assert read_amounts(items, shape) == expected
    assert read_amounts([("flip", 0)], shape) == {}


@pytest.mark.parametrize(
    ("augment", "shape", "message"),
    [
        ("mirror", (1, 8, 8), "none of blur, color_jitter, .*, weak, medium, strong"),
        ([(3, 0.1)], (1, 8, 8), "augment has 3, which is none of"),
        ([("flip", 0.5, 1)], (1, 8, 8), "its items are names, or pairs"),
        ([5], (1, 8, 8), "augment has 5, but its items are names, or pairs"),
        ([("flip", 1.5)], (1, 8, 8), "'flip' with 1.5, .* a number from 0 to 1"),
        ([("hue", 0.6)], (3, 8, 8), "must be a number from 0 to 0.5"),
        ([("blur", -1)], (1, 8), "must be a number from 0 to 100"),
        ([("noise", -0.1)], (7,), "must be a number of at least 0"),
        ([("noise", float("inf"))], (7,), "must be a number of at least 0"),
        ([("noise", float("nan"))], (7,), "must be a number of at least 0"),
        ([("crop", "much")], (1, 8), "'crop' with 'much', .* from 0 to 0.9"),
        ([("strong", 0.5)], (7,), "'strong' stands for several changes"),
        ("corrupt", (1, 8), "'corrupt', which is for tables, but X has signals"),
        ("corrupt", (1, 8, 8), "'corrupt', which is for tables, but X has images"),
        ("cutout", (1, 8), "'cutout', which is for images, but X has signals"),
        ("time_mask", (1, 8, 8), "which is for signals, but X has images"),
        ("blur", (7,), "X has rows that are no images; pass image_shape"),
        ("hue", (1, 8, 8), "for images with 3 channels, but those of X have 1;"),
        (["weak", "grayscale"], (4, 8, 8), "but those of X have 4;"),
    ],
)
def test_bad_names_and_amounts(augment, shape, message):
    with pytest.raises(ValueError, match=message):
        read_amounts(augment, shape)
