"""Images, and signals, as vectors."""

from sklearn_replearn.image._conv_autoencoder import ConvAutoencoder

__all__ = ["ConvAutoencoder"]
