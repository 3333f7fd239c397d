"""How Cox's gradient changes with each covariate of each row: an error of measurement.

At a term in which row i counts with the share eps_i of phi, x_ij moves phi by theta_j r_i and psi
by r_i (theta_j x_i + e_j), with e_j the unit vector, and so m by eps_i (theta_j (x_i - m) + e_j).
Added up over its terms with their coefficients a, eps_i is the number of events expected of the
row, and eps_i (x_i - m) the part of the weight gradient that is not of its own event.
"""

import numpy as np

from vifstats.losses.cox.gradient_changes import mean_hazards, weight_gradients
from vifstats.losses.cox.risk_sums import RiskSums
from vifstats.removals import Removals

__all__ = ["covariate_slopes"]


def covariate_slopes(sums: RiskSums, theta: np.ndarray) -> np.ndarray:
    """d grad_k / d x_ij, shape (n, k, j), of rows in the user's order."""
    sets, order = sums.sets, sums.sets.order
    own, cell = sets.own, sets.cell_of_event
    table = mean_hazards(sums)
    expected = sums.r * sets.exposed.gather(table[:, 0])
    expected[own] += sums.r[own] * sums.own_hazard()[cell] - sums.w[own]
    pull = weight_gradients(sums, Removals.each(len(order)))[order]
    pull[own] += sums.w[own, None] * (sums.X[own] - _mean_of_terms(sums)[cell])
    out = np.empty((len(order), len(theta), len(theta)))
    out[order] = pull[:, :, None] * theta + expected[:, None, None] * np.eye(len(theta))
    return out


def _mean_of_terms(sums: RiskSums) -> np.ndarray:
    """The mean of m_l over the terms of each cell, shape (n_cells, p)."""
    tied, mean = sums.tied, sums.m0.copy()
    mean_f = tied.sums(tied.f) / sums.n_terms[tied.cells]
    mean[tied.cells] += mean_f[:, None] * tied.delta
    return mean
