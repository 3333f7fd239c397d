"""What is known of each row of a result besides its influence: time, covariates, residual."""

from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.deletion.result import Influence
from vifstats.losses import Cox, FineGray, LinearPredictor, SharedFrailty

__all__ = ["at_risk", "covariates", "follow_up", "residuals"]


def follow_up(influence: Influence) -> pd.DataFrame | None:
    """The time at which follow-up of each row ends, and whether with an event.

    Returns columns ``time``, in the units of the fit, and ``event``, 0 or 1; nan for rows that are
    not in the fit. None where groups are removed, or the model has no time.

    Examples
    --------
    >>> import vifstats as vs
    >>> inf = vs.vif_cox([0.0], [[0.0], [1.0], [1.0], [0.0]], [1, 1, 2, 2], [1, 1, 1, 1])
    >>> follow_up(inf)["time"].to_list()
    [1.0, 1.0, 2.0, 2.0]
    """
    loss = influence.estimate.loss
    if not influence.removals.single:
        return None
    if isinstance(loss, Cox | FineGray | SharedFrailty):
        time, event = loss.data.time, loss.data.event
    elif isinstance(loss, LinearPredictor) and isinstance(loss.y, tuple) and len(loss.y) == 4:
        time, _, event, _ = loss.y  # lower and upper end, event, entry of a parametric model
    else:
        return None
    return _by_removal(influence, {"time": time, "event": event})


def covariates(influence: Influence, table: pd.DataFrame | None = None) -> pd.DataFrame | None:
    """The covariates of each row, from the user's table or from the loss.

    `table`: one line for each row of the data, found by its label; it is believed before the loss.
    Returns None where
    groups are removed, or the loss keeps no design.

    Examples
    --------
    >>> import vifstats as vs
    >>> X = pd.DataFrame({"age": [0.0, 1.0, 1.0, 0.0]})
    >>> covariates(vs.vif_cox([0.0], X, [1, 1, 2, 2], [1, 1, 1, 1]))["age"].to_list()
    [0.0, 1.0, 1.0, 0.0]
    """
    loss = influence.estimate.loss
    if not influence.removals.single:
        return None
    if table is not None:
        lines = checks.table_of_rows(table, influence.estimate.labels)
        return lines if len(lines) == len(influence.index) else lines.loc[influence.index]
    if isinstance(loss, Cox | FineGray):
        return _by_removal(influence, dict(zip(loss.data.names, loss.data.X.T, strict=True)))
    if isinstance(loss, LinearPredictor):
        design = loss.designs[0]
        names = influence.estimate.names[: design.shape[1]]
        varying = np.ptp(design, axis=0) > 0
        columns = {n: x for n, x, v in zip(names, design.T, varying, strict=True) if v}
        outcome = {} if isinstance(loss.y, tuple) else {"outcome": loss.y}
        return _by_removal(influence, columns | outcome)
    return None


def at_risk(influence: Influence) -> np.ndarray | None:
    """How many rows are at risk at the last event time that each row lives to see.

    Returns (n_removals,): rows that are never at risk have nan. Returns None unless the loss is
    Cox's and single rows are removed.

    Examples
    --------
    >>> import vifstats as vs
    >>> at_risk(vs.vif_cox([0.0], [[0.0], [1.0], [1.0], [0.0]], [1, 1, 2, 2], [1, 1, 1, 1]))
    array([4., 4., 2., 2.])
    """
    loss = influence.estimate.loss
    if not (isinstance(loss, Cox) and influence.removals.single):
        return None
    sets = loss.risk_sets
    sizes = sets.ranges.scatter(np.ones(loss.n_objects))
    lives = sets.ranges.lo < sets.ranges.hi
    last = np.where(lives, sizes[sets.ranges.hi - 1], np.nan)
    return _one_by_removal(influence, _unsorted(last, sets.order))


def residuals(influence: Influence) -> tuple[np.ndarray, np.ndarray] | None:
    """Leverage and residual of each row: how much it can pull, and how much it does.

    Returns (n_removals,): for linear predictors the trace of C J H^-1 J' and the score over the
    square root of the information, Pearson's residual for a canonical link. For a Cox model u' H^-1
    u, with u the covariates less their mean over the risk set in which follow-up ends, and the
    martingale residual: the event minus the hazard that the row has lived through. In both
    cases leverage * residual^2 is approximately the likelihood displacement. None where groups are
    removed, or the loss has neither.

    References
    ----------
    Therneau, Grambsch & Fleming (1990), Biometrika 77, for the martingale residual.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [1.0], [0.0]], [1, 2, 3, 4])
    >>> inf = vs.vif(vs.minimize(loss, [0.0]))
    >>> leverage, residual = residuals(inf)
    >>> bool(abs(residual.sum()) < 1e-12), leverage.shape
    (True, (4,))
    """
    est = influence.estimate
    if not influence.removals.single:
        return None
    if isinstance(est.loss, Cox):
        pair = _cox_residuals(est)
    elif isinstance(est.loss, LinearPredictor) and len(est.loss.designs) == 1:
        pair = est.loss.leverages(est.theta), _score_residuals(est)
    else:
        return None
    leverage, residual = (_one_by_removal(influence, values) for values in pair)
    return leverage, residual


def _score_residuals(est: Any) -> np.ndarray:
    loss = est.loss
    eta = (loss.designs[0] @ est.theta + loss.offsets[0])[None]
    slope, curvature = loss.row_loss.slope(eta, loss.y)[0], loss.row_loss.curvature(eta, loss.y)
    information = np.where(curvature[0, 0] > 0, curvature[0, 0], np.nan) / loss.weights
    return -slope / np.sqrt(information * est.dispersion)


def _cox_residuals(est: Any) -> tuple[np.ndarray, np.ndarray]:
    """With Z = sum of a/phi by cell, the hazard up to a factor for each stratum that r lacks."""
    sets, sums = est.loss.risk_sets, est.loss.sums(est.theta)
    event, own = np.zeros(len(sums.r)), np.zeros(len(sums.r))
    event[sets.own] = sums.w[sets.own]
    own[sets.own] = sums.own_hazard()[sets.cell_of_event]
    hazard = sets.exposed.gather(sums.power_sums(1).Z) + own
    lives = sets.ranges.lo < sets.ranges.hi
    u = np.where(lives[:, None], sums.X - sums.m0[sets.ranges.hi - 1], 0.0)
    leverage = np.einsum("np,np->n", u, est.factor.solve(u))
    return _unsorted(leverage, sets.order), _unsorted(event - sums.r * hazard, sets.order)


def _by_removal(influence: Influence, columns: dict[str, np.ndarray]) -> pd.DataFrame:
    values = {name: _one_by_removal(influence, column) for name, column in columns.items()}
    return pd.DataFrame(values, index=influence.index)


def _one_by_removal(influence: Influence, values: np.ndarray) -> np.ndarray:
    """Values of objects as values of single-row removals, nan where a row is not in the fit."""
    removals = influence.removals
    return np.where(removals.sizes > 0, removals.sums(np.asarray(values, dtype=float)), np.nan)


def _unsorted(values: np.ndarray, order: np.ndarray) -> np.ndarray:
    out = np.empty_like(values)
    out[order] = values
    return out
