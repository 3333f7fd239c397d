"""The command: what it prints and writes, and one line for each thing that can be wrong."""

import io
import json
import os
import subprocess
import sys
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from tolerances import LIFELINES_FIT

import vifstats as vs
from vifstats.cli.command import main
from vifstats.datasets import load_rossi

FILES = ["influence.csv", "influence.json", "report.html", "report.json"]
ROSSI = ["--time", "week", "--event", "arrest"]


@pytest.fixture
def rossi():
    return load_rossi()


@pytest.fixture
def csv(rossi, tmp_path):
    """Write rossi, changed, to a file and return its path."""

    def write(**changes):
        path = tmp_path / "table.csv"
        rossi.assign(**changes).to_csv(path, index=False)
        return str(path)

    return write


@pytest.mark.smoke
def test_the_main_job_runs_as_a_module(tmp_path):
    command = [sys.executable, "-W", "error", "-m", "vifstats", "cox", "-o", "influence"]
    command += ["--covariates", "fin"]  # all seven take three times as long
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "not the variance inflation factor" in ran.stdout
    assert ran.stdout.endswith(
        "Written to influence: report.html, report.json, influence.csv, influence.json\n"
    )
    assert sorted(os.listdir(tmp_path / "influence")) == FILES


@pytest.mark.smoke
@pytest.mark.usefixtures("without_pictures")
def test_files_hold_what_the_package_computes(rossi, tmp_path):
    options = ["--top", "5", "--method", "vif", "--seconds", "3"]  # there is time for refits
    assert main(["cox", *options, "-o", str(tmp_path)]) == 0
    table = pd.read_csv(tmp_path / "influence.csv", index_col="row")
    document = json.loads((tmp_path / "influence.json").read_text())
    loss = vs.losses.Cox(rossi.drop(columns=["week", "arrest"]), rossi["week"], rossi["arrest"])
    est = vs.minimize(loss, np.zeros(7))
    approximate, exact = vs.vif(est).dfbeta, vs.leave_one_out(est).dfbeta
    refitted = document["refitted"]
    assert table.index[table["exact"]].to_list() == refitted
    expected = approximate.copy()
    expected.loc[refitted] = exact.loc[refitted]
    error = np.abs(table[list(est.names)] - expected) / est.standard_errors
    assert error.to_numpy().max() < LIFELINES_FIT
    assert document["n_refitted"] == len(refitted)
    assert json.loads((tmp_path / "report.json").read_text())["overview"]["n_exact"] == len(
        refitted
    )
    mask = est.labels.isin(document["refitted_to_compare"])
    agreement = vs.compare(vs.vif(est, objects=mask), vs.leave_one_out(est, objects=mask))
    for name, figures in document["agreement_with_refits"].items():
        assert figures == pytest.approx(agreement.table.loc[name].to_dict(), rel=1e-6)
    for row in document["most_influential"]:
        ratios = np.exp(est.params - exact.loc[row["row"]]).to_dict()
        assert row["hazard_ratios_without"] == pytest.approx(ratios, rel=1e-6)
    assert document["versions"]["vifstats"] == vs.__version__


def test_a_reader_that_has_seen_enough_is_no_error(monkeypatch, capsys):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as out:  # what is still buffered when it is closed is no error either
        monkeypatch.setattr("sys.stdout", out)
        assert main(["cox", "--top", "0"]) == 141
    monkeypatch.undo()
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("without_pictures")
def test_a_second_run_writes_the_same(rossi, tmp_path):
    rossi[::8].to_csv(tmp_path / "table.csv", index=False)
    command = ["cox", str(tmp_path / "table.csv"), *ROSSI, "--covariates", "fin,prio"]
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        assert main([*command, "--seconds", "600", "-o", str(folder)]) == 0
    for name in ("influence.csv", "influence.json"):
        one, two = [(folder / name).read_bytes() for folder in folders]
        assert one == two


def test_a_file_of_ones_own_with_every_option(csv, capsys):
    rng = np.random.default_rng(0)
    path = csv(late=np.zeros(432), weight=rng.integers(1, 3, 432), site=np.repeat(range(36), 12))
    columns = "--covariates fin,prio --strata race,wexp --weights weight --entry late --groups site"
    options = f"{columns} --penalizer 0.1 --method newton --top 2"
    assert main(["cox", path, *ROSSI, *options.split()]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\nwithout ") == 2
    assert "one site a line" in printed
    assert "Agreement of 'newton' with 36 exact refits" in printed


@pytest.mark.smoke
def test_parquet_and_csv_say_the_same(rossi, csv, tmp_path, capsys):
    path = tmp_path / "table.parquet"
    rossi.to_parquet(path)
    printed = []
    for file in (csv(), str(path)):
        assert main(["cox", file, *ROSSI]) == 0
        printed.append(capsys.readouterr().out.replace(file, "FILE"))
    assert printed[0] == printed[1]


def test_refit_is_exact_everywhere(capsys):
    assert main(["cox", "--covariates", "fin,prio", "--method", "refit"]) == 0
    assert "nothing here is approximate" in capsys.readouterr().out


def test_a_refit_without_optimum_is_named(csv, capsys):
    """Without the only treated event the coefficient is infinite: no number, but a word."""
    rare = np.zeros(432, dtype=int)
    rare[[0, 5, 7]] = 1  # row 0 is arrested, rows 5 and 7 are not
    assert main(["cox", csv(rare=rare), *ROSSI, "--covariates", "prio,rare", "--top", "1"]) == 0
    (line,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("without")]
    assert line.startswith("without 0") and line.endswith(("separation", "did not converge"))


WRONG = {
    "no file": (["nowhere.csv", *ROSSI], "no file 'nowhere.csv'"),
    "no columns named": (["FILE"], "needs --time and --event"),
    "a column misspelt": (["--covariates", "prior"], "did you mean 'prio'"),
    "a column unlike any": (["--time", "xyzzy"], "the columns are ['week'"),
    "a column in two parts": (["--strata", "week"], "['week'] play two"),
    "nothing to estimate": (["--covariates", ","], "covariate"),
    "an unknown method": (["--method", "magic"], "invalid choice: 'magic'"),
    "an unknown option": (["--tiem", "week"], "unrecognized arguments"),
    "top no number": (["--top", "ten"], "invalid int value"),
    "top negative": (["--top", "-1"], "must be 0 or more"),
    "time negative": (["--seconds", "-1"], "must be >= 0"),
    "time no number": (["--seconds", "nan"], "must be >= 0"),
    "penalizer negative": (["--penalizer", "-1"], "must be >= 0"),
    "time and event swapped": (["--time", "arrest", "--event", "week"], "swapped"),
    "output is a file": (["-o", "FILE"], "cannot be made"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_ends_in_one_line(case, csv, capsys):
    arguments, expected = WRONG[case]
    file = csv()
    assert_one_line(["cox", *(file if a == "FILE" else a for a in arguments)], expected, capsys)


BAD_DATA = {
    "strings": ({"race": "black"}, "'race'"),
    "missing covariate": ({"age": np.where(np.arange(432) == 17, np.nan, 20)}, "row 17"),
    "negative time": ({"week": np.where(np.arange(432) == 17, -3, 20)}, "`week` must be >= 0"),
    "coded 1/2": ({"arrest": np.arange(432) % 2 + 1}, "`arrest` must be 0 or 1"),
    "no events": ({"arrest": 0}, "at least one event"),
    "constant": ({"race": 1}, "['race']"),
    "collinear": ({"race": load_rossi()["wexp"] * 2}, "collinear"),
    "a column of results": ({"status": load_rossi()["wexp"] * 2}, "['status']"),
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_end_in_one_line(case, csv, capsys):
    changes, expected = BAD_DATA[case]
    assert_one_line(["cox", csv(**changes), *ROSSI], expected, capsys)


@pytest.mark.parametrize(
    ("name", "contents", "expected"),
    [
        ("empty.csv", b"", "is empty; export it"),
        ("header.csv", b"week,arrest,age\n", "has none"),
        ("binary.csv", b"\xff\xfe\x00\x01\x80", "cannot be read"),
        ("not.parquet", b"week,arrest\n1,0\n", "must be Parquet"),
    ],
)
def test_an_unreadable_file_ends_in_one_line(name, contents, expected, tmp_path, capsys):
    path = tmp_path / name
    path.write_bytes(contents)
    assert_one_line(["cox", str(path), *ROSSI], expected, capsys)


def test_a_folder_is_no_table(tmp_path, capsys):
    assert_one_line(["cox", str(tmp_path), *ROSSI], "is a folder", capsys)


@pytest.mark.filterwarnings("default")  # as in a process of its own
def test_a_warning_of_lifelines_is_one_line(csv, capsys):
    weights = np.linspace(0.5, 1.5, 432)  # lifelines: naive standard errors with such weights
    assert main(["cox", csv(w=weights), *ROSSI, "--weights", "w"]) == 0
    said = capsys.readouterr().err
    assert said.startswith("vifstats: warning: ") and said.count("\n") == 1


@pytest.mark.usefixtures("without_pictures")
def test_a_page_is_written_too(csv, tmp_path, capsys):
    path = csv(subject=[f"s-{i:04d}" for i in range(432)])
    options = "--id-col subject --covariates fin,prio --top 3 --seconds 1"
    assert main(["cox", path, *ROSSI, *options.split(), "-o", str(tmp_path / "out")]) == 0
    assert "(numbered from 0)" not in capsys.readouterr().out
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert all(item["row"].startswith("s-") for item in document["rows"]["items"])
    assert document["method"]["command"].startswith("vifstats cox ")
    page = (tmp_path / "out" / "report.html").read_text()
    assert document["headline"][0] in page.replace("&#39;", "'")


def test_no_rows_means_none_anywhere(csv, tmp_path, capsys):
    """Every label, and values of rows that nothing else could have printed, are looked for."""
    rng = np.random.default_rng(5)
    secret = 10 * rng.integers(10**5, 10**6, 432) + 7
    score = secret / 10**6
    labels = [f"s-{i:04d}" for i in secret]
    path = csv(subject=labels, score=score)
    folder = tmp_path / "out"
    command = ["cox", path, *ROSSI, "--id-col", "subject", "--covariates", "fin,score"]
    command += ["--seconds", "2", "-o", str(folder)]
    folder.mkdir()
    for name in FILES:  # an earlier run may have left rows behind
        (folder / name).write_text("\n".join(labels))
    assert main([*command, "--no-rows"]) == 0
    written = [unquote((folder / name).read_text()) for name in FILES]
    for text in (*written, capsys.readouterr().out):
        assert not any(label in text for label in labels)
        assert not any(f"{value:.6f}" in text for value in score)
    coefficients = pd.read_csv(folder / "influence.csv", index_col="coefficient")
    assert list(coefficients.index) == ["fin", "score"]


@pytest.mark.parametrize("labels", ["missing", "gaps"])
def test_names_of_rows_are_checked(labels, csv, capsys):
    path = csv(subject=np.where(np.arange(432) == 3, np.nan, 1.0))
    column = {"missing": "subjects", "gaps": "subject"}[labels]
    expected = {"missing": "did you mean 'subject'", "gaps": "1 have none"}[labels]
    assert_one_line(["cox", path, *ROSSI, "--id-col", column], expected, capsys)


@pytest.mark.usefixtures("without_pictures")
def test_names_of_rows_and_groups_stay_as_they_are_written(csv, tmp_path):
    """007 is no 7; and two rows of one name are two rows, in strata too."""
    names = [f"{i // 2:03d}" for i in range(432)]
    command = ["cox", csv(id=names), *ROSSI, "--covariates", "fin,age", "--seconds", "0"]
    rows, groups = tmp_path / "rows", tmp_path / "groups"
    assert main([*command, "--strata", "race", "--id-col", "id", "-o", str(rows)]) == 0
    assert main([*command, "--groups", "id", "-o", str(groups)]) == 0
    assert pd.read_csv(rows / "influence.csv", dtype=str)["row"].to_list() == names
    assert pd.read_csv(groups / "influence.csv", dtype=str)["row"].to_list() == names[::2]


@pytest.mark.filterwarnings("default")  # as in a process of its own
def test_an_optimum_at_infinity_is_told_in_words_of_the_table(csv, capsys):
    """The earlier the arrest, the larger the covariate: its coefficient has no finite optimum."""
    assert main(["cox", csv(earliness=-load_rossi()["week"]), *ROSSI]) == 2
    assert "finite optimum" in (last := capsys.readouterr().err.splitlines()[-1])
    assert "drop" in last and "tol" not in last


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_lacks_letters_is_no_error(encoding, rossi, tmp_path, monkeypatch, capsys):
    path = tmp_path / "t.csv"
    rossi.rename(columns={"age": "\N{GREEK SMALL LETTER ALPHA}"}).to_csv(path)
    with io.TextIOWrapper(io.BytesIO(), encoding) as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        assert main(["cox", str(path), *ROSSI, "--seconds", "0"]) == 0
        terminal.flush()
        assert rb"\u03b1" in terminal.buffer.getvalue()
        monkeypatch.undo()
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(os.name == "nt", reason="file names of Windows are always text")
@pytest.mark.usefixtures("without_pictures")
def test_a_file_whose_name_is_no_text_is_read(rossi, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv")
    rossi.to_csv(path, index=False)
    command = ["cox", path, *ROSSI]
    assert main([*command, "--seconds", "0", "--covariates", "fin", "-o", str(tmp_path)]) == 0
    assert r"\udcff.csv" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_output_that_cannot_be_written_ends_in_one_line(monkeypatch, capsys):
    with open("/dev/full", "w") as full:  # nor is it written when it is closed
        monkeypatch.setattr("sys.stdout", full)
        assert main(["cox", "--seconds", "0"]) == 2
    monkeypatch.undo()
    said = capsys.readouterr().err
    assert "Standard output must take" in said and said.count("\n") == 1


@pytest.mark.usefixtures("without_pictures")
def test_an_interrupt_leaves_nothing_half_written(monkeypatch, tmp_path, capsys):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("vifstats.reporting.files.json.dump", interrupted)
    assert main(["cox", "--seconds", "0.5", "-o", str(tmp_path)]) == 130
    assert os.listdir(tmp_path) == []
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.usefixtures("without_pictures")
def test_a_job_array_writes_what_one_run_writes(csv, tmp_path, capsys):
    """In any order, and one part twice."""
    command = ["cox", csv(), *ROSSI, "--covariates", "fin", "--method", "refit", "--seconds", "1"]
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    for shard in ("3/3", "1/3", "1/3", "2/3"):
        assert main([*command, "--shard", shard, "-o", str(parts)]) == 0
    assert main(["merge", str(parts)]) == 0
    assert "432 rows of 3 parts: 432 ok" in capsys.readouterr().out
    main([*command, "-o", str(whole)])
    assert (parts / "influence.csv").read_bytes() == (whole / "influence.csv").read_bytes()


def test_a_shard_that_is_interrupted_says_how_to_go_on(csv, tmp_path, monkeypatch, capsys):
    command = [
        "cox",
        csv(),
        *ROSSI,
        "--method",
        "refit",
        "--shard",
        "1/1",
        "-o",
        str(tmp_path / "p"),
    ]
    write = vs.deletion.parallel.Checkpoint.write

    def write_and_stop(checkpoint, k, rows):
        write(checkpoint, k, rows)
        raise KeyboardInterrupt

    monkeypatch.setattr(vs.deletion.parallel.Checkpoint, "write", write_and_stop)
    assert main(command) == 130
    assert "are kept in" in capsys.readouterr().err
    monkeypatch.undo()
    assert main(command) == main(["merge", str(tmp_path / "p")]) == 0


WRONG_SHARDS = {
    "shard 0": (["--method", "refit", "--shard", "0/50", "-o", "p"], "numbered from 1 to 50"),
    "shard 51": (["--method", "refit", "--shard", "51/50", "-o", "p"], "numbered from 1 to 50"),
    "no shard": (["--method", "refit", "--shard", "three", "-o", "p"], "as 3/50"),
    "no refits": (["--shard", "1/2", "-o", "p"], "it needs --method refit"),
    "no folder": (["--method", "refit", "--shard", "1/2"], "it needs --method refit and -o DIR"),
}


@pytest.mark.parametrize("case", WRONG_SHARDS)
def test_a_wrong_shard_ends_before_the_data_are_read(case, capsys):
    arguments, expected = WRONG_SHARDS[case]
    assert_one_line(["cox", "nowhere.csv", *ROSSI, *arguments], expected, capsys)


def test_nothing_to_merge_ends_in_one_line(tmp_path, capsys):
    assert_one_line(["merge", str(tmp_path)], "has none that is finished", capsys)


def assert_one_line(arguments, expected, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("vifstats: error: ") and err.count("\n") == 1
    assert expected in err


@pytest.mark.parametrize(
    ("option", "groups"), [(["--robust"], None), (["--cluster", "educ"], "educ")], ids=str
)
def test_robust_standard_errors_are_lin_and_weis(option, groups, capsys, tmp_path):
    table = load_rossi().assign(educ=lambda frame: frame["prio"] % 5)
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False)
    covariates = ["--covariates", "fin,age", "--time", "week", "--event", "arrest"]
    assert main(["cox", str(path), *covariates, *option, "--top", "0"]) == 0
    out = capsys.readouterr().out
    assert "robust confidence intervals" in out
    loss = vs.losses.Cox(table[["fin", "age"]], table["week"], table["arrest"])
    est = vs.minimize(loss, [0.0, 0.0])
    by = None if groups is None else table[groups]
    error = float(np.sqrt(est.cov_params("robust", groups=by).loc["fin", "fin"]))
    lower = np.exp(est.params["fin"] - 1.959964 * error)
    line = next(line for line in out.splitlines() if line.strip().startswith("fin"))
    assert float(line.split()[2]) == pytest.approx(lower, abs=6e-4)
