"""From a set that a refit proves to one with a member less, by exchanging members.

A set S goes P of the way. With i in the place of k and l it goes about P - c_k - c_l + g_i, where
c_k is what it loses without k, by a refit, and g_i what i adds to it. The best of these are
refitted. Where none is enough, i for k may go further with as many members, and is gone on from.
"""

from itertools import combinations

import numpy as np

from vifstats.diagnostics.influential_sets.search import Search
from vifstats.diagnostics.influential_sets.shortening import SMALL, shortened

__all__ = ["exchanged"]

# How many members that are missed least, and of those outside that add most, are exchanged; how
# many exchanges are refitted at a time, and how often members are exchanged one for one.
LEAVING, ENTERING, TRIALS, ROUNDS = 6, 6, 5, 5
# A trial may fall short by this share of what is asked, as influences do not quite add up.
SHORT = 0.5


def exchanged(search: Search, members: list[int], near: np.ndarray) -> list[int]:
    """A set no larger than a shortened one, with others of the removals ``near`` in it."""
    if not 2 <= len(members) <= SMALL:
        return members
    current, costs, rounds = members, _costs(search, members), 0
    while len(members) >= 2 and rounds < ROUNDS:
        enter = _entering(search, current, near)
        lose = {k: costs[k] for k in sorted(current, key=lambda k: costs[k])[:LEAVING]}
        fewer = _one_fewer(search, current, enter, lose)
        if fewer is not None:
            members = current = shortened(search, fewer)
            costs = _costs(search, members)
            continue
        further = _one_for_one(search, current, enter, lose)
        if further is None:
            break
        current, rounds = further, rounds + 1
        costs |= enter
    return members


def _costs(search: Search, members: list[int]) -> dict[int, float]:
    """How much the set loses without each member."""
    whole = search.progress(members)
    return {k: whole - search.progress(_without(members, k)) for k in members}


def _entering(search: Search, members: list[int], near: np.ndarray) -> dict[int, float]:
    """The removals outside the set that would add most to it, and how much."""
    gains = search.gains_without(members, near)
    if gains is None:
        return {}
    order = np.argsort(-gains, kind="stable")[:ENTERING]
    return {int(near[k]): float(gains[k]) for k in order if gains[k] > 0}


def _one_fewer(
    search: Search, members: list[int], enter: dict[int, float], lose: dict[int, float]
) -> list[int] | None:
    whole, gap = search.progress(members), search.goal.gap
    trials = {
        (i, k, m): whole + enter[i] - lose[k] - lose[m]
        for i in enter
        for k, m in combinations(lose, 2)
    }
    for i, k, m in sorted(trials, key=lambda trial: -trials[trial])[:TRIALS]:
        if trials[i, k, m] < (1 - SHORT) * gap:
            return None
        further = [*_without(members, k, m), i]
        if search.reaches(further):
            return further
    return None


def _one_for_one(
    search: Search, members: list[int], enter: dict[int, float], lose: dict[int, float]
) -> list[int] | None:
    whole = search.progress(members)
    trials = {(i, k): enter[i] - lose[k] for i in enter for k in lose}
    for i, k in sorted(trials, key=lambda trial: -trials[trial])[:TRIALS]:
        if trials[i, k] <= 0:
            return None
        further = [*_without(members, k), i]
        if search.progress(further) > whole:
            return further
    return None


def _without(members: list[int], *gone: int) -> list[int]:
    return [k for k in members if k not in gone]
