"""Pictures of refits against prediction."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.plots import agreement_plot, error_plot


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


@pytest.fixture(scope="module")
def sides():
    rng = np.random.default_rng(1)
    est = vs.minimize(vs.losses.Cox(rng.normal(size=(40, 2)), rng.exponential(size=40)), [0.0, 0.0])
    return vs.vif(est), vs.leave_one_out(est)


def test_points_and_the_line_of_equality(sides, ax):
    agreement_plot(*sides, "x1", ax=ax)
    line, points = ax.lines
    assert np.array_equal(line.get_xdata(), line.get_ydata())
    assert np.array_equal(points.get_xdata(), sides[0].dfbetas["x1"])
    assert np.array_equal(points.get_ydata(), sides[1].dfbetas["x1"])
    assert "y = x" in [text.get_text() for text in ax.texts]


def test_without_a_name_all_parameters_are_there(sides, ax):
    agreement_plot(*sides, ax=ax)
    assert len(ax.lines[1].get_xdata()) == 80


def test_two_models_are_no_comparison(sides, ax):
    other = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.arange(40.0))
    with pytest.raises(InvalidInputError, match="same columns"):
        agreement_plot(sides[0], vs.vif(vs.minimize(other, [0.0])), ax=ax)


def test_errors_are_in_standard_errors(sides, ax):
    error_plot(*sides, np.arange(40), ax=ax, xlabel="rank")
    error = np.abs(sides[0].dfbetas - sides[1].dfbetas).max(axis=1)
    assert np.allclose(ax.lines[0].get_ydata(), error)
    assert ax.get_xlabel() == "rank"
