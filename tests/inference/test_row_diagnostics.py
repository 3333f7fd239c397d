"""The columns of `summary_frame` of least squares: those of statsmodels, and of R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from tolerances import ORACLE, ROUNDING

import vifstats as vs

FOLDER = Path(__file__).parents[2] / "validation" / "oracles" / "least_squares"
OUTCOMES = {"stackloss": "stack.loss", "stackloss_weighted": "stack.loss", "savings": "sr"}


def read(name):
    return pd.read_csv(FOLDER / f"{name}.csv", float_precision="round_trip")


def fitted(case):
    data = read(case)
    X = sm.add_constant(data.drop(columns=[OUTCOMES[case], "w"], errors="ignore").astype(float))
    y = data[OUTCOMES[case]].astype(float)
    return (sm.WLS(y, X, weights=data["w"]) if "w" in data else sm.OLS(y, X)).fit()


def largest_difference(ours, theirs):
    return np.max(np.abs(ours - theirs) / np.abs(theirs).max())


@pytest.mark.parametrize("case", OUTCOMES)
@pytest.mark.parametrize("method", [vs.newton_step, vs.leave_one_out])
def test_columns_are_those_of_r(case, method):
    frame, theirs = method(vs.from_model(fitted(case))).summary_frame(), read(f"{case}_diagnostics")
    assert set(theirs) == set(frame) - {"exact", "status"}
    for name in theirs:
        assert largest_difference(frame[name].to_numpy(), theirs[name]) < ORACLE, name


@pytest.mark.parametrize("case", ["stackloss", "savings"])
def test_columns_are_those_of_olsinfluence(case):
    fit = fitted(case)
    theirs = fit.get_influence()
    frame = vs.newton_step(vs.from_model(fit)).summary_frame()
    expected = {
        "cooks_d": theirs.cooks_distance[0],
        "standard_resid": theirs.resid_studentized_internal,
        "hat_diag": theirs.hat_matrix_diag,
        "student_resid": theirs.resid_studentized_external,
        "dffits": theirs.dffits[0],
        "cov_ratio": theirs.cov_ratio,
    }
    for name, values in expected.items():
        assert largest_difference(frame[name].to_numpy(), values) < ROUNDING, name
    dfbetas = frame.filter(like="dfb_").to_numpy()
    assert largest_difference(dfbetas, theirs.dfbetas) < ROUNDING
    # and the names that it shares with the frame of statsmodels mean the same
    shared = theirs.summary_frame()
    for name in set(shared) & set(frame):
        assert largest_difference(frame[name].to_numpy(), shared[name].to_numpy()) < ROUNDING, name
