"""Each number of the table of effects: from the library's summary, or from refits."""

import numpy as np
import pytest

import vifstats as vs
from vifstats.reporting.sections.coefficients import coefficients


@pytest.fixture(scope="module")
def items(told):
    return coefficients(told.findings, told.effects, told.verdicts, True)


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


def test_ranges_are_those_of_the_refits(told, items):
    for item, j in columns(told, items):
        without = told.est.theta[j] - told.mixed[:, j]
        for key, row in (
            ("lowest", without.argmin()),
            ("highest", without.argmax()),
            ("largest", np.abs(told.mixed[:, j]).argmax()),
        ):
            end = item[key]
            assert end["row"] == f"r{row:02d}"
            assert end["effect"] == pytest.approx(told.shown(without[row]), rel=1e-6)
            change = told.mixed[row, j] / told.est.naive_errors[j]
            assert end["dfbetas"] == pytest.approx(change, rel=1e-5, abs=1e-9)
            assert end["exact"] == (row in told.known)
            if told.ratio:
                percent = 100 * (np.exp(without[row]) / np.exp(told.est.theta[j]) - 1)
                assert end["percent"] == pytest.approx(percent, rel=1e-5, abs=1e-7)


def test_rows_beyond_a_fifth_of_an_error_are_counted_on_both_sides(told, items):
    dfbetas = told.mixed / told.est.naive_errors
    for item, j in columns(told, items):
        up, down = (dfbetas[:, j] > 0.2).sum(), (dfbetas[:, j] < -0.2).sum()
        assert item["n_beyond"] == up + down


def test_there_are_rows_beyond_on_both_sides(told):
    """Else a count of one side would pass."""
    dfbetas = told.mixed / told.est.naive_errors
    assert (dfbetas > 0.2).any() and (dfbetas < -0.2).any()


def test_rows_that_decide_are_those_of_conclusions(told, items):
    """Which tests/diagnostics holds against refits by the library."""
    found = vs.conclusions(told.est).changes
    found = found[found["change"].str.startswith("significance")]
    for item, _ in columns(told, items):
        rows = set(found.loc[found["parameter"] == item["name"], "row"])
        assert item["n_flipping"] == item["n_flipping_refitted"] == len(rows)
        assert set(item["flipping"]) == (rows if len(rows) <= 5 else set())


def test_nobody_is_named_without_rows(told):
    for item in coefficients(told.findings, told.effects, told.verdicts, False):
        ends = [item[key]["row"] for key in ("lowest", "highest", "largest")]
        assert ends == [None] * 3 and item["flipping"] == []
