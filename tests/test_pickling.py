"""What is kept pickles, and is the same afterwards: targets, results and estimates.

Estimates of every fitted model are pickled where they are: adapters/test_fitted_models.py.
"""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal
from public_calls import TABLES
from target_cases import CASES

import vifstats as vs
from vifstats.errors import InvalidInputError

# Their losses or functions are written into a function of the tests, which pickles nowhere.
OF_TESTS = ("FunctionTarget of logistic ridge", "HeldOutLoss of least squares")


def again(value):
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("case", [c for c in CASES if str(c) not in OF_TESTS], ids=str)
def test_targets_and_changes_of_them(case):
    influence = vs.vif(case.estimate())
    change = influence.on(case.target())
    copy = again(change)
    assert_array_equal(copy.value_without, change.value_without)
    assert_array_equal(again(influence).on(again(case.target())).value, change.value)


def doubled(x):
    return 2 * x


def fitted(formula):
    rng = np.random.default_rng(9)
    frame = pd.DataFrame({"a": rng.uniform(1, 2, 40), "arm": rng.choice(list("uvw"), 40)})
    return vs.from_model(smf.ols(formula, frame.assign(y=rng.normal(size=40))).fit()), frame


def test_a_formula_of_patsy_knows_its_levels_and_means_afterwards():
    est, frame = fitted("y ~ center(np.log(a)) * C(arm, Treatment('v')) + bs(a, df=4)")
    few = frame[:3]
    assert_array_equal(again(est).profile(few), est.profile(few))
    with pytest.raises(InvalidInputError, match="levels that were fitted"):
        again(est).profile(few.assign(arm="another"))


def test_functions_that_are_nowhere_to_be_found_are_named():
    est, frame = fitted("y ~ doubled(a)")
    assert_array_equal(again(est).theta, est.theta)
    with pytest.raises(InvalidInputError, match=r"'1 \+ doubled\(a\)' has others"):
        again(est).profile(frame[:3])


@pytest.mark.parametrize("name", TABLES)
def test_results(name):
    result = TABLES[name]()
    assert_frame_equal(again(result).table, result.table)
