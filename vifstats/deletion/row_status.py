"""What happened to each row of a result, from its flags and what the loss can tell."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # it imports this module
    from vifstats.deletion.result import Influence

__all__ = ["row_status"]


def row_status(influence: "Influence") -> np.ndarray:
    """What `Influence.status` says, shape (n_removals,): where two things hold, the graver."""
    est, values, removals = influence.estimate, influence.values, influence.removals
    loss, theta, failed = est.loss, est.theta, influence.failed
    # of a result put together from several methods, each row has what happened to it
    approximate = ~influence.exact
    stepped = approximate & ~failed
    status = np.full(len(removals), "ok", dtype=object)
    status[np.isnan(values).any(axis=1)] = "owned"
    status[(values == 0).all(axis=1)] = "no influence"
    status[approximate & np.isnan(values).all(axis=1) | failed] = "did not converge"
    status[(influence.indefinite | influence.guarded) & stepped] = "indefinite"
    status[influence.outside & stepped] = "outside domain"
    status[loss.at_boundary(theta - values, theta)] = loss.boundary
    status[loss.separated(theta, removals) | (est.runs_away is not None)] = "separation"
    status[loss.undefined(theta, removals)] = "undefined"
    status[removals.sizes == 0] = "not in fit"
    return status
