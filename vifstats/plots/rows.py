"""Pictures with one point for each row: against position, against time, against leverage."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.checks.disclosure import FEWEST
from vifstats.deletion.infinite_ends import is_separating
from vifstats.deletion.inputs import Source
from vifstats.deletion.on_target import TargetInfluence
from vifstats.deletion.result import Influence
from vifstats.deletion.row_facts import follow_up, residuals
from vifstats.errors import InvalidInputError
from vifstats.plots.sources import influence_of, target_influence
from vifstats.plots.style import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    RASTERISED_FROM,
    axes_for,
    called,
    dots,
    largest,
    name_rows,
    plain,
)
from vifstats.plots.style import position as parameter
from vifstats.typing import Axes

__all__ = [
    "counts_plot",
    "distribution_plot",
    "index_plot",
    "influence_plot",
    "target_plot",
    "time_plot",
]

HARRELL = 0.2
# So many rows near 0 would hide the few that matter: their numbers go on a logarithmic axis.
MANY_ROWS = 100
# A longer name has a line to itself.
LONG_NAME = 22


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
    values, what, source = _values(influence, name)
    line = None if line is None else checks.non_negative_number(line, "line")
    ax = axes_for(ax, n_labels)
    _against_position(ax, values, source, n_labels)
    if _is_scaled(influence, name):
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
    values, what, source = _values(change, change.table.columns[change.position(column)])
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
    values, what, source = _values(influence, name)
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
    if _is_scaled(influence, name):
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
    values, what, _ = _values(influence, None)
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
    values, what, _ = _values(influence, name)
    line = None if line is None else checks.non_negative_number(line, "line")
    ax = axes_for(ax)
    known = values[np.isfinite(values)]
    ax.hist(known, bins=min(30, max(5, len(known) // 10)), color=BLUE)
    if len(known) > MANY_ROWS:
        ax.set_yscale("log", nonpositive="clip")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("")
    if (
        _is_scaled(influence, name)
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
    ax.set_xlabel(plain(f"{unit}, by |dfbetas| of{_space(name)}{called(name)}"))
    return ax


def _values(x: Source, name: str | None) -> tuple[np.ndarray, str, Influence]:
    """One number for each row, what it is, and the influence on the parameters it is of."""
    if isinstance(x, TargetInfluence):
        k = x.position(name)
        absent = "without" if x.source.wording.past == "removed" else "edited"
        what = f"change of {called(x.table.columns[k])}, full minus {absent}"
        return x.influence[:, k], what, x.source
    influence = influence_of(x)
    if name is None:
        return influence.cooks_distance.to_numpy(), "Cook's distance", influence
    j = parameter(influence.estimate.names, name)
    # what is predicted without a row that separates means nothing
    values = np.where(is_separating(influence), np.nan, influence.dfbetas.to_numpy()[:, j])
    return values, f"dfbetas of{_space(name)}{called(name)}", influence


def _space(name: str) -> str:
    """The separator before a name: a long name has a line of its own."""
    return "\n" if len(str(name)) > LONG_NAME else " "


def _is_scaled(x: Source, name: str | None) -> bool:
    """Whether the numbers are dfbetas, of which there is a convention."""
    return name is not None and not isinstance(x, TargetInfluence)


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
