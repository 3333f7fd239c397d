"""Pictures of coefficients: their range over all deletions, and without the top rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.deletion.infinite_ends import infinite_without, is_separating
from vifstats.deletion.inputs import Source
from vifstats.errors import InvalidInputError
from vifstats.plots.sources import influence_of
from vifstats.plots.style import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    axes_for,
    called,
    largest,
    plain,
    position,
    ratio_axis,
)
from vifstats.typing import Axes

__all__ = ["range_plot", "waterfall_plot"]


def range_plot(
    influence: Source,
    names: str | Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
    ratio: bool = False,
    scaled: bool = False,
) -> Any:
    """Each parameter with its confidence interval, and where deletions of one row take it.

    An arrow marks an end that is infinite: without some row the parameter separates.

    Parameters
    ----------
    influence : Influence, Estimate or fitted model
    names : sequence of str, optional
        The parameters to show; default all.
    ax : matplotlib Axes, optional
    ratio : bool
        Show exp(theta), on a logarithmic axis.
    scaled : bool
        Show each parameter over its standard error with all rows, which does not depend on units,
        so that rows of the picture can be compared.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidInputError
        If both `ratio` and `scaled` are asked for, or there is no such parameter.

    Examples
    --------
    >>> import vifstats as vs
    >>> inf = vs.vif_cox([0.0], [[0.0], [1.0], [1.0], [0.0]], [1, 1, 2, 2], [1, 1, 1, 1])
    >>> range_plot(inf, ratio=True).get_xscale()
    'log'
    """
    ratio, scaled = checks.flag(ratio, "ratio"), checks.flag(scaled, "scaled")
    if ratio and scaled:
        raise InvalidInputError(
            "A range is shown as a ratio or in standard errors, but both are asked for; choose one."
        )
    influence = influence_of(influence)
    ax = axes_for(ax)
    est = influence.estimate
    shown = list(est.names if names is None else _names(names))
    at = [position(est.names, name) for name in shown]
    unit = est.standard_errors[at] if scaled else np.ones(len(at))
    theta, limits = est.theta[at] / unit, est.confidence_limits()[at] / unit[:, None]
    # what is predicted without a row that separates means nothing
    finite = ~is_separating(influence)[:, None]
    without = np.where(finite, est.theta[at] - influence.values[:, at], np.nan) / unit
    low, high = np.fmin.reduce(without), np.fmax.reduce(without)  # nan where no row has a number
    to = _exp if ratio else np.asarray
    y = np.arange(len(at))[::-1]
    ax.axvline(1.0 if ratio else 0.0, color=FAINT, linewidth=0.6)
    ax.hlines(y, to(limits[:, 0]), to(limits[:, 1]), color=FAINT, linewidth=1.2)
    ax.hlines(y, to(low), to(high), color=ORANGE, linewidth=5, alpha=0.85)
    ax.plot(to(theta), y, "o", color=BLUE, markersize=4)
    _rows_named(ax, y, [called(name) for name in shown])
    if ratio:
        ratio_axis(ax)
    if scaled:
        ax.set_xlabel("coefficient, in its standard errors")
    _infinite_ends(ax, y, np.stack([to(low), to(high)], axis=1), infinite_without(influence)[:, at])
    return ax


def _infinite_ends(ax: Any, y: np.ndarray, ends: np.ndarray, goes: np.ndarray) -> None:
    """Arrows from the ends of bars, shape (k, 2), to the frame, where some row takes them there."""
    frame = ax.get_xlim()
    for side, sign in enumerate((-1, 1)):
        for row in np.flatnonzero((goes == sign).any(axis=0)).tolist():
            start = ends[row, side] if np.isfinite(ends[row, side]) else np.mean(frame)
            ax.annotate(
                "",
                (frame[side], y[row]),
                (start, y[row]),
                arrowprops={"arrowstyle": "-|>", "color": ORANGE, "linewidth": 1.6},
            )
    ax.set_xlim(*frame)


def waterfall_plot(
    influence: Source, name: str | None = None, *, ax: Axes | None = None, k: int = 10
) -> Any:
    """How the rows that move one parameter most add up, in standard errors, when all are removed.

    Parameters
    ----------
    influence : Influence, Estimate or fitted model
    name : str, optional
        The parameter; it may be left out where there is only one.
    ax : matplotlib Axes, optional
    k : int
        How many rows.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidInputError
        If there is no such parameter.

    Notes
    -----
    Sums of single influences miss how removals interact; `influential_set` refits.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [1.0], [0.0]], [1, 2, 3, 4])
    >>> inf = vs.vif(vs.minimize(loss, [0.0]))
    >>> waterfall_plot(inf, k=2).get_xlabel()
    'change of x0 so far, in standard errors'
    """
    influence, k = influence_of(influence), checks.whole_number(k, "k")
    ax = axes_for(ax)
    j = position(influence.estimate.names, name)
    rows = largest(influence.values[:, j], k)
    steps = -influence.values[rows, j] / influence.estimate.naive_errors[j]
    ends = np.cumsum(steps)
    y = np.arange(len(rows))[::-1]
    words = influence.estimate.loss.wording
    colours = [ORANGE if step < 0 else BLUE for step in steps]
    ax.axvline(0, color=FAINT, linewidth=0.6)
    ax.barh(y, steps, left=ends - steps, height=0.6, color=colours)
    ax.vlines(ends[:-1], y[1:] - 0.3, y[:-1] + 0.3, color=INK, linewidth=0.5)
    ax.use_sticky_edges = False  # the longest bar ends before the frame
    ax.autoscale(axis="x")
    _rows_named(ax, y, [words.named.format(called(influence.index[i])) for i in rows])
    name = called(influence.estimate.names[j])
    ax.set_xlabel(plain(f"change of {name} so far, in standard errors"))
    return ax


def _exp(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # infinite, as the interval of a covariate that separates
        return np.exp(values)


def _names(names: Any) -> tuple[str, ...]:
    """Several names, or a single one, as a tuple."""
    return checks.unique_names([names] if isinstance(names, str) else names, "names")


def _rows_named(ax: Any, y: np.ndarray, names: list[str]) -> None:
    ax.set_yticks(y, [plain(name) for name in names])
    ax.set_ylim(-0.7, len(y) - 0.3)
    ax.tick_params(axis="y", length=0)
