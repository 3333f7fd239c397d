"""A ridge penalty chosen by the cross-validated log likelihood."""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.deletion.inputs import Source, estimate_of, named_column
from vifstats.diagnostics.cross_validation import cross_validated_loglik
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.estimate import Estimate, minimize
from vifstats.losses import Cox, LinearPredictor
from vifstats.losses.base import Loss
from vifstats.tabular import Tabular
from vifstats.typing import ArrayLike1D, Groups

__all__ = ["PenaltyChoice", "choose_penalty"]


@dataclass(frozen=True, eq=False, repr=False)
class PenaltyChoice(Tabular):
    """Cross-validated log likelihoods over a grid of ridge penalties.

    Attributes
    ----------
    table : DataFrame
        By penalty: loglik, concordance, and degrees of freedom, trace(H0 H^-1) with H0 the Hessian
        without the penalty.
    penalty : float
        The best.
    estimate : Estimate
        The fit with it.

    Examples
    --------
    >>> import vifstats as vs
    >>> X, T, E = [[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1]
    >>> est = vs.minimize(vs.losses.Cox(X, T, E), [0.0])
    >>> choose_penalty(est, [1.0, 100.0]).table["df"].round(3).to_list()
    [0.678, 0.021]
    """

    table: pd.DataFrame
    penalty: float
    estimate: Estimate

    def _heading(self) -> list[str]:
        return [f"PenaltyChoice: {self.penalty:g}"]


def choose_penalty(
    est: Source,
    penalties: Sequence[float],
    *data: Any,
    scale: ArrayLike1D | None = None,
    method: str = "newton",
    groups: "Groups | str | None" = None,
) -> PenaltyChoice:
    """Choose a ridge penalty by the cross-validated log likelihood.

    Parameters
    ----------
    est : Estimate
        A Cox model or one of linear predictors; its own penalty, if any, is replaced.
    penalties : sequence of float
        The grid, each >= 0.
    *data
        What a fitted model was fitted on, where it does not keep it.
    scale : array_like, shape (n_params,), optional
        The penalty of a coefficient is 0.5 * penalty * scale * theta^2. Default: the variances of
        the columns, as if they were standardised; so an intercept has none.
    method, groups : optional
        As in `cross_validated_loglik`.

    Returns
    -------
    PenaltyChoice

    Raises
    ------
    InvalidTypeError
        If the loss has no ridge penalty.

    Examples
    --------
    >>> import vifstats as vs
    >>> from vifstats.losses.row_losses import SquaredError
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(20, 10))
    >>> loss = vs.losses.LinearPredictor(SquaredError(), X, rng.normal(size=20))
    >>> choose_penalty(vs.minimize(loss, np.zeros(10)), [0.1, 1.0, 100.0]).penalty
    100.0
    """
    groups = named_column(groups, est, data)
    est = estimate_of(est, *data)
    if not isinstance(penalties, Iterable) or isinstance(penalties, str | bytes):
        raise InvalidTypeError(
            f"`penalties` must be a sequence of numbers, but is {penalties!r:.60}; pass a list."
        )
    grid = [_penalty(value) for value in penalties]
    if not grid:
        raise InvalidInputError(
            "`penalties` must hold at least one number, but is empty; pass some."
        )
    unit = (
        _variances(est.loss)
        if scale is None
        else checks.row_vector(scale, "scale", len(est.theta), pd.RangeIndex(len(est.theta)))
    )
    fits, lines, theta = [], [], est.theta
    for value in grid:
        loss = _with_penalty(est.loss, value * unit)
        fit = minimize(
            loss,
            theta,
            names=est.names,
            labels=est.labels,
            dispersion=est.dispersion,
            profile=est.profile,
            kept=est.kept,
            groups=est.groups,
        )
        found = cross_validated_loglik(fit, method=method, groups=groups)
        fits.append(fit)
        theta = fit.theta
        lines.append((found.loglik, found.concordance, _freedom(fit, value * unit)))
    table = pd.DataFrame(
        lines, index=pd.Index(grid, name="penalty"), columns=["loglik", "concordance", "df"]
    )
    best = int(np.argmax(table["loglik"].fillna(-np.inf).to_numpy()))
    return PenaltyChoice(table, grid[best], fits[best])


def _with_penalty(loss: Loss, diagonal: np.ndarray) -> Loss:
    twin = copy(_penalised(loss))
    twin.penalty = checks.penalty_matrix(diagonal, len(diagonal))
    return twin


def _penalised(loss: Loss) -> Cox | LinearPredictor:
    if not isinstance(loss, Cox | LinearPredictor):
        raise InvalidTypeError(
            "A penalty can be chosen for Cox models and models of linear predictors, but this "
            f"loss is a {type(loss).__name__}; compare `cross_validated_loglik` of your own fits."
        )
    if isinstance(loss.penalty, str):
        raise InvalidInputError(
            "A ridge takes the place of no other penalty, but this fit has Firth's; fit it without."
        )
    return loss


def _variances(loss: Loss) -> np.ndarray:
    own = _penalised(loss)
    X = own.data.X if isinstance(own, Cox) else np.concatenate(own.designs, axis=1)
    return X.var(axis=0, ddof=1)


def _freedom(fit: Estimate, diagonal: np.ndarray) -> float:
    return float(len(diagonal) - np.trace(fit.factor.solve(np.diag(diagonal))))


def _penalty(value: Any) -> float:
    number = checks.one_number(value, "penalties")
    if not (np.isfinite(number) and number >= 0):
        raise InvalidInputError(
            f"`penalties` must be finite and >= 0, but one is {value!r}; drop it."
        )
    return number
