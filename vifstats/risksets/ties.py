"""Closed forms of Efron's sums over the terms of one tie.

With N tied events and g = N S0 / S0D, the terms l = 0 .. N - 1 have f_l = S0 / phi_l - 1 =
l / (g - l), and everything that a tie needs is

    C(g, N) = sum_l f_l          and          Q(g, N) = sum_l f_l^2.

Both are differences of polygamma functions that cancel where g is large; the asymptotic series
below are differenced term by term instead, so no digits are lost (relative error 1e-15 of C).
"""

import numpy as np

__all__ = ["efron_logs", "efron_sums"]

ASYMPTOTIC = 16.0
DIRECT = 8
# Below this N/g, closed forms cancel and series in N/g are short.
SMALL = 0.08


def efron_sums(g: np.ndarray, N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """C(g, N) and Q(g, N).

    Parameters
    ----------
    g : ndarray, shape (k,)
        At least N.
    N : ndarray of int, shape (k,)

    Returns
    -------
    C, Q : ndarray, shape (k,)

    Examples
    --------
    >>> C, Q = efron_sums(np.array([4.0]), np.array([3]))
    >>> bool(np.isclose(C[0], 1 / 3 + 2 / 2)), bool(np.isclose(Q[0], 1 / 9 + 1))
    (True, True)
    """
    C, Q = np.zeros(len(g)), np.zeros(len(g))
    few = N <= DIRECT
    for tie in range(1, DIRECT):
        inside = few & (tie < N)
        f = np.where(inside, tie / np.where(inside, g - tie, 1.0), 0.0)
        C += f
        Q += f * f
    far = ~few & (g + 1 - N >= ASYMPTOTIC)
    near = ~few & ~far
    for some, closed_form in ((far, _asymptotic), (near, _polygamma)):
        if some.any():
            C[some], Q[some] = closed_form(g[some], N[some].astype(float))
    return C, Q


def efron_logs(g: np.ndarray, N: np.ndarray) -> np.ndarray:
    """The sum of log(g - l) over l = 0 .. N - 1.

    Parameters
    ----------
    g : ndarray, shape (k,)
        At least N.
    N : ndarray of int, shape (k,)

    Returns
    -------
    ndarray, shape (k,)

    Examples
    --------
    >>> bool(np.isclose(efron_logs(np.array([4.0]), np.array([3]))[0], np.log(4 * 3 * 2)))
    True
    """
    from scipy.special import gammaln

    a = g + 1
    z = a - N
    far = z >= ASYMPTOTIC
    safe = np.where(far, z, ASYMPTOTIC)
    # log Gamma(a) - log Gamma(z) by Stirling's series, differenced term by term
    y = np.where(far, N / a, 0.0)
    series = N * np.log(a) - (safe - 0.5) * np.log1p(-y) - N
    for power, factor in ((1, 1 / 12), (3, -1 / 360), (5, 1 / 1260), (7, -1 / 1680)):
        series += factor * (a**-power - safe**-power)
    return np.where(far, series, gammaln(a) - gammaln(np.where(far, ASYMPTOTIC, z)))


def _asymptotic(g: np.ndarray, N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a = g + 1
    z = a - N
    y, q = N / a, N / (a * z)
    i2 = q * (1 / z + 1 / a)  # z^-2 - a^-2, and so on for i4, i6, i8
    i4 = i2 * (z**-2 + a**-2)
    i6 = i2 * (z**-4 + (a * z) ** -2 + a**-4)
    i8 = i4 * (z**-4 + a**-4)
    # psi(a) - psi(z) by the series of psi; h(y) = -log(1 - y) - y
    C = g * _log_remainder(y) - y + g * (q / 2 + i2 / 12 - i4 / 120 + i6 / 252 - i8 / 240)
    # psi1(z) - psi1(a) = 1/z + 1/(2 z^2) + 1/(6 z^3) - 1/(30 z^5) + 1/(42 z^7) - 1/(30 z^9) ...
    j3, j5, j7, j9 = (_odd_difference(z, a, q, k) for k in (3, 5, 7, 9))
    G2 = g**2 * (q + i2 / 2 + j3 / 6 - j5 / 30 + j7 / 42 - j9 / 30)
    return C, np.where(y < SMALL, _squares_by_integral(g, N), G2 - 2 * C - N)


def _squares_by_integral(g: np.ndarray, N: np.ndarray) -> np.ndarray:
    """Q where N is small beside g, by the midpoint Euler-Maclaurin formula.

    h(l) = l^2/(g - l)^2 is integrated from -1/2 to N - 1/2 as a series in l/g.
    """

    def integral(u: np.ndarray) -> np.ndarray:
        return g * sum((k - 1) / (k + 1) * (u / g) ** (k + 1) for k in range(2, 16))

    def corrections(u: np.ndarray) -> np.ndarray:
        v = g - u
        first, third = 2 * g * u / v**3, 12 * g * (g + u) / v**5
        return -first / 24 + 7 * third / 5760 - 31 * 240 * g * (2 * g + u) / v**7 / 967680

    low, high = np.full(len(g), -0.5), N - 0.5
    return integral(high) - integral(low) + corrections(high) - corrections(low)


def _odd_difference(z: np.ndarray, a: np.ndarray, q: np.ndarray, k: int) -> np.ndarray:
    """z^-k - a^-k = (1/z - 1/a) sum_j z^-j a^-(k-1-j)."""
    return q * sum(z**-j * a ** (j - k + 1) for j in range(k))


def _log_remainder(y: np.ndarray) -> np.ndarray:
    """-log(1 - y) - y, by its series where the difference would cancel."""
    series = sum(y**k / k for k in range(2, 16))
    return np.where(y < SMALL, series, -np.log1p(-y) - y)


def _polygamma(g: np.ndarray, N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy.special import digamma, zeta

    z = g + 1 - N
    C = g * (digamma(g + 1) - digamma(z)) - N
    G2 = g**2 * (zeta(2, z) - zeta(2, g + 1))
    return C, G2 - 2 * C - N
