"""What JAX and PyTorch compute is what autograd computes of the same loss."""

from __future__ import annotations

import numpy as np
import pytest
from networks import LIBRARIES, N_PARAMS, RIDGE, N, arrays, loss_in, network, start
from numpy.testing import assert_array_equal
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError, LossError
from vifstats.losses import Loss
from vifstats.losses.testing import RULES
from vifstats.removals import Removals

pytestmark = pytest.mark.parametrize("library", LIBRARIES)

AUTOGRAD = loss_in("autograd")
HALF = np.where(np.arange(N) % 2, 1.0, 0.5)


@pytest.fixture(scope="module")
def losses():
    """One of each library for all tests, since JAX compiles each anew."""
    made = {}
    return lambda library: made.setdefault(library, loss_in(library))


def test_derivatives(library, losses):
    loss, theta = losses(library), start()
    assert_array_equal(loss.theta, theta)
    v = np.linspace(-1, 1, N_PARAMS)
    pairs = Removals.of_groups(np.arange(N) // 2)
    calls = {
        "value": (theta, HALF),
        "gradient": (theta, HALF),
        "hessian": (theta, HALF),
        "hessian_product": (theta, v, HALF),
        "gradient_differences": (theta, pairs),
        "weight_gradients": (theta, pairs),
    }
    for name, arguments in calls.items():
        expected = getattr(AUTOGRAD, name)(*arguments)
        assert relative_error(getattr(loss, name)(*arguments), expected) < ROUNDING, name
    thetas = theta + np.arange(len(pairs))[:, None] * 0.01
    for found, expected in zip(
        loss.reduced_slopes(thetas, pairs), AUTOGRAD.reduced_slopes(thetas, pairs), strict=True
    ):
        assert relative_error(found, expected) < ROUNDING


def test_every_method_agrees(library, losses):
    est = vs.minimize(losses(library), start())
    other = vs.Estimate(AUTOGRAD, est.theta)
    few = np.arange(N) % 5 == 0
    for method in (vs.vif, vs.classical_if, vs.newton_step):
        found, expected = method(est).values, method(other).values
        assert relative_error(found, expected) < 1e-8, method
    found = vs.leave_one_out(est, objects=few).values
    assert relative_error(found, vs.leave_one_out(other, objects=few).values) < 1e-8


def test_keeps_its_contract(library, losses):
    found = vs.check_loss(losses(library), start(), max_objects=1).findings
    assert "gradient_differences" in found["overrides"]


def test_blocks_change_nothing(library, losses):
    whole = losses(library)
    assert whole.block == 256
    few = loss_in(library, block=3)
    D, theta = whole.gradient_differences(start()), start()
    assert relative_error(few.gradient_differences(theta), D) < ROUNDING
    some = few.each().take(np.array([5, 2]))
    assert relative_error(few.gradient_differences(theta, some), D[[5, 2]]) < ROUNDING


def test_large_gradients_come_in_small_blocks(library, monkeypatch):
    monkeypatch.setattr("vifstats.losses.backends.base.BLOCK_BYTES", 2e3)
    assert 1 <= loss_in(library).block < N


def test_outputs_and_their_jacobian(library, losses):
    loss, theta = losses(library), start()
    scores, _ = network("autograd")
    assert relative_error(loss.predictions(theta), scores(theta)) < ROUNDING
    h = 1e-5
    differences = [(scores(theta + h * e) - scores(theta - h * e)) / (2 * h) for e in np.eye(8)]
    assert relative_error(loss.jacobian(theta), np.stack(differences, axis=1)) < 1e-8
    assert loss.penalty(theta) == pytest.approx(0.5 * RIDGE * theta @ theta)


def test_a_loss_of_parameters_has_no_outputs(library):
    scores, likelihood = network(library)
    make = type(loss_in(library))
    theta = arrays(library).array(start())
    plain = make(lambda t, b: likelihood(scores(t), b) + RIDGE / 2 * (t**2).sum(), N, theta)
    b = plain.everyone()
    assert plain.value(start(), b) == pytest.approx(AUTOGRAD.value(start(), b), rel=ROUNDING)
    with pytest.raises(InvalidInputError, match="pass outputs="):
        plain.jacobian(start())


def test_a_penalty_may_be_a_function(library):
    scores, likelihood = network(library)
    loss = type(loss_in(library))(
        likelihood,
        N,
        arrays(library).array(start()),
        outputs=scores,
        penalty=lambda t: (t**4).sum(),
    )
    assert loss.penalty(start()) == pytest.approx((start() ** 4).sum())
    assert relative_error(loss.penalty_slope(start()), 4 * start() ** 3) < ROUNDING


# From what is wrong to a function with that fault, and what the error says of it.
FAULTS = {
    "one value per object": (lambda np_, t, b: b * t[0], r"shape \(14,\); sum"),
    "a branch on who is present": (lambda np_, t, b: t[0] if b[0] > 0 else t[1], "where"),
    "no number of the library": (lambda np_, t, b: "a", "return one number|raised"),
    "another number of objects": (lambda np_, t, b: (b * t[:3]).sum(), "raised"),
    "out of the library": (lambda np_, t, b: b.sum() * float(t[0]), "raised|float"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_functions_that_cannot_be_followed(library, fault):
    f, words = FAULTS[fault]
    np_, make = arrays(library).np, type(loss_in(library))
    with pytest.raises(LossError, match=words):
        make(lambda t, b: f(np_, t, b), N, arrays(library).array(start()))


def test_parameters_of_float32(library):
    theta = arrays(library).array(start().astype("float32"))
    with pytest.raises(InvalidInputError, match="float64.*is of float32; call"):
        type(loss_in(library))(lambda t, b: (b * t[0]).sum(), N, theta)


def test_data_of_float32(library):
    y = arrays(library).array(np.ones(N, dtype="float32"))

    def f(t, b):
        return (y * y).sum()

    with pytest.raises(LossError, match="float64|raised"):
        type(loss_in(library))(f, N, arrays(library).array(start()))


def test_an_object_without_which_the_gradient_is_not_finite(library, losses):
    ours = arrays(library)

    def f(t, b):
        return (t**2).sum() * b.sum() + t[0] * ours.np.log(b[3])

    loss = type(losses(library))(f, N, ours.array(start()))
    with pytest.raises(LossError, match="without 3 it is not"):
        loss.gradient_differences(start())


def test_a_loss_that_ignores_presence(library):
    loss = type(loss_in(library))(
        lambda t, b: ((t - 1.0) ** 2).sum(), N, arrays(library).array(start())
    )
    with pytest.raises(LossError, match="must depend on presence"):
        vs.minimize(loss, start())


def test_a_mask_of_another_length(library, losses):
    loss = losses(library)
    for call in (loss.value, loss.gradient, loss.hessian):
        with pytest.raises(InvalidInputError, match=r"shape \(14,\), but has shape \(3,\)"):
            call(start(), np.ones(3))


def test_arguments_of_other_types(library, losses):
    make, theta = type(losses(library)), arrays(library).array(start())
    with pytest.raises(InvalidTypeError, match="`f` must be a function"):
        make(3, N, theta)
    with pytest.raises(InvalidTypeError, match="`outputs` must be a function"):
        make(lambda t, b: (b * t[0]).sum(), N, theta, outputs=3)
    with pytest.raises(InvalidInputError, match="`penalty` must be"):
        make(lambda t, b: (b * t[0]).sum(), N, theta, penalty=-1.0)
    with pytest.raises(LossError, match="`outputs` must return one array"):
        make(lambda y, b: (b * y[0]).sum(), N, theta, outputs=lambda t: (t, t))


def test_the_data_of_absent_objects_are_looked_at(library):
    """check_loss finds the arrays in a function and sees a loss that reads the absent."""
    y = np.linspace(0.0, 1.0, 6)
    ours = arrays(library)
    column = ours.array(y.copy())

    def good(t, b):
        return (b * (column - t[0]) ** 2).sum()

    def bad(t, b):
        return (b * (column - t[0]) ** 2).sum() + b.sum() * (column.sum() * t[0]) ** 2

    make = type(loss_in(library))
    theta = ours.array(np.array([0.3]))
    others = set(RULES) - {"absent data"}
    found = vs.check_loss(make(good, 6, theta), [0.3], skip=others, max_objects=2).findings
    assert "column are silent" in found["absent data"]
    with pytest.raises(LossError, match="data of an absent object"):
        vs.check_loss(make(bad, 6, theta), [0.3], skip=others, max_objects=2)


def test_newton_steps_say_where_they_have_no_minimum(library):
    ours = arrays(library)

    def f(t, b):
        # without object 0 the curvature is that of a saddle
        return 0.5 * (3 * b[0] - 1 + 0.1 * b.sum()) * t[0] ** 2 + (b * t[0] * 0.01).sum()

    loss = type(loss_in(library))(f, 4, ours.array(np.zeros(1)))
    step = vs.newton_step(vs.minimize(loss, [0.0]))
    assert step.status[0] == "indefinite" and np.isnan(step.values[0]).all()
    assert "truncated_refits" in repr(step)


def test_defaults_are_those_of_autograd(library, losses):
    """The value can be followed by autograd to any order, whatever is overridden."""
    loss, theta = losses(library), start()
    assert relative_error(Loss.gradient(loss, theta), loss.gradient(theta)) < ROUNDING
    assert relative_error(Loss.hessian(loss, theta), loss.hessian(theta)) < ROUNDING
