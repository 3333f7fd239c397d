"""The result of a stream of rows: what was reduced on the way, and where the rest is."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.tabular import Tabular

__all__ = ["StreamedInfluence"]


@dataclass(frozen=True, eq=False, repr=False)
class StreamedInfluence(Tabular):
    """The influence of rows that were never in memory together: full data minus without the row.

    Attributes
    ----------
    method : {"vif", "if"}
    theta : ndarray, shape (n_params,)
    names : tuple of str
    gradient : ndarray, shape (n_params,)
        Of the loss at theta, which is 0 at the minimum.
    hessian, covariance : ndarray, shape (n_params, n_params)
        H, and dispersion * H^-1.
    robust : ndarray, shape (n_params, n_params), or None
        The infinitesimal jackknife covariance, if it was asked for.
    top : DataFrame or None
        The largest rows, the largest first, by their number among all rows.
    path : Path or None
        The folder of Parquet files, in order, with one line for each row of the data.
    n_rows, n_chunks : int
    seconds : float
    steps : int
        Newton steps that were taken from the theta that was given.

    Examples
    --------
    >>> import vifstats as vs
    >>> rows = pd.DataFrame({"t": [1.0, 2.0, 3.0, 4.0], "x": [0.0, 1.0, 0.0, 1.0]})
    >>> found = vs.streaming.cox(
    ...     [0.0], [rows[:2], rows[2:]], time="t", columns=["x"], top=1
    ... )
    >>> found
    Influence of 4 rows in 2 chunks on ['x']
      method: vif; sign: full data minus without the row
      theta:  after 3 Newton steps from the start
      kept:   the 1 largest rows in `top`
               x cooks_distance
    row
    3    -0.8551         0.4754
    """

    method: str
    theta: np.ndarray
    names: tuple[str, ...]
    gradient: np.ndarray
    hessian: np.ndarray
    covariance: np.ndarray
    robust: np.ndarray | None
    top: pd.DataFrame | None = field()  # type: ignore[assignment]  # all that is kept of rows
    path: Path | None
    n_rows: int
    n_chunks: int
    seconds: float
    steps: int = 0

    @property
    def params(self) -> pd.Series:
        """The parameters by name."""
        return pd.Series(self.theta, index=list(self.names), name="theta")

    def cov_params(self, kind: str = "naive") -> pd.DataFrame:
        """Covariance of the parameters.

        Parameters
        ----------
        kind : {"naive", "robust"}
            "robust" needs ``robust=True`` in the call that made this result.

        Returns
        -------
        DataFrame, shape (n_params, n_params)
        """
        values = {"naive": self.covariance, "robust": self.robust}[
            checks.one_of(kind, ("naive", "robust"), "kind")
        ]
        if values is None:
            raise InvalidInputError(
                "The robust covariance is a sum over all rows, but was not asked for; pass "
                "robust=True when the rows are read."
            )
        return pd.DataFrame(values, index=list(self.names), columns=list(self.names))

    @property
    def table(self) -> pd.DataFrame:
        """The largest rows, the largest first; no lines where none were asked for."""
        return pd.DataFrame(columns=list(self.names)) if self.top is None else self.top

    def _heading(self) -> list[str]:
        kept = [] if self.path is None else [f"rows in {str(self.path)!r}"]
        kept += [] if self.top is None else [f"the {len(self.top)} largest rows in `top`"]
        kept += [] if self.robust is None else ["robust covariance"]
        steps = "step" if self.steps == 1 else "steps"
        moved = f"  theta:  after {self.steps} Newton {steps} from the start"
        return [
            f"Influence of {self.n_rows} rows in {self.n_chunks} chunks on {list(self.names)}",
            f"  method: {self.method}; sign: full data minus without the row",
            *([moved] if self.steps else []),
            f"  kept:   {'; '.join(kept) or 'gradient and Hessian'}",
        ]
