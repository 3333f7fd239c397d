"""What is read off curves, in loops over event times and rows: slow and obviously right.

Every function takes a dict of columns (n,): T, E (causes), entry, weights, groups.
"""

from __future__ import annotations

import numpy as np


def without(data, i):
    """The data without row i."""
    return {name: np.delete(column, i) for name, column in data.items()}


def arm(data, label):
    """The rows of one group."""
    inside = data["groups"] == label
    return {name: column[inside] for name, column in data.items()}


def steps(data, cause=None):
    """For each event time in its order: the time, at risk, events of any cause, of this one."""
    T, E, w = data["T"], data["E"], data["weights"]
    for u in sorted(set(T[E > 0])):
        seen = (data["entry"] < u) & (u <= T)
        dies = seen & (u == T) & (E > 0)
        alone = dies.sum() == seen.sum()
        y, d = w[seen].sum(), w[dies].sum()
        yield u, y, d if not alone else y, w[dies & (cause == E)].sum()


def survival(data, t):
    if not len(data["T"]):
        return np.nan
    S = 1.0
    for u, y, d, _ in steps(data):
        S *= 1 - d / y if u <= t else 1.0
    return S


def incidence(data, cause, t):
    if not len(data["T"]):
        return np.nan
    S, F = 1.0, 0.0
    for u, y, d, of_cause in steps(data, cause):
        if u <= t:
            F += S * of_cause / y
            S *= 1 - d / y
    return F


def restricted_mean(data, tau):
    inner = [u for u, *_ in steps(data) if 0 < u < tau]
    grid = [0.0, *inner, tau]
    return sum(survival(data, a) * (b - a) for a, b in zip(grid[:-1], grid[1:], strict=True))


def quantile(data, share):
    for u, *_ in steps(data):
        if survival(data, u) <= (1 - share) * (1 + 1e-12):
            return u
    return np.nan


def log_rank(data, labels):
    """Chi-squared by the hypergeometric distribution at each event time."""
    U, V = np.zeros(len(labels)), np.zeros((len(labels), len(labels)))
    expected = np.zeros(len(labels))
    for u, y, d, _ in steps(data):
        arms = [list(steps_at(arm(data, label), u)) for label in labels]
        yg, dg = np.array(arms).T
        share = yg / y
        U += dg - d * share
        expected += d * share
        if y > 1:
            V += d * (y - d) / (y - 1) * (np.diag(share) - np.outer(share, share))
    kept = np.flatnonzero(expected > 1e-12)[1:]
    if not len(kept) or np.trace(V) < 1e-12:
        return np.nan
    return U[kept] @ np.linalg.solve(V[np.ix_(kept, kept)], U[kept])


def steps_at(data, u):
    """Weight at risk, and with an event, at one time."""
    seen = (data["entry"] < u) & (u <= data["T"])
    yield data["weights"][seen].sum()
    yield data["weights"][seen & (u == data["T"]) & (data["E"] > 0)].sum()
