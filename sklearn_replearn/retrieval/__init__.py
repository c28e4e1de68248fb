"""Search among embeddings."""

from sklearn_replearn.retrieval._embedding_index import EmbeddingIndex
from sklearn_replearn.retrieval._mips_transformer import MIPSTransformer

__all__ = ["EmbeddingIndex", "MIPSTransformer"]
