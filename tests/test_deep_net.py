"""Batches, seeds, training and encoding below the estimators, against bare loops."""

import platform
import re
import threading
import warnings
from math import cos, pi

import numpy as np
import pytest
import skorch
import torch
from near import assert_near
from small_networks import factor_rows, small, split_of
from torch import nn

from sklearn_replearn._deep.input.samples import Rows, as_tensor
from sklearn_replearn._deep.networks.network import in_double_precision
from sklearn_replearn._deep.objectives.objective import Supervised
from sklearn_replearn._deep.training import seeding
from sklearn_replearn._deep.training.batches import Batches, RandomBatches
from sklearn_replearn._deep.training.encoding import map_samples
from sklearn_replearn._deep.training.optimizers import SCHEDULES
from sklearn_replearn._deep.training.seeding import as_device, has_bfloat16, seeded
from sklearn_replearn._deep.training.splits import hold_out
from sklearn_replearn.autoencoder import VariationalAutoencoder

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def X():
    return factor_rows()


def no_change(rows):
    return rows


# ---------------------------------------------------------------------------
# Batches
# ---------------------------------------------------------------------------


def inputs(batches):
    return torch.cat([batch.inputs for batch in batches])


def batches(n, size, augment=None, **options):
    rows = Rows(np.arange(float(n))[:, None])
    sampler = RandomBatches(torch.arange(n), size)
    objective = Supervised(nn.MSELoss(), augment)
    objective.begin(None, rows)
    return Batches(rows, sampler, objective, arrange=no_change, **options)


def negation(network, samples):
    return torch.neg


@pytest.mark.parametrize(
    ("n", "size", "sizes"),
    [
        (10, 4, [4, 4, 2]),
        (9, 4, [4, 5]),  # a batch of one joins the one before
        (8, 4, [4, 4]),
        (3, 1, [1, 1, 1]),
        (3, 8, [3]),
        (1, 8, [1]),
        (5, 4, [5]),
    ],
)
def test_sizes_of_batches(n, size, sizes):
    made = batches(n, size)
    assert [len(batch.inputs) for batch in made] == sizes
    assert [batch.n_terms for batch in made] == sizes
    assert len(made) == len(sizes)


def test_batches_hold_every_row_once_in_a_new_order_each_time():
    made = batches(50, 8)
    first, second = (inputs(made)[:, 0] for _ in range(2))
    assert not torch.equal(first, second)
    for rows in (first, second):
        assert torch.equal(rows.sort().values, torch.arange(50.0))


def test_batches_in_order_scaled_and_of_some_rows_only():
    rows = Rows(np.arange(6, dtype=np.uint8)[:, None], scale=0.5)
    sampler = RandomBatches(torch.tensor([5, 1, 3]), 2, shuffle=False)
    made = Batches(rows, sampler, Supervised(nn.MSELoss()), arrange=no_change)
    assert inputs(made)[:, 0].tolist() == [2.5, 0.5, 1.5]


def test_targets_go_with_their_rows_and_only_rows_are_augmented():
    made = batches(9, 4, targets=torch.arange(9), augment=negation)
    for batch in made:
        assert torch.equal(batch.inputs[:, 0], -batch.targets.double())
    made = batches(9, 4, augment=negation)
    for batch in made:
        assert torch.equal(batch.inputs, -batch.targets)
    made.objective.eval()
    for batch in made:
        assert torch.equal(batch.inputs, batch.targets)


def test_rows_held_out_are_a_share_of_each_class():
    targets = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)[torch.randperm(100)]
    train, held_out = hold_out(Rows(np.empty((100, 1))), targets, 0.2, seed=0)
    assert targets[held_out].bincount().tolist() == [12, 6, 2]
    assert torch.equal(torch.cat([train, held_out]).sort().values, torch.arange(100))


def test_as_tensor_shares_read_only_memory(tmp_path):
    array = np.arange(12.0).reshape(4, 3)
    array.flags.writeable = False
    assert as_tensor(array).data_ptr() == array.ctypes.data
    np.save(tmp_path / "rows.npy", array)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert as_tensor(mapped[1:]).data_ptr() == mapped[1:].ctypes.data
    assert as_tensor(array[::-1]).tolist() == array[::-1].tolist()
    assert as_tensor(array[::-1][:1]).tolist() == array[-1:].tolist()
    assert as_tensor(array[:, ::2]).tolist() == array[:, ::2].tolist()


def test_training_reads_single_precision_where_it_is(X):
    class Address(skorch.callbacks.Callback):
        def on_epoch_begin(self, net, dataset_train=None, **kwargs):
            net.address = dataset_train.batches.samples.tensor.data_ptr()

    for rows in (X, X.astype(np.float64), np.asfortranarray(X)):
        fitted = small(callbacks=[Address()]).fit(rows)
        assert fitted.net_.address == rows.ctypes.data


# ---------------------------------------------------------------------------
# Seeds
# ---------------------------------------------------------------------------


def test_seeded_repeats_and_leaves_the_generator_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    with seeded(0, CPU):
        first = torch.rand(3)
    with seeded(0, CPU):
        second = torch.rand(3)
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_seeded_restores_the_treatment_of_denormals():
    def kept():
        return bool(torch.tensor(1e-40) * 1.0)

    for flush in (False, True):
        torch.set_flush_denormal(flush)
        try:
            with seeded(0, CPU):
                assert not kept()
            assert kept() is not flush
        finally:
            torch.set_flush_denormal(False)


def test_threads_do_not_share_random_numbers(X):
    expected = [small(random_state=seed).fit(X).transform(X) for seed in range(4)]
    found = [None] * 4

    def fit(seed):
        found[seed] = small(random_state=seed).fit(X).transform(X)

    threads = [threading.Thread(target=fit, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "nonsense"])
def test_unknown_device(device, X):
    with pytest.raises(ValueError, match=f"device='{device}' cannot be used here"):
        small(device=device).fit(X)


def test_devices():
    assert as_device("cpu") == as_device(CPU) == CPU
    assert as_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


# ---------------------------------------------------------------------------
# Schedules
# ---------------------------------------------------------------------------


def torch_rates(make_scheduler, n_steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make_scheduler(optimizer)
    rates = []
    for _ in range(n_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_cosine_is_that_of_torch():
    rates = torch_rates(
        lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20), 20
    )
    ours = [SCHEDULES["cosine"](step / 20) for step in range(20)]
    np.testing.assert_allclose(ours, rates, atol=1e-12)


def test_one_cycle_rises_and_falls_along_cosines():
    one_cycle = SCHEDULES["one_cycle"]
    assert one_cycle(0.0) == pytest.approx(0.04)
    assert one_cycle(0.15) == pytest.approx((0.04 + 1) / 2)
    assert one_cycle(0.3) == pytest.approx(1)
    assert one_cycle(0.65) == pytest.approx((1 + 1e-4) / 2)
    assert one_cycle(1.0) == pytest.approx(1e-4)
    assert SCHEDULES["constant"](0.7) == 1


def test_learning_rates_follow_the_schedule(X):
    class Rates(skorch.callbacks.Callback):
        def on_train_begin(self, net, **kwargs):
            self.rates = []

        def on_batch_end(self, net, **kwargs):
            self.rates.append(net.optimizer_.param_groups[0]["lr"])

    fitted = small(lr_schedule="cosine", callbacks=[Rates()]).fit(X)
    rates = dict(fitted.net_.callbacks_)["Rates"].rates
    n = 4 * 5  # 101 rows: the sixth batch of one joins the fifth
    expected = [0.01 * (1 + cos(pi * step / n)) / 2 for step in range(n)]
    np.testing.assert_allclose(rates, expected, atol=1e-12)


# ---------------------------------------------------------------------------
# Training
# ---------------------------------------------------------------------------


def bare_loop(net, X, *, seed, max_epochs, batch_size, lr):
    """Training as one would write it with torch alone; the losses of the epochs."""
    rows, curve = torch.from_numpy(X), []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = net.module_.__class__(**_options(net))
        network.center.copy_(rows.double().mean(0))
        network.offset.copy_(network.center)
        for spread in (network.spread, network.gain):
            spread.fill_(float(np.sqrt(X.var(axis=0, dtype=float).mean())))
        optimizer = torch.optim.Adam(network.parameters(), lr=lr, fused=True)
        for _ in range(max_epochs):
            total = 0.0
            for index in torch.randperm(len(rows))[:100].split(batch_size):
                batch = rows[index]
                optimizer.zero_grad()
                loss = ((network(batch) - batch) ** 2).mean()
                (loss / network.gain**2).backward()
                optimizer.step()
                total += loss.item() * len(batch)
            curve.append(total / 100)
    return curve, network


def _options(net):
    return {k: v for k, v in net.description.items() if k != "network"}


def test_training_is_that_of_a_bare_loop(X):
    X = X[:100]
    fitted = small().fit(X)
    curve, network = bare_loop(
        fitted.net_, X, seed=0, max_epochs=4, batch_size=20, lr=0.01
    )
    np.testing.assert_allclose(fitted.loss_curve_, curve, rtol=1e-6)
    weights = fitted.net_.module_.state_dict()
    for name, expected in network.state_dict().items():
        torch.testing.assert_close(weights[name], expected)


def test_early_stopping_keeps_the_best_weights(X):
    noise = np.random.default_rng(0).standard_normal(X.shape).astype(np.float32)
    fitted = small(
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=3,
        max_epochs=200,
        lr=0.05,
        hidden_layer_sizes=(64,),
    ).fit(noise)
    curve = fitted.validation_loss_curve_
    best = int(np.argmin(curve))
    assert fitted.n_iter_ == len(curve) == len(fitted.loss_curve_) == best + 4 < 200
    _, held_out = split_of(fitted, noise)
    errors = -fitted.score_samples(noise[held_out])
    assert errors.mean() == pytest.approx(curve[best], rel=1e-5)


def test_without_early_stopping_no_row_is_held_out(X):
    fitted = small().fit(X)
    assert fitted.validation_loss_curve_ is None
    assert fitted.n_iter_ == 4


class Interrupt(skorch.callbacks.Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


def test_interrupt_raises_and_leaves_the_estimator_as_it_was(X):
    estimator = small(callbacks=[Interrupt()])
    before = set(vars(estimator))
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X)
    assert set(vars(estimator)) == before
    fitted = small(warm_start=True).fit(X)
    codes, state = fitted.transform(X), set(vars(fitted))
    with pytest.raises(KeyboardInterrupt):
        fitted.set_params(callbacks=[Interrupt()]).fit(X[:50])
    assert set(vars(fitted)) == state
    np.testing.assert_array_equal(fitted.transform(X), codes)


@pytest.mark.parametrize(
    ("options", "factor", "match"),
    [
        ({"optimizer": "sgd", "lr": 1e6}, 1, r"in epoch \d.* lr is 1000000.0"),
        (
            {},
            1e25,
            r"loss became (inf|nan) in epoch 1. Values of X reach .*e\+26",
        ),
    ],
)
def test_diverging_raises_with_advice(X, options, factor, match):
    with pytest.raises(ValueError, match=match):
        small(**options).fit(X * np.float32(factor))


def test_values_beyond_single_precision(X):
    with pytest.raises(ValueError, match=r"Values of X reach 1e\+200.*standardise X"):
        small().fit(np.where(np.eye(*X.shape), 1e200, X.astype(np.float64)))


# ---------------------------------------------------------------------------
# Going on
# ---------------------------------------------------------------------------


def test_warm_start_goes_on_with_weights_and_optimizer(X):
    X = X[:100]
    fitted = small(warm_start=True).fit(X)
    first = fitted.net_
    fitted.fit(X)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 8
    assert fitted.loss_curve_[4] < fitted.loss_curve_[3]
    # Adam's step count goes on, and the first net is as it was.
    assert int(fitted.net_.optimizer_.state_dict()["state"][0]["step"]) == 40
    assert int(first.optimizer_.state_dict()["state"][0]["step"]) == 20
    fresh = small(warm_start=True).fit(X)
    np.testing.assert_array_equal(
        first.module_.encoder[0].weight.detach(),
        fresh.net_.module_.encoder[0].weight.detach(),
    )


def test_warm_start_takes_new_hyperparameters(X):
    fitted = small(warm_start=True, weight_decay=0.1).fit(X)
    fitted.set_params(weight_decay=0.5, optimizer="adamw").fit(X)
    assert fitted.net_.optimizer_.param_groups[0]["weight_decay"] == 0.5
    fitted.set_params(weight_decay=0.0).fit(X)
    assert fitted.net_.optimizer_.param_groups[0]["weight_decay"] != 0.5


def test_warm_start_refuses_another_network(X):
    fitted = small(warm_start=True).fit(X)
    codes = fitted.transform(X)
    with pytest.raises(ValueError, match=r"another one \(encoder.*warm_start=False"):
        fitted.set_params(hidden_layer_sizes=(5,)).fit(X)
    np.testing.assert_array_equal(fitted.transform(X), codes)


def test_warm_start_refuses_a_module_of_other_layers(X):
    def encoder(activation):
        return nn.Sequential(nn.Linear(12, 5), activation, nn.Linear(5, 3))

    fitted = small(encoder=encoder(nn.ReLU()), warm_start=True).fit(X)
    assert fitted.set_params(encoder=encoder(nn.ReLU())).fit(X).n_iter_ == 8
    with pytest.raises(ValueError, match=r"another one \(encoder: Sequential\(.* now"):
        fitted.set_params(encoder=encoder(nn.Tanh())).fit(X)


# ---------------------------------------------------------------------------
# Optimizers
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", torch.optim.RMSprop])
def test_optimizers_learn(X, optimizer):
    lr = 0.1 if optimizer == "sgd" else 0.01
    curve = small(optimizer=optimizer, lr=lr, weight_decay=1e-4).fit(X).loss_curve_
    assert curve[-1] < 0.9 * curve[0]


def test_lbfgs_takes_several_losses_a_step(X):
    lbfgs = small(optimizer=torch.optim.LBFGS, lr=0.5, batch_size=101).fit(X)
    assert lbfgs.loss_curve_[-1] < 0.5 * small(batch_size=101).fit(X).loss_curve_[-1]


def test_class_that_is_no_optimizer(X):
    with pytest.raises(ValueError, match=r"optimizer=Linear is no subclass of torch"):
        small(optimizer=nn.Linear).fit(X)


def test_unknown_optimizer(X):
    with pytest.raises(ValueError, match=r"'optimizer' parameter .* Got 'adamm'"):
        small(optimizer="adamm").fit(X)


# ---------------------------------------------------------------------------
# Encoding
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_is_the_same_in_any_batch(dtype):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((700, 40)).astype(dtype)
    fitted = small(hidden_layer_sizes=(100, 50)).fit(rows[:100])
    whole = fitted.transform(rows)
    for _ in range(30):
        some = rng.permutation(700)[: rng.integers(1, 400)]
        assert_near(fitted.transform(rows[some]), whole[some])


def test_double_precision_is_computed_in_double_precision(X):
    fitted = small().fit(X)
    rows = X.astype(np.float64)
    double = in_double_precision(fitted.net_.module_)
    with torch.no_grad():
        expected = double.encode(torch.from_numpy(rows)).numpy()
    codes = fitted.transform(rows)
    np.testing.assert_allclose(codes, expected, rtol=1e-13)
    assert 0 < np.abs(codes - fitted.transform(X)).max() < 1e-5
    weight = fitted.net_.module_.encoder[0].weight
    assert weight.dtype == torch.float32


@pytest.mark.parametrize(("n", "sizes"), [(1, [1]), (3, [3]), (7, [3, 3, 1])])
def test_map_samples_takes_blocks_of_bounded_size_and_pads_nothing(n, sizes):
    seen = []

    def function(rows):
        seen.append(len(rows))
        return rows * 2

    X = np.arange(2.0 * n).reshape(n, 2)
    doubled, finite = map_samples(function, Rows(X), block_size=3, device=CPU)
    assert seen == sizes
    assert finite
    np.testing.assert_array_equal(doubled, 2 * X)
    X[-1, 1] = np.inf
    assert not map_samples(function, Rows(X), block_size=3, device=CPU)[1]


def test_map_samples_hands_out_memory_of_its_own():
    X = np.arange(14.0).reshape(7, 2)
    before = X.copy()
    changed, _ = map_samples(torch.Tensor.neg_, Rows(X), block_size=3, device=CPU)
    np.testing.assert_array_equal(changed, -before)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("method", ["transform", "reconstruct", "score", "fit"])
def test_numbers_that_are_none(X, method, value):
    fitted = small().fit(X)
    rows = X.copy()
    rows[70, 3] = value
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        getattr(fitted, method)(rows)


def test_sums_beyond_single_precision_are_not_infinite_numbers(X):
    fitted = small().fit(X)
    rows = np.full((3, 12), 3e38, dtype=np.float32)
    with np.errstate(over="ignore"):
        assert fitted.transform(rows).shape == (3, 3)


# ---------------------------------------------------------------------------
# The bar
# ---------------------------------------------------------------------------


def test_bar_shows_epochs_losses_and_rates(X, capfd):
    fitted = small(verbose=1, early_stopping=True).fit(X)
    text = capfd.readouterr().err
    assert re.search(r"epoch 4/4, loss \d[.\d]* \(held out \d", text)
    assert "rows/s" in text
    last = f"loss {fitted.loss_curve_[-1]:.4g} (held out "
    last += f"{fitted.validation_loss_curve_[-1]:.4g}): 100%"
    assert last in text.splitlines()[-1]
    small().fit(X)
    out, err = capfd.readouterr()
    assert out == err == ""


# ---------------------------------------------------------------------------
# Mixed precision
# ---------------------------------------------------------------------------


class Witness(nn.Linear):
    """Notes the precision of what it computes; raises at a call, if told to."""

    seen = []
    fails_at = None

    def forward(self, x):
        result = super().forward(x)
        self.seen.append(result.dtype)
        if len(self.seen) == self.fails_at:
            raise KeyboardInterrupt
        return result


@pytest.fixture
def witness(monkeypatch):
    monkeypatch.setattr(Witness, "seen", [])
    return Witness


def test_layers_compute_in_mixed_precision_while_they_are_trained(X, witness):
    fitted = small(encoder=witness(12, 3), early_stopping=True, mixed_precision=True)
    fitted.fit(X)
    n_batches = fitted.n_iter_ * (5 + 1)  # 91 rows in batches of 20, and 10 held out
    assert witness.seen.count(torch.bfloat16) == n_batches
    witness.seen.clear()
    Z = fitted.transform(X)
    module = fitted.as_module().train()
    module(torch.from_numpy(X))
    assert set(witness.seen) == {torch.float32}
    assert Z.dtype == np.float32
    assert all(weights.dtype == torch.float32 for weights in module.parameters())


def test_an_interrupt_leaves_mixed_precision(X, witness):
    fitted = small(encoder=witness(12, 3), warm_start=True, mixed_precision=True)
    fitted.fit(X)
    before = fitted.net_.module_
    witness.seen.clear()
    fitted.set_params(encoder=witness(12, 3))
    witness.fails_at = 3
    try:
        with pytest.raises(KeyboardInterrupt):
            fitted.fit(X)
    finally:
        witness.fails_at = None
    assert fitted.net_.module_ is before
    assert not torch.is_autocast_enabled("cpu")
    assert not before.is_mixed


def test_layers_that_know_no_bfloat16_are_told(X):
    class Sums(nn.Linear):
        def forward(self, x):
            sums = torch.zeros(len(x), 3)
            return sums.index_add(0, torch.arange(len(x)), super().forward(x))

    fitted = small(encoder=Sums(12, 3)).fit(X)
    fitted.set_params(mixed_precision=True)
    with pytest.raises(ValueError, match=r"compute in bfloat16 \(.*; set mixed_prec"):
        fitted.fit(X)


def test_mixed_precision_learns_the_same_to_its_rounding(X):
    plain, mixed = (
        small(mixed_precision=mixed, max_epochs=20).fit(X) for mixed in (False, True)
    )
    np.testing.assert_allclose(mixed.loss_curve_, plain.loss_curve_, rtol=0.1)
    errors = np.abs(mixed.transform(X) - plain.transform(X))
    assert 0 < errors.max() < 0.1 * np.abs(plain.transform(X)).max()


@pytest.mark.parametrize("answer", [True, False, None])
def test_processors_without_bfloat16_are_warned_of(X, monkeypatch, answer):
    monkeypatch.setattr(seeding, "has_bfloat16", lambda: answer)
    estimators = [
        small(mixed_precision=True),
        small(kind=VariationalAutoencoder, mixed_precision=True, max_epochs=1),
    ]
    for estimator in estimators:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator.fit(X)
        said = [str(warning.message) for warning in caught]
        assert [warning.filename for warning in caught] == [__file__] * len(said)
        assert len(said) == (answer is False)
        assert all("neither AMX nor AVX512-BF16" in text for text in said)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            estimator.set_params(mixed_precision=False).fit(X)


@pytest.mark.parametrize(
    ("machine", "amx", "avx512", "expected"),
    [
        ("x86_64", False, False, False),
        ("AMD64", True, False, True),
        ("x86_64", False, True, True),
        ("arm64", False, False, None),
        ("x86_64", None, None, None),
    ],
)
def test_instructions_of_the_processor(monkeypatch, machine, amx, avx512, expected):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    for name, answer in (
        ("_is_amx_tile_supported", amx),
        ("_is_avx512_bf16_supported", avx512),
    ):
        if answer is None:
            monkeypatch.delattr(torch.cpu, name)
        else:
            monkeypatch.setattr(torch.cpu, name, lambda answer=answer: answer)
    assert has_bfloat16() is expected


def test_this_processor_is_known_or_not():
    assert has_bfloat16() in (True, False, None)
