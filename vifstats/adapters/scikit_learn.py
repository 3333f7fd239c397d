"""Linear models of scikit-learn, by their attributes alone: ``from_model(fit, X, y)``.

Parameters are named as the columns, with "intercept" last. Case weights of the fit are
``weights``. A penalty is held when a row is removed, also where scikit-learn's own grows with n.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.adapters.matching import columns_by_name, refuse
from vifstats.errors import DataMismatchError, InvalidTypeError, UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.losses import LinearPredictor
from vifstats.losses.row_losses import (
    Gamma,
    Gaussian,
    Logistic,
    Multinomial,
    Poisson,
    RowLoss,
    SquaredError,
    Tweedie,
    links,
)

__all__ = ["class_codes", "design", "generalized_linear", "linear", "logistic", "ridge"]


# The loss of a fit, and its dispersion at the parameters where that is not 1.
Dispersion: TypeAlias = Callable[[LinearPredictor, np.ndarray], float]
Parts: TypeAlias = tuple[LinearPredictor, Dispersion | None]


def _adapter(parts: Callable[[Any, Any, Any, Any], Parts]) -> Callable[..., Estimate]:
    """What `from_model` calls, of a function that reads the loss off a fit."""

    def estimate(
        fit: Any,
        X: Any = None,
        y: Any = None,
        *,
        weights: Any = None,
        groups: Any = None,
        tol: float = 1e-2,
        **options: Any,
    ) -> Estimate:
        _require_usable(fit, X, y, options)
        loss, dispersion = parts(fit, X, y, weights)
        theta = _parameters(fit)
        scale = 1.0 if dispersion is None else dispersion(loss, theta)
        return Estimate(loss, theta, dispersion=scale, groups=groups, tol=tol)

    estimate.__doc__ = parts.__doc__
    return estimate


@_adapter
def linear(fit: Any, X: Any, y: Any, weights: Any) -> Parts:
    """An estimate from LinearRegression.

    `X` (n, p); `y` (n,); `weights` (n,): the ``sample_weight`` of the fit; `groups` (n,); `tol`: as
    in `Estimate`; **options: none of the others of `from_model` applies.
    """
    if (rank := getattr(fit, "rank_", None)) is not None and rank < np.size(fit.coef_):
        raise UnsupportedModelError(
            f"LinearRegression must use all columns, but took {rank} of {np.size(fit.coef_)} for "
            "independent (its `rank_`), so its coefficients do not minimise the squares. Centre "
            "and scale the columns, drop those that are collinear, or fit with tol=0."
        )
    loss = _loss(fit, SquaredError(), X, y, weights, 0.0)
    return loss, _residual_variance


@_adapter
def ridge(fit: Any, X: Any, y: Any, weights: Any) -> Parts:
    """An estimate from Ridge, whose penalty is 0.5 alpha |coef|^2; arguments as for `linear`."""
    if np.size(fit.alpha) != 1:
        raise UnsupportedModelError("Ridge: `alpha` must be one number, but is an array.")
    loss = _loss(fit, SquaredError(), X, y, weights, float(np.squeeze(fit.alpha)))
    return loss, _residual_variance


@_adapter
def generalized_linear(fit: Any, X: Any, y: Any, weights: Any) -> Parts:
    """An estimate from Poisson-, Gamma- or TweedieRegressor; arguments as for `linear`.

    scikit-learn penalises the mean of the loss: here alpha is multiplied by the sum of the
    weights, and held.
    """
    total = float(_case_weights(fit, X, weights).sum())
    loss = _loss(fit, _family(fit), X, y, weights, fit.alpha * total)
    return loss, _pearson_dispersion(fit)


@_adapter
def logistic(fit: Any, X: Any, y: Any, weights: Any) -> Parts:
    """An estimate from LogisticRegression with an L2 penalty or none; arguments as for `linear`.

    Class weights are those of the full data and held. With more than two classes every class
    has its parameters, named ``class:column``. A shift of all classes changes nothing but the
    penalty, so the loss adds half the square of each column's sum over classes: that is 0 at
    scikit-learn's optimum, and at every refit.
    """
    _require_smooth_penalty(fit)
    classes = np.asarray(fit.classes_)
    matrix, names = design(fit, X)
    codes = checks.row_vector(class_codes(classes, y), "y", len(matrix), matrix.index, X)
    case = _class_weights(fit.class_weight, classes, codes, _case_weights(fit, X, weights))
    ridge = 0.0 if getattr(fit, "penalty", "l2") in (None, "none") else 1 / fit.C
    if len(fit.coef_) == 1:
        loss = _loss(fit, Logistic(), X, codes, case, ridge)
        return loss, None
    k, p = len(classes), matrix.shape[1]
    P = np.kron(np.eye(k), np.diag(_penalties(fit, ridge)))
    loss = LinearPredictor(
        Multinomial(reference=False),
        (matrix,) * k,
        codes,
        weights=case,
        penalty=P + np.kron(np.ones((k, k)), np.eye(p)),
        names=[f"{c}:{name}" for c in classes for name in names],
    )
    return loss, None


def _loss(
    fit: Any, row_loss: RowLoss, X: Any, y: Any, weights: Any, ridge: float
) -> LinearPredictor:
    matrix, _ = design(fit, X)
    outcome = checks.row_vector(y, "y", len(matrix), matrix.index, X)
    case = _case_weights(fit, X, weights)
    return LinearPredictor(row_loss, matrix, outcome, weights=case, penalty=_penalties(fit, ridge))


def _require_usable(fit: Any, X: Any, y: Any, options: dict[str, Any]) -> None:
    refuse("A scikit-learn fit has its own settings", **options)
    if X is None or y is None:
        raise DataMismatchError(
            "A scikit-learn fit keeps no data, so X and y are needed, but "
            f"`{'X' if X is None else 'y'}` is not given; pass the data it was fitted on."
        )
    if hasattr(X, "toarray"):
        raise InvalidTypeError(f"`X` must be dense, but is a {type(X).__name__}; pass X.toarray().")
    if not hasattr(fit, "coef_"):
        raise UnsupportedModelError(
            f"{type(fit).__name__} must be fitted, but has no `coef_`; call its fit(X, y) first."
        )
    if getattr(fit, "positive", False):
        raise UnsupportedModelError(
            f"{type(fit).__name__}: positive=True puts coefficients on a boundary, where no "
            "influence function exists; fit without it."
        )
    if hasattr(fit, "C_"):
        raise UnsupportedModelError(
            f"{type(fit).__name__} also chooses C from the data; fit LogisticRegression with the "
            "chosen C, which is then held."
        )
    coef = np.asarray(fit.coef_)
    if coef.ndim == 2 and len(coef) > 1 and not hasattr(fit, "classes_"):
        raise UnsupportedModelError(
            f"{type(fit).__name__}: `y` must have one column, but the fit has {len(coef)} "
            "outcomes; fit one at a time, they share nothing."
        )


def _require_smooth_penalty(fit: Any) -> None:
    penalty = getattr(fit, "penalty", "l2")
    if penalty in ("l1", "elasticnet") or (penalty != "l2" and getattr(fit, "l1_ratio", 0)):
        raise UnsupportedModelError(
            f"{type(fit).__name__}: the penalty must be L2 or none, but this one has an L1 part, "
            "which has no Hessian; fit it with l1_ratio=0."
        )


def design(fit: Any, X: Any) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The columns of the fit, and a column of ones where it has an intercept."""
    named = getattr(fit, "feature_names_in_", None)
    p = np.shape(fit.coef_)[-1]
    names = [f"x{k}" for k in range(p)] if named is None else [str(name) for name in named]
    if named is None and isinstance(X, pd.DataFrame):
        X = X.set_axis(names, axis=1) if X.shape[1] == p else X
    frame = columns_by_name(X, names)
    if fit.fit_intercept:
        frame = frame.assign(intercept=1.0)
    return frame, tuple(frame.columns)


def _parameters(fit: Any) -> np.ndarray:
    """Coefficients and intercept, class after class."""
    coef = np.atleast_2d(fit.coef_)
    if not fit.fit_intercept:
        return coef.ravel()
    intercept = np.broadcast_to(np.reshape(fit.intercept_, (-1, 1)), (len(coef), 1))
    return np.hstack([coef, intercept]).ravel()


def _penalties(fit: Any, ridge: float) -> np.ndarray:
    """Diagonal of P for one class: no penalty on the intercept, except liblinear's."""
    penalties = np.full(np.shape(fit.coef_)[-1], ridge)
    if not fit.fit_intercept:
        return penalties
    liblinear = getattr(fit, "solver", None) == "liblinear"
    return np.append(penalties, ridge / fit.intercept_scaling**2 if liblinear else 0.0)


def class_codes(classes: np.ndarray, y: Any) -> Any:
    """Which class each row is of, with the index of y, whose alignment is checked with X."""
    values = np.ravel(y)
    if len(unknown := np.setdiff1d(values, classes)):
        raise DataMismatchError(
            f"`y` must hold the classes of the fit, {classes.tolist()}, but has "
            f"{unknown[:5].tolist()}; pass the y that was fitted."
        )
    codes = np.searchsorted(classes, values).astype(float)
    return pd.Series(codes, index=y.index) if isinstance(y, pd.Series | pd.DataFrame) else codes


def _case_weights(fit: Any, X: Any, weights: Any) -> np.ndarray:
    """The ``sample_weight`` of the fit, ones where it had none, aligned with X."""
    rows = design(fit, X)[0].index
    n = len(rows)
    return np.ones(n) if weights is None else checks.case_weights(weights, n, rows, X)


def _class_weights(
    class_weight: Any, classes: np.ndarray, codes: np.ndarray, case: np.ndarray
) -> np.ndarray:
    code = codes.astype(np.intp)
    if class_weight is None:
        return case
    if isinstance(class_weight, str):
        count = np.bincount(code, weights=case)
        return case * (count.sum() / (len(classes) * count))[code]
    return case * np.array([class_weight.get(c, 1.0) for c in classes.tolist()])[code]


def _family(fit: Any) -> RowLoss:
    name = type(fit).__name__
    if name != "TweedieRegressor":
        return Poisson() if name == "PoissonRegressor" else Gamma(links.Log())
    power = fit.power
    identity = fit.link == "identity" or (fit.link == "auto" and power <= 0)
    link = links.Identity() if identity else links.Log()
    return Gaussian(link) if power == 0 else Tweedie(link, power)


def _residual_variance(loss: LinearPredictor, theta: np.ndarray) -> float:
    squares = loss.weights @ loss.row_losses(theta)
    return float(2 * squares / max(loss.n_objects - len(theta), 1))


def _pearson_dispersion(fit: Any) -> Dispersion | None:
    """sum w (y - mu)^2 / mu^power / (n - p), except for Poisson, whose dispersion is 1."""
    power = {"PoissonRegressor": 1, "GammaRegressor": 2}.get(type(fit).__name__)
    power = fit.power if power is None else power

    def dispersion(loss: LinearPredictor, theta: np.ndarray) -> float:
        eta = loss.predictors.at(theta)[0]
        identity = isinstance(getattr(loss.row_loss, "link", None), links.Identity)
        mu = eta if identity else np.exp(eta)
        squares = loss.weights @ ((loss.y - mu) ** 2 / mu**power)
        return float(squares / max(loss.n_objects - len(theta), 1))

    return None if power == 1 else dispersion
