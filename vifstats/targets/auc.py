"""The area under the time-dependent ROC curve as a target."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vifstats.errors import InvalidInputError
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.cox.loss import Cox
from vifstats.removals import Removals
from vifstats.targets.censoring import AtTimes, FollowUp, follow_up
from vifstats.typing import Differentiable

__all__ = ["AUC"]


@dataclass(frozen=True, eq=False)
class AUC(AtTimes):
    """Cumulative/dynamic AUC: how well linear predictors tell events by t from those without.

    It is how often, of one with an event by t and one without, the first has the larger one.

    Cases are weighted by the inverse probability of not being censored before their event; without
    a row these weights, the pairs and theta all change. It is a step function of theta, so it has
    no linear form: each value without a row is that of the parameters without it. Tied predictors
    count one half.

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
    Uno, Cai, Tian & Wei (2007), J. Am. Statist. Ass. 102.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> vs.leave_one_out(vs.minimize(loss, [0.0])).on(AUC(2.0)).value
    array([0.5])
    """

    called = "AUC"

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        ranks, times = _Ranks.of(loss), np.atleast_1d(self.t)
        return ranks.areas(autodiff.plain(theta), autodiff.plain(presence), times)

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        ranks, times = _Ranks.of(loss), np.atleast_1d(self.t)
        rows = [ranks.areas(theta, removals.presence(k), times) for k, theta in enumerate(thetas)]
        return np.stack(rows)

    def linear_influence(
        self, loss: Loss, theta: np.ndarray, dfbeta: np.ndarray, removals: Removals
    ) -> np.ndarray:
        raise InvalidInputError(
            "`linear=True` needs a derivative, but an AUC moves in steps; use linear=False."
        )


@dataclass(frozen=True, eq=False)
class _Ranks:
    """Linear predictors that are equal where the covariates are, whatever a sum rounds to."""

    seen: FollowUp
    distinct: np.ndarray  # (k, p + 1): covariates and offset
    which: np.ndarray  # int (n,)

    @classmethod
    def of(cls, loss: Loss) -> "_Ranks":
        seen = follow_up(loss, "AUC")
        assert isinstance(loss, Cox)
        rows = np.column_stack([loss.data.X, loss.data.offset])
        distinct, which = np.unique(rows, axis=0, return_inverse=True)
        return cls(seen, distinct, which.ravel())

    def areas(self, theta: np.ndarray, presence: np.ndarray, times: np.ndarray) -> np.ndarray:
        """One area for each time, shape (m,); nan where there is no pair."""
        if not np.isfinite(theta).all():
            return np.full(len(times), np.nan)
        score = self.distinct[:, :-1] @ theta + self.distinct[:, -1]
        rank = np.unique(score, return_inverse=True)[1].ravel()[self.which]
        return np.array([_area(rank, *self.seen.chances(presence, t)) for t in times])


def _area(rank: np.ndarray, case: np.ndarray, lives: np.ndarray) -> float:
    """Weight of pairs in which the case ranks above, half where equal, over that of all."""
    ahead = np.bincount(rank, lives)
    below = np.cumsum(ahead) - 0.5 * ahead
    pairs = case.sum() * lives.sum()
    return float(case @ below[rank] / pairs) if pairs > 0 else np.nan
