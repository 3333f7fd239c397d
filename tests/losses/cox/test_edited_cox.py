"""Edits of Cox models: against the definition on the edited data, and fresh fits of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import CoxProblem, cox_gradient, cox_hessian, gradient_scale
from rewordings import as_loss
from rossi_edits import KINDS, edited_frame, fit_of, fitted, lifelines_fit
from strategies import cox_cases
from tolerances import CONVERGED_FIT, LIFELINES_FIT, ROUNDING, relative_error

import vifstats as vs
from vifstats.losses import Cox
from vifstats.losses.base import Loss
from vifstats.losses.edited import Edited
from vifstats.removals import Removals

OPTIONS = ("entry", "weights", "strata", "offset", "ties", "penalty")


def randomly_edited(problem: CoxProblem, rng: np.random.Generator) -> CoxProblem:
    """Every row otherwise in some respect: time, status, covariates, weight, stratum."""
    n, p = problem.X.shape
    some = rng.random((5, n)) < 0.5
    step = np.diff(np.unique(problem.time)).min(initial=1.0)
    weights = np.ones(n) if problem.weights is None else problem.weights
    strata = problem.strata
    return replace(
        problem,
        X=problem.X + some[0, :, None] * rng.normal(size=(n, p)) * problem.X.std(axis=0),
        time=problem.time + some[1] * step * rng.integers(0, 4, n),
        event=problem.event ^ some[2],
        weights=weights * np.where(some[3], 2.0, 1.0),
        strata=None if strata is None else np.where(some[4], rng.permutation(strata), strata),
    )


def with_edits(problem: CoxProblem, edited: CoxProblem, members) -> CoxProblem:
    out = {}
    for name in ("X", "time", "event", "entry", "weights", "strata", "offset"):
        old, new = getattr(problem, name), getattr(edited, name)
        if new is None:
            continue
        values = np.array(np.ones(len(new)) if old is None else old, dtype=new.dtype)
        values[members] = new[members]
        out[name] = values
    return replace(problem, **out)


def unit_of(problem: CoxProblem, gradient: np.ndarray, D: np.ndarray) -> np.ndarray:
    """What rounding is measured in, by column; where x is constant, D is 0, and the unit is x."""
    scale = gradient_scale(problem)
    scale = np.where(scale > 0, scale, np.abs(problem.X).max(axis=0))
    return np.maximum(scale, np.abs(gradient)) + np.abs(D).max(axis=0)


def edited_estimate(problem: CoxProblem, edited: CoxProblem, theta: np.ndarray) -> vs.Estimate:
    est = vs.Estimate(as_loss(problem), theta, tol=np.inf)
    return vs.edit(
        est,
        event=edited.event,
        time=edited.time,
        covariates={name: edited.X[:, j] for j, name in enumerate(est.names)},
        weights=edited.weights,
        stratum=edited.strata,
    )


@settings(max_examples=60)
@given(st.data())
def test_gradient_and_hessian_are_those_of_the_edited_data(data):
    problem, theta = data.draw(cox_cases())
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    edited = randomly_edited(problem, rng)
    loss = edited_estimate(problem, edited, theta).loss
    full = cox_gradient(problem, theta), cox_hessian(problem, theta)
    every = [with_edits(problem, edited, [i]) for i in range(problem.n_rows)]
    D = np.stack([full[0] - cox_gradient(one, theta) for one in every])
    H = np.stack([cox_hessian(one, theta) for one in every])
    unit = unit_of(problem, full[0], D)
    assert relative_error(loss.gradient_differences(theta), D, unit) < ROUNDING
    size = unit.max() * np.ptp(problem.X, axis=0).max() * problem.event.sum()
    floor = max(size, np.abs(H).max())
    assert relative_error(loss.reduced_hessians(theta), H, floor) < ROUNDING


@settings(max_examples=30)
@given(st.data())
def test_edits_made_together_are_those_of_the_data_with_all_of_them(data):
    problem, theta = data.draw(cox_cases())
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    edited = randomly_edited(problem, rng)
    loss = edited_estimate(problem, edited, theta).loss
    removals = Removals.of_groups(rng.integers(0, 3, problem.n_rows))
    full = cox_gradient(problem, theta)
    together = [with_edits(problem, edited, members) for members in removals]
    D = np.stack([full - cox_gradient(one, theta) for one in together])
    unit = unit_of(problem, full, D)
    assert relative_error(loss.gradient_differences(theta, removals), D, unit) < ROUNDING


@settings(max_examples=20)
@given(st.data())
def test_the_kernel_is_the_automatic_derivative_of_the_stack(data):
    problem, theta = data.draw(cox_cases(max_rows=15))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    loss = edited_estimate(problem, randomly_edited(problem, rng), theta).loss
    plain = Edited(loss.stacked, loss.rows)
    D = Loss.gradient_differences(plain, theta)
    unit = unit_of(problem, np.zeros(problem.n_params), D)
    assert relative_error(loss.gradient_differences(theta), D, unit) < ROUNDING


@pytest.fixture(scope="module")
def rossi():
    return fitted()


@pytest.mark.parametrize("kind", KINDS)
def test_refits_are_fits_of_the_edited_table(rossi, kind):
    d, est = rossi
    edits = vs.edit(est, **KINDS[kind])
    some = list(range(0, 432, 22))
    refits = vs.leave_one_out(edits, objects=some)
    fresh = [fit_of(edited_frame(d, kind, i), est.theta).theta for i in some]
    unit = est.standard_errors
    assert np.abs((refits.params_without.to_numpy() - fresh) / unit).max() < CONVERGED_FIT


@pytest.mark.parametrize("kind", KINDS)
def test_refits_are_lifelines_fits_of_the_edited_table(rossi, kind):
    """Five of them: python -m validation.benchmarks.edits has twenty."""
    d, est = rossi
    edits = vs.edit(est, **KINDS[kind])
    some = list(range(5, 432, 86))
    refits = vs.leave_one_out(edits, objects=some)
    for row, i in enumerate(some):
        difference = refits.params_without.iloc[row] - lifelines_fit(edited_frame(d, kind, i))
        assert np.abs(difference / est.standard_errors).max() < LIFELINES_FIT


@pytest.mark.parametrize("kind", KINDS)
def test_approximations_are_near_the_refits(rossi, kind):
    edits = vs.edit(rossi[1], **KINDS[kind])
    refits = vs.leave_one_out(edits).values
    spread = refits.std(axis=0)
    for method, bound in ((vs.vif, 0.998), (vs.newton_step, 0.9997)):
        pair = [(values / spread).ravel() for values in (method(edits).values, refits)]
        assert np.corrcoef(*pair)[0, 1] >= bound


def test_a_row_that_dominates_its_risk_sets_loses_no_digits():
    X = np.array([[0.0], [1.0], [40.0], [2.0], [0.5]])
    loss = Cox(X, [1.0, 2.0, 5.0, 3.0, 4.0], [1, 1, 0, 1, 1])
    est = vs.Estimate(loss, [1.0], tol=np.inf)
    edits = vs.edit(est, covariates={est.names[0]: lambda x: x - 39}, rows=[2])
    gone = CoxProblem(
        X - 39 * (X == 40), np.array([1.0, 2, 5, 3, 4]), np.array([1, 1, 0, 1, 1], bool)
    )
    before = CoxProblem(X, gone.time, gone.event)
    D = cox_gradient(before, np.ones(1)) - cox_gradient(gone, np.ones(1))
    assert relative_error(edits.loss.gradient_differences(np.ones(1))[0], D) < ROUNDING
