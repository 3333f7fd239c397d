"""The most influential rows: what is said of each, from its refit."""

import numpy as np
import pytest
from reported_fits import rows_of_data

from vifstats.reporting.sections.rows import top_rows


@pytest.fixture(scope="module")
def section(told):
    return top_rows(told.findings, told.effects, rows_of_data(80, 2).set_axis(told.est.labels))


def test_effects_without_each_are_those_of_its_refit(told, section):
    assert len(section["items"]) == 6
    for item in section["items"]:
        i = int(item["row"][1:])
        without = told.shown(told.est.theta - told.refitted[i])
        for j in told.effects.shown:
            assert item["without"][told.est.names[j]] == pytest.approx(without[j], rel=1e-6)
        dfbetas = told.refitted[i] / told.errors[i]
        most = max(told.effects.shown, key=lambda j: abs(dfbetas[j]))
        moved = item["most_moved"]
        assert moved["name"] == told.est.names[most]
        assert moved["dfbetas"] == pytest.approx(dfbetas[most], rel=1e-5)
        # a ratio is that of a step, a coefficient of one unit
        step = told.steps[most] if told.ratio else 1.0
        full = told.est.theta[most]
        assert moved["from"] == pytest.approx(told.shown(full * step), rel=1e-6)
        to = told.shown((full - told.refitted[i, most]) * step)
        assert moved["to"] == pytest.approx(to, rel=1e-6)
        if told.ratio:
            percent = 100 * (moved["to"] / moved["from"] - 1)
            assert moved["percent"] == pytest.approx(percent, rel=1e-6)
        step = told.refitted[i]
        cook = step @ np.linalg.inv(told.est.covariance) @ step / len(step)
        assert item["cooks_distance"] == pytest.approx(cook, rel=1e-4)


def test_they_are_the_rows_of_largest_cooks_distance(told, section):
    weight = np.linalg.inv(told.est.covariance)
    cook = np.einsum("ka,ab,kb->k", told.approximate, weight, told.approximate)
    assert {int(item["row"][1:]) for item in section["items"]} == set(np.argsort(-cook)[:6])


def test_covariates_are_those_of_the_row(section):
    frame = rows_of_data(80, 2)
    for item in section["items"]:
        row = frame.iloc[int(item["row"][1:])]
        assert item["covariates"] == {name: row[name] for name in section["columns"]}


def test_the_sum_of_ten_is_minus_their_influences(told, section):
    said = section["in_sum"]
    j = list(told.est.names).index(said["name"])
    dfbetas = told.mixed[:, j] / told.est.naive_errors[j]
    ten = np.argsort(-np.abs(dfbetas))[:10]
    assert said["standard_errors"] == pytest.approx(-dfbetas[ten].sum(), rel=1e-5)
