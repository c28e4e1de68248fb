"""Batches of rows, of balanced classes, and of pairs."""

import pytest
import torch

from sklearn_replearn._deep.training.batches import BalancedBatches


def balanced(counts, batch_size, samples_per_class, **options):
    """A sampler of every second row of classes with these numbers of rows."""
    codes = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    codes = codes.repeat_interleave(2) + 3
    index = torch.arange(0, len(codes), 2)
    return BalancedBatches(
        index, codes, batch_size, samples_per_class, **options
    ), codes


def test_balanced_batches_have_some_rows_of_some_classes():
    sampler, codes = balanced([10] * 12, 20, 5)
    batches = list(sampler)
    assert len(batches) == len(sampler) == 6
    for rows in batches:
        assert len(rows.unique()) == 20
        assert (rows % 2 == 0).all()
        counts = codes[rows].unique(return_counts=True)[1]
        assert counts.tolist() == [5] * 4
    # 4 classes a batch, 3 batches for all 12; in 6 batches each comes twice, and so
    # does no row.
    rows = torch.cat(batches)
    assert codes[rows].unique(return_counts=True)[1].tolist() == [10] * 12
    assert len(rows.unique()) == 120


def test_few_classes_are_all_in_each_batch():
    sampler, codes = balanced([30, 30, 30], 24, 4)
    for rows in sampler:
        assert codes[rows].unique(return_counts=True)[1].tolist() == [8] * 3


def test_small_classes_give_all_they_have_and_no_row_twice():
    sampler, codes = balanced([1, 2, 9, 9], 16, 4)
    for rows in sampler:
        assert len(rows.unique()) == len(rows)
        assert codes[rows].unique(return_counts=True)[1].tolist() == [1, 2, 4, 4]


def test_classes_come_as_often_whatever_their_size():
    sampler, codes = balanced([4, 8, 16, 200], 8, 4)
    seen = torch.cat([codes[rows] for rows in sampler])
    counts = seen.unique(return_counts=True)[1]
    assert counts.max() - counts.min() <= 4


def test_rows_of_a_class_come_in_turn():
    sampler, _ = balanced([5, 100], 10, 5)
    rows = torch.cat(list(sampler))
    counts = rows[rows < 10].unique(return_counts=True)[1]
    assert counts.max() - counts.min() <= 1


def test_balanced_batches_are_new_in_each_pass_unless_they_are_kept():
    sampler, _ = balanced([10] * 12, 20, 5)
    kept, _ = balanced([10] * 12, 20, 5, shuffle=False)
    for made, is_kept in ((sampler, False), (kept, True)):
        first, second = (torch.cat(list(made)) for _ in range(2))
        assert torch.equal(first, second) == is_kept


@pytest.mark.parametrize("batch_size", [2, 3, 7])
def test_balanced_batches_have_two_classes_at_least(batch_size):
    sampler, codes = balanced([10] * 6, batch_size, 2)
    for rows in sampler:
        assert len(codes[rows].unique()) >= 2
