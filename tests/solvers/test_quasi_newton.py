"""Minimisation from the factor of a related fit."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from tolerances import CONVERGED_FIT

import vifstats as vs
from vifstats.solvers import quasi_newton as module
from vifstats.solvers.quasi_newton import quasi_newton

SIZE = 30


def problems(seed: int, k: int = 5, change: float = 0.3):
    """Quadratics with Hessians that differ from a common one by a low rank, and a quartic term."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(SIZE, SIZE)) / np.sqrt(SIZE)
    common = root @ root.T + 0.5 * np.eye(SIZE)
    spikes = change * rng.normal(size=(k, SIZE))
    H = common + np.einsum("ki,kj->kij", spikes, spikes)
    centres = rng.normal(size=(k, SIZE))

    def slopes(rows, thetas):
        d = thetas - centres[rows]
        Hd = np.einsum("kij,kj->ki", H[rows], d)
        values = 0.5 * np.einsum("ki,ki->k", d, Hd) + 0.05 * (d**4).sum(axis=1)
        return values, Hd + 0.2 * d**3

    return slopes, lambda rows: np.linalg.solve(common, rows.T).T, centres


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("change", [0.0, 0.3, 3.0])
def test_minima_of_problems_near_the_related_one_and_far_from_it(seed, change):
    slopes, solve, centres = problems(seed, change=change)
    minima = quasi_newton(slopes, solve, np.zeros_like(centres), unit=1.0)
    assert minima.converged.all() and (minima.last_step <= 1e-9).all()
    assert np.abs(minima.thetas - centres).max() < CONVERGED_FIT


def test_it_takes_far_fewer_steps_than_the_fixed_hessian_alone(monkeypatch):
    from vifstats.solvers import quasi_newton as module

    slopes, solve, centres = problems(0, change=3.0)
    assert quasi_newton(
        slopes, solve, np.zeros_like(centres), unit=1.0, max_steps=40
    ).converged.all()
    monkeypatch.setattr(module, "MEMORY", 0)
    monkeypatch.setattr(module.Memory, "then", lambda self, pair: self)
    assert not quasi_newton(
        slopes, solve, np.zeros_like(centres), unit=1.0, max_steps=40
    ).converged.any()


def test_together_as_alone():
    slopes, solve, centres = problems(1)
    together = quasi_newton(slopes, solve, np.zeros_like(centres), unit=1.0)
    for k in range(len(centres)):
        alone = quasi_newton(
            lambda rows, thetas, k=k: slopes(rows + k, thetas), solve, np.zeros((1, SIZE)), unit=1.0
        )
        assert alone.thetas[0] == pytest.approx(together.thetas[k], abs=CONVERGED_FIT)


def test_fixed_parameters_stay():
    slopes, solve, centres = problems(2)
    fixed = np.zeros(centres.shape, dtype=bool)
    fixed[:, :3] = True
    minima = quasi_newton(slopes, solve, np.zeros_like(centres), unit=1.0, fixed=fixed)
    assert minima.converged.all() and not minima.thetas[:, :3].any()
    _, gradients = slopes(np.arange(len(centres)), minima.thetas)
    assert np.abs(gradients[:, 3:]).max() < 1e-7 and np.abs(gradients[:, :3]).min() > 1e-3


def test_nothing_to_minimise_and_too_few_steps():
    slopes, solve, centres = problems(3)
    assert quasi_newton(slopes, solve, centres[:0], unit=1.0).thetas.shape == (0, SIZE)
    assert not quasi_newton(
        slopes, solve, np.zeros_like(centres), unit=1.0, max_steps=1
    ).converged.any()


def test_separation_is_never_a_number(monkeypatch):
    """Only row 0 contradicts "y is 1 where x > 0": without it the estimate diverges."""
    x = np.concatenate([[-3.0], np.linspace(-2, 2, 20)])
    y = np.concatenate([[1.0], (np.linspace(-2, 2, 20) > 0).astype(float)])

    def f(theta, d):
        eta = theta[0] + theta[1] * d[0]
        return anp.logaddexp(0.0, eta) - d[1] * eta

    est = vs.minimize(vs.MEstimator(f, (x, y)), [0.0, 0.0])
    exact = vs.leave_one_out(est)
    monkeypatch.setattr(module, "LARGE", 1)
    found = vs.leave_one_out(est, max_steps=200)
    assert np.isnan(found.values[0]).all() and found.exact[1:].all()
    error = np.abs(found.values - exact.values) / est.standard_errors
    assert np.nanmax(error) < CONVERGED_FIT


def test_a_start_that_curves_the_wrong_way(monkeypatch):
    """No factor there: damped Newton steps find the way."""
    monkeypatch.setattr(module, "LARGE", 0)
    loss = vs.FunctionLoss(lambda t, b: b[0] * anp.sum((t**2 - 1) ** 2 + 0.1 * t), 1, 2)
    est = vs.minimize(loss, [0.1, 0.2])
    assert np.abs(loss.gradient(est.theta)).max() < 1e-7
