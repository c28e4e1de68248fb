"""Linear representations of tables."""

from sklearn_replearn.decomposition._scaled_pca import ScaledPCA

__all__ = ["ScaledPCA"]
