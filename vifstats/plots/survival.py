"""A survival curve with the band in which deletions of one row move it."""

from typing import Any

import numpy as np

from vifstats.errors import InvalidInputError
from vifstats.plots.style import BLUE, FAINT, ORANGE, axes_for
from vifstats.result import TargetInfluence

__all__ = ["survival_plot"]


def survival_plot(change: TargetInfluence, times: Any, *, ax: Any = None) -> Any:
    """S(t|x), and the lowest and highest it becomes without any one row.

    Parameters
    ----------
    change : TargetInfluence
        Of survival probabilities of one profile, one value for each time.
    times : array_like, shape (m,)
        The times, in the units of the fit.
    ax : matplotlib Axes, optional

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
    'probability of survival'
    """
    times = np.asarray(times, dtype=float)
    if times.shape != change.value.shape:
        raise InvalidInputError(
            f"There must be one time for each of the {len(change.value)} values of the target, "
            f"but `times` has shape {times.shape}."
        )
    ax = axes_for(ax)
    without = change.value_without
    low, high = np.nanmin(without, axis=0), np.nanmax(without, axis=0)
    middle = np.nanpercentile(without, [0.5, 99.5], axis=0)
    band = {"step": "post", "linewidth": 0}
    label = "range without one row"
    ax.fill_between(times, low, high, color=ORANGE, alpha=0.45, label=label, **band)
    ax.fill_between(times, *middle, color=FAINT, alpha=0.6, label="99 % of rows", **band)
    ax.step(times, change.value, where="post", color=BLUE, linewidth=1.2, label="all rows")
    ax.set_ylim(max(0.0, 1.3 * np.nanmin(low) - 0.3), 1)  # 0 only where the curve comes near it
    ax.set_xlabel("time")
    ax.set_ylabel("probability of survival")
    ax.legend(frameon=False, fontsize="small")
    return ax
