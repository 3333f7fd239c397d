"""What is written over, or stands for all rows, is nobody else's: results do not change by it."""

import pickle

import numpy as np
import pytest
from statsmodels.duration.hazard_regression import PHReg

import vifstats as vs
from vifstats.losses.cox import fast, segment_sums


def data(n=60, p=2, seed=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)), rng.integers(1, 20, n).astype(float), rng.random(n) < 0.7


@pytest.mark.parametrize("compiled", [False, True])
def test_a_second_result_is_as_the_first(compiled, monkeypatch):
    if compiled and fast.loops(10**9) is None:
        pytest.skip("without numba there are no compiled loops")
    monkeypatch.setattr(fast, "LARGE", 0 if compiled else np.inf)
    X, T, E = data()
    est = vs.minimize(vs.losses.Cox(X, T, E), np.zeros(2))
    D = est.loss.gradient_differences(est.theta)
    kept, some = D.copy(), [5, 1, 17]
    few = vs.vif(est, objects=some).values.copy()  # of rows that the loss keeps
    first = vs.vif(est).values.copy()
    np.testing.assert_array_equal(vs.vif(est).values, first)
    np.testing.assert_array_equal(vs.vif(est, objects=some).values, few)
    np.testing.assert_array_equal(D, kept)
    np.testing.assert_allclose(first[some], few, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(first, -est.solve(kept), rtol=1e-12, atol=1e-15)


def test_differences_that_a_loss_keeps_are_not_written_over():
    class Kept(vs.MEstimator):
        def gradient_differences(self, theta, removals=None):
            return self.own

    y = np.array([1.0, 3.0, 5.0])
    loss = Kept(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    loss.own = own = (3.0 - y)[:, None]
    est = vs.minimize(loss, [0.0])
    first = vs.vif(est).values.copy()
    np.testing.assert_array_equal(vs.vif(est).values, first)
    np.testing.assert_array_equal(own, (3.0 - y)[:, None])


@pytest.mark.parametrize("penalty", [None, 0.1])
def test_a_hessian_that_a_loss_keeps_is_not_written_over(penalty):
    loss, theta = vs.losses.Cox(*data(), penalty=penalty), np.array([0.3, -0.2])
    first = loss.hessian(theta)
    kept = first.copy()
    first[:] = 0.0
    np.testing.assert_array_equal(loss.hessian(theta), kept)
    assert not np.array_equal(loss.hessian(theta + 0.1), kept)
    np.testing.assert_array_equal(loss.hessian(theta), kept)


def same_as_of(X: np.ndarray, found: vs.Influence, *others: np.ndarray) -> None:
    """An influence and the refits of its estimate, against those of a copy of X."""
    again = vs.vif_cox(found.estimate.theta, X, *others)
    np.testing.assert_array_equal(found.values, again.values)
    np.testing.assert_array_equal(found.estimate.loss.data.X, X)
    for method in (vs.leave_one_out, vs.newton_step):
        np.testing.assert_array_equal(method(found.estimate).values, method(again.estimate).values)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("method", ["vif", "refit"])
def test_what_is_done_to_data_afterwards_does_not_matter(method, order):
    X, T, E = data()
    theta = vs.minimize(vs.losses.Cox(X, T, E), np.zeros(2)).theta
    mine, T_mine, E_mine, theta_mine = X.copy(order), T.copy(), E.copy(), theta.copy()
    found = vs.vif_cox(theta_mine, mine, T_mine, E_mine, method=method)
    np.testing.assert_array_equal(mine, X)
    mine[:], T_mine[:], E_mine[:], theta_mine[:] = 7.0, 1.0, True, 5.0
    if method == "vif":
        same_as_of(X, found, T, E)
    else:
        again = vs.vif_cox(theta, X, T, E, method=method)
        np.testing.assert_array_equal(found.values, again.values)
        np.testing.assert_array_equal(found.estimate.loss.data.X, X)


def test_a_fit_keeps_its_design_to_itself():
    X, T, E = data(seed=5)
    fit = PHReg(T, X.copy(), status=E.astype(int)).fit()
    found = vs.vif_cox(fit)
    assert not np.may_share_memory(found.estimate.loss.data.X, fit.model.exog)
    fit.model.exog[:] = 0.0
    np.testing.assert_array_equal(found.estimate.loss.data.X, X)


def test_what_was_not_given_stands_for_all_rows():
    X, T, E = data(seed=4)
    plain = vs.losses.Cox(X, T, E)
    n = len(T)
    given = vs.losses.Cox(
        X, T, E, weights=np.ones(n), strata=np.zeros(n), offset=np.zeros(n), entry=np.full(n, -1.0)
    )
    again = pickle.loads(pickle.dumps(plain))
    theta = np.array([0.3, -0.2])
    for loss in (given, again):
        np.testing.assert_allclose(
            loss.gradient_differences(theta),
            plain.gradient_differences(theta),
            rtol=1e-12,
            atol=1e-14,
        )
        np.testing.assert_allclose(loss.hessian(theta), plain.hessian(theta), rtol=1e-12)


@pytest.mark.parametrize("compiled", [False, True])
def test_rows_are_moved_in_place(compiled):
    if compiled and fast.loops(10**9) is None:
        pytest.skip("without numba there are no compiled loops")
    permute = fast.loops(10**9).permute if compiled else segment_sums.permute
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 50):
        for place in (rng.permutation(n), np.arange(n), np.arange(n)[::-1]):
            rows = rng.normal(size=(n, 3))
            moved = rows.copy()
            permute(moved, place)
            np.testing.assert_array_equal(moved[place], rows)
