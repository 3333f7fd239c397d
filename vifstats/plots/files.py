"""A picture in a file for print."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vifstats import checks
from vifstats.checks.folders import replacing
from vifstats.errors import InvalidInputError, InvalidTypeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["save"]

# Letters stay letters: journals refuse the outlines (type 3) that are matplotlib's default.
SETTINGS: Any = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none"}
KINDS = ("pdf", "png", "svg", "eps", "tif", "tiff")


def save(ax: "Axes", path: str | Path, *, dpi: int = 300) -> Path:
    """Write the figure of a picture as journals take it: fonts embedded, cut to what is drawn.

    Parameters
    ----------
    ax : matplotlib Axes
        What every plot of this package returns.
    path : str or Path
        Ends in .pdf, .png, .svg, .eps or .tif. An old file is replaced once the new is whole.
    dpi : int
        Dots an inch, of what is no line.

    Returns
    -------
    Path

    Raises
    ------
    InvalidTypeError
        If `ax` is not an Axes, or `path` is not a path.
    InvalidInputError
        If the ending says no kind of file.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 8.0])
    >>> est = vs.minimize(vs.MEstimator(lambda t, y: 0.5 * (y - t[0]) ** 2, y), [0.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(vs.plots.range_plot(vs.vif(est)), f"{folder}/ranges.pdf").name
    'ranges.pdf'
    """
    if not hasattr(getattr(ax, "figure", None), "savefig"):
        raise InvalidTypeError(
            f"`ax` must be the Axes that a plot returns, but is {ax!r}; pass "
            "vs.plots.index_plot(...), say."
        )
    figure: Any = ax.figure
    from matplotlib import rc_context

    path, dpi = checks.file_path(path, "path"), checks.counting_number(dpi, "dpi")
    kind = path.suffix[1:].lower()
    if kind not in KINDS:
        raise InvalidInputError(
            f"`path` must end in one of {', '.join('.' + each for each in KINDS)}, but is {path}; "
            "rename it."
        )
    with rc_context(SETTINGS), replacing(path, "wb") as file:
        figure.savefig(file, format=kind, dpi=dpi, bbox_inches="tight")
    return path
