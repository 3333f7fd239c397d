"""What the command reads, and how: separators, gaps, levels, formulas, ties, regressions."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import vifstats as vs
from vifstats.cli.command import main

rng = np.random.default_rng(5)
N = 80
TABLE = pd.DataFrame(
    {
        "patient": [f"p{k}" for k in range(N)],
        "age": rng.normal(60, 9, N).round(1),
        "site": rng.choice(["A", "B", "C"], N),
        "dose": rng.normal(size=N).round(3),
    }
)
TABLE["months"] = rng.exponential(np.exp(-0.05 * (TABLE["age"].to_numpy() - 60))).round(1) + 0.1
TABLE["died"] = (rng.random(N) < 0.7).astype(int)
TABLE["cured"] = (rng.random(N) < 1 / (1 + np.exp(-TABLE["dose"].to_numpy()))).astype(int)
TABLE["visits"] = rng.poisson(2, N)
COX = ["--time", "months", "--event", "died", "--id-col", "patient", "--method", "vif"]


def said(capsys, *arguments: str) -> dict:
    """What `--json` prints of a run without a sample."""
    capsys.readouterr()
    assert main([*arguments, "--json", "--seconds", "0", "--top", "1"]) == 0
    return json.loads(capsys.readouterr().out)


def written(tmp_path, table=TABLE, **how) -> str:
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False, **how)
    return str(path)


@pytest.mark.parametrize(
    "how", [{"sep": ";"}, {"sep": "\t"}, {"sep": ";", "decimal": ","}, {"sep": ","}], ids=str
)
def test_separators_are_found(how, tmp_path, capsys):
    given = [*COX, "--covariates", "age,dose"]
    found = said(capsys, "cox", written(tmp_path, **how), *given)
    loss = vs.losses.Cox(TABLE[["age", "dose"]], TABLE["months"], TABLE["died"])
    theta = vs.minimize(loss, [0.0, 0.0]).theta
    assert list(found["coefficients"].values()) == pytest.approx(theta, rel=1e-6)


def test_a_separator_is_taken_as_told(tmp_path, capsys):
    path = written(tmp_path, sep="|")
    assert said(capsys, "cox", path, *COX, "--covariates", "age", "--sep", "|")["n_rows"] == N


def test_levels_and_formulas_are_the_same_model(tmp_path, capsys):
    path = written(tmp_path)
    by_levels = said(capsys, "cox", path, *COX, "--covariates", "age,site", "--categorical", "site")
    by_formula = said(capsys, "cox", path, *COX, "--formula", "age + site")
    assert by_levels["coefficients"] == by_formula["coefficients"]
    assert list(by_levels["coefficients"]) == ["age", "site[T.B]", "site[T.C]"]


def test_rows_with_gaps_are_left_out_and_counted(tmp_path, capsys):
    gaps = TABLE.copy()
    gaps.loc[[3, 7], "age"], gaps.loc[9, "site"], gaps.loc[0, "visits"] = np.nan, np.nan, np.nan
    path = written(tmp_path, gaps)
    given = ["cox", path, *COX, "--formula", "age + site"]
    assert main([*given, "--dropna", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert out == "" and "leaves out 3 of 80 rows with a missing value (age: 2, site: 1)" in err
    kept = said(capsys, *given, "--dropna")
    assert main(given) == 2
    assert "{'age': 2, 'site': 1} have none" in capsys.readouterr().err
    whole = said(capsys, "cox", written(tmp_path, TABLE.drop(index=[3, 7, 9])), *given[2:])
    assert kept["coefficients"] == pytest.approx(whole["coefficients"])


@pytest.mark.parametrize("ties", ["breslow", "exact"])
def test_ties_are_those_asked_for(ties, tmp_path, capsys):
    found = said(capsys, "cox", written(tmp_path), *COX, "--covariates", "age", "--ties", ties)
    loss = vs.losses.Cox(TABLE[["age"]], TABLE["months"], TABLE["died"], ties=ties)
    assert found["coefficients"]["age"] == pytest.approx(vs.minimize(loss, [0.0]).theta[0])


@pytest.mark.parametrize(
    ("command", "outcome", "model"),
    [("logit", "cured", sm.Logit), ("poisson", "visits", sm.Poisson), ("ols", "dose", sm.OLS)],
)
def test_regressions_are_those_of_statsmodels(command, outcome, model, tmp_path, capsys):
    found = said(capsys, command, written(tmp_path), "--outcome", outcome, "--covariates", "age")
    X = sm.add_constant(TABLE["age"])
    fit = model(TABLE[outcome].astype(float), X).fit(**({} if command == "ols" else {"disp": 0}))
    assert list(found["coefficients"].values()) == pytest.approx(fit.params.to_numpy(), rel=1e-6)
    name = {"logit": "odds_ratio", "poisson": "rate_ratio", "ols": "coefficient"}[command]
    effect = fit.params["age"] if command == "ols" else math.exp(fit.params["age"])
    key = "intervals" if command == "ols" else f"{name}s"
    assert found[key]["age"][name] == pytest.approx(effect, rel=1e-6)


def test_levels_of_intervals_units_and_seeds(tmp_path, capsys):
    path = written(tmp_path)
    given = ["cox", path, *COX, "--covariates", "age,dose", "--unit", "patient", "--top", "1"]
    assert main([*given, "--level", "0.8", "--seed", "7", "--seconds", "5"]) == 0
    text = capsys.readouterr().out
    assert "80% lower" in text and "one patient a line" in text and "seed 7" in text


def test_auto_refits_all_where_there_is_time(tmp_path, capsys):
    given = ["cox", written(tmp_path), *COX[:-2], "--covariates", "age", "--top", "0"]
    assert main([*given, "--seconds", "600"]) == 0
    assert "Every row was refitted" in capsys.readouterr().out
    assert main([*given, "--seconds", "0"]) == 0
    assert "'vif'" in capsys.readouterr().out


def test_what_long_refits_will_take_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("vifstats.cli.command.MANY", 10)
    monkeypatch.setattr("vifstats.cli.command.LONG", 0.0)
    given = ["cox", written(tmp_path), *COX[:-1], "refit", "--covariates", "age"]
    assert main([*given, "--jobs", "2"]) == 0
    assert "note: refits of 80 rows will take about" in capsys.readouterr().err
    assert main([*given, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_the_command_alone_says_what_there_is(capsys):
    assert main([]) == 0
    assert "logit" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("cox {} --formula age+ --time months --event died", "--formula must be"),
        ("cox {} --formula age --covariates age --time months --event died", "--formula says"),
        ("cox {} --covariates age --categorical site --time months --event died", "['site']"),
        ("cox {} --covariates age --time months --event died --level 2", "--level must be"),
        ("cox {} --covariates age --time months --event died --seed -1", "--seed must be"),
        ("logit {} --outcome visits --covariates age", "visits"),
        ("logit {} --outcome curd --covariates age", "did you mean 'cured'"),
        ("ols {} --outcome dose --covariates dose", "outcome and covariate"),
        ("cox {} --covariates age --time months --event died --ties exact --penalizer 1", "Efron"),
    ],
)
def test_mistakes_end_in_one_line(arguments, expected, tmp_path, capsys):
    assert main(arguments.format(written(tmp_path)).split()) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and expected in err


SEPARATED = TABLE.assign(rare=((TABLE.index % 9 == 0) & (TABLE["died"] == 1)).astype(int))
SEPARATED.loc[SEPARATED["rare"] == 1, "cured"] = 1
SEPARATED.loc[SEPARATED["rare"] == 1, "months"] = 0.05  # before all others


# lifelines says so of separation before it stops
@pytest.mark.filterwarnings("ignore:(?s).*Column rare have very low variance")
@pytest.mark.filterwarnings("ignore:Newton-Raphson convergence")
def test_firth_s_penalty_of_a_cox_model(tmp_path, capsys):
    path, given = written(tmp_path, SEPARATED), [*COX, "--covariates", "age,rare"]
    assert main(["cox", path, *given, "--top", "0"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "the coefficient of rare is infinite (separation)" in out
    assert "or fit with --penalty firth." in out
    found = said(capsys, "cox", path, *given, "--penalty", "firth", "--ties", "breslow")
    loss = vs.losses.Cox(
        SEPARATED[["age", "rare"]],
        SEPARATED["months"],
        SEPARATED["died"],
        ties="breslow",
        penalty="firth",
    )
    expected = vs.minimize(loss, [0.0, 0.0]).theta
    assert list(found["coefficients"].values()) == pytest.approx(expected, rel=1e-6)
    assert main(["cox", path, *given, "--penalty", "firth", "--top", "0"]) == 0
    assert capsys.readouterr().out.startswith("Cox model with Firth's penalty of ")


@pytest.mark.parametrize(("command", "outcome"), [("logit", "cured"), ("poisson", "visits")])
def test_firth_s_penalty_of_a_regression(command, outcome, tmp_path, capsys):
    path = written(tmp_path, SEPARATED)
    given = [command, path, "--outcome", outcome, "--covariates", "dose,rare", "--method", "vif"]
    if command == "logit":
        assert main(given) == 2
        assert "--penalty firth" in capsys.readouterr().err
    found = said(capsys, *given, "--penalty", "firth", "--groups", "site")
    X = SEPARATED[["dose", "rare"]].assign(one=1.0)[["one", "dose", "rare"]]
    row_loss = {"logit": vs.losses.row_losses.Logistic, "poisson": vs.losses.row_losses.Poisson}
    loss = vs.losses.LinearPredictor(row_loss[command](), X, SEPARATED[outcome], penalty="firth")
    expected = vs.minimize(loss, np.zeros(3)).theta
    assert list(found["coefficients"].values()) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--penalizer", "0.1"], "--penalizer is given too"),
        (["--ties", "exact"], "--ties must be one of"),
        (["--penalty", "lasso"], "invalid choice"),
    ],
)
def test_firth_s_penalty_goes_without_others(options, words, tmp_path, capsys):
    given = [*COX, "--covariates", "age,dose", "--penalty", "firth"]
    assert main(["cox", written(tmp_path), *given, *options]) == 2
    assert words in capsys.readouterr().err
