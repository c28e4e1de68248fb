"""Each pooling against its definition, document by document."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.feature_extraction.text import TfidfVectorizer

from sklearn_replearn.text import PMIEmbedding
from sklearn_replearn.text import _pooling as pooling_module
from sklearn_replearn.utils.estimator_checks import (
    check_representation_estimator,
    make_check_data,
)

DATA = make_check_data(PMIEmbedding())
NEW = [*DATA.rows, "unheard of", "", DATA.X[0].split()[0], "unheard " + DATA.X[1]]


def fitted(pooling, **options):
    return PMIEmbedding(4, min_count=2, pooling=pooling, **options).fit(DATA.X)


def expected(estimator, document_vectors, width=4, documents=NEW):
    """Apply a function of one document's word vectors and words to each."""
    rows = []
    for document in documents:
        words = [word for word in document.split() if word in estimator.vocabulary_]
        row = np.zeros(width)
        if words:
            vectors = estimator.embed_words(words).astype(np.float64)
            row = document_vectors(vectors, words)
        rows.append(row)
    return np.array(rows)


def test_mean():
    mean = fitted("mean")
    assert_allclose(
        mean.transform(NEW), expected(mean, lambda v, _: v.mean(axis=0)), atol=1e-12
    )
    assert_array_equal(mean.word_weights_, 1)


def test_idf():
    idf = fitted("idf")
    tfidf = TfidfVectorizer(vocabulary=list(idf.vocabulary_)).fit(DATA.X)
    assert_allclose(idf.word_weights_, tfidf.idf_)

    def weighted(vectors, words):
        weights = [tfidf.idf_[idf.vocabulary_[word]] for word in words]
        return np.average(vectors, axis=0, weights=weights)

    assert_allclose(idf.transform(NEW), expected(idf, weighted), atol=1e-12)


def test_sif_removes_the_component_of_the_training_documents():
    sif = fitted("sif")
    known = [w for text in DATA.X for w in text.split() if w in sif.vocabulary_]

    def weighted(vectors, words):
        shares = np.array([known.count(word) / len(known) for word in words])
        return (vectors * (1e-3 / (1e-3 + shares))[:, np.newaxis]).mean(axis=0)

    train = expected(sif, weighted, documents=DATA.X)
    component = np.linalg.svd(train)[2][0]
    assert_allclose(np.abs(sif.common_component_ @ component), 1)
    Z = expected(sif, weighted)
    Z -= np.outer(Z @ component, component)
    assert_allclose(sif.transform(NEW), Z, atol=1e-12)
    assert_allclose(sif.transform(NEW) @ sif.common_component_, 0, atol=1e-12)


def test_max(monkeypatch):
    largest = fitted("max")
    Z = expected(largest, lambda v, _: v.max(axis=0))
    assert_array_equal(largest.transform(NEW), Z)
    monkeypatch.setattr(pooling_module, "TOKENS_AT_A_TIME", 20)
    assert_array_equal(largest.transform(NEW), Z)


def test_concat():
    concat = fitted("concat", n_words=3)

    def first_three(vectors, _):
        return np.vstack([vectors, np.zeros((3, 4))])[:3].ravel()

    assert_array_equal(concat.transform(NEW), expected(concat, first_three, 12))


@pytest.mark.parametrize("n_components", [4, 40])  # fewer and more than the words
def test_principal(n_components):
    principal = PMIEmbedding(
        n_components, min_count=2, pooling="principal", n_principal=2
    ).fit(DATA.X)

    def axes(vectors, _):
        _, s, Vt = np.linalg.svd(vectors / np.sqrt(len(vectors)), full_matrices=False)
        rows = np.vstack([s[:, np.newaxis] * Vt, np.zeros((2, n_components))])[:2]
        sides = np.where(rows @ vectors.mean(axis=0) < 0, -1, 1)
        return (rows * sides[:, np.newaxis]).ravel()

    assert_allclose(
        principal.transform(NEW),
        expected(principal, axes, 2 * n_components),
        atol=1e-8,
    )


# The suite also fits one component, of which "sif" leaves nothing, and says so.
@pytest.mark.filterwarnings("ignore:pooling='sif' takes one dimension away")
@pytest.mark.parametrize("pooling", pooling_module.POOLINGS)
def test_every_pooling_passes_the_suite(pooling):
    check_representation_estimator(PMIEmbedding(3, min_count=1, pooling=pooling))


@pytest.mark.parametrize("pooling", pooling_module.POOLINGS)
def test_names_and_zero_rows(pooling):
    estimator = fitted(pooling).set_output(transform="pandas")
    frame = estimator.transform(NEW)
    assert list(frame.columns) == list(estimator.get_feature_names_out())
    assert frame.columns[-1] == f"pmiembedding{frame.shape[1] - 1}"
    unknown = [NEW.index("unheard of"), NEW.index("")]
    assert not frame.iloc[unknown].to_numpy().any()
    assert frame.drop(index=unknown).to_numpy().any(axis=1).all()
