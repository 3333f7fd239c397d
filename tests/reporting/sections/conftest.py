"""Fits of eighty rows with every refit, the library's own summary, and what the page is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from reported_fits import FITS, Summary, rows_of_data

import vifstats as vs
from vifstats.losses.effects import Effects, effects_of
from vifstats.reporting import describe, find
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
    steps: np.ndarray  # of each covariate: between its two values, else a standard deviation
    errors: np.ndarray  # the standard errors of dfbetas, without each row: (n, p)

    @property
    def dfbetas(self) -> np.ndarray:
        """Of `mixed`."""
        return self.mixed / self.errors

    @property
    def sizes(self) -> np.ndarray:
        """|dfbetas| of effects; of predictions that fall short, times the slope of the refits."""
        rows, size = self.findings.refitted, np.abs(self.dfbetas)
        predicted = np.setdiff1d(np.arange(len(size)), self.known)
        for j in self.effects.shown:
            a, r = self.approximate[rows, j], self.refitted[rows, j]
            size[predicted, j] *= max(1.0, a @ r / (a @ a))
        return size[:, self.effects.shown]

    def shown(self, theta: Any) -> Any:
        """As people report it."""
        return np.exp(theta) if self.ratio else theta


def steps_of_columns(frame, names):
    """What a step is of each; 1 of an intercept."""
    steps = {name: frame[name].std() for name in ("x", "z")}
    return np.array([steps.get(name, 1.0) for name in names])


def errors_without(est, frame, least_squares):
    """Naive errors; of least squares with the residual variance of a refit without each row."""
    naive, n = est.naive_errors, len(frame)
    if not least_squares:
        return np.tile(naive, (n, 1))
    X, y = np.column_stack([np.ones(n), frame[["x", "arm", "z"]]]), frame["y"].to_numpy()

    def deviation(X, y):
        rest = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
        return np.sqrt(rest @ rest / (len(y) - X.shape[1]))

    without = [deviation(np.delete(X, i, axis=0), np.delete(y, i)) for i in range(n)]
    return naive * (np.array(without) / deviation(X, y))[:, None]


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
        steps_of_columns(frame, est.names),
        errors_without(est, frame, not ratio),
    )


@pytest.fixture(scope="session")
def page_without_rows(told):
    """What report.json has of the same findings with rows=False."""
    return describe(told.findings, rows=False, unit="patient", seconds=1e-9)
