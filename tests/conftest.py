"""Data that several tests share."""

import signal
from importlib.util import find_spec
from pathlib import Path

import pytest
from names import one_line
from sklearn.base import BaseEstimator

# Processes that a shell starts in the background ignore Ctrl-C, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_make_parametrize_id(config, val, argname):
    if isinstance(val, BaseEstimator | str | bytes):
        return one_line(val)
    return None


@pytest.fixture(scope="session")
def gensim_data():
    """The folder of small data files that gensim ships for its own tests."""
    return Path(find_spec("gensim").origin).parent / "test" / "test_data"


@pytest.fixture(scope="session")
def lee_corpus(gensim_data):
    """The 300 news articles of Lee, Pincombe and Welsh, as strings."""
    path = gensim_data / "lee_background.cor"
    return path.read_text(encoding="latin-1").splitlines()
