"""Every public name with its sentence on one page: the tables of the API pages, joined."""

import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

TITLE = re.compile(r"^# (.*)$", re.M)
TABLE = re.compile(r"^\.\. currentmodule:: (\S+)$|^   ([\w.]+)$", re.M)


class EveryName(SphinxDirective):
    """A heading for each page that is named, and a table of the names on it."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The tables, without pages of their own: those belong to the topics."""
        out: list[nodes.Node] = []
        for page in self.content:
            source = Path(self.env.srcdir, "api", f"{page}.md")
            self.env.note_dependency(str(source))
            text = source.read_text(encoding="utf-8")
            out += self._section(page, TITLE.findall(text)[0], TABLE.findall(text))
        return out

    def _section(self, page: str, title: str, found: list[tuple[str, str]]) -> list[nodes.Node]:
        lines = [f"**[{title}]({page}.md)**", "", "```{eval-rst}"]
        for module, name in found:
            if module:
                lines += ["", f".. currentmodule:: {module}", "", ".. autosummary::", ""]
            else:
                lines.append(f"   {name}")
        box = nodes.container(classes=["every-name"])
        self.state.nested_parse(StringList([*lines, "```"], source=page), 0, box)
        return [box]


def setup(app: Sphinx) -> dict[str, bool]:
    """The directive ``every-name``."""
    app.add_directive("every-name", EveryName)
    return {"parallel_read_safe": True}
