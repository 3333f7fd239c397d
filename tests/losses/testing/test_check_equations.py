"""`check_loss` of estimating equations: the same contract, where psi stands for a gradient."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
import statsmodels.api as sm

import vifstats as vs
from vifstats.errors import InvalidInputError, LossError

X = np.column_stack([np.ones(8), np.array([0.3, 1.2, -0.7, 2.1, 0.4, -1.5, 0.9, 1.1])])
Z = np.column_stack([np.ones(8), np.array([1.0, 0.5, -1.0, 1.5, 0.2, -0.8, 0.1, 1.9])])
Y = np.array([1.0, 3.0, 5.0, 8.0, 2.0, 7.0, 4.0, 4.5])
THETA = [0.4, 0.3]


def instrumented(theta, data):
    X, Z, y = data
    return Z * (y - anp.dot(X, theta))[:, None]


def sums(theta, b):
    return anp.dot(b, instrumented(theta, (X, Z, Y)))


def mean(theta, b):
    return sums(theta, b) / anp.sum(b)


def leak(theta, b):
    return anp.dot(b * (Y - anp.mean(Y) - anp.dot(X, theta)), Z)


def ignores(theta, b):
    return anp.dot(Z.T, Y - anp.dot(X, theta))


def constant(theta, b):
    return anp.array([anp.dot(b, Y), anp.sum(b)])


def from_zero_by_zero(theta, b):
    return sums(theta, b) + 0.0 * anp.log(anp.sum(b * X[:, 1]) ** 2) + b[0] / b[0] - 1


def one_number(theta, b):
    return anp.sum(sums(theta, b))


@pytest.mark.parametrize("sign", [1, -1])
def test_equations_that_keep_it(sign):
    report = vs.check_loss(vs.Equations(lambda t, b: sign * sums(t, b), 8, 2), THETA)
    assert str(report).startswith("Equations of 8 objects keep their contract")
    assert report.findings["sum"] == "two halves curve 1 times as much as all objects"
    rows = vs.check_loss(vs.RowEquations(instrumented, (X, Z, Y)), THETA)
    assert "gradient_differences" in rows.findings["overrides"]
    assert "silent" in rows.findings["absent data"]
    assert not {"owned", "gauge"} & set(rows.findings)


def test_what_nobody_owns_is_the_penalty():
    ridge = vs.RowEquations(instrumented, (X, Z, Y), held=lambda theta: 0.5 * theta)
    assert vs.check_loss(ridge, THETA).findings["penalty"].endswith("is left")
    plain = vs.Equations(lambda t, b: sums(t, b) + 0.5 * t, 8, 2)
    assert vs.check_loss(plain, THETA, penalty=lambda theta: 0.5 * theta)
    with pytest.raises(LossError, match="Without objects psi must be the penalty"):
        vs.check_loss(plain, THETA, penalty=lambda theta: 0.7 * theta)


@pytest.mark.parametrize(
    "psi, rule",
    [
        (mean, "must be a sum"),
        (leak, "data of an absent object must not be read"),
        (ignores, "must depend on presence"),
        (constant, "must depend on theta"),
        (from_zero_by_zero, "must contribute an exact 0"),
        (one_number, "one number for each parameter"),
    ],
)
def test_the_rule_that_is_broken_is_told(psi, rule):
    with pytest.raises(LossError, match=rule):
        vs.check_loss(vs.Equations(psi, 8, 2), THETA)


@pytest.mark.parametrize("name", ["gradient_differences", "weight_gradients", "reduced_hessians"])
def test_a_wrong_override_is_told(name):
    def wrong(self, theta, removals=None):
        return 1.001 * getattr(vs.RowEquations, name)(self, theta, removals)

    equations = type("Wrong", (vs.RowEquations,), {name: wrong})(instrumented, (X, Z, Y))
    with pytest.raises(LossError, match=f"`{name}` must equal its automatic default"):
        vs.check_loss(equations, THETA)


def test_blocks_are_checked_one_at_a_time():
    first = sm.OLS(Y, X).fit()
    reading = vs.RowEquations(
        lambda t, data, gamma: (data[1] - t[0] * anp.dot(data[0], gamma))[:, None],
        (X, Y),
        names=["ratio"],
        reads=["first"],
    )
    with pytest.raises(InvalidInputError, match="one block at a time"):
        vs.check_loss(reading, [1.0])
    with pytest.raises(InvalidInputError, match="one block at a time"):
        vs.check_loss(vs.stack(first=first, second=reading), [*first.params, 1.0])
    assert vs.check_loss(reading.given((first.params,)), [1.0])
