"""How well one influence agrees with another: scale as well as correlation.

The measures are those of docs/mathematics.md, equation (9).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats.deletion.approximations import vif
from vifstats.deletion.inputs import Source, estimate_of
from vifstats.deletion.on_target import TargetInfluence
from vifstats.deletion.refits import refit_removals
from vifstats.deletion.result import Influence
from vifstats.errors import InvalidInputError
from vifstats.tabular import Tabular

__all__ = ["Agreement", "compare", "ranks"]

# Of the largest value of a column, what is rounding.
ROUNDING = 1e-13


@dataclass(frozen=True, eq=False, repr=False)
class Agreement(Tabular):
    """Agreement of approximation a with reference r, column by column.

    Attributes
    ----------
    table : DataFrame
        One row per column of the influence: ``slope`` = sum(a r)/sum(a a), of r on a through 0;
        ``pearson``; ``spearman``; ``largest_relative_error`` = max|a - r|/max|r|;
        ``frobenius`` = ||a - r||/||r||; ``n`` rows compared, ``left_out`` rows that are nan
        on either side or missing from the reference.
    frobenius : float
        Relative Frobenius error over all columns together.
    seconds, reference_seconds : float
        Wall time of either side.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 8.0])
    >>> est = vs.minimize(vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y), [0.0])
    >>> agreement = vs.compare(vs.newton_step(est), vs.leave_one_out(est))
    >>> agreement.table[["slope", "pearson", "left_out"]].round(6).values.tolist()
    [[1.0, 1.0, 0.0]]
    """

    table: pd.DataFrame
    frobenius: float
    seconds: float
    reference_seconds: float

    @property
    def slope(self) -> pd.Series:
        """Slope of the reference on the approximation; 1 is right, correlation cannot see it."""
        return self.table["slope"]

    @property
    def pearson(self) -> pd.Series:
        """Pearson correlation."""
        return self.table["pearson"]

    @property
    def spearman(self) -> pd.Series:
        """Spearman correlation."""
        return self.table["spearman"]

    @property
    def largest_relative_error(self) -> pd.Series:
        """max|a - r| / max|r|."""
        return self.table["largest_relative_error"]

    def _heading(self) -> list[str]:
        return [
            f"Agreement: relative Frobenius error {self.frobenius:.4f}; "
            f"{self.seconds:.3g} s against {self.reference_seconds:.3g} s"
        ]

    def _leading(self, numeric: list[str]) -> str:
        return "largest_relative_error"


def compare(
    x: Influence | TargetInfluence | Source,
    y: Influence | TargetInfluence | Source | None = None,
) -> Agreement:
    """Compare an influence with a reference, usually exact refits.

    Parameters
    ----------
    x : Influence or TargetInfluence, Estimate or fitted model
        The approximation; of an estimate or a fit that of `vif`.
    y : Influence or TargetInfluence, Estimate or fitted model, optional
        The reference; of an estimate or a fit, by default that of x, exact refits without what x
        removes, on its target if it has one. Aligned by label when labels are unique, by position
        when they are not. Rows of the approximation that the reference does not have, or that are
        nan, are counted.

    Returns
    -------
    Agreement

    Raises
    ------
    InvalidInputError
        If the columns differ, or no row is on both sides.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0, 11.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> est = vs.minimize(loss, [0.0])
    >>> vs.compare(vs.vif(est), vs.leave_one_out(est)).slope.round(4).to_list()
    [1.3333]
    """
    approximation = _approximation(x)
    reference = _reference(y, approximation)
    a, r = _frame(approximation), _frame(reference)
    if list(a.columns) != list(r.columns):
        raise InvalidInputError(
            f"Both sides must have the same columns, but these are {list(a.columns)} "
            f"and {list(r.columns)}."
        )
    a, r = _aligned(a, r)
    table = pd.DataFrame([_figures(a[c].to_numpy(), r[c].to_numpy()) for c in a], index=a.columns)
    both = np.isfinite(a.to_numpy()) & np.isfinite(r.to_numpy())
    if not both.any():
        raise InvalidInputError("No row is finite on both sides, so there is nothing to compare.")
    frobenius = _relative(a.to_numpy()[both], r.to_numpy()[both], np.linalg.norm)
    return Agreement(table, frobenius, _seconds(approximation), _seconds(reference))


def _approximation(x: Any) -> Influence | TargetInfluence:
    _refuse_numbers(x)
    return x if isinstance(x, Influence | TargetInfluence) else vif(estimate_of(x))


def _reference(y: Any, x: Influence | TargetInfluence) -> Influence | TargetInfluence:
    """A result as it is; of an estimate, a fit, or nothing, the refits of what x removes."""
    if isinstance(y, Influence | TargetInfluence):
        return y
    _refuse_numbers(y)
    source = x.source if isinstance(x, TargetInfluence) else x
    if not isinstance(source, Influence):
        raise InvalidInputError(
            "Curves without a model are exact, so there are no refits to compare them with; pass "
            "another result as `y`."
        )
    est = source.estimate if y is None else estimate_of(y)
    refits = refit_removals(est, source.removals)
    return refits.on(x.target) if isinstance(x, TargetInfluence) else refits


def _refuse_numbers(side: Any) -> None:
    """Numbers alone have neither rows nor names."""
    if isinstance(side, np.ndarray | pd.Series | list | tuple):
        raise InvalidInputError(
            "`compare` takes Influence or TargetInfluence, an estimate or a fit, but got "
            f"{type(side).__name__}; pass the results themselves."
        )


def _frame(influence: Influence | TargetInfluence) -> pd.DataFrame:
    return influence.table if isinstance(influence, TargetInfluence) else influence.dfbeta


def _seconds(influence: Influence | TargetInfluence) -> float:
    return influence.source.seconds if isinstance(influence, TargetInfluence) else influence.seconds


def _aligned(a: pd.DataFrame, r: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    if a.index.equals(r.index):
        return a, r
    if not (a.index.is_unique and r.index.is_unique):
        raise InvalidInputError(
            "Rows are aligned by label, but labels occur more than once and the two sides are "
            "not the same rows in the same order; give the data a unique index."
        )
    if not a.index.isin(r.index).any():
        raise InvalidInputError(
            f"The two sides share no label: {list(a.index[:3])} ... and {list(r.index[:3])} ..."
        )
    return a, r.reindex(a.index)


def _figures(a: np.ndarray, r: np.ndarray) -> dict[str, float]:
    both = np.isfinite(a) & np.isfinite(r)
    left_out = int((~both).sum())
    a, r = a[both], r[both]
    square = float(a @ a)
    return {
        "slope": float(a @ r) / square if square > 0 else np.nan,
        "pearson": _correlation(a, r),
        "spearman": _correlation(ranks(a), ranks(r)),
        "largest_relative_error": _relative(a, r, lambda v: np.abs(v).max(initial=0.0)),
        "frobenius": _relative(a, r, np.linalg.norm),
        "n": len(a),
        "left_out": left_out,
    }


def _relative(a: np.ndarray, r: np.ndarray, size: Any) -> float:
    reference = float(size(r))
    return float(size(a - r)) / reference if reference > 0 else np.nan


def ranks(v: np.ndarray) -> np.ndarray:
    """Values that differ by rounding alone share a rank: else rows without influence have any."""
    unit = ROUNDING * np.abs(v).max(initial=0.0)
    return pd.Series(np.round(v / unit) if unit > 0 else v).rank().to_numpy()


def _correlation(a: np.ndarray, r: np.ndarray) -> float:
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(r) == 0:
        return np.nan
    a, r = a - a.mean(), r - r.mean()
    return float(a @ r / np.sqrt((a @ a) * (r @ r)))
