"""The ``bad-input`` directive: a table of bad inputs and the message for each.

The cases are those of the tests. Each is run while the page is built, so the messages
are the real ones.
"""

import sys
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

sys.path.append(str(Path(__file__).parents[2] / "tests"))
from bad_input import CASES, outcome


class BadInput(SphinxDirective):
    """``.. bad-input:: tables``, or another of `CASES`."""

    required_arguments = 1

    def run(self):
        self.env.note_reread()  # the messages change with the package
        head = [[paragraph("Input")], [paragraph("What happens")]]
        body = [self.cells(*case) for case in CASES[self.arguments[0]]]
        group = nodes.tgroup("", cols=2)
        group += [nodes.colspec(colwidth=45), nodes.colspec(colwidth=55)]
        group += [nodes.thead("", row(head)), nodes.tbody("", *map(row, body))]
        return [nodes.table("", group, classes=["prose"])]

    def cells(self, description, expression, _):
        messages, value = outcome(expression)
        text, _ = self.parse_inline(description)
        given = [paragraph(*text), code(expression)]
        answer = []
        for message in messages:
            kind = nodes.strong("", type(message).__name__)
            answer += [paragraph(kind), code(shorten(str(message)))]
        if value is not None:
            answer.append(paragraph("and gives" if answer else "Accepted, and gives"))
            answer.append(code(repr(value)))
        return given, answer


def shorten(message, limit=300):
    """The leading lines of a message, at least one."""
    lines = message.strip().splitlines()
    n = 1
    while n < len(lines) and len(" ".join(lines[: n + 1])) <= limit:
        n += 1
    return " ".join(lines[:n]) + " …" * (n < len(lines))


def paragraph(*parts):
    parts = [nodes.Text(part) if isinstance(part, str) else part for part in parts]
    return nodes.paragraph("", "", *parts)


def code(text):
    return nodes.paragraph("", "", nodes.literal(text, text), classes=["code-line"])


def row(cells):
    return nodes.row("", *(nodes.entry("", *cell) for cell in cells))


def setup(app):
    app.add_directive("bad-input", BadInput)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
