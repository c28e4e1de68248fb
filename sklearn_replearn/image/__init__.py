"""Images, and signals, as vectors.

Classes that compute with torch are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sklearn_replearn.image._bag_of_visual_words import BagOfVisualWords
from sklearn_replearn.image._hog import HOG

if TYPE_CHECKING:  # for editors and type checkers
    from sklearn_replearn.image._cnn_feature_extractor import CNNFeatureExtractor
    from sklearn_replearn.image._conv_autoencoder import ConvAutoencoder
    from sklearn_replearn.image._filter_bank import FilterBank
    from sklearn_replearn.image._pretrained_feature_extractor import (
        PretrainedFeatureExtractor,
    )

_LOADED_ON_USE = {
    "CNNFeatureExtractor": "_cnn_feature_extractor",
    "ConvAutoencoder": "_conv_autoencoder",
    "FilterBank": "_filter_bank",
    "PretrainedFeatureExtractor": "_pretrained_feature_extractor",
}

__all__ = [
    "HOG",
    "BagOfVisualWords",
    "CNNFeatureExtractor",
    "ConvAutoencoder",
    "FilterBank",
    "PretrainedFeatureExtractor",
]


def __getattr__(name):
    if name in _LOADED_ON_USE:
        module = import_module(f"{__name__}.{_LOADED_ON_USE[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
