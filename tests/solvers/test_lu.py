"""Solving with matrices that are not symmetric, one or many."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import ROUNDING, relative_error

from vifstats.errors import NotPositiveDefiniteError
from vifstats.solvers import LU
from vifstats.solvers.lu import solve_each_square
from vifstats.solvers.root import newton_roots


def jacobian(n_params: int = 5, seed: int = 0) -> np.ndarray:
    """Far from symmetric, with equations and parameters in units of their own."""
    rng = np.random.default_rng(seed)
    J = rng.normal(size=(n_params, n_params)) + 3 * np.eye(n_params)
    return J * 10.0 ** rng.integers(-6, 6, n_params) * 10.0 ** rng.integers(-6, 6, (n_params, 1))


def test_equals_the_dense_solve():
    J, rows = jacobian(), np.random.default_rng(1).normal(size=(7, 5))
    factor = LU().factor(J)
    assert relative_error(factor.solve(rows), np.linalg.solve(J, rows.T).T) < ROUNDING
    assert relative_error(factor.inverse(), np.linalg.inv(J)) < ROUNDING


def test_a_singular_matrix_names_what_is_dependent():
    J = jacobian(3)
    J[:, 2] = 2 * J[:, 0]
    with pytest.raises(NotPositiveDefiniteError, match=r"\['a', 'c'\]"):
        LU().factor(J, ["a", "b", "c"])
    with pytest.raises(NotPositiveDefiniteError, match="finite"):
        LU().factor(np.full((2, 2), np.nan))


def test_each_of_many_is_solved_and_a_singular_one_is_nan():
    stack = np.stack([jacobian(seed=0), np.zeros((5, 5)), jacobian(seed=2)])
    rows = np.random.default_rng(3).normal(size=(3, 5))
    found = solve_each_square(stack, rows)
    assert np.isnan(found[1]).all()
    for k in (0, 2):
        assert relative_error(found[k], np.linalg.solve(stack[k], rows[k])) < ROUNDING


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("start", [0.3, 5.0, 40.0])
def test_roots_are_found_far_from_where_full_steps_lead(start, unit):
    """arctan, on which undamped Newton steps diverge from beyond 1.39; and units of no account."""
    found = newton_roots(
        lambda rows, t: np.arctan(t / unit - 2),
        lambda rows, t: (1 / (unit * (1 + (t / unit - 2) ** 2)))[:, :, None],
        np.array([[start * unit], [2 * unit]]),
        scale=np.array([unit]),
    )
    assert found.converged.all()
    assert found.thetas.ravel() == pytest.approx([2 * unit] * 2, rel=1e-12)


def test_no_root_is_not_called_one():
    found = newton_roots(
        lambda rows, t: t**2 + 1,
        lambda rows, t: (2 * t)[:, :, None],
        np.array([[1.0]]),
        scale=np.ones(1),
    )
    assert not found.converged[0]
