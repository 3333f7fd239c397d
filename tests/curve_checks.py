"""What every target of a curve must do, for the tests of each file of them."""

from __future__ import annotations

import dataclasses

import numpy as np
from cases import CASES
from tolerances import DIFFERENCED, ROUNDING, relative_error

import vifstats as vs
from vifstats.targets import Target

COX = [case for case in CASES if case.name.startswith("cox")]


def stratum_of(est: vs.Estimate) -> object:
    """The first stratum by the user's name; None without strata."""
    return est.loss.data.stratum_names[0]


def check_plugged_in(est: vs.Estimate, target: Target) -> None:
    """Plugged in, it is the value of the reduced data at the reduced parameters."""
    influence = vs.newton_step(est)
    thetas = est.theta - influence.values
    masks = [influence.removals.presence(k) for k in range(len(thetas))]
    bound = target.bind(est)
    expected = [
        np.atleast_1d(bound.value(t, b, est.loss)) for t, b in zip(thetas, masks, strict=True)
    ]
    assert relative_error(influence.on(target).value_without, np.stack(expected)) < ROUNDING


def check_linear(est: vs.Estimate, target: Target) -> None:
    """Linearised, it is Eq. 5 with its direct term, by autodiff."""
    influence = vs.newton_step(est)
    slow = Target.linear_influence(
        target.bind(est), est.loss, est.theta, influence.values, influence.removals
    )
    assert relative_error(influence.on(target, linear=True).influence, slow) < DIFFERENCED


def check_expansion(est: vs.Estimate, target: Target, error: float) -> None:
    """The near-linear way agrees with the exact one but for third-order terms."""
    influence = vs.newton_step(est)
    exact = influence.on(dataclasses.replace(target, exact=True)).influence
    fast = influence.on(dataclasses.replace(target, exact=False)).influence
    assert relative_error(fast, exact) < error
