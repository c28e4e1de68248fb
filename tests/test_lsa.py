"""LSA against its formula, and the questions that it answers."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.utils import Bunch

from sklearn_replearn import _word_queries
from sklearn_replearn._sklearn import FastTfidfVectorizer
from sklearn_replearn.text import LSA
from sklearn_replearn.utils.estimator_checks import make_check_data

DOCUMENTS = [
    "cats and dogs are pets",
    "dogs chase cats",
    "pets need care",
    "cats purr",
    "stocks and bonds fell",
    "bonds are safe",
    "stocks rose",
    "banks sell bonds",
]


@pytest.fixture
def lsa():
    return LSA(n_components=3).fit(DOCUMENTS)


def test_equals_the_pipeline():
    data = make_check_data(LSA())
    pipeline = make_pipeline(
        TfidfVectorizer(sublinear_tf=True),
        TruncatedSVD(5, algorithm="arpack"),
        Normalizer(),
    ).fit(data.X)
    lsa = LSA(n_components=5, random_state=0).fit(data.X)
    expected = pipeline.transform(data.rows)
    Z = lsa.transform(data.rows)
    assert_allclose(Z * np.sign((Z * expected).sum(axis=0)), expected, atol=1e-8)
    assert_allclose(lsa.singular_values_, pipeline[1].singular_values_)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lowercase": False, "stop_words": "english", "ngram_range": (1, 2)},
        {"min_df": 2, "max_df": 0.5, "max_features": 30, "sublinear_tf": True},
        {"binary": True, "norm": None, "dtype": np.float32, "use_idf": False},
        {"analyzer": "char_wb", "ngram_range": (2, 3)},
        {"vocabulary": ["cats", "dogs", "never"]},
    ],
    ids=str,
)
def test_counting_is_scikit_learns(options):
    documents = [*DOCUMENTS, "", "cats cats cats CATS", "dogs and dogs"]
    new = ["cats and unheard words", "", "dogs dogs", "unheard"]
    ours, theirs = FastTfidfVectorizer(**options), TfidfVectorizer(**options)
    for mine, reference in (
        (ours.fit_transform(documents), theirs.fit_transform(documents)),
        (ours.transform(new), theirs.transform(new)),
    ):
        assert_allclose(mine.toarray(), reference.toarray(), rtol=1e-6)
        assert mine.dtype == reference.dtype
    assert ours.vocabulary_ == theirs.vocabulary_
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
    with pytest.raises(ValueError, match="empty vocabulary"):
        FastTfidfVectorizer().fit(["", "a"])


def test_formula(lsa):
    weights = TfidfVectorizer(sublinear_tf=True).fit_transform(DOCUMENTS)
    _, s, Vt = np.linalg.svd(weights.toarray())
    assert_allclose(np.abs(lsa.components_), np.abs(Vt[:3]), atol=1e-12)
    assert_allclose(lsa.singular_values_, s[:3])
    assert_allclose(lsa.explained_variance_ratio_, s[:3] ** 2 / (s**2).sum())
    plain = LSA(n_components=3, normalize=False).fit_transform(DOCUMENTS)
    assert_allclose(plain, weights @ lsa.components_.T)
    Z = lsa.transform(DOCUMENTS)
    assert_allclose(Z, plain / np.linalg.norm(plain, axis=1, keepdims=True))
    assert_allclose(lsa.word_vectors_, lsa.components_.T * s[:3])


@pytest.mark.parametrize(
    "container", [tuple, np.array, pd.Series, iter, lambda docs: (d for d in docs)]
)
def test_any_iterable_of_strings(lsa, container):
    Z = LSA(n_components=3).fit_transform(container(DOCUMENTS))
    assert_allclose(Z, lsa.transform(container(DOCUMENTS)), rtol=1e-12)


def test_tokens_are_taken_as_they_are():
    tokens = [[*document.split(), "I"] for document in DOCUMENTS]
    lsa = LSA(n_components=3).fit(tokens)
    assert "I" in lsa.vocabulary_  # neither lower-cased nor dropped for its length
    assert_array_equal(lsa.transform(map(tuple, tokens)), lsa.transform(tokens))
    assert_array_equal(lsa.transform(pl.Series(tokens)), lsa.transform(tokens))
    arrays = [np.array(document) for document in tokens]
    assert_array_equal(lsa.transform(arrays), lsa.transform(tokens))
    with pytest.raises(ValueError, match="fitted on lists of tokens, but X holds str"):
        lsa.transform(DOCUMENTS)


def test_fit_and_transform_take_the_same_kind(lsa):
    with pytest.raises(ValueError, match="fitted on strings, but X holds lists of tok"):
        lsa.transform([["cats"]])


def test_documents_without_known_words_are_zero(lsa):
    Z = lsa.transform(["unheard of", "", "cats"])
    assert_array_equal(Z[:2], 0)
    assert_allclose(np.linalg.norm(Z[2]), 1)


def test_an_orthogonal_document_is_zero_rather_than_noise():
    documents = ["aa bb", "aa bb cc", "aa cc", "xx yy", "xx"]
    Z = LSA(n_components=1).fit_transform(documents)
    assert_allclose(np.abs(Z[:3]), 1)
    assert_array_equal(Z[3:], 0)

    words = TfidfVectorizer(dtype=np.float32)
    documents = ["aa bb cc", "bb cc aa aa", "cc aa bb bb", "aa cc"] * 3 + ["xx yy"]
    Z = LSA(n_components=1, vectorizer=words).fit(documents).transform(["xx yy", "aa"])
    assert_allclose(np.abs(Z), [[0], [1]], atol=1e-6)
    assert Z.dtype == np.float32


class Scaled(TfidfVectorizer):
    """Tf-idf in another unit."""

    def __init__(self, exponent=0, dtype=np.float64):
        super().__init__(dtype=dtype)
        self.exponent = exponent

    def fit_transform(self, X, y=None):
        weights = super().fit_transform(X)
        weights.data = np.ldexp(weights.data, self.exponent)
        return weights

    def transform(self, X):
        weights = super().transform(X)
        weights.data = np.ldexp(weights.data, self.exponent)
        return weights


@pytest.mark.parametrize(
    ("dtype", "exponent"),
    [(np.float64, e) for e in (-1030, -520, -300, 300, 520, 1015)]
    + [(np.float32, e) for e in (-120, -60, 60, 120)],
)
@pytest.mark.parametrize("tol", [0, 0.01])
def test_weights_in_any_unit(dtype, exponent, tol):
    plain = LSA(3, vectorizer=Scaled(0, dtype), tol=tol, random_state=0)
    other = LSA(3, vectorizer=Scaled(exponent, dtype), tol=tol, random_state=0)
    Z, expected = other.fit_transform(DOCUMENTS), plain.fit_transform(DOCUMENTS)
    tolerance = 1e-9 if dtype is np.float64 else 1e-5
    assert Z.dtype == dtype
    assert_allclose(Z, expected, atol=tolerance)
    new = ["cats and bonds", "unheard of", "banks"]
    assert_allclose(other.transform(new), plain.transform(new), atol=tolerance)
    assert_allclose(other.components_, plain.components_, atol=tolerance)
    assert_allclose(
        np.ldexp(other.singular_values_, -exponent),
        plain.singular_values_,
        rtol=tolerance,
    )
    assert_allclose(
        other.explained_variance_ratio_, plain.explained_variance_ratio_, rtol=1e-4
    )


def test_a_vocabulary_that_never_occurs():
    lsa = LSA(1, vectorizer=TfidfVectorizer(vocabulary=["never", "ever"]))
    with pytest.raises(ValueError, match="None of the 8 documents has a term"):
        lsa.fit(DOCUMENTS)


def test_a_vectorizer_that_uses_labels():
    words = make_pipeline(TfidfVectorizer(), SelectKBest(k=4))
    lsa = LSA(2, vectorizer=words).fit(DOCUMENTS, [0] * 4 + [1] * 4)
    assert len(lsa.vocabulary_) == 4


def test_custom_vectorizer_is_cloned():
    vectorizer = CountVectorizer(stop_words="english", dtype=np.float32)
    lsa = LSA(n_components=2, vectorizer=vectorizer).fit(DOCUMENTS)
    assert not hasattr(vectorizer, "vocabulary_")
    assert lsa.vectorizer_ is not vectorizer
    assert "and" not in lsa.vocabulary_
    assert lsa.transform(DOCUMENTS).dtype == np.float32


def test_integer_and_dense_weights():
    counts = LSA(n_components=2, vectorizer=CountVectorizer())
    Z = counts.fit_transform(DOCUMENTS)
    assert Z.dtype == np.float64

    class DenseCounts(CountVectorizer):
        def fit_transform(self, X, y=None):
            return super().fit_transform(X).toarray()

        def transform(self, X):
            return super().transform(X).toarray()

    dense = LSA(n_components=2, vectorizer=DenseCounts())
    assert_allclose(dense.fit_transform(DOCUMENTS), Z, rtol=1e-12)


def test_a_vectorizer_of_strings_refuses_tokens():
    with pytest.raises(ValueError, match="give it an analyzer that returns its arg"):
        LSA(vectorizer=TfidfVectorizer()).fit([["cats"], ["dogs"]])
    lsa = LSA(1, vectorizer=TfidfVectorizer(analyzer=tuple)).fit([["cats"], ["dogs"]])
    assert set(lsa.vocabulary_) == {"cats", "dogs"}


def test_more_iterations_come_closer():
    data = make_check_data(LSA(), n_samples=400)
    exact = LSA(n_components=2, n_iter=60).fit(data.X).singular_values_
    errors = []
    for n_iter in (0, 1, 3):
        lsa = LSA(n_components=2, n_iter=n_iter, tol=0, random_state=0).fit(data.X)
        errors.append(np.abs(lsa.singular_values_ / exact - 1).max())
    assert errors[0] > errors[1] > errors[2]


def test_fewer_terms_than_components():
    with pytest.warns(UserWarning, match="n_components=100 is more than the 8 that"):
        lsa = LSA().fit(DOCUMENTS)
    assert lsa.n_components_ == 8
    assert lsa.transform(["cats"]).shape == (1, 8)
    assert list(lsa.get_feature_names_out()) == [f"lsa{i}" for i in range(8)]


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ("a bare string", r"single string, but a list of documents .* pass \[X\]"),
        ([], "holds no documents"),
        (["", "  "], "None of the 2 documents has a term"),
        (["fine", None], r"Document 1 is missing \(None\)"),
        (["fine", np.nan], r"Document 1 is missing \(nan\)"),
        (["fine", np.float32("nan")], r"Document 1 is missing \(np.float32"),
        (["fine", pd.NaT], r"Document 1 is missing \(NaT\)"),
        (["fine", pd.NA], r"Document 1 is missing \(<NA>\)"),
        (["fine", 3.5], r"Document 1 is a number \(3.5\)"),
        (["fine", b"bytes"], "Document 1 is bytes, .* decode it"),
        (["fine", {"a": "dict"}], "Document 1 is of type dict"),
        (["fine", ["tokens"]], "Document 1 is a list of tokens, but document 0 is a s"),
        ([["tokens"], "text"], "Document 1 is a string, but document 0 is a list of t"),
        ([["tokens", 3]], "Document 0 holds the token 3"),
        (pd.DataFrame({"text": ["a"]}), r"shape \(1, 1\), .* pass that column alone"),
        (np.array([["a"], ["b"]]), r"shape \(2, 1\), .* pass that column alone"),
        ({"data": ["a"]}, "X is a dict, .* pass the texts in it"),
        (Bunch(data=["a"]), r"X is a Bunch, .* such as X\['data'\]"),
        ({"a", "b"}, "X is a set"),
        (sparse.csr_array(np.eye(2)), "matrix of numbers, .* leave out the vectorizer"),
        (None, "X is of type NoneType"),
        (3, "X is of type int, but a list of documents is expected"),
    ],
)
def test_bad_documents(lsa, documents, message):
    with pytest.raises(ValueError, match=message):
        LSA(n_components=1).fit(documents)
    if "has a term" not in message:  # to transform, such documents are zero rows
        with pytest.raises(ValueError, match=message):
            lsa.transform(documents)


def test_a_corpus_of_stop_words():
    lsa = LSA(1, vectorizer=TfidfVectorizer(stop_words="english"))
    with pytest.raises(ValueError, match="hold only stop words"):
        lsa.fit(["the and of", "to be or not to be"])
    with pytest.raises(NotFittedError):
        lsa.transform(["the"])


@pytest.mark.parametrize(
    "ask",
    [
        lambda lsa: lsa.transform(["cats"]),
        lambda lsa: lsa.embed_words(["cats"]),
        lambda lsa: lsa.similarity("cats", "dogs"),
        lambda lsa: lsa.most_similar("cats"),
        lambda lsa: lsa.analogy("a", "b", "c"),
        lambda lsa: lsa.top_words(),
        lambda lsa: lsa.to_keyed_vectors(),
        lambda lsa: lsa.word_vectors_,
    ],
)
def test_unfitted(ask):
    with pytest.raises(NotFittedError, match="This LSA instance is not fitted yet"):
        ask(LSA())


def test_suggestions_among_many_words(lsa, monkeypatch):
    monkeypatch.setattr(_word_queries, "MANY_WORDS", 3)
    with pytest.raises(ValueError, match="did you mean 'cats'"):
        lsa.embed_words("Cat")
    with pytest.raises(ValueError, match="'hats' is not in the vocabulary, nor any"):
        lsa.embed_words("hats")


def test_top_words(lsa):
    words = lsa.top_words(2)
    assert [len(component) for component in words] == [2, 2, 2]
    columns = [lsa.vocabulary_[word] for word in words[0]]
    assert lsa.components_[0, columns[0]] == lsa.components_[0].max()
    assert lsa.components_[0, columns[1]] == np.sort(lsa.components_[0])[-2]


def test_embed_words_and_similarity(lsa):
    cats, dogs = lsa.embed_words(["cats", "dogs"])
    assert_array_equal(cats, lsa.embed_words("cats"))
    assert_array_equal([cats], lsa.embed_words(word for word in ["cats"]))
    assert_array_equal(cats, lsa.word_vectors_[lsa.vocabulary_["cats"]])
    cosine = cats @ dogs / np.linalg.norm(cats) / np.linalg.norm(dogs)
    assert_allclose(lsa.similarity("cats", "dogs"), cosine)
    assert lsa.similarity("cats", "dogs") > lsa.similarity("cats", "bonds")


def test_most_similar_against_gensim(lsa):
    keyed = lsa.to_keyed_vectors()
    assert keyed.index_to_key == sorted(lsa.vocabulary_)
    for positive, negative in (("cats", []), (["cats", "bonds"], ["dogs"])):
        ours = lsa.most_similar(positive, negative, topn=5)
        theirs = keyed.most_similar(positive, negative, topn=5)
        assert_allclose([s for _, s in ours], [s for _, s in theirs], atol=1e-6)
        assert "cats" not in dict(ours)


@pytest.mark.parametrize("method", ["add", "multiply"])
def test_analogy_by_a_loop(lsa, method):
    a, b, c = "cats", "dogs", "stocks"
    scores = {}
    for word in set(lsa.vocabulary_) - {a, b, c}:
        to_a, to_b, to_c = (lsa.similarity(word, other) for other in (a, b, c))
        if method == "add":
            scores[word] = to_b - to_a + to_c
        else:
            scores[word] = ((1 + to_b) / 2) * ((1 + to_c) / 2) / ((1 + to_a) / 2 + 1e-3)
    answer = lsa.analogy(a, b, c, method=method, topn=3)
    best = sorted(scores.values(), reverse=True)[:3]
    assert_allclose([score for _, score in answer], best)
    assert_allclose([scores[word] for word, _ in answer], best)


def test_unknown_words_are_named_with_suggestions(lsa):
    with pytest.raises(
        ValueError, match=r"'dog' is not in the vocabulary; did you mean 'dogs'"
    ):
        lsa.most_similar("dog")
    with pytest.raises(
        ValueError, match="'zzz' is not in the vocabulary, nor anything"
    ):
        lsa.embed_words(["cats", "zzz"])
    with pytest.raises(ValueError, match="did you mean 'cats'"):
        lsa.embed_words("Cats")
    with pytest.raises(ValueError, match=r"A word or a list of words .* got 3"):
        lsa.most_similar(3)
    for topn in (0, -1, 2.5):
        with pytest.raises(ValueError, match="topn must be an integer of at least 1"):
            lsa.most_similar("cats", topn=topn)
    with pytest.raises(ValueError, match="n must be an integer of at least 1"):
        lsa.top_words(0)
    with pytest.raises(ValueError, match="at least one word"):
        lsa.most_similar([])
    with pytest.raises(ValueError, match="method must be 'add' or 'multiply'"):
        lsa.analogy("cats", "dogs", "stocks", method="divide")
