"""What parameters are called and which of them are effects."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import vifstats as vs
from vifstats.reporting.effects import effects_of

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
