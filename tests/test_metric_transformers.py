"""What metric learning promises beyond the common checks."""

import pickle

import numpy as np
import pytest
import torch
from near import assert_near
from registry import INSTANCES
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from small_networks import split_of
from torch import nn

from sklearn_replearn.metric_learning import (
    MahalanobisTransformer,
    NPairTransformer,
    SiameseTransformer,
    SupConTransformer,
    TripletTransformer,
)
from sklearn_replearn.metrics import mean_average_precision_at_r

NEURAL = [SiameseTransformer, TripletTransformer, NPairTransformer, SupConTransformer]
each_neural = pytest.mark.parametrize("cls", NEURAL)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, test_size=600, random_state=0)


@pytest.fixture(scope="module")
def blobs():
    """Four classes, each about a point of its own."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 4
    return rng.standard_normal((120, 6)) + 4 * np.eye(6)[y], y


class Signs(nn.Linear):
    """Whole numbers in place of embeddings."""

    def __init__(self):
        super().__init__(6, 3)

    def forward(self, x):
        return super().forward(x).sign().long()


def pairs_of(X, y, n_pairs, random_state=0):
    """Pairs of indices, half of them of one class, and whether they are."""
    rng = np.random.default_rng(random_state)
    first = rng.integers(len(X), size=n_pairs)
    second = np.where(
        np.arange(n_pairs) % 2,
        [rng.choice(np.flatnonzero(y == label)) for label in y[first]],
        rng.integers(len(X), size=n_pairs),
    )
    return np.column_stack([first, second]), (y[first] == y[second]).astype(int)


# ---------------------------------------------------------------------------
# What is learned
# ---------------------------------------------------------------------------


@each_neural
def test_classes_lie_together(digits, cls):
    X_train, X_test, y_train, y_test = digits
    model = cls(8, max_epochs=10, random_state=0).fit(X_train, y_train)
    assert (
        model.score(X_test, y_test) > mean_average_precision_at_r(X_test, y_test) + 0.2
    )
    assert model.score(X_test, y_test) == mean_average_precision_at_r(
        model.transform(X_test), y_test
    )
    knn = KNeighborsClassifier(1).fit(model.transform(X_train), y_train)
    assert knn.score(model.transform(X_test), y_test) > 0.93


@each_neural
def test_embeddings_are_on_the_sphere_or_not(blobs, cls):
    X, y = blobs
    for dtype, tolerance in ((np.float32, 1e-6), (np.float64, 1e-12)):
        Z = cls(3, max_epochs=2, random_state=0).fit(X, y).transform(X.astype(dtype))
        np.testing.assert_allclose(np.linalg.norm(Z, axis=1), 1, rtol=tolerance)
    model = cls(3, max_epochs=2, normalize=False, random_state=0).fit(X, y)
    assert np.linalg.norm(model.transform(X), axis=1).std() > 0.01


def test_images_signals_and_rows_choose_the_encoder(digits):
    X, _, y, _ = digits
    X, y = X[:200], y[:200]

    def layers(**parameters):
        model = SupConTransformer(4, max_epochs=1, random_state=0, **parameters)
        images = parameters.get("image_shape") == (8, 8) or "as_images" in parameters
        assert not images or X.shape[1] == 64
        encoder = model.fit(X, y).net_.module_.encoder
        return [type(layer).__name__ for layer in encoder.modules()]

    assert "Conv2d" in layers(image_shape=(8, 8))
    assert "Conv1d" in layers(encoder="cnn")
    assert "Conv2d" not in layers(image_shape=(8, 8), encoder="mlp")
    assert "Conv1d" not in layers()
    images = SupConTransformer(4, max_epochs=1, random_state=0)
    images.fit(X.reshape(-1, 8, 8), y)
    rows = clone(images).set_params(image_shape=(8, 8)).fit(X, y)
    assert_near(images.transform(X.reshape(-1, 8, 8)), rows.transform(X))


@each_neural
def test_own_encoder_is_copied(blobs, cls):
    X, y = blobs
    module = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))
    before = {name: weight.clone() for name, weight in module.state_dict().items()}
    model = cls(3, encoder=module, max_epochs=2, random_state=0).fit(X, y)
    for name, weight in module.state_dict().items():
        assert torch.equal(weight, before[name])
    assert model.transform(X).shape == (120, 3)


def test_labels_may_be_strings(blobs):
    X, y = blobs
    names = np.array(["ash", "birch", "cedar", "oak"])[y]
    model = TripletTransformer(2, max_epochs=2, random_state=0)
    with_names, with_numbers = clone(model).fit(X, names), clone(model).fit(X, y)
    assert_near(with_names.transform(X), with_numbers.transform(X))
    assert with_names.score(X, names) == pytest.approx(with_numbers.score(X, y))
    # Other classes than those of fit are scored like any.
    assert with_names.score(X, np.where(y < 2, "new", "newer")) > 0


def test_a_class_with_one_row_serves_as_others(blobs):
    X, y = blobs
    y = y.copy()
    y[0] = 9
    for cls in NEURAL:
        model = cls(2, max_epochs=3, random_state=0).fit(X, y)
        assert np.isfinite(model.transform(X)).all()


# ---------------------------------------------------------------------------
# Pairs
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [SiameseTransformer, MahalanobisTransformer])
def test_pairs_of_rows_and_of_indices_are_the_same(digits, cls):
    X, X_test, y, y_test = digits
    pairs, is_same = pairs_of(X, y, 600)
    model = cls(4, input="pairs", max_epochs=2, random_state=0)
    by_rows = clone(model).fit(X[pairs], is_same)
    by_signs = clone(model).fit(X[pairs].tolist(), 2 * is_same - 1)
    by_index = clone(model).set_params(preprocessor=X).fit(pairs, is_same)
    Z = by_rows.transform(X_test)
    assert_near(by_signs.transform(X_test), Z)
    if cls is SiameseTransformer:  # the mean is of other rows
        assert by_index.transform(X_test).shape == Z.shape
    with pytest.raises(ValueError, match="embeds rows: call fit"):
        by_rows.fit_transform(X[pairs], is_same)
    other, is_other = pairs_of(X_test, y_test, 300)
    Z_first, Z_second = (Z[other[:, side]] for side in (0, 1))
    distances = np.linalg.norm(Z_first - Z_second, axis=1)
    assert by_rows.score(X_test[other], is_other) == pytest.approx(
        roc_auc_score(is_other, -distances)
    )


def test_pairs_teach_what_classes_teach(digits):
    X, X_test, y, y_test = digits
    pairs, is_same = pairs_of(X, y, 4000)
    model = SiameseTransformer(8, input="pairs", preprocessor=X, random_state=0)
    model.set_params(max_epochs=10).fit(pairs, is_same)
    by_classes = mean_average_precision_at_r(model.transform(X_test), y_test)
    assert by_classes > mean_average_precision_at_r(X_test, y_test) + 0.1


def test_pairs_of_images(digits):
    X, _, y, _ = digits
    pairs, is_same = pairs_of(X, y, 100)
    images = X.reshape(-1, 8, 8)
    model = SiameseTransformer(4, input="pairs", max_epochs=1, random_state=0)
    model.fit(images[pairs], is_same)
    assert model.image_shape_ == (8, 8, 1)
    assert model.transform(images).shape == (len(X), 4)


# ---------------------------------------------------------------------------
# The linear map
# ---------------------------------------------------------------------------


def test_mahalanobis_distances_are_those_of_the_matrix(digits):
    X, X_test, y, _ = digits
    model = MahalanobisTransformer(5, max_epochs=3, random_state=0).fit(X, y)
    Z = model.transform(X_test)
    np.testing.assert_allclose(Z, X_test @ model.components_.T, atol=1e-12)
    M = model.get_mahalanobis_matrix()
    np.testing.assert_allclose(M, model.components_.T @ model.components_)
    assert np.linalg.eigvalsh(M).min() > -1e-10
    metric = pickle.loads(pickle.dumps(model.get_metric()))
    few = X_test[:20]
    by_matrix = pairwise_distances(
        few, metric=lambda u, v: np.sqrt(max((u - v) @ M @ (u - v), 0))
    )
    for distances in (
        pairwise_distances(few, metric=metric),
        pairwise_distances(Z[:20]),
    ):
        np.testing.assert_allclose(distances, by_matrix, atol=1e-6)


def test_mahalanobis_starts_with_principal_components(digits):
    X, _, y, _ = digits
    model = MahalanobisTransformer(5, margin=2.0, lr=1e-9, max_epochs=1, random_state=0)
    X, y = X[:500], y[:500]
    Z = model.fit(X, y).transform(X)
    directions = PCA(5).fit(X).components_
    found = model.components_ / np.linalg.norm(model.components_, axis=1)[:, None]
    np.testing.assert_allclose(np.abs((found * directions).sum(axis=1)), 1, atol=1e-3)
    squared = pairwise_distances(Z) ** 2
    assert squared.mean() ** 0.5 == pytest.approx(2.0, rel=1e-3)


def test_mahalanobis_learns_which_columns_matter():
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    X = np.column_stack(
        [y + 0.3 * rng.standard_normal(300), rng.normal(0, 3, (300, 4))]
    )
    model = MahalanobisTransformer(lr=0.02, random_state=0).fit(X[:200], y[:200])
    before = mean_average_precision_at_r(X[200:], y[200:])
    assert model.score(X[200:], y[200:]) > before + 0.2
    weights = np.diag(model.get_mahalanobis_matrix())
    assert weights[0] > 5 * weights[1:].max()


def test_mahalanobis_has_no_more_components_than_columns(blobs):
    X, y = blobs
    model = MahalanobisTransformer(9, max_epochs=1, random_state=0)
    with pytest.warns(UserWarning, match="n_components=9 is more than the 6"):
        model.fit(X, y)
    assert model.n_components_ == 6
    constant = np.column_stack([X, np.ones((120, 2))])
    model = MahalanobisTransformer(max_epochs=1, random_state=0).fit(constant, y)
    assert np.isfinite(model.components_).all()


# ---------------------------------------------------------------------------
# Health
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cls", [*NEURAL, MahalanobisTransformer], ids=lambda cls: cls.__name__
)
def test_health_curve_has_a_row_an_epoch(blobs, cls):
    X, y = blobs
    model = cls(3, max_epochs=3, warm_start=True, random_state=0).fit(X, y)
    assert len(model.health_curve_) == model.n_iter_ == 3
    for epoch in model.health_curve_:
        assert list(epoch) == ["active_share", "mean_norm", "spread", "effective_rank"]
        assert 0 <= epoch["active_share"] <= 1
        assert 0 < epoch["effective_rank"] <= 3 + 1e-9
    if cls is not MahalanobisTransformer:
        assert model.health_curve_[-1]["mean_norm"] == pytest.approx(1, rel=1e-5)
    assert len(model.fit(X, y).health_curve_) == 6


class OnePlace(nn.Module):
    """Puts all rows at one place."""

    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return 0 * x[:, :3] + self.place


@pytest.mark.parametrize("cls", NEURAL)
def test_a_collapse_is_told_with_a_remedy(cls):
    X, y = np.random.default_rng(0).normal(size=(40, 5)), np.arange(40) % 4
    model = cls(3, encoder=OnePlace(), max_epochs=10, random_state=0)
    with pytest.warns(ConvergenceWarning, match="collapsed") as caught:
        model.fit(X, y)
    assert "lower lr" in str(caught[0].message)


def test_collapse_of_hard_mining_names_the_other_minings(digits):
    """With wrong labels, the hardest positive and negative are the wrong ones."""
    X, _, y, _ = digits
    rng = np.random.default_rng(0)
    y = np.where(rng.uniform(size=len(y)) < 0.4, rng.integers(10, size=len(y)), y)
    model = TripletTransformer(8, mining="hard", max_epochs=10, random_state=0)
    message = "take mining='semihard' or 'all'"
    with pytest.warns(ConvergenceWarning, match=message) as caught:
        model.fit(X, y)
    assert caught[0].filename == __file__
    assert 0.2 < model.loss_curve_[-1] < 0.3
    assert model.health_curve_[-1]["spread"] < 0.2
    model.set_params(mining="semihard").fit(X, y)


def test_two_classes_at_two_points_are_no_collapse(blobs):
    X, y = blobs
    model = SupConTransformer(3, max_epochs=20, random_state=0).fit(X, y % 2)
    assert model.score(X, y % 2) > 0.9


# ---------------------------------------------------------------------------
# Early stopping, bad input
# ---------------------------------------------------------------------------


def test_early_stopping_judges_by_batches_that_stay(digits):
    X, _, y, _ = digits
    model = TripletTransformer(
        8, early_stopping=True, n_iter_no_change=2, max_epochs=30, random_state=0
    ).fit(X, y)
    assert len(model.validation_loss_curve_) == model.n_iter_
    again = clone(model).fit(X, y)
    assert again.validation_loss_curve_ == model.validation_loss_curve_


each = pytest.mark.parametrize(
    "name", ["SiameseTransformer", "TripletTransformer", "MahalanobisTransformer"]
)


@each
def test_bad_classes_are_refused(blobs, name):
    X, y = blobs
    model = clone(INSTANCES[name])
    for labels, message in (
        (None, "requires y to be passed, but the target y is None"),
        (np.zeros(120), "at least two classes to tell apart, but y has 1 class: 0.0"),
        (np.arange(120), "each of the classes in y has one row: 0, 1, 2, 3, 4, ..."),
        ([None, *y[1:]], r"Row 0 of y is missing \(None\)"),
        (np.where(y == 0, np.nan, y), "NaN"),
        (y[1:], "inconsistent numbers of samples"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(X, labels)
    assert not hasattr(model, "net_")


@pytest.mark.parametrize("name", ["SiameseTransformer", "MahalanobisTransformer"])
def test_bad_pairs_are_refused(blobs, name):
    X, y = blobs
    pairs, is_same = pairs_of(X, y, 40)
    model = clone(INSTANCES[name]).set_params(input="pairs")
    with_table = clone(model).set_params(preprocessor=X)
    half = pairs + 0.5
    for estimator, given, labels, message in (
        (model, X, y, r"X has shape \(120, 6\), but pairs have shape"),
        (model, X[pairs][:, :1], is_same, r"X has shape \(40, 1, 6\), but pairs"),
        (model, pairs, is_same, "no table that they point into; pass preprocessor"),
        (model, X[pairs][:0], is_same[:0], "X has no pairs"),
        (model, [[X[0], X[1]], [X[2], X[3][:2]]], [0, 1], "different numbers of rows"),
        (model, X[pairs], None, "for each pair of X it must say"),
        (model, X[pairs], is_same + 1, "y has the labels 1, 2, but pairs are labelled"),
        (model, X[pairs], is_same.astype(str), "y has the labels '0', '1', but pairs"),
        (model, X[pairs], is_same * 0, "y has 1 class: all pairs are different"),
        (model, X[pairs], is_same * 0 + 1, "y has 1 class: all pairs are the same"),
        (model, X[pairs], is_same[1:], "inconsistent numbers of samples"),
        (model, np.where(X[pairs] > 4, np.nan, X[pairs]), is_same, "NaN"),
        (with_table, half, is_same, "holds pairs of indices: whole numbers"),
        (with_table, X[pairs], is_same, "set preprocessor=None for pairs of rows"),
        (with_table, pairs + 100, is_same, "preprocessor has rows 0 to 119"),
    ):
        with pytest.raises(ValueError, match=message):
            estimator.fit(given, labels)


@pytest.mark.parametrize("cls", [SiameseTransformer, MahalanobisTransformer])
def test_pairs_are_not_embedded(blobs, cls):
    X, y = blobs
    pairs, is_same = pairs_of(X, y, 40)
    model = cls(2, input="pairs", max_epochs=1, random_state=0).fit(X[pairs], is_same)
    with pytest.raises(ValueError, match=r"pass X\.reshape\(\(-1, 6\)\)"):
        model.transform(X[pairs])


def test_labels_of_any_container(blobs):
    X, y = blobs
    pairs, is_same = pairs_of(X, y, 40)
    model = SiameseTransformer(2, input="pairs", max_epochs=1, random_state=0)
    expected = clone(model).fit(X[pairs], is_same).transform(X)
    for labels in (is_same.astype(object), is_same.astype(bool), is_same.tolist()):
        found = clone(model).fit(X[pairs], labels).transform(X)
        assert_near(found, expected)
    rows = clone(model).set_params(input="rows")
    for labels, message in (
        (["a"] * 60 + ["b"] * 59 + [np.nan], "Row 119 of y is missing"),
        (["a"] * 60 + [1] * 60, "labels of several types, such as 'a' and 1"),
    ):
        with pytest.raises(ValueError, match=message):
            rows.fit(X, labels)


@pytest.mark.parametrize("cls", [SiameseTransformer, TripletTransformer])
def test_pairs_are_not_taken_for_images(blobs, cls):
    X, y = blobs
    pairs, is_same = pairs_of(X, y, 40)
    with pytest.raises(ValueError, match=r"as pairs have, and y says of each whether"):
        cls(2, max_epochs=1).fit(X[pairs], is_same)
    for labels, message in (
        (None, "requires y to be passed"),
        ([None, *["a"] * 39], "Row 0 of y is missing"),
    ):
        with pytest.raises(ValueError, match=message):
            cls(2, max_epochs=1, kernel_size=1).fit(X[pairs], labels)
    images = cls(2, max_epochs=1, image_shape=(2, 6), kernel_size=1, random_state=0)
    assert images.fit(X[pairs], is_same).image_shape_ == (2, 6, 1)


def test_a_table_for_pairs_is_not_used_for_rows(blobs):
    X, y = blobs
    model = SiameseTransformer(2, preprocessor=X, max_epochs=1, random_state=0)
    with pytest.warns(UserWarning, match="preprocessor is not used") as caught:
        model.fit(X, y)
    assert caught[0].filename == __file__


def test_score_of_pairs_reads_used_rows_alone_and_gives_a_number_with_frames(blobs):
    X, y = blobs
    pairs, is_same = pairs_of(X[:100], y[:100], 60)
    broken = X.copy()
    broken[110] = np.nan
    model = SiameseTransformer(
        2, input="pairs", preprocessor=broken, max_epochs=2, random_state=0
    ).fit(pairs, is_same)
    score = model.score(pairs, is_same)
    assert model.set_output(transform="pandas").score(pairs, is_same) == score


def test_classes_with_one_row_do_not_fill_the_batches(blobs):
    X, _ = blobs
    y = np.arange(120)
    y[:20] = 0
    model = TripletTransformer(3, margin=0.5, max_epochs=5, random_state=0).fit(X, y)
    assert min(model.loss_curve_) > 0.1


@pytest.mark.parametrize(
    "model",
    [
        SiameseTransformer(4, normalize=False, lr=1e30, max_epochs=3),
        TripletTransformer(4, lr=1e30, max_epochs=3),
        SupConTransformer(4, normalize=False, lr=1e12, max_epochs=3),
        MahalanobisTransformer(lr=1e30, max_epochs=3),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_training_that_diverges_says_so(digits, model):
    X, _, y, _ = digits
    with pytest.raises(ValueError, match=r"diverged: .* or lower lr"):
        clone(model).set_params(random_state=0).fit(1600 * X, y)


def test_the_margin_of_a_linear_map_is_its_unit(blobs):
    X, y = blobs
    small, large = (
        MahalanobisTransformer(margin=margin, max_epochs=3, random_state=0).fit(X, y)
        for margin in (1.0, 50.0)
    )
    np.testing.assert_allclose(large.transform(X), 50 * small.transform(X))
    assert large.loss_curve_ == small.loss_curve_


def test_health_does_not_mind_where_the_origin_is(blobs):
    X, y = blobs
    for offset in (0.0, 1e4):
        model = MahalanobisTransformer(max_epochs=2, random_state=0).fit(X + offset, y)
        health = model.health_curve_[-1]
        assert health["effective_rank"] == pytest.approx(5.2, abs=0.6)
        assert health["spread"] == pytest.approx(0.7, abs=0.2)


def test_a_margin_beyond_the_sphere_is_told(blobs):
    X, y = blobs
    for cls in (SiameseTransformer, TripletTransformer):
        with pytest.warns(UserWarning, match="margin=3 cannot be met") as caught:
            cls(2, margin=3, max_epochs=1, random_state=0).fit(X, y)
        assert caught[0].filename == __file__


def test_early_stopping_holds_out_two_rows_of_a_class_at_a_time(blobs):
    X, _ = blobs
    y = np.repeat(np.arange(40), 3)
    model = TripletTransformer(3, early_stopping=True, validation_fraction=0.2)
    train, held_out = split_of(model, X, y)
    counts = np.bincount(y[held_out], minlength=40)
    assert sorted(counts) == [0] * 28 + [2] * 12
    assert np.flatnonzero(counts).max() > 30  # from all over
    assert sorted(torch.cat([train, held_out]).tolist()) == list(range(120))
    model.set_params(max_epochs=2, random_state=0).fit(X, y)
    assert all(loss > 0 for loss in model.validation_loss_curve_)
    model.fit(X, np.arange(120) // 60)
    model.fit(X, np.arange(120) > 117)
    for y in (np.arange(120) > 118, np.repeat([0, 1], 2)):
        with pytest.raises(ValueError, match="needs two rows of one class and a row"):
            model.fit(X[: len(y)], y)


def test_contradictions_are_refused(blobs):
    X, y = blobs
    for parameters, message in (
        ({"encoder": nn.Flatten(), "n_components": 6}, "no weights that could be"),
        ({"batch_size": 4}, "no room for two classes with samples_per_class=4"),
        ({"encoder": nn.Linear(5, 3)}, "encoder cannot take input of shape"),
        ({"encoder": nn.Linear(6, 4)}, r"\(n_rows, 3\) is needed: n_components=3"),
        ({"encoder": nn.LSTM(6, 3)}, "is needed: n_components=3"),
        ({"encoder": Signs()}, r"gives torch\.int64, which has no gradient"),
        ({"encoder": "cnn", "kernel_size": 2}, "kernel_size must be odd"),
        ({"augment": "flip"}, "rows that are no images; pass image_shape"),
        ({"image_shape": (2, 4)}, r"image_shape=\(2, 4\) makes 8"),
    ):
        parameters = {"n_components": 3, "max_epochs": 1, **parameters}
        model = TripletTransformer(random_state=0, **parameters)
        with pytest.raises(ValueError, match=message):
            model.fit(X, y)
        assert not hasattr(model, "net_")


def test_score_needs_two_classes(blobs):
    X, y = blobs
    model = TripletTransformer(3, max_epochs=1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="1 class"):
        model.score(X, np.zeros(120))


@each_neural
def test_rows_that_are_all_the_same_are_named(cls):
    y = np.arange(40) % 2
    with pytest.warns(ConvergenceWarning, match="all rows of X are the same, so"):
        cls(2, max_epochs=2, random_state=0).fit(np.ones((40, 5)), y)
