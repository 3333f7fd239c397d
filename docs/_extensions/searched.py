"""The words that people search lead to the page that answers: its keywords are index entries.

The site's search puts main index entries before all that merely mentions a word. So each word may
be a keyword of one page only: where two claim it, that is a warning, and so an error.
"""

from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging


class Keywords(SphinxTransform):
    """A main index entry at the title for each of a page's keywords."""

    default_priority = 800  # before 850, when Sphinx collects the entries

    def apply(self, **kwargs: Any) -> None:
        """Look for ``html_meta: keywords`` of this page."""
        said = [meta["content"] for meta in self.document.findall(nodes.meta) if _named(meta)]
        words = [word.strip() for content in said for word in content.split(",")]
        title = next(iter(self.document.findall(nodes.section)), None)
        if words and title is not None:
            target = title["ids"][0]
            entries = [("single", word, target, "main", None) for word in words]
            title.insert(1, addnodes.index(entries=entries))


def _named(meta: nodes.meta) -> bool:
    return meta.get("name") == "keywords"


def warn_of_two(app: Sphinx, env: Any) -> None:
    """One warning for each word that two pages claim."""
    pages: dict[str, str] = {}
    for page, entries in sorted(env.domains["index"].entries.items()):
        for _, word, _, main, _ in entries:
            if main and pages.setdefault(word.lower(), page) != page:
                logging.getLogger(__name__).warning(
                    "'%s' is a keyword of %s and of %s", word, pages[word.lower()], page
                )


def setup(app: Sphinx) -> dict[str, bool]:
    """Collect them as pages are read, and compare pages at the end."""
    app.add_transform(Keywords)
    app.connect("env-check-consistency", warn_of_two)
    return {"parallel_read_safe": True}
