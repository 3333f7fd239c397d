"""From a set that a refit proves to one of which no part is found that does."""

from vifstats.diagnostics.influential_sets.search import Search

__all__ = ["shortened"]

# Sets of up to this many members are tried without each; of longer ones only the beginnings.
SMALL = 100


def shortened(search: Search, members: list[int]) -> list[int]:
    """A set of these members, in their order, no beginning of which reaches the goal.

    Nor does any of up to 100 members less one of them.
    """
    members = _beginning(search, members)
    while len(members) <= SMALL:
        shorter = _shorter(search, members)
        if shorter is None:
            break
        members = shorter
    return members


def _beginning(search: Search, members: list[int]) -> list[int]:
    """By bisection: what falls short of the goal is mostly no longer than what reaches it."""
    short, enough = 0, len(members)
    while enough - short > 1:
        middle = (short + enough) // 2
        if search.reaches(members[:middle]):
            enough = middle
        else:
            short = middle
    return members[:enough]


def _shorter(search: Search, members: list[int]) -> list[int] | None:
    """A beginning, or all but one of the members, that reaches the goal too; None without."""
    beginnings = (members[:k] for k in range(1, len(members)))
    # the last were chosen as the weakest
    less_one = (members[:k] + members[k + 1 :] for k in reversed(range(len(members) - 1)))
    for part in (*beginnings, *less_one):
        if search.reaches(part):
            return part
    return None
