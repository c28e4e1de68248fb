"""What importing loads, which way imports go, and that versions agree."""

import ast
import pickle
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import sklearn_replearn
from sklearn_replearn.image import HOG
from sklearn_replearn.utils.discovery import all_families

PACKAGE = Path(sklearn_replearn.__file__).parent
HEAVY = [
    "gensim",
    "matplotlib",
    "networkx",
    "pandas",
    "polars",
    "skimage",
    "skorch",
    "tokenizers",
    "torch",
    "usearch",
]


FAMILIES = [
    "decomposition",
    "graph",
    "image",
    "metrics",
    "model_selection",
    "multiview",
    "plotting",
    "retrieval",
    "text",
]
DEEP_FAMILIES = [
    "autoencoder",
    "image",
    "inspection",
    "language",
    "metric_learning",
    "self_supervised",
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


def test_most_families_load_nothing_heavy_before_it_is_needed():
    """On first use, when displays are made, and when a graph is read."""
    statements = [
        "import sklearn_replearn",
        "sklearn_replearn.text.LSA",
        *(f"import sklearn_replearn.{family}" for family in FAMILIES),
        "from sklearn_replearn.plotting import *",
        "SpectrumDisplay([1.0])",
        "EmbeddingDisplay([[0, 1]], labels=['a'])",
        "LossCurveDisplay([1.0])",
        "ReconstructionDisplay([[0, 1]], [[0, 1]])",
        "LatentTraversalDisplay([[[0], [1]]], [0, 1])",
        "FilterDisplay([[[0, 1]]])",
        "ActivationDisplay([0.0, 1.0])",
        "SaliencyDisplay([[0, 1]], [[0, 1]])",
        "sklearn_replearn.graph.as_adjacency([(1, 2)])",
        "import numpy, pickle",
        f"hog = pickle.loads({pickle.dumps(HOG(cell_size=4))})",
        "hog.fit_transform(numpy.eye(16)[None])",
        "patches = sklearn_replearn.image.BagOfVisualWords('patch', n_words=2)",
        "patches.fit_transform(numpy.eye(16)[None])",
    ]
    # scikit-learn itself loads pandas where it is installed.
    assert set(loaded_by("; ".join(statements))) <= {"pandas"}


def test_importing_deep_families_loads_torch_and_no_more():
    imports = (f"from sklearn_replearn.{family} import *" for family in DEEP_FAMILIES)
    assert set(loaded_by("; ".join(imports))) <= {"pandas", "torch", "skorch"}


def test_estimators_of_images_are_loaded_when_they_are_used():
    image = sklearn_replearn.image
    loaded = {}
    exec("from sklearn_replearn.image import *", loaded)
    assert set(image.__all__) <= set(loaded)
    assert dir(image) == sorted(image.__all__)
    with pytest.raises(AttributeError, match=r"image' has no attribute 'nonsense'"):
        _ = image.nonsense


def test_all_families_are_attributes_of_the_package():
    assert {name for name, _ in all_families()} <= set(dir(sklearn_replearn))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = sklearn_replearn.nonsense


def test_version_is_in_one_place():
    assert version("sklearn-replearn") == sklearn_replearn.__version__


# A module imports from ranks before its own only.
RANKS = [
    "ground",
    "metrics",
    "_deep.input",
    "_deep.networks",
    "_deep.objectives",
    "_deep.training",
    "_deep.estimators",
    "shared by a family",
    "technique",
    "composite",
    "family",
    "above the families",
    "plotting, utils",
]
# Modules of one folder may import each other here.
OPEN = {"ground", "metrics", *RANKS[2:8], "composite", *RANKS[11:]}
ABOVE = {"inspection", "model_selection", "retrieval"}
# These may import techniques of their family, for a default.
COMPOSITES = {
    "BaseNodeLookup",
    "EdgeEncoder",
    "GraphClusterEncoder",
    "NodeEncoder",
    "PairVerifier",
    "PretextTransformer",
    "PrototypeClassifier",
    "ZeroShotClassifier",
}


def read_modules():
    """The syntax tree of each module of the package, by its name."""
    trees = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        trees[".".join(parts).removesuffix(".__init__")] = ast.parse(path.read_text())
    return trees


def rank_of(module, trees):
    _, *parts = module.split(".")
    match parts:
        case ["_deep", room, *_]:
            return f"_deep.{room}"
        case [name] if name.startswith("_"):
            return "ground"
        case ["metrics", *_]:
            return "metrics"
        case ["plotting" | "utils", *_]:
            return "plotting, utils"
        case [name, *_] if name in ABOVE:
            return "above the families"
        case [_]:
            return "family"
    classes = {n.name for n in ast.walk(trees[module]) if isinstance(n, ast.ClassDef)}
    if classes & COMPOSITES:
        return "composite"
    exported = trees[module.rpartition(".")[0]]
    names = {n.name for n in ast.walk(exported) if isinstance(n, ast.alias)}
    return "technique" if classes & names else "shared by a family"


def imports(tree, trees):
    """The package's modules that a module imports, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from names & trees.keys() or {node.module}


def test_imports_go_one_way():
    trees = read_modules()
    root = trees.pop("sklearn_replearn")  # loads its submodules on first use
    assert not set(imports(root, trees)) & trees.keys()
    ranks = {module: rank_of(module, trees) for module in trees}
    wrong = []
    for module, tree in trees.items():
        rank = ranks[module]
        for imported in set(imports(tree, trees)) & trees.keys():
            # "graph._netmf" is private to "graph", "_linalg" to the package.
            owner, private, _ = imported.rpartition("._")
            folder = imported.rpartition(".")[0]
            other = ranks[imported]
            leftwards = RANKS.index(other) < RANKS.index(rank)
            together = other == rank in OPEN and is_in(module, folder)
            sealed = private and not is_in(module, owner)
            if sealed or is_in(module, imported) or not (leftwards or together):
                wrong.append(f"{module} ({rank}) imports {imported} ({other})")
    assert not wrong, "\n".join(wrong)


def is_in(module, folder):
    return f"{module}.".startswith(f"{folder}.")


def test_what_is_above_the_families_uses_public_methods():
    trees = read_modules()
    del trees["sklearn_replearn"]
    wrong = []
    for module, tree in trees.items():
        if rank_of(module, trees) not in RANKS[11:]:
            continue
        uses = {
            ast.unparse(node)
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and not node.attr.startswith("__")
            and ast.unparse(node.value) not in ("self", "cls", "os", "sys")
        }
        if not is_in(module, "sklearn_replearn.inspection"):  # it needs gradients
            core = "sklearn_replearn._deep"
            uses |= {name for name in imports(tree, trees) if is_in(name, core)}
        wrong += [f"{module} uses {name}" for name in sorted(uses)]
    assert not wrong, "\n".join(wrong)


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
