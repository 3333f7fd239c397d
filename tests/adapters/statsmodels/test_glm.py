"""GLM: statsmodels' own steps where they are right, refits where they are not."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from fitted_models import MODELS, engel, fair, scotland
from tolerances import relative_error

import vifstats as vs
from vifstats.adapters import from_model
from vifstats.errors import NotAtMinimumError, NotPositiveDefiniteError, UnsupportedModelError

FAMILIES = sm.families
BY_NAME = {model.name: model for model in MODELS}
ANY = "any ~ rate_marriage + yrs_married + religious"


@pytest.mark.parametrize(
    "name", ["GLM Binomial trials, star98", "GLM Poisson log, cpunish", "Logit, spector"]
)
def test_newton_is_the_one_step_of_statsmodels_for_canonical_links(name):
    fit, est = BY_NAME[name].fitted(), BY_NAME[name].estimate()
    theirs = np.asarray(fit.get_influence().d_params)
    assert relative_error(vs.newton_step(est).values, theirs) <= 1e-7


@pytest.mark.parametrize(
    "name", ["Probit, spector", "GLM Binomial probit, fair", "GLM Gamma log, engel"]
)
def test_newton_is_closer_to_refits_than_the_expected_information(name):
    model = BY_NAME[name]
    est = model.polished()
    refits = vs.leave_one_out(est).values
    theirs = np.asarray(model.fitted().get_influence().d_params)
    ours = vs.newton_step(est).values
    assert np.linalg.norm(ours - refits) < 0.9 * np.linalg.norm(theirs - refits)


@pytest.mark.filterwarnings("ignore:The InversePower link")  # the link under test
def test_statsmodels_turns_the_sign_for_the_inverse_link():
    fit = smf.glm("YES ~ UNEMPF + MOR", scotland(), family=FAMILIES.Gamma()).fit(tol=1e-12)
    est = from_model(fit)
    theirs = np.asarray(fit.get_influence().d_params)
    assert relative_error(vs.newton_step(est).values, -theirs) <= 1e-7
    assert vs.compare(vs.newton_step(est), vs.leave_one_out(est)).slope.min() > 0.9


def test_freq_weights_stand_for_rows_that_leave_together():
    frame = fair()
    counted = smf.glm(ANY, frame, family=FAMILIES.Binomial(), freq_weights=frame.freq).fit(
        tol=1e-12
    )
    repeated = frame.loc[frame.index.repeat(frame.freq)]
    alone = smf.glm(ANY, repeated, family=FAMILIES.Binomial()).fit(tol=1e-12)
    by_weight = from_model(counted)
    by_group = from_model(alone, groups=repeated.index.to_numpy())
    for method in (vs.vif, vs.classical_if, vs.newton_step):
        assert relative_error(method(by_weight).values, method(by_group).values) <= 1e-7


def test_robust_covariance():
    frame = fair()
    groups = np.arange(len(frame)) // 4
    model = smf.glm(ANY, frame, family=FAMILIES.Binomial())
    influence = vs.vif(from_model(model.fit(tol=1e-13)))
    hc0 = model.fit(tol=1e-13, cov_type="HC0").cov_params()
    options = {"groups": groups, "use_correction": False}
    cluster = model.fit(tol=1e-13, cov_type="cluster", cov_kwds=options).cov_params()
    assert relative_error(influence.cov_params("robust"), hc0) <= 1e-8
    assert relative_error(influence.cov_params("robust", groups=groups), cluster) <= 1e-8


@pytest.mark.filterwarnings("ignore:The InversePower link")  # the link under test
def test_naive_covariance_has_the_dispersion_of_statsmodels():
    fit = smf.glm("YES ~ UNEMPF + MOR", scotland(), family=FAMILIES.Gamma()).fit(tol=1e-13)
    assert relative_error(from_model(fit).covariance, fit.cov_params()) <= 1e-8


@pytest.mark.parametrize("rows", [[3, 8], [0, 318]])
def test_rows_dropped_by_a_formula_are_in_the_index(rows):
    frame = fair().set_axis([f"r{k}" for k in range(len(fair()))], axis=0)
    frame.loc[frame.index[rows], "religious"] = np.nan
    influence = vs.vif(from_model(smf.glm(ANY, frame, family=FAMILIES.Binomial()).fit()))
    assert influence.index.equals(frame.index)
    assert list(influence.status[influence.status == "not in fit"].index) == list(frame.index[rows])
    assert np.all(influence.values[rows] == 0)
    kept = frame.drop(index=frame.index[rows])
    alone = vs.vif(from_model(smf.glm(ANY, kept, family=FAMILIES.Binomial()).fit()))
    assert np.allclose(influence.dfbeta.loc[kept.index], alone.dfbeta)
    assert np.isnan(influence.summary_frame().hat_diag.iloc[rows]).all()


def test_rows_dropped_from_arrays_and_frames():
    y, X = fair()["any"], sm.add_constant(fair()[["religious"]])
    X.iloc[5, 1] = np.nan
    arrays = sm.GLM(y.to_numpy(), X.to_numpy(), family=FAMILIES.Binomial(), missing="drop").fit()
    assert vs.vif(from_model(arrays)).status[5] == "not in fit"
    frames = sm.GLM(y, X, family=FAMILIES.Binomial(), missing="drop").fit()
    assert vs.vif(from_model(frames)).status[5] == "not in fit"
    named = [v.set_axis([f"r{k}" for k in range(len(y))], axis=0) for v in (y, X)]
    kept = sm.GLM(*named, family=FAMILIES.Binomial(), missing="drop").fit()
    # statsmodels keeps the labels of the other rows only
    assert list(vs.vif(from_model(kept)).index[4:6]) == ["r4", "r6"]


def _quiet(run):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return run()


def test_perfect_separation_is_named():
    x = np.arange(20.0)
    model = sm.GLM((x > 9).astype(float), sm.add_constant(x), family=FAMILIES.Binomial())
    with pytest.raises(NotAtMinimumError, match="GLM: .*perfectly separated"):
        from_model(_quiet(model.fit))


def test_a_fit_that_did_not_converge_is_named():
    model = smf.glm("y ~ x", engel(), family=FAMILIES.Gamma(FAMILIES.links.Log()))
    with pytest.raises(NotAtMinimumError, match="GLM: .*larger maxiter"):
        from_model(_quiet(lambda: model.fit(maxiter=2)))


def test_an_indefinite_observed_hessian_is_named():
    # far above the data a Gaussian log link is concave
    y, X = np.array([1.0, 1.2, 0.9, 1.1]), np.ones((4, 1))
    fit = sm.GLM(y, X, family=FAMILIES.Gaussian(FAMILIES.links.Log())).fit()
    fit.model.endog = np.array([9.0, 9.0, 9.0, 9.0])
    with pytest.raises(NotPositiveDefiniteError, match="GLM: .*observed one.*canonical link"):
        from_model(fit)


def test_links_and_families_without_a_counterpart_are_refused():
    from scipy import stats

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        link = FAMILIES.links.CDFLink(dbn=stats.t(5))
        fit = smf.glm(ANY, fair(), family=FAMILIES.Binomial(link)).fit()
    with pytest.raises(UnsupportedModelError, match="GLM: The link must be one of .*CDFLink"):
        from_model(fit)


@pytest.mark.filterwarnings("ignore:Regularized fitting did not converge")  # it is refused
def test_constrained_and_regularized_fits_are_refused():
    model = smf.glm(ANY, fair(), family=FAMILIES.Binomial())
    with pytest.raises(UnsupportedModelError, match="fit_constrained"):
        from_model(model.fit_constrained("religious = 0"))
    with pytest.raises(UnsupportedModelError, match="fit_regularized"):
        from_model(model.fit_regularized(alpha=0.1))


def test_data_beside_the_result_are_refused():
    fit = smf.glm(ANY, fair(), family=FAMILIES.Binomial()).fit()
    with pytest.raises(vs.errors.InvalidInputError, match="keeps the data"):
        from_model(fit, fair())
    with pytest.raises(vs.errors.InvalidInputError, match="keeps the data.*`weights`"):
        from_model(fit, weights=pd.Series(1.0, index=fair().index))
