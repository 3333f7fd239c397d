"""Losses of linear predictors: each fast path equals the definition, on random problems."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import least_squares_deletion, m_dfbeta_newton, m_gradient, m_hessian
from strategies import m_estimator_problems
from tolerances import REFERENCE, ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.losses import LinearPredictor, Loss
from vifstats.losses.row_losses import (
    Beta,
    Logistic,
    Multinomial,
    NegativeBinomialP,
    Poisson,
    PoissonGLM,
    Robust,
    RowLoss,
    SquaredError,
    links,
)
from vifstats.losses.row_losses.robust import Huber
from vifstats.removals import Removals

N = 30
ROW_LOSSES: dict[str, tuple[RowLoss, int]] = {
    "least squares": (SquaredError(), 1),
    "logistic": (Logistic(), 1),
    "poisson": (Poisson(), 1),
    "multinomial": (Multinomial(), 2),
    "beta": (Beta(), 2),
    "negative binomial": (NegativeBinomialP(2), 2),
}
KINDS = {
    "least squares": SquaredError(),
    "logistic": Logistic(),
    "poisson": Poisson(),
    "huber": Robust(Huber()),
}


def _loss(name: str, seed: int) -> tuple[LinearPredictor, np.ndarray]:
    """A loss with weights, offset and penalty, and a place where it is smooth."""
    row_loss, q = ROW_LOSSES[name]
    rng = np.random.default_rng(seed)
    designs = tuple(np.column_stack([np.ones(N), rng.normal(size=(N, 2 - k))]) for k in range(q))
    y = {
        "least squares": rng.normal(size=N),
        "logistic": rng.integers(0, 2, N),
        "poisson": rng.poisson(2.0, N),
        "multinomial": rng.integers(0, 3, N),
        "beta": rng.uniform(0.05, 0.95, N),
        "negative binomial": rng.poisson(2.0, N),
    }[name]
    p = sum(X.shape[1] for X in designs)
    loss = LinearPredictor(
        row_loss,
        designs,
        y,
        offset=(rng.normal(size=N) * 0.1, *[None] * (q - 1)),
        weights=rng.uniform(0.5, 2.0, N),
        penalty=rng.uniform(0.1, 1.0, p),
    )
    theta = rng.uniform(-0.2, 0.2, p)
    if name == "negative binomial":
        theta[-2:] = [0.8, 0.05]
    return loss, theta


@pytest.mark.parametrize("name", ROW_LOSSES)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=10)
def test_every_override_equals_automatic_differentiation(name, seed):
    loss, theta = _loss(name, seed)
    rng = np.random.default_rng(seed)
    presence = rng.choice([0.0, 0.4, 1.0], N)
    removals = Removals.of_groups(rng.integers(0, 12, N)) if seed % 2 else loss.each()
    rows = rng.normal(size=(len(removals), len(theta)))
    for args in ((theta,), (theta, presence)):
        assert relative_error(loss.gradient(*args), Loss.gradient(loss, *args), 1.0) <= ROUNDING
        assert relative_error(loss.hessian(*args), Loss.hessian(loss, *args), 1.0) <= ROUNDING
    for method in ("gradient_differences", "weight_gradients", "reduced_hessians"):
        fast, slow = (
            getattr(loss, method)(theta, removals),
            getattr(Loss, method)(loss, theta, removals),
        )
        assert relative_error(fast, slow, 1.0) <= ROUNDING
    fast = loss.reduced_solves(theta, removals, rows)
    slow = Loss.reduced_solves(loss, theta, removals, rows)
    assert np.array_equal(np.isnan(fast), np.isnan(slow))
    assert relative_error(np.nan_to_num(fast), np.nan_to_num(slow)) <= ROUNDING


@pytest.mark.parametrize("name", ROW_LOSSES)
def test_many_thetas_at_once_are_one_after_another(name):
    loss, theta = _loss(name, 1)
    removals = Removals.of_groups(np.arange(N) % 7)
    thetas = theta + np.random.default_rng(0).uniform(-0.02, 0.02, (7, len(theta)))
    for fast, slow in zip(
        loss.reduced_slopes(thetas, removals),
        Loss.reduced_slopes(loss, thetas, removals),
        strict=True,
    ):
        assert relative_error(fast, slow) <= ROUNDING
    fast = loss.reduced_curvatures(thetas, removals)
    assert relative_error(fast, Loss.reduced_curvatures(loss, thetas, removals)) <= ROUNDING


@given(problem=m_estimator_problems())
def test_equals_loops_that_share_no_code(problem):
    penalty = problem.ridge or None
    loss = LinearPredictor(KINDS[problem.kind], problem.X, problem.y, penalty=penalty)
    theta = np.full(problem.X.shape[1], 0.1)
    assert loss.gradient(theta) == pytest.approx(m_gradient(problem, theta), abs=1e-9)
    assert loss.hessian(theta) == pytest.approx(m_hessian(problem, theta), rel=1e-9, abs=1e-9)
    if problem.kind == "huber":
        return
    D = loss.gradient_differences(theta)
    newton = -loss.reduced_solves(theta, loss.each(), D)
    expected = m_dfbeta_newton(problem, theta)
    usable = np.isfinite(newton).all(axis=1)
    assert relative_error(newton[usable], expected[usable]) <= 1e-7


def test_newton_is_exact_deletion_for_least_squares():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    est = vs.minimize(LinearPredictor(SquaredError(), X, y), np.zeros(3))
    expected = least_squares_deletion(X, y)
    assert relative_error(vs.newton_step(est).values, expected) <= REFERENCE * 100
    assert relative_error(vs.leave_one_out(est).values, expected) <= ROUNDING


def test_a_row_of_leverage_one_cannot_be_removed():
    X = np.column_stack([np.ones(6), [1.0, 0, 0, 0, 0, 0]])
    est = vs.minimize(LinearPredictor(SquaredError(), X, np.arange(6.0)), np.zeros(2))
    newton = vs.newton_step(est).values
    assert np.isnan(newton[0]).all()
    assert np.isfinite(newton[1:]).all()
    assert est.loss.leverages(est.theta)[0] == pytest.approx(1.0)


def test_leverages_sum_to_the_number_of_parameters_and_are_in_the_summary():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(25, 3)), rng.integers(0, 2, 25)
    est = vs.minimize(LinearPredictor(Logistic(), X, y), np.zeros(3))
    frame = vs.vif(est).summary_frame()
    assert frame.hat_diag.sum() == pytest.approx(3.0)
    assert "hat_diag" not in vs.vif(est, groups=np.arange(25) // 2).summary_frame()


def test_absent_rows_are_not_evaluated():
    # at this theta the mean of the second row is negative, outside the family
    loss = LinearPredictor(PoissonGLM(links.Identity()), [[1.0], [-1.0]], [1.0, 1.0])
    theta, presence = np.array([2.0]), np.array([1.0, 0.0])
    assert Loss.gradient(loss, theta, presence) == pytest.approx([0.5])
    assert loss.value(theta, np.zeros(2)) == 0.0


def test_names_and_labels_come_from_the_frames():
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=["x", "y", "z"])
    loss = LinearPredictor(SquaredError(), X, pd.Series([1.0, 2.0, 2.0], index=X.index))
    assert loss.names == ("a",)
    assert list(loss.labels) == ["x", "y", "z"]
    both = LinearPredictor(Multinomial(), (X, X), [0, 1, 2])
    assert both.names == ("0:a", "1:a")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y": [1.0, np.nan, 2.0]}, "`y` must be finite"),
        ({"y": [1.0, 2.0]}, "inconsistent numbers of samples"),
        ({"weights": [1.0, 0.0, 1.0]}, "rows of weight 0"),
        ({"X": ([[1.0], [2.0], [3.0]], [[1.0], [2.0]])}, "must have the same rows"),
        ({"offset": [0.0, np.inf, 0.0]}, "`offset` must be finite"),
    ],
)
def test_bad_input_is_named(changes, words):
    given = {"X": [[1.0], [2.0], [3.0]], "y": [1.0, 2.0, 2.0]} | changes
    with pytest.raises(InvalidInputError, match=words):
        LinearPredictor(SquaredError(), given.pop("X"), given.pop("y"), **given)
