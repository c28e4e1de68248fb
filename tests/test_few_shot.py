"""few_shot_score: against explicit episodes, what is fitted when, and bad input."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import t as student
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.metric_learning import PrototypeClassifier
from sklearn_replearn.model_selection import few_shot_score
from sklearn_replearn.model_selection._few_shot import _read_classes

IDENTITY = FunctionTransformer()


def data(n_classes=8, n_rows=6, n_features=5, random_state=0):
    rng = np.random.default_rng(random_state)
    y = np.repeat(np.arange(n_classes), n_rows)
    centers = rng.standard_normal((n_classes, n_features))
    order = rng.permutation(len(y))
    X = centers[y] + 0.7 * rng.standard_normal((len(y), n_features))
    return X[order], y[order]


def slow_scores(
    make_classifier, X, y, *, groups=None, n_episodes, random_state, **sizes
):
    """Each episode written out, with the same random choices."""
    rng = np.random.default_rng(random_state)
    classes = _read_classes(X, y, groups)
    scores = []
    for _ in range(n_episodes):
        support, queries = classes.draw(**sizes, rng=rng)
        rows = [row for of_class in support for row in of_class]
        classifier = make_classifier().fit(X[rows], y[rows])
        right = [
            classifier.predict(X[[row]])[0] == y[row]
            for of_class in queries
            for row in of_class
        ]
        scores.append(sum(right) / len(right))
    return scores


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("k_shot", [1, 3])
def test_against_explicit_episodes(metric, k_shot):
    X, y = data()
    groups = y // 4
    embedder = ScaledPCA(3).fit(X)
    sizes = {"n_way": 3, "k_shot": k_shot, "n_query": 2}
    options = {"groups": groups, "n_episodes": 30, "random_state": 3, **sizes}
    expected = slow_scores(
        lambda: PrototypeClassifier(embedder, metric=metric), X, y, **options
    )
    for estimator, its_metric in (
        (embedder, metric),
        (PrototypeClassifier(embedder, metric=metric), None),
        (PrototypeClassifier(FrozenEstimator(embedder), metric=metric), None),
        (make_pipeline(embedder, PrototypeClassifier(metric=metric)), None),
    ):
        result = few_shot_score(estimator, X, y, metric=its_metric, **options)
        assert_allclose(result.scores, expected)


def test_any_classifier_against_explicit_episodes():
    X, y = data()
    sizes = {"n_way": 3, "k_shot": 2, "n_query": 2}
    options = {"n_episodes": 8, "random_state": 0, **sizes}
    expected = slow_scores(lambda: KNeighborsClassifier(1), X, y, **options)
    result = few_shot_score(KNeighborsClassifier(1), X, y, **options)
    assert_allclose(result.scores, expected)


def test_episodes():
    y = np.repeat(list("abcdef"), [2, 3, 4, 5, 6, 7])
    groups = np.where(np.isin(y, list("abc")), "first", "second")
    classes = _read_classes(y, y, groups)
    rng = np.random.default_rng(0)
    met = set()
    for _ in range(200):
        support, queries = classes.draw(2, 1, 3, rng)
        assert support.shape == (2, 1)
        labels = y[support.ravel()]
        assert len(set(labels)) == 2
        assert len(set(groups[support.ravel()])) == 1
        for row, others, label in zip(support.ravel(), queries, labels, strict=True):
            assert set(y[others]) == {label}
            drawn = [row, *others]
            assert len(set(drawn)) == len(drawn) == min(4, (y == label).sum())
            met.update(drawn)
    assert met == set(range(len(y)))


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("factor", [1e160, 1e-165, 1e306, 1e-309])
def test_the_unit_does_not_matter(metric, factor):
    X, y = data()
    options = {"metric": metric, "n_episodes": 20, "random_state": 0}
    expected = few_shot_score(IDENTITY, X, y, **options).scores
    identity = FunctionTransformer(accept_sparse=True)
    for rows in (X * factor, sparse.csr_array(X * factor)):
        assert_allclose(few_shot_score(identity, rows, y, **options).scores, expected)


@pytest.mark.parametrize("offset", [1e6, 1e10])
def test_classes_that_are_near_in_a_group_far_away(offset):
    X, y = data()
    X = np.rint(64 * X) + np.where(y < 4, offset, -offset)[:, np.newaxis]
    options = {"groups": y // 4, "n_way": 3, "n_episodes": 20, "random_state": 0}
    near = X - np.where(y < 4, offset, -offset)[:, np.newaxis]
    expected = few_shot_score(IDENTITY, near, y, **options).scores
    assert_allclose(few_shot_score(IDENTITY, X, y, **options).scores, expected)


def test_the_same_label_in_two_groups_is_two_classes():
    X = np.repeat([[0.0], [10.0], [20.0], [30.0]], 3, axis=0)
    y = np.repeat([0, 1, 0, 1], 3)
    groups = np.repeat(["x", "y"], 6)
    options = {"n_way": 2, "n_episodes": 20, "random_state": 0}
    assert float(few_shot_score(IDENTITY, X, y, groups=groups, **options)) == 1.0
    assert float(few_shot_score(IDENTITY, X, y, **options)) < 1.0


def test_result():
    X, y = data()
    result = few_shot_score(
        IDENTITY, X, y, n_episodes=50, confidence=0.9, random_state=0
    )
    assert result.scores.shape == (50,)
    assert float(result) == result.mean == result.scores.mean()
    low, high = result.confidence_interval
    error = result.scores.std(ddof=1) / np.sqrt(50)
    assert_allclose([low, high], student.interval(0.9, 49, result.mean, error))
    assert result.confidence_interval.low == low
    wider = few_shot_score(
        IDENTITY, X, y, n_episodes=50, confidence=0.99, random_state=0
    )
    assert wider.confidence_interval.high > high


def test_a_collapsed_embedding_has_no_better_score_than_chance():
    X, y = data()
    result = few_shot_score(IDENTITY, np.ones_like(X), y, n_way=4, n_episodes=20)
    assert_allclose(result.scores, 0.25)


def test_random_state():
    X, y = data()
    scores = [
        few_shot_score(IDENTITY, X, y, n_episodes=20, random_state=seed).scores
        for seed in (0, 0, 1)
    ]
    assert_array_equal(scores[0], scores[1])
    assert (scores[0] != scores[2]).any()
    generator = np.random.RandomState(0)
    few_shot_score(IDENTITY, X, y, n_episodes=2, random_state=generator)


def test_labels_of_any_type():
    X, y = data()
    options = {"n_episodes": 20, "random_state": 0}
    expected = few_shot_score(IDENTITY, X, y, **options).scores
    names = np.array(list("abcdefgh"))[y]
    for labels in (names, names.tolist(), names.astype(object)):
        assert_array_equal(
            few_shot_score(IDENTITY, X, labels, **options).scores, expected
        )


def test_sparse_embeddings_and_documents():
    documents = ["cats purr", "cats sleep", "cats eat", "dogs bark", "dogs run", "dogs"]
    y = [0, 0, 0, 1, 1, 1]
    vectorizer = TfidfVectorizer().fit(documents)
    options = {"n_way": 2, "n_episodes": 10, "random_state": 0}
    assert float(few_shot_score(vectorizer, documents, y, **options)) == 1.0
    pipeline = make_pipeline(TfidfVectorizer(), KNeighborsClassifier(1))
    assert float(few_shot_score(pipeline, documents, y, **options)) == 1.0
    X, y = data()
    dense = few_shot_score(IDENTITY, X, y, n_episodes=10, random_state=0)
    thin = few_shot_score(
        FunctionTransformer(accept_sparse=True),
        sparse.csr_array(X),
        y,
        n_episodes=10,
        random_state=0,
    )
    assert_allclose(thin.scores, dense.scores)


# -- what is fitted when -----------------------------------------------------------


class CountedFits(TransformerMixin, BaseEstimator):
    """Counts in a list that clones share, so the list is no parameter."""

    fits = []

    def fit(self, X, y=None):
        self.n_rows_ = len(X)
        self.fits.append(len(X))
        return self

    def transform(self, X):
        return X


@pytest.fixture
def fits():
    CountedFits.fits.clear()
    return CountedFits.fits


def test_fitted_steps_of_a_pipeline_stay(fits):
    X, y = data()
    options = {"n_way": 3, "k_shot": 2, "n_episodes": 5, "random_state": 0}
    pipeline = make_pipeline(CountedFits().fit(X), KNeighborsClassifier(1))
    fits.clear()
    stays = few_shot_score(pipeline, X, y, **options)
    assert fits == []
    assert pipeline[0].n_rows_ == len(X)
    again = few_shot_score(clone(pipeline), X, y, **options)
    assert fits == [6] * 5
    assert_array_equal(stays.scores, again.scores)
    mixed = make_pipeline(CountedFits().fit(X), StandardScaler(), LogisticRegression())
    fits.clear()
    few_shot_score(mixed, X, y, **options)
    assert fits == []
    assert not hasattr(mixed[1], "mean_")
    behind = make_pipeline(StandardScaler(), CountedFits().fit(X), LogisticRegression())
    fits.clear()
    few_shot_score(behind, X, y, **options)
    assert fits == [6] * 5


def test_a_fitted_prototype_classifier_lends_its_embedder(fits):
    X, y = data()
    classifier = PrototypeClassifier(CountedFits()).fit(X, y)
    fits.clear()
    few_shot_score(classifier, X, y, n_episodes=3)
    assert fits == []
    few_shot_score(clone(classifier), X, y, n_episodes=3)
    assert fits == [5] * 3


def test_stateless_and_left_out_steps():
    X, y = data()
    options = {"n_episodes": 5, "random_state": 0}
    expected = few_shot_score(IDENTITY, X, y, metric="cosine", **options).scores
    classifier = PrototypeClassifier(metric="cosine")
    for steps in ([], ["passthrough"], [Normalizer()]):
        pipeline = make_pipeline(*steps, classifier)
        assert_array_equal(few_shot_score(pipeline, X, y, **options).scores, expected)


def test_what_has_transform_counts_as_a_transformer():
    X, y = data()
    lda = LinearDiscriminantAnalysis().fit(X, y)
    options = {"n_episodes": 5, "random_state": 0}
    result = few_shot_score(lda, X, y, **options)
    expected = few_shot_score(FrozenEstimator(lda), X, y, **options)
    assert_array_equal(result.scores, expected.scores)


# -- bad input ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_way": 9}, "n_way=9 asks for more classes than y has, 8; lower n_way"),
        (
            {"k_shot": 6},
            "k_shot=6 leaves no row for a query in the class 0, which has 6",
        ),
        ({"n_way": 1}, "n_way must be an integer of at least 2; got 1"),
        ({"k_shot": 0}, "k_shot must be an integer of at least 1; got 0"),
        ({"k_shot": 1.5}, "k_shot must be an integer of at least 1; got 1.5"),
        ({"n_query": 0}, "n_query must be an integer of at least 1; got 0"),
        ({"n_episodes": 1}, "n_episodes must be an integer of at least 2; got 1"),
        ({"confidence": 95}, "confidence must be between 0 and 1, got 95"),
        ({"metric": "l1"}, "metric must be 'euclidean', 'cosine' or None, got 'l1'"),
        ({"y": None}, "y is None, but few_shot_score needs the class of each row"),
        ({"y": [0, 1]}, "inconsistent numbers of samples"),
        ({"groups": [0, 1]}, "inconsistent numbers of samples"),
        ({"y": np.linspace(0, 1, 48)}, "Unknown label type: continuous"),
        (
            {"estimator": LogisticRegression(), "metric": "cosine"},
            "is for transformers",
        ),
    ],
)
def test_errors_are_clear(change, message):
    X, y = data()
    arguments = {"estimator": IDENTITY, "X": X, "y": y, **change}
    with pytest.raises(ValueError, match=message):
        few_shot_score(**arguments)


def test_missing_labels():
    X, y = data()
    for missing in (None, np.nan):
        labels = y.astype(object)
        labels[7] = missing
        with pytest.raises(ValueError, match=r"Row 7 of y is missing"):
            few_shot_score(IDENTITY, X, labels)
        with pytest.raises(ValueError, match=r"Row 7 of groups is missing"):
            few_shot_score(IDENTITY, X, y, groups=labels)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        few_shot_score(IDENTITY, X, np.full(len(X), np.nan))


def test_small_groups_and_classes_are_named():
    X, y = data()
    groups = np.where(y == 0, "small", "large")
    message = (
        "than the group 'small' has, 1; lower n_way, or leave the group 'small' out"
    )
    with pytest.raises(ValueError, match=message):
        few_shot_score(IDENTITY, X, y, n_way=3, groups=groups)
    keep = (y != 3) | (np.cumsum(y == 3) <= 2)
    X, y, groups = X[keep], y[keep], y[keep] // 4
    with pytest.raises(ValueError, match="in the class 3, which has 2; lower k_shot"):
        few_shot_score(IDENTITY, X, y, n_way=3, k_shot=2)
    with pytest.raises(ValueError, match="in the class 3 of the group 0, which has 2"):
        few_shot_score(IDENTITY, X, y, n_way=3, k_shot=2, groups=groups)


def test_wrong_estimators():
    X, y = data()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        few_shot_score(ScaledPCA(), X, y)
    with pytest.raises(NotFittedError, match="has steps that are not fitted"):
        few_shot_score(make_pipeline(ScaledPCA(), Normalizer()), X, y)
    with pytest.raises(TypeError, match="object is neither"):
        few_shot_score(object(), X, y)
    embedder = FunctionTransformer(lambda X: np.where(X > 0, X, np.nan))
    with pytest.raises(ValueError, match="the embedding of X contains NaN"):
        few_shot_score(embedder, X, y)
