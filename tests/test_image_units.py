"""Images in another unit than those of `fit` are refused by all that take images."""

import warnings
from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import gaussian_filter
from sklearn.base import clone
from torch import nn

from sklearn_replearn._image_units import find_unit, join_units, refuse_other_unit
from sklearn_replearn.image import (
    HOG,
    BagOfVisualWords,
    CNNFeatureExtractor,
    ConvAutoencoder,
    FilterBank,
    PretrainedFeatureExtractor,
)
from sklearn_replearn.metric_learning import (
    NPairTransformer,
    PairClassifier,
    PairVerifier,
    PrototypeClassifier,
    SiameseTransformer,
    SupConTransformer,
    TripletTransformer,
)
from sklearn_replearn.self_supervised import (
    InstanceDiscrimination,
    PretextTransformer,
    SimCLR,
    VICReg,
)

NETWORK = {"max_epochs": 1, "channels": (2,), "random_state": 0}
Y = np.arange(40) % 2

ESTIMATORS = {
    "HOG": HOG(),
    "FilterBank": FilterBank(),
    "BagOfVisualWords": BagOfVisualWords("patch", n_words=5, random_state=0),
    "SIFT": BagOfVisualWords(n_words=5, random_state=0),
    "CNNFeatureExtractor": CNNFeatureExtractor(4, kernel_size=3, **NETWORK),
    "ConvAutoencoder": ConvAutoencoder(4, kernel_size=3, **NETWORK),
    "PretrainedFeatureExtractor": PretrainedFeatureExtractor(nn.Flatten()),
    "SiameseTransformer": SiameseTransformer(2, **NETWORK),
    "TripletTransformer": TripletTransformer(2, **NETWORK),
    "NPairTransformer": NPairTransformer(2, **NETWORK),
    "InstanceDiscrimination": InstanceDiscrimination(2, **NETWORK),
    "PretextTransformer": PretextTransformer("rotation", 2, **NETWORK),
    "SimCLR": SimCLR(2, **NETWORK),
    "VICReg": VICReg(2, **NETWORK),
    "SupConTransformer": SupConTransformer(2, **NETWORK),
    "PrototypeClassifier": PrototypeClassifier(HOG()),
    "PairClassifier": PairClassifier(2, **NETWORK),
    "PairVerifier": PairVerifier(SiameseTransformer(2, input="pairs", **NETWORK)),
}
OF_PAIRS = (PairClassifier, PairVerifier)

each = pytest.mark.parametrize("name", ESTIMATORS)
# Networks are trained for a moment, and images are few.
quiet = pytest.mark.filterwarnings(
    "ignore:.*(diverged|collapsed|dead|guess|0 and 1 only|n_words|threshold|held out)"
)


def grey():
    """Images with values from 0 to 1, all of which have both."""
    X = np.random.default_rng(0).random((40, 16, 16))
    X = gaussian_filter(X, (0, 1.5, 1.5))
    X -= X.min(axis=(1, 2), keepdims=True)
    return X / X.max(axis=(1, 2), keepdims=True)


GREY = grey()
FORMS = {
    "bytes": np.rint(255 * GREY).astype(np.uint8),
    "fractions": GREY,
    "single": GREY.astype(np.float32),
    "to 255": np.rint(255 * GREY),
    "int64": np.rint(255 * GREY).astype(np.int64),
    "uint16": np.rint(65535 * GREY).astype(np.uint16),
    "bool": GREY > 0.5,
    "bytes of 0 and 1": (GREY > 0.5).astype(np.uint8),
    "ints of 0 and 1": (GREY > 0.5).astype(np.int64),
    "-1 to 1": 2 * GREY - 1,
}
IN_ONE = ["fractions", "single", "bool", "ints of 0 and 1"]
LARGE = ["to 255", "int64", "uint16"]


@cache
def fit(name, form):
    """A fitted estimator, which tests share and do not change."""
    estimator, X = clone(ESTIMATORS[name]), FORMS[form]
    if isinstance(estimator, OF_PAIRS):
        # The sixteen pairs have no image in common.
        return estimator.fit(X[:32].reshape(16, 2, *X.shape[1:]), Y[:16])
    return estimator.fit(X, Y)


def ask(fitted, X):
    if isinstance(fitted, OF_PAIRS):
        return fitted.decision_function(np.stack([X, X], axis=1))
    return getattr(fitted, "transform", getattr(fitted, "predict_proba", None))(X)


@quiet
@each
@pytest.mark.parametrize(
    ("fitted_on", "asked", "message"),
    [
        (
            "bool",
            "bytes of 0 and 1",
            r"bytes \(uint8\) of 0 and 1 .*astype\(bool\), or",
        ),
        (
            "fractions",
            "bytes of 0 and 1",
            "of 0 and 1 only, which stand for 0 and 1/255",
        ),
        (
            "fractions",
            "to 255",
            "values up to 255, but fit has seen none above 1; .*/ 255",
        ),
        (
            "single",
            "uint16",
            "values up to 65535, but fit has seen none above 1; .*65535",
        ),
        (
            "bytes",
            "int64",
            "up to 255, but fit has seen bytes, which stand for .*uint8",
        ),
        ("bytes", "uint16", "up to 65535, but fit has seen bytes, .* pass X / 65535"),
        ("bytes", "-1 to 1", r"from -1 to 1, but fit has seen bytes.*\(X \+ 1\) / 2"),
    ],
)
def test_other_units_are_refused(name, fitted_on, asked, message):
    fitted = fit(name, fitted_on)
    if name == "SIFT" and asked in ("to 255", "int64", "uint16", "-1 to 1"):
        message = "|".join([message, "tells contrast by values in"])
    with pytest.raises(ValueError, match=message):
        ask(fitted, FORMS[asked])


@quiet
@pytest.mark.parametrize("name", [n for n in ESTIMATORS if n != "SIFT"])
@pytest.mark.parametrize(
    ("fitted_on", "asked", "message"),
    [
        (
            "to 255",
            "fractions",
            "up to 1, but each image of fit has .*255 or more.*255 ",
        ),
        ("int64", "bytes", "X has bytes, which stand for .* has seen values up to 255"),
        (
            "uint16",
            "single",
            "each image of fit has values of 65535 or more; .* 65535 ",
        ),
        ("int64", "bool", "each image of fit has values of 255 or more; .* 255 "),
        (
            "-1 to 1",
            "fractions",
            "from 0 to 1, but each image of fit has negative ones",
        ),
        ("-1 to 1", "bytes", "fit has seen values from -1 to 1; pass X in the unit"),
        ("bytes of 0 and 1", "bool", r"fit has seen bytes of 0 and 1 .*astype\(bool\)"),
        ("bytes of 0 and 1", "bytes", "up to 255, but fit has seen bytes of 0 and 1"),
    ],
)
def test_the_other_way_round(name, fitted_on, asked, message):
    fitted = fit(name, fitted_on)
    with pytest.raises(ValueError, match=message):
        ask(fitted, FORMS[asked])


@quiet
@each
@pytest.mark.parametrize("fitted_on", ["bytes", *IN_ONE])
def test_what_stands_for_the_same_is_taken(name, fitted_on):
    fitted = fit(name, fitted_on)
    for asked in ("bytes", "fractions", "single", "bool"):
        ask(fitted, FORMS[asked])
    assert_allclose(
        ask(fitted, FORMS["bytes"]), ask(fitted, FORMS["bytes"] / 255), atol=1e-4
    )


@pytest.mark.parametrize("fitted_on", FORMS)
def test_dark_images_are_in_no_other_unit(fitted_on):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = HOG().fit(FORMS[fitted_on])
    X = FORMS[fitted_on]
    dark = np.zeros((1, 16, 16), X.dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if fitted_on != "-1 to 1":
            assert_array_equal(fitted.transform(dark), 0)
        if fitted_on in ("bytes", "bytes of 0 and 1"):
            dark[0, 3, 4] = 1
            fitted.transform(dark)
        if fitted_on in ("fractions", "single"):
            fitted.transform(X[:1] / 100)
    if fitted_on in LARGE:  # 1 in place of 255: dark, or images of 0 and 1
        dark[0, 3, 4] = 1
        with pytest.warns(UserWarning, match="if X has another unit, pass it in that"):
            fitted.transform(dark)


def test_masks_as_integers_beside_bytes():
    fitted = HOG().fit(FORMS["bytes"])
    with pytest.raises(
        ValueError, match=r"integers of type int64.*astype\(bool\) if 1"
    ):
        fitted.transform(FORMS["ints of 0 and 1"])


def test_a_few_outliers_are_in_no_other_unit():
    """Scaled column by column, test images have values far above those of training."""
    X = GREY.copy()
    X[:, 3, 4] = 40
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        HOG().fit(GREY).transform(X)
        HOG().fit(GREY).transform(
            GREY + np.random.default_rng(0).normal(0, 0.1, GREY.shape)
        )


def test_bytes_of_0_and_1_are_warned_of():
    with pytest.warns(UserWarning, match=r"which stand for 0 and 1/255; pass X\.asty"):
        HOG().fit(FORMS["bytes of 0 and 1"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        HOG().fit(FORMS["bool"])
        HOG().fit(np.zeros((3, 16, 16), np.uint8))


@pytest.mark.parametrize(
    "estimator",
    [
        HOG(),
        FilterBank(),
        BagOfVisualWords(n_words=5, random_state=0),
        ConvAutoencoder(4, **NETWORK),
        TripletTransformer(2, **NETWORK),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_tables_and_signals_have_no_unit(estimator):
    """Numbers are taken as they are, whatever their type."""
    table = np.random.default_rng(0).integers(0, 200, (40, 12))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = clone(estimator).fit(table / 200, Y)
        for other in (table, table.astype(np.uint8), table % 2 == 1, table / 100 - 1):
            fitted.transform(other)
        fitted = clone(estimator).fit(table.astype(np.uint8), Y)
        expected = fitted.transform(table.astype(np.uint8))
        scale = abs(expected).max()
        for other in (np.float64, np.int64, np.uint16):
            found = fitted.transform(table.astype(other))
            assert_allclose(found, expected, atol=1e-5 * scale)
        ones = (table % 2).astype(np.uint8)
        assert_allclose(
            fitted.transform(ones), fitted.transform(ones == 1), atol=1e-5 * scale
        )


def test_a_network_that_goes_on_keeps_its_unit():
    cnn = clone(ESTIMATORS["CNNFeatureExtractor"]).set_params(warm_start=True)
    cnn.fit(FORMS["bytes"], Y).fit(FORMS["fractions"], Y)
    with pytest.raises(ValueError, match="pass bytes as uint8, or X / 255"):
        cnn.fit(FORMS["to 255"], Y)
    cnn.set_params(warm_start=False).fit(FORMS["to 255"], Y)
    with pytest.raises(ValueError, match="which stand for"):
        cnn.transform(FORMS["bytes"])


def test_validation_data_have_the_unit_of_the_others():
    cnn = clone(ESTIMATORS["CNNFeatureExtractor"]).set_params(early_stopping=True)
    with pytest.raises(ValueError, match="fit has seen bytes"):
        cnn.fit(FORMS["bytes"], Y, X_val=FORMS["to 255"], y_val=Y)


def test_tables_of_a_preprocessor():
    pairs = np.arange(40).reshape(-1, 2)
    given = {"preprocessor": FORMS["fractions"], **NETWORK}
    classifier = PairClassifier(2, **given).fit(pairs, Y[:20])
    classifier.set_params(preprocessor=FORMS["bytes"]).predict(pairs)
    for form in ("to 255", "bytes of 0 and 1"):
        classifier.set_params(preprocessor=FORMS[form])
        with pytest.raises(ValueError, match="fit has seen"):
            classifier.predict(pairs)


def test_units_of_several_fits():
    units = [find_unit(form.reshape(40, -1)) for form in (GREY * 9, GREY + 1)]
    expected = find_unit(np.concatenate([GREY * 9, GREY + 1]).reshape(80, -1))
    assert join_units(*units) == expected
    dark = find_unit(np.zeros((2, 4)))
    assert join_units(dark, units[0]) == find_unit(
        np.concatenate([np.zeros((1, 256)), 9 * GREY.reshape(40, -1)])
    )
    binary = [find_unit(np.array([[0, high]], np.uint8)) for high in (1, 255)]
    assert join_units(*binary) == binary[1]


def test_only_a_unit_is_told_of_and_no_missing_value():
    unit = find_unit(GREY.reshape(40, -1))
    for value in (np.nan, np.inf, -np.inf):
        refuse_other_unit(np.full((2, 256), value), unit)
