"""Refits at the edges: other units, ill-conditioned designs, first steps out of the domain."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from tolerances import CONVERGED_FIT, DIFFERENCED, relative_error

import vifstats as vs
from vifstats.losses import LinearPredictor
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


def noisy_wampler():
    """Wampler's fifth-degree polynomial on 0, ..., 20 with errors of the size of its third."""
    x = np.arange(21.0)
    X = np.vander(x, 6, increasing=True)
    errors = np.random.default_rng(3).integers(-2000, 2000, 21)
    return X, X.sum(axis=1) + errors


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


@pytest.mark.parametrize("make", [noisy_wampler, year_and_square, sentinel])
def test_least_squares_on_ill_conditioned_designs(make):
    import statsmodels.api as sm

    X, y = make()
    refits = vs.leave_one_out(vs.from_model(sm.OLS(y, X).fit()))
    assert refits.exact.all()
    assert relative_error(refits.values, rational(X, y)) < DIFFERENCED


# statsmodels takes squares of residuals below 1e-10 for a perfect fit
@pytest.mark.filterwarnings("ignore:Perfect separation or prediction")
@pytest.mark.parametrize("unit", [1e-9, 1e-3, 150.0, 1e9])
@pytest.mark.parametrize("model", ["OLS", "GLM", "RLM", "Ridge"])
def test_units_of_the_outcome_change_nothing(model, unit):
    import statsmodels.api as sm
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(6)
    X = sm.add_constant(np.column_stack([rng.normal(40, 10, 30), rng.integers(0, 2, 30)]))
    y = X @ [3.0, 0.2, 1.0] + rng.standard_t(3, size=30)

    def refitted(y):
        if model == "Ridge":
            return vs.leave_one_out(
                vs.from_model(Ridge(2.0, tol=1e-14).fit(X[:, 1:], y), X[:, 1:], y)
            )
        options = {"tol": 1e-13, "maxiter": 5000, "conv": "weights"} if model == "RLM" else {}
        return vs.leave_one_out(vs.from_model(getattr(sm, model)(y, X).fit(**options)))

    one, other = refitted(y), refitted(unit * y)
    assert other.exact.all()
    assert relative_error(other.values / unit, one.values) < CONVERGED_FIT


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
