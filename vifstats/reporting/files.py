"""Findings as files: influence.csv for a spreadsheet, influence.json for a program."""

import json
from collections.abc import Mapping
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vifstats.checks.folders import replacing_all
from vifstats.checks.text import inert_frame
from vifstats.reporting.findings import SEED, Findings
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
        False: nothing of single rows; the CSV then has a line for each coefficient, and takes the
        place of one with rows that an earlier run may have left.

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
    else:
        inert_frame(_by_coefficient(findings)).to_csv(table, index_label="coefficient")
    contents = {**context, **_contents(findings), **(_rows(findings) if rows else {})}
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
    """Each coefficient, and the range of what it is without any one row."""
    influence = findings.influence
    without = influence.params_without
    return pd.DataFrame(
        {
            "estimate": influence.params,
            "standard_error": influence.estimate.standard_errors,
            "lowest_without_one": without.min(),
            "highest_without_one": without.max(),
        }
    )


def _contents(findings: Findings) -> dict[str, Any]:
    influence = findings.influence
    return {
        "method": influence.method,
        "sign": "dfbeta is full data minus without the row",
        "coefficients": influence.params.to_dict(),
        "hazard_ratios": findings.hazard_ratios.to_dict("index"),
        "n_refitted": len(findings.refitted),
        "seed_of_random_rows": SEED,
        "agreement_with_refits": (
            None if findings.agreement is None else findings.agreement.table.to_dict("index")
        ),
        "versions": versions(),
    }


def _rows(findings: Findings) -> dict[str, Any]:
    influence = findings.influence
    without = findings.hazard_ratios_without
    return {
        "most_influential": [
            {"row": label, "status": status, "hazard_ratios_without": ratios}
            for label, status, ratios in zip(
                without.index,
                influence.status.iloc[findings.top],
                without.to_dict("records"),
                strict=True,
            )
        ],
        "refitted": list(influence.index[findings.refitted]),
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
