"""What the package offers, found by looking."""

from importlib import import_module
from inspect import isabstract, isclass
from pkgutil import iter_modules

from sklearn.base import BaseEstimator

import sklearn_replearn


def all_families():
    """Public submodules of the package, sorted by name.

    Returns
    -------
    families : list of (str, module)

    Examples
    --------
    >>> from sklearn_replearn.utils.discovery import all_families
    >>> [name for name, _ in all_families() if name in ("decomposition", "text")]
    ['decomposition', 'text']
    """
    names = sorted(module.name for module in iter_modules(sklearn_replearn.__path__))
    return [
        (name, import_module(f"sklearn_replearn.{name}"))
        for name in names
        if not name.startswith("_")
    ]


def all_estimators():
    """Every public estimator of the package, sorted by name.

    Returns
    -------
    estimators : list of (str, class)

    Examples
    --------
    >>> from sklearn_replearn.utils.discovery import all_estimators
    >>> dict(all_estimators())["ScaledPCA"]
    <class 'sklearn_replearn.decomposition._scaled_pca.ScaledPCA'>
    """
    found = {
        name: value
        for _, family in all_families()
        for name in getattr(family, "__all__", ())
        if isclass(value := getattr(family, name))
        and issubclass(value, BaseEstimator)
        and hasattr(value, "fit")
        and not isabstract(value)
    }
    return sorted(found.items())
