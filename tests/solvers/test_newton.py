"""Damped Newton: far starts, no minimum, several problems at once."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize as scipy_minimize

import vifstats as vs
from vifstats.errors import ConvergenceError, LossError
from vifstats.losses.base import Loss
from vifstats.solvers.newton import damped_newton


def problem(f, n_params=1):
    """The loss b[0] f(theta) of one object."""
    return vs.FunctionLoss(lambda theta, b: b[0] * f(theta), 1, n_params)


def log_cosh(theta):
    return anp.sum(anp.logaddexp(theta - 1.0, 1.0 - theta))


def undamped(f, theta, steps=50):
    loss, one = problem(f, len(theta)), np.ones(1)
    for _ in range(steps):
        H = Loss.hessian(loss, theta, one)
        theta = theta - np.linalg.solve(H, Loss.gradient(loss, theta, one))
    return theta


@pytest.mark.parametrize("start", [1.0, 2.5, -3.0, 18.0, -50.0, 1e4])
def test_log_cosh_from_where_undamped_newton_diverges(start):
    """|theta - 1| > 1.09 sends undamped Newton away."""
    est = vs.minimize(problem(log_cosh), [start])
    assert est.theta == pytest.approx([1.0], abs=1e-9)


def test_undamped_newton_does_diverge_there():
    with np.errstate(all="ignore"), pytest.raises(np.linalg.LinAlgError):
        undamped(log_cosh, np.array([2.5]))


@settings(max_examples=30)
@given(st.floats(-15, 15), st.floats(-15, 15))
def test_logistic_from_any_start(a, b):
    x = np.linspace(-2, 2, 30)
    y = (np.arange(30) % 3 > 0).astype(float)

    def f(theta, d):
        eta = theta[0] + theta[1] * d[0]
        return anp.logaddexp(0.0, eta) - d[1] * eta

    loss = vs.MEstimator(f, (x, y))
    near, far = vs.minimize(loss, [0.0, 0.0]), vs.minimize(loss, [a, b])
    assert (np.abs(far.theta - near.theta) / near.standard_errors).max() < 1e-8


def test_rosenbrock():
    """A curved valley with an indefinite Hessian on the way."""
    est = vs.minimize(
        problem(lambda t: 100 * (t[1] - t[0] ** 2) ** 2 + (1 - t[0]) ** 2, 2), [-1.2, 3.0]
    )
    assert est.theta == pytest.approx([1.0, 1.0], abs=1e-8)


def test_agrees_with_scipy():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 3)), rng.poisson(2.0, 50)

    def f(theta):
        return anp.sum(anp.exp(anp.dot(X, theta)) - y * anp.dot(X, theta))

    est = vs.minimize(problem(f, 3), np.zeros(3))
    assert est.theta == pytest.approx(scipy_minimize(f, np.zeros(3), tol=1e-10).x, abs=1e-5)


def test_a_value_that_ends_somewhere_is_searched_back_from():
    """A log barrier: the first full Newton step lands where the value is nan."""
    with np.errstate(invalid="ignore"):
        est = vs.minimize(problem(lambda t: t[0] - 0.01 * anp.log(t[0])), [1.0])
    assert est.theta == pytest.approx([0.01], rel=1e-8)


@pytest.mark.parametrize(
    "f",
    [
        lambda t: anp.exp(t[0]),
        lambda t: t[0],
        lambda t: -(t[0] ** 2),
        lambda t: anp.logaddexp(0.0, -t[0]),
        lambda t: anp.logaddexp(0.0, -1e6 * t[0]),
        lambda t: anp.logaddexp(0.0, t[0]) - t[0],
        lambda t: anp.logaddexp(0.0, 1e3 * t[0]) - 1e3 * t[0],
    ],
    ids=["exp", "linear", "concave", "separated", "other units", "rounds to 0", "so too, in units"],
)
def test_no_minimum_is_an_error(f):
    """The last two have gradient and Hessian exactly 0 from about 37 units on."""
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(ConvergenceError):
        vs.minimize(problem(f), [1e-7])


def test_the_message_says_how_far_it_came():
    with pytest.raises(ConvergenceError, match="last Newton step was .* minimum lies at infinity"):
        vs.minimize(problem(lambda t: anp.logaddexp(0.0, -t[0])), [0.0])


def test_too_few_steps_are_an_error():
    with pytest.raises(ConvergenceError):
        vs.minimize(problem(log_cosh), [3.0], max_steps=2)


def test_a_start_without_value_is_an_error():
    with np.errstate(all="ignore"), pytest.raises(LossError, match="finite"):
        vs.minimize(problem(lambda t: anp.log(t[0])), [-1.0])


def quartics(centres):
    """Problems sum (theta - c)^4 + (theta - c)^2, and how often each was evaluated."""
    seen = np.zeros(len(centres), dtype=int)

    def slopes(rows, thetas):
        seen[rows] += 1
        d = thetas - centres[rows]
        return (d**4 + d**2).sum(axis=1), 4 * d**3 + 2 * d

    def curvatures(rows, thetas):
        d = thetas - centres[rows]
        return np.einsum("ki,ij->kij", 12 * d**2 + 2, np.eye(thetas.shape[1]))

    return slopes, curvatures, seen


def test_problems_do_not_wait_for_each_other():
    centres = np.array([[0.0, 0.0], [3.0, -2.0], [400.0, 1.0]])
    slopes, curvatures, seen = quartics(centres)
    minima = damped_newton(slopes, curvatures, np.zeros((3, 2)))
    assert minima.converged.all()
    assert minima.thetas == pytest.approx(centres, rel=1e-8, abs=1e-8)
    assert seen[0] < seen[1] < seen[2]


def test_together_as_alone():
    centres = np.array([[0.5], [3.0], [40.0]])
    slopes, curvatures, _ = quartics(centres)
    together = damped_newton(slopes, curvatures, np.zeros((3, 1)))
    for k in range(3):
        slopes, curvatures, _ = quartics(centres[[k]])
        alone = damped_newton(slopes, curvatures, np.zeros((1, 1)))
        assert alone.thetas[0] == together.thetas[k]


def exponentials(n):
    """Problems sum e^x - c'x of three mixtures x of parameters, each with a c of its own."""
    rng = np.random.default_rng(4)
    A, c = rng.normal(size=(3, 3)), np.exp(rng.normal(0, 0.05, (n, 3)))
    seen = np.zeros(n, dtype=int)

    def slopes(rows, thetas):
        seen[rows] += 1
        x = thetas @ A.T
        return np.exp(x).sum(axis=1) - (c[rows] * x).sum(axis=1), (np.exp(x) - c[rows]) @ A

    def curvatures(rows, thetas):
        return np.einsum("ki,ij,il->kjl", np.exp(thetas @ A.T), A, A)

    third = np.einsum("ij,il,im->jlm", A, A, A)  # at theta = 0
    return slopes, curvatures, third, seen, np.linalg.solve(A, np.log(c).T).T


@pytest.mark.parametrize("share", [1.0, -3.0, 1e3, np.nan], ids="{} of the true ones".format)
def test_third_derivatives_change_how_often_a_problem_is_evaluated_and_not_its_end(share):
    slopes, curvatures, third, seen, minima = exponentials(20)
    start = np.zeros((20, 3))
    found = damped_newton(slopes, curvatures, start, third=share * third, unit=1.0)
    assert found.converged.all()
    assert found.thetas == pytest.approx(minima, abs=1e-8)
    if share == 1:
        foreseen = seen.sum()
        seen[:] = 0
        damped_newton(slopes, curvatures, start, unit=1.0)
        assert foreseen <= 0.7 * seen.sum()


@pytest.mark.parametrize("third", [None, np.full((1, 1, 1), -1.0)], ids=["plain", "third"])
def test_a_hessian_from_where_the_loss_was_steeper_ends_no_problem(third):
    """exp(-theta) + least^2 exp(theta) falls far and flat; its rounding is that of 1."""
    least = 10.0 ** -np.linspace(5.0, 8.0, 25)

    def slopes(rows, thetas):
        down, up = np.exp(-thetas[:, 0]), least[rows] ** 2 * np.exp(thetas[:, 0])
        return 1.0 + (down + up) - 1.0, (up - down)[:, None]

    def curvatures(rows, thetas):
        up = least[rows, None] ** 2 * np.exp(thetas)
        return (np.exp(-thetas) + up)[:, :, None]

    # a full fit's step may be this long at most
    options = {"third": third, "unit": 1.0, "reach": np.array([0.8])}
    found = damped_newton(slopes, curvatures, np.zeros((25, 1)), **options)
    assert found.converged.all()
    error = np.abs(found.thetas[:, 0] + np.log(least)) * np.sqrt(2 * least)
    assert error.max() < 1e-9


def test_fixed_parameters_stay():
    slopes, curvatures, _ = quartics(np.array([[1.0, 2.0]]))
    minima = damped_newton(slopes, curvatures, np.zeros((1, 2)), fixed=np.array([[True, False]]))
    assert minima.converged.all()
    assert minima.thetas[0] == pytest.approx([0.0, 2.0], abs=1e-8)


def test_flat_is_not_converged():
    """Gradient and Hessian round to 0 on the way: in standard errors that is no minimum."""

    def slopes(rows, thetas):
        near = thetas < 1.0
        return np.where(near, 1.0 - thetas, 0.0)[:, 0], np.where(near, -1.0, 0.0)

    def curvatures(rows, thetas):
        return np.where(thetas < 1.0, 1.0, 1e-16)[:, :, None]

    start = np.array([[0.5]])
    assert not damped_newton(slopes, curvatures, start, scale=np.ones(1)).converged[0]
    assert damped_newton(slopes, curvatures, start, scale=np.array([1e8])).converged[0]


def test_flat_from_the_start_is_another_unit():
    """An object that held almost all curvature of a parameter is gone: what is left is its own."""

    def slopes(rows, thetas):
        return 0.5e-16 * (thetas[:, 0] - 3.0) ** 2, 1e-16 * (thetas - 3.0)

    def curvatures(rows, thetas):
        return np.full((len(rows), 1, 1), 1e-16)

    minima = damped_newton(slopes, curvatures, np.zeros((1, 1)), unit=1e-8, scale=np.ones(1))
    assert minima.converged[0] and minima.thetas[0, 0] == pytest.approx(3.0)


def test_whether_it_is_flat_is_asked_where_the_problem_ended():
    """The Hessian at the start is indefinite, and kept: its size makes the very step needed."""

    def slopes(rows, thetas):
        return 0.5 * thetas[:, 0] ** 2, thetas

    def curvatures(rows, thetas):
        return np.where(thetas > 1.0, -1.0, 1.0)[:, :, None]

    minima = damped_newton(slopes, curvatures, np.array([[2.0]]), scale=np.ones(1))
    assert minima.thetas[0, 0] == 0.0 and minima.converged[0]


def test_nothing_to_minimise():
    slopes, curvatures, _ = quartics(np.empty((0, 2)))
    assert damped_newton(slopes, curvatures, np.empty((0, 2))).thetas.shape == (0, 2)
