"""Each lesson as a notebook to download: answers folded away, an empty cell before each."""

import re
from pathlib import Path

from sphinx.application import Sphinx

ROLE = re.compile(r"\{[\w:]+\}`(?:[^`<]*<)?~?([^`>]+)>?`")
ANSWER = "hide-cell"


def setup(app: Sphinx) -> dict[str, bool]:
    """Write them before the pages are read that link to them."""
    app.connect("builder-inited", write_notebooks)
    return {"parallel_read_safe": True}


def write_notebooks(app: Sphinx) -> None:
    """One in docs/_build/lessons for each text in docs/notebooks."""
    import nbformat

    folder = Path(app.srcdir, "_build", "lessons")
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted(Path(app.srcdir, "notebooks").glob("*.md")):
        text = nbformat.writes(notebook(source.read_text(encoding="utf-8")))
        target = folder / f"{source.stem}.ipynb"
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")


def notebook(text: str):
    """The cells of a lesson, as Jupyter has them."""
    import nbformat
    from myst_nb.core.read import read_myst_markdown_notebook

    made = read_myst_markdown_notebook(text)
    cells = []
    for cell in made.cells:
        if cell.cell_type == "markdown":
            cell.source = ROLE.sub(r"`\1`", cell.source)
        elif ANSWER in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = {"source_hidden": True, "outputs_hidden": True}
            cells.append(nbformat.v4.new_code_cell("# your answer\n"))
        cells.append(cell)
    for place, cell in enumerate(cells):
        cell["id"] = f"cell-{place}"  # the same at each build
    made.cells = cells
    return made
