"""A survival curve with the band in which deletions of one row move it."""

from typing import Any

import numpy as np

from vifstats import checks
from vifstats.deletion.on_target import TargetInfluence
from vifstats.errors import InvalidInputError
from vifstats.plots.sources import target_influence
from vifstats.plots.style import BLUE, FAINT, ORANGE, axes_for, plain
from vifstats.typing import ArrayLike1D, Axes, Times

__all__ = ["survival_change_plot", "survival_plot"]

MIDDLE = (0.5, 99.5)  # percentiles that hold 99 % of rows


def survival_plot(
    change: TargetInfluence,
    times: Times,
    *,
    ax: Axes | None = None,
    curve: tuple[Times, ArrayLike1D] | None = None,
    unit: str | None = None,
) -> Any:
    """S(t|x), and the lowest and highest it becomes without any one row.

    A curve is a staircase with a step at each event: at fewer times give it as ``curve``, and the
    band is joined by lines.

    Parameters
    ----------
    change : TargetInfluence
        Of survival probabilities of one profile, one value for each time.
    times : array_like, shape (m,)
        The times, in the units of the fit.
    ax : matplotlib Axes, optional
    curve : tuple of array_like, shape (k,), optional
        All event times and the curve of all rows at them; default ``times`` and ``change.value``.
    unit : str, optional
        What is left out, in the plural, such as "patients"; default "rows", or "groups".

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidInputError
        If there is not one time for each value.

    Examples
    --------
    >>> import vifstats as vs
    >>> inf = vs.vif_cox([0.0], [[0.0], [1.0], [1.0], [0.0]], [1, 1, 2, 2], [1, 1, 1, 1])
    >>> def survival(theta, b, loss):
    ...     return np.array([0.9, 0.5]) ** np.exp(theta[0])
    >>> survival_plot(inf.on(survival), [1.0, 2.0]).get_ylabel()
    'event-free survival'
    """
    times = _one_for_each(times, change)
    at, values = _curve(curve, times, change)
    ax = axes_for(ax)
    low = _bands(ax, change, times, change.value_without, len(at) == len(times), unit)
    ax.step(at, values, where="post", color=BLUE, linewidth=1.2, label="all rows")
    ax.set_ylim(max(0.0, 1.3 * np.nanmin(low) - 0.3), 1)  # 0 only where the curve comes near it
    ax.set_xlabel("time")
    ax.set_ylabel("event-free survival")
    ax.legend(frameon=False, fontsize="small")
    return ax


def survival_change_plot(
    change: TargetInfluence,
    times: Times,
    *,
    ax: Axes | None = None,
    stairs: bool = True,
    unit: str | None = None,
) -> Any:
    """How far deletions of one row move S(t|x), in percentage points, drawn large.

    Parameters
    ----------
    change : TargetInfluence
        Of survival probabilities of one profile, one value for each time.
    times : array_like, shape (m,)
        The times, in the units of the fit.
    ax : matplotlib Axes, optional
    stairs : bool
        Whether these are all event times, so that nothing changes between them; else they are
        joined by lines.
    unit : str, optional
        What is left out, in the plural, such as "patients"; default "rows", or "groups".

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidInputError
        If there is not one time for each value.

    Examples
    --------
    >>> import vifstats as vs
    >>> inf = vs.vif_cox([0.0], [[0.0], [1.0], [1.0], [0.0]], [1, 1, 2, 2], [1, 1, 1, 1])
    >>> def survival(theta, b, loss):
    ...     return np.array([0.9, 0.5]) ** np.exp(theta[0])
    >>> survival_change_plot(inf.on(survival), [1.0, 2.0]).get_ylabel()
    'change, in percentage points'
    """
    times, stairs = _one_for_each(times, change), checks.flag(stairs, "stairs")
    ax = axes_for(ax)
    ax.axhline(0, color=BLUE, linewidth=1.2)
    _bands(ax, change, times, -100 * change.influence, stairs, unit)
    ax.set_xlabel("time")
    ax.set_ylabel("change, in percentage points")
    ax.legend(frameon=False, fontsize="small")
    return ax


def _curve(curve: Any, times: np.ndarray, change: TargetInfluence) -> tuple[np.ndarray, np.ndarray]:
    """Times of the curve, and its values."""
    if curve is None:
        return times, change.value
    if not isinstance(curve, tuple) or len(curve) != 2:
        raise InvalidInputError(
            f"`curve` must be times and values, but is {curve!r:.60}; pass a tuple of the two."
        )
    at, values = (checks.finite_array(part, "curve") for part in curve)
    if at.ndim != 1 or at.shape != values.shape:
        raise InvalidInputError(
            f"`curve` must have one value for each time, but has shapes {at.shape} and "
            f"{values.shape}; pass as many."
        )
    return at, values


def _one_for_each(times: Any, change: TargetInfluence) -> np.ndarray:
    values = target_influence(change).value
    times = np.asarray(checks.finite_array(times, "times"))
    if times.shape != values.shape:
        raise InvalidInputError(
            f"There must be one time for each of the {len(values)} values of the target, "
            f"but `times` has shape {times.shape}. Pass the times that the target was made with."
        )
    return times


def _bands(
    ax: Any,
    change: TargetInfluence,
    times: np.ndarray,
    values: np.ndarray,
    stairs: bool,
    unit: str | None,
) -> np.ndarray:
    """The range of each column, and of the middle 99 % of removals; returns the lower end."""
    if unit is None:
        unit = "rows" if change.source.removals.single else "groups"
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    middle = np.nanpercentile(values, MIDDLE, axis=0)
    band: Any = {"step": "post" if stairs else None, "linewidth": 0}
    unit = plain(checks.plain_text(unit, "unit"))
    label = f"range without one of the {unit}"
    ax.fill_between(times, low, high, color=ORANGE, alpha=0.45, label=label, **band)
    ax.fill_between(times, *middle, color=FAINT, alpha=0.6, label=f"99 % of {unit}", **band)
    return low
