"""How few rows a conclusion hangs on: sets without which it changes, proved by a refit."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from vifstats.errors import VifError
from vifstats.estimate import Estimate
from vifstats.influence import newton_step
from vifstats.losses import Loss
from vifstats.plots.style import called
from vifstats.refits import leave_one_out
from vifstats.removals import Removals
from vifstats.reporting.effects import Effects
from vifstats.reporting.findings import Z95, Findings
from vifstats.reporting.refitting import removal_of_each_row
from vifstats.reporting.sections.verdicts import p_values, refitted_z, standard_errors
from vifstats.sets import InfluentialSet, influential_set
from vifstats.targets import Target

__all__ = ["Distance", "sets"]

LEVEL = 0.05
LARGEST_SET = 50
# Newton steps without every row, times the numbers in a Hessian; beyond, a search takes minutes.
MOST_NUMBERS = 3_000_000
BLOCK = 4096


class Distance(Target):
    """How far a coefficient is from a multiple of its standard error, in its own direction.

    Parameters
    ----------
    est : Estimate
    parameter : int
    multiple : float
        0 for the sign, 1.96 for significance. The standard error is that without the rows that
        leave: for one removal exactly, for many at once by the Hessian at the coefficients of
        all rows.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.array([1.0, 3.0]))
    >>> est = vs.minimize(loss, [0.0])
    >>> Distance(est, 0, 1.0).value(est.theta, loss.everyone(), loss).round(3)
    array([1.293])
    """

    def __init__(self, est: Estimate, parameter: int, multiple: float) -> None:
        self.est, self.parameter, self.multiple = est, parameter, multiple
        self.sign = np.sign(est.theta[parameter])
        self.names = (f"distance of {est.names[parameter]}",)

    def value(self, theta: Any, presence: Any, loss: Loss) -> Any:
        j = self.parameter
        return self.sign * theta[j : j + 1] - self.multiple * self.est.standard_errors[j]

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        along = self.sign * thetas[:, [self.parameter]]
        if self.multiple == 0:
            return along
        return along - self.multiple * self.errors_without(thetas, removals)[:, None]

    def errors_without(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        """The standard error without each removal, shape (n_removals,)."""
        est = self.est
        if len(removals) == 1:
            H = est.loss.reduced_curvatures(thetas, removals)
            return standard_errors(H, est.dispersion)[:, self.parameter]
        out = np.empty(len(removals))
        for part, some in removals.blocks(BLOCK):
            H = est.loss.reduced_hessians(est.theta, some)
            out[part] = standard_errors(H, est.dispersion)[:, self.parameter]
        return out


@dataclass(frozen=True)
class Question:
    """Which conclusion might change: the significance of a parameter, or its sign."""

    parameter: int
    about: str
    distance: float


def sets(findings: Findings, effects: Effects, rows: bool, seconds: float) -> dict[str, Any] | None:
    """The sets found, the conclusions that are nearest to changing first.

    A set is found by influence on the distance from the bound, and judged by the refit without it.

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
    size = np.abs(est.theta / est.standard_errors)
    questions = [Question(j, "significance", abs(size[j] - Z95)) for j in effects.shown]
    # the sign of what is not significant is no conclusion
    questions += [Question(j, "sign", size[j]) for j in effects.shown if size[j] > Z95]
    items: list[dict[str, Any] | None] = []
    begin = perf_counter()
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
    target = Distance(est, j, Z95 if question.about == "significance" else 0.0)
    codes = removal_of_each_row(findings.influence)
    try:
        found = influential_set(
            est, target, flip="sign", groups=codes, max_size=min(LARGEST_SET, n // 10)
        )
        theta, z = _refit(findings, found)
    except VifError:  # no row moves it that way, or nothing is left to fit
        return None
    item = _proof(findings, effects, target, found, theta, z)
    labels = findings.influence.index[np.asarray(found.members, dtype=int)]
    return item | {
        "name": est.names[j],
        "about": question.about,
        "n": len(found),
        "percent": 100 * len(found) / n,
        "status": found.status,
        "rows": [called(label) for label in labels] if rows else None,
    }


def _proof(
    findings: Findings,
    effects: Effects,
    target: Distance,
    found: InfluentialSet,
    theta: np.ndarray,
    z: np.ndarray,
) -> dict[str, Any]:
    """The conclusion with all rows, as predicted without the set, and refitted without it."""
    est, j = findings.influence.estimate, target.parameter
    newton = newton_step(est, **_together(findings, found))
    stepped = est.theta - newton.values
    predicted = stepped[0, j]
    error = target.errors_without(stepped, newton.removals)[0]
    with_all = p_values(est.theta[j] / est.standard_errors[j])[0]
    out = {
        "effect": effects.of(est.theta[j]),
        "predicted_effect": effects.of(predicted),
        "refitted_effect": effects.of(theta[j]),
        "p": with_all,
        "predicted_p": p_values(predicted / error)[0],
        "refitted_p": p_values(z[j])[0],
        "significant": bool(with_all < LEVEL),
        # how far from the bound, as the set leaves, in standard errors with all rows
        "path": ([found.value, *found.path["joint"]] / est.standard_errors[j]).tolist(),
        "end": found.actual / est.standard_errors[j],
    }
    crossed = (out["refitted_p"] < LEVEL) != out["significant"]
    turned = np.sign(theta[j]) == -target.sign
    flips = turned if target.multiple == 0 else crossed
    return out | {"flips": bool(flips and np.isfinite(z[j]))}


def _refit(findings: Findings, found: InfluentialSet) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients, and z statistics, without the set."""
    est = findings.influence.estimate
    refit = leave_one_out(est, **_together(findings, found))
    return est.theta - refit.values[0], refitted_z(est, refit, np.array([0]))[0]


def _together(findings: Findings, found: InfluentialSet) -> dict[str, Any]:
    """What to pass to remove the set as one group."""
    members = np.asarray(found.members, dtype=int)
    out = np.isin(removal_of_each_row(findings.influence), members)
    return {"groups": np.where(out, "set", "rest"), "objects": ["set"]}
