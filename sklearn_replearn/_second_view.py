"""Embedders of two views, which may be the last step of a pipeline."""

from sklearn.pipeline import Pipeline

from sklearn_replearn._fitted_state import thawed


def two_view_step(embedder):
    """What has the vectors of a second view: the embedder, its last step, or None.

    A pipeline changes X alone, so that its last step knows y as it was given.
    """
    embedder = thawed(embedder)
    if isinstance(embedder, Pipeline):
        return two_view_step(embedder[-1])
    return embedder if hasattr(embedder, "transform_y") else None
