"""The test of proportional hazards: against cox.zph of R, with all rows and without each."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tolerances import ORACLE

import vifstats as vs
from vifstats.targets import ProportionalHazards

FOLDER = Path(__file__).parents[2] / "validation" / "oracles" / "zph"
TRANSFORMS = ("km", "rank", "identity", "log")


@cache
def fitted(name: str, ties: str) -> vs.Estimate:
    d = pd.read_csv(FOLDER / f"{name}.csv")
    X = d.drop(columns=["time", "status"])
    return vs.minimize(vs.losses.Cox(X, d.time, d.status, ties=ties), np.zeros(X.shape[1]))


@cache
def refits(name: str, ties: str) -> vs.Influence:
    return vs.leave_one_out(fitted(name, ties))


def of_r(name: str, ties: str, transform: str) -> pd.DataFrame:
    d = pd.read_csv(FOLDER / f"{name}_zph.csv", skipinitialspace=True)
    d = d[(d.ties == ties) & (d["transform"] == transform)]
    return d.drop(columns=["ties", "transform"]).set_index("without").astype(float)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("name", ["veteran", "lung"])
def test_equals_r_with_all_rows_and_without_each(name, ties, transform):
    expected = of_r(name, ties, transform)
    found = refits(name, ties).on(ProportionalHazards(transform))
    assert np.abs(found.value - expected.iloc[0]).max() < ORACLE
    rows = expected.index[1:].astype(int)
    assert len(rows) in (2, len(found.influence))
    without = np.asarray(found.value_without)[rows]
    assert np.abs(without - expected.iloc[1:].to_numpy()).max() < ORACLE


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", ["veteran", "lung"])
def test_one_newton_step_is_near_the_refits(name, transform):
    target = ProportionalHazards(transform)
    exact = np.asarray(refits(name, "efron").on(target).influence)
    step = np.asarray(vs.newton_step(fitted(name, "efron")).on(target).influence)
    unit = exact.std(axis=0)
    assert np.linalg.norm((step - exact) / unit) <= 0.002 * np.linalg.norm(exact / unit)


def test_values_are_named_by_covariate():
    change = vs.vif(fitted("lung", "efron"), objects=[0]).on(ProportionalHazards())
    assert list(change.target.names) == ["zph(age)", "zph(sex)", "zph(ph.ecog)", "zph(global)"]


def test_a_row_that_never_dies_nor_ranks_still_has_a_direct_term():
    """The censored row's leaving moves the Kaplan-Meier curve, at the same coefficients."""
    est = fitted("lung", "efron")
    target, b = ProportionalHazards("km"), est.loss.everyone()
    censored = int(np.flatnonzero(~est.loss.data.event)[0])
    b[censored] = 0.0
    assert not np.allclose(
        target.value(est.theta, b, est.loss), target.value(est.theta, est.loss.everyone(), est.loss)
    )


@pytest.mark.parametrize("transform", ["sqrt", 1, None])
def test_unknown_transforms_are_refused(transform):
    with pytest.raises(vs.errors.VifError, match="transform"):
        ProportionalHazards(transform)


def test_other_models_are_refused():
    est = vs.minimize(vs.MEstimator(lambda t, y: (y - t[0]) ** 2, np.arange(4.0)), [0.0])
    with pytest.raises(vs.errors.InvalidTypeError, match="Cox"):
        vs.vif(est).on(ProportionalHazards())
