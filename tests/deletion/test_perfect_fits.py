"""Fits without residuals: no row moves them, whatever the rounding of the library that fitted."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LinearRegression, Ridge

import vifstats as vs
from vifstats.errors import InvalidInputError

METHODS = (vs.vif, vs.classical_if, vs.newton_step, vs.leave_one_out, vs.truncated_refits)


def on_integers():
    x = np.arange(12.0)
    return sm.add_constant(x), 2 + 3 * x


def on_decimals(unit=1.0):
    x = np.random.default_rng(0).normal(size=12)
    return sm.add_constant(x), unit * (2.1 + 0.37 * x)


def on_years():
    """A pseudo-inverse leaves residuals of 1e-12 of the terms here, our own solution 1e-16."""
    year = np.arange(1950.0, 1962.0)
    X = np.column_stack([np.ones(12), year, year**2])
    return X, X @ [1.0, 0.3, 0.001]


def of_a_constant():
    return sm.add_constant(np.random.default_rng(1).normal(size=12)), np.full(12, 3.7)


DATA = {
    "integers": on_integers,
    "decimals": on_decimals,
    "small units": lambda: on_decimals(1e-9),
    "large units": lambda: on_decimals(1e9),
    "years": on_years,
    "a constant": of_a_constant,
}


def fitted(model, X, y):
    weights = 1.0 + np.arange(len(y)) % 3
    fits = {
        "OLS": lambda: sm.OLS(y, X).fit(),
        "WLS": lambda: sm.WLS(y, X, weights).fit(),
        "GLS": lambda: sm.GLS(y, X, sigma=weights).fit(),
        "GLM": lambda: sm.GLM(y, X, freq_weights=weights).fit(),
        "RLM": lambda: sm.RLM(y, X).fit(),
        "Gamma": lambda: sm.GLM(
            np.exp(y / y.max()), X, family=sm.families.Gamma(sm.families.links.Log())
        ).fit(),
        "LinearRegression": lambda: LinearRegression(tol=0).fit(X[:, 1:], y),
    }
    given = (X[:, 1:], y) if model == "LinearRegression" else ()
    return vs.from_model(fits[model](), *given)


# statsmodels says so too
@pytest.mark.filterwarnings("ignore:Perfect separation or prediction")  # statsmodels, of the fit
@pytest.mark.parametrize(
    ("model", "name"),
    [
        *product(["OLS", "WLS", "GLS", "GLM", "LinearRegression"], DATA),
        # of a constant statsmodels' own Gamma fails, by dividing 0 by 0
        *product(["Gamma"], [name for name in DATA if name != "a constant"]),
    ],
)
def test_no_row_moves_a_perfect_fit(model, name):
    try:
        est = fitted(model, *DATA[name]())
    except InvalidInputError as error:
        # on some processors the residuals of a constant are exactly 0, which is refused: see below
        assert name == "a constant" and "it is perfect" in str(error)
        return
    assert est.perfect
    for method in METHODS:
        influence = method(est)
        assert not influence.values.any()
        assert (influence.status == "no influence").all()
        assert not influence.cooks_distance.any() and not influence.dfbetas.to_numpy().any()
    frame = vs.vif(est).summary_frame()
    assert not frame["cooks_d"].any() and not np.isinf(frame["hat_diag"]).any()


@pytest.mark.parametrize("make", [on_integers, lambda: on_decimals(1e-9)])
def test_a_robust_fit_that_is_perfect(make):
    est = fitted("RLM", *make())
    for method in METHODS:
        assert not method(est).values.any()


# statsmodels says so too
@pytest.mark.filterwarnings("ignore:Estimated scale is 0")  # statsmodels, of the perfect fit
def test_an_exact_zero_is_refused_as_what_it_is():
    X, y = on_integers()
    with pytest.raises(InvalidInputError, match="must leave residuals.*it is perfect"):
        vs.from_model(sm.OLS(0 * y, X).fit())
    # on the way to both, statsmodels divides by 0
    with np.errstate(divide="ignore", invalid="ignore"):
        with pytest.raises(InvalidInputError, match="its scale is 0"):
            vs.from_model(sm.RLM(0 * y, X).fit())
        with pytest.raises(InvalidInputError, match="no degrees of freedom"):
            vs.from_model(sm.OLS(y[:2], X[:2]).fit())


def test_a_perfect_fit_does_not_excuse_a_row_of_leverage_1():
    """Without it its coefficient is not identified, though its residual is as good as any other."""
    X, y = on_decimals()
    X = np.column_stack([X, np.arange(12) == 4])
    est = vs.from_model(sm.OLS(y + X[:, 2], X).fit())
    for method in METHODS:
        influence = method(est)
        assert influence.status[4] == "separation"
        assert (influence.status.drop(4) == "no influence").all()


# normal equations of year and year squared are singular to working precision
@pytest.mark.parametrize("name", [name for name in DATA if name != "years"])
def test_equations_that_each_row_solves(name):
    X, y = DATA[name]()
    start = np.zeros(X.shape[1])
    normal = vs.RowEquations(lambda t, d: d[0] * (d[1] - d[0] @ t)[:, None], (X, y))
    est = vs.root(normal, start)
    assert est.perfect
    for method in (vs.vif, vs.classical_if, vs.newton_step, vs.leave_one_out):
        influence = method(est)
        assert not influence.values.any() and not influence.dfbetas.to_numpy().any()
        assert (influence.status == "no influence").all() and not influence.flagged().any()
    noise = 1e-9 * np.abs(y).max() * np.random.default_rng(7).normal(size=len(y))
    normal = vs.RowEquations(lambda t, d: d[0] * (d[1] - d[0] @ t)[:, None], (X, y + noise))
    assert not vs.root(normal, start).perfect


@pytest.mark.parametrize("share", [1e-6, 1e-9, 1e-11])
def test_small_residuals_are_none(share):
    """Of a measurement that is exact to 11 digits, the influence is what the closed form says."""
    X, y = on_decimals()
    y = y + share * np.random.default_rng(2).normal(size=12)
    est = vs.from_model(sm.OLS(y, X).fit(method="qr"))
    assert not est.perfect
    h = np.einsum("ij,ji->i", X, np.linalg.pinv(X))
    residuals = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    expected = (np.linalg.pinv(X) * (residuals / (1 - h))).T
    size = np.abs(expected).max()
    found = vs.leave_one_out(est).values
    # of the residuals rounding leaves no more digits
    assert np.abs(found - expected).max() < 1e3 * np.finfo(float).eps / share * size


def test_a_ridge_shrinks_a_perfect_line_and_a_row_moves_it():
    X, y = on_decimals()
    est = vs.from_model(Ridge(1e-9).fit(X[:, 1:], y), X[:, 1:], y)
    assert not est.perfect and np.abs(vs.vif(est).values).max() > 0
