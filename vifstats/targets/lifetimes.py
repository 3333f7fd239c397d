"""Targets in units of time: restricted mean and median survival under a Cox model."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import autodiff
from vifstats.checks import positive_number
from vifstats.errors import InvalidInputError
from vifstats.targets.curves import (
    Curve,
    CurveTarget,
    HazardTarget,
    one_each,
    profile_labels,
    with_labels,
)

__all__ = ["RMST", "MedianSurvival", "RMSTDifference"]


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

    x: Any
    tau: float
    stratum: Hashable | None = None
    ties: str | None = None
    exact: bool | None = None

    def read(self, curve: Curve, design: Callable[[Any], np.ndarray]) -> HazardTarget:
        x = design(self.x)
        positions, mean = _restricted_mean(curve, self.tau)
        names = with_labels([f"RMST({self.tau:g})"], profile_labels(self.x, len(x)))
        return HazardTarget(curve, x, positions, mean, names, self.exact)


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

    x1: Any
    x0: Any
    tau: float
    stratum: Hashable | None = None
    ties: str | None = None
    exact: bool | None = None

    def read(self, curve: Curve, design: Callable[[Any], np.ndarray]) -> HazardTarget:
        x = one_each(design(self.x1), design(self.x0))
        positions, mean = _restricted_mean(curve, self.tau)
        return HazardTarget(
            curve=curve,
            x=x,
            positions=positions,
            function=lambda H: mean(H[..., :1, :]) - mean(H[..., 1:, :]),
            names=(f"RMST({self.tau:g}) difference",),
            exact=self.exact,
        )


@dataclass(frozen=True, eq=False)
class MedianSurvival(CurveTarget):
    """The first time at which S(t | x) <= 1/2; nan where the curve ends above.

    It moves in steps from event time to event time, so it has no linear form.

    Parameters
    ----------
    x : array_like, shape (n_params,) or (k, n_params), dict, Series or DataFrame
        Profiles, as design rows or in the raw columns of the fitted model.
    stratum, ties : optional
        As in `BaselineHazard`.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> vs.vif(vs.minimize(loss, [0.0])).on(MedianSurvival([[0.0], [1.0]])).value
    array([4., 2.])
    """

    x: Any
    stratum: Hashable | None = None
    ties: str | None = None
    exact: bool | None = None

    def read(self, curve: Curve, design: Callable[[Any], np.ndarray]) -> HazardTarget:
        x, times = design(self.x), curve.event_times

        def median(H: Any) -> np.ndarray:
            reached = autodiff.plain(H) >= np.log(2)
            first = times[np.argmax(reached, axis=-1)]
            return np.where(reached.any(axis=-1), first, np.nan)

        return HazardTarget(
            curve=curve,
            x=x,
            positions=np.arange(1, len(times) + 1),
            function=median,
            names=with_labels(["median(T)"], profile_labels(self.x, len(x))),
            exact=self.exact,
            smooth=False,
            undefined="survival stays above 1/2",
        )


def _restricted_mean(curve: Curve, tau: float) -> tuple[np.ndarray, Callable[[Any], Any]]:
    """The event times that matter up to tau, and the integral of exp(-H) over them."""
    horizon = positive_number(tau, "tau")
    if horizon > curve.last:
        raise InvalidInputError(
            f"`tau` must lie within follow-up, which ends at {curve.last:g}, but is {horizon:g}: "
            "nothing is known of the hazard there."
        )
    jumps = curve.event_times[: curve.at(np.array([horizon]))[0]]
    # S is 1 from 0 to the first event time; an event at 0 leaves nothing of that
    widths = np.diff(np.concatenate([[0.0], np.maximum(jumps, 0.0), [horizon]]))
    return np.arange(len(jumps) + 1), lambda H: anp.dot(anp.exp(-H), widths)
