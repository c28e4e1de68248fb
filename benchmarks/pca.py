"""ScaledPCA against a pipeline of StandardScaler and PCA.

A table of correlated features in different units, dense and, for information, sparse
word counts, which both centre without filling them: the pipeline scales them by
``StandardScaler(with_mean=False)``, and its PCA centres. Besides the times: the largest
difference of any coordinate, up to the signs of the components, on the training rows
and on rows held out.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.decomposition import ScaledPCA

from ._contest import Contest, Options, Target
from ._data import correlated_table, zipfian_counts

TARGETS = (
    Target("fit_transform ratio", at_most=1.05),
    Target("transform ratio", at_most=1.05),
    Target("train difference", at_most=1e-6),
    Target("test difference", at_most=1e-6),
)


def run(options: Options) -> Iterator[Contest]:
    """Yield the dense settings, then the sparse one."""
    yield from dense_contests(*((400, 20) if options.smoke else (20_000, 200)))
    yield sparse_contest(*((300, 100) if options.smoke else (20_000, 1_000)))


def dense_contests(n_rows: int, n_features: int) -> Iterator[Contest]:
    """ScaledPCA and the pipeline for each kind of `n_components`."""
    X = correlated_table(n_rows + n_rows // 4, n_features, random_state=0)
    train, test = X[:n_rows], X[n_rows:]
    for n_components in (None, n_features // 4, 0.9):
        ours = ScaledPCA(n_components, random_state=0)
        peer = make_pipeline(StandardScaler(), PCA(n_components, random_state=0))
        quality = compare_scores(
            [ours.fit_transform(train), ours.transform(test)],
            [peer.fit_transform(train), peer.transform(test)],
        )
        yield Contest(
            data=f"generated table, {n_rows:,} x {n_features}, {len(test):,} held out",
            setting=f"n_components={n_components}",
            stages=stages(ours, peer, train, test),
            reference="pipeline",
            quality=quality,
            targets=TARGETS,
        )


def sparse_contest(n_rows: int, n_features: int) -> Contest:
    """ScaledPCA and the pipeline on a sparse matrix, which stays sparse in both."""
    X = zipfian_counts(n_rows + n_rows // 4, n_features, random_state=0)
    train, test = X[:n_rows], X[n_rows:]
    n_components = n_features // 20
    ours = ScaledPCA(n_components, random_state=0)
    peer = make_pipeline(
        StandardScaler(with_mean=False),
        PCA(n_components, svd_solver="covariance_eigh"),
    )
    quality = compare_scores(
        [ours.fit_transform(train), ours.transform(test)],
        [peer.fit_transform(train), peer.transform(test)],
    )
    density = 100 * train.nnz / (n_rows * n_features)
    return Contest(
        data=f"generated counts, {n_rows:,} x {n_features:,}, {density:.1f} % full",
        setting=f"n_components={n_components}, centred and scaled",
        stages=stages(ours, peer, train, test),
        reference="pipeline",
        quality=quality,
        notes=("For information: no targets.",),
    )


def stages(ours, peer, train, test):
    """What is timed: learning from the training rows, and applying it to others."""
    return {
        "fit_transform": {
            "ScaledPCA": partial(ours.fit_transform, train),
            "pipeline": partial(peer.fit_transform, train),
        },
        "transform": {
            "ScaledPCA": partial(ours.transform, test),
            "pipeline": partial(peer.transform, test),
        },
    }


def compare_scores(ours, theirs):
    """Quality columns from the scores on the training and on the held-out rows.

    The two have the same components but for their signs, which are taken from the
    training rows and must hold for the others.
    """
    quality = {}
    for name, (train, test) in {"ScaledPCA": ours, "pipeline": theirs}.items():
        quality[name] = {
            "components": train.shape[1],
            "train variance": float(train.var(axis=0).sum()),
            "test variance": float(test.var(axis=0).sum()),
        }
    train_difference = test_difference = np.inf
    if ours[0].shape == theirs[0].shape:
        signs = np.sign((ours[0] * theirs[0]).sum(axis=0))
        train_difference = np.abs(ours[0] - signs * theirs[0]).max()
        test_difference = np.abs(ours[1] - signs * theirs[1]).max()
    quality["ScaledPCA"]["train difference"] = float(train_difference)
    quality["ScaledPCA"]["test difference"] = float(test_difference)
    return quality
