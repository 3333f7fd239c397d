"""Conditional Poisson regression: definition, automatic derivatives, statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.discrete.conditional_models import ConditionalPoisson as Theirs
from tolerances import CONVERGED_FIT, REFERENCE, ROUNDING, relative_error

import vifstats as vs
from vifstats.losses import ConditionalPoisson
from vifstats.losses.base import Loss
from vifstats.removals import Removals


def counts(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        rng.normal(size=(n, 2)), columns=["dose", "heat"], index=[f"day {i}" for i in range(n)]
    )
    return X, rng.poisson(2.0, n), rng.permutation(n) % (n // 5), 0.3 * rng.normal(size=n)


def test_the_value_is_that_of_the_shares():
    X, y, sets, offset = counts(20, 0)
    theta, present = np.array([0.4, -0.3]), np.arange(20) % 6 > 0
    expected = 0.0
    for s in np.unique(sets):
        rows = (sets == s) & present
        eta = X[rows].to_numpy() @ theta + offset[rows]
        expected -= y[rows] @ (eta - np.log(np.exp(eta).sum()))
    found = ConditionalPoisson(X, y, sets, offset=offset).value(theta, present.astype(float))
    assert found == pytest.approx(expected, rel=REFERENCE)


def test_sums_are_the_automatic_derivatives():
    X, y, sets, offset = counts(20, 1)
    loss = ConditionalPoisson(X, y, sets, offset=offset, penalty=0.4)
    theta = np.array([0.5, 0.2])
    for removals in (loss.each(), Removals.of_groups(np.arange(20) % 3)):
        for name in ("gradient_differences", "reduced_hessians"):
            fast = getattr(loss, name)(theta, removals)
            slow = getattr(Loss, name)(loss, theta, removals)
            assert relative_error(fast, slow, 1.0) < ROUNDING, name
        thetas = np.random.default_rng(2).normal(size=(len(removals), 2))
        for name in ("reduced_slopes", "reduced_curvatures"):
            fast, slow = (
                getattr(loss, name)(thetas, removals),
                getattr(Loss, name)(loss, thetas, removals),
            )
            for a, b in zip(fast, slow, strict=True):
                assert relative_error(a, b, 1.0) < ROUNDING, name


@pytest.mark.filterwarnings("ignore:Dropped")  # statsmodels says what this test is about
def test_refits_are_those_of_statsmodels():
    X, y, sets, offset = counts(60, 3)
    y[sets == 2] = 1

    def fit(rows):
        model = Theirs(y[rows], X.iloc[rows], groups=sets[rows], offset=offset[rows])
        return model.fit(disp=0, method="newton")

    est = vs.from_model(fit(np.arange(60)))
    assert est.names == ("dose", "heat")
    assert (vs.vif(est).status[sets == 2] == "not in fit").all()
    without = vs.leave_one_out(est).params_without
    for i in range(1, 60, 9):
        theirs = np.asarray(fit(np.delete(np.arange(60), i)).params)
        error = (without.iloc[i] - theirs) / est.standard_errors
        assert np.abs(error).max() < 100 * CONVERGED_FIT


def test_counts_below_0_are_refused():
    with pytest.raises(vs.errors.InvalidInputError, match="row 2 has -1; correct it"):
        ConditionalPoisson(np.eye(4)[:, :1], [1, 2, -1, 0], [1, 1, 2, 2])
