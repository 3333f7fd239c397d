"""Random problems for hypothesis: the structure is drawn, so it shrinks; arrays come from a seed.

    @given(cox_cases())                      # (problem, theta)
    @given(cox_cases(entry=("none",), ties=("breslow",)))
    @given(st.data())                        # then problem, theta = data.draw(cox_cases())
                                             #      ids = data.draw(groups_for(problem))

Every keyword narrows one of `OPTIONS`; hypothesis shrinks to the first of each.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from references import (
    ROW_LOSSES,
    CoxProblem,
    MProblem,
    cox_hessian,
    cox_terms,
    fit_cox,
    fit_m,
    positive_definite,
)

OPTIONS = {
    "times": ("distinct", "coarse", "coarse", "all tied"),
    "events": ("most", "all", "some", "one"),
    "strata": ("none", "none", "few", "many"),
    "entry": ("none", "none", "random", "at events", "last one left", "subjects"),
    "weights": ("none", "none", "integer", "wide"),
    "offset": ("none", "none", "mild", "dominant row"),
    "covariates": ("normal", "binary", "calendar year", "outlier", "constant in strata"),
    "ties": ("breslow", "efron", "efron"),
    "ridge": ("none", "none", "diagonal", "full"),
}
THETAS = ("near zero", "fit", "wide")
GROUPINGS = ("rows", "subjects", "clusters", "overlapping")


def _seeds() -> st.SearchStrategy[np.random.Generator]:
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


@st.composite
def cox_problems(draw, max_rows: int = 40, max_params: int = 4, **narrowed) -> CoxProblem:
    """A `CoxProblem` with at least one event; its Hessian may be singular.

    Parameters
    ----------
    max_rows, max_params : int
    **narrowed : tuple of str
        The values allowed for a key of `OPTIONS`.
    """
    unknown = set(narrowed) - set(OPTIONS)
    if unknown:
        raise TypeError(f"{sorted(unknown)} are not among {sorted(OPTIONS)}.")
    n = draw(st.integers(min(8, max_rows), max_rows) | st.integers(2, max_rows))
    p = draw(st.integers(1, max_params))
    has = {key: draw(st.sampled_from(narrowed.get(key, OPTIONS[key]))) for key in OPTIONS}
    rng = draw(_seeds())
    strata = _strata(has["strata"], n, rng)
    time = _times(has["times"], n, rng)
    event = _events(has["events"], n, rng)
    entry, time, event, strata = _entry(has["entry"], time, event, strata, rng)
    if not event.any():
        event = np.arange(n) == np.argmax(time)
    X = _covariates(has["covariates"], strata, (n, p), rng)
    return CoxProblem(
        X=X,
        time=time,
        event=event,
        entry=entry,
        weights=_weights(has["weights"], n, rng),
        strata=strata,
        offset=_offset(has["offset"], n, rng),
        ties=has["ties"],
        penalty=_penalty(has["ridge"], X, rng),
    )


def _times(kind, n, rng) -> np.ndarray:
    if kind == "all tied":
        return np.full(n, 6.0)
    if kind == "coarse":
        return rng.integers(1, max(3, n // 4) + 1, n).astype(float)
    return np.round(rng.permutation(n) + 1 + 0.5 * rng.random(n), 6)


def _events(kind, n, rng) -> np.ndarray:
    if kind == "one":
        return np.arange(n) == rng.integers(n)
    return rng.random(n) < {"most": 0.7, "all": 1.1, "some": 0.3}[kind]


def _strata(kind, n, rng) -> np.ndarray | None:
    if kind == "none":
        return None
    return rng.integers(0, {"few": 3, "many": n}[kind], n)


def _entry(kind, time, event, strata, rng):
    """Entry times, and what has to change with them."""
    n = len(time)
    if kind == "none":
        return None, time, event, strata
    if kind == "subjects":
        return _two_rows_each(time, event, strata, rng)
    if kind == "random":
        return time * rng.uniform(-0.2, 0.99, n), time, event, strata
    # `at events` and `last one left`: entries are times of other rows, or from the start
    entry = np.full(n, -np.inf)
    if kind == "last one left":
        first = np.flatnonzero(event & (time == time[event].min(initial=np.inf)))[:1]
        later = time > time[first[0]] if len(first) else np.zeros(n, dtype=bool)
        entry[later] = time[first[0]] if len(first) else 0.0
        return entry, time, event, strata
    for j in range(n):
        earlier = time[event & (time < time[j])]
        if len(earlier) and rng.random() < 0.7:
            entry[j] = rng.choice(earlier)
    return entry, time, event, strata


def _two_rows_each(time, event, strata, rng):
    """Rows 0 and 1, 2 and 3, ... become (start, stop] pieces of a subject; events in the second."""
    time, event, entry = time.copy(), event.copy(), np.full(len(time), -np.inf)
    strata = None if strata is None else strata.copy()
    for first in range(0, len(time) - 1, 2):
        second = first + 1
        earlier = np.unique(time[time < time[second]])
        cut = rng.choice(earlier) if len(earlier) and rng.random() < 0.7 else time[second] / 2
        time[first] = entry[second] = cut
        event[first] = False
        if strata is not None:
            strata[first] = strata[second]
    return entry, time, event, strata


def _covariates(kind, strata, shape, rng) -> np.ndarray:
    X = rng.normal(size=shape)
    if kind == "binary":
        X[:, 0] = rng.random(shape[0]) < 0.4
    elif kind == "calendar year":
        X[:, 0] = 2000 + np.round(10 * rng.random(shape[0]), 2)
    elif kind == "outlier":
        X[rng.integers(shape[0]), 0] = 30.0 * rng.choice([-1, 1])
    elif kind == "constant in strata":
        X[:, 0] = 1.0 if strata is None else strata
    return X


def _weights(kind, n, rng) -> np.ndarray | None:
    if kind == "none":
        return None
    return rng.integers(1, 5, n).astype(float) if kind == "integer" else rng.lognormal(0, 2, n)


def _offset(kind, n, rng) -> np.ndarray | None:
    if kind == "none":
        return None
    offset = rng.normal(size=n)
    if kind == "dominant row":
        offset[rng.integers(n)] += rng.choice([8.0, 15.0, 30.0])
    return offset


def _penalty(kind, X, rng) -> np.ndarray | None:
    if kind == "none":
        return None
    p = X.shape[1]
    scale = np.maximum(X.std(axis=0), 0.1)
    root = np.eye(p) if kind == "diagonal" else np.eye(p) + 0.3 * rng.normal(size=(p, p))
    return rng.choice([0.1, 1.0, 5.0]) * (root @ root.T) * np.outer(scale, scale)


@st.composite
def cox_fits(draw, **options) -> tuple[CoxProblem, np.ndarray]:
    """A problem and its converged fit.

    Where there is no fit a ridge is added, also under ``ridge=("none",)``: no draw is lost.
    """
    problem = draw(cox_problems(**options))
    return with_fit(problem)


def with_fit(problem: CoxProblem) -> tuple[CoxProblem, np.ndarray]:
    """The problem, with a larger ridge while it has no fit, and its fit."""
    theta, converged = fit_cox(problem)
    ridge = 0.1
    while not converged:
        scale = np.maximum(np.ptp(problem.X, axis=0), 0.1)
        problem = replace(problem, penalty=ridge * np.diag(scale**2))
        theta, converged = fit_cox(problem)
        ridge *= 10
    return problem, theta


@st.composite
def cox_cases(draw, theta: tuple[str, ...] = THETAS, **options) -> tuple[CoxProblem, np.ndarray]:
    """A problem and a place to evaluate it: near zero, at the fit, or with eta spread over 60.

    Parameters
    ----------
    theta : tuple of str
        The kinds allowed, of `THETAS`.
    **options
        As for `cox_problems`.
    """
    kind = draw(st.sampled_from(theta))
    if kind == "fit":
        return draw(cox_fits(**options))
    problem = draw(cox_problems(**options))
    direction = draw(_seeds()).normal(size=problem.n_params)
    spread = np.maximum(np.ptp(problem.X, axis=0), 1e-3)
    if kind == "near zero":
        return problem, direction / spread
    eta = problem.X @ (direction / spread)
    return problem, direction / spread * 60 / max(np.ptp(eta), 1.0)


@st.composite
def groups_for(draw, problem: CoxProblem, kinds: tuple[str, ...] = GROUPINGS) -> np.ndarray:
    """One label per row, shape (n,), with at least two different labels.

    `rows`: each its own. `subjects`: chains of adjacent (start, stop] rows of one stratum, at most
    one at risk at any time. `clusters`: at random, across strata. `overlapping`: pairs of rows that
    are at risk together, where there are any.
    """
    kind = draw(st.sampled_from(kinds))
    rng = draw(_seeds())
    n = problem.n_rows
    ids = np.arange(n)
    if kind == "subjects":
        ids = subject_ids(problem)
    elif kind == "clusters":
        ids = rng.integers(0, rng.integers(2, n + 1), n)
    elif kind == "overlapping":
        ids = _overlapping_pairs(problem, rng)
    if len(np.unique(ids)) == 1:
        ids = (np.arange(n) == 0).astype(int)
    return rng.permutation(2 * n)[ids]  # labels are names, neither sorted nor 0, 1, 2, ...


def subject_ids(problem: CoxProblem) -> np.ndarray:
    """Labels, shape (n,): a row continues the subject of one censored at the time it enters."""
    n = problem.n_rows
    ids, continued = np.arange(n), np.zeros(n, dtype=bool)
    if problem.entry is None:
        return ids
    for j in np.argsort(problem.time, kind="stable"):
        before = (problem.time == problem.entry[j]) & ~problem.event & ~continued
        before &= _same_stratum(problem, j)
        if before.any():
            i = np.flatnonzero(before)[np.argmin(np.abs(np.flatnonzero(before) - j))]
            ids[j], continued[i] = ids[i], True
    return ids


def _same_stratum(problem: CoxProblem, row: int) -> np.ndarray:
    if problem.strata is None:
        return np.ones(problem.n_rows, dtype=bool)
    return problem.strata == problem.strata[row]


def _overlapping_pairs(problem: CoxProblem, rng) -> np.ndarray:
    entry = np.full(problem.n_rows, -np.inf) if problem.entry is None else problem.entry
    ids, free = np.arange(problem.n_rows), np.ones(problem.n_rows, dtype=bool)
    for i in rng.permutation(problem.n_rows):
        meets = (entry < problem.time[i]) & (entry[i] < problem.time) & _same_stratum(problem, i)
        partners = np.flatnonzero(meets & free & (np.arange(problem.n_rows) != i))
        if free[i] and len(partners):
            j = rng.choice(partners)
            ids[j] = ids[i]
            free[[i, j]] = False
    return ids


def members_of(ids: np.ndarray) -> list[np.ndarray]:
    """Index arrays of the groups, in order of first appearance."""
    return [np.flatnonzero(ids == label) for label in dict.fromkeys(np.asarray(ids).tolist())]


@st.composite
def m_estimator_problems(
    draw, kinds: tuple[str, ...] = tuple(ROW_LOSSES), max_rows: int = 40
) -> MProblem:
    """Least squares, logistic and Poisson regression with ridge, Huber location; each has a fit."""
    kind = draw(st.sampled_from(kinds))
    n, p = draw(st.integers(4, max_rows)), draw(st.integers(1, 3))
    ridge = draw(st.sampled_from((0.0, 0.1, 2.0)))
    rng = draw(_seeds())
    X = np.column_stack([np.ones(n), rng.normal(size=(n, p))])[:, : min(p, n - 2)]
    eta = X @ rng.normal(size=X.shape[1])
    if kind == "huber":
        X, eta = np.ones((n, 1)), np.zeros(n)
    y = {
        "least squares": lambda: eta + rng.normal(size=n),
        "logistic": lambda: (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float),
        "huber": lambda: rng.standard_t(2, n),
        "poisson": lambda: rng.poisson(np.exp(np.minimum(eta, 4))).astype(float),
    }[kind]()
    problem = MProblem(kind, X, y, ridge)
    while not fit_m(problem)[1]:
        problem = replace(problem, ridge=10 * problem.ridge + 0.1)
    return problem


# What a drawn problem contains: a test over many draws counts these

FEATURES = (
    "ties",
    "no ties",
    "all tied",
    "efron ties",
    "strata",
    "strata of one",
    "entry",
    "entry at an event time",
    "subject rows",
    "weights",
    "weights over 100-fold",
    "offset",
    "censored at an event time",
    "one event",
    "risk set of one",
    "row never at risk",
    "eps > .99",
    "own e0 > .99",
    "eta spread > 30",
    "calendar year",
    "singular hessian",
    "ridge",
)


def features(problem: CoxProblem, theta: np.ndarray) -> set[str]:
    """Which of `FEATURES` the problem has at `theta`."""
    found = _columns(problem, theta) | _risk_sets(problem, theta)
    if not positive_definite(cox_hessian(problem, theta)):
        found.add("singular hessian")
    return found


def _columns(problem: CoxProblem, theta) -> set[str]:
    eta = problem.X @ theta + (0.0 if problem.offset is None else problem.offset)
    weights = np.ones(1) if problem.weights is None else problem.weights
    ids = subject_ids(problem)
    has = {
        "strata": problem.strata is not None and len(np.unique(problem.strata)) > 1,
        "entry": problem.entry is not None,
        "subject rows": len(np.unique(ids)) < len(ids),
        "weights": problem.weights is not None,
        "weights over 100-fold": weights.max() > 100 * weights.min(),
        "offset": problem.offset is not None,
        "one event": problem.event.sum() == 1,
        "all tied": len(np.unique(problem.time)) == 1,
        "eta spread > 30": np.ptp(eta) > 30,
        "calendar year": np.abs(problem.X.mean(axis=0)).max() > 1000,
        "ridge": problem.penalty is not None,
    }
    return {name for name, present in has.items() if present}


def _risk_sets(problem: CoxProblem, theta) -> set[str]:
    found, at_risk = {"no ties"}, np.zeros(problem.n_rows, dtype=bool)
    for q in cox_terms(problem, theta):
        at_risk[q.rows] = True
        own = problem.event[q.rows] & (problem.time[q.rows] == q.t)
        censored = ~problem.event[q.rows] & (problem.time[q.rows] == q.t)
        eps = q.c / q.c.sum()
        several = len(q.rows) > 1
        has = {
            "ties": own.sum() > 1,
            "efron ties": own.sum() > 1 and problem.ties == "efron",
            "censored at an event time": censored.any(),
            "risk set of one": not several,
            "strata of one": problem.strata is not None
            and _same_stratum(problem, q.rows[0]).sum() == 1,
            "eps > .99": (eps[~own] > 0.99).any(),
            "own e0 > .99": several and (eps[own] > 0.99).any(),
            "entry at an event time": problem.entry is not None and (problem.entry == q.t).any(),
        }
        found |= {name for name, present in has.items() if present}
    if "ties" in found:
        found.remove("no ties")
    if not at_risk.all():
        found.add("row never at risk")
    return found
