"""How close two numbers must be, each with its reason; a test names one of these, not its own."""

from __future__ import annotations

import numpy as np

ROUNDING = 1e-10  # fast path against the definition: 1e-13 typical, the rest for eta spread over 60
REFERENCE = 1e-12  # one way of writing a definition in float64 against another, n <= 40
DECIMAL = 1e-14  # two float64 numbers that were both computed with 50 digits
NOTHING = 1e-20  # where 50 digits cancel to 0, rather than to 1e-40
DIFFERENCED = 1e-6  # central differences along dfbeta, at a thousandth of it: 1e-8 typical
FINITE_DIFFERENCE = 1e-6  # central difference of a float64 function at its best step
ORACLE = 1e-9  # R survival with tightened eps: 3e-11 at worst, in the refits of cgd
R_DFBETA = 1e-8  # if against residuals(fit, "dfbeta") in 17 digits; 1e-11 at worst
R_REFIT = 1e-7  # refits against R's, in standard errors, and in units of the largest dfbeta
R_STANDARD_ERROR = 1e-7  # robust and clustered covariances against R's
LIFELINES_FIT = 1e-6  # lifelines stopped at a Newton decrement of 1e-13: 4e-7 standard errors
LIFELINES_DFBETA = 1e-7  # what such a fit leaves in coefficients and dfbeta against R: 5e-9
LIBRARY_FIT = 3e-4  # where fits stop, in standard errors: univariate lifelines 2e-4, others 1e-4
NUMERICAL_GAMMA = (
    1e-3  # lifelines' incomplete gamma function, differenced twice: 7e-4 in a variance
)
NUMERICAL_SCORE = 1e-4  # scores and Hessians that statsmodels has by finite differences: 2e-5
SUMMARY = 1e-8  # what a fit reports against the same formula on the same parameters: 1e-9 at worst
REFITTED_SUMMARY = (
    1e-6  # refits against the library's own, each stopped by its own rule: 1e-7 typical
)
LME4_FIXED = 1e-5  # estimates and refits of lme4, its steps tightened: 4e-8 at worst
LME4_COMPONENT = 1e-3  # of a variance, of its own size; lme4 ends flat: 4e-5 at worst
CONVERGED_FIT = 1e-8  # two minimisers, each stopped at 1e-11 standard errors, in standard errors


def printed(decimals: int) -> float:
    """Half a unit of the last digit of a number published with so many decimals."""
    return 0.5 * 10.0**-decimals * (1 + 1e-9)


def relative_error(value, reference, floor=0.0) -> float:
    """Largest |value - reference| in units of the largest |reference| of its column.

    Parameters
    ----------
    value, reference : array_like, shape (n, p) or (n,)
    floor : float or ndarray, shape (p,)
        Smallest unit that makes sense, for columns that are 0 but for rounding.

    Examples
    --------
    >>> relative_error([1.0, 2.5], [1.0, 2.0])
    0.25
    """
    value, reference = np.asarray(value, dtype=float), np.asarray(reference, dtype=float)
    if value.shape != reference.shape:
        raise ValueError(f"Shapes {value.shape} and {reference.shape} differ.")
    if not value.size:
        return 0.0
    unit = np.maximum(np.abs(reference).max(axis=0), floor)
    error = np.abs(value - reference).max(axis=0)
    # 0/0 is agreement; a nan or an error where the unit is 0 is not
    return float(np.max(np.where(error == 0, 0.0, error / np.where(unit > 0, unit, 1e-300))))
