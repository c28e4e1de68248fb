"""Features from data without labels, by networks trained on tasks of their own."""

from sklearn_replearn.self_supervised._random_views import random_views
from sklearn_replearn.self_supervised._sim_clr import SimCLR

__all__ = ["SimCLR", "random_views"]
