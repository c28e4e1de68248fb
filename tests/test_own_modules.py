"""Modules of the user: memory, hooks, kinds that work and kinds that are refused."""

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from near import assert_near
from sklearn.base import clone
from torch import nn

from sklearn_replearn.autoencoder import Autoencoder, DenoisingAutoencoder
from sklearn_replearn.image import CNNFeatureExtractor, PretrainedFeatureExtractor
from sklearn_replearn.metric_learning import (
    PairClassifier,
    SiameseTransformer,
    SupConTransformer,
    TripletTransformer,
)
from sklearn_replearn.self_supervised import SimCLR

BRIEF = {"max_epochs": 1, "batch_size": 16, "random_state": 0}


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(60, 10)).astype(np.float32)


@pytest.fixture
def y():
    return np.arange(60) % 3


@pytest.fixture
def images():
    return np.random.default_rng(0).random((9, 8, 8)).astype(np.float32)


def in_place_encoder():
    return nn.Sequential(nn.ReLU(inplace=True), nn.Linear(10, 3))


# ---------------------------------------------------------------------------
# Memory
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator",
    [
        SimCLR(3, encoder=in_place_encoder(), **BRIEF),
        SupConTransformer(3, encoder=in_place_encoder(), **BRIEF),
        TripletTransformer(3, encoder=in_place_encoder(), **BRIEF),
        SiameseTransformer(3, input="rows", encoder=in_place_encoder(), **BRIEF),
        PairClassifier(3, input="rows", encoder=in_place_encoder(), **BRIEF),
        Autoencoder(3, encoder=in_place_encoder(), **BRIEF),
        PretrainedFeatureExtractor(nn.Sequential(nn.ReLU(inplace=True), nn.Flatten())),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_module_that_works_in_place_leaves_x_alone(estimator, X, y, dtype, tmp_path):
    X = X.astype(dtype)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")  # writing would end the process
    given = X.copy()
    fitted = clone(estimator).fit(given, y)
    np.testing.assert_array_equal(given, X)
    if isinstance(estimator, PairClassifier):
        given, mapped = given.reshape(30, 2, 10), mapped.reshape(30, 2, 10)
        expected = fitted.decision_function(given)
        assert_near(fitted.decision_function(mapped), expected)
    else:
        assert_near(fitted.transform(mapped), fitted.transform(given))
        assert_near(
            clone(estimator).fit(mapped, y).transform(given[:1]).ravel(),
            fitted.transform(given)[0],
        )
    np.testing.assert_array_equal(given.reshape(X.shape), X)


def test_an_autoencoder_compares_with_the_rows_that_were_given(X):
    """Not with what a layer that works in place has made of them."""
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(10, 3))
    in_place = nn.Sequential(nn.Threshold(-1e9, 0, inplace=True), *encoder)
    curves = [
        Autoencoder(3, encoder=module, **BRIEF).fit(X).loss_curve_
        for module in (encoder, in_place)
    ]
    np.testing.assert_allclose(*curves, rtol=1e-6)


# ---------------------------------------------------------------------------
# Hooks
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "following",
    [nn.ReLU(inplace=True), nn.Hardtanh(inplace=True), nn.Dropout(inplace=True)],
    ids=str,
)
def test_the_layer_after_a_named_one_may_work_in_place(following, images):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 4, 3), following, nn.Flatten()).eval()
    found = PretrainedFeatureExtractor(module, layer="0").fit_transform(images)
    with torch.no_grad():
        expected = module[0](torch.tensor(images)[:, None]).flatten(1).numpy()
    assert expected.min() < 0
    assert_near(found, expected)


def test_the_layer_of_a_cnn_is_read_before_the_next_one_works_on_it(images):
    cnn = CNNFeatureExtractor(
        4, channels=(4,), layer="stage1", max_epochs=1, random_state=0
    )
    found = cnn.fit(images, np.arange(9) % 3).transform(images)
    module = cnn.as_module("stage1")
    with torch.no_grad():
        expected = module(torch.tensor(images)).flatten(1).numpy()
    assert_near(found, expected)


@pytest.mark.parametrize("way", ["transform", "as_module"])
def test_threads_do_not_get_the_rows_of_others(way):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten())
    images = np.random.default_rng(0).random((640, 8, 8)).astype(np.float32)
    fitted = PretrainedFeatureExtractor(module, layer="1").fit(images)
    as_module = fitted.as_module("module.1")

    def features(part):
        if way == "transform":
            return fitted.transform(part)
        with torch.no_grad():
            return as_module(torch.tensor(part)).flatten(1).numpy()

    parts = np.split(images, 10)
    alone = [features(part) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        for found, expected in zip(
            pool.map(features, parts * 4), alone * 4, strict=True
        ):
            assert_near(found, expected)
    for part in fitted.net_.module_.modules():
        assert not part._forward_hooks


# ---------------------------------------------------------------------------
# Kinds of modules
# ---------------------------------------------------------------------------


class WithExtraState(nn.Linear):
    version = 1

    def get_extra_state(self):
        return {"version": self.version}

    def set_extra_state(self, state):
        self.version = state["version"]


class HalfInside(nn.Module):
    """Weights in bfloat16, as large models have them."""

    def __init__(self, n_inputs, n_outputs, dtype=torch.bfloat16):
        super().__init__()
        self.layer = nn.Linear(n_inputs, n_outputs).to(dtype)

    def forward(self, x):
        return self.layer(x.to(self.layer.weight.dtype))


class Double(nn.Module):
    """It computes in double precision whatever it is given."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(10, 3).double()

    def forward(self, x):
        return self.layer(x.double())


class SingleInside(nn.Linear):
    """It makes tensors in single precision, and so cannot work in double."""

    def forward(self, x):
        return super().forward(x) + torch.ones(1) @ torch.ones(1, 3)


class Transposed(nn.Module):
    """A decoder with the weights of an encoder."""

    def __init__(self, other):
        super().__init__()
        self.other = other

    def forward(self, z):
        return z @ self.other.weight


class FollowsTheMean(nn.Module):
    """It subtracts a moving average, in a buffer that no state_dict has."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(10, 3)
        self.register_buffer("mean", torch.zeros(10), persistent=False)

    def forward(self, x):
        if self.training:
            self.mean.mul_(0.5).add_(x.detach().mean(0) + 1)
        return self.layer(x - self.mean)


class CopiesItself(nn.Module):
    """It makes its copies anew, with a buffer of its own."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(10, 3)
        self.register_buffer("factor", torch.full((10,), 2.0), persistent=False)

    def forward(self, x):
        return self.layer(self.factor * x)

    def __deepcopy__(self, memo):
        copy = CopiesItself()
        copy.load_state_dict(self.state_dict())
        return copy.train(self.training)


class WithBuffer(nn.Module):
    def __init__(self, buffer):
        super().__init__()
        self.layer = nn.Linear(10, 3)
        self.register_buffer("buffer", buffer)

    def forward(self, x):
        return self.layer(x @ self.buffer.to_dense().to(x.dtype))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(10, 3, batch_first=True)

    def forward(self, x):
        return self.layer(x[:, None])[0][:, 0]


KINDS = {
    "recurrent": Recurrent,
    "buffer that is not persistent": FollowsTheMean,
    "copies of its own": CopiesItself,
    "sparse buffer": lambda: WithBuffer(torch.eye(10).to_sparse()),
    "buffer in 8 bits": lambda: WithBuffer(torch.eye(10).to(torch.float8_e4m3fn)),
    "first layer in place": lambda: nn.Sequential(
        nn.SiLU(inplace=True), nn.Linear(10, 3), nn.ELU(inplace=True)
    ),
    "extra state": lambda: WithExtraState(10, 3),
    "bfloat16": lambda: HalfInside(10, 3),
    "float16": lambda: HalfInside(10, 3, torch.float16),
    "float64": Double,
    "tensors of single precision inside": lambda: SingleInside(10, 3),
    "old weight_norm": lambda: old_weight_norm(nn.Linear(10, 3), called=True),
    "buffers": lambda: nn.Sequential(nn.BatchNorm1d(10), nn.Linear(10, 3)),
    "not to be trained in part": lambda: nn.Sequential(
        nn.Linear(10, 4).requires_grad_(False), nn.Linear(4, 3)
    ),
}


def old_weight_norm(layer, *, called=False):
    """Torch's first kind of weight normalization, which it calls deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        layer = nn.utils.weight_norm(layer)
    if called:
        with torch.no_grad():
            layer(torch.zeros(2, 10))
    return layer


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "cls", [Autoencoder, SimCLR, SupConTransformer, PretrainedFeatureExtractor]
)
def test_a_kind_works_everywhere(cls, kind, X, y):
    torch.manual_seed(0)
    if cls is PretrainedFeatureExtractor:
        module = nn.Sequential(nn.Flatten(), KINDS[kind]())
        estimator = cls(module, fine_tune="all", warm_start=True, **BRIEF)
    else:
        estimator = cls(3, encoder=KINDS[kind](), warm_start=True, **BRIEF)
    fitted = clone(estimator).fit(X, y)
    codes = fitted.transform(X)
    assert codes.dtype == np.float32
    doubles = fitted.transform(X.astype(np.float64))
    assert doubles.dtype == np.float64
    if "float16" not in kind:
        assert_near(doubles.astype(np.float32), codes)
    again = pickle.loads(pickle.dumps(fitted))
    assert_near(again.transform(X), codes)
    assert fitted.fit(X, y).n_iter_ == again.fit(X, y).n_iter_ == 2
    assert fitted.as_module()(torch.from_numpy(X)).shape == (60, 3)


@pytest.mark.parametrize("pooling", ["max", "mean"])
@pytest.mark.parametrize("layer", [None, "stage1"])
def test_networks_of_ours_as_modules_are_saved(layer, pooling, images, y):
    y = y[: len(images)]
    cnn = CNNFeatureExtractor(4, channels=(2,), pooling=pooling, **BRIEF)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of batches larger than all rows
        module = cnn.fit(images, y).as_module()
    fitted = PretrainedFeatureExtractor(module, layer=layer).fit(images)
    again = pickle.loads(pickle.dumps(fitted))
    assert_near(again.transform(images), fitted.transform(images))


def test_extra_state_is_kept(X):
    encoder = WithExtraState(10, 3)
    encoder.version = 7
    fitted = Autoencoder(3, encoder=encoder, **BRIEF).fit(X)
    again = pickle.loads(pickle.dumps(fitted))
    assert again.net_.module_.encoder.version == 7


def test_bfloat16_weights_stay_in_bfloat16(X):
    fitted = Autoencoder(3, encoder=HalfInside(10, 3), **BRIEF).fit(X)
    again = pickle.loads(pickle.dumps(fitted))
    before, after = (
        model.net_.module_.encoder.layer.weight for model in (fitted, again)
    )
    assert before.dtype == after.dtype == torch.bfloat16
    assert torch.equal(before, after)


@pytest.mark.parametrize("cls", [Autoencoder, DenoisingAutoencoder])
def test_encoder_and_decoder_share_a_weight_always(cls, X):
    encoder = nn.Linear(10, 3, bias=False)
    options = {"encoder": encoder, "decoder": Transposed(encoder), **BRIEF}
    fitted = cls(3, warm_start=True, **options).fit(X)
    for model in (fitted, pickle.loads(pickle.dumps(fitted)), clone(fitted).fit(X)):
        for _ in range(2):
            network = model.net_.module_
            assert network.encoder.weight is network.decoder.other.weight
            assert network.encoder.weight is not encoder.weight
            model.fit(X)


@pytest.mark.parametrize("cls", [Autoencoder, DenoisingAutoencoder])
@pytest.mark.parametrize("last", [nn.Identity, nn.Sigmoid])
@pytest.mark.parametrize("first", [nn.ELU, nn.SiLU, nn.Hardtanh])
def test_the_first_layer_of_a_decoder_may_work_in_place(cls, last, first, X):
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(10, 3), last())
    curves = []
    for in_place in (False, True):
        torch.manual_seed(1)
        decoder = nn.Sequential(first(inplace=in_place), nn.Linear(3, 10))
        fitted = cls(3, encoder=encoder, decoder=decoder, **BRIEF).fit(X)
        curves.append([*fitted.loss_curve_, fitted.score(X)])
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-5)  # float32 training


def test_the_best_weights_have_their_buffers(X):
    class Stepped(FollowsTheMean):
        """The second epoch is by far the best."""

        def forward(self, x):
            if self.training:
                self.mean += 1
            return self.layer(x) + (self.mean[0] - 2).square()

    model = Autoencoder(
        3,
        encoder=Stepped(),
        early_stopping=True,
        **{**BRIEF, "max_epochs": 5, "batch_size": 54},
    ).fit(X)
    best = 1 + int(np.argmin(model.validation_loss_curve_))
    assert model.net_.module_.encoder.mean[0] == best


def test_tuples_of_a_named_layer_are_copied(X):
    class Clipped(Recurrent):
        def forward(self, x):
            return self.layer(x.flatten(1)[:, None])[0].relu_()[:, 0]

    fitted = PretrainedFeatureExtractor(Clipped()).fit(X)
    rows = torch.from_numpy(X)[:, None]
    outputs, _ = fitted.as_module("module.layer")(rows)
    assert (outputs < 0).any()
    assert torch.equal(fitted.as_module()(rows), outputs[:, 0].relu())


class Counts(nn.Linear):
    """It keeps a number of the training, and a tensor, as mere attributes."""

    def __init__(self, *, as_tensor):
        super().__init__(10, 3)
        self.count = torch.zeros(()) if as_tensor else 0

    def forward(self, x):
        if self.training:
            self.count = self.count + 1
        return super().forward(x.roll(int(self.count), 1))


class MakesItsBuffer(nn.Linear):
    def __init__(self):
        super().__init__(10, 3)
        self.register_buffer("mean", None)

    def forward(self, x):
        if self.training and self.mean is None:
            self.mean = x.mean(0).detach()
        return super().forward(x if self.mean is None else x - self.mean)


REFUSED = {
    "number": (lambda: Counts(as_tensor=False), "keeps .* would not be saved"),
    "tensor": (lambda: Counts(as_tensor=True), "keeps .* would not be saved"),
    "late buffer": (MakesItsBuffer, "keeps .*register_buffer in __init__"),
    "NaN": (lambda: Returning(lambda z: (z - 9).sqrt()), "are not finite"),
    "infinity": (lambda: Returning(lambda z: z / 0), "are not finite for rows that"),
    "TorchScript": (lambda: scripted(nn.Linear(10, 3)), "is a TorchScript"),
    "TorchScript inside": (
        lambda: nn.Sequential(scripted(nn.Linear(10, 3))),
        "is a TorchScript module.*pass the torch.nn.Module",
    ),
    "lazy": (lambda: nn.LazyLinear(3), "has lazy layers.*call it once"),
    "parametrized": (
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(10, 3)),
        "parametrizations.*remove_parametrizations",
    ),
    "spectral": (
        lambda: nn.Sequential(
            nn.utils.parametrizations.spectral_norm(nn.Linear(10, 3))
        ),
        "parametrizations.*remove_parametrizations",
    ),
    "old weight_norm after a call": (
        lambda: old_weight_norm(nn.Linear(10, 3)),
        "tensors with gradients.*torch.no_grad",
    ),
    "tuple": (lambda: Returning(lambda z: (z, z)), r"gives \(tensor"),
    "dict": (lambda: Returning(lambda z: {"z": z}), r"gives \{'z': tensor"),
    "batch statistics": (
        lambda: nn.Sequential(
            nn.Linear(10, 3), nn.BatchNorm1d(3, track_running_stats=False)
        ),
        "another output if other rows are beside it",
    ),
    "mean of the batch": (
        lambda: Returning(lambda z: z - z.mean(0)),
        "another output if other rows are beside it",
    ),
    "random": (
        lambda: Returning(lambda z: nn.functional.dropout(z, training=True)),
        "another output for the same rows each time",
    ),
}


def scripted(module):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.script(module)


class Returning(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.layer = nn.Linear(10, 3)
        self.function = function

    def forward(self, x):
        return self.function(self.layer(x))


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize(
    "cls", [Autoencoder, PairClassifier, SimCLR, SupConTransformer]
)
def test_a_kind_is_refused_in_one_sentence(kind, cls, X, y):
    make, message = REFUSED[kind]
    options = {"input": "rows"} if cls is PairClassifier else {}
    estimator = cls(3, encoder=make(), **options, **BRIEF)
    before = vars(estimator).copy()
    with pytest.raises(ValueError, match=f"^The encoder .*{message}"):
        estimator.fit(X, y)
    assert vars(estimator).keys() == before.keys()


ONLY_TRAINED = {"late buffer", "number", "tensor"}


@pytest.mark.parametrize(
    "kind", sorted(REFUSED.keys() - {"dict", "tuple"} - ONLY_TRAINED)
)
def test_a_pretrained_module_is_refused_in_one_sentence(kind, X):
    make, message = REFUSED[kind]
    module = nn.Sequential(nn.Flatten(), make())
    with pytest.raises(ValueError, match=f"^The module .*{message}"):
        PretrainedFeatureExtractor(module).fit(X)


@pytest.mark.parametrize("function", [lambda z: (z, z), lambda z: {"z": z}])
def test_a_pretrained_module_without_a_tensor_is_refused(function, X):
    module = nn.Sequential(nn.Flatten(), Returning(function))
    with pytest.raises(ValueError, match=r"must give a tensor .* gives (tuple|dict)"):
        PretrainedFeatureExtractor(module).fit(X)


@pytest.mark.parametrize(
    "function", [lambda z: z > 0, lambda z: z.long(), lambda z: torch.complex(z, z)]
)
@pytest.mark.parametrize("fine_tune", ["none", "head"])
def test_a_pretrained_module_without_floats_is_refused(fine_tune, function, X, y):
    module = nn.Sequential(nn.Flatten(), Returning(function))
    estimator = PretrainedFeatureExtractor(module, fine_tune=fine_tune)
    with pytest.raises(ValueError, match=r"^The module gives torch\..*gives floats"):
        estimator.fit(X, y)


@pytest.mark.parametrize("kind", sorted(ONLY_TRAINED))
def test_a_module_that_is_not_trained_keeps_nothing(kind, X, y):
    module = nn.Sequential(nn.Flatten(), REFUSED[kind][0]())
    estimator = PretrainedFeatureExtractor(module, **BRIEF).fit(X)
    again = pickle.loads(pickle.dumps(estimator))
    assert_near(again.transform(X), estimator.transform(X))
    with pytest.raises(ValueError, match=r"^The module keeps .* would not be saved"):
        estimator.set_params(fine_tune="all").fit(X, y)


def test_batch_normalization_with_running_statistics_is_taken(X, y):
    encoder = nn.Sequential(nn.Linear(10, 3), nn.BatchNorm1d(3))
    fitted = SupConTransformer(3, encoder=encoder, **BRIEF).fit(X, y)
    assert_near(fitted.transform(X[:1]), fitted.transform(X)[:1])
