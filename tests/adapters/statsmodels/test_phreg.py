"""PHReg results: R's numbers where the models agree, statsmodels' Hessian where they do not."""

import numpy as np
import pandas as pd
import pytest
from oracles import TIES, load_case
from statsmodels.duration.hazard_regression import PHReg
from tolerances import CONVERGED_FIT, ORACLE

import vifstats as vs
from vifstats.errors import InvalidInputError, NotAtMinimumError, UnsupportedModelError

LUNG = load_case("lung", "efron")


def fitted(case, groups=None, **options):
    data = {"status": case.event, "entry": case.entry, "strata": case.strata, "ties": case.ties}
    return PHReg(case.time, case.X, **{**data, **options}).fit(groups=groups)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("name", ["lung", "lung_small_strata", "veteran", "rossi"])
def test_fits_equal_r(name, ties):
    case = load_case(name, ties)
    influence = vs.vif_cox(fitted(case), method="if")
    np.testing.assert_allclose(influence.dfbeta, case.dfbeta, atol=ORACLE, rtol=0)
    assert list(influence.dfbeta.columns) == list(case.X.columns)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("name", ["veteran_entry", "heart", "cgd"])
def test_a_row_that_enters_at_an_event_time_is_at_risk_as_in_statsmodels(name, ties):
    case = load_case(name, ties)
    fit = fitted(case, offset=0.2 * case.X.iloc[:, 0].to_numpy())
    est = vs.from_model(fit)
    step = est.factor.solve(est.loss.gradient(est.theta)) / est.standard_errors
    assert np.abs(step).max() < CONVERGED_FIT
    np.testing.assert_allclose(
        est.hessian, -fit.model.hessian(fit.params), rtol=ORACLE, atol=ORACLE
    )


def test_groups_of_the_fit_change_neither_hessian_nor_rows():
    grouped = fitted(LUNG, groups=np.arange(len(LUNG.time)) // 3)
    plain = fitted(LUNG)
    found = vs.vif_cox(grouped)
    np.testing.assert_array_equal(found.values, vs.vif_cox(plain).values)
    np.testing.assert_allclose(found.cov_params(), plain.cov_params(), rtol=ORACLE)
    groups = np.arange(len(LUNG.time)) // 3
    robust = vs.vif_cox(plain, groups=groups).cov_params("robust", groups=groups)
    assert robust.shape == (len(LUNG.coef), len(LUNG.coef))


def rossi_with_gaps():
    case = load_case("rossi", "efron")
    frame = case.X[["fin", "age", "prio"]].assign(week=case.time, arrest=case.event)
    frame.loc[[3, 10], "age"] = np.nan
    return frame


def by_frame(frame):
    return PHReg(frame["week"], frame[["fin", "age", "prio"]], status=frame["arrest"])


def by_arrays(frame):
    X = frame[["fin", "age", "prio"]].to_numpy()
    return PHReg(frame["week"].to_numpy(), X, status=frame["arrest"].to_numpy())


def by_formula(frame):
    return PHReg.from_formula("week ~ fin + age + prio", frame, status="arrest")


@pytest.mark.parametrize("model", [by_frame, by_arrays, by_formula])
def test_dropped_rows_are_rows_of_the_result(model):
    frame = rossi_with_gaps()
    found = vs.vif_cox(model(frame).fit())
    assert found.index.equals(frame.index)
    assert list(found.index[found.status == "not in fit"]) == [3, 10]
    assert not found.values[[3, 10]].any()
    kept = frame.dropna()
    expected = vs.vif_cox(model(kept).fit())
    np.testing.assert_array_equal(found.values[kept.index], expected.values)


def test_of_a_frame_with_other_labels_only_kept_rows_are_known():
    frame = rossi_with_gaps().rename(index="s{}".format)
    assert vs.vif_cox(by_formula(frame).fit()).index.equals(frame.index)
    assert vs.vif_cox(by_frame(frame).fit()).index.equals(frame.dropna().index)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"X": LUNG.X}, "keeps the data of the fit, but `X` is given; leave it out"),
        ({"entry": LUNG.time - 1, "strata": LUNG.event}, "`entry`, `strata` are given"),
        ({"weights": LUNG.time}, "no case weights, but `weights` is given"),
        ({"ties": "breslow"}, "this PHReg used 'efron', but it is 'breslow'"),
        ({"groups": [1]}, "213 rows, `groups` has 1"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_the_fit_decides_is_refused(options, parts):
    with pytest.raises(InvalidInputError, match=parts):
        vs.vif_cox(fitted(LUNG), **options)


@pytest.mark.parametrize("refit", [False, True])
def test_regularized_fits_are_refused(refit):
    fit = fitted(LUNG).model.fit_regularized(alpha=0.01, refit=refit)
    with pytest.raises(UnsupportedModelError, match=r"fit_regularized.*penalty=n \* alpha"):
        vs.vif_cox(fit)


def test_the_way_around_a_regularized_fit():
    n, alpha = len(LUNG.time), 0.5
    model = PHReg(LUNG.time, LUNG.X, status=LUNG.event, ties="efron")
    ridge = model.fit_regularized(alpha=alpha, L1_wt=0.0, cnvrg_tol=1e-14, maxiter=200)
    data = pd.Series(ridge.params, LUNG.X.columns), LUNG.X, LUNG.time, LUNG.event
    vs.vif_cox(*data, penalty=n * alpha)
    with pytest.raises(NotAtMinimumError, match="penalty are those of the fit"):
        vs.vif_cox(*data, penalty=alpha)
