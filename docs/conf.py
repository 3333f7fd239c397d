"""How the site is built: Sphinx, MyST pages, and notebooks that run once and are remembered.

    python -m sphinx -W -j auto -b html docs docs/_build/html

Nothing that a page shows is fetched when it is read: MathJax, fonts and styles are in the build.
"""

import sys
import tomllib
from pathlib import Path

from vifstats.versions import __version__

HERE = Path(__file__).parent
PROJECT = tomllib.loads(HERE.with_name("pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "vifstats"
author = "The vifstats developers"
copyright = author
version = release = __version__

sys.path.append(str(HERE / "_extensions"))
extensions = [
    "accessible",
    "every_name",
    "lessons",
    "made_before",
    "myst_nb",
    "numpydoc",
    "plain_docstrings",
    "searched",
    "sockets",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "self_contained",
]
exclude_patterns = ["_build", "README.md"]
templates_path = ["_templates"]
default_role = "py:obj"  # a name in single backticks, in a docstring, is a link
nitpicky = True  # a link that leads nowhere is a warning, and so an error
nitpick_ignore_regex = [("py:obj", "[a-z_]+")]  # parameters, in single backticks as numpydoc has it

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
smartquotes = False  # "vif" in a docstring is what is typed
suppress_warnings = [
    "mystnb.unknown_mime_type",  # of widgets; the picture beside it is shown
]

nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "notebooks")
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
nb_output_stderr = "warn"  # what a cell warns of is an error here, as it is in tests

autosummary_generate = True
autodoc_typehints = "none"  # the docstring has type, shape and meaning in one place
autodoc_inherit_docstrings = False  # an override is the same method, only faster
numpydoc_show_class_members = False

ICONS = {
    "Issues": "fa-solid fa-bug",
    "Paper": "fa-solid fa-file-lines",
    "Source": "fa-solid fa-code-branch",
}
html_theme = "pydata_sphinx_theme"
html_title = "vifstats"
html_static_path = ["_static"]
html_css_files = ["vifstats.css"]
html_show_sourcelink = False
toc_object_entries_show_parents = "hide"
html_sidebars = {"index": [], "changelog": [], "citing": []}
html_theme_options = {
    "logo": {"text": "vifstats"},
    "navbar_align": "left",
    "navbar_center": ["navbar-nav"],
    "navbar_end": ["theme-switcher", "navbar-icon-links"],
    # Whatever [project.urls] has: filled in there, it is in the head of every page.
    "icon_links": [
        {"name": name, "url": url, "icon": ICONS.get(name, "fa-solid fa-link")}
        for name, url in PROJECT["urls"].items()
        if name != "Documentation"  # that is this site
    ],
    "header_links_before_dropdown": 8,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
