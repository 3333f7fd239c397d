"""The test of proportional hazards as a target: is the non-proportionality one patient's?"""

from dataclasses import dataclass, field, replace

import numpy as np

from vifstats import checks
from vifstats.errors import InvalidTypeError, UnsupportedModelError
from vifstats.losses.base import Loss
from vifstats.losses.cox.loss import Cox
from vifstats.losses.cox.segment_sums import expanded
from vifstats.removals import Removals
from vifstats.targets.base import Fit, Target, central_differences
from vifstats.typing import Differentiable

__all__ = ["ProportionalHazards"]

TRANSFORMS = ("km", "rank", "identity", "log")


@dataclass(frozen=True, eq=False)
class ProportionalHazards(Target):
    """Score tests that hazards are proportional: chi-squared of each covariate, then of all.

    The model is augmented by x_j g(t), and the score of its coefficients at 0 is tested with those
    of the model at their estimates, as ``cox.zph`` of R does. Each has one degree of freedom, the
    last as many as there are covariates.

    Parameters
    ----------
    transform : {"km", "rank", "identity", "log"}
        g of the event times: 1 minus the Kaplan-Meier curve just before, the rank of the time among
        all rows, the time, its logarithm.

    Raises
    ------
    InvalidTypeError
        If the model is not Cox's.

    References
    ----------
    Grambsch & Therneau (1994), Biometrika 81; Therneau, survival 3.x, ``cox.zph``;
    docs/mathematics.md, equation (37).

    Examples
    --------
    >>> import vifstats as vs
    >>> d = vs.datasets.load_rossi()
    >>> est = vs.minimize(vs.losses.Cox(d[["fin", "age", "prio"]], d.week, d.arrest), np.zeros(3))
    >>> influence = vs.newton_step(est, objects=[0, 1]).on(ProportionalHazards("identity"))
    >>> influence.value.round(2)
    array([0.01, 7.  , 0.42, 7.71])
    """

    transform: str = "km"
    # of the covariates it is asked for, which are not for users to choose
    names: tuple[str, ...] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        checks.one_of(self.transform, list(TRANSFORMS), "transform")

    def bind(self, estimate: Fit) -> "ProportionalHazards":
        _require_cox(estimate.loss)
        bound = replace(self)
        names = tuple(f"zph({n})" for n in (*estimate.names, "global"))
        object.__setattr__(bound, "names", names)
        return bound

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> np.ndarray:
        cox = _require_cox(loss)
        score, within, between, beyond = _augmented(cox, theta, presence, self.transform)
        explained = np.linalg.solve(within, between)
        rest = beyond - between.T @ explained
        each = score**2 / np.diag(rest)
        return np.append(each, score @ np.linalg.solve(rest, score))

    def linear_influence(
        self, loss: Loss, theta: np.ndarray, dfbeta: np.ndarray, removals: Removals
    ) -> np.ndarray:
        # it counts and ranks, which automatic differentiation cannot see through
        return central_differences(self, loss, theta, dfbeta, removals)


def _require_cox(loss: Loss) -> Cox:
    if not isinstance(loss, Cox):
        raise InvalidTypeError(
            "The test of proportional hazards is one of a Cox model, but the loss is "
            f"{type(loss).__name__}; give it the estimate of one."
        )
    if isinstance(loss.penalty, str):
        raise UnsupportedModelError(
            "The test of proportional hazards is a score test of the partial likelihood, but this "
            "fit has Firth's penalty, at which the score is not 0; ask it of the fit without."
        )
    if loss.ties == "exact":
        raise InvalidTypeError(
            "The test of proportional hazards is one of Efron's or Breslow's ties, but this Cox "
            "model has exact ones; fit it with ties='efron' for the test."
        )
    return loss


def _augmented(
    loss: Cox, theta: np.ndarray, presence: np.ndarray, transform: str
) -> tuple[np.ndarray, ...]:
    """Score of x_j g(t), and the blocks sum a V, sum g a V and sum g^2 a V of the information."""
    sets, present = loss.risk_sets, presence[loss.risk_sets.order] > 0
    g_row = _transformed(loss, present, transform)
    p = len(theta)
    i, j = np.triu_indices(p)
    X = loss._X
    w, z, _, _ = loss._at_risk(theta, presence)
    r = w * np.exp(z)
    moments = np.column_stack([np.ones(len(r)), X, X[:, i] * X[:, j]]) * r[:, None]
    own = sets.own
    here = present[own]
    dying = sets.by_death.sums(moments[own])
    every = sets.ranges.scatter(moments)
    deaths = sets.by_death.sums(here.astype(float)).astype(int)
    W = sets.by_death.sums(w[own])
    n_terms = deaths if loss.ties == "efron" else np.minimum(deaths, 1)
    cell, tie = expanded(n_terms)
    psi = every[cell] - (tie / n_terms[cell])[:, None] * dying[cell]
    a, mean = W[cell] / n_terms[cell], psi[:, 1 : 1 + p] / psi[:, :1]
    V = psi[:, 1 + p :] / psi[:, :1] - mean[:, i] * mean[:, j]
    # tied events have one time, and so one g
    g_cell = np.zeros(sets.n_cells)
    g_cell[sets.cell_of_event[here]] = g_row[own[here]]
    g_cell -= g_row[own[here]].mean()
    g = g_cell[cell]
    observed = g_cell[sets.cell_of_event] * w[own]
    score = observed @ X[own] - (g * a) @ mean
    blocks = []
    for weight in (a, g * a, g**2 * a):
        block = np.zeros((p, p))
        block[i, j] = block[j, i] = weight @ V
        blocks.append(block)
    if loss.penalty is not None:
        blocks[0] += loss.penalty
    return score, *blocks


def _transformed(loss: Cox, present: np.ndarray, transform: str) -> np.ndarray:
    """g of the time of each row, in sorted order; that of absent rows has no meaning."""
    order = loss.risk_sets.order
    time = loss.data.time[order]
    if transform == "identity":
        return time
    if transform == "log":
        with np.errstate(divide="ignore"):  # an event at time 0 has no logarithm: nan, and said
            return np.log(time)
    g = np.zeros(len(time))
    rows = np.flatnonzero(present)
    if transform == "rank":
        g[rows] = _ranks(time[rows])
    else:
        g[rows] = _failed_before(
            time[rows], loss.data.event[order][rows], loss.data.entry[order][rows]
        )
    return g


def _ranks(time: np.ndarray) -> np.ndarray:
    """Ranks from 1, those of ties their mean."""
    _, place, count = np.unique(time, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2)[place]


def _failed_before(time: np.ndarray, event: np.ndarray, entry: np.ndarray) -> np.ndarray:
    """1 - S(t-) by Kaplan and Meier, strata and weights aside, as R has it."""
    times, place = np.unique(time, return_inverse=True)
    deaths = np.bincount(place, event, minlength=len(times))
    at_risk = np.searchsorted(np.sort(entry), times, side="left")
    at_risk = at_risk - np.searchsorted(np.sort(time), times, side="left")
    survival = np.cumprod(1 - deaths / np.maximum(at_risk, 1))
    return 1 - np.append(1.0, survival[:-1])[place]
