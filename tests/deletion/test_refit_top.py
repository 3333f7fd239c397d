"""refit_top: exact values in the place of the largest approximate ones, the rest unchanged."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from cases import BY_NAME
from separated_designs import separated_without_row_0
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


def indefinite_without_row_0() -> vs.Estimate:
    """Of six terms only the first is curved upwards near the minimum; far off all are."""
    curvature, centre = np.array([9.0, -0.5, -0.7, -0.6, -0.9, 0.1]), np.linspace(-1, 1, 6)

    def f(theta, d):
        return 0.5 * d[0] * (theta[0] - d[1]) ** 2 + 0.01 * (theta[0] - d[1]) ** 4

    return vs.minimize(vs.MEstimator(f, (curvature, centre)), [0.0])


@cache
def all_refitted(make) -> vs.Influence:
    return vs.leave_one_out(make())


@pytest.mark.parametrize("make", [indefinite_without_row_0, separated_without_row_0])
@pytest.mark.parametrize("n", [1, 3, 6])
def test_a_row_says_what_happened_to_it_whatever_the_others_were_computed_by(make, n):
    est = make()
    exact = all_refitted(make)
    guarded = vs.newton_step(est, guard=True)
    for influence in (vs.vif(est), vs.classical_if(est), vs.newton_step(est), guarded):
        mended = vs.refit_top(influence, n)
        refitted = mended.exact | mended.failed
        assert refitted.sum() == n and refitted[0]
        assert mended.status[refitted].equals(exact.status[refitted])
        assert mended.status[~refitted].equals(influence.status[~refitted])
    assert guarded.status.iloc[0] == ("indefinite" if guarded.guarded[0] else "ok")


def test_a_refit_that_fails_says_so_whatever_the_method():
    est = separated_without_row_0()
    results = [method(est) for method in (vs.vif, vs.classical_if, vs.newton_step)]
    for result in (*results, all_refitted(separated_without_row_0)):
        mended = vs.refit_top(result, 1)
        assert mended.failed[0] and mended.status.iloc[0] == "did not converge"


def test_a_row_of_a_newton_step_in_another_result_is_still_indefinite():
    est = indefinite_without_row_0()
    for guard in (False, True):
        newton = vs.newton_step(est, guard=guard)
        mixed = vs.vif(est).with_rows(np.array([0]), newton.take(np.array([0])))
        assert mixed.status.iloc[0] == newton.status.iloc[0] == "indefinite"
        back = newton.with_rows(np.array([0]), vs.vif(est).take(np.array([0])))
        assert back.status.iloc[0] == "ok" and not back.guarded.any()
