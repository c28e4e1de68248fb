"""Representations of documents and words."""

from sklearn_replearn.text._lsa import LSA

__all__ = ["LSA"]
