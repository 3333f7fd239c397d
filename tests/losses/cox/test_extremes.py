"""Accuracy on larger data that break straightforward algorithms, against O(n m) sums in 80 bits.

Each problem is fixed; on a sample of its rows D and H_-i are compared with their definition, from
the gradient and the Hessian of all rows and those of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from references import (
    CoxProblem,
    cox_gradient_difference,
    cox_hessian,
    cox_hessian_difference,
)
from rewordings import as_loss
from tolerances import DECIMAL, ROUNDING, relative_error

from vifstats.removals import Removals

LONG = np.longdouble


def derivatives(problem: CoxProblem, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and packed Hessian of one stratum's loss, without a penalty, in `LONG`."""
    p, event, time = problem.n_params, problem.event, problem.time
    if not event.any():
        return np.zeros(p, LONG), np.zeros(p * p, LONG)
    w = LONG(1) * (np.ones(problem.n_rows) if problem.weights is None else problem.weights)
    eta = problem.X.astype(LONG) @ theta.astype(LONG)
    eta = eta + (0.0 if problem.offset is None else problem.offset)
    top = np.argmax(eta)
    # about the row of largest risk, where the mean is if that row dominates
    x = problem.X.astype(LONG) - problem.X[top]
    r = w * np.exp(eta - eta[top])
    moments = np.column_stack([np.ones_like(r), x, (x[:, :, None] * x[:, None]).reshape(-1, p * p)])
    moments *= r[:, None]
    times, cell = np.unique(time[event], return_inverse=True)
    S, SD = _at_risk(problem, moments, times), _by_cell(moments[event], cell, len(times))
    W, d = _by_cell(w[event, None], cell, len(times))[:, 0], np.bincount(cell)
    n_terms = d if problem.ties == "efron" else np.ones_like(d)
    at = np.repeat(np.arange(len(times)), n_terms)
    tie = np.arange(len(at)) - np.repeat(np.cumsum(n_terms) - n_terms, n_terms)
    terms = S[at] - (tie / d[at].astype(LONG))[:, None] * SD[at]
    m, second = terms[:, 1 : p + 1] / terms[:, :1], terms[:, p + 1 :] / terms[:, :1]
    a = (W / n_terms)[at]
    V = second - (m[:, :, None] * m[:, None]).reshape(-1, p * p)
    return a @ m - w[event] @ x[event], a @ V


def _at_risk(problem: CoxProblem, moments: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Sums over each risk set: a running sum, or with entries every set on its own."""
    if problem.entry is None:
        order = np.argsort(-problem.time, kind="stable")
        running = np.cumsum(moments[order], axis=0)
        return running[np.searchsorted(-problem.time[order], -times, side="right") - 1]
    inside = (problem.entry < times[:, None]) & (times[:, None] <= problem.time)
    return np.array([moments[rows].sum(axis=0) for rows in inside])


def _by_cell(rows: np.ndarray, cell: np.ndarray, n_cells: int) -> np.ndarray:
    out = np.zeros((n_cells, rows.shape[1]), LONG)
    np.add.at(out, cell, rows)
    return out


def of_all(problem: CoxProblem, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and packed Hessian of all strata."""
    rows = [np.arange(problem.n_rows)]
    if problem.strata is not None:
        order = np.argsort(problem.strata, kind="stable")
        rows = np.split(order, np.flatnonzero(np.diff(problem.strata[order])) + 1)
    parts = [derivatives(problem.take(inside), theta) for inside in rows]
    return sum(g for g, _ in parts), sum(H for _, H in parts)


def change(
    problem: CoxProblem, theta: np.ndarray, members: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """D, shape (p,), and packed H - H_-S, shape (p * p,): only the members' strata matter."""
    if problem.strata is not None:
        inside = np.isin(problem.strata, problem.strata[members])
        members = np.flatnonzero(np.isin(np.flatnonzero(inside), members))
        problem = problem.take(np.flatnonzero(inside))
    others = np.setdiff1d(np.arange(problem.n_rows), members)
    whole, rest = of_all(problem, theta), of_all(problem.take(others), theta)
    return whole[0] - rest[0], whole[1] - rest[1]


# The problems


def plain(n: int, p: int = 2, seed: int = 0, **columns) -> CoxProblem:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return replace(CoxProblem(X, rng.exponential(size=n), rng.random(n) < 0.7), **columns)


def heavy_ties() -> CoxProblem:
    problem = plain(5000, seed=1)
    return replace(problem, time=np.ceil(20 * problem.time))


def one_huge_tie_group() -> CoxProblem:
    problem = plain(15000, seed=2)
    return replace(problem, time=np.where(np.arange(15000) < 14000, 1.0, problem.time))


def ten_thousand_strata() -> CoxProblem:
    problem = plain(25000, seed=3)
    strata = np.random.default_rng(3).integers(0, 10_000, 25000)
    return replace(problem, strata=strata, time=np.ceil(3 * problem.time))


def strata_of_every_size() -> CoxProblem:
    problem = plain(12000, seed=4)
    strata = (6000 / np.arange(1, 12001)).astype(int)  # one of 6000 rows, one of 3000, 1500, ...
    return replace(problem, strata=strata, time=np.ceil(500 * problem.time))


def two_long_strata() -> CoxProblem:
    return plain(8000, seed=5, strata=np.arange(8000) % 2)


def calendar_year() -> CoxProblem:
    problem = plain(5000, seed=6)
    problem.X[:, 0] = 2000 + np.round(5 * problem.X[:, 0])
    return problem


def calendar_year_by_stratum() -> CoxProblem:
    problem = calendar_year()
    strata = np.arange(5000) % 3
    problem.X[:, 0] += 1000.0 * strata
    return replace(problem, strata=strata)


def eta_over_100() -> CoxProblem:
    problem = plain(4000, seed=7)
    return replace(problem, offset=np.random.default_rng(7).uniform(-50, 50, 4000))


def eta_falls_with_time() -> CoxProblem:
    """Each risk set is dominated by those who die first: phi falls by e^100."""
    problem = plain(4000, seed=8)
    rank = np.argsort(np.argsort(problem.time))
    return replace(problem, offset=50.0 - rank / 40)


def eta_rises_with_time() -> CoxProblem:
    """Each risk set is dominated by its last survivors."""
    problem = eta_falls_with_time()
    return replace(problem, offset=-problem.offset)


def dominating_survivor() -> CoxProblem:
    problem = plain(5000, seed=9)
    last = np.argmax(problem.time)
    return replace(problem, offset=np.where(np.arange(5000) == last, 30.0, 0.0))


def dominating_survivor_with_ties() -> CoxProblem:
    return replace(dominating_survivor(), time=np.ceil(20 * dominating_survivor().time))


def entries() -> CoxProblem:
    problem = plain(3000, seed=10)
    share = np.random.default_rng(10).uniform(-0.5, 1.0, 3000)
    time = np.ceil(50 * problem.time)
    return replace(problem, time=time, entry=np.minimum(np.floor(share * time), time - 1))


def entries_that_leave_one() -> CoxProblem:
    """Ever again all leave but one, who stays alone for an event time; the next enter after it."""
    problem = plain(3000, seed=11)
    wave = np.arange(3000) // 300
    time = 10.0 * wave + 1 + np.arange(3000) % 300 / 40
    alone = np.arange(3000) % 300 == 299
    event = problem.event | alone
    return replace(problem, time=time + 0.5 * alone, entry=10.0 * wave, event=event)


def entries_and_a_wide_range() -> CoxProblem:
    rng = np.random.default_rng(12)
    weights = rng.lognormal(0, 2, 3000)
    return replace(entries(), weights=weights, offset=rng.uniform(-25, 25, 3000))


PROBLEMS = [
    heavy_ties,
    one_huge_tie_group,
    ten_thousand_strata,
    strata_of_every_size,
    two_long_strata,
    calendar_year,
    calendar_year_by_stratum,
    eta_over_100,
    eta_falls_with_time,
    eta_rises_with_time,
    dominating_survivor,
    dominating_survivor_with_ties,
    entries,
    entries_that_leave_one,
    entries_and_a_wide_range,
]
every_problem = pytest.mark.parametrize("make", PROBLEMS, ids=lambda f: f.__name__)
THETA = np.array([0.3, -0.2])


def telling_rows(problem: CoxProblem) -> np.ndarray:
    """The first and last to leave in some strata, those of largest risk, and some others."""
    offset = np.zeros(problem.n_rows) if problem.offset is None else problem.offset
    strata = np.zeros(problem.n_rows) if problem.strata is None else problem.strata
    rows = [np.argsort(problem.X @ THETA + offset)[[0, -2, -1]]]
    rows.append(np.linspace(0, problem.n_rows - 1, 4).astype(int))
    for stratum in np.unique(strata)[:3]:
        inside = np.flatnonzero(strata == stratum)
        rows.append(inside[np.argsort(problem.time[inside], kind="stable")][[0, -1]])
        events = inside[problem.event[inside]]
        rows.append(events[np.argsort(problem.time[events], kind="stable")][:1])
    return np.unique(np.concatenate(rows))


def errors(problem: CoxProblem, ids: np.ndarray, removed: np.ndarray) -> tuple[float, float]:
    """Of D, relative to the largest; and of H_-S, each relative to itself: newton divides by it."""
    loss, removals = as_loss(problem), Removals.of_groups(ids)
    D = loss.gradient_differences(THETA, removals)[removed]
    H = loss.reduced_hessians(THETA, removals.take(removed)).reshape(len(removed), -1)
    changes = [change(problem, THETA, removals.members(k)) for k in removed]
    exact = of_all(problem, THETA)[1] - np.array([row for _, row in changes])
    of_H = np.abs(H - exact).max(axis=1) / np.abs(exact).max(axis=1)
    return relative_error(D, [row for row, _ in changes]), float(of_H.max())


@every_problem
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_single_rows(make: Callable[[], CoxProblem], ties: str):
    problem = replace(make(), ties=ties)
    of_D, of_H = errors(problem, np.arange(problem.n_rows), telling_rows(problem))
    assert of_D < ROUNDING and of_H < ROUNDING


@every_problem
def test_clusters(make: Callable[[], CoxProblem]):
    """Rows leave by fives, most of which share risk sets."""
    problem = make()
    ids = np.random.default_rng(0).permutation(problem.n_rows) // 5
    removed = np.unique(Removals.of_groups(ids).codes[telling_rows(problem)])[::3]
    of_D, of_H = errors(problem, ids, removed)
    assert of_D < ROUNDING and of_H < ROUNDING


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_long_sums_are_those_of_the_references(ties: str):
    problem = replace(entries(), ties=ties, strata=np.arange(3000) % 2).take(np.arange(40))
    exact = cox_hessian(problem, THETA, number=Decimal).astype(float)
    assert relative_error(of_all(problem, THETA)[1].reshape(2, 2), exact) < DECIMAL
    for members in (np.array([3]), np.array([0, 5, 17])):
        D, of_H = change(problem, THETA, members)
        exact = cox_gradient_difference(problem, THETA, members)
        assert relative_error(D, exact) < DECIMAL
        exact = cox_hessian_difference(problem, THETA, members)
        assert relative_error(of_H.reshape(2, 2), exact) < DECIMAL


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_risk_sets_of_next_to_nothing(ties: str):
    """The square of which is 0: one row has e^-380 of the risk of who died before, others less."""
    rng = np.random.default_rng(4)
    offset = np.where(np.arange(40) < 5, 0.0, -400.0)
    offset[33] = -380.0
    time = np.repeat(np.arange(1.0, 21.0), 2)
    X, event = rng.normal(size=(40, 2)), rng.random(40) < 0.8
    problem = CoxProblem(X, time, event, offset=offset, ties=ties)
    exact = cox_hessian(problem, THETA, number=Decimal).astype(float)
    assert relative_error(as_loss(problem).hessian(THETA), exact) < ROUNDING


@pytest.mark.parametrize("strata", [None, np.arange(24) % 2], ids=["one stratum", "two"])
def test_what_is_left_where_all_who_count_are_alike(strata: np.ndarray | None):
    """One row is as likely to die as those with x = 1; without it, no other with x = 0 is."""
    rows, theta = np.arange(24), np.array([27.0])
    offset = np.random.default_rng(5).normal(size=24) + 28.0 * (rows == 22)
    X = (rows % 5 < 2)[:, None].astype(float)
    problem = CoxProblem(X, rows + 1.0, rows % 3 > 0, offset=offset, strata=strata)
    exact = cox_hessian(problem, theta, b=np.where(rows == 22, 0.0, 1.0), number=Decimal)
    removal = Removals.each(24).take(np.array([22]))
    found = as_loss(problem).reduced_hessians(theta, removal)[0]
    assert relative_error(found, exact.astype(float)) < ROUNDING
