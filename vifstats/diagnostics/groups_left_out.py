"""The table of a model without each of its groups: sites, families, periods."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.deletion.inputs import Source, estimate_of, named_column
from vifstats.deletion.refits import leave_one_out
from vifstats.deletion.result import Influence
from vifstats.deletion.wald_fits import WaldFits, require_rest
from vifstats.errors import InvalidInputError
from vifstats.losses import Cox, FineGray
from vifstats.tabular import Tabular
from vifstats.typing import Groups

__all__ = ["GroupsLeftOut", "leave_one_group_out"]


@dataclass(frozen=True, eq=False, repr=False)
class GroupsLeftOut(Tabular):
    """The fit without each group, refitted.

    Attributes
    ----------
    table : DataFrame
        One line per group and parameter: rows (and events) of the group, coefficient, standard
        error, p-value and 95 % limits without it, the change in standard errors of the full fit,
        whether the sign or the significance changes, and the status of the refit.
    level : float
    influence : Influence
        Of each group, refitted: what the table was computed from.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([0.3, 0.5, -0.6, 3.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> est = vs.minimize(loss, [0.0], names=["mean"])
    >>> found = leave_one_group_out(est, ["a", "a", "b", "b"])
    >>> found.table.loc[("b", "mean"), "p_value"].round(3)
    np.float64(0.572)
    """

    table: pd.DataFrame
    level: float
    influence: Influence

    def _heading(self) -> list[str]:
        n_groups = self.table.index.get_level_values(0).nunique()
        return [f"{n_groups} groups left out in turn, refitted"]

    def _shown(self) -> pd.DataFrame:
        columns = ["coefficient", "lower_95", "upper_95", "p_value", "dfbetas", "status"]
        return self.table[["rows", *columns]]

    def _leading(self, numeric: list[str]) -> str:
        return "dfbetas"


def leave_one_group_out(
    x: Source, groups: "Groups | str | None" = None, *data: Any, level: float = 0.05
) -> GroupsLeftOut:
    """Refit without each site, family, period or other group, and say what changes.

    Parameters
    ----------
    x : Estimate, Influence or fitted model
    groups : array_like, shape (n_rows,), or str, optional
        One label per row of the data, or the name of a column; default the estimate's own.
    *data
        What a fitted model was fitted on, where it does not keep it.
    level : float
        Of significance.

    Returns
    -------
    GroupsLeftOut

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([0.3, 0.5, -0.6, 3.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> est = vs.minimize(loss, [0.0], names=["mean"])
    >>> leave_one_group_out(est, ["a", "a", "b", "b"]).table["coefficient"].round(2).to_list()
    [1.2, 0.4]
    """
    checks.proportion(level, "level")
    groups, est = named_column(groups, x, data), estimate_of(x, *data)
    if groups is None and est.groups is None:
        raise InvalidInputError(
            "`groups` must be one label per row, but is None; use leave_one_out for single rows."
        )
    refits = leave_one_out(est, groups=groups)
    require_rest(refits.removals.sizes, est.loss.n_objects)
    fits = WaldFits.of(refits)
    sign, lost, gained = np.moveaxis(fits.changes(level), -1, 0)
    _, p = fits.coefficients.shape
    width = fits.inference.quantile(0.975, fits.df) * fits.errors
    index = pd.MultiIndex.from_product([refits.index, est.names], names=["group", "parameter"])
    table = pd.DataFrame(
        {
            "rows": np.repeat(refits.removals.sizes, p),
            **_events(refits, p),
            "coefficient": fits.coefficients.ravel(),
            "standard_error": fits.errors.ravel(),
            "p_value": fits.p_values.ravel(),
            "lower_95": (fits.coefficients - width).ravel(),
            "upper_95": (fits.coefficients + width).ravel(),
            "dfbetas": (refits.values / est.naive_errors).ravel(),
            "sign_changes": sign.ravel(),
            "significance_changes": (lost | gained).ravel(),
            "status": np.repeat(refits.status.to_numpy(), p),
        },
        index=index,
    )
    return GroupsLeftOut(table, level, refits)


def _events(refits: Influence, n_params: int) -> dict[str, np.ndarray]:
    """How many events are in each group, where the model has events."""
    loss = refits.estimate.loss
    if not isinstance(loss, Cox | FineGray):
        return {}
    events = refits.removals.sums(loss.data.event.astype(int))
    return {"events": np.repeat(events, n_params)}
