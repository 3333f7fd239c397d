"""Verdicts and sets: what is counted is what refits say."""

import numpy as np
import pytest

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.reporting import find
from vifstats.reporting.effects import effects_of
from vifstats.reporting.findings import confirm
from vifstats.reporting.sections.sets import sets
from vifstats.reporting.sections.verdicts import candidates, p_values, verdicts


@pytest.fixture(scope="module")
def est():
    rossi = load_rossi()
    loss = vs.losses.Cox(rossi[["fin", "age", "mar", "prio"]], rossi["week"], rossi["arrest"])
    return vs.minimize(loss, np.zeros(4))


@pytest.fixture(scope="module")
def found(est):
    effects = effects_of(est.loss, est.names)
    found = find(est)
    return confirm(found, candidates(found, effects))


def p_without(est, out):
    """The p-values of a fit from scratch without some rows."""
    data, kept = est.loss.data, ~out
    loss = vs.losses.Cox(data.X[kept], data.time[kept], data.event[kept])
    refit = vs.minimize(loss, np.zeros(4))
    return p_values(refit.theta / refit.standard_errors)


def test_candidates_hold_every_row_that_decides(est, found):
    effects = effects_of(est.loss, est.names)
    everyone = confirm(found, np.arange(432))
    assert [list(v.flipping) for v in verdicts(found, effects)] == [
        list(v.flipping) for v in verdicts(everyone, effects)
    ]


def test_a_row_that_decides_does(est, found):
    fin = verdicts(found, effects_of(est.loss, est.names))[0]
    assert not fin.significant and len(fin.flipping) == fin.n_refitted > 0
    for row in fin.flipping[:3]:
        assert p_without(est, np.arange(432) == row)[0] < 0.05


def test_sets_flip_what_they_say(est, found):
    effects = effects_of(est.loss, est.names)
    section = sets(found, effects, True, seconds=np.inf)
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


def test_without_rows_a_set_has_only_its_size(est, found):
    section = sets(found, effects_of(est.loss, est.names), False, seconds=0.0)
    assert section["n_searched"] == 1
    assert section["items"][0]["rows"] is None and section["items"][0]["n"] >= 1


def test_few_rows_have_no_sets():
    y = np.arange(9.0)
    loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    found = find(vs.minimize(loss, [0.0]))
    assert sets(found, effects_of(loss, ("mean",)), True, 1.0) is None
