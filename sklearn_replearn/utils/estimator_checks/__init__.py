"""The conformance suite: what every representation must do, whatever its input is.

scikit-learn's ``check_estimator`` feeds tables of numbers, and gives up on estimators
that take anything else: one that reads text or graphs gets a single check. This suite
feeds each estimator input of its own kind (tables, documents, images, adjacencies, ids
of nodes, pairs, or what the caller supplies) and checks the promises that a user
relies on.

A check is a function ``check_...(estimator, data)`` that raises ``AssertionError`` with
a sentence that says what went wrong. :func:`check_representation_estimator` runs all
that apply; :func:`parametrize_with_representation_checks` makes a pytest case of each.
"""

from sklearn_replearn.utils.estimator_checks._composition import (
    check_column_transformer_and_union,
    check_feature_names,
    check_inverse_transform,
    check_own_score,
    check_pipeline_and_grid_search,
    check_set_output,
)
from sklearn_replearn.utils.estimator_checks._data import CheckData, make_check_data
from sklearn_replearn.utils.estimator_checks._fitting import (
    check_clones_share_nothing,
    check_fit_returns_self,
    check_refit_is_identical,
    check_unfitted,
)
from sklearn_replearn.utils.estimator_checks._ids import (
    check_containers_of_ids,
    check_each_column_counts,
    check_graph_is_shared,
    check_handle_unknown,
)
from sklearn_replearn.utils.estimator_checks._input import (
    check_dataframe_input,
    check_documents,
    check_empty_input,
    check_float_precision,
    check_input_unchanged,
    check_integer_input,
    check_invalid_numbers,
    check_memory_mapped_input,
    check_unknown_input,
    check_width_mismatch,
)
from sklearn_replearn.utils.estimator_checks._invariance import (
    check_chunk_invariance,
    check_fit_transform_equals_transform,
    check_order_invariance,
    check_output,
    check_subset_invariance,
    check_transform_is_repeatable,
)
from sklearn_replearn.utils.estimator_checks._parameters import (
    EXEMPT_PARAMETERS,
    Effect,
    check_clone,
    check_init_only_assigns,
    check_invalid_parameters,
    check_more_components_than_possible,
    check_n_components,
    check_parameter_effect,
    check_parameters_are_read,
    check_parameters_have_effects,
)
from sklearn_replearn.utils.estimator_checks._randomness import (
    check_global_random_state_untouched,
    check_random_state,
)
from sklearn_replearn.utils.estimator_checks._saving import check_fresh_process
from sklearn_replearn.utils.estimator_checks._suite import (
    check_representation_estimator,
    parametrize_with_representation_checks,
)

__all__ = [
    "CheckData",
    "Effect",
    "check_representation_estimator",
    "make_check_data",
    "parametrize_with_representation_checks",
]
