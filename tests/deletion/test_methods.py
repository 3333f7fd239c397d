"""vif, classical_if and newton_step: the sign, the definitions, and how they relate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cases import BY_NAME, CASES
from hypothesis import given, settings
from hypothesis import strategies as st
from references import dfbeta_if, dfbeta_newton, dfbeta_vif, gradient_scale
from strategies import cox_fits, groups_for, members_of
from tolerances import CONVERGED_FIT, ROUNDING, relative_error

import vifstats as vs
from vifstats.losses import Cox
from vifstats.losses.base import Loss
from vifstats.solvers import Cholesky

EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=str)
COX_CASES = pytest.mark.parametrize("case", [c for c in CASES if c.name.startswith("cox")], ids=str)
METHODS = [vs.vif, vs.classical_if, vs.newton_step]


def case_and_method(cases):
    """Every case with every method that it has."""
    pairs = [(c, m) for c in cases for m in METHODS if c.fractional or m is not vs.classical_if]
    return pytest.mark.parametrize(("case", "method"), pairs, ids=_name)


def _name(value) -> str:
    return getattr(value, "__name__", str(value))


EVERY_CASE_AND_METHOD = case_and_method(CASES)


def five_groups(case) -> np.ndarray:
    """Labels in an order of their own, one per object."""
    return np.array(["e", "b", "d", "a", "c"])[np.random.default_rng(2).integers(0, 5, case.n)]


def solved(H: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """H^-1 of each row; where the gauge makes H singular, the shortest of all solutions."""
    return np.linalg.lstsq(H, np.atleast_2d(rows).T, rcond=1e-10)[0].T.reshape(rows.shape)


def error_where_kept(found: np.ndarray, expected: np.ndarray) -> float:
    """Both must leave out the same parameters, those owned."""
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    return relative_error(np.nan_to_num(found), np.nan_to_num(expected))


def test_the_sign_is_full_minus_without():
    """The mean of 0, 0, 0, 8 is 2, and 0 without the 8: the 8 pulls it up by 2."""
    y = np.array([0.0, 0.0, 0.0, 8.0])
    est = vs.minimize(vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y), [0.0])
    assert vs.vif(est).values.ravel() == pytest.approx([-0.5, -0.5, -0.5, 1.5])
    assert vs.classical_if(est).values.ravel() == pytest.approx([-0.5, -0.5, -0.5, 1.5])
    assert vs.newton_step(est).values.ravel() == pytest.approx([-2 / 3, -2 / 3, -2 / 3, 2.0])
    assert vs.leave_one_out(est).values.ravel() == pytest.approx([-2 / 3, -2 / 3, -2 / 3, 2.0])


@EVERY_CASE
def test_equation_4_from_the_automatic_defaults(case):
    est = case.estimate()
    removals, H = est.removals(), Loss.hessian(est.loss, est.theta)
    D = Loss.gradient_differences(est.loss, est.theta, removals)
    owned = est.loss.owned_mask(removals, len(est.theta))
    kept = np.ones_like(D, dtype=bool) if owned is None else ~owned
    pairs = [(vs.vif, D)]
    if case.fractional:
        pairs.append((vs.classical_if, Loss.weight_gradients(est.loss, est.theta, removals)))
    for method, rows in pairs:
        expected, found = -solved(H, rows), case.influence(method).values
        assert found[kept] == pytest.approx(expected[kept], rel=1e-8, abs=1e-11)
        assert np.isnan(found[~kept]).all()


@EVERY_CASE
def test_newton_solves_with_the_hessian_of_those_who_stay(case):
    est = case.estimate()
    values = case.influence(vs.newton_step).values
    for i in (0, case.n // 2):
        b = est.removals().presence(i)
        free = np.setdiff1d(np.arange(len(est.theta)), list(est.loss.owned(i)))
        H = Loss.hessian(est.loss, est.theta, b)[np.ix_(free, free)]
        D = Loss.gradient(est.loss, est.theta) - Loss.gradient(est.loss, est.theta, b)
        across = case.complement(est.theta, np.flatnonzero(b))
        expected = -across @ np.linalg.solve(across.T @ H @ across, across.T @ D[free])
        assert values[i, free] == pytest.approx(expected, rel=1e-7, abs=1e-10)


@settings(max_examples=25)
@given(st.data())
def test_cox_equals_the_definitions_in_many_digits(data):
    problem, theta = data.draw(cox_fits(covariates=("normal", "binary")))
    ids = data.draw(groups_for(problem))
    loss = Cox(
        problem.X, problem.time, problem.event, entry=problem.entry, weights=problem.weights,
        strata=problem.strata, offset=problem.offset, ties=problem.ties, penalty=problem.penalty,
    )  # fmt: skip
    est, groups = vs.Estimate(loss, theta), members_of(ids)
    unit = np.abs(est.factor.inverse()) @ gradient_scale(problem)
    pairs = [
        (vs.vif(est, groups=ids), dfbeta_vif(problem, theta, groups)),
        (vs.classical_if(est, groups=ids), dfbeta_if(problem, theta, groups)),
    ]
    for found, expected in pairs:
        assert list(found.index) == list(dict.fromkeys(ids))
        assert relative_error(found.values, expected, unit) < ROUNDING
    newton, expected = vs.newton_step(est, groups=ids).values, dfbeta_newton(problem, theta, groups)
    # a reduced Hessian may be as near to singular as it likes: compare where both could solve
    fine = np.isfinite(newton).all(axis=1) & np.isfinite(expected).all(axis=1)
    fine &= np.abs(np.where(fine[:, None], expected, np.inf)).max(axis=1) < 100 * unit.max()
    assert relative_error(newton[fine], expected[fine], unit) < CONVERGED_FIT


@EVERY_CASE_AND_METHOD
def test_order_of_the_rows_has_no_effect(case, method):
    order = np.random.default_rng(3).permutation(case.n)
    est, has = case.estimate(), case.parameters(order)
    permuted = method(vs.Estimate(case.loss(order), est.theta[has]))
    expected = case.influence(method)
    assert list(permuted.index) == list(expected.index[order])
    assert error_where_kept(permuted.values, expected.values[order][:, has]) < 1e-8


@EVERY_CASE_AND_METHOD
def test_labels_are_names_only(case, method):
    """Other numbers, and words, repeated where data are not named, give the same bit for bit."""
    est, rows = case.estimate(), range(case.n)
    for labels in ([i + 1000 for i in rows], [str(i if case.named else i % 3) for i in rows]):
        renamed = method(vs.Estimate(case.loss(labels=labels), est.theta))
        assert list(renamed.index) == labels
        np.testing.assert_array_equal(renamed.values, case.influence(method).values)


@EVERY_CASE_AND_METHOD
def test_some_objects_are_rows_of_the_full_result(case, method):
    est, full = case.estimate(), case.influence(method)
    wanted = [107, 103, 104]
    some = method(est, objects=wanted)
    assert list(some.index) == wanted
    assert error_where_kept(some.values, full.dfbeta.loc[wanted].to_numpy()) < ROUNDING
    mask = np.isin(full.index, wanted)
    assert list(method(est, objects=mask).index) == [103, 104, 107]


@EVERY_CASE_AND_METHOD
def test_groups_leave_together(case, method):
    """Rows in order of first appearance; D of a group is the definition, not a sum over it."""
    est, groups = case.estimate(), five_groups(case)
    result = method(est, groups=groups)
    assert list(result.index) == list(dict.fromkeys(groups))
    one_each = method(est, groups=np.arange(case.n))
    assert error_where_kept(one_each.values, case.influence(method).values) < ROUNDING
    if method is vs.vif:
        b = (groups != groups[0]).astype(float)
        D = Loss.gradient(est.loss, est.theta) - Loss.gradient(est.loss, est.theta, b)
        gone = [k for i in np.flatnonzero(b == 0) for k in est.loss.owned(int(i))]
        D[gone] = 0.0
        expected = -solved(est.hessian, D)
        expected[gone] = np.nan
        assert result.values[0] == pytest.approx(expected, rel=1e-8, nan_ok=True)
    if method is vs.classical_if:  # a derivative is additive
        each = pd.DataFrame(case.influence(method).values)
        by_group = each.groupby(groups, sort=False)
        summed = by_group.agg(lambda column: column.sum(skipna=False)).to_numpy()
        assert error_where_kept(result.values, summed) < ROUNDING


@COX_CASES
def test_vif_comes_near_the_classical_if_as_risk_sets_grow(case):
    """vif - if is a sum of eps^2/(1 - eps): with every row k times it falls like 1/k."""

    def distance(k):
        rows = np.tile(np.arange(case.n), k)
        est = vs.minimize(case.loss(rows), case.start)
        vif, classical = vs.vif(est).values, vs.classical_if(est).values
        return np.linalg.norm(vif - classical) / np.linalg.norm(classical)

    few, more, many = distance(1), distance(16), distance(64)
    assert 0 < many < more < few < 0.5
    assert 3.5 < more / many < 4.5


@settings(max_examples=30)
@given(cox_fits(weights=("integer",), ties=("breslow",), max_rows=15))
def test_integer_weights_are_groups_of_duplicates(fit):
    problem, theta = fit
    copies = np.repeat(np.arange(problem.n_rows), problem.weights.astype(int))
    options = {"ties": "breslow", "penalty": problem.penalty}

    def columns(rows):
        given = {name: getattr(problem, name) for name in ("entry", "strata", "offset")}
        return {name: v[rows] for name, v in given.items() if v is not None} | options

    X, time, event = problem.X, problem.time, problem.event
    weighted = Cox(X, time, event, weights=problem.weights, **columns(np.arange(problem.n_rows)))
    duplicated = Cox(X[copies], time[copies], event[copies], **columns(copies))
    one, many = vs.Estimate(weighted, theta), vs.Estimate(duplicated, theta)
    unit = np.abs(one.factor.inverse()) @ gradient_scale(problem)
    for method in (vs.vif, vs.classical_if):
        together = method(many, groups=copies).values
        assert relative_error(method(one).values, together, unit) < ROUNDING


def test_damping_shrinks_influence():
    est = BY_NAME["least squares"].estimate()
    damped = vs.vif(est, solver=Cholesky(damping=10.0)).values
    D = est.loss.gradient_differences(est.theta)
    expected = -np.linalg.solve(est.hessian + 10 * np.eye(3), D.T).T
    assert relative_error(damped, expected) < ROUNDING
    assert np.linalg.norm(damped) < np.linalg.norm(vs.vif(est).values)


def test_influence_sums_to_nothing_at_the_minimum():
    """Without a penalty the scores of an M-estimator add up to the gradient, 0."""
    values = vs.vif(BY_NAME["poisson"].estimate()).values
    assert np.abs(values.sum(axis=0)).max() < 1e-8 * np.abs(values).max()
