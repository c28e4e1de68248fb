"""Warnings whose place is the caller's line."""

import sys
import warnings
from os import path

import sklearn

#: Code between the user's line and ours: this package, and what calls it for the user.
_INNER = tuple(
    path.join(path.dirname(file), "") for file in (__file__, sklearn.__file__)
)
_INNER_MODULES = ("joblib.", "contextlib")


def warn(message, category=UserWarning):
    """Issue a warning at the line that called this package, however deep we are."""
    frame, level = sys._getframe(1), 2
    while frame is not None and _is_inner(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_inner(frame):
    module = frame.f_globals.get("__name__", "")
    return frame.f_code.co_filename.startswith(_INNER) or module.startswith(
        _INNER_MODULES
    )
