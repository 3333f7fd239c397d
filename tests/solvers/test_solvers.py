"""Solving with a Hessian, and what is said when that cannot be done."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import REFERENCE, ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import ConvergenceError, InvalidInputError, NotPositiveDefiniteError
from vifstats.losses import InfoNCE, NodeEmbedding
from vifstats.solvers import Cholesky, ConjugateGradient, Eigen, HessianProduct, Lanczos, LiSSA

# A new solver is a new row: (solver, what it adds to the diagonal)
SOLVERS = [
    (Cholesky(), 0.0),
    (Cholesky(damping=2.5), 2.5),
    (Eigen(), 0.0),
    (Eigen(damping=2.5), 2.5),
    (ConjugateGradient(tol=1e-13), 0.0),
    (ConjugateGradient(tol=1e-13, damping=2.5), 2.5),
    (ConjugateGradient(tol=1e-13, preconditioner=lambda r: r / np.arange(1.0, 6.0)), 0.0),
    (LiSSA(tol=1e-12), 0.0),
    (LiSSA(tol=1e-12, damping=2.5), 2.5),
]
EVERY_SOLVER = pytest.mark.parametrize(("solver", "added"), SOLVERS)
MATRIX_FREE = [ConjugateGradient(tol=1e-12), Lanczos(rank=4, rest=0.5), LiSSA(tol=1e-12)]


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


# Solvers that need products with H only


def spiked(n_params: int = 12, rank: int = 4) -> np.ndarray:
    """Curvature 0.5 but in a few directions."""
    root = np.random.default_rng(3).normal(size=(n_params, rank))
    return root @ root.T + 0.5 * np.eye(n_params)


@pytest.mark.parametrize("solver", MATRIX_FREE, ids=lambda s: type(s).__name__)
def test_products_are_enough(solver):
    H, rows = spiked(), np.random.default_rng(4).normal(size=(3, 12))
    asked = []

    def times(v):
        asked.append(v.shape)
        return H @ v

    solution = solver.factor(HessianProduct(times, 12)).solution(rows)
    assert relative_error(solution.rows, np.linalg.solve(H, rows.T).T) < ROUNDING
    assert set(asked) == {(12,)}
    if solution.residual is not None:
        true = np.linalg.norm(solution.rows @ H - rows, axis=1) / np.linalg.norm(rows, axis=1)
        assert solution.residual == pytest.approx(true, abs=1e-14)


@pytest.mark.parametrize("solver", [ConjugateGradient(), LiSSA()], ids=["cg", "lissa"])
def test_a_row_of_zeros_takes_no_products(solver):
    solution = solver.factor(hessian()).solution(np.zeros((2, 5)))
    assert not solution.rows.any() and solution.residual.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("tol", [1e-2, 1e-5, 1e-9])
@pytest.mark.parametrize("kind", [ConjugateGradient, LiSSA])
def test_the_tolerance_is_honoured(kind, tol):
    H, rows = hessian(20), np.random.default_rng(5).normal(size=(4, 20))
    solution = kind(tol=tol).factor(H).solution(rows)
    true = np.linalg.norm(solution.rows @ H - rows, axis=1) / np.linalg.norm(rows, axis=1)
    assert (true <= tol * (1 + 1e-4)).all() and (solution.residual <= tol).all()
    assert f"residual at most {solution.residual.max():.1e}" in solution.note.replace("\n", " ")


def test_conjugate_gradients_end_after_as_many_steps_as_eigenvalues():
    solution = ConjugateGradient(tol=1e-10).factor(spiked()).solution(np.ones((1, 12)))
    assert "at most 5 products" in solution.note


def test_a_preconditioner_saves_products():
    scale = np.logspace(0, 4, 30)
    H = hessian(30) + np.diag(scale)
    rows = np.ones((1, 30))

    def products(solver):
        return int(solver.factor(H).solution(rows).note.split("at most ")[1].split()[0])

    plain = products(ConjugateGradient())
    assert products(ConjugateGradient(preconditioner=lambda r: r / np.diag(H))) < 0.7 * plain


def test_too_few_products_are_an_error():
    with pytest.raises(ConvergenceError, match=r"residual of 1e-08, but after 2 products .* damp"):
        ConjugateGradient(max_steps=2).factor(hessian(20)).solve(np.ones(20))
    with pytest.raises(ConvergenceError, match="after 3 products .* ConjugateGradient"):
        LiSSA(max_steps=3).factor(hessian(20)).solve(np.ones(20))


@pytest.mark.parametrize("solver", [ConjugateGradient(), Eigen()], ids=["cg", "eigen"])
def test_a_saddle_is_an_error(solver):
    with pytest.raises(NotPositiveDefiniteError, match=r"is -1"):
        solver.factor(np.diag([1.0, -1.0])).solve(np.array([0.0, 1.0]))


def test_lissa_checks_that_it_converges():
    H = np.diag([1.0, 2.0, 10.0])
    with pytest.raises(InvalidInputError, match="more than half the largest eigenvalue, 10,"):
        LiSSA(scale=4.9).factor(H)
    assert LiSSA(scale=5.1).factor(H).solve(np.ones(3)) == pytest.approx([1, 0.5, 0.1], abs=1e-4)
    with pytest.raises(ConvergenceError, match="grows"):
        LiSSA().factor(np.diag([-1.0, 2.0, 10.0])).solve(np.ones(3))


def test_lanczos_leaves_the_rest_out_or_takes_it_for_flat():
    H, rows = spiked(), np.random.default_rng(4).normal(size=(3, 12))
    eigenvalues, V = np.linalg.eigh(H)
    top = V[:, -4:]
    inside = (rows @ top / eigenvalues[-4:]) @ top.T
    without = Lanczos(rank=4).factor(H).solution(rows)
    assert relative_error(without.rows, inside) < ROUNDING
    assert "4 of 12 directions" in without.note and "the others left out" in without.note
    damped = Lanczos(rank=4, rest=0.5, damping=2.0).factor(H).solve(rows)
    assert relative_error(damped, np.linalg.solve(H + 2 * np.eye(12), rows.T).T) < ROUNDING
    assert relative_error(Lanczos(4, 0.5).factor(H).inverse(), np.linalg.inv(H)) < ROUNDING


def test_lanczos_is_the_same_each_time():
    one, two = (Lanczos(rank=3).factor(hessian(20)).solve(np.ones(20)) for _ in range(2))
    assert (one == two).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Lanczos(rank=0), "`rank` must be 1 or more"),
        (lambda: Lanczos(rank=5).factor(hessian()), "below the number of parameters, 5"),
        (lambda: Lanczos(rank=2, rest=0.0), "`rest` must be positive"),
        (lambda: ConjugateGradient(tol=0.0), "`tol` must be between 0 and 1"),
        (lambda: LiSSA(tol=2.0), "`tol` must be between 0 and 1"),
        (lambda: Eigen(cutoff=0.0), "`cutoff` must be between 0 and 1"),
        (lambda: Eigen(damping=-1.0), "`damping` must be >= 0"),
    ],
)
def test_settings_that_make_no_sense(make, message):
    with pytest.raises(InvalidInputError, match=message):
        make()


def test_eigen_leaves_flat_directions_out():
    root = np.random.default_rng(6).normal(size=(6, 4))
    H, rows = root @ root.T, np.random.default_rng(7).normal(size=(3, 4)) @ root.T
    solution = Eigen().factor(H).solution(rows)
    assert relative_error(solution.rows, rows @ np.linalg.pinv(H)) < 1e-8
    assert "2 of 6 directions left out (eigenvalues below 1e-09 of the largest)" in solution.note
    assert "left out" not in Eigen().factor(H + np.eye(6)).solution(rows).note


# With an estimate


@pytest.mark.parametrize(
    ("solver", "bound"),
    [(ConjugateGradient(), 1e-6), (LiSSA(), 1e-4), (Lanczos(rank=47, rest=1.0), 1e-6)],
    ids=["cg", "lissa", "lanczos"],
)
def test_vif_without_a_hessian(solver, bound):
    """No method that forms H is called, and the numbers are those of Cholesky.

    The least eigenvalue is the ridge here, so Lanczos is exact with all others.
    """
    ring = np.roll(np.eye(12, dtype=bool), 1, axis=1)
    loss = NodeEmbedding(ring | ring.T | np.roll(ring, 3, axis=1) | np.roll(ring, 3, axis=1).T)
    est = vs.minimize(loss, loss.start())
    expected = vs.vif(est)

    class WithoutHessian(NodeEmbedding):
        def hessian(self, theta, presence=None):
            raise AssertionError("H was formed")

    loss.__class__ = WithoutHessian
    found = vs.vif(vs.Estimate(loss, est.theta, tol=np.inf), solver=solver)
    kept = np.isfinite(expected.values)
    assert relative_error(found.values[kept], expected.values[kept]) < bound
    assert "  solve:  " in repr(found)


def test_the_automatic_product_is_enough():
    """A loss that has no product of its own."""
    X = np.random.default_rng(8).normal(size=(12, 3))
    loss = InfoNCE(X, X + 0.3, dim=1)
    est = vs.minimize(loss, loss.start())
    found = vs.vif(est, solver=ConjugateGradient(tol=1e-12)).values
    assert relative_error(found, vs.vif(est).values) < ROUNDING
