"""refit_top: exact values in the place of the largest approximate ones, the rest unchanged."""

from __future__ import annotations

import numpy as np
import pytest
from cases import BY_NAME
from tolerances import ROUNDING

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError


@pytest.mark.parametrize("groups", [None, np.arange(40) // 4], ids=["rows", "groups"])
@pytest.mark.parametrize("method", [vs.vif, vs.classical_if, vs.newton_step])
def test_the_rows_of_largest_cooks_distance_are_exact_and_the_rest_unchanged(method, groups):
    est = BY_NAME["poisson"].estimate()
    influence, exact = method(est, groups=groups), vs.leave_one_out(est, groups=groups)
    mended = vs.refit_top(influence, 3)
    top = influence.cooks_distance.rank(ascending=False).to_numpy() <= 3
    np.testing.assert_array_equal(mended.exact, top)
    np.testing.assert_array_equal(mended.values[~top], influence.values[~top])
    np.testing.assert_allclose(mended.values[top], exact.values[top], rtol=0, atol=ROUNDING)
    assert mended.method == influence.method and not influence.exact.any()


def test_rows_that_are_nan_come_first():
    influence = vs.vif(BY_NAME["poisson"].estimate())
    values = influence.values.copy()
    values[7] = np.nan
    holed = vs.Influence(influence.estimate, "vif", values, influence.removals)
    mended = vs.refit_top(holed, 1)
    assert np.flatnonzero(mended.exact).tolist() == [7] and mended.status.iloc[7] == "ok"


def test_rows_that_are_exact_are_not_refitted_again():
    exact = vs.leave_one_out(BY_NAME["poisson"].estimate())
    assert vs.refit_top(exact, 5) is exact
    influence = vs.vif(exact.estimate)
    assert vs.refit_top(influence, 0) is influence
    assert vs.refit_top(vs.refit_top(influence, 2), 5).exact.sum() == 5


def test_a_row_whose_refit_diverges_is_nan_with_the_reason():
    only_one = np.eye(10)[5]
    loss = vs.losses.Cox(np.c_[only_one, np.tile([0.0, 1.0], 5)], np.arange(10.0), np.ones(10))
    est = vs.minimize(loss, [0.0, 0.0])
    mended, exact = vs.refit_top(vs.vif(est), 10), vs.leave_one_out(est)
    assert exact.failed[5]
    np.testing.assert_array_equal(mended.failed, exact.failed)
    np.testing.assert_array_equal(np.isnan(mended.values), np.isnan(exact.values))


def test_refits_go_on_from_a_checkpoint(tmp_path):
    influence = vs.vif(BY_NAME["poisson"].estimate())
    first, again = (vs.refit_top(influence, 4, checkpoint=tmp_path) for _ in range(2))
    np.testing.assert_array_equal(first.values, again.values)
    with pytest.raises(InvalidInputError, match="holds other work"):
        vs.refit_top(influence, 5, checkpoint=tmp_path)


@pytest.mark.parametrize(
    ("n", "error"), [(-1, InvalidInputError), (2.5, InvalidTypeError), (True, InvalidTypeError)]
)
def test_a_number_of_rows_must_be_whole(n, error):
    with pytest.raises(error, match="`n` must be"):
        vs.refit_top(vs.vif(BY_NAME["poisson"].estimate()), n)
