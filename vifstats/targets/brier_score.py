"""The Brier score of predicted survival as a target."""

from dataclasses import dataclass, field, replace
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.cox.loss import Cox
from vifstats.targets.base import Fit, Target
from vifstats.targets.censoring import follow_up, times_of
from vifstats.typing import ArrayLike1D, Differentiable

__all__ = ["BrierScore"]


@dataclass(frozen=True, eq=False)
class BrierScore(Target):
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

    t: float | ArrayLike1D
    # of the times it is asked for, which are not for users to choose
    names: tuple[str, ...] | None = field(default=None, init=False)

    def bind(self, estimate: Fit) -> "BrierScore":
        follow_up(estimate.loss, "BrierScore")
        times = times_of(self.t, estimate.loss, "BrierScore")
        bound = replace(self, t=times)
        object.__setattr__(bound, "names", tuple(f"Brier({t:g})" for t in times))
        return bound

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
