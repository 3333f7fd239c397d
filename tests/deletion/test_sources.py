"""One noun opens every door: each verb takes a fit with its data, an estimate or an influence."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifelines import CoxPHFitter
from sklearn.linear_model import LogisticRegression

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError, UnsupportedModelError

N = 48
rng = np.random.default_rng(3)
TABLE = pd.DataFrame({"age": rng.normal(size=N), "dose": rng.normal(size=N)})
TABLE["time"] = rng.exponential(np.exp(-0.5 * TABLE["age"].to_numpy())).round(2) + 0.01
TABLE["died"] = (rng.random(N) < 0.8).astype(int)
TABLE["hospital"] = np.repeat(list("abcdef"), N // 6)
X = TABLE[["age", "dose"]]


class CoxPHSurvivalAnalysis:
    """As scikit-survival's, whose licence keeps it out of the tests: known by its attributes."""

    def __init__(self, coef: np.ndarray) -> None:
        self.coef_, self.ties, self.alpha = coef, "breslow", 0
        self.n_features_in_, self.feature_names_in_ = 2, np.array(["age", "dose"])


CoxPHSurvivalAnalysis.__module__ = "sksurv.linear_model.coxph"


def _lifelines() -> tuple:
    table = TABLE.drop(columns="hospital")
    strict = {"precision": 1e-13, "r_precision": 1e-16}
    return CoxPHFitter().fit(table, "time", "died", fit_options=strict), TABLE


def _phreg() -> tuple:
    return (sm.PHReg(TABLE["time"], X, status=TABLE["died"], ties="efron").fit(),)


def _scikit_learn() -> tuple:
    y = (TABLE["time"] > TABLE["time"].median()).astype(int)
    return LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(X, y), X, y


def _scikit_survival() -> tuple:
    loss = vs.losses.Cox(X, TABLE["time"], TABLE["died"], ties="breslow")
    fit = CoxPHSurvivalAnalysis(vs.minimize(loss, np.zeros(2)).theta)
    return fit, X, TABLE["time"], TABLE["died"]


FITS = {
    "lifelines": cache(_lifelines),
    "statsmodels": cache(_phreg),
    "scikit-learn": cache(_scikit_learn),
    "scikit-survival": cache(_scikit_survival),
}
HOSPITAL = TABLE["hospital"].to_numpy()


def drawn(ax: Any) -> np.ndarray:
    points = [line.get_xydata().ravel() for line in ax.lines]
    found = np.concatenate([*points, [bar.get_height() for bar in ax.patches]])
    plt.close(ax.figure)
    return found


# What a verb says, as numbers: of x, with the data where x is a fitted model.
VERBS = {
    "influence": lambda x, *data: vs.influence(x, *data, method="vif").values,
    "vif": lambda x, *data: vs.vif(x, *data).values,
    "groups": lambda x, *data: vs.vif(x, *data, groups=HOSPITAL).values,
    "classical_if": lambda x, *data: vs.classical_if(x, *data).values,
    "newton_step": lambda x, *data: vs.newton_step(x, *data).values,
    "leave_one_out": lambda x, *data: vs.leave_one_out(x, *data, objects=[0, 1]).values,
    "truncated_refits": lambda x, *data: vs.truncated_refits(x, *data, objects=[0]).values,
    "refit_top": lambda x, *data: vs.refit_top(x, 1, *data).values,
    "leave_out": lambda x, *data: vs.leave_out(x, [0, 5], *data).table,
    "leave_one_group_out": lambda x, *data: vs.leave_one_group_out(x, HOSPITAL, *data).table,
    "conclusions": lambda x, *data: vs.conclusions(x, *data).table,
    "influential_set": lambda x, *data: (
        vs.influential_set(x, "age", *data, change=-0.1, max_size=3, method="sorted").path
    ),
    "cross_validated_loglik": lambda x, *data: vs.cross_validated_loglik(x, *data).table,
    "choose_penalty": lambda x, *data: vs.choose_penalty(x, [1.0], *data).table,
    "edit": lambda x, *data: (
        vs.vif(vs.edit(x, *data, covariates={"age": lambda age: age + 1.0}, rows=[3])).values
    ),
    "fragility": lambda x, *data: vs.fragility(x, "dose", *data, max_size=1).table,
    "compare_methods": lambda x, *data: vs.compare_methods(x, *data, objects=[0, 1]).table.drop(
        columns="seconds"
    ),
    "covariate_sensitivity": lambda x, *data: vs.covariate_sensitivity(x, *data),
}
PLOTS = {
    name: getattr(vs.plots, name)
    for name in ("index_plot", "influence_plot", "distribution_plot", "range_plot", "forest_plot")
}


def numbers(found: Any) -> np.ndarray:
    if isinstance(found, pd.DataFrame):
        found = found.select_dtypes("number").to_numpy()
    return np.asarray(found, dtype=float)


def said(verb: str, *given: Any) -> np.ndarray | str:
    """The numbers, or the one sentence on what the verb is for."""
    try:
        return numbers(VERBS[verb](*given))
    except InvalidTypeError as error:
        return str(error)


@pytest.mark.parametrize("library", FITS)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_the_same_of_each(verb, library):
    fit, *data = FITS[library]()
    est = vs.from_model(fit, *data)
    of_fit = said(verb, fit, *data)
    assert isinstance(of_fit, str) == ((verb, library) == ("fragility", "scikit-learn"))
    for x in (est, vs.vif(est), vs.vif(est).on(vs.targets.Coefficient("age"))):
        np.testing.assert_array_equal(said(verb, x), of_fit)


def test_a_report_says_the_same_of_each(tmp_path, monkeypatch):
    monkeypatch.setattr("vifstats.plots.as_svg", lambda draw, **options: "<svg></svg>")
    fit = FITS["statsmodels"]()[0]
    est = vs.from_model(fit)
    pages = []
    for k, x in enumerate((fit, est, vs.vif(est))):
        path = vs.report(x, path=tmp_path / str(k) / "report.html", method="vif", top=3)
        pages.append(json.loads(path.with_suffix(".json").read_text()))
    assert pages[0]["coefficients"] and pages[0]["rows"]
    for name in ("coefficients", "rows", "trends", "headline"):
        assert pages[1][name] == pages[0][name] == pages[2][name]


@pytest.mark.parametrize("plot", PLOTS)
def test_plots_take_a_fit_an_estimate_or_an_influence(plot):
    name = "age" if plot == "forest_plot" else None
    given = {} if name is None else {"name": name}
    fit = FITS["statsmodels"]()[0]
    est = vs.from_model(fit)
    pictures = [drawn(PLOTS[plot](x, **given)) for x in (fit, est, vs.vif(est))]
    for other in pictures[1:]:
        np.testing.assert_array_equal(other, pictures[0])


@pytest.mark.parametrize("plot", ["index_plot", "influence_plot", "distribution_plot", "time_plot"])
def test_plots_take_the_target_of_a_result(plot):
    change = vs.vif(*FITS["lifelines"]()).on(vs.targets.RelativeRisk([1.0, 0.0]))
    ax = getattr(vs.plots, plot)(change)
    assert "change" in ax.get_ylabel() + ax.get_xlabel() + ax.get_title(loc="right")
    plt.close(ax.figure)


def test_compare_takes_what_comes():
    fit = FITS["statsmodels"]()[0]
    est = vs.from_model(fit)
    of_results = vs.compare(vs.vif(est), vs.leave_one_out(est)).table
    for x, y in ((fit, None), (est, est), (vs.vif(est), fit)):
        pd.testing.assert_frame_equal(vs.compare(x, y).table, of_results)
    target = vs.targets.RelativeRisk([1.0, 0.0])
    on_target = vs.compare(vs.vif(est).on(target), vs.leave_one_out(est).on(target)).table
    pd.testing.assert_frame_equal(vs.compare(vs.vif(est).on(target)).table, on_target)


def test_groups_by_the_name_of_a_column():
    fit, table = FITS["lifelines"]()
    by_labels = vs.vif(fit, table, groups=HOSPITAL)
    for found in (
        vs.vif(fit, table, groups="hospital"),
        vs.influence(fit, table, method="vif", groups="hospital"),
        vs.vif(vs.from_model(fit, table, groups="hospital")),
    ):
        pd.testing.assert_frame_equal(found.dfbeta, by_labels.dfbeta)
    table_of = vs.leave_one_group_out(fit, "hospital", table).table
    assert list(table_of.index.get_level_values(0).unique()) == list("abcdef")
    assert (table_of["events"].groupby(level=0).first().sum(), table_of["rows"].iloc[0]) == (
        TABLE["died"].sum(),
        8,
    )
    with pytest.raises(InvalidInputError, match="did you mean 'hospital'"):
        vs.conclusions(fit, table, groups="hospitl")


@pytest.mark.parametrize("verb", VERBS)
def test_what_no_verb_takes_is_told_in_one_sentence(verb):
    with pytest.raises(UnsupportedModelError, match="A fitted model must be one of these"):
        VERBS[verb](object())
    with pytest.raises(InvalidInputError, match="has its own data"):
        VERBS[verb](vs.from_model(*FITS["lifelines"]()), TABLE)
