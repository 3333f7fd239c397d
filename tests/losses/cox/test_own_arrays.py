"""What is written over, or stands for all rows, is nobody else's: results do not change by it."""

import pickle

import numpy as np
import pytest

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
