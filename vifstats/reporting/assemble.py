"""`report`: one page on what a fit depends on, and its numbers as JSON."""

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.checks.folders import replacing_all
from vifstats.deletion.result import Influence
from vifstats.estimate import Estimate
from vifstats.losses.effects import Effects, effects_of
from vifstats.plots.style import HARRELL
from vifstats.reporting import sentences
from vifstats.reporting.figures import MOST, figures, figures_of_counts
from vifstats.reporting.files import as_json, plain, run_of
from vifstats.reporting.findings import Findings, confirm, find
from vifstats.reporting.inputs import page_path, require_words, source_of, unit_of
from vifstats.reporting.page import render
from vifstats.reporting.reproduce import recipe
from vifstats.reporting.sections.accuracy import accuracy
from vifstats.reporting.sections.coefficients import (
    coefficients,
    extremes,
    near_the_convention,
)
from vifstats.reporting.sections.data import about_data, look_up
from vifstats.reporting.sections.fragility import fragility_of, require_treatment
from vifstats.reporting.sections.groups import groups as grouped
from vifstats.reporting.sections.method import method as provenance
from vifstats.reporting.sections.overview import alerts, overview
from vifstats.reporting.sections.rows import MOST_COLUMNS, top_rows
from vifstats.reporting.sections.sets import sets
from vifstats.reporting.sections.steps import in_steps
from vifstats.reporting.sections.survival import Survival, survival
from vifstats.reporting.sections.trends import trends
from vifstats.reporting.sections.verdicts import foreseen, verdicts
from vifstats.reporting.sections.withheld import require_nothing_of_rows, withheld
from vifstats.typing import FittedModel

__all__ = ["confirmed", "describe", "report", "report_texts", "write_report"]

# Of the time for refits: rows that show how good the method is, and sets; the rest is for rows on
# which ranges and verdicts rest.
SHARE_OF_SAMPLE, SHARE_OF_SETS = 0.5, 0.2
# Sets get what the refits leave, but no more than this.
MOST_FOR_SETS = 0.5

# A table of more lines is not read.
MOST_COEFFICIENTS = 40

CONVENTIONS = {
    "confidence_percent": 95,
    "level_percent": 5,
    "dfbetas": HARRELL,
    "smallest_p": 0.001,
    "most_columns": MOST_COLUMNS,
    "most_coefficients": MOST_COEFFICIENTS,
    "most_figures": MOST,
}


def report(
    model: FittedModel,
    *data: Any,
    path: str | Path = "report.html",
    method: str = "auto",
    top: int = 10,
    rows: bool = True,
    unit: str | None = None,
    title: str | None = None,
    table: pd.DataFrame | None = None,
    treatment: str | None = None,
    seconds: float = 20.0,
    progress: bool = False,
    **options: Any,
) -> Path:
    """Write one self-contained page on what a fit depends on, and report.json beside it.

    What the fit rests on, whether a conclusion hangs on a few rows, and how accurate these very
    numbers are: the most influential rows, those that decide whether a coefficient is
    significant, and a random sample are refitted.

    Parameters
    ----------
    model : Estimate, Influence or fitted model
    *data
        What a fitted model was fitted on, as for `from_model`.
    path : str or Path
        The page; the JSON gets the same name with the ending ``.json``.
    method : {"auto", "vif", "if", "newton", "refit"}
        How the influence is computed; an Influence has its own. "auto" refits without every row
        where half of ``seconds`` are predicted to do, else it is "vif".
    top : int
        How many of the most influential rows to show.
    rows : bool
        False: nothing is written from which a value of a single row can be computed: no label, no
        refit, no extreme, no hash of the data; of rows there are rounded counts beyond fixed
        thresholds. The estimates themselves stand. Refused where a parameter belongs to a row.
    unit : str, optional
        What one row of the result is called, such as "patient"; default "row", or of groups the
        name of their column, as given in ``groups=``, else "group".
    title : str, optional
        Default says what was fitted.
    table : DataFrame, shape (n, k), optional
        Columns to show of the most influential rows, which are found by their labels; default the
        covariates.
    treatment : str, optional
        Of a Cox model: the parameter of a treatment. The page then says how few patients recorded
        otherwise (an event, a censoring, the other arm) would change its significance, as
        `fragility`.
    seconds : float
        Time for refits and for sets; what is not refitted by then stays approximate, what is not
        searched is left out, and the page says so.
    progress : bool
        Show a progress bar.
    **options
        As for `from_model`, with a fitted model only.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InvalidInputError
        If the folder cannot be written to, or an option breaks a rule.

    Examples
    --------
    >>> import tempfile
    >>> import vifstats as vs
    >>> from vifstats.datasets import load_rossi
    >>> from lifelines import CoxPHFitter
    >>> rossi = load_rossi()
    >>> fit = CoxPHFitter().fit(rossi, "week", "arrest")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report(fit, rossi, path=f"{folder}/rossi.html", seconds=1.0).name
    'rossi.html'
    """
    path = checks.file_path(path, "path")
    how = {"path": path.name, "method": method, "top": top, "rows": rows, "unit": unit}
    how |= {"title": title, "table": table, "treatment": treatment, "seconds": seconds}
    require_words(unit, title)
    rows, progress = checks.flag(rows, "rows"), checks.flag(progress, "progress")
    seconds = checks.seconds(seconds, "seconds")
    path = page_path(path)
    source = source_of(model, data, options)
    est = source if isinstance(source, Estimate) else source.estimate
    if table is not None:
        table = checks.table_of_rows(table, est.labels)
    if treatment is not None:
        require_treatment(est, treatment)
    found = find(source, method, top=top, seconds=SHARE_OF_SAMPLE * seconds, progress=progress)
    document = describe(
        found,
        rows=rows,
        unit=unit or unit_of(found, options.get("groups")),
        title=title,
        table=table,
        fragility=None
        if treatment is None
        else fragility_of(found, treatment, rows=rows, seconds=SHARE_OF_SETS * seconds),
        seconds=seconds,
        progress=progress,
        command=recipe(model, data, options, _changed(how), found.influence.estimate),
    )
    return write_report(document, path)


def describe(
    found: Findings | Estimate | Influence,
    *,
    rows: bool = True,
    unit: str | None = None,
    title: str | None = None,
    table: pd.DataFrame | None = None,
    fragility: dict[str, Any] | None = None,
    seconds: float = 20.0,
    progress: bool = False,
    command: str = "",
) -> dict[str, Any]:
    """The report as numbers, sentences and pictures: the contents of report.json.

    Parameters
    ----------
    found : Findings, Estimate or Influence
    rows : bool
        As for `report`, like all that follow.
    unit : str, optional
    title : str, optional
    table : DataFrame, optional
    fragility : dict, optional
        The section on edits of a treatment, made with the same ``rows``.
    seconds : float
    progress : bool
    command : str
        What to type to get the report again.

    Returns
    -------
    dict
        Of what JSON has: text, numbers, lists and dicts.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, [1.0, 3.0, 5.0, 11.0])
    >>> describe(vs.minimize(loss, [0.0], names=["mean"]))["coefficients"][0]["coefficient"]
    5.0
    """
    if not isinstance(found, Findings):
        found = find(found, seconds=SHARE_OF_SAMPLE * seconds, progress=progress)
    if not rows:
        require_nothing_of_rows(found)
    est = found.influence.estimate
    effects = effects_of(est.loss, est.names)
    found = confirmed(found, seconds=seconds, progress=progress)
    curve = survival(found)
    document = _sections(found, effects, curve, table, seconds, progress)
    document["title"] = title or f"What the {effects.model} depends on"
    document["overview"]["unit"] = unit or unit_of(found)
    document["method"] = provenance(found, command)
    if not rows:
        document = withheld(document, found, effects, curve)
    document["fragility"] = fragility
    document = sentences.complete(plain(document))
    drawn = figures_of_counts(document) if not rows else figures(found, effects, document, curve)
    return document | {"figures": drawn}


def confirmed(found: Findings, *, seconds: float = 20.0, progress: bool = False) -> Findings:
    """With the rows refitted on which ranges, counts and verdicts rest, once, as time allows.

    All files of one run are made of these. `seconds` as for `report`.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.random.default_rng(0).normal(size=99)
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> found = find(vs.minimize(loss, [0.0]))
    >>> bool(confirmed(found).influence.exact.sum() >= found.influence.exact.sum())
    True
    """
    if found.foreseen is not None:
        return found
    est = found.influence.estimate
    effects = effects_of(est.loss, est.names)
    before = foreseen(found, effects)
    wanted = [extremes(found, effects), near_the_convention(found, effects), before.candidates]
    unique = dict.fromkeys(np.concatenate(wanted).tolist())
    left = (1 - SHARE_OF_SETS) * seconds - found.seconds
    rows = np.array(list(unique), dtype=int)
    return replace(confirm(found, rows, seconds=left, progress=progress), foreseen=before)


def _sections(
    found: Findings,
    effects: Effects,
    curve: Survival | None,
    table: pd.DataFrame | None,
    seconds: float,
    progress: bool,
) -> dict[str, Any]:
    """The numbers of every section, with rows."""
    about = overview(found, effects)
    agreement = accuracy(found, effects)
    judged = verdicts(found, effects, found.foreseen)
    entries = coefficients(found, effects, judged)
    for_sets = min(MOST_FOR_SETS * seconds, seconds - found.seconds)
    return {
        "overview": about | {"starred": _any_predicted(entries)},
        "conventions": CONVENTIONS,
        "alerts": alerts(found, effects, about, agreement["figures"]),
        "coefficients": entries,
        "beyond": None,
        "rows": top_rows(found, effects, table),
        "accuracy": agreement,
        "sets": in_steps(sets(found, effects, judged, True, for_sets, progress), entries, effects),
        "survival": None if curve is None else curve.numbers(),
        "groups": grouped(found, effects),
        "trends": trends(found, effects),
        "data": about_data(found),
        "look_up": look_up(found, effects, entries),
    }


def write_report(document: dict[str, Any], path: Path) -> Path:
    """Write the page and its JSON, both whole or not at all.

    Parameters
    ----------
    document : dict
        Of `describe`.
    path : Path
        The page.

    Returns
    -------
    Path
        The page.

    Examples
    --------
    >>> import tempfile
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, [1.0, 3.0, 5.0, 11.0])
    >>> document = describe(vs.minimize(loss, [0.0]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(document, Path(folder) / "mean.html").name
    'mean.html'
    """
    with replacing_all([path, path.with_suffix(".json")]) as files:
        for file, text in zip(files, report_texts(document), strict=True):
            file.write(text)
    return path


def report_texts(document: dict[str, Any], run: str | None = None) -> tuple[str, str]:
    """The page and its JSON, which tell what run they are of, by default by their numbers."""
    document = {"run": run or run_of(as_json(document)), **document}
    return render(document), as_json(document)


def _any_predicted(coefficients: list[dict[str, Any]]) -> bool:
    ends = [item[end] for item in coefficients for end in ("lowest", "highest", "largest")]
    return any(not end["exact"] for end in ends if end is not None)


def _changed(how: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `report` that are not the default."""
    usual = inspect.signature(report).parameters
    return {name: value for name, value in how.items() if repr(value) != repr(usual[name].default)}
