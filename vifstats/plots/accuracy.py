"""Pictures of how far an approximation can be trusted: against refits, and where it errs."""

from typing import Any

import numpy as np

from vifstats import checks
from vifstats.checks.arrays import numbers
from vifstats.deletion.agreement import compare
from vifstats.deletion.result import Influence
from vifstats.errors import InvalidInputError
from vifstats.plots.style import FAINT, axes_for, called, dots, largest, name_rows, plain, position
from vifstats.typing import Axes

__all__ = ["agreement_plot", "error_plot"]


def agreement_plot(
    approximation: Influence,
    refits: Influence,
    name: str | None = None,
    *,
    ax: Axes | None = None,
    n_labels: int = 3,
) -> Any:
    """Exact refits against prediction, in standard errors, with the line y = x.

    Parameters
    ----------
    approximation, refits : Influence
        The same rows in the same order.
    name : str, optional
        The parameter; default all of them in one picture.
    ax : matplotlib Axes, optional
    n_labels : int
        How many of the rows furthest from the line are named.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidInputError
        If the two sides cannot be compared, or there is no such parameter.

    Examples
    --------
    >>> import vifstats as vs
    >>> X, T, E = [[0.0], [1.0], [1.0], [0.0], [1.0]], [1, 2, 3, 4, 5], [1, 1, 1, 1, 1]
    >>> est = vs.minimize(vs.losses.Cox(X, T, E), [0.0])
    >>> agreement_plot(vs.vif(est), vs.leave_one_out(est)).get_xlabel()
    'predicted dfbetas'
    """
    _require_both(approximation, refits)
    ax = axes_for(ax, n_labels)
    columns = slice(None) if name is None else position(approximation.estimate.names, name)
    a, r = (side.dfbetas.to_numpy()[:, columns].ravel() for side in (approximation, refits))
    ends = [np.nanmin([a, r]), np.nanmax([a, r])]
    ax.plot(ends, ends, color=FAINT, linewidth=0.8, zorder=0)
    _name_the_line(ax, ends)
    dots(ax, a, r)
    labels = [
        called(label) for label in approximation.index for _ in range(len(a) // len(refits.index))
    ]
    name_rows(ax, a, r, labels, largest(r - a, n_labels))
    of = "" if name is None else plain(f" of {called(name)}")
    ax.set_xlabel(f"predicted dfbetas{of}")
    ax.set_ylabel(f"refitted dfbetas{of}")
    return ax


def _require_both(approximation: Any, refits: Any) -> None:
    """Two results of the same rows."""
    for name, side in (("approximation", approximation), ("refits", refits)):
        checks.instance(side, Influence, name, "vs.vif(est)")
    compare(approximation, refits)


def _name_the_line(ax: Any, ends: list[float]) -> None:
    """Below it, at three quarters: rows that are named stand at its ends, or far from it."""
    at = ends[0] + 0.75 * (ends[1] - ends[0])
    where: Any = {"xytext": (5, -3), "textcoords": "offset points", "ha": "left", "va": "top"}
    ax.annotate("y = x", (at, at), fontsize="small", color=FAINT, **where)


def error_plot(
    approximation: Influence,
    refits: Influence,
    against: np.ndarray,
    *,
    ax: Axes | None = None,
    xlabel: str = "number at risk",
    n_labels: int = 3,
) -> Any:
    """The error of each refitted row, in standard errors, against what may explain it.

    Parameters
    ----------
    approximation, refits : Influence
        The same rows in the same order.
    against : ndarray, shape (n_removals,)
        Such as the size of the last risk set of each row; where it is nan a row is not drawn.
    ax : matplotlib Axes, optional
    xlabel : str
        What ``against`` is.
    n_labels : int
        How many of the largest errors are named.

    Returns
    -------
    matplotlib Axes
        The largest error over the parameters, on a logarithmic scale where it can be.

    Examples
    --------
    >>> import vifstats as vs
    >>> X, T, E = [[0.0], [1.0], [1.0], [0.0], [1.0]], [1, 2, 3, 4, 5], [1, 1, 1, 1, 1]
    >>> est = vs.minimize(vs.losses.Cox(X, T, E), [0.0])
    >>> error_plot(vs.vif(est), vs.leave_one_out(est), np.arange(5)).get_xlabel()
    'number at risk'
    """
    _require_both(approximation, refits)
    explaining = numbers(against, "`against`")
    xlabel = checks.plain_text(xlabel, "xlabel")
    if explaining.shape != (len(refits.index),):
        raise InvalidInputError(
            f"`against` must have an entry for each of the {len(refits.index)} rows, but has shape "
            f"{explaining.shape}; pass one for each."
        )
    ax = axes_for(ax, n_labels)
    error = np.abs(approximation.dfbetas.to_numpy() - refits.dfbetas.to_numpy()).max(axis=1)
    dots(ax, explaining, error)
    name_rows(ax, explaining, error, refits.index, largest(error, n_labels))
    ax.set_ylim(bottom=0)
    ax.set_xlabel(plain(xlabel))
    ax.set_ylabel("error, in standard errors")
    return ax
