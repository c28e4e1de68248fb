"""Techniques of other kinds than the package has need no change of the deep core.

Each is a few lines: what it reads, its network and its objective.
"""

import pickle
from functools import partial

import numpy as np
import pytest
import skorch
import torch
from near import assert_near
from sklearn.base import clone
from sklearn.utils.validation import check_array
from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.input.ragged import Padded, Tokens, Waves, mean_over
from sklearn_replearn._deep.input.samples import Rows, Views
from sklearn_replearn._deep.networks.network import Network, copy_modules
from sklearn_replearn._deep.objectives.masking import Masked
from sklearn_replearn._deep.objectives.objective import (
    Batch,
    Joint,
    Objective,
    Supervised,
)
from sklearn_replearn._deep.objectives.softmax import (
    NegativeSampler,
    chunked_cross_entropy,
    sampled_cross_entropy,
)
from sklearn_replearn._deep.objectives.tuple_losses import masked_mean
from sklearn_replearn._deep.training.batches import make_batches
from sklearn_replearn._deep.training.length_batches import LengthBatches
from sklearn_replearn._deep.training.plan import Plan

#: A learning rate by which no weight changes.
AT_REST = 1e-12

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 6)).astype(np.float32)
DOCUMENTS = [
    RNG.integers(topic * 6, topic * 6 + 6, length).tolist()
    for topic, length in zip([0, 1] * 20, [5, 9, 0, 1, 20, 16, 33, 12] * 5, strict=True)
]
SIGNALS = [
    np.sin(0.3 * np.arange(length) + phase).astype(np.float32)
    for length, phase in zip([30, 7, 130, 16, 64, 1] * 5, RNG.random(30), strict=True)
]


class TableNetwork(Network):
    """Rows to codes, and a projector that only the training needs."""

    def __init__(self, *, n_inputs):
        super().__init__([n_inputs])
        layers = nn.Linear(n_inputs, 8), nn.LayerNorm(8), nn.Tanh(), nn.Linear(8, 3)
        self.encoder = nn.Sequential(*layers)
        self.projector = nn.Sequential(nn.Linear(3, n_inputs))

    def encode(self, x):
        return self.encoder(x)

    def forward(self, x):
        return self.projector(self.encode(x))


def reconstruction():
    return Supervised(nn.MSELoss())


class Technique(BaseDeepTransformer):
    """A technique whose objective, and further options of its plan, are parameters."""

    network = TableNetwork

    def __init__(
        self,
        objective=reconstruction,
        plan=None,
        *,
        max_epochs=3,
        batch_size=10,
        lr=0.01,
        lr_schedule="constant",
        weight_decay=0.0,
        optimizer="adam",
        early_stopping=False,
        validation_fraction=0.25,
        n_iter_no_change=10,
        callbacks=None,
        warm_start=False,
        mixed_precision=False,
        device="cpu",
        random_state=0,
        verbose=0,
    ):
        self.objective = objective
        self.plan = plan
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.mixed_precision = mixed_precision
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _plan(self, samples, targets):
        options = {"n_inputs": self.n_features_in_}
        return self._plan_of(options, self.objective())

    def _plan_of(self, options, objective, **plan):
        description = {"network": self.network, **options}
        return Plan(description, objective, **plan, **(self.plan or {}))


class Record(skorch.callbacks.Callback):
    """Notes what is passed to hooks, and a state of the net at each of them."""

    def __init__(self, look=None):
        self.look = look

    def on_train_begin(self, net, **kwargs):
        self.batches, self.epochs, self.steps, self.norms = [], [], [], []
        self.start = self.look and self.look(net)

    def on_grad_computed(self, net, named_parameters, **kwargs):
        gradients = [weight.grad for _, weight in named_parameters]
        squares = [g.square().sum() for g in gradients if g is not None]
        self.norms.append(float(sum(squares) ** 0.5))

    def on_batch_end(self, net, batch, training, **kwargs):
        self.batches.append((training, *batch))
        if training and self.look:
            self.steps.append(self.look(net))

    def on_epoch_end(self, net, **kwargs):
        self.epochs.append(self.look and self.look(net))


def record_of(fitted):
    return dict(fitted.net_.callbacks_)["Record"]


def pickled(fitted):
    return pickle.loads(pickle.dumps(fitted))


def state_of(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def assert_same_state(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------------------
# Documents: tokens at masked places
# ---------------------------------------------------------------------------


class TokenNetwork(Network):
    """Each token with the mean of the others of its document."""

    block_rows = 1000

    def __init__(self, *, n_words, mix=None):
        super().__init__()
        self.embedding = nn.Embedding(n_words + 1, 5)  # the last one is the mask
        self.mix = nn.Linear(10, 4) if mix is None else mix
        self.output = nn.Linear(4, n_words)

    def arrange(self, tokens):
        return tokens

    def forward(self, tokens):
        x = self.embedding(tokens.values)
        n = tokens.mask.sum(1)[:, None, None]
        others = mean_over(x, tokens.mask)[:, None] * n - x
        others = others / (n - 1).clamp_min(1)
        return self.mix(torch.cat([x, others], 2)).tanh()

    def encode(self, tokens):
        return mean_over(self(tokens), tokens.mask)


class Words(nn.Module):
    """Cross-entropy over all words, or while training over a sample of them."""

    def __init__(self, sampler=None):
        super().__init__()
        self.sampler = sampler

    def forward(self, network, hidden, tokens):
        weight, bias = network.output.weight, network.output.bias
        if self.sampler is None or not self.training:
            return chunked_cross_entropy(hidden, weight, bias, tokens, chunk_size=7)
        return sampled_cross_entropy(
            hidden, weight, bias, tokens, *self.sampler(tokens)
        )


class MaskedTokens(Technique):
    network = TokenNetwork
    n_sampled = 0
    mix = None

    def _read(self, X, y, *, reset):
        tokens = Tokens.from_lists(X)
        if reset:
            self.n_words_ = int(tokens.values.max()) + 1
        return tokens, None

    def _plan(self, samples, targets):
        n, sampler = self.n_words_, None
        if self.n_sampled:
            sampler = NegativeSampler(samples.values.bincount(), self.n_sampled)
        loss = Masked(Words(sampler), mask_id=n, vocabulary_size=n, share=0.3)
        return self._plan_of({"n_words": n, "mix": self.mix}, loss)


class SampledTokens(MaskedTokens):
    n_sampled = 6


class TokensOfAModule(MaskedTokens):
    mix = nn.Linear(10, 4)


@pytest.fixture(scope="module")
def token_model():
    return MaskedTokens(max_epochs=2).fit(DOCUMENTS)


def test_a_document_has_one_vector_whatever_else_there_is(token_model):
    vectors = token_model.transform(DOCUMENTS)
    assert vectors.shape == (40, 4)
    assert vectors.dtype == np.float32
    assert_near(token_model.transform(DOCUMENTS[::-1])[::-1], vectors)
    alone = [token_model.transform([document]) for document in DOCUMENTS[:8]]
    assert_near(np.concatenate(alone), vectors[:8])
    assert_near(pickled(token_model).transform(DOCUMENTS), vectors)


def test_an_empty_document_has_a_zero_vector(token_model):
    vectors = token_model.transform([[], [3, 4]])
    assert not vectors[0].any()
    assert vectors[1].any()
    assert not token_model.transform([[]]).any()


def test_the_loss_is_a_mean_over_the_masked_places():
    fitted = MaskedTokens(lr=AT_REST, callbacks=[Record()]).fit(DOCUMENTS)
    losses = []
    for _, tokens, (chosen, words) in record_of(fitted).batches:
        hidden = fitted.net_.module_(tokens)
        logs = fitted.net_.module_.output(hidden).log_softmax(2).detach()
        places = chosen.nonzero().tolist()
        found = [
            -float(logs[i, j, word])
            for (i, j), word in zip(places, words.tolist(), strict=True)
        ]
        losses.append(found)
    n_batches = len(losses) // 3
    for epoch in range(3):
        of_epoch = np.concatenate(losses[epoch * n_batches : (epoch + 1) * n_batches])
        assert fitted.loss_curve_[epoch] == pytest.approx(np.mean(of_epoch), rel=1e-5)


@pytest.mark.parametrize("kind", [MaskedTokens, SampledTokens])
def test_held_out_documents_have_the_same_masks_in_each_epoch(kind):
    fitted = kind(lr=AT_REST, early_stopping=True).fit(DOCUMENTS)
    curve = fitted.validation_loss_curve_
    np.testing.assert_allclose(curve, curve[0], rtol=1e-5)
    assert np.ptp(fitted.loss_curve_) > 1e-3


def test_validation_changes_nothing_in_the_training(token_model):
    fitted = clone(token_model).fit(DOCUMENTS, X_val=DOCUMENTS[:9])
    np.testing.assert_allclose(fitted.loss_curve_, token_model.loss_curve_, rtol=1e-6)


@pytest.mark.parametrize("kind", [MaskedTokens, SampledTokens, TokensOfAModule])
def test_documents_are_learned_from(kind):
    options = {"max_epochs": 8, "lr": 0.05}
    fitted = kind(**options).fit(DOCUMENTS, X_val=DOCUMENTS[:16])
    assert fitted.validation_loss_curve_[-1] < fitted.validation_loss_curve_[0] - 0.3
    assert_near(pickled(fitted).transform(DOCUMENTS), fitted.transform(DOCUMENTS))


def test_documents_without_a_place_to_mask():
    with pytest.raises(ValueError, match="No held-out sample has a place that the"):
        MaskedTokens().fit(DOCUMENTS, X_val=[[], []])


def test_divergence_without_measurements():
    with pytest.raises(ValueError, match=r"nan in epoch 1\. lr is 1e\+30; lower lr\."):
        MaskedTokens(lr=1e30, optimizer=torch.optim.SGD).fit(DOCUMENTS)


# ---------------------------------------------------------------------------
# Waves: the next value
# ---------------------------------------------------------------------------


class WaveNetwork(Network):
    block_rows = 1000

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv1d(1, 4, 5)
        self.output = nn.Linear(4, 2)

    def arrange(self, waves):
        return waves._replace(values=waves.values.to(self.origin.dtype))

    def frames(self, waves):
        past = functional.pad(waves.values[:, None], (4, 0))
        return self.convolution(past).tanh().movedim(1, 2)

    def forward(self, waves):
        return self.output(self.frames(waves))

    def encode(self, waves):
        return mean_over(self.frames(waves), waves.mask)


class NextValue(Objective):
    def prepare(self, inputs, targets):
        return Batch(inputs, None, inputs.mask[:, 1:].sum())

    def forward(self, network, batch):
        values, mask = batch.inputs
        errors = network(batch.inputs)[:, :-1, 0] - values[:, 1:]
        return {"error": masked_mean(errors.square(), mask[:, 1:])}


def by_length(samples, targets, index, batch_size, *, shuffle):
    return LengthBatches(index, samples.lengths, 32 * batch_size, shuffle=shuffle)


class WaveTechnique(Technique):
    network = WaveNetwork

    def _read(self, X, y, *, reset):
        return Waves.from_arrays(X), None

    def _plan(self, samples, targets):
        return self._plan_of({}, NextValue(), sampler=by_length)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_signal_has_one_vector_in_its_own_precision(dtype):
    signals = [signal.astype(dtype) for signal in SIGNALS]
    fitted = WaveTechnique().fit(signals)
    vectors = fitted.transform(signals)
    assert vectors.dtype == dtype
    assert_near(fitted.transform(signals[::-1])[::-1], vectors)
    assert_near(
        np.concatenate([fitted.transform([s]) for s in signals[:6]]), vectors[:6]
    )
    assert_near(pickled(fitted).transform(signals), vectors)
    network = fitted.net_.module_.double()
    for signal, vector in zip(signals[:6], vectors[:6], strict=True):
        values = torch.from_numpy(signal).double()[None]
        expected = network.encode(Padded(values, torch.ones_like(values).bool()))
        assert_near(vector, expected[0].detach().numpy().astype(dtype))


def test_the_loss_of_signals_is_a_mean_over_their_values():
    fitted = WaveTechnique(lr=AT_REST, callbacks=[Record()]).fit(SIGNALS)
    batches = record_of(fitted).batches
    sizes = [waves.values.numel() for _, waves, _ in batches]
    assert max(sizes) <= 320
    assert len(batches) > 3 * len(SIGNALS) // 10
    errors = []
    for signal in SIGNALS:
        values = torch.from_numpy(signal)[None]
        found = fitted.net_.module_(Padded(values, torch.ones_like(values).bool()))
        errors += (found.detach()[0, :-1, 0] - values[0, 1:]).square().tolist()
    np.testing.assert_allclose(fitted.loss_curve_, np.mean(errors), rtol=1e-5)


def test_divergence_of_signals():
    signals = [1e30 * signal for signal in SIGNALS]
    with pytest.raises(ValueError, match=r"inf in epoch 1\. Values of X reach 1e\+30"):
        WaveTechnique().fit(signals)


# ---------------------------------------------------------------------------
# Two views, and what the objective learns
# ---------------------------------------------------------------------------


class TwoTables(Network):
    def __init__(self, *, n_inputs, n_others):
        super().__init__()
        self.first = nn.Linear(n_inputs, 3)
        self.second = nn.Linear(n_others, 3)

    def arrange(self, rows):
        if not isinstance(rows, tuple):
            return super().arrange(rows)
        first, second = rows
        return super().arrange(first), super().arrange(second)

    def forward(self, views):
        return self.encode(views[0]), functional.normalize(self.second(views[1]))

    def encode(self, x):
        return functional.normalize(self.first(x))


class Contrast(Objective):
    """InfoNCE in both directions with a learned temperature; counts its steps."""

    def __init__(self, n_counters=1):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.register_buffer("n_steps", torch.zeros(n_counters))
        self.register_buffer("not_saved", torch.zeros(2), persistent=False)

    def forward(self, network, batch):
        first, second = network(batch.inputs)
        logits = self.log_scale.exp() * first @ second.T
        diagonal = torch.arange(len(logits))
        return {
            "forth": functional.cross_entropy(logits, diagonal),
            "back": functional.cross_entropy(logits.T, diagonal),
        }

    def after_step(self, network, progress):
        self.n_steps += 1

    def take_health(self):
        return {"scale": float(self.log_scale.detach().exp())}


class TwoViewTechnique(Technique):
    network = TwoTables

    def _read(self, X, y, *, reset):
        first = self._rows(X, reset=reset)
        if y is None:
            return first, None
        return Views(first, Rows(check_array(y, dtype=np.float32))), None

    def _plan(self, samples, targets):
        widths = samples.first.array.shape[1], samples.second.array.shape[1]
        description = dict(zip(("n_inputs", "n_others"), widths, strict=True))
        return self._plan_of(description, self.objective())


Y = X[:, :4] + 0.3 * RNG.standard_normal((40, 4)).astype(np.float32)


def learned(net):
    return state_of(net.criterion_) | state_of(net.module_)


def two_views(**options):
    defaults = {"callbacks": [Record(learned)], "lr": 0.05}
    return TwoViewTechnique(Contrast, **(defaults | options))


def test_the_temperature_is_learned_and_told():
    fitted = two_views().fit(X, Y)
    scale = float(fitted.net_.criterion_.log_scale.detach().exp())
    assert scale > 1.05
    assert fitted.net_.epochs_[-1]["scale"] == scale
    assert fitted.transform(X).shape == (40, 3)
    for loss, terms in zip(fitted.loss_curve_, fitted.loss_terms_curve_, strict=True):
        assert terms.keys() == {"forth", "back"}
        assert sum(terms.values()) == pytest.approx(loss, rel=1e-6)


def test_early_stopping_restores_what_the_objective_had_at_the_best_epoch():
    noise = RNG.standard_normal(Y.shape)
    options = {"early_stopping": True, "n_iter_no_change": 3, "max_epochs": 60}
    fitted = two_views(**options, lr=0.2).fit(X, noise)
    best = int(np.argmin(fitted.validation_loss_curve_))
    assert best + 4 == fitted.n_iter_ < 60
    assert_same_state(learned(fitted.net_), record_of(fitted).epochs[best])
    assert int(fitted.net_.criterion_.n_steps) == 3 * (best + 1)


@pytest.mark.parametrize("reload", [lambda fitted: fitted, pickled])
def test_a_warm_start_goes_on_with_what_the_objective_has_learned(reload):
    # In batches of all rows, without a state of the optimizer, it is one training.
    options = {"batch_size": 40, "optimizer": torch.optim.SGD, "lr": 0.5}
    through = two_views(max_epochs=6, **options).fit(X, Y)
    first = two_views(max_epochs=4, warm_start=True, callbacks=None, **options)
    first = reload(first.fit(X, Y))
    first.set_params(max_epochs=2, callbacks=[Record(learned)]).fit(X, Y)
    assert_same_state(record_of(first).start, record_of(through).epochs[3])
    assert_same_state(learned(first.net_), learned(through.net_))
    np.testing.assert_allclose(first.loss_curve_, through.loss_curve_, rtol=1e-4)
    assert int(first.net_.criterion_.n_steps) == 6


def test_a_pickle_of_a_pickle_keeps_what_the_objective_has_learned():
    fitted = two_views(callbacks=None, warm_start=True).fit(X, Y)
    twice = pickled(pickled(fitted))
    assert twice.net_.learned_state().keys() == {"log_scale", "n_steps"}
    scale = fitted.net_.criterion_.log_scale.detach()
    assert float(twice.net_.learned_state()["log_scale"]) == float(scale)


def test_a_warm_start_refuses_another_objective():
    fitted = two_views(warm_start=True, callbacks=None).fit(X, Y)
    fitted.set_params(objective=partial(Contrast, n_counters=2))
    with pytest.raises(ValueError, match=r"now describe another loss \(.*n_steps"):
        fitted.fit(X, Y)


def test_views_of_other_lengths():
    with pytest.raises(ValueError, match="first view has 40 rows and the second 39"):
        two_views().fit(X, Y[1:])


def test_weights_of_views_reach_their_batches():
    views = Views(Rows(X), Rows(Y))
    views.weights = torch.arange(40.0)
    batches, _, _ = make_batches(
        Plan({}, reconstruction()),
        lambda pair: pair,
        views,
        None,
        None,
        batch_size=8,
        fraction=None,
        seed=0,
        device=torch.device("cpu"),
    )
    for batch in batches:
        rows = [X.tolist().index(row.tolist()) for row in batch.inputs[0]]
        np.testing.assert_allclose(batch.weights, np.array(rows) / 19.5, rtol=1e-6)


# ---------------------------------------------------------------------------
# Several objectives
# ---------------------------------------------------------------------------


class Sizes(Objective):
    """Two terms, and how many steps there were."""

    def __init__(self):
        super().__init__()
        self.n_steps = 0

    def forward(self, network, batch):
        codes = network.encode(batch.inputs)
        return {"square": codes.square().mean(), "length": codes.abs().mean()}

    def after_step(self, network, progress):
        self.n_steps += 1

    def take_health(self):
        return {"n_steps": self.n_steps}


def jointly():
    return Joint({"error": (reconstruction(), 0.5), "size": (Sizes(), 3.0)})


def test_joint_objectives_record_their_weighted_terms():
    fitted = Technique(jointly, early_stopping=True).fit(X)
    for name in ("train", "valid"):
        for epoch in fitted.net_.epochs_:
            terms = epoch[f"{name}_terms"]
            assert terms.keys() == {"error", "size_square", "size_length"}
            expected = epoch[f"{name}_loss"]
            assert sum(terms.values()) == pytest.approx(expected, rel=1e-6)
    assert [epoch["size_n_steps"] for epoch in fitted.net_.epochs_] == [3, 6, 9]


def test_terms_of_joint_objectives_are_those_of_each():
    fitted = Technique(jointly, lr=AT_REST, max_epochs=1).fit(X)
    network, x = fitted.net_.module_, torch.from_numpy(X)
    codes = network.encode(x).detach()
    expected = {
        "error": 0.5 * float((network(x) - x).detach().square().mean()),
        "size_square": 3 * float(codes.square().mean()),
        "size_length": 3 * float(codes.abs().mean()),
    }
    assert fitted.loss_terms_curve_ == [pytest.approx(expected, rel=1e-5)]


def test_weights_of_samples_reach_the_parts():
    class Error(nn.Module):
        def forward(self, output, target, weights):
            return ((output - target).square().mean(1) * weights).mean()

    def objective():
        return Joint({"error": (Supervised(Error()), 2.0)})

    class Weighted(Technique):
        def fit(self, X, y=None, sample_weight=None):
            return self._fit(X, y, sample_weight=sample_weight)

    weights = np.arange(1.0, 41.0)
    fitted = Weighted(objective, lr=AT_REST, max_epochs=1)
    fitted.fit(X, sample_weight=weights)
    x = torch.from_numpy(X)
    errors = (fitted.net_.module_(x) - x).square().mean(1).detach().numpy()
    expected = 2 * np.average(errors, weights=weights)
    assert fitted.loss_curve_[0] == pytest.approx(expected, rel=1e-5)


# ---------------------------------------------------------------------------
# After each step: a moving average of the network
# ---------------------------------------------------------------------------


class Momentum(Objective):
    """Predicts the codes of a moving average of the network (BYOL)."""

    def begin(self, network, samples):
        self.average = copy_modules(network).requires_grad_(False)
        self.progress = []

    def forward(self, network, batch):
        codes = self.average.encode(batch.inputs) + batch.inputs[:, :3]
        return {"error": (network.encode(batch.inputs) - codes).square().mean()}

    def after_step(self, network, progress):
        self.progress.append(progress)
        pairs = zip(self.average.parameters(), network.parameters(), strict=True)
        for average, weight in pairs:
            average.lerp_(weight, 0.1)


def weights_of(net):
    return [weight.detach().clone() for weight in net.module_.parameters()]


def test_a_moving_average_is_that_of_a_loop():
    fitted = Technique(Momentum, callbacks=[Record(weights_of)]).fit(X)
    record = record_of(fitted)
    average = record.start
    for weights in record.steps:
        average = [
            0.9 * one + 0.1 * other for one, other in zip(average, weights, strict=True)
        ]
    found = fitted.net_.criterion_.average.parameters()
    for one, other in zip(average, found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    progress = fitted.net_.criterion_.progress
    np.testing.assert_allclose(progress, np.arange(1, 13) / 12)


@pytest.mark.parametrize("reload", [lambda fitted: fitted, pickled])
def test_a_warm_start_goes_on_with_the_moving_average(reload):
    def average(net):
        return state_of(net.criterion_.average)

    fitted = Technique(Momentum, warm_start=True).fit(X)
    before = average(fitted.net_)
    fitted = reload(fitted).set_params(callbacks=[Record(average)]).fit(X)
    assert_same_state(record_of(fitted).start, before)
    assert not torch.equal(
        average(fitted.net_)["encoder.0.weight"], before["encoder.0.weight"]
    )


# ---------------------------------------------------------------------------
# Rounds with new targets: labels of all values of signals
# ---------------------------------------------------------------------------


class Labels(Objective):
    """Cross-entropy of the label of each value; new labels from the frames."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def prepare(self, inputs, targets):
        assert torch.equal(inputs.mask, targets.mask)
        return Batch(inputs, targets.values, inputs.mask.sum())

    def forward(self, network, batch):
        logits = network(batch.inputs).movedim(2, 1)
        losses = functional.cross_entropy(logits, batch.targets, reduction="none")
        return {"labels": masked_mean(losses, batch.inputs.mask)}

    def relabel(self, network, samples):
        assert not network.training
        assert not torch.is_grad_enabled()
        self.calls.append((self.training, len(samples)))
        labels = torch.empty(len(samples.values), dtype=torch.int64)
        starts = samples.ends - samples.lengths
        for index, waves in samples.blocks(1000):
            frames = network.frames(network.arrange(waves))[..., 0]
            position = torch.arange(waves.mask.shape[1])
            places = (starts[index][:, None] + position)[waves.mask]
            labels[places] = (frames > 0).long()[waves.mask]
        return Tokens(labels, samples.ends)


class LabelledSignals(Technique):
    network = WaveNetwork

    def _read(self, X, y, *, reset):
        waves = Waves.from_arrays(X)
        return waves, Tokens((waves.values > 0.5).long(), waves.ends)

    def _plan(self, samples, targets):
        return self._plan_of({}, Labels(), sampler=by_length, rounds=2)


def of_round(batches, number, training=True):
    """Targets by the bytes of the signals, of one of two rounds."""
    batches = [batch for batch in batches if batch[0] is training]
    half = len(batches) // 2
    found = {}
    for _, waves, labels in batches[number * half : (number + 1) * half]:
        for values, mask, targets in zip(*waves, labels, strict=True):
            found[values[mask].numpy().tobytes()] = targets[mask].tolist()
    return found


def assert_two_rounds(curve):
    """Of two epochs each, at rest."""
    assert curve[0] == pytest.approx(curve[1], rel=1e-5)
    assert curve[2] == pytest.approx(curve[3], rel=1e-5)
    assert abs(curve[2] - curve[0]) > 1e-3


def test_rounds_have_new_targets():
    options = {"lr": AT_REST, "max_epochs": 2, "callbacks": [Record()]}
    fitted = LabelledSignals(**options).fit(SIGNALS)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 4
    assert fitted.net_.criterion_.calls == [(True, 30)]
    batches, network = record_of(fitted).batches, fitted.net_.module_
    rounds = [of_round(batches, number) for number in range(2)]
    for signal in SIGNALS:
        first, second = (targets[signal.tobytes()] for targets in rounds)
        assert first == (signal > 0.5).astype(int).tolist()
        values = torch.from_numpy(signal)[None]
        frames = network.frames(Padded(values, torch.ones_like(values).bool()))
        assert second == (frames[0, :, 0] > 0).long().tolist()
    assert_two_rounds(fitted.loss_curve_)


def test_held_out_signals_have_the_labels_of_the_training():
    options = {"lr": AT_REST, "callbacks": [Record()], "n_iter_no_change": 1}
    fitted = LabelledSignals(early_stopping=True, max_epochs=9, **options).fit(SIGNALS)
    # The loss is the same in the second epoch of a round, which ends this round only.
    assert fitted.n_iter_ == 4
    assert fitted.net_.criterion_.calls == [(True, 30)]
    batches = record_of(fitted).batches
    assert of_round(batches, 0, training=False) != of_round(batches, 1, training=False)
    assert_two_rounds(fitted.validation_loss_curve_)


def test_validation_signals_are_labelled_after_those_of_the_training():
    fitted = LabelledSignals().fit(SIGNALS, X_val=SIGNALS[:5])
    assert fitted.net_.criterion_.calls == [(True, 30), (False, 5)]
    assert len(fitted.validation_loss_curve_) == fitted.n_iter_ == 6


def test_rounds_need_new_targets():
    with pytest.raises(ValueError, match="rounds=2, but Supervised has no relabel"):
        Technique(plan={"rounds": 2}).fit(X)


# ---------------------------------------------------------------------------
# Options of the plan
# ---------------------------------------------------------------------------


def start_of(fitted):
    """The network as it was built for a fit of X."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(fitted.random_state)
        return TableNetwork(n_inputs=6)


def test_clipped_gradients_are_those_of_a_bare_loop():
    options = {"batch_size": 40, "optimizer": torch.optim.SGD, "lr": 0.5}
    free = Technique(callbacks=[Record()], **options).fit(X)
    assert min(record_of(free).norms) > 0.1
    plan = {"clip_norm": 0.1}
    fitted = Technique(plan=plan, callbacks=[Record()], **options).fit(X)
    np.testing.assert_allclose(record_of(fitted).norms, 0.1, rtol=1e-4)
    network, x = start_of(fitted), torch.from_numpy(X)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        (network(x) - x).square().mean().backward()
        nn.utils.clip_grad_norm_(network.parameters(), 0.1)
        optimizer.step()
    weights = dict(fitted.net_.module_.named_parameters())
    assert_same_state(weights, dict(network.named_parameters()))


class Nothing(Objective):
    """A loss that is zero, so that weights only decay."""

    def forward(self, network, batch):
        return {"zero": 0.0 * network(batch.inputs).sum()}


@pytest.mark.parametrize("decays", ["all", "matrices"])
def test_weights_that_decay(decays):
    options = {"optimizer": torch.optim.SGD, "lr": 0.1, "weight_decay": 0.5}
    fitted = Technique(Nothing, {"decays": decays}, **options).fit(X)
    network = fitted.net_.module_
    for name, before in start_of(fitted).named_parameters():
        decayed = decays == "all" or before.ndim > 1
        expected = before * 0.95**12 if decayed else before
        torch.testing.assert_close(network.get_parameter(name), expected)


def test_weights_that_cannot_decay():
    with pytest.raises(ValueError, match="decays='biases' is neither"):
        Technique(plan={"decays": "biases"}).fit(X)


def test_a_unit_of_the_loss_divides_its_gradients_alone():
    options = {"optimizer": torch.optim.SGD, "batch_size": 40}

    def unit(network):
        return 2.0 * len(network.projector)

    one = Technique(plan={"loss_unit": unit}, lr=0.4, **options).fit(X)
    other = Technique(lr=0.2, **options).fit(X)
    np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-5)
    assert_near(one.transform(X), other.transform(X))


PROJECTOR = {"discard": ("projector",)}


def test_what_only_the_training_needs_is_not_saved():
    fitted = Technique(plan=PROJECTOR).fit(X)
    whole = Technique().fit(X)
    assert len(pickle.dumps(fitted)) < len(pickle.dumps(whole))
    names = fitted.net_.plain_state()["weights"].keys()
    missing = whole.net_.plain_state()["weights"].keys() - names
    assert missing == {"projector.0.weight", "projector.0.bias"}
    loaded = pickled(pickled(fitted))
    for data in (X, X.astype(np.float64)):
        assert_near(loaded.transform(data), fitted.transform(data))
    for model in (fitted, loaded):
        codes = model.as_module()(torch.from_numpy(X)).detach().numpy()
        assert_near(codes, model.transform(X))
    assert fitted.net_.module_.projector is not None


def network_of(net):
    return state_of(net.module_)


def test_a_warm_start_goes_on_with_the_projector_while_it_is_there():
    record = Record(network_of)
    fitted = Technique(plan=PROJECTOR, warm_start=True, callbacks=[record])
    trained = state_of(fitted.fit(X).net_.module_)
    loaded = pickled(fitted)
    start = record_of(fitted.fit(X)).start
    assert_same_state(start, trained)
    start = record_of(loaded.fit(X)).start
    for name, weight in start.items():
        is_kept = not name.startswith("projector")
        assert torch.equal(weight, trained[name]) is is_kept
    assert loaded.loss_curve_[-1] < loaded.loss_curve_[3]
    assert_near(pickled(loaded).transform(X), loaded.transform(X))


def test_a_part_that_is_not_there_cannot_be_left_out():
    with pytest.raises(AttributeError, match="projektor"):
        Technique(plan={"discard": ("projektor",)}).fit(X)


# ---------------------------------------------------------------------------
# Errors and interrupts
# ---------------------------------------------------------------------------


class Faulty(Momentum):
    """A moving average; fails where it is told to."""

    def __init__(self, place=None, error=None):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.place, self.error, self.n_calls = place, error, 0

    def _pass(self, place):
        self.n_calls += place == self.place
        if self.n_calls == (1 if place in ("begin", "relabel") else 2):
            raise self.error

    def begin(self, network, samples):
        super().begin(network, samples)
        self._pass("begin")

    def prepare(self, inputs, targets):
        self._pass("prepare")
        return super().prepare(inputs, targets)

    def forward(self, network, batch):
        self._pass("forward")
        terms = super().forward(network, batch)
        return {**terms, "scale": (self.scale - 3).square()}

    def after_step(self, network, progress):
        super().after_step(network, progress)
        self._pass("after_step")

    def relabel(self, network, samples):
        self._pass("relabel")

    def take_health(self):
        self._pass("take_health")
        return {}


class FaultyTechnique(Technique):
    """Fails in one of the hooks of an estimator, once it has been fitted."""

    place = error = None

    def _pass(self, place):
        if place == self.place:
            raise self.error

    def _read(self, X, y, *, reset):
        self._pass("_read")
        return super()._read(X, y, reset=reset)

    def _plan(self, samples, targets):
        self._pass("_plan")
        return super()._plan(samples, targets)

    def _finish(self, samples):
        self._pass("_finish")

    def _diagnose(self, samples):
        self._pass("_diagnose")
        return []


def assert_left_as_it_was(fitted, error, fit):
    codes, curve = fitted.transform(X), list(fitted.loss_curve_)
    before, state = dict(vars(fitted)), learned(fitted.net_)
    with pytest.raises(type(error), match="here"):
        fit()
    assert vars(fitted).keys() == before.keys()
    assert all(vars(fitted)[name] is before[name] for name in before)
    for name, value in learned(fitted.net_).items():
        assert torch.equal(value, state[name])
    fitted.place = None
    np.testing.assert_array_equal(fitted.transform(X), codes)
    assert fitted.loss_curve_ == curve


ERRORS = [RuntimeError("here"), KeyboardInterrupt("here")]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(
    "place", ["begin", "prepare", "forward", "after_step", "relabel", "take_health"]
)
def test_a_failing_objective_leaves_the_estimator_as_it_was(place, error):
    fitted = Technique(Faulty, {"rounds": 2}, warm_start=True, max_epochs=2).fit(X)
    objective = partial(Faulty, place, error)

    def fit():
        parameters = fitted.objective
        fitted.objective = objective
        try:
            fitted.fit(X)
        finally:
            fitted.objective = parameters

    assert_left_as_it_was(fitted, error, fit)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("place", ["_read", "_plan", "_finish", "_diagnose"])
def test_a_failing_hook_leaves_the_estimator_as_it_was(place, error):
    fitted = FaultyTechnique(Faulty, warm_start=True).fit(X)

    class Failing(FaultyTechnique):
        pass

    Failing.place, Failing.error = place, error

    def fit():
        fitted.__class__ = Failing
        try:
            fitted.fit(X)
        finally:
            fitted.__class__ = FaultyTechnique

    assert_left_as_it_was(fitted, error, fit)


class WithoutNumber(Objective):
    def forward(self, network, batch):
        error = network(batch.inputs).square().mean()
        return {"fine": error, "undefined": error * torch.nan}


def test_the_term_that_diverged_is_named():
    match = r"diverged: the training loss became nan in epoch 1 \(in undefined\)"
    with pytest.raises(ValueError, match=match):
        Technique(WithoutNumber, batch_size=40).fit(X)


def test_a_loss_without_a_name():
    class Plain(Objective):
        def forward(self, network, batch):
            return (network(batch.inputs) - batch.inputs).square().mean()

    fitted = Technique(Plain).fit(X)
    np.testing.assert_allclose(fitted.loss_curve_, Technique().fit(X).loss_curve_)
    assert fitted.loss_terms_curve_[0].keys() == {"loss"}
