"""Edits of regressions, what is refused, and the sensitivity to covariates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tolerances import CONVERGED_FIT, FINITE_DIFFERENCE, ROUNDING

import vifstats as vs
from vifstats.losses.base import Loss
from vifstats.losses.edited import Edited
from vifstats.losses.row_losses import Logistic, SquaredError

RNG = np.random.default_rng(7)
X = pd.DataFrame(
    {"one": 1.0, "dose": RNG.normal(size=30), "age": RNG.normal(50, 9, size=30)},
    index=[f"patient {i}" for i in range(30)],
)
Y = 2 - X.dose + 0.05 * X.age + RNG.normal(size=30)


@pytest.fixture
def line():
    return vs.minimize(vs.losses.LinearPredictor(SquaredError(), X, Y), np.zeros(3))


@pytest.fixture
def cox():
    T, E = RNG.integers(1, 20, 30), np.arange(30) % 3 > 0
    return vs.minimize(vs.losses.Cox(X[["dose", "age"]], T, E.astype(int)), np.zeros(2))


@pytest.mark.parametrize("method", [vs.newton_step, vs.leave_one_out])
def test_an_edit_of_a_line_is_the_line_of_the_edited_table(line, method):
    edits = vs.edit(line, outcome=lambda y: y + 3, covariates={"dose": 0.0})
    found = method(edits).params_without
    for label in X.index[::7]:
        design, y = X.copy(), Y.copy()
        design.loc[label, "dose"], y[label] = 0.0, y[label] + 3
        expected = np.linalg.lstsq(design, y, rcond=None)[0]
        assert np.abs((found.loc[label] - expected) / line.standard_errors).max() < CONVERGED_FIT


def test_the_rows_kernel_is_the_automatic_derivative_of_the_stack():
    y = (Y.median() < Y).astype(float)
    est = vs.minimize(vs.losses.LinearPredictor(Logistic(), X, y, penalty=0.1), np.zeros(3))
    loss = vs.edit(est, outcome=1 - y, weights=2.0).loss
    plain = Edited(loss.stacked, loss.rows)
    theta = est.theta + 0.1
    for name in ("gradient_differences", "reduced_hessians"):
        fast, slow = getattr(loss, name)(theta), getattr(Loss, name)(plain, theta)
        assert np.abs(fast - slow).max() < ROUNDING * np.abs(slow).max(), name


def test_a_row_can_be_added_from_nothing():
    y = np.array([1.0, 3.0, 5.0, 11.0])
    stacked = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    added = vs.Estimate(Edited(stacked, [-1], labels=["new"]), [3.0])
    assert vs.leave_one_out(added).params_without.loc["new"].item() == pytest.approx(5.0)


def test_a_row_that_stays_as_it_is_has_no_influence(cox):
    event = cox.loss.data.event.copy()
    event[:2] = ~event[:2]
    edits = vs.edit(cox, event=event.astype(int))
    for method in (vs.vif, vs.newton_step, vs.leave_one_out):
        influence = method(edits)
        assert (influence.values[2:] == 0).all()
        assert (influence.values[:2] != 0).any(axis=1).all()


def test_groups_are_edited_together(cox):
    groups = np.arange(30) // 10
    edits = vs.edit(cox, event="flip")
    found = vs.leave_one_out(edits, groups=groups).params_without
    data = cox.loss.data
    for g in range(3):
        event = np.where(groups == g, ~data.event, data.event).astype(int)
        fresh = vs.minimize(vs.losses.Cox(data.X, data.time, event), cox.theta).theta
        assert np.abs((found.loc[g] - fresh) / cox.standard_errors).max() < CONVERGED_FIT


def test_rows_that_a_model_dropped_cannot_be_edited(cox):
    labels = [f"row {i}" for i in range(31)]
    kept = np.delete(np.arange(31), 4)
    est = vs.Estimate(cox.loss, cox.theta, labels=labels, kept=kept)
    with pytest.raises(vs.errors.InvalidInputError, match="row 4"):
        vs.edit(est, event="flip", rows=["row 4"])
    assert list(vs.edit(est, event="flip", rows=["row 5"]).labels) == ["row 5"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "changes no row"),
        ({"event": "turn"}, "flip"),
        ({"event": 2}, "0 or 1"),
        ({"time": -1.0}, "after"),
        ({"time": np.nan}, "finite"),
        ({"weights": 0.0}, "positive"),
        ({"covariates": {"sex": 1}}, "sex"),
        ({"covariates": {"dose": np.inf}}, "finite"),
        ({"covariates": ["dose"]}, "map columns"),
        ({"stratum": "b"}, "must be one of"),
        ({"outcome": 1.0}, "`outcome` was given"),
        ({"event": [1, 0]}, "has shape"),
        ({"event": "flip", "rows": ["nobody"]}, "`rows` must be labels.*nobody"),
        ({"event": "flip", "rows": [2, 5]}, r"`rows` must be labels.*\[2, 5\] are not"),
        ({"event": "flip", "rows": [True]}, "A boolean `rows` needs"),
        ({"event": "flip", "rows": []}, "empty"),
        ({"covariates": {"dose": lambda x: x}, "rows": ["patient 3"]}, "patient 3"),
    ],
)
def test_bad_edits_are_refused(cox, options, message):
    with pytest.raises(vs.errors.VifError, match=message):
        vs.edit(cox, **options)


def test_there_is_no_classical_influence_of_an_edit(cox, line):
    for edits in (vs.edit(cox, event="flip"), vs.edit(line, outcome=0.0)):
        with pytest.raises(vs.errors.InvalidInputError, match="between present and absent"):
            vs.classical_if(edits)


def test_other_losses_say_what_to_do():
    est = vs.minimize(vs.MEstimator(lambda t, y: (y - t[0]) ** 2, np.arange(4.0)), [0.0])
    for verb in (vs.edit, vs.covariate_sensitivity):
        with pytest.raises(vs.errors.InvalidTypeError, match="losses.Edited"):
            verb(est)


def _cox_with_ties(design, ties):
    T, E = np.arange(len(design)) // 4 + 1.0, (np.arange(len(design)) % 3 > 0).astype(int)
    s, w = np.arange(len(design)) % 2, 1.0 + np.arange(len(design)) % 3
    entry = np.where(np.arange(len(design)) % 5 == 0, T - 1.5, -1.0)
    return vs.losses.Cox(design, T, E, strata=s, weights=w, entry=entry, ties=ties)


@pytest.mark.parametrize(
    "loss",
    [
        lambda design: _cox_with_ties(design, "efron"),
        lambda design: _cox_with_ties(design, "breslow"),
        lambda design: vs.losses.LinearPredictor(SquaredError(), design, Y.to_numpy()),
    ],
)
def test_sensitivity_to_covariates_is_their_derivative(loss):
    design = X[["dose", "age"]].to_numpy() - [0.0, 50.0]
    est = vs.minimize(loss(design), np.zeros(2))
    found = vs.covariate_sensitivity(est).to_numpy().reshape(30, 2, 2)
    step = 1e-5
    for i, j in ((0, 0), (4, 1), (5, 0), (17, 1), (29, 0)):
        ends = []
        for sign in (1, -1):
            moved = design.copy()
            moved[i, j] += sign * step
            ends.append(vs.minimize(loss(moved), est.theta).theta)
        slope = (ends[0] - ends[1]) / (2 * step)
        assert np.abs(found[i, :, j] - slope).max() < FINITE_DIFFERENCE * max(np.abs(slope))


def test_results_speak_of_edits():
    rng = np.random.default_rng(0)
    arm, time = np.repeat([[0.0], [1.0]], 10, axis=0), rng.permutation(20) + 1.0
    loss = vs.losses.Cox(arm, time, np.arange(20) % 3 > 0)
    edits = vs.edit(vs.minimize(loss, [0.0], names=["arm"]), event="flip")
    influence = vs.vif(edits)
    for result in (influence, influence.on(vs.targets.ZValue("arm"))):
        assert "20 edits" in repr(result) and "full data minus with the row edited" in repr(result)
        assert "without the row" not in repr(result)
    found = vs.influential_set(edits, "arm", flip="sign")
    assert "with the edits:" in repr(found) and "without" not in repr(found)
