"""CR3 and HC3, the jackknife as a covariance: other software's digits, and without each row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from tolerances import CONVERGED_FIT, ROUNDING

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.targets import ConfidenceLimits, PValue, StandardError

FOLDER = Path(__file__).parents[2] / "validation" / "oracles" / "cr3"
ROWS = pd.read_csv(FOLDER / "rows.csv")
OF_R = pd.read_csv(FOLDER / "cr3.csv", index_col=["fit", "parameter"], skipinitialspace=True)
# of Cox models one step is not the refit: standard errors of rossi are at most 4e-4 off
ONE_STEP = 1e-3


def fitted(kind, rows=ROWS):
    if kind == "ols":
        return vs.from_model(smf.ols("y ~ arm + x", rows).fit())
    if kind == "wls":
        return vs.from_model(smf.wls("y ~ arm + x", rows, weights=rows["w"]).fit())
    return vs.from_model(smf.logit("z ~ arm + x", rows).fit(disp=0, tol=1e-14, maxiter=50))


@pytest.mark.parametrize("kind", ["ols", "wls", "logit"])
def test_is_that_of_clubsandwich(kind):
    est, of_r = fitted(kind), OF_R.loc[kind]
    V = est.cov_params("CR3", groups=ROWS["id"]).to_numpy()
    assert np.diag(V) == pytest.approx(of_r["variance"].to_numpy(), rel=CONVERGED_FIT)
    assert V[0] == pytest.approx(of_r["covariance_with_first"].to_numpy(), rel=CONVERGED_FIT)
    by_groups = est.with_inference("CR3", groups=ROWS["id"])
    assert by_groups.standard_errors**2 == pytest.approx(np.diag(V), rel=ROUNDING)
    # known for least squares, else one less than there are groups
    df = 11.0 if kind == "logit" else of_r["df"].to_numpy()
    assert by_groups.df == pytest.approx(df, rel=CONVERGED_FIT)
    assert by_groups.inference.words == "CR3, t"
    influence = vs.vif(est)
    assert influence.cov_params("CR3", groups=ROWS["id"]).to_numpy() == pytest.approx(V)


def test_is_that_of_sandwich_but_for_its_factor():
    V = fitted("ols").cov_params("CR3", groups=ROWS["id"]).to_numpy()
    assert np.diag(V) * 11 / 12 == pytest.approx(OF_R.loc["ols", "sandwich"], rel=CONVERGED_FIT)


@pytest.mark.parametrize("kind", ["ols", "logit"])
def test_hc3_is_that_of_sandwich(kind):
    est = fitted(kind)
    variances = np.diag(est.cov_params("HC3"))
    assert variances == pytest.approx(OF_R.loc[kind, "hc3"].to_numpy(), rel=CONVERGED_FIT)
    assert est.with_inference("HC3").standard_errors ** 2 == pytest.approx(variances, rel=ROUNDING)


def test_hc3_of_least_squares_is_that_of_statsmodels():
    fit = smf.ols("y ~ arm + x", ROWS).fit(cov_type="HC3")
    errors = np.sqrt(np.diag(vs.from_model(fit).cov_params("HC3")))
    assert errors == pytest.approx(fit.bse.to_numpy(), rel=ROUNDING)


def test_of_a_cox_model_one_step_is_within_a_thousandth_of_refits():
    d = vs.datasets.load_rossi()
    loss = vs.losses.Cox(d[["fin", "age", "prio"]], d["week"], d["arrest"])
    est = vs.minimize(loss, np.zeros(3))
    groups = np.arange(len(d)) % 24
    found = est.cov_params("CR3", groups=groups)
    exact = vs.leave_one_out(est, groups=groups).cov_params("jackknife")
    errors, true = (np.sqrt(np.diag(V)) for V in (found, exact))
    assert errors == pytest.approx(true, abs=ONE_STEP)


@pytest.mark.parametrize("kind", ["ols", "wls", "logit"])
def test_without_a_row_it_is_that_of_the_fit_without_it(kind):
    """Errors, p-values and limits, with their degrees of freedom."""
    est = fitted(kind).with_inference("CR3", groups=ROWS["id"])
    some = [0, 17, 60]
    refits = vs.leave_one_out(est, objects=some)
    for k, i in enumerate(some):
        rows = ROWS.drop(index=i)
        fresh = fitted(kind, rows).with_inference("CR3", groups=rows["id"])
        j = 1
        for target, expected in (
            (StandardError("arm", exact=True), [fresh.standard_errors[j]]),
            (PValue("arm", exact=True), [fresh.p_values[j]]),
            (ConfidenceLimits("arm", exact=True), fresh.confidence_limits()[j]),
        ):
            assert refits.on(target).value_without[k] == pytest.approx(expected, rel=CONVERGED_FIT)


def test_without_a_group_it_is_that_of_the_others():
    est = fitted("ols").with_inference("CR3", groups=ROWS["id"])
    table = vs.leave_one_group_out(est, groups=ROWS["id"]).table
    rows = ROWS[ROWS["id"] != 4]
    fresh = fitted("ols", rows).with_inference("CR3", groups=rows["id"])
    found = table.loc[4]
    assert found["standard_error"].to_numpy() == pytest.approx(fresh.standard_errors)
    assert found["p_value"].to_numpy() == pytest.approx(fresh.p_values)
    assert found["upper_95"].to_numpy() == pytest.approx(fresh.confidence_limits()[:, 1])


@pytest.mark.parametrize("kind", ["ols", "logit"])
def test_near_linear_errors_move_with_the_sandwich(kind):
    """By the growth of the sandwich: most of what a row changes, at no cost of refits."""
    est = fitted(kind).with_inference("CR3", groups=ROWS["id"])
    influence = vs.leave_one_out(est)
    exact, linear = (
        influence.on(StandardError("x", exact=each)).value_without[:, 0] for each in (True, False)
    )
    assert np.corrcoef(exact, linear)[0, 1] > 0.9
    assert np.abs(linear / exact - 1).max() < 0.1


def test_every_verb_takes_it():
    est = fitted("ols").with_inference("CR3", groups=ROWS["id"])
    assert "0 changes by one of 80" in repr(vs.conclusions(est))
    assert vs.leave_out(est, [3, 4]).table["p_value"].notna().all()
    found = vs.influential_set(est, "arm", flip="significance", max_size=3)
    assert np.isfinite(found.value)
    assert vs.plots.forest_plot(vs.newton_step(est, groups=ROWS["id"]), "arm")
    assert "CR3" in repr(est)


def test_what_it_needs():
    est = fitted("ols")
    with pytest.raises(InvalidInputError, match="`groups` of kind='CR3'"):
        est.cov_params("CR3")
    with pytest.raises(InvalidInputError, match="needs `groups`"):
        est.with_inference("CR3")
    with pytest.raises(InvalidInputError, match="`kind` is 'HC3'"):
        est.cov_params("HC3", groups=ROWS["id"])
    rows = ROWS.assign(own=(ROWS["id"] == 3).astype(float))
    est = vs.from_model(smf.ols("y ~ arm + own", rows).fit())
    with pytest.raises(InvalidInputError, match="no longer determined"):
        est.cov_params("CR3", groups=rows["id"])


def test_hc3_of_a_cox_model_is_the_jackknife_of_its_rows():
    d = vs.datasets.load_rossi()[:80]
    loss = vs.losses.Cox(d[["fin", "age"]], d["week"], d["arrest"])
    est = vs.minimize(loss, np.zeros(2))
    rows = vs.newton_step(est).cov_params("jackknife")
    assert est.cov_params("HC3").to_numpy() == pytest.approx(rows.to_numpy(), rel=ROUNDING)
