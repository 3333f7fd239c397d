"""Findings as plain text, for a terminal."""

from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd

from vifstats.checks.text import legible
from vifstats.reporting.files import plain
from vifstats.reporting.findings import Findings
from vifstats.reporting.formats import many
from vifstats.reporting.sections.overview import separated
from vifstats.reporting.sections.withheld import DIGITS, agreement_table, require_nothing_of_rows
from vifstats.reporting.sentences import alert, edits_found, edits_searched

__all__ = ["as_text", "edits_as_text"]

LINE = 100
# From such a relative error on, what exact refits would take is told.
COARSE = 0.1
FIGURES = ["slope", "pearson", "spearman", "largest_relative_error"]


def as_text(findings: Findings, *, rows: str = "row", named: bool = True) -> str:
    """The fit, the most influential rows, and the agreement with exact refits.

    Parameters
    ----------
    findings : Findings
    rows : str
        What one row of the result is called: "row", or the column of its groups.
    named : bool
        Whether single rows may be named.

    Returns
    -------
    str
        Paragraphs, without a final line break.

    Examples
    --------
    >>> import vifstats as vs
    >>> from vifstats.reporting import find
    >>> X, T = [[0.0], [1.0], [0.0], [1.0], [0.0]], [5.0, 4.0, 3.0, 2.0, 1.0]
    >>> est = vs.minimize(vs.losses.Cox(X, T, [1, 1, 1, 1, 1]), [0.0])
    >>> print(as_text(find(est, top=1)).splitlines()[1])
        hazard ratio  95% lower  95% upper
    """
    if not named:
        require_nothing_of_rows(findings)
    rows = legible(rows)
    paragraphs = [
        _fit(findings),
        _separated(findings, rows),
        _top(findings, rows) if named else "",
        _agreement(findings, rows, named),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def edits_as_text(section: dict[str, Any], unit: str = "row") -> str:
    """The section "fragility" as text, a sentence for each kind of edit.

    `unit` is what one row of the data is called.

    Examples
    --------
    >>> section = {"name": "arm", "refusal": "", "unadjusted": 2, "items": []}
    >>> section |= {"n_kinds": 0, "n_searched": 0}
    >>> print(edits_as_text(section).splitlines()[0])
    How few rows recorded otherwise would change the significance of arm
    """
    unit = legible(unit)
    head = f"How few {many(unit)} recorded otherwise would change the significance of "
    lines = [edits_searched(section, unit)]
    lines += [edits_found(item, section, unit) for item in section["items"]]
    return "\n".join([head + legible(section["name"]), *(f"- {line}" for line in lines if line)])


def _fit(findings: Findings) -> str:
    est, level = findings.influence.estimate, f"{100 * findings.level:g}%"
    ends = [est.effects.effect, f"{level} lower", f"{level} upper"]
    table = findings.effects.set_axis(ends, axis=1)
    return (
        f"{many(est.effects.effect).capitalize()}, {est.inference.words} confidence intervals\n"
        f"{_table(table, 3)}"
    )


def _separated(findings: Findings, rows: str) -> str:
    found = separated(findings)
    return "" if found is None else "\n".join(wrap(alert(plain(found), rows), LINE))


def _top(findings: Findings, rows: str) -> str:
    if not len(findings.top):
        return ""
    table, effect = findings.effects_without, findings.influence.estimate.effects.effect
    full = findings.effects.iloc[:, 0].rename("effect")
    labels = [f"without {label}" for label in table.index]
    table = pd.concat([full.to_frame("all rows").T, table.set_axis(labels)])
    status = findings.influence.status.iloc[findings.top].to_numpy()
    exact = findings.influence.exact[findings.top]
    how = "refitted" if exact.all() else "predicted, or refitted where it says so,"
    if not exact.all():
        table["refitted"] = ["", *np.where(exact, "yes", "no")]
    if np.any(status != "ok"):
        table["status"] = ["", *status]
    return (
        f"The {len(labels)} most influential by Cook's distance, one {rows} a line: each {effect} "
        f"with all rows,\nand {how} without the {rows}\n{_table(table, 3)}"
    )


def _agreement(findings: Findings, rows: str, named: bool) -> str:
    method, n = findings.influence.method, len(findings.refitted)
    if method == "refit" and not findings.influence.estimate.separated:
        return f"Every {rows} was refitted, so nothing here is approximate."
    if not n:
        return f"No {rows} was refitted to compare, so how accurate {method!r} is here is unknown."
    if findings.agreement is None:
        return f"None of the refits to compare {method!r} with converged; see the column status."
    figures = findings.agreement.table
    if not named:  # nothing that is made of few rows, or with digits enough to compute one
        table = pd.DataFrame(agreement_table(figures)).T
        return f"Agreement of {method!r} with exact refits\n{_of_columns(table, DIGITS)}"
    sample = "" if n == findings.n_planned else f" of {findings.n_planned} planned, as time ran out"
    n_top = len(np.intersect1d(findings.top, findings.refitted))
    title = (
        f"Agreement of {method!r} with {n} exact refits{sample}: {n_top} of the most influential "
        f"and {n - n_top} others at random (seed {findings.seed})"
    )
    table = figures[FIGURES].copy()
    if figures["left_out"].max() > 0:
        table["refits failed"] = figures["left_out"]
    advice = findings.influence.advice
    coarse = bool((figures[FIGURES[-1]] > COARSE).any()) and advice
    end = f"\n{advice[0].upper()}{advice[1:]}." if coarse else ""
    return f"{title}\n{_of_columns(table, 4)}{end}"


def _of_columns(table: pd.DataFrame, digits: int) -> str:
    return _table(table.rename(columns={FIGURES[-1]: "largest relative error"}), digits)


def _table(frame: pd.DataFrame, digits: int) -> str:
    frame = frame.set_axis([legible(str(label)) for label in frame.index], axis=0)
    frame = frame.set_axis([legible(str(name)) for name in frame.columns], axis=1)
    return frame.to_string(line_width=LINE, float_format=lambda v: f"{v:.{digits}f}")
