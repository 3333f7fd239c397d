"""Each number of the table of effects: from the library's summary, or from refits."""

import json
import re

import numpy as np
import pytest

import vifstats as vs
from vifstats.reporting.sections.coefficients import coefficients, sizes


@pytest.fixture(scope="module")
def items(told):
    return coefficients(told.findings, told.effects, told.verdicts)


def columns(told, items):
    return zip(items, told.effects.shown, strict=True)


def test_the_fit_is_that_of_its_summary(told, items):
    for item, j in columns(told, items):
        s = told.summary
        assert item["coefficient"] == pytest.approx(s.coefficients[j], rel=1e-6)
        assert item["standard_error"] == pytest.approx(s.errors[j], rel=1e-6)
        assert item["p"] == pytest.approx(s.p_values[j], rel=1e-6)
        assert item["significant"] == (s.p_values[j] < 0.05)
        assert item["effect"] == pytest.approx(told.shown(s.coefficients[j]), rel=1e-6)
        limits = item["lower"], item["upper"]
        assert limits == pytest.approx(told.shown(s.limits[j]), rel=1e-6)
        assert item["step"] == pytest.approx(told.steps[j], rel=1e-12)
        of_a_step = told.shown(s.coefficients[j] * told.steps[j])
        assert item["step_effect"] == pytest.approx(of_a_step, rel=1e-6)


def test_ranges_are_those_of_the_refits(told, items):
    for item, j in columns(told, items):
        without = told.est.theta[j] - told.mixed[:, j]
        for key, row in (
            ("lowest", without.argmin()),
            ("highest", without.argmax()),
            ("largest", np.abs(told.dfbetas[:, j]).argmax()),
        ):
            end = item[key]
            assert end["row"] == f"r{row:02d}"
            assert end["effect"] == pytest.approx(told.shown(without[row]), rel=1e-6)
            step = told.steps[j]
            assert end["step_effect"] == pytest.approx(told.shown(without[row] * step), rel=1e-6)
            assert end["dfbetas"] == pytest.approx(told.dfbetas[row, j], rel=1e-5, abs=1e-9)
            assert end["exact"] == (row in told.known)
            if told.ratio:
                percent = 100 * (np.exp(without[row] * step) / np.exp(told.est.theta[j] * step) - 1)
                assert end["percent"] == pytest.approx(percent, rel=1e-5, abs=1e-7)


def test_rows_beyond_a_fifth_of_an_error_are_counted_on_both_sides(told, items):
    for k, (item, j) in enumerate(columns(told, items)):
        signed = np.sign(told.mixed[:, j]) * told.sizes[:, k]
        up, down = (signed > 0.2).sum(), (signed < -0.2).sum()
        assert item["n_beyond"] == up + down


def test_sizes_of_predictions_that_fall_short_are_set_right(told):
    """By the slope of the refits on them; those of refitted rows stand."""
    assert sizes(told.findings, told.effects) == pytest.approx(told.sizes, rel=1e-5, abs=1e-9)


def test_there_are_rows_beyond_on_both_sides(told):
    """Else a count of one side would pass."""
    assert (told.dfbetas > 0.2).any() and (told.dfbetas < -0.2).any()


def test_rows_that_decide_are_those_of_conclusions(told, items):
    """Which tests/diagnostics holds against refits by the library."""
    found = vs.conclusions(told.est).changes
    found = found[found["change"].str.startswith("significance")]
    for item, _ in columns(told, items):
        rows = set(found.loc[found["parameter"] == item["name"], "row"])
        assert item["n_flipping"] == item["n_flipping_refitted"] == len(rows)
        assert set(item["flipping"]) == (rows if len(rows) <= 5 else set())


def test_nobody_is_named_without_rows(told, items, page_without_rows):
    """No row, no extreme, and counts of five or more: nowhere on the page."""
    assert re.search(r"\br\d\d\b", json.dumps(items, default=float))
    assert not re.search(r"\br\d\d\b", json.dumps(page_without_rows))
    for item, whole in zip(page_without_rows["coefficients"], items, strict=True):
        assert [item[key] for key in ("lowest", "highest", "largest")] == [None] * 3
        assert not {"flipping", "n_beyond", "n_flipping_refitted"} & set(item)
        assert item["n_flipping"] in (None, *range(5, 81, 5))
        assert (item["n_flipping"] is None) == (whole["n_flipping"] < 5)
        assert item["effect"] == pytest.approx(whole["effect"], rel=1e-12)
