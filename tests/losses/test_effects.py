"""What parameters are called and which of them are effects."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import vifstats as vs
from vifstats.losses.effects import Effects, effects_of

rng = np.random.default_rng(4)
X = sm.add_constant(pd.DataFrame({"a": rng.normal(size=80), "b": rng.normal(size=80)}))
count = rng.poisson(2.0, 80).astype(float)
binary = (rng.random(80) < 0.5).astype(float)
positive = rng.gamma(2.0, size=80)
families = sm.families

MODELS = {
    "odds ratio": [
        lambda: sm.Logit(binary, X).fit(disp=0),
        lambda: sm.GLM(binary, X, family=families.Binomial()).fit(),
        lambda: sm.MNLogit(np.arange(80) % 3, X).fit(disp=0),
    ],
    "rate ratio": [
        lambda: sm.Poisson(count, X).fit(disp=0),
        lambda: sm.GLM(count, X, family=families.Poisson()).fit(),
    ],
    "ratio of means": [
        lambda: sm.GLM(positive, X, family=families.Gamma(families.links.Log())).fit()
    ],
    "coefficient": [
        lambda: sm.OLS(positive, X).fit(),
        lambda: sm.Probit(binary, X).fit(disp=0),
        lambda: sm.GLM(binary, X, family=families.Binomial(families.links.Probit())).fit(),
        lambda: sm.GLM(binary, X, family=families.Binomial(families.links.CLogLog())).fit(),
        lambda: sm.RLM(positive, X).fit(update_scale=False),
    ],
}
CASES = [(effect, k) for effect, models in MODELS.items() for k in range(len(models))]


@pytest.mark.parametrize(("effect", "k"), CASES)
def test_effects_have_the_name_that_their_readers_use(effect, k):
    est = vs.from_model(MODELS[effect][k]())
    effects = effects_of(est.loss, est.names)
    assert effects.effect == effect
    assert effects.ratio == (effect != "coefficient")
    assert not any("const" in est.names[j] for j in effects.shown)


def test_an_intercept_alone_is_shown():
    est = vs.from_model(sm.OLS(positive, np.ones(80)).fit())
    assert list(effects_of(est.loss, est.names).shown) == [0]


@pytest.mark.parametrize(
    ("theta", "standard_error", "expected"),
    [
        (-0.38, 0.19, 3),  # 0.684 (0.471 to 0.992)
        (2.826, 1.263, 2),  # 16.88 (1.42 to 200.62)
        (-0.0001, 0.0003, 5),  # a ratio for one of thousands of units: 0.99990
        (0.0, 3.0, 3),
        (0.1, 1e-9, None),
        (0.1, 0.0, None),
        (np.nan, 1.0, None),
    ],
)
def test_a_ratio_has_the_decimals_of_its_interval(theta, standard_error, expected):
    effects = Effects("", "hazard ratio", True, np.arange(1))
    assert effects.decimals(theta, standard_error) == expected


@pytest.mark.parametrize(("standard_error", "expected"), [(0.0123, 4), (1.0, 2), (4e3, 0)])
def test_a_coefficient_has_three_digits_of_its_standard_error(standard_error, expected):
    assert Effects("", "", False, np.arange(1)).decimals(0.5, standard_error) == expected
