"""Sets: what is said to change does, in a fit from scratch without them."""

from math import erfc, sqrt

import numpy as np
import pytest

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.losses.effects import effects_of
from vifstats.reporting import find
from vifstats.reporting.findings import confirm
from vifstats.reporting.sections.sets import sets
from vifstats.reporting.sections.verdicts import foreseen, verdicts


@pytest.fixture(scope="module")
def est():
    rossi = load_rossi()
    loss = vs.losses.Cox(rossi[["fin", "age", "mar", "prio"]], rossi["week"], rossi["arrest"])
    return vs.minimize(loss, np.zeros(4))


@pytest.fixture(scope="module")
def search(est):
    """A search with everything but the last arguments."""
    effects = effects_of(est.loss, est.names)
    found = find(est)
    before = foreseen(found, effects)
    found = confirm(found, before.candidates)
    judged = verdicts(found, effects, before)
    return lambda rows, seconds: sets(found, effects, judged, rows, seconds)


@pytest.fixture(scope="module")
def section(search):
    """All sets, with their rows."""
    return search(True, np.inf)


def p_without(est, out):
    """The p-values of a fit from scratch without some rows."""
    data, kept = est.loss.data, ~out
    loss = vs.losses.Cox(data.X[kept], data.time[kept], data.event[kept])
    refit = vs.minimize(loss, np.zeros(4))
    return [erfc(abs(z) / sqrt(2)) for z in refit.theta / refit.standard_errors]


def test_sets_flip_what_they_say(est, section):
    assert section["n_searched"] == section["n_questions"] == len(section["items"])
    flipped = 0
    for item in section["items"]:
        j = est.names.index(item["name"])
        p = p_without(est, np.isin(np.arange(432), [int(row) for row in item["rows"]]))
        assert item["refitted_p"] == pytest.approx(p[j], rel=1e-6)
        if item["about"] == "significance":
            assert item["flips"] == ((p[j] < 0.05) != (item["p"] < 0.05))
        flipped += item["flips"]
    assert flipped > 3


def test_without_rows_a_set_has_only_its_size(search):
    section = search(False, 0.0)
    assert section["n_searched"] == 1
    assert section["items"][0]["rows"] is None and section["items"][0]["n"] >= 1


def test_few_rows_have_no_sets():
    y = np.arange(9.0)
    loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    found = find(vs.minimize(loss, [0.0]))
    effects = effects_of(loss, ("mean",))
    judged = verdicts(found, effects, foreseen(found, effects))
    assert sets(found, effects, judged, True, 1.0) is None


def test_a_row_that_decides_alone_is_the_set(section):
    first = next(item for item in section["items"] if item["name"] == "fin")
    assert (first["about"], first["n"], first["flips"]) == ("significance", 1, True)


def test_time_that_is_up_ends_the_search(search, monkeypatch):
    clock = iter(np.arange(0.0, 1000.0, 10.0))
    monkeypatch.setattr("vifstats.reporting.timed_refits.perf_counter", lambda: next(clock))
    section = search(True, 25.0)  # two of 10 seconds each, and no third that would end at 30
    assert section["n_searched"] == 2 < section["n_questions"]


def test_too_many_rows_are_not_searched(search, monkeypatch):
    monkeypatch.setattr("vifstats.reporting.sections.sets.MOST_NUMBERS", 100)
    section = search(True, np.inf)
    assert section["too_many"] and section["items"] == [] and section["n_searched"] == 0
