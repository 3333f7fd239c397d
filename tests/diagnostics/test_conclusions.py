"""Signs and significances that hang on one row or one group."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cases import BY_NAME
from oracles import load_case
from scipy.stats import norm

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.removals import Removals


def cgd() -> vs.Estimate:
    case = load_case("cgd", "efron")
    loss = vs.losses.Cox(case.X, case.time, case.event, entry=case.entry)
    return vs.minimize(loss, np.zeros(case.X.shape[1]), groups=case.id)


CGD = cgd()


def flips_by_refits(est: vs.Estimate, level: float) -> set[tuple]:
    """Every parameter and row whose refit changes its sign or its significance."""
    refits = vs.leave_one_out(est)
    found = set()
    for k, label in enumerate(refits.index):
        theta = est.theta - refits.values[k]
        H = est.loss.reduced_curvatures(theta[None], refits.removals.take([k]))[0]
        z = theta / np.sqrt(np.diag(np.linalg.inv(H)))
        before = est.theta / est.standard_errors
        significant = 2 * norm.sf(np.abs([before, z])) < level
        for j, name in enumerate(est.names):
            if significant[0, j] != significant[1, j]:
                found.add(
                    (name, label, f"significance {'lost' if significant[0, j] else 'gained'}")
                )
            if theta[j] * est.theta[j] < 0:
                found.add((name, label, "sign"))
    return found


@pytest.mark.parametrize(
    ("est", "level"),
    [
        (CGD, 0.05),
        (BY_NAME["cox efron ties"].estimate(), 0.05),
        (BY_NAME["cox entry"].estimate(), 0.2),
        (BY_NAME["logistic ridge"].estimate(), 0.5),
    ],
    ids=["cgd by patient", "cox efron ties", "cox entry", "logistic ridge"],
)
def test_every_flip_is_found_and_confirmed(est, level):
    found = vs.conclusions(est, level=level)
    table = found.to_frame()
    confirmed = table[table["confirmed"]]
    keys = set(confirmed[["parameter", "row", "change"]].itertuples(index=False, name=None))
    assert keys == flips_by_refits(est, level)
    assert found.n_refits < found.n_removals == len(est.removals())


def test_predicted_stands_beside_refitted():
    table = vs.conclusions(CGD).to_frame()
    assert len(table) == 23 and table["predicted"].all() and table["confirmed"].all()
    ok = table["parameter"] != "steroids"  # three patients
    assert np.abs(table["p_predicted"] - table["p_refitted"])[ok].max() < 0.021
    text = repr(vs.conclusions(CGD))
    assert "propylac: significance gained by 8" in text and "all 23 lines in .table" in text


def test_objects_and_groups():
    few = vs.conclusions(CGD, objects=[2, 57, 100])
    assert few.n_removals == 3 and set(few.changes["row"]) == {2, 57}
    by_half = vs.conclusions(CGD, groups=np.arange(len(CGD.labels)) % 2)
    assert by_half.n_removals == 2


def test_a_row_without_which_the_estimate_diverges_is_named():
    X = pd.DataFrame({"x": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]})
    loss = vs.losses.Cox(X, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1, 1, 1, 1, 0, 0])
    est = vs.minimize(loss, [0.0])
    found = vs.conclusions(est)
    # without 0 no death has x = 1; without 4 the only row with x = 1 dies first
    assert list(found.separated) == [0, 4] and "diverges without [0, 4]" in repr(found)


@pytest.mark.parametrize(
    "ask",
    [vs.conclusions, lambda est: vs.influential_set(est, "treat", flip="significance")],
    ids=["conclusions", "influential_set"],
)
def test_labels_are_read_once_and_never_searched_for(ask, monkeypatch):
    """Removals are what verbs take: from labels at the door, and never back."""
    made, sought, removals = [], [], vs.Estimate.removals
    monkeypatch.setattr(
        vs.Estimate, "removals", lambda self, *args: made.append(1) or removals(self, *args)
    )
    monkeypatch.setattr(Removals, "positions", lambda self, objects: sought.append(objects))
    est = cgd()
    made.clear()
    ask(est)
    assert len(made) == 1 and not sought


def test_nothing_changes():
    case = load_case("lung", "efron")
    est = vs.minimize(vs.losses.Cox(case.X, case.time, case.event), np.zeros(4))
    found = vs.conclusions(est)
    assert found.changes.empty
    assert repr(found) == (
        "Conclusions at level 0.05: 0 changes by one of 213 removals (1 refitted)"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": 5}, "`level` must be between 0 and 1, but is 5"),
        ({"groups": np.zeros(40)}, "one group is everything"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        vs.conclusions(BY_NAME["cox efron"].estimate(), **arguments)
