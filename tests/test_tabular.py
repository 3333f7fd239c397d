"""Every result shows itself, in a terminal and a notebook, and goes where tables are needed."""

from __future__ import annotations

import pickle
import re
from dataclasses import FrozenInstanceError
from functools import cache
from importlib.util import find_spec
from io import StringIO

import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.tabular import LINES

rng = np.random.default_rng(19)
N = 60
X = pd.DataFrame(
    {"arm": np.arange(N) % 2, "<b>age</b>": rng.normal(size=N), "=1+1": rng.normal(size=N)},
    index=[f"=id|{k}" for k in range(N)],
)
T = rng.exponential(np.exp(-0.6 * X["arm"].to_numpy())).round(2) + 0.01
E = (rng.random(N) < 0.7).astype(int)
SITE = np.repeat(["north", "south", "<i>east</i>"], N // 3)
EST = vs.minimize(
    vs.losses.Cox(X.to_numpy(), T, E), np.zeros(3), names=list(X.columns), labels=X.index
)
INFLUENCE = vs.vif(EST)

RESULTS = {
    "estimate": lambda: EST,
    "influence": lambda: INFLUENCE,
    "refits": lambda: vs.leave_one_out(EST, groups=SITE),
    "target": lambda: INFLUENCE.on(vs.targets.RelativeRisk([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])),
    "agreement": lambda: vs.compare(INFLUENCE, vs.newton_step(EST)),
    "conclusions": lambda: vs.conclusions(EST),
    "set": lambda: vs.influential_set(EST, "arm", change=-0.1),
    "fragility": lambda: vs.fragility(EST, "arm", max_size=1),
    "groups": lambda: vs.leave_one_group_out(EST, SITE),
    "left out": lambda: vs.leave_out(EST, X.index[:3]),
    "cross-validation": lambda: vs.cross_validated_loglik(EST),
    "penalty": lambda: vs.choose_penalty(EST, [0.1, 1.0]),
    "methods": lambda: vs.compare_methods(EST, objects=list(X.index[:12])),
    "curve": lambda: vs.kaplan_meier(T, E, groups=SITE),
    "stream": lambda: vs.streaming.cox(
        EST.theta,
        [X.assign(t=T, e=E).sort_values("t")],
        time="t",
        event="e",
        columns=list(X.columns),
        top=8,
    ),
    "check of a loss": lambda: vs.check_loss(EST.loss, EST.theta, max_objects=2),
    "check of a target": lambda: vs.check_target(vs.targets.Coefficient("arm"), EST),
}
every_result = pytest.mark.parametrize("make", [*map(cache, RESULTS.values())], ids=RESULTS)


@every_result
def test_text_and_page_are_short_and_inert(make):
    result = make()
    text, page = repr(result), result._repr_html_()
    assert text.count("\n") <= 2 * LINES + 8
    assert max(map(len, text.splitlines())) <= 100
    assert not re.search(r"<script|<b>|<i>|color|background|style=\"(?!text-align)", page)
    assert len(page) < 10_000


@every_result
def test_tables_are_written_as_text_and_to_files(make, tmp_path):
    result = make()
    assert result.to_frame().equals(result.table)
    result.to_csv(tmp_path / "table.csv")
    text = result.to_csv()
    assert (tmp_path / "table.csv").read_text(encoding="utf-8") == text
    assert not re.search(r"(^|,)=", text, re.M), "a formula to a spreadsheet"
    back = pd.read_csv(StringIO(text))
    assert len(back) == len(result.table)
    lines = result.to_markdown().splitlines()
    cells = [len(re.findall(r"(?<!\\)\|", line)) for line in lines]
    assert len(set(cells)) == 1 and set(lines[1]) <= set("| -:")
    latex = result.to_latex(caption="A table")
    assert latex.count("\\\\\n") == len(lines) - 1 and "A table" in latex
    if not isinstance(result, vs.streaming.StreamedInfluence):  # its `top` is all that was kept
        assert len(result.top(1)) == min(1, len(result.table))


@every_result
def test_results_are_frozen_and_pickle(make):
    result = make()
    again = pickle.loads(pickle.dumps(result))
    assert repr(again) == repr(result)
    with pytest.raises((FrozenInstanceError, AttributeError)):
        result.level = 0.5


@every_result
def test_excel_says_what_it_needs(make, tmp_path, monkeypatch):
    result = make()
    path = tmp_path / "table.xlsx"
    if find_spec("openpyxl"):
        result.to_excel(path)
        sheet = pd.read_excel(path, header=None).astype(str)
        assert not sheet.map(lambda cell: cell.startswith("=")).any(axis=None)
    monkeypatch.setattr("vifstats.tabular.find_spec", lambda name: None)
    with pytest.raises(InvalidInputError, match=r"pip install 'vifstats\[excel\]'"):
        result.to_excel(path)


def test_the_summary_is_what_the_library_reports():
    sm = pytest.importorskip("statsmodels.api")
    y = (rng.random(N) < 0.5).astype(float)
    fit = sm.Logit(y, sm.add_constant(X[["arm"]].reset_index(drop=True))).fit(disp=0)
    table = vs.from_model(fit).summary(0.9)
    assert table["coefficient"].to_numpy() == pytest.approx(fit.params.to_numpy(), rel=1e-6)
    assert table["p_value"].to_numpy() == pytest.approx(fit.pvalues.to_numpy(), rel=1e-6)
    limits = table[["lower_90", "upper_90"]].to_numpy()
    assert limits == pytest.approx(fit.conf_int(0.1).to_numpy(), rel=1e-6, abs=1e-9)
    assert table["odds_ratio"]["arm"] == pytest.approx(np.exp(fit.params["arm"]))
    assert np.isnan(table["odds_ratio"]["const"]), "an intercept is no odds ratio"


def test_t_is_called_t_and_coefficients_stay_coefficients():
    sm = pytest.importorskip("statsmodels.api")
    fit = sm.OLS(rng.normal(size=N), sm.add_constant(X["arm"].to_numpy())).fit()
    est = vs.from_model(fit)
    assert list(est.summary().columns)[2:4] == ["t", "p_value"]
    assert est.table.shape[1] == 6
    assert vs.vif(est).effects.columns.names[0] == "coefficient"


def test_effects_are_what_people_report():
    effects = INFLUENCE.effects
    assert effects.columns.names == ["hazard ratio", "rows"]
    without = np.exp(INFLUENCE.params_without)
    assert np.allclose(effects["arm"]["without"], without["arm"])
    assert np.allclose(effects["arm"]["all"], np.exp(EST.params["arm"]))
    ranges = INFLUENCE.ranges.loc["arm"]
    assert (ranges["lowest"], ranges["highest"]) == (without["arm"].min(), without["arm"].max())
    assert without["arm"][ranges["lowest_without"]] == ranges["lowest"]


def test_rows_are_flagged_in_any_parameter():
    flagged = INFLUENCE.flagged()
    assert flagged.equals((INFLUENCE.dfbetas.abs() > 0.2).any(axis=1).rename("flagged"))
    assert INFLUENCE.flagged(1e9).sum() == 0 < flagged.sum()
    separating = vs.leave_one_out(
        vs.minimize(
            vs.losses.Cox([[1.0], [0.0], [0.0], [0.0], [1.0]], [1, 2, 3, 4, 5], [1, 1, 1, 1, 1]),
            [0.0],
        )
    )
    assert separating.flagged(1e9).to_numpy().tolist() == separating.failed.tolist()


def test_a_fit_whose_errors_cannot_be_followed_is_still_shown():
    est = EST.with_inference(vs.Inference("naive", refusal="The errors are of nobody."))
    assert "no standard errors: The errors are of nobody." in repr(est)
    assert "coefficient" in est._repr_html_()
