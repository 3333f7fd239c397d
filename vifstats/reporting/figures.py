"""The pictures of a report, each with the finding as its text alternative and how to read it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from vifstats import plots
from vifstats.deletion.row_facts import follow_up, residuals
from vifstats.losses.effects import Effects
from vifstats.plots.style import HARRELL
from vifstats.reporting import sentences
from vifstats.reporting.findings import Findings
from vifstats.reporting.formats import count, many, significant
from vifstats.reporting.sections.accuracy import explained_by
from vifstats.reporting.sections.groups import most_moved
from vifstats.reporting.sections.rows import N_IN_SUM
from vifstats.reporting.sections.survival import Survival

__all__ = ["figures", "figures_of_counts"]

# More pictures of one kind are not looked at.
MOST = 12
Document = dict[str, Any]


def figures(
    findings: Findings, effects: Effects, document: Document, curve: Survival | None
) -> dict[str, Any]:
    """All pictures, by the section they belong to.

    `document`: the report so far: the text alternatives are made from its numbers. Returns
    "ranges": a figure; "index": a list of figures; and so on.
    """
    out: dict[str, Any] = {
        "ranges": _ranges(findings, document),
        "index": _index(findings, document),
        "sets": _sets(document),
        "survival": _survival(curve, document),
        "survival_change": _survival_change(curve, document),
        "time": _time(findings, effects, document),
        "influence": _influence(findings, document),
        "waterfall": _waterfall(findings, effects, document),
        "agreement": _agreement(findings, document),
        "error": _error(findings, document),
        "groups": _groups(findings, effects, document),
    }
    return {name: figure for name, figure in out.items() if figure}


def figures_of_counts(document: Document) -> dict[str, Any]:
    """The pictures of a report without rows: made of the rounded counts in it, and of nothing else.

    Returns "counts": a list of figures, one for each effect.
    """
    items, unit = document["coefficients"][:MOST], document["overview"]["unit"]
    return {"counts": [_counts(item, unit) for item in items if not item["goes"]]}


def _counts(item: dict[str, Any], unit: str) -> dict[str, str]:
    thresholds = [found["threshold"] for found in item["beyond"]]
    counts = [found["n"] for found in item["beyond"]]
    return _figure(
        lambda ax: plots.counts_plot(counts, thresholds, item["name"], unit=many(unit), ax=ax),
        sentences.counts_plot(item, unit),
        "",
        size=(4.4, 2.2),
    )


def _figure(draw: Callable[[Any], Any], alt: str, how: str, **options: Any) -> dict[str, str]:
    return {"svg": plots.as_svg(draw, **options), "alt": alt, "how": how}


def _finite(document: Document) -> list[dict[str, Any]]:
    """The coefficients that are finite with all rows."""
    return [item for item in document["coefficients"] if not item["goes"]]


def _ranges(findings: Findings, document: Document) -> dict[str, str] | None:
    items = sorted(_finite(document), key=_largest_size)[::-1][:MOST]
    shown = [item["name"] for item in document["coefficients"] if item in items]
    if not shown:
        return None
    ends = [item[end] for item in items for end in ("lowest", "highest")]
    n = len(_finite(document))
    some = (
        f"The {len(shown)} of {n} finite coefficients with the largest influence. "
        if len(shown) < n
        else ""
    )
    arrows = " An arrow marks an infinite end." if any(end and end["goes"] for end in ends) else ""
    return _figure(
        lambda ax: plots.range_plot(findings.influence, shown, ax=ax, scaled=True),
        sentences.ranges_plot(document),
        f"{some}Each coefficient in units of its standard error, so that rows compare. The dot "
        "is the estimate, the thin line its 95 % confidence interval, the thick bar its range over "
        f"all deletions of one {document['overview']['unit']}.{arrows}",
        size=(5.4, 0.9 + 0.28 * len(shown)),
    )


def _index(findings: Findings, document: Document) -> list[dict[str, str]]:
    about = document["overview"]
    how = (
        f"Each point is one {about['unit']}, in the order of the data; above 0 it pulls the "
        "coefficient up."
    )
    chosen = sorted(_finite(document), key=_largest_size)[::-1][:MOST]
    out = []
    for item in document["coefficients"]:
        if item in chosen:
            alt = sentences.coefficient_plot(item, about["unit"], about["n_removals"], HARRELL)
            draw = partial(_drawn, plots.index_plot, findings, item["name"])
            out.append(_figure(draw, alt, how))
    return out


def _drawn(draw: Callable[..., Any], findings: Findings, name: str, ax: Any) -> Any:
    return draw(findings.influence, name, ax=ax)


def _largest_size(item: dict[str, Any]) -> float:
    return 0.0 if item["largest"] is None else abs(item["largest"]["dfbetas"])


def _time(findings: Findings, effects: Effects, document: Document) -> dict[str, str] | None:
    if follow_up(findings.influence) is None:
        return None
    item = _item(findings, effects, document)
    trend = sentences.trend(document["trends"]["time"], "time")
    return _figure(
        lambda ax: plots.time_plot(findings.influence, item["name"], ax=ax),
        _alt(item, document),
        f"The same influence against the end of follow-up.{trend}",
    )


def _influence(findings: Findings, document: Document) -> dict[str, str] | None:
    items = [item for item in document["rows"]["items"] if item["cooks_distance"] is not None]
    infinite = len(_finite(document)) < len(document["coefficients"])  # where H measures nothing
    if infinite or residuals(findings.influence) is None or not items:
        return None
    first, unit = max(items, key=lambda item: item["cooks_distance"]), document["overview"]["unit"]
    return _figure(
        lambda ax: plots.influence_plot(findings.influence, ax=ax),
        f"Residual against leverage: the largest Cook's distance of the {many(unit)} drawn is "
        f"{significant(first['cooks_distance'])}, of {unit} {first['row']}.",
        "Further to the right covariates are more unusual; further up or down the outcome is "
        "further from its prediction. Cook's distance is about the leverage times the square of "
        "the residual, divided by the number of parameters.",
    )


def _waterfall(findings: Findings, effects: Effects, document: Document) -> dict[str, str] | None:
    total = document["rows"]["in_sum"]
    if not total["n"]:
        return None
    return _figure(
        lambda ax: plots.waterfall_plot(findings.influence, total["name"], ax=ax, k=N_IN_SUM),
        sentences.in_sum(total, document["overview"]["unit"]),
        f"How the influences of the {many(document['overview']['unit'])} that move "
        f"{total['name']} most add up. Left out together they may change it by more or less.",
        size=(5.4, 2.8),
    )


def _agreement(findings: Findings, document: Document) -> dict[str, str] | None:
    if findings.agreement is None:
        return None
    rows = _refitted(findings)
    before, after = findings.approximate.take(rows), findings.influence.take(rows)
    return _figure(
        lambda ax: plots.agreement_plot(before, after, ax=ax),
        sentences.accuracy(document["accuracy"], document["overview"]["unit"]),
        f"The change of every coefficient without each {document['overview']['unit']} refitted to "
        "compare: predicted, and refitted. On the line both are the same.",
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
    unit = document["overview"]["unit"]
    trend = sentences.trend(document["trends"]["error"], f"the {xlabel}")
    return _figure(
        lambda ax: plots.error_plot(before, after, against, ax=ax, xlabel=xlabel),
        sentences.worst_row(document["accuracy"]["worst_row"], document["overview"]["unit"]),
        f"The largest error of each {unit} refitted to compare, against its {xlabel}.{trend}",
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
    what, members = f"distance of {item['name']}, in se", many(document["overview"]["unit"])
    return _figure(
        lambda ax: plots.set_path_plot(
            range(len(path)), path, refitted, what=what, members=members, threshold=0.0, ax=ax
        ),
        sentences.set_found(item, document["overview"]),
        f"How far {item['name']} is from where the conclusion changes (0), in standard errors, as "
        "the set is left out, the most influential first. The line is predicted by Newton steps, "
        "the dots are refitted.",
        size=(5.4, 2.6),
    )


def _survival(curve: Survival | None, document: Document) -> dict[str, str] | None:
    if curve is None:
        return None
    return _figure(
        lambda ax: plots.survival_plot(
            curve.change,
            curve.at,
            ax=ax,
            curve=(curve.times, curve.values),
            unit=many(document["overview"]["unit"]),
        ),
        document["survival"]["sentence"],
        "Predicted event-free survival at average covariates, and the band in which leaving out "
        f"any one {document['overview']['unit']} moves it. A thin band means that no single "
        f"{document['overview']['unit']} changes the prediction by much.{_of_times(curve)}",
    )


def _survival_change(curve: Survival | None, document: Document) -> dict[str, str] | None:
    if curve is None:
        return None
    return _figure(
        lambda ax: plots.survival_change_plot(
            curve.change,
            curve.at,
            ax=ax,
            stairs=curve.everywhere,
            unit=many(document["overview"]["unit"]),
        ),
        document["survival"]["sentence"],
        "The same band, enlarged: above 0 predicted survival is higher without the "
        f"{document['overview']['unit']}.",
    )


def _of_times(curve: Survival) -> str:
    """At which times the band is known, where that is not all of them."""
    if curve.everywhere:
        return ""
    return f" The band is computed at {count(len(curve.at))} event times, and joined by lines."


def _groups(findings: Findings, effects: Effects, document: Document) -> dict[str, str] | None:
    section = document["groups"]
    if section is None:
        return None
    item = _item(findings, effects, document)
    return _figure(
        lambda ax: plots.forest_plot(findings.influence, item["name"], ax=ax, ratio=effects.ratio),
        _alt(item, document),
        f"The {effects.effect} of {item['name']} without each {document['overview']['unit']}; the "
        "band is its confidence interval with all of them.",
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
