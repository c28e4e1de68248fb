"""Numbers that say how good a representation is.

They call the public methods of fitted estimators, and nothing else.
"""

from sklearn_replearn.metrics._words import (
    make_word_analogy_scorer,
    make_word_similarity_scorer,
    word_analogy_accuracy,
    word_similarity,
)

__all__ = [
    "make_word_analogy_scorer",
    "make_word_similarity_scorer",
    "word_analogy_accuracy",
    "word_similarity",
]
