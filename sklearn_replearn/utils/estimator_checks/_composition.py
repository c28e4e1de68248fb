"""scikit-learn's ways of putting estimators together, and of naming output."""

from numbers import Real

import numpy as np
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline

from sklearn_replearn.utils.estimator_checks._comparing import (
    assert_same,
    dense,
    fit_clone,
    fitted_once,
    installed,
)
from sklearn_replearn.utils.estimator_checks._data import length


def check_feature_names(estimator, data):
    """`get_feature_names_out` gives one distinct name for each column."""
    fitted = fitted_once(estimator, data)
    names = fitted.get_feature_names_out()
    width = dense(fitted.transform(data.rows)).shape[1]
    assert len(names) == width, f"There are {len(names)} names for {width} columns."
    assert names.dtype == object, "The names are not an array of dtype object."
    assert len(set(names)) == width, "The names repeat."


def check_set_output(estimator, data):
    """`set_output` gives pandas and polars frames with the same numbers and names."""
    fitted = fit_clone(estimator, data)
    expected = fitted.transform(data.rows)
    if sparse.issparse(expected):  # scikit-learn makes no frames of sparse output
        return
    for library in installed("pandas", "polars"):
        fitted.set_output(transform=library)
        frames = [fitted.transform(data.rows)]
        if data.kind != "pairs":
            frames.append(clone(fitted).fit_transform(data.X, data.y))
        for frame in frames:
            assert type(frame).__module__.startswith(library), (
                f"set_output(transform={library!r}) gave a {type(frame)}."
            )
            assert list(frame.columns) == list(fitted.get_feature_names_out()), (
                f"The columns of the {library} frame are not get_feature_names_out()."
            )
        assert_same(
            fitted.transform(data.rows), expected, f"The {library} frame differs"
        )


def check_pipeline_and_grid_search(estimator, data):
    """Works as a step of a Pipeline, under GridSearchCV with two processes."""
    if is_classifier(estimator):
        model, grid = clone(estimator), {}
    else:
        model, grid = LogisticRegression(max_iter=1000), {"model__C": [0.1, 1.0]}
        if np.ndim(data.y) == 2:
            model, grid = Ridge(), {"model__alpha": [0.1, 1.0]}
        model = Pipeline([("embed", clone(estimator)), ("model", model)])
        if "n_components" in estimator.get_params(deep=False):
            grid = {"embed__n_components": [1, 2]}
    search = GridSearchCV(model, grid, cv=2, n_jobs=2, error_score="raise")
    search.fit(data.X, data.y)
    assert len(search.predict(data.rows)) == length(data.rows)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all(), (
        "A cross-validated score is not finite."
    )


def check_own_score(estimator, data):
    """`score`, where there is one, is a finite float by which a grid can choose."""
    if not hasattr(estimator, "score"):
        return
    score = fitted_once(estimator, data).score(data.X, data.y)
    assert isinstance(score, Real), f"score gave a {type(score)}."
    grid = {}
    if "n_components" in estimator.get_params(deep=False):
        grid = {"n_components": [1, 2]}
    search = GridSearchCV(clone(estimator), grid, cv=2, error_score="raise")
    search.fit(data.X, data.y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all(), (
        "A cross-validated score is not finite."
    )


def check_column_transformer_and_union(estimator, data):
    """Works on columns in a ColumnTransformer, and in a FeatureUnion."""
    union = FeatureUnion([("a", clone(estimator)), ("b", clone(estimator))])
    single = dense(fitted_once(estimator, data).transform(data.rows))
    both = union.fit(data.X, data.y).transform(data.rows)
    if "random_state" not in estimator.get_params(deep=False) or (
        estimator.random_state is not None
    ):
        assert_same(both, np.hstack([single, single]), "In a FeatureUnion it differs")
    if not installed("pandas"):
        return
    import pandas as pd

    tables = []
    for part in (data.X, data.rows):
        columns = {"number": np.arange(length(part), dtype=float)}
        if data.kind == "text":
            columns["text"] = part
        else:
            columns |= {f"f{j}": column for j, column in enumerate(np.asarray(part).T)}
        tables.append(pd.DataFrame(columns))
    chosen = "text" if data.kind == "text" else list(tables[0].columns[1:])
    transformer = ColumnTransformer(
        [("embed", clone(estimator), chosen)],
        remainder="passthrough",
        sparse_threshold=0,
    )
    Z = transformer.fit(tables[0], data.y).transform(tables[1])
    columns = Z[:, :-1].astype(single.dtype)  # beside the number, all are of its type
    assert_same(columns, single, "In a ColumnTransformer it differs")


def check_inverse_transform(estimator, data):
    """`inverse_transform` gives finite input of the shape that went in."""
    if not hasattr(estimator, "inverse_transform"):
        return
    fitted = fitted_once(estimator, data)
    back = dense(fitted.inverse_transform(fitted.transform(data.rows)))
    assert back.shape == np.shape(data.rows), (
        f"Rows of shape {np.shape(data.rows)} came back with shape {back.shape}."
    )
    assert np.isfinite(back).all(), "inverse_transform gave NaN or infinity."
