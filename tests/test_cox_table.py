"""A Cox model of a table: what of it is used, and in which order."""

import numpy as np
import pytest
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError as LifelinesConvergenceError

from vifstats.cox_table import CoxColumns, checked_frame, fit_frame
from vifstats.datasets import load_rossi
from vifstats.errors import ConvergenceError, NotPositiveDefiniteError

ROSSI = CoxColumns("week", "arrest")


@pytest.fixture
def rossi():
    return load_rossi()


def test_rows_stay_as_they_were(rossi):
    table = rossi.sample(frac=1.0, random_state=0)
    frame = checked_frame(table, ROSSI)
    assert frame.index.equals(table.index)
    assert np.array_equal(frame[table.columns], table)


def test_only_columns_of_the_model_are_asked_for(rossi):
    columns = CoxColumns("week", "arrest", covariates=("prio",), strata=("race",), groups="id")
    frame = checked_frame(rossi.assign(id=range(432), note="text"), columns)
    assert sorted(frame) == ["arrest", "prio", "race", "week"]


def test_ridge_takes_collinear_covariates(rossi):
    twice = rossi.assign(again=rossi["prio"])
    with pytest.raises(NotPositiveDefiniteError, match="prio"):
        checked_frame(twice, ROSSI)
    params = fit_frame(checked_frame(twice, ROSSI, penalizer=0.1), ROSSI, penalizer=0.1).params_
    assert params["prio"] == pytest.approx(params["again"])


def test_an_optimum_that_lifelines_does_not_find_is_an_error(rossi, monkeypatch):
    def diverges(*args, **options):
        raise LifelinesConvergenceError("Convergence halted.")

    monkeypatch.setattr(CoxPHFitter, "fit", diverges)
    with pytest.raises(ConvergenceError, match=r"finite optimum.*Convergence halted\."):
        fit_frame(checked_frame(rossi, ROSSI), ROSSI)
