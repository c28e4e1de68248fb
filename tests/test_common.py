"""Every public estimator passes scikit-learn's checks and ours.

The only exceptions are named in ``EXPECTED_FAILURES`` of the registry.
"""

from functools import partial

import pytest
from adapters import (
    PairClassifierScores,
    PairedRows,
    PairVerifierScores,
    PrototypeProbabilities,
    RowsBesideCopies,
    ScoresBesideCopies,
    SpelledRows,
    SpelledTwice,
    ZeroShotProbabilities,
)
from registry import EFFECTS, EXPECTED_FAILURES, INSTANCES
from sklearn.base import clone
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_replearn.language import SentenceEmbedding
from sklearn_replearn.metric_learning import (
    PairClassifier,
    PairVerifier,
    PrototypeClassifier,
)
from sklearn_replearn.multiview import ZeroShotClassifier
from sklearn_replearn.utils import estimator_checks as representation_checks
from sklearn_replearn.utils.discovery import all_estimators
from sklearn_replearn.utils.estimator_checks import (
    parametrize_with_representation_checks,
)

# What parametrize_with_checks leaves out: scikit-learn runs these on its own
# estimators only.
LEFT_OUT = [
    estimator_checks.check_dataframe_column_names_consistency,
    estimator_checks.check_get_feature_names_out_error,
    estimator_checks.check_global_output_transform_pandas,
    estimator_checks.check_global_set_output_transform_polars,
    estimator_checks.check_inplace_ensure_writeable,
    estimator_checks.check_set_output_transform,
    estimator_checks.check_set_output_transform_pandas,
    estimator_checks.check_set_output_transform_polars,
    estimator_checks.check_transformer_get_feature_names_out,
    estimator_checks.check_transformer_get_feature_names_out_pandas,
]


def as_table_estimator(estimator):
    """The estimator itself where it takes tables, else behind an adapter."""
    tags = get_tags(estimator).input_tags
    if tags.categorical and not tags.two_d_array:
        return PairedRows(estimator)
    if isinstance(estimator, PairClassifier | PairVerifier):
        return RowsBesideCopies(estimator)
    if isinstance(estimator, SentenceEmbedding):
        return SpelledTwice(estimator)
    if tags.string and not tags.two_d_array:
        return SpelledRows(estimator)
    return estimator


def as_transformer(estimator):
    """The estimator itself if it is a transformer, else what it judges by as one."""
    adapters = {
        PairClassifier: PairClassifierScores,
        PairVerifier: PairVerifierScores,
        PrototypeClassifier: PrototypeProbabilities,
        RowsBesideCopies: ScoresBesideCopies,
        ZeroShotClassifier: ZeroShotProbabilities,
    }
    if type(estimator) in adapters:
        return adapters[type(estimator)](**estimator.get_params(deep=False))
    return estimator


def registered(registry, estimator):
    """The entry of an estimator, or of the one that an adapter is made of."""
    names = [cls.__name__ for cls in type(estimator).__mro__]
    return next((registry[name] for name in names if name in registry), None)


def expected_failures(checks):
    """Function of an estimator: its expected failures among the checks of a module."""

    def of(estimator):
        expected = registered(EXPECTED_FAILURES, estimator) or {}
        return {name: why for name, why in expected.items() if hasattr(checks, name)}

    return of


ESTIMATORS = [INSTANCES[name] for name, _ in all_estimators() if name in INSTANCES]
TABLE_ESTIMATORS = [as_table_estimator(estimator) for estimator in ESTIMATORS]


def test_registry_is_complete():
    names = {name for name, _ in all_estimators()}
    for registry, entries in (("INSTANCES", INSTANCES), ("EFFECTS", EFFECTS)):
        missing, stale = sorted(names - set(entries)), sorted(set(entries) - names)
        assert not missing, f"Add {missing} to {registry} in tests/registry.py."
        assert not stale, f"Remove {stale} from {registry} in tests/registry.py."
    assert all(type(INSTANCES[name]) is cls for name, cls in all_estimators())


def test_what_is_tested_elsewhere_is_tested_there():
    for name, effects in EFFECTS.items():
        for parameter, elsewhere in effects.items():
            if isinstance(elsewhere, str):
                there = EFFECTS[elsewhere][parameter]
                assert isinstance(there, list), (name, parameter)
                families = {
                    type(INSTANCES[one]).__module__.rpartition(".")[0]
                    for one in (name, elsewhere)
                }
                assert len(families) == 1, f"{name} is no kin of {elsewhere}."


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_contract_of_tags_and_constraints(estimator):
    """What the suite only asks of estimators that declare it, all of ours declare."""
    tags = get_tags(estimator)
    of_numbers = not tags.input_tags.categorical  # ids have no precision to preserve
    of_numbers &= tags.transformer_tags is not None
    if of_numbers and (tags.input_tags.two_d_array or tags.input_tags.three_d_array):
        assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]
    parameters = estimator.get_params(deep=False)
    assert set(estimator._parameter_constraints) == set(parameters)


@parametrize_with_checks(
    TABLE_ESTIMATORS, expected_failed_checks=expected_failures(estimator_checks)
)
def test_scikit_learn(estimator, check):
    check(estimator)


# These checks mix tables with and without column names on purpose.
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize("check", LEFT_OUT, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "estimator",
    [as_transformer(estimator) for estimator in TABLE_ESTIMATORS],
)
def test_scikit_learn_left_out(estimator, check):
    check(type(estimator).__name__, clone(estimator))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_parameters_are_validated(estimator):
    """scikit-learn's own check, which needs no input that the estimator can read."""
    estimator_checks.check_param_validation(type(estimator).__name__, clone(estimator))


# One effect of `input` is that it makes a parameter act.
@pytest.mark.filterwarnings("ignore:preprocessor is not used")
@pytest.mark.filterwarnings("ignore:.* are truncated")  # one effect of `long_texts`
# Documents as lists of tokens, which are lists of sentences for an embedding of these.
@pytest.mark.filterwarnings("ignore:All sentences of X are single words")
@parametrize_with_representation_checks(
    [as_transformer(estimator) for estimator in ESTIMATORS],
    parameter_effects=partial(registered, EFFECTS),
    expected_failed_checks=expected_failures(representation_checks),
)
def test_representation(estimator, check):
    check(estimator)
