"""Faults planted one at a time in what a page says: each must fail a test.

``python -m validation.mutations`` copies the package, plants each fault in the copy, runs
tests/reporting/sections on it, and prints which test found it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
TESTS = ["coefficients", "accuracy", "overview", "rows", "groups", "survival"]


@dataclass(frozen=True)
class Fault:
    """What is written instead of what, in which file of a section."""

    name: str
    file: str
    old: str
    new: str


FAULTS = [
    Fault(
        "interval at 1.645",
        "coefficients",
        "est.confidence_limits(1 - LEVEL)[j]",
        "est.confidence_limits(0.9)[j]",
    ),
    Fault("mean for the largest error", "accuracy", "100 * errors.max()", "100 * errors.mean()"),
    Fault(
        "lowest and highest swapped",
        "coefficients",
        "low, high = int(np.nanargmax(values)), int(np.nanargmin(values))",
        "high, low = int(np.nanargmax(values)), int(np.nanargmin(values))",
    ),
    Fault(
        "one-sided count",
        "coefficients",
        "np.nan_to_num(np.abs(findings.dfbetas[:, effects.shown]))",
        "np.nan_to_num(findings.dfbetas[:, effects.shown])",
    ),
    Fault("survival on the wrong side", "survival", "(value - change)", "(value + change)"),
    Fault(
        "worst row not in standard errors",
        "accuracy",
        "(side.dfbetas.to_numpy()[at] for",
        "(side.values[at] for",
    ),
    Fault(
        "a row's value leaked",
        "withheld",
        'out = _some(section, ACCURACY) | {"worst_row": None}',
        'out = _some(section, [*ACCURACY, "worst_row"])',
    ),
    Fault(
        "a row's name leaked",
        "withheld",
        'return {"points": POINTS, "n": n}',
        'return {"points": POINTS, "n": n, "row": curve.numbers()["row"]}',
    ),
    Fault("an extreme leaked", "withheld", '"largest": None', '"largest": item["largest"]'),
    Fault(
        "predictions that fall short are not set right",
        "coefficients",
        "size, size * usable)",
        "size, size)",
    ),
    Fault("a ratio of one unit", "rows", "effects.of(theta[j] * step)", "effects.of(theta[j])"),
    Fault(
        "naive standard errors",
        "coefficients",
        '"standard_error": scale',
        '"standard_error": est.naive_errors[j]',
    ),
    Fault("one-sided p", "coefficients", '"p": est.p_values[j]', '"p": est.p_values[j] / 2'),
    Fault(
        "effect on the wrong side",
        "coefficients",
        "effects.of(theta - value)",
        "effects.of(theta + value)",
    ),
    Fault("percent of the inverse ratio", "rows", "percent_of(-findings", "percent_of(findings"),
    Fault("mean slope for the lowest", "accuracy", 'table["slope"].min()', 'table["slope"].mean()'),
    Fault("the most accurate for the least", "accuracy", ".argmax())],", ".argmin())],"),
    Fault(
        "rows beyond in every parameter",
        "coefficients",
        "size, exact = sizes(findings, effects).max(axis=1, initial=0.0)",
        "size, exact = sizes(findings, effects).min(axis=1)",
    ),
    Fault("the sum with the influences' sign", "rows", "total = -findings", "total = findings"),
    Fault("most moved upwards only", "rows", "np.nanargmax(np.abs(shown))", "np.nanargmax(shown)"),
    Fault(
        "foreseen rows only",
        "coefficients",
        '"n_flipping": len(verdict.flipping)',
        '"n_flipping": max(len(verdict.flipping) - 1, 0)',
    ),
    Fault("points of the curve, signed", "survival", "100 * abs(change)", "100 * change"),
    Fault(
        "groups counted by the largest",
        "groups",
        "influence.removals.sizes.min()",
        "influence.removals.sizes.max()",
    ),
]


def first_failure(package: Path) -> str:
    """The name of the test that fails on this copy of the package, or ""."""
    # a process of its own each, which has loaded no module of the package
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(_failure, (str(package),))


def _failure(package: str) -> str:
    import pytest

    class Names:
        failed: list[str] = []  # noqa: RUF012  one object for one run

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                self.failed.append(report.nodeid)

    # bytecode is recognised by second and size, which a fault may share with another
    sys.dont_write_bytecode = True
    sys.path.insert(0, package)
    import vifstats  # before pytest puts the repository first

    if not str(vifstats.__file__).startswith(package):
        raise RuntimeError("The faulty copy must be tested, but another package was loaded.")
    files = [f"{ROOT}/tests/reporting/sections/test_{name}.py" for name in TESTS]
    seen = Names()
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(
            ["-x", "-q", "-n0", "-p", "no:cacheprovider", f"--rootdir={ROOT}", *files], [seen]
        )
    return seen.failed[0].removeprefix("tests/reporting/sections/") if seen.failed else ""


def main() -> int:
    """Plant each; how many were not found."""
    missed = 0
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "vifstats"
        shutil.copytree(ROOT / "vifstats", copy, ignore=shutil.ignore_patterns("__pycache__"))
        if found := first_failure(Path(folder)):
            raise SystemExit(f"Without a fault all tests must pass, but {found} fails.")
        for fault in FAULTS:
            file = copy / "reporting" / "sections" / f"{fault.file}.py"
            right = file.read_text()
            if right.count(fault.old) < 1:
                raise SystemExit(f"{fault.name}: {fault.old!r} must be in {file.name}, but is not.")
            file.write_text(right.replace(fault.old, fault.new))
            found = first_failure(Path(folder))
            file.write_text(right)
            missed += not found
            print(f"{fault.name:36s} {found or 'NOT FOUND'}", flush=True)
    print(f"{len(FAULTS) - missed} of {len(FAULTS)} found")
    return missed


if __name__ == "__main__":
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    # loaded once, before any process forks; nothing of the package itself
    import lifelines  # noqa: F401  as above
    import statsmodels.api  # noqa: F401  as above

    sys.exit(main())
