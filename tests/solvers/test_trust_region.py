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
        lambda rows, x: ((x[:, 0] ** 2 - 1) ** 2, 4 * x * (x**2 - 1)),
        lambda rows, x: (12 * x**2 - 4)[:, :, None],
    )


def test_many_steps_end_in_a_minimum():
    starts, ends = np.array([[0.1], [-0.01], [30.0]]), [1.0, -1.0, 1.0]
    found = trust_region_steps(*double_well(), starts, steps=40, radius=2.0)
    assert found[:, 0] == pytest.approx(ends, abs=1e-8)


def test_no_step_goes_up():
    slopes, curvatures = double_well()
    theta = np.array([[0.1]])
    level = slopes(None, theta)[0]
    for _ in range(5):
        theta = trust_region_steps(slopes, curvatures, theta, steps=1, radius=50.0)
        assert slopes(None, theta)[0] <= level
        level = slopes(None, theta)[0]


def test_problems_of_one_call_do_not_know_of_each_other():
    starts = np.array([[0.1], [30.0]])
    together = trust_region_steps(*double_well(), starts, steps=2, radius=50.0)
    alone = [trust_region_steps(*double_well(), s[None], steps=2, radius=50.0) for s in starts]
    assert np.array_equal(together, np.vstack(alone))


def test_steps_do_not_depend_on_units_that_the_scale_has_too():
    slopes, curvatures = double_well()
    units = np.array([1e-6])

    def scaled(rows, x):
        values, gradients = slopes(rows, x / units)
        return values, gradients / units

    ends = [
        trust_region_steps(slopes, curvatures, np.array([[3.0]]), steps=2, radius=0.5),
        trust_region_steps(
            scaled,
            lambda rows, x: curvatures(rows, x / units) / units**2,
            3.0 * units[None],
            steps=2,
            radius=0.5,
            scale=units,
        )
        / units,
    ]
    assert ends[0] == pytest.approx(ends[1], rel=ROUNDING)


def test_held_parameters_stay_where_they_are():
    bowl = (
        lambda rows, x: (np.sum((x - 1) ** 2, axis=1), 2 * (x - 1)),
        lambda rows, x: np.tile(2 * np.eye(2) + 0.5, (len(x), 1, 1)),
    )
    start, fixed = np.array([[5.0, 5.0]]), np.array([[True, False]])
    found = trust_region_steps(*bowl, start, steps=20, radius=10.0, fixed=fixed)
    assert found == pytest.approx(np.array([[5.0, 1.0]]), abs=1e-6)
