"""Ways to look for a set: each ends with one that a refit proves, or with the best it found.

If there is no value without some removal (the estimate diverges, or the target is undefined), each
search goes on, because other removals may still reach the goal.
"""

from collections.abc import Callable

import numpy as np

from vifstats.diagnostics.influential_sets.search import Search

__all__ = ["SEARCHES", "nearest"]

# How many of the largest influences `greedy` tries in each step, and how many removals without
# which there is no value `adaptive` passes by in one step.
CANDIDATES = 10
# A relative gain below this is rounding, not a gain.
ROUNDING = 1e-9
# `adaptive` recomputes the influences of the removals that were largest on all data: this many for
# each member that a set may have, and at least this many in all.
AGAIN_PER_MEMBER, AGAIN = 2, 200


def _sorted(search: Search, size: int) -> list[int]:
    """The shortest run of the largest influences whose sum, and then whose refit, is enough."""
    order = _ordered(search)
    members: list[int] = []
    gathered = 0.0
    for i in order:
        further = [*members, i]
        enough = gathered + search.gains[i] >= search.goal.gap
        if not (search.has_value(further) if enough else search.holds(further)):
            continue
        members, gathered = further, gathered + search.gains[i]
        if len(members) == size or (enough and search.reaches(members)):
            break
    return members


def _greedy(search: Search, size: int) -> list[int]:
    """Grow the set by whichever of the largest influences left has the largest joint effect."""
    goal = search.goal
    order = [i for i in _by_gain(search.gains) if search.gains[i] > -np.inf]
    members: list[int] = []
    best, furthest = members, 0.0
    while len(members) < size and order:
        order = [i for i in order if search.possible([*members, i])]
        if not order:
            break
        trials = [(goal.progress(search.joint([*members, i])[0]), i) for i in order[:CANDIDATES]]
        progress, i = max(trials, key=lambda trial: trial[0])
        order.remove(i)
        there = search.has_value if progress == -np.inf else search.holds
        if not there([*members, i]):
            continue
        members = [*members, i]
        if progress > furthest * (1 + ROUNDING):
            best, furthest = members, progress
        if progress >= goal.gap and search.has_value(members) and search.reaches(members):
            return members
    return best


def _adaptive(search: Search, size: int) -> list[int]:
    """Remove the largest influence, refit, compute the influences again."""
    members: list[int] = []
    out: set[int] = set()
    near = nearest(search, size)
    gains: np.ndarray | None = search.gains[near]
    while len(members) < size and gains is not None:
        found = _next(search, members, near, np.where(np.isin(near, [*members, *out]), 0.0, gains))
        out |= set(found[0])
        if found[1] is None:
            return members
        members = [*members, found[1]]
        if search.reaches(members):
            return members
        gains = search.gains_without(members, near)
    return members


def nearest(search: Search, size: int) -> np.ndarray:
    """The removals that a set of this size is looked for among, (n_near,).

    Some that move nothing now, or back, may do more than others once these are gone.
    """
    return np.array(_by_gain(search.gains)[: max(AGAIN, AGAIN_PER_MEMBER * size)], dtype=int)


def _next(
    search: Search, members: list[int], near: np.ndarray, gains: np.ndarray
) -> tuple[list[int], int | None]:
    """The removal of largest gain without which there is a value, and those passed by."""
    passed: list[int] = []
    for k in _by_gain(gains)[:CANDIDATES]:
        if not gains[k] > 0:
            break
        if search.has_value([*members, int(near[k])]):
            return passed, int(near[k])
        passed.append(int(near[k]))
    return passed, None


def _by_gain(gains: np.ndarray) -> list[int]:
    return [int(i) for i in np.argsort(-gains, kind="stable")]


def _ordered(search: Search) -> list[int]:
    """The removals that move the scalar the right way, the largest first."""
    return [i for i in _by_gain(search.gains) if search.gains[i] > 0]


SEARCHES: dict[str, Callable[[Search, int], list[int]]] = {
    "sorted": _sorted,
    "exchange": _sorted,
    "greedy": _greedy,
    "adaptive": _adaptive,
}
