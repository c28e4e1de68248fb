"""What SimCLR promises beyond the common checks: loss, score, views, layers."""

import pickle
from math import exp, log

import numpy as np
import pytest
import torch
from near import assert_near
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, ShuffleSplit, train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from sklearn_replearn._deep.estimators import base
from sklearn_replearn._deep.objectives.objective import Batch, TwoViews
from sklearn_replearn._deep.objectives.tuple_losses import SupConLoss
from sklearn_replearn.metrics import alignment, uniformity
from sklearn_replearn.self_supervised import SimCLR, _information_bound
from sklearn_replearn.self_supervised._view_health import ObservedViews
from sklearn_replearn.utils.estimator_checks import check_representation_estimator

SMALL = {
    "n_components": 4,
    "projection_sizes": (6, 5),
    "channels": (3, 4, 5),
    "hidden_layer_sizes": (8,),
    "max_epochs": 2,
    "random_state": 0,
}
KINDS = {
    "table": {},
    "signals": {"encoder": "cnn"},
    "images": {"image_shape": (8, 8)},
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def small(kind="table", **parameters):
    return SimCLR(**{**SMALL, **KINDS[kind], **parameters})


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(
        X.astype(np.float32) / 16, y, test_size=0.3, stratify=y, random_state=0
    )


@pytest.fixture(scope="module")
def X(digits):
    return digits[0][:100]


def nt_xent(first, second, temperature):
    """The loss of two views of some rows, term by term."""
    views = [list(map(float, view)) for view in (*first, *second)]
    n = len(first)

    def similarity(a, b):
        product = sum(x * y for x, y in zip(a, b, strict=True))
        lengths = sum(x * x for x in a) * sum(y * y for y in b)
        return exp(product / lengths**0.5 / temperature)

    total = 0.0
    for i, view in enumerate(views):
        other = similarity(view, views[(i + n) % (2 * n)])
        everyone = sum(similarity(view, v) for j, v in enumerate(views) if j != i)
        total -= log(other / everyone)
    return total / (2 * n)


# ---------------------------------------------------------------------------
# The loss and the score
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_the_loss_is_nt_xent(temperature):
    rng = np.random.default_rng(0)
    rows, change = torch.from_numpy(rng.normal(size=(7, 3))), []

    def augment(network, samples):
        return lambda x: change.append(x + torch.randn_like(x)) or change[-1]

    with torch.random.fork_rng():
        objective = TwoViews(SupConLoss(temperature), augment)
        objective.begin(None, None)
        batch = objective.prepare(rows, None)
    terms = objective(lambda x: 2 * x, batch)
    assert batch.n_terms == 7
    first, second = change
    assert not torch.equal(first, second)
    expected = nt_xent(first, second, temperature)
    assert float(terms["loss"]) == pytest.approx(expected, rel=1e-12)


@each_kind
@pytest.mark.parametrize("n", [2, 30])
def test_score_by_a_loop(digits, X, kind, n, monkeypatch):
    monkeypatch.setattr(_information_bound, "N_COMPARED", 16)
    model = small(kind).fit(X)
    projections = []
    hook = model.net_.module_.register_forward_hook(
        lambda *call: projections.append(call[-1].numpy())
    )
    score = model.score(digits[1][:n])
    hook.remove()
    assert [len(z) for z in projections] == ([4] if n == 2 else [30, 30])
    bounds = []
    for temperature in _information_bound.TEMPERATURES:
        total = 0.0
        for z in projections:
            losses = nt_xent(*np.split(z, 2), temperature)
            total += len(z) / 2 * (log(len(z) - 1) - losses)
        bounds.append(total / n)
    assert score == pytest.approx(max(0.0, *bounds), abs=1e-4)


def test_bounds_of_known_similarities():
    apart = torch.full((8, 8), -1.0)
    told = apart.clone()
    for i in range(8):
        told[i, (i + 4) % 8] = 1.0
    bounds = _information_bound.contrastive_bounds(told, [0.01, 2.0])
    assert float(bounds[0]) == pytest.approx(log(7))
    assert float(bounds[1]) == pytest.approx(log(7) - log(1 + 6 * exp(-1)))
    assert float(_information_bound.contrastive_bounds(apart, [0.3])) == pytest.approx(
        0, abs=1e-6
    )


@each_kind
def test_score_is_the_same_each_time_and_after_pickling(digits, X, kind):
    rows = digits[1][:50]
    model = small(kind).fit(X)
    score = model.score(rows)
    torch.rand(3)
    np.random.rand(3)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    assert model.score(rows) == score
    assert pickle.loads(pickle.dumps(model)).score(rows) == pytest.approx(score, 1e-5)
    assert model.score(rows.astype(float)) == pytest.approx(score, abs=1e-4)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_a_pickle_holds_no_training_rows(X):
    marked = X.copy()
    marked[7, :8] = np.arange(8) + 12345
    state = pickle.dumps(small().fit(marked))
    assert marked[7, :8].tobytes() not in state


@each_kind
def test_training_raises_the_score_of_held_out_rows(digits, kind):
    X_train, X_test, *_ = digits
    wide = {"channels": (8, 16), "hidden_layer_sizes": 32, "projection_sizes": 32}
    wide["n_components"] = 32
    scores = [
        small(kind, max_epochs=n, lr=lr, **wide).fit(X_train[:600]).score(X_test)
        for n, lr in ((1, 1e-9), (8, 5e-3))
    ]
    assert log(2 * 256 - 1) > scores[1] > scores[0] + 0.1


def test_features_need_few_labels(digits):
    X_train, X_test, y_train, y_test = digits

    def accuracy(encoder):
        train, test = encoder.transform(X_train), encoder.transform(X_test)
        found = []
        for draw in range(20):
            labeled = [np.flatnonzero(y_train == c)[draw] for c in range(10)]
            classifier = LogisticRegression(max_iter=1000)
            classifier.fit(train[labeled], y_train[labeled])
            found.append(classifier.score(test, y_test))
        return np.mean(found)

    encoder = SimCLR(max_epochs=30, random_state=0)
    untrained = clone(encoder).set_params(max_epochs=1, lr=1e-9)
    learned = accuracy(encoder.fit(X_train))
    assert learned > accuracy(untrained.fit(X_train)) + 0.02


def test_a_grid_chooses_by_the_score(digits):
    wide = {"n_components": 32, "hidden_layer_sizes": 64, "projection_sizes": 32}
    grid = GridSearchCV(
        small(max_epochs=9, **wide),
        {"lr": [1e-5, 1e-2], "temperature": [0.2, 1.0]},
        cv=ShuffleSplit(1, test_size=0.3, random_state=0),
    ).fit(digits[0][:400])
    assert grid.best_params_["lr"] == 1e-2


# ---------------------------------------------------------------------------
# Layers and inputs
# ---------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("layer", ["stage1", "stage2", "stage3"])
def test_stages_are_averaged_by_parts(X, kind, layer):
    if kind == "table":
        pytest.skip("there are no stages")
    model = small(kind, layer=layer, pool_size=2).fit(X)
    with torch.no_grad():
        maps = model.as_module(f"encoder.{layer}")(torch.from_numpy(X)).numpy()
    n_parts = 2 if kind == "images" else 4
    expected = maps
    for axis in range(2, maps.ndim):
        n = min(n_parts, expected.shape[axis])
        parts = np.array_split(expected, n, axis)  # sides are multiples of n
        expected = np.stack([p.mean(axis) for p in parts], axis)
    assert_near(model.transform(X), expected.reshape(len(X), -1))
    assert model.n_components_ == expected[0].size
    assert len(model.get_feature_names_out()) == expected[0].size


@each_kind
def test_the_embedding_is_in_front_of_the_projector(X, kind):
    model = small(kind, layer="embedding").fit(X)
    Z = model.transform(X)
    assert Z.shape == (100, 4)
    with torch.no_grad():
        assert_near(Z, model.as_module("encoder")(torch.from_numpy(X)).numpy())
        inputs = torch.from_numpy(Z)
        projector = model.net_.module_.projector
        assert [layer.out_features for layer in projector[2::3]] == [6, 5]
        projected = model.as_module("projector")(torch.from_numpy(X))
        assert_near(projector(inputs).numpy(), projected.numpy())


def test_the_layer_that_is_read_by_default(X):
    for channels, width in (((3,), 3 * 16), ((3, 5), 3 * 16), ((3, 5, 4), 5 * 4)):
        model = small("images", channels=channels).fit(X)
        assert model.transform(X).shape[1] == width
    assert small("images", encoder="mlp").fit(X).transform(X).shape == (100, 4)


@pytest.mark.parametrize(
    ("shape", "kind", "n_stages", "n_numbers"),
    [
        ((28, 28), "images", 4, 64 * 16),
        ((28, 27), "images", 3, 64 * 16),
        ((8, 8), "images", 3, 64 * 4),
        ((128,), "signals", 4, 64 * 16),
        ((127,), "signals", 3, 64 * 16),
    ],
)
def test_large_inputs_have_one_more_stage(shape, kind, n_stages, n_numbers):
    X = np.random.default_rng(0).random((8, *shape)).astype(np.float32)
    encoder = "cnn" if kind == "signals" else "auto"
    model = SimCLR(encoder=encoder, max_epochs=1, lr=1e-9, random_state=0).fit(X)
    names = {
        name.split(".")[1] for name in model.net_.module_.state_dict() if "." in name
    }
    assert sum(name.startswith("stage") for name in names) == n_stages
    assert model.transform(X).shape == (8, n_numbers)


def test_images_in_each_form(X):
    as_rows = small("images").fit(X)
    as_arrays = small().fit(X.reshape(-1, 8, 8))
    assert_near(as_rows.transform(X), as_arrays.transform(X.reshape(-1, 8, 8)))
    bytes_ = np.rint(X * 255).astype(np.uint8)
    of_bytes = small("images").fit(bytes_)
    same = small("images").fit((bytes_ / 255).astype(np.float32))
    assert_near(of_bytes.transform(bytes_), same.transform(bytes_ / np.float32(255)))
    assert of_bytes.score(bytes_) == pytest.approx(
        same.score(bytes_ / np.float32(255)), abs=2e-3
    )
    color = np.stack([X, X[::-1], 1 - X], -1).reshape(-1, 8, 8, 3)
    model = small().fit(color)
    assert model.image_shape_ == (8, 8, 3)
    assert_near(model.transform(color[:3]), model.transform(color)[:3])


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1), (2, 3, 2)])
def test_small_images(shape):
    images = np.random.default_rng(0).random((20, *shape))
    model = small(kernel_size=1, max_epochs=1).fit(images)
    assert np.isfinite(model.transform(images)).all()
    assert np.isfinite(model.score(images))


@pytest.mark.parametrize("length", [1, 2, 30])
def test_short_signals(length):
    signals = np.random.default_rng(0).normal(size=(20, length))
    model = small("signals", max_epochs=1).fit(signals)
    assert np.isfinite(model.transform(signals)).all()
    assert np.isfinite(model.score(signals))


@each_kind
def test_double_precision(X, kind):
    model = small(kind).fit(X)
    double = model.transform(X.astype(float))
    assert double.dtype == np.float64
    assert_near(model.transform(X), double.astype(np.float32))


@pytest.mark.parametrize("kind", ["table", "images"])
def test_own_encoder(X, kind):
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    model = small(kind, encoder=module).fit(X)
    assert model.transform(X).shape == (100, 4)
    assert np.isfinite(model.score(X))
    with pytest.raises(ValueError, match="n_components=3"):
        small(kind, encoder=module, n_components=3).fit(X)


def test_rows_of_a_table_may_be_few():
    X = np.random.default_rng(0).normal(size=(3, 1))
    model = small(batch_size=2).fit(X)
    assert np.isfinite(model.transform(X)).all()
    assert np.isfinite(model.score(X))


# ---------------------------------------------------------------------------
# Training
# ---------------------------------------------------------------------------


@each_kind
def test_held_out_views_are_the_same_in_each_epoch(X, kind, monkeypatch):
    drawn = {True: [], False: []}
    prepare = TwoViews.prepare

    def spy(self, inputs, targets):
        batch = prepare(self, inputs, targets)
        drawn[self.training].append(batch.inputs)
        return batch

    monkeypatch.setattr(TwoViews, "prepare", spy)
    model = small(kind, early_stopping=True, max_epochs=3, batch_size=45).fit(X)
    assert len(model.validation_loss_curve_) == 3
    assert len(drawn[False]) == 3
    assert all(torch.equal(views, drawn[False][0]) for views in drawn[False])
    assert len(drawn[True]) == 6
    assert not any(torch.equal(views, drawn[True][0]) for views in drawn[True][1:])


def test_validation_data_are_only_compared(X):
    model = small(max_epochs=3).fit(X[:60], X_val=X[60:])
    alone = small(max_epochs=3).fit(X[:60])
    assert len(model.validation_loss_curve_) == 3
    assert_near(model.transform(X), alone.transform(X))


def test_warm_start(X):
    model = small(warm_start=True).fit(X)
    losses = model.loss_curve_
    model.fit(X)
    assert model.n_iter_ == 4
    assert model.loss_curve_[:2] == losses
    assert len(model.health_curve_) == 4
    with pytest.raises(ValueError, match="warm_start=True goes on"):
        model.set_params(projection_sizes=7).fit(X)


def test_health_is_what_the_loss_finds(X):
    model = small().fit(X)
    assert model.health_curve_[0].keys() == {
        "active_share",
        "mean_norm",
        "spread",
        "effective_rank",
        "alignment",
        "uniformity",
    }
    assert list(model.loss_terms_curve_[0]) == ["loss"]
    assert 1 < model.effective_rank_ <= 4


def test_alignment_and_uniformity_by_the_metrics():
    loss, batches = SupConLoss(0.2), torch.randn(3, 12, 5)
    objective = ObservedViews(loss, None)
    aligned, potentials = [], []
    for z in batches:
        terms = objective(lambda x: x, Batch(z, torch.arange(6).repeat(2), 6))
        assert float(terms["loss"]) == pytest.approx(nt_xent(*z.chunk(2), 0.2), 1e-5)
        aligned.append(alignment(*z.chunk(2)))
        potentials.append(exp(uniformity(z[:6])))
    health = objective.take_health()
    assert health["alignment"] == pytest.approx(np.mean(aligned), 1e-5)
    assert health["uniformity"] == pytest.approx(log(np.mean(potentials)), 1e-5)
    assert health["effective_rank"] > 1


def test_epochs_by_default(X, monkeypatch):
    monkeypatch.setattr(base, "N_STEPS", 16)
    # 100 rows in batches of 16 take 3 epochs for 16 batches; of 50, 8.
    assert small(max_epochs="auto").fit(X).n_iter_ == 5
    assert small(max_epochs="auto", batch_size=50).fit(X).n_iter_ == 8


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("table", ["weak", "corrupt", "noise"]),
        ("signals", ["strong", "crop", "noise", "frequency_mask", "time_mask"]),
        ("images", ["strong", "resized_crop", "flip", "blur", "solarize", "cutout"]),
    ],
)
def test_each_change_makes_views(X, kind, names):
    results = []
    for augment in (*names, names):
        model = small(kind, augment=augment, max_epochs=1).fit(X[:40])
        results.append(model.transform(X[:1]))
        assert np.isfinite(model.score(X))
    assert len(np.unique(np.concatenate(results), axis=0)) == len(results)


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        ("table", {"augment": []}, "^augment is empty"),
        ("table", {"augment": ()}, "^augment is empty"),
        ("table", {"augment": "flip"}, "'noise' or 'corrupt'"),
        ("signals", {"augment": "rotate"}, "is for images, but X has signals"),
        ("signals", {"augment": "corrupt"}, "is for tables, but X has signals"),
        ("images", {"augment": ["corrupt"]}, "is for tables, but X has images"),
        ("images", {"augment": [("flip", 0)]}, "^augment is empty"),
        ("table", {"layer": "stage1"}, "take one of 'auto', 'embedding'"),
        ("images", {"layer": "stage4"}, "'stage2', 'stage3', 'embedding'"),
        ("table", {"batch_size": 1}, "^batch_size=1 leaves"),
        ("table", {"projection_sizes": (4, 0)}, "^projection_sizes must be whole"),
        (
            "table",
            {"early_stopping": True, "validation_fraction": 0.01},
            "holds out one; raise it",
        ),
    ],
)
def test_parameters_that_cannot_work(X, kind, parameters, message):
    with pytest.raises(ValueError, match=message):
        small(kind, **parameters).fit(X)


def test_a_single_row_is_refused(X):
    with pytest.raises(ValueError, match="minimum of 2"):
        small().fit(X[:1])
    with pytest.raises(ValueError, match=r"^Validation data .* single row"):
        small().fit(X, X_val=X[:1])
    model = small().fit(X)
    with pytest.raises(ValueError, match="single row, with no others"):
        model.score(X[:1])
    with pytest.raises(ValueError, match="NaN"):
        model.score(np.full((3, 64), np.nan))


# ---------------------------------------------------------------------------
# The other kinds of input in the conformance suites
# ---------------------------------------------------------------------------

TINY = {**SMALL, "channels": (3, 3), "max_epochs": 3, "lr": 0.01}


def test_conformance_of_images():
    # The suite expects n_components columns, which stages do not have.
    check_representation_estimator(
        SimCLR(layer="embedding", image_shape=(2, 4), kernel_size=1, **TINY)
    )


@parametrize_with_checks([SimCLR(**TINY, encoder="cnn")])
def test_scikit_learn_checks_of_signals(estimator, check):
    check(estimator)
