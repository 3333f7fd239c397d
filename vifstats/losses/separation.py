"""Directions along which a loss never rises: docs/mathematics.md, equation (38).

The loss of convex rows has a finite minimum unless there is a direction g, not 0, that lies in the
cone of every row: c'g >= 0 for each of its faces c, or c'g = 0. Either the loss then falls for ever
along g (separation, monotone likelihood), or it does not change at all (g is not identified).
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

__all__ = [
    "Cone",
    "diverging",
    "endless_direction",
    "factored",
    "falling",
    "in_words",
    "lower",
    "whitening",
]

# A face is broken if c'g is this far below 0 for unit c and g; HiGHS is asked for as much.
BROKEN = 1e-9
FEASIBLE = 1e-10
# A remainder of a unit vector that is shorter than this is rounding.
DEPENDENT = 1e-10
# New faces come in portions: each program is small, and few are needed.
MOST_CUTS = 200
# A coefficient of a direction that is smaller than this share of the largest is rounding.
NOTHING = 1e-6

# If this many Newton steps find no multipliers, a linear program decides.
STEPS, HALVINGS = 25, 30
# A step that moves no face by this much leaves multipliers positive, with digits to spare.
SETTLED = 0.5
# The full sum is brought this near to 0, in units in which a row's share is its leverage.
NEAR = 1e-4
# A leverage this near to 1 may be 1.
ROUNDING = 1e-6
# Sums of many rows round by more than one number: three digits are left to be on the safe side, as
# where a difference of two sums is not singular no linear program is asked.
SUMMED = 1e3
# Rows are factored in blocks of this many numbers (4 MB).
BLOCK_NUMBERS = 500_000


class Cone(Protocol):
    """The directions g with c'g >= 0 for all faces c, where they may be too many to list.

    Attributes
    ----------
    rows : ndarray, shape (m, p)
        Along g nothing changes if and only if ``rows @ g`` is 0.
    equal : ndarray, shape (e, p)
        Faces with c'g = 0.
    gain : ndarray, shape (p,)
        A sum of all other faces with positive weights; 0 if there are none.
    """

    @property
    def rows(self) -> np.ndarray: ...  # noqa: D102  a field, described above

    @property
    def equal(self) -> np.ndarray: ...  # noqa: D102  likewise

    @property
    def gain(self) -> np.ndarray: ...  # noqa: D102  likewise

    def broken(self, g: np.ndarray, most: int) -> np.ndarray:
        """The faces with the most negative c'g, up to the most that are wanted: shape (k, p)."""


def endless_direction(cone: Cone) -> np.ndarray | None:
    """A direction of the cone that is not 0, shape (p,); None if there is none.

    Coordinates are those in which the rows are orthonormal, so the answer depends neither on
    units nor on how a factor is coded.
    """
    whitened = whitening(cone.rows)
    if whitened.ndim == 1:
        return whitened
    if not cone.gain.any():
        return None
    # only directions on which all equations hold
    free = _split(cone.equal @ whitened)[1].T
    if not free.size:
        return None
    at = _furthest(cone, whitened, free, _unit(cone.gain @ whitened @ free))
    return None if at is None else whitened @ (free @ at)


def diverging(cone: Cone) -> np.ndarray:
    """Whether coefficients diverge as the loss falls for ever: 1, -1, 0 (no), nan (unknown).

    A coefficient diverges if any direction of the cone moves it; the others have finite limits.
    Shape (p,); all are nan if the loss does not change along some direction.
    """
    whitened = whitening(cone.rows)
    if whitened.ndim == 1:
        return np.full(len(whitened), np.nan)
    free = _split(cone.equal @ whitened)[1].T
    goes = np.zeros(len(whitened))
    if not (free.size and cone.gain.any()):
        return goes
    for j, row in enumerate(whitened @ free):
        aims = {sign: sign * _unit(row) for sign in (1.0, -1.0)}
        ends = {sign: _furthest(cone, whitened, free, aim) for sign, aim in aims.items()}
        found = [s for s, at in ends.items() if at is not None and aims[s] @ at > NOTHING]
        goes[j] = {0: 0.0, 1: sum(found), 2: np.nan}[len(found)]
    return goes


def _furthest(
    cone: Cone, whitened: np.ndarray, free: np.ndarray, aim: np.ndarray
) -> np.ndarray | None:
    """The direction ``whitened @ free @ at`` of the cone that goes furthest towards aim: at (k,).

    None if the cone has none but 0.
    """
    cuts = np.empty((0, free.shape[1]))
    while True:
        at = _program(-aim, cuts, np.ones(len(aim)))
        if at is None:
            warnings.warn(
                "Separation could be neither found nor ruled out, as HiGHS gave no answer to its "
                "linear program; it is taken not to be there. Look for estimates that run away.",
                RuntimeWarning,
                stacklevel=2,
            )
            return None
        # The cone holds every multiple of a direction: the largest fills the box, or all are 0.
        if np.abs(at).max() < 0.5:
            return None
        faces = _unit_rows(cone.broken(whitened @ (free @ at), MOST_CUTS) @ whitened) @ free
        # what the equations leave of a face may be rounding
        new = _unit_rows(faces[np.linalg.norm(faces, axis=1) > DEPENDENT])
        new = new[new @ at < -BROKEN]
        if not len(new):
            return at
        cuts = np.concatenate([cuts, new])


def falling(cone: Cone) -> np.ndarray | None:
    """A direction along which the loss falls for ever, with few coefficients: an error names it.

    The shortest in the 1-norm; None if there is none, also where the loss does not change.
    """
    direction = endless_direction(cone)
    if direction is None or not cone.gain.any():
        return None
    size = np.linalg.norm(cone.rows, axis=0)
    size = np.where(size > 0, size, 1.0)
    if not _unit(cone.gain / size) @ _unit(direction * size) > BROKEN:
        return None
    # h = size * g in two positive parts, with a gain of 1
    equal = np.vstack([_split(cone.equal / size)[0], _unit(cone.gain / size)])
    right = np.append(np.zeros(len(equal) - 1), 1.0)
    cuts = np.empty((0, len(size)))
    while True:
        parts = _program(
            np.ones(2 * len(size)),
            np.hstack([cuts, -cuts]),
            np.full(2 * len(size), np.inf),
            equal=np.hstack([equal, -equal]),
            right=right,
        )
        if parts is None:
            return _without_rounding(direction, size)
        at = parts[: len(size)] - parts[len(size) :]
        new = _unit_rows(cone.broken(at / size, MOST_CUTS) / size)
        new = new[new @ at < -BROKEN * np.linalg.norm(at)]
        if not len(new):
            return _without_rounding(at / size, size)
        cuts = np.concatenate([cuts, new])


def in_words(direction: np.ndarray, names: Sequence[str]) -> str:
    """A direction as a combination of parameters, the smallest coefficient 1.

    Examples
    --------
    >>> in_words(np.array([0.5, 0.0, -1.0]), ["age", "dose", "sex"])
    'age - 2 sex'
    """
    at = np.flatnonzero(direction)
    sizes = np.abs(direction[at])
    terms = []
    for k, size in zip(at.tolist(), (sizes / sizes.min(initial=np.inf)).tolist(), strict=True):
        number = "" if f"{size:.3g}" == "1" else f"{size:.3g} "
        sign = "- " if direction[k] < 0 else "+ "
        terms.append(f"{sign}{number}{names[k]}")
    words = " ".join(terms)
    return words[2:] if words.startswith("+ ") else words.replace("- ", "-", 1)


def whitening(rows: np.ndarray) -> np.ndarray:
    """T (p, p) with orthonormal ``rows @ T``; or a direction (p,) along which they are 0."""
    p = rows.shape[1]
    size = np.sqrt(np.einsum("np,np->p", rows, rows))
    if not size.all():
        return np.where(np.arange(p) == np.argmin(size), 1.0, 0.0)
    _, values, V = np.linalg.svd(_triangle(rows, size))
    values = np.append(values, np.zeros(p - len(values)))
    if values[-1] <= values[0] * max(rows.shape) * np.finfo(float).eps:
        return V[-1] / size
    return V.T / values / size[:, None]


def _triangle(rows: np.ndarray, size: np.ndarray) -> np.ndarray:
    """R of Q R = rows / size, block by block; the rows themselves where they are few."""
    p = rows.shape[1]
    if len(rows) <= p:
        return rows / size
    step, R = max(2 * p, BLOCK_NUMBERS // max(p, 1)), np.zeros((0, p))
    for start in range(0, len(rows), step):
        block = np.concatenate([R, rows[start : start + step] / size])
        R = np.asarray(np.linalg.qr(block, mode="r"))
    return R


def factored(H: np.ndarray, terms: np.ndarray | None = None) -> np.ndarray | None:
    """R with R R' = H^-1; None where H is singular to working precision.

    `terms` (p,): the diagonal of sums of which H is the difference, whose rounding it keeps.
    """
    diagonal = np.diag(H)
    if not np.all(diagonal > 0):
        return None
    size = np.sqrt(diagonal)
    values, V = np.linalg.eigh(H / size / size[:, None])
    rounding = 1.0 if terms is None else SUMMED * np.max(terms / diagonal)
    if values[0] <= rounding * len(H) * np.finfo(float).eps:
        return None
    return V / np.sqrt(values) / size[:, None]


def lower(value: Callable[[np.ndarray], float], g: np.ndarray, step: np.ndarray) -> np.ndarray:
    here = value(g)
    for _ in range(HALVINGS):
        if value(g + step) < here:
            return g + step
        step = 0.5 * step
    return g


def _split(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal rows that span the same space, and those that span its complement."""
    p = rows.shape[1]
    units = _unit_rows(rows)
    if not len(units):
        return np.zeros((0, p)), np.eye(p)
    triangle = np.linalg.qr(units, mode="r")
    _, values, V = np.linalg.svd(triangle)
    rank = int(np.sum(values > values[0] * DEPENDENT))
    return V[:rank], V[rank:]


def _program(
    cost: np.ndarray,
    cuts: np.ndarray,
    bound: np.ndarray,
    equal: np.ndarray | None = None,
    right: np.ndarray | None = None,
) -> np.ndarray | None:
    """Minimise cost'g over cuts g >= 0 and |g| <= bound; None where HiGHS cannot.

    With equations ``equal @ g = right`` g is positive.
    """
    from scipy.optimize import linprog

    tolerances = {f"{side}_feasibility_tolerance": FEASIBLE for side in ("primal", "dual")}
    for method in ("highs", "highs-ipm"):
        found = linprog(
            cost,
            A_ub=-cuts if len(cuts) else None,
            b_ub=np.zeros(len(cuts)) if len(cuts) else None,
            A_eq=equal,
            b_eq=right,
            bounds=np.column_stack([-bound if equal is None else np.zeros(len(bound)), bound]),
            method=method,
            options=tolerances,
        )
        if found.status == 0:
            return found.x
    return None


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(np.linalg.norm(vector), np.finfo(float).tiny)


def _unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1, without those of 0."""
    length = np.linalg.norm(rows, axis=1)
    return rows[length > 0] / length[length > 0, None]


def _without_rounding(direction: np.ndarray, size: np.ndarray) -> np.ndarray:
    h = np.abs(direction) * size
    return np.where(h > NOTHING * h.max(), direction, 0.0)
