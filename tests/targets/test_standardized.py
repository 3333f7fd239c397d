"""Standardized survival and restricted means: a naive g-formula on the data without each row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from tolerances import LIBRARY_FIT, ROUNDING

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.targets import StandardizedRMST, StandardizedSurvival

TIMES, TAU = [0.3, 0.9], 0.8


def table(seed=0, n=24):
    rng = np.random.default_rng(seed)
    d = pd.DataFrame({"arm": rng.integers(0, 2, n) * 1.0, "age": rng.normal(size=n)})
    t, c = rng.exponential(np.exp(-0.5 * d.arm - 0.4 * d.age)), rng.exponential(2.0, n)
    d = d.assign(time=np.minimum(t, c).round(2) + 0.01, event=(t <= c).astype(int))
    d = d.assign(w=rng.uniform(0.5, 2.0, n), site=np.arange(n) % 2)
    # both strata are followed longer than is asked
    d.loc[[0, 1], ["time", "event"]] = 1.5, 0
    return d.set_index(pd.Index([f"p{k}" for k in range(n)]))


def naive(d, theta, weights=None, site=None):
    """By definition: Breslow's hazard in each stratum, row by row, then means by weight."""
    w = np.ones(len(d)) if weights is None else d[weights].to_numpy()
    strata = np.zeros(len(d)) if site is None else d[site].to_numpy()
    X, T, E = d[["arm", "age"]].to_numpy(), d.time.to_numpy(), d.event.to_numpy()
    risk = w * np.exp(X @ theta)

    def S(i, t, arm):
        mine = strata == strata[i]
        died = [k for k in np.flatnonzero(mine & (E == 1)) if T[k] <= t]
        H = sum(w[k] / risk[mine & (T[k] <= T)].sum() for k in died)
        return np.exp(-H * np.exp(np.array([arm, X[i, 1]]) @ theta))

    def mean(f):
        return [np.average([f(i, arm) for i in range(len(d))], weights=w) for arm in (1.0, 0.0)]

    def area(i, arm):
        ends = np.unique(np.concatenate([[0.0], T[(E == 1) & (T < TAU)], [TAU]]))
        return sum((b - a) * S(i, a, arm) for a, b in zip(ends, ends[1:], strict=False))

    one, other = np.array([mean(lambda i, arm, t=t: S(i, t, arm)) for t in TIMES]).T
    rmst = mean(area)
    return np.concatenate([one, other, one - other]), np.array([*rmst, rmst[0] - rmst[1]])


def worlds(d, **when):
    X = d[["arm", "age"]]
    sides = (X.assign(arm=1.0), X.assign(arm=0.0))
    return StandardizedSurvival(*sides, TIMES), StandardizedRMST(*sides, tau=TAU)


def estimate(d, weights=None, site=None):
    options = {
        "weights": None if weights is None else d[weights],
        "strata": None if site is None else d[site],
    }
    loss = vs.losses.Cox(d[["arm", "age"]], d.time, d.event, ties="breslow", **options)
    return vs.minimize(loss, np.zeros(2))


@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"weights": "w", "site": "site"}])
def test_refits_are_the_naive_formula_on_the_rows_that_are_left(options):
    d = table()
    est = estimate(d, **options)
    refits = vs.leave_one_out(est, objects=["p0", "p5", "p17"])
    for target, k in zip(worlds(d), (0, 1), strict=True):
        change = refits.on(target)
        assert change.value == pytest.approx(naive(d, est.theta, **options)[k], abs=ROUNDING)
        for row, label in enumerate(["p0", "p5", "p17"]):
            less = d.drop(index=label)
            expected = naive(less, estimate(less, **options).theta, **options)[k]
            assert change.value_without[row] == pytest.approx(expected, abs=ROUNDING)


def test_values_are_called_by_time_and_side():
    survival, rmst = (vs.vif(estimate(table())).on(target) for target in worlds(table()))
    assert list(survival.to_frame().columns)[:3] == ["S(0.3), x1", "S(0.9), x1", "S(0.3), x0"]
    assert list(rmst.to_frame().columns)[-1] == "RMST(0.8), x1 - x0"


def test_newton_predicts_refits_and_the_mean_itself_matters():
    d = table(1, 120)
    est = estimate(d)
    target = worlds(d)[1]
    exact, newton = vs.leave_one_out(est).on(target), vs.newton_step(est).on(target)
    assert (vs.compare(newton, exact).pearson > 0.999).all()


def test_the_worlds_of_a_formula_are_tables():
    """lifelines with an interaction: a world is a table, not a column of the design."""
    d = table(2, 60)[["arm", "age", "time", "event"]]
    fit = CoxPHFitter().fit(d, "time", "event", formula="arm * age")
    influence = vs.vif_cox(fit, d)
    target = StandardizedSurvival(d.assign(arm=1.0), d.assign(arm=0.0), TIMES, ties="breslow")
    own = [fit.predict_survival_function(d.assign(arm=arm), times=TIMES) for arm in (1.0, 0.0)]
    one, other = (side.mean(axis=1).to_numpy() for side in own)
    value = influence.on(target).value
    assert value == pytest.approx(np.concatenate([one, other, one - other]), abs=LIBRARY_FIT)


def test_rows_of_a_table_are_found_by_their_labels():
    d = table().set_axis([f"patient {k}" for k in range(24)])
    X, influence = d[["arm", "age"]], vs.vif(estimate(d))
    one, other = X.assign(arm=1.0), X.assign(arm=0.0)
    more = pd.concat([one.iloc[::-1], one.iloc[:3].set_axis(["d", "e", "f"])])
    expected = influence.on(StandardizedSurvival(one, other, TIMES))
    found = influence.on(StandardizedSurvival(more, other, TIMES))
    np.testing.assert_array_equal(found.influence, expected.influence)


def test_a_table_that_is_not_the_rows_of_the_fit_is_refused():
    d = table()
    influence = vs.vif(estimate(d))
    X = d[["arm", "age"]]
    with pytest.raises(InvalidInputError, match="has 23 rows for 24"):
        influence.on(StandardizedSurvival(X.iloc[1:], X, 0.5))
    with pytest.raises(InvalidInputError, match="`x0` .*other labels"):
        influence.on(StandardizedRMST(X, X.set_axis(range(50, 74)), 0.5))
    with pytest.raises(InvalidInputError, match="follow-up"):
        influence.on(StandardizedRMST(X, X, 99.0))
    logit = vs.losses.FineGray(X, d.time, d.event)
    with pytest.raises(InvalidTypeError, match="target of Cox models"):
        vs.vif(vs.minimize(logit, np.zeros(2))).on(StandardizedSurvival(X, X, 0.5))
