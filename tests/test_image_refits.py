"""A fit on images of one form leaves nothing behind for the next on another form."""

from functools import cache

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.preprocessing import StandardScaler
from test_image_units import FORMS, GREY, NETWORK, Y
from test_refit import assert_alike, state
from torch import nn

from sklearn_replearn.autoencoder import VQAutoencoder
from sklearn_replearn.image import (
    HOG,
    BagOfVisualWords,
    CNNFeatureExtractor,
    ConvAutoencoder,
    FilterBank,
    PretrainedFeatureExtractor,
)
from sklearn_replearn.metric_learning import PairClassifier, TripletTransformer
from sklearn_replearn.model_selection import CrossFitTransformer

FRAMES = {
    "colour": np.stack([GREY, GREY**2, 1 - GREY], axis=-1),
    "bytes": FORMS["bytes"],
    "bool": FORMS["bool"],
    "signals": GREY[:, 5],
}
WORDS = {"n_words": 5, "patch_size": 3, "random_state": 0}
LEARNED = {"filters": "kmeans", "n_filters": 4, "patch_size": 3, "random_state": 0}
CASES = [
    (HOG(), {"cell_size": 2, "signed": True}),
    (HOG(), {"cell_size": 20}),  # reduced, with a warning
    (BagOfVisualWords(**WORDS), {"descriptor": "texton", "n_levels": 2}),
    (BagOfVisualWords("patch", **WORDS), {"descriptor": "auto", "weighting": None}),
    (FilterBank(), LEARNED),
    (FilterBank("sobel"), {**LEARNED, "activation": "triangle"}),
    (CNNFeatureExtractor(4, kernel_size=3, **NETWORK), {"layer": "stage1"}),
    (ConvAutoencoder(4, kernel_size=3, **NETWORK), {"early_stopping": True}),
    (
        PretrainedFeatureExtractor(nn.Flatten(), random_state=0),
        {"fine_tune": "head", "max_epochs": 1},
    ),
    (TripletTransformer(2, **NETWORK), {"early_stopping": True, "normalize": False}),
    (PairClassifier(2, input="rows", **NETWORK), {"architecture": "joint"}),
]


@pytest.mark.filterwarnings("ignore::UserWarning")  # of small networks, and few words
@pytest.mark.parametrize("first", FRAMES)
@pytest.mark.parametrize(
    ("estimator", "others"), CASES, ids=lambda value: type(value).__name__
)
def test_another_form_and_other_parameters(estimator, others, first):
    again = clone(estimator).set_params(**others).fit(FRAMES[first], Y)
    for then in FRAMES:
        again.set_params(**estimator.get_params(deep=False)).fit(FRAMES[then], Y)
        fresh = state_of_a_fresh_fit(estimator, then)
        assert_alike(state(again), fresh, type(estimator).__name__)


@cache
def state_of_a_fresh_fit(estimator, form):
    return state(clone(estimator).fit(FRAMES[form], Y))


@pytest.mark.filterwarnings("ignore::UserWarning")  # of small images and networks
@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"n_codes": 8}, {"n_codes": 2}),  # reduced to 4, with a warning
        ({"codebook_size": 8, "early_stopping": True}, {"codebook_size": 4}),
        ({"n_components": 2, "n_codes": 1}, {"n_components": 6, "n_codes": 3}),
    ],
)
def test_codes(first, then):
    X = GREY.reshape(40, -1)
    parameters = {"n_components": 4, "n_codes": 4, "max_epochs": 2, "random_state": 0}
    parameters |= {"codebook_size": 4, "hidden_layer_sizes": (8,)}
    again = VQAutoencoder(**{**parameters, **first}).fit(X)
    again.set_params(**{**parameters, "early_stopping": False, **then}).fit(X)
    fresh = VQAutoencoder(**{**parameters, **then}).fit(X)
    assert_alike(state(again), state(fresh), "VQAutoencoder")


@pytest.mark.filterwarnings("ignore:The embeddings of")  # with align=None
def test_cross_fitted():
    X, y = GREY[:, 5], np.arange(40) % 3
    again = CrossFitTransformer(LinearDiscriminantAnalysis(), align=None)
    again.fit_transform(X, y)
    again.set_params(transformer=StandardScaler(), align="auto", cv=3)
    found = again.fit_transform(X, y)
    fresh = clone(again)
    np.testing.assert_array_equal(found, fresh.fit_transform(X, y))
    assert_alike(state(again), state(fresh), "CrossFitTransformer")
