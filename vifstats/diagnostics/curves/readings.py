"""What each target is on curves without a model: its values, with all rows and without each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pandas.api.types import is_list_like

from vifstats import checks
from vifstats.checks.arrays import numbers
from vifstats.diagnostics.curves.arm import Arm
from vifstats.diagnostics.curves.incidence import cumulative_incidence, restricted_mean
from vifstats.diagnostics.curves.log_rank import log_rank, log_rank_without
from vifstats.diagnostics.curves.product_limit import (
    survival,
    survival_without,
    total,
    totals_without,
    when,
    when_without,
)
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.targets import (
    RMST,
    CumulativeIncidence,
    LogRank,
    MedianSurvival,
    RMSTDifference,
    SurvivalProbability,
    SurvivalQuantile,
    Target,
)

if TYPE_CHECKING:  # it imports this module
    from vifstats.diagnostics.curves.kaplan_meier import KaplanMeier

__all__ = ["Reading", "read"]

EMPTY = "no row of the group is left"


@dataclass(frozen=True, eq=False)
class Reading(Target):
    """A target that has been read off curves."""

    # (m,), and (n, m)
    full: np.ndarray
    without: np.ndarray
    names: tuple[str, ...] | None = None
    undefined: str | None = EMPTY

    def value(self, theta: Any, presence: Any, loss: Any) -> np.ndarray:
        return self.full


def read(km: "KaplanMeier", target: Any) -> Reading:
    """The target on these curves; InvalidTypeError if it is not a target of curves."""
    for kind, reader in READERS.items():
        if isinstance(target, kind):
            _require_default(target)
            return reader(km, target)
    listed = ", ".join(kind.__name__ for kind in READERS)
    raise InvalidTypeError(
        f"Curves without a model have the targets {listed}, but this is a "
        f"{getattr(target, '__name__', type(target).__name__)}; for others fit a model."
    )


def _survival(km: "KaplanMeier", target: SurvivalProbability) -> Reading:
    names, full, without = [], [], []
    for g in _arms(km, target.x):
        arm = km.arms[g]
        times = arm.times if target.times is None else _times(km, g, target.times)
        at = np.searchsorted(arm.times, times, side="right")
        names += [km.called(f"S({t:g})", g) for t in times]
        full.append(survival(arm, at))
        without.append(_spread(km, g, full[-1], survival_without(arm, at)))
    return Reading(np.concatenate(full), np.concatenate(without, axis=1), tuple(names))


def _incidence(km: "KaplanMeier", target: CumulativeIncidence) -> Reading:
    known = np.unique(km.data.cause[km.data.cause > 0]).tolist()
    cause = 1 if target.cause is None else target.cause
    if not checks.among(cause, known):
        raise InvalidInputError(f"`cause` must be one of {known}, but is {cause!r}.")
    names, full, without = [], [], []
    for g in _arms(km, target.x):
        for t in _times(km, g, target.times):
            gains = cumulative_incidence(km.arms[g], cause, t)
            names.append(km.called(f"F{cause}({t:g})", g))
            full.append(total(km.arms[g], gains))
            without.append(_spread(km, g, full[-1], totals_without(km.arms[g], gains)))
    return Reading(np.array(full), np.stack(without, axis=1), tuple(names))


def _means(km: "KaplanMeier", target: RMST) -> Reading:
    arms = _arms(km, target.x)
    pairs = [_mean(km, g, target.tau) for g in arms]
    names = tuple(km.called(f"RMST({target.tau:g})", g) for g in arms)
    full, without = zip(*pairs, strict=True)
    return Reading(np.array(full), np.stack(without, axis=1), names)


def _difference(km: "KaplanMeier", target: RMSTDifference) -> Reading:
    (one,), (two,) = (_arms(km, x, 1) for x in (target.x1, target.x0))
    (first, first_without), (second, second_without) = (
        _mean(km, g, target.tau) for g in (one, two)
    )
    names = (f"RMST({target.tau:g}) difference",)
    without = first_without - second_without
    return Reading(np.array([first - second]), without[:, None], names)


def _mean(km: "KaplanMeier", g: int, tau: Any) -> tuple[float, np.ndarray]:
    """The restricted mean of one arm, and without each row (n,)."""
    horizon = checks.positive_number(tau, "tau")
    _require_followed(km, g, horizon, "`tau`")
    gains = restricted_mean(km.arms[g], horizon)
    full = total(km.arms[g], gains)
    return full, _spread(km, g, full, totals_without(km.arms[g], gains))


def _quantiles(km: "KaplanMeier", target: SurvivalQuantile) -> Reading:
    return _when(km, target.x, target.share, f"q({target.share:g})")


def _median(km: "KaplanMeier", target: MedianSurvival) -> Reading:
    return _when(km, target.x, 0.5, "median(T)")


def _when(km: "KaplanMeier", x: Any, share: float, name: str) -> Reading:
    arms = _arms(km, x)
    names = tuple(km.called(name, g) for g in arms)
    full = np.array([when(km.arms[g], share) for g in arms])
    without = [_spread(km, g, full[k], when_without(km.arms[g], share)) for k, g in enumerate(arms)]
    why = f"survival stays above {1 - share:g}"
    return Reading(full, np.stack(without, axis=1), names, why)


def _test(km: "KaplanMeier", target: LogRank) -> Reading:
    data = km.data
    if len(km.arms) < 2:
        raise InvalidInputError(
            "A log-rank test compares two or more groups, but there is one curve; pass groups= to "
            "kaplan_meier."
        )
    if (data.weights != np.floor(data.weights)).any():
        raise InvalidInputError(
            "Weights of a log-rank test count rows, so they must be whole numbers, but some are "
            "not; use a weighted Cox model."
        )
    everyone = Arm(data.time, data.entry, data.weights, data.cause)
    args = (everyone, data.arms, len(km.arms))
    names = ("chi2(log-rank)", "p(log-rank)")
    why = "fewer than two groups are ever at risk together"
    return Reading(log_rank(*args), log_rank_without(*args), names, why)


READERS: dict[type, Callable[..., Reading]] = {
    SurvivalProbability: _survival,
    RMST: _means,
    RMSTDifference: _difference,
    MedianSurvival: _median,
    SurvivalQuantile: _quantiles,
    CumulativeIncidence: _incidence,
    LogRank: _test,
}


def _spread(km: "KaplanMeier", g: int, full: Any, without: np.ndarray) -> np.ndarray:
    """Values without each row of one arm as those of all rows: (n_arm, ...) to (n, ...)."""
    out = np.empty((len(km.data.time), *without.shape[1:]))
    out[:] = full
    # without its only row an arm has no curve
    out[km.data.arms == g] = without if len(without) > 1 else np.nan
    return out


def _arms(km: "KaplanMeier", x: Any, most: int | None = None) -> list[int]:
    """The arms that x names: their labels, one or several; None for all."""
    known = list(km.data.arm_names)
    if x is None or (known == [None] and not is_list_like(x)):
        named = known if x is None else [x]
    elif checks.among(x, known):
        named = [x]
    else:
        named = list(x) if is_list_like(x) else [x]
    if bad := [label for label in named if not checks.among(label, known)]:
        raise InvalidInputError(
            f"Of curves without a model `x` must be None or one of the groups {known[:10]}, but is "
            f"{bad[0]!r}."
        )
    if most is not None and len(named) != most:
        raise InvalidInputError(
            f"A difference is between two groups, so each side must name one of {known[:10]}."
        )
    return [known.index(label) for label in named]


def _times(km: "KaplanMeier", g: int, times: Any) -> np.ndarray:
    wanted = np.atleast_1d(numbers(times, "`times`"))
    if wanted.ndim != 1 or not np.isfinite(wanted).all():
        raise InvalidInputError(
            f"Times must be finite numbers in one dimension, but are {times!r}."
        )
    _require_followed(km, g, wanted.max(initial=0.0), "Times")
    return wanted


def _require_followed(km: "KaplanMeier", g: int, time: float, what: str) -> None:
    if time > km.arms[g].last:
        raise InvalidInputError(
            f"{what} must lie within follow-up, which ends at {km.arms[g].last:g}"
            f"{km.of_group(g)}, but is {time:g}: nothing is known of the curve there."
        )


def _require_default(target: Any) -> None:
    """What is for baselines of a Cox model has no meaning here."""
    options: Sequence[str] = ("stratum", "ties", "exact")
    if given := [name for name in options if getattr(target, name, None) is not None]:
        raise InvalidInputError(
            f"{given} of a {type(target).__name__} are for the baseline of a Cox model; curves "
            "without a model have groups, which `x` names."
        )
