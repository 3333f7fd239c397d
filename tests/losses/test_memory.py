"""What is done with stays nowhere: no table of a library holds data, and peaks are bounded."""

from __future__ import annotations

import gc
import pickle
import tracemalloc
import weakref

import numpy as np
import pytest
from autograd import core
from cases import CASES
from joblib import wrap_non_picklable_objects

import vifstats as vs
from vifstats.losses.base import Loss
from vifstats.losses.cox import fast
from vifstats.losses.row_losses import Robust
from vifstats.losses.row_losses.robust import Huber


def known_primitives():
    """How many functions autograd has in its tables, which never forget one."""
    return len(core.primitive_vjps) + len(core.primitive_jvps)


def derivatives(loss, theta):
    """Everything that is traced, by the definitions of `Loss`."""
    loss.value(theta, loss.everyone())
    Loss.gradient(loss, theta)
    Loss.hessian_product(loss, theta, np.ones_like(theta))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_loss_is_gone_once_it_is_deleted(case):
    derivatives(case.loss(), case.place)
    before = known_primitives()
    loss = case.loss()
    derivatives(loss, case.place)
    copy = pickle.loads(pickle.dumps(wrap_non_picklable_objects(loss, keep_wrapper=False)))
    derivatives(copy, case.place)
    assert known_primitives() == before
    gone = weakref.ref(loss)
    del loss
    gc.collect()
    assert gone() is None


def test_targets_leave_nothing_behind():
    rng = np.random.default_rng(1)
    X, T, E = rng.normal(size=(60, 2)), rng.exponential(size=60), rng.random(60) < 0.7
    targets = vs.targets

    def ask():
        est = vs.minimize(vs.losses.Cox(X, T, E), np.zeros(2))
        influence, profile = vs.vif(est), [0.5, -0.5]
        influence.on(targets.SurvivalProbability(profile, 0.5))
        influence.on(targets.BaselineHazard([0.5]))
        influence.on(targets.RMST(profile, 0.8))
        influence.on(targets.MedianSurvival(profile))
        influence.on(targets.Concordance())
        return weakref.ref(est.loss)

    ask()
    before = known_primitives()
    losses = [ask() for _ in range(3)]
    gc.collect()
    assert known_primitives() == before
    assert [loss() for loss in losses] == [None] * 3


def test_norms_leave_nothing_behind():
    eta, y = np.zeros((1, 4)), np.array([0.5, 3.0, -1.0, 9.0])
    before = known_primitives()
    for t in (1.0, 1.5, 2.0):
        loss = Robust(Huber(t))
        assert np.allclose(loss.slope(eta, y), super(Robust, loss).slope(eta, y))
        assert np.allclose(loss.curvature(eta, y), super(Robust, loss).curvature(eta, y))
    assert known_primitives() == before


def peak_of(call):
    """Bytes allocated at most during a call, beyond what was there."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_no_verb_holds_all_pairs_of_covariates_of_all_rows():
    """Pairs are 8 n p^2 / 2 bytes, 160 MB here: each verb stays below, at a few blocks."""
    rng = np.random.default_rng(2)
    n, p = 4000, 100
    X, T, E = rng.normal(size=(n, p)), rng.exponential(size=n), rng.random(n) < 0.7
    loss = vs.losses.Cox(X, T, E)
    pairs = 8 * n * p * (p + 1) // 2
    assert peak_of(lambda: vs.minimize(loss, np.zeros(p))) < 0.25 * pairs
    est = vs.minimize(loss, np.zeros(p))
    assert peak_of(lambda: vs.vif(est)) < 0.25 * pairs
    assert peak_of(lambda: vs.leave_one_out(est, objects=[5])) < 0.6 * pairs
    assert peak_of(lambda: vs.newton_step(est, objects=[5, 7])) < 0.6 * pairs
    twelve = loss.each().take(np.arange(12))
    assert peak_of(lambda: loss.reduced_curvatures(np.zeros((12, p)), twelve)) < 0.9 * pairs


def test_influence_takes_little_more_than_itself(monkeypatch):
    """Of an estimate that is there, by NumPy: at most 3 X, of which the result is one."""
    monkeypatch.setattr(fast, "LARGE", np.inf)
    rng = np.random.default_rng(3)
    n = 150_000  # of fewer rows, blocks that stay in cache are a larger share
    X, T, E = rng.normal(size=(n, 10)), rng.exponential(size=n), rng.random(n) < 0.7
    est = vs.minimize(vs.losses.Cox(X, T, E), np.zeros(10))
    vs.vif(est)  # what the loss keeps of itself is there from now on
    assert peak_of(lambda: vs.vif(est)) < 3 * X.nbytes


@pytest.mark.parametrize(
    ("kind", "method", "most"),
    [("", "vif", 5), ("", "if", 6), ("strata", "vif", 5.75), ("entry", "vif", 7.5)],
)
def test_from_raw_arrays(kind, method, most, monkeypatch):
    """By NumPy: the result, what the loss keeps, which is 3 X, and what passes."""
    monkeypatch.setattr(fast, "LARGE", np.inf)
    rng = np.random.default_rng(3)
    n = 400_000
    X, T, E = rng.normal(size=(n, 10)), rng.exponential(size=n), rng.random(n) < 0.7
    given = {"strata": rng.integers(0, n // 100, n), "entry": T * rng.random(n)}
    options = {kind: given[kind]} if kind else {}
    theta = vs.minimize(vs.losses.Cox(X, T, E, **options), np.zeros(10)).theta
    taken = peak_of(lambda: vs.vif_cox(theta, X, T, E, method=method, **options))
    assert taken < most * X.nbytes
