"""Bad command lines: one line on standard error, which speaks of options and of the table."""

import re

import numpy as np
import pandas as pd
import pytest

from vifstats.cli.command import main
from vifstats.cli.cox_table import finite_optimum
from vifstats.cli.options import command_parser
from vifstats.cli.words import in_command_words
from vifstats.errors import ConvergenceError, NotAtMinimumError

N = 40
RNG = np.random.default_rng(5)
TABLE = pd.DataFrame(
    {
        "week": np.ceil(RNG.exponential(10, N)),
        "died": (RNG.random(N) < 0.7).astype(int),
        "age": RNG.normal(60, 9, N).round(1),
        "arm": np.arange(N) % 2,
        "site": np.repeat(list("abcd"), 10),
        "w": RNG.uniform(0.5, 2, N).round(2),
        "start": 0.0,
    }
)
FILE = ["FILE", "--time", "week", "--event", "died", "--covariates", "age,arm"]
FEW = ["--top", "1", "--seconds", "0"]
TENTH = np.arange(N) == 10
# what only a reader of Python understands
PYTHON = re.compile(
    r"\b[a-z_]+=|DataFrame|Series|None\b|Traceback|pandas|numpy|pd\.|np\.|dtype|\.fit\(|Error\b|"
    r"get_dummies|Cholesky|to_numpy|\.loc|`(X|T|E|groups|objects|top|seconds|tol|checkpoint|shard"
    r"|n_jobs|labels|entry|weights|strata|penalizer|method|covariance)`|Estimate|tuple|\bdict\b"
)
# changes of the table, arguments, and what the line must say
CASES = {
    "another command": ({}, ["coxx"], "coxx"),
    "no time": ({}, ["cox", "FILE"], "--time and --event"),
    "no event": ({}, ["cox", "FILE", "--time", "week"], "--event"),
    "event without value": ({}, ["cox", "FILE", "--time", "week", "--event"], "--event"),
    "no such file": ({}, ["cox", "gone.csv", *FILE[1:]], "'gone.csv'; check its name and folder."),
    "a time that is none": ({}, ["cox", *FILE, "--time", "weak"], "'week'"),
    "no such event": ({}, ["cox", *FILE, "--event", "dead"], "'dead'"),
    "no such covariate": ({}, ["cox", *FILE, "--covariates", "agee"], "'age'"),
    "no such stratum": ({}, ["cox", *FILE, "--strata", "sites"], "'site'"),
    "no such weights": ({}, ["cox", *FILE, "--weights", "ww"], "'ww'"),
    "no such entry": ({}, ["cox", *FILE, "--entry", "begin"], "'begin'"),
    "no such groups": ({}, ["cox", *FILE, "--groups", "sit"], "'site'"),
    "no such cluster": ({}, ["cox", *FILE, "--cluster", "sit"], "'site'"),
    "no such id": ({}, ["cox", *FILE, "--id-col", "name"], "'name'"),
    "two parts": ({}, ["cox", *FILE, "--weights", "age"], "--weights"),
    "time is a covariate": ({}, ["cox", *FILE, "--covariates", "week"], "'week'"),
    "no covariate": ({}, ["cox", *FILE, "--covariates", ","], "--covariates"),
    "none left": ({}, ["cox", *FILE[:5], "--covariates", ""], "--covariates"),
    "method": ({}, ["cox", *FILE, "--method", "exact"], "exact"),
    "top is a word": ({}, ["cox", *FILE, "--top", "all"], "all"),
    "top is a half": ({}, ["cox", *FILE, "--top", "2.5"], "2.5"),
    "top is negative": ({}, ["cox", *FILE, "--top", "-1"], "--top"),
    "seconds is a word": ({}, ["cox", *FILE, "--seconds", "long"], "long"),
    "seconds is negative": ({}, ["cox", *FILE, "--seconds", "-1"], "--seconds"),
    "seconds is nan": ({}, ["cox", *FILE, "--seconds", "nan"], "--seconds"),
    "penalizer is negative": ({}, ["cox", *FILE, "--penalizer", "-2"], "--penalizer"),
    "penalizer is infinite": ({}, ["cox", *FILE, "--penalizer", "inf"], "--penalizer"),
    "penalizer is a word": ({}, ["cox", *FILE, "--penalizer", "much"], "much"),
    "shard without refits": ({}, ["cox", *FILE, "--shard", "1/2", "-o", "OUT"], "--method refit"),
    "shard is a word": ({}, ["cox", *FILE, "--method", "refit", "--shard", "x"], "3/50"),
    "shard beyond": (
        {},
        ["cox", *FILE, "--method", "refit", "--shard", "3/2", "-o", "OUT"],
        "3/2",
    ),
    "merge of nothing": ({}, ["merge", "OUT"], "OUT"),
    "output is a file": ({}, ["cox", *FILE, "-o", "FILE"], "table.csv"),
    "unknown option": ({}, ["cox", *FILE, "--tops", "3"], "--tops"),
    "text covariate": ({}, ["cox", *FILE, "--covariates", "age,site"], "'site'"),
    "text time": ({"week": "soon"}, ["cox", *FILE], "week"),
    "text event": ({"died": "yes"}, ["cox", *FILE], "died"),
    "text weights": ({"w": "much"}, ["cox", *FILE, "--weights", "w"], "w"),
    "missing time": ({"week": np.where(TENTH, np.nan, TABLE.week)}, ["cox", *FILE], "week"),
    "missing event": ({"died": np.where(TENTH, np.nan, TABLE.died)}, ["cox", *FILE], "died"),
    "missing covariate": ({"age": np.where(TENTH, np.nan, TABLE.age)}, ["cox", *FILE], "'age'"),
    "infinite covariate": ({"age": np.where(TENTH, np.inf, TABLE.age)}, ["cox", *FILE], "'age'"),
    "negative time": ({"week": np.where(TENTH, -1, TABLE.week)}, ["cox", *FILE], "week"),
    "event 1 and 2": ({"died": TABLE.died + 1}, ["cox", *FILE], "coded 1/2"),
    "event of causes": ({"died": TABLE.died * np.arange(N)}, ["cox", *FILE], "died"),
    "no events": ({"died": 0}, ["cox", *FILE], "event"),
    "weight 0": ({"w": np.where(TENTH, 0, 1)}, ["cox", *FILE, "--weights", "w"], "`w`"),
    "late entry": ({"start": TABLE.week}, ["cox", *FILE, "--entry", "start"], "`start`"),
    "missing stratum": (
        {"site": np.where(TENTH, None, TABLE.site)},
        ["cox", *FILE, "--strata", "site"],
        "`site`",
    ),
    "missing group": (
        {"site": np.where(TENTH, None, TABLE.site)},
        ["cox", *FILE, "--groups", "site"],
        "site",
    ),
    "missing cluster": (
        {"site": np.where(TENTH, None, TABLE.site)},
        ["cox", *FILE, "--cluster", "site"],
        "site",
    ),
    "missing name": (
        {"site": np.where(TENTH, None, TABLE.site)},
        ["cox", *FILE, "--id-col", "site"],
        "'site'",
    ),
    "one group": ({"site": "a"}, ["cox", *FILE, "--groups", "site"], "--groups"),
    "one cluster": ({"site": "a"}, ["cox", *FILE, "--cluster", "site"], "site"),
    "constant covariate": ({"arm": 1}, ["cox", *FILE], "'arm'"),
    "collinear covariates": ({"arm": 2 * TABLE.age - 3}, ["cox", *FILE], "collinear"),
    "result's name": ({"row": TABLE.age}, ["cox", *FILE, "--covariates", "row"], "'row'"),
    "a column without a name": ({"": 1.5}, ["cox", "FILE", *FILE[1:5], *FEW], "name"),
    "all dates": ({"age": "2026-01-01"}, ["cox", *FILE], "'age'"),
    "huge integers": ({"age": 2**53 + np.arange(N)}, ["cox", *FILE], "'age'"),
}


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """The exit code and the lines on standard error."""
    monkeypatch.chdir(tmp_path)

    def run(changes, arguments):
        path = tmp_path / "table.csv"
        TABLE.assign(**changes).to_csv(path, index=False)
        names = {"FILE": "table.csv", "OUT": "OUT"}
        code = main([names.get(word, word) for word in arguments])
        return code, capsys.readouterr().err.strip().splitlines()

    return run


@pytest.mark.parametrize("case", CASES)
def test_one_line_that_speaks_of_the_command(case, run):
    changes, arguments, expected = CASES[case]
    code, lines = run(changes, arguments)
    assert code == 2 and len(lines) == 1
    assert lines[0].startswith("vifstats: error: ") and expected in lines[0]
    assert not (found := PYTHON.search(lines[0])), found


@pytest.mark.parametrize(
    ("changes", "covariates", "option"),
    [
        ({"ward": np.repeat(["north", "south"], N // 2)}, "age,ward", "--categorical"),
        ({"dose": np.where(TENTH, np.nan, TABLE.w)}, "dose,age", "--dropna"),
    ],
)
def test_what_an_option_mends_names_the_option(changes, covariates, option, run):
    asked = ["cox", *FILE[:5], "--covariates", covariates]
    _, (line,) = run(changes, asked)
    assert option in line and line.endswith(".")
    mended = [option, "ward"] if option == "--categorical" else [option]
    code, _ = run(changes, [*asked, *mended, *FEW, "--quiet"])
    assert code == 0


FILL = "leave these rows out with --dropna, or fill the gaps in the file."
CELLS = "correct such cells in the file, whose first row is 0, or empty them and pass --dropna."
LOGIT = ["logit", "FILE", "--outcome", "died", "--covariates", "age,arm"]
SEVENTH = np.arange(N) == 7
# changes of the table, arguments, and the end of the line
REMEDIES = {
    "cell of a covariate": (
        {"age": np.where(SEVENTH, "high", TABLE.age.astype(str))},
        ["cox", *FILE, "--id-col", "site"],
        "Column 'age' of the covariates must be numeric, but row 7 (label 'a') holds 'high' "
        f"(1 such row); {CELLS}",
    ),
    "cell of the time": (
        {"week": np.where(TENTH | SEVENTH, "<1", TABLE.week.astype(str))},
        ["cox", *FILE],
        f"`week` must be numeric, but row 7 holds '<1' (2 such rows); {CELLS}",
    ),
    "cell of the event": (
        {"died": np.where(TENTH, "x", TABLE.died.astype(str))},
        ["cox", *FILE],
        f"`died` must be numeric, but row 10 holds 'x' (1 such row); {CELLS}",
    ),
    "cell of an outcome": (
        {"died": np.where(TENTH, "x", TABLE.died.astype(str))},
        LOGIT,
        f"`died` must be numeric, but row 10 holds 'x' (1 such row); {CELLS}",
    ),
    "gap in the time": ({"week": np.where(TENTH, np.nan, TABLE.week)}, ["cox", *FILE], FILL),
    "gap in the event": ({"died": np.where(TENTH, np.nan, TABLE.died)}, ["cox", *FILE], FILL),
    "gap in the weights": (
        {"w": np.where(TENTH, np.nan, TABLE.w)},
        ["cox", *FILE, "--weights", "w"],
        FILL,
    ),
    "gap in the outcome": ({"died": np.where(TENTH, np.nan, TABLE.died)}, LOGIT, FILL),
    "gap in the strata": (
        {"site": np.where(TENTH, None, TABLE.site)},
        ["cox", *FILE, "--strata", "site"],
        "give such rows a label of their own, or leave them out with --dropna.",
    ),
    "infinite, which no option leaves out": (
        {"age": np.where(TENTH, np.inf, TABLE.age)},
        ["cox", *FILE],
        "is inf in row 10 (1 such row); correct them in the file.",
    ),
    "jobs": ({}, ["cox", *FILE, "--jobs", "0"], "but is 0; pass one of these."),
    "percentage": ({}, ["cox", *FILE, "--level", "90"], "is 90.0; pass 0.9 for 90 %."),
    "words in cox": (
        {},
        ["cox", *FILE, "--covariates", "age,site"],
        "; name it in --categorical, or make it --strata, or leave it out of --covariates.",
    ),
    "words in logit": (
        {},
        [*LOGIT[:-1], "age,site"],
        "; name it in --categorical, or leave it out of --covariates.",
    ),
    "collinear in cox": (
        {"arm": 3 * TABLE.age},
        ["cox", *FILE],
        "; leave one of them out of --covariates, or fit with --penalizer.",
    ),
    "collinear in ols": (
        {"arm": 3 * TABLE.age},
        ["ols", "FILE", "--outcome", "week", "--covariates", "age,arm"],
        "; leave one of them out of --covariates.",
    ),
    "nothing but zeros in poisson": (
        {"arm": 0},
        ["poisson", *LOGIT[1:]],
        "but ['arm'] do not; leave them out of --covariates.",
    ),
    "option of cox": (
        {},
        [*LOGIT, "--strata", "site"],
        "unrecognized arguments: --strata site; see vifstats logit --help",
    ),
    "option of none": (
        {},
        ["cox", *FILE, "--wights", "w"],
        "unrecognized arguments: --wights w; see vifstats cox --help",
    ),
}


@pytest.mark.parametrize("case", REMEDIES)
def test_remedies_are_of_the_command_at_hand(case, run):
    changes, arguments, end = REMEDIES[case]
    code, (line,) = run(changes, arguments)
    assert code == 2 and line.endswith(end), line
    assert not (found := PYTHON.search(line)), found


@pytest.mark.parametrize(
    "changes",
    [
        {"week": np.where(SEVENTH, "", TABLE.week.astype(str))},
        {"died": np.where(SEVENTH, "", TABLE.died.astype(str))},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_cells_that_were_emptied_are_left_out(changes, run):
    code, _ = run(changes, ["cox", *FILE, "--dropna", *FEW, "--quiet"])
    assert code == 0


@pytest.mark.parametrize("part", ["--groups", "--cluster"])
def test_a_column_of_numbers_may_name_groups_too(part, run):
    weighted = ["--weights", "w", part, "w"]
    assert run({"w": 1.0 + np.arange(N) % 5}, ["cox", *FILE, *weighted, *FEW, "--quiet"])[0] == 0


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["cox"], "from the rest, or use --penalty firth, or use --penalizer."),
        (["logit", "t.csv", "--outcome", "y"], "from the rest, or use --penalty firth."),
        (["ols", "t.csv", "--outcome", "y"], "from the rest."),
    ],
)
def test_penalties_are_those_that_the_command_has(arguments, remedy):
    with pytest.raises(ConvergenceError) as caught, finite_optimum():
        raise NotAtMinimumError
    args = command_parser().parse_args(arguments)
    assert in_command_words(str(caught.value), args).endswith(remedy)


def test_warnings_of_lifelines_are_in_words_of_the_command():
    weights = (
        "Your weights are no integers. Instead a) set `robust=True` in the call to `fit`, or b)"
    )
    separated = (
        "Column arm have very low variance when conditioned\n>>> print(df.loc[events, 'arm'])"
    )
    for said, meant in ((weights, "--robust"), (separated, "'arm' hardly varies")):
        line = in_command_words(said)
        assert meant in line and not PYTHON.search(line)


ROW_NUMBERS = {
    "pandas": (0, None),
    "R": (1, None),
    "names": (0, [f"p{i:03d}" for i in range(N)]),
    "zeros before": (0, [f"{i:03d}" for i in range(N)]),
}


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("kind", ROW_NUMBERS)
def test_a_first_column_without_a_name_calls_the_rows(kind, tmp_path, capsys):
    first, labels = ROW_NUMBERS[kind]
    path, out = tmp_path / "exported.csv", tmp_path / "out"
    index = pd.Index(np.arange(first, first + N) if labels is None else labels)
    TABLE.drop(columns=["site", "start"]).set_axis(index, axis=0).to_csv(path)
    assert main(["cox", str(path), *FILE[1:5], *FEW, "-o", str(out)]) == 0
    printed = capsys.readouterr()
    assert "nnamed" not in printed.out + printed.err
    written = pd.read_csv(out / "influence.csv", dtype=str)
    assert written["row"].tolist() == [str(label) for label in index]
    assert {"age", "arm", "w"} < set(written)


@pytest.mark.usefixtures("without_pictures")
def test_a_second_export_and_another_name_of_rows(tmp_path, capsys):
    path, out = tmp_path / "exported.csv", tmp_path / "out"
    table = TABLE.drop(columns="start").assign(name=[f"p{i}" for i in range(N)])
    table.drop(columns="site").reset_index(names="Unnamed: 0").to_csv(path, index=False)
    assert main(["cox", str(path), *FILE[1:5], "--id-col", "name", *FEW, "-o", str(out)]) == 0
    assert pd.read_csv(out / "influence.csv")["row"].tolist() == table["name"].tolist()
    assert "nnamed" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["id", "patient_id", "PatientId", "Subject No", "case.nr"])
def test_numbers_that_say_who_a_row_is_are_asked_about(name, run):
    table = {"site": 0.0, name: RNG.permutation(N) + 101, "start": TABLE.age**2}
    _, lines = run(table, ["cox", *FILE[:5], "--strata", "site", *FEW])
    assert any(
        f"{name!r} is taken for a covariate" in line and "--id-col" in line for line in lines
    )


@pytest.mark.parametrize("changes", [{"age": np.arange(N)}, {"idle": np.arange(N) * 1.5}])
def test_other_distinct_numbers_are_not_asked_about(changes, run):
    code, lines = run(changes | {"site": 0.0}, ["cox", *FILE[:5], "--strata", "site,start", *FEW])
    assert (code, lines) == (0, [])


def test_an_identifier_named_for_a_covariate_is_not_asked_about(run):
    arguments = ["cox", *FILE[:5], "--covariates", "age,id", *FEW]
    assert run({"id": RNG.permutation(N)}, arguments) == (0, [])
