"""Shared frailty against another maximisation, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import ConvergenceError, InvalidInputError
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
    expected = of_r("gamma", kind).iloc[::12]
    found = vs.leave_one_out(
        gamma, groups=None if groups is None else KIDNEY[groups], objects=list(expected.without)
    )
    values = expected[PARAMETERS].to_numpy(dtype=float)
    assert np.abs(gamma.theta - found.values - values).max() < MAXIMISED


def test_refits_of_log_normal_frailties_are_those_of_r():
    est = vs.minimize(kidney("lognormal"), [0, -1, 1, 0, -1])
    expected = of_r("lognormal", "patient").iloc[::4]
    found = vs.leave_one_out(est, groups=KIDNEY.id, objects=list(expected.without))
    values = expected[PARAMETERS].to_numpy(dtype=float)
    assert np.abs(est.theta - found.values - values).max() < MAXIMISED


def test_large_clusters_are_integrated_at_their_modes():
    """Of one cluster with S = 0 known: E exp(D s) = exp(D^2 v / 2)."""
    from vifstats.losses.frailty import _lognormal

    events = np.array([0.0, 3.0, 40.0])
    found = _lognormal(events, np.zeros(3), np.log(0.3))
    assert found == pytest.approx(0.15 * events**2, abs=1e-10)


def test_clusters_that_leave_in_part_and_together_equal_the_default(gamma):
    ids = np.where(KIDNEY.id < 4, 0, KIDNEY.index)  # three clusters at once; else single rows
    removals = gamma.removals(ids).take(np.arange(5))
    for method in ("gradient_differences", "reduced_hessians"):
        found = getattr(gamma.loss, method)(gamma.theta, removals)
        expected = getattr(Loss, method)(gamma.loss, gamma.theta, removals)
        assert relative_error(found, expected, 1.0) < ROUNDING


def test_effects_are_hazard_ratios(gamma):
    table = gamma.summary()
    assert table["hazard_ratio"].notna().tolist() == [True, True, False, False, False]
    assert gamma.effects.model == "Weibull model with gamma frailty"


def test_a_variance_of_0_is_said():
    rng = np.random.default_rng(0)
    T = np.exp(0.2 * np.tile([-1.0, 1.0], 15))  # less alike within clusters than by chance
    loss = SharedFrailty(rng.normal(size=(30, 1)), T, groups=np.repeat(np.arange(15), 2))
    with pytest.raises(ConvergenceError, match="log_variance"):
        vs.minimize(loss, [0.0, 0.0, 0.0, -1.0])


def test_bad_inputs():
    X, T = [[0.0], [1.0], [2.0]], [1.0, 2.0, 3.0]
    with pytest.raises(InvalidInputError, match="each row is one of its own"):
        SharedFrailty(X, T, groups=[1, 2, 3])
    with pytest.raises(InvalidInputError, match="row 0"):
        SharedFrailty(X, [0.0, 2.0, 3.0], [0, 1, 1], groups=[1, 1, 2])
    with pytest.raises(InvalidInputError, match="gama"):
        SharedFrailty(X, T, groups=[1, 1, 2], distribution="gama")
