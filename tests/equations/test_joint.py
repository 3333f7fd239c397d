"""Several fits of the same people: joint covariance, rows that one lacks, competing risks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from tolerances import CONVERGED_FIT, ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError

ORACLE = Path(__file__).parents[2] / "validation" / "oracles" / "competing"
PROFILE = {"male": [1.0], "age": [8.0], "mspike": [1.5]}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    d = pd.DataFrame({"x": rng.normal(size=60), "z": rng.normal(size=60)})
    d["y"] = d.x + 0.5 * d.z + rng.normal(size=60)
    return d.set_axis([f"p{k}" for k in range(60)])


def crude(d: pd.DataFrame):
    return sm.OLS(d.y, sm.add_constant(d[["x"]])).fit()


def adjusted(d: pd.DataFrame):
    return sm.OLS(d.y, sm.add_constant(d[["x", "z"]])).fit()


def test_difference_of_coefficients_is_that_of_refits_of_both(table):
    est = vs.joint(crude=crude(table), adjusted=adjusted(table))
    assert est.names[:2] == ("crude: const", "crude: x")

    def difference(theta, b, loss):
        return theta[3] - theta[1]

    change = vs.newton_step(est).on(difference)
    exact = [
        adjusted(table.drop(index=i)).params["x"] - crude(table.drop(index=i)).params["x"]
        for i in table.index
    ]
    exact = change.value[0] - np.array(exact)
    assert np.corrcoef(change.influence[:, 0], exact)[0, 1] >= 0.9999
    refits = vs.leave_one_out(est).on(difference).influence[:, 0]
    assert relative_error(refits, exact) <= CONVERGED_FIT
    # the sandwich of each fit alone is on the diagonal
    assert est.standard_errors[:2] == pytest.approx(crude(table).HC0_se, rel=1e-8)


def test_a_row_that_one_fit_lacks_counts_in_the_others(table):
    est = vs.joint(crude=crude(table), adjusted=adjusted(table.iloc[5:]))
    assert list(est.labels) == list(table.index)
    rows = vs.leave_one_out(est).dfbeta
    assert (rows.iloc[:5, 2:].abs() <= ROUNDING).all(axis=None)
    own = vs.leave_one_out(vs.from_model(adjusted(table.iloc[5:]))).values
    assert relative_error(rows.iloc[5:, 2:], own) <= CONVERGED_FIT
    newton = vs.newton_step(est).values
    assert relative_error(newton, rows.to_numpy()) <= CONVERGED_FIT  # least squares


def test_fits_that_cannot_be_put_together_say_why(table):
    other = adjusted(table.set_axis([f"q{k}" for k in range(60)]))
    with pytest.raises(InvalidInputError, match="no label in common"):
        vs.joint(a=crude(table), b=other)
    with pytest.raises(InvalidInputError, match="more than once"):
        vs.joint(a=crude(table), b=adjusted(table.iloc[[0, 0, 1, 2, 3, 4, 5]]))
    with pytest.raises(InvalidInputError, match="at least one"):
        vs.joint()


@pytest.fixture(scope="module")
def mgus() -> pd.DataFrame:
    return pd.read_csv(ORACLE / "mgus2.csv")


@pytest.fixture(scope="module")
def oracle() -> pd.DataFrame:
    return pd.read_csv(ORACLE / "competing.csv")


@pytest.fixture(scope="module")
def risks(mgus) -> vs.Estimate:
    return vs.competing_risks(mgus[["male", "age", "mspike"]], mgus.time, mgus.cause)


def test_cause_specific_models_and_incidence_are_those_of_r(risks, oracle):
    target = vs.targets.CumulativeIncidence(PROFILE, [60, 120, 240], cause=1)
    assert risks.theta == pytest.approx(oracle.iloc[0, 1:7].to_numpy(float), abs=1e-9)
    rows = oracle.without[1:].astype(int).tolist()
    refits = vs.leave_one_out(risks, objects=rows)
    assert relative_error(refits.params_without, oracle.iloc[1:, 1:7]) <= CONVERGED_FIT
    change = refits.on(target)
    assert change.value == pytest.approx(oracle.iloc[0, 7:].to_numpy(float), abs=1e-9)
    assert relative_error(change.value_without, oracle.iloc[1:, 7:]) <= CONVERGED_FIT
    exact = change.influence
    newton = vs.newton_step(risks, objects=rows).on(target).influence
    assert np.linalg.norm(newton - exact) <= 0.01 * np.linalg.norm(exact)
    vif = vs.vif(risks, objects=rows).on(target).influence
    assert np.corrcoef(vif.ravel(), exact.ravel())[0, 1] >= 0.9995
    # without what the row itself adds to the hazards it would be another number
    theta_alone = vs.vif(risks, objects=rows)
    moved = [
        target.bind(risks).value(t, np.ones(300), risks.loss)
        for t in risks.theta - theta_alone.values
    ]
    indirect = change.value - np.array(moved)
    assert np.corrcoef(indirect.ravel(), exact.ravel())[0, 1] < 0.95


def test_bad_causes_and_profiles_say_what_is_wrong(mgus, risks):
    X = mgus[["male", "age", "mspike"]]
    for bad, words in [
        (mgus.cause + 0.5, "whole"),
        (mgus.cause * 0, "observed"),
        (-mgus.cause, "whole"),
    ]:
        with pytest.raises(InvalidInputError, match=words):
            vs.competing_risks(X, mgus.time, bad)
    inf = vs.vif(risks)
    with pytest.raises(InvalidInputError, match="one of"):
        inf.on(vs.targets.CumulativeIncidence(PROFILE, 60, cause=3))
    alone = vs.minimize(vs.losses.Cox(X, mgus.time, mgus.cause == 1), np.zeros(3))
    with pytest.raises(InvalidTypeError, match="competing_risks"):
        vs.vif(alone).on(vs.targets.CumulativeIncidence(PROFILE, 60))


def test_methods_are_compared_on_one_fit(risks):
    found = vs.compare_methods(risks, objects=list(range(40)))
    exact = vs.leave_one_out(risks, objects=list(range(40)))
    own = vs.compare(vs.newton_step(risks, objects=list(range(40))), exact)
    assert found.table.loc["newton", "pearson"] == pytest.approx(own.pearson.min())
    assert found.table.loc["newton", "frobenius"] < found.table.loc["vif", "frobenius"]
    assert "40 of 300" in repr(found)


def grouped(fit, groups: np.ndarray) -> vs.Estimate:
    est = vs.from_model(fit)
    return vs.Estimate(est.loss, est.theta, names=est.names, labels=est.labels, groups=groups)


def test_groups_of_the_fits_leave_whole_in_the_joint_one(table):
    groups = np.arange(60) // 3
    est = vs.joint(crude=grouped(crude(table), groups), adjusted=adjusted(table))
    plain = vs.joint(crude=crude(table), adjusted=adjusted(table))
    assert relative_error(vs.vif(est).values, vs.vif(plain, groups=groups).values) <= ROUNDING
    with pytest.raises(InvalidInputError, match=r"same groups, but row 0 .*'p0'.* give all"):
        vs.joint(a=grouped(crude(table), groups), b=grouped(adjusted(table), groups[::-1]))
    part = grouped(adjusted(table.iloc[5:]), np.arange(55) // 5)
    est = vs.joint(crude=crude(table), part=part)
    assert len(vs.vif(est).values) == 5 + 11  # who is in no group leaves alone
    assert "5 of them not in 'part'" in str(est)


def test_rows_are_found_by_label_in_any_order(table):
    shuffled = table.sample(frac=1, random_state=0)
    values = vs.vif(vs.joint(one=crude(table), other=crude(shuffled))).values
    assert relative_error(values[:, :2], values[:, 2:]) <= ROUNDING


def test_causes_may_be_a_column_of_the_table_and_keep_its_order(mgus, risks):
    d = mgus.set_axis([f"p{k}" for k in range(300)])
    named = vs.competing_risks(d, "time", "cause")
    assert named.names == risks.names and relative_error(named.theta, risks.theta) <= ROUNDING
    assert "hazard_ratio" in named.summary()
    with pytest.raises(InvalidInputError, match="did you mean 'cause'"):
        vs.competing_risks(d, "time", "cuase")
    with pytest.raises(InvalidInputError, match="is not a DataFrame"):
        vs.competing_risks(d.to_numpy(), "time", "cause")
    with pytest.raises(InvalidInputError, match="same order"):
        vs.competing_risks(d[["age"]], d.time.to_numpy(), d.cause[::-1])


def test_a_cause_without_a_finite_fit_is_named(mgus):
    d = mgus.assign(only_in_2=(mgus.cause != 1) * 1.0)
    with pytest.raises(vs.errors.VifError, match="In the model of cause 1"):
        vs.competing_risks(d[["age", "only_in_2"]], d.time, d.cause)


def test_models_fitted_one_by_one_give_the_same_incidence(mgus, risks):
    X = mgus[["male", "age", "mspike"]]
    alone = {
        str(k): vs.minimize(vs.losses.Cox(X, mgus.time, mgus.cause == k), np.zeros(3))
        for k in (1, 2)
    }
    target = vs.targets.CumulativeIncidence(PROFILE, [60, 240], cause=2)
    both = [vs.vif(est).on(target) for est in (vs.joint(**alone), risks)]
    assert relative_error(both[0].influence, both[1].influence) <= ROUNDING


def test_difference_of_incidences_is_that_of_two_profiles(mgus, risks):
    other = {"male": [0.0], "age": [8.0], "mspike": [1.5]}
    fine_gray = vs.minimize(
        vs.losses.FineGray(mgus[["male", "age", "mspike"]], mgus.time, mgus.cause), np.zeros(3)
    )
    for est in (risks, fine_gray):
        inf = vs.vif(est)
        one, two = (
            inf.on(vs.targets.CumulativeIncidence(x, [60, 240])).influence for x in (PROFILE, other)
        )
        change = inf.on(vs.targets.CumulativeIncidenceDifference(PROFILE, other, [60, 240]))
        assert relative_error(change.influence, one - two) <= 1e-8
    with pytest.raises(InvalidInputError, match="one profile"):
        inf.on(vs.targets.CumulativeIncidenceDifference(np.zeros((2, 3)), other, 60))
    with pytest.raises(InvalidInputError, match="one of"):
        inf.on(vs.targets.CumulativeIncidence(PROFILE, 60, cause=2))


def test_incidence_of_fine_gray_is_that_of_its_subdistribution_hazard(mgus):
    """Without covariates that matter it is the curve of Aalen and Johansen, where nobody is tied.

    lifelines and statsmodels have that curve too.
    """
    from lifelines import AalenJohansenFitter
    from statsmodels.duration.survfunc import CumIncidenceRight

    loss = vs.losses.FineGray(np.eye(300)[:, :1], mgus.time, mgus.cause, penalty=1e12)
    flat = vs.Estimate(loss, [0.0], tol=np.inf)
    times = np.array([30.0, 90.0, 240.0])
    hazards, shift = loss.hazards(np.zeros(1), np.ones(300))
    found = vs.vif(flat).on(vs.targets.CumulativeIncidence([0.0], times)).value
    # 1 - exp(-sum of hazards) is near 1 - product of (1 - hazard), which is the curve itself
    upto = np.searchsorted(loss.risk_sets.cell_time, times, side="right")
    product = [1 - np.prod(1 - hazards[:k]) for k in upto]
    assert shift[0] == 0 and found == pytest.approx(product, abs=1e-3)
    own = vs.kaplan_meier(mgus.time, mgus.cause)
    own = own.on(vs.targets.CumulativeIncidence(None, times, cause=1)).value
    curve = AalenJohansenFitter(calculate_variance=False).fit(mgus.time, mgus.cause, 1)
    other = curve.cumulative_density_.iloc[:, 0]
    expected = [other.loc[:t].iloc[-1] for t in times]
    right = CumIncidenceRight(mgus.time, mgus.cause)
    third = right.cinc[0][np.searchsorted(right.times, times, side="right") - 1]
    assert product == pytest.approx(expected, abs=1e-12)
    assert own == pytest.approx(expected, abs=1e-12) and third == pytest.approx(expected, abs=1e-12)
