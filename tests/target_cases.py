"""The one table of targets that the invariants run over; a new target is a new row.

@pytest.mark.parametrize("case", CASES, ids=str)
def test_something(case):
    vs.check_target(case.target(), case.estimate(), skip=case.skip)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import autograd.numpy as anp
import built_losses as built
import cases
import numpy as np
import pandas as pd

import vifstats as vs
from vifstats import targets
from vifstats.losses.row_losses import Logistic
from vifstats.targets import Target

PROFILES = [[0.5, -0.5], [-1.0, 1.0]]
# every row of a fit with one treatment, and with the other
ROWS = pd.DataFrame({"age": built.design(24)[:, 1]}, index=pd.RangeIndex(100, 100 + built.N))
WORLDS = ROWS.assign(dose=1.0), ROWS.assign(dose=0.0)
# A step function of theta: automatic differentiation has nothing to say.
STEPS = ("autodiff", "linear_influence", "refits")
# They read the Hessian, which autograd cannot see, and so are linearised by differences.
BY_DIFFERENCES = ("autodiff", "linear_influence")


@dataclass(frozen=True)
class TargetCase:
    """A target and a fit that has it.

    Attributes
    ----------
    target : callable
        Makes it, or is it, if a function.
    of : str
        The row of `cases.CASES` whose fit it is asked of, or "logit", or "competing risks".
    skip : tuple of str
        Rules of `check_target` that it breaks on purpose.
    """

    target: Callable[[], Target]
    of: str
    skip: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{type(self.target()).__name__} of {self.of}"

    def estimate(self) -> vs.Estimate:
        """The fit, computed once."""
        others = {"logit": logit, "competing risks": competing_risks}
        return others[self.of]() if self.of in others else cases.BY_NAME[self.of].estimate()


@cache
def competing_risks() -> vs.Estimate:
    """Two causes, two covariates."""
    rng = np.random.default_rng(5)
    X, T = rng.normal(size=(40, 2)), rng.exponential(size=40)
    return vs.competing_risks(X, T, rng.integers(0, 3, 40))


@cache
def logit() -> vs.Estimate:
    """A logistic regression of three parameters."""
    X = pd.DataFrame(built.design(40), columns=["constant", "age", "dose"])
    y = (built.generator(41).random(built.N) < 0.5).astype(float)
    return vs.minimize(vs.losses.LinearPredictor(Logistic(), X, y), np.zeros(3))


def contrast(theta, b, loss):
    """Two values, of which the second reads who is present."""
    return anp.array([anp.exp(theta[1]), anp.sum(b) * theta[0] / loss.n_objects])


def held_out() -> Target:
    return targets.HeldOutLoss(built.rows_of(*held_out_rows())(np.arange(9), None))


def held_out_rows() -> tuple:
    X = built.design(42)
    y = built.generator(43).normal(size=built.N)
    return y, X, lambda theta, d: 0.5 * (d[1] - anp.dot(d[0], theta)) ** 2


def new_examples() -> Target:
    X, partners = (view[:5] + 0.1 for view in built.views())
    return targets.ExampleLoss(X, partners)


CASES = [
    TargetCase(lambda: targets.FunctionTarget(contrast), "logistic ridge"),
    TargetCase(lambda: targets.Coefficient("dose"), "cox everything"),
    TargetCase(lambda: targets.StandardError("age"), "cox efron ties", BY_DIFFERENCES),
    TargetCase(lambda: targets.ZValue("age"), "cox breslow", BY_DIFFERENCES),
    TargetCase(lambda: targets.PValue("dose"), "cox weights", BY_DIFFERENCES),
    TargetCase(lambda: targets.ConfidenceLimits("age"), "cox strata", BY_DIFFERENCES),
    TargetCase(lambda: targets.LogLikelihood(), "cox everything"),
    TargetCase(lambda: targets.LogHazardRatio([1.0, 0.0], [0.0, 0.0]), "cox everything"),
    TargetCase(lambda: targets.RelativeRisk(PROFILES), "cox everything"),
    TargetCase(lambda: targets.BaselineHazard([0.5, 1.0, 2.0]), "cox efron"),
    TargetCase(lambda: targets.SurvivalProbability(PROFILES, [0.5, 1.0]), "cox offset"),
    TargetCase(lambda: targets.CumulativeIncidence(PROFILES, [0.5, 1.0], 2), "competing risks"),
    TargetCase(
        lambda: targets.CumulativeIncidenceDifference(*PROFILES, [0.5, 1.0]), "competing risks"
    ),
    TargetCase(lambda: targets.CumulativeIncidence(PROFILES, [1.0, 3.0]), "fine-gray"),
    TargetCase(lambda: targets.RMST(PROFILES, tau=1.5), "cox entry"),
    TargetCase(lambda: targets.RMSTDifference(*PROFILES, tau=1.5), "cox breslow ties"),
    TargetCase(lambda: targets.StandardizedSurvival(*WORLDS, [0.5, 1.0]), "cox everything"),
    TargetCase(lambda: targets.StandardizedRMST(*WORLDS, 0.8), "cox weights"),
    TargetCase(lambda: targets.MedianSurvival(PROFILES), "cox efron", STEPS),
    TargetCase(lambda: targets.SurvivalQuantile(PROFILES, 0.75), "cox efron", STEPS),
    TargetCase(lambda: targets.Concordance(), "cox efron ties", STEPS),
    TargetCase(lambda: targets.AUC([1.0, 2.0]), "cox efron ties", STEPS),
    TargetCase(lambda: targets.BrierScore([1.0, 2.0]), "cox efron ties"),
    TargetCase(lambda: targets.BrierScore(0.5), "cox breslow"),
    TargetCase(lambda: targets.ProportionalHazards("rank"), "cox efron ties", BY_DIFFERENCES),
    TargetCase(lambda: targets.MeanPrediction(), "logit"),
    TargetCase(lambda: targets.MeanPrediction(built.design(44)[:3]), "logit"),
    TargetCase(lambda: targets.AverageMarginalEffect("age"), "logit"),
    TargetCase(lambda: targets.AverageMarginalEffect("dose", discrete=True), "logit"),
    TargetCase(lambda: targets.FixedEffects(), "random intercepts"),
    TargetCase(lambda: targets.FixedEffects(), "random slopes by ML"),
    TargetCase(lambda: targets.VarianceComponents(), "random slopes by ML"),
    TargetCase(held_out, "least squares"),
    TargetCase(lambda: targets.PairLoss([(100, 101), (103, 104)]), "node embedding"),
    TargetCase(new_examples, "contrastive in a plane"),
]
