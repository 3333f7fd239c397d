"""Concordance with the coefficients estimated again."""

from __future__ import annotations

import numpy as np
import pytest
from curve_checks import COX, check_plugged_in
from oracles import load_case

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses import Cox
from vifstats.targets import Concordance


@pytest.mark.parametrize("case", COX, ids=str)
def test_plugged_in(case):
    check_plugged_in(case.estimate(), Concordance())


# survival 3.5-3: concordance(coxph(Surv(...) ~ ., data, weights))$concordance, Efron's ties
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lung", 0.64670588235294124),
        ("heart", 0.6357601239212215),
        ("lung_strata_weights", 0.62537042846046964),
    ],
)
def test_is_that_of_r(name, expected):
    case = load_case(name, "efron")
    loss = Cox(
        case.X,
        case.time,
        case.event,
        entry=case.entry,
        weights=case.weights,
        strata=case.strata,
    )
    found = Concordance().value(case.coef.to_numpy(), loss.everyone(), loss)
    assert found == pytest.approx(expected, rel=1e-12)


def test_equal_covariates_are_tied_whatever_sums_round_to():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, size=(200, 7)) * 0.1
    loss = Cox(X, rng.exponential(size=200), np.ones(200))
    theta = rng.normal(size=7)
    by_hand = (X * theta).sum(axis=1).round(12)
    earlier = np.less.outer(loss.data.time, loss.data.time)
    higher = np.sign(np.subtract.outer(by_hand, by_hand))
    expected = (0.5 + 0.5 * higher[earlier]).mean()
    assert Concordance().value(theta, loss.everyone(), loss) == pytest.approx(expected)


def test_bad_input():
    influence = vs.vif(COX[0].estimate())
    with pytest.raises(InvalidInputError, match="moves in steps"):
        influence.on(Concordance(), linear=True)
    y = np.array([1.0, 3.0, 5.0])
    loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    with pytest.raises(InvalidTypeError, match="Concordance is a target of Cox"):
        vs.vif(vs.minimize(loss, [0.0])).on(Concordance())
