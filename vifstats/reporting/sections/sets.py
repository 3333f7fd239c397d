"""How few rows a conclusion hangs on: sets without which it changes, proved by a refit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats.deletion.methods import newton_of
from vifstats.deletion.result import Influence
from vifstats.deletion.wald_fits import WaldFits
from vifstats.diagnostics.influential_sets.influential_set import InfluentialSet, set_and_refit
from vifstats.errors import VifError
from vifstats.estimate import Estimate
from vifstats.losses.effects import Effects
from vifstats.plots.style import whole
from vifstats.removals import Removals
from vifstats.reporting.findings import LEVEL, Findings
from vifstats.reporting.sections.verdicts import MOST_NUMBERS, Verdict, undetermined
from vifstats.reporting.timed_refits import while_there_is_time
from vifstats.streaming.progress import progress_bar

__all__ = ["sets"]

# Of fewer rows no tenth is left out.
FEWEST = 10


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

    They are what `influential_set` finds, as it is called without options.

    After `seconds` the search stops. Keys "items", "n_questions", "n_searched", "largest" (the
    largest size looked at), and "too_many" (whether a search would take minutes). None where there
    are too few rows, or no effect has a meaning of its own.
    """
    est, n = findings.influence.estimate, len(findings.influence.index)
    if n < FEWEST or undetermined(est):
        return None
    size = np.abs(est.z_values)
    bound = est.inference.quantile(1 - LEVEL / 2, est.degrees)
    beyond = np.abs(size - bound)
    about = [Question(v, "significance", beyond[v.parameter]) for v in verdicts]
    # the sign of what is not significant is not a conclusion
    about += [Question(v, "sign", size[v.parameter]) for v in verdicts if v.significant]
    ordered = sorted(about, key=lambda question: question.distance)
    too_many = n * len(est.theta) ** 2 > MOST_NUMBERS
    with progress_bar(len(ordered), "set", shown=progress) as bar:
        asked = [] if too_many else while_there_is_time(ordered, seconds)
        items = []
        for question in asked:
            items.append(_item(findings, effects, question, rows))
            bar.update()
    return {
        "items": [item for item in items if item],
        "n_searched": len(items),
        "n_questions": len(ordered),
        "largest": n // 10,
        "too_many": too_many,
        "n_rows": n,
    }


def _item(
    findings: Findings, effects: Effects, question: Question, rows: bool
) -> dict[str, Any] | None:
    influence, j = findings.influence, question.verdict.parameter
    est, removals = influence.estimate, influence.removals
    by_position = Removals(removals.codes, pd.RangeIndex(len(removals)))
    try:
        found, refit = set_and_refit(
            est, by_position, est.names[j], flip=question.about, level=LEVEL
        )
    except VifError:  # no row moves it that way, or nothing is left to fit
        return None
    if refit is None:
        return None
    n = len(found)
    return {
        "name": est.names[j],
        "about": question.about,
        "n": n,
        "percent": 100 * n / len(removals),
        "rows": [whole(influence.index[row]) for row in found.members] if rows else None,
        "significant": question.verdict.significant,
        "flips": found.reached,
        **_proof(effects, j, refit),
        **_path(est, found, question),
    }


def _path(est: Estimate, found: InfluentialSet, question: Question) -> dict[str, Any]:
    """How far the bound is as the members leave, in standard errors; at the end also refitted."""

    def distance(shown: Any) -> Any:
        """|z| beyond that of the level; a coefficient in its own direction."""
        if question.about == "significance":
            quantile, df = est.inference.quantile, est.degrees[question.verdict.parameter]
            # from below, where a small p is not rounded away
            return quantile(LEVEL / 2, df) - quantile(np.asarray(shown) / 2, df)
        return (
            np.sign(found.value)
            * np.asarray(shown)
            / est.standard_errors[question.verdict.parameter]
        )

    path = distance([found.value, *found.path["joint"]]).tolist()
    return {"path": path, "end": distance(found.actual)}


def _proof(effects: Effects, j: int, refit: Influence) -> dict[str, Any]:
    """The conclusion with all rows, as predicted without the set, and refitted without it."""
    est = refit.estimate
    predicted, refitted = WaldFits.of(newton_of(est, refit.removals)), WaldFits.of(refit)
    return {
        "effect": effects.of(est.theta[j]),
        "predicted_effect": effects.of(predicted.coefficients[0, j]),
        "refitted_effect": effects.of(refitted.coefficients[0, j]),
        "decimals": effects.decimals(est.theta[j], est.standard_errors[j]),
        "p": refitted.full_p_values[j],
        "predicted_p": predicted.p_values[0, j],
        "refitted_p": refitted.p_values[0, j],
    }
