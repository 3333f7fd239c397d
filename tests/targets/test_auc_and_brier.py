"""AUC and Brier score: against their definitions written out, and refits of the reduced data."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from tolerances import REFERENCE, ROUNDING

import vifstats as vs
from vifstats.targets import AUC, BrierScore

COLUMNS = ["fin", "age", "prio"]


@cache
def fitted(weighted: bool) -> tuple[vs.Estimate, tuple[np.ndarray, ...]]:
    """Coarse times, so that events and censorings are tied, and many equal predictors."""
    d = vs.datasets.load_rossi()[:120]
    rng = np.random.default_rng(0)
    time = np.minimum(np.ceil(d.week.to_numpy() / 4), rng.integers(2, 14, len(d))).astype(float)
    event = (d.arrest.to_numpy() == 1) & (time == np.ceil(d.week / 4))
    X = d[COLUMNS].to_numpy(dtype=float)
    X[:, 1] = X[:, 1] > 25
    w = rng.uniform(0.5, 2.0, len(d)) if weighted else np.ones(len(d))
    loss = vs.losses.Cox(X, time, event.astype(int), weights=w, ties="breslow")
    return vs.minimize(loss, np.zeros(3)), (X, time, event, w)


def uncensored(u, time, event, w, before):
    """P(not censored before u), or by u, one factor after the other."""
    G = 1.0
    for s in np.unique(time[~event]):
        if s < u or (s == u and not before):
            at_risk = w[time >= s].sum() - w[(time == s) & event].sum()
            G *= 1 - w[(time == s) & ~event].sum() / at_risk
    return G


def auc(theta, X, time, event, w, t):
    # covariates that are equal give equal predictors
    score = np.round(X @ theta, 9)
    above = every = 0.0
    for i in np.flatnonzero(event & (time <= t)):
        share = w[i] / uncensored(time[i], time, event, w, before=True)
        for j in np.flatnonzero(time > t):
            pair = share * w[j]
            above += pair * ((score[i] > score[j]) + 0.5 * (score[i] == score[j]))
            every += pair
    return above / every


def brier(theta, X, time, event, w, t):
    r, hazard, total = w * np.exp(X @ theta), 0.0, 0.0
    for s in np.unique(time[event]):
        if s <= t:
            hazard += w[event & (time == s)].sum() / r[time >= s].sum()
    for i in range(len(time)):
        S = np.exp(-hazard * np.exp(X[i] @ theta))
        if time[i] > t:
            total += w[i] * (1 - S) ** 2 / uncensored(t, time, event, w, before=False)
        elif event[i]:
            total += w[i] * S**2 / uncensored(time[i], time, event, w, before=True)
    return total / w.sum()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("target", "by_hand"), [(AUC, auc), (BrierScore, brier)])
def test_with_all_rows_and_without_some_it_is_its_definition(target, by_hand, weighted):
    est, data = fitted(weighted)
    event, times = data[2], [5.0, 9.0]
    rows = [int(np.flatnonzero(event)[0]), int(np.flatnonzero(~event)[3]), 60]
    refits = vs.leave_one_out(est, objects=rows)
    found = refits.on(target(times))
    assert found.value == pytest.approx([by_hand(est.theta, *data, t) for t in times], rel=ROUNDING)
    for row, theta, value in zip(
        rows, refits.params_without.to_numpy(), np.asarray(found.value_without), strict=True
    ):
        left = tuple(np.delete(part, row, axis=0) for part in data)
        assert value == pytest.approx([by_hand(theta, *left, t) for t in times], rel=ROUNDING)


def test_without_censoring_the_brier_score_is_the_mean_square():
    X, time = np.array([[0.0], [1.0], [0.5], [2.0]]), np.array([4.0, 3.0, 2.0, 1.0])
    est = vs.Estimate(vs.losses.Cox(X, time), [0.3], tol=np.inf)
    S = vs.vif(est).on(vs.targets.SurvivalProbability(X, 2.0)).value
    expected = np.mean(((time > 2.0) - S) ** 2)
    assert vs.vif(est).on(BrierScore(2.0)).value == pytest.approx([expected], rel=REFERENCE)


def test_the_direct_term_of_the_censoring_weights_is_in_the_linear_influence():
    est, _ = fitted(False)
    newton = vs.newton_step(est)
    linear = np.asarray(newton.on(BrierScore(9.0), linear=True).influence).ravel()
    whole = np.asarray(vs.leave_one_out(est).on(BrierScore(9.0)).influence).ravel()
    assert np.corrcoef(linear, whole)[0, 1] > 0.999


@pytest.mark.parametrize("target", [AUC, BrierScore])
def test_what_it_is_not_defined_for_is_refused(target):
    est, (X, time, event, _) = fitted(False)
    for t in (0.5, 99.0, np.nan):
        with pytest.raises(vs.errors.InvalidInputError, match="choose times between|finite"):
            vs.vif(est).on(target(t))
    late = vs.losses.Cox(X, time, event.astype(int), entry=time - 1)
    with pytest.raises(vs.errors.InvalidInputError, match="delayed entry; use Concordance"):
        vs.vif(vs.minimize(late, np.zeros(3))).on(target(5.0))
