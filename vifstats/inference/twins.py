"""The two losses of a sandwich: one whose Hessian is the information, one whose rows are scored."""

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats.errors import InvalidInputError
from vifstats.inference.reported import Inference
from vifstats.losses import Cox, LinearPredictor
from vifstats.losses.base import Loss
from vifstats.losses.firth import Firth
from vifstats.losses.row_losses import RowLoss

__all__ = ["expected_curvature", "information_loss", "score_loss"]

OF_COX = ("lifelines' robust", "statsmodels' robust")


def information_loss(loss: Loss, inference: Inference) -> Loss:
    """The loss whose Hessian is the information that the fit inverts."""
    if inference.information == "firth" and isinstance(loss, Firth):
        return loss.reported_information()
    if inference.information == "observed" or not isinstance(loss, LinearPredictor):
        return loss
    if not hasattr(loss.row_loss, "link"):
        return loss
    twin = copy(loss)
    twin.row_loss = ExpectedInformation(loss.row_loss)
    return twin


def score_loss(loss: Loss, inference: Inference) -> Loss:
    """The loss whose rows are scored in the middle of the sandwich."""
    if inference.covariance not in OF_COX:
        return loss
    if not isinstance(loss, Cox):
        raise InvalidInputError(
            f"A {inference.covariance!r} covariance is one of Cox models, but the loss is a "
            f'{type(loss).__name__}; use "robust".'
        )
    if inference.covariance == "lifelines' robust":
        return _in_the_order_of_lifelines(loss)
    return loss.with_ties("breslow")


def expected_curvature(row_loss: RowLoss, eta: np.ndarray, y: Any) -> np.ndarray:
    """The curvature of each row at the mean of its y, shape (1, 1, ..., n).

    In an exponential family it is linear in y, so that this is its expectation; with a canonical
    link it does not depend on y.
    """
    link = getattr(row_loss, "link", None)
    return row_loss.curvature(eta, y if link is None else link.inverse(eta[0]))


@dataclass(frozen=True, eq=False)
class ExpectedInformation(RowLoss):
    """A row loss with the expectation of its curvature: Fisher's information."""

    row_loss: RowLoss

    def value(self, eta: Any, y: Any) -> Any:
        return self.row_loss.value(eta, y)

    def slope(self, eta: np.ndarray, y: Any) -> np.ndarray:
        return self.row_loss.slope(eta, y)

    def curvature(self, eta: np.ndarray, y: Any) -> np.ndarray:
        return expected_curvature(self.row_loss, eta, y)


def _in_the_order_of_lifelines(loss: Cox) -> Cox:
    """Every row a time of its own: the place in which lifelines sorts it; no entries.

    Its score residuals run through the rows by time, then censored before events, then as they
    stand, as if there were no ties (lifelines 0.30, CoxPHFitter._compute_score_within_strata).
    """
    data = loss.data
    frame = pd.DataFrame({"time": data.time, "event": data.event})
    place = np.empty(len(frame))
    place[frame.sort_values(["time", "event"]).index] = np.arange(1, len(frame) + 1)
    # the risk sets keep the user's rows: their columns are those of the loss
    return Cox(data.X, place, data.event, weights=data.weights, strata=data.strata, ties="breslow")
