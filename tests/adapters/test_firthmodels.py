"""Fits of firthmodels: their estimates, standard errors and own refits are ours."""

import numpy as np
import pandas as pd
import pytest
from firthmodels import FirthCoxPH, FirthLogisticRegression
from tolerances import SUMMARY

import vifstats as vs
from vifstats.errors import DataMismatchError, InvalidInputError, UnsupportedModelError

# Newton steps without halving: at the last digits of the likelihood it finds nothing better
TIGHT = {"gtol": 1e-8, "xtol": 1e-8, "max_iter": 200, "max_halfstep": 0, "backend": "numpy"}
RNG = np.random.default_rng(3)
X = pd.DataFrame({"age": RNG.normal(size=20), "rare": np.r_[np.zeros(17), np.ones(3)]})
CASE = np.r_[RNG.integers(0, 2, 17), 1, 1, 1]
WEIGHTS, OFFSET = RNG.uniform(0.5, 2, 20), 0.3 * RNG.normal(size=20)
TIME, EVENT = (
    np.ceil(9 * RNG.exponential(size=20)),
    np.r_[RNG.random(17) < 0.7, False, False, False],
)


def structured(rows=slice(None)):
    pairs = list(zip(EVENT[rows], TIME[rows], strict=True))
    return np.array(pairs, dtype=[("event", bool), ("time", float)])


def logistic(rows=slice(None)):
    fit = FirthLogisticRegression(**TIGHT)
    return fit.fit(X.iloc[rows], CASE[rows], sample_weight=WEIGHTS[rows], offset=OFFSET[rows])


def test_logistic():
    fit = logistic()
    est = vs.from_model(fit, X, CASE, weights=WEIGHTS, offset=OFFSET)
    assert est.names == ("age", "rare", "intercept")
    assert est.standard_errors == pytest.approx(fit.bse_, rel=SUMMARY)
    assert est.p_values == pytest.approx(fit.pvalues_, rel=1e-6)
    own = vs.minimize(est.loss, est.theta)  # what is reported is also computed
    assert own.standard_errors == pytest.approx(fit.bse_, rel=SUMMARY)
    refits = vs.leave_one_out(est, objects=[0, 18])
    for i, row in enumerate((0, 18)):
        alone = logistic(np.delete(np.arange(20), row))
        theta = np.append(alone.coef_, alone.intercept_)
        assert est.theta - refits.values[i] == pytest.approx(theta, abs=SUMMARY)


def test_labels_of_the_outcome_may_be_words():
    words = np.where(CASE == 1, "sick", "healthy")
    fit = FirthLogisticRegression(**TIGHT).fit(X, words)
    assert vs.from_model(fit, X, words).params["rare"] == fit.coef_[1]


def test_cox():
    fit = FirthCoxPH(**TIGHT).fit(X, structured())
    est = vs.from_model(fit, X, structured())
    assert est.standard_errors == pytest.approx(fit.bse_, rel=SUMMARY)
    own = vs.minimize(est.loss, est.theta)
    assert own.standard_errors == pytest.approx(fit.bse_, rel=SUMMARY)
    refits = vs.leave_one_out(vs.from_model(fit, X, (EVENT, TIME)), objects=[1])
    alone = FirthCoxPH(**TIGHT).fit(X.drop(index=1), structured(np.delete(np.arange(20), 1)))
    assert est.theta - refits.values[0] == pytest.approx(alone.coef_, abs=SUMMARY)


def test_what_is_refused():
    fit = FirthCoxPH(**TIGHT).fit(X, structured())
    with pytest.raises(DataMismatchError, match="`y`"):
        vs.from_model(fit, X)
    with pytest.raises(InvalidInputError, match="`ties`"):
        vs.from_model(fit, X, structured(), ties="efron")
    other = FirthLogisticRegression(penalty_weight=0.25, **TIGHT).fit(X, CASE)
    with pytest.raises(UnsupportedModelError, match="penalty_weight"):
        vs.from_model(other, X, CASE)
    with pytest.raises(UnsupportedModelError, match="fitted"):
        vs.from_model(FirthCoxPH(), X, structured())
