"""Representations of tables by matrix decomposition."""

from sklearn_replearn.decomposition._scaled_pca import ScaledPCA
from sklearn_replearn.decomposition._similarity_embedding import SimilarityEmbedding

__all__ = ["ScaledPCA", "SimilarityEmbedding"]
