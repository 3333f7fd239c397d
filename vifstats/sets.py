"""Influential sets: the fewest rows without which a conclusion changes, found and then proved.

A set is found by approximation and confirmed by a refit; both figures stand beside each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from vifstats import checks
from vifstats.errors import ConvergenceError, InvalidInputError, VifError
from vifstats.estimate import Estimate
from vifstats.influence import newton_step
from vifstats.losses.reduced import reduced
from vifstats.refits import leave_one_out
from vifstats.removals import Removals
from vifstats.result import Influence, TargetInfluence
from vifstats.targets import Coefficient, ConfidenceLimits, PValue, StandardError, Target
from vifstats.targets.base import as_target

__all__ = ["InfluentialSet", "influential_set"]

METHODS = {
    "sorted": "the largest influences, added up",
    "greedy": "one by one, by the joint effect",
    "adaptive": "one by one, influences recomputed after each",
}
FLIPS = ("sign", "significance")
# How many of the largest influences `greedy` tries in each step.
CANDIDATES = 10


@dataclass(frozen=True, eq=False)
class InfluentialSet:
    """A set of rows without which a target changes as wanted, or the best found.

    Attributes
    ----------
    members : Index
        Labels of the rows, or groups, in the order in which they were chosen.
    target, goal : str
        What was to change, and how.
    method : {"sorted", "greedy", "adaptive"}
    value : float
        The target on all data.
    additive : float
        The target without the set by the sum of single influences.
    joint : float
        The target without the set by one Newton step for the set together.
    actual : float
        The target without the set, refitted; nan if the refit has no finite answer.
    reached : bool
        Whether the refit confirms the goal.
    status : str
        "confirmed", "not reached", "separation" or "did not converge".
    path : DataFrame
        additive, joint and actual (nan where not refitted) after each member.
    """

    members: pd.Index
    target: str
    goal: str
    method: str
    value: float
    additive: float
    joint: float
    actual: float
    reached: bool
    status: str
    path: pd.DataFrame

    def __len__(self) -> int:
        return len(self.members)

    def to_frame(self) -> pd.DataFrame:
        """The target after each member has been removed, and which member it was."""
        return self.path.copy()

    def __repr__(self) -> str:
        rows = list(self.members[:10])
        more = f" ... ({len(self)} in all)" if len(self) > 10 else ""
        return (
            f"InfluentialSet of {len(self)}: {self.goal}, {self.status}\n"
            f"  {self.target}: {self.value:.4g} on all data\n"
            f"  without the set: {self.additive:.4g} by adding up, {self.joint:.4g} jointly, "
            f"{self.actual:.4g} refitted\n"
            f"  found by: {self.method}, {METHODS[self.method]}\n"
            f"  rows: {rows}{more}"
        )


def influential_set(
    est: Estimate,
    target: Any,
    *,
    change: float | None = None,
    flip: str | None = None,
    level: float = 0.05,
    groups: Any = None,
    max_size: int | None = None,
    method: str = "sorted",
    column: int = 0,
) -> InfluentialSet:
    """Find few rows without which a target changes as wanted, and refit without them.

    Parameters
    ----------
    est : Estimate
    target : str, Target or callable
        A parameter name, or any target. For significance, a parameter name.
    change : float, optional
        How much the target is to rise (above 0) or fall (below 0).
    flip : {"sign", "significance"}, optional
        Instead of ``change``: the target is to change its sign, or the parameter's p-value is to
        cross ``level``.
    level : float
        Of significance.
    groups : array_like, shape (n_rows,), optional
        One label per row of the data; whole groups are removed.
    max_size : int, optional
        The largest set to look at; default a tenth of the rows (or groups).
    method : {"sorted", "greedy", "adaptive"}
        "sorted" adds up the largest single influences until the goal is reached; where the refit
        falls short, it takes more of them. "greedy" adds, of the ten largest that are left, the
        one whose removal together with the set has the largest effect by one Newton step.
        "adaptive" refits after each removal and computes all influences again: the slowest, and
        most often the smallest set.
    column : int
        Which value of a target with several.

    Returns
    -------
    InfluentialSet
        If the goal is out of reach, the best set found, with the status "not reached". Where the
        estimate diverges without the set the status is "separation" and there is no number.

    Raises
    ------
    InvalidInputError
        If not exactly one of ``change`` and ``flip`` is given, or the target is nan.

    References
    ----------
    Broderick, Giordano & Meager (2023), An automatic finite-sample robustness metric,
    arXiv:2011.14999.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([-2.0, -1.0, 0.5, 1.0, 4.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> found = influential_set(vs.minimize(loss, [0.0], names=["mean"]), "mean", flip="sign",
    ...                         max_size=2)
    >>> list(found.members), found.status
    ([4], 'confirmed')
    """
    checks.one_of(method, list(METHODS), "method")
    goal = _goal(est, target, change, flip, level, column)
    removals = est.removals(groups)
    if len(removals) < 2:
        raise InvalidInputError(
            "A set must leave something behind, but there is only one group: everything."
        )
    largest = max(1, len(removals) // 10) if max_size is None else max_size
    size = min(checks.whole_number(largest, "max_size"), len(removals) - 1)
    search = _Search(est, removals, goal, groups)
    paths = {"sorted": _sorted, "greedy": _greedy, "adaptive": _adaptive}
    return _result(search, paths[method](search, size), method)


@dataclass(frozen=True, eq=False)
class _Goal:
    """A scalar that must pass a bound, and the target that is reported.

    For significance the scalar is the confidence limit on the side of 0, which changes its sign
    where the p-value crosses the level. Adding up p-values makes no sense: what is added are its
    parts, coefficient and standard error.
    """

    shown: Target
    shown_column: int
    steering: Target
    column: int
    parts: tuple[Target, ...]
    value: float
    direction: float
    gap: float
    text: str

    def gains(self, influence: np.ndarray) -> np.ndarray:
        """How far each removal moves the scalar towards the bound."""
        gains = -self.direction * influence[:, self.column]
        return np.where(np.isfinite(gains), gains, -np.inf)

    def added(self, full: list[np.ndarray], influences: list[np.ndarray]) -> float:
        """What is shown, from its parts on all data and the summed influences on them."""
        values = [f - i for f, i in zip(full, influences, strict=True)]
        if len(values) == 1:
            return float(values[0][self.shown_column])
        coefficient, error = values
        return float(2 * ndtr(-np.abs(coefficient / error))[0])

    def reached(self, value: float) -> bool:
        """Whether a value of the scalar is at the bound."""
        return bool(self.direction * (value - self.value) >= self.gap)


def _goal(
    est: Estimate, target: Any, change: float | None, flip: str | None, level: float, column: int
) -> _Goal:
    if (change is None) == (flip is None):
        raise InvalidInputError(
            f"Exactly one of `change` and `flip` must be given, but they are {change!r} and "
            f"{flip!r}."
        )
    if flip == "significance":
        return _significance(est, target, level)
    shown = Coefficient(target) if isinstance(target, str) else as_target(target)
    value = _value(est, shown, column)
    if flip is not None:
        checks.one_of(flip, FLIPS, "flip")
        direction, gap, text = -np.sign(value), np.nextafter(abs(value), np.inf), "change of sign"
    else:
        direction, gap, text = np.sign(change), abs(float(change)), f"change by {change:+.4g}"
    if direction == 0:
        raise InvalidInputError("There must be a way to go, but the change, or the value, is 0.")
    return _Goal(shown, column, shown, column, (shown,), value, direction, gap, text)


def _significance(est: Estimate, name: Any, level: float) -> _Goal:
    if not isinstance(name, str):
        raise InvalidInputError(
            f"Significance is that of a parameter, one of {list(est.names)}, but `target` is "
            f"{name!r}."
        )
    shown, limits = PValue(name), ConfidenceLimits(name, level=1 - level)
    upper = int(_value(est, Coefficient(name), 0) < 0)
    value = _value(est, limits, upper)
    towards = "lost" if _value(est, shown, 0) < level else "gained"
    text = f"significance at {level:g} {towards}"
    gap = np.nextafter(abs(value), np.inf)
    parts = (Coefficient(name), StandardError(name))
    return _Goal(shown, 0, limits, upper, parts, value, -np.sign(value), gap, text)


def _value(est: Estimate, target: Target, column: int) -> float:
    loss = est.loss
    values = np.atleast_1d(target.bind(est).value(est.theta, loss.everyone(), loss))
    if not 0 <= column < len(values):
        raise InvalidInputError(
            f"`column` must be one of the {len(values)} values of the target, but is {column}."
        )
    if not np.isfinite(values[column]):
        raise InvalidInputError(
            f"The target must be finite on all data, but is {values[column]}; nothing can be said "
            "of its change."
        )
    return float(values[column])


@dataclass(frozen=True, eq=False)
class _Search:
    """What a search looks at: removals, and the target without any set of them."""

    est: Estimate
    removals: Removals
    goal: _Goal
    groups: Any

    @cached_property
    def influence(self) -> Influence:
        """Of each removal alone, by one Newton step."""
        return newton_step(self.est, groups=self.groups)

    @cached_property
    def single(self) -> np.ndarray:
        """Influence of each removal alone on the scalar."""
        return self.influence.on(self.goal.steering).influence

    @cached_property
    def parts(self) -> list[TargetInfluence]:
        """Influence of each removal alone on the parts of what is shown."""
        return [self.influence.on(part) for part in self.goal.parts]

    def additive(self, members: list[int]) -> float:
        """What is shown, by adding up the influences of the members."""
        sums = [part.influence[members].sum(axis=0) for part in self.parts]
        return self.goal.added([part.value for part in self.parts], sums)

    def joint(self, members: list[int]) -> tuple[float, float]:
        """The scalar, and what is shown, by one Newton step for all members together."""
        return self._without(newton_step(self.est, **self._together(members)))

    def actual(self, members: list[int]) -> tuple[float, float]:
        """The scalar, and what is shown, refitted; nan on separation."""
        together = self._together(members)
        if self.separated(members):
            return np.nan, np.nan
        return self._without(leave_one_out(self.est, **together))

    def separated(self, members: list[int]) -> bool:
        """Whether the estimate diverges without the members."""
        removal = self.est.removals(**self._together(members))
        return bool(self.est.loss.separated(self.est.theta, removal)[0])

    def out(self, members: list[int]) -> np.ndarray:
        """True for the objects that the members take, shape (n_objects,)."""
        return np.isin(self.removals.codes, members)

    def _together(self, members: list[int]) -> dict[str, Any]:
        apart = np.zeros(len(self.est.labels), dtype=bool)
        apart[self.est.kept] = self.out(members)
        return {"groups": np.where(apart, "set", "rest"), "objects": ["set"]}

    def _without(self, influence: Influence) -> tuple[float, float]:
        goal = self.goal
        steering = influence.on(goal.steering).value_without[0, goal.column]
        return float(steering), float(influence.on(goal.shown).value_without[0, goal.shown_column])


def _sorted(search: _Search, size: int) -> list[list[int]]:
    """The shortest run of the largest influences whose sum, and then whose refit, is enough."""
    gains = search.goal.gains(search.single)
    order = np.argsort(-gains, kind="stable")[:size]
    order = order[gains[order] > 0]
    enough = np.flatnonzero(np.cumsum(gains[order]) >= search.goal.gap)
    first = int(enough[0]) + 1 if len(enough) else len(order)
    sets = [order[:k].tolist() for k in range(1, len(order) + 1)]
    return _until_confirmed(search, sets, first)


def _greedy(search: _Search, size: int) -> list[list[int]]:
    """Grow the set by whichever of the largest influences left has the largest joint effect."""
    gains = search.goal.gains(search.single)
    order = [int(i) for i in np.argsort(-gains, kind="stable") if gains[i] > -np.inf]
    members: list[int] = []
    sets, first = [], 0
    while len(members) < size and order:
        trials = [(search.joint([*members, i])[0], i) for i in order[:CANDIDATES]]
        value, best = max(trials, key=lambda trial: np.nan_to_num(
            search.goal.direction * trial[0], nan=-np.inf))
        members = [*members, best]
        order.remove(best)
        sets.append(members)
        if search.goal.reached(value):
            first = first or len(members)
            if search.separated(members) or search.goal.reached(search.actual(members)[0]):
                break
    return sets


def _until_confirmed(search: _Search, sets: list[list[int]], first: int) -> list[list[int]]:
    """The sets up to the first, from a given size on, that a refit confirms or that separates."""
    for k in range(max(first, 1), len(sets) + 1):
        members = sets[k - 1]
        if search.separated(members) or search.goal.reached(search.actual(members)[0]):
            return sets[:k]
    return sets


def _adaptive(search: _Search, size: int) -> list[list[int]]:
    """Remove the largest influence, refit, compute all influences again."""
    members: list[int] = []
    sets = []
    est, place = search.est, np.arange(len(search.removals))
    influence = search.single
    while len(members) < size:
        gains = search.goal.gains(influence)
        if not gains.max(initial=-np.inf) > 0:
            break
        members = [*members, int(place[np.argmax(gains)])]
        sets.append(members)
        if search.separated(members):
            break
        try:
            est = _without(search, members)
        except VifError:  # a fit that cannot be had: `_result` says so by its own refit
            break
        if search.goal.reached(_value(est, search.goal.steering, search.goal.column)):
            break
        place, influence = _again(search, est, members)
    return sets


def _without(search: _Search, members: list[int]) -> Estimate:
    """The estimate refitted to the data without the members."""
    est, kept = search.est, ~search.out(members)
    refit = leave_one_out(est, **search._together(members))
    if refit.failed[0]:
        raise ConvergenceError("The refit did not converge.")
    return Estimate(
        reduced(est.loss, kept),
        est.theta - refit.values[0],
        names=est.names,
        labels=est.labels[est.kept[kept]],
        dispersion=est.dispersion,
        profile=est.profile,
    )


def _again(
    search: _Search, est: Estimate, members: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Which removals are left, and their influences on the scalar."""
    codes = search.removals.codes[~search.out(members)]
    place = pd.unique(codes[codes >= 0])
    influence = newton_step(est, groups=codes)
    return place, influence.on(search.goal.steering).influence


def _result(search: _Search, sets: list[list[int]], method: str) -> InfluentialSet:
    goal, labels = search.goal, search.removals.labels
    if not sets:
        raise InvalidInputError(
            f"A set needs rows that move the target the right way ({goal.text}), but none does."
        )
    path = pd.DataFrame(_steps(search, sets, refit_all=method == "adaptive"))
    last, members = path.iloc[-1], sets[-1]
    separated = search.separated(members)
    steering = search.actual(members)[0]
    reached = bool(np.isfinite(steering)) and goal.reached(steering)
    return InfluentialSet(
        members=labels[members],
        target=(goal.shown.names or ("target",) * (goal.shown_column + 1))[goal.shown_column],
        goal=goal.text,
        method=method,
        value=_value(search.est, goal.shown, goal.shown_column),
        additive=last["additive"],
        joint=last["joint"],
        actual=last["actual"],
        reached=reached,
        status=_status(separated, steering, reached),
        path=path.assign(label=labels[members]).set_index("label"),
    )


def _steps(search: _Search, sets: list[list[int]], refit_all: bool) -> Iterator[dict[str, float]]:
    for members in sets:
        refit = refit_all or members is sets[-1]
        yield {
            "additive": search.additive(members),
            "joint": search.joint(members)[1],
            "actual": search.actual(members)[1] if refit else np.nan,
        }


def _status(separated: bool, steering: float, reached: bool) -> str:
    if separated:
        return "separation"
    if not np.isfinite(steering):
        return "did not converge"
    return "confirmed" if reached else "not reached"
