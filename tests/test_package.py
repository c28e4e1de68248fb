"""What importing loads, which way imports go, and that versions agree."""

import ast
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import sklearn_replearn
from sklearn_replearn.utils.discovery import all_families

PACKAGE = Path(sklearn_replearn.__file__).parent
HEAVY = ["torch", "skorch", "gensim", "matplotlib", "polars", "pandas", "skimage"]


FAMILIES = ["decomposition", "graph", "metrics", "plotting", "text"]
DEEP_FAMILIES = [
    "autoencoder",
    "image",
    "inspection",
    "metric_learning",
    "model_selection",
]


def loaded_by(statement):
    program = (
        f"import sys; {statement}; print([m for m in {HEAVY} if m in sys.modules])"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return ast.literal_eval(outcome.stdout)


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_by("import sklearn_replearn") == []


@pytest.mark.parametrize("family", FAMILIES)
def test_importing_a_family_loads_nothing_it_does_not_need(family):
    # scikit-learn itself loads pandas where it is installed.
    assert set(loaded_by(f"import sklearn_replearn.{family}")) <= {"pandas"}


@pytest.mark.parametrize("family", DEEP_FAMILIES)
def test_importing_a_deep_family_loads_torch_and_no_more(family):
    loaded = set(loaded_by(f"import sklearn_replearn.{family}"))
    assert loaded <= {"pandas", "torch", "skorch"}


def test_families_are_loaded_on_first_use():
    loaded = loaded_by("import sklearn_replearn; sklearn_replearn.text.LSA")
    assert set(loaded) <= {"pandas"}
    assert {name for name, _ in all_families()} <= set(dir(sklearn_replearn))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = sklearn_replearn.nonsense


def test_version_is_in_one_place():
    assert version("sklearn-replearn") == sklearn_replearn.__version__


# Design: a module imports only from layers before its own.
LAYERS = [
    "_sklearn",
    "_warnings",
    "_containers",
    "_images",
    "_image_units",
    "_validation",
    "_progress",
    "_threads",
    "_gensim",
    "_linalg",
    "_cooccurrence",
    "_word_scores",
    "_image_input",
    "_class_means",
    "_exact_order",
    "_nearest_hits",
    "_retrieval",
    "_verification",
    "_deep.input",
    "_deep.networks",
    "_deep.objectives",
    "_deep.training",
    "_deep.estimators",
    "family",
    "inspection",
    "above",
    "utils",
]
ABOVE = {"metrics", "model_selection", "plotting"}
FOLDERS = {"inspection"}


def layer_of(module):
    """Layer of a module, and its family ("" for the modules that all share)."""
    parts = module.split(".")[1:]
    if not parts:
        return "package", ""
    if parts[0] == "_deep":
        room = ".".join(parts[:2])
        return room, room
    if parts[0] in LAYERS:
        # In a folder, modules may import each other; later layers may import it.
        return parts[0], parts[0] if parts[0] in FOLDERS else ""
    return ("above" if parts[0] in ABOVE else "family"), parts[0]


def imports(path, module):
    """Names of the package's modules that a file imports, each in full."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = parts[: len(parts) - node.level + 1] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            yield origin
            if origin == "sklearn_replearn":
                yield from (f"{origin}.{alias.name}" for alias in node.names)


def test_imports_go_one_way():
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        module = ".".join(part for part in parts if part != "__init__")
        layer, family = layer_of(module)
        for imported in imports(path, module):
            if not imported.startswith("sklearn_replearn."):
                continue
            other_layer, other_family = layer_of(imported)
            same_family = family == other_family != ""
            leftwards = layer == "package" or (
                LAYERS.index(other_layer) < LAYERS.index(layer)
            )
            own_init = same_family and imported.count(".") == 1
            if own_init or not (same_family or leftwards or layer == "utils"):
                wrong.append(f"{module} imports {imported}")
    assert wrong == []


def test_show_versions(capsys):
    sklearn_replearn.show_versions()
    shown = capsys.readouterr().out
    for text in (
        "python",
        sklearn_replearn.__version__,
        "scikit-learn",
        "torch",
        "matplotlib",
    ):
        assert text in shown
