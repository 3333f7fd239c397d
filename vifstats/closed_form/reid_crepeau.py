"""The classical influence function of Cox regression."""

import numpy as np

from vifstats.closed_form.cox_terms import CoxData, cox_data, event_times, hessian, terms
from vifstats.typing import ArrayLike1D, Groups, Penalty, TableLike

__all__ = ["reid_crepeau_if"]


def reid_crepeau_if(
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
    """Classical influence function of Cox regression, row by row and term by term.

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
        P of 0.5 theta' P theta, in the units of X.
    as_printed : bool
        The published formula to the letter. It was written for right-censored data without ties;
        with ties it is Breslow's.

    Returns
    -------
    ndarray, shape (n, p)
        The change theta^ - theta(-i), to first order: the ``dfbeta`` of R survival.

    Raises
    ------
    InvalidInputError
        If the data break a rule, or ask for more than was printed.

    See Also
    --------
    vifstats.classical_if : The same in near-linear time.

    References
    ----------
    Reid & Crepeau (1985), Influence functions for proportional hazards regression, Biometrika 72,
    1-9; their n-scale divided by n. With ties and weights: Therneau & Grambsch (2000), Modeling
    Survival Data, chapter 7.

    Examples
    --------
    >>> x, T = [[1.0], [0.0], [1.0], [0.0]], [1.0, 2.0, 3.0, 4.0]
    >>> theta = [np.log(2) / 2]
    >>> reid_crepeau_if(theta, x, T, [1, 1, 0, 0]).ravel().round(4)
    array([ 0.6036, -0.3536, -0.75  ,  0.5   ])
    """
    data = cox_data(
        theta, X, T, E, entry=entry, weights=weights, strata=strata, offset=offset,
        ties=ties, penalty=penalty, as_printed=as_printed,
    )  # fmt: skip
    score = _score_as_printed if as_printed else _score
    return np.linalg.solve(hessian(data), score(data).T).T


def _score_as_printed(data: CoxData) -> np.ndarray:
    """Reid & Crepeau (1985): an observed part at i's own time, an expected part before it.

    E_i (x_i - m(T_i)) - exp(x_i'theta) sum_{j: T_j <= T_i} E_j / S0(T_j) (x_i - m(T_j))
    """
    out = np.zeros_like(data.X)
    for j in np.flatnonzero(data.event):
        at_risk = data.time >= data.time[j]
        S0 = data.r[at_risk].sum()
        u = data.X - data.r[at_risk] @ data.X[at_risk] / S0
        out[j] += u[j]
        out[at_risk] -= (data.r[:, None] / S0 * u)[at_risk]
    return out


def _score(data: CoxData) -> np.ndarray:
    """The same with ties, weights, strata and entry: minus the derivative of grad L in b_i.

    In a term a log phi - sum_dying w x'theta / n_terms, b_i multiplies w_i in a, in phi (through
    eps_i = c_i / phi) and in the sum; the number of deaths d is held.
    """
    out = np.zeros_like(data.X)
    for at in event_times(data):
        all_terms = list(terms(data, at))
        w = np.where(at.dying, data.w, 0.0)[:, None] / len(all_terms)
        for q in all_terms:
            u, eps = data.X - q.m, q.c[:, None] / q.phi
            out += w * u - q.a * eps * u
    return out
