"""Records of a run as tables for people and as JSON lines for programs."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from math import isfinite, isnan
from pathlib import Path
from statistics import median
from typing import Any

from ._contest import Contest, Target
from ._timing import Spread, noise, pair_ratios

# Distribution and module of the packages whose versions matter, where they are loaded.
PACKAGES = {
    "gensim": "gensim",
    "networkx": "networkx",
    "numpy": "numpy",
    "pandas": "pandas",
    "pecanpy": "pecanpy",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "scipy": "scipy",
    "skorch": "skorch",
    "threadpoolctl": "threadpoolctl",
    "torch": "torch",
}


@dataclass(frozen=True)
class Verdict:
    """A target, the figure that was measured, and whether it lies within.

    A ratio of times is judged by its median; `certain` says that the least and the
    greatest of its pairs would have been judged alike.
    """

    figure: str
    target: str
    measured: float
    met: bool
    certain: bool = True

    def __str__(self):
        words = [self.target, "met" if self.met else "missed"]
        return " ".join(words if self.certain else [*words, "(pairs differ)"])


@dataclass(frozen=True)
class Record:
    """One contestant in one setting with one number of threads.

    `seconds` holds every round; `ratio` is relative to `reference`, pair by pair; and
    `noise` is that of the reference's own times. All three are by stage.
    """

    benchmark: str
    data: str
    setting: str
    threads: int
    contestant: str
    reference: str
    repeats: int
    seconds: dict[str, list[float]]
    median_seconds: dict[str, float]
    ratio: dict[str, Spread]
    noise: dict[str, float]
    peak_bytes: dict[str, int] = field(default_factory=dict)
    quality: dict[str, float] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)


def make_records(
    benchmark: str,
    contest: Contest,
    threads: int,
    seconds: dict[str, dict[str, list[float]]],
    peak_bytes: dict[str, dict[str, int]],
) -> list[Record]:
    """One record for each contestant from the times, by stage and contestant."""
    records = []
    for contestant in contest.contestants:
        own = {stage: seconds[stage][contestant] for stage in seconds}
        against = {stage: seconds[stage][contest.reference] for stage in seconds}
        ratio = {stage: pair_ratios(own[stage], against[stage]) for stage in own}
        quality = contest.quality.get(contestant, {})
        targets = [
            target
            for target in contest.targets
            if contestant == (target.contestant or contest.contestants[0])
        ]
        records.append(
            Record(
                benchmark=benchmark,
                data=contest.data,
                setting=contest.setting,
                threads=threads,
                contestant=contestant,
                reference=contest.reference,
                repeats=len(next(iter(own.values()), ())),
                seconds=own,
                median_seconds={stage: median(own[stage]) for stage in own},
                ratio=ratio,
                noise={stage: noise(against[stage]) for stage in own},
                peak_bytes={
                    stage: peak_bytes[stage][contestant] for stage in peak_bytes
                },
                quality=quality,
                verdicts=_judge(targets, ratio, quality),
            )
        )
    return records


def _judge(targets: Sequence[Target], ratio, quality):
    spreads = {f"{stage} ratio": spread for stage, spread in ratio.items()}
    spreads |= {figure: Spread.of([value]) for figure, value in quality.items()}
    return [_verdict(target, spreads[target.figure]) for target in targets]


def _verdict(target, spread):
    met = target.is_met(spread.median)
    alike = target.is_met(spread.min) == met == target.is_met(spread.max)
    return Verdict(target.figure, str(target), spread.median, met, alike)


def surroundings() -> dict[str, Any]:
    """When, on what and with which versions a record was made."""
    import sklearn_replearn

    loaded = {d for d, module in PACKAGES.items() if module in sys.modules}
    return {
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu_count": os.cpu_count(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {
            "sklearn_replearn": sklearn_replearn.__version__,
            "python": platform.python_version(),
            **{d: version(d) for d in sorted(loaded)},
        },
    }


def append_json_lines(path: Path, records: Sequence[Record]) -> None:
    """Add a line for each record to the end of a file."""
    around = surroundings()
    with path.open("a", encoding="utf-8") as file:
        for record in records:
            line = _only_json(asdict(record) | around)
            file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")


def _only_json(value):
    """Replace what JSON does not know: numpy's numbers, NaN and infinity (null)."""
    if isinstance(value, dict):
        return {key: _only_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_only_json(item) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    return float(value) if isfinite(value) else None


def format_contest(contest: Contest, records: Sequence[Record]) -> str:
    """Tables of times and of quality of one contest, for all numbers of threads."""
    parts = [
        f"{records[0].benchmark}: {contest.data}; {contest.setting}",
        *(f"  {note}" for note in contest.notes),
    ]
    if contest.stages:
        parts += ["", format_table(_time_rows(records))]
    if contest.quality:
        once = [r for r in records if r.threads == records[0].threads]
        parts += ["", format_table(_quality_rows(once))]
    return "\n".join(parts) + "\n"


def _time_rows(records):
    for threads in dict.fromkeys(r.threads for r in records):
        for stage in records[0].seconds:
            for record in records:
                if record.threads == threads:
                    yield _time_row(record, stage)


def _time_row(record, stage):
    ratio = record.ratio[stage]
    row = {
        "threads": str(record.threads),
        "stage": stage,
        "contestant": record.contestant,
        "seconds": f"{record.median_seconds[stage]:.4g}",
        f"ratio to {record.reference}": f"{ratio.median:.3f}",
        "min to max": f"{ratio.min:.3f} to {ratio.max:.3f}",
        "noise": _percent(record.noise[stage]),
    }
    if record.contestant == record.reference:
        row |= {f"ratio to {record.reference}": "1", "min to max": ""}
    if record.peak_bytes:
        row["peak MB"] = f"{record.peak_bytes[stage] / 1e6:.1f}"
    return row | {"target": _verdict_on(record, f"{stage} ratio")}


def _quality_rows(records):
    for record in records:
        row = {"contestant": record.contestant}
        for figure, value in record.quality.items():
            row[figure] = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
            verdict = _verdict_on(record, figure)
            if verdict:
                row[f"{figure}: target"] = verdict
        yield row


def _verdict_on(record, figure):
    return "; ".join(str(v) for v in record.verdicts if v.figure == figure)


def _percent(fraction):
    return "unknown" if isnan(fraction) else f"{100 * fraction:.1f} %"


def format_table(rows) -> str:
    """Align rows, given as dicts from column to text, under their column names."""
    rows = list(rows)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    columns = [c for c in columns if any(row.get(c) for row in rows)]
    lines = [columns, *([row.get(c, "") for c in columns] for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def progress(message: str) -> None:
    """Say on stderr what is going on; stdout is for the tables."""
    print(message, file=sys.stderr, flush=True)
