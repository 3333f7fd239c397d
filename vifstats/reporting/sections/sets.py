"""How few rows a conclusion hangs on: sets without which it changes, proved by a refit."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from vifstats.errors import VifError
from vifstats.losses import Loss
from vifstats.refits import leave_one_out
from vifstats.removals import Removals
from vifstats.reporting.effects import Effects
from vifstats.reporting.findings import Z95, Findings, removal_of_each_row
from vifstats.reporting.sections.verdicts import p_values, refitted_z
from vifstats.sets import InfluentialSet, influential_set
from vifstats.targets import Target

__all__ = ["Distance", "sets"]

LEVEL = 0.05
LARGEST_SET = 50
# Newton steps without every row, times the numbers in a Hessian; beyond, a search takes minutes.
MOST_NUMBERS = 3_000_000


@dataclass(frozen=True, eq=False)
class Distance(Target):
    """How far a coefficient is from a value, counted in its own direction; 0 is the value.

    Parameters
    ----------
    parameter : int
    sign, value : float
        sign * theta - value.

    Examples
    --------
    >>> Distance(0, -1.0, 0.5).value(np.array([-2.0]), None, None)
    array([1.5])
    """

    parameter: int
    sign: float
    bound: float
    reads_presence = False

    def value(self, theta: Any, presence: Any, loss: Loss) -> Any:
        return self.sign * theta[self.parameter : self.parameter + 1] - self.bound

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return self.sign * thetas[:, [self.parameter]] - self.bound


@dataclass(frozen=True)
class Question:
    """Which conclusion might change: the significance of a parameter, or its sign."""

    parameter: int
    about: str
    distance: float


def sets(
    findings: Findings, effects: Effects, rows: bool, seconds: float
) -> dict[str, Any] | None:
    """The sets found, the conclusions that are nearest to changing first.

    A set is found with the standard error held, and judged by its refit with the standard error
    of that refit.

    Parameters
    ----------
    findings : Findings
    effects : Effects
    rows : bool
        Whether rows may be named.
    seconds : float
        When to stop searching.

    Returns
    -------
    dict or None
        Keys "items", "n_questions" and "largest" (the largest size looked at). None where a
        search would take too long, or there are too few rows.
    """
    est, n = findings.influence.estimate, len(findings.influence.index)
    if n < 10 or n * len(est.theta) ** 2 > MOST_NUMBERS:
        return None
    z = est.theta / est.standard_errors
    questions = [Question(j, "significance", abs(abs(z[j]) - Z95)) for j in effects.shown]
    questions += [Question(j, "sign", abs(z[j])) for j in effects.shown]
    begin, items = perf_counter(), []
    for question in sorted(questions, key=lambda q: q.distance):
        if items and perf_counter() - begin > seconds:
            break
        items.append(_item(findings, effects, question, rows))
    largest = min(LARGEST_SET, n // 10)
    return {
        "items": [item for item in items if item],
        "n_searched": len(items),
        "n_questions": len(questions),
        "largest": largest,
    }


def _item(
    findings: Findings, effects: Effects, question: Question, rows: bool
) -> dict[str, Any] | None:
    est, j, n = findings.influence.estimate, question.parameter, len(findings.influence.index)
    bound = Z95 * est.standard_errors[j] if question.about == "significance" else 0.0
    target = Distance(j, np.sign(est.theta[j]), bound)
    codes = removal_of_each_row(findings.influence)
    try:
        found = influential_set(
            est, target, flip="sign", groups=codes, max_size=min(LARGEST_SET, n // 10)
        )
        theta, z = _refit(findings, found)
    except VifError:  # no row moves it that way, or nothing is left to fit
        return None
    item = _proof(findings, effects, question, found, theta, z)
    labels = findings.influence.index[np.asarray(found.members, dtype=int)]
    return item | {
        "name": est.names[j],
        "about": question.about,
        "n": len(found),
        "percent": 100 * len(found) / n,
        "status": found.status,
        "rows": [str(label) for label in labels] if rows else None,
    }


def _proof(
    findings: Findings,
    effects: Effects,
    question: Question,
    found: InfluentialSet,
    theta: np.ndarray,
    z: np.ndarray,
) -> dict[str, Any]:
    """The conclusion with all rows, as predicted without the set, and refitted without it."""
    est, j = findings.influence.estimate, question.parameter
    sign, scale = np.sign(est.theta[j]), est.standard_errors[j]
    bound = Z95 * scale if question.about == "significance" else 0.0
    path = sign * (found.path["joint"].to_numpy() + bound)
    with_all = p_values(est.theta[j] / scale)[0]
    out = {
        "effect": effects.of(est.theta[j]),
        "predicted_effect": effects.of(path[-1]),
        "refitted_effect": effects.of(theta[j]),
        "p": with_all,
        "predicted_p": p_values(path[-1] / scale)[0],
        "refitted_p": p_values(z[j])[0],
        "significant": bool(with_all < LEVEL),
        "path": effects.of(path).tolist(),
    }
    crossed = (out["refitted_p"] < LEVEL) != out["significant"]
    turned = np.sign(theta[j]) == -sign
    flips = crossed if question.about == "significance" else turned
    return out | {"flips": bool(flips and np.isfinite(z[j]))}


def _refit(findings: Findings, found: InfluentialSet) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients, and z statistics, without the set."""
    est = findings.influence.estimate
    out = np.isin(removal_of_each_row(findings.influence), np.asarray(found.members, dtype=int))
    refit = leave_one_out(est, groups=np.where(out, "set", "rest"), objects=["set"])
    return est.theta - refit.values[0], refitted_z(est, refit, np.array([0]))[0]
