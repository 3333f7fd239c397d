"""How accurate the page says it is: recomputed from the method and `leave_one_out`."""

import json

import numpy as np
import pytest

from vifstats.reporting.sections.accuracy import accuracy


@pytest.fixture(scope="module")
def section(told):
    return accuracy(told.findings, told.effects)


@pytest.fixture(scope="module")
def pairs(told):
    """Of each effect: what the method said and what the refits say, of the rows compared."""
    rows = told.findings.refitted
    return [(told.approximate[rows, j], told.refitted[rows, j]) for j in told.effects.shown]


def test_slopes_and_errors_are_those_of_the_refits(told, section, pairs):
    slopes = [float(a @ r / (a @ a)) for a, r in pairs]
    errors = [float(np.abs(a - r).max() / np.abs(r).max()) for a, r in pairs]
    correlations = [float(np.corrcoef(a, r)[0, 1]) for a, r in pairs]
    for figure, slope, error, pearson in zip(
        section["figures"], slopes, errors, correlations, strict=True
    ):
        assert figure["slope"] == pytest.approx(slope, rel=1e-5)
        assert figure["largest_relative_error"] == pytest.approx(error, rel=1e-4)
        assert figure["pearson"] == pytest.approx(pearson, rel=1e-5)
        assert figure["n"] == len(told.findings.refitted)
    assert section["lowest_slope"] == pytest.approx(min(slopes), rel=1e-5)
    assert section["highest_slope"] == pytest.approx(max(slopes), rel=1e-5)
    assert section["largest_error_percent"] == pytest.approx(100 * max(errors), rel=1e-4)
    worst = told.effects.shown[int(np.argmax(errors))]
    assert section["least_accurate"] == told.est.names[worst]


def test_the_worst_row_is_found_in_standard_errors(told, section):
    rows = told.findings.refitted
    errors = np.abs(told.approximate[rows] - told.refitted[rows]) / told.errors[rows]
    worst = errors.max(axis=1).argmax()
    assert section["worst_row"]["standard_errors"] == pytest.approx(errors.max(), rel=1e-4)
    assert section["worst_row"]["row"] == f"r{rows[worst]:02d}"


def test_counts_add_up(told, section):
    rows = told.findings.refitted
    assert section["n_refitted"] == section["n_top"] + section["n_random"] == len(rows)
    assert section["n_top"] == 6 and section["n_all"] == 80 and section["n_failed"] == 0


def test_nothing_of_a_row_is_there_without_rows(section, page_without_rows):
    """No row and no value of one; of how good the method is, two decimals."""
    said = page_without_rows["accuracy"]
    assert section["worst_row"]["row"] and said["worst_row"] is None
    assert section["worst_row"]["row"] not in json.dumps(said)
    for figure, whole in zip(said["figures"], section["figures"], strict=True):
        kept = ("slope", "pearson", "spearman", "largest_relative_error")
        expected = {key: round(float(whole[key]), 2) for key in kept}
        assert figure == {"name": whole["name"]} | expected
    for key in ("n_refitted", "n_planned", "n_exact", "n_failed", "n_exact_before"):
        assert said[key] is None or (said[key] >= 5 and said[key] % 5 == 0)
    assert "n_top" not in said and "n_random" not in said
