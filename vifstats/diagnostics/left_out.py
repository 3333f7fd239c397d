"""The question asked most: what would the model be without these rows, all of them together?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.deletion.inputs import Source, estimate_of, named_column
from vifstats.deletion.refits import refit_removals
from vifstats.deletion.result import Influence
from vifstats.deletion.wald_fits import WaldFits, require_rest
from vifstats.errors import InvalidInputError
from vifstats.losses.effects import shown_columns, wald_table
from vifstats.tabular import Tabular
from vifstats.targets.base import Target
from vifstats.typing import Groups, Objects

__all__ = ["LeftOut", "leave_out"]

# So many labels are listed, more are counted.
FEW = 10
# What it means where there is no number.
UNBOUNDED = {
    "separation": "the estimate diverges without them",
    "undefined": "without them the loss has no value: their information is singular",
    "did not converge": "the refit did not converge",
}


@dataclass(frozen=True, eq=False, repr=False)
class LeftOut(Tabular):
    """The model with all rows, and refitted without some of them.

    Attributes
    ----------
    members : Index
        Labels of the rows, or groups, that were left out together.
    influence : Influence
        Of the one removal, refitted: what `table` was computed from.
    fits : WaldFits
        Coefficients and standard errors with and without the rows.
    level : float
        Of the confidence limits.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([0.3, 0.5, -0.6, 3.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> found = leave_out(vs.minimize(loss, [0.0], names=["mean"]), [2, 3])
    >>> found.table["p_value"].round(3).to_dict()
    {('mean', 'all'): 0.11, ('mean', 'without'): 0.572}
    """

    members: pd.Index
    influence: Influence
    fits: WaldFits
    level: float = 0.95

    @property
    def table(self) -> pd.DataFrame:
        """The table of the model, with all rows and without these, a line for each parameter.

        A DataFrame by parameter and rows ("all" or "without"), with the columns of
        `Estimate.summary`; nan where the refit has no finite answer.
        """
        est, fits = self.influence.estimate, self.fits
        sides = {
            "all": (fits.full, fits.full_errors, fits.full_df),
            "without": (fits.coefficients[0], fits.errors[0], fits.df[0]),
        }
        tables = [
            wald_table(est.effects, est.names, theta, errors, fits.inference, df, self.level)
            for theta, errors, df in sides.values()
        ]
        both = pd.concat(tables, keys=list(sides), names=["rows", "parameter"])
        return both.swaplevel().reindex(
            pd.MultiIndex.from_product([est.names, sides], names=["parameter", "rows"])
        )

    @property
    def status(self) -> str:
        """What to know of the refit, as in `Influence.status`: "ok", "separation", ..."""
        return str(self.influence.status.iloc[0])

    def on(self, target: "Target | Callable") -> pd.DataFrame:
        """Any target with all rows and without these.

        Parameters
        ----------
        target : Target or callable
            As in `Influence.on`.

        Returns
        -------
        DataFrame, shape (m, 3)
            Columns all, without and change (all minus without), a line for each value.
        """
        change = self.influence.on(target)
        columns = {"all": change.value, "without": change.value_without[0]}
        index = pd.Index(change.table.columns, name="target")
        return pd.DataFrame({**columns, "change": change.influence[0]}, index=index)

    def __len__(self) -> int:
        return len(self.members)

    def _heading(self) -> list[str]:
        rows, n = list(self.members[:FEW]), int(self.influence.removals.sizes[0])
        more = f" ... ({len(self)} in all)" if len(self) > FEW else ""
        lines = [f"LeftOut: {n} of {self.influence.removals.n_objects} rows, refitted without"]
        lines.append(f"  left out: {rows}{more}")
        if self.status in UNBOUNDED:
            lines.append(f"  {UNBOUNDED[self.status]}")
        return lines

    def _shown(self) -> pd.DataFrame:
        what = self.influence.estimate.effects
        return shown_columns(self.table, what)

    def _leading(self, numeric: list[str]) -> str:
        return "coefficient"


def leave_out(
    x: Source,
    rows: Objects,
    *data: Any,
    groups: "Groups | str | None" = None,
    level: float = 0.95,
) -> LeftOut:
    """Refit a model without some rows, all of them together, and show it beside the full fit.

    Parameters
    ----------
    x : Estimate, Influence or fitted model
    rows : sequence of labels or bool mask
        The rows to leave out; with groups, the groups.
    *data
        What a fitted model was fitted on, where it does not keep it.
    groups : array_like, shape (n_rows,), or str, optional
        One label per row, or the name of a column of the data: then `rows` are of these labels.
    level : float
        Of the confidence limits.

    Returns
    -------
    LeftOut
        ``table`` has coefficients, intervals and p-values with all rows and without these;
        ``on(target)`` any target.

    Raises
    ------
    InvalidInputError
        If a row is unknown, or nothing would be left out, or nothing left.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([0.3, 0.5, -0.6, 3.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> est = vs.minimize(loss, [0.0], names=["mean"])
    >>> vs.leave_out(est, [True, False, False, True]).table["coefficient"].round(3).to_list()
    [0.8, -0.05]
    """
    checks.proportion(level, "level")
    groups, est = named_column(groups, x, data), estimate_of(x, *data)
    removals = est.removals(groups)
    if groups is None and isinstance(x, Influence):
        removals = x.removals  # its groups, or its rows
    positions = removals.positions(rows, "rows")
    together = removals.together(positions)
    if not together.sizes[0]:
        raise InvalidInputError(
            "Rows to leave out must be rows of the fit, but none of these is; name some, by label "
            "or by a mask."
        )
    if est.loss.empties:
        require_rest(together.sizes, est.loss.n_objects)
    refit = refit_removals(est, together)
    with np.errstate(all="ignore"):  # nan where the refit has no finite answer
        fits = WaldFits.of(refit)
    return LeftOut(removals.labels[positions], refit, fits, level)
