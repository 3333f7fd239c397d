"""Closed forms of Efron's sums over the terms of one tie.

With N tied events and g = N S0 / S0D, the terms l = 0 .. N - 1 have f_l = S0 / phi_l - 1 =
l / (g - l), and everything that a tie needs is

    C(g, N) = sum_l f_l          and          Q(g, N) = sum_l f_l^2.

C enters the gradient of a tie, docs/mathematics.md, equation (22), and with Q its Hessian.

Both are differences of polygamma functions that cancel where g is large; the asymptotic series
below are differenced term by term instead, so no digits are lost (relative error 1e-15 of C).
"""

from collections.abc import Callable

import numpy as np

__all__ = ["efron_logs", "efron_squares", "efron_sums"]

# From this argument on, the series below are exact to rounding with four Bernoulli numbers; nearer
# to 0, the terms that were cut matter.
ASYMPTOTIC = 16.0
# Ties of at most this many are added up: that has no cancellation at all, and most ties are small.
DIRECT = 8
# Below this N/g, closed forms cancel, and a few terms of the series in N/g suffice.
SMALL = 0.08


def efron_sums(g: np.ndarray, N: np.ndarray) -> np.ndarray:
    """C(g, N), the sum of f_l.

    `g` (k,): at least N; `N` int (k,). Returns (k,).

    Examples
    --------
    >>> bool(np.isclose(efron_sums(np.array([4.0]), np.array([3]))[0], 1 / 3 + 2 / 2))
    True
    """
    return _by_size(g, N, 1, _sums_far, _sums_near)


def efron_squares(g: np.ndarray, N: np.ndarray) -> np.ndarray:
    """Q(g, N), the sum of f_l^2; as `efron_sums`.

    Shapes: `g` (k,); `N` int (k,). Returns (k,).

    Examples
    --------
    >>> bool(np.isclose(efron_squares(np.array([4.0]), np.array([3]))[0], 1 / 9 + 1))
    True
    """
    return _by_size(g, N, 2, _squares_far, _squares_near)


Closed = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _by_size(g: np.ndarray, N: np.ndarray, power: int, far: Closed, near: Closed) -> np.ndarray:
    """Few terms are added up; more have a closed form, far from the pole at l = g or near it."""
    out = np.zeros(len(g))
    # The term l = 0 is 0.
    for tie in range(1, DIRECT):
        at = np.flatnonzero((N <= DIRECT) & (tie < N))
        out[at] += (tie / (g[at] - tie)) ** power
    many = N > DIRECT
    is_far = g + 1 - N >= ASYMPTOTIC
    for some, closed_form in ((many & is_far, far), (many & ~is_far, near)):
        if some.any():
            out[some] = closed_form(g[some], N[some].astype(float))
    return out


def efron_logs(g: np.ndarray, N: np.ndarray) -> np.ndarray:
    """The sum of log(g - l) over l = 0 .. N - 1.

    `g` (k,): at least N; `N` int (k,). Returns (k,).

    Examples
    --------
    >>> bool(np.isclose(efron_logs(np.array([4.0]), np.array([3]))[0], np.log(4 * 3 * 2)))
    True
    """
    from scipy.special import gammaln

    a = g + 1
    z = a - N
    far = z >= ASYMPTOTIC
    # np.where evaluates both branches; what is not taken gets an argument at which it is finite.
    safe = np.where(far, z, ASYMPTOTIC)
    # log Gamma(a) - log Gamma(z) by Stirling's series, differenced term by term
    y = np.where(far, N / a, 0.0)
    # (a - 1/2) log a - (z - 1/2) log z - N with log z = log a + log(1 - N/a): two large logarithms
    # become one small one.
    series = N * np.log(a) - (safe - 0.5) * np.log1p(-y) - N
    for power, factor in ((1, 1 / 12), (3, -1 / 360), (5, 1 / 1260), (7, -1 / 1680)):
        series += factor * (a**-power - safe**-power)
    return np.where(far, series, gammaln(a) - gammaln(np.where(far, ASYMPTOTIC, z)))


def _sums_far(g: np.ndarray, N: np.ndarray) -> np.ndarray:
    """psi(a) - psi(z) by the asymptotic series of psi, with a = g + 1 and z = a - N."""
    a = g + 1
    z = a - N
    # Every z^-k - a^-k is factored by 1/z - 1/a = N/(a z), which is a product, N being an integer:
    # so nothing below is a difference of nearly equal numbers.
    ia, iz = 1 / a, 1 / z
    y, q = N * ia, N * ia * iz
    a2, z2 = ia * ia, iz * iz
    i2 = q * (iz + ia)  # z^-2 - a^-2, and so on for i4, i6, i8
    i4 = i2 * (z2 + a2)
    i6 = i2 * (z2 * z2 + z2 * a2 + a2 * a2)
    i8 = i4 * (z2 * z2 + a2 * a2)
    # C = g [psi(a) - psi(z)] - N, whose first part is g [-log(1 - y) + q/2 + ...]. There g y - N =
    # -y, since g = a - 1: the leading N goes by algebra, not by subtraction.
    return g * _log_remainder(y) - y + g * (q / 2 + i2 / 12 - i4 / 120 + i6 / 252 - i8 / 240)


def _squares_far(g: np.ndarray, N: np.ndarray) -> np.ndarray:
    """psi1(z) - psi1(a) by the series 1/z + 1/(2 z^2) + 1/(6 z^3) - 1/(30 z^5) + ..."""
    a = g + 1
    z = a - N
    q = N / (a * z)
    j3, j5, j7, j9 = (_odd_difference(z, a, q, k) for k in (3, 5, 7, 9))
    i2 = q * (1 / z + 1 / a)
    G2 = g**2 * (q + i2 / 2 + j3 / 6 - j5 / 30 + j7 / 42 - j9 / 30)
    # Q = g^2 [psi1(z) - psi1(a)] - 2 C - N, from f = g/(g - l) - 1. Q is of order N (N/g)^2, and
    # its three parts of order N: where N/g is small they cancel, and the integral does not.
    return np.where(SMALL * a > N, _squares_by_integral(g, N), G2 - 2 * _sums_far(g, N) - N)


def _squares_by_integral(g: np.ndarray, N: np.ndarray) -> np.ndarray:
    """Q where N is small beside g, by the midpoint Euler-Maclaurin formula.

    h(l) = l^2/(g - l)^2 is integrated from -1/2 to N - 1/2 as a series in l/g.
    """

    def integral(u: np.ndarray) -> np.ndarray:
        x = u / g
        return g * x**3 * _horner(x, [(k - 1) / (k + 1) for k in range(2, 16)])

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
    series = y**2 * _horner(y, [1 / k for k in range(2, 16)])
    return np.where(y < SMALL, series, -np.log1p(-y) - y)


def _horner(x: np.ndarray, coefficients: list[float]) -> np.ndarray:
    """The polynomial with these coefficients, the constant first."""
    out = np.full(len(x), coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        out *= x
        out += coefficient
    return out


def _sums_near(g: np.ndarray, N: np.ndarray) -> np.ndarray:
    from scipy.special import digamma

    return g * (digamma(g + 1) - digamma(g + 1 - N)) - N


def _squares_near(g: np.ndarray, N: np.ndarray) -> np.ndarray:
    from scipy.special import zeta

    return g**2 * (zeta(2, g + 1 - N) - zeta(2, g + 1)) - 2 * _sums_near(g, N) - N
