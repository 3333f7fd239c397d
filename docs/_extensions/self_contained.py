"""A site that is read without a network: MathJax in it, a warning for what a page would fetch."""

import re
from importlib import import_module
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

FETCHED = re.compile(
    r"""<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=["']((?:https?:)?//[^"']+)"""
    r"""|url\(["']?((?:https?:)?//[^"')]+)|@import\s+["']((?:https?:)?//[^"']+)"""
)


def setup(app: Sphinx) -> dict[str, bool]:
    """Bring MathJax along, and look once the site is built."""
    # As an extension of its own it does not say that it is safe in parallel: all it does is copy.
    import_module("sphinx-mathjax-offline").setup(app)
    app.connect("build-finished", warn_of_fetches)
    return {"parallel_read_safe": True}


def warn_of_fetches(app: Sphinx, exception: Exception | None) -> None:
    """One warning for each address that a page or a style sheet would fetch."""
    if exception is not None or app.builder.format != "html":
        return
    for path in sorted(Path(app.outdir).rglob("*")):
        if path.suffix in (".html", ".css"):
            for found in FETCHED.finditer(path.read_text(encoding="utf-8")):
                address = next(filter(None, found.groups()))
                logging.getLogger(__name__).warning("%s fetches %s", path.name, address)
