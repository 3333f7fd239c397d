"""leave_one_out: converged, the same however it is computed, nan where there is no minimum."""

from __future__ import annotations

from unittest.mock import MagicMock

import autograd.numpy as anp
import numpy as np
import pandas as pd
import pytest
from cases import BY_NAME, CASES
from separated_designs import separated_without_row_0
from tolerances import CONVERGED_FIT, REFERENCE, relative_error

import vifstats as vs
from vifstats.deletion import refits
from vifstats.errors import ConvergenceError
from vifstats.losses import Cox
from vifstats.solvers import quasi_newton

EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=str)


@EVERY_CASE
def test_vif_against_refits(case):
    methods = (vs.vif, vs.leave_one_out)
    vif, exact = (case.comparable(case.influence(method)) for method in methods)
    agreement = vs.compare(vif, exact)
    shared = agreement.table[agreement.table["n"] > 0]
    assert int(agreement.table["left_out"].sum()) == case.bounds.left_out
    assert shared["slope"].between(*case.bounds.slope).all(), shared["slope"]
    assert shared["pearson"].min() > case.bounds.pearson
    assert shared["largest_relative_error"].max() < case.bounds.largest_relative_error


@EVERY_CASE
def test_newton_comes_nearer_than_vif(case):
    methods = (vs.vif, vs.newton_step, vs.leave_one_out)
    vif, newton, exact = (case.comparable(case.influence(method)) for method in methods)
    bound = case.bounds.newton * vs.compare(vif, exact).frobenius
    assert vs.compare(newton, exact).frobenius <= bound


@EVERY_CASE
def test_refits_are_minima_without_the_object(case):
    """Built without the object and minimised from the start: other data, other path."""
    est = case.estimate()
    values = vs.leave_one_out(est, objects=[100, 100 + case.n // 2, 99 + case.n]).values
    for row, i in zip(values, [0, case.n // 2, case.n - 1], strict=True):
        require_minimum_of(case, np.delete(np.arange(case.n), i), est.theta - row)
        assert np.isnan(row[list(est.loss.owned(i))]).all()


def require_minimum_of(case, rows, theta):
    """That theta is where the loss of these rows is minimised from the start."""
    loss, has = case.loss(rows), case.parameters(rows)
    alone = vs.minimize(loss, np.array(case.start)[has])
    if case.invariants is None:
        se = alone.standard_errors
    else:
        se = np.abs(case.seen(alone.theta, loss)).max()
    there = alone.theta * which_of_two(loss, alone.theta, theta[has])
    distance = case.seen(theta[has], loss) - case.seen(there, loss)
    assert np.abs(distance / se).max() < CONVERGED_FIT


def which_of_two(loss, end, theta):
    """-1 where the loss has the mirror image of a minimum too, and that is the one near theta."""
    at, mirrored = (loss.value(place, loss.everyone()) for place in (end, -end))
    return -1.0 if theta @ end < 0 and mirrored == pytest.approx(at, rel=REFERENCE) else 1.0


@EVERY_CASE
def test_groups_are_refitted_together(case):
    est = case.estimate()
    groups = np.where(np.arange(case.n) < 3, "first three", "others")
    groups[3:] = [f"row {i}" for i in range(3, case.n)]
    row = vs.leave_one_out(est, groups=groups, objects=["first three"]).values[0]
    require_minimum_of(case, np.arange(3, case.n), est.theta - row)


def test_no_curvature_left_is_no_minimum():
    """Two events, one of each kind, at one time: either alone has no minimum, though D is 0."""
    X = [[0.0], [0.0], [1.0], [1.0], [0.0], [0.0], [0.0]]
    T, E = [2, 1, 3, 1, 2, 1, 3], [0, 0, 1, 0, 0, 0, 1]
    est = vs.minimize(Cox(X, T, E, ties="breslow"), [0.0])
    assert not est.loss.gradient_differences(est.theta)[[2, 6]].any()
    exact = vs.leave_one_out(est)
    assert np.isnan(exact.values[[2, 6]]).all() and not exact.exact[[2, 6]].any()
    assert (exact.status.iloc[[2, 6]] == "separation").all()


@pytest.mark.parametrize(
    "name",
    ["cox everything", "logistic ridge", "random effects", "node embedding", "triplet in a plane"],
)
def test_processes_change_nothing(name, monkeypatch):
    """Bit for bit; small blocks, so that there is something to distribute."""
    monkeypatch.setattr(refits, "BLOCK", 8)
    est = BY_NAME[name].estimate()
    serial, parallel = vs.leave_one_out(est), vs.leave_one_out(est, n_jobs=2)
    np.testing.assert_array_equal(serial.values, parallel.values)


@pytest.mark.parametrize(("n_removals", "own_hessians"), [(2, True), (3, True), (5, False)])
def test_nothing_is_prepared_for_copies_that_refits_do_not_use(
    n_removals, own_hessians, monkeypatch
):
    """Third derivatives serve refits by Hessians of their own, no fewer than parameters."""
    monkeypatch.setattr(quasi_newton, "LARGE", np.inf if own_hessians else 1)
    rng = np.random.default_rng(n_removals)
    loss = Cox(rng.normal(size=(40, 3)), rng.exponential(size=40))
    refit = refits.Refit.of(vs.minimize(loss, np.zeros(3)))
    made = MagicMock(wraps=loss.third_derivatives)
    loss.third_derivatives = made
    removals = loss.each().take(np.arange(n_removals))
    refit.prepare(removals)
    prepared = made.call_count
    refit(removals)
    assert (prepared, made.call_count - prepared) == ((1, 1) if n_removals == 3 else (0, 0))


def test_the_reference_is_our_own_fit():
    """From a theta 0.005 standard errors off, refits are the same and still exact."""
    case = BY_NAME["cox efron ties"]
    est = case.estimate()
    off = vs.Estimate(case.loss(), est.theta + 0.005 * est.standard_errors)
    exact, found = vs.leave_one_out(est), vs.leave_one_out(off)
    assert relative_error(found.values, exact.values, est.standard_errors) < CONVERGED_FIT


def test_separation_is_never_a_number():
    est = separated_without_row_0()
    exact = vs.leave_one_out(est)
    assert np.isnan(exact.values[0]).all()
    assert exact.status.iloc[0] == "did not converge"
    assert not exact.exact[0]
    assert exact.exact[1:].all() and (exact.status.iloc[1:] == "ok").all()
    # what is linear in D cannot see it
    for method in (vs.vif, vs.classical_if):
        assert np.isfinite(method(est).values).all()
    assert vs.compare(vs.vif(est), exact).table["left_out"].tolist() == [1, 1]


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_separation_that_rounds_to_a_gradient_of_0(y):
    """All others have y = 1: sigmoid(37) is 1, so gradient and Hessian become exactly 0."""

    def f(theta, d):
        return anp.logaddexp(0.0, theta[0]) - d * theta[0]

    labels = np.array([y] + 6 * [1 - y])
    exact = vs.leave_one_out(vs.minimize(vs.MEstimator(f, labels), [0.0]))
    assert np.isnan(exact.values[0, 0])
    assert exact.exact.tolist() == [False] + 6 * [True]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("unit", [0.01, 1.0, 1000.0])
def test_separation_of_a_cox_model_in_any_unit(seed, unit):
    """Without the only treated row that has an event, the hazard of the treated is 0."""
    rng = np.random.default_rng(seed)
    treated = np.arange(30) < 8
    event = (np.arange(30) == 0) | ~treated
    X = pd.DataFrame({"treated": unit * treated, "age": rng.normal(size=30)})
    # at time 0.1 all are at risk, so the full fit exists
    time = np.where(np.arange(30) == 0, 0.1, 0.1 + rng.exponential(size=30))
    est = vs.minimize(Cox(X, time, event), [0.0, 0.0])
    exact = vs.leave_one_out(est)
    assert np.isnan(exact.values[0]).all() and not exact.exact[0]
    # which of the two depends on whether the loss can tell
    assert exact.status.iloc[0] in ("did not converge", "separation")
    assert exact.exact[1:].all()
    for method in (vs.vif, vs.classical_if):
        assert np.isfinite(method(est).values).all()


def test_who_has_no_influence_has_exactly_0():
    """A row of weight 0 in the loss, at a theta that is a little off."""
    y, w = np.array([1.0, 2.0, 4.0, 50.0]), np.array([1.0, 1.0, 1.0, 0.0])
    loss = vs.MEstimator(lambda theta, d: d[1] * (d[0] - theta[0]) ** 2, (y, w))
    exact = vs.leave_one_out(vs.Estimate(loss, [7 / 3 + 1e-3]))
    assert exact.values[3, 0] == 0 and exact.status.iloc[3] == "no influence"
    assert exact.exact[3]


def test_a_full_fit_without_minimum_is_an_error():
    """theta far out on a separated fit, taken on trust with tol=inf."""
    x = np.linspace(-2, 2, 10)
    y = (x > 0).astype(float)
    loss = vs.MEstimator(
        lambda theta, d: anp.logaddexp(0.0, theta[0] * d[0]) - d[1] * theta[0] * d[0], (x, y)
    )
    with pytest.raises(ConvergenceError, match="full fit"):
        vs.leave_one_out(vs.Estimate(loss, [2.0], tol=np.inf))


@pytest.mark.parametrize("unit", [1e-20, 1.0, 1e6])
def test_a_full_cox_fit_at_infinity_is_named(unit):
    """Every event has the largest x at risk: no row alone does that, and none can undo it."""
    rng = np.random.default_rng(3)
    time, age = np.arange(1.0, 21.0), rng.normal(size=20)
    event, treated = np.arange(20) % 3 > 0, np.arange(20) % 3 > 0
    treated[[2, 19]] = False, True  # the row censored last is treated too
    event[2] = False
    X = pd.DataFrame({"treated": unit * treated, "age": age})
    est = vs.Estimate(Cox(X, time, event), [15.0 / unit, 0.1], tol=np.inf)
    for method in (vs.vif, vs.classical_if):
        assert (method(est).status == "separation").all()
    with pytest.raises(ConvergenceError, match="full fit.*falls for ever.*runs away"):
        vs.leave_one_out(est)
    treated[1] = False
    X = pd.DataFrame({"treated": unit * treated, "age": age})
    here = vs.vif(vs.Estimate(Cox(X, time, event), [3.0 / unit, 0.1], tol=np.inf))
    assert list(here.index[here.status == "separation"]) == [1]


def test_rows_that_the_model_dropped_stay_in_the_result():
    y = np.array([1.0, 3.0, 8.0])
    loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    est = vs.Estimate(loss, [4.0], labels=list("abcde"), kept=np.array([0, 2, 3]))
    for method in (vs.vif, vs.newton_step, vs.leave_one_out):
        result = method(est)
        assert list(result.index) == list("abcde")
        assert result.values[[1, 4]].tolist() == [[0.0], [0.0]]
        assert result.status.tolist() == ["ok", "not in fit", "ok", "ok", "not in fit"]
    assert vs.leave_one_out(est).values[[0, 2, 3], 0] == pytest.approx([-1.5, -0.5, 2.0])


def test_progress_is_shown(capsys):
    vs.leave_one_out(BY_NAME["mean"].estimate(), progress=True)
    assert "refits" in capsys.readouterr().err


def test_no_rows_to_refit():
    est = BY_NAME["mean"].estimate()
    nobody = vs.leave_one_out(est, objects=np.zeros(est.loss.n_objects, dtype=bool))
    assert nobody.values.shape == (0, 1)
