"""Special functions: values of SciPy, derivatives of any order."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
from autograd.test_util import check_grads
from tolerances import REFERENCE

from vifstats.losses.regression import special

FUNCTIONS = {
    "expit": (special.expit, scipy.special.expit, np.array([-40.0, -2.0, 0.0, 3.0])),
    "gammaln": (special.gammaln, scipy.special.gammaln, np.array([0.2, 1.0, 2.5, 40.0])),
    "digamma": (special.digamma, scipy.special.digamma, np.array([0.2, 1.0, 2.5, 40.0])),
    "log_expit": (special.log_expit, scipy.special.log_expit, np.array([-40.0, -2.0, 0.0, 3.0])),
    "ndtr": (special.ndtr, scipy.special.ndtr, np.array([-3.0, -0.5, 0.0, 2.0])),
    "log_ndtr": (special.log_ndtr, scipy.special.log_ndtr, np.array([-20.0, -3.0, 0.0, 2.0])),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_two_derivatives(name):
    ours, theirs, x = FUNCTIONS[name]
    assert np.array_equal(ours(x), theirs(x))
    check_grads(ours, order=2, modes=["rev"])(x)


def test_polygamma_is_nan_outside_its_domain_and_does_not_count_up_from_there():
    found = special.polygamma(2, np.array([-1e15, 0.0, 1.0]))
    assert np.isnan(found).tolist() == [True, True, False]
    assert found[2] == scipy.special.polygamma(2, 1.0)


def test_inverse_mills_ratio_where_both_parts_underflow():
    x = np.array([-50.0, -1000.0])
    # phi(x) / Phi(x) = -x (1 + 1/x^2 - ...)
    expected = -x / (1 - 1 / x**2 + 3 / x**4)
    assert special._inverse_mills_ratio(x) == pytest.approx(expected, rel=1e-6)


def test_xlogy_is_zero_at_zero_and_so_is_its_derivative():
    y = np.array([0.0, 2.0])
    assert special.xlogy(np.array([0.0, 3.0]), y) == pytest.approx(
        [0.0, 3 * np.log(2)], abs=REFERENCE
    )
    check_grads(lambda v: special.xlogy(np.array([0.0, 3.0]), v), order=2)(np.array([1.0, 2.0]))
