"""Search among embeddings."""

from sklearn_replearn.retrieval._mips_transformer import MIPSTransformer

__all__ = ["MIPSTransformer"]
