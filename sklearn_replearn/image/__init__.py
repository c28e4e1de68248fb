"""Images, and signals, as vectors."""

from sklearn_replearn.image._bag_of_visual_words import BagOfVisualWords
from sklearn_replearn.image._cnn_feature_extractor import CNNFeatureExtractor
from sklearn_replearn.image._conv_autoencoder import ConvAutoencoder
from sklearn_replearn.image._filter_bank import FilterBank
from sklearn_replearn.image._hog import HOG
from sklearn_replearn.image._pretrained_feature_extractor import (
    PretrainedFeatureExtractor,
)

__all__ = [
    "HOG",
    "BagOfVisualWords",
    "CNNFeatureExtractor",
    "ConvAutoencoder",
    "FilterBank",
    "PretrainedFeatureExtractor",
]
