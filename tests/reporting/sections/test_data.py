"""Facts of the data, the table to look up a row in, and three methods against the same refits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

import vifstats as vs
from vifstats.reporting import describe
from vifstats.reporting.page import render

RNG = np.random.default_rng(12)


def small_trial():
    n = 40
    return pd.DataFrame(
        {
            "dose": RNG.normal(size=n),
            "site": np.arange(n) % 2,
            "w": 1 + np.arange(n) % 3,
            "start": np.where(np.arange(n) < 6, 0.5, 0.0),
            "stop": np.ceil(6 * RNG.random(n)) + 0.5,
            "event": np.arange(n) % 4 > 0,
        },
        index=[f"p{k}" for k in range(n)],
    )


@pytest.fixture(scope="module")
def trial():
    data = small_trial()
    fit = CoxPHFitter(penalizer=0.1).fit(
        data, "stop", "event", strata=["site"], weights_col="w", entry_col="start", robust=True
    )
    return data, vs.from_model(fit, data)


@pytest.fixture(scope="module")
def trial_document(trial):
    return describe(trial[1], unit="patient", seconds=5.0)


def test_facts_are_those_of_the_data(trial, trial_document):
    data, _ = trial
    dead = data[data["event"]].groupby(["site", "stop"]).size()
    facts = dict(trial_document["data"]["facts"])
    assert facts["Shape"] == f"40 rows, {data['event'].sum()} events, 1 parameter"
    assert f"{dead[dead > 1].sum()} of {dead.sum()} events are tied" in facts["Ties"]
    assert f"({len(dead)} distinct event times)" in facts["Ties"]
    assert facts["Strata"] == "2" and facts["Delayed entry"] == "6 rows"
    assert facts["Case weights"] == "from 1 to 3" and facts["Penalty"].startswith("a quadratic")
    page = render(trial_document)
    assert all(f"<dt>{term}</dt><dd>" in page for term in facts)


def test_every_row_can_be_looked_up(trial, trial_document):
    _, est = trial
    table, ratios = trial_document["look_up"], np.exp(vs.leave_one_out(est).params_without)
    assert [item["row"] for item in table["items"]] == list(ratios.index)
    found = [item["without"] for item in table["items"] if item["exact"]]
    exact = [item["row"] for item in table["items"] if item["exact"]]
    assert len(exact) > 10
    np.testing.assert_allclose(found, ratios.loc[exact, table["columns"]], rtol=1e-6)
    assert "Look up one patient: all 40 patients" in render(trial_document)


def test_methods_are_compared_with_the_same_refits(trial, trial_document):
    _, est = trial
    rows = trial_document["accuracy"]["methods"]
    alone = vs.compare_methods(est).table
    assert [row["name"] for row in rows] == list(alone.index)
    if rows[0]["n"] == len(est.labels):
        np.testing.assert_allclose([row["slope"] for row in rows], alone["slope"], rtol=1e-6)


def test_results_quote_the_ranges(document):
    text = document["method"]["results"].replace("\xa0", " ")
    for item in sorted(document["coefficients"], key=lambda item: item["p"])[:3]:
        for end in ("lowest", "highest"):
            assert f"{item[end]['effect']:.{item['decimals']}f}" in text
    assert len(document["method"]["limitations"]) >= 3


def test_none_of_it_where_rows_are_withheld(private):
    assert private["data"] is private["look_up"] is None
    assert "methods" not in private["accuracy"]
    page = render(private)
    assert "Look up" not in page and "Limitations" in page
