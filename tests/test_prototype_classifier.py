"""PrototypeClassifier: the formula, which embedder is fitted, and bad input."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_replearn._fitted_state import is_fitted
from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.metric_learning import PrototypeClassifier


class MeanAdder(TransformerMixin, BaseEstimator):
    """Add the weighted means of the columns: an embedder that takes weights."""

    def fit(self, X, y=None, sample_weight=None):
        X = validate_data(self, X)
        self.means_ = np.average(X, axis=0, weights=sample_weight)
        return self

    def transform(self, X):
        check_is_fitted(self)
        return validate_data(self, X, reset=False) + self.means_


def data(n_samples=40, n_features=5, n_classes=3, random_state=0):
    rng = np.random.default_rng(random_state)
    y = np.arange(n_samples) % n_classes
    X = rng.standard_normal((n_samples, n_features)) + 3 * np.eye(n_features)[y]
    return X, np.array(["a", "b", "c", "d"])[y]


@parametrize_with_checks(
    [
        PrototypeClassifier(MeanAdder()),
        PrototypeClassifier(MeanAdder(), metric="cosine"),
    ]
)
def test_scikit_learn_with_an_embedder(estimator, check):
    check(estimator)


def slow_probabilities(Z, y, rows, metric, temperature):
    """Row by row and class by class, as the docstring has it."""

    def unit(z):
        return z / np.linalg.norm(z)

    probabilities = []
    for row in rows:
        logits = []
        for label in sorted(set(y)):
            members = [z for z, other in zip(Z, y, strict=True) if other == label]
            if metric == "cosine":
                prototype = sum(unit(z) for z in members) / len(members)
                logits.append(unit(row) @ unit(prototype))
            else:
                prototype = sum(members) / len(members)
                logits.append(-((row - prototype) ** 2).sum())
        exponentials = np.exp(np.array(logits) / temperature)
        probabilities.append(exponentials / exponentials.sum())
    return np.array(probabilities)


@pytest.mark.parametrize("temperature", [0.5, 3.0])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_formula(metric, temperature):
    X, y = data()
    rows = data(random_state=1)[0]
    embedder = ScaledPCA(3).fit(X)
    classifier = PrototypeClassifier(embedder, metric=metric, temperature=temperature)
    found = classifier.fit(X, y).predict_proba(rows)
    Z, Z_rows = embedder.transform(X), embedder.transform(rows)
    expected = slow_probabilities(Z, y, Z_rows, metric, temperature)
    assert_allclose(found, expected, rtol=1e-10, atol=1e-14)
    nearest = classifier.classes_[expected.argmax(axis=1)]
    assert_array_equal(classifier.predict(rows), nearest)


def test_worked_example():
    classifier = PrototypeClassifier().fit([[0.0], [2.0], [4.0], [6.0]], [0, 0, 1, 1])
    assert_array_equal(classifier.prototypes_, [[1.0], [5.0]])
    # Squared distances of 2 are 1 and 9.
    share = 1 / (1 + np.exp(-8))
    assert_allclose(classifier.predict_proba([[2.0]]), [[share, 1 - share]])
    assert_array_equal(classifier.predict([[3.0], [3.1]]), [0, 1])  # a tie: the first


def test_without_embedder_it_is_the_nearest_centroid():
    X, y = data()
    rows = data(random_state=1)[0]
    expected = NearestCentroid().fit(X, y).predict(rows)
    assert_array_equal(PrototypeClassifier().fit(X, y).predict(rows), expected)


def test_distances_far_from_the_origin():
    X, y = data()
    near = PrototypeClassifier().fit(X, y).predict_proba(X)
    far = PrototypeClassifier().fit(X + 1e6, y).predict_proba(X + 1e6)
    assert_allclose(far, near, atol=1e-7)


def test_temperature_is_for_probabilities_alone():
    X, y = data()
    cold = PrototypeClassifier(temperature=0.1).fit(X, y)
    warm = PrototypeClassifier(temperature=100.0).fit(X, y)
    assert_array_equal(cold.predict(X), warm.predict(X))
    assert cold.predict_proba(X).max() > 0.99 > warm.predict_proba(X).max()


def test_zero_rows_have_the_cosine_zero():
    classifier = PrototypeClassifier(metric="cosine").fit(np.eye(2), [0, 1])
    assert_allclose(classifier.predict_proba(np.zeros((1, 2))), [[0.5, 0.5]])


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_sparse_rows(metric):
    X, y = data()
    X[X < 1] = 0
    dense = PrototypeClassifier(metric=metric).fit(X, y)
    thin = PrototypeClassifier(metric=metric).fit(sparse.csr_array(X), y)
    assert_allclose(thin.prototypes_, dense.prototypes_)
    probabilities = thin.predict_proba(sparse.csr_matrix(X))
    assert_allclose(probabilities, dense.predict_proba(X), atol=1e-12)


@pytest.mark.parametrize("factor", [1e160, 1e-165, 1e-309, 1e306])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_the_unit_does_not_matter(factor, metric, container):
    X, y = data()
    X[X < 0.5] = 0
    expected = PrototypeClassifier(metric=metric).fit(X, y).predict(X)
    X = X * factor
    classifier = PrototypeClassifier(metric=metric).fit(container(X), y)
    assert np.isfinite(classifier.prototypes_).all()
    assert_array_equal(classifier.predict(container(X)), expected)
    assert_allclose(classifier.predict_proba(container(X)).sum(axis=1), 1)


@pytest.mark.parametrize("factor", [1e36, 1e-40])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_ends_of_single_precision(factor, metric):
    X, y = data()
    expected = PrototypeClassifier(metric=metric).fit(X, y)
    X32 = (X * factor).astype(np.float32)
    found = PrototypeClassifier(FunctionTransformer(), metric=metric).fit(X32, y)
    assert_array_equal(found.predict(X32), expected.predict(X))


def test_means_do_not_overflow():
    X = np.full((6, 2), 1.7e308) * [[1, 1], [1, 1], [1, 1], [1, -1], [1, -1], [1, -1]]
    classifier = PrototypeClassifier().fit(X, [0, 0, 0, 1, 1, 1])
    assert_array_equal(classifier.prototypes_, X[[0, 3]])
    assert_array_equal(classifier.predict(X), [0, 0, 0, 1, 1, 1])
    weighted = PrototypeClassifier().fit(X, [0, 0, 0, 1, 1, 1], [1, 2, 3, 4, 5, 6])
    assert_allclose(weighted.prototypes_, X[[0, 3]])


@pytest.mark.parametrize("offset", [1e6, 1e9, 1e12])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_classes_that_are_near_in_a_group_far_away(offset, container):
    """No center helps all classes: there are two far groups, each with two of them."""
    y = np.arange(40) % 4
    X = np.random.default_rng(0).integers(-3, 4, (40, 3)).astype(float)
    X += np.c_[8.0 * (y % 2), np.where(y < 2, offset, -offset), 0 * y]
    classifier = PrototypeClassifier().fit(container(X), y)
    means = np.array([X[y == c].mean(axis=0) for c in range(4)])
    distances = ((X[:, np.newaxis] - means) ** 2).sum(axis=2)
    assert_array_equal(classifier.predict(container(X)), distances.argmin(axis=1))
    logits = distances.min(axis=1, keepdims=True) - distances
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert_allclose(classifier.predict_proba(container(X)), expected, atol=1e-3)


def test_directions_that_differ_little():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = 1.0 + 1e-9 * (rng.integers(-3, 4, (40, 3)) + 20 * np.c_[y, -y, 0 * y])
    assert PrototypeClassifier(metric="cosine").fit(X, y).score(X, y) == 1


# -- the embedder ------------------------------------------------------------------


def test_a_fitted_embedder_is_used_as_it_is():
    X, y = data()
    embedder = ScaledPCA(2).fit(X[:20])
    before = embedder.components_.copy()
    classifier = PrototypeClassifier(embedder).fit(X[20:], y[20:])
    assert classifier.embedder_ is embedder
    assert_array_equal(embedder.components_, before)
    assert classifier.n_features_in_ == 5


def test_an_unfitted_embedder_is_cloned_and_fitted_on_the_support():
    X, y = data()
    embedder = ScaledPCA(2)
    classifier = PrototypeClassifier(embedder).fit(X, y)
    assert not hasattr(embedder, "components_")
    expected = ScaledPCA(2).fit(X)
    assert_array_equal(classifier.embedder_.components_, expected.components_)


def test_a_clone_keeps_what_is_frozen_and_nothing_else():
    X, y = data()
    embedder = ScaledPCA(2).fit(X[:20])
    plain = clone(PrototypeClassifier(embedder)).fit(X[20:], y[20:])
    assert plain.embedder_ is not embedder
    frozen = FrozenEstimator(embedder)
    kept = clone(PrototypeClassifier(frozen)).fit(X[20:], y[20:])
    assert kept.embedder_ is frozen
    grid = {"metric": ["euclidean", "cosine"]}
    search = GridSearchCV(PrototypeClassifier(frozen), grid, cv=2).fit(X, y)
    assert search.best_estimator_.embedder_ is frozen


STATELESS_ENDS = [
    make_pipeline(PCA(2), Normalizer()),
    make_pipeline(PCA(2), FunctionTransformer()),
    make_pipeline(PCA(2), "passthrough"),
    make_pipeline(make_pipeline(PCA(2), Normalizer()), Normalizer()),
    make_pipeline(FeatureUnion([("a", make_pipeline(PCA(2), Normalizer()))])),
    FeatureUnion([("a", make_pipeline(PCA(2), Normalizer())), ("b", "drop")]),
]


@pytest.mark.parametrize("embedder", STATELESS_ENDS)
def test_pipelines_with_a_stateless_end(embedder):
    X, y = data()
    classifier = PrototypeClassifier(embedder).fit(X, y)
    assert classifier.embedder_ is not embedder
    assert classifier.score(X, y) > 0.5
    fitted = clone(embedder).fit(X[:20])
    for frozen in (fitted, FrozenEstimator(fitted)):
        kept = PrototypeClassifier(frozen).fit(X[20:], y[20:])
        assert kept.embedder_ is frozen
        assert_array_equal(kept.predict(X), kept.predict(X))
    assert is_fitted(fitted)
    assert not is_fitted(FrozenEstimator(embedder))


def test_refits_leave_nothing_of_the_fit_before():
    X, y = data()
    frame = pd.DataFrame(X, columns=list("vwxyz"))
    texts = ["cats purr", "dogs bark"] * 5
    for estimator, arrays, names in (
        (PrototypeClassifier(ScaledPCA(2)), (X[:, :4], y), True),
        (PrototypeClassifier(metric="cosine"), (X[:, :3], np.arange(40) % 2), True),
        (PrototypeClassifier(TfidfVectorizer()), (texts, ["c", "d"] * 5), False),
    ):
        fresh = clone(estimator).fit(*arrays)
        refitted = PrototypeClassifier().fit(frame, y)
        refitted.set_params(**estimator.get_params(deep=False)).fit(*arrays)
        assert sorted(vars(refitted)) == sorted(vars(fresh))
        assert_allclose(refitted.prototypes_, fresh.prototypes_)
        assert_array_equal(refitted.classes_, fresh.classes_)
        assert hasattr(refitted, "n_features_in_") == names


def test_images_and_stateless_embedders():
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(8, 4, 4))
    flatten = FunctionTransformer(lambda X: X.reshape(len(X), -1))
    y = np.arange(8) % 2
    classifier = PrototypeClassifier(flatten).fit(images, y)
    expected = PrototypeClassifier().fit(images.reshape(8, 16), y)
    assert_array_equal(classifier.prototypes_, expected.prototypes_)
    assert classifier.embedder_ is flatten
    assert not hasattr(classifier, "n_features_in_")


def test_documents_with_a_sparse_embedding():
    documents = ["cats purr", "dogs bark", "a cats day", "dogs run"]
    classifier = PrototypeClassifier(TfidfVectorizer(), metric="cosine")
    classifier.fit(documents, ["cat", "dog", "cat", "dog"])
    assert_array_equal(classifier.predict(["cats", "dogs"]), ["cat", "dog"])


def test_feature_names():
    X, y = data()
    frame = pd.DataFrame(X, columns=list("vwxyz"))
    classifier = PrototypeClassifier(ScaledPCA(2)).fit(frame, y)
    assert_array_equal(classifier.feature_names_in_, list("vwxyz"))
    classifier.fit(X, y)
    assert not hasattr(classifier, "feature_names_in_")


def test_frames_as_output():
    X, y = data()
    expected = PrototypeClassifier(PCA(2)).fit(X, y).predict_proba(X)
    with config_context(transform_output="pandas"):
        found = PrototypeClassifier(PCA(2)).fit(X, y).predict_proba(X)
    assert_array_equal(found, expected)


# -- bad input ---------------------------------------------------------------------


class Halving(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[::2]

    def __sklearn_is_fitted__(self):
        return True


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        (
            ["a"] * 40,
            "needs at least two classes to tell apart, but y has 1 class: 'a'",
        ),
        (["a", "b"] * 19 + ["a", None], r"Row 39 of y is missing \(None\); leave"),
        ([0.0, 1.0] * 19 + [0.0, np.nan], "Row 39 of y is missing"),
        (["a", "b"], "inconsistent numbers of samples"),
        (np.linspace(0, 1, 40), "Unknown label type: continuous"),
    ],
)
@pytest.mark.parametrize("embedder", [None, ScaledPCA(2)])
def test_bad_labels(embedder, y, message):
    X, _ = data()
    if y is not None and None in list(y):
        y = np.array(y, dtype=object)
    with pytest.raises(ValueError, match=message):
        PrototypeClassifier(embedder).fit(X, y)


def test_errors_are_clear():
    X, y = data()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        PrototypeClassifier().predict(X)
    with pytest.raises(ValueError, match="contains NaN"):
        PrototypeClassifier().fit(np.where(X[0, 0] == X, np.nan, X), y)
    with pytest.raises(ValueError, match="'temperature' parameter of PrototypeClass"):
        PrototypeClassifier(temperature=0.0).fit(X, y)
    with pytest.raises(ValueError, match="'metric' parameter of PrototypeClassifier"):
        PrototypeClassifier(metric="manhattan").fit(X, y)
    with pytest.raises(ValueError, match="'embedder' parameter of PrototypeClassifier"):
        PrototypeClassifier("pca").fit(X, y)
    with pytest.raises(ValueError, match="X has 40 rows, but its embedding has 20"):
        PrototypeClassifier(Halving()).fit(X, y)
    embedder = FunctionTransformer(lambda X: np.log(np.minimum(X, 0)))
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match="the embedding of X contains"),
    ):
        PrototypeClassifier(embedder).fit(X, y)


def test_an_embedder_that_was_fitted_again():
    X, y = data()
    embedder = ScaledPCA(2).fit(X)
    classifier = PrototypeClassifier(embedder).fit(X, y)
    embedder.set_params(n_components=3).fit(X)
    with pytest.raises(ValueError, match="has 3 columns, but the prototypes have 2"):
        classifier.predict(X)


def test_a_failed_fit_changes_nothing():
    X, y = data()
    classifier = PrototypeClassifier(ScaledPCA(2)).fit(X, y)
    before = vars(classifier).copy()
    with pytest.raises(ValueError, match="1 class"):
        classifier.fit(X, ["z"] * 40)
    assert vars(classifier) == before
