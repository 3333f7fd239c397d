"""The likelihood of a parametric lifelines fit as a loss, by its own hazard functions.

Those are written in autograd, so that it can be differentiated. Where they read theta through the
linear predictors of each row only, the loss does, too, which is faster.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats.errors import UnsupportedModelError
from vifstats.losses import LinearPredictor, Loss, MEstimator
from vifstats.losses.row_losses import RowLoss

__all__ = ["AT_ONCE", "NEVER", "Hazards", "minus_log_likelihood", "regression_loss"]

# lifelines' own stand-ins for the times 0 and infinity.
AT_ONCE, NEVER = 1e-20, 1e25
# By so much predictors differ from row to row when it is seen whose a hazard reads.
APART = 1e-2


def regression_loss(
    fit: Any,
    designs: Mapping[str, np.ndarray],
    times: tuple[np.ndarray, ...],
    weights: np.ndarray,
    penalties: np.ndarray,
    labels: pd.Index,
) -> Loss:
    """The penalised likelihood of a regression; UnsupportedModelError where rows are mixed.

    `designs`: (n, p_k) by parameter; `times`, `weights`: (n,); `penalties`: diagonal of P, (p,).
    """
    names = [f"{parameter}:{covariate}" for parameter, covariate in fit.params_.index]
    theta = fit.params_.to_numpy()
    by_rows = LinearPredictor(
        CensoredRows(fit, tuple(designs)),
        tuple(designs.values()),
        times,
        weights=weights,
        penalty=penalties,
        names=names,
        labels=labels,
    )
    if _reads_own_predictors(by_rows, theta):
        return by_rows
    f = partial(_losses, fit, _places(fit), tuple(designs))
    data = (*designs.values(), *times, weights)
    _require_own_rows(fit, f, theta, data)
    penalty = partial(_half_squares, penalties) if penalties.any() else None
    return MEstimator(f, data, names=names, labels=labels, penalty=penalty)


def _reads_own_predictors(loss: LinearPredictor, theta: np.ndarray) -> bool:
    """Whether hazards of a row read its own predictors, for one vector of theta and for several.

    A hazard that reads the first predictor for all rows, as that of a constant, is found out only
    where predictors differ between rows, as they do here.
    """
    eta = loss.predictors.at(theta)
    eta = eta + APART * np.cos(np.arange(eta.shape[-1]))
    some = slice(1, None, 3)  # without the first; of a mean over rows, two thirds would be missing
    few = tuple(column[some] for column in loss.y)
    try:
        expected = loss.row_loss.value(eta, loss.y)
        own = loss.row_loss.value(eta[:, some], few)
        two = loss.row_loss.value(np.stack([eta, eta], axis=1), loss.y)
        return np.allclose(own, expected[some]) and np.allclose(two, expected)
    except (ValueError, IndexError):  # shapes or places that are not theirs
        return False


def _require_own_rows(fit: Any, f: Any, theta: np.ndarray, data: tuple[np.ndarray, ...]) -> None:
    some = slice(1, None, 3)
    try:
        agree = np.allclose(f(theta, tuple(column[some] for column in data)), f(theta, data)[some])
    except ValueError:
        agree = False
    if not agree:
        raise UnsupportedModelError(
            f"{type(fit).__name__}: the hazard functions must work row by row, but these mix rows; "
            "write the loss with vifstats.FunctionLoss."
        )


def _places(fit: Any) -> dict[str, np.ndarray]:
    """The positions of each parameter's coefficients."""
    keys = fit.params_.index.get_level_values(0)
    return {key: np.flatnonzero(keys == key) for key in dict.fromkeys(keys)}


def _losses(
    fit: Any, places: dict[str, np.ndarray], parameters: tuple[str, ...], theta: Any, data: tuple
) -> Any:
    designs, (*times, weights) = data[: len(parameters)], data[len(parameters) :]
    params = {key: theta[place] for key, place in places.items()}
    hazards = Hazards(fit, (dict(zip(parameters, designs, strict=True)),))
    return weights * minus_log_likelihood(hazards, params, *times)


def _half_squares(penalties: np.ndarray, theta: Any) -> Any:
    return 0.5 * anp.dot(penalties, theta**2)


@dataclass(frozen=True, eq=False)
class Hazards:
    """The hazard functions of a fit, called with its parameters and, in a regression, designs."""

    fit: Any
    designs: tuple = ()

    def log_hazard(self, params: Any, t: Any) -> Any:
        """log h(t)."""
        return self.fit._log_hazard(params, t, *self.designs)

    def cumulative(self, params: Any, t: Any) -> Any:
        """H(t)."""
        return self.fit._cumulative_hazard(params, t, *self.designs)

    def survival(self, params: Any, t: Any) -> Any:
        """S(t)."""
        return self.fit._survival_function(params, t, *self.designs)

    def log_distribution(self, params: Any, t: Any) -> Any:
        """log(1 - S(t))."""
        return self.fit._log_1m_sf(params, t, *self.designs)


def minus_log_likelihood(
    hazards: Hazards,
    params: Any,
    lower: np.ndarray,
    upper: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray,
) -> Any:
    """Minus the log likelihood of each row, as lifelines has it; shape (..., n)."""
    known = event > 0
    # Rows of the other kind get a time at which the hazard is harmless.
    t = np.where(known, upper, 1.0)
    died = hazards.log_hazard(params, t) - hazards.cumulative(params, t)
    late = entry > 0
    delayed = hazards.cumulative(params, np.where(late, entry, 1.0))
    ll = anp.where(known, died, _censored(hazards, params, lower, upper, known))
    return -ll - anp.where(late, delayed, 0.0)


def _censored(
    hazards: Hazards, params: Any, lower: np.ndarray, upper: np.ndarray, known: np.ndarray
) -> Any:
    censoring = str(hazards.fit._censoring_type.value)
    if censoring == "right":
        return -hazards.cumulative(params, lower)
    if censoring == "left":
        return hazards.log_distribution(params, upper)
    # lifelines' own guard of the logarithm
    inside = hazards.survival(params, lower) - hazards.survival(params, upper)
    return anp.log(anp.clip(anp.where(known, 0.5, inside), 1e-25, 1 - 1e-25))


@dataclass(frozen=True, eq=False)
class CensoredRows(RowLoss):
    """Rows of a regression, whose predictors are those of the parameters of a distribution.

    lifelines multiplies each parameter by a design in its hazard functions. Here the product is
    known already, eta: it is passed as the parameter, with the number one as its design.
    """

    fit: Any
    parameters: tuple[str, ...]

    def value(self, eta: Any, y: tuple[np.ndarray, ...]) -> Any:
        ones = {name: One(1.0) for name in self.parameters}
        shape = np.shape(eta)[1:]
        # Hazard functions may count rows by the shape of the times, and their own derivatives in
        # the times add up what many values of theta share: so each theta has rows of its own.
        params = {name: anp.reshape(eta[k], (-1,)) for k, name in enumerate(self.parameters)}
        rows = (np.broadcast_to(column, shape).ravel() for column in y)
        return anp.reshape(minus_log_likelihood(Hazards(self.fit, (ones,)), params, *rows), shape)

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        """The faces of accelerated failure times; the first parameter makes times longer."""
        faces, equal = super().faces(y, designs)
        name = getattr(self.fit, "_primary_parameter_name", None)
        if name in self.parameters:
            k = self.parameters.index(name)
            sign = self._gains(*y)
            faces[k, k], equal[k] = np.where(sign == 0, 1.0, sign), sign == 0
        return faces, equal

    def _gains(
        self, lower: np.ndarray, upper: np.ndarray, event: np.ndarray, entry: np.ndarray
    ) -> np.ndarray:
        """1 where a row gains by later times: it is known to be later only; -1 where by earlier."""
        censoring = str(self.fit._censoring_type.value)
        later = np.full(len(event), censoring == "right") | (upper >= NEVER)
        earlier = (np.full(len(event), censoring == "left") | (lower <= AT_ONCE)) & ~(entry > 0)
        return np.where(event > 0, 0.0, np.where(later, 1.0, np.where(earlier, -1.0, 0.0)))


class One(float):
    """The number one as a design: ``one @ eta`` and ``dot(one, eta)`` are eta."""

    def __matmul__(self, other: Any) -> Any:
        return other
