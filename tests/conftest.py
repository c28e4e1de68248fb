"""Data that several tests share."""

from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def gensim_data():
    """The folder of small data files that gensim ships for its own tests."""
    return Path(find_spec("gensim").origin).parent / "test" / "test_data"


@pytest.fixture(scope="session")
def lee_corpus(gensim_data):
    """The 300 news articles of Lee, Pincombe and Welsh, as strings."""
    path = gensim_data / "lee_background.cor"
    return path.read_text(encoding="latin-1").splitlines()
