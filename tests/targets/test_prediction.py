"""Mean predictions and marginal effects against statsmodels' refits."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from cases import BY_NAME
from curve_checks import check_linear, check_plugged_in

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.targets import AverageMarginalEffect, MeanPrediction

SPECTOR = sm.datasets.spector.load_pandas()
X, Y = sm.add_constant(SPECTOR.exog), SPECTOR.endog


def fit(rows=None):
    rows = np.arange(len(Y)) if rows is None else rows
    return sm.Logit(Y.iloc[rows], X.iloc[rows]).fit(disp=0, tol=1e-12)


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
    for target in (
        MeanPrediction(),
        MeanPrediction(X.iloc[:2]),
        AverageMarginalEffect("GPA"),
        AverageMarginalEffect("PSI", discrete=True),
    ):
        check_plugged_in(est, target)
        check_linear(est, target)


def test_bad_input():
    with pytest.raises(InvalidTypeError, match="this loss is a Cox"):
        vs.vif(BY_NAME["cox efron"].estimate()).on(MeanPrediction())
    with pytest.raises(InvalidInputError, match="but is 'IQ'"):
        REFITS.on(AverageMarginalEffect("IQ"))
