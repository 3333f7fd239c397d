"""Fine and Gray's model: R's finegray and cmprsk, the definition, and what removals change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import CONVERGED_FIT, ORACLE, REFERENCE, ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.losses import Cox, FineGray
from vifstats.losses.base import Loss
from vifstats.losses.cox.fine_gray.changes import changes
from vifstats.removals import Removals

FOLDER = Path(__file__).parents[3] / "validation" / "oracles" / "fine_gray"


def of_r(name: str, ties: str) -> tuple[FineGray, pd.DataFrame]:
    """The rows as a loss, and R's coefficients, with all rows and without some."""
    d = pd.read_csv(FOLDER / f"{name}.csv")
    X = d.drop(columns=["time", "cause", "weights"])
    strata = d.ulcer if name == "melanoma_strata" else None
    loss = FineGray(X, d.time, d.cause, ties=ties, weights=d.weights, strata=strata)
    found = pd.read_csv(
        FOLDER / f"{name}.{ties}.csv", float_precision="round_trip", skipinitialspace=True
    )
    return loss, found.set_index("without")


CASES = [
    ("melanoma", "efron", 4),
    ("melanoma", "breslow", 20),
    ("melanoma_weights", "efron", 1),
    ("melanoma_strata", "breslow", 1),
    ("mgus2", "efron", 20),
    ("mgus2", "breslow", 1),
]


@pytest.mark.parametrize(("name", "ties", "every"), CASES)
def test_coefficients_and_refits_are_those_of_r(name, ties, every):
    loss, expected = of_r(name, ties)
    est = vs.minimize(loss, np.zeros(4))
    assert relative_error(est.theta, expected.iloc[0]) < ORACLE
    rows = expected.index[1::every].astype(int)
    refits = vs.leave_one_out(est, objects=list(rows))
    assert relative_error(refits.params_without, expected.loc[rows.astype(float)]) < ORACLE
    assert relative_error(vs.newton_step(est, objects=list(rows)).values, refits.values) < 0.06
    vif = vs.vif(est, objects=list(rows)).values
    assert np.corrcoef(vif.ravel(), refits.values.ravel())[0, 1] > 0.999


def drawn(seed: int, n: int | None = None) -> FineGray:
    """Ties, strata of the censoring, weights, offsets and a penalty, each half of the time."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 16)) if n is None else n
    X, cause = rng.normal(size=(n, 2)), rng.integers(0, 4, n)
    cause[0] = 2
    time = rng.exponential(1, n)
    drawn = {
        "strata": rng.integers(0, 3, n),
        "weights": rng.uniform(0.5, 2.0, n),
        "offset": 0.5 * rng.normal(size=n),
        "penalty": 0.3,
    }
    options = {name: value for name, value in drawn.items() if rng.random() < 0.5}
    time = np.ceil(4 * time) if rng.random() < 0.5 else time
    return FineGray(X, time, cause, of=2, ties=("efron", "breslow")[seed % 2], **options)


def by_definition(loss: FineGray, theta: np.ndarray, left: np.ndarray) -> float:
    """Equation (53) by loops over events and rows, of the rows that are left."""
    data, cause = loss.data, loss.cause
    r = data.weights * np.exp(data.X @ theta + data.offset)

    def uncensored(t: float, stratum: int) -> float:
        """G(t-)."""
        same, out = left & (data.strata == stratum), 1.0
        for c in np.unique(data.time[same & (cause == 0) & (data.time < t)]):
            lost = (same & (cause == 0) & (data.time == c)).sum()
            out *= 1 - lost / (lost + (same & (data.time > c)).sum())
        return out

    def weight(j: int, t: float) -> float:
        if data.time[j] >= t:
            return 1.0
        if cause[j] in (0, loss.of):
            return 0.0
        return uncensored(t, data.strata[j]) / uncensored(data.time[j], data.strata[j])

    total = 0.0
    for t in np.unique(data.time[left & (cause == loss.of)]):
        own = np.flatnonzero(left & (cause == loss.of) & (data.time == t))
        S0 = sum(weight(j, t) * r[j] for j in np.flatnonzero(left))
        for rank in range(len(own)):
            share = rank / len(own) if loss.ties == "efron" else 0.0
            total += data.weights[own].mean() * np.log(S0 - share * r[own].sum())
        total -= data.weights[own] @ (data.X[own] @ theta + data.offset[own])
    return total if loss.penalty is None else total + 0.5 * theta @ loss.penalty @ theta


@given(st.integers(0, 2**32 - 1))
def test_the_value_is_the_definition_whoever_is_left(seed):
    loss, rng = drawn(seed), np.random.default_rng(seed)
    theta, left = rng.normal(size=2), rng.random(loss.n_objects) < 0.8
    for who in (np.ones_like(left), left):
        expected = by_definition(loss, theta, who)
        assert loss.value(theta, who.astype(float)) == pytest.approx(expected, REFERENCE, REFERENCE)


@settings(max_examples=8)  # the automatic derivatives take a second each
@given(st.integers(0, 2**32 - 1))
def test_every_derivative_is_the_automatic_one(seed):
    loss, rng = drawn(seed), np.random.default_rng(seed)
    theta = rng.normal(size=2)
    groups = Removals.of_groups(rng.integers(0, 3, loss.n_objects))
    for name in ("gradient_differences", "reduced_hessians", "weight_gradients"):
        for removals in (loss.each(), groups):
            fast = getattr(loss, name)(theta, removals)
            slow = getattr(Loss, name)(loss, theta, removals)
            assert relative_error(fast, slow, np.abs(slow).max() + 1) < ROUNDING, name
    thetas = rng.normal(size=(len(groups), 2))
    for name in ("reduced_slopes", "reduced_curvatures", "reduced_scores"):
        fast = getattr(loss, name)(thetas, groups)
        slow = getattr(Loss, name)(loss, thetas, groups)
        for a, b in zip(fast, slow, strict=True):
            assert relative_error(a, b, np.abs(b).max() + 1) < ROUNDING, name


@pytest.mark.parametrize(("seed", "outlier"), [(1, 0.0), (2, 30.0), (3, 300.0)])
def test_rows_by_power_series_are_rows_summed_afresh(seed, outlier):
    """At 600 rows powers do most; with an outlier one row is nearly all of each risk set."""
    plain = drawn(seed, 600)
    X = plain.data.X.copy()
    X[7, 0] += outlier
    loss = FineGray(X, plain.data.time, plain.cause, of=2, strata=plain.data.strata)
    theta = np.array([0.4, -0.3])
    rows = np.unique(np.r_[7, np.arange(0, 600, 40), np.argsort(plain.data.time)[-10:]])
    some = loss.each().take(rows)
    D = loss.gradient_differences(theta)[rows]
    assert relative_error(D, loss._differences_at(theta, some)) < ROUNDING
    H = loss.reduced_hessians(theta)[rows]
    expected = loss._curvatures_at(theta, some)
    # beside an outlier the second moments of the others cancel
    bound = 100 * ROUNDING if outlier else ROUNDING
    assert np.abs(H - expected).max() < bound * np.abs(expected).max()
    assert changes(loss.sums(theta))[1].sum() <= 5  # and few need that


def test_without_competing_events_it_is_cox():
    rng = np.random.default_rng(5)
    X, time = rng.normal(size=(50, 2)), np.ceil(5 * rng.exponential(size=50))
    cause = rng.integers(0, 2, 50)
    est = vs.minimize(FineGray(X, time, cause), np.zeros(2))
    cox = vs.minimize(Cox(X, time, cause), np.zeros(2))
    for method in (vs.vif, vs.newton_step, vs.classical_if, vs.leave_one_out):
        assert relative_error(method(est).values, method(cox).values) < CONVERGED_FIT


def test_without_censoring_who_has_another_event_stays_for_good():
    rng = np.random.default_rng(6)
    X, time = rng.normal(size=(40, 2)), rng.exponential(size=40)
    cause = rng.integers(1, 3, 40)
    forever = Cox(X, np.where(cause == 2, 99.0, time), cause == 1)
    fine_gray = FineGray(X, time, cause)
    theta = np.array([0.3, -0.5])
    for name in ("gradient", "hessian", "gradient_differences", "reduced_hessians"):
        fast, expected = (getattr(loss, name)(theta) for loss in (fine_gray, forever))
        assert relative_error(fast, expected) < ROUNDING


def test_a_row_that_is_never_at_risk_moves_the_fit_by_the_censoring_alone():
    loss, expected = of_r("melanoma", "efron")
    first_event = loss.data.time[loss.cause == 1].min()
    (row,) = np.flatnonzero((loss.cause == 0) & (loss.data.time < first_event))
    cox = vs.minimize(Cox(loss.data.X, loss.data.time, loss.cause == 1), np.zeros(4))
    assert not vs.vif(cox).values[row].any()
    exact = (expected.iloc[0] - expected.loc[float(row)]).to_numpy()
    vif = vs.vif(vs.minimize(loss, np.zeros(4))).values[row]
    assert np.abs(exact).min() > 0 and relative_error(vif, exact) < 0.01


def test_separation_is_seen_with_those_who_stay_at_risk():
    # x is lowest at the first event; at the last it is highest, beside row 0 that has gone before
    X, time, cause = [[2.0], [1.0], [3.0], [0.5]], [1.0, 2.0, 3.0, 1.5], [2, 1, 1, 0]
    assert Cox(X, time, np.equal(cause, 1)).endless(np.zeros(1)) is not None
    loss = FineGray(X, time, cause)
    assert loss.endless(np.zeros(1)) is None
    est = vs.minimize(loss, np.zeros(1))
    assert vs.leave_one_out(est).status.to_numpy()[0] == "separation"


def test_robust_errors_have_the_censoring_in_them():
    loss, _ = of_r("melanoma", "efron")
    est = vs.minimize(loss, np.zeros(4))
    influence = vs.classical_if(est).values
    expected = np.sqrt((influence**2).sum(axis=0))
    assert relative_error(est.with_inference("robust").standard_errors, expected) < ROUNDING


def test_it_is_named_for_what_it_is_and_follows_its_data():
    loss, _ = of_r("melanoma", "efron")
    est = vs.minimize(loss, np.zeros(4))
    assert "subdistribution_hazard_ratio" in est.summary() and "57 events" in str(est)
    assert vs.vif(est).dfbeta.shape == (205, 4)
    left = vs.leave_out(est, [3, 9]).influence.params_without.iloc[0]
    fresh = vs.minimize(loss.take(~np.isin(np.arange(205), [3, 9])), np.zeros(4))
    assert relative_error(left, fresh.theta) < CONVERGED_FIT
    doubled = loss.reweighted(np.full(205, 2.0))
    assert relative_error(doubled.gradient(est.theta + 0.1), 2 * loss.gradient(est.theta + 0.1)) < (
        ROUNDING
    )


BAD = [
    ({"cause": [0, 1, 2]}, "inconsistent"),
    ({"cause": [0.5, 1, 2, 1]}, "whole numbers"),
    ({"cause": [0, -1, 2, 1]}, "whole numbers"),
    ({"cause": [0, 0, 0, 0]}, "observed"),
    ({"of": 3}, r"\[1, 2\], but is 3"),
    ({"ties": "exact"}, "'efron', 'breslow'"),
    ({"weights": [1, 1, 0, 1]}, "positive"),
    ({"strata": [0, 1, None, 1]}, "missing"),
]


@pytest.mark.parametrize(("bad", "words"), BAD)
def test_bad_input_says_what_is_wrong(bad, words):
    given = {"cause": [0, 1, 2, 1], **bad}
    with pytest.raises(InvalidInputError, match=words):
        FineGray([[0.0], [1.0], [2.0], [0.0]], [1.0, 2.0, 3.0, 4.0], **given)


def test_causes_in_another_order_than_the_rows_are_refused():
    X = pd.DataFrame({"x": [0.0, 1.0, 2.0]}, index=list("abc"))
    cause = pd.Series([1, 2, 0], index=list("cab"))
    with pytest.raises(InvalidInputError, match="cause"):
        FineGray(X, [1.0, 2.0, 3.0], cause)
