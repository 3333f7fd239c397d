"""The table of a model without each of its groups."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from cases import BY_NAME
from oracles import load_case

import vifstats as vs
from vifstats.errors import InvalidInputError


def test_each_line_is_a_fit_of_its_own():
    case = load_case("lung", "efron")
    site = np.array(["north", "south", "west"])[np.arange(213) % 3]
    est = vs.minimize(vs.losses.Cox(case.X, case.time, case.event), np.zeros(4))
    table = vs.leave_one_group_out(est, site).to_frame()
    for name in ("north", "south", "west"):
        kept = site != name
        loss = vs.losses.Cox(case.X[kept], case.time[kept], case.event[kept])
        own = vs.minimize(loss, np.zeros(4))
        lines = table.loc[name]
        assert lines["coefficient"].to_numpy() == pytest.approx(own.theta, rel=1e-7)
        assert lines["standard_error"].to_numpy() == pytest.approx(own.standard_errors, rel=1e-7)
        moved = (est.theta - own.theta) / est.standard_errors
        assert lines["dfbetas"].to_numpy() == pytest.approx(moved, rel=1e-5)
        assert (lines["rows"] == 71).all() and (lines["status"] == "ok").all()


def test_least_squares_against_statsmodels():
    data = sm.datasets.longley.load_pandas()
    X, y = sm.add_constant(data.exog[["GNP", "UNEMP"]]), data.endog
    period = np.arange(len(y)) // 4
    table = vs.leave_one_group_out(vs.from_model(sm.OLS(y, X).fit()), period).table
    for k in range(4):
        own = sm.OLS(y[period != k], X[period != k]).fit()
        assert table.loc[k, "p_value"].to_numpy() == pytest.approx(own.pvalues.to_numpy(), rel=1e-5)


def test_what_changes_is_marked():
    est = BY_NAME["cox efron"].estimate()
    found = vs.leave_one_group_out(est, np.arange(40) // 4)
    table = found.table
    without = table["coefficient"].unstack()[list(est.names)]
    flipped = without * est.params < 0
    assert (table["sign_changes"].unstack()[list(est.names)] == flipped).all(axis=None)
    assert repr(found).startswith("10 groups left out in turn, refitted")


@pytest.mark.parametrize(
    ("groups", "level", "message"),
    [(np.zeros(40), 0.05, "one group is everything"), (np.arange(40) % 2, 0.0, "`level` must be")],
)
def test_bad_input(groups, level, message):
    with pytest.raises(InvalidInputError, match=message):
        vs.leave_one_group_out(BY_NAME["cox efron"].estimate(), groups, level=level)
