"""Two views of the same things: representations in which the views agree.

Classes that compute with torch are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sklearn_replearn.multiview._regularized_cca import RegularizedCCA
from sklearn_replearn.multiview._zero_shot_classifier import ZeroShotClassifier

if TYPE_CHECKING:  # for editors and type checkers
    from sklearn_replearn.multiview._clip import CLIP
    from sklearn_replearn.multiview._text_target_transformer import (
        TextTargetTransformer,
    )

_LOADED_ON_USE = {
    "CLIP": "_clip",
    "TextTargetTransformer": "_text_target_transformer",
}

__all__ = ["CLIP", "RegularizedCCA", "TextTargetTransformer", "ZeroShotClassifier"]


def __getattr__(name):
    if name in _LOADED_ON_USE:
        module = import_module(f"{__name__}.{_LOADED_ON_USE[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
