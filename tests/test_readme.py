"""What the README promises: the lines to begin with, and the models that are supported."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import blocks

from vifstats.adapters import ADAPTERS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks(README)

LINES = [
    "-m vifstats cox -o influence",
    "-m pytest",
    "-m sphinx -W -b html docs docs/_build/html",
]


@pytest.mark.parametrize("what", LINES)
def test_each_line_starts_from_nothing_but_python(what):
    lines = [block.text for block in BLOCKS if block.language == "bash"]
    assert len(lines) == len(LINES)
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
