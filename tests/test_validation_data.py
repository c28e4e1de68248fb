"""Validation data that the user gives: `fit(X, y, X_val=..., y_val=...)`."""

import inspect

import numpy as np
import pytest
import skorch
from registry import INSTANCES
from sklearn import config_context
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from sklearn_replearn.autoencoder import (
    Autoencoder,
    DenoisingAutoencoder,
    VariationalAutoencoder,
)
from sklearn_replearn.image import CNNFeatureExtractor, ConvAutoencoder
from sklearn_replearn.metric_learning import (
    MahalanobisTransformer,
    PairClassifier,
    SiameseTransformer,
    SupConTransformer,
)
from sklearn_replearn.utils.discovery import all_estimators

STOPS_EARLY = [
    name
    for name, cls in all_estimators()
    if "early_stopping" in inspect.signature(cls).parameters
    and not get_tags(INSTANCES[name]).input_tags.string  # texts have tests of their own
]
OTHERS = {
    "PairClassifier": {"input": "rows"},
    "PretrainedFeatureExtractor": {"fine_tune": "all"},
}
LEARN_CLASSES = ("CNNFeatureExtractor", "PretrainedFeatureExtractor")

#: Those whose validation draws no random numbers: no noise, no batches of classes.
DRAW_NOTHING = (*LEARN_CLASSES, "Autoencoder", "ConvAutoencoder")
PAIRED = ("MahalanobisTransformer", "PairClassifier", "SiameseTransformer")

RNG = np.random.default_rng(0)
X, X_VAL = RNG.standard_normal((60, 8)), RNG.standard_normal((23, 8))
Y, Y_VAL = np.arange(60) % 3, np.arange(23) % 3
PAIRS, PAIRS_VAL = (RNG.standard_normal((n, 2, 8)) for n in (40, 14))
SAME, SAME_VAL = np.arange(40) % 2, np.arange(14) % 2

each = pytest.mark.parametrize("name", STOPS_EARLY)


def estimator(name, **parameters):
    parameters = {"max_epochs": 4, "random_state": 0, **parameters}
    return clone(INSTANCES[name]).set_params(**{**OTHERS.get(name, {}), **parameters})


class Rows(skorch.callbacks.Callback):
    """How many rows a pass over the data has, and over the validation data."""

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self.n_rows = len(dataset_train), len(dataset_valid)


def test_there_are_many():
    assert len(STOPS_EARLY) >= 14


@each
def test_all_rows_are_trained_with(name):
    for early_stopping in (True, False):
        model = estimator(name, callbacks=[Rows()], early_stopping=early_stopping)
        model.set_params(n_iter_no_change=4).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
        assert model.net_.callbacks_[0][1].n_rows == (60, 23)
        assert len(model.validation_loss_curve_) == model.n_iter_ == 4
    by_position = estimator(name).fit(X, Y, X_VAL, Y_VAL)
    assert by_position.validation_loss_curve_ == model.validation_loss_curve_


@each
def test_without_early_stopping_it_is_only_recorded(name):
    recorded = estimator(name).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    plain = estimator(name).fit(X, Y)
    assert plain.validation_loss_curve_ is None
    if name in DRAW_NOTHING:
        np.testing.assert_allclose(recorded.loss_curve_, plain.loss_curve_)
    assert len(recorded.loss_curve_) == 4


@each
def test_validation_fraction_has_no_influence(name):
    curves = [
        estimator(name, early_stopping=True, validation_fraction=fraction)
        .fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
        .loss_curve_
        for fraction in (0.1, 0.9)
    ]
    assert curves[0] == curves[1]


def test_the_loss_is_that_of_the_rows_given():
    model = estimator("Autoencoder").fit(X, X_val=X_VAL)
    loss = -model.score_samples(X_VAL).mean()
    assert model.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-5)
    model = estimator("CNNFeatureExtractor").fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    loss = log_loss(Y_VAL, model.predict_proba(X_VAL))
    assert model.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-5)
    model = estimator("PairClassifier", input="pairs")
    model.fit(PAIRS, SAME, X_val=PAIRS_VAL, y_val=2 * SAME_VAL - 1)
    loss = log_loss(SAME_VAL, model.predict_proba(PAIRS_VAL)[:, 1])
    assert model.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-5)


def test_the_best_weights_on_it_are_kept():
    model = Autoencoder(
        3,
        hidden_layer_sizes=(64,),
        early_stopping=True,
        n_iter_no_change=3,
        max_epochs=300,
        lr=0.05,
        lr_schedule="constant",
        random_state=0,
    ).fit(X, X_val=X_VAL)
    curve = model.validation_loss_curve_
    assert len(curve) == int(np.argmin(curve)) + 4 < 300
    loss = -model.score_samples(X_VAL).mean()
    assert loss == pytest.approx(min(curve), rel=1e-5)


@pytest.mark.parametrize("name", PAIRED)
@pytest.mark.parametrize("early_stopping", [True, False])
def test_pairs(name, early_stopping):
    model = estimator(name, input="pairs", early_stopping=early_stopping)
    model.fit(PAIRS, SAME, X_val=PAIRS_VAL, y_val=SAME_VAL)
    by_value = model.validation_loss_curve_
    rows = np.concatenate([PAIRS.reshape(-1, 8), PAIRS_VAL.reshape(-1, 8)])
    index = np.arange(len(rows)).reshape(-1, 2)
    model.set_params(preprocessor=rows)
    model.fit(index[:40], SAME, X_val=index[40:], y_val=SAME_VAL)
    np.testing.assert_allclose(model.validation_loss_curve_, by_value, rtol=1e-4)
    of_one_kind = SAME_VAL == 1
    model.fit(index[:40], SAME, X_val=index[40:][of_one_kind], y_val=np.ones(7))
    with pytest.raises(ValueError, match="pairs are labelled 1"):
        model.fit(index[:40], SAME, X_val=index[40:], y_val=SAME_VAL + 1)
    with pytest.raises(ValueError, match=r"Validation data .*Pair 0 of X is \[0, 99"):
        model.fit(index[:40], SAME, X_val=[[0, 999]], y_val=[1])


def test_images_in_any_form():
    images = RNG.integers(0, 256, (40, 6, 6)).astype(np.uint8)
    y = np.arange(40) % 2
    for model, labels in (
        (ConvAutoencoder(2, channels=(4,), max_epochs=2, random_state=0), {}),
        (CNNFeatureExtractor(2, channels=(4,), max_epochs=2, random_state=0), {"y": y}),
    ):
        y_val = {"y_val": y[:10]} if labels else {}
        curves = [
            clone(model).fit(images, X_val=form, **labels, **y_val)
            for form in (images[:10], images[:10, :, :, None], images[:10] / 255)
        ]
        curves = [fitted.validation_loss_curve_ for fitted in curves]
        np.testing.assert_allclose(curves[1], curves[0], rtol=1e-5)
        np.testing.assert_allclose(curves[2], curves[0], rtol=1e-4)
        with pytest.raises(ValueError, match=r"Validation data .*images of shape"):
            clone(model).fit(images, X_val=images[:, :5], **labels, y_val=y)


def test_metric_learners_take_other_classes():
    for model in (
        SupConTransformer(3, max_epochs=2),
        SiameseTransformer(3, max_epochs=2),
        MahalanobisTransformer(max_epochs=2),
        PairClassifier(3, input="rows", max_epochs=2),
    ):
        model.fit(X, Y, X_val=X_VAL, y_val=np.array(["u", "v", "w"])[Y_VAL])
        assert np.isfinite(model.validation_loss_curve_).all()


# ---------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------


@each
def test_it_is_validated_like_X(name):
    model = estimator(name).fit(X, Y)
    before = vars(model).copy()
    for bad, message in (
        (X_VAL[:, :5], "Validation data .*: X has 5 features"),
        (np.where(X_VAL > 2, np.nan, X_VAL), "Validation data .*: Input X contains N"),
        (np.where(X_VAL > 2, np.inf, X_VAL), "Validation data .*: Input X contains i"),
        (X_VAL[0], "Validation data .*: Expected 2D array"),
        (X_VAL[:0], "Validation data .*: Found array with 0 sample"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(X, Y, X_val=bad, y_val=Y_VAL[: len(bad)])
    with pytest.raises(ValueError, match="y_val is given without X_val; pass both"):
        model.fit(X, Y, y_val=Y_VAL)
    assert vars(model) == before


@pytest.mark.parametrize(
    "cls", [Autoencoder, DenoisingAutoencoder, VariationalAutoencoder, ConvAutoencoder]
)
def test_probabilities_are_in_their_range(cls):
    rows = np.random.default_rng(0).random((40, 16))
    model = cls(2, loss="binary_cross_entropy", max_epochs=1, random_state=0)
    with pytest.raises(ValueError, match=r"Validation data .*binary_cross.* to "):
        model.fit(rows, X_val=3 * rows)
    model.set_params(warm_start=True).fit(rows)
    with pytest.raises(ValueError, match=r"^loss='binary_cross.*values from -"):
        model.fit(rows - 0.5)


@pytest.mark.parametrize("name", [*LEARN_CLASSES, "SupConTransformer", *PAIRED])
def test_labels_are_needed(name):
    with pytest.raises(ValueError, match="X_val is given without y_val; pass the labe"):
        estimator(name).fit(X, Y, X_val=X_VAL)


@pytest.mark.parametrize("name", LEARN_CLASSES)
def test_classes_are_those_of_y(name):
    for y, y_val, message in (
        (Y, Y_VAL + 1, r"y_val has the class 3, which y does not have \(0, 1, 2\)"),
        (Y, Y_VAL.astype(str), "y_val has the class '0', which y does not have"),
        (Y, np.where(Y_VAL == 0, np.nan, Y_VAL), "Input y_val contains NaN"),
        (Y, Y_VAL[:5], r"inconsistent numbers of samples: \[23, 5\]"),
    ):
        with pytest.raises(ValueError, match=message):
            estimator(name).fit(X, y, X_val=X_VAL, y_val=y_val)
    fitted = estimator(name).fit(X, Y, X_val=X_VAL, y_val=np.zeros(23))
    assert np.isfinite(fitted.validation_loss_curve_).all()


@pytest.mark.parametrize("name", ["TripletTransformer", "SupConTransformer"])
def test_rows_that_cannot_be_compared_are_refused(name):
    for y_val, message in (
        (np.zeros(23), "Validation data .*1 class"),
        (np.arange(23), "Validation data .*two rows of one class at least"),
    ):
        with pytest.raises(ValueError, match=message):
            estimator(name).fit(X, Y, X_val=X_VAL, y_val=y_val)


def test_names_of_columns_are_checked():
    pd = pytest.importorskip("pandas")
    frames = [pd.DataFrame(data, columns=list("abcdefgh")) for data in (X, X_VAL)]
    estimator("Autoencoder").fit(frames[0], X_val=frames[1])
    with pytest.raises(ValueError, match=r"Validation data .*names should match"):
        estimator("Autoencoder").fit(frames[0], X_val=frames[1][list("hgfedcba")])


# ---------------------------------------------------------------------------
# Metadata routing
# ---------------------------------------------------------------------------


def requesting(name, **parameters):
    return estimator(name, **parameters).set_fit_request(X_val=True, y_val=True)


def curve(model):
    return model.validation_loss_curve_


def test_a_pipeline_transforms_it():
    scaler = StandardScaler().fit(X)
    direct = estimator("CNNFeatureExtractor").fit(
        scaler.transform(X), Y, X_val=scaler.transform(X_VAL), y_val=Y_VAL
    )
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            StandardScaler(),
            requesting("CNNFeatureExtractor"),
            transform_input=["X_val"],
        ).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    np.testing.assert_allclose(curve(pipeline[-1]), curve(direct), rtol=1e-5)


@pytest.mark.parametrize("name", ["Autoencoder", "SiameseTransformer"])
def test_fit_transform_passes_it_on(name):
    direct = estimator(name).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    model = estimator(name)
    Z = model.fit_transform(X, Y, X_val=X_VAL, y_val=Y_VAL)
    assert curve(model) == curve(direct)
    np.testing.assert_allclose(Z, direct.transform(X))
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), requesting(name))
        pipeline.fit_transform(X, Y, X_val=X_VAL, y_val=Y_VAL)
    assert len(curve(pipeline[-1])) == 4


def test_a_grid_search_passes_it_to_each_fit():
    grid = {"n_components": [2, 3]}
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(requesting("Autoencoder"), grid, cv=2)
        search.fit(X, X_val=X_VAL, y_val=None)
    direct = clone(search.best_estimator_).fit(X, X_val=X_VAL)
    np.testing.assert_allclose(curve(search.best_estimator_), curve(direct))
