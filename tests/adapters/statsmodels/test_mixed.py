"""MixedLM of statsmodels: its likelihood, standard errors and components, and what is refused."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from mixed_fits import MixedFit
from statsmodels.regression.mixed_linear_model import MixedLMParams
from tolerances import LIBRARY_FIT, SUMMARY

import vifstats as vs
from vifstats import targets
from vifstats.errors import InvalidInputError, UnsupportedModelError


def sleep() -> pd.DataFrame:
    return MixedFit("sleepstudy", True).data


def oats() -> pd.DataFrame:
    return MixedFit("oats", True).data.rename(columns={"yield": "harvest"})


FITS = {
    "intercepts": lambda: smf.mixedlm("reaction ~ days", sleep(), groups="subject").fit(),
    "slopes": lambda: smf.mixedlm(
        "reaction ~ days", sleep(), groups="subject", re_formula="~days"
    ).fit(),
    "slopes by ML": lambda: smf.mixedlm(
        "reaction ~ days", sleep(), groups=sleep().subject, re_formula="~days"
    ).fit(reml=False),
    "slopes without correlation": lambda: smf.mixedlm(
        "reaction ~ days", sleep(), groups="subject", vc_formula={"one": "1", "days": "0 + days"}
    ).fit(),
    "nested": lambda: smf.mixedlm(
        "harvest ~ nitro",
        oats(),
        groups="block",
        re_formula="1",
        vc_formula={"plot": "0 + C(plot)"},
    ).fit(),
    "arrays": lambda: sm.MixedLM(
        sleep().reaction.to_numpy(), sm.add_constant(sleep().days.to_numpy()), sleep().subject
    ).fit(),
}


@cache
def fitted(name: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of components that are small in their units
        return FITS[name]()


every_fit = pytest.mark.parametrize("name", FITS)


@every_fit
def test_likelihood_errors_and_components_are_those_of_the_fit(name):
    fit, est = fitted(name), vs.from_model(fitted(name))
    p, n = est.loss.n_fixed, est.loss.n_objects
    constant = 0.5 * (n - p * est.loss.reml) * np.log(2 * np.pi)
    value = est.loss.value(est.theta, est.loss.everyone())
    assert -value - constant == pytest.approx(fit.llf, rel=SUMMARY)
    assert est.standard_errors[:p] == pytest.approx(np.asarray(fit.bse_fe), rel=SUMMARY)
    assert est.theta[:p] == pytest.approx(np.asarray(fit.fe_params), rel=SUMMARY)
    cov = np.atleast_2d(fit.cov_re)[np.tril_indices(fit.model.k_re)] if fit.model.k_re else []
    theirs = np.concatenate([[np.sqrt(fit.scale)], cov, fit.vcomp])
    assert est.loss.variances(est.theta) == pytest.approx(theirs, rel=SUMMARY)


@pytest.mark.parametrize("name", ["slopes", "nested"])
def test_refits_are_those_of_statsmodels(name):
    est, model = vs.from_model(fitted(name)), fitted(name).model
    frame, by = model.data.frame, {"slopes": "subject", "nested": "block"}[name]
    label = frame[by].iloc[-1]
    ours = vs.leave_one_out(fitted(name), groups=by, objects=[label])
    again = {
        "slopes": lambda d: smf.mixedlm("reaction ~ days", d, groups=by, re_formula="~days"),
        "nested": lambda d: smf.mixedlm(
            "harvest ~ nitro", d, groups=by, re_formula="1", vc_formula={"plot": "0 + C(plot)"}
        ),
    }[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = vs.from_model(again(frame[frame[by] != label]).fit(), tol=np.inf)
    # the factors turn round with the groups that are left; what is reported does not
    shift = ours.params_without.to_numpy()[0] - theirs.theta
    assert np.abs(shift / est.standard_errors).max() < LIBRARY_FIT


def test_one_line_from_the_fit_to_a_paper():
    influence = vs.influence(fitted("slopes"), groups="subject")
    assert influence.exact.all() and len(influence.index) == 18
    assert list(influence.ranges.index) == ["days"]
    assert influence.estimate.effects.model == "linear mixed model"
    on = influence.on(targets.VarianceComponents())
    names = ["sigma", "Var(Intercept)", "Cov(days, Intercept)", "Var(days)"]
    assert on.table.columns.to_list() == names
    left = vs.leave_out(fitted("slopes"), [0, 1])
    assert left.table.loc["days"].notna().to_numpy().all()


def test_missing_rows_are_not_in_the_fit():
    frame = sleep()
    frame.loc[[3, 50], "reaction"] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = smf.mixedlm("reaction ~ days", frame, groups=frame.subject, missing="drop").fit()
    influence = vs.vif(fit)
    assert (influence.status == "not in fit").sum() in (0, 2)
    assert 3 not in influence.index or influence.status[3] == "not in fit"


def penalised():
    from statsmodels.base._penalties import PSD

    model = smf.mixedlm("reaction ~ days", sleep(), groups="subject")
    return model.fit(cov_pen=PSD(1.0))


def held():
    model = smf.mixedlm("reaction ~ days", sleep(), groups="subject", re_formula="~days")
    free = MixedLMParams.from_components(np.ones(2), np.eye(2))
    return model.fit(free=free)


REFUSED = {"without a penalty": penalised, "held by `free=`": held}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_followed_is_refused_with_the_reason(words):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = REFUSED[words]()
    with pytest.raises(UnsupportedModelError, match=words):
        vs.from_model(fit)


def test_other_data_are_refused():
    with pytest.raises(InvalidInputError, match="keeps the data"):
        vs.from_model(fitted("slopes"), sleep())
