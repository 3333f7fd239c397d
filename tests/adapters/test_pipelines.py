"""Pipelines of scikit-learn: the model that comes last, in the columns that come first."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import vifstats as vs
from vifstats.errors import UnsupportedModelError

N = 60
rng = np.random.default_rng(2)
X = pd.DataFrame(
    {"age": rng.normal(60, 9, N), "dose": rng.normal(size=N), "site": rng.choice(list("abc"), N)},
    index=[f"p{k}" for k in range(N)],
)
y = (rng.random(N) < 1 / (1 + np.exp(-X["dose"].to_numpy()))).astype(int)
MODEL = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000)


def test_a_pipeline_is_its_last_model_on_what_comes_before():
    encode = make_column_transformer(
        (StandardScaler(), ["age", "dose"]), (OneHotEncoder(drop="first"), ["site"])
    )
    fit = make_pipeline(encode, MODEL).fit(X, y)
    est = vs.from_model(fit, X, y)
    assert list(est.names) == [*encode.get_feature_names_out(), "intercept"]
    assert est.labels.equals(X.index)
    Z = pd.DataFrame(fit[:-1].transform(X), index=X.index)
    plain = vs.from_model(LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(Z, y), Z, y)
    np.testing.assert_allclose(vs.vif(est).values, vs.vif(plain).values, rtol=1e-6, atol=1e-12)


def test_profiles_are_in_raw_columns():
    scaled = make_column_transformer((StandardScaler(), ["age", "dose"]))
    fit = make_pipeline(scaled, MODEL).fit(X, y)
    change = vs.vif(vs.from_model(fit, X, y)).on(vs.targets.MeanPrediction(X.iloc[:3]))
    probability = fit.predict_proba(X.iloc[:3])[:, 1]
    assert change.value == pytest.approx(probability, rel=1e-6)


def test_another_model_at_the_end_is_named():
    fit = make_pipeline(StandardScaler(), Lasso()).fit(X[["age", "dose"]], y)
    with pytest.raises(UnsupportedModelError, match="last step of a Pipeline .* is a Lasso"):
        vs.from_model(fit, X[["age", "dose"]], y)
