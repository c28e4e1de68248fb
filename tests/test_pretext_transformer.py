"""What pretext tasks promise: questions by loops, scores, shortcuts, own tasks."""

import pickle
from itertools import permutations, product

import numpy as np
import pytest
import skops.io
import torch
from near import assert_near
from scipy.ndimage import gaussian_filter
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from sklearn_replearn.self_supervised import (
    Colorization,
    Inpainting,
    Jigsaw,
    PretextTask,
    PretextTransformer,
    RelativePosition,
    Rotation,
)
from sklearn_replearn.self_supervised._pretext_tasks import draw_blocks
from sklearn_replearn.self_supervised._tiles import distant_permutations

SMALL = {
    "n_components": 4,
    "projection_sizes": 6,
    "channels": (3, 4),
    "hidden_layer_sizes": (8,),
    "max_epochs": 2,
    "random_state": 0,
}
RNG = np.random.default_rng(0)
IMAGES = gaussian_filter(RNG.random((60, 12, 12)), (0, 1, 1)).astype(np.float32)
COLOR = gaussian_filter(RNG.random((60, 12, 12, 3)), (0, 1, 1, 0)).astype(np.float32)
SIGNALS = RNG.normal(size=(60, 40)).cumsum(axis=1).astype(np.float32)
TABLE = RNG.normal(size=(60, 5)).astype(np.float32)
TABLE[:, 1] += TABLE[:, 0]

#: Other values of the parameters that cut tiles.
TILES = {"gap": 0.4, "jitter": 0.4, "gray_share": 1}

#: A task, what it is made of, and parameters.
CASES = {
    "rotation": ("rotation", IMAGES, {}),
    "halves": (Rotation(n_turns=2), IMAGES[:, :, :8], {}),
    "relative_position": ("relative_position", IMAGES, {}),
    "jigsaw": ("jigsaw", COLOR, {}),
    "colorization": ("colorization", COLOR, {}),
    "inpainting": ("inpainting", COLOR, {}),
    "position in signals": ("relative_position", SIGNALS, {"encoder": "cnn"}),
    "jigsaw of signals": ("jigsaw", SIGNALS, {"encoder": "cnn"}),
    "inpainting of signals": ("inpainting", SIGNALS, {"encoder": "cnn"}),
    "inpainting of tables": ("inpainting", TABLE, {}),
}
each_case = pytest.mark.parametrize("case", CASES)


def fit(case, **parameters):
    task, X, given = CASES[case]
    return PretextTransformer(task, **{**SMALL, **given, **parameters}).fit(X), X


def ask(task, x, seed=0):
    """The questions of a task under a seed, and torch's generator as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        task.setup(x)
        return task.make(x)


class Swap(PretextTask):
    """Which of the halves of the columns was exchanged with that of another row?"""

    kinds = ("tables",)

    def __init__(self, n_classes=2):
        self.n_classes = n_classes

    def make(self, x):
        answers = torch.randint(2, (len(x),), device=x.device)
        is_second = torch.arange(x.shape[1], device=x.device) >= x.shape[1] // 2
        swapped = is_second == answers.bool()[:, None]
        return torch.where(swapped, x.roll(1, dims=0), x), answers


class Sum(PretextTask):
    """What is the sum of a row? A task with values."""

    def make(self, x):
        return x, x.flatten(1).sum(1, keepdim=True)


# ---------------------------------------------------------------------------
# Questions and answers
# ---------------------------------------------------------------------------


def test_turns_are_those_of_numpy():
    x = torch.from_numpy(COLOR).movedim(-1, 1)
    inputs, answers = ask(Rotation(), x)
    assert answers.tolist() == [0, 1, 2, 3] * len(x)
    for i, image in enumerate(COLOR):
        for turn in range(4):
            expected = np.rot90(image, turn).transpose(2, 0, 1)
            np.testing.assert_array_equal(inputs[4 * i + turn], expected)
    inputs, answers = ask(Rotation(n_turns=2), x[:, :, :5])
    assert answers.tolist() == [0, 1] * len(x)
    np.testing.assert_array_equal(inputs[1::2], x[:, :, :5].flip(2, 3))


def scaled_tile(tile):
    """Each channel with mean 0 and variance 1, or less if it is nearly plain."""
    tile = tile.double().numpy()
    axes = tuple(range(1, tile.ndim))
    tile = tile - tile.mean(axes, keepdims=True)
    return tile / np.sqrt(np.square(tile).mean(axes, keepdims=True) + 0.01)


def tile_at(x, starts, sides):
    return x[(slice(None), *map(slice, starts, np.add(starts, sides)))]


@pytest.mark.parametrize("shape", [(1, 12, 12), (3, 13, 18), (1, 50)])
@pytest.mark.parametrize("grid", [3, 4])
def test_tiles_of_relative_position_by_slicing(shape, grid):
    x = 5 * torch.from_numpy(RNG.normal(size=(100, *shape))).float()
    task = RelativePosition(grid=grid, n_pairs=2, gap=0, jitter=0, gray_share=0)
    inputs, answers = ask(task, x)
    x = x.repeat_interleave(2, 0)
    n_sides = len(shape) - 1
    counts = [grid] * 2 if n_sides == 2 else [grid * grid]
    cells = [side // n for side, n in zip(shape[1:], counts, strict=True)]
    steps = [s for s in product((-1, 0, 1), repeat=n_sides) if any(s)]
    assert task.n_classes == len(steps) == (8 if n_sides == 2 else 2)
    assert set(answers.tolist()) == set(range(len(steps)))
    first = set()
    for image, tiles, answer in zip(x, inputs, answers, strict=True):
        places = [
            place
            for place in product(*map(range, counts))
            if np.allclose(
                scaled_tile(tile_at(image, np.multiply(place, cells), cells)),
                tiles[0],
                atol=1e-5,
            )
        ]
        assert len(places) == 1
        first.add(places[0])
        starts = np.multiply(np.add(places[0], steps[answer]), cells)
        expected = scaled_tile(tile_at(image, starts, cells))
        np.testing.assert_allclose(tiles[1], expected, atol=1e-5)
    # Each cell that has all neighbours is the first of a pair.
    assert first == set(product(*(range(1, count - 1) for count in counts)))


@pytest.mark.parametrize("shape", [(1, 12, 13), (2, 40)])
def test_tiles_of_jigsaw_by_slicing(shape):
    x = 5 * torch.from_numpy(RNG.normal(size=(100, *shape))).float()
    task = Jigsaw(gap=0, jitter=0, gray_share=0)
    inputs, answers = ask(task, x)
    counts = [2, 2] if len(shape) == 3 else [4]
    cells = [side // n for side, n in zip(shape[1:], counts, strict=True)]
    places = list(product(*map(range, counts)))
    for image, tiles, answer in zip(x, inputs, answers, strict=True):
        for tile, cell in zip(tiles, task.permutations_[answer], strict=True):
            starts = np.multiply(places[cell], cells)
            expected = scaled_tile(tile_at(image, starts, cells))
            np.testing.assert_allclose(tile, expected, atol=1e-5)


def test_gap_and_jitter_move_tiles_within_their_cells():
    task = Jigsaw(gap=0.3, jitter=0.2)  # cells of 10: a gap of 3, a jitter of 2
    marks = torch.eye(40).repeat(25, 1)[:, None]  # one value of each signal is 1
    inputs, _ = ask(task, marks)
    assert inputs.shape == (1000, 4, 1, 5)
    seen = inputs.amax((2, 3)) > 1
    # Places that are shown, at some time, are not within half the gap of a border.
    shown = {i % 40 for i in torch.nonzero(seen.any(1)).flatten().tolist()}
    assert shown == {i for i in range(40) if 1 <= i % 10 <= 7}
    assert not seen.all(1).any()


def test_some_images_are_gray():
    x = torch.from_numpy(COLOR).movedim(-1, 1)
    for share, low, high in ((0, 0, 0), (0.5, 0.2, 0.8), (1, 1, 1)):
        inputs, _ = ask(Jigsaw(gray_share=share), x)
        is_gray = (inputs - inputs.mean(2, keepdim=True)).abs().amax(
            (1, 2, 3, 4)
        ) < 1e-5
        assert low <= is_gray.float().mean() <= high


@pytest.mark.parametrize(("n_tiles", "n"), [(2, 2), (3, 6), (4, 24), (5, 13)])
def test_permutations_by_a_loop(n_tiles, n):
    def distance(one, other):
        return sum(a != b for a, b in zip(one, other, strict=True))

    candidates = list(permutations(range(n_tiles)))
    chosen = [candidates[0]]
    while len(chosen) < n:
        left = [order for order in candidates if order not in chosen]
        sums = [sum(distance(order, one) for one in chosen) for order in left]
        chosen.append(left[sums.index(max(sums))])
    found = distant_permutations(n_tiles, n)
    assert found.tolist() == [list(order) for order in chosen]


def test_permutations_of_many_tiles():
    orders = distant_permutations(16, 20)
    assert orders.shape == (20, 16)
    assert len(np.unique(orders, axis=0)) == 20
    assert (np.sort(orders, axis=1) == np.arange(16)).all()
    distances = (orders[:, None] != orders).sum(2)[np.triu_indices(20, 1)]
    assert distances.min() > 10


def test_colors_are_differences_from_gray():
    x = torch.from_numpy(COLOR).movedim(-1, 1)
    inputs, answers = ask(Colorization(), x)
    for image, gray, difference in zip(x, inputs, answers, strict=True):
        for channel in range(3):
            assert_near(gray[channel].numpy(), image.numpy().mean(0))
            assert_near(difference[channel].numpy(), (image[channel] - gray[0]).numpy())
    assert_near(Colorization().complete(inputs, None, answers).numpy(), x.numpy())


def test_blocks_by_a_loop():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        chosen = draw_blocks(200, (12, 9), 0.01, 0.25)
    for hidden in chosen.numpy():
        rows, columns = np.nonzero(hidden)
        assert (np.ptp(rows), np.ptp(columns), hidden.sum()) == (2, 1, 6)
    assert chosen.any(0).all()  # every place is hidden at some time
    many = draw_blocks(200, (40,), 0.4, 0.1).numpy()
    assert 0.25 < many.mean() < 0.4  # spans overlap
    for row in many:
        lengths = [len(part) for part in "".join("01"[int(h)] for h in row).split("0")]
        assert min(length for length in lengths if length) >= 4


@pytest.mark.parametrize("x", [TABLE, SIGNALS[:, None], IMAGES[:, None]])
def test_hidden_places_are_asked(x):
    x = torch.from_numpy(x)
    inputs, answers = ask(Inpainting(mask_share=0.4), x)
    hidden = ~answers.isnan()
    assert (hidden.flatten(1).sum(1) > 0).all()
    assert (inputs[hidden] == 0).all()
    assert torch.equal(answers[hidden], x[hidden])
    assert torch.equal(inputs[~hidden], x[~hidden])
    if x.ndim == 2:
        assert (hidden.sum(1) == 2).all()


# ---------------------------------------------------------------------------
# The estimator: score, answers, questions
# ---------------------------------------------------------------------------


@each_case
def test_score_by_a_loop(case):
    model, X = fit(case)
    inputs, targets = model.make_task(X)
    predicted = model.predict_task(X)
    score = model.score(X)
    if model.task_.n_classes is not None:
        assert predicted.shape == targets.shape
        assert score == pytest.approx((predicted == targets).mean(), abs=1e-12)
        assert inputs.shape[: targets.ndim] == targets.shape
        return
    assert predicted.shape == X.shape
    network = model.net_.module_
    spread = float(network.spread)
    shown = np.moveaxis(targets, 1, -1).reshape(X.shape)
    errors, total = 0.0, 0.0
    for place in product(*map(range, X.shape[1:])):
        asked = ~np.isnan(shown[(slice(None), *place)])
        right = X[(asked, *place)] / spread
        answered = predicted[(asked, *place)] / spread
        if case == "colorization":
            right = shown[(asked, *place)]
            gray = inputs[(asked, *place)] / spread
            answered = answered - gray
        if asked.any():
            errors += np.square(right - answered).sum()
            total += np.square(right - right.mean()).sum()
    assert score == pytest.approx(1 - errors / total, abs=1e-4)


@each_case
def test_questions_are_the_same_each_time_and_after_pickling(case):
    model, X = fit(case)
    score = model.score(X)
    before = torch.get_rng_state()
    assert model.score(X) == score
    again = pickle.loads(pickle.dumps(model))
    assert again.score(X) == pytest.approx(score, abs=1e-5)
    np.testing.assert_array_equal(again.make_task(X)[1], model.make_task(X)[1])
    assert_near(again.transform(X), model.transform(X))
    assert model.score(X.astype(float)) == pytest.approx(score, abs=1e-4)
    assert torch.equal(torch.get_rng_state(), before)


@each_case
def test_one_seed_gives_one_result(case):
    one, X = fit(case)
    other, _ = fit(case)
    np.testing.assert_array_equal(one.transform(X), other.transform(X))
    assert one.loss_curve_ == other.loss_curve_
    assert not np.allclose(one.transform(X), fit(case, random_state=1)[0].transform(X))


@pytest.mark.parametrize("case", ["jigsaw", "inpainting of tables"])
def test_skops_trusts_no_more_than_our_classes(case):
    model, X = fit(case)
    data = skops.io.dumps(model)
    trusted = skops.io.get_untrusted_types(data=data)
    assert all(name.startswith("sklearn_replearn.self_supervised.") for name in trusted)
    again = skops.io.loads(data, trusted=trusted)
    assert again.score(X) == model.score(X)


def test_questions_and_answers_in_the_unit_of_X():
    images = np.rint(255 * COLOR).astype(np.uint8)
    model = PretextTransformer("inpainting", **SMALL).fit(images)
    inputs, targets = model.make_task(images)
    asked = ~np.isnan(np.moveaxis(targets, 1, -1))
    assert 0.1 < asked.mean() < 0.4
    assert np.abs(inputs - images)[~asked].max() < 1e-3
    filled = model.predict_task(images)
    assert filled.shape == images.shape
    assert np.abs(filled - images)[~asked].max() < 1e-3
    rows = images.reshape(60, -1)
    flat = PretextTransformer("inpainting", image_shape=(12, 12, 3), **SMALL).fit(rows)
    assert_near(flat.predict_task(rows), filled.reshape(60, -1))
    colors = PretextTransformer("colorization", **SMALL).fit(images)
    gray, _ = colors.make_task(images)
    expected = images.astype(float) - images.mean((0, 1, 2))
    expected = expected.mean(-1, keepdims=True) + images.mean((0, 1, 2))
    assert_near(gray, expected.astype(np.float32))


def test_answers_of_each_turn():
    model, X = fit("rotation")
    inputs, targets = model.make_task(X[:5])
    assert inputs.shape == (5, 4, 12, 12, 1)
    assert_near(inputs[:, 1, :, :, 0], np.rot90(X[:5], axes=(1, 2)))
    assert targets.tolist() == [[0, 1, 2, 3]] * 5
    assert model.predict_task(X[:5]).shape == (5, 4)


@each_case
def test_held_out_questions_are_the_same_in_each_epoch(case):
    quick = {"early_stopping": True, "validation_fraction": 0.4, "lr": 1e-12}
    model, _ = fit(case, lr_schedule="constant", max_epochs=3, **quick)
    assert len(model.validation_loss_curve_) == 3
    # Weights stay as they are, and running means change but a little.
    assert len({round(loss, 1) for loss in model.validation_loss_curve_[1:]}) <= 2


def test_warm_start_goes_on():
    model, X = fit("jigsaw", warm_start=True)
    losses = model.loss_curve_
    model.fit(X)
    assert model.loss_curve_[:2] == losses
    assert len(model.health_curve_) == model.n_iter_ == 4
    with pytest.raises(ValueError, match="now describe another one"):
        model.set_params(task=Jigsaw(n_permutations=5)).fit(X)


@each_case
def test_health(case):
    model, _ = fit(case)
    assert model.health_curve_[0].keys() == {"mean_norm", "spread", "effective_rank"}
    assert 1 < model.effective_rank_ <= model.n_components_


# ---------------------------------------------------------------------------
# Tasks as parameters
# ---------------------------------------------------------------------------


def test_a_task_shared_by_estimators_stays_as_it_is():
    task = Jigsaw(n_permutations=6)
    before = dict(vars(task))
    models = [
        PretextTransformer(task, encoder="cnn", **SMALL).fit(SIGNALS),
        PretextTransformer(task, **{**SMALL, "random_state": 1}).fit(IMAGES),
    ]
    assert vars(task) == before
    assert models[0].task_ is not task
    assert models[0].task is models[1].task is task
    assert clone(models[0]).task is not task


def test_a_grid_chooses_among_tasks_and_their_parameters():
    cv = ShuffleSplit(1, test_size=0.3, random_state=0)
    model = PretextTransformer(Jigsaw(), **SMALL)
    grid = GridSearchCV(model, {"task__grid": [2, 3]}, cv=cv)
    grid.fit(COLOR)
    assert grid.best_estimator_.task_.grid == grid.best_params_["task__grid"]
    tasks = ["rotation", Inpainting(), Jigsaw(n_permutations=3)]
    found = GridSearchCV(model, {"task": tasks}, cv=cv).fit(COLOR)
    assert len(set(found.cv_results_["mean_test_score"])) == 3


@pytest.mark.parametrize(
    ("task", "others"),
    [
        (Rotation(), {"n_turns": 2}),
        (
            RelativePosition(),
            {"grid": 4, "n_pairs": 1, "gap": 0.4, "jitter": 0.4, "gray_share": 1},
        ),
        (
            Jigsaw(),
            {
                "grid": 3,
                "n_permutations": 5,
                "gap": 0.4,
                "jitter": 0.4,
                "gray_share": 1,
            },
        ),
        (Inpainting(), {"mask_share": 0.6, "block": 0.5}),
    ],
)
def test_each_parameter_of_a_task_acts(task, others):
    assert set(others) == set(task.get_params())
    quick = {**SMALL, "max_epochs": 1}
    X = np.repeat(COLOR, 2, axis=1).repeat(2, axis=2)
    results = [PretextTransformer(task, **quick).fit(X).transform(X[:2])]
    for name, value in others.items():
        other = clone(task).set_params(**{name: value})
        results.append(PretextTransformer(other, **quick).fit(X).transform(X[:2]))
    for one, other in zip(results[1:], results[:1] * len(others), strict=True):
        assert not np.allclose(one, other)


@pytest.mark.parametrize("task", [Swap(), Sum()])
def test_own_tasks(task):
    model = PretextTransformer(task, **SMALL).fit(TABLE)
    assert model.transform(TABLE).shape == (60, 4)
    assert model.score(TABLE) <= 1
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_task(TABLE), model.predict_task(TABLE))
    assert len(model.predict_task(TABLE)) == 60
    if isinstance(task, Sum):
        model = PretextTransformer(task, **{**SMALL, "max_epochs": 60, "lr": 0.01})
        assert model.fit(TABLE).score(TABLE) > 0.8
        inputs, answers = model.make_task(TABLE)
        assert_near(inputs, TABLE)
        assert answers.shape == model.predict_task(TABLE).shape == (60, 1)


# ---------------------------------------------------------------------------
# What is learned, and what must not be
# ---------------------------------------------------------------------------


def test_statistics_of_features_are_those_of_whole_images():
    X = np.concatenate([IMAGES] * 9)[:, :, :, np.newaxis]  # several blocks
    model = PretextTransformer("jigsaw", **SMALL).fit(X)
    network = model.net_.module_
    first = network.norms()[0]
    maps = []
    first.register_forward_pre_hook(lambda _, inputs: maps.append(inputs[0]))
    with torch.no_grad():
        network.encode(network.arrange(torch.from_numpy(X)))
    variances, means = torch.var_mean(maps[0], (0, 2, 3))
    np.testing.assert_allclose(first.running_mean, means, rtol=1e-4)
    # The means of blocks differ a little, which their variances leave out.
    np.testing.assert_allclose(first.running_var, variances, rtol=0.01)
    assert not network.training
    asked = model.net_.module_.as_trained().norms()[0]
    assert (asked.running_var - first.running_var).abs().max() > 0.01
    again = pickle.loads(pickle.dumps(model)).net_.module_
    np.testing.assert_array_equal(again.trained_statistics, network.trained_statistics)


def test_normalization_that_is_not_trained_stays_as_it_is():
    class Fixed(nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    encoder = nn.Sequential(nn.Linear(5, 4), Fixed(4), nn.BatchNorm1d(4))
    small = SMALL | {"encoder": encoder, "layer": "embedding"}
    model = PretextTransformer("inpainting", **small).fit(TABLE)
    fixed, trained = model.net_.module_.norms()
    assert fixed.running_mean.tolist() == [0] * 4
    assert trained.running_mean.abs().max() > 0
    assert trained.momentum == 0.1


@pytest.mark.parametrize(
    ("task", "least", "most"),
    [(RelativePosition(), 0.07, 0.04), (Jigsaw(n_permutations=2), 0.2, 0.08)],
)
def test_a_gap_closes_the_shortcut_of_borders(task, least, most):
    """Noise has no content, but smoothed, it goes on over the borders of tiles."""
    noise = np.random.default_rng(0).normal(size=(1800, 18, 18))
    X = gaussian_filter(noise, (0, 1, 1)).astype(np.float32)
    gains = []
    for gap, jitter in ((0, 0), (0.4, 0.2)):
        model = PretextTransformer(
            clone(task).set_params(gap=gap, jitter=jitter),
            channels=(16,),
            max_epochs=8,
            lr=1e-2,
            random_state=0,
        ).fit(X[:1000])
        gains.append(model.score(X[1000:]) - 1 / model.task_.n_classes)
    assert gains[0] > least
    assert gains[1] < most


def test_tiles_do_not_show_a_brightness_that_changes_over_the_image():
    shade = np.linspace(-3, 3, 18)[:, None] + np.linspace(-3, 3, 18)
    plain = shade + 0 * RNG.normal(size=(30, 18, 18))
    x = torch.from_numpy(plain)[:, None].float()
    inputs, _ = ask(RelativePosition(), x)
    tiles = inputs.flatten(0, 1)
    assert (tiles - tiles[0]).abs().max() < 1e-4


@pytest.mark.parametrize("layer", ["stage2", "embedding"])
def test_features_are_better_than_those_of_the_untrained_network(layer):
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.float32) / 16
    labeled, test = np.arange(300, 400), np.arange(1200, 1797)
    gains = []
    for seed in (0, 1):
        found = []
        for n_epochs, lr in ((8, 1e-2), (1, 1e-12)):
            model = PretextTransformer(
                "inpainting",
                n_components=32,
                channels=(16, 32),
                layer=layer,
                pool_size=2,
                image_shape=(8, 8),
                batch_size=64,
                max_epochs=n_epochs,
                lr=lr,
                random_state=seed,
            ).fit(X[:1200])
            classifier = make_pipeline(StandardScaler(), LogisticRegression())
            classifier.fit(model.transform(X[labeled]), y[labeled])
            found.append(classifier.score(model.transform(X[test]), y[test]))
        gains.append(found[0] - found[1])
    assert np.mean(gains) > 0.02


# ---------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "X", "message"),
    [
        ("rotation", TABLE, "pass image_shape if its rows are images"),
        (
            "jigsaw",
            TABLE,
            "are images, or pass encoder=.cnn. if its rows are signals, or",
        ),
        ("colorization", IMAGES, "several channels, but those of X have one"),
        ("rotation", IMAGES[:, :, :8], r"12 x 8; take Rotation\(n_turns=2\)"),
        ("relative_position", IMAGES[:, :4, :4], "into tiles of 1 x 1"),
        ("jigsaw", IMAGES[:, :1, :1], "into tiles of no values"),
        ("nonsense", IMAGES, "'jigsaw'.* or an instance of"),
        (Rotation, IMAGES, "instance of"),
        (Rotation(n_turns=3), IMAGES, "'n_turns' parameter of Rotation must be"),
        (Jigsaw(grid=1), IMAGES, "'grid' parameter of Jigsaw must be"),
        (Inpainting(mask_share=0), IMAGES, "'mask_share' parameter of Inpainting"),
        ("rotation", np.full((5, 4, 4), np.nan), "NaN"),
        ("rotation", IMAGES[:1], "minimum of 2"),
    ],
)
def test_inputs_without_meaning(task, X, message):
    with pytest.raises(ValueError, match=message):
        PretextTransformer(task, **SMALL).fit(X)


def test_signals_cannot_be_turned():
    with pytest.raises(ValueError, match="task for images, but X has signals"):
        PretextTransformer("rotation", encoder="cnn", **SMALL).fit(SIGNALS)


@pytest.mark.parametrize(
    ("X", "task"),
    [(IMAGES, Rotation), (IMAGES[:, :, :8], Inpainting), (TABLE, Inpainting)],
)
def test_the_task_by_default_suits_the_input(X, task):
    assert isinstance(PretextTransformer(**SMALL).fit(X).task_, task)


def test_layers_of_one_size_see_no_tiles():
    with pytest.raises(ValueError, match="take encoder='cnn'"):
        PretextTransformer("jigsaw", encoder="mlp", **SMALL).fit(IMAGES)
    module = nn.Sequential(nn.Flatten(), nn.Linear(144, 4))
    PretextTransformer("rotation", encoder=module, **SMALL).fit(IMAGES)
    with pytest.raises(ValueError, match="encoder cannot take input of shape"):
        PretextTransformer("jigsaw", encoder=module, **SMALL).fit(IMAGES)


def test_nan_in_rows_to_score():
    model, X = fit("inpainting of tables")
    rows = X.copy()
    rows[3, 2] = np.nan
    for method in (model.score, model.predict_task, model.make_task, model.transform):
        with pytest.raises(ValueError, match="NaN"):
            method(rows)


def test_more_orders_than_there_are():
    with pytest.warns(UserWarning, match="more than the 24 orders of 4 tiles"):
        model = PretextTransformer(Jigsaw(n_permutations=25), **SMALL).fit(IMAGES)
    assert len(model.task_.permutations_) == 24


def test_a_batch_of_two():
    for case in CASES:
        model, X = fit(case, batch_size=2, max_epochs=1)
        assert np.isfinite(model.transform(X)).all()
        assert np.isfinite(model.score(X[:2]))


@pytest.mark.parametrize("task", ["rotation", "jigsaw", "inpainting"])
def test_images_of_one_value(task):
    X = np.ones((40, 12, 12), dtype=np.float32)
    with pytest.warns(ConvergenceWarning, match="all rows of X are the same"):
        model = PretextTransformer(task, **SMALL).fit(X)
    assert np.isfinite(model.transform(X)).all()
    assert model.score(X) <= 1


def test_answers_that_cannot_be_found():
    X = np.repeat(RNG.normal(size=(60, 1)), 64, axis=1).reshape(-1, 8, 8)
    with pytest.warns(ConvergenceWarning, match="take an easier task"):
        PretextTransformer(**{**SMALL, "max_epochs": 12}).fit(X)


class Broken(PretextTask):
    """A task that returns what it is given."""

    def __init__(self, made=None, n_classes=2):
        self.made = made
        self.n_classes = n_classes

    def make(self, x):
        return self.made(x)


@pytest.mark.parametrize(
    ("made", "n_classes", "message"),
    [
        (lambda x: x, 2, "makes a Tensor; return two tensors"),
        (lambda x: (x, 1), 2, "makes a tuple of Tensor, int; return two"),
        (lambda x: (x[:, :2], torch.zeros(len(x))), 2, "keep that layout and its 5 c"),
        (lambda x: (x[:-1], torch.zeros(len(x) - 1)), 2, "an answer each"),
        (lambda x: (x, torch.zeros(1).long()), 2, "4 inputs and 1 answers of 4"),
        (lambda x: (x, torch.zeros(len(x))), 2, "return classes as int64"),
        (lambda x: (x, torch.full((len(x),), 2)), 2, "makes the answer 2; classes are"),
        (lambda x: (x, torch.zeros(len(x)).long()), None, "set n_classes if they are"),
        (lambda x: (x, x * torch.nan), None, "all NaN: nothing is asked"),
        (lambda x: (x * torch.inf, x), None, "not all finite floats"),
    ],
)
def test_own_tasks_that_make_nonsense(made, n_classes, message):
    with pytest.raises(ValueError, match=f"^The task Broken .*{message}"):
        PretextTransformer(Broken(made, n_classes), **SMALL).fit(TABLE)


# ---------------------------------------------------------------------------
# scikit-learn's suite for the other kinds of input
# ---------------------------------------------------------------------------


@parametrize_with_checks(
    [
        PretextTransformer(
            "inpainting", encoder="cnn", **{**SMALL, "max_epochs": 3, "lr": 0.01}
        )
    ]
)
def test_scikit_learn_checks_of_signals(estimator, check):
    check(estimator)
