"""Displays of spectra, embeddings, and of what estimators learn and look at.

They follow scikit-learn's Display style. Matplotlib is imported when a display is
plotted, not before.
"""

from sklearn_replearn.plotting._activations import ActivationDisplay
from sklearn_replearn.plotting._embedding import EmbeddingDisplay
from sklearn_replearn.plotting._filters import FilterDisplay
from sklearn_replearn.plotting._latent_traversal import LatentTraversalDisplay
from sklearn_replearn.plotting._loss_curve import LossCurveDisplay
from sklearn_replearn.plotting._reconstruction import ReconstructionDisplay
from sklearn_replearn.plotting._retrieval import RetrievalDisplay
from sklearn_replearn.plotting._saliency import SaliencyDisplay
from sklearn_replearn.plotting._search import SearchDisplay
from sklearn_replearn.plotting._spectrum import SpectrumDisplay

__all__ = [
    "ActivationDisplay",
    "EmbeddingDisplay",
    "FilterDisplay",
    "LatentTraversalDisplay",
    "LossCurveDisplay",
    "ReconstructionDisplay",
    "RetrievalDisplay",
    "SaliencyDisplay",
    "SearchDisplay",
    "SpectrumDisplay",
]
