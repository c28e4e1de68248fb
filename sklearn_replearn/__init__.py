"""Representation learning for scikit-learn users.

Techniques that turn raw data into good vectors are ``fit``/``transform`` estimators
here: they slot into ``Pipeline`` and ``GridSearchCV``, and apply what was fitted on the
training data, exactly, to any other data. There are families for tables, text,
graphs and images, for similarity that is learned from classes or pairs, for networks
that learn features without labels, for language models, for two views, and for waves.

The families are submodules, loaded when they are first used:
``sklearn_replearn.autoencoder``, ``sklearn_replearn.decomposition``,
``sklearn_replearn.graph``, ``sklearn_replearn.image``, ``sklearn_replearn.language``,
``sklearn_replearn.metric_learning``, ``sklearn_replearn.multiview``,
``sklearn_replearn.self_supervised``, ``sklearn_replearn.signal``,
``sklearn_replearn.text``.
Beside them, ``sklearn_replearn.inspection`` looks inside what was fitted,
``sklearn_replearn.model_selection`` judges it, and stacks models on it without leaks,
and ``sklearn_replearn.retrieval`` searches among it.
``sklearn_replearn.show_versions`` prints what a report of a fault needs.
"""

from importlib import import_module

__version__ = "0.1.0.dev0"

_SUBMODULES = (
    "autoencoder",
    "decomposition",
    "graph",
    "image",
    "inspection",
    "language",
    "metric_learning",
    "metrics",
    "model_selection",
    "multiview",
    "plotting",
    "retrieval",
    "self_supervised",
    "signal",
    "text",
    "utils",
)

__all__ = [*_SUBMODULES, "__version__", "show_versions"]


def __getattr__(name):
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    if name == "show_versions":
        return import_module(f"{__name__}._show_versions").show_versions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
