"""Damped Newton minimisation of many related problems at once.

Convergence does not depend on units, neither on those of the loss (the dispersion of the data) nor
on those of the parameters (their covariates). The length of a step is the Newton decrement
sqrt(g' H^-1 g), and sqrt(dispersion) is one standard error. By the Cauchy-Schwarz inequality, no
entry of the step H^-1 g is longer than that in its own standard errors.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vifstats.solvers.linalg import positive_definite, solve_each
from vifstats.solvers.steps import VALUE_ROUNDING, Slopes, decrement, descent, line_search

__all__ = [
    "CHORD_CONTRACTION",
    "Curvatures",
    "Look",
    "Minima",
    "damped_newton",
]

# Where the loss is nearly straight, a Newton step is far too long. It is cut to this many units of
# theta and its curvature, so theta can still grow a hundredfold in each step.
LONGEST = 100.0
# If the minimum lies at infinity, the gradient rounds to 0 before the steps get short. The
# curvature there is below this; at a minimum it is 1 or more in standard errors of the related fit.
FLAT = 1e-10
# If the curvature is below this, it may be 0 and only look positive because of rounding.
NEARLY_FLAT = 1e-4
# A Hessian is kept while each step with it is at least this much shorter than the last, unless
# another costs next to nothing.
CHORD_CONTRACTION = 0.1
# A share of theta in the metric of H's diagonal, which is the size of the terms of X theta. Steps
# shorter than this come from the last digits of those terms, and lead nowhere.
ROUNDING = 1e3 * np.finfo(float).eps
# A step this short, in standard errors, is also rounding if it is no shorter than the one before.
# Towards a minimum at infinity, steps do get shorter: to 0.61 of the last one for an exponential
# tail, to 0.82 for 1/theta.
STALLED, STANDSTILL = 1e-7, 0.9
# A path is tame, and stays in its basin, as long as two things hold: the loss falls by half the
# squared decrement, as its quadratic model says, within this factor; and the next step is this
# much shorter.
MODEL_ERROR, TAME_CONTRACTION = 2.0, 0.25
# Steps that shrink go on shrinking, so the next one need not be computed to see that it would be
# at most this share of the tolerance.
AHEAD = 0.01
# Third derivatives may turn a step by this share of it; more is beyond what they describe.
BENT = 0.25

# rows, thetas (k, p) -> Hessians (k, p, p)
Curvatures = Callable[[np.ndarray, np.ndarray], np.ndarray]
# values (k,), gradients (k, p) and Hessians (k, p, p)
Look = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Minima:
    """Where each problem ended."""

    thetas: np.ndarray
    # the decrement of the last step, in units
    last_step: np.ndarray
    # that was short or rounding and, where a scale is given, the loss is not flat
    converged: np.ndarray
    # the loss before the last step
    values: np.ndarray
    # the loss fell all the way as its quadratic models said
    tame: np.ndarray
    # it hardly curves along some direction, and only rounding may tell that it does at all
    nearly_flat: np.ndarray


# A trial outside the domain of a loss is nan there, and the line search refuses it.
@np.errstate(all="ignore")
def damped_newton(
    slopes: Slopes,
    curvatures: Curvatures,
    starts: np.ndarray,
    *,
    first: Look | None = None,
    unit: float | None = None,
    scale: np.ndarray | None = None,
    reach: np.ndarray | None = None,
    fixed: np.ndarray | None = None,
    third: np.ndarray | None = None,
    chord: float = CHORD_CONTRACTION,
    tol: float = 1e-9,
    max_steps: int = 50,
) -> Minima:
    """Minimise k problems, each from its own start, by Newton steps with a line search.

    `slopes`, `curvatures`: values and gradients, and Hessians, of the problems at positions
    ``rows``; `first`: the three at the starts, where they are known; `unit`: the decrement that is
    one standard error, sqrt(dispersion), default sqrt(abs(loss)); `scale` (p,): sqrt(diag(H^-1)) of
    a related fit, what curvature is measured in, as a measure that grows with the estimate would
    take a diverging one for converged; `reach` (p,): the longest step, default a hundred times
    theta and its curvature; `fixed` bool (k, p): parameters that stay where they start; `third`
    (p, p, p): third derivatives of a related problem, by which a kept Hessian follows the steps;
    `chord`: a Hessian is kept while each step with it is so much shorter than the last. A problem
    has converged once the decrement is at most `tol` units, or would be so by far at the next step,
    or cannot be told from rounding.

    References
    ----------
    Cuyt & Rall (1985), ACM Trans. Math. Softw. 11: Halley's method, where there is `third`.
    """
    held = np.zeros(starts.shape, dtype=bool) if fixed is None else fixed
    problems = _Problems(slopes, curvatures, starts.copy(), held, unit, reach, first, third, chord)
    for _ in range(max_steps):
        problems.look(tol)
        if not len(problems.active):
            break
        problems.step()
    return problems.minima(scale)


class _Problems:
    """The k problems of one call and how far each has come; the active ones have H and steps."""

    def __init__(
        self,
        slopes: Slopes,
        curvatures: Curvatures,
        thetas: np.ndarray,
        held: np.ndarray,
        unit: float | None,
        reach: np.ndarray | None,
        first: Look | None,
        third: np.ndarray | None,
        chord: float,
    ) -> None:
        self.third, self.chord = third, chord
        k = len(thetas)
        self.slopes, self.curvatures = slopes, curvatures
        self.thetas, self.held, self.unit, self.reach = thetas, held, unit, reach
        self.active = np.arange(k)
        if first is None:
            first = *slopes(self.active, thetas), curvatures(self.active, thetas)
        self.first_H = first[2]
        # what changes on the way is our own
        self.values, self.gradients, self.H = (part.copy() for part in first)
        self.last_step = np.full(k, np.inf)
        self.ended, self.stale = np.zeros(k, dtype=bool), np.zeros(k, dtype=bool)
        self.tame = np.ones(k, dtype=bool)
        self.curved = np.zeros(thetas.shape)

    def look(self, tol: float) -> None:
        """Find the next steps, with new Hessians where progress is slow; end converged problems."""
        active, last = self.active, self.last_step[self.active]
        self.steps, self.lengths = self._find_steps(np.arange(len(active)))
        slow = self.stale[active] & (self.lengths > self.chord * last)
        self.tame[active] &= (self.lengths <= TAME_CONTRACTION * last) | self._short(tol)
        done = self._short(tol) | self._next_is_short(tol) | (slow & self._rounds())
        # by a Hessian kept from where the loss was steeper, a long step looks short
        doubtful = done & self.stale[active] & ~self.tame[active]
        if len(renew := np.flatnonzero((slow & ~done) | doubtful)):
            self.H[renew] = self.curvatures(active[renew], self.thetas[active[renew]])
            self.stale[active[renew]] = False
            self.steps[renew], self.lengths[renew] = self._find_steps(renew)
            done &= ~doubtful
        done |= self._short(tol) | (doubtful & self._rounds())
        done |= slow & (self.lengths > STANDSTILL * last) & self._short(STALLED)
        self.last_step[active] = self.lengths
        self.thetas[active[done]] -= self.steps[done]
        self._end(done, done)

    def step(self) -> None:
        """Go as far along the steps as the loss falls; end the problems that cannot move at all."""
        active, before, start = self.active, self.values[self.active], self.thetas[self.active]
        share = self._share()
        steps = self._bent() * share[:, None]
        moved = line_search(self.slopes, active, self.thetas, self.values, self.gradients, steps)
        fallen, said = before - self.values[active], 0.5 * self.lengths**2
        as_said = (said <= MODEL_ERROR * fallen) & (fallen <= MODEL_ERROR * said)
        readable = said > VALUE_ROUNDING * np.abs(before)
        self.tame[active] &= (share == 1) & (as_said | ~readable)
        tame, stuck = self.tame[active], ~moved
        if self.third is not None:  # on a long way they say nothing of where it leads
            self.H[tame] += _along(self.third, (self.thetas[active] - start)[tame])
        doubtful = stuck & self.stale[active] & ~tame
        self.last_step[active[doubtful]] = 0.0  # slow: the next look is by a new Hessian
        stuck &= ~doubtful
        self.stale[active] = True
        # the loss falls along no part of the step: as low as rounding lets it, or nowhere defined
        self._end(stuck, stuck & (self._short(STALLED) | self._rounds()))

    def minima(self, scale: np.ndarray | None) -> Minima:
        """Where each problem is; where the loss is flat there is no minimum."""
        converged, unit = self.ended.copy(), self._units(slice(None))
        nearly_flat = np.zeros(len(converged), dtype=bool)
        if scale is not None:
            nearly_flat |= _flat(self.first_H, self.held, scale, NEARLY_FLAT)
            suspect = (~self.tame | ~self.gradients.any(axis=1) | nearly_flat) & converged
            converged[np.flatnonzero(suspect)[self._runs_away(np.flatnonzero(suspect), scale)]] = 0
        last_step = np.where(self.last_step > 0, self.last_step / unit, 0.0)
        tame = self.tame & converged
        return Minima(self.thetas, last_step, converged, self.values, tame, nearly_flat)

    def _runs_away(self, rows: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Where the loss has become flat on the way, for steps of the scale.

        Without an object that alone told of a parameter it is so from the start: there the measure
        is the standard errors of the problem itself at its start.
        """
        if not len(rows):
            return np.zeros(0, dtype=bool)
        H, held = self.curvatures(rows, self.thetas[rows]), self.held[rows]
        flat = _flat(H, held, scale)
        own = _scales(self.first_H[rows[flat]], held[flat])
        flat[flat] = _flat(H[flat], held[flat], own)
        return flat

    def _find_steps(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = self.active[at]
        steps = descent(self.H[at], self.gradients[rows], self.held[rows])
        return steps, decrement(self.gradients[rows], steps)

    def _bent(self) -> np.ndarray:
        """The steps, by Halley's method where H is that of theta: with H as it is halfway."""
        fresh = np.flatnonzero(~self.stale[self.active])
        if self.third is None or not len(fresh):
            return self.steps
        rows, steps = self.active[fresh], self.steps[fresh]
        halfway = self.H[fresh] - _along(self.third, 0.5 * steps)
        bent = descent(halfway, self.gradients[rows], self.held[rows])
        turn = bent - steps
        length = np.sqrt(np.einsum("ki,kij,kj->k", turn, self.H[fresh], turn))
        near = (length <= BENT * self.lengths[fresh])[:, None]  # not where it is nan
        out = self.steps.copy()
        out[fresh] = np.where(near, bent, steps)
        return out

    def _units(self, rows: "np.ndarray | slice") -> np.ndarray:
        values = np.abs(self.values[rows])
        return np.sqrt(values) if self.unit is None else np.full(len(values), self.unit)

    def _short(self, tol: float) -> np.ndarray:
        return self.lengths <= tol * self._units(self.active)

    def _next_is_short(self, tol: float) -> np.ndarray:
        """Whether the step after this one is far below tol, if both shrink by the same factor."""
        last = self.last_step[self.active]
        shrinking = np.isfinite(last) & (self.lengths <= TAME_CONTRACTION * last)
        ahead = AHEAD * tol * self._units(self.active)
        return shrinking & (self.lengths**2 <= ahead * last)

    def _rounds(self) -> np.ndarray:
        """Whether steps are no longer than the rounding of theta in the metric of H's diagonal."""
        curvature = np.abs(np.einsum("kii->ki", self.H))
        size = np.sqrt(np.einsum("ki,ki->k", self.thetas[self.active] ** 2, curvature))
        return self.lengths <= ROUNDING * size

    def _share(self) -> np.ndarray:
        """The part of each step that is not too long, shape (n_active,)."""
        limit = LONGEST * self._sizes() if self.reach is None else self.reach
        longest = np.max(np.abs(self.steps) / limit, axis=1, initial=0.0)
        return 1 / np.maximum(longest, 1.0)

    def _sizes(self) -> np.ndarray:
        """What a parameter is measured in, whatever its units, shape (n_active, p).

        Its own size, and the shorter of a standard error by the largest curvature so far and of the
        way along which the loss would fall to 0 with the slope it has.
        """
        active, values = self.active, np.abs(self.values[self.active])[:, None]
        curvature = np.einsum("kii->ki", self.H)
        self.curved[active] = np.maximum(self.curved[active], curvature)
        error = self._units(active)[:, None] / np.sqrt(self.curved[active])
        fall = values / np.abs(self.gradients[active])
        known = np.fmin(_positive(error), _positive(fall))
        return np.abs(self.thetas[active]) + np.where(np.isfinite(known), known, 1.0)

    def _end(self, leaving: np.ndarray, arrived: np.ndarray) -> None:
        """Take these out of the active ones, some of them as converged."""
        self.ended[self.active[arrived]] = True
        stay = ~leaving
        self.active, self.H = self.active[stay], self.H[stay]
        self.steps, self.lengths = self.steps[stay], self.lengths[stay]


def _along(third: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """How much H changes along steps (k, p): shape (k, p, p)."""
    p = len(third)
    return (steps @ third.reshape(p, p * p)).reshape(-1, p, p)


def _positive(sizes: np.ndarray) -> np.ndarray:
    return np.where(sizes > 0, sizes, np.inf)


def _flat(H: np.ndarray, fixed: np.ndarray, scale: np.ndarray, bound: float = FLAT) -> np.ndarray:
    """Whether the loss hardly curves along some free direction, for steps of the scale."""
    free = ~fixed[:, :, None] & ~fixed[:, None, :]
    scale = np.broadcast_to(scale, fixed.shape)
    scaled = H * scale[:, :, None] * scale[:, None, :]
    return ~positive_definite(np.where(free, scaled, np.eye(H.shape[-1])), bound)


def _scales(H: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """sqrt(diag(H^-1)) of each, (k, p); nan where H is not positive definite."""
    k, p = fixed.shape
    columns = [
        solve_each(H, np.broadcast_to(unit, (k, p)), fixed)[:, j]
        for j, unit in enumerate(np.eye(p))
    ]
    return np.where(fixed, 1.0, np.sqrt(np.stack(columns, axis=1))) if p else np.ones((k, p))
