"""Estimates at infinity: with all rows and without each, whatever the coding and the loss."""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from separated_designs import KINDS, coded

import vifstats as vs
from vifstats.errors import ConvergenceError, NotAtMinimumError
from vifstats.losses import Cox, LinearPredictor
from vifstats.losses.row_losses import (
    Binomial,
    Logistic,
    Multinomial,
    Ordered,
    Poisson,
    SquaredError,
    links,
)
from vifstats.removals import Removals


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_two_codings_and_a_linear_program_agree(kind, seed):
    """All 200 designs are in validation/separation.py."""
    first, second = coded(seed, kind)
    expected = first.expected()
    np.testing.assert_array_equal(first.found(), expected)
    np.testing.assert_array_equal(second.found(), expected)


def with_an_empty_level(n=60):
    """Level a has no success, count or event, and the categories 0 and 1 only."""
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"x": rng.normal(size=n), "f": np.resize(list("abc"), n)})
    empty = data["f"] == "a"
    data["y"] = np.where(empty, 0, rng.integers(0, 2, size=n))
    data["k"] = np.where(empty, 0, rng.negative_binomial(1, 0.3, size=n))
    data["m"] = np.where(empty, rng.integers(0, 2, size=n), rng.integers(0, 3, size=n))
    data["o"] = np.where(empty, 0, rng.integers(0, 4, size=n))
    data["time"] = rng.exponential(size=n)
    return data


DATA = with_an_empty_level()
# fitted models whose coefficients of level a run away
RUN_AWAY = {
    "Logit": lambda: smf.logit("y ~ x + f", DATA).fit(disp=0),
    "Probit": lambda: smf.probit("y ~ x + f", DATA).fit(disp=0),
    "cloglog": lambda: smf.glm(
        "y ~ x + f", DATA, family=sm.families.Binomial(sm.families.links.CLogLog())
    ).fit(),
    "Poisson": lambda: smf.glm("k ~ x + f", DATA, family=sm.families.Poisson()).fit(),
    "NB2": lambda: smf.negativebinomial("k ~ x + f", DATA).fit(disp=0, maxiter=200),
    "MNLogit": lambda: smf.mnlogit("m ~ x + f", DATA).fit(disp=0, maxiter=60),
    "PHReg": lambda: sm.PHReg(DATA["time"], levels_of(DATA), DATA["y"]).fit(),
}


def levels_of(data):
    return data[["x"]].assign(b=data["f"] == "b", c=data["f"] == "c").astype(float)


@cache
def run_away(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries warn, some of them
        return RUN_AWAY[name]()


@pytest.mark.parametrize("name", RUN_AWAY)
def test_a_full_fit_at_infinity(name):
    est = vs.from_model(run_away(name))
    for method in (vs.vif, vs.classical_if):
        assert (method(est).status == "separation").all()
    with pytest.raises(ConvergenceError, match="falls for ever along .*c"):
        vs.leave_one_out(est)
    assert est.separated and " x" not in f" {est.separation}"


def test_a_library_that_stops_on_the_way_to_infinity():
    """By its own tolerance scikit-learn stops early; any penalty ends the way."""
    from sklearn.linear_model import LogisticRegression

    X = levels_of(DATA)
    fit = LogisticRegression(C=np.inf, tol=1e-8, max_iter=10_000).fit(X, DATA["y"])
    est = vs.from_model(fit, X, DATA["y"])
    assert est.separation == "b + c - intercept"
    assert (vs.vif(est).status == "separation").all()
    held = vs.from_model(fit.set_params(C=1e12), X, DATA["y"], tol=np.inf)
    assert not vs.minimize(held.loss, held.theta).separated


def test_a_fit_beside_the_way_to_infinity_is_refused_as_that():
    from sklearn.linear_model import LogisticRegression

    X = levels_of(DATA)
    fit = LogisticRegression(C=np.inf, max_iter=3000).fit(X, DATA["y"])
    fit.coef_[0, 0] += 1.0
    with pytest.raises(NotAtMinimumError, match="falls for ever along b \\+ c - intercept"):
        vs.from_model(fit, X, DATA["y"])


def test_matched_sets_whose_cases_are_the_exposed():
    """No control is exposed where a case is not: its coefficient runs away, that of x does not."""
    from statsmodels.discrete.conditional_models import ConditionalLogit

    rng = np.random.default_rng(8)
    sets, case = np.repeat(np.arange(20), 3), np.tile([1.0, 0, 0], 20)
    data = pd.DataFrame({"x": rng.normal(size=60), "exposed": case * rng.integers(0, 2, size=60)})
    est = vs.from_model(ConditionalLogit(case, data, groups=sets).fit(disp=0))
    assert est.separation == "exposed"
    assert (vs.vif(est).status == "separation").all()
    with pytest.raises(ConvergenceError, match="along exposed"):
        vs.leave_one_out(est)


def test_without_an_answer_of_the_program_there_is_a_warning(monkeypatch):
    """None of the two methods of HiGHS has one; and the second, where only the first has none."""
    import scipy.optimize

    x = np.linspace(-1, 1, 12)
    loss = LinearPredictor(Logistic(), x[:, None], (x > 0).astype(float))
    solve = scipy.optimize.linprog

    def failing(methods):
        def linprog(*arguments, method, **options):
            found = solve(*arguments, method=method, **options)
            found.status = 4 if method in methods else found.status
            return found

        return linprog

    monkeypatch.setattr(scipy.optimize, "linprog", failing(["highs"]))
    assert loss.separated(np.zeros(1), Removals.nobody(12))[0]
    monkeypatch.setattr(scipy.optimize, "linprog", failing(["highs", "highs-ipm"]))
    with pytest.warns(RuntimeWarning, match="neither found nor ruled out"):
        assert not loss.separated(np.zeros(1), Removals.nobody(12))[0]


def test_the_direction_has_the_names_of_the_fit():
    assert vs.from_model(run_away("Logit")).separation == "-Intercept + f[T.b] + f[T.c]"
    assert vs.from_model(run_away("PHReg")).separation == "b + c"
    # none has the largest age of the risk set each time, nor is sex; age + 2 sex is
    X = pd.DataFrame({"age": [0.0, 3, 1, 4], "sex": [0.0, -1, 1, 0]})
    est = vs.Estimate(Cox(X, [4, 3, 2, 1], [1, 1, 1, 1]), [0.0, 0.0], tol=np.inf)
    assert est.separated and "age" in est.separation


def test_what_the_direction_does_not_touch_is_still_served():
    """The slope of x is that of the other levels alone, without each of their rows."""
    est = vs.from_model(run_away("Logit"))
    rest = DATA[DATA["f"] != "a"]
    alone = vs.from_model(smf.logit("y ~ x + f", rest).fit(disp=0))
    served, expected = vs.vif(est).dfbeta["x"], vs.vif(alone).dfbeta["x"]
    assert served[rest.index].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-5, abs=1e-7)
    assert served[DATA["f"] == "a"].abs().max() < 1e-6


def by_programs(loss, refit_exists):
    each = Removals.each(loss.n_objects)
    found = loss.separated(np.zeros(loss.n_params), each)
    assert found.tolist() == [not refit_exists(i) for i in range(loss.n_objects)]


def test_multinomial_and_ordered_without_the_only_row_of_a_category():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(24, 1)), np.tile([0.0, 1.0, 3.0], 8)
    y[5] = 2.0
    ones = np.ones((24, 1))
    by_programs(LinearPredictor(Multinomial(), (np.hstack([ones, X]),) * 3, y), lambda i: i != 5)
    ordered = LinearPredictor(Ordered("logit"), (X, ones, ones, ones), y)
    by_programs(ordered, lambda i: i != 5)


def test_ordered_is_binary_with_two_categories():
    rng = np.random.default_rng(3)
    for _ in range(20):
        X = rng.integers(0, 3, size=(14, 2)).astype(float)
        y = (rng.random(14) < 0.3).astype(float)
        y[0] = 1.0
        ones = np.ones((14, 1))
        ordered = LinearPredictor(Ordered("probit"), (X, ones), y)
        binary = LinearPredictor(Binomial(links.Probit()), np.hstack([ones, X]), y)
        each = Removals.each(14)
        expected = binary.separated(np.zeros(3), each)
        np.testing.assert_array_equal(ordered.separated(np.zeros(3), each), expected)


@pytest.mark.parametrize("row_loss", [SquaredError(), Poisson(), Logistic()])
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_a_row_of_leverage_1(row_loss, unit):
    """The only row with z, in any unit, and as all of the reference level."""
    rng = np.random.default_rng(1)
    y = np.array([1.0, 0, 1, 0, 1, 0, 1, 0, 1, 1])
    z = unit * (np.arange(10) == 9)
    X = np.column_stack([np.ones(10), rng.normal(size=10), z])
    each = Removals.each(10)
    for design in (X, X @ np.array([[0.0, 0, 1], [0, 1, 0], [1 / unit, 0, -1 / unit]])):
        loss = LinearPredictor(row_loss, design, y)
        assert loss.separated(np.zeros(3), each)[9]
        if isinstance(row_loss, SquaredError):
            assert loss.separated(np.zeros(3), each).sum() == 1


def test_a_penalty_holds_what_it_reaches():
    """The ridge of x2 keeps it finite; x1, which is free, runs away."""
    x = np.linspace(-1, 1, 12)
    y = (x > 0).astype(float)
    X = np.column_stack([x, np.cos(9 * x)])
    nobody = Removals.nobody(12)
    for P, expected in ([1.0, 1.0], False), ([0.0, 1.0], True), ([1.0, 0.0], False):
        loss = LinearPredictor(Logistic(), X, y, penalty=P)
        assert loss.separated(np.zeros(2), nobody)[0] == expected
        loss = Cox(np.sort(X, axis=0), -np.arange(12.0) + 12, np.ones(12), penalty=P)
        assert loss.separated(np.zeros(2), nobody)[0] == (P[0] == 0 or P[1] == 0)


def test_groups_that_separate_together():
    """Two of three rows that contradict x > 0 are one group."""
    x = np.linspace(-2, 2, 21)
    y = (x > 0).astype(float)
    y[[0, 1]] = 1.0
    groups = np.where(np.arange(21) < 2, 0, np.arange(21))
    loss = LinearPredictor(Logistic(), np.column_stack([np.ones(21), x]), y)
    removals = Removals.of_groups(groups)
    assert np.flatnonzero(loss.separated(np.zeros(2), removals)).tolist() == [0]
    assert not loss.separated(np.zeros(2), Removals.each(21)).any()


@pytest.mark.parametrize("n_events", [1, 2])
@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_among_many_rows_the_few_that_separate(n_events, unit):
    """Most are cleared by the length of faces alone, and without a look at each."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(3000, 2))
    time, event = rng.exponential(size=3000), rng.random(3000) < 0.5
    X[:, 1] = 0.0
    rare = np.flatnonzero(event)[:n_events]
    X[rare, 1] = X[np.flatnonzero(~event)[:5], 1] = unit
    loss = Cox(X, time, event)
    found = loss.separated(np.zeros(2), loss.each())
    np.testing.assert_array_equal(np.flatnonzero(found), rare if n_events == 1 else [])
    assert loss.separated(np.zeros(2), loss.each().together(rare)).all()
    assert not Cox(X[:, :1], time, event).separated(np.zeros(1), loss.each()).any()


def test_a_loss_of_ones_own_that_runs_away():
    """It has no linear predictors: that it does not rise within a standard error tells."""
    import autograd.numpy as anp

    x, y = np.linspace(-1, 1, 10), (np.linspace(-1, 1, 10) > 0).astype(float)

    def losses(theta, data):
        return anp.logaddexp(0.0, theta[0] * data[0]) - data[1] * theta[0] * data[0]

    est = vs.Estimate(vs.MEstimator(losses, (x, y), names=["slope"]), [120.0], tol=np.inf)
    assert est.separated and est.separation == "slope"
    assert (vs.vif(est).status == "separation").all()
    y[0] = 1.0
    est = vs.minimize(vs.MEstimator(losses, (x, y)), [0.0])
    assert not est.separated and est.separation == ""


def test_a_lower_minimum_next_to_this_one_is_no_infinity():
    """Cauchy's loss has several minima: within a standard error may be the way to another."""
    import autograd.numpy as anp

    def losses(theta, y):
        return anp.log(1 + (y - theta[0]) ** 2)

    y = np.array([-3.93, -3.99, 3.64, 3.33, 0.82, -3.08, 128.55, 4.18, -1.05])
    est = vs.minimize(vs.MEstimator(losses, y), [0.8])
    assert not est.separated
    # a standard error away the loss is lower, as the slope is 0 here and the minimum shallow
    away = est.theta - est.standard_errors
    assert est.loss.value(away, np.ones(9)) < est.loss.value(est.theta, np.ones(9))
    refits = vs.leave_one_out(est)
    assert refits.exact.all() and (refits.status == "ok").all()
