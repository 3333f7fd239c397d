"""Cumulative incidence from cause-specific Cox models, or from Fine and Gray's."""

from dataclasses import dataclass, replace
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses.base import Loss
from vifstats.losses.cox.fine_gray.loss import FineGray
from vifstats.losses.cox.loss import Cox
from vifstats.losses.stacked import Stacked
from vifstats.targets.base import Fit, Target
from vifstats.typing import Differentiable, TableLike, Times

__all__ = ["CumulativeIncidence", "CumulativeIncidenceDifference"]


@dataclass(frozen=True, eq=False)
class CumulativeIncidence(Target):
    """The probability of an event of one cause by some times, for profiles of covariates.

    Of cause-specific models, with the hazards h_k of all causes at each event time and H their sum,
    as in R's multi-state ``survfit``: F grows by S (1 - exp(-H)) h / H, then S falls to S exp(-H).
    Of Fine and Gray's model, with its baseline subdistribution hazard: 1 - exp(-Lambda0 exp(x'b)).

    Parameters
    ----------
    x : array_like, shape (p,) or (m, p), dict or DataFrame
        Profiles, by the names of the covariates.
    times : float or array_like
        In the units of the data.
    cause : int, optional
        Whose incidence; default 1, of Fine and Gray's model the cause that it is of.

    Raises
    ------
    InvalidTypeError
        If the estimate is not of competing risks.
    InvalidInputError
        If there is no such cause, or the models have strata.

    References
    ----------
    Aalen & Johansen (1978), Scand. J. Statist. 5; Fine & Gray (1999), J. Am. Statist. Ass. 94,
    section 5; docs/mathematics.md, equation (45).

    Examples
    --------
    >>> import vifstats as vs
    >>> X = [[0.0], [1.0], [0.0], [1.0], [1.0], [0.0]]
    >>> est = vs.competing_risks(X, [6.0, 5.0, 4.0, 3.0, 2.0, 1.0], [0, 1, 2, 2, 1, 1])
    >>> target = CumulativeIncidence([0.5], [2.0, 5.0], cause=1)
    >>> vs.vif(est).on(target).value.round(3)
    array([0.29, 0.44])
    """

    x: TableLike
    times: Times
    cause: int | None = None

    def bind(self, estimate: Fit) -> "CumulativeIncidence":
        cause, times, (x,) = _bound(estimate, self.cause, self.times, [self.x])
        bound = replace(self, x=x, times=times, cause=cause)
        profiles = [""] if len(x) == 1 else [f"{k}: " for k in range(len(x))]
        names = [f"{p}F{cause}({t:g})" for p in profiles for t in times]
        object.__setattr__(bound, "names", tuple(names))
        return bound

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        return incidences(theta, presence, loss, np.asarray(self.x), self.times, self.cause)


@dataclass(frozen=True, eq=False)
class CumulativeIncidenceDifference(Target):
    """The cumulative incidence of one profile minus that of another, at some times.

    Parameters
    ----------
    x1, x0 : array_like, shape (p,), dict or DataFrame of one row
    times : float or array_like
        In the units of the data.
    cause : int, optional
        As in `CumulativeIncidence`.

    Raises
    ------
    InvalidTypeError
        If the estimate is not of competing risks.
    InvalidInputError
        If there is no such cause, the models have strata, or either is not one profile.

    References
    ----------
    docs/mathematics.md, equation (45).

    Examples
    --------
    >>> import vifstats as vs
    >>> X = [[0.0], [1.0], [0.0], [1.0], [1.0], [0.0]]
    >>> est = vs.competing_risks(X, [6.0, 5.0, 4.0, 3.0, 2.0, 1.0], [0, 1, 2, 2, 1, 1])
    >>> vs.vif(est).on(CumulativeIncidenceDifference([1.0], [0.0], 5.0)).value.round(3)
    array([0.143])
    """

    x1: TableLike
    x0: TableLike
    times: Times
    cause: int | None = None

    def bind(self, estimate: Fit) -> "CumulativeIncidenceDifference":
        cause, times, (x1, x0) = _bound(estimate, self.cause, self.times, [self.x1, self.x0])
        if len(x1) != 1 or len(x0) != 1:
            raise InvalidInputError(
                f"A difference is of one profile and another, but `x1` has {len(x1)} and `x0` "
                f"{len(x0)}; take CumulativeIncidence of all of them."
            )
        bound = replace(self, x1=x1, x0=x0, times=times, cause=cause)
        object.__setattr__(bound, "names", tuple(f"F{cause}({t:g}), x1 - x0" for t in times))
        return bound

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        both = np.concatenate([np.asarray(self.x1), np.asarray(self.x0)])
        one, other = incidences(theta, presence, loss, both, self.times, self.cause).reshape(2, -1)
        return one - other


def _bound(
    estimate: Fit, cause: int | None, times: Times, x: list[TableLike]
) -> tuple[int, np.ndarray, list[np.ndarray]]:
    """Cause, times and profiles, checked."""
    loss = estimate.loss
    if isinstance(loss, FineGray):
        known, names, default = [str(loss.of)], loss.names, loss.of
        grid = loss.risk_sets.cell_time
    else:
        models = _models(loss)
        known, names, default = list(models), next(iter(models.values())).names or (), 1
        grid, _ = _grid(models)
    cause = default if cause is None else cause
    checks.one_of(str(cause), known, "cause")
    at = checks.times(times, "times", min(0.0, float(grid[0])))
    return cause, at, [checks.profiles(one, None, names) for one in x]


def incidences(
    theta: Any, presence: Any, loss: Any, x: np.ndarray, times: Any, cause: int | None
) -> Any:
    """F of each profile (m, p) at each time, one profile after the other: shape (m * n_times,)."""
    if isinstance(loss, FineGray):
        terms, shift = loss.hazards(theta, presence)
        grid = loss.risk_sets.cell_time
        curves = [
            1 - anp.exp(-_so_far(terms) * anp.exp(anp.dot(row - loss.centres[0], theta) - shift[0]))
            for row in x
        ]
    else:
        models = _models(loss)
        grid, places = _grid(models)
        curves = [_of_models(theta, presence, loss, models, places, row, str(cause)) for row in x]
    upto = np.searchsorted(grid, times, side="right")
    return anp.concatenate([curve[upto] for curve in curves])


def _so_far(steps: Any) -> Any:
    """Sums of the first 0, 1, ... steps."""
    return anp.concatenate([anp.zeros(1), anp.cumsum(steps)])


def _of_models(
    theta: Any, presence: Any, loss: Any, models: dict, places: dict, x: np.ndarray, cause: str
) -> Any:
    """F after each of the event times of any cause, and 0 before the first."""
    hazards = {}
    for name, model in models.items():
        own = theta[loss.parts[name]]
        terms, shift = model.hazards(own, loss.blocks[name].present(presence))
        risk = anp.exp(anp.dot(x - model.centres[0], own) - shift[0])
        at = places[name]
        hazards[name] = anp.where(at >= 0, terms[np.maximum(at, 0)], 0.0) * risk
    total = sum(hazards.values())
    survival = anp.exp(-anp.cumsum(total))
    before = anp.concatenate([anp.ones(1), survival[:-1]])
    some = anp.where(total > 0, total, 1.0)
    share = anp.where(total > 0, -anp.expm1(-total) / some, 0.0)
    return _so_far(before * share * hazards[cause])


def _models(loss: Any) -> dict[str, Cox]:
    """The Cox model of each cause, by its name."""
    blocks = {}
    if isinstance(loss, Stacked):
        blocks = {name: block.equations for name, block in loss.blocks.items()}
    if not blocks or not all(isinstance(model, Cox) for model in blocks.values()):
        raise InvalidTypeError(
            "A cumulative incidence is of competing risks, but this estimate is of a "
            f"{type(loss).__name__}; fit vifstats.competing_risks, or a FineGray loss by minimize."
        )
    if any(len(model.centres) > 1 for model in blocks.values()):  # type: ignore[attr-defined]  # Cox
        raise InvalidInputError(
            "A cumulative incidence needs one baseline for each cause, but the models have "
            "strata; fit them without, or one stratum alone."
        )
    return blocks  # type: ignore[return-value]  # all are Cox


def _grid(blocks: dict[str, Cox]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The event times of any cause, and where each is among those of a cause, -1 for nowhere."""
    times = {name: model.risk_sets.cell_time for name, model in blocks.items()}
    grid = np.unique(np.concatenate(list(times.values())))
    places = {}
    for name, own in times.items():
        at = np.minimum(np.searchsorted(own, grid), len(own) - 1)
        places[name] = np.where(own[at] == grid, at, -1)
    return grid, places
