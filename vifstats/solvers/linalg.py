"""Stacks of small symmetric matrices: solved, pinned along a gauge, tested for definiteness."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from vifstats.solvers import SINGULAR

__all__ = [
    "DEPENDENT",
    "invert_each",
    "packed_place",
    "pinned",
    "positive_definite",
    "solve_each",
    "solve_near",
]

# Gauge directions whose combination is this much shorter than the longest are dependent.
DEPENDENT = 1e-10
# A stack is worked on in blocks of this many numbers (2 MB).
BLOCK_NUMBERS = 250_000
# A matrix this near to a common one is solved by its inverse: each step leaves so much of an error.
NEAR = 1e-2
# Such matrices are taken in blocks of this many numbers, which stay in cache (512 kB), but of so
# many at least, as the sums run over the matrices of a block.
CACHE, FEWEST = 1 << 16, 64


def solve_each(
    H: np.ndarray,
    rows: np.ndarray,
    owned: np.ndarray | None = None,
    common: np.ndarray | None = None,
) -> np.ndarray:
    """Solve with each of a stack of symmetric matrices, nan where one is not positive definite.

    `H` (k, p, p); `rows` (k, p); `owned` bool (k, p): parameters left out of each solve, whose
    entries of the result are 0; `common` (p, p): a matrix to which most of the stack are near.
    """
    if common is not None and owned is None:
        i, j = np.triu_indices(len(common))
        return solve_near(common, lambda some: (common - H[some])[:, i, j], rows, H.__getitem__)
    out = np.empty(rows.shape)
    for some in _blocks(*H.shape[:2]):
        out[some] = _solve_some(H[some], rows[some], None if owned is None else owned[some])
    return out


def solve_near(
    common: np.ndarray,
    changes: Callable[[slice], np.ndarray],
    rows: np.ndarray,
    matrices: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Solve with each of some symmetric matrices of which most are near to a common one.

    `common` (p, p); `changes`: from some of k to how much less than it they are, of the pairs
    i <= j, (some, p (p + 1)/2); `rows` (k, p); `matrices`: from positions to these matrices, which
    are asked for only where they are not near. Returns (k, p), nan as `solve_each`.
    """
    k, p = rows.shape
    out, far = np.empty(rows.shape), np.ones(k, dtype=bool)
    if (near := _Near.of(common)) is not None:
        size = max(1, CACHE // p**2, min(FEWEST, 4 * BLOCK_NUMBERS // p**2))
        for start in range(0, k, size):
            some = slice(start, start + size)
            out[some], far[some] = near.solve(changes(some), rows[some])
    left = np.flatnonzero(far)
    for some in _blocks(len(left), p):
        at = left[some]
        out[at] = _solve_some(matrices(at), rows[at], None)
    return out


@dataclass(frozen=True, eq=False)
class _Near:
    """A positive definite matrix, with an inverse that helps to solve with matrices near it."""

    scale: np.ndarray  # (p,): of a diagonal of 1
    inverse: np.ndarray  # (p, p): in this scale
    smallest: float  # eigenvalue
    # int (p, p): where each entry is among the pairs i <= j; and (p (p + 1)/2,): their scale
    place: np.ndarray
    unit: np.ndarray

    @classmethod
    def of(cls, common: np.ndarray) -> "_Near | None":
        """None where it is all but singular."""
        diagonal = np.diag(common)
        if not (np.isfinite(common).all() and (diagonal > 0).all()):
            return None
        scale = np.sqrt(diagonal)
        matrix = common / (scale[:, None] * scale)
        smallest = float(np.linalg.eigvalsh(matrix)[0])
        if smallest <= SINGULAR / NEAR:
            return None
        i, j = np.triu_indices(len(scale))
        unit = scale[i] * scale[j]
        return cls(scale, np.linalg.inv(matrix), smallest, packed_place(len(scale)), unit)

    def solve(self, changes: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `solve_near`; and which are far from this matrix, whose rows have no meaning."""
        # the matrices last: sums over p alone would be too short to run fast
        packed = np.divide(changes.T, self.unit[:, None], order="C")
        change = packed.take(self.place, axis=0)
        # The step x <- C^-1 (b + (C - H) x) shrinks errors by |C^-1| |C - H| at least, and below 1
        # that also makes H positive definite.
        shrinks = np.sqrt(np.einsum("ijk,ijk->k", change, change)) / self.smallest
        far = ~(shrinks <= NEAR)
        change[:, :, far] = 0.0  # nor may they overflow
        x = start = self.inverse @ (rows / self.scale).T
        for _ in range(_steps(np.max(shrinks, where=~far, initial=0.0))):
            x = start + self.inverse @ np.einsum("ijk,jk->ik", change, x)
        return x.T / self.scale, far


def _steps(contraction: np.floating) -> int:
    """How many steps reach rounding."""
    eps = np.finfo(float).eps
    return int(np.ceil(np.log(eps) / np.log(max(contraction, eps))))


def packed_place(p: int) -> np.ndarray:
    """Where each entry of a symmetric matrix is among its pairs i <= j, int (p, p)."""
    i, j = np.triu_indices(p)
    place = np.empty((p, p), dtype=np.intp)
    place[i, j] = place[j, i] = np.arange(len(i))
    return place


def invert_each(H: np.ndarray, owned: np.ndarray | None = None) -> np.ndarray:
    """The inverse of each, with 0 in rows and columns of what is left out: (k, p, p)."""
    out = np.empty(H.shape)
    for some in _blocks(*H.shape[:2]):
        units = np.broadcast_to(np.eye(H.shape[-1]), H[some].shape)
        out[some] = _solve_columns(H[some], units, None if owned is None else owned[some])
    return out


def _blocks(k: int, p: int) -> Iterator[slice]:
    """Slices of k matrices (p, p), of which several copies are little beside all."""
    size = max(1, BLOCK_NUMBERS // max(1, p**2))
    return (slice(start, start + size) for start in range(0, k, size))


def _solve_some(H: np.ndarray, rows: np.ndarray, owned: np.ndarray | None) -> np.ndarray:
    return _solve_columns(H, rows[:, :, None], owned)[:, :, 0]


def _solve_columns(H: np.ndarray, columns: np.ndarray, owned: np.ndarray | None) -> np.ndarray:
    """Several columns with each matrix, asked once whether it is positive definite: (k, p, m)."""
    if owned is not None:
        H = np.where(owned[:, :, None] | owned[:, None, :], 0.0, H) + _diagonal(owned)
        columns = np.where(owned[:, :, None], 0.0, columns)
    diagonal = np.einsum("kii->ki", H)
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))[:, :, None]
    scaled = H / (scale * _transposed(scale))
    # Cholesky reads one triangle, LU both: rounding must not make two matrices of them.
    scaled = 0.5 * (scaled + _transposed(scaled))
    usable = positive_definite(scaled)
    out = np.full(columns.shape, np.nan)
    out[usable] = np.linalg.solve(scaled[usable], (columns / scale)[usable]) / scale[usable]
    return out


def pinned(H: np.ndarray, gauge: np.ndarray) -> np.ndarray:
    """H on the complement of gauge directions, and its own size along them.

    A row without a part in them has a solution without: so a Newton step does not drift along
    them, also where its H, away from the minimum, is curved along them. See docs/mathematics.md,
    equation (11).

    Shapes: `H` (p, p) or (k, p, p); `gauge` (g, p) or (k, g, p).
    """
    if not gauge.any():
        return H
    A = _basis(gauge)
    HA = H @ A
    size = np.linalg.norm(H, axis=(-2, -1), keepdims=True)
    along = _transposed(A) @ HA + size * np.eye(A.shape[-1])
    return H - HA @ _transposed(A) - A @ _transposed(HA) + A @ along @ _transposed(A)


def _basis(gauge: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span the rows of a gauge, then columns of 0: (..., p, g)."""
    # a theta that ran away has no gauge, and no Hessian either
    finite = np.where(np.isfinite(gauge), gauge, 0.0)
    _, sizes, V = np.linalg.svd(finite, full_matrices=False)
    spans = sizes > DEPENDENT * sizes.max(axis=-1, keepdims=True)
    return _transposed(V * spans[..., None])


def _transposed(matrices: np.ndarray) -> np.ndarray:
    return np.swapaxes(matrices, -1, -2)


def _diagonal(entries: np.ndarray) -> np.ndarray:
    return np.einsum("ki,ij->kij", entries.astype(float), np.eye(entries.shape[1]))


def positive_definite(H: np.ndarray, bound: float = SINGULAR) -> np.ndarray:
    """Which matrices of a stack have only eigenvalues above a bound, by default of rounding."""
    usable = np.empty(len(H), dtype=bool)
    for some in _blocks(*H.shape[:2]):
        finite = np.isfinite(H[some]).all(axis=(1, 2))
        usable[some] = finite
        M = H[some][finite]
        try:
            # Subtracting the bound first makes "Cholesky succeeds" mean "eigenvalues above it".
            np.linalg.cholesky(M - bound * np.eye(H.shape[-1]))
        except np.linalg.LinAlgError:
            usable[np.arange(len(H))[some][finite]] = np.linalg.eigvalsh(M)[:, 0] > bound
    return usable
