"""What may be said of a fit without letting a single row be computed: `rows=False`.

What the fit itself publishes stands: estimates, their errors and p-values, numbers of rows and
events. Of everything else only what is listed here goes on, so that a new number of another section
stays inside until somebody has thought of it. No extreme over rows, no refit, no value or time of a
row and no sum over few rows is among it: of rows there are rounded counts beyond fixed thresholds.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from vifstats.checks.disclosure import (
    FEWEST,
    THRESHOLDS,
    counts_beyond,
    rounded_count,
    rounded_up,
)
from vifstats.errors import InvalidInputError
from vifstats.losses.effects import Effects
from vifstats.reporting.findings import Findings
from vifstats.reporting.sections.coefficients import sizes
from vifstats.reporting.sections.survival import Survival

__all__ = ["DIGITS", "POINTS", "agreement_table", "require_nothing_of_rows", "withheld"]

Section = dict[str, Any]

# Below this 1 - leverage a coefficient is made of one row.
FITTED_EXACTLY = 1e-8
# Decimals of how well the method agrees with refits: more would be equations for the refits.
DIGITS = 2
# Percentage points of a survival curve.
POINTS = 1.0

OVERVIEW = [
    "model",
    "effect",
    "ratio",
    "unit",
    "n_rows",
    "n_removals",
    "n_events",
    "n_parameters",
    "n_gauge",
    "method",
    "all_exact",
]
COEFFICIENT = [
    "name",
    "coefficient",
    "standard_error",
    "p",
    "effect",
    "lower",
    "upper",
    "decimals",
    "step",
    "step_is",
    "step_effect",
    "step_decimals",
    "significant",
    "goes",
]
ACCURACY = ["method", "separated", "seconds", "seed", "least_accurate", "n_all", "all_exact"]
ACCURACY_COUNTS = ["n_refitted", "n_planned", "n_exact", "n_failed", "n_exact_before"]
FIGURES = ["slope", "pearson", "spearman", "largest_relative_error"]
SETS = ["n_questions", "n_searched", "largest", "too_many", "n_rows"]
METHOD = ["name", "words", "covariance", "seconds", "versions", "date", "command"]
# Of alerts: what is of the fit, what is a number of rows, and what is of the approximation.
ALERTS: dict[str, tuple[list[str], list[str]]] = {
    "separated": (["names", "known", "along"], []),
    "separation": ([], ["n"]),
    "undefined": ([], ["n"]),
    "boundary": ([], ["n"]),
    "did not converge": ([], ["n"]),
    "indefinite": ([], ["n"]),
    "not in fit": ([], ["n"]),
    "owned": ([], ["n"]),
    "gauge": (["n"], []),
    "few events": (["n_events", "n_parameters", "each", "convention"], []),
    "inaccurate": (["n", "names", "worst", "slope", "percent", "method"], []),
    "out of time": (["seconds"], ["n_refitted", "n_planned"]),
    "conspicuous": (["convention"], ["n"]),
}


def withheld(
    document: Mapping[str, Any], findings: Findings, effects: Effects, curve: Survival | None
) -> dict[str, Any]:
    """The report without anything from which a value of a row can be computed.

    `document`: the sections as they are with rows.
    """
    size = sizes(findings, effects)
    accuracy = _accuracy(document["accuracy"])
    return {
        "title": document["title"],
        "overview": _some(document["overview"], OVERVIEW)
        | {"n_exact": rounded_count(document["overview"]["n_exact"]), "starred": False},
        "conventions": document["conventions"]
        | {"smallest_count": FEWEST, "thresholds": list(THRESHOLDS)},
        "alerts": [_alert(alert) for alert in document["alerts"] if not _of_few(alert)],
        "coefficients": [
            _coefficient(item, size[:, k]) for k, item in enumerate(document["coefficients"])
        ],
        "beyond": _beyond(size.max(axis=1, initial=0.0)),
        "rows": None,
        "accuracy": accuracy,
        "sets": None if document["sets"] is None else _sets(document["sets"]),
        "survival": None if curve is None else _survival(curve),
        "groups": None,
        "data": None,
        "look_up": None,
        "method": _some(document["method"], METHOD) | {"sha256": None},
    }


def require_nothing_of_rows(found: Findings) -> None:
    """Raise InvalidInputError where the parameters themselves tell of a row, whatever else is out.

    They do where they belong to one row, and where a row is fitted exactly.
    """
    est = found.influence.estimate
    owned = est.loss.owned_mask(found.influence.removals, len(est.theta))
    if owned is not None and owned.any():
        first = est.names[int(owned.any(axis=0).argmax())]
        raise InvalidInputError(
            f"`rows=False` must keep every row to itself, but parameters of "
            f"{type(est.loss).__name__} belong to one each, such as {first}, and a page shows "
            "parameters; report with rows, or publish the influence on a target instead."
        )
    leverages = est.loss.leverages(est.theta)
    if leverages is not None and (n := int((leverages > 1 - FITTED_EXACTLY).sum())):
        raise InvalidInputError(
            f"`rows=False` must keep every row to itself, but {n} rows are fitted exactly "
            "(leverage 1), so that the coefficients alone give their outcome; merge the levels "
            "that only one row has, or report with rows."
        )


def agreement_table(table: Any) -> dict[str, Any]:
    """How well a method agrees with refits, with few digits: DataFrame of `Agreement` -> dict."""
    return table[FIGURES].round(DIGITS).to_dict("index")


def _some(section: Mapping[str, Any], keys: list[str]) -> Section:
    return {key: section[key] for key in keys if key in section}


def _of_few(alert: Mapping[str, Any]) -> bool:
    """Whether that there is an alert says that a row is beyond the convention."""
    return alert["kind"] == "conspicuous" and rounded_count(alert["n"]) is None


def _alert(alert: Mapping[str, Any]) -> Section:
    kept, counts = ALERTS[alert["kind"]]
    cut = {key: round(alert[key], DIGITS) for key in ("slope",) if key in alert}
    cut |= {key: round(alert[key]) for key in ("percent", "larger_percent") if key in alert}
    rounded = {key: rounded_count(alert[key]) for key in counts}
    return {"kind": alert["kind"], "rows": [], "rounded": True} | _some(alert, kept) | cut | rounded


def _coefficient(item: Mapping[str, Any], size: np.ndarray) -> Section:
    return _some(item, COEFFICIENT) | {
        "n_flipping": rounded_count(item["n_flipping"]),
        "beyond": _beyond(size),
        "lowest": None,
        "highest": None,
        "largest": None,
    }


def _beyond(size: np.ndarray) -> list[Section]:
    pairs = zip(THRESHOLDS, counts_beyond(size), strict=True)
    return [
        {"threshold": at, "n": n, "percent": None if n is None else round(100 * n / len(size))}
        for at, n in pairs
    ]


def _accuracy(section: Mapping[str, Any]) -> Section:
    out = _some(section, ACCURACY) | {"worst_row": None}
    out |= {key: rounded_count(section[key]) for key in ACCURACY_COUNTS}
    out["figures"] = [
        {"name": figures["name"]} | {key: _cut(figures[key]) for key in FIGURES}
        for figures in section["figures"]
    ]
    for key in ("lowest_slope", "highest_slope"):
        if key in section:
            out[key] = _cut(section[key])
    percents = ("largest_error_percent", "lowest_larger_percent", "highest_larger_percent")
    out |= {key: round(section[key]) for key in percents if key in section}
    return out


def _cut(value: float) -> float:
    return round(float(value), DIGITS)


def _sets(section: Mapping[str, Any]) -> Section:
    items = [
        _some(item, ["name", "about", "significant", "flips", "p"])
        | {"at_most": rounded_up(item["n"])}
        for item in section["items"]
    ]
    return _some(section, SETS) | {"items": items}


def _survival(curve: Survival) -> Section:
    (n,) = counts_beyond(curve.largest_points(), (POINTS,))
    return {"points": POINTS, "n": n}
