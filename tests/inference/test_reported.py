"""Standard errors, p-values and limits: those of the fit's own summary, and of its refits."""

from __future__ import annotations

import numpy as np
import pytest
from reported_fits import FITS, rows_of_data
from tolerances import REFITTED_SUMMARY, SUMMARY

import vifstats as vs
from vifstats.inference.standard_errors import standard_errors_without
from vifstats.removals import Removals
from vifstats.targets import ConfidenceLimits, PValue, StandardError

EVERY_FIT = pytest.mark.parametrize("fit", FITS, ids=str)
ROWS = np.arange(0, 40, 8)


@EVERY_FIT
def test_the_full_fit_reports_its_summary(fit):
    frame = rows_of_data()
    est, summary = fit.estimate(frame), fit.summary(frame)
    assert est.standard_errors == pytest.approx(summary.errors, rel=SUMMARY)
    assert est.p_values == pytest.approx(summary.p_values, rel=SUMMARY, abs=SUMMARY)
    assert est.confidence_limits() == pytest.approx(summary.limits, rel=SUMMARY, abs=SUMMARY)
    # and by our own formula, not only because the fit says so
    nobody = Removals.nobody(est.loss.n_objects)
    computed = standard_errors_without(est, est.loss, est.theta[None], nobody, True)[0]
    assert computed == pytest.approx(summary.errors, rel=SUMMARY)


@EVERY_FIT
def test_refits_report_the_summaries_of_the_librarys_own(fit):
    frame = rows_of_data()
    refits = vs.leave_one_out(fit.estimate(frame), objects=frame.index[ROWS])
    theirs = [fit.summary(frame.drop(index=row)) for row in frame.index[ROWS]]
    for j, name in enumerate(refits.estimate.names):
        errors, p, limits = (
            refits.on(target(name)).value_without
            for target in (StandardError, PValue, ConfidenceLimits)
        )
        assert errors[:, 0] == pytest.approx([s.errors[j] for s in theirs], rel=REFITTED_SUMMARY)
        assert p[:, 0] == pytest.approx([s.p_values[j] for s in theirs], abs=REFITTED_SUMMARY)
        expected = np.array([s.limits[j] for s in theirs])
        assert limits == pytest.approx(expected, rel=REFITTED_SUMMARY, abs=REFITTED_SUMMARY)
