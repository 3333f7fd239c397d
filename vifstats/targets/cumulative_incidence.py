"""Cumulative incidence from cause-specific Cox models: docs/mathematics.md, equation (45)."""

from dataclasses import dataclass, replace
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses.base import Loss
from vifstats.losses.cox.loss import Cox
from vifstats.losses.stacked import Stacked
from vifstats.targets.base import Fit, Target
from vifstats.typing import Differentiable, TableLike, Times

__all__ = ["CumulativeIncidence"]


@dataclass(frozen=True, eq=False)
class CumulativeIncidence(Target):
    """The probability of an event of one cause by some times, for profiles of covariates.

    With the hazards h_k of all causes at each event time and H their sum, as in R's multi-state
    ``survfit``: F grows by S (1 - exp(-H)) h / H, then S falls to S exp(-H).

    Parameters
    ----------
    x : array_like, shape (p,) or (m, p), dict or DataFrame
        Profiles, by the names of the covariates.
    times : float or array_like
        In the units of the data.
    cause : int
        Whose incidence, as in `competing_risks`.

    Raises
    ------
    InvalidTypeError
        If the estimate is not of competing risks.
    InvalidInputError
        If there is no such cause, or the models have strata.

    References
    ----------
    Aalen & Johansen (1978), Scand. J. Statist. 5; docs/mathematics.md, equation (45).

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
    cause: int = 1

    def bind(self, estimate: Fit) -> "CumulativeIncidence":
        blocks = _models(estimate.loss)
        first = next(iter(blocks.values()))
        x = checks.profiles(self.x, None, first.names or ())
        times = checks.times(self.times, "times", min(0.0, float(_grid(blocks)[0][0])))
        checks.one_of(str(self.cause), list(blocks), "cause")
        bound = replace(self, x=x, times=times)
        profiles = [""] if len(x) == 1 else [f"{k}: " for k in range(len(x))]
        names = [f"{p}F{self.cause}({t:g})" for p in profiles for t in times]
        object.__setattr__(bound, "names", tuple(names))
        return bound

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        blocks = _models(loss)
        grid, places = _grid(blocks)
        x = np.atleast_2d(np.asarray(self.x, dtype=float))
        times = np.atleast_1d(np.asarray(self.times, dtype=float))
        upto = np.searchsorted(grid, times, side="right")
        curves = [
            self._incidence(theta, presence, loss, blocks, places, profile)[upto] for profile in x
        ]
        return anp.concatenate(curves)

    def _incidence(
        self, theta: Any, presence: Any, loss: Any, blocks: dict, places: dict, x: np.ndarray
    ) -> Any:
        """F after each of the event times of any cause, and 0 before the first."""
        hazards = {}
        for name, model in blocks.items():
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
        steps = before * share * hazards[str(self.cause)]
        return anp.concatenate([anp.zeros(1), anp.cumsum(steps)])


def _models(loss: Any) -> dict[str, Cox]:
    """The Cox model of each cause, by its name."""
    blocks = {}
    if isinstance(loss, Stacked):
        blocks = {name: block.equations for name, block in loss.blocks.items()}
    if not blocks or not all(isinstance(model, Cox) for model in blocks.values()):
        raise InvalidTypeError(
            "A cumulative incidence is of competing risks, but this estimate is of a "
            f"{type(loss).__name__}; fit it by vifstats.competing_risks."
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
