"""The only door to gensim."""

from gensim.models import KeyedVectors

__all__ = ["keyed_vectors"]


def keyed_vectors(words, vectors):
    """Word vectors as gensim's ``KeyedVectors``, row i of `vectors` for word i."""
    keyed = KeyedVectors(vectors.shape[1], dtype=vectors.dtype)
    keyed.add_vectors(list(words), vectors)
    return keyed
