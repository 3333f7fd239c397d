"""Influential sets: the fewest rows without which a conclusion changes, found and then proved.

A set is found by approximation and confirmed by a refit; both figures stand beside each other.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.deletion.inputs import Source, estimate_of, named_column
from vifstats.deletion.parallel import one_blas_thread
from vifstats.deletion.result import Influence
from vifstats.diagnostics.influential_sets.exchanges import exchanged
from vifstats.diagnostics.influential_sets.goals import goal_of, value_of
from vifstats.diagnostics.influential_sets.lower_bounds import at_least
from vifstats.diagnostics.influential_sets.search import Search
from vifstats.diagnostics.influential_sets.searches import SEARCHES, nearest
from vifstats.diagnostics.influential_sets.shortening import shortened
from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate
from vifstats.losses import Cox, FineGray, LinearPredictor
from vifstats.losses.cox.edited_cox import EditedCox
from vifstats.losses.regression.edited_rows import EditedRows
from vifstats.losses.wording import LEFT_OUT, Wording
from vifstats.removals import Removals
from vifstats.tabular import Tabular
from vifstats.typing import Groups

__all__ = ["InfluentialSet", "influential_set", "set_and_refit"]

METHODS = {
    "sorted": "the largest influences, added up",
    "exchange": "the largest influences, added up and exchanged",
    "greedy": "one by one, by the joint effect",
    "adaptive": "one by one, recomputed, exchanged",
}
EXCHANGED = ("exchange", "adaptive")
# Numbers in the Hessians without each row: up to this many `adaptive` takes seconds; and up to so
# many objects, where each Hessian is computed by automatic differentiation.
FAST_NUMBERS = 1_000_000
FEW_OBJECTS = 200


@dataclass(frozen=True, eq=False, repr=False)
class InfluentialSet(Tabular):
    """A set of rows without which a target changes as wanted, or the best found.

    Attributes
    ----------
    members : Index
        Labels of the rows, or groups, in the order in which they were chosen.
    target, goal : str
        What was to change, and how.
    method : {"sorted", "exchange", "greedy", "adaptive"}
        What found it.
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
    at_least : int or None
        No set can be smaller; None where no bound is known. Known for the coefficients of least
        squares (by the triangle inequality, and mostly far below what is found).
    n_refits : int
        How many sets were refitted.

    wording : Wording
        Whether it is a set of rows left out, or of edits.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([-2.0, -1.0, 0.5, 1.0, 4.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> influential_set(vs.minimize(loss, [0.0], names=["mean"]), "mean", change=-0.8, max_size=2)
    InfluentialSet of 1: change by -0.8, confirmed
      mean: 0.5 on all data
      without the set: -0.375 by adding up, -0.375 jointly, -0.375 refitted
      at most 1 are needed; no smaller set was found by: adaptive, one by one, recomputed, exchanged
      rows: [4]
          additive   joint  actual
    label
    4       -0.375  -0.375  -0.375
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
    at_least: int | None
    n_refits: int
    wording: Wording = LEFT_OUT

    def __len__(self) -> int:
        return len(self.members)

    @property
    def table(self) -> pd.DataFrame:
        """The target after each member has been removed, and which member it was."""
        return self.path

    def _leading(self, numeric: list[str]) -> str:
        return "additive"

    def _heading(self) -> list[str]:
        rows = list(self.members[:10])
        more = f" ... ({len(self)} in all)" if len(self) > 10 else ""
        without = (
            f"{self.additive:.4g} by adding up, {self.joint:.4g} jointly, "
            f"{self.actual:.4g} refitted"
            if self.status != "separation"
            else "the estimate diverges"
        )
        return [
            f"InfluentialSet of {len(self)}: {self.goal}, {self.status}",
            f"  {self.target}: {self.value:.4g} on all data",
            f"  {self.wording.together}: {without}",
            f"  {self._how_small()}: {self.method}, {METHODS[self.method]}",
            f"  rows: {rows}{more}",
        ]

    def _how_small(self) -> str:
        """What is known of the size."""
        if not self.reached:
            return "found by"
        least = "" if self.at_least is None else f", at least {self.at_least}"
        return f"at most {len(self)} are needed{least}; no smaller set was found by"


def influential_set(
    est: Source,
    target: Any,
    *data: Any,
    change: float | None = None,
    flip: str | None = None,
    level: float = 0.05,
    groups: "Groups | str | None" = None,
    max_size: int | None = None,
    method: str = "auto",
    column: int = 0,
) -> InfluentialSet:
    """Find few rows without which a target changes as wanted, and refit without them.

    Parameters
    ----------
    est : Estimate, Influence or fitted model that keeps its data
    target : str, Target or callable
        A parameter name, or any target. For significance, a parameter name.
    *data
        What a fitted model was fitted on, where it does not keep it.
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
    method : {"auto", "sorted", "exchange", "greedy", "adaptive"}
        "sorted" adds up the largest single influences until the goal is reached; where the refit
        falls short, it takes more of them. "exchange" then exchanges members for others as long as
        that makes the set smaller. "greedy" adds, of the ten largest that are left, the
        one whose removal together with the set has the largest effect by one Newton step.
        "adaptive" refits after each removal and computes the influences again, and then exchanges
        members for others as long as that makes the set smaller: the slowest, and most often the
        smallest set. "auto" is "adaptive" where that takes seconds, else "sorted".
    column : int
        Which value of a target with several.

    Returns
    -------
    InfluentialSet
        A proven set is tried without its last members, and up to 100 members without each of
        them: no such part reaches the goal. If the goal is out of reach, the best set found,
        with the status "not reached". Sets without which the estimate diverges, or the target is
        undefined, are passed by; where no other reaches the goal, the first of them is returned,
        with "separation" or the reason as the status, and there is no number.

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
    groups = named_column(groups, est, data)
    est = estimate_of(est, *data)
    found, _ = set_and_refit(
        est,
        est.removals(groups),
        target,
        change=change,
        flip=flip,
        level=level,
        max_size=max_size,
        method=method,
        column=column,
    )
    return found


def set_and_refit(
    est: Estimate,
    removals: Removals,
    target: Any,
    *,
    change: float | None = None,
    flip: str | None = None,
    level: float = 0.05,
    max_size: int | None = None,
    method: str = "auto",
    column: int = 0,
) -> tuple[InfluentialSet, Influence | None]:
    """What `influential_set` does, for removals that are there already, and the refit proving it.

    Of a set without which the estimate diverges there is no refit.
    """
    checks.one_of(method, ["auto", *METHODS], "method")
    level = checks.proportion(level, "level")
    goal = goal_of(est, target, change, flip, level, column)
    if len(removals) < 2:
        raise InvalidInputError(
            "A set must leave something behind, but there is only one group: everything."
        )
    largest = max(1, len(removals) // 10) if max_size is None else max_size
    size = min(checks.counting_number(largest, "max_size"), len(removals) - 1)
    if method == "auto":
        method = "adaptive" if _takes_seconds(est, removals) else "sorted"
    search = Search(est, removals, goal)
    with one_blas_thread():
        members = _found(search, method, size)
        refit = None if search.separated(members) else search.refit(members)
        return _result(search, members, method), refit


def _takes_seconds(est: Estimate, removals: Removals) -> bool:
    """Whether influences can be computed again and again."""
    if isinstance(est.loss, Cox | FineGray | LinearPredictor | EditedCox | EditedRows):
        return len(removals) * len(est.theta) ** 2 <= FAST_NUMBERS
    return est.loss.n_objects <= FEW_OBJECTS


def _found(search: Search, method: str, size: int) -> list[int]:
    """A set that reaches the goal, shortened; else one without value, or the best."""
    members = SEARCHES[method](search, size)
    if search.reaches(members):
        members = shortened(search, members)
        return exchanged(search, members, nearest(search, size)) if method in EXCHANGED else members
    if search.without_value:
        return search.without_value[0]
    if not members:
        raise InvalidInputError(
            f"A set needs rows that move the target the right way ({search.goal.text}), but none "
            "does; ask for the other direction."
        )
    return members


def _result(search: Search, members: list[int], method: str) -> InfluentialSet:
    goal, labels = search.goal, search.removals.labels
    path = _path(search, members)
    steering = search.actual(members)[0]
    reached = goal.reached(steering)
    plain = "confirmed" if reached else "not reached"
    return InfluentialSet(
        members=labels[members],
        target=search.name,
        goal=goal.text,
        method=method,
        value=value_of(search.est, goal.shown, goal.shown_column),
        **path.iloc[-1].to_dict(),
        reached=reached,
        status=plain if np.isfinite(steering) else search.status(members),
        path=path,
        at_least=at_least(search.est, search.removals, goal),
        n_refits=len(search.refits),
        wording=search.est.loss.wording,
    )


def _path(search: Search, members: list[int]) -> pd.DataFrame:
    """What is shown after each member; the last, and others that were needed, refitted."""
    steps = []
    for k, additive in enumerate(search.additive(members), start=1):
        some = members[:k]
        if search.separated(some):
            steps.append(dict.fromkeys(("additive", "joint", "actual"), np.nan))
            continue
        refitted = k == len(members) or frozenset(some) in search.refits
        actual = search.actual(some)[1] if refitted else np.nan
        steps.append({"additive": additive, "joint": search.joint(some)[1], "actual": actual})
    return pd.DataFrame(steps, index=pd.Index(search.removals.labels[members], name="label"))
