"""What happens to a conclusion as the rows that carry it leave, one after another."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError
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
    gone, value, refits = _path(sizes, predicted, refitted)
    done = np.isfinite(refits)
    what, members = checks.plain_text(what, "what"), checks.plain_text(members, "members")
    ax = axes_for(ax)
    ax.plot(gone, value, color=BLUE, linewidth=1.2, label="predicted")
    ax.plot(
        gone[done],
        refits[done],
        "o",
        color=ORANGE,
        markersize=4,
        label="refitted",
    )
    if threshold is not None:
        ax.axhline(
            checks.finite_number(threshold, "threshold"), color=INK, linewidth=0.7, linestyle="--"
        )
    locator: Any = ax.xaxis.get_major_locator()
    locator.set_params(integer=True)
    ax.set_xlabel(plain(f"{members} removed"))
    ax.set_ylabel(plain(what))
    ax.legend(frameon=False, fontsize="small")
    return ax


def _path(sizes: Any, predicted: Any, refitted: Any) -> tuple[np.ndarray, ...]:
    """As many numbers of each, (m,); of refits some may be nan."""
    given = {"sizes": sizes, "predicted": predicted, "refitted": refitted}
    found = tuple(checks.number_array(values, name) for name, values in given.items())
    if found[0].ndim != 1 or len({part.shape for part in found}) > 1:
        shapes = [part.shape for part in found]
        raise InvalidInputError(
            "`sizes`, `predicted` and `refitted` must have the same number of entries, but have "
            f"shapes {shapes}; pass one of each for every size."
        )
    return found
