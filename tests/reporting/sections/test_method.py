"""The fingerprint: the same for the same data, another for any other."""

import numpy as np
import pandas as pd

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.reporting.sections.method import fingerprint


def loss(rossi, **options):
    return vs.losses.Cox(rossi[["age", "prio"]], rossi["week"], rossi["arrest"], **options)


def test_labels_and_types_do_not_matter():
    rossi = load_rossi()
    other = rossi.set_index(pd.Index([f"man {i}" for i in range(432)])).astype(float)
    assert fingerprint(loss(rossi)) == fingerprint(loss(other))


def test_values_order_and_weights_do():
    rossi = load_rossi()
    changed = rossi.assign(age=rossi["age"] + (rossi.index == 17))
    prints = {
        fingerprint(one)
        for one in (loss(rossi), loss(changed), loss(rossi[::-1]), loss(rossi, strata=rossi["fin"]))
    }
    assert len(prints) == 4


def test_minus_zero_is_zero():
    a = vs.losses.Cox([[0.0], [1.0]], [1.0, 2.0])
    b = vs.losses.Cox(np.array([[-0.0], [1.0]]), [1.0, 2.0])
    assert fingerprint(a) == fingerprint(b)
