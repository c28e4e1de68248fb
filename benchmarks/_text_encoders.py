"""A pretrained text encoder against transformers, and with few labels."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from sklearn_replearn.language import PretrainedTextEncoder

from ._contest import Contest, Options, Target
from ._data import MissingData, Texts
from ._few_labels import draw_labeled
from ._report import progress

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


def contests(texts: Texts, folder: Path, options: Options) -> Iterator[Contest]:
    """Yield the speed beside transformers, if it is installed, and few labels.

    Parameters
    ----------
    texts : Texts
        With labels.
    folder : Path
        Of a sentence encoder, as `find_model` finds it.
    options : Options
    """
    if find_spec("transformers") is None:
        progress("transformers is not installed: no race against it.")
    else:
        yield speed(texts, folder, 16 if options.smoke else 256)
    yield few_labels(
        texts,
        folder,
        n_labels=2 if options.smoke else 50,
        n_draws=2 if options.smoke else 5,
        n_test=8 if options.smoke else 2000,
    )


def speed(texts: Texts, folder: Path, n_texts: int) -> Contest:
    """Encode the same texts by this package and by transformers, in one process."""
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


def few_labels(
    texts: Texts, folder: Path, *, n_labels: int, n_draws: int, n_test: int
) -> Contest:
    """Accuracy of a logistic regression on the vectors, with few labels a class."""
    rng = np.random.default_rng(0)
    test = rng.permutation(len(texts.test))[:n_test]
    encoder = PretrainedTextEncoder(folder).fit(texts.train[:1])
    Z_test = encoder.transform([texts.test[row] for row in test])
    y_test = texts.test_labels[test]
    accuracies = []
    for rows in draw_labeled(texts.train_labels, n_labels, n_draws):
        progress(f"text encoders: {n_labels} labels a class, draw {len(accuracies)}")
        Z = encoder.transform([texts.train[row] for row in rows])
        model = make_pipeline(Normalizer(), LogisticRegression(C=10, max_iter=1000))
        model.fit(Z, texts.train_labels[rows])
        accuracies.append(model.score(Z_test, y_test))
    return Contest(
        data=texts.name,
        setting=f"{n_labels} labels a class, {len(test):,} texts of the test set",
        quality={
            "PretrainedTextEncoder": {
                "accuracy": float(np.mean(accuracies)),
                "sd": float(np.std(accuracies)),
            }
        },
        targets=(Target("accuracy", at_least=0.80),),
        notes=(
            f"Vectors of {folder.name}, of length 1, and a logistic regression with "
            f"C=10: the mean of {n_draws} draws of labels.",
        ),
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
