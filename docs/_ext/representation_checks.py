"""The checks of the conformance suite, named in the documentation.

``:check:`order_invariance``` links to a check's row in the table that the directive
``.. representation-checks::`` makes from the checks' own docstrings. A check that no
longer exists is a build warning.
"""

import inspect

from docutils import nodes
from docutils.utils import unescape
from sphinx.util.docutils import SphinxDirective, SphinxRole

from sklearn_replearn.utils import estimator_checks

CHECKS = {
    name: inspect.getdoc(check).splitlines()[0]
    for name, check in vars(estimator_checks).items()
    if name.startswith("check_")
    and inspect.isfunction(check)
    and name not in estimator_checks.__all__
}


class Check(SphinxRole):
    def run(self):
        name = "check_" + unescape(self.text)
        if name not in CHECKS:
            message = self.inliner.reporter.error(
                f"there is no check {name!r}", line=self.lineno
            )
            return [nodes.literal(name, name)], [message]
        where = {"internal": True, "refid": nodes.make_id(name)}
        return [nodes.reference("", "", nodes.literal(name, name), **where)], []


class RepresentationChecks(SphinxDirective):
    def run(self):
        items = []
        for name, summary in CHECKS.items():
            term = nodes.term("", "", nodes.literal(name, name))
            term["ids"].append(nodes.make_id(name))
            text, _ = self.parse_inline(summary)
            definition = nodes.definition("", nodes.paragraph("", "", *text))
            items.append(nodes.definition_list_item("", term, definition))
        return [nodes.definition_list("", *items)]


def setup(app):
    app.add_role("check", Check())
    app.add_directive("representation-checks", RepresentationChecks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
