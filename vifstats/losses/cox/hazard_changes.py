"""The baseline hazard, and what becomes of it without each removal and at another theta.

See docs/mathematics.md, equations (24) and (26).

With weights v over the cells, Lambda_v(theta, b) = sum_q v_q a_q/phi_q: the cumulative hazard up to
a time, for example, has v = 1 up to it and 0 from there. Removing a piece of mass r at fixed theta
changes the terms to which it is exposed from a/phi to a/(phi - r), by

    (a/phi) eps/(1 - eps),    derivative in theta    (a/phi) [u eps/(1 - eps)^2 - m eps/(1 - eps)],

and both are sums of powers of eps as those of the gradient are.
"""

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from vifstats.losses.cox.explicit_pairs import Terms, geometric, left_over
from vifstats.losses.cox.gradient_changes import by_removal
from vifstats.losses.cox.leaving import Deaths, Pieces, leaving
from vifstats.losses.cox.moments import NO_PAIRS
from vifstats.losses.cox.power_series import exposure
from vifstats.losses.cox.risk_sums import EveryTerm, PowerSums, RiskSums
from vifstats.losses.cox.sums_afresh import Others
from vifstats.losses.cox.tie_changes import tie_changes
from vifstats.losses.cox.tiles import TermColumns
from vifstats.removals import Removals

__all__ = ["hazards_without"]

# When all events of a hazard leave, this share of the former hazard may be left by rounding.
NOTHING_LEFT = 1e-12
# Numbers in the table of a few weights for all rows (128 MB).
BLOCK_NUMBERS = 16_000_000


def hazards_without(
    sums: RiskSums, weights: np.ndarray, removals: Removals, steps: np.ndarray
) -> np.ndarray:
    """Lambda_v(theta - step_i, 1_-i) of every removal, for steps of the order of an influence.

    What leaves is taken exactly, to first order in the step; its logarithm then to second order
    in the step: the error is of third order in 1/n, relative to the hazard.

    `sums`: at theta; `weights` (n_cells, q); `removals`: of rows in the user's order; `steps`
    (n_removals, p). Returns (n_removals, q).
    """
    size = max(1, BLOCK_NUMBERS // (len(sums.r) * (1 + steps.shape[1])))
    blocks = [
        _hazards_without(sums, weights[:, start : start + size], removals, steps)
        for start in range(0, weights.shape[1], size)
    ]
    return np.concatenate(blocks, axis=1)


def _hazards_without(
    sums: RiskSums, weights: np.ndarray, removals: Removals, steps: np.ndarray
) -> np.ndarray:
    full, slope, curvature = _expansion(sums, weights)
    change, slope_change = _changes(sums, weights, removals, steps)
    left = full + change
    something = left > NOTHING_LEFT * full
    left = np.where(something, left, 1.0)
    first = np.where(something, steps @ slope.T + slope_change, 0.0) / left
    second = np.einsum("kp,qpr,kr->kq", steps, curvature, steps, optimize=True)
    return np.where(something, left * np.exp(0.5 * second - first), 0.0)


def _expansion(sums: RiskSums, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lambda_v (q,), its gradient (q, p), and the Hessian of its logarithm (q, p, p)."""
    first, second = sums.power_sums(1), sums.power_sums(2)
    tied, m0, sets = sums.tied, sums.m0, sums.sets
    full = weights.T @ first.Z
    slope = -(weights * first.Z[:, None]).T @ m0
    slope -= (weights[tied.cells] * first.F[:, None]).T @ tied.delta
    # sum_l a psi2_l/phi_l^2 by row: r_j x_j x_j' times what row j was exposed to
    seen = sets.exposed.gather(weights * second.Z[:, None])
    own = sums.a / sums.S0**2
    own[tied.cells] = sums.a[tied.cells] * tied.sums(tied.alive / tied.phi**2)
    seen[sets.own] += (weights * own[:, None])[sets.cell_of_event]
    seen *= sums.r[:, None]
    curvature = np.stack([-(sums.X * column[:, None]).T @ sums.X for column in seen.T])
    curvature += 2 * _mean_squares(sums, weights, first)
    scale = np.where(full > 0, full, 1.0)[:, None]
    relative = slope / scale
    curvature /= scale[:, :, None]
    return full, slope, curvature - relative[:, :, None] * relative[:, None, :]


def _mean_squares(sums: RiskSums, weights: np.ndarray, first: PowerSums) -> np.ndarray:
    """sum_q v a sum_l m_l m_l'/phi_l, shape (q, p, p)."""
    tied = sums.tied
    m0, delta = sums.m0[tied.cells], tied.delta
    out = []
    for v in weights.T:
        cross = (m0 * (v[tied.cells] * first.F)[:, None]).T @ delta
        square = (delta * (v[tied.cells] * first.F2)[:, None]).T @ delta
        out.append((sums.m0 * (v * first.Z)[:, None]).T @ sums.m0 + cross + cross.T + square)
    return np.stack(out)


def _changes(
    sums: RiskSums, weights: np.ndarray, removals: Removals, steps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The hazards, and their slopes along a step, without minus with each removal, theta fixed."""
    row_code = removals.codes_in(sums.sets.order)
    pieces, deaths = leaving(sums, row_code, removals.single, NO_PAIRS)
    kernel = HazardKernel(sums, weights, steps)
    taken = exposure(sums, pieces, kernel, row_code)
    own = _own_change(sums, weights, deaths, row_code, steps)
    changes = by_removal(taken, pieces, own.__getitem__, deaths, len(removals))
    return changes[:, : weights.shape[1]], changes[:, weights.shape[1] :]


def _own_change(
    sums: RiskSums, weights: np.ndarray, deaths: Deaths, row_code: np.ndarray, steps: np.ndarray
) -> np.ndarray:
    """Hazard, and slope along the step, of the cells of the deaths, after less before."""
    step = steps[deaths.code]
    hazard = -sums.a[deaths.cell] / sums.S0[deaths.cell]
    slope = -hazard * np.einsum("kp,kp->k", sums.m0[deaths.cell], step)
    tie = tie_changes(sums, deaths, row_code, NO_PAIRS)
    hazard[tie.at] = tie.after.hazard - tie.before.hazard
    mean_change = tie.before.hazard_mean - tie.after.hazard_mean
    slope[tie.at] = np.einsum("kp,kp->k", mean_change, step[tie.at])
    v = weights[deaths.cell]
    return np.concatenate([v * hazard[:, None], v * slope[:, None]], axis=1)


@dataclass(frozen=True, eq=False)
class HazardKernel:
    """(a/phi) eps/(1 - eps) and its derivative along a step, for several weights of the cells."""

    sums: RiskSums
    weights: np.ndarray  # (n_cells, q)
    steps: np.ndarray  # (n_removals, p)
    columns = NO_PAIRS
    in_two_passes = False

    @property
    def width(self) -> int:
        """The hazard and its slope for each of the weights."""
        return 2 * self.weights.shape[1]

    @property
    def table_width(self) -> int:
        """A column for 1, p for m and one for k, for each of the weights."""
        return self.weights.shape[1] * (2 + self.sums.X.shape[1])

    def one_pass(self, compiled: ModuleType, pieces: Pieces) -> None:
        """There is none."""

    def of_terms(self, terms: EveryTerm) -> TermColumns:
        """v a/phi [eps/(1 - eps), the sum of both times m_l, eps/(1 - eps)^2]."""
        hazard = self.weights.take(terms.cell, axis=0) * (terms.a / terms.phi)[:, None]
        mean = hazard[:, :, None] * self.sums.term_means(terms.cell, terms.f)[:, None]
        mean = mean.reshape(len(hazard), -1)
        plain, grown = np.hstack([hazard, mean]), np.hstack([mean, hazard])
        return TermColumns(self.table_width, plain, grown)

    def combined(self, sums: np.ndarray, pieces: Pieces, rows: np.ndarray | slice) -> np.ndarray:
        """G, and x'step kG - M'step, with k and k + 1 in the columns of the table."""
        q, step = self.weights.shape[1], self.steps[pieces.code[rows]]
        G, mean, kG = sums[:, :q], sums[:, q:-q], sums[:, -q:]
        along = np.einsum("kqp,kp->kq", mean.reshape(len(mean), q, -1), step)
        x_along = np.einsum("kp,kp->k", pieces.x[rows], step)
        return np.concatenate([G, x_along[:, None] * kG - along], axis=1)

    def remainder(self, terms: Terms, pieces: Pieces, others: Others) -> np.ndarray:
        """What the powers up to K left out, or where eps > 1/2 the whole less those powers."""
        eps, K, step = terms.eps, terms.K, self.steps[pieces.code[terms.piece]]
        m = self.sums.term_means(terms.cell, terms.f)
        m_along = np.einsum("kp,kp->k", m, step)
        u_along = np.einsum("kp,kp->k", pieces.x[terms.piece], step) - m_along
        plain = terms.other < 0
        rest = np.where(plain, 1 - eps, 1.0)
        tail = eps ** (K + 1) / rest
        tail_k = ((K + 1) - K * eps) * eps ** (K + 1) / rest**2
        value, slope = tail, tail_k * u_along - tail * m_along
        big = np.flatnonzero(~plain)
        if len(big):
            left = left_over(self.sums, terms, big, others, NO_PAIRS)
            growth = terms.phi[big] / left.r
            done, done_k = geometric(eps[big], K[big])
            value[big] = growth - 1 - done
            mean = np.einsum("kp,kp->k", left.mean(), step[big])
            slope[big] = m_along[big] - growth * mean
            slope[big] -= done_k * u_along[big] - done * m_along[big]
        both = (terms.a / terms.phi) * np.stack([value, slope])
        v = self.weights[terms.cell]
        return np.concatenate([v * both[0][:, None], v * both[1][:, None]], axis=1)
