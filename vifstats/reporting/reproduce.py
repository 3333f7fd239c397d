"""What to type to get a report again: the fit, a check that it is the same, the call."""

import inspect
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from vifstats.deletion.result import Influence
from vifstats.estimate import Estimate
from vifstats.reporting.sections.method import fingerprint

__all__ = ["recipe"]

# What data are called, by how many of them are given with a fitted model.
NAMES = {0: (), 1: ("data",), 2: ("X", "y"), 3: ("X", "T", "E")}
# What lifelines keeps of the arguments of `fit`.
COLUMNS = (
    "duration_col",
    "event_col",
    "weights_col",
    "entry_col",
    "cluster_col",
    "strata",
    "formula",
)
# What statsmodels' models take beside y and X, a value for each row.
ARRAYS = (
    "weights",
    "freq_weights",
    "var_weights",
    "offset",
    "exposure",
    "status",
    "entry",
    "strata",
    "groups",
    "instrument",
)


def recipe(
    model: Any, data: tuple, options: Mapping[str, Any], call: Mapping[str, Any], est: Estimate
) -> str:
    """Python that makes the report again, with the data under the names of a reader's own.

    `data`: what it was fitted on; `options`: of `from_model`; `call`: arguments of `report` that
    are not the default; `est`: of the model. Returns lines of Python. No value of any row is in it:
    tables and arrays appear by name.

    Examples
    --------
    >>> import vifstats as vs
    >>> est = vs.minimize(vs.losses.Cox([[0.0], [1.0], [0.5]], [2.0, 3.0, 1.0]), [0.0])
    >>> print(recipe(est, (), {}, {"unit": "patient"}, est))  # doctest: +ELLIPSIS
    import vifstats as vs
    # est: the Estimate at hand (Cox, 3 objects, 1 parameters)
    # the same numbers in the same order:
    assert vs.reporting.fingerprint(est.loss) == "..."
    vs.report(est, unit='patient')
    """
    if isinstance(model, Estimate | Influence):
        name = "est" if isinstance(model, Estimate) else "influence"
        kind, loss = type(model).__name__, type(est.loss).__name__
        size = f"{est.loss.n_objects} objects, {len(est.theta)} parameters"
        made = [f"# {name}: the {kind} at hand ({loss}, {size})"]
        source = "est" if name == "est" else "influence.estimate"
    else:
        name = source = "est"
        given = ", ".join(["fit", *NAMES.get(len(data), ("...",)), *_arguments(options)])
        made = [*_fit(model), f"est = vs.from_model({given})"]
    # of a hash, values of which all but one are known can be tried
    sha = fingerprint(est.loss) if call.get("rows", True) else None
    check = [
        "# the same numbers in the same order:",
        f'assert vs.reporting.fingerprint({source}.loss) == "{sha}"',
    ]
    report = f"vs.report({', '.join([name, *_arguments(call)])})"
    return "\n".join(["import vifstats as vs", *made, *(check if sha else []), report])


def _fit(model: Any) -> list[str]:
    """How the model is fitted, as far as it says itself; else what it is."""
    library = type(model).__module__.partition(".")[0]
    if library == "lifelines" and getattr(model, "duration_col", None):
        return _lifelines(model)
    if library == "statsmodels" and hasattr(model, "model"):
        return _statsmodels(model)
    if hasattr(model, "get_params"):  # scikit-learn's convention
        where = type(model).__module__.partition("._")[0]
        shown = " ".join(repr(model).split())
        return [f"from {where} import {type(model).__name__}", f"fit = {shown}.fit(X, y)"]
    return [f"# fit: a {type(model).__name__} of {library}"]


def _lifelines(model: Any) -> list[str]:
    kind = type(model).__name__
    kept = {name: getattr(model, name, None) for name in COLUMNS}
    if getattr(model, "robust", False) and kept["cluster_col"] is None:  # which is robust by itself
        kept["robust"] = True
    told = ", ".join(f"{name}={value!r}" for name, value in kept.items() if value is not None)
    return [
        f"from lifelines import {kind}",
        f"# data: a DataFrame; covariates {', '.join(_names(model))}",
        f"fit = {kind}({', '.join(_arguments(_changed(model)))}).fit(data, {told})",
    ]


def _statsmodels(fit: Any) -> list[str]:
    import statsmodels.api as sm

    model, kind = fit.model, type(fit.model).__name__
    imports = ["import statsmodels.api as sm"]
    if hasattr(sm, kind):
        kind = f"sm.{kind}"
    else:
        imports.append(f"from {type(model).__module__} import {kind}")
    options = _family(model) + "".join(f", {given}" for given in _arguments(_beside(model)))
    fitted = ", ".join(_covariance(fit))
    for name, made in _random_effects(model).items():
        imports.append(f"# {name}: of {', '.join(map(_in_comment, made))}")
    if getattr(model, "formula", None):
        made = f"{kind}.from_formula({model.formula!r}, data=data{options}).fit({fitted})"
        return [*imports, f"fit = {made}"]
    return [
        *imports,
        f"# y: {_in_comment(model.endog_names)}; X: "
        f"{', '.join(map(_in_comment, model.exog_names))}",
        f"fit = {kind}(y, X{options}).fit({fitted})",
    ]


def _beside(model: Any) -> dict[str, Any]:
    """What the model was made of beside y and X, but weights that are all 1."""
    made = {"instrument": getattr(model, "instrument", None), **model._get_init_kwds()}
    arrays = {name: made.get(name) for name in ARRAYS} | _random_effects(model)
    given = {k: v for k, v in arrays.items() if v is not None and not (np.asarray(v) == 1).all()}
    return given | ({"ties": model.ties} if hasattr(model, "ties") else {})


def _random_effects(model: Any) -> dict[str, Any]:
    """The arguments that make MixedLM's random effects, by name."""
    if not hasattr(model, "exog_vc"):
        return {}
    columns, components = list(model.data.exog_re_names), list(model.exog_vc.names)
    if not components and model.k_re == 1 and (model.exog_re == 1).all():
        columns = []  # an intercept is what there is by default
    kind = ("re_formula", "vc_formula") if getattr(model, "formula", "") else ("exog_re", "exog_vc")
    return {name: made for name, made in zip(kind, (columns, components), strict=True) if made}


def _covariance(fit: Any) -> list[str]:
    """Arguments of statsmodels' ``fit`` that choose the covariance and the distribution."""
    if getattr(fit.model, "reml", True) is False:  # of MixedLM
        return ["reml=False"]
    if getattr(fit, "groups", None) is not None:  # of PHReg
        return ["groups=groups"]
    if "cov" in (options := getattr(fit, "fit_options", {})):  # of RLM
        return [f"cov={options['cov']!r}"]
    kind, settings = getattr(fit, "cov_type", "nonrobust"), getattr(fit, "cov_kwds", {})
    out = []
    if kind != "nonrobust":
        chosen = ["'groups': groups"] if "groups" in settings else []
        for name, kept in (("use_correction", "use_correction"), ("df_correction", "adjust_df")):
            if "groups" in settings and not settings[kept]:
                chosen.append(f"{name!r}: False")
        out.append(f"cov_type={kind!r}")
        out += ["cov_kwds={" + ", ".join(chosen) + "}"] if chosen else []
    by_t = hasattr(fit.model, "wexog") and kind == "nonrobust"
    return out if bool(getattr(fit, "use_t", False)) == by_t else [*out, f"use_t={not by_t}"]


def _family(model: Any) -> str:
    if "family" not in inspect.signature(type(model).__init__).parameters:
        return ""
    family, link = type(model.family).__name__, type(model.family.link).__name__
    made = f", family=sm.families.{family}(sm.families.links.{link}())"
    if hasattr(model, "cov_struct"):  # of GEE
        made += f", cov_struct=sm.cov_struct.{type(model.cov_struct).__name__}()"
    return made


def _names(model: Any) -> list[str]:
    """Covariates of a lifelines fit."""
    index = model.params_.index
    names = index.get_level_values(-1).unique()
    return [_in_comment(name) for name in names if name != "Intercept"]


def _in_comment(name: Any) -> str:
    """A name that stays in its line: as it is, or as Python writes it."""
    return str(name) if str(name).isprintable() else repr(str(name))


def _changed(model: Any) -> dict[str, Any]:
    """Arguments of the constructor that are not the default, as the model keeps them."""
    parameters = inspect.signature(type(model).__init__).parameters.values()
    kept = {p.name: (getattr(model, p.name), p.default) for p in parameters if _kept(model, p)}
    return {name: value for name, (value, default) in kept.items() if repr(value) != repr(default)}


def _kept(model: Any, parameter: inspect.Parameter) -> bool:
    return parameter.name not in ("self", "strata") and hasattr(model, parameter.name)


def _arguments(options: Mapping[str, Any]) -> list[str]:
    """As they are typed: settings by value, whatever holds data by its own name."""
    given = {name: value for name, value in options.items() if value is not None}
    return [f"{name}={_typed(name, value)}" for name, value in given.items()]


def _typed(name: str, value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    return repr(value) if isinstance(value, bool | int | float | str) else name
