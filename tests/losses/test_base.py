"""What holds for every loss of the table: derivatives, overrides, presence, order of the rows."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pandas as pd
import pytest
from autograd.test_util import check_grads
from cases import BY_NAME, CASES
from tolerances import REFERENCE, ROUNDING, relative_error

import vifstats as vs
from vifstats.losses.base import Loss
from vifstats.removals import Removals
from vifstats.solvers.linalg import pinned, solve_each

EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=str)


def per_removal(case) -> list[str]:
    """The methods that give a row for each removal."""
    names = ["gradient_differences", "reduced_hessians"]
    return [*names, "weight_gradients"] if case.fractional else names


def masks(n: int) -> list[np.ndarray]:
    """Everybody, all but one, two halves."""
    half = np.random.default_rng(1).permutation(n) < n // 2
    without_first = np.arange(n) > 0
    return [np.ones(n), without_first.astype(float), half.astype(float), (~half).astype(float)]


def groups_of(n: int) -> Removals:
    """Five groups that leave two objects out, and one empty group."""
    codes = np.random.default_rng(2).integers(0, 5, n)
    codes[:2] = -1
    return Removals(codes, pd.Index(list("abcdef")))


@EVERY_CASE
def test_value_has_two_derivatives(case):
    loss = case.loss()
    for b in masks(case.n):
        check_grads(lambda theta, b=b: loss.value(theta, b), modes=["rev"], order=2)(case.place)


@pytest.mark.parametrize(
    ("case", "method"), [(c, m) for c in CASES for m in per_removal(c)], ids=str
)
@pytest.mark.parametrize("grouped", [False, True])
def test_per_removal_methods_equal_their_defaults(case, method, grouped):
    loss = case.loss()
    arguments = (case.place, groups_of(case.n)) if grouped else (case.place,)
    found = getattr(loss, method)(*arguments)
    expected = getattr(Loss, method)(loss, *arguments)
    assert relative_error(found, expected, np.abs(loss.gradient(case.place)).max()) < ROUNDING


@EVERY_CASE
def test_derivatives_equal_their_defaults(case):
    loss, theta = case.loss(), case.place
    direction = np.random.default_rng(6).normal(size=len(theta))
    for b in [None, *masks(case.n)]:
        assert relative_error(loss.gradient(theta, b), Loss.gradient(loss, theta, b)) < ROUNDING
        assert relative_error(loss.hessian(theta, b), Loss.hessian(loss, theta, b)) < ROUNDING
        product = loss.hessian_product(theta, direction, b)
        expected = Loss.hessian(loss, theta, b) @ direction
        assert relative_error(product, expected, np.abs(expected).max()) < ROUNDING


@EVERY_CASE
def test_reduced_problems_equal_their_defaults(case):
    """Each removal at its own theta: what refits call."""
    loss, removals = case.loss(), groups_of(case.n)
    thetas = case.place + np.random.default_rng(3).normal(0, 0.1, (len(removals), len(case.start)))
    for found, expected in zip(
        loss.reduced_slopes(thetas, removals),
        Loss.reduced_slopes(loss, thetas, removals),
        strict=True,
    ):
        assert relative_error(found, expected) < ROUNDING
    curvatures = loss.reduced_curvatures(thetas, removals)
    assert relative_error(curvatures, Loss.reduced_curvatures(loss, thetas, removals)) < ROUNDING


@EVERY_CASE
def test_a_group_leaves_as_a_whole(case):
    """D of a group is the definition with all of its members absent, not a sum over them."""
    loss, removals = case.loss(), groups_of(case.n)
    D = loss.gradient_differences(case.place, removals)
    full = Loss.gradient(loss, case.place)
    masks_of = map(removals.presence, range(6))
    expected = np.stack([full - Loss.gradient(loss, case.place, b) for b in masks_of])
    owned = loss.owned_mask(removals, len(case.place))
    if owned is not None:
        expected[owned] = 0.0  # what vanishes has no difference
    assert relative_error(D, expected) < ROUNDING
    assert not D[5].any()


@EVERY_CASE
def test_an_absent_object_is_as_if_it_never_was(case):
    loss, theta = case.loss(), case.place
    for b in masks(case.n)[1:]:
        rows = np.flatnonzero(b)
        alone, has = case.loss(rows), case.parameters(rows)
        value = alone.value(theta[has], alone.everyone())
        assert loss.value(theta, b) == pytest.approx(value, rel=REFERENCE)
        gradient, H = Loss.gradient(loss, theta, b), Loss.hessian(loss, theta, b)
        assert relative_error(gradient[has], Loss.gradient(alone, theta[has])) < ROUNDING
        assert relative_error(H[np.ix_(has, has)], Loss.hessian(alone, theta[has])) < ROUNDING
        assert not np.delete(gradient, has).any() and not np.delete(H, has, axis=0).any()


@EVERY_CASE
def test_nobody_leaves_the_penalty(case):
    if case.needs_somebody:
        assert np.isinf(case.loss().value(case.place, np.zeros(case.n)))
        return
    left = case.loss().value(case.place, np.zeros(case.n))
    assert left == pytest.approx(case.penalty(case.place), rel=REFERENCE, abs=0)


@EVERY_CASE
def test_order_of_the_rows_has_no_effect(case):
    order = np.random.default_rng(4).permutation(case.n)
    loss, permuted, has = case.loss(), case.loss(order), case.parameters(order)
    theta = case.place[has]
    assert list(permuted.labels) == list(loss.labels[order])
    for b in masks(case.n):
        value = permuted.value(theta, b[order])
        assert value == pytest.approx(loss.value(case.place, b), rel=REFERENCE)
    for method in per_removal(case):
        expected = getattr(loss, method)(case.place)[order][:, has]
        expected = expected[:, :, has] if expected.ndim == 3 else expected
        assert relative_error(getattr(permuted, method)(theta), expected) < ROUNDING


def test_every_loss_of_the_package_has_a_row():
    rows = {case.public for case in CASES}
    # Loss is abstract; of an Edited, absent objects are as edited, so no rule of absence holds:
    # tests/losses/cox/test_edited_cox.py has its own
    # equations have a root and no minimum: tests/equations
    equations = {"Equations", "EstimatingEquations", "RowEquations"}
    assert rows == set(vs.losses.__all__) - {"Loss", "Edited"} - equations


def test_function_loss_uses_the_derivatives_it_is_given():
    case = BY_NAME["grad and hess"]
    marked = vs.FunctionLoss(
        case.loss().f,
        case.n,
        3,
        grad=lambda theta, b: np.array([1, 2, b.sum()]),
        hess=lambda theta, b: b.sum() * np.eye(3, dtype=int),
    )
    assert marked.gradient(case.place).tolist() == [1.0, 2.0, 40.0]
    assert marked.gradient(case.place, masks(40)[1]).tolist() == [1.0, 2.0, 39.0]
    assert marked.hessian(case.place).dtype == float


def test_owned_parameters_are_marked_by_removal():
    loss = BY_NAME["random effects"].loss()
    removals = Removals(np.array([0, 0, 1] + [-1] * 9), pd.Index(["ab", "c"]))
    mask = loss.owned_mask(removals, 13)
    assert np.argwhere(mask).tolist() == [[0, 1], [0, 2], [1, 3]]


def test_solve_each_leaves_out_what_is_owned_and_what_is_singular():
    rng = np.random.default_rng(5)
    root = rng.normal(size=(4, 3, 3))
    H = root @ root.transpose(0, 2, 1) + 0.1 * np.eye(3)
    H[1] = np.outer([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    H[2, 0, 0] = np.nan
    rows = rng.normal(size=(4, 3))
    owned = np.zeros((4, 3), dtype=bool)
    owned[3, 1] = True
    solved = solve_each(H, rows, owned)
    assert np.isnan(solved[1:3]).all()
    assert solved[0] == pytest.approx(np.linalg.solve(H[0], rows[0]), rel=ROUNDING)
    assert solved[3, 1] == 0
    kept = [0, 2]
    expected = np.linalg.solve(H[3][np.ix_(kept, kept)], rows[3, kept])
    assert solved[3, kept] == pytest.approx(expected, rel=ROUNDING)


def test_solve_each_of_a_hessian_that_is_rounding_and_not_quite_symmetric():
    """As without a row that holds the estimate: the lower triangle alone looks positive definite.

    LU of both triangles is singular, which must be the end of one refit, not of all.
    """
    H = np.spacing(1.0) * np.array([[18.0, 20.0], [18.0, 20.0]])
    solved = solve_each(np.stack([H, np.eye(2)]), np.ones((2, 2)))
    assert np.isnan(solved[0]).all()
    np.testing.assert_array_equal(solved[1], 1.0)


def test_solve_each_by_the_inverse_of_a_common_matrix():
    """Those near to it, those far from it, one indefinite, one not a number."""
    rng = np.random.default_rng(4)
    A, V = rng.normal(size=(400, 3)), 0.3 * rng.normal(size=(60, 3))
    V[:5] *= 30
    common, rows = A.T @ A, rng.normal(size=(60, 3))
    H = common - V[:, :, None] * V[:, None]
    H[5] -= 2 * common
    H[6, 0, 0] = np.nan
    expected, solved = solve_each(H, rows), solve_each(H, rows, common=common)
    assert np.flatnonzero(np.isnan(expected).any(axis=1)).tolist()[-2:] == [5, 6]
    np.testing.assert_allclose(solved, expected, rtol=1e-13, atol=1e-16)
    singular = np.ones((3, 3))
    np.testing.assert_array_equal(solve_each(H, rows, common=singular), expected)


def test_solve_each_does_not_mind_units():
    """Parameters 1e8 apart in scale are no ill-conditioning."""
    units = np.array([1e-8, 1.0, 1e8])
    H = np.array([[2.0, 0.5, 0.1], [0.5, 3.0, 0.2], [0.1, 0.2, 1.0]])
    rows = np.ones((1, 3))
    solved = solve_each((H * np.outer(units, units))[None], rows * units)
    assert solved[0] * units == pytest.approx(np.linalg.solve(H, rows[0]), rel=ROUNDING)


def test_pinned_is_the_hessian_across_the_gauge():
    """Also of a stack, and of directions that depend on one another."""
    rng = np.random.default_rng(7)
    H = rng.normal(size=(3, 4, 4))
    H = H + H.transpose(0, 2, 1)
    gauge = rng.normal(size=(3, 2, 4))
    gauge[1, 1] = -3 * gauge[1, 0]
    for one, rows, several in zip(H, gauge, pinned(H, gauge), strict=True):
        _, sizes, V = np.linalg.svd(rows)
        rank = int((sizes > 1e-10).sum())
        along, across = V[:rank], V[rank:]
        assert relative_error(several, pinned(one, rows)) < ROUNDING
        assert relative_error(across @ several @ across.T, across @ one @ across.T) < ROUNDING
        size = np.linalg.norm(one)
        assert along @ several @ along.T == pytest.approx(size * np.eye(rank), abs=1e-12 * size)
        assert across @ several @ along.T == pytest.approx(0, abs=1e-12 * size)


def test_a_constant_loss_has_a_gradient_of_zero():
    loss = vs.FunctionLoss(lambda theta, b: anp.sum(b), 3, 2)
    assert loss.gradient(np.zeros(2)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("case", [c for c in CASES if c.fractional], ids=str)
def test_scores_without_removals_equal_their_default(case):
    """Of each object that is left, after each removal, at its own theta: what sandwiches sum."""
    loss, removals = case.loss(), groups_of(case.n)
    thetas = case.place + np.random.default_rng(3).normal(0, 0.1, (len(removals), len(case.start)))
    found = loss.reduced_scores(thetas, removals)
    expected = Loss.reduced_scores(loss, thetas, removals)
    for one, other in zip(found, expected, strict=True):
        assert relative_error(one, other, np.abs(other).max()) < ROUNDING
    nobody = Removals.nobody(case.n)
    everyone = loss.reduced_scores(case.place[None], nobody)[0]
    expected = loss.weight_gradients(case.place)
    assert relative_error(everyone, expected, np.abs(expected).max()) < ROUNDING
