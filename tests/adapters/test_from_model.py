"""The table of adapters."""

import re
from importlib import import_module

import lifelines
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from sklearn import linear_model
from statsmodels.discrete.conditional_models import ConditionalPoisson
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.othermod.betareg import BetaModel

import vifstats as vs
from vifstats.adapters import ADAPTERS
from vifstats.errors import InvalidTypeError, UnsupportedModelError

ROWS = pd.DataFrame({"x": np.arange(8.0), "y": [0, 1, 0, 1, 1, 0, 1, 1], "t": np.arange(1.0, 9.0)})
DESIGN = sm.add_constant(ROWS[["x"]])

# with what is passed besides the model
UNFITTED = [
    (sm.OLS(ROWS["t"], DESIGN), ()),
    (sm.WLS(ROWS["t"], DESIGN), ()),
    (sm.GLS(ROWS["t"], DESIGN), ()),
    (sm.GLSAR(ROWS["t"], DESIGN), ()),
    (sm.RLM(ROWS["t"], DESIGN), ()),
    (sm.GLM(ROWS["y"], DESIGN), ()),
    (sm.Logit(ROWS["y"], DESIGN), ()),
    (sm.Probit(ROWS["y"], DESIGN), ()),
    (sm.Poisson(ROWS["y"], DESIGN), ()),
    (sm.MNLogit(ROWS["y"], DESIGN), ()),
    (sm.NegativeBinomial(ROWS["y"], DESIGN), ()),
    (sm.NegativeBinomialP(ROWS["y"], DESIGN), ()),
    (sm.GeneralizedPoisson(ROWS["y"], DESIGN), ()),
    (sm.ZeroInflatedPoisson(ROWS["y"], DESIGN), ()),
    (sm.PHReg(ROWS["t"], ROWS[["x"]]), ()),
    (OrderedModel(ROWS["y"], ROWS[["x"]]), ()),
    (BetaModel(ROWS["t"] / 10, DESIGN), ()),
    (ConditionalPoisson(ROWS["y"], ROWS[["x"]], groups=np.repeat([0, 1], 4)), ()),
    (smf.mixedlm("t ~ x", ROWS, groups="y"), ()),
    (smf.quantreg("t ~ x", ROWS), ()),
    (smf.gee("t ~ x", "y", ROWS), ()),
    (lifelines.CoxPHFitter(), (ROWS,)),
    (lifelines.CoxTimeVaryingFitter(), (ROWS,)),
    (lifelines.LogNormalAFTFitter(), (ROWS,)),
    (lifelines.CRCSplineFitter(3), (ROWS,)),
    (lifelines.GeneralizedGammaRegressionFitter(), (ROWS,)),
    (lifelines.WeibullFitter(), ()),
    (lifelines.SplineFitter([1, 2, 3]), ()),
    (linear_model.LinearRegression(), (DESIGN, ROWS["t"])),
    (linear_model.LogisticRegression(), (DESIGN, ROWS["y"])),
    (sm.OLS, ()),
    (lifelines.CoxPHFitter, (ROWS,)),
]


@pytest.mark.parametrize(
    "model, data", UNFITTED, ids=lambda part: getattr(part, "__name__", type(part).__name__)
)
def test_a_forgotten_fit_is_named(model, data):
    for call in (vs.from_model, vs.influence):
        with pytest.raises(UnsupportedModelError, match="must be fitted"):
            call(model, *data)


def test_the_list_of_models_has_those_that_are_taken_only():
    refused = {name for name, place in ADAPTERS.items() if place.endswith(":refused")}
    assert refused
    with pytest.raises(UnsupportedModelError) as refusal:
        vs.from_model(Stranger())
    listed = set(re.findall(r"\w+", str(refusal.value)))
    assert {"OLS", "CoxPHFitter", "ConditionalLogit", "PHReg", "WeibullFitter"} <= listed
    assert not {name.rsplit(".", 1)[-1] for name in refused} & listed


def test_options_and_data_that_no_fit_has_are_named():
    fit = sm.OLS(ROWS["t"] ** 2, DESIGN).fit()
    with pytest.raises(InvalidTypeError, match=r"options .*'wieghts'.*correct"):
        vs.from_model(fit, wieghts=np.ones(8))
    ridge = linear_model.Ridge().fit(DESIGN, ROWS["t"])
    with pytest.raises(InvalidTypeError, match="3 arguments"):
        vs.from_model(ridge, DESIGN, ROWS["t"], ROWS["y"])
    with pytest.raises(vs.errors.InvalidInputError, match="`tol` must be above 0.*nan"):
        vs.from_model(fit, tol=np.nan)


class Stranger:
    """A fit of a library that nobody has heard of."""


@pytest.mark.parametrize("place", sorted(set(ADAPTERS.values())))
def test_every_place_in_the_table_exists(place):
    module, function = place.split(":")
    assert callable(getattr(import_module(f"vifstats.adapters.{module}"), function))


def test_a_fit_of_an_unknown_library_is_named_with_the_way_out():
    for call in (vs.from_model, vs.vif_cox):
        with pytest.raises(
            UnsupportedModelError, match=r"one of .*CoxPHFitter.*Stranger.*Estimate"
        ):
            call(Stranger())
