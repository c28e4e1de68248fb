"""Numbers that say how good a representation is.

They read arrays, or call the public methods of fitted estimators, and nothing else.
"""

from sklearn_replearn.metrics._retrieval import (
    cumulative_match,
    mean_average_precision_at_r,
    r_precision,
    recall_at_k,
)
from sklearn_replearn.metrics._retrieval_scorer import make_retrieval_scorer
from sklearn_replearn.metrics._sphere import alignment, effective_rank, uniformity
from sklearn_replearn.metrics._verification import (
    equal_error_rate,
    verification_threshold,
)
from sklearn_replearn.metrics._words import (
    make_word_analogy_scorer,
    make_word_similarity_scorer,
    word_analogy_accuracy,
    word_similarity,
)

__all__ = [
    "alignment",
    "cumulative_match",
    "effective_rank",
    "equal_error_rate",
    "make_retrieval_scorer",
    "make_word_analogy_scorer",
    "make_word_similarity_scorer",
    "mean_average_precision_at_r",
    "r_precision",
    "recall_at_k",
    "uniformity",
    "verification_threshold",
    "word_analogy_accuracy",
    "word_similarity",
]
