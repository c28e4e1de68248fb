"""SkipGramEmbedding against gensim and against the matrix that it implies."""

import logging
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from gensim.models import Word2Vec
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_replearn._cooccurrence import count_pairs, mirror, window_weights
from sklearn_replearn._gensim import _batches, _jobs
from sklearn_replearn.text import SkipGramEmbedding

PETS = ["cats and dogs are pets", "dogs chase cats", "pets need care", "cats purr"]
STOCKS = ["stocks and bonds fell", "bonds are safe", "stocks rose", "banks sell bonds"]


@pytest.fixture
def small():
    return SkipGramEmbedding(4, min_count=1, subsample=0, max_epochs=3, random_state=0)


@pytest.fixture(scope="module")
def corpus():
    """Tokens for two of gensim's batches; each word occurs another number of times.

    gensim's order of words that occur equally often is its own.
    """
    counts = 10 * np.arange(20, 60)
    tokens = np.random.default_rng(0).permutation(np.repeat(np.arange(40), counts))
    return [[f"w{i}" for i in document] for document in tokens.reshape(-1, 8)]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {"sg": 1}),
        ({"architecture": "cbow", "subsample": 0}, {"sg": 0, "sample": 0}),
        (
            {"negative": 0, "hierarchical_softmax": True, "random_state": 1},
            {"sg": 1, "negative": 0, "hs": 1, "seed": 1},
        ),
        (
            {"negative": 2, "hierarchical_softmax": True, "lr": 0.05, "window": 2},
            {"sg": 1, "negative": 2, "hs": 1, "alpha": 0.05, "window": 2},
        ),
    ],
    ids=["skipgram", "cbow", "hierarchical softmax", "both"],
)
def test_equals_gensim(corpus, ours, theirs):
    ours = {"random_state": 0, "max_epochs": 3, "subsample": 0.01} | ours
    theirs = {"seed": 0, "epochs": 3, "sample": 0.01} | theirs
    skip_gram = SkipGramEmbedding(8, **ours).fit(corpus)
    model = Word2Vec(corpus, vector_size=8, workers=1, **theirs)
    assert list(skip_gram.vocabulary_) == model.wv.index_to_key
    assert_array_equal(skip_gram.word_vectors_, model.wv.vectors)
    assert_array_equal(skip_gram.context_vectors_, getattr(model, "syn1neg", None))


@pytest.mark.parametrize("negative", [1, 5])
def test_implied_matrix(negative):
    """v_w · u_c is the mutual information of w and c, less log k (Levy and Goldberg).

    Of pairs that occur more than five times, the correlation is 0.99 for either k.
    """
    rng = np.random.default_rng(0)
    topics = rng.dirichlet(np.full(20, 0.5), size=3)
    ids = np.array([rng.choice(20, 10, p=topics[i % 3]) for i in range(2000)])
    skip_gram = SkipGramEmbedding(
        20, window=3, negative=negative, subsample=0, max_epochs=20, random_state=0
    ).fit([[f"w{i}" for i in document] for document in ids])
    row = np.array([skip_gram.vocabulary_[f"w{i}"] for i in range(20)], dtype=np.int32)
    tokens = row[ids].ravel(), np.arange(10, ids.size + 1, 10)
    counts = mirror(count_pairs([tokens], 20, window_weights("linear", 3))).toarray()
    noise = skip_gram.word_counts_**0.75 / (skip_gram.word_counts_**0.75).sum()
    # gensim skips a noise word that is the very word to be predicted.
    others = counts.sum(axis=1, keepdims=True) - counts
    often = counts > 5
    expected = np.log(counts[often] / (others * noise)[often]) - np.log(negative)
    implied = (skip_gram.word_vectors_ @ skip_gram.context_vectors_.T)[often]
    assert np.corrcoef(implied, expected)[0, 1] > 0.98
    assert_allclose(implied.mean(), expected.mean(), atol=0.05)


def test_the_same_vectors_in_any_process():
    program = (
        "from sklearn_replearn.text import SkipGramEmbedding\n"
        "skip_gram = SkipGramEmbedding(4, min_count=1, subsample=0, random_state=0)\n"
        f"print(skip_gram.fit({PETS}).word_vectors_.tobytes().hex())"
    )
    there = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    here = SkipGramEmbedding(4, min_count=1, subsample=0, random_state=0).fit(PETS)
    assert there.strip() == here.word_vectors_.tobytes().hex()


def test_threads(small):
    one = small.fit(PETS).word_vectors_
    assert_array_equal(small.set_params(n_jobs=None).fit(PETS).word_vectors_, one)
    small.set_params(n_jobs=2)
    for random_state in (0, np.random.RandomState(0)):
        with pytest.raises(ValueError, match="set n_jobs=1 or random_state=None"):
            small.set_params(random_state=random_state).fit(PETS)
    small.set_params(random_state=None, n_components=20).fit((PETS + STOCKS) * 1000)
    assert small.similarity("cats", "dogs") > small.similarity("cats", "bonds")


def test_long_documents_are_cut_but_not_cut_off(small):
    ids = np.arange(25_000)
    batches = list(_batches([ids[:3], ids[3:3], ids[3:]]))
    assert [token for batch in batches for piece in batch for token in piece] == [*ids]
    assert max(sum(map(len, batch)) for batch in batches) == 10_000
    small.fit([["here"] * 15_000 + ["at", "the", "end"]])
    assert small.context_vectors_.any(axis=1).all()  # untrained, they are zero


@pytest.mark.parametrize(("lr", "last"), [(0.1, 1e-4), (1e-5, 1e-5)])
def test_learning_rate_falls_linearly(lr, last):
    sequences = [np.zeros(10_000, dtype=np.int32)] * 3
    rates = [rate for _, rate, _ in _jobs(sequences, 30_000, max_epochs=2, lr=lr)]
    assert_allclose(rates, np.linspace(lr, last, 7)[:-1])


def test_progress(small, capsys, caplog):
    caplog.set_level(logging.WARNING)
    small.set_params(hierarchical_softmax=True).fit(PETS)
    assert capsys.readouterr() == ("", "")
    small.set_params(verbose=1).fit(PETS)
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch 1/3:   0%|" in err
    assert "epoch 3/3: 100%|" in err
    assert "words/s [00:00<00:00]" in err
    assert not caplog.records


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_interrupt_leaves_the_estimator_as_it_was(small, monkeypatch, n_jobs):
    small.fit(PETS).set_params(n_components=3, n_jobs=n_jobs, random_state=None)
    before, threads = dict(vars(small)), set(threading.enumerate())
    calls = []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Word2Vec, "_do_train_job", interrupted)
    with pytest.raises(KeyboardInterrupt):
        small.fit(PETS * 3000)
    assert vars(small).keys() == before.keys()
    assert all(vars(small)[name] is value for name, value in before.items())
    assert set(threading.enumerate()) <= threads  # others may have ended


def test_training_that_diverges(small, monkeypatch):
    def diverge(model, *args):
        model.syn1neg += np.float32("inf")

    monkeypatch.setattr(Word2Vec, "_do_train_job", diverge)
    with pytest.raises(ValueError, match=r"lr=0.025 went to infinity or NaN; lower lr"):
        small.fit(PETS)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"negative": 0}, "negative=0 with hierarchical_softmax=False leaves nothing"),
        ({"lr": 2.0}, r"'lr' parameter .* in the range \(0.0, 1.0\]"),
    ],
)
def test_bad_parameters(small, parameters, message):
    with pytest.raises(ValueError, match=message):
        small.set_params(**parameters).fit(PETS)


def test_subsampling_that_leaves_nothing(small):
    with pytest.warns(UserWarning, match="1e-12 left no two words .* are random; rai"):
        small.set_params(subsample=1e-12).fit(PETS)


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        (["cats", "dogs"], "no two words of the vocabulary occur in one document"),
        (["cats cats cats"], "the vocabulary has the one word 'cats'"),
    ],
)
def test_nothing_to_predict(small, documents, message):
    with pytest.warns(UserWarning, match=message):
        Z = small.set_params(hierarchical_softmax=True).fit_transform(documents)
    assert_array_equal(Z, np.zeros((len(documents), 4)))
