"""A covariance that is not known without a row: verdicts on significance are refused, in words."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from reported_fits import NAMES, rows_of_data

import vifstats as vs
from vifstats.errors import UnsupportedModelError
from vifstats.targets import ConfidenceLimits, PValue, StandardError, ZValue

FRAME = rows_of_data(40, 3)
X = sm.add_constant(FRAME[NAMES])
HAC = {"cov_type": "HAC", "cov_kwds": {"maxlags": 2}}
TWO_WAY = {"cov_type": "cluster", "cov_kwds": {"groups": FRAME[["id", "site"]].to_numpy()}}
FITS = {
    "OLS HAC": (lambda: sm.OLS(FRAME.y, X).fit(**HAC), "but cov_type is 'HAC'"),
    "OLS HAC t": (lambda: sm.OLS(FRAME.y, X).fit(**HAC, use_t=True), "but cov_type is 'HAC'"),
    "Logit HAC": (lambda: sm.Logit(FRAME.yes, X).fit(disp=0, **HAC), "but cov_type is 'HAC'"),
    "two-way": (lambda: sm.OLS(FRAME.y, X).fit(**TWO_WAY), "but this fit has two"),
    "RLM H1": (lambda: sm.RLM(FRAME.y, X).fit(cov="H1"), "but differ by"),
}
VERDICTS = {
    "p-values": lambda est: est.p_values,
    "z": lambda est: est.z_values,
    "interval": lambda est: est.confidence_limits(),
    "summary": lambda est: est.summary(),
    "standard error": lambda est: vs.newton_step(est).on(StandardError("x")),
    "p without": lambda est: vs.newton_step(est).on(PValue("x")),
    "z without": lambda est: vs.newton_step(est).on(ZValue("x")),
    "interval without": lambda est: vs.leave_one_out(est, objects=[0, 5]).on(ConfidenceLimits("x")),
    "conclusions": vs.conclusions,
    "set": lambda est: vs.influential_set(est, "x", flip="significance"),
    "groups": lambda est: vs.leave_one_group_out(est, FRAME["id"]),
}


@pytest.fixture(scope="module", params=FITS)
def refused(request):
    make, words = FITS[request.param]
    return vs.from_model(make()), words


@pytest.mark.parametrize("verdict", VERDICTS)
def test_no_verdict_is_given(refused, verdict):
    est, words = refused
    with pytest.raises(UnsupportedModelError, match=words) as error:
        VERDICTS[verdict](est)
    assert 'est.with_inference("robust")' in str(error.value)


def test_the_report_refuses_before_it_writes(refused, tmp_path):
    est, words = refused
    with pytest.raises(UnsupportedModelError, match=words):
        vs.report(est, path=tmp_path / "page.html", seconds=0.1)
    assert not list(tmp_path.iterdir())


def test_influences_and_other_covariances_stand(refused):
    """As the sentence promises."""
    est, _ = refused
    step = vs.newton_step(est)
    assert np.isfinite(step.values).all() and np.isfinite(step.dfbetas.to_numpy()).all()
    assert 1 <= len(vs.influential_set(est, "x", flip="sign", max_size=3, method="sorted")) <= 3
    assert np.isfinite(est.with_inference("robust").p_values).all()
