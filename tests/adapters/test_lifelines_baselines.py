"""Spline and piecewise baselines of CoxPHFitter: the likelihood of the fit, and its refits."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from lifelines import CoxPHFitter
from tolerances import LIBRARY_FIT

import vifstats as vs
from vifstats.errors import DataMismatchError

DF = vs.datasets.load_rossi()[["week", "arrest", "fin", "prio"]].iloc[::3].reset_index(drop=True)
WEIGHTED = DF.assign(w=np.resize([1.0, 2.0, 1.5], len(DF)))
KINDS = {
    "spline": {"baseline_estimation_method": "spline", "n_baseline_knots": 2},
    "piecewise": {"baseline_estimation_method": "piecewise", "breakpoints": [20.0, 40.0]},
}
# of the log likelihood, which is computed from the same parameters: 1e-13 typical
SAME = 1e-6


def fitted(kind, **options):
    frame = WEIGHTED if "weights_col" in options else DF
    tight = {"ftol": 1e-13} if kind == "spline" else None
    fit = CoxPHFitter(**KINDS[kind])
    return fit.fit(frame, "week", "arrest", fit_options=tight, **options), frame


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"weights_col": "w"}], ids=["plain", "weights"])
def test_the_log_likelihood_is_that_of_the_fit_and_at_its_maximum(kind, options):
    with warnings.catch_warnings():
        # lifelines warns of weights that are no numbers of rows, and of how it stopped
        warnings.simplefilter("ignore")
        fit, frame = fitted(kind, **options)
    est = vs.from_model(fit, frame)
    assert -est.loss.value(est.theta, est.loss.everyone()) == pytest.approx(
        fit._model.log_likelihood_, abs=SAME
    )
    assert vs.minimize(est.loss, est.theta).theta == pytest.approx(est.theta, abs=LIBRARY_FIT)


@pytest.mark.parametrize("kind", KINDS)
def test_vif_predicts_refits(kind):
    est = vs.from_model(*fitted(kind))
    est = vs.minimize(est.loss, est.theta)
    some = np.arange(len(DF)) % 12 == 0
    agreement = vs.compare(vs.vif(est, objects=some), vs.leave_one_out(est, objects=some))
    assert (agreement.pearson >= 0.999).all()


@pytest.mark.parametrize("kind", KINDS)
def test_other_rows_are_found_out(kind):
    fit, _ = fitted(kind)
    with pytest.raises(DataMismatchError):
        vs.from_model(fit, DF.assign(week=DF["week"] + 1))
    with pytest.raises(DataMismatchError):
        vs.from_model(fit, DF.assign(prio=DF["prio"] + 1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_penalty_is_that_of_the_fit(kind):
    fit = CoxPHFitter(**KINDS[kind], penalizer=0.05)
    est = vs.from_model(fit.fit(DF, "week", "arrest", fit_options={"ftol": 1e-13}), DF)
    assert vs.minimize(est.loss, est.theta).theta == pytest.approx(est.theta, abs=LIBRARY_FIT)
