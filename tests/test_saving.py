"""Modules of the user are pickled with plain weights: equal modules, equal bytes."""

import copy
import pickle

import cloudpickle
import joblib
import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn

from sklearn_replearn._deep.training.saving import with_modules, with_saved_modules
from sklearn_replearn.autoencoder import Autoencoder
from sklearn_replearn.image import PretrainedFeatureExtractor
from sklearn_replearn.metric_learning import TripletTransformer

IMAGES, Y = np.random.default_rng(0).random((40, 8, 8)), np.arange(40) % 2
ROWS = IMAGES.reshape(40, 64)


def network(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(108, 4)
        )


def flat(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(64, 6), nn.ELU(), nn.Linear(6, 3))


def extractor(seed=0):
    return PretrainedFeatureExtractor(network(seed), random_state=0)


def n_kept(folder):
    return len(list(folder.glob("**/output.pkl")))


def fit_with_memory(folder, first, X=IMAGES):
    make_pipeline(first, LogisticRegression(), memory=str(folder)).fit(X, Y)


def test_equal_modules_are_found_again_in_the_memory_of_a_pipeline(tmp_path):
    for _ in range(3):
        fit_with_memory(tmp_path, extractor())
    assert n_kept(tmp_path) == 1
    fit_with_memory(tmp_path, extractor(seed=1))
    assert n_kept(tmp_path) == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: Autoencoder(3, encoder=flat(seed), max_epochs=1, random_state=0),
        lambda seed: TripletTransformer(
            3, encoder=flat(seed), max_epochs=1, random_state=0
        ),
    ],
    ids=["Autoencoder", "TripletTransformer"],
)
def test_so_are_encoders(tmp_path, make):
    for seed in (0, 0, 1, 0):
        fit_with_memory(tmp_path, make(seed), ROWS)
    assert n_kept(tmp_path) == 2


def test_another_process_finds_what_this_one_has_kept(tmp_path):
    fit_with_memory(tmp_path, extractor())
    Parallel(n_jobs=2)([delayed(fit_with_memory)(tmp_path, extractor())])
    assert n_kept(tmp_path) == 1


def test_equal_fits_have_equal_hashes():
    hashes = [joblib.hash(extractor(seed).fit(IMAGES)) for seed in (0, 0, 1)]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("library", [pickle, cloudpickle])
@pytest.mark.parametrize("fitted", [False, True])
def test_there_and_back(library, fitted):
    estimator = extractor()
    if fitted:
        estimator.fit(IMAGES)
    again = library.loads(library.dumps(estimator))
    for name, weights in estimator.module.state_dict(keep_vars=True).items():
        found = again.module.state_dict(keep_vars=True)[name]
        assert type(found) is type(weights)
        assert found.dtype == weights.dtype
        assert found.requires_grad == weights.requires_grad
        assert torch.equal(found, weights)
    assert again.module.training == estimator.module.training
    if fitted:
        assert_array_equal(again.transform(IMAGES), estimator.transform(IMAGES))


def test_copies_have_modules():
    estimator = extractor().fit(IMAGES)
    expected = estimator.transform(IMAGES)
    shallow, deep = copy.copy(estimator), copy.deepcopy(estimator)
    assert shallow.module is estimator.module
    assert deep.module is not estimator.module
    for twin in (shallow, deep):
        assert isinstance(twin.module[0].weight, nn.Parameter)
        assert_array_equal(twin.transform(IMAGES), expected)
        pickled = pickle.loads(pickle.dumps(twin))
        assert_array_equal(pickled.transform(IMAGES), expected)


class Odd(nn.Module):
    """A module with weights of many sorts."""

    def __init__(self):
        super().__init__()
        self.halved = nn.Parameter(torch.randn(3, 2).to(torch.bfloat16))
        self.fixed = nn.Parameter(torch.randn(2), requires_grad=False)
        self.turned = nn.Parameter(torch.randn(2, 5).T)
        self.register_buffer("counts", torch.arange(3), persistent=False)
        self.register_buffer("nothing", None)
        self.loose = torch.randn(4)
        self.whole = torch.randn(600)
        self.part = self.whole[:2]
        self.sparse = torch.eye(2).to_sparse()
        self.tied = nn.ModuleList([nn.Linear(2, 2, bias=False) for _ in range(2)])
        self.tied[1].weight = self.tied[0].weight


def saved(**modules):
    return pickle.loads(pickle.dumps(with_saved_modules({"a": 1, "b": modules})))["b"]


def test_weights_of_many_sorts():
    odd = Odd()
    again = saved(odd=odd)["odd"]
    for name in ("halved", "fixed", "turned", "counts", "loose", "whole", "part"):
        one, other = getattr(odd, name), getattr(again, name)
        assert type(one) is type(other)
        assert one.dtype == other.dtype
        assert one.requires_grad == other.requires_grad
        assert torch.equal(one, other)
    assert torch.equal(again.sparse.to_dense(), odd.sparse.to_dense())
    assert again.nothing is None
    assert again.tied[0].weight is again.tied[1].weight


def test_modules_share_what_they_shared():
    one = flat()
    other = nn.Sequential(one[0], flat()[1:])
    found = saved(one=one, other=other, again=one)
    assert found["one"] is found["again"]
    assert found["one"][0] is found["other"][0]


def test_the_state_itself_has_the_modules():
    module = flat()
    state = with_saved_modules({"module": module, "net_": {"parts": {"x": module}}})
    back = with_modules(state)
    assert back["module"] is back["net_"]["parts"]["x"] is module
    plain = {"module": "mlp", "sizes": [3, 4]}
    assert with_saved_modules(plain) is plain


class Refuses(nn.Linear):
    def __deepcopy__(self, memo):
        raise RuntimeError("I am alone")


# torch calls TorchScript deprecated.
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_modules_that_cannot_be_copied_are_left_to_pickle():
    module = Refuses(2, 3)
    state = {"module": module}
    assert with_saved_modules(state) is state
    script = torch.jit.trace(nn.Linear(2, 3), torch.zeros(1, 2))
    state = {"module": script}
    assert with_saved_modules(state) is state
