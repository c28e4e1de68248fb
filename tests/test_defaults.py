"""scikit-learn's own check of every estimator, as users run it: with its defaults."""

import inspect

import pytest
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from sklearn_replearn.utils.discovery import all_estimators


def needs_no_arguments(cls):
    parameters = inspect.signature(cls).parameters.values()
    return all(p.default is not p.empty for p in parameters)


WITHOUT_ARGUMENTS = [cls for _, cls in all_estimators() if needs_no_arguments(cls)]


#: Nothing that is checked depends on the length of a training or the number of walks,
#: and with the defaults all estimators take five minutes.
QUICK = {"max_epochs": 2, "n_walks": 1, "walk_length": 10}


@pytest.mark.filterwarnings("ignore::UserWarning")  # that tables of 3 columns are small
@pytest.mark.parametrize("cls", WITHOUT_ARGUMENTS, ids=lambda cls: cls.__name__)
def test_check_estimator(cls):
    estimator = cls()
    quick = QUICK.keys() & estimator.get_params(deep=False)
    estimator.set_params(**{name: QUICK[name] for name in quick})
    results = check_estimator(estimator, on_skip=None)
    # Estimators of texts, ids and pairs: scikit-learn has one check for these. What is
    # behind adapters, and our own suite, is in `test_common.py`.
    assert (len(results) > 1) == get_tags(estimator).input_tags.two_d_array
