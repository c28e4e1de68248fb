"""Random places and spans of samples, and what masked tokens become."""

import pytest
import torch

from sklearn_replearn._deep.objectives.masking import (
    bert_corruption,
    draw_mask,
    draw_spans,
)


def places_of(lengths, longest):
    return torch.arange(longest) < torch.tensor(lengths)[:, None]


LENGTHS = [0, 1, 2, 3, 7, 20, 64]


@pytest.mark.parametrize("share", [0.0, 0.15, 0.5, 1.0])
def test_a_mask_has_its_share_of_each_sample(share):
    torch.manual_seed(0)
    places = places_of(LENGTHS, 64)
    chosen = draw_mask(places, share)
    assert chosen.dtype == torch.bool
    assert not (chosen & ~places).any()
    expected = [min(n, max(1, round(share * n))) for n in LENGTHS]
    assert chosen.sum(1).tolist() == expected


def test_all_places_are_drawn_as_often():
    torch.manual_seed(0)
    places = places_of([10], 16).expand(4000, -1).clone()
    places[:, 3] = False  # a place within may be left out
    often = draw_mask(places, 0.3).double().mean(0)
    expected = places[0] * 3 / 9
    assert ((often - expected).abs() < 0.04).all()
    assert often[3] == 0


def test_spans_within_each_sample():
    torch.manual_seed(0)
    for length in (1, 4, 10):
        for share in (0.0, 0.2, 0.65):
            places = places_of(LENGTHS, 64)
            chosen = draw_spans(places, share, length)
            assert not (chosen & ~places).any()
            for n, row in zip(LENGTHS, chosen.tolist(), strict=True):
                span = min(length, max(1, n - 1))
                n_spans = max(1, round(share * n / span))
                runs = [len(run) for run in as_runs(row)]
                assert sum(runs) <= n_spans * span
                assert len(runs) <= n_spans
                assert all(run >= span for run in runs)
                assert bool(runs) == (n > 0)
                # Places stay unless there is but one.
                assert n < 2 or sum(runs) < n


def as_runs(row):
    """Runs of true places."""
    text = "".join("x" if place else " " for place in row)
    return text.split()


def test_spans_cover_about_half_of_a_long_sample_at_0_65():
    torch.manual_seed(0)
    chosen = draw_spans(places_of([1000] * 50, 1024), 0.65, 10)
    share = chosen.sum() / 50_000
    assert 0.45 < share < 0.52  # 1 - (1 - 0.065)**10 = 0.489


def test_spans_start_anywhere_and_differ():
    torch.manual_seed(0)
    chosen = draw_spans(places_of([12] * 3000, 16), 0.0, 4)
    starts, counts = chosen.int().argmax(1).unique(return_counts=True)
    assert starts.tolist() == list(range(9))
    assert ((counts / 3000 - 1 / 9).abs() < 0.03).all()
    # As many starts as there are, when so many are asked for.
    assert draw_spans(places_of([12], 16), 1.0, 1).sum() == 12


def test_bert_corruption():
    torch.manual_seed(0)
    ids = torch.randint(100, (200, 300))
    chosen = torch.rand(200, 300) < 0.5
    before = ids.clone()
    corrupted = bert_corruption(ids, chosen, 100, 100)
    assert torch.equal(ids, before)
    assert torch.equal(corrupted[~chosen], ids[~chosen])
    masked = corrupted[chosen] == 100
    kept = corrupted[chosen] == ids[chosen]
    other = ~masked & ~kept
    for share, expected in ((masked, 0.8), (kept, 0.101), (other, 0.099)):
        assert abs(share.double().mean() - expected) < 0.01
    words = corrupted[chosen][other].bincount(minlength=100)
    assert len(words) == 100
    assert words.min() > 0


def test_the_same_seed_draws_the_same_places():
    places = places_of(LENGTHS, 64)
    ids = torch.arange(7 * 64).view(7, 64)

    def draw(seed):
        torch.manual_seed(seed)
        return torch.stack(
            [
                draw_mask(places, 0.5),
                draw_spans(places, 0.5, 3),
                bert_corruption(ids, places, 1000, 1000) == 1000,
            ]
        )

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))
