"""Curves without a model: every deletion against the definition on the data without the row."""

from __future__ import annotations

from pathlib import Path

import naive_curves as naive
import numpy as np
import pandas as pd
import pytest
from scipy.special import chdtrc
from tolerances import ROUNDING

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.targets import (
    RMST,
    Coefficient,
    CumulativeIncidence,
    LogRank,
    MedianSurvival,
    RMSTDifference,
    SurvivalProbability,
    SurvivalQuantile,
)

ORACLES = Path(__file__).parents[3] / "validation" / "oracles" / "curves"


def columns(T, E, *, entry=None, weights=None, groups=None):
    n = len(T)
    return {
        "T": np.asarray(T, dtype=float),
        "E": np.asarray(E, dtype=int),
        "entry": np.full(n, -np.inf) if entry is None else np.asarray(entry, dtype=float),
        "weights": np.ones(n) if weights is None else np.asarray(weights, dtype=float),
        "groups": np.array(["a"] * n) if groups is None else np.asarray(groups),
    }


def drawn(seed, n, *, entry=False, weights=None, groups="ab"):
    """Rows with many ties, two causes and censoring; of each group the first two rows."""
    rng = np.random.default_rng(seed)
    T, E = rng.integers(1, 8, n).astype(float), rng.integers(0, 3, n)
    return columns(
        T,
        E,
        entry=T - rng.integers(1, 6, n) if entry else None,
        weights=None if weights is None else rng.choice(weights, n),
        groups=np.resize(list(groups), n),
    )


CASES = {
    "ties": drawn(0, 17),
    "entry": drawn(1, 19, entry=True),
    "whole weights": drawn(2, 16, weights=[1.0, 2.0, 3.0]),
    "weights that are no numbers of rows": drawn(3, 15, weights=[0.3, 1.1, 2.7]),
    "entry and weights": drawn(4, 21, entry=True, weights=[1.0, 2.0]),
    "three groups": drawn(5, 22, groups="abc"),
    "everyone censored": columns([1, 2, 2, 3], [0, 0, 0, 0], groups=list("abab")),
    "everyone dies at once": columns([2, 2, 2, 2], [1, 1, 1, 1], groups=list("aabb")),
    "last row censored": columns([1, 2, 3, 9, 2, 7], [1, 1, 2, 0, 1, 0], groups=list("aaaabb")),
    "last row dies": columns([1, 2, 3, 9, 2, 7], [0, 1, 2, 1, 1, 1], groups=list("aaaabb")),
    "a row alone at risk, then others": columns(
        [2, 5, 6, 7, 3, 4], [1, 1, 1, 0, 1, 1], entry=[0, 3, 3, 4, 0, 1], groups=list("aaaabb")
    ),
    "one row of a group": columns([1, 2, 3, 4, 5], [1, 1, 0, 2, 1], groups=list("abbbb")),
    "an event at time 0": columns([0, 0, 3, 4, 2], [1, 0, 1, 2, 1], groups=list("abbba")),
}


def curves_of(data):
    entry = None if np.isneginf(data["entry"]).all() else data["entry"]
    rest = {name: data[name] for name in ("groups", "weights")}
    return vs.kaplan_meier(data["T"], data["E"], entry=entry, **rest)


def check(data, target, definition, labels):
    """Values and all deletions of a target that has one value for each group."""
    found = curves_of(data).on(target)
    n = len(data["T"])
    full = [definition(naive.arm(data, label)) for label in labels]
    left = [
        [definition(naive.arm(naive.without(data, i), label)) for label in labels] for i in range(n)
    ]
    np.testing.assert_allclose(found.value, full, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(found.value_without, left, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("name", CASES)
def test_every_deletion_is_the_definition_on_the_rows_left(name):
    data = CASES[name]
    labels = list(dict.fromkeys(data["groups"].tolist()))
    last = min(data["T"][data["groups"] == label].max() for label in labels)
    for t in (0.0, last / 2, last):
        check(data, SurvivalProbability(labels, t), lambda d, t=t: naive.survival(d, t), labels)
    for tau in (last / 2, last):
        if tau > 0:
            check(data, RMST(labels, tau), lambda d, t=tau: naive.restricted_mean(d, t), labels)
    for share in (0.2, 0.5, 0.9):
        check(
            data,
            SurvivalQuantile(labels, share),
            lambda d, s=share: naive.quantile(d, s),
            labels,
        )
    check(data, MedianSurvival(labels), lambda d: naive.quantile(d, 0.5), labels)
    for cause in np.unique(data["E"][data["E"] > 0]).tolist():
        check(
            data,
            CumulativeIncidence(labels, last, cause),
            lambda d, c=cause: naive.incidence(d, c, last),
            labels,
        )


@pytest.mark.parametrize(
    "name", [name for name in CASES if "numbers" not in name and "everyone" not in name]
)
def test_every_log_rank_test_is_the_one_on_the_rows_left(name):
    data = CASES[name]
    labels = list(dict.fromkeys(data["groups"].tolist()))
    found = curves_of(data).on(LogRank())
    left = [naive.log_rank(naive.without(data, i), labels) for i in range(len(data["T"]))]
    np.testing.assert_allclose(found.value[0], naive.log_rank(data, labels), atol=ROUNDING)
    np.testing.assert_allclose(found.value_without[:, 0], left, rtol=ROUNDING, atol=ROUNDING)
    assert found.status[np.isnan(left)].eq("fewer than two groups are ever at risk together").all()


def test_a_difference_is_that_of_the_means():
    data = CASES["three groups"]
    km = curves_of(data)
    both = km.on(RMST(["c", "a"], 4.0))
    change = km.on(RMSTDifference("c", "a", 4.0))
    np.testing.assert_allclose(change.influence[:, 0], both.influence @ [1, -1], atol=ROUNDING)
    assert list(change.table) == ["RMST(4) difference"]
    assert (change.status[data["groups"] == "b"] == "no influence").all()
    assert (change.influence[data["groups"] == "b"] == 0).all()


def test_agrees_with_lifelines():
    from lifelines import KaplanMeierFitter
    from lifelines.datasets import load_waltons
    from lifelines.statistics import logrank_test
    from lifelines.utils import restricted_mean_survival_time

    d = load_waltons()
    km = vs.kaplan_meier(d["T"], d["E"], groups=d["group"])
    where = [0, 5, 100, 162]
    curve, mean = (
        km.on(target).value_without[:, 0]
        for target in (SurvivalProbability("miR-137", 30.0), RMST("miR-137", 50.0))
    )
    test = km.on(LogRank()).value_without
    for i in where:
        left = d.drop(index=d.index[i])
        arm = left[left["group"] == "miR-137"]
        fit = KaplanMeierFitter().fit(arm["T"], arm["E"])
        assert curve[i] == pytest.approx(fit.predict(30.0), abs=ROUNDING)
        assert mean[i] == pytest.approx(restricted_mean_survival_time(fit, 50.0), abs=ROUNDING)
        rest = left[left["group"] != "miR-137"]
        p = logrank_test(arm["T"], rest["T"], arm["E"], rest["E"])
        assert test[i] == pytest.approx([p.test_statistic, p.p_value], rel=ROUNDING)


def test_many_weights_of_one_value_are_many_rows():
    """A row of weight w leaves as w rows of weight 1 do together."""
    data = drawn(8, 14, weights=[2.0])
    twice = {name: np.repeat(column, 2) for name, column in data.items()}
    twice["weights"] = np.ones(28)
    tau = float(min(data["T"][data["groups"] == g].max() for g in "ab"))
    targets = (RMST(["a", "b"], tau), LogRank())
    for target in targets:
        assert curves_of(data).on(target).value == pytest.approx(curves_of(twice).on(target).value)


def test_rows_keep_their_labels_and_order():
    T = pd.Series([5.0, 1.0, 3.0], index=["x", "y", "x"])
    change = vs.kaplan_meier(T, pd.Series([1, 1, 0], index=T.index)).on(RMST(None, 4.0))
    assert change.index.to_list() == ["x", "y", "x"]
    assert change.table.index.to_list() == ["x", "y", "x"]
    assert list(change.table) == ["RMST(4)"]
    assert change.top(1).index.to_list() == ["y"]


def test_pseudo_values_and_jackknife_errors():
    """Of a mean without censoring they are the rows themselves and the error of the mean."""
    rng = np.random.default_rng(3)
    T = rng.exponential(size=12)
    groups = np.repeat(["a", "b"], [5, 7])
    change = vs.kaplan_meier(T, groups=groups).on(RMST("b", T[5:].max()))
    assert change.pseudo_values.to_numpy()[5:, 0] == pytest.approx(T[5:])
    error = T[5:].std(ddof=1) / np.sqrt(7)
    assert change.jackknife_errors.to_list() == pytest.approx([error])
    tau = min(T[:5].max(), T[5:].max())
    parts = vs.kaplan_meier(T, groups=groups).on(RMST(["a", "b"], tau)).jackknife_errors
    both = vs.kaplan_meier(T, groups=groups).on(RMSTDifference("a", "b", tau)).jackknife_errors
    assert both.iloc[0] == pytest.approx(np.hypot(*parts))


def test_what_is_shown():
    data = CASES["three groups"]
    km = curves_of(data)
    assert km.table.index.to_list() == ["a", "b", "c"]
    assert km.table["rows"].sum() == 22
    assert "3 curves, 22 rows" in repr(km)
    assert set(km.curve["group"]) == {"a", "b", "c"}
    change = km.on(RMST("b", 3.0))
    assert "exact, in closed form" in repr(change)
    assert "RMST(3 | b)" in change.ranges.index
    assert vs.compare(change, change).slope.to_list() == [1.0]
    assert change.plot().get_ylabel() == "change of RMST(3 | b), full minus without"
    assert vs.plots.distribution_plot(change, "RMST(3 | b)").get_ylabel() == "rows"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda km: km.on(Coefficient("age")), InvalidTypeError, "have the targets"),
        (lambda km: km.on(RMST), InvalidTypeError, "have the targets"),
        (lambda km: km.on(RMST("d", 2.0)), InvalidInputError, "one of the groups"),
        (lambda km: km.on(RMST("a", 1e9)), InvalidInputError, "ends at 6 in group 'a'"),
        (lambda km: km.on(SurvivalProbability(None, 99)), InvalidInputError, "within follow-up"),
        (lambda km: km.on(RMSTDifference(["a", "b"], "c", 2)), InvalidInputError, "two groups"),
        (lambda km: km.on(CumulativeIncidence(None, 2.0, 7)), InvalidInputError, "`cause`"),
        (lambda km: km.on(MedianSurvival("a", ties="efron")), InvalidInputError, "Cox model"),
        (lambda km: vs.compare(km.on(RMST("a", 2.0))), InvalidInputError, "without a model"),
        (lambda km: vs.plots.influence_plot(km.on(LogRank())), InvalidInputError, "no parameters"),
        (lambda km: vs.kaplan_meier([1, 2], [1, 2]), InvalidInputError, "coded 1/2"),
        (lambda km: vs.kaplan_meier([1, 2], [0, 1.5]), InvalidInputError, "`E` must be 0"),
        (lambda km: vs.kaplan_meier([], []), InvalidInputError, "at least one row"),
        (lambda km: vs.kaplan_meier([1, -2]), InvalidInputError, ">= 0"),
        (lambda km: vs.kaplan_meier([1, 2], entry=[0, 2]), InvalidInputError, "before `T`"),
        (lambda km: vs.kaplan_meier([1, 2], groups=["a", None]), InvalidInputError, "missing"),
        (lambda km: vs.kaplan_meier([1, 2]).on(LogRank()), InvalidInputError, "two or more"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(curves_of(CASES["three groups"]))


def test_a_fitted_model_has_neither_a_curve_without_covariates_nor_a_log_rank_test():
    est = vs.minimize(vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0]), [0.0])
    with pytest.raises(InvalidTypeError, match="curves without a model"):
        vs.vif(est).on(LogRank())
    with pytest.raises(InvalidInputError, match="curves without a model"):
        vs.vif(est).on(MedianSurvival())


def test_every_deletion_is_that_of_r():
    def read(name):
        table = pd.read_csv(ORACLES / name, float_precision="round_trip")
        return table.drop(columns="without", errors="ignore")

    d, of_r = read("lung.csv"), read("lung_curves.csv")
    at = SurvivalProbability(None, [180, 365, 730])
    plain = vs.kaplan_meier(d["time"], d["event"])
    late = vs.kaplan_meier(d["time"], d["event"], entry=d["entry"], weights=d["weight"])
    arms = vs.kaplan_meier(d["time"], d["event"], groups=d["sex"])
    m, of_r_too = read("mgus2.csv"), read("mgus2_curves.csv")
    causes = vs.kaplan_meier(m["time"], m["cause"])
    found = [curves.on(target) for curves in (plain, late) for target in (at, RMST(None, 365))]
    check_against(of_r.iloc[:, :8], found)
    tests = arms.on(LogRank())
    p = chdtrc(1, of_r["logrank"])
    check_against(of_r[["logrank"]].assign(p=p), [tests])
    check_against(of_r_too, [causes.on(CumulativeIncidence(None, [60, 200], c)) for c in (1, 2)])


def check_against(table, found):
    """R's values of all rows in the first line, then without each."""
    full = np.concatenate([change.value for change in found])
    left = np.concatenate([change.value_without for change in found], axis=1)
    np.testing.assert_allclose(np.vstack([full, left]), table, rtol=ROUNDING, atol=ROUNDING)
