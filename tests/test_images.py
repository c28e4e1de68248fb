"""The forms of images, and what is said where X has none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from test_image_units import ESTIMATORS, GREY, OF_PAIRS, Y

from sklearn_replearn.image import HOG, CNNFeatureExtractor
from sklearn_replearn.metric_learning import PairClassifier, SiameseTransformer


class Picture:
    """Somebody's class of images, which numpy cannot read."""

    size = (16, 16)


def objects(*items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


A, B = GREY[0], GREY[1]
NO_IMAGES = {
    "sizes": ([A, B[:, :15]], r"X\[0\] has shape \(16, 16\), but X\[1\] .*\(16, 15\)"),
    "channels": (
        [A, B, np.stack([A] * 3, axis=-1)],
        r"X\[2\] has shape \(16, 16, 3\); images of one X must have one shape: resize",
    ),
    "lists of numbers": (
        [A.tolist(), B[:9].tolist()],
        r"X\[1\] has shape \(9, 16\); images",
    ),
    "signals": ([A[0], B[0, :9]], r"X\[1\] has shape \(9,\); signals of one X must"),
    "objects": (objects(A, B), r"each an array of shape \(16, 16\); pass np\.stack"),
    "objects of sizes": (objects(A, B[:9]), r"X\[1\] has shape \(9, 16\)"),
    "names": (
        ["a.png", "b.png"],
        r"X\[0\] is the path 'a\.png', .*files first",
    ),
    "paths": ([Path("a.png"), Path("b.png")], r"X\[0\] is the path 'a\.png'"),
    "an array of names": (np.array(["a.png", "b.png"]), r"X\[0\] is the path 'a\.png'"),
    "a column": (pd.Series(["a.png", "b.png"]), r"X\[0\] is the path 'a\.png'"),
    "a frame": (pd.DataFrame({"file": ["a.png", "b.png"]}), "is the path 'a"),
    "one name": ("a.png", "X is the path 'a.png', .*; read the file, and pass a list"),
    "one path": (Path("a.png"), "X is the path 'a.png'"),
    "files": ([b"\x89PNG", b"\x89PNG"], r"X\[0\] is bytes, as files have"),
    "pictures": (
        [Picture(), Picture()],
        r"of type Picture, .* np\.asarray\(im",
    ),
    "missing": ([A, None], r"X\[1\] is of type NoneType"),
    "a dict": ({"images": A}, "X is a dict, but images are an array"),
}


#: By name; PrototypeClassifier counts the rows, which these have none of, by itself.
CASES = [
    (name, form)
    for name in ESTIMATORS
    for form in NO_IMAGES
    if name != "PairVerifier"
    and not (
        name == "PrototypeClassifier" and form in ("one name", "one path", "a dict")
    )
]


@pytest.mark.parametrize(("name", "form"), CASES)
def test_what_is_no_image(name, form):
    X, message = NO_IMAGES[form]
    estimator = clone(ESTIMATORS[name])
    if isinstance(estimator, PairClassifier):
        estimator.set_params(input="rows")
    n_samples = 3 if form == "channels" else 2
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, np.arange(n_samples) % 2)


@pytest.mark.parametrize("form", ["sizes", "names", "paths", "objects", "missing"])
def test_after_the_fit(form):
    X, message = NO_IMAGES[form]
    with pytest.raises(ValueError, match=message):
        HOG().fit(GREY).transform(X)
    model = make_pipeline(HOG(), LinearSVC()).fit(GREY, Y)
    with pytest.raises(ValueError, match=message):
        model.predict(X)


def test_a_generator():
    with pytest.raises(ValueError, match=r"X is a generator, .*; pass list\(X\)"):
        HOG().fit(image for image in GREY)


def test_pictures_of_pillow_are_images():
    X = np.rint(255 * GREY).astype(np.uint8)
    pictures = [Image.fromarray(image) for image in X]
    assert_array_equal(HOG().fit_transform(pictures), HOG().fit_transform(X))
    pictures[3] = pictures[3].resize((9, 5))
    with pytest.raises(ValueError, match=r"but X\[3\] has shape \(5, 9\)"):
        HOG().fit(pictures)


@pytest.mark.parametrize(
    "estimator", [SiameseTransformer(input="pairs"), PairClassifier()]
)
def test_pairs_and_tables_of_pairs(estimator):
    pairs, y = np.arange(4).reshape(2, 2), [0, 1]
    with pytest.raises(ValueError, match=r"X\[0\] is the path 'a'"):
        estimator.fit([("a", "b"), ("c", "d")], y)
    with pytest.raises(ValueError, match="or its images several shapes"):
        estimator.fit([(A, A), (A, B[:9])], y)
    for table, message in (
        ([A, A, B, B[:9]], r"X\[3\] has shape \(9, 16\)"),
        ([Path("a")] * 4, r"X\[0\] is the path 'a'"),
    ):
        with pytest.raises(ValueError, match=message):
            clone(estimator).set_params(preprocessor=table).fit(pairs, y)


# ---------------------------------------------------------------------------
# A single image, and channels first
# ---------------------------------------------------------------------------

COLOR = np.stack([GREY, GREY**2, 1 - GREY], axis=-1)


@pytest.mark.parametrize(
    "images", [GREY, COLOR, COLOR[:, :, :8]], ids=["grey", "color", "narrow"]
)
def test_a_single_image(images):
    rows = images.reshape(len(images), -1)
    message = r"as a single image has .*; pass X\[np\.newaxis\] for one image"
    for fitted in (HOG().fit(images), HOG(image_shape=images.shape[1:]).fit(rows)):
        assert fitted.transform(images[:1]).shape[0] == 1
        with pytest.raises(ValueError, match=message):
            fitted.transform(images[0])
    with pytest.raises(ValueError, match=message):
        HOG(image_shape=images.shape[1:]).fit(images[0])
    cnn = CNNFeatureExtractor(2, channels=(2,), kernel_size=3, max_epochs=1)
    with pytest.raises(ValueError, match=message):
        cnn.fit(images, Y).predict_proba(images[0])


def test_one_image_with_channels_may_be_meant():
    with pytest.warns(UserWarning, match=r"16 images of 16 x 3 pixels; .*X\[np\.newax"):
        HOG(cell_size=1).fit(COLOR[0])
    HOG(cell_size=1, image_shape=(16, 3)).fit(COLOR[0])


@pytest.mark.parametrize("images", [COLOR, COLOR[:, :, :8]], ids=["square", "narrow"])
def test_channels_first(images):
    first = np.moveaxis(images, -1, 1)
    message = r"channels first.*; here they come last: pass np\.moveaxis\(X, 1, -1\)"
    for estimator in (HOG(), HOG(image_shape=images.shape[1:])):
        with pytest.raises(ValueError, match=message):
            clone(estimator).fit(first)
        with pytest.raises(ValueError, match=message):
            clone(estimator).fit(images).transform(first)
    grey = images[..., 0]
    with pytest.raises(ValueError, match=message):
        HOG().fit(grey).transform(grey[:, np.newaxis])


def test_pairs_of_images_are_no_images():
    assert OF_PAIRS[0] is PairClassifier
    with pytest.raises(ValueError, match="but pairs have shape"):
        PairClassifier().fit(GREY[:, :5], Y)
