"""`conclusions` against brute force: the library fitted again without every row of small data."""

from __future__ import annotations

import numpy as np
import pytest
from reported_fits import FITS, NAMES, rows_of_data

import vifstats as vs

BY_NAME = {str(fit): fit for fit in FITS}
# Each name is fitted to five data sets, or three where a fit takes a tenth of a second: 52 in all.
SMALL = {
    "lifelines naive": 18,
    "lifelines robust": 18,
    "lifelines cluster": 18,
    "lifelines weights robust": 18,
    "PHReg efron groups": 24,
    "OLS nonrobust t": 12,
    "OLS HC1 t": 12,
    "OLS HC3 z": 12,
    "OLS cluster t": 16,
    "WLS HC2 t": 12,
    "GLM gamma log nonrobust t": 16,
    "GLM poisson HC0 z": 16,
}


@pytest.mark.parametrize(
    ("seed", "name"),
    [(s, n) for n in SMALL for s in range(1, 4 if n.startswith("lifelines") else 6)],
)
def test_rows_found_are_those_that_change_the_summary(seed, name):
    fit, level = BY_NAME[name], 0.2  # a level that many of these fits are near
    frame = rows_of_data(SMALL[name], seed)
    est = fit.estimate(frame)
    found = vs.conclusions(est, level=level).changes
    found = found[found["confirmed"] & found["parameter"].isin(NAMES)]
    said = set(zip(found["parameter"], found["row"], found["change"], strict=True))
    before, truth = fit.summary(frame), set()
    for row in frame.index:
        after = fit.summary(frame.drop(index=row))
        if np.isnan(after.errors).all():
            # PHReg has no score residual, and so no sandwich, with a row never at risk at an event:
            # the library gives no verdict to compare with
            said = {change for change in said if change[1] != row}
            continue
        signs = after.coefficients * before.coefficients < 0
        lost = (before.p_values < level) & (after.p_values >= level)
        gained = (before.p_values >= level) & (after.p_values < level)
        for change, where in (
            ("sign", signs),
            ("significance lost", lost),
            ("significance gained", gained),
        ):
            names = np.array(est.names)[np.flatnonzero(where)]
            truth |= {(name, row, change) for name in names if name in NAMES}
    assert said == truth


def test_the_changes_asked_for_are_there():
    """Fits whose conclusions never change would test nothing."""
    counts = [
        len(vs.conclusions(BY_NAME[name].estimate(rows_of_data(n, 1)), level=0.2).changes)
        for name, n in SMALL.items()
    ]
    assert np.mean(np.array(counts) > 0) > 0.5
