"""Interleaved timing of actions against each other, and the ratios of their times.

On a shared machine the speed drifts from one minute to the next. Actions that take
turns see the same drift, so the ratio of neighbours in time is much steadier than
either time, and the spread of those ratios tells how far it can be trusted.
"""

import gc
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, exp, log, nan
from statistics import median
from time import perf_counter
from typing import Any

SHORTEST = 0.1  # seconds; a quicker action is repeated within one measurement


@dataclass(frozen=True)
class Spread:
    """Least, median and greatest of some numbers."""

    min: float
    median: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        values = sorted(values)
        return cls(values[0], median(values), values[-1])


def race(
    actions: dict[str, Callable[[], Any]],
    *,
    repeats: int,
    shortest: float = SHORTEST,
    warm_up: bool = True,
    clock: Callable[[], float] = perf_counter,
) -> dict[str, list[float]]:
    """Seconds of each action in each round.

    After one untimed run of each, every round runs each action once, in the order
    A B and B A by turns. Entries at the same position of two lists are thus a pair,
    measured next to each other. Without the warm-up no action is repeated within one
    measurement.
    """
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    with _nothing_old_to_collect():
        number = _runs_in_a_measurement(actions, shortest, clock) if warm_up else 1
        for i in range(repeats):
            for name in list(actions)[:: 1 if i % 2 == 0 else -1]:
                seconds[name].append(_seconds(actions[name], number, clock))
    return seconds


@contextmanager
def _nothing_old_to_collect():
    """Keep the garbage collector off all that was there before the race.

    It still runs, as it would for a user, but what it does in somebody's time is about
    what this action made.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _runs_in_a_measurement(actions, shortest, clock):
    quickest = min(_seconds(action, 1, clock) for action in actions.values())
    return max(1, ceil(shortest / max(quickest, 1e-6)))


def _seconds(action, number, clock):
    gc.collect()
    start = clock()
    for _ in range(number):
        action()
    return (clock() - start) / number


def pair_ratios(seconds: Sequence[float], reference: Sequence[float]) -> Spread:
    """Spread of the ratios of times that were measured next to each other."""
    return Spread.of(s / r for s, r in zip(seconds, reference, strict=True))


def noise(seconds: Sequence[float]) -> float:
    """How much an action's time changes from one round to the next.

    The median of the relative changes: 0.05 says that the very same work, run twice,
    typically differs by 5 % on this machine. NaN for a single round.
    """
    changes = [abs(log(after / before)) for before, after in pairwise(seconds)]
    return exp(median(changes)) - 1 if changes else nan


def peak_memory(action: Callable[[], Any]) -> int:
    """Bytes that an action holds at most beyond what was held before it.

    Counts what Python and numpy allocate, not the work space inside BLAS.
    """
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
