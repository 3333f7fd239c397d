"""How few rows recorded otherwise would change whether a treatment's effect is significant."""

from typing import Any

import numpy as np

from vifstats import checks
from vifstats.checks.disclosure import rounded_up
from vifstats.diagnostics.fragility import Fragility, fragility, unadjusted_fragility
from vifstats.errors import InvalidTypeError, VifError
from vifstats.estimate import Estimate
from vifstats.losses import Cox
from vifstats.plots.style import whole
from vifstats.reporting.findings import LEVEL, Findings
from vifstats.reporting.timed_refits import while_there_is_time

__all__ = ["fragility_of", "require_treatment"]

# A tenth of the rows that can be edited is searched, and at least this many.
SMALLEST = 10

# What may have been recorded otherwise; the last where the treatment has two levels.
KINDS = ("censored -> event", "event -> censored", "swap treatment")


def require_treatment(est: Estimate, treatment: str) -> Cox:
    """The loss; raises where edits of this treatment cannot be searched, before any other work."""
    if not isinstance(est.loss, Cox):
        raise InvalidTypeError(
            "`treatment` asks how few events and censorings recorded otherwise change a Cox model, "
            f"but this is a {est.effects.model}; leave it out."
        )
    checks.one_of(treatment, list(est.names), "treatment")
    return est.loss


def fragility_of(
    findings: Findings, treatment: str, *, rows: bool = True, seconds: float = np.inf
) -> dict[str, Any]:
    """The section on edits: for each kind the fewest found that change the significance.

    Keys "name", "n_levels", "significant", "p", "unadjusted" (with two levels), "items", and
    "refusal": why nothing can be said, or "". Sizes are "n"; without `rows`, which names none, they
    are "at_most", rounded up to a multiple of five. After `seconds` it stops, but one kind is
    searched in any case.

    Examples
    --------
    >>> import vifstats as vs
    >>> from vifstats.reporting import find
    >>> d = vs.datasets.load_rossi()
    >>> est = vs.minimize(vs.losses.Cox(d[["fin", "age"]], d.week, d.arrest), np.zeros(2))
    >>> found = fragility_of(find(est, top=0, seconds=0.0), "fin", seconds=0.0)
    >>> found["items"][0]["edits"], found["items"][0]["n"]
    ('censored -> event', 3)
    """
    est = findings.influence.estimate
    data, at = require_treatment(est, treatment).data, list(est.names).index(treatment)
    arm = data.X[:, at]
    levels = np.unique(arm)
    section: dict[str, Any] = {
        "name": treatment,
        "n_levels": len(levels),
        "items": [],
        "refusal": "",
    }
    section |= {"rounded": not rows, "n_kinds": 0, "n_searched": 0}
    try:
        p = float(est.p_values[at])
    except VifError as error:  # the fit's covariance is not one that can be followed
        return section | {"refusal": str(error), "significant": None, "p": None, "unadjusted": None}
    section |= {"significant": p < LEVEL, "p": p, "unadjusted": None}
    if len(levels) == 2:
        k = unadjusted_fragility(data.event, arm, level=LEVEL)
        section["unadjusted"] = k if rows else rounded_up(k)
    of_kind = {KINDS[0]: int((~data.event).sum()), KINDS[1]: int(data.event.sum())}
    if len(levels) == 2:
        of_kind[KINDS[2]] = len(arm)
    kinds = [kind for kind, n in of_kind.items() if n]
    found = [
        _item(est, treatment, kind, of_kind[kind], rows)
        for kind in while_there_is_time(kinds, seconds)
    ]
    section |= {"n_kinds": len(kinds), "n_searched": len(found)}
    return section | {"items": [item for item in found if item]}


def _item(
    est: Estimate, treatment: str, kind: str, n_editable: int, rows: bool
) -> dict[str, Any] | None:
    most = max(SMALLEST, n_editable // 10)
    try:
        found = fragility(est, treatment, edits=kind, level=LEVEL, max_size=most)
    except VifError:  # no edit moves it that way
        return None
    item = {"edits": kind, "reached": found.reached, "status": found.status, "largest": most}
    if not rows:
        item["largest"] = rounded_up(most)
        return item | {"at_most": rounded_up(len(found))}
    return item | {
        "n": len(found),
        "n_editable": n_editable,
        "percent": 100 * len(found) / n_editable,
        "rows": [whole(row) for row in found.members],
        "refitted_p": found.actual,
        **_path(found),
    }


def _path(found: Fragility) -> dict[str, Any]:
    """The p-value as one edit after another is made; the last is refitted."""
    return {"path": [found.value, *found.path["joint"]]}
