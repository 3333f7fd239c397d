"""A stand-in with the name and the attributes of the real class: the library is not needed."""

from types import SimpleNamespace

import numpy as np
import pytest
from oracles import TIES, load_case
from tolerances import ORACLE

import vifstats as vs
from vifstats.errors import DataMismatchError, InvalidInputError, UnsupportedModelError


class CoxPHSurvivalAnalysis:
    """What vifstats reads of scikit-survival's class, filled in from R's fit of the same model."""

    def __init__(self, case=None, named=True, alpha=0):
        self.alpha = alpha
        self.ties = "breslow"
        if case is None:
            return
        self.ties = case.ties
        self.coef_ = case.coef.to_numpy()
        self.cum_baseline_hazard_ = SimpleNamespace(x=np.unique(case.time))
        if named:
            self.feature_names_in_ = np.asarray(case.X.columns, dtype=object)


CoxPHSurvivalAnalysis.__module__ = "sksurv.linear_model.coxph"

LUNG = load_case("lung", "breslow")
FIT = CoxPHSurvivalAnalysis(LUNG)


def structured(case):
    dtype = [("event", bool), ("time", float)]
    return np.array(list(zip(case.event, case.time, strict=True)), dtype=dtype)


@pytest.mark.parametrize("ties", TIES)
def test_fits_with_structured_y(ties):
    case = load_case("lung", ties)
    influence = vs.vif_cox(CoxPHSurvivalAnalysis(case), case.X, structured(case), method="if")
    np.testing.assert_allclose(influence.dfbeta, case.dfbeta, atol=ORACLE, rtol=0)


@pytest.mark.parametrize("ties", TIES)
def test_alpha_is_a_ridge_for_each_feature_not_divided_by_n(ties):
    case = load_case("lung_ridge", ties)
    fit = CoxPHSurvivalAnalysis(case, alpha=case.penalty)
    influence = vs.vif_cox(fit, case.X, case.time, case.event, method="if")
    np.testing.assert_allclose(influence.dfbeta, case.dfbeta, atol=ORACLE, rtol=0)


def test_columns_are_found_by_name_where_the_fit_has_names():
    expected = vs.vif_cox(FIT, LUNG.X, structured(LUNG)).values
    found = vs.vif_cox(FIT, LUNG.X.iloc[:, ::-1], structured(LUNG)).values
    np.testing.assert_array_equal(found, expected)
    unnamed = CoxPHSurvivalAnalysis(LUNG, named=False)
    found = vs.vif_cox(unnamed, LUNG.X.to_numpy(), structured(LUNG)).values
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("fit", "data", "options", "error", "parts"),
    [
        (CoxPHSurvivalAnalysis(), (LUNG.X,), {}, UnsupportedModelError, "must be fitted"),
        (FIT, (), {}, DataMismatchError, r"keeps no data.*pass \(fit, X, y\)"),
        (FIT, (LUNG.X,), {}, DataMismatchError, "keeps no data"),
        (
            FIT,
            (LUNG.X, LUNG.time + 1, LUNG.event),
            {},
            DataMismatchError,
            "distinct times `T` differ in .* values, such as 5, fitted and not given",
        ),
        (
            FIT,
            (LUNG.X, LUNG.time, LUNG.event),
            {"weights": LUNG.time},
            InvalidInputError,
            "does without, but `weights` is given",
        ),
        (
            FIT,
            (LUNG.X, LUNG.time, LUNG.event),
            {"ties": "efron"},
            InvalidInputError,
            "used 'breslow', but it is 'efron'",
        ),
        (
            CoxPHSurvivalAnalysis(LUNG, alpha=1.0),
            (LUNG.X, LUNG.time, LUNG.event),
            {"penalty": 1.0},
            InvalidInputError,
            "alpha of the fit, but `penalty` is given",
        ),
    ],
)
def test_what_the_fit_does_not_have(fit, data, options, error, parts):
    with pytest.raises(error, match=parts):
        vs.vif_cox(fit, *data, **options)
