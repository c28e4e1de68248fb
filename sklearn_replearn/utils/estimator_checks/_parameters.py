"""Parameters are stored, cloned, validated, read, and change the result."""

import inspect
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from sklearn_replearn.utils.estimator_checks._comparing import (
    dense,
    differ,
    fingerprint,
    fit_clone,
    fitted_once,
)
from sklearn_replearn.utils.estimator_checks._data import CheckData

#: Parameters that change how the work is done or shown, never its result.
EXEMPT_PARAMETERS = ("device", "memory", "n_jobs", "verbose")


@dataclass(frozen=True)
class Effect:
    """A setting of one parameter that must change the result.

    Attributes
    ----------
    value : object
        The parameter's value; it must differ from the one that it replaces.
    given : dict, default={}
        Other parameters, under which the parameter acts.
    data : CheckData, default=None
        Input on which it acts; the estimator's usual check data if ``None``.
    observe : callable(fitted_estimator, data) -> object, default=None
        What must change; the output of `transform` on new rows if ``None``.
    """

    value: Any
    given: dict = field(default_factory=dict)
    data: CheckData | None = None
    observe: Callable | None = None


def check_init_only_assigns(estimator, data):
    """`__init__` stores its arguments, unchanged, and does nothing else."""
    cls = type(estimator)
    if cls.__init__ is object.__init__:
        return  # an estimator without parameters
    parameters = inspect.signature(cls.__init__).parameters.values()
    kinds = {p.kind for p in parameters}
    assert inspect.Parameter.VAR_KEYWORD not in kinds, (
        f"{cls.__name__}.__init__ takes **kwargs; spell every parameter out."
    )
    given = {
        name: object() for name in estimator.get_params(deep=False)
    }  # nothing can be done with these but to keep them
    try:
        made = cls(**given)
    except Exception as error:
        raise AssertionError(
            f"{cls.__name__}.__init__ does more than assign: it raised {error!r} when "
            "given plain objects."
        ) from error
    assert vars(made).keys() == given.keys(), (
        f"{cls.__name__}.__init__ sets {sorted(vars(made).keys() ^ given.keys())} "
        "beyond its parameters, or leaves them out."
    )
    for name, value in given.items():
        assert getattr(made, name) is value, (
            f"{cls.__name__}.__init__ changes the parameter {name!r}."
        )


def check_clone(estimator, data):
    """A clone has the same parameters, and nothing that was fitted."""
    fitted = fitted_once(estimator, data)
    copy = clone(fitted)
    original, cloned = (e.get_params(deep=False) for e in (fitted, copy))
    assert original.keys() == cloned.keys()
    for name in original:
        assert fingerprint(original[name]) == fingerprint(cloned[name]), (
            f"The clone's parameter {name!r} differs from the original's."
        )
    if not get_tags(estimator).requires_fit:
        return
    try:
        copy.transform(data.rows)
    except NotFittedError:
        return
    raise AssertionError("A clone of a fitted estimator transforms without fitting.")


def check_invalid_parameters(estimator, data):
    """A value of a wrong type raises in `fit`, and the message names the parameter.

    For estimators that declare ``_parameter_constraints``.
    """
    constraints = getattr(estimator, "_parameter_constraints", {})
    for name in sorted(constraints.keys() & estimator.get_params(deep=False).keys()):
        if constraints[name] == "no_validation":
            continue
        wrong = clone(estimator).set_params(**{name: type("Wrong", (), {})()})
        try:
            wrong.fit(data.X, data.y)
        except (ValueError, TypeError) as error:
            assert name in str(error), (
                f"A wrong value of {name!r} raised a message that does not name it: "
                f"{error}"
            )
        except Exception as error:
            raise AssertionError(
                f"A wrong value of {name!r} raised {error!r} instead of a ValueError."
            ) from error
        else:
            raise AssertionError(f"A wrong value of {name!r} was accepted by fit.")


def check_parameters_are_read(estimator, data):
    """Every parameter is read somewhere: in `fit`, or in any method that runs.

    The names that the methods load are looked up in their compiled code, and what they
    read from the estimator while it fits and transforms is watched; a parameter that
    neither finds cannot change anything.
    """
    read = _names_in_methods(type(estimator))
    missing = set(estimator.get_params(deep=False)) - read - set(EXEMPT_PARAMETERS)
    if missing:
        missing -= _names_read_while_running(estimator, data)
    assert not missing, f"The parameters {sorted(missing)} are never read."


def _names_in_methods(cls):
    """Names that occur in the code of a class's methods, as they resolve in it."""
    names = set()
    bases = [base for base in cls.__mro__ if not _is_bookkeeping(base.__module__)]
    for method in set(dir(cls)) - {"__init__"}:
        for base in bases:
            code = getattr(
                inspect.unwrap(_function(vars(base).get(method))), "__code__", 0
            )
            if not code:
                continue
            found = _names_in_code(code)
            names |= found
            if "super" not in found:
                break
    return names


def _function(attribute):
    """The function behind a method, a property or a class method."""
    return getattr(attribute, "fget", None) or getattr(attribute, "__func__", attribute)


def _names_in_code(code):
    nested = [c for c in code.co_consts if inspect.iscode(c)]
    words = [c for c in code.co_consts if isinstance(c, str)]  # getattr(self, "name")
    return set(code.co_names).union(words, *map(_names_in_code, nested))


def _is_bookkeeping(module):
    """Whether scikit-learn handles all parameters alike in this module."""
    return module == "sklearn.base" or module.startswith(("sklearn.utils", "joblib"))


def _names_read_while_running(estimator, data):
    """Attributes read by anything but scikit-learn's handling of parameters."""
    parameters, names = set(estimator.get_params(deep=False)), set()

    class Watched(type(estimator)):
        def __getattribute__(self, name):
            reader = sys._getframe(1)
            if reader.f_code.co_name == "get_params":
                reader = reader.f_back  # who asked for all the parameters
            if not _is_bookkeeping(reader.f_globals.get("__name__", "")):
                names.update(parameters if name == "__dict__" else {name})
            return super().__getattribute__(name)

    watched = clone(estimator)
    watched.__class__ = Watched
    watched.fit(data.X, data.y)
    watched.transform(data.rows)
    return names


def has_components(estimator, data):
    """Whether `n_components` is the width of the output: classes have another one."""
    judges_pairs = data.kind == "pairs" and is_classifier(estimator)
    return "n_components" in estimator.get_params(deep=False) and not judges_pairs


def check_n_components(estimator, data):
    """`n_components` changes the number of columns."""
    if not has_components(estimator, data):
        return
    widths = [
        dense(
            fitted_once(clone(estimator).set_params(n_components=n), data).transform(
                data.rows
            )
        ).shape[1]
        for n in (1, 2)
    ]
    assert widths[0] < widths[1], (
        f"n_components=1 and n_components=2 both give {widths[0]} columns."
    )


def check_more_components_than_possible(estimator, data):
    """Too large an n_components warns and keeps what the data allow, or is refused."""
    if not has_components(estimator, data):
        return
    asked = 500
    many = clone(estimator).set_params(n_components=asked)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            many.fit(data.X, data.y)
        except ValueError as error:
            assert "n_components" in str(error), (
                f"n_components={asked} raised a message that does not name it: {error}"
            )
            return
        width = dense(many.transform(data.rows)).shape[1]
    # A component may have several columns, the same number whatever n_components is.
    few = fitted_once(clone(estimator).set_params(n_components=2), data)
    n_columns = dense(few.transform(data.rows)).shape[1]
    n_columns //= getattr(few, "n_components_", n_columns)
    kept = getattr(many, "n_components_", width)
    assert kept * n_columns == width, (
        f"n_components_ is {many.n_components_}, but the output has {width} columns"
        + (f" ({n_columns} for each component)." if n_columns > 1 else ".")
    )
    if kept < asked:
        messages = [str(w.message) for w in caught if w.category is UserWarning]
        assert any("n_components" in message for message in messages), (
            f"n_components={asked} gave {width} columns without a UserWarning."
        )
        assert hasattr(many, "n_components_"), (
            "The number of columns kept is not in n_components_."
        )


def check_parameter_effect(estimator, data, *, name, effect):
    """Setting the parameter changes the result of a fresh fit and of a refit."""
    data = effect.data or data
    observe = effect.observe or (lambda fitted, data: fitted.transform(data.rows))
    base = clone(estimator).set_params(**effect.given)
    assert not _equal(getattr(base, name), effect.value), (
        f"The stated effect of {name!r} sets it to the value that it has."
    )
    # What is observed may take another fit, as for `warm_start`.
    fitted = fit_clone(base, data) if effect.observe else fitted_once(base, data)
    before = observe(fitted, data)
    fitted = fit_clone(clone(base).set_params(**{name: effect.value}), data)
    changed = observe(fitted, data)
    fitted.set_params(**{name: getattr(base, name)}).fit(data.X, data.y)
    for value, other, what in (
        (effect.value, before, ""),
        (getattr(base, name), observe(fitted, data), " in an estimator fitted before"),
    ):
        assert differ(other, changed), (
            f"Setting {name}={value!r}{what} changes nothing beyond rounding"
            + (f" (given {effect.given})." if effect.given else ".")
        )


def check_parameters_have_effects(estimator, data, *, effects):
    """Every parameter has a stated condition under which it acts."""
    parameters = set(estimator.get_params(deep=False)) - set(EXEMPT_PARAMETERS)
    missing = sorted(parameters - {name for name in effects if effects[name]})
    assert not missing, f"No effect is stated for the parameters {missing}."
    stale = sorted(set(effects) - set(estimator.get_params(deep=False)))
    assert not stale, f"Effects are stated for {stale}, which are no parameters."


def _equal(a, b):
    return fingerprint(a) == fingerprint(b)
