"""Profiles in raw columns, for models that were fitted with a formula."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula
import statsmodels.formula.api as smf
from tolerances import REFERENCE

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.errors import InvalidInputError
from vifstats.targets import LogHazardRatio, MeanPrediction, SurvivalProbability

DATA = load_rossi().assign(
    site=np.array(list("abc"))[np.arange(432) % 3],
    married=lambda d: d["mar"] == 1,
    **{"prior arrests": lambda d: d["prio"] + 1.0},
)
FORMULA = "np.log(age) * married + C(site) + center(fin)"
PROFILE = {"age": 30.0, "married": True, "site": "c", "fin": 1}
MODELS = {
    "ols": lambda formula: smf.ols(f"week ~ {formula}", DATA).fit(),
    "logit": lambda formula: smf.logit(f"arrest ~ {formula}", DATA).fit(disp=0, tol=1e-12),
    "glm": lambda formula: smf.glm(
        f"arrest ~ {formula}", DATA, family=sm.families.Binomial()
    ).fit(),
    "poisson": lambda formula: smf.poisson(f"prio ~ {formula}", DATA).fit(disp=0, tol=1e-12),
}
# What statsmodels reads formulas with: before 0.15, patsy only.
ENGINES = ["patsy", "formulaic"] if hasattr(statsmodels.formula, "options") else ["patsy"]


@pytest.fixture(params=ENGINES)
def engine(request, monkeypatch):
    """Each of the libraries that statsmodels reads formulas with."""
    if len(ENGINES) > 1:
        monkeypatch.setattr(statsmodels.formula.options, "formula_engine", request.param)
    return request.param


def predicted(fit, x) -> np.ndarray:
    return vs.vif(vs.from_model(fit)).on(MeanPrediction(x)).value


@pytest.mark.parametrize("name", MODELS)
def test_raw_profiles_predict_as_statsmodels_does(name, engine):
    fit = MODELS[name](FORMULA)
    rows = DATA.iloc[[5, 2]]
    assert predicted(fit, rows) == pytest.approx(fit.predict(rows).to_numpy(), rel=REFERENCE)
    one = fit.predict(pd.DataFrame([PROFILE])).to_numpy()
    for form in (PROFILE, pd.Series(PROFILE), pd.DataFrame([PROFILE])):
        assert predicted(fit, form) == pytest.approx(one, rel=REFERENCE)
    design = fit.model.exog[[5, 2]]
    assert predicted(fit, design) == pytest.approx(predicted(fit, rows), rel=REFERENCE)


def test_columns_that_are_no_names_of_python():
    fit = MODELS["ols"]("C(site, Treatment('b')) + Q('prior arrests')")
    profile = {"site": "c", "prior arrests": 3.0}
    expected = fit.predict(pd.DataFrame([profile])).to_numpy()
    assert predicted(fit, profile) == pytest.approx(expected, rel=REFERENCE)
    with pytest.raises(InvalidInputError, match=r"lacks \['prior arrests'\]"):
        predicted(fit, {"site": "c"})


def test_a_cox_model_has_no_constant(engine):
    fit = smf.phreg(f"week ~ {FORMULA}", DATA, status="arrest", ties="efron").fit(disp=0)
    influence = vs.vif(vs.from_model(fit))
    # the design itself: read by formulaic, PHReg's own predictions code `married` in another way
    expected = (fit.model.exog[5] - fit.model.exog[2]) @ fit.params
    ratio = influence.on(LogHazardRatio(DATA.iloc[5], DATA.iloc[2])).value
    assert ratio == pytest.approx([expected], rel=REFERENCE)
    assert influence.on(SurvivalProbability(PROFILE, [20.0])).value < 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dose": 1.0}, r"has the columns \['fin', 'age', 'site', 'married'\], not \['dose'\]"),
        ({"site": "z"}, "levels that were fitted, but"),
        ({"site": None}, "finite in every column"),
        ({"age": np.nan}, "finite in every column"),
    ],
    ids=["unknown column", "unknown level", "missing level", "missing number"],
)
def test_profiles_unlike_the_data(change, message, engine):
    fit = MODELS["ols"](FORMULA)
    with pytest.raises(InvalidInputError, match=message):
        predicted(fit, PROFILE | change)


def test_missing_columns_are_not_looked_for_elsewhere(engine):
    """`married` is a variable here too, and that is where a formula would look next."""
    married = np.array([True])
    fit = MODELS["ols"]("age * married")
    with pytest.raises(InvalidInputError, match=r"\['age', 'married'\], but lacks \['married'\]"):
        predicted(fit, {"age": 30.0})
    assert married.all()


def test_a_number_given_as_text(engine):
    with pytest.raises(InvalidInputError, match=r"has others in \['age'\]"):
        predicted(MODELS["ols"]("age + prio"), {"age": "old", "prio": 1.0})


def test_several_predictors_have_no_raw_profiles():
    """A dispersion, or several categories: no one row of a design."""
    fit = smf.negativebinomial("prio ~ age", DATA).fit(disp=0, maxiter=200)
    assert vs.from_model(fit).profile is None


def test_models_with_a_design_have_no_formula():
    fit = sm.OLS(DATA["week"], sm.add_constant(DATA[["age"]])).fit()
    est = vs.from_model(fit)
    assert est.profile is None
    profile = {"const": 1.0, "age": 30.0}
    assert vs.vif(est).on(MeanPrediction(profile)).value == pytest.approx(
        fit.predict([[1.0, 30.0]]), rel=REFERENCE
    )
