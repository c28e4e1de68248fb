"""A folder with a model of the BERT family: configuration, weights and vocabulary."""

import json
from pathlib import Path

import numpy as np

from sklearn_replearn._deep.networks.bert import FUNCTIONS
from sklearn_replearn.language._safetensors import Safetensors

#: For each family, the names that its configurations have for ours, and the defaults
#: of those that may be missing.
SIZES = {
    "bert": {
        "n_tokens": ("vocab_size", None),
        "n_positions": ("max_position_embeddings", 512),
        "width": ("hidden_size", None),
        "n_layers": ("num_hidden_layers", None),
        "n_heads": ("num_attention_heads", None),
        "inner_width": ("intermediate_size", None),
        "activation": ("hidden_act", "gelu"),
        "epsilon": ("layer_norm_eps", 1e-12),
        "dropout": ("hidden_dropout_prob", 0.1),
        "attention_dropout": ("attention_probs_dropout_prob", 0.1),
    },
    "distilbert": {
        "n_tokens": ("vocab_size", None),
        "n_positions": ("max_position_embeddings", 512),
        "width": ("dim", None),
        "n_layers": ("n_layers", None),
        "n_heads": ("n_heads", None),
        "inner_width": ("hidden_dim", None),
        "activation": ("activation", "gelu"),
        "epsilon": ("layer_norm_eps", 1e-12),
        "dropout": ("dropout", 0.1),
        "attention_dropout": ("attention_dropout", 0.1),
    },
}
SIZES["roberta"] = SIZES["xlm-roberta"] = SIZES["bert"]

#: The names of layers in files, for ours; query, key and value are one layer here.
BERT_LAYER = {
    "query": "encoder.layer.{}.attention.self.query",
    "key": "encoder.layer.{}.attention.self.key",
    "value": "encoder.layer.{}.attention.self.value",
    "mix": "encoder.layer.{}.attention.output.dense",
    "mix_norm": "encoder.layer.{}.attention.output.LayerNorm",
    "inner": "encoder.layer.{}.intermediate.dense",
    "outer": "encoder.layer.{}.output.dense",
    "outer_norm": "encoder.layer.{}.output.LayerNorm",
}
DISTILBERT_LAYER = {
    "query": "transformer.layer.{}.attention.q_lin",
    "key": "transformer.layer.{}.attention.k_lin",
    "value": "transformer.layer.{}.attention.v_lin",
    "mix": "transformer.layer.{}.attention.out_lin",
    "mix_norm": "transformer.layer.{}.sa_layer_norm",
    "inner": "transformer.layer.{}.ffn.lin1",
    "outer": "transformer.layer.{}.ffn.lin2",
    "outer_norm": "transformer.layer.{}.output_layer_norm",
}

#: Pieces that mark the start and the end of a text, and what stands for the unknown.
SPECIAL = {"start": "[CLS]", "end": "[SEP]", "unknown": "[UNK]"}


class ModelFolder:
    """What is in a folder, read when it is asked for.

    Parameters
    ----------
    path : str or path

    Attributes
    ----------
    family : str
        One of `SIZES`.
    sizes : dict
        Options of the network of the whole model.

    Raises
    ------
    FileNotFoundError
        If the folder, or its configuration, is missing.
    ValueError
        If it cannot be read, or is of another family.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.name = self.path.resolve().name
        if not self.path.is_dir():
            raise FileNotFoundError(
                f"There is no folder {self.path}; pass one with config.json, "
                "model.safetensors and vocab.txt or tokenizer.json (nothing is "
                "downloaded)."
            )
        self._config = self._read_json("config.json")
        if self._config is None:
            raise FileNotFoundError(
                f"The folder {self.name} has no config.json; pass the folder that a "
                "model of the BERT family was saved to."
            )
        self.family = self._config.get("model_type")
        if self.family not in SIZES:
            raise ValueError(
                f"The model in {self.name} is of type {self.family!r}, but those that "
                f"can be read are {', '.join(SIZES)}; load it with its own library and "
                "pass the torch module with its tokenizer."
            )
        kind = self._config.get("position_embedding_type", "absolute")
        if kind != "absolute" or self._config.get("is_decoder"):
            what = "is a decoder" if kind == "absolute" else f"has {kind} positions"
            raise ValueError(
                f"The model in {self.name} {what}, but encoders with absolute "
                "positions can be read; load it with its own library and pass the "
                "torch module with its tokenizer."
            )
        self.sizes = self._read_sizes()

    @property
    def n_positions(self):
        """Maximum number of tokens of a text, special ones included."""
        n_positions = self.sizes["n_positions"]
        # The first two are those of padding.
        return n_positions - 2 if "roberta" in self.family else n_positions

    def _read_json(self, name):
        """The dict in a file; None if there is no such file."""
        try:
            found = json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise ValueError(
                f"{self.name}/{name} is not JSON ({error}); copy it again."
            ) from None
        if not isinstance(found, dict):
            raise ValueError(f"{self.name}/{name} holds no object, but {found!r:.50}.")
        return found

    def _read_sizes(self):
        sizes = {}
        for name, (key, default) in SIZES[self.family].items():
            value = self._config.get(key, default)
            if name == "activation":
                if value not in FUNCTIONS:
                    raise ValueError(
                        f"The model in {self.name} has the activation {value!r}, but "
                        f"those that can be read are {', '.join(FUNCTIONS)}; load it "
                        "with its own library and pass the torch module."
                    )
                sizes[name] = value
            elif isinstance(value, int | float) and value >= 0:
                sizes[name] = value if isinstance(default, float) else int(value)
            else:
                raise ValueError(
                    f"config.json in {self.name} has {key}={value!r}, but a number "
                    "is needed; copy it again."
                )
        if sizes["width"] % max(sizes["n_heads"], 1) or not sizes["n_heads"]:
            raise ValueError(
                f"config.json in {self.name} has vectors of length {sizes['width']} "
                f"and {sizes['n_heads']} heads, which do not divide it."
            )
        return sizes

    # -- weights ---------------------------------------------------------------

    def read_weights(self, n_layers):
        """Weights of a `Bert` of the first layers.

        Returns
        -------
        weights : dict of str to ndarray of float32
            By the names that `Bert` has for them.
        """
        file = self.path / "model.safetensors"
        if not file.is_file():
            others = sorted(
                path.name
                for pattern in ("*.bin", "*.safetensors*", "*.h5", "*.onnx")
                for path in self.path.glob(pattern)
            )
            found = f"; there is {', '.join(others)}" if others else ""
            raise FileNotFoundError(
                f"The folder {self.name} has no model.safetensors with the "
                f"weights{found}. Save the model with its library as one such file."
            )
        reader = _WeightReader(file, self.family, self.sizes)
        return reader.read(n_layers)

    # -- vocabulary ------------------------------------------------------------

    def read_vocabulary(self):
        """The vocabulary of word pieces, and how texts are split into them.

        Returns
        -------
        vocabulary : dict of str to int
        options : dict
            Of a `WordPiece`.
        """
        if self.family in ("roberta", "xlm-roberta"):
            raise ValueError(
                f"The model in {self.name} is of type {self.family!r}, whose tokenizer "
                "is not WordPiece; pass tokenizer=, a function from a text to ids "
                "(such as that of the library transformers)."
            )
        found = self._read_json("tokenizer.json")
        if found is not None:
            vocabulary, options = self._from_tokenizer(found)
        else:
            vocabulary, options = self._from_list()
        needed = {*SPECIAL.values(), *options["special"]}
        missing = sorted(needed - vocabulary.keys())
        if missing:
            raise ValueError(
                f"The vocabulary in {self.name} has no {missing[0]}; pass the one that "
                "belongs to the model, or tokenizer=."
            )
        largest, n_tokens = max(vocabulary.values()), self.sizes["n_tokens"]
        if largest >= n_tokens:
            raise ValueError(
                f"The vocabulary in {self.name} has ids up to {largest}, but the model "
                f"has vectors for ids below {n_tokens}; pass the vocabulary that "
                "belongs to the model."
            )
        return vocabulary, options

    def _from_list(self):
        """Vocabulary and options by vocab.txt and tokenizer_config.json."""
        try:
            text = (self.path / "vocab.txt").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise FileNotFoundError(
                f"The folder {self.name} has neither tokenizer.json nor vocab.txt; add "
                "one, or pass tokenizer=, a function from a text to ids."
            ) from None
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{self.name}/vocab.txt is not text in UTF-8 ({error}); copy it again."
            ) from None
        pieces = text.split("\n")
        pieces = [piece.removesuffix("\r") for piece in pieces]
        if pieces[-1] == "":
            pieces.pop()
        vocabulary = {piece: number for number, piece in enumerate(pieces)}
        config = self._read_json("tokenizer_config.json") or {}
        lowercase = bool(config.get("do_lower_case", True))
        special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
        return vocabulary, {
            "lowercase": lowercase,
            "strip_accents": config.get("strip_accents"),
            "chinese_characters": bool(config.get("tokenize_chinese_chars", True)),
            "special": [piece for piece in special if piece in vocabulary],
        }

    def _from_tokenizer(self, found):
        """Vocabulary and options by tokenizer.json."""
        model = found.get("model") or {}
        normalizer = found.get("normalizer") or {}
        splitter = found.get("pre_tokenizer") or {}
        parts = (
            ("model", model, "WordPiece"),
            ("normalizer", normalizer, "BertNormalizer"),
            ("pre_tokenizer", splitter, "BertPreTokenizer"),
        )
        for name, part, kind in parts:
            if part.get("type", kind if name == "model" else None) != kind:
                raise ValueError(
                    f"tokenizer.json in {self.name} has the {name} "
                    f"{part.get('type')!r}, but {kind!r} can be read; pass tokenizer=, "
                    "a function from a text to ids."
                )
        added = found.get("added_tokens") or []
        vocabulary = dict(model.get("vocab") or {})
        vocabulary |= {token["content"]: token["id"] for token in added}
        return vocabulary, {
            "lowercase": bool(normalizer.get("lowercase", True)),
            "strip_accents": normalizer.get("strip_accents"),
            "clean_text": bool(normalizer.get("clean_text", True)),
            "chinese_characters": bool(normalizer.get("handle_chinese_chars", True)),
            "prefix": model.get("continuing_subword_prefix", "##"),
            "unknown": model.get("unk_token", SPECIAL["unknown"]),
            "max_characters": int(model.get("max_input_chars_per_word", 100)),
            "special": [token["content"] for token in added],
        }


class _WeightReader:
    """Reads weights by the names of a family."""

    def __init__(self, path, family, sizes):
        self.file = Safetensors(path)
        self.name = f"{path.parent.resolve().name}/{path.name}"
        self.family = family
        self.sizes = sizes
        names = self.file.shapes
        prefix = {"xlm-roberta": "roberta"}.get(family, family) + "."
        has_prefix = any(name.startswith(f"{prefix}embeddings.") for name in names)
        self.prefix = prefix if has_prefix else ""

    def read(self, n_layers):
        weights, width = {}, self.sizes["width"]
        inner = self.sizes["inner_width"]
        self._read_embeddings(weights)
        for number in range(n_layers):
            layer = f"layers.{number}"
            queries = [
                self._linear(name, number, width, width)
                for name in ("query", "key", "value")
            ]
            for part, arrays in zip(
                ("weight", "bias"), zip(*queries, strict=True), strict=True
            ):
                weights[f"{layer}.query_key_value.{part}"] = np.concatenate(arrays)
            shapes = {
                "mix": (width, width),
                "mix_norm": (width,),
                "inner": (inner, width),
                "outer": (width, inner),
                "outer_norm": (width,),
            }
            for name, shape in shapes.items():
                pair = self._linear(name, number, *shape)
                weights[f"{layer}.{name}.weight"], weights[f"{layer}.{name}.bias"] = (
                    pair
                )
        return weights

    def _read_embeddings(self, weights):
        """Add those of tokens and places."""
        n_tokens, width = self.sizes["n_tokens"], self.sizes["width"]
        n_positions = self.sizes["n_positions"]
        start = "embeddings."
        weights["embeddings.token"] = self._tensor(
            f"{start}word_embeddings.weight", (n_tokens, width)
        )
        places = self._tensor(
            f"{start}position_embeddings.weight", (n_positions, width)
        )
        if "roberta" in self.family:  # the first two places are those of padding
            places = places[2:]
        if self.family != "distilbert":  # all of a text is of the first type
            types = self._tensor(f"{start}token_type_embeddings.weight", (None, width))
            places = places + types[0]
        weights["embeddings.position"] = np.ascontiguousarray(places)
        norm = self._pair(f"{start}LayerNorm", (width,))
        weights["embeddings.norm.weight"], weights["embeddings.norm.bias"] = norm

    def _linear(self, name, number, *shape):
        layers = DISTILBERT_LAYER if self.family == "distilbert" else BERT_LAYER
        return self._pair(layers[name].format(number), shape)

    def _pair(self, name, shape):
        """Weight and bias of a layer; normalizations of old files have other names."""
        weight, bias = f"{name}.weight", f"{name}.bias"
        if f"{self.prefix}{name}.gamma" in self.file.shapes:
            weight, bias = f"{name}.gamma", f"{name}.beta"
        return self._tensor(weight, shape), self._tensor(bias, shape[:1])

    def _tensor(self, name, shape):
        found = self.file.shapes.get(self.prefix + name)
        if found is None:
            raise ValueError(
                f"{self.name} has no {name!r}, which a model of type {self.family!r} "
                "with the sizes in config.json has; pass the files of one model."
            )
        if len(found) != len(shape) or any(
            size not in (None, there) for size, there in zip(shape, found, strict=True)
        ):
            raise ValueError(
                f"{self.name} has {name!r} of shape {found}, but by config.json it is "
                f"{shape}; pass the files of one model."
            )
        array = self.file.read(self.prefix + name).astype(np.float32, copy=False)
        if not np.isfinite(array.sum()) and not np.isfinite(array).all():
            raise ValueError(
                f"{self.name} has NaN or infinity in {name!r}; copy it again."
            )
        return array
