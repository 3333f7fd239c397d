"""One pass back over the risk sets, and one forward over the rows, of many data sets at once."""

import numpy as np

from vifstats.losses.cox.compiled.kept import add, compiled

__all__ = ["swept"]

# Factors of one logarithm.
PRODUCT = 16


@compiled
def _cell(
    sums: tuple, R: np.ndarray, S0D: np.ndarray, N: np.ndarray, a: np.ndarray, d: int
) -> None:
    """The terms of one cell of up to d deaths in k data sets, of which N (k,) are there.

    `sums`: (k,) each: S0, 1 where nobody dies, and the sums of log(phi/S0), a/phi and
    a (1 - l/N)/phi; `R`, `S0D`, `a` (k,): sums over who is at risk and does not die and over who
    dies, and the coefficient.
    """
    S0, logs, hazard, own = sums
    for j in range(len(R)):
        S0[j] = R[j] + S0D[j] if N[j] > 0 else 1.0
        hazard[j] = own[j] = a[j] / S0[j]  # the first term, and often the only one
    if d == 1:
        return
    product, part, unit = np.ones(len(R)), 1 / np.maximum(N, 1), 1 / S0
    for tie in range(1, d):
        for j in range(len(R)):
            left = tie < N[j]
            alive = 1 - tie * part[j]
            phi = R[j] + alive * S0D[j] if left else S0[j]
            share = a[j] / phi if left else 0.0
            product[j] *= phi * unit[j]
            hazard[j] += share
            own[j] += alive * share
        # a factor is at least 1/N, so a product of PRODUCT factors stays above 0: one log suffices
        if tie + 1 == d or tie % PRODUCT == 0:
            logs += np.log(product)
            product[:] = 1.0


@compiled
def swept(
    r: np.ndarray, rows: tuple, cells: tuple, N: np.ndarray, a: np.ndarray
) -> tuple[np.ndarray, ...]:
    """One pass back over the risk sets of k data sets, and one forward over who is exposed.

    `r` (n, k): of all rows, 0 where one has left; `rows`: int arrays, the end of the range of each
    row without its own event, all ranges beginning with their stratum, the event rows, and where
    strata begin, with the end; `cells`: int arrays, the most terms and the event rows of each, and
    where strata begin; `N` int, `a` (n_cells, k): terms that are there, and their coefficient.
    Returns (n_cells, k): S0, 1 where nobody dies, and the sums of log(phi/S0), a/phi and
    a (1 - l/N)/phi over the terms of each cell; and rho (n, k): r times the hazard that each row
    was exposed to.
    """
    hi, own_rows, row_bounds = rows
    n_terms, deaths, bounds = cells
    k = r.shape[1]
    S0, logs, hazard, own = np.zeros((4, len(deaths), k))
    rho = np.empty_like(r)
    event = len(own_rows)
    for s in range(len(bounds) - 2, -1, -1):
        R, row = np.zeros(k), row_bounds[s + 1]
        for c in range(bounds[s + 1] - 1, bounds[s] - 1, -1):
            while row > row_bounds[s] and hi[row - 1] > c:
                row -= 1
                add(R, r[row])
            S0D = np.zeros(k)
            for _ in range(deaths[c]):
                event -= 1
                add(S0D, r[own_rows[event]])
            _cell((S0[c], logs[c], hazard[c], own[c]), R, S0D, N[c], a[c], n_terms[c])
        seen, c = np.zeros(k), bounds[s]
        for row in range(row_bounds[s], row_bounds[s + 1]):
            while c < hi[row]:
                add(seen, hazard[c])
                c += 1
            rho[row] = seen
    for c in range(len(deaths)):
        for _ in range(deaths[c]):
            add(rho[own_rows[event]], own[c])
            event += 1
    rho *= r
    return S0, logs, hazard, own, rho
