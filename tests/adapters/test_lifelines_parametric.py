"""Parametric models of lifelines: data, names and penalties as in the fit."""

from __future__ import annotations

import autograd.numpy as anp
import lifelines
import numpy as np
import pytest
from fitted_models import COVARIATES, MODELS, TIGHT, rossi, waltons
from lifelines.datasets import load_gbsg2

import vifstats as vs
from vifstats.adapters import from_model
from vifstats.errors import DataMismatchError, InvalidInputError, UnsupportedModelError

# In standard errors: where SLSQP stops at its tightest.
LIFELINES_REFIT = 1e-5

BY_NAME = {model.name: model for model in MODELS}


def _rossi():
    return rossi()[["week", "arrest", *COVARIATES]]


def _weibull(**settings):
    return lifelines.WeibullAFTFitter(**settings).fit(_rossi(), "week", "arrest", fit_options=TIGHT)


def test_parameters_are_named_as_in_the_fit():
    est = from_model(_weibull(), _rossi())
    assert est.names[:2] == ("lambda_:age", "lambda_:fin")
    assert est.params["rho_:Intercept"] == _weibull().params_[("rho_", "Intercept")]
    univariate = lifelines.WeibullFitter().fit(waltons()["T"], waltons().E)
    assert from_model(univariate).names == ("lambda_", "rho_")


def test_rows_may_come_in_another_order_and_keep_their_labels():
    frame = _rossi()
    shuffled = frame.sample(frac=1.0, random_state=0)
    a, b = (vs.vif(from_model(_weibull(), rows)).dfbeta for rows in (frame, shuffled))
    assert b.index.equals(shuffled.index)
    assert np.allclose(a, b.loc[frame.index])


def test_whole_groups_leave():
    groups = _rossi().index // 3
    est = from_model(_weibull(), _rossi(), groups=groups)
    influence = vs.newton_step(est, objects=[0, 10, 40])
    refits = vs.leave_one_out(est, objects=[0, 10, 40])
    assert vs.compare(influence, refits).pearson.min() > 0.9
    assert influence.dfbeta.shape == (3, 5)


def test_other_data_are_refused():
    fit, frame = _weibull(), _rossi()
    with pytest.raises(DataMismatchError, match="215"):
        from_model(fit, frame.iloc[1:])
    with pytest.raises(DataMismatchError, match="log likelihood"):
        from_model(fit, frame.assign(age=frame.age + 0.1))
    with pytest.raises(DataMismatchError, match="arrest"):
        from_model(fit, frame.drop(columns="arrest"))
    with pytest.raises(vs.errors.InvalidTypeError, match="needs its DataFrame"):
        from_model(fit)
    with pytest.raises(InvalidInputError, match="its own columns"):
        from_model(fit, frame, weights=np.ones(len(frame)))
    with pytest.raises(InvalidInputError, match="keeps its data"):
        from_model(lifelines.WeibullFitter().fit(waltons()["T"], waltons().E), waltons())


def test_an_l1_penalty_is_refused():
    fit = _weibull(penalizer=0.1, l1_ratio=0.5)
    with pytest.raises(UnsupportedModelError, match="WeibullAFTFitter: .*L1"):
        from_model(fit, _rossi())


def _piecewise(frame):
    fitter = lifelines.PiecewiseExponentialRegressionFitter([20.5])
    return fitter.fit(frame, "week", "arrest", fit_options=TIGHT)


def _spline(frame):
    # beta_ without an intercept, which would be gamma0_
    free = {"beta_": "mir - 1", "gamma0_": "1", "gamma1_": "1", "gamma2_": "1"}
    fitter = lifelines.CRCSplineFitter(knots=[-1.5, 0.2, 0.8])
    return fitter.fit(frame, "months", "E", regressors=free, fit_options=TIGHT)


def _months():
    frame = waltons()
    mir = 1.0 * (frame.group == "miR-137")
    return frame[["E"]].assign(months=frame["T"] / 30, mir=mir)


@pytest.mark.filterwarnings("ignore:Approximating using")  # lifelines, of its median
@pytest.mark.parametrize("fit, data", [(_piecewise, _rossi), (_spline, _months)])
def test_fitters_that_count_rows_by_the_shape_of_times_are_taken(fit, data):
    """Their hazards read a row's own numbers only; lifelines refits without the row."""
    frame = data()
    est = from_model(fit(frame), frame)
    refits = vs.leave_one_out(est, objects=[3, 100])
    for row, found in zip([3, 100], refits.values, strict=True):
        own = (fit(frame).params_ - fit(frame.drop(index=row)).params_).to_numpy()
        assert np.abs((found - own) / est.naive_errors).max() < LIFELINES_REFIT
    assert vs.compare(vs.newton_step(est, objects=[3, 100]), refits).pearson.min() > 0.99


class FrailExponentialFitter(lifelines.fitters.ParametricRegressionFitter):
    """Hazards over the sum of those of all rows: no row has one of its own."""

    _fitted_parameter_names = ("lambda_",)

    def _cumulative_hazard(self, params, T, Xs):
        rate = anp.exp(anp.dot(Xs["lambda_"], params["lambda_"]))
        return T * rate / anp.sum(rate)


@pytest.mark.filterwarnings("ignore:Approximating using")  # lifelines, of its own Hessian
def test_hazards_that_are_not_elementwise_are_refused():
    fit = FrailExponentialFitter().fit(
        _rossi(), "week", "arrest", regressors={"lambda_": "fin + age - 1"}
    )
    with pytest.raises(UnsupportedModelError, match="FrailExponential.*mix rows"):
        from_model(fit, _rossi())


@pytest.mark.filterwarnings("ignore:Approximating using")  # lifelines, of its own Hessian
def test_a_penalty_on_the_variance_of_pieces_is_refused():
    fit = lifelines.PiecewiseExponentialRegressionFitter([20.5], penalizer=0.1)
    fit.fit(_rossi(), "week", "arrest", fit_options=TIGHT)
    with pytest.raises(UnsupportedModelError, match="penalty of its own.*penalizer=0"):
        from_model(fit, _rossi())


def test_lifelines_attributes_variances_to_the_wrong_parameters():
    """Its Hessian is sorted by the name of the parameter, its index as the user gave them."""
    order = {"mu_": "fin + age + prio", "sigma_": "1", "lambda_": "1"}
    unsorted = lifelines.GeneralizedGammaRegressionFitter().fit(
        _rossi(), "week", "arrest", regressors=order, fit_options=TIGHT
    )
    ours = from_model(unsorted, _rossi())
    theirs = BY_NAME["GeneralizedGammaRegressionFitter, rossi"].fitted().standard_errors_
    assert ours.naive_errors[0] == pytest.approx(theirs[("mu_", "Intercept")], rel=1e-2)
    assert unsorted.standard_errors_[("mu_", "Intercept")] > 5 * ours.naive_errors[0]
    with pytest.raises(UnsupportedModelError, match="must be those that the fit reports"):
        _ = ours.standard_errors


class ConstantFirst(lifelines.fitters.ParametricRegressionFitter):
    """An exponential baseline read from its first entry, as lifelines' own piecewise baselines."""

    _fitted_parameter_names = ("beta_", "log_rate_")

    def _cumulative_hazard(self, params, T, Xs):
        return T * anp.exp(anp.dot(Xs["beta_"], params["beta_"]) + params["log_rate_"][0])


@pytest.mark.filterwarnings("ignore:Approximating using")  # lifelines, of its own Hessian
def test_hazards_that_read_the_first_entry_of_a_parameter_have_their_own_derivatives():
    """Not those of a predictor of the first row: H was indefinite, or a removal of row 0 wrong."""
    frame = _rossi().iloc[::4].reset_index(drop=True)
    regressors = {"beta_": "fin + age - 1", "log_rate_": "1"}
    fit = ConstantFirst().fit(
        frame, "week", "arrest", regressors=regressors, fit_options={"ftol": 1e-14}
    )
    est = from_model(fit, frame)
    rate = frame[["fin", "age"]].assign(one=1.0).to_numpy()
    hazard = frame.week.to_numpy() * np.exp(rate @ est.theta)
    assert est.hessian == pytest.approx(rate.T @ (rate * hazard[:, None]), rel=1e-9)


@pytest.mark.filterwarnings("ignore:Approximating using")  # lifelines, of its own Hessian
def test_a_fit_that_stopped_short_is_taken_to_its_optimum_and_says_so():
    """lifelines' own tolerance leaves its pieces a sixth of a standard error away."""
    frame = rossi()[["week", "arrest", *COVARIATES]]
    short = lifelines.PiecewiseExponentialRegressionFitter([20, 40])
    short.fit(frame, "week", "arrest", fit_options={"ftol": 1e-4})
    with pytest.warns(RuntimeWarning, match="PiecewiseExponential.* short of the optimum"):
        est = from_model(short, frame)
    full = lifelines.PiecewiseExponentialRegressionFitter([20, 40])
    there = from_model(full.fit(frame, "week", "arrest", fit_options=TIGHT), frame)
    assert np.abs((est.theta - there.theta) / there.naive_errors).max() < LIFELINES_REFIT
    assert -est.loss.value(est.theta, est.loss.everyone()) > short.log_likelihood_
    assert est.standard_errors == pytest.approx(there.standard_errors, rel=1e-5)
    # studied as it is
    assert from_model(short, frame, tol=np.inf).theta == pytest.approx(short.params_.to_numpy())


@pytest.mark.filterwarnings("ignore")  # lifelines, of its own Hessian and of how it stopped
def test_vif_of_a_spline_predicts_refits():
    """From the optimum, of which lifelines stops .02 standard errors short; all rows: .9994."""
    frame = load_gbsg2()[["time", "cens", "age", "pnodes"]].assign(
        time=lambda d: d["time"] / 365, age=lambda d: d["age"] / 10 - 5
    )
    fitter = lifelines.CRCSplineFitter(3)
    fitter.fit_intercept = False  # gamma0_ is one
    free = {f"gamma{k}_": "1" for k in range(3)}
    fitter.fit(frame, "time", "cens", regressors={"beta_": "age + np.log(pnodes) - 1", **free})
    est = vs.minimize(from_model(fitter, frame).loss, fitter.params_.to_numpy())
    some = np.arange(len(frame)) % 18 == 0
    agreement = vs.compare(vs.vif(est, objects=some), vs.leave_one_out(est, objects=some))
    assert (agreement.pearson >= 0.999).all()
