"""Solving with a Hessian, and what is said when that cannot be done."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import REFERENCE, ROUNDING, relative_error

from vifstats.errors import InvalidInputError, NotPositiveDefiniteError
from vifstats.solvers import Cholesky

# A new solver is a new row: (solver, what it adds to the diagonal)
SOLVERS = [(Cholesky(), 0.0), (Cholesky(damping=2.5), 2.5)]
EVERY_SOLVER = pytest.mark.parametrize(("solver", "added"), SOLVERS, ids=lambda v: str(v))


def hessian(n_params: int = 5, seed: int = 0) -> np.ndarray:
    root = np.random.default_rng(seed).normal(size=(n_params, n_params))
    return root @ root.T + 0.5 * np.eye(n_params)


@EVERY_SOLVER
def test_equals_the_dense_solve(solver, added):
    H, rows = hessian(), np.random.default_rng(1).normal(size=(7, 5))
    factor, damped = solver.factor(H), hessian() + added * np.eye(5)
    assert relative_error(factor.solve(rows), np.linalg.solve(damped, rows.T).T) < ROUNDING
    assert relative_error(factor.solve(rows[0]), np.linalg.solve(damped, rows[0])) < ROUNDING
    assert relative_error(factor.inverse(), np.linalg.inv(damped)) < ROUNDING
    assert (factor.inverse() == factor.inverse().T).all()


def test_units_of_the_parameters_do_not_matter():
    units = np.array([1e-9, 1e-4, 1.0, 1e5, 1e9])
    H, rows = hessian(), np.random.default_rng(1).normal(size=(3, 5))
    solved = Cholesky().factor(H * np.outer(units, units)).solve(rows * units) * units
    assert relative_error(solved, Cholesky().factor(H).solve(rows)) < REFERENCE


@EVERY_SOLVER
def test_no_rows(solver, added):
    assert solver.factor(hessian()).solve(np.empty((0, 5))).shape == (0, 5)


def test_collinear_columns_are_named():
    X = np.random.default_rng(2).normal(size=(30, 4))
    X[:, 3] = 2 * X[:, 1]
    with pytest.raises(NotPositiveDefiniteError, match=r"\['dose', 'twice dose'\].*collinear"):
        Cholesky().factor(X.T @ X, ["age", "dose", "sex", "twice dose"])
    assert Cholesky(damping=1e-3).factor(X.T @ X)


def test_an_indefinite_hessian_shows_its_smallest_eigenvalue():
    H = np.array([[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(NotPositiveDefiniteError, match=r"eigenvalue .* is -1, along .*theta0"):
        Cholesky().factor(H)
    with pytest.raises(NotPositiveDefiniteError, match="damping"):
        Cholesky(damping=0.5).factor(H)
    assert Cholesky(damping=1.5).factor(H)


@pytest.mark.parametrize("curvature", [0.0, -3.0])
def test_a_parameter_without_curvature_is_named(curvature):
    with pytest.raises(NotPositiveDefiniteError, match=rf"{curvature:g} at \['flat'\]"):
        Cholesky().factor(np.diag([1.0, curvature]), ["age", "flat"])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none(bad):
    with pytest.raises(NotPositiveDefiniteError, match="must be finite"):
        Cholesky().factor(np.diag([1.0, bad]))


@pytest.mark.parametrize("damping", [-1.0, np.nan, np.inf])
def test_damping_must_be_a_number_from_0(damping):
    with pytest.raises(InvalidInputError, match="`damping` must be >= 0"):
        Cholesky(damping=damping)
