"""What happens to a conclusion as the rows that carry it leave, one after another."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vifstats.plots.style import BLUE, INK, ORANGE, axes_for, plain
from vifstats.typing import Axes

__all__ = ["set_path_plot"]


def set_path_plot(
    sizes: Sequence[int],
    predicted: Sequence[float],
    refitted: Sequence[float],
    *,
    threshold: float | None = None,
    what: str = "value",
    members: str = "rows",
    ax: Axes | None = None,
) -> Any:
    """A quantity without the most influential rows, predicted and refitted, by their number.

    Parameters
    ----------
    sizes : sequence of int, shape (m,)
        How many rows are gone.
    predicted, refitted : sequence of float, shape (m,)
        The quantity without them; nan where it was not refitted.
    threshold : float, optional
        Where the conclusion changes.
    what : str
        What the quantity is called.
    members : str
        What those who leave are called.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> ax = set_path_plot([0, 1, 2], [2.1, 2.0, 1.9], [2.1, 1.97, 1.82], threshold=1.96, what="z")
    >>> ax.get_xlabel()
    'rows removed'
    """
    ax = axes_for(ax)
    ax.plot(sizes, predicted, color=BLUE, linewidth=1.2, label="predicted")
    done = np.isfinite(np.asarray(refitted, dtype=float))
    ax.plot(
        np.asarray(sizes)[done],
        np.asarray(refitted, dtype=float)[done],
        "o",
        color=ORANGE,
        markersize=4,
        label="refitted",
    )
    if threshold is not None:
        ax.axhline(threshold, color=INK, linewidth=0.7, linestyle="--")
    locator: Any = ax.xaxis.get_major_locator()
    locator.set_params(integer=True)
    ax.set_xlabel(plain(f"{members} removed"))
    ax.set_ylabel(plain(what))
    ax.legend(frameon=False, fontsize="small")
    return ax
