"""The API reference, written from the package itself before each build.

Every public module gets a page in `docs/api/`, with its docstring and tables of its
public names, and a section of the index; autosummary makes a page for each name. A new
estimator or family appears here with no edit.
"""

import inspect
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import sklearn_replearn
from sklearn_replearn.utils.discovery import all_estimators

KINDS = ("Estimators", "Displays", "Classes", "Functions")
INTRODUCTION = """\
API reference
=============

Every public name. Whatever does not appear here is private and may change at any time.
"""


def public_modules():
    """Modules without an underscore in their path, shortest path first: a name that
    two modules export is documented where its path is shortest."""
    prefix = sklearn_replearn.__name__ + "."
    names = [
        module.name
        for module in pkgutil.walk_packages(sklearn_replearn.__path__, prefix)
        if not re.search(r"\._", module.name)
    ]
    names.sort(key=lambda name: (name.count("."), name))
    return [import_module(name) for name in names]


def public_names(module):
    """The module's `__all__`, or else the public names that it defines itself."""
    if hasattr(module, "__all__"):
        return module.__all__
    return [
        name
        for name, thing in vars(module).items()
        if getattr(thing, "__module__", None) == module.__name__
        and not name.startswith("_")
    ]


def kind(thing, estimators):
    if thing in estimators:
        return "Estimators"
    if inspect.isclass(thing):
        return "Displays" if thing.__name__.endswith("Display") else "Classes"
    return "Functions" if callable(thing) else None


def names_by_module():
    """For each module, in order, its public names by kind."""
    estimators = [estimator for _, estimator in all_estimators()]
    seen, found = set(), {}
    for module in public_modules():
        kinds = {}
        for name in sorted(public_names(module)):
            thing = getattr(module, name)
            if id(thing) not in seen:
                seen.add(id(thing))
                kinds.setdefault(kind(thing, estimators), []).append(name)
        kinds.pop(None, None)
        if kinds:
            found[module] = {k: kinds[k] for k in KINDS if k in kinds}
    return found


def heading(text, underline):
    return f"{text}\n{underline * len(text)}\n"


def table(module, names, *options):
    lines = [*options, "", *names]
    return f".. currentmodule:: {module.__name__}\n\n.. autosummary::\n" + "".join(
        f"   {line}".rstrip() + "\n" for line in lines
    )


def pages():
    """The text of each page in `docs/api/`, by file name, without autosummary's."""
    found = names_by_module()
    texts, sections = {}, []
    for module, kinds in found.items():
        short_name = module.__name__.partition(".")[2]
        parts = [
            heading(short_name, "="),
            f".. module:: {module.__name__}\n",
            inspect.getdoc(module) + "\n",
        ]
        for title, names in kinds.items():
            parts += [heading(title, "-")] if len(kinds) > 1 else []
            parts.append(table(module, names, ":toctree: ."))
        texts[f"{short_name}.rst"] = "\n".join(parts)
        names = [name for names in kinds.values() for name in names]
        sections += [
            heading(f":mod:`{short_name} <{module.__name__}>`", "-"),
            table(module, names),
        ]
    toctree = ".. toctree::\n   :hidden:\n\n" + "".join(
        f"   {page.removesuffix('.rst')}\n" for page in texts
    )
    texts["index.rst"] = "\n".join([INTRODUCTION, toctree, *sections])
    return texts


def write(app, config):
    folder = Path(app.confdir, "api")
    folder.mkdir(exist_ok=True)
    texts = pages()
    stubs = {
        f"{module.__name__}.{name}.rst"
        for module, kinds in names_by_module().items()
        for names in kinds.values()
        for name in names
    }
    for old in folder.glob("*.rst"):
        if old.name not in stubs | texts.keys():
            old.unlink()
    for name, text in texts.items():
        page = folder / name
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def tidy_docstring(app, what, name, obj, options, lines):
    """Mend what numpydoc and scikit-learn leave in a docstring."""
    # Fitted names such as n_components_ are no links, in types or in prose.
    lines[:] = [
        line if line.lstrip().startswith((">>>", "...")) else escape_names(line)
        for line in lines
    ]
    # Inherited methods refer to labels of scikit-learn's own documentation.
    if str(getattr(obj, "__module__", "")).startswith("sklearn."):
        text = "\n".join(lines)
        text = re.sub(r":ref:`([^`<]+?)\s*<[^`]+>`", r"\1", text)
        text = re.sub(r":ref:`sphx_glr_[^`]+`", "scikit-learn's gallery", text)
        text = re.sub(r":term:`([^`<]+?)(\s*<[^`]+>)?`", r"\1", text)
        lines[:] = text.split("\n")


def escape_names(line):
    """Escape the underscore that ends a word, but not between backticks."""
    parts = re.split(r"(``.+?``|`[^`]*`)", line)
    parts[::2] = [re.sub(r"(?<=\w)_(?=[\s,.;:)]|$)", r"\\_", p) for p in parts[::2]]
    return "".join(parts)


def setup(app):
    app.connect("config-inited", write)
    app.connect("autodoc-process-docstring", tidy_docstring, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
