"""A row that alone tells of a parameter, in losses whose rows need not have linear predictors."""

from __future__ import annotations

import autograd.numpy as anp
import delicatessen
import lifelines
import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.deletion.infinite_ends import infinite_without
from vifstats.losses.unidentified import MOST_GRADIENTS

N, ALONE = 14, 5
METHODS = (vs.vif, vs.classical_if, vs.newton_step, vs.leave_one_out)


def design(unit: float) -> tuple[np.ndarray, np.ndarray]:
    """An intercept, x, and what only one row has; and what they predict."""
    rng = np.random.default_rng(8)
    X = np.column_stack([np.ones(N), rng.normal(size=N), unit * (np.arange(N) == ALONE)])
    return X, X @ [1.0, 0.5, 1 / unit] + rng.normal(size=N)


def least_squares(unit):
    X, y = design(unit)
    return vs.MEstimator(lambda t, d: 0.5 * (d[1] - anp.dot(d[0], t)) ** 2, (X, y))


def by_a_function(unit):
    X, y = design(unit)
    return vs.FunctionLoss(lambda t, b: 0.5 * anp.sum(b * (y - anp.dot(X, t)) ** 2), N, 3)


def curved(unit):
    """Of the first parameters an exponential, of the last one its square."""
    X, y = design(unit)

    def f(t, d):
        mean = anp.exp(d[0][:, :2] @ t[:2] + d[0][:, 2] * t[2])
        return mean - anp.exp(0.2 * d[1]) * anp.log(mean)

    return vs.MEstimator(f, (X, y))


def by_rows(unit):
    X, y = design(unit)
    return vs.RowEquations(lambda t, d: d[0] * (d[1] - anp.dot(d[0], t))[:, None], (X, y))


def by_equations(unit):
    """The same three, mixed with each other: their Jacobian is not symmetric."""
    X, y = design(unit)
    mix = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0], [3.0, 0.0, 1.0]])
    return vs.Equations(lambda t, b: mix @ anp.dot(X.T, b * (y - anp.dot(X, t))), N, 3)


LOSSES = (least_squares, by_a_function, curved, by_rows, by_equations)


def solved(loss):
    return (vs.minimize if loss.minimised else vs.root)(loss, np.zeros(3))


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("make", LOSSES, ids=lambda make: make.__name__)
def test_it_is_separation_by_every_method(make, unit):
    est = solved(make(unit))
    for method in METHODS:
        status = method(est).status
        assert status[ALONE] == "separation"
        assert (status.drop(ALONE) == "ok").all()
    assert not est.separated
    goes = infinite_without(vs.vif(est))
    assert np.isnan(goes[ALONE]).tolist() == [False, False, True]
    assert not np.delete(goes, ALONE, axis=0).any()


def test_so_is_a_group_but_not_one_of_two_rows():
    X, y = design(1.0)
    X[[2, ALONE], 2] = 1.0
    loss = vs.MEstimator(lambda t, d: 0.5 * (d[1] - anp.dot(d[0], t)) ** 2, (X, y))
    est = vs.minimize(loss, np.zeros(3))
    assert (vs.vif(est).status == "ok").all()
    groups = np.where(np.isin(np.arange(N), [2, ALONE]), "both", np.arange(N).astype(str))
    status = vs.vif(est, groups=groups).status
    assert status["both"] == "separation" and (status.drop("both") == "ok").all()
    assert (vs.vif(est, objects=[2, ALONE]).status == "ok").all()


@pytest.mark.parametrize("reference", [False, True])
def test_the_coding_does_not_matter(reference):
    """The row is the only one of its level; as the reference level all others have a dummy."""
    X, y = design(1.0)
    X[:, 2] = (np.arange(N) == ALONE) != reference
    loss = vs.MEstimator(lambda t, d: 0.5 * (d[1] - anp.dot(d[0], t)) ** 2, (X, y))
    assert vs.vif(vs.minimize(loss, np.zeros(3))).status[ALONE] == "separation"


def test_a_penalty_tells_of_it_too():
    X, y = design(1.0)

    def ridge(t):
        return 0.1 * anp.sum(t**2)

    losses = lambda t, d: 0.5 * (d[1] - anp.dot(d[0], t)) ** 2  # noqa: E731  shorter than a def
    loss = vs.MEstimator(losses, (X, y), penalty=ridge)
    assert (vs.vif(vs.minimize(loss, np.zeros(3))).status == "ok").all()


def test_a_hessian_that_is_singular_at_one_point_only_is_no_separation():
    """Without the last row the fourth power has no curvature at its minimum 0, and rises."""

    def f(t, d):
        return anp.where(d == 0.0, t[0] ** 4, 0.5 * (t[0] - d) ** 2)

    est = vs.minimize(vs.MEstimator(f, np.array([0.0, 0.0, 0.0, 1e-12])), [0.0])
    assert "separation" not in vs.vif(est).status.to_numpy()


def test_steps_of_a_stack_and_of_delicatessen():
    X, y = design(1.0)
    normal = lambda t, d: d[0] * (d[1] - anp.dot(d[0], t))[:, None]  # noqa: E731  as above
    rows = vs.RowEquations(normal, (X, y), n_params=3)
    terms = lambda t, y, beta: (y - t[0] - beta[1])[:, None]  # noqa: E731  as above
    mean = vs.RowEquations(terms, y, reads=["fit"], n_params=1)
    est = vs.root(vs.stack(fit=rows, mean=mean), np.zeros(4))
    assert np.flatnonzero(vs.vif(est).status == "separation").tolist() == [ALONE]

    def psi(theta):
        return X.T * (y - X @ np.asarray(theta))

    theirs = delicatessen.MEstimator(psi, init=[0.0, 0.0, 0.0])
    theirs.estimate()
    status = vs.vif(vs.from_model(theirs)).status
    assert np.flatnonzero(status == "separation").tolist() == [ALONE]


def test_mixed_models_and_frailties():
    X, y = design(1.0)
    groups = np.arange(N) % 4
    y = y + np.array([2.0, -2.0, 1.0, -1.0])[groups]
    mixed = vs.losses.MixedModel(X, y, groups, reml=False)
    time, event = np.exp(y / 4), np.arange(N) % 4 != 3
    frailty = vs.losses.SharedFrailty(X[:, 1:], time, event, groups=groups)
    for loss, start in ((mixed, mixed.start()), (frailty, [0.0, 0, 0, 0, -1])):
        est = vs.minimize(loss, start)
        assert np.flatnonzero(vs.vif(est).status == "separation").tolist() == [ALONE]


def test_additive_hazards():
    """At the last time the one row with z is still at risk: no increment is solved without it."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"x": rng.normal(size=30), "z": (np.arange(30) == 3) * 1.0})
    data["T"] = np.where(np.arange(30) < 12, 9.0, np.arange(30) % 8 + 1.0)
    data["E"] = (np.arange(30) != 3) * 1.0
    fit = lifelines.AalenAdditiveFitter(fit_intercept=True).fit(data, "T", "E")
    est = vs.from_model(fit, data)
    for method in METHODS:
        assert np.flatnonzero(method(est).status == "separation").tolist() == [3]


def test_where_each_removal_takes_a_gradient_of_its_own_many_are_not_looked_at():
    n = MOST_GRADIENTS + 1
    loss = vs.FunctionLoss(lambda t, b: 0.5 * anp.sum(b * (np.arange(n) - t[0]) ** 2), n, 1)
    calls = []

    def counted(theta, b):
        calls.append(1)
        return np.array([np.sum(b * (theta[0] - np.arange(n)))])

    counting = vs.FunctionLoss(loss.f, n, 1, grad=counted)
    assert not counting.separated(np.array([n / 2]), counting.each()).any()
    assert not calls


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_direction_among_many_parameters(seed):
    """Of one combination of six parameters a row alone tells, without a residual of its own."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(2 * N, 6))
    X[:, 3] *= np.arange(2 * N) == ALONE
    X = X @ rng.normal(size=(6, 6)) * 10.0 ** rng.integers(-3, 4, 6)
    y = rng.normal(size=2 * N)
    for loss in (
        vs.MEstimator(lambda t, d: 0.5 * (d[1] - anp.dot(d[0], t)) ** 2, (X, y)),
        vs.RowEquations(lambda t, d: d[0] * (d[1] - anp.dot(d[0], t))[:, None], (X, y)),
    ):
        est = (vs.minimize if loss.minimised else vs.root)(loss, np.zeros(6))
        status = vs.vif(est).status
        assert status[ALONE] == "separation"
        assert (status.drop(ALONE) == "ok").all()
