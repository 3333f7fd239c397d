"""Conclusions that hang on one row or one group: signs and significances that change without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.deletion.inputs import Source, estimate_of, named_column
from vifstats.deletion.methods import newton_of
from vifstats.deletion.refits import refit_removals
from vifstats.deletion.result import Influence
from vifstats.deletion.wald_fits import WaldFits, require_rest
from vifstats.estimate import Estimate
from vifstats.removals import Removals
from vifstats.tabular import Tabular
from vifstats.typing import Groups, Objects

__all__ = ["Conclusions", "conclusions", "outlook"]

# Rows that would change a conclusion if their influence were this much larger are refitted too.
MARGIN = 0.5
# Lines of the table in the repr.
SHOWN = 12
CHANGES = ("sign", "significance lost", "significance gained")


@dataclass(frozen=True, eq=False, repr=False)
class Conclusions(Tabular):
    """Which single rows, or groups, change the sign or the significance of a coefficient.

    Attributes
    ----------
    changes : DataFrame
        One line for each change that a refit confirms: parameter, row
        (or group), what changes ("sign", "significance lost", "significance gained"), whether it
        was predicted and is confirmed, coefficient and p-value on all data, predicted and
        refitted, and the status of the refit.
    separated : Index
        Rows, or groups, without which the estimate diverges.
    level : float
        Of significance.
    n_removals, n_refits : int
        Rows, or groups, looked at, and those of them near enough to a change to be refitted.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([0.3, 0.5, -0.6, 3.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> est = vs.minimize(loss, [0.0], names=["mean"])
    >>> conclusions(est, level=0.2)
    Conclusions at level 0.2: 1 changes by one of 4 removals (1 refitted)
      mean: significance lost by 1
              row             change      p p_predicted p_refitted
    parameter
    mean        3  significance lost  0.110       0.908      0.908
    """

    changes: pd.DataFrame
    separated: pd.Index
    level: float
    n_removals: int
    n_refits: int

    @property
    def table(self) -> pd.DataFrame:
        """The same as `changes`."""
        return self.changes

    def _heading(self) -> list[str]:
        lines = [
            f"Conclusions at level {self.level:g}: {len(self.changes)} changes by one of "
            f"{self.n_removals} removals ({self.n_refits} refitted)"
        ]
        if len(self.separated):
            lines.append(f"  the estimate diverges without {list(self.separated[:SHOWN])}")
        count = self.changes.groupby(["parameter", "change"], sort=False).size()
        return [*lines, *(f"  {name}: {change} by {n}" for (name, change), n in count.items())]

    def _shown(self) -> pd.DataFrame:
        columns = ["row", "change", "p", "p_predicted", "p_refitted"]
        return self.changes.set_index("parameter")[columns]

    def _leading(self, numeric: list[str]) -> str:
        return "p_refitted"


def conclusions(
    x: Source,
    *data: Any,
    level: float = 0.05,
    groups: "Groups | str | None" = None,
    objects: Objects | None = None,
) -> Conclusions:
    """Find the rows, or groups, without which a coefficient changes its sign or significance.

    Parameters
    ----------
    x : Estimate, Influence or fitted model
    *data
        What a fitted model was fitted on, where it does not keep it.
    level : float
        Of significance; p-values are those of the fit's own inference, two-sided: its covariance,
        computed again without the row, and z or t.
    groups : array_like, shape (n_rows,), optional
        One label per row of the data; whole groups are removed.
    objects : sequence of labels or bool mask, optional
        The rows to look at; default all.

    Returns
    -------
    Conclusions

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([0.3, 0.5, -0.6, 3.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> found = conclusions(vs.minimize(loss, [0.0], names=["mean"]), level=0.2)
    >>> found.changes[["row", "change", "confirmed"]].to_numpy().tolist()
    [[3, 'significance lost', True]]
    """
    checks.proportion(level, "level")
    groups, est = named_column(groups, x, data), estimate_of(x, *data)
    removals = est.removals(groups, objects)
    require_rest(removals.sizes, est.loss.n_objects)
    foreseen = outlook(est, removals, level)
    near = np.flatnonzero(foreseen.near.any(axis=(1, 2)))
    refits = refit_removals(est, removals.take(near))
    table = _table(foreseen.fits.take(near), WaldFits.of(refits), refits, level)
    separated = removals.labels[est.loss.separated(est.theta, removals)]
    return Conclusions(table, separated, level, len(removals), len(near))


@dataclass(frozen=True, eq=False)
class Outlook:
    """What one Newton step foresees after each removal, and which of it asks for a refit."""

    fits: WaldFits
    near: np.ndarray  # bool (n_removals, n_params, 3): the kinds of `CHANGES`


def outlook(est: Estimate, removals: Removals, level: float) -> Outlook:
    """The conclusions that are foreseen to change, or that come near to it."""
    newton = newton_of(est, removals)
    with np.errstate(all="ignore"):  # nan out of the domain, where no step predicts anything
        fits = WaldFits.of(newton)
    no_guide = newton.outside | newton.indefinite
    return Outlook(fits, fits.beyond(MARGIN).changes(level) | no_guide[:, None, None])


def _table(
    predicted: WaldFits, refitted: WaldFits, refits: Influence, level: float
) -> pd.DataFrame:
    foreseen, found = predicted.changes(level), refitted.changes(level)
    row, parameter, kind = np.nonzero(found)
    # by parameter and kind, the row that goes furthest first
    distance = np.abs(refitted.z - refitted.full / refitted.full_errors)[row, parameter]
    order = np.lexsort((-distance, kind, parameter))
    row, parameter, kind = row[order], parameter[order], kind[order]
    at = row, parameter
    names: Sequence[str] = refits.estimate.names
    return pd.DataFrame(
        {
            "parameter": np.array(names, dtype=object)[parameter],
            "row": refits.index[row],
            "change": np.array(CHANGES, dtype=object)[kind],
            "predicted": foreseen[row, parameter, kind],
            "confirmed": found[row, parameter, kind],
            "coefficient": predicted.full[parameter],
            "coefficient_predicted": predicted.coefficients[at],
            "coefficient_refitted": refitted.coefficients[at],
            "p": predicted.full_p_values[parameter],
            "p_predicted": predicted.p_values[at],
            "p_refitted": refitted.p_values[at],
            "status": refits.status.to_numpy()[row],
        }
    )
