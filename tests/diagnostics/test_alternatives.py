"""Several edits of a row beside each other, rows added, and the errors that a fit reports."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifelines import CoxPHFitter
from tolerances import CONVERGED_FIT

import vifstats as vs
from vifstats.errors import VifError
from vifstats.losses.base import Loss
from vifstats.losses.edited import Edited
from vifstats.losses.row_losses import SquaredError

N = 40
RNG = np.random.default_rng(3)
X = pd.DataFrame({"arm": np.resize([0.0, 1.0], N), "age": RNG.normal(0, 1, N)})
T = np.ceil(6 * RNG.exponential(np.exp(0.5 * X["arm"])))
E = (RNG.random(N) < 0.7).astype(int)
S, W = np.arange(N) // 2 % 2, 1.0 + np.arange(N) % 3
ENTRY = np.where(np.arange(N) % 4 == 0, T - 0.5, -1.0)


def loss_of(X=X, T=T, E=E, strata=S, weights=W, entry=ENTRY, ties="efron"):
    return vs.losses.Cox(X, T, E, strata=strata, weights=weights, entry=entry, ties=ties)


def fit_of(**data):
    return vs.minimize(loss_of(**data), np.zeros(2))


def near(found, expected, est):
    return np.abs((found - expected) / est.naive_errors).max() < CONVERGED_FIT


@pytest.fixture(scope="module")
def est():
    return fit_of()


@pytest.fixture(scope="module")
def both(est):
    swap = vs.edit(est, covariates={"arm": lambda arm: 1 - arm})
    return vs.alternatives(flip=vs.edit(est, event="flip"), swap=swap)


def test_each_edit_of_a_row_is_an_object_of_its_own(est, both):
    found = vs.leave_one_out(both, objects=["flip: 3", "swap: 3", "swap: 12"]).params_without
    flipped, swapped = E.copy(), X.copy()
    flipped[3] = 1 - E[3]
    swapped.loc[3, "arm"] = 1 - X.loc[3, "arm"]
    assert near(found.loc["flip: 3"], fit_of(E=flipped).theta, est)
    assert near(found.loc["swap: 3"], fit_of(X=swapped).theta, est)
    alone = vs.vif(vs.edit(est, event="flip")).values
    assert np.allclose(vs.vif(both).values[:N], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_kernels_of_alternatives_are_the_derivatives_of_the_stack(ties):
    est = fit_of(ties=ties, weights=None)
    flip, later = vs.edit(est, event="flip"), vs.edit(est, time=lambda t: t + 3)
    loss, theta = vs.alternatives(flip=flip, later=later).loss, est.theta + 0.1
    plain = Edited(loss.stacked, loss.rows)
    some = np.arange(0, 2 * N, 7)
    removals = loss.each().take(some)
    fast = loss.gradient_differences(theta, removals)
    slow = Loss.gradient_differences(plain, theta, removals)
    assert np.abs(fast - slow).max() < 1e-10 * np.abs(slow).max()


def test_a_set_takes_one_edit_of_a_row_at_most(both):
    found = vs.influential_set(both, "arm", flip="sign", max_size=30, method="adaptive")
    for method in ("greedy", "exchange"):
        again = vs.influential_set(both, "arm", flip="sign", max_size=30, method=method)
        assert again.reached and len(again) <= len(found) + 2
    rows = [label.split(": ")[1] for label in found.members]
    assert found.reached and len(set(rows)) == len(rows)
    X2, E2 = X.copy(), E.copy()
    for kind, row in (label.split(": ") for label in found.members):
        if kind == "flip":
            E2[int(row)] = 1 - E2[int(row)]
        else:
            X2.loc[int(row), "arm"] = 1 - X2.loc[int(row), "arm"]
    assert found.actual == pytest.approx(fit_of(X=X2, E=E2).theta[0], abs=1e-7)


def test_two_edits_of_a_row_cannot_be_made_together(both):
    groups = np.arange(2 * N) % N
    for verb in (vs.vif, vs.newton_step, vs.leave_one_out):
        with pytest.raises(vs.errors.InvalidInputError, match="different rows"):
            verb(both, groups=groups)


def test_edits_of_a_regression_stand_beside_each_other():
    y = 1 + X["arm"] + RNG.normal(size=N)
    design = sm.add_constant(X)
    est = vs.minimize(vs.losses.LinearPredictor(SquaredError(), design, y), np.zeros(3))
    kinds = vs.alternatives(
        more=vs.edit(est, outcome=lambda y: y + 2, rows=[1, 5]),
        other=vs.edit(est, covariates={"arm": lambda arm: 1 - arm}, rows=[5]),
        new=vs.edit(est, add=["new"], outcome=2.0, covariates={"const": 1, "arm": 1, "age": 0.5}),
    )
    found = vs.leave_one_out(kinds).params_without
    more, other = y.copy(), design.copy()
    more[5] += 2
    other.loc[5, "arm"] = 1 - other.loc[5, "arm"]
    added = np.vstack([design, [1, 1, 0.5]]), np.append(y, 2.0)
    for label, data in (
        ("more: 5", (design, more)),
        ("other: 5", (other, y)),
        ("new: new", added),
    ):
        assert near(found.loc[label], np.linalg.lstsq(*data, rcond=None)[0], est)


def test_a_row_added_to_a_cox_model_is_a_fit_with_it(est):
    new = {"covariates": {"arm": [1, 0], "age": [0.3, -2.0]}, "time": [4.0, 7.0], "event": [1, 0]}
    added = vs.edit(est, add=["a", "b"], stratum=[0, 1], entry=[-1.0, 2.0], weights=2.0, **new)
    found = vs.leave_one_out(added).params_without
    vif = vs.vif(added).params_without
    for k, label in enumerate(["a", "b"]):
        row = {name: values[k] for name, values in new["covariates"].items()}
        fresh = fit_of(
            X=pd.concat([X, pd.DataFrame([row])], ignore_index=True),
            T=np.append(T, new["time"][k]),
            E=np.append(E, new["event"][k]),
            strata=np.append(S, k),
            weights=np.append(W, 2.0),
            entry=np.append(ENTRY, [-1.0, 2.0][k]),
        )
        assert near(found.loc[label], fresh.theta, est)
        assert np.abs((vif.loc[label] - fresh.theta) / est.naive_errors).max() < 0.1
    together = vs.leave_one_out(added, groups=["g", "g"]).params_without.loc["g"]
    assert np.isfinite(together).all() and not near(together, found.loc["a"], est)


def test_edits_in_a_set_reduce_to_edits_of_the_edited_data(est):
    from vifstats.losses.reduced import reduced

    edits = vs.alternatives(
        flip=vs.edit(est, event="flip"),
        new=vs.edit(
            est,
            add=["n"],
            time=5.0,
            event=1,
            covariates={"arm": 1, "age": 0},
            stratum=[1],
            entry=-1.0,
        ),
    )
    kept = np.ones(N + 1, dtype=bool)
    kept[[2, 9, N]] = False
    rest, theta = reduced(edits.loss, kept), est.theta
    b = edits.loss.everyone()
    b[~kept] = 0
    assert np.allclose(rest.gradient(theta), edits.loss.gradient(theta, b), rtol=0, atol=1e-10)
    b[4] = 0
    one = rest.everyone()
    one[np.flatnonzero(kept).tolist().index(4)] = 0
    direct = edits.loss.gradient(theta, b)
    assert np.allclose(rest.gradient(theta, one), direct, rtol=0, atol=1e-10)
    D = rest.gradient_differences(theta)[np.flatnonzero(kept).tolist().index(4)]
    assert np.allclose(rest.gradient(theta) - D, direct, rtol=0, atol=1e-10)


@pytest.mark.parametrize("how", [{}, {"robust": True}, {"cluster_col": "site"}], ids=str)
def test_errors_of_edited_data_are_those_that_lifelines_would_report(how):
    data = X.assign(time=T + np.arange(N) / 1000, died=E, site=np.arange(N) // 4)
    columns = ["arm", "age", "time", "died"] + (["site"] if "cluster_col" in how else [])
    fit = CoxPHFitter().fit(data[columns], "time", "died", **how)
    edits = vs.edit(vs.from_model(fit, data[columns]), event="flip", rows=[2, 8])
    assert np.allclose(edits.p_values, fit.summary["p"], rtol=1e-6)
    errors = vs.leave_one_out(edits).on(vs.targets.PValue("arm")).value_without[:, 0]
    for row, p in zip([2, 8], errors, strict=True):
        other = data[columns].copy()
        other.loc[row, "died"] = 1 - other.loc[row, "died"]
        again = CoxPHFitter().fit(other, "time", "died", **how)
        assert p == pytest.approx(again.summary.loc["arm", "p"], rel=1e-5)


@pytest.mark.parametrize("kind", ["nonrobust", "HC1", "HC3", "cluster"])
def test_errors_of_edited_least_squares_are_those_of_statsmodels(kind):
    design, y = sm.add_constant(X), 1 + X["arm"] + RNG.normal(size=N)
    how = {"cov_type": kind, "use_t": True}
    if kind == "cluster":
        how["cov_kwds"] = {"groups": np.arange(N) // 4}
    fit = sm.OLS(y, design).fit(**how)
    edits = vs.edit(vs.from_model(fit), outcome=lambda y: y - 2, rows=[0, 7])
    assert np.allclose(edits.p_values, fit.pvalues, rtol=1e-8)
    found = vs.leave_one_out(edits).on(vs.targets.PValue("arm")).value_without[:, 0]
    for row, p in zip([0, 7], found, strict=True):
        other = y.copy()
        other[row] -= 2
        assert p == pytest.approx(sm.OLS(other, design).fit(**how).pvalues["arm"], rel=1e-6)


def test_columns_go_by_the_names_of_the_estimate():
    named = vs.minimize(loss_of(X=X.to_numpy()), np.zeros(2), names=["treated", "years"])
    swap = {"treated": lambda arm: 1 - arm}
    found = vs.leave_one_out(vs.edit(named, covariates=swap, rows=[3])).params_without.loc[3]
    swapped = X.copy()
    swapped.loc[3, "arm"] = 1 - X.loc[3, "arm"]
    assert near(found, fit_of(X=swapped).theta, named)
    assert vs.fragility(named, "treated", edits="swap treatment", flip="sign").reached


GOOD = {"time": 3.0, "event": 1, "covariates": {"arm": 1, "age": 0.0}, "entry": -1.0}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({**GOOD, "add": ["n"]}, "stratum"),
        ({**GOOD, "add": ["n"], "stratum": [1], "time": None}, "time"),
        ({**GOOD, "add": ["n"], "stratum": [1], "covariates": {"arm": 1}}, "age"),
        ({**GOOD, "add": ["n"], "stratum": [7]}, "must be one of"),
        ({**GOOD, "add": ["n"], "stratum": [1], "rows": [1]}, "both were given"),
        ({**GOOD, "add": ["n", "n"], "stratum": [1, 1]}, "all different"),
        ({**GOOD, "add": [], "stratum": [1]}, "a label for each"),
        ({**GOOD, "add": ["n"], "stratum": [1], "event": "flip"}, "old one"),
        ({**GOOD, "add": ["n"], "stratum": [1], "time": lambda t: t}, "old one"),
        ({**GOOD, "add": ["n"], "stratum": [1], "time": -2.0}, "after"),
        ({**GOOD, "add": ["n"], "stratum": [1], "time": [1.0, 2.0]}, "1 rows to add"),
        ({**GOOD, "add": ["n"], "stratum": [1], "weights": 0.0}, "positive"),
        ({"entry": 99.0, "rows": [1]}, "after it entered"),
        ({"entry": "early", "rows": [1]}, "entry"),
        ({"event": pd.Series(E)[::-1]}, "same order"),
        ({"time": T, "rows": [0]}, "changes not"),
        ({"event": 1, "rows": [N]}, "not among"),
    ],
)
def test_bad_edits(est, options, words):
    with pytest.raises(VifError, match=words):
        vs.edit(est, **options)


def test_bad_alternatives(est):
    flip = vs.edit(est, event="flip")
    line = vs.minimize(vs.losses.LinearPredictor(SquaredError(), X, T), np.zeros(2))
    for given, words in (
        ({}, "none is given"),
        ({"flip": est}, "vs.edit"),
        ({"flip": flip, "other": vs.edit(fit_of(weights=None), event="flip")}, "same estimate"),
        ({"flip": flip, "line": vs.edit(line, outcome=0.5)}, "same estimate"),
    ):
        with pytest.raises(VifError, match=words):
            vs.alternatives(**given)
    for rows in ([N + 2], [0, N]):
        with pytest.raises(vs.errors.InvalidInputError, match="before the edited versions"):
            Edited(est.loss, rows)
