"""The proximal Bregman response: its Hessian, its minimum, and what its influences predict."""

from __future__ import annotations

import numpy as np
import pytest
from networks import LIBRARIES, N_PARAMS, RIDGE, arrays, data, loss_in, network, start
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.solvers import ConjugateGradient

DAMPING = 0.7


@pytest.fixture(scope="module", params=LIBRARIES)
def made(request):
    """A loss whose training stopped where it began, and its proximal estimate."""
    arrays(request.param)
    loss = loss_in(request.param)
    return loss, vs.proximal(loss, loss.theta, DAMPING)


def objective(theta, b):
    """The definition, in autograd: L - g'y + damping / 2 |theta - theta0|^2, with the penalty."""
    import autograd

    scores, likelihood = network("autograd")
    at, everyone = start(), np.ones_like(b)
    slope = autograd.grad(likelihood)(scores(at), everyone)
    near = 0.5 * (DAMPING + RIDGE) * np.sum((theta - at) ** 2)
    return likelihood(scores(theta), b) - slope @ scores(theta) + near


def test_differs_from_the_definition_by_a_constant(made):
    _, est = made
    b = np.where(np.arange(est.loss.n_objects) % 3, 1.0, 0.0)
    places = [start(), start() + 0.3]
    found = [float(est.loss.value(theta, b)) for theta in places]
    assert np.diff(found) == pytest.approx(np.diff([objective(theta, b) for theta in places]))


def test_its_hessian_is_the_gauss_newton_matrix_of_cox(made):
    loss, est = made
    X, time, event = data()
    cox = vs.losses.Cox(X, time, event, ties="breslow")
    tangent = vs.linearized(
        loss.predictions(loss.theta),
        loss.jacobian(loss.theta),
        cox,
        theta=loss.theta,
        penalty=RIDGE + DAMPING,
    )
    assert relative_error(est.hessian, tangent.hessian(loss.theta)) < ROUNDING
    assert np.abs(est.loss.gradient(loss.theta)).max() < 1e-12
    v = np.linspace(-1, 1, N_PARAMS)
    assert relative_error(est.loss.hessian_product(loss.theta, v), est.hessian @ v) < ROUNDING


def test_methods_and_solvers(made):
    _, est = made
    few = np.arange(est.loss.n_objects) % 5 == 0
    vif = vs.vif(est, objects=few)
    by_products = vs.vif(est, objects=few, solver=ConjugateGradient(tol=1e-12))
    assert relative_error(by_products.values, vif.values) < 1e-9
    refits = vs.leave_one_out(est, objects=few)
    steps = vs.truncated_refits(est, objects=few, max_steps=8)
    assert relative_error(steps.values, refits.values) < 1e-6
    error = np.abs(vif.values - refits.values).max()
    assert error < 0.5 * np.abs(refits.values).max()


def test_keeps_its_contract():
    held = vs.proximal(vs.losses.Cox(*data()), [0.3, -0.2], DAMPING).loss
    skip = ["sum"]  # the slope that is taken off is not a sum over objects
    assert vs.check_loss(held, [0.4, 0.1], skip=skip, max_objects=3)


def test_of_a_tangent_and_of_the_network_are_one(made):
    """A loss that is convex in theta needs no outputs."""
    loss, est = made
    X, time, event = data()
    tangent = vs.linearized(
        loss.predictions(loss.theta),
        loss.jacobian(loss.theta),
        vs.losses.Cox(X, time, event, ties="breslow"),
        theta=loss.theta,
        penalty=RIDGE,
    )
    other = vs.proximal(tangent, loss.theta, DAMPING)
    assert relative_error(vs.vif(other).values, vs.vif(est).values) < ROUNDING


def test_a_converged_convex_fit_without_damping_is_itself():
    loss = vs.losses.Cox(*data())
    est = vs.minimize(loss, [0.0, 0.0])
    held = vs.proximal(loss, est.theta, 0.0)
    for method in (vs.vif, vs.classical_if, vs.newton_step, vs.leave_one_out):
        assert relative_error(method(held).values, method(est).values) < 1e-8


def test_arguments():
    loss = vs.losses.Cox(*data())
    with pytest.raises(InvalidInputError, match="`damping` must be"):
        vs.proximal(loss, [0.0, 0.0], -1.0)
    with pytest.raises(InvalidInputError, match="`theta`"):
        vs.proximal(loss, [0.0], 1.0)
    with pytest.raises(InvalidTypeError, match="`loss` must be"):
        vs.proximal("cox", [0.0], 1.0)
