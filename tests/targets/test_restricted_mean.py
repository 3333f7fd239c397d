"""Restricted mean survival: the integral of the curve, with and without rows."""

from __future__ import annotations

import numpy as np
import pytest
from curve_checks import COX, check_expansion, check_linear, check_plugged_in, stratum_of

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.losses import Cox
from vifstats.targets import RMST, RMSTDifference, SurvivalProbability

PROFILES = np.array([[0.3, -0.2], [1.0, 1.0]])


@pytest.mark.parametrize("case", COX, ids=str)
def test_plugged_in_linear_and_expanded(case):
    est = case.estimate()
    tau, where = float(np.quantile(est.loss.data.time, 0.7)), {"stratum": stratum_of(est)}
    for target in (
        RMST(PROFILES, tau, **where),
        RMSTDifference(PROFILES[0], PROFILES[1], tau, **where),
    ):
        check_plugged_in(est, target)
        check_linear(est, target)
        check_expansion(est, target, 0.06)


@pytest.mark.parametrize("tau", [0.7, 1.0, 2.5, 4.0])
def test_is_the_integral_of_the_curve(tau):
    loss = Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 0, 1, 1])
    est = vs.minimize(loss, [0.0])
    grid = (np.arange(20_000) + 0.5) / 20_000 * tau
    S = SurvivalProbability([1.0], grid).value(est.theta, loss.everyone(), loss)
    found = RMST([1.0], tau).value(est.theta, loss.everyone(), loss)
    assert found == pytest.approx([S.mean() * tau], rel=1e-3)


def test_difference_is_one_minus_the_other():
    est = COX[1].estimate()
    influence = vs.vif(est)
    both = influence.on(RMST(PROFILES, 0.5)).influence
    change = influence.on(RMSTDifference(PROFILES[1], PROFILES[0], 0.5))
    assert change.influence[:, 0] == pytest.approx(both[:, 1] - both[:, 0])
    assert list(change.to_frame()) == ["RMST(0.5) difference"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (RMST([0.0, 0.0], 1e6), "must lie within follow-up"),
        (RMST([0.0, 0.0], 0.0), "`tau` must be positive"),
        (RMST([0.0, 0.0], [1.0, 2.0]), "`tau` must be one number"),
        (RMSTDifference(PROFILES, [0.0, 0.0], 0.5), "one profile on each side"),
    ],
)
def test_bad_input(target, message):
    with pytest.raises(InvalidInputError, match=message):
        vs.vif(COX[1].estimate()).on(target)
