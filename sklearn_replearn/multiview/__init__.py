"""Two views of the same things: representations in which the views agree."""

from sklearn_replearn.multiview._regularized_cca import RegularizedCCA

__all__ = ["RegularizedCCA"]
