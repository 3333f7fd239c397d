"""Marginal models of recurrent events against R: bladder tumours, validation/oracles/recurrent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tolerances import ORACLE, R_DFBETA, R_REFIT, R_STANDARD_ERROR, relative_error

import vifstats as vs

FOLDER = Path(__file__).parents[3] / "validation" / "oracles" / "recurrent"


def oracle(case: str, part: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{case}.{part}.csv", index_col="id", float_precision="round_trip")


@pytest.fixture(scope="module", params=["wlw", "pwp_total", "pwp_gap"])
def fitted(request):
    rows = pd.read_csv(FOLDER / f"{request.param}.csv")
    names = oracle(request.param, "fit").columns
    loss = vs.losses.Cox(
        rows[names], rows["stop"], rows["event"], entry=rows["start"], strata=rows["enum"]
    )
    est = vs.minimize(loss, np.zeros(len(names)), groups=rows["id"])
    return request.param, rows["id"], est


def test_coefficients_and_errors(fitted):
    case, ids, est = fitted
    expected = oracle(case, "fit")
    assert est.theta == pytest.approx(expected.loc["coef"], abs=ORACLE)
    assert est.naive_errors == pytest.approx(expected.loc["naive"], rel=ORACLE)
    robust = np.sqrt(np.diag(est.cov_params("robust", groups=ids)))
    assert robust == pytest.approx(expected.loc["robust"], rel=R_STANDARD_ERROR)
    reported = est.with_inference("robust", groups=ids).standard_errors
    assert reported == pytest.approx(expected.loc["robust"], rel=R_STANDARD_ERROR)


def test_without_each_patient(fitted):
    """Who has the events of all strata leaves all of them at once."""
    case, ids, est = fitted
    dfbeta, refits = oracle(case, "dfbeta"), oracle(case, "refits")
    first_order, exact = vs.classical_if(est, groups=ids), vs.leave_one_out(est, groups=ids)
    assert first_order.dfbeta.index.equals(dfbeta.index)
    assert relative_error(first_order.values, dfbeta) < R_DFBETA
    assert (exact.status == "ok").all()
    assert exact.params_without.index.equals(refits.index)
    apart = (exact.params_without - refits) / est.naive_errors
    assert np.abs(apart.to_numpy()).max() < R_REFIT
