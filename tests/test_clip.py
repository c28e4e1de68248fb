"""CLIP: its loss against loops, its words, and what it promises of two views."""

import pickle

import numpy as np
import pytest
import torch
from near import assert_near
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from sklearn_replearn._deep.input.ragged import Packed, PackedTexts
from sklearn_replearn._deep.input.samples import Views
from sklearn_replearn._deep.objectives.objective import Batch
from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.multiview import CLIP
from sklearn_replearn.multiview._clip import hold_out_items
from sklearn_replearn.multiview._drawn_captions import DrawnCaptions
from sklearn_replearn.multiview._info_nce import InfoNCE
from sklearn_replearn.multiview._two_view_network import WordsNetwork, drop_words
from sklearn_replearn.text import LSA, PMIEmbedding

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SMALL = {"n_components": 8, "hidden_layer_sizes": (16,), "random_state": 0}
QUICK = {**SMALL, "max_epochs": 3}


@pytest.fixture(scope="module")
def digits():
    images, numbers = load_digits(return_X_y=True)
    return images.astype(np.float32), numbers


@pytest.fixture(scope="module")
def table(digits):
    return digits[0][:120]


@pytest.fixture(scope="module")
def captions(digits):
    """A caption for each image, with a number of its own."""
    return [
        f"{WORDS[number]} number{row}" for row, number in enumerate(digits[1][:120])
    ]


@pytest.fixture(scope="module")
def learned(digits):
    images, numbers = digits
    names = [f"{WORDS[number]} by hand" for number in numbers]
    model = CLIP(16, max_epochs=20, random_state=0)
    return model.fit(images[:600], names[:600], groups=numbers[:600])


# ---------------------------------------------------------------------------
# The loss
# ---------------------------------------------------------------------------


class Identity(torch.nn.Module):
    def forward(self, views):
        return views


def loss_by_loop(A, B, temperature, groups):
    """The mean cross-entropy both ways, number by number."""
    total, n = 0.0, len(A)
    for first, second in ((A, B), (B, A)):
        for i in range(n):
            logits = {
                j: sum(a * b for a, b in zip(first[i], second[j], strict=True))
                / temperature
                for j in range(n)
                if j == i or groups[i] != groups[j]
            }
            total += np.log(sum(np.exp(s - logits[i]) for s in logits.values()))
    return total / (2 * n)


@pytest.mark.parametrize("groups", [[0, 1, 2, 3, 4, 5], [0, 1, 0, 2, 1, 0]])
@pytest.mark.parametrize("temperature", [0.3, None])
def test_loss_by_loop(groups, temperature):
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(2, 6, 3))
    A, B = (Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in (A, B))
    objective = InfoNCE(temperature).double()
    inputs = torch.from_numpy(A), torch.from_numpy(B)
    batch = Batch(inputs, torch.tensor(groups), 6)
    found = objective(Identity(), batch)["loss"]
    expected = loss_by_loop(A, B, temperature or 0.07, groups)
    assert found.item() == pytest.approx(expected, rel=1e-6)


def test_a_learned_temperature_moves_and_has_a_bound(table, captions):
    model = CLIP(**QUICK).fit(table, captions)
    assert model.temperature_ != pytest.approx(0.07, rel=1e-3)
    assert model.health_curve_[-1]["temperature"] == model.temperature_
    assert CLIP(temperature=0.5, **QUICK).fit(table, captions).temperature_ == 0.5
    objective = InfoNCE(None)
    with torch.no_grad():
        objective.log_scale.fill_(9.0)
        objective.after_step(None, 0.5)
    assert objective.temperature == pytest.approx(0.01)


# ---------------------------------------------------------------------------
# Captions
# ---------------------------------------------------------------------------


def test_words_by_loop():
    torch.manual_seed(0)
    network = WordsNetwork(
        n_words=3, n_given=5, width=4, sizes=[2], activation="relu", word_dropout=0.9
    ).eval()
    with torch.no_grad():
        network.given.normal_()
        network.trained.normal_()
        network.spread.fill_(0.4)
        texts = [[0, 4, 2, 2], [], [3], [1]]
        ids = torch.tensor([word for text in texts for word in text])
        packed = Packed(ids, torch.tensor([len(text) for text in texts]))
        found = network.encode(packed)
        for text, vector in zip(texts, found, strict=True):
            if not text:
                assert not vector.any()
                continue
            words = [
                network.given[word] + (network.trained[word] if word < 3 else 0)
                for word in text
            ]
            expected = network.layers(torch.stack(words).mean(0) / 0.4)
            torch.testing.assert_close(vector, expected / expected.norm())


def test_words_are_left_out_at_random_but_one():
    torch.manual_seed(0)
    lengths = torch.tensor([1, 4, 0, 50, 1])
    ids = torch.arange(int(lengths.sum()))
    counts = torch.zeros(len(ids))
    for _ in range(400):
        kept = drop_words(Packed(ids, lengths), 0.7)
        assert kept.lengths.tolist()[::2][:2] == [1, 0]
        assert (kept.lengths <= lengths).all()
        assert (kept.lengths[[0, 1, 3, 4]] >= 1).all()
        assert (kept.ids.diff() > 0).all()
        counts[kept.ids] += 1
    # Of many words, each stays with a probability of 0.3; of four, the last one left
    # stays as well: 0.3 + 0.7 ** 4 / 4.
    assert counts[5:55].mean() == pytest.approx(400 * 0.3, abs=6)
    assert counts[1:5].mean() == pytest.approx(400 * 0.36, abs=20)


def test_one_of_several_captions_is_drawn():
    ids = torch.arange(6, dtype=torch.int32)
    texts = PackedTexts(ids, torch.arange(1, 7))
    items = DrawnCaptions(texts, torch.tensor([1, 3, 2]))
    torch.manual_seed(0)
    drawn = {tuple(items.take(torch.tensor([2, 1, 0])).ids.tolist()) for _ in range(99)}
    assert drawn == {(second, first, 0) for first in (1, 2, 3) for second in (4, 5)}


def test_words_that_only_the_given_embedding_knows():
    texts = ["cats purr softly", "dogs bark loudly", "wolves bark loudly"] * 10
    given = PMIEmbedding(3, min_count=1, random_state=0).fit(texts)
    X = np.random.default_rng(0).normal(size=(12, 4))
    captions = ["cats purr", "dogs bark"] * 6
    groups = np.arange(12) % 2
    model = CLIP(init=given, **QUICK).fit(X, captions, groups=groups)
    assert set(list(model.vocabulary_)[:4]) == {"bark", "cats", "dogs", "purr"}
    assert set(given.vocabulary_) == set(model.vocabulary_)
    assert np.linalg.norm(model.transform_y(["wolves"])) == pytest.approx(1)
    assert model.word_counts_.tolist() == [6, 6, 6, 6]
    with pytest.warns(UserWarning, match="1 of 1 captions have no known word"):
        assert not model.transform_y(["ducks"]).any()
    # The given vectors stay; those that are trained begin at zero.
    network = model.net_.module_.second
    start = CLIP(init=given, **{**QUICK, "max_epochs": 1, "lr": 1e-12})
    start = start.fit(X, captions, groups=groups).net_.module_.second
    assert torch.equal(network.given, start.given)
    assert network.trained[:4].abs().max() > 1e-3 > start.trained.abs().max()


def test_vectors_of_several_captions(table, captions):
    several = [[text, "a digit"] for text in captions]
    with pytest.warns(UserWarning, match="captions are also of another item"):
        model = CLIP(**QUICK).fit(table, several)
    vectors = model.transform_y(several)
    assert vectors.shape == (120, 8)
    both = model.transform_y(captions) + model.transform_y(["a digit"])
    assert_near(vectors, both / np.linalg.norm(both, axis=1, keepdims=True))
    one_each = [[text] for text in captions]
    np.testing.assert_array_equal(
        model.transform_y(one_each), model.transform_y(captions)
    )


def test_captions_of_tokens(table, captions):
    tokens = [[text.split()] for text in captions]
    model = CLIP(**QUICK).fit(table, tokens)
    as_texts = CLIP(**QUICK).fit(table, captions)
    assert_near(model.transform_y(tokens), as_texts.transform_y(captions))


def test_rare_words_are_unknown(table, captions):
    model = CLIP(min_count=2, **QUICK).fit(table, captions)
    assert sorted(model.vocabulary_) == sorted(WORDS)
    with pytest.raises(ValueError, match="no word that occurs min_count=13 times"):
        CLIP(min_count=13, **QUICK).fit(table, captions)


# ---------------------------------------------------------------------------
# Other second views
# ---------------------------------------------------------------------------


def test_each_kind_of_second_view(digits, table):
    halves = digits[0].reshape(-1, 8, 8)[:120]
    left, right = halves[:, :4], halves[:, 4:]
    for X, y in (
        (left.reshape(120, -1), right.reshape(120, -1)),
        (left, right),
        (table, digits[1][:120]),
        (left, right.astype(np.uint8)),
    ):
        model = CLIP(channels=(4,), **QUICK).fit(X, y)
        Z = model.transform_y(y)
        assert Z.shape == (120, 8)
        assert Z.dtype == (np.float64 if y.dtype == np.float64 else np.float32)
        np.testing.assert_allclose(np.linalg.norm(Z, axis=1), 1, rtol=1e-5)
    layers = model.net_.module_.second.encoder.modules()
    assert any(isinstance(layer, torch.nn.Conv2d) for layer in layers)


def test_a_transformer_of_texts_is_cloned(table, captions):
    lsa = LSA(5, random_state=0)
    model = CLIP(y_encoder=lsa, **QUICK).fit(table, captions)
    assert not hasattr(lsa, "components_")
    assert_near(
        model.y_encoder_.transform(captions[:9]),
        clone(lsa).fit(captions).transform(captions[:9]),
    )
    fitted = LSA(5, random_state=0).fit(captions[:50])
    frozen = CLIP(y_encoder=FrozenEstimator(fitted), **QUICK).fit(table, captions)
    assert frozen.y_encoder_.estimator is fitted
    with pytest.raises(ValueError, match="y_encoder gives a sparse matrix of"):
        CLIP(y_encoder=TfidfVectorizer(), **QUICK).fit(table, captions)


def test_a_refitted_transformer_is_found_out(table, captions):
    model = CLIP(y_encoder=LSA(5, random_state=0), **QUICK).fit(table, captions)
    model.y_encoder_.set_params(n_components=3).fit(captions)
    with pytest.raises(ValueError, match="gives 3 columns, but 5 in fit"):
        model.transform_y(captions)


# ---------------------------------------------------------------------------
# Groups and validation
# ---------------------------------------------------------------------------


def test_groups_are_held_out_whole():
    codes = np.repeat(np.arange(20), 3)
    samples = Views(torch.zeros(60), torch.zeros(60))
    train, held_out = hold_out_items(samples, torch.from_numpy(codes), 0.2, 0)
    assert not set(codes[train]) & set(codes[held_out])
    assert sorted([*train.tolist(), *held_out.tolist()]) == list(range(60))
    assert 12 <= len(held_out) <= 15
    three_groups = torch.tensor([0] * 29 + [1] * 30 + [2])
    with pytest.raises(ValueError, match="holds out two groups or more, but"):
        hold_out_items(samples, three_groups, 0.1, 0)


def test_held_out_rows_are_of_several_groups(digits):
    images, numbers = digits
    names = [WORDS[number] for number in numbers[:120]]
    model = CLIP(early_stopping=True, validation_fraction=0.05, **QUICK)
    model.fit(images[:120], names, groups=numbers[:120])
    assert min(model.validation_loss_curve_) > 0


def test_tensors_are_arrays(table):
    model = CLIP(**QUICK).fit(table, torch.from_numpy(table[:, :5]))
    expected = CLIP(**QUICK).fit(table, table[:, :5])
    assert_near(
        model.transform_y(torch.from_numpy(table[:9, :5])),
        expected.transform_y(table[:9, :5]),
    )


def test_validation_data(digits, captions):
    images, numbers = digits
    names = [f"{WORDS[number]} by hand" for number in numbers]
    model = CLIP(early_stopping=True, n_iter_no_change=2, **QUICK).fit(
        images[:120],
        captions,
        X_val=images[120:160],
        y_val=names[120:160],
        groups=numbers[:120],
        groups_val=numbers[120:160],
    )
    assert len(model.validation_loss_curve_) == model.n_iter_
    with pytest.raises(ValueError, match="X_val"):
        CLIP(**QUICK).fit(images[:120], captions, y_val=names[120:160])


def test_a_warm_start_keeps_the_words(table, captions):
    model = CLIP(warm_start=True, **QUICK).fit(table, captions)
    words = model.vocabulary_
    with pytest.warns(UserWarning, match="no known word"):
        model.fit(table, [*captions[1:], "four number0"]).transform_y(["other"])
    assert model.vocabulary_ == words
    assert model.n_iter_ == 6


# ---------------------------------------------------------------------------
# What it is for
# ---------------------------------------------------------------------------


def test_texts_find_images_of_other_rows(learned, digits):
    images, numbers = digits
    cosines = learned.transform(images[600:]) @ learned.transform_y(WORDS).T
    assert (cosines.argmax(axis=1) == numbers[600:]).mean() > 0.85
    nearest = cosines.argsort(axis=0)[-10:]
    assert (numbers[600:][nearest] == np.arange(10)).mean() > 0.95
    health = learned.health_curve_
    assert health[-1]["active_share"] < health[0]["active_share"]
    assert learned.effective_rank_ > 4


def test_score_by_loop(learned, digits):
    images, numbers = digits
    rows = [np.flatnonzero(numbers == number)[80] for number in range(10)]
    Z = learned.transform(images[rows]).astype(float)
    Z_y = learned.transform_y(WORDS).astype(float)
    cosines = Z @ Z_y.T
    found = [
        (np.delete(row, i) < row[i]).all()
        for way in (cosines, cosines.T)
        for i, row in enumerate(way)
    ]
    assert learned.score(images[rows], WORDS) == pytest.approx(np.mean(found))
    assert np.mean(found) > 0.5


def test_halves_of_digits_find_each_other(digits):
    halves = digits[0].reshape(-1, 8, 8)
    left, right = halves[:, :, :4].reshape(-1, 32), halves[:, :, 4:].reshape(-1, 32)
    model = CLIP(16, max_epochs=15, random_state=0).fit(left[:600], right[:600])
    untrained = CLIP(16, max_epochs=1, lr=1e-12, random_state=0)
    untrained.fit(left[:600], right[:600])
    rest = slice(600, 800)
    score = model.score(left[rest], right[rest])
    assert score > 0.1 > 4 * untrained.score(left[rest], right[rest])


def test_chosen_by_cross_validation(table, captions):
    pipe = make_pipeline(ScaledPCA(10), CLIP(y_encoder=LSA(4, random_state=0), **QUICK))
    grid = GridSearchCV(
        pipe,
        {"clip__y_encoder__n_components": [3, 5], "clip__temperature": ["learned"]},
        cv=KFold(2),
        n_jobs=2,
        error_score="raise",
    ).fit(table, captions)
    best = grid.best_estimator_[-1]
    again = pickle.loads(pickle.dumps(best))
    assert_near(again.transform_y(captions), best.transform_y(captions))
    assert np.isfinite(grid.cv_results_["mean_test_score"]).all()


def test_a_clone_shares_the_given_vectors(captions):
    given = PMIEmbedding(3, min_count=1, random_state=0).fit(captions)
    assert clone(CLIP(init=given)).init is given


def test_text_is_no_part_of_the_first_view(table, captions):
    with pytest.raises(ValueError, match="images are numbers"):
        CLIP(**QUICK).fit(captions, table)
