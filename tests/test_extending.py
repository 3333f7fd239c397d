"""Whatever is forgotten when something is added: a test here fails, and names the file to touch.

The checklists of docs/extending name these tests, in this order.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from cases import CASES
from pages import blocks
from target_cases import CASES as TARGET_CASES

import vifstats
from vifstats import losses, solvers, targets
from vifstats.adapters import ADAPTERS

ROOT = Path(__file__).parents[1]
EXTENDING = ROOT / "docs" / "extending"


@dataclass(frozen=True)
class Kind:
    """One kind of class that is meant to be added.

    Attributes
    ----------
    room : module
    base : type
    table : str
        The file with a row for each.
    parts : set of str
        Classes that others are made of, or what a function returns.
    in_one_line : set of str
        What the changelog of the first release tells of by a word, not by its name.
    unmeasured : set of str
        What tests and check_loss hold, and validation has no figure for.
    """

    room: ModuleType
    base: type
    table: str
    parts: frozenset[str]
    in_one_line: frozenset[str]
    unmeasured: frozenset[str]

    def __str__(self) -> str:
        return self.room.__name__.removeprefix("vifstats.")

    def classes(self) -> Iterator[type]:
        """Each class that can be made, defined in whatever file of the room."""
        for found in pkgutil.walk_packages(self.room.__path__, f"{self.room.__name__}."):
            module = import_module(found.name)
            for name, thing in vars(module).items():
                if (
                    inspect.isclass(thing)
                    and issubclass(thing, self.base)
                    and thing is not self.base
                    and thing.__module__ == found.name
                    # equations are no losses: tests/equations holds them
                    and not issubclass(thing, losses.EstimatingEquations)
                    and not (inspect.isabstract(thing) or name in self.parts or name[0] == "_")
                ):
                    yield thing

    def names(self) -> list[str]:
        return [cls.__name__ for cls in self.classes()]


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LOSSES = Kind(
    losses,
    losses.Loss,
    "tests/cases.py",
    # losses of a network are made from another loss or library: tests/losses/backends and
    # tests/adapters/test_proximal.py hold them
    parts=words(
        "Edited EditedCox EditedExact EditedRows EditedTogether ExactCox Firth FirthCox "
        "FirthLinearPredictor Masked SequentialChoice BackendLoss JaxLoss TorchLoss Linearized "
        "PredictorsOfRows Proximal"
    ),
    in_one_line=words(
        """
        BradleyTerry ConditionalLogistic FunctionLoss InfoNCE LinearPredictor ListMLE MEstimator
        NodeEmbedding PlackettLuce SoftmaxCrossEntropy Triplet
        """
    ),
    unmeasured=words(
        """
        BradleyTerry ConditionalLogistic ConditionalPoisson InfoNCE MEstimator PlackettLuce Triplet
        """
    ),
)
TARGETS = Kind(
    targets,
    targets.Target,
    "tests/target_cases.py",
    # a log-rank test is of curves, which have no loss: tests/diagnostics/curves
    parts=words(
        """
        BoundWald Combination CurveTarget HazardTarget LogRank RestrictedMean Standardized
        WaldTarget
        """
    ),
    in_one_line=words(
        """
        AverageMarginalEffect BaselineHazard Coefficient Concordance ConfidenceLimits
        ExampleLoss FunctionTarget HeldOutLoss LogHazardRatio LogLikelihood MeanPrediction
        MedianSurvival PValue PairLoss RMST RMSTDifference RelativeRisk StandardError
        SurvivalProbability ZValue ProportionalHazards AUC BrierScore CumulativeIncidence
        CumulativeIncidenceDifference StandardizedRMST StandardizedSurvival
        """
    ),
    unmeasured=words(
        """
        AverageMarginalEffect Coefficient ConfidenceLimits ExampleLoss FunctionTarget
        MeanPrediction ProportionalHazards ZValue AUC BrierScore CumulativeIncidence
        CumulativeIncidenceDifference StandardizedRMST StandardizedSurvival SurvivalQuantile
        """
    ),
)
SOLVERS = Kind(
    solvers,
    solvers.Solver,
    "tests/solvers/test_solvers.py",
    parts=frozenset(),
    in_one_line=frozenset({"ConjugateGradient", "Eigen"}),
    unmeasured=frozenset({"Eigen", "LiSSA"}),
)
KINDS = [LOSSES, TARGETS, SOLVERS]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=str)
# class in the table of adapters -> what its users call it
CALLED = {
    "ParametricRegressionFitter": "WeibullAFTFitter",
    "ParametricUnivariateFitter": "WeibullFitter",
    "IVResults": "IV2SLS",
    "PHRegResults": "PHReg",
    "TreatmentEffectResults": "TreatmentEffect",
    "GenericZeroInflated": "ZeroInflated",
    "_GeneralizedLinearRegressor": "PoissonRegressor",
}
PLAIN_COEFFICIENTS = ("builtins", "numpy", "pandas")


def models() -> list[str]:
    """What users call each fitted model that is taken."""
    found = [
        model.rsplit(".", 1)[-1]
        for model, adapter in ADAPTERS.items()
        if not (model.startswith(PLAIN_COEFFICIENTS) or adapter.endswith(":refused"))
    ]
    return [CALLED.get(model, model) for model in found]


def text(*places: str) -> str:
    """All that stands in these files and folders."""
    files = [
        file
        for place in places
        for file in ([ROOT / place] if "." in place else sorted((ROOT / place).rglob("*.py")))
    ]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def missing(names: list[str], where: str) -> list[str]:
    return [name for name in names if not re.search(rf"\b{name}", where)]


@EVERY_KIND
def test_it_is_exported(kind):
    forgotten = sorted(set(kind.names()) - set(kind.room.__all__))
    assert not forgotten, f"vifstats/{kind}/__init__.py does not export {forgotten}"


def test_a_loss_has_a_row():
    rows = {case.public for case in CASES}
    forgotten = sorted(set(LOSSES.names()) - rows)
    assert not forgotten, f"no row in {LOSSES.table} for {forgotten}"


def test_a_target_has_a_row():
    rows = {type(case.target()).__name__ for case in TARGET_CASES}
    forgotten = sorted(set(TARGETS.names()) - rows)
    assert not forgotten, f"no row in {TARGETS.table} for {forgotten}"


def test_a_solver_has_a_row():
    rows = text(SOLVERS.table).split("\nSOLVERS = [")[1].split("\nEVERY_SOLVER")[0]
    # a subspace is no solve of all directions, and LU is of what is not symmetric: both have
    # tests of their own
    forgotten = missing(sorted(set(SOLVERS.names()) - {"Lanczos", "LU"}), rows)
    assert not forgotten, f"no row in {SOLVERS.table} for {forgotten}"


def test_a_fitted_model_has_a_row():
    # matched sets leave or stay together in ways of their own: their tests are with their loss
    forgotten = missing(
        models(),
        text(
            "tests/fitted_models.py",
            "tests/adapters",
            "tests/losses/matched_sets",
            "tests/losses/mixed",
            "tests/equations",
        ),
    )
    assert not forgotten, f"no row in tests/fitted_models.py for {forgotten}"


@EVERY_KIND
def test_the_changelog_tells_of_it(kind):
    forgotten = missing(sorted(set(kind.names()) - kind.in_one_line), text("CHANGELOG.md"))
    assert not forgotten, f"CHANGELOG.md does not name {forgotten}"


@EVERY_KIND
def test_validation_has_a_figure_for_it(kind):
    forgotten = missing(sorted(set(kind.names()) - kind.unmeasured), text("validation"))
    assert not forgotten, (
        f"no experiment in validation/experiments/ uses {forgotten}; write one, or say in "
        "tests/test_extending.py that it is unmeasured"
    )


@pytest.mark.parametrize("page", ["adapter", "kernel", "loss", "solver", "target"])
def test_each_page_ends_with_a_checklist_of_tests_that_exist(page):
    content = (EXTENDING / f"{page}.md").read_text(encoding="utf-8")
    last = content.split("\n## ")[-1]
    assert last.startswith("Checklist\n")
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", last)
    for file, test in named:
        assert f"def {test}(" in text(file), f"{file} has no {test}"
    rows = [line for line in last.splitlines() if line.startswith("| ")][1:]
    assert len(named) >= len(rows) - 2, "a row without a test, but for the two that say so"


def test_a_class_that_is_not_exported_is_found():
    module = import_module("vifstats.targets.hazard_ratios")

    class Forgotten(targets.Target):
        pass

    Forgotten.__module__ = module.__name__
    module.Forgotten = Forgotten
    try:
        assert "Forgotten" in TARGETS.names()
    finally:
        del module.Forgotten


def test_contributing_has_the_commands_that_run():
    commands = [b.text for b in blocks(text("CONTRIBUTING.md")) if b.language == "bash"]
    assert any(".ci/run" in command for command in commands)
    assert vifstats.__name__ in text("CONTRIBUTING.md")
