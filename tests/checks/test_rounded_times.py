"""Times that differ by rounding alone are said, where coefficients come from elsewhere."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from tolerances import REFERENCE

import vifstats as vs
from vifstats.checks.rounded_times import gaps_of_rows, warn_of_rounding


def alarms(time, event=None):
    """Whether sorted times are said to differ by rounding."""
    time = np.sort(time)
    event = np.ones(len(time), dtype=bool) if event is None else event
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        warn_of_rounding(gaps_of_rows(time, event, np.ones(len(time) - 1, dtype=bool)), "T")
    return len(said) > 0


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("origin", [0.1, 60.3, 2003.7], ids=["sums", "ages", "years"])
@pytest.mark.parametrize("n", [40, 3000, 100_000])
def test_differences_of_the_same_tenths_are_said(n, origin, unit):
    rng = np.random.default_rng(0)
    start = round(10 * origin) + rng.integers(100, size=n)
    end = start + rng.integers(1, 60 + n // 50, size=n)
    assert alarms(unit * (end / 10 - start / 10))


@pytest.mark.parametrize(
    "drawn",
    [
        lambda rng, n: rng.exponential(size=n),
        lambda rng, n: rng.weibull(0.4, size=n),
        lambda rng, n: rng.lognormal(0, 3, size=n),
        lambda rng, n: rng.exponential(size=n).astype(np.float32).astype(float),
        lambda rng, n: 1.7e9 + 1e7 * rng.exponential(size=n),
        lambda rng, n: rng.exponential(size=n).round(9),
        lambda rng, n: np.ceil(1000 * rng.exponential(size=n)) / 365.25,
    ],
    ids=[
        "exponential",
        "weibull",
        "lognormal",
        "float32",
        "seconds since 1970",
        "9 digits",
        "days",
    ],
)
@pytest.mark.parametrize("n", [30, 300, 100_000])
def test_times_that_are_near_by_chance_are_not(drawn, n):
    assert not any(alarms(drawn(np.random.default_rng(seed), n)) for seed in range(3))


def survival(n=60):
    """Times of one digit, as sums have them: X (n, 2), the sums, what was meant, events."""
    rng = np.random.default_rng(3)
    tenths = rng.integers(1, 30, size=n)
    sums = tenths * 0.1  # 3 * 0.1 is not 0.3
    sums[::2] = tenths[::2] / 10
    X = pd.DataFrame(rng.normal(size=(n, 2)), columns=["a", "b"])
    return X, sums, tenths / 10, rng.random(n) < 0.6


def advised(message, T):
    return np.round(T, int(re.search(r"numpy.round\(\w+, (-?\d+)\)", message).group(1)))


@pytest.mark.parametrize("unit", [1e-4, 1.0, 365.25])
def test_the_advice_gives_the_ties_that_were_meant(unit):
    X, sums, meant, E = survival()
    theta = vs.minimize(vs.losses.Cox(X, meant, E), [0.0, 0.0]).theta
    with pytest.warns(UserWarning, match="differ by rounding .*not taken as tied.*timefix") as said:
        vs.vif_cox(theta, X, unit * sums, E, tol=np.inf)
    rounded = advised(str(said[0].message), unit * sums)
    np.testing.assert_allclose(
        vs.vif_cox(theta, X, rounded, E).dfbeta,
        vs.vif_cox(theta, X, meant, E).dfbeta,
        atol=REFERENCE,
    )


def test_an_entry_just_before_an_event():
    """At 0.3 the second row is not at risk yet; by rounding it was."""
    X, T, E = [[0.0], [1.0], [0.0], [1.0]], [0.1 + 0.2, 0.5, 0.6, 0.7], [1, 1, 1, 1]
    entry = np.array([0.0, 0.3, 0.1, 0.2])
    with pytest.warns(UserWarning, match="0.3 and 0.30000000000000004 of `T`"):
        vs.from_model([0.0], X, T, E, entry=entry, tol=np.inf)
    vs.from_model([0.0], X, T, E, entry=np.where(entry == 0.3, 0.31, entry), tol=np.inf)


def test_what_no_risk_set_sees_is_not_said():
    """In other strata, and censored later than the event."""
    X, T = [[0.0], [1.0], [0.0], [1.0]], [0.3, 0.1 + 0.2, 0.6, 0.7]
    vs.from_model([0.0], X, T, [1, 0, 1, 1], tol=np.inf)
    vs.from_model([0.0], X, T, [1, 1, 1, 1], strata=[0, 1, 0, 1], tol=np.inf)
    with pytest.warns(UserWarning, match="differ by rounding"):
        vs.from_model([0.0], X, T, [0, 1, 1, 1], tol=np.inf)


@pytest.mark.parametrize("cut", [20, 31])
def test_streams_say_it_once_wherever_they_are_cut(cut):
    X, sums, _, E = survival()
    rows = X.assign(t=sums, e=E.astype(int)).sort_values("t", ignore_index=True)
    one = rows.drop_duplicates("t")[: cut + 1]  # all gaps but that between the chunks are wide
    one = one[np.append(True, np.diff(one["t"]) > 1e-9)]
    last = one.iloc[[-1]].assign(t=lambda d: np.nextafter(d["t"], np.inf), e=1)
    options = {"time": "t", "event": "e", "columns": ["a", "b"], "tol": np.inf}
    for chunks in ([rows[:cut], rows[cut:]], [one, last]):
        with pytest.warns(UserWarning, match="of `t` differ by rounding") as said:
            vs.streaming.cox([0.0, 0.0], chunks, **options)
        assert len(said) == 1
    vs.streaming.cox([0.0, 0.0], [one], **options)


def test_a_fit_that_treats_times_as_they_are_says_nothing():
    X, sums, _, E = survival()
    vs.vif(vs.minimize(vs.losses.Cox(X, sums, E), [0.0, 0.0]))


def test_an_estimate_by_hand_says_it_too():
    X, sums, meant, E = survival()
    theta = vs.minimize(vs.losses.Cox(X, meant, E), [0.0, 0.0]).theta
    with pytest.warns(UserWarning, match="of `T` differ by rounding") as said:
        vs.Estimate(vs.losses.Cox(X, sums, E), theta, tol=np.inf)
    assert len(said) == 1
    vs.Estimate(vs.losses.Cox(X, meant, E), theta)


def test_competing_risks_say_it():
    """Events of the cause that is modelled; rows of other causes are no event times."""
    X, sums, meant, E = survival()
    cause = np.where(E, 1 + (np.arange(len(E)) % 3 == 0), 0)
    theta = vs.minimize(vs.losses.FineGray(X, meant, cause), [0.0, 0.0]).theta
    with pytest.warns(UserWarning, match="of `T` differ by rounding"):
        vs.Estimate(vs.losses.FineGray(X, sums, cause), theta, tol=np.inf)
    vs.Estimate(vs.losses.FineGray(X, meant, cause), theta)
    est = vs.minimize(vs.losses.FineGray(X, sums, cause), [0.0, 0.0])
    assert not np.allclose(est.theta, theta, rtol=0, atol=1e-6)
    vs.check_target(vs.targets.RelativeRisk([1.0, 0.0]), est)
