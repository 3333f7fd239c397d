"""Who moves which target, by how much."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vifstats.targets.base import Target
from vifstats.typing import Axes

if TYPE_CHECKING:  # it imports this module
    from vifstats.deletion.result import Influence

__all__ = ["TargetInfluence"]


@dataclass(frozen=True, eq=False)
class TargetInfluence:
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

    def to_frame(self) -> pd.DataFrame:
        """Influence with one column per target value."""
        return pd.DataFrame(self.influence, index=self.index, columns=list(self._names))

    def top(self, n: int = 10, column: int = 0) -> pd.DataFrame:
        """The n rows that move one target value most."""
        size = -np.nan_to_num(np.abs(self.influence[:, column]), nan=-1.0)
        order = np.argsort(size, kind="stable")[:n]
        return self.to_frame().iloc[order]

    def largest(self, n: int = 10) -> pd.DataFrame:
        """The n rows that move each target value most, a line for each of them.

        Returns
        -------
        DataFrame, shape (n * m, 3)
            ``target``, ``row`` and ``influence``; of each target the largest first.
        """
        size = np.nan_to_num(np.abs(self.influence), nan=-1.0)
        n = min(n, len(size))
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

    def __repr__(self) -> str:
        return (
            f"TargetInfluence of {len(self.index)} removals on {len(self.value)} values\n"
            f"  method: {self.source.method}; sign: full data minus without the row"
            f"{self._missing()}"
        )

    @property
    def _names(self) -> tuple[str, ...]:
        return self.target.names_of(len(self.value))

    def _missing(self) -> str:
        n_missing = int(np.isnan(self.influence).any(axis=1).sum())
        return f"\n  nan: {n_missing} rows; see status" if n_missing else ""
