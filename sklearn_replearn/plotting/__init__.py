"""Displays of spectra and embeddings, in scikit-learn's Display style.

Matplotlib is imported when a display is plotted, not before.
"""

from sklearn_replearn.plotting._embedding import EmbeddingDisplay
from sklearn_replearn.plotting._spectrum import SpectrumDisplay

__all__ = ["EmbeddingDisplay", "SpectrumDisplay"]
