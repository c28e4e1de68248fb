"""The conformance suite passes honest estimators and fails each mutant, rightly."""

import re
import warnings

import mutants
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.graph import (
    EdgeEncoder,
    NetMF,
    NodeEncoder,
    tree_to_adjacency,
)
from sklearn_replearn.text import LSA
from sklearn_replearn.utils.estimator_checks import (
    CheckData,
    Effect,
    _fresh_process,
    check_representation_estimator,
    make_check_data,
    parametrize_with_representation_checks,
)
from sklearn_replearn.utils.estimator_checks._suite import checks_of

EFFECTS = {
    "scale": [Effect([2.0])],
    "center": [Effect(False)],
    "random_state": [Effect(1)],
}

GRAPH = [(i, (i * i + 1) % 12) for i in range(12)]
QUICK = NetMF(n_components=2, random_state=0)


def failures(estimator, **kwargs):
    results = check_representation_estimator(estimator, on_fail=None, **kwargs)
    return {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}


def failure(estimator, check_name):
    """What one check, run alone, raises."""
    data = make_check_data(estimator)
    checks = dict(checks_of(estimator, data, EFFECTS if data.kind == "table" else None))
    try:
        checks[check_name](estimator)
    except Exception as error:
        return error
    return None


def test_honest_estimators_pass():
    assert failures(mutants.Honest(scale=[1.0]), parameter_effects=EFFECTS) == {}
    assert failures(mutants.HonestWords(n_components=3)) == {}
    assert failures(mutants.HonestIds(GRAPH, QUICK)) == {}


@pytest.mark.parametrize(
    ("mutant", "check", "message"),
    [
        ("BatchDependent", "check_subset_invariance", "1 rows alone differ"),
        ("OrderDependent", "check_order_invariance", "in another order differ"),
        ("ChunkDependent", "check_chunk_invariance", "Chunks of 1 differ"),
        (
            "FitTransformDiffers",
            "check_fit_transform_equals_transform",
            r"is not fit\(X\).transform\(X\)",
        ),
        ("IgnoresParameter", "check_parameter_effect:center", "changes nothing"),
        (
            "NeverReadsAParameter",
            "check_parameters_are_read",
            r"\['center'\] are never",
        ),
        ("FixedWidth", "check_n_components", "both give 2 columns"),
        ("SeedsGlobally", "check_global_random_state_untouched", "generator of numpy"),
        (
            "UsesPythonsGlobalGenerator",
            "check_global_random_state_untouched",
            "generator of random",
        ),
        ("IgnoresItsSeed", "check_random_state", "fixed random_state two fits differ"),
        ("ChangesItsParameter", "check_fit_returns_self", r"parameters \['scale'\]"),
        ("CountsWhatItTransforms", "check_transform_is_repeatable", "n_rows_"),
        (
            "FitTransformInOtherPrecision",
            "check_fit_transform_equals_transform",
            "the dtypes are float32 and float64",
        ),
        ("NoneIsASeed", "check_random_state", "like a fixed seed"),
        ("CancelsItsParameter", "check_parameter_effect:scale", "beyond rounding"),
        (
            "ReadsOnlyWhenFittedAgain",
            "check_parameter_effect:center",
            "changes nothing",
        ),
        ("WrongNames", "check_feature_names", "1 names for 2 columns"),
        ("RepeatedNames", "check_feature_names", "repeat"),
        ("SharesState", "check_clones_share_nothing", "changed another"),
        ("RemembersEarlierFits", "check_refit_is_identical", "second fit"),
        ("Unpicklable", "check_fresh_process", "does not pickle"),
        (
            "KeepsStateInItsModule",
            "check_fresh_process",
            "does not load .*(?s:.*)KeyError: 'KeepsStateInItsModule'",
        ),
        ("WorksInInit", "check_init_only_assigns", "does more than assign"),
        ("SetsMoreInInit", "check_init_only_assigns", "is_new"),
        ("ValidatesNothing", "check_invalid_parameters", "was accepted by fit"),
        ("WritesIntoInput", "check_input_unchanged", "read-only"),
        ("AcceptsNaN", "check_invalid_numbers", "with nan was accepted"),
        ("LosesPrecision", "check_float_precision", "float32 rows gave float64"),
        ("FitReturnsNothing", "check_fit_returns_self", "does not return self"),
        ("TransformSetsAttributes", "check_transform_is_repeatable", "n_seen_"),
        ("TransformsUnfitted", "check_unfitted", "did not raise"),
        (
            "DropsComponentsSilently",
            "check_more_components_than_possible",
            "2 columns without a UserWarning",
        ),
    ],
)
def test_mutants_of_tables_fail_the_right_check(mutant, check, message):
    error = failure(getattr(mutants, mutant)(scale=[1.0]), check)
    assert error is not None
    assert re.search(message, str(error))


@pytest.mark.parametrize(
    ("mutant", "check", "message"),
    [
        ("CrashesOnUnknownWords", "check_unknown_input", "KeyError"),
        ("DropsEmptyDocuments", "check_unknown_input", "Unknown rows were dropped"),
        ("AcceptsAString", "check_documents", "fit accepted a bare string"),
    ],
)
def test_mutants_of_text_fail_the_right_check(mutant, check, message):
    error = failure(getattr(mutants, mutant)(n_components=1), check)
    assert error is not None
    assert re.search(message, str(error))


@pytest.mark.parametrize(
    ("mutant", "check", "message"),
    [
        ("IgnoresAColumn", "check_each_column_counts", "column 1 change nothing"),
        (
            "TakesUnknownIdsForZero",
            "check_handle_unknown",
            "an unknown id was accepted",
        ),
        ("CopiesItsGraph", "check_graph_is_shared", "A clone copies the graph"),
        ("MakesStringsOfIds", "check_output", "names of type int, .* and not str"),
    ],
)
def test_mutants_of_ids_fail_the_right_check(mutant, check, message):
    error = failure(getattr(mutants, mutant)(GRAPH, QUICK), check)
    assert error is not None
    assert re.search(message, str(error))


def test_a_mutated_module_is_noticed():
    torch = pytest.importorskip("torch")

    class TrainsItsParameter(mutants.Honest):
        def __init__(self, module=None, scale=(1.0,), center=True, random_state=0):
            super().__init__(scale, center, random_state)
            self.module = module

        def fit(self, X, y=None):
            with torch.no_grad():
                self.module.weight += 1
            return super().fit(X, y)

    error = failure(
        TrainsItsParameter(torch.nn.Linear(2, 2), scale=[1.0]), "check_fit_returns_self"
    )
    assert "['module']" in str(error)


class Spy(TransformerMixin, BaseEstimator):
    """Any kind of input, told apart by the tags alone."""

    def __init__(self, kind="table", input="rows"):
        self.kind = kind
        self.input = input

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = self.kind in ("table", "graph")
        tags.input_tags.three_d_array = self.kind == "image"
        tags.input_tags.string = self.kind == "text"
        tags.input_tags.pairwise = self.kind == "graph"
        return tags


@pytest.mark.parametrize("kind", ["table", "text", "image", "graph"])
def test_data_is_made_by_the_tags(kind):
    data = make_check_data(Spy(kind))
    assert data.kind == kind
    assert np.bincount(data.y).min() >= 10
    again = make_check_data(Spy(kind))
    assert str(again.X) == str(data.X)


def test_ids_are_those_of_the_graph():
    data = make_check_data(NodeEncoder([("a", "b"), ("b", "c")]))
    assert data.kind == "ids"
    assert data.X.shape == (60, 2)
    assert set(data.X.ravel()) == {"a", "b", "c"}
    assert np.bincount(data.y).min() >= 10
    tree = tree_to_adjacency([("WA", "King"), ("OR", "Lane")])  # inner nodes are tuples
    assert set(make_check_data(NodeEncoder(tree)).X.ravel()) == {"King", "Lane"}
    numbers = make_check_data(NodeEncoder(sparse.eye_array(5, format="csr")))
    assert set(numbers.X.ravel()) == set(range(5))


def test_pairs_of_ids_have_two_labels():
    data = make_check_data(EdgeEncoder())
    assert data.kind == "ids"
    assert data.X.shape == (60, 2)
    assert (data.X[:, 0] != data.X[:, 1]).all()
    assert np.bincount(data.y).min() >= 10


def test_pairs_are_made_where_the_estimator_asks_for_them():
    data = make_check_data(Spy(input="pairs"))
    assert data.kind == "pairs"
    assert data.X.shape == (60, 2, 8)
    assert data.rows.shape == (20, 8)


class NeighbourSums(ScaledPCA):
    """A graph estimator that keeps its word: rows of an adjacency, projected."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = True
        return tags


class FlattenedImages(mutants.Honest):
    """An image estimator that keeps its word."""

    def fit(self, X, y=None):
        X = self._flat(X)
        self.shape_ = X.shape[1:]
        return super().fit(X)

    def transform(self, X):
        return super().transform(self._flat(X))

    def _flat(self, X):
        X = np.asarray(X)
        return X.reshape(len(X), -1) if X.ndim > 2 else X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


class Differences(mutants.Honest):
    """An estimator of pairs that keeps its word."""

    def __init__(self, input="pairs", scale=(1.0,), center=True, random_state=0):
        super().__init__(scale, center, random_state)
        self.input = input

    def fit(self, X, y=None):
        if not isinstance(self.input, str):
            raise ValueError("The 'input' parameter must be 'pairs'.")
        if len(X) == 0:
            raise ValueError("X holds no pairs.")
        if not np.isfinite(X).all():
            raise ValueError("X holds NaN or infinity.")
        return super().fit(X[:, 0] - X[:, 1])


@pytest.mark.parametrize(
    "estimator",
    [
        NeighbourSums(n_components=2),
        FlattenedImages(scale=[1.0]),
        Differences(scale=[1.0]),
    ],
    ids=["graph", "image", "pairs"],
)
def test_other_kinds_pass_when_honest(estimator):
    assert failures(estimator) == {}


def test_estimators_of_a_notebook():
    """Classes that can be imported nowhere else, and a state that does not pickle."""

    class Local(mutants.Honest):
        pass

    class LocalUnpicklable(mutants.Unpicklable):
        pass

    assert failure(Local(scale=[1.0]), "check_fresh_process") is None
    error = failure(LocalUnpicklable(scale=[1.0]), "check_fresh_process")
    assert "does not pickle" in str(error)


def test_a_fresh_process_that_ends_does_not_harm_the_next():
    error = failure(mutants.EndsOtherProcesses(scale=[1.0]), "check_fresh_process")
    assert "Exit code: 5" in str(error)
    assert failure(mutants.Honest(scale=[1.0]), "check_fresh_process") is None


def test_without_forks_each_check_has_a_process_of_its_own(monkeypatch):
    monkeypatch.setattr(_fresh_process, "CAN_FORK", False)
    assert failure(mutants.Honest(scale=[1.0]), "check_fresh_process") is None


def test_a_parameter_read_outside_the_class_counts():
    def offset(estimator, X):
        return X.mean(axis=0) * getattr(estimator, "cen" + "ter")

    class ReadsElsewhere(mutants.IgnoresParameter):
        def _axes(self, n_features):
            offset(self, np.ones((2, 2)))
            return super()._axes(n_features)

    assert failure(ReadsElsewhere(scale=[1.0]), "check_parameters_are_read") is None


def test_parameters_passed_on_as_a_whole_count_as_read():
    def engine(X, scale, center, random_state):
        return X[:, :2] * scale[0]

    class PassesAll(mutants.NeverReadsAParameter):
        def _encode(self, X):
            return engine(X, **self.get_params())

    class PassesVars(mutants.NeverReadsAParameter):
        def _encode(self, X):
            given = {k: v for k, v in vars(self).items() if not k.endswith("_")}
            return engine(X, **given)

    for cls in (PassesAll, PassesVars):
        estimator = cls(scale=[1.0])
        assert failure(estimator, "check_parameters_are_read") is None


def test_scikit_learns_own_transformers_are_treated_fairly():
    for estimator in (
        StandardScaler(),
        LinearDiscriminantAnalysis(),
        LSA(n_components=2, vectorizer=TfidfVectorizer()),
    ):
        allowed = {"check_more_components_than_possible"}
        assert set(failures(estimator)) <= allowed, estimator


def test_misuse_is_told():
    estimator = mutants.Honest(scale=[1.0])
    with pytest.raises(ValueError, match="on_fail must be 'raise', 'warn' or None"):
        check_representation_estimator(estimator, on_fail="riase")
    with pytest.raises(ValueError, match=r"no checks of the names \['check_nothing'\]"):
        parametrize_with_representation_checks(
            [estimator], expected_failed_checks=lambda _: {"check_nothing": "misspelt"}
        )

    class KMedoids(BaseEstimator):
        def fit(self, X, y=None):
            return self

    with pytest.raises(TypeError, match="KMedoids has no transform"):
        check_representation_estimator(KMedoids())


def test_on_fail():
    mutant = mutants.RepeatedNames(scale=[1.0])
    with pytest.raises(AssertionError, match="names repeat"):
        check_representation_estimator(mutant)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_representation_estimator(mutant, on_fail="warn")
    messages = [str(warning.message) for warning in caught]
    assert any("check_feature_names failed for Repeated" in m for m in messages)


def test_expected_failures():
    mutant = mutants.FitTransformDiffers(scale=[1.0])
    name = "check_fit_transform_equals_transform"
    results = check_representation_estimator(
        mutant, expected_failed_checks={name: "on purpose"}
    )
    (expected,) = (r for r in results if r["check_name"] == name)
    assert expected["status"] == "xfail"
    assert expected["reason"] == "on purpose"
    with pytest.raises(AssertionError, match="passes, but was expected to fail"):
        check_representation_estimator(
            mutants.Honest(scale=[1.0]), expected_failed_checks={name: "no longer true"}
        )
    with pytest.raises(ValueError, match=r"no checks of the names \['check_nothing'\]"):
        check_representation_estimator(
            mutants.Honest(scale=[1.0]),
            expected_failed_checks={"check_nothing": "misspelt"},
            on_fail=None,
        )


def test_stated_effects_must_be_complete_and_true():
    effects = {"scale": [Effect([1.0])], "sclae": [Effect(1)], "center": []}
    failed = failures(mutants.Honest(scale=[1.0]), parameter_effects=effects)
    assert "['center', 'random_state']" in str(failed["check_parameters_have_effects"])
    assert "the value that it has" in str(failed["check_parameter_effect:scale"])


def test_parametrize_makes_one_case_a_check():
    mark = parametrize_with_representation_checks(
        [ScaledPCA(n_components=2), LSA(n_components=2)],
        data=lambda estimator: (
            make_check_data(estimator, n_samples=40)
            if isinstance(estimator, ScaledPCA)
            else None
        ),
        expected_failed_checks=lambda estimator: {"check_output": "for the test"},
    ).mark
    ids = [case.id for case in mark.args[1]]
    assert len(ids) == len(set(ids)) > 40
    assert "ScaledPCA(n_components=2, random_state=0)-check_subset_invariance" in ids
    assert "LSA(n_components=2, random_state=0)-check_documents" in ids
    marked = [case for case in mark.args[1] if case.marks]
    assert [case.id.split("-")[1] for case in marked] == ["check_output"] * 2


def test_data_of_another_kind_gets_the_general_checks():
    table = make_check_data(ScaledPCA())
    data = CheckData("records", table.X, table.y, table.rows)
    results = check_representation_estimator(ScaledPCA(n_components=2), data=data)
    names = {result["check_name"] for result in results}
    assert "check_subset_invariance" in names
    assert "check_float_precision" not in names
