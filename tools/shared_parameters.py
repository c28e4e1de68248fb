"""Keep what estimators with a network share the same in all of them.

    python tools/shared_parameters.py --check   # print what differs, and exit with 1
    python tools/shared_parameters.py --write   # correct it in the files

An estimator spells out its signature and its docstring. What it shares with others is
written here from `shared_parameters.toml`, which also explains its own format:

* the signature ends with the training parameters, in the order of that file, and the
  body of ``__init__`` assigns each parameter, in the order of the signature;
* the docstring describes each parameter, in that order, with the default of the
  signature, and with the text of the file if the file has one;
* its attributes are the estimator's own ones, then the shared ones in the order of the
  file.

Everything else in a source file stays as it is.
"""

import argparse
import ast
import re
import sys
import textwrap
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sklearn_replearn"
SOURCE = Path(__file__).with_suffix(".toml")

#: A class whose ``__init__`` has this parameter trains a network.
MARK = "lr_schedule"

LINE_LENGTH = 88
MAX_TEXT_LINES = 2


@dataclass
class Shared:
    """What `shared_parameters.toml` holds: by name, entries in their order."""

    training: dict
    parameters: dict
    attributes: dict

    def find(self, name, kind, estimator):
        """The entry of a name for an estimator, or None if it has a text of its own."""
        tables = {
            "parameter": self.training | self.parameters,
            "attribute": self.attributes,
        }
        entry = tables[kind].get(name)
        if entry is None or estimator.name in entry.get("own", ()):
            return None
        for key in (estimator.name, estimator.family):
            for exception in entry.get("exceptions", ()):
                if key in exception["of"]:
                    return entry | exception
        return entry

    def names_of_exceptions(self):
        """All pairs of a name and the class or family that it has an exception for."""
        for table in (self.training, self.parameters, self.attributes):
            for name, entry in table.items():
                exceptions = entry.get("exceptions", ())
                named = [key for exception in exceptions for key in exception["of"]]
                yield from ((name, key) for key in [*entry.get("own", ()), *named])


@dataclass
class Estimator:
    """A class in a source file, what is wrong with it, and how to correct that.

    Parameters
    ----------
    name, family : str
        Name of the class, and folder of the package that it is in.
    node : ast.ClassDef
    source : str
        The whole file.
    """

    name: str
    family: str
    node: ast.ClassDef
    source: str
    findings: list = field(default_factory=list)
    by_hand: list = field(default_factory=list)  # findings that are not corrected here
    edits: list = field(default_factory=list)  # (first line, line after, new lines)

    @cached_property
    def init(self):
        return find_init(self.node)

    @cached_property
    def lines(self):
        return self.source.splitlines()

    @cached_property
    def defaults(self):
        """By parameter, the source text of its default, or None without one."""
        args = self.init.args
        positional = args.args[1:]
        nodes = [None] * (len(positional) - len(args.defaults)) + args.defaults
        names = [arg.arg for arg in positional + args.kwonlyargs]
        nodes += args.kw_defaults
        return {
            name: node and self.text_of(node)
            for name, node in zip(names, nodes, strict=True)
        }

    @property
    def indent(self):
        return " " * (self.node.col_offset + 4)

    def text_of(self, node):
        """Its source text (``ast.get_source_segment`` splits the file each time)."""
        lines = self.lines[node.lineno - 1 : node.end_lineno]
        lines[-1] = lines[-1].encode()[: node.end_col_offset].decode()
        lines[0] = lines[0].encode()[node.col_offset :].decode()
        return "\n".join(lines)


def load(source=SOURCE):
    """The shared parameters and attributes that a file describes."""
    return Shared(**tomllib.loads(Path(source).read_text(encoding="utf-8")))


def examine(package=PACKAGE, shared=None, *, write=False):
    """Compare the estimators of a package with the shared texts.

    Parameters
    ----------
    package : Path
    shared : Shared, default=None
        ``None`` is the file beside this one.
    write : bool, default=False
        Whether to correct the files.

    Returns
    -------
    findings : list of str
        What differs; with `write`, what has to be corrected by hand.
    """
    shared = load() if shared is None else shared
    findings, known = [], set()
    for path in sorted(package.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if MARK not in text:
            continue
        lines = text.splitlines(keepends=True)
        edits = []
        for estimator in estimators_of(path.relative_to(package), text):
            known |= {estimator.name, estimator.family}
            check_signature(estimator, shared)
            check_docstring(estimator, shared)
            corrects = write and not estimator.by_hand
            if corrects:
                edits += estimator.edits
            where = f"{path.relative_to(package.parent)}: {estimator.name}"
            by_hand = [f"{finding} (correct by hand)" for finding in estimator.by_hand]
            # With `write`, the others are corrected once these are.
            found = by_hand if write else estimator.findings + by_hand
            findings += [f"{where}: {finding}" for finding in found]
        for first, after, new in sorted(edits, reverse=True):
            lines[first:after] = [line + "\n" for line in new]
        if edits:
            path.write_text("".join(lines), encoding="utf-8")
    findings += [
        f"{name} has an exception for {key!r}, which is no estimator or family"
        for name, key in shared.names_of_exceptions()
        if key not in known
    ]
    return findings


def estimators_of(path, text):
    """The classes of a source file that train a network."""
    for node in ast.parse(text).body:
        init = find_init(node) if isinstance(node, ast.ClassDef) else None
        if init is not None and MARK in [arg.arg for arg in parameters_of(init)]:
            yield Estimator(node.name, path.parts[0], node, text)


def find_init(node):
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            return statement
    return None


def parameters_of(init):
    """Its ``ast.arg`` nodes without ``self``."""
    return [*init.args.posonlyargs, *init.args.args][1:] + init.args.kwonlyargs


# Signature


def check_signature(estimator, shared):
    """Compare the signature and the body of ``__init__`` with what they should be."""
    init = estimator.init
    names = [arg.arg for arg in parameters_of(init)]
    if init.args.vararg or init.args.kwarg or init.args.posonlyargs:
        estimator.by_hand.append("__init__ has *args, **kwargs or a slash")
        return
    wanted = wanted_names(names, shared)
    missing = [name for name in wanted if name not in names]
    if missing:
        estimator.findings.append(f"__init__ lacks {', '.join(missing)}")
    elif names != wanted:
        name = first_difference(names, wanted)
        estimator.findings.append(
            f"__init__ has {name} where {wanted[names.index(name)]} should be"
        )
    assigned = assigned_names(init)
    if assigned is None:
        estimator.by_hand.append("__init__ does more than assign its parameters")
        return
    if assigned != names:
        estimator.findings.append(
            "__init__ does not assign its parameters in their order"
        )
    if names == wanted == assigned:
        return
    if "#" in estimator.text_of(init):
        estimator.by_hand.append("__init__ has comments, which rewriting would lose")
        return
    new = write_init(estimator, wanted, shared)
    estimator.edits.append((init.lineno - 1, init.end_lineno, new))


def wanted_names(names, shared):
    """Names of the signature: own ones, then training parameters in their order."""
    own = [name for name in names if name not in shared.training]
    last = [
        name
        for name, entry in shared.training.items()
        if name in names or not entry.get("optional")
    ]
    return own + last


def assigned_names(init):
    """Names of the statements ``self.name = name``, or None if there are others."""
    names = []
    for statement in init.body:
        match statement:
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)],
                value=ast.Name(id=value),
            ) if name == value:
                names.append(name)
            case _:
                return None
    return names


def write_init(estimator, names, shared):
    """Lines of ``__init__`` with parameters of these names."""
    args = {arg.arg: arg for arg in parameters_of(estimator.init)}
    free = {arg.arg for arg in estimator.init.args.args} - shared.training.keys()
    first = [name for name in names if name in free]
    keyword_only = [name for name in names if name not in free]

    def spell(name):
        if name not in args:
            return f"{name}={shared.training[name]['default']},"
        default = estimator.defaults[name]
        if default is None:
            return f"{estimator.text_of(args[name])},"
        equals = " = " if args[name].annotation else "="
        return f"{estimator.text_of(args[name])}{equals}{default},"

    rows = ["self,", *map(spell, first)]
    rows += ["*,", *map(spell, keyword_only)] if keyword_only else []
    returns = estimator.init.returns
    arrow = f" -> {estimator.text_of(returns)}" if returns else ""
    indent = estimator.indent
    return [
        f"{indent}def __init__(",
        *(f"{indent}    {row}" for row in rows),
        f"{indent}){arrow}:",
        *(f"{indent}    self.{name} = {name}" for name in names),
    ]


# Docstring


def check_docstring(estimator, shared):
    """Compare the sections Parameters and Attributes with what they should be."""
    if ast.get_docstring(estimator.node) is None:
        estimator.by_hand.append("there is no docstring")
        return
    names = wanted_names([arg.arg for arg in parameters_of(estimator.init)], shared)
    check_section(estimator, shared, "parameter", lambda _: names)

    def attributes(described):
        own = [name for name in described if name not in shared.attributes]
        return own + [
            name
            for name, entry in shared.attributes.items()
            if name in described or not entry.get("optional")
        ]

    check_section(estimator, shared, "attribute", attributes)


def check_section(estimator, shared, kind, wanted_of):
    """Compare a section with what it should be.

    Parameters
    ----------
    estimator : Estimator
    shared : Shared
    kind : {"parameter", "attribute"}
    wanted_of : callable
        From the names that are described to those that should be.
    """
    lines = estimator.lines
    found = find_section(estimator, f"{kind.capitalize()}s")
    if found is None:
        title = f"{kind.capitalize()}s"
        estimator.by_hand.append(f"the docstring has no heading {title}; add one")
        return
    first, after = found
    items = split_items(lines[first:after], estimator.indent)
    described = [name for name, _ in items]
    wanted = wanted_of(described)
    before = dict(items)
    for name in sorted({name for name in described if described.count(name) > 1}):
        estimator.by_hand.append(f"{kind} {name} is described twice")
    for name in sorted(before.keys() - set(wanted)):
        findings = estimator.findings
        if shared.find(name, kind, estimator) is None:
            findings = estimator.by_hand  # its text may belong to a new name
        findings.append(f"{kind} {name} is described, but __init__ does not have it")

    new = []
    for name in wanted:
        old = before.get(name)
        item = write_item(estimator, shared, kind, name, old)
        if item is None:
            estimator.by_hand.append(f"{kind} {name} is not described")
            continue
        if old is None:
            estimator.findings.append(f"{kind} {name} is not described")
        elif old[0] != item[0]:
            estimator.findings.append(
                f"{kind} {name} is {old[0].strip()!r}, but should be "
                f"{item[0].strip()!r}"
            )
        elif old != item:
            estimator.findings.append(
                f"{kind} {name} has another text than shared_parameters.toml"
            )
        new += item
    order = [name for name in described if name in wanted]
    expected = [name for name in wanted if name in described]
    if order != expected:
        estimator.findings.append(
            f"{kind} {first_difference(order, expected)} is described at the wrong "
            "place"
        )
    if new != lines[first:after]:
        estimator.edits.append((first, after, new))


def find_section(estimator, title):
    """First line of what is below a heading of the docstring, and the line after."""
    docstring, indent, lines = estimator.node.body[0], estimator.indent, estimator.lines
    titles = [
        i
        for i in range(docstring.lineno, docstring.end_lineno - 1)
        if re.fullmatch(rf"{indent}-+", lines[i]) and lines[i - 1].strip()
    ]
    for i, after in zip(titles, [*titles[1:], docstring.end_lineno], strict=True):
        if lines[i - 1] == indent + title:
            after -= 1  # the next heading, or the line that closes the docstring
            while not lines[after - 1].strip():
                after -= 1
            return i + 1, after
    return None


def split_items(lines, indent):
    """Pairs of the name and the lines of each item of a section."""
    items = []
    for line in lines:
        if re.match(rf"{indent}\S", line) or not items:
            items.append((line.strip().partition(" :")[0], []))
        items[-1][1].append(line)
    return items


def write_item(estimator, shared, kind, name, old):
    """Lines that describe a parameter or attribute, or None if nothing does.

    Parameters
    ----------
    old : list of str or None
        Lines that describe it now.
    """
    entry = shared.find(name, kind, estimator)
    if entry is None and old is None:
        return None
    if entry is None:
        heading, body = old[0], old[1:]
    else:
        heading = f"{estimator.indent}{name} : {entry['type']}"
        body = write_text(name, entry, estimator.indent + "    ")
    if kind == "parameter":
        usual = shared.training.get(name, {}).get("default")
        default = estimator.defaults.get(name, usual)
        heading = re.sub(r", default=.*", "", heading)
        heading += f", default={default}" if default is not None else ""
    return [heading, *body]


def write_text(name, entry, indent):
    """The text of an entry in lines, of which none ends inside of backticks."""
    text = entry["text"]
    if "guide" in entry:
        text = f"{text[:-1]} (:ref:`guide <{entry['guide']}>`)."
    whole = re.sub(r"``.+?``|`[^`]+`", lambda match: match[0].replace(" ", "\0"), text)
    lines = textwrap.wrap(
        whole, LINE_LENGTH - len(indent), break_long_words=False, break_on_hyphens=False
    )
    if len(lines) > MAX_TEXT_LINES:
        raise ValueError(
            f"The text of {name} takes {len(lines)} lines, but at most "
            f"{MAX_TEXT_LINES} are allowed; move details to the guide: {text!r}"
        )
    return [indent + line.replace("\0", " ") for line in lines]


def first_difference(names, others):
    """The first name that is not at its place in another list of the same names."""
    return next(a for a, b in zip(names, others, strict=False) if a != b)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], allow_abbrev=False
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="print what differs")
    action.add_argument("--write", action="store_true", help="correct the files")
    options = parser.parse_args(arguments)
    findings = examine(write=options.write)
    print(*findings, sep="\n", end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
