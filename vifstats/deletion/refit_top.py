"""Exact refits of the few rows that matter, in the place of their approximations."""

from pathlib import Path
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.deletion.approximations import vif
from vifstats.deletion.inputs import Source, estimate_of
from vifstats.deletion.parallel import Run
from vifstats.deletion.refits import refit_removals
from vifstats.deletion.result import Influence
from vifstats.errors import InvalidInputError
from vifstats.typing import Pool

__all__ = ["refit_top"]


def refit_top(
    influence: Influence | Source,
    n: int = 10,
    *data: Any,
    n_jobs: int | None = None,
    executor: Pool | None = None,
    checkpoint: str | Path | None = None,
    progress: bool = False,
) -> Influence:
    """Refit without each of the most influential rows, and keep the rest as they are.

    An approximation is least exact where it matters most: the row that moves a coefficient far
    also moves the curvature that was held. A handful of refits mends that.

    Parameters
    ----------
    influence : Influence
        Of any method, or what `vif` takes; its groups, if any, leave whole.
    n : int, default 10
        How many rows, those of largest Cook's distance; rows that are nan come first. Rows that
        are exact already are not refitted again, but count.
    *data
        What a fitted model was fitted on, where it does not keep it.
    n_jobs : int, optional
        Workers; this and the next three are those of `leave_one_out`.
    executor : object, optional
        Instead of `n_jobs`, anything with ``submit(function, *args)``.
    checkpoint : str or Path, optional
        A folder for finished blocks of rows.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Influence
        Of the same method, ``exact`` where it was refitted. Refits that do not converge are nan,
        with the reason in ``status``.

    Raises
    ------
    ConvergenceError, InvalidInputError, InvalidTypeError
        As `leave_one_out`.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 8.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> influence = vs.vif(vs.minimize(loss, [0.0]))
    >>> mended = vs.refit_top(influence, 1)
    >>> mended.values.ravel().round(3).tolist(), mended.exact.tolist()
    ([-1.0, -0.333, 2.0], [False, False, True])
    """
    n = checks.whole_number(n, "n")
    if isinstance(influence, Influence) and data:
        raise InvalidInputError(
            "Data must come with a fitted model, but an Influence has its own; leave them out."
        )
    if not isinstance(influence, Influence):
        influence = vif(estimate_of(influence, *data))
    run = Run.of(n_jobs, executor, checkpoint, progress=progress)
    size = np.nan_to_num(influence.cooks_distance.to_numpy(), nan=np.inf)
    top = np.argsort(-size, kind="stable")[:n]
    rows = np.sort(top[~influence.exact[top]])
    if not len(rows):
        return influence
    removals = influence.removals.take(rows)
    refits = refit_removals(influence.estimate, removals, run)
    return influence.with_rows(rows, refits)
