"""vif and newton against their definitions in more digits, on each of the paths a row may take.

Problems small enough for the definitions would take every pair of a row and an event time as it is.
`SERIES` lowers the sizes at which the fast path changes its ways: then the same problems go through
powers of eps over blocks, tiles of few pieces, long segments, groups of blocks and slices of
pairs, and Newton steps through what the Hessians change; with `LOOPS` the compiled loops of the
extra ``fast`` take the place of tiles.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from decimal import Decimal
from importlib.util import find_spec
from types import ModuleType
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import (
    CoxProblem,
    cox_changes,
    cox_hessian,
    gradient_scale,
)
from rewordings import as_loss
from strategies import cox_cases, cox_problems, groups_for, members_of
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.losses.cox import cell_blocks as blocks
from vifstats.losses.cox import (
    fast,
    of_each,
    power_tables,
    ranges,
    reduced_batch,
    reduced_hessians,
    spans,
    tiles,
)
from vifstats.losses.cox import power_series as exposure
from vifstats.losses.cox import segment_sums as running
from vifstats.losses.cox import whole_blocks as whole
from vifstats.removals import Removals

drawn = settings(max_examples=60)
DEFAULT: dict[ModuleType, dict[str, float]] = {fast: {"LARGE": np.inf}}
SERIES = DEFAULT | {
    blocks: {"TERMS": 3, "MANY_TERMS": 2, "FEW_TERMS": 4},
    tiles: {"PIECES": 3, "CACHE": 40},
    power_tables: {"CACHE": 200},
    whole: {"GROUPS": 3, "FEW_POWERS": 0.5},
    ranges: {"EARLY": 2},
    exposure: {"SLICE": 8, "AT_ONCE": 4},
    spans: {"GROUP_BITS": 1, "AT_ONCE": 3},
    running: {"CALL": 4, "CACHE": 64},
    reduced_batch: {"CACHE": 40},
    reduced_hessians: {"MANY_SOLVES": 0, "SOLVES_NUMBERS": 30},
}
LOOPS = SERIES | {
    fast: {"LARGE": 0, "GROUP": 2},
    exposure: {"SLICE": 8, "GROUP": 2},
    ranges: {"CHUNK_BITS": 1},
}
compiled = pytest.mark.skipif(find_spec("numba") is None, reason="numba, of the extra fast")
PATHS = {"default": DEFAULT, "series": SERIES, "loops": LOOPS}  # without numba the last two are one


@contextmanager
def these(sizes: dict[ModuleType, dict[str, float]]):
    """Run with other sizes in `risksets`."""
    with ExitStack() as stack:
        for module, constants in sizes.items():
            stack.enter_context(patch.multiple(module, **constants))
        yield


def unit_of(problem: CoxProblem) -> np.ndarray:
    """What one row moves the gradient of one event by at most, shape (p,)."""
    return gradient_scale(problem) + np.finfo(float).tiny


def determines(H: np.ndarray, problem: CoxProblem) -> bool:
    """Whether H is no smaller in any direction than 1e-3 of what one event may add to it."""
    size = np.sqrt(gradient_scale(problem) * np.ptp(problem.X, axis=0))
    return bool(size.all() and np.linalg.eigvalsh(H / np.outer(size, size))[0] > 1e-3)


@settings(max_examples=150)
@given(data=st.data())
def test_differences(data):
    problem, theta = data.draw(cox_cases(max_rows=30))
    ids = data.draw(groups_for(problem))
    groups, unit = members_of(ids), unit_of(problem)
    D, slopes, H = cox_changes(problem, theta, groups)
    for path, sizes in PATHS.items():
        with these(sizes):
            loss, removals = as_loss(problem), Removals.of_groups(ids)
            differences = loss.gradient_differences(theta, removals)
            gradients = loss.weight_gradients(theta, removals)
            hessians = loss.reduced_hessians(theta, removals)
        assert relative_error(differences, D, unit) < ROUNDING, path
        assert relative_error(gradients, slopes, unit) < ROUNDING, path
        for row, exact in zip(np.moveaxis(hessians, 1, 0), np.moveaxis(H, 1, 0), strict=True):
            assert relative_error(row, exact, unit * unit.max()) < ROUNDING, path


@drawn
@given(data=st.data())
def test_dfbeta(data):
    """Where H determines every parameter: elsewhere H^-1 blows up rounding."""
    problem, theta = data.draw(cox_cases(max_rows=30))
    ids = data.draw(groups_for(problem))
    H, unit = cox_hessian(problem, theta, number=Decimal).astype(float), unit_of(problem)
    if not determines(H, problem):
        return
    results = []
    for path, sizes in PATHS.items():
        with these(sizes):
            est = vs.Estimate(as_loss(problem), theta, tol=np.inf)
            results.append((vs.vif(est, groups=ids), vs.newton_step(est, groups=ids), path))
    changes = cox_changes(problem, theta, members_of(ids))
    for k, (D, _, reduced) in enumerate(zip(*changes, strict=True)):
        floor = np.abs(np.linalg.inv(H)) @ unit
        exact = -np.linalg.solve(H, D)
        for vif, _, path in results:
            assert relative_error(vif.values[k, None], exact[None], floor) < ROUNDING, path
        if determines(reduced, problem):
            floor = np.abs(np.linalg.inv(reduced)) @ unit
            exact = -np.linalg.solve(reduced, D)
            for _, newton, path in results:
                assert relative_error(newton.values[k, None], exact[None], floor) < ROUNDING, path


@drawn
@given(st.data())
def test_every_path_gives_the_same(data):
    """Larger problems than the definitions are for; eps from 1/200 to 1."""
    problem = data.draw(cox_problems(max_rows=200, covariates=("normal", "binary", "outlier")))
    ids = data.draw(groups_for(problem))
    theta = np.full(problem.n_params, 0.3)
    found = []
    for sizes in PATHS.values():
        with these(sizes):
            loss, removals = as_loss(problem), Removals.of_groups(ids)
            D = loss.gradient_differences(theta, removals)
            H = loss.reduced_hessians(theta, removals)
            values, slopes = loss.reduced_slopes(np.tile(theta, (len(removals), 1)), removals)
        found.append((D, H.reshape(-1, problem.n_params), values[:, None], slopes))
    unit = unit_of(problem)
    units = unit, unit * unit.max(), 1 + abs(loss.value(theta, loss.everyone())), unit
    for other in found[1:]:
        for mine, first, size in zip(other, found[0], units, strict=True):
            assert relative_error(mine, first, size) < ROUNDING


@compiled
def test_loops_serve_smaller_sums_once_numba_is_loaded():
    import numba  # noqa: F401  as another library may have done

    assert fast.loops(fast.LARGE // 10) is not None
    assert fast.loops(1000) is None
    with these(DEFAULT):
        assert fast.loops(10**12) is None


def test_rows_kept_for_many_blocks_are_those_of_each_block():
    X = np.random.default_rng(5).normal(size=(60, 2))
    T, E = np.repeat(np.arange(1.0, 21.0), 3), np.arange(60) % 3 > 0
    loss, theta = vs.losses.Cox(X, T, E), np.array([0.5, -0.3])
    for there in (theta, theta + 0.1):  # what is kept at one theta does not serve another
        with these({of_each: {"KEPT": 0}}):
            afresh = vs.losses.Cox(X, T, E)
            D, H = afresh.gradient_differences(there), afresh.reduced_hessians(there)
        for rows in (np.arange(40)[::-1], np.arange(20, 60)):
            block = Removals.each(60).take(rows)
            unit = np.abs(D).max(axis=0)
            assert relative_error(loss.gradient_differences(there, block), D[rows], unit) < ROUNDING
            found, unit = loss.reduced_hessians(there, block), np.abs(H).max(axis=(0, 1))
            assert relative_error(found[:, 0], H[rows, 0], unit) < ROUNDING
