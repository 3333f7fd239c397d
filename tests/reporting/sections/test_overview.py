"""Sizes and warnings of a page: counted again."""

import numpy as np
import pytest
from reported_fits import rows_of_data

from vifstats.losses import Cox
from vifstats.reporting.sections.accuracy import accuracy
from vifstats.reporting.sections.overview import alerts, overview


@pytest.fixture(scope="module")
def section(told):
    return overview(told.findings, told.effects)


@pytest.fixture(scope="module")
def warnings(told, section):
    figures = accuracy(told.findings, told.effects)["figures"]
    return {alert["kind"]: alert for alert in alerts(told.findings, told.effects, section, figures)}


def test_sizes_are_those_of_the_data(told, section):
    assert section["n_rows"] == section["n_removals"] == 80
    assert section["n_parameters"] == len(told.summary.coefficients)
    assert section["n_exact"] == len(told.known)
    events = int(rows_of_data(80, 2)["event"].sum())
    assert section["n_events"] == (events if isinstance(told.est.loss, Cox) else None)


def test_a_row_is_called_as_it_was_asked_for(page_without_rows):
    assert page_without_rows["overview"]["unit"] == "patient"


def test_conspicuous_rows_are_beyond_a_fifth_of_an_error_in_some_effect(told, warnings):
    beyond = (told.sizes > 0.2).any(axis=1)
    assert warnings["conspicuous"]["n"] == beyond.sum() > 0
    assert warnings["conspicuous"]["n_exact"] == beyond[told.known].sum()


def test_inaccurate_effects_are_those_off_by_a_tenth_in_slope_or_a_fifth_in_error(told, warnings):
    rows, poor = told.findings.refitted, {}
    for j in told.effects.shown:
        a, r = told.approximate[rows, j], told.refitted[rows, j]
        slope, error = a @ r / (a @ a), np.abs(a - r).max() / np.abs(r).max()
        if not 0.9 < slope < 1.1 or error > 0.2:
            poor[told.est.names[j]] = error
    assert warnings.get("inaccurate", {"names": []})["names"] == list(poor)
    if poor:
        assert warnings["inaccurate"]["worst"] == max(poor, key=lambda name: poor[name])
        assert warnings["inaccurate"]["percent"] == pytest.approx(
            100 * max(poor.values()), rel=1e-4
        )
