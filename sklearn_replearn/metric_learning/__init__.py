"""Learned similarity: embeddings in which what belongs together lies together."""

from sklearn_replearn.metric_learning._mahalanobis_transformer import (
    MahalanobisTransformer,
)
from sklearn_replearn.metric_learning._n_pair_transformer import NPairTransformer
from sklearn_replearn.metric_learning._pair_classifier import PairClassifier
from sklearn_replearn.metric_learning._pair_verifier import PairVerifier
from sklearn_replearn.metric_learning._prototype_classifier import PrototypeClassifier
from sklearn_replearn.metric_learning._siamese_transformer import SiameseTransformer
from sklearn_replearn.metric_learning._sup_con_transformer import SupConTransformer
from sklearn_replearn.metric_learning._triplet_transformer import TripletTransformer

__all__ = [
    "MahalanobisTransformer",
    "NPairTransformer",
    "PairClassifier",
    "PairVerifier",
    "PrototypeClassifier",
    "SiameseTransformer",
    "SupConTransformer",
    "TripletTransformer",
]
