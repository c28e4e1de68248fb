"""PairVerifier: its threshold, what it holds out, embeds and refuses."""

import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.metric_learning import (
    MahalanobisTransformer,
    PairClassifier,
    PairVerifier,
    SiameseTransformer,
)
from sklearn_replearn.metric_learning._class_pairs import form_pairs
from sklearn_replearn.text import PMIEmbedding

AS_IT_IS = FunctionTransformer()
SMALL = {"n_components": 3, "hidden_layer_sizes": (8,), "max_epochs": 3}


class Recorder(TransformerMixin, BaseEstimator):
    """Rows as they are, and what it was fitted on."""

    def __init__(self, input=None, preprocessor=None):
        self.input = input
        self.preprocessor = preprocessor

    def fit(self, X, y=None):
        self.X_ = np.asarray(X if self.preprocessor is None else self.preprocessor)
        self.y_ = y
        self.is_fitted_ = True
        return self

    def transform(self, X):
        seen = getattr(self, "seen_", [])
        self.seen_ = [*seen, np.array(X)]
        return np.asarray(X, dtype=float)


@pytest.fixture(scope="module")
def rows_of_classes():
    """Rows that are all different, and ten classes."""
    rng = np.random.default_rng(0)
    y = np.arange(100) % 10
    return rng.standard_normal((100, 4)) + 3 * rng.standard_normal((10, 4))[y], y


@pytest.fixture(scope="module")
def labelled_pairs(rows_of_classes):
    """Indices of pairs that share no row: 30 of the same class, and 20 of two."""
    _, y = rows_of_classes
    of_class = y.argsort(kind="stable").reshape(10, 10)
    same, others = of_class[:, :6].reshape(-1, 2), of_class[:, 6:]
    different = np.stack([others[:, :2], np.roll(others[:, 2:], 1, axis=0)], axis=2)
    pairs = np.r_[same, different.reshape(-1, 2)]
    return pairs, y[pairs[:, 0]] == y[pairs[:, 1]]


# ---------------------------------------------------------------------------
# The threshold
# ---------------------------------------------------------------------------

#: Pairs of numbers with their distances, worked out by hand:
#: 0.5 (same), 1 (same), 1.5 (different), 2 (same), 3 (different), 4 (same),
#: 5 (different), 6 (different).
DISTANCES = np.array([0.5, 1, 1.5, 2, 3, 4, 5, 6])
SAME = np.array([1, 1, 0, 1, 0, 1, 0, 0])
WORKED = np.stack([np.zeros(8), DISTANCES], axis=1)[:, :, np.newaxis]


@pytest.mark.parametrize(
    ("options", "distance", "false_accepts", "false_rejects"),
    [
        # Right of 8 up to each distance: 5, 6, 5, 6, 5, 6, 5, 4. The first is taken:
        # of equal ones that with the highest similarity.
        ({"criterion": "accuracy"}, 1.25, 0 / 4, 2 / 4),
        # F1, 2 TP / (accepted + 4): 2/5, 4/6, 4/7, 6/8, 6/9, 8/10, 8/11, 8/12.
        ({"criterion": "f1"}, 4.5, 2 / 4, 0 / 4),
        # At most one of four: up to 2, before the second different one at 3.
        ({"criterion": "far", "max_false_accept_rate": 0.25}, 2.5, 1 / 4, 1 / 4),
        ({"criterion": "far", "max_false_accept_rate": 0}, 1.25, 0 / 4, 2 / 4),
    ],
)
def test_threshold_of_a_worked_example(options, distance, false_accepts, false_rejects):
    verifier = PairVerifier(AS_IT_IS, **options).fit(WORKED, SAME)
    assert verifier.threshold_ == -distance
    assert verifier.false_accept_rate_ == false_accepts
    assert verifier.false_reject_rate_ == false_rejects
    # One of four wrongly accepted, and one of four wrongly refused, up to 2.
    assert verifier.equal_error_rate_ == 0.25
    np.testing.assert_array_equal(verifier.similarity(WORKED), -DISTANCES)
    np.testing.assert_array_equal(
        verifier.decision_function(WORKED), distance - DISTANCES
    )
    found = verifier.predict(WORKED)
    np.testing.assert_array_equal(found, (distance >= DISTANCES).astype(int))
    assert verifier.score(WORKED, SAME) == np.mean(found == SAME)
    # Of the first six, one of two different ones and two of four up to 1.5.
    assert verifier.equal_error_rate(WORKED[:6], SAME[:6]) == 0.5


def test_cosine_by_hand():
    X = np.array([[[1, 0], [3, 0]], [[1, 0], [0, 2]], [[1, 0], [1, 1]]], dtype=float)
    verifier = PairVerifier(AS_IT_IS, metric="cosine").fit(X, [1, 0, 1])
    expected = [1, 0, 0.5**0.5]
    np.testing.assert_allclose(verifier.similarity(X), expected, rtol=1e-15)
    assert verifier.threshold_ == pytest.approx(0.5**0.5 / 2)
    zero = np.array([[[0.0, 0.0], [1.0, 1.0]]])
    assert verifier.similarity(zero) == 0


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_sparse_embeddings(metric):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, size=(20, 2, 6)).astype(float)
    y = np.arange(20) % 2
    as_sparse = FunctionTransformer(sparse.csr_matrix)
    dense, thin = (
        PairVerifier(embedder, metric=metric).fit(X, y)
        for embedder in (AS_IT_IS, as_sparse)
    )
    np.testing.assert_allclose(thin.similarity(X), dense.similarity(X), atol=1e-15)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("factor", [1e160, 1e-165, 1e-309, 1e305])
def test_the_unit_does_not_matter(metric, factor):
    rng = np.random.default_rng(0)
    X = rng.integers(-4, 5, size=(30, 2, 3)) + 9.0
    y = np.arange(30) % 2
    expected = PairVerifier(AS_IT_IS, metric=metric).fit(X, y)
    for embedder in (AS_IT_IS, FunctionTransformer(sparse.csr_matrix)):
        found = PairVerifier(embedder, metric=metric).fit(X * factor, y)
        np.testing.assert_array_equal(found.predict(X * factor), expected.predict(X))
        assert found.equal_error_rate_ == expected.equal_error_rate_
        scale = factor if metric == "euclidean" else 1
        similarities = expected.similarity(X) * scale
        np.testing.assert_allclose(
            found.similarity(X * factor), similarities, rtol=1e-12, atol=1e-320
        )


def test_ends_of_single_precision():
    X = np.array([[[3e38, 3e38], [-3e38, -3e38]], [[1e-40, 0], [2e-40, 0]]], "f4")
    verifier = PairVerifier(AS_IT_IS).fit(X, [0, 1])
    np.testing.assert_allclose(verifier.similarity(X)[0], -6e38 * 2**0.5, rtol=1e-6)
    np.testing.assert_array_equal(verifier.predict(X), [0, 1])


@pytest.mark.parametrize("end", [Normalizer(), FunctionTransformer(), "passthrough"])
def test_pipelines_with_a_stateless_end(end):
    X, y = load_digits(return_X_y=True)
    X, y = X[:300], y[:300]
    pipeline = make_pipeline(PCA(5, random_state=0), end)
    verifier = PairVerifier(pipeline, input="rows", random_state=0).fit(X, y)
    assert verifier.embedder_ is not pipeline
    assert verifier.equal_error_rate_ < 0.5
    pairs = X.reshape(-1, 2, 64)
    of_pairs = PairVerifier(pipeline, random_state=0)
    of_pairs.fit(pairs, (y[::2] == y[1::2]).astype(int))
    assert of_pairs.predict(pairs).shape == (150,)
    frozen = FrozenEstimator(clone(pipeline).fit(X))
    assert PairVerifier(frozen, input="rows").fit(X, y).embedder_ is frozen


def test_refits_leave_nothing_of_the_fit_before():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 4)), np.arange(60) % 6
    pairs, same = X.reshape(-1, 2, 4), np.arange(30) % 2
    texts = np.array(TEXTS, dtype=object)[[[0, 1], [2, 3], [1, 2], [0, 3]]]
    for options, arrays in (
        ({"embedder": AS_IT_IS}, (pairs, same)),
        ({"embedder": ScaledPCA(2), "input": "rows", "metric": "cosine"}, (X, y)),
        ({"embedder": TfidfVectorizer().fit(TEXTS)}, (texts, [1, 1, 0, 0])),
    ):
        fresh = PairVerifier(random_state=0, **options).fit(*arrays)
        refitted = PairVerifier(ScaledPCA(3), input="rows", random_state=0)
        refitted.fit(pd.DataFrame(X, columns=list("abcd")), y)
        refitted.set_params(**{"input": "pairs", "metric": "euclidean"} | options)
        refitted.fit(*arrays)
        assert sorted(vars(refitted)) == sorted(vars(fresh))
        assert refitted.threshold_ == pytest.approx(fresh.threshold_, rel=1e-12)


def test_comparing_in_several_blocks(monkeypatch):
    whole = PairVerifier(AS_IT_IS).fit(WORKED, SAME).similarity(WORKED)
    module = "sklearn_replearn.metric_learning._pair_similarity._N_VALUES"
    monkeypatch.setattr(module, 3)
    parts = PairVerifier(AS_IT_IS).fit(WORKED, SAME).similarity(WORKED)
    np.testing.assert_allclose(parts, whole, rtol=1e-12)


# ---------------------------------------------------------------------------
# What is held out
# ---------------------------------------------------------------------------


def as_set(rows):
    return set(map(tuple, np.asarray(rows).tolist()))


def calibrated_on(verifier):
    """Rows of the pairs that the threshold was found from."""
    return verifier.embedder_.seen_[0]


@pytest.mark.parametrize("of", ["values", "indices"])
def test_held_out_pairs_share_no_row_with_the_others(
    rows_of_classes, labelled_pairs, of
):
    rows, y = rows_of_classes
    pairs, same = labelled_pairs
    # Every second pair hangs together with the next one.
    links = np.column_stack([pairs[:-1:2, 1], pairs[1::2, 0]])
    pairs = np.r_[pairs, links]
    same = np.r_[same, y[links[:, 0]] == y[links[:, 1]]]
    options = {} if of == "values" else {"preprocessor": rows}
    X = rows[pairs] if of == "values" else pairs
    for input_ in (None, "pairs"):
        verifier = PairVerifier(Recorder(input_), random_state=0, **options)
        verifier.fit(X, same)
        fitted_on, held_out = as_set(verifier.embedder_.X_), calibrated_on(verifier)
        assert not fitted_on & as_set(held_out)
        assert fitted_on | as_set(held_out) == as_set(rows[np.unique(pairs)])
        assert len(held_out) == pytest.approx(0.2 * len(np.unique(pairs)), abs=8)
        if input_ == "pairs":
            assert 0 < np.mean(verifier.embedder_.y_) < 1
            assert verifier.embedder_.preprocessor is None


def test_equal_rows_count_as_one(rows_of_classes, labelled_pairs):
    """By their content: the same row in two arrays of pairs is not held out of one."""
    rows, _ = rows_of_classes
    pairs, same = labelled_pairs
    X = np.r_[rows[pairs], rows[pairs[:, ::-1]].copy()]
    verifier = PairVerifier(Recorder(), random_state=0).fit(X, np.r_[same, same])
    assert not as_set(verifier.embedder_.X_) & as_set(calibrated_on(verifier))


def test_pairs_that_all_hang_together(rows_of_classes):
    rows, y = rows_of_classes
    pairs = np.array(list(itertools.combinations(range(0, 100, 3), 2)))
    same = y[pairs[:, 0]] == y[pairs[:, 1]]
    verifier = PairVerifier(Recorder("pairs"), preprocessor=rows, random_state=0)
    with pytest.warns(UserWarning, match=r"hang together .* (\d+) of 561 pairs"):
        verifier.fit(pairs, same)
    fitted_on, held_out = as_set(verifier.embedder_.X_), as_set(calibrated_on(verifier))
    assert not fitted_on & held_out
    n_used = len(verifier.embedder_.y_)
    n_held_out = len(held_out) * (len(held_out) - 1) // 2
    assert n_held_out / (n_held_out + n_used) == pytest.approx(0.2, abs=0.05)


def test_held_out_classes_are_unseen(rows_of_classes):
    rows, y = rows_of_classes
    class_of = dict(zip(map(tuple, rows.tolist()), y, strict=True))
    chosen = set()
    for seed in range(5):
        verifier = PairVerifier(
            Recorder(), input="rows", validation_fraction=0.3, random_state=seed
        ).fit(rows, y)
        seen = set(verifier.embedder_.y_.tolist())
        held_out = {class_of[row] for row in as_set(calibrated_on(verifier))}
        assert len(held_out) == 3
        assert not seen & held_out
        assert seen | held_out == set(range(10))
        chosen.add(frozenset(held_out))
    assert len(chosen) > 1


def test_few_classes_give_a_share_of_their_rows(rows_of_classes):
    rows, y = rows_of_classes
    verifier = PairVerifier(Recorder(), input="rows", random_state=0)
    verifier.fit(rows, y % 3)
    held_out = calibrated_on(verifier)
    assert len(held_out) == 20
    assert not as_set(verifier.embedder_.X_) & as_set(held_out)
    assert set(verifier.embedder_.y_.tolist()) == {0, 1, 2}


def test_class_with_one_row_may_be_held_out():
    rows, y = np.arange(9.0)[:, np.newaxis], np.array(list("aabcdefgh"))
    for seed in range(5):
        verifier = PairVerifier(Recorder(), input="rows", random_state=seed)
        verifier.fit(rows, y)
        assert {(0.0,), (1.0,)} <= as_set(calibrated_on(verifier))


def test_pairs_formed_of_rows():
    codes = np.array([2, 0, 0, 1, 0, 1, 5])
    rng = np.random.RandomState(0)
    pairs, is_same = form_pairs(codes, 1000, rng)
    np.testing.assert_array_equal(codes[pairs[:, 0]] == codes[pairs[:, 1]], is_same)
    assert is_same.sum() == 4  # three of class 0 and one of class 1
    assert len(pairs) == 8
    assert len({frozenset(pair) for pair in pairs.tolist()}) == 8
    assert (pairs[:, 0] != pairs[:, 1]).all()
    every = {frozenset(pair) for pair in pairs[is_same].tolist()}
    assert every == {frozenset(p) for p in ((1, 2), (1, 4), (2, 4), (3, 5))}
    for n_pairs in (2, 5, 6):
        pairs, is_same = form_pairs(codes, n_pairs, rng)
        assert is_same.sum() == (~is_same).sum() == n_pairs // 2
    # All pairs come about as often.
    drawn = np.concatenate([form_pairs(codes, 4, rng)[0] for _ in range(1500)])
    _, counts = np.unique(np.sort(drawn, axis=1), axis=0, return_counts=True)
    assert len(counts) == 21
    assert counts[counts.argsort()[:17]].max() < 1.4 * 3000 / 17


def test_few_different_pairs():
    pairs, is_same = form_pairs(
        np.array([0, 0, 0, 0, 1]), 100, np.random.RandomState(0)
    )
    assert is_same.sum() == 6
    assert len(pairs) == 10


# ---------------------------------------------------------------------------
# Embedders and inputs
# ---------------------------------------------------------------------------


def test_fitted_embedder_is_used_as_it_is(rows_of_classes, labelled_pairs):
    rows, y = rows_of_classes
    pairs, same = labelled_pairs
    pca = ScaledPCA(n_components=2).fit(rows)
    before = pickle.dumps(pca)
    Z = pca.transform(rows)
    expected = -np.linalg.norm(Z[pairs[:, 0]] - Z[pairs[:, 1]], axis=1)
    for embedder in (pca, FrozenEstimator(pca)):
        verifier = PairVerifier(embedder).fit(rows[pairs], same)
        assert verifier.embedder_ is embedder
        np.testing.assert_allclose(verifier.similarity(rows[pairs]), expected)
        assert verifier.n_features_in_ == 4
        errors = [verifier.false_accept_rate_, verifier.false_reject_rate_]
        found = verifier.predict(rows[pairs]).astype(bool)
        assert errors == [found[~same].mean(), (~found[same]).mean()]
    assert pickle.dumps(pca) == before
    of_rows = PairVerifier(pca, input="rows", random_state=0).fit(rows, y)
    assert of_rows.embedder_ is pca


def test_unfitted_embedder_is_cloned(rows_of_classes, labelled_pairs):
    rows, _ = rows_of_classes
    pairs, same = labelled_pairs
    pca = ScaledPCA(n_components=2)
    verifier = PairVerifier(pca, random_state=0).fit(rows[pairs], same)
    assert not hasattr(pca, "components_")
    assert verifier.embedder_.n_features_in_ == 4


@pytest.mark.parametrize("cls", [SiameseTransformer, MahalanobisTransformer])
def test_embedders_that_learn_from_pairs(rows_of_classes, labelled_pairs, cls):
    rows, y = rows_of_classes
    pairs, same = labelled_pairs
    options = {"max_epochs": 3, "random_state": 0}
    embedder = cls(3, input="pairs", **options)
    by_value = PairVerifier(embedder, random_state=0).fit(rows[pairs], same)
    assert by_value.embedder_.n_features_in_ == 4
    by_index = PairVerifier(embedder, preprocessor=rows, random_state=0)
    by_index.fit(pairs, same)
    assert by_index.similarity(pairs).shape == (len(pairs),)
    of_rows = PairVerifier(cls(3, **options), input="rows", random_state=0)
    of_rows.fit(rows, y)
    np.testing.assert_array_equal(of_rows.classes_, [0, 1])


def test_default_embedder_learns_digits():
    X, y = load_digits(return_X_y=True)
    verifier = PairVerifier(input="rows", random_state=0).fit(X[:1200], y[:1200])
    assert isinstance(verifier.embedder_, SiameseTransformer)
    assert verifier.embedder_.input == "rows"
    pairs, digits = X[1200:1600].reshape(-1, 2, 64), y[1200:1600].reshape(-1, 2)
    assert verifier.equal_error_rate(pairs, digits[:, 0] == digits[:, 1]) < 0.2
    again = PairVerifier(input="rows", random_state=0).fit(X[:1200], y[:1200])
    assert again.threshold_ == verifier.threshold_


def test_images():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 5
    X = rng.integers(0, 80, size=(40, 6, 6)).astype(np.uint8)
    X[np.arange(40), y] += 150
    embedder = SiameseTransformer(channels=(4,), random_state=0, **SMALL)
    verifier = PairVerifier(embedder, input="rows", random_state=0).fit(X, y)
    found = verifier.predict(X.reshape(20, 2, 6, 6))
    assert found.shape == (20,)
    assert verifier.embedder_.image_shape_ == (6, 6, 1)


TEXTS = ["red green blue red", "green red blue", "one two three", "three two one two"]


@pytest.mark.parametrize(
    "embedder", [PMIEmbedding(2, min_count=1, random_state=0), TfidfVectorizer()]
)
def test_texts(embedder):
    texts = [f"{text} {text}" for text in TEXTS]
    order = np.array([[0, 1], [2, 3], [1, 2], [0, 3]])
    same = [1, 1, 0, 0]
    fitted = embedder.fit(texts)
    X = np.array(texts, dtype=object)[order]
    by_value = PairVerifier(fitted, metric="cosine").fit(X, same)
    assert by_value.score(X, same) == 1
    assert by_value.score(X.tolist(), same) == 1
    by_index = PairVerifier(fitted, metric="cosine", preprocessor=texts)
    by_index.fit(order, same)
    found, expected = by_index.similarity(order), by_value.similarity(X)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    of_rows = PairVerifier(fitted, input="rows", metric="cosine", random_state=0)
    of_rows.fit(texts, ["colour", "colour", "number", "number"])
    assert of_rows.score(X, same) == 1


def test_texts_to_fit_on():
    rng = np.random.default_rng(0)
    words = np.array([list("abcdef"), list("uvwxyz")])
    kinds = np.arange(60) % 2
    texts = [" ".join(rng.choice(words[kind], 12)) for kind in kinds]
    embedder = PMIEmbedding(2, min_count=1, token_pattern=r"\w", random_state=0)
    tokens = [text.split() for text in texts]
    for documents in (texts, tokens):
        verifier = PairVerifier(embedder, preprocessor=documents, random_state=0)
        pairs = np.arange(60)[rng.permutation(60)].reshape(-1, 2)
        same = kinds[pairs[:, 0]] == kinds[pairs[:, 1]]
        assert verifier.fit(pairs, same).score(pairs, same) > 0.8


def test_data_frames(rows_of_classes, labelled_pairs):
    pd = pytest.importorskip("pandas")
    rows, y = rows_of_classes
    pairs, same = labelled_pairs
    frame = pd.DataFrame(rows, columns=list("abcd"))
    verifier = PairVerifier(
        ScaledPCA(n_components=2), preprocessor=frame, random_state=0
    ).fit(pairs, same)
    assert list(verifier.feature_names_in_) == list("abcd")
    plain = PairVerifier(
        ScaledPCA(n_components=2), preprocessor=rows, random_state=0
    ).fit(pairs, same)
    assert plain.threshold_ == pytest.approx(verifier.threshold_, rel=1e-12)
    of_rows = PairVerifier(ScaledPCA(n_components=2), input="rows", random_state=0)
    of_rows.fit(frame, pd.Series(y))
    assert list(of_rows.feature_names_in_) == list("abcd")


def test_labels_of_minus_one(rows_of_classes, labelled_pairs):
    rows, _ = rows_of_classes
    pairs, same = labelled_pairs
    signs = np.where(same, 1, -1)
    verifier = PairVerifier(AS_IT_IS).fit(rows[pairs], signs)
    np.testing.assert_array_equal(verifier.classes_, [-1, 1])
    assert set(verifier.predict(rows[pairs]).tolist()) == {-1, 1}
    assert verifier.score(rows[pairs], signs) == verifier.score(rows[pairs], same)


def test_single_precision_stays(labelled_pairs, rows_of_classes):
    rows, _ = rows_of_classes
    pairs, same = labelled_pairs
    X = rows[pairs].astype(np.float32)
    verifier = PairVerifier(AS_IT_IS).fit(X, same)
    assert verifier.decision_function(X).dtype == np.float32
    accepted = verifier.predict(X).astype(bool)
    assert verifier.false_accept_rate_ == accepted[~same].mean()


# ---------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((4, 3, 5)), r"X has shape \(4, 3, 5\), but pairs have shape"),
        (np.ones((4, 5)), r"X has shape \(4, 5\), but pairs have shape"),
        (np.ones((4, 2)), "there is no table that they point into; pass preprocessor"),
        (np.ones((0, 2, 5)), "X has no pairs"),
        (np.full((4, 2, 5), np.nan), "contains NaN"),
    ],
)
def test_bad_pairs(X, message):
    y = [0, 1, 0, 1][: len(X)]
    with pytest.raises(ValueError, match=message):
        PairVerifier(AS_IT_IS).fit(X, y)
    with pytest.raises(ValueError, match=message):
        PairVerifier(AS_IT_IS).fit(WORKED, SAME).predict(X)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "PairVerifier requires y to be passed"),
        ([0, 1, 2, 0, 1, 1, 1, 1], "y has the labels 0, 1, 2, but pairs are labelled"),
        (np.ones(8), "y has 1 class: all pairs are the same"),
        ([0, 1, np.nan, 1, 1, 1, 1, 1], "Row 2 of y is missing"),
        ([0, 1, 1], "inconsistent numbers of samples"),
    ],
)
def test_bad_labels(y, message):
    verifier = PairVerifier(AS_IT_IS)
    with pytest.raises(ValueError, match=message):
        verifier.fit(WORKED, y)
    assert not hasattr(verifier, "threshold_")


def test_bad_indices(rows_of_classes, labelled_pairs):
    rows, _ = rows_of_classes
    pairs, same = labelled_pairs
    verifier = PairVerifier(AS_IT_IS, preprocessor=rows).fit(pairs, same)
    with pytest.raises(ValueError, match=r"Pair 0 of X is \[0, 100\], but the prep"):
        verifier.predict([[0, 100]])
    with pytest.raises(ValueError, match="Pair 1 of X"):
        verifier.fit([[0, 1], [5, -1]], [0, 1])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y .* it forms pairs of the same class"),
        (np.zeros(100), "y has 1 class"),
        (np.r_[0, np.ones(99)], r"Class 0\.0 of y has too few rows \(1\): of each"),
        (np.array(["a", None] * 50, dtype=object), "Row 1 of y is missing"),
    ],
)
def test_bad_classes(rows_of_classes, y, message):
    rows, _ = rows_of_classes
    with pytest.raises(ValueError, match=message):
        PairVerifier(PCA(2), input="rows").fit(rows, y)


@pytest.mark.filterwarnings("ignore:The number of unique classes")
@pytest.mark.parametrize(
    ("embedder", "message"),
    [(PCA(2), "two rows of one class at least"), (AS_IT_IS, "two rows of one of them")],
)
def test_classes_with_one_row_each(rows_of_classes, embedder, message):
    rows, _ = rows_of_classes
    with pytest.raises(ValueError, match=message):
        PairVerifier(embedder, input="rows").fit(rows, np.arange(100))


@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_one_class_with_several_rows(rows_of_classes):
    rows, _ = rows_of_classes
    y = np.r_[np.zeros(90), 1 + np.arange(10)]
    message = "Only one class of y has two rows: it is held out"
    with pytest.raises(ValueError, match=message):
        PairVerifier(input="rows", random_state=0).fit(rows, y)
    PairVerifier(PCA(2), input="rows", random_state=0).fit(rows, y)


def test_pipeline_that_ends_with_a_learner_from_pairs(labelled_pairs, rows_of_classes):
    rows, _ = rows_of_classes
    pairs, same = labelled_pairs
    pipeline = make_pipeline(StandardScaler(), SiameseTransformer(input="pairs"))
    with pytest.raises(ValueError, match="ends with a SiameseTransformer with input="):
        PairVerifier(pipeline).fit(rows[pairs], same)


def test_clones_share_the_table():
    table = np.eye(3)
    for estimator in (PairVerifier(), PairClassifier(), SiameseTransformer()):
        twin = clone(estimator.set_params(preprocessor=table, random_state=3))
        assert twin.preprocessor is table
        assert twin.random_state == 3


def test_embedder_that_needs_classes(rows_of_classes, labelled_pairs):
    rows, _ = rows_of_classes
    pairs, same = labelled_pairs
    verifier = PairVerifier(LinearDiscriminantAnalysis())
    with pytest.raises(ValueError, match="LinearDiscriminantAnalysis learns from cl"):
        verifier.fit(rows[pairs], same)


def test_embedder_of_another_input(rows_of_classes, labelled_pairs):
    rows, y = rows_of_classes
    pairs, same = labelled_pairs
    with pytest.raises(ValueError, match="but its SiameseTransformer has input='rows'"):
        PairVerifier(SiameseTransformer()).fit(rows[pairs], same)
    embedder = SiameseTransformer(input="pairs")
    with pytest.raises(
        ValueError, match="but its SiameseTransformer has input='pairs'"
    ):
        PairVerifier(embedder, input="rows").fit(rows, y)
    embedder.set_params(preprocessor=rows)
    with pytest.raises(ValueError, match="preprocessor of its own; give it to PairVer"):
        PairVerifier(embedder).fit(rows[pairs], same)


def test_fitted_embedder_of_another_width(rows_of_classes):
    rows, _ = rows_of_classes
    verifier = PairVerifier(StandardScaler().fit(rows[:, :3]))
    with pytest.raises(ValueError, match="X has 1 features, but StandardScaler is exp"):
        verifier.fit(WORKED, SAME)


def test_embedder_that_loses_rows():
    verifier = PairVerifier(FunctionTransformer(lambda X: X[1:]))
    with pytest.raises(
        ValueError, match="There are 16 rows, but the embedder gives 15"
    ):
        verifier.fit(WORKED, SAME)


def test_rate_that_cannot_be_met():
    X = WORKED[::-1]
    worse = np.array([1, 1, 1, 1, 0, 0, 0, 0])  # all different ones are nearer
    verifier = PairVerifier(AS_IT_IS, criterion="far", max_false_accept_rate=0.5)
    with pytest.raises(ValueError, match=r"=0.5 cannot be met: of 4 different pairs"):
        verifier.fit(X, worse)


def test_rate_that_cannot_be_told():
    verifier = PairVerifier(AS_IT_IS, criterion="far")
    with pytest.warns(
        UserWarning, match=r"=0.01 cannot be told from 0 by 4 .* 100 are"
    ):
        verifier.fit(WORKED, SAME)
    assert verifier.threshold_ == -1.25


def test_too_few_pairs_to_hold_some_out():
    with pytest.raises(ValueError, match="No part of the 3 pairs can be held out"):
        PairVerifier(PCA(1)).fit(WORKED[:3], SAME[:3])
