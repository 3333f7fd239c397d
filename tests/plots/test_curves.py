"""Survival bands and paths of sets."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.plots import set_path_plot, survival_change_plot, survival_plot


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


@pytest.fixture(scope="module")
def change():
    rng = np.random.default_rng(1)
    est = vs.minimize(vs.losses.Cox(rng.normal(size=(60, 1)), rng.exponential(size=60)), [0.0])
    times = np.linspace(0.1, 2.0, 7)
    return times, vs.vif(est).on(vs.targets.SurvivalProbability([0.5], times))


def test_the_band_holds_the_curve_without_any_row(change, ax):
    times, influence = change
    survival_plot(influence, times, ax=ax)
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert np.isclose(heights.min(), influence.value_without.min())
    assert np.array_equal(ax.lines[0].get_ydata(), influence.value)


@pytest.mark.parametrize("plot", [survival_plot, survival_change_plot])
def test_the_legend_names_what_leaves(change, ax, plot):
    times, influence = change
    groups = vs.vif(influence.source.estimate, groups=np.arange(60) // 4).on(influence.target)
    for result, asked, what in (
        (influence, None, "rows"),
        (groups, None, "groups"),
        (groups, "mice of $ 5", r"mice of \$ 5"),
    ):
        ax.clear()
        plot(result, times, ax=ax, unit=asked)
        told = [text.get_text() for text in ax.get_legend().get_texts()]
        assert {f"range without one of the {what}", f"99 % of {what}"} <= {*told}


def test_under_a_lens_the_band_is_in_percentage_points(change, ax):
    times, influence = change
    survival_change_plot(influence, times, ax=ax)
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    moved = 100 * (influence.value_without - influence.value)
    assert np.isclose(heights.min(), moved.min()) and np.isclose(heights.max(), moved.max())


@pytest.mark.parametrize("survival_plot", [survival_plot, survival_change_plot])
def test_a_time_for_each_value(change, ax, survival_plot):
    times, influence = change
    with pytest.raises(InvalidInputError, match="one time for each of the 7 values"):
        survival_plot(influence, times[1:], ax=ax)


def test_only_what_was_refitted_is_a_dot(ax):
    set_path_plot([0, 1, 2], [2.1, 2.0, 1.9], [2.1, np.nan, 1.8], ax=ax, threshold=1.96)
    predicted, refitted, line = ax.lines
    assert list(predicted.get_xdata()) == [0, 1, 2]
    assert list(refitted.get_xdata()) == [0, 2]
    assert set(line.get_ydata()) == {1.96}
