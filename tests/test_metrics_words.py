"""Word similarity and analogies against slow loops, gensim, and bad input."""

import pickle
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import spearmanr
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, ShuffleSplit, cross_validate
from sklearn.pipeline import make_pipeline

from sklearn_replearn import metrics
from sklearn_replearn.metrics import word_analogy_accuracy, word_similarity
from sklearn_replearn.text import LSA

PAIRS = [("king", "queen", 9), ("man", "she", 5), ("he", "throne", 2), ("a", "b", 1)]
QUESTIONS = [("man", "king", "woman", "queen"), ("king", "throne", "queen", "woman")]
THINGS = {"king": "throne", "queen": "throne", "man": "street", "woman": "street"}
PRONOUNS = {"king": "he", "man": "he", "queen": "she", "woman": "she"}
DOCUMENTS = [f"{a} {b}" for words in (THINGS, PRONOUNS) for a, b in words.items()]


class Vectors:
    """The least that the functions need: words, called w0, w1, ..., with vectors."""

    def __init__(self, vectors):
        self.vectors = np.asarray(vectors)
        self.vocabulary_ = {f"w{row}": row for row in range(len(vectors))}

    def embed_words(self, words):
        return self.vectors[[self.vocabulary_[word] for word in words]]


@pytest.fixture(scope="module")
def wordsim_file(gensim_data):
    return gensim_data / "wordsim353.tsv"


@pytest.fixture(scope="module")
def wordsim(wordsim_file):
    return [line.split("\t") for line in wordsim_file.read_text().splitlines()[2:]]


@pytest.fixture(scope="module")
def lsa():
    return LSA(n_components=3).fit(DOCUMENTS)


def test_similarity_by_a_loop_and_by_gensim(lee_corpus, wordsim, wordsim_file):
    lsa = LSA(n_components=20, random_state=0).fit(lee_corpus)
    known = [
        (float(score), lsa.similarity(a.lower(), b.lower()))
        for a, b, score in wordsim
        if {a.lower(), b.lower()} <= lsa.vocabulary_.keys()
    ]
    score, n_covered = word_similarity(lsa, wordsim)
    assert n_covered == len(known) < len(wordsim)
    assert score == pytest.approx(spearmanr(known).statistic, abs=1e-12)
    _, theirs, unknown = lsa.to_keyed_vectors().evaluate_word_pairs(wordsim_file)
    assert score == pytest.approx(theirs.statistic, abs=1e-4)
    assert n_covered == round(len(wordsim) * (1 - unknown / 100))


def test_similarity_by_hand():
    # Cosines 1, 0 (with a zero vector), 0.6 and -1 have the ranks 4, 2, 3, 1.
    model = Vectors([[2, 0], [0, 0], [3, 4], [-1, 0]])
    pairs = [("W0", "w0", 9), ("w0", "w1", 5), ("w2", "w0", 3), ("w0", "w3", 1)]
    score, n_covered = result = word_similarity(model, [*pairs, ("w0", "w9", 7)])
    assert (score, n_covered) == (pytest.approx(0.8), 4)
    assert result._asdict() == {"score": float(result), "n_covered": 4}
    assert [type(value) for value in result] == [float, int]


def test_rounding_makes_no_order():
    lengths, direction = np.random.default_rng(0).standard_normal((2, 20))
    model = Vectors(np.outer(lengths, direction).astype(np.float32))
    pairs = [(word, word, row) for word, row in model.vocabulary_.items()]
    with pytest.raises(ValueError, match=r"All 20 pairs .* the same cosine \(1\)"):
        word_similarity(model, pairs)


@pytest.mark.parametrize("method", ["add", "multiply"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_components", [1, 2, 30])
def test_analogies_by_a_loop(monkeypatch, method, dtype, n_components):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((40, n_components)).astype(dtype)
    vectors[20:30] = 3 * vectors[:10]  # ties, exact or but for rounding
    vectors[30] = 0
    lsa, model = LSA(), Vectors(vectors)
    lsa.vocabulary_ = model.vocabulary_
    lsa.components_, lsa.singular_values_ = vectors.T, 1
    questions, right = [], []
    for *given, place in rng.integers(40, size=(200, 4)):
        words = [f"w{row}" for row in given]
        best = [word for word, _ in lsa.analogy(*words, method=method, topn=4)]
        questions.append([*words, best[place % 4]])
        right.append(place % 4 == 0)
    for block_size in (1, 40 * 3 * 7, 10**7):
        monkeypatch.setattr(metrics._words, "_BLOCK_SIZE", block_size)
        result = word_analogy_accuracy(lsa, questions, method=method)
        assert result == (np.mean(right), 200)
    assert word_analogy_accuracy(model, questions[:1], method=method) == (right[0], 1)


def test_upper_case_unknown_and_given_words(lsa):
    questions = [("Man", "KING", "woman", "Queen"), ("man", "king", "girl", "princess")]
    assert word_analogy_accuracy(lsa, questions) == (1, 1)
    assert word_analogy_accuracy(lsa, [("man", "king", "woman", "king")]) == (0, 1)


@pytest.mark.parametrize(
    "container", [iter, np.array, pd.DataFrame, partial(pl.DataFrame, orient="row")]
)
def test_containers(lsa, container):
    assert word_similarity(lsa, container(PAIRS)) == word_similarity(lsa, PAIRS)
    assert word_analogy_accuracy(lsa, container(QUESTIONS)) == (0.5, 2)
    sections = [("family", *question) for question in QUESTIONS]
    assert word_analogy_accuracy(lsa, container(sections)) == (0.5, 2)


BAD_PAIRS = [
    ("king", r"pairs is of type str, but rows \(word, word, score\) are expected"),
    ([], r"pairs holds no rows; at least one \(word, word, score\) is needed"),
    ([PAIRS[0], "car"], "Row 1 of pairs is 'car', but"),
    ([("a", "b")], r"Row 0 of pairs has 2 columns, but \(word, word, score\) is"),
    (np.ones((2, 3)), "Row 0 of pairs has 1.0 for a word, which is not a string"),
    ([PAIRS[0], ("a", None, 1)], "Row 1 of pairs has None for a word"),
    ([("a", "b", "high")], "Row 0 of pairs has the score 'high', which is not a fin"),
    ([("a", "b", np.nan)], "Row 0 of pairs has the score nan"),
    (PAIRS[-1:], "None of the 1 pairs has both words in the .* 'a', for one, is not"),
    (PAIRS[-2:], "Only 1 of the 2 pairs has both .* correlation needs at least 2"),
    ([("king", "he", 3), ("he", "she", 3)], r"All 2 .* same human score \(3\)"),
]
BAD_QUESTIONS = [
    ("king", r"rows \(a, b, c, d\) or \(section, a, b, c, d\) are expected"),
    ([[": family"]], r"Row 0 of questions has 1 column, but \(a, b"),
    ([QUESTIONS[0], [*"sabcd"]], "Row 1 of .* has 5 columns, but row 0 has 4"),
    ([(*"abc", 4)], "Row 0 of questions has 4 for a word"),
    ([("king", "man", "queen", "girl")], "None of the 1 questions has all four words"),
]


@pytest.mark.parametrize(("pairs", "message"), BAD_PAIRS)
def test_bad_pairs(lsa, pairs, message):
    with pytest.raises(ValueError, match=message):
        word_similarity(lsa, pairs)


@pytest.mark.parametrize(("questions", "message"), BAD_QUESTIONS)
def test_bad_questions(lsa, questions, message):
    with pytest.raises(ValueError, match=message):
        word_analogy_accuracy(lsa, questions)


def test_estimators_with_and_without_words(lsa):
    pipeline = make_pipeline(lsa, LogisticRegression())
    assert word_similarity(pipeline, PAIRS) == word_similarity(lsa, PAIRS)
    for unfitted in (LSA(), make_pipeline(LSA(), LogisticRegression())):
        with pytest.raises(NotFittedError, match="This LSA instance is not fitted yet"):
            word_similarity(unfitted, PAIRS)
    with pytest.raises(TypeError, match="TfidfVectorizer has no embed_words; pass"):
        word_similarity(TfidfVectorizer().fit(DOCUMENTS), PAIRS)
    with pytest.raises(TypeError, match="Pipeline has no step with embed_words"):
        word_analogy_accuracy(make_pipeline(TfidfVectorizer()), QUESTIONS)
    with pytest.raises(TypeError, match="has embed_words but no vocabulary_, the dict"):
        word_similarity(SimpleNamespace(embed_words=len), PAIRS)


def test_a_scorer_chooses_settings(lee_corpus, wordsim):
    scorer = pickle.loads(pickle.dumps(metrics.make_word_similarity_scorer(wordsim)))
    assert repr(scorer) == "make_word_similarity_scorer(<353 pairs>)"
    with pytest.raises(ValueError, match="Row 0 of pairs has 4 columns"):
        metrics.make_word_similarity_scorer([[*"abcd"]])
    split = ShuffleSplit(1, test_size=0.1, random_state=0)
    grid = {"n_components": [5, 20]}
    search = GridSearchCV(LSA(random_state=0), grid, scoring=scorer, cv=split, n_jobs=2)
    assert len(set(search.fit(lee_corpus).cv_results_["mean_test_score"])) == 2
    assert 0 < scorer(search.best_estimator_, lee_corpus) < 1


def test_several_scorers(lsa):
    analogies = metrics.make_word_analogy_scorer(QUESTIONS, method="multiply")
    assert repr(analogies).endswith("scorer(<2 questions>, method='multiply')")
    with pytest.raises(ValueError, match="method must be 'add' or 'multiply', got 3"):
        metrics.make_word_analogy_scorer(QUESTIONS, method=3)
    both = {"pairs": metrics.make_word_similarity_scorer(PAIRS), "analogies": analogies}
    scores = cross_validate(LSA(3), DOCUMENTS, scoring=both, cv=[(range(8), [0])])
    assert scores["test_pairs"] == float(word_similarity(lsa, PAIRS))
    assert scores["test_analogies"] == analogies(lsa, DOCUMENTS) == 0.5
