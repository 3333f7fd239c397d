"""The derivative of the gradient in the presence of each row: the classical influence function.

With lambda = d/(Y (Y - d)) of an instant and Lambda its sum, presence raises log G by Lambda of the
instants before T_i, and lowers it by 1/Y at T_i itself if i is censored. This is the limit of the
formula in `sums` for small changes.
"""

import numpy as np

from vifstats.losses.cox.fine_gray.sums import Sums, running
from vifstats.losses.cox.segment_sums import Bins, expanded

__all__ = ["presence_slopes"]


def presence_slopes(sums: Sums) -> np.ndarray:
    """The slopes in the presence of each row, in sorted order: (n, p)."""
    sets, efron = sums.sets, sums.efron
    n_terms = sets.deaths if efron else np.minimum(sets.deaths, 1)
    cell, tie = expanded(n_terms)
    alive = 1 - tie / n_terms[cell]
    terms = sums.at_risk.take(cell) - sums.dying.take(cell).scaled(1 - alive)
    a, mean, bins = (sums.W / n_terms)[cell], terms.mean(), Bins(cell, sets.n_cells)
    # what each cell adds for a unit of risk: 1 and x
    rates = (a / terms.r)[:, None] * np.hstack([np.ones((len(a), 1)), mean])
    by_cell = bins.sums(rates)

    out = _exposed(sums, by_cell, sets.exposed.hi)
    for stratum in range(sums.censoring.n_strata):
        rows = np.flatnonzero(sums.censoring.stratum == stratum)
        out[rows] += _by_censoring(sums, by_cell, stratum, rows)
    own, at = sets.own, sets.cell_of_event
    dying = bins.sums(alive[:, None] * rates)[at]
    mean_of_terms = bins.sums(mean)[at] / n_terms[at, None]
    x = sums.X[own]
    out[own] += sums.r[own, None] * (x * dying[:, :1] - dying[:, 1:])
    out[own] += sums.w[own, None] * (mean_of_terms - x)
    return out


def _exposed(sums: Sums, by_cell: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """What each row adds by being at risk itself, before its competing event, (n, p)."""
    seen = running(by_cell)[hi]
    return sums.r[:, None] * (sums.X * seen[:, :1] - seen[:, 1:])


def _by_censoring(sums: Sums, by_cell: np.ndarray, stratum: int, rows: np.ndarray) -> np.ndarray:
    """What rows of a stratum add by their part in its G, and after a competing event, (k, p)."""
    known, some = sums.censoring, sums.censoring.competing[stratum]
    survivors, lost = known.counts
    usable = np.where(survivors > 0, survivors, 1.0)
    rate = np.where(survivors > 0, lost / (usable * (usable + lost)), 0.0)
    Lambda, Lambda_cell = known.until_row.gather(rate), known.until_cell.gather(rate)
    G, G_rows = sums.uncensored[0][stratum], sums.uncensored[1]
    weighted = sums.rows.take(some.rows).scaled(1 / G_rows[some.rows])
    mass = np.hstack([weighted.r[:, None], weighted.rx])
    both = np.stack([mass, Lambda[some.rows, None] * mass])

    # at cells up to a row's own time, the weights of all competing rows so far change alike
    plain, by_Lambda = (some.so_far(part) for part in both)
    change = G[:, None] * (Lambda_cell.reshape(-1, sums.sets.n_cells)[stratum][:, None] * plain)
    change -= G[:, None] * by_Lambda
    earlier = change[:, 1:] * by_cell[:, :1] - change[:, :1] * by_cell[:, 1:]
    out = running(earlier)[sums.sets.ranges.hi[rows]]

    upto = np.searchsorted(sums.time[some.rows], sums.time[rows], side="right")
    plain, by_Lambda = (running(part)[upto] for part in both)
    at = sums.at_own_instant(rows)
    shift = Lambda[rows] - np.where(at > 0, 1 / np.where(at > 0, at, 1.0), 0.0)
    change = shift[:, None] * plain - by_Lambda
    change[np.searchsorted(rows, some.rows)] += mass
    later = running((G[:, None] * by_cell)[::-1])[sums.sets.n_cells - sums.sets.ranges.hi[rows]]
    return out + change[:, 1:] * later[:, :1] - change[:, :1] * later[:, 1:]
