"""Fitted models of other libraries as estimates, found by the name of their type.

Nothing is imported until such an object arrives: the table maps the qualified name of a class to
the function, in a module of this room, that turns it into an `Estimate`. Other packages bring
adapters for their own fits by entry points of the group `GROUP`, named like the keys of the table.
"""

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.checks.rounded_times import times_as_they_are
from vifstats.errors import InvalidInputError, InvalidTypeError, UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.typing import FittedModel

__all__ = ["from_model"]

# Entry points of other packages: <qualified name of a class> = <module>:<function>.
GROUP = "vifstats.adapters"

# qualified name of the fitted model's class, or of a base class -> "module:function" here;
# for statsmodels often the class of ``fit.model``: OLS and QuantReg share one class of results
ADAPTERS = {
    "lifelines.fitters.ParametricRegressionFitter": "lifelines_parametric:regression",
    "lifelines.fitters.ParametricUnivariateFitter": "lifelines_parametric:univariate",
    "lifelines.fitters.aalen_additive_fitter.AalenAdditiveFitter": "lifelines_additive:additive",
    "lifelines.fitters.coxph_fitter.CoxPHFitter": "lifelines:cox",
    "lifelines.fitters.cox_time_varying_fitter.CoxTimeVaryingFitter": "lifelines:cox_time_varying",
    "statsmodels.duration.hazard_regression.PHRegResults": "statsmodels.phreg:phreg",
    "statsmodels.base.elastic_net.RegularizedResultsWrapper": "statsmodels.refused:refused",
    "statsmodels.base._penalized.PenalizedMixin": "statsmodels.refused:refused",
    "statsmodels.base.elastic_net.RegularizedResults": "statsmodels.refused:refused",
    "statsmodels.discrete.count_model.GenericZeroInflated": "statsmodels.discrete:zero_inflated",
    "statsmodels.discrete.conditional_models.ConditionalLogit": (
        "statsmodels.conditional:conditional"
    ),
    "statsmodels.discrete.conditional_models.ConditionalPoisson": (
        "statsmodels.conditional:conditional"
    ),
    "statsmodels.discrete.discrete_model.GeneralizedPoisson": (
        "statsmodels.discrete:generalized_poisson"
    ),
    "statsmodels.discrete.discrete_model.Logit": "statsmodels.discrete:logit",
    "statsmodels.discrete.discrete_model.MNLogit": "statsmodels.categorical:mnlogit",
    "statsmodels.discrete.discrete_model.NegativeBinomial": (
        "statsmodels.discrete:negative_binomial"
    ),
    "statsmodels.discrete.discrete_model.NegativeBinomialP": (
        "statsmodels.discrete:negative_binomial_p"
    ),
    "statsmodels.discrete.discrete_model.Poisson": "statsmodels.discrete:poisson",
    "statsmodels.discrete.discrete_model.Probit": "statsmodels.discrete:probit",
    "statsmodels.genmod.generalized_estimating_equations.GEE": "statsmodels.gee:gee",
    "statsmodels.genmod.generalized_linear_model.GLM": "statsmodels.glm:glm",
    "statsmodels.miscmodels.ordinal_model.OrderedModel": "statsmodels.categorical:ordered",
    "statsmodels.othermod.betareg.BetaModel": "statsmodels.proportions:beta",
    "statsmodels.regression.linear_model.GLS": "statsmodels.linear:gls",
    "statsmodels.regression.linear_model.GLSAR": "statsmodels.refused:refused",
    "statsmodels.regression.linear_model.WLS": "statsmodels.linear:least_squares",
    "statsmodels.regression.mixed_linear_model.MixedLM": "statsmodels.mixed:mixed",
    "statsmodels.regression.quantile_regression.QuantReg": "statsmodels.refused:refused",
    "statsmodels.robust.robust_linear_model.RLM": "statsmodels.robust:rlm",
    "statsmodels.sandbox.regression.gmm.IV2SLS": "instruments:statsmodels_iv",
    "statsmodels.treatment.treatment_effects.TreatmentEffectResults": (
        "statsmodels.treatment:effects"
    ),
    "linearmodels.iv.results.IVResults": "instruments:linearmodels_iv",
    "delicatessen.estimation.MEstimator": "delicatessen:m_estimator",
    "sklearn.linear_model._base.LinearRegression": "scikit_learn:linear",
    "sklearn.linear_model._glm.glm._GeneralizedLinearRegressor": "scikit_learn:generalized_linear",
    "sklearn.linear_model._logistic.LogisticRegression": "scikit_learn:logistic",
    "sklearn.linear_model._ridge.Ridge": "scikit_learn:ridge",
    "sklearn.pipeline.Pipeline": "pipelines:pipeline",
    "sksurv.linear_model.coxph.CoxPHSurvivalAnalysis": "scikit_survival:cox",
    "survival.r._coxph.CoxphModel": "survival:coxph",
    "firthmodels.cox.FirthCoxPH": "firthmodels:cox",
    "firthmodels.logistic.FirthLogisticRegression": "firthmodels:logistic",
    # plain coefficients are those of a Cox model
    "numpy.ndarray": "coefficients:cox",
    "pandas.Series": "coefficients:cox",
    "pandas.core.series.Series": "coefficients:cox",
    "builtins.list": "coefficients:cox",
    "builtins.tuple": "coefficients:cox",
}

# What users call a library, and a class that they never type.
LIBRARIES = {
    "lifelines": "lifelines",
    "statsmodels": "statsmodels",
    "sklearn": "scikit-learn",
    "sksurv": "scikit-survival",
    "survival": "survival",
    "linearmodels": "linearmodels",
    "firthmodels": "firthmodels",
    "delicatessen": "delicatessen",
}
TITLES = {
    "ParametricRegressionFitter": "parametric regression fitters such as WeibullAFTFitter",
    "ParametricUnivariateFitter": "parametric univariate fitters such as WeibullFitter",
    "GenericZeroInflated": "zero-inflated count models",
    "IVResults": "IV2SLS",
    "CoxphModel": "coxph, clogit",
    "PHRegResults": "PHReg",
    "TreatmentEffectResults": "TreatmentEffect (IPW, RA, AIPW, AIPW-WLS, IPW-RA)",
    "_GeneralizedLinearRegressor": "PoissonRegressor, GammaRegressor, TweedieRegressor",
    "WLS": "OLS, WLS",
}

# What is taken for coefficients of a Cox model
COEFFICIENTS = (np.ndarray, pd.Series, list, tuple)

# What data may be called where they are not passed by position
DATA = ("df", "X", "T", "E", "y")
# one entry per row, or the name of the column that has it
PER_ROW = ("entry", "weights", "strata", "offset", "groups")
WEIGHTING = ("weights_from", "estimand", "stabilized")
OPTIONS = ("entry", "weights", "strata", "offset", "groups", "ties", "penalty", "tol")


def from_model(fit: FittedModel, *data: Any, **options: Any) -> Estimate:
    """An estimate from any supported fitted model.

    Parameters
    ----------
    fit : fitted model or array_like
        Of lifelines, statsmodels, scikit-survival, scikit-learn, firthmodels and others; see the
        table in the README. Of another package, if that brings an adapter.
        An array, list or Series is taken for the coefficients of a Cox model.
    *data
        What the model was fitted on, where it does not keep it: ``df``, ``X, T, E`` or ``X, y``;
        of pandas, NumPy, polars or pyarrow.
    **options
        As in `vif_cox`: entry, weights, strata, offset, groups, ties, penalty, tol. With
        ``weights_from=``, the propensity model that the weights came from, they are estimated again
        without a row: ``estimand`` is "ATE" (default), "ATT" or "ATO", ``stabilized`` a bool.

    Returns
    -------
    Estimate

    Raises
    ------
    UnsupportedModelError
        If the model, or one of its settings, cannot be taken.
    InvalidTypeError
        If the adapter that another package brings returns no estimate.
    DataMismatchError
        If the data are not those the model was fitted on.

    Examples
    --------
    >>> from lifelines import CoxPHFitter
    >>> from lifelines.datasets import load_rossi
    >>> rossi = load_rossi()
    >>> est = from_model(CoxPHFitter().fit(rossi, "week", "arrest"), rossi)
    >>> est.names
    ('fin', 'age', 'race', 'wexp', 'mar', 'paro', 'prio')
    """
    weighting = {name: options.pop(name) for name in WEIGHTING if name in options}
    if "weights_from" in weighting:
        from vifstats.adapters.weighted import weighted  # which itself reads fitted models

        return weighted(from_model(fit, *data, **options), **_renamed(weighting))
    if weighting:
        raise InvalidInputError(
            f"{sorted(weighting)} say how weights come from `weights_from`, which is not given; "
            "pass the propensity model, or leave them out."
        )
    _require_fitted(fit)
    adapter = _adapter_of(fit)
    if adapter is not None:
        for name in set(PER_ROW) & set(options):
            options[name] = named_column(options[name], fit, data, name)
        # the libraries take them so; of plain coefficients nobody knows
        with times_as_they_are(not isinstance(fit, COEFFICIENTS)):
            return adapter(fit, *map(checks.as_pandas, data), **options)
    raise UnsupportedModelError(
        f"A fitted model must be one of these, {supported()}; but this is a "
        f"{type(fit).__module__}.{type(fit).__qualname__}. For a model of your own write its loss "
        "and use vifstats.Estimate(loss, theta)."
    )


def _renamed(weighting: dict[str, Any]) -> dict[str, Any]:
    return {"propensity" if k == "weights_from" else k: v for k, v in weighting.items()}


def supported() -> str:
    """The models that are taken, by library, in words."""
    listed = [f"of {library}: {', '.join(found)}" for library, found in supported_models().items()]
    return "; ".join([*listed, "or coefficients of a Cox model"])


def supported_models() -> dict[str, list[str]]:
    """The models that are taken, by library: no refused one, and no private class."""
    names: dict[str, set[str]] = {}
    for name, place in ADAPTERS.items():
        library, title = name.split(".")[0], name.rsplit(".", 1)[-1]
        title = TITLES.get(title, title.removesuffix("Results"))
        if library in LIBRARIES and not place.endswith(":refused"):
            names.setdefault(LIBRARIES[library], set()).add(title)
    return {library: sorted(found) for library, found in names.items()}


def named_column(values: Any, fit: FittedModel, data: tuple, option: str = "groups") -> Any:
    """One entry per row where a column of the data is named; anything else as it is.

    `data`: of the fit, as they were passed; those that a fit keeps are looked at too. Raises
    InvalidInputError with the nearest names.
    """
    if not isinstance(values, str):
        return values
    tables = [checks.as_pandas(table) for table in data]
    model = getattr(fit, "model", None)
    tables.append(getattr(getattr(model, "data", None), "frame", None))
    tables = [table for table in tables if isinstance(table, pd.DataFrame)]
    for table in tables:
        if values in table.columns:
            return table[values]
    columns = [str(name) for table in tables for name in table.columns]
    close = " or ".join(map(repr, get_close_matches(values, columns)))
    meant = f"did you mean {close}?" if close else f"the columns are {columns}; give the entries."
    raise InvalidInputError(
        f"`{option}` must be one entry per row or the name of a column of the data, but there is "
        f"no column {values!r}; {meant if tables else 'the data are not a table: give entries.'}"
    )


def _require_fitted(fit: FittedModel) -> None:
    """Refuse a model of statsmodels, which is not its results, and a fitter before it is fit."""
    if isinstance(fit, type):
        raise UnsupportedModelError(
            f"The model must be fitted, but this is the class {fit.__qualname__} itself; make one "
            "and call its fit first."
        )
    bases = {f"{cls.__module__}.{cls.__qualname__}" for cls in type(fit).__mro__}
    unfitted = "statsmodels.base.model.Model" in bases or (
        "lifelines.fitters.BaseFitter" in bases and not _has_parameters(fit)
    )
    if unfitted:
        raise UnsupportedModelError(
            f"The model must be fitted, but this {type(fit).__name__} is not; call .fit() first, "
            "and pass what it returns."
        )


def _has_parameters(fit: FittedModel) -> bool:
    return any(hasattr(fit, name) for name in ("params_", "_fitted_parameters_", "hazards_"))


def _adapter_of(fit: FittedModel) -> Callable[..., Estimate] | None:
    """The adapter of the nearest class: an own one before one that a package brings."""
    brought: dict[str, EntryPoint] | None = None
    for cls in (*type(fit).__mro__, *type(getattr(fit, "model", None)).__mro__):
        name = f"{cls.__module__}.{cls.__qualname__}"
        if name in ADAPTERS:
            module, function = ADAPTERS[name].split(":")
            return _called_right(getattr(import_module(f"vifstats.adapters.{module}"), function))
        if brought is None:  # read anew each time: packages may come while Python runs
            brought = {point.name: point for point in entry_points(group=GROUP)}
        if name in brought:
            return _checked(brought[name])
    return None


def _called_right(own: Callable[..., Estimate]) -> Callable[..., Estimate]:
    """An adapter of this room, whose arguments are checked by name and number."""

    def adapter(fit: FittedModel, *data: Any, **options: Any) -> Estimate:
        if unknown := sorted(set(options) - {*OPTIONS, *DATA}):
            raise InvalidTypeError(
                f"The options of a fitted model are {', '.join(OPTIONS)}, but {unknown} came with "
                "it; correct the names."
            )
        try:
            inspect.signature(own, follow_wrapped=False).bind(fit, *data, **options)
        except TypeError as error:
            raise InvalidTypeError(
                f"The data of a {type(fit).__name__} are what its fit was given, a table, "
                f"`X, T, E` or `X, y`, but {len(data)} arguments came ({error}); pass these only."
            ) from error
        if "tol" in options:
            checks.tolerance(options["tol"], "tol")
        return own(fit, *data, **options)

    return adapter


def _checked(point: EntryPoint) -> Callable[..., Estimate]:
    """An adapter of another package, held to what it must return."""

    def adapter(fit: FittedModel, *data: Any, **options: Any) -> Estimate:
        est = point.load()(fit, *data, **options)
        if not isinstance(est, Estimate):
            raise InvalidTypeError(
                f"An adapter must return a vifstats.Estimate, but {point.value!r}, which "
                f"{point.dist.name if point.dist else 'a package'} brings for {point.name}, "
                f"returned {type(est).__name__}; report it there."
            )
        return est

    return adapter
