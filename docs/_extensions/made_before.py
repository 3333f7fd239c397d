"""What the first page to be executed would make is made before pages are read.

Pages are read by several processes at once, and executed by as many. Where two make the database of
executed pages at the same moment, one ends the build ("table settings already exists"). Where
Matplotlib lists the fonts of a machine for longer than five seconds, it says so on standard error,
which on a page is an error.
"""

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """Make both as the build begins, in one process."""
    app.connect("builder-inited", make_database)
    app.connect("builder-inited", list_fonts)
    return {"parallel_read_safe": True}


def make_database(app: Sphinx) -> None:
    """Open it: jupyter-cache makes what it does not find."""
    from jupyter_cache.cache.main import JupyterCacheBase

    _ = JupyterCacheBase(app.config.nb_execution_cache_path).db


def list_fonts(app: Sphinx) -> None:
    """Matplotlib lists them when this module is loaded, unless the list is on disk."""
    import matplotlib.font_manager  # noqa: F401  it is loaded for what loading it does
