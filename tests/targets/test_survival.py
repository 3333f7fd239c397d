"""Survival and baseline hazard: against R, the references, and the reduced data."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from curve_checks import COX, check_expansion, check_linear, check_plugged_in, stratum_of
from lifelines import CoxPHFitter
from oracles import CASES, load_case
from tolerances import DIFFERENCED, ORACLE, relative_error

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses import Cox
from vifstats.targets import BaselineHazard, SurvivalProbability, Target

PROFILES = np.array([[0.3, -0.2], [1.0, 1.0]])
LEUKAEMIA = Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])


def times_of(est: vs.Estimate) -> np.ndarray:
    return np.quantile(est.loss.data.time, [0.2, 0.5, 0.7])


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("name", CASES)
def test_baseline_hazard_is_that_of_r(name, ties):
    case = load_case(name, ties)
    loss = Cox(
        case.X,
        case.time,
        case.event,
        entry=case.entry,
        weights=case.weights,
        strata=case.strata,
        ties=ties,
        penalty=case.penalty,
    )
    table = case.baseline
    for label in loss.data.stratum_names:
        own = table if label is None else table[table["strata"] == label]
        target = BaselineHazard(own["time"], stratum=label)
        if own.empty:  # R has no hazard of a stratum without events: there are no times to ask of
            with pytest.raises(InvalidInputError, match="`times` must be"):
                target.value(case.coef.to_numpy(), loss.everyone(), loss)
            continue
        found = target.value(case.coef.to_numpy(), loss.everyone(), loss)
        assert relative_error(found, own["cumhaz"]) < ORACLE
        with_fit_of_other_ties = loss.with_ties({"efron": "breslow", "breslow": "efron"}[ties])
        again = dataclasses.replace(target, ties=ties)
        assert (
            relative_error(again.value(case.coef, loss.everyone(), with_fit_of_other_ties), found)
            == 0
        )


@pytest.mark.parametrize("case", COX, ids=str)
def test_plugged_in_and_linear(case):
    est = case.estimate()
    where = {"stratum": stratum_of(est)}
    for target in (
        BaselineHazard(times_of(est), **where),
        SurvivalProbability(PROFILES, times_of(est), **where),
        SurvivalProbability(PROFILES[:1], ties="breslow", **where),
    ):
        check_plugged_in(est, target)
        check_linear(est, target)


@pytest.mark.parametrize("case", COX, ids=str)
def test_expansion_is_exact_in_what_leaves(case):
    est = case.estimate()
    target = SurvivalProbability(PROFILES, times_of(est), stratum=stratum_of(est), exact=False)
    check_linear(est, target)
    groups = vs.vif(est, groups=np.arange(40) % 13)
    slow = Target.linear_influence(
        target.bind(est), est.loss, est.theta, groups.values, groups.removals
    )
    assert relative_error(groups.on(target, linear=True).influence, slow) < DIFFERENCED
    check_expansion(est, target, 0.1)  # of third order in 1/n, n = 40


def test_error_of_the_expansion_is_of_third_order():
    errors = []
    for n in (200, 1600):
        rng = np.random.default_rng(0)
        X = rng.uniform(-1, 1, size=(n, 3))
        time = rng.exponential(np.exp(-X @ [0.5, -0.5, 0.2]))
        influence = vs.newton_step(vs.minimize(Cox(X, time, rng.random(n) < 0.7), np.zeros(3)))
        target = SurvivalProbability([0.5, 0.5, -0.5], [0.5, 1.0], exact=False)
        fast = influence.on(target).influence
        exact = influence.on(dataclasses.replace(target, exact=True)).influence
        errors.append(np.sqrt(np.mean((fast - exact) ** 2)))
    # with 8 times the rows 64 of second order, 512 of third: 437 here
    assert errors[0] > 200 * errors[1]


def test_the_default_expands_where_times_are_few(monkeypatch):
    """A time takes as long as 20 removals afresh: of 40 removals one is expanded, two are not."""
    est = COX[0].estimate()
    influence, times = vs.newton_step(est), np.quantile(est.loss.data.time, [0.3, 0.6])
    monkeypatch.setattr("vifstats.targets.survival_curves.EXACT_PAIRS", 0)
    for wanted, exact in ((times[:1], False), (times, True)):
        target = SurvivalProbability(PROFILES, wanted)
        expected = influence.on(dataclasses.replace(target, exact=exact)).influence
        assert (influence.on(target).influence == expected).all()


def test_names_of_values():
    est = vs.minimize(LEUKAEMIA, [0.0])
    influence = vs.vif(est)
    profiles = pd.DataFrame({"x0": [0.0, 1.0]}, index=["ann", "bob"])
    columns = influence.on(SurvivalProbability(profiles, [1.5, 2.5])).to_frame().columns
    assert list(columns) == ["S(1.5 | ann)", "S(2.5 | ann)", "S(1.5 | bob)", "S(2.5 | bob)"]
    assert list(influence.on(SurvivalProbability([0.0])).to_frame()) == [
        "S(1)",
        "S(2)",
        "S(3)",
        "S(4)",
    ]


def test_lifelines_profiles_in_raw_columns():
    data = load_rossi().assign(site=np.array(list("abc"))[np.arange(432) % 3])
    fit = CoxPHFitter().fit(data, "week", "arrest", formula="age + prio + C(site)")
    influence = vs.vif(vs.from_model(fit, data))
    raw = data.iloc[[0, 5]]
    target = SurvivalProbability(raw, [20.0, 40.0], ties="breslow")
    expected = fit.predict_survival_function(raw, times=[20.0, 40.0]).T.to_numpy().ravel()
    assert influence.on(target).value == pytest.approx(expected, rel=1e-6)
    one = {"age": 30, "prio": 2, "site": "b"}
    for profile, message in [
        ({**one, "site": "z"}, "levels that were fitted"),
        ({**one, "site": None}, "finite in every column"),
        ({**one, "prio": np.nan}, "finite in every column"),
        ({"age": 30, "site": "a"}, "lack .*prio"),
    ]:
        with pytest.raises(InvalidInputError, match=message):
            influence.on(SurvivalProbability(profile, 10.0))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (SurvivalProbability([0.0], [5.0]), "ends at 4, but one is 5"),
        (SurvivalProbability([0.0], [np.nan]), "finite numbers"),
        (BaselineHazard([[1.0]]), "one dimension"),
        (BaselineHazard([1.0], stratum="a"), "has no strata, but `stratum` is 'a'"),
        (BaselineHazard([1.0], ties="exact"), "`ties` must be one of"),
        (SurvivalProbability({"x0": 1.0, "dose": 2.0}, 1.0), r"not \['dose'\]"),
        (SurvivalProbability({"x0": np.nan}, 1.0), "finite in every column"),
    ],
    ids=["beyond follow-up", "nan", "shape", "no strata", "ties", "unknown", "missing"],
)
def test_bad_input(target, message):
    with pytest.raises(InvalidInputError, match=message):
        vs.vif(vs.minimize(LEUKAEMIA, [0.0])).on(target)


def test_strata_need_a_stratum():
    loss = Cox(
        [[0.0], [1.0], [0.0], [1.0]],
        [4.0, 3.0, 2.0, 1.0],
        [1, 1, 1, 1],
        strata=["b", "b", "a", "a"],
    )
    influence = vs.vif(vs.Estimate(loss, [0.0], tol=np.inf))
    with pytest.raises(
        InvalidInputError, match=r"`stratum` must be one of \['b', 'a'\], but is not"
    ):
        influence.on(BaselineHazard([1.0]))
    with pytest.raises(InvalidInputError, match=r"must be one of \['b', 'a'\], but is 'c'"):
        influence.on(BaselineHazard([1.0], stratum="c"))
    with pytest.raises(InvalidInputError, match="ends at 2"):
        influence.on(BaselineHazard([3.0], stratum="a"))
    # at theta = 0: one death of two, then one of one
    assert influence.on(BaselineHazard([1.0, 2.0], stratum="a")).value == pytest.approx([0.5, 1.5])
    assert influence.on(BaselineHazard([2.0, 3.0], stratum="b")).value == pytest.approx([0.0, 0.5])


def test_only_for_cox():
    y = np.array([1.0, 3.0, 5.0])
    loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    with pytest.raises(InvalidTypeError, match="SurvivalProbability is a target of Cox models"):
        vs.vif(vs.minimize(loss, [0.0])).on(SurvivalProbability([0.0], 1.0))
