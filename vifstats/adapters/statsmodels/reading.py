"""What every statsmodels result has: rows with labels, parameters with names, and its own words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np
import pandas as pd

from vifstats.adapters.matching import refuse
from vifstats.adapters.statsmodels.formulas import design_rows
from vifstats.adapters.statsmodels.reported import inference_of
from vifstats.errors import (
    InvalidInputError,
    LossError,
    NotAtMinimumError,
    NotPositiveDefiniteError,
    UnsupportedModelError,
)
from vifstats.estimate import Estimate
from vifstats.inference import Inference
from vifstats.losses import LinearPredictor

__all__ = ["Parts", "about", "adapter", "offset_of", "parameter_names", "user_rows"]

# Every row predicted with this loss or less, -log(probability), is as good as certain.
CERTAIN = 1e-3


@dataclass(frozen=True, eq=False)
class Parts:
    """What differs from model to model."""

    loss: LinearPredictor
    theta: np.ndarray  # (n_params,)
    names: tuple[str, ...]
    # The naive covariance is ``dispersion * H^-1``
    dispersion: float = 1.0
    # default: what the ``cov_type`` and ``use_t`` of the result say
    inference: Inference | None = None


def adapter(build: Callable[[Any], Parts]) -> Callable[..., Estimate]:
    """An adapter from a function that reads one kind of result.

    The adapter takes ``groups`` and ``tol`` and refuses everything else, because the result has
    it; its errors say which model they are about.
    """

    @wraps(build)
    def from_result(
        fit: Any, *data: Any, groups: Any = None, tol: float = 1e-2, **options: Any
    ) -> Estimate:
        refuse("statsmodels keeps the data of the fit", data=data or None, **options)
        with about(fit):
            _require_usable(fit)
            parts = build(fit)
            if np.isfinite(tol):
                _require_uncertainty(parts)
            labels, kept = user_rows(fit.model)
            one_design = len(parts.loss.designs) == 1
            return Estimate(
                parts.loss,
                parts.theta,
                names=parts.names,
                labels=labels,
                dispersion=parts.dispersion,
                profile=design_rows(fit.model) if one_design else None,
                kept=kept,
                groups=groups,
                inference=parts.inference or inference_of(fit, kept, len(labels)),
                tol=tol,
            )

    return from_result


def user_rows(model: Any) -> tuple[pd.Index, np.ndarray]:
    """The user's row labels as far as statsmodels knows them, and which rows it kept.

    With ``missing="drop"`` it knows them for formulas, for arrays and for frames labelled
    0, 1, ...; of other frames it keeps the labels of the kept rows only.
    """
    n = len(model.endog)
    dropped = getattr(model.data, "missing_row_idx", None)
    dropped = np.asarray([] if dropped is None else dropped, dtype=np.intp)
    kept = np.setdiff1d(np.arange(n + len(dropped)), dropped)
    frame, labels = getattr(model.data, "frame", None), model.data.row_labels
    if frame is not None and len(frame) == n + len(dropped):
        return frame.index, kept
    if labels is None or (len(dropped) and pd.Index(labels).equals(pd.Index(kept))):
        return pd.RangeIndex(n + len(dropped)), kept
    return pd.Index(labels), np.arange(n)


def parameter_names(fit: Any) -> tuple[str, ...]:
    """Names as in ``fit.params`` or, where that is an array, as in the summary."""
    if isinstance(fit.params, pd.Series):
        return tuple(map(str, fit.params.index))
    return tuple(map(str, fit.model.exog_names))


def offset_of(model: Any) -> np.ndarray | None:
    """Offset plus log exposure; statsmodels keeps the exposure as its logarithm."""
    parts = [getattr(model, name, None) for name in ("offset", "exposure")]
    given = [np.asarray(part, dtype=float) for part in parts if part is not None]
    return np.zeros(len(model.endog)) + sum(given) if given else None


def _require_usable(fit: Any) -> None:
    if getattr(fit.model, "endog", None) is None:
        raise UnsupportedModelError(
            "A result must keep its data, but remove_data() took them; fit the model again."
        )
    if type(fit).__name__.startswith("L1"):
        raise UnsupportedModelError(
            "A fit_regularized result lies where its L1 penalty has a kink and no Hessian; fit it "
            "without, or write a smooth penalty with vifstats.MEstimator."
        )
    if getattr(fit, "k_constr", 0):
        raise UnsupportedModelError(
            "A fit_constrained result minimises the loss under constraints, where H^-1 is not its "
            "covariance; put the constraint into the design, with an offset, and fit that."
        )


def _require_uncertainty(parts: Parts) -> None:
    """Perfect separation: the optimiser stops anywhere, and H is nearly 0 but not singular."""
    loss = parts.loss
    if loss.row_loss.binary and np.max(loss.row_losses(parts.theta)) < CERTAIN:
        raise NotAtMinimumError(
            "The outcome must not be perfectly separated by the covariates, but every row is "
            f"predicted with a probability above {1 - CERTAIN:g}: the minimum lies at infinity. "
            "Drop the separating column, or fit with a penalty."
        )


@contextmanager
def about(fit: Any) -> Iterator[None]:
    """Errors that name the model and, where its fit says so, that it did not converge."""
    name = type(fit.model).__name__
    try:
        yield
    except (
        InvalidInputError,
        LossError,
        NotAtMinimumError,
        NotPositiveDefiniteError,
        UnsupportedModelError,
    ) as error:
        remedy = _remedy(fit, error)
        raise type(error)(f"{name}: {error}{remedy}") from error


def _remedy(fit: Any, error: Exception) -> str:
    if not isinstance(error, NotAtMinimumError | NotPositiveDefiniteError):
        return ""
    retvals = getattr(fit, "mle_retvals", None) or {}
    converged = getattr(fit, "converged", retvals.get("converged", True))
    if not converged:
        return (
            " By its own account this fit did not converge: fit it with a larger maxiter or "
            "another method."
        )
    if isinstance(error, NotPositiveDefiniteError):
        return (
            " The Hessian here is the observed one; that of a non-canonical link, or of a "
            "redescending norm, may be indefinite away from a good minimum: try other start "
            "values, or the canonical link."
        )
    return ""
