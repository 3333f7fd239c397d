"""Fits of firthmodels, by their attributes alone: ``from_model(fit, X, y)``."""

from typing import Any

import numpy as np

from vifstats import checks
from vifstats.adapters import scikit_learn
from vifstats.adapters.matching import columns_by_name, refuse, require_fitted, rows_beside
from vifstats.errors import DataMismatchError, UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.inference import Inference
from vifstats.losses import Cox, LinearPredictor
from vifstats.losses.row_losses import Logistic

__all__ = ["cox", "logistic"]

# Of log det I in Firth's penalty; another makes another penalty.
FIRTH = 0.5


def logistic(
    fit: Any,
    X: Any = None,
    y: Any = None,
    *,
    weights: Any = None,
    offset: Any = None,
    groups: Any = None,
    tol: float = 1e-2,
    **options: Any,
) -> Estimate:
    """An estimate from FirthLogisticRegression; "intercept" is last, as of scikit-learn's.

    `X` (n, p); `y` (n,); `weights`, `offset` (n,): ``sample_weight`` and ``offset`` of the fit.
    """
    _require_usable(fit, X, y, options)
    matrix, _ = scikit_learn.design(fit, X)
    outcome = scikit_learn.class_codes(np.asarray(fit.classes_), y)
    loss = LinearPredictor(
        Logistic(),
        matrix,
        checks.row_vector(outcome, "y", len(matrix), matrix.index, X),
        weights=weights,
        offset=offset,
        penalty="firth",
    )
    theta = np.append(fit.coef_, fit.intercept_) if fit.fit_intercept else np.asarray(fit.coef_)
    return _estimate(fit, loss, theta, groups, tol)


def cox(
    fit: Any,
    X: Any = None,
    T: Any = None,
    E: Any = None,
    *,
    groups: Any = None,
    tol: float = 1e-2,
    **options: Any,
) -> Estimate:
    """An estimate from FirthCoxPH, whose ties are Breslow's.

    `X` (n, p); `T` (n,): the structured array y of the fit, or times; `E` (n,): events, where T
    holds times only.
    """
    _require_usable(fit, X, T, options)
    if isinstance(T, tuple):  # firthmodels takes (event, time) too
        E, T = T
    names = getattr(fit, "feature_names_in_", None)
    names = [f"x{k}" for k in range(len(fit.coef_))] if names is None else [str(n) for n in names]
    loss = Cox(columns_by_name(X, names), *rows_beside(X, T, E), ties="breslow", penalty="firth")
    return _estimate(fit, loss, np.asarray(fit.coef_), groups, tol)


def _require_usable(fit: Any, X: Any, y: Any, options: dict[str, Any]) -> None:
    require_fitted(fit, "coef_")
    refuse("A firthmodels fit has its own settings", **options)
    if fit.penalty_weight != FIRTH:
        raise UnsupportedModelError(
            f"{type(fit).__name__} must have Firth's penalty, penalty_weight=0.5, but has "
            f"{fit.penalty_weight}; fit it so, or fit the model without a penalty elsewhere."
        )
    if X is None or y is None:
        raise DataMismatchError(
            "A firthmodels fit keeps no data under a public name, so X and y are needed, but "
            f"`{'X' if X is None else 'y'}` is not given; pass the data it was fitted on."
        )


def _estimate(fit: Any, loss: Any, theta: np.ndarray, groups: Any, tol: float) -> Estimate:
    reported = np.asarray(fit.bse_, dtype=float)
    inference = Inference(information="firth", reported=reported)
    return Estimate(loss, theta, groups=groups, tol=tol, inference=inference)
