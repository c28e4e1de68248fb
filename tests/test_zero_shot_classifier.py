"""ZeroShotClassifier by loops, with prompts of all forms."""

import numpy as np
import pytest
from near import assert_near
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.multiview import CLIP, RegularizedCCA, ZeroShotClassifier

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.fixture(scope="module")
def digits():
    images, numbers = load_digits(return_X_y=True)
    return images, numbers, np.array(WORDS)[numbers]


@pytest.fixture(scope="module")
def clip(digits):
    images, numbers, names = digits
    texts = [f"{name} by hand" for name in names[:600]]
    model = CLIP(16, max_epochs=20, random_state=0)
    return model.fit(images[:600], texts, groups=numbers[:600])


def test_by_loop(clip, digits):
    images = digits[0][600:650]
    prompts = {"low": ["zero", "one by hand"], "high": "nine", "unused": ["x"]}
    classifier = ZeroShotClassifier(clip, prompts=prompts).fit(None, ["low", "high"])
    assert classifier.classes_.tolist() == ["high", "low"]
    low = clip.transform_y(["zero", "one by hand"]).astype(float)
    vectors = np.stack([clip.transform_y(["nine"])[0], low.sum(axis=0)])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(classifier.class_vectors_, vectors, atol=1e-6)
    cosines = clip.transform(images).astype(float) @ vectors.T
    powers = np.exp(cosines / clip.temperature_)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(classifier.predict_proba(images), expected, atol=1e-5)
    best = classifier.classes_[expected.argmax(axis=1)]
    np.testing.assert_array_equal(classifier.predict(images), best)


def test_prompts_of_all_forms(clip, digits):
    images, numbers, names = digits
    rest = slice(600, None)
    templates = ["{}", "{} by hand"]
    as_dict = {name: [name, f"{name} by hand"] for name in WORDS}
    first = ZeroShotClassifier(clip, prompts=templates).fit(None, WORDS)
    second = ZeroShotClassifier(clip, prompts=as_dict).fit(images, names)
    assert_near(second.class_vectors_, first.class_vectors_)
    assert first.score(images[rest], names[rest]) > 0.85
    assert second.n_features_in_ == 64
    by_number = ZeroShotClassifier(clip, prompts=dict(enumerate(WORDS)))
    by_number.fit(images, numbers)
    assert by_number.classes_.tolist() == list(range(10))
    assert by_number.score(images[rest], numbers[rest]) > 0.85


def test_an_unfitted_embedder_learns_from_the_prompts(digits):
    images, _, names = digits
    embedder = CLIP(16, max_epochs=12, random_state=0)
    prompts = ["{}", "{} by hand"]
    classifier = ZeroShotClassifier(embedder, prompts=prompts)
    classifier.fit(images[:600], names[:600])
    assert classifier.embedder_ is not embedder
    assert classifier.score(images[600:], names[600:]) > 0.7
    scores = cross_val_score(classifier, images[:300], names[:300], cv=2, n_jobs=2)
    assert scores.min() > 0.4
    with pytest.raises(ValueError, match="X is None, but the embedder is not fitted"):
        clone(classifier).fit(None, WORDS)


@pytest.mark.parametrize("frozen", [False, True])
def test_pipelines(digits, frozen):
    images, numbers, names = digits
    pipe = make_pipeline(ScaledPCA(20), CLIP(16, max_epochs=12, random_state=0))
    if frozen:
        pipe.fit(images[:600], names[:600], clip__groups=numbers[:600])
        pipe = FrozenEstimator(pipe)
    classifier = ZeroShotClassifier(pipe).fit(images[:600], names[:600])
    assert classifier.score(images[600:], names[600:]) > 0.7


def test_a_frozen_embedder_is_kept_by_cross_validation(clip, digits):
    images, _, names = digits
    classifier = ZeroShotClassifier(FrozenEstimator(clip))
    scores = cross_val_score(
        classifier, images[600:], names[600:], cv=3, error_score="raise"
    )
    assert scores.min() > 0.8
    assert clone(classifier).embedder.estimator is clip


def test_an_embedder_without_a_temperature(digits):
    images = digits[0]
    left, right = images[:, ::2], images[:, 1::2]
    cca = RegularizedCCA(5).fit(left, right)
    classifier = ZeroShotClassifier(cca, prompts={0: right[:1], 1: right[1:3]})
    classifier.fit(None, [0, 1])
    cosines = np.log(classifier.predict_proba(left[:9]))
    differences = cosines[:, 0] - cosines[:, 1]
    assert (np.abs(differences) <= 2).all()
    assert (classifier.predict(left[:9]) == (differences < 0)).all()


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        (["a picture"], "each a string with {} where the class stands"),
        ([], "each a string with {} where the class stands"),
        ({"zero": "zero"}, "prompts has no text for the class 'one'"),
        ({"zero": "zero", "one": []}, "an empty list for the class 'one'"),
    ],
)
def test_wrong_prompts(clip, prompts, message):
    with pytest.raises(ValueError, match=message):
        ZeroShotClassifier(clip, prompts=prompts).fit(None, ["zero", "one"])


def test_a_class_of_unknown_words(clip):
    with (
        pytest.warns(UserWarning, match="no known word"),
        pytest.raises(ValueError, match="class 'xyz', such as 'xyz', have a vector of"),
    ):
        ZeroShotClassifier(clip).fit(None, ["zero", "xyz"])
