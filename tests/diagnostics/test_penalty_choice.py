"""A ridge penalty chosen by cross-validation."""

from __future__ import annotations

import numpy as np
import pytest
from cases import BY_NAME
from oracles import load_case

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses.row_losses import SquaredError

GRID = [0.0, 3.0, 30.0, 300.0]


def noise() -> vs.Estimate:
    """Twelve covariates, two of which matter."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 12)) * np.geomspace(0.1, 10, 12)
    time = rng.exponential(np.exp(-0.5 * X[:, 0] / 0.1 - 0.05 * X[:, 11]))
    loss = vs.losses.Cox(X, time, rng.random(120) < 0.8)
    return vs.minimize(loss, np.zeros(12))


def test_newton_chooses_what_refits_choose():
    est = noise()
    choices = {m: vs.choose_penalty(est, GRID, method=m) for m in ("newton", "refit")}
    newton, refit = (choices[m].table["loglik"] for m in ("newton", "refit"))
    assert choices["newton"].penalty == choices["refit"].penalty == 30.0
    assert (newton - refit).abs().max() < 0.001 * abs(refit.max())
    assert "PenaltyChoice: 30" in repr(choices["newton"])


def test_each_line_is_a_fit_with_its_penalty():
    est = noise()
    found = vs.choose_penalty(est, GRID)
    variances = est.loss.data.X.var(axis=0, ddof=1)
    data = est.loss.data
    for value in GRID:
        loss = vs.losses.Cox(data.X, data.time, data.event, penalty=value * variances)
        own = vs.minimize(loss, np.zeros(12))
        line = found.table.loc[value]
        assert line["loglik"] == pytest.approx(vs.cross_validated_loglik(own).loglik, rel=1e-8)
        freedom = np.trace(np.linalg.solve(own.hessian, own.hessian - np.diag(value * variances)))
        assert line["df"] == pytest.approx(freedom)
    assert found.table["df"].is_monotonic_decreasing and found.table["df"][0.0] == pytest.approx(12)
    chosen = vs.losses.Cox(data.X, data.time, data.event, penalty=found.penalty * variances)
    assert found.estimate.theta == pytest.approx(vs.minimize(chosen, np.zeros(12)).theta, rel=1e-6)


def test_an_intercept_is_not_penalised_by_default():
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(30), rng.normal(size=30)])
    y = 5 + rng.normal(size=30)
    est = vs.minimize(vs.losses.LinearPredictor(SquaredError(), X, y), np.zeros(2))
    found = vs.choose_penalty(est, [1e6])
    assert found.estimate.theta == pytest.approx([y.mean(), 0.0], abs=1e-3)
    by_hand = vs.choose_penalty(est, [1e9], scale=[1.0, 1.0])
    assert by_hand.estimate.theta == pytest.approx([0.0, 0.0], abs=1e-5)


def test_groups_stay_together():
    case = load_case("heart", "efron")
    loss = vs.losses.Cox(case.X, case.time, case.event, entry=case.entry)
    est = vs.minimize(loss, np.zeros(4), groups=case.id)
    found = vs.choose_penalty(est, [0.0, 1.0])
    assert len(vs.cross_validated_loglik(found.estimate).contributions) == 103


@pytest.mark.parametrize(
    ("penalties", "message"),
    [([], "at least one number"), ([-1.0], "finite and >= 0"), ([np.inf], "finite and >= 0")],
)
def test_bad_input(penalties, message):
    with pytest.raises(InvalidInputError, match=message):
        vs.choose_penalty(BY_NAME["cox efron"].estimate(), penalties)


def test_losses_without_a_ridge():
    with pytest.raises(InvalidTypeError, match="this loss is a FunctionLoss"):
        vs.choose_penalty(BY_NAME["ranking"].estimate(), [1.0])
