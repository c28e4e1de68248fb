"""Representations of waves and time series of any lengths."""

from sklearn_replearn.signal._spectral_features import SpectralFeatures

__all__ = ["SpectralFeatures"]
