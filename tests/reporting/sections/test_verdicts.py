"""Verdicts: what is counted is what refits say."""

from math import erfc, sqrt

import numpy as np
import pytest
import statsmodels.api as sm

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.losses.effects import effects_of
from vifstats.reporting import find
from vifstats.reporting.findings import confirm
from vifstats.reporting.sections.verdicts import foreseen, verdicts


@pytest.fixture(scope="module")
def est():
    rossi = load_rossi()
    loss = vs.losses.Cox(rossi[["fin", "age", "mar", "prio"]], rossi["week"], rossi["arrest"])
    return vs.minimize(loss, np.zeros(4))


@pytest.fixture(scope="module")
def judge(est):
    """The verdicts once more rows are refitted: by default those that may decide."""
    effects = effects_of(est.loss, est.names)
    found = find(est)
    before = foreseen(found, effects)

    def judge(rows=before.candidates):
        return verdicts(confirm(found, rows), effects, before)

    return judge


@pytest.fixture(scope="module")
def fin(judge):
    return judge()[0]


def p_of(z):
    return [erfc(abs(value) / sqrt(2)) for value in z]


def p_without(est, out):
    """The p-values of a fit from scratch without some rows."""
    data, kept = est.loss.data, ~out
    loss = vs.losses.Cox(data.X[kept], data.time[kept], data.event[kept])
    refit = vs.minimize(loss, np.zeros(4))
    return p_of(refit.theta / refit.standard_errors)


def test_candidates_hold_every_row_that_decides(judge):
    assert [list(v.flipping) for v in judge()] == [list(v.flipping) for v in judge(np.arange(432))]


def test_a_row_that_decides_does(est, fin):
    assert not fin.significant and len(fin.flipping) == fin.n_refitted > 0
    for row in fin.flipping[:3]:
        assert p_without(est, np.arange(432) == row)[0] < 0.05


def test_the_row_that_decides_most_is_the_furthest_beyond(est, fin):
    everyone = [p_without(est, np.arange(432) == row)[0] for row in fin.flipping[:40]]
    furthest = p_without(est, np.arange(432) == fin.furthest)[0]
    assert fin.furthest in fin.flipping and furthest <= min(everyone)


def test_a_residual_variance_is_estimated_again():
    """Without the outlier of least squares the standard errors of all others shrink."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=40)
    y = 0.25 * x + rng.normal(size=40)
    y[7] = 9.0
    est = vs.from_model(sm.OLS(y, sm.add_constant(x)).fit())
    found = confirm(find(est, "refit"), np.arange(40))
    effects = effects_of(est.loss, est.names)
    (slope,) = verdicts(found, effects, foreseen(found, effects))
    for row in range(40):
        kept = np.arange(40) != row
        fit = sm.OLS(y[kept], sm.add_constant(x[kept])).fit()
        assert (row in slope.flipping) == ((fit.pvalues[1] < 0.05) != slope.significant)
