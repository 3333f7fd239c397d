"""Random Cox problems asked the same in other words: nobody may get another influence for that.

    python -m validation.nightly                    # 1,000 problems: an hour or so
    python -m validation.nightly --problems 50 --seed 7

Each problem, drawn as the tests draw theirs (ties, strata, entry, weights, offsets, ridge, rows
that outweigh all others), is put in another order, given other names of strata, cut into more rows,
repeated instead of weighted, asked about some of its rows, streamed in chunks, and refitted with
checkpoints of which parts are lost. A problem that does not hold is shrunk and printed by
hypothesis, with its question; the same seed draws the same problems.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from tqdm import tqdm

import vifstats as vs
from validation import fits  # noqa: F401  the tests, from where the problems come, are no package

# isort: split
from references import CoxProblem
from rewordings import as_loss, renamed, repeated, shuffled, split
from strategies import cox_fits, groups_for, with_fit
from tolerances import CONVERGED_FIT, R_REFIT

Fit = tuple[CoxProblem, np.ndarray]
METHODS = (vs.classical_if, vs.vif, vs.newton_step, vs.leave_one_out)
ROWS = 30
# So many removals of a problem are refitted, and looked at for separation by linear programs.
FEW = 5
# Removals in a block of refits that has a file of its own, so that there are several.
BLOCK = 2


def estimate(problem: CoxProblem, theta: np.ndarray) -> vs.Estimate:
    return vs.Estimate(as_loss(problem), theta)


def require_same(found: vs.Influence, expected: vs.Influence) -> None:
    """Label by label, in standard errors, or in units of the largest change where that is more."""
    order = found.removals.labels.get_indexer(expected.removals.labels)
    values = found.values[order]
    assert (order >= 0).all()
    if expected.method == "vif":  # separation is that of the data, whatever the method
        # a change of exactly 0, and what rounding leaves of one, are the same
        one, other = (
            list(s.replace("no influence", "ok")) for s in (found.status, expected.status)
        )
        assert [one[k] for k in order] == other
    there = np.isfinite(expected.values)
    # a row that separates has no refit; whether its H is singular, but for rounding, and a Newton
    # step nan is another question, and its predictions mean nothing
    known = are_finite(expected)
    assert (np.isfinite(values) == there)[known].all()
    if expected.method == "refit":
        assert not (there | np.isfinite(values))[~known].any()
    there &= known[:, None]
    size = np.abs(np.where(there, expected.values, 0.0)).max(axis=0, initial=0.0)
    unit = np.maximum(own_errors(expected), np.maximum(expected.estimate.naive_errors, size))
    error = np.where(there, np.abs(values - expected.values), 0.0) / unit
    # refits of nearly separated rows, whose errors are 1e4 times the others', stop sooner: 2e-8
    bound = R_REFIT if expected.method == "refit" else CONVERGED_FIT
    assert error.max(initial=0.0) < bound, f"{expected.method}: {error.max():.1e}"


def are_finite(found: vs.Influence) -> np.ndarray:
    """Which removals leave a model with an estimate, (n,)."""
    return found.status.isin(["ok", "no influence"]).to_numpy()


def own_errors(found: vs.Influence) -> np.ndarray:
    """Standard errors after each removal, (n, p): a refit stops in units of them."""
    loss, errors = found.estimate.loss, np.zeros_like(found.values)
    thetas = found.params_without.to_numpy()
    for k in np.flatnonzero(are_finite(found)):
        one = found.removals.take(np.array([k]))
        with np.errstate(all="ignore"):  # a Newton step may end where hazards overflow
            H = loss.reduced_hessians(thetas[k], one)[0]
        if np.isfinite(H).all():
            errors[k] = np.sqrt(np.maximum(np.diag(np.linalg.pinv(H)), 0.0))
    return errors


def require_same_influences(
    fit: Fit, ids: np.ndarray, other: tuple[CoxProblem, np.ndarray]
) -> None:
    """By every method, of a few groups of the rows from which the others came."""
    (problem, theta), (again, source) = fit, other
    one, another = estimate(problem, theta), estimate(again, theta)
    few = list(pd.unique(ids)[:FEW])
    for method in METHODS:
        expected = method(one, groups=ids, objects=few)
        require_same(method(another, groups=ids[source], objects=few), expected)


def order(fit: Fit, ids: np.ndarray, rng: np.random.Generator) -> None:
    require_same_influences(fit, ids, shuffled(fit[0], rng))


def names_of_strata(fit: Fit, ids: np.ndarray, rng: np.random.Generator) -> None:
    require_same_influences(fit, ids, renamed(fit[0], rng))


def rows_cut_in_two(fit: Fit, ids: np.ndarray, rng: np.random.Generator) -> None:
    require_same_influences(fit, ids, split(fit[0], rng))


def rows_repeated(fit: Fit, ids: np.ndarray, rng: np.random.Generator) -> None:
    """For their weights; with Efron's ties those of events are 1."""
    problem, _ = fit
    weights = rng.integers(1, 4, problem.n_rows).astype(float)
    if problem.ties == "efron":
        weights[problem.event] = 1.0
    weighted = with_fit(replace(problem, weights=weights))
    require_same_influences(weighted, ids, repeated(weighted[0]))


def some_of_the_rows(fit: Fit, ids: np.ndarray, rng: np.random.Generator) -> None:
    est, labels = estimate(*fit), pd.unique(ids)
    some = rng.permutation(labels[: 2 * FEW])[:FEW]
    for method in METHODS:
        several = labels if method is not vs.leave_one_out else labels[: 2 * FEW]
        everyone = method(est, groups=ids, objects=list(several))
        expected = everyone.take(everyone.removals.labels.get_indexer(some))
        require_same(method(est, groups=ids, objects=list(some)), expected)


def streamed(fit: Fit, ids: np.ndarray, rng: np.random.Generator) -> None:
    """Cut anywhere; entry, which a stream does not know, is left out."""
    problem, theta = fit if fit[0].entry is None else with_fit(replace(fit[0], entry=None))
    n, p = problem.X.shape
    strata = np.zeros(n, dtype=int) if problem.strata is None else problem.strata
    problem = problem.take(np.lexsort((problem.time, strata)))
    names = [f"x{k}" for k in range(p)]
    table = pd.DataFrame(problem.X, columns=names).assign(t=problem.time, e=problem.event)
    parts = {"weights": problem.weights, "offset": problem.offset, "strata": problem.strata}
    given_parts = {name: values for name, values in parts.items() if values is not None}
    table = table.assign(**given_parts)
    bounds = [0, *sorted(rng.integers(0, n + 1, rng.integers(0, 6))), n]
    chunks = [table.iloc[a:b] for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
    columns: dict[str, Any] = {
        "time": "t",
        "event": "e",
        "columns": names,
        **{name: name for name in given_parts},
    }
    options: dict[str, Any] = {"ties": problem.ties, "penalty": problem.penalty, "top": n}
    est = estimate(problem, theta)
    for word, method in (("if", vs.classical_if), ("vif", vs.vif)):
        top = vs.streaming.cox(theta, chunks, **columns, **options, method=word).top
        expected = method(est).values
        unit = np.maximum(est.naive_errors, np.abs(expected).max(axis=0))
        error = np.abs(top.sort_index()[names].to_numpy() - expected) / unit
        assert error.max() < CONVERGED_FIT, f"{word}: {error.max():.1e}"


def checkpoints(fit: Fit, ids: np.ndarray, rng: np.random.Generator) -> None:
    """Of which a shard is there, then some blocks are lost: the same bits as in one go."""
    est = estimate(*fit)
    work: dict[str, Any] = {"groups": ids, "objects": list(pd.unique(ids)[:FEW])}
    with TemporaryDirectory() as name, mock.patch.object(vs.deletion.refits, "BLOCK", BLOCK):
        expected = vs.leave_one_out(est, **work)
        folder, total = Path(name), int(rng.integers(1, 5))
        shard = (int(rng.integers(1, total + 1)), total)
        vs.leave_one_out(est, **work, checkpoint=folder, shard=shard)
        for _ in range(2):
            found = vs.leave_one_out(est, **work, checkpoint=folder)
            np.testing.assert_array_equal(found.values, expected.values)
            for path in sorted(folder.glob("block-*.npz")):
                if rng.random() < 0.5:
                    path.unlink()


Question = Callable[[Fit, np.ndarray, np.random.Generator], None]
QUESTIONS: tuple[Question, ...] = (
    order,
    names_of_strata,
    rows_cut_in_two,
    rows_repeated,
    some_of_the_rows,
    streamed,
    checkpoints,
)


def ask(n_problems: int, first: int) -> Counter[str]:
    """How many problems were drawn, and how often each question held."""
    held: Counter[str] = Counter()

    # no database: a run depends on its seed alone; how fast problems are drawn says nothing
    @seed(first)
    @settings(
        max_examples=n_problems,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.data())
    def every_question(data: st.DataObject) -> None:
        fit = data.draw(cox_fits(max_rows=ROWS))
        ids = data.draw(groups_for(fit[0]))
        number = data.draw(st.integers(0, 2**32 - 1))
        held["problems"] += 1
        progress.update()
        for question in QUESTIONS:
            try:
                question(fit, ids, np.random.default_rng(number))
            except Exception as error:  # whatever it is, it is named and raised again
                error.add_note(f"asked about {question.__name__}, seed {number}")
                raise
            held[question.__name__] += 1

    with warnings.catch_warnings(), tqdm(total=n_problems, unit="problem") as progress:
        warnings.simplefilter("error")
        every_question()
    return held


def main(argv: Sequence[str] | None = None) -> None:
    """Ask, and print what held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--problems", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    for name, count in ask(options.problems, options.seed).items():
        print(f"{count:6d} {name.replace('_', ' ')}")


if __name__ == "__main__":
    main()
