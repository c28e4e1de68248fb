"""Networks trained without labels, in front of a classifier or fine-tuned with few."""

import pickle

import numpy as np
import pytest
import torch
from near import assert_near
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_replearn.image import CNNFeatureExtractor, PretrainedFeatureExtractor
from sklearn_replearn.self_supervised import (
    InstanceDiscrimination,
    Jigsaw,
    PretextTransformer,
    SimCLR,
    VICReg,
)

SMALL = {
    "n_components": 6,
    "channels": (3, 5),
    "hidden_layer_sizes": (10,),
    "projection_sizes": (8,),
    "max_epochs": 2,
    "random_state": 0,
}
ENCODERS = {
    "SimCLR": SimCLR(**SMALL),
    "VICReg": VICReg(**SMALL),
    "InstanceDiscrimination": InstanceDiscrimination(**SMALL),
    "rotation": PretextTransformer("rotation", **SMALL),
    "jigsaw": PretextTransformer(Jigsaw(gap=0, jitter=0), **SMALL),
    "inpainting": PretextTransformer("inpainting", **SMALL),
}
each = pytest.mark.parametrize("name", ENCODERS)
# Networks are trained for a moment.
pytestmark = pytest.mark.filterwarnings("ignore:.*(collapsed|directions|guess|dead)")

IMAGES, Y = load_digits(return_X_y=True)
IMAGES = (IMAGES.reshape(-1, 8, 8) / 16).astype(np.float32)[:300]
Y = Y[:300]
FEW = np.arange(60)  # the rows that have a label


@pytest.fixture(scope="module")
def fitted():
    """Each encoder, trained on all images."""
    return {name: clone(encoder).fit(IMAGES) for name, encoder in ENCODERS.items()}


def classifier():
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


# ---------------------------------------------------------------------------
# Frozen
# ---------------------------------------------------------------------------


@each
def test_cross_validation_leaves_a_frozen_encoder_as_it_is(name, fitted, monkeypatch):
    encoder = fitted[name]
    features = encoder.transform(IMAGES)
    monkeypatch.setattr(type(encoder), "fit", None)  # a fit would raise
    model = make_pipeline(FrozenEstimator(encoder), *classifier())
    assert clone(model)[0].estimator is encoder
    scores = cross_val_score(model, IMAGES[FEW], Y[FEW], cv=3, error_score="raise")
    expected = cross_val_score(classifier(), features[FEW], Y[FEW], cv=3)
    assert_allclose(scores, expected)
    assert_near(encoder.transform(IMAGES), features)


@pytest.mark.parametrize("name", ["SimCLR"])
def test_frozen_encoders_in_a_parallel_search(name, fitted):
    """Workers get the trained weights, and a grid chooses between encoders."""
    other = ENCODERS["rotation" if name != "rotation" else "SimCLR"]
    encoders = [fitted[name], clone(other).set_params(random_state=1).fit(IMAGES)]
    model = make_pipeline(FrozenEstimator(encoders[0]), *classifier())
    grid = {
        "frozenestimator": [FrozenEstimator(encoder) for encoder in encoders],
        "logisticregression__C": [0.01, 1.0],
    }
    search = GridSearchCV(model, grid, cv=3, n_jobs=2, error_score="raise")
    search.fit(IMAGES[FEW], Y[FEW])
    expected = [
        cross_val_score(
            classifier().set_params(logisticregression__C=C),
            encoder.transform(IMAGES[FEW]),
            Y[FEW],
            cv=3,
        ).mean()
        for encoder in encoders
        for C in (0.01, 1.0)
    ]
    assert_allclose(search.cv_results_["mean_test_score"], expected, atol=0.034)
    chosen = search.best_estimator_[0].estimator
    assert chosen is search.best_params_["frozenestimator"].estimator


@each
def test_names_and_frames_of_frozen_encoders(name, fitted):
    pytest.importorskip("pandas")
    encoder = pickle.loads(pickle.dumps(fitted[name]))
    names = encoder.get_feature_names_out()
    model = make_pipeline(FrozenEstimator(encoder), StandardScaler())
    expected = model.fit(IMAGES).transform(IMAGES)
    assert_array_equal(model.get_feature_names_out(), names)
    frame = clone(model).set_output(transform="pandas").fit(IMAGES).transform(IMAGES)
    assert list(frame.columns) == list(names)
    assert_near(frame.to_numpy(), expected)


def test_a_pipeline_that_is_trained_on_rows_with_and_without_labels():
    """-1 stands for no label, and folds of the labelled rows share the others."""
    y = np.full(len(Y), -1)
    y[FEW] = Y[FEW]
    unlabelled = np.flatnonzero(y == -1)
    model = make_pipeline(
        clone(ENCODERS["SimCLR"]),
        StandardScaler(),
        SelfTrainingClassifier(LogisticRegression(max_iter=1000), max_iter=0),
    )
    folds = list(StratifiedKFold(3).split(FEW, Y[FEW]))
    joined = [(np.r_[unlabelled, FEW[train]], FEW[test]) for train, test in folds]
    scores = cross_val_score(model, IMAGES, y, cv=joined, error_score="raise")
    expected = []
    for (train, test), (with_all, _) in zip(folds, joined, strict=True):
        encoder = clone(ENCODERS["SimCLR"]).fit(IMAGES[with_all])
        scaler = StandardScaler().fit(encoder.transform(IMAGES[with_all]))
        Z = scaler.transform(encoder.transform(IMAGES[FEW]))
        regression = LogisticRegression(max_iter=1000).fit(Z[train], Y[FEW][train])
        expected.append(regression.score(Z[test], Y[FEW][test]))
    assert_allclose(scores, expected, atol=0.051)  # one row of 20


# ---------------------------------------------------------------------------
# Fine-tuned
# ---------------------------------------------------------------------------


def changed_weights(module, tuned):
    """Names of the parameters of a module that fine-tuning has changed."""
    after = dict(tuned.net_.module_.module.named_parameters())
    return {
        name
        for name, weights in module.named_parameters()
        if not torch.equal(weights, after[name])
    }


@each
@pytest.mark.parametrize("layer", [None, "encoder", "encoder.stage2"])
def test_the_module_gives_what_the_encoder_gives(name, fitted, layer):
    module = fitted[name].as_module(layer)
    pooling = "mean" if layer == "encoder.stage2" else None
    features = PretrainedFeatureExtractor(module, pooling=pooling).fit_transform(IMAGES)
    if layer is None:
        assert_near(features, fitted[name].transform(IMAGES))
    elif layer == "encoder":
        of_embedding = clone(fitted[name]).set_params(layer="embedding").fit(IMAGES)
        assert_near(features, of_embedding.transform(IMAGES))
    else:
        assert features.shape == (300, 5)  # maps of the second stage


@pytest.mark.parametrize("name", ["SimCLR", "InstanceDiscrimination", "jigsaw"])
@pytest.mark.parametrize("layer", [None, "encoder", "encoder.stage2"])
def test_what_is_fine_tuned(name, fitted, layer):
    """The head alone, the last layers that the features need, or all of those."""
    module = fitted[name].as_module(layer)
    found = {}
    for part in ("head", "last_block", "all"):
        tuned = PretrainedFeatureExtractor(
            module, fine_tune=part, max_epochs=2, lr=0.01, random_state=0
        ).fit(IMAGES[FEW], Y[FEW])
        found[part] = changed_weights(module, tuned)
        assert tuned.predict(IMAGES).shape == (300,)
    assert found["head"] == set()
    assert found["last_block"] < found["all"]
    last = {
        None: "network.encoder.stage1.",
        "encoder": "network.encoder.",
        "encoder.stage2": "network.encoder.stage2.",
    }[layer]
    assert found["last_block"]
    assert all(weights.startswith(last) for weights in found["last_block"])
    assert not any("projector" in weights for weights in found["all"])


def test_fine_tuning_learns_from_few_labels(fitted):
    model = PretrainedFeatureExtractor(
        fitted["SimCLR"].as_module(), fine_tune="all", lr=0.01, random_state=0
    )
    scores = cross_val_score(model, IMAGES[:150], Y[:150], cv=3)
    assert scores.mean() > 0.6
    model.fit(IMAGES[:150], Y[:150])
    assert model.score(IMAGES[150:], Y[150:]) > 0.6


@pytest.mark.parametrize("name", ["SimCLR", "inpainting"])
def test_bytes_and_fractions(name):
    """An encoder of bytes and one of fractions are fine-tuned with either."""
    as_bytes = np.rint(IMAGES * 255).astype(np.uint8)
    features = []
    for pretraining in (as_bytes, as_bytes / np.float32(255)):
        module = clone(ENCODERS[name]).fit(pretraining).as_module()
        for X in (as_bytes, as_bytes / np.float32(255)):
            features.append(PretrainedFeatureExtractor(module).fit_transform(X))
        assert_near(features[-1], features[-2])
    assert_allclose(features[2], features[0], atol=1e-2 * features[0].max())


@pytest.mark.parametrize("name", ["SimCLR", "rotation"])
def test_images_in_another_unit_than_those_of_the_pretraining(name, fitted):
    """A network would take them for other images, and learn little from them."""
    module = pickle.loads(pickle.dumps(fitted[name].as_module()))
    for fine_tune in ("none", "all"):
        with pytest.raises(ValueError, match="pass X in the unit of fit"):
            PretrainedFeatureExtractor(module, fine_tune=fine_tune).fit(
                255 * IMAGES[FEW], Y[FEW]
            )


def test_the_unit_of_any_estimator_of_images(fitted):
    to_255 = np.rint(255 * IMAGES)
    as_bytes = to_255.astype(np.uint8)
    cnn = CNNFeatureExtractor(
        3, channels=(2,), kernel_size=3, max_epochs=1, random_state=0
    )
    with pytest.raises(ValueError, match="bytes, which stand for"):
        PretrainedFeatureExtractor(cnn.fit(to_255, Y).as_module()).fit(as_bytes)
    with pytest.raises(ValueError, match="fit has seen bytes"):
        PretrainedFeatureExtractor(cnn.fit(as_bytes, Y).as_module()).fit(to_255)
    # With `mean` and `std` the user says what the module is given.
    module = cnn.fit(3 * IMAGES - 1, Y).as_module()
    PretrainedFeatureExtractor(module, mean=1 / 3, std=1 / 3).fit(IMAGES)
    # Signals have no unit that could be told.
    signals = IMAGES.reshape(300, -1)
    of_signals = clone(ENCODERS["SimCLR"]).set_params(encoder="cnn").fit(signals)
    PretrainedFeatureExtractor(of_signals.as_module()).fit(signals * 100)
