"""IF, VIF and the Newton step against refits of one fit: which of them is enough here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats.deletion.agreement import compare
from vifstats.deletion.approximations import vif
from vifstats.deletion.inputs import Source, estimate_of
from vifstats.deletion.methods import classical_of, newton_of, vif_of
from vifstats.deletion.refits import leave_one_out
from vifstats.deletion.result import Influence
from vifstats.tabular import Tabular
from vifstats.typing import Objects

__all__ = ["MethodComparison", "against", "compare_methods"]

# Up to this many rows all are refitted; else half as many of the largest, and as many others.
ALL_ROWS = 500
METHODS: dict[str, Callable[..., Influence]] = {
    "if": classical_of,
    "vif": vif_of,
    "newton": newton_of,
}


@dataclass(frozen=True, eq=False, repr=False)
class MethodComparison(Tabular):
    """How each method agrees with exact refits of the same rows.

    Attributes
    ----------
    table : DataFrame
        One row per method: the worst slope (furthest from 1), Pearson, Spearman and largest
        relative error over the parameters; ``frobenius`` of all parameters in standard errors;
        ``n`` rows compared, ``left_out`` those that are nan on either side, and ``seconds``.
    n_rows : int
        How many rows the fit has.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 8.0])
    >>> est = vs.minimize(vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y), [0.0])
    >>> compare_methods(est).table["slope"].round(3).to_dict()
    {'if': 1.5, 'vif': 1.5, 'newton': 1.0}
    """

    table: pd.DataFrame
    n_rows: int

    def _heading(self) -> list[str]:
        n = int(self.table["n"].max())
        return [f"Methods against refits of {n} of {self.n_rows} rows (a slope of 1 is right):"]

    def _leading(self, numeric: list[str]) -> str:
        return "frobenius"


def compare_methods(x: Source, *data: Any, objects: Objects | None = None) -> MethodComparison:
    """The classical influence function, VIF and the Newton step against exact refits of this fit.

    Parameters
    ----------
    x : Estimate, Influence or fitted model
    *data
        What a fitted model needs besides itself.
    objects : sequence of labels or bool mask, optional
        The rows to refit; default all up to 500, else the 250 of largest Cook's distance and 250
        others at even steps.

    Returns
    -------
    MethodComparison

    Raises
    ------
    InvalidInputError
        If no row is finite on both sides.

    References
    ----------
    docs/mathematics.md, equations (4), (5), (6) and (9).

    Examples
    --------
    >>> import vifstats as vs
    >>> X, T, E = [[0.0], [1.0], [0.5], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1]
    >>> est = vs.minimize(vs.losses.Cox(X, T, E), [0.0])
    >>> list(vs.compare_methods(est).table.index)
    ['if', 'vif', 'newton']
    """
    est = estimate_of(x, *data)
    mask = _chosen(est) if objects is None else objects
    lines = against(leave_one_out(est, objects=mask))
    return MethodComparison(pd.DataFrame.from_dict(lines, orient="index"), len(est.removals()))


def against(exact: Influence) -> dict[str, dict[str, Any]]:
    """How each method agrees with these refits, by its name; the worst over the parameters.

    Raises InvalidInputError if no row is finite on both sides.
    """
    est, lines = exact.estimate, {}
    for name, method in METHODS.items():
        if name == "if" and not est.loss.fractional:
            continue  # it has no meaning between present and absent
        found = method(est, exact.removals)
        agreement = compare(found, exact)
        scaled = (found.values - exact.values) / est.naive_errors
        whole = np.isfinite(scaled)
        reference = exact.values / est.naive_errors
        lines[name] = {
            "slope": _worst(agreement.slope, 1.0),
            "pearson": agreement.pearson.min(),
            "spearman": agreement.spearman.min(),
            "largest_relative_error": agreement.largest_relative_error.max(),
            "frobenius": np.linalg.norm(scaled[whole]) / np.linalg.norm(reference[whole]),
            "n": int(agreement.table["n"].max()),
            "left_out": int(agreement.table["left_out"].max()),
            "seconds": found.seconds,
        }
    return lines


def _chosen(est: Any) -> np.ndarray:
    """Which rows are refitted, a bool mask."""
    removals = est.removals()
    n = len(removals)
    if n <= ALL_ROWS:
        return np.ones(n, dtype=bool)
    order = np.argsort(-np.nan_to_num(vif(est).cooks_distance.to_numpy()))
    rest = order[ALL_ROWS // 2 :]
    some = rest[np.linspace(0, len(rest) - 1, ALL_ROWS - ALL_ROWS // 2).astype(int)]
    mask = np.zeros(n, dtype=bool)
    mask[order[: ALL_ROWS // 2]] = mask[some] = True
    return mask


def _worst(values: pd.Series, right: float) -> float:
    known = values.dropna()
    return float(known.loc[(known - right).abs().idxmax()]) if len(known) else np.nan
