"""Pictures of coefficients: their range over all deletions, without each group, without the top."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vifstats.deletion.result import Influence
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
)
from vifstats.typing import Axes

__all__ = ["forest_plot", "range_plot", "waterfall_plot"]


def range_plot(
    influence: Influence,
    names: str | Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
    ratio: bool = False,
) -> Any:
    """Each parameter with its confidence interval, and where deletions of one row take it.

    Parameters
    ----------
    influence : Influence
    names : sequence of str, optional
        The parameters to show; default all.
    ax : matplotlib Axes, optional
    ratio : bool
        Show exp(theta), on a logarithmic axis.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import vifstats as vs
    >>> inf = vs.vif_cox([0.0], [[0.0], [1.0], [1.0], [0.0]], [1, 1, 2, 2], [1, 1, 1, 1])
    >>> range_plot(inf, ratio=True).get_xscale()
    'log'
    """
    ax = axes_for(ax)
    est = influence.estimate
    shown = list(est.names) if names is None else list(names)
    at = [position(est.names, name) for name in shown]
    theta, limits = est.theta[at], est.confidence_limits()[at]
    without = est.theta[at] - influence.values[:, at]
    low, high = np.fmin.reduce(without), np.fmax.reduce(without)  # nan where no row has a number
    to = _exp if ratio else np.asarray
    y = np.arange(len(at))[::-1]
    ax.axvline(1.0 if ratio else 0.0, color=FAINT, linewidth=0.6)
    ax.hlines(y, to(limits[:, 0]), to(limits[:, 1]), color=FAINT, linewidth=1.2)
    ax.hlines(y, to(low), to(high), color=ORANGE, linewidth=5, alpha=0.85)
    ax.plot(to(theta), y, "o", color=BLUE, markersize=4)
    _rows_named(ax, y, [called(name) for name in shown])
    if ratio:
        _ratio_axis(ax)
    return ax


def forest_plot(
    influence: Influence,
    name: str | None = None,
    *,
    ax: Axes | None = None,
    n_groups: int = 20,
    ratio: bool = False,
) -> Any:
    """One parameter without each group, with the interval of the full fit as a band.

    Parameters
    ----------
    influence : Influence
        Usually with groups.
    name : str, optional
        The parameter; it may be left out where there is only one.
    ax : matplotlib Axes, optional
    n_groups : int
        How many groups to show, those that move the parameter most, in the order of the data.
    ratio : bool
        Show exp(theta), on a logarithmic axis.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidInputError
        If there is no such parameter.

    Examples
    --------
    >>> import vifstats as vs
    >>> est = vs.minimize(vs.losses.Cox([[0.0], [1.0], [1.0], [0.0]], [1, 2, 3, 4]), [0.0])
    >>> inf = vs.vif(est, groups=["a", "a", "b", "b"])
    >>> [label.get_text() for label in forest_plot(inf).get_yticklabels()]
    ['all', 'without a', 'without b']
    """
    ax = axes_for(ax)
    j = position(influence.estimate.names, name)
    rows = np.sort(largest(influence.values[:, j], n_groups))
    theta = influence.estimate.theta[j]
    lower, upper = influence.estimate.confidence_limits()[j]
    to = _exp if ratio else np.asarray
    values = np.concatenate([[theta], theta - influence.values[rows, j]])
    y = np.arange(len(values))[::-1]
    low, high = float(to(lower)), float(to(upper))
    if np.isfinite(high):
        ax.axvspan(low, high, color=FAINT, alpha=0.15, linewidth=0)
    ax.axvline(float(to(theta)), color=FAINT, linewidth=0.8)
    ax.hlines(y, to(theta), to(values), color=BLUE, linewidth=1)
    ax.plot(to(values), y, "o", color=BLUE, markersize=4)
    _rows_named(ax, y, ["all", *[f"without {called(influence.index[i])}" for i in rows]])
    ax.set_xlabel(plain(called(influence.estimate.names[j])))
    if ratio:
        _ratio_axis(ax)
    return ax


def waterfall_plot(
    influence: Influence, name: str | None = None, *, ax: Axes | None = None, k: int = 10
) -> Any:
    """How the rows that move one parameter most add up, in standard errors, when all are removed.

    Parameters
    ----------
    influence : Influence
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
    ax = axes_for(ax)
    j = position(influence.estimate.names, name)
    rows = largest(influence.values[:, j], k)
    steps = -influence.values[rows, j] / influence.estimate.naive_errors[j]
    ends = np.cumsum(steps)
    y = np.arange(len(rows))[::-1]
    colours = [ORANGE if step < 0 else BLUE for step in steps]
    ax.axvline(0, color=FAINT, linewidth=0.6)
    ax.barh(y, steps, left=ends - steps, height=0.6, color=colours)
    ax.vlines(ends[:-1], y[1:] - 0.3, y[:-1] + 0.3, color=INK, linewidth=0.5)
    ax.use_sticky_edges = False  # the longest bar ends before the frame
    ax.autoscale(axis="x")
    _rows_named(ax, y, [f"without {called(influence.index[i])}" for i in rows])
    name = called(influence.estimate.names[j])
    ax.set_xlabel(plain(f"change of {name} so far, in standard errors"))
    return ax


def _exp(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # infinite, as the interval of a covariate that separates
        return np.exp(values)


def _rows_named(ax: Any, y: np.ndarray, names: list[str]) -> None:
    ax.set_yticks(y, [plain(name) for name in names])
    ax.set_ylim(-0.7, len(y) - 0.3)
    ax.tick_params(axis="y", length=0)


def _ratio_axis(ax: Any) -> None:
    """A logarithmic axis with plain numbers: 0.5, 1, 2."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    ax.set_xscale("log")
    low, high = ax.get_xlim()
    subs = (1.0,) if high / low > 1e3 else (1.0, 2.0, 5.0)
    ax.xaxis.set_major_locator(LogLocator(subs=subs, numticks=12))
    if len([t for t in ax.get_xticks() if low <= t <= high]) < 3:
        from matplotlib.ticker import MaxNLocator

        ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
