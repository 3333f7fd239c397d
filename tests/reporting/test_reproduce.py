"""What a page says to type does make the page again."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from lifelines import CoxPHFitter, WeibullAFTFitter
from sklearn.linear_model import LogisticRegression

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.reporting.reproduce import recipe

rng = np.random.default_rng(3)
DATA = pd.DataFrame({"dose": rng.normal(size=60), "age per year": rng.normal(size=60)})
BINARY = (rng.random(60) < 0.5).astype(int)
POSITIVE = rng.gamma(2.0, size=60)
ROSSI = load_rossi()


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
    sites = np.repeat([f"site {i}" for i in range(36)], 12)
    est = vs.from_model(fit, *data, groups=sites)
    typed = recipe(fit, data, {"groups": sites}, {"table": ROSSI}, est)
    assert "groups=groups" in typed and "table=table" in typed and "site 3" not in typed
