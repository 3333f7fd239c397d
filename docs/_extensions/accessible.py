"""Pages that everyone can read: pictures that say what they show, names for what has only an icon.

A picture without words is a warning, and so an error. In a cell of code they stand in its options,
as ``mystnb: image: alt:``. `.ci/axe.py` holds the rest, in a browser.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
# A table that is wider than a phone scrolls in a box that the keyboard reaches.
BOX = '<div class="dataframe-box" tabindex="0" role="region" aria-label="Table">'


def setup(app: Sphinx) -> dict[str, bool]:
    """Look at each page once its outputs are in, and at its menu when it is written."""
    app.connect("doctree-resolved", look_at_pictures)
    app.connect("doctree-resolved", box_tables)
    app.connect("html-page-context", name_toggles, priority=1000)  # after the theme has made them
    return {"parallel_read_safe": True}


def look_at_pictures(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Warn of a picture without words."""
    for image in doctree.findall(nodes.image):
        if not image.get("alt"):
            LOGGER.warning("%s has no words for %s", page, image["uri"], location=image)


def box_tables(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put the tables that pandas writes into boxes that scroll."""
    for raw in doctree.findall(nodes.raw):
        if 'class="dataframe"' in raw.astext() and "html" in raw.get("format", ""):
            boxed = (
                raw.astext().replace("<table", BOX + "<table").replace("</table>", "</table></div>")
            )
            raw.children[:] = [nodes.Text(boxed)]


def name_toggles(app: Sphinx, page: str, template: str, context: dict[str, Any], *_: Any) -> None:
    """Say what the arrows in the menu do; the theme draws an icon only."""
    made = context["generate_toctree_html"]

    def named(*args: Any, **kwargs: Any) -> str:
        return str(made(*args, **kwargs)).replace(
            "<summary>", '<summary aria-label="Pages of this section">'
        )

    context["generate_toctree_html"] = named
