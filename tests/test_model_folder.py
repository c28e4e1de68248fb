"""Folders of models: weights, vocabulary, and what is wrong with them."""

import json

import numpy as np
import pytest
from model_folders import CONFIG, SPECIAL, write_model, write_safetensors

from sklearn_replearn.language._model_folder import ModelFolder
from sklearn_replearn.language._safetensors import Safetensors


def test_tensors_of_all_types(tmp_path):
    path = tmp_path / "some.safetensors"
    values = np.array([[1.5, -2.0, 0.25]], np.float32)
    tensors = {
        "single": values,
        "double": values.astype(np.float64),
        "half": values.astype(np.float16),
        "brain": (values.view(np.uint32) >> 16).astype(np.uint16),
        "whole": np.arange(4),
        "none": np.empty((0, 3), np.float32),
        "number": np.float32(3.0),
    }
    write_safetensors(path, tensors, {"brain": "BF16"})
    file = Safetensors(path)
    assert file.shapes["half"] == (1, 3)
    assert file.shapes["number"] == ()
    for name in ("single", "double", "half", "brain"):
        np.testing.assert_array_equal(file.read(name), values)
    assert file.read("half").dtype == file.read("brain").dtype == np.float32
    np.testing.assert_array_equal(file.read("whole"), np.arange(4))
    assert file.read("none").shape == (0, 3)
    assert file.read("number") == 3


def test_equal_to_the_library(tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    tensors = {"a": np.eye(3, dtype=np.float32), "b": np.arange(5, dtype=np.float16)}
    library.save_file(tensors, tmp_path / "file")
    file = Safetensors(tmp_path / "file")
    for name, array in tensors.items():
        np.testing.assert_array_equal(file.read(name), array)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:20],
        lambda content: content[:-1],
        lambda content: b"PK" + content,
        lambda content: content.replace(b"data_offsets", b"data_offsetz"),
        lambda content: content.replace(b"[2,", b"[3,").replace(b"[2, ", b"[3, "),
    ],
)
def test_damaged_files(tmp_path, damage):
    path = tmp_path / "file"
    write_safetensors(path, {"a": np.zeros((2, 2), np.float32)})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"damaged \(.*copy it again"):
        Safetensors(path)


def test_a_type_that_numpy_has_not(tmp_path):
    path = tmp_path / "file"
    write_safetensors(path, {"a": np.zeros(3, np.float32)}, {"a": "F8_E4M3"})
    with pytest.raises(ValueError, match="'a' as F8_E4M3"):
        Safetensors(path).read("a")


def test_vocabulary_of_a_list(tmp_path):
    folder = write_model(tmp_path)
    vocabulary, options = ModelFolder(folder).read_vocabulary()
    assert vocabulary["[CLS]"] == 2
    assert options["lowercase"] is True
    assert options["special"] == SPECIAL
    config = {"do_lower_case": False, "strip_accents": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    _, options = ModelFolder(folder).read_vocabulary()
    assert options["lowercase"] is False
    assert options["strip_accents"] is True


def tokenizer_json(vocabulary, **changes):
    content = {
        "added_tokens": [{"id": 4, "content": "[MASK]", "special": True}],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": False,
            "handle_chinese_chars": False,
            "strip_accents": None,
            "lowercase": False,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {
            "type": "WordPiece",
            "vocab": vocabulary,
            "max_input_chars_per_word": 7,
        },
    }
    return json.dumps(content | changes)


def test_vocabulary_of_a_tokenizer(tmp_path):
    folder = write_model(tmp_path)
    vocabulary, _ = ModelFolder(folder).read_vocabulary()
    (folder / "vocab.txt").unlink()
    (folder / "tokenizer.json").write_text(tokenizer_json(vocabulary))
    found, options = ModelFolder(folder).read_vocabulary()
    assert found == vocabulary
    assert options == {
        "lowercase": False,
        "strip_accents": None,
        "clean_text": False,
        "chinese_characters": False,
        "prefix": "##",
        "unknown": "[UNK]",
        "max_characters": 7,
        "special": ["[MASK]"],
    }


@pytest.mark.parametrize("part", ["model", "normalizer", "pre_tokenizer"])
def test_another_tokenizer(tmp_path, part):
    folder = write_model(tmp_path)
    changes = {part: {"type": "BPE"}}
    (folder / "tokenizer.json").write_text(tokenizer_json({}, **changes))
    with pytest.raises(ValueError, match=f"the {part} 'BPE', but .* pass tokenizer="):
        ModelFolder(folder).read_vocabulary()


def remove(name):
    return lambda folder: (folder / name).unlink()


def write(name, text):
    return lambda folder: (folder / name).write_text(text)


def configure(**changes):
    return write("config.json", json.dumps(CONFIG | {"vocab_size": 80} | changes))


@pytest.mark.parametrize(
    ("damage", "error", "match"),
    [
        (remove("config.json"), FileNotFoundError, "has no config.json"),
        (write("config.json", "{"), ValueError, "is not JSON"),
        (write("config.json", "[1]"), ValueError, "holds no object"),
        (configure(model_type="gpt2"), ValueError, "is of type 'gpt2', but"),
        (configure(model_type=None), ValueError, "is of type None, but"),
        (configure(hidden_size="8"), ValueError, "hidden_size='8'"),
        (configure(hidden_size=None), ValueError, "hidden_size=None"),
        (configure(num_attention_heads=3), ValueError, "and 3 heads"),
        (configure(hidden_act="sin"), ValueError, "activation 'sin'"),
        (configure(is_decoder=True), ValueError, "is a decoder"),
        (
            configure(position_embedding_type="relative_key"),
            ValueError,
            "has relative_key positions",
        ),
    ],
)
def test_bad_configurations(tmp_path, damage, error, match):
    folder = write_model(tmp_path)
    damage(folder)
    with pytest.raises(error, match=match):
        ModelFolder(folder)


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (configure(vocab_size=30), "ids up to 79, but .* ids below 30"),
        (write("vocab.txt", "a\nb\n"), r"no \[CLS\]"),
        (write("vocab.txt", "[CLS]\n[SEP]\n"), r"no \[UNK\]"),
        (remove("vocab.txt"), "neither tokenizer.json nor vocab.txt"),
        (
            lambda folder: (folder / "vocab.txt").write_bytes(b"\xff\xfe"),
            "is not text in UTF-8",
        ),
        (configure(model_type="roberta"), "not WordPiece; pass tokenizer="),
    ],
)
def test_bad_vocabularies(tmp_path, damage, match):
    folder = write_model(tmp_path)
    damage(folder)
    with pytest.raises((ValueError, FileNotFoundError), match=match):
        ModelFolder(folder).read_vocabulary()


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (remove("model.safetensors"), "no model.safetensors"),
        (configure(vocab_size=90), r"of shape \(80, 8\), but .* it is \(90, 8\)"),
        (configure(intermediate_size=13), r"of shape \(12, 8\), but .* \(13, 8\)"),
        (configure(num_hidden_layers=4), r"has no 'encoder.layer.3.attention"),
        (
            configure(
                model_type="distilbert", dim=8, hidden_dim=12, n_layers=3, n_heads=2
            ),
            "has no 'transformer.layer.0",
        ),
    ],
)
def test_bad_weights(tmp_path, damage, match):
    folder = write_model(tmp_path)
    damage(folder)
    model = ModelFolder(folder)
    with pytest.raises((ValueError, FileNotFoundError), match=match):
        model.read_weights(model.sizes["n_layers"])


def test_other_files_are_named(tmp_path):
    folder = write_model(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match=r"there is pytorch_model\.bin\. Save"):
        ModelFolder(folder).read_weights(1)


def test_weights_that_are_not_finite(tmp_path):
    folder = write_model(tmp_path)
    content = (folder / "model.safetensors").read_bytes()
    bad = np.full(200, np.nan, np.float32).tobytes()
    (folder / "model.safetensors").write_bytes(content[: -len(bad)] + bad)
    with pytest.raises(ValueError, match=r"NaN or infinity in 'encoder.layer.2"):
        ModelFolder(folder).read_weights(3)


def test_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nothing is"):
        ModelFolder(tmp_path / "nothing")
