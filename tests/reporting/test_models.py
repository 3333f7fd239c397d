"""Reports of models other than Cox's: what their readers call the effects, and what applies."""

import json

import numpy as np
import pandas as pd
import pytest
from mixed_fits import MixedFit

import vifstats as vs
from vifstats.reporting import describe, find
from vifstats.reporting.page import render


def test_logistic_regression_has_odds_ratios(no_pictures):
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    X = sm.add_constant(pd.DataFrame({"dose": rng.normal(size=90), "age": rng.normal(size=90)}))
    fit = sm.Logit((rng.random(90) < 0.5).astype(float), X).fit(disp=0)
    found = describe(vs.from_model(fit), seconds=1.0)
    assert [item["name"] for item in found["coefficients"]] == ["dose", "age"]
    assert found["coefficients"][0]["effect"] == pytest.approx(np.exp(fit.params["dose"]))
    assert "odds ratio of" in found["headline"][0]
    assert found["survival"] is None


def test_least_squares_is_exact_by_newton(no_pictures):
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    X = sm.add_constant(rng.normal(size=(70, 2)))
    est = vs.from_model(sm.OLS(rng.normal(size=70), X).fit())
    found = describe(vs.newton_step(est), seconds=1.0)
    assert found["accuracy"]["largest_error_percent"] < 1e-6
    assert "the coefficient of x" in found["headline"][0]


def test_parametric_survival_has_time_ratios(unwritten):
    from lifelines import WeibullAFTFitter

    from vifstats.datasets import load_rossi

    frame = load_rossi()[["week", "arrest", "age", "prio"]]
    fit = WeibullAFTFitter().fit(frame, "week", "arrest")
    found = describe(vs.from_model(fit, frame), seconds=1.0)
    assert found["overview"]["effect"] == "time ratio"
    assert found["overview"]["n_events"] == 114
    assert [item["name"] for item in found["coefficients"]] == ["lambda_:age", "lambda_:prio"]
    assert "time" in found["figures"]


def test_an_own_loss_has_what_applies(unwritten):
    y = np.array([1.0, 3.0, 5.0, 11.0, 2.0, 2.5, 4.0, 3.5, 6.0, 2.2, 1.1, 4.4])
    loss = vs.FunctionLoss(
        lambda theta, b: 0.5 * (b * (y - theta[0]) ** 2).sum(), len(y), 1, names=["mean"]
    )
    found = describe(vs.minimize(loss, [0.0]))
    assert found["method"]["sha256"] is None
    page = render(found)
    assert "Range of each parameter" in page and "Characteristics of" not in page


def test_rankings_have_what_applies(no_pictures):
    """ListMLE by queries: no query owns a parameter, so ranges and verdicts are all there."""
    rng = np.random.default_rng(0)
    X, taste = rng.normal(size=(30, 2)), rng.normal(size=(5, 2))
    lists = [list(np.argsort(-(taste @ x + rng.gumbel(size=5)))[:3]) for x in X]
    loss = vs.losses.ListMLE(X, lists, items=list(range(5)), ridge=1.0, objects="queries")
    found = describe(vs.minimize(loss, np.zeros(loss.n_params)), unit="query", seconds=1.0)
    assert found["subtitle"] == "ListMLE of 30 rows with 15 parameters."
    assert len(found["coefficients"]) == 15 and found["survival"] is None
    assert found["headline"][0].startswith("The largest change from leaving out one query is in")


def test_a_mixed_model_says_without_whom_a_variance_is_0(no_pictures):
    fit = MixedFit("orthodont", True)
    refits = vs.leave_one_out(fit.estimate(), groups=fit.groups)
    found = describe(refits, unit="subject", seconds=0.0)
    (alert,) = [a for a in found["alerts"] if a["kind"] == "boundary"]
    assert alert["sentence"].startswith(
        "Without subject M13 a variance of the random effects is 0. Report the variance with"
    )
    assert found["subtitle"].startswith("Linear mixed model of 108 rows")
    assert [c["name"] for c in found["coefficients"]] == ["age", "male", "both"]


@pytest.mark.parametrize(
    ("groups", "unit"),
    [
        (None, "row"),
        ("ward", "ward"),
        (pd.Series(np.arange(40) // 2, name="site"), "site"),
        (np.arange(40) // 2, "group"),
    ],
)
def test_what_leaves_is_called_by_its_column(groups, unit, no_pictures, tmp_path, monkeypatch):
    import statsmodels.formula.api as smf

    monkeypatch.setattr("vifstats.reporting.assemble.render", lambda document: "")
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"y": rng.normal(size=40), "x": rng.normal(size=40)})
    fit = smf.ols("y ~ x", data.assign(ward=np.arange(40) // 4)).fit()
    page = vs.report(fit, path=tmp_path / "page.html", groups=groups, seconds=0.0)
    found = json.loads(page.with_suffix(".json").read_text())
    assert found["overview"]["unit"] == unit
    assert f"leaving out one {unit} is in" in found["headline"][0]
    if groups is not None:
        est = vs.from_model(fit, groups=groups)
        assert describe(est, seconds=0.0)["overview"]["unit"] == "group"


def test_firth_s_penalty_is_said(no_pictures):
    rng = np.random.default_rng(2)
    X, T = rng.normal(size=(30, 1)), rng.exponential(size=30)
    row_losses = vs.losses.row_losses
    logistic = vs.losses.LinearPredictor(
        row_losses.Logistic(), X, (T > 0.7).astype(float), penalty="firth"
    )
    counts = vs.losses.LinearPredictor(row_losses.Poisson(), X, np.ceil(T), penalty="firth")
    cox = vs.losses.Cox(X, T, penalty="firth")
    named = {"logistic regression": logistic, "Poisson regression": counts, "Cox model": cox}
    for model, loss in named.items():
        found = describe(vs.minimize(loss, [0.0]), seconds=0.0)
        assert found["title"] == f"What the {model} with Firth's penalty depends on"
        assert f"a {model} with Firth's penalty (30 rows" in found["method"]["paragraph"]


def test_events_of_a_frailty_model_are_counted(no_pictures):
    rng = np.random.default_rng(3)
    ids, event = np.repeat(np.arange(15), 2), np.arange(30) % 5 > 0
    T = rng.exponential(size=30) / rng.gamma(1.0, size=15)[ids]
    loss = vs.losses.SharedFrailty(rng.normal(size=(30, 1)), T, event, groups=ids)
    found = describe(vs.minimize(loss, np.zeros(4)), seconds=0.0)
    assert found["overview"]["n_events"] == 24
    assert len(found["method"]["sha256"]) == 64


def test_an_embedding_is_told_by_its_nodes(no_pictures):
    """Its coordinates may turn together: rows are ranked, single coordinates mean nothing."""
    import networkx as nx

    graph = nx.circulant_graph(8, [1, 2])
    loss = vs.losses.NodeEmbedding(graph, dim=2, ridge=0.5)
    found = describe(find(vs.minimize(loss, loss.start()), top=3), unit="node", seconds=0.5)
    kinds = [alert["kind"] for alert in found["alerts"]]
    assert kinds[0] == "gauge" and "owned" in kinds
    assert found["sets"] is None and not any(c["n_flipping"] for c in found["coefficients"])
    assert len(found["rows"]["items"]) == 3
    assert "are not determined" in found["headline"][0]
