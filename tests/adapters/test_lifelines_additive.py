"""AalenAdditiveFitter: the coefficients of the fit, and its refits without a row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines import AalenAdditiveFitter
from tolerances import ROUNDING

import vifstats as vs
from vifstats.errors import DataMismatchError, UnsupportedModelError

ROSSI = vs.datasets.load_rossi()[["week", "arrest", "fin", "age"]].iloc[::4]
ROSSI = ROSSI.assign(w=np.resize([1.0, 2.0], len(ROSSI)))
ROSSI.index = [f"p{k}" for k in range(len(ROSSI))]
PLAIN = ROSSI.drop(columns="w")
KINDS = {
    "plain": (PLAIN, {}, {}),
    "weights": (ROSSI, {}, {"weights_col": "w"}),
    "penalty": (PLAIN, {"coef_penalizer": 0.5}, {}),
    "formula": (PLAIN, {}, {"formula": "fin * age"}),
    "no intercept": (PLAIN, {"fit_intercept": False}, {"formula": "fin + age - 1"}),
}


def fitted(kind, frame=None):
    table, settings, options = KINDS[kind]
    frame = table if frame is None else frame
    return AalenAdditiveFitter(**settings).fit(frame, "week", "arrest", **options), frame


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "penalty"])
def test_every_method_is_the_refit_of_lifelines(kind):
    """B is a sum of least squares, of which each deletion has a closed form."""
    est = vs.from_model(*fitted(kind))
    some = ["p0", "p7", "p50"]
    refits = vs.leave_one_out(est, objects=some).params_without
    for label in some:
        own, _ = fitted(kind, KINDS[kind][0].drop(index=label))
        # the time is held: lifelines may go on for one event more or less
        until = own.cumulative_hazards_.loc[: fitted(kind)[0].hazards_.index[-1]]
        expected = until.iloc[-1].to_numpy()
        assert refits.loc[label].to_numpy() == pytest.approx(expected, abs=ROUNDING)
    for method in (vs.vif, vs.newton_step):
        assert method(est, objects=some).params_without.to_numpy() == pytest.approx(
            refits.to_numpy(), abs=ROUNDING
        )


def test_a_penalty_is_held_in_the_units_of_the_fit():
    fit, frame = fitted("penalty")
    est = vs.from_model(fit, frame)
    assert est.theta == pytest.approx(fit.cumulative_hazards_.iloc[-1].to_numpy(), abs=ROUNDING)
    assert vs.vif(est).values == pytest.approx(vs.leave_one_out(est).values, abs=ROUNDING)


def test_groups_and_the_derivative_in_presence():
    est = vs.from_model(*fitted("weights"))
    home = np.arange(len(ROSSI)) // 5
    assert vs.vif(est, groups=home).values == pytest.approx(
        vs.leave_one_out(est, groups=home).values, abs=ROUNDING
    )
    slopes = super(type(est.loss), est.loss).weight_gradients(est.theta)
    assert est.loss.weight_gradients(est.theta) == pytest.approx(slopes, abs=ROUNDING)


def test_what_is_another_model_or_has_other_rows_is_refused():
    smooth = AalenAdditiveFitter(smoothing_penalizer=0.5).fit(PLAIN, "week", "arrest")
    with pytest.raises(UnsupportedModelError, match="smoothing_penalizer=0"):
        vs.from_model(smooth, PLAIN)
    fit, _ = fitted("plain")
    with pytest.raises(DataMismatchError):
        vs.from_model(fit, PLAIN.iloc[1:])
    with pytest.raises(UnsupportedModelError, match="covariates that were fitted"):
        vs.from_model(fit, PLAIN.assign(age=PLAIN["age"] + 1))


def censored_between(n=40):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=n), "T": rng.exponential(size=n)})
    return frame.assign(E=np.arange(n) % 3 > 0)


def test_rows_that_lifelines_keeps_at_risk_after_their_censoring_are_found_out():
    """Its loop looks at event times only; moved to the event time before, its fit is Aalen's."""
    frame = censored_between()
    with pytest.raises(UnsupportedModelError, match="censored between event times"):
        vs.from_model(AalenAdditiveFitter().fit(frame, "T", "E"), frame)
    events = np.sort(frame.loc[frame.E, "T"].to_numpy())
    before = np.searchsorted(events, frame["T"], side="right") - 1
    late = before >= 0
    moved = frame[late].assign(T=events[before[late]])
    est = vs.from_model(AalenAdditiveFitter().fit(moved, "T", "E"), moved)
    assert vs.vif(est).values == pytest.approx(vs.leave_one_out(est).values, abs=ROUNDING)
