"""Who moves which target, by how much."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.tabular import Tabular, largest_first
from vifstats.targets.base import Target, as_target, value_of
from vifstats.typing import Axes

if TYPE_CHECKING:  # it imports this module
    from vifstats.deletion.result import Influence

__all__ = ["TargetInfluence", "extremes", "influence_on"]

# Lines and columns of influence that are shown.
SHOWN, SHOWN_VALUES = 5, 6


@dataclass(frozen=True, eq=False, repr=False)
class TargetInfluence(Tabular):
    """The change of a target when each row is removed: full minus without.

    Attributes
    ----------
    source : Influence
        The parameter influence it was computed from.
    target : Target
    value : ndarray, shape (m,)
        The target on the full data.
    influence : ndarray, shape (n_removals, m)
        f(full) - f(without the row).

    Examples
    --------
    The square of a mean, a target of our own:

    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 8.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> influence = vs.newton_step(vs.minimize(loss, [0.0]))
    >>> influence.on(lambda theta, b, loss: theta**2).value_without.ravel()
    array([30.25, 20.25,  4.  ])
    """

    source: "Influence"
    target: Target
    value: np.ndarray
    influence: np.ndarray

    @property
    def index(self) -> pd.Index:
        """The user's label of each row."""
        return self.source.index

    @property
    def value_without(self) -> np.ndarray:
        """The target without each row, shape (n_removals, m)."""
        return self.value - self.influence

    @property
    def status(self) -> pd.Series:
        """What to know of each row: that of `Influence.status`, or why a value is nan."""
        status = self.source.status.rename("status")
        bad = np.isnan(self.influence).any(axis=1) & status.isin(["ok", "no influence"]).to_numpy()
        return status.mask(bad, self.target.undefined or "the target is nan")

    @property
    def table(self) -> pd.DataFrame:
        """Influence with one column per target value."""
        return pd.DataFrame(self.influence, index=self.index, columns=list(self._names))

    @property
    def ranges(self) -> pd.DataFrame:
        """Each value of the target, and the lowest and highest it becomes without one row."""
        ends = extremes(self.value_without, self.index)
        return pd.DataFrame({"value": self.value, **ends}, index=list(self._names))

    def top(
        self, n: int = 10, by: str | int | None = None, *, column: int | None = None
    ) -> pd.DataFrame:
        """The n rows that move one target value most.

        Parameters
        ----------
        n : int
        by : str or int, optional
            Which value of the target, by name or position; default the first.
        column : int, optional
            The same, by position.

        Returns
        -------
        DataFrame, shape (n, m)
        """
        n = checks.whole_number(n, "n")
        size = self.influence[:, self.position(column if by is None else by)]
        return self.to_frame().iloc[largest_first(size)[:n]]

    def position(self, by: str | int | None) -> int:
        """Which value of the target is meant, by name or position; None is the first."""
        if isinstance(by, str):
            return self._names.index(checks.one_of(by, list(self._names), "by"))
        column = 0 if by is None else checks.whole_number(by, "column")
        if column >= len(self.value):
            raise InvalidInputError(
                f"`column` must be one of the {len(self.value)} values of the target, but is "
                f"{column}; count them from 0."
            )
        return column

    def largest(self, n: int = 10) -> pd.DataFrame:
        """The n rows that move each target value most, a line for each of them.

        Returns
        -------
        DataFrame, shape (n * m, 3)
            ``target``, ``row`` and ``influence``; of each target the largest first.
        """
        size = np.nan_to_num(np.abs(self.influence), nan=-1.0)
        n = min(checks.whole_number(n, "n"), len(size))
        some = np.sort(np.argpartition(-size, n - 1, axis=0)[:n], axis=0)
        falling = np.argsort(-np.take_along_axis(size, some, axis=0), axis=0, kind="stable")
        rows = np.take_along_axis(some, falling, axis=0).T.ravel()
        columns = np.repeat(np.arange(len(self.value)), n)
        return pd.DataFrame(
            {
                "target": np.asarray(self._names, dtype=object)[columns],
                "row": self.index[rows],
                "influence": self.influence[rows, columns],
            }
        )

    def plot(self, column: int = 0, *, ax: Axes | None = None, **options: Any) -> Any:
        """Influence against row; see `vifstats.plots.target_plot`."""
        from vifstats import plots  # a named exception of the import order

        return plots.target_plot(self, column, ax=ax, **options)

    def _heading(self) -> list[str]:
        n_missing = int(np.isnan(self.influence).any(axis=1).sum())
        words = self.source.wording
        return [
            f"TargetInfluence of {len(self.index)} {words.many} on {len(self.value)} values",
            f"  method: {self.source.method}; sign: full data minus {words.one}",
            *([f"  nan: {n_missing} rows; see status"] if n_missing else []),
            *([f"  the largest changes of {self._names[0]}:"] if len(self.value) else []),
        ]

    def _shown(self) -> pd.DataFrame:
        if not len(self.value):
            return pd.DataFrame()
        return self.top(SHOWN).iloc[:, :SHOWN_VALUES]

    def _for_paper(self) -> pd.DataFrame:
        return self.ranges

    @property
    def _names(self) -> tuple[str, ...]:
        return self.target.names_of(len(self.value))


def influence_on(source: "Influence", target: "Target | Callable", linear: bool) -> TargetInfluence:
    """The influence of every row on a target, as `Influence.on`."""
    bound = as_target(target).bind(source.estimate)
    loss, theta, removals = source.estimate.loss, source.estimate.theta, source.removals
    value = value_of(bound, theta, loss.everyone(), loss)
    if not len(removals):
        influence = np.empty((0, len(value)))
    elif linear:
        influence = bound.linear_influence(loss, theta, source.values, removals)
    else:
        without = bound.values_without(loss, theta - source.values, removals)
        if without.shape[1] != len(value):
            raise InvalidInputError(
                "A target must have as many values with all rows as without one, but has "
                f"{len(value)} and {without.shape[1]}; return nan for those that are missing."
            )
        influence = value - without
    return TargetInfluence(source, bound, value, influence)


def extremes(without: np.ndarray, index: pd.Index) -> dict[str, np.ndarray]:
    """The lowest and highest of each column of (n, m), and the labels of the rows they are without.

    Nan, and no label, where a column has no number.
    """
    found: dict[str, np.ndarray] = {}
    labels = np.empty(len(index) + 1, dtype=object)
    labels[:-1], labels[-1] = index.to_list(), ""
    values = np.vstack([without, np.full(without.shape[1], np.nan)])
    for name, side in (("lowest", 1.0), ("highest", -1.0)):
        where = np.argmin(np.nan_to_num(side * values, nan=np.inf), axis=0)
        where[~np.isfinite(without).any(axis=0)] = len(index)
        found[name] = values[where, np.arange(values.shape[1])]
        found[f"{name}_without"] = labels[where]
    return found
