"""Pictures with one point for each row: against position, against time, against leverage."""

from typing import Any

import numpy as np

from vifstats import checks
from vifstats.deletion.inputs import Source
from vifstats.deletion.on_target import TargetInfluence
from vifstats.deletion.result import Influence
from vifstats.deletion.row_facts import follow_up, residuals
from vifstats.errors import InvalidInputError
from vifstats.plots.sources import influence_of, is_scaled, target_influence, values_of
from vifstats.plots.style import (
    BLUE,
    FAINT,
    HARRELL,
    ORANGE,
    RASTERISED_FROM,
    axes_for,
    dots,
    largest,
    name_rows,
    plain,
)
from vifstats.typing import Axes

__all__ = ["index_plot", "influence_plot", "target_plot", "time_plot"]


def index_plot(
    influence: Source,
    name: str | None = None,
    *,
    ax: Axes | None = None,
    n_labels: int = 5,
    line: float | None = HARRELL,
) -> Any:
    """dfbetas of one parameter, or Cook's distance, in the order of the data.

    Parameters
    ----------
    influence : Influence, TargetInfluence, Estimate or fitted model
    name : str, optional
        The parameter, or value of the target; default Cook's distance, or the first.
    ax : matplotlib Axes, optional
    n_labels : int
        How many of the largest rows are named.
    line : float, optional
        Where to look twice, drawn for a parameter: Harrell's convention by default. It is not a
        test.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidInputError
        If there is no such parameter.

    References
    ----------
    Harrell (2015), Regression Modeling Strategies, for |dfbetas| > 0.2.

    Examples
    --------
    >>> import vifstats as vs
    >>> inf = vs.vif_cox([0.0], [[0.0], [1.0], [1.0], [0.0]], [1, 1, 2, 2], [1, 1, 1, 1])
    >>> index_plot(inf, "x0").get_ylabel()
    'dfbetas of x0'
    """
    values, what, source = values_of(influence, name)
    line = None if line is None else checks.non_negative_number(line, "line")
    ax = axes_for(ax, n_labels)
    _against_position(ax, values, source, n_labels)
    if is_scaled(influence, name):
        _convention(ax, values, line)
    ax.set_ylabel(plain(what))
    return ax


def target_plot(
    change: TargetInfluence, column: int | str = 0, *, ax: Axes | None = None, n_labels: int = 5
) -> Any:
    """The influence on one value of a target, in the order of the data.

    Parameters
    ----------
    change : TargetInfluence
    column : int or str
        Which value of the target, by position or name.
    ax : matplotlib Axes, optional
    n_labels : int
        How many of the largest rows are named.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import vifstats as vs
    >>> inf = vs.vif_cox([0.0], [[0.0], [1.0], [1.0], [0.0]], [1, 1, 2, 2], [1, 1, 1, 1])
    >>> target_plot(inf.on(vs.targets.RelativeRisk([1.0]))).get_ylabel()
    'change of relative risk, full minus without'
    """
    change = target_influence(change)
    values, what, source = values_of(change, change.table.columns[change.position(column)])
    ax = axes_for(ax, n_labels)
    _against_position(ax, values, source, n_labels)
    ax.set_ylabel(plain(what))
    return ax


def time_plot(
    influence: Source,
    name: str | None = None,
    *,
    ax: Axes | None = None,
    n_labels: int = 5,
    line: float | None = HARRELL,
) -> Any:
    """dfbetas of one parameter, or Cook's distance, against the end of follow-up.

    Parameters
    ----------
    influence : Influence, TargetInfluence, Estimate or fitted model
        Of a Cox or another survival model, one row at a time.
    name : str, optional
        The parameter, or value of the target; default Cook's distance, or the first.
    ax : matplotlib Axes, optional
    n_labels : int
        How many of the largest rows are named.
    line : float, optional
        As in `index_plot`.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidInputError
        If the model has no time, groups are removed, or there is no such parameter.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [1.0], [0.0]], [1, 2, 3, 4], [1, 1, 1, 0])
    >>> inf = vs.vif(vs.minimize(loss, [0.0]))
    >>> [text.get_text() for text in time_plot(inf, "x0").get_legend().get_texts()]
    ['event', 'censored']
    """
    values, what, source = values_of(influence, name)
    line = None if line is None else checks.non_negative_number(line, "line")
    facts = follow_up(source)
    if facts is None:
        raise InvalidInputError(
            "A plot against time needs a survival model and single rows, but this result has "
            "groups or no time; use index_plot."
        )
    ax = axes_for(ax, n_labels)
    time, event = facts["time"].to_numpy(), facts["event"].to_numpy() == 1
    # above the censored ones, which are many where events are rare
    dots(ax, time[event], values[event], label="event", zorder=2.5)
    hollow = {"markerfacecolor": "none", "markeredgewidth": 0.7, "markeredgecolor": ORANGE}
    dots(ax, time[~event], values[~event], label="censored", **hollow)
    name_rows(ax, time, values, source.index, largest(values, n_labels))
    if is_scaled(influence, name):
        _convention(ax, values, line)
    above: dict[str, Any] = {
        "loc": "lower left",
        "bbox_to_anchor": (0.0, 0.98),
        "ncols": 2,
        "columnspacing": 1.0,
    }
    ax.legend(frameon=False, fontsize="small", handletextpad=0.1, borderaxespad=0.0, **above)
    ax.set_xlabel("time")
    ax.set_ylabel(plain(what))
    return ax


def influence_plot(influence: Source, *, ax: Axes | None = None, n_labels: int = 5) -> Any:
    """Residual against leverage, with the area of each point its Cook's distance.

    A Cox model has neither in the sense of least squares. There the leverage is the squared
    distance of the covariates from their mean at risk, in the metric of H^-1, and the residual
    the martingale residual; see `residuals` of ``vifstats.deletion.row_facts``.

    Parameters
    ----------
    influence : Influence, TargetInfluence, Estimate or fitted model
    ax : matplotlib Axes, optional
    n_labels : int
        How many rows of largest Cook's distance are named.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidInputError
        If groups are removed, or the loss has no leverage.

    Examples
    --------
    >>> import vifstats as vs
    >>> inf = vs.vif_cox([0.0], [[0.0], [1.0], [1.0], [0.0]], [1, 1, 2, 2], [1, 1, 1, 1])
    >>> influence_plot(inf).get_ylabel()
    'martingale residual'
    """
    source = influence_of(influence)
    pair = residuals(source)
    if pair is None:
        raise InvalidInputError(
            "A plot of residual against leverage needs single rows of a Cox model or a model with "
            "one linear predictor; use index_plot."
        )
    ax = axes_for(ax, n_labels)
    leverage, residual = pair
    values, what, _ = values_of(influence, None)
    distance = np.abs(values)
    scale = np.nanmax(distance, initial=0.0)
    area = 4 + 300 * np.nan_to_num(distance) / (scale if scale > 0 else 1.0)
    ax.axhline(0, color=FAINT, linewidth=0.6)
    many = len(area) > RASTERISED_FROM
    ax.scatter(leverage, residual, area, BLUE, alpha=0.5, linewidths=0, rasterized=many)
    ax.margins(0.08)  # whole circles
    radius = np.sqrt(area / np.pi)
    name_rows(ax, leverage, residual, source.index, largest(distance, n_labels), radius)
    cox = hasattr(source.estimate.loss, "risk_sets")
    ax.set_xlabel("squared distance from the mean at risk" if cox else "leverage")
    ax.set_ylabel("martingale residual" if cox else "standardised score residual")
    area = "size of the change" if isinstance(influence, TargetInfluence) else what
    ax.set_title(f"area: {area}", fontsize="small", loc="right")
    return ax


def _against_position(ax: Any, values: np.ndarray, influence: Influence, n_labels: int) -> None:
    place = np.arange(len(values))
    ax.axhline(0, color=FAINT, linewidth=0.6)
    if len(values) <= 1000:
        many = len(values) > RASTERISED_FROM
        ax.vlines(place, 0, values, color=BLUE, linewidth=0.6, alpha=0.6, rasterized=many)
    dots(ax, place, values)
    name_rows(ax, place, values, influence.index, largest(values, n_labels))
    what = "row" if influence.removals.single else "group"
    ax.set_xlabel(f"{what}, in the order of the data")
    ax.locator_params(axis="x", integer=True)  # there is no row 2.5


def _convention(ax: Any, values: np.ndarray, line: float | None) -> None:
    """The line, where a row comes near it: far from all rows it would only shrink the picture."""
    if line is None or np.nanmax(np.abs(values), initial=0.0) < line / 2:
        return
    for side in (-line, line):
        ax.axhline(side, color=ORANGE, linewidth=0.8, linestyle="--")
    text = f"|dfbetas| = {line:g} (Harrell)" if line == HARRELL else f"|dfbetas| = {line:g}"
    ax.set_title(text, loc="right", fontsize="small", color=ORANGE)
