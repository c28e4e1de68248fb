"""How far apart lies the code that one `fit` runs through.

    python tools/trace_fit.py

For each estimator: functions of this package in the order of their first call, the
files that they are in, and how often that order changes from one file to another.
"""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

import sklearn_replearn
from sklearn_replearn.autoencoder import Autoencoder
from sklearn_replearn.metric_learning import SiameseTransformer, TripletTransformer

PACKAGE = Path(sklearn_replearn.__file__).parent


def first_calls(function):
    """Pairs of a file and a function, in the order of their first call."""
    found = {}

    def note(frame, event, argument):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(PACKAGE)):
            path = Path(code.co_filename).relative_to(PACKAGE)
            if not code.co_name.startswith("<"):  # comprehensions
                found.setdefault((str(path), code.co_qualname))

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return list(found)


def main():
    torch.set_num_threads(1)
    X = np.random.default_rng(0).standard_normal((100, 10)).astype(np.float32)
    y = np.arange(100) % 5
    for cls in (TripletTransformer, SiameseTransformer, Autoencoder):
        estimator = cls(3, max_epochs=2, random_state=0)
        estimator.fit(X, y)  # imports are over
        calls = first_calls(lambda estimator=estimator: estimator.fit(X, y))
        if "--list" in sys.argv:
            print(*(f"    {path}: {name}" for path, name in calls), sep="\n")
        files = [path for path, _ in calls]
        n_moves = sum(one != other for one, other in pairwise(files))
        bases = [
            base.__name__
            for base in cls.__mro__[1:]
            if base.__module__.startswith("sklearn_replearn")
        ]
        print(
            f"{cls.__name__}.fit: {len(calls)} functions in {len(set(files))} files, "
            f"{n_moves} moves between files; {len(bases)} own bases: {', '.join(bases)}"
        )


if __name__ == "__main__":
    main()
