"""What is known of rows: times, covariates, risk sets, residuals."""

import numpy as np
import pandas as pd
import pytest
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.deletion.row_facts import at_risk, covariates, follow_up, residuals


@pytest.fixture(scope="module")
def rossi():
    return load_rossi()


def cox(rossi, ties="efron", **options):
    loss = vs.losses.Cox(
        rossi[["fin", "age", "prio"]], rossi["week"], rossi["arrest"], ties=ties, **options
    )
    return vs.vif(vs.minimize(loss, np.zeros(3)))


def test_risk_sets_are_counted(rossi):
    late = rossi["week"] / 3
    sizes = at_risk(cox(rossi, entry=late))
    events = rossi.loc[rossi["arrest"] == 1, "week"]
    for i in range(0, 432, 29):
        last = events[events <= rossi["week"][i]].max()
        expected = ((rossi["week"] >= last) & (late < last)).sum()
        if late[i] < last:
            assert sizes[i] == expected


def test_martingale_residuals_are_events_less_hazard_lived_through(rossi):
    influence = cox(rossi, ties="breslow")
    risk = np.exp(rossi[["fin", "age", "prio"]] @ influence.params)
    events = rossi.loc[rossi["arrest"] == 1, "week"].value_counts()
    hazard = sum(
        np.where(rossi["week"] >= t, d / risk[rossi["week"] >= t].sum(), 0.0)
        for t, d in events.items()
    )
    _, residual = residuals(influence)
    assert relative_error(residual, rossi["arrest"] - risk * hazard) < ROUNDING


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_martingale_residuals_sum_to_nothing(rossi, ties):
    weights = 1.0 + np.arange(432) % 3
    _, residual = residuals(cox(rossi, ties, weights=weights, strata=rossi["race"]))
    assert abs(residual.sum()) < ROUNDING


def test_leverage_times_residual_squared_is_the_displacement():
    """Least squares, for which the one is the other but for 1 - h."""
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    X = sm.add_constant(rng.normal(size=(50, 2)))
    influence = vs.vif(vs.from_model(sm.OLS(rng.normal(size=50), X).fit()))
    leverage, residual = residuals(influence)
    assert np.allclose(leverage * residual**2, influence.likelihood_displacement)


def test_residual_and_distance_order_the_rows_of_a_cox_model(rossi):
    influence = cox(rossi)
    leverage, residual = residuals(influence)
    size = leverage * residual**2
    assert np.corrcoef(size, influence.likelihood_displacement)[0, 1] > 0.8


def test_groups_have_no_row_facts(rossi):
    est = cox(rossi).estimate
    grouped = vs.vif(est, groups=np.arange(432) % 5)
    assert follow_up(grouped) is covariates(grouped) is at_risk(grouped) is None
    assert residuals(grouped) is None


def test_a_row_that_was_dropped_is_nan():
    import statsmodels.api as sm

    X = sm.add_constant(pd.DataFrame({"x": [0.0, np.nan, 2.0, 3.0, 5.0]}))
    fit = sm.OLS(pd.Series([0.0, 1.0, 1.0, 4.0, 4.0]), X, missing="drop").fit()
    influence = vs.vif(vs.from_model(fit))
    facts = covariates(influence)
    assert list(facts.columns) == ["x", "outcome"]
    assert facts["x"].isna().to_list() == [False, True, False, False, False]


def test_the_user_s_table_is_believed_first(rossi):
    table = rossi.assign(name=[f"man {i}" for i in range(432)])
    assert covariates(cox(rossi), table)["name"].iloc[7] == "man 7"


def test_parametric_models_have_times_too(rossi):
    from lifelines import WeibullAFTFitter

    frame = rossi[["week", "arrest", "age", "prio"]]
    fit = WeibullAFTFitter().fit(frame, "week", "arrest")
    facts = follow_up(vs.vif(vs.from_model(fit, frame)))
    assert facts["time"].to_list() == rossi["week"].to_list()
    assert facts["event"].to_list() == rossi["arrest"].to_list()


def test_other_losses_know_nothing():
    loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.arange(4.0))
    influence = vs.vif(vs.minimize(loss, [0.0]))
    assert follow_up(influence) is covariates(influence) is at_risk(influence) is None
