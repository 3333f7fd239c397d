"""The most influential rows of a fit, confirmed by refits, and how far to trust the others."""

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import pandas as pd

from vifstats.agreement import Agreement, compare
from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate
from vifstats.refits import leave_one_out
from vifstats.result import Influence
from vifstats.shortcuts import METHODS

__all__ = ["METHODS", "Findings", "find"]

RANDOM_ROWS = 50
SEED = 0
Z95 = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, eq=False)
class Findings:
    """What a reader is told about a fit; `find` makes it.

    Attributes
    ----------
    influence : Influence
        One row per removal; those in `refitted` are exact.
    top : ndarray of int
        Positions of the most influential rows, the largest Cook's distance first.
    refitted : ndarray of int
        Positions of the rows that were refitted: the top ones and a random sample.
    agreement : Agreement or None
        Of the method with the refits, before they replaced its rows. None where nothing can be
        compared: every row was refitted, or no refit converged.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> find(vs.minimize(loss, [0.0]), top=1).hazard_ratios_without.shape
    (1, 1)
    """

    influence: Influence
    top: np.ndarray
    refitted: np.ndarray
    agreement: Agreement | None

    @property
    def hazard_ratios(self) -> pd.DataFrame:
        """Hazard ratio with its 95 % confidence interval (naive), one row per parameter."""
        params, margin = self.influence.params, Z95 * self.influence.estimate.standard_errors
        log_ratios = {
            "hazard_ratio": params,
            "lower_95": params - margin,
            "upper_95": params + margin,
        }
        return np.exp(pd.DataFrame(log_ratios))

    @property
    def hazard_ratios_without(self) -> pd.DataFrame:
        """Hazard ratios without each of the top rows."""
        return np.exp(self.influence.params_without.iloc[self.top])


def find(
    estimate: Estimate, method: str = "vif", *, top: int = 10, progress: bool = False
) -> Findings:
    """Compute the influence of every row, and refit without the top ones and a random sample.

    Parameters
    ----------
    estimate : Estimate
    method : {"vif", "if", "newton", "refit"}
    top : int
        How many of the most influential rows to refit.
    progress : bool
        Show a progress bar over the refits.

    Returns
    -------
    Findings

    Raises
    ------
    InvalidInputError
        If the method is unknown or `top` is negative.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0, 11.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> found = find(vs.minimize(loss, [0.0]), top=2)
    >>> found.top
    array([3, 0])
    """
    if method not in METHODS:
        raise InvalidInputError(f"`method` must be one of {list(METHODS)}, but is {method!r}.")
    if top < 0:
        raise InvalidInputError(f"`top` must be >= 0, but is {top}.")
    if method == "refit":
        exact = leave_one_out(estimate, progress=progress)
        everyone = np.arange(len(exact.index))
        return Findings(exact, _largest(exact, everyone)[:top], everyone, None)
    influence = METHODS[method](estimate)
    everyone = np.arange(len(influence.index))
    first = _largest(influence, everyone)[:top]
    refitted = np.union1d(first, _random_rows(everyone))
    refits = leave_one_out(estimate, objects=np.isin(everyone, refitted), progress=progress)
    agreement = None if refits.failed.all() else compare(influence, refits)
    confirmed = _with_refits(influence, refitted, refits)
    return Findings(confirmed, _largest(confirmed, first), refitted, agreement)


def _largest(influence: Influence, rows: np.ndarray) -> np.ndarray:
    """These rows, the largest Cook's distance first; rows that are nan last."""
    distances = influence.cooks_distance.to_numpy()[rows]
    return rows[np.argsort(-np.nan_to_num(distances, nan=-1.0), kind="stable")]


def _random_rows(rows: np.ndarray) -> np.ndarray:
    draw = np.random.default_rng(SEED).permutation(rows)
    return draw[:RANDOM_ROWS]


def _with_refits(influence: Influence, rows: np.ndarray, refits: Influence) -> Influence:
    values, exact, failed = (
        influence.values.copy(),
        influence.exact.copy(),
        influence.failed.copy(),
    )
    values[rows], exact[rows], failed[rows] = refits.values, refits.exact, refits.failed
    return replace(influence, values=values, exact=exact, failed=failed)
