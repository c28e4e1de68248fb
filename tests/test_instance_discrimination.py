"""What InstanceDiscrimination promises beyond the common checks: loss and bank."""

import pickle
from math import exp, log

import numpy as np
import pytest
import torch
from near import assert_near
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch.nn import functional

from sklearn_replearn.self_supervised import InstanceDiscrimination
from sklearn_replearn.self_supervised._memory_bank import MemoryBank, unknown_rows_loss

SMALL = {
    "n_components": 4,
    "projection_sizes": (6, 5),
    "channels": (3, 4),
    "hidden_layer_sizes": (8,),
    "max_epochs": 2,
    "random_state": 0,
}
KINDS = {
    "table": {},
    "signals": {"encoder": "cnn"},
    "images": {"image_shape": (8, 8)},
}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X.astype(np.float32) / 16, y


@pytest.fixture(scope="module")
def X(digits):
    return digits[0][:100]


def small(kind="table", **parameters):
    return InstanceDiscrimination(**{**SMALL, **KINDS[kind], **parameters})


def unit_vectors(n, d=3, seed=0):
    Z = np.random.default_rng(seed).normal(size=(n, d))
    return torch.from_numpy(Z / np.linalg.norm(Z, axis=1, keepdims=True))


def bank_of(vectors, *, n_negatives=None, temperature=0.3, momentum=0.7):
    """An objective, as it is in a training."""
    objective = MemoryBank(temperature, momentum, n_negatives, None)
    objective.bank = vectors
    objective.places = torch.arange(len(vectors))
    objective.change = lambda x: x
    return objective


def softmax_loss(z, bank, places, temperature):
    """Minus the mean log-probability of the right rows, term by term."""
    total = 0.0
    for vector, place in zip(z.tolist(), places, strict=True):
        products = [
            sum(a * b for a, b in zip(vector, other, strict=True))
            for other in bank.tolist()
        ]
        terms = [exp(product / temperature) for product in products]
        total -= log(terms[place] / sum(terms))
    return total / len(z)


# ---------------------------------------------------------------------------
# The loss and the bank
# ---------------------------------------------------------------------------


def test_the_loss_by_a_loop():
    bank, z = unit_vectors(20), 3 * unit_vectors(4, seed=1)
    places = torch.tensor([3, 19, 0, 7])
    objective = bank_of(bank)
    batch = objective.prepare(z, places)
    assert batch.n_terms == 4
    loss = float(objective(lambda x: x, batch)["loss"])
    assert loss == pytest.approx(softmax_loss(z / 3, bank, places, 0.3), rel=1e-12)
    health = objective.take_health()
    assert health["collapsed_loss"] == pytest.approx(log(20))
    distances = (z / 3 - bank[places]).square().sum(1)
    assert health["alignment"] == pytest.approx(float(distances.mean()))


def test_gradient():
    z = unit_vectors(4, seed=1).requires_grad_()
    objective, places = bank_of(unit_vectors(20)).eval(), torch.tensor([3, 19, 0, 7])
    compare = objective._compare
    assert torch.autograd.gradcheck(lambda z: compare(z, places), z)


def test_sampled_negatives_estimate_the_loss():
    bank, z = unit_vectors(60), unit_vectors(4, seed=1) / 0.3
    places = torch.tensor([3, 19, 0, 59])
    whole = float(bank_of(bank)._compare(z, places))
    assert float(bank_of(bank, n_negatives=59)._compare(z, places)) == whole
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for n_negatives, error in ((58, 0.01), (20, 0.05)):
            objective = bank_of(bank, n_negatives=n_negatives)
            drawn = [float(objective._compare(z, places)) for _ in range(400)]
            assert np.std(drawn) > 0
            assert np.mean(drawn) == pytest.approx(whole, abs=error)
            # The sum itself is estimated without bias, row by row.
            sums = [
                float(objective._compare(z[:1], places[:1]).exp()) for _ in range(2000)
            ]
            expected = float(bank_of(bank)._compare(z[:1], places[:1]).exp())
            assert np.mean(sums) == pytest.approx(expected, rel=0.03)


def test_the_bank_moves_after_a_step():
    bank, z = unit_vectors(20), unit_vectors(3, seed=1)
    objective, places = bank_of(bank.clone()), torch.tensor([3, 19, 0])
    objective(lambda x: x, objective.prepare(z, places))
    objective.after_step(None, 0.5)
    for place, vector in zip(places, z, strict=True):
        moved = 0.7 * bank[place] + 0.3 * vector
        assert torch.allclose(objective.bank[place], moved / moved.norm(), rtol=1e-12)
    others = [i for i in range(20) if i not in places]
    assert torch.equal(objective.bank[others], bank[others])


def test_the_loss_of_held_out_rows_by_a_loop():
    bank, z = unit_vectors(20), unit_vectors(6, seed=1)
    total = 0.0
    for i in range(6):
        other = z[(i + 3) % 6]
        candidates = torch.cat([other[None], bank])
        total += softmax_loss(z[i : i + 1], candidates, [0], 0.3) / 6
    assert float(unknown_rows_loss(z, bank, 0.3)) == pytest.approx(total, rel=1e-12)
    objective = bank_of(bank).eval()
    batch = objective.prepare(z[:3], torch.arange(3))
    assert batch.n_terms == 3
    same = torch.cat([z[:3], z[:3]])
    loss = float(objective(lambda x: x, batch)["loss"])
    assert loss == pytest.approx(float(unknown_rows_loss(same, bank, 0.3)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_bank_holds_the_training_rows(X, kind, monkeypatch):
    banks = []
    prepare = MemoryBank.prepare

    def spy(self, inputs, targets):
        batch = prepare(self, inputs, targets)
        if self.training:
            banks.append((len(self.bank), sorted(batch.targets.tolist())))
        return batch

    monkeypatch.setattr(MemoryBank, "prepare", spy)
    model = small(kind, early_stopping=True, batch_size=90, max_epochs=1).fit(X)
    assert banks == [(90, list(range(90)))]
    assert len(model.validation_loss_curve_) == 1
    small(kind, batch_size=60, max_epochs=1).fit(X[:60], X_val=X[60:])
    assert banks[1:] == [(60, list(range(60)))]


def test_a_new_bank_is_that_of_the_network(X, monkeypatch):
    first = []
    begin = MemoryBank.begin

    def spy(self, network, samples):
        begin(self, network, samples)
        first.append((self.bank.clone(), network.training))

    monkeypatch.setattr(MemoryBank, "begin", spy)
    model = small(warm_start=True).fit(X)
    model.fit(X[:50])  # other rows than before
    assert model.n_iter_ == 4
    (bank, mode), (again, _) = first
    assert mode
    assert bank.shape == (100, 5)
    assert again.shape == (50, 5)
    assert torch.allclose(bank.norm(dim=1), torch.ones(100))
    assert functional.cosine_similarity(bank[:50], again).mean() < 0.999


def test_the_bank_is_not_kept(X):
    sizes = [len(pickle.dumps(small().fit(X[:n]))) for n in (50, 100)]
    assert abs(sizes[1] - sizes[0]) < 200
    assert small().fit(X).net_.criterion_.bank is None


# ---------------------------------------------------------------------------
# Training
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_negatives", ["all", 10])
def test_inputs(X, kind, n_negatives):
    model = small(kind, n_negatives=n_negatives).fit(X)
    assert np.isfinite(model.transform(X)).all()
    assert np.isfinite(model.score(X))
    again = small(kind, n_negatives=n_negatives).fit(X)
    assert_near(again.transform(X), model.transform(X))


def test_color_images_in_small_batches(X):
    color = np.stack([X, X[::-1], 1 - X], -1).reshape(-1, 8, 8, 3)[:9]
    model = small(batch_size=2).fit(color)
    assert model.image_shape_ == (8, 8, 3)
    assert np.isfinite(model.transform(color)).all()


def test_a_projector_is_not_needed(X):
    model = small(projection_sizes=()).fit(X)
    assert np.isfinite(model.score(X))


def test_features_need_few_labels(digits):
    X, y = digits
    found = []
    for training in ({"max_epochs": 1, "lr": 1e-9}, {"max_epochs": 30}):
        model = InstanceDiscrimination(random_state=0, **training).fit(X[:1200])
        Z = StandardScaler().fit_transform(model.transform(X))
        accuracies = []
        for draw in range(20):
            each = [np.flatnonzero(y[:1200] == c)[draw::24][:5] for c in range(10)]
            labeled = np.concatenate(each)
            few = LogisticRegression(C=0.1).fit(Z[labeled], y[labeled])
            accuracies.append(few.score(Z[1200:], y[1200:]))
        found.append((np.mean(accuracies), model.score(X[1200:])))
    assert model.loss_curve_[-1] < 0.9 * log(1200)
    (untrained, score_before), (learned, score) = found
    assert learned > untrained
    assert score > score_before + 0.2


def test_nothing_to_learn_is_warned_of(X):
    # All rows but one are the same, so that none can be told from the others.
    few = np.repeat(X[:2], [39, 1], 0)
    with pytest.warns(ConvergenceWarning, match="InstanceDiscrimination: .*augment"):
        small(max_epochs=10).fit(few)
