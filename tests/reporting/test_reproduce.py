"""What a page says to type does make the page again."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from lifelines import CoxPHFitter, WeibullAFTFitter
from reported_fits import NAMES, rows_of_data
from sklearn.linear_model import LogisticRegression
from statsmodels.duration.hazard_regression import PHReg

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.reporting.reproduce import recipe

rng = np.random.default_rng(3)
DATA = pd.DataFrame({"dose": rng.normal(size=60), "age per year": rng.normal(size=60)})
BINARY = (rng.random(60) < 0.5).astype(int)
POSITIVE = rng.gamma(2.0, size=60)
ROSSI = load_rossi()[::3]
FRAME = rows_of_data(60, 5)


def of_lifelines():
    fit = CoxPHFitter(penalizer=0.1).fit(ROSSI, "week", "arrest", strata=["race", "fin"])
    return fit, (ROSSI,), {"data": ROSSI}


def of_a_formula():
    fit = CoxPHFitter().fit(ROSSI, "week", "arrest", formula="age + C(race) * prio")
    return fit, (ROSSI,), {"data": ROSSI}


def of_a_parametric_model():
    frame = ROSSI[["week", "arrest", "age"]]
    return WeibullAFTFitter().fit(frame, "week", "arrest"), (frame,), {"data": frame}


def of_statsmodels():
    X = sm.add_constant(DATA)
    return sm.Logit(BINARY, X).fit(disp=0), (), {"y": BINARY, "X": X}


def of_a_link():
    X = sm.add_constant(DATA)
    family = sm.families.Gamma(sm.families.links.Log())
    return sm.GLM(POSITIVE, X, family=family).fit(), (), {"y": POSITIVE, "X": X}


def of_a_statsmodels_formula():
    data = DATA.assign(outcome=POSITIVE)
    return smf.ols("outcome ~ dose", data).fit(), (), {"data": data}


COVARIANCES = {
    "HC3": {"cov_type": "HC3"},
    "HC1 t": {"cov_type": "HC1", "use_t": True},
    "nonrobust z": {"use_t": False},
    "cluster": {"cov_type": "cluster", "cov_kwds": {"groups": FRAME["id"]}},
    "cluster uncorrected": {
        "cov_type": "cluster",
        "cov_kwds": {"groups": FRAME["id"], "use_correction": False, "df_correction": False},
        "use_t": True,
    },
}


def with_covariances():
    """Fits whose covariance the page must ask for again, with what they are made of."""
    X = sm.add_constant(FRAME[NAMES])
    given = {"X": X, "groups": FRAME["id"]}
    for name, options in COVARIANCES.items():
        fit = sm.WLS(FRAME.y, X, weights=FRAME.weight).fit(**options)
        yield f"WLS {name}", fit, (), given | {"y": FRAME.y, "weights": FRAME.weight}
    fit = sm.GLM(
        FRAME["count"],
        X,
        family=sm.families.Poisson(),
        offset=FRAME.weight,
        freq_weights=FRAME.times,
    ).fit(cov_type="HC0")
    more = {"y": FRAME["count"], "offset": FRAME.weight, "freq_weights": FRAME.times}
    yield "GLM HC0", fit, (), given | more
    # PHReg has no score residuals for rows never at risk at an event
    risk = FRAME[FRAME.time >= FRAME.time[FRAME.event == 1].groupby(FRAME.site).min().max()]
    more = {"X": risk[NAMES], "y": risk.time, "status": risk.event, "strata": risk.site}
    fit = PHReg(risk.time, risk[NAMES], risk.event, ties="efron", strata=risk.site)
    yield "PHReg groups", fit.fit(groups=risk.id), (), more | {"groups": risk.id}
    yield "RLM H2", sm.RLM(FRAME.y, X).fit(cov="H2"), (), given | {"y": FRAME.y}
    for options in ({"robust": True}, {"cluster_col": "id"}):
        columns = FRAME[[*NAMES, "time", "event", "id"]]
        data = columns if "cluster_col" in options else columns.drop(columns="id")
        fit = CoxPHFitter().fit(data, "time", "event", **options)
        yield f"lifelines {options}", fit, (data,), {"data": data}


@pytest.mark.parametrize(
    ("fit", "data", "names"), [pytest.param(*rest, id=name) for name, *rest in with_covariances()]
)
def test_the_fit_typed_again_has_the_same_errors_and_p_values(fit, data, names):
    est = vs.from_model(fit, *data)
    typed = recipe(fit, data, {}, {}, est).rsplit("\n", 1)[0]  # but for the report itself
    made = dict(names)
    exec(typed, made)
    assert made["est"].standard_errors == pytest.approx(est.standard_errors, rel=1e-6)
    assert made["est"].p_values == pytest.approx(est.p_values, rel=1e-5)


SITES = np.repeat([f"site {i}" for i in range(12)], 5)
BY_SITE = POSITIVE + np.repeat(rng.normal(size=12), 5) * (2 + DATA["dose"].to_numpy())


def of_random_effects():
    data = DATA.rename(columns={"age per year": "age"})
    data = data.assign(outcome=BY_SITE + BINARY * np.repeat(rng.normal(size=12), 5), ward=BINARY)
    more = {"re_formula": "~dose", "vc_formula": {"ward": "0 + C(ward)"}}
    fit = smf.mixedlm("outcome ~ age", data, groups=SITES, **more).fit(reml=False)
    return fit, (), {"data": data, "groups": SITES} | more


def of_a_random_intercept():
    fit = sm.MixedLM(BY_SITE, sm.add_constant(DATA), groups=SITES).fit()
    return fit, (), {"y": BY_SITE, "X": sm.add_constant(DATA), "groups": SITES}


def of_estimating_equations():
    within = sm.cov_struct.Exchangeable()
    fit = sm.GEE(BINARY, DATA, SITES, family=sm.families.Binomial(), cov_struct=within).fit()
    return fit, (), {"y": BINARY, "X": DATA, "groups": SITES}


def of_matched_sets():
    fit = sm.ConditionalLogit(BINARY, DATA, groups=SITES).fit(disp=0)
    return fit, (), {"y": BINARY, "X": DATA, "groups": SITES}


def of_instruments():
    from statsmodels.sandbox.regression.gmm import IV2SLS

    instrument = DATA.assign(more=BINARY)
    fit = IV2SLS(POSITIVE, DATA, instrument).fit()
    return fit, (), {"y": POSITIVE, "X": DATA, "instrument": instrument}


def of_firth():
    from firthmodels import FirthLogisticRegression

    fit = FirthLogisticRegression().fit(DATA, BINARY)
    return fit, (DATA, BINARY), {"X": DATA, "y": BINARY}


@pytest.mark.parametrize(
    "build",
    [
        of_random_effects,
        of_a_random_intercept,
        of_estimating_equations,
        of_matched_sets,
        of_instruments,
        of_firth,
    ],
)
def test_what_a_fit_is_made_of_beside_y_and_X_is_typed(build):
    fit, data, names = build()
    est = vs.from_model(fit, *data)
    typed = recipe(fit, data, {}, {}, est).rsplit("\n", 1)[0]
    exec(typed, made := dict(names))
    assert made["est"].theta == pytest.approx(est.theta, rel=1e-5)
    assert made["est"].standard_errors == pytest.approx(est.standard_errors, rel=1e-5)


def of_scikit_learn():
    fit = LogisticRegression(C=2.0, tol=1e-8).fit(DATA, BINARY)
    return fit, (DATA, BINARY), {"X": DATA, "y": BINARY}


@pytest.mark.parametrize(
    "build",
    [
        of_lifelines,
        of_a_formula,
        of_a_parametric_model,
        of_statsmodels,
        of_a_link,
        of_a_statsmodels_formula,
        of_scikit_learn,
    ],
)
def test_typed_again_it_makes_the_same_page(build, tmp_path, monkeypatch, no_pictures):
    monkeypatch.setattr("vifstats.reporting.assemble.render", lambda document: "")
    # all refits, and no search for sets, about which nothing is asked
    monkeypatch.setattr("vifstats.reporting.sections.sets.MOST_NUMBERS", 0)
    monkeypatch.chdir(tmp_path)
    fit, data, names = build()
    vs.report(fit, *data, path="first.html", unit="patient", top=3, seconds=np.inf)
    first = json.loads((tmp_path / "first.json").read_text())
    typed = first["method"]["command"].replace("first.html", "again.html")
    exec(typed, dict(names))
    again = json.loads((tmp_path / "again.json").read_text())
    assert again["overview"] == first["overview"]
    for one, other in zip(first["coefficients"], again["coefficients"], strict=True):
        assert one["effect"] == pytest.approx(other["effect"], rel=1e-3)
        assert one["lowest"]["row"] == other["lowest"]["row"]


def test_other_data_are_noticed():
    fit, data, _ = of_scikit_learn()
    typed = recipe(fit, data, {}, {}, vs.from_model(fit, *data))
    with pytest.raises(AssertionError):
        exec(typed, {"X": DATA, "y": 1 - BINARY})


def test_no_value_of_any_row_is_in_it():
    fit, data, _ = of_lifelines()
    sites = [f"site {i // 4}" for i in range(len(ROSSI))]
    est = vs.from_model(fit, *data, groups=sites)
    typed = recipe(fit, data, {"groups": sites}, {"table": ROSSI}, est)
    assert "groups=groups" in typed and "table=table" in typed and "site 3" not in typed
