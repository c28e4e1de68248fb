"""PMIEmbedding against counts by hand and by loops, and its decomposition."""

import tracemalloc
from itertools import repeat

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_limits

from sklearn_replearn._cooccurrence import (
    count_pairs,
    keep_probabilities,
    pointwise_mutual_information,
    window_weights,
)
from sklearn_replearn.text import PMIEmbedding
from sklearn_replearn.utils.estimator_checks import make_check_data

SENTENCES = ["we like cats", "we like dogs", "dogs like cats"]
PLAIN = {
    "window_weighting": "uniform",
    "smoothing": 1.0,
    "subsample": 0.0,
    "eigenvalue_weight": 1.0,
    "min_count": 1,
}


def tokens_of(documents):
    ids = np.concatenate(documents).astype(np.int32)
    return ids, np.cumsum([*map(len, documents)])


def counts_by_loop(documents, n_words, weights):
    counts = np.zeros((n_words, n_words))
    for document in documents:
        for i, word in enumerate(document):
            for j, other in enumerate(document):
                if 0 < abs(i - j) <= len(weights):
                    counts[word, other] += weights[abs(i - j) - 1]
    return counts


def pmi_by_loop(counts, smoothing, shift, positive):
    pmi = np.zeros_like(counts)
    contexts = counts.sum(axis=0) ** smoothing
    for w, c in zip(*counts.nonzero(), strict=True):
        share = contexts[c] / contexts.sum()
        pmi[w, c] = np.log(counts[w, c] / (counts[w].sum() * share)) - np.log(shift)
    return np.maximum(pmi, 0) if positive else pmi


def test_three_sentences_by_hand():
    # Neighbours at distance 1: we-like twice, like-cats twice, like-dogs twice.
    # Of 12 (word, neighbour) pairs, "like" has 6, each other word 2.
    pmi = PMIEmbedding(n_components=2, window=1, **PLAIN).fit(SENTENCES)
    assert list(pmi.vocabulary_) == ["like", "we", "cats", "dogs"]
    expected = [[0, 2, 2, 2], [2, 0, 0, 0], [2, 0, 0, 0], [2, 0, 0, 0]]
    assert_array_equal(pmi.cooccurrence_.toarray(), expected)
    # PMI(like, we) = log(2 * 12 / (6 * 2)) = log 2, and so for the other two.
    assert_allclose(pmi.singular_values_, np.sqrt(3) * np.log(2), rtol=1e-6)
    scores = np.abs(pmi.word_vectors_ @ pmi.word_vectors_.T)
    assert_allclose(scores[0], [3 * np.log(2) ** 2, 0, 0, 0], atol=1e-6)
    assert_allclose(scores[1:, 1:], np.log(2) ** 2, rtol=1e-6)


def test_windows_end_with_the_document_and_are_weighted_by_distance():
    linear = PMIEmbedding(1, window=2, **PLAIN | {"window_weighting": "linear"})
    counts = linear.fit(["we like cats cats", "dogs"]).cooccurrence_.toarray()
    words = {word: i for i, word in enumerate(linear.vocabulary_)}
    cats, we, like, dogs = (words[w] for w in ("cats", "we", "like", "dogs"))
    assert counts[we, like] == 1
    assert counts[we, cats] == 0.5  # its first occurrence; the second is too far
    assert counts[like, cats] == 1.5
    assert counts[cats, cats] == 2  # seen from either side
    assert not counts[dogs].any()


@pytest.mark.parametrize("weighting", ["uniform", "linear", "harmonic"])
@pytest.mark.parametrize("window", [1, 4, 30])
def test_counts_by_a_loop(weighting, window):
    rng = np.random.default_rng(0)
    documents = [rng.integers(0, 9, size) for size in (0, 1, 12, 0, 25, 3, 0)]
    weights = window_weights(weighting, window)
    expected = counts_by_loop(documents, 9, weights)
    for pairs_at_a_time in (1, 7, 40, 10**6):
        pairs = count_pairs(
            [tokens_of(documents)], 9, weights, pairs_at_a_time=pairs_at_a_time
        ).toarray()
        assert_allclose(pairs + pairs.T, expected, rtol=1e-5)
        assert not np.tril(pairs, -1).any()
    parts = (tokens_of(documents[i : i + 3]) for i in range(0, 7, 3))
    pairs = count_pairs(parts, 9, weights).toarray()
    assert_allclose(pairs + pairs.T, expected, rtol=1e-5)


def test_the_weights_are_word2vecs_and_gloves():
    assert_allclose(window_weights("linear", 4), [1, 0.75, 0.5, 0.25])
    assert_allclose(window_weights("harmonic", 3), [1, 1 / 2, 1 / 3])
    assert_allclose(window_weights("linear", 4, longest=3), [1, 0.75])
    rng = np.random.default_rng(0)  # word2vec draws the window from 1 to its largest
    reached = rng.integers(1, 5, size=(100_000, 1)) >= np.arange(1, 5)
    assert_allclose(reached.mean(axis=0), window_weights("linear", 4), atol=0.01)


@pytest.mark.parametrize("smoothing", [0.0, 0.75, 1.0])
@pytest.mark.parametrize("shift", [1.0, 3.0])
@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("subsample", [0.0, 0.02])
def test_pmi_by_a_loop(smoothing, shift, positive, subsample):
    rng = np.random.default_rng(1)
    documents = [(12 * rng.random(15) ** 2).astype(int) for _ in range(20)]
    weights = window_weights("linear", 3)
    occurrences = np.bincount(np.concatenate(documents))
    keep = keep_probabilities(occurrences, subsample)
    if subsample:
        shares = occurrences / occurrences.sum()
        assert_allclose(keep, np.minimum(1, (subsample / shares) ** 0.5), rtol=1e-6)
    settings = {"smoothing": smoothing, "shift": shift, "positive": positive}
    pairs = count_pairs([tokens_of(documents)], 12, weights)
    indptr, indices, upper, lower = pointwise_mutual_information(
        pairs, keep, **settings
    )
    assert ((upper != 0) | (lower != 0)).all()
    matrix = np.zeros((12, 12))
    first, second = np.repeat(np.arange(12), np.diff(indptr)), indices
    matrix[second, first] = lower
    matrix[first, second] = upper
    counts = counts_by_loop(documents, 12, weights) * np.outer(keep, keep)
    assert_allclose(matrix, pmi_by_loop(counts, **settings), atol=2e-5)


def test_vectors_factorise_the_matrix():
    data = make_check_data(PMIEmbedding())
    settings = PLAIN | {"smoothing": 0.75, "eigenvalue_weight": 0.5}
    both = PMIEmbedding(8, vectors="concat", **settings).fit(data.X)
    assert both.n_components_ == 16
    matrix = pmi_by_loop(both.cooccurrence_.toarray(), 0.75, 1.0, True)
    U, s, Vt = np.linalg.svd(matrix)
    assert_allclose(both.singular_values_, s[:8], rtol=1e-5)
    word, context = np.split(both.word_vectors_, 2, axis=1)
    assert_allclose(word @ context.T, (U[:, :8] * s[:8]) @ Vt[:8], atol=1e-4)
    for name, expected in (
        ("word", word),
        ("context", context),
        ("sum", word + context),
    ):
        fitted = PMIEmbedding(8, vectors=name, **settings).fit(data.X)
        assert_allclose(fitted.word_vectors_, expected, atol=1e-6)
        assert fitted.n_components_ == 8
    unscaled = PMIEmbedding(8, **settings | {"eigenvalue_weight": 0}).fit(data.X)
    assert_allclose(np.linalg.norm(unscaled.word_vectors_, axis=0), 1, rtol=1e-5)


def test_a_large_matrix_is_decomposed_iteratively_and_alike():
    data = make_check_data(PMIEmbedding(), n_samples=300)
    settings = PLAIN | {"random_state": 0}
    exact = PMIEmbedding(5, **settings).fit(data.X)
    iterated = PMIEmbedding(5, **settings | {"n_iter": 3, "tol": 0}).fit(data.X)
    assert_allclose(iterated.singular_values_, exact.singular_values_, rtol=1e-3)
    assert not np.array_equal(iterated.singular_values_, exact.singular_values_)


def test_the_result_does_not_depend_on_the_number_of_threads():
    tokens = tokens_of([np.random.default_rng(0).integers(0, 50, 20_000)])
    weights = window_weights("harmonic", 5)
    counts = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            counts.append(count_pairs([tokens], 50, weights, pairs_at_a_time=9_000))
    assert_array_equal(*(c.toarray() for c in counts))


class Reopened:
    """Documents that are made anew each time, as from a file."""

    def __init__(self, documents):
        self.documents = documents
        self.n_readings = 0

    def __iter__(self):
        self.n_readings += 1
        return iter(self.documents)


def test_documents_are_streamed():
    data = make_check_data(PMIEmbedding())
    expected = PMIEmbedding(3, min_count=1).fit(data.X)
    stream = Reopened(data.X)
    pmi = PMIEmbedding(3, min_count=1)
    Z = pmi.fit_transform(stream)
    assert stream.n_readings == 1
    assert_allclose(Z, expected.transform(iter(data.X)))  # one reading is enough here
    for container in (tuple, np.array, pd.Series):
        assert_allclose(pmi.fit_transform(container(data.X)), Z)


@pytest.mark.parametrize(
    "options",
    [{}, {"stop_words": [f"word{i}" for i in range(25)]}, {"pooling": "idf"}],
    ids=str,
)
def test_memory_is_bounded_but_for_the_token_ids(options):
    words = [f"word{i}" for i in range(50)]

    def peak(n_documents):
        documents = Reopened(repeat(words, n_documents))  # made one by one
        tracemalloc.start()
        try:
            PMIEmbedding(2, window=1, **options).fit(documents)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    n_documents = 30_000  # more tokens than are worked on at a time
    growth = peak(2 * n_documents) - peak(n_documents)
    assert growth < 8 * n_documents * len(words)  # bytes a token; a list takes 60


@pytest.mark.parametrize("once", [iter, lambda docs: (d for d in docs)])
def test_an_iterator_is_refused(once):
    with pytest.raises(ValueError, match="used up by one reading; pass a list, or an "):
        PMIEmbedding(min_count=1).fit(once(SENTENCES))


# Of some vocabularies here no two words are left together; that is not the question.
@pytest.mark.filterwarnings("ignore:All word vectors are zero")
def test_a_vocabulary_by_count():
    documents = ["the cat the dog", "the cat the the", "a cat sat"]
    for options, words in (
        ({"min_count": 2}, ["the", "cat"]),
        ({"max_vocabulary": 1, "min_count": 1}, ["the"]),
        ({"min_count": 0, "stop_words": ["the"]}, ["cat", "dog", "sat"]),
        ({"min_count": 1, "stop_words": "english"}, ["cat", "dog", "sat"]),
        ({"min_count": 1, "token_pattern": r"\b(\w)\w\w\b"}, ["t", "c", "d", "s"]),
        ({"min_count": 3, "tokenizer": str.split}, ["the", "cat"]),
    ):
        pmi = PMIEmbedding(1, **options)
        pmi.fit(documents)
        assert list(pmi.vocabulary_) == words
    assert_array_equal(pmi.word_counts_, [5, 3])


@pytest.mark.parametrize(
    ("documents", "options", "message"),
    [
        ([], {}, "holds no documents"),
        (["", "a"], {}, "None of the 2 documents has a word"),
        (["the of"], {"stop_words": "english"}, "hold only stop words"),
        (SENTENCES, {"min_count": 4}, "min_count=4 times in the n_samples=3 doc"),
        (["fine", None], {}, r"Document 1 is missing \(None\)"),
        (["fine", b"bytes"], {}, "Document 1 is bytes"),
        (["fine", ["tokens"]], {}, "Document 1 is a list of tokens, but document 0"),
        ([["tokens"], "text"], {}, "Document 1 is a string, but document 0 is a list"),
        ([["a", "b"], ["a", 3]], {}, "Document 1 holds the token 3"),
        ([["a", "b"], ["a", []]], {}, r"Document 1 holds the token \[\]"),
        (SENTENCES, {"token_pattern": "((a)b)"}, "has 2 capturing groups"),
        (SENTENCES, {"token_pattern": "(a"}, r"token_pattern='\(a' is not a regular"),
        (
            SENTENCES,
            {"tokenizer": len},
            "tokenizer returned 12 for the string 'we like c",
        ),
        (SENTENCES, {"stop_words": ["a", 1]}, "stop_words holds 1, which is not a str"),
    ],
)
def test_bad_input(documents, options, message):
    with pytest.raises(ValueError, match=message):
        PMIEmbedding(1, **{"min_count": 1} | options).fit(documents)


def test_a_failed_fit_leaves_the_fitted_state():
    pmi = PMIEmbedding(1, min_count=1).fit(SENTENCES)
    before = pmi.transform(SENTENCES)
    with pytest.raises(ValueError, match="None of the 1 documents"):
        pmi.fit([""])
    assert_array_equal(pmi.transform(SENTENCES), before)


def test_transform_takes_what_fit_took():
    pmi = PMIEmbedding(1, min_count=1).fit(SENTENCES)
    with pytest.raises(ValueError, match="fitted on strings, but X holds lists"):
        pmi.transform([["we", "like"]])
    with pytest.raises(ValueError, match="Document 1 is missing"):
        pmi.transform(["cats", None])
    tokens = PMIEmbedding(1, min_count=1).fit([s.split() for s in SENTENCES])
    with pytest.raises(ValueError, match="Document 0 holds the token 3"):
        tokens.transform([["cats", 3]])


def test_too_many_components():
    documents = make_check_data(PMIEmbedding()).X
    with pytest.warns(UserWarning, match="n_components=500 .* 115 that .*the vocabul"):
        pmi = PMIEmbedding(500, min_count=1).fit(documents)
    assert pmi.n_components_ == 115
    with pytest.warns(
        UserWarning, match="n_components=3 .* 2 that .*rank of the matrix"
    ):
        pmi = PMIEmbedding(3, window=1, **PLAIN).fit(SENTENCES)
    assert pmi.transform(["cats"]).shape == (1, 2)


def test_a_rank_that_only_the_solver_sees():
    """Stars: a matrix of low rank, too large to be decomposed exactly."""
    stars = [f"hub{i} spoke{i}x{j}" for i in range(15) for j in range(180)]
    pmi = PMIEmbedding(60, **PLAIN | {"n_iter": 5})
    with pytest.warns(UserWarning, match="n_components=60 .* 30 that .*rank of the"):
        pmi.fit(stars)
    assert pmi.n_components_ == 30


def test_one_component_and_sif():
    with pytest.warns(UserWarning, match="all documents are zero; raise n_components"):
        PMIEmbedding(1, pooling="sif", min_count=1).fit(SENTENCES)


def test_extreme_parameters_keep_the_numbers_finite():
    for extreme in ({"smoothing": 500.0}, {"subsample": 1e-50}, {"window": 10**12}):
        pmi = PMIEmbedding(1, min_count=1, **extreme).fit(SENTENCES)
        assert np.isfinite(pmi.word_vectors_).all()


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize(
    ("n_a", "n_mixed", "n_b"), [(18, 12, 2), (49, 42, 9), (1, 2, 1)]
)
def test_rounding_errors_are_no_information(n_a, n_mixed, n_b, positive):
    """Two words side by side as often as by chance: n_mixed² = 4 n_a n_b."""
    documents = n_a * ["aa aa"] + n_mixed * ["aa bb"] + n_b * ["bb bb"]
    pmi = PMIEmbedding(2, window=1, positive=positive, **PLAIN)
    with pytest.warns(UserWarning, match="All word vectors are zero"):
        pmi.fit(documents)
    assert not pmi.word_vectors_.any()


@pytest.mark.parametrize(
    ("documents", "shift", "reason"),
    [(["cats", "dogs"], 1.0, "no two words"), (SENTENCES, 50.0, "lower shift")],
)
def test_nothing_to_learn_from(documents, shift, reason):
    with pytest.warns(UserWarning, match=f"All word vectors are zero: .*{reason}"):
        pmi = PMIEmbedding(2, min_count=1, shift=shift).fit(documents)
    assert_array_equal(pmi.transform(documents), 0)


def test_words_of_a_topic_are_similar(lee_corpus):
    pmi = PMIEmbedding(50, random_state=0, stop_words="english").fit(lee_corpus)
    words = [word for word, _ in pmi.most_similar("israeli", topn=10)]
    assert {"palestinian", "arafat", "gaza"} & set(words)
    assert pmi.to_keyed_vectors().most_similar("israeli", topn=3)[0][0] == words[0]
