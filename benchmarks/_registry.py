"""The benchmarks that exist: one for each public module of this folder."""

import ast
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parent


class UnknownBenchmark(Exception):
    """No module of this folder has the name asked for."""


def benchmark_names() -> list[str]:
    """Names of all benchmarks, sorted."""
    return sorted(p.stem for p in FOLDER.glob("*.py") if not p.stem.startswith("_"))


def summary(name: str) -> str:
    """First line of a benchmark's docstring, read without importing its packages."""
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def load(name: str):
    """Module of one benchmark."""
    names = benchmark_names()
    if name not in names:
        raise UnknownBenchmark(
            f"There is no benchmark {name!r}; choose one of: {', '.join(names)}."
        )
    return import_module(f"{__package__}.{name}")
