"""Shared frailty against another maximisation, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import ConvergenceError, InvalidInputError, NotPositiveDefiniteError
from vifstats.losses import Loss, SharedFrailty

ORACLES = Path(__file__).parents[2] / "validation" / "oracles" / "frailty"
KIDNEY = pd.read_csv(ORACLES / "kidney.csv")
PARAMETERS = ["age", "female", "intercept", "log_shape", "log_variance"]
# Both maximise by differences of the likelihood: R's slopes are good to 1e-9, times 1/curvature.
MAXIMISED = 1e-5


def kidney(distribution="gamma", rows=slice(None)):
    d = KIDNEY.iloc[rows]
    return SharedFrailty(
        d[["age", "female"]], d.time, d.status, groups=d.id, distribution=distribution
    )


def of_r(distribution, kind):
    found = pd.read_csv(ORACLES / "frailty.csv", skipinitialspace=True)
    return found[(found.distribution == distribution) & (found.object == kind)]


@pytest.fixture(scope="module")
def gamma():
    return vs.minimize(kidney(), [0, -1, 1, 0, -1])


@pytest.mark.parametrize("distribution", ["gamma", "lognormal"])
def test_the_fit_is_that_of_r(distribution):
    est = vs.minimize(kidney(distribution), [0, -1, 1, 0, -1])
    expected = of_r(distribution, "all")[PARAMETERS].to_numpy(dtype=float)[0]
    assert np.abs(est.theta - expected).max() < MAXIMISED


@pytest.mark.parametrize(("kind", "groups"), [("patient", "id"), ("row", None)])
def test_refits_are_those_of_r(gamma, kind, groups):
    expected = of_r("gamma", kind).iloc[::20]
    found = vs.leave_one_out(
        gamma,
        groups=None if groups is None else KIDNEY[groups],
        objects=list(expected.without.astype(int)),
    )
    values = expected[PARAMETERS].to_numpy(dtype=float)
    assert np.abs(gamma.theta - found.values - values).max() < MAXIMISED


def test_refits_of_log_normal_frailties_are_those_of_r():
    est = vs.minimize(kidney("lognormal"), [0, -1, 1, 0, -1])
    expected = of_r("lognormal", "patient")
    found = vs.leave_one_out(est, groups=KIDNEY.id, objects=list(expected.without.astype(int)))
    values = expected[PARAMETERS].to_numpy(dtype=float)
    assert np.abs(est.theta - found.values - values).max() < MAXIMISED


def test_the_series_of_small_variances_meets_the_exact_ratio():
    from vifstats.losses.frailty.integrals import MANY, _rising

    D = np.array([0.0, 1.0, 2.0, 7.0])
    for side in (0.999, 1.001):
        q = side * MANY * (1 + D[:, None] ** 2)
        j = np.arange(7)
        expected = np.log1p(np.where(j < D[:, None], j / q, 0.0)).sum(axis=1)
        assert _rising(D, q[:, 0]) == pytest.approx(expected, abs=ROUNDING)


def test_large_clusters_are_integrated_at_their_modes():
    """Of one cluster with S = 0 known: E exp(D s) = exp(D^2 v / 2)."""
    from vifstats.losses.frailty.integrals import _lognormal

    events = np.array([0.0, 3.0, 40.0])
    found = _lognormal(events, np.zeros(3), np.log(0.3))
    assert found == pytest.approx(0.15 * events**2, abs=1e-10)


@pytest.mark.parametrize("distribution", ["gamma", "lognormal"])
@pytest.mark.parametrize("log_variance", [-1.0, 0.7, -11.0])
def test_derivatives_are_those_of_autograd(distribution, log_variance, monkeypatch):
    """Of clusters of one row and of several that leave alone, in part, whole, and together."""
    monkeypatch.setattr("vifstats.losses.frailty.loss.BLOCK_NUMBERS", 1000)  # several blocks
    loss = kidney(distribution, np.r_[0, 4:12, 20:27])
    theta = np.array([0.1, -1.0, 0.8, 0.2, log_variance])
    left = np.array([0, 0, 0, 1, 2, 3, 3, -1, -1, -1, -1, -1, 4, -1, -1, -1])
    removals = loss.each().take(np.arange(5))
    removals = replace(removals, codes=left)
    thetas = theta + 0.05 * np.arange(5)[:, None] * [1, -1, 1, -1, 1]
    some = np.linspace(0.2, 1.0, 16)
    calls = {
        "gradient": (theta, some),
        "hessian": (theta, some),
        "gradient_differences": (theta, removals),
        "reduced_hessians": (theta, removals),
        "reduced_curvatures": (thetas, removals),
    }
    for name, arguments in calls.items():
        found = getattr(loss, name)(*arguments)
        expected = getattr(Loss, name)(AsWritten(loss), *arguments)
        assert relative_error(found, expected, 1.0) < ROUNDING, name
    values, gradients = loss.reduced_slopes(thetas, removals)
    expected = Loss.reduced_slopes(AsWritten(loss), thetas, removals)
    assert relative_error(values, expected[0], 1.0) < ROUNDING
    assert relative_error(gradients, expected[1], 1.0) < ROUNDING


class AsWritten(Loss):
    """The value of a loss, with all else by automatic differentiation."""

    def __init__(self, loss):
        self.value, self.n_objects, self.n_params = loss.value, loss.n_objects, loss.n_params

    value = None


def test_nobody_leaves(gamma):
    nothing = gamma.removals().take(np.arange(0))
    assert gamma.loss.reduced_curvatures(np.zeros((0, 5)), nothing).shape == (0, 5, 5)
    assert vs.leave_one_out(gamma, objects=[]).values.shape == (0, 5)


def test_effects_are_hazard_ratios(gamma):
    table = gamma.summary()
    assert table["hazard_ratio"].notna().tolist() == [True, True, False, False, False]
    assert gamma.effects.model == "Weibull model with gamma frailty"


@pytest.mark.parametrize("seed", [0, 2])
def test_a_variance_of_0_is_said(seed):
    rng = np.random.default_rng(seed)
    T = np.exp(0.2 * np.tile([-1.0, 1.0], 15))  # less alike within clusters than by chance
    loss = SharedFrailty(rng.normal(size=(30, 1)), T, groups=np.repeat(np.arange(15), 2))
    try:
        est = vs.minimize(loss, [0.0, 0.0, 0.0, -1.0])
    except NotPositiveDefiniteError as error:
        said = str(error)
    else:
        said = est.separation
        assert set(vs.vif(est).status) == {"separation"}
        with pytest.raises(ConvergenceError, match="log_variance"):
            vs.leave_one_out(est)
    assert "-log_variance" in said


def test_bad_inputs():
    X, T = [[0.0], [1.0], [2.0]], [1.0, 2.0, 3.0]
    with pytest.raises(InvalidInputError, match="each row is one of its own"):
        SharedFrailty(X, T, groups=[1, 2, 3])
    with pytest.raises(InvalidInputError, match="row 0"):
        SharedFrailty(X, [0.0, 2.0, 3.0], [0, 1, 1], groups=[1, 1, 2])
    with pytest.raises(InvalidInputError, match="gama"):
        SharedFrailty(X, T, groups=[1, 1, 2], distribution="gama")
