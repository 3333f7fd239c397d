"""Imports point one way: a module imports only from lower rows, and a room from itself."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import vifstats as vs

PACKAGE = Path(__file__).parents[1] / "vifstats"

# The rooms of the house, lowest first; docs/architecture.md shows the same picture.
ROWS = [
    {"errors", "typing", "versions"},
    {"checks"},
    {"datasets", "removals", "solvers", "closed_form", "tabular"},
    {"losses"},
    {"inference"},
    {"targets", "estimate"},
    {"adapters", "streaming"},
    {"deletion"},
    {"diagnostics", "plots"},
    {"reporting"},
    {"cli"},
    {"__main__"},
]
# So many entries and floors a newcomer can hold in mind; a new one takes the place of another.
MOST_ENTRIES, MOST_FLOORS = 22, 12
ROW_OF = {module: row for row, modules in enumerate(ROWS) for module in modules}

# Methods that start a line of thought the user wants to continue; all others go through functions.
EXCEPTIONS = {("deletion", "plots")}

# Libraries that take a second to import, or that only some users have: inside functions only.
ONLY_INSIDE_FUNCTIONS = {
    "lifelines",
    "statsmodels",
    "sksurv",
    "sklearn",
    "matplotlib",
    "networkx",
    "numba",
    "joblib",
    "threadpoolctl",
    "dask",
    "distributed",
    "tqdm",
    "narwhals",
    "pyarrow",
    "h5py",
    "jax",
    "torch",
    "scipy.stats",
    "autograd.scipy",
}
# loops are compiled as their module is imported, which a function does where they are worth it
AT_MODULE_LEVEL_IN = {"matplotlib": {"plots"}, "numba": {"losses"}}
# Parts of autograd that take no derivative: NumPy, and what states the derivative of a function.
NO_DERIVATIVES = {"autograd.numpy", "autograd.extend.defvjp", "autograd.extend.primitive"}


@dataclass(frozen=True)
class Import:
    """One imported name: ``vifstats.errors.LossError`` of ``from vifstats.errors import ...``."""

    file: Path
    line: int
    name: str
    at_module_level: bool

    def __str__(self) -> str:
        return f"{self.file.relative_to(PACKAGE.parent)}:{self.line} imports {self.name}"

    @property
    def importer(self) -> str:
        """The top-level module or room that the file belongs to."""
        return self.file.relative_to(PACKAGE).parts[0].removesuffix(".py")

    def within(self, library: str) -> bool:
        """Whether the name is this library or something in it."""
        return f"{self.name}.".startswith(f"{library}.")


@cache  # asked by the tests, not while they are collected
def _imports() -> list[Import]:
    return [
        Import(file, node.lineno, name, at_module_level)
        for file in FILES
        for node, at_module_level in _walk(ast.parse(file.read_text()), True)
        for name in _names(node)
    ]


def _walk(node: ast.AST, at_module_level: bool) -> Iterator[tuple[ast.AST, bool]]:
    yield node, at_module_level
    if isinstance(node, ast.expr):
        return  # no import stands in an expression
    at_module_level = at_module_level and not (
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _is_never_run(node)
    )
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, at_module_level)


def _is_never_run(node: ast.AST) -> bool:
    """Whether only type checkers read it."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "Imports name vifstats in full."
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"}
ROOMS = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}


@pytest.mark.parametrize("module", sorted((MODULES | ROOMS) - {"__init__"}))
def test_every_module_has_a_row(module):
    assert module in ROW_OF, (
        f"vifstats.{module} has no row in tests/test_architecture.py: put it into the lowest row "
        "above everything that it imports, and into docs/architecture.md."
    )


def test_imports_point_one_way():
    upwards = [
        str(found)
        for found in _imports()
        if found.importer != "__init__" and not _allowed(found.importer, _target(found.name))
    ]
    assert not upwards, "\n".join(upwards)


def _target(name: str) -> str | None:
    """The top-level module that an import of this package reads; None for other libraries."""
    parts = name.split(".")
    if parts[0] != "vifstats":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in MODULES | ROOMS | set(ROW_OF) else "__init__"


def _allowed(importer: str, target: str | None) -> bool:
    if target is None or importer == target or (importer, target) in EXCEPTIONS:
        return True
    # `import vifstats` from inside would see a half-made package, except where the command starts
    return target in ROW_OF and ROW_OF[target] < ROW_OF[importer]


def test_the_house_stays_small():
    """Rows could hide a floor that no import makes, so the chains of imports are followed."""
    assert len(MODULES | ROOMS) <= MOST_ENTRIES
    arrows = {
        (found.importer, _target(found.name))
        for found in _imports()
        if found.importer != "__init__" and _target(found.name) not in {None, "__init__"}
    } - EXCEPTIONS
    chain = _longest_chain({(a, b) for a, b in arrows if a != b})
    assert len(chain) <= MOST_FLOORS, " -> ".join(chain)


def _longest_chain(arrows: set[tuple[str, str]]) -> list[str]:
    """Of a graph without circles, which the rows are."""

    @cache  # many chains go through one room
    def below(room: str) -> list[str]:
        chains = (below(b) for a, b in sorted(arrows) if a == room)
        return [room, *max(chains, key=len, default=[])]

    return max((below(room) for room, _ in arrows), key=len)


def test_the_exceptions_stay_inside_functions():
    loose = [
        str(found)
        for found in _imports()
        if (found.importer, _target(found.name)) in EXCEPTIONS and found.at_module_level
    ]
    assert not loose, "\n".join(loose)


def test_only_autodiff_takes_derivatives():
    elsewhere = [
        str(found)
        for found in _imports()
        if found.within("autograd")
        and not any(found.within(module) for module in NO_DERIVATIVES)
        and found.file != PACKAGE / "losses" / "autodiff.py"
    ]
    assert not elsewhere, "\n".join(elsewhere)


@pytest.mark.parametrize("library", sorted(ONLY_INSIDE_FUNCTIONS))
def test_heavy_libraries_are_imported_where_they_are_used(library):
    early = [
        str(found)
        for found in _imports()
        if found.at_module_level
        and found.within(library)
        and found.importer not in AT_MODULE_LEVEL_IN.get(library, set())
    ]
    assert not early, "\n".join(early)


def test_the_rules_can_fail():
    assert not _allowed("losses", "estimate")
    assert not _allowed("estimate", "__init__")
    assert _allowed("estimate", "losses") and _allowed("deletion", "plots")
    assert _longest_chain({("a", "b"), ("b", "c"), ("a", "c"), ("d", "b")}) in (
        ["a", "b", "c"],
        ["d", "b", "c"],
    )
    assert _target("numpy") is None and _target("vifstats.losses.Cox") == "losses"


def test_the_page_shows_the_rows():
    """docs/architecture.md has a line for each row, in this order."""
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    lines = [
        line.split("|")[1] for line in page.split("## The rooms")[1].splitlines() if "|" in line
    ]
    shown = [set(re.findall(r"`(\w+)/?`", line)) for line in lines]
    joined = [row for row in ROWS if row != {"__main__"}]
    joined[-1] = joined[-1] | {"__main__"}
    assert [row for row in shown if row][: len(joined)] == joined


def test_the_way_of_one_number_is_that_of_the_page():
    """docs/architecture.md begins with it; the pictures and the report come after."""
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown = [place.strip() for place in page.split("```text\n")[1].split("\n")[0].split("->")]
    code_of = {
        "adapters": "adapters/coefficients.py:cox",
        "checks": "checks/survival.py:survival",
        "loss": "losses/cox/risk_sets.py:risk_sets",
        "Estimate(loss, theta)": "estimate/at_minimum.py:require_minimum",
        "loss.gradient_differences": "losses/cox/loss.py:gradient_differences",
        "solvers": "solvers/cholesky.py:solution",
        "Influence.values[i, j]": "deletion/result.py:__post_init__",
        ".on(target)": "targets/coefficient.py:values_without",
    }
    assert shown[1:-1] == list(code_of), "the page and this table show one way"
    called: list[str] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.is_relative_to(PACKAGE):
            called.append(f"{file.relative_to(PACKAGE).as_posix()}:{frame.f_code.co_name}")

    table = [[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0]
    est = vs.minimize(vs.losses.Cox(*table), [0.0])
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        vs.vif(est.theta, *table).on(vs.targets.Coefficient(est.names[0]))
    finally:
        sys.setprofile(before)
    way = iter(called)
    left = [place for place, code in code_of.items() if code not in way]
    assert not left, f"{left} does not come after what stands before it"
