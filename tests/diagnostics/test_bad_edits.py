"""What cannot be edited is an error that says the rule, what was found, and what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.errors import InvalidInputError

N = 24
ROWS = [f"patient {i}" for i in range(N)]
X = pd.DataFrame({"dose": np.resize([0.0, 1.0, 2.0], N), "age": np.linspace(40, 70, N)}, ROWS)
T = np.resize([3.0, 5.0, 5.0, 8.0, 9.0, 4.0, 7.0], N)
ENTRY = np.where(np.arange(N) == 3, 2.0, -1.0)
SITE = np.resize(["a", "b"], N)


@pytest.fixture(scope="module")
def est():
    """All rows but one are in the fit."""
    event = (np.arange(N) % 3 > 0).astype(int)
    kept = np.delete(np.arange(N), 4)
    loss = vs.losses.Cox(
        X.iloc[kept], T[kept], event[kept], entry=ENTRY[kept], strata=SITE[kept], penalty=0.01
    )
    fit = vs.minimize(loss, np.zeros(2))
    return vs.Estimate(fit.loss, fit.theta, names=fit.names, labels=pd.Index(ROWS), kept=kept)


def edit(**options):
    return lambda est: vs.edit(est, **options)


# What is done, and in the error: the rule, what was found, and what to do.
LINES = {
    "an edit that changes nothing": (
        edit(covariates={"age": lambda age: age}),
        ("An edit must change", "it changes no row", "give other values"),
    ),
    "one that leaves some rows as they are": (
        edit(event=1, rows=["patient 1", "patient 3"]),
        ("An edit must change every row", r"not \['patient 1'\]", "leave those out of `rows`"),
    ),
    "an event at entry": (
        edit(time=2.0, event=1, rows=["patient 3"]),
        (
            "must end after it entered",
            "patient 3 would have time 2, not after its entry, 2",
            "edit",
        ),
    ),
    "a time before entry": (
        edit(time=1.0, rows=["patient 3"]),
        ("must end after it entered", "time 1, not after its entry, 2", "edit it to a later time"),
    ),
    "an entry after the end": (
        edit(entry=9.0, rows=["patient 0"]),
        (
            "must end after it entered",
            "patient 0 would have time 3, not after its entry, 9",
            "edit",
        ),
    ),
    "a negative time": (
        edit(time=-2.0, entry=-np.inf, rows=["patient 5"]),
        ("must end after it entered", "patient 5 would have time -2, not after 0", "later time"),
    ),
    "an unknown level of a stratum": (
        edit(stratum="c", rows=["patient 2"]),
        (r"must be one of \['a', 'b'\]", "patient 2 has 'c'", "strata that are there"),
    ),
    "an unknown column": (
        edit(covariates={"sex": 1.0}),
        (r"columns of the model, \['dose', 'age'\]", r"\['sex'\] are not", "name the column"),
    ),
    "a status that is none": (
        edit(event=2, rows=["patient 2"]),
        ("`event` must be 0 or 1", "patient 2 would have 2", "1 is an event"),
    ),
    "a weight of 0": (
        edit(weights=0.0, rows=["patient 2"]),
        ("`weights` must be positive", "patient 2 would have 0", "leave the row out"),
    ),
    "a label that is not there": (
        edit(event="flip", rows=["patient 99"]),
        ("must be labels", r"\['patient 99'\] are not", "see `estimate.labels`"),
    ),
    "a row that is not in the fit": (
        edit(event="flip", rows=["patient 4"]),
        ("must be rows of the fit", r"had dropped \['patient 4'\]", "leave them out"),
    ),
    "as many values as neither rows nor edits": (
        edit(event=[1, 0]),
        ("must have an entry for each", r"has shape \(2,\)", "give one value for all"),
    ),
    "a treatment of three levels, unadjusted": (
        lambda est: vs.unadjusted_fragility(est.loss.data.event, est.loss.data.X[:, 0]),
        ("compares two arms", "there are 3", "leave out the others"),
    ),
    "a treatment of three levels, swapped": (
        lambda est: vs.fragility(est, "dose", edits="swap treatment"),
        ("must have two levels", "has 3", "edit its `covariates`"),
    ),
    "nobody whose status could be edited": (
        lambda est: vs.fragility(est, "dose", among=est.labels[est.kept[est.loss.data.event]]),
        ("must be rows to edit", "none of those allowed is censored", "more rows in `among`"),
    ),
    "a set without a case": (
        lambda est: vs.losses.ConditionalLogistic(X, np.arange(N) % 6 == 0, np.arange(N) // 3),
        ("Every set must have a case", "set 1 has none", "drop it"),
    ),
}


@pytest.mark.parametrize("line", LINES)
def test_it_is_refused_with_rule_finding_and_remedy(est, line):
    call, parts = LINES[line]
    with pytest.raises(InvalidInputError, match=".*".join(parts)):
        call(est)
