"""Fits of eighty rows with every refit, the library's own summary, and what the page is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from reported_fits import FITS, Summary, rows_of_data

import vifstats as vs
from vifstats.losses.effects import Effects, effects_of
from vifstats.reporting import find
from vifstats.reporting.findings import Findings, confirm
from vifstats.reporting.sections.verdicts import foreseen, verdicts

BY_NAME = {str(fit): fit for fit in FITS}


@dataclass(frozen=True)
class Told:
    """What sections read, and what they are held against."""

    est: vs.Estimate
    summary: Summary
    findings: Findings
    effects: Effects
    verdicts: list[Any]
    approximate: np.ndarray  # by vif
    refitted: np.ndarray  # by leave_one_out
    mixed: np.ndarray  # refitted where the page refits, else by vif
    known: np.ndarray  # the rows that the page refits
    ratio: bool

    def shown(self, theta: Any) -> Any:
        """As people report it."""
        return np.exp(theta) if self.ratio else theta


@pytest.fixture(
    scope="session", params=["lifelines cluster", "OLS HC3 t", "Logit nonrobust z", "PHReg efron"]
)
def told(request) -> Told:
    """Its largest influences are refitted and some others, a third is not."""
    fit, frame = BY_NAME[request.param], rows_of_data(80, 2)
    frame.index = [f"r{i:02d}" for i in range(80)]
    est = fit.estimate(frame)
    findings, effects = find(est, "vif", top=6), effects_of(est.loss, est.names)
    approximate, refitted = vs.vif(est).values, vs.leave_one_out(est).values
    before = foreseen(findings, effects)
    known = np.union1d(findings.refitted, before.candidates)
    findings = confirm(findings, before.candidates)
    assert 6 < len(findings.refitted) <= len(known) < 80
    mixed = approximate.copy()
    mixed[known] = refitted[known]
    judged = verdicts(findings, effects, before)
    ratio = not request.param.startswith("OLS")
    return Told(
        est,
        fit.summary(frame),
        findings,
        effects,
        judged,
        approximate,
        refitted,
        mixed,
        known,
        ratio,
    )
