"""Every row loss: derivatives as written and by finite differences; probabilities add up to one."""

from __future__ import annotations

import numpy as np
import pytest
from autograd.test_util import check_grads
from tolerances import ROUNDING, relative_error

from vifstats.losses import row_losses as rows
from vifstats.losses.row_losses import RowLoss, links
from vifstats.losses.row_losses.robust import Huber

RNG = np.random.default_rng(3)
N = 12
COUNT = np.tile([0.0, 1.0, 2.0, 5.0], 3)
SHARE = np.tile([0.0, 1.0, 0.3, 0.8], 3)
POSITIVE = RNG.gamma(2.0, size=N) + 0.1
REAL = RNG.normal(size=N)
CATEGORY = np.tile([0.0, 1.0, 2.0], 4)


def _eta(q: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    return RNG.uniform(low, high, size=(q, N))


CASES: dict[str, tuple[RowLoss, np.ndarray, np.ndarray]] = {
    "squared error": (rows.SquaredError(), REAL, _eta(1)),
    "logistic": (rows.Logistic(), SHARE, _eta(1, -3, 3)),
    "Poisson": (rows.Poisson(), COUNT, _eta(1)),
    "multinomial": (rows.Multinomial(), CATEGORY, _eta(2)),
    "multinomial, symmetric": (rows.Multinomial(reference=False), CATEGORY, _eta(3)),
    "ordered probit": (rows.Ordered("probit"), CATEGORY, _eta(3)),
    "ordered logit": (rows.Ordered("logit"), CATEGORY, _eta(3)),
    "beta": (rows.Beta(), POSITIVE / (1 + POSITIVE), _eta(2)),
    "negative binomial, 2": (rows.NegativeBinomialP(2), COUNT, _eta(2, 0.2, 1.0)),
    "negative binomial, 1": (rows.NegativeBinomialP(1), COUNT, _eta(2, 0.2, 1.0)),
    "generalised Poisson": (rows.GeneralizedPoisson(2), COUNT, _eta(2, 0.2, 1.0)),
    "zero inflated": (rows.ZeroInflated(rows.PoissonCount()), COUNT, _eta(2)),
    "zero inflated, probit": (
        rows.ZeroInflated(rows.NegativeBinomialP(2), "probit"),
        COUNT,
        _eta(3, 0.2, 1.0),
    ),
    "Huber": (rows.Robust(Huber(0.7), 1.3), REAL, _eta(1)),
    "Binomial cauchy": (rows.Binomial(links.Cauchy()), SHARE, _eta(1, -2, 2)),
    "Binomial cloglog": (rows.Binomial(links.CLogLog()), SHARE, _eta(1)),
    "Binomial loglog": (rows.Binomial(links.LogLog()), SHARE, _eta(1)),
    "Binomial logit": (rows.Binomial(links.Logit()), SHARE, _eta(1)),
    "Binomial probit": (rows.Binomial(links.Probit()), SHARE, _eta(1)),
    "Binomial log": (rows.Binomial(links.Log()), SHARE, _eta(1, -2, -0.2)),
    "Binomial logc": (rows.Binomial(links.LogC()), SHARE, _eta(1, -2, -0.2)),
    "Gaussian power": (rows.Gaussian(links.Power(0.5)), REAL, _eta(1, 0.5, 2)),
    "Poisson identity": (rows.PoissonGLM(links.Identity()), COUNT, _eta(1, 0.5, 2)),
    "Gamma inverse": (rows.Gamma(links.Power(-1.0)), POSITIVE, _eta(1, 0.5, 2)),
    "inverse Gaussian": (rows.InverseGaussian(links.Power(-2.0)), POSITIVE, _eta(1, 0.5, 2)),
    "negative binomial, canonical": (
        rows.NegativeBinomial(links.NegativeBinomialLink(0.5), 0.5),
        COUNT,
        _eta(1, -2, -0.2),
    ),
    "Tweedie 1.5": (rows.Tweedie(links.Log(), 1.5), POSITIVE, _eta(1)),
    "Tweedie 1": (rows.Tweedie(links.Log(), 1), COUNT, _eta(1)),
    "Tweedie 2": (rows.Tweedie(links.Log(), 2), POSITIVE, _eta(1)),
}


@pytest.mark.parametrize("name", CASES)
def test_value_can_be_differentiated_twice(name):
    row_loss, y, eta = CASES[name]
    check_grads(lambda e: row_loss.value(e, y), order=2, modes=["rev"])(eta)


@pytest.mark.parametrize("name", CASES)
def test_derivatives_equal_automatic_differentiation(name):
    row_loss, y, eta = CASES[name]
    assert relative_error(row_loss.slope(eta, y), RowLoss.slope(row_loss, eta, y)) <= ROUNDING
    fast, slow = row_loss.curvature(eta, y), RowLoss.curvature(row_loss, eta, y)
    assert fast.shape == slow.shape
    assert relative_error(fast.reshape(-1, N), slow.reshape(-1, N), floor=1.0) <= ROUNDING


@pytest.mark.parametrize("name", CASES)
def test_several_thetas_at_once_are_one_after_another(name):
    row_loss, y, eta = CASES[name]
    stacked = np.stack([eta, eta[:, ::-1]], axis=1)
    for method in ("value", "slope", "curvature"):
        together = getattr(row_loss, method)(stacked, y)
        alone = [getattr(row_loss, method)(e, y) for e in (eta, eta[:, ::-1])]
        assert np.allclose(together, np.stack(alone, axis=-2), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize(
    "name",
    [
        "multinomial",
        "multinomial, symmetric",
        "ordered probit",
        "ordered logit",
        "negative binomial, 1",
        "negative binomial, 2",
        "zero inflated",
        "zero inflated, probit",
    ],
)
def test_probabilities_sum_to_one(name):
    row_loss, y, eta = CASES[name]
    outcomes = range(400) if y is COUNT else range(3)
    total = sum(np.exp(-row_loss.value(eta, np.full(N, float(k)))) for k in outcomes)
    assert total == pytest.approx(np.ones(N), abs=1e-6)


def test_generalised_poisson_sums_to_one():
    eta = np.stack([np.linspace(-1, 1, N), np.full(N, 0.2)])
    row_loss = rows.GeneralizedPoisson(1)
    total = sum(np.exp(-row_loss.value(eta, np.full(N, float(k)))) for k in range(400))
    assert total == pytest.approx(np.ones(N), abs=1e-6)


@pytest.mark.parametrize(
    ("general", "canonical", "y"),
    [
        (rows.Gaussian(links.Identity()), rows.SquaredError(), REAL),
        (rows.Binomial(links.Logit()), rows.Logistic(), SHARE),
        (rows.PoissonGLM(links.Log()), rows.Poisson(), COUNT),
    ],
)
def test_canonical_losses_are_those_of_the_families(general, canonical, y):
    eta = _eta(1)
    for method in ("value", "slope", "curvature"):
        a, b = getattr(general, method)(eta, y), getattr(canonical, method)(eta, y)
        assert np.allclose(a, b, rtol=ROUNDING, atol=ROUNDING)


def test_tails_keep_their_digits():
    far = np.array([[-40.0, 40.0]])
    y = np.array([1.0, 0.0])
    for link in (links.Logit(), links.Probit()):
        values = rows.Binomial(link).value(far, y)
        assert np.isfinite(values).all()
        assert values[0] == pytest.approx(values[1])
