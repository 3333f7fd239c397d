"""Leave-one-out cross-validation without the refits: the log likelihood of each row left out.

The contribution of row i is what it adds to the log likelihood at the parameters without it,
l(theta(-i)) - l_-i(theta(-i)): for sums over rows its own term, for Cox's partial likelihood also
what it changes in the terms of others (docs/mathematics.md, equation (32)).
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.deletion.approximations import newton_step, vif
from vifstats.deletion.inputs import Source, estimate_of, named_column
from vifstats.deletion.refits import leave_one_out
from vifstats.deletion.result import Influence
from vifstats.errors import InvalidInputError
from vifstats.losses import Cox
from vifstats.losses.base import Loss
from vifstats.losses.cox.concordance import concordance
from vifstats.losses.firth import Firth
from vifstats.removals import Removals
from vifstats.tabular import Tabular
from vifstats.typing import Groups

__all__ = ["CrossValidation", "cross_validated_loglik"]

METHODS: dict[str, Callable[..., Influence]] = {
    "newton": newton_step,
    "vif": vif,
    "refit": leave_one_out,
}
# Removals evaluated together.
BLOCK = 512
# Rows that are shown.
SHOWN = 5


@dataclass(frozen=True, eq=False, repr=False)
class CrossValidation(Tabular):
    """A cross-validated log likelihood.

    Attributes
    ----------
    contributions : Series
        l(theta(-i)) - l_-i(theta(-i)) of each row, or group.
    concordance : float
        Of each row's linear predictor at the parameters without it, for Cox; else nan.
    method : {"newton", "vif", "refit"}
    seconds : float
        Wall time.

    Examples
    --------
    >>> import vifstats as vs
    >>> X, T, E = [[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1]
    >>> found = cross_validated_loglik(vs.minimize(vs.losses.Cox(X, T, E), [0.0]))
    >>> round(found.loglik, 3), round(found.concordance, 3)
    (-8.839, 0.583)
    """

    contributions: pd.Series
    concordance: float
    method: str
    seconds: float

    @property
    def loglik(self) -> float:
        """The sum of the contributions; nan if a refit has no finite answer."""
        return float(self.contributions.sum(skipna=False))

    @property
    def table(self) -> pd.DataFrame:
        """The contributions as a column."""
        return self.contributions.to_frame()

    def _shown(self) -> pd.DataFrame:
        return self.top(SHOWN)

    def _heading(self) -> list[str]:
        missing = int(self.contributions.isna().sum())
        return [
            f"CrossValidation of {len(self.contributions)} rows by {self.method}: log likelihood "
            f"{self.loglik:.4f}, concordance {self.concordance:.4f}, {self.seconds:.3g} s"
            f"{f'; {missing} rows have no finite estimate without them' if missing else ''}",
            "  the largest contributions:",
        ]


def cross_validated_loglik(
    est: Source, *data: Any, method: str = "newton", groups: "Groups | str | None" = None
) -> CrossValidation:
    """The leave-one-out cross-validated (partial) log likelihood and concordance.

    Parameters
    ----------
    est : Estimate
        A penalty is held, and is not part of the contributions.
    *data
        What a fitted model was fitted on, where it does not keep it.
    method : {"newton", "vif", "refit"}
        How the parameters without each row are found. With "newton" and "vif" the contributions to
        Cox's partial likelihood are expanded about theta^, in near-linear time: to second order in
        dfbeta for "newton", to first for "vif". All else is evaluated as it is.
    groups : array_like, shape (n_rows,), optional
        One label per row of the data; whole groups are left out.

    Returns
    -------
    CrossValidation

    References
    ----------
    Verweij & van Houwelingen (1993), Statistics in Medicine 12, Eq. 3.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> cross_validated_loglik(vs.minimize(loss, [0.0])).contributions.to_list()
    [-4.5, 0.0, -4.5]
    """
    groups = named_column(groups, est, data)
    est = estimate_of(est, *data)
    est.require_value("A cross-validated likelihood")
    start = perf_counter()
    influence = METHODS[checks.one_of(method, list(METHODS), "method")](est, groups=groups)
    values = _contributions(influence)
    labels = influence.index
    return CrossValidation(
        contributions=pd.Series(values, index=labels, name="contribution"),
        concordance=_concordance(influence),
        method=method,
        seconds=perf_counter() - start,
    )


def _contributions(influence: Influence) -> np.ndarray:
    est, removals, d = influence.estimate, influence.removals, influence.values
    # a ridge, held, cancels; Firth's penalty would not
    loss = est.loss.plain if isinstance(est.loss, Firth) else est.loss
    if isinstance(loss, Cox) and loss is est.loss and influence.method != "refit":
        D = loss.gradient_differences(est.theta, removals)
        # c(theta^ - d) = c(theta^) + D'd - d'(H - H_-i)d / 2, and H_-i d = -D for a Newton step
        first = np.einsum("kp,kp->k", D, d)
        c = -loss.value_differences(est.theta, removals) + first
        if influence.method == "newton":
            c -= 0.5 * (first + np.einsum("kp,pq,kq->k", d, est.hessian, d, optimize=True))
        return c
    thetas = est.theta - d
    owned = loss.owned_mask(removals, len(est.theta))
    if owned is not None and owned.any():
        raise InvalidInputError(
            "A row left out must have a likelihood at the parameters without it, but here some "
            "parameters vanish with it."
        )
    nobody = Removals(np.full(removals.n_objects, -1), removals.labels)
    return _values(loss, thetas, removals) - _values(loss, thetas, nobody)


def _values(loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
    parts = [loss.reduced_slopes(thetas[part], some)[0] for part, some in removals.blocks(BLOCK)]
    return np.concatenate(parts)


def _concordance(influence: Influence) -> float:
    est = influence.estimate
    loss, codes = est.loss, influence.removals.codes
    if not isinstance(loss, Cox) or not np.isfinite(influence.values).all():
        return float("nan")
    thetas = np.concatenate([est.theta - influence.values, est.theta[None]])
    score = np.einsum("np,np->n", loss.data.X, thetas[codes]) + loss.data.offset
    order = loss.risk_sets.order
    return concordance(loss.risk_sets, loss.data.weights[order], score[order])
