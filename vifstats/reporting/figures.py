"""The pictures of a report, each with the finding as its text alternative and how to read it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from vifstats import plots
from vifstats.deletion.row_facts import follow_up, residuals
from vifstats.losses.effects import Effects
from vifstats.plots.rows import HARRELL
from vifstats.reporting import sentences
from vifstats.reporting.findings import Findings
from vifstats.reporting.formats import many
from vifstats.reporting.sections.accuracy import explained_by
from vifstats.reporting.sections.groups import most_moved
from vifstats.reporting.sections.rows import N_IN_SUM
from vifstats.reporting.sections.survival import Survival

__all__ = ["figures"]

# More pictures of one kind are not looked at.
MOST = 12
Document = dict[str, Any]


def figures(
    findings: Findings,
    effects: Effects,
    document: Document,
    curve: Survival | None,
    rows: bool,
) -> dict[str, Any]:
    """All pictures, by the section they belong to.

    `document`: the report so far: the text alternatives are made from its numbers; `rows`: whether
    rows may be shown. If not, distributions take the place of points. Returns "ranges": a figure;
    "index": a list of figures; and so on.
    """
    out: dict[str, Any] = {
        "ranges": _ranges(findings, effects, document),
        "index": _index(findings, effects, document, rows),
        "sets": _sets(document),
        "survival": _survival(curve, document),
        "survival_change": _survival_change(curve, document),
    }
    if rows:
        out |= {
            "time": _time(findings, effects, document),
            "influence": _influence(findings, document),
            "waterfall": _waterfall(findings, effects, document),
            "agreement": _agreement(findings, effects, document),
            "error": _error(findings, document),
            "groups": _groups(findings, effects, document),
        }
    return {name: figure for name, figure in out.items() if figure}


def _figure(draw: Callable[[Any], Any], alt: str, how: str, **options: Any) -> dict[str, str]:
    return {"svg": plots.as_svg(draw, **options), "alt": alt, "how": how}


def _ranges(findings: Findings, effects: Effects, document: Document) -> dict[str, str]:
    items = sorted(document["coefficients"], key=_largest_size)[::-1][:MOST]
    shown = [item["name"] for item in document["coefficients"] if item in items]
    return _figure(
        lambda ax: plots.range_plot(findings.influence, shown, ax=ax, ratio=effects.ratio),
        sentences.headline(document)[0],
        f"A dot is the {effects.effect}, the thin line its 95 % confidence interval, the thick bar "
        f"the range over all deletions of one {document['overview']['unit']}. A bar is long where "
        "few rows matter much.",
        size=(5.4, 0.8 + 0.28 * len(shown)),
    )


def _index(
    findings: Findings, effects: Effects, document: Document, rows: bool
) -> list[dict[str, str]]:
    about = document["overview"]
    draw = plots.index_plot if rows else plots.distribution_plot
    how = (
        f"Each point is one {about['unit']}, in the order of the data; above 0 it pulls the "
        "coefficient up."
        if rows
        else "How many rows there are at each size of the influence."
    )
    chosen = sorted(document["coefficients"], key=_largest_size)[::-1][:MOST]
    out = []
    for item in document["coefficients"]:
        if item in chosen:
            alt = sentences.coefficient_plot(item, about["unit"], about["n_removals"], HARRELL)
            out.append(_figure(partial(_drawn, draw, findings, item["name"]), alt, how))
    return out


def _drawn(draw: Callable[..., Any], findings: Findings, name: str, ax: Any) -> Any:
    return draw(findings.influence, name, ax=ax)


def _largest_size(item: dict[str, Any]) -> float:
    return 0.0 if item["largest"] is None else abs(item["largest"]["dfbetas"])


def _time(findings: Findings, effects: Effects, document: Document) -> dict[str, str] | None:
    if follow_up(findings.influence) is None:
        return None
    item = _item(findings, effects, document)
    return _figure(
        lambda ax: plots.time_plot(findings.influence, item["name"], ax=ax),
        _alt(item, document),
        "The same influence against the end of follow-up: late rows are compared with few others, "
        "so each counts for more.",
    )


def _influence(findings: Findings, document: Document) -> dict[str, str] | None:
    if residuals(findings.influence) is None or not document["rows"]["items"]:
        return None
    first = document["rows"]["items"][0]
    return _figure(
        lambda ax: plots.influence_plot(findings.influence, ax=ax),
        f"Residual against leverage: {document['overview']['unit']} {first['row']} has the largest "
        "Cook's distance.",
        "To the right are unusual covariates, far up or down unusual outcomes; a row needs both to "
        "be influential.",
    )


def _waterfall(findings: Findings, effects: Effects, document: Document) -> dict[str, str] | None:
    total = document["rows"]["in_sum"]
    if not total["n"]:
        return None
    return _figure(
        lambda ax: plots.waterfall_plot(findings.influence, total["name"], ax=ax, k=N_IN_SUM),
        sentences.in_sum(total, document["overview"]["unit"]),
        f"How the rows that move {total['name']} most would add up if they left one after "
        "another; a sum of single influences, so a first guess only.",
        size=(5.4, 2.8),
    )


def _agreement(findings: Findings, effects: Effects, document: Document) -> dict[str, str] | None:
    if findings.agreement is None:
        return None
    rows = _refitted(findings)
    before, after = findings.approximate.take(rows), findings.influence.take(rows)
    return _figure(
        lambda ax: plots.agreement_plot(before, after, ax=ax),
        sentences.accuracy(document["accuracy"], document["overview"]["unit"]),
        "All coefficients of all refitted rows, predicted and refitted. Points on the line are "
        "right; a line of points that is steeper than it means too small predictions.",
    )


def _error(findings: Findings, document: Document) -> dict[str, str] | None:
    if findings.agreement is None:
        return None
    explanation = explained_by(findings)
    if explanation is None:
        return None
    rows = _refitted(findings)
    before, after = findings.approximate.take(rows), findings.influence.take(rows)
    against, xlabel = explanation[0][rows], explanation[1]
    return _figure(
        lambda ax: plots.error_plot(before, after, against, ax=ax, xlabel=xlabel),
        sentences.worst_row(document["accuracy"]["worst_row"], document["overview"]["unit"]),
        "Where the approximation errs: in small risk sets, and for rows of high leverage, one "
        "row changes the curvature too.",
    )


def _sets(document: Document) -> dict[str, str] | None:
    """The path of the largest set that changes a conclusion: a single row has none."""
    items = (document["sets"] or {"items": []})["items"]
    proved = [item for item in items if item["flips"] and item["n"] > 1]
    if not proved:
        return None
    item = min(proved, key=lambda item: item["n"])
    path = item["path"]
    refitted = [path[0], *[np.nan] * (item["n"] - 1), item["end"]]
    what, members = f"distance of {item['name']} (se)", many(document["overview"]["unit"])
    return _figure(
        lambda ax: plots.set_path_plot(
            range(len(path)), path, refitted, what=what, members=members, threshold=0.0, ax=ax
        ),
        sentences.set_found(item, document["overview"]),
        f"How far the coefficient of {item['name']} is from where the conclusion changes, as the "
        "set leaves, the most influential first: the line is predicted, the dots are refitted.",
        size=(5.4, 2.6),
    )


def _survival(curve: Survival | None, document: Document) -> dict[str, str] | None:
    if curve is None:
        return None
    return _figure(
        lambda ax: plots.survival_plot(curve.change, curve.times, ax=ax),
        document["survival"]["sentence"],
        "The curve of somebody with average covariates, and the band in which the removal of any "
        f"one {document['overview']['unit']} moves it. A band too thin to see is good news.",
    )


def _survival_change(curve: Survival | None, document: Document) -> dict[str, str] | None:
    if curve is None:
        return None
    return _figure(
        lambda ax: plots.survival_change_plot(curve.change, curve.times, ax=ax),
        document["survival"]["sentence"],
        "The same band under a lens: above 0 the probability is higher without the "
        f"{document['overview']['unit']}.",
    )


def _groups(findings: Findings, effects: Effects, document: Document) -> dict[str, str] | None:
    section = document["groups"]
    if section is None:
        return None
    item = _item(findings, effects, document)
    return _figure(
        lambda ax: plots.forest_plot(findings.influence, item["name"], ax=ax, ratio=effects.ratio),
        _alt(item, document),
        f"The {effects.effect} of {item['name']} without each group; the band is its confidence "
        "interval with all of them.",
        size=(5.4, 1.0 + 0.22 * len(section["items"])),
    )


def _refitted(findings: Findings) -> np.ndarray:
    """The rows that were refitted, without those whose refit failed."""
    return findings.refitted[~findings.influence.failed[findings.refitted]]


def _item(findings: Findings, effects: Effects, document: Document) -> dict[str, Any]:
    """The effect that some row moves most."""
    at = int(np.flatnonzero(effects.shown == most_moved(findings, effects))[0])
    return document["coefficients"][at]


def _alt(item: dict[str, Any], document: Document) -> str:
    about = document["overview"]
    return sentences.coefficient_plot(item, about["unit"], about["n_removals"], HARRELL)
