"""The one-line call for any fitted model: exact where that is cheap, else the nearest to it."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.deletion.approximations import classical_if, newton_step, vif
from vifstats.deletion.in_time import approximate, forecast, refit_rest, truncated_in_time
from vifstats.deletion.inputs import estimate_of, named_column
from vifstats.deletion.refit_top import refit_top as with_refits
from vifstats.deletion.refits import leave_one_out
from vifstats.deletion.result import Influence
from vifstats.deletion.truncated_refits import truncated_refits
from vifstats.errors import InvalidTypeError
from vifstats.estimate import Estimate
from vifstats.typing import FittedModel, Groups, Objects

__all__ = ["influence"]

# A method by its short name, and by that of the function.
METHODS: dict[str, Callable[..., Influence]] = {
    "vif": vif,
    "if": classical_if,
    "classical_if": classical_if,
    "newton": newton_step,
    "newton_step": newton_step,
    "refit": leave_one_out,
    "leave_one_out": leave_one_out,
    "truncated": truncated_refits,
    "truncated_refits": truncated_refits,
}
# Options of refits, which only the functions that refit take.
OF_REFITS = {"n_jobs", "executor", "checkpoint", "shard", "progress", "max_steps"}
# Where refitting everything takes too long, at least this many of the largest are refitted.
FEWEST = 10


def influence(
    fit: "FittedModel | Estimate | Influence",
    *data: Any,
    method: str = "auto",
    groups: "Groups | str | None" = None,
    objects: Objects | None = None,
    refit_top: int = 0,
    seconds: float = 10.0,
    **options: Any,
) -> Influence:
    """Influence of every row, or group, on a fitted model: exact where that takes no time.

    Parameters
    ----------
    fit : fitted model, Estimate or Influence
        Of any library in the table of the README.
    *data
        What the model was fitted on, where it does not keep it, as in `from_model`.
    method : {"auto", "vif", "if", "newton", "refit", "truncated"}
        "auto" refits without every row where that is predicted to take less than ``seconds``, from
        the time that a few take; else it is "vif" with as many of the largest rows refitted as
        there is time for, or "truncated" where one step misses much, as in mixed models, and
        there is time for two. The functions' own names are taken too.
    groups : array_like, shape (n_rows,), or str, optional
        One label per row, or the name of a column of the data: groups leave whole.
    objects : sequence of labels or bool mask, optional
        The rows of the result to compute; default all.
    refit_top : int, default 0
        Refit without each of this many rows of largest Cook's distance.
    seconds : float, default 10.0
        Of "auto".
    **options
        As in `from_model`.

    Returns
    -------
    Influence
        ``exact`` says which rows were refitted.

    Raises
    ------
    InvalidInputError, InvalidTypeError, UnsupportedModelError, DataMismatchError
        As `from_model`.

    Examples
    --------
    >>> from statsmodels.regression.linear_model import OLS
    >>> import vifstats as vs
    >>> fit = OLS([1.0, 3.0, 8.0], [[1.0], [1.0], [1.0]]).fit()
    >>> vs.influence(fit).params_without.to_numpy().ravel().round(3).tolist()
    [5.5, 4.5, 2.0]
    """
    checks.one_of(method, ["auto", *METHODS], "method")
    refit_top = checks.whole_number(refit_top, "refit_top")
    seconds = checks.non_negative_number(seconds, "seconds")
    if of_refits := sorted(OF_REFITS & set(options)):
        raise InvalidTypeError(
            f"The options of influence are those of the fitted model, but {of_refits} say how to "
            "refit; call leave_one_out with them, or truncated_refits."
        )
    groups = named_column(groups, fit, data)
    est = estimate_of(fit, *data, **options)
    compute = _exact_where_cheap(seconds) if method == "auto" else METHODS[method]
    found = compute(est, groups=groups, objects=objects)
    return with_refits(found, refit_top) if refit_top else found


def _exact_where_cheap(seconds: float) -> Callable[..., Influence]:
    """The method "auto", with a limit in seconds."""

    def auto(est: Estimate, *, groups: Any, objects: Any) -> Influence:
        start, removals = perf_counter(), est.removals(groups, objects)
        known = forecast(est, removals, seconds)
        if known.seconds <= seconds:
            return refit_rest(est, removals, known)
        if np.isfinite(known.seconds):
            left = seconds - (perf_counter() - start)
            if (found := truncated_in_time(est, removals, left)) is not None:
                return approximate(found, known)
        found = vif(est, groups=groups, objects=objects)
        if not np.isfinite(known.seconds):
            return found  # the fit itself lies at infinity, as `status` says
        left = seconds - (perf_counter() - start)
        n = max(FEWEST, int(left / known.seconds * len(removals)))
        return approximate(with_refits(found, n), known)

    return auto
