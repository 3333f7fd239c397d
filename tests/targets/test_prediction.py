"""Mean predictions and marginal effects against statsmodels' refits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import statsmodels.api as sm
from cases import BY_NAME
from curve_checks import check_linear, check_plugged_in
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.targets import AverageMarginalEffect, MeanPrediction

SPECTOR = sm.datasets.spector.load_pandas()
X, Y = sm.add_constant(SPECTOR.exog), SPECTOR.endog


def fit(rows=None):
    rows = np.arange(len(Y)) if rows is None else rows
    return sm.Logit(Y.iloc[rows], X.iloc[rows]).fit(disp=0, tol=1e-12)


TARGETS = [
    MeanPrediction(),
    AverageMarginalEffect("GPA"),
    AverageMarginalEffect("PSI", discrete=True),
]
REFITS = vs.leave_one_out(vs.from_model(fit(), tol=np.inf))


@pytest.mark.parametrize(("name", "discrete"), [("GPA", False), ("PSI", True)])
def test_marginal_effects_are_those_of_refits(name, discrete):
    found = REFITS.on(AverageMarginalEffect(name, discrete=discrete))
    position = ["GPA", "TUCE", "PSI"].index(name)
    effects = [fit(np.delete(np.arange(32), i)).get_margeff(dummy=discrete) for i in range(4)]
    assert found.value == pytest.approx([fit().get_margeff(dummy=discrete).margeff[position]])
    assert found.value_without[:4, 0] == pytest.approx([e.margeff[position] for e in effects])


def test_mean_prediction_of_a_logit_with_constant_is_the_mean_outcome():
    found = REFITS.on(MeanPrediction())
    assert found.value == pytest.approx([Y.mean()])
    assert found.value_without[:, 0] == pytest.approx((Y.sum() - Y) / 31)


def test_mean_prediction_of_profiles():
    found = REFITS.on(MeanPrediction(X.iloc[:2]))
    expected = fit(np.arange(1, 32)).predict(X.iloc[:2])
    assert found.value_without[0] == pytest.approx(expected.to_numpy())


@pytest.mark.parametrize("kind", ["OLS", "GLM"])
def test_plugged_in_and_linear(kind):
    families = sm.families
    model = (
        sm.OLS(Y, X) if kind == "OLS" else sm.GLM(Y, X, families.Binomial(families.links.Probit()))
    )
    est = vs.from_model(model.fit())
    for target in (MeanPrediction(X.iloc[:2]), *TARGETS):
        check_plugged_in(est, target)
        check_linear(est, target)


@pytest.mark.parametrize("kind", ["OLS", "GLM"])
@pytest.mark.parametrize("groups", [None, np.arange(32) % 9])
def test_expansion_is_exact_in_what_leaves(kind, groups):
    """At the parameters of the full fit nothing but the rows that leave changes."""
    est = vs.from_model((sm.OLS(Y, X) if kind == "OLS" else sm.Logit(Y, X)).fit())
    influence = vs.vif(est, groups=groups)
    held = dataclasses.replace(influence, values=0 * influence.values)
    for target in TARGETS:
        exact, fast = (
            held.on(dataclasses.replace(target, exact=exact)).value_without
            for exact in (True, False)
        )
        assert relative_error(fast, exact) < ROUNDING


def test_error_of_the_expansion_is_of_third_order():
    errors = []
    for n in (250, 1000):
        rng = np.random.default_rng(0)
        design = np.column_stack([np.ones(n), rng.uniform(-1, 1, size=(n, 3))])
        y = (rng.random(n) < 1 / (1 + np.exp(-design @ [0.2, 1.0, -1.0, 0.5]))).astype(float)
        influence = vs.newton_step(vs.from_model(sm.Logit(y, design).fit(disp=0, tol=1e-12)))
        target = AverageMarginalEffect("x2", discrete=True)
        exact, fast = (
            influence.on(dataclasses.replace(target, exact=exact)).influence
            for exact in (True, False)
        )
        errors.append(np.sqrt(np.mean((fast - exact) ** 2)))
    # with 4 times the rows 16 of second order, 64 of third: 69 here
    assert errors[0] > 40 * errors[1]


def test_the_default_expands_where_pairs_are_many(monkeypatch):
    exact, fast = (REFITS.on(MeanPrediction(exact=exact)).influence for exact in (True, False))
    assert relative_error(fast, exact) > 1e-6
    assert (REFITS.on(MeanPrediction()).influence == exact).all()
    monkeypatch.setattr("vifstats.targets.prediction.EXACT_PAIRS", 32 * 32 - 1)
    assert (REFITS.on(MeanPrediction()).influence == fast).all()


def test_bad_input():
    with pytest.raises(InvalidTypeError, match="this loss is a Cox"):
        vs.vif(BY_NAME["cox efron"].estimate()).on(MeanPrediction())
    with pytest.raises(InvalidInputError, match="but is 'IQ'"):
        REFITS.on(AverageMarginalEffect("IQ"))
