"""Cox models of the package survival, against lifelines and the fit's own errors."""

from __future__ import annotations

import numpy as np
import pytest
from lifelines import CoxPHFitter
from tolerances import LIBRARY_FIT

import vifstats as vs
from vifstats.errors import DataMismatchError, InvalidInputError, UnsupportedModelError

survival = pytest.importorskip("survival", reason="the extra `survival` is not installed")

ROSSI = vs.datasets.load_rossi()[["week", "arrest", "fin", "age", "prio", "race"]]
ROSSI = ROSSI.assign(
    w=np.resize([1.0, 2.0, 1.5], len(ROSSI)),
    home=np.arange(len(ROSSI)) // 3,
    start=np.where(ROSSI.week > 10, 5.0, 0.0),
)
ROSSI.index = [f"p{k}" for k in range(len(ROSSI))]
RIGHT = "Surv(week, arrest) ~ fin + age"


def errors(fit):
    return np.sqrt(np.diag(np.asarray(fit.var)))


def test_refits_are_those_of_the_library():
    fit = survival.coxph(RIGHT + " + strata(race)", data=ROSSI)
    assert type(fit).__name__ == "CoxphModel"  # by which it is known
    est = vs.from_model(fit, ROSSI)
    exact = vs.leave_one_out(est, objects=["p0", "p7"]).params_without
    for label in ("p0", "p7"):
        own = survival.coxph(RIGHT + " + strata(race)", data=ROSSI.drop(index=label))
        assert exact.loc[label].to_numpy() == pytest.approx(own.coefficients, abs=LIBRARY_FIT)


@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_ties_entry_weights_and_offsets_are_those_of_the_fit(ties):
    options = {} if ties == "exact" else {"weights": "w"}
    response = "Surv(week, arrest)" if ties == "exact" else "Surv(start, week, arrest)"
    fit = survival.coxph(f"{response} ~ fin + age + offset(prio)", data=ROSSI, ties=ties, **options)
    est = vs.from_model(fit)
    assert est.loss.ties == ties
    if ties != "exact":  # weights make R's errors robust
        assert est.inference.covariance == "robust"
    own = est.with_inference("robust" if ties != "exact" else "naive").standard_errors
    assert own == pytest.approx(errors(fit), rel=1e-6)


def test_clusters_and_rows_that_are_missing():
    table = ROSSI.copy()
    table.loc[["p3", "p200"], "age"] = np.nan
    fit = survival.coxph(RIGHT, data=table, cluster="home")
    est = vs.from_model(fit, table)
    influence = vs.vif(est)
    assert list(influence.dfbeta.index) == list(table.index)
    assert (influence.dfbeta.loc[["p3", "p200"]].fillna(0.0) == 0.0).all(axis=None)
    assert set(influence.status[["p3", "p200"]]) == {"not in fit"}
    by_home = est.with_inference("robust", groups=table["home"]).standard_errors
    assert by_home == pytest.approx(errors(fit), rel=1e-6)
    assert est.standard_errors == pytest.approx(errors(fit), rel=1e-12)


def test_the_same_influence_as_from_lifelines():
    ours = vs.vif(vs.from_model(survival.coxph(RIGHT, data=ROSSI), ROSSI))
    few = ROSSI[["week", "arrest", "fin", "age"]]
    theirs = vs.vif_cox(CoxPHFitter().fit(few, "week", "arrest"), few)
    assert ours.values == pytest.approx(theirs.values, abs=LIBRARY_FIT)


@pytest.mark.parametrize(
    "formula, message",
    [
        ("Surv(week, arrest) ~ fin + ridge(age, theta=2)", "penalty term"),
        ("Surv(week, arrest) ~ fin + tt(age)", "tt"),
    ],
)
def test_what_is_another_model_is_refused(formula, message):
    with pytest.raises(UnsupportedModelError, match=message):
        vs.from_model(survival.coxph(formula, data=ROSSI))


def test_coefficients_that_are_not_estimable_are_refused():
    # survival tells of them by a warning, as R does by an NA
    fit = survival.coxph(RIGHT + " + same", data=ROSSI.assign(same=ROSSI["age"] * 2))
    with pytest.raises(UnsupportedModelError, match="not estimable"):
        vs.from_model(fit)


def test_what_the_fit_has_is_not_given_again():
    fit = survival.coxph(RIGHT, data=ROSSI)
    with pytest.raises(InvalidInputError, match="keeps its data"):
        vs.from_model(fit, weights=np.ones(len(ROSSI)))
    with pytest.raises(InvalidInputError, match="ties"):
        vs.from_model(fit, ties="breslow")
    with pytest.raises(DataMismatchError, match="432 rows"):
        vs.from_model(fit, ROSSI.iloc[1:])
