"""Influential sets: found, predicted, and confirmed by a refit of one's own."""

from __future__ import annotations

from itertools import combinations

import autograd.numpy as anp
import numpy as np
import pytest
from cases import BY_NAME
from oracles import load_case

import vifstats as vs
from vifstats.deletion.refits import refit_near
from vifstats.errors import InvalidInputError
from vifstats.targets import PValue, SurvivalProbability

METHODS = ("sorted", "greedy", "adaptive")


def fitted(name: str, rows: np.ndarray | None = None) -> vs.Estimate:
    """A converged fit to some rows of an oracle data set."""
    case = load_case(name, "efron")
    rows = np.arange(len(case.X)) if rows is None else rows

    def some(column):
        return None if column is None else column[rows]

    loss = vs.losses.Cox(
        case.X.iloc[rows],
        case.time[rows],
        case.event[rows],
        entry=some(case.entry),
        weights=some(case.weights),
        strata=some(case.strata),
    )
    return vs.minimize(loss, np.zeros(case.X.shape[1]), groups=some(case.id))


def p_value(est: vs.Estimate, name: str) -> float:
    target = PValue(name).bind(est)
    return float(target.value(est.theta, est.loss.everyone(), est.loss)[0])


@pytest.mark.parametrize(
    ("name", "parameter", "sizes"),
    [
        ("lung", "age", (2, 2, 2)),
        ("rossi", "age", (5, 5, 5)),
        ("rossi", "fin", (1, 1, 1)),
        ("heart", "year", (1, 1, 1)),
        ("cgd_strata_weights", "treat", (4, 4, 4)),
    ],
)
def test_sets_that_flip_significance(name, parameter, sizes):
    est = fitted(name)
    labels = est.labels if est.groups is None else est.groups
    before = p_value(est, parameter)
    for method, size in zip(METHODS, sizes, strict=True):
        found = vs.influential_set(est, parameter, flip="significance", method=method)
        assert found.reached and found.status == "confirmed" and len(found) == size
        without = fitted(name, np.flatnonzero(~np.isin(labels, found.members)))
        after = p_value(without, parameter)
        assert found.value == pytest.approx(before) and found.actual == pytest.approx(
            after, rel=1e-5
        )
        assert (before < 0.05) != (after < 0.05)
        assert 0 <= found.additive <= 1 and 0 <= found.joint <= 1


def test_separation_is_flagged_and_gets_no_number():
    est = fitted("rossi")
    largest = vs.newton_step(est).dfbeta["mar"].nlargest(10).index
    found = vs.influential_set(est, "mar", change=-9.0, max_size=10, method="sorted")
    assert found.status == "separation" and not found.reached
    assert np.isnan([found.additive, found.joint, found.actual]).all()
    assert set(found.members) <= set(largest)
    case = load_case("rossi", "efron")
    left = np.setdiff1d(np.arange(432), found.members)
    assert not case.event[left][case.X["mar"].to_numpy()[left] == 1].any()
    assert "the estimate diverges" in repr(found)
    # the last member did it
    path = found.to_frame()
    assert path["joint"].isna().tolist() == [False] * (len(found) - 1) + [True]


@pytest.mark.parametrize("method", METHODS)
def test_change_of_sign(method):
    est = fitted("rossi")
    found = vs.influential_set(est, "paro", flip="sign", method=method)
    without = fitted("rossi", np.setdiff1d(np.arange(432), found.members))
    assert found.value < 0 < found.actual
    assert found.actual == pytest.approx(without.params["paro"], rel=1e-6)
    assert found.target == "paro" and found.goal == "change of sign"


@pytest.mark.parametrize("method", METHODS)
def test_change_of_a_survival_probability(method):
    est = fitted("lung")
    case = load_case("lung", "efron")
    target = SurvivalProbability(case.X.iloc[:2], [200.0, 400.0])
    found = vs.influential_set(est, target, change=0.03, column=2, method=method)
    assert found.status == "confirmed" and found.target == "S(200 | 1)"
    assert found.actual >= found.value + 0.03
    assert found.joint == pytest.approx(found.actual, abs=0.003)


def test_path_has_every_step():
    found = vs.influential_set(fitted("rossi"), "age", flip="significance", method="adaptive")
    path = found.to_frame()
    assert list(path.index) == list(found.members)
    assert path["actual"].notna().all() and path["actual"].iloc[-1] == found.actual
    assert (np.diff(path["actual"]) > 0).all()
    path.iloc[0] = 0.0
    assert found.path["actual"].iloc[0] != 0.0


@pytest.mark.parametrize("method", METHODS)
def test_a_goal_out_of_reach_is_said_to_be(method):
    found = vs.influential_set(fitted("lung"), "ph.ecog", flip="sign", method=method, max_size=3)
    assert found.status == "not reached" and not found.reached and len(found) == 3
    assert 0 < found.actual < found.value
    assert "not reached" in repr(found)


def test_adaptive_least_squares_estimates_its_variance_again():
    est = BY_NAME["least squares"].estimate()
    X, y = est.loss.data
    sigma2 = np.sum((y - X @ est.theta) ** 2) / (len(y) - 3)
    loss = vs.losses.LinearPredictor(vs.losses.row_losses.SquaredError(), X, y, names=list("abc"))
    est = vs.Estimate(loss, est.theta, dispersion=sigma2)
    for method in METHODS:
        found = vs.influential_set(est, "a", flip="significance", method=method, max_size=8)
        kept = np.setdiff1d(np.arange(40), found.members)
        theta, rss = np.linalg.lstsq(X[kept], y[kept], rcond=None)[:2]
        errors = np.sqrt(np.diag(np.linalg.inv(X[kept].T @ X[kept])) * rss / (len(kept) - 3))
        fit = vs.Estimate(
            vs.losses.LinearPredictor(loss.row_loss, X[kept], y[kept], names=list("abc")),
            theta,
            dispersion=float(rss[0]) / (len(kept) - 3),
        )
        assert fit.standard_errors == pytest.approx(errors)
        assert found.actual == pytest.approx(p_value(fit, "a"))


@pytest.mark.parametrize("method", METHODS)
def test_many_rows_are_ranked_by_expanded_standard_errors(method, monkeypatch):
    """Which changes what is looked at, and not what is found: that is refitted."""
    est = BY_NAME["cox efron"].estimate()
    expected = vs.influential_set(est, "age", flip="significance", method=method)
    monkeypatch.setattr("vifstats.diagnostics.influential_sets.goals.EXACT_NUMBERS", 0)
    found = vs.influential_set(est, "age", flip="significance", method=method)
    assert list(found.members) == list(expected.members)
    assert found.actual == expected.actual and found.joint == expected.joint


@pytest.mark.parametrize("name", ["ranking", "logistic ridge"])
def test_any_loss_and_any_callable(name):
    est = BY_NAME[name].estimate()

    def odds(theta, b, loss):
        return anp.exp(theta[-1])

    for method in METHODS:
        found = vs.influential_set(est, odds, change=0.03, method=method)
        assert found.status == "confirmed" and found.target == "target"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Exactly one of `change` and `flip`"),
        ({"change": 1.0, "flip": "sign"}, "Exactly one of `change` and `flip`"),
        ({"flip": "size"}, "`flip` must be one of 'sign', 'significance'"),
        ({"flip": "sign", "method": "best"}, "`method` must be one of 'auto', 'sorted'"),
        ({"change": 0.0}, "must be a way to go"),
        ({"flip": "sign", "column": 1}, "one of the 1 values"),
        ({"flip": "sign", "groups": np.zeros(40)}, "must leave something behind"),
        ({"flip": "sign", "max_size": -1}, "`max_size` must be 0 or more"),
        ({"flip": "sign", "max_size": 0}, "`max_size` must be 1 or more"),
        ({"change": np.nan}, "`change` is nan; say how far"),
        ({"change": [1.0, 2.0]}, "`change` must be one number"),
        ({"flip": "significance", "level": 1.5}, "`level` must be between 0 and 1, but is 1.5"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        vs.influential_set(BY_NAME["cox efron"].estimate(), "age", **arguments)


@pytest.mark.parametrize("method", METHODS)
def test_a_target_that_is_undefined_without_the_set_says_so(method):
    """Which is no failure of the refit."""
    est = BY_NAME["least squares"].estimate()

    def slope_of_many(theta, b, loss):
        return theta[0] if b.sum() > 37 or len(b) < 40 else np.nan

    found = vs.influential_set(est, slope_of_many, change=9.0, max_size=4, method=method)
    assert found.status == "the target is nan" and not found.reached and np.isnan(found.actual)


def test_greedy_stops_at_the_best_when_nothing_is_enough():
    """Of four numbers above the mean it takes these, and none of those that pull it back."""
    y = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0])
    loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    est = vs.minimize(loss, [0.0], names=["mean"])
    found = vs.influential_set(est, "mean", change=-5.0, method="greedy", max_size=7)
    assert set(found.members) == {5, 6, 7, 8} and found.status == "not reached"
    assert found.actual == pytest.approx(0.0)


def test_targets_that_cannot_be_searched_for():
    est = BY_NAME["cox efron"].estimate()
    with pytest.raises(InvalidInputError, match="must be finite on all data, but is nan"):
        vs.influential_set(est, lambda theta, b, loss: np.nan, change=1.0)
    with pytest.raises(InvalidInputError, match="Significance is that of a parameter"):
        vs.influential_set(est, lambda theta, b, loss: theta[0], flip="significance")
    with pytest.raises(InvalidInputError, match="none does"):
        vs.influential_set(est, lambda theta, b, loss: 1.0, change=1.0)


def reaches(name: str, parameter: str, flip: str, members: list) -> bool:
    """Whether a fit from scratch without these rows has changed as wanted."""
    est = fitted(name)
    without = fitted(name, np.setdiff1d(np.arange(len(est.labels)), members))
    if flip == "sign":
        return bool(est.params[parameter] * without.params[parameter] < 0)
    return (p_value(est, parameter) < 0.05) != (p_value(without, parameter) < 0.05)


@pytest.mark.parametrize(
    ("name", "parameter", "flip"),
    [
        ("rossi", "age", "significance"),
        ("rossi", "prio", "significance"),
        ("lung", "age", "sign"),
        ("lung", "sex", "significance"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_no_part_of_a_proven_set_does(name, parameter, flip, method):
    found = vs.influential_set(fitted(name), parameter, flip=flip, method=method)
    members = list(found.members)
    assert found.status == "confirmed" and reaches(name, parameter, flip, members)
    beginnings = [members[:k] for k in range(1, len(members))]
    less_one = [members[:k] + members[k + 1 :] for k in range(len(members) - 1)]
    for part in filter(None, [*beginnings, *less_one]):
        assert not reaches(name, parameter, flip, part)
    assert f"at most {len(members)} are needed; no smaller set was found by: {method}" in repr(
        found
    )


@pytest.mark.parametrize("method", METHODS)
def test_each_set_is_refitted_once(method, monkeypatch):
    sets = []

    def counted(est, full, removals, start):
        sets.append(frozenset(removals.members(0).tolist()))
        return refit_near(est, full, removals, start)

    monkeypatch.setattr("vifstats.diagnostics.influential_sets.search.refit_near", counted)
    found = vs.influential_set(fitted("rossi"), "age", flip="significance", method=method)
    assert len(sets) == len(set(sets)) == found.n_refits > len(found)


@pytest.mark.parametrize("method", METHODS)
def test_a_search_goes_on_past_rows_that_separate(method):
    """Row 0 moves the coefficient most, but without it no treated subject dies."""
    rng = np.random.default_rng(5)
    treated = np.arange(60) < 6
    event = np.where(treated, np.arange(60) == 0, rng.random(60) < 0.7)
    time = np.where(np.arange(60) == 0, 0.01, rng.exponential(size=60) + 0.02)
    X = np.column_stack([treated, rng.normal(size=60)])
    est = vs.minimize(vs.losses.Cox(X, time, event), [0.0, 0.0], names=["treated", "age"])
    assert vs.newton_step(est).status.iloc[0] == "separation"
    for name in est.names:
        step = -1.0 if name == "treated" else 0.2 * np.sign(est.params["age"])
        found = vs.influential_set(est, name, change=0.02 * step, method=method, max_size=8)
        assert 0 not in found.members and found.status == "confirmed"


def test_least_squares_has_a_lower_bound_that_brute_force_does_not_beat():
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = np.column_stack([np.ones(12), rng.normal(size=(12, 1 + seed % 2))])
        y = X[:, 1] * 0.6 + rng.standard_t(3, size=12)
        names = [f"x{j}" for j in range(X.shape[1])]
        loss = vs.losses.LinearPredictor(vs.losses.row_losses.SquaredError(), X, y, names=names)
        est = vs.minimize(loss, np.zeros(len(names)))
        found = vs.influential_set(est, "x1", flip="sign", max_size=6)

        def turned(rows, X=X, y=y, est=est):
            kept = np.setdiff1d(np.arange(12), rows)
            theta = np.linalg.lstsq(X[kept], y[kept], rcond=None)[0]
            return theta[1] * est.theta[1] < 0

        fewest = next(
            k for k in range(1, 9) if any(turned(list(c)) for c in combinations(range(12), k))
        )
        assert 1 <= found.at_least <= fewest
        assert not found.reached or fewest <= len(found)
    cox = vs.influential_set(fitted("lung"), "age", flip="sign")
    assert cox.at_least is None


def test_the_lower_bound_of_a_mean_is_what_is_needed_where_rows_weigh_little():
    """Of 400 numbers near 0 and three of 40, whose leverages are 1/403."""
    y = np.concatenate([np.tile([-0.1, 0.1], 200), [40.0, 40.0, 40.0]])
    loss = vs.losses.LinearPredictor(
        vs.losses.row_losses.SquaredError(), np.ones((403, 1)), y, names=["mean"]
    )
    found = vs.influential_set(vs.minimize(loss, [0.0]), "mean", change=-0.15)
    assert len(found) == found.at_least == 2 and "are needed, at least 2;" in repr(found)
