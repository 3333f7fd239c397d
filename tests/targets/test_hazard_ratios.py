"""Targets of a Cox model."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pandas as pd
import pytest
from autograd.test_util import check_grads
from cases import BY_NAME
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.targets import LogHazardRatio, RelativeRisk

EST = BY_NAME["cox everything"].estimate()
PROFILES = np.array([[1.0, 0.5], [0.0, -1.0], [2.0, 2.0]])


def test_value_has_two_derivatives():
    target = RelativeRisk(PROFILES)
    check_grads(
        lambda theta: anp.sum(target.value(theta, EST.loss.everyone(), EST.loss) ** 2),
        modes=["rev"],
        order=2,
    )(EST.theta)


@pytest.mark.parametrize("method", [vs.vif, vs.leave_one_out])
def test_plugged_in(method):
    influence = method(EST)
    change = influence.on(RelativeRisk(PROFILES))
    without = np.exp(influence.params_without.to_numpy() @ PROFILES.T)
    full = np.exp(PROFILES @ EST.theta)
    assert change.value == pytest.approx(full)
    assert relative_error(change.influence, full - without) < ROUNDING
    plain = influence.on(lambda theta, b, loss: anp.exp(anp.dot(PROFILES, theta)))
    assert relative_error(plain.influence, change.influence) < ROUNDING


def test_linear_is_equation_5():
    influence = vs.vif(EST)
    linear = influence.on(RelativeRisk(PROFILES), linear=True).influence
    expected = influence.values @ (np.exp(PROFILES @ EST.theta)[:, None] * PROFILES).T
    assert relative_error(linear, expected) < ROUNDING


@pytest.mark.parametrize(
    "profiles",
    [
        {"age": [1.0, 0.0, 2.0], "dose": [0.5, -1.0, 2.0]},
        pd.DataFrame({"dose": [0.5, -1.0, 2.0], "age": [1.0, 0.0, 2.0]}),
        PROFILES,
    ],
    ids=["dict", "columns in another order", "design rows"],
)
def test_profiles_by_name_or_by_position(profiles):
    assert vs.vif(EST).on(RelativeRisk(profiles)).value == pytest.approx(
        np.exp(PROFILES @ EST.theta)
    )


def test_one_profile():
    one = pd.Series({"dose": 0.5, "age": 1.0})
    for profile in (one, {"age": 1.0, "dose": 0.5}, [1.0, 0.5]):
        assert vs.vif(EST).on(RelativeRisk(profile)).value == pytest.approx(
            np.exp(PROFILES[:1] @ EST.theta)
        )


def test_profiles_in_raw_columns_go_through_the_model():
    def design(frame):
        return np.column_stack([frame["decades"] * 10, frame["dose"]])

    est = vs.Estimate(EST.loss, EST.theta, profile=design)
    change = vs.vif(est).on(RelativeRisk({"decades": 0.1, "dose": 0.5}))
    assert change.value == pytest.approx(np.exp(PROFILES[:1] @ EST.theta))


@pytest.mark.parametrize(
    ("profile", "message"),
    [({"age": 1.0}, r"lacks \['dose'\]"), ([1.0, 2.0, 3.0], "needs 2 values")],
)
def test_bad_profiles(profile, message):
    with pytest.raises(InvalidInputError, match=message):
        vs.vif(EST).on(RelativeRisk(profile))


def test_log_hazard_ratio_of_two_profiles():
    influence = vs.vif(EST)
    target = LogHazardRatio({"age": 1.0, "dose": 0.5}, PROFILES[1])
    change = influence.on(target)
    contrast = PROFILES[0] - PROFILES[1]
    assert change.value == pytest.approx([contrast @ EST.theta])
    assert relative_error(change.influence[:, 0], influence.values @ contrast) < ROUNDING
    linear = influence.on(target, linear=True).influence
    assert relative_error(linear, change.influence) < ROUNDING
    assert list(change.to_frame()) == ["log hazard ratio"]


def test_log_hazard_ratio_needs_one_profile_on_each_side():
    with pytest.raises(InvalidInputError, match="`x1` has 3 and `x0` 1"):
        vs.vif(EST).on(LogHazardRatio(PROFILES, PROFILES[0]))
