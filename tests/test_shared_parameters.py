"""The tool that keeps shared parameters the same in signatures and docstrings."""

import re
from pathlib import Path

import pytest

from sklearn_replearn._deep.estimators.base import BaseDeepEstimator
from tools import shared_parameters

DOCS = Path(__file__).resolve().parents[1] / "docs"

SOURCE = """
[training.lr]
type = "float"
text = "Learning rate."
default = "1e-3"

[training.lr_schedule]
type = "str"
text = "Course of the rate."
guide = "lr_schedule"
default = '"constant"'

[training.activation]
type = "str"
text = "Function of the units."
default = '"relu"'
optional = true

[parameters.margin]
type = "float"
text = "Distance."
exceptions = [{ of = ["family"], text = "Distance of this family." }]

[parameters.loss]
type = "str"
text = "A loss."
own = ["Model"]

[attributes.net_]
type = "Net"
text = "The net."

[attributes.rank_]
type = "float"
text = "Rank."
optional = true
"""

MODEL = '''\
"""A module."""


class Model:
    r"""A model.

    Parameters
    ----------
    loss : str, default="squared"
        The loss of this model,
        with :math:`\\beta`.

        - a list
    margin : float, default=1.0
        Distance of this family.
    lr : float, default=0.01
        Learning rate.
    lr_schedule : str, default="constant"
        Course of the rate (:ref:`guide <lr_schedule>`).

    Attributes
    ----------
    own_ : int
        Its own.
    net_ : Net
        The net.

    Notes
    -----
    Words.
    """

    def __init__(
        self,
        loss="squared",
        *,
        margin: float = 1.0,
        lr=0.01,
        lr_schedule="constant",
    ):
        self.loss = loss
        self.margin = margin
        self.lr = lr
        self.lr_schedule = lr_schedule

    def fit(self):
        """Fit.

        Parameters
        ----------
        untouched : int
        """
'''


@pytest.fixture
def examine(tmp_path):
    """A function of the source of a class, which gives the findings and the file."""
    shared = tmp_path / "shared.toml"
    shared.write_text(SOURCE)
    path = tmp_path / "package" / "family" / "_model.py"
    path.parent.mkdir(parents=True)

    def examine(source, *, write=False):
        path.write_text(source)
        findings = shared_parameters.examine(
            tmp_path / "package", shared_parameters.load(shared), write=write
        )
        return [finding.partition("Model: ")[2] for finding in findings], path

    return examine


def test_the_package_is_up_to_date():
    assert shared_parameters.examine() == []


def test_training_parameters_are_those_of_the_base():
    """In the order of their constraints."""
    shared = shared_parameters.load()
    assert list(shared.training) == list(BaseDeepEstimator._parameter_constraints)


def test_guides_have_the_labels_that_are_linked():
    pages = "".join(page.read_text() for page in (DOCS / "user_guide").glob("*.rst"))
    labels = set(re.findall(r"^\.\. _(\w+):$", pages, flags=re.M))
    linked = set(re.findall(r'^guide = "(\w+)"$', _source(), flags=re.M))
    assert linked
    assert linked <= labels


def _source():
    return shared_parameters.SOURCE.read_text()


def test_nothing_is_found_in_a_correct_class(examine):
    assert examine(MODEL)[0] == []


OTHERS = {
    "default": (
        "margin : float, default=1.0",
        "margin : float, default=2",
        "parameter margin is 'margin : float, default=2', but should be "
        "'margin : float, default=1.0'",
    ),
    "default of its own parameter": (
        'loss : str, default="squared"',
        'loss : str, default="other"',
        "parameter loss is 'loss : str, default=\"other\"', but should be "
        "'loss : str, default=\"squared\"'",
    ),
    "default missing": (
        "lr : float, default=0.01",
        "lr : float",
        "parameter lr is 'lr : float', but should be 'lr : float, default=0.01'",
    ),
    "text": (
        "Distance of this family.",
        "Another distance.",
        "parameter margin has another text than shared_parameters.toml",
    ),
    "no link": (
        "Course of the rate (:ref:`guide <lr_schedule>`).",
        "Course of the rate.",
        "parameter lr_schedule has another text than shared_parameters.toml",
    ),
    "parameter not described": (
        "    lr : float, default=0.01\n        Learning rate.\n",
        "",
        "parameter lr is not described",
    ),
    "text of an attribute": (
        "        The net.\n",
        "        A net.\n",
        "attribute net_ has another text than shared_parameters.toml",
    ),
    "attribute not described": (
        "    net_ : Net\n        The net.\n",
        "",
        "attribute net_ is not described",
    ),
    "order of the docstring": (
        "    net_ : Net\n        The net.\n",
        "    net_ : Net\n        The net.\n    later_ : int\n        Later.\n",
        "attribute net_ is described at the wrong place",
    ),
    "order of the signature": (
        '        lr=0.01,\n        lr_schedule="constant",\n    )',
        '        lr_schedule="constant",\n        lr=0.01,\n    )',
        "__init__ has lr_schedule where lr should be",
    ),
    "own parameter among the training parameters": (
        "        margin: float = 1.0,\n        lr=0.01,\n",
        "        lr=0.01,\n        margin: float = 1.0,\n",
        "__init__ has lr where margin should be",
    ),
    "training parameter missing": (
        "        lr=0.01,\n",
        "",
        "__init__ lacks lr",
    ),
    "order of the assignments": (
        "        self.lr = lr\n        self.lr_schedule = lr_schedule\n",
        "        self.lr_schedule = lr_schedule\n        self.lr = lr\n",
        "__init__ does not assign its parameters in their order",
    ),
    "assignment missing": (
        "        self.lr = lr\n",
        "",
        "__init__ does not assign its parameters in their order",
    ),
}


@pytest.mark.parametrize(("old", "new", "finding"), OTHERS.values(), ids=OTHERS)
def test_what_differs_is_found_and_corrected(examine, old, new, finding):
    changed = MODEL.replace(old, new, 1)
    assert changed != MODEL
    findings, path = examine(changed)
    assert finding in findings
    assert path.read_text() == changed
    assert examine(changed, write=True)[0] == []
    corrected = path.read_text()
    assert examine(corrected)[0] == []
    if "later_" in new:
        assert corrected.index("later_ : ") < corrected.index("net_ : ")
    elif finding == "__init__ lacks lr":
        assert corrected == MODEL.replace("0.01", "1e-3")
    else:
        assert corrected == MODEL


def test_a_new_class_gets_all_that_it_does_not_spell_out(examine):
    short = MODEL.replace("        lr=0.01,\n", "").replace(
        "        self.lr = lr\n", ""
    )
    for lines in (
        "    lr : float, default=0.01\n        Learning rate.\n",
        "        Distance of this family.\n",
        "        Course of the rate (:ref:`guide <lr_schedule>`).\n",
        "    net_ : Net\n        The net.\n",
    ):
        assert lines in short
        short = short.replace(lines, "")
    findings, path = examine(short, write=True)
    assert findings == []
    assert path.read_text() == MODEL.replace("0.01", "1e-3")


def test_headings_without_names_are_filled(examine):
    empty = MODEL.replace("    own_ : int\n        Its own.\n", "")
    wanted = empty.replace("    net_ : Net\n        The net.\n", "", 1)
    assert wanted != empty
    findings, path = examine(wanted, write=True)
    assert findings == []
    assert path.read_text() == empty


def test_optional_names_are_only_completed(examine):
    changed = MODEL.replace("    net_ : Net", "    rank_\n    net_ : Net")
    _, path = examine(changed, write=True)
    assert "        The net.\n    rank_ : float\n        Rank.\n" in path.read_text()
    assert "activation" not in path.read_text()


BY_HAND = {
    "own parameter without a text": (
        '    loss : str, default="squared"\n        The loss of this model,\n'
        "        with :math:`\\beta`.\n\n        - a list\n",
        "",
        "parameter loss is not described",
    ),
    "unknown parameter": (
        "    margin : float, default=1.0\n",
        "    gone : int\n        Text.\n    margin : float, default=1.0\n",
        "parameter gone is described, but __init__ does not have it",
    ),
    "described twice": (
        "    lr_schedule : str",
        "    lr : float, default=0.01\n        Again.\n    lr_schedule : str",
        "parameter lr is described twice",
    ),
    "more than assignments": (
        "        self.lr = lr\n",
        "        self.lr = float(lr)\n",
        "__init__ does more than assign its parameters",
    ),
    "options": (
        '        lr_schedule="constant",\n    )',
        '        lr_schedule="constant",\n        **options,\n    )',
        "__init__ has *args, **kwargs or a slash",
    ),
    "comment": (
        "        self.lr = lr\n",
        "        # No rate.\n",
        "__init__ has comments, which rewriting would lose",
    ),
    "no section": (
        "    Attributes\n    ----------\n",
        "    Fitted\n    ------\n",
        "the docstring has no heading Attributes; add one",
    ),
}


@pytest.mark.parametrize(("old", "new", "finding"), BY_HAND.values(), ids=BY_HAND)
def test_what_needs_a_hand_is_told_and_left(examine, old, new, finding):
    changed = MODEL.replace(old, new, 1)
    assert changed != MODEL
    findings, path = examine(changed, write=True)
    assert f"{finding} (correct by hand)" in findings
    assert all(finding.endswith(" (correct by hand)") for finding in findings)
    assert path.read_text() == changed


def test_texts_have_two_lines():
    entry = {"text": "word " * 40 + "end."}
    with pytest.raises(ValueError, match="The text of lr takes 3 lines"):
        shared_parameters.write_text("lr", entry, " " * 8)


def test_lines_end_outside_of_backticks():
    entry = {"text": f"{'x' * 70} ``a b c d e f``.", "guide": "optimizer"}
    lines = shared_parameters.write_text("lr", entry, " " * 8)
    assert [line.strip() for line in lines] == [
        "x" * 70,
        "``a b c d e f`` (:ref:`guide <optimizer>`).",
    ]


def test_exceptions_name_estimators(examine):
    _, path = examine(MODEL)
    path.rename(path.with_name("_other.py"))
    shared = shared_parameters.load(path.parents[2] / "shared.toml")
    path.with_name("_other.py").write_text(MODEL.replace("Model", "Other"))
    assert shared_parameters.examine(path.parents[1], shared)[-1] == (
        "loss has an exception for 'Model', which is no estimator or family"
    )


def test_the_exit_status_tells_of_findings(monkeypatch, capsys):
    monkeypatch.setattr(shared_parameters, "examine", lambda write: ["a finding"])
    assert shared_parameters.main(["--check"]) == 1
    assert capsys.readouterr().out == "a finding\n"
    monkeypatch.setattr(shared_parameters, "examine", lambda write: [])
    assert shared_parameters.main(["--write"]) == 0
    assert capsys.readouterr().out == ""
