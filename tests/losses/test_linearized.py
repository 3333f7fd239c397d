"""A network by its outputs and their Jacobian: the Hessian is the generalised Gauss-Newton one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses import Loss
from vifstats.losses.row_losses import Multinomial, SquaredError

N, P = 12, 3
RNG = np.random.default_rng(8)
X = RNG.normal(size=(N, 2))
THETA = RNG.normal(size=P)
RIDGE = 0.4


def ranking(kind, objects):
    lists = [list(RNG.permutation(4)[:2]) for _ in range(N)]
    return kind(X, lists, items=4, ridge=0.1, objects=objects)


def multinomial():
    y = RNG.integers(0, 3, N)
    return vs.losses.LinearPredictor(Multinomial(), (X, X), y.astype(float))


TEMPLATES = {
    "cox": (vs.losses.Cox(X, RNG.exponential(size=N), np.arange(N) % 4 > 0), (N,)),
    "cox, strata": (
        vs.losses.Cox(
            X,
            np.round(RNG.exponential(size=N) + 1, 1),
            entry=RNG.uniform(0, 0.5, N),
            strata=np.arange(N) % 2,
            weights=RNG.uniform(1, 2, N),
            offset=RNG.normal(size=N),
            ties="breslow",
        ),
        (N,),
    ),
    "squares": (vs.losses.LinearPredictor(SquaredError(), X, RNG.normal(size=N)), (N,)),
    "softmax of rows": (multinomial(), (N, 2)),
    "lists, items": (ranking(vs.losses.ListMLE, "items"), (N, 4)),
    "lists, queries": (ranking(vs.losses.ListMLE, "queries"), (N, 4)),
    "softmax, items": (ranking(vs.losses.SoftmaxCrossEntropy, "items"), (N, 4)),
    "outputs": (
        vs.FunctionLoss(lambda y, b: 0.5 * (b * (y - X[:, 0]) ** 2).sum(), N, N),
        (N,),
    ),
}


def tangent(name):
    template, shape = TEMPLATES[name]
    rng = np.random.default_rng(3)
    y, J = rng.normal(size=shape), rng.normal(size=(*shape, P))
    return vs.linearized(y, J, template, theta=THETA, penalty=RIDGE), y, J


@pytest.mark.parametrize("name", TEMPLATES)
def test_value_and_hessian_of_the_outputs(name):
    """The definition: the loss at y + J (theta - theta0), whose Hessian is J' H_y J."""
    loss, y, J = tangent(name)
    b = np.where(np.arange(loss.n_objects) == 1, 0.0, 1.0)
    theta = THETA + 0.1
    penalty = 0.5 * RIDGE * theta @ theta
    expected = plain_value(name, y + J @ (theta - THETA), b) + penalty
    assert float(loss.value(theta, b)) == pytest.approx(expected, rel=ROUNDING)
    default = Loss.hessian(loss, theta)
    assert relative_error(loss.hessian(theta), default) < ROUNDING


def plain_value(name, y, b):
    """The template's loss of outputs, by what its own definition gives for a design that is y."""
    template, _ = TEMPLATES[name]
    if name.startswith("cox"):
        data = template.data
        plain = vs.losses.Cox(
            y[:, None],
            data.time,
            data.event,
            entry=data.entry if np.isfinite(data.entry).any() else None,
            strata=data.strata,
            weights=data.weights,
            offset=data.offset,
            ties=template.ties,
        )
        return float(plain.value(np.ones(1), b))
    if name == "squares":
        return 0.5 * float(b @ (template.y - y) ** 2)
    if name == "softmax of rows":
        rows = template.row_loss.value(y.T, template.y)
        return float(b @ rows)
    if name == "outputs":
        return float(template.value(y, b))
    items, queries = template._both(b)
    return float(queries @ type(template).query_losses(Scores(template, y), None, items))


class Scores:
    """A ranking loss whose scores are given."""

    def __init__(self, template, y):
        self.template, self.y = template, y

    def scores(self, theta):
        return self.y

    def __getattr__(self, name):
        member = getattr(type(self.template), name, None)
        if callable(member):
            return member.__get__(self)
        return getattr(self.template, name)


@pytest.mark.parametrize("name", TEMPLATES)
def test_keeps_its_contract(name):
    loss, _, _ = tangent(name)
    skip = ["sum", "absent data"]  # softmax weights; arrays of outputs belong to no object alone
    assert vs.check_loss(loss, THETA, skip=skip, max_objects=3, tol=1e-7).findings["overrides"]


def test_products_and_differences():
    loss, _, _ = tangent("lists, items")
    v = np.arange(P) - 1.0
    assert relative_error(loss.hessian_product(THETA, v), loss.hessian(THETA) @ v) < ROUNDING
    D = np.array([loss.gradient(THETA) - loss.gradient(THETA, 1.0 - e) for e in np.eye(4)])
    assert relative_error(loss.gradient_differences(THETA), D) < ROUNDING


def test_one_output_for_each_object_keeps_the_fast_methods():
    assert type(tangent("cox")[0]) is vs.losses.Cox
    assert type(tangent("squares")[0]) is vs.losses.LinearPredictor


def test_without_theta_parameters_are_changes():
    template, _ = TEMPLATES["cox"]
    rng = np.random.default_rng(3)
    y, J = rng.normal(size=N), rng.normal(size=(N, P))
    changes = vs.linearized(y, J, template)
    whole = vs.linearized(y, J, template, theta=THETA, names=["a", "b", "c"])
    assert whole.names == ("a", "b", "c")
    assert_allclose(changes.gradient(np.zeros(P)), whole.gradient(THETA), rtol=1e-9)
    with pytest.raises(InvalidInputError, match="`theta` is not given; pass both"):
        vs.linearized(y, J, template, penalty=1.0)


@pytest.mark.parametrize(
    ("y", "J", "words"),
    [
        (np.zeros(N), np.zeros((N - 1, P)), "one more axis for the parameters"),
        (np.zeros(N - 1), np.zeros((N - 1, P)), "give one for each object"),
        (np.zeros((N, 2)), np.zeros((N, 2, P)), "give one for each object"),
        (np.full(N, np.nan), np.zeros((N, P)), "finite numbers"),
        (0.0, np.zeros(P), "must be an array"),
    ],
)
def test_shapes_that_do_not_fit(y, J, words):
    with pytest.raises(InvalidInputError, match=words):
        vs.linearized(y, J, TEMPLATES["cox"][0])


def test_losses_of_no_outputs_are_refused():
    with pytest.raises(InvalidTypeError, match="must be a vifstats.losses.Loss of"):
        vs.linearized(np.zeros(N), np.zeros((N, P)), "cox")
    mean = vs.MEstimator(lambda t, y: (y - t[0]) ** 2, X[:, 0])
    with pytest.raises(InvalidTypeError, match="FunctionLoss"):
        vs.linearized(np.zeros(N), np.zeros((N, P)), mean)
