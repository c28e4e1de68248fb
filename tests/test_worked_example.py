"""The example of docs/contributing.rst is one that works."""

from pathlib import Path

import numpy as np
import pytest
import torch
import worked_example
from near import assert_near
from sklearn.utils.estimator_checks import parametrize_with_checks
from small_networks import factor_rows
from worked_example import ColumnPredictor

from sklearn_replearn.utils.estimator_checks import check_representation_estimator

X = factor_rows()


def small(**options):
    return ColumnPredictor(2, hidden_layer_sizes=8, random_state=0, **options)


@parametrize_with_checks([small(max_epochs=2)])
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_checks_of_representations():
    check_representation_estimator(small(max_epochs=2))


def test_hidden_columns_are_predicted_better_than_by_their_mean():
    predictor = small(max_epochs=40, lr=0.02).fit(X)
    assert predictor.loss_curve_[-1] < 0.7
    assert predictor.effective_rank_ > 1


def test_the_loss_is_a_mean_over_the_hidden_values():
    objective = worked_example.HiddenColumns(share=0.25)
    network = small(max_epochs=1).fit(X).net_.module_
    batch = objective.prepare(network.arrange(torch.from_numpy(X)), None)
    values, hidden = batch.targets
    assert hidden.sum(1).tolist() == [3] * len(X)
    assert batch.n_terms == 3 * len(X)
    shown = torch.where(hidden, 0, values)
    outputs = network((shown, hidden.float()))
    errors = [
        float((outputs[i, j] - values[i, j]).detach() ** 2)
        for i, j in hidden.nonzero().tolist()
    ]
    (loss,) = objective(network, batch).values()
    assert float(loss.detach()) == pytest.approx(np.mean(errors), rel=1e-5)


def test_codes_are_those_of_rows_of_which_nothing_is_hidden():
    predictor = small(max_epochs=1).fit(X)
    network = predictor.net_.module_
    inputs = torch.from_numpy(X).sub(network.center).div(network.spread)
    inputs = torch.cat([inputs, torch.zeros(X.shape)], 1)
    assert_near(predictor.transform(X), network.encoder(inputs).detach().numpy())


def test_the_guide_shows_this_file():
    guide = Path(__file__).parents[1] / "docs" / "contributing.rst"
    assert ".. literalinclude:: ../tests/worked_example.py" in guide.read_text()
