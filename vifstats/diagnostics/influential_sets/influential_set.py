"""Influential sets: the fewest rows without which a conclusion changes, found and then proved.

A set is found by approximation and confirmed by a refit; both figures stand beside each other.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.diagnostics.influential_sets.goals import goal_of, value_of
from vifstats.diagnostics.influential_sets.searches import SEARCHES, Search
from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate
from vifstats.typing import Groups

__all__ = ["InfluentialSet", "influential_set"]

METHODS = {
    "sorted": "the largest influences, added up",
    "greedy": "one by one, by the joint effect",
    "adaptive": "one by one, influences recomputed after each",
}


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
    additive, joint, actual : float
        The target without the set: by the sum of single influences, by one Newton step for the set
        together, and refitted. All nan on separation; nan if the refit did not converge, or
        the target is undefined there.
    reached : bool
        Whether the refit confirms the goal.
    status : str
        "confirmed", "not reached", "separation", "did not converge" or, as in
        `TargetInfluence.status`, why the target is nan without the set.
    path : DataFrame
        additive, joint and actual (nan where not refitted) after each member.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([-2.0, -1.0, 0.5, 1.0, 4.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> influential_set(vs.minimize(loss, [0.0], names=["mean"]), "mean", change=-0.8, max_size=2)
    InfluentialSet of 1: change by -0.8, confirmed
      mean: 0.5 on all data
      without the set: -0.375 by adding up, -0.375 jointly, -0.375 refitted
      found by: sorted, the largest influences, added up
      rows: [4]
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
        without = (
            f"{self.additive:.4g} by adding up, {self.joint:.4g} jointly, "
            f"{self.actual:.4g} refitted"
            if self.status != "separation"
            else "the estimate diverges"
        )
        return (
            f"InfluentialSet of {len(self)}: {self.goal}, {self.status}\n"
            f"  {self.target}: {self.value:.4g} on all data\n"
            f"  without the set: {without}\n"
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
    groups: Groups | None = None,
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
    goal = goal_of(est, target, change, flip, level, column)
    removals = est.removals(groups)
    if len(removals) < 2:
        raise InvalidInputError(
            "A set must leave something behind, but there is only one group: everything."
        )
    largest = max(1, len(removals) // 10) if max_size is None else max_size
    size = min(checks.counting_number(largest, "max_size"), len(removals) - 1)
    search = Search(est, removals, goal, groups)
    return _result(search, SEARCHES[method](search, size), method)


def _result(search: Search, sets: list[list[int]], method: str) -> InfluentialSet:
    goal, labels = search.goal, search.removals.labels
    if not sets:
        raise InvalidInputError(
            f"A set needs rows that move the target the right way ({goal.text}), but none does."
        )
    # Every set is part of the next: without the first that separates there is no estimate either.
    apart = next((k for k, members in enumerate(sets) if search.separated(members)), None)
    sets = sets if apart is None else sets[: apart + 1]
    path = [_step(search, s, refit=method == "adaptive" or s is sets[-1]) for s in sets]
    steering, last, members = search.actual(sets[-1])[0], path[-1], sets[-1]
    reached = bool(np.isfinite(steering)) and goal.reached(steering)
    return InfluentialSet(
        members=labels[members],
        target=search.name,
        goal=goal.text,
        method=method,
        value=value_of(search.est, goal.shown, goal.shown_column),
        **last,
        reached=reached,
        status=_status(reached) if np.isfinite(steering) else search.status(members),
        path=pd.DataFrame(path, index=pd.Index(labels[members], name="label")),
    )


def _step(search: Search, members: list[int], refit: bool) -> dict[str, float]:
    if search.separated(members):
        return dict.fromkeys(("additive", "joint", "actual"), np.nan)
    return {
        "additive": search.additive(members),
        "joint": search.joint(members)[1],
        "actual": search.actual(members)[1] if refit else np.nan,
    }


def _status(reached: bool) -> str:
    return "confirmed" if reached else "not reached"
