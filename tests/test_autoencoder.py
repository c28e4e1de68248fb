"""Autoencoder: the linear case, the losses, own modules, health, and saving."""

import json
import pickle
import zipfile
from io import BytesIO

import joblib
import numpy as np
import pytest
import skops.io
import torch
from near import assert_near
from scipy.linalg import subspace_angles
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import scale
from torch import nn

from sklearn_replearn._deep.networks.encoder_decoder import EncoderDecoder
from sklearn_replearn._deep.networks.network import mlp
from sklearn_replearn._deep.objectives.health import count_dead_units
from sklearn_replearn._deep.objectives.objective import Batch, Objective
from sklearn_replearn._effective_rank import effective_rank
from sklearn_replearn.autoencoder import Autoencoder


@pytest.fixture(scope="module")
def digits():
    return (load_digits().data / 16).astype(np.float32)


@pytest.fixture(scope="module")
def fitted(digits):
    return small().fit(digits[:500])


def small(n_components=4, **options):
    defaults = {
        "hidden_layer_sizes": (32,),
        "max_epochs": 5,
        "lr": 0.01,
        "random_state": 0,
    }
    return Autoencoder(n_components, **(defaults | options))


# ---------------------------------------------------------------------------
# What it computes
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("tied", [False, True])
def test_linear_autoencoder_spans_the_principal_subspace(tied):
    X = scale(load_breast_cancer().data)
    autoencoder = Autoencoder(
        4, hidden_layer_sizes=(), tied=tied, max_epochs=200, lr=0.01, random_state=0
    ).fit(X)
    pca = PCA(4).fit(X)
    of_pca = np.square(X - pca.inverse_transform(pca.transform(X))).mean()
    assert -autoencoder.score_samples(X).mean() == pytest.approx(of_pca, rel=0.01)
    basis = autoencoder.inverse_transform(np.vstack([np.zeros(4), np.eye(4)]))
    angles = subspace_angles((basis[1:] - basis[0]).T, pca.components_.T)
    assert np.rad2deg(angles).max() < 1


def test_hidden_layers_keep_more_than_pca(digits):
    autoencoder = Autoencoder(4, max_epochs=25, lr=3e-3, random_state=0)
    kept = autoencoder.fit(digits[:1200]).score(digits[1200:])
    pca = PCA(4).fit(digits[:1200])
    rows = digits[1200:]
    by_pca = 1 - (
        np.square(rows - pca.inverse_transform(pca.transform(rows))).sum()
        / np.square(rows - rows.mean(axis=0)).sum()
    )
    assert kept > by_pca + 0.1


def test_codes_and_reconstructions_by_hand(digits, fitted):
    network = fitted.net_.module_
    first, last = network.encoder[0], network.encoder[2]
    centered = digits.astype(np.float64) - network.center.numpy()
    centered /= float(network.spread)
    hidden = centered @ first.weight.detach().numpy().T.astype(float)
    hidden = np.maximum(hidden + first.bias.detach().numpy(), 0)
    codes = hidden @ last.weight.detach().numpy().T.astype(float)
    codes += last.bias.detach().numpy()
    np.testing.assert_allclose(fitted.transform(digits), codes, atol=1e-5)
    np.testing.assert_allclose(
        fitted.transform(digits.astype(np.float64)), codes, rtol=1e-10
    )
    np.testing.assert_array_equal(
        fitted.reconstruct(digits), fitted.inverse_transform(fitted.transform(digits))
    )


def test_scores(digits, fitted):
    rows = digits[500:].astype(np.float64)
    back = fitted.reconstruct(rows)
    np.testing.assert_allclose(
        fitted.score_samples(rows), -np.square(rows - back).mean(axis=1)
    )
    expected = 1 - np.square(rows - back).sum() / np.square(rows - rows.mean(0)).sum()
    assert fitted.score(rows) == pytest.approx(expected, rel=1e-10)
    varies = rows.var(axis=0) > 0
    weighted = r2_score(
        rows[:, varies], back[:, varies], multioutput="variance_weighted"
    )
    assert fitted.score(rows[:, :]) == pytest.approx(weighted, abs=0.01)


def test_score_of_rows_without_variance(fitted, digits):
    assert fitted.score(np.repeat(digits[:1], 3, axis=0)) == 0.0


@pytest.mark.parametrize(("unit", "origin"), [(1.0, 1024.0), (1e-6, 0.0), (1e6, 0.0)])
def test_units_do_not_matter(unit, origin):
    X = np.random.default_rng(0).standard_normal((200, 6)) @ np.diag([3, 2, 1, 0, 0, 0])
    given, other = small(2).fit(X), small(2).fit(origin + unit * X)
    assert other.score(origin + unit * X) == pytest.approx(given.score(X), abs=0.01)
    network = other.net_.module_
    center = network.center + network.origin
    np.testing.assert_allclose(center, origin + unit * X.mean(axis=0), 1e-5)
    assert float(network.spread) == pytest.approx(unit * (X.var(axis=0).mean()) ** 0.5)


def test_binary_cross_entropy(digits):
    fitted = small(loss="binary_cross_entropy", max_epochs=10).fit(digits)
    back = fitted.reconstruct(digits)
    assert 0 < back.min() < back.max() < 1
    logits = np.log(back / (1 - back))
    entropy = np.logaddexp(0, logits) - digits * logits
    assert entropy.mean() == pytest.approx(fitted.loss_curve_[-1], rel=0.05)
    assert fitted.score(digits) > 0.3


@pytest.mark.parametrize("low_high", [(-0.1, 0.5), (0.0, 16.0)])
def test_binary_cross_entropy_needs_a_range(low_high):
    X = np.linspace(*low_high, 40).reshape(10, 4)
    with pytest.raises(ValueError, match=r"between 0 and 1, but X has values from"):
        small(loss="binary_cross_entropy").fit(X)


def test_tied_weights(digits):
    network = small(tied=True).fit(digits).net_.module_
    encoder, decoder = network.encoder, network.decoder
    z = torch.rand(3, 4)
    hidden = torch.relu(z @ encoder[2].weight + decoder[0].bias)
    expected = hidden @ encoder[0].weight + decoder[2].bias
    expected = network.gain * expected + network.offset
    torch.testing.assert_close(network.decode(z), expected)
    names = [name for name, _ in network.named_parameters()]
    assert names == [
        "encoder.0.weight",
        "encoder.0.bias",
        "encoder.2.weight",
        "encoder.2.bias",
        "decoder.0.bias",
        "decoder.2.bias",
    ]


def test_tied_weights_survive_pickling(digits):
    fitted = small(tied=True).fit(digits)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.reconstruct(digits), fitted.reconstruct(digits))


def test_anomalies_have_low_scores():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    normal = X[y != 0]
    fitted = small(8, max_epochs=30).fit(normal[:1200])
    rows = np.vstack([normal[1200:], X[y == 0]])
    is_normal = np.arange(len(rows)) < len(normal) - 1200
    assert roc_auc_score(is_normal, fitted.score_samples(rows)) > 0.8


# ---------------------------------------------------------------------------
# Choosing by cross-validation
# ---------------------------------------------------------------------------


def test_grid_by_its_own_score_in_one_and_two_processes(digits):
    grid = {"hidden_layer_sizes": [(), (16,)], "activation": ["relu", "tanh"]}
    found = [
        GridSearchCV(small(max_epochs=2), grid, cv=2, n_jobs=n_jobs).fit(digits[:200])
        for n_jobs in (1, 2)
    ]
    one, two = (search.cv_results_["mean_test_score"] for search in found)
    np.testing.assert_array_equal(one, two)
    assert len(set(one.round(6))) > 2
    np.testing.assert_array_equal(
        found[0].best_estimator_.transform(digits),
        found[1].best_estimator_.transform(digits),
    )


def test_grid_over_components_by_a_classifier(digits):
    y = load_digits().target
    model = make_pipeline(small(max_epochs=10), LogisticRegression())
    search = GridSearchCV(model, {"autoencoder__n_components": [1, 8]}, cv=2, n_jobs=2)
    search.fit(digits, y)
    assert search.best_params_ == {"autoencoder__n_components": 8}


# ---------------------------------------------------------------------------
# Own modules
# ---------------------------------------------------------------------------


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4)
        )
        self.register_buffer("offset", torch.ones(4), persistent=False)

    def forward(self, x):
        return self.layers(x) + self.offset


def test_own_modules_are_copied(digits):
    encoder, decoder = Wide(), mlp([4, 32, 64], "tanh")
    before = [parameter.clone() for parameter in encoder.parameters()]
    fitted = small(encoder=encoder, decoder=decoder).fit(digits)
    assert encoder.training
    for parameter, old in zip(encoder.parameters(), before, strict=True):
        assert torch.equal(parameter, old)
    codes = fitted.transform(digits.astype(np.float64))
    assert codes.dtype == np.float64
    single = fitted.transform(digits)
    assert_near(codes.astype(np.float32), single)
    assert_near(fitted.transform(digits[7:9]), single[7:9])
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.transform(digits), single)
    refitted = clone(fitted).fit(digits)
    np.testing.assert_array_equal(refitted.transform(digits), single)


def test_one_own_module_of_the_two(digits):
    decoder = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid())
    assert small(decoder=decoder).fit(digits).reconstruct(digits).min() > 0
    assert small(encoder=nn.Linear(64, 4)).fit(digits).transform(digits).shape[1] == 4


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        (
            {"encoder": nn.Linear(64, 5)},
            r"encoder gives shape \(n_rows, 5\) for input of shape \(n_rows, 64\), but "
            r"\(n_rows, 4\) is needed: n_components",
        ),
        (
            {"decoder": nn.Linear(4, 63)},
            r"decoder gives shape \(n_rows, 63\) .* shape of the input",
        ),
        ({"encoder": nn.Linear(60, 4)}, r"encoder cannot take input of shape \(n_ro"),
        ({"encoder": nn.LSTM(64, 4)}, r"encoder gives \(tensor"),
        ({"decoder": nn.Linear(4, 64), "tied": True}, "tied=True shares the weights"),
    ],
)
def test_modules_that_do_not_fit(digits, modules, message):
    with pytest.raises(ValueError, match=message):
        small(**modules).fit(digits)


def test_as_module_gives_gradients(digits, fitted):
    module = fitted.as_module()
    x = torch.from_numpy(digits[:5]).requires_grad_()
    codes = module(x)
    np.testing.assert_allclose(
        codes.detach(), fitted.transform(digits[:5]), rtol=1e-4, atol=1e-6
    )
    codes[:, 0].sum().backward()
    assert x.grad.abs().sum() > 0
    assert not module.training
    with torch.no_grad():
        module.network.encoder[0].weight.zero_()
    assert fitted.transform(digits).any()


def test_as_module_of_a_layer(digits, fitted):
    x = torch.from_numpy(digits[:5])
    hidden = fitted.as_module("encoder.1")(x)
    assert hidden.shape == (5, 32)
    assert hidden.min() == 0
    back = fitted.as_module("decoder")(x)
    network = fitted.net_.module_
    back = network.gain * back + network.offset
    expected = fitted.reconstruct(digits[:5])
    np.testing.assert_allclose(back.detach(), expected, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match=r"no layer 'head'; there are \['encoder', 'e"):
        fitted.as_module("head")


# ---------------------------------------------------------------------------
# Health
# ---------------------------------------------------------------------------


def test_effective_rank_against_a_loop():
    Z = np.random.default_rng(0).standard_normal((50, 4)) * [4, 2, 1, 0]
    values = np.sqrt(np.linalg.eigvalsh(np.cov(Z.T) * 49).clip(0))
    entropy = -sum(v / values.sum() * np.log(v / values.sum()) for v in values if v > 0)
    assert effective_rank(Z) == pytest.approx(np.exp(entropy))
    assert effective_rank(np.ones((5, 3))) == 0
    assert effective_rank(1e6 + np.zeros((5, 3))) == 0
    circle = np.c_[np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)]
    assert effective_rank(circle) == pytest.approx(2)


def test_dead_units_are_counted(digits):
    layers = {"layers": "mlp", "sizes": [64, 10, 4], "activation": "relu"}
    back = {"layers": "mlp", "sizes": [4, 10, 64], "activation": "identity"}
    network = EncoderDecoder(layers, back, [64])
    with torch.no_grad():
        network.encoder[0].bias[:3] = -1e3
        network.encoder[0].bias[3:] = 1e3
        network.encoder[0].weight[3] = 0
    assert count_dead_units(network, torch.from_numpy(digits)) == (4, 10)


def test_health_of_a_good_fit(fitted):
    assert 3 < fitted.effective_rank_ <= 4
    assert 0 <= fitted.n_dead_units_ < 20


def test_collapse_and_dead_units_warn_once(digits):
    warning = (
        r"Autoencoder: the code has collapsed to 0\.0 .* of 4, and keeps 0% .*; 64 of "
        r"64 hidden units give the same value .*leaky_relu'\.$"
    )
    estimator = small(weight_decay=50.0, optimizer="adamw", max_epochs=60)
    with pytest.warns(ConvergenceWarning, match=warning):
        estimator.fit(digits)
    assert estimator.effective_rank_ == 0
    assert estimator.n_dead_units_ == 64


def test_a_loss_that_does_not_fall_warns(digits):
    warning = r"Autoencoder: .*the loss has not fallen in 5 epochs \(it is 0"
    with pytest.warns(ConvergenceWarning, match=warning):
        small(lr=1e-38, optimizer="sgd").fit(digits)


def test_the_warning_names_the_line_of_the_caller(digits):
    with pytest.warns(ConvergenceWarning) as caught:
        small(lr=1e-38, optimizer="sgd").fit(digits)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match=r"batch_size=999 is more than") as caught:
        small(batch_size=999).fit(digits[:50])
    assert caught[0].filename == __file__


# ---------------------------------------------------------------------------
# Input
# ---------------------------------------------------------------------------


def test_integers_are_read_as_they_are(digits):
    pixels = (16 * digits).astype(np.uint8)
    fitted = small().fit(pixels)
    assert fitted.transform(pixels).dtype == np.float32
    assert fitted.transform(pixels.astype(np.int64)).dtype == np.float32
    for dtype in (np.int64, np.float32):
        same = small().fit(pixels.astype(dtype))
        np.testing.assert_array_equal(same.transform(pixels), fitted.transform(pixels))


def test_constant_columns_and_one_feature():
    rng = np.random.default_rng(0)
    X = np.c_[rng.standard_normal((60, 2)), np.full(60, 1e4)]
    fitted = small(2, max_epochs=30).fit(X)
    assert fitted.score(X) > 0.9
    assert np.abs(fitted.reconstruct(X)[:, 2] - 1e4).max() < 1
    assert small(1, max_epochs=30).fit(X[:, :1]).score(X[:, :1]) > 0.9


def test_one_row(digits, fitted):
    with pytest.raises(ValueError, match=r"1 sample\(s\).* minimum of 2 is required"):
        small().fit(digits[:1])
    assert fitted.transform(digits[:1]).shape == (1, 4)


def test_nothing_but_equal_rows():
    X = np.ones((20, 3))
    with pytest.warns(ConvergenceWarning, match="all rows of X are the same"):
        fitted = small(2).fit(X)
    np.testing.assert_allclose(fitted.reconstruct(X), X, atol=0.2)


@pytest.mark.parametrize(
    ("fraction", "n", "held_out"), [(0.01, 20, 0), (0.95, 20, 19), (0.99, 3, 3)]
)
def test_validation_fraction_that_leaves_no_row(digits, fraction, n, held_out):
    message = rf"validation_fraction={fraction} of {n} rows holds out {held_out}; ch"
    with pytest.raises(ValueError, match=message):
        small(early_stopping=True, validation_fraction=fraction).fit(digits[:n])


@pytest.mark.parametrize("sizes", [(0,), (8, -1), (2.5,), [[3, 4]], "wide"])
def test_hidden_layer_sizes_that_are_none(digits, sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        small(hidden_layer_sizes=sizes).fit(digits)


def test_width_of_codes(fitted):
    with pytest.raises(ValueError, match="X has 3 columns, but Autoencoder has 4 comp"):
        fitted.inverse_transform(np.zeros((2, 3)))


# ---------------------------------------------------------------------------
# Saving
# ---------------------------------------------------------------------------


def n_bytes(fitted):
    return sum(
        weight.nbytes for weight in fitted.net_.plain_state()["weights"].values()
    )


def test_pickles_hold_the_weights_and_little_else(digits):
    fitted = small(hidden_layer_sizes=(256, 128)).fit(digits)
    assert len(pickle.dumps(fitted)) < 1.05 * n_bytes(fitted) + 4000
    again = pickle.loads(pickle.dumps(fitted))
    assert again.loss_curve_ == fitted.loss_curve_
    assert not hasattr(again.net_, "optimizer_")
    assert pickle.dumps(again) == pickle.dumps(pickle.loads(pickle.dumps(again)))


def test_loading_draws_no_random_numbers(digits, fitted):
    data = pickle.dumps(fitted)
    before = torch.get_rng_state()
    pickle.loads(data)
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_may_stay_on_disk(digits, fitted, tmp_path):
    joblib.dump(fitted, tmp_path / "model")
    mapped = joblib.load(tmp_path / "model", mmap_mode="r")
    np.testing.assert_array_equal(mapped.transform(digits), fitted.transform(digits))
    mapped.set_params(warm_start=True).fit(digits)
    assert mapped.n_iter_ == 10


def test_parameters_changed_after_the_fit_do_not_harm_a_pickle(digits, fitted):
    changed = pickle.loads(pickle.dumps(fitted))
    changed.set_params(hidden_layer_sizes=(3,), activation="tanh", device="cuda")
    again = pickle.loads(pickle.dumps(changed))
    np.testing.assert_array_equal(again.transform(digits), fitted.transform(digits))


def test_training_goes_on_after_loading(digits, fitted):
    again = pickle.loads(pickle.dumps(fitted)).set_params(warm_start=True)
    again.fit(digits[:500])
    assert again.loss_curve_[5] < again.loss_curve_[0]
    assert again.n_iter_ == 10


def test_skops_trusts_no_more_than_the_class(digits, fitted):
    data = skops.io.dumps(fitted)
    trusted = skops.io.get_untrusted_types(data=data)
    assert trusted == ["sklearn_replearn.autoencoder._autoencoder.Autoencoder"]
    again = skops.io.loads(data, trusted=trusted)
    np.testing.assert_array_equal(again.transform(digits), fitted.transform(digits))
    assert len(data) < 1.1 * n_bytes(fitted) + 60_000


def test_skops_refuses_a_file_that_was_tampered_with(fitted):
    with zipfile.ZipFile(BytesIO(skops.io.dumps(fitted))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    schema["content"]["content"]["loss_curve_"] = {
        "__class__": "system",
        "__module__": "os",
        "__loader__": "FunctionNode",
        "__id__": 1,
        "content": {"module_path": "os", "function": "system"},
    }
    members["schema.json"] = json.dumps(schema).encode()
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    trusted = ["sklearn_replearn.autoencoder._autoencoder.Autoencoder"]
    with pytest.raises(
        skops.io.exceptions.UntrustedTypesFoundException, match="system"
    ):
        skops.io.loads(buffer.getvalue(), trusted=trusted)


class Penalized(Objective):
    """Squared error of reconstructions, and the sizes of codes."""

    def prepare(self, inputs, targets):
        return Batch(inputs, inputs, len(inputs))

    def forward(self, network, batch):
        codes = network.encode(batch.inputs)
        errors = network.run_decoder(codes) - batch.targets
        return {"error": errors.square().mean(), "size": codes.abs().mean()}


class PenalizedAutoencoder(Autoencoder):
    def _plan(self, samples, targets):
        description = {"network": "EncoderDecoder", **self._layers(self.n_features_in_)}
        return self._reconstruction_plan(description, Penalized())


def test_an_autoencoder_may_have_an_objective_of_several_terms():
    X = np.random.default_rng(0).standard_normal((40, 4)).astype(np.float32)
    options = {"hidden_layer_sizes": (), "max_epochs": 20, "random_state": 0}
    plain, penalized = (
        kind(2, **options).fit(X) for kind in (Autoencoder, PenalizedAutoencoder)
    )
    assert set(penalized.loss_terms_curve_[0]) == {"error", "size"}
    assert np.abs(penalized.transform(X)).mean() < np.abs(plain.transform(X)).mean()
