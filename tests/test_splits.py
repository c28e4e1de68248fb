"""Which rows early stopping holds out."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
import skorch
import torch
from registry import INSTANCES
from sklearn.base import clone
from sklearn.utils import get_tags
from small_networks import split_of

from sklearn_replearn._deep.estimators import base
from sklearn_replearn._deep.training.splits import (
    count_couples,
    count_rows,
    first_of_each,
    in_random_order,
    share_out,
)
from sklearn_replearn.autoencoder import Autoencoder
from sklearn_replearn.image import CNNFeatureExtractor, PretrainedFeatureExtractor
from sklearn_replearn.metric_learning import (
    MahalanobisTransformer,
    PairClassifier,
    PairVerifier,
    SupConTransformer,
)
from sklearn_replearn.metric_learning._held_out import (
    number_by_occurrence,
    split_rows,
)
from sklearn_replearn.self_supervised import SimCLR

DEEP = {
    name: estimator
    for name, estimator in INSTANCES.items()
    if isinstance(estimator, base.BaseDeepEstimator)
    and not get_tags(estimator).input_tags.string
}
LEARN_CLASSES = {
    "CNNFeatureExtractor": {},
    "PretrainedFeatureExtractor": {"fine_tune": "all"},
}
COMPARE_ROWS = {
    "MahalanobisTransformer": {},
    "NPairTransformer": {},
    "PairClassifier": {"input": "rows"},
    "SiameseTransformer": {},
    "SupConTransformer": {},
    "TripletTransformer": {},
}


def stopping(name, **parameters):
    """An estimator of the registry that stops early."""
    parameters = {"early_stopping": True, "max_epochs": 2, **parameters}
    return clone(DEEP[name]).set_params(**parameters)


@pytest.fixture
def recorded(monkeypatch):
    """The indices that are held out, in the order of the fits."""
    held_out, make = [], base.make_batches

    def record(*arguments, **options):
        made = make(*arguments, **options)
        held_out.append(made[1].sampler.index.tolist())
        return made

    monkeypatch.setattr(base, "make_batches", record)
    return held_out


# ---------------------------------------------------------------------------
# Numbers of each class
# ---------------------------------------------------------------------------


def shares_one_by_one(total, counts, most):
    """The same by fractions and a loop."""
    counts = [n if limit else 0 for n, limit in zip(counts, most, strict=True)]
    whole = max(1, sum(counts))
    quotas = [Fraction(total * n, whole) for n in counts]
    shares = [min(int(q), limit) for q, limit in zip(quotas, most, strict=True)]
    missing = [q - share for q, share in zip(quotas, shares, strict=True)]
    order = sorted(range(len(counts)), key=lambda i: -missing[i])
    for i in order:
        if sum(shares) < total and shares[i] < most[i]:
            shares[i] += 1
    return shares


@pytest.mark.parametrize("seed", range(20))
def test_shares_are_those_of_a_loop(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 40, size=rng.integers(1, 12))
    most = np.maximum(counts - rng.integers(1, 6), 0)
    total = int(rng.integers(0, counts.sum() + 3))
    found = share_out(total, counts, most)
    assert found.tolist() == shares_one_by_one(total, counts.tolist(), most.tolist())


@pytest.mark.parametrize(
    ("counts", "fraction", "held_out"),
    [
        ([30, 30, 1], 0.1, [3, 3, 0]),
        ([60, 30, 10], 0.2, [12, 6, 2]),
        ([2, 2, 2], 0.9, [1, 1, 1]),
        ([7, 7, 7], 0.1, [1, 1, 0]),  # 2.1 rows: the first ones get them
        ([1, 1, 1, 1], 0.5, [0, 0, 0, 0]),
        ([100, 3], 0.01, [1, 0]),
        ([5, 1, 1, 1, 1, 1], 0.2, [1, 0, 0, 0, 0, 0]),
    ],
)
def test_rows_of_each_class(counts, fraction, held_out):
    assert count_rows(np.array(counts), fraction).tolist() == held_out


@pytest.mark.parametrize(
    ("counts", "fraction", "held_out"),
    [
        ([20, 20, 20], 0.2, [4, 4, 4]),
        ([20, 20, 3, 2, 1], 0.1, [2, 2, 0, 0, 0]),  # small classes stay as they are
        ([1000, 2], 0.1, [100, 1]),
        ([1000, 4], 0.1, [100, 2]),
        ([3, 3], 0.1, [2, 1]),
        ([4, 2], 0.1, [2, 1]),
        ([2, 2, 2], 0.1, [2, 1, 0]),
        ([2] * 20, 0.2, [2] * 4 + [0] * 16),  # all are small: whole classes
        ([2, 2], 0.3, [0, 0]),
        ([50, 1, 1], 0.3, [0, 0, 0]),
        ([2, 2], 0.9, [0, 0]),
        ([2] * 10, 0.99, [2] * 8 + [0] * 2),
    ],
)
def test_rows_of_each_class_in_couples(counts, fraction, held_out):
    assert count_couples(np.array(counts), fraction).tolist() == held_out


@pytest.mark.parametrize("seed", range(30))
def test_couples_leave_both_parts_something_to_compare(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, rng.integers(3, 12), size=rng.integers(2, 10))
    fraction = rng.uniform(0.05, 0.95)
    held_out = count_couples(counts, fraction)
    assert (held_out <= counts).all()
    assert (held_out[counts == 1] == 0).all()
    if held_out.any():
        for part in (held_out, counts - held_out):
            assert part.max() > 1
            assert (part > 0).sum() > 1
    else:
        assert (counts >= 3).sum() < 2
        assert (counts > 1).sum() < 3


def test_the_first_of_each_class_in_random_order():
    codes = np.array([5, 5, 7, 5, 7, 9])
    order, ranks = in_random_order(codes, 0)
    assert sorted(order) == list(range(6))
    names = codes[order][np.unique(ranks, return_index=True)[1]]
    assert (names[ranks] == codes[order]).all()
    assert ranks[0] == 0  # the class of the first sample in this order
    for n_each in ([1, 1, 1], [2, 0, 1], [3, 2, 1]):
        n_each = np.minimum(n_each, np.bincount(ranks))
        chosen = first_of_each(order, ranks, n_each)
        left = n_each.copy()
        expected = set()
        for sample, rank in zip(order, ranks, strict=True):
            if left[rank]:
                left[rank] -= 1
                expected.add(sample)
        assert set(np.flatnonzero(chosen)) == expected


# ---------------------------------------------------------------------------
# Rare classes
# ---------------------------------------------------------------------------


class Classes(skorch.callbacks.Callback):
    """Which codes the training has seen."""

    def initialize(self):
        self.seen = set()
        return self

    def on_batch_begin(self, net, batch, training):
        self.seen.update(batch[1].tolist())


@pytest.mark.parametrize("counts", [[1, 30, 30], [40, 2, 1, 1], [2, 2, 9]])
@pytest.mark.parametrize("name", LEARN_CLASSES)
def test_every_class_is_trained_with(name, counts):
    X = np.random.default_rng(0).random((sum(counts), 8))
    y = np.arange(len(counts)).repeat(counts)
    for seed in range(3):
        model = stopping(
            name,
            callbacks=[Classes()],
            validation_fraction=0.2,
            random_state=seed,
            **LEARN_CLASSES[name],
        ).fit(X, y)
        ((_, callback),) = model.net_.callbacks_
        assert callback.seen == set(range(len(counts)))


def test_every_kind_of_pair_is_trained_with():
    X = np.random.default_rng(0).random((30, 2, 8))
    y = (np.arange(30) == 4).astype(int)
    model = stopping("PairClassifier", callbacks=[Classes()]).fit(X, y)
    assert model.net_.callbacks_[0][1].seen == {0, 1}


# ---------------------------------------------------------------------------
# Names
# ---------------------------------------------------------------------------

NAMES = [
    lambda codes: codes,
    lambda codes: codes.max() - codes,
    lambda codes: np.array(["q", "ab", "zz", "c", "m", "f"])[codes],
    lambda codes: (7 * codes + 3) % 11 - 20.0,
]


@pytest.mark.parametrize(
    "counts", [[1, 6, 20], [20, 6, 1], [3, 3, 2, 2, 1, 1], [12, 12, 11, 2]]
)
@pytest.mark.parametrize("name", [*LEARN_CLASSES, *COMPARE_ROWS])
def test_names_have_no_influence(name, counts, recorded):
    n = sum(counts)
    X = np.random.default_rng(1).standard_normal((n, 8))
    codes = np.arange(len(counts)).repeat(counts)
    codes = codes[np.random.default_rng(2).permutation(n)]
    parameters = {**LEARN_CLASSES, **COMPARE_ROWS}[name]
    for rename in NAMES:
        stopping(name, validation_fraction=0.2, **parameters).fit(X, rename(codes))
    assert len(recorded) == len(NAMES)
    assert recorded[0]
    assert all(held_out == recorded[0] for held_out in recorded)


@pytest.mark.parametrize("counts", [[30, 1], [2, 2], [2, 1, 1, 1], [3, 1, 1]])
@pytest.mark.parametrize("name", COMPARE_ROWS)
def test_too_few_rows_are_refused_by_any_name(name, counts):
    X = np.random.default_rng(0).random((sum(counts), 8))
    codes = np.arange(len(counts)).repeat(counts)
    for rename in NAMES:
        with pytest.raises(ValueError, match="early_stopping needs two rows of one cl"):
            stopping(name, **COMPARE_ROWS[name]).fit(X, rename(codes))


@pytest.mark.parametrize("name", LEARN_CLASSES)
def test_single_rows_of_all_classes_are_refused(name):
    X, y = np.random.default_rng(0).random((5, 8)), np.arange(5)
    model = stopping(name, **LEARN_CLASSES[name])
    with pytest.raises(ValueError, match="early_stopping leaves one of the rows of ea"):
        model.fit(X, y)


@pytest.mark.parametrize("counts", [[2, 2, 1, 1, 1], [4, 9, 12], [3, 2, 6, 1, 1, 8]])
@pytest.mark.parametrize("seed", range(5))
def test_names_have_no_influence_on_verifiers(counts, seed):
    n = sum(counts)
    rows = np.random.default_rng(1).standard_normal((n, 8))
    codes = np.random.default_rng(2).permutation(np.arange(len(counts)).repeat(counts))
    thresholds = [
        PairVerifier(
            SupConTransformer(2, max_epochs=1, random_state=0),
            input="rows",
            random_state=seed,
        )
        .fit(rows, rename(codes))
        .threshold_
        for rename in (lambda codes: codes, lambda codes: codes * 2 + 5)
    ]
    assert thresholds[0] == thresholds[1]
    drawn = []
    for rename in NAMES:
        classes, renamed = np.unique(rename(codes), return_inverse=True)
        numbered, names = number_by_occurrence(renamed, classes)
        assert (names[numbered] == rename(codes)).all()
        drawn.append(split_rows(numbered, names, 0.2, np.random.RandomState(seed))[1])
    assert all((held_out == drawn[0]).all() for held_out in drawn)
    counts = np.bincount(codes[np.setdiff1d(np.arange(n), drawn[0])])
    assert counts.max() > 1


# ---------------------------------------------------------------------------
# Warm starts
# ---------------------------------------------------------------------------


def other_labels(n):
    return np.arange(n) % 3


@pytest.mark.parametrize(
    "random_state", [None, 3, np.random.RandomState(0)], ids=["None", "int", "instance"]
)
@pytest.mark.parametrize("name", DEEP)
def test_a_warm_start_holds_out_the_same_rows(name, random_state, recorded):
    parameters = {**LEARN_CLASSES, **COMPARE_ROWS}.get(name, {})
    X = np.random.default_rng(0).random((40, 8))
    model = stopping(name, warm_start=True, random_state=random_state, **parameters)
    y = other_labels(40)
    model.fit(X, y).fit(X, y)
    pickle.loads(pickle.dumps(model)).fit(X, y)
    model.set_params(random_state=5).fit(X, y)
    assert len(recorded[0]) >= 4
    assert all(held_out == recorded[0] for held_out in recorded)
    model.set_params(warm_start=False).fit(X, y)
    assert recorded[-1] != recorded[0]


def test_a_warm_start_of_pairs_holds_out_the_same_pairs(recorded):
    X = np.random.default_rng(0).random((50, 2, 8))
    for name in ("PairClassifier", "SiameseTransformer", "MahalanobisTransformer"):
        recorded.clear()
        model = stopping(name, input="pairs", warm_start=True, random_state=None)
        model.fit(X, np.arange(50) % 2).fit(X, np.arange(50) % 2)
        assert len(recorded[0]) == 5
        assert recorded[0] == recorded[1]


def test_the_validation_loss_goes_on_where_it_was():
    X = np.random.default_rng(0).normal(size=(100, 30))
    model = Autoencoder(
        10,
        hidden_layer_sizes=(64,),
        max_epochs=40,
        n_iter_no_change=40,
        lr=0.01,
        lr_schedule="constant",
        early_stopping=True,
        validation_fraction=0.2,
        warm_start=True,
        random_state=0,
    )
    best = min(model.fit(X).validation_loss_curve_)
    model.fit(X)
    assert model.validation_loss_curve_[40] > 0.9 * best
    assert model.loss_curve_[-1] < 0.5 * model.validation_loss_curve_[-1]


def test_a_refit_that_fails_keeps_what_was_held_out(recorded):
    X = np.random.default_rng(0).random((40, 8))
    model = stopping("Autoencoder", random_state=None, warm_start=True).fit(X)
    with pytest.raises(ValueError, match="NaN"):
        model.set_params(warm_start=False).fit(np.full((40, 8), np.nan))
    model.set_params(warm_start=True).fit(X)
    assert recorded[0] == recorded[1]


# ---------------------------------------------------------------------------
# The split as it is
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "n_held_out"),
    [
        (Autoencoder(validation_fraction=0.25), 25),
        (CNNFeatureExtractor(validation_fraction=0.25), 25),
        (SimCLR(validation_fraction=0.24), 24),
        (SupConTransformer(validation_fraction=0.24), 24),
        (MahalanobisTransformer(validation_fraction=0.24), 24),
        (PretrainedFeatureExtractor(torch.nn.Identity(), validation_fraction=0.3), 30),
        (PairClassifier(input="rows", validation_fraction=0.16), 16),
    ],
    ids=lambda value: type(value).__name__,
)
def test_parts_have_all_rows_and_shares_of_the_classes(model, n_held_out):
    is_unsupervised = isinstance(model, Autoencoder | SimCLR)
    codes = torch.tensor([0] * 50 + [1] * 30 + [2] * 20)
    data = np.zeros((100, 2)), None if is_unsupervised else codes.numpy()
    model.set_params(early_stopping=True, random_state=0)
    train, held_out = split_of(model, *data)
    assert len(held_out) == n_held_out
    assert torch.equal(torch.cat([train, held_out]).sort().values, torch.arange(100))
    if not is_unsupervised:
        shares = codes[held_out].bincount() / n_held_out
        assert (shares - torch.tensor([0.5, 0.3, 0.2])).abs().max() < 0.06
    other = split_of(clone(model).set_params(random_state=1), *data)[1]
    assert not torch.equal(held_out, other)
    everything, none = split_of(model.set_params(early_stopping=False), *data)
    assert len(everything) == 100
    assert len(none) == 0
