"""The terms a log phi of a partial likelihood, as functions that autograd can follow."""

from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats.losses import autodiff
from vifstats.losses.cox.risk_sets import RiskSets

__all__ = ["by_death", "likelihood_terms", "predictors"]


def by_death(sets: RiskSets) -> autodiff.LinearMap:
    """Sums over the event rows of each cell, with their derivative."""
    return autodiff.LinearMap(sets.by_death.sums, lambda g: g[sets.cell_of_event])


def predictors(sets: RiskSets, eta: Any, present: np.ndarray) -> tuple[Any, np.ndarray]:
    """Linear predictors less the largest present one of the stratum; and those, (n_strata,)."""
    values = np.where(present, autodiff.plain(eta), -np.inf)
    largest = np.maximum.reduceat(values, sets.row_bounds[:-1])
    shift = np.where(np.isfinite(largest), largest, 0.0)
    return anp.where(present, eta - shift[sets.stratum], 0.0), shift


def likelihood_terms(
    sets: RiskSets, efron: bool, w: Any, r: Any, S0: Any, present: np.ndarray
) -> tuple[Any, Any, np.ndarray]:
    """Coefficient a and denominator phi of each term, and whether the term exists.

    The tie count is a count of present rows: it is not differentiated. `w`, `r`, `present` (n,) in
    sorted order; `S0` (n_cells,).
    """
    total = by_death(sets)(w[sets.own])
    count = sets.by_death.sums(present[sets.own].astype(float))
    if not efron:
        return total, S0, count > 0
    cell, exists = sets.cell_of_event, present[sets.own]
    rank = np.cumsum(exists) - 1.0
    first = np.concatenate([[0.0], np.cumsum(count)])[:-1]
    d = np.maximum(count, 1.0)[cell]
    fraction = np.where(exists, (rank - first[cell]) / d, 0.0)
    S0D = by_death(sets)(r[sets.own])
    coefficient = anp.where(exists, total[cell] / d, 0.0)
    return coefficient, S0[cell] - fraction * S0D[cell], exists
