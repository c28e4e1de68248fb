"""CrossFitTransformer: which model embeds which row, alignment, and bad input."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import ortho_group
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    StandardScaler,
    TargetEncoder,
)

from sklearn_replearn.graph import NetMF
from sklearn_replearn.model_selection import CrossFitTransformer
from sklearn_replearn.model_selection._cross_fit_transformer import move, procrustes
from sklearn_replearn.text import LSA

LDA = LinearDiscriminantAnalysis()

#: For tests of what each fold's clone gives, whatever its coordinates.
OwnCoordinates = partial(CrossFitTransformer, align=None)
pytestmark = pytest.mark.filterwarnings("ignore:The embeddings of")


def data(n_samples=60, n_features=6, n_classes=3, random_state=0):
    rng = np.random.default_rng(random_state)
    y = np.arange(n_samples) % n_classes
    X = rng.standard_normal((n_samples, n_features)) + 2 * np.eye(n_features)[y]
    return X, y


def slow_out_of_fold(transformer, cv, X, y, groups=None):
    """Row by row, by a transformer fitted on the other folds."""
    rows = {}
    for train, test in cv.split(X, y, groups):
        fitted = clone(transformer).fit(X[train], y[train])
        for row in test:
            rows[row] = fitted.transform(X[[row]])[0]
    return np.array([rows[row] for row in range(len(X))])


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_each_row_by_the_model_without_its_fold(n_jobs):
    X, y = data()
    cv = StratifiedKFold(4, shuffle=True, random_state=0)
    crossed = OwnCoordinates(LDA, cv, n_jobs=n_jobs)
    assert_allclose(crossed.fit_transform(X, y), slow_out_of_fold(LDA, cv, X, y))
    assert_allclose(crossed.transform(X), clone(LDA).fit(X, y).transform(X))
    alone = OwnCoordinates(LDA, cv).fit(X, y)
    assert_allclose(alone.transform(X), crossed.transform(X))


@pytest.mark.parametrize(
    ("y", "splitter"),
    [
        (np.arange(60) // 20, StratifiedKFold(5)),
        (np.linspace(0, 1, 60), KFold(5)),
        (None, KFold(5)),
    ],
)
def test_an_int_is_stratified_for_classes(y, splitter):
    X, _ = data()
    scaler = StandardScaler()
    expected = CrossFitTransformer(scaler, splitter).fit_transform(X, y)
    assert_array_equal(CrossFitTransformer(scaler, 5).fit_transform(X, y), expected)


def test_groups():
    X, y = data()
    groups = np.arange(60) // 10
    crossed = OwnCoordinates(LDA, GroupKFold(3))
    found = crossed.fit_transform(X, y, groups=groups)
    assert_allclose(found, slow_out_of_fold(LDA, GroupKFold(3), X, y, groups))
    model = make_pipeline(crossed, LogisticRegression())
    model.fit(X, y, crossfittransformer__groups=groups)
    with pytest.raises(ValueError, match="'groups' parameter should not be None"):
        model.fit(X, y)


def test_groups_with_metadata_routing():
    X, y = data()
    with config_context(enable_metadata_routing=True):
        crossed = CrossFitTransformer(LDA, GroupKFold(3)).set_fit_request(groups=True)
        model = make_pipeline(crossed, LogisticRegression())
        model.fit(X, y, groups=np.arange(60) // 10)
        assert model.score(X, y) > 0.5


def test_an_iterable_of_splits():
    X, y = data()
    splits = list(KFold(3).split(X))
    found = OwnCoordinates(LDA, splits).fit_transform(X, y)
    assert_array_equal(found, OwnCoordinates(LDA, KFold(3)).fit_transform(X, y))


def test_in_a_pipeline():
    X, y = data()
    model = make_pipeline(OwnCoordinates(LDA), LogisticRegression()).fit(X, y)
    Z = OwnCoordinates(LDA).fit_transform(X, y)
    assert_allclose(model[-1].coef_, LogisticRegression().fit(Z, y).coef_)
    full = clone(LDA).fit(X, y).transform(X)
    assert_array_equal(model.predict(X), model[-1].predict(full))
    grid = {"crossfittransformer__transformer__n_components": [1, 2]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


# -- alignment ---------------------------------------------------------------------


def test_procrustes_undoes_a_motion():
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((30, 4))
    rotation = ortho_group.rvs(4, random_state=0)
    moved = Z @ rotation + rng.standard_normal(4)
    motion = procrustes(Z, moved)
    assert_allclose(motion[1], rotation)
    assert_allclose(move(Z, *motion), moved)
    assert move(Z.astype(np.float32), *motion).dtype == np.float32


class TurnedPCA(TransformerMixin, BaseEstimator):
    """Principal components, turned by chance and shifted: never the same twice."""

    def fit(self, X, y=None):
        self.pca_ = PCA(3, svd_solver="full").fit(X)
        seed = int(abs(X).sum() * 1e6) % 1000
        self.rotation_ = ortho_group.rvs(3, random_state=seed)
        return self

    def transform(self, X):
        return self.pca_.transform(X) @ self.rotation_ + 5 * self.rotation_[0]


def test_aligned_folds_against_a_slow_loop():
    X, y = data()
    crossed = CrossFitTransformer(TurnedPCA(), KFold(5), align="procrustes")
    found = crossed.fit_transform(X, y)
    full = TurnedPCA().fit(X).transform(X)
    for train, test in KFold(5).split(X):
        fold = TurnedPCA().fit(X[train])
        source, target = fold.transform(X[train]), full[train]
        U, _, Vt = np.linalg.svd(
            (source - source.mean(axis=0)).T @ (target - target.mean(axis=0))
        )
        expected = (fold.transform(X[test]) - source.mean(axis=0)) @ U @ Vt
        assert_allclose(found[test], expected + target.mean(axis=0))
    # Of models that differ by a motion and little else, little is left.
    apart = OwnCoordinates(TurnedPCA(), KFold(5)).fit_transform(X, y)
    assert np.abs(found - full).mean() < 0.2 * np.abs(apart - full).mean()


class Noise(TransformerMixin, BaseEstimator):
    """Numbers that say nothing."""

    def fit(self, X, y=None):
        self.seed_ = len(X)
        return self

    def transform(self, X):
        return np.random.default_rng(self.seed_).standard_normal((len(X), 2))


@pytest.mark.filterwarnings("default:The embeddings of")
def test_other_coordinates_are_told():
    X, y = data()
    with pytest.warns(UserWarning, match="set align='auto' or 'procr") as caught:
        OwnCoordinates(TurnedPCA(), KFold(5)).fit_transform(X, y)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for transformer in (
            StandardScaler(),
            TargetEncoder(target_type="multiclass"),
            Noise(),  # what has nothing in common is not as good after a rotation
        ):
            OwnCoordinates(transformer, KFold(5)).fit_transform(X.round(), y)


class Probabilities(TransformerMixin, BaseEstimator):
    """What a forest says of the classes."""

    def fit(self, X, y):
        self.forest_ = RandomForestClassifier(10, random_state=len(X)).fit(X, y)
        return self

    def transform(self, X):
        return self.forest_.predict_proba(X)


class FlippedPCA(TransformerMixin, BaseEstimator):
    """Principal components; the smallest of an odd number of rows has another sign."""

    def fit(self, X, y=None):
        self.pca_ = PCA(4, svd_solver="full").fit(X)
        self.signs_ = np.array([1, 1, 1, (-1) ** len(X)])
        return self

    def transform(self, X):
        return self.pca_.transform(X) * self.signs_


class ShuffledDistances(TransformerMixin, BaseEstimator):
    """Distances to the centers of clusters, which come in another order each time."""

    def fit(self, X, y=None):
        self.clusters_ = KMeans(4, n_init=5, random_state=int(1e6 * X[0, 0] % 97))
        self.clusters_.fit(X)
        return self

    def transform(self, X):
        return self.clusters_.transform(X)


class OfPositives(TransformerMixin, BaseEstimator):
    """Square roots: NaN of what is negative."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        with np.errstate(invalid="ignore"):
            return np.sqrt(X)

    def __sklearn_is_fitted__(self):
        return True


@pytest.mark.parametrize(
    "transformer",
    [
        StandardScaler(),
        TargetEncoder(target_type="multiclass"),
        Probabilities(),
        Noise(),
        OneHotEncoder(categories=[np.arange(-9, 10)] * 6),
        OfPositives(),
    ],
    ids=lambda transformer: type(transformer).__name__,
)
def test_auto_leaves_what_has_the_same_coordinates(transformer):
    X, y = data()
    X = X.round()
    cv = KFold(5, shuffle=True, random_state=0)
    found = CrossFitTransformer(transformer, cv).fit_transform(X, y)
    left = OwnCoordinates(transformer, cv).fit_transform(X, y)
    if sparse.issparse(left):
        found, left = found.toarray(), left.toarray()
    assert_array_equal(found, left)


@pytest.mark.parametrize(
    "transformer",
    [TurnedPCA(), FlippedPCA(), ShuffledDistances(), LDA],
    ids=lambda transformer: type(transformer).__name__,
)
def test_auto_aligns_what_lies_in_other_coordinates(transformer):
    X, y = data(n_samples=101, n_classes=5)
    cv = KFold(5, shuffle=True, random_state=0)
    auto = CrossFitTransformer(transformer, cv).fit_transform(X, y)
    aligned = CrossFitTransformer(transformer, cv, align="procrustes")
    aligned = aligned.fit_transform(X, y)
    assert_allclose(auto, aligned)
    assert abs(auto - OwnCoordinates(transformer, cv).fit_transform(X, y)).max() > 0.1


def test_missing_values_cannot_be_rotated():
    X, y = data()
    crossed = CrossFitTransformer(OfPositives(), align="procrustes")
    with pytest.raises(ValueError, match="needs finite embeddings"):
        crossed.fit_transform(X, y)


def test_alignment_lets_a_classifier_read_the_folds():
    X, y = load_digits(return_X_y=True)
    X = X / 16 + 0.1 * np.random.default_rng(0).standard_normal(X.shape)
    scores = {}
    for align in (None, "procrustes", "auto"):
        embedder = CrossFitTransformer(TurnedPCA(), align=align)
        model = make_pipeline(embedder, LogisticRegression(max_iter=1000))
        scores[align] = model.fit(X[:500], y[:500]).score(X[500:], y[500:])
    assert scores["procrustes"] > scores[None] + 0.2
    assert scores["auto"] == scores["procrustes"]


def test_precision_is_kept():
    X, y = data()
    for dtype in (np.float32, np.float64):
        crossed = CrossFitTransformer(PCA(2), align="procrustes")
        assert crossed.fit_transform(X.astype(dtype), y).dtype == dtype


# -- forms of input and output -----------------------------------------------------


def test_documents():
    documents = [f"{a} {b}" for a in "xyz" for b in ("pet cat", "dog pet", "red cat")]
    tokens = [document.split() for document in documents]
    crossed = CrossFitTransformer(LSA(2, random_state=0), KFold(3))
    expected = crossed.fit_transform(documents)
    assert expected.shape == (9, 2)
    for form in (
        np.array(documents, dtype=object),
        pd.Series(documents, index=[5] * 9),
    ):
        assert_array_equal(crossed.fit_transform(form), expected)
    assert_array_equal(crossed.fit_transform(pl.Series(documents)), expected)
    ragged = [*tokens[:-1], [*tokens[-1], "cat"]]
    assert crossed.fit_transform(ragged).shape == (9, 2)


def test_sparse_input_and_output():
    X, y = data()
    scaler = StandardScaler(with_mean=False)
    expected = CrossFitTransformer(scaler).fit_transform(X, y)
    for form in (sparse.csr_array, sparse.coo_matrix):
        Z = CrossFitTransformer(scaler).fit_transform(form(X), y)
        assert sparse.issparse(Z)
        assert_allclose(Z.toarray(), expected)
    with pytest.raises(ValueError, match="needs dense embeddings"):
        CrossFitTransformer(scaler, align="procrustes").fit_transform(form(X), y)


def test_images():
    X, y = data()
    flatten = FunctionTransformer(lambda X: X.reshape(len(X), -1))
    images = X.reshape(-1, 2, 3)
    embedder = OwnCoordinates(make_pipeline(flatten, LDA))
    expected = OwnCoordinates(LDA).fit_transform(X, y)
    assert_allclose(embedder.fit_transform(images, y), expected)
    assert_allclose(
        embedder.transform(images), OwnCoordinates(LDA).fit(X, y).transform(X)
    )


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames(library):
    X, y = data()
    expected = CrossFitTransformer(LDA).fit_transform(X, y)
    module = {"pandas": pd, "polars": pl}[library]
    frame = module.DataFrame(dict(zip("abcdef", X.T, strict=True)))
    crossed = CrossFitTransformer(LDA).set_output(transform=library)
    Z = crossed.fit_transform(frame, module.Series(y))
    assert type(Z).__module__.startswith(library)
    assert_allclose(Z.to_numpy(), expected)
    assert list(Z.columns) == list(crossed.get_feature_names_out())
    assert crossed.n_features_in_ == 6
    assert list(crossed.feature_names_in_) == list("abcdef")
    with config_context(transform_output=library):
        Z = CrossFitTransformer(clone(LDA)).fit_transform(frame, y)
        assert list(Z.columns) == list(crossed.get_feature_names_out())


def test_frames_keep_their_index():
    X, y = data()
    frame = pd.DataFrame(X, index=np.arange(60)[::-1]).add_prefix("x")
    labels = pd.Series(y, index=frame.index)
    for inner in ("default", "pandas"):
        transformer = clone(LDA).set_output(transform=inner)
        crossed = CrossFitTransformer(transformer).set_output(transform="pandas")
        Z = crossed.fit_transform(frame, labels)
        assert list(Z.index) == list(frame.index)
        assert_allclose(Z, CrossFitTransformer(LDA).fit_transform(X, y))


def test_names_are_those_of_the_transformer():
    X, y = data()
    crossed = CrossFitTransformer(LDA).fit(X, y)
    expected = ["lineardiscriminantanalysis0", "lineardiscriminantanalysis1"]
    assert list(crossed.get_feature_names_out()) == expected
    nameless = CrossFitTransformer(TurnedPCA()).fit(X, y)
    assert not hasattr(nameless, "get_feature_names_out")
    assert_array_equal(nameless.fit_transform(X, y).shape, (60, 3))


def test_in_a_column_transformer_with_target_statistics():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"town": rng.choice(list("abc"), 60), "size": rng.normal(size=60)}
    )
    y = np.arange(60) % 2
    columns = make_column_transformer(
        (CrossFitTransformer(TargetEncoder(cv=2, random_state=0)), ["town"]),
        remainder="passthrough",
    )
    assert columns.fit_transform(frame, y).shape == (60, 2)


# -- bad input ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cv", "row", "times"),
    [
        (TimeSeriesSplit(3), 0, 0),
        (RepeatedKFold(n_splits=2, n_repeats=2, random_state=0), 0, 2),
        ([(np.arange(30), np.arange(30, 60))], 0, 0),
        ([], 0, 0),
    ],
)
def test_splits_that_do_not_partition(cv, row, times):
    X, y = data()
    message = f"has row {row} in the test rows of {times} splits, but every row"
    with pytest.raises(ValueError, match=message):
        CrossFitTransformer(LDA, cv).fit_transform(X, y)


def test_errors_of_splits_are_clear():
    X, y = data()
    with pytest.raises(ValueError, match=r"cv=ShuffleSplit\(.*every row must be in"):
        CrossFitTransformer(LDA, ShuffleSplit(5)).fit_transform(X, y)
    leaking = [(np.arange(60), test) for _, test in KFold(3).split(X)]
    with pytest.raises(ValueError, match="Split 0 of cv has row 0 in its training and"):
        CrossFitTransformer(LDA, leaking).fit_transform(X, y)
    outside = [(np.arange(30), np.arange(30, 61)), (np.arange(30, 60), np.arange(30))]
    with pytest.raises(ValueError, match="Split 0 of cv has row 60, but X has 60 rows"):
        CrossFitTransformer(LDA, outside).fit_transform(X, y)
    with pytest.raises(ValueError, match="'cv' parameter of CrossFitTransformer must"):
        CrossFitTransformer(LDA, 1).fit_transform(X, y)


class AsWideAsRows(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.width_ = len(X) // 10
        return self

    def transform(self, X):
        return np.ones((len(X), self.width_))


def test_errors_are_clear():
    X, y = data()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        CrossFitTransformer(LDA).transform(X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        CrossFitTransformer(LDA).fit_transform(X, y[:-1])
    with pytest.raises(ValueError, match="'align' parameter of CrossFitTransformer"):
        CrossFitTransformer(LDA, align="rotate").fit_transform(X, y)
    with pytest.raises(ValueError, match="'transformer' parameter of CrossFitTransf"):
        CrossFitTransformer(LogisticRegression()).fit(X, y)
    with pytest.raises(
        ValueError, match="fold 0 gives 4 columns, but that of all rows"
    ):
        CrossFitTransformer(AsWideAsRows()).fit_transform(X, y)
    with pytest.raises(ValueError, match="NetMF takes square matrices"):
        CrossFitTransformer(NetMF(2)).fit_transform(np.ones((10, 10)))


def test_a_failed_fit_changes_nothing():
    X, y = data()
    crossed = CrossFitTransformer(LDA).fit(X, y)
    fitted = crossed.transformer_
    with pytest.raises(ValueError, match="contains NaN"):
        crossed.fit_transform(np.where(X[0, 0] == X, np.nan, X), y)
    assert crossed.transformer_ is fitted


def test_the_transformer_is_not_changed():
    X, y = data()
    transformer = LinearDiscriminantAnalysis()
    CrossFitTransformer(transformer).fit_transform(X, y)
    assert not hasattr(transformer, "classes_")
