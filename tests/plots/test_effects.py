"""Pictures of coefficients: ranges, forests, waterfalls."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.plots import forest_plot, range_plot, waterfall_plot


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


@pytest.fixture(scope="module")
def est():
    rng = np.random.default_rng(1)
    return vs.minimize(vs.losses.Cox(rng.normal(size=(60, 3)), rng.exponential(size=60)), [0.0] * 3)


def ticks(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_ranges_are_those_over_all_deletions(est, ax):
    influence = vs.leave_one_out(est)
    range_plot(influence, ax=ax, ratio=True)
    thick = np.array([path.vertices for path in ax.collections[1].get_paths()])
    without = np.exp(influence.params_without)
    assert np.allclose(thick[:, 0, 0], without.min()) and np.allclose(thick[:, 1, 0], without.max())
    assert ticks(ax) == ["x0", "x1", "x2"]


def test_a_forest_has_a_line_for_each_group(est, ax):
    influence = vs.vif(est, groups=np.repeat(list("abcdef"), 10))
    forest_plot(influence, "x1", ax=ax, ratio=False)
    assert ticks(ax) == ["all", *[f"without {g}" for g in "abcdef"]]
    points = ax.lines[-1].get_xdata()
    assert np.allclose(points[1:], influence.params_without["x1"])


def test_a_forest_of_many_groups_keeps_those_that_matter(est, ax):
    influence = vs.vif(est)
    forest_plot(influence, "x1", ax=ax, n_groups=4)
    assert len(ticks(ax)) == 5
    assert f"without {influence.dfbeta['x1'].abs().idxmax()}" in ticks(ax)


def test_a_waterfall_ends_at_the_sum(est, ax):
    influence = vs.vif(est)
    waterfall_plot(influence, "x0", ax=ax, k=5)
    last = ax.patches[-1]
    largest = influence.top(5, by="x0")["x0"].sum() / est.standard_errors[0]
    assert np.isclose(last.get_x() + last.get_width(), -largest)


def test_one_of_several_parameters_must_be_named(est, ax):
    with pytest.raises(InvalidInputError, match="`name` must be one of"):
        waterfall_plot(vs.vif(est), ax=ax)


def test_where_no_row_has_a_number_there_is_no_bar(est, ax):
    influence = vs.vif(est)
    nobody = replace(influence, values=np.full_like(influence.values, np.nan))
    range_plot(nobody, ax=ax)
    assert ticks(ax) == ["x0", "x1", "x2"]


def test_an_interval_beyond_all_numbers_is_drawn_as_far_as_there_are_any(ax):
    """A covariate that separates has a standard error of millions."""
    X = np.array([[0.0], [0.0], [1.0], [1.0]])
    far = vs.Estimate(vs.losses.Cox(X, [3, 4, 1, 2], [0, 0, 1, 1]), [20.0], tol=np.inf)
    for plot in (range_plot, forest_plot):
        assert plot(vs.vif(far), ax=ax, ratio=True).get_xscale() == "log"
