"""Held-out loss: with and without the removed item, and of plain examples."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from tolerances import FINITE_DIFFERENCE, ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses import LinearPredictor, ListMLE, SoftmaxCrossEntropy
from vifstats.losses.row_losses import SquaredError
from vifstats.targets import HeldOutLoss

ITEMS = 5
RNG = np.random.default_rng(0)
X, NEW = RNG.normal(size=(20, 2)), RNG.normal(size=(6, 2))
LISTS = [list(RNG.permutation(ITEMS)[: RNG.integers(1, 4)]) for _ in range(26)]


def fit_and_target(loss=ListMLE, objects="items"):
    fit = loss(X, LISTS[:20], items=ITEMS, ridge=0.5, objects=objects)
    new = loss(NEW, LISTS[20:], items=ITEMS, ridge=0.5)
    return vs.minimize(fit, np.zeros(3 * ITEMS)), HeldOutLoss(new)


@pytest.mark.parametrize("loss", [ListMLE, SoftmaxCrossEntropy])
def test_a_refit_changes_it_by_what_the_other_items_then_lose(loss):
    """Fitted and held out on lists that never had the item."""
    est, target = fit_and_target(loss)
    change = vs.leave_one_out(est).on(target)
    for item in range(ITEMS):
        lists = [[k - (k > item) for k in row if k != item] for row in LISTS]
        alone = loss(X, lists[:20], items=ITEMS - 1, ridge=0.5)
        new = loss(NEW, lists[20:], items=ITEMS - 1, ridge=1e-300)
        theta = vs.minimize(alone, np.zeros(3 * ITEMS - 3)).theta
        expected = new.query_losses(theta, np.ones(ITEMS - 1))
        assert change.value_without[item] == pytest.approx(expected, abs=1e-7)
    assert list(change.to_frame().columns) == [str(k) for k in range(6)]


def test_what_vanishes_with_an_item_is_not_read():
    est, target = fit_and_target()
    vif = vs.vif(est)
    assert np.isnan(vif.values).any()
    assert np.isfinite(vif.on(target).influence).all()
    assert np.isfinite(vif.on(target, linear=True).influence).all()


def test_the_linear_influence_is_the_derivative_and_the_direct_term():
    est, target = fit_and_target()
    vif, removals = vs.vif(est), est.removals()
    kept = np.nan_to_num(vif.values)
    up, down = (
        target.values_without(est.loss, est.theta + s * 1e-5 * kept, removals) for s in (1, -1)
    )
    stay = np.broadcast_to(est.theta, kept.shape)
    direct = target.value(est.theta, np.ones(ITEMS), est.loss) - target.values_without(
        est.loss, stay, removals
    )
    expected = (up - down) / 2e-5 + direct
    assert relative_error(vif.on(target, linear=True).influence, expected) < FINITE_DIFFERENCE


def test_queries_leave_the_held_out_lists_alone():
    est, target = fit_and_target(objects="queries")
    change = vs.vif(est).on(target)
    assert change.influence.shape == (20, 6)
    stay = np.broadcast_to(est.theta, (20, len(est.theta)))
    without = target.values_without(est.loss, stay, est.removals())
    assert np.array_equal(without, np.tile(change.value, (20, 1)))


def squares(theta, data):
    return 0.5 * (data[1] - anp.dot(data[0], theta)) ** 2


@pytest.mark.parametrize(
    "build",
    [
        lambda A, y: vs.MEstimator(squares, (A, y)),
        lambda A, y: LinearPredictor(SquaredError(), A, y),
    ],
    ids=["MEstimator", "LinearPredictor"],
)
def test_examples_of_a_regression(build):
    y, new_y = RNG.normal(size=20), RNG.normal(size=6)
    est = vs.minimize(build(X, y), np.zeros(2))
    exact = vs.leave_one_out(est)
    change = exact.on(HeldOutLoss(build(NEW, new_y)))
    residuals = new_y - exact.params_without.to_numpy() @ NEW.T
    assert relative_error(change.value_without, 0.5 * residuals**2) < ROUNDING
    slopes = -(new_y - NEW @ est.theta)[:, None] * NEW
    linear = exact.on(HeldOutLoss(build(NEW, new_y)), linear=True).influence
    assert relative_error(linear, exact.values @ slopes.T) < ROUNDING


def test_another_model_is_refused():
    est, _ = fit_and_target()
    with pytest.raises(InvalidInputError, match="must have the parameters of the fit, 15"):
        vs.vif(est).on(HeldOutLoss(ListMLE([[0.0]], [[0]], items=ITEMS, ridge=1.0)))
    with pytest.raises(InvalidInputError, match="must have the items of the fit"):
        other = ListMLE(NEW, LISTS[20:], items=[3, 1, 2, 0, 4], ridge=1.0)
        vs.vif(est).on(HeldOutLoss(other))
    with pytest.raises(InvalidTypeError, match="tells its examples apart"):
        HeldOutLoss(vs.losses.Cox([[0.0], [1.0]], [1.0, 2.0]))
