"""PretrainedTextEncoder against an explicit BERT, and what it does with texts."""

import json
import pickle
import shutil
from math import erf

import joblib
import numpy as np
import pytest
import torch
from model_folders import (
    CONFIG,
    bert_shapes,
    pieces_of_letters,
    random_tensors,
    write_model,
    write_safetensors,
)
from near import assert_near as assert_near_and_alike
from registry import INSTANCES
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from torch import nn

from benchmarks._data import MissingData
from benchmarks._documents import Setting, methods
from benchmarks._text_encoders import find_model
from sklearn_replearn._deep.networks import text_encoder
from sklearn_replearn.language import PretrainedTextEncoder
from sklearn_replearn.utils.estimator_checks import (
    parametrize_with_representation_checks,
)

PIECES = pieces_of_letters()
TEXTS = ["the cat sat.", "a", "ab-1, cd", "On a mat in the sun", "dogs", "2 of 3"] * 3
LABELS = np.arange(len(TEXTS)) % 2


def assert_near(actual, expected):
    assert_near_and_alike(actual, np.asarray(expected, np.float32))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model"))


def spell(text):
    """Ids of a text of letters in ASCII, without special ones."""
    ids, is_inside = [], False
    for letter in text.lower():
        is_word = letter.isalnum()
        if not letter.isspace():
            piece = f"##{letter}" if is_word and is_inside else letter
            ids.append(PIECES.index(piece) if piece in PIECES else 1)
        is_inside = is_word
    return ids


def norm(x, weight, bias):
    x = x - x.mean(1, keepdims=True)
    return x / np.sqrt((x**2).mean(1, keepdims=True) + 1e-12) * weight + bias


def states(ids, n_layers=3, config=CONFIG, random_state=0):
    """Vectors of the tokens of one text, written out in double precision."""
    shapes = bert_shapes(config, len(PIECES))
    tensors = random_tensors(shapes, random_state)
    w = {name: array.astype(np.float64) for name, array in tensors.items()}

    def linear(name, x):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def normed(name, x):
        return norm(x, w[f"{name}.weight"], w[f"{name}.bias"])

    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = x + w["embeddings.token_type_embeddings.weight"][0]
    x = normed("embeddings.LayerNorm", x)
    for number in range(n_layers):
        layer = f"encoder.layer.{number}"
        q, k, v = (
            linear(f"{layer}.attention.self.{name}", x)
            for name in ("query", "key", "value")
        )
        heads = []
        for head in np.split(np.arange(x.shape[1]), config["num_attention_heads"]):
            scores = q[:, head] @ k[:, head].T / np.sqrt(len(head))
            weights = np.exp(scores - scores.max(1, keepdims=True))
            weights /= weights.sum(1, keepdims=True)
            heads.append(weights @ v[:, head])
        mixed = linear(f"{layer}.attention.output.dense", np.hstack(heads))
        x = normed(f"{layer}.attention.output.LayerNorm", x + mixed)
        inner = linear(f"{layer}.intermediate.dense", x)
        inner = inner * (1 + np.vectorize(erf)(inner / np.sqrt(2))) / 2
        outer = linear(f"{layer}.output.dense", inner)
        x = normed(f"{layer}.output.LayerNorm", x + outer)
    return x


POOL = {
    "mean": lambda x: x.mean(0),
    "cls": lambda x: x[0],
    "max": lambda x: x.max(0),
}


def expected(texts, pooling="mean", n_layers=3):
    rows = [POOL[pooling](states([2, *spell(text), 3], n_layers)) for text in texts]
    return np.array(rows)


# ---------------------------------------------------------------------------
# Vectors
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", POOL)
def test_equal_to_a_bert_written_out(folder, pooling):
    encoder = PretrainedTextEncoder(folder, pooling=pooling)
    Z = encoder.fit_transform(TEXTS)
    assert Z.dtype == np.float32
    assert_near(Z, expected(TEXTS, pooling))
    assert_near(encoder.transform(TEXTS[:1]), Z[:1])
    assert encoder.n_components_ == 8
    assert encoder.vocabulary_["[CLS]"] == 2
    assert encoder.max_length_ == 40


@pytest.mark.parametrize("layer", [0, 1, -1, -2, -4])
def test_layers(folder, layer):
    Z = PretrainedTextEncoder(folder, layer=layer).fit_transform(TEXTS)
    assert_near(Z, expected(TEXTS, n_layers=layer % 4))


def test_layers_behind_are_not_kept(folder):
    small, whole = (
        PretrainedTextEncoder(folder, layer=layer).fit(TEXTS) for layer in (1, 3)
    )
    assert len(pickle.dumps(small)) < len(pickle.dumps(whole))


def test_a_text_does_not_depend_on_the_others(folder, monkeypatch):
    monkeypatch.setattr(text_encoder, "N_TOKENS", 64)
    texts = [f"{'ab ' * (n % 60)}cd" for n in range(80)]
    encoder = PretrainedTextEncoder(folder).fit(texts)
    Z = encoder.transform(texts)
    assert_near(np.vstack([encoder.transform([text]) for text in texts]), Z)
    assert_near(encoder.transform(texts[::-1])[::-1], Z)


def test_texts_without_a_known_token_have_zeros(folder):
    encoder = PretrainedTextEncoder(folder).fit(TEXTS)
    Z = encoder.transform(["", "ж щ", "a", " \t"])
    assert not Z[[0, 1, 3]].any()
    assert_near(Z[2:3], expected(["a"]))
    assert not encoder.transform(["", "ж"]).any()
    with pytest.raises(ValueError, match=r"None of the 2 documents has a known token"):
        PretrainedTextEncoder(folder).fit(["", "ж"])


def test_an_unknown_word_beside_known_ones_counts(folder):
    Z = PretrainedTextEncoder(folder).fit_transform(["a ж b"])
    ids = [2, PIECES.index("a"), 1, PIECES.index("b"), 3]
    assert_near(Z, states(ids).mean(0, keepdims=True))


def test_lists_of_words(folder):
    encoder = PretrainedTextEncoder(folder).fit([["The", "cat"], ["a"]])
    assert_near(encoder.transform([["The", "cat"]]), expected(["the cat"]))
    with pytest.raises(ValueError, match="fitted on lists of tokens, but X holds str"):
        encoder.transform(["the cat"])


def windows(text, n):
    """Ids of a text in windows of at most n tokens, none much shorter than others."""
    ids = spell(text)
    n_windows = max(1, -(-len(ids) // n))
    return [[2, *part, 3] for part in np.array_split(ids, n_windows) if ids]


@pytest.mark.parametrize("max_length", [None, 12])
@pytest.mark.parametrize("pooling", POOL)
def test_long_texts_are_cut_into_windows(folder, pooling, max_length):
    texts = ["ab" * 19, "ab " * 40, "the cat", "a" * 39, "", "b" * 100]
    encoder = PretrainedTextEncoder(folder, pooling=pooling, max_length=max_length)
    Z = encoder.fit_transform(texts)
    for row, text in zip(Z, texts, strict=True):
        parts = [states(ids) for ids in windows(text, (max_length or 40) - 2)]
        if not parts:
            assert not row.any()
        elif pooling == "cls":
            assert_near(row, np.mean([part[0] for part in parts], axis=0))
        else:
            assert_near(row, POOL[pooling](np.vstack(parts)))


@pytest.mark.parametrize("pooling", POOL)
def test_many_windows_are_encoded_a_few_at_a_time(folder, monkeypatch, pooling):
    texts = ["ab " * 400, "the cat", "a b" * 500]
    encoder = PretrainedTextEncoder(folder, pooling=pooling).fit(texts)
    Z = encoder.transform(texts)
    monkeypatch.setattr(text_encoder, "N_TOKENS", 100)
    sizes, at_once = [], text_encoder.TextEncoder.vectors_at_once

    def record(self, ids, packing):
        sizes.append(len(ids))
        return at_once(self, ids, packing)

    monkeypatch.setattr(text_encoder.TextEncoder, "vectors_at_once", record)
    assert_near(encoder.transform(texts), Z)
    assert len(sizes) > 10
    assert max(sizes) <= 200


def test_truncated_texts(folder):
    texts = ["ab" * 30, "the cat"]
    encoder = PretrainedTextEncoder(folder, long_texts="truncate")
    match = "1 of 2 documents have more than max_length=40 tokens, the longest 62"
    with pytest.warns(UserWarning, match=match):
        encoder.fit(texts)
    with pytest.warns(UserWarning, match=match):
        Z = encoder.transform(texts)
    assert_near(Z, expected(["ab" * 19, "the cat"]))


def test_shared_prefixes_and_old_names(tmp_path):
    folder = write_model(tmp_path / "prefix", prefix="bert.")
    assert_near(PretrainedTextEncoder(folder).fit_transform(TEXTS), expected(TEXTS))
    tensors = random_tensors(bert_shapes(CONFIG, len(PIECES)))
    for new, old in (("weight", "gamma"), ("bias", "beta")):
        tensors = {
            name.replace(f"LayerNorm.{new}", f"LayerNorm.{old}"): array
            for name, array in tensors.items()
        }
    write_safetensors(folder / "model.safetensors", tensors)
    assert_near(PretrainedTextEncoder(folder).fit_transform(TEXTS), expected(TEXTS))


DISTILBERT = {
    "attention.self.query": "attention.q_lin",
    "attention.self.key": "attention.k_lin",
    "attention.self.value": "attention.v_lin",
    "attention.output.dense": "attention.out_lin",
    "attention.output.LayerNorm": "sa_layer_norm",
    "intermediate.dense": "ffn.lin1",
    "output.dense": "ffn.lin2",
    "output.LayerNorm": "output_layer_norm",
    "encoder.layer": "transformer.layer",
}


def test_distilbert(tmp_path):
    """A BERT in which the vectors of the types are zero, under other names."""
    bert = write_model(tmp_path / "bert")
    folder = shutil.copytree(bert, tmp_path / "distilbert")
    tensors = random_tensors(bert_shapes(CONFIG, len(PIECES)))
    types = tensors["embeddings.token_type_embeddings.weight"]
    types[:] = 0
    write_safetensors(bert / "model.safetensors", tensors)
    renamed = {}
    for name, array in tensors.items():
        for old, new in DISTILBERT.items():
            name = name.replace(old, new)
        if "token_type" not in name:
            renamed[name] = array
    write_safetensors(folder / "model.safetensors", renamed)
    config = {
        "model_type": "distilbert",
        "vocab_size": len(PIECES),
        "dim": 8,
        "n_layers": 3,
        "n_heads": 2,
        "hidden_dim": 12,
        "max_position_embeddings": 40,
    }
    (folder / "config.json").write_text(json.dumps(config))
    one, other = (
        PretrainedTextEncoder(path).fit_transform(TEXTS) for path in (bert, folder)
    )
    np.testing.assert_array_equal(one, other)


def test_roberta_with_a_tokenizer_of_its_own(tmp_path, folder):
    """A BERT whose first two positions are those of padding."""
    roberta = write_model(tmp_path, model_type="roberta", prefix="roberta.")
    encoder = PretrainedTextEncoder(roberta, tokenizer=with_special).fit(TEXTS)
    assert encoder.max_length_ == 38
    tensors = random_tensors(bert_shapes(CONFIG, len(PIECES)))
    name = "embeddings.position_embeddings.weight"
    tensors[name] = np.roll(tensors[name], -2, axis=0)
    shifted = shutil.copytree(folder, tmp_path / "bert")
    write_safetensors(shifted / "model.safetensors", tensors)
    Z = PretrainedTextEncoder(shifted).fit_transform(TEXTS)
    assert_near(encoder.transform(TEXTS), Z)


def random_model(family, transformers):
    """A small model of the library, and its tokenizer."""
    sizes = {
        "vocab_size": len(PIECES),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 20,
        "max_position_embeddings": 40,
    }
    if family == "distilbert":
        names = ("dim", "n_layers", "n_heads", "hidden_dim")
        values = list(sizes.values())[1:5]
        sizes = {
            "vocab_size": len(PIECES),
            "max_position_embeddings": 40,
            **dict(zip(names, values, strict=True)),
        }
    config = transformers.AutoConfig.for_model(family, **sizes)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return transformers.AutoModel.from_config(config).eval()


@pytest.mark.filterwarnings("ignore")  # transformers has warnings of its own
@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "xlm-roberta"])
def test_equal_to_transformers(family, tmp_path):
    transformers = pytest.importorskip("transformers")
    model = random_model(family, transformers)
    model.save_pretrained(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES))
    encoder = PretrainedTextEncoder(tmp_path, tokenizer=with_special)
    Z = encoder.fit_transform(TEXTS)
    ids = [torch.tensor([with_special(text)]) for text in TEXTS]
    with torch.inference_mode():
        rows = [model(one).last_hidden_state.mean(1) for one in ids]
    assert_near(Z, torch.cat(rows).numpy())
    own = PretrainedTextEncoder(model, tokenizer=with_special).fit_transform(TEXTS)
    assert_near(own, Z)
    if family in ("bert", "distilbert"):
        assert_near(PretrainedTextEncoder(tmp_path).fit_transform(TEXTS), Z)


# ---------------------------------------------------------------------------
# Modules and tokenizers of the user
# ---------------------------------------------------------------------------


class Averages(nn.Module):
    """A vector for each token: its own, and the mean of all in the text."""

    def __init__(self, n_tokens=128, width=5):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.vectors = nn.Embedding(n_tokens, width)
            self.mix = nn.Linear(width, width)

    def forward(self, ids, mask):
        x = self.vectors(ids)
        mean = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return self.mix(x + mean[:, None])


class OfTexts(Averages):
    """One vector for a text."""

    def forward(self, ids, mask):
        x = self.vectors(ids) * mask[..., None]
        return self.mix(x.sum(1))


class Careless(Averages):
    """Does not look at the mask."""

    def forward(self, ids, mask):
        return super().forward(ids, torch.ones_like(mask))


def letters(text):
    return [ord(letter) % 128 for letter in text]


def with_special(text):
    return [2, *spell(text), 3]


def test_a_module_of_the_user():
    module = Averages()
    Z = PretrainedTextEncoder(module, tokenizer=letters).fit_transform([*TEXTS, ""])
    for row, text in zip(Z, TEXTS, strict=False):
        ids = torch.tensor([letters(text)])
        x = module(ids, torch.ones_like(ids, dtype=torch.bool))
        assert_near(row, x[0].mean(0).detach().numpy())
    assert not Z[-1].any()


def test_a_module_with_a_vector_for_each_text():
    module = OfTexts()
    encoder = PretrainedTextEncoder(module, tokenizer=letters, max_length=4)
    Z = encoder.fit_transform(["abcd", "abcdef", "x"])
    one, other = (
        module(torch.tensor([ids]), torch.ones(1, 3, dtype=torch.bool))[0]
        for ids in (letters("abc"), letters("def"))
    )
    assert_near(Z[1], ((one + other) / 2).detach().numpy())


def test_a_layer_of_a_module():
    module = Averages()
    encoder = PretrainedTextEncoder(module, tokenizer=letters, layer="vectors")
    Z = encoder.fit_transform(["aab", "c"])
    rows = module.vectors.weight[letters("aab")].mean(0)
    assert_near(Z[0], rows.detach().numpy())


class Encoding:
    ids = [5, 6]


@pytest.mark.parametrize(
    "found",
    [
        [5, 6],
        (5, 6),
        np.array([5, 6], np.int32),
        torch.tensor([5, 6]),
        {"input_ids": [5, 6], "attention_mask": [1, 1]},
        Encoding(),
    ],
)
def test_what_tokenizers_may_give(found):
    encoder = PretrainedTextEncoder(Averages(), tokenizer=lambda text: found)
    same = PretrainedTextEncoder(Averages(), tokenizer=lambda text: [5, 6])
    np.testing.assert_array_equal(
        encoder.fit_transform(["a"]), same.fit_transform(["a"])
    )


@pytest.mark.parametrize("found", ["ab", [1.5], [[5, 6]], None, ["a"], [[1], [2, 3]]])
def test_what_tokenizers_may_not_give(found):
    encoder = PretrainedTextEncoder(
        Averages(), tokenizer=lambda text: found if text == "b" else [1]
    )
    with pytest.raises(ValueError, match="for document 1, but a list of token ids"):
        encoder.fit(["a", "b"])


def test_a_tokenizer_that_does_not_fit(folder):
    n = len(PIECES)
    encoder = PretrainedTextEncoder(folder, tokenizer=lambda text: [3, n])
    with pytest.raises(ValueError, match=f"gives the id {n} for document 0, but ids"):
        encoder.fit(["a"])
    encoder = PretrainedTextEncoder(Averages(), tokenizer=lambda text: [-1])
    with pytest.raises(ValueError, match="gives the id -1 for document 0"):
        encoder.fit(["a"])
    encoder = PretrainedTextEncoder(Averages(), tokenizer=lambda text: [128])
    with pytest.raises(ValueError, match="has no vectors for ids up to 128"):
        encoder.fit(["a"])
    encoder = PretrainedTextEncoder(Averages(), tokenizer=lambda text: [ord(text)])
    encoder.fit(["a"])
    with pytest.raises(ValueError, match="no vectors for ids up to 1078"):
        encoder.transform(["ж"])


@pytest.mark.parametrize(
    ("module", "options", "match"),
    [
        (Averages(), {"tokenizer": None}, "no tokenizer; pass tokenizer="),
        (Averages(), {"layer": 2}, "layers of a torch module have names"),
        (Averages(), {"layer": "mixx"}, "no layer 'mixx'"),
        (Careless(), {}, "another vector if there is padding behind it"),
        (nn.Flatten(), {}, "cannot take ids and a mask"),
        (nn.Embedding(128, 3), {}, "cannot take ids and a mask"),
    ],
)
def test_bad_modules(module, options, match):
    encoder = PretrainedTextEncoder(module, **{"tokenizer": letters, **options})
    with pytest.raises(ValueError, match=match):
        encoder.fit(TEXTS)


class Gives(nn.Module):
    def __init__(self, output):
        super().__init__()
        self.output = output

    def forward(self, ids, mask):
        return self.output(ids)


@pytest.mark.parametrize(
    ("output", "match"),
    [
        (lambda ids: ids, "gives shape"),
        (lambda ids: ids[0].float(), "gives shape"),
        (lambda ids: ids.float()[:1], "gives shape"),
        (lambda ids: ids.float()[:, :1, None], "gives shape"),
        (lambda ids: None, "gives a NoneType"),
        (lambda ids: ids[..., None] * torch.nan, "not finite"),
    ],
)
def test_bad_outputs(output, match):
    with pytest.raises(ValueError, match=f"The model .*{match}"):
        PretrainedTextEncoder(Gives(output), tokenizer=letters).fit(TEXTS)


# ---------------------------------------------------------------------------
# Parameters
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"max_length": 41}, "positions for 40 tokens"),
        ({"max_length": 2}, "no place for a token between the 2 special ones"),
        ({"layer": 4}, "has the layers 0 to 3"),
        ({"layer": -5}, "has the layers 0 to 3"),
        ({"layer": "encoder"}, "have numbers, from 0 to 3"),
    ],
)
def test_bad_parameters(folder, options, match):
    with pytest.raises(ValueError, match=match):
        PretrainedTextEncoder(folder, **options).fit(TEXTS)


def test_clones_share_what_may_be_large():
    encoder = PretrainedTextEncoder(Averages(), tokenizer=letters)
    twin = clone(encoder)
    assert twin.model is encoder.model
    assert twin.tokenizer is letters


def test_as_module(folder):
    encoder = PretrainedTextEncoder(folder).fit(TEXTS)
    module = encoder.as_module()
    ids = torch.tensor([[*spell("ab"), 0], spell("cat")])
    Z = module((ids, torch.tensor([[True, True, False], [True, True, True]])))
    assert_near(Z.detach().numpy(), encoder.transform(["ab", "cat"]))


def test_progress(folder, capsys):
    encoder = PretrainedTextEncoder(folder, verbose=1).fit(TEXTS)
    assert capsys.readouterr().err == ""
    encoder.transform(TEXTS)
    assert "encoding" in capsys.readouterr().err


@pytest.mark.parametrize("dump", [pickle.dumps, "skops"])
def test_saved_without_the_folder(tmp_path, dump):
    folder = write_model(tmp_path / "model")
    encoder = PretrainedTextEncoder(str(folder), random_state=0).fit(TEXTS)
    Z = encoder.transform(TEXTS)
    shutil.rmtree(folder)
    np.testing.assert_array_equal(encoder.transform(TEXTS), Z)
    if dump == "skops":
        io = pytest.importorskip("skops.io")
        data = io.dumps(encoder)
        loaded = io.loads(data, trusted=io.get_untrusted_types(data=data))
        assert all("sklearn_replearn" in t for t in io.get_untrusted_types(data=data))
    else:
        loaded = pickle.loads(pickle.dumps(encoder))
    assert_near(loaded.transform(TEXTS), Z)


# ---------------------------------------------------------------------------
# Memory
# ---------------------------------------------------------------------------


@pytest.fixture
def encoded(monkeypatch):
    """Texts that go through a network, as they do."""
    counted = []
    pooled = text_encoder.TextEncoder.pooled

    def count(self, x, poolings):
        counted.append(int(x.mask.any(1).sum()))
        return pooled(self, x, poolings)

    monkeypatch.setattr(text_encoder.TextEncoder, "pooled", count)
    return counted


def test_texts_are_encoded_once_in_a_grid(folder, tmp_path, encoded):
    texts = [f"{a}{b} {a}" for a in "abcd" for b in "wxyz"] * 2
    y = np.arange(len(texts)) % 2
    pipeline = make_pipeline(
        PretrainedTextEncoder(folder, memory=tmp_path / "store"), LogisticRegression()
    )
    grid = {
        "logisticregression__C": [0.1, 1.0],
        "pretrainedtextencoder__pooling": ["mean", "cls", "max"],
    }
    GridSearchCV(pipeline, grid, cv=4).fit(texts, y)
    assert sum(encoded) == 16  # different texts
    for pooling in POOL:
        Z = PretrainedTextEncoder(
            folder, pooling=pooling, memory=joblib.Memory(tmp_path / "store", verbose=0)
        ).fit_transform(texts)
        assert_near(
            Z, PretrainedTextEncoder(folder, pooling=pooling).fit_transform(texts)
        )


def test_other_models_do_not_share_vectors(folder, tmp_path):
    memory = str(tmp_path / "store")
    other = write_model(tmp_path / "model", random_state=1)
    settings = [
        {"model": folder},
        {"model": other},
        {"model": folder, "layer": 1},
        {"model": folder, "max_length": 5},
        {"model": Averages(), "tokenizer": letters},
        {"model": Averages(), "tokenizer": letters, "layer": "vectors"},
        {"model": OfTexts(), "tokenizer": letters},
    ]
    for _ in range(2):
        for options in settings:
            Z = PretrainedTextEncoder(**options, memory=memory).fit_transform(TEXTS)
            assert_near(Z, PretrainedTextEncoder(**options).fit_transform(TEXTS))


def test_memory_that_keeps_nothing_and_memory_that_is_cleared(
    folder, tmp_path, encoded
):
    nothing = joblib.Memory(None)
    PretrainedTextEncoder(folder, memory=nothing).fit_transform(["a", "b"])
    assert sum(encoded) == 3  # one for the number of components
    memory = joblib.Memory(tmp_path, verbose=0)
    encoder = PretrainedTextEncoder(folder, memory=memory)
    encoder.fit_transform(["a", "b", ""])
    encoded.clear()
    assert not encoder.transform(["", ""]).any()
    encoder.transform(["b", "a"])
    assert sum(encoded) == 0
    memory.clear(warn=False)
    encoder.transform(["b", "a"])
    assert sum(encoded) == 2


# ---------------------------------------------------------------------------
# Fine-tuning
# ---------------------------------------------------------------------------

RNG = np.random.default_rng(0)
CLASSES = np.repeat(["cats", "dogs"], 30)
DOCUMENTS = [
    " ".join(
        RNG.choice(["cat", "meow", "purr"] if name == "cats" else ["dog", "bark"], 5)
    )
    for name in CLASSES
]
QUICK = {"random_state": 0, "batch_size": 10}


def weights_of(encoder):
    return {
        name: value.detach().clone()
        for name, value in encoder.net_.module_.module.named_parameters()
    }


@pytest.mark.parametrize("fine_tune", ["head", "last_block", "all"])
def test_fine_tuning(folder, fine_tune):
    before = weights_of(PretrainedTextEncoder(folder).fit(DOCUMENTS))
    encoder = PretrainedTextEncoder(folder, fine_tune=fine_tune, lr=0.01, **QUICK)
    encoder.fit(DOCUMENTS, CLASSES)
    assert encoder.score(DOCUMENTS, CLASSES) > (0.8 if fine_tune == "head" else 0.9)
    assert encoder.classes_.tolist() == ["cats", "dogs"]
    probabilities = encoder.predict_proba(DOCUMENTS)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    changed = {
        name
        for name, value in weights_of(encoder).items()
        if not torch.equal(value, before[name])
    }
    if fine_tune == "head":
        assert not changed
        assert_near(
            encoder.transform(DOCUMENTS),
            PretrainedTextEncoder(folder).fit_transform(DOCUMENTS),
        )
    elif fine_tune == "last_block":
        assert changed
        assert all(name.startswith("layers.2.") for name in changed)
    else:
        assert {"embeddings.token", "layers.0.mix.weight"} < changed
    assert hasattr(encoder, "effective_rank_") == (fine_tune != "head")
    loaded = pickle.loads(pickle.dumps(encoder))
    assert_near(loaded.predict_proba(DOCUMENTS), probabilities)


@parametrize_with_representation_checks(
    [
        clone(INSTANCES["PretrainedTextEncoder"]).set_params(
            fine_tune="last_block", lr=0.1, max_epochs=9
        )
    ]
)
def test_representation_when_tuned(estimator, check):
    check(estimator)


def test_a_head_sees_each_text_once(folder, encoded):
    encoder = PretrainedTextEncoder(folder, fine_tune="head", max_epochs=5, **QUICK)
    encoder.fit(DOCUMENTS, CLASSES, DOCUMENTS[:7], CLASSES[:7])
    assert sum(encoded) == len(DOCUMENTS) + 7 + 1
    assert len(encoder.validation_loss_curve_) == 5


def test_a_head_alone_is_trained_as_one_behind_the_model(folder, monkeypatch):
    options = {"fine_tune": "head", "max_epochs": 3, "early_stopping": True, **QUICK}
    weights = np.arange(len(DOCUMENTS)) % 3 + 1.0
    once = PretrainedTextEncoder(folder, **options)
    once.fit(DOCUMENTS, CLASSES, sample_weight=weights)
    anew = PretrainedTextEncoder(folder, **options)
    plan = PretrainedTextEncoder._plan

    def without(self, samples, targets):
        found = plan(self, samples, targets)
        return type(found)(**{**vars(found), "encode_once": None})

    monkeypatch.setattr(PretrainedTextEncoder, "_plan", without)
    anew.fit(DOCUMENTS, CLASSES, sample_weight=weights)
    np.testing.assert_allclose(anew.loss_curve_, once.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(
        anew.validation_loss_curve_, once.validation_loss_curve_, rtol=1e-4
    )


def test_learning_rates_by_what_is_trained(folder):
    for fine_tune, lr in (("head", 1e-3), ("last_block", 2e-4), ("all", 5e-5)):
        auto, same = (
            PretrainedTextEncoder(
                folder, fine_tune=fine_tune, lr=value, max_epochs=2, **QUICK
            ).fit(DOCUMENTS, CLASSES)
            for value in ("auto", lr)
        )
        assert auto.loss_curve_ == same.loss_curve_


def test_windows_are_trained_together(folder):
    long = [f"{text} {'and ' * 20}{text}" for text in DOCUMENTS]
    encoder = PretrainedTextEncoder(
        folder, max_length=10, fine_tune="all", lr=0.01, **QUICK
    )
    assert encoder.fit(long, CLASSES).score(long, CLASSES) > 0.9


def test_texts_without_tokens_in_training(folder):
    texts = [*DOCUMENTS, "", "ж"]
    y = [*CLASSES, "cats", "dogs"]
    encoder = PretrainedTextEncoder(
        folder, fine_tune="all", lr=0.01, max_epochs=5, **QUICK
    ).fit(texts, y)
    assert np.isfinite(encoder.loss_curve_).all()
    assert not encoder.transform(["", "a"])[0].any()


def test_a_module_of_the_user_is_tuned_and_not_changed():
    module = Averages()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    for fine_tune, names in (
        ("last_block", {"mix.weight", "mix.bias"}),
        ("all", {"vectors.weight", "mix.weight", "mix.bias"}),
    ):
        encoder = PretrainedTextEncoder(
            module, tokenizer=letters, fine_tune=fine_tune, lr=0.02, **QUICK
        ).fit(DOCUMENTS, CLASSES)
        assert encoder.score(DOCUMENTS, CLASSES) > 0.9
        weights = weights_of(encoder)
        changed = {
            name for name in before if not torch.equal(weights[name], before[name])
        }
        assert changed == names
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])


def test_warm_start_goes_on(folder):
    encoder = PretrainedTextEncoder(
        folder, fine_tune="all", warm_start=True, max_epochs=3, lr=0.001, **QUICK
    )
    encoder.fit(DOCUMENTS, CLASSES)
    first = encoder.loss_curve_[0]
    encoder.fit(DOCUMENTS, CLASSES)
    assert encoder.n_iter_ == 6
    assert encoder.loss_curve_[3] < first
    encoder.set_params(fine_tune="last_block")
    with pytest.raises(ValueError, match="warm_start=True goes on"):
        encoder.fit(DOCUMENTS, CLASSES)


def test_without_classes(folder):
    encoder = PretrainedTextEncoder(folder).fit(DOCUMENTS, CLASSES)
    assert not hasattr(encoder, "classes_")
    with pytest.raises(AttributeError, match="predict"):
        encoder.predict(DOCUMENTS)
    with pytest.raises(ValueError, match="requires y to be passed"):
        encoder.set_params(fine_tune="head").fit(DOCUMENTS)


def test_the_random_numbers_of_others_are_left_alone(folder):
    before = torch.get_rng_state()
    PretrainedTextEncoder(folder, fine_tune="all", max_epochs=1).fit(DOCUMENTS, CLASSES)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_model_of_the_benchmark(folder, monkeypatch):
    monkeypatch.setenv("SKLEARN_REPLEARN_TEXT_MODEL", str(folder))
    encoder = methods(Setting(), find_model())["PretrainedTextEncoder"]()
    assert len(encoder.fit_transform(DOCUMENTS)) == len(DOCUMENTS)
    monkeypatch.setenv("SKLEARN_REPLEARN_TEXT_MODEL", str(folder / "nothing"))
    with pytest.raises(MissingData, match="does not exist"):
        find_model()
    monkeypatch.delenv("SKLEARN_REPLEARN_TEXT_MODEL")
    assert find_model() is None


def test_as_a_step_beside_a_bag_of_words(folder):
    pipeline = make_pipeline(PretrainedTextEncoder(folder), LogisticRegression())
    bag = make_pipeline(CountVectorizer(), LogisticRegression())
    for model in (pipeline, bag):
        assert model.fit(DOCUMENTS, CLASSES).score(DOCUMENTS, CLASSES) > 0.7
