"""Retrieval metrics against loops, by hand, and in a grid search."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.metrics import (
    cumulative_match,
    make_retrieval_scorer,
    mean_average_precision_at_r,
    r_precision,
    recall_at_k,
)

SCORES = [recall_at_k, r_precision, mean_average_precision_at_r]
each_score = pytest.mark.parametrize("score", SCORES, ids=lambda score: score.__name__)

#: On a line: a at 0, b at 1, a at 3, b at 7, b at 8, and c at 20 by itself.
X_LINE = np.array([[0.0], [1.0], [3.0], [7.0], [8.0], [20.0]])
Y_LINE = np.array(["a", "b", "a", "b", "b", "c"])


def hits_by_loops(X, y, X_gallery=None, y_gallery=None, metric="euclidean"):
    """For each query that has any, whether its neighbours are relevant, in order."""
    alone = X_gallery is None
    gallery, labels = (X, y) if alone else (X_gallery, y_gallery)
    distances = pairwise_distances(X, gallery, metric=metric)
    found = []
    for i in range(len(X)):
        others = [j for j in range(len(gallery)) if not (alone and j == i)]
        is_same = {j: labels[j] == y[i] for j in others}
        # Of equal distances, other classes come first.
        others.sort(key=lambda j, i=i, is_same=is_same: (distances[i, j], is_same[j]))
        hits = np.array([is_same[j] for j in others])
        if hits.any():
            found.append(hits)
    return found


def by_loops(score, *arrays, k=1, **options):
    values = []
    for hits in hits_by_loops(*arrays, **options):
        n_relevant = hits.sum()
        first = hits[:n_relevant]
        if score is recall_at_k:
            values.append(hits[:k].any())
        elif score is r_precision:
            values.append(first.mean())
        else:
            precisions = np.cumsum(first) / np.arange(1, n_relevant + 1)
            values.append((precisions * first).sum() / n_relevant)
    return np.mean(values)


@pytest.fixture
def ties():
    """Embeddings of whole numbers, many of them equal, of classes of all sizes."""
    rng = np.random.default_rng(0)
    y = rng.choice(6, size=90, p=[0.4, 0.3, 0.15, 0.1, 0.03, 0.02])
    X = rng.integers(0, 4, size=(90, 3)).astype(float)
    return X, y


# ---------------------------------------------------------------------------
# Values
# ---------------------------------------------------------------------------


def test_by_hand():
    # Neighbours of a: b a b b c, of b: a a b b c, of a: b a b b c (1 at 2, 0 at 3),
    # of b: b a b a c (8 at 1, 3 at 4, 1 at 6), of b: b a b a c. c has none.
    assert recall_at_k(X_LINE, Y_LINE) == 2 / 5
    assert recall_at_k(X_LINE, Y_LINE, 2) == 4 / 5
    assert recall_at_k(X_LINE, Y_LINE, 3) == 1.0
    # R is 1 for a and 2 for b.
    assert r_precision(X_LINE, Y_LINE) == np.mean([0, 0, 0, 1 / 2, 1 / 2])
    assert mean_average_precision_at_r(X_LINE, Y_LINE) == pytest.approx(
        np.mean([0, 0, 0, 1 / 2, 1 / 2])
    )
    shares = cumulative_match(X_LINE, Y_LINE, max_rank=4)
    np.testing.assert_allclose(shares, [2 / 5, 4 / 5, 1, 1])


def test_map_at_r_counts_early_hits_more():
    X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [50.0], [60.0]])
    # Of the first row: R = 3; hits at ranks 1 and 3 of 3: (1/1 + 2/3) / 3.
    y = np.array([0, 0, 1, 0, 0, 2, 3])
    hits = hits_by_loops(X, y)[0]
    assert hits[:3].tolist() == [True, False, True]
    alone = mean_average_precision_at_r(X[:1], y[:1], X_gallery=X[1:], y_gallery=y[1:])
    assert alone == pytest.approx((1 + 2 / 3) / 3)
    assert r_precision(X[:1], y[:1], X_gallery=X[1:], y_gallery=y[1:]) == 2 / 3


@each_score
def test_against_loops_with_ties(ties, score):
    X, y = ties
    assert score(X, y) == pytest.approx(by_loops(score, X, y), rel=1e-12)


@each_score
def test_a_gallery_against_loops(ties, score):
    X, y = ties
    arrays = X[:30], y[:30] * 2, X[30:], y[30:]  # some classes are not in the gallery
    found = score(*arrays[:2], X_gallery=arrays[2], y_gallery=arrays[3])
    assert found == pytest.approx(by_loops(score, *arrays), rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 5, 89])
def test_recall_and_cumulative_match_against_loops(ties, k):
    X, y = ties
    expected = by_loops(recall_at_k, X, y, k=k)
    assert recall_at_k(X, y, k) == pytest.approx(expected)
    assert cumulative_match(X, y, max_rank=k)[k - 1] == pytest.approx(expected)


@each_score
def test_the_order_of_rows_does_not_matter(ties, score):
    rng = np.random.default_rng(1)
    X, y = ties
    noisy = X + rng.standard_normal(X.shape)
    for table in (X, noisy, noisy.astype(np.float32)):
        order = rng.permutation(len(X))
        assert score(table, y) == pytest.approx(score(table[order], y[order]))


@each_score
def test_a_collapse_gets_no_credit(score):
    y = np.arange(60) % 3
    for row in (0.0, 0.1, 1e6):
        assert score(np.full((60, 4), row), y) == 0
        assert score(np.full((60, 4), row, dtype=np.float32), y) == 0


def test_queries_without_a_direction_find_nothing():
    gallery = np.random.default_rng(0).normal(size=(5, 3))
    numbers = np.arange(5)
    found = recall_at_k(
        np.zeros((5, 3)), numbers, X_gallery=gallery, y_gallery=numbers, metric="cosine"
    )
    assert found == 0


@each_score
def test_labels_of_any_type(ties, score):
    X, y = ties
    expected = score(X, y)
    for labels in (y.astype(str), y.astype(float), y.tolist(), list(map(str, y))):
        assert score(X, labels) == expected


@each_score
def test_single_precision(score):
    X, y = load_digits(return_X_y=True)
    X = ScaledPCA(10).fit_transform(X)[:700]
    double, single = score(X, y[:700]), score(X.astype(np.float32), y[:700])
    assert single == pytest.approx(double, abs=2e-3)


def test_far_from_the_origin():
    X, y = load_digits(return_X_y=True)
    X, y = X[:400], y[:400]
    expected = mean_average_precision_at_r(X, y)
    assert mean_average_precision_at_r(X + 1e4, y) == pytest.approx(expected)
    far = (X + 1e4).astype(np.float32)
    assert mean_average_precision_at_r(far, y) == pytest.approx(expected, abs=1e-3)


def test_input_stays_as_it_is(ties):
    X, y = ties
    before = X.copy()
    X.flags.writeable = False
    mean_average_precision_at_r(X, y)
    np.testing.assert_array_equal(X, before)


# ---------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------


@each_score
def test_bad_input_is_refused(ties, score):
    X, y = ties
    missing = y.astype(object)
    missing[4] = None
    for arrays, options, message in (
        ((X, np.zeros(90)), {}, "y has 1 class"),
        ((X, np.arange(90)), {}, "Each of the 90 classes in y has one row"),
        ((X, missing), {}, r"y has a missing label \(None\) in row 4"),
        ((X, np.where(y == 0, np.nan, y)), {}, "missing label"),
        ((X, y[1:]), {}, "y has 89 labels, but X has 90 rows"),
        ((np.where(X == 0, np.nan, X), y), {}, "NaN"),
        ((X, y), {"metric": "l1"}, "metric must be 'euclidean' or 'cosine'"),
        ((X, y), {"X_gallery": X}, "X_gallery is given without y_gallery"),
        (
            (X, y),
            {"X_gallery": X[:, :2], "y_gallery": y},
            "X has 3 columns, but X_gallery has 2",
        ),
        (
            (X, y),
            {"X_gallery": X, "y_gallery": y + 10},
            "No class of y is in y_gallery",
        ),
        (
            (X, [*y[1:], "one"]),
            {},
            r"Labels of type int\w* and str in y cannot be compared",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            score(*arrays, **options)


@pytest.mark.parametrize("k", [0, -1, 1.5, True, "2"])
def test_a_number_of_neighbours_is_a_whole_number(ties, k):
    with pytest.raises(ValueError, match="k must be an integer of at least 1"):
        recall_at_k(*ties, k)


def test_more_neighbours_than_there_are(ties):
    with pytest.raises(ValueError, match="k=90 is more than the 89 rows"):
        recall_at_k(*ties, 90)
    with pytest.raises(ValueError, match="max_rank=90 is more than the 89 rows"):
        cumulative_match(*ties, max_rank=90)


# ---------------------------------------------------------------------------
# Scorers
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", [score.__name__ for score in SCORES])
def test_scorers_choose_in_a_grid(name):
    X, y = load_digits(return_X_y=True)
    X, y = X[:300], y[:300]
    scorer = make_retrieval_scorer(name, k=2)
    search = GridSearchCV(
        ScaledPCA(with_std=False, random_state=0),
        {"n_components": [1, 10]},
        scoring=scorer,
        cv=StratifiedKFold(3),
        n_jobs=2,
    ).fit(X, y)
    assert search.best_params_ == {"n_components": 10}
    again = pickle.loads(pickle.dumps(scorer))
    assert repr(again) == repr(scorer)
    embedding = ScaledPCA(5).fit(X)
    options = {"k": 2} if name == "recall_at_k" else {}
    score = dict(zip([s.__name__ for s in SCORES], SCORES, strict=True))[name]
    expected = score(embedding.transform(X), y, **options)
    assert scorer(embedding, X, y) == again(embedding, X, y) == expected
    assert clone(search).get_params()["scoring"] is not None


def test_scorers_refuse_what_they_cannot_score():
    X, y = load_digits(return_X_y=True)
    pipeline = make_pipeline(ScaledPCA(2), LogisticRegression()).fit(X[:100], y[:100])
    scorer = make_retrieval_scorer(r_precision)
    with pytest.raises(TypeError, match=r"pass the steps before, pipeline\[:-1\]"):
        scorer(pipeline, X, y)
    with pytest.raises(ValueError, match="needs classes"):
        scorer(pipeline[:-1], X)
    assert scorer(pipeline[:-1], X, y) > 0
    with pytest.raises(ValueError, match="score_func must be one of"):
        make_retrieval_scorer("accuracy")
    with pytest.raises(ValueError, match="k must be an integer"):
        make_retrieval_scorer("recall_at_k", k=0)
