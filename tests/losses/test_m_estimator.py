"""M-estimators against row-by-row references, and the two routes to their influence."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from references import (
    HUBER,
    MProblem,
    fit_m,
    m_gradient,
    m_hessian,
    m_scores,
    m_value,
    without,
)
from strategies import m_estimator_problems
from tolerances import REFERENCE, ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError, LossError
from vifstats.losses.base import Loss


def _huber(theta, d):
    size = anp.abs(d[1] - anp.dot(d[0], theta))
    return anp.where(size <= HUBER, 0.5 * size**2, HUBER * (size - 0.5 * HUBER))


def _logistic(theta, d):
    eta = anp.dot(d[0], theta)
    return anp.logaddexp(0.0, eta) - d[1] * eta


def _poisson(theta, d):
    eta = anp.dot(d[0], theta)
    return anp.exp(eta) - d[1] * eta


ROWS = {
    "least squares": lambda theta, d: 0.5 * (d[1] - anp.dot(d[0], theta)) ** 2,
    "logistic": _logistic,
    "poisson": _poisson,
    "huber": _huber,
}


def as_loss(problem: MProblem) -> vs.MEstimator:
    """The problem of the references as a loss."""
    ridge = problem.ridge
    return vs.MEstimator(
        ROWS[problem.kind],
        (problem.X, problem.y),
        penalty=lambda theta: 0.5 * ridge * anp.sum(theta**2),
    )


@settings(max_examples=30)
@given(m_estimator_problems())
def test_sums_equal_the_references(problem):
    loss, n = as_loss(problem), len(problem.y)
    theta, _ = fit_m(problem)
    theta = theta + 0.1
    for b in (np.ones(n), without(n, [0, n - 1]), np.linspace(0, 1, n)):
        assert loss.value(theta, b) == pytest.approx(m_value(problem, theta, b), rel=REFERENCE)
        unit = np.abs(m_scores(problem, theta)).sum(axis=0)
        gradient = m_gradient(problem, theta, b)
        assert relative_error(loss.gradient(theta, b)[None], gradient[None], unit) < REFERENCE
        assert relative_error(loss.hessian(theta, b), m_hessian(problem, theta, b)) < ROUNDING
    assert relative_error(loss.scores(theta), m_scores(problem, theta)) < ROUNDING
    without_each = [m_hessian(problem, theta, without(n, i)) for i in range(n)]
    found = loss.reduced_hessians(theta).reshape(n, -1)
    assert relative_error(found, np.reshape(without_each, (n, -1)), 1.0) < ROUNDING


@settings(max_examples=30)
@given(m_estimator_problems())
def test_vif_is_the_classical_influence_function(problem):
    """Two routes that share no code: removal of the row, and the derivative in its weight."""
    est = vs.Estimate(as_loss(problem), fit_m(problem)[0])
    removed = -est.solve(Loss.gradient_differences(est.loss, est.theta))
    weighted = -est.solve(Loss.weight_gradients(est.loss, est.theta))
    unit = np.abs(weighted).max() + np.finfo(float).tiny
    assert relative_error(removed, weighted, unit) < ROUNDING
    assert relative_error(vs.vif(est).values, weighted, unit) < ROUNDING
    assert (vs.vif(est).values == vs.classical_if(est).values).all()


@settings(max_examples=10)
@given(m_estimator_problems(kinds=("least squares",)))
def test_newton_is_exact_for_least_squares(problem):
    est = vs.minimize(as_loss(problem), np.zeros(problem.X.shape[1]))
    newton, refits = vs.newton_step(est).values, vs.leave_one_out(est).values
    assert (np.isfinite(newton) == np.isfinite(refits)).all()
    finite = np.isfinite(newton).all(axis=1)
    unit = est.standard_errors
    assert relative_error(newton[finite], refits[finite], unit) < 1e-8


def test_labels_come_from_a_frame():
    frame = pd.DataFrame({"y": [1.0, 2.0, 6.0]}, index=["ann", "bob", "cid"])
    loss = vs.MEstimator(lambda theta, d: (d["y"].to_numpy() - theta[0]) ** 2, frame)
    assert list(loss.labels) == ["ann", "bob", "cid"]
    assert list(vs.vif(vs.minimize(loss, [0.0])).dfbeta.index) == ["ann", "bob", "cid"]
    named = vs.MEstimator(lambda theta, d: (d[0] - theta[0]) ** 2, (np.ones(2),), labels=["a", "b"])
    assert list(named.labels) == ["a", "b"]


def test_data_may_be_a_dict():
    data = {"y": np.array([1.0, 3.0]), "w": np.array([1.0, 3.0])}
    loss = vs.MEstimator(lambda theta, d: d["w"] * (d["y"] - theta[0]) ** 2, data)
    assert vs.minimize(loss, [0.0]).theta == pytest.approx([2.5])


def test_a_sum_instead_of_rows_is_refused():
    loss = vs.MEstimator(lambda theta, y: anp.sum((y - theta[0]) ** 2), np.ones(3))
    with pytest.raises(LossError, match="one value per row"):
        loss.value(np.zeros(1), np.ones(3))


def test_a_number_is_no_data():
    with pytest.raises(InvalidInputError, match="`data` must be"):
        vs.MEstimator(lambda theta, y: theta, 3.0)


def test_an_absent_row_may_be_infinite():
    """0 * inf of an absent row must not become nan."""
    y = np.array([1.0, 2.0, np.inf])
    loss = vs.MEstimator(lambda theta, y: (y - theta[0]) ** 2, y)
    assert loss.value(np.zeros(1), np.array([1.0, 1.0, 0.0])) == 5.0


def _decay(theta, d):
    return 0.5 * (d[1] - theta[0] * anp.exp(-theta[1] * d[0])) ** 2


def _decay_grad(theta, d):
    x, y = d
    e = np.exp(-theta[1] * x)
    r = y - theta[0] * e
    return np.column_stack([-r * e, r * theta[0] * x * e])


def _decay_hess(theta, d):
    x, y = d
    e = np.exp(-theta[1] * x)
    r = y - theta[0] * e
    cross = x * e * (r - theta[0] * e)
    own = theta[0] * x**2 * e * (theta[0] * e - r)
    return np.stack([np.stack([e**2, cross], axis=1), np.stack([cross, own], axis=1)], axis=1)


def test_derivatives_of_the_user_replace_automatic_ones():
    x = np.linspace(0, 4, 15)
    data = (x, 2 * np.exp(-0.5 * x) + 0.1 * np.sin(7 * x))

    def ridge(theta):
        return 0.1 * anp.sum(theta**2)

    ours = vs.MEstimator(_decay, data, penalty=ridge)
    theirs = vs.MEstimator(_decay, data, penalty=ridge, grad=_decay_grad, hess=_decay_hess)
    a, b = vs.minimize(ours, [1.0, 0.3]), vs.minimize(theirs, [1.0, 0.3])
    presence = np.linspace(0, 1, 15)
    for method in ("gradient", "hessian"):
        for args in ((a.theta + 0.1,), (a.theta + 0.1, presence)):
            found, expected = getattr(theirs, method)(*args), getattr(ours, method)(*args)
            assert relative_error(found, expected) < ROUNDING
    for method in (vs.vif, vs.newton_step, vs.leave_one_out):
        assert relative_error(method(b).values, method(a).values) < 1e-7


def test_derivatives_of_a_sum_are_refused():
    loss = vs.MEstimator(lambda theta, y: (y - theta[0]) ** 2, np.ones(3), grad=lambda t, y: [1.0])
    with pytest.raises(LossError, match="`grad` must return derivatives of every row"):
        loss.gradient(np.zeros(1))
