"""A warning is shown at the line of the caller, however deep it comes from."""

import ast
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import FeatureUnion, make_pipeline

import sklearn_replearn
from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.text import LSA, PMIEmbedding

TEXTS = ["one two three", "two three four", "three four one"] * 3


@pytest.mark.parametrize(
    ("estimator", "X"),
    [
        (ScaledPCA(90), np.eye(9)),
        (LSA(90), TEXTS),
        (PMIEmbedding(90), TEXTS),
        (make_pipeline(PCA(5), ScaledPCA(90)), np.eye(9)),
        (FeatureUnion([("inner", make_pipeline(ScaledPCA(90)))]), np.eye(9)),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("method", ["fit", "fit_transform"])
def test_a_warning_names_the_callers_line(estimator, X, method):
    with pytest.warns(UserWarning, match="n_components=90") as caught:
        getattr(estimator, method)(X)
    assert {warning.filename for warning in caught} == {__file__}


def test_a_warning_within_cross_validation_names_the_callers_line():
    X = np.random.default_rng(0).normal(size=(30, 9))
    with pytest.warns(UserWarning, match="n_components=90") as caught:
        cross_val_score(make_pipeline(ScaledPCA(90), PCA(1)), X, cv=3)
    assert {warning.filename for warning in caught} == {__file__}


def test_no_module_counts_frames_by_hand():
    package = Path(sklearn_replearn.__file__).parent
    for path in package.rglob("*.py"):
        if path.name == "_warnings.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.keyword) and node.arg == "stacklevel"), (
                f"{path.name} counts the frames to its caller; call warn of _warnings"
            )
