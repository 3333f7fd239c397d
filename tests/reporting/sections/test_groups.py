"""Groups that leave whole: the effect without each, by a fit from scratch."""

import numpy as np
import pytest
from reported_fits import NAMES, rows_of_data

import vifstats as vs
from vifstats.losses.effects import effects_of
from vifstats.reporting import find
from vifstats.reporting.sections.groups import groups


def test_effects_without_a_group_are_those_of_a_fit_without_it():
    frame = rows_of_data(60, 4)
    loss = vs.losses.Cox(frame[NAMES], frame["time"], frame["event"])
    est = vs.minimize(loss, np.zeros(3))
    findings = find(vs.leave_one_out(est, groups=frame["id"]))
    section = groups(findings, effects_of(est.loss, est.names))
    sizes, without = frame["id"].value_counts(), {}
    for site in sizes.index:
        kept = frame[frame["id"] != site]
        loss = vs.losses.Cox(kept[NAMES], kept["time"], kept["event"])
        without[site] = vs.minimize(loss, np.zeros(3)).theta
    moved = {
        name: max(abs(t[j] - est.theta[j]) for t in without.values()) / est.naive_errors[j]
        for j, name in enumerate(est.names)
    }
    assert section["name"] == max(moved, key=lambda name: moved[name])
    j = list(est.names).index(section["name"])
    assert (section["n_groups"], section["smallest"], section["largest"]) == (
        len(sizes),
        sizes.min(),
        sizes.max(),
    )
    assert len(section["items"]) == len(sizes)
    for item in section["items"]:
        site = int(item["group"])
        assert item["n_rows"] == sizes[site] and item["exact"]
        assert item["effect"] == pytest.approx(np.exp(without[site][j]), rel=1e-6)
