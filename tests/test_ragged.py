"""Samples of different lengths: gathering, padding, blocks and batches."""

import numpy as np
import pytest
import torch
from near import assert_near

from sklearn_replearn._deep.input.ragged import (
    Padded,
    Tokens,
    Waves,
    bucket_length,
    mean_over,
)
from sklearn_replearn._deep.training.length_batches import LengthBatches

LENGTHS = [3, 0, 16, 17, 40, 0, 129, 1, 300, 33]


def arrays(channels=(), dtype=np.float32, lengths=LENGTHS):
    """Random numbers, none of them zero."""
    rng = np.random.default_rng(0)
    return [rng.uniform(1, 100, (n, *channels)).astype(dtype) for n in lengths]


def made(kind, lengths=LENGTHS):
    """Samples and the arrays that they are made of."""
    if kind == "tokens":
        of = arrays(dtype=np.int64, lengths=lengths)
        return Tokens.from_lists([array.tolist() for array in of]), of
    of = arrays((2,) if kind == "channels" else (), lengths=lengths)
    return Waves.from_arrays(of), of


KINDS = ["tokens", "waves", "channels"]


def assert_holds(padded, samples):
    """The padded values are the samples, and zeros behind them."""
    assert isinstance(padded, Padded)
    values, mask = padded
    assert len(values) == len(mask) == len(samples)
    assert values.shape[:2] == mask.shape
    for value, is_there, sample in zip(values, mask, samples, strict=True):
        n = len(sample)
        assert is_there.tolist() == [True] * n + [False] * (len(is_there) - n)
        np.testing.assert_array_equal(value[:n].numpy(), sample)
        assert not value[n:].any()


def slow_bucket(n):
    bucket = 16
    while bucket < n:
        bucket = bucket + 16 if bucket < 128 else 2 * bucket
    return bucket


def test_bucket_length():
    lengths = [*range(600), 2**15, 2**15 + 1, 2**40]
    expected = [slow_bucket(n) for n in lengths]
    assert [bucket_length(n) for n in lengths] == expected
    assert bucket_length(torch.tensor(lengths)).tolist() == expected


@pytest.mark.parametrize("kind", KINDS)
def test_take_pads_to_the_bucket_of_the_longest(kind):
    samples, of = made(kind)
    assert len(samples) == len(of)
    assert samples.lengths.tolist() == LENGTHS
    for index, length in (
        ([0, 2], 16),
        ([3, 0, 1, 4], 48),
        ([8, 8, 5], 512),
        ([1], 16),
        ([9, 6], 256),
    ):
        padded = samples.take(torch.tensor(index))
        assert padded.mask.shape == (len(index), length)
        assert padded.values.dtype == samples.values.dtype
        assert_holds(padded, [of[i] for i in index])
    assert samples.take(torch.tensor([], dtype=torch.int64)).mask.shape == (0, 16)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_that_are_all_empty(kind):
    samples, of = made(kind, [0, 0, 0])
    assert_holds(samples.take(torch.tensor([2, 0])), of[:2])
    blocks = list(samples.blocks(100))
    assert torch.cat([index for index, _ in blocks]).sort().values.tolist() == [0, 1, 2]
    samples.check_finite()
    assert len(samples.some(2)) == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("budget", [1, 64, 200, 10**6])
def test_a_block_has_samples_of_one_bucket(kind, budget):
    samples, of = made(kind)
    seen = []
    for index, padded in samples.blocks(budget):
        assert_holds(padded, [of[i] for i in index])
        buckets = {slow_bucket(LENGTHS[i]) for i in index}
        assert buckets == {padded.mask.shape[1]}
        assert len(index) == 1 or padded.values.numel() <= budget
        seen += index.tolist()
    assert sorted(seen) == list(range(len(LENGTHS)))


def test_no_samples_have_no_blocks():
    samples = Tokens.from_lists([])
    assert len(samples) == 0
    assert list(samples.blocks(10)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_some_samples_from_all_over(kind):
    samples, of = made(kind)
    assert samples.some(10) is samples
    for n in range(1, 10):
        some = samples.some(n)
        assert type(some) is type(samples)
        index = [i * 10 // n for i in range(n)]
        assert_holds(some.take(torch.arange(n)), [of[i] for i in index])


@pytest.mark.parametrize("kind", KINDS)
def test_to_a_device(kind):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    samples, of = made(kind)
    moved = samples.to(device)
    assert type(moved) is type(samples)
    assert moved.lengths.device.type == "cpu"
    for chosen in (moved, moved.some(4)):
        padded = chosen.take(torch.tensor([0, 1], device=device))
        assert padded.values.device.type == padded.mask.device.type == device
    padded = moved.take(torch.tensor([0, 4]))
    assert_holds(Padded(*(tensor.cpu() for tensor in padded)), [of[0], of[4]])


def test_units():
    assert Tokens.unit == "documents"
    assert Waves.unit == "signals"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.float32, torch.float32),
        (np.float64, torch.float64),
        (np.int16, torch.int16),
        (np.int64, torch.int64),
        (np.uint8, torch.int16),
        (np.uint16, torch.int32),
        (np.uint64, torch.float64),
        (np.float16, torch.float32),
        (np.longdouble, torch.float64),
        (bool, torch.int8),
    ],
)
def test_types_of_waves(given, kept):
    of = arrays(dtype=given)
    waves = Waves.from_arrays(of)
    assert waves.values.dtype == kept
    assert waves.is_double == (kept == torch.float64)
    assert_holds(waves.take(torch.tensor([4, 2])), [of[4], of[2]])


def test_empty_lists_leave_type_and_channels_alone():
    waves = Waves.from_arrays([[], np.ones((5, 3), np.int16), []])
    assert waves.values.dtype == torch.int16
    assert waves.take(torch.arange(3)).values.shape == (3, 16, 3)
    mixed = Waves.from_arrays([np.ones(2, np.int16), np.ones(3, np.float32)])
    assert mixed.values.dtype == torch.float32


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[1.0], [[1.0, 2.0]]], r"X\[1\] has shape \(1, 2\), but X\[0\] has .*\(1,\)"),
        ([[], np.ones((2, 1)), np.ones((2, 3))], r"X\[2\].* the same channels"),
        ([[1.0], 3.0], r"X\[1\] has shape \(\); a signal has shape \(length,\)"),
        ([np.ones((2, 2, 2))], r"X\[0\] has shape \(2, 2, 2\)"),
        ([np.ones((2, 0))], r"X\[0\] has shape \(2, 0\)"),
        ([[1.0], "noise"], r"X\[1\] is not an array of real numbers"),
        ([[1.0], [1.0, None]], r"X\[1\] is not .*object.*floats or integers"),
        ([[[1.0], [1.0, 2.0]]], r"X\[0\] is not .*object"),
        ([[1j]], r"X\[0\] is not .*complex"),
        ([], "X has no signals"),
    ],
)
def test_waves_that_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        Waves.from_arrays(X)


@pytest.mark.parametrize("document", [[1.5], [[1, 2]], ["a"], [True], 3, [None]])
def test_documents_that_are_refused(document):
    with pytest.raises(ValueError, match=r"Document 1 has .* list of integers"):
        Tokens.from_lists([[1, 2], document])


def test_values_that_are_not_finite_are_named():
    of = arrays()
    Waves.from_arrays(of).check_finite()
    of[6][100] = np.nan
    of[8][0] = np.inf
    with pytest.raises(ValueError, match=r"X\[6\] contains NaN at place 100; replace"):
        Waves.from_arrays(of).check_finite()
    of = arrays((2,))
    of[2][0, 1] = -np.inf
    with pytest.raises(ValueError, match=r"X\[2\] .*infinity at place 0, channel 1;"):
        Waves.from_arrays(of).check_finite()


def test_finite_values_may_have_a_sum_that_is_not():
    Waves.from_arrays([np.full(3, 3e38, np.float32)]).check_finite()
    Waves.from_arrays(arrays(dtype=np.int16)).check_finite()


def test_integers_are_finite():
    Tokens.from_lists([[1, 2], []]).check_finite()


@pytest.mark.parametrize("kind", ["waves", "channels"])
def test_mean_over_the_places_of_a_sample(kind):
    samples, of = made(kind)
    values, mask = samples.take(torch.arange(len(of)))
    expected = np.stack(
        [x.mean(axis=0) if len(x) else np.zeros(x.shape[1:], x.dtype) for x in of]
    )
    values[~mask] = np.nan  # padding has no part
    assert_near(mean_over(values, mask).numpy(), expected)


def test_length_batches_have_every_sample_once():
    lengths = torch.randint(0, 300, (500,))
    index = torch.arange(0, 500, 2)
    batches = LengthBatches(index, lengths, 1000)
    made = list(batches)
    assert len(made) == len(batches)
    assert torch.cat(made).sort().values.tolist() == index.tolist()
    for batch in made:
        assert batch.dtype == torch.int64
        assert len(batch) * slow_bucket(int(lengths[batch].max())) <= 1000


def test_length_batches_have_little_padding():
    lengths = torch.arange(2000) % 250
    batches = list(LengthBatches(torch.arange(2000), lengths, 2048))
    buckets = bucket_length(lengths)
    padded = sum(len(batch) * int(buckets[batch].max()) for batch in batches)
    assert padded <= 1.1 * buckets.sum()
    # At most as many batches hold several buckets as there are buckets.
    several = sum(len(buckets[batch].unique()) > 1 for batch in batches)
    assert several < len(buckets.unique())


def test_a_sample_longer_than_a_batch_is_alone():
    lengths = torch.tensor([2000, 5, 6, 3000])
    batches = [batch.tolist() for batch in LengthBatches(torch.arange(4), lengths, 40)]
    assert sorted(map(sorted, batches)) == [[0], [1, 2], [3]]


def test_length_batches_are_new_in_each_pass_unless_they_are_kept():
    lengths = torch.arange(200) % 40
    torch.manual_seed(0)
    for shuffle in (True, False):
        batches = LengthBatches(torch.arange(200), lengths, 128, shuffle=shuffle)
        first, second = list(batches), list(batches)
        same = all(map(torch.equal, first, second))
        assert same != shuffle
        torch.manual_seed(3)
        third = list(batches)
        torch.manual_seed(3)
        assert all(map(torch.equal, third, batches))
    # The shortest and the longest come in any order.
    shuffled = LengthBatches(torch.arange(200), lengths, 128)
    longest = [int(lengths[batch].max()) for batch in shuffled]
    assert longest not in (sorted(longest), sorted(longest, reverse=True))


def test_no_samples_have_no_batches():
    nothing = torch.tensor([], dtype=torch.int64)
    assert list(LengthBatches(nothing, nothing, 10)) == []
