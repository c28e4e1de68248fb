"""What a benchmark is given (options) and what it describes (contests, targets)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Options:
    """Settings of one run, the same for every benchmark.

    Parameters
    ----------
    data : Path or None
        The data folder, where one was given.
    repeats : int
        Timed rounds after the warm-up.
    threads : tuple of int
        Numbers of BLAS and OpenMP threads; everything is timed with each of them.
    smoke : bool
        Tiny sizes, to see that a benchmark runs at all.
    memory : bool
        Also measure the peak memory of each action, in one more untimed run.
    """

    data: Path | None = None
    repeats: int = 7
    threads: tuple[int, ...] = (1, 2)
    smoke: bool = False
    memory: bool = False


@dataclass(frozen=True)
class Target:
    """A figure of a contestant, by default the first, and the range it should lie in.

    The figure is ``"<stage> ratio"`` (median time relative to the contest's reference)
    or a column of the contest's quality.
    """

    figure: str
    at_most: float = inf
    at_least: float = -inf
    contestant: str | None = None

    def is_met(self, measured: float) -> bool:
        return self.at_least <= measured <= self.at_most

    def __str__(self):
        bounds = (("≥", self.at_least), ("≤", self.at_most))
        return " ".join(f"{sign} {b:.4g}" for sign, b in bounds if abs(b) != inf)


@dataclass(frozen=True)
class Contest:
    """Contestants that do the same work on the same data.

    Parameters
    ----------
    data, setting : str
        What they work on and with which parameters, for people.
    stages : dict of str to dict of str to callable
        For each stage that is timed by itself, the action of each contestant. The
        first contestant is this package's. Without any, the contest is no more than
        its table of quality.
    reference : str
        The contestant whose times are the denominators of the ratios.
    quality : dict of str to dict of str to float
        For each contestant, figures other than time by turns.
    targets : tuple of Target
    notes : tuple of str
        Sentences that a reader of the figures needs.
    rounds : int or None
        Timed rounds at most, and no warm-up, for actions that take minutes. What they
        made can be judged by a contest without stages that is yielded next.
    """

    data: str
    setting: str
    stages: dict[str, dict[str, Callable[[], Any]]] = field(default_factory=dict)
    reference: str = ""
    quality: dict[str, dict[str, float]] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    notes: tuple[str, ...] = ()
    rounds: int | None = None

    @property
    def contestants(self) -> list[str]:
        return list(next(iter(self.stages.values()), self.quality))


def mean_and_error(name: str, values: np.ndarray) -> dict[str, float]:
    """The mean of some values, and its standard error if there are several."""
    row = {name: float(np.mean(values))}
    if len(values) > 1:
        row[f"± {name}"] = float(np.std(values, ddof=1) / len(values) ** 0.5)
    return row
