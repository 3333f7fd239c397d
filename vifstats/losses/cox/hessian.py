"""The Hessian of the loss, with no p^2-wide sum for each cell.

This is the H of docs/mathematics.md, equation (18):

    H = sum_j r_j (hazard row j was exposed to) x_j x_j' - sum_q a_q m_q m_q'.

Both parts are far larger than their difference where one row holds most of a risk set; in those
cells the covariance is taken about that row's covariates instead, from sums over the others.
"""

import numpy as np

from vifstats.losses.cox.moments import Columns, moments_of
from vifstats.losses.cox.risk_sums import RiskSums
from vifstats.losses.cox.segment_sums import Bins, gram
from vifstats.losses.cox.sums_afresh import others_afresh

__all__ = ["covariances_about_top", "hessian"]


def hessian(sums: RiskSums) -> np.ndarray:
    """Hessian of the loss without its penalty, shape (p, p)."""
    cells, top = sums.dominated
    plain = np.ones(sums.sets.n_cells)
    plain[cells] = 0.0
    H = gram(sums.X, sums.r * _hazard_seen(sums, plain))
    H -= gram(sums.m0, sums.W * plain)
    tied = sums.tied
    a = (sums.a * plain)[tied.cells]
    m0 = sums.m0[tied.cells]
    cross = (m0 * (a * tied.sums(tied.f))[:, None]).T @ tied.delta
    H -= cross + cross.T + gram(tied.delta, a * tied.sums(tied.f**2))
    if len(cells):
        i, j = pairs = np.triu_indices(len(H))
        about_top = np.empty_like(H)
        about_top[i, j] = about_top[j, i] = covariances_about_top(sums, cells, top, pairs).sum(0)
        H += about_top
    return 0.5 * (H + H.T)


def _hazard_seen(sums: RiskSums, plain: np.ndarray) -> np.ndarray:
    """The hazard of the plain cells that each row was exposed to, shape (n,)."""
    seen = sums.sets.exposed.gather(sums.power_sums(1).Z * plain)
    seen[sums.sets.own] += (sums.own_hazard() * plain)[sums.sets.cell_of_event]
    return seen


def covariances_about_top(
    sums: RiskSums, cells: np.ndarray, top: np.ndarray, columns: Columns
) -> np.ndarray:
    """a sum_l V_l of some cells, with x measured from the row that dominates the cell.

    `cells`, `top` int (k,): ascending cells, and the row of each; `columns` int (q,): pairs of
    covariates. Returns (k, q).
    """
    i, j = columns
    origin = sums.X[top]
    alive = others_afresh(sums, cells, top, np.arange(len(sums.r)), columns).moments
    alive = alive.about(origin, columns)
    item, row = sums.dead(cells)
    dying = moments_of(sums.r[row], sums.X[row] - origin[item], columns)
    dying = dying.each(Bins(item, len(cells)).sums)
    # in units of S0, the square of which may underflow
    alive, dying = (moments.scaled(1 / sums.S0[cells]) for moments in (alive, dying))
    share = _term_sums(sums, cells)
    V = share[1, 0] * alive.rxx + share[1, 1] * dying.rxx
    a, d = alive.rx, dying.rx
    V -= share[2, 0] * a[:, i] * a[:, j] + share[2, 2] * d[:, i] * d[:, j]
    V -= share[2, 1] * (a[:, i] * d[:, j] + d[:, i] * a[:, j])
    return sums.a[cells, None] * V


def _term_sums(sums: RiskSums, cells: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """Sums of (1 - l/d)^m (S0/phi_l)^k over the terms of some cells, by (k, m), as columns."""
    found, at = sums.tied.find(cells)
    out = {}
    for k, m in [(1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]:
        values = np.ones(len(cells))
        # S0/phi_l = 1 + f_l
        values[found] = sums.tied.sums(sums.tied.alive**m * (1 + sums.tied.f) ** k)[at]
        out[k, m] = values[:, None]
    return out
