"""The same data of a Cox model said in other words: nobody has another influence for that.

Each gives the problem anew, and for each of its rows the row that it came from: rows that came
from one leave together.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from references import CoxProblem

from vifstats.losses import Cox


def as_loss(problem: CoxProblem) -> Cox:
    """The problem of the references as a loss."""
    options = ("entry", "weights", "strata", "offset", "ties", "penalty")
    return Cox(
        problem.X,
        problem.time,
        problem.event,
        **{name: getattr(problem, name) for name in options},
    )


def shuffled(problem: CoxProblem, rng: np.random.Generator) -> tuple[CoxProblem, np.ndarray]:
    """In another order."""
    order = rng.permutation(problem.n_rows)
    return problem.take(order), order


def renamed(problem: CoxProblem, rng: np.random.Generator) -> tuple[CoxProblem, np.ndarray]:
    """Strata by other names, which sort otherwise."""
    strata = np.zeros(problem.n_rows, dtype=int) if problem.strata is None else problem.strata
    names, codes = np.unique(strata, return_inverse=True)
    wards = np.array([f"ward {k}" for k in rng.permutation(len(names))])
    return replace(problem, strata=wards[codes]), np.arange(problem.n_rows)


def split(problem: CoxProblem, rng: np.random.Generator) -> tuple[CoxProblem, np.ndarray]:
    """Some rows cut into two adjacent (start, stop] rows.

    The cuts are anywhere, or at an event time, which then belongs to the first part.
    """
    n = problem.n_rows
    entry = np.full(n, -np.inf) if problem.entry is None else problem.entry
    start = np.maximum(entry, problem.time.min() - 1)
    cut = start + rng.uniform(0.1, 0.9, n) * (problem.time - start)
    at_event = rng.choice(problem.time[problem.event], n)
    cut = np.where((entry < at_event) & (at_event < problem.time), at_event, cut)
    cut = np.where(rng.random(n) < 0.6, cut, problem.time)
    later = np.flatnonzero(cut < problem.time)
    source = np.concatenate([np.arange(n), later])
    halves = replace(
        problem.take(source),
        time=np.concatenate([cut, problem.time[later]]),
        entry=np.concatenate([entry, cut[later]]),
        event=np.concatenate([problem.event & (cut == problem.time), problem.event[later]]),
    )
    return halves, source


def repeated(problem: CoxProblem) -> tuple[CoxProblem, np.ndarray]:
    """A row of weight k as k rows: with Breslow's ties, or where events have weight 1."""
    assert problem.weights is not None
    copies = np.repeat(np.arange(problem.n_rows), problem.weights.astype(int))
    return replace(problem.take(copies), weights=None), copies
