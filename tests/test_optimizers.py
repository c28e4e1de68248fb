"""The parameter `optimizer`: names, classes, partials and other callables."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from small_networks import factor_rows, small

from sklearn_replearn.image import CNNFeatureExtractor
from sklearn_replearn.metric_learning import TripletTransformer

SGD, ADAM, RMSPROP = torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop


@pytest.fixture(scope="module")
def X():
    return factor_rows()


def option(fitted, name):
    """An option of the optimizer that trained the network."""
    return fitted.net_.optimizer_.param_groups[0][name]


def by_kind(params, lr):
    """Biases are trained at a tenth of the rate."""
    params = list(params)
    groups = [
        {"params": [p for p in params if p.ndim > 1], "lr": lr},
        {"params": [p for p in params if p.ndim == 1], "lr": lr / 10},
    ]
    return SGD(groups, lr=lr)


# ---------------------------------------------------------------------------
# What is accepted
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "plain", "name", "value"),
    [
        (partial(SGD, momentum=0.8), SGD, "momentum", 0.8),
        (partial(ADAM, betas=(0.5, 0.9)), ADAM, "betas", (0.5, 0.9)),
        (partial(partial(RMSPROP, alpha=0.5), momentum=0.3), RMSPROP, "alpha", 0.5),
        (lambda params, lr: SGD(params, lr, momentum=0.8), SGD, "momentum", 0.8),
        (partial(ADAM, fused=True), ADAM, "fused", True),
        (partial(ADAM, foreach=True), ADAM, "foreach", True),
    ],
)
def test_callables_train_with_their_options(X, optimizer, plain, name, value):
    fitted = small(optimizer=optimizer).fit(X)
    assert type(fitted.net_.optimizer_) is plain
    assert option(fitted, name) == value
    assert option(fitted, "lr") == 0.01
    differs = not np.array_equal(
        fitted.transform(X), small(optimizer=plain).fit(X).transform(X)
    )
    assert differs or name in ("fused", "foreach")
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]


def test_training_by_a_partial_is_that_of_torch(X):
    """Two steps by hand: momentum is what makes the second one longer."""
    X = X[:100]
    fitted = small(optimizer=partial(SGD, momentum=0.8), batch_size=100, max_epochs=2)
    fitted.fit(X)
    twin = small(optimizer=partial(SGD, momentum=0.8), batch_size=100, max_epochs=1)
    network = twin.set_params(lr=1e-30).fit(X).net_.module_.train()
    optimizer = SGD(network.parameters(), lr=0.01, momentum=0.8)
    rows = torch.from_numpy(X)
    for _ in range(2):
        optimizer.zero_grad()
        loss = ((network(rows) - rows) ** 2).mean() / network.gain**2
        loss.backward()
        optimizer.step()
    expected = network.encode(rows).detach().numpy()
    assert_allclose(fitted.transform(X), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_groups_keep_the_ratio_of_their_rates(X, schedule):
    fitted = small(optimizer=by_kind, lr_schedule=schedule).fit(X)
    weights, biases = fitted.net_.optimizer_.param_groups
    assert weights["lr"] == pytest.approx(10 * biases["lr"])
    assert len(weights["params"]) == len(biases["params"]) == 4


@pytest.mark.parametrize(
    "make",
    [
        lambda optimizer: CNNFeatureExtractor(
            4, channels=(2,), max_epochs=2, optimizer=optimizer
        ),
        lambda optimizer: TripletTransformer(
            2, hidden_layer_sizes=(8,), max_epochs=2, optimizer=optimizer
        ),
    ],
)
def test_supervised_estimators_take_partials(X, make):
    y = np.arange(len(X)) % 3
    fitted = make(partial(SGD, momentum=0.7)).fit(X, y)
    assert option(fitted, "momentum") == 0.7


@pytest.mark.parametrize("name", ["lr", "weight_decay"])
def test_an_option_may_be_given_twice_if_it_is_the_same(X, name):
    fitted = small(optimizer=partial(SGD, **{name: 0.02}), **{name: 0.02}).fit(X)
    assert option(fitted, name) == 0.02


def test_weight_decay_of_a_partial(X):
    assert option(small(optimizer=partial(SGD, weight_decay=0.3)).fit(X), "lr") == 0.01
    fitted = small(optimizer=partial(SGD, weight_decay=0.3)).fit(X)
    assert option(fitted, "weight_decay") == 0.3
    fitted = small(optimizer=partial(SGD, momentum=0.3), weight_decay=0.1).fit(X)
    assert option(fitted, "weight_decay") == 0.1


def test_closures_may_be_called_several_times(X):
    strong = partial(torch.optim.LBFGS, max_iter=5, line_search_fn="strong_wolfe")
    fitted = small(optimizer=strong, lr=0.5, batch_size=101).fit(X)
    weak = small(optimizer=torch.optim.LBFGS, lr=0.5, batch_size=101).fit(X)
    assert fitted.loss_curve_[0] == pytest.approx(weak.loss_curve_[0])
    assert fitted.loss_curve_[-1] < 0.5 * fitted.loss_curve_[0]


# ---------------------------------------------------------------------------
# Clones, pickles, grids, warm starts
# ---------------------------------------------------------------------------


def test_partials_are_cloned_and_pickled(X):
    estimator = small(optimizer=partial(SGD, momentum=0.8))
    fitted = clone(estimator).fit(X)
    again = pickle.loads(pickle.dumps(fitted))
    assert again.optimizer.keywords == {"momentum": 0.8}
    assert_array_equal(again.transform(X), fitted.transform(X))
    assert_array_equal(again.fit(X).transform(X), fitted.transform(X))


def test_a_grid_chooses_among_optimizers(X):
    grid = {"optimizer": ["sgd", ADAM, partial(ADAM, betas=(0.0, 0.9)), by_kind]}
    search = GridSearchCV(small(), grid, cv=2, error_score="raise").fit(X)
    assert len(set(search.cv_results_["mean_test_score"])) == 4


@pytest.mark.parametrize(
    "optimizer",
    [
        partial(SGD, momentum=0.8),
        partial(torch.optim.LBFGS, max_iter=3),
        partial(ADAM, amsgrad=True),
    ],
)
def test_warm_starts_keep_the_state_of_partials(X, optimizer):
    X = X[:100]
    halves = small(optimizer=optimizer, batch_size=100, max_epochs=2, warm_start=True)
    halves.fit(X).fit(X)
    whole = small(optimizer=optimizer, batch_size=100, max_epochs=4).fit(X)
    assert_allclose(halves.loss_curve_, whole.loss_curve_, rtol=1e-4)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (partial(ADAM, amsgrad=False), partial(ADAM, amsgrad=True)),
        (RMSPROP, partial(RMSPROP, momentum=0.5, centered=True)),
        (SGD, by_kind),
    ],
)
def test_warm_starts_with_other_options_begin_anew(X, before, after):
    fitted = small(optimizer=before, warm_start=True).fit(X)
    fitted.set_params(optimizer=after).fit(X)
    assert fitted.n_iter_ == 8


# ---------------------------------------------------------------------------
# What is refused
# ---------------------------------------------------------------------------


class Sulky(SGD):
    """Fails in its third step."""

    def step(self, closure=None):
        self.n_steps = getattr(self, "n_steps", 0) + 1
        if self.n_steps == 3:
            raise RuntimeError("no more\nsteps")
        return super().step(closure)


class Deaf(SGD):
    def step(self, closure=None):
        return super().step()


class Lonely(SGD):
    def step(self):
        return super().step()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (
            {"optimizer": partial(SGD, lr=0.5)},
            r"optimizer=partial\(SGD, lr=0.5\) sets lr=0.5, but the parameter lr is "
            r"0.01; set the parameter instead",
        ),
        (
            {"optimizer": partial(ADAM, weight_decay=0.5), "weight_decay": 0.1},
            r"sets weight_decay=0.5, but the parameter weight_decay is 0.1",
        ),
        (
            {"optimizer": partial(SGD, momentum=-1)},
            r"optimizer=partial\(SGD, momentum=-1\) failed when called with \(weights, "
            r"lr=0.01\): Invalid momentum value: -1",
        ),
        ({"optimizer": partial(SGD, speed=2)}, r"unexpected keyword argument 'speed'"),
        ({"optimizer": lambda params: SGD(params, 0.1)}, r"<lambda> failed .* 'lr'"),
        (
            {"optimizer": torch.optim.LBFGS, "weight_decay": 0.1},
            r"\(weights, lr=0.01, weight_decay=0.1\): .*'weight_decay'",
        ),
        ({"optimizer": dict}, r"optimizer=dict is no subclass of torch"),
        ({"optimizer": partial(dict)}, r"optimizer=partial\(dict\) failed"),
        ({"optimizer": lambda params, lr: None}, r"returned NoneType, which is no tor"),
        ({"optimizer": torch.optim.SparseAdam}, r"SparseAdam failed in a step \(Sp"),
        ({"optimizer": Sulky}, r"The optimizer Sulky failed in a step \(no more\); ta"),
        ({"optimizer": Lonely}, r"Lonely failed in a step \(.*takes 1 positional"),
        ({"optimizer": Deaf}, r"Deaf did not call the closure"),
    ],
)
def test_what_is_wrong_with_an_optimizer_is_one_sentence(X, options, match):
    fitted = small(warm_start=True).fit(X)
    codes, state = fitted.transform(X), dict(vars(fitted))
    with pytest.raises(ValueError, match=match) as raised:
        fitted.set_params(**options).fit(X)
    assert "\n" not in str(raised.value)
    assert_array_equal(fitted.transform(X), codes)
    assert vars(fitted) == state | options


def test_an_optimizer_object_is_refused(X):
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    with pytest.raises(ValueError, match=r"'optimizer' parameter .* or a callable"):
        small(optimizer=optimizer).fit(X)


def test_errors_of_a_module_are_not_blamed_on_the_optimizer(X):
    class Picky(torch.nn.Linear):
        n_calls = 0

        def forward(self, x):
            type(self).n_calls += 1
            if self.training and self.n_calls > 6:
                raise RuntimeError("enough of this")
            return super().forward(x)

    with pytest.raises(RuntimeError, match=r"^enough of this$"):
        small(encoder=Picky(12, 3)).fit(X)
