"""Covariances that no factor of H gives: by the classical influence function, by Newton steps."""

from typing import TYPE_CHECKING

import numpy as np

from vifstats.errors import InvalidInputError
from vifstats.inference.jackknife import jackknife_rows
from vifstats.removals import Removals
from vifstats.typing import Groups

if TYPE_CHECKING:
    from vifstats.estimate.estimate import Estimate

__all__ = ["jackknife", "sandwich"]


def sandwich(est: "Estimate", groups: Groups | None) -> np.ndarray:
    """The sum of dfbeta dfbeta' of the classical influence function, (n_params, n_params)."""
    removals = est.removals(groups)
    rows = est.solve(est.loss.weight_gradients(est.theta, removals))
    rows = est.loss.with_owned(rows, removals, np.nan)
    return rows.T @ rows


def jackknife(est: "Estimate", codes: np.ndarray | None) -> np.ndarray:
    """The sum of dfbeta dfbeta' of a Newton step without each group, (n_params, n_params)."""
    removals = est.loss.each() if codes is None else Removals.of_groups(codes)
    rows = jackknife_rows(est.loss, est.theta, removals)
    lost = ~np.isfinite(rows).all(axis=1)
    if lost.any():
        raise InvalidInputError(
            f"A jackknife leaves out each group in its turn, but without {int(lost.sum())} of "
            f"the {len(rows)} a parameter is no longer determined; merge groups or levels, or "
            "use 'robust'."
        )
    rows = est.loss.with_owned(rows, removals, np.nan)
    return rows.T @ rows
