"""The catalogue of bad input: expressions, and how the package answers each.

A case is a description, an expression of `names.NAMES`, and the type of the exception
or warning that it leads to, or None. `test_bad_input.py` runs all cases, and the
documentation shows them with their messages.
"""

import warnings

from . import (
    graphs,
    images,
    language,
    multiview,
    networks,
    self_supervised,
    signals,
    similarity,
    tables,
    texts,
)
from .names import NAMES

CASES = {
    "tables": tables.CASES,
    "texts": texts.CASES,
    "graphs": graphs.CASES,
    "networks": networks.CASES,
    "images": images.CASES,
    "similarity": similarity.CASES,
    "self_supervised": self_supervised.CASES,
    "language": language.CASES,
    "multiview": multiview.CASES,
    "signals": signals.CASES,
}


def evaluate(expression, **names):
    """The value of an expression of `NAMES` and further names."""
    return eval(expression, NAMES | names)


def outcome(expression):
    """The exceptions and warnings of an expression, and its value or None."""
    value, messages = None, []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = evaluate(expression)
        except Exception as error:
            messages = [error]
    return messages + [warning.message for warning in caught], value
