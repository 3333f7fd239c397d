"""In other units of a covariate the page says the same: only numbers per unit change."""

import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifelines.datasets import load_lung

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.reporting import describe, find
from vifstats.reporting.assemble import confirmed

FACTORS = np.array([1e-3, 1e3, 0.01, 250.0, 1.0, 0.5, 40.0, 7.0])


def lung(units):
    data = load_lung().dropna()
    X = data.drop(columns=["time", "status"]) * units[:8]
    loss = vs.losses.Cox(X, data["time"], data["status"])
    return vs.minimize(loss, np.zeros(8))


def rossi(units):
    data = load_rossi().head(150)
    loss = vs.losses.Cox(data[["fin", "age", "prio"]] * units[:3], data["week"], data["arrest"])
    return vs.minimize(loss, np.zeros(3))


def spector(units):
    data = sm.datasets.spector.load_pandas().data
    X = sm.add_constant(data[["GPA", "TUCE", "PSI"]] * units[:3])
    return vs.from_model(sm.Logit(data["GRADE"], X).fit(disp=0, tol=1e-12, method="newton"))


def stackloss(units):
    data = sm.datasets.stackloss.load_pandas().data
    X = sm.add_constant(data[["AIRFLOW", "WATERTEMP", "ACIDCONC"]] * units[:3])
    return vs.from_model(sm.OLS(data["STACKLOSS"], X).fit())


def one_row_separates(units):
    rng = np.random.default_rng(7)
    X = pd.DataFrame({"age": rng.normal(60, 9, 80), "rare": (np.arange(80) < 6).astype(float)})
    event = rng.random(80) < 0.7
    event[1:6] = False
    event[0] = True
    loss = vs.losses.Cox(X * units[:2], rng.exponential(size=80), event)
    return vs.minimize(loss, np.zeros(2))


MODELS = {f.__name__: f for f in (lung, rossi, spector, stackloss, one_row_separates)}


def page_of(est, **options):
    """Everything that is decided by the clock is decided: all refits, and one search for a set."""
    found = confirmed(find(est, seconds=np.inf), seconds=np.inf)
    return describe(found, seconds=1e-9, **options)


def said(document):
    """Every sentence, with captions and text alternatives; coefficients of one unit left out."""
    parts = [*document["headline"], document["subtitle"], document["accuracy"]["sentence"]]
    parts += [document["accuracy"]["how"], *(a["sentence"] for a in document["alerts"])]
    for section in ("rows", "sets"):
        parts += [item["sentence"] for item in (document[section] or {"items": []})["items"]]
    parts += [document["survival"]["sentence"]] if document["survival"] else []
    figures = [
        f for fs in document["figures"].values() for f in (fs if isinstance(fs, list) else [fs])
    ]
    parts += [f[key] for f in figures for key in ("alt", "how")]
    if document["overview"]["ratio"]:
        return parts
    return [re.sub(r"is \S+ instead of \S+ ", "is # instead of # ", part) for part in parts]


@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_no_sentence_depends_on_units(model, rows, unwritten):
    if not rows and model == "lung":
        pytest.skip("one page without rows is enough, and lung takes longest")
    ones, others = MODELS[model](np.ones(8)), MODELS[model](FACTORS)
    one, other = (page_of(est, rows=rows, unit="patient") for est in (ones, others))
    assert said(one) == said(other)
    for a, b in zip(one["coefficients"], other["coefficients"], strict=True):
        if one["overview"]["ratio"]:
            assert a["step_effect"] == pytest.approx(b["step_effect"], rel=1e-5)
        assert a["p"] == pytest.approx(b["p"], rel=1e-4)


def test_the_row_is_chosen_in_standard_errors(unwritten):
    """Per unit, lung's largest change would be that of another coefficient."""
    est = lung(np.ones(8))
    dfbetas = vs.leave_one_out(est).dfbetas.abs()
    first = page_of(est, unit="patient")["headline"]
    (sentence,) = [s for s in first if s.startswith("The largest change")]
    name = dfbetas.max().idxmax()
    assert f"is in {name}: without patient {dfbetas[name].idxmax()} " in sentence


def test_an_alarm_is_not_worded_as_a_reassurance(unwritten):
    sentence = page_of(spector(np.ones(8)), unit="student")["headline"][0]
    assert re.match("The largest change from leaving out one student is in GPA", sentence)
    assert "no odds ratio" not in sentence and "more than" not in sentence
