"""vif_cox is from_model and a method, in one line."""

import numpy as np
import pytest
from lifelines import CoxPHFitter
from oracles import load_case
from statsmodels.regression.linear_model import OLS
from tolerances import ROUNDING

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError, UnsupportedModelError

LUNG = load_case("lung", "efron")
DATA = LUNG.coef, LUNG.X, LUNG.time, LUNG.event
LONG = {
    "if": vs.classical_if,
    "vif": vs.vif,
    "newton": vs.newton_step,
    "refit": vs.leave_one_out,
}


def test_the_first_sentence_says_what_it_is_not():
    first = vs.vif_cox.__doc__.splitlines()[0]
    assert "Versatile Influence Function" in first and "variance inflation" in first


@pytest.mark.parametrize("method", LONG)
def test_the_long_form_is_the_same(method):
    found = vs.vif_cox(*DATA, method=method)
    assert found.method == method
    np.testing.assert_array_equal(found.values, LONG[method](vs.from_model(*DATA)).values)


def test_every_option_reaches_the_loss():
    case = load_case("lung_strata_weights", "breslow")
    groups = np.arange(len(case.time)) // 2
    given = {"weights": case.weights, "strata": case.strata, "ties": "breslow"}
    given |= {"entry": np.full(len(case.time), -1.0), "offset": np.zeros(len(case.time))}
    data = case.coef, case.X, case.time, case.event
    found = vs.vif_cox(*data, groups=groups, penalty=0.0, **given)
    loss = vs.losses.Cox(*data[1:], **given)
    np.testing.assert_array_equal(
        found.values, vs.vif(vs.Estimate(loss, case.coef), groups=groups).values
    )


@pytest.mark.parametrize("groups", [None, np.arange(213) // 2], ids=["rows", "groups"])
def test_the_top_rows_are_refitted_exactly(groups):
    plain = vs.vif_cox(*DATA, groups=groups)
    found = vs.vif_cox(*DATA, groups=groups, refit_top=5)
    top = plain.cooks_distance.rank(ascending=False).to_numpy() <= 5
    np.testing.assert_array_equal(found.exact, top)
    np.testing.assert_array_equal(found.values[~top], plain.values[~top])
    refits = vs.leave_one_out(plain.estimate)
    np.testing.assert_allclose(found.values[top], refits.values[top], rtol=0, atol=ROUNDING)
    assert not plain.exact.any() and found.seconds > plain.seconds
    assert "5 rows exact" in repr(found)


def test_more_rows_than_there_are_may_be_refitted():
    found = vs.vif_cox([0.0], [[0.0], [1.0], [1.0], [0.0]], [1, 1, 2, 2], refit_top=9)
    assert found.exact.all() and "; all rows exact" in repr(found)
    assert "rows exact" not in repr(vs.leave_one_out(found.estimate))


@pytest.mark.parametrize(
    ("options", "error", "parts"),
    [
        ({"method": "vif2"}, InvalidInputError, "`method` must be one of 'if', 'vif', .*'vif2'"),
        ({"refit_top": -1}, InvalidInputError, "`refit_top` must be 0 or more, but is -1"),
        ({"refit_top": 2.5}, InvalidTypeError, "`refit_top` must be a whole number, but is 2.5"),
        ({"refit_top": True}, InvalidTypeError, "`refit_top` must be a whole number"),
    ],
)
def test_bad_options_fail_before_the_data_are_read(options, error, parts):
    with pytest.raises(error, match=parts):
        vs.vif_cox(object(), object(), **options)


def test_other_models_have_the_long_form():
    linear = OLS(LUNG.time, LUNG.X).fit()
    with pytest.raises(UnsupportedModelError, match=r"takes Cox models.*vifstats.vif\("):
        vs.vif_cox(linear)


def test_a_lifelines_fit_needs_one_more_argument():
    frame = LUNG.X.assign(time=LUNG.time, event=LUNG.event)
    found = vs.vif_cox(CoxPHFitter().fit(frame, "time", "event"), frame)
    assert found.dfbeta.shape == LUNG.X.shape
