"""scikit-learn by its attributes: settings, names, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from fitted_models import iris, sugar
from scipy.sparse import csr_matrix
from sklearn import linear_model
from tolerances import LIBRARY_FIT, relative_error

import vifstats as vs
from vifstats.adapters import from_model
from vifstats.errors import DataMismatchError, InvalidInputError, UnsupportedModelError

COLUMNS = ["age", "bmi", "bp", "s5"]


def _xy(outcome: str = "y"):
    return sugar()[COLUMNS], sugar()[outcome]


@pytest.mark.smoke
def test_parameters_are_named_as_the_columns_with_the_intercept_last():
    X, y = _xy()
    fit = linear_model.LinearRegression().fit(X, y)
    assert from_model(fit, X, y).names == (*COLUMNS, "intercept")
    assert from_model(fit, X[COLUMNS[::-1]], y).names == (*COLUMNS, "intercept")
    plain = linear_model.LinearRegression(fit_intercept=False).fit(X.to_numpy(), y)
    assert from_model(plain, X.to_numpy(), y.to_numpy()).names == ("x0", "x1", "x2", "x3")


def test_newton_is_exact_deletion_for_ridge():
    X, y = _xy()
    model = linear_model.Ridge(alpha=3.0)
    influence = vs.newton_step(from_model(model.fit(X, y), X, y))
    for row in (0, 50):
        again = linear_model.Ridge(alpha=3.0).fit(X.drop(index=row), y.drop(index=row))
        expected = [*again.coef_, again.intercept_]
        assert relative_error(influence.params_without.loc[row], expected) <= 1e-8


def test_ordinary_least_squares_has_the_covariance_of_statsmodels():
    import statsmodels.api as sm

    X, y = _xy()
    est = from_model(linear_model.LinearRegression().fit(X, y), X, y)
    theirs = sm.OLS(y, X.assign(intercept=1.0)).fit().cov_params()
    assert relative_error(est.covariance, theirs) <= 1e-8


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 2.0, 2: 0.5}, {1: 3.0}])
def test_class_weights_of_three_classes(class_weight):
    frame = iris()
    X, y = frame.drop(columns=["y", "w"]), frame.y
    fit = linear_model.LogisticRegression(
        class_weight=class_weight, solver="newton-cholesky", tol=1e-10
    ).fit(X, y, frame.w)
    est = from_model(fit, X, y, weights=frame.w)
    steps = np.abs(est.solve(est.loss.gradient(est.theta))) / est.standard_errors
    assert steps.max() < LIBRARY_FIT
    # the gauge: a shift of all classes by one number
    intercepts = [name.endswith("intercept") for name in est.names]
    assert np.abs(vs.vif(est).values[:, intercepts].sum(axis=1)).max() < 1e-8


def test_default_tolerances_pass():
    X, y = _xy("high")
    est = from_model(linear_model.LogisticRegression().fit(X, y), X, y)
    assert vs.compare(vs.newton_step(est), vs.leave_one_out(est)).pearson.min() > 0.99


@pytest.mark.parametrize(
    ("model", "outcome", "words"),
    [
        (linear_model.LinearRegression(positive=True), "y", "positive=True"),
        (linear_model.LogisticRegression(l1_ratio=0.5, solver="saga"), "high", "L1 part"),
        (
            linear_model.LogisticRegressionCV(l1_ratios=(0.0,), use_legacy_attributes=False),
            "high",
            "chooses C",
        ),
    ],
)
def test_refused_with_the_reason(model, outcome, words):
    X, y = _xy(outcome)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # these models are refused as they are, converged or not
        model.fit(X, y)
    with pytest.raises(UnsupportedModelError, match=words):
        from_model(model, X, y)


def test_many_outcomes_are_refused():
    X, y = _xy()
    two = np.column_stack([y, -y])
    for model in (linear_model.LinearRegression(), linear_model.Ridge()):
        with pytest.raises(UnsupportedModelError, match="one column"):
            from_model(model.fit(X, two), X, two)


@pytest.mark.parametrize(
    ("model", "outcome"),
    [
        (linear_model.LinearRegression(), "y"),
        (linear_model.Ridge(), "y"),
        (linear_model.LogisticRegression(), "high"),
        (linear_model.PoissonRegressor(), "high"),
    ],
)
def test_outcome_and_weights_are_aligned_by_label_where_x_has_labels(model, outcome):
    X, y = _xy(outcome)
    w = sugar().w
    model.fit(X, y, w)
    for given in ({"y": y[::-1], "weights": w}, {"y": y, "weights": w[::-1]}):
        with pytest.raises(InvalidInputError, match="labels of the data in the same order"):
            from_model(model, X, **given, tol=np.inf)
    with pytest.raises(TypeError, match="`weights` must be numeric, but holds 'heavy'"):
        from_model(model, X, y, weights=["heavy"] * len(X))
    # an array has no labels that y could share
    plain = type(model)().fit(X.to_numpy(), y, w)
    y, w = (column.set_axis(2 * column.index) for column in (y, w))
    assert from_model(plain, X.to_numpy(), y, weights=w).loss.n_objects == len(X)


def test_what_is_missing_is_named():
    X, y = _xy("high")
    fit = linear_model.LogisticRegression().fit(X, y)
    with pytest.raises(DataMismatchError, match="X and y are needed, but `y`"):
        from_model(fit, X)
    with pytest.raises(TypeError, match=r"must be dense.*toarray"):
        from_model(fit, csr_matrix(X), y)
    with pytest.raises(UnsupportedModelError, match="must be fitted"):
        from_model(linear_model.LogisticRegression(), X, y)


def test_other_data_are_refused():
    X, y = _xy("high")
    fit = linear_model.LogisticRegression().fit(X, y)
    with pytest.raises(DataMismatchError, match="lack.*s5|s5"):
        from_model(fit, X.drop(columns="s5"), y)
    with pytest.raises(DataMismatchError, match="classes of the fit"):
        from_model(fit, X, y.astype(int) + 1)
    with pytest.raises(InvalidInputError, match="inconsistent numbers"):
        from_model(fit, X, y.iloc[:-1].to_numpy())
    with pytest.raises(InvalidInputError, match="its own settings"):
        from_model(fit, X, y, penalty=1.0)
    with pytest.raises(vs.errors.NotAtMinimumError):
        from_model(fit, X, y, weights=sugar().w)
