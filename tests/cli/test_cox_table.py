"""A Cox model of a table: what of it is used, and in which order."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError as LifelinesConvergenceError

from vifstats.cli.cox_table import CoxColumns, checked_frame, fit_frame
from vifstats.cli.words import in_command_words
from vifstats.datasets import load_rossi
from vifstats.errors import ConvergenceError, InvalidInputError, NotPositiveDefiniteError

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


def test_strata_of_rows_that_share_a_name_stay_with_their_rows(rossi):
    """A join by label would pair every row of a name with every stratum of it."""
    columns = CoxColumns("week", "arrest", covariates=("prio",), strata=("race",))
    table = rossi.set_axis(rossi.index // 3)
    frame = checked_frame(table, columns)
    assert frame.index.equals(table.index)
    assert np.array_equal(frame["race"], rossi["race"])


def test_strata_of_a_category_that_no_row_has_are_no_strata(rossi):
    columns = CoxColumns("week", "arrest", covariates=("prio",), strata=("race",))
    race = pd.Categorical(rossi["race"], [0, 1, 2])
    params = fit_frame(checked_frame(rossi.assign(race=race), columns), columns).params_
    assert params["prio"] == fit_frame(checked_frame(rossi, columns), columns).params_["prio"]


@pytest.mark.parametrize("name", ["row", "cooks_distance", "exact", "status"])
def test_covariates_do_not_take_the_place_of_results(name, rossi):
    with pytest.raises(InvalidInputError, match=f"{name}.*rename them"):
        checked_frame(rossi.rename(columns={"prio": name}), ROSSI)


def test_errors_name_columns_that_are_called_as_other_parts(rossi):
    """A time called E, an event called T: each message is translated once."""
    for time, event in (("E", "T"), ("weights", "arrest")):
        table = rossi.rename(columns={"week": time, "arrest": event}).assign(**{time: -1.0})
        columns = CoxColumns(time, event)
        with pytest.raises(InvalidInputError) as caught:
            checked_frame(table, columns)
        assert f"`{time}` must be >= 0" in in_command_words(str(caught.value), columns)


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
