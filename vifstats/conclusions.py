"""Conclusions that hang on one row or one group: signs and significances that change without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate
from vifstats.influence import newton_step
from vifstats.refits import leave_one_out
from vifstats.result import Influence
from vifstats.targets.parameter import standard_errors_without

__all__ = ["Conclusions", "GroupsLeftOut", "conclusions", "leave_one_group_out"]

# Rows that would change a conclusion if their influence were this much larger are refitted too.
MARGIN = 0.5


@dataclass(frozen=True, eq=False)
class Conclusions:
    """Which single rows, or groups, change the sign or the significance of a coefficient.

    Attributes
    ----------
    changes : DataFrame
        One line for each change that a refit confirms or one Newton step predicts: parameter, row
        (or group), what changes ("sign", "significance lost", "significance gained"), whether it
        was predicted and is confirmed, coefficient and p-value on all data, predicted and
        refitted, and the status of the refit.
    level : float
        Of significance.
    n_removals, n_refits : int
        Rows, or groups, looked at, and those of them near enough to a change to be refitted.
    """

    changes: pd.DataFrame
    level: float
    n_removals: int
    n_refits: int

    def to_frame(self) -> pd.DataFrame:
        """The table of changes."""
        return self.changes.copy()

    def __repr__(self) -> str:
        head = (
            f"Conclusions at level {self.level:g}: {len(self.changes)} changes by one of "
            f"{self.n_removals} removals ({self.n_refits} refitted)"
        )
        if self.changes.empty:
            return head
        shown = ["parameter", "row", "change", "p", "p_predicted", "p_refitted", "status"]
        return f"{head}\n{self.changes[shown].to_string(index=False, float_format='{:.4f}'.format)}"


def conclusions(
    est: Estimate, *, level: float = 0.05, groups: Any = None, objects: Any = None
) -> Conclusions:
    """Find the rows, or groups, without which a coefficient changes its sign or significance.

    Parameters
    ----------
    est : Estimate
    level : float
        p-values are Wald's, two-sided, by the normal distribution.
    groups : array_like, shape (n_rows,), optional
        One label per row of the data; whole groups are removed.
    objects : sequence of labels or boolean mask, optional
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
    _require_level(level)
    removals = est.removals(groups, objects)
    _require_rest(removals.sizes, est.loss.n_objects)
    predicted = _Fits.of(newton_step(est, groups=groups, objects=objects))
    near = np.flatnonzero(predicted.beyond(MARGIN).changes(level).any(axis=(1, 2)))
    everyone = np.zeros(len(removals), dtype=bool)
    everyone[near] = True
    rows = everyone if objects is None else _within(est, groups, objects, everyone)
    refits = leave_one_out(est, groups=groups, objects=rows)
    table = _table(predicted.take(near), _Fits.of(refits), refits, level)
    return Conclusions(table, level, len(removals), len(near))


@dataclass(frozen=True, eq=False)
class GroupsLeftOut:
    """The fit without each group, refitted.

    Attributes
    ----------
    table : DataFrame
        One line per group and parameter: rows of the group, coefficient, standard error and
        p-value without it, the change in standard errors of the full fit, whether the sign or the
        significance changes, and the status of the refit.
    level : float
    """

    table: pd.DataFrame
    level: float

    def to_frame(self) -> pd.DataFrame:
        """The table, by group and parameter."""
        return self.table.copy()

    def __repr__(self) -> str:
        n_groups = self.table.index.get_level_values(0).nunique()
        return f"{n_groups} groups left out in turn, refitted\n{self.table.to_string()}"


def leave_one_group_out(est: Estimate, groups: Any, *, level: float = 0.05) -> GroupsLeftOut:
    """Refit without each site, family, period or other group, and say what changes.

    Parameters
    ----------
    est : Estimate
    groups : array_like, shape (n_rows,)
        One label per row of the data.
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
    _require_level(level)
    refits = leave_one_out(est, groups=groups)
    _require_rest(refits.removals.sizes, est.loss.n_objects)
    fits = _Fits.of(refits)
    sign, lost, gained = np.moveaxis(fits.changes(level), -1, 0)
    k, p = fits.coefficients.shape
    index = pd.MultiIndex.from_product([refits.index, est.names], names=["group", "parameter"])
    table = pd.DataFrame(
        {
            "rows": np.repeat(refits.removals.sizes, p),
            "coefficient": fits.coefficients.ravel(),
            "standard_error": fits.errors.ravel(),
            "p_value": fits.p_values.ravel(),
            "dfbetas": (refits.values / est.standard_errors).ravel(),
            "sign_changes": sign.ravel(),
            "significance_changes": (lost | gained).ravel(),
            "status": np.repeat(refits.status.to_numpy(), p),
        },
        index=index,
    )
    return GroupsLeftOut(table, level)


@dataclass(frozen=True, eq=False)
class _Fits:
    """Coefficients and standard errors of the full fit (p,) and without each removal (k, p)."""

    full: np.ndarray
    full_errors: np.ndarray
    coefficients: np.ndarray
    errors: np.ndarray

    @classmethod
    def of(cls, influence: Influence) -> "_Fits":
        est = influence.estimate
        thetas = est.theta - influence.values
        errors = standard_errors_without(est, est.loss, thetas, influence.removals)
        return cls(est.theta, est.standard_errors, thetas, errors)

    @property
    def p_values(self) -> np.ndarray:
        return _p_values(self.coefficients, self.errors)

    @property
    def full_p_values(self) -> np.ndarray:
        return _p_values(self.full, self.full_errors)

    def take(self, rows: np.ndarray) -> "_Fits":
        return _Fits(self.full, self.full_errors, self.coefficients[rows], self.errors[rows])

    def beyond(self, share: float) -> "_Fits":
        """With every change enlarged by a share of it."""
        further = self.coefficients + share * (self.coefficients - self.full)
        errors = self.errors * (self.errors / self.full_errors) ** share
        return _Fits(self.full, self.full_errors, further, errors)

    def changes(self, level: float) -> np.ndarray:
        """Whether the sign changes, significance is lost, is gained: (k, p, 3)."""
        bound = -ndtri(level / 2)
        before = np.abs(self.full / self.full_errors) > bound
        z = np.abs(self.coefficients / self.errors)
        sign = self.coefficients * self.full < 0
        return np.stack([sign, before & (z <= bound), ~before & (z > bound)], axis=-1)


CHANGES = ("sign", "significance lost", "significance gained")


def _table(predicted: _Fits, refitted: _Fits, refits: Influence, level: float) -> pd.DataFrame:
    foreseen, found = predicted.changes(level), refitted.changes(level)
    # the largest change of z first within each parameter
    row, parameter, kind = np.nonzero(foreseen | found)
    order = np.lexsort((refitted.p_values[row, parameter], kind, parameter))
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


def _within(est: Estimate, groups: Any, objects: Any, chosen: np.ndarray) -> np.ndarray:
    """A mask over all rows of the result, from one over the objects asked for."""
    every = est.removals(groups)
    mask = np.zeros(len(every), dtype=bool)
    mask[every.positions(objects)[chosen]] = True
    return mask


def _p_values(coefficients: np.ndarray, errors: np.ndarray) -> np.ndarray:
    return 2 * ndtr(-np.abs(coefficients / errors))


def _require_level(level: float) -> None:
    if not 0 < level < 1:
        raise InvalidInputError(f"`level` must be between 0 and 1, but is {level!r}.")


def _require_rest(sizes: np.ndarray, n_objects: int) -> None:
    if (sizes == n_objects).any():
        raise InvalidInputError(
            "A removal must leave something behind, but one group is everything; pass a column "
            "with several labels."
        )
