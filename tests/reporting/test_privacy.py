"""Without rows, nothing of any row is on the page or in its JSON."""

import json
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.reporting import describe, find, write_findings
from vifstats.reporting.page import render

N = 120


def model(groups=None):
    """A Cox model of values with so many digits that none can be there by chance."""
    rng = np.random.default_rng(5)
    labels = [f"id-{i:04d}x" for i in range(N)]
    columns = ["score", "dose"]
    X = pd.DataFrame(rng.normal(size=(N, 2)), index=labels, columns=columns)
    time = pd.Series(rng.exponential(10.0, size=N), index=labels)
    event = pd.Series(rng.random(N) < 0.7, index=labels)
    loss = vs.losses.Cox(X, time, event)
    est = vs.minimize(loss, np.zeros(2))
    return vs.Estimate(loss, est.theta, names=columns, labels=labels, groups=groups)


def values_of_rows(est):
    """Covariates, times and influences, as many digits of each as tell it from any other."""
    influence = vs.vif(est)
    inner = np.sort(np.abs(influence.dfbetas.to_numpy()).ravel())[:-30]  # extremes are told
    numbers = np.concatenate([est.loss.data.X.ravel(), est.loss.data.time, inner])
    return [f"{abs(x):.6g}" for x in numbers if abs(x) > 1e-4]


def everything(est, tmp_path, **options):
    found = find(est, seconds=1.0)
    document = describe(found, rows=False, seconds=1.0, **options)
    paths = write_findings(found, tmp_path, {}, rows=False)
    written = [json.dumps(document), render(document), *(p.read_text() for p in paths)]
    return [unquote(text) for text in written]


def test_no_label_and_no_value_of_any_row(tmp_path):
    est = model()
    hidden = [*est.labels, *values_of_rows(est)]
    for text in everything(est, tmp_path):
        assert not [value for value in hidden if value in text]


def test_no_label_of_any_group(tmp_path):
    sites = np.repeat([f"site-{i:03d}" for i in range(N // 4)], 4)
    est = model(groups=sites)
    for text in everything(est, tmp_path, unit="site"):
        assert not [label for label in {*sites, *est.labels} if label in text]


def test_with_rows_they_are_there(tmp_path):
    """The search finds what it looks for."""
    est = model()
    document = describe(find(est), seconds=1.0)
    text = json.dumps(document)
    assert [label for label in est.labels if label in text]
    assert [value for value in values_of_rows(est) if value in text]


def test_the_numbers_of_the_fit_are_the_same(private, document):
    assert private["rows"] is None and private["groups"] is None
    for one, other in zip(private["coefficients"], document["coefficients"], strict=True):
        assert one["effect"] == other["effect"]
        assert one["largest"]["percent"] == pytest.approx(other["largest"]["percent"])


def test_times_of_a_survival_curve_are_round(private):
    time = private["survival"]["time"]
    assert time == pytest.approx(float(f"{time:.2g}"))


def test_parameters_that_belong_to_a_row_cannot_be_hidden():
    loss = vs.losses.BradleyTerry(list("aabbccdd"), list("bbacadab"), ridge=0.1)
    with pytest.raises(InvalidInputError, match="belong to one each"):
        describe(vs.minimize(loss, np.zeros(4)), rows=False)
