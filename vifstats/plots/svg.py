"""One picture as an SVG for a page: the reader's font, and colours that follow light and dark."""

import re
import warnings
from io import StringIO
from typing import Any

from vifstats import checks
from vifstats.checks.text import legible
from vifstats.plots.style import BLUE, FAINT, INK, ORANGE
from vifstats.typing import Draw

__all__ = ["as_svg"]

# Colour of a picture on paper, and what it becomes on a dark screen; an image of points has no
# variables, and a filter takes its blue and orange to about the same.
DARK = {BLUE: "#56b4e9", ORANGE: "#f0883e", INK: "#e8e6e1", FAINT: "#8f8f8f"}
DARK_IMAGE = "image{filter:contrast(.7) brightness(1.4)}"
# Words are legible where lines and points cross them.
HALO = "text{paint-order:stroke;stroke:var(--ground);stroke-width:2.5px;stroke-linejoin:round}"
SETTINGS: Any = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "vifstats",  # the same picture is the same file
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.labelcolor": INK,
}
RESOLUTION = 160  # dots an inch of what is rasterised


def as_svg(draw: Draw, size: tuple[float, float] = (4.4, 2.8)) -> str:
    """Draw into a figure of its own, which no other code sees, and return it as SVG.

    Parameters
    ----------
    draw : callable
        ``draw(ax)``.
    size : tuple of float
        Width and height in inches.

    Returns
    -------
    str

    Examples
    --------
    >>> as_svg(lambda ax: ax.plot([0, 1]))[:5]
    '<svg '
    """
    checks.function(draw, "draw", "draw(ax)")
    width, height = checks.pair(size, "size")
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context(SETTINGS):
        figure = Figure(figsize=(width, height), dpi=RESOLUTION, layout="constrained")
        ax = figure.add_subplot()
        draw(ax)
        for ground in (figure.patch, ax.patch):
            ground.set_facecolor("none")
        text = StringIO()
        with warnings.catch_warnings():
            # text is drawn by the reader's browser, in fonts that this machine may not have
            warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
            # not savefig, which draws everything once more before, for the layout
            FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})
    return _for_a_page(text.getvalue())


def _for_a_page(svg: str) -> str:
    svg = legible(svg[svg.index("<svg ") :], keep="\t\n")
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font: \1px system-ui, sans-serif", svg)
    light = "".join(f"--{c[1:]}:{c};" for c in DARK)
    dark = "".join(f"--{c[1:]}:{d};" for c, d in DARK.items())
    for colour in DARK:
        svg = svg.replace(f": {colour}", f": var(--{colour[1:]})")
    dark = f":root{{{dark}--ground:#15171a;}}{DARK_IMAGE}"
    style = f":root{{{light}--ground:#fff;}}{HALO}@media (prefers-color-scheme:dark){{{dark}}}"
    start = svg.index(">") + 1
    return f"{svg[:start]}<style>{style}</style>{_compact(svg[start:])}".strip()


def _compact(svg: str) -> str:
    """The SVG with coordinates of two decimals: more decimals are a third of the file."""
    tags = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d+\.\d{2})\d+", r"\1", tag[0]), svg)
    return re.sub(r"\n\s*", "\n", tags)
