"""How few rows a conclusion hangs on: sets without which it changes, proved by a refit."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from vifstats.deletion.methods import newton_step
from vifstats.deletion.refits import leave_one_out
from vifstats.diagnostics.influential_sets import influential_set
from vifstats.diagnostics.wald_fits import WaldFits
from vifstats.errors import VifError
from vifstats.estimate import Estimate
from vifstats.inference.degrees import degrees_without
from vifstats.losses import Loss
from vifstats.plots.style import called
from vifstats.removals import Removals
from vifstats.reporting.effects import Effects
from vifstats.reporting.findings import LEVEL, Findings
from vifstats.reporting.sections.verdicts import Verdict, undetermined
from vifstats.reporting.timed_refits import removal_of_each_row
from vifstats.targets import Target
from vifstats.targets.standard_errors import standard_errors_without

__all__ = ["Distance", "sets"]

LARGEST_SET = 50
# Newton steps without every row, times the numbers in a Hessian; beyond, a search takes minutes.
MOST_NUMBERS = 3_000_000
# Of fewer rows no tenth is left out.
FEWEST = 10


class Distance(Target):
    """How far a coefficient is from where its significance ends, in its own direction.

    Parameters
    ----------
    est : Estimate
    parameter : int
    level : float or None
        Of significance; None for the sign. Standard error and degrees of freedom are those without
        the rows that leave: for one removal exactly, for many at once to first order in the
        coefficients, as thousands of removals are only ranked, for every coefficient.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.array([1.0, 3.0]))
    >>> est = vs.minimize(loss, [0.0])
    >>> Distance(est, 0, 0.05).value(est.theta, loss.everyone(), loss).round(3)
    array([0.614])
    """

    def __init__(self, est: Estimate, parameter: int, level: float | None) -> None:
        self.est, self.parameter, self.level = est, parameter, level
        self.sign = np.sign(est.theta[parameter])
        self.names = (f"distance of {est.names[parameter]}",)

    def value(self, theta: Any, presence: Any, loss: Loss) -> Any:
        along = self.sign * theta[self.parameter : self.parameter + 1]
        return along if self.level is None else along - self._margin(self.est.df) * self._error

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        along = self.sign * thetas[:, [self.parameter]]
        if self.level is None:
            return along
        exact = len(removals) == 1
        errors = standard_errors_without(self.est, loss, thetas, removals, exact)
        margins = self._margin(degrees_without(self.est, removals))
        return along - (margins * errors[:, self.parameter])[:, None]

    @property
    def _error(self) -> float:
        return float(self.est.standard_errors[self.parameter])

    def _margin(self, df: Any) -> Any:
        """Standard errors between 0 and significance."""
        return self.est.inference.quantile(1 - (self.level or 0.0) / 2, df)


@dataclass(frozen=True)
class Question:
    """Which conclusion might change: the significance of a parameter, or its sign."""

    verdict: Verdict
    about: str
    distance: float


def sets(
    findings: Findings,
    effects: Effects,
    verdicts: list[Verdict],
    rows: bool,
    seconds: float,
    progress: bool = False,
) -> dict[str, Any] | None:
    """The sets found, the conclusions that are nearest to changing first.

    Where one row alone is proved to change a conclusion it is the set. Others are found by
    influence on the distance from the bound, and judged by the refit without them.

    Parameters
    ----------
    findings : Findings
    effects : Effects
    verdicts : list of Verdict
        Of the same effects.
    rows : bool
        Whether rows may be named.
    seconds : float
        When to stop searching.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict or None
        Keys "items", "n_questions", "n_searched", "largest" (the largest size looked at), and
        "too_many" (whether a search would take minutes). None where there are too few rows, or no
        effect has a meaning of its own.
    """
    from tqdm import tqdm  # not tqdm.auto, which warns in a notebook without ipywidgets

    est, n = findings.influence.estimate, len(findings.influence.index)
    if n < FEWEST or undetermined(est):
        return None
    size = np.abs(est.z_values)
    bound = est.inference.quantile(1 - LEVEL / 2, est.df)
    about = [Question(v, "significance", abs(size[v.parameter] - bound)) for v in verdicts]
    # the sign of what is not significant is no conclusion
    about += [Question(v, "sign", size[v.parameter]) for v in verdicts if v.significant]
    ordered = sorted(about, key=lambda question: question.distance)
    too_many = n * len(est.theta) ** 2 > MOST_NUMBERS
    with tqdm(total=len(ordered), disable=not progress, unit="set", desc="sets") as bar:
        asked = [] if too_many else _while_there_is_time(ordered, seconds)
        items = []
        for question in asked:
            items.append(_item(findings, effects, question, rows))
            bar.update()
    return {
        "items": [item for item in items if item],
        "n_searched": len(items),
        "n_questions": len(ordered),
        "largest": _largest(n),
        "too_many": too_many,
        "n_rows": n,
    }


def _while_there_is_time(ordered: list[Question], seconds: float) -> Iterator[Question]:
    """At least the first; after it as long as one more like the slowest so far ends in time."""
    begin = latest = perf_counter()
    slowest = 0.0
    for question in ordered:
        if latest > begin and latest - begin + slowest > seconds:
            return
        yield question
        now = perf_counter()
        slowest, latest = max(slowest, now - latest), now


def _largest(n: int) -> int:
    return min(LARGEST_SET, n // 10)


def _item(
    findings: Findings, effects: Effects, question: Question, rows: bool
) -> dict[str, Any] | None:
    influence, verdict = findings.influence, question.verdict
    try:
        if question.about == "significance" and verdict.furthest is not None:
            members = np.array([verdict.furthest])
            path: dict[str, Any] = {"path": [], "end": None}
        else:
            members, path = _searched(findings, question)
        proof = _proof(findings, effects, question, members)
    except VifError:  # no row moves it that way, or nothing is left to fit
        return None
    return {
        "name": influence.estimate.names[verdict.parameter],
        "about": question.about,
        "n": len(members),
        "percent": 100 * len(members) / len(influence.index),
        "rows": [called(influence.index[row]) for row in members] if rows else None,
        **proof,
        **path,
    }


def _searched(findings: Findings, question: Question) -> tuple[np.ndarray, dict[str, Any]]:
    """Positions of the rows of a set, and how far the bound is, as they leave, in standard errors.

    The path is that predicted; its end also refitted.
    """
    est, j = findings.influence.estimate, question.verdict.parameter
    found = influential_set(
        est,
        Distance(est, j, LEVEL if question.about == "significance" else None),
        flip="sign",
        groups=removal_of_each_row(findings.influence),
        max_size=_largest(len(findings.influence.index)),
    )
    scale = est.standard_errors[j]
    path = (np.array([found.value, *found.path["joint"]]) / scale).tolist()
    return np.asarray(found.members, dtype=int), {"path": path, "end": found.actual / scale}


def _proof(
    findings: Findings, effects: Effects, question: Question, members: np.ndarray
) -> dict[str, Any]:
    """The conclusion with all rows, as predicted without the set, and refitted without it."""
    est, j = findings.influence.estimate, question.verdict.parameter
    together = _together(findings, members)
    predicted, refitted = (
        WaldFits.of(without(est, **together)) for without in (newton_step, leave_one_out)
    )
    changes = refitted.changes(LEVEL)[0, j]
    return {
        "effect": effects.of(est.theta[j]),
        "predicted_effect": effects.of(predicted.coefficients[0, j]),
        "refitted_effect": effects.of(refitted.coefficients[0, j]),
        "decimals": effects.decimals(est.theta[j], est.standard_errors[j]),
        "p": refitted.full_p_values[j],
        "predicted_p": predicted.p_values[0, j],
        "refitted_p": refitted.p_values[0, j],
        "significant": question.verdict.significant,
        "flips": bool(changes[0] if question.about == "sign" else changes[1:].any()),
    }


def _together(findings: Findings, members: np.ndarray) -> dict[str, Any]:
    """What to pass to remove the set as one group."""
    out = np.isin(removal_of_each_row(findings.influence), members)
    return {"groups": np.where(out, "set", "rest"), "objects": ["set"]}
