"""Targets of any model: a coefficient, how sure it is, and the fit as a whole."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from vifstats import autodiff
from vifstats.errors import InvalidInputError
from vifstats.losses.base import Loss, solve_each
from vifstats.losses.linear_predictor import LinearPredictor
from vifstats.losses.row_losses import SquaredError
from vifstats.removals import Removals
from vifstats.targets.base import Target, central_differences

__all__ = [
    "Coefficient",
    "ConfidenceLimits",
    "LogLikelihood",
    "PValue",
    "StandardError",
    "ZValue",
    "position_of",
    "standard_errors_without",
]

# Numbers of removals times rows times parameters up to which each Hessian is computed afresh: 3 s.
EXACT_NUMBERS = 100_000_000
# Reduced Hessians taken together hold about this many numbers (32 MB).
BLOCK_NUMBERS = 4_000_000
# The step of third derivatives, in standard errors.
STEP = 1e-3


@dataclass(frozen=True, eq=False)
class Coefficient(Target):
    """One parameter, by name.

    Parameters
    ----------
    name : str
        As in ``estimate.names``.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.array([1.0, 3.0, 5.0]))
    >>> est = vs.minimize(loss, [0.0], names=["mean"])
    >>> vs.newton_step(est).on(Coefficient("mean")).value_without.ravel()
    array([4., 3., 2.])
    """

    name: str
    reads_presence = False

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]  # known with the name
        """The name of the parameter."""
        return (self.name,)

    def bind(self, estimate: Any) -> "Coefficient":
        return _Coefficient(self.name, position_of(self.name, estimate.names))

    def value(self, theta: Any, presence: Any, loss: Loss) -> Any:
        return theta[position_of(self.name, loss.names or ())]


@dataclass(frozen=True, eq=False)
class _Coefficient(Coefficient):
    """A coefficient whose place is known."""

    position: int = 0

    def value(self, theta: Any, presence: Any, loss: Loss) -> Any:
        return theta[self.position]

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return thetas[:, [self.position]]


@dataclass(frozen=True, eq=False)
class LogLikelihood(Target):
    """Minus the loss: the (partial, penalised) log likelihood, up to a constant.

    Without a row it is that of the others at their own estimate. It costs a pass over the rows
    for each removal.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.array([1.0, 3.0, 5.0]))
    >>> vs.newton_step(vs.minimize(loss, [0.0])).on(LogLikelihood()).value_without.ravel()
    array([-1., -4., -1.])
    """

    names = ("log likelihood",)

    def value(self, theta: Any, presence: Any, loss: Loss) -> Any:
        return -loss.value(theta, presence)

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return -loss.reduced_slopes(_kept(loss, thetas, removals), removals)[0][:, None]


class WaldTarget(Target, ABC):
    """A function of a coefficient and its standard error; a subclass says which.

    Attributes
    ----------
    name : str
        The parameter.
    exact : bool or None
        See `StandardError`.
    """

    name: str
    exact: bool | None

    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """A name for each value."""

    @abstractmethod
    def of(self, coefficient: np.ndarray, error: np.ndarray) -> np.ndarray:
        """Values (k, m) of coefficients and standard errors (k,)."""

    def bind(self, estimate: Any) -> "BoundWald":
        if len(estimate.loss.gauge(estimate.theta)):
            raise InvalidInputError(
                "A standard error needs parameters that are determined, but this loss does not "
                "change along its gauge directions; use a target that does not either."
            )
        return BoundWald(
            self,
            position_of(self.name, estimate.names),
            estimate.theta,
            estimate.standard_errors,
            estimate.dispersion,
        )


@dataclass(frozen=True, eq=False)
class StandardError(WaldTarget):
    """The naive standard error of one parameter, from the Hessian without the row.

    Parameters
    ----------
    name : str
        As in ``estimate.names``.
    exact : bool, optional
        Without each removal, True computes the Hessian of the others at their own parameters, a
        pass over the rows each. False takes the Hessian of the others at theta^ and its change
        with the parameters to first order from all rows, which is near-linear. Default: exact as
        long as removals times rows times parameters stay below 1e8.

    Notes
    -----
    The residual variance of least squares is estimated again without the row; any other dispersion
    is held.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.array([1.0, 3.0, 5.0]))
    >>> est = vs.minimize(loss, [0.0], names=["mean"])
    >>> vs.newton_step(est).on(StandardError("mean")).value_without.ravel().round(3)
    array([0.707, 0.707, 0.707])
    """

    name: str
    exact: bool | None = None

    def labels(self) -> tuple[str, ...]:
        return (f"se({self.name})",)

    def of(self, coefficient: np.ndarray, error: np.ndarray) -> np.ndarray:
        return error[:, None]


@dataclass(frozen=True, eq=False)
class ZValue(WaldTarget):
    """A parameter over its standard error.

    Parameters
    ----------
    name : str
    exact : bool, optional
        As in `StandardError`.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.array([1.0, 3.0, 5.0]))
    >>> est = vs.minimize(loss, [0.0], names=["mean"])
    >>> vs.vif(est).on(ZValue("mean")).value.round(3)
    array([5.196])
    """

    name: str
    exact: bool | None = None

    def labels(self) -> tuple[str, ...]:
        return (f"z({self.name})",)

    def of(self, coefficient: np.ndarray, error: np.ndarray) -> np.ndarray:
        return (coefficient / error)[:, None]


@dataclass(frozen=True, eq=False)
class PValue(WaldTarget):
    """The two-sided p-value of Wald's test that a parameter is 0, by the normal distribution.

    Parameters
    ----------
    name : str
    exact : bool, optional
        As in `StandardError`.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.array([0.0, 1.0, 2.0]))
    >>> est = vs.minimize(loss, [0.0], names=["mean"])
    >>> vs.newton_step(est).on(PValue("mean")).value_without.ravel().round(3)
    array([0.034, 0.157, 0.48 ])
    """

    name: str
    exact: bool | None = None

    def labels(self) -> tuple[str, ...]:
        return (f"p({self.name})",)

    def of(self, coefficient: np.ndarray, error: np.ndarray) -> np.ndarray:
        return 2 * ndtr(-np.abs(coefficient / error))[:, None]


@dataclass(frozen=True, eq=False)
class ConfidenceLimits(WaldTarget):
    """Lower and upper limit of Wald's confidence interval, by the normal distribution.

    Parameters
    ----------
    name : str
    level : float
        Coverage, between 0 and 1.
    exact : bool, optional
        As in `StandardError`.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.array([1.0, 3.0, 5.0]))
    >>> est = vs.minimize(loss, [0.0], names=["mean"])
    >>> vs.vif(est).on(ConfidenceLimits("mean")).value.round(3)
    array([1.868, 4.132])
    """

    name: str
    level: float = 0.95
    exact: bool | None = None

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise InvalidInputError(f"`level` must be between 0 and 1, but is {self.level!r}.")

    def labels(self) -> tuple[str, ...]:
        return (f"lower({self.name})", f"upper({self.name})")

    def of(self, coefficient: np.ndarray, error: np.ndarray) -> np.ndarray:
        width = ndtri(0.5 + self.level / 2) * error
        return np.stack([coefficient - width, coefficient + width], axis=1)


@dataclass(frozen=True, eq=False)
class BoundWald(Target):
    """A function of a coefficient and its standard error, at an estimate.

    Attributes
    ----------
    target : WaldTarget
    position : int
        Of the parameter.
    theta, standard_errors : ndarray, shape (p,)
        Of the full fit.
    dispersion : float
    """

    target: WaldTarget
    position: int
    theta: np.ndarray
    standard_errors: np.ndarray
    dispersion: float
    undefined = "H is not positive definite"

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]  # known with the target
        """A name for each value."""
        return self.target.labels()

    def value(self, theta: Any, presence: Any, loss: Loss) -> Any:
        theta = autodiff.plain(theta)
        present = autodiff.plain(presence) > 0
        if present.all() and np.array_equal(theta, self.theta):
            return self.target.of(theta[[self.position]], self.standard_errors[[self.position]])[0]
        without = Removals(np.where(present, -1, 0), np.zeros(1))
        return self._of(loss, theta[None], without, exact=True)[0]

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return self._of(loss, thetas, removals, self.target.exact)

    def linear_influence(
        self, loss: Loss, theta: np.ndarray, dfbeta: np.ndarray, removals: Removals
    ) -> np.ndarray:
        return central_differences(self, loss, theta, dfbeta, removals)

    def _of(
        self, loss: Loss, thetas: np.ndarray, removals: Removals, exact: bool | None
    ) -> np.ndarray:
        errors = standard_errors_without(self, loss, thetas, removals, exact)
        return self.target.of(thetas[:, self.position], errors[:, self.position])


def standard_errors_without(
    fit: Any, loss: Loss, thetas: np.ndarray, removals: Removals, exact: bool | None = None
) -> np.ndarray:
    """Naive standard errors of every parameter without each removal.

    Parameters
    ----------
    fit : Estimate or BoundWald
        Has theta and dispersion of the full fit, and its standard errors.
    loss : Loss
    thetas : ndarray, shape (n_removals, p)
        The parameters without each removal.
    removals : Removals
    exact : bool, optional
        As in `StandardError`.

    Returns
    -------
    ndarray, shape (n_removals, p)
        nan where a Hessian is not positive definite, and for parameters that vanish.
    """
    p = thetas.shape[1]
    owned = loss.owned_mask(removals, p)
    thetas = _kept(loss, thetas, removals)
    if exact is None:
        exact = len(removals) * removals.n_objects * p <= EXACT_NUMBERS
    slopes = None if exact else _third_derivatives(fit, loss)
    variances = np.empty(thetas.shape)
    for part, some in removals.blocks(max(1, BLOCK_NUMBERS // p**2)):
        if slopes is None:
            H = loss.reduced_curvatures(thetas[part], some)
        else:
            H = loss.reduced_hessians(fit.theta, some)
            H += np.einsum("kj,jab->kab", thetas[part] - fit.theta, slopes)
        for k, unit in enumerate(np.eye(p)):
            rows = np.repeat(unit[None], len(some), axis=0)
            gone = None if owned is None else owned[part]
            variances[part, k] = solve_each(H, rows, gone)[:, k]
    if owned is not None:
        variances[owned] = np.nan
    return np.sqrt(variances * _dispersions(fit, loss, thetas, removals))


def _third_derivatives(fit: Any, loss: Loss) -> np.ndarray:
    """The derivative of the Hessian in each parameter, shape (p, p, p)."""
    steps = STEP * fit.standard_errors
    ahead, behind = (
        np.stack([loss.hessian(fit.theta + sign * h) for h in np.diag(steps)]) for sign in (1, -1)
    )
    return (ahead - behind) / (2 * steps)[:, None, None]


def _dispersions(
    fit: Any, loss: Loss, thetas: np.ndarray, removals: Removals
) -> np.ndarray | float:
    """The residual variance of least squares without each removal; else as it was."""
    squares = isinstance(loss, LinearPredictor) and isinstance(loss.row_loss, SquaredError)
    if not squares or fit.dispersion == 1.0:
        return fit.dispersion
    n, p = loss.n_objects, len(fit.theta)
    full = float(loss.value(fit.theta, loss.everyone())) / (n - p)
    without = loss.reduced_slopes(thetas, removals)[0] / (n - removals.sizes - p)
    return (fit.dispersion * without / full)[:, None]


def _kept(loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
    """Parameters with 0 for those that vanish with a removal: nothing reads them then."""
    owned = loss.owned_mask(removals, thetas.shape[1])
    return thetas if owned is None else np.where(owned, 0.0, thetas)


def position_of(name: str, names: Sequence[str]) -> int:
    """Where a parameter stands, by name."""
    if name not in names:
        raise InvalidInputError(f"A parameter must be one of {list(names)}, but is {name!r}.")
    return list(names).index(name)
