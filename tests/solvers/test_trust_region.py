"""Trust-region steps: the best point of a ball, and never uphill."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tolerances import ROUNDING

from vifstats.solvers.trust_region import trust_region_step, trust_region_steps


@given(st.integers(0, 1000), st.floats(0.01, 10.0), st.floats(-5.0, 5.0))
def test_no_point_of_the_ball_is_lower(seed, radius, shift):
    rng = np.random.default_rng(seed)
    root, g = rng.normal(size=(3, 3)), rng.normal(size=3)
    H = root @ root.T + shift * np.eye(3)
    step = trust_region_step(g, H, radius)
    assert np.linalg.norm(step) <= radius * (1 + ROUNDING)
    others = rng.normal(size=(2000, 3))
    others *= radius * rng.random((2000, 1)) ** (1 / 3) / np.linalg.norm(others, axis=1)[:, None]
    levels = others @ g + 0.5 * np.einsum("ki,ij,kj->k", others, H, others)
    assert g @ step + 0.5 * step @ H @ step <= levels.min() + 1e-9 * (1 + np.abs(levels).max())


def test_within_the_radius_it_is_the_newton_step():
    H, g = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([0.3, -0.2])
    assert trust_region_step(g, H, 10.0) == pytest.approx(-np.linalg.solve(H, g), rel=ROUNDING)


def test_a_minimum_stays_where_it_is():
    assert trust_region_step(np.zeros(2), np.diag([1.0, 2.0]), 1.0).tolist() == [0.0, 0.0]


def double_well():
    """Minima at -1 and 1, a maximum at 0."""
    return (
        lambda x: float((x[0] ** 2 - 1) ** 2),
        lambda x: 4 * x * (x**2 - 1),
        lambda x: np.array([[12 * x[0] ** 2 - 4]]),
    )


@pytest.mark.parametrize(("start", "end"), [(0.1, 1.0), (-0.01, -1.0), (30.0, 1.0)])
def test_many_steps_end_in_a_minimum(start, end):
    found = trust_region_steps(*double_well(), np.array([start]), steps=40, radius=2.0)
    assert found == pytest.approx([end], abs=1e-8)


def test_no_step_goes_up():
    value, gradient, hessian = double_well()
    theta, level = np.array([0.1]), value(np.array([0.1]))
    for _ in range(5):
        theta = trust_region_steps(value, gradient, hessian, theta, steps=1, radius=50.0)
        assert value(theta) <= level
        level = value(theta)
