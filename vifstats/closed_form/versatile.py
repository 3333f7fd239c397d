"""The Versatile Influence Function of Cox regression, written out."""

import numpy as np

from vifstats.closed_form.cox_terms import CoxData, EventTime, cox_data, event_times, hessian, terms
from vifstats.typing import ArrayLike1D, Groups, Penalty, TableLike

__all__ = ["vif_cox"]


def vif_cox(
    theta: ArrayLike1D,
    X: TableLike,
    T: ArrayLike1D,
    E: ArrayLike1D | None = None,
    *,
    entry: ArrayLike1D | None = None,
    weights: ArrayLike1D | None = None,
    strata: Groups | None = None,
    offset: ArrayLike1D | None = None,
    ties: str = "efron",
    penalty: Penalty | None = None,
    as_printed: bool = False,
) -> np.ndarray:
    """Versatile Influence Function of Cox regression, row by row and term by term.

    Parameters
    ----------
    theta : array_like, shape (p,)
        Coefficients at the minimum.
    X : DataFrame or array_like, shape (n, p)
    T : array_like, shape (n,)
        Times of event or censoring.
    E : array_like, shape (n,), optional
        1 event, 0 censored; None: all events.
    entry : array_like, shape (n,), optional
        Delayed entry: at risk strictly after it.
    weights : array_like, shape (n,), optional
        Case weights, > 0.
    strata : array_like, shape (n,) or (n, k), optional
    offset : array_like, shape (n,), optional
    ties : {"efron", "breslow"}
    penalty : float or array_like, shape (p,) or (p, p), optional
        P of 0.5 theta' P theta, in the units of X. It is held.
    as_printed : bool
        The published formula to the letter. It was written for right-censored data without ties;
        with ties it misses part of the influence (see Notes).

    Returns
    -------
    ndarray, shape (n, p)
        -H^-1 D_i, the approximation of theta^ - theta(-i).

    Raises
    ------
    InvalidInputError
        If the data break a rule, or ask for more than was printed.

    See Also
    --------
    vifstats.vif_cox : The same in near-linear time, for fitted models too.

    Notes
    -----
    As printed, the events j that row i was at risk for are those with T_j < T_i, which is all of
    them but its own where times are distinct. An event tied with i is lost that way: i, censored or
    dying then, was at risk for it. The general formula takes all of T_j <= T_i, j other than i.

    Here phi - r_i is a plain difference. It loses digits for a row that holds nearly all the risk
    of its risk set; `vifstats.vif` does not.

    References
    ----------
    Deng, Tang & Ma (2025), A Versatile Influence Function for Data Attribution with
    Non-Decomposable Loss, ICML; Appendix C.3.

    Examples
    --------
    Row 2 is censored at the time of an event:

    >>> x, T, E = [[1.0], [0.0], [1.0], [0.0]], [1.0, 2.0, 2.0, 4.0], [1, 1, 0, 0]
    >>> theta = [np.log(2) / 2]
    >>> vif_cox(theta, x, T, E).ravel().round(4)
    array([ 0.8536, -0.5383, -1.2071,  0.6689])
    >>> vif_cox(theta, x, T, E, as_printed=True).ravel().round(4)
    array([ 0.8536, -0.5383, -0.3536,  0.6689])
    """
    data = cox_data(
        theta, X, T, E, entry=entry, weights=weights, strata=strata, offset=offset,
        ties=ties, penalty=penalty, as_printed=as_printed,
    )  # fmt: skip
    difference = _difference_as_printed if as_printed else _difference
    return -np.linalg.solve(hessian(data), difference(data).T).T


def _difference_as_printed(data: CoxData) -> np.ndarray:
    """D_i of Appendix C.3: i's own event, and what it changes in the events before it.

    E_i (m(T_i) - x_i) + sum_{j: T_j < T_i} E_j [m(T_j) - m_-i(T_j)],   m = S1 / S0
    """
    out = np.zeros_like(data.X)
    for j in np.flatnonzero(data.event):
        at_risk, later = data.time >= data.time[j], data.time > data.time[j]
        S0, S1 = data.r[at_risk].sum(), data.r[at_risk] @ data.X[at_risk]
        out[j] += S1 / S0 - data.X[j]
        r, x = data.r[later, None], data.X[later]
        out[later] += S1 / S0 - (S1 - r * x) / (S0 - r)
    return out


def _difference(data: CoxData) -> np.ndarray:
    """D_i with ties, weights, strata and entry.

    A row that lives through an event time changes phi and m of each term there. One that dies then
    takes its own x, its share of the coefficients, and a term with it.
    """
    out = np.zeros_like(data.X)
    for at in event_times(data):
        living = at.at_risk & ~at.dying
        for q in terms(data, at):
            u, eps = data.X[living] - q.m, q.c[living, None] / q.phi
            out[living] += q.a * u * eps / (1 - eps)
        for i in np.flatnonzero(at.dying).tolist():
            without = EventTime(_without(at.at_risk, i), _without(at.dying, i))
            out[i] = out[i] + _gradient(data, at) - _gradient(data, without)
    return out


def _without(rows: np.ndarray, i: int) -> np.ndarray:
    return rows & (np.arange(len(rows)) != i)


def _gradient(data: CoxData, at: EventTime) -> np.ndarray:
    """What one event time adds to the gradient: sum of a m, minus the w x of those who die."""
    observed = data.w[at.dying] @ data.X[at.dying]
    return sum((q.a * q.m for q in terms(data, at)), -observed)
