"""Restricted mean survival time under a Cox model, near-linear for many removals.

It is the integral of docs/mathematics.md, equation (25). With s = (length of the interval) S over
the intervals between event times, RMST = sum s, and a change dH of the cumulative hazard changes it
by - sum s dH + sum s dH^2 / 2. The first sum is the change of one weighted hazard, and what leaves
enters it exactly. The second sum is small: some knots stand for all times in it.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats.checks import positive_number
from vifstats.errors import InvalidInputError
from vifstats.removals import Removals
from vifstats.targets.survival_curves import (
    Curve,
    CurveTarget,
    HazardTarget,
    one_each,
    profile_labels,
    with_labels,
)
from vifstats.typing import TableLike

__all__ = ["RMST", "RMSTDifference", "horizon_within", "intervals"]

# Event times at which the square of the change of the hazard is read.
KNOTS = 32


@dataclass(frozen=True, eq=False)
class RMST(CurveTarget):
    """Restricted mean survival time, the integral of S(t | x) from 0 to a fixed horizon.

    Parameters
    ----------
    x : array_like, shape (n_params,) or (k, n_params), dict, Series or DataFrame
        Profiles, as design rows or in the raw columns of the fitted model.
    tau : float
        The horizon, in the units of the data. It is fixed: the last time seen would move when its
        row leaves.
    stratum, ties : optional
        As in `BaselineHazard`.

    References
    ----------
    Royston & Parmar (2013), BMC Medical Research Methodology 13.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> change = vs.vif(vs.minimize(loss, [0.0])).on(RMST([[0.0], [1.0]], tau=3.0))
    >>> bool(change.value[0] > change.value[1])
    True
    """

    x: TableLike | None
    tau: float
    stratum: Hashable | None = None
    ties: str | None = None
    exact: bool | None = None

    def read(self, curve: Curve, design: Callable[[object], np.ndarray]) -> HazardTarget:
        x, tau = design(self.x), horizon_within(self.tau, curve)
        names = with_labels([f"RMST({tau:g})"], profile_labels(self.x, len(x)))
        return _restricted_mean(curve, x, tau, np.eye(len(x)), names, self.exact)


@dataclass(frozen=True, eq=False)
class RMSTDifference(CurveTarget):
    """Restricted mean survival time of one profile minus that of another.

    Parameters
    ----------
    x1, x0 : array_like, shape (n_params,), dict, Series or DataFrame of one row
        The two profiles; the value is RMST(x1) - RMST(x0).
    tau : float
        The horizon, as in `RMST`.
    stratum, ties : optional
        As in `BaselineHazard`.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> change = vs.vif(vs.minimize(loss, [0.0])).on(RMSTDifference([1.0], [0.0], tau=3.0))
    >>> bool(change.value[0] < 0)
    True
    """

    x1: TableLike
    x0: TableLike
    tau: float
    stratum: Hashable | None = None
    ties: str | None = None
    exact: bool | None = None

    def read(self, curve: Curve, design: Callable[[object], np.ndarray]) -> HazardTarget:
        x, tau = one_each(design(self.x1), design(self.x0)), horizon_within(self.tau, curve)
        names = (f"RMST({tau:g}) difference",)
        return _restricted_mean(curve, x, tau, np.array([[1.0, -1.0]]), names, self.exact)


@dataclass(frozen=True, eq=False)
class RestrictedMean(HazardTarget):
    """Restricted means of profiles, or contrasts of them."""

    # (q,): length of the interval that begins at each time
    widths: np.ndarray = field(default_factory=lambda: np.zeros(0))
    contrast: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))  # (n_values, m)

    def _exactly(self, removals: Removals) -> bool:
        return self.pairs_are_few(removals) if self.exact is None else self.exact

    def _from_expansion(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        passed, log_risk = self.at_estimate()
        H = np.exp(log_risk)[:, None] * passed
        s = np.exp(-H) * self.widths
        knots, share = _knots(s.sum(axis=0))
        weights = np.concatenate([self._later(s).T, self.inside(self.positions[knots])], axis=1)
        hazards, risk = self.expanded(weights, thetas, removals)
        m = len(log_risk)
        first = risk * hazards[:, :m] - np.sum(s * H, axis=1)
        change = risk[:, :, None] * hazards[:, None, m:] - H[:, knots]
        second = np.einsum("mk,imk->im", s @ share, change**2)
        return (s.sum(axis=1) - first + 0.5 * second) @ self.contrast.T

    def _later(self, s: np.ndarray) -> np.ndarray:
        """For each cell the sum of s over the times after it: (m, q) to (m, n_cells)."""
        out = np.zeros((len(s), self.curve.loss.risk_sets.n_cells))
        sums = np.cumsum(s[:, ::-1], axis=1)[:, ::-1]
        start = self.curve.cells.start
        out[:, start : start + s.shape[1] - 1] = sums[:, 1:]
        return out


def horizon_within(tau: Any, curve: Curve) -> float:
    """A horizon within follow-up."""
    horizon = positive_number(tau, "tau")
    if horizon > curve.last:
        raise InvalidInputError(
            f"`tau` must lie within follow-up, which ends at {curve.last:g}, but is {horizon:g}: "
            "nothing is known of the hazard there."
        )
    return horizon


def _restricted_mean(
    curve: Curve,
    x: np.ndarray,
    horizon: float,
    contrast: np.ndarray,
    names: tuple[str, ...],
    exact: bool | None,
) -> RestrictedMean:
    widths = intervals(curve, horizon)
    return RestrictedMean(
        curve=curve,
        x=x,
        positions=np.arange(len(widths)),
        function=partial(_under_curves, widths=widths, contrast=contrast),
        names=names,
        exact=exact,
        widths=widths,
        contrast=contrast,
    )


def intervals(curve: Curve, horizon: float) -> np.ndarray:
    """Lengths of the intervals between event times up to the horizon, the first from 0: (q,)."""
    jumps = curve.event_times[: curve.at(np.array([horizon]))[0]]
    # S is 1 from 0 to the first event time; an event at 0 leaves nothing of that
    return np.diff(np.concatenate([[0.0], np.maximum(jumps, 0.0), [horizon]]))


def _under_curves(H: Any, widths: np.ndarray, contrast: np.ndarray) -> Any:
    """Contrasts of the areas under exp(-H)."""
    return anp.dot(anp.dot(anp.exp(-H), widths), contrast.T)


def _knots(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times that stand for all, of equal weight: positions (k,), and which stands for which."""
    middle = np.cumsum(weight) - 0.5 * weight
    group = np.minimum((middle / weight.sum() * KNOTS).astype(int), KNOTS - 1)
    group = np.unique(group, return_inverse=True)[1]
    share = (group[:, None] == np.arange(group[-1] + 1)).astype(float)
    total = share.T @ weight
    # an interval of no length, where tau is an event time, has no weight
    at = (share * weight[:, None]).T @ np.arange(len(weight)) / np.where(total > 0, total, 1.0)
    return np.rint(at).astype(int), share
