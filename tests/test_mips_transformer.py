"""MIPSTransformer: neighbors in the order of inner products."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from sklearn_replearn.retrieval import MIPSTransformer

RNG = np.random.default_rng(0)
ITEMS = RNG.normal(size=(200, 6)) * RNG.exponential(size=(200, 1))
QUERIES = RNG.normal(size=(30, 6))


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_neighbors_are_in_the_order_of_inner_products(metric, dtype):
    items, queries = ITEMS.astype(dtype), QUERIES.astype(dtype)
    mips = MIPSTransformer().fit(items)
    Z, Q = mips.transform(items), mips.transform_queries(queries)
    assert Z.dtype == Q.dtype == dtype
    index = NearestNeighbors(n_neighbors=200, metric=metric, algorithm="brute").fit(Z)
    found = index.kneighbors(Q, return_distance=False)
    products = np.take_along_axis(queries @ items.T, found, axis=1)
    assert np.diff(products, axis=1).max() < 1e-5 * np.abs(products).max()


def test_all_items_have_the_length_of_the_longest():
    mips = MIPSTransformer().fit(ITEMS)
    lengths = np.linalg.norm(mips.transform(ITEMS), axis=1)
    np.testing.assert_allclose(lengths, np.linalg.norm(ITEMS, axis=1).max())
    assert not mips.transform_queries(QUERIES)[:, -1].any()


def test_items_of_zeros():
    mips = MIPSTransformer().fit(np.zeros((3, 2)))
    np.testing.assert_array_equal(mips.transform(np.zeros((2, 2))), np.zeros((2, 3)))


def test_items_longer_than_those_of_fit_come_later():
    mips = MIPSTransformer().fit(ITEMS)
    longer = 2 * ITEMS[np.linalg.norm(ITEMS, axis=1).argmax()][np.newaxis]
    Z = mips.transform(longer)
    assert Z[0, -1] == 0
    for q in mips.transform_queries(QUERIES):
        squared = ((q - Z[0]) ** 2).sum()
        assert squared > q @ q + mips.max_norm_**2 - 2 * q[:-1] @ longer[0]
