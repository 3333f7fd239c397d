"""Plain coefficients, from R, with every option a Cox loss has; and what happens to bad ones."""

import numpy as np
import pandas as pd
import pytest
from oracles import TIES, load_case
from tolerances import ORACLE

import vifstats as vs
from vifstats.errors import (
    DataMismatchError,
    InvalidInputError,
    InvalidTypeError,
    NotAtMinimumError,
)

LUNG = load_case("lung", "efron")
X, T, E = LUNG.X, LUNG.time, LUNG.event
CASES = ["lung", "lung_strata_weights", "lung_ridge", "veteran_entry", "heart", "rossi_ridge"]


def options_of(case):
    given = {key: getattr(case, key) for key in ("entry", "weights", "strata", "penalty")}
    return {key: value for key, value in given.items() if value is not None}


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("name", CASES)
def test_coefficients_of_r_give_the_dfbeta_of_r(name, ties):
    case = load_case(name, ties)
    influence = vs.vif_cox(
        case.coef, case.X, case.time, case.event, ties=ties, method="if", **options_of(case)
    )
    np.testing.assert_allclose(influence.dfbeta, case.dfbeta, atol=ORACLE, rtol=0)
    np.testing.assert_allclose(influence.cov_params(), case.naive_cov, rtol=ORACLE)


def test_ties_are_efron_by_default():
    assert vs.from_model(LUNG.coef, X, T, E).loss.ties == "efron"
    with pytest.raises(InvalidInputError, match="`ties` must be one of.*'exact'"):
        vs.vif_cox(LUNG.coef, X, T, E, ties="discrete")


def test_an_offset_takes_the_part_of_a_covariate():
    rest = X.drop(columns="age")
    beta = LUNG.coef["age"]
    est = vs.from_model(LUNG.coef.drop("age"), rest, T, E, offset=beta * X["age"])
    assert est.names == tuple(rest.columns)


@pytest.mark.parametrize(
    "theta",
    [
        LUNG.coef,
        LUNG.coef.to_numpy(),
        LUNG.coef.tolist(),
        tuple(LUNG.coef),
        LUNG.coef.reset_index(drop=True),
    ],
    ids=["named Series", "array", "list", "tuple", "Series"],
)
def test_coefficients_come_in_many_containers(theta):
    expected = vs.vif_cox(LUNG.coef, X, T, E)
    found = vs.vif_cox(theta, X, T, E)
    np.testing.assert_array_equal(found.values, expected.values)
    assert list(found.dfbeta.columns) == list(X.columns)


def test_names_find_their_columns():
    reordered = X.iloc[:, ::-1].assign(unused=np.nan)
    found = vs.vif_cox(LUNG.coef, reordered, T, E)
    np.testing.assert_array_equal(found.dfbeta, vs.vif_cox(LUNG.coef, X, T, E).dfbeta)
    with pytest.raises(DataMismatchError, match=r"lack \['age'\]"):
        vs.vif_cox(LUNG.coef, X.drop(columns="age"), T, E)


def test_rows_of_an_array_have_no_labels_to_compare_with():
    labels = "p" + X.index.astype(str)
    rows = [pd.Series(values, index=labels) for values in (T, E)]
    theta = pd.Series(LUNG.coef, X.columns)
    weights = pd.Series(1.0, index=labels)
    found = vs.vif_cox(theta, X.to_numpy(), *rows, weights=weights)
    np.testing.assert_array_equal(found.values, vs.vif_cox(theta, X, T, E).values)
    with pytest.raises(InvalidInputError, match=r"T.loc\[X.index\]"):
        vs.vif_cox(theta, X, *rows)


@pytest.mark.parametrize(
    ("theta", "data", "error", "parts"),
    [
        (LUNG.coef, (), DataMismatchError, "so X, T and E are needed, but `X` is not given"),
        (LUNG.coef, (X,), InvalidInputError, "`T`, the times, must be given"),
        (LUNG.coef, (X, E, T), InvalidInputError, "look swapped"),
        (LUNG.coef, (X, T, E[:-1]), InvalidInputError, "213 rows, `E` has 212"),
        (LUNG.coef.to_numpy()[:-1], (X, T, E), InvalidInputError, r"`theta` must have shape"),
        (LUNG.coef.to_numpy()[:, None], (X, T, E), InvalidInputError, r"one entry per parameter"),
        (LUNG.coef * np.nan, (X, T, E), InvalidInputError, "`theta` must be finite"),
        (["a"] * X.shape[1], (X, T, E), InvalidTypeError, "`theta` must be numeric"),
        (LUNG.coef + 0.1, (X, T, E), NotAtMinimumError, "standard errors away"),
        (-LUNG.coef, (X, T, E), NotAtMinimumError, "standard errors away"),
        (LUNG.coef, (X, T), NotAtMinimumError, "standard errors away"),
        (LUNG.coef, (X[:100], T[:100], E[:100]), NotAtMinimumError, "rows, weights, strata"),
    ],
)
def test_bad_coefficients_and_data(theta, data, error, parts):
    with pytest.raises(error, match=parts):
        vs.vif_cox(theta, *data)


def test_tol_allows_unconverged_coefficients():
    est = vs.from_model(LUNG.coef + 0.1, X, T, E, tol=np.inf)
    assert isinstance(est.params, pd.Series)
