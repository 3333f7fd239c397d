"""The one-line call: any fitted model, and exact where that is cheap."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifelines import CoxPHFitter

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.deletion import influence as module


@pytest.fixture(scope="module")
def rossi():
    d = load_rossi().head(150).assign(site=np.arange(150) % 7)
    kept = d[["fin", "age", "prio", "week", "arrest"]]
    return d, CoxPHFitter().fit(kept, "week", "arrest")


def test_auto_is_exact_where_refits_are_cheap(rossi):
    d, fit = rossi
    found = vs.influence(fit, d)
    assert found.method == "refit" and found.exact.all()
    expected = vs.leave_one_out(vs.from_model(fit, d))
    pd.testing.assert_frame_equal(found.dfbeta, expected.dfbeta)


def test_auto_refits_the_largest_where_they_are_dear(rossi, monkeypatch):
    d, fit = rossi
    found = vs.influence(fit, d, seconds=0)
    assert found.method == "vif" and found.exact.sum() == module.FEWEST
    largest = found.cooks_distance.nlargest(3).index
    assert found.exact[largest].all()
    plain = vs.vif(vs.from_model(fit, d))
    assert (found.values[~found.exact] == plain.values[~found.exact]).all()


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("vif", vs.vif),
        ("if", vs.classical_if),
        ("classical_if", vs.classical_if),
        ("newton", vs.newton_step),
        ("newton_step", vs.newton_step),
        ("refit", vs.leave_one_out),
        ("leave_one_out", vs.leave_one_out),
    ],
)
def test_methods_by_their_names(rossi, name, method):
    d, fit = rossi
    found = vs.influence(fit, d, method=name, objects=[3, 5])
    assert (found.values == method(vs.from_model(fit, d), objects=[3, 5]).values).all()


def test_a_fit_an_estimate_and_an_influence_are_the_same_door(rossi):
    d, fit = rossi
    est = vs.from_model(fit, d)
    found = [
        vs.influence(x, *data, method="vif").values
        for x, data in ((fit, (d,)), (est, ()), (vs.newton_step(est), ()))
    ]
    assert (found[0] == found[1]).all() and (found[0] == found[2]).all()


def test_groups_by_the_name_of_a_column(rossi):
    d, fit = rossi
    found = vs.influence(fit, d, groups="site", method="vif")
    expected = vs.vif(vs.from_model(fit, d), groups=d.site)
    pd.testing.assert_frame_equal(found.dfbeta, expected.dfbeta)


def test_groups_of_a_formula_are_a_column_of_its_frame():
    d = pd.DataFrame({"y": [1.0, 2, 4, 3, 6, 5], "x": [0.0, 1, 2, 3, 4, 5], "ward": list("aabbcc")})
    found = vs.influence(sm.OLS.from_formula("y ~ x", d).fit(), groups="ward")
    assert list(found.index) == ["a", "b", "c"] and found.exact.all()


def test_the_largest_can_be_asked_for(rossi):
    d, fit = rossi
    assert vs.influence(fit, d, method="vif", refit_top=4).exact.sum() == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "exact"}, "method"),
        ({"groups": "hospital"}, "hospital"),
        ({"seconds": -1}, "seconds"),
        ({"seconds": np.nan}, "seconds"),
        ({"refit_top": 1.5}, "refit_top"),
    ],
)
def test_bad_arguments(rossi, options, message):
    d, fit = rossi
    with pytest.raises(vs.errors.VifError, match=message):
        vs.influence(fit, d, **options)


def test_an_estimate_has_its_own_data(rossi):
    d, fit = rossi
    with pytest.raises(vs.errors.InvalidInputError, match="its own data"):
        vs.influence(vs.from_model(fit, d), d)


@pytest.mark.parametrize("option", [{"n_jobs": 2}, {"checkpoint": "parts"}, {"progress": True}])
def test_options_of_refits_are_sent_to_the_call_that_takes_them(rossi, option):
    d, fit = rossi
    for args in ((fit, d), (vs.from_model(fit, d),)):
        with pytest.raises(vs.errors.InvalidTypeError, match=f"{[*option][0]}.*leave_one_out"):
            vs.influence(*args, **option)
