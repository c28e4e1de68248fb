"""Autoencoders: networks that learn codes by reconstructing what they encode."""

from sklearn_replearn.autoencoder._autoencoder import Autoencoder
from sklearn_replearn.autoencoder._denoising_autoencoder import DenoisingAutoencoder
from sklearn_replearn.autoencoder._variational_autoencoder import (
    VariationalAutoencoder,
)
from sklearn_replearn.autoencoder._vq_autoencoder import VQAutoencoder

__all__ = [
    "Autoencoder",
    "DenoisingAutoencoder",
    "VQAutoencoder",
    "VariationalAutoencoder",
]
