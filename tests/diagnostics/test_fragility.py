"""The fewest edits that change a conclusion: proved, minimal, and beside the unadjusted index."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_gbsg2
from scipy.stats import hypergeom

import vifstats as vs


@cache
def gbsg2():
    d = load_gbsg2()
    arm = (d.horTh == "yes").astype(float).rename("hormone")
    others = ["age", "menostat", "tsize", "tgrade", "pnodes"]
    Z = pd.get_dummies(d[others], drop_first=True).astype(float)
    X = pd.concat([arm, (Z - Z.mean()) / Z.std()], axis=1)
    est = vs.minimize(vs.losses.Cox(X, d.time, d.cens), np.zeros(X.shape[1]))
    return X, d.time.to_numpy(), d.cens.to_numpy(), est


def z_of(X, time, event):
    est = vs.minimize(vs.losses.Cox(X, time, event), np.zeros(X.shape[1]))
    return est.theta[0] / est.standard_errors[0]


@pytest.mark.parametrize(
    ("edits", "arm", "size"), [("censored -> event", 1, 9), ("event -> censored", 0, 12)]
)
def test_gbsg2(edits, arm, size):
    X, time, event, est = gbsg2()
    found = vs.fragility(est, "hormone", edits=edits, among=(X.hormone == arm).to_numpy())
    assert (len(found), found.status) == (size, "confirmed")
    edited = event.copy()
    edited[found.members] = 1 - edited[found.members]
    assert (X.hormone[found.members] == arm).all()
    assert abs(z_of(X, time, edited)) < 1.959964
    # one edit fewer does not do it
    for member in found.members:
        fewer = edited.copy()
        fewer[member] = event[member]
        assert abs(z_of(X, time, fewer)) > 1.959964


def trial(seed, n=44):
    """Two arms and an age, small enough to try every exchange."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"arm": np.resize([0.0, 1.0], n), "age": rng.normal(size=n)})
    time = np.ceil(20 * rng.exponential(np.exp(0.9 * X.arm - 0.4 * X.age)))
    return X, time, (rng.random(n) < 0.7).astype(int)


@pytest.mark.parametrize(
    ("seed", "edits", "arm"), [(6, "event -> censored", 0), (5, "censored -> event", 1)]
)
def test_one_edit_fewer_does_not_do_it_by_any_single_exchange(seed, edits, arm):
    """Of GBSG2, python -m validation.benchmarks.fragility."""
    X, time, event = trial(seed)
    among = (X.arm == arm) & (event == edits.startswith("event"))
    est = vs.minimize(vs.losses.Cox(X, time, event), np.zeros(2))
    found = vs.fragility(est, "arm", edits=edits, among=among.to_numpy())
    assert found.status == "confirmed" and len(found) >= 2
    rest = np.setdiff1d(np.flatnonzero(among), found.members)
    tried = [found.members.drop(one).tolist() for one in found.members]
    for two in combinations(found.members, 2):
        kept = found.members.drop(list(two)).tolist()
        tried += [[*kept, into] for into in rest]
    for members in tried:
        edited = event.copy()
        edited[members] = 1 - edited[members]
        assert abs(z_of(X, time, edited)) > 1.959964


def test_swaps_and_any_edit_are_proved_too():
    X, time, event, est = gbsg2()
    swap = vs.fragility(est, "hormone", edits="swap treatment")
    moved = X.copy()
    moved.loc[swap.members, "hormone"] = 1 - moved.loc[swap.members, "hormone"]
    assert swap.reached and abs(z_of(moved, time, event)) < 1.959964
    anything = vs.fragility(est, "hormone", edits="any")
    assert anything.reached and len(anything) <= len(swap)
    assert "edits" in repr(anything) and "removed" not in repr(anything)


def _fisher(table: np.ndarray) -> float:
    """The two-sided p-value from its definition: all tables that are no more likely."""
    (a, b), (c, d) = table
    support = np.arange(max(0, a - d), min(a + b, a + c) + 1)
    p = hypergeom(a + b + c + d, a + c, a + b).pmf(support)
    return p[p <= p[support == a] * (1 + 1e-7)].sum()


@pytest.mark.parametrize("seed", range(10))
def test_the_unadjusted_index_is_that_of_brute_force(seed):
    rng = np.random.default_rng(seed)
    arm = np.arange(120) % 2
    event = rng.random(120) < np.where(arm == 1, 0.08, 0.3)
    table = np.array([[event[arm == a].sum(), (~event[arm == a]).sum()] for a in (0, 1)])
    fewer = int(np.argmin(table[:, 0]))
    expected = 0
    while _fisher(table) < 0.05:
        table[fewer] += (1, -1)
        expected += 1
    assert vs.unadjusted_fragility(event, arm) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"treatment": "surgery"}, "surgery"),
        ({"edits": "death -> life"}, "edits"),
        ({"treatment": "age", "edits": "swap treatment"}, "two levels"),
        ({"among": []}, "rows to edit"),
    ],
)
def test_bad_input_is_refused(options, message):
    est = gbsg2()[-1]
    with pytest.raises(vs.errors.VifError, match=message):
        vs.fragility(est, **{"treatment": "hormone", **options})


def test_three_arms_have_no_unadjusted_index():
    with pytest.raises(vs.errors.InvalidInputError, match="two arms"):
        vs.unadjusted_fragility([1, 0, 1], [0, 1, 2])
