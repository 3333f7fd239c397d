"""The Brier score of predicted survival as a target."""

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.cox.loss import Cox
from vifstats.targets.censoring import AtTimes, follow_up
from vifstats.typing import Differentiable

__all__ = ["BrierScore"]


@dataclass(frozen=True, eq=False)
class BrierScore(AtTimes):
    """Mean squared difference between living beyond t and its predicted probability S(t | x).

    Rows are weighted by the inverse probability of not being censored before it is known which of
    the two happened. Without a row these weights, the baseline hazard and theta all change.

    Parameters
    ----------
    t : float or array_like, shape (m,)
        In the units of the data, from the first event to before the end of follow-up.

    Raises
    ------
    InvalidInputError
        If a time is outside of these, or the model has strata or delayed entry.

    References
    ----------
    Graf, Schmoor, Sauerbrei & Schumacher (1999), Statistics in Medicine 18.

    Examples
    --------
    Half of the rows live beyond time 2, and with theta = 0 all have the same prediction:

    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [1.0], [0.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> est = vs.Estimate(loss, [0.0], tol=np.inf)
    >>> vs.vif(est).on(BrierScore(2.0)).value.round(4)  # S(2) = exp(-1/4 - 1/3)
    array([0.2534])
    """

    called = "Brier"

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        seen = follow_up(loss, "BrierScore")
        assert isinstance(loss, Cox)
        b, sets = autodiff.plain(presence), loss.risk_sets
        hazards, shift = loss.hazards(theta, presence)
        eta = anp.dot(loss._X, theta) + loss._offset - shift[0]
        risk = anp.exp(anp.where(b[sets.order] > 0, eta, 0.0))
        passed = anp.concatenate([np.zeros(1), anp.cumsum(hazards)])
        total = np.sum(seen.weights * b)
        scores = []
        for t in np.atleast_1d(self.t):
            S = anp.exp(-passed[np.searchsorted(sets.cell_time, t, side="right")] * risk)
            case, lives = (chance[sets.order] for chance in seen.chances(b, t))
            scores.append((anp.dot(case, S**2) + anp.dot(lives, (1 - S) ** 2)) / total)
        return anp.array(scores)
