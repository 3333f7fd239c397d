"""The loss of some objects is that of all with the others absent."""

from __future__ import annotations

import numpy as np
import pytest
from cases import CASES
from tolerances import ROUNDING, relative_error

from vifstats.losses.reduced import reduced
from vifstats.removals import Removals


@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_absence(case):
    loss = case.loss()
    kept = np.random.default_rng(0).random(loss.n_objects) < 0.7
    less = reduced(loss, kept)
    assert less.n_objects == kept.sum() and less.names == loss.names
    assert less.labels.equals(loss.labels[kept])
    theta, b = case.place, kept.astype(float)
    everyone = less.everyone()
    assert less.value(theta, everyone) == pytest.approx(loss.value(theta, b), rel=ROUNDING)
    owned = loss.owned_mask(Removals(np.where(kept, -1, 0), loss.labels[:1]), len(theta))
    free = ~owned[0] if owned is not None else np.ones(len(theta), dtype=bool)
    gradient = loss.gradient(theta, b)
    assert relative_error(less.gradient(theta)[free], gradient[free]) < ROUNDING
    hessian = loss.hessian(theta, b)[np.ix_(free, free)]
    assert relative_error(less.hessian(theta)[np.ix_(free, free)], hessian) < ROUNDING


@pytest.mark.parametrize("name", ["cox everything", "random effects", "ranking"])
def test_removals_are_numbered_among_those_kept(name):
    (case,) = [c for c in CASES if c.name == name]
    loss = case.loss()
    kept = np.arange(loss.n_objects) % 3 > 0
    less, objects = reduced(loss, kept), np.flatnonzero(kept)
    b = kept.astype(float)
    b[objects[2]] = 0.0
    D = less.gradient_differences(case.place)[2]
    expected = loss.gradient(case.place, kept.astype(float)) - loss.gradient(case.place, b)
    expected[list(less.owned(2))] = 0.0  # what vanishes has no difference
    assert relative_error(D[None], expected[None], floor=1e-3) < ROUNDING
    assert list(less.owned(2)) == list(loss.owned(objects[2]))
    assert len(less.gauge(case.place)) == len(loss.gauge(case.place))
