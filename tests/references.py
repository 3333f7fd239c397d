"""Slow and obviously right: the definitions of the mathematics page in loops, no code of vifstats.

Every Cox sum is written once and runs in three arithmetics: float64, `numpy.longdouble` (64 bits
of mantissa on x86) and `decimal.Decimal` with 50 digits. Differences of two gradients are taken in
the last by default, so that the definition, "gradient with everybody minus gradient without i",
needs no rearrangement to keep its digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal, getcontext, localcontext
from functools import lru_cache, wraps

import numpy as np
from scipy.optimize import linprog

DIGITS = 50
SMALL_STEP = {Decimal: Decimal("1e-16"), np.longdouble: np.longdouble(1e-6)}
# as good as 50 digits for what is asked in units of one event's gradient, where float64 is shorter
WIDE: type = np.longdouble if np.finfo(np.longdouble).nmant > np.finfo(float).nmant else Decimal
CONVERGED = 1e-11  # size of the next Newton step, in standard errors


@dataclass(frozen=True, eq=False)
class CoxProblem:
    """The data of one Cox regression; a row is at risk at t if ``entry < t <= time``.

    Parameters
    ----------
    X : ndarray, shape (n, p)
    time : ndarray, shape (n,)
    event : ndarray of bool, shape (n,)
    entry, weights, strata, offset : ndarray, shape (n,), optional
        Weights are positive; 0 means absent. Risks are ``weights exp(offset + X theta)``.
    ties : "efron" or "breslow"
    penalty : ndarray, shape (p, p), optional
        P in the penalty ``0.5 theta' P theta``, held when rows leave.
    """

    X: np.ndarray
    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray | None = None
    weights: np.ndarray | None = None
    strata: np.ndarray | None = None
    offset: np.ndarray | None = None
    ties: str = "efron"
    penalty: np.ndarray | None = None

    @property
    def n_rows(self) -> int:
        return self.X.shape[0]

    @property
    def n_params(self) -> int:
        return self.X.shape[1]

    def at_risk(self, t: float) -> np.ndarray:
        """Rows of every stratum under observation at `t`; ndarray of bool, shape (n,)."""
        entry = np.full(self.n_rows, -np.inf) if self.entry is None else self.entry
        return (entry < t) & (t <= self.time)

    def take(self, rows: Sequence[int] | np.ndarray) -> CoxProblem:
        """The problem that has only these rows, in this order, with the same penalty."""
        columns = ("X", "time", "event", "entry", "weights", "strata", "offset")
        kept = {c: getattr(self, c)[rows] for c in columns if getattr(self, c) is not None}
        return replace(self, **kept)


@dataclass(frozen=True, eq=False)
class Term:
    """One term q = (stratum, t, l) of the loss: a log(phi), phi the sum of `c` times exp(shift).

    `x` is relative to one row of the risk set, `eta` to `shift`; `v` are weights times presence.
    `dead` marks D_t, in the first term of an event time only (l = 0), so that sums over terms count
    each event once.
    """

    t: float
    stratum: object
    rows: np.ndarray
    a: object
    c: np.ndarray
    x: np.ndarray
    eta: np.ndarray
    v: np.ndarray
    dead: np.ndarray
    shift: object


def many_digits(function: Callable) -> Callable:
    """Run the function where decimals have `DIGITS` digits."""

    @wraps(function)
    def run(*args, **kwargs):
        with localcontext(Context(prec=DIGITS)):
            return function(*args, **kwargs)

    return run


def cast(values, number: type) -> np.ndarray:
    """An array of `number`; of exact decimals in an object array for `Decimal`."""
    values = np.asarray(values)
    if number is not Decimal:
        return values.astype(number)
    exact = [v if isinstance(v, Decimal) else Decimal(float(v)) for v in values.ravel()]
    return np.array(exact, dtype=object).reshape(values.shape)


def cox_terms(
    problem: CoxProblem, theta, b=None, number: type = float, touching=None
) -> Iterator[Term]:
    """Every term of the loss, by stratum, event time and tie index: equation (16).

    Parameters
    ----------
    problem : CoxProblem
    theta : array_like, shape (p,)
    b : array_like, shape (n,), optional
        Presence: 0 is absent; more multiplies the case weight and leaves tie counts alone.
    number : float, numpy.longdouble or decimal.Decimal
    touching : sequence of int, optional
        Only the event times at which one of these rows is at risk.
    """
    b = np.ones(problem.n_rows) if b is None else np.asarray(b)
    weights = np.ones(problem.n_rows) if problem.weights is None else problem.weights
    v = cast(b, number) * cast(weights, number)
    present = np.array([bool(value > 0) for value in v])
    strata = np.zeros(problem.n_rows) if problem.strata is None else np.asarray(problem.strata)
    X = cast(problem.X, number)
    eta = X @ cast(theta, number)
    if problem.offset is not None:
        eta = eta + cast(problem.offset, number)
    for stratum in dict.fromkeys(strata.tolist()):
        here = strata == stratum
        for t in np.unique(problem.time[here & present & problem.event]):
            if touching is not None and not (here & problem.at_risk(t))[touching].any():
                continue
            rows = np.flatnonzero(here & present & problem.at_risk(t))
            dead = problem.event[rows] & (problem.time[rows] == t)
            yield from _terms_of_time(
                problem.ties, t, stratum, rows, dead, X[rows], eta[rows], v[rows]
            )


def _terms_of_time(ties, t, stratum, rows, dead, x, eta, v) -> Iterator[Term]:
    # x about the row of largest risk: where it dominates, the mean is near it, and the small
    # distance that is left is the gradient
    top = np.argmax(eta)
    shift, origin = eta[top], x[top]
    r = v * _exp_each(eta - shift)
    d = int(dead.sum())
    relative = (x - origin, eta - shift, v)
    if ties == "breslow":
        yield Term(t, stratum, rows, v[dead].sum(), r, *relative, dead, shift)
        return
    one = cast(1.0, Decimal if r.dtype == object else r.dtype.type)[()]
    for tie in range(d):
        c = np.where(dead, r * (one - one * tie / d), r)
        first = dead if tie == 0 else np.zeros_like(dead)
        yield Term(t, stratum, rows, v[dead].sum() / d, c, *relative, first, shift)


def _exp_each(values: np.ndarray) -> np.ndarray:
    if values.dtype != object:
        return np.exp(values)
    digits = getcontext().prec
    return np.array([_exp_to(value, digits) for value in values], dtype=object)


@lru_cache(maxsize=2**16)
def _exp_to(value: Decimal, digits: int) -> Decimal:
    """Removals and event times ask for the same again and again, and nothing takes longer."""
    return Context(prec=digits).exp(value)


def _mean(term: Term) -> np.ndarray:
    return (term.c[:, None] * term.x).sum(axis=0) / term.c.sum()


def _log(value):
    return value.ln() if isinstance(value, Decimal) else np.log(value)


@many_digits
def cox_value(problem: CoxProblem, theta, b=None, number: type = float):
    """Negative log partial likelihood plus penalty; a scalar of type `number`."""
    penalty = _penalty(problem, number)
    theta_ = cast(theta, number)
    total = theta_ @ penalty @ theta_ / 2
    for q in cox_terms(problem, theta, b, number):
        total = total + q.a * _log(q.c.sum()) - (q.v * q.eta)[q.dead].sum()
    return total


@many_digits
def cox_gradient(
    problem: CoxProblem, theta, b=None, number: type = float, touching=None
) -> np.ndarray:
    """Gradient of `cox_value` in theta, shape (p,).

    The weights of the events of one time add up to the coefficients `a` of its terms, so x may be
    measured from any point there.
    """
    total = _penalty(problem, number) @ cast(theta, number)
    for q in cox_terms(problem, theta, b, number, touching):
        total = total + q.a * _mean(q) - (q.v[:, None] * q.x)[q.dead].sum(axis=0)
    return total


@many_digits
def cox_hessian(
    problem: CoxProblem, theta, b=None, number: type = float, touching=None
) -> np.ndarray:
    """Hessian of `cox_value` in theta, shape (p, p): covariances about the risk sets' means."""
    total = _penalty(problem, number)
    for q in cox_terms(problem, theta, b, number, touching):
        u = q.x - _mean(q)
        total = total + q.a * ((u.T * q.c) @ u) / q.c.sum()
    return total


def _penalty(problem: CoxProblem, number: type) -> np.ndarray:
    p = problem.n_params
    return cast(np.zeros((p, p)) if problem.penalty is None else problem.penalty, number)


def without(n: int, members: Sequence[int]) -> np.ndarray:
    """Presence of everybody but `members`, shape (n,)."""
    b = np.ones(n)
    b[members] = 0.0
    return b


def _difference(
    function: Callable, problem: CoxProblem, theta, members, number: type
) -> np.ndarray:
    # event times at which no member is at risk contribute the same to both sides
    members = np.atleast_1d(members)
    b = without(problem.n_rows, members)
    with localcontext(Context(prec=DIGITS)):
        change = function(problem, theta, None, number, members) - function(
            problem, theta, b, number, members
        )
    return change.astype(float)


def cox_gradient_difference(
    problem: CoxProblem, theta, members, number: type = Decimal
) -> np.ndarray:
    """D of a set of rows: grad L(theta, 1) - grad L(theta, 1 without members), shape (p,).

    In Decimal it is right to the last bit of float64. `numpy.longdouble` is some ten times faster
    and loses about 1e-19 relative to the gradient of one event time, not to D.
    """
    return _difference(cox_gradient, problem, theta, members, number)


def cox_hessian_difference(
    problem: CoxProblem, theta, members, number: type = Decimal
) -> np.ndarray:
    """d2L(theta, 1) - d2L(theta, 1 without members), shape (p, p)."""
    return _difference(cox_hessian, problem, theta, members, number)


@many_digits
def cox_weight_gradient(problem: CoxProblem, theta, members, number: type = Decimal) -> np.ndarray:
    """Derivative of grad L in the presence of `members` at b = 1, tie counts held; shape (p,).

    A central difference: with 50 digits and a step of 1e-16 its error is 1e-32, in
    `numpy.longdouble` with a step of 1e-6 it is 1e-12.
    """
    members = np.atleast_1d(members)
    step = SMALL_STEP[number]
    up, down = cast(np.ones(problem.n_rows), number), cast(np.ones(problem.n_rows), number)
    up[members] += step
    down[members] -= step
    change = cox_gradient(problem, theta, up, number, members)
    change = change - cox_gradient(problem, theta, down, number, members)
    return (change / (2 * step)).astype(float)


def cox_changes(
    problem: CoxProblem, theta, groups: Sequence[Sequence[int]], number: type | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each group of rows does alone: D, the derivative in its presence, the Hessian without.

    `cox_gradient_difference`, `cox_weight_gradient` and `cox_hessian`, for all groups at once and
    by default in `WIDE`; shapes (n_groups, p), (n_groups, p) and (n_groups, p, p).
    """
    number = WIDE if number is None else number
    step = SMALL_STEP[number]
    absent, up, down = (cast(np.ones((len(groups), problem.n_rows)), number) for _ in range(3))
    for k, members in enumerate(groups):
        absent[k, members] -= 1
        up[k, members] += step
        down[k, members] -= step
    everyone = cast(np.ones((1, problem.n_rows)), number)
    b = np.concatenate([everyone, absent, up, down])
    _, gradients, hessians = cox_at_each(problem, theta, b, number)
    without_each, above, below = np.split(gradients[1:], 3)
    D, slopes = gradients[0] - without_each, (above - below) / (2 * step)
    return D.astype(float), slopes.astype(float), hessians[1 : len(groups) + 1].astype(float)


@many_digits
def cox_at_each(
    problem: CoxProblem, theta, b: np.ndarray, number: type = float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`cox_value`, `cox_gradient` and `cox_hessian` at each row of presences `b`, shape (k, n)."""
    weights = np.ones(problem.n_rows) if problem.weights is None else problem.weights
    strata = np.zeros(problem.n_rows) if problem.strata is None else np.asarray(problem.strata)
    X, v, theta = cast(problem.X, number), b * cast(weights, number), cast(theta, number)
    eta, penalty = X @ theta, _penalty(problem, number)
    if problem.offset is not None:
        eta = eta + cast(problem.offset, number)
    values = np.tile(theta @ penalty @ theta / 2, len(b))
    gradients, hessians = np.tile(penalty @ theta, (len(b), 1)), np.tile(penalty, (len(b), 1, 1))
    present, some = b > 0, (b > 0).any(axis=0)
    for stratum, t in {(strata[i], problem.time[i]) for i in np.flatnonzero(problem.event & some)}:
        rows = np.flatnonzero((strata == stratum) & problem.at_risk(t) & some)
        dead = present[:, rows] & (problem.event & (problem.time == t))[rows]
        top = rows[np.argmax(eta[rows])]  # as in `cox_terms`
        x, eta_, v_ = X[rows] - X[top], eta[rows] - eta[top], v[:, rows]
        for each, a, c in _terms_of_each(problem.ties, dead, v_, v_ * _exp_each(eta_)):
            phi = c.sum(axis=1)
            mean = c @ x / phi[:, None]
            u = x - mean[:, None]
            values[each] += a * _log_each(phi)
            gradients[each] += a[:, None] * mean
            spread = (u * c[:, :, None]).transpose(0, 2, 1) @ u
            hessians[each] += (a / phi)[:, None, None] * spread
        values -= (v_ * dead) @ eta_
        gradients -= (v_ * dead) @ x
    return values, gradients, hessians


def _terms_of_each(ties, dead, v, c) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Which presences have another term at this time, with `a` and `c` of `Term` for each."""
    died, a = dead.sum(axis=1), (v * dead).sum(axis=1)
    if ties == "breslow":
        each = died > 0
        yield each, a[each], c[each]
        return
    one = cast(1.0, Decimal if c.dtype == object else c.dtype.type)[()]
    for tie in range(died.max()):
        each = died > tie
        d = died[each].astype(c.dtype)
        yield each, a[each] / d, c[each] * (one - dead[each] * (one * tie / d)[:, None])


def _log_each(values: np.ndarray) -> np.ndarray:
    return np.array([_log(v) for v in values]) if values.dtype == object else np.log(values)


def rows_alone(problem: CoxProblem) -> list[np.ndarray]:
    """Each row as a group of its own."""
    return [np.array([i]) for i in range(problem.n_rows)]


def dfbeta_if(problem: CoxProblem, theta, groups=None) -> np.ndarray:
    """Classical influence function, -H^-1 d/db grad L; shape (n_groups, p).

    `groups` is a list of index arrays, removed together; by default every row alone.
    """
    groups = rows_alone(problem) if groups is None else groups
    return -_solve_rows(cox_hessian(problem, theta), cox_changes(problem, theta, groups)[1])


def dfbeta_vif(problem: CoxProblem, theta, groups=None) -> np.ndarray:
    """Versatile influence function, -H^-1 D (Definition 2.6); shape (n_groups, p)."""
    groups = rows_alone(problem) if groups is None else groups
    return -_solve_rows(cox_hessian(problem, theta), cox_changes(problem, theta, groups)[0])


def dfbeta_newton(problem: CoxProblem, theta, groups=None) -> np.ndarray:
    """One Newton step on the reduced problem, -H_-S^-1 D_S; shape (n_groups, p).

    nan where H_-S is singular.
    """
    groups = rows_alone(problem) if groups is None else groups
    D, _, reduced = cox_changes(problem, theta, groups)
    return np.array([-_solve_rows(H, d[None])[0] for H, d in zip(reduced, D, strict=True)])


def _solve_rows(hessian: np.ndarray, rows: np.ndarray) -> np.ndarray:
    if not positive_definite(hessian):
        return np.full_like(rows, np.nan)
    return np.linalg.solve(hessian, rows.T).T


def positive_definite(hessian: np.ndarray, tol: float = 1e-13) -> bool:
    """Whether the smallest eigenvalue of the Hessian scaled to unit diagonal is above `tol`."""
    scale = np.sqrt(np.diag(hessian))
    if not (scale > 0).all():
        return False
    return bool(np.linalg.eigvalsh(hessian / np.outer(scale, scale))[0] > tol)


def fit_cox(problem: CoxProblem, start=None, b=None) -> tuple[np.ndarray, bool]:
    """Minimise `cox_value` by damped Newton steps; (theta, converged).

    Where the likelihood is monotone the steps stay long in theta although they become short in
    standard errors, and the fit counts as not converged; there are too few steps to reach the
    place, some 37 away in eta, at which gradient and Hessian round to 0.
    """
    start = np.zeros(problem.n_params) if start is None else np.asarray(start, dtype=float)
    b = np.ones(problem.n_rows) if b is None else b

    @lru_cache(maxsize=2)  # where it is and where it goes, which is where it is next
    def at(theta: bytes) -> list[np.ndarray]:
        found = cox_at_each(problem, np.frombuffer(theta), b[None])
        return [each[0] for each in found]

    return _newton(
        lambda theta: at(theta.tobytes())[0],
        lambda theta: at(theta.tobytes())[1],
        lambda theta: at(theta.tobytes())[2],
        start,
        spread=np.ptp(problem.X, axis=0),
    )


def _newton(value, gradient, hessian, start, spread, max_steps=35) -> tuple[np.ndarray, bool]:
    theta = start
    for _ in range(max_steps):
        g, H = gradient(theta), hessian(theta)
        if not (np.isfinite(H).all() and positive_definite(H)):
            return theta, False
        step = np.linalg.solve(H, g)
        if math.sqrt(max(g @ step, 0.0)) < CONVERGED and (np.abs(step) * spread).max() < 1e-6:
            return theta, True
        theta = theta - _damping(value, theta, step) * step
    return theta, False


def _damping(value, theta, step) -> float:
    here = value(theta)
    allowed = here + 1e-12 * (1 + abs(here))  # at the minimum, values differ by rounding only
    for t in 0.5 ** np.arange(40):
        if value(theta - t * step) <= allowed:
            return t
    return 0.0


def refit_dfbeta(problem: CoxProblem, theta, groups=None) -> np.ndarray:
    """Our own converged fit minus the converged fit without each group; shape (n_groups, p).

    Rows are nan where there is no fit. `theta` is only a place to start from.
    """
    groups = rows_alone(problem) if groups is None else groups
    full, converged = fit_cox(problem, theta)
    if not converged:
        raise ValueError("The full problem has no fit.")
    rows = []
    for members in groups:
        reduced, converged = fit_cox(problem, full, without(problem.n_rows, members))
        rows.append(full - reduced if converged else np.full(problem.n_params, np.nan))
    return np.array(rows)


@many_digits
def baseline_cumulative_hazard(
    problem: CoxProblem, theta, b=None, t: float = np.inf, stratum=None, number: type = float
) -> float:
    """Lambda0(t) at x = 0 and offset 0: the sum of a/phi over the terms up to `t`: (24).

    Efron's or Breslow's, as the problem says. `stratum` must be given if the problem has strata.
    """
    if problem.strata is not None and stratum is None:
        raise ValueError("A problem with strata has one baseline in each: give `stratum`.")
    total = cast(0.0, number)[()]
    for q in cox_terms(problem, theta, b, number):
        if q.t <= t and (problem.strata is None or q.stratum == stratum):
            total = total + q.a / q.c.sum() * np.exp(-q.shift)
    return float(total)


def survival(problem: CoxProblem, theta, x, b=None, t: float = np.inf, stratum=None) -> float:
    """S(t | x) = exp(-Lambda0(t) exp(x'theta))."""
    hazard = baseline_cumulative_hazard(problem, theta, b, t, stratum)
    return math.exp(-hazard * math.exp(np.dot(x, theta)))


def cox_concordance(problem: CoxProblem, score: np.ndarray, w: np.ndarray) -> float:
    """Every death against every row that is at risk at its time and does not die then.

    Harrell's: a pair counts with the product of its weights `w`, tied scores count one half.
    """
    strata = np.zeros(problem.n_rows) if problem.strata is None else problem.strata
    good = every = 0.0
    for i in np.flatnonzero(problem.event):
        t = problem.time[i]
        dies = problem.event & (problem.time == t)
        others = problem.at_risk(t) & ~dies & (strata == strata[i])
        pairs = w[i] * w[others]
        order = np.sign(score[i] - score[others])
        good += pairs @ (0.5 + 0.5 * order)
        every += pairs.sum()
    return good / every if every > 0 else np.nan


def gradient_scale(problem: CoxProblem) -> np.ndarray:
    """Largest weight of an event times the range of each covariate, shape (p,).

    What a row moves the gradient of one event by is below this: the floor for relative errors where
    every D is 0 but for rounding.
    """
    weights = np.ones(problem.n_rows) if problem.weights is None else problem.weights
    return weights[problem.event].max(initial=0.0) * np.ptp(problem.X, axis=0)


# M-estimators: L = sum_i b_i loss(y_i, x_i'theta) + 0.5 ridge |theta|^2


def m_estimator_influence(hessian: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Koh & Liang (2017), Eq. 8, for a sum of losses, in the sign full minus without; shape (n, p).

    Parameters
    ----------
    hessian : ndarray, shape (p, p)
        Of the whole sum.
    scores : ndarray, shape (n, p)
        Row i is the gradient of the loss of row i.
    """
    inverse = np.linalg.inv(hessian)
    return np.array([-inverse @ score for score in scores])


def _huber(y: float, eta: float) -> float:
    size = abs(y - eta)
    return 0.5 * size**2 if size <= HUBER else HUBER * (size - 0.5 * HUBER)


def _sigmoid(eta: float) -> float:
    return 1 / (1 + math.exp(-eta)) if eta >= 0 else math.exp(eta) / (1 + math.exp(eta))


def _exp(eta: float) -> float:
    # a line search may ask far beyond the minimum
    return math.exp(eta) if eta < 700 else math.inf


HUBER = 1.345
# kind: loss of one row, its first and its second derivative in eta
ROW_LOSSES: dict[str, tuple[Callable, Callable, Callable]] = {
    "least squares": (lambda y, e: 0.5 * (y - e) ** 2, lambda y, e: e - y, lambda y, e: 1.0),
    "logistic": (
        lambda y, e: max(e, 0.0) + math.log1p(math.exp(-abs(e))) - y * e,
        lambda y, e: _sigmoid(e) - y,
        lambda y, e: _sigmoid(e) * _sigmoid(-e),
    ),
    "poisson": (
        lambda y, e: _exp(e) - y * e,
        lambda y, e: _exp(e) - y,
        lambda y, e: _exp(e),
    ),
    "huber": (
        _huber,
        lambda y, e: min(max(e - y, -HUBER), HUBER),
        lambda y, e: float(abs(y - e) <= HUBER),
    ),
}


@dataclass(frozen=True, eq=False)
class MProblem:
    """An M-estimator with a linear predictor.

    Parameters
    ----------
    kind : a key of `ROW_LOSSES`
    X : ndarray, shape (n, p)
    y : ndarray, shape (n,)
    ridge : float
    """

    kind: str
    X: np.ndarray
    y: np.ndarray
    ridge: float = 0.0


def m_value(problem: MProblem, theta, b=None) -> float:
    """The sum of losses plus penalty."""
    loss = ROW_LOSSES[problem.kind][0]
    b = np.ones(len(problem.y)) if b is None else b
    total = 0.5 * problem.ridge * float(np.dot(theta, theta))
    for x, y, presence in zip(problem.X, problem.y, b, strict=True):
        total += presence * loss(y, float(x @ theta)) if presence else 0.0
    return total


def m_scores(problem: MProblem, theta) -> np.ndarray:
    """Gradient of each row's loss, shape (n, p); the penalty belongs to no row."""
    slope = ROW_LOSSES[problem.kind][1]
    return np.array(
        [slope(y, float(x @ theta)) * x for x, y in zip(problem.X, problem.y, strict=True)]
    )


def m_gradient(problem: MProblem, theta, b=None) -> np.ndarray:
    """Gradient of `m_value`, shape (p,)."""
    b = np.ones(len(problem.y)) if b is None else b
    return b @ m_scores(problem, theta) + problem.ridge * np.asarray(theta)


def m_hessian(problem: MProblem, theta, b=None) -> np.ndarray:
    """Hessian of `m_value`, shape (p, p)."""
    curvature = ROW_LOSSES[problem.kind][2]
    b = np.ones(len(problem.y)) if b is None else b
    total = problem.ridge * np.eye(problem.X.shape[1])
    for x, y, presence in zip(problem.X, problem.y, b, strict=True):
        total = total + presence * curvature(y, float(x @ theta)) * np.outer(x, x)
    return total


def fit_m(problem: MProblem, start=None, b=None) -> tuple[np.ndarray, bool]:
    """Minimise `m_value` by damped Newton steps; (theta, converged).

    Huber's loss is for a location, and starts at the median: from afar its Hessian is 0.
    """
    if start is None and problem.kind == "huber":
        start = np.sort(problem.y)[[len(problem.y) // 2]]
    if start is None:
        start = np.zeros(problem.X.shape[1])
    return _newton(
        lambda theta: m_value(problem, theta, b),
        lambda theta: m_gradient(problem, theta, b),
        lambda theta: m_hessian(problem, theta, b),
        np.asarray(start, dtype=float),
        spread=np.abs(problem.X).max(axis=0),
    )


def m_dfbeta_newton(problem: MProblem, theta, groups=None) -> np.ndarray:
    """-H_-S^-1 D_S of an M-estimator, shape (n_groups, p)."""
    n = len(problem.y)
    groups = [np.array([i]) for i in range(n)] if groups is None else groups
    scores = m_scores(problem, theta)
    rows = [
        -_solve_rows(
            m_hessian(problem, theta, without(n, members)), scores[members].sum(axis=0)[None]
        )[0]
        for members in groups
    ]
    return np.array(rows)


def m_refit_dfbeta(problem: MProblem, theta, groups=None) -> np.ndarray:
    """Converged fit minus converged fit without each group, (n_groups, p); nan without a fit."""
    n = len(problem.y)
    groups = [np.array([i]) for i in range(n)] if groups is None else groups
    full, converged = fit_m(problem, theta)
    if not converged:
        raise ValueError("The full problem has no fit.")
    rows = []
    for members in groups:
        reduced, converged = fit_m(problem, full, without(n, members))
        rows.append(full - reduced if converged else np.full_like(full, np.nan))
    return np.array(rows)


def least_squares_deletion(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Exact dfbeta of least squares, each row left out of `numpy.linalg.lstsq`; shape (n, p)."""
    full = np.linalg.lstsq(X, y, rcond=None)[0]
    rows = []
    for i in range(len(y)):
        rest = np.arange(len(y)) != i
        rows.append(full - np.linalg.lstsq(X[rest], y[rest], rcond=None)[0])
    return np.array(rows)


def separates(faces: np.ndarray, equal: np.ndarray) -> bool:
    """Whether some g, not 0, has c'g >= 0 for all faces c, and c'g = 0 for all equal ones.

    Either the faces do not span the space, or a linear program finds their sum along g > 0 (Konis
    2007, thesis, Oxford; Albert & Anderson 1984, Biometrika 71). Columns are of any unit.
    """
    both = np.vstack([faces, equal])
    size = np.linalg.norm(both, axis=0)
    if not size.all() or np.linalg.matrix_rank(both / size) < both.shape[1]:
        return True
    if not len(faces):
        return False
    found = linprog(
        -(faces / size).sum(axis=0),
        A_ub=-faces / size,
        b_ub=np.zeros(len(faces)),
        A_eq=equal / size if len(equal) else None,
        b_eq=np.zeros(len(equal)) if len(equal) else None,
        bounds=[(-1, 1)] * both.shape[1],
    )
    assert found.status == 0, found.message
    return bool(-found.fun > 1e-6)


def cox_faces(problem: CoxProblem) -> np.ndarray:
    """x_i - x_j for each event i and each j of its stratum at risk (Bryson & Johnson 1981)."""
    strata = np.zeros(problem.n_rows) if problem.strata is None else problem.strata
    faces = [np.zeros((0, problem.n_params))]
    for i in np.flatnonzero(problem.event):
        at_risk = problem.at_risk(problem.time[i]) & (strata == strata[i])
        faces.append(problem.X[i] - problem.X[at_risk])
    return np.vstack(faces)


def clogit_faces(X: np.ndarray, y: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """x_i - x_j for each case i and each j of its set that is none."""
    faces = [np.zeros((0, X.shape[1]))]
    for i in np.flatnonzero(y == 1):
        faces.append(X[i] - X[(sets == sets[i]) & (y == 0)])
    return np.vstack(faces)


def shared_counts_faces(
    X: np.ndarray, y: np.ndarray, sets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """x_i - x_j for each count i and each zero j of its set; all counts of a set are equal."""
    counts = np.flatnonzero(y > 0)
    equal = [X[i] - X[j] for i in counts for j in counts[sets[counts] == sets[i]]]
    held = np.array(equal).reshape(-1, X.shape[1])
    return clogit_faces(X, (y > 0).astype(float), sets), held


def logistic_faces(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x of each success and -x of each failure."""
    return np.where(y == 1, 1.0, -1.0)[:, None] * X


def poisson_faces(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """-x of each zero; x of all other counts, for which the predictor is held."""
    return -X[y == 0], X[y > 0]
