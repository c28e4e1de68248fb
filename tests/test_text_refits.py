"""A fit leaves nothing of an earlier one behind, whatever the parameters of either."""

from itertools import permutations

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer

from sklearn_replearn.text import (
    LSA,
    PMIEmbedding,
    PretrainedEmbedding,
    SkipGramEmbedding,
)

STRINGS = ["the cat saw the dog", "a dog ran", "the cat ran far", "the bond fell", "a"]
TOKENS = [document.split() for document in ("cats eat mice", "mice eat", "dogs eat")]
VECTORS = {"the": [1.0, 2.0], "cat": [2.0, 1.0], "dog": [0.0, -1.0]}
MORE_VECTORS = {word: np.float32([i, 1, 2]) for i, word in enumerate(["eat", "mice"])}

CASES = {
    LSA(random_state=0): [
        {"n_components": 2},
        {"n_components": 3, "normalize": False},
        {"n_components": 2, "vectorizer": TfidfVectorizer(min_df=2)},
    ],
    PMIEmbedding(2, min_count=1, random_state=0): [
        {"pooling": "sif"},
        {"pooling": "idf", "vectors": "concat"},
        {"positive": False, "pooling": "max", "max_vocabulary": 3},
    ],
    SkipGramEmbedding(2, min_count=1, subsample=0, random_state=0): [
        {"pooling": "sif", "negative": 5},
        {"negative": 0, "hierarchical_softmax": True},
        {"architecture": "cbow", "pooling": "idf"},
    ],
    PretrainedEmbedding(VECTORS): [
        {"pooling": "sif", "vectors": VECTORS},
        {"pooling": "mean", "vectors": VECTORS, "min_count": 1},
        {"pooling": "idf", "vectors": VECTORS | {"eat": [1.0, 1.0]}},
    ],
}


def same(a, b):
    if sparse.issparse(a):
        a, b = a.toarray(), b.toarray()
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if hasattr(a, "get_params"):
        return type(a) is type(b) and all(
            same(x, y) for x, y in zip(vars(a).values(), vars(b).values(), strict=True)
        )
    return a == b


@pytest.mark.parametrize(
    ("estimator", "first", "second"),
    [
        pytest.param(estimator, *pair, id=type(estimator).__name__)
        for estimator, options in CASES.items()
        for pair in permutations(options, 2)
    ],
)
def test_refits_are_like_first_fits(estimator, first, second):
    fresh = clone(estimator).set_params(**second).fit(STRINGS)
    again = clone(estimator).set_params(**first).fit(STRINGS)
    again.set_params(**fresh.get_params(deep=False))
    again.fit(STRINGS)
    assert vars(again).keys() == vars(fresh).keys()
    assert [k for k, v in vars(again).items() if not same(v, vars(fresh)[k])] == []
    assert np.array_equal(again.transform(STRINGS), fresh.transform(STRINGS))


@pytest.mark.parametrize("estimator", list(CASES), ids=lambda e: type(e).__name__)
def test_refits_on_tokens_are_like_first_fits(estimator):
    options = {}
    if isinstance(estimator, PretrainedEmbedding):
        options = {"vectors": MORE_VECTORS}
    if isinstance(estimator, LSA):
        options = {"n_components": 2}
    fresh = clone(estimator).set_params(**options).fit(TOKENS)
    again = clone(estimator).set_params(**CASES[estimator][0]).fit(STRINGS)
    again.set_params(**fresh.get_params(deep=False)).fit(TOKENS)
    assert vars(again).keys() == vars(fresh).keys()
    assert [k for k, v in vars(again).items() if not same(v, vars(fresh)[k])] == []
