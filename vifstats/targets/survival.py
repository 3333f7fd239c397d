"""Targets read off a curve of a Cox model: hazard and survival at some times."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.targets.survival_curves import (
    Curve,
    CurveTarget,
    HazardTarget,
    profile_labels,
    with_labels,
)
from vifstats.typing import TableLike, Times

__all__ = ["BaselineHazard", "SurvivalProbability"]


@dataclass(frozen=True, eq=False)
class BaselineHazard(CurveTarget):
    """The cumulative baseline hazard Lambda0(t), that of x = 0.

    Parameters
    ----------
    times : array_like, shape (m,), optional
        In the units of the data; default all event times.
    stratum : Hashable, optional
        Whose baseline; required where the fit has strata.
    ties : {"efron", "breslow"}, optional
        How the hazard is estimated; default as the fit's ties are, as in R. lifelines always takes
        Breslow's (and leaves out delayed entry).
    exact : bool, optional
        As in `SurvivalProbability`.

    References
    ----------
    Breslow (1974), Biometrics 30; Efron (1977), J. Am. Statist. Ass. 72.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> change = vs.vif(vs.minimize(loss, [0.0])).on(BaselineHazard([2.5]))
    >>> change.to_frame().columns.to_list()
    ['Lambda0(2.5)']
    """

    times: Times | None = None
    stratum: Hashable | None = None
    ties: str | None = None
    exact: bool | None = None

    def read(self, curve: Curve, design: Callable[[object], np.ndarray]) -> HazardTarget:
        times = times_within(self.times, curve)
        return HazardTarget(
            curve=curve,
            x=np.zeros((1, len(curve.centre))),
            positions=curve.at(times),
            function=_of_first,
            names=tuple(f"Lambda0({t:g})" for t in times),
            exact=self.exact,
        )


def _of_first(H: Any) -> Any:
    """The hazards of the one profile."""
    return H[..., 0, :]


@dataclass(frozen=True, eq=False)
class SurvivalProbability(CurveTarget):
    """S(t | x) = exp(-Lambda0(t) exp(x'theta)), the probability of surviving beyond t.

    Parameters
    ----------
    x : array_like, shape (n_params,) or (k, n_params), dict, Series or DataFrame
        Profiles, as design rows or in the raw columns of the fitted model.
    times : array_like, shape (m,), optional
        In the units of the data; default all event times: the whole curve.
    stratum, ties : optional
        As in `BaselineHazard`.
    exact : bool, optional
        Without each removal, True sums the hazard over all rows at the parameters without it, and
        False takes exactly what leaves and expands its change in the parameters to second order:
        near-linear in the rows, with an error of third order in 1/n. Default: exact up to
        5000 rows (25 million pairs of removal and row), or for so many times, one for every 20
        removals, that it is as fast.

    Examples
    --------
    Without the row, both survive longer: the row pulls survival down.

    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> est = vs.minimize(loss, [0.0])
    >>> change = vs.leave_one_out(est).on(SurvivalProbability([[0.0], [1.0]], 2.0))
    >>> bool((change.influence[3] < 0).all())
    True
    """

    x: TableLike | None = None
    times: Times | None = None
    stratum: Hashable | None = None
    ties: str | None = None
    exact: bool | None = None

    def read(self, curve: Curve, design: Callable[[object], np.ndarray]) -> HazardTarget:
        times, x = times_within(self.times, curve), design(self.x)
        names = with_labels([f"S({t:g})" for t in times], profile_labels(self.x, len(x)))
        return HazardTarget(curve, x, curve.at(times), _survival, names, self.exact)


def _survival(H: Any) -> Any:
    return anp.exp(-anp.reshape(H, (*H.shape[:-2], -1)))


def times_within(times: Any, curve: Curve) -> np.ndarray:
    """Times of follow-up, shape (m,); all event times where none are given."""
    if times is None:
        return curve.event_times
    wanted = checks.times(times, "times", float(curve.event_times.min(initial=0.0)))
    if wanted.max(initial=0.0) > curve.last:
        raise InvalidInputError(
            f"Times must lie within follow-up, which ends at {curve.last:g}, but one is "
            f"{wanted.max():g}: nothing is known of the hazard there."
        )
    return wanted
