"""Pictures of rows: drawn is what the result says, and labels are the reader's own."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.errors import InvalidInputError
from vifstats.plots import distribution_plot, index_plot, influence_plot, target_plot, time_plot
from vifstats.plots.style import RASTERISED_FROM


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


@pytest.fixture(scope="module")
def influence():
    rossi = load_rossi().set_index(pd.Index([f"man {i}" for i in range(432)]))
    loss = vs.losses.Cox(rossi[["fin", "age", "prio"]], rossi["week"], rossi["arrest"])
    return vs.vif(vs.minimize(loss, np.zeros(3)))


def texts(ax):
    return [text.get_text() for text in ax.texts]


def words(ax):
    return [ax.get_xlabel(), ax.get_ylabel(), ax.get_title(loc="right"), *texts(ax)]


def test_the_axes_given_comes_back(influence, ax):
    assert influence.plot_index("age", ax=ax) is ax


def test_without_axes_a_figure_is_made(influence):
    ax = index_plot(influence, "age")
    assert ax.figure.axes == [ax]
    plt.close(ax.figure)


def test_points_are_dfbetas_in_the_order_of_the_data(influence, ax):
    index_plot(influence, "prio", ax=ax)
    (points,) = [line for line in ax.lines if line.get_marker() == "o"]
    assert np.array_equal(points.get_xdata(), np.arange(432))
    assert np.array_equal(points.get_ydata(), influence.dfbetas["prio"])


def test_the_largest_row_is_named_as_the_user_names_it(influence, ax):
    index_plot(influence, "prio", ax=ax)
    assert influence.dfbetas["prio"].abs().idxmax() in texts(ax)


def test_the_convention_is_named(influence, ax):
    index_plot(influence, "prio", ax=ax)
    assert "|dfbetas| = 0.2 (Harrell)" in words(ax)


def test_another_line_is_nobody_s_convention(influence, ax):
    index_plot(influence, "prio", ax=ax, line=0.1)
    assert "|dfbetas| = 0.1" in words(ax)


def test_without_a_name_it_is_cooks_distance(influence, ax):
    index_plot(influence, ax=ax)
    assert ax.get_ylabel() == "Cook's distance"


@pytest.mark.parametrize("plot", [index_plot, time_plot, distribution_plot])
def test_an_unknown_parameter_is_named(plot, influence, ax):
    with pytest.raises(InvalidInputError, match="'prior'"):
        plot(influence, "prior", ax=ax)


def test_events_and_censored_rows_look_different(influence, ax):
    time_plot(influence, "age", ax=ax)
    events, censored = ax.lines[:2]
    assert len(events.get_xdata()) == 114 and len(censored.get_xdata()) == 318
    assert events.get_markerfacecolor() != "none" == censored.get_markerfacecolor()
    assert events.get_zorder() > censored.get_zorder(), "the many would hide the few"


def test_groups_have_no_time(influence, ax):
    grouped = vs.vif(influence.estimate, groups=np.arange(432) % 9)
    with pytest.raises(InvalidInputError, match="groups"):
        time_plot(grouped, ax=ax)
    with pytest.raises(InvalidInputError, match="single rows"):
        influence_plot(grouped, ax=ax)


def test_the_area_is_cooks_distance(influence, ax):
    influence.plot_influence(ax=ax)
    (points,) = ax.collections
    areas = points.get_sizes() - 4
    expected = influence.cooks_distance / influence.cooks_distance.max()
    assert np.allclose(areas / areas.max(), expected)


def test_a_name_stands_beside_its_circle_not_in_it(influence, ax):
    influence_plot(influence, ax=ax)
    (circles,) = ax.collections
    places, sizes = circles.get_offsets(), circles.get_sizes()
    area = {tuple(place): size for place, size in zip(places, sizes, strict=True)}
    for text in ax.texts:
        radius = np.sqrt(area[tuple(text.xy)] / np.pi)
        assert abs(text.get_position()[0]) > radius


def test_a_distribution_names_no_row(influence, ax):
    distribution_plot(influence, "age", ax=ax)
    assert not any("man" in word for word in words(ax))
    assert sum(bar.get_height() for bar in ax.patches) == 432


def test_a_target_has_its_plot(influence, ax):
    change = influence.on(vs.targets.RelativeRisk([1.0, 0.0, 0.0]))
    target_plot(change, ax=ax)
    (points,) = [line for line in ax.lines if line.get_marker() == "o"]
    assert np.array_equal(points.get_ydata(), change.influence[:, 0])


def test_no_label_says_a_bare_vif(influence, ax):
    for draw in (index_plot, time_plot, influence_plot, distribution_plot):
        draw(influence, ax=ax)
    assert not any("vif" in word.lower() for word in words(ax))


def test_many_points_are_an_image(ax):
    y = np.random.default_rng(0).normal(size=RASTERISED_FROM + 1)
    loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    index_plot(vs.vif(vs.minimize(loss, [0.0])), ax=ax)
    assert all(line.get_rasterized() for line in ax.lines if line.get_marker() == "o")


def test_a_dollar_is_no_formula(ax):
    X = pd.DataFrame({"cost ($) per day ($)": [0.0, 1.0, 1.0, 0.0]})
    index_plot(vs.vif(vs.minimize(vs.losses.Cox(X, [1, 2, 3, 4]), [0.0])), X.columns[0], ax=ax)
    ax.figure.canvas.draw()
    assert ax.yaxis.label._preprocess_math(ax.get_ylabel()) == (
        "dfbetas of cost ($) per day ($)",
        False,
    )


def test_long_names_leave_room_for_the_picture(ax):
    names = [f"{i:02d} of all the members of the north-eastern subgroup, {i:02d}" for i in range(9)]
    X = pd.DataFrame({"c" * 200: np.arange(9.0) % 4}, index=names)
    influence = vs.vif(vs.minimize(vs.losses.Cox(X, np.arange(9.0) + 1), [0.0]))
    index_plot(influence, "c" * 200, ax=ax, n_labels=1)
    (label,) = texts(ax)
    assert len(label) == 27 and label[:2] == label[-2:] and "\N{HORIZONTAL ELLIPSIS}" in label
    assert len(ax.get_ylabel()) < 40


def test_rows_are_whole_numbers_on_the_axis(ax):
    loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.arange(20.0))
    index_plot(vs.vif(vs.minimize(loss, [0.0])), ax=ax)
    assert np.array_equal(ax.get_xticks(), np.round(ax.get_xticks()))
