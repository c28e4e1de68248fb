"""Representations of documents and words."""

from sklearn_replearn.text._lsa import LSA
from sklearn_replearn.text._pmi_embedding import PMIEmbedding
from sklearn_replearn.text._pretrained_embedding import PretrainedEmbedding
from sklearn_replearn.text._skip_gram_embedding import SkipGramEmbedding

__all__ = ["LSA", "PMIEmbedding", "PretrainedEmbedding", "SkipGramEmbedding"]
