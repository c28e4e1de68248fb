"""Losses and miners of metric learning, against explicit loops."""

from itertools import permutations
from math import exp, inf, log, sqrt

import pytest
import torch

from sklearn_replearn._deep.objectives import tuple_losses
from sklearn_replearn._deep.objectives.tuple_losses import (
    CONTRASTS,
    SIMILARITIES,
    ContrastiveLoss,
    NPairLoss,
    PairContrastiveLoss,
    SupConLoss,
    TripletLoss,
    count_violations,
    distances,
    hardest_negatives,
    hardest_positives,
    same_and_other,
    semihard_negatives,
    squared_distances,
)

MARGIN = 0.8
TEMPERATURE = 0.4

CONTRASTIVE = [ContrastiveLoss(contrast, MARGIN) for contrast in CONTRASTS]
TRIPLET = [
    TripletLoss(mining, form, MARGIN, TEMPERATURE)
    for mining in ("all", "hard", "semihard")
    for form in ("hinge", "softplus", "split")
]
N_PAIR = [NPairLoss(TEMPERATURE, similarity) for similarity in SIMILARITIES]
LOSSES = [*CONTRASTIVE, *TRIPLET, *N_PAIR, SupConLoss(TEMPERATURE)]


def name_of(loss):
    parts = [type(loss).__name__]
    if isinstance(loss, ContrastiveLoss):
        parts.append(loss.push.__name__)
    elif isinstance(loss, TripletLoss):
        parts += [loss.mining, loss.form]
    elif isinstance(loss, NPairLoss):
        parts.append(loss.similarity.__name__)
    return "-".join(parts)


each_loss = pytest.mark.parametrize("loss", LOSSES, ids=name_of)


@pytest.fixture
def batch():
    """Embeddings of 14 rows of four classes, of which one has a single row."""
    generator = torch.Generator().manual_seed(0)
    z = 0.5 * torch.randn(14, 3, generator=generator, dtype=torch.float64)
    codes = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 7])
    order = torch.randperm(14, generator=generator)
    return z[order], codes[order]


# ---------------------------------------------------------------------------
# Explicit loops
# ---------------------------------------------------------------------------


def distance(a, b):
    return sqrt(sum((x - y) ** 2 for x, y in zip(a.tolist(), b.tolist(), strict=True)))


def similarity(kind, a, b):
    dot = sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))
    if kind == "euclidean":
        return -(distance(a, b) ** 2)
    return dot if kind == "dot" else dot / (float(a.norm()) * float(b.norm()))


def mean(values):
    return sum(values) / len(values)


def contrastive_cost(contrast, d, is_same):
    if is_same:
        return d if contrast == "distance" else d**2
    return {
        "squared": max(0, MARGIN**2 - d**2),
        "distance": max(0, MARGIN - d),
        "hadsell": max(0, MARGIN - d) ** 2,
    }[contrast]


def triplet_cost(form, positive, negative):
    if form == "hinge":
        return max(0, MARGIN + positive - negative)
    if form == "softplus":
        return log(1 + exp((positive - negative) / TEMPERATURE))
    return positive + max(0, MARGIN - negative)


def triplets(z, codes, mining):
    """Distances (positive, negative) of the triplets that are chosen."""
    n = len(z)
    found = []
    for q in range(n):
        positives = [
            distance(z[q], z[p]) for p in range(n) if p != q and codes[p] == codes[q]
        ]
        negatives = [distance(z[q], z[i]) for i in range(n) if codes[i] != codes[q]]
        if not positives:
            continue
        if mining == "hard":
            found.append((max(positives), min(negatives)))
        elif mining == "all":
            found += [(p, i) for p in positives for i in negatives]
        else:
            for p in positives:
                beyond = [i for i in negatives if i > p]
                found.append((p, min(beyond) if beyond else max(negatives)))
    return found


def n_pair_by_loops(z, codes, kind):
    costs = []
    for q, p in permutations(range(len(z)), 2):
        if codes[q] != codes[p]:
            continue
        near = exp(similarity(kind, z[q], z[p]) / TEMPERATURE)
        far = sum(
            exp(similarity(kind, z[q], z[i]) / TEMPERATURE)
            for i in range(len(z))
            if codes[i] != codes[q]
        )
        costs.append(-log(near / (near + far)))
    return mean(costs)


def sup_con_by_loops(z, codes):
    costs, n = [], len(z)
    for i in range(n):
        others = [a for a in range(n) if a != i]
        total = sum(exp(similarity("cosine", z[i], z[a]) / TEMPERATURE) for a in others)
        terms = [
            -log(exp(similarity("cosine", z[i], z[p]) / TEMPERATURE) / total)
            for p in others
            if codes[p] == codes[i]
        ]
        if terms:
            costs.append(mean(terms))
    return mean(costs)


# ---------------------------------------------------------------------------
# Losses
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_contrastive_loss(batch, contrast):
    z, codes = batch
    costs = {True: [], False: []}
    for i, j in permutations(range(len(z)), 2):
        is_same = bool(codes[i] == codes[j])
        d = distance(z[i], z[j])
        costs[is_same].append(contrastive_cost(contrast, d, is_same))
    expected = mean(costs[True]) + mean(costs[False])
    assert float(ContrastiveLoss(contrast, MARGIN)(z, codes)) == pytest.approx(expected)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_contrastive_loss_of_pairs(batch, contrast):
    z, codes = batch
    is_same = codes[::2] == codes[1::2]
    assert 0 < is_same.sum() < len(is_same)
    expected = mean(
        [
            contrastive_cost(contrast, distance(first, second), bool(same))
            for first, second, same in zip(z[::2], z[1::2], is_same, strict=True)
        ]
    )
    loss = PairContrastiveLoss(contrast, MARGIN)
    assert float(loss(z, is_same)) == pytest.approx(expected)


@pytest.mark.parametrize("loss", TRIPLET, ids=name_of)
def test_triplet_loss(batch, loss):
    z, codes = batch
    expected = mean(
        [triplet_cost(loss.form, *pair) for pair in triplets(z, codes, loss.mining)]
    )
    assert float(loss(z, codes)) == pytest.approx(expected)


@pytest.mark.parametrize("form", ["hinge", "softplus", "split"])
def test_gradient_of_all_triplets(batch, form, monkeypatch):
    """It is written down, not left to torch: for all triplets one by one it is."""
    monkeypatch.setattr(tuple_losses, "MANY_TRIPLETS", 50)
    z, codes = batch
    loss = TripletLoss("all", form, MARGIN, TEMPERATURE)

    def one_by_one(z):
        d = torch.cdist(z, z, compute_mode="donot_use_mm_for_euclid_dist")
        is_same, is_other = same_and_other(codes)
        costs = loss.costs(d[:, :, None], d[:, None, :])
        there = is_same[:, :, None] & is_other[:, None, :]
        return costs[there].mean()

    gradients = []
    for function in (lambda z: loss(z, codes), one_by_one):
        x = z.clone().requires_grad_()
        function(x).backward()
        gradients.append(x.grad)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("kind", SIMILARITIES)
def test_n_pair_loss(batch, kind):
    expected = n_pair_by_loops(*batch, kind)
    assert float(NPairLoss(TEMPERATURE, kind)(*batch)) == pytest.approx(expected)


def test_sup_con_loss(batch):
    expected = sup_con_by_loops(*batch)
    assert float(SupConLoss(TEMPERATURE)(*batch)) == pytest.approx(expected)


@each_loss
def test_gradients_are_those_of_finite_differences(batch, loss):
    z, codes = batch
    assert torch.autograd.gradcheck(lambda z: loss(z, codes), z.requires_grad_())


@each_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_are_finite_where_points_are_the_same(loss, dtype):
    z = torch.ones(8, 3, dtype=dtype)
    z[4:, 0] = -1.0
    for codes in (torch.tensor([0, 0, 1, 1] * 2), torch.tensor([0] * 4 + [1] * 4)):
        x = z.clone().requires_grad_()
        loss(x, codes).backward()
        assert x.grad.isfinite().all()


@each_loss
def test_loss_of_a_collapse(loss):
    z, codes = torch.ones(9, 3), torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 5])
    value, _, collapsed = loss.measure(z, codes)
    assert float(value) == pytest.approx(float(collapsed), rel=1e-5)


@each_loss
def test_a_batch_without_two_rows_of_a_class_costs_nothing_to_pull(loss):
    z = torch.randn(5, 3, requires_grad=True)
    value = loss(z, torch.arange(5))
    value.backward()
    assert value.isfinite()
    assert z.grad.isfinite().all()


# ---------------------------------------------------------------------------
# Distances, miners, health
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_distances_far_from_the_origin(dtype):
    z = torch.randn(20, 4, dtype=torch.float64)
    z[3] = z[7]
    far = (z + 1000).to(dtype)
    expected = torch.cdist(far.double(), far.double()).pow(2)
    found = squared_distances(far)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    torch.testing.assert_close(
        found.double(), expected, rtol=tolerance, atol=20 * tolerance
    )
    assert found[3, 7] == 0
    assert (found.diagonal() == 0).all()
    assert distances(far)[3, 7] == 0


def test_miners(batch):
    z, codes = batch
    d = distances(z)
    is_same, is_other = same_and_other(codes)
    chosen = semihard_negatives(d, is_other)
    n = len(z)
    for q in range(n):
        own = [p for p in range(n) if is_same[q, p]]
        others = [i for i in range(n) if is_other[q, i]]
        assert own == [p for p in range(n) if p != q and codes[p] == codes[q]]
        farthest = max((float(d[q, p]) for p in own), default=-inf)
        assert float(hardest_positives(d, is_same)[q]) == farthest
        assert hardest_negatives(d, is_other)[q] == min(d[q, i] for i in others)
        for p in own:
            beyond = [i for i in others if d[q, i] > d[q, p]]
            best = min if beyond else max
            expected = best(beyond or others, key=lambda i, q=q: float(d[q, i]))
            assert chosen[q, p] == expected


def test_counts_of_violations(batch):
    z, codes = batch
    d = distances(z)
    is_same, is_other = same_and_other(codes)
    by_positive, by_negative = count_violations(d, is_same, is_other, MARGIN)
    violates = d[:, None, :] < d[:, :, None] + MARGIN
    violates &= is_same[:, :, None] & is_other[:, None, :]
    assert torch.equal(by_positive, violates.sum(2).double())
    assert torch.equal(by_negative, violates.sum(1).double())


@each_loss
def test_health_of_an_epoch(batch, loss):
    z, codes = batch
    loss.take_health() if loss.tally.sums else None
    for _ in range(2):
        loss(z.requires_grad_(), codes)
    with torch.no_grad():
        loss(100 * z, codes)  # what is held out does not count
    health = loss.take_health()
    _, active, collapsed = loss.measure(z.detach(), codes)
    assert health["active_share"] == pytest.approx(float(active))
    assert health["collapsed_loss"] == pytest.approx(float(collapsed))
    assert health["mean_norm"] == pytest.approx(float(z.detach().norm(dim=1).mean()))
    singular = torch.linalg.svdvals(z.detach() - z.detach().mean(0))
    spread = (singular**2).sum().sqrt() / len(z) ** 0.5
    assert health["spread"] == pytest.approx(float(spread))
    shares = singular / singular.sum()
    rank = float(torch.special.entr(shares).sum().exp())
    assert health["effective_rank"] == pytest.approx(rank)


def test_share_of_active_tuples_by_hand():
    """Two classes on a line, at 0, 1 and at 1.5, 4."""
    z = torch.tensor([[0.0], [1.0], [1.5], [4.0]], dtype=torch.float64)
    codes = torch.tensor([0, 0, 1, 1])
    _, active, _ = ContrastiveLoss("squared", 1.0).measure(z, codes)
    assert float(active) == 1 / 4  # 1 and 1.5 alone are nearer than 1
    # Of each row the positive, then the negatives: 0 has 1; 1.5, 4, and 1 has 1; 0.5,
    # 3, and 1.5 has 2.5; 1.5, 0.5, and 4 has 2.5; 4, 3.
    _, active, _ = TripletLoss("all", "hinge", 0.2, 1.0).measure(z, codes)
    assert float(active) == 3 / 8
    _, active, _ = TripletLoss("hard", "hinge", 0.2, 1.0).measure(z, codes)
    assert float(active) == 2 / 4


# ---------------------------------------------------------------------------
# A peer, where it is installed
# ---------------------------------------------------------------------------


def test_pytorch_metric_learning_has_the_same_losses():
    peer = pytest.importorskip("pytorch_metric_learning")
    from pytorch_metric_learning import losses, miners, reducers
    from pytorch_metric_learning.distances import CosineSimilarity, LpDistance

    assert peer.__version__
    euclidean = LpDistance(normalize_embeddings=False)
    squared = LpDistance(normalize_embeddings=False, power=2)
    mean_of_all = reducers.MeanReducer()
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        z = torch.randn(32, 8, generator=generator)
        codes = torch.randint(6, (32,), generator=generator)
        hard = miners.BatchHardMiner(distance=euclidean)
        cases = [
            (
                ContrastiveLoss("distance", 3.0),
                losses.ContrastiveLoss(0, 3.0, distance=euclidean, reducer=mean_of_all)(
                    z, codes
                ),
            ),
            (
                ContrastiveLoss("squared", 3.0),
                losses.ContrastiveLoss(0, 9.0, distance=squared, reducer=mean_of_all)(
                    z, codes
                ),
            ),
            (
                TripletLoss("all", "hinge", 0.5, 1.0),
                losses.TripletMarginLoss(0.5, distance=euclidean, reducer=mean_of_all)(
                    z, codes
                ),
            ),
            (
                TripletLoss("hard", "hinge", 0.5, 1.0),
                losses.TripletMarginLoss(0.5, distance=euclidean, reducer=mean_of_all)(
                    z, codes, hard(z, codes)
                ),
            ),
            (
                TripletLoss("all", "softplus", 0.5, 1.0),
                losses.TripletMarginLoss(
                    0.0, distance=euclidean, reducer=mean_of_all, smooth_loss=True
                )(z, codes),
            ),
            (
                NPairLoss(0.3, "cosine"),
                losses.NTXentLoss(0.3, distance=CosineSimilarity())(z, codes),
            ),
            (
                SupConLoss(0.3),
                losses.SupConLoss(0.3, distance=CosineSimilarity())(z, codes),
            ),
        ]
        for ours, expected in cases:
            assert float(ours(z, codes)) == pytest.approx(float(expected), rel=1e-5)
