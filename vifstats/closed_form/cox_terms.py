"""The terms of Cox's partial likelihood one by one: who is at risk, who dies, and the mean.

A term is one factor of the likelihood: one for each event time of a stratum, or for Efron's ties
one for each death. Letters as on the mathematics page.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError

__all__ = ["CoxData", "EventTime", "Term", "cox_data", "event_times", "hessian", "terms"]

TIES = ("efron", "breslow")


@dataclass(frozen=True, eq=False)
class CoxData:
    """Data and risks at one theta."""

    # (n, p): about its mean: only differences of covariates matter
    X: np.ndarray
    # time, entry, w, r (n,): w is the case weight and r = w exp(x'theta), up to a factor
    time: np.ndarray
    event: np.ndarray  # bool (n,)
    entry: np.ndarray
    stratum: np.ndarray  # int (n,)
    w: np.ndarray
    r: np.ndarray
    ties: str
    penalty: np.ndarray  # (p, p)


@dataclass(frozen=True, eq=False)
class EventTime:
    """A time at which someone of a stratum dies."""

    # at_risk, dying bool (n,): who dies is also at risk
    at_risk: np.ndarray
    dying: np.ndarray


@dataclass(frozen=True, eq=False)
class Term:
    """a log phi and what its derivatives need."""

    # Coefficient: the mean weight of the deaths (Efron) or their sum (Breslow)
    a: float
    # (n,): what each row adds to phi: r, or (1 - l/d) r of a row that dies; 0 if not at risk
    c: np.ndarray
    phi: float
    # (p,): mean of x, weighted by c
    m: np.ndarray


def cox_data(
    theta: Any,
    X: Any,
    T: Any,
    E: Any,
    *,
    entry: Any,
    weights: Any,
    strata: Any,
    offset: Any,
    ties: str,
    penalty: Any,
    as_printed: bool,
) -> CoxData:
    """Check the data and compute the risks.

    Raises InvalidInputError if the data break a rule of `vifstats.checks.survival`, or ask for more
    than was printed.
    """
    options = {"entry": entry, "weights": weights, "strata": strata, "offset": offset}
    given = [name for name, value in options.items() if value is not None]
    as_printed = checks.flag(as_printed, "as_printed")
    if as_printed and given:
        raise InvalidInputError(
            f"The formula as printed has no {' or '.join(given)}; leave `as_printed` out."
        )
    data = checks.survival(X, T, E, **options)
    theta = checks.parameters(theta, data.X.shape[1])
    P = checks.penalty_matrix(penalty, len(theta))
    centred = data.X - data.X.mean(axis=0)
    eta = centred @ theta + data.offset
    return CoxData(
        X=centred,
        time=data.time,
        event=data.event,
        entry=data.entry,
        stratum=data.strata,
        w=data.weights,
        r=data.weights * np.exp(eta - eta.max()),
        ties="breslow" if as_printed else checks.one_of(ties, TIES, "ties"),
        penalty=np.zeros((len(theta),) * 2) if P is None else P,
    )


def event_times(data: CoxData) -> Iterator[EventTime]:
    """Every event time of every stratum. At risk at t: entry < t <= time."""
    for stratum in np.unique(data.stratum):
        inside = data.stratum == stratum
        for t in np.unique(data.time[inside & data.event]):
            at_risk = inside & (data.entry < t) & (t <= data.time)
            yield EventTime(at_risk, at_risk & data.event & (data.time == t))


def terms(data: CoxData, at: EventTime) -> Iterator[Term]:
    """One term, or for Efron's ties the d terms in which a death counts 1, 1 - 1/d, ..., 1/d."""
    d = int(at.dying.sum())
    n_terms = d if data.ties == "efron" else min(d, 1)
    for tie in range(n_terms):
        c = np.where(at.dying, 1 - tie / d, 1.0) * np.where(at.at_risk, data.r, 0.0)
        phi = c.sum()
        yield Term(data.w[at.dying].sum() / n_terms, c, phi, c @ data.X / phi)


def hessian(data: CoxData) -> np.ndarray:
    """H = sum of a V, V the covariance of x in a term, plus the penalty; shape (p, p)."""
    H = data.penalty.copy()
    for at in event_times(data):
        for q in terms(data, at):
            u = data.X - q.m
            H += q.a * (u.T * (q.c / q.phi)) @ u
    return H
