"""Two columns from more: principal components, t-SNE or any transformer."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from sklearn_replearn._containers import dense
from sklearn_replearn.plotting._embedding_input import check_embedding
from sklearn_replearn.plotting._estimators import last_step, own_seed

_MAX_TSNE_COLUMNS = 50


def to_two_columns(Z, reduce, random_state, names):
    """At most two columns, what they are, and whether their units are equal."""
    n_samples, n_columns = Z.shape
    known = reduce is None or (
        reduce in ("auto", "pca", "tsne")
        if isinstance(reduce, str)
        else hasattr(reduce, "fit_transform")
    )
    if not known:
        raise ValueError(
            "reduce must be 'auto', 'pca', 'tsne', None or a transformer with "
            f"fit_transform; got {reduce!r}"
        )
    if n_columns == 1 or reduce is None or (reduce == "auto" and n_columns == 2):
        if n_columns > 2:
            raise ValueError(
                f"the embedding has {n_columns} columns and reduce=None draws at most "
                "two; pass reduce='pca' or 'tsne', or two columns to "
                "EmbeddingDisplay.from_embedding"
            )
        return dense(Z), names, False
    if n_samples < 2:
        raise ValueError(
            f"reducing {n_columns} columns to two needs at least two rows; got one"
        )
    random_state = own_seed(random_state)
    if not isinstance(reduce, str):
        return _reduce_by(reduce, Z, random_state)
    if not _varies(Z):
        labels = ["PC 1", "PC 2"] if reduce != "tsne" else ["t-SNE 1", "t-SNE 2"]
        return np.zeros((n_samples, 2)), labels, True
    if reduce == "tsne":
        return _tsne(Z, random_state), ["t-SNE 1", "t-SNE 2"], True
    points, shares = _pca(Z, 2, random_state)
    labels = [f"PC {i + 1}{_in_brackets(share)}" for i, share in enumerate(shares)]
    return points, labels, True


def _reduce_by(transformer, Z, random_state):
    transformer = clone(transformer)
    params = transformer.get_params()
    if "random_state" in params and params["random_state"] is None:
        transformer.set_params(random_state=random_state)
    points, names = check_embedding(transformer.fit_transform(Z))
    if points.shape[1] > 2:
        raise ValueError(
            f"{type(transformer).__name__} given as reduce gives {points.shape[1]} "
            "columns; it must give one or two"
        )
    if names is None:
        name = type(transformer).__name__
        names = [f"{name} {i + 1}" for i in range(points.shape[1])]
    return dense(points), names, True


def _pca(Z, n_components, random_state):
    solver = "auto"
    if issparse(Z):
        if n_components < min(Z.shape):
            solver = "arpack"
        else:
            Z = Z.toarray()
    pca = PCA(n_components, svd_solver=solver, random_state=random_state)
    pca.set_output(transform="default")
    return pca.fit_transform(Z), pca.explained_variance_ratio_


def _tsne(Z, random_state):
    if Z.shape[1] > _MAX_TSNE_COLUMNS:
        # t-SNE's advice: noise and cost fall when the distances come from few columns.
        n_components = np.clip(Z.shape[0] - 1, 2, _MAX_TSNE_COLUMNS)
        Z, _ = _pca(Z, n_components, random_state)
    Z = dense(Z)
    tsne = TSNE(
        perplexity=min(30.0, (len(Z) - 1) / 3) if len(Z) > 3 else 1.0,
        init="pca",
        random_state=random_state,
    )
    tsne.set_output(transform="default")
    return tsne.fit_transform(Z)


def _varies(Z):
    if issparse(Z):
        return (Z.max(axis=0) - Z.min(axis=0)).nnz > 0
    return bool(np.ptp(Z, axis=0).any())


def with_shares(names, estimator):
    """Names with the share of the variance, where the estimator tells it."""
    shares = getattr(last_step(estimator), "explained_variance_ratio_", None)
    if names is None or shares is None or len(shares) != len(names):
        return names
    return [
        f"{name}{_in_brackets(share)}"
        for name, share in zip(names, shares, strict=True)
    ]


def _in_brackets(share):
    return f" ({100 * share:.{0 if share >= 0.01 else 1}f} %)"
