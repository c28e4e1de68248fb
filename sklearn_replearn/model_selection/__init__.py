"""Protocols that judge representations, and stack models on them, without leaks.

They call the public methods of estimators, and nothing else.
"""

from sklearn_replearn.model_selection._cross_fit_transformer import CrossFitTransformer
from sklearn_replearn.model_selection._few_shot import few_shot_score

__all__ = ["CrossFitTransformer", "few_shot_score"]
