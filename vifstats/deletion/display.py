"""How a result is shown: what was asked and how it went, and its largest rows."""

from typing import TYPE_CHECKING

import pandas as pd

from vifstats.deletion.on_target import SHOWN
from vifstats.solvers.quasi_newton import is_large
from vifstats.tabular import largest_first

if TYPE_CHECKING:  # it imports this module
    from vifstats.deletion.result import Influence

__all__ = ["METHODS", "heading", "is_shown", "largest_rows"]

# So many names are listed, more are counted.
FEW = 20
# Beyond this many numbers the largest rows are not looked up to show a result.
MOST_SHOWN = 5_000_000

METHODS = {
    "vif": "Versatile Influence Function (not the variance inflation factor)",
    "if": "classical influence function",
    "newton": "one Newton step on the reduced data",
    "refit": "exact refits",
    "truncated": "refits cut short after a few trust-region steps",
}


def heading(influence: "Influence") -> list[str]:
    """The lines above the largest rows."""
    n_exact, n_failed = int(influence.exact.sum()), int(influence.failed.sum())
    n_rows, names = len(influence.removals), influence.estimate.names
    listed = list(names) if len(names) <= FEW else f"{len(names)} parameters"
    said = not n_exact or (n_exact == n_rows and influence.method == "refit")
    exact = "" if said else f"; {'all' if n_exact == n_rows else n_exact} rows exact"
    words = influence.wording
    pulls = " (positive: the row pulls it up)" if words.past == "removed" else ""
    return [
        f"Influence of {n_rows} {words.many} on {listed}",
        f"  method: {influence.method}, {METHODS[influence.method]}{exact}",
        f"  sign:   full data minus {words.one}{pulls}",
        *([f"  solve:  {influence.note}"] if influence.note else []),
        *([f"  exact:  {influence.advice}"] if influence.advice else []),
        *([f"  failed: {n_failed} refits, nan; see status"] if n_failed else []),
        *_saddles(influence),
        *(["  the largest by Cook's distance:"] if is_shown(influence) else []),
    ]


def _saddles(influence: "Influence") -> list[str]:
    """What to do about rows without which the loss is not convex at theta."""
    n = int(((influence.indefinite | influence.guarded) & ~influence.exact).sum())
    if not n:
        return []
    return [
        f"  indefinite: {n} of {len(influence.removals)} reduced Hessians, so that a Newton step "
        "leads to no minimum; use truncated_refits or leave_one_out"
    ]


def is_shown(influence: "Influence") -> bool:
    """Whether the largest rows are found fast enough to show them."""
    values = influence.values
    few = not is_large(values.shape[1]) and 0 < values.size <= MOST_SHOWN
    # H is not formed for it: solvers without H are for models where it is too large
    return few and "hessian" in vars(influence.estimate)


def largest_rows(influence: "Influence") -> pd.DataFrame:
    """The rows that are shown, the largest Cook's distance first."""
    distance = influence.cooks_distance
    rows = largest_first(distance.to_numpy())[:SHOWN]
    labels, names = influence.index[rows], list(influence.estimate.names)
    shown = pd.DataFrame(influence.values[rows], index=labels, columns=names)
    if "cooks_distance" in shown:
        return shown
    return shown.assign(cooks_distance=distance.to_numpy()[rows])
