"""Linear models: exact deletion, and the covariances that statsmodels calls HC0 and cluster."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from fitted_models import statecrime
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.adapters import from_model
from vifstats.errors import InvalidInputError, NotPositiveDefiniteError, UnsupportedModelError
from vifstats.losses.autodiff import plain

FORMULA = "murder ~ poverty + single + urban"


@pytest.mark.smoke
def test_newton_is_the_exact_deletion_of_olsinfluence():
    fit = smf.ols(FORMULA, statecrime()).fit()
    theirs = fit.get_influence()
    ours = vs.newton_step(from_model(fit))
    assert relative_error(ours.values, theirs.dfbeta) <= ROUNDING
    frame = ours.summary_frame()
    assert list(frame.columns[:4]) == list(theirs.summary_frame().columns[:4])
    assert frame.hat_diag.to_numpy() == pytest.approx(theirs.hat_matrix_diag)


def test_naive_and_robust_covariances():
    frame = statecrime()
    groups = np.arange(len(frame)) // 3
    for model in (smf.ols(FORMULA, frame), smf.wls(FORMULA, frame, weights=frame.w)):
        influence = vs.vif(from_model(model.fit()))
        hc0 = model.fit(cov_type="HC0").cov_params()
        options = {"groups": groups, "use_correction": False}
        cluster = model.fit(cov_type="cluster", cov_kwds=options).cov_params()
        assert relative_error(influence.cov_params(), model.fit().cov_params()) <= 1e-8
        assert relative_error(influence.cov_params("robust"), hc0) <= 1e-8
        by_group = influence.cov_params("robust", groups=groups)
        assert relative_error(by_group, cluster) <= 1e-8


def test_a_robust_fit_has_the_same_estimate():
    plain = from_model(smf.ols(FORMULA, statecrime()).fit())
    robust = from_model(smf.ols(FORMULA, statecrime()).fit(cov_type="HC3"))
    assert np.array_equal(plain.covariance, robust.covariance)


def test_gls_with_a_diagonal_matrix_is_gls_with_its_diagonal():
    frame = statecrime()
    X = sm.add_constant(frame[["poverty"]])
    vector = from_model(sm.GLS(frame.murder, X, sigma=frame.w).fit())
    matrix = from_model(sm.GLS(frame.murder, X, sigma=np.diag(frame.w)).fit())
    assert np.allclose(vs.vif(vector).values, vs.vif(matrix).values, rtol=ROUNDING)
    assert vs.vif(from_model(sm.GLS(frame.murder, X).fit())).values.shape == (51, 2)


def test_correlated_errors_are_refused():
    sigma = np.eye(20) + 0.1
    fit = sm.GLS(np.arange(20.0), np.ones((20, 1)), sigma=sigma).fit()
    with pytest.raises(UnsupportedModelError, match="GLS: .*off the diagonal"):
        from_model(fit)


@pytest.mark.filterwarnings("ignore:The design matrix is rank-deficient")  # as planted
def test_collinear_columns_are_named():
    frame = statecrime().assign(twice=lambda f: 2 * f.poverty)
    fit = smf.ols("murder ~ poverty + twice", frame).fit()
    with pytest.raises(NotPositiveDefiniteError, match="OLS: .*'poverty', 'twice'"):
        from_model(fit)


def test_a_weight_of_zero_is_an_absent_row():
    frame = statecrime()
    fit = smf.wls(FORMULA, frame, weights=np.where(frame.index == 7, 0.0, 1.0)).fit()
    with pytest.raises(InvalidInputError, match="WLS: .*row 7 .*weight 0"):
        from_model(fit)


def test_a_result_without_its_data_is_refused():
    fit = smf.ols(FORMULA, statecrime()).fit()
    fit.remove_data()
    with pytest.raises(UnsupportedModelError, match="OLS: .*remove_data"):
        from_model(fit)


@pytest.mark.parametrize("missing", [[2, 9], [0, 1], [12, 13]], ids=str)
def test_groups_are_of_all_rows_and_those_left_out_as_missing_belong_to_none(missing):
    """The last leaves a group without any row, the second one with fewer."""
    rng = np.random.default_rng(4)
    x, groups = rng.normal(size=14), np.array(list("qqqqppppssssrr"))
    y = x + rng.normal(size=14)
    y[missing] = np.nan
    est = from_model(sm.OLS(y, sm.add_constant(x), missing="drop").fit())
    result = vs.leave_one_out(est, groups=groups)
    assert list(result.index) == list("qpsr")
    for k, label in enumerate(result.index):
        kept = np.isfinite(y) & (groups != label)
        assert result.removals.sizes[k] == (np.isfinite(y) & (groups == label)).sum()
        without = sm.OLS(y[kept], sm.add_constant(x[kept])).fit().params
        assert relative_error(result.params_without.iloc[k], without) <= ROUNDING
        assert (result.status[label] == "not in fit") == (result.removals.sizes[k] == 0)
    found = vs.conclusions(est, groups=groups, objects=list("sp"))
    by_rows = vs.conclusions(est, groups=groups)
    some = by_rows.to_frame().query("row in ['s', 'p']").reset_index(drop=True)
    pd.testing.assert_frame_equal(found.to_frame(), some)


def test_gls_with_correlated_errors_by_the_way_that_its_refusal_names():
    """The likelihood with the sigma of the rows that are present is the fit without the row."""
    frame = statecrime().iloc[:14]
    X, y = sm.add_constant(frame[["poverty"]]).to_numpy(), frame.murder.to_numpy()
    sigma = 0.6 ** np.abs(np.subtract.outer(range(14), range(14)))
    with pytest.raises(UnsupportedModelError, match="covariance of the rows that are present"):
        from_model(sm.GLS(y, X, sigma=sigma).fit())

    def loss(theta, b):
        residual = b * (y - anp.dot(X, theta))
        present = np.diag(1 - plain(b)) + sigma * np.outer(plain(b), plain(b))
        return 0.5 * anp.dot(residual, anp.dot(np.linalg.inv(present), residual))

    refits = vs.leave_one_out(vs.minimize(vs.FunctionLoss(loss, 14, 2), [0.0, 0.0]))
    full = sm.GLS(y, X, sigma=sigma).fit().params
    others = [np.arange(14) != k for k in range(14)]
    without = [sm.GLS(y[k], X[k], sigma=sigma[np.ix_(k, k)]).fit().params for k in others]
    assert relative_error(refits.values, full - np.array(without)) <= 1e-8
