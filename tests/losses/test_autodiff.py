"""Automatic derivatives against derivatives by hand."""

from __future__ import annotations

import pickle

import autograd.numpy as anp
import numpy as np
import pytest
from autograd.test_util import check_grads
from tolerances import REFERENCE, relative_error

from vifstats.errors import LossError
from vifstats.losses import autodiff
from vifstats.losses.cox.ranges import Ranges

A = np.array([[2.0, 0.5], [0.5, 1.0]])
THETA = np.array([0.3, -0.7])


def quartic(theta):
    return anp.dot(theta, anp.dot(A, theta)) ** 2


def test_gradient_and_hessian_by_hand():
    q, slope = THETA @ A @ THETA, 2 * A @ THETA
    H = 2 * np.outer(slope, slope) + 4 * q * A
    assert relative_error(autodiff.gradient(quartic, THETA), 2 * q * slope) < REFERENCE
    assert relative_error(autodiff.hessian(quartic, THETA), H) < REFERENCE
    assert (autodiff.hessian(quartic, THETA) == autodiff.hessian(quartic, THETA).T).all()
    v = np.array([1.0, 2.0])
    assert relative_error(autodiff.hessian_product(quartic, THETA, v), H @ v) < REFERENCE


def test_a_constant_has_derivatives_of_0_without_a_warning():
    assert autodiff.gradient(lambda theta: 3.0, THETA).tolist() == [0.0, 0.0]
    assert autodiff.hessian(lambda theta: 3.0, THETA).tolist() == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("f", "parts"),
    [
        (lambda theta: anp.sum(anp.where(A > 0, theta[0], 1.0)), "way back autograd raised.*where"),
        (lambda theta: anp.sum(anp.where(A > 0, theta, 1.0)), r"but autograd's has \(2, 2\)"),
        (lambda theta: anp.sum(A) * float(theta[0]), r"raised TypeError.*without float\(\)"),
    ],
    ids=["one number", "a row", "a plain number"],
)
def test_what_autograd_cannot_follow_is_named(f, parts):
    with pytest.raises(LossError, match=parts):
        autodiff.gradient(f, THETA)
    with pytest.raises(LossError, match=parts):
        autodiff.row_jacobian(lambda theta: autodiff.as_vector(f(theta)), THETA)


@pytest.mark.parametrize("together", [np.stack, np.concatenate, np.array], ids=lambda f: f.__name__)
def test_values_that_numpy_put_together_are_no_constants(together):
    """It takes the boxes of autograd for objects."""
    squares = np.arange(3.0)

    def values(theta):
        return together([theta[0] * squares, theta[1] * squares])

    for outside in (lambda theta: values(theta).ravel(), lambda theta: values(theta).ravel() * 2):
        with pytest.raises(LossError, match=r"array of objects.*autograd\.numpy"):
            autodiff.row_jacobian(outside, THETA)


def test_jacobian_of_many_values():
    X = np.random.default_rng(0).normal(size=(6, 2))

    def values(theta):
        return anp.exp(anp.dot(X, theta))

    expected = np.exp(X @ THETA)[:, None] * X
    assert relative_error(autodiff.row_jacobian(values, THETA), expected) < REFERENCE
    along = autodiff.directional(values, THETA, np.array([1.0, -1.0]))
    assert relative_error(along, expected @ [1.0, -1.0]) < REFERENCE


def test_a_direction_can_be_differentiated_again():
    X = np.random.default_rng(0).normal(size=(6, 2))
    unit = np.array([0.0, 1.0])

    def slope(theta):
        return autodiff.directional(lambda t: anp.exp(anp.dot(X, t)), theta, unit)

    expected = (np.exp(X @ THETA) * X[:, 1])[:, None] * X
    assert relative_error(autodiff.row_jacobian(slope, THETA), expected) < REFERENCE


def range_sums():
    ranges = Ranges(np.array([0, 1, 0, 2]), np.array([2, 3, 0, 3]), np.array([0, 3]))
    return autodiff.LinearMap(ranges.scatter, ranges.gather)


def test_a_linear_map_has_every_derivative():
    apply = range_sums()
    check_grads(lambda v: anp.sum(anp.exp(apply(v)) ** 2), modes=["rev"], order=3)(np.ones(4) / 3)


def test_a_linear_map_that_was_sent_elsewhere_still_has_them():
    sent = pickle.loads(pickle.dumps(range_sums()))
    v = np.arange(4.0)
    assert (sent(v) == range_sums()(v)).all()
    check_grads(lambda v: anp.sum(anp.sin(sent(v))), modes=["rev"], order=2)(v)


def test_plain_looks_into_every_box():
    seen = []

    def f(theta):
        seen.append(autodiff.plain(theta))
        return anp.sum(theta**2)

    autodiff.hessian(f, THETA)
    assert all(type(value) is np.ndarray for value in seen)
    assert autodiff.plain([1, 2]).tolist() == [1, 2]


@pytest.mark.parametrize(("value", "shape"), [(3.0, (1,)), (np.ones(2), (2,))])
def test_a_vector_of_whatever(value, shape):
    assert autodiff.as_vector(value).shape == shape
