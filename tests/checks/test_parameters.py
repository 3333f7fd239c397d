"""What an estimate is made of fails, if it is bad, before any work starts."""

import autograd.numpy as anp
import numpy as np
import pandas as pd
import pytest
from tolerances import CONVERGED_FIT

import vifstats as vs
from vifstats import checks
from vifstats.errors import (
    InvalidInputError,
    InvalidTypeError,
    LossError,
    NotAtMinimumError,
    NotPositiveDefiniteError,
)

Y = np.array([1.0, 3.0, 5.0])
X = pd.DataFrame(
    {"x": [2.0, 0.0, 1.0, 3.0, 1.0, 2.0, 1.0], "z": [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0]}
)
T, E = [0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [0, 1, 1, 1, 1, 1, 1]


def mean_loss(f=lambda theta, b: 0.5 * anp.sum(b * (Y - theta[0]) ** 2), n_params=1):
    return vs.FunctionLoss(f, 3, n_params)


@pytest.mark.parametrize(
    ("f", "parts"),
    [
        (lambda theta, b: 0.5 * np.sum(b * Y**2), "must depend on theta.*autograd.numpy"),
        (lambda theta, b: anp.sum(theta) * np.nan, "must be finite at theta, but it is nan"),
        (lambda theta, b: b * (Y - theta[0]) ** 2, r"one number, but it returned shape \(3,\)"),
        (
            lambda theta, b: anp.sum(anp.sqrt((theta - 3.0) ** 2)),
            "gradient of the loss must be finite",
        ),
        (lambda theta, b: None, "must return one float, but it returned None"),
        (lambda theta, b: 3, "must return one float, but it returned.*3"),
        (lambda theta, b: np.sum(b * (Y - float(theta[0])) ** 2), r"TypeError.*without float\(\)"),
        (lambda theta, b: anp.sum(b * (Y - anp.where(Y > 1, theta, 1.0)) ** 2), "anp.where with a"),
    ],
    ids=["ignores theta", "nan", "a value per row", "sqrt at 0", "None", "int", "float()", "where"],
)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # of the planted sqrt
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # likewise
def test_an_unusable_loss_is_named(f, parts):
    with pytest.raises(LossError, match=parts):
        vs.Estimate(mean_loss(f), [3.0])


def test_a_loss_that_ignores_presence_is_named_and_a_perfect_fit_is_none():
    with pytest.raises(LossError, match="must depend on presence.*b\\[i\\]"):
        vs.minimize(mean_loss(lambda theta, b: anp.sum((Y - theta[0]) ** 2)), [0.0])
    perfect = mean_loss(lambda theta, b: anp.sum(b * (2.0 - theta[0] + 0 * Y) ** 2))
    assert set(vs.vif(vs.minimize(perfect, [2.0])).status) == {"no influence"}


@pytest.mark.parametrize(
    ("theta", "error", "parts"),
    [
        ([1.0, 2.0], InvalidInputError, r"shape \(1,\).*but has shape \(2,\)"),
        ([[3.0]], InvalidInputError, r"shape \(1, 1\)"),
        ([np.nan], InvalidInputError, "`theta` must be finite.*converge"),
        (["3"], InvalidTypeError, "`theta` must be numeric, but holds '3' as text; convert"),
        ([3.1], NotAtMinimumError, "standard errors away.*tol=inf"),
    ],
)
def test_parameters_are_finite_and_at_the_minimum(theta, error, parts):
    with pytest.raises(error, match=parts):
        vs.Estimate(mean_loss(), theta)


def test_an_unconverged_estimate_may_be_studied():
    assert vs.Estimate(mean_loss(), [3.1], tol=np.inf).theta[0] == 3.1


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"labels": ["a", "b"]}, "one entry per object, 3, but has 2"),
        ({"labels": list("abcd")}, "one entry per object, 3, but has 4"),
        ({"labels": list("abcd"), "kept": [0, 1]}, "ascending: 3 numbers from 0 to 3"),
        ({"labels": list("abcd"), "kept": [0, 2, 1]}, "ascending"),
        ({"labels": list("abcd"), "kept": [0, 2, 4]}, "from 0 to 3"),
        ({"names": ["a", "b"]}, "one entry per parameter, 1, but has 2"),
        ({"dispersion": 0.0}, "`dispersion` must be positive"),
        ({"tol": np.nan}, "`tol` must be above 0, inf for no check, but is nan"),
        ({"tol": None}, "`tol` must be above 0.*None"),
        ({"tol": -1}, "`tol` must be above 0.*-1"),
        ({"groups": [1, 2]}, "3 rows, `groups` has 2"),
        ({"groups": [1, 2, None]}, "`groups` must not be missing"),
    ],
    ids=str,
)
def test_labels_names_and_groups_fit_the_loss(options, parts):
    with pytest.raises(InvalidInputError, match=parts):
        vs.Estimate(mean_loss(), [3.0], **options)


@pytest.mark.parametrize(
    ("penalty", "parts"),
    [
        ([1.0, 2.0, 3.0], r"scalar or have shape \(2,\)"),
        ([1.0], r"but has shape \(1,\)"),
        ([[1.0, 0.5], [0.0, 1.0]], "symmetric"),
        (np.inf, "finite"),
        (-1.0, "positive semi-definite, but has the eigenvalue -1"),
    ],
)
def test_a_penalty_is_a_quadratic_form(penalty, parts):
    with pytest.raises(InvalidInputError, match=parts):
        checks.penalty_matrix(penalty, 2)


def test_a_penalty_may_be_a_number_a_diagonal_or_a_matrix():
    for penalty in (2.0, [2.0, 2.0], np.diag([2.0, 2.0])):
        np.testing.assert_array_equal(checks.penalty_matrix(penalty, 2), np.diag([2.0, 2.0]))


@pytest.mark.parametrize(
    "change",
    [
        {"X": X.assign(z=0.1)},
        {"X": X.assign(z=[0.1] * 3 + [0.2] * 4), "strata": ["u"] * 3 + ["v"] * 4},
        {"X": X.assign(z=[5.0] + [0.1] * 6)},
        {"X": X.assign(z=[0.3] * 3 + [0.1] * 4), "entry": [0, 0, 0, 2, 2, 3, 3]},
    ],
    ids=["constant", "constant in strata", "varies before the first event", "risk sets apart"],
)
def test_a_covariate_that_no_risk_set_compares_is_named(change):
    data = {"X": X, "T": T, "E": E, **change}
    loss = vs.losses.Cox(**data)
    for use in (vs.minimize, vs.Estimate):
        with pytest.raises(
            NotPositiveDefiniteError, match=r"must vary.*\['z'\] are constant.*Drop"
        ):
            use(loss, np.zeros(2))
    penalised = vs.minimize(vs.losses.Cox(**data, penalty=[0.0, 1.0]), np.zeros(2))
    assert abs(penalised.theta[1]) < CONVERGED_FIT


def test_collinear_covariates_are_named():
    loss = vs.losses.Cox(X.assign(w=2 * X["x"] - 1), T, E)
    theta = np.append(vs.minimize(vs.losses.Cox(X, T, E), np.zeros(2)).theta, 0.0)
    with pytest.raises(NotPositiveDefiniteError, match=r"\['x', 'w'\].*collinear, drop one"):
        vs.Estimate(loss, theta)


@pytest.mark.parametrize(
    ("x", "parts"),
    [
        ({"x": 1.0}, r"needs the columns \['x', 'z'\], but lacks \['z'\]"),
        ([1.0, 2.0, 3.0], r"needs 2 values, \['x', 'z'\], but `x` has shape \(1, 3\)"),
        ({"x": [1.0, 2.0], "z": 1.0}, r"several profiles as many in each.*\(2,\).*\(1,\)"),
        (pd.DataFrame([[1, 2, 3]], columns=["x", "z", "x"]), r"once, but has \['x'\] more often"),
    ],
)
def test_a_profile_has_every_covariate(x, parts):
    with pytest.raises(InvalidInputError, match=parts):
        checks.profiles(x, None, ("x", "z"))


@pytest.mark.parametrize(
    "x",
    [{"z": 2.0, "x": 1.0}, pd.Series({"z": 2, "x": 1}), pd.DataFrame({"x": [1], "z": [2]}), [1, 2]],
)
def test_a_profile_is_read_by_name(x):
    np.testing.assert_array_equal(checks.profiles(x, None, ("x", "z")), [[1.0, 2.0]])
