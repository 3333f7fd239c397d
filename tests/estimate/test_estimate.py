"""Estimate and minimize: what is checked before anything is returned."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pandas as pd
import pytest
from cases import BY_NAME, CASES
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import (
    ConvergenceError,
    InvalidInputError,
    LossError,
    NotAtMinimumError,
    NotPositiveDefiniteError,
)

Y = np.array([1.0, 3.0, 5.0])


def mean_loss(**options) -> vs.MEstimator:
    return vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, Y, **options)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_minimize_ends_at_the_minimum(case):
    est = case.estimate()
    steps = est.factor.solve(est.loss.gradient(est.theta)) / est.standard_errors
    assert np.abs(steps).max() < 1e-8
    across = case.complement(est.theta)
    expected = est.dispersion * np.linalg.inv(across.T @ est.hessian @ across)
    found = across.T @ est.covariance @ across
    assert relative_error(found, expected, np.abs(expected).max()) < ROUNDING
    if est.inference.as_given:  # Firth's penalty reports another
        assert np.sqrt(np.diag(est.covariance)) == pytest.approx(est.standard_errors)


def test_dispersion_scales_the_covariance():
    est = vs.Estimate(mean_loss(), [3.0], dispersion=4.0)
    assert est.covariance == pytest.approx(np.array([[4.0 / 3]]))
    with pytest.raises(InvalidInputError, match="`dispersion`"):
        vs.Estimate(mean_loss(), [3.0], dispersion=0.0)


def test_the_hessian_is_computed_once():
    calls = []

    def hess(theta, b):
        calls.append(1)
        return np.array([[b.sum()]])

    loss = vs.FunctionLoss(lambda t, b: 0.5 * anp.sum(b * (Y - t[0]) ** 2), 3, 1, hess=hess)
    est = vs.Estimate(loss, [3.0])
    for method in (vs.vif, vs.classical_if):
        method(est).cov_params()
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("names", "theta", "expected"),
    [
        (None, [3.0], ("theta0",)),
        (None, pd.Series([3.0], index=["mu"]), ("mu",)),
        (["mean"], pd.Series([3.0], index=["mu"]), ("mean",)),
    ],
)
def test_names_are_those_given_or_of_theta(names, theta, expected):
    est = vs.Estimate(mean_loss(), theta, names=names)
    assert est.names == expected and list(est.params.index) == list(expected)


def test_names_of_the_loss():
    assert vs.Estimate(mean_loss(names=["mu"]), [3.0]).names == ("mu",)


def test_integers_and_scalars_are_parameters_too():
    assert vs.Estimate(mean_loss(), [3]).theta.dtype == float
    assert vs.Estimate(mean_loss(), 3).theta.tolist() == [3.0]


def test_a_theta_off_the_minimum_says_how_far():
    se = 3**-0.5
    assert vs.Estimate(mean_loss(), [3.0 + 0.009 * se])
    with pytest.raises(NotAtMinimumError, match="'theta0'.* is 0.5 standard errors away"):
        vs.Estimate(mean_loss(), [3.0 + 0.5 * se])
    assert vs.Estimate(mean_loss(), [3.0 + 0.5 * se], tol=1.0)
    assert vs.Estimate(mean_loss(), [17.0], tol=np.inf)


def test_losses_that_cannot_be_used():
    def of(f, theta=(0.0,)):
        return vs.Estimate(vs.FunctionLoss(f, 3, 1), theta)

    with pytest.raises(LossError, match="depend on theta"):
        of(lambda t, b: anp.sum(b))
    with pytest.raises(LossError, match="finite"):
        of(lambda t, b: anp.sum(b) * np.nan)
    with pytest.raises(LossError, match="one number"):
        of(lambda t, b: b * t[0])
    with (
        pytest.raises(LossError, match="gradient of the loss must be finite"),
        np.errstate(all="ignore"),
    ):
        of(lambda t, b: anp.sum(b) * anp.sqrt(anp.sum(t**2)))


def test_a_minimum_at_infinity_is_no_minimum():
    """On the way there the gradient rounds to 0, as it does at a minimum."""
    treated = np.array([[0], [0], [1], [1], [1], [1], [1], [1]])
    event = [0, 1, 1, 1, 1, 1, 0, 1]
    loss = vs.losses.Cox(treated, [2, 3, 4, 6, 7, 9, 10, 12], event)
    with pytest.raises(ConvergenceError, match="the loss falls for ever"):
        vs.minimize(loss, [0.0])


def test_a_start_of_huge_curvature_is_not_held_against_the_minimum():
    y = np.arange(4.0)
    loss = vs.MEstimator(lambda theta, y: anp.exp(theta[0]) - y * theta[0], y)
    assert vs.minimize(loss, [40.0]).theta == pytest.approx(np.log(1.5))


def test_a_maximum_is_no_minimum():
    with pytest.raises(NotPositiveDefiniteError):
        vs.Estimate(vs.FunctionLoss(lambda t, b: -anp.sum(b * (Y - t[0]) ** 2), 3, 1), [3.0])


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_a_start_on_an_axis_of_symmetry_is_left(unit):
    """At a saddle the gradient is 0: a random effect of spread 0, or two components alike."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(8), 4)
    y = unit * (rng.normal(size=8)[group] + 0.3 * rng.normal(size=32))
    loss = vs.losses.MixedModel(np.ones((32, 1)), y, group)
    along = [0.0, np.log(unit), 0.0]
    assert vs.minimize(loss, along).theta == pytest.approx(vs.minimize(loss, loss.start()).theta)
    well = vs.MEstimator(lambda t, y: ((t / unit) ** 2 - y) ** 2, Y)
    assert np.abs(vs.minimize(well, [0.0]).theta) == pytest.approx(unit * np.sqrt(3.0))


def test_collinear_columns_are_named():
    X = np.random.default_rng(0).normal(size=(20, 2))
    X = np.column_stack([X, X[:, 0] + X[:, 1]])

    def f(theta, d):
        return 0.5 * (d[1] - anp.dot(d[0], theta)) ** 2

    loss = vs.MEstimator(f, (X, X[:, 0] + 1.0), names=["a", "b", "a plus b"])
    with pytest.raises(NotPositiveDefiniteError, match="'a plus b'.*collinear"):
        vs.minimize(loss, np.zeros(3))


X_OF_Y = np.array([-1.0, 0.5, 2.0])


def circle(theta, y):
    return 0.5 * (y - theta[0] ** 2 - theta[1] ** 2) ** 2


def slope_twice(theta, y):
    return anp.log(anp.cosh(y - theta[2] - theta[0] * anp.exp(theta[1]) * X_OF_Y))


@pytest.mark.parametrize("off", [-1e-2, -1e-4, -1e-7, 0.0, 1e-7, 1e-4, 1e-2])
@pytest.mark.parametrize("tol", [1e-2, np.inf])
def test_what_only_a_slope_bends_is_not_identified(off, tol):
    """Near the minimum the Hessian along a curve of equal losses is positive on one side of it."""
    mean = np.sqrt(3.0) * (1 + 0.5 * off * 0.1)
    at = mean * np.cos(0.7), mean * np.sin(0.7)
    with pytest.raises(NotPositiveDefiniteError, match="theta0', 'theta1"):
        assert vs.Estimate(vs.MEstimator(circle, Y), at, tol=tol).factor

    plain = vs.MEstimator(lambda t, y: anp.log(anp.cosh(y - t[0] - t[1] * X_OF_Y)), Y)
    level, slope = vs.minimize(plain, [3.0, 1.0]).theta * (1 + 0.1 * off)
    at = slope / 2.0, np.log(2.0), level
    with pytest.raises(NotPositiveDefiniteError, match="theta0', 'theta1"):
        assert vs.Estimate(vs.MEstimator(slope_twice, Y), at, tol=tol).factor


@pytest.mark.parametrize("off", [-1e-2, 1e-6, 1e-2])
def test_what_hardly_differs_is_identified_beside_the_minimum(off):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(40, 1)) + 1e-3 * rng.normal(size=(40, 2))
    loss = vs.losses.Cox(x, rng.exponential(size=40))
    est = vs.minimize(loss, np.zeros(2))
    aside = off * est.naive_errors * [0.3, -0.3]
    beside = vs.Estimate(loss, est.theta + aside)
    assert beside.naive_errors == pytest.approx(est.naive_errors, rel=abs(off))
    assert set(vs.vif(beside).status) == {"ok"}


@pytest.mark.parametrize(
    ("theta", "message"),
    [([1.0, 2.0], r"shape \(3,\)"), ([np.nan] * 3, "finite"), (np.ones((3, 1)), "shape")],
)
def test_bad_theta_is_refused_before_anything_else(theta, message):
    loss = BY_NAME["grad and hess"].loss()
    with pytest.raises(InvalidInputError, match=message):
        vs.Estimate(loss, theta)
    with pytest.raises(InvalidInputError, match=message):
        vs.minimize(loss, theta)


def test_one_label_per_object():
    with pytest.raises(InvalidInputError, match="3, but has 2"):
        vs.Estimate(mean_loss(), [3.0], labels=["a", "b"])
    with pytest.raises(InvalidInputError, match="3, but has 4"):
        vs.Estimate(mean_loss(), [3.0], labels=list("abcd"))


def test_groups_of_the_estimate_are_the_default():
    est = vs.Estimate(mean_loss(), [3.0], groups=["x", "y", "x"])
    assert list(vs.vif(est).index) == ["x", "y"]
    assert list(vs.vif(est, groups=[0, 1, 2]).index) == [0, 1, 2]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["x", "y"], "inconsistent numbers of samples"),
        (["x", None, "y"], "must not be missing"),
        (np.ones((3, 1)), "one label per row"),
    ],
)
def test_bad_groups(groups, message):
    with pytest.raises(InvalidInputError, match=message):
        vs.vif(vs.Estimate(mean_loss(), [3.0]), groups=groups)
