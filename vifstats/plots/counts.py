"""Pictures of how many rows are where, with none of them named."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.checks.disclosure import FEWEST
from vifstats.deletion.inputs import Source
from vifstats.errors import InvalidInputError
from vifstats.plots.sources import after, is_scaled, values_of
from vifstats.plots.style import BLUE, HARRELL, INK, ORANGE, axes_for, plain
from vifstats.typing import Axes

__all__ = ["counts_plot", "distribution_plot"]

# So many rows near 0 would hide the few that matter: their numbers go on a logarithmic axis.
MANY_ROWS = 100


def distribution_plot(
    influence: Source,
    name: str | None = None,
    *,
    ax: Axes | None = None,
    line: float | None = HARRELL,
) -> Any:
    """How many rows have which dfbetas.

    No row is named, but the bars at the ends are extremes: `counts_plot` keeps those to itself too.

    Parameters
    ----------
    influence : Influence, TargetInfluence, Estimate or fitted model
    name : str, optional
        The parameter, or value of the target; default Cook's distance, or the first.
    ax : matplotlib Axes, optional
    line : float, optional
        As in `index_plot`.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import vifstats as vs
    >>> inf = vs.vif_cox([0.0], [[0.0], [1.0], [1.0], [0.0]], [1, 1, 2, 2], [1, 1, 1, 1])
    >>> distribution_plot(inf, "x0").get_ylabel()
    'rows'
    """
    values, what, _ = values_of(influence, name)
    line = None if line is None else checks.non_negative_number(line, "line")
    ax = axes_for(ax)
    known = values[np.isfinite(values)]
    ax.hist(known, bins=min(30, max(5, len(known) // 10)), color=BLUE)
    if len(known) > MANY_ROWS:
        ax.set_yscale("log", nonpositive="clip")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("")
    if (
        is_scaled(influence, name)
        and line is not None
        and np.max(np.abs(known), initial=0.0) > line / 2
    ):
        for side in (-line, line):
            ax.axvline(side, color=ORANGE, linewidth=0.8, linestyle="--")
    ax.set_xlabel(plain(what))
    ax.set_ylabel("rows")
    return ax


def counts_plot(
    counts: Sequence[int | None],
    thresholds: Sequence[float],
    name: str,
    *,
    unit: str = "rows",
    ax: Axes | None = None,
) -> Any:
    """How many rows are beyond some dfbetas: the index plot for pages that must not show rows.

    Nothing but these counts is in the picture. Take them from
    ``vifstats.checks.disclosure.counts_beyond``, which rounds them.

    Parameters
    ----------
    counts : sequence of int or None, shape (m,)
        None: fewer than can be told.
    thresholds : sequence of float, shape (m,)
    name : str
        The parameter.
    unit : str
        What rows are called.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> [text.get_text() for text in counts_plot([40, None], [0.1, 0.2], "age").texts]
    ['about 40', 'fewer than 5']
    """
    beyond = checks.finite_array(thresholds, "thresholds")
    many = isinstance(counts, Sequence | np.ndarray)
    if not many or (len(counts),) != beyond.shape:
        raise InvalidInputError(
            f"`counts` must have an entry for each of {thresholds!r:.60}, but is "
            f"{counts!r:.60}; pass one for each, None where it cannot be told."
        )
    for count in counts:
        if count is not None:
            checks.whole_number(count, "counts")
    name, unit = checks.plain_text(name, "name"), checks.plain_text(unit, "unit")
    ax = axes_for(ax)
    y = np.arange(len(counts))[::-1]
    ax.barh(y, [count or 0 for count in counts], height=0.6, color=BLUE)
    for at, count in zip(y, counts, strict=True):
        text = f"fewer than {FEWEST}" if count is None else f"about {count}"
        where: Any = {"xytext": (3, 0), "textcoords": "offset points", "va": "center"}
        ax.annotate(text, (count or 0, at), fontsize="small", color=INK, **where)
    ax.set_yticks(y, [f"beyond {threshold:g}" for threshold in beyond])
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.25)
    ax.set_xlim(left=0, right=max(ax.get_xlim()[1], FEWEST))
    ax.set_xlabel(plain(f"{unit}, by |dfbetas| of{after(name)}"))
    return ax
