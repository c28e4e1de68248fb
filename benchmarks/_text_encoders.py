"""A pretrained text encoder against transformers."""

import os
from pathlib import Path

import numpy as np

from sklearn_replearn.language import PretrainedTextEncoder

from ._contest import Contest, Target
from ._data import MissingData, Texts

#: Names the folder of a sentence encoder of the BERT family, such as all-MiniLM-L6-v2.
ENVIRONMENT_VARIABLE = "SKLEARN_REPLEARN_TEXT_MODEL"

#: Texts of a batch of transformers.
BATCH_SIZE = 32


def find_model() -> Path | None:
    """The folder that the environment variable names, if it is set."""
    path = os.environ.get(ENVIRONMENT_VARIABLE)
    if path and not Path(path).is_dir():
        raise MissingData(
            f"The folder {path!r} given by {ENVIRONMENT_VARIABLE} does not exist."
        )
    return Path(path) if path else None


def speed(texts: Texts, folder: Path, n_texts: int = 256) -> Contest:
    """Encode the same texts by this package and by transformers, in one process.

    Parameters
    ----------
    texts : Texts
    folder : Path
        Of a sentence encoder, as `find_model` finds it.
    n_texts : int
    """
    some = texts.train[:n_texts]
    encoder = PretrainedTextEncoder(folder, device="cpu").fit(some)
    theirs = _Transformers(folder)
    difference = np.abs(encoder.transform(some) - theirs.encode(some)).max()
    return Contest(
        data=f"{texts.name}, the first {n_texts:,}",
        setting=f"mean pooling of {folder.name}, batches of {BATCH_SIZE} texts",
        stages={
            "encode": {
                "PretrainedTextEncoder": lambda: encoder.transform(some),
                "transformers": lambda: theirs.encode(some),
                "transformers, by length": lambda: theirs.encode(some, by_length=True),
            }
        },
        reference="transformers, by length",
        quality={"PretrainedTextEncoder": {"largest difference": float(difference)}},
        targets=(
            Target("encode ratio", at_most=1.1),
            Target("largest difference", at_most=1e-5),
        ),
        notes=(
            "The difference is that of components whose vectors have lengths of some "
            "units. transformers pads a batch to its longest text; by length, texts "
            "are sorted before.",
        ),
        rounds=3,
    )


class _Transformers:
    """The same vectors by transformers."""

    def __init__(self, folder):
        from transformers import AutoModel, AutoTokenizer

        self.model = AutoModel.from_pretrained(folder).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)

    def encode(self, texts, *, by_length=False):
        import torch

        order = np.arange(len(texts))
        if by_length:
            order = np.argsort([-len(text) for text in texts], kind="stable")
        rows = {}
        with torch.inference_mode():
            for start in range(0, len(order), BATCH_SIZE):
                part = order[start : start + BATCH_SIZE]
                inputs = self.tokenizer(
                    [texts[row] for row in part],
                    padding=True,
                    truncation=True,
                    return_tensors="pt",
                )
                vectors = self.model(**inputs).last_hidden_state
                mask = inputs["attention_mask"][..., None].float()
                means = (vectors * mask).sum(1) / mask.sum(1)
                rows |= dict(zip(part.tolist(), means.numpy(), strict=True))
        return np.stack([rows[row] for row in range(len(texts))])
