"""How a model is refitted: by Hessians of its own, by the factor of the full one, or to a root."""

from dataclasses import dataclass, fields, replace

import numpy as np

from vifstats.estimate import Estimate
from vifstats.losses.base import Loss
from vifstats.removals import Removals
from vifstats.solvers import Factor
from vifstats.solvers.linalg import solve_each
from vifstats.solvers.newton import Look, Minima, damped_newton
from vifstats.solvers.quasi_newton import MEMORY, is_large, quasi_newton
from vifstats.solvers.root import Roots, newton_roots

__all__ = ["Way", "way_of"]

# A refit that is repeated with care takes steps of at most this many standard errors, and at most
# this many steps.
SHORT_STEP, MANY_STEPS = 0.5, 200
# A refit that starts near its minimum takes fewer steps than this; towards infinity it takes more.
FEW_STEPS = 12


@dataclass(frozen=True, eq=False)
class OwnHessians:
    """Newton steps with a Hessian for each refit."""

    loss: Loss
    # sqrt(dispersion), the decrement of one standard error, and sqrt(diag(H^-1)) of the full fit
    unit: float
    scale: np.ndarray
    tol: float
    max_steps: int

    @property
    def numbers(self) -> int:
        """How many numbers a refit holds: its Hessian."""
        return len(self.scale) ** 2

    def minima(self, theta: np.ndarray, removals: Removals) -> Minima:
        """Where each refit ends that begins at theta.

        A path that the quadratic models did not foretell may have left the basin of theta, or
        lost its way: it is gone again in short steps, and the lower end of the two is taken.
        Whether a loss that is nearly flat, or a path that lost its way, ends at infinity is not
        left to rounding: the loss is asked.
        """
        at_theta = self._at(theta, removals)
        minima = self._newton(theta, removals, at_theta, self.max_steps)
        strayed = ~minima.tame
        if len(again := np.flatnonzero(strayed)):
            values, gradients, H = at_theta
            first = values[again], gradients[again], H[again]
            reach = SHORT_STEP * self.unit * self.scale
            careful = self._newton(theta, removals.take(again), first, MANY_STEPS, reach)
            minima = _lower(minima, again, careful)
        if len(doubt := np.flatnonzero((minima.nearly_flat | strayed) & minima.converged)):
            minima.converged[doubt] = ~self.loss.separated(theta, removals.take(doubt))
        return minima

    def path(self, theta: np.ndarray, removals: Removals) -> Minima:
        """The end of a short path that begins near it."""
        steps = min(FEW_STEPS, self.max_steps)
        minima = self._newton(theta, removals, self._at(theta, removals), steps)
        return replace(minima, tame=minima.tame & ~minima.nearly_flat)

    def steps(self, theta: np.ndarray, removals: Removals, owned: np.ndarray | None) -> np.ndarray:
        """Newton steps from theta; nan where H is not positive definite."""
        _, gradients, H = self._at(theta, removals)
        return solve_each(H, gradients, owned)

    def prepare(self, theta: np.ndarray, removals: Removals) -> None:
        """Make what the loss keeps at theta for such refits."""
        self._at(theta, removals)
        self._third(theta, removals)

    def lost_curvature(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        """Whether H at theta is singular without the removal, which D = 0 does not show."""
        zeros = np.zeros((len(removals), len(theta)))
        singular = ~np.isfinite(self.loss.reduced_solves(theta, removals, zeros)).all(axis=1)
        return singular | self.loss.separated(theta, removals)

    def _at(self, theta: np.ndarray, removals: Removals) -> Look:
        """Values, gradients and Hessians at theta."""
        H = self.loss.pinned_reduced_hessians(theta, removals)
        return *self.loss.reduced_slopes_at(theta, removals), H

    def _third(self, theta: np.ndarray, removals: Removals) -> np.ndarray | None:
        """About as many Hessians of all data as parameters: too much for fewer refits."""
        return self.loss.third_derivatives(theta) if len(removals) >= len(theta) else None

    def _newton(
        self,
        theta: np.ndarray,
        removals: Removals,
        first: Look,
        max_steps: int,
        reach: np.ndarray | None = None,
    ) -> Minima:
        return damped_newton(
            lambda rows, thetas: self.loss.reduced_slopes(thetas, removals.take(rows)),
            lambda rows, thetas: self.loss.pinned_curvatures(thetas, removals.take(rows)),
            np.tile(theta, (len(removals), 1)),
            first=first,
            unit=self.unit,
            scale=self.scale,
            reach=reach,
            fixed=self.loss.owned_mask(removals, len(theta)),
            third=self._third(theta, removals),
            tol=self.tol,
            max_steps=max_steps,
        )


@dataclass(frozen=True, eq=False)
class FullFactor:
    """Steps from the factor of the full Hessian, where each its own is too much."""

    loss: Loss
    unit: float
    factor: Factor
    # of the full H
    diagonal: np.ndarray
    tol: float
    max_steps: int

    @property
    def numbers(self) -> int:
        """How many numbers a refit holds: its last steps and gradients."""
        return 4 * MEMORY * len(self.diagonal)

    def minima(self, theta: np.ndarray, removals: Removals) -> Minima:
        """Where each refit ends that begins at theta."""
        return quasi_newton(
            lambda rows, thetas: self.loss.reduced_slopes(thetas, removals.take(rows)),
            self.factor.solve,
            np.tile(theta, (len(removals), 1)),
            fixed=self.loss.owned_mask(removals, len(theta)),
            unit=self.unit,
            diagonal=self.diagonal,
            tol=self.tol,
            max_steps=self.max_steps,
        )

    path = minima

    def steps(self, theta: np.ndarray, removals: Removals, owned: np.ndarray | None) -> np.ndarray:
        """Steps from theta by the factor of the full Hessian."""
        _, gradients = self.loss.reduced_slopes_at(theta, removals)
        return self.factor.solve(gradients if owned is None else np.where(owned, 0.0, gradients))

    def prepare(self, theta: np.ndarray, removals: Removals) -> None:
        """Make what the loss keeps at theta."""
        self.loss.reduced_slopes_at(theta, removals)

    def lost_curvature(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        """Never known: no removal has a Hessian of its own."""
        return np.zeros(len(removals), dtype=bool)


@dataclass(frozen=True, eq=False)
class NewtonRoots:
    """Newton steps on estimating equations, which have no value to go down."""

    loss: Loss
    # (p,): standard errors
    scale: np.ndarray
    tol: float
    max_steps: int

    @property
    def numbers(self) -> int:
        """How many numbers a refit holds: its Jacobian."""
        return len(self.scale) ** 2

    def steps(self, theta: np.ndarray, removals: Removals, owned: np.ndarray | None) -> np.ndarray:
        """Newton steps from theta; nan where the Jacobian is singular."""
        _, psi = self.loss.reduced_slopes_at(theta, removals)
        return self.loss.reduced_solves(theta, removals, psi)

    def minima(self, theta: np.ndarray, removals: Removals) -> Roots:
        """The root of each reduced system, from theta."""
        return newton_roots(
            lambda rows, thetas: self.loss.reduced_slopes(thetas, removals.take(rows))[1],
            lambda rows, thetas: self.loss.reduced_curvatures(thetas, removals.take(rows)),
            np.tile(theta, (len(removals), 1)),
            scale=self.scale,
            tol=self.tol,
            max_steps=self.max_steps,
        )

    path = minima

    def prepare(self, theta: np.ndarray, removals: Removals) -> None:
        """Make what the loss keeps at theta."""
        self.steps(theta, removals, None)

    def lost_curvature(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        """Whether the Jacobian at theta is singular without the removal."""
        zeros = np.zeros((len(removals), len(theta)))
        return ~np.isfinite(self.loss.reduced_solves(theta, removals, zeros)).all(axis=1)


def _lower(minima: Minima, rows: np.ndarray, others: Minima) -> Minima:
    """With those rows' other ends, where they converged and are lower, or alone converged."""
    better = others.converged & (~minima.converged[rows] | (others.values < minima.values[rows]))
    taken = rows[better]
    parts = {}
    for field in fields(Minima):
        parts[field.name] = getattr(minima, field.name).copy()
        parts[field.name][taken] = getattr(others, field.name)[better]
    return Minima(**parts)


Way = OwnHessians | FullFactor | NewtonRoots


def way_of(est: Estimate, tol: float, max_steps: int) -> Way:
    """How this model is refitted."""
    if not est.loss.minimised:
        return NewtonRoots(est.loss, est.naive_errors, tol, max_steps)
    unit = float(np.sqrt(est.dispersion))
    if is_large(len(est.theta)):
        return FullFactor(est.loss, unit, est.factor, np.diag(est.hessian), tol, max_steps)
    return OwnHessians(est.loss, unit, est.naive_errors / unit, tol, max_steps)
