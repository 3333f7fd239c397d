"""What the README shows is what happens: its code runs and prints what stands below it."""

import contextlib
import io
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from vifstats.adapters import ADAPTERS
from vifstats.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


class Block(NamedTuple):
    language: str
    text: str


BLOCKS = [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", README, re.M | re.S)]


def test_python_blocks_print_what_follows_them():
    names: dict = {}
    shown = [block for block in BLOCKS if block.language in ("python", "text")]
    assert [block.language for block in shown] == ["python", "text"] * (len(shown) // 2)
    for code, output in zip(shown[::2], shown[1::2], strict=True):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code.text, "README.md", "exec"), names)
        assert printed.getvalue() == output.text


def test_console_block_is_what_the_command_prints(capsys):
    (console,) = [block.text for block in BLOCKS if block.language == "console"]
    command, expected = console.split("\n", 1)
    assert command.startswith("$ vifstats ")
    assert main(command.removeprefix("$ vifstats ").split()) == 0
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("what", ["-m vifstats cox -o influence", "-m pytest"])
def test_each_of_the_two_lines_starts_from_nothing_but_python(what):
    lines = [block.text for block in BLOCKS if block.language == "bash"]
    assert len(lines) == 2
    (line,) = [line for line in lines if what in line]
    assert line.count("\n") == 1
    assert line.startswith("python3 -m venv .venv && .venv/bin/pip install -q ")
    assert line.rstrip().endswith(f"&& .venv/bin/python {what}")


# class in the table of adapters -> what its users call it
CALLED = {
    "ParametricRegressionFitter": "WeibullAFTFitter",
    "ParametricUnivariateFitter": "WeibullFitter",
    "PHRegResults": "PHReg",
    "GenericZeroInflated": "ZeroInflated",
    "_GeneralizedLinearRegressor": "PoissonRegressor",
}
PLAIN_COEFFICIENTS = ("builtins", "numpy", "pandas")


def test_every_model_that_is_taken_is_in_the_table():
    models = [
        model.rsplit(".", 1)[-1]
        for model, adapter in ADAPTERS.items()
        if not (model.startswith(PLAIN_COEFFICIENTS) or adapter.endswith(":refused"))
    ]
    assert [model for model in models if f"`{CALLED.get(model, model)}" not in README] == []


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
