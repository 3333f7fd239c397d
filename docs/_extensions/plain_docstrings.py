"""Docstrings as they are written, for a terminal: 1_-i and |x| mean what they say.

In reStructuredText an underscore that ends a word makes it a link, and bars make a substitution.
Neither is meant here. And `Loss` is a link to the one public object of that name, wherever it is
documented: docstrings do not spell out modules.
"""

import logging
import re
from collections.abc import Iterable
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

QUOTED = re.compile(r"(``.*?``|`[^`]*`)")
# A parameter or an attribute, such as `top`, which many classes have: it is typed, not linked.
LOWER = re.compile(r"[a-z_0-9]+")
MARKUP = re.compile(r"(?<=\w)_(?=\W|$)|\|")


def setup(app: Sphinx) -> dict[str, bool]:
    """Ask to be called before numpydoc is, and for links that were not found."""
    app.connect("autodoc-process-docstring", escape, priority=100)
    app.connect("missing-reference", find_by_last_name)
    logging.getLogger("sphinx.sphinx.domains.python").addFilter(_names_more_than_an_attribute)
    return {"parallel_read_safe": True}


def _names_more_than_an_attribute(record: logging.LogRecord) -> bool:
    """Whether to warn: of classes and functions that share a name, not of their attributes."""
    several = str(record.msg).startswith("more than one target")
    return not (several and record.args and LOWER.fullmatch(str(record.args[0])))


def escape(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Put a backslash before markup that is none."""
    lines[:] = _escaped(lines)


def _escaped(lines: Iterable[str]) -> Iterable[str]:
    literal = None  # the indentation of what introduced a literal block
    example = False
    for line in lines:
        indent, text = len(line) - len(line.lstrip()), line.strip()
        example = bool(text) and (example or text.startswith(">>>"))
        if literal is not None and text and indent <= literal:
            literal = None
        if example or literal is not None:
            yield line
        else:
            parts = QUOTED.split(line)
            parts[::2] = [MARKUP.sub(r"\\\g<0>", part) for part in parts[::2]]
            yield "".join(parts)
        if literal is None and text.endswith("::"):
            literal = indent


def find_by_last_name(app: Sphinx, env: Any, node: Any, contnode: Any) -> Any:
    """The public object whose last name this is, if there is exactly one."""
    if node.get("refdomain") != "py":
        return None
    objects, target = env.get_domain("py").objects, node["reftarget"]
    found = [name for name in objects if name.endswith(f".{target}") and not objects[name].aliased]
    if len(found) != 1:
        return None
    place = objects[found[0]]
    return make_refnode(
        app.builder, node["refdoc"], place.docname, place.node_id, contnode, found[0]
    )
