"""The forest plot as the field draws it: an estimate and its interval for each group left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.deletion.result import Influence
from vifstats.deletion.wald_fits import WaldFits
from vifstats.losses.effects import Effects
from vifstats.plots.sources import influence_of
from vifstats.plots.style import BLUE, FAINT, axes_for, called, largest, plain, position
from vifstats.plots.style import ratio_axis as to_ratios
from vifstats.tabular import largest_first
from vifstats.typing import Axes

__all__ = ["forest_plot"]

SORTS = ("data", "effect", "influence")


def forest_plot(
    x: Any,
    name: str | None = None,
    *,
    ax: Axes | None = None,
    n_groups: int | None = 20,
    ratio: bool | None = None,
    sort: str = "data",
    numbers: bool = True,
) -> Any:
    """One parameter with all rows and without each group: estimate, interval, and no effect.

    Parameters
    ----------
    x : GroupsLeftOut, Influence, Estimate or fitted model
        Usually with groups; `leave_one_group_out` refits, an Influence has its own method.
    name : str, optional
        The parameter; it may be left out where there is only one.
    ax : matplotlib Axes, optional
    n_groups : int, optional
        How many groups to show, those that move the parameter most; None shows all. How many are
        left out is said below.
    ratio : bool, optional
        Show exp(theta), on a logarithmic axis; default where that is what people report.
    sort : {"data", "effect", "influence"}
        The groups in the order of the data, by the estimate without them, or those that move it
        most first.
    numbers : bool
        Write beside each line what it shows, and how many rows and events each group has.

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
    checks.one_of(sort, SORTS, "sort")
    numbers = checks.flag(numbers, "numbers")
    if ratio is not None:
        checks.flag(ratio, "ratio")
    if n_groups is not None:
        checks.counting_number(n_groups, "n_groups")
    influence = influence_of(x)
    ax = axes_for(ax)
    ink = ax.xaxis.label.get_color()  # legible on what the theme draws on
    est = influence.estimate
    j = position(est.names, name)
    effects = est.effects
    ratio = effects.ratio and j in effects.shown if ratio is None else ratio
    lines = _lines(influence, j, _groups(influence.values[:, j], n_groups, sort))
    to = Effects("", "", ratio, effects.shown).of
    theta, low, high = (to(values) for values in (lines.theta, lines.low, lines.high))
    y = np.arange(len(theta))[::-1]
    ax.axvline(1.0 if ratio else 0.0, color=ink, linewidth=0.7)
    ax.axvline(float(theta[0]), color=FAINT, linewidth=0.8, linestyle="--")
    bounded = np.isfinite(low) & np.isfinite(high)
    ax.hlines(y[bounded], low[bounded], high[bounded], color=BLUE, linewidth=1.2)
    ax.plot(theta[:1], y[:1], "D", color=ink, markersize=6)
    ax.plot(theta, y, "o", color=BLUE, markersize=4)
    ax.set_yticks(y, [plain(label) for label in lines.labels])
    ax.set_ylim(-0.7, len(y) - 0.3)
    ax.tick_params(axis="y", length=0)
    what = called(est.names[j]) if not ratio else f"{effects.effect} of {called(est.names[j])}"
    hidden = len(influence.index) + 1 - len(y)
    more = f"\n{hidden} groups that move it less are not shown" if hidden else ""
    ax.set_xlabel(plain(f"{what}{more}"))
    if ratio:
        to_ratios(ax)
    if numbers:
        _numbers(ax, y, lines, (theta, low, high))
    return ax


@dataclass(frozen=True, eq=False)
class _Lines:
    """What is drawn: all rows first; how many rows, and events, a line is without."""

    labels: list[str]
    theta: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sizes: list[str]


def _groups(moves: np.ndarray, n_groups: int | None, sort: str) -> np.ndarray:
    """Which groups are shown, in which order."""
    most = len(moves) if n_groups is None else n_groups
    rows = largest(moves, most) if most < len(moves) else np.arange(len(moves))
    if sort == "influence":
        return rows[largest_first(moves[rows])]
    return np.sort(rows) if sort == "data" else rows[np.argsort(-moves[rows], kind="stable")]


def _lines(influence: Influence, j: int, rows: np.ndarray) -> _Lines:
    est, some = influence.estimate, influence.take(rows)
    with np.errstate(all="ignore"):  # nan where the estimate without the group has no number
        fits = WaldFits.of(some)
        width = fits.inference.quantile(0.975, fits.df[:, j]) * fits.errors[:, j]
    without = fits.coefficients[:, j]
    limits = est.confidence_limits()[j]
    sizes = some.removals.sizes
    counts = [f"{size:,}" for size in sizes]
    event = getattr(getattr(est.loss, "data", None), "event", None)
    if event is not None:
        events = some.removals.sums(np.asarray(event, dtype=float)).astype(int)
        counts = [f"{n}/{size}" for n, size in zip(events, counts, strict=True)]
    return _Lines(
        ["all", *(f"without {called(label)}" for label in some.index)],
        np.concatenate([est.theta[[j]], without]),
        np.concatenate([limits[:1], without - width]),
        np.concatenate([limits[1:], without + width]),
        ["events/rows" if event is not None else "rows", *counts],
    )


def _numbers(ax: Any, y: np.ndarray, lines: _Lines, shown: Sequence[np.ndarray]) -> None:
    """The counts and the numbers, to the right of the picture."""
    beside: Any = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points"}
    beside |= {"va": "center", "fontsize": "small", "color": ax.xaxis.label.get_color()}
    for place, size, *values in zip(y, lines.sizes, *shown, strict=True):
        ax.annotate(size, (1.0, place), xytext=(8, 0), **beside)
        if np.isfinite(values[0]):
            effect, low, high = (f"{value:.3g}" for value in values)
            text = f"{effect} [{low}, {high}]"
            ax.annotate(text, (1.0, place), xytext=(76, 0), **beside)
