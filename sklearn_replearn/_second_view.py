"""Embedders of two views, which may be the last step of a pipeline."""

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline


def last_step(embedder):
    """What has the second view: the embedder, or the last step of a pipeline.

    A pipeline changes X alone, so that its last step knows y as it was given.
    """
    if isinstance(embedder, FrozenEstimator):
        return last_step(embedder.estimator)
    return last_step(embedder[-1]) if isinstance(embedder, Pipeline) else embedder


def has_second_view(embedder):
    """Whether an embedder has vectors of a second view."""
    return hasattr(last_step(embedder), "transform_y")
