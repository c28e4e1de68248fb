"""TextTargetTransformer: its losses, what it predicts, and what texts it takes."""

import numpy as np
import pytest
import torch
from near import assert_near
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from sklearn_replearn.multiview import TextTargetTransformer, ZeroShotClassifier
from sklearn_replearn.multiview._target_network import CosineLoss
from sklearn_replearn.text import LSA, PMIEmbedding

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
QUICK = {"n_components": 8, "hidden_layer_sizes": (16,), "max_epochs": 3}
LSA_OF_5 = LSA(5, random_state=0)
TOPICS = make_pipeline(CountVectorizer(), LatentDirichletAllocation(4, random_state=0))


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:200].astype(np.float32)


@pytest.fixture(scope="module")
def numbers():
    return load_digits().target[:200]


@pytest.fixture(scope="module")
def texts(numbers):
    return [f"{WORDS[number]} written {number % 3}x times" for number in numbers]


def test_cosine_loss_by_loop():
    rng = np.random.default_rng(0)
    outputs, targets = rng.normal(size=(2, 5, 3))
    targets[2] = 0
    cosines = [
        a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) if b.any() else 0
        for a, b in zip(outputs, targets, strict=True)
    ]
    found = CosineLoss()(torch.from_numpy(outputs), torch.from_numpy(targets))
    assert float(found) == pytest.approx(1 - np.mean(cosines))


def test_the_loss_is_chosen_by_the_vectors(X, texts):
    for embedder, loss in ((TOPICS, "cross_entropy"), (LSA_OF_5, "cosine")):
        model = TextTargetTransformer(embedder, random_state=0, **QUICK).fit(X, texts)
        assert model.loss_ == loss
        targets = model.transform_y(texts)
        assert_near(targets, clone(embedder).fit(texts).transform(texts))
        predicted = model.predict(X).astype(float)
        assert predicted.shape == targets.shape
        sizes = predicted.sum(axis=1)
        if loss == "cosine":
            sizes = np.linalg.norm(predicted, axis=1)
        np.testing.assert_allclose(sizes, 1, rtol=1e-5)
        assert model.transform(X).shape == (200, 8)
    with pytest.raises(ValueError, match="needs vectors of texts that are at least 0"):
        TextTargetTransformer(LSA_OF_5, loss="cross_entropy", **QUICK).fit(X, texts)
    model = TextTargetTransformer(TOPICS, loss="cosine", **QUICK).fit(X, texts)
    assert model.loss_ == "cosine"


def test_loss_of_topics_by_loop(X, texts):
    model = TextTargetTransformer(TOPICS, lr=1e-12, random_state=0, **QUICK)
    model.set_params(batch_size=200).fit(X, texts)
    shares = zip(model.transform_y(texts), model.predict(X), strict=True)
    expected = -np.mean([(true * np.log(found)).sum() for true, found in shares])
    assert model.loss_curve_[-1] == pytest.approx(expected, rel=1e-4)


def test_vectors_of_several_captions_are_averaged(X, texts, numbers):
    several = [
        [text, WORDS[number]] for text, number in zip(texts, numbers, strict=True)
    ]
    model = TextTargetTransformer(LSA_OF_5, random_state=0, **QUICK).fit(X, several)
    first, second = zip(*several, strict=True)
    expected = (model.transform_y(first) + model.transform_y(second)) / 2
    assert_near(model.transform_y(several), expected)


def test_a_frozen_embedder_stays(X, texts):
    fitted = PMIEmbedding(4, min_count=1, random_state=0).fit(texts[:50])
    model = TextTargetTransformer(FrozenEstimator(fitted), **QUICK).fit(X, texts)
    assert model.text_embedder_.estimator is fitted


def test_features_and_predictions_serve():
    images, numbers = load_digits(return_X_y=True)
    texts = [f"{WORDS[number]} by hand" for number in numbers]
    model = TextTargetTransformer(
        LSA(9, random_state=0), 32, max_epochs=20, random_state=0
    ).fit(images[:600], texts[:600])
    untrained = clone(model).set_params(max_epochs=1, lr=1e-12)
    untrained.fit(images[:600], texts[:600])
    few, rest = slice(600, 640), slice(640, None)

    def accuracy(encoder):
        Z = encoder.transform(images)
        classifier = LogisticRegression(max_iter=1000).fit(Z[few], numbers[few])
        return classifier.score(Z[rest], numbers[rest])

    assert accuracy(model) > accuracy(untrained) + 0.05
    index = model.predict(images[rest]) @ model.transform_y(WORDS).T
    assert (index.argmax(axis=1) == numbers[rest]).mean() > 0.8
    with pytest.raises(ValueError, match="layer='prediction'"):
        ZeroShotClassifier(model).fit(None, WORDS).predict(images)
    model.set_params(layer="prediction").fit(images[:600], texts[:600])
    np.testing.assert_array_equal(model.transform(images), model.predict(images))
    labels = np.array(WORDS)[numbers]
    classifier = ZeroShotClassifier(model).fit(None, WORDS)
    assert classifier.score(images[rest], labels[rest]) > 0.8


def test_chosen_by_cross_validation(X, texts):
    grid = GridSearchCV(
        TextTargetTransformer(LSA_OF_5, random_state=0, **QUICK),
        {"text_embedder__n_components": [3, 5]},
        cv=KFold(2),
        n_jobs=2,
        error_score="raise",
    ).fit(X, texts)
    assert np.isfinite(grid.cv_results_["mean_test_score"]).all()


def test_texts_that_teach_nothing(X, texts):
    with pytest.raises(ValueError, match="text_embedder gives a sparse matrix of"):
        TextTargetTransformer(TfidfVectorizer(), **QUICK).fit(X, texts)
    words = PMIEmbedding(3, min_count=1, random_state=0).fit(["zero one two three"])
    embedder = FrozenEstimator(words)
    with pytest.warns(UserWarning, match="of 200 texts of y have vectors of zeros"):
        TextTargetTransformer(embedder, **QUICK).fit(X, texts)
    with pytest.raises(ValueError, match="the same vector for all texts of y"):
        TextTargetTransformer(embedder, **QUICK).fit(X, ["a zero"] * 200)
    model = TextTargetTransformer(LSA_OF_5, random_state=0, **QUICK).fit(X, texts)
    model.text_embedder_.set_params(n_components=3).fit(texts)
    with pytest.raises(ValueError, match="gives 3 columns, but 5 in fit"):
        model.transform_y(texts)


def test_early_stopping_holds_rows_out(X, texts):
    model = TextTargetTransformer(LSA_OF_5, early_stopping=True, **QUICK).fit(X, texts)
    assert len(model.validation_loss_curve_) == model.n_iter_
    model = TextTargetTransformer(LSA_OF_5, early_stopping=True, **QUICK)
    model.fit(X[:150], texts[:150], X_val=X[150:], y_val=texts[150:])
    assert len(model.validation_loss_curve_) == model.n_iter_
