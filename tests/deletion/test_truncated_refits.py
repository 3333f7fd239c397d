"""truncated_refits: from vif to the exact refits, step by step."""

from __future__ import annotations

import numpy as np
import pytest
from cases import BY_NAME
from tolerances import CONVERGED_FIT

import vifstats as vs


@pytest.mark.parametrize(
    "name",
    ["cox efron ties", "random effects", "pairs", "softmax renormalised, items"]
    + ["node embedding", "node embedding in a plane"],
)
def test_truncated_refits_come_nearer_with_every_step(name):
    """From vif, without a step, to the exact refits; none of them is said to be exact."""
    case, est = BY_NAME[name], BY_NAME[name].estimate()
    exact = case.influence(vs.leave_one_out)
    few = [vs.truncated_refits(est, max_steps=steps) for steps in (0, 1, 2, 12)]
    np.testing.assert_allclose(few[0].values, case.influence(vs.vif).values, rtol=1e-9, atol=1e-12)
    distances = [vs.compare(*map(case.comparable, (each, exact))).frobenius for each in few]
    assert distances == sorted(distances, reverse=True) and distances[-1] < CONVERGED_FIT
    for result in few:
        assert result.method == "truncated" and not result.exact.any()
        np.testing.assert_array_equal(np.isnan(result.values), np.isnan(exact.values))
    assert "cut short" in repr(few[1]) and "1 trust-region steps of length 2" in few[1].note


def test_truncated_refits_of_groups():
    est = BY_NAME["poisson"].estimate()
    groups = np.arange(40) // 10
    few, exact = (m(est, groups=groups) for m in (vs.truncated_refits, vs.leave_one_out))
    assert list(few.index) == [0, 1, 2, 3]
    assert vs.compare(few, exact).frobenius < 0.01
