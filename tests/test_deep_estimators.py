"""What all estimators with a network share: defaults, saving, processes."""

import inspect
import pickle

import numpy as np
import pytest
import skops.io
import torch
from joblib import Parallel, delayed
from near import assert_near
from registry import INSTANCES
from sklearn.base import clone
from sklearn.utils import get_tags

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.estimators.classification import DeepClassifierMixin
from sklearn_replearn.autoencoder import Autoencoder
from sklearn_replearn.image import PretrainedFeatureExtractor
from sklearn_replearn.language import SentenceEmbedding
from sklearn_replearn.language._language_model import BaseLanguageModel
from sklearn_replearn.metric_learning._metric_transformer import BaseMetricTransformer
from sklearn_replearn.multiview import CLIP, TextTargetTransformer
from sklearn_replearn.self_supervised import (
    InstanceDiscrimination,
    PretextTransformer,
    SimCLR,
    VICReg,
)
from sklearn_replearn.utils.estimator_checks import make_check_data

DEEP = [
    estimator
    for estimator in INSTANCES.values()
    if isinstance(estimator, BaseDeepTransformer)
]
SHARED = list(BaseDeepTransformer._parameter_constraints)

#: Those whose network is described by strings and numbers.
PLAIN = [e for e in DEEP if not isinstance(e, PretrainedFeatureExtractor)]

#: Those that take tables; the others take texts.
OF_ROWS = [e for e in DEEP if not get_tags(e).input_tags.string]

each = pytest.mark.parametrize("estimator", DEEP, ids=lambda e: type(e).__name__)
each_of_rows = pytest.mark.parametrize(
    "estimator", OF_ROWS, ids=lambda e: type(e).__name__
)


def defaults(cls):
    return {
        name: parameter.default
        for name, parameter in inspect.signature(cls.__init__).parameters.items()
        if name != "self"
    }


def shared_by(estimator):
    """The parameters that it shares: not all have hidden units."""
    return [name for name in SHARED if hasattr(estimator, name)]


@each
def test_shared_parameters_have_the_same_defaults(estimator):
    ours, model = type(estimator), Autoencoder
    # What layers there are, and which rate is best, is their own, and so is how long it
    # takes to learn classes.
    own = {"hidden_layer_sizes", "lr"}
    if issubclass(ours, DeepClassifierMixin | BaseMetricTransformer):
        own.add("max_epochs")
    if ours in (
        CLIP,
        InstanceDiscrimination,
        PretextTransformer,
        SimCLR,
        TextTargetTransformer,
        VICReg,
    ):  # as their benchmark has chosen
        own |= {"max_epochs", "optimizer", "weight_decay"}
    of_tokens = BaseLanguageModel, SentenceEmbedding
    if issubclass(ours, of_tokens):  # as transformers are trained
        own |= {"max_epochs", "optimizer", "weight_decay"}
    for name in set(shared_by(estimator)) - own:
        assert defaults(ours)[name] == defaults(model)[name], (
            f"The default of {name} differs from that of {model.__name__}."
        )


@pytest.mark.parametrize("estimator", PLAIN, ids=lambda e: type(e).__name__)
def test_skops_needs_to_trust_the_class_alone(estimator):
    data = make_check_data(estimator)
    fitted = clone(estimator).fit(data.X, data.y)
    saved = skops.io.dumps(fitted)
    trusted = skops.io.get_untrusted_types(data=saved)
    ours = [fitted, *([fitted.task_] if hasattr(fitted, "task_") else [])]
    names = [f"{type(part).__module__}.{type(part).__name__}" for part in ours]
    assert sorted(trusted) == sorted(names)
    again = skops.io.loads(saved, trusted=trusted)
    np.testing.assert_array_equal(
        again.transform(data.rows), fitted.transform(data.rows)
    )
    assert vars(again).keys() == vars(fitted).keys()


@each
def test_pickles_hold_weights_and_no_training_data(estimator):
    data = make_check_data(estimator, n_samples=60)
    sizes = []
    for n in (2, 20):  # times the same rows, so that texts have the same words
        X, y = (repeated(part, n) for part in (data.X, data.y))
        sizes.append(len(pickle.dumps(clone(estimator).fit(X, y))))
    assert abs(sizes[1] - sizes[0]) < 200


def repeated(rows, n):
    if rows is None or isinstance(rows, list):
        return rows and rows * n
    return np.concatenate([rows] * n)


def test_processes_agree_to_the_last_bit():
    """Of all estimators in one test, which starts the two processes once."""
    tasks = [(estimator, make_check_data(estimator)) for estimator in DEEP]
    here = [_encode(*task) for task in tasks]
    for n_jobs in (1, 2):
        there = Parallel(n_jobs=n_jobs)(
            delayed(_encode)(*task) for task in tasks for _ in range(n_jobs)
        )
        for i, codes in enumerate(there):
            name = type(tasks[i // n_jobs][0]).__name__
            np.testing.assert_array_equal(codes, here[i // n_jobs], name)


def _encode(estimator, data):
    return clone(estimator).fit(data.X, data.y).transform(data.rows)


@each_of_rows
def test_rows_are_the_same_in_any_batch(estimator):
    data = make_check_data(estimator)
    fitted = clone(estimator).fit(data.X, data.y)
    for dtype in (np.float32, np.float64):
        rows = np.tile(data.rows, (20, 1)).astype(dtype)
        whole = fitted.transform(rows)
        for part in (slice(3, 4), slice(17, 390)):
            assert_near(fitted.transform(rows[part]), whole[part])


@each_of_rows
def test_as_module_encodes(estimator):
    data = make_check_data(estimator)
    fitted = clone(estimator).fit(data.X, data.y)
    module = fitted.as_module()
    rows = torch.from_numpy(data.rows.astype(np.float32))
    for network in (module, pickle.loads(pickle.dumps(module))):
        with torch.no_grad():
            codes = network(rows)
        np.testing.assert_allclose(codes, fitted.transform(data.rows), atol=1e-5)
