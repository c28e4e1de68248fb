"""skorch's callbacks: each works, or is refused by name."""

import io
import pickle
import sys
import threading
import types
from copy import deepcopy

import numpy as np
import pytest
import skorch
import small_networks
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    EpochTimer,
    Freezer,
    GradientNormClipping,
    Initializer,
    InputShapeSetter,
    LoadInitState,
    LRScheduler,
    MlflowLogger,
    NeptuneLogger,
    ParamMapper,
    PassthroughScoring,
    PrintLog,
    ProgressBar,
    SacredLogger,
    TensorBoard,
    TrainEndCheckpoint,
    Unfreezer,
    WandbLogger,
    WarmRestartLR,
)
from small_networks import WIDTH, factor_rows
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    ReduceLROnPlateau,
    StepLR,
)

from sklearn_replearn.autoencoder import (
    Autoencoder,
    DenoisingAutoencoder,
    VariationalAutoencoder,
)
from sklearn_replearn.image import CNNFeatureExtractor, ConvAutoencoder
from sklearn_replearn.metric_learning import PairClassifier, TripletTransformer

N_BATCHES = 5  # of 20 rows: the sixth batch of one row joins the fifth


@pytest.fixture(scope="module")
def X():
    return factor_rows()


@pytest.fixture(scope="module")
def y(X):
    return np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])]


def small(*callbacks, **options):
    return small_networks.small(**{"callbacks": list(callbacks)} | options)


def classifier(*callbacks, **options):
    options = {"channels": (4,), "hidden_layer_sizes": (8,)} | options
    return small(*callbacks, kind=CNNFeatureExtractor, **options)


def used(fitted, place=0):
    """The copy of a callback that the training had."""
    return fitted.net_.callbacks_[place][1]


def column(fitted, name):
    return fitted.net_.history[:, name]


class Rates(Callback):
    """The learning rates that the optimizer really had, batch by batch."""

    def initialize(self):
        self.rates_ = []
        return self

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.rates_.append(net.optimizer_.param_groups[0]["lr"])


def test_each_callback_of_skorch_is_tested_here():
    """A new one has to be tried, and put into the table of the guide."""
    assert set(skorch.callbacks.__all__) == {
        "BatchScoring",
        "Callback",
        "Checkpoint",
        "EarlyStopping",
        "EpochScoring",
        "EpochTimer",
        "Freezer",
        "GradientNormClipping",
        "Initializer",
        "InputShapeSetter",
        "LRScheduler",
        "LoadInitState",
        "MlflowLogger",
        "NeptuneLogger",
        "ParamMapper",
        "PassthroughScoring",
        "PrintLog",
        "ProgressBar",
        "SacredLogger",
        "TensorBoard",
        "TrainEndCheckpoint",
        "Unfreezer",
        "WandbLogger",
        "WarmRestartLR",
    }


# ---------------------------------------------------------------------------
# Hooks, history, data
# ---------------------------------------------------------------------------


class Recorder(Callback):
    """The hooks that are called, with some of their arguments."""

    def initialize(self):
        self.calls_ = []
        return self

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.calls_.append("train_begin")
        self.X_, self.y_ = X, y

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        valid = 0 if dataset_valid is None else len(dataset_valid)
        self.calls_.append(("epoch_begin", len(dataset_train), valid))

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        self.calls_.append(("batch_begin", len(batch[0]), training))

    def on_grad_computed(self, net, named_parameters, X=None, y=None, **kwargs):
        names = [name for name, weights in named_parameters if weights.grad is not None]
        assert names[0] == "encoder.0.weight"
        assert net.module_.training
        self.calls_.append("grad_computed")

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        assert kwargs["y_pred"].shape == batch[1].shape
        self.calls_.append(("batch_end", training, float(kwargs["loss"]) > 0))

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self.calls_.append("epoch_end")

    def on_train_end(self, net, X=None, y=None, **kwargs):
        assert X is self.X_
        self.calls_.append("train_end")


def test_all_hooks_are_called(X):
    fitted = small(Recorder(), max_epochs=2, early_stopping=True).fit(X)
    training = [("batch_begin", 20, True), "grad_computed", ("batch_end", True, True)]
    last = [("batch_begin", 11, True), "grad_computed", ("batch_end", True, True)]
    judging = [("batch_begin", 10, False), ("batch_end", False, True)]
    epoch = [("epoch_begin", 91, 10), *4 * training, *last, *judging, "epoch_end"]
    assert used(fitted).calls_ == ["train_begin", *2 * epoch, "train_end"]
    assert_array_equal(used(fitted).X_, X)
    assert used(fitted).y_ is None
    assert not fitted.net_.module_.training


def test_hooks_are_given_codes_of_the_classes(X, y):
    class Data(Callback):
        def on_train_begin(self, net, X, y, **kwargs):
            self.X_, self.y_ = X, y

    fitted = classifier(Data()).fit(X, y)
    assert_array_equal(used(fitted).X_, X)
    assert_array_equal(fitted.classes_[used(fitted).y_], y)


def test_the_history_has_what_callbacks_read(X):
    fitted = small(Callback(), early_stopping=True, n_iter_no_change=9).fit(X)
    assert column(fitted, "epoch") == [1, 2, 3, 4]
    assert column(fitted, "train_loss") == fitted.loss_curve_
    assert column(fitted, "valid_loss") == fitted.validation_loss_curve_
    assert column(fitted, "train_batch_count") == [5] * 4
    assert column(fitted, "valid_batch_count") == [1] * 4
    assert all(0 < seconds < 60 for seconds in column(fitted, "dur"))
    for name, curve in (
        ("train_loss_best", fitted.loss_curve_),
        ("valid_loss_best", fitted.validation_loss_curve_),
    ):
        expected = [i == int(np.argmin(curve[: i + 1])) for i in range(4)]
        assert column(fitted, name) == expected
    batches = fitted.net_.history[
        -1, "batches", :-1, ("train_loss", "train_batch_size")
    ]
    losses, sizes = np.transpose(batches)
    assert_allclose(np.average(losses, weights=sizes), fitted.loss_curve_[-1])


def test_without_callbacks_the_history_has_one_row_an_epoch(X):
    fitted = small().fit(X)
    assert [row["batches"] for row in fitted.net_.history] == [[]] * 4
    assert column(fitted, "train_loss") == fitted.loss_curve_


@pytest.mark.parametrize(
    "callback",
    [
        Callback(),
        EpochTimer(),
        EpochScoring(lambda net, X, y: float(net.predict(X).mean()), name="mean"),
        EpochScoring(
            lambda net, X, y: float(((net.predict(X) - y) ** 2).mean()),
            name="loss_after",
            on_train=True,
            use_caching=False,
        ),
        BatchScoring(
            lambda net, X, y: float(((net.predict(X) - y) ** 2).mean()),
            name="loss_of_batch",
            on_train=True,
            use_caching=False,
        ),
    ],
)
@pytest.mark.parametrize("kind", [Autoencoder, DenoisingAutoencoder])
def test_watching_does_not_change_the_training(X, callback, kind):
    plain = small(kind=kind, early_stopping=True).fit(X)
    watched = small(callback, kind=kind, early_stopping=True).fit(X)
    assert_allclose(watched.loss_curve_, plain.loss_curve_, rtol=1e-6)
    assert_allclose(watched.transform(X), plain.transform(X), atol=1e-5)


def test_history_of_tuple_losses_is_made_of_numbers(X, y):
    """So that loggers log them, and Checkpoint saves them as JSON."""
    fitted = small(Callback(), kind=TripletTransformer).fit(X, y)
    for row in fitted.net_.history:
        values = [value for name, value in row.items() if name != "batches"]
        assert all(type(value) in (int, float, bool) for value in values)
    assert column(fitted, "spread") == [row["spread"] for row in fitted.health_curve_]
    assert "collapsed_loss" not in fitted.health_curve_[0]


def test_curves_are_ours_whatever_callbacks_record(X, y):
    class Scribble(Callback):
        def on_epoch_end(self, net, **kwargs):
            net.history.record("train_loss", "lost")
            net.history.record("spread", None)

    plain = small(kind=TripletTransformer).fit(X, y)
    fitted = small(Scribble(), kind=TripletTransformer).fit(X, y)
    assert column(fitted, "train_loss") == ["lost"] * 4
    assert_allclose(fitted.loss_curve_, plain.loss_curve_)
    assert fitted.health_curve_[-1]["spread"] > 0


# ---------------------------------------------------------------------------
# Forms, copies
# ---------------------------------------------------------------------------


class Quiet(EpochTimer):
    """A subclass."""


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ([EpochTimer], ["EpochTimer"]),
        ((EpochTimer(),), ["EpochTimer"]),
        ([("clock", EpochTimer())], ["clock"]),
        ([["clock", EpochTimer], Quiet], ["clock", "Quiet"]),
        ([EpochTimer(), EpochTimer()], ["EpochTimer_1", "EpochTimer_2"]),
        ([PrintLog(sink=str), EpochTimer], ["EpochTimer", "PrintLog"]),
    ],
)
def test_forms_of_callbacks(X, given, names):
    fitted = small(callbacks=given).fit(X)
    assert [name for name, _ in fitted.net_.callbacks_] == names
    assert fitted.callbacks is given


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ([StepLR], r"callbacks\[0\] is StepLR, .*; take skorch.*LRScheduler\(StepLR, "),
        ([WarmRestartLR], r"is WarmRestartLR, which is no skorch .*LRScheduler\(Warm"),
        ([EpochTimer(), print], r"callbacks\[1\] is <built-in .*, which is no skorch"),
        ([(EpochTimer(), "clock")], r"callbacks\[0\] is 'clock', .* pair \(name, call"),
        (
            ["early"],
            r"callbacks\[0\] is 'early', which is no skorch callback",
        ),
        ([("x", EpochTimer()), ("x", PrintLog())], r"duplicate user-set callback name"),
    ],
)
def test_what_is_no_callback(X, given, match):
    with pytest.raises(ValueError, match=match):
        small(callbacks=given).fit(X)


def test_one_callback_is_no_list(X):
    with pytest.raises(ValueError, match=r"'callbacks' parameter .* of 'list'"):
        small(callbacks=EpochTimer()).fit(X)


class Diary(Callback):
    """State in its constructor, which is no argument; and one that is."""

    def __init__(self, sink=None):
        self.sink = sink
        self.pages = []
        self.n = 0

    def on_epoch_end(self, net, **kwargs):
        self.pages.append(net.history[-1, "train_loss"])
        self.n += 1
        if self.sink is not None:
            self.sink.append(self.n)


def test_callbacks_are_copied_and_their_arguments_are_not(X):
    diary, sink = Diary(), []
    fitted = small(diary).fit(X)
    assert diary.pages == []
    assert diary.n == 0
    assert used(fitted).pages == fitted.loss_curve_
    fitted.fit(X)
    assert used(fitted).n == 4
    diary = Diary(sink)
    small(("mine", diary)).fit(X)
    assert sink == [1, 2, 3, 4]


def test_clones_share_callbacks_and_no_state(X):
    sink = []
    estimator = small(Diary(sink), max_epochs=2)  # scikit-learn cannot clone a Diary
    assert clone(estimator).callbacks is estimator.callbacks
    GridSearchCV(estimator, {"lr": [0.1, 0.01]}, cv=2).fit(X)
    assert sink == [1, 2] * 5
    pairs = PairClassifier(2, callbacks=[Diary(sink)])
    assert clone(pairs).callbacks is pairs.callbacks


def test_state_that_cannot_be_copied(X):
    class Locked(Callback):
        def __init__(self):
            self.lock = threading.Lock()

    with pytest.raises(ValueError, match=r"state of the callbacks .*lock.*initialize"):
        small(Locked()).fit(X)


def test_files_and_functions_of_the_user_are_used(X):
    params, lines = io.BytesIO(), []
    only_params = {"f_optimizer": None, "f_criterion": None, "f_history": None}
    checkpoint = Checkpoint(
        monitor=None, f_params=params, sink=lines.append, **only_params
    )
    small(checkpoint, max_epochs=1).fit(X)
    assert len(params.getvalue()) > 1000
    assert len(lines) == 1


def test_fits_with_callbacks_pickle(X):
    stopper = EarlyStopping("train_loss", load_best=True)
    fitted = small(stopper, EpochTimer, ("log", PrintLog(sink=str))).fit(X)
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.transform(X), fitted.transform(X))
    assert again.fit(X).loss_curve_ == fitted.loss_curve_
    net = pickle.loads(pickle.dumps(fitted.net_))
    assert net.history == []
    assert pickle.loads(pickle.dumps(fitted.net_.history)) == fitted.net_.history


# ---------------------------------------------------------------------------
# Errors and interrupts
# ---------------------------------------------------------------------------

HOOKS = [
    "on_train_begin",
    "on_epoch_begin",
    "on_batch_begin",
    "on_grad_computed",
    "on_batch_end",
    "on_epoch_end",
    "on_train_end",
]


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, FloatingPointError, ValueError, RuntimeError, KeyError]
)
def test_errors_in_callbacks_are_raised_and_change_nothing(X, hook, error):
    def fail(self, net, *args, **kwargs):
        raise error("as it was")

    failing = type("Failing", (Callback,), {hook: fail})()
    fitted = small(warm_start=True, mixed_precision=hook == "on_batch_end").fit(X)
    codes, state = fitted.transform(X), dict(vars(fitted))
    with pytest.raises(error, match=r"^'?as it was'?$"):
        fitted.set_params(callbacks=[failing]).fit(X)
    assert vars(fitted) == state | {"callbacks": [failing]}
    assert_array_equal(fitted.transform(X), codes)
    fresh = small(failing)
    with pytest.raises(error):
        fresh.fit(X)
    assert not any(name.endswith("_") for name in vars(fresh))


def test_an_interrupt_beside_an_early_stopping_is_raised(X):
    class Interrupt(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 2:
                raise KeyboardInterrupt

    stopper = EarlyStopping("train_loss", patience=3, sink=str)
    for callbacks in ([stopper, Interrupt()], [Interrupt(), stopper]):
        with pytest.raises(KeyboardInterrupt):
            small(*callbacks).fit(X)


# ---------------------------------------------------------------------------
# Learning rates
# ---------------------------------------------------------------------------


def torch_rates(policy, n_steps, lr=0.01, **options):
    weights = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([weights], lr=lr)
    scheduler = policy(optimizer, **options)
    rates = []
    for _ in range(n_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


POLICIES = [
    (StepLR, {"step_size": 1, "gamma": 0.5}),
    (ExponentialLR, {"gamma": 0.3}),
    (CosineAnnealingLR, {"T_max": 7}),
    (LambdaLR, {"lr_lambda": lambda step: 1 / (1 + step)}),
    (CyclicLR, {"base_lr": 0.001, "max_lr": 0.1, "step_size_up": 3}),
    (WarmRestartLR, {"min_lr": 1e-4, "max_lr": 0.02, "base_period": 3}),
]


@pytest.mark.parametrize(("policy", "options"), POLICIES)
@pytest.mark.parametrize("step_every", ["epoch", "batch"])
def test_lr_scheduler_sets_the_rates(X, policy, options, step_every):
    scheduler = LRScheduler(policy, step_every=step_every, **options)
    fitted = small(Rates(), scheduler).fit(X)
    if step_every == "batch":
        expected = torch_rates(policy, 4 * N_BATCHES, **options)
        recorded = fitted.net_.history[:, "batches", :, "event_lr"]
        assert_allclose(np.ravel(recorded), expected)
    else:
        per_epoch = torch_rates(policy, 4, **options)
        expected = np.repeat(per_epoch, N_BATCHES)
        assert_allclose(column(fitted, "event_lr"), per_epoch)
    assert_allclose(used(fitted).rates_, expected)


def test_lr_scheduler_changes_the_weights(X):
    scheduler = LRScheduler(StepLR, step_size=1, gamma=1e-30)
    plain, stopped, one = (
        small(max_epochs=4).fit(X),
        small(scheduler, max_epochs=4).fit(X),
        small(max_epochs=1).fit(X),
    )
    assert_allclose(stopped.transform(X), one.transform(X), atol=1e-5)
    assert np.abs(stopped.transform(X) - plain.transform(X)).max() > 0.01


@pytest.mark.parametrize("monitor", ["train_loss", "valid_loss", "score", None])
def test_lr_scheduler_on_plateau(X, monitor):
    if monitor is None:
        monitor = lambda net: len(net.history)  # noqa: E731
    scheduler = LRScheduler(
        ReduceLROnPlateau,
        monitor=monitor,
        factor=0.1,
        patience=0,
        threshold=1e9,
        threshold_mode="abs",
    )
    scoring = EpochScoring(lambda net, X, y: 1.0, name="score")
    fitted = small(Rates(), scoring, scheduler, early_stopping=True).fit(X)
    assert_allclose(
        used(fitted).rates_[::N_BATCHES], [0.01, 0.01, 0.001, 0.0001], rtol=1e-6
    )


class Halving(LRScheduler):
    """A subclass that knows its policy."""

    def __init__(self):
        super().__init__(StepLR, step_size=1, gamma=0.5)

    kwargs = {"step_size": 1, "gamma": 0.5}


def test_subclasses_of_lr_scheduler(X):
    fitted = small(Rates(), Halving()).fit(X)
    assert_allclose(
        used(fitted).rates_[::N_BATCHES], [0.01, 0.005, 0.0025, 0.00125], rtol=1e-6
    )
    with pytest.raises(ValueError, match=r"callback Halving sets .*='constant'"):
        small(Halving(), lr_schedule="cosine").fit(X)


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine"])
def test_lr_scheduler_beside_a_schedule_is_refused(X, schedule):
    with pytest.raises(
        ValueError,
        match=r"callback LRScheduler sets the learning rate, and so does lr_schedule; "
        r"set lr_schedule='constant'",
    ):
        small(LRScheduler, lr_schedule=schedule).fit(X)


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_batch_end"])
def test_own_callbacks_set_rates(X, hook):
    def halve(self, net, *args, **kwargs):
        net.set_params(lr=net.lr / 2)

    halving = type("Halve", (Callback,), {hook: halve})()
    fitted = small(Rates(), halving).fit(X)
    n = {"on_train_begin": 1, "on_epoch_begin": 4, "on_batch_end": 19}[hook]
    assert used(fitted).rates_[-1] == pytest.approx(0.01 / 2**n)
    with pytest.raises(ValueError, match=r"callback changed the learning rate, which"):
        small(halving, lr_schedule="cosine").fit(X)


# ---------------------------------------------------------------------------
# Checkpoints
# ---------------------------------------------------------------------------

FILES = {"params.pt", "optimizer.pt", "criterion.pt", "history.json"}


def files(path):
    return {file.name for file in path.iterdir()}


def codes_with(fitted, weights, X):
    """What `transform` gives with other weights."""
    twin = deepcopy(fitted.set_params(callbacks=None))
    twin.net_.load_params(f_params=weights)
    return twin.transform(X)


def test_checkpoint_writes_the_best_epoch(X, tmp_path):
    checkpoint = Checkpoint(dirname=tmp_path / "new", f_pickle="net.pkl")
    fitted = small(checkpoint, early_stopping=True, n_iter_no_change=9).fit(X)
    assert files(tmp_path / "new") == FILES | {"net.pkl"}
    assert column(fitted, "event_cp") == column(fitted, "valid_loss_best")
    best = 1 + int(np.argmin(fitted.validation_loss_curve_))
    history = skorch.history.History.from_file(tmp_path / "new" / "history.json")
    assert history[:, "train_loss"] == fitted.loss_curve_[:best]
    codes = codes_with(fitted, tmp_path / "new" / "params.pt", X)
    assert_allclose(codes, fitted.transform(X), atol=1e-6)
    net = pickle.loads((tmp_path / "new" / "net.pkl").read_bytes())
    rows = net.module_.arrange(torch.from_numpy(X))
    assert_allclose(net.module_.encode(rows).detach(), codes, atol=1e-6)


def test_checkpoint_of_each_epoch(X, tmp_path):
    checkpoint = Checkpoint(
        monitor=None,
        dirname=tmp_path,
        f_params="params_{last_epoch[epoch]}_{last_batch[train_batch_size]}.pt",
    )
    fitted = small(checkpoint).fit(X)
    names = {f"params_{epoch}_21.pt" for epoch in (1, 2, 3, 4)}
    assert files(tmp_path) == names | FILES - {"params.pt"}
    for epoch in (1, 2, 4):
        codes = codes_with(fitted, tmp_path / f"params_{epoch}_21.pt", X)
        expected = small(max_epochs=epoch).fit(X).transform(X)
        assert_allclose(codes, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["table", "classes", "images", "tuples"])
def test_checkpoints_of_other_networks(X, y, kind, tmp_path):
    checkpoints = (
        Checkpoint(monitor="train_loss_best", dirname=tmp_path),
        TrainEndCheckpoint(dirname=tmp_path),
    )
    fitted = {
        "table": small(*checkpoints, kind=VariationalAutoencoder),
        "classes": classifier(*checkpoints),
        "images": small(*checkpoints, kind=ConvAutoencoder, image_shape=(3, 4)),
        "tuples": small(*checkpoints, kind=TripletTransformer),
    }[kind].fit(X, y)
    assert files(tmp_path) == FILES | {f"train_end_{name}" for name in FILES}
    codes = codes_with(fitted, tmp_path / "train_end_params.pt", X)
    assert_array_equal(codes, fitted.transform(X))


class Backup(Checkpoint):
    def save_model(self, net):
        super().save_model(net)
        (self.dirname / f"{len(net.history)}").touch()


def test_subclasses_of_checkpoint(X, tmp_path):
    small(Backup(monitor=lambda net: len(net.history) == 3, dirname=tmp_path)).fit(X)
    assert files(tmp_path) == FILES | {"3"}


def test_checkpoint_loads_the_best_weights(X, tmp_path):
    """The first epoch is declared the best; the curves still have all four."""
    checkpoint = Checkpoint(
        monitor=lambda net: len(net.history) == 1, dirname=tmp_path, load_best=True
    )
    fitted = small(checkpoint).fit(X)
    expected = small(max_epochs=1).fit(X).transform(X)
    assert_allclose(fitted.transform(X), expected, atol=1e-5)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 4


def test_the_end_is_what_the_estimator_has(X, tmp_path):
    """With early stopping, the weights that were best and not the last ones."""
    noise = np.random.default_rng(0).standard_normal(X.shape).astype(np.float32)
    fitted = small(
        TrainEndCheckpoint(dirname=tmp_path),
        early_stopping=True,
        n_iter_no_change=3,
        max_epochs=99,
        lr=0.05,
    ).fit(noise)
    assert np.argmin(fitted.validation_loss_curve_) < fitted.n_iter_ - 1
    codes = codes_with(fitted, tmp_path / "train_end_params.pt", X)
    assert_array_equal(codes, fitted.transform(X))


@pytest.mark.parametrize("make", [Checkpoint, TrainEndCheckpoint])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_load_init_state_goes_on(X, make, schedule, tmp_path):
    options = {"monitor": None} if make is Checkpoint else {}
    checkpoint = make(dirname=tmp_path, **options)
    rows = X[:100]
    estimator = small(
        LoadInitState(checkpoint),
        checkpoint,
        max_epochs=2,
        batch_size=100,
        lr_schedule=schedule,
    )
    first = estimator.fit(rows)
    losses = first.loss_curve_
    second = clone(estimator).fit(rows)
    assert column(second, "train_loss") == losses + second.loss_curve_
    assert column(second, "epoch") == [1, 2, 3, 4]
    assert second.n_iter_ == 2
    assert int(second.net_.optimizer_.state_dict()["state"][0]["step"]) == 4
    if schedule == "constant":
        whole = small(max_epochs=4, batch_size=100).fit(rows)
        assert_allclose(losses + second.loss_curve_, whole.loss_curve_, rtol=1e-5)
    else:
        assert second.loss_curve_[0] < losses[-1]


def test_load_init_state_alone(X, tmp_path):
    """Its checkpoint is not among the callbacks, so nothing else initialises it."""
    fitted = small(TrainEndCheckpoint(dirname=tmp_path)).fit(X)
    loading = LoadInitState(TrainEndCheckpoint(dirname=tmp_path))
    again = small(loading, lr=1e-30).fit(X)
    assert len(again.net_.history) == 8
    assert fitted.n_iter_ == 4


@pytest.mark.parametrize("other", [{"hidden_layer_sizes": (9,)}, {"encoder": True}])
def test_weights_of_another_network(X, other, tmp_path):
    if "encoder" in other:
        other = {"encoder": torch.nn.Linear(WIDTH, 3)}
    small(TrainEndCheckpoint(dirname=tmp_path)).fit(X)
    loading = LoadInitState(TrainEndCheckpoint(dirname=tmp_path))
    with pytest.raises(ValueError, match=r"^The file is that of another network .*"):
        small(loading, **other).fit(X)


# ---------------------------------------------------------------------------
# Early stopping
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("monitor", ["train_loss", "valid_loss"])
def test_early_stopping(X, monitor):
    stopper = EarlyStopping(monitor, patience=2, threshold=10, threshold_mode="abs")
    fitted = small(stopper, max_epochs=30, early_stopping=True, n_iter_no_change=30)
    assert fitted.fit(X).n_iter_ == 3
    assert fitted.validation_loss_curve_[2] < fitted.validation_loss_curve_[0]
    # Stopped after epoch 3, and the best weights by valid_loss are kept.
    expected = small(max_epochs=3, early_stopping=True).fit(X)
    assert_allclose(fitted.transform(X), expected.transform(X), atol=1e-5)


def test_early_stopping_loads_its_best_weights(X):
    class Score(Callback):
        def on_epoch_end(self, net, **kwargs):
            net.history.record("score", abs(len(net.history) - 2))

    stopper = EarlyStopping("score", patience=2, load_best=True)
    fitted = small(Score(), stopper, max_epochs=30).fit(X)
    assert fitted.n_iter_ == 4
    expected = small(max_epochs=2).fit(X).transform(X)
    assert_allclose(fitted.transform(X), expected, atol=1e-5)


@pytest.mark.parametrize("verbose", [0, 1])
def test_early_stopping_says_so_if_verbose(X, verbose, capsys):
    stopper = EarlyStopping("train_loss", patience=1, threshold=9, threshold_mode="abs")
    small(stopper, verbose=verbose).fit(X)
    out = capsys.readouterr().out
    assert out == verbose * (
        "Stopping since train_loss has not improved in the last 1 epochs.\n"
    )


# ---------------------------------------------------------------------------
# Weights and gradients
# ---------------------------------------------------------------------------


class Norms(Callback):
    def initialize(self):
        self.norms_ = []
        return self

    def on_grad_computed(self, net, named_parameters, **kwargs):
        squares = [weights.grad.square().sum() for _, weights in named_parameters]
        self.norms_.append(float(sum(squares) ** 0.5))


@pytest.mark.parametrize("limit", [None, 0.2, 1e-3])
def test_gradients_are_clipped(X, limit):
    clipping = GradientNormClipping(gradient_clip_value=limit)
    fitted = small(Norms(), clipping, ("after", Norms()), optimizer="sgd").fit(X)
    before, after = np.array(used(fitted).norms_), np.array(used(fitted, 2).norms_)
    expected = before if limit is None else np.minimum(before, limit)
    assert_allclose(after, expected, rtol=1e-4)
    assert before.max() > 0.2


def test_clipped_steps_are_short(X):
    clipping = GradientNormClipping(gradient_clip_value=1e-9)
    clipped = small(clipping, optimizer="sgd").fit(X)
    assert np.ptp(clipped.loss_curve_) < 1e-5 < np.ptp(small().fit(X).loss_curve_)


def weights(fitted):
    state = fitted.net_.module_.state_dict()
    return {name: tensor.numpy().copy() for name, tensor in state.items()}


def test_freezer_and_unfreezer(X):
    start = weights(small(lr=1e-30).fit(X))
    frozen = weights(small(Freezer("encoder.*")).fit(X))
    for name, before in start.items():
        is_same = np.array_equal(frozen[name], before)
        assert is_same == (not name.startswith("decoder"))
    thawed = small(
        Freezer(["encoder.*", "decoder.*.bias"]), Unfreezer("encoder.*", at=3)
    ).fit(X)
    changed = weights(thawed)
    assert not np.array_equal(changed["encoder.0.weight"], start["encoder.0.weight"])
    assert_array_equal(changed["decoder.0.bias"], start["decoder.0.bias"])
    two = small(Freezer(lambda name: name.startswith("enc")), max_epochs=2).fit(X)
    assert_allclose(two.loss_curve_[0], thawed.loss_curve_[0], rtol=0.05)


def test_freezer_holds_at_later_epochs(X):
    late = weights(small(Freezer("*.weight", at=3), weight_decay=0.1).fit(X))
    two = weights(small(max_epochs=2, weight_decay=0.1).fit(X))
    for name, values in two.items():
        assert np.array_equal(late[name], values) == ("bias" not in name)


@pytest.mark.parametrize("at", [1, 3])
def test_all_weights_are_frozen(X, at):
    with pytest.raises(ValueError, match=r"nothing to train: no weight of the network"):
        small(Freezer("*", at=at)).fit(X)


def test_initializer_and_param_mapper(X):
    zero = torch.nn.init.zeros_
    fitted = small(Initializer("*.bias", fn=zero), lr=1e-30).fit(X)
    biases = [values for name, values in weights(fitted).items() if "bias" in name]
    assert len(biases) == 4
    assert all(np.abs(values).max() < 1e-20 for values in biases)
    mapper = ParamMapper("decoder.*", fn=zero, at=lambda net: len(net.history) == 4)
    fitted = small(mapper, lr=1e-30).fit(X)
    assert np.abs(weights(fitted)["decoder.0.weight"]).max() < 1e-20
    assert fitted.loss_curve_[2] == pytest.approx(fitted.loss_curve_[0])
    assert fitted.loss_curve_[3] != pytest.approx(fitted.loss_curve_[0], rel=0.01)


@pytest.mark.parametrize("make", [Freezer, Unfreezer, Initializer, ParamMapper])
@pytest.mark.parametrize("pattern", ["encodr.*", ["linear", "conv"]])
def test_patterns_that_match_no_weight(X, make, pattern):
    with pytest.raises(
        ValueError,
        match=rf"callback {make.__name__} applies to no weight.*'encoder.0.weight'",
    ):
        small(make(pattern)).fit(X)


# ---------------------------------------------------------------------------
# Scores
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("on_train", [False, True])
def test_epoch_scoring_by_scikit_learn(X, y, on_train):
    options = {"lower_is_better": False, "on_train": on_train, "use_caching": False}
    scorers = [
        EpochScoring("accuracy", **options),
        EpochScoring(accuracy_score, name="again", **options),
        EpochScoring("neg_log_loss", name="log", **options),
        EpochScoring("roc_auc_ovr", name="auc", **options),
        EpochScoring(None, name="default", **options),
    ]
    fitted = classifier(
        *scorers, early_stopping=True, validation_fraction=0.3, max_epochs=3
    ).fit(X, y)
    curve = column(fitted, "accuracy")
    assert column(fitted, "again") == curve == column(fitted, "default")
    assert all(0 < value <= 1 for value in column(fitted, "auc"))
    if not on_train:  # all classes count the same, so it is the loss
        losses = fitted.validation_loss_curve_
        assert_allclose(column(fitted, "log"), -np.array(losses), rtol=1e-5)
    n = 71 if on_train else 30
    assert all(round(value * n) == pytest.approx(value * n) for value in curve)
    best = [i == int(np.argmax(curve[: i + 1])) for i in range(3)]
    assert column(fitted, "accuracy_best") == best
    if on_train:
        return
    cached = EpochScoring("accuracy", lower_is_better=False)
    batchwise = BatchScoring("accuracy", name="batches", lower_is_better=False)
    twin = classifier(
        cached, batchwise, early_stopping=True, validation_fraction=0.3, max_epochs=3
    ).fit(X, y)
    assert column(twin, "accuracy") == curve
    assert_allclose(column(twin, "batches"), curve)


def test_accuracy_is_that_of_the_estimator(X, y):
    scoring = EpochScoring("accuracy", on_train=True, use_caching=False)
    fitted = classifier(scoring).fit(X, y)
    assert column(fitted, "accuracy")[-1] == pytest.approx(fitted.score(X, y))


def error(net, X, y):
    return float(((net.predict(X) - y) ** 2).mean())


@pytest.mark.parametrize("make", [EpochScoring, BatchScoring])
@pytest.mark.parametrize("use_caching", [False, True])
@pytest.mark.parametrize("kind", [Autoencoder, VariationalAutoencoder, ConvAutoencoder])
def test_scores_of_reconstructions(X, make, use_caching, kind):
    images = {"image_shape": (3, 4)} if kind is ConvAutoencoder else {}
    scoring = make(error, name="error", use_caching=use_caching)
    fitted = small(scoring, kind=kind, early_stopping=True, **images).fit(X)
    found, losses = column(fitted, "error"), fitted.validation_loss_curve_
    if kind is VariationalAutoencoder:  # whose loss is no error, and draws noise
        assert all(value > 0 for value in found)
    else:
        assert_allclose(found, losses, rtol=1e-5)


def test_scores_of_training_batches(X):
    scoring = BatchScoring(error, name="error", on_train=True)
    fitted = small(scoring).fit(X)
    assert_allclose(column(fitted, "error"), fitted.loss_curve_, rtol=1e-5)


def test_scores_of_embeddings(X, y):
    def spread(net, X, y):
        Z = net.predict(X)
        assert Z.shape == (len(y), 3)
        return float(np.ptp(Z))

    scoring = EpochScoring(spread, lower_is_better=None)
    fitted = small(scoring, kind=TripletTransformer, early_stopping=True).fit(X, y)
    assert len(column(fitted, "spread")) == fitted.n_iter_


def test_scores_of_pairs(X):
    pairs = np.stack([X[:50], X[50:100]], axis=1)
    same = np.arange(50) % 2
    options = {"input": "pairs", "early_stopping": True, "kind": PairClassifier}
    scoring = EpochScoring("accuracy", lower_is_better=False)
    fitted = small(scoring, **options).fit(pairs, same)
    assert all(0 <= value <= 1 for value in column(fitted, "accuracy"))
    scoring = EpochScoring("accuracy", use_caching=False)
    with pytest.raises(ValueError, match=r"Pairs of rows .*; set use_caching=True"):
        small(scoring, **options).fit(pairs, same)


def test_passthrough_scoring(X):
    class Norm(Callback):
        def on_batch_end(self, net, batch, training, **kwargs):
            net.history.record_batch("norm", float(batch[0].norm()))

    scorings = [
        Norm(),
        PassthroughScoring("norm", on_train=True),
        ("train", PassthroughScoring("train_loss", on_train=True)),
        ("valid", PassthroughScoring("valid_loss")),
    ]
    fitted = small(*scorings, early_stopping=True).fit(X)
    assert_allclose(column(fitted, "train_loss"), fitted.loss_curve_)
    assert_allclose(column(fitted, "valid_loss"), fitted.validation_loss_curve_)
    assert len(column(fitted, "norm_best")) == 4


@pytest.mark.parametrize(
    ("callback", "match"),
    [
        (
            EpochScoring("r2"),
            r"EpochScoring needs held-out .*or set on_train=True",
        ),
        (BatchScoring(error), r"callback BatchScoring needs held-out rows"),
        (
            PassthroughScoring("valid_loss"),
            r"early_stopping=True, pass X_val to fit, or set on_",
        ),
        (Checkpoint(), r"callback Checkpoint needs .*monitor='train_loss_best'"),
        (
            EarlyStopping(),
            r"EarlyStopping needs .*monitor='train_loss' in the",
        ),
        (Backup("valid_loss"), r"callback Backup needs .*monitor='train_loss'"),
        (LRScheduler(ReduceLROnPlateau, monitor="valid_loss"), r"LRScheduler needs"),
        (WandbLogger(None), r"callback WandbLogger needs .*or set save_model=False in"),
        (InputShapeSetter(), r"callback InputShapeSetter does not apply.*leave it out"),
    ],
)
def test_callbacks_that_could_not_do_their_work(X, callback, match):
    with pytest.raises(ValueError, match=match):
        small(callback).fit(X)
    with pytest.raises(ValueError, match=match):
        small(("mine", callback)).fit(X)


def test_validation_data_are_held_out_rows(X, y):
    options = {"batch_size": 20, "max_epochs": 3}
    stopper = EarlyStopping(patience=1, threshold=9, threshold_mode="abs", sink=str)
    assert small(stopper, **options).fit(X[:80], X_val=X[80:]).n_iter_ == 2
    weights = np.linspace(0, 1, 80)
    fitted = classifier(
        EpochScoring("accuracy", lower_is_better=False, use_caching=False), **options
    ).fit(X[:80], y[:80], sample_weight=weights, X_val=X[80:], y_val=y[80:])
    expected = fitted.score(X[80:], y[80:])
    assert column(fitted, "accuracy")[-1] == pytest.approx(expected)


def test_monitors_that_are_not_in_the_history(X):
    with pytest.raises(KeyError, match="accuracy"):
        small(EarlyStopping("accuracy")).fit(X)
    # A monitor that nothing reads does no harm.
    small(LRScheduler(StepLR, step_size=1, monitor="valid_loss")).fit(X)


# ---------------------------------------------------------------------------
# Logs
# ---------------------------------------------------------------------------


def test_epoch_timer(X):
    fitted = small(EpochTimer).fit(X)
    assert all(0 < seconds < 60 for seconds in column(fitted, "dur"))


@pytest.mark.parametrize("verbose", [0, 1])
def test_print_log_prints(X, verbose, capsys):
    small(PrintLog(), early_stopping=True, verbose=verbose).fit(X)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["epoch", "train_loss", "valid_loss", "dur"]
    assert [line.split()[0] for line in lines[2:]] == ["1", "2", "3", "4"]


def test_print_log_with_a_sink(X, capsys):
    lines = []
    small(PrintLog(sink=lines.append, keys_ignored="dur")).fit(X)
    assert len(lines) == 6
    assert lines[0].split() == ["epoch", "train_loss"]
    assert capsys.readouterr() == ("", "")


def test_progress_bar_counts_the_batches(X, capsys):
    class Counts(Callback):
        def on_epoch_end(self, net, **kwargs):
            bar = dict(net.callbacks_)["bar"].pbar_
            assert (bar.n, bar.total) == (5 + 1, 5 + 1)
            assert "train_loss" in bar.postfix or "valid_loss" in bar.postfix

    small(Counts(), ("bar", ProgressBar()), early_stopping=True).fit(X)
    out, err = capsys.readouterr()
    assert out == ""
    assert "it/s" in err


class Writer:
    """In place of a SummaryWriter, and as hard to copy."""

    def __init__(self):
        self.lock = threading.Lock()
        self.scalars = []
        self.is_closed = False

    def add_scalar(self, tag, scalar_value, global_step):
        self.scalars.append((tag, scalar_value, global_step))

    def close(self):
        self.is_closed = True


def test_tensor_board(X):
    writer = Writer()
    estimator = clone(small(TensorBoard(writer), early_stopping=True))
    fitted = estimator.fit(X)
    assert writer.is_closed
    losses = [value for tag, value, _ in writer.scalars if tag == "Loss/train_loss"]
    assert losses == fitted.loss_curve_
    assert {tag for tag, _, _ in writer.scalars} == {
        "Loss/train_loss",
        "Loss/valid_loss",
        "dur",
    }


class Experiment:
    """In place of an experiment of sacred."""

    def __init__(self):
        self.lock = threading.Lock()
        self.scalars = []

    def log_scalar(self, name, value, step=None):
        self.scalars.append((name, value, step))


def test_sacred_logger(X, y):
    experiment = Experiment()
    logger = SacredLogger(experiment, log_on_batch_end=True)
    fitted = small(logger, kind=TripletTransformer).fit(X, y)
    logged = [value for name, value, _ in experiment.scalars if name == "spread_epoch"]
    assert logged == [row["spread"] for row in fitted.health_curve_]
    batches = [name for name, _, step in experiment.scalars if step is None]
    assert batches.count("train_loss_batch") == sum(column(fitted, "train_batch_count"))


class Run:
    """In place of a run of Weights and Biases."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.dir = path
        self.logged = []
        self.watched = None

    def watch(self, module):
        self.watched = module

    def log(self, values):
        self.logged.append(values)


def test_wandb_logger(X, tmp_path):
    run = Run(tmp_path)
    fitted = small(WandbLogger(run), early_stopping=True).fit(X)
    assert run.watched is fitted.net_.module_
    assert [row["train_loss"] for row in run.logged] == fitted.loss_curve_
    codes = codes_with(fitted, tmp_path / "best_model.pth", X)
    assert_allclose(codes, fitted.transform(X), atol=1e-6)


class Client:
    """In place of MLflow's client."""

    def __init__(self):
        self.lock = threading.Lock()
        self.metrics, self.artifacts, self.ended = [], [], []

    def log_metric(self, run_id, key, value, step):
        assert isinstance(value, float | int)
        self.metrics.append((run_id, key, value, step))

    def log_artifact(self, run_id, path):
        assert path.stat().st_size > 0
        self.artifacts.append(path.name)

    def set_terminated(self, run_id):
        self.ended.append(run_id)


def test_mlflow_logger(X):
    client = Client()
    run = types.SimpleNamespace(info=types.SimpleNamespace(run_id="mine"))
    fitted = small(MlflowLogger(run, client, log_on_batch_end=True)).fit(X)
    losses = [value for _, key, value, _ in client.metrics if key == "train_loss_epoch"]
    assert losses == fitted.loss_curve_
    assert client.artifacts == [
        "params.pth",
        "optimizer.pth",
        "criterion.pth",
        "history.json",
    ]
    assert client.ended == ["mine"]


class Series(dict):
    """In place of a run of Neptune: fields to set, and lists to extend."""

    def __init__(self):
        super().__init__()
        self.is_stopped = False

    def __missing__(self, key):
        self[key] = Series.Field() if key == "loss" else Series()
        return self[key]

    def append(self, value):
        self.setdefault("values", []).append(value)

    def stop(self):
        self.is_stopped = True

    class Field(list):
        pass


def test_neptune_logger(X, monkeypatch):
    class File(str):
        @classmethod
        def from_content(cls, content, extension):
            return cls(content)

    for name, contents in (
        ("neptune", {}),
        ("neptune.types", {"File": File}),
        ("neptune.handler", {"Handler": File}),
    ):
        module = types.ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    run = Series()
    scheduler = LRScheduler(StepLR, step_size=1)
    fitted = small(NeptuneLogger(run, log_on_batch_end=True), scheduler).fit(X)
    training = run["training"]
    assert training["train"]["epoch"]["loss"] == fitted.loss_curve_
    assert len(training["train"]["batch"]["loss"]) == 4 * N_BATCHES
    assert training["config/optimizer"] == "Adam"
    assert training["config/lr"] == 0.01
    assert run.is_stopped
