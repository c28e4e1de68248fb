"""Tiny models of the BERT family with random weights, written as folders."""

import json
from pathlib import Path

import numpy as np

SIZES = {
    "hidden_size": 8,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "max_position_embeddings": 40,
    "type_vocab_size": 2,
}
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    **SIZES,
}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def pieces_of_letters():
    """Pieces of one letter or digit, at the start of a word and inside it."""
    letters = [chr(code) for code in (*range(97, 123), *range(48, 58))]
    return [*SPECIAL, *letters, *(f"##{letter}" for letter in letters), ".", ",", "-"]


def bert_shapes(config, n_tokens):
    """Shapes of the tensors of a BERT, by name."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    shapes = {
        "embeddings.word_embeddings.weight": (n_tokens, width),
        "embeddings.position_embeddings.weight": (
            config["max_position_embeddings"],
            width,
        ),
        "embeddings.token_type_embeddings.weight": (config["type_vocab_size"], width),
        "embeddings.LayerNorm.weight": (width,),
        "embeddings.LayerNorm.bias": (width,),
    }
    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        for name, sizes in {
            "attention.self.query": (width, width),
            "attention.self.key": (width, width),
            "attention.self.value": (width, width),
            "attention.output.dense": (width, width),
            "attention.output.LayerNorm": (width,),
            "intermediate.dense": (inner, width),
            "output.dense": (width, inner),
            "output.LayerNorm": (width,),
        }.items():
            shapes[f"{layer}.{name}.weight"] = sizes
            shapes[f"{layer}.{name}.bias"] = sizes[:1]
    return shapes


def random_tensors(shapes, random_state=0):
    """Random float32 arrays; weights of normalizations are about 1."""
    rng = np.random.default_rng(random_state)
    tensors = {}
    for name, shape in shapes.items():
        values = 0.4 * rng.standard_normal(shape)
        is_factor = "LayerNorm" in name or "layer_norm" in name
        is_factor &= name.endswith(("weight", "gamma"))
        tensors[name] = (values + is_factor).astype(np.float32)
    return tensors


def write_safetensors(path, tensors, dtypes=None):
    """Write arrays as the format safetensors has them; `dtypes` overrides names."""
    names = {"float32": "F32", "float16": "F16", "float64": "F64", "int64": "I64"}
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, array in tensors.items():
        content = np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": (dtypes or {}).get(name, names.get(str(array.dtype))),
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(len(text).to_bytes(8, "little") + text + data)


def write_model(folder, *, random_state=0, pieces=None, prefix="", **changes):
    """Write a tiny BERT to a folder, and give the folder.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    pieces : list of str, default=None
        Of the vocabulary; ``None`` for letters.
    prefix : str
        Before the names of tensors.
    **changes
        Of the configuration.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pieces = pieces_of_letters() if pieces is None else pieces
    config = CONFIG | {"vocab_size": len(pieces)} | changes
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    tensors = random_tensors(bert_shapes(config, len(pieces)), random_state)
    tensors = {prefix + name: array for name, array in tensors.items()}
    write_safetensors(folder / "model.safetensors", tensors)
    return folder
