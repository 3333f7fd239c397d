"""What each removal does once others are gone, near enough to be ranked by.

What a removal takes from the Hessian hardly changes as others leave: it is computed on all data,
once, and held. So is the derivative of the Hessian in the parameters.
"""

from dataclasses import dataclass

import numpy as np

from vifstats.deletion.methods import newton_of
from vifstats.deletion.result import Influence
from vifstats.estimate import Estimate
from vifstats.inference.standard_errors import naive_variances, rests_on_hessian
from vifstats.inference.twins import information_loss
from vifstats.removals import Removals
from vifstats.solvers.linalg import invert_each, solve_each
from vifstats.targets import ConfidenceLimits, Target

__all__ = ["Held"]

# Up to this many numbers are held (256 MB): beyond, Hessians are computed again.
MOST_NUMBERS = 32_000_000


@dataclass(frozen=True, eq=False)
class Held:
    """k removals of all data."""

    # of all data
    est: Estimate
    # (k, p, p): H minus H after each removal, at theta^; None where they are not to be held
    changes: np.ndarray | None

    @classmethod
    def of(cls, est: Estimate, removals: Removals) -> "Held":
        """What removals of all data take from the Hessian."""
        loss, p = est.loss, len(est.theta)
        own = loss.owned_mask(removals, p) is not None or len(loss.gauge(est.theta)) > 0
        if own or not loss.minimised or len(removals) * p**2 > MOST_NUMBERS:
            return cls(est, None)
        return cls(est, est.hessian - loss.reduced_hessians(est.theta, removals))

    def influence(self, fit: Estimate, removals: Removals, target: Target) -> np.ndarray:
        """Of the same removals on a target, once others are gone: (k, n_values).

        Shapes: `fit`: without the others; `removals`: as positions of its objects.
        """
        if self.changes is None:
            return newton_of(fit, removals).on(target).influence
        H = fit.hessian - self.changes
        steps = solve_each(H, fit.differences(removals))
        if isinstance(target, ConfidenceLimits) and self._by_hessian(fit):
            slopes = np.einsum("kj,jab->kab", steps, self.est.information_slopes)
            inverses, thetas = invert_each(H + slopes), fit.theta + steps
            variances = naive_variances(fit, fit.loss, inverses, thetas, removals)
            limits = target.bind(fit)
            return limits.on_all - limits.values(thetas, np.sqrt(variances), removals)
        return Influence(fit, "newton", -steps, removals).on(target).influence

    def _by_hessian(self, fit: Estimate) -> bool:
        """Whether errors are those of this Hessian."""
        own = information_loss(fit.loss, fit.inference) is fit.loss
        return own and rests_on_hessian(fit, fit.loss)
