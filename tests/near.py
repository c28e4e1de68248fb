"""Equality up to rounding, which differs from processor to processor."""

import numpy as np


def assert_near(actual, expected):
    """Same shape and type; within 1e-12 (float32: 1e-5) of the largest value."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    tolerance = 1e-5 if actual.dtype == np.float32 else 1e-12
    limit = tolerance * np.abs(expected).max(initial=0)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=limit)
