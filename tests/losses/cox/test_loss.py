"""Cox's partial likelihood against the definitions in 50 digits, and what its data may do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import CASES, load_case
from references import (
    CoxProblem,
    cox_changes,
    cox_gradient,
    cox_hessian,
    cox_value,
    gradient_scale,
    without,
)
from rewordings import as_loss, repeated
from strategies import cox_cases, cox_fits, groups_for, members_of
from tolerances import ORACLE, ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.losses import Cox
from vifstats.losses.base import Loss
from vifstats.removals import Removals

drawn = settings(max_examples=60)


def unit_of(problem: CoxProblem) -> np.ndarray:
    """What one row moves the gradient by at most: the size of a relevant error."""
    return gradient_scale(problem) + np.finfo(float).tiny


@drawn
@given(st.data())
def test_sums_equal_the_references(data):
    problem, theta = data.draw(cox_cases())
    ids = data.draw(groups_for(problem))
    loss, n = as_loss(problem), problem.n_rows
    unit = unit_of(problem) * problem.event.sum()
    for b in (np.ones(n), without(n, members_of(ids)[0])):
        value = float(cox_value(problem, theta, b))
        assert loss.value(theta, b) == pytest.approx(value, rel=ROUNDING, abs=ROUNDING)
        gradient = cox_gradient(problem, theta, b)
        assert relative_error(loss.gradient(theta, b)[None], gradient[None], unit) < ROUNDING
        hessian = cox_hessian(problem, theta, b)
        assert relative_error(loss.hessian(theta, b), hessian, unit * unit.max()) < ROUNDING
    gradient = cox_gradient(problem, theta)
    assert relative_error(loss.gradient(theta)[None], gradient[None], unit) < ROUNDING
    hessian = cox_hessian(problem, theta)
    assert relative_error(loss.hessian(theta), hessian, unit * unit.max()) < ROUNDING


@drawn
@given(st.data())
def test_removals_equal_the_references(data):
    problem, theta = data.draw(cox_cases())
    ids = data.draw(groups_for(problem))
    loss, removals, groups = as_loss(problem), Removals.of_groups(ids), members_of(ids)
    unit = unit_of(problem)
    D, weighted, reduced = cox_changes(problem, theta, groups)
    assert relative_error(loss.gradient_differences(theta, removals), D, unit) < ROUNDING
    assert relative_error(loss.weight_gradients(theta, removals), weighted, unit) < ROUNDING
    found = loss.reduced_hessians(theta, removals)
    size = unit.max() * unit * problem.event.sum()
    assert relative_error(found.reshape(-1, len(unit)), reduced.reshape(-1, len(unit)), size) < (
        ROUNDING
    )


def test_hessians_without_few_of_many_rows_are_summed_afresh():
    """Eight removals of 800 rows: the same as those of all the rows at once."""
    rng = np.random.default_rng(0)
    X, time = rng.normal(size=(800, 3)), np.ceil(20 * rng.exponential(size=800))
    loss = Cox(X, time, rng.random(800) < 0.7, entry=time * rng.uniform(0, 0.5, 800), penalty=0.5)
    theta, each = np.array([0.5, -0.3, 0.1]), loss.each()
    few = each.take(np.array([7, 3, 700, 1, 2, 4, 5, 6]))
    expected = loss.reduced_hessians(theta, each)[[7, 3, 700, 1, 2, 4, 5, 6]]
    assert relative_error(loss.reduced_hessians(theta, few), expected) < ROUNDING


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("name", CASES)
def test_log_likelihood_of_r(name, ties):
    case = load_case(name, ties)
    loss = Cox(
        case.X, case.time, case.event, entry=case.entry, weights=case.weights, strata=case.strata,
        ties=ties,
    )  # fmt: skip
    value = loss.value(case.coef.to_numpy(), loss.everyone())
    assert value == pytest.approx(-case.loglik, rel=ORACLE)
    null = loss.value(np.zeros(len(case.coef)), loss.everyone())
    assert null == pytest.approx(-case.loglik_null, rel=ORACLE)


@drawn
@given(cox_cases(strata=("few", "many"), theta=("near zero",)))
def test_strata_are_separate_sums(case):
    problem, theta = case
    whole, penalty = as_loss(problem), 0.0
    if problem.penalty is not None:
        penalty = 0.5 * theta @ problem.penalty @ theta
    total, gradient = penalty, np.zeros_like(theta)
    for stratum in np.unique(problem.strata):
        rows = np.flatnonzero(problem.strata == stratum)
        if problem.event[rows].any():
            part = as_loss(replace(problem.take(rows), strata=None, penalty=None))
            total += part.value(theta, part.everyone())
            gradient += part.gradient(theta)
    assert whole.value(theta, whole.everyone()) == pytest.approx(total, rel=ROUNDING, abs=ROUNDING)
    if problem.penalty is not None:
        gradient += problem.penalty @ theta
    unit = unit_of(problem) * problem.event.sum()
    assert relative_error(whole.gradient(theta)[None], gradient[None], unit) < ROUNDING


@drawn
@given(cox_fits(weights=("integer",), ties=("breslow",), max_rows=15))
def test_integer_weights_are_duplicated_rows(fit):
    """Under Breslow: a row of weight k is k rows that leave together."""
    problem, theta = fit
    again, copies = repeated(problem)
    weighted, duplicated = as_loss(problem), as_loss(again)
    unit = unit_of(problem)
    D = duplicated.gradient_differences(theta, Removals.of_groups(copies))
    assert relative_error(weighted.gradient_differences(theta), D, unit) < ROUNDING
    slopes = duplicated.weight_gradients(theta, Removals.of_groups(copies))
    assert relative_error(weighted.weight_gradients(theta), slopes, unit) < ROUNDING


@drawn
@given(cox_cases(weights=("none",), ties=("efron",), max_rows=15, theta=("near zero",)))
def test_a_weighted_censored_row_is_duplicated_rows_under_efron(case):
    problem, theta = case
    weights = np.where(problem.event, 1, 3)
    problem = replace(problem, weights=weights.astype(float))
    again, copies = repeated(problem)
    weighted, duplicated = as_loss(problem), as_loss(again)
    value = duplicated.value(theta, duplicated.everyone())
    assert weighted.value(theta, weighted.everyone()) == pytest.approx(
        value, rel=ROUNDING, abs=1e-9
    )
    D = duplicated.gradient_differences(theta, Removals.of_groups(copies))
    assert relative_error(weighted.gradient_differences(theta), D, unit_of(problem)) < ROUNDING


@drawn
@given(st.data())
def test_the_data_of_absent_rows_have_no_effect(data):
    problem, theta = data.draw(cox_cases())
    gone = members_of(data.draw(groups_for(problem)))[0]
    b = without(problem.n_rows, gone)
    if not (problem.event & (b > 0)).any():
        return
    X, time, event = problem.X.copy(), problem.time.copy(), problem.event.copy()
    X[gone] += 1.0
    event[gone] = ~event[gone]
    time[gone] += 3.0
    changed_problem = replace(problem, X=X, time=time, event=event)
    other, loss = as_loss(changed_problem), as_loss(problem)
    value = loss.value(theta, b)
    assert other.value(theta, b) == pytest.approx(value, rel=ROUNDING, abs=ROUNDING)
    # covariates that are equal until an absent row's are changed are rounded only after it
    unit = np.maximum(unit_of(problem), unit_of(changed_problem)) * problem.event.sum()
    changed = other.gradient(theta, b)[None]
    assert relative_error(changed, loss.gradient(theta, b)[None], unit) < ROUNDING


@drawn
@given(cox_cases(theta=("near zero",)))
def test_covariates_may_be_shifted(case):
    problem, theta = case
    moved = as_loss(replace(problem, X=problem.X + 2000.0))
    D = as_loss(problem).gradient_differences(theta)
    # a shift by 2000 rounds X in the 12th digit after the point
    assert relative_error(moved.gradient_differences(theta), D, unit_of(problem)) < 1e-8


def test_a_row_censored_before_the_first_event_has_no_influence():
    rng = np.random.default_rng(0)
    X, time = rng.normal(size=(30, 2)), rng.exponential(size=30) + 1.0
    event = np.arange(30) % 3 > 0
    time[0], event[0] = 0.5, False
    est = vs.minimize(Cox(X, time, event), [0.0, 0.0])
    for method in (vs.vif, vs.classical_if, vs.newton_step, vs.leave_one_out):
        influence = method(est)
        assert (influence.values[0] == 0).all()
        assert influence.status.iloc[0] == "no influence"
        assert (influence.values[1:] != 0).any(axis=1).all()


def test_the_last_one_at_risk_gives_no_nan():
    """Without row 1 nobody is at risk at time 2; with it alone log(r) - log(r) = 0."""
    loss = Cox([[1.0], [2.0]], [1.0, 2.0], [0, 1])
    assert loss.value(np.ones(1), np.array([1.0, 0.0])) == 0
    assert loss.value(np.ones(1), np.array([0.0, 1.0])) == 0
    assert np.isfinite(Loss.gradient(loss, np.ones(1), np.array([1.0, 0.0]))).all()


def test_labels_and_names_are_the_users():
    X = pd.DataFrame({"age": [1.0, 0.0, 2.0]}, index=["c", "a", "b"])
    loss = Cox(X, pd.Series([3.0, 2.0, 1.0], index=X.index), [1, 1, 1])
    assert loss.names == ("age",) and list(loss.labels) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ties": "discrete"}, "`ties` must be one of"),
        ({"penalty": -1.0}, "positive semi-definite"),
        ({"weights": [1.0, 0.0, 1.0]}, "`weights` must be positive"),
        ({"entry": [0.0, 2.0, 0.0]}, "`entry` must be before"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(InvalidInputError, match=message):
        Cox(np.ones((3, 1)), [3.0, 2.0, 1.0], [1, 1, 1], **options)


def test_fractional_tie_counts_are_held():
    """Efron's d counts rows with b > 0: half a row in a tie still is a tie of two."""
    X = np.array([[1.0], [-1.0], [0.5]])
    problem = CoxProblem(X, np.array([1.0, 1.0, 2.0]), np.array([True, True, False]))
    b = np.array([1.0, 0.5, 1.0])
    theta = np.array([0.4])
    value = float(cox_value(problem, theta, b))
    assert as_loss(problem).value(theta, b) == pytest.approx(value, rel=ROUNDING)


@pytest.fixture(scope="module")
def many_rows():
    """Ties, weights, offsets and a penalty: more rows than are summed one by one."""
    rng = np.random.default_rng(7)
    X, T, E = rng.normal(size=(120, 3)), rng.integers(1, 30, 120), rng.random(120) < 0.7
    more = {"weights": rng.uniform(0.5, 2, 120), "offset": rng.normal(size=120)}
    return Cox(X, T, E, penalty=0.1, **more), np.array([0.4, -0.2, 0.1])


def test_slopes_at_one_theta_come_from_differences(many_rows):
    loss, theta = many_rows
    removals = loss.each()
    found, expected = (kind.reduced_slopes_at(loss, theta, removals) for kind in (Cox, Loss))
    for mine, default in zip(found, expected, strict=True):
        assert relative_error(mine, default) < ROUNDING


def test_third_derivatives_are_those_of_the_hessian(many_rows):
    """Forward differences of a step of 0.01 against central ones of a step of 0.0001."""
    loss, theta = many_rows
    step = 1e-4
    ends = [[loss.hessian(theta + s) for s in (h, -h)] for h in step * np.eye(3)]
    expected = np.stack([(up - down) / (2 * step) for up, down in ends])
    found = loss.third_derivatives(theta)
    assert np.abs(found - expected).max() < 0.01 * np.abs(expected).max()
    assert vs.losses.Cox([[0.0], [1.0]], [1, 2], ties="exact").third_derivatives(theta) is None
