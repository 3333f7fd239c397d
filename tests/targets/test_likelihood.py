"""The log likelihood of the others at their own estimate."""

from __future__ import annotations

import dataclasses

import pytest
from cases import BY_NAME
from curve_checks import COX, check_expansion, check_linear, check_plugged_in
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.targets import LogLikelihood


@pytest.mark.parametrize(
    "name", ["least squares", "ranking", "poisson", "cox efron ties", "cox everything"]
)
def test_plugged_in_and_linear(name):
    est = BY_NAME[name].estimate()
    check_plugged_in(est, LogLikelihood())
    check_linear(est, LogLikelihood())


@pytest.mark.parametrize("case", COX, ids=str)
def test_expansion(case):
    est = case.estimate()
    check_expansion(est, LogLikelihood(), 0.03)  # of third order in 1/n, n = 40
    held = vs.newton_step(est)
    held = dataclasses.replace(held, values=0 * held.values)
    exact, expanded = (held.on(LogLikelihood(exact)).influence for exact in (True, False))
    assert relative_error(expanded, exact) < ROUNDING


def test_parameters_that_vanish_are_not_read():
    est = BY_NAME["random effects"].estimate()
    found = vs.newton_step(est).on(LogLikelihood())
    # at their optimum the others lose what they had, a quadratic with its own minimum
    assert found.influence.shape == (12, 1) and found.status.eq("owned").all()
    assert found.value == pytest.approx([-est.loss.value(est.theta, est.loss.everyone())])
