"""Findings as files: influence.csv for a spreadsheet, influence.json for a program."""

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vifstats.checks.disclosure import FEWEST, THRESHOLDS, counts_beyond, rounded_count
from vifstats.checks.folders import replacing_all
from vifstats.checks.text import inert_frame
from vifstats.losses.effects import effects_of
from vifstats.reporting.findings import Findings
from vifstats.reporting.formats import many
from vifstats.reporting.sections.coefficients import sizes
from vifstats.reporting.sections.withheld import agreement_table, require_nothing_of_rows
from vifstats.versions import versions

__all__ = ["as_json", "findings_texts", "plain", "run_of", "write_findings"]


def write_findings(
    findings: Findings, folder: Path, context: Mapping[str, Any], *, rows: bool = True
) -> list[Path]:
    """Write influence.csv and influence.json, both whole or not at all.

    Parameters
    ----------
    findings : Findings
    folder : Path
        Where to; see ``vifstats.checks.folders.writable_folder``.
    context : mapping
        What was run on what: it opens the JSON.
    rows : bool
        False: nothing from which a value of a single row can be computed; the CSV then has a line
        for each coefficient with rounded numbers of rows, and takes the place of one with rows
        that an earlier run may have left.

    Returns
    -------
    list of Path
        The files, the CSV first.

    Examples
    --------
    >>> import tempfile, vifstats as vs
    >>> from vifstats.reporting import find
    >>> y = np.array([1.0, 3.0, 5.0, 11.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_findings(find(vs.minimize(loss, [0.0])), Path(folder), {})
    >>> [path.name for path in paths]
    ['influence.csv', 'influence.json']
    """
    paths = [folder / "influence.csv", folder / "influence.json"]
    with replacing_all(paths) as files:
        for file, text in zip(files, findings_texts(findings, context, rows=rows), strict=True):
            file.write(text)
    return paths


def findings_texts(
    findings: Findings, context: Mapping[str, Any], *, rows: bool = True
) -> tuple[str, str]:
    """What is in influence.csv and influence.json; the latter tells what run both are of."""
    table = StringIO()
    if rows:
        findings.influence.to_csv(table, index_label="row")
        contents = {**context, **_contents(findings), **_rows(findings)}
    else:
        require_nothing_of_rows(findings)
        inert_frame(_by_coefficient(findings)).to_csv(table, index_label="coefficient")
        contents = {**context, **_contents(findings), **_withheld(findings)}
    run = run_of(table.getvalue(), as_json(plain(contents)))
    return table.getvalue(), as_json({"run": run, **plain(contents)})


def as_json(document: Mapping[str, Any]) -> str:
    """A document as a file of JSON."""
    text = StringIO()
    json.dump(document, text, indent=1, allow_nan=False)
    return f"{text.getvalue()}\n"


def run_of(*texts: str) -> str:
    """What a run is called, by its numbers: files of two runs are told apart by it."""
    digest = sha256()
    for text in texts:
        digest.update(text.encode("utf-8", "backslashreplace"))
    return digest.hexdigest()[:16]


def _by_coefficient(findings: Findings) -> pd.DataFrame:
    """Each coefficient, and about how many rows move it by more than some standard errors."""
    influence = findings.influence
    columns = {
        "estimate": influence.params,
        "standard_error": influence.estimate.standard_errors,
    }
    everything = effects_of(influence.estimate.loss, influence.estimate.names)
    everything = replace(everything, shown=np.arange(len(influence.params)))
    counts = [counts_beyond(size) for size in sizes(findings, everything).T]
    for threshold, found in zip(THRESHOLDS, zip(*counts, strict=True), strict=True):
        told = [f"<{FEWEST}" if n is None else n for n in found]
        columns[f"rows_beyond_{threshold:g}_dfbetas"] = told
    return pd.DataFrame(columns, index=influence.params.index)


def _contents(findings: Findings) -> dict[str, Any]:
    influence = findings.influence
    return {
        "method": influence.method,
        "sign": "dfbeta is full data minus without the row",
        "coefficients": influence.params.to_dict(),
        _effects_key(findings): findings.effects.to_dict("index"),
        "n_refitted": int(influence.exact.sum()),
        "seed_of_random_rows": findings.seed,
        "agreement_with_refits": (
            None if findings.agreement is None else findings.agreement.table.to_dict("index")
        ),
        "versions": versions(),
    }


def _effects_key(findings: Findings) -> str:
    """What effects are called beside the coefficients: hazard_ratios, odds_ratios, ..."""
    effects = findings.influence.estimate.effects
    return many(effects.column) if effects.ratio else "intervals"


def _rows(findings: Findings) -> dict[str, Any]:
    influence = findings.influence
    without = findings.effects_without
    name = f"{_effects_key(findings)}_without"
    return {
        "most_influential": [
            {"row": label, "status": status, name: effects}
            for label, status, effects in zip(
                without.index,
                influence.status.iloc[findings.top],
                without.to_dict("records"),
                strict=True,
            )
        ],
        "refitted": list(influence.index[influence.exact]),
        "refitted_to_compare": list(influence.index[findings.refitted]),
    }


def _withheld(findings: Findings) -> dict[str, Any]:
    """In place of what is made of few rows, or has digits enough to compute one from."""
    agreement = findings.agreement
    return {
        "n_refitted": rounded_count(int(findings.influence.exact.sum())),
        "agreement_with_refits": None if agreement is None else agreement_table(agreement.table),
    }


def plain(value: Any) -> Any:
    """Only what JSON has: numpy scalars as numbers, nan as null, any other label as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | str | None) else str(value)
