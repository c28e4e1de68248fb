"""Scores of words against loops; queries keep nothing and follow the vectors."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_replearn import _word_scores
from sklearn_replearn._word_scores import as_units, cosines, largest
from sklearn_replearn.text import (
    LSA,
    PMIEmbedding,
    PretrainedEmbedding,
    SkipGramEmbedding,
)

DOCUMENTS = ["the cat saw the dog", "a dog ran", "the cat ran", "a bond fell", "the"]
WORDS = {word: np.float32([i % 3 - 1, i, 1]) for i, word in enumerate("abcdefghijk")}
ESTIMATORS = [
    LSA(2, random_state=0),
    PMIEmbedding(2, min_count=1, random_state=0),
    SkipGramEmbedding(2, min_count=1, subsample=0, random_state=0),
    PretrainedEmbedding({"the": [1.0, 2.0], "cat": [2.0, 1.0], "dog": [0.0, -1.0]}),
]


def kind(estimator):
    return type(estimator).__name__


def slow_cosine(a, b):
    a, b = (x.astype(np.longdouble) / (np.abs(x).max() or 1) for x in (a, b))
    norm = np.sqrt(a @ a) * np.sqrt(b @ b)
    return float(a @ b / norm) if norm else 0.0


@pytest.mark.parametrize(
    ("dtype", "scales"),
    [
        (np.float32, [1, 1e-42, 1e-30, 1e-18, 1e18, 1e37]),
        (np.float64, [1, 1e-310, 1e-200, 1e160, 1e306]),
    ],
)
@pytest.mark.parametrize("block_size", [1, 100, 1 << 20])
def test_cosines_by_a_loop(monkeypatch, dtype, scales, block_size):
    monkeypatch.setattr(_word_scores, "BLOCK_SIZE", block_size)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 5)).astype(dtype) * rng.choice(scales, (40, 1))
    vectors = vectors.astype(dtype)
    vectors[7] = 0
    queries = vectors[[3, 7, 12]]
    expected = [[slow_cosine(query, vector) for vector in vectors] for query in queries]
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    found = cosines(vectors, as_units(queries))
    # The numbers next to zero have fewer digits.
    coarse = np.abs(vectors).max(axis=1) < 1e3 * np.finfo(dtype).tiny
    assert_allclose(found[:, ~coarse], np.array(expected)[:, ~coarse], atol=tolerance)
    assert_allclose(found, expected, atol=0.05)
    assert found.dtype == dtype
    scale = rng.uniform(1, 2, 5).astype(dtype)
    assert_allclose(
        cosines(vectors[~coarse][:5], as_units(queries), scale),
        cosines(vectors[~coarse][:5] * scale, as_units(queries)),
        atol=tolerance,
    )


def test_units():
    units = as_units(np.array([[3e-310, 4e-310], [3e300, -4e300], [0, 0]]))
    assert_allclose(units, [[0.6, 0.8], [0.6, -0.8], [0, 0]])


@pytest.mark.parametrize("n", [1, 3, 10, 50, 51, 100])
def test_largest_are_in_order_and_the_first_of_equals_first(n):
    values = np.random.default_rng(0).integers(0, 8, 50).astype(float)
    assert_array_equal(largest(values, n), np.argsort(-values, kind="stable")[:n])


def test_ties_are_in_the_order_of_the_vocabulary():
    equal = {word: [1.0, 0.0] for word in "abcdefgh"} | {"i": [1.0, 1.0]}
    embedding = PretrainedEmbedding(equal, token_pattern=".").fit(["abc"])
    for topn in range(1, 9):
        words = [word for word, _ in embedding.most_similar("c", topn=topn)]
        assert words == list("abdefghi")[:topn]
    assert [word for word, _ in embedding.analogy("a", "b", "d", topn=3)] == list("cef")
    assert len(embedding.most_similar("c", topn=100)) == 8


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=kind)
def test_queries_keep_nothing(estimator):
    estimator.fit(DOCUMENTS)
    before, saved = dict(vars(estimator)), pickle.dumps(estimator)
    word = next(iter(estimator.vocabulary_))
    estimator.most_similar(word)
    estimator.analogy(word, word, word)
    estimator.similarity(word, word)
    assert vars(estimator).keys() == before.keys()
    assert all(vars(estimator)[name] is value for name, value in before.items())
    assert pickle.dumps(estimator) == saved


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=kind)
def test_queries_follow_a_refit(estimator):
    estimator.fit(DOCUMENTS)
    estimator.most_similar("the")
    fresh = pickle.loads(pickle.dumps(estimator))
    estimator.fit(DOCUMENTS[:2])
    fresh.fit(DOCUMENTS[:2])
    assert estimator.most_similar("the") == fresh.most_similar("the")
    for word, similarity in estimator.most_similar("the"):
        assert_allclose(similarity, estimator.similarity("the", word), atol=1e-6)


def test_queries_follow_vectors_that_are_changed():
    embedding = PretrainedEmbedding(WORDS, token_pattern=".").fit(["abc"])
    embedding.most_similar("a")
    embedding.word_vectors_[1:] *= -1
    assert embedding.most_similar("a")[0][1] == pytest.approx(
        max(embedding.similarity("a", word) for word in "bcdefghijk"), abs=1e-6
    )
    embedding.word_vectors_ = embedding.word_vectors_[::-1]
    assert embedding.similarity("a", "b") == pytest.approx(
        dict(embedding.most_similar("a", topn=10))["b"], abs=1e-6
    )


def test_queries_in_threads():
    embedding = PretrainedEmbedding(WORDS, token_pattern=".").fit(["abc"])
    expected = [embedding.most_similar(word) for word in WORDS]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            assert list(pool.map(embedding.most_similar, WORDS)) == expected
