"""Displays of spectra, embeddings and what deep estimators learn.

They follow scikit-learn's Display style. Matplotlib is imported when a display is
plotted, not before.
"""

from sklearn_replearn.plotting._embedding import EmbeddingDisplay
from sklearn_replearn.plotting._latent_traversal import LatentTraversalDisplay
from sklearn_replearn.plotting._loss_curve import LossCurveDisplay
from sklearn_replearn.plotting._reconstruction import ReconstructionDisplay
from sklearn_replearn.plotting._spectrum import SpectrumDisplay

__all__ = [
    "EmbeddingDisplay",
    "LatentTraversalDisplay",
    "LossCurveDisplay",
    "ReconstructionDisplay",
    "SpectrumDisplay",
]
