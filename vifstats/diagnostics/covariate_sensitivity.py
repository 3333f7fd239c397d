"""Influence of a small error in a covariate: d theta / d x_ij."""

from typing import Any

import numpy as np
import pandas as pd

from vifstats.deletion.inputs import Source, estimate_of
from vifstats.errors import InvalidTypeError, UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.losses import Cox, LinearPredictor
from vifstats.losses.cox.covariate_slopes import covariate_slopes
from vifstats.losses.firth import Firth

__all__ = ["covariate_sensitivity"]


def covariate_sensitivity(est: Source, *data: Any) -> pd.DataFrame:
    """How each parameter moves with each covariate of each row: d theta_k / d x_ij.

    Parameters
    ----------
    est : Estimate
        Of a Cox model, or of a regression with one linear predictor.
    *data
        What a fitted model was fitted on, where it does not keep it.

    Returns
    -------
    DataFrame, shape (n, n_params * n_covariates)
        A row for each row of the fit, and columns (parameter, covariate), so that ``table["age"]``
        is (n, n_covariates); in units of the parameter per unit of the covariate.

    Raises
    ------
    InvalidTypeError
        If the loss has no covariates that it knows of.
    UnsupportedModelError
        If the fit has Firth's penalty.

    References
    ----------
    docs/mathematics.md, equation (35).

    Examples
    --------
    The slope of a line through three points, when the last is moved along x:

    >>> import vifstats as vs
    >>> from vifstats.losses.row_losses import SquaredError
    >>> X = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]
    >>> loss = vs.losses.LinearPredictor(SquaredError(), X, [0.0, 2.0, 1.0], names=["one", "x"])
    >>> table = vs.covariate_sensitivity(vs.minimize(loss, [0.0, 0.0]))
    >>> float(table["x"]["x"].iloc[2].round(6))
    -0.5
    """
    est = estimate_of(est, *data)
    slopes = _slopes(est)
    # the sign of an implicit derivative: H dtheta = - d grad
    n, p, _ = slopes.shape
    solved = -est.solve(slopes.swapaxes(1, 2).reshape(n * p, p)).reshape(n, p, p)
    columns = pd.MultiIndex.from_product([est.names, est.names], names=["parameter", "covariate"])
    values = solved.swapaxes(1, 2).reshape(n, p * p)
    return pd.DataFrame(values, index=est.labels[est.kept], columns=columns)


def _slopes(est: Estimate) -> np.ndarray:
    """d grad_k / d x_ij, shape (n, k, j)."""
    loss, theta = est.loss, est.theta
    if isinstance(loss, Firth):
        raise UnsupportedModelError(
            "A covariate can be moved where only its row's score and the risk sets read it, but "
            "Firth's penalty reads it too; edit rows by vifstats.edit and refit."
        )
    if isinstance(loss, Cox) and loss.ties != "exact":
        return covariate_slopes(loss.sums(theta), theta)
    if isinstance(loss, LinearPredictor) and len(loss.designs) == 1:
        return loss.covariate_slopes(theta)
    raise InvalidTypeError(
        "Covariates can be moved in Cox models, whose ties are not exact, and in regressions with "
        f"one linear predictor, but the loss is {type(loss).__name__}; edit rows by "
        "vifstats.losses.Edited instead."
    )
