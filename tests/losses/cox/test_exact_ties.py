"""Exact ties: R's coxph and clogit, the automatic derivatives, matched sets, and edits."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import ORACLE, ROUNDING, relative_error

import vifstats as vs
from vifstats.losses import ConditionalLogistic, Cox
from vifstats.losses.base import Loss
from vifstats.losses.cox import ExactCox, exact_ties
from vifstats.removals import Removals

FOLDER = Path(__file__).parents[3] / "validation" / "oracles" / "exact_ties"
NOT_COVARIATES = ["time", "event", "entry", "strata", "case", "stratum"]


def of_r(name: str) -> tuple[ExactCox, pd.DataFrame]:
    """The rows as a loss, and R's coefficients, with all rows and without some."""
    d = pd.read_csv(FOLDER / f"{name}.csv")
    X = d.drop(columns=NOT_COVARIATES, errors="ignore")
    columns = {"entry": d.get("entry"), "strata": d.get("strata", d.get("stratum"))}
    loss = Cox(
        X, d.get("time", np.ones(len(d))), d.get("event", d.get("case")), ties="exact", **columns
    )
    coefficients = pd.read_csv(FOLDER / f"{name}_coef.csv", float_precision="round_trip")
    return loss, coefficients.set_index("without")


@pytest.mark.parametrize("name", ["infert", "infert_pairs", "lung_months", "lung_late"])
def test_refits_are_those_of_r(name):
    loss, expected = of_r(name)
    est = vs.minimize(loss, np.zeros(loss.n_params))
    assert relative_error(est.theta, expected.iloc[0]) < ORACLE
    # all of them where they are cheap
    rows = expected.index[1:].astype(int)[:: 1 if "infert" in name else 10]
    found = vs.leave_one_out(est, objects=list(rows)).params_without
    assert relative_error(found, expected.loc[rows.astype(float)]) < ORACLE


def drawn(seed: int) -> ExactCox:
    """Ties, strata, offsets and a penalty; half of the time delayed entry or long ties."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 11))
    time = rng.integers(2, 5, n).astype(float)
    event = (rng.random(n) < 0.7).astype(int)
    event[0] = 1
    entry = np.minimum(rng.integers(0, 3, n), time - 1) if seed % 2 else None
    return Cox(
        rng.normal(size=(n, 2)),
        time,
        event,
        entry=entry,
        strata=rng.integers(0, 2, n),
        offset=0.3 * rng.normal(size=n),
        penalty=0.3,
        ties="exact",
    )


@settings(max_examples=6)  # the automatic derivatives take a second each
@given(st.integers(0, 2**32 - 1))
def test_the_recursions_are_the_automatic_derivatives(seed):
    loss, rng = drawn(seed), np.random.default_rng(seed)
    theta = rng.normal(size=2)
    removals = Removals.of_groups(rng.integers(0, 4, loss.n_objects))
    for name in ("gradient_differences", "reduced_hessians", "weight_gradients"):
        fast, slow = (
            getattr(loss, name)(theta, removals),
            getattr(Loss, name)(loss, theta, removals),
        )
        assert relative_error(fast, slow, np.abs(slow).max() + 1) < ROUNDING, name
    thetas = rng.normal(size=(len(removals), 2))
    for name in ("reduced_slopes", "reduced_curvatures"):
        fast, slow = (f(thetas, removals) for f in (getattr(loss, name), _default(loss, name)))
        for a, b in zip(fast, slow, strict=True):
            assert relative_error(a, b, np.abs(b).max() + 1) < ROUNDING, name
    full = loss.value(theta, loss.everyone())
    lost = full - np.array([loss.value(theta, removals.presence(k)) for k in range(len(removals))])
    assert relative_error(loss.value_differences(theta, removals), lost, 1.0) < ROUNDING


def _default(loss, name):
    return lambda thetas, removals: getattr(Loss, name)(loss, thetas, removals)


def test_long_ties_are_summed_time_by_time_with_the_same_result(monkeypatch):
    loss = drawn(2)
    monkeypatch.setattr(exact_ties, "MANY", 1)
    assert (np.diff(exact_ties.tied_members(loss.risk_sets).reads, axis=1) == 0).all()
    data = loss.data
    again = Cox(
        data.X,
        data.time,
        data.event,
        strata=data.strata,
        offset=data.offset,
        ties="exact",
        penalty=0.3,
    )
    theta = np.array([0.4, -0.7])
    for name in ("gradient", "hessian", "gradient_differences", "weight_gradients"):
        assert (
            relative_error(getattr(again, name)(theta), getattr(loss, name)(theta), 1.0) < ROUNDING
        )


def test_with_sets_as_strata_it_is_the_conditional_logistic_model():
    rng = np.random.default_rng(3)
    sets, X = np.repeat(np.arange(20), 5), rng.normal(size=(100, 3))
    y = np.where(np.arange(100) % 5 == 0, 1, rng.random(100) < 0.3).astype(int)
    matched = ConditionalLogistic(X, y, sets)
    cox = Cox(X, np.ones(100), y, strata=sets, ties="exact")
    theta = rng.normal(size=3)
    for name in ("gradient", "hessian", "gradient_differences", "reduced_hessians"):
        assert relative_error(getattr(matched, name)(theta), getattr(cox, name)(theta)) < ROUNDING
    assert list(matched.flat()) == list(cox.flat()) == []


def test_without_ties_it_is_breslow():
    rng = np.random.default_rng(4)
    X, time = rng.normal(size=(30, 2)), rng.permutation(30) + 1.0
    exact, breslow = (Cox(X, time, ties=ties) for ties in ("exact", "breslow"))
    theta = np.array([0.3, -0.2])
    assert (
        relative_error(exact.gradient_differences(theta), breslow.gradient_differences(theta))
        < ROUNDING
    )


def test_a_time_at_which_all_have_their_event_says_nothing():
    X, time = [[0.0, 1.0], [1.0, 2.0], [0.0, 3.0], [0.0, 5.0]], [2.0, 2.0, 1.0, 1.0]
    assert list(Cox(X, time, [1, 1, 1, 1], ties="exact").flat()) == []
    late = Cox(X, time, [1, 1, 0, 0], ties="exact")
    assert list(late.flat()) == [0, 1] and not late.hessian(np.zeros(2)).any()


def test_separation_is_that_of_events_from_those_without_one():
    # the two events at time 1 differ, which Breslow would count as a rise; none is below the rest
    X, time = [[3.0], [2.0], [1.0], [0.0], [0.5]], [1.0, 1.0, 2.0, 2.0, 2.0]
    loss = Cox(X, time, [1, 1, 0, 0, 0], ties="exact")
    nobody = Removals.nobody(5)
    assert loss.separated(np.zeros(1), nobody)[0] and loss.endless(np.zeros(1)) is not None
    X[2] = [2.5]
    mixed = Cox(X, time, [1, 1, 0, 0, 0], ties="exact")
    assert not mixed.separated(np.zeros(1), nobody)[0] and mixed.endless(np.zeros(1)) is None
    assert list(mixed.separated(np.zeros(1), mixed.each())) == [False, True, True, False, False]


def test_edits_are_fresh_fits_of_the_edited_data():
    loss, _ = of_r("lung_late")
    est = vs.minimize(loss, np.zeros(2), names=["age", "ph.ecog"])
    found = vs.leave_one_out(vs.edit(est, event="flip", rows=[3, 40])).params_without
    data = loss.data
    for row in (3, 40):
        event = data.event.copy()
        event[row] = ~event[row]
        fresh = Cox(data.X, data.time, event, entry=data.entry, strata=data.strata, ties="exact")
        assert relative_error(found.loc[row], vs.minimize(fresh, est.theta).theta) < ORACLE


def test_it_is_a_cox_model_in_all_else():
    loss = drawn(6)
    assert isinstance(loss, ExactCox)
    twin = pickle.loads(pickle.dumps(loss))
    assert type(twin) is ExactCox and twin.ties == "exact"
    assert type(loss.with_ties("breslow")) is Cox
    assert list(inspect.signature(Cox).parameters)[:3] == ["X", "T", "E"]
    # the baseline of exact ties is Breslow's, as R has it
    assert loss.hazards(np.zeros(2), loss.everyone())[0] == pytest.approx(
        loss.with_ties("breslow").hazards(np.zeros(2), loss.everyone())[0]
    )


def test_weights_and_tests_that_it_has_none_for_are_refused():
    X, time = np.eye(4)[:, :2], [1.0, 1.0, 2.0, 3.0]
    with pytest.raises(vs.errors.InvalidInputError, match="case weight has no meaning"):
        Cox(X, time, weights=[1.0, 2.0, 1.0, 1.0], ties="exact")
    est = vs.Estimate(Cox(X, time, ties="exact"), np.zeros(2), tol=np.inf)
    with pytest.raises(vs.errors.InvalidTypeError, match="exact"):
        vs.vif(est).on(vs.targets.ProportionalHazards())
