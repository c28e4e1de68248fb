"""Settings that have to stand before numpy, scipy and matplotlib are imported."""

import os
import sys

import pytest

# One thread: on small problems two threads can take ten times as long, when both cores
# are busy. Tests of threads set their own number.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["SCIPY_ARRAY_API"] = "1"  # scikit-learn skips its array API check without
os.environ["MPLBACKEND"] = "Agg"


@pytest.fixture(autouse=True)
def _close_figures():
    """Close the figures of a test, or of the examples in a docstring."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")
