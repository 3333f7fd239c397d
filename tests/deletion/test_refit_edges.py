"""Refits at the edges: other units, ill-conditioned designs, first steps out of the domain."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import numpy as np
import pandas as pd
import pytest
from tolerances import CONVERGED_FIT, DIFFERENCED, relative_error

import vifstats as vs
from vifstats.losses import Cox, LinearPredictor
from vifstats.losses.row_losses import SquaredError


def rational(X, y):
    """theta^ - theta(-i) of least squares, every operation exact."""
    X = [[Fraction(float(v)) for v in row] for row in X]
    y = [Fraction(float(v)) for v in y]

    def solve(rows):
        p = len(X[0])
        A = [
            [sum(X[i][a] * X[i][b] for i in rows) for b in range(p)]
            + [sum(X[i][a] * y[i] for i in rows)]
            for a in range(p)
        ]
        for c in range(p):
            pivot = next(r for r in range(c, p) if A[r][c])
            A[c], A[pivot] = A[pivot], A[c]
            A[c] = [v / A[c][c] for v in A[c]]
            for r in range(p):
                if r != c:
                    A[r] = [u - A[r][c] * v for u, v in zip(A[r], A[c], strict=True)]
        return [A[r][p] for r in range(p)]

    n = len(y)
    full = solve(range(n))
    without = [solve([j for j in range(n) if j != i]) for i in range(n)]
    return np.array([[float(f - g) for f, g in zip(full, row, strict=True)] for row in without])


# Errors that are orthogonal to all polynomials of degree 5 on 0, ..., 20, of the NIST StRD.
WAMPLER = [759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048, 2048]


def wampler(number):
    """Wampler's fifth-degree polynomials: 1 and 2 without errors, 3 to 5 with larger and larger."""
    X = np.vander(np.arange(21.0), 6, increasing=True)
    errors = np.array(WAMPLER + WAMPLER[-2::-1])
    if number == 2:
        return X, X @ 0.2 ** np.arange(6.0)
    return X, X.sum(axis=1) + {1: 0, 3: 1, 4: 100, 5: 10_000}[number] * errors


def noisy_wampler():
    """The first with errors that are not orthogonal, of the size of those of the third."""
    X, y = wampler(1)
    return X, y + np.random.default_rng(3).integers(-2000, 2000, 21)


def longley():
    import statsmodels.api as sm

    data = sm.datasets.longley.load()
    return np.column_stack([np.ones(16), data.exog]), np.asarray(data.endog)


def year_and_square():
    """A year in quarters, and its square."""
    year = np.arange(1950.0, 1990.0, 1.25)
    y = np.round(np.random.default_rng(4).normal(0.05 * (year - 1970)), 3)
    return np.column_stack([np.ones(32), year, year**2]), y


def sentinel():
    """99999999 stands for a missing value in one row."""
    rng = np.random.default_rng(5)
    x = np.round(rng.normal(size=25), 3)
    y = np.round(1 + 2 * x + rng.normal(size=25), 3)
    x[7] = 99_999_999.0
    return np.column_stack([np.ones(25), x]), y


ILL_CONDITIONED = {
    "longley": longley,
    "noisy wampler": noisy_wampler,
    "sentinel": sentinel,
    "year and square": year_and_square,
    **{f"wampler {number}": partial(wampler, number) for number in range(1, 6)},
}


# a perfect fit's residual variance is rounding, which statsmodels warns of
@pytest.mark.filterwarnings("ignore:Perfect separation or prediction")  # statsmodels, of the fit
@pytest.mark.parametrize("name", ILL_CONDITIONED)
def test_least_squares_on_ill_conditioned_designs(name):
    import statsmodels.api as sm

    X, y = ILL_CONDITIONED[name]()
    expected = rational(X, y)
    for model in (sm.OLS, sm.GLM):
        est = vs.from_model(model(y, X).fit())
        refits = vs.leave_one_out(est)
        assert refits.exact.all()
        # of Wampler's second, 0.2^k in binary, the rational residuals are the rounding of y
        floor = DIFFERENCED * np.abs(est.theta)
        assert relative_error(refits.values, expected, floor) < DIFFERENCED


def stackloss():
    import statsmodels.api as sm

    data = sm.datasets.stackloss.load()
    return np.column_stack([np.ones(21), data.exog]), np.asarray(data.endog)


def statecrime():
    """Murders of 51 states, by what is not collinear."""
    import statsmodels.api as sm

    data = sm.datasets.statecrime.load_pandas().data
    columns = data[["hs_grad", "poverty", "single", "white"]].to_numpy()
    return np.column_stack([np.ones(51), columns]), data["murder"].to_numpy()


def simulated():
    """A factor, an offset origin, and errors with heavy tails."""
    rng = np.random.default_rng(6)
    X = np.column_stack([np.ones(30), rng.normal(40, 10, 30), rng.integers(0, 2, 30)])
    return X, X @ [30.0, 0.2, 1.0] + rng.standard_t(3, size=30)


def refitted(model, X, y):
    import statsmodels.api as sm
    from sklearn.linear_model import Ridge

    weights = 1.0 + np.arange(len(y)) % 3
    if model == "Ridge":
        # in units of y, as the penalty is
        return vs.from_model(Ridge(2.0, tol=1e-14).fit(X[:, 1:], y), X[:, 1:], y)
    fits = {
        "OLS": lambda: sm.OLS(y, X).fit(),
        "WLS": lambda: sm.WLS(y, X, weights).fit(),
        "GLM": lambda: sm.GLM(y, X).fit(),
        "RLM": lambda: sm.RLM(y, X).fit(tol=1e-13, maxiter=500, conv="weights"),
        "Gamma": lambda: sm.GLM(y, X, family=sm.families.Gamma(sm.families.links.Log())).fit(
            tol=1e-14, maxiter=500
        ),
    }
    return vs.from_model(fits[model]())


# statsmodels takes squares of residuals below 1e-10 for a perfect fit
@pytest.mark.filterwarnings("ignore:Perfect separation or prediction")  # statsmodels, of the fit
@pytest.mark.parametrize("make", [longley, stackloss, statecrime, simulated])
@pytest.mark.parametrize("model", ["OLS", "WLS", "GLM", "RLM", "Ridge", "Gamma"])
def test_units_of_the_outcome_change_nothing(model, make):
    X, y = make()
    one = vs.leave_one_out(refitted(model, X, y))
    assert one.exact.all()
    for unit in (1e-9, 1e-3, 150.0, 1e9):
        other = vs.leave_one_out(refitted(model, X, unit * y))
        # by the logarithmic link the coefficients have no unit, but the intercept an origin
        values = other.values if model == "Gamma" else other.values / unit
        assert other.exact.all()
        assert relative_error(values, one.values) < CONVERGED_FIT


@pytest.mark.parametrize("unit", [1e-10, 1.0, 1e10])
def test_minimize_in_any_unit_of_a_covariate(unit):
    rng = np.random.default_rng(7)
    x = rng.normal(size=20)
    X, y = np.column_stack([np.ones(20), unit * x]), 1 + x + rng.normal(size=20)
    est = vs.minimize(LinearPredictor(SquaredError(), X, y), [0.0, 0.0])
    assert est.theta * [1, unit] == pytest.approx(np.polyfit(x, y, 1)[::-1], rel=1e-10)
    assert vs.leave_one_out(est).exact.all()


def test_the_step_without_the_outlier_leaves_the_domain():
    """lambda is sum(T) / sum(E); without the one long time a Newton step goes below 0."""
    from lifelines import ExponentialFitter

    T = np.array([0.6, 1.1, 2.3, 0.8, 1.9, 8.0, 1.2, 0.4])
    E = np.array([1, 0, 1, 0, 0, 0, 1, 0])
    est = vs.from_model(ExponentialFitter().fit(T, E))
    without = [np.delete(T, i).sum() / np.delete(E, i).sum() for i in range(8)]
    assert vs.leave_one_out(est).params_without.to_numpy()[:, 0] == pytest.approx(without, rel=1e-6)
    newton = vs.newton_step(est)
    assert newton.params_without.iloc[5, 0] < 0 and newton.status[5] == "outside domain"


def counts_with_an_outlier() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    k = rng.poisson(3.0, 20)
    k[11] = 24
    return pd.DataFrame({"x": rng.normal(size=20).round(3), "k": k})


def test_the_outlier_of_counts_has_its_refit():
    import statsmodels.formula.api as smf

    data = counts_with_an_outlier()
    options = {"disp": 0, "method": "bfgs", "maxiter": 2000, "gtol": 1e-6}
    fitted = vs.from_model(smf.negativebinomial("k ~ x", data).fit(**options))
    est = vs.minimize(fitted.loss, fitted.theta)
    refits = vs.leave_one_out(est, objects=[11])
    loss, without = est.loss, np.ones(20)
    without[11] = 0
    end = refits.params_without.to_numpy()[0]
    assert refits.exact.all() and end[-1] > 0
    assert np.abs(loss.gradient(end, without) * est.standard_errors).max() < DIFFERENCED
    assert vs.conclusions(est).changes["confirmed"].all()


def with_a_sentinel(n=40):
    """99999999 in one row of x, which all others forget without it; and the outcome."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=n)
    y = 1 + 2 * x + rng.normal(size=n)
    x[3] = 99_999_999.0
    return np.column_stack([np.ones(n), x]), y


def squares(theta, data):
    import autograd.numpy as anp

    return 0.5 * (data[1] - anp.dot(data[0], theta)) ** 2


@pytest.mark.parametrize("gone", [[3], [3, 4]])
@pytest.mark.parametrize("make", [partial(LinearPredictor, SquaredError()), vs.MEstimator])
def test_a_newton_step_without_the_row_that_dwarfs_all_others(make, gone):
    """H less that row is rounding; the step of least squares is exact all the same."""
    X, y = with_a_sentinel()
    loss = vs.MEstimator(squares, (X, y)) if make is vs.MEstimator else make(X, y)
    groups = np.where(np.isin(np.arange(40), gone), 3, np.arange(40))
    newton = vs.newton_step(vs.minimize(loss, [0.0, 0.0]), groups=groups)
    rest = np.setdiff1d(np.arange(40), gone)
    expected = np.linalg.lstsq(X[rest], y[rest], rcond=None)[0]
    assert newton.params_without.loc[3].to_numpy() == pytest.approx(expected, rel=DIFFERENCED)


def test_the_hessian_of_cox_without_the_row_that_dwarfs_all_others():
    X, y = with_a_sentinel()
    X[:, 0] = np.random.default_rng(9).normal(size=40)
    whole = Cox(X, np.exp(-y), np.ones(40))
    rest = np.delete(np.arange(40), 3)
    alone = Cox(X[rest], np.exp(-y[rest]), np.ones(39))
    theta = np.array([0.3, 1e-9])
    found = whole.reduced_hessians(theta)[3]
    assert found == pytest.approx(alone.hessian(theta), rel=DIFFERENCED)


@pytest.mark.parametrize("seed", range(12))
def test_what_rounding_leaves_of_a_lost_direction_is_nothing(seed):
    """Three rows that are at risk together tell of two directions; without one of them, of one."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(8, 2))
    # two rows nearly alike in a covariate: what cancels in H is 1e4 times what is left
    X[2, 0] = X[1, 0] + 0.01 * rng.uniform(0.5, 1)
    order = rng.permutation(8)
    strata = np.array([0, 0, 0, 1, 1, 2, 3, 3])[order]
    # all events at once, so that the gradient at 0 is 0, whoever leaves
    event = np.array([1, 1, 1, 0, 0, 1, 0, 0])[order]
    loss = Cox(X[order], np.full(8, 2.0), event, strata=strata, ties="breslow")
    est, back = vs.Estimate(loss, np.zeros(2)), np.argsort(order)
    for influence in (vs.vif(est), vs.leave_one_out(est)):
        status = influence.status.to_numpy()[back]
        assert status.tolist() == ["separation"] * 3 + ["no influence"] * 5
    lost = np.isnan(influence.values).all(axis=1)[back]
    assert lost.tolist() == [True] * 3 + [False] * 5


@pytest.mark.parametrize("unit", [1.0, 1e-4, 1e4])
def test_a_refit_that_ran_to_infinity_has_not_converged(unit):
    """Without rows 3 and 10 the likelihood is monotone; the path ends at 100 standard errors."""
    X = np.array(
        [
            [2004.14, 1.16421472, 1.76769774, -0.254830934],
            [2001.83, 0.302579544, 0.612626312, 0.241816362],
            [2007.51, 0.562573101, -0.210569903, 0.379302215],
            [2001.68, 1.58865174, 0.857372929, -1.31959206],
            [2009.39, -1.13239207, -0.680769391, 0.565674391],
            [2000.75, -0.653578619, -0.385203177, 1.05463865],
            [2003.06, -1.19177123, 0.239504604, -0.129710756],
            [2002.58, -0.274133353, 0.726930795, 0.702488312],
            [2006.37, -1.61351206, -0.634190368, -0.902933040],
            [2006.52, -1.27397097, 0.511714715, 0.183924071],
            [2000.16, -0.267036974, 0.862454130, 2.20514667],
        ]
    )
    time = np.array([1.0, 1, 3, 3, 1, 2, 2, 2, 2, 1, 3])
    entry = np.array([0.3, 0.9, 1.1, 0.5, 0.3, 1.8, 1.5, 0.5, 0, -0.1, 0.97])
    event = (np.arange(11) >= 5) & (np.arange(11) <= 8)
    est = vs.minimize(Cox(X * [unit, 1, 1, 1], time, event, entry=entry, ties="breslow"), [0.0] * 4)
    groups = [16, 16, 9, 5, 17, 1, 1, 6, 17, 6, 5]
    refits = vs.leave_one_out(est, groups=groups, objects=[9, 5, 17, 1])
    assert refits.status.tolist() == ["ok", "separation", "ok", "separation"]
    assert np.isnan(refits.values).all(axis=1).tolist() == [False, True, False, True]
