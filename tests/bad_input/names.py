"""The names in the catalogue's expressions: the public package, and small data."""

import json
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from model_folders import write_model
from sklearn.feature_extraction.text import TfidfVectorizer
from skorch.callbacks import Checkpoint, Freezer, LRScheduler

from sklearn_replearn.graph import as_adjacency
from sklearn_replearn.utils.discovery import all_families

FOLDER = tempfile.TemporaryDirectory()  # removed when Python ends
EDGES = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5)]  # two triangles
FRIENDS = [[0, 1], [1, 0]]


def file_with(text):
    """Path of a file that holds a text; messages give its name alone."""
    path = Path(FOLDER.name, "vectors.txt")
    path.write_text(text)
    return path


def model_with(**changes):
    """Folder of a tiny BERT, with another configuration than it was made by."""
    folder = write_model(Path(FOLDER.name, "model"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    return folder


def model_without(name):
    """Folder of a tiny BERT, in which a file is missing."""
    folder = model_with()
    (folder / name).unlink()
    return folder


PUBLIC = {
    name: getattr(family, name)
    for _, family in all_families()
    for name in getattr(family, "__all__", ())
}
NAMES = PUBLIC | {
    "Checkpoint": Checkpoint,
    "Freezer": Freezer,
    "LRScheduler": LRScheduler,
    "TfidfVectorizer": TfidfVectorizer,
    "file_with": file_with,
    "model_with": model_with,
    "model_without": model_without,
    "np": np,
    "partial": partial,
    "sp": sp,
    "torch": torch,
    "adjacency": as_adjacency(EDGES)[0].toarray(),
    "captions": [f"{color} cat{row}" for row in range(10) for color in ("red", "blue")],
    "classes": np.arange(20) % 2,
    "documents": ["the cat sat", "the dog ran", "a cat ran far", "a dog sat"],
    "frame": pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [3.0, 1.0, 1.0]}),
    "friends": pd.DataFrame(FRIENDS, index=["ann", "bob"], columns=["ann", "bob"]),
    "images": np.random.RandomState(0).randint(0, 256, (20, 8, 8)).astype(np.uint8),
    "is_same": np.arange(10) % 2,
    "small_clip": partial(PUBLIC["CLIP"], 4, max_epochs=1, random_state=0),
    "small_language_model": partial(
        PUBLIC["CausalLanguageModel"], 8, n_layers=1, max_epochs=1, random_state=0
    ),
    "pairs": np.random.RandomState(0).normal(size=(10, 2, 4)),
    "people": [("ann", "bob"), ("bob", "cy"), ("cy", "ann")],
    "stories": ["The cat sat. It ran far.", "A dog ran. It sat. The cat ran."] * 4,
    "table": np.random.RandomState(0).normal(size=(20, 4)),
}
