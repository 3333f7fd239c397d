"""Page and calls give one answer: on single rows `conclusions`, on sets `influential_set`."""

import clinical_fits
import numpy as np
import pytest
import statsmodels.api as sm

import vifstats as vs
from vifstats.losses.effects import effects_of
from vifstats.plots.style import called
from vifstats.reporting import find
from vifstats.reporting.findings import confirm
from vifstats.reporting.sections.sets import sets
from vifstats.reporting.sections.verdicts import foreseen, verdicts


def of_sites():
    """Removed in groups, on other data."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(90, 2))
    loss = vs.losses.Cox(X, rng.exponential(size=90), rng.random(90) < 0.7)
    return vs.minimize(loss, np.zeros(2), groups=np.repeat([f"s{i:02d}" for i in range(30)], 3))


def of_least_squares():
    """t tests with degrees of freedom, and an outlier that blows up the residual variance."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 2))
    y = X @ [0.3, 0.1] + rng.normal(size=60)
    y[7] = 9.0
    return vs.from_model(sm.OLS(y, sm.add_constant(X)).fit())


FITS = {
    "rossi": clinical_fits.rossi,
    "lung": clinical_fits.lung,
    "metabric": clinical_fits.metabric,
    "sites": of_sites,
    "least squares": of_least_squares,
}


# Of each fit, the effects nearest to the bound of significance; a search takes seconds.
NEAREST = 2


@pytest.fixture(scope="module", params=FITS)
def judged(request):
    """Findings and verdicts, as they are on a page with time for all refits."""
    est = FITS[request.param]()
    effects, found = effects_of(est.loss, est.names), find(est, top=0)
    before = foreseen(found, effects)
    found = confirm(found, before.candidates)
    return found, effects, verdicts(found, effects, before)


def test_sets(judged):
    found, effects, verdicts = judged
    est = found.influence.estimate
    nearest = sorted(verdicts, key=lambda v: abs(abs(est.z_values[v.parameter]) - 1.96))[:NEAREST]
    items = sets(found, effects, nearest, True, np.inf)["items"]
    assert items
    for item in items:
        answer = vs.influential_set(est, item["name"], flip=item["about"])
        assert item["rows"] == [called(row) for row in answer.members]
        assert item["flips"] == answer.reached


def test_verdicts(judged):
    found, _, verdicts = judged
    est = found.influence.estimate
    changes = vs.conclusions(est).changes
    significance = changes[changes["change"] != "sign"]
    for verdict in verdicts:
        rows = significance.loc[significance["parameter"] == est.names[verdict.parameter], "row"]
        assert set(found.influence.index[verdict.flipping]) == set(rows)
        assert verdict.n_refitted == len(rows)
