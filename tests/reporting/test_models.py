"""Reports of models other than Cox's: what their readers call the effects, and what applies."""

import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.reporting import describe
from vifstats.reporting.page import render


def test_logistic_regression_has_odds_ratios(no_pictures):
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    X = sm.add_constant(pd.DataFrame({"dose": rng.normal(size=90), "age": rng.normal(size=90)}))
    fit = sm.Logit((rng.random(90) < 0.5).astype(float), X).fit(disp=0)
    found = describe(vs.from_model(fit), seconds=1.0)
    assert [item["name"] for item in found["coefficients"]] == ["dose", "age"]
    assert found["coefficients"][0]["effect"] == pytest.approx(np.exp(fit.params["dose"]))
    assert "no odds ratio by more than" in found["headline"][0]
    assert found["survival"] is None


def test_least_squares_is_exact_by_newton(no_pictures):
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    X = sm.add_constant(rng.normal(size=(70, 2)))
    est = vs.from_model(sm.OLS(rng.normal(size=70), X).fit())
    found = describe(vs.newton_step(est), seconds=1.0)
    assert found["accuracy"]["largest_error_percent"] < 1e-6
    assert "no coefficient by more than" in found["headline"][0]


def test_parametric_survival_has_time_ratios():
    from lifelines import WeibullAFTFitter

    from vifstats.datasets import load_rossi

    frame = load_rossi()[["week", "arrest", "age", "prio"]]
    fit = WeibullAFTFitter().fit(frame, "week", "arrest")
    found = describe(vs.from_model(fit, frame), seconds=1.0)
    assert found["overview"]["effect"] == "time ratio"
    assert found["overview"]["n_events"] == 114
    assert [item["name"] for item in found["coefficients"]] == ["lambda_:age", "lambda_:prio"]
    assert "time" in found["figures"]


def test_an_own_loss_has_what_applies():
    y = np.array([1.0, 3.0, 5.0, 11.0, 2.0, 2.5, 4.0, 3.5, 6.0, 2.2, 1.1, 4.4])
    loss = vs.FunctionLoss(
        lambda theta, b: 0.5 * (b * (y - theta[0]) ** 2).sum(), len(y), 1, names=["mean"]
    )
    found = describe(vs.minimize(loss, [0.0]))
    assert found["method"]["sha256"] is None
    page = render(found)
    assert "What each parameter rests on" in page and "Who they are" not in page
