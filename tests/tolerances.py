"""Equality up to rounding, whatever the processor."""

import numpy as np


def assert_same(found, expected):
    """Within 1e-5 of the largest value in single precision, 1e-12 in double."""
    found, expected = np.asarray(found), np.asarray(expected)
    single = np.float32 in (found.dtype, expected.dtype)
    largest = np.abs(expected).max(initial=0.0)
    np.testing.assert_allclose(
        found, expected, rtol=0, atol=(1e-5 if single else 1e-12) * largest
    )
