"""What may be done to the data of a Cox model without changing who has how much influence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import load_case
from references import CoxProblem, gradient_scale
from rewordings import as_loss, repeated, split
from strategies import cox_cases, groups_for, subject_ids
from tolerances import CONVERGED_FIT, ROUNDING, relative_error

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.losses import Cox
from vifstats.removals import Removals

drawn = settings(max_examples=40)
METHODS = (vs.classical_if, vs.vif, vs.newton_step, vs.leave_one_out)


def assert_same_influence(
    problem: CoxProblem,
    ids: np.ndarray,
    other: CoxProblem,
    other_ids: np.ndarray,
    theta: np.ndarray,
) -> None:
    """Label by label: D, the weight gradients and H - H_-i, of which every method is made."""
    labels = list(dict.fromkeys(ids))
    found = []
    for p, codes in ((problem, ids), (other, other_ids)):
        loss, removals = as_loss(p), Removals.of_groups(codes)
        order = removals.labels.get_indexer(labels)
        D = loss.gradient_differences(theta, removals)[order]
        slopes = loss.weight_gradients(theta, removals)[order]
        change = (loss.hessian(theta) - loss.reduced_hessians(theta, removals))[order]
        found.append((D, slopes, change.reshape(len(labels), -1)))
    unit = gradient_scale(problem) + np.finfo(float).tiny
    size = unit.max() * np.ptp(problem.X, axis=0).max() * problem.event.sum()
    for one, another, floor in zip(*found, (unit, unit, size + unit.max()), strict=True):
        assert relative_error(another, one, floor) < ROUNDING


@drawn
@given(st.data())
def test_the_order_of_rows_does_not_matter(data):
    problem, theta = data.draw(cox_cases())
    ids = data.draw(groups_for(problem))
    order = np.array(data.draw(st.permutations(range(problem.n_rows))))
    assert_same_influence(problem, ids, problem.take(order), ids[order], theta)


@drawn
@given(st.data())
def test_names_do_not_matter(data):
    """Of rows, groups and strata: bit for bit."""
    problem, theta = data.draw(cox_cases())
    ids = data.draw(groups_for(problem))
    strata = None if problem.strata is None else [f"ward {-s}" for s in problem.strata]
    index = [f"patient {i % 7}" for i in range(problem.n_rows)]
    X = pd.DataFrame(problem.X, index=index)
    renamed = as_loss(replace(problem, X=X, strata=strata))
    assert list(renamed.labels) == index
    named = Removals.of_groups([f"centre {i}" for i in ids])
    for method in ("gradient_differences", "weight_gradients", "reduced_hessians"):
        values = getattr(as_loss(problem), method)(theta, Removals.of_groups(ids))
        np.testing.assert_array_equal(getattr(renamed, method)(theta, named), values)


@drawn
@given(st.data())
def test_a_row_may_be_cut_in_two(data):
    problem, theta = data.draw(cox_cases())
    ids = data.draw(groups_for(problem))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    halves, source = split(problem, rng)
    assert_same_influence(problem, ids, halves, ids[source], theta)


@drawn
@given(st.data())
def test_strata_that_never_meet_may_be_merged(data):
    problem, theta = data.draw(cox_cases(strata=("few", "many")))
    ids = data.draw(groups_for(problem))
    # one stratum after the other: each begins where the last one before has ended
    entry = np.full(problem.n_rows, -np.inf) if problem.entry is None else problem.entry
    first = problem.time.min() - 1
    start = (np.ptp(problem.time) + 2) * np.unique(problem.strata, return_inverse=True)[1]
    apart = replace(
        problem,
        time=problem.time - first + start,
        entry=np.maximum(entry - first, 0.0) + start,
    )
    assert_same_influence(problem, ids, apart, ids, theta)
    assert_same_influence(problem, ids, replace(apart, strata=None), ids, theta)


@drawn
@given(st.data())
def test_integer_weights_are_repeated_rows_under_breslow(data):
    problem, theta = data.draw(cox_cases(weights=("integer",), ties=("breslow",), max_rows=20))
    ids = data.draw(groups_for(problem))
    again, copies = repeated(problem)
    assert_same_influence(problem, ids, again, ids[copies], theta)


def test_strata_that_meet_may_not_be_merged():
    """That the tests above can fail."""
    case = load_case("veteran", "efron")
    loss = Cox(case.X, case.time, case.event, strata=case.strata)
    merged = Cox(case.X, case.time, case.event)
    D = [some.gradient_differences(case.coef.to_numpy()) for some in (loss, merged)]
    assert relative_error(*D) > 0.1


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("name", ["veteran_entry", "cgd_strata_weights"])
def test_every_method_follows(name: str, ties: str):
    """Cut, shuffled and renamed, from the fit to exact refits."""
    case = load_case(name, ties)
    problem = CoxProblem(
        case.X.to_numpy(), case.time.astype(float), case.event == 1,
        entry=case.entry, weights=case.weights, strata=case.strata, ties=ties,
    )  # fmt: skip
    subject = subject_ids(problem)
    rng = np.random.default_rng(0)
    halves, source = split(problem, rng)
    order = rng.permutation(halves.n_rows)
    halves, ids = halves.take(order), np.array([f"subject {i}" for i in subject[source[order]]])
    est, other = (vs.minimize(as_loss(p), np.zeros(p.n_params)) for p in (problem, halves))
    some = list(dict.fromkeys(subject))[:40]
    for method in METHODS:
        values = method(est, groups=subject, objects=some).values
        follow = method(other, groups=ids, objects=[f"subject {i}" for i in some]).values
        assert relative_error(follow, values) < CONVERGED_FIT


def test_ten_rows_of_rossi_separate_together():
    """Without them no married subject is arrested again; one by one, none of them does that."""
    rossi = load_rossi()
    X = rossi.drop(columns=["week", "arrest"])
    est = vs.minimize(Cox(X, rossi["week"], rossi["arrest"]), np.zeros(X.shape[1]))
    ten = vs.vif(est).dfbeta["mar"].abs().nlargest(10).index
    rest = rossi.drop(index=ten)
    assert rest.loc[rest["mar"] == 1, "arrest"].sum() == 0
    ids = np.where(rossi.index.isin(ten), "ten", rossi.index.astype(str))
    for method in (vs.classical_if, vs.vif, vs.newton_step):
        together = method(est, groups=ids)
        assert together.status["ten"] == "separation"
        assert (together.status.drop("ten") == "ok").all()
        assert np.isfinite(together.dfbeta.loc["ten", "mar"])
        assert not (method(est).status == "separation").any()
    refit = vs.leave_one_out(est, groups=ids, objects=["ten"])
    assert refit.status["ten"] == "separation" and refit.dfbeta.loc["ten"].isna().all()


def test_separation_by_the_only_row_above():
    """Without row 3 the subject that dies has the largest covariate at risk, each time."""
    for scale in (1.0, -2.0, 1000.0):
        X = scale * np.array([[5.0], [4.0], [3.0], [9.0], [0.0]])
        est = vs.minimize(Cox(X, [1, 2, 3, 4, 5], [1, 1, 1, 0, 0]), [0.0])
        for method in (vs.classical_if, vs.vif, vs.newton_step, vs.leave_one_out):
            result = method(est)
            assert (result.status == "separation").tolist() == [False] * 3 + [True, False]
        assert np.isnan(result.values[3, 0]) and np.isfinite(np.delete(result.values, 3)).all()
