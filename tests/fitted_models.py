"""The one table of fitted models, on data that ship with their libraries; a new model is a new row.

@pytest.mark.parametrize("model", MODELS, ids=str)
def test_something(model):
    est = model.estimate()
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import lifelines
import numpy as np
import pandas as pd
import sklearn.datasets
import statsmodels.api as sm
import statsmodels.formula.api as smf
from lifelines import datasets as survival_data
from sklearn import linear_model
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.othermod.betareg import BetaModel

import vifstats as vs
from vifstats.adapters import from_model

Frame = pd.DataFrame
FAMILIES, NORMS = sm.families, sm.robust.norms
LINKS = FAMILIES.links


@dataclass(frozen=True)
class FittedModel:
    """One kind of fit, with real data.

    Attributes
    ----------
    name : str
        Unique; "library model, data".
    data : callable
        ``data()``: the frame, one row per object.
    fit : callable
        ``fit(frame)``: the library's fit to these rows.
    given : callable
        ``given(frame)``: what `from_model` needs besides the fit.
    options : callable
        ``options(frame)``: its keyword arguments.
    own_refit : bool
        Whether the library's refit without a row is the same minimisation: not where it recomputes
        a penalty or a class weight, or does not arrive.
    refit_tol : float
        For `leave_one_out`: 1e-9, except where the library differentiates numerically.
    """

    name: str
    data: Callable[[], Frame]
    fit: Callable[[Frame], Any]
    given: Callable[[Frame], tuple] = lambda frame: ()
    options: Callable[[Frame], dict] = lambda frame: {}
    own_refit: bool = True
    refit_tol: float = 1e-9

    def __str__(self) -> str:
        return self.name

    def fitted(self) -> Any:
        """The library's fit to all rows, computed once."""
        return _fit(self)

    def estimate(self) -> vs.Estimate:
        """The adapter's reading of it, computed once."""
        return _estimate(self)

    def polished(self) -> vs.Estimate:
        """Our own converged fit, computed once."""
        return _polished(self)

    def refits(self) -> vs.Influence:
        """Exact refits without some rows, computed once."""
        return _refits(self)

    def without(self, row: int) -> np.ndarray:
        """Parameters of the library's own fit without one row."""
        frame = self.data().drop(index=self.data().index[row])
        fit = _quietly(self.fit, frame)
        return from_model(fit, *self.given(frame), **self.options(frame), tol=np.inf).theta

    def some(self) -> np.ndarray:
        """Labels of rows to refit: some twenty, spread over the data, and the most influential."""
        labels = self.estimate().labels
        spread = labels[:: -(-len(labels) // 20)]
        worst = vs.vif(self.estimate()).cooks_distance.to_numpy().argmax()
        return pd.Index(spread.append(labels[[worst]])).unique().to_numpy()


def _quietly(fit: Callable[[Frame], Any], frame: Frame) -> Any:
    """The libraries warn of domains of links, of weights that are not integers, of last digits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit(frame)


@cache
def _fit(model: FittedModel) -> Any:
    return _quietly(model.fit, model.data())


@cache
def _estimate(model: FittedModel) -> vs.Estimate:
    frame = model.data()
    return from_model(model.fitted(), *model.given(frame), **model.options(frame))


@cache
def _polished(model: FittedModel) -> vs.Estimate:
    est, tol = model.estimate(), max(1e-10, 0.1 * model.refit_tol)
    return vs.minimize(est.loss, est.theta, tol=tol, dispersion=est.dispersion, labels=est.labels)


@cache
def _refits(model: FittedModel) -> vs.Influence:
    return vs.leave_one_out(model.polished(), objects=model.some(), tol=model.refit_tol)


# Data


def _shipped(name: str, every: int = 1) -> Callable[[], Frame]:
    @cache
    def load() -> Frame:
        frame = getattr(sm.datasets, name).load_pandas().data
        return frame.iloc[::every].astype(float).reset_index(drop=True)

    return load


def _plus(data: Callable[[], Frame], **columns: Callable[[Frame], Any]) -> Callable[[], Frame]:
    return cache(lambda: data().assign(**columns))


def _weights(frame: Frame) -> np.ndarray:
    return np.random.default_rng(4).uniform(0.5, 2.0, len(frame))


def _counts(frame: Frame) -> np.ndarray:
    return np.random.default_rng(5).integers(1, 4, len(frame))


def _standardised(column: str) -> Callable[[Frame], Any]:
    return lambda frame: (frame[column] - frame[column].mean()) / frame[column].std()


# in the units of the data the design of longley has condition number 1e10
longley = _plus(_shipped("longley"), **{c: _standardised(c) for c in ("GNP", "UNEMP", "ARMED")})
spector = _shipped("spector")
stackloss = _shipped("stackloss")
statecrime = _plus(_shipped("statecrime"), w=_weights)
scotland = _shipped("scotland")
cpunish = _plus(
    _shipped("cpunish"), income=lambda f: f.INCOME / 1e4, exposure=lambda f: f.PERBLACK + 5
)
committee = _shipped("committee")
engel = _plus(
    _shipped("engel"), x=lambda f: f.income / 1e3, y=lambda f: f.foodexp / 1e3, w=_weights
)
fair = _plus(
    _shipped("fair", 20),
    any=lambda f: (f.affairs > 0).astype(float),
    freq=_counts,
    w=_weights,
)
affairs = _plus(_shipped("fair", 8), years=lambda f: f.yrs_married / 5)
randhie = _plus(_shipped("randhie", 80), off=lambda f: 0.1 * _weights(f))
more_randhie = _shipped("randhie", 40)
star98 = _plus(_shipped("star98"), share=lambda f: f.NABOVE / (f.NABOVE + f.NBELOW))
anes96 = _plus(_shipped("anes96", 4), party=lambda f: np.digitize(f.PID, [1.5, 4.5]))


# statsmodels


def _formula(function: Any, formula: str, *, columns: dict[str, str] | None = None, **fit: Any):
    """``function(formula, frame, option=frame[column]).fit(**fit)``."""

    def run(frame: Frame) -> Any:
        options = {key: frame[column] for key, column in (columns or {}).items()}
        return function(formula, frame, **options).fit(**fit)

    return run


def _glm(formula: str, family: Any, *, columns: dict[str, str] | None = None):
    def run(frame: Frame) -> Any:
        options = {key: frame[column] for key, column in (columns or {}).items()}
        model = smf.glm(formula, frame, family=family(), **options)
        return model.fit(tol=1e-13, maxiter=300)

    return run


def _rlm(norm: Any, formula: str = "STACKLOSS ~ AIRFLOW + WATERTEMP"):
    @cache
    def scale() -> float:
        return smf.rlm(formula, stackloss(), M=norm).fit().scale

    def run(frame: Frame) -> Any:
        fit = smf.rlm(formula, frame, M=norm).fit
        return fit(start_scale=scale(), update_scale=False, tol=1e-13, maxiter=1000)

    return run


def _newton(model: Any, formula: str, columns: dict[str, str] | None = None, **options: Any):
    """A discrete model by Newton's method from wherever another method came."""

    def run(frame: Frame) -> Any:
        given = options | {key: frame[column] for key, column in (columns or {}).items()}
        m = model.from_formula(formula, frame, **given)
        start = m.fit(disp=0, method="bfgs", maxiter=1000, gtol=1e-6)
        return m.fit(np.ravel(start.params, order="F"), disp=0, method="newton", maxiter=100)

    return run


def _inflated(model: Any, **options: Any):
    def run(frame: Frame) -> Any:
        X = sm.add_constant(frame[["lncoins", "disea"]])
        m = model(frame.mdvis, X, exog_infl=X[["const", "disea"]], **options)
        start = m.fit(disp=0, method="bfgs", maxiter=2000, gtol=1e-6)
        return m.fit(start.params, disp=0, method="newton", maxiter=100)

    return run


def _inflated_affairs(frame: Frame) -> Any:
    X, y = sm.add_constant(frame[["years"]]), np.ceil(frame.affairs)
    model = sm.ZeroInflatedNegativeBinomialP(y, X, exog_infl=X[["const"]], p=2)
    start = model.fit(disp=0, method="bfgs", maxiter=2000, gtol=1e-6)
    return model.fit(start.params, disp=0, method="newton", maxiter=100)


def _ordered(distribution: str):
    def run(frame: Frame) -> Any:
        model = OrderedModel(frame.party, frame[["age", "educ", "selfLR"]], distr=distribution)
        return model.fit(disp=0, method="bfgs", maxiter=500, gtol=1e-8)

    return run


def _beta(frame: Frame) -> Any:
    X = sm.add_constant(frame[["LOWINC", "PERASIAN", "PERBLACK"]] / 10)
    return BetaModel(frame.share, X, exog_precision=X[["const", "LOWINC"]]).fit(
        disp=0, method="newton", maxiter=200
    )


CRIME = "murder ~ poverty + single + urban"
GRADE = "GRADE ~ GPA + TUCE + PSI"
ANY = "any ~ rate_marriage + yrs_married + religious"
VISITS = "mdvis ~ lncoins + physlm + disea"
FOOD = "y ~ x"

STATSMODELS = [
    FittedModel("OLS, longley", longley, _formula(smf.ols, "TOTEMP ~ GNP + UNEMP + ARMED")),
    FittedModel("OLS, stackloss", stackloss, _formula(smf.ols, "STACKLOSS ~ AIRFLOW + WATERTEMP")),
    FittedModel("WLS, statecrime", statecrime, _formula(smf.wls, CRIME, columns={"weights": "w"})),
    FittedModel("GLS, statecrime", statecrime, _formula(smf.gls, CRIME, columns={"sigma": "w"})),
    FittedModel("Logit, spector", spector, _formula(smf.logit, GRADE, disp=0)),
    FittedModel("Probit, spector", spector, _formula(smf.probit, GRADE, disp=0)),
    FittedModel("Poisson, randhie", randhie, _newton(sm.Poisson, VISITS, {"offset": "off"})),
    FittedModel("NegativeBinomial nb2, randhie", randhie, _newton(sm.NegativeBinomial, VISITS)),
    FittedModel(
        "NegativeBinomial nb1, randhie",
        randhie,
        _newton(sm.NegativeBinomial, VISITS, {"offset": "off"}, loglike_method="nb1"),
    ),
    FittedModel(
        "NegativeBinomial geometric, randhie",
        randhie,
        _newton(sm.NegativeBinomial, VISITS, loglike_method="geometric"),
    ),
    FittedModel("NegativeBinomialP, randhie", randhie, _newton(sm.NegativeBinomialP, VISITS, p=1)),
    FittedModel(
        "GeneralizedPoisson 1, randhie", randhie, _newton(sm.GeneralizedPoisson, VISITS, p=1)
    ),
    FittedModel(
        "GeneralizedPoisson 2, randhie", randhie, _newton(sm.GeneralizedPoisson, VISITS, p=2)
    ),
    FittedModel("MNLogit, anes96", anes96, _newton(sm.MNLogit, "party ~ age + educ + selfLR")),
    FittedModel("OrderedModel probit, anes96", anes96, _ordered("probit")),
    FittedModel("OrderedModel logit, anes96", anes96, _ordered("logit")),
    FittedModel("BetaModel, star98", star98, _beta),
    FittedModel("ZeroInflatedPoisson, randhie", more_randhie, _inflated(sm.ZeroInflatedPoisson)),
    # without its most influential row statsmodels' optimiser ends in nan
    FittedModel("ZeroInflatedNegativeBinomialP, fair", affairs, _inflated_affairs, own_refit=False),
    FittedModel(
        "ZeroInflatedGeneralizedPoisson, randhie",
        more_randhie,
        _inflated(sm.ZeroInflatedGeneralizedPoisson, p=2, inflation="probit"),
    ),
]

# statsmodels 0.15 brought these, and the lower bound is run too
NEW_NORMS = [
    getattr(NORMS, name)() for name in ("TukeyQuartic", "StudentT") if hasattr(NORMS, name)
]

STATSMODELS += [
    FittedModel(f"RLM {type(norm).__name__}, stackloss", stackloss, _rlm(norm))
    for norm in (
        NORMS.HuberT(),
        NORMS.RamsayE(),
        NORMS.AndrewWave(2.1),
        NORMS.TrimmedMean(3.0),
        NORMS.Hampel(),
        NORMS.TukeyBiweight(6.0),
        *NEW_NORMS,
        NORMS.LeastSquares(),
        NORMS.MQuantileNorm(0.3, NORMS.HuberT()),
    )
]

STATSMODELS += [
    FittedModel(f"GLM {name}", data, _glm(formula, family, columns=columns))
    for name, data, formula, family, columns in (
        (
            "Gaussian identity, engel",
            engel,
            FOOD,
            lambda: FAMILIES.Gaussian(),
            {"var_weights": "w"},
        ),
        ("Gaussian log, engel", engel, FOOD, lambda: FAMILIES.Gaussian(LINKS.Log()), {}),
        ("Binomial logit, fair", fair, ANY, lambda: FAMILIES.Binomial(), {"freq_weights": "freq"}),
        ("Binomial probit, fair", fair, ANY, lambda: FAMILIES.Binomial(LINKS.Probit()), {}),
        ("Binomial cloglog, fair", fair, ANY, lambda: FAMILIES.Binomial(LINKS.CLogLog()), {}),
        ("Binomial loglog, fair", fair, ANY, lambda: FAMILIES.Binomial(LINKS.LogLog()), {}),
        ("Binomial cauchy, fair", fair, ANY, lambda: FAMILIES.Binomial(LINKS.Cauchy()), {}),
        (
            "Binomial log, fair",
            fair,
            "any ~ yrs_married",
            lambda: FAMILIES.Binomial(LINKS.Log()),
            {},
        ),
        (
            "Binomial logc, fair",
            fair,
            "any ~ religious",
            lambda: FAMILIES.Binomial(LINKS.LogC()),
            {},
        ),
        (
            "Binomial trials, star98",
            star98,
            "NABOVE + NBELOW ~ LOWINC + PERASIAN + PERBLACK",
            lambda: FAMILIES.Binomial(),
            {},
        ),
        (
            "Poisson log, cpunish",
            cpunish,
            "EXECUTIONS ~ income + SOUTH",
            lambda: FAMILIES.Poisson(),
            {"exposure": "exposure"},
        ),
        ("Poisson sqrt, randhie", randhie, VISITS, lambda: FAMILIES.Poisson(LINKS.Sqrt()), {}),
        ("Gamma inverse, scotland", scotland, "YES ~ UNEMPF + MOR", lambda: FAMILIES.Gamma(), {}),
        (
            "Gamma log, engel",
            engel,
            FOOD,
            lambda: FAMILIES.Gamma(LINKS.Log()),
            {"var_weights": "w"},
        ),
        (
            "InverseGaussian inverse squared, scotland",
            scotland,
            "YES ~ UNEMPF + MOR",
            lambda: FAMILIES.InverseGaussian(),
            {},
        ),
        (
            "InverseGaussian log, engel",
            engel,
            FOOD,
            lambda: FAMILIES.InverseGaussian(LINKS.Log()),
            {},
        ),
        (
            "NegativeBinomial log, committee",
            committee,
            "BILLS104 ~ SUBS + PRESTIGE",
            lambda: FAMILIES.NegativeBinomial(alpha=0.3),
            {},
        ),
        (
            "NegativeBinomial canonical, randhie",
            randhie,
            "mdvis ~ lncoins",
            lambda: FAMILIES.NegativeBinomial(LINKS.NegativeBinomial(alpha=1.0), alpha=1.0),
            {},
        ),
        (
            "Tweedie log, engel",
            engel,
            FOOD,
            lambda: FAMILIES.Tweedie(LINKS.Log(), var_power=1.5),
            {"var_weights": "w"},
        ),
        (
            "Tweedie power, engel",
            engel,
            FOOD,
            lambda: FAMILIES.Tweedie(LINKS.Power(-0.5), var_power=1.5),
            {},
        ),
    )
]


# scikit-learn


@cache
def sugar() -> Frame:
    X, y = sklearn.datasets.load_diabetes(return_X_y=True, as_frame=True)
    frame = (X[["age", "bmi", "bp", "s5"]] * 20).assign(y=y / 100, high=y > 150).iloc[::3]
    return frame.assign(w=_weights(frame)).reset_index(drop=True)


@cache
def iris() -> Frame:
    X, y = sklearn.datasets.load_iris(return_X_y=True, as_frame=True)
    X.columns = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    return X.assign(y=y, w=_weights(X))


def _sklearn(name: str, data: Callable[[], Frame], model: Any, y: str = "y", **kwargs: Any):
    """A row of the table, fitted with sample weights."""

    def columns(frame: Frame) -> Frame:
        return frame.drop(columns=["y", "w", "high"], errors="ignore")

    return FittedModel(
        name,
        data,
        fit=lambda frame: sklearn.base.clone(model).fit(columns(frame), frame[y], frame.w),
        given=lambda frame: (columns(frame), frame[y]),
        options=lambda frame: {"weights": frame.w},
        **kwargs,
    )


EXACT = {"tol": 1e-10, "max_iter": 5000}

SKLEARN = [
    _sklearn("LinearRegression, diabetes", sugar, linear_model.LinearRegression()),
    _sklearn(
        "LinearRegression no intercept, diabetes",
        sugar,
        linear_model.LinearRegression(fit_intercept=False),
    ),
    _sklearn("Ridge, diabetes", sugar, linear_model.Ridge(alpha=5.0)),
    _sklearn(
        "LogisticRegression, diabetes", sugar, linear_model.LogisticRegression(**EXACT), "high"
    ),
    _sklearn(
        "LogisticRegression no penalty, diabetes",
        sugar,
        linear_model.LogisticRegression(C=np.inf, **EXACT),
        "high",
    ),
    _sklearn(
        "LogisticRegression class weights, diabetes",
        sugar,
        linear_model.LogisticRegression(class_weight={True: 3.0}, **EXACT),
        "high",
    ),
    _sklearn(
        "LogisticRegression balanced, diabetes",
        sugar,
        linear_model.LogisticRegression(class_weight="balanced", **EXACT),
        "high",
        own_refit=False,
    ),
    _sklearn(
        "LogisticRegression liblinear, diabetes",
        sugar,
        linear_model.LogisticRegression(solver="liblinear", intercept_scaling=2.0, **EXACT),
        "high",
    ),
    _sklearn(
        "LogisticRegression three classes, iris",
        iris,
        linear_model.LogisticRegression(C=0.5, solver="newton-cholesky", **EXACT),
    ),
    _sklearn(
        "PoissonRegressor, diabetes",
        sugar,
        linear_model.PoissonRegressor(alpha=0.1, solver="newton-cholesky", **EXACT),
        own_refit=False,
    ),
    _sklearn(
        "GammaRegressor, diabetes",
        sugar,
        linear_model.GammaRegressor(alpha=0.0, solver="newton-cholesky", **EXACT),
    ),
    _sklearn(
        "TweedieRegressor, diabetes",
        sugar,
        linear_model.TweedieRegressor(power=1.5, alpha=0.0, solver="newton-cholesky", **EXACT),
    ),
    _sklearn(
        "TweedieRegressor power 0, diabetes",
        sugar,
        linear_model.TweedieRegressor(power=0, alpha=0.0, solver="newton-cholesky", **EXACT),
    ),
]


# lifelines


@cache
def rossi() -> Frame:
    frame = survival_data.load_rossi().iloc[::2].reset_index(drop=True)
    frame = frame[["week", "arrest", "fin", "age", "prio"]].astype(float)
    late = np.where(np.arange(len(frame)) % 3 == 0, 0.5, 0.0)
    return frame.assign(age=frame.age / 10, prio=frame.prio / 10, w=_weights(frame), late=late)


@cache
def diabetes() -> Frame:
    frame = survival_data.load_diabetes().iloc[::5].reset_index(drop=True)
    return frame.assign(male=(frame.gender == "male").astype(float)).drop(columns="gender")


@cache
def waltons() -> Frame:
    frame = survival_data.load_waltons().reset_index(drop=True)
    return frame.assign(w=_weights(frame), late=np.where(frame.index % 4 == 0, 3.0, 0.0))


# lifelines stops where its default tolerances let it
TIGHT = {"ftol": 1e-14, "maxiter": 1000}
COVARIATES = ["fin", "age", "prio"]


def _aft(fitter: Any, kind: str = "plain", **settings: Any):
    def run(frame: Frame) -> Any:
        plain = frame[["week", "arrest", *COVARIATES]]
        if kind == "weights, entry":
            plain = frame[["week", "arrest", *COVARIATES, "w", "late"]]
            columns = {"weights_col": "w", "entry_col": "late", "ancillary": True}
        elif kind == "formula":
            columns = {"formula": "fin * age", "ancillary": "prio"}
        else:
            columns = {}
        fit = fitter(**settings)
        method = fit.fit_left_censoring if kind == "left" else fit.fit
        return method(plain, "week", "arrest", fit_options=TIGHT, **columns)

    return run


def _aft_interval(fitter: Any):
    return lambda frame: fitter().fit_interval_censoring(frame, "left", "right", fit_options=TIGHT)


def _gamma_regression(frame: Frame) -> Any:
    fitter = lifelines.GeneralizedGammaRegressionFitter()
    return fitter.fit(
        frame[["week", "arrest", *COVARIATES]],
        "week",
        "arrest",
        # sorted: in any other order lifelines attributes its variances to the wrong parameters
        regressors={"lambda_": "1", "mu_": "fin + age + prio", "sigma_": "1"},
        fit_options=TIGHT,
    )


def _itself(frame: Frame) -> tuple:
    return (frame,)


LIFELINES = [
    FittedModel(f"{fitter.__name__} {kind}, rossi", rossi, _aft(fitter, kind), given=_itself)
    for fitter in (
        lifelines.WeibullAFTFitter,
        lifelines.LogNormalAFTFitter,
        lifelines.LogLogisticAFTFitter,
    )
    for kind in ("plain", "weights, entry", "left")
]
LIFELINES += [
    FittedModel(f"{fitter.__name__} interval, diabetes", diabetes, _aft_interval(fitter), _itself)
    for fitter in (
        lifelines.WeibullAFTFitter,
        lifelines.LogNormalAFTFitter,
        lifelines.LogLogisticAFTFitter,
    )
]
LIFELINES += [
    FittedModel(
        "WeibullAFTFitter formula, rossi",
        rossi,
        _aft(lifelines.WeibullAFTFitter, "formula"),
        given=_itself,
    ),
    FittedModel(
        "WeibullAFTFitter penalty, rossi",
        rossi,
        _aft(lifelines.WeibullAFTFitter, "weights, entry", penalizer=0.05),
        given=_itself,
        own_refit=False,
    ),
    FittedModel(
        "GeneralizedGammaRegressionFitter, rossi",
        rossi,
        _gamma_regression,
        given=_itself,
        refit_tol=1e-6,
    ),
]


def _univariate(make: Callable[[], Any], kind: str):
    def run(frame: Frame) -> Any:
        fit = make()
        if kind == "weights, entry":
            return fit.fit(frame["T"], frame.E, weights=frame.w, entry=frame.late)
        if kind == "left":
            return fit.fit_left_censoring(frame["T"], frame.E)
        return fit.fit_interval_censoring(frame.left, frame.right)

    return run


def _univariate_converges(make: Callable[[], Any], kind: str) -> bool:
    """Two fitters with settings once; lifelines' generalised gamma fails on waltons minus a row."""
    if make is lifelines.GeneralizedGammaFitter:
        return kind == "interval"
    return kind == "weights, entry" or isinstance(make, type)


LIFELINES += [
    FittedModel(
        f"{type(make()).__name__} {kind}",
        diabetes if kind == "interval" else waltons,
        _univariate(make, kind),
        refit_tol=1e-6 if "Gamma" in type(make()).__name__ else 1e-9,
    )
    for make in (
        lifelines.WeibullFitter,
        lifelines.ExponentialFitter,
        lifelines.LogNormalFitter,
        lifelines.LogLogisticFitter,
        lifelines.GeneralizedGammaFitter,
        lambda: lifelines.PiecewiseExponentialFitter([20, 40]),
        lambda: lifelines.SplineFitter([10, 40, 70]),
    )
    for kind in ("weights, entry", "left", "interval")
    if _univariate_converges(make, kind)
]

MODELS = STATSMODELS + SKLEARN + LIFELINES
